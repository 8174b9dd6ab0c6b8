/* price.h - micro-USD per VIPR: the first from genesis, then by validators' votes.
 *
 * A vote counts for the session in which it comes; when that closes, the median of the set's
 * stake is pending for one session and then in force. */
#ifndef VPR_DOMAIN_PRICE_H
#define VPR_DOMAIN_PRICE_H

#include "app/tx/handler.h"

#define VPR_PRICE_VOTES_TOLD 512 /* by the query; the set has 300 members at most */

/* What a stake is valued at now: the lowest of the prices of the running and the 23 sessions
 * before, the pending one and the newest median before its clamp (docs/protocol.md, 12). */
uint64_t vpr_price_for_stake(struct vpr_ctx *ctx);

/* In the first block of a session, before the set changes: counts the votes of the one that
 * closed, and cuts prices that no stake reads any more. */
void vpr_price_close(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_price;

#endif
