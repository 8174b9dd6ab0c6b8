/* The store over kv_memory: reads and walks of the block in hand, the journal, the states it
 * goes through, rollback, and what it refuses. */
#include <stdlib.h>

#include "app/base/bytes.h"
#include "tests/unit/store/suites.h"
#include "tests/unit/store/world.h"

static struct vpr_arena arena;
static struct vpr_store *store;
static struct vpr_state state;

static void setup(void)
{
    vpr_arena_init(&arena, 16 << 20);
    store = world_memory();
    state = (struct vpr_state){store, NULL};
}

static void teardown(void)
{
    vpr_store_close(store);
    vpr_arena_finish(&arena);
}

static struct vpr_bytes b(const char *text)
{
    return vpr_bytes_str(text);
}

static void put(const char *key, const char *value)
{
    vpr_state_put(&state, 0, b(key), b(value));
}

static void del(const char *key)
{
    vpr_state_del(&state, 0, b(key));
}

static const char *get_of(const struct vpr_state *of, uint8_t id, const char *key)
{
    struct vpr_bytes value;
    if (!vpr_state_get(of, &arena, id, b(key), &value)) {
        return "(none)";
    }
    return vpr_arena_text(&arena, "%.*s", (int)value.len, (const char *)value.data);
}

static const char *get(const char *key)
{
    return get_of(&state, 0, key);
}

/* All pairs with the prefix, "k=v k=v", forward or backward. */
static const char *walk_of(const struct vpr_state *of, uint8_t id, const char *prefix,
                           const char *from, bool backward)
{
    char *text = vpr_arena_text(&arena, "%s", "");
    struct vpr_bytes at = b(from), key, value;
    while (backward ? vpr_state_prev(of, &arena, id, b(prefix), at, &key, &value)
                    : vpr_state_next(of, &arena, id, b(prefix), at, &key, &value)) {
        text = vpr_arena_text(&arena, "%s%s%.*s=%.*s", text, *text == 0 ? "" : " ",
                              (int)key.len, (const char *)key.data, (int)value.len,
                              (const char *)value.data);
        at = backward ? vpr_state_before(&arena, key) : vpr_state_after(&arena, key);
    }
    return text;
}

static const char *walk(const char *prefix)
{
    return walk_of(&state, 0, prefix, "", false);
}

START_TEST(a_new_store_is_at_height_0_with_a_zero_hash)
{
    const struct vpr_hash zero = {{0}};
    ck_assert_uint_eq(vpr_store_height(store), 0);
    struct vpr_hash hash = vpr_store_app_hash(store);
    ck_assert(vpr_hash_equal(&hash, &zero));
    ck_assert_str_eq(get("a"), "(none)");
    ck_assert_str_eq(walk(""), "");
}
END_TEST

START_TEST(the_block_sees_its_own_writes_and_reset_forgets_them)
{
    put("a", "1");
    vpr_store_commit(store, 1);
    put("a", "2");
    put("b", "3");
    ck_assert_str_eq(get("a"), "2");
    del("a");
    ck_assert_str_eq(get("a"), "(none)");
    ck_assert_str_eq(walk(""), "b=3");
    vpr_store_reset(store);
    ck_assert_str_eq(get("a"), "1");
    ck_assert_str_eq(get("b"), "(none)");
    ck_assert_str_eq(walk(""), "a=1");
}
END_TEST

START_TEST(stores_do_not_see_each_other)
{
    put("a", "0");
    vpr_state_put(&state, 1, b("a"), b("1"));
    vpr_state_put(&state, 2, b("z"), b("2"));
    for (size_t round = 0; round < 2; round++) {
        ck_assert_str_eq(get_of(&state, 0, "a"), "0");
        ck_assert_str_eq(get_of(&state, 1, "a"), "1");
        ck_assert_str_eq(get_of(&state, 2, "a"), "(none)");
        ck_assert_str_eq(walk_of(&state, 0, "", "", false), "a=0");
        ck_assert_str_eq(walk_of(&state, 1, "", "", false), "a=1");
        ck_assert_str_eq(walk_of(&state, 1, "", "\xff\xff", true), "a=1");
        ck_assert_str_eq(walk_of(&state, 2, "", "", false), "z=2");
        vpr_store_commit(store, round + 1);
    }
}
END_TEST

/* Disk and block merged: inserted before, between and behind, replaced, deleted. */
START_TEST(walks_merge_the_block_with_the_disk)
{
    put("p1", "a");
    put("p3", "b");
    put("p5", "c");
    put("q", "d");
    vpr_store_commit(store, 1);
    ck_assert_str_eq(walk("p"), "p1=a p3=b p5=c");
    put("p0", "x");
    put("p3", "y");
    put("p4", "z");
    del("p5");
    put("p6", "w");
    del("p6");
    put("o", "n");
    ck_assert_str_eq(walk("p"), "p0=x p1=a p3=y p4=z");
    ck_assert_str_eq(walk_of(&state, 0, "p", "p9", true), "p4=z p3=y p1=a p0=x");
    ck_assert_str_eq(walk_of(&state, 0, "p", "p2", false), "p3=y p4=z");
    ck_assert_str_eq(walk_of(&state, 0, "p", "p2", true), "p1=a p0=x");
    ck_assert_str_eq(walk_of(&state, 0, "p", "p3", true), "p3=y p1=a p0=x");
    ck_assert_str_eq(walk_of(&state, 0, "p", "a", false), "p0=x p1=a p3=y p4=z");
    ck_assert_str_eq(walk_of(&state, 0, "p", "z", true), "p4=z p3=y p1=a p0=x");
    ck_assert_str_eq(walk_of(&state, 0, "p", "z", false), "");
    ck_assert_str_eq(walk_of(&state, 0, "p", "a", true), "");
    ck_assert_str_eq(walk(""), "o=n p0=x p1=a p3=y p4=z q=d");
    vpr_store_commit(store, 2);
    ck_assert_str_eq(walk(""), "o=n p0=x p1=a p3=y p4=z q=d");
    ck_assert_str_eq(walk_of(&state, 0, "", "zz", true), "q=d p4=z p3=y p1=a p0=x o=n");
}
END_TEST

START_TEST(a_key_of_255_bytes_is_the_last_of_its_prefix)
{
    uint8_t longest[VPR_STORE_KEY_BYTES_MAX];
    memset(longest, 0xFF, sizeof longest);
    struct vpr_bytes key = vpr_bytes_of(longest, sizeof longest), got, value;
    vpr_state_put(&state, 0, key, b("v"));
    for (size_t round = 0; round < 2; round++) {
        ck_assert(vpr_state_prev(&state, &arena, 0, b(""), key, &got, &value));
        ck_assert(vpr_bytes_equal(got, key));
        struct vpr_bytes after = vpr_state_after(&arena, key);
        ck_assert(!vpr_state_next(&state, &arena, 0, b(""), after, &got, &value));
        ck_assert(vpr_state_prev(&state, &arena, 0, b(""), after, &got, &value));
        vpr_store_commit(store, round + 1);
    }
}
END_TEST

START_TEST(undo_takes_back_what_keep_leaves)
{
    put("a", "1");
    vpr_store_begin(store);
    put("a", "2");
    put("b", "1");
    vpr_store_begin(store);
    del("a");
    put("c", "1");
    vpr_store_undo(store);
    ck_assert_str_eq(walk(""), "a=2 b=1");
    vpr_store_begin(store);
    put("b", "2");
    vpr_store_keep(store);
    ck_assert_str_eq(walk(""), "a=2 b=2");
    vpr_store_undo(store); /* also what the inner one kept */
    ck_assert_str_eq(walk(""), "a=1");
    vpr_store_begin(store);
    put("d", "4");
    vpr_store_keep(store);
    ck_assert_str_eq(walk(""), "a=1 d=4");
}
END_TEST

START_TEST(undone_writes_leave_no_trace_in_the_root)
{
    put("a", "1");
    vpr_store_commit(store, 1);
    struct vpr_hash before = vpr_store_app_hash(store);
    for (size_t depth = 0; depth < VPR_OVERLAY_DEPTH_MAX; depth++) {
        vpr_store_begin(store);
        put("a", vpr_arena_text(&arena, "%zu", depth));
        put(vpr_arena_text(&arena, "k%zu", depth), "v");
    }
    for (size_t depth = 0; depth < VPR_OVERLAY_DEPTH_MAX; depth++) {
        vpr_store_undo(store);
    }
    struct vpr_hash root = vpr_store_root(store);
    ck_assert(vpr_hash_equal(&root, &before));
    ck_assert_uint_eq(store->changed_count, 0);
}
END_TEST

START_TEST(a_ninth_journal_is_a_bug)
{
    for (size_t depth = 0; depth < 9; depth++) {
        vpr_store_begin(store);
    }
}
END_TEST

START_TEST(a_value_put_back_changes_nothing)
{
    put("a", "1");
    vpr_store_commit(store, 1);
    struct vpr_hash before = vpr_store_app_hash(store);
    put("a", "2");
    put("b", "1");
    put("a", "1");
    del("b");
    struct vpr_hash root = vpr_store_root(store);
    ck_assert(vpr_hash_equal(&root, &before));
    ck_assert_uint_eq(store->changed_count, 0);
}
END_TEST

/* Computing the root, even twice, makes nothing durable; a reset drops it whole. */
START_TEST(a_root_is_not_a_commit)
{
    put("a", "1");
    vpr_store_commit(store, 1);
    struct vpr_hash first = vpr_store_app_hash(store);
    uint64_t nodes = vpr_trie_heap_used(store->heap);
    put("a", "2");
    put("b", "2");
    struct vpr_hash root = vpr_store_root(store), again = vpr_store_root(store);
    ck_assert(vpr_hash_equal(&root, &again));
    ck_assert(!vpr_hash_equal(&root, &first));
    ck_assert_uint_eq(vpr_store_height(store), 1);
    struct vpr_view *view = vpr_store_view(store);
    const struct vpr_state committed = {NULL, view};
    ck_assert_str_eq(get_of(&committed, 0, "a"), "1");
    vpr_view_release(view);
    vpr_store_reset(store);
    ck_assert_uint_eq(vpr_trie_heap_used(store->heap), nodes);
    struct vpr_hash now = vpr_store_root(store);
    ck_assert(vpr_hash_equal(&now, &first));
}
END_TEST

START_TEST(a_commit_makes_exactly_the_root_durable)
{
    put("a", "1");
    struct vpr_hash root = vpr_store_root(store);
    vpr_store_commit(store, 5);
    struct vpr_hash hash = vpr_store_app_hash(store);
    ck_assert(vpr_hash_equal(&hash, &root));
    ck_assert_uint_eq(vpr_store_height(store), 5);
    put("b", "1"); /* and the next block is open */
    vpr_store_commit(store, 9);
    ck_assert_uint_eq(vpr_store_height(store), 9);
}
END_TEST

START_TEST(writing_after_the_root_is_a_bug)
{
    put("a", "1");
    (void)vpr_store_root(store);
    put("b", "1");
}
END_TEST

START_TEST(an_empty_key_is_a_bug)
{
    put("", "1");
}
END_TEST

START_TEST(an_empty_value_is_a_bug)
{
    put("a", "");
}
END_TEST

START_TEST(a_key_of_256_bytes_is_a_bug)
{
    uint8_t key[256] = {1};
    vpr_state_put(&state, 0, vpr_bytes_of(key, sizeof key), b("v"));
}
END_TEST

START_TEST(deleting_an_absent_key_is_a_bug)
{
    put("a", "1");
    del("a");
    del("a");
}
END_TEST

START_TEST(an_unknown_store_is_a_bug)
{
    vpr_state_put(&state, WORLD_STORES, b("a"), b("1"));
}
END_TEST

START_TEST(writing_to_a_view_is_a_bug)
{
    const struct vpr_state committed = {NULL, vpr_store_view(store)};
    vpr_state_put(&committed, 0, b("a"), b("1"));
}
END_TEST

START_TEST(going_down_in_height_is_a_bug)
{
    vpr_store_commit(store, 5);
    vpr_store_commit(store, 5);
}
END_TEST

START_TEST(an_open_journal_at_the_root_is_a_bug)
{
    vpr_store_begin(store);
    (void)vpr_store_root(store);
}
END_TEST

/* ---- rollback ---- */

#define CHAIN 130

static struct vpr_hash chain[CHAIN + 1];

static void grow_to(uint64_t height)
{
    for (uint64_t h = vpr_store_height(store) + 1; h <= height; h++) {
        world_block(store, h);
        vpr_store_commit(store, h);
        struct vpr_hash hash = vpr_store_app_hash(store);
        ck_assert(h > CHAIN || chain[h].b[0] == 0 || vpr_hash_equal(&chain[h], &hash));
        chain[h] = hash;
    }
}

static void expect_at(uint64_t height)
{
    struct vpr_hash hash = vpr_store_app_hash(store), root = vpr_store_root(store);
    ck_assert_uint_eq(vpr_store_height(store), height);
    ck_assert(vpr_hash_equal(&hash, &chain[height]));
    ck_assert(vpr_hash_equal(&root, &chain[height]));
    struct vpr_view *view = vpr_store_view(store);
    ck_assert_uint_eq(vpr_view_height(view), height);
    vpr_view_release(view);
    vpr_store_reset(store);
}

START_TEST(the_last_20_blocks_undone_one_by_one_meet_each_app_hash)
{
    char err[256];
    grow_to(40);
    for (uint64_t h = 39; h >= 20; h--) {
        ck_assert_msg(vpr_store_rollback(store, h, err, sizeof err), "%s", err);
        expect_at(h);
    }
    grow_to(40); /* the same blocks again: the same hashes */
    expect_at(40);
    ck_assert_msg(vpr_store_rollback(store, 20, err, sizeof err), "%s", err);
    expect_at(20);
}
END_TEST

START_TEST(a_hundred_blocks_can_be_undone_and_no_more)
{
    char err[256];
    grow_to(CHAIN);
    ck_assert(!vpr_store_rollback(store, CHAIN - 101, err, sizeof err));
    ck_assert_str_eq(err, "cannot go back to height 29: the oldest that can be reached is 30");
    expect_at(CHAIN);
    ck_assert_msg(vpr_store_rollback(store, CHAIN - 100, err, sizeof err), "%s", err);
    expect_at(CHAIN - 100);
    ck_assert(!vpr_store_rollback(store, CHAIN - 101, err, sizeof err));
    grow_to(CHAIN);
    expect_at(CHAIN);
}
END_TEST

START_TEST(everything_can_be_undone_down_to_nothing)
{
    char err[256];
    const struct vpr_hash zero = {{0}};
    grow_to(7);
    ck_assert_msg(vpr_store_rollback(store, 0, err, sizeof err), "%s", err);
    ck_assert_uint_eq(vpr_store_height(store), 0);
    struct vpr_hash hash = vpr_store_app_hash(store);
    ck_assert(vpr_hash_equal(&hash, &zero));
    ck_assert_uint_eq(vpr_trie_heap_used(store->heap), 0);
    grow_to(7);
    expect_at(7);
}
END_TEST

START_TEST(rollback_forgets_the_block_in_hand_and_names_what_it_cannot_do)
{
    char err[256];
    put("a", "1");
    vpr_store_commit(store, 5);
    put("a", "2");
    vpr_store_commit(store, 8);
    put("a", "3");
    ck_assert(!vpr_store_rollback(store, 9, err, sizeof err));
    ck_assert_str_eq(err, "height 9 is above the last one, 8");
    ck_assert(!vpr_store_rollback(store, 6, err, sizeof err));
    ck_assert_str_eq(err, "height 6 was never committed: the one before it is 5");
    ck_assert(vpr_store_rollback(store, 8, err, sizeof err));
    ck_assert_str_eq(get("a"), "2");
    ck_assert(vpr_store_rollback(store, 5, err, sizeof err));
    ck_assert_str_eq(get("a"), "1");
}
END_TEST

START_TEST(a_damaged_undo_record_is_refused_and_changes_nothing)
{
    char err[256];
    grow_to(3);
    uint8_t key[8];
    struct vpr_bytes record;
    vpr_put_be64(key, 3);
    ck_assert(store->kv->get(store->kv->self, NULL, VPR_KV_UNDO, &arena,
                             vpr_bytes_of(key, 8), &record));
    uint8_t *bytes = vpr_arena_copy(&arena, record.data, record.len);
    for (size_t at = 0; at < record.len; at++) {
        bytes[at] ^= 0x10;
        const struct vpr_kv_write bad = {VPR_KV_UNDO, vpr_bytes_of(key, 8),
                                         vpr_bytes_of(bytes, record.len)};
        store->kv->commit(store->kv->self, &bad, 1);
        ck_assert(!vpr_store_rollback(store, 2, err, sizeof err));
        ck_assert_str_eq(err, "the undo record of height 3 is damaged");
        bytes[at] ^= 0x10;
    }
    expect_at(3);
}
END_TEST

/* ---- a dead disk ---- */

START_TEST(a_write_that_fails_halts)
{
    put("a", "1");
    vpr_kv_memory_fail_at(store->kv, 1);
    vpr_store_commit(store, 1);
}
END_TEST

START_TEST(the_third_write_fails_and_halts)
{
    vpr_kv_memory_fail_at(store->kv, 3);
    for (uint64_t h = 1; h <= 2; h++) {
        put("a", h == 1 ? "1" : "2");
        vpr_store_commit(store, h);
    }
    ck_assert_str_eq(get("a"), "2");
    put("a", "3");
    vpr_store_commit(store, 3);
}
END_TEST

Suite *store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tests = tcase_create("store"), *bugs = tcase_create("bugs and faults");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_checked_fixture(bugs, setup, teardown);
    tcase_add_test(tests, a_new_store_is_at_height_0_with_a_zero_hash);
    tcase_add_test(tests, the_block_sees_its_own_writes_and_reset_forgets_them);
    tcase_add_test(tests, stores_do_not_see_each_other);
    tcase_add_test(tests, walks_merge_the_block_with_the_disk);
    tcase_add_test(tests, a_key_of_255_bytes_is_the_last_of_its_prefix);
    tcase_add_test(tests, undo_takes_back_what_keep_leaves);
    tcase_add_test(tests, undone_writes_leave_no_trace_in_the_root);
    tcase_add_test(tests, a_value_put_back_changes_nothing);
    tcase_add_test(tests, a_root_is_not_a_commit);
    tcase_add_test(tests, a_commit_makes_exactly_the_root_durable);
    tcase_add_test(tests, the_last_20_blocks_undone_one_by_one_meet_each_app_hash);
    tcase_add_test(tests, a_hundred_blocks_can_be_undone_and_no_more);
    tcase_add_test(tests, everything_can_be_undone_down_to_nothing);
    tcase_add_test(tests, rollback_forgets_the_block_in_hand_and_names_what_it_cannot_do);
    tcase_add_test(tests, a_damaged_undo_record_is_refused_and_changes_nothing);
    tcase_add_test_raise_signal(bugs, a_ninth_journal_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, writing_after_the_root_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, an_empty_key_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, an_empty_value_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, a_key_of_256_bytes_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, deleting_an_absent_key_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, an_unknown_store_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, writing_to_a_view_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, going_down_in_height_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, an_open_journal_at_the_root_is_a_bug, SIGABRT);
    tcase_add_test_raise_signal(bugs, a_write_that_fails_halts, SIGABRT);
    tcase_add_test_raise_signal(bugs, the_third_write_fails_and_halts, SIGABRT);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, bugs);
    return suite;
}
