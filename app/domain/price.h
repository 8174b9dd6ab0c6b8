/* price.h - micro-USD per VIPR; set by genesis in this version. */
#ifndef VPR_DOMAIN_PRICE_H
#define VPR_DOMAIN_PRICE_H

#include "app/tx/handler.h"

/* What a stake is valued at now: the lowest of the prices of the running and the 23 sessions
 * before (protocol.md, 12). */
uint64_t vpr_price_for_stake(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_price;

#endif
