/* penalty.h - the sums behind slashes, jails, benches, tombstones and absences of one actor. */
#ifndef VPR_CLI_PENALTY_H
#define VPR_CLI_PENALTY_H

#include "app/cli/sums.h"

/* Everything that befell the actor, oldest first: absences, jails and benches with their pauses and
 * resumes, then its slashes.  Exit code. */
int vpr_cli_penalties(struct vpr_sums *sums, const char *node, const char *id);

#endif
