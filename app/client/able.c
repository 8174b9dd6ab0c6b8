#include "app/client/able.h"

#include <stdarg.h>
#include <stdio.h>

#include "app/base/bytes.h"
#include "app/client/purse.h"

/* 8 reasons in quotes, and what stands around them. */
#define TEXT_BYTES_MAX (VPR_ABLE_REASONS_MAX * (VPR_ABLE_REASON_BYTES_MAX + 3) + 64)

void vpr_able_not(struct vpr_able *able, const char *fmt, ...)
{
    va_list args;

    VPR_ASSERT(able->count < VPR_ABLE_REASONS_MAX);
    char *text = able->reasons[able->count];
    va_start(args, fmt);
    vsnprintf(text, VPR_ABLE_REASON_BYTES_MAX, fmt, args);
    va_end(args);
    VPR_ASSERT(strpbrk(text, "\"\\\n") == NULL);
    able->count++;
}

void vpr_able_node(struct vpr_able *able, const struct vpr_follow *follow)
{
    const struct vpr_tip *tip = vpr_follow_tip(follow);

    if (tip == NULL || !vpr_follow_connected(follow)) {
        vpr_able_not(able, "the node does not answer");
        return;
    }
    const int64_t age_s = (int64_t)(vpr_wall_ms() / 1000) - tip->time_s;
    if (age_s > VPR_ABLE_BLOCK_AGE_S_MAX) {
        vpr_able_not(able, "the last block of the node, %" PRIu64 ", is %" PRId64 " s old",
                     tip->height, age_s);
    }
}

void vpr_able_fees(struct vpr_able *able, uint64_t balance_uvipr)
{
    if (balance_uvipr < VPR_PURSE_LOW_UVIPR) {
        vpr_able_not(able, "the operator has %" PRIu64 " uvipr for fees: send it some",
                     balance_uvipr);
    }
}

bool vpr_able_asked(const struct vpr_http_request *http)
{
    return vpr_bytes_equal(http->path, vpr_bytes_str("/health")) &&
           (vpr_bytes_equal(http->method, vpr_bytes_str("GET")) ||
            vpr_bytes_equal(http->method, vpr_bytes_str("HEAD")));
}

void vpr_able_reply(struct vpr_http_request *http, vpr_able_fn *fn, void *arg)
{
    struct vpr_able able = {0};
    char text[TEXT_BYTES_MAX];
    size_t len = 0;

    if (fn != NULL) {
        fn(arg, &able);
    }
    len += (size_t)snprintf(text, sizeof text, "{\"status\":\"%s\",\"reasons\":[",
                            able.count == 0 ? "ok" : "unable");
    for (size_t i = 0; i < able.count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"%s\"", i == 0 ? "" : ",",
                                able.reasons[i]);
    }
    snprintf(text + len, sizeof text - len, "]}\n");
    vpr_http_reply_text(http, able.count == 0 ? 200 : 503, "application/json", text);
}
