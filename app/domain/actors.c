#include "app/domain/actors.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/field.h"
#include "app/domain/page.h"
#include "app/domain/sessions.h"
#include "app/domain/unbonding.h"
#include "viper/v1/query.pb-c.h"

/* ---- records ---- */

static struct vpr_key_buf actor_key(enum vpr_key_first name, const struct vpr_address *who)
{
    struct vpr_key_buf key = vpr_key(name);
    vpr_key_address(&key, who);
    return key;
}

const Viper__V1__Actor *vpr_actor_get(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_key_buf key = actor_key(VPR_KEY_ACTOR, id);
    return (const Viper__V1__Actor *)vpr_record_get(ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key),
                                                    &viper__v1__actor__descriptor);
}

void vpr_actor_put(struct vpr_ctx *ctx, const struct vpr_address *id,
                   const Viper__V1__Actor *actor)
{
    struct vpr_key_buf key = actor_key(VPR_KEY_ACTOR, id);
    vpr_record_put(ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key), &actor->base);
}

bool vpr_actor_by_operator(struct vpr_ctx *ctx, const struct vpr_address *operator_,
                           struct vpr_address *ret_id)
{
    struct vpr_key_buf key = actor_key(VPR_KEY_OPERATOR, operator_);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&key), &value)) {
        return false;
    }
    VPR_ASSERT(value.len == sizeof ret_id->b);
    memcpy(ret_id->b, value.data, sizeof ret_id->b);
    return true;
}

void vpr_operator_index(struct vpr_ctx *ctx, const struct vpr_address *operator_,
                        const struct vpr_address *id)
{
    struct vpr_key_buf key = actor_key(VPR_KEY_OPERATOR, operator_);
    vpr_state_put(ctx->state, VPR_STORE_ACTORS, vpr_key_bytes(&key),
                  vpr_bytes_of(id->b, sizeof id->b));
}

void vpr_operator_unindex(struct vpr_ctx *ctx, const Viper__V1__Actor *actor)
{
    struct vpr_address operator_ = vpr_address_of_field(actor->operator_);
    struct vpr_key_buf key = actor_key(VPR_KEY_OPERATOR, &operator_);
    vpr_state_del(ctx->state, VPR_STORE_ACTORS, vpr_key_bytes(&key));
}

enum vpr_code vpr_actor_of_signer(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                                  struct vpr_address *ret_id)
{
    struct vpr_address id;
    if (!vpr_actor_by_operator(ctx, &ctx->signer, &id) ||
        vpr_actor_get(ctx, &id)->kind != kind) {
        return vpr_fail(ctx->err, VPR_NOT_STAKED, "%s is not the operator of a %s",
                        vpr_text_of_address(ctx->arena, &ctx->signer), vpr_kind_name(kind));
    }
    *ret_id = id;
    return VPR_OK;
}

bool vpr_actor_next(struct vpr_ctx *ctx, const struct vpr_address *after,
                    struct vpr_address *ret_id, const Viper__V1__Actor **ret_actor)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_ACTOR);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_key_buf last;
    struct vpr_bytes key, value;
    if (after != NULL) {
        last = actor_key(VPR_KEY_ACTOR, after);
        from = vpr_state_after(ctx->arena, vpr_key_bytes(&last));
    }
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&prefix), from,
                        &key, &value)) {
        return false;
    }
    VPR_ASSERT(key.len == prefix.len + sizeof ret_id->b);
    memcpy(ret_id->b, key.data + prefix.len, sizeof ret_id->b);
    *ret_actor = (const Viper__V1__Actor *)vpr_record_unpack(ctx, value,
                                                             &viper__v1__actor__descriptor);
    return true;
}

void vpr_actors_each(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                     bool (*each)(struct vpr_ctx *ctx, void *arg, const struct vpr_address *id,
                                  const Viper__V1__Actor *actor),
                     void *arg)
{
    /* Events outlive the callback: where they share the arena, nothing is given back. */
    bool release = ctx->events == NULL || ctx->events->arena != ctx->arena;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    const struct vpr_address *after = NULL;
    size_t mark = vpr_arena_mark(ctx->arena);
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        if (actor->kind == kind && !each(ctx, arg, &id, actor)) {
            return;
        }
        after = &id;
        if (release) {
            vpr_arena_release(ctx->arena, mark);
        }
    }
}

/* ---- terms ---- */

const Viper__V1__Terms *vpr_terms_get(struct vpr_ctx *ctx, const struct vpr_address *id,
                                      uint64_t session)
{
    struct vpr_key_buf key = actor_key(VPR_KEY_TERMS, id);
    return (const Viper__V1__Terms *)vpr_version_get(ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key),
                                                     session, &viper__v1__terms__descriptor);
}

const Viper__V1__Terms *vpr_terms_newest(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    return vpr_terms_get(ctx, id, UINT64_MAX);
}

void vpr_terms_put(struct vpr_ctx *ctx, const struct vpr_address *id, uint64_t session,
                   const Viper__V1__Terms *terms)
{
    struct vpr_key_buf key = actor_key(VPR_KEY_TERMS, id);
    vpr_version_put(ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key), session, &terms->base);
}

uint64_t vpr_terms_newest_from(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_key_buf prefix = actor_key(VPR_KEY_TERMS, id);
    struct vpr_key_buf from = prefix;
    struct vpr_bytes key, value;
    vpr_key_u64(&from, UINT64_MAX);
    bool found = vpr_state_prev(ctx->state, ctx->arena, VPR_STORE_ACTORS,
                                vpr_key_bytes(&prefix), vpr_key_bytes(&from), &key, &value);
    VPR_ASSERT(found && key.len == from.len);
    return vpr_get_be64(key.data + prefix.len);
}

bool vpr_terms_list(const Viper__V1__Terms *terms, uint16_t chain, uint16_t zone)
{
    if (terms->zone != zone) {
        return false;
    }
    for (size_t i = 0; i < terms->n_chains; i++) {
        if (terms->chains[i] == chain) {
            return true;
        }
    }
    return false;
}

Viper__V1__Terms *vpr_terms_draft(struct vpr_ctx *ctx, const struct vpr_address *id,
                                  const Viper__V1__Actor *actor)
{
    const Viper__V1__Terms *newest = vpr_terms_newest(ctx, id);
    VPR_ASSERT(newest != NULL);
    Viper__V1__Terms *draft = VPR_ARENA_NEW(ctx->arena, Viper__V1__Terms);
    *draft = *newest;
    draft->eligible = actor->status == VIPER__V1__STATUS__STATUS_ACTIVE;
    if (actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING) {
        return draft; /* as it was declared last: nothing of it is read any more */
    }
    draft->owner = actor->owner;
    draft->stake = actor->stake;
    draft->delegated = actor->delegated;
    draft->usd = actor->usd;
    return draft;
}

/* True if it was not the same anyway. */
static bool put_if_new(struct vpr_ctx *ctx, const struct vpr_address *id,
                       const Viper__V1__Terms *draft, bool allowed)
{
    struct vpr_bytes before = vpr_arena_pack(ctx->arena, &vpr_terms_newest(ctx, id)->base);
    struct vpr_bytes after = vpr_arena_pack(ctx->arena, &draft->base);
    if (vpr_bytes_equal(before, after)) {
        return false;
    }
    if (allowed) {
        vpr_terms_put(ctx, id, vpr_session_counts_from(ctx), draft);
    }
    return true;
}

enum vpr_code vpr_terms_change(struct vpr_ctx *ctx, const struct vpr_address *id,
                               const Viper__V1__Actor *actor, const Viper__V1__Terms *draft)
{
    bool stays = actor->status != VIPER__V1__STATUS__STATUS_UNSTAKING;
    if (put_if_new(ctx, id, draft, stays) && !stays) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS,
                        "the %s is leaving: of what it declares only the URL can change",
                        vpr_kind_name(actor->kind));
    }
    return VPR_OK;
}

void vpr_actor_changed(struct vpr_ctx *ctx, const struct vpr_address *id,
                       const Viper__V1__Actor *actor)
{
    bool left = actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING ||
                actor->status == VIPER__V1__STATUS__STATUS_GONE;
    vpr_actor_put(ctx, id, actor);
    /* New terms of who leaves would put off the end of its last session, at anybody's will. */
    if (!left || vpr_terms_newest(ctx, id)->eligible) {
        (void)put_if_new(ctx, id, vpr_terms_draft(ctx, id, actor), true);
    }
}

/* ---- what is shared ---- */

const char *vpr_kind_name(Viper__V1__Kind kind)
{
    switch (kind) {
    case VIPER__V1__KIND__KIND_VALIDATOR:
        return "validator";
    case VIPER__V1__KIND__KIND_SERVICER:
        return "servicer";
    case VIPER__V1__KIND__KIND_FISHERMAN:
        return "fisherman";
    case VIPER__V1__KIND__KIND_REQUESTOR:
        return "requestor";
    case VIPER__V1__KIND__KIND_NONE:
    case _VIPER__V1__KIND_IS_INT_SIZE:
        break;
    }
    return "staked actor";
}

void vpr_actor_event(struct vpr_ctx *ctx, const char *type, const struct vpr_address *id,
                     const Viper__V1__Actor *actor)
{
    struct vpr_address owner = vpr_address_of_field(actor->owner);
    vpr_event(ctx, type);
    vpr_event_text(ctx, "kind", vpr_kind_name(actor->kind));
    vpr_event_address(ctx, "actor", id);
    vpr_event_address(ctx, "owner", &owner);
}

/* ---- stake ---- */

uint64_t vpr_actor_total(const Viper__V1__Actor *actor)
{
    VPR_ASSERT(actor->stake < VPR_SUPPLY_MAX && actor->delegated < VPR_SUPPLY_MAX);
    return actor->stake + actor->delegated;
}

enum vpr_code vpr_actor_delegable(struct vpr_ctx *ctx, const char *id_text,
                                  const Viper__V1__Actor *actor)
{
    if (actor->kind != VIPER__V1__KIND__KIND_VALIDATOR &&
        actor->kind != VIPER__V1__KIND__KIND_SERVICER) {
        return vpr_fail(ctx->err, VPR_NO_DELEGATION,
                        "%s is a %s; delegations go to validators and servicers", id_text,
                        vpr_kind_name(actor->kind));
    }
    return VPR_OK;
}

enum vpr_code vpr_actor_stake_enough(struct vpr_ctx *ctx, Viper__V1__Kind kind, uint64_t amount)
{
    enum vpr_param param = VPR_P_min_stake_validator;
    if (kind == VIPER__V1__KIND__KIND_SERVICER) {
        param = VPR_P_min_stake_servicer;
    } else if (kind == VIPER__V1__KIND__KIND_FISHERMAN) {
        param = VPR_P_min_stake_fisherman;
    } else if (kind == VIPER__V1__KIND__KIND_REQUESTOR) {
        param = VPR_P_min_stake_requestor;
    }
    uint64_t least = vpr_param(ctx, param, vpr_session_counts_from(ctx));
    if (amount < least) {
        return vpr_fail(ctx->err, VPR_STAKE_TOO_LOW,
                        "a %s stakes at least %" PRIu64 " uvipr, not %" PRIu64,
                        vpr_kind_name(kind), least, amount);
    }
    if (amount >= VPR_SUPPLY_MAX) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT, "%" PRIu64 " uvipr exceeds any supply",
                        amount);
    }
    return VPR_OK;
}

enum vpr_code vpr_actor_stake(struct vpr_ctx *ctx, const char *owner, const char *operator_,
                              uint64_t amount, Viper__V1__Actor *actor, Viper__V1__Terms *terms)
{
    struct vpr_address paying, id, other;
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    VPR_TRY(vpr_field_address(&paying, owner, "owner", ctx->err));
    VPR_TRY(vpr_field_address(&id, operator_, "operator", ctx->err));
    VPR_TRY(vpr_actor_stake_enough(ctx, actor->kind, amount));
    const Viper__V1__Actor *before = vpr_actor_get(ctx, &id);
    if (before != NULL) {
        return vpr_fail(ctx->err, VPR_STAKED,
                        "%s is the id of a %s already and is never used again; stake with "
                        "another operator address",
                        operator_, vpr_kind_name(before->kind));
    }
    if (vpr_actor_by_operator(ctx, &id, &other)) {
        return vpr_fail(ctx->err, VPR_OPERATOR_TAKEN, "%s is the operator of %s already",
                        operator_, vpr_text_of_address(ctx->arena, &other));
    }
    VPR_TRY(vpr_account_move(ctx, &paying, &pool, vpr_coin(amount)));

    actor->owner = vpr_field_of_address(ctx->arena, &paying);
    actor->operator_ = vpr_field_of_address(ctx->arena, &id);
    actor->status = VIPER__V1__STATUS__STATUS_ACTIVE;
    actor->stake = amount;
    vpr_actor_put(ctx, &id, actor);
    vpr_operator_index(ctx, &id, &id);

    uint64_t session = vpr_session_counts_from(ctx);
    terms->kind = actor->kind;
    terms->eligible = true;
    terms->owner = actor->owner;
    terms->stake = amount;
    terms->usd = actor->usd;
    vpr_terms_put(ctx, &id, session, terms);

    vpr_actor_event(ctx, "stake", &id, actor);
    vpr_event_u64(ctx, "amount_uvipr", amount);
    vpr_event_u64(ctx, "session", session);
    return VPR_OK;
}

enum vpr_code vpr_actor_find(struct vpr_ctx *ctx, const char *id_text, Viper__V1__Kind kind,
                             struct vpr_address *ret_id, const Viper__V1__Actor **ret_actor)
{
    struct vpr_address id;
    VPR_TRY(vpr_field_address(&id, id_text, vpr_kind_name(kind), ctx->err));
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor == NULL || actor->status == VIPER__V1__STATUS__STATUS_GONE ||
        (kind != VIPER__V1__KIND__KIND_NONE && actor->kind != kind)) {
        return vpr_fail(ctx->err, VPR_NOT_STAKED, "%s is not the id of a %s", id_text,
                        vpr_kind_name(kind));
    }
    *ret_id = id;
    *ret_actor = actor;
    return VPR_OK;
}

enum vpr_code vpr_actor_for_edit(struct vpr_ctx *ctx, const char *id_text, Viper__V1__Kind kind,
                                 struct vpr_address *ret_id, const Viper__V1__Actor **ret_actor)
{
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_actor_find(ctx, id_text, kind, &id, &actor));
    struct vpr_address owner = vpr_address_of_field(actor->owner);
    struct vpr_address operator_ = vpr_address_of_field(actor->operator_);
    if (!vpr_address_equal(&ctx->signer, &owner) &&
        !vpr_address_equal(&ctx->signer, &operator_)) {
        return vpr_fail(ctx->err, VPR_DENIED, "only owner or operator of %s may do this",
                        id_text);
    }
    *ret_id = id;
    *ret_actor = actor;
    return VPR_OK;
}

/* ---- invariant ---- */

struct census {
    struct vpr_coin staked; /* own, delegated, and what delegators wait for */
    uint64_t actors;
    bool overflow;
};

static bool check_actor(struct vpr_ctx *ctx, struct census *census,
                        const struct vpr_address *id, const Viper__V1__Actor *actor)
{
    struct vpr_address operator_ = vpr_address_of_field(actor->operator_);
    struct vpr_address indexed;
    census->overflow |=
        !vpr_coin_add(&census->staked, census->staked, vpr_coin(vpr_actor_total(actor)));
    if (actor->status == VIPER__V1__STATUS__STATUS_GONE) {
        return actor->stake == 0;
    }
    census->actors++;
    return vpr_actor_by_operator(ctx, &operator_, &indexed) && vpr_address_equal(&indexed, id);
}

static uint64_t count_operators(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_OPERATOR);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    uint64_t count = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        count++;
        from = vpr_state_after(ctx->arena, key);
    }
    return count;
}

enum vpr_code vpr_actors_invariant(struct vpr_ctx *ctx)
{
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    struct census census = {vpr_unbonding_sum(ctx), 0, false};
    struct vpr_address id;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        if (!check_actor(ctx, &census, &id, actor)) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "actor %s is not found by its operator, or is gone with a stake",
                            vpr_text_of_address(ctx->arena, &id));
        }
        after = &id;
    }
    struct vpr_coin held = vpr_account_balance(ctx, &pool);
    /* raw: two sums are compared */
    if (census.overflow || held.uvipr != census.staked.uvipr) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT,
                        "the pool of stakes holds %" PRIu64 " uvipr, stakes sum to %" PRIu64,
                        held.uvipr, census.staked.uvipr);
    }
    uint64_t operators = count_operators(ctx);
    if (operators != census.actors) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " operators serve %" PRIu64 " actors", operators,
                        census.actors);
    }
    return VPR_OK;
}

/* ---- queries ---- */

enum vpr_code vpr_actor_asked(struct vpr_ctx *ctx, const char *id_text, Viper__V1__Kind kind,
                              struct vpr_address *ret_id, const Viper__V1__Actor **ret_actor)
{
    struct vpr_address id;
    VPR_TRY(vpr_field_address(&id, id_text, "id", ctx->err));
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor == NULL || actor->kind != kind) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "%s is not the id of a %s", id_text,
                        vpr_kind_name(kind));
    }
    *ret_id = id;
    *ret_actor = actor;
    return VPR_OK;
}

Viper__V1__ActorInfo *vpr_actor_info(struct vpr_ctx *ctx, const struct vpr_address *id,
                                     const Viper__V1__Actor *actor)
{
    struct vpr_address owner = vpr_address_of_field(actor->owner);
    struct vpr_address operator_ = vpr_address_of_field(actor->operator_);
    Viper__V1__ActorInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__ActorInfo);
    viper__v1__actor_info__init(info);
    info->id = vpr_text_of_address(ctx->arena, id);
    info->kind = actor->kind;
    info->owner = vpr_text_of_address(ctx->arena, &owner);
    info->operator_ = vpr_text_of_address(ctx->arena, &operator_);
    info->status = actor->status;
    info->stake = actor->stake;
    info->delegated = actor->delegated;
    info->commission_ppm = actor->commission_ppm;
    info->url = vpr_arena_text(ctx->arena, "%s", actor->url);
    return info;
}

/* KIND_NONE: all kinds; those that are gone too, since their ids stay taken. */
static enum vpr_code answer_actors(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryActorsRequest *asked =
        (const Viper__V1__QueryActorsRequest *)request;
    struct vpr_page page;
    struct vpr_address id, last;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_page_read(&page, asked->pagination, sizeof last.b, ctx->err));
    if (page.key.len != 0) {
        memcpy(last.b, page.key.data, sizeof last.b);
        after = &last;
    }
    Viper__V1__QueryActorsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryActorsResponse);
    viper__v1__query_actors_response__init(response);
    response->actors = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ActorInfo *, page.limit);
    struct vpr_bytes next_key = {NULL, 0};
    size_t mark = vpr_arena_mark(ctx->arena);
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        bool wanted = asked->kind == VIPER__V1__KIND__KIND_NONE || actor->kind == asked->kind;
        if (wanted && page.offset > 0) {
            page.offset--;
            wanted = false;
        }
        if (wanted && response->n_actors == page.limit) {
            next_key = vpr_bytes_of(last.b, sizeof last.b);
            break;
        }
        if (wanted) {
            response->actors[response->n_actors++] = vpr_actor_info(ctx, &id, actor);
            mark = vpr_arena_mark(ctx->arena);
        } else {
            vpr_arena_release(ctx->arena, mark);
        }
        last = id;
        after = &last;
    }
    response->pagination = vpr_page_answer(ctx->arena, next_key, 0);
    *ret_response = &response->base;
    return VPR_OK;
}

const struct vpr_query vpr_actors_queries[] = {
    {"/viper.v1.Query/Actors", &viper__v1__query_actors_request__descriptor,
     &viper__v1__query_actors_response__descriptor, answer_actors},
};
