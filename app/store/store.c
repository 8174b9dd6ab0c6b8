#include "app/store/store.h"

#include "app/base/bytes.h"
#include "app/base/err.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/base/merkle.h"
#include "app/base/sort.h"
#include "app/store/inside.h"
#include "app/store/record.h"

/* Under VPR_KV_META: the one record that says where the store stands. */
static const struct vpr_bytes meta_key = {(const uint8_t *)"state", 5};

#define FULL_HASH_KEY (1 + 32) /* in VPR_KV_KEYINDEX: store id and SHA-256 of the key */

VPR_PRINTF(3, 4) static bool refuse(char *text, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vpr_format(text, size, fmt, args);
    va_end(args);
    return false;
}

void vpr_store_map_leaves(const struct vpr_store *store, const struct vpr_trie *tries,
                          struct vpr_hash *ret_leaves)
{
    for (size_t i = 0; i < store->count; i++) {
        ret_leaves[i] = vpr_trie_map_leaf(vpr_bytes_str(store->names[i]), &tries[i].root);
    }
}

static struct vpr_hash app_hash(const struct vpr_store *store, const struct vpr_trie *tries)
{
    struct vpr_hash leaves[VPR_STORES_MAX];
    vpr_store_map_leaves(store, tries, leaves);
    return vpr_merkle_root(leaves, store->count);
}

/* ---- opening ---- */

/* One pass over the flat state: the changes of one store at a time, sorted and applied. */
struct rebuild {
    struct vpr_store *store;
    size_t id;
    struct vpr_trie_change *changes;
    size_t count, size;
    uint64_t strange; /* keys of no store */
};

static void rebuild_flush(struct rebuild *r)
{
    struct vpr_store *store = r->store;
    vpr_trie_sort(r->changes, r->count);
    struct vpr_trie *trie = &store->tries[r->id];
    *trie = vpr_trie_apply(store->heap, *trie, r->changes, r->count);
    r->count = 0;
}

static void rebuild_each(void *arg, struct vpr_bytes key, struct vpr_bytes value)
{
    struct rebuild *r = arg;
    if (key.len < 2 || key.data[0] >= r->store->count || value.len == 0) {
        r->strange++;
        return;
    }
    if (key.data[0] != r->id) {
        rebuild_flush(r);
        r->id = key.data[0];
    }
    if (r->count == r->size) {
        r->size = r->size == 0 ? 4096 : r->size * 2;
        r->changes = vpr_mem_resize(r->changes, r->size * sizeof r->changes[0]);
    }
    struct vpr_hash value_hash = vpr_sha256(value.data, value.len);
    struct vpr_trie_change *change = &r->changes[r->count++];
    change->key = vpr_sha256(key.data + 1, key.len - 1);
    change->leaf = vpr_trie_leaf(&change->key, &value_hash);
    change->gone = false;
}

static void undo_each(void *arg, struct vpr_bytes key, struct vpr_bytes value)
{
    struct vpr_store *store = arg;
    (void)value;
    VPR_ASSERT(key.len == 8 && store->undo_count < VPR_STORE_UNDO_BLOCKS);
    store->undo_heights[store->undo_count++] = vpr_get_be64(key.data);
}

static bool same_names(const struct vpr_store *store, const struct vpr_meta *meta)
{
    if (meta->count != store->count) {
        return false;
    }
    for (size_t i = 0; i < store->count; i++) {
        if (!vpr_bytes_equal(meta->names[i], vpr_bytes_str(store->names[i]))) {
            return false;
        }
    }
    return true;
}

static bool check_state(struct vpr_store *store, const struct vpr_meta *meta, char *text,
                        size_t size)
{
    for (size_t i = 0; i < store->count; i++) {
        if (!vpr_hash_equal(&store->tries[i].root, &meta->roots[i])) {
            return refuse(text, size,
                          "state of height %" PRIu64 " is damaged: store %s has %" PRIu64
                          " keys and another root than the %" PRIu64 " committed",
                          meta->height, store->names[i], store->tries[i].leaves,
                          meta->leaves[i]);
        }
    }
    struct vpr_hash hash = app_hash(store, store->tries);
    if (!vpr_hash_equal(&hash, &meta->app_hash)) {
        return refuse(text, size, "the record of height %" PRIu64
                      " is damaged: its app hash is not that of its roots", meta->height);
    }
    return true;
}

static bool load(struct vpr_store *store, char *text, size_t size)
{
    struct vpr_bytes record;
    struct vpr_meta meta;
    bool fresh = !store->kv->get(store->kv->self, NULL, VPR_KV_META, &store->overlay.arena,
                                 meta_key, &record);
    if (!fresh && !vpr_meta_decode(&meta, record)) {
        return refuse(text, size, "the store's record of where it stands cannot be read");
    }
    if (!fresh && !same_names(store, &meta)) {
        return refuse(text, size,
                      "the data was written with other stores: %zu of them, now %zu",
                      meta.count, store->count);
    }
    struct rebuild r = {store, 0, NULL, 0, 0, 0};
    store->kv->scan(store->kv->self, VPR_KV_STATE, rebuild_each, &r);
    rebuild_flush(&r);
    vpr_mem_free(r.changes);
    vpr_trie_accept(store->heap, 0);
    if (r.strange != 0 || (fresh && vpr_trie_heap_used(store->heap) != 0)) {
        return refuse(text, size,
                      "the state holds keys no commit wrote; restore it from a copy");
    }
    if (fresh) {
        return true;
    }
    if (!check_state(store, &meta, text, size)) {
        return false;
    }
    store->height = meta.height;
    store->app_hash = meta.app_hash;
    store->kv->scan(store->kv->self, VPR_KV_UNDO, undo_each, store);
    return true;
}

static void take_names(struct vpr_store *store, const char *const *names, size_t count)
{
    VPR_ASSERT(count >= 1 && count <= VPR_STORES_MAX);
    store->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        VPR_ASSERT(len >= 1 && len <= VPR_TRIE_NAME_MAX);
        for (size_t c = 0; c < len; c++) {
            VPR_ASSERT(names[i][c] >= 'a' && names[i][c] <= 'z');
        }
        VPR_ASSERT(i == 0 || strcmp(names[i - 1], names[i]) < 0);
        memcpy(store->names[i], names[i], len + 1);
    }
}

struct vpr_store *vpr_store_open(struct vpr_kv *kv, const char *const *names, size_t count,
                                 char *err_text, size_t err_size)
{
    struct vpr_store *store = vpr_mem_alloc(sizeof *store);
    store->kv = kv;
    take_names(store, names, count);
    store->heap = vpr_trie_heap_open();
    vpr_overlay_init(&store->overlay);
    atomic_flag_clear(&store->lock);
    store->generation = 1;
    if (!load(store, err_text, err_size)) {
        vpr_store_close(store);
        return NULL;
    }
    vpr_overlay_clear(&store->overlay);
    vpr_view_publish(store);
    return store;
}

void vpr_store_close(struct vpr_store *store)
{
    if (store == NULL) {
        return;
    }
    vpr_view_finish(store);
    vpr_trie_heap_close(store->heap);
    vpr_overlay_finish(&store->overlay);
    vpr_kv_close(store->kv);
    vpr_mem_free(store);
}

uint64_t vpr_store_height(const struct vpr_store *store)
{
    return store->height;
}

struct vpr_hash vpr_store_app_hash(const struct vpr_store *store)
{
    return store->app_hash;
}

/* ---- the block in hand ---- */

void vpr_store_reset(struct vpr_store *store)
{
    vpr_trie_discard(store->heap);
    vpr_overlay_clear(&store->overlay);
    store->rooted = false;
}

/* The changes of store `id`, which begin at entry `first`; returns where they end. */
static size_t hash_changes(struct vpr_store *store, size_t first)
{
    uint8_t id = store->changed[first]->key.data[0];
    size_t end = first;
    while (end < store->changed_count && store->changed[end]->key.data[0] == id) {
        end++;
    }
    struct vpr_trie_change *changes =
        VPR_ARENA_ARRAY(&store->overlay.arena, struct vpr_trie_change, end - first);
    for (size_t i = first; i < end; i++) {
        struct vpr_entry *entry = store->changed[i];
        struct vpr_trie_change *change = &changes[i - first];
        entry->hash = vpr_sha256(entry->key.data + 1, entry->key.len - 1);
        change->key = entry->hash;
        change->gone = entry->state == VPR_ENTRY_GONE;
        if (!change->gone) {
            struct vpr_hash value_hash = vpr_sha256(entry->value.data, entry->value.len);
            change->leaf = vpr_trie_leaf(&change->key, &value_hash);
        }
    }
    vpr_trie_sort(changes, end - first);
    store->next_tries[id] =
        vpr_trie_apply(store->heap, store->tries[id], changes, end - first);
    return end;
}

struct vpr_hash vpr_store_root(struct vpr_store *store)
{
    VPR_ASSERT(store->overlay.depth == 0); /* every begin has its keep or undo */
    if (store->rooted) {
        return store->next_app_hash;
    }
    store->changed =
        VPR_ARENA_ARRAY(&store->overlay.arena, struct vpr_entry *, store->overlay.count);
    store->changed_count = vpr_overlay_changed(&store->overlay, store->changed);
    memcpy(store->next_tries, store->tries, sizeof store->next_tries);
    for (size_t i = 0; i < store->changed_count;) {
        i = hash_changes(store, i);
    }
    store->next_app_hash = app_hash(store, store->next_tries);
    store->rooted = true;
    return store->next_app_hash;
}

static struct vpr_bytes undo_key(struct vpr_arena *arena, uint64_t height)
{
    uint8_t key[8];
    vpr_put_be64(key, height);
    return vpr_arena_bytes(arena, vpr_bytes_of(key, sizeof key));
}

static int write_cmp(const void *a, const void *b)
{
    return vpr_bytes_cmp(((const struct vpr_kv_write *)a)->key,
                         ((const struct vpr_kv_write *)b)->key);
}

/* State and key index.  The index holds exactly the keys of the state: a view reads it
 * through its own snapshot, so nobody needs the entry of a deleted key. */
static size_t list_changes(struct vpr_store *store, struct vpr_kv_write *writes)
{
    struct vpr_arena *arena = &store->overlay.arena;
    size_t n = 0;
    for (size_t i = 0; i < store->changed_count; i++) {
        const struct vpr_entry *entry = store->changed[i];
        writes[n++] = (struct vpr_kv_write){VPR_KV_STATE, entry->key, entry->value};
    }
    size_t first = n;
    for (size_t i = 0; i < store->changed_count; i++) {
        const struct vpr_entry *entry = store->changed[i];
        if (entry->existed && entry->state == VPR_ENTRY_PUT) {
            continue;
        }
        uint8_t *key = vpr_arena_alloc(arena, FULL_HASH_KEY);
        key[0] = entry->key.data[0];
        memcpy(key + 1, entry->hash.b, 32);
        struct vpr_bytes raw = {NULL, 0};
        if (entry->state == VPR_ENTRY_PUT) {
            raw = vpr_bytes_of(entry->key.data + 1, entry->key.len - 1);
        }
        writes[n++] = (struct vpr_kv_write){VPR_KV_KEYINDEX, vpr_bytes_of(key, FULL_HASH_KEY),
                                            raw};
    }
    vpr_sort(arena, writes + first, n - first, sizeof writes[0], write_cmp);
    return n;
}

static struct vpr_kv_write meta_write(struct vpr_store *store, uint64_t height,
                                      const struct vpr_hash *hash)
{
    struct vpr_kv_write one = {VPR_KV_META, meta_key, {NULL, 0}};
    if (height == 0) {
        return one; /* back before the first commit: no record */
    }
    struct vpr_meta meta;
    memset(&meta, 0, sizeof meta);
    meta.height = height;
    meta.app_hash = *hash;
    meta.count = store->count;
    for (size_t i = 0; i < store->count; i++) {
        meta.names[i] = vpr_bytes_str(store->names[i]);
        meta.leaves[i] = store->next_tries[i].leaves;
        meta.roots[i] = store->next_tries[i].root;
    }
    one.value = vpr_meta_encode(&store->overlay.arena, &meta);
    return one;
}

/* The batch is on disk: what was next is the state now. */
static void settle(struct vpr_store *store, uint64_t height, struct vpr_hash hash)
{
    memcpy(store->tries, store->next_tries, sizeof store->tries);
    store->height = height;
    store->app_hash = hash;
    vpr_trie_accept(store->heap, store->generation);
    store->generation++;
    vpr_overlay_clear(&store->overlay);
    store->rooted = false;
    vpr_view_publish(store);
}

void vpr_store_commit(struct vpr_store *store, uint64_t height)
{
    VPR_ASSERT(height > store->height);
    struct vpr_hash hash = vpr_store_root(store);
    struct vpr_arena *arena = &store->overlay.arena;
    struct vpr_kv_write *writes = VPR_ARENA_ARRAY(
        arena, struct vpr_kv_write, store->changed_count * 2 + VPR_STORE_UNDO_BLOCKS + 2);
    size_t n = list_changes(store, writes);

    size_t old = 0;
    while (old < store->undo_count &&
           height - store->undo_heights[old] >= VPR_STORE_UNDO_BLOCKS) {
        writes[n++] = (struct vpr_kv_write){
            VPR_KV_UNDO, undo_key(arena, store->undo_heights[old]), {NULL, 0}};
        old++;
    }
    writes[n++] = (struct vpr_kv_write){
        VPR_KV_UNDO, undo_key(arena, height),
        vpr_undo_encode(arena, store->height, &store->app_hash, store->changed,
                        store->changed_count)};
    writes[n++] = meta_write(store, height, &hash);
    store->kv->commit(store->kv->self, writes, n);

    store->undo_count -= old;
    memmove(store->undo_heights, store->undo_heights + old,
            store->undo_count * sizeof store->undo_heights[0]);
    VPR_ASSERT(store->undo_count < VPR_STORE_UNDO_BLOCKS);
    store->undo_heights[store->undo_count++] = height;
    settle(store, height, hash);
}

/* ---- rollback ---- */

/* Sets every key a block changed back to what the block found. */
static void take_back(struct vpr_store *store, struct vpr_undo *undo)
{
    const struct vpr_state state = {store, NULL};
    struct vpr_undo_entry entry;
    while (vpr_undo_next(undo, &entry)) {
        uint8_t id = entry.key.data[0];
        struct vpr_bytes key = vpr_bytes_of(entry.key.data + 1, entry.key.len - 1);
        if (entry.existed) {
            vpr_state_put(&state, id, key, entry.old);
        } else {
            vpr_state_del(&state, id, key);
        }
    }
}

/* Brings the block in hand to the state after `height`; *ret_kept undo records stay. */
static bool go_back(struct vpr_store *store, uint64_t height, struct vpr_hash *ret_hash,
                    size_t *ret_kept, char *text, size_t size)
{
    uint64_t at = store->height;
    *ret_hash = store->app_hash;
    *ret_kept = store->undo_count;
    while (at > height) {
        struct vpr_bytes record;
        struct vpr_undo undo;
        if (*ret_kept == 0 || store->undo_heights[*ret_kept - 1] != at) {
            return refuse(text, size, "cannot go back to height %" PRIu64
                          ": the oldest that can be reached is %" PRIu64, height, at);
        }
        if (!store->kv->get(store->kv->self, NULL, VPR_KV_UNDO, &store->overlay.arena,
                            undo_key(&store->overlay.arena, at), &record) ||
            !vpr_undo_decode(&undo, record)) {
            return refuse(text, size, "the undo record of height %" PRIu64 " is damaged", at);
        }
        take_back(store, &undo);
        at = undo.height_before;
        *ret_hash = undo.app_hash_before;
        (*ret_kept)--;
    }
    if (at != height) {
        return refuse(text, size, "height %" PRIu64
                      " was never committed: the one before it is %" PRIu64, height, at);
    }
    return true;
}

static uint64_t leaves_of(const struct vpr_store *store, const struct vpr_trie *tries)
{
    uint64_t leaves = 0;
    for (size_t i = 0; i < store->count; i++) {
        leaves += tries[i].leaves;
    }
    return leaves;
}

bool vpr_store_rollback(struct vpr_store *store, uint64_t height, char *err_text,
                        size_t err_size)
{
    struct vpr_hash want;
    size_t kept;
    vpr_store_reset(store);
    if (height > store->height) {
        return refuse(err_text, err_size, "height %" PRIu64 " is above the last one, %" PRIu64,
                      height, store->height);
    }
    if (height == store->height) {
        return true;
    }
    if (!go_back(store, height, &want, &kept, err_text, err_size)) {
        vpr_store_reset(store);
        return false;
    }
    struct vpr_hash have = vpr_store_root(store);
    bool there = height == 0 ? leaves_of(store, store->next_tries) == 0
                             : vpr_hash_equal(&have, &want);
    if (!there) {
        vpr_store_reset(store);
        return refuse(err_text, err_size, "the undo records do not lead to the app hash of "
                      "height %" PRIu64, height);
    }
    struct vpr_arena *arena = &store->overlay.arena;
    struct vpr_kv_write *writes = VPR_ARENA_ARRAY(
        arena, struct vpr_kv_write, store->changed_count * 2 + VPR_STORE_UNDO_BLOCKS + 2);
    size_t n = list_changes(store, writes);
    for (size_t i = kept; i < store->undo_count; i++) {
        writes[n++] = (struct vpr_kv_write){
            VPR_KV_UNDO, undo_key(arena, store->undo_heights[i]), {NULL, 0}};
    }
    writes[n++] = meta_write(store, height, &want);
    store->kv->commit(store->kv->self, writes, n);
    store->undo_count = kept;
    settle(store, height, want);
    return true;
}
