/* store.h - FACE: the authenticated state of one node.
 *
 * Flat pairs in a kv, and beside them in RAM one canonical Merkle trie per store, whose
 * shape depends on nothing but the key set (bytes: docs/protocol.md, 6).
 *
 * Who may call what, when:
 *
 *     open ──► READY(h) ──put/del──► DIRTY ──root──► ROOTED ──commit──► READY(h+1)
 *                 ▲                    │               │
 *                 └────── reset ◄──────┴───────────────┘
 *
 * One thread owns the vpr_store; any thread may hold vpr_views.  Keys and values are never
 * empty (a presence-only record stores 01); a key is at most 255 bytes. */
#ifndef VPR_STORE_STORE_H
#define VPR_STORE_STORE_H

#include "app/base/arena.h"
#include "app/store/kv.h"

#define VPR_STORES_MAX 32
#define VPR_STORE_KEY_BYTES_MAX 255
#define VPR_STORE_UNDO_BLOCKS 100 /* how many blocks can be undone */

struct vpr_store; /* the owner's handle: committed state and the block in hand */
struct vpr_view;  /* the committed state of one height, immutable, counted */

/* `names`: sorted, [a-z]{1,31}; the index into it is the store id of all calls below.
 * Rebuilds the tries from flat state and compares with the recorded app hash; a mismatch
 * gives NULL and a sentence.  The store takes the kv over, and closes it on failure too. */
struct vpr_store *vpr_store_open(struct vpr_kv *kv, const char *const *names, size_t count,
                                 char *err_text, size_t err_size);
void vpr_store_close(struct vpr_store *store);

/* The last durable commit; height 0 and a zero hash before the first. */
uint64_t vpr_store_height(const struct vpr_store *store);
struct vpr_hash vpr_store_app_hash(const struct vpr_store *store);

/* A readable state: the store itself (with the block in hand) or a view.  Everything that
 * reads takes this, so that transactions and queries share their code. */
struct vpr_state {
    struct vpr_store *store; /* writable, or NULL */
    struct vpr_view *view;   /* read-only, or NULL */
};

VPR_MUST_USE bool vpr_state_get(const struct vpr_state *state, struct vpr_arena *arena,
                                uint8_t id, struct vpr_bytes key, struct vpr_bytes *ret_value);

/* First pair with the prefix and key >= from, or last with the prefix and key <= from.
 * Keys and values are copied into the arena. */
VPR_MUST_USE bool vpr_state_next(const struct vpr_state *state, struct vpr_arena *arena,
                                 uint8_t id, struct vpr_bytes prefix, struct vpr_bytes from,
                                 struct vpr_bytes *ret_key, struct vpr_bytes *ret_value);
VPR_MUST_USE bool vpr_state_prev(const struct vpr_state *state, struct vpr_arena *arena,
                                 uint8_t id, struct vpr_bytes prefix, struct vpr_bytes from,
                                 struct vpr_bytes *ret_key, struct vpr_bytes *ret_value);
/* The smallest key greater than `key`: where a forward loop goes on.  And the greatest one
 * below it, for a backward loop. */
struct vpr_bytes vpr_state_after(struct vpr_arena *arena, struct vpr_bytes key);
struct vpr_bytes vpr_state_before(struct vpr_arena *arena, struct vpr_bytes key);

/* Writing to a view is a bug and halts. Deleting an absent key is a bug too. */
void vpr_state_put(const struct vpr_state *state, uint8_t id, struct vpr_bytes key,
                   struct vpr_bytes value);
void vpr_state_del(const struct vpr_state *state, uint8_t id, struct vpr_bytes key);

/* The journal: everything written since `begin` is kept by `keep`, undone by `undo`.  They
 * nest as calls do (at most 8 deep). */
void vpr_store_begin(struct vpr_store *store);
void vpr_store_keep(struct vpr_store *store);
void vpr_store_undo(struct vpr_store *store);

/* Forget the block in hand. */
void vpr_store_reset(struct vpr_store *store);

/* The app hash with the block in hand; nothing becomes durable.  Further writes need a
 * reset first. */
struct vpr_hash vpr_store_root(struct vpr_store *store);

/* One synced batch: state, key index, undo record, height, app hash; `height` is above the
 * last one. */
void vpr_store_commit(struct vpr_store *store, uint64_t height);

/* Go back to the state after `height` (at most VPR_STORE_UNDO_BLOCKS below); checks the
 * recorded app hash.  False and a sentence when too far. */
VPR_MUST_USE bool vpr_store_rollback(struct vpr_store *store, uint64_t height, char *err_text,
                                     size_t err_size);

/* The view of the last commit; release exactly once, and before the store is closed.  Any
 * thread.  A view holds on to the state of its height: what it costs grows with each later
 * block, so release it after the query. */
struct vpr_view *vpr_store_view(struct vpr_store *store);
void vpr_view_release(struct vpr_view *view);
uint64_t vpr_view_height(const struct vpr_view *view);
struct vpr_hash vpr_view_app_hash(const struct vpr_view *view);

/* What the commit of this view wrote, in key order; value.data NULL: deleted.  False if its
 * undo record is gone (it was rolled back to, or is the state of no commit). */
struct vpr_change {
    uint8_t id;
    struct vpr_bytes key, value;
};
VPR_MUST_USE bool vpr_view_changes(struct vpr_view *view, struct vpr_arena *arena,
                                   struct vpr_change **ret_changes, size_t *ret_count);

/* ResponseQuery parts for /store/{name}/key and /ics23/{name}/key: see proof.h. */

#endif
