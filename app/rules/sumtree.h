/* sumtree.h - Merkle tree with sums, of RFC 6962 shape (docs/protocol.md, 4).
 *
 * Inner node: (H("node", l.hash, l.sum, r.hash, r.sum), l.sum + r.sum).  The root of no leaves
 * is 32 zero bytes with sum 0.  A branch is its index and the siblings bottom up; its shape
 * follows from index and count.  The leaf's interval starts at the sum of the left siblings.
 * At most 2^32 leaves; a sum of 2^64 or more is refused, never wrapped. */
#ifndef VPR_RULES_SUMTREE_H
#define VPR_RULES_SUMTREE_H

#include "app/base/hash.h"

#define VPR_SUMTREE_LEAVES_MAX (UINT64_C(1) << 32)
#define VPR_SUMTREE_SIBLINGS_MAX 64 /* room; 2^32 leaves need 32 */

struct vpr_sumnode {
    struct vpr_hash hash;
    uint64_t sum;
};

struct vpr_sumbranch {
    uint64_t index;
    uint32_t depth; /* siblings used */
    struct vpr_sumnode siblings[VPR_SUMTREE_SIBLINGS_MAX];
};

/* Takes leaves one after the other in constant memory, and keeps one branch on the way. */
struct vpr_sumtree {
    struct vpr_sumnode waiting[34]; /* full subtrees, largest first */
    uint32_t height;
    uint64_t count;
    bool bad; /* a sum overflowed or there were too many leaves */
    struct vpr_sumbranch branch;
};

#define VPR_SUMTREE_NO_BRANCH UINT64_MAX

/* `index`: the leaf whose branch is wanted, or VPR_SUMTREE_NO_BRANCH. */
void vpr_sumtree_start(struct vpr_sumtree *tree, uint64_t index);
void vpr_sumtree_add(struct vpr_sumtree *tree, const struct vpr_sumnode *leaf);
/* Ends the tree; then tree->branch is complete.  False after an overflow, with too many
 * leaves, or if the wanted leaf never came. */
VPR_MUST_USE bool vpr_sumtree_end(struct vpr_sumtree *tree, struct vpr_sumnode *ret_root);

VPR_MUST_USE bool vpr_sumtree_root(struct vpr_sumnode *ret_root,
                                   const struct vpr_sumnode *leaves, size_t count);
VPR_MUST_USE bool vpr_sumtree_branch(struct vpr_sumbranch *ret,
                                     const struct vpr_sumnode *leaves, size_t count,
                                     size_t index);

/* The root that `leaf` at branch->index of `count` leaves leads to, and the sum of all leaves
 * before it.  False if the shape is not that of index and count, or a sum overflows. */
VPR_MUST_USE bool vpr_sumtree_climb(struct vpr_sumnode *ret_root, uint64_t *ret_before,
                                    const struct vpr_sumnode *leaf, uint64_t count,
                                    const struct vpr_sumbranch *branch);

#endif
