/* overlay.h - the block in hand: what it wrote and what it read, in key order.
 *
 * A balanced tree whose shape and order depend on the keys alone; entries are only ever
 * added, and undoing turns them back.  A key is the store's id and the raw key behind it.
 * Everything lives in one arena that is emptied with the block. */
#ifndef VPR_STORE_OVERLAY_H
#define VPR_STORE_OVERLAY_H

#include "app/base/arena.h"

#define VPR_OVERLAY_DEPTH_MAX 8
#define VPR_OVERLAY_BYTES_MAX (UINT64_C(1) << 32) /* address space, used as needed */

enum vpr_entry_state {
    VPR_ENTRY_SAME, /* as committed: only read, or undone */
    VPR_ENTRY_PUT,
    VPR_ENTRY_GONE,
};

struct vpr_entry {
    struct vpr_entry *side[2]; /* smaller, greater */
    int height;
    enum vpr_entry_state state;
    bool existed;           /* in the committed state ... */
    struct vpr_bytes old;   /* ... with this value */
    struct vpr_bytes value; /* of a PUT */
    struct vpr_bytes key;
    struct vpr_hash hash; /* of the raw key; set by vpr_store_root */
};

struct vpr_overlay {
    struct vpr_arena arena;
    struct vpr_entry *root;
    size_t count;
    struct vpr_undo_step *steps; /* newest first */
    struct vpr_undo_step *marks[VPR_OVERLAY_DEPTH_MAX];
    size_t depth;
};

void vpr_overlay_init(struct vpr_overlay *overlay);
void vpr_overlay_finish(struct vpr_overlay *overlay);
void vpr_overlay_clear(struct vpr_overlay *overlay);

struct vpr_entry *vpr_overlay_find(struct vpr_overlay *overlay, struct vpr_bytes key);
/* The first entry with key >= `key`, or (backward) the last with key <= `key`. */
struct vpr_entry *vpr_overlay_seek(struct vpr_overlay *overlay, bool backward,
                                   struct vpr_bytes key);

/* A key not yet there, as it is committed; `old` already lies in the overlay's arena. */
struct vpr_entry *vpr_overlay_add(struct vpr_overlay *overlay, struct vpr_bytes key,
                                  bool existed, struct vpr_bytes old);
void vpr_overlay_set(struct vpr_overlay *overlay, struct vpr_entry *entry,
                     enum vpr_entry_state state, struct vpr_bytes value);

/* The value as the block sees it, or false. */
bool vpr_entry_value(const struct vpr_entry *entry, struct vpr_bytes *ret_value);
/* Whether the block leaves the key other than it found it. */
bool vpr_entry_changed(const struct vpr_entry *entry);

/* All changed entries in key order; room for overlay->count. */
size_t vpr_overlay_changed(const struct vpr_overlay *overlay, struct vpr_entry **ret_entries);

void vpr_overlay_begin(struct vpr_overlay *overlay);
void vpr_overlay_keep(struct vpr_overlay *overlay);
void vpr_overlay_undo(struct vpr_overlay *overlay);

#endif
