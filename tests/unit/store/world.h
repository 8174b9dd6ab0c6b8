/* world.h - what the store's tests share: luck with a seed, a naive model of the state with
 * its naive root, and directories that vanish. */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include "app/base/arena.h"
#include "app/store/inside.h"
#include "app/store/store.h"

#define WORLD_STORES 3
extern const char *const world_names[WORLD_STORES];

/* xorshift: the same numbers everywhere. */
struct luck {
    uint64_t state;
};
uint64_t luck_next(struct luck *luck);
uint64_t luck_below(struct luck *luck, uint64_t n);
/* VPR_SEED, or one of its own; printed, so that a failure can be run again. */
struct luck luck_seeded(const char *test);

/* A state as a sorted array. */
#define MODEL_PAIRS_MAX 512
#define MODEL_BYTES_MAX 12
struct pair {
    uint8_t id;
    uint8_t key_len, value_len;
    uint8_t key[MODEL_BYTES_MAX], value[MODEL_BYTES_MAX];
};
struct model {
    size_t count;
    struct pair pairs[MODEL_PAIRS_MAX];
};

/* The place of (id, key), or where it would stand. */
size_t model_place(const struct model *model, uint8_t id, struct vpr_bytes key,
                   bool *ret_found);
void model_put(struct model *model, uint8_t id, struct vpr_bytes key, struct vpr_bytes value);
void model_del(struct model *model, uint8_t id, struct vpr_bytes key);
struct vpr_bytes pair_key(const struct pair *pair);
struct vpr_bytes pair_value(const struct pair *pair);

/* By the definition of the tree, one bit at a time, from the pairs alone. */
struct vpr_hash naive_root(const struct model *model, uint8_t id);
struct vpr_hash naive_app_hash(const struct model *model);
/* The same of bare positions and leaves. */
struct vpr_hash naive_subtree(const struct vpr_trie_change *changes, size_t count,
                              size_t depth);

struct vpr_store *world_open(struct vpr_kv *kv);
struct vpr_store *world_memory(void);
struct vpr_store *world_rocksdb(const char *path);

/* A new directory under /tmp; removed with all it holds. */
char *world_dir(struct vpr_arena *arena);
void world_dir_remove(const char *path);

/* Block `height` of an endless deterministic chain: some puts, some deletions. */
void world_block(struct vpr_store *store, uint64_t height);

#endif
