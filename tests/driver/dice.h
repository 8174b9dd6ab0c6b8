/* dice.h - luck with a seed: the same numbers everywhere. */
#ifndef VPR_DRIVER_DICE_H
#define VPR_DRIVER_DICE_H

#include "app/base/base.h"

struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* 0 .. n - 1; n >= 1. */
static inline uint64_t dice_below(struct dice *dice, uint64_t n)
{
    return dice_next(dice) % n;
}

/* Both ends included. */
static inline uint64_t dice_between(struct dice *dice, uint64_t least, uint64_t most)
{
    return least + dice_below(dice, most - least + 1);
}

static inline bool dice_percent(struct dice *dice, unsigned percent)
{
    return dice_below(dice, 100) < percent;
}

#endif
