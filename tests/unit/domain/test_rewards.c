#include "app/domain/accounts.h"
#include "tests/unit/domain/delegation_tests.h"

/* What delegators earn: the yield of validators is enough of a source here; how settlements
 * are shared is in test_settlement.c. */

static void tenth(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->validators[0]->commission_ppm = 100000;
}

/* 250,000 VIPR bonded mint 281.25 VIPR; validator1 has 100,000 of them: 112.5, half of it its
 * delegators' less a tenth. */
START_TEST(a_yield_is_shared_after_commission)
{
    struct world *w = world_create(tenth, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 50000 * WORLD_VIPR), VPR_OK);
    world_until(w, 10);
    uint64_t owner = world_balance(w, "validator1.owner");
    uint64_t other = world_balance(w, "validator2.owner");
    world_begin(w);
    ck_assert_str_eq(world_event(w, "yield", "minted"), "281250000");
    ck_assert_str_eq(world_event(w, "yield", "bonded"), "250000000000");
    ck_assert_str_eq(world_event(w, "yield", "validator_yield"), "112500000");
    ck_assert_str_eq(world_event(w, "yield", "blocks"), "10");
    ck_assert_uint_eq(world_balance(w, "validator1.owner"), owner + 61875000);
    ck_assert_uint_eq(world_balance(w, "validator2.owner"), other + 56250000);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_REWARDS), 50625000);
    ck_assert_uint_eq(due_of(w, "alice", "validator1"), 50624999); /* floor, per share */
    size_t parts = 0;
    for (size_t i = 0; i < w->events.count; i++) {
        const struct vpr_event *event = w->events.list[i];
        if (strcmp(event->type, "yield_part") == 0) {
            bool first = strcmp(event->attributes[1].value, world_text("validator1")) == 0;
            ck_assert_str_eq(event->attributes[5].key, "delegated_uvipr");
            ck_assert_str_eq(event->attributes[5].value, first ? "50000000000" : "0");
            ck_assert_str_eq(event->attributes[6].key, "commission_ppm");
            ck_assert_str_eq(event->attributes[6].value, first ? "100000" : "0");
            ck_assert_str_eq(event->attributes[7].value, first ? "61875000" : "56250000");
            ck_assert_str_eq(event->attributes[8].key, "delegators");
            ck_assert_str_eq(event->attributes[8].value, first ? "50625000" : "0");
            parts++;
        }
    }
    ck_assert_uint_eq(parts, 4);
    world_block(w);
    uint64_t alice = world_balance(w, "alice");
    ck_assert_int_eq(withdraw_(w, "alice", "validator1"), VPR_OK);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 50624999);
    ck_assert_str_eq(world_event(w, "withdraw", "amount_uvipr"), "50624999");
    /* 50,625,000 x 2^64 / 50,000,000,000 shares, floored */
    ck_assert_str_eq(world_event(w, "withdraw", "held_shares"), "50000000000");
    ck_assert_str_eq(world_event(w, "withdraw", "seen"), "00000000000000000000000000000000");
    ck_assert_str_eq(world_event(w, "withdraw", "cumulative"),
                     "000000000000000000425aee631f8a09");
    ck_assert_str_eq(world_event(w, "withdraw", "earned_uvipr"), "50624999");
    ck_assert_int_eq(withdraw_(w, "alice", "validator1"), VPR_OK); /* nothing more yet */
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 50624999);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_REWARDS), 1);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Exact but for what the floor of a reward a share leaves. */
static void about(uint64_t have, uint64_t want)
{
    ck_assert_uint_le(have, want);
    ck_assert_uint_ge(have + 2, want);
}

/* Each earns from when it came, in proportion; a later change does not touch what is due. */
START_TEST(each_earns_from_when_it_came)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 50000 * WORLD_VIPR), VPR_OK);
    world_until(w, 11);
    uint64_t first = due_of(w, "alice", "validator1");
    about(first, 56250000);
    ck_assert_int_eq(delegate_(w, "bob", "validator1", 25000 * WORLD_VIPR), VPR_OK);
    ck_assert_uint_eq(due_of(w, "bob", "validator1"), 0);
    world_until(w, 21);
    /* 275,000 VIPR bonded mint 309.375: 140.625 for validator1's 125,000. */
    about(due_of(w, "alice", "validator1"), 2 * 56250000);
    about(due_of(w, "bob", "validator1"), 28125000);
    ck_assert_int_eq(delegate_(w, "bob", "validator1", 25000 * WORLD_VIPR), VPR_OK);
    ck_assert_int_eq(undelegate_(w, "alice", "validator1", 50000 * WORLD_VIPR), VPR_OK);
    about(due_of(w, "alice", "validator1"), 2 * 56250000);
    about(due_of(w, "bob", "validator1"), 28125000);
    world_until(w, 31);
    about(due_of(w, "alice", "validator1"), 2 * 56250000);
    about(due_of(w, "bob", "validator1"), 28125000 + 56250000);
    uint64_t alice = world_balance(w, "alice"), due = due_of(w, "alice", "validator1");
    ck_assert_int_eq(withdraw_(w, "alice", "validator1"), VPR_OK);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + due);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Floors leave a little in the pool of rewards; with the last share it is the DAO's, and what
 * is due stays until it is withdrawn. */
START_TEST(dust_goes_to_the_dao_with_the_last_share)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 7 * WORLD_VIPR + 1), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "validator1", 3 * WORLD_VIPR + 1), VPR_OK);
    world_until(w, 11);
    uint64_t alice = due_of(w, "alice", "validator1"), bob = due_of(w, "bob", "validator1");
    uint64_t rewards = pool_of(w, "validator1")->rewards;
    ck_assert_uint_eq(rewards, pool_balance(w, VPR_POOL_REWARDS));
    ck_assert_uint_gt(rewards, alice + bob);
    uint64_t dao = pool_balance(w, VPR_POOL_DAO);
    ck_assert_int_eq(undelegate_(w, "alice", "validator1", 7 * WORLD_VIPR + 1), VPR_OK);
    ck_assert_ptr_null(world_event(w, "reward_dust", "amount_uvipr"));
    ck_assert_int_eq(undelegate_(w, "bob", "validator1", 3 * WORLD_VIPR + 1), VPR_OK);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_DAO), dao + rewards - alice - bob);
    ck_assert_str_eq(world_event(w, "reward_dust", "amount_uvipr"),
                     vpr_arena_text(&w->node, "%" PRIu64, rewards - alice - bob));
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_REWARDS), alice + bob);
    world_block(w);
    ck_assert_int_eq(delegate_(w, "bob", "validator1", 5), VPR_OK);
    world_until(w, 21);
    ck_assert_uint_ge(due_of(w, "bob", "validator1"), bob);
    ck_assert_int_eq(withdraw_(w, "alice", "validator1"), VPR_OK);
    ck_assert_int_eq(withdraw_(w, "bob", "validator1"), VPR_OK);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* With shares that a slash made worthless nothing is shared: all is the owner's. */
START_TEST(shares_without_tokens_earn_nothing)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "validator1", 1000 * WORLD_VIPR), VPR_OK);
    world_block(w);
    w->proposer = "validator2";
    (void)slash_(w, "validator1", 1000000, 1);
    world_until(w, 9);
    Viper__V1__MsgIncreaseStake m = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    m.owner = world_text("validator1.owner");
    m.actor = world_text("validator1");
    m.amount = 900 * WORLD_VIPR;
    act_ok(w, "validator1.owner", &m.base);
    world_block(w);
    uint64_t owner = world_balance(w, "validator1.owner");
    world_block(w);
    ck_assert_uint_gt(world_balance(w, "validator1.owner"), owner);
    ck_assert_uint_eq(due_of(w, "alice", "validator1"), 0);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_REWARDS), 0);
    world_destroy(w);
}
END_TEST

TCase *delegation_rewards_tests(void)
{
    TCase *t = tcase_create("rewards");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_yield_is_shared_after_commission);
    tcase_add_test(t, each_earns_from_when_it_came);
    tcase_add_test(t, dust_goes_to_the_dao_with_the_last_share);
    tcase_add_test(t, shares_without_tokens_earn_nothing);
    return t;
}
