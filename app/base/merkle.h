/* merkle.h - RFC 6962 shape: split at the largest power of two below the count.
 *
 * Used for the app hash (CometBFT's simple Merkle map over the stores) and, with sums, by
 * rules/sumtree. */
#ifndef VPR_BASE_MERKLE_H
#define VPR_BASE_MERKLE_H

#include "app/base/base.h"

#define VPR_MERKLE_DEPTH_MAX 63

/* The largest power of two below n; n >= 2. */
uint64_t vpr_merkle_split(uint64_t n);

/* H(01 || left || right). */
struct vpr_hash vpr_merkle_inner(const struct vpr_hash *left, const struct vpr_hash *right);

/* Root of `count` >= 1 leaf hashes. */
struct vpr_hash vpr_merkle_root(const struct vpr_hash *leaves, size_t count);

/* Siblings of leaf `index`, leaf side first; returns how many.  `aunts` has room for
 * VPR_MERKLE_DEPTH_MAX. */
size_t vpr_merkle_aunts(struct vpr_hash *aunts, const struct vpr_hash *leaves, size_t count,
                        size_t index);

#endif
