#include "app/rules/split.h"

#define PER_TRILLION UINT64_C(1000000000000)

bool vpr_usd_value(uint64_t *ret, uint64_t amount_uvipr, uint64_t price_micro_usd)
{
    return vpr_try_mul_div_floor(ret, amount_uvipr, price_micro_usd, VPR_PPM);
}

bool vpr_yield(uint64_t *ret, uint64_t stake_uvipr, uint64_t yield_ppb, uint64_t session_blocks)
{
    return vpr_try_mul3_div_floor(ret, stake_uvipr, yield_ppb, session_blocks, PER_TRILLION);
}

bool vpr_allowance(uint64_t *ret, uint64_t usd, uint64_t cu_per_usd, uint64_t session_blocks,
                   uint64_t budget_uvipr, uint64_t cu_price_min)
{
    /* A term of 2^64 or more is never the smaller one, unless both are. */
    uint64_t by_usd = 0;
    uint64_t by_price = 0;
    bool usd_fits =
        vpr_try_mul3_div_floor(&by_usd, usd, cu_per_usd, session_blocks, PER_TRILLION);
    bool price_fits = cu_price_min != 0 &&
                      vpr_try_mul_div_floor(&by_price, budget_uvipr, 1000, cu_price_min);
    if (!usd_fits && !price_fits) {
        return false;
    }
    if (usd_fits && price_fits) {
        *ret = by_usd < by_price ? by_usd : by_price;
    } else {
        *ret = usd_fits ? by_usd : by_price;
    }
    return true;
}

uint64_t vpr_quota(uint64_t allowance_cu, uint32_t share_ppm, uint32_t n)
{
    VPR_ASSERT(share_ppm <= VPR_PPM);
    VPR_ASSERT(n >= 1);
    return vpr_mul_div_floor(allowance_cu, share_ppm, VPR_PPM * n);
}

bool vpr_unit_price(uint64_t *ret, uint64_t budget_uvipr, uint64_t allowance_cu)
{
    VPR_ASSERT(allowance_cu >= 1);
    return vpr_try_mul_div_floor(ret, budget_uvipr, 1000, allowance_cu);
}

bool vpr_gross(uint64_t *ret, uint64_t cu, uint64_t budget_uvipr, uint64_t allowance_cu,
               uint32_t chain_multiplier_ppm, uint32_t zone_multiplier_ppm)
{
    uint64_t gross;
    VPR_ASSERT(chain_multiplier_ppm <= VPR_PPM && zone_multiplier_ppm <= VPR_PPM);
    if (allowance_cu == 0 || !vpr_try_mul_div_floor(&gross, cu, budget_uvipr, allowance_cu)) {
        return false;
    }
    gross = vpr_mul_div_floor(gross, chain_multiplier_ppm, VPR_PPM);
    *ret = vpr_mul_div_floor(gross, zone_multiplier_ppm, VPR_PPM);
    return true;
}

uint64_t vpr_settled_cu(uint64_t sum_cu, uint64_t tails_cu, uint64_t quota_cu)
{
    uint64_t least = sum_cu < tails_cu ? sum_cu : tails_cu;
    return least < quota_cu ? least : quota_cu;
}

void vpr_split(struct vpr_split *ret, const struct vpr_split_rule *rule, uint64_t gross_uvipr,
               uint32_t score_ppm, uint32_t k)
{
    VPR_ASSERT((uint64_t)rule->servicer_ppm + rule->fishermen_ppm + rule->validator_ppm +
                   rule->chain_ppm + rule->dao_ppm ==
               VPR_PPM);
    VPR_ASSERT(score_ppm <= VPR_PPM);
    uint64_t servicer = vpr_mul_div_floor(gross_uvipr, rule->servicer_ppm, VPR_PPM);
    uint64_t fishermen = vpr_mul_div_floor(gross_uvipr, rule->fishermen_ppm, VPR_PPM);
    ret->servicer = vpr_mul_div_floor(servicer, score_ppm, VPR_PPM);
    ret->fisherman = k < 2 ? 0 : fishermen / k;
    ret->validator = vpr_mul_div_floor(gross_uvipr, rule->validator_ppm, VPR_PPM);
    ret->chain = vpr_mul_div_floor(gross_uvipr, rule->chain_ppm, VPR_PPM);
    ret->dao = gross_uvipr - servicer - fishermen - ret->validator - ret->chain;
}

uint64_t vpr_split_fisherman(const struct vpr_split *split, uint32_t factor_ppm)
{
    VPR_ASSERT(factor_ppm <= VPR_PPM);
    return vpr_mul_div_floor(split->fisherman, factor_ppm, VPR_PPM);
}

struct vpr_reward vpr_reward(uint64_t part_uvipr, uint64_t own_uvipr, uint64_t delegated_uvipr,
                             uint32_t commission_ppm)
{
    VPR_ASSERT(commission_ppm <= VPR_PPM);
    VPR_ASSERT(own_uvipr < VPR_SUPPLY_MAX && delegated_uvipr < VPR_SUPPLY_MAX);
    if (delegated_uvipr == 0) {
        return (struct vpr_reward){part_uvipr, 0};
    }
    uint64_t theirs =
        vpr_mul_div_floor(part_uvipr, delegated_uvipr, own_uvipr + delegated_uvipr);
    theirs -= vpr_mul_div_floor(theirs, commission_ppm, VPR_PPM);
    return (struct vpr_reward){part_uvipr - theirs, theirs};
}

bool vpr_yields_ok(uint64_t requestor_yield_ppb, uint32_t dao_ppm, uint64_t validator_yield_ppb,
                   uint32_t max_commission_ppm)
{
    VPR_ASSERT(dao_ppm <= VPR_PPM && max_commission_ppm <= VPR_PPM);
    return (vpr_u128)requestor_yield_ppb * (VPR_PPM - dao_ppm) <=
           (vpr_u128)validator_yield_ppb * (VPR_PPM - max_commission_ppm);
}
