/* strategies.h - how the adversaries play: one row a strategy.
 *
 * `purse` is the capital: what its accounts hold and stake counts, in both plays.  Honest play
 * of the same capital is another purse and world only where the strategy needs it. */
#ifndef VPR_DRIVER_ADVERSARIES_STRATEGIES_H
#define VPR_DRIVER_ADVERSARIES_STRATEGIES_H

#include "tests/driver/adversaries/market.h"
#include "tests/driver/adversaries/worlds.h"

#define PURSE_PARTS 3
/* "KIND first" to "KIND last", each with its owner; ends with kind NULL. */
struct purse {
    const char *kind;
    unsigned first, last;
};

struct strategy {
    const char *name, *how, *honest;
    const struct world *world;
    struct purse purse[PURSE_PARTS + 1];
    const struct moves *moves;
    const struct world *honest_world; /* NULL: the same */
    struct purse honest_purse[PURSE_PARTS + 1]; /* kind NULL: the same */
    const struct moves *honest_moves; /* NULL: honest */
    int64_t most_permille; /* of honest profit, beyond which a check fails */
    bool throughput;       /* measured in CU a session, not in uvipr */
    bool slice;            /* part of what a change must pass */
};

extern const struct moves honest;
extern const struct strategy strategies[];
extern const size_t strategy_count;

/* Of servicers that lie (liars.c), of owners (owners.c), of fishermen (fishers.c), of those who
 * wait for a price (prices.c). */
extern const struct moves junk, inflating, late, doubling, replaying, dusting;
extern const struct moves dealing, dealing_alone, large_only, short_spread, short_large,
    withholding, staying_bad, returning, delegating;
extern const struct moves absent_eyes, blind_eyes, forgetful_eyes, bribed_for, bribed_against;
extern const struct moves short_peak, short_peak_honest, long_peak, long_peak_honest;

#endif
