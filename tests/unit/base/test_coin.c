#include "app/base/coin.h"

#include "tests/unit/base/base_tests.h"

START_TEST(sums_stop_below_the_supply_limit)
{
    struct vpr_coin sum = {7};
    ck_assert(vpr_coin_add(&sum, vpr_coin(VPR_SUPPLY_MAX - 2), vpr_coin(1)));
    ck_assert_uint_eq(sum.uvipr, VPR_SUPPLY_MAX - 1);
    ck_assert(!vpr_coin_add(&sum, vpr_coin(VPR_SUPPLY_MAX - 1), vpr_coin(1)));
    ck_assert(!vpr_coin_add(&sum, vpr_coin(UINT64_MAX), vpr_coin(1)));
    ck_assert(!vpr_coin_add(&sum, vpr_coin(1), vpr_coin(UINT64_MAX)));
    ck_assert_uint_eq(sum.uvipr, VPR_SUPPLY_MAX - 1); /* untouched */
}
END_TEST

START_TEST(nothing_goes_below_zero)
{
    struct vpr_coin rest = {7};
    ck_assert(vpr_coin_sub(&rest, vpr_coin(5), vpr_coin(5)));
    ck_assert_uint_eq(rest.uvipr, 0);
    rest.uvipr = 7;
    ck_assert(!vpr_coin_sub(&rest, vpr_coin(4), vpr_coin(5)));
    ck_assert_uint_eq(rest.uvipr, 7);
}
END_TEST

START_TEST(products_go_through_128_bits)
{
    uint64_t out = 9;
    ck_assert_uint_eq(vpr_mul_div_floor(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
    ck_assert_uint_eq(vpr_mul_div_floor(7, 3, 2), 10);
    ck_assert_uint_eq(vpr_mul_div_ceil(7, 3, 2), 11);
    ck_assert_uint_eq(vpr_mul_div_ceil(0, 3, 2), 0);
    ck_assert_uint_eq(vpr_mul_div_ceil(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
    ck_assert(!vpr_try_mul_div_floor(&out, UINT64_MAX, 2, 1));
    ck_assert_uint_eq(out, 9);
}
END_TEST

/* Checked by hand with exact integers. */
START_TEST(products_of_three_go_through_192_bits)
{
    uint64_t out = 9;
    ck_assert(vpr_try_mul3_div_floor(&out, UINT64_MAX, UINT64_MAX, 1, UINT64_MAX));
    ck_assert_uint_eq(out, UINT64_MAX);
    ck_assert(vpr_try_mul3_div_floor(&out, UINT64_C(2305843009213693952), 12675, 720,
                                     UINT64_C(1000000000000)));
    ck_assert_uint_eq(out, UINT64_C(21043123302084));
    ck_assert(vpr_try_mul3_div_floor(&out, UINT64_C(1) << 63, UINT64_C(1) << 32, 1,
                                     UINT64_C(0xffffffff00000000)));
    ck_assert_uint_eq(out, UINT64_C(2147483648));
    ck_assert(vpr_try_mul3_div_floor(&out, 0, UINT64_MAX, UINT64_MAX, 1));
    ck_assert_uint_eq(out, 0);
    out = 9;
    ck_assert(!vpr_try_mul3_div_floor(&out, UINT64_MAX, UINT64_MAX, UINT64_MAX, 1));
    ck_assert(!vpr_try_mul3_div_floor(&out, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX));
    ck_assert(!vpr_try_mul3_div_floor(&out, UINT64_MAX, 2, 1, 1));
    ck_assert_uint_eq(out, 9);
}
END_TEST

/* Against plain 128-bit division, on products that fit in it. */
START_TEST(long_division_agrees_with_128_bits)
{
    uint64_t x = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        uint64_t v[4];
        for (size_t j = 0; j < VPR_COUNT(v); j++) { /* xorshift: a fixed sequence */
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            v[j] = x >> (22 + (x & 15)); /* 42 bits at most: three make 126 */
        }
        vpr_u128 quotient = (vpr_u128)v[0] * v[1] * v[2] / (v[3] | 1);
        uint64_t out = 9;
        bool fits = vpr_try_mul3_div_floor(&out, v[0], v[1], v[2], v[3] | 1);
        ck_assert(fits == (quotient <= UINT64_MAX));
        ck_assert(out == (fits ? (uint64_t)quotient : 9));
    }
}
END_TEST

START_TEST(a_quotient_beyond_64_bits_halts)
{
    (void)vpr_mul_div_floor(UINT64_MAX, 2, 1);
}
END_TEST

START_TEST(a_ceiling_beyond_64_bits_halts)
{
    (void)vpr_mul_div_ceil(UINT64_MAX, 2, 1);
}
END_TEST

START_TEST(division_by_zero_halts)
{
    (void)vpr_mul_div_floor(1, 1, 0);
}
END_TEST

TCase *coin_tests(void)
{
    TCase *tcase = tcase_create("coin");
    tcase_add_test(tcase, sums_stop_below_the_supply_limit);
    tcase_add_test(tcase, nothing_goes_below_zero);
    tcase_add_test(tcase, products_go_through_128_bits);
    tcase_add_test(tcase, products_of_three_go_through_192_bits);
    tcase_add_test(tcase, long_division_agrees_with_128_bits);
    tcase_add_test_raise_signal(tcase, a_quotient_beyond_64_bits_halts, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_ceiling_beyond_64_bits_halts, SIGABRT);
    tcase_add_test_raise_signal(tcase, division_by_zero_halts, SIGABRT);
    return tcase;
}
