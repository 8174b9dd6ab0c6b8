/* Random programs over {put, del, begin, keep, undo, reset, commit, rollback, walk, prove}
 * held against the naive model after every step. */
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/store/verify.h"
#include "tests/unit/store/suites.h"
#include "tests/unit/store/world.h"

#define STEPS 3000
#define HEIGHTS 400

struct run {
    struct luck luck;
    struct vpr_arena arena;
    struct vpr_store *store;
    struct model now;
    struct model journal[VPR_OVERLAY_DEPTH_MAX];
    size_t depth;
    uint64_t height;
    struct model *heights[HEIGHTS]; /* by height; NULL: never committed */
    struct vpr_hash hashes[HEIGHTS];
    uint64_t commits;
};

/* Few letters and short keys: prefixes of each other, ends of ranges, collisions. */
static struct vpr_bytes luck_bytes(struct run *r, size_t min, size_t max)
{
    static const uint8_t letters[] = {0x00, 0x01, 'x', 0xFE, 0xFF};
    size_t len = min + luck_below(&r->luck, max - min + 1);
    uint8_t *bytes = vpr_arena_alloc(&r->arena, len + 1);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = letters[luck_below(&r->luck, sizeof letters)];
    }
    return vpr_bytes_of(bytes, len);
}

static void change(struct run *r)
{
    const struct vpr_state state = {r->store, NULL};
    uint8_t id = (uint8_t)luck_below(&r->luck, WORLD_STORES);
    struct vpr_bytes key = luck_bytes(r, 1, 4), value = luck_bytes(r, 1, 6);
    bool found;
    (void)model_place(&r->now, id, key, &found);
    if (found && luck_below(&r->luck, 2) == 0) {
        vpr_state_del(&state, id, key);
        model_del(&r->now, id, key);
    } else if (found || r->now.count < MODEL_PAIRS_MAX - 1) {
        vpr_state_put(&state, id, key, value);
        model_put(&r->now, id, key, value);
    }
}

static void check_get(struct run *r, const struct vpr_state *state, const struct model *model)
{
    uint8_t id = (uint8_t)luck_below(&r->luck, WORLD_STORES);
    struct vpr_bytes key = luck_bytes(r, 1, 4), value;
    bool found;
    size_t at = model_place(model, id, key, &found);
    ck_assert_int_eq(vpr_state_get(state, &r->arena, id, key, &value), found);
    if (found) {
        ck_assert(vpr_bytes_equal(value, pair_value(&model->pairs[at])));
    }
}

static void check_walk(struct run *r, const struct vpr_state *state, const struct model *model)
{
    uint8_t id = (uint8_t)luck_below(&r->luck, WORLD_STORES);
    struct vpr_bytes prefix = luck_bytes(r, 0, 2), from = luck_bytes(r, 0, 4), key, value;
    bool backward = luck_below(&r->luck, 2) == 0;
    for (size_t steps = 0; steps < 8; steps++) {
        const struct pair *want = NULL;
        for (size_t i = 0; i < model->count; i++) {
            const struct pair *pair = &model->pairs[i];
            if (pair->id != id || !vpr_bytes_starts(pair_key(pair), prefix)) {
                continue;
            }
            int order = vpr_bytes_cmp(pair_key(pair), from);
            if (backward ? order <= 0 : (order >= 0 && want == NULL)) {
                want = pair;
            }
        }
        bool found = backward
                         ? vpr_state_prev(state, &r->arena, id, prefix, from, &key, &value)
                         : vpr_state_next(state, &r->arena, id, prefix, from, &key, &value);
        ck_assert_int_eq(found, want != NULL);
        if (want == NULL) {
            return;
        }
        ck_assert(vpr_bytes_equal(key, pair_key(want)));
        ck_assert(vpr_bytes_equal(value, pair_value(want)));
        from = backward ? vpr_state_before(&r->arena, key) : vpr_state_after(&r->arena, key);
    }
}

static void check_proofs(struct run *r, struct vpr_view *view, const struct model *model)
{
    struct vpr_hash app_hash = vpr_view_app_hash(view);
    uint8_t id = (uint8_t)luck_below(&r->luck, WORLD_STORES);
    struct vpr_bytes key = luck_bytes(r, 1, 4), name = vpr_bytes_str(world_names[id]);
    struct vpr_proof_answer a;
    bool found, any = false;
    (void)model_place(model, id, key, &found);
    for (size_t i = 0; i < model->count; i++) {
        any = any || model->pairs[i].id == id;
    }
    char *path = vpr_arena_text(&r->arena, "/ics23/%s/key", world_names[id]);
    ck_assert_int_eq(
        vpr_proof_query(view, &r->arena, vpr_bytes_str(path), key, true, &a, NULL), VPR_OK);
    ck_assert_uint_eq(a.op_count, any ? 2 : 0);
    ck_assert_int_eq(a.value.len != 0, found);
    if (any) {
        ck_assert(vpr_verify_ics23(&app_hash, name, key, a.value, a.ops, 2));
        app_hash.b[0] ^= 1;
        ck_assert(!vpr_verify_ics23(&app_hash, name, key, a.value, a.ops, 2));
        app_hash.b[0] ^= 1;
    }
    path = vpr_arena_text(&r->arena, "/store/%s/key", world_names[id]);
    ck_assert_int_eq(
        vpr_proof_query(view, &r->arena, vpr_bytes_str(path), key, true, &a, NULL), VPR_OK);
    ck_assert_uint_eq(a.op_count, found ? 2 : 0);
    ck_assert(!found || vpr_verify_simple(&app_hash, name, key, a.value, a.ops, 2));
}

/* The key index holds exactly the keys of the state, in the order of their hashes. */
static void count_each(void *arg, struct vpr_bytes key, struct vpr_bytes value)
{
    (void)key;
    (void)value;
    ++*(size_t *)arg;
}

static void check_committed(struct run *r)
{
    struct vpr_kv *kv = r->store->kv;
    size_t state_count = 0, index_count = 0;
    kv->scan(kv->self, VPR_KV_STATE, count_each, &state_count);
    kv->scan(kv->self, VPR_KV_KEYINDEX, count_each, &index_count);
    ck_assert_uint_eq(state_count, r->now.count);
    ck_assert_uint_eq(index_count, r->now.count);
    uint64_t nodes = 0;
    for (uint8_t id = 0; id < WORLD_STORES; id++) {
        uint64_t leaves = r->store->tries[id].leaves;
        nodes += leaves == 0 ? 0 : 2 * leaves - 1;
    }
    ck_assert_uint_eq(vpr_trie_heap_used(r->store->heap), nodes);
}

static void commit(struct run *r)
{
    while (r->depth > 0) {
        vpr_store_keep(r->store);
        r->depth--;
    }
    uint64_t height = r->height + 1 + (luck_below(&r->luck, 10) == 0);
    if (height >= HEIGHTS) {
        return;
    }
    struct vpr_hash want = naive_app_hash(&r->now), have = vpr_store_root(r->store);
    ck_assert(vpr_hash_equal(&have, &want));
    vpr_store_commit(r->store, height);
    r->height = height;
    r->heights[height] = malloc(sizeof r->now);
    *r->heights[height] = r->now;
    r->hashes[height] = want;
    r->commits++;
    check_committed(r);
}

static void forget(struct run *r)
{
    vpr_store_reset(r->store);
    r->depth = 0;
    r->now = *r->heights[r->height];
}

static void rollback(struct run *r)
{
    uint64_t to = r->height - luck_below(&r->luck, 20 < r->height ? 20 : r->height + 1);
    char err[256];
    bool known = r->heights[to] != NULL;
    r->depth = 0;
    ck_assert_int_eq(vpr_store_rollback(r->store, to, err, sizeof err), known);
    if (!known) {
        forget(r);
        return;
    }
    for (uint64_t h = to + 1; h <= r->height; h++) {
        free(r->heights[h]);
        r->heights[h] = NULL;
    }
    r->height = to;
    r->now = *r->heights[to];
    struct vpr_hash hash = vpr_store_app_hash(r->store);
    ck_assert_uint_eq(vpr_store_height(r->store), to);
    ck_assert(to == 0 || vpr_hash_equal(&hash, &r->hashes[to]));
    check_committed(r);
}

static void step(struct run *r)
{
    const struct vpr_state state = {r->store, NULL};
    switch (luck_below(&r->luck, 40)) {
    case 0:
        commit(r);
        break;
    case 1:
        if (luck_below(&r->luck, 3) == 0) {
            forget(r);
        }
        break;
    case 2:
        if (luck_below(&r->luck, 3) == 0) {
            rollback(r);
        }
        break;
    case 3:
    case 4:
        if (r->depth < VPR_OVERLAY_DEPTH_MAX) {
            vpr_store_begin(r->store);
            r->journal[r->depth++] = r->now;
        }
        break;
    case 5:
        if (r->depth > 0) {
            vpr_store_keep(r->store);
            r->depth--;
        }
        break;
    case 6:
        if (r->depth > 0) {
            vpr_store_undo(r->store);
            r->now = r->journal[--r->depth];
        }
        break;
    default:
        change(r);
        check_get(r, &state, &r->now);
        check_walk(r, &state, &r->now);
    }
    struct vpr_view *view = vpr_store_view(r->store);
    const struct vpr_state committed = {NULL, view};
    const struct model *model = r->heights[r->height];
    ck_assert_uint_eq(vpr_view_height(view), r->height);
    check_get(r, &committed, model);
    check_walk(r, &committed, model);
    if (r->height > 0) {
        check_proofs(r, view, model);
    }
    vpr_view_release(view);
    vpr_arena_release(&r->arena, 0);
}

static void run(struct vpr_kv *kv, const char *what, size_t steps)
{
    struct run *r = calloc(1, sizeof *r);
    r->luck = luck_seeded(what);
    vpr_arena_init(&r->arena, 16 << 20);
    r->store = world_open(kv);
    r->heights[0] = calloc(1, sizeof r->now);
    for (size_t i = 0; i < steps; i++) {
        step(r);
    }
    ck_assert_uint_gt(r->commits, 0); /* the last may have been rolled back */
    vpr_store_close(r->store);
    vpr_arena_finish(&r->arena);
    for (size_t h = 0; h < HEIGHTS; h++) {
        free(r->heights[h]);
    }
    free(r);
}

START_TEST(random_programs_agree_with_the_model_in_memory)
{
    for (size_t i = 0; i < 3; i++) {
        run(vpr_kv_memory_open(), "model, memory", STEPS);
    }
}
END_TEST

START_TEST(a_random_program_agrees_with_the_model_on_disk)
{
    struct vpr_arena arena;
    vpr_arena_init(&arena, 1 << 16);
    char *path = world_dir(&arena), err[256];
    struct vpr_kv *kv = vpr_kv_rocksdb_open(path, err, sizeof err);
    ck_assert_msg(kv != NULL, "%s", err);
    run(kv, "model, disk", STEPS / 2);
    world_dir_remove(path);
    vpr_arena_finish(&arena);
}
END_TEST

/* The same writes in any order, in one block or in many: one app hash. */
START_TEST(order_and_blocks_do_not_matter)
{
    struct luck luck = luck_seeded("permutation");
    enum { KEYS = 200 };
    uint16_t order[KEYS];
    struct vpr_hash first = {{0}};
    for (uint16_t i = 0; i < KEYS; i++) {
        order[i] = i;
    }
    for (size_t round = 0; round < 12; round++) {
        for (size_t i = KEYS; i > 1; i--) {
            size_t j = luck_below(&luck, i);
            uint16_t swap = order[i - 1];
            order[i - 1] = order[j];
            order[j] = swap;
        }
        struct vpr_store *store = world_memory();
        const struct vpr_state state = {store, NULL};
        uint64_t height = 0;
        for (size_t i = 0; i < KEYS; i++) {
            uint8_t key[2] = {(uint8_t)(order[i] >> 8), (uint8_t)order[i]};
            vpr_state_put(&state, (uint8_t)(order[i] % WORLD_STORES), vpr_bytes_of(key, 2),
                          vpr_bytes_of(key, 2));
            if (luck_below(&luck, 20) == 0) {
                vpr_store_commit(store, ++height);
            }
        }
        vpr_store_commit(store, ++height);
        struct vpr_hash hash = vpr_store_app_hash(store);
        first = round == 0 ? hash : first;
        ck_assert(vpr_hash_equal(&hash, &first));
        vpr_store_close(store);
    }
}
END_TEST

Suite *model_suite(void)
{
    Suite *suite = suite_create("model");
    TCase *tests = tcase_create("model");
    tcase_set_timeout(tests, 180);
    tcase_add_test(tests, random_programs_agree_with_the_model_in_memory);
    tcase_add_test(tests, a_random_program_agrees_with_the_model_on_disk);
    tcase_add_test(tests, order_and_blocks_do_not_matter);
    suite_add_tcase(suite, tests);
    return suite;
}
