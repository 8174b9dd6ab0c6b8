/* page.h - what a query's pagination asks for, and the answer's side of it.
 *
 * cosmos.base.query.v1beta1: `key` (the next_key of the page before) or `offset`, `limit` (0:
 * 100); going backward and counting the total are refused. */
#ifndef VPR_DOMAIN_PAGE_H
#define VPR_DOMAIN_PAGE_H

#include "app/base/arena.h"
#include "app/base/err.h"
#include "cosmos/base/query/v1beta1/pagination.pb-c.h"

#define VPR_PAGE_LIMIT_DEFAULT 100
#define VPR_PAGE_LIMIT_MAX 1000
#define VPR_PAGE_OFFSET_MAX 10000

struct vpr_page {
    struct vpr_bytes key; /* empty: from the start */
    uint64_t offset, limit;
};

/* `request` may be NULL; a key has exactly `key_len` bytes. */
VPR_MUST_USE enum vpr_code vpr_page_read(
    struct vpr_page *ret, const Cosmos__Base__Query__V1beta1__PageRequest *request,
    size_t key_len, struct vpr_err *err);
Cosmos__Base__Query__V1beta1__PageResponse *
vpr_page_answer(struct vpr_arena *arena, struct vpr_bytes next_key, uint64_t total);

#endif
