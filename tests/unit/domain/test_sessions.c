#include "tests/unit/domain/act.h"

/* Session 0 opens at the initial height with the beacon of the chain-id as its seed. */
START_TEST(session_0_begins_at_the_initial_height)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_session s = vpr_session_current(&w->ctx);
    struct vpr_hash seed = vpr_beacon_genesis(vpr_bytes_str(WORLD_CHAIN_ID));
    ck_assert_uint_eq(s.number, 0);
    ck_assert_uint_eq(s.first, 1);
    ck_assert_uint_eq(s.last, 10);
    ck_assert(vpr_hash_equal(&s.seed, &seed));
    ck_assert(!s.has_challenge);
    ck_assert_uint_eq(vpr_session_counts_from(&w->ctx), 0);
    world_destroy(w);
}
END_TEST

/* The next one opens in the block after last, seeded by the beacon that block 10 left. */
START_TEST(a_session_is_seeded_by_the_block_before_it)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 10);
    struct vpr_hash before = vpr_beacon_get(&w->ctx);
    ck_assert_uint_eq(vpr_session_number(&w->ctx), 0);
    world_begin(w);
    struct vpr_session s = vpr_session_current(&w->ctx);
    struct vpr_hash after = vpr_beacon_get(&w->ctx);
    ck_assert_uint_eq(s.number, 1);
    ck_assert_uint_eq(s.first, 11);
    ck_assert_uint_eq(s.last, 20);
    ck_assert(vpr_hash_equal(&s.seed, &before));
    ck_assert(!vpr_hash_equal(&s.seed, &after));
    ck_assert(vpr_session_opens_now(&w->ctx));
    ck_assert_str_eq(world_event(w, "session", "session"), "1");
    ck_assert_str_eq(world_event(w, "session", "first"), "11");
    world_block(w);
    world_begin(w);
    ck_assert(!vpr_session_opens_now(&w->ctx));
    world_destroy(w);
}
END_TEST

/* freeze_blocks is 4 and session 1 begins at 11: block 7 still counts from it. */
START_TEST(a_change_counts_from_the_next_session_until_the_freeze)
{
    struct world *w = world_create(NULL, NULL);
    for (uint64_t height = 1; height <= 20; height++) {
        uint64_t session = height <= 10 ? 0 : 1;
        bool early = height <= 7 || (height >= 11 && height <= 17);
        world_begin(w);
        ck_assert_uint_eq(w->ctx.height, height);
        ck_assert_uint_eq(vpr_session_counts_from(&w->ctx), session + (early ? 1 : 2));
        world_block(w);
    }
    world_destroy(w);
}
END_TEST

/* A pending version is overwritten, an older session keeps reading the older one. */
START_TEST(versions_are_read_by_session)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 6);
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "servicer1");
    m->n_chains = 1;
    act_ok(w, "servicer1", &m->base); /* block 7: session 1 */
    ck_assert_uint_eq(terms_of(w, "servicer1", 0)->n_chains, 2);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->n_chains, 1);
    world_block(w);
    m->chains[0] = 2;
    act_ok(w, "servicer1", &m->base); /* block 8: session 2 */
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->chains[0], 1);
    ck_assert_uint_eq(terms_of(w, "servicer1", 2)->chains[0], 2);
    m->n_chains = 2;
    m->chains[0] = 1;
    act_ok(w, "servicer1", &m->base);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->n_chains, 1);
    ck_assert_uint_eq(terms_of(w, "servicer1", 2)->n_chains, 2);
    ck_assert_uint_eq(terms_of(w, "servicer1", 99)->n_chains, 2);
    world_destroy(w);
}
END_TEST

/* Once session 0 is settled nobody reads what counted before session 1: it is cut when the
 * next session opens. */
START_TEST(old_versions_are_cut)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "servicer1");
    m->n_chains = 1;
    act_ok(w, "servicer1", &m->base);
    world_until(w, 40);
    ck_assert_ptr_nonnull(terms_of(w, "servicer1", 0));
    ck_assert_uint_ge(vpr_session_oldest_unsettled(&w->ctx), 1);
    world_until(w, 41);
    ck_assert_ptr_null(terms_of(w, "servicer1", 0));
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->n_chains, 1);
    ck_assert_ptr_nonnull(terms_of(w, "servicer2", 0)); /* its only version */
    world_destroy(w);
}
END_TEST

/* The step has no event, so the steps of the first block of session 4 are taken one by one. */
START_TEST(versions_are_cut_behind_the_presence_of_fishermen)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "servicer1");
    const char *before = "", *name = "";
    m->n_chains = 1;
    act_ok(w, "servicer1", &m->base);
    world_until(w, 40);
    w->ctx.height++;
    for (size_t i = 0; i < vpr_steps_before_count && strcmp(name, "beacon") != 0; i++) {
        bool there = terms_of(w, "servicer1", 0) != NULL;
        before = name;
        name = vpr_steps_before[i].name;
        vpr_steps_before[i].run(&w->ctx);
        if (there && terms_of(w, "servicer1", 0) == NULL) {
            break;
        }
    }
    ck_assert_str_eq(before, "presence");
    ck_assert_str_eq(name, "cut");
    world_destroy(w);
}
END_TEST

/* first(2) = 21, challenge_delay = 2: drawn by block 22, to be used from block 23. */
START_TEST(the_challenge_is_the_beacon_of_its_block)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_session s;
    world_until(w, 21);
    ck_assert(vpr_session_get(&w->ctx, 0, &s));
    ck_assert(!s.has_challenge);
    world_until(w, 22);
    struct vpr_hash beacon = vpr_beacon_get(&w->ctx);
    ck_assert(vpr_session_get(&w->ctx, 0, &s));
    ck_assert(s.has_challenge);
    ck_assert(vpr_hash_equal(&s.challenge, &beacon));
    ck_assert_str_eq(world_event(w, "challenge", "session"), "0");
    ck_assert(vpr_session_get(&w->ctx, 1, &s));
    ck_assert(!s.has_challenge);
    world_until(w, 23);
    ck_assert(vpr_session_get(&w->ctx, 0, &s));
    ck_assert(vpr_hash_equal(&s.challenge, &beacon));
    world_destroy(w);
}
END_TEST

/* Without any entry session 0 is settled when session 3 opens, and its record goes. */
START_TEST(settled_sessions_leave_no_record)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_session s;
    world_until(w, 30);
    ck_assert(vpr_session_get(&w->ctx, 0, &s));
    world_until(w, 31);
    ck_assert(!vpr_session_get(&w->ctx, 0, &s));
    ck_assert(vpr_session_get(&w->ctx, 1, &s));
    ck_assert_uint_eq(vpr_session_oldest_unsettled(&w->ctx), 1);
    world_destroy(w);
}
END_TEST

static void fourteen_blocks(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->session_blocks = 14;
}

START_TEST(a_session_is_as_long_as_its_parameter)
{
    struct world *w = world_create(fourteen_blocks, NULL);
    world_until(w, 15);
    struct vpr_session s = vpr_session_current(&w->ctx);
    ck_assert_uint_eq(s.first, 15);
    ck_assert_uint_eq(s.last, 28);
    ck_assert_uint_eq(vpr_session_blocks(&s), 14);
    world_destroy(w);
}
END_TEST

/* New parameters change the length of the session that opens, not of the one that runs. */
START_TEST(length_is_read_when_a_session_opens)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_params params;
    world_begin(w);
    vpr_params_get(&w->ctx, &params, 0);
    params.v[VPR_P_session_blocks] = 20;
    vpr_params_put(&w->ctx, &params, 2);
    world_until(w, 21);
    struct vpr_session s = vpr_session_current(&w->ctx);
    ck_assert_uint_eq(s.number, 2);
    ck_assert_uint_eq(s.last, 40);
    world_destroy(w);
}
END_TEST

START_TEST(the_chain_query_says_what_daemons_poll)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryChainRequest request = VIPER__V1__QUERY_CHAIN_REQUEST__INIT;
    enum vpr_code code;
    world_until(w, 12);
    struct vpr_session s = vpr_session_current(&w->ctx);
    const Viper__V1__QueryChainResponse *r = (const Viper__V1__QueryChainResponse *)ask(
        w, "/viper.v1.Query/Chain", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_str_eq(r->chain_id, WORLD_CHAIN_ID);
    ck_assert_uint_eq(r->height, 12);
    ck_assert_int_eq(r->time_s, WORLD_TIME_S + 12);
    ck_assert_uint_eq(r->session, 1);
    ck_assert_uint_eq(r->first, 11);
    ck_assert_uint_eq(r->last, 20);
    ck_assert_mem_eq(r->seed.data, s.seed.b, 32);
    ck_assert_uint_eq(r->params->session_blocks, 10);
    ck_assert_uint_eq(r->oldest_unsettled, 0);
    ck_assert_mem_eq(r->app_hash.data, w->app_hash.b, 32);
    world_destroy(w);
}
END_TEST

START_TEST(parameters_are_asked_by_session)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryParamsRequest request = VIPER__V1__QUERY_PARAMS_REQUEST__INIT;
    struct vpr_params params;
    enum vpr_code code;
    world_begin(w);
    vpr_params_get(&w->ctx, &params, 0);
    params.v[VPR_P_min_quota] = 777;
    vpr_params_put(&w->ctx, &params, 2);
    world_block(w);
    request.session = 1;
    const Viper__V1__QueryParamsResponse *r = (const Viper__V1__QueryParamsResponse *)ask(
        w, "/viper.v1.Query/Params", &request.base, &code);
    ck_assert_uint_eq(r->params->min_quota, 500);
    request.session = 2;
    r = (const Viper__V1__QueryParamsResponse *)ask(w, "/viper.v1.Query/Params", &request.base,
                                                    &code);
    ck_assert_uint_eq(r->params->min_quota, 777);
    request.session = 3;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Params", &request.base, &code));
    ck_assert_int_eq(code, VPR_NO_SESSION);
    request.current = true;
    r = (const Viper__V1__QueryParamsResponse *)ask(w, "/viper.v1.Query/Params", &request.base,
                                                    &code);
    ck_assert_uint_eq(r->params->min_quota, 500);
    world_until(w, 31); /* session 0 is settled, 3 runs */
    request.current = false;
    request.session = 0;
    r = (const Viper__V1__QueryParamsResponse *)ask(w, "/viper.v1.Query/Params", &request.base,
                                                    &code);
    ck_assert_uint_eq(r->params->min_quota, 777);
    world_destroy(w);
}
END_TEST

START_TEST(sessions_are_asked_by_number)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QuerySessionRequest request = VIPER__V1__QUERY_SESSION_REQUEST__INIT;
    enum vpr_code code;
    world_until(w, 22);
    const Viper__V1__QuerySessionResponse *r = (const Viper__V1__QuerySessionResponse *)ask(
        w, "/viper.v1.Query/Session", &request.base, &code);
    ck_assert_uint_eq(r->session->first, 1);
    ck_assert_uint_eq(r->session->challenge.len, 32);
    request.session = 3;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Session", &request.base, &code));
    ck_assert_int_eq(code, VPR_NO_SESSION);
    world_destroy(w);
}
END_TEST

TCase *sessions_tests(void)
{
    TCase *t = tcase_create("sessions");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, session_0_begins_at_the_initial_height);
    tcase_add_test(t, a_session_is_seeded_by_the_block_before_it);
    tcase_add_test(t, a_change_counts_from_the_next_session_until_the_freeze);
    tcase_add_test(t, versions_are_read_by_session);
    tcase_add_test(t, old_versions_are_cut);
    tcase_add_test(t, versions_are_cut_behind_the_presence_of_fishermen);
    tcase_add_test(t, the_challenge_is_the_beacon_of_its_block);
    tcase_add_test(t, settled_sessions_leave_no_record);
    tcase_add_test(t, a_session_is_as_long_as_its_parameter);
    tcase_add_test(t, length_is_read_when_a_session_opens);
    tcase_add_test(t, the_chain_query_says_what_daemons_poll);
    tcase_add_test(t, parameters_are_asked_by_session);
    tcase_add_test(t, sessions_are_asked_by_number);
    return t;
}
