#include "app/domain/commission.h"
#include "app/domain/delegation_walk.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/unbonding.h"
#include "app/domain/validators.h"
#include "app/rules/shares.h"

/* What token holders ask: their delegations, what comes back, who delegates to whom, what it
 * yields. */

static Viper__V1__DelegationInfo *info_of(struct vpr_ctx *ctx,
                                          const struct vpr_address *delegator,
                                          const struct vpr_address *id)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    const Viper__V1__Delegation *own = vpr_delegation_get(ctx, delegator, id);
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, id);
    VPR_ASSERT(actor != NULL && own != NULL);
    Viper__V1__DelegationInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__DelegationInfo);
    viper__v1__delegation_info__init(info);
    info->delegator = vpr_text_of_address(ctx->arena, delegator);
    info->actor = vpr_text_of_address(ctx->arena, id);
    info->kind = actor->kind;
    info->status = actor->status;
    info->shares = own->shares;
    info->unbonding = own->unbonding;
    if (pool != NULL) {
        info->amount_uvipr = vpr_shares_worth(own->shares, pool->shares, actor->delegated);
        info->due_uvipr = vpr_delegation_due(pool, own);
    }
    return info;
}

static enum vpr_code answer_delegations(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryDelegationsRequest *asked =
        (const Viper__V1__QueryDelegationsRequest *)request;
    struct vpr_address delegator, id;
    struct vpr_walk walk;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator, "delegator", ctx->err));
    VPR_TRY(vpr_delegation_walk(&walk, ctx, VPR_KEY_DELEGATES, &delegator, asked->pagination));
    Viper__V1__QueryDelegationsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryDelegationsResponse);
    viper__v1__query_delegations_response__init(r);
    r->delegations =
        VPR_ARENA_ARRAY(ctx->arena, Viper__V1__DelegationInfo *, VPR_WALK_ITEMS_MAX);
    while (vpr_delegation_walk_next(&walk, ctx, &id)) {
        r->delegations[r->n_delegations++] = info_of(ctx, &delegator, &id);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

/* A validator or servicer, gone or not. */
static enum vpr_code find_asked(struct vpr_ctx *ctx, const char *text, struct vpr_address *ret_id,
                                const Viper__V1__Actor **ret_actor)
{
    struct vpr_address id;
    VPR_TRY(vpr_field_address(&id, text, "id", ctx->err));
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor == NULL || (actor->kind != VIPER__V1__KIND__KIND_VALIDATOR &&
                          actor->kind != VIPER__V1__KIND__KIND_SERVICER)) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "%s is not the id of a validator or servicer",
                        text);
    }
    *ret_id = id;
    *ret_actor = actor;
    return VPR_OK;
}

static Viper__V1__PoolInfo *pool_info(struct vpr_ctx *ctx, const struct vpr_address *id,
                                      const Viper__V1__Actor *actor)
{
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, id);
    Viper__V1__PoolInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__PoolInfo);
    viper__v1__pool_info__init(info);
    info->delegated_uvipr = actor->delegated;
    if (pool != NULL) {
        info->shares = pool->shares;
        info->rewards_uvipr = pool->rewards;
        info->due_uvipr = pool->due;
        info->cumulative = pool->cumulative;
    }
    return info;
}

static enum vpr_code answer_delegators(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                       ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryDelegatorsRequest *asked =
        (const Viper__V1__QueryDelegatorsRequest *)request;
    struct vpr_address id, delegator;
    const Viper__V1__Actor *actor = NULL;
    struct vpr_walk walk;
    VPR_TRY(find_asked(ctx, asked->id, &id, &actor));
    VPR_TRY(vpr_delegation_walk(&walk, ctx, VPR_KEY_DELEGATION, &id, asked->pagination));
    Viper__V1__QueryDelegatorsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryDelegatorsResponse);
    viper__v1__query_delegators_response__init(r);
    r->actor = vpr_actor_info(ctx, &id, actor);
    r->pool = pool_info(ctx, &id, actor);
    r->delegations =
        VPR_ARENA_ARRAY(ctx->arena, Viper__V1__DelegationInfo *, VPR_WALK_ITEMS_MAX);
    while (vpr_delegation_walk_next(&walk, ctx, &delegator)) {
        r->delegations[r->n_delegations++] = info_of(ctx, &delegator, &id);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static Viper__V1__UnbondingInfo *entry_info(struct vpr_ctx *ctx, uint64_t number,
                                            const Viper__V1__Unbonding *entry)
{
    struct vpr_address id = vpr_address_of_field(entry->actor);
    Viper__V1__UnbondingInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__UnbondingInfo);
    viper__v1__unbonding_info__init(info);
    info->actor = vpr_text_of_address(ctx->arena, &id);
    info->number = number;
    info->amount_uvipr = entry->amount;
    info->left_uvipr = vpr_unbonding_left(ctx, entry);
    info->height = entry->height;
    info->time_s = entry->time_s;
    info->session = entry->session;
    return info;
}

static enum vpr_code answer_unbonding(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryUnbondingRequest *asked =
        (const Viper__V1__QueryUnbondingRequest *)request;
    const Viper__V1__Unbonding *entry;
    struct vpr_address delegator;
    struct vpr_walk walk;
    uint64_t number;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator, "delegator", ctx->err));
    VPR_TRY(vpr_delegation_walk(&walk, ctx, VPR_KEY_ENTRY, &delegator, asked->pagination));
    Viper__V1__QueryUnbondingResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryUnbondingResponse);
    viper__v1__query_unbonding_response__init(r);
    r->entries = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__UnbondingInfo *, VPR_WALK_ITEMS_MAX);
    while ((entry = vpr_unbonding_walk_next(&walk, ctx, &number)) != NULL) {
        r->entries[r->n_entries++] = entry_info(ctx, number, entry);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

/* As the next yield would be if nothing changed; of a servicer only what shares its part. */
static enum vpr_code answer_yield(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryYieldRequest *asked = (const Viper__V1__QueryYieldRequest *)request;
    struct vpr_session session = vpr_session_current(ctx);
    struct vpr_address id;
    const Viper__V1__Actor *actor = NULL;
    uint64_t most = vpr_param(ctx, VPR_P_max_commission, session.number);
    VPR_TRY(find_asked(ctx, asked->id, &id, &actor));
    Viper__V1__QueryYieldResponse *r = VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryYieldResponse);
    viper__v1__query_yield_response__init(r);
    r->stake_uvipr = actor->stake;
    r->delegated_uvipr = actor->delegated;
    r->commission_ppm = actor->commission_ppm < most ? actor->commission_ppm : most;
    r->session_blocks = vpr_session_blocks(&session);
    r->in_set = vpr_validator_in_set(actor);
    if (actor->kind == VIPER__V1__KIND__KIND_VALIDATOR) {
        r->validator_yield_ppb = vpr_param(ctx, VPR_P_validator_yield, session.number);
        r->yield_ppb = vpr_mul_div_floor(
            vpr_mul_div_floor(r->validator_yield_ppb, r->session_blocks, 1000),
            VPR_PPM - r->commission_ppm, VPR_PPM);
        if (r->in_set && !vpr_yield(&r->part_uvipr, vpr_actor_total(actor),
                                    r->validator_yield_ppb, r->session_blocks)) {
            r->part_uvipr = 0; /* more than any supply: it will not be minted */
        }
        struct vpr_reward reward = vpr_reward_of(actor, most, r->part_uvipr);
        r->delegators_uvipr = reward.delegators;
        r->owner_uvipr = reward.owner;
    }
    *ret_response = &r->base;
    return VPR_OK;
}

const struct vpr_query vpr_delegation_queries[] = {
    {"/viper.v1.Query/Delegations", &viper__v1__query_delegations_request__descriptor,
     &viper__v1__query_delegations_response__descriptor, answer_delegations},
    {"/viper.v1.Query/Delegators", &viper__v1__query_delegators_request__descriptor,
     &viper__v1__query_delegators_response__descriptor, answer_delegators},
    {"/viper.v1.Query/Unbonding", &viper__v1__query_unbonding_request__descriptor,
     &viper__v1__query_unbonding_response__descriptor, answer_unbonding},
    {"/viper.v1.Query/Yield", &viper__v1__query_yield_request__descriptor,
     &viper__v1__query_yield_response__descriptor, answer_yield},
};
