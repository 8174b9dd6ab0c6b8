#include "app/rules/leaf.h"

void vpr_leaf_encode(uint8_t out[VPR_LEAF_BYTES], const struct vpr_leaf *leaf)
{
    vpr_signed_request_encode(out, &leaf->request);
    memcpy(out + VPR_SIGNED_REQUEST_BYTES, leaf->res.b, sizeof leaf->res.b);
}

bool vpr_leaf_decode(struct vpr_leaf *ret, struct vpr_bytes wire)
{
    struct vpr_leaf leaf;
    struct vpr_reader r = vpr_reader(wire);
    vpr_request_read(&r, &leaf.request.part);
    vpr_read(&r, leaf.request.signature.b, sizeof leaf.request.signature.b);
    vpr_read(&r, leaf.res.b, sizeof leaf.res.b);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = leaf;
    return true;
}

struct vpr_sumnode vpr_leaf_node(const struct vpr_leaf *leaf)
{
    uint8_t bytes[VPR_LEAF_BYTES];
    vpr_leaf_encode(bytes, leaf);
    return (struct vpr_sumnode){vpr_tagged("leaf", bytes, sizeof bytes), leaf->request.part.cu};
}

int vpr_leaf_cmp(const struct vpr_leaf *a, const struct vpr_leaf *b)
{
    const struct vpr_request *x = &a->request.part;
    const struct vpr_request *y = &b->request.part;
    int order = memcmp(x->client_key.b, y->client_key.b, sizeof x->client_key.b);
    return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}
