/* fisherman.h - viper-fisherman put together: everything between fisherman.toml and the loop.
 *
 * One watch for the running session, one that is ending, and reports for those that are past;
 * each goes on after a restart from its book and the chain's state. */
#ifndef VPR_FISHERMAN_FISHERMAN_H
#define VPR_FISHERMAN_FISHERMAN_H

#include "app/host/keyring.h"
#include "fisherman/settings.h"

struct vpr_loop;
struct vpr_fisherman;

/* `home` holds samples/.  The key stays the caller's. */
VPR_MUST_USE enum vpr_code vpr_fisherman_create(struct vpr_fisherman **ret,
                                                struct vpr_loop *loop,
                                                const struct vpr_fisherman_conf *conf,
                                                const char *home,
                                                const struct vpr_key *operator_key,
                                                struct vpr_err *err);
/* The loop ends: everything of worth is on disk already. */
void vpr_fisherman_stop(struct vpr_fisherman *fisherman);
/* The loop must not run any more after; NULL is fine. */
void vpr_fisherman_destroy(struct vpr_fisherman *fisherman);
uint16_t vpr_fisherman_metrics_port(const struct vpr_fisherman *fisherman); /* 0: none */

#endif
