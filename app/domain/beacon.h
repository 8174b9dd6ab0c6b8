/* beacon.h - public randomness out of the proposers' hash chains (docs/protocol.md, 16). */
#ifndef VPR_DOMAIN_BEACON_H
#define VPR_DOMAIN_BEACON_H

#include "app/tx/handler.h"

struct vpr_hash vpr_beacon_get(struct vpr_ctx *ctx); /* B of the last finished step */

/* For ProcessProposal: empty, or 32 bytes that hash to the proposer's chain end. */
VPR_MUST_USE bool vpr_beacon_reveal_ok(struct vpr_ctx *ctx, struct vpr_bytes reveal);

void vpr_beacon_step(struct vpr_ctx *ctx); /* B_h from ctx->reveal and ctx->proposer */

extern const struct vpr_domain vpr_beacon;

#endif
