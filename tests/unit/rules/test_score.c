#include "app/rules/score.h"

#include "tests/unit/rules/rules_tests.h"

static const struct vpr_score_rule rule = {100, 1100, 300000, 5};

/* No numbers a card may hold make a score above 1 or break an assertion. */
START_TEST(extreme_lines_score_within_bounds)
{
    static const uint64_t values[] = {0, 1, 2, 5, 999999, UINT64_MAX / 2, UINT64_MAX - 1,
                                      UINT64_MAX};
    const size_t n = VPR_COUNT(values);
    unsigned counted = 0;
    for (size_t i = 0; i < n * n * n * n * n; i++) {
        struct vpr_card_line line = {.sent = values[i % n],
                                     .refused = values[i / n % n],
                                     .answered = values[i / n / n % n],
                                     .checked = values[i / n / n / n % n],
                                     .correct = values[i / n / n / n / n % n],
                                     .p90_ms = values[i % 7]};
        uint32_t score = 0;
        if (vpr_card_line_ok(&line) && vpr_line_score(&score, &line, &rule, i % 2 == 0)) {
            ck_assert_uint_le(score, 1000000);
            counted++;
        }
    }
    ck_assert_uint_gt(counted, 100);
}
END_TEST

/* min_samples of 0 still needs something to divide by. */
START_TEST(a_line_without_samples_never_counts)
{
    struct vpr_card_line line = {.sent = 0};
    struct vpr_score_rule none = rule;
    uint32_t score = 77;
    none.min_samples = 0;
    ck_assert(!vpr_line_score(&score, &line, &none, false));
    line = (struct vpr_card_line){.sent = 3, .refused = 3};
    ck_assert(!vpr_line_score(&score, &line, &none, true));
    ck_assert_uint_eq(score, 77);
    ck_assert(vpr_line_score(&score, &line, &none, false));
    ck_assert_uint_eq(score, 0);
}
END_TEST

START_TEST(parts_of_a_line)
{
    struct vpr_card_line line = {.sent = 10, .refused = 2, .answered = 8, .checked = 4,
                                 .correct = 3, .p90_ms = 350};
    struct vpr_line_parts parts = vpr_line_parts(&line, &rule, true);
    ck_assert_uint_eq(parts.availability_ppm, 1000000);
    ck_assert_uint_eq(parts.reliability_ppm, 750000);
    ck_assert_uint_eq(parts.latency_ppm, 750000);
    ck_assert_uint_eq(vpr_line_parts(&line, &rule, false).availability_ppm, 800000);
}
END_TEST

START_TEST(a_line_that_is_not_ok_halts)
{
    struct vpr_card_line line = {.sent = 10, .answered = 11};
    uint32_t score;
    (void)!vpr_line_score(&score, &line, &rule, false);
}
END_TEST

START_TEST(full_use_does_not_overflow)
{
    ck_assert(vpr_full_use(UINT64_MAX, UINT64_MAX));
    ck_assert(!vpr_full_use(UINT64_MAX / 2, UINT64_MAX));
    ck_assert(vpr_full_use(0, 0));
    ck_assert(!vpr_full_use(0, 1));
}
END_TEST

START_TEST(sums_that_overflow_are_refused)
{
    struct vpr_score_sum sum = {0, 0};
    vpr_u128 most = ~(vpr_u128)0;
    ck_assert(!vpr_score_sum_add(&sum, 2, most / 2 + 1));
    ck_assert(vpr_score_sum_add(&sum, 1, most));
    ck_assert(!vpr_score_sum_add(&sum, 0, 1));
    ck_assert(sum.weight == most && sum.weighted == most);
    ck_assert_uint_eq(vpr_running_score(5, &sum, 1000000), 1);
}
END_TEST

START_TEST(medians_need_not_be_distinct)
{
    uint32_t scores[6] = {3, 3, 3, 1, 1, 1};
    uint32_t median;
    ck_assert(vpr_median_score(&median, scores, 6, 6));
    ck_assert_uint_eq(median, 2);
    ck_assert_uint_eq(scores[0], 3); /* the caller's list keeps its order */
}
END_TEST

START_TEST(factors_at_the_edges)
{
    struct vpr_card_distance none = {0, 0};
    struct vpr_card_distance some = {0, 0};
    ck_assert_uint_eq(vpr_card_factor(&none, 250000), 0);
    vpr_card_distance_add(&some, 500000, 500000);
    ck_assert_uint_eq(vpr_card_factor(&some, 250000), 1000000);
    ck_assert_uint_eq(vpr_card_factor(&some, 0), 1000000); /* no tolerance, no distance */
    vpr_card_distance_add(&some, 0, 2);
    ck_assert_uint_eq(vpr_card_factor(&some, 0), 0);
    ck_assert_uint_eq(vpr_card_factor(&some, 1), 0);
}
END_TEST

START_TEST(absences_and_benches_count_in_a_row)
{
    ck_assert_uint_eq(vpr_absences(0, false), 1);
    ck_assert_uint_eq(vpr_absences(23, false), VPR_ABSENCES_MAX);
    ck_assert_uint_eq(vpr_absences(VPR_ABSENCES_MAX, false), VPR_ABSENCES_MAX);
    ck_assert_uint_eq(vpr_absences(23, true), 0);
    ck_assert_uint_eq(vpr_bench_count(2, 299999, 300000), VPR_BENCH_COUNT);
    ck_assert_uint_eq(vpr_bench_count(VPR_BENCH_COUNT, 0, 300000), VPR_BENCH_COUNT);
    ck_assert_uint_eq(vpr_bench_count(2, 300000, 300000), 0);
}
END_TEST

TCase *score_tests(void)
{
    TCase *tcase = tcase_create("score");
    tcase_add_test(tcase, extreme_lines_score_within_bounds);
    tcase_add_test(tcase, a_line_without_samples_never_counts);
    tcase_add_test(tcase, parts_of_a_line);
    tcase_add_test_raise_signal(tcase, a_line_that_is_not_ok_halts, SIGABRT);
    tcase_add_test(tcase, full_use_does_not_overflow);
    tcase_add_test(tcase, sums_that_overflow_are_refused);
    tcase_add_test(tcase, medians_need_not_be_distinct);
    tcase_add_test(tcase, factors_at_the_edges);
    tcase_add_test(tcase, absences_and_benches_count_in_a_row);
    return tcase;
}
