#include "tests/unit/domain/act.h"

START_TEST(pairs_ascend_and_share_the_whole)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeRequestor *m = new_requestor(w, "carol");
    m->amount = 50000 * WORLD_VIPR;
    m->n_pairs = 0;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_pairs = 17;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_pairs = 1;
    m->pairs[0]->share_ppm = 999999;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_pairs = 2;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD); /* the second has no share */
    m->pairs[1]->share_ppm = 1;
    m->pairs[1]->chain = 1;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD); /* occurs twice */
    m->pairs[1]->chain = 0;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD); /* descends */
    m->pairs[1]->chain = 65536;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->pairs[1]->chain = 9;
    m->pairs[1]->share_ppm = 500000;
    m->pairs[0]->share_ppm = 500000;
    act_refused(w, "alice", &m->base, VPR_NO_CHAIN);
    m->pairs[1]->chain = 2;
    m->pairs[1]->zone = 5;
    act_refused(w, "alice", &m->base, VPR_NO_ZONE);
    m->n_pairs = 1;
    m->pairs[0]->share_ppm = 1000000;
    act_ok(w, "alice", &m->base);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(gateway_keys_and_bounds_are_checked)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeRequestor *m = new_requestor(w, "carol");
    ProtobufCBinaryData key = m->gateway_keys[0];
    m->num_servicers = 2;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->num_servicers = 25;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->num_servicers = 3;
    m->n_gateway_keys = 0;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_gateway_keys = 2;
    m->gateway_keys[1] = key;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD); /* twice the same */
    m->gateway_keys[1].len = 5;
    act_refused(w, "alice", &m->base, VPR_BAD_KEY);
    m->n_gateway_keys = 9;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_gateway_keys = 1;
    m->shadow_url = vpr_arena_text(&w->node, "shadow");
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->shadow_url = vpr_arena_text(&w->node, "%s", ""); /* grants no audits */
    act_ok(w, "alice", &m->base);
    ck_assert_str_eq(actor_of(w, "carol")->url, "");
    world_block(w);
    world_destroy(w);
}
END_TEST

/* 5,000 VIPR are worth 250 USD here: 2,500 CU a session of 10 blocks, 833 for each of three. */
START_TEST(a_quota_below_the_minimum_is_refused)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeRequestor *m = new_requestor(w, "carol");
    m->amount = 5000 * WORLD_VIPR - 1;
    act_refused(w, "alice", &m->base, VPR_STAKE_TOO_LOW);
    m->amount = 5000 * WORLD_VIPR;
    m->num_servicers = 6; /* 416 CU */
    act_refused(w, "alice", &m->base, VPR_QUOTA_TOO_LOW);
    m->num_servicers = 5; /* 500 CU */
    act_ok(w, "alice", &m->base);
    ck_assert_uint_eq(actor_of(w, "carol")->usd, 250000000);
    ck_assert_uint_eq(terms_of(w, "carol", 1)->usd, 250000000);
    /* A third of the share gives a third of the quota. */
    m = new_requestor(w, "dave");
    m->n_pairs = 2;
    m->pairs[0]->share_ppm = 666667;
    m->pairs[1]->share_ppm = 333333;
    act_refused(w, "alice", &m->base, VPR_QUOTA_TOO_LOW);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* The check reads parameters and length of the session the stake counts from. */
START_TEST(the_quota_is_that_of_the_session_it_counts_from)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_params params;
    world_until(w, 7);
    world_begin(w); /* block 8: a stake counts from session 2 */
    vpr_params_get(&w->ctx, &params, 0);
    params.v[VPR_P_session_blocks] = 20;
    vpr_params_put(&w->ctx, &params, 2);
    Viper__V1__MsgStakeRequestor *m = new_requestor(w, "carol");
    m->num_servicers = 6; /* 833 CU with 20 blocks */
    act_ok(w, "alice", &m->base);
    params.v[VPR_P_min_quota] = 900;
    vpr_params_put(&w->ctx, &params, 2);
    m = new_requestor(w, "dave");
    m->num_servicers = 6;
    act_refused(w, "alice", &m->base, VPR_QUOTA_TOO_LOW);
    world_destroy(w);
}
END_TEST

START_TEST(the_operator_edits_all_but_the_number_of_servicers)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgEditRequestor *m = edit_requestor(w, "requestor1", "alice");
    act_refused(w, "alice", &m->base, VPR_DENIED);
    m = edit_requestor(w, "requestor1", "requestor1");
    struct vpr_hash key = world_ed25519("new gateway");
    m->gateway_keys[0] = vpr_field_of_hash(&w->node, &key);
    m->pairs[0]->share_ppm = 250000;
    m->pairs[1]->share_ppm = 750000;
    m->shadow_url = vpr_arena_text(&w->node, "http://elsewhere.example:8482");
    act_ok(w, "requestor1", &m->base);
    ck_assert_str_eq(actor_of(w, "requestor1")->url, "http://elsewhere.example:8482");
    ck_assert_uint_eq(terms_of(w, "requestor1", 0)->pairs[0]->share_ppm, 500000);
    ck_assert_uint_eq(terms_of(w, "requestor1", 1)->pairs[0]->share_ppm, 250000);
    ck_assert_mem_eq(terms_of(w, "requestor1", 1)->gateway_keys[0].data, key.b, 32);
    m->num_servicers = 4;
    act_refused(w, "requestor1", &m->base, VPR_DENIED);
    m->signer = world_text("requestor1.owner");
    act_ok(w, "requestor1.owner", &m->base);
    ck_assert_uint_eq(terms_of(w, "requestor1", 0)->num_servicers, 5);
    ck_assert_uint_eq(terms_of(w, "requestor1", 1)->num_servicers, 4);
    ck_assert_uint_eq(terms_of(w, "requestor1", 1)->usd, UINT64_C(50000000000));
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(an_edit_below_the_minimum_changes_nothing)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeRequestor *stake = new_requestor(w, "carol");
    act_ok(w, "alice", &stake->base);
    Viper__V1__MsgEditRequestor *m = edit_requestor(w, "carol", "alice");
    m->n_pairs = 1;
    m->pairs[0]->share_ppm = 1000000;
    m->num_servicers = 6;
    m->shadow_url = vpr_arena_text(&w->node, "http://elsewhere.example");
    act_refused(w, "alice", &m->base, VPR_QUOTA_TOO_LOW);
    ck_assert_str_eq(actor_of(w, "carol")->url, "http://[::1]:8482/shadow");
    ck_assert_uint_eq(terms_of(w, "carol", 1)->num_servicers, 3);
    world_destroy(w);
}
END_TEST

/* The figures of docs/protocol.md, 14: 500,000 CU, 1,000 VIPR, 50,000 CU a pair and servicer. */
START_TEST(the_requestor_query_has_the_figures_of_the_local_genesis)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryRequestorRequest request = VIPER__V1__QUERY_REQUESTOR_REQUEST__INIT;
    struct vpr_address id = world_address("requestor1");
    enum vpr_code code;
    world_until(w, 11);
    request.id = world_text("requestor1");
    const Viper__V1__QueryRequestorResponse *r = (const Viper__V1__QueryRequestorResponse *)ask(
        w, "/viper.v1.Query/Requestor", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert(r->eligible);
    ck_assert_uint_eq(r->session, 1);
    ck_assert_uint_eq(r->usd, UINT64_C(50000000000));
    ck_assert_uint_eq(r->allowance_cu, 500000);
    ck_assert_uint_eq(r->budget_uvipr, 1000 * WORLD_VIPR);
    ck_assert_uint_eq(r->num_servicers, 5);
    ck_assert_uint_eq(r->n_gateway_keys, 1);
    ck_assert_uint_eq(r->n_pairs, 2);
    for (uint16_t i = 0; i < 2; i++) {
        struct vpr_hash sid =
            vpr_sid(vpr_bytes_str(WORLD_CHAIN_ID), 1, &id, (uint16_t)(i + 1), 1);
        ck_assert_uint_eq(r->pairs[i]->quota_cu, 50000);
        ck_assert_mem_eq(r->pairs[i]->sid.data, sid.b, 32);
    }
    request.session = 2; /* not open yet: nobody is drawn */
    r = (const Viper__V1__QueryRequestorResponse *)ask(w, "/viper.v1.Query/Requestor",
                                                       &request.base, &code);
    ck_assert_uint_eq(r->allowance_cu, 500000);
    ck_assert_uint_eq(r->pairs[0]->quota_cu, 0);
    request.id = world_text("servicer1");
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Requestor", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    world_destroy(w);
}
END_TEST

static void requestor_of_little(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->requestors[0]->amount = 5000 * WORLD_VIPR;
}

START_TEST(genesis_with_a_bad_requestor_is_refused)
{
    genesis_refused(requestor_of_little, VPR_QUOTA_TOO_LOW);
}
END_TEST

TCase *requestors_tests(void)
{
    TCase *t = tcase_create("requestors");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, pairs_ascend_and_share_the_whole);
    tcase_add_test(t, gateway_keys_and_bounds_are_checked);
    tcase_add_test(t, a_quota_below_the_minimum_is_refused);
    tcase_add_test(t, the_quota_is_that_of_the_session_it_counts_from);
    tcase_add_test(t, the_operator_edits_all_but_the_number_of_servicers);
    tcase_add_test(t, an_edit_below_the_minimum_changes_nothing);
    tcase_add_test(t, the_requestor_query_has_the_figures_of_the_local_genesis);
    tcase_add_test(t, genesis_with_a_bad_requestor_is_refused);
    return t;
}
