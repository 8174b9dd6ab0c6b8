#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/store/inside.h"
#include "app/store/record.h"

/* A few instructions long at any time; nobody waits for disk or for hashing under it. */
static void lock(struct vpr_store *store)
{
    while (atomic_flag_test_and_set_explicit(&store->lock, memory_order_acquire)) {
    }
}

static void unlock(struct vpr_store *store)
{
    atomic_flag_clear_explicit(&store->lock, memory_order_release);
}

static void unlink_view(struct vpr_store *store, struct vpr_view *view)
{
    if (view->older != NULL) {
        view->older->newer = view->newer;
    } else {
        store->oldest = view->newer;
    }
    if (view->newer != NULL) {
        view->newer->older = view->older;
    } else {
        store->newest = view->older;
    }
}

void vpr_view_release(struct vpr_view *view)
{
    struct vpr_store *store = view->store;
    lock(store);
    VPR_ASSERT(view->holders > 0);
    bool last = --view->holders == 0;
    if (last) {
        unlink_view(store, view);
    }
    unlock(store);
    if (last) {
        store->kv->release(store->kv->self, view->snapshot);
        vpr_mem_free(view);
    }
}

struct vpr_view *vpr_store_view(struct vpr_store *store)
{
    lock(store);
    struct vpr_view *view = store->newest;
    VPR_ASSERT(view != NULL);
    view->holders++;
    unlock(store);
    return view;
}

void vpr_view_publish(struct vpr_store *store)
{
    struct vpr_view *view = vpr_mem_alloc(sizeof *view);
    view->store = store;
    view->generation = store->generation;
    view->holders = 1; /* the store's own, until the next one comes */
    view->height = store->height;
    view->app_hash = store->app_hash;
    memcpy(view->tries, store->tries, sizeof view->tries);
    view->snapshot = store->kv->snapshot(store->kv->self);

    lock(store);
    struct vpr_view *before = store->newest;
    view->older = before;
    if (before != NULL) {
        before->newer = view;
    } else {
        store->oldest = view;
    }
    store->newest = view;
    unlock(store);

    if (before != NULL) {
        vpr_view_release(before);
    }
    lock(store);
    uint64_t oldest = store->oldest->generation;
    unlock(store);
    vpr_trie_collect(store->heap, oldest);
}

void vpr_view_finish(struct vpr_store *store)
{
    if (store->newest == NULL) {
        return;
    }
    VPR_ASSERT(store->newest == store->oldest && store->newest->holders == 1);
    vpr_view_release(store->newest);
}

uint64_t vpr_view_height(const struct vpr_view *view)
{
    return view->height;
}

struct vpr_hash vpr_view_app_hash(const struct vpr_view *view)
{
    return view->app_hash;
}

/* The undo record names the keys; what they hold now is in the same snapshot. */
bool vpr_view_changes(struct vpr_view *view, struct vpr_arena *arena,
                      struct vpr_change **ret_changes, size_t *ret_count)
{
    const struct vpr_kv *kv = view->store->kv;
    const struct vpr_state state = {NULL, view};
    uint8_t at[8];
    struct vpr_bytes record;
    struct vpr_undo undo;
    struct vpr_undo_entry entry;

    vpr_put_be64(at, view->height);
    if (!kv->get(kv->self, view->snapshot, VPR_KV_UNDO, arena, vpr_bytes_of(at, sizeof at),
                 &record) ||
        !vpr_undo_decode(&undo, record)) {
        return false;
    }
    *ret_changes = VPR_ARENA_ARRAY(arena, struct vpr_change, undo.count);
    *ret_count = 0;
    while (vpr_undo_next(&undo, &entry)) {
        struct vpr_change *change = &(*ret_changes)[(*ret_count)++];
        change->id = entry.key.data[0];
        change->key = vpr_bytes_of(entry.key.data + 1, entry.key.len - 1);
        if (!vpr_state_get(&state, arena, change->id, change->key, &change->value)) {
            change->value = vpr_bytes_of(NULL, 0);
        }
    }
    return true;
}
