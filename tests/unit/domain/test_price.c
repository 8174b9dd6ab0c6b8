#include "tests/unit/domain/act.h"

#include "app/base/bytes.h"

static void set_price(struct world *w, uint64_t session, uint64_t price)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE);
    uint8_t value[8];
    vpr_key_u64(&key, session);
    vpr_put_be64(value, price);
    vpr_state_put(&w->state, VPR_STORE_PRICE, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
}

START_TEST(genesis_sets_the_price)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 50000);
    world_until(w, 25);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 50000);
    world_destroy(w);
}
END_TEST

/* The running session's, the 23 before, and the pending one. */
START_TEST(a_stake_is_valued_at_the_lowest_price)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 301); /* session 30 runs */
    world_begin(w);
    ck_assert_uint_eq(vpr_session_number(&w->ctx), 30);
    set_price(w, 6, 100);
    set_price(w, 7, 60000);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 60000); /* session 6 is the 24th before */
    set_price(w, 8, 200);
    set_price(w, 9, 60000);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 200);
    set_price(w, 31, 150);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 150);
    set_price(w, 31, 70000);
    set_price(w, 32, 1);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 200);
    world_destroy(w);
}
END_TEST

static enum vpr_code vote(struct world *w, const char *name, uint64_t price)
{
    Viper__V1__MsgPrice *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgPrice);
    viper__v1__msg_price__init(m);
    m->operator_ = world_text(name);
    m->price_micro_usd = price;
    return act(w, name, &m->base);
}

static const Viper__V1__QueryPriceResponse *told(struct world *w)
{
    Viper__V1__QueryPriceRequest request = VIPER__V1__QUERY_PRICE_REQUEST__INIT;
    enum vpr_code code;
    const ProtobufCMessage *answer =
        ask(w, "/viper.v1.Query/Price", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    return (const Viper__V1__QueryPriceResponse *)(const void *)answer;
}

/* Votes of session 0 are counted when session 1 opens: pending there, in force in session 2. */
START_TEST(votes_make_the_next_price_but_one)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 4);
    ck_assert_int_eq(vote(w, "validator1", 51000), VPR_OK);
    ck_assert_int_eq(vote(w, "validator2", 52000), VPR_OK);
    ck_assert_int_eq(vote(w, "validator3", 53000), VPR_OK);
    ck_assert_uint_eq(told(w)->n_votes, 3);
    ck_assert_uint_eq(told(w)->voting_stake, 150000 * WORLD_VIPR);
    ck_assert_uint_eq(told(w)->set_stake, 200000 * WORLD_VIPR);
    ck_assert_uint_eq(told(w)->votes[0]->stake, 50000 * WORLD_VIPR);
    ck_assert_str_eq(told(w)->votes[0]->operator_, told(w)->votes[0]->validator);
    world_until(w, 10);
    ck_assert_uint_eq(told(w)->pending_micro_usd, 50000);
    world_block(w); /* 11, the first of session 1 */
    ck_assert_str_eq(world_event(w, "price", "median_micro_usd"), "52000");
    ck_assert_str_eq(world_event(w, "price", "session"), "2");
    ck_assert_uint_eq(told(w)->price_micro_usd, 50000);
    ck_assert_uint_eq(told(w)->pending_micro_usd, 52000);
    ck_assert_uint_eq(told(w)->newest_median_micro_usd, 52000);
    ck_assert_uint_eq(told(w)->n_votes, 0);
    world_until(w, 21);
    ck_assert_ptr_null(world_event(w, "price", "session")); /* nobody voted in session 1 */
    ck_assert_uint_eq(told(w)->price_micro_usd, 52000);
    ck_assert_uint_eq(told(w)->pending_micro_usd, 52000);
    ck_assert_uint_eq(told(w)->n_history, 2);
    world_destroy(w);
}
END_TEST

START_TEST(votes_of_less_than_two_thirds_leave_the_price)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(vote(w, "validator1", 51000), VPR_OK);
    ck_assert_int_eq(vote(w, "validator2", 52000), VPR_OK);
    world_until(w, 11);
    ck_assert_ptr_null(world_event(w, "price", "session"));
    ck_assert_uint_eq(told(w)->pending_micro_usd, 50000);
    ck_assert_uint_eq(told(w)->newest_median_micro_usd, 0);
    world_until(w, 31);
    ck_assert_uint_eq(told(w)->price_micro_usd, 50000);
    world_destroy(w);
}
END_TEST

/* The step is a tenth of the price that was pending; the median itself bounds new stakes. */
START_TEST(a_fall_is_clamped_but_bounds_new_stakes_at_once)
{
    struct world *w = world_create(NULL, NULL);
    for (uint64_t session = 0; session < 3; session++) {
        world_until(w, session * 10 + 1);
        ck_assert_int_eq(vote(w, "validator1", 10), VPR_OK);
        ck_assert_int_eq(vote(w, "validator2", 10), VPR_OK);
        ck_assert_int_eq(vote(w, "validator4", 90000), VPR_OK);
        ck_assert_int_eq(vote(w, "validator4", 80000), VPR_OK); /* replaces */
        world_block(w);
    }
    ck_assert_uint_eq(told(w)->price_micro_usd, 45000);   /* 50000 x 9 / 10 */
    ck_assert_uint_eq(told(w)->pending_micro_usd, 40500);
    ck_assert_uint_eq(told(w)->newest_median_micro_usd, 10);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 10);
    world_destroy(w);
}
END_TEST

static const Viper__V1__QueryRequestorResponse *requestor(struct world *w, const char *name)
{
    Viper__V1__QueryRequestorRequest request = VIPER__V1__QUERY_REQUESTOR_REQUEST__INIT;
    request.id = world_text(name);
    return (const Viper__V1__QueryRequestorResponse *)ask_ok(w, "/viper.v1.Query/Requestor",
                                                             &request.base);
}

/* The stake was worth what it was worth; only a new one is valued at the price of today. */
START_TEST(later_prices_change_nothing_for_a_stake)
{
    struct world *w = world_create(NULL, NULL);
    for (uint64_t session = 0; session < 2; session++) {
        world_until(w, session * 10 + 1);
        ck_assert_int_eq(vote(w, "validator1", 40000), VPR_OK);
        ck_assert_int_eq(vote(w, "validator2", 40000), VPR_OK);
        ck_assert_int_eq(vote(w, "validator3", 40000), VPR_OK);
    }
    Viper__V1__MsgStakeRequestor *m = new_requestor(w, "carol");
    m->amount = actor_of(w, "requestor1")->stake;
    act_ok(w, "alice", &m->base);
    world_until(w, 31);
    ck_assert_uint_eq(told(w)->price_micro_usd, 40500);
    for (uint64_t session = 0; session < 4; session++) {
        ck_assert_uint_eq(terms_of(w, "requestor1", session)->usd, UINT64_C(50000000000));
    }
    const Viper__V1__QueryRequestorResponse *r = requestor(w, "requestor1");
    ck_assert_uint_eq(r->session, 3);
    ck_assert_uint_eq(r->usd, UINT64_C(50000000000));
    ck_assert_uint_eq(r->allowance_cu, 500000);
    ck_assert_uint_eq(r->pairs[0]->quota_cu, 50000);
    r = requestor(w, "carol");
    ck_assert_uint_eq(r->usd, UINT64_C(40000000000));
    ck_assert_uint_eq(r->allowance_cu, 400000);
    world_destroy(w);
}
END_TEST

/* The vote of one that has left the set by the end of the session is not counted. */
START_TEST(only_the_set_as_the_session_left_it_votes)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(vote(w, "validator1", 51000), VPR_OK);
    ck_assert_int_eq(vote(w, "validator2", 52000), VPR_OK);
    ck_assert_int_eq(vote(w, "validator3", 60000), VPR_OK);
    world_block(w);
    ck_assert_int_eq(pause_(w, "validator3", "validator3"), VPR_OK);
    world_until(w, 11); /* two of the three that are left: exactly 2/3 */
    ck_assert_str_eq(world_event(w, "price", "median_micro_usd"), "51000");
    ck_assert_uint_eq(told(w)->pending_micro_usd, 51000);
    world_destroy(w);
}
END_TEST

START_TEST(others_have_no_vote)
{
    struct world *w = world_create(NULL, NULL);
    world_begin(w);
    ck_assert_int_eq(vote(w, "servicer1", 51000), VPR_NOT_STAKED);
    ck_assert_int_eq(vote(w, "alice", 51000), VPR_NOT_STAKED);
    ck_assert_int_eq(vote(w, "validator1.owner", 51000), VPR_NOT_STAKED);
    ck_assert_int_eq(vote(w, "validator1", 0), VPR_BAD_FIELD);
    ck_assert_int_eq(vote(w, "validator1", (UINT64_C(1) << 62) + 1), VPR_BAD_FIELD);
    ck_assert_uint_eq(told(w)->n_votes, 0);
    world_destroy(w);
}
END_TEST

/* One price a session, and of those no stake reads any more the newest. */
START_TEST(old_prices_are_cut)
{
    struct world *w = world_create(NULL, NULL);
    for (uint64_t session = 0; session < 30; session++) {
        world_until(w, session * 10 + 1);
        ck_assert_int_eq(vote(w, "validator1", 50000 + session), VPR_OK);
        ck_assert_int_eq(vote(w, "validator2", 50000 + session), VPR_OK);
        ck_assert_int_eq(vote(w, "validator3", 50000 + session), VPR_OK);
        world_block(w);
    }
    world_until(w, 301); /* session 30 runs, 31 is pending */
    const Viper__V1__QueryPriceResponse *answer = told(w);
    ck_assert_uint_eq(answer->n_history, 25); /* 7 to 31 */
    ck_assert_uint_eq(answer->history[0]->session, 7);
    ck_assert_uint_eq(answer->history[24]->session, 31);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 50000 + 7 - 2);
    world_destroy(w);
}
END_TEST

static void for_nothing(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->price_micro_usd = 0;
}

static void too_dear(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->price_micro_usd = (UINT64_C(1) << 62) + 1;
}

START_TEST(genesis_without_a_price_is_refused)
{
    genesis_refused(for_nothing, VPR_BAD_FIELD);
    genesis_refused(too_dear, VPR_BAD_FIELD);
}
END_TEST

TCase *price_tests(void)
{
    TCase *t = tcase_create("price");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, genesis_sets_the_price);
    tcase_add_test(t, a_stake_is_valued_at_the_lowest_price);
    tcase_add_test(t, genesis_without_a_price_is_refused);
    tcase_add_test(t, votes_make_the_next_price_but_one);
    tcase_add_test(t, votes_of_less_than_two_thirds_leave_the_price);
    tcase_add_test(t, a_fall_is_clamped_but_bounds_new_stakes_at_once);
    tcase_add_test(t, later_prices_change_nothing_for_a_stake);
    tcase_add_test(t, only_the_set_as_the_session_left_it_votes);
    tcase_add_test(t, others_have_no_vote);
    tcase_add_test(t, old_prices_are_cut);
    return t;
}
