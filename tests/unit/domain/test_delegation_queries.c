#include <stdio.h>

#include "app/rules/ids.h"
#include "cosmos/distribution/v1beta1/distribution.pb-c.h"
#include "cosmos/staking/v1beta1/staking.pb-c.h"
#include "tests/unit/domain/delegation_tests.h"

/* What token holders and their wallets ask and send. */

static char *valoper(const char *label)
{
    static char texts[8][VPR_ADDRESS_TEXT_MAX];
    static size_t next;
    struct vpr_address id = world_address(label);
    char *text = texts[next++ % VPR_COUNT(texts)];
    vpr_address_text(text, VPR_PREFIX_VALOPER, &id);
    return text;
}

/* ---- ours ---- */

START_TEST(a_holder_sees_its_delegations)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryDelegationsRequest request = VIPER__V1__QUERY_DELEGATIONS_REQUEST__INIT;
    Cosmos__Base__Query__V1beta1__PageRequest page =
        COSMOS__BASE__QUERY__V1BETA1__PAGE_REQUEST__INIT;
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 1000 * WORLD_VIPR), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer2", 70), VPR_OK);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer2", 30), VPR_OK);
    world_until(w, 11);
    (void)slash_(w, "servicer2", 100000, 11);
    request.delegator = world_text("alice");
    const Viper__V1__QueryDelegationsResponse *r =
        ask_ok(w, "/viper.v1.Query/Delegations", &request.base);
    ck_assert_uint_eq(r->n_delegations, 2);
    for (size_t i = 0; i < 2; i++) {
        const Viper__V1__DelegationInfo *d = r->delegations[i];
        bool validator = strcmp(d->actor, world_text("validator1")) == 0;
        ck_assert_str_eq(d->delegator, world_text("alice"));
        ck_assert_int_eq(d->kind, validator ? VIPER__V1__KIND__KIND_VALIDATOR
                                            : VIPER__V1__KIND__KIND_SERVICER);
        ck_assert_uint_eq(d->amount_uvipr, validator ? 1000 * WORLD_VIPR : 36);
        ck_assert_uint_eq(d->shares, validator ? 1000 * WORLD_VIPR : 40);
        ck_assert_uint_eq(d->due_uvipr, due_of(w, "alice", validator ? "validator1"
                                                                     : "servicer2"));
        ck_assert(validator == (d->due_uvipr > 0));
        ck_assert_uint_eq(d->unbonding, !validator);
    }
    page.limit = 1;
    request.pagination = &page;
    r = ask_ok(w, "/viper.v1.Query/Delegations", &request.base);
    ck_assert_uint_eq(r->n_delegations, 1);
    ck_assert_uint_gt(r->pagination->next_key.len, 0);
    request.delegator = world_text("bob");
    ck_assert_uint_eq(((const Viper__V1__QueryDelegationsResponse *)ask_ok(
                           w, "/viper.v1.Query/Delegations", &request.base))
                          ->n_delegations,
                      0);
    request.delegator = vpr_arena_text(&w->node, "viper1");
    ask_refused(w, "/viper.v1.Query/Delegations", &request.base, VPR_BAD_ADDRESS);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(an_actors_delegators_are_listed_with_its_pool)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryDelegatorsRequest request = VIPER__V1__QUERY_DELEGATORS_REQUEST__INIT;
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 1000), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "validator1", 500), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "validator2", 9), VPR_OK);
    request.id = world_text("validator1");
    const Viper__V1__QueryDelegatorsResponse *r =
        ask_ok(w, "/viper.v1.Query/Delegators", &request.base);
    ck_assert_uint_eq(r->n_delegations, 2);
    ck_assert_uint_eq(r->pool->shares, 1500);
    ck_assert_uint_eq(r->pool->delegated_uvipr, 1500);
    ck_assert_uint_eq(r->pool->cumulative.len, 16);
    ck_assert_uint_eq(r->actor->stake, 50000 * WORLD_VIPR);
    ck_assert_uint_eq(r->actor->delegated, 1500);
    request.id = world_text("servicer1");
    r = ask_ok(w, "/viper.v1.Query/Delegators", &request.base);
    ck_assert_uint_eq(r->n_delegations, 0);
    ck_assert_uint_eq(r->pool->shares, 0);
    request.id = world_text("fisherman1");
    ask_refused(w, "/viper.v1.Query/Delegators", &request.base, VPR_NOT_FOUND);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(entries_say_what_will_be_paid)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryUnbondingRequest request = VIPER__V1__QUERY_UNBONDING_REQUEST__INIT;
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 100), VPR_OK);
    world_block(w);
    (void)slash_(w, "servicer1", 50000, 1);
    request.delegator = world_text("alice");
    const Viper__V1__QueryUnbondingResponse *r =
        ask_ok(w, "/viper.v1.Query/Unbonding", &request.base);
    ck_assert_uint_eq(r->n_entries, 1);
    ck_assert_str_eq(r->entries[0]->actor, world_text("servicer1"));
    ck_assert_uint_eq(r->entries[0]->amount_uvipr, 100);
    ck_assert_uint_eq(r->entries[0]->left_uvipr, 95);
    ck_assert_uint_eq(r->entries[0]->height, 1);
    ck_assert_uint_eq(r->entries[0]->session, 6);
    ck_assert_int_eq(r->entries[0]->time_s, WORLD_TIME_S + 1 + 60);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* The forecast of a yield is what the next one pays. */
START_TEST(a_yield_is_foretold)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryYieldRequest request = VIPER__V1__QUERY_YIELD_REQUEST__INIT;
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 50000 * WORLD_VIPR), VPR_OK);
    world_until(w, 5);
    request.id = world_text("validator1");
    const Viper__V1__QueryYieldResponse *r =
        ask_ok(w, "/viper.v1.Query/Yield", &request.base);
    ck_assert(r->in_set);
    ck_assert_uint_eq(r->yield_ppb, 1125000); /* 112,500,000 a 1,000 blocks; ten of them */
    ck_assert_uint_eq(r->part_uvipr, 112500000);
    ck_assert_uint_eq(r->owner_uvipr, 56250000);
    ck_assert_uint_eq(r->delegators_uvipr, 56250000);
    uint64_t said = r->delegators_uvipr;
    world_until(w, 11);
    ck_assert_uint_eq(pool_of(w, "validator1")->rewards, said);
    request.id = world_text("servicer1");
    r = ask_ok(w, "/viper.v1.Query/Yield", &request.base);
    ck_assert_uint_eq(r->validator_yield_ppb, 0);
    ck_assert_uint_eq(r->stake_uvipr, 15000 * WORLD_VIPR);
    request.id = world_text("alice");
    ask_refused(w, "/viper.v1.Query/Yield", &request.base, VPR_NOT_FOUND);
    world_destroy(w);
}
END_TEST

/* ---- as wallets do ---- */

static Cosmos__Base__V1beta1__Coin coin_of(const char *denom, const char *amount)
{
    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT;
    static char texts[16][24];
    static size_t next;
    char *d = texts[next++ % VPR_COUNT(texts)], *a = texts[next++ % VPR_COUNT(texts)];
    (void)snprintf(d, sizeof texts[0], "%s", denom);
    (void)snprintf(a, sizeof texts[0], "%s", amount);
    coin.denom = d;
    coin.amount = a;
    return coin;
}

static enum vpr_code wallet_delegate(struct world *w, const char *validator, const char *denom,
                                     const char *amount)
{
    Cosmos__Staking__V1beta1__MsgDelegate m = COSMOS__STAKING__V1BETA1__MSG_DELEGATE__INIT;
    Cosmos__Base__V1beta1__Coin coin = coin_of(denom, amount);
    m.delegator_address = world_text("alice");
    m.validator_address = valoper(validator);
    m.amount = &coin;
    return act(w, "alice", &m.base);
}

START_TEST(wallets_delegate_and_get_it_back)
{
    struct world *w = world_create(NULL, NULL);
    Cosmos__Staking__V1beta1__MsgUndelegate u = COSMOS__STAKING__V1BETA1__MSG_UNDELEGATE__INIT;
    Cosmos__Distribution__V1beta1__MsgWithdrawDelegatorReward r =
        COSMOS__DISTRIBUTION__V1BETA1__MSG_WITHDRAW_DELEGATOR_REWARD__INIT;
    Cosmos__Base__V1beta1__Coin coin = coin_of("uvipr", "400000000");
    ck_assert_int_eq(wallet_delegate(w, "validator1", "uvipr", "1000000000"), VPR_OK);
    ck_assert_uint_eq(tokens_of(w, "alice", "validator1"), 1000 * WORLD_VIPR);
    ck_assert_int_eq(wallet_delegate(w, "validator1", "uatom", "5"), VPR_BAD_AMOUNT);
    ck_assert_int_eq(wallet_delegate(w, "validator1", "uvipr", "0"), VPR_BAD_AMOUNT);
    ck_assert_int_eq(wallet_delegate(w, "validator1", "uvipr", "-1"), VPR_BAD_AMOUNT);
    ck_assert_int_eq(wallet_delegate(w, "servicer1", "uvipr", "5"), VPR_NOT_STAKED);
    world_until(w, 11);
    uint64_t alice = world_balance(w, "alice"), due = due_of(w, "alice", "validator1");
    ck_assert_uint_gt(due, 0);
    r.delegator_address = u.delegator_address = world_text("alice");
    r.validator_address = u.validator_address = valoper("validator1");
    act_ok(w, "alice", &r.base);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + due);
    u.amount = &coin;
    act_ok(w, "alice", &u.base);
    ck_assert_uint_eq(tokens_of(w, "alice", "validator1"), 600 * WORLD_VIPR);
    r.validator_address = world_text("validator1"); /* not its vipervaloper address */
    act_refused(w, "alice", &r.base, VPR_BAD_ADDRESS);
    world_until(w, 72);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + due + 400 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

/* Kinds that this chain has not are refused with the sentence that says what to do instead. */
START_TEST(wallets_are_told_what_there_is_not)
{
    struct world *w = world_create(NULL, NULL);
    Cosmos__Staking__V1beta1__MsgBeginRedelegate m =
        COSMOS__STAKING__V1BETA1__MSG_BEGIN_REDELEGATE__INIT;
    Cosmos__Staking__V1beta1__MsgCancelUnbondingDelegation c =
        COSMOS__STAKING__V1BETA1__MSG_CANCEL_UNBONDING_DELEGATION__INIT;
    Cosmos__Distribution__V1beta1__MsgSetWithdrawAddress a =
        COSMOS__DISTRIBUTION__V1BETA1__MSG_SET_WITHDRAW_ADDRESS__INIT;
    m.delegator_address = c.delegator_address = a.delegator_address = world_text("alice");
    act_refused(w, "alice", &m.base, VPR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(w->err.text, "there is no redelegation: undelegate"));
    act_refused(w, "alice", &c.base, VPR_UNSUPPORTED);
    act_refused(w, "alice", &a.base, VPR_UNSUPPORTED);
    struct vpr_tx_result result = world_tx(w, "alice", &m.base);
    ck_assert_int_eq(result.code, VPR_UNSUPPORTED);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(wallets_see_validators_delegations_and_rewards)
{
    struct world *w = world_create(NULL, NULL);
    Cosmos__Staking__V1beta1__QueryValidatorsRequest all =
        COSMOS__STAKING__V1BETA1__QUERY_VALIDATORS_REQUEST__INIT;
    Cosmos__Staking__V1beta1__QueryValidatorRequest one =
        COSMOS__STAKING__V1BETA1__QUERY_VALIDATOR_REQUEST__INIT;
    Cosmos__Staking__V1beta1__QueryDelegatorDelegationsRequest mine =
        COSMOS__STAKING__V1BETA1__QUERY_DELEGATOR_DELEGATIONS_REQUEST__INIT;
    Cosmos__Distribution__V1beta1__QueryDelegationTotalRewardsRequest rewards =
        COSMOS__DISTRIBUTION__V1BETA1__QUERY_DELEGATION_TOTAL_REWARDS_REQUEST__INIT;
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 1000 * WORLD_VIPR), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 5), VPR_OK);
    ck_assert_int_eq(pause_(w, "validator2", "validator2"), VPR_OK);
    world_until(w, 11);
    all.status = vpr_arena_text(&w->node, "BOND_STATUS_BONDED");
    const Cosmos__Staking__V1beta1__QueryValidatorsResponse *list =
        ask_ok(w, "/cosmos.staking.v1beta1.Query/Validators", &all.base);
    ck_assert_uint_eq(list->n_validators, 3);
    one.validator_addr = valoper("validator1");
    const Cosmos__Staking__V1beta1__Validator *v =
        ((const Cosmos__Staking__V1beta1__QueryValidatorResponse *)ask_ok(
             w, "/cosmos.staking.v1beta1.Query/Validator", &one.base))
            ->validator;
    ck_assert_str_eq(v->operator_address, valoper("validator1"));
    ck_assert_str_eq(v->tokens, "51000000000");
    ck_assert_str_eq(v->commission->commission_rates->rate, "0.000000000000000000");
    ck_assert_str_eq(v->commission->commission_rates->max_rate, "0.200000000000000000");
    ck_assert_str_eq(v->consensus_pubkey->type_url, "/cosmos.crypto.ed25519.PubKey");
    ck_assert(!v->jailed);
    mine.delegator_addr = world_text("alice");
    const Cosmos__Staking__V1beta1__QueryDelegatorDelegationsResponse *d =
        ask_ok(w, "/cosmos.staking.v1beta1.Query/DelegatorDelegations", &mine.base);
    ck_assert_uint_eq(d->n_delegation_responses, 1); /* servicers are none of theirs */
    ck_assert_str_eq(d->delegation_responses[0]->balance->amount, "1000000000");
    ck_assert_str_eq(d->delegation_responses[0]->delegation->shares,
                     "1000000000.000000000000000000");
    rewards.delegator_address = world_text("alice");
    const Cosmos__Distribution__V1beta1__QueryDelegationTotalRewardsResponse *r =
        ask_ok(w, "/cosmos.distribution.v1beta1.Query/DelegationTotalRewards", &rewards.base);
    ck_assert_uint_eq(r->n_rewards, 1);
    ck_assert_uint_eq(r->n_total, 1);
    ck_assert_str_eq(r->total[0]->amount,
                     vpr_arena_text(&w->node, "%" PRIu64 ".000000000000000000",
                                    due_of(w, "alice", "validator1")));
    world_destroy(w);
}
END_TEST

START_TEST(wallets_see_what_comes_back_pool_and_parameters)
{
    struct world *w = world_create(NULL, NULL);
    Cosmos__Staking__V1beta1__QueryDelegatorUnbondingDelegationsRequest waits =
        COSMOS__STAKING__V1BETA1__QUERY_DELEGATOR_UNBONDING_DELEGATIONS_REQUEST__INIT;
    Cosmos__Staking__V1beta1__QueryDelegationRequest one =
        COSMOS__STAKING__V1BETA1__QUERY_DELEGATION_REQUEST__INIT;
    Cosmos__Staking__V1beta1__QueryPoolRequest pool =
        COSMOS__STAKING__V1BETA1__QUERY_POOL_REQUEST__INIT;
    Cosmos__Staking__V1beta1__QueryParamsRequest params =
        COSMOS__STAKING__V1BETA1__QUERY_PARAMS_REQUEST__INIT;
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 10), VPR_OK);
    ck_assert_int_eq(undelegate_(w, "alice", "validator1", 3), VPR_OK);
    world_block(w);
    waits.delegator_addr = one.delegator_addr = world_text("alice");
    one.validator_addr = valoper("validator1");
    const Cosmos__Staking__V1beta1__QueryDelegatorUnbondingDelegationsResponse *u =
        ask_ok(w, "/cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations", &waits.base);
    ck_assert_uint_eq(u->n_unbonding_responses, 1);
    ck_assert_str_eq(u->unbonding_responses[0]->entries[0]->balance, "3");
    ck_assert_int_eq(u->unbonding_responses[0]->entries[0]->completion_time->seconds,
                     WORLD_TIME_S + 61);
    const Cosmos__Staking__V1beta1__QueryDelegationResponse *d =
        ask_ok(w, "/cosmos.staking.v1beta1.Query/Delegation", &one.base);
    ck_assert_str_eq(d->delegation_response->balance->amount, "7");
    one.validator_addr = valoper("validator2");
    ask_refused(w, "/cosmos.staking.v1beta1.Query/Delegation", &one.base, VPR_NOT_FOUND);
    const Cosmos__Staking__V1beta1__QueryPoolResponse *p =
        ask_ok(w, "/cosmos.staking.v1beta1.Query/Pool", &pool.base);
    ck_assert_str_eq(p->pool->bonded_tokens, "200000000007");
    ck_assert_str_eq(p->pool->not_bonded_tokens, "0");
    const Cosmos__Staking__V1beta1__QueryParamsResponse *q =
        ask_ok(w, "/cosmos.staking.v1beta1.Query/Params", &params.base);
    ck_assert_int_eq(q->params->unbonding_time->seconds, 60);
    ck_assert_str_eq(q->params->bond_denom, "uvipr");
    ck_assert_uint_eq(q->params->max_entries, VPR_UNBONDING_MAX);
    world_destroy(w);
}
END_TEST

TCase *delegators_tests(void)
{
    TCase *t = tcase_create("delegators");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_holder_sees_its_delegations);
    tcase_add_test(t, an_actors_delegators_are_listed_with_its_pool);
    tcase_add_test(t, entries_say_what_will_be_paid);
    tcase_add_test(t, a_yield_is_foretold);
    tcase_add_test(t, wallets_delegate_and_get_it_back);
    tcase_add_test(t, wallets_are_told_what_there_is_not);
    tcase_add_test(t, wallets_see_validators_delegations_and_rewards);
    tcase_add_test(t, wallets_see_what_comes_back_pool_and_parameters);
    return t;
}
