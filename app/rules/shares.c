#include "app/rules/shares.h"

#include "app/base/bytes.h"

bool vpr_shares_open(uint64_t shares, uint64_t tokens)
{
    return shares == 0 || (vpr_u128)shares <= (vpr_u128)tokens * VPR_SHARES_PER_TOKEN_MAX;
}

bool vpr_shares_for(uint64_t *ret, uint64_t amount, uint64_t shares, uint64_t tokens)
{
    uint64_t more = amount, sum;
    VPR_ASSERT(amount >= 1 && vpr_shares_open(shares, tokens));
    if (shares > 0 && !vpr_try_mul_div_floor(&more, amount, shares, tokens)) {
        return false;
    }
    if (__builtin_add_overflow(shares, more, &sum)) {
        return false;
    }
    *ret = more;
    return true;
}

uint64_t vpr_shares_worth(uint64_t held, uint64_t shares, uint64_t tokens)
{
    VPR_ASSERT(held <= shares);
    return shares == 0 ? 0 : vpr_mul_div_floor(held, tokens, shares);
}

uint64_t vpr_shares_burned(uint64_t amount, uint64_t shares, uint64_t tokens)
{
    VPR_ASSERT(amount >= 1 && amount <= tokens);
    return vpr_mul_div_ceil(amount, shares, tokens);
}

vpr_u128 vpr_cumulative_read(const uint8_t in[VPR_CUMULATIVE_BYTES])
{
    return (vpr_u128)vpr_get_be64(in) << 64 | vpr_get_be64(in + 8);
}

void vpr_cumulative_write(uint8_t out[VPR_CUMULATIVE_BYTES], vpr_u128 cumulative)
{
    vpr_put_be64(out, (uint64_t)(cumulative >> 64));
    vpr_put_be64(out + 8, (uint64_t)cumulative);
}

bool vpr_shares_accrue(vpr_u128 *cumulative, uint64_t reward, uint64_t shares)
{
    VPR_ASSERT(shares >= 1);
    return !__builtin_add_overflow(*cumulative, ((vpr_u128)reward << 64) / shares, cumulative);
}

bool vpr_shares_earned(uint64_t *ret, vpr_u128 cumulative, vpr_u128 seen, uint64_t held)
{
    VPR_ASSERT(cumulative >= seen);
    vpr_u128 each = cumulative - seen;
    vpr_u128 low = (vpr_u128)(uint64_t)each * held;
    vpr_u128 high = (vpr_u128)(uint64_t)(each >> 64) * held + (uint64_t)(low >> 64);
    if (high > UINT64_MAX) {
        return false;
    }
    *ret = (uint64_t)high;
    return true;
}
