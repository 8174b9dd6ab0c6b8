#include "app/domain/validators.h"

#include "app/base/sort.h"
#include "app/domain/accounts.h"
#include "app/domain/actors.h"
#include "app/domain/commission.h"
#include "app/domain/delegation.h"
#include "app/domain/doublesign.h"
#include "app/domain/downtime.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/rules/split.h"
#include "app/tx/gas.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define POWER_MAX (UINT64_C(1) << 60) /* CometBFT adds powers up */
#define BEACON_WAIT_SESSIONS 2 /* a new chain end is used from so many later */

/* ---- the index of consensus addresses ---- */

static struct vpr_key_buf consensus_key(const struct vpr_address *consensus)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_CONSENSUS);
    vpr_key_address(&key, consensus);
    return key;
}

static struct vpr_address consensus_of(const Viper__V1__Actor *actor)
{
    struct vpr_hash key = vpr_hash_of_field(actor->validator->consensus_key);
    return vpr_address_ed25519(&key);
}

bool vpr_validator_by_consensus(struct vpr_ctx *ctx, const struct vpr_address *consensus,
                                struct vpr_address *ret_id)
{
    struct vpr_key_buf key = consensus_key(consensus);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&key),
                       &value)) {
        return false;
    }
    VPR_ASSERT(value.len == sizeof ret_id->b);
    memcpy(ret_id->b, value.data, sizeof ret_id->b);
    return true;
}

void vpr_validator_forget(struct vpr_ctx *ctx, const Viper__V1__Actor *actor)
{
    if (actor->kind == VIPER__V1__KIND__KIND_VALIDATOR) {
        struct vpr_address consensus = consensus_of(actor);
        struct vpr_key_buf key = consensus_key(&consensus);
        vpr_state_del(ctx->state, VPR_STORE_VALIDATORS, vpr_key_bytes(&key));
    }
}

bool vpr_validator_in_set(const Viper__V1__Actor *actor)
{
    return actor->kind == VIPER__V1__KIND__KIND_VALIDATOR && actor->validator->power > 0;
}

/* A validator that is not gone. */
struct row {
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    uint64_t power; /* that it is to have */
};

/* All of them, by consensus address. */
static size_t read_rows(struct vpr_ctx *ctx, struct row **ret_rows)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_CONSENSUS);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    size_t count = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        count++;
        from = vpr_state_after(ctx->arena, key);
    }
    struct row *rows = VPR_ARENA_ARRAY(ctx->arena, struct row, count);
    from = vpr_key_bytes(&prefix);
    for (size_t i = 0; i < count; i++) {
        bool found = vpr_state_next(ctx->state, ctx->arena, VPR_STORE_VALIDATORS,
                                    vpr_key_bytes(&prefix), from, &key, &value);
        VPR_ASSERT(found && value.len == sizeof rows[i].id.b);
        memcpy(rows[i].id.b, value.data, sizeof rows[i].id.b);
        rows[i].actor = vpr_actor_get(ctx, &rows[i].id);
        VPR_ASSERT(rows[i].actor != NULL && rows[i].actor->validator != NULL);
        from = vpr_state_after(ctx->arena, key);
    }
    *ret_rows = rows;
    return count;
}

static void put_info(struct vpr_ctx *ctx, const struct vpr_address *id,
                     const Viper__V1__Actor *before, Viper__V1__ValidatorInfo *info)
{
    Viper__V1__Actor actor = *before;
    actor.validator = info;
    vpr_actor_put(ctx, id, &actor);
}

/* ---- the set ---- */

static int cmp_stakes(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *)a;
    const struct row *y = *(struct row *const *)b;
    uint64_t of_x = vpr_actor_total(x->actor), of_y = vpr_actor_total(y->actor);
    if (of_x != of_y) {
        return of_x > of_y ? -1 : 1;
    }
    return vpr_address_cmp(&x->id, &y->id);
}

/* Gives power to the first max_validators; returns how many have some. */
static size_t choose(struct vpr_ctx *ctx, struct row *rows, size_t count)
{
    uint64_t session = vpr_session_number(ctx);
    uint64_t most = vpr_param(ctx, VPR_P_max_validators, session);
    struct row **candidates = VPR_ARENA_ARRAY(ctx->arena, struct row *, count);
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__Actor *actor = rows[i].actor;
        if (actor->status == VIPER__V1__STATUS__STATUS_ACTIVE &&
            actor->validator->beacon_usable_from <= session &&
            vpr_actor_total(actor) >= VPR_UVIPR_PER_VIPR) {
            candidates[chosen++] = &rows[i];
        }
    }
    vpr_sort(ctx->arena, candidates, chosen, sizeof candidates[0], cmp_stakes);
    chosen = chosen < most ? chosen : (size_t)most;
    for (size_t i = 0; i < chosen; i++) {
        candidates[i]->power = vpr_actor_total(candidates[i]->actor) / VPR_UVIPR_PER_VIPR;
    }
    return chosen;
}

size_t vpr_validators_update(struct vpr_ctx *ctx, struct vpr_validator_update **ret_updates)
{
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    struct vpr_validator_update *updates =
        VPR_ARENA_ARRAY(ctx->arena, struct vpr_validator_update, count);
    size_t changes = 0;
    *ret_updates = updates;
    if (choose(ctx, rows, count) == 0) {
        return 0; /* whoever is in the set stays: CometBFT cannot go on without one */
    }
    for (size_t i = 0; i < count; i++) {
        Viper__V1__ValidatorInfo info = *rows[i].actor->validator;
        if (info.power == rows[i].power) {
            continue;
        }
        info.power = rows[i].power;
        put_info(ctx, &rows[i].id, rows[i].actor, &info);
        if (info.power == 0) {
            vpr_downtime_forget(ctx, &rows[i].id);
        }
        updates[changes].key = vpr_hash_of_field(info.consensus_key);
        updates[changes].power = info.power;
        changes++;

        vpr_actor_event(ctx, "power", &rows[i].id, rows[i].actor);
        vpr_event_u64(ctx, "power", info.power);
    }
    return changes;
}

size_t vpr_validators_set(struct vpr_ctx *ctx, struct vpr_validator_update **ret_set)
{
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    struct vpr_validator_update *set =
        VPR_ARENA_ARRAY(ctx->arena, struct vpr_validator_update, count);
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        if (vpr_validator_in_set(rows[i].actor)) {
            set[members].key = vpr_hash_of_field(rows[i].actor->validator->consensus_key);
            set[members].power = rows[i].actor->validator->power;
            members++;
        }
    }
    *ret_set = set;
    return members;
}

size_t vpr_validators_members(struct vpr_ctx *ctx, struct vpr_validator_member **ret_members)
{
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    struct vpr_validator_member *members =
        VPR_ARENA_ARRAY(ctx->arena, struct vpr_validator_member, count);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (vpr_validator_in_set(rows[i].actor)) {
            members[found].id = rows[i].id;
            members[found].owner = vpr_address_of_field(rows[i].actor->owner);
            members[found].stake = vpr_actor_total(rows[i].actor);
            found++;
        }
    }
    *ret_members = members;
    return found;
}

bool vpr_validator_owned(struct vpr_ctx *ctx, const struct vpr_address *owner)
{
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    for (size_t i = 0; i < count; i++) {
        struct vpr_address of = vpr_address_of_field(rows[i].actor->owner);
        if (vpr_address_equal(&of, owner)) {
            return true;
        }
    }
    return false;
}

/* ---- yield ---- */

static uint64_t bonded_stake(const struct row *rows, size_t count, uint64_t *ret_members)
{
    struct vpr_coin bonded = vpr_coin(0);
    uint64_t members = 0;
    for (size_t i = 0; i < count; i++) {
        if (vpr_validator_in_set(rows[i].actor)) {
            bool fits =
                vpr_coin_add(&bonded, bonded, vpr_coin(vpr_actor_total(rows[i].actor)));
            VPR_ASSERT(fits); /* part of the supply */
            members++;
        }
    }
    *ret_members = members;
    return bonded.uvipr; /* raw: a factor in shares */
}

static void pay(struct vpr_ctx *ctx, const struct vpr_address *to, uint64_t amount)
{
    struct vpr_address fees = vpr_pool_address(VPR_POOL_FEES);
    if (amount > 0 && vpr_account_move(ctx, &fees, to, vpr_coin(amount)) != VPR_OK) {
        VPR_HALT("the fee pool does not hold what it pays out");
    }
}

/* One validator's part, of yield and fees together, between owner and delegators. */
static void pay_part(struct vpr_ctx *ctx, const struct row *row, uint64_t session,
                     uint64_t part, uint64_t most_ppm)
{
    struct vpr_address owner = vpr_address_of_field(row->actor->owner);
    struct vpr_address rewards = vpr_pool_address(VPR_POOL_REWARDS);
    struct vpr_reward reward = vpr_reward_of(row->actor, most_ppm, part);
    pay(ctx, &owner, reward.owner);
    if (reward.delegators > 0) {
        pay(ctx, &rewards, reward.delegators);
        vpr_delegation_reward(ctx, &row->id, vpr_coin(reward.delegators));
    }
    vpr_actor_event(ctx, "yield_part", &row->id, row->actor);
    vpr_event_u64(ctx, "session", session);
    vpr_event_u64(ctx, "stake_uvipr", row->actor->stake);
    vpr_event_u64(ctx, "delegated_uvipr", row->actor->delegated);
    vpr_event_u64(ctx, "commission_ppm", vpr_commission_of(row->actor, most_ppm));
    vpr_event_u64(ctx, "owner_reward", reward.owner);
    vpr_event_u64(ctx, "delegators", reward.delegators);
}

/* What the session that ended minted: 0 if the supply has no room for it. */
static uint64_t mint(struct vpr_ctx *ctx, const struct vpr_session *ended, uint64_t bonded,
                     uint64_t yield_ppb)
{
    struct vpr_address fees = vpr_pool_address(VPR_POOL_FEES);
    uint64_t minted;
    if (!vpr_yield(&minted, bonded, yield_ppb, vpr_session_blocks(ended)) ||
        minted >= VPR_SUPPLY_MAX || !vpr_account_mint(ctx, &fees, vpr_coin(minted))) {
        return 0;
    }
    return minted;
}

void vpr_validators_yield(struct vpr_ctx *ctx)
{
    uint64_t running = vpr_session_number(ctx);
    struct vpr_session ended;
    struct row *rows;
    uint64_t members;
    if (running == 0 || !vpr_session_get(ctx, running - 1, &ended)) {
        return; /* the first session has none before it */
    }
    size_t count = read_rows(ctx, &rows);
    uint64_t bonded = bonded_stake(rows, count, &members);
    if (bonded == 0) {
        return; /* a set that no record knows: fees wait */
    }
    struct vpr_address fees_pool = vpr_pool_address(VPR_POOL_FEES);
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    uint64_t fees = vpr_account_balance(ctx, &fees_pool).uvipr; /* raw: a factor */
    uint64_t yield_ppb = vpr_param(ctx, VPR_P_validator_yield, ended.number);
    uint64_t minted = mint(ctx, &ended, bonded, yield_ppb);
    uint64_t most_ppm = vpr_param(ctx, VPR_P_max_commission, running);
    uint64_t left = minted + fees;
    for (size_t i = 0; i < count; i++) {
        if (vpr_validator_in_set(rows[i].actor)) {
            uint64_t total = vpr_actor_total(rows[i].actor);
            uint64_t part = vpr_mul_div_floor(minted, total, bonded) +
                            vpr_mul_div_floor(fees, total, bonded);
            pay_part(ctx, &rows[i], ended.number, part, most_ppm);
            left -= part;
        }
    }
    pay(ctx, &dao, left);

    vpr_event(ctx, "yield");
    vpr_event_u64(ctx, "session", ended.number);
    vpr_event_u64(ctx, "validator_yield", yield_ppb);
    vpr_event_u64(ctx, "blocks", vpr_session_blocks(&ended));
    vpr_event_u64(ctx, "minted", minted);
    vpr_event_u64(ctx, "fees", fees);
    vpr_event_u64(ctx, "validators", members);
    vpr_event_u64(ctx, "bonded", bonded);
    vpr_event_u64(ctx, "dao", left);
}

/* ---- hash chains ---- */

void vpr_validators_renew(struct vpr_ctx *ctx)
{
    uint64_t session = vpr_session_number(ctx);
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    for (size_t i = 0; i < count; i++) {
        Viper__V1__ValidatorInfo info = *rows[i].actor->validator;
        if (info.beacon_pending.len == 0 || info.beacon_pending_from > session) {
            continue;
        }
        info.beacon_end = info.beacon_pending;
        info.beacon_pending = (ProtobufCBinaryData){0, NULL};
        info.beacon_pending_from = 0;
        put_info(ctx, &rows[i].id, rows[i].actor, &info);
        vpr_actor_event(ctx, "renewed", &rows[i].id, rows[i].actor);
    }
}

/* Before the block in hand has opened its session, the state is still in the one before. */
static uint64_t session_of_block(struct vpr_ctx *ctx)
{
    struct vpr_session current = vpr_session_current(ctx);
    return ctx->height > current.last ? current.number + 1 : current.number;
}

bool vpr_validator_beacon_end(struct vpr_ctx *ctx, const struct vpr_address *consensus,
                              struct vpr_hash *ret_end)
{
    struct vpr_address id;
    if (!vpr_validator_by_consensus(ctx, consensus, &id)) {
        return false;
    }
    const Viper__V1__ValidatorInfo *info = vpr_actor_get(ctx, &id)->validator;
    uint64_t session = session_of_block(ctx);
    if (info->beacon_usable_from > session) {
        return false;
    }
    bool renewed = info->beacon_pending.len != 0 && info->beacon_pending_from <= session;
    *ret_end = vpr_hash_of_field(renewed ? info->beacon_pending : info->beacon_end);
    return true;
}

void vpr_validator_set_beacon_end(struct vpr_ctx *ctx, const struct vpr_address *consensus,
                                  const struct vpr_hash *x)
{
    struct vpr_address id;
    bool found = vpr_validator_by_consensus(ctx, consensus, &id);
    VPR_ASSERT(found);
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    Viper__V1__ValidatorInfo info = *actor->validator;
    VPR_ASSERT(info.beacon_pending.len == 0 ||
               info.beacon_pending_from > vpr_session_number(ctx));
    info.beacon_end = vpr_field_of_hash(ctx->arena, x);
    put_info(ctx, &id, actor, &info);
}

/* ---- messages ---- */

static enum vpr_code check_stake(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgStakeValidator *m = (const Viper__V1__MsgStakeValidator *)message;
    struct vpr_address ignored;
    struct vpr_hash end;
    VPR_TRY(vpr_field_address(&ignored, m->owner, "owner", err));
    VPR_TRY(vpr_field_address(&ignored, m->operator_, "operator", err));
    VPR_TRY(vpr_check_key(m->consensus_key, "consensus_key", err));
    VPR_TRY(vpr_field_hash(&end, m->beacon_end, "beacon_end", err));
    return vpr_commission_check(m->commission_ppm, err);
}

static enum vpr_code apply_stake(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgStakeValidator *m = (const Viper__V1__MsgStakeValidator *)message;
    struct vpr_hash key = vpr_hash_of_field(m->consensus_key);
    struct vpr_address consensus = vpr_address_ed25519(&key);
    struct vpr_address id, other;
    VPR_TRY(vpr_field_address(&id, m->operator_, "operator", ctx->err));
    VPR_TRY(vpr_commission_allowed(ctx, m->commission_ppm));
    if (vpr_validator_by_consensus(ctx, &consensus, &other)) {
        return vpr_fail(ctx->err, VPR_STAKED, "consensus_key belongs to validator %s already",
                        vpr_text_of_address(ctx->arena, &other));
    }
    if (vpr_tombstone(ctx, &consensus) != 0) {
        return vpr_fail(ctx->err, VPR_TOMBSTONED,
                        "consensus_key signed twice, as block %" PRIu64
                        " says; stake with a new one",
                        vpr_tombstone(ctx, &consensus));
    }
    bool at_genesis = vpr_session_counts_from(ctx) == 0;
    Viper__V1__ValidatorInfo info = VIPER__V1__VALIDATOR_INFO__INIT;
    info.consensus_key = m->consensus_key;
    info.staked_height = ctx->height;
    info.beacon_end = m->beacon_end;
    info.beacon_usable_from =
        at_genesis ? 0 : vpr_session_number(ctx) + BEACON_WAIT_SESSIONS;
    Viper__V1__Actor actor = VIPER__V1__ACTOR__INIT;
    Viper__V1__Terms terms = VIPER__V1__TERMS__INIT;
    actor.kind = VIPER__V1__KIND__KIND_VALIDATOR;
    actor.validator = &info;
    actor.commission_ppm = m->commission_ppm;
    actor.commission_time_s = ctx->time_s;
    VPR_TRY(vpr_actor_stake(ctx, m->owner, m->operator_, m->amount, &actor, &terms));
    struct vpr_key_buf index = consensus_key(&consensus);
    vpr_state_put(ctx->state, VPR_STORE_VALIDATORS, vpr_key_bytes(&index),
                  vpr_bytes_of(id.b, sizeof id.b));
    return VPR_OK;
}

static enum vpr_code check_renew(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgRenewBeacon *m = (const Viper__V1__MsgRenewBeacon *)message;
    struct vpr_address ignored;
    struct vpr_hash end;
    VPR_TRY(vpr_field_address(&ignored, m->signer, "signer", err));
    VPR_TRY(vpr_field_address(&ignored, m->validator, "validator", err));
    return vpr_field_hash(&end, m->beacon_end, "beacon_end", err);
}

static enum vpr_code apply_renew(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgRenewBeacon *m = (const Viper__V1__MsgRenewBeacon *)message;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    VPR_TRY(
        vpr_actor_for_edit(ctx, m->validator, VIPER__V1__KIND__KIND_VALIDATOR, &id, &actor));
    Viper__V1__ValidatorInfo info = *actor->validator;
    if (info.beacon_pending.len != 0) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "a chain end is pending already, used from session %" PRIu64,
                        info.beacon_pending_from);
    }
    info.beacon_pending = m->beacon_end;
    info.beacon_pending_from = vpr_session_number(ctx) + BEACON_WAIT_SESSIONS;
    put_info(ctx, &id, actor, &info);

    vpr_actor_event(ctx, "renew", &id, actor);
    vpr_event_u64(ctx, "session", info.beacon_pending_from);
    return VPR_OK;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    const Viper__V1__GenesisState *state = (const Viper__V1__GenesisState *)genesis;
    for (size_t i = 0; i < state->n_validators; i++) {
        const ProtobufCMessage *m = &state->validators[i]->base;
        if (check_stake(m, ctx->err) != VPR_OK || apply_stake(ctx, m) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "validators", i);
        }
    }
    return VPR_OK;
}

/* ---- invariant and query ---- */

/* The powers are those that the records give now, and CometBFT can add them up. */
static enum vpr_code check_set(struct vpr_ctx *ctx)
{
    struct row *rows;
    size_t count = read_rows(ctx, &rows), others = 0;
    uint64_t power = 0;
    size_t chosen = choose(ctx, rows, count);
    for (size_t i = 0; i < count; i++) {
        power += rows[i].actor->validator->power; /* VIPR of the supply */
        others += rows[i].actor->validator->power != rows[i].power;
    }
    /* Genesis has told CometBFT nothing yet; without candidates whoever is in it stays. */
    if (power >= POWER_MAX || (power > 0 && chosen > 0 && others > 0)) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%zu of %zu validators have another power than they are to have; the "
                        "set has %" PRIu64, others, count, power);
    }
    return VPR_OK;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    for (size_t i = 0; i < count; i++) {
        struct vpr_address consensus = consensus_of(rows[i].actor);
        struct vpr_address id;
        if (rows[i].actor->kind != VIPER__V1__KIND__KIND_VALIDATOR ||
            rows[i].actor->status == VIPER__V1__STATUS__STATUS_GONE ||
            !vpr_validator_by_consensus(ctx, &consensus, &id) ||
            !vpr_address_equal(&id, &rows[i].id)) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "the index of consensus keys leads wrongly to %s",
                            vpr_text_of_address(ctx->arena, &rows[i].id));
        }
    }
    struct vpr_address id;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    size_t validators = 0;
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        after = &id;
        validators += actor->kind == VIPER__V1__KIND__KIND_VALIDATOR &&
                      actor->status != VIPER__V1__STATUS__STATUS_GONE;
    }
    if (validators != count) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%zu validators, %zu of them in the index of consensus keys",
                        validators, count);
    }
    return VPR_OK;
}

static enum vpr_code answer_validators(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                       ProtobufCMessage **ret_response)
{
    (void)request;
    struct row *rows;
    size_t count = read_rows(ctx, &rows);
    Viper__V1__QueryValidatorsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryValidatorsResponse);
    viper__v1__query_validators_response__init(response);
    response->validators = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ValidatorRow *, count);
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__Actor *actor = rows[i].actor;
        struct vpr_address owner = vpr_address_of_field(actor->owner);
        struct vpr_address operator_ = vpr_address_of_field(actor->operator_);
        Viper__V1__ValidatorRow *row = VPR_ARENA_NEW(ctx->arena, Viper__V1__ValidatorRow);
        viper__v1__validator_row__init(row);
        row->id = vpr_text_of_address(ctx->arena, &rows[i].id);
        row->owner = vpr_text_of_address(ctx->arena, &owner);
        row->operator_ = vpr_text_of_address(ctx->arena, &operator_);
        row->consensus_key = actor->validator->consensus_key;
        row->stake = actor->stake;
        row->power = actor->validator->power;
        row->status = actor->status;
        row->commission_ppm = actor->commission_ppm;
        row->delegated = actor->delegated;
        row->beacon_end = actor->validator->beacon_end;
        struct vpr_address consensus = consensus_of(actor);
        struct vpr_signing signing = vpr_signing(ctx, &rows[i].id);
        row->jailed_until_s = actor->jailed_until_s;
        row->tombstone_height = vpr_tombstone(ctx, &consensus);
        row->counted_blocks = signing.counted;
        row->missed_blocks = signing.missed;
        response->validators[response->n_validators++] = row;
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_handler handlers[] = {
    {"validators.renew", "/viper.v1.MsgRenewBeacon", &viper__v1__msg_renew_beacon__descriptor,
     "signer", VPR_LANE_ORDINARY, VPR_GAS_ACTOR, NULL, check_renew, apply_renew, NULL},
    {"validators.stake", "/viper.v1.MsgStakeValidator",
     &viper__v1__msg_stake_validator__descriptor, "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR,
     NULL, check_stake, apply_stake, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Validators", &viper__v1__query_validators_request__descriptor,
     &viper__v1__query_validators_response__descriptor, answer_validators},
};

static const struct vpr_invariant invariants[] = {
    {"consensus_keys_lead_back", invariant},
    {"the_set_is_the_top", check_set},
};

const struct vpr_domain vpr_validators = {
    .name = "validators",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
