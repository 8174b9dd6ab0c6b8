/* record.h - the two kinds of record the store writes for itself: where it stands (meta),
 * and what a block found (undo).
 *
 *     meta  01, height 8, app hash 32, count 1, then per store: name length 1, name,
 *           leaves 8, root 32
 *     undo  01, height before 8, app hash before 32, count 4, then per key: length 2, store
 *           id and key, existed 1, length 4, value; SHA-256 of all that 32
 *
 * Integers are big-endian.  Both are node-local: no hash of the protocol covers them. */
#ifndef VPR_STORE_RECORD_H
#define VPR_STORE_RECORD_H

#include "app/base/arena.h"
#include "app/store/overlay.h"
#include "app/store/store.h"
#include "app/store/trie.h"

struct vpr_meta {
    uint64_t height;
    struct vpr_hash app_hash;
    size_t count;
    struct vpr_bytes names[VPR_STORES_MAX];
    uint64_t leaves[VPR_STORES_MAX];
    struct vpr_hash roots[VPR_STORES_MAX];
};

struct vpr_bytes vpr_meta_encode(struct vpr_arena *arena, const struct vpr_meta *meta);
/* The names point into `record`. */
VPR_MUST_USE bool vpr_meta_decode(struct vpr_meta *ret_meta, struct vpr_bytes record);

struct vpr_undo {
    uint64_t height_before;
    struct vpr_hash app_hash_before;
    uint32_t count;
    struct vpr_bytes entries; /* walk with vpr_undo_next */
};

struct vpr_undo_entry {
    struct vpr_bytes key; /* store id and raw key */
    bool existed;
    struct vpr_bytes old;
};

struct vpr_bytes vpr_undo_encode(struct vpr_arena *arena, uint64_t height_before,
                                 const struct vpr_hash *app_hash_before,
                                 struct vpr_entry *const *entries, size_t count);
/* False if the checksum does not hold. */
VPR_MUST_USE bool vpr_undo_decode(struct vpr_undo *ret_undo, struct vpr_bytes record);
/* Takes one entry off the front of undo->entries; false at the end. */
bool vpr_undo_next(struct vpr_undo *undo, struct vpr_undo_entry *ret_entry);

#endif
