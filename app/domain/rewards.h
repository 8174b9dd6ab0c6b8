/* rewards.h - what a block pays for settled work: minted as one sum, credited once per
 * account and delegation pool.
 *
 * Collected first, paid at the end; what was never added is never minted, so an entry that
 * fails needs nothing undone. */
#ifndef VPR_DOMAIN_REWARDS_H
#define VPR_DOMAIN_REWARDS_H

#include "app/tx/handler.h"

struct vpr_rewards {
    struct vpr_coin supply; /* when the collecting began: the larger of total and ever minted */
    struct vpr_coin total;
    size_t count, room;
    struct vpr_reward_item {
        bool delegators; /* of the actor `who`, else the account */
        struct vpr_address who;
        size_t index; /* of two for one account the order must be defined, too */
        struct vpr_coin amount;
    } * items;
};

/* Room for that many additions, in ctx->arena. */
void vpr_rewards_start(struct vpr_ctx *ctx, struct vpr_rewards *ret, size_t room);
/* False if all collected and this together would take the supply to 2^62. */
VPR_MUST_USE bool vpr_rewards_fit(const struct vpr_rewards *rewards, struct vpr_coin amount);
/* Fits, the caller has asked; zero is nothing. */
void vpr_rewards_add(struct vpr_rewards *rewards, const struct vpr_address *who,
                     struct vpr_coin amount);
/* For the delegators of that actor, who have shares. */
void vpr_rewards_add_delegators(struct vpr_rewards *rewards, const struct vpr_address *actor,
                                struct vpr_coin amount);
/* Mints the total and credits everybody: accounts, then delegation pools, in the order of
 * addresses. */
void vpr_rewards_pay(struct vpr_ctx *ctx, struct vpr_rewards *rewards);

#endif
