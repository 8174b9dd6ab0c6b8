#include "tests/unit/domain/act.h"

static void one_chain_and_zone_asleep(Viper__V1__GenesisState *genesis, void *arg)
{
    static Viper__V1__GenesisZone *zones[2];
    static Viper__V1__GenesisZone asleep;
    (void)arg;
    viper__v1__genesis_zone__init(&asleep);
    asleep.id = 2;
    asleep.name = (char *)(uintptr_t)"asleep";
    asleep.multiplier_ppm = 1000000;
    zones[0] = genesis->zones[0];
    zones[1] = &asleep;
    genesis->zones = zones;
    genesis->n_zones = 2;
    genesis->n_servicers = 0;
    genesis->n_fishermen = 0;
    genesis->n_requestors = 0;
    genesis->chains[1]->active = false;
}

START_TEST(chains_ascend_and_are_1_to_15)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeServicer *m = new_servicer(w, "carol");
    uint32_t chains[16];
    m->n_chains = 0;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    for (uint32_t i = 0; i < 16; i++) {
        chains[i] = i + 1;
    }
    m->chains = chains;
    m->n_chains = 16;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_chains = 15;
    act_refused(w, "alice", &m->base, VPR_NO_CHAIN); /* of them 3 is the first unknown */
    m->n_chains = 2;
    chains[1] = 1;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    chains[0] = 2;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    chains[1] = 65536;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    chains[0] = 1;
    chains[1] = 2;
    m->zone = 65536;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    uint64_t amount = m->amount;
    m->zone = 7;
    m->amount = 1; /* places come first, then the commission, then the stake */
    m->commission_ppm = 200001;
    act_refused(w, "alice", &m->base, VPR_NO_ZONE);
    m->zone = 1;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->commission_ppm = 0;
    act_refused(w, "alice", &m->base, VPR_STAKE_TOO_LOW);
    m->amount = amount;
    act_ok(w, "alice", &m->base);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(inactive_chains_and_zones_take_nobody)
{
    struct world *w = world_create(one_chain_and_zone_asleep, NULL);
    Viper__V1__MsgStakeServicer *m = new_servicer(w, "carol");
    act_refused(w, "alice", &m->base, VPR_NO_CHAIN);
    ck_assert_str_eq(w->err.text, "chain 0002 is inactive in session 1");
    m->n_chains = 1;
    m->zone = 2;
    act_refused(w, "alice", &m->base, VPR_NO_ZONE);
    m->zone = 1;
    act_ok(w, "alice", &m->base);
    world_destroy(w);
}
END_TEST

START_TEST(urls_have_a_scheme_a_host_and_perhaps_a_port)
{
    static const char *const good[] = {
        "http://a",           "https://relay.example:443",
        "http://127.0.0.1:1", "https://[2001:db8::1]:8500",
        "http://x-y.z:65535",
    };
    static const char *const bad[] = {
        "", "http://", "relay.example:80", "ftp://relay.example", "http://relay.example/",
        "http://relay.example:", "http://relay.example:0", "http://relay.example:65536",
        "http://relay.example:80/x", "http://user@relay.example", "http://relay example",
        "http://[::1", "http://[]:80", "HTTP://relay.example", "http://relay.example:000080x",
    };
    struct vpr_err err;
    for (size_t i = 0; i < VPR_COUNT(good); i++) {
        ck_assert_int_eq(vpr_check_url(good[i], false, "url", &err), VPR_OK);
        ck_assert_int_eq(vpr_check_url(good[i], true, "url", &err), VPR_OK);
    }
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        ck_assert_msg(vpr_check_url(bad[i], false, "url", &err) == VPR_BAD_FIELD, "%s", bad[i]);
    }
    ck_assert_int_eq(vpr_check_url("http://relay.example:80/x/y", true, "url", &err), VPR_OK);
    ck_assert_int_eq(vpr_check_url("http://relay.example/x?y", true, "url", &err),
                     VPR_BAD_FIELD);
    ck_assert_int_eq(vpr_check_url("http://relay.example/x y", true, "url", &err),
                     VPR_BAD_FIELD);
    char longest[260] = "http://";
    memset(longest + 7, 'a', 248);
    ck_assert_int_eq(vpr_check_url(longest, false, "url", &err), VPR_OK);
    longest[255] = 'a';
    ck_assert_int_eq(vpr_check_url(longest, false, "url", &err), VPR_BAD_FIELD);
}
END_TEST

START_TEST(a_relay_key_must_verify_signatures)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeServicer *m = new_servicer(w, "carol");
    ProtobufCBinaryData good = m->relay_key;
    struct vpr_hash zero = {{0}};
    m->relay_key.len = 31;
    act_refused(w, "alice", &m->base, VPR_BAD_KEY);
    m->relay_key = (ProtobufCBinaryData){32, zero.b};
    act_refused(w, "alice", &m->base, VPR_BAD_KEY);
    m->relay_key = good;
    m->url = vpr_arena_text(&w->node, "http://relay.example/");
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    world_destroy(w);
}
END_TEST

/* The URL moves at once, key, zone and chains with the next session. */
START_TEST(an_edit_by_the_operator_counts_later_but_for_the_url)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "alice");
    act_refused(w, "alice", &m->base, VPR_DENIED);
    m = edit_servicer(w, "servicer1", "servicer1");
    struct vpr_hash key = world_ed25519("another key");
    m->url = vpr_arena_text(&w->node, "https://moved.example:8500");
    m->relay_key = vpr_field_of_hash(&w->node, &key);
    m->n_chains = 1;
    act_ok(w, "servicer1", &m->base);
    ck_assert_str_eq(actor_of(w, "servicer1")->url, "https://moved.example:8500");
    ck_assert(memcmp(terms_of(w, "servicer1", 0)->relay_key.data, key.b, 32) != 0);
    ck_assert_mem_eq(terms_of(w, "servicer1", 1)->relay_key.data, key.b, 32);
    ck_assert_uint_eq(terms_of(w, "servicer1", 0)->n_chains, 2);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->n_chains, 1);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->stake, 15000 * WORLD_VIPR);
    ck_assert_str_eq(world_event(w, "edit", "url"), "https://moved.example:8500");
    m->servicer = world_text("fisherman1");
    act_refused(w, "servicer1", &m->base, VPR_NOT_STAKED);
    m->servicer = world_text("servicer1");
    m->chains[0] = 9;
    act_refused(w, "servicer1", &m->base, VPR_NO_CHAIN);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* An edit that changes only the URL makes no version. */
START_TEST(the_same_terms_again_are_no_new_version)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "servicer1");
    m->url = vpr_arena_text(&w->node, "http://moved.example");
    act_ok(w, "servicer1", &m->base);
    ck_assert_uint_eq(vpr_terms_newest_from(&w->ctx, &id), 0);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(the_servicer_query_reads_a_session)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    Viper__V1__QueryServicerRequest request = VIPER__V1__QUERY_SERVICER_REQUEST__INIT;
    enum vpr_code code;
    world_begin(w);
    vpr_score_put(&w->ctx, &id, 2, 1, 450000);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_OK);
    world_block(w);
    request.id = world_text("servicer1");
    const Viper__V1__QueryServicerResponse *r = (const Viper__V1__QueryServicerResponse *)ask(
        w, "/viper.v1.Query/Servicer", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert(r->eligible);
    ck_assert_int_eq(r->actor->status, VIPER__V1__STATUS__STATUS_PAUSED);
    ck_assert_str_eq(r->actor->owner, world_text("servicer1.owner"));
    ck_assert_str_eq(r->actor->url, "http://127.0.0.1:8501");
    ck_assert_uint_eq(r->n_scores, 2);
    ck_assert_uint_eq(r->scores[1]->score_ppm, 300000);
    request.session = 1;
    r = (const Viper__V1__QueryServicerResponse *)ask(w, "/viper.v1.Query/Servicer",
                                                      &request.base, &code);
    ck_assert(!r->eligible);
    ck_assert_uint_eq(r->scores[0]->score_ppm, 300000);
    ck_assert_uint_eq(r->scores[1]->chain, 2);
    ck_assert_uint_eq(r->scores[1]->score_ppm, 450000);
    request.session = 3;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Servicer", &request.base, &code));
    ck_assert_int_eq(code, VPR_NO_SESSION);
    request.id = world_text("fisherman1");
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Servicer", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    world_destroy(w);
}
END_TEST

static void same_operator_twice(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->servicers[1]->operator_ = genesis->servicers[0]->operator_;
}

static void servicer_without_funds(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->servicers[3]->amount = 16001 * WORLD_VIPR;
}

START_TEST(genesis_with_a_bad_servicer_is_refused)
{
    genesis_refused(same_operator_twice, VPR_STAKED);
    genesis_refused(servicer_without_funds, VPR_NO_FUNDS);
}
END_TEST

TCase *servicers_tests(void)
{
    TCase *t = tcase_create("servicers");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, chains_ascend_and_are_1_to_15);
    tcase_add_test(t, inactive_chains_and_zones_take_nobody);
    tcase_add_test(t, urls_have_a_scheme_a_host_and_perhaps_a_port);
    tcase_add_test(t, a_relay_key_must_verify_signatures);
    tcase_add_test(t, an_edit_by_the_operator_counts_later_but_for_the_url);
    tcase_add_test(t, the_same_terms_again_are_no_new_version);
    tcase_add_test(t, the_servicer_query_reads_a_session);
    tcase_add_test(t, genesis_with_a_bad_servicer_is_refused);
    return t;
}
