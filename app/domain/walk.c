#include "app/domain/walk.h"

#include "app/base/bytes.h"

enum vpr_code vpr_walk_begin(struct vpr_walk *ret, struct vpr_ctx *ctx,
                             const Cosmos__Base__Query__V1beta1__PageRequest *request,
                             enum vpr_store_id store, struct vpr_bytes prefix)
{
    struct vpr_walk walk;
    memset(&walk, 0, sizeof walk);
    walk.store = store;
    walk.prefix = vpr_arena_bytes(ctx->arena, prefix);
    walk.from = walk.prefix;
    walk.left = VPR_WALK_ITEMS_DEFAULT;
    if (request == NULL) {
        *ret = walk;
        return VPR_OK;
    }
    walk.reverse = request->reverse;
    walk.skip = request->offset;
    if (request->limit > 0) {
        walk.left = request->limit;
    }
    if (walk.left > VPR_WALK_ITEMS_MAX || walk.skip > VPR_WALK_OFFSET_MAX) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "pagination: limit at most %d, offset at most "
                        "%d; go on with next_key", VPR_WALK_ITEMS_MAX, VPR_WALK_OFFSET_MAX);
    }
    if (request->count_total) {
        return vpr_fail(ctx->err, VPR_UNSUPPORTED, "pagination: count_total is not supported");
    }
    if (request->key.len > 0) {
        struct vpr_bytes key = vpr_bytes_of(request->key.data, request->key.len);
        if (walk.skip > 0 || key.len > VPR_STORE_KEY_BYTES_MAX ||
            !vpr_bytes_starts(key, prefix)) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "pagination: key must be the next_key of "
                            "the page before, without offset");
        }
        walk.from = vpr_arena_bytes(ctx->arena, key);
    } else if (walk.reverse) {
        /* The longest key with this prefix. */
        uint8_t *end = vpr_arena_alloc(ctx->arena, VPR_STORE_KEY_BYTES_MAX);
        memset(end, 0xFF, VPR_STORE_KEY_BYTES_MAX);
        memcpy(end, prefix.data, prefix.len);
        walk.from = vpr_bytes_of(end, VPR_STORE_KEY_BYTES_MAX);
    }
    *ret = walk;
    return VPR_OK;
}

/* The next pair at or after walk->from, which then is that pair's key. */
static bool find(struct vpr_walk *walk, struct vpr_ctx *ctx, struct vpr_bytes *ret_key,
                 struct vpr_bytes *ret_value)
{
    return walk->reverse ? vpr_state_prev(ctx->state, ctx->arena, (uint8_t)walk->store,
                                          walk->prefix, walk->from, ret_key, ret_value)
                         : vpr_state_next(ctx->state, ctx->arena, (uint8_t)walk->store,
                                          walk->prefix, walk->from, ret_key, ret_value);
}

static void go_on(struct vpr_walk *walk, struct vpr_ctx *ctx, struct vpr_bytes key)
{
    walk->from = walk->reverse ? vpr_state_before(ctx->arena, key)
                               : vpr_state_after(ctx->arena, key);
}

bool vpr_walk_next(struct vpr_walk *walk, struct vpr_ctx *ctx, struct vpr_bytes *ret_key,
                   struct vpr_bytes *ret_value)
{
    struct vpr_bytes key, value;
    while (!walk->done && find(walk, ctx, &key, &value)) {
        if (walk->skip > 0) {
            walk->skip--;
            go_on(walk, ctx, key);
            continue;
        }
        if (walk->left == 0) {
            walk->next = key;
            break;
        }
        walk->left--;
        go_on(walk, ctx, key);
        *ret_key = key;
        *ret_value = value;
        return true;
    }
    walk->done = true;
    return false;
}

Cosmos__Base__Query__V1beta1__PageResponse *vpr_walk_end(struct vpr_walk *walk,
                                                         struct vpr_ctx *ctx)
{
    VPR_ASSERT(walk->done);
    return vpr_walk_response(ctx, walk->next, 0);
}

Cosmos__Base__Query__V1beta1__PageResponse *
vpr_walk_response(struct vpr_ctx *ctx, struct vpr_bytes next_key, uint64_t total)
{
    Cosmos__Base__Query__V1beta1__PageResponse *r =
        VPR_ARENA_NEW(ctx->arena, Cosmos__Base__Query__V1beta1__PageResponse);
    cosmos__base__query__v1beta1__page_response__init(r);
    r->next_key = (ProtobufCBinaryData){
        next_key.len, vpr_arena_copy(ctx->arena, next_key.data, next_key.len)};
    r->total = total;
    return r;
}
