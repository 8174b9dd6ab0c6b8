/* trie.h - the canonical binary Merkle trie over SHA-256(key), in RAM only.
 *
 * A trie is a function of its pairs alone: position = bits of the key's hash from the most
 * significant on, leaf = H(00 20 keyhash 20 valuehash), inner = H(01 left right), an empty
 * subtree is 32 zeros and a subtree of one leaf is that leaf.  Only nodes with two sides
 * are kept; the chains between them are hashed as if they were there.
 *
 * Its one rule: a node in use is never changed.  vpr_trie_apply makes new nodes beside the
 * old ones, so a struct vpr_trie is a version any thread may read until the owner collects
 * the generation it was superseded in.  Limits: depth 256, 2^31 leaves. */
#ifndef VPR_STORE_TRIE_H
#define VPR_STORE_TRIE_H

#include "app/base/base.h"

#define VPR_TRIE_DEPTH_MAX 256

struct vpr_trie_heap; /* the nodes of all tries of one store and their versions */

/* One version of one trie: all zero is the empty one. */
struct vpr_trie {
    struct vpr_hash root;
    uint64_t leaves;
    uint32_t node;
};

struct vpr_trie_change {
    struct vpr_hash key;  /* SHA-256 of the key */
    struct vpr_hash leaf; /* vpr_trie_leaf; unused by a deletion */
    bool gone;
};

/* A leaf's way to the root: siblings leaf side first, zeros where a side is empty. */
struct vpr_trie_path {
    struct vpr_hash leaf;
    size_t depth;
    struct vpr_hash siblings[VPR_TRIE_DEPTH_MAX];
};

struct vpr_trie_heap *vpr_trie_heap_open(void);
void vpr_trie_heap_close(struct vpr_trie_heap *heap);
uint64_t vpr_trie_heap_used(const struct vpr_trie_heap *heap); /* nodes and leaves held */

struct vpr_hash vpr_trie_leaf(const struct vpr_hash *key_hash,
                              const struct vpr_hash *value_hash);

/* A store's leaf in the simple Merkle map {name -> root}: H(00, the name behind its length,
 * 20, H(root)). */
#define VPR_TRIE_NAME_MAX 31
struct vpr_hash vpr_trie_map_leaf(struct vpr_bytes name, const struct vpr_hash *root);

/* Bit `at` of a key's hash, 0 = the most significant. */
static inline unsigned vpr_trie_bit(const struct vpr_hash *key, size_t at)
{
    return (unsigned)key->b[at / 8] >> (7 - at % 8) & 1u;
}

/* By key, in place.  Two changes of one key are a bug. */
void vpr_trie_sort(struct vpr_trie_change *changes, size_t count);

/* The version after the sorted changes; `trie` stays readable.  Deleting what is not there
 * is a bug. */
struct vpr_trie vpr_trie_apply(struct vpr_trie_heap *heap, struct vpr_trie trie,
                               const struct vpr_trie_change *changes, size_t count);

/* What was applied since the last accept or discard is the state now; the nodes it replaced
 * belong to `generation` and earlier ones.  Or none of it happened. */
void vpr_trie_accept(struct vpr_trie_heap *heap, uint64_t generation);
void vpr_trie_discard(struct vpr_trie_heap *heap);
/* Free what only generations below `oldest` can reach. */
void vpr_trie_collect(struct vpr_trie_heap *heap, uint64_t oldest);

VPR_MUST_USE bool vpr_trie_find(const struct vpr_trie_heap *heap, const struct vpr_trie *trie,
                                const struct vpr_hash *key, struct vpr_trie_path *ret_path);
/* The nearest key left and right of an absent one. */
VPR_MUST_USE bool vpr_trie_left_of(const struct vpr_trie_heap *heap,
                                   const struct vpr_trie *trie, const struct vpr_hash *key,
                                   struct vpr_hash *ret_key);
VPR_MUST_USE bool vpr_trie_right_of(const struct vpr_trie_heap *heap,
                                    const struct vpr_trie *trie, const struct vpr_hash *key,
                                    struct vpr_hash *ret_key);

#endif
