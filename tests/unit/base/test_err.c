#include "app/base/err.h"

#include "tests/unit/base/base_tests.h"

START_TEST(a_refusal_keeps_code_and_sentence)
{
    struct vpr_err err = {VPR_OK, ""};
    ck_assert_int_eq(vpr_fail(&err, VPR_NO_FUNDS, "needs %d, has %d", 100, 99), VPR_NO_FUNDS);
    ck_assert_int_eq(err.code, VPR_NO_FUNDS);
    ck_assert_str_eq(err.text, "needs 100, has 99");
    ck_assert_int_eq(vpr_fail(NULL, VPR_EXPIRED, "nobody listens"), VPR_EXPIRED);
}
END_TEST

START_TEST(a_long_sentence_is_cut)
{
    struct vpr_err err;
    ck_assert_int_eq(vpr_fail(&err, VPR_BAD_FIELD, "%0400d", 1), VPR_BAD_FIELD);
    ck_assert_uint_eq(strlen(err.text), VPR_ERR_TEXT_MAX - 1);
}
END_TEST

START_TEST(what_others_wrote_stays_one_line_of_text)
{
    struct vpr_err err;
    /* A cut inside a letter, a line break, a byte that is no letter. */
    (void)vpr_fail(&err, VPR_BAD_FIELD, "\"%.3s\" is unknown", "ab\xc3\xa4");
    ck_assert_str_eq(err.text, "\"ab?\" is unknown");
    (void)vpr_fail(&err, VPR_BAD_FIELD, "%s", "a\nlevel=error\x1b[0m \xff \xc3\xa4 \xe2\x82\xac");
    ck_assert_str_eq(err.text, "a?level=error?[0m ? \xc3\xa4 \xe2\x82\xac");
}
END_TEST

static enum vpr_code leave_early(enum vpr_code first, int *reached)
{
    VPR_TRY(first);
    *reached = 1;
    return VPR_OK;
}

START_TEST(try_leaves_with_the_first_refusal)
{
    int reached = 0;
    ck_assert_int_eq(leave_early(VPR_DENIED, &reached), VPR_DENIED);
    ck_assert_int_eq(reached, 0);
    ck_assert_int_eq(leave_early(VPR_OK, &reached), VPR_OK);
    ck_assert_int_eq(reached, 1);
}
END_TEST

START_TEST(a_failed_assertion_aborts)
{
    VPR_ASSERT(1 + 1 == 3);
}
END_TEST

START_TEST(a_refusal_of_ok_halts)
{
    (void)vpr_fail(NULL, VPR_OK, "no refusal");
}
END_TEST

START_TEST(an_unknown_number_halts)
{
    (void)vpr_code_name((enum vpr_code)19);
}
END_TEST

TCase *err_tests(void)
{
    TCase *tcase = tcase_create("err");
    tcase_add_test(tcase, a_refusal_keeps_code_and_sentence);
    tcase_add_test(tcase, a_long_sentence_is_cut);
    tcase_add_test(tcase, what_others_wrote_stays_one_line_of_text);
    tcase_add_test(tcase, try_leaves_with_the_first_refusal);
    tcase_add_test_raise_signal(tcase, a_failed_assertion_aborts, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_refusal_of_ok_halts, SIGABRT);
    tcase_add_test_raise_signal(tcase, an_unknown_number_halts, SIGABRT);
    return tcase;
}
