/* walk.h - a query's walk through the pairs with one prefix, a page at a time.
 *
 * cosmos.base.query.v1beta1: `key` (a page's next_key) or `offset`, `limit` (0: 100),
 * `reverse`; counting the total is refused, since it would walk everything. */
#ifndef VPR_DOMAIN_WALK_H
#define VPR_DOMAIN_WALK_H

#include "app/tx/handler.h"
#include "cosmos/base/query/v1beta1/pagination.pb-c.h"

#define VPR_WALK_ITEMS_DEFAULT 100
#define VPR_WALK_ITEMS_MAX 1000
#define VPR_WALK_OFFSET_MAX 10000

struct vpr_walk {
    enum vpr_store_id store;
    struct vpr_bytes prefix, from;
    struct vpr_bytes next; /* where the page after this one begins, or empty */
    uint64_t skip, left;
    bool reverse, done;
};

/* `request` may be NULL. */
VPR_MUST_USE enum vpr_code
vpr_walk_begin(struct vpr_walk *ret, struct vpr_ctx *ctx,
               const Cosmos__Base__Query__V1beta1__PageRequest *request,
               enum vpr_store_id store, struct vpr_bytes prefix);
/* At most VPR_WALK_ITEMS_MAX pairs. */
VPR_MUST_USE bool vpr_walk_next(struct vpr_walk *walk, struct vpr_ctx *ctx,
                                struct vpr_bytes *ret_key, struct vpr_bytes *ret_value);
/* After the last pair: next_key, if there is more. */
Cosmos__Base__Query__V1beta1__PageResponse *vpr_walk_end(struct vpr_walk *walk,
                                                         struct vpr_ctx *ctx);

Cosmos__Base__Query__V1beta1__PageResponse *
vpr_walk_response(struct vpr_ctx *ctx, struct vpr_bytes next_key, uint64_t total);

#endif
