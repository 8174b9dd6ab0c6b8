#include "app/rules/sumtree.h"

#include "app/base/merkle.h"

/* False on overflow of the sum; `ret` may be one of the children. */
static bool join(struct vpr_sumnode *ret, const struct vpr_sumnode *left,
                 const struct vpr_sumnode *right)
{
    struct vpr_sumnode node;
    if (__builtin_add_overflow(left->sum, right->sum, &node.sum)) {
        return false;
    }
    struct vpr_hasher h;
    vpr_hasher_start(&h, "node");
    vpr_hasher_fixed(&h, left->hash.b, sizeof left->hash.b);
    vpr_hasher_u64(&h, left->sum);
    vpr_hasher_fixed(&h, right->hash.b, sizeof right->hash.b);
    vpr_hasher_u64(&h, right->sum);
    node.hash = vpr_hasher_end(&h);
    *ret = node;
    return true;
}

void vpr_sumtree_start(struct vpr_sumtree *tree, uint64_t index)
{
    tree->height = 0;
    tree->count = 0;
    tree->bad = false;
    tree->branch.index = index;
    tree->branch.depth = 0;
}

/* `right`, which covers the leaves from `middle` to `end`, takes the topmost waiting subtree,
 * of the `size` leaves before it, as its left sibling. */
static void merge_left(struct vpr_sumtree *tree, struct vpr_sumnode *right, uint64_t middle,
                       uint64_t size, uint64_t end)
{
    struct vpr_sumbranch *branch = &tree->branch;
    const struct vpr_sumnode *left = &tree->waiting[--tree->height];
    if (branch->index >= middle - size && branch->index < end) {
        VPR_ASSERT(branch->depth < VPR_SUMTREE_SIBLINGS_MAX);
        branch->siblings[branch->depth++] = branch->index < middle ? *right : *left;
    }
    if (!join(right, left, right)) {
        tree->bad = true;
    }
}

void vpr_sumtree_add(struct vpr_sumtree *tree, const struct vpr_sumnode *leaf)
{
    struct vpr_sumnode node = *leaf;
    if (tree->bad || tree->count >= VPR_SUMTREE_LEAVES_MAX) {
        tree->bad = true;
        return;
    }
    uint64_t middle = tree->count;
    uint64_t size = 1;
    for (uint64_t full = tree->count; (full & 1) != 0 && !tree->bad; full >>= 1) {
        merge_left(tree, &node, middle, size, tree->count + 1);
        middle -= size;
        size *= 2;
    }
    VPR_ASSERT(tree->height < VPR_COUNT(tree->waiting));
    tree->waiting[tree->height++] = node;
    tree->count++;
}

bool vpr_sumtree_end(struct vpr_sumtree *tree, struct vpr_sumnode *ret_root)
{
    if (tree->bad || (tree->branch.index != VPR_SUMTREE_NO_BRANCH &&
                      tree->branch.index >= tree->count)) {
        return false;
    }
    if (tree->count == 0) {
        memset(ret_root, 0, sizeof *ret_root);
        return true;
    }
    /* What waits has the sizes of the bits of count; fold from the smallest. */
    struct vpr_sumnode root = tree->waiting[--tree->height];
    uint64_t rest = tree->count & (tree->count - 1);
    uint64_t middle = rest;
    while (tree->height > 0 && !tree->bad) {
        uint64_t size = rest & (~rest + 1);
        merge_left(tree, &root, middle, size, tree->count);
        middle -= size;
        rest &= rest - 1;
    }
    if (tree->bad) {
        return false;
    }
    *ret_root = root;
    return true;
}

bool vpr_sumtree_root(struct vpr_sumnode *ret_root, const struct vpr_sumnode *leaves,
                      size_t count)
{
    struct vpr_sumtree tree;
    vpr_sumtree_start(&tree, VPR_SUMTREE_NO_BRANCH);
    for (size_t i = 0; i < count && !tree.bad; i++) {
        vpr_sumtree_add(&tree, &leaves[i]);
    }
    return vpr_sumtree_end(&tree, ret_root);
}

bool vpr_sumtree_branch(struct vpr_sumbranch *ret, const struct vpr_sumnode *leaves,
                        size_t count, size_t index)
{
    struct vpr_sumtree tree;
    struct vpr_sumnode root;
    VPR_ASSERT(index < count);
    vpr_sumtree_start(&tree, index);
    for (size_t i = 0; i < count && !tree.bad; i++) {
        vpr_sumtree_add(&tree, &leaves[i]);
    }
    if (!vpr_sumtree_end(&tree, &root)) {
        return false;
    }
    *ret = tree.branch;
    return true;
}

bool vpr_sumtree_climb(struct vpr_sumnode *ret_root, uint64_t *ret_before,
                       const struct vpr_sumnode *leaf, uint64_t count,
                       const struct vpr_sumbranch *branch)
{
    uint64_t rights = 0; /* bit d: at depth d from the top the leaf is in the right half */
    uint32_t depth = 0;
    if (count == 0 || count > VPR_SUMTREE_LEAVES_MAX || branch->index >= count) {
        return false;
    }
    uint64_t index = branch->index;
    for (uint64_t n = count; n > 1; depth++) {
        uint64_t left = vpr_merkle_split(n);
        if (index >= left) {
            rights |= UINT64_C(1) << depth;
            index -= left;
            n -= left;
        } else {
            n = left;
        }
    }
    if (branch->depth != depth) {
        return false;
    }
    struct vpr_sumnode node = *leaf;
    uint64_t before = 0;
    for (uint32_t i = 0; i < depth; i++) {
        const struct vpr_sumnode *sibling = &branch->siblings[i];
        bool right = (rights >> (depth - 1 - i) & 1) != 0;
        if (!join(&node, right ? sibling : &node, right ? &node : sibling)) {
            return false;
        }
        before += right ? sibling->sum : 0; /* part of node.sum, so it cannot wrap */
    }
    *ret_root = node;
    *ret_before = before;
    return true;
}
