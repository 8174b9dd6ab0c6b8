#include "app/domain/actors.h"
#include "app/domain/benches.h"
#include "app/domain/chains.h"
#include "app/domain/commission.h"
#include "app/domain/field.h"
#include "app/domain/quality.h"
#include "app/domain/scores.h"
#include "app/domain/sessions.h"
#include "app/tx/gas.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* Those who serve relays: MsgStakeServicer, MsgEditServicer.  URLs change at once, relay key,
 * zone and chains through terms. */

static enum vpr_code check_stake(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgStakeServicer *m = (const Viper__V1__MsgStakeServicer *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->owner, "owner", err));
    VPR_TRY(vpr_field_address(&ignored, m->operator_, "operator", err));
    VPR_TRY(vpr_check_url(m->url, false, "url", err));
    VPR_TRY(vpr_check_key(m->relay_key, "relay_key", err));
    VPR_TRY(vpr_commission_check(m->commission_ppm, err));
    return vpr_places_check(m->zone, m->chains, m->n_chains, err);
}

static enum vpr_code apply_stake(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgStakeServicer *m = (const Viper__V1__MsgStakeServicer *)message;
    Viper__V1__Actor actor = VIPER__V1__ACTOR__INIT;
    Viper__V1__Terms terms = VIPER__V1__TERMS__INIT;
    VPR_TRY(vpr_places_active(ctx, m->zone, m->chains, m->n_chains));
    VPR_TRY(vpr_commission_allowed(ctx, m->commission_ppm));
    actor.kind = VIPER__V1__KIND__KIND_SERVICER;
    actor.url = m->url;
    actor.commission_ppm = m->commission_ppm;
    actor.commission_time_s = ctx->time_s;
    terms.zone = m->zone;
    terms.n_chains = m->n_chains;
    terms.chains = m->chains;
    terms.relay_key = m->relay_key;
    return vpr_actor_stake(ctx, m->owner, m->operator_, m->amount, &actor, &terms);
}

static enum vpr_code check_edit(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgEditServicer *m = (const Viper__V1__MsgEditServicer *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->signer, "signer", err));
    VPR_TRY(vpr_field_address(&ignored, m->servicer, "servicer", err));
    VPR_TRY(vpr_check_url(m->url, false, "url", err));
    VPR_TRY(vpr_check_key(m->relay_key, "relay_key", err));
    return vpr_places_check(m->zone, m->chains, m->n_chains, err);
}

static enum vpr_code apply_edit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgEditServicer *m = (const Viper__V1__MsgEditServicer *)message;
    struct vpr_address id;
    const Viper__V1__Actor *before;
    VPR_TRY(vpr_actor_for_edit(ctx, m->servicer, VIPER__V1__KIND__KIND_SERVICER, &id, &before));
    VPR_TRY(vpr_places_active(ctx, m->zone, m->chains, m->n_chains));
    Viper__V1__Actor actor = *before;
    actor.url = m->url;
    Viper__V1__Terms *draft = vpr_terms_draft(ctx, &id, &actor);
    draft->zone = m->zone;
    draft->n_chains = m->n_chains;
    draft->chains = m->chains;
    draft->relay_key = m->relay_key;
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
    for (size_t i = 0; i < state->n_servicers; i++) {
        const ProtobufCMessage *m = &state->servicers[i]->base;
        if (check_stake(m, ctx->err) != VPR_OK || apply_stake(ctx, m) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "servicers", i);
        }
    }
    return VPR_OK;
}

/* ---- queries ---- */

static void list_scores(struct vpr_ctx *ctx, const struct vpr_address *id,
                        const Viper__V1__Terms *terms, uint64_t session,
                        Viper__V1__QueryServicerResponse *response)
{
    response->scores =
        VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ScoreInfo *, terms->n_chains);
    for (size_t i = 0; i < terms->n_chains; i++) {
        Viper__V1__ScoreInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__ScoreInfo);
        viper__v1__score_info__init(info);
        info->chain = terms->chains[i];
        info->zone = terms->zone;
        info->out = !vpr_score_in_pool(ctx, id, (uint16_t)terms->chains[i],
                                       (uint16_t)terms->zone, session, &info->score_ppm);
        vpr_quality_info(ctx, id, info);
        response->scores[response->n_scores++] = info;
    }
}

static enum vpr_code answer_servicer(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                     ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryServicerRequest *asked =
        (const Viper__V1__QueryServicerRequest *)request;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    uint64_t session;
    VPR_TRY(vpr_actor_asked(ctx, asked->id, VIPER__V1__KIND__KIND_SERVICER, &id, &actor));
    VPR_TRY(vpr_session_asked(ctx, asked->session, &session));
    Viper__V1__QueryServicerResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryServicerResponse);
    viper__v1__query_servicer_response__init(response);
    response->actor = vpr_actor_info(ctx, &id, actor);
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &id, session);
    if (terms != NULL) {
        response->eligible = terms->eligible;
        response->relay_key = terms->relay_key;
        response->stake = terms->stake;
        response->delegated = terms->delegated;
        response->zone = terms->zone;
        response->n_chains = terms->n_chains;
        response->chains = terms->chains;
        list_scores(ctx, &id, terms, session, response);
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static enum vpr_code answer_sids(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                 ProtobufCMessage **ret_response)
{
    return vpr_sids_answer(ctx, VIPER__V1__KIND__KIND_SERVICER, request, ret_response);
}

static void load_stake(const ProtobufCMessage *message, struct vpr_load *load)
{
    load->gas += ((const Viper__V1__MsgStakeServicer *)message)->n_chains * VPR_GAS_CHAIN;
}

static void load_edit(const ProtobufCMessage *message, struct vpr_load *load)
{
    load->gas += ((const Viper__V1__MsgEditServicer *)message)->n_chains * VPR_GAS_CHAIN;
}

static const struct vpr_handler handlers[] = {
    {"servicers.edit", "/viper.v1.MsgEditServicer", &viper__v1__msg_edit_servicer__descriptor,
     "signer", VPR_LANE_ORDINARY, VPR_GAS_ACTOR, load_edit, check_edit, apply_edit, NULL},
    {"servicers.stake", "/viper.v1.MsgStakeServicer",
     &viper__v1__msg_stake_servicer__descriptor, "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR,
     load_stake, check_stake, apply_stake, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Servicer", &viper__v1__query_servicer_request__descriptor,
     &viper__v1__query_servicer_response__descriptor, answer_servicer},
    {"/viper.v1.Query/ServicerSids", &viper__v1__query_sids_request__descriptor,
     &viper__v1__query_sids_response__descriptor, answer_sids},
};

const struct vpr_domain vpr_servicers = {
    .name = "servicers",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = NULL,
    .invariant_count = 0,
};
