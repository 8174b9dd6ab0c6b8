/* sums.h - sums of the chain done again, and held against what it said. */
#ifndef VPR_CLI_SUMS_H
#define VPR_CLI_SUMS_H

#include "app/cli/search.h"

/* Numbers done again and held against the chain's. */
struct vpr_sums {
    struct vpr_cli *cli;
    size_t differing;
};
void vpr_sums_hold(struct vpr_sums *sums, const char *what, uint64_t mine, uint64_t chain);

/* Stakes and commission by which a part was shared, and what its delegators got of it. */
struct vpr_sums_share {
    bool there; /* the chain said it; without delegators it need not */
    uint64_t stake, delegated, commission_ppm, delegators;
};
/* Reads stake_uvipr, delegated_uvipr, commission_ppm and delegators of an event. */
struct vpr_sums_share vpr_sums_share_of(const struct vpr_found *found);
/* `delegators` is what another event says of the same: 0 without a share. */
void vpr_sums_say_share(struct vpr_sums *sums, uint64_t part, uint64_t delegators,
                        const struct vpr_sums_share *share);

#endif
