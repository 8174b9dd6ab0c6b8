#include "app/domain/price.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/validators.h"
#include "app/rules/price.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define PRICE_MAX (UINT64_C(1) << 62) /* micro-USD a VIPR; rules/price goes up to 2^63 */
#define PRICE_BYTES 8

/* ---- records ---- */

static bool number_get(struct vpr_ctx *ctx, const struct vpr_key_buf *key, uint64_t *ret)
{
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(key), &value)) {
        return false;
    }
    VPR_ASSERT(value.len == PRICE_BYTES);
    *ret = vpr_get_be64(value.data);
    return true;
}

static void number_put(struct vpr_ctx *ctx, const struct vpr_key_buf *key, uint64_t number)
{
    uint8_t value[PRICE_BYTES];
    vpr_put_be64(value, number);
    vpr_state_put(ctx->state, VPR_STORE_PRICE, vpr_key_bytes(key),
                  vpr_bytes_of(value, sizeof value));
}

static struct vpr_key_buf price_key(uint64_t session)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE);
    vpr_key_u64(&key, session);
    return key;
}

static struct vpr_key_buf vote_key(const struct vpr_address *validator)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE_VOTE);
    vpr_key_address(&key, validator);
    return key;
}

static bool median_get(struct vpr_ctx *ctx, uint64_t *ret)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE_MEDIAN);
    return number_get(ctx, &key, ret);
}

/* The newest price that counts from `session` or before; 0: none yet. */
static uint64_t price_of(struct vpr_ctx *ctx, uint64_t session)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_PRICE);
    struct vpr_key_buf from = price_key(session);
    struct vpr_bytes key, value;
    if (!vpr_state_prev(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&prefix),
                        vpr_key_bytes(&from), &key, &value)) {
        return 0;
    }
    VPR_ASSERT(value.len == PRICE_BYTES);
    return vpr_get_be64(value.data);
}

uint64_t vpr_price_for_stake(struct vpr_ctx *ctx)
{
    uint64_t running = vpr_session_number(ctx);
    uint64_t prices[VPR_PRICE_SESSIONS];
    size_t count = 0;
    uint64_t back = running < VPR_PRICE_SESSIONS - 1 ? running : VPR_PRICE_SESSIONS - 1;
    for (uint64_t session = running - back; session <= running; session++) {
        prices[count] = price_of(ctx, session);
        VPR_ASSERT(prices[count] >= 1);
        count++;
    }
    uint64_t median;
    bool has_median = median_get(ctx, &median);
    return vpr_price_of_stake(prices, count, price_of(ctx, running + 1),
                              has_median ? &median : NULL);
}

/* ---- when a session closes ---- */

/* The votes of the set's members, in the order of the set; returns how many. */
static size_t votes_of_set(struct vpr_ctx *ctx, const struct vpr_validator_member *set,
                           size_t members, struct vpr_price_vote *ret_votes,
                           uint64_t *ret_voting, uint64_t *ret_set_stake)
{
    size_t count = 0;
    *ret_voting = *ret_set_stake = 0;
    for (size_t i = 0; i < members; i++) {
        struct vpr_key_buf key = vote_key(&set[i].id);
        uint64_t price;
        *ret_set_stake += set[i].stake; /* part of the supply */
        if (number_get(ctx, &key, &price)) {
            ret_votes[count++] = (struct vpr_price_vote){price, set[i].stake};
            *ret_voting += set[i].stake;
        }
    }
    return count;
}

static void forget_votes(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PRICE_VOTE);
    struct vpr_bytes key, value, from = vpr_key_bytes(&prefix);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&prefix), from,
                          &key, &value)) {
        vpr_state_del(ctx->state, VPR_STORE_PRICE, key);
        from = vpr_state_after(ctx->arena, key);
    }
}

/* What is older than the newest price that the 23rd session before `running` reads. */
static void forget_prices(struct vpr_ctx *ctx, uint64_t running)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PRICE);
    const struct vpr_key_buf first = price_key(0);
    if (running < VPR_PRICE_SESSIONS) {
        return;
    }
    const struct vpr_key_buf until = price_key(running - (VPR_PRICE_SESSIONS - 1));
    struct vpr_bytes newest, key, value, from = vpr_key_bytes(&first);
    bool found = vpr_state_prev(ctx->state, ctx->arena, VPR_STORE_PRICE,
                                vpr_key_bytes(&prefix), vpr_key_bytes(&until), &newest, &value);
    VPR_ASSERT(found);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&prefix), from,
                          &key, &value) &&
           vpr_bytes_cmp(key, newest) < 0) {
        vpr_state_del(ctx->state, VPR_STORE_PRICE, key);
        from = vpr_state_after(ctx->arena, key);
    }
}

void vpr_price_close(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf median_key = vpr_key(VPR_KEY_PRICE_MEDIAN);
    uint64_t running = vpr_session_number(ctx);
    struct vpr_validator_member *set;
    uint64_t voting, set_stake, median;
    if (running == 0) {
        return; /* no session has closed */
    }
    size_t members = vpr_validators_members(ctx, &set);
    struct vpr_price_vote *votes = VPR_ARENA_ARRAY(ctx->arena, struct vpr_price_vote, members);
    size_t count = votes_of_set(ctx, set, members, votes, &voting, &set_stake);
    forget_votes(ctx);
    forget_prices(ctx, running);
    if (!vpr_price_median(&median, ctx->arena, votes, count, set_stake)) {
        return;
    }
    /* What was pending while the session ran is in force now. */
    uint64_t price = vpr_price_clamp(price_of(ctx, running), median);
    struct vpr_key_buf key = price_key(running + 1);
    number_put(ctx, &key, price);
    number_put(ctx, &median_key, median);

    vpr_event(ctx, "price");
    vpr_event_u64(ctx, "session", running + 1);
    vpr_event_u64(ctx, "price_micro_usd", price);
    vpr_event_u64(ctx, "median_micro_usd", median);
    vpr_event_u64(ctx, "voting_stake", voting);
    vpr_event_u64(ctx, "set_stake", set_stake);
}

/* ---- the message ---- */

static enum vpr_code check_price(uint64_t price, struct vpr_err *err)
{
    if (price < 1 || price > PRICE_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "price_micro_usd is %" PRIu64 "; it lies between 1 and %" PRIu64, price,
                        PRICE_MAX);
    }
    return VPR_OK;
}

static enum vpr_code check_vote(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgPrice *m = (const Viper__V1__MsgPrice *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->operator_, "operator", err));
    return check_price(m->price_micro_usd, err);
}

static enum vpr_code admit_vote(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    struct vpr_address id;
    (void)message;
    return vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_VALIDATOR, &id);
}

static enum vpr_code apply_vote(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgPrice *m = (const Viper__V1__MsgPrice *)message;
    struct vpr_address id;
    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_VALIDATOR, &id));
    struct vpr_key_buf key = vote_key(&id);
    number_put(ctx, &key, m->price_micro_usd);

    vpr_event(ctx, "price_vote");
    vpr_event_address(ctx, "validator", &id);
    vpr_event_u64(ctx, "session", vpr_session_number(ctx));
    vpr_event_u64(ctx, "price_micro_usd", m->price_micro_usd);
    return VPR_OK;
}

/* ---- genesis, invariant, query ---- */

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    uint64_t price = ((const Viper__V1__GenesisState *)genesis)->price_micro_usd;
    VPR_TRY(check_price(price, ctx->err));
    struct vpr_key_buf key = price_key(0);
    number_put(ctx, &key, price);
    return VPR_OK;
}

/* Walks over the prices; *at: the key before, of length 0 at first. */
static bool next_price(struct vpr_ctx *ctx, struct vpr_bytes *at, uint64_t *ret_session,
                       uint64_t *ret_price)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PRICE);
    struct vpr_bytes key, value;
    struct vpr_bytes from = at->len == 0 ? vpr_arena_bytes(ctx->arena, vpr_key_bytes(&prefix))
                                         : vpr_state_after(ctx->arena, *at);
    if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&prefix), from,
                        &key, &value)) {
        return false;
    }
    VPR_ASSERT(key.len == prefix.len + PRICE_BYTES && value.len == PRICE_BYTES);
    *ret_session = vpr_get_be64(key.data + prefix.len);
    *ret_price = vpr_get_be64(value.data);
    *at = key;
    return true;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    uint64_t running = vpr_session_number(ctx), session, price, last = 0;
    uint64_t kept = 0, before = 0;
    struct vpr_bytes at = {NULL, 0};
    while (next_price(ctx, &at, &session, &price)) {
        if (price < 1 || price > PRICE_MAX || session > running + 1) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "the price from session %" PRIu64 " is %" PRIu64
                            ", while session %" PRIu64 " runs",
                            session, price, running);
        }
        /* Of those that no stake reads any more there is one at most. */
        before += session + (VPR_PRICE_SESSIONS - 1) <= running;
        if (kept > 0 && price != vpr_price_clamp(last, price)) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "the price from session %" PRIu64 " is %" PRIu64
                            ", more than a tenth from %" PRIu64, session, price, last);
        }
        last = price;
        kept++;
    }
    if (kept == 0 || before > 1) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "%" PRIu64 " prices, %" PRIu64 " of them old",
                        kept, before);
    }
    return VPR_OK;
}

static char *operator_text(struct vpr_ctx *ctx, const struct vpr_address *validator)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, validator);
    VPR_ASSERT(actor != NULL); /* records of actors stay for ever */
    struct vpr_address operator_ = vpr_address_of_field(actor->operator_);
    return vpr_text_of_address(ctx->arena, &operator_);
}

static void answer_votes(struct vpr_ctx *ctx, Viper__V1__QueryPriceResponse *response)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PRICE_VOTE);
    struct vpr_validator_member *set;
    size_t members = vpr_validators_members(ctx, &set);
    struct vpr_bytes key, value, from = vpr_key_bytes(&prefix);
    Viper__V1__PriceVote *votes[VPR_PRICE_VOTES_TOLD];
    for (size_t i = 0; i < members; i++) {
        response->set_stake += set[i].stake;
    }
    while (response->n_votes < VPR_PRICE_VOTES_TOLD &&
           vpr_state_next(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&prefix), from,
                          &key, &value)) {
        Viper__V1__PriceVote *vote = VPR_ARENA_NEW(ctx->arena, Viper__V1__PriceVote);
        struct vpr_address id;
        viper__v1__price_vote__init(vote);
        VPR_ASSERT(key.len == prefix.len + sizeof id.b && value.len == PRICE_BYTES);
        memcpy(id.b, key.data + prefix.len, sizeof id.b);
        vote->validator = vpr_text_of_address(ctx->arena, &id);
        vote->operator_ = operator_text(ctx, &id);
        vote->price_micro_usd = vpr_get_be64(value.data);
        for (size_t i = 0; i < members; i++) {
            if (vpr_address_equal(&set[i].id, &id)) {
                vote->stake = set[i].stake;
            }
        }
        response->voting_stake += vote->stake;
        votes[response->n_votes++] = vote;
        from = vpr_state_after(ctx->arena, key);
    }
    response->votes =
        vpr_arena_copy(ctx->arena, votes, response->n_votes * sizeof votes[0]);
}

static enum vpr_code answer_price(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    Viper__V1__SessionPrice *history[VPR_PRICE_SESSIONS + 2];
    struct vpr_bytes at = {NULL, 0};
    uint64_t session, price;
    (void)request;
    Viper__V1__QueryPriceResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryPriceResponse);
    viper__v1__query_price_response__init(response);
    response->session = vpr_session_number(ctx);
    response->price_micro_usd = price_of(ctx, response->session);
    response->pending_micro_usd = price_of(ctx, response->session + 1);
    response->stake_price_micro_usd = vpr_price_for_stake(ctx);
    (void)median_get(ctx, &response->newest_median_micro_usd);
    answer_votes(ctx, response);
    while (response->n_history < VPR_COUNT(history) &&
           next_price(ctx, &at, &session, &price)) {
        Viper__V1__SessionPrice *row = VPR_ARENA_NEW(ctx->arena, Viper__V1__SessionPrice);
        viper__v1__session_price__init(row);
        row->session = session;
        row->price_micro_usd = price;
        history[response->n_history++] = row;
    }
    response->history =
        vpr_arena_copy(ctx->arena, history, response->n_history * sizeof history[0]);
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_handler handlers[] = {
    {"price.vote", "/viper.v1.MsgPrice", &viper__v1__msg_price__descriptor, "operator",
     VPR_LANE_ORDINARY, 0, NULL, check_vote, apply_vote, admit_vote},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Price", &viper__v1__query_price_request__descriptor,
     &viper__v1__query_price_response__descriptor, answer_price},
};

static const struct vpr_invariant invariants[] = {
    {"prices_move_by_a_tenth", invariant},
};

const struct vpr_domain vpr_price = {
    .name = "price",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
