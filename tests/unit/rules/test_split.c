#include "app/rules/split.h"

#include "app/rules/price.h"
#include "tests/unit/rules/rules_tests.h"

static const struct vpr_split_rule defaults = {700000, 100000, 50000, 50000, 100000};

/* Nothing is paid that gross does not hold, whatever score and factors are. */
START_TEST(parts_never_exceed_gross)
{
    for (uint64_t gross = 0; gross < 3000; gross++) {
        for (uint32_t k = 0; k <= 7; k++) {
            struct vpr_split split;
            vpr_split(&split, &defaults, gross, 1000000, k);
            uint64_t paid = split.servicer + split.validator + split.chain + split.dao +
                            k * vpr_split_fisherman(&split, 1000000);
            ck_assert_uint_le(paid, gross);
            ck_assert(k >= 2 || split.fisherman == 0);
        }
    }
    struct vpr_split split;
    vpr_split(&split, &defaults, UINT64_MAX, 1000000, 2);
    ck_assert_uint_ge(split.dao, UINT64_MAX / 10);
}
END_TEST

START_TEST(shares_that_do_not_sum_to_one_halt)
{
    struct vpr_split_rule rule = defaults;
    struct vpr_split split;
    rule.dao_ppm++;
    vpr_split(&split, &rule, 1, 0, 2);
}
END_TEST

START_TEST(owner_and_delegators_get_all_of_it)
{
    for (uint64_t part = 0; part < 500; part++) {
        struct vpr_reward reward = vpr_reward(part, 15000, part * 31 % 977, 123457);
        ck_assert_uint_eq(reward.owner + reward.delegators, part);
    }
    struct vpr_reward reward = vpr_reward(9, 0, 0, 0); /* slashed to nothing */
    ck_assert_uint_eq(reward.owner, 9);
    reward = vpr_reward(9, 0, 5, 1000000);
    ck_assert_uint_eq(reward.owner, 9);
}
END_TEST

START_TEST(results_beyond_64_bits_are_refused)
{
    uint64_t out = 77;
    ck_assert(!vpr_usd_value(&out, UINT64_MAX, UINT64_MAX));
    ck_assert(!vpr_yield(&out, UINT64_MAX, UINT64_MAX, 1));
    ck_assert(!vpr_gross(&out, UINT64_MAX, 2, 1, 1000000, 1000000));
    ck_assert(!vpr_gross(&out, 1, 1, 0, 1000000, 1000000)); /* no allowance, no session */
    ck_assert(!vpr_unit_price(&out, UINT64_MAX, 1));
    ck_assert(!vpr_allowance(&out, UINT64_MAX, UINT64_MAX, 2, UINT64_MAX, 1));
    ck_assert(!vpr_allowance(&out, UINT64_MAX, UINT64_MAX, 2, 1, 0));
    ck_assert_uint_eq(out, 77);
}
END_TEST

/* A term too large for 64 bits is still larger than the other one. */
START_TEST(the_smaller_term_stands_when_the_other_is_huge)
{
    uint64_t out;
    ck_assert(vpr_allowance(&out, UINT64_MAX, UINT64_MAX, 2, 4500, 4500));
    ck_assert_uint_eq(out, 1000);
    ck_assert(vpr_allowance(&out, UINT64_C(1000000000000), 7, 1, UINT64_MAX, 1));
    ck_assert_uint_eq(out, 7);
}
END_TEST

START_TEST(quotas_sum_to_no_more_than_the_share)
{
    for (uint32_t n = 1; n <= 24; n++) {
        uint64_t quota = vpr_quota(500003, 333333, n);
        ck_assert_uint_le(n * quota, 500003 * UINT64_C(333333) / 1000000);
    }
    ck_assert_uint_eq(vpr_quota(UINT64_MAX, 1000000, 1), UINT64_MAX);
    ck_assert_uint_eq(vpr_settled_cu(5, 6, 7), 5);
    ck_assert_uint_eq(vpr_settled_cu(6, 5, 7), 5);
    ck_assert_uint_eq(vpr_settled_cu(6, 7, 5), 5);
    uint64_t price;
    ck_assert(vpr_unit_price(&price, 1000000000, 500000));
    ck_assert_uint_eq(price, 2000000); /* 2,000 uvipr a CU on a local network */
}
END_TEST

/* The defaults of docs/protocol.md, 14, and what would make serving oneself pay. */
START_TEST(yields_are_checked_against_each_other)
{
    ck_assert(vpr_yields_ok(12675, 100000, 14260, 200000));
    ck_assert(!vpr_yields_ok(12676, 100000, 14260, 200000));
    ck_assert(vpr_yields_ok(100000000, 100000, 112500000, 200000));
    ck_assert(vpr_yields_ok(UINT64_MAX, 0, UINT64_MAX, 0));
}
END_TEST

START_TEST(a_price_needs_votes)
{
    struct vpr_arena arena;
    uint64_t price = 77;
    struct vpr_price_vote votes[3] = {{5, 0}, {9, UINT64_MAX}, {1, UINT64_MAX}};
    vpr_arena_init(&arena, 1 << 16);
    ck_assert(!vpr_price_median(&price, &arena, votes, 0, 0));
    ck_assert(!vpr_price_median(&price, &arena, votes, 1, 0)); /* votes without stake */
    ck_assert_uint_eq(price, 77);
    ck_assert(vpr_price_median(&price, &arena, votes, 3, UINT64_MAX));
    ck_assert_uint_eq(price, 1); /* exactly half of the stake is at 1 */
    ck_assert_uint_eq(vpr_arena_mark(&arena), 0);
    vpr_arena_finish(&arena);
    ck_assert_uint_eq(vpr_price_clamp(UINT64_C(1) << 63, UINT64_MAX),
                      UINT64_C(10145709240540253388));
}
END_TEST

/* docs/protocol.md, 14, by hand: a requestor of 1,000,000 VIPR with two pairs, five servicers,
 * three fishermen, ten blocks. */
START_TEST(the_local_genesis_in_figures)
{
    const uint64_t vipr = 1000000;
    uint64_t usd, budget, allowance, price, gross, yield;
    struct vpr_split split;
    ck_assert(vpr_usd_value(&usd, 1000000 * vipr, 50000));
    ck_assert_uint_eq(usd, UINT64_C(50000000000));
    ck_assert(vpr_yield(&budget, 1000000 * vipr, 100000000, 10));
    ck_assert_uint_eq(budget, 1000 * vipr);
    ck_assert(vpr_allowance(&allowance, usd, 1000000, 10, budget, 4500));
    ck_assert_uint_eq(allowance, 500000);
    ck_assert(vpr_unit_price(&price, budget, allowance));
    ck_assert_uint_eq(price, 2000 * 1000);
    ck_assert_uint_eq(vpr_quota(allowance, 500000, 5), 50000);
    ck_assert_uint_eq(vpr_quota(allowance, 1000000, 5), 100000);
    ck_assert(vpr_gross(&gross, 50000, budget, allowance, 1000000, 1000000));
    vpr_split(&split, &defaults, gross, 900000, 3);
    ck_assert_uint_eq(2 * split.servicer, 126 * vipr); /* at full use of both pairs */
    /* Five servicers, two pairs: a tenth of the budget among three. */
    ck_assert_uint_eq(10 * split.fisherman, UINT64_C(33333330));
    ck_assert(vpr_yield(&yield, 4 * 50000 * vipr, 112500000, 10));
    ck_assert_uint_eq(yield, 225 * vipr);
}
END_TEST

TCase *split_tests(void)
{
    TCase *tcase = tcase_create("split");
    tcase_add_test(tcase, parts_never_exceed_gross);
    tcase_add_test_raise_signal(tcase, shares_that_do_not_sum_to_one_halt, SIGABRT);
    tcase_add_test(tcase, owner_and_delegators_get_all_of_it);
    tcase_add_test(tcase, results_beyond_64_bits_are_refused);
    tcase_add_test(tcase, the_smaller_term_stands_when_the_other_is_huge);
    tcase_add_test(tcase, quotas_sum_to_no_more_than_the_share);
    tcase_add_test(tcase, yields_are_checked_against_each_other);
    tcase_add_test(tcase, the_local_genesis_in_figures);
    tcase_add_test(tcase, a_price_needs_votes);
    return tcase;
}
