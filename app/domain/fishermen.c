#include "app/domain/actors.h"
#include "app/domain/benches.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/tx/gas.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* The shadow clients: MsgStakeFisherman, MsgEditFisherman.  They have no address on the
 * network; all they declare goes through terms. */

static enum vpr_code check_stake(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgStakeFisherman *m = (const Viper__V1__MsgStakeFisherman *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->owner, "owner", err));
    VPR_TRY(vpr_field_address(&ignored, m->operator_, "operator", err));
    return vpr_places_check(m->zone, m->chains, m->n_chains, err);
}

static enum vpr_code apply_stake(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgStakeFisherman *m = (const Viper__V1__MsgStakeFisherman *)message;
    Viper__V1__Actor actor = VIPER__V1__ACTOR__INIT;
    Viper__V1__Terms terms = VIPER__V1__TERMS__INIT;
    VPR_TRY(vpr_places_active(ctx, m->zone, m->chains, m->n_chains));
    actor.kind = VIPER__V1__KIND__KIND_FISHERMAN;
    terms.zone = m->zone;
    terms.n_chains = m->n_chains;
    terms.chains = m->chains;
    return vpr_actor_stake(ctx, m->owner, m->operator_, m->amount, &actor, &terms);
}

static enum vpr_code check_edit(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgEditFisherman *m = (const Viper__V1__MsgEditFisherman *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->signer, "signer", err));
    VPR_TRY(vpr_field_address(&ignored, m->fisherman, "fisherman", err));
    return vpr_places_check(m->zone, m->chains, m->n_chains, err);
}

static enum vpr_code apply_edit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgEditFisherman *m = (const Viper__V1__MsgEditFisherman *)message;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    VPR_TRY(
        vpr_actor_for_edit(ctx, m->fisherman, VIPER__V1__KIND__KIND_FISHERMAN, &id, &actor));
    VPR_TRY(vpr_places_active(ctx, m->zone, m->chains, m->n_chains));
    Viper__V1__Terms *draft = vpr_terms_draft(ctx, &id, actor);
    draft->zone = m->zone;
    draft->n_chains = m->n_chains;
    draft->chains = m->chains;
    VPR_TRY(vpr_terms_change(ctx, &id, actor, draft));

    vpr_actor_event(ctx, "edit", &id, actor);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    return VPR_OK;
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    const Viper__V1__GenesisState *state = (const Viper__V1__GenesisState *)genesis;
    for (size_t i = 0; i < state->n_fishermen; i++) {
        const ProtobufCMessage *m = &state->fishermen[i]->base;
        if (check_stake(m, ctx->err) != VPR_OK || apply_stake(ctx, m) != VPR_OK) {
            return vpr_genesis_refuse(ctx, "fishermen", i);
        }
    }
    return VPR_OK;
}

/* ---- queries ---- */

static enum vpr_code answer_fisherman(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryFishermanRequest *asked =
        (const Viper__V1__QueryFishermanRequest *)request;
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    uint64_t session;
    VPR_TRY(vpr_actor_asked(ctx, asked->id, VIPER__V1__KIND__KIND_FISHERMAN, &id, &actor));
    VPR_TRY(vpr_session_asked(ctx, asked->session, &session));
    Viper__V1__QueryFishermanResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryFishermanResponse);
    viper__v1__query_fisherman_response__init(response);
    response->actor = vpr_actor_info(ctx, &id, actor);
    response->absent_sessions = actor->absent_sessions;
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &id, session);
    if (terms != NULL) {
        response->eligible = terms->eligible;
        response->zone = terms->zone;
        response->n_chains = terms->n_chains;
        response->chains = terms->chains;
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static enum vpr_code answer_sids(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                 ProtobufCMessage **ret_response)
{
    return vpr_sids_answer(ctx, VIPER__V1__KIND__KIND_FISHERMAN, request, ret_response);
}

static void load_stake(const ProtobufCMessage *message, struct vpr_load *load)
{
    load->gas += ((const Viper__V1__MsgStakeFisherman *)message)->n_chains * VPR_GAS_CHAIN;
}

static void load_edit(const ProtobufCMessage *message, struct vpr_load *load)
{
    load->gas += ((const Viper__V1__MsgEditFisherman *)message)->n_chains * VPR_GAS_CHAIN;
}

static const struct vpr_handler handlers[] = {
    {"fishermen.edit", "/viper.v1.MsgEditFisherman", &viper__v1__msg_edit_fisherman__descriptor,
     "signer", VPR_LANE_ORDINARY, VPR_GAS_ACTOR, load_edit, check_edit, apply_edit, NULL},
    {"fishermen.stake", "/viper.v1.MsgStakeFisherman",
     &viper__v1__msg_stake_fisherman__descriptor, "owner", VPR_LANE_ORDINARY, VPR_GAS_ACTOR,
     load_stake, check_stake, apply_stake, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Fisherman", &viper__v1__query_fisherman_request__descriptor,
     &viper__v1__query_fisherman_response__descriptor, answer_fisherman},
    {"/viper.v1.Query/FishermanSids", &viper__v1__query_sids_request__descriptor,
     &viper__v1__query_sids_response__descriptor, answer_sids},
};

const struct vpr_domain vpr_fishermen = {
    .name = "fishermen",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = NULL,
    .invariant_count = 0,
};
