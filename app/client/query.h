/* query.h - questions to one node over REST, answered as protobuf messages.
 *
 * Owns the connections to that node.  Its one rule: an answer is either decoded whole, with
 * the height it was read at, or it is an error with a sentence.  The node is the operator's
 * own choice, so private addresses are fine.  One loop, one thread; the blocking call at the end
 * is for commands that check a set-up. */
#ifndef VPR_CLIENT_QUERY_H
#define VPR_CLIENT_QUERY_H

#include "app/base/arena.h"
#include "app/base/err.h"
#include "app/host/loop.h"

#define VPR_NODE_URL_BYTES_MAX 512
#define VPR_NODE_PATH_BYTES_MAX 1024
#define VPR_NODE_ANSWER_BYTES_MAX (4u * 1024 * 1024)
#define VPR_NODE_CALLS_MAX 4096 /* under way at one time */

struct vpr_node;
struct vpr_node_call;

struct vpr_node_answer {
    bool ok;         /* status 200, decoded */
    uint32_t status; /* HTTP; 0: there was no answer */
    uint64_t height; /* x-cosmos-block-height; 0: not told */
    const ProtobufCMessage *message; /* good until the callback returns, like the body */
    struct vpr_bytes body;
    uint32_t grpc_code;              /* of an error answer, else 0 */
    const char *error;               /* a sentence, without ok */
};
typedef void vpr_node_fn(void *arg, const struct vpr_node_answer *answer);

VPR_MUST_USE enum vpr_code vpr_node_create(struct vpr_node **ret, struct vpr_loop *loop,
                                           const char *url, struct vpr_err *err);
/* Calls under way end without a callback; not from inside one; NULL is fine. */
void vpr_node_destroy(struct vpr_node *node);

/* The callback comes later, from the loop, exactly once unless cancelled; NULL when too many
 * are under way, then there is none.  `fmt` makes the path with its query.  `response` NULL:
 * the body is handed over as it came, if it is JSON. */
struct vpr_node_call *vpr_node_get(struct vpr_node *node,
                                   const ProtobufCMessageDescriptor *response,
                                   vpr_node_fn *fn, void *arg, const char *fmt, ...)
    VPR_PRINTF(5, 6);
struct vpr_node_call *vpr_node_post(struct vpr_node *node, const char *path,
                                    const ProtobufCMessage *request,
                                    const ProtobufCMessageDescriptor *response, vpr_node_fn *fn,
                                    void *arg);
void vpr_node_cancel(struct vpr_node_call *call); /* NULL is fine */

/* One question, waited for.  NOT_FOUND for 404 and for no answer at all; other errors are
 * DENIED with the node's sentence.  The message lies in `arena`. */
VPR_MUST_USE enum vpr_code vpr_node_ask(const ProtobufCMessage **ret, struct vpr_arena *arena,
                                        const char *url, const char *path,
                                        const ProtobufCMessageDescriptor *response,
                                        struct vpr_err *err);

#endif
