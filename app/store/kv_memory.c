#include <stdatomic.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/store/kv.h"

/* Items in key order; each holds its versions newest first, and a snapshot is the number of
 * the last commit it sees.  One small lock stands around every call, so that snapshots may
 * be read while the owner commits. */

#define SWEEP_MIN 64 /* deleted items worth a pass over a column */

struct version {
    struct version *older;
    uint64_t commit;
    bool gone;
    size_t len;
    uint8_t data[];
};

struct item {
    struct version *newest;
    size_t key_len;
    uint8_t key[];
};

struct column {
    struct item **items;
    size_t count, size;
    size_t gone; /* items deleted in the newest state */
};

struct snapshot {
    struct snapshot *older, *newer;
    uint64_t commit;
};

struct memory {
    struct vpr_kv face;
    struct column columns[VPR_KV_COLUMNS];
    struct snapshot *oldest, *newest;
    uint64_t commit;
    uint64_t fail_at; /* 0 never, 1 the next write */
    atomic_flag lock;
};

static void lock(struct memory *m)
{
    while (atomic_flag_test_and_set_explicit(&m->lock, memory_order_acquire)) {
    }
}

static void unlock(struct memory *m)
{
    atomic_flag_clear_explicit(&m->lock, memory_order_release);
}

static struct vpr_bytes key_of(const struct item *item)
{
    return vpr_bytes_of(item->key, item->key_len);
}

/* The first place whose key is >= `key`. */
static size_t lower_bound(const struct column *column, struct vpr_bytes key)
{
    size_t low = 0, high = column->count;
    if (high > 0 && vpr_bytes_cmp(key_of(column->items[high - 1]), key) < 0) {
        return high; /* sorted batches append */
    }
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (vpr_bytes_cmp(key_of(column->items[mid]), key) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static const struct version *visible(const struct item *item, uint64_t commit)
{
    const struct version *version = item->newest;
    while (version != NULL && version->commit > commit) {
        version = version->older;
    }
    return version == NULL || version->gone ? NULL : version;
}

static uint64_t commit_of(const struct memory *m, const void *snapshot)
{
    return snapshot == NULL ? m->commit : ((const struct snapshot *)snapshot)->commit;
}

static void *take(void *self)
{
    struct memory *m = self;
    struct snapshot *snapshot = vpr_mem_alloc(sizeof *snapshot);
    lock(m);
    snapshot->commit = m->commit;
    snapshot->older = m->newest;
    if (m->newest != NULL) {
        m->newest->newer = snapshot;
    } else {
        m->oldest = snapshot;
    }
    m->newest = snapshot;
    unlock(m);
    return snapshot;
}

static void release(void *self, void *of)
{
    struct memory *m = self;
    struct snapshot *snapshot = of;
    lock(m);
    if (snapshot->older != NULL) {
        snapshot->older->newer = snapshot->newer;
    } else {
        m->oldest = snapshot->newer;
    }
    if (snapshot->newer != NULL) {
        snapshot->newer->older = snapshot->older;
    } else {
        m->newest = snapshot->older;
    }
    unlock(m);
    vpr_mem_free(snapshot);
}

static bool get(void *self, void *snapshot, enum vpr_kv_column of, struct vpr_arena *arena,
                struct vpr_bytes key, struct vpr_bytes *ret_value)
{
    struct memory *m = self;
    const struct column *column = &m->columns[of];
    bool found = false;
    lock(m);
    size_t at = lower_bound(column, key);
    if (at < column->count && vpr_bytes_equal(key_of(column->items[at]), key)) {
        const struct version *version = visible(column->items[at], commit_of(m, snapshot));
        if (version != NULL) {
            *ret_value = vpr_arena_bytes(arena, vpr_bytes_of(version->data, version->len));
            found = true;
        }
    }
    unlock(m);
    return found;
}

static bool seek(void *self, void *snapshot, enum vpr_kv_column of, bool backward,
                 struct vpr_arena *arena, struct vpr_bytes from, struct vpr_bytes *ret_key,
                 struct vpr_bytes *ret_value)
{
    struct memory *m = self;
    const struct column *column = &m->columns[of];
    bool found = false;
    lock(m);
    uint64_t commit = commit_of(m, snapshot);
    size_t at = lower_bound(column, from);
    bool exact = at < column->count && vpr_bytes_equal(key_of(column->items[at]), from);
    if (backward && !exact) {
        at--; /* to SIZE_MAX when nothing is below: ends the loop */
    }
    for (; at < column->count; at = backward ? at - 1 : at + 1) {
        const struct version *version = visible(column->items[at], commit);
        if (version != NULL) {
            *ret_key = vpr_arena_bytes(arena, key_of(column->items[at]));
            *ret_value = vpr_arena_bytes(arena, vpr_bytes_of(version->data, version->len));
            found = true;
            break;
        }
    }
    unlock(m);
    return found;
}

static void scan(void *self, enum vpr_kv_column of,
                 void (*each)(void *arg, struct vpr_bytes key, struct vpr_bytes value),
                 void *arg)
{
    struct memory *m = self;
    const struct column *column = &m->columns[of];
    for (size_t i = 0; i < column->count; i++) {
        const struct version *version = visible(column->items[i], m->commit);
        if (version != NULL) {
            each(arg, key_of(column->items[i]), vpr_bytes_of(version->data, version->len));
        }
    }
}

static void free_versions(struct version *version)
{
    while (version != NULL) {
        struct version *older = version->older;
        vpr_mem_free(version);
        version = older;
    }
}

static struct item *item_for(struct column *column, struct vpr_bytes key)
{
    size_t at = lower_bound(column, key);
    if (at < column->count && vpr_bytes_equal(key_of(column->items[at]), key)) {
        return column->items[at];
    }
    if (column->count == column->size) {
        column->size = column->size == 0 ? 256 : column->size * 2;
        column->items = vpr_mem_resize(column->items, column->size * sizeof column->items[0]);
    }
    memmove(column->items + at + 1, column->items + at,
            (column->count - at) * sizeof column->items[0]);
    struct item *item = vpr_mem_alloc(sizeof *item + key.len);
    item->key_len = key.len;
    memcpy(item->key, key.data, key.len);
    column->items[at] = item;
    column->count++;
    column->gone++; /* until it has a value */
    return item;
}

/* What no snapshot can see goes. */
static void prune(struct item *item, uint64_t oldest)
{
    struct version *version = item->newest;
    while (version != NULL && version->commit > oldest) {
        version = version->older;
    }
    if (version != NULL) {
        free_versions(version->older);
        version->older = NULL;
    }
}

static void put(struct memory *m, const struct vpr_kv_write *one, uint64_t oldest)
{
    struct column *column = &m->columns[one->column];
    struct item *item = item_for(column, one->key);
    bool was_gone = item->newest == NULL || item->newest->gone;
    struct version *version = vpr_mem_alloc(sizeof *version + one->value.len);
    version->older = item->newest;
    version->commit = m->commit;
    version->gone = one->value.data == NULL;
    version->len = one->value.len;
    if (one->value.len > 0) {
        memcpy(version->data, one->value.data, one->value.len);
    }
    item->newest = version;
    prune(item, oldest);
    if (version->gone && !was_gone) {
        column->gone++;
    } else if (!version->gone && was_gone) {
        column->gone--;
    }
}

static void sweep(struct column *column, uint64_t oldest)
{
    if (column->gone < SWEEP_MIN || column->gone < column->count / 2) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < column->count; i++) {
        struct item *item = column->items[i];
        prune(item, oldest);
        if (item->newest->gone && item->newest->commit <= oldest) {
            free_versions(item->newest);
            vpr_mem_free(item);
            column->gone--;
        } else {
            column->items[kept++] = item;
        }
    }
    column->count = kept;
}

static void commit(void *self, const struct vpr_kv_write *writes, size_t count)
{
    struct memory *m = self;
    if (m->fail_at == 1) {
        VPR_HALT("kv_memory was told to fail this write");
    }
    if (m->fail_at > 1) {
        m->fail_at--;
    }
    lock(m);
    m->commit++;
    uint64_t oldest = m->oldest == NULL ? m->commit : m->oldest->commit;
    for (size_t i = 0; i < count; i++) {
        put(m, &writes[i], oldest);
    }
    for (size_t c = 0; c < VPR_KV_COLUMNS; c++) {
        sweep(&m->columns[c], oldest);
    }
    unlock(m);
}

static void finish(void *self)
{
    struct memory *m = self;
    VPR_ASSERT(m->oldest == NULL); /* a snapshot nobody released */
    for (size_t c = 0; c < VPR_KV_COLUMNS; c++) {
        struct column *column = &m->columns[c];
        for (size_t i = 0; i < column->count; i++) {
            free_versions(column->items[i]->newest);
            vpr_mem_free(column->items[i]);
        }
        vpr_mem_free(column->items);
    }
    vpr_mem_free(m);
}

struct vpr_kv *vpr_kv_memory_open(void)
{
    struct memory *m = vpr_mem_alloc(sizeof *m);
    m->face.self = m;
    m->face.snapshot = take;
    m->face.release = release;
    m->face.get = get;
    m->face.seek = seek;
    m->face.scan = scan;
    m->face.commit = commit;
    m->face.close = finish;
    atomic_flag_clear(&m->lock);
    return &m->face;
}

void vpr_kv_memory_fail_at(struct vpr_kv *kv, uint64_t n)
{
    struct memory *m = kv->self;
    m->fail_at = n;
}

void vpr_kv_close(struct vpr_kv *kv)
{
    if (kv != NULL) {
        kv->close(kv->self);
    }
}
