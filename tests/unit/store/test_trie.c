/* The trie alone, over bare positions: hashes chosen bit by bit, so that it meets shapes no
 * real key leads to. */
#include <stdlib.h>

#include "app/base/hash.h"
#include "tests/unit/store/suites.h"
#include "tests/unit/store/world.h"

#define MANY 600

static const struct vpr_trie empty_trie = {{{0}}, 0, 0};

/* A position that shares its first `shared` bits with `near`. */
static struct vpr_hash beside(struct luck *luck, const struct vpr_hash *near, size_t shared)
{
    struct vpr_hash key;
    for (size_t i = 0; i < 32; i++) {
        key.b[i] = (uint8_t)luck_next(luck);
    }
    for (size_t bit = 0; bit < shared && bit < 256; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        key.b[bit / 8] = (uint8_t)((key.b[bit / 8] & ~mask) | (near->b[bit / 8] & mask));
    }
    if (shared < 256) {
        uint8_t mask = (uint8_t)(0x80 >> shared % 8);
        uint8_t other = (uint8_t)~near->b[shared / 8];
        key.b[shared / 8] = (uint8_t)((key.b[shared / 8] & ~mask) | (other & mask));
    }
    return key;
}

/* Changes whose positions are all different; some crowd together. */
static size_t crowd(struct luck *luck, struct vpr_trie_change *changes, size_t count)
{
    struct vpr_hash near = {{0}};
    for (size_t i = 0; i < count; i++) {
        bool again = true;
        while (again) {
            const struct vpr_hash *at =
                i == 0 ? &near : &changes[luck_below(luck, i)].key;
            size_t shared = luck_below(luck, 3) == 0 ? luck_below(luck, 256) : 0;
            changes[i].key = beside(luck, at, shared);
            again = false;
            for (size_t j = 0; j < i; j++) {
                again = again || vpr_hash_equal(&changes[i].key, &changes[j].key);
            }
        }
        uint64_t value = luck_next(luck);
        changes[i].leaf = vpr_sha256(&value, sizeof value);
        changes[i].gone = false;
    }
    return count;
}

static void shuffle(struct luck *luck, struct vpr_trie_change *changes, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = luck_below(luck, i);
        struct vpr_trie_change swap = changes[i - 1];
        changes[i - 1] = changes[j];
        changes[j] = swap;
    }
}

static void expect(const struct vpr_hash *have, const struct vpr_hash *want)
{
    ck_assert_mem_eq(have->b, want->b, 32);
}

START_TEST(an_empty_trie_is_zeros_and_one_leaf_is_its_hash)
{
    struct vpr_trie_heap *heap = vpr_trie_heap_open();
    struct vpr_trie trie = vpr_trie_apply(heap, empty_trie, NULL, 0);
    const struct vpr_hash zero = {{0}};
    expect(&trie.root, &zero);
    struct vpr_trie_change one = {{{1}}, {{2}}, false};
    trie = vpr_trie_apply(heap, trie, &one, 1);
    expect(&trie.root, &one.leaf);
    ck_assert_uint_eq(trie.leaves, 1);
    one.gone = true;
    trie = vpr_trie_apply(heap, trie, &one, 1);
    expect(&trie.root, &zero);
    ck_assert_uint_eq(trie.node, 0);
    vpr_trie_heap_close(heap);
}
END_TEST

/* Every pair of neighbours from depth 1 to depth 256. */
START_TEST(a_pair_at_every_depth_meets_the_naive_root)
{
    struct luck luck = luck_seeded("pair at every depth");
    struct vpr_trie_heap *heap = vpr_trie_heap_open();
    for (size_t shared = 0; shared < 256; shared++) {
        struct vpr_trie_change pair[3];
        crowd(&luck, pair, 1);
        pair[1] = pair[0];
        pair[1].key = beside(&luck, &pair[0].key, shared);
        pair[1].leaf.b[0] ^= 1;
        struct vpr_hash want = naive_subtree(pair, 2, 0);
        vpr_trie_sort(pair, 2);
        struct vpr_trie trie = vpr_trie_apply(heap, empty_trie, pair, 2);
        expect(&trie.root, &want);
        struct vpr_trie_path path;
        ck_assert(vpr_trie_find(heap, &trie, &pair[0].key, &path));
        ck_assert_uint_eq(path.depth, shared + 1);
        expect(&path.leaf, &pair[0].leaf);
        expect(&path.siblings[0], &pair[1].leaf);
        /* A third leaf in the middle of their common chain, then out again. */
        pair[2].key = beside(&luck, &pair[0].key, shared / 2);
        pair[2].leaf = pair[0].leaf;
        pair[2].gone = false;
        if (shared > 0) {
            struct vpr_trie more = vpr_trie_apply(heap, trie, &pair[2], 1);
            want = naive_subtree(pair, 3, 0);
            expect(&more.root, &want);
            pair[2].gone = true;
            more = vpr_trie_apply(heap, more, &pair[2], 1);
            expect(&more.root, &trie.root);
        }
        vpr_trie_discard(heap);
    }
    vpr_trie_heap_close(heap);
}
END_TEST

/* Whatever the order and the batches, and whatever came and went between: the same root. */
START_TEST(the_root_depends_on_the_set_alone)
{
    struct luck luck = luck_seeded("set alone");
    struct vpr_trie_change *all = calloc(MANY, sizeof *all), *batch = calloc(MANY, sizeof *all);
    crowd(&luck, all, MANY);
    size_t kept = MANY / 2; /* the first half stays, the other comes and goes */
    struct vpr_hash want = naive_subtree(all, kept, 0);
    for (size_t round = 0; round < 30; round++) {
        struct vpr_trie_heap *heap = vpr_trie_heap_open();
        struct vpr_trie trie = empty_trie;
        for (size_t pass = 0; pass < 2; pass++) {
            size_t count = pass == 0 ? MANY : MANY - kept;
            memcpy(batch, pass == 0 ? all : all + kept, count * sizeof *all);
            shuffle(&luck, batch, count);
            for (size_t at = 0; at < count;) {
                size_t n = 1 + luck_below(&luck, round % 2 == 0 ? 3 : count - at);
                n = n > count - at ? count - at : n;
                for (size_t i = at; i < at + n; i++) {
                    batch[i].gone = pass == 1;
                }
                vpr_trie_sort(batch + at, n);
                trie = vpr_trie_apply(heap, trie, batch + at, n);
                at += n;
            }
        }
        expect(&trie.root, &want);
        ck_assert_uint_eq(trie.leaves, kept);
        vpr_trie_accept(heap, 1);
        vpr_trie_collect(heap, UINT64_MAX);
        ck_assert_uint_eq(vpr_trie_heap_used(heap), 2 * kept - 1);
        vpr_trie_heap_close(heap);
    }
    free(all);
    free(batch);
}
END_TEST

static void check_neighbours(const struct vpr_trie_heap *heap, const struct vpr_trie *trie,
                             const struct vpr_trie_change *sorted, size_t count,
                             const struct vpr_hash *key)
{
    const struct vpr_hash *left = NULL, *right = NULL;
    for (size_t i = 0; i < count; i++) {
        int order = memcmp(sorted[i].key.b, key->b, 32);
        left = order < 0 ? &sorted[i].key : left;
        right = order > 0 && right == NULL ? &sorted[i].key : right;
    }
    struct vpr_hash got;
    ck_assert_int_eq(vpr_trie_left_of(heap, trie, key, &got), left != NULL);
    if (left != NULL) {
        expect(&got, left);
    }
    ck_assert_int_eq(vpr_trie_right_of(heap, trie, key, &got), right != NULL);
    if (right != NULL) {
        expect(&got, right);
    }
}

START_TEST(neighbours_are_the_nearest_leaves)
{
    struct luck luck = luck_seeded("neighbours");
    struct vpr_trie_change all[40];
    for (size_t round = 0; round < 200; round++) {
        struct vpr_trie_heap *heap = vpr_trie_heap_open();
        size_t count = luck_below(&luck, VPR_COUNT(all));
        crowd(&luck, all, count);
        vpr_trie_sort(all, count);
        struct vpr_trie trie = vpr_trie_apply(heap, empty_trie, all, count);
        for (size_t i = 0; i < 40; i++) {
            struct vpr_hash key = beside(&luck, &all[count == 0 ? 0 : i % count].key,
                                         count == 0 ? 0 : luck_below(&luck, 256));
            struct vpr_trie_path path;
            bool there = false;
            for (size_t j = 0; j < count; j++) {
                there = there || vpr_hash_equal(&all[j].key, &key);
            }
            ck_assert_int_eq(vpr_trie_find(heap, &trie, &key, &path), there);
            if (!there) {
                check_neighbours(heap, &trie, all, count, &key);
            }
        }
        vpr_trie_heap_close(heap);
    }
}
END_TEST

/* Paths fold to the root, whatever the shape. */
START_TEST(every_path_folds_to_the_root)
{
    struct luck luck = luck_seeded("paths");
    struct vpr_trie_change *all = calloc(MANY, sizeof *all);
    crowd(&luck, all, MANY);
    vpr_trie_sort(all, MANY);
    struct vpr_trie_heap *heap = vpr_trie_heap_open();
    struct vpr_trie trie = vpr_trie_apply(heap, empty_trie, all, MANY);
    for (size_t i = 0; i < MANY; i++) {
        struct vpr_trie_path path;
        ck_assert(vpr_trie_find(heap, &trie, &all[i].key, &path));
        struct vpr_hash hash = path.leaf;
        expect(&hash, &all[i].leaf);
        for (size_t s = 0; s < path.depth; s++) {
            uint8_t image[65] = {1};
            unsigned right = vpr_trie_bit(&all[i].key, path.depth - 1 - s);
            memcpy(image + 1 + 32 * right, hash.b, 32);
            memcpy(image + 33 - 32 * right, path.siblings[s].b, 32);
            hash = vpr_sha256(image, sizeof image);
        }
        expect(&hash, &trie.root);
    }
    vpr_trie_heap_close(heap);
    free(all);
}
END_TEST

/* Versions stay readable until collected, and nothing leaks. */
START_TEST(an_old_version_keeps_its_root_until_collected)
{
    struct luck luck = luck_seeded("versions");
    struct vpr_trie_change *all = calloc(MANY, sizeof *all);
    struct vpr_trie_heap *heap = vpr_trie_heap_open();
    struct vpr_trie versions[MANY / 20];
    struct vpr_trie trie = empty_trie;
    crowd(&luck, all, MANY);
    for (size_t v = 0; v < VPR_COUNT(versions); v++) {
        vpr_trie_sort(all + v * 20, 20);
        if (v % 3 == 2) { /* tried and dropped first */
            (void)vpr_trie_apply(heap, trie, all + v * 20, 20);
            uint64_t before = vpr_trie_heap_used(heap);
            vpr_trie_discard(heap);
            ck_assert_uint_lt(vpr_trie_heap_used(heap), before);
        }
        trie = vpr_trie_apply(heap, trie, all + v * 20, 20);
        vpr_trie_accept(heap, v + 1);
        versions[v] = trie;
    }
    for (size_t v = 0; v < VPR_COUNT(versions); v++) {
        struct vpr_hash want = naive_subtree(all, (v + 1) * 20, 0);
        expect(&versions[v].root, &want);
        struct vpr_trie_path path;
        ck_assert(vpr_trie_find(heap, &versions[v], &all[v * 20].key, &path));
        ck_assert(v == 0 || !vpr_trie_find(heap, &versions[v - 1], &all[v * 20].key, &path));
    }
    uint64_t held = vpr_trie_heap_used(heap);
    vpr_trie_collect(heap, 10); /* generations below 10 are gone */
    ck_assert_uint_lt(vpr_trie_heap_used(heap), held);
    struct vpr_trie_path path;
    ck_assert(vpr_trie_find(heap, &versions[9], &all[0].key, &path));
    vpr_trie_collect(heap, UINT64_MAX);
    ck_assert_uint_eq(vpr_trie_heap_used(heap), 2 * MANY - 1);
    vpr_trie_heap_close(heap);
    free(all);
}
END_TEST

START_TEST(sorting_orders_many_and_few)
{
    struct luck luck = luck_seeded("sorting");
    for (size_t count = 0; count < 3000; count = count * 3 / 2 + 1) {
        struct vpr_trie_change *changes = calloc(count + 1, sizeof *changes);
        for (size_t i = 0; i < count; i++) {
            changes[i].key = beside(&luck, &changes[0].key, i == 0 ? 0 : luck_below(&luck, 30));
        }
        vpr_trie_sort(changes, count);
        for (size_t i = 1; i < count; i++) {
            ck_assert_int_lt(memcmp(changes[i - 1].key.b, changes[i].key.b, 32), 0);
        }
        free(changes);
    }
}
END_TEST

START_TEST(the_same_key_twice_is_a_bug)
{
    struct vpr_trie_change twice[2] = {{{{7}}, {{1}}, false}, {{{7}}, {{2}}, false}};
    vpr_trie_sort(twice, 2);
}
END_TEST

START_TEST(deleting_what_is_not_there_is_a_bug)
{
    struct vpr_trie_heap *heap = vpr_trie_heap_open();
    struct vpr_trie_change gone = {{{7}}, {{0}}, true};
    (void)vpr_trie_apply(heap, empty_trie, &gone, 1);
}
END_TEST

Suite *trie_suite(void)
{
    Suite *suite = suite_create("trie");
    TCase *tests = tcase_create("trie");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, an_empty_trie_is_zeros_and_one_leaf_is_its_hash);
    tcase_add_test(tests, a_pair_at_every_depth_meets_the_naive_root);
    tcase_add_test(tests, the_root_depends_on_the_set_alone);
    tcase_add_test(tests, neighbours_are_the_nearest_leaves);
    tcase_add_test(tests, every_path_folds_to_the_root);
    tcase_add_test(tests, an_old_version_keeps_its_root_until_collected);
    tcase_add_test(tests, sorting_orders_many_and_few);
    tcase_add_test_raise_signal(tests, the_same_key_twice_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(tests, deleting_what_is_not_there_is_a_bug, SIGABRT);
    suite_add_tcase(suite, tests);
    return suite;
}
