#include "app/domain/sessions.h"

#include "app/base/bytes.h"
#include "app/domain/beacon.h"
#include "app/domain/field.h"
#include "app/domain/price.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/state.pb-c.h"

#define U64_BYTES 8

static struct vpr_key_buf session_key(uint64_t number)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SESSION);
    vpr_key_u64(&key, number);
    return key;
}

static bool get_u64(struct vpr_ctx *ctx, enum vpr_key_first name, uint64_t *ret)
{
    struct vpr_key_buf key = vpr_key(name);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_SESSIONS, vpr_key_bytes(&key),
                       &value)) {
        return false;
    }
    VPR_ASSERT(value.len == U64_BYTES);
    *ret = vpr_get_be64(value.data);
    return true;
}

static void put_u64(struct vpr_ctx *ctx, enum vpr_key_first name, uint64_t number)
{
    struct vpr_key_buf key = vpr_key(name);
    uint8_t value[U64_BYTES];
    vpr_put_be64(value, number);
    vpr_state_put(ctx->state, VPR_STORE_SESSIONS, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
}

static void put_block(struct vpr_ctx *ctx)
{
    VPR_ASSERT(ctx->time_s >= 0);
    struct vpr_key_buf key = vpr_key(VPR_KEY_BLOCK);
    uint8_t value[2 * U64_BYTES];
    vpr_put_be64(value, ctx->height);
    vpr_put_be64(value + U64_BYTES, (uint64_t)ctx->time_s);
    vpr_state_put(ctx->state, VPR_STORE_SESSIONS, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
}

static void put_session(struct vpr_ctx *ctx, const struct vpr_session *session)
{
    Viper__V1__Session record = VIPER__V1__SESSION__INIT;
    record.number = session->number;
    record.first = session->first;
    record.last = session->last;
    record.seed = vpr_field_of_hash(ctx->arena, &session->seed);
    if (session->has_challenge) {
        record.challenge = vpr_field_of_hash(ctx->arena, &session->challenge);
    }
    struct vpr_key_buf key = session_key(session->number);
    vpr_record_put(ctx, VPR_STORE_SESSIONS, vpr_key_bytes(&key), &record.base);
}

bool vpr_session_get(struct vpr_ctx *ctx, uint64_t number, struct vpr_session *ret)
{
    struct vpr_key_buf key = session_key(number);
    const Viper__V1__Session *record = (const Viper__V1__Session *)vpr_record_get(
        ctx, VPR_STORE_SESSIONS, vpr_key_bytes(&key), &viper__v1__session__descriptor);
    if (record == NULL) {
        return false;
    }
    struct vpr_session session = {
        .number = record->number,
        .first = record->first,
        .last = record->last,
        .seed = vpr_hash_of_field(record->seed),
        .has_challenge = record->challenge.len != 0,
    };
    if (session.has_challenge) {
        session.challenge = vpr_hash_of_field(record->challenge);
    }
    *ret = session;
    return true;
}

struct vpr_session vpr_session_current(struct vpr_ctx *ctx)
{
    uint64_t number;
    struct vpr_session session;
    if (!get_u64(ctx, VPR_KEY_CURRENT, &number) || !vpr_session_get(ctx, number, &session)) {
        VPR_HALT("the state has no running session");
    }
    return session;
}

uint64_t vpr_session_number(struct vpr_ctx *ctx)
{
    uint64_t number = 0;
    (void)get_u64(ctx, VPR_KEY_CURRENT, &number);
    return number;
}

uint64_t vpr_session_counts_from(struct vpr_ctx *ctx)
{
    uint64_t number;
    if (!get_u64(ctx, VPR_KEY_CURRENT, &number)) {
        return 0;
    }
    struct vpr_session session = vpr_session_current(ctx);
    if (ctx->height < session.first) {
        return 0; /* genesis */
    }
    if (ctx->height > session.last) {
        /* A simulation before the next session is opened: its first block. */
        return number + 2;
    }
    uint64_t left = session.last + 1 - ctx->height;
    return left >= vpr_param(ctx, VPR_P_freeze_blocks, number) ? number + 1 : number + 2;
}

uint64_t vpr_session_oldest_unsettled(struct vpr_ctx *ctx)
{
    uint64_t number = 0;
    (void)get_u64(ctx, VPR_KEY_OLDEST, &number);
    return number;
}

void vpr_session_set_oldest_unsettled(struct vpr_ctx *ctx, uint64_t number)
{
    uint64_t oldest = vpr_session_oldest_unsettled(ctx);
    VPR_ASSERT(number >= oldest && number <= vpr_session_number(ctx));
    for (uint64_t done = oldest; done < number; done++) {
        struct vpr_key_buf key = session_key(done);
        vpr_state_del(ctx->state, VPR_STORE_SESSIONS, vpr_key_bytes(&key));
    }
    put_u64(ctx, VPR_KEY_OLDEST, number);
}

/* `seed` is the beacon of the block before, so this comes ahead of the beacon's step. */
static void open_session(struct vpr_ctx *ctx, uint64_t number, uint64_t first,
                         const struct vpr_hash *seed)
{
    struct vpr_session session = {
        .number = number,
        .first = first,
        .last = first + vpr_param(ctx, VPR_P_session_blocks, number) - 1,
        .seed = *seed,
    };
    put_session(ctx, &session);
    put_u64(ctx, VPR_KEY_CURRENT, number);

    vpr_event(ctx, "session");
    vpr_event_u64(ctx, "session", number);
    vpr_event_u64(ctx, "first", session.first);
    vpr_event_u64(ctx, "last", session.last);
    vpr_event_hex(ctx, "seed", seed->b, sizeof seed->b);
}

void vpr_session_open(struct vpr_ctx *ctx)
{
    struct vpr_session session = vpr_session_current(ctx);
    VPR_ASSERT(ctx->height >= session.first && ctx->height <= session.last + 1);
    put_block(ctx);
    if (ctx->height <= session.last) {
        return;
    }
    struct vpr_hash seed = vpr_beacon_get(ctx);
    open_session(ctx, session.number + 1, ctx->height, &seed);
}

/* challenge(s) = B of block first(s+2) + challenge_delay - 1, known once that block's beacon
 * step is done; Prove and Reveal begin in the block after. */
void vpr_session_challenge(struct vpr_ctx *ctx)
{
    struct vpr_session current = vpr_session_current(ctx);
    struct vpr_session proved;
    if (current.number < 2 || !vpr_session_get(ctx, current.number - 2, &proved)) {
        return;
    }
    uint64_t delay = vpr_param(ctx, VPR_P_challenge_delay, proved.number);
    if (ctx->height + 1 != current.first + delay) {
        return;
    }
    VPR_ASSERT(!proved.has_challenge);
    proved.challenge = vpr_beacon_get(ctx);
    proved.has_challenge = true;
    put_session(ctx, &proved);

    vpr_event(ctx, "challenge");
    vpr_event_u64(ctx, "session", proved.number);
    vpr_event_hex(ctx, "challenge", proved.challenge.b, sizeof proved.challenge.b);
}

bool vpr_session_opens_now(struct vpr_ctx *ctx)
{
    struct vpr_session session = vpr_session_current(ctx);
    return ctx->height == session.first || ctx->height == session.last + 1;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    (void)genesis;
    struct vpr_hash seed = vpr_beacon_genesis(vpr_bytes_str(ctx->chain_id));
    open_session(ctx, 0, ctx->height + 1, &seed);
    put_u64(ctx, VPR_KEY_OLDEST, 0);
    put_block(ctx);
    return VPR_OK;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    struct vpr_session current = vpr_session_current(ctx);
    uint64_t oldest = vpr_session_oldest_unsettled(ctx);
    struct vpr_session session;
    if (oldest > current.number || current.last < current.first) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "session %" PRIu64 " runs, %" PRIu64 " is the oldest unsettled",
                        current.number, oldest);
    }
    uint64_t next = current.first;
    for (uint64_t number = current.number; number > oldest; number--) {
        if (!vpr_session_get(ctx, number - 1, &session) || session.last + 1 != next) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "session %" PRIu64 " does not end before session %" PRIu64,
                            number - 1, number);
        }
        next = session.first;
    }
    if (oldest > 0 && vpr_session_get(ctx, oldest - 1, &session)) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "session %" PRIu64 " is settled, its record remains", oldest - 1);
    }
    return VPR_OK;
}

/* ---- queries ---- */

/* A change now counts from the session after next at the latest. */
static enum vpr_code check_readable(struct vpr_ctx *ctx, uint64_t session)
{
    uint64_t newest = vpr_session_number(ctx) + 2;
    uint64_t oldest = vpr_session_oldest_unsettled(ctx);
    if (session < oldest || session > newest) {
        return vpr_fail(ctx->err, VPR_NO_SESSION,
                        "session %" PRIu64 " is not one of %" PRIu64 " to %" PRIu64, session,
                        oldest, newest);
    }
    return VPR_OK;
}

enum vpr_code vpr_session_asked(struct vpr_ctx *ctx, uint64_t asked, uint64_t *ret_session)
{
    uint64_t session = asked != 0 ? asked : vpr_session_number(ctx);
    VPR_TRY(check_readable(ctx, session));
    *ret_session = session;
    return VPR_OK;
}

static Viper__V1__Params *params_of(struct vpr_ctx *ctx, uint64_t session)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PARAMS);
    const ProtobufCMessage *record =
        vpr_version_get(ctx, VPR_STORE_PARAMS, vpr_key_bytes(&key), session,
                        &viper__v1__params__descriptor);
    Viper__V1__Params *copy = NULL;
    if (record != NULL) {
        copy = VPR_ARENA_NEW(ctx->arena, Viper__V1__Params);
        *copy = *(const Viper__V1__Params *)record;
    }
    return copy;
}

static enum vpr_code answer_chain(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    (void)request;
    struct vpr_session current = vpr_session_current(ctx);
    struct vpr_hash app_hash = ctx->state->view != NULL
                                   ? vpr_view_app_hash(ctx->state->view)
                                   : vpr_store_app_hash(ctx->state->store);
    Viper__V1__QueryChainResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryChainResponse);
    viper__v1__query_chain_response__init(response);
    response->chain_id = vpr_arena_text(ctx->arena, "%s", ctx->chain_id);
    response->height = ctx->height;
    response->time_s = ctx->time_s;
    response->session = current.number;
    response->first = current.first;
    response->last = current.last;
    response->seed = vpr_field_of_hash(ctx->arena, &current.seed);
    response->params = params_of(ctx, current.number);
    response->oldest_unsettled = vpr_session_oldest_unsettled(ctx);
    response->app_hash = vpr_field_of_hash(ctx->arena, &app_hash);
    response->stake_price_micro_usd = vpr_price_for_stake(ctx);
    *ret_response = &response->base;
    return VPR_OK;
}

static enum vpr_code answer_params(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryParamsRequest *asked =
        (const Viper__V1__QueryParamsRequest *)request;
    bool unsaid = asked->session == 0 && vpr_session_oldest_unsettled(ctx) > 0;
    uint64_t session = asked->current || unsaid ? vpr_session_number(ctx) : asked->session;
    VPR_TRY(check_readable(ctx, session));
    Viper__V1__QueryParamsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryParamsResponse);
    viper__v1__query_params_response__init(response);
    response->params = params_of(ctx, session);
    *ret_response = &response->base;
    return VPR_OK;
}

static enum vpr_code answer_param_rules(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    uint64_t session = vpr_session_number(ctx);
    struct vpr_params running, newest;
    (void)request;
    vpr_params_get(ctx, &running, session);
    vpr_params_get(ctx, &newest, session + 2);
    Viper__V1__QueryParamRulesResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryParamRulesResponse);
    viper__v1__query_param_rules_response__init(response);
    response->rules = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ParamRule *, VPR_PARAM_COUNT);
    for (enum vpr_param param = 0; param < VPR_PARAM_COUNT; param++) {
        const struct vpr_param_rule *rule = vpr_param_rule(param);
        Viper__V1__ParamRule *row = VPR_ARENA_NEW(ctx->arena, Viper__V1__ParamRule);
        viper__v1__param_rule__init(row);
        row->name = vpr_arena_text(ctx->arena, "%s", rule->name);
        row->unit = vpr_arena_text(ctx->arena, "%s", rule->unit);
        row->value = running.v[param];
        row->newest = newest.v[param];
        row->least = rule->least;
        row->most = rule->most;
        vpr_param_reach(param, row->newest, &row->step_least, &row->step_most);
        response->rules[response->n_rules++] = row;
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static enum vpr_code answer_session(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    uint64_t number = ((const Viper__V1__QuerySessionRequest *)request)->session;
    struct vpr_key_buf key = session_key(number);
    const ProtobufCMessage *record = vpr_record_get(
        ctx, VPR_STORE_SESSIONS, vpr_key_bytes(&key), &viper__v1__session__descriptor);
    if (record == NULL) {
        return vpr_fail(ctx->err, VPR_NO_SESSION,
                        "session %" PRIu64 " is not one of %" PRIu64 " to %" PRIu64, number,
                        vpr_session_oldest_unsettled(ctx), vpr_session_number(ctx));
    }
    Viper__V1__QuerySessionResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QuerySessionResponse);
    viper__v1__query_session_response__init(response);
    response->session = VPR_ARENA_NEW(ctx->arena, Viper__V1__Session);
    *response->session = *(const Viper__V1__Session *)record;
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Chain", &viper__v1__query_chain_request__descriptor,
     &viper__v1__query_chain_response__descriptor, answer_chain},
    {"/viper.v1.Query/ParamRules", &viper__v1__query_param_rules_request__descriptor,
     &viper__v1__query_param_rules_response__descriptor, answer_param_rules},
    {"/viper.v1.Query/Params", &viper__v1__query_params_request__descriptor,
     &viper__v1__query_params_response__descriptor, answer_params},
    {"/viper.v1.Query/Session", &viper__v1__query_session_request__descriptor,
     &viper__v1__query_session_response__descriptor, answer_session},
};

static const struct vpr_invariant invariants[] = {
    {"sessions_follow", invariant},
    {"versions_wait_for_their_cut", vpr_versions_invariant},
    {"parameters_fit", vpr_params_invariant},
};

const struct vpr_domain vpr_sessions = {
    .name = "sessions",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
