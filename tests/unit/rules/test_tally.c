#include "app/rules/tally.h"
#include "tests/unit/rules/rules_tests.h"

static const struct vpr_tally_rule rule = {334000, 500000, 334000};
static const struct vpr_tally none;

static struct vpr_tally votes(uint64_t yes, uint64_t abstain, uint64_t no, uint64_t veto)
{
    return (struct vpr_tally){{0, yes, abstain, no, veto}};
}

static enum vpr_outcome judge(uint64_t yes, uint64_t abstain, uint64_t no, uint64_t veto,
                              uint64_t bonded)
{
    struct vpr_tally tally = votes(yes, abstain, no, veto);
    return vpr_tally_judge(&tally, bonded, &rule);
}

START_TEST(nothing_passes_below_the_quorum)
{
    ck_assert_int_eq(judge(334, 0, 0, 0, 1000), VPR_OUTCOME_PASSED);
    ck_assert_int_eq(judge(333, 0, 0, 0, 1000), VPR_OUTCOME_REJECTED);
    ck_assert_int_eq(judge(0, 0, 0, 333, 1000), VPR_OUTCOME_REJECTED); /* and is not burned */
    ck_assert_int_eq(judge(33, 301, 0, 0, 1000), VPR_OUTCOME_PASSED);  /* abstaining counts */
    ck_assert_int_eq(judge(0, 0, 0, 0, 0), VPR_OUTCOME_REJECTED);
}
END_TEST

START_TEST(more_than_half_of_what_did_not_abstain_passes)
{
    ck_assert_int_eq(judge(500, 0, 500, 0, 1000), VPR_OUTCOME_REJECTED);
    ck_assert_int_eq(judge(501, 0, 499, 0, 1000), VPR_OUTCOME_PASSED);
    ck_assert_int_eq(judge(2, 990, 1, 0, 1000), VPR_OUTCOME_PASSED);
    ck_assert_int_eq(judge(0, 1000, 0, 0, 1000), VPR_OUTCOME_REJECTED);
    ck_assert_int_eq(judge(400, 0, 300, 300, 1000), VPR_OUTCOME_REJECTED); /* vetoes are noes */
}
END_TEST

START_TEST(more_than_a_third_vetoes)
{
    ck_assert_int_eq(judge(666, 0, 0, 334, 1000), VPR_OUTCOME_PASSED);
    ck_assert_int_eq(judge(665, 0, 0, 335, 1000), VPR_OUTCOME_VETOED);
    ck_assert_int_eq(judge(200, 465, 0, 335, 1000), VPR_OUTCOME_VETOED); /* of all votes */
}
END_TEST

START_TEST(delegators_vote_before_their_validator)
{
    struct vpr_tally tally = none;
    struct vpr_tally delegators = votes(10, 20, 30, 0);
    vpr_tally_add(&tally, 100, &delegators, VPR_VOTE_VETO);
    ck_assert_uint_eq(tally.by[VPR_VOTE_YES], 10);
    ck_assert_uint_eq(tally.by[VPR_VOTE_ABSTAIN], 20);
    ck_assert_uint_eq(tally.by[VPR_VOTE_NO], 30);
    ck_assert_uint_eq(tally.by[VPR_VOTE_VETO], 40); /* the rest of the stake */
    vpr_tally_add(&tally, 70, &delegators, VPR_VOTE_NONE);
    ck_assert_uint_eq(tally.by[VPR_VOTE_NO], 60);
    ck_assert_uint_eq(tally.by[VPR_VOTE_VETO], 40);
    vpr_tally_add(&tally, 50, &delegators, VPR_VOTE_VETO); /* slashed since: never below 0 */
    ck_assert_uint_eq(tally.by[VPR_VOTE_VETO], 40);
    vpr_tally_add(&tally, 7, &none, VPR_VOTE_YES);
    ck_assert_uint_eq(tally.by[VPR_VOTE_YES], 37);
}
END_TEST

/* All of the supply, without an overflow. */
START_TEST(a_tally_of_everything_fits)
{
    uint64_t supply = (UINT64_C(1) << 62) - 1;
    ck_assert_int_eq(judge(supply, 0, 0, 0, supply), VPR_OUTCOME_PASSED);
    ck_assert_int_eq(judge(supply / 2, 0, 0, supply / 2, supply), VPR_OUTCOME_VETOED);
}
END_TEST

TCase *tally_tests(void)
{
    TCase *t = tcase_create("tally");
    tcase_add_test(t, nothing_passes_below_the_quorum);
    tcase_add_test(t, more_than_half_of_what_did_not_abstain_passes);
    tcase_add_test(t, more_than_a_third_vetoes);
    tcase_add_test(t, delegators_vote_before_their_validator);
    tcase_add_test(t, a_tally_of_everything_fits);
    return t;
}
