/* worlds.h - the genesis of the markets in which strategies are measured. */
#ifndef VPR_DRIVER_ADVERSARIES_WORLDS_H
#define VPR_DRIVER_ADVERSARIES_WORLDS_H

#include "tests/cast/cast.h"

/* Of every world: requestors 1 and 2 are large, 3 is small; each asks one chain. */
#define LARGE_VIPR 1000000
#define SMALL_VIPR 50000
/* Names that a servicer comes back under; "returned1" ... have money for fees. */
#define RETURNS_MAX 60

struct world {
    const char *name, *about;
    struct cast_size size;
    void (*change)(struct vpr_arena *arena, Viper__V1__GenesisState *genesis);
};

extern const struct world world_open;   /* 7 validators, 10 servicers, 8 fishermen, 3 requestors */
extern const struct world world_staked; /* requestor 1 is none; validator 1 takes the most */
extern const struct world world_pool;   /* chain 2 is requestor 1's alone, and those it knows */
extern const struct world world_dust;   /* a CU earns little more than the least claim */

#endif
