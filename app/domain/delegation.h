/* delegation.h - the stakes of others: shares of an actor's pool, and what they earn.
 *
 * A pool's tokens are Actor.delegated and lie in the account `staked`; its rewards lie in the
 * account `rewards`.  Nothing here loops over delegators. */
#ifndef VPR_DOMAIN_DELEGATION_H
#define VPR_DOMAIN_DELEGATION_H

#include "app/domain/actors.h"

/* What a delegation is worth in uvipr now; 0 if there is none. */
uint64_t vpr_delegation_tokens(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                               const struct vpr_address *actor);
/* The account's delegations in the order of actors, after `after` (NULL: the first). */
VPR_MUST_USE bool vpr_delegation_next(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                                      const struct vpr_address *after,
                                      struct vpr_address *ret_actor, uint64_t *ret_tokens);

/* `amount` more has come into the account `rewards` for the delegators of that actor, who have
 * shares. */
void vpr_delegation_reward(struct vpr_ctx *ctx, const struct vpr_address *actor,
                           struct vpr_coin amount);

/* An entry of that delegation is paid: one less waits. */
void vpr_delegation_paid(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                         const struct vpr_address *actor);

/* What it has earned and not withdrawn, counted up to now. */
uint64_t vpr_delegation_due(const Viper__V1__DelegationPool *pool,
                            const Viper__V1__Delegation *own);
/* NULL: none. */
const Viper__V1__DelegationPool *vpr_delegation_pool(struct vpr_ctx *ctx,
                                                     const struct vpr_address *actor);
const Viper__V1__Delegation *vpr_delegation_get(struct vpr_ctx *ctx,
                                                const struct vpr_address *delegator,
                                                const struct vpr_address *actor);

/* By ctx->signer, to or from that actor: what our messages and those of wallets do. */
VPR_MUST_USE enum vpr_code vpr_delegate(struct vpr_ctx *ctx, const struct vpr_address *id,
                                        uint64_t amount);
VPR_MUST_USE enum vpr_code vpr_undelegate(struct vpr_ctx *ctx, const struct vpr_address *id,
                                          uint64_t amount);
VPR_MUST_USE enum vpr_code vpr_withdraw(struct vpr_ctx *ctx, const struct vpr_address *id);

enum vpr_code vpr_delegation_invariant(struct vpr_ctx *ctx); /* delegation_invariant.c */
extern const struct vpr_query vpr_delegation_queries[4];     /* delegation_queries.c */
extern const struct vpr_domain vpr_delegation;
extern const struct vpr_domain vpr_wallets; /* the same under the names that wallets use */

#endif
