#include "app/domain/wallets.h"

#include "app/domain/field.h"
#include "app/tx/wire.h"
#include "app/tx/gas.h"
#include "cosmos/distribution/v1beta1/distribution.pb-c.h"
#include "cosmos/staking/v1beta1/staking.pb-c.h"

typedef Cosmos__Staking__V1beta1__MsgDelegate msg_delegate;
typedef Cosmos__Staking__V1beta1__MsgUndelegate msg_undelegate;
typedef Cosmos__Distribution__V1beta1__MsgWithdrawDelegatorReward msg_withdraw;

enum vpr_code vpr_field_valoper(struct vpr_address *ret, const char *text, const char *field,
                                struct vpr_err *err)
{
    if (!vpr_address_parse(ret, VPR_PREFIX_VALOPER, vpr_bytes_str(text))) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "%s \"%.64s\" is not a vipervaloper address",
                        field, text);
    }
    return VPR_OK;
}

char *vpr_text_of_valoper(struct vpr_arena *arena, const struct vpr_address *id)
{
    char *text = vpr_arena_alloc(arena, VPR_ADDRESS_TEXT_MAX);
    vpr_address_text(text, VPR_PREFIX_VALOPER, id);
    return text;
}

/* ---- fields ---- */

static enum vpr_code check_pair(const char *delegator, const char *validator,
                                struct vpr_err *err)
{
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, delegator, "delegator_address", err));
    return vpr_field_valoper(&ignored, validator, "validator_address", err);
}

static enum vpr_code read_coin(uint64_t *ret, const Cosmos__Base__V1beta1__Coin *coin,
                               struct vpr_err *err)
{
    uint64_t amount;
    if (coin == NULL || strcmp(coin->denom, VPR_DENOM) != 0) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "amount is in \"%.40s\"; there is only " VPR_DENOM,
                        coin == NULL ? "" : coin->denom);
    }
    if (!vpr_wire_amount(&amount, coin->amount) || amount < 1 || amount >= VPR_SUPPLY_MAX) {
        return vpr_fail(err, VPR_BAD_AMOUNT,
                        "amount \"%.40s\" is not a number of uvipr from 1 to 2^62 - 1",
                        coin->amount);
    }
    *ret = amount;
    return VPR_OK;
}

/* What wallets call a validator is one: the id of a servicer is refused. */
static enum vpr_code find_validator(struct vpr_ctx *ctx, const char *text,
                                    struct vpr_address *ret_id)
{
    struct vpr_address id;
    VPR_TRY(vpr_field_valoper(&id, text, "validator_address", ctx->err));
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor == NULL || actor->kind != VIPER__V1__KIND__KIND_VALIDATOR) {
        return vpr_fail(ctx->err, VPR_NOT_STAKED,
                        "%s is not a validator; to servicers delegate with "
                        "/viper.v1.MsgDelegate",
                        text);
    }
    *ret_id = id;
    return VPR_OK;
}

/* ---- messages ---- */

static enum vpr_code check_delegate(const ProtobufCMessage *message, struct vpr_err *err)
{
    const msg_delegate *m = (const msg_delegate *)message;
    uint64_t ignored;
    VPR_TRY(check_pair(m->delegator_address, m->validator_address, err));
    return read_coin(&ignored, m->amount, err);
}

static enum vpr_code apply_delegate(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const msg_delegate *m = (const msg_delegate *)message;
    struct vpr_address id;
    uint64_t amount = 0;
    VPR_TRY(find_validator(ctx, m->validator_address, &id));
    VPR_TRY(read_coin(&amount, m->amount, ctx->err));
    return vpr_delegate(ctx, &id, amount);
}

static enum vpr_code check_undelegate(const ProtobufCMessage *message, struct vpr_err *err)
{
    const msg_undelegate *m = (const msg_undelegate *)message;
    uint64_t ignored;
    VPR_TRY(check_pair(m->delegator_address, m->validator_address, err));
    return read_coin(&ignored, m->amount, err);
}

static enum vpr_code apply_undelegate(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const msg_undelegate *m = (const msg_undelegate *)message;
    struct vpr_address id;
    uint64_t amount = 0;
    VPR_TRY(find_validator(ctx, m->validator_address, &id));
    VPR_TRY(read_coin(&amount, m->amount, ctx->err));
    return vpr_undelegate(ctx, &id, amount);
}

static enum vpr_code check_withdraw(const ProtobufCMessage *message, struct vpr_err *err)
{
    const msg_withdraw *m = (const msg_withdraw *)message;
    return check_pair(m->delegator_address, m->validator_address, err);
}

static enum vpr_code apply_withdraw(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const msg_withdraw *m = (const msg_withdraw *)message;
    struct vpr_address id;
    VPR_TRY(find_validator(ctx, m->validator_address, &id));
    return vpr_withdraw(ctx, &id);
}

/* ---- what wallets offer and this chain has not ---- */

static enum vpr_code refuse_redelegate(const ProtobufCMessage *message, struct vpr_err *err)
{
    (void)message;
    return vpr_fail(err, VPR_UNSUPPORTED, "there is no redelegation: undelegate, wait for the "
                    "unbonding time, then delegate to another validator");
}

static enum vpr_code refuse_cancel(const ProtobufCMessage *message, struct vpr_err *err)
{
    (void)message;
    return vpr_fail(err, VPR_UNSUPPORTED, "what is undelegated comes back and cannot be stopped; "
                    "delegate again when it is there");
}

static enum vpr_code refuse_address(const ProtobufCMessage *message, struct vpr_err *err)
{
    (void)message;
    return vpr_fail(err, VPR_UNSUPPORTED, "rewards are withdrawn to the delegator's own account "
                    "only; send them on from there");
}

/* `check` refuses before anything of it is applied. */
static enum vpr_code never(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    (void)ctx;
    (void)message;
    VPR_HALT("a message that is always refused was applied");
}

static const struct vpr_handler handlers[] = {
    {"wallets.cancel", "/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation",
     &cosmos__staking__v1beta1__msg_cancel_unbonding_delegation__descriptor,
     "delegator_address", VPR_LANE_ORDINARY, 0, NULL, refuse_cancel, never, NULL},
    {"wallets.delegate", "/cosmos.staking.v1beta1.MsgDelegate",
     &cosmos__staking__v1beta1__msg_delegate__descriptor, "delegator_address",
     VPR_LANE_ORDINARY, VPR_GAS_DELEGATION, NULL, check_delegate, apply_delegate, NULL},
    {"wallets.payout", "/cosmos.distribution.v1beta1.MsgSetWithdrawAddress",
     &cosmos__distribution__v1beta1__msg_set_withdraw_address__descriptor, "delegator_address",
     VPR_LANE_ORDINARY, 0, NULL, refuse_address, never, NULL},
    {"wallets.redelegate", "/cosmos.staking.v1beta1.MsgBeginRedelegate",
     &cosmos__staking__v1beta1__msg_begin_redelegate__descriptor, "delegator_address",
     VPR_LANE_ORDINARY, 0, NULL, refuse_redelegate, never, NULL},
    {"wallets.undelegate", "/cosmos.staking.v1beta1.MsgUndelegate",
     &cosmos__staking__v1beta1__msg_undelegate__descriptor, "delegator_address",
     VPR_LANE_ORDINARY, VPR_GAS_DELEGATION, NULL, check_undelegate, apply_undelegate, NULL},
    {"wallets.withdraw", "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward",
     &cosmos__distribution__v1beta1__msg_withdraw_delegator_reward__descriptor,
     "delegator_address", VPR_LANE_ORDINARY, 0, NULL, check_withdraw, apply_withdraw, NULL},
};

const struct vpr_domain vpr_wallets = {
    .name = "wallets",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = vpr_wallet_queries,
    .query_count = VPR_COUNT(vpr_wallet_queries),
    .import = NULL,
    .invariants = NULL,
    .invariant_count = 0,
};
