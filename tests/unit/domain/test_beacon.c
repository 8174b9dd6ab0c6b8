#include <signal.h>

#include "tests/unit/domain/act.h"

START_TEST(a_reveal_moves_beacon_and_chain_end)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_hash before = vpr_beacon_genesis(vpr_bytes_str(WORLD_CHAIN_ID));
    struct vpr_hash end = world_beacon_end("validator1"), x, now;
    struct vpr_address proposer = world_consensus("validator1");
    ck_assert(world_beacon_reveal("validator1", &end, &x));
    world_block(w);
    struct vpr_hash expected = vpr_beacon_reveal(&before, &x);
    struct vpr_hash beacon = vpr_beacon_get(&w->ctx);
    ck_assert(vpr_hash_equal(&beacon, &expected));
    ck_assert(vpr_validator_beacon_end(&w->ctx, &proposer, &now));
    ck_assert(vpr_hash_equal(&now, &x));
    ck_assert_str_eq(world_event(w, "beacon", "revealed"), "true");
    world_destroy(w);
}
END_TEST

START_TEST(a_silent_proposer_is_mixed_in_and_loses_nothing)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_hash before = vpr_beacon_genesis(vpr_bytes_str(WORLD_CHAIN_ID));
    struct vpr_hash end = world_beacon_end("validator2"), now;
    struct vpr_address proposer = world_consensus("validator2");
    w->proposer = "validator2";
    w->silent = true;
    world_block(w);
    struct vpr_hash expected = vpr_beacon_skip(&before, &proposer);
    struct vpr_hash beacon = vpr_beacon_get(&w->ctx);
    ck_assert(vpr_hash_equal(&beacon, &expected));
    ck_assert(vpr_validator_beacon_end(&w->ctx, &proposer, &now));
    ck_assert(vpr_hash_equal(&now, &end));
    ck_assert_str_eq(world_event(w, "beacon", "revealed"), "false");
    world_destroy(w);
}
END_TEST

START_TEST(only_the_proposers_own_next_preimage_is_accepted)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_hash end = world_beacon_end("validator1"), x, older;
    ck_assert(world_beacon_reveal("validator1", &end, &x));
    ck_assert(world_beacon_reveal("validator1", &x, &older));
    w->ctx.height = 1;
    w->ctx.proposer = world_consensus("validator1");
    ck_assert(vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(NULL, 0)));
    ck_assert(vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(x.b, 32)));
    ck_assert(!vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(x.b, 31)));
    ck_assert(!vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(older.b, 32)));
    ck_assert(!vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(end.b, 32)));
    w->ctx.proposer = world_consensus("validator2");
    ck_assert(!vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(x.b, 32)));
    w->ctx.proposer = world_consensus("stranger");
    ck_assert(vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(NULL, 0)));
    ck_assert(!vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(x.b, 32)));
    world_destroy(w);
}
END_TEST

/* Who is no validator of any record still proposes: a skip with its address. */
START_TEST(an_unknown_proposer_is_a_skip)
{
    struct world *w = world_create(NULL, NULL);
    w->proposer = "stranger";
    world_block(w);
    struct vpr_hash before = vpr_beacon_genesis(vpr_bytes_str(WORLD_CHAIN_ID));
    struct vpr_address stranger = world_consensus("stranger");
    struct vpr_hash expected = vpr_beacon_skip(&before, &stranger);
    struct vpr_hash beacon = vpr_beacon_get(&w->ctx);
    ck_assert(vpr_hash_equal(&beacon, &expected));
    world_destroy(w);
}
END_TEST

/* A decided block with another x would make this node diverge: it halts. */
START_TEST(a_wrong_reveal_in_a_decided_block_halts)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_hash wrong = world_beacon_end("validator1");
    world_begin(w);
    w->ctx.reveal = vpr_bytes_of(wrong.b, sizeof wrong.b);
    vpr_beacon_step(&w->ctx);
}
END_TEST

START_TEST(the_beacon_query_answers_the_last_step)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryBeaconRequest request = VIPER__V1__QUERY_BEACON_REQUEST__INIT;
    enum vpr_code code;
    world_until(w, 3);
    struct vpr_hash beacon = vpr_beacon_get(&w->ctx);
    const Viper__V1__QueryBeaconResponse *r = (const Viper__V1__QueryBeaconResponse *)ask(
        w, "/viper.v1.Query/Beacon", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_uint_eq(r->height, 3);
    ck_assert_mem_eq(r->beacon.data, beacon.b, 32);
    world_destroy(w);
}
END_TEST

TCase *beacon_tests(void)
{
    TCase *t = tcase_create("beacon");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_reveal_moves_beacon_and_chain_end);
    tcase_add_test(t, a_silent_proposer_is_mixed_in_and_loses_nothing);
    tcase_add_test(t, only_the_proposers_own_next_preimage_is_accepted);
    tcase_add_test(t, an_unknown_proposer_is_a_skip);
    tcase_add_test_raise_signal(t, a_wrong_reveal_in_a_decided_block_halts, SIGABRT);
    tcase_add_test(t, the_beacon_query_answers_the_last_step);
    return t;
}
