/* Messages under the names that wallets use, and those of them that the chain refuses. */
#include "cosmos/distribution/v1beta1/distribution.pb-c.h"
#include "cosmos/staking/v1beta1/staking.pb-c.h"
#include "tests/driver/kinds.h"

/* The id as wallets write a validator's. */
static char *valoper(struct wish *w, const struct vpr_address *id)
{
    char *text = vpr_arena_alloc(w->arena, VPR_ADDRESS_TEXT_MAX);
    vpr_address_text(text, VPR_PREFIX_VALOPER, id);
    return text;
}

static Cosmos__Base__V1beta1__Coin *coin_of(struct wish *w, uint64_t amount)
{
    Cosmos__Base__V1beta1__Coin *coin = VPR_ARENA_NEW(w->arena, Cosmos__Base__V1beta1__Coin);
    cosmos__base__v1beta1__coin__init(coin);
    coin->denom = vpr_arena_text(w->arena, "uvipr");
    coin->amount = vpr_arena_text(w->arena, "%" PRIu64, amount);
    return coin;
}

/* Now and then a servicer, whom wallets do not know. */
static Viper__V1__Kind any_kind(struct wish *w)
{
    return dice_percent(w->dice, 8) ? VIPER__V1__KIND__KIND_SERVICER
                                    : VIPER__V1__KIND__KIND_VALIDATOR;
}

static bool make_delegate(struct wish *w)
{
    struct pick pick;
    Cosmos__Staking__V1beta1__MsgDelegate *m =
        wish_message(w, &cosmos__staking__v1beta1__msg_delegate__descriptor);
    if (!pick_actor(w, any_kind(w), 0, &pick)) {
        return false;
    }
    w->signer = any_rich(w);
    m->delegator_address = world_text(w->signer);
    m->validator_address = valoper(w, &pick.id);
    m->amount = coin_of(w, dice_between(w->dice, 1, 20000 * WORLD_VIPR));
    return true;
}

static bool make_undelegate(struct wish *w)
{
    struct pick_delegation pick;
    Cosmos__Staking__V1beta1__MsgUndelegate *m =
        wish_message(w, &cosmos__staking__v1beta1__msg_undelegate__descriptor);
    if (!pick_delegation(w, any_kind(w), &pick)) {
        return false;
    }
    w->signer = pick.delegator;
    m->delegator_address = world_text(w->signer);
    m->validator_address = valoper(w, &pick.to.id);
    m->amount = coin_of(w, any_part(w, pick.worth));
    return true;
}

static bool make_withdraw(struct wish *w)
{
    struct pick_delegation pick;
    Cosmos__Distribution__V1beta1__MsgWithdrawDelegatorReward *m = wish_message(
        w, &cosmos__distribution__v1beta1__msg_withdraw_delegator_reward__descriptor);
    if (!pick_delegation(w, any_kind(w), &pick)) {
        return false;
    }
    w->signer = pick.delegator;
    m->delegator_address = world_text(w->signer);
    m->validator_address = valoper(w, &pick.to.id);
    return true;
}

/* ---- refused ---- */

static bool make_redelegate(struct wish *w)
{
    struct pick_delegation pick;
    Cosmos__Staking__V1beta1__MsgBeginRedelegate *m =
        wish_message(w, &cosmos__staking__v1beta1__msg_begin_redelegate__descriptor);
    if (!pick_delegation(w, VIPER__V1__KIND__KIND_VALIDATOR, &pick)) {
        return false;
    }
    w->signer = pick.delegator;
    m->delegator_address = world_text(w->signer);
    m->validator_src_address = valoper(w, &pick.to.id);
    m->validator_dst_address = m->validator_src_address;
    m->amount = coin_of(w, 1 + pick.worth);
    return true;
}

static bool make_cancel(struct wish *w)
{
    struct pick_delegation pick;
    Cosmos__Staking__V1beta1__MsgCancelUnbondingDelegation *m =
        wish_message(w, &cosmos__staking__v1beta1__msg_cancel_unbonding_delegation__descriptor);
    if (!pick_delegation(w, VIPER__V1__KIND__KIND_VALIDATOR, &pick)) {
        return false;
    }
    w->signer = pick.delegator;
    m->delegator_address = world_text(w->signer);
    m->validator_address = valoper(w, &pick.to.id);
    m->amount = coin_of(w, 1);
    m->creation_height = (int64_t)w->stage->height;
    return true;
}

static bool make_set_payout(struct wish *w)
{
    Cosmos__Distribution__V1beta1__MsgSetWithdrawAddress *m =
        wish_message(w, &cosmos__distribution__v1beta1__msg_set_withdraw_address__descriptor);
    w->signer = any_rich(w);
    m->delegator_address = world_text(w->signer);
    m->withdraw_address = world_text(any_rich(w));
    return true;
}

const struct kind wallet_kinds[] = {
    {"wallet delegate", THEME_DELEGATION, 4, make_delegate},
    {"wallet undelegate", THEME_LEAVING, 3, make_undelegate},
    {"wallet withdraw", THEME_DELEGATION, 3, make_withdraw},
    {"redelegate", THEME_DELEGATION, 1, make_redelegate},
    {"cancel unbonding", THEME_DELEGATION, 1, make_cancel},
    {"set withdraw address", THEME_DELEGATION, 1, make_set_payout},
};
const size_t wallet_kind_count = VPR_COUNT(wallet_kinds);
