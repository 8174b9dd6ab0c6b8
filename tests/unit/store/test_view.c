/* Views: immutable while the owner goes on, from any thread, and gone when released. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/store/verify.h"
#include "tests/unit/store/suites.h"
#include "tests/unit/store/world.h"

#define BLOCKS 150
#define READERS 2

/* What every height must look like, found out beforehand by a twin. */
struct expected {
    struct vpr_hash hash;
    uint64_t pairs;
    struct vpr_hash digest;
};

static struct expected expected[BLOCKS + 1];
static struct vpr_store *store;
static atomic_bool stop;

static uint64_t mix(uint64_t sum, struct vpr_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        sum = (sum ^ bytes.data[i]) * UINT64_C(1099511628211);
    }
    return sum;
}

/* Counts and mixes every pair of a state. */
static uint64_t digest(const struct vpr_state *state, struct vpr_arena *arena,
                       uint64_t *ret_pairs)
{
    uint64_t sum = 0;
    *ret_pairs = 0;
    for (uint8_t id = 0; id < WORLD_STORES; id++) {
        struct vpr_bytes from = {NULL, 0}, none = {NULL, 0}, key, value;
        while (vpr_state_next(state, arena, id, none, from, &key, &value)) {
            sum = mix(mix(sum, key), value);
            (*ret_pairs)++;
            from = vpr_state_after(arena, key);
        }
    }
    return sum;
}

static bool check_view(struct vpr_view *view, struct vpr_arena *arena)
{
    const struct vpr_state state = {NULL, view};
    uint64_t height = vpr_view_height(view), pairs, sum;
    struct vpr_hash hash = vpr_view_app_hash(view);
    const struct expected *want = &expected[height];
    sum = digest(&state, arena, &pairs);
    bool good = vpr_hash_equal(&hash, &want->hash) && pairs == want->pairs &&
                memcmp(&sum, want->digest.b, sizeof sum) == 0;
    if (height > 0) {
        struct vpr_proof_answer a;
        uint8_t number[8];
        struct vpr_bytes key = vpr_bytes_str("height");
        vpr_put_be64(number, height);
        good = good &&
               vpr_proof_query(view, arena, vpr_bytes_str("/ics23/meta/key"), key, true, &a,
                               NULL) == VPR_OK &&
               vpr_bytes_equal(a.value, vpr_bytes_of(number, 8)) &&
               vpr_verify_ics23(&hash, vpr_bytes_str("meta"), key, a.value, a.ops, a.op_count);
        key = vpr_bytes_str("absent");
        good = good &&
               vpr_proof_query(view, arena, vpr_bytes_str("/ics23/meta/key"), key, true, &a,
                               NULL) == VPR_OK &&
               vpr_verify_ics23(&hash, vpr_bytes_str("meta"), key, a.value, a.ops, a.op_count);
    }
    vpr_arena_release(arena, 0);
    return good;
}

/* Takes views, looks twice at each, keeps some for a while. */
static void *reader(void *arg)
{
    struct luck luck = {(uintptr_t)arg};
    struct vpr_arena arena;
    struct vpr_view *held = NULL;
    bool good = true;
    vpr_arena_init(&arena, 16 << 20);
    while (good && !atomic_load(&stop)) {
        struct vpr_view *view = vpr_store_view(store);
        good = check_view(view, &arena) && check_view(view, &arena);
        if (held != NULL && luck_below(&luck, 5) == 0) {
            good = good && check_view(held, &arena);
            vpr_view_release(held);
            held = NULL;
        }
        if (held == NULL) {
            held = view;
        } else {
            vpr_view_release(view);
        }
    }
    if (held != NULL) {
        good = good && check_view(held, &arena);
        vpr_view_release(held);
    }
    vpr_arena_finish(&arena);
    return good ? NULL : "a view changed";
}

static void expect_from_twin(void)
{
    struct vpr_store *twin = world_memory();
    struct vpr_arena arena;
    vpr_arena_init(&arena, 16 << 20);
    for (uint64_t h = 0; h <= BLOCKS; h++) {
        if (h > 0) {
            world_block(twin, h);
            vpr_store_commit(twin, h);
        }
        const struct vpr_state state = {twin, NULL};
        expected[h].hash = vpr_store_app_hash(twin);
        uint64_t sum = digest(&state, &arena, &expected[h].pairs);
        memcpy(expected[h].digest.b, &sum, sizeof sum);
        vpr_arena_release(&arena, 0);
    }
    vpr_arena_finish(&arena);
    vpr_store_close(twin);
}

static void run_readers(void)
{
    pthread_t threads[READERS];
    char err[256];
    atomic_store(&stop, false);
    for (uintptr_t i = 0; i < READERS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, reader, (void *)(i + 1)), 0);
    }
    for (uint64_t h = 1; h <= BLOCKS; h++) {
        world_block(store, h);
        vpr_store_commit(store, h);
        if (h % 50 == 0) { /* and back, and forth again */
            ck_assert_msg(vpr_store_rollback(store, h - 20, err, sizeof err), "%s", err);
            for (uint64_t again = h - 19; again <= h; again++) {
                world_block(store, again);
                vpr_store_commit(store, again);
            }
        }
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < READERS; i++) {
        void *bad = NULL;
        ck_assert_int_eq(pthread_join(threads[i], &bad), 0);
        ck_assert_msg(bad == NULL, "%s", (const char *)bad);
    }
    /* Nothing left behind once the next block collects. */
    vpr_store_commit(store, BLOCKS + 1);
    uint64_t nodes = 0;
    for (size_t id = 0; id < WORLD_STORES; id++) {
        nodes += 2 * store->tries[id].leaves - 1;
    }
    ck_assert_uint_eq(vpr_trie_heap_used(store->heap), nodes);
    vpr_store_close(store);
}

START_TEST(views_stay_as_they_are_while_the_owner_commits_in_memory)
{
    expect_from_twin();
    store = world_memory();
    run_readers();
}
END_TEST

START_TEST(views_stay_as_they_are_while_the_owner_commits_to_disk)
{
    struct vpr_arena arena;
    vpr_arena_init(&arena, 1 << 16);
    char *path = world_dir(&arena);
    expect_from_twin();
    store = world_rocksdb(path);
    run_readers();
    world_dir_remove(path);
    vpr_arena_finish(&arena);
}
END_TEST

/* A copy that takes every block's changes is the state, and has its hash. */
START_TEST(the_changes_of_each_view_add_up_to_the_state)
{
    struct vpr_arena arena;
    struct model *copy = calloc(1, sizeof *copy);
    ck_assert_ptr_nonnull(copy);
    vpr_arena_init(&arena, 16 << 20);
    store = world_memory();
    uint64_t deleted = 0;
    for (uint64_t h = 1; h <= 12; h++) { /* as much as the naive model can hold */
        struct vpr_change *changes;
        size_t count;
        world_block(store, h);
        vpr_store_commit(store, h);
        struct vpr_view *view = vpr_store_view(store);
        ck_assert(vpr_view_changes(view, &arena, &changes, &count));
        for (size_t i = 0; i < count; i++) {
            if (changes[i].value.data == NULL) {
                model_del(copy, changes[i].id, changes[i].key);
                deleted++;
            } else {
                model_put(copy, changes[i].id, changes[i].key, changes[i].value);
            }
        }
        struct vpr_hash hash = naive_app_hash(copy), want = vpr_view_app_hash(view);
        ck_assert(vpr_hash_equal(&hash, &want));
        vpr_view_release(view);
        vpr_arena_release(&arena, 0);
    }
    ck_assert_uint_gt(deleted, 0);
    vpr_store_close(store);
    vpr_arena_finish(&arena);
    free(copy);
}
END_TEST

START_TEST(a_view_that_is_kept_shows_its_own_height)
{
    struct vpr_arena arena;
    vpr_arena_init(&arena, 16 << 20);
    expect_from_twin();
    store = world_memory();
    struct vpr_view *views[30];
    for (uint64_t h = 0; h < VPR_COUNT(views); h++) {
        if (h > 0) {
            world_block(store, h);
            vpr_store_commit(store, h);
        }
        views[h] = vpr_store_view(store);
    }
    for (size_t i = 0; i < VPR_COUNT(views); i++) {
        size_t h = (i * 7) % VPR_COUNT(views); /* released out of order */
        ck_assert_uint_eq(vpr_view_height(views[h]), h);
        ck_assert(check_view(views[h], &arena));
        vpr_view_release(views[h]);
    }
    vpr_store_close(store);
    vpr_arena_finish(&arena);
}
END_TEST

START_TEST(closing_under_a_view_is_a_bug)
{
    store = world_memory();
    (void)vpr_store_view(store);
    vpr_store_close(store);
}
END_TEST

START_TEST(queries_name_what_is_wrong_with_them)
{
    struct vpr_arena arena;
    struct vpr_err err;
    struct vpr_proof_answer a;
    vpr_arena_init(&arena, 1 << 20);
    store = world_memory();
    world_block(store, 1);
    vpr_store_commit(store, 1);
    struct vpr_view *view = vpr_store_view(store);
    struct vpr_bytes key = vpr_bytes_str("height"), none = {NULL, 0};
    ck_assert_int_eq(vpr_proof_query(view, &arena, vpr_bytes_str("/store/nosuch/key"), key,
                                     true, &a, &err), VPR_NOT_FOUND);
    ck_assert_str_eq(err.text, "no store has that name; there are 3");
    ck_assert_int_eq(vpr_proof_query(view, &arena, vpr_bytes_str("/store/key"), key, true, &a,
                                     &err), VPR_BAD_FIELD);
    ck_assert_int_eq(vpr_proof_query(view, &arena, vpr_bytes_str("/store/meta/key"), none, true,
                                     &a, &err), VPR_BAD_FIELD);
    ck_assert(vpr_proof_path(vpr_bytes_str("/store/meta/key")));
    ck_assert(vpr_proof_path(vpr_bytes_str("/ics23/meta/key")));
    ck_assert(!vpr_proof_path(vpr_bytes_str("/viper.v1.Query/Meta")));
    ck_assert_int_eq(vpr_proof_query(view, &arena, vpr_bytes_str("/store/meta/key"), key, false,
                                     &a, &err), VPR_OK);
    ck_assert_uint_eq(a.op_count, 0); /* proof not asked for */
    ck_assert_uint_eq(a.value.len, 8);
    ck_assert_uint_eq(a.height, 1);
    vpr_view_release(view);
    vpr_store_close(store);
    vpr_arena_finish(&arena);
}
END_TEST

Suite *view_suite(void)
{
    Suite *suite = suite_create("view");
    TCase *tests = tcase_create("view");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, views_stay_as_they_are_while_the_owner_commits_in_memory);
    tcase_add_test(tests, views_stay_as_they_are_while_the_owner_commits_to_disk);
    tcase_add_test(tests, the_changes_of_each_view_add_up_to_the_state);
    tcase_add_test(tests, a_view_that_is_kept_shows_its_own_height);
    tcase_add_test_raise_signal(tests, closing_under_a_view_is_a_bug, SIGABRT);
    tcase_add_test(tests, queries_name_what_is_wrong_with_them);
    suite_add_tcase(suite, tests);
    return suite;
}
