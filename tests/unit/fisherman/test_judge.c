#include "fisherman/judge.h"

#include "fisherman/canon.h"
#include "tests/unit/fisherman/help.h"

#define MOST 64

static struct vpr_opinion opinions[MOST];
static enum vpr_verdict verdicts[MOST];
static size_t count;

static void start(void)
{
    count = 0;
}

static size_t say(uint32_t servicer, uint32_t group, uint64_t at_ms, struct vpr_finding finding)
{
    opinions[count] = (struct vpr_opinion){servicer, group, at_ms, finding, false};
    return count++;
}

static void judge(void)
{
    vpr_judge(verdicts, opinions, count, SEATS);
}

START_TEST(the_one_that_differs_from_the_majority_is_wrong)
{
    for (uint32_t s = 0; s < SEATS; s++) {
        say(s, 7, 1000 * s, value_finding(s == 3 ? "stale" : "fresh"));
    }
    judge();
    for (uint32_t s = 0; s < SEATS; s++) {
        ck_assert_int_eq(verdicts[s], s == 3 ? VPR_VERDICT_WRONG : VPR_VERDICT_CORRECT);
    }
}
END_TEST

START_TEST(without_two_others_there_is_no_verdict)
{
    say(0, 1, 0, value_finding("a"));
    say(1, 1, 0, value_finding("b"));
    say(2, 2, 0, value_finding("a")); /* another request is no voice in this one */
    say(3, 3, 0, value_finding("a"));
    say(3, 3, 9, value_finding("a")); /* nor is the same servicer twice */
    say(4, 3, 9, value_finding("z"));
    judge();
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(verdicts[i], VPR_VERDICT_NONE);
    }
}
END_TEST

/* Of the three others two say the opposite; still it is two against two. */
START_TEST(without_a_majority_there_is_no_verdict)
{
    say(0, 1, 0, value_finding("a"));
    say(1, 1, 0, value_finding("a"));
    say(2, 1, 0, value_finding("b"));
    say(3, 1, 0, value_finding("b"));
    judge();
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(verdicts[i], VPR_VERDICT_NONE);
    }
    say(4, 1, 0, value_finding("b"));
    judge();
    for (size_t i = 0; i < count; i++) {
        /* Two against three; of the four others of a "b" two say so: no majority. */
        ck_assert_int_eq(verdicts[i], i < 2 ? VPR_VERDICT_WRONG : VPR_VERDICT_NONE);
    }
}
END_TEST

START_TEST(an_error_where_most_have_a_result_is_wrong)
{
    say(0, 1, 0, value_finding("a"));
    say(1, 1, 0, value_finding("a"));
    say(2, 1, 0, value_finding("a"));
    say(3, 1, 0, value_finding(NULL));
    judge();
    ck_assert_int_eq(verdicts[3], VPR_VERDICT_WRONG);
    ck_assert_int_eq(verdicts[0], VPR_VERDICT_CORRECT);
}
END_TEST

START_TEST(an_error_that_most_have_is_not_judged)
{
    say(0, 1, 0, value_finding("a"));
    say(1, 1, 0, value_finding("a"));
    say(2, 1, 0, value_finding(NULL));
    say(3, 1, 0, value_finding(NULL));
    say(4, 1, 0, value_finding(NULL));
    judge();
    ck_assert_int_eq(verdicts[2], VPR_VERDICT_NONE); /* 2 results, 2 other errors */
    ck_assert_int_eq(verdicts[0], VPR_VERDICT_NONE); /* 1 other result */
}
END_TEST

START_TEST(silence_and_ignored_methods_are_not_judged)
{
    struct vpr_finding ignored = value_finding("x");

    for (uint32_t s = 0; s < SEATS; s++) {
        ignored.compare = VPR_COMPARE_IGNORE;
        say(s, 1, 0, ignored);
        say(s, 2, 0, (struct vpr_finding){.compare = VPR_COMPARE_EXACT});
    }
    judge();
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(verdicts[i], VPR_VERDICT_NONE);
    }
}
END_TEST

/* Five servicers on a chain of one block a second; one is 20 behind. */
START_TEST(a_head_far_from_the_median_is_wrong)
{
    for (uint64_t t = 0; t < 10; t++) {
        for (uint32_t s = 0; s < SEATS; s++) {
            say(s, 100 + (uint32_t)t, 1000 * t + 10 * s, head_finding(100 + t - (s == 2 ? 20 : 0)));
        }
    }
    judge();
    ck_assert_uint_eq(vpr_judge_block_ms(opinions, count, SEATS), 1000);
    for (size_t i = SEATS; i < count; i++) {
        ck_assert_int_eq(verdicts[i], opinions[i].servicer == 2 ? VPR_VERDICT_WRONG
                                                                : VPR_VERDICT_CORRECT);
    }
}
END_TEST

START_TEST(heads_are_judged_at_their_own_time_of_receipt)
{
    say(0, 1, 10000, head_finding(100));
    say(1, 2, 10000, head_finding(100));
    say(2, 3, 10000, head_finding(100));
    say(0, 4, 20000, head_finding(110));
    say(1, 5, 20000, head_finding(110));
    const size_t on_time = say(2, 6, 20001, head_finding(109));
    const size_t late = say(3, 7, 20001, head_finding(105));
    const size_t alone = say(4, 8, 14000, head_finding(90)); /* nobody within two blocks */
    judge();
    ck_assert_int_eq(verdicts[on_time], VPR_VERDICT_CORRECT);
    ck_assert_int_eq(verdicts[late], VPR_VERDICT_WRONG);
    ck_assert_int_eq(verdicts[alone], VPR_VERDICT_NONE);
}
END_TEST

START_TEST(a_head_that_is_an_error_is_wrong_beside_heads)
{
    say(0, 1, 1000, head_finding(100));
    say(1, 2, 1000, head_finding(100));
    say(2, 3, 1000, head_finding(100));
    const size_t error = say(3, 4, 1001, head_finding(0));
    judge();
    ck_assert_int_eq(verdicts[error], VPR_VERDICT_WRONG);
}
END_TEST

static void trust(uint32_t group, uint64_t at_ms, struct vpr_finding finding)
{
    opinions[count++] = (struct vpr_opinion){0, group, at_ms, finding, true};
}

START_TEST(a_trusted_backend_settles_it_against_any_majority)
{
    for (uint32_t s = 0; s < SEATS; s++) {
        say(s, 1, 0, value_finding(s == 2 ? "true" : "false"));
    }
    say(3, 2, 0, value_finding(NULL)); /* alone with an error: nobody else was asked */
    say(0, 3, 0, value_finding("x"));  /* the backend itself has an error there */
    trust(1, 50, value_finding("true"));
    trust(2, 50, value_finding("y"));
    trust(3, 50, value_finding(NULL));
    judge();
    for (uint32_t s = 0; s < SEATS; s++) {
        ck_assert_int_eq(verdicts[s], s == 2 ? VPR_VERDICT_CORRECT : VPR_VERDICT_WRONG);
    }
    ck_assert_int_eq(verdicts[5], VPR_VERDICT_WRONG);
    ck_assert_int_eq(verdicts[6], VPR_VERDICT_NONE);
    ck_assert_int_eq(verdicts[7], VPR_VERDICT_NONE);
}
END_TEST

START_TEST(a_trusted_head_counts_near_its_time)
{
    say(0, 1, 10000, head_finding(100)); /* one block a second, by this servicer */
    say(0, 2, 20000, head_finding(110));
    const size_t good = say(1, 3, 30000, head_finding(119));
    const size_t bad = say(2, 4, 30100, head_finding(100));
    const size_t alone = say(3, 5, 50000, head_finding(100));
    trust(6, 30300, head_finding(120));
    judge();
    ck_assert_int_eq(verdicts[good], VPR_VERDICT_CORRECT);
    ck_assert_int_eq(verdicts[bad], VPR_VERDICT_WRONG);
    ck_assert_int_eq(verdicts[alone], VPR_VERDICT_NONE);
}
END_TEST

START_TEST(the_median_of_an_even_number_is_the_floor_of_the_middle)
{
    uint64_t four[] = {9, 1, 4, 2}, three[] = {9, 1, 4};
    uint64_t high[] = {UINT64_MAX, UINT64_MAX - 1};

    ck_assert_uint_eq(vpr_median(four, 4), 3);
    ck_assert_uint_eq(vpr_median(three, 3), 4);
    ck_assert_uint_eq(vpr_median(high, 2), UINT64_MAX - 1);
}
END_TEST

/* ---- one answer ---- */

static struct vpr_finding find(enum vpr_compare compare, const char *at, uint16_t status,
                               const char *body)
{
    struct vpr_corpus_template t = {.method = "m", .compare = compare, .within = 2};

    memcpy(t.at, at, strlen(at) + 1);
    return vpr_finding_of(&t, 5, status, vpr_bytes_str(body));
}

START_TEST(results_are_found_and_errors_told_apart)
{
    static const struct {
        const char *at, *body;
        uint64_t height;
    } heads[] = {{"/result", "{\"id\":5,\"result\":77}", 77},
                 {"/result/h", "{\"id\":5,\"result\":{\"h\":\"78\"}}", 78},
                 {"/result", "{\"id\":5,\"result\":\"0x4f\"}", 79}};
    for (size_t i = 0; i < VPR_COUNT(heads); i++) {
        const struct vpr_finding f = find(VPR_COMPARE_HEAD, heads[i].at, 200, heads[i].body);
        ck_assert_int_eq(f.found, VPR_FOUND_RESULT);
        ck_assert_uint_eq(f.height, heads[i].height);
    }
    /* litecoind: an RPC error is HTTP 500, and a result has a null error beside it. */
    ck_assert_int_eq(find(VPR_COMPARE_EXACT, "/result", 500,
                          "{\"id\":5,\"result\":null,\"error\":{\"code\":-8}}").found,
                     VPR_FOUND_ERROR);
    ck_assert_int_eq(
        find(VPR_COMPARE_EXACT, "/result", 200, "{\"id\":5,\"result\":1,\"error\":null}").found,
        VPR_FOUND_RESULT);
    static const char *const errors[] = {"", "<html>", "{\"id\":6,\"result\":1}", "{\"result\":1}",
                                         "{\"id\":5}", "{\"id\":5,\"result\":1,\"error\":{}}"};
    for (size_t i = 0; i < VPR_COUNT(errors); i++) {
        ck_assert_msg(find(VPR_COMPARE_EXACT, "/result", 200, errors[i]).found == VPR_FOUND_ERROR,
                      "%s", errors[i]);
    }
    ck_assert_uint_eq(find(VPR_COMPARE_HEAD, "/result", 200, "{\"id\":5,\"result\":\"x\"}").found,
                     VPR_FOUND_ERROR);
}
END_TEST

static bool same_value(enum vpr_compare compare, const char *a, const char *b)
{
    const struct vpr_finding x = find(compare, "/result", 200, a);
    const struct vpr_finding y = find(compare, "/result", 200, b);

    ck_assert_int_eq(x.found, VPR_FOUND_RESULT);
    ck_assert_int_eq(y.found, VPR_FOUND_RESULT);
    return vpr_hash_equal(&x.value, &y.value);
}

START_TEST(equal_values_are_equal_however_they_are_written)
{
    ck_assert(same_value(VPR_COMPARE_EXACT,
                         "{\"id\":5,\"result\":{\"a\":[1,\"\\u0041\"],\"b\":null}}",
                         "{ \"result\" : { \"b\" : null , \"a\" : [ 1 , \"A\" ] }, \"id\" : 5 }"));
    static const char *const others[] = {
        "{\"id\":5,\"result\":{\"a\":[1,\"B\"],\"b\":null}}",
        "{\"id\":5,\"result\":{\"a\":[\"A\",1],\"b\":null}}",
        "{\"id\":5,\"result\":{\"a\":[1,\"A\"],\"b\":0}}",
        "{\"id\":5,\"result\":{\"a\":[1,\"A\"]}}",
        "{\"id\":5,\"result\":{\"a\":[1,\"A\"],\"c\":null}}",
        "{\"id\":5,\"result\":{\"a\":[1.0,\"A\"],\"b\":null}}",
        "{\"id\":5,\"result\":{\"a\":[[1],\"A\"],\"b\":null}}",
    };
    for (size_t i = 0; i < VPR_COUNT(others); i++) {
        ck_assert_msg(!same_value(VPR_COMPARE_EXACT,
                                  "{\"id\":5,\"result\":{\"a\":[1,\"A\"],\"b\":null}}", others[i]),
                      "%s", others[i]);
    }
}
END_TEST

START_TEST(shape_is_type_and_keys)
{
    ck_assert(same_value(VPR_COMPARE_SHAPE, "{\"id\":5,\"result\":{\"a\":1,\"b\":2}}",
                         "{\"id\":5,\"result\":{\"b\":\"x\",\"a\":[3]}}"));
    ck_assert(same_value(VPR_COMPARE_SHAPE, "{\"id\":5,\"result\":\"a\"}",
                         "{\"id\":5,\"result\":\"b\"}"));
    ck_assert(!same_value(VPR_COMPARE_SHAPE, "{\"id\":5,\"result\":{\"a\":1}}",
                          "{\"id\":5,\"result\":{\"b\":1}}"));
    ck_assert(!same_value(VPR_COMPARE_SHAPE, "{\"id\":5,\"result\":\"1\"}",
                          "{\"id\":5,\"result\":1}"));
}
END_TEST

Suite *suite_judge(void)
{
    Suite *suite = suite_create("judge");
    TCase *tests = tcase_create("judge");

    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_test(tests, the_one_that_differs_from_the_majority_is_wrong);
    tcase_add_test(tests, without_two_others_there_is_no_verdict);
    tcase_add_test(tests, without_a_majority_there_is_no_verdict);
    tcase_add_test(tests, an_error_where_most_have_a_result_is_wrong);
    tcase_add_test(tests, an_error_that_most_have_is_not_judged);
    tcase_add_test(tests, silence_and_ignored_methods_are_not_judged);
    tcase_add_test(tests, a_head_far_from_the_median_is_wrong);
    tcase_add_test(tests, heads_are_judged_at_their_own_time_of_receipt);
    tcase_add_test(tests, a_head_that_is_an_error_is_wrong_beside_heads);
    tcase_add_test(tests, a_trusted_backend_settles_it_against_any_majority);
    tcase_add_test(tests, a_trusted_head_counts_near_its_time);
    tcase_add_test(tests, the_median_of_an_even_number_is_the_floor_of_the_middle);
    tcase_add_test(tests, results_are_found_and_errors_told_apart);
    tcase_add_test(tests, equal_values_are_equal_however_they_are_written);
    tcase_add_test(tests, shape_is_type_and_keys);
    suite_add_tcase(suite, tests);
    return suite;
}
