/* penalty.h - the sums behind slashes, jails, tombstones and benches of one actor. */
#ifndef VPR_CLI_PENALTY_H
#define VPR_CLI_PENALTY_H

#include "app/cli/cli.h"

/* Numbers done again and held against the chain's. */
struct vpr_sums {
    struct vpr_cli *cli;
    size_t differing;
};
void vpr_sums_hold(struct vpr_sums *sums, const char *what, uint64_t mine, uint64_t chain);

/* Everything that befell the actor, oldest first: jails and benches with their resumes, then
 * its slashes.  Exit code. */
int vpr_cli_penalties(struct vpr_sums *sums, const char *node, const char *id);

#endif
