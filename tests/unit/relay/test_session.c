#include "tests/unit/relay/help.h"

struct world {
    struct vpr_work *work;
    struct vpr_sid_work *sid;
    struct vpr_lane *lane;
    struct keypair client;
    struct vpr_address servicer;
};

static const struct vpr_risk risk = VPR_RISK_DEFAULT;

static struct world world_with_quota(uint64_t quota_cu)
{
    const struct keypair gateway = keypair_of(1);
    struct world w = {.client = keypair_of(2)};
    const struct vpr_sid_info info = sid_info(1, quota_cu);

    w.work = vpr_work_create(5, 50, 59, 2, &risk);
    w.sid = vpr_work_add(w.work, &info);
    const struct vpr_token token = token_of(&info.sid, &w.client, &gateway);
    w.lane = vpr_sid_lane_add(w.sid, &token, 0);
    return w;
}

static int claim(struct world *w, uint64_t seq, uint64_t cum_cu, uint64_t cu)
{
    const struct vpr_signed_request request =
        request_of(&w->sid->info.sid, &w->servicer, &w->client, seq, cum_cu, cu);
    bool tail = false;

    return vpr_sid_claim(w->work, w->sid, w->lane, &request, &tail);
}

static int serve(struct world *w, uint64_t seq, uint64_t cum_cu, uint64_t cu)
{
    const struct vpr_signed_request request =
        request_of(&w->sid->info.sid, &w->servicer, &w->client, seq, cum_cu, cu);
    bool tail = false;
    const int reason = vpr_sid_claim(w->work, w->sid, w->lane, &request, &tail);

    if (reason == 0) {
        vpr_sid_answered(w->work, w->sid, w->lane, &request);
    }
    return reason;
}

START_TEST(session_is_open_from_before_its_first_block_to_the_end_of_grace)
{
    struct world w = world_with_quota(1000);

    ck_assert(!vpr_work_open(w.work, 48));
    ck_assert(vpr_work_open(w.work, 49));
    ck_assert(vpr_work_open(w.work, 61));
    ck_assert(!vpr_work_open(w.work, 62));
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(a_seq_is_answered_once_inside_the_window_and_never_below_it)
{
    struct world w = world_with_quota(1000000);

    ck_assert_int_eq(serve(&w, 5000, 1, 1), 0);
    ck_assert_int_eq(serve(&w, 5000, 2, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, 3977, 2, 1), 0);
    ck_assert_int_eq(serve(&w, 3977, 3, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, 3976, 3, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, 5001, 3, 1), 0);
    ck_assert_int_eq(serve(&w, 3977, 4, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, 3979, 4, 1), 0);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(a_jump_forgets_what_the_window_left_behind_and_nothing_more)
{
    struct world w = world_with_quota(1000000);

    ck_assert_int_eq(serve(&w, 10, 1, 1), 0);
    ck_assert_int_eq(serve(&w, 1000, 2, 1), 0);
    ck_assert_int_eq(serve(&w, 10, 3, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, 11, 3, 1), 0);
    /* 10 + 1024 shares its bit with 10: it must be free again. */
    ck_assert_int_eq(serve(&w, 1040, 4, 1), 0);
    ck_assert_int_eq(serve(&w, 1034, 5, 1), 0);
    ck_assert_int_eq(serve(&w, UINT64_MAX, 6, 1), 0);
    ck_assert_int_eq(serve(&w, UINT64_MAX, 7, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, 1041, 7, 1), VPR_REFUSED_SEQ);
    ck_assert_int_eq(serve(&w, UINT64_MAX - 1023, 7, 1), 0);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(quota_counts_what_is_answered_and_what_is_under_way)
{
    struct world w = world_with_quota(100);

    ck_assert_int_eq(serve(&w, 1, 60, 60), 0);
    ck_assert_int_eq(claim(&w, 2, 90, 30), 0);
    ck_assert_int_eq(claim(&w, 3, 101, 11), VPR_REFUSED_QUOTA);
    ck_assert_int_eq(claim(&w, 3, 100, 10), 0);
    ck_assert_int_eq(claim(&w, 4, 101, 1), VPR_REFUSED_QUOTA);
    const struct vpr_request part = {.cu = 30};
    vpr_sid_failed(w.work, w.sid, &part);
    ck_assert_int_eq(claim(&w, 4, 61, 1), 0);
    ck_assert_uint_eq(w.sid->answered_cu, 60);
    ck_assert_uint_eq(w.sid->pending_cu, 11);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(a_refused_request_uses_no_seq)
{
    struct world w = world_with_quota(100);

    ck_assert_int_eq(claim(&w, 1, 101, 101), VPR_REFUSED_QUOTA);
    ck_assert(!w.lane->any);
    ck_assert_int_eq(claim(&w, 1, 1, 0), VPR_REFUSED_CU);
    ck_assert_int_eq(claim(&w, 1, 1, 2), VPR_REFUSED_CU);
    ck_assert_int_eq(claim(&w, 1, 1, 1), 0);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(who_never_acknowledges_gets_the_limit_and_one_answer)
{
    struct world w = world_with_quota(1000);
    uint64_t answered = 0;

    for (uint64_t seq = 1; seq <= 1000; seq++) {
        if (serve(&w, seq, 10, 10) == 0) {
            answered += 10;
        }
    }
    ck_assert_uint_eq(answered, 110);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(two_keys_of_a_sid_share_one_risk)
{
    struct world w = world_with_quota(1000);
    const struct keypair gateway = keypair_of(1);
    const struct keypair other = keypair_of(9);
    const struct vpr_token token = token_of(&w.sid->info.sid, &other, &gateway);

    for (uint64_t seq = 1; seq <= 11; seq++) {
        ck_assert_int_eq(serve(&w, seq, 10, 10), 0);
    }
    w.lane = vpr_sid_lane_add(w.sid, &token, 0);
    w.client = other;
    ck_assert_int_eq(serve(&w, 1, 10, 10), VPR_REFUSED_UNACKNOWLEDGED);
    ck_assert(w.lane->has_tail);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(the_limit_is_a_share_of_the_quota_plus_a_share_of_what_is_acknowledged)
{
    struct world w = world_with_quota(50000);

    ck_assert_uint_eq(vpr_sid_risk_limit(w.sid, &risk), 1000);
    w.sid->acked_cu = 2000;
    ck_assert_uint_eq(vpr_sid_risk_limit(w.sid, &risk), 1200);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(who_acknowledges_is_served_up_to_the_quota)
{
    struct world w = world_with_quota(5000);
    uint64_t cum = 0;

    for (uint64_t seq = 1; seq <= 500; seq++) {
        cum += 10;
        ck_assert_int_eq(serve(&w, seq, cum, 10), 0);
    }
    ck_assert_int_eq(serve(&w, 501, cum + 10, 10), VPR_REFUSED_QUOTA);
    ck_assert_uint_eq(vpr_sid_unacknowledged(w.sid), 10);
    ck_assert_uint_eq(w.lane->tail.part.cum_cu, 5000);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(an_acknowledgement_beyond_the_quota_is_refused_and_not_taken)
{
    struct world w = world_with_quota(1000);

    ck_assert_int_eq(serve(&w, 1, UINT64_MAX, 1), VPR_REFUSED_CU);
    ck_assert_int_eq(serve(&w, 1, 1002, 1), VPR_REFUSED_CU);
    ck_assert_uint_eq(w.sid->acked_cu, 0);
    ck_assert(!w.lane->has_tail);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(what_is_under_way_counts_as_unacknowledged)
{
    struct world w = world_with_quota(1000);

    for (uint64_t seq = 1; seq <= 11; seq++) {
        ck_assert_int_eq(claim(&w, seq, 10, 10), 0);
    }
    ck_assert_int_eq(claim(&w, 12, 10, 10), VPR_REFUSED_UNACKNOWLEDGED);
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(under_load_capacity_follows_the_quotas)
{
    struct world w = world_with_quota(3000);
    const struct vpr_sid_info small = sid_info(7, 1000);
    struct vpr_sid_work *other = vpr_work_add(w.work, &small);

    w.sid->pending = 40;
    ck_assert(!vpr_work_overloaded(w.work, w.sid, 40, 100));
    ck_assert(!vpr_work_overloaded(w.work, w.sid, 60, 100));
    w.sid->pending = 75;
    ck_assert(vpr_work_overloaded(w.work, w.sid, 80, 100));
    other->pending = 24;
    ck_assert(!vpr_work_overloaded(w.work, other, 99, 100));
    other->pending = 25;
    ck_assert(vpr_work_overloaded(w.work, other, 99, 100));
    ck_assert(vpr_work_overloaded(w.work, other, 100, 100));
    w.sid->pending = 0;
    vpr_work_destroy(w.work);
}
END_TEST

START_TEST(tables_hold_what_they_promise_and_refuse_the_rest)
{
    struct world w = world_with_quota(1000);
    const struct keypair gateway = keypair_of(1);

    for (uint32_t i = 1; i < VPR_SID_LANES_MAX; i++) {
        struct vpr_token token = token_of(&w.sid->info.sid, &w.client, &gateway);
        memcpy(token.client_key.b + 28, &i, 4);
        ck_assert_ptr_nonnull(vpr_sid_lane_add(w.sid, &token, 0));
        ck_assert_ptr_nonnull(vpr_sid_lane(w.sid, &token.client_key));
    }
    struct vpr_token more = token_of(&w.sid->info.sid, &w.client, &gateway);
    more.client_key.b[0] ^= 1;
    ck_assert_ptr_null(vpr_sid_lane_add(w.sid, &more, 0));
    ck_assert_ptr_null(vpr_sid_lane(w.sid, &more.client_key));
    ck_assert_ptr_eq(vpr_sid_lane(w.sid, &w.client.key), w.lane);

    for (uint32_t i = 1; i < VPR_WORK_SIDS_MAX; i++) {
        struct vpr_sid_info info = sid_info(3, 10);
        memcpy(info.sid.b + 28, &i, 4);
        ck_assert_ptr_nonnull(vpr_work_add(w.work, &info));
    }
    const struct vpr_sid_info last = sid_info(99, 10);
    ck_assert_ptr_null(vpr_work_add(w.work, &last));
    ck_assert_ptr_null(vpr_work_find(w.work, &last.sid));
    vpr_work_destroy(w.work);
}
END_TEST

/* Else a requestor takes the work of a hundred keys and is charged for 64. */
START_TEST(whatever_is_acknowledged_has_its_tail_in_the_prove)
{
    struct world w = world_with_quota(1000000);
    const struct keypair gateway = keypair_of(1);
    const struct vpr_lane *tails[VPR_SID_TAILS_MAX];
    uint64_t sum = 0;
    bool tail = false;

    for (uint32_t i = 0; i < 100; i++) {
        struct vpr_token token = token_of(&w.sid->info.sid, &w.client, &gateway);
        token.client_key.b[31] = (uint8_t)(i + 1);
        struct vpr_lane *lane = vpr_sid_lane_add(w.sid, &token, 0);
        const struct vpr_signed_request request = {
            .part = {.sid = token.sid, .client_key = token.client_key, .seq = 1,
                     .cum_cu = 1000 + i, .cu = 1}};
        if (lane != NULL) {
            ck_assert_int_eq(vpr_sid_claim(w.work, w.sid, lane, &request, &tail), 0);
            ck_assert(tail);
            vpr_sid_answered(w.work, w.sid, lane, &request);
        }
    }
    const uint32_t count = vpr_sid_tails(w.sid, tails);
    for (uint32_t i = 0; i < count; i++) {
        sum += tails[i]->tail.part.cum_cu;
    }
    ck_assert_uint_ge(count, 63);
    ck_assert_uint_ge(sum, w.sid->acked_cu);
    vpr_work_destroy(w.work);
}
END_TEST

Suite *suite_session(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");

    tcase_add_test(tests, session_is_open_from_before_its_first_block_to_the_end_of_grace);
    tcase_add_test(tests, a_seq_is_answered_once_inside_the_window_and_never_below_it);
    tcase_add_test(tests, a_jump_forgets_what_the_window_left_behind_and_nothing_more);
    tcase_add_test(tests, quota_counts_what_is_answered_and_what_is_under_way);
    tcase_add_test(tests, a_refused_request_uses_no_seq);
    tcase_add_test(tests, who_never_acknowledges_gets_the_limit_and_one_answer);
    tcase_add_test(tests, two_keys_of_a_sid_share_one_risk);
    tcase_add_test(tests, the_limit_is_a_share_of_the_quota_plus_a_share_of_what_is_acknowledged);
    tcase_add_test(tests, who_acknowledges_is_served_up_to_the_quota);
    tcase_add_test(tests, an_acknowledgement_beyond_the_quota_is_refused_and_not_taken);
    tcase_add_test(tests, what_is_under_way_counts_as_unacknowledged);
    tcase_add_test(tests, under_load_capacity_follows_the_quotas);
    tcase_add_test(tests, tables_hold_what_they_promise_and_refuse_the_rest);
    tcase_add_test(tests, whatever_is_acknowledged_has_its_tail_in_the_prove);
    suite_add_tcase(suite, tests);
    return suite;
}
