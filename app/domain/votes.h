/* votes.h - who votes with what, and what it comes to.
 *
 * A vote counts the voter's delegations to validators as they are then, summed up per
 * validator and option; so the tally looks at validators only, never at voters. */
#ifndef VPR_DOMAIN_VOTES_H
#define VPR_DOMAIN_VOTES_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

#define VPR_VOTE_PARTS_MAX 128       /* validators that one vote may have delegations to */
#define VPR_VOTE_DELEGATIONS_MAX 512 /* delegations that are looked at for one vote */
#define VPR_VOTES_CUT_PER_BLOCK 200  /* of closed proposals */

#define VPR_VOTE_PARTS_BACK_MAX 8192 /* withdrawn in one block */

/* A delegation of this account changes: its votes on open proposals are withdrawn.  It may
 * vote again.  TOO_SOON, and nothing is withdrawn: the block has withdrawn enough. */
VPR_MUST_USE enum vpr_code vpr_governance_forget_votes(struct vpr_ctx *ctx,
                                                       const struct vpr_address *account);

/* After transactions: proposals whose time is over are counted, done and closed, by end and
 * id; votes on closed ones are deleted, a bounded number a block. */
void vpr_governance_tally(struct vpr_ctx *ctx);

/* What the votes on an open proposal come to now. */
Viper__V1__Tally vpr_votes_count(struct vpr_ctx *ctx, uint64_t proposal);
/* NULL: no such vote, or no longer. */
const Viper__V1__VoteRecord *vpr_vote_get(struct vpr_ctx *ctx, uint64_t proposal,
                                          const struct vpr_address *voter);

extern const struct vpr_domain vpr_votes;

#endif
