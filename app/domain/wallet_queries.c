#include "app/domain/cosmos.h"
#include "app/domain/delegation_walk.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/unbonding.h"
#include "app/domain/validators.h"
#include "app/domain/wallets.h"
#include "app/rules/shares.h"
#include "app/tx/wire.h"
#include "cosmos/crypto/ed25519/keys.pb-c.h"
#include "cosmos/distribution/v1beta1/distribution.pb-c.h"
#include "cosmos/staking/v1beta1/staking.pb-c.h"

/* The queries of Cosmos staking and distribution that wallets ask, from our own records.  A
 * validator's tokens are its own and its delegators', as its power is. */

typedef Cosmos__Staking__V1beta1__Validator cosmos_validator;
typedef Cosmos__Staking__V1beta1__DelegationResponse cosmos_delegation;

static char *denom_text(struct vpr_ctx *ctx)
{
    return vpr_arena_text(ctx->arena, "%s", VPR_DENOM);
}

/* A list of one, or of none if there is nothing. */
static Cosmos__Base__V1beta1__DecCoin **dec_coins(struct vpr_ctx *ctx, uint64_t amount,
                                                  size_t *ret_count)
{
    Cosmos__Base__V1beta1__DecCoin **list =
        VPR_ARENA_ARRAY(ctx->arena, Cosmos__Base__V1beta1__DecCoin *, 1);
    list[0] = VPR_ARENA_NEW(ctx->arena, Cosmos__Base__V1beta1__DecCoin);
    cosmos__base__v1beta1__dec_coin__init(list[0]);
    list[0]->denom = denom_text(ctx);
    list[0]->amount = vpr_cosmos_whole(ctx, amount);
    *ret_count = amount > 0;
    return list;
}

/* ---- validators ---- */

static Google__Protobuf__Any *consensus_key(struct vpr_ctx *ctx, const Viper__V1__Actor *actor)
{
    Cosmos__Crypto__Ed25519__PubKey key = COSMOS__CRYPTO__ED25519__PUB_KEY__INIT;
    Google__Protobuf__Any *any = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Any);
    google__protobuf__any__init(any);
    key.key = actor->validator->consensus_key;
    struct vpr_bytes packed = vpr_arena_pack(ctx->arena, &key.base);
    any->type_url = vpr_arena_text(ctx->arena, "/cosmos.crypto.ed25519.PubKey");
    any->value = (ProtobufCBinaryData){
        packed.len, vpr_arena_copy(ctx->arena, packed.data, packed.len)};
    return any;
}

static Cosmos__Staking__V1beta1__Commission *commission(struct vpr_ctx *ctx,
                                                        const Viper__V1__Actor *actor)
{
    uint64_t most = vpr_param(ctx, VPR_P_max_commission, vpr_session_number(ctx));
    Cosmos__Staking__V1beta1__Commission *c =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__Commission);
    Cosmos__Staking__V1beta1__CommissionRates *rates =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__CommissionRates);
    cosmos__staking__v1beta1__commission__init(c);
    cosmos__staking__v1beta1__commission_rates__init(rates);
    rates->rate =
        vpr_cosmos_ratio(ctx, actor->commission_ppm < most ? actor->commission_ppm : most);
    rates->max_rate = vpr_cosmos_ratio(ctx, most);
    rates->max_change_rate = vpr_cosmos_ratio(ctx, VPR_PPM / 100);
    c->commission_rates = rates;
    c->update_time = vpr_cosmos_time(ctx, actor->commission_time_s);
    return c;
}

static Cosmos__Staking__V1beta1__BondStatus bond_status(const Viper__V1__Actor *actor)
{
    if (vpr_validator_in_set(actor)) {
        return COSMOS__STAKING__V1BETA1__BOND_STATUS__BOND_STATUS_BONDED;
    }
    return actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING
               ? COSMOS__STAKING__V1BETA1__BOND_STATUS__BOND_STATUS_UNBONDING
               : COSMOS__STAKING__V1BETA1__BOND_STATUS__BOND_STATUS_UNBONDED;
}

static cosmos_validator *validator_of(struct vpr_ctx *ctx, const struct vpr_address *id,
                                      const Viper__V1__Actor *actor)
{
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, id);
    cosmos_validator *v = VPR_ARENA_NEW(ctx->arena, cosmos_validator);
    Cosmos__Staking__V1beta1__Description *d =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__Description);
    cosmos__staking__v1beta1__validator__init(v);
    cosmos__staking__v1beta1__description__init(d);
    char *name = vpr_text_of_address(ctx->arena, id);
    d->moniker = name;
    v->description = d;
    v->operator_address = vpr_text_of_valoper(ctx->arena, id);
    v->consensus_pubkey = consensus_key(ctx, actor);
    v->jailed = actor->status == VIPER__V1__STATUS__STATUS_JAILED ||
                actor->status == VIPER__V1__STATUS__STATUS_TOMBSTONED;
    v->status = bond_status(actor);
    v->tokens = vpr_cosmos_number(ctx, vpr_actor_total(actor));
    v->delegator_shares =
        vpr_cosmos_whole(ctx, actor->stake + (pool == NULL ? 0 : pool->shares));
    v->unbonding_height = (int64_t)actor->unbond_height;
    v->unbonding_time = vpr_cosmos_time(ctx, actor->unbond_time_s);
    v->commission = commission(ctx, actor);
    v->min_self_delegation = vpr_arena_text(ctx->arena, "1");
    return v;
}

static enum vpr_code validator_asked(struct vpr_ctx *ctx, const char *text,
                                     struct vpr_address *ret_id,
                                     const Viper__V1__Actor **ret_actor)
{
    struct vpr_address id;
    VPR_TRY(vpr_field_valoper(&id, text, "validator_addr", ctx->err));
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor == NULL || actor->kind != VIPER__V1__KIND__KIND_VALIDATOR) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "%s is not a validator", text);
    }
    *ret_id = id;
    *ret_actor = actor;
    return VPR_OK;
}

static bool status_wanted(const char *wanted, const Viper__V1__Actor *actor)
{
    static const char *const names[] = {"", "BOND_STATUS_UNBONDED", "BOND_STATUS_UNBONDING",
                                        "BOND_STATUS_BONDED"};
    return wanted[0] == '\0' || strcmp(wanted, names[bond_status(actor)]) == 0;
}

/* All at once: the set and who waits for it, in the order of consensus addresses. */
static enum vpr_code answer_validators(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                       ProtobufCMessage **ret_response)
{
    const Cosmos__Staking__V1beta1__QueryValidatorsRequest *asked =
        (const Cosmos__Staking__V1beta1__QueryValidatorsRequest *)request;
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_CONSENSUS);
    struct vpr_bytes key, value;
    struct vpr_walk walk;
    VPR_TRY(vpr_walk_begin(&walk, ctx, asked->pagination, VPR_STORE_VALIDATORS,
                           vpr_key_bytes(&prefix)));
    Cosmos__Staking__V1beta1__QueryValidatorsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__QueryValidatorsResponse);
    cosmos__staking__v1beta1__query_validators_response__init(r);
    r->validators = VPR_ARENA_ARRAY(ctx->arena, cosmos_validator *, VPR_WALK_ITEMS_MAX);
    while (vpr_walk_next(&walk, ctx, &key, &value)) {
        struct vpr_address id;
        VPR_ASSERT(value.len == sizeof id.b);
        memcpy(id.b, value.data, sizeof id.b);
        const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
        VPR_ASSERT(actor != NULL);
        if (status_wanted(asked->status, actor)) {
            r->validators[r->n_validators++] = validator_of(ctx, &id, actor);
        }
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_validator(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Cosmos__Staking__V1beta1__QueryValidatorRequest *asked =
        (const Cosmos__Staking__V1beta1__QueryValidatorRequest *)request;
    struct vpr_address id;
    const Viper__V1__Actor *actor = NULL;
    VPR_TRY(validator_asked(ctx, asked->validator_addr, &id, &actor));
    Cosmos__Staking__V1beta1__QueryValidatorResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__QueryValidatorResponse);
    cosmos__staking__v1beta1__query_validator_response__init(r);
    r->validator = validator_of(ctx, &id, actor);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- delegations ---- */

/* NULL: no shares there, or the actor is no validator. */
static cosmos_delegation *delegation_of(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                                        const struct vpr_address *id)
{
    const Viper__V1__Delegation *own = vpr_delegation_get(ctx, delegator, id);
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    if (own == NULL || own->shares == 0 || actor->kind != VIPER__V1__KIND__KIND_VALIDATOR) {
        return NULL;
    }
    cosmos_delegation *d = VPR_ARENA_NEW(ctx->arena, cosmos_delegation);
    cosmos__staking__v1beta1__delegation_response__init(d);
    d->delegation = VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__Delegation);
    cosmos__staking__v1beta1__delegation__init(d->delegation);
    d->delegation->delegator_address = vpr_text_of_address(ctx->arena, delegator);
    d->delegation->validator_address = vpr_text_of_valoper(ctx->arena, id);
    d->delegation->shares = vpr_cosmos_whole(ctx, own->shares);
    d->balance = vpr_cosmos_coin(ctx, vpr_delegation_tokens(ctx, delegator, id));
    return d;
}

static enum vpr_code answer_delegation(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                       ProtobufCMessage **ret_response)
{
    const Cosmos__Staking__V1beta1__QueryDelegationRequest *asked =
        (const Cosmos__Staking__V1beta1__QueryDelegationRequest *)request;
    struct vpr_address delegator, id;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator_addr, "delegator_addr", ctx->err));
    VPR_TRY(validator_asked(ctx, asked->validator_addr, &id, &actor));
    Cosmos__Staking__V1beta1__QueryDelegationResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__QueryDelegationResponse);
    cosmos__staking__v1beta1__query_delegation_response__init(r);
    r->delegation_response = delegation_of(ctx, &delegator, &id);
    if (r->delegation_response == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "%s has not delegated to %s",
                        asked->delegator_addr, asked->validator_addr);
    }
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_delegations(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    const Cosmos__Staking__V1beta1__QueryDelegatorDelegationsRequest *asked =
        (const Cosmos__Staking__V1beta1__QueryDelegatorDelegationsRequest *)request;
    struct vpr_address delegator, id;
    struct vpr_walk walk;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator_addr, "delegator_addr", ctx->err));
    VPR_TRY(vpr_delegation_walk(&walk, ctx, VPR_KEY_DELEGATES, &delegator, asked->pagination));
    Cosmos__Staking__V1beta1__QueryDelegatorDelegationsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__QueryDelegatorDelegationsResponse);
    cosmos__staking__v1beta1__query_delegator_delegations_response__init(r);
    r->delegation_responses = VPR_ARENA_ARRAY(ctx->arena, cosmos_delegation *, VPR_WALK_ITEMS_MAX);
    while (vpr_delegation_walk_next(&walk, ctx, &id)) {
        cosmos_delegation *d = delegation_of(ctx, &delegator, &id);
        if (d != NULL) {
            r->delegation_responses[r->n_delegation_responses++] = d;
        }
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- what comes back ---- */

static Cosmos__Staking__V1beta1__UnbondingDelegation *
unbonding_of(struct vpr_ctx *ctx, const struct vpr_address *delegator,
             const Viper__V1__Unbonding *entry, const struct vpr_address *id)
{
    Cosmos__Staking__V1beta1__UnbondingDelegation *u =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__UnbondingDelegation);
    Cosmos__Staking__V1beta1__UnbondingDelegationEntry *e =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__UnbondingDelegationEntry);
    cosmos__staking__v1beta1__unbonding_delegation__init(u);
    cosmos__staking__v1beta1__unbonding_delegation_entry__init(e);
    e->creation_height = (int64_t)entry->height;
    e->completion_time = vpr_cosmos_time(ctx, entry->time_s);
    e->initial_balance = vpr_cosmos_number(ctx, entry->amount);
    e->balance = vpr_cosmos_number(ctx, vpr_unbonding_left(ctx, entry));
    u->delegator_address = vpr_text_of_address(ctx->arena, delegator);
    u->validator_address = vpr_text_of_valoper(ctx->arena, id);
    u->entries = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Staking__V1beta1__UnbondingDelegationEntry *,
                                 1);
    u->entries[u->n_entries++] = e;
    return u;
}

/* One item an entry: wallets add up those of one validator. */
static enum vpr_code answer_unbonding(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Cosmos__Staking__V1beta1__QueryDelegatorUnbondingDelegationsRequest *asked =
        (const Cosmos__Staking__V1beta1__QueryDelegatorUnbondingDelegationsRequest *)request;
    const Viper__V1__Unbonding *entry;
    struct vpr_address delegator;
    struct vpr_walk walk;
    uint64_t number;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator_addr, "delegator_addr", ctx->err));
    VPR_TRY(vpr_delegation_walk(&walk, ctx, VPR_KEY_ENTRY, &delegator, asked->pagination));
    Cosmos__Staking__V1beta1__QueryDelegatorUnbondingDelegationsResponse *r = VPR_ARENA_NEW(
        ctx->arena, Cosmos__Staking__V1beta1__QueryDelegatorUnbondingDelegationsResponse);
    cosmos__staking__v1beta1__query_delegator_unbonding_delegations_response__init(r);
    r->unbonding_responses = VPR_ARENA_ARRAY(
        ctx->arena, Cosmos__Staking__V1beta1__UnbondingDelegation *, VPR_WALK_ITEMS_MAX);
    while ((entry = vpr_unbonding_walk_next(&walk, ctx, &number)) != NULL) {
        struct vpr_address id = vpr_address_of_field(entry->actor);
        if (vpr_actor_get(ctx, &id)->kind == VIPER__V1__KIND__KIND_VALIDATOR) {
            r->unbonding_responses[r->n_unbonding_responses++] =
                unbonding_of(ctx, &delegator, entry, &id);
        }
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- rewards ---- */

/* Of a validator; 0 of anything else. */
static uint64_t due_of(struct vpr_ctx *ctx, const struct vpr_address *delegator,
                       const struct vpr_address *id)
{
    const Viper__V1__Delegation *own = vpr_delegation_get(ctx, delegator, id);
    const Viper__V1__DelegationPool *pool = vpr_delegation_pool(ctx, id);
    bool of_validator = vpr_actor_get(ctx, id)->kind == VIPER__V1__KIND__KIND_VALIDATOR;
    return own == NULL || pool == NULL || !of_validator ? 0 : vpr_delegation_due(pool, own);
}

static enum vpr_code answer_rewards(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    const Cosmos__Distribution__V1beta1__QueryDelegationTotalRewardsRequest *asked =
        (const Cosmos__Distribution__V1beta1__QueryDelegationTotalRewardsRequest *)request;
    typedef Cosmos__Distribution__V1beta1__DelegationDelegatorReward reward_item;
    struct vpr_address delegator, at;
    const struct vpr_address *after = NULL;
    uint64_t tokens, total = 0;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator_address, "delegator_address",
                              ctx->err));
    Cosmos__Distribution__V1beta1__QueryDelegationTotalRewardsResponse *r = VPR_ARENA_NEW(
        ctx->arena, Cosmos__Distribution__V1beta1__QueryDelegationTotalRewardsResponse);
    cosmos__distribution__v1beta1__query_delegation_total_rewards_response__init(r);
    r->rewards = VPR_ARENA_ARRAY(ctx->arena, reward_item *, VPR_WALK_ITEMS_MAX);
    while (r->n_rewards < VPR_WALK_ITEMS_MAX &&
           vpr_delegation_next(ctx, &delegator, after, &at, &tokens)) {
        uint64_t due = due_of(ctx, &delegator, &at);
        after = &at;
        if (due == 0) {
            continue;
        }
        reward_item *item = VPR_ARENA_NEW(ctx->arena, reward_item);
        cosmos__distribution__v1beta1__delegation_delegator_reward__init(item);
        item->validator_address = vpr_text_of_valoper(ctx->arena, &at);
        item->reward = dec_coins(ctx, due, &item->n_reward);
        r->rewards[r->n_rewards++] = item;
        total += due;
    }
    r->total = dec_coins(ctx, total, &r->n_total);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_reward(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    const Cosmos__Distribution__V1beta1__QueryDelegationRewardsRequest *asked =
        (const Cosmos__Distribution__V1beta1__QueryDelegationRewardsRequest *)request;
    struct vpr_address delegator, id;
    const Viper__V1__Actor *actor;
    VPR_TRY(vpr_field_address(&delegator, asked->delegator_address, "delegator_address",
                              ctx->err));
    VPR_TRY(validator_asked(ctx, asked->validator_address, &id, &actor));
    Cosmos__Distribution__V1beta1__QueryDelegationRewardsResponse *r = VPR_ARENA_NEW(
        ctx->arena, Cosmos__Distribution__V1beta1__QueryDelegationRewardsResponse);
    cosmos__distribution__v1beta1__query_delegation_rewards_response__init(r);
    r->rewards = dec_coins(ctx, due_of(ctx, &delegator, &id), &r->n_rewards);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- pool and parameters ---- */

static enum vpr_code answer_pool(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                 ProtobufCMessage **ret_response)
{
    struct vpr_address id;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    uint64_t sums[2] = {0, 0}; /* below 2^62: parts of the supply */
    (void)request;
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        after = &id;
        if (actor->kind == VIPER__V1__KIND__KIND_VALIDATOR) {
            sums[vpr_validator_in_set(actor)] += vpr_actor_total(actor);
        }
    }
    Cosmos__Staking__V1beta1__QueryPoolResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__QueryPoolResponse);
    cosmos__staking__v1beta1__query_pool_response__init(r);
    r->pool = VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__Pool);
    cosmos__staking__v1beta1__pool__init(r->pool);
    r->pool->not_bonded_tokens = vpr_cosmos_number(ctx, sums[0]);
    r->pool->bonded_tokens = vpr_cosmos_number(ctx, sums[1]);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_params(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    uint64_t running = vpr_session_number(ctx);
    (void)request;
    Cosmos__Staking__V1beta1__QueryParamsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__QueryParamsResponse);
    cosmos__staking__v1beta1__query_params_response__init(r);
    r->params = VPR_ARENA_NEW(ctx->arena, Cosmos__Staking__V1beta1__Params);
    cosmos__staking__v1beta1__params__init(r->params);
    r->params->unbonding_time = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Duration);
    google__protobuf__duration__init(r->params->unbonding_time);
    r->params->unbonding_time->seconds =
        (int64_t)vpr_param(ctx, VPR_P_unbonding_seconds, running);
    r->params->max_validators = (uint32_t)vpr_param(ctx, VPR_P_max_validators, running);
    r->params->max_entries = VPR_UNBONDING_MAX;
    r->params->bond_denom = denom_text(ctx);
    r->params->min_commission_rate = vpr_cosmos_ratio(ctx, 0);
    *ret_response = &r->base;
    return VPR_OK;
}

#define STAKING(what, name, answer) \
    { \
        "/cosmos.staking.v1beta1.Query/" what, \
            &cosmos__staking__v1beta1__query_##name##_request__descriptor, \
            &cosmos__staking__v1beta1__query_##name##_response__descriptor, answer \
    }
#define DISTRIBUTION(what, name, answer) \
    { \
        "/cosmos.distribution.v1beta1.Query/" what, \
            &cosmos__distribution__v1beta1__query_##name##_request__descriptor, \
            &cosmos__distribution__v1beta1__query_##name##_response__descriptor, answer \
    }

const struct vpr_query vpr_wallet_queries[] = {
    STAKING("Validators", validators, answer_validators),
    STAKING("Validator", validator, answer_validator),
    STAKING("Delegation", delegation, answer_delegation),
    STAKING("DelegatorDelegations", delegator_delegations, answer_delegations),
    STAKING("DelegatorUnbondingDelegations", delegator_unbonding_delegations, answer_unbonding),
    STAKING("Pool", pool, answer_pool),
    STAKING("Params", params, answer_params),
    DISTRIBUTION("DelegationTotalRewards", delegation_total_rewards, answer_rewards),
    DISTRIBUTION("DelegationRewards", delegation_rewards, answer_reward),
};
