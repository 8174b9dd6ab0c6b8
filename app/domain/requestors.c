#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/benches.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/price.h"
#include "app/domain/sessions.h"
#include "app/rules/split.h"
#include "app/tx/gas.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* Those who stake for throughput: MsgStakeRequestor, MsgEditRequestor.  shadow_url changes at
 * once; pairs, gateway keys and num_servicers through terms. */

static enum vpr_code check_pairs(Viper__V1__Pair *const *pairs, size_t count,
                                 struct vpr_err *err)
{
    uint64_t sum = 0;
    if (count < 1 || count > VPR_PAIRS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "lists %zu pairs; 1 to %d are possible", count,
                        VPR_PAIRS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__Pair *pair = pairs[i];
        if (pair->chain > UINT16_MAX || pair->zone > UINT16_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "pair %zu: chain %" PRIu32 " or zone %" PRIu32
                            " has more than 16 bits",
                            i, pair->chain, pair->zone);
        }
        if (i > 0 && (pair->chain < pairs[i - 1]->chain ||
                      (pair->chain == pairs[i - 1]->chain &&
                       pair->zone <= pairs[i - 1]->zone))) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "pairs must ascend by chain and zone: pair %zu does not", i);
        }
        if (pair->share_ppm < 1) {
            return vpr_fail(err, VPR_BAD_FIELD, "pair %zu has no share", i);
        }
        sum += pair->share_ppm;
    }
    if (sum != VPR_PPM) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "the shares sum to %" PRIu64 " ppm instead of 1000000", sum);
    }
    return VPR_OK;
}

static enum vpr_code check_keys(const ProtobufCBinaryData *keys, size_t count,
                                struct vpr_err *err)
{
    if (count < 1 || count > VPR_GATEWAY_KEYS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "lists %zu gateway keys; 1 to %d are possible",
                        count, VPR_GATEWAY_KEYS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        VPR_TRY(vpr_check_key(keys[i], "gateway_keys", err));
        if (i > 0 && memcmp(keys[i - 1].data, keys[i].data, keys[i].len) >= 0) {
            return vpr_fail(err, VPR_BAD_FIELD, "gateway keys must ascend: key %zu does not",
                            i);
        }
    }
    return VPR_OK;
}

static enum vpr_code check_terms(uint32_t num_servicers, Viper__V1__Pair *const *pairs,
                                 size_t pair_count, const ProtobufCBinaryData *keys,
                                 size_t key_count, const char *shadow_url, struct vpr_err *err)
{
    if (num_servicers < VPR_SERVICERS_LEAST || num_servicers > VPR_SERVICERS_MOST) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "num_servicers is %" PRIu32 "; %d to %d are possible", num_servicers,
                        VPR_SERVICERS_LEAST, VPR_SERVICERS_MOST);
    }
    VPR_TRY(check_pairs(pairs, pair_count, err));
    VPR_TRY(check_keys(keys, key_count, err));
    if (shadow_url[0] != '\0') {
        VPR_TRY(vpr_check_url(shadow_url, true, "shadow_url", err));
    }
    return VPR_OK;
}

/* Places of all pairs are active and each quota reaches min_quota, both in the session that
 * the draft counts from and with that session's parameters and length. */
static enum vpr_code check_quotas(struct vpr_ctx *ctx, const Viper__V1__Terms *draft)
{
    uint64_t session = vpr_session_counts_from(ctx);
    uint64_t least = vpr_param(ctx, VPR_P_min_quota, session);
    uint64_t budget, allowance;
    VPR_TRY(vpr_throughput(ctx, draft, session, &budget, &allowance));
    for (size_t i = 0; i < draft->n_pairs; i++) {
        const Viper__V1__PairTerms *pair = draft->pairs[i];
        VPR_TRY(vpr_place_active(ctx, pair->chain, pair->zone, session));
        uint64_t quota = vpr_quota(allowance, pair->share_ppm, draft->num_servicers);
        if (quota < least) {
            return vpr_fail(ctx->err, VPR_QUOTA_TOO_LOW,
                            "pair %04" PRIx32 "/%04" PRIx32 " gives each of %" PRIu32
                            " servicers %" PRIu64 " CU a session, %" PRIu64
                            " at least; stake more or list fewer",
                            pair->chain, pair->zone, draft->num_servicers, quota, least);
        }
    }
    return VPR_OK;
}

static void set_pairs(struct vpr_ctx *ctx, Viper__V1__Terms *terms,
                      Viper__V1__Pair *const *pairs, size_t count)
{
    terms->n_pairs = count;
    terms->pairs = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__PairTerms *, count);
    for (size_t i = 0; i < count; i++) {
        terms->pairs[i] = VPR_ARENA_NEW(ctx->arena, Viper__V1__PairTerms);
        viper__v1__pair_terms__init(terms->pairs[i]);
        terms->pairs[i]->chain = pairs[i]->chain;
        terms->pairs[i]->zone = pairs[i]->zone;
        terms->pairs[i]->share_ppm = pairs[i]->share_ppm;
    }
}

static enum vpr_code check_stake(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgStakeRequestor *m = (const Viper__V1__MsgStakeRequestor *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->owner, "owner", err));
    VPR_TRY(vpr_field_address(&ignored, m->operator_, "operator", err));
    return check_terms(m->num_servicers, m->pairs, m->n_pairs, m->gateway_keys,
                       m->n_gateway_keys, m->shadow_url, err);
}

static enum vpr_code apply_stake(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgStakeRequestor *m = (const Viper__V1__MsgStakeRequestor *)message;
    Viper__V1__Actor actor = VIPER__V1__ACTOR__INIT;
    Viper__V1__Terms terms = VIPER__V1__TERMS__INIT;
    actor.kind = VIPER__V1__KIND__KIND_REQUESTOR;
    actor.url = m->shadow_url;
    VPR_TRY(vpr_actor_stake_enough(ctx, actor.kind, m->amount));
    if (!vpr_usd_value(&actor.usd, m->amount, vpr_price_for_stake(ctx))) {
        return vpr_fail(ctx->err, VPR_OVERFLOW, "the value of %" PRIu64 " uvipr overflows",
                        m->amount);
    }
    terms.stake = m->amount;
    terms.usd = actor.usd;
    terms.num_servicers = m->num_servicers;
    set_pairs(ctx, &terms, m->pairs, m->n_pairs);
    terms.n_gateway_keys = m->n_gateway_keys;
    terms.gateway_keys = m->gateway_keys;
    VPR_TRY(check_quotas(ctx, &terms));
    return vpr_actor_stake(ctx, m->owner, m->operator_, m->amount, &actor, &terms);
}

static enum vpr_code check_edit(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgEditRequestor *m = (const Viper__V1__MsgEditRequestor *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->signer, "signer", err));
    VPR_TRY(vpr_field_address(&ignored, m->requestor, "requestor", err));
    return check_terms(m->num_servicers, m->pairs, m->n_pairs, m->gateway_keys,
                       m->n_gateway_keys, m->shadow_url, err);
}

static enum vpr_code apply_edit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgEditRequestor *m = (const Viper__V1__MsgEditRequestor *)message;
    struct vpr_address id;
    const Viper__V1__Actor *before;
    VPR_TRY(vpr_actor_for_edit(ctx, m->requestor, VIPER__V1__KIND__KIND_REQUESTOR, &id,
                               &before));
    Viper__V1__Actor actor = *before;
    actor.url = m->shadow_url;
    Viper__V1__Terms *draft = vpr_terms_draft(ctx, &id, &actor);
    struct vpr_address owner = vpr_address_of_field(actor.owner);
    if (m->num_servicers != draft->num_servicers && !vpr_address_equal(&owner, &ctx->signer)) {
        return vpr_fail(ctx->err, VPR_DENIED,
                        "only the owner changes num_servicers, which is %" PRIu32,
                        draft->num_servicers);
    }
    draft->num_servicers = m->num_servicers;
    set_pairs(ctx, draft, m->pairs, m->n_pairs);
    draft->n_gateway_keys = m->n_gateway_keys;
    draft->gateway_keys = m->gateway_keys;
    VPR_TRY(check_quotas(ctx, draft));
    VPR_TRY(vpr_terms_change(ctx, &id, &actor, draft));
    vpr_actor_put(ctx, &id, &actor);

    vpr_actor_event(ctx, "edit", &id, &actor);
    vpr_event_text(ctx, "url", actor.url);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    return VPR_OK;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    const Viper__V1__GenesisState *state = (const Viper__V1__GenesisState *)genesis;
    for (size_t i = 0; i < state->n_requestors; i++) {
        const ProtobufCMessage *m = &state->requestors[i]->base;
        if (check_stake(m, ctx->err) != VPR_OK || apply_stake(ctx, m) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "requestors", i);
        }
    }
    return VPR_OK;
}

/* ---- queries ---- */

/* The quota is that of the drawn bench: 0 where there is no session, or not yet. */
static void list_pairs(struct vpr_ctx *ctx, const struct vpr_address *id,
                       const Viper__V1__Terms *terms, uint64_t number,
                       Viper__V1__QueryRequestorResponse *response)
{
    struct vpr_session session;
    bool opened = vpr_session_get(ctx, number, &session);
    response->pairs = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__PairInfo *, terms->n_pairs);
    for (size_t i = 0; i < terms->n_pairs; i++) {
        uint16_t chain = (uint16_t)terms->pairs[i]->chain;
        uint16_t zone = (uint16_t)terms->pairs[i]->zone;
        struct vpr_hash sid = vpr_sid(vpr_bytes_str(ctx->chain_id), number, id, chain, zone);
        struct vpr_bench bench;
        Viper__V1__PairInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__PairInfo);
        viper__v1__pair_info__init(info);
        info->chain = chain;
        info->zone = zone;
        info->share_ppm = terms->pairs[i]->share_ppm;
        info->sid = vpr_field_of_hash(ctx->arena, &sid);
        if (opened && vpr_bench_draw(ctx, &bench, &session, id, chain, zone) == VPR_OK) {
            info->quota_cu = bench.quota_cu;
        }
        response->pairs[response->n_pairs++] = info;
    }
}

static enum vpr_code answer_requestor(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryRequestorRequest *asked =
        (const Viper__V1__QueryRequestorRequest *)request;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    uint64_t session;
    VPR_TRY(vpr_actor_asked(ctx, asked->id, VIPER__V1__KIND__KIND_REQUESTOR, &id, &actor));
    VPR_TRY(vpr_session_asked(ctx, asked->session, &session));
    Viper__V1__QueryRequestorResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryRequestorResponse);
    viper__v1__query_requestor_response__init(response);
    response->actor = vpr_actor_info(ctx, &id, actor);
    response->session = session;
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &id, session);
    if (terms != NULL) {
        response->eligible = terms->eligible;
        response->usd = terms->usd;
        response->num_servicers = terms->num_servicers;
        response->n_gateway_keys = terms->n_gateway_keys;
        response->gateway_keys = terms->gateway_keys;
        VPR_TRY(vpr_throughput(ctx, terms, session, &response->budget_uvipr,
                               &response->allowance_cu));
        list_pairs(ctx, &id, terms, session, response);
    }
    *ret_response = &response->base;
    return VPR_OK;
}

/* In every version a requestor's pairs share the whole, none twice. */
static enum vpr_code check_shares(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_TERMS);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        const Viper__V1__Terms *terms = (const Viper__V1__Terms *)vpr_record_unpack(
            ctx, value, &viper__v1__terms__descriptor);
        uint64_t shares = 0;
        bool ascend = true;
        for (size_t i = 0; i < terms->n_pairs; i++) {
            const Viper__V1__PairTerms *pair = terms->pairs[i];
            const Viper__V1__PairTerms *last = i > 0 ? terms->pairs[i - 1] : NULL;
            shares += pair->share_ppm;
            ascend &= last == NULL || last->chain < pair->chain ||
                      (last->chain == pair->chain && last->zone < pair->zone);
        }
        if (terms->kind == VIPER__V1__KIND__KIND_REQUESTOR && (shares != VPR_PPM || !ascend)) {
            struct vpr_address id;
            VPR_ASSERT(key.len >= prefix.len + sizeof id.b);
            memcpy(id.b, key.data + prefix.len, sizeof id.b);
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "the pairs of %s do not ascend, or share %" PRIu64 " ppm",
                            vpr_text_of_address(ctx->arena, &id), shares);
        }
        from = vpr_state_after(ctx->arena, key);
    }
    return VPR_OK;
}

static void load_terms(size_t pairs, size_t keys, struct vpr_load *load)
{
    load->gas += pairs * VPR_GAS_PAIR + keys * VPR_GAS_GATEWAY_KEY;
}

static void load_stake(const ProtobufCMessage *message, struct vpr_load *load)
{
    const Viper__V1__MsgStakeRequestor *m = (const Viper__V1__MsgStakeRequestor *)message;
    load_terms(m->n_pairs, m->n_gateway_keys, load);
}

static void load_edit(const ProtobufCMessage *message, struct vpr_load *load)
{
    const Viper__V1__MsgEditRequestor *m = (const Viper__V1__MsgEditRequestor *)message;
    load_terms(m->n_pairs, m->n_gateway_keys, load);
}

static const struct vpr_handler handlers[] = {
    {"requestors.edit", "/viper.v1.MsgEditRequestor",
     &viper__v1__msg_edit_requestor__descriptor, "signer", VPR_LANE_ORDINARY, VPR_GAS_ACTOR,
     load_edit, check_edit, apply_edit, NULL},
    {"requestors.stake", "/viper.v1.MsgStakeRequestor",
     &viper__v1__msg_stake_requestor__descriptor, "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR,
     load_stake, check_stake, apply_stake, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Requestor", &viper__v1__query_requestor_request__descriptor,
     &viper__v1__query_requestor_response__descriptor, answer_requestor},
};

static const struct vpr_invariant invariants[] = {
    {"shares_make_the_whole", check_shares},
};

const struct vpr_domain vpr_requestors = {
    .name = "requestors",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
