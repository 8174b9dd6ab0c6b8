/* upgrade.h - which version of the application runs, and which from what height on.
 *
 * Governance plans {name, height, version}; at that height the old binary stops before the
 * block, and only one of that version goes on (node/owner, `viperd start`). */
#ifndef VPR_DOMAIN_UPGRADE_H
#define VPR_DOMAIN_UPGRADE_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

#define VPR_UPGRADE_NAME_BYTES_MAX 32

/* Of this binary; in a file of its own, so that a test can link another. */
extern const uint64_t vpr_app_version;

/* The version that makes block `height`, which is above the state's. */
uint64_t vpr_upgrade_version_at(struct vpr_ctx *ctx, uint64_t height);
/* NULL: nothing is planned. */
const Viper__V1__Upgrade *vpr_upgrade_plan(struct vpr_ctx *ctx);

/* Height 0 takes the plan back; else it replaces one.  As of now: BAD_FIELD, TOO_SOON,
 * NOT_FOUND. */
VPR_MUST_USE enum vpr_code vpr_upgrade_check(const Viper__V1__Upgrade *upgrade,
                                             struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_upgrade_admit(struct vpr_ctx *ctx,
                                             const Viper__V1__Upgrade *upgrade);
void vpr_upgrade_put(struct vpr_ctx *ctx, const Viper__V1__Upgrade *upgrade);

/* First step of a block: a plan that is due is done.  Halts in a binary of another version. */
void vpr_upgrade_step(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_upgrades;

#endif
