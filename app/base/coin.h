/* coin.h - money and exact arithmetic.
 *
 * Base unit uvipr; total supply < 2^62, so that sums of two amounts cannot overflow. */
#ifndef VPR_BASE_COIN_H
#define VPR_BASE_COIN_H

#include "app/base/base.h"

#define VPR_UVIPR_PER_VIPR UINT64_C(1000000)
#define VPR_SUPPLY_MAX (UINT64_C(1) << 62)

struct vpr_coin {
    uint64_t uvipr;
};

static inline struct vpr_coin vpr_coin(uint64_t uvipr)
{
    return (struct vpr_coin){uvipr};
}

/* False on overflow (>= 2^62) or below zero; then the result is untouched. */
VPR_MUST_USE bool vpr_coin_add(struct vpr_coin *ret, struct vpr_coin a, struct vpr_coin b);
VPR_MUST_USE bool vpr_coin_sub(struct vpr_coin *ret, struct vpr_coin a, struct vpr_coin b);

/* a * b / c through 128 bits; c >= 1; a result of 2^64 or more halts in the first pair and
 * gives false in the second. */
uint64_t vpr_mul_div_floor(uint64_t a, uint64_t b, uint64_t c);
uint64_t vpr_mul_div_ceil(uint64_t a, uint64_t b, uint64_t c);
VPR_MUST_USE bool vpr_try_mul_div_floor(uint64_t *ret, uint64_t a, uint64_t b, uint64_t c);

/* a * b * c / d through 192 bits, d >= 1; false when 2^64 or more. */
VPR_MUST_USE bool vpr_try_mul3_div_floor(uint64_t *ret, uint64_t a, uint64_t b, uint64_t c,
                                         uint64_t d);

#endif
