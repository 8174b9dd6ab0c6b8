/* unbonding.h - what delegators took out and wait for: entries in a queue by time.
 *
 * The coins stay in the pool account `staked` until an entry is paid.  What slashes took of an
 * entry meanwhile is found out when it is paid, from the actor's slashes since: a slash costs
 * the same whatever waits (docs/decisions.md). */
#ifndef VPR_DOMAIN_UNBONDING_H
#define VPR_DOMAIN_UNBONDING_H

#include "app/domain/actors.h"

#define VPR_UNBONDING_MAX 16 /* live entries of a delegation */

/* A new one, of the block in hand; the caller has counted it. */
Viper__V1__Unbonding vpr_unbonding_add(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                                       const struct vpr_address *actor, uint64_t amount);
/* After transactions: pays what is due, at most 100 entries a block. */
void vpr_unbonding_pay(struct vpr_ctx *ctx);
/* Of an entry, after the slashes that reach it. */
uint64_t vpr_unbonding_left(struct vpr_ctx *ctx, const Viper__V1__Unbonding *entry);

/* The entry of that delegator after number `after` (NULL: the first). */
VPR_MUST_USE bool vpr_unbonding_next(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                                     const uint64_t *after, uint64_t *ret_number,
                                     const Viper__V1__Unbonding **ret_entry);
/* All that waits, before slashes; halts beyond any supply. */
struct vpr_coin vpr_unbonding_sum(struct vpr_ctx *ctx);
/* Every entry stands in the queue and no other does. */
enum vpr_code vpr_unbonding_invariant(struct vpr_ctx *ctx);

#endif
