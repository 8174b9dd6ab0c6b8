#include "app/base/bytes.h"
#include "app/store/inside.h"

/* Reads and writes of the block in hand.  A key read once is kept in the overlay as it is
 * committed: the next read and a later write need no disk. */

/* Beyond this much, reads are no longer kept: the rest belongs to what the block writes. */
#define KEEP_READS_MAX (UINT64_C(1) << 28)

struct full_key {
    size_t len;
    uint8_t data[VPR_STORE_FULL_KEY_MAX + 1];
};

static struct full_key full(uint8_t id, struct vpr_bytes key)
{
    struct full_key whole = {1 + key.len, {0}};
    VPR_ASSERT(whole.len <= sizeof whole.data);
    whole.data[0] = id;
    if (key.len > 0) {
        memcpy(whole.data + 1, key.data, key.len);
    }
    return whole;
}

static struct vpr_bytes bytes(const struct full_key *key)
{
    return vpr_bytes_of(key->data, key->len);
}

static void step_after(struct full_key *key)
{
    VPR_ASSERT(key->len < sizeof key->data);
    key->data[key->len++] = 0;
}

/* The greatest key below: the last byte one less and ff to the longest length, or, if it is
 * 00, without it. */
static void step_before(struct full_key *key)
{
    VPR_ASSERT(key->len > 0);
    uint8_t *last = &key->data[key->len - 1];
    if (*last == 0) {
        key->len--;
        return;
    }
    (*last)--;
    memset(last + 1, 0xFF, VPR_STORE_FULL_KEY_MAX - key->len);
    key->len = VPR_STORE_FULL_KEY_MAX;
}

static const struct vpr_store *store_of(const struct vpr_state *state)
{
    VPR_ASSERT((state->store == NULL) != (state->view == NULL));
    return state->store != NULL ? state->store : state->view->store;
}

static void check_id(const struct vpr_state *state, uint8_t id)
{
    VPR_ASSERT(id < store_of(state)->count);
}

static void *snapshot_of(const struct vpr_state *state)
{
    return state->view == NULL ? NULL : state->view->snapshot;
}

static struct vpr_entry *load(struct vpr_store *store, struct vpr_bytes key)
{
    struct vpr_entry *entry = vpr_overlay_find(&store->overlay, key);
    if (entry == NULL) {
        struct vpr_bytes old = {NULL, 0};
        bool existed = store->kv->get(store->kv->self, NULL, VPR_KV_STATE,
                                      &store->overlay.arena, key, &old);
        entry = vpr_overlay_add(&store->overlay, key, existed, old);
    }
    return entry;
}

bool vpr_state_get(const struct vpr_state *state, struct vpr_arena *arena, uint8_t id,
                   struct vpr_bytes key, struct vpr_bytes *ret_value)
{
    check_id(state, id);
    struct vpr_store *store = state->store;
    if (key.len == 0 || key.len > VPR_STORE_KEY_BYTES_MAX) {
        return false; /* no such key can have been put */
    }
    struct full_key whole = full(id, key);
    const struct vpr_entry *entry = NULL;
    if (store != NULL) {
        entry = store->overlay.arena.used < KEEP_READS_MAX
                    ? load(store, bytes(&whole))
                    : vpr_overlay_find(&store->overlay, bytes(&whole));
    }
    if (entry == NULL) {
        const struct vpr_kv *kv = store_of(state)->kv;
        return kv->get(kv->self, snapshot_of(state), VPR_KV_STATE, arena, bytes(&whole),
                       ret_value);
    }
    struct vpr_bytes value;
    if (!vpr_entry_value(entry, &value)) {
        return false;
    }
    *ret_value = vpr_arena_bytes(arena, value);
    return true;
}

/* Where a walk through `prefix` begins: `from`, or the end of the prefix nearest to it;
 * false if it would begin beyond. */
static bool begin_at(struct full_key *ret_cursor, const struct full_key *prefix,
                     const struct full_key *from, bool backward)
{
    if (vpr_bytes_starts(bytes(from), bytes(prefix))) {
        *ret_cursor = *from;
        return true;
    }
    bool below = vpr_bytes_cmp(bytes(from), bytes(prefix)) < 0;
    if (below == backward) {
        return false;
    }
    *ret_cursor = *prefix;
    if (backward) {
        memset(ret_cursor->data + ret_cursor->len, 0xFF,
               VPR_STORE_FULL_KEY_MAX - ret_cursor->len);
        ret_cursor->len = VPR_STORE_FULL_KEY_MAX;
    }
    return true;
}

struct pair {
    bool found;
    struct vpr_bytes key, value;
};

static struct pair seek_kv(const struct vpr_state *state, struct vpr_arena *arena,
                           const struct full_key *prefix, const struct full_key *cursor,
                           bool backward)
{
    const struct vpr_kv *kv = store_of(state)->kv;
    struct pair pair = {false, {NULL, 0}, {NULL, 0}};
    size_t mark = vpr_arena_mark(arena);
    pair.found = kv->seek(kv->self, snapshot_of(state), VPR_KV_STATE, backward, arena,
                          bytes(cursor), &pair.key, &pair.value);
    if (pair.found && !vpr_bytes_starts(pair.key, bytes(prefix))) {
        vpr_arena_release(arena, mark);
        pair.found = false;
    }
    return pair;
}

/* The nearest pair of disk and block together.  The overlay's entry wins where it is at
 * least as near; a deleted one sends both on. */
static bool walk(const struct vpr_state *state, struct vpr_arena *arena,
                 const struct full_key *prefix, struct full_key cursor, bool backward,
                 struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    size_t mark = vpr_arena_mark(arena);
    struct pair disk = seek_kv(state, arena, prefix, &cursor, backward);
    struct vpr_entry *entry = NULL;
    while (state->store != NULL) {
        entry = vpr_overlay_seek(&state->store->overlay, backward, bytes(&cursor));
        if (entry == NULL || !vpr_bytes_starts(entry->key, bytes(prefix))) {
            break;
        }
        int order = disk.found ? vpr_bytes_cmp(entry->key, disk.key) : 0;
        if (disk.found && (backward ? order < 0 : order > 0)) {
            break;
        }
        struct vpr_bytes value;
        if (vpr_entry_value(entry, &value)) {
            vpr_arena_release(arena, mark); /* the overlay does not live in this arena */
            *ret_key = vpr_arena_bytes(arena, vpr_bytes_of(entry->key.data + 1,
                                                           entry->key.len - 1));
            *ret_value = vpr_arena_bytes(arena, value);
            return true;
        }
        memcpy(cursor.data, entry->key.data, entry->key.len);
        cursor.len = entry->key.len;
        if (backward) {
            step_before(&cursor);
        } else {
            step_after(&cursor);
        }
        if (disk.found && order == 0) {
            vpr_arena_release(arena, mark);
            disk = seek_kv(state, arena, prefix, &cursor, backward);
        }
    }
    if (!disk.found) {
        return false;
    }
    *ret_key = vpr_bytes_of(disk.key.data + 1, disk.key.len - 1);
    *ret_value = disk.value;
    return true;
}

static bool step(const struct vpr_state *state, struct vpr_arena *arena, uint8_t id,
                 struct vpr_bytes prefix, struct vpr_bytes from, bool backward,
                 struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    check_id(state, id);
    VPR_ASSERT(prefix.len <= VPR_STORE_KEY_BYTES_MAX);
    struct full_key whole_prefix = full(id, prefix), whole_from = full(id, from), cursor;
    if (!begin_at(&cursor, &whole_prefix, &whole_from, backward)) {
        return false;
    }
    return walk(state, arena, &whole_prefix, cursor, backward, ret_key, ret_value);
}

bool vpr_state_next(const struct vpr_state *state, struct vpr_arena *arena, uint8_t id,
                    struct vpr_bytes prefix, struct vpr_bytes from, struct vpr_bytes *ret_key,
                    struct vpr_bytes *ret_value)
{
    return step(state, arena, id, prefix, from, false, ret_key, ret_value);
}

bool vpr_state_prev(const struct vpr_state *state, struct vpr_arena *arena, uint8_t id,
                    struct vpr_bytes prefix, struct vpr_bytes from, struct vpr_bytes *ret_key,
                    struct vpr_bytes *ret_value)
{
    return step(state, arena, id, prefix, from, true, ret_key, ret_value);
}

struct vpr_bytes vpr_state_after(struct vpr_arena *arena, struct vpr_bytes key)
{
    struct full_key whole = full(0, key);
    step_after(&whole);
    return vpr_arena_bytes(arena, vpr_bytes_of(whole.data + 1, whole.len - 1));
}

struct vpr_bytes vpr_state_before(struct vpr_arena *arena, struct vpr_bytes key)
{
    VPR_ASSERT(key.len > 0);
    struct full_key whole = full(0, key);
    step_before(&whole);
    return vpr_arena_bytes(arena, vpr_bytes_of(whole.data + 1, whole.len - 1));
}

static struct vpr_entry *entry_to_set(const struct vpr_state *state, uint8_t id,
                                      struct vpr_bytes key)
{
    VPR_ASSERT(state->store != NULL && state->view == NULL); /* views are read-only */
    VPR_ASSERT(!state->store->rooted);                       /* the block is closed */
    VPR_ASSERT(key.len >= 1 && key.len <= VPR_STORE_KEY_BYTES_MAX);
    check_id(state, id);
    struct full_key whole = full(id, key);
    return load(state->store, bytes(&whole));
}

void vpr_state_put(const struct vpr_state *state, uint8_t id, struct vpr_bytes key,
                   struct vpr_bytes value)
{
    VPR_ASSERT(value.len >= 1 && value.len <= UINT32_MAX);
    struct vpr_entry *entry = entry_to_set(state, id, key);
    struct vpr_bytes present;
    if (vpr_entry_value(entry, &present) && vpr_bytes_equal(present, value)) {
        return;
    }
    vpr_overlay_set(&state->store->overlay, entry, VPR_ENTRY_PUT, value);
}

void vpr_state_del(const struct vpr_state *state, uint8_t id, struct vpr_bytes key)
{
    struct vpr_entry *entry = entry_to_set(state, id, key);
    struct vpr_bytes present;
    VPR_ASSERT(vpr_entry_value(entry, &present)); /* deleting an absent key */
    vpr_overlay_set(&state->store->overlay, entry, VPR_ENTRY_GONE,
                    (struct vpr_bytes){NULL, 0});
}

void vpr_store_begin(struct vpr_store *store)
{
    VPR_ASSERT(!store->rooted);
    vpr_overlay_begin(&store->overlay);
}

void vpr_store_keep(struct vpr_store *store)
{
    vpr_overlay_keep(&store->overlay);
}

void vpr_store_undo(struct vpr_store *store)
{
    vpr_overlay_undo(&store->overlay);
}
