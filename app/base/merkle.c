#include "app/base/merkle.h"

#include "app/base/hash.h"

uint64_t vpr_merkle_split(uint64_t n)
{
    VPR_ASSERT(n >= 2);
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

struct vpr_hash vpr_merkle_inner(const struct vpr_hash *left, const struct vpr_hash *right)
{
    uint8_t both[1 + 2 * sizeof left->b];
    both[0] = 1;
    memcpy(both + 1, left->b, sizeof left->b);
    memcpy(both + 1 + sizeof left->b, right->b, sizeof right->b);
    return vpr_sha256(both, sizeof both);
}

struct vpr_hash vpr_merkle_root(const struct vpr_hash *leaves, size_t count)
{
    /* Full subtrees waiting for a right neighbour, largest first; as many as `i` has bits
     * set.  Folding them from the right gives the split at the largest power of two. */
    struct vpr_hash waiting[VPR_MERKLE_DEPTH_MAX + 1];
    size_t height = 0;
    VPR_ASSERT(count >= 1);
    for (size_t i = 0; i < count; i++) {
        struct vpr_hash node = leaves[i];
        for (size_t full = i; (full & 1) != 0; full >>= 1) {
            node = vpr_merkle_inner(&waiting[--height], &node);
        }
        VPR_ASSERT(height < VPR_COUNT(waiting));
        waiting[height++] = node;
    }
    struct vpr_hash root = waiting[--height];
    while (height > 0) {
        root = vpr_merkle_inner(&waiting[--height], &root);
    }
    return root;
}

size_t vpr_merkle_aunts(struct vpr_hash *aunts, const struct vpr_hash *leaves, size_t count,
                        size_t index)
{
    size_t depth = 0;
    VPR_ASSERT(count >= 1 && index < count);
    while (count > 1) {
        size_t left = (size_t)vpr_merkle_split(count);
        VPR_ASSERT(depth < VPR_MERKLE_DEPTH_MAX);
        if (index < left) {
            aunts[depth++] = vpr_merkle_root(leaves + left, count - left);
            count = left;
        } else {
            aunts[depth++] = vpr_merkle_root(leaves, left);
            leaves += left;
            count -= left;
            index -= left;
        }
    }
    for (size_t i = 0; i < depth / 2; i++) { /* met from the top, wanted from the leaf */
        struct vpr_hash swap = aunts[i];
        aunts[i] = aunts[depth - 1 - i];
        aunts[depth - 1 - i] = swap;
    }
    return depth;
}
