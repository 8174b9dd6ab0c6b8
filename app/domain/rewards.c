#include "app/domain/rewards.h"

#include "app/base/sort.h"
#include "app/domain/accounts.h"
#include "app/domain/delegation.h"

void vpr_rewards_start(struct vpr_ctx *ctx, struct vpr_rewards *ret, size_t room)
{
    struct vpr_supply supply = vpr_supply_get(ctx);
    struct vpr_coin unused;

    *ret = (struct vpr_rewards){
        .supply =
            vpr_coin_sub(&unused, supply.minted, supply.total) ? supply.minted : supply.total,
        .total = vpr_coin(0),
        .room = room,
        .items = VPR_ARENA_ARRAY(ctx->arena, struct vpr_reward_item, room),
    };
}

bool vpr_rewards_fit(const struct vpr_rewards *rewards, struct vpr_coin amount)
{
    struct vpr_coin sum;
    return vpr_coin_add(&sum, rewards->total, amount) &&
           vpr_coin_add(&sum, rewards->supply, sum);
}

static void add(struct vpr_rewards *rewards, bool delegators, const struct vpr_address *who,
                struct vpr_coin amount)
{
    if (amount.uvipr == 0 /* raw: zero */) {
        return;
    }
    VPR_ASSERT(rewards->count < rewards->room);
    bool fits = vpr_coin_add(&rewards->total, rewards->total, amount);
    VPR_ASSERT(fits);
    rewards->items[rewards->count] =
        (struct vpr_reward_item){delegators, *who, rewards->count, amount};
    rewards->count++;
}

void vpr_rewards_add(struct vpr_rewards *rewards, const struct vpr_address *who,
                     struct vpr_coin amount)
{
    add(rewards, false, who, amount);
}

void vpr_rewards_add_delegators(struct vpr_rewards *rewards, const struct vpr_address *actor,
                                struct vpr_coin amount)
{
    add(rewards, true, actor, amount);
}

static bool same_payee(const struct vpr_reward_item *a, const struct vpr_reward_item *b)
{
    return a->delegators == b->delegators && vpr_address_equal(&a->who, &b->who);
}

static int item_cmp(const void *a, const void *b)
{
    const struct vpr_reward_item *left = a;
    const struct vpr_reward_item *right = b;
    int order = left->delegators - right->delegators;

    if (order == 0) {
        order = vpr_address_cmp(&left->who, &right->who);
    }
    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static void credit(struct vpr_ctx *ctx, const struct vpr_reward_item *to, struct vpr_coin sum)
{
    struct vpr_address account = vpr_pool_address(VPR_POOL_REWARDS);
    vpr_account_credit(ctx, to->delegators ? &account : &to->who, sum);
    if (to->delegators) {
        vpr_delegation_reward(ctx, &to->who, sum);
    }
}

void vpr_rewards_pay(struct vpr_ctx *ctx, struct vpr_rewards *rewards)
{
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);

    if (rewards->count == 0) {
        return;
    }
    /* One sum comes into being in the pool of the DAO and leaves it at once but for its own
     * part, which is an item like the others. */
    bool minted = vpr_account_mint(ctx, &dao, rewards->total);
    VPR_ASSERT(minted);
    enum vpr_code code = vpr_account_debit(ctx, &dao, rewards->total);
    VPR_ASSERT(code == VPR_OK);

    vpr_sort(ctx->arena, rewards->items, rewards->count, sizeof rewards->items[0], item_cmp);
    for (size_t i = 0; i < rewards->count;) {
        const struct vpr_reward_item *first = &rewards->items[i];
        struct vpr_coin sum = vpr_coin(0);
        for (; i < rewards->count && same_payee(&rewards->items[i], first); i++) {
            bool fits = vpr_coin_add(&sum, sum, rewards->items[i].amount);
            VPR_ASSERT(fits);
        }
        size_t mark = vpr_arena_mark(ctx->arena);
        credit(ctx, first, sum);
        vpr_arena_release(ctx->arena, mark);
    }
}
