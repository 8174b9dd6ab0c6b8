#include "app/domain/actors.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/field.h"
#include "app/domain/price.h"
#include "app/domain/quality.h"
#include "app/domain/sessions.h"
#include "app/domain/validators.h"
#include "app/rules/split.h"
#include "app/tx/gas.h"
#include "viper/v1/tx.pb-c.h"

/* The messages that all kinds of actors share, and the way out: unstake, wait, get the stake
 * back. */

#define UNBOND_SESSIONS 6 /* docs/protocol.md, 16: not before session s+6 opens */
#define UNBOND_PER_BLOCK 100

/* The signer must be the owner. */
static enum vpr_code find_own(struct vpr_ctx *ctx, const char *id_text,
                              struct vpr_address *ret_id, Viper__V1__Actor *ret_copy)
{
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_actor_find(ctx, id_text, VIPER__V1__KIND__KIND_NONE, &id, &actor));
    struct vpr_address owner = vpr_address_of_field(actor->owner);
    if (!vpr_address_equal(&ctx->signer, &owner)) {
        return vpr_fail(ctx->err, VPR_DENIED, "only the owner of %s may do this", id_text);
    }
    *ret_id = id;
    *ret_copy = *actor;
    return VPR_OK;
}

static enum vpr_code alive(struct vpr_ctx *ctx, const Viper__V1__Actor *actor,
                           const char *id_text)
{
    if (actor->status == VIPER__V1__STATUS__STATUS_TOMBSTONED) {
        return vpr_fail(ctx->err, VPR_TOMBSTONED,
                        "%s signed twice and is never a validator again; its owner can "
                        "unstake",
                        id_text);
    }
    return VPR_OK;
}

/* ---- messages ---- */

static enum vpr_code check_two(const char *first, const char *first_field, const char *second,
                               const char *second_field, struct vpr_err *err)
{
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, first, first_field, err));
    return vpr_field_address(&ignored, second, second_field, err);
}

static enum vpr_code check_increase(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgIncreaseStake *m = (const Viper__V1__MsgIncreaseStake *)message;
    VPR_TRY(check_two(m->owner, "owner", m->actor, "actor", err));
    if (m->amount < 1 || m->amount >= VPR_SUPPLY_MAX) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "amount is %" PRIu64 " uvipr", m->amount);
    }
    return VPR_OK;
}

static enum vpr_code apply_increase(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgIncreaseStake *m = (const Viper__V1__MsgIncreaseStake *)message;
    struct vpr_address id;
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    Viper__V1__Actor actor;
    VPR_TRY(find_own(ctx, m->actor, &id, &actor));
    VPR_TRY(alive(ctx, &actor, m->actor));
    if (actor.status == VIPER__V1__STATUS__STATUS_UNSTAKING) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS, "%s is leaving; its stake cannot grow",
                        m->actor);
    }
    struct vpr_coin sum;
    uint64_t usd = 0;
    bool fits = vpr_coin_add(&sum, vpr_coin(actor.stake), vpr_coin(m->amount));
    if (fits && actor.kind == VIPER__V1__KIND__KIND_REQUESTOR) {
        fits = vpr_usd_value(&usd, m->amount, vpr_price_for_stake(ctx)) &&
               !__builtin_add_overflow(actor.usd, usd, &actor.usd);
    }
    if (!fits) {
        return vpr_fail(ctx->err, VPR_OVERFLOW,
                        "stake %" PRIu64 " plus %" PRIu64 " uvipr, or its value, overflows",
                        actor.stake, m->amount);
    }
    VPR_TRY(vpr_account_move(ctx, &ctx->signer, &pool, vpr_coin(m->amount)));
    actor.stake = sum.uvipr; /* raw: records hold plain numbers */
    vpr_actor_changed(ctx, &id, &actor);

    vpr_actor_event(ctx, "increase", &id, &actor);
    vpr_event_u64(ctx, "amount_uvipr", m->amount);
    vpr_event_u64(ctx, "stake_uvipr", actor.stake);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    return VPR_OK;
}

/* A new status, its terms and its event. */
static void set_status(struct vpr_ctx *ctx, const struct vpr_address *id,
                       const Viper__V1__Actor *before, Viper__V1__Status status,
                       const char *event)
{
    Viper__V1__Actor actor = *before;
    actor.status = status;
    if (status == VIPER__V1__STATUS__STATUS_ACTIVE) {
        actor.absent_sessions = 0; /* paused for absence: counted anew */
        actor.jailed_until_s = 0;
    }
    vpr_actor_changed(ctx, id, &actor);
    vpr_actor_event(ctx, event, id, &actor);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
}

void vpr_actor_pause(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    VPR_ASSERT(actor != NULL);
    if (actor->status == VIPER__V1__STATUS__STATUS_ACTIVE) {
        set_status(ctx, id, actor, VIPER__V1__STATUS__STATUS_PAUSED, "pause");
    }
}

void vpr_actor_jail(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    const Viper__V1__Actor *before = vpr_actor_get(ctx, id);
    VPR_ASSERT(before != NULL && before->status == VIPER__V1__STATUS__STATUS_ACTIVE);
    Viper__V1__Actor actor = *before;
    uint64_t jail_s = vpr_param(ctx, VPR_P_jail_seconds, vpr_session_number(ctx));
    actor.jailed_until_s = ctx->time_s + (int64_t)jail_s;
    set_status(ctx, id, &actor, VIPER__V1__STATUS__STATUS_JAILED, "jail");
    vpr_event_u64(ctx, "time_s", (uint64_t)ctx->time_s);
    vpr_event_u64(ctx, "jail_s", jail_s);
    vpr_event_u64(ctx, "until_s", (uint64_t)actor.jailed_until_s);
}

static enum vpr_code check_pause(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgPause *m = (const Viper__V1__MsgPause *)message;
    return check_two(m->signer, "signer", m->actor, "actor", err);
}

static enum vpr_code apply_pause(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgPause *m = (const Viper__V1__MsgPause *)message;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_actor_for_edit(ctx, m->actor, VIPER__V1__KIND__KIND_NONE, &id, &actor));
    if (actor->status != VIPER__V1__STATUS__STATUS_ACTIVE) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS, "%s is not active", m->actor);
    }
    set_status(ctx, &id, actor, VIPER__V1__STATUS__STATUS_PAUSED, "pause");
    return VPR_OK;
}

static enum vpr_code check_resume(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgResume *m = (const Viper__V1__MsgResume *)message;
    if ((m->chain == 0) != (m->zone == 0) || m->chain > UINT16_MAX || m->zone > UINT16_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "chain %" PRIu32 ", zone %" PRIu32 " name no pool; give both, or "
                        "neither for the whole actor",
                        m->chain, m->zone);
    }
    return check_two(m->signer, "signer", m->actor, "actor", err);
}

static enum vpr_code apply_resume(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgResume *m = (const Viper__V1__MsgResume *)message;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_actor_for_edit(ctx, m->actor, VIPER__V1__KIND__KIND_NONE, &id, &actor));
    VPR_TRY(alive(ctx, actor, m->actor));
    if (m->chain != 0) {
        return vpr_quality_resume(ctx, &id, actor, (uint16_t)m->chain, (uint16_t)m->zone);
    }
    if (actor->status != VIPER__V1__STATUS__STATUS_PAUSED &&
        actor->status != VIPER__V1__STATUS__STATUS_JAILED) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS, "%s is neither paused nor jailed", m->actor);
    }
    if (ctx->time_s < actor->jailed_until_s) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "%s is jailed until block time %" PRId64 ", which is now %" PRId64,
                        m->actor, actor->jailed_until_s, ctx->time_s);
    }
    set_status(ctx, &id, actor, VIPER__V1__STATUS__STATUS_ACTIVE, "resume");
    return VPR_OK;
}

static enum vpr_code check_unstake(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgUnstake *m = (const Viper__V1__MsgUnstake *)message;
    return check_two(m->owner, "owner", m->actor, "actor", err);
}

static struct vpr_key_buf unbonding_key(int64_t time_s, const struct vpr_address *id)
{
    VPR_ASSERT(time_s >= 0);
    struct vpr_key_buf key = vpr_key(VPR_KEY_UNBONDING);
    vpr_key_u64(&key, (uint64_t)time_s);
    vpr_key_address(&key, id);
    return key;
}

static enum vpr_code apply_unstake(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    static const uint8_t present[] = {1};
    const Viper__V1__MsgUnstake *m = (const Viper__V1__MsgUnstake *)message;
    uint64_t running = vpr_session_number(ctx);
    struct vpr_address id;
    Viper__V1__Actor actor;
    VPR_TRY(find_own(ctx, m->actor, &id, &actor));
    if (actor.status == VIPER__V1__STATUS__STATUS_UNSTAKING) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS,
                        "%s is leaving already: its stake returns at block time %" PRId64
                        " at the earliest",
                        m->actor, actor.unbond_time_s);
    }
    actor.status = VIPER__V1__STATUS__STATUS_UNSTAKING;
    actor.unbond_height = ctx->height;
    actor.unbond_session = running + UNBOND_SESSIONS;
    actor.unbond_time_s =
        ctx->time_s + (int64_t)vpr_param(ctx, VPR_P_unbonding_seconds, running);
    vpr_actor_changed(ctx, &id, &actor);
    struct vpr_key_buf key = unbonding_key(actor.unbond_time_s, &id);
    vpr_state_put(ctx->state, VPR_STORE_ACTORS, vpr_key_bytes(&key),
                  vpr_bytes_of(present, sizeof present));

    vpr_actor_event(ctx, "unstake", &id, &actor);
    vpr_event_u64(ctx, "amount_uvipr", actor.stake);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    vpr_event_u64(ctx, "unbond_session", actor.unbond_session);
    vpr_event_u64(ctx, "unbond_time_s", (uint64_t)actor.unbond_time_s);
    return VPR_OK;
}

static enum vpr_code check_operator(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgSetOperator *m = (const Viper__V1__MsgSetOperator *)message;
    struct vpr_address ignored;
    VPR_TRY(check_two(m->owner, "owner", m->actor, "actor", err));
    return vpr_field_address(&ignored, m->operator_, "operator", err);
}

static enum vpr_code apply_operator(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgSetOperator *m = (const Viper__V1__MsgSetOperator *)message;
    struct vpr_address id, operator_, other;
    Viper__V1__Actor actor;
    VPR_TRY(vpr_field_address(&operator_, m->operator_, "operator", ctx->err));
    VPR_TRY(find_own(ctx, m->actor, &id, &actor));
    if (vpr_actor_by_operator(ctx, &operator_, &other)) {
        return vpr_fail(ctx->err, VPR_OPERATOR_TAKEN, "%s is the operator of %s already",
                        m->operator_, vpr_text_of_address(ctx->arena, &other));
    }
    vpr_operator_unindex(ctx, &actor);
    actor.operator_ = vpr_field_of_address(ctx->arena, &operator_);
    vpr_actor_put(ctx, &id, &actor);
    vpr_operator_index(ctx, &operator_, &id);

    vpr_actor_event(ctx, "operator", &id, &actor);
    vpr_event_address(ctx, "operator", &operator_);
    return VPR_OK;
}

static enum vpr_code check_owner(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgSetOwner *m = (const Viper__V1__MsgSetOwner *)message;
    struct vpr_address owner;
    VPR_TRY(check_two(m->owner, "owner", m->actor, "actor", err));
    VPR_TRY(vpr_field_address(&owner, m->new_owner, "new_owner", err));
    if (vpr_pool_name(&owner) != NULL) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "new_owner is the pool %s, which cannot sign",
                        vpr_pool_name(&owner));
    }
    return VPR_OK;
}

static enum vpr_code apply_owner(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgSetOwner *m = (const Viper__V1__MsgSetOwner *)message;
    struct vpr_address id, owner;
    Viper__V1__Actor actor;
    VPR_TRY(vpr_field_address(&owner, m->new_owner, "new_owner", ctx->err));
    VPR_TRY(find_own(ctx, m->actor, &id, &actor));
    actor.owner = vpr_field_of_address(ctx->arena, &owner);
    vpr_actor_changed(ctx, &id, &actor);

    vpr_actor_event(ctx, "owner", &id, &actor);
    vpr_event_address(ctx, "before", &ctx->signer);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    return VPR_OK;
}

/* ---- unbonding ---- */

static bool may_leave(struct vpr_ctx *ctx, const struct vpr_address *id,
                      const Viper__V1__Actor *actor)
{
    /* Its last session is the one before its newest terms, which say "not eligible". */
    return vpr_session_number(ctx) >= actor->unbond_session &&
           vpr_session_oldest_unsettled(ctx) >= vpr_terms_newest_from(ctx, id) &&
           !vpr_validator_in_set(actor);
}

static void leave(struct vpr_ctx *ctx, const struct vpr_address *id,
                  const Viper__V1__Actor *before)
{
    Viper__V1__Actor actor = *before;
    struct vpr_address owner = vpr_address_of_field(actor.owner);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    uint64_t stake = actor.stake;
    if (vpr_account_move(ctx, &pool, &owner, vpr_coin(stake)) != VPR_OK) {
        VPR_HALT("the pool of stakes does not hold a stake");
    }
    vpr_operator_unindex(ctx, &actor);
    vpr_validator_forget(ctx, &actor);
    struct vpr_key_buf key = unbonding_key(actor.unbond_time_s, id);
    vpr_state_del(ctx->state, VPR_STORE_ACTORS, vpr_key_bytes(&key));
    actor.status = VIPER__V1__STATUS__STATUS_GONE;
    actor.stake = 0;
    vpr_actor_put(ctx, id, &actor);

    vpr_actor_event(ctx, "unbond", id, &actor);
    vpr_event_u64(ctx, "amount_uvipr", stake);
}

void vpr_actors_unbond(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_UNBONDING);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    for (int looked_at = 0; looked_at < UNBOND_PER_BLOCK; looked_at++) {
        if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&prefix),
                            from, &key, &value)) {
            return;
        }
        struct vpr_reader r = vpr_reader(key);
        struct vpr_address id;
        (void)vpr_read_u8(&r);
        uint64_t due_s = vpr_read_be64(&r);
        vpr_read(&r, id.b, sizeof id.b);
        VPR_ASSERT(vpr_read_done(&r));
        if (due_s > (uint64_t)ctx->time_s) {
            return;
        }
        from = vpr_state_after(ctx->arena, key);
        const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
        VPR_ASSERT(actor != NULL && actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING);
        if (may_leave(ctx, &id, actor)) {
            leave(ctx, &id, actor);
        }
    }
}

/* ---- invariant ---- */

/* Who is leaving waits in the queue once, under its own time, and nobody else does. */
static enum vpr_code check_leaving(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_UNBONDING);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    struct vpr_address id;
    uint64_t leaving = 0, queued = 0;
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        leaving += actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING;
        after = &id;
    }
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        struct vpr_reader r = vpr_reader(key);
        (void)vpr_read_u8(&r);
        uint64_t due_s = vpr_read_be64(&r);
        vpr_read(&r, id.b, sizeof id.b);
        VPR_ASSERT(vpr_read_done(&r));
        actor = vpr_actor_get(ctx, &id);
        if (actor == NULL || actor->status != VIPER__V1__STATUS__STATUS_UNSTAKING ||
            (uint64_t)actor->unbond_time_s != due_s) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "%s is queued and not leaving then",
                            vpr_text_of_address(ctx->arena, &id));
        }
        queued++;
        from = vpr_state_after(ctx->arena, key);
    }
    return queued == leaving ? VPR_OK
                             : vpr_fail(ctx->err, VPR_BAD_FIELD,
                                        "%" PRIu64 " actors are leaving, %" PRIu64
                                        " are queued", leaving, queued);
}

static const struct vpr_handler handlers[] = {
    {"actors.increase", "/viper.v1.MsgIncreaseStake",
     &viper__v1__msg_increase_stake__descriptor, "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL,
     check_increase, apply_increase, NULL},
    {"actors.operator", "/viper.v1.MsgSetOperator", &viper__v1__msg_set_operator__descriptor,
     "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL, check_operator, apply_operator, NULL},
    {"actors.owner", "/viper.v1.MsgSetOwner", &viper__v1__msg_set_owner__descriptor, "owner",
     VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL, check_owner, apply_owner, NULL},
    {"actors.pause", "/viper.v1.MsgPause", &viper__v1__msg_pause__descriptor, "signer",
     VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL, check_pause, apply_pause, NULL},
    {"actors.resume", "/viper.v1.MsgResume", &viper__v1__msg_resume__descriptor, "signer",
     VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL, check_resume, apply_resume, NULL},
    {"actors.unstake", "/viper.v1.MsgUnstake", &viper__v1__msg_unstake__descriptor, "owner",
     VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL, check_unstake, apply_unstake, NULL},
};

static const struct vpr_invariant invariants[] = {
    {"stakes_are_pooled", vpr_actors_invariant},
    {"the_leaving_are_queued", check_leaving},
};

const struct vpr_domain vpr_actors = {
    .name = "actors",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = vpr_actors_queries,
    .query_count = 1,
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
