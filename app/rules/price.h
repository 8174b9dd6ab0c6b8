/* price.h - the price of VIPR from validators' votes (docs/protocol.md, 12).
 *
 * Prices in micro-USD a VIPR, stakes in uvipr. */
#ifndef VPR_RULES_PRICE_H
#define VPR_RULES_PRICE_H

#include "app/base/arena.h"

struct vpr_price_vote {
    uint64_t price;
    uint64_t stake;
};

/* The smallest price at which the votes up to it hold at least half of the voting stake; false
 * with votes of less than 2/3 of the set's stake, or none.  Scratch memory is given back. */
VPR_MUST_USE bool vpr_price_median(uint64_t *ret, struct vpr_arena *scratch,
                                   const struct vpr_price_vote *votes, size_t count,
                                   uint64_t set_stake);

/* Into floor(p * 9 / 10) ... floor(p * 11 / 10), at least 1 up and down, never below 1; `old`
 * is the price pending when the session closes, 1 ... 2^63. */
uint64_t vpr_price_clamp(uint64_t old, uint64_t median);

#define VPR_PRICE_SESSIONS 24 /* the running one and the 23 before */

/* What a stake is valued at: the lowest of the last 24 of `prices` (the running session's
 * last, count >= 1), the pending one and the newest median before its clamp (NULL: none). */
uint64_t vpr_price_of_stake(const uint64_t *prices, size_t count, uint64_t pending,
                            const uint64_t *newest_median);

#endif
