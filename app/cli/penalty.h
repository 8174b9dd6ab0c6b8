/* penalty.h - the sums behind slashes, jails, tombstones and benches of one actor. */
#ifndef VPR_CLI_PENALTY_H
#define VPR_CLI_PENALTY_H

#include "app/cli/sums.h"

/* Everything that befell the actor, oldest first: jails and benches with their resumes, then
 * its slashes.  Exit code. */
int vpr_cli_penalties(struct vpr_sums *sums, const char *node, const char *id);

#endif
