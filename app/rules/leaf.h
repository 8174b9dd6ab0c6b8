/* leaf.h - the stored proof of one relay (docs/protocol.md, 2, 4).
 *
 * 236 bytes: request part 140, client signature 64, response hash 32.  Its place in the sum
 * tree of a sid goes by (client key, seq); its node is (H("leaf", bytes), cu). */
#ifndef VPR_RULES_LEAF_H
#define VPR_RULES_LEAF_H

#include "app/rules/request.h"
#include "app/rules/sumtree.h"

#define VPR_LEAF_BYTES 236

struct vpr_leaf {
    struct vpr_signed_request request;
    struct vpr_hash res; /* vpr_res_hash of the answer */
};

void vpr_leaf_encode(uint8_t out[VPR_LEAF_BYTES], const struct vpr_leaf *leaf);
VPR_MUST_USE bool vpr_leaf_decode(struct vpr_leaf *ret, struct vpr_bytes wire);

struct vpr_sumnode vpr_leaf_node(const struct vpr_leaf *leaf);

/* By (client key, seq): the order of the leaves of one sid. */
int vpr_leaf_cmp(const struct vpr_leaf *a, const struct vpr_leaf *b);

#endif
