#include "app/domain/accounts.h"
#include "app/domain/commission.h"
#include "app/domain/slashing.h"
#include "tests/unit/domain/delegation_tests.h"

#define STAKE (UINT64_C(15000) * WORLD_VIPR)

/* ---- messages for all tests of delegation ---- */

enum vpr_code delegate_(struct world *w, const char *label, const char *actor, uint64_t amount)
{
    Viper__V1__MsgDelegate m = VIPER__V1__MSG_DELEGATE__INIT;
    m.delegator = world_text(label);
    m.actor = world_text(actor);
    m.amount = amount;
    return act(w, label, &m.base);
}

enum vpr_code undelegate_(struct world *w, const char *label, const char *actor,
                          uint64_t amount)
{
    Viper__V1__MsgUndelegate m = VIPER__V1__MSG_UNDELEGATE__INIT;
    m.delegator = world_text(label);
    m.actor = world_text(actor);
    m.amount = amount;
    return act(w, label, &m.base);
}

enum vpr_code withdraw_(struct world *w, const char *label, const char *actor)
{
    Viper__V1__MsgWithdraw m = VIPER__V1__MSG_WITHDRAW__INIT;
    m.delegator = world_text(label);
    m.actor = world_text(actor);
    return act(w, label, &m.base);
}

enum vpr_code commission_(struct world *w, const char *owner, const char *actor, uint32_t ppm)
{
    Viper__V1__MsgSetCommission m = VIPER__V1__MSG_SET_COMMISSION__INIT;
    m.owner = world_text(owner);
    m.actor = world_text(actor);
    m.commission_ppm = ppm;
    return act(w, owner, &m.base);
}

uint64_t tokens_of(struct world *w, const char *label, const char *actor)
{
    struct vpr_address delegator = world_address(label), id = world_address(actor);
    return vpr_delegation_tokens(&w->ctx, &delegator, &id);
}

const Viper__V1__DelegationPool *pool_of(struct world *w, const char *actor)
{
    struct vpr_address id = world_address(actor);
    return vpr_delegation_pool(&w->ctx, &id);
}

uint64_t due_of(struct world *w, const char *label, const char *actor)
{
    struct vpr_address delegator = world_address(label), id = world_address(actor);
    const Viper__V1__Delegation *own = vpr_delegation_get(&w->ctx, &delegator, &id);
    return own == NULL ? 0 : vpr_delegation_due(pool_of(w, actor), own);
}

uint64_t pool_balance(struct world *w, enum vpr_pool_account pool)
{
    struct vpr_address who = vpr_pool_address(pool);
    return vpr_account_balance(&w->ctx, &who).uvipr;
}

uint64_t slash_(struct world *w, const char *actor, uint64_t ppm, uint64_t fault_height)
{
    struct vpr_address id = world_address(actor);
    if (!w->open) {
        world_begin(w);
    }
    return vpr_actor_slash(&w->ctx, &id, ppm, fault_height,
                           VIPER__V1__SLASH_REASON__SLASH_REASON_DOUBLE_SIGN);
}

/* ---- tests ---- */

/* The tokens lie in the pool of stakes; sessions read them from the next one on. */
START_TEST(a_delegation_counts_through_versions)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t alice = world_balance(w, "alice"), staked = pool_balance(w, VPR_POOL_STAKED);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 100 * WORLD_VIPR), VPR_OK);
    ck_assert_uint_eq(world_balance(w, "alice"), alice - 100 * WORLD_VIPR);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_STAKED), staked + 100 * WORLD_VIPR);
    ck_assert_uint_eq(actor_of(w, "servicer1")->delegated, 100 * WORLD_VIPR);
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, STAKE);
    ck_assert_uint_eq(terms_of(w, "servicer1", 0)->delegated, 0);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->delegated, 100 * WORLD_VIPR);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->stake, STAKE);
    ck_assert_uint_eq(tokens_of(w, "alice", "servicer1"), 100 * WORLD_VIPR);
    ck_assert_uint_eq(tokens_of(w, "bob", "servicer1"), 0);
    ck_assert_str_eq(world_event(w, "delegate", "delegator"), world_text("alice"));
    ck_assert_str_eq(world_event(w, "delegate", "amount_uvipr"), "100000000");
    ck_assert_str_eq(world_event(w, "delegate", "session"), "1");
    ck_assert_int_eq(delegate_(w, "bob", "servicer1", 11), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1), VPR_OK);
    ck_assert_uint_eq(pool_of(w, "servicer1")->shares, 100 * WORLD_VIPR + 12);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* What a servicer weighs in the draw is floor((own + delegated) / 10^6) x its score. */
START_TEST(delegated_stake_weighs_in_the_draw)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t weights[2] = {0, 0};
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", STAKE + 999999), VPR_OK);
    world_until(w, 11);
    for (uint64_t session = 0; session <= 1; session++) {
        const struct vpr_pool *pool =
            vpr_pool_find(&w->ctx, VIPER__V1__KIND__KIND_SERVICER, session, 1, 1);
        struct vpr_address id = world_address("servicer1");
        for (size_t i = 0; i < pool->member_count; i++) {
            if (vpr_address_equal(&pool->members[i].id, &id)) {
                weights[session] = pool->members[i].weight;
            }
        }
    }
    ck_assert_uint_eq(weights[0], UINT64_C(15000) * 400000);
    ck_assert_uint_eq(weights[1], UINT64_C(30000) * 400000);
    world_destroy(w);
}
END_TEST

static void three_seats(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->max_validators = 3;
}

static uint64_t power(struct world *w, const char *name)
{
    return actor_of(w, name)->validator->power;
}

/* The set is by own and delegated stake together, at once; a point goes by whole VIPR. */
START_TEST(a_delegation_moves_the_validator_set)
{
    struct world *w = world_create(three_seats, NULL);
    const char *out = NULL;
    world_block(w);
    for (int i = 1; i <= 4; i++) {
        const char *name = vpr_arena_text(&w->node, "validator%d", i);
        out = power(w, name) == 0 ? name : out;
    }
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(delegate_(w, "alice", out, 2 * WORLD_VIPR + 999999), VPR_OK);
    world_block(w);
    ck_assert_uint_eq(power(w, out), 50002);
    ck_assert_uint_eq(w->update_count, 2);
    ck_assert_int_eq(undelegate_(w, "alice", out, WORLD_VIPR), VPR_OK);
    world_block(w);
    ck_assert_uint_eq(power(w, out), 50001);
    world_destroy(w);
}
END_TEST

START_TEST(a_delegation_is_refused_for_its_reason)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "fisherman1", 5), VPR_NO_DELEGATION);
    ck_assert_int_eq(delegate_(w, "alice", "requestor1", 5), VPR_NO_DELEGATION);
    ck_assert_int_eq(delegate_(w, "alice", "bob", 5), VPR_NOT_STAKED);
    ck_assert_int_eq(delegate_(w, "carol", "servicer1", 5), VPR_NO_FUNDS);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 0), VPR_BAD_AMOUNT);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", VPR_SUPPLY_MAX), VPR_BAD_AMOUNT);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 5), VPR_NOT_DELEGATED);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 0), VPR_BAD_AMOUNT);
    ck_assert_int_eq(withdraw_(w, "alice", "servicer1"), VPR_NOT_DELEGATED);
    ck_assert_int_eq(withdraw_(w, "alice", "bob"), VPR_NOT_DELEGATED);
    ck_assert_ptr_null(pool_of(w, "servicer1"));
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 5), VPR_OK);
    ck_assert_int_eq(undelegate_(w, "bob", "servicer1", 1), VPR_NOT_DELEGATED);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 6), VPR_NOT_DELEGATED);
    ck_assert_str_eq(w->err.text, "5 uvipr are delegated there, not 6");
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 5), VPR_BAD_STATUS);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 5), VPR_OK);
    ck_assert_int_eq(pause_(w, "servicer2", "servicer2"), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer2", 5), VPR_OK);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* A slash burns tokens, not shares: everybody's share is worth less, and new ones more. */
START_TEST(delegators_share_a_slash_in_proportion)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "servicer1", 501), VPR_OK);
    uint64_t supply = vpr_supply_get(&w->ctx).total.uvipr;
    ck_assert_uint_eq(slash_(w, "servicer1", 100000, 1), STAKE / 10 + 150);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).total.uvipr, supply - STAKE / 10 - 150);
    ck_assert_str_eq(world_event(w, "slash", "delegated_burned_uvipr"), "150");
    ck_assert_uint_eq(actor_of(w, "servicer1")->delegated, 1351);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->delegated, 1351);
    ck_assert_uint_eq(tokens_of(w, "alice", "servicer1"), 900); /* 1000 x 1351 / 1501 */
    ck_assert_uint_eq(tokens_of(w, "bob", "servicer1"), 450);   /* 501 x 1351 / 1501 */
    world_block(w);
    ck_assert_int_eq(delegate_(w, "bob", "servicer1", 10), VPR_OK); /* 10 x 1501 / 1351 = 11 */
    ck_assert_uint_eq(pool_of(w, "servicer1")->shares, 1512);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 901), VPR_NOT_DELEGATED);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 900), VPR_OK);
    /* ceil(900 x 1512 / 1361) = 1000 of her 1,000: her share of the unit left over is bob's. */
    ck_assert_uint_eq(pool_of(w, "servicer1")->shares, 512);
    ck_assert_uint_eq(tokens_of(w, "bob", "servicer1"), 461);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Shares without tokens close a pool; who withdraws gives up what is worth nothing, and with
 * the last share the pool is open again. */
START_TEST(a_pool_slashed_to_nothing_opens_when_its_shares_are_gone)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "servicer1", 7), VPR_OK);
    (void)slash_(w, "servicer1", 1000000, 1);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 5), VPR_NO_DELEGATION);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1), VPR_NOT_DELEGATED);
    ck_assert_int_eq(withdraw_(w, "alice", "servicer1"), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 5), VPR_NO_DELEGATION);
    ck_assert_int_eq(withdraw_(w, "bob", "servicer1"), VPR_OK);
    ck_assert_ptr_null(pool_of(w, "servicer1"));
    world_block(w);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 5), VPR_OK);
    ck_assert_uint_eq(pool_of(w, "servicer1")->shares, 5);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* 2^20 shares a token are the limit, and 64 bits. */
START_TEST(a_pool_slashed_too_far_takes_no_more)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", UINT64_C(2) << 20), VPR_OK);
    (void)slash_(w, "servicer1", 999999, 1); /* of 2,097,152 three are left */
    ck_assert_uint_eq(actor_of(w, "servicer1")->delegated, 3);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1), VPR_OK);
    (void)slash_(w, "servicer1", 750000, 1); /* one of four, for 2,796,202 shares */
    ck_assert_uint_eq(actor_of(w, "servicer1")->delegated, 1);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1), VPR_NO_DELEGATION);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Undelegating from who leaves neither changes its terms nor puts off its leaving. */
START_TEST(nobody_can_keep_an_owner_from_leaving)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    world_block(w);
    uint64_t from = vpr_terms_newest_from(&w->ctx, &id);
    while (w->ctx.height < 61) {
        if (w->ctx.height % 5 == 0) {
            ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1), VPR_OK);
        }
        world_block(w);
        ck_assert_uint_eq(vpr_terms_newest_from(&w->ctx, &id), from);
    }
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_GONE);
    world_destroy(w);
}
END_TEST

/* The record of who left stays while others have something there: they get all of it. */
START_TEST(delegations_to_who_is_gone_come_back)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 50000 * WORLD_VIPR), VPR_OK);
    w->proposer = "validator2";
    world_until(w, 11);
    ck_assert_int_eq(unstake_(w, "validator1.owner", "validator1"), VPR_OK);
    while (actor_of(w, "validator1")->status != VIPER__V1__STATUS__STATUS_GONE) {
        world_block(w);
        ck_assert_uint_lt(w->ctx.height, 200);
    }
    uint64_t before = world_balance(w, "alice"), due = due_of(w, "alice", "validator1");
    ck_assert_uint_gt(due, 0);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 1), VPR_BAD_STATUS);
    ck_assert_int_eq(undelegate_(w, "alice", "validator1", 50000 * WORLD_VIPR), VPR_OK);
    ck_assert_int_eq(withdraw_(w, "alice", "validator1"), VPR_OK);
    ck_assert_uint_eq(world_balance(w, "alice"), before + due);
    ck_assert_ptr_null(pool_of(w, "validator1"));
    while (world_balance(w, "alice") == before + due) {
        world_block(w);
        ck_assert_uint_lt(w->ctx.height, 300);
    }
    ck_assert_uint_eq(world_balance(w, "alice"), before + due + 50000 * WORLD_VIPR);
    ck_assert_int_eq(withdraw_(w, "alice", "validator1"), VPR_NOT_DELEGATED);
    ck_assert_uint_eq(actor_of(w, "validator1")->delegated, 0);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* What governance and queries go by. */
START_TEST(delegations_of_an_account_are_listed_by_actor)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address alice = world_address("alice"), at, last;
    const struct vpr_address *after = NULL;
    uint64_t tokens, sum = 0;
    size_t count = 0;
    ck_assert_int_eq(delegate_(w, "alice", "validator2", 3), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer5", 40), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "servicer5", 500), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 6000), VPR_OK);
    for (; vpr_delegation_next(&w->ctx, &alice, after, &at, &tokens); count++) {
        ck_assert(after == NULL || vpr_address_cmp(&last, &at) < 0);
        last = at;
        after = &last;
        sum += tokens;
    }
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(sum, 6043);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* ---- commission ---- */

static void half_a_point(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->servicers[0]->commission_ppm = 5000;
}

static void too_much(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->servicers[0]->commission_ppm = 200001;
}

START_TEST(servicers_have_a_commission_too)
{
    struct world *w = world_create(half_a_point, NULL);
    world_begin(w);
    ck_assert_uint_eq(actor_of(w, "servicer1")->commission_ppm, 5000);
    w->ctx.time_s = WORLD_TIME_S + 86399;
    ck_assert_int_eq(commission_(w, "servicer1.owner", "servicer1", 5001), VPR_TOO_SOON);
    ck_assert_int_eq(commission_(w, "servicer1.owner", "servicer1", 5000), VPR_OK);
    w->ctx.time_s = WORLD_TIME_S + 2 * 86400;
    ck_assert_int_eq(commission_(w, "servicer1", "servicer1", 5001), VPR_DENIED);
    ck_assert_int_eq(commission_(w, "alice", "servicer1", 5001), VPR_DENIED);
    ck_assert_int_eq(commission_(w, "servicer1.owner", "servicer1", 15001), VPR_BAD_FIELD);
    ck_assert_int_eq(commission_(w, "servicer1.owner", "servicer1", 15000), VPR_OK);
    ck_assert_str_eq(world_event(w, "commission", "before_ppm"), "5000");
    ck_assert_str_eq(world_event(w, "commission", "commission_ppm"), "15000");
    ck_assert_int_eq(commission_(w, "fisherman1.owner", "fisherman1", 0), VPR_NO_DELEGATION);
    ck_assert_int_eq(commission_(w, "alice", "bob", 0), VPR_NOT_STAKED);
    world_destroy(w);
    genesis_refused(too_much, VPR_BAD_FIELD);
}
END_TEST

/* One that was set before max_commission fell is bound by it all the same. */
START_TEST(no_commission_exceeds_the_maximum_of_its_time)
{
    Viper__V1__Actor actor = VIPER__V1__ACTOR__INIT;
    actor.stake = 1000;
    actor.delegated = 3000;
    actor.commission_ppm = 200000;
    struct vpr_reward reward = vpr_reward_of(&actor, 1000000, 400);
    ck_assert_uint_eq(reward.delegators, 240);
    ck_assert_uint_eq(reward.owner, 160);
    reward = vpr_reward_of(&actor, 50000, 400);
    ck_assert_uint_eq(reward.delegators, 285);
    ck_assert_uint_eq(reward.owner, 115);
}
END_TEST

TCase *delegation_tests(void)
{
    TCase *t = tcase_create("delegation");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_delegation_counts_through_versions);
    tcase_add_test(t, delegated_stake_weighs_in_the_draw);
    tcase_add_test(t, a_delegation_moves_the_validator_set);
    tcase_add_test(t, a_delegation_is_refused_for_its_reason);
    tcase_add_test(t, delegators_share_a_slash_in_proportion);
    tcase_add_test(t, a_pool_slashed_to_nothing_opens_when_its_shares_are_gone);
    tcase_add_test(t, a_pool_slashed_too_far_takes_no_more);
    tcase_add_test(t, nobody_can_keep_an_owner_from_leaving);
    tcase_add_test(t, delegations_to_who_is_gone_come_back);
    tcase_add_test(t, delegations_of_an_account_are_listed_by_actor);
    tcase_add_test(t, servicers_have_a_commission_too);
    tcase_add_test(t, no_commission_exceeds_the_maximum_of_its_time);
    return t;
}
