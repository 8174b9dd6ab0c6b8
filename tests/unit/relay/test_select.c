/* Health, breaker and choice: time and luck are arguments here. */
#include "tests/unit/relay/gate.h"

static struct vpr_health health_of(void)
{
    struct vpr_health h;
    struct vpr_address id = {{1}};

    vpr_health_init(&h, &id, 1);
    return h;
}

/* Five failures in a row open the breaker for 5 s; one request may then look. */
START_TEST(five_in_a_row_open_the_breaker)
{
    struct vpr_health h = health_of();

    for (int i = 0; i < 4; i++) {
        vpr_health_bad(&h, 1000);
        ck_assert(vpr_health_may(&h, 1000));
    }
    vpr_health_bad(&h, 1000);
    ck_assert(!vpr_health_may(&h, 1000));
    ck_assert(!vpr_health_may(&h, 5999));
    ck_assert(vpr_health_may(&h, 6000));
    vpr_health_asked(&h, 6000);
    ck_assert_int_eq(h.breaker, VPR_BREAKER_HALF);
    ck_assert(!vpr_health_may(&h, 6000)); /* one at a time */
    vpr_health_bad(&h, 6100);
    ck_assert(!vpr_health_may(&h, 16000)); /* twice as long now */
    ck_assert(vpr_health_may(&h, 16100));
    vpr_health_asked(&h, 16100);
    vpr_health_good(&h, 16200, 1000);
    ck_assert_int_eq(h.breaker, VPR_BREAKER_CLOSED);
    ck_assert(vpr_health_may(&h, 16200));
}
END_TEST

/* However long it fails, it is looked at again within a minute. */
START_TEST(the_pause_ends_at_a_minute)
{
    struct vpr_health h = health_of();
    uint64_t now = 1000;

    for (int i = 0; i < 5; i++) {
        vpr_health_bad(&h, now);
    }
    for (int i = 0; i < 10; i++) {
        now += VPR_BREAKER_OPEN_MS_MAX;
        ck_assert(vpr_health_may(&h, now));
        vpr_health_asked(&h, now);
        vpr_health_bad(&h, now);
    }
    ck_assert_uint_eq(h.open_ms, VPR_BREAKER_OPEN_MS_MAX);
}
END_TEST

/* Half of ten within ten seconds opens it too; five of eleven do not. */
START_TEST(half_of_ten_open_the_breaker)
{
    struct vpr_health h = health_of();

    for (int i = 0; i < 5; i++) {
        vpr_health_good(&h, 20000, 1000);
        vpr_health_bad(&h, 20000);
    }
    ck_assert_int_eq(h.breaker, VPR_BREAKER_OPEN);
    h = health_of();
    for (int i = 0; i < 20; i++) {
        vpr_health_good(&h, 20000, 1000);
        vpr_health_good(&h, 20000, 1000);
        vpr_health_bad(&h, 20000);
    }
    ck_assert_int_eq(h.breaker, VPR_BREAKER_CLOSED);
}
END_TEST

/* Who moved is asked at once. */
START_TEST(a_move_closes_the_breaker)
{
    struct vpr_health h = health_of();

    for (int i = 0; i < 5; i++) {
        vpr_health_bad(&h, 1000);
    }
    ck_assert(!vpr_health_may(&h, 1000));
    vpr_health_moved(&h);
    ck_assert(vpr_health_may(&h, 1000));
}
END_TEST

/* A refusal is no sickness: a pause, no step towards the breaker. */
START_TEST(refusals_only_pause)
{
    struct vpr_health h = health_of();

    for (int i = 0; i < 50; i++) {
        vpr_health_refused(&h, 1000, 300);
    }
    ck_assert(!vpr_health_may(&h, 1299));
    ck_assert(vpr_health_may(&h, 1300));
    ck_assert_uint_eq(h.good_ppm, VPR_PPM);
}
END_TEST

/* The better of two is chosen more often, the worse still now and then; what is not among the
 * two drawn is not chosen. */
START_TEST(the_better_is_chosen_more_often)
{
    const uint64_t weights[] = {1000, 1000, 1000, 10};
    size_t hits[4] = {0};
    uint64_t luck = 1;

    for (int i = 0; i < 40000; i++) {
        const uint64_t dice[3] = {vpr_luck(&luck), vpr_luck(&luck), vpr_luck(&luck)};
        hits[vpr_select(weights, 4, dice)]++;
    }
    ck_assert_uint_gt(hits[3], 50);
    ck_assert_uint_lt(hits[3], 1000);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_gt(hits[i], 12000);
    }
    ck_assert_uint_eq(vpr_select(weights, 1, (const uint64_t[3]){5, 6, 7}), 0);
}
END_TEST

/* Slow, failing, behind or busy: each weighs less. */
START_TEST(what_lowers_the_weight)
{
    struct vpr_health good = health_of(), slow = health_of(), bad = health_of();
    struct vpr_health behind = health_of();

    for (int i = 0; i < 30; i++) {
        vpr_health_good(&good, 1000, 5000);
        vpr_health_good(&slow, 1000, 700000);
        vpr_health_good(&bad, 1000, 5000);
        vpr_health_bad(&bad, 1000);
        vpr_health_good(&behind, 1000, 5000);
        vpr_health_head(&behind, 1000, 80, 100, 2);
        vpr_health_head(&good, 1000, 99, 100, 2);
    }
    const uint64_t best = vpr_health_weight(&good, 900000, 0);
    ck_assert_uint_lt(vpr_health_weight(&slow, 900000, 0) * 10, best);
    ck_assert_uint_lt(vpr_health_weight(&bad, 900000, 0), best);
    ck_assert_uint_lt(vpr_health_weight(&behind, 900000, 0) * 10, best);
    ck_assert_uint_lt(vpr_health_weight(&good, 900000, 3), best / 3);
    ck_assert_uint_lt(vpr_health_weight(&good, 300000, 0), best / 2);
    ck_assert_uint_ge(vpr_health_weight(&good, 0, 1000), 1);
    /* One that caught up is forgiven. */
    for (int i = 0; i < 60; i++) {
        vpr_health_head(&behind, 1000, 100, 100, 2);
    }
    ck_assert_uint_gt(vpr_health_weight(&behind, 900000, 0) * 2, best);
}
END_TEST

/* One liar does not move the head; old and missing words do not count. */
START_TEST(the_head_is_a_median)
{
    struct vpr_health a = health_of(), b = health_of(), c = health_of(), d = health_of();
    struct vpr_health *all[] = {&a, &b, &c, &d};

    ck_assert_uint_eq(vpr_head_median(all, 4, 100000), 0);
    vpr_health_head(&a, 100000, 100, 0, 2);
    vpr_health_head(&b, 100000, 101, 0, 2);
    vpr_health_head(&c, 100000, 999999, 0, 2);
    ck_assert_uint_eq(vpr_head_median(all, 4, 100000), 101);
    vpr_health_head(&d, 30000, 5, 0, 2);
    ck_assert_uint_eq(vpr_head_median(all, 4, 100000), 101);
}
END_TEST

/* The same record is found again while it is held, and reused when it is not. */
START_TEST(records_are_found_again)
{
    static struct vpr_healths healths;
    const struct vpr_address a = {{1}}, b = {{2}};

    memset(&healths, 0, sizeof healths);
    struct vpr_health *one = vpr_healths_hold(&healths, &a, 1);
    ck_assert_ptr_eq(vpr_healths_hold(&healths, &a, 1), one);
    ck_assert_ptr_ne(vpr_healths_hold(&healths, &a, 2), one);
    ck_assert_ptr_ne(vpr_healths_hold(&healths, &b, 1), one);
    vpr_health_good(one, 1, 77);
    const uint64_t latency = one->latency_us;
    vpr_healths_release(one);
    vpr_healths_release(one);
    ck_assert_uint_eq(vpr_healths_hold(&healths, &a, 1)->latency_us, latency);
    vpr_healths_finish(&healths);
}
END_TEST

Suite *suite_select(void)
{
    Suite *suite = suite_create("select");
    TCase *tc = tcase_create("select");

    tcase_add_test(tc, five_in_a_row_open_the_breaker);
    tcase_add_test(tc, the_pause_ends_at_a_minute);
    tcase_add_test(tc, half_of_ten_open_the_breaker);
    tcase_add_test(tc, a_move_closes_the_breaker);
    tcase_add_test(tc, refusals_only_pause);
    tcase_add_test(tc, the_better_is_chosen_more_often);
    tcase_add_test(tc, what_lowers_the_weight);
    tcase_add_test(tc, the_head_is_a_median);
    tcase_add_test(tc, records_are_found_again);
    suite_add_tcase(suite, tc);
    return suite;
}
