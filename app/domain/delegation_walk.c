#include "app/domain/delegation_walk.h"

#include "app/base/bytes.h"

enum vpr_code vpr_delegation_walk(struct vpr_walk *ret, struct vpr_ctx *ctx,
                                  enum vpr_key_first kind, const struct vpr_address *of,
                                  const Cosmos__Base__Query__V1beta1__PageRequest *page)
{
    struct vpr_key_buf prefix = vpr_key(kind);
    vpr_key_address(&prefix, of);
    return vpr_walk_begin(ret, ctx, page, VPR_STORE_DELEGATION, vpr_key_bytes(&prefix));
}

bool vpr_delegation_walk_next(struct vpr_walk *walk, struct vpr_ctx *ctx,
                              struct vpr_address *ret_other)
{
    struct vpr_bytes key, value;
    if (!vpr_walk_next(walk, ctx, &key, &value)) {
        return false;
    }
    VPR_ASSERT(key.len == walk->prefix.len + sizeof ret_other->b);
    memcpy(ret_other->b, key.data + walk->prefix.len, sizeof ret_other->b);
    return true;
}

const Viper__V1__Unbonding *vpr_unbonding_walk_next(struct vpr_walk *walk, struct vpr_ctx *ctx,
                                                    uint64_t *ret_number)
{
    struct vpr_bytes key, value;
    if (!vpr_walk_next(walk, ctx, &key, &value)) {
        return NULL;
    }
    *ret_number = vpr_get_be64(key.data + walk->prefix.len);
    return (const Viper__V1__Unbonding *)vpr_record_unpack(ctx, value,
                                                           &viper__v1__unbonding__descriptor);
}
