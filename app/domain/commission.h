/* commission.h - what a validator's or servicer's owner keeps of its delegators' part. */
#ifndef VPR_DOMAIN_COMMISSION_H
#define VPR_DOMAIN_COMMISSION_H

#include "app/domain/actors.h"
#include "app/rules/split.h"

/* Without state: at most 10^6 ppm.  With it: at most max_commission of the running session. */
VPR_MUST_USE enum vpr_code vpr_commission_check(uint32_t ppm, struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_commission_allowed(struct vpr_ctx *ctx, uint32_t ppm);

/* What it takes now; `most_ppm`: max_commission of the running session, which binds a commission
 * set before it fell. */
uint32_t vpr_commission_of(const Viper__V1__Actor *actor, uint64_t most_ppm);

/* How a part of it is shared, with commission, owner and stakes as they are now. */
struct vpr_reward vpr_reward_of(const Viper__V1__Actor *actor, uint64_t most_ppm,
                                uint64_t part_uvipr);

/* MsgSetCommission. */
enum vpr_code vpr_commission_check_set(const ProtobufCMessage *message, struct vpr_err *err);
enum vpr_code vpr_commission_apply_set(struct vpr_ctx *ctx, const ProtobufCMessage *message);

#endif
