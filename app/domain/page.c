#include "app/domain/page.h"

enum vpr_code vpr_page_read(struct vpr_page *ret,
                            const Cosmos__Base__Query__V1beta1__PageRequest *request,
                            size_t key_len, struct vpr_err *err)
{
    struct vpr_page page = {{NULL, 0}, 0, VPR_PAGE_LIMIT_DEFAULT};
    if (request == NULL) {
        *ret = page;
        return VPR_OK;
    }
    page.offset = request->offset;
    if (request->limit > 0) {
        page.limit = request->limit;
    }
    if (page.limit > VPR_PAGE_LIMIT_MAX || page.offset > VPR_PAGE_OFFSET_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "pagination: limit at most %d, offset at most %d; go "
                        "on with next_key",
                        VPR_PAGE_LIMIT_MAX, VPR_PAGE_OFFSET_MAX);
    }
    if (request->reverse || request->count_total) {
        return vpr_fail(err, VPR_UNSUPPORTED, "pagination: reverse and count_total are not "
                        "supported");
    }
    if (request->key.len != 0 && (request->key.len != key_len || page.offset != 0)) {
        return vpr_fail(err, VPR_BAD_FIELD, "pagination: key must be the next_key of the page "
                        "before, without offset");
    }
    page.key = vpr_bytes_of(request->key.data, request->key.len);
    *ret = page;
    return VPR_OK;
}

Cosmos__Base__Query__V1beta1__PageResponse *
vpr_page_answer(struct vpr_arena *arena, struct vpr_bytes next_key, uint64_t total)
{
    Cosmos__Base__Query__V1beta1__PageResponse *r =
        VPR_ARENA_NEW(arena, Cosmos__Base__Query__V1beta1__PageResponse);
    cosmos__base__query__v1beta1__page_response__init(r);
    r->next_key =
        (ProtobufCBinaryData){next_key.len, vpr_arena_copy(arena, next_key.data, next_key.len)};
    r->total = total;
    return r;
}
