#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/delegation.h"
#include "app/domain/field.h"
#include "app/domain/unbonding.h"

/* Delegations as a whole: what must hold between pools, delegations, entries and accounts. */

/* ---- walking ---- */

static bool next_pair(struct vpr_ctx *ctx, enum vpr_key_first first, struct vpr_bytes *from,
                      struct vpr_address *ret_a, struct vpr_address *ret_b)
{
    struct vpr_key_buf prefix = vpr_key(first);
    struct vpr_bytes key, value;
    if (from->len == 0) {
        *from = vpr_bytes_of(vpr_arena_copy(ctx->arena, prefix.b, prefix.len), prefix.len);
    }
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&prefix),
                        *from, &key, &value)) {
        return false;
    }
    struct vpr_reader r = vpr_reader(key);
    (void)vpr_read_u8(&r);
    vpr_read(&r, ret_a->b, sizeof ret_a->b);
    vpr_read(&r, ret_b->b, sizeof ret_b->b);
    VPR_ASSERT(vpr_read_done(&r));
    *from = vpr_state_after(ctx->arena, key);
    return true;
}

/* ---- invariant ---- */

/* Of one actor, summed over its delegations. */
struct sums {
    uint64_t shares, due, counted; /* counted: due up to now */
};

static uint64_t count_entries(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                              const struct vpr_address *actor)
{
    const Viper__V1__Unbonding *entry;
    uint64_t number, last, count = 0;
    const uint64_t *after = NULL;
    while (vpr_unbonding_next(ctx, delegator, after, &number, &entry)) {
        struct vpr_address of = vpr_address_of_field(entry->actor);
        count += vpr_address_equal(&of, actor);
        last = number;
        after = &last;
    }
    return count;
}

static enum vpr_code check_one(struct vpr_ctx *ctx, const struct vpr_address *actor,
                               const struct vpr_address *delegator, struct sums *sums)
{
    const Viper__V1__Delegation *own = vpr_delegation_get(ctx, delegator, actor);
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, actor);
    struct vpr_key_buf index = vpr_key(VPR_KEY_DELEGATES);
    struct vpr_bytes value;
    vpr_key_address(&index, delegator);
    vpr_key_address(&index, actor);
    bool holds = own->shares > 0 || own->due > 0;
    if ((holds && pool == NULL) || (!holds && own->unbonding == 0) ||
        own->unbonding != count_entries(ctx, delegator, actor) ||
        !vpr_state_get(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&index),
                       &value)) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "the delegation of %s to %s is empty, without pool or index, or its %"
                        PRIu32 " entries are not",
                        vpr_text_of_address(ctx->arena, delegator),
                        vpr_text_of_address(ctx->arena, actor), own->unbonding);
    }
    sums->shares += own->shares;
    sums->due += own->due;
    sums->counted += pool == NULL ? 0 : vpr_delegation_due(pool, own);
    return VPR_OK;
}

static enum vpr_code check_actor(struct vpr_ctx *ctx, const struct vpr_address *id,
                                 const Viper__V1__Actor *actor, const struct sums *sums,
                                 struct vpr_coin *rewards)
{
    static const Viper__V1__DelegationPool none = VIPER__V1__DELEGATION_POOL__INIT;
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, id);
    const Viper__V1__DelegationPool *p = pool == NULL ? &none : pool;
    if (p->shares != sums->shares || p->due != sums->due || sums->counted > p->rewards ||
        actor->delegated > p->shares || (p->shares == 0 && p->rewards != p->due) ||
        !vpr_coin_add(rewards, *rewards, vpr_coin(p->rewards))) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT,
                        "pool %s: %" PRIu64 " shares for %" PRIu64 " uvipr, %" PRIu64
                        " held; rewards %" PRIu64 ", due %" PRIu64 ", %" PRIu64 " held",
                        vpr_text_of_address(ctx->arena, id), p->shares, actor->delegated,
                        sums->shares, p->rewards, p->due, sums->counted);
    }
    return VPR_OK;
}

/* All pools have an actor, all delegations an index that leads back. */
static enum vpr_code check_keys(struct vpr_ctx *ctx, uint64_t delegations)
{
    struct vpr_key_buf pools = vpr_key(VPR_KEY_POOL);
    struct vpr_bytes from = vpr_key_bytes(&pools), key, value, at = {NULL, 0};
    struct vpr_address id, delegator;
    uint64_t indexed = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&pools),
                          from, &key, &value)) {
        VPR_ASSERT(key.len == pools.len + sizeof id.b);
        memcpy(id.b, key.data + pools.len, sizeof id.b);
        if (vpr_actor_get(ctx, &id) == NULL) {
            return vpr_fail(ctx->err, VPR_NOT_FOUND, "a pool of no actor %s",
                            vpr_text_of_address(ctx->arena, &id));
        }
        from = vpr_state_after(ctx->arena, key);
    }
    while (next_pair(ctx, VPR_KEY_DELEGATES, &at, &delegator, &id)) {
        indexed++;
    }
    if (indexed != delegations) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " delegations, %" PRIu64 " in the index", delegations,
                        indexed);
    }
    return VPR_OK;
}

enum vpr_code vpr_delegation_invariant(struct vpr_ctx *ctx)
{
    struct vpr_address account = vpr_pool_address(VPR_POOL_REWARDS);
    struct vpr_address id, of, delegator;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    struct vpr_coin rewards = vpr_coin(0);
    struct vpr_bytes at = {NULL, 0};
    uint64_t count = 0;
    bool more = next_pair(ctx, VPR_KEY_DELEGATION, &at, &of, &delegator);
    /* Both lists are in the order of actors: one pass over each. */
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        struct sums sums = {0, 0, 0};
        while (more && vpr_address_equal(&of, &id)) {
            VPR_TRY(check_one(ctx, &of, &delegator, &sums));
            count++;
            more = next_pair(ctx, VPR_KEY_DELEGATION, &at, &of, &delegator);
        }
        VPR_TRY(check_actor(ctx, &id, actor, &sums, &rewards));
        after = &id;
    }
    struct vpr_coin held = vpr_account_balance(ctx, &account);
    if (more || held.uvipr != rewards.uvipr /* raw: compared */) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT,
                        "the pool of rewards holds %" PRIu64 " uvipr, pools sum to %" PRIu64,
                        held.uvipr, rewards.uvipr /* raw: text */);
    }
    return check_keys(ctx, count);
}
