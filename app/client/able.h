/* able.h - whether a daemon can do its work now, and if not, why: what GET /health answers.
 *
 * 200 {"status":"ok","reasons":[]}, or 503 {"status":"unable","reasons":["..."]}.  A reason is
 * one line of ours; anybody may read it, so it holds nothing that the chain does not tell. */
#ifndef VPR_CLIENT_ABLE_H
#define VPR_CLIENT_ABLE_H

#include "app/client/follow.h"
#include "app/host/http_server.h"

#define VPR_ABLE_REASONS_MAX 8
#define VPR_ABLE_REASON_BYTES_MAX 128
#define VPR_ABLE_BLOCK_AGE_S_MAX 60 /* of the last block, by this machine's clock */

struct vpr_able {
    size_t count;
    char reasons[VPR_ABLE_REASONS_MAX][VPR_ABLE_REASON_BYTES_MAX];
};

/* Adds what is missing, if anything; `able` starts as zeros. */
typedef void vpr_able_fn(void *arg, struct vpr_able *able);

/* One more reason, without quotes and backslashes. */
void vpr_able_not(struct vpr_able *able, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The node answers, and its last block is of now. */
void vpr_able_node(struct vpr_able *able, const struct vpr_follow *follow);
/* The operator can pay for a message; UINT64_MAX: not known yet. */
void vpr_able_fees(struct vpr_able *able, uint64_t balance_uvipr);

/* GET or HEAD /health: `fn` (NULL: always able) is asked, then the request is answered. */
bool vpr_able_asked(const struct vpr_http_request *http);
void vpr_able_reply(struct vpr_http_request *http, vpr_able_fn *fn, void *arg);

#endif
