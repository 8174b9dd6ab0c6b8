#include "app/domain/accounts.h"
#include "tests/unit/domain/delegation_tests.h"

/* Genesis unbonds in 60 s, a block a second; sessions of ten blocks. */

static void in_a_second(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->unbonding_seconds = 1;
}

START_TEST(an_entry_is_paid_when_its_time_has_come)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    uint64_t alice = world_balance(w, "alice"), staked = pool_balance(w, VPR_POOL_STAKED);
    world_until(w, 4);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 400), VPR_OK); /* block 5 */
    ck_assert_str_eq(world_event(w, "undelegate", "unbond_session"), "6");
    ck_assert_uint_eq(actor_of(w, "servicer1")->delegated, 600);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->delegated, 600);
    world_until(w, 64);
    ck_assert_uint_eq(world_balance(w, "alice"), alice);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_STAKED), staked);
    world_block(w);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 400);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_STAKED), staked - 400);
    ck_assert_str_eq(world_event(w, "undelegated", "delegator"), world_text("alice"));
    ck_assert_str_eq(world_event(w, "undelegated", "amount_uvipr"), "400");
    ck_assert_str_eq(world_event(w, "undelegated", "burned_uvipr"), "0");
    world_block(w);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 400);
    ck_assert_uint_eq(tokens_of(w, "alice", "servicer1"), 600);
    world_destroy(w);
}
END_TEST

/* However short the time is, not before session s + 6 opens. */
START_TEST(an_entry_waits_six_sessions)
{
    struct world *w = world_create(in_a_second, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    world_until(w, 13);
    uint64_t alice = world_balance(w, "alice");
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1000), VPR_OK); /* session 1 */
    world_until(w, 70);
    ck_assert_uint_eq(world_balance(w, "alice"), alice);
    world_block(w);
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 1000);
    ck_assert_int_eq(withdraw_(w, "alice", "servicer1"), VPR_NOT_DELEGATED); /* all gone */
    world_block(w);
    world_destroy(w);
}
END_TEST

/* ... and not before the sessions that read the stake are settled. */
START_TEST(an_entry_waits_for_its_last_session)
{
    struct world *w = world_create(in_a_second, NULL);
    struct vpr_address alice = world_address("alice");
    const Viper__V1__Unbonding *entry;
    uint64_t number;
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    world_until(w, 28);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 300), VPR_OK); /* s 2, counts from 4 */
    ck_assert(vpr_unbonding_next(&w->ctx, &alice, NULL, &number, &entry));
    ck_assert_uint_eq(entry->settled, 4);
    ck_assert_uint_eq(entry->session, 8);
    ck_assert_uint_eq(entry->height, 29);
    ck_assert(!vpr_unbonding_next(&w->ctx, &alice, &number, &number, &entry));
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(sixteen_entries_wait_at_most)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 1000), VPR_OK);
    ck_assert_int_eq(delegate_(w, "alice", "servicer2", 1000), VPR_OK);
    for (int i = 0; i < VPR_UNBONDING_MAX; i++) {
        ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1), VPR_OK);
    }
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1), VPR_TOO_SOON);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer2", 1), VPR_OK);
    world_until(w, 61);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1), VPR_OK); /* the first are paid */
    world_block(w);
    world_destroy(w);
}
END_TEST

/* What is made at or after the fault is reached, what is made before it is not, and slashes
 * before the entry have been taken from the pool already; burned when it is paid. */
START_TEST(slashes_reach_entries_made_since_the_fault)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(delegate_(w, "alice", "servicer1", 100000), VPR_OK);
    ck_assert_int_eq(delegate_(w, "bob", "servicer1", 100000), VPR_OK);
    world_until(w, 4);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1001), VPR_OK); /* block 5 */
    world_block(w);
    (void)slash_(w, "servicer1", 10000, 6);
    ck_assert_int_eq(undelegate_(w, "alice", "servicer1", 1001), VPR_OK); /* block 6 */
    world_block(w);
    (void)slash_(w, "servicer1", 100000, 6);
    (void)slash_(w, "servicer1", 50000, 5);
    world_block(w);
    uint64_t alice = world_balance(w, "alice");
    world_until(w, 64);
    ck_assert_uint_eq(world_balance(w, "alice"), alice);
    uint64_t burned = vpr_supply_get(&w->ctx).burned.uvipr;
    world_block(w); /* the first: 5 % of 1,001 */
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 951);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).burned.uvipr, burned + 50);
    ck_assert_str_eq(world_event(w, "undelegated", "burned_uvipr"), "50");
    world_block(w); /* the second: 10 % of 1,001, then 5 % of 901 */
    ck_assert_uint_eq(world_balance(w, "alice"), alice + 951 + 856);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).burned.uvipr, burned + 50 + 145);
    world_destroy(w);
}
END_TEST

/* Those that come due together are paid a hundred a block, in the order they were made. */
START_TEST(a_hundred_entries_are_paid_a_block)
{
    struct world *w = world_create(NULL, NULL);
    static const char *const who[] = {"alice", "bob"};
    for (int s = 1; s <= 6; s++) {
        const char *name = vpr_arena_text(&w->node, "servicer%d", s);
        for (size_t i = 0; i < 2; i++) {
            ck_assert_int_eq(delegate_(w, who[i], name, 10), VPR_OK);
            for (int n = 0; n < 10; n++) {
                ck_assert_int_eq(undelegate_(w, who[i], name, 1), VPR_OK);
            }
        }
    }
    uint64_t sum = world_balance(w, "alice") + world_balance(w, "bob");
    world_until(w, 60);
    ck_assert_uint_eq(world_balance(w, "alice") + world_balance(w, "bob"), sum);
    world_block(w);
    ck_assert_uint_eq(world_balance(w, "alice") + world_balance(w, "bob"), sum + 100);
    world_block(w);
    ck_assert_uint_eq(world_balance(w, "alice") + world_balance(w, "bob"), sum + 120);
    world_destroy(w);
}
END_TEST

TCase *unbonding_tests(void)
{
    TCase *t = tcase_create("unbonding");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_entry_is_paid_when_its_time_has_come);
    tcase_add_test(t, an_entry_waits_six_sessions);
    tcase_add_test(t, an_entry_waits_for_its_last_session);
    tcase_add_test(t, sixteen_entries_wait_at_most);
    tcase_add_test(t, slashes_reach_entries_made_since_the_fault);
    tcase_add_test(t, a_hundred_entries_are_paid_a_block);
    return t;
}
