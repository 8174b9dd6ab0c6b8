/* delegation_walk.h - a query's walk through an account's delegations, an actor's delegators, or
 * what comes back to an account: the same pairs for our queries and for those of wallets. */
#ifndef VPR_DOMAIN_DELEGATION_WALK_H
#define VPR_DOMAIN_DELEGATION_WALK_H

#include "app/domain/delegation.h"
#include "app/domain/walk.h"

/* `of`: the first address of the keys `kind`, one of VPR_KEY_DELEGATES, VPR_KEY_DELEGATION and
 * VPR_KEY_ENTRY; `page` may be NULL.  It ends with vpr_walk_end. */
VPR_MUST_USE enum vpr_code
vpr_delegation_walk(struct vpr_walk *ret, struct vpr_ctx *ctx, enum vpr_key_first kind,
                    const struct vpr_address *of,
                    const Cosmos__Base__Query__V1beta1__PageRequest *page);
/* Of the first two kinds: the other address. */
VPR_MUST_USE bool vpr_delegation_walk_next(struct vpr_walk *walk, struct vpr_ctx *ctx,
                                           struct vpr_address *ret_other);
/* Of the third: an entry and its number; NULL at the end. */
const Viper__V1__Unbonding *vpr_unbonding_walk_next(struct vpr_walk *walk, struct vpr_ctx *ctx,
                                                    uint64_t *ret_number);

#endif
