/* inside.h - what the files of this folder share: the store's and the view's insides.
 *
 * The owner's thread alone touches struct vpr_store, but for `lock`, `newest` and the
 * holders and links of views, which stand under the lock; a published view is otherwise
 * never changed. */
#ifndef VPR_STORE_INSIDE_H
#define VPR_STORE_INSIDE_H

#include <stdatomic.h>

#include "app/store/overlay.h"
#include "app/store/store.h"
#include "app/store/trie.h"

/* Store id and key; one byte more for the key after the longest. */
#define VPR_STORE_FULL_KEY_MAX (1 + VPR_STORE_KEY_BYTES_MAX)

struct vpr_view {
    struct vpr_store *store;
    struct vpr_view *older, *newer;
    uint64_t generation;
    uint64_t holders;
    uint64_t height;
    struct vpr_hash app_hash;
    struct vpr_trie tries[VPR_STORES_MAX];
    void *snapshot;
};

struct vpr_store {
    struct vpr_kv *kv;
    size_t count;
    char names[VPR_STORES_MAX][VPR_TRIE_NAME_MAX + 1];

    /* The last commit. */
    uint64_t height;
    struct vpr_hash app_hash;
    struct vpr_trie tries[VPR_STORES_MAX];
    uint64_t generation; /* commits and rollbacks since the start */
    uint64_t undo_heights[VPR_STORE_UNDO_BLOCKS]; /* oldest first */
    size_t undo_count;

    /* The block in hand. */
    struct vpr_trie_heap *heap;
    struct vpr_overlay overlay;
    bool rooted;
    struct vpr_trie next_tries[VPR_STORES_MAX];
    struct vpr_hash next_app_hash;
    struct vpr_entry **changed; /* in the overlay's arena */
    size_t changed_count;

    atomic_flag lock;
    struct vpr_view *newest, *oldest;
};

/* The leaf hashes of the simple Merkle map {name -> root}; room for store->count. */
void vpr_store_map_leaves(const struct vpr_store *store, const struct vpr_trie *tries,
                          struct vpr_hash *ret_leaves);

/* Makes the committed state the newest view and drops nodes no view can reach any more. */
void vpr_view_publish(struct vpr_store *store);
/* Releases the store's own hold; a view still held by others is a bug. */
void vpr_view_finish(struct vpr_store *store);

#endif
