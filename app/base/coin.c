#include "app/base/coin.h"

bool vpr_coin_add(struct vpr_coin *ret, struct vpr_coin a, struct vpr_coin b)
{
    if (a.uvipr >= VPR_SUPPLY_MAX || b.uvipr >= VPR_SUPPLY_MAX - a.uvipr) {
        return false;
    }
    ret->uvipr = a.uvipr + b.uvipr;
    return true;
}

bool vpr_coin_sub(struct vpr_coin *ret, struct vpr_coin a, struct vpr_coin b)
{
    if (a.uvipr >= VPR_SUPPLY_MAX || b.uvipr > a.uvipr) {
        return false;
    }
    ret->uvipr = a.uvipr - b.uvipr;
    return true;
}

bool vpr_try_mul_div_floor(uint64_t *ret, uint64_t a, uint64_t b, uint64_t c)
{
    VPR_ASSERT(c >= 1);
    vpr_u128 quotient = (vpr_u128)a * b / c;
    if (quotient > UINT64_MAX) {
        return false;
    }
    *ret = (uint64_t)quotient;
    return true;
}

uint64_t vpr_mul_div_floor(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t quotient = 0;
    VPR_ASSERT(vpr_try_mul_div_floor(&quotient, a, b, c));
    return quotient;
}

uint64_t vpr_mul_div_ceil(uint64_t a, uint64_t b, uint64_t c)
{
    VPR_ASSERT(c >= 1);
    /* (2^64 - 1)^2 + 2^64 - 2 still fits in 128 bits. */
    vpr_u128 quotient = ((vpr_u128)a * b + (c - 1)) / c;
    VPR_ASSERT(quotient <= UINT64_MAX);
    return (uint64_t)quotient;
}

bool vpr_try_mul3_div_floor(uint64_t *ret, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    VPR_ASSERT(d >= 1);
    vpr_u128 ab = (vpr_u128)a * b;
    vpr_u128 low = (vpr_u128)(uint64_t)ab * c;
    vpr_u128 high = (vpr_u128)(uint64_t)(ab >> 64) * c + (uint64_t)(low >> 64);
    /* Limbs of a * b * c from the top; long division, one limb at a time. */
    uint64_t limbs[3] = {(uint64_t)(high >> 64), (uint64_t)high, (uint64_t)low};
    uint64_t quotient[3];
    uint64_t rest = 0;
    for (size_t i = 0; i < VPR_COUNT(limbs); i++) {
        vpr_u128 part = (vpr_u128)rest << 64 | limbs[i];
        quotient[i] = (uint64_t)(part / d);
        rest = (uint64_t)(part % d);
    }
    if (quotient[0] != 0 || quotient[1] != 0) {
        return false;
    }
    *ret = quotient[2];
    return true;
}
