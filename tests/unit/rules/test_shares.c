#include "app/rules/shares.h"

#include "tests/unit/rules/rules_tests.h"

static vpr_u128 wide(uint64_t high, uint64_t low)
{
    return (vpr_u128)high << 64 | low;
}

/* Made with Python's integers. */
static const struct {
    uint64_t shares, tokens, amount, given, held, worth, out, burned;
} pools[] = {
    {695669038258802149, 83513350060539857, 399836243986, 3330649472367, 66868206600558685,
     8027363068694542, 73129196580396437, 609168687603171074},
    {94650323161, 57697068891, 2, 3, 73404053465, 44745739773, 1823296039, 2991062850},
    {971, 229, 642644932278, 2724926765248, 970, 228, 16, 68},
    {9004364052552606365u, 429649390867108241, 149715982028, 3137668143657,
     3865875329656804758, 184462886091813035, 311684192447358629, 6532111991495755344},
    {585, 316, 750829545520, 1389985076358, 185, 99, 53, 99},
};

START_TEST(shares_and_tokens_match_the_vectors)
{
    for (size_t i = 0; i < VPR_COUNT(pools); i++) {
        uint64_t shares = pools[i].shares, tokens = pools[i].tokens, given;
        ck_assert(vpr_shares_open(shares, tokens));
        ck_assert(vpr_shares_for(&given, pools[i].amount, shares, tokens));
        ck_assert_uint_eq(given, pools[i].given);
        ck_assert_uint_eq(vpr_shares_worth(pools[i].held, shares, tokens), pools[i].worth);
        ck_assert_uint_eq(vpr_shares_burned(pools[i].out, shares, tokens), pools[i].burned);
    }
}
END_TEST

static const struct {
    uint64_t before_high, before_low, reward, shares, after_high, after_low, all, third;
} rewards[] = {
    {0x2835f977c6f87718, 0x6d76b07e881ed162, 796515361840, 872945345144, 0x2835f977c6f87719,
     0x570cbdb13c1bcec4, 796515361839, 265505120612},
    {0x1f, 0xc7a2ea20b2f14c94, 614, 4035859347157283335, 0x1f, 0xc7a2ea20b2f1578a, 613, 204},
    {0xac1d3fcff, 0x2a3af4d46b0a18e8, 1001, 1056730348696, 0xac1d3fcff, 0x2a3af4d87c908336,
     1000, 333},
    {0x2828e0e6d17f9aca, 0xe01f5057ca02135e, 771785416847, 2674294606264669260,
     0x2828e0e6d17f9aca, 0xe01f552f4a7ba2a1, 771785416846, 257261805615},
};

START_TEST(rewards_a_share_match_the_vectors)
{
    for (size_t i = 0; i < VPR_COUNT(rewards); i++) {
        vpr_u128 before = wide(rewards[i].before_high, rewards[i].before_low);
        vpr_u128 cumulative = before;
        uint64_t earned;
        ck_assert(vpr_shares_accrue(&cumulative, rewards[i].reward, rewards[i].shares));
        ck_assert(cumulative == wide(rewards[i].after_high, rewards[i].after_low));
        ck_assert(vpr_shares_earned(&earned, cumulative, before, rewards[i].shares));
        ck_assert_uint_eq(earned, rewards[i].all);
        ck_assert(vpr_shares_earned(&earned, cumulative, before, rewards[i].shares / 3));
        ck_assert_uint_eq(earned, rewards[i].third);
    }
}
END_TEST

START_TEST(an_empty_pool_gives_a_share_a_token)
{
    uint64_t given;
    ck_assert(vpr_shares_open(0, 0));
    ck_assert(vpr_shares_for(&given, 77, 0, 0));
    ck_assert_uint_eq(given, 77);
    ck_assert_uint_eq(vpr_shares_worth(0, 0, 0), 0);
}
END_TEST

/* Shares without tokens, or more than 2^20 for each, take no more. */
START_TEST(a_pool_slashed_too_far_is_closed)
{
    ck_assert(!vpr_shares_open(1, 0));
    ck_assert(vpr_shares_open(VPR_SHARES_PER_TOKEN_MAX * 3, 3));
    ck_assert(!vpr_shares_open(VPR_SHARES_PER_TOKEN_MAX * 3 + 1, 3));
    ck_assert(vpr_shares_open(UINT64_MAX, VPR_SUPPLY_MAX - 1));
}
END_TEST

START_TEST(what_passes_64_or_128_bits_is_refused)
{
    uint64_t out = 7;
    vpr_u128 cumulative = wide(UINT64_MAX, 0);
    ck_assert(!vpr_shares_for(&out, VPR_SUPPLY_MAX - 1, 1u << 20, 1));
    ck_assert(!vpr_shares_for(&out, 1, UINT64_MAX, VPR_SUPPLY_MAX - 1));
    ck_assert(!vpr_shares_accrue(&cumulative, 1, 1));
    ck_assert(!vpr_shares_earned(&out, wide(1, 0), 0, 0) || out == 0);
    out = 7;
    ck_assert(!vpr_shares_earned(&out, wide(2, 0), 0, (uint64_t)1 << 63));
    ck_assert_uint_eq(out, 7);
    ck_assert(vpr_shares_earned(&out, wide(1, UINT64_MAX), 0, (uint64_t)1 << 63));
    ck_assert_uint_eq(out, UINT64_MAX); /* (2^65 - 2^-63) x 2^63 / 2^64, below 2^64 */
}
END_TEST

/* Whatever comes, goes and is slashed: shares never number fewer than tokens, nobody takes out
 * more than what the shares are worth, and the last one out empties both. */
START_TEST(shares_never_number_fewer_than_tokens)
{
    uint64_t held[4] = {0}, shares = 0, tokens = 0, dice = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        uint64_t *own = &held[dice % 4], more;
        uint64_t worth = vpr_shares_worth(*own, shares, tokens);
        if (i % 97 == 0) {
            tokens -= vpr_mul_div_floor(tokens, 50000, VPR_PPM);
        } else if (dice % 16 < 9 && vpr_shares_open(shares, tokens)) {
            uint64_t amount = 1 + (dice >> 9) % 1000;
            ck_assert(vpr_shares_for(&more, amount, shares, tokens));
            ck_assert_uint_ge(more, amount);
            shares += more;
            tokens += amount;
            *own += more;
        } else if (worth > 0) {
            uint64_t amount = 1 + (dice >> 9) % worth;
            uint64_t burned = vpr_shares_burned(amount, shares, tokens);
            ck_assert_uint_le(burned, *own);
            shares -= burned;
            tokens -= amount;
            *own -= burned;
        }
        ck_assert_uint_ge(shares, tokens);
        ck_assert(shares > 0 || tokens == 0);
        ck_assert_uint_eq(held[0] + held[1] + held[2] + held[3], shares);
    }
}
END_TEST

TCase *shares_tests(void)
{
    TCase *tcase = tcase_create("shares");
    tcase_add_test(tcase, shares_and_tokens_match_the_vectors);
    tcase_add_test(tcase, rewards_a_share_match_the_vectors);
    tcase_add_test(tcase, an_empty_pool_gives_a_share_a_token);
    tcase_add_test(tcase, a_pool_slashed_too_far_is_closed);
    tcase_add_test(tcase, what_passes_64_or_128_bits_is_refused);
    tcase_add_test(tcase, shares_never_number_fewer_than_tokens);
    return tcase;
}
