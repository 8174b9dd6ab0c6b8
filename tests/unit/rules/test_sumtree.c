#include "app/rules/sumtree.h"

#include "app/base/bytes.h"
#include "app/base/merkle.h"
#include "tests/unit/rules/rules_tests.h"

#define LEAVES_MAX 70

static struct vpr_sumnode leaves[LEAVES_MAX];

static void make_leaves(void)
{
    for (size_t i = 0; i < LEAVES_MAX; i++) {
        uint8_t number[8];
        vpr_put_be64(number, i);
        leaves[i] = (struct vpr_sumnode){vpr_sha256(number, sizeof number), i * 7 % 5};
    }
}

static struct vpr_sumnode by_definition(const struct vpr_sumnode *from, size_t count)
{
    if (count == 1) {
        return from[0];
    }
    size_t k = (size_t)vpr_merkle_split(count);
    struct vpr_sumnode left = by_definition(from, k);
    struct vpr_sumnode right = by_definition(from + k, count - k);
    uint8_t bytes[80];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    vpr_write(&w, left.hash.b, sizeof left.hash.b);
    vpr_write_be64(&w, left.sum);
    vpr_write(&w, right.hash.b, sizeof right.hash.b);
    vpr_write_be64(&w, right.sum);
    return (struct vpr_sumnode){vpr_tagged("node", bytes, sizeof bytes), left.sum + right.sum};
}

START_TEST(root_is_that_of_the_definition)
{
    for (size_t count = 1; count <= LEAVES_MAX; count++) {
        struct vpr_sumnode want = by_definition(leaves, count);
        struct vpr_sumnode root;
        ck_assert(vpr_sumtree_root(&root, leaves, count));
        ck_assert_msg(vpr_hash_equal(&want.hash, &root.hash), "%zu leaves", count);
        ck_assert_uint_eq(want.sum, root.sum);
    }
}
END_TEST

START_TEST(every_branch_leads_to_the_root_and_knows_its_start)
{
    for (size_t count = 1; count <= LEAVES_MAX; count++) {
        struct vpr_sumnode root;
        uint64_t start = 0;
        ck_assert(vpr_sumtree_root(&root, leaves, count));
        for (size_t index = 0; index < count; index++) {
            struct vpr_sumbranch branch;
            struct vpr_sumnode top;
            uint64_t before;
            ck_assert(vpr_sumtree_branch(&branch, leaves, count, index));
            ck_assert(vpr_sumtree_climb(&top, &before, &leaves[index], count, &branch));
            ck_assert_msg(vpr_hash_equal(&top.hash, &root.hash), "%zu of %zu", index, count);
            ck_assert_uint_eq(top.sum, root.sum);
            ck_assert_uint_eq(before, start);
            start += leaves[index].sum;
        }
    }
}
END_TEST

/* A branch proves one leaf at one index of one count, nothing else. */
START_TEST(a_branch_proves_nothing_else)
{
    const size_t count = 21;
    struct vpr_sumnode root, top;
    struct vpr_sumbranch branch;
    uint64_t before;
    ck_assert(vpr_sumtree_root(&root, leaves, count));
    ck_assert(vpr_sumtree_branch(&branch, leaves, count, 13));
    for (size_t other = 1; other <= LEAVES_MAX; other++) {
        for (size_t index = 0; index < LEAVES_MAX; index++) {
            struct vpr_sumbranch moved = branch;
            moved.index = index;
            bool right = index == 13;
            if (!vpr_sumtree_climb(&top, &before, &leaves[13], other, &moved)) {
                ck_assert(!(right && other == count));
            } else if (!right) {
                ck_assert(!vpr_hash_equal(&top.hash, &root.hash));
            }
        }
    }
    for (uint32_t i = 0; i < branch.depth; i++) {
        struct vpr_sumbranch bent = branch;
        bent.siblings[i].sum++;
        ck_assert(vpr_sumtree_climb(&top, &before, &leaves[13], count, &bent));
        ck_assert(!vpr_hash_equal(&top.hash, &root.hash));
    }
    ck_assert(vpr_sumtree_climb(&top, &before, &leaves[12], count, &branch));
    ck_assert(!vpr_hash_equal(&top.hash, &root.hash));
}
END_TEST

START_TEST(shapes_that_cannot_be_are_refused)
{
    struct vpr_sumbranch branch = {.index = 0, .depth = 0};
    struct vpr_sumnode top;
    uint64_t before;
    ck_assert(!vpr_sumtree_climb(&top, &before, &leaves[0], 0, &branch));
    ck_assert(vpr_sumtree_climb(&top, &before, &leaves[0], 1, &branch));
    branch.index = 1;
    ck_assert(!vpr_sumtree_climb(&top, &before, &leaves[0], 1, &branch));
    branch.index = UINT64_MAX;
    ck_assert(!vpr_sumtree_climb(&top, &before, &leaves[0], UINT64_MAX, &branch));
    branch.index = 0;
    branch.depth = VPR_SUMTREE_SIBLINGS_MAX;
    ck_assert(!vpr_sumtree_climb(&top, &before, &leaves[0], VPR_SUMTREE_LEAVES_MAX, &branch));
    branch.depth = UINT32_MAX;
    ck_assert(!vpr_sumtree_climb(&top, &before, &leaves[0], 2, &branch));
    branch.depth = 32;
    memset(branch.siblings, 0, sizeof branch.siblings);
    ck_assert(vpr_sumtree_climb(&top, &before, &leaves[0], VPR_SUMTREE_LEAVES_MAX, &branch));
    ck_assert(
        !vpr_sumtree_climb(&top, &before, &leaves[0], VPR_SUMTREE_LEAVES_MAX + 1, &branch));
}
END_TEST

START_TEST(sums_that_overflow_are_refused)
{
    struct vpr_sumnode big[3] = {leaves[0], leaves[1], leaves[2]};
    struct vpr_sumnode root = {.sum = 77};
    struct vpr_sumbranch branch = {.index = 0, .depth = 1};
    uint64_t before = 77;
    big[0].sum = UINT64_MAX - 2;
    big[1].sum = 2;
    big[2].sum = 1;
    ck_assert(!vpr_sumtree_root(&root, big, 3));
    ck_assert(!vpr_sumtree_branch(&branch, big, 3, 2));
    branch.siblings[0] = big[1];
    branch.siblings[0].sum = 3;
    ck_assert(!vpr_sumtree_climb(&root, &before, &big[0], 2, &branch));
    ck_assert_uint_eq(root.sum, 77);
    ck_assert_uint_eq(before, 77);
    ck_assert(vpr_sumtree_root(&root, big, 2));
    ck_assert_uint_eq(root.sum, UINT64_MAX);
}
END_TEST

START_TEST(a_branch_of_a_leaf_that_never_came_is_refused)
{
    struct vpr_sumtree tree;
    struct vpr_sumnode root;
    vpr_sumtree_start(&tree, 3);
    for (size_t i = 0; i < 3; i++) {
        vpr_sumtree_add(&tree, &leaves[i]);
    }
    ck_assert(!vpr_sumtree_end(&tree, &root));
}
END_TEST

TCase *sumtree_tests(void)
{
    TCase *tcase = tcase_create("sumtree");
    tcase_add_checked_fixture(tcase, make_leaves, NULL);
    tcase_add_test(tcase, root_is_that_of_the_definition);
    tcase_add_test(tcase, every_branch_leads_to_the_root_and_knows_its_start);
    tcase_add_test(tcase, a_branch_proves_nothing_else);
    tcase_add_test(tcase, shapes_that_cannot_be_are_refused);
    tcase_add_test(tcase, sums_that_overflow_are_refused);
    tcase_add_test(tcase, a_branch_of_a_leaf_that_never_came_is_refused);
    return tcase;
}
