/* running.h - how a servicer's running scores moved in a session (docs/protocol.md, 10). */
#ifndef VPR_CLI_RUNNING_H
#define VPR_CLI_RUNNING_H

#include "app/cli/penalty.h"

/* Each pool's move from its mean, and the mean from the medians of all the pool's sids (up to a
 * limit, which is said).  Exit code. */
int vpr_cli_running(struct vpr_sums *sums, const char *node, const char *servicer,
                    uint64_t session);

#endif
