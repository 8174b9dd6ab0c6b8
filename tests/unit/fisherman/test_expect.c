#include "fisherman/expect.h"
#include "tests/unit/fisherman/help.h"

/* The local network of docs/protocol.md, 14: allowance 500,000 CU, budget 1,000 VIPR, quota
 * 50,000 a pair; five servicers at full use, three fishermen that agree. */
static struct vpr_card_line lines[3][SEATS];
static struct vpr_expect e;

static void start(void)
{
    memset(&e, 0, sizeof e);
    e.allowance_cu = 500000;
    e.budget_uvipr = 1000000000;
    e.quota_cu = 50000;
    e.chain_ppm = e.zone_ppm = VPR_PPM;
    e.fishermen_ppm = 100000;
    e.tolerance_ppm = 250000;
    e.rule = (struct vpr_score_rule){100, 1100, 300000, 5};
    e.drawn_fishermen = 3;
    e.seat_count = SEATS;
    e.entry_count = SEATS;
    e.card_count = 3;
    for (uint32_t i = 0; i < SEATS; i++) {
        e.seats[i] = address_of((uint8_t)(1 + i));
        e.entries[i] = (struct vpr_expect_entry){e.seats[i], 50000};
        for (uint32_t c = 0; c < 3; c++) {
            lines[c][i] = (struct vpr_card_line){.servicer = e.seats[i], .sent = 40,
                                                 .answered = 40, .checked = 30, .correct = 30,
                                                 .p90_ms = 50};
            e.cards[c] = lines[c];
        }
    }
}

START_TEST(agreement_earns_the_whole_part)
{
    const struct vpr_expected got = vpr_expect_of(&e);

    ck_assert_uint_eq(got.factor_ppm, VPR_PPM);
    /* One pair: 5 x floor(floor(100 VIPR x 10 %) / 3); both together are the 33.3 VIPR. */
    ck_assert_uint_eq(got.reward_uvipr, 5 * 3333333);
}
END_TEST

START_TEST(a_small_difference_costs_nothing_a_large_one_all)
{
    for (uint32_t i = 0; i < SEATS; i++) {
        lines[0][i].correct = 29; /* about 0.033 from the median, within a fifth of 0.25 */
    }
    ck_assert_uint_eq(vpr_expect_of(&e).factor_ppm, VPR_PPM);
    for (uint32_t i = 0; i < SEATS; i++) {
        lines[0][i].correct = 20;
    }
    ck_assert_uint_eq(vpr_expect_of(&e).factor_ppm, 0);
    ck_assert_uint_eq(vpr_expect_of(&e).reward_uvipr, 0);
    for (uint32_t i = 0; i < SEATS; i++) {
        lines[0][i].correct = 27; /* 0.1: a quarter of the way from 0.05 to 0.25 */
    }
    ck_assert_uint_eq(vpr_expect_of(&e).factor_ppm, 750000);
}
END_TEST

START_TEST(without_a_card_a_median_or_company_there_is_no_pay)
{
    e.mine = 3;
    ck_assert_uint_eq(vpr_expect_of(&e).reward_uvipr, 0);
    e.mine = 0;
    e.card_count = 1;
    ck_assert_uint_eq(vpr_expect_of(&e).reward_uvipr, 0);
    e.card_count = 3;
    e.drawn_fishermen = 1;
    ck_assert_uint_eq(vpr_expect_of(&e).reward_uvipr, 0);
}
END_TEST

START_TEST(multipliers_and_what_was_settled_count)
{
    e.entry_count = 1;
    e.entries[0].settled_cu = 1000;
    e.chain_ppm = 500000;
    ck_assert_uint_eq(vpr_expect_of(&e).reward_uvipr, 33333);
}
END_TEST

Suite *suite_expect(void)
{
    Suite *suite = suite_create("expect");
    TCase *tests = tcase_create("expect");

    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_test(tests, agreement_earns_the_whole_part);
    tcase_add_test(tests, a_small_difference_costs_nothing_a_large_one_all);
    tcase_add_test(tests, without_a_card_a_median_or_company_there_is_no_pay);
    tcase_add_test(tests, multipliers_and_what_was_settled_count);
    suite_add_tcase(suite, tests);
    return suite;
}
