/* split.h - throughput of a requestor's stake, and what a settled CU pays
 * (docs/protocol.md, 9.1, 9.2, 9.7).
 *
 * Amounts in uvipr, usd in micro-USD, yields in parts per billion a 1,000 blocks, cu_per_usd in
 * thousandths of a CU a USD and 1,000 blocks, cu_price_min in uvipr a 1,000 CU.  A result of
 * 2^64 or more is false, never a wrap. */
#ifndef VPR_RULES_SPLIT_H
#define VPR_RULES_SPLIT_H

#include "app/base/coin.h"

/* floor(amount * price / 10^6): what is added to the record at stake and top-up. */
VPR_MUST_USE bool vpr_usd_value(uint64_t *ret, uint64_t amount_uvipr, uint64_t price_micro_usd);

/* floor(stake * yield * blocks / 10^12): a requestor's budget of a session, and the mint to the
 * validators. */
VPR_MUST_USE bool vpr_yield(uint64_t *ret, uint64_t stake_uvipr, uint64_t yield_ppb,
                            uint64_t session_blocks);

/* min(floor(usd * cu_per_usd * blocks / 10^12), floor(budget * 1,000 / cu_price_min)) CU; with
 * cu_price_min 0 the first alone. */
VPR_MUST_USE bool vpr_allowance(uint64_t *ret, uint64_t usd, uint64_t cu_per_usd,
                                uint64_t session_blocks, uint64_t budget_uvipr,
                                uint64_t cu_price_min);

/* floor(allowance * share / 10^6 / n) CU a servicer; share <= 10^6, n >= 1. */
uint64_t vpr_quota(uint64_t allowance_cu, uint32_t share_ppm, uint32_t n);

/* floor(budget * 1,000 / allowance): uvipr a 1,000 CU before multipliers; allowance >= 1. */
VPR_MUST_USE bool vpr_unit_price(uint64_t *ret, uint64_t budget_uvipr, uint64_t allowance_cu);

/* floor(cu * budget / allowance), then * chain and * zone multiplier (ppm, floor each). False
 * on overflow and with allowance 0. */
VPR_MUST_USE bool vpr_gross(uint64_t *ret, uint64_t cu, uint64_t budget_uvipr,
                            uint64_t allowance_cu, uint32_t chain_multiplier_ppm,
                            uint32_t zone_multiplier_ppm);

/* min(sum, tails, quota). */
uint64_t vpr_settled_cu(uint64_t sum_cu, uint64_t tails_cu, uint64_t quota_cu);

/* Shares of gross; they sum to 10^6. */
struct vpr_split_rule {
    uint32_t servicer_ppm, fishermen_ppm, validator_ppm, chain_ppm, dao_ppm;
};

struct vpr_split {
    uint64_t servicer;  /* floor(part * score / 10^6) */
    uint64_t fisherman; /* of each drawn fisherman, before its factor; 0 with k < 2 */
    uint64_t validator;
    uint64_t chain;
    uint64_t dao; /* what gross leaves after the four other parts */
};

/* score <= 10^6; k = fishermen drawn. */
void vpr_split(struct vpr_split *ret, const struct vpr_split_rule *rule, uint64_t gross_uvipr,
               uint32_t score_ppm, uint32_t k);
/* floor(share * factor / 10^6): what one revealed card earns. */
uint64_t vpr_split_fisherman(const struct vpr_split *split, uint32_t factor_ppm);

/* A servicer's or validator's part between its owner and its delegators after commission. */
struct vpr_reward {
    uint64_t owner;
    uint64_t delegators;
};
struct vpr_reward vpr_reward(uint64_t part_uvipr, uint64_t own_uvipr, uint64_t delegated_uvipr,
                             uint32_t commission_ppm);

/* requestor_yield * (10^6 - dao) <= validator_yield * (10^6 - max_commission): serving one's
 * own stake never beats delegating it. */
bool vpr_yields_ok(uint64_t requestor_yield_ppb, uint32_t dao_ppm, uint64_t validator_yield_ppb,
                   uint32_t max_commission_ppm);

#endif
