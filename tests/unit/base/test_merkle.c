#include "app/base/merkle.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "tests/unit/base/base_tests.h"

#define LEAVES_MAX 70

static struct vpr_hash leaves[LEAVES_MAX];

static void make_leaves(void)
{
    for (size_t i = 0; i < LEAVES_MAX; i++) {
        uint8_t number[8];
        vpr_put_be64(number, i);
        leaves[i] = vpr_sha256(number, sizeof number);
    }
}

START_TEST(split_is_the_largest_power_of_two_below)
{
    ck_assert_uint_eq(vpr_merkle_split(2), 1);
    ck_assert_uint_eq(vpr_merkle_split(3), 2);
    ck_assert_uint_eq(vpr_merkle_split(4), 2);
    ck_assert_uint_eq(vpr_merkle_split(5), 4);
    ck_assert_uint_eq(vpr_merkle_split(UINT64_MAX), UINT64_C(1) << 63);
    ck_assert_uint_eq(vpr_merkle_split((UINT64_C(1) << 63) + 1), UINT64_C(1) << 63);
    ck_assert_uint_eq(vpr_merkle_split(UINT64_C(1) << 63), UINT64_C(1) << 62);
}
END_TEST

START_TEST(split_of_one_halts)
{
    (void)vpr_merkle_split(1);
}
END_TEST

/* The definition, word by word. */
static struct vpr_hash root_by_definition(const struct vpr_hash *from, size_t count)
{
    if (count == 1) {
        return from[0];
    }
    size_t k = 1;
    while (k * 2 < count) {
        k *= 2;
    }
    struct vpr_hash left = root_by_definition(from, k);
    struct vpr_hash right = root_by_definition(from + k, count - k);
    return vpr_merkle_inner(&left, &right);
}

START_TEST(root_is_that_of_the_definition)
{
    for (size_t count = 1; count <= LEAVES_MAX; count++) {
        struct vpr_hash want = root_by_definition(leaves, count);
        struct vpr_hash root = vpr_merkle_root(leaves, count);
        ck_assert_msg(vpr_hash_equal(&want, &root), "%zu leaves", count);
    }
}
END_TEST

/* Climb from leaf to root: at each level the side follows from index and size. */
static struct vpr_hash climb(const struct vpr_hash *leaf, const struct vpr_hash *aunts,
                             size_t depth, size_t count, size_t index)
{
    if (count == 1) {
        ck_assert_uint_eq(depth, 0);
        return *leaf;
    }
    ck_assert_uint_ge(depth, 1);
    size_t k = (size_t)vpr_merkle_split(count);
    struct vpr_hash node;
    if (index < k) {
        node = climb(leaf, aunts, depth - 1, k, index);
        return vpr_merkle_inner(&node, &aunts[depth - 1]);
    }
    node = climb(leaf, aunts, depth - 1, count - k, index - k);
    return vpr_merkle_inner(&aunts[depth - 1], &node);
}

START_TEST(aunts_lead_every_leaf_to_the_root)
{
    for (size_t count = 1; count <= 20; count++) {
        struct vpr_hash root = vpr_merkle_root(leaves, count);
        for (size_t index = 0; index < count; index++) {
            struct vpr_hash aunts[VPR_MERKLE_DEPTH_MAX];
            size_t depth = vpr_merkle_aunts(aunts, leaves, count, index);
            struct vpr_hash top = climb(&leaves[index], aunts, depth, count, index);
            ck_assert_msg(vpr_hash_equal(&top, &root), "%zu of %zu", index, count);
        }
    }
}
END_TEST

START_TEST(a_root_of_nothing_halts)
{
    (void)vpr_merkle_root(leaves, 0);
}
END_TEST

TCase *merkle_tests(void)
{
    TCase *tcase = tcase_create("merkle");
    tcase_add_checked_fixture(tcase, make_leaves, NULL);
    tcase_add_test(tcase, split_is_the_largest_power_of_two_below);
    tcase_add_test_raise_signal(tcase, split_of_one_halts, SIGABRT);
    tcase_add_test(tcase, root_is_that_of_the_definition);
    tcase_add_test(tcase, aunts_lead_every_leaf_to_the_root);
    tcase_add_test_raise_signal(tcase, a_root_of_nothing_halts, SIGABRT);
    return tcase;
}
