#include "tests/unit/store/world.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"

const char *const world_names[WORLD_STORES] = {"accounts", "meta", "servicers"};

uint64_t luck_next(struct luck *luck)
{
    luck->state ^= luck->state << 13;
    luck->state ^= luck->state >> 7;
    luck->state ^= luck->state << 17;
    return luck->state * UINT64_C(2685821657736338717);
}

uint64_t luck_below(struct luck *luck, uint64_t n)
{
    return (luck_next(luck) >> 11) % n;
}

struct luck luck_seeded(const char *test)
{
    static uint64_t runs;
    const char *given = getenv("VPR_SEED");
    uint64_t seed = ((uint64_t)getpid() << 8 | ++runs) * 2654435761u;
    seed = given != NULL ? strtoull(given, NULL, 10) : seed;
    seed = seed == 0 ? 1 : seed;
    printf("%s: VPR_SEED=%" PRIu64 "\n", test, seed);
    (void)fflush(stdout);
    return (struct luck){seed};
}

struct vpr_bytes pair_key(const struct pair *pair)
{
    return vpr_bytes_of(pair->key, pair->key_len);
}

struct vpr_bytes pair_value(const struct pair *pair)
{
    return vpr_bytes_of(pair->value, pair->value_len);
}

size_t model_place(const struct model *model, uint8_t id, struct vpr_bytes key, bool *ret_found)
{
    size_t at = 0;
    *ret_found = false;
    for (; at < model->count; at++) {
        const struct pair *pair = &model->pairs[at];
        int order = (int)pair->id - (int)id;
        order = order == 0 ? vpr_bytes_cmp(pair_key(pair), key) : order;
        if (order >= 0) {
            *ret_found = order == 0;
            break;
        }
    }
    return at;
}

void model_put(struct model *model, uint8_t id, struct vpr_bytes key, struct vpr_bytes value)
{
    bool found;
    size_t at = model_place(model, id, key, &found);
    if (!found) {
        ck_assert_uint_lt(model->count, MODEL_PAIRS_MAX);
        memmove(&model->pairs[at + 1], &model->pairs[at],
                (model->count - at) * sizeof model->pairs[0]);
        model->count++;
    }
    struct pair *pair = &model->pairs[at];
    pair->id = id;
    pair->key_len = (uint8_t)key.len;
    pair->value_len = (uint8_t)value.len;
    memcpy(pair->key, key.data, key.len);
    memcpy(pair->value, value.data, value.len);
}

void model_del(struct model *model, uint8_t id, struct vpr_bytes key)
{
    bool found;
    size_t at = model_place(model, id, key, &found);
    ck_assert(found);
    model->count--;
    memmove(&model->pairs[at], &model->pairs[at + 1],
            (model->count - at) * sizeof model->pairs[0]);
}

static struct vpr_hash naive_inner(struct vpr_hash left, struct vpr_hash right)
{
    uint8_t image[65] = {1};
    memcpy(image + 1, left.b, 32);
    memcpy(image + 33, right.b, 32);
    return vpr_sha256(image, sizeof image);
}

struct vpr_hash naive_subtree(const struct vpr_trie_change *changes, size_t count, size_t depth)
{
    struct vpr_hash empty = {{0}};
    if (count == 0) {
        return empty;
    }
    if (count == 1) {
        return changes[0].leaf;
    }
    struct vpr_trie_change *sides = calloc(2 * count, sizeof *sides);
    size_t n[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        unsigned side = changes[i].key.b[depth / 8] >> (7 - depth % 8) & 1;
        sides[side * count + n[side]++] = changes[i];
    }
    struct vpr_hash left = naive_subtree(sides, n[0], depth + 1);
    struct vpr_hash right = naive_subtree(sides + count, n[1], depth + 1);
    free(sides);
    return naive_inner(left, right);
}

struct vpr_hash naive_root(const struct model *model, uint8_t id)
{
    struct vpr_trie_change *leaves = calloc(model->count + 1, sizeof *leaves);
    size_t n = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct pair *pair = &model->pairs[i];
        if (pair->id != id) {
            continue;
        }
        uint8_t image[67] = {0, 32};
        struct vpr_hash value = vpr_sha256(pair->value, pair->value_len);
        leaves[n].key = vpr_sha256(pair->key, pair->key_len);
        memcpy(image + 2, leaves[n].key.b, 32);
        image[34] = 32;
        memcpy(image + 35, value.b, 32);
        leaves[n++].leaf = vpr_sha256(image, sizeof image);
    }
    struct vpr_hash root = naive_subtree(leaves, n, 0);
    free(leaves);
    return root;
}

struct vpr_hash naive_app_hash(const struct model *model)
{
    struct vpr_hash leaves[WORLD_STORES];
    for (uint8_t id = 0; id < WORLD_STORES; id++) {
        struct vpr_hash root = naive_root(model, id);
        struct vpr_hash value = vpr_sha256(root.b, 32);
        uint8_t image[128] = {0};
        size_t len = strlen(world_names[id]);
        image[1] = (uint8_t)len;
        memcpy(image + 2, world_names[id], len);
        image[2 + len] = 32;
        memcpy(image + 3 + len, value.b, 32);
        leaves[id] = vpr_sha256(image, 3 + len + 32);
    }
    return naive_inner(naive_inner(leaves[0], leaves[1]), leaves[2]);
}

struct vpr_store *world_open(struct vpr_kv *kv)
{
    char err[256] = "";
    struct vpr_store *store = vpr_store_open(kv, world_names, WORLD_STORES, err, sizeof err);
    ck_assert_msg(store != NULL, "%s", err);
    return store;
}

struct vpr_store *world_memory(void)
{
    return world_open(vpr_kv_memory_open());
}

struct vpr_store *world_rocksdb(const char *path)
{
    char err[256] = "";
    struct vpr_kv *kv = vpr_kv_rocksdb_open(path, err, sizeof err);
    ck_assert_msg(kv != NULL, "%s", err);
    return world_open(kv);
}

char *world_dir(struct vpr_arena *arena)
{
    char *path = vpr_arena_text(arena, "/tmp/vpr-store-XXXXXX");
    ck_assert(mkdtemp(path) != NULL);
    return path;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void world_dir_remove(const char *path)
{
    ck_assert_int_eq(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void world_block(struct vpr_store *store, uint64_t height)
{
    const struct vpr_state state = {store, NULL};
    uint8_t arena_key[8];
    struct luck luck = {height * UINT64_C(0x9E3779B97F4A7C15) | 1};
    struct vpr_arena arena;
    vpr_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 40; i++) {
        uint8_t id = (uint8_t)luck_below(&luck, WORLD_STORES);
        vpr_put_be64(arena_key, luck_below(&luck, 300));
        struct vpr_bytes key = vpr_bytes_of(arena_key + 6, 2), old;
        uint64_t value = luck_next(&luck);
        if (luck_below(&luck, 4) == 0 && vpr_state_get(&state, &arena, id, key, &old)) {
            vpr_state_del(&state, id, key);
        } else {
            vpr_state_put(&state, id, key, vpr_bytes_of(&value, sizeof value));
        }
    }
    vpr_put_be64(arena_key, height);
    vpr_state_put(&state, 1, vpr_bytes_str("height"), vpr_bytes_of(arena_key, 8));
    vpr_arena_finish(&arena);
}
