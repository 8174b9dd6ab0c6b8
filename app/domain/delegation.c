#include "app/domain/delegation.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/commission.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/unbonding.h"
#include "app/domain/votes.h"
#include "app/rules/shares.h"
#include "app/tx/gas.h"
#include "viper/v1/tx.pb-c.h"

/* ---- records ---- */

static struct vpr_key_buf pool_key(const struct vpr_address *actor)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_POOL);
    vpr_key_address(&key, actor);
    return key;
}

static struct vpr_key_buf pair_key(enum vpr_key_first first, const struct vpr_address *a,
                                   const struct vpr_address *b)
{
    struct vpr_key_buf key = vpr_key(first);
    vpr_key_address(&key, a);
    vpr_key_address(&key, b);
    return key;
}

static vpr_u128 cumulative_of(ProtobufCBinaryData field)
{
    VPR_ASSERT(field.len == VPR_CUMULATIVE_BYTES);
    return vpr_cumulative_read(field.data);
}

static ProtobufCBinaryData field_of_cumulative(struct vpr_ctx *ctx, vpr_u128 v)
{
    uint8_t *data = vpr_arena_alloc(ctx->arena, VPR_CUMULATIVE_BYTES);
    vpr_cumulative_write(data, v);
    return (ProtobufCBinaryData){VPR_CUMULATIVE_BYTES, data};
}

const Viper__V1__DelegationPool *vpr_delegation_pool(struct vpr_ctx *ctx,
                                                     const struct vpr_address *actor)
{
    struct vpr_key_buf key = pool_key(actor);
    return (const Viper__V1__DelegationPool *)vpr_record_get(
        ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key),
        &viper__v1__delegation_pool__descriptor);
}

const Viper__V1__Delegation *vpr_delegation_get(struct vpr_ctx *ctx,
                                                const struct vpr_address *delegator,
                                                const struct vpr_address *actor)
{
    struct vpr_key_buf key = pair_key(VPR_KEY_DELEGATION, actor, delegator);
    return (const Viper__V1__Delegation *)vpr_record_get(
        ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &viper__v1__delegation__descriptor);
}

static void put(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                const struct vpr_address *actor, const Viper__V1__Delegation *own)
{
    static const uint8_t present[] = {1};
    struct vpr_key_buf key = pair_key(VPR_KEY_DELEGATION, actor, delegator);
    struct vpr_key_buf index = pair_key(VPR_KEY_DELEGATES, delegator, actor);
    bool had = vpr_delegation_get(ctx, delegator, actor) != NULL;
    if (own->shares > 0 || own->due > 0 || own->unbonding > 0) {
        vpr_record_put(ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &own->base);
        if (!had) {
            vpr_state_put(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&index),
                          vpr_bytes_of(present, sizeof present));
        }
    } else if (had) {
        vpr_state_del(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&key));
        vpr_state_del(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&index));
    }
}

static void put_pool(struct vpr_ctx *ctx, const struct vpr_address *actor,
                     const Viper__V1__DelegationPool *pool)
{
    struct vpr_key_buf key = pool_key(actor);
    if (pool->shares > 0 || pool->due > 0) {
        vpr_record_put(ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &pool->base);
    } else if (vpr_delegation_pool(ctx, actor) != NULL) {
        vpr_state_del(ctx->state, VPR_STORE_DELEGATION, vpr_key_bytes(&key));
    }
}

/* ---- one delegation in hand: read together, changed, written together ---- */

struct hand {
    struct vpr_address id, delegator;
    const Viper__V1__Actor *actor; /* as it was */
    uint64_t tokens;               /* of the pool */
    Viper__V1__DelegationPool pool;
    Viper__V1__Delegation own;
    bool known; /* there was a delegation before */
    /* What was taken up: shares and cumulative reward at which they were seen last. */
    uint64_t held, earned;
    ProtobufCBinaryData seen;
};

uint64_t vpr_delegation_due(const Viper__V1__DelegationPool *pool,
                            const Viper__V1__Delegation *own)
{
    uint64_t earned = 0;
    if (own->shares > 0) {
        bool fits = vpr_shares_earned(&earned, cumulative_of(pool->cumulative),
                                      cumulative_of(own->seen), own->shares);
        VPR_ASSERT(fits && earned < VPR_SUPPLY_MAX); /* part of the pool's rewards */
    }
    return own->due + earned;
}

/* With what it earned up to now counted as due. */
static void take_up(struct vpr_ctx *ctx, struct hand *ret, const struct vpr_address *id,
                    const Viper__V1__Actor *actor)
{
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, id);
    const Viper__V1__Delegation *own = vpr_delegation_get(ctx, &ctx->signer, id);
    struct hand h = {.id = *id, .delegator = ctx->signer, .actor = actor,
                     .tokens = actor->delegated, .known = own != NULL};
    viper__v1__delegation_pool__init(&h.pool);
    viper__v1__delegation__init(&h.own);
    h.pool.cumulative = field_of_cumulative(ctx, 0);
    if (pool != NULL) {
        h.pool = *pool;
    }
    if (own != NULL) {
        h.own = *own;
    }
    uint64_t due = vpr_delegation_due(&h.pool, &h.own);
    h.held = h.own.shares;
    h.seen = h.held > 0 ? own->seen : field_of_cumulative(ctx, 0);
    h.earned = due - h.own.due;
    h.pool.due += h.earned;
    VPR_ASSERT(h.pool.due <= h.pool.rewards);
    h.own.due = due;
    h.own.seen = h.pool.cumulative;
    *ret = h;
}

/* What floors left over belongs to nobody when the last share goes: it is the DAO's. */
static void sweep(struct vpr_ctx *ctx, struct hand *h)
{
    struct vpr_address rewards = vpr_pool_address(VPR_POOL_REWARDS);
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    uint64_t dust = h->pool.rewards - h->pool.due;
    if (h->pool.shares > 0 || dust == 0) {
        return;
    }
    if (vpr_account_move(ctx, &rewards, &dao, vpr_coin(dust)) != VPR_OK) {
        VPR_HALT("the pool of rewards does not hold what is left over");
    }
    h->pool.rewards -= dust;
    vpr_actor_event(ctx, "reward_dust", &h->id, h->actor);
    vpr_event_u64(ctx, "amount_uvipr", dust);
}

static void put_down(struct vpr_ctx *ctx, struct hand *h)
{
    sweep(ctx, h);
    put_pool(ctx, &h->id, &h->pool);
    put(ctx, &h->delegator, &h->id, &h->own);
    if (h->tokens != h->actor->delegated) {
        Viper__V1__Actor actor = *h->actor;
        actor.delegated = h->tokens;
        vpr_actor_changed(ctx, &h->id, &actor);
    }
}

static void burn_shares(struct hand *h, uint64_t shares)
{
    VPR_ASSERT(shares <= h->own.shares && shares <= h->pool.shares);
    h->own.shares -= shares;
    h->pool.shares -= shares;
}

/* With all that what became due by it follows from. */
static void event(struct vpr_ctx *ctx, const char *type, const struct hand *h, uint64_t amount)
{
    vpr_actor_event(ctx, type, &h->id, h->actor);
    vpr_event_address(ctx, "delegator", &h->delegator);
    vpr_event_u64(ctx, "amount_uvipr", amount);
    vpr_event_u64(ctx, "held_shares", h->held);
    vpr_event_hex(ctx, "seen", h->seen.data, h->seen.len);
    vpr_event_hex(ctx, "cumulative", h->pool.cumulative.data, h->pool.cumulative.len);
    vpr_event_u64(ctx, "earned_uvipr", h->earned);
}

/* ---- for others ---- */

uint64_t vpr_delegation_tokens(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                               const struct vpr_address *actor)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Delegation *own = vpr_delegation_get(ctx, delegator, actor);
    uint64_t tokens = 0;
    if (own != NULL && own->shares > 0) {
        const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, actor);
        const Viper__V1__Actor *of = vpr_actor_get(ctx, actor);
        VPR_ASSERT(pool != NULL && of != NULL);
        tokens = vpr_shares_worth(own->shares, pool->shares, of->delegated);
    }
    vpr_arena_release(ctx->arena, mark);
    return tokens;
}

bool vpr_delegation_next(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                         const struct vpr_address *after, struct vpr_address *ret_actor,
                         uint64_t *ret_tokens)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_DELEGATES);
    struct vpr_key_buf last;
    struct vpr_bytes key, value;
    vpr_key_address(&prefix, delegator);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    if (after != NULL) {
        last = pair_key(VPR_KEY_DELEGATES, delegator, after);
        from = vpr_state_after(ctx->arena, vpr_key_bytes(&last));
    }
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_DELEGATION, vpr_key_bytes(&prefix),
                        from, &key, &value)) {
        return false;
    }
    VPR_ASSERT(key.len == prefix.len + sizeof ret_actor->b);
    memcpy(ret_actor->b, key.data + prefix.len, sizeof ret_actor->b);
    *ret_tokens = vpr_delegation_tokens(ctx, delegator, ret_actor);
    return true;
}

void vpr_delegation_reward(struct vpr_ctx *ctx, const struct vpr_address *actor,
                           struct vpr_coin amount)
{
    const Viper__V1__DelegationPool *before = vpr_delegation_pool(ctx, actor);
    VPR_ASSERT(before != NULL && before->shares > 0);
    Viper__V1__DelegationPool pool = *before;
    vpr_u128 cumulative = cumulative_of(pool.cumulative);
    struct vpr_coin sum;
    /* 2^64 uvipr a share are more than four times all there can be. */
    bool fits = vpr_shares_accrue(&cumulative, amount.uvipr /* raw: per share */, pool.shares);
    fits = fits && vpr_coin_add(&sum, vpr_coin(pool.rewards), amount);
    VPR_ASSERT(fits);
    pool.rewards = sum.uvipr; /* raw: records hold plain numbers */
    pool.cumulative = field_of_cumulative(ctx, cumulative);
    put_pool(ctx, actor, &pool);
}

void vpr_delegation_paid(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                         const struct vpr_address *actor)
{
    const Viper__V1__Delegation *before = vpr_delegation_get(ctx, delegator, actor);
    VPR_ASSERT(before != NULL && before->unbonding > 0);
    Viper__V1__Delegation own = *before;
    own.unbonding--;
    put(ctx, delegator, actor, &own);
}

/* ---- messages ---- */

static enum vpr_code check_pair(const char *delegator, const char *actor, struct vpr_err *err)
{
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, delegator, "delegator", err));
    return vpr_field_address(&ignored, actor, "actor", err);
}

static enum vpr_code check_amount(uint64_t amount, struct vpr_err *err)
{
    if (amount < 1 || amount >= VPR_SUPPLY_MAX) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "amount is %" PRIu64 " uvipr", amount);
    }
    return VPR_OK;
}

static enum vpr_code check_delegate(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgDelegate *m = (const Viper__V1__MsgDelegate *)message;
    VPR_TRY(check_pair(m->delegator, m->actor, err));
    return check_amount(m->amount, err);
}

static enum vpr_code check_undelegate(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgUndelegate *m = (const Viper__V1__MsgUndelegate *)message;
    VPR_TRY(check_pair(m->delegator, m->actor, err));
    return check_amount(m->amount, err);
}

static enum vpr_code check_withdraw(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgWithdraw *m = (const Viper__V1__MsgWithdraw *)message;
    return check_pair(m->delegator, m->actor, err);
}

enum vpr_code vpr_delegate(struct vpr_ctx *ctx, const struct vpr_address *id, uint64_t amount)
{
    struct vpr_address staked = vpr_pool_address(VPR_POOL_STAKED);
    const char *text = vpr_text_of_address(ctx->arena, id);
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    struct vpr_coin tokens;
    struct hand h;
    uint64_t shares;
    if (actor == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_STAKED, "%s is not the id of a staked actor", text);
    }
    VPR_TRY(vpr_actor_delegable(ctx, text, actor));
    if (actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING ||
        actor->status == VIPER__V1__STATUS__STATUS_GONE) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS, "%s is leaving; delegate to another", text);
    }
    if (actor->status == VIPER__V1__STATUS__STATUS_TOMBSTONED) {
        return vpr_fail(ctx->err, VPR_TOMBSTONED, "%s signed twice; delegate to another", text);
    }
    take_up(ctx, &h, id, actor);
    if (!vpr_shares_open(h.pool.shares, h.tokens)) {
        return vpr_fail(ctx->err, VPR_NO_DELEGATION,
                        "the pool of %s was slashed to %" PRIu64 " uvipr for %" PRIu64
                        " shares; it takes no more, delegate to another",
                        text, h.tokens, h.pool.shares);
    }
    if (!vpr_shares_for(&shares, amount, h.pool.shares, h.tokens) ||
        !vpr_coin_add(&tokens, vpr_coin(h.tokens), vpr_coin(amount))) {
        return vpr_fail(ctx->err, VPR_OVERFLOW,
                        "%" PRIu64 " uvipr more for %" PRIu64 " shares overflow", amount,
                        h.pool.shares);
    }
    VPR_TRY(vpr_account_move(ctx, &ctx->signer, &staked, vpr_coin(amount)));
    h.tokens = tokens.uvipr; /* raw: records hold plain numbers */
    h.pool.shares += shares;
    h.own.shares += shares;
    put_down(ctx, &h);
    VPR_TRY(vpr_governance_forget_votes(ctx, &h.delegator));

    event(ctx, "delegate", &h, amount);
    vpr_event_u64(ctx, "shares", shares);
    vpr_event_u64(ctx, "delegated_uvipr", h.tokens);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    return VPR_OK;
}

/* The delegation of the signer, or NOT_DELEGATED; from actors of any status. */
static enum vpr_code take_up_known(struct vpr_ctx *ctx, const struct vpr_address *id,
                                   struct hand *ret)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    if (actor != NULL) {
        take_up(ctx, ret, id, actor);
    }
    if (actor == NULL || !ret->known) {
        return vpr_fail(ctx->err, VPR_NOT_DELEGATED, "%s has not delegated to %s",
                        vpr_text_of_address(ctx->arena, &ctx->signer),
                        vpr_text_of_address(ctx->arena, id));
    }
    return VPR_OK;
}

enum vpr_code vpr_undelegate(struct vpr_ctx *ctx, const struct vpr_address *id,
                             uint64_t amount)
{
    struct hand h;
    VPR_TRY(take_up_known(ctx, id, &h));
    uint64_t worth = vpr_shares_worth(h.own.shares, h.pool.shares, h.tokens);
    if (amount > worth) {
        return vpr_fail(ctx->err, VPR_NOT_DELEGATED,
                        "%" PRIu64 " uvipr are delegated there, not %" PRIu64, worth, amount);
    }
    if (h.own.unbonding >= VPR_UNBONDING_MAX) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "%" PRIu32 " amounts come back from there already, %d at most; wait "
                        "until the first is paid",
                        h.own.unbonding, VPR_UNBONDING_MAX);
    }
    uint64_t shares = vpr_shares_burned(amount, h.pool.shares, h.tokens);
    burn_shares(&h, shares);
    h.tokens -= amount;
    h.own.unbonding++;
    put_down(ctx, &h);
    VPR_TRY(vpr_governance_forget_votes(ctx, &h.delegator));
    Viper__V1__Unbonding entry = vpr_unbonding_add(ctx, &h.delegator, id, amount);

    event(ctx, "undelegate", &h, amount);
    vpr_event_u64(ctx, "shares", shares);
    vpr_event_u64(ctx, "delegated_uvipr", h.tokens);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    vpr_event_u64(ctx, "unbond_session", entry.session);
    vpr_event_u64(ctx, "unbond_time_s", (uint64_t)entry.time_s);
    return VPR_OK;
}

enum vpr_code vpr_withdraw(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_address rewards = vpr_pool_address(VPR_POOL_REWARDS);
    struct hand h;
    VPR_TRY(take_up_known(ctx, id, &h));
    uint64_t due = h.own.due;
    if (due > 0 && vpr_account_move(ctx, &rewards, &ctx->signer, vpr_coin(due)) != VPR_OK) {
        VPR_HALT("the pool of rewards does not hold what is due");
    }
    h.own.due = 0;
    h.pool.due -= due;
    h.pool.rewards -= due;
    if (vpr_shares_worth(h.own.shares, h.pool.shares, h.tokens) == 0) {
        burn_shares(&h, h.own.shares); /* else what is worth nothing could never leave */
    }
    put_down(ctx, &h);
    event(ctx, "withdraw", &h, due);
    vpr_event_u64(ctx, "session", vpr_session_number(ctx));
    return VPR_OK;
}

static enum vpr_code apply_delegate(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgDelegate *m = (const Viper__V1__MsgDelegate *)message;
    struct vpr_address id;
    VPR_TRY(vpr_field_address(&id, m->actor, "actor", ctx->err));
    return vpr_delegate(ctx, &id, m->amount);
}

static enum vpr_code apply_undelegate(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgUndelegate *m = (const Viper__V1__MsgUndelegate *)message;
    struct vpr_address id;
    VPR_TRY(vpr_field_address(&id, m->actor, "actor", ctx->err));
    return vpr_undelegate(ctx, &id, m->amount);
}

static enum vpr_code apply_withdraw(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgWithdraw *m = (const Viper__V1__MsgWithdraw *)message;
    struct vpr_address id;
    VPR_TRY(vpr_field_address(&id, m->actor, "actor", ctx->err));
    return vpr_withdraw(ctx, &id);
}

static const struct vpr_handler handlers[] = {
    {"delegation.commission", "/viper.v1.MsgSetCommission",
     &viper__v1__msg_set_commission__descriptor, "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR,
     NULL, vpr_commission_check_set, vpr_commission_apply_set, NULL},
    {"delegation.delegate", "/viper.v1.MsgDelegate", &viper__v1__msg_delegate__descriptor,
     "delegator", VPR_LANE_ORDINARY, VPR_GAS_DELEGATION, NULL, check_delegate, apply_delegate,
     NULL},
    {"delegation.undelegate", "/viper.v1.MsgUndelegate",
     &viper__v1__msg_undelegate__descriptor, "delegator", VPR_LANE_ORDINARY,
     VPR_GAS_DELEGATION, NULL, check_undelegate, apply_undelegate, NULL},
    {"delegation.withdraw", "/viper.v1.MsgWithdraw", &viper__v1__msg_withdraw__descriptor,
     "delegator", VPR_LANE_ORDINARY, 0, NULL, check_withdraw, apply_withdraw, NULL},
};

static const struct vpr_invariant invariants[] = {
    {"delegations_add_up", vpr_delegation_invariant},
    {"unbondings_are_queued", vpr_unbonding_invariant},
};

const struct vpr_domain vpr_delegation = {
    .name = "delegation",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = vpr_delegation_queries,
    .query_count = VPR_COUNT(vpr_delegation_queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
