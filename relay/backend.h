/* backend.h - the chain nodes behind a servicer, one a chain.
 *
 * Owns the pooled connections and each backend's allow-list.  What goes to a backend is the
 * client's body, verb, path and two harmless headers, beside our own Authorization: nothing a
 * client sends can replace that.  Redirects are not followed. */
#ifndef VPR_RELAY_BACKEND_H
#define VPR_RELAY_BACKEND_H

#include "app/host/http_client.h"
#include "relay/cost.h"
#include "relay/wire.h"

#define VPR_BACKENDS_MAX 15 /* chains a servicer lists */
#define VPR_BACKEND_URL_BYTES_MAX 512
#define VPR_BACKEND_AUTH_BYTES_MAX 512
#define VPR_BACKEND_METHODS_MAX 256

struct vpr_backend {
    uint16_t chain;
    char url[VPR_BACKEND_URL_BYTES_MAX];            /* no slash at its end */
    char authorization[VPR_BACKEND_AUTH_BYTES_MAX]; /* header value, or empty */
    uint32_t timeout_ms;
    size_t answer_max; /* bytes of a body */
    struct vpr_allowed allowed; /* strings live as long as the backends */
};

struct vpr_backends;

/* "user:password" to a Basic Authorization; false if it is too long or has no colon. */
VPR_MUST_USE bool vpr_backend_basic(char out[VPR_BACKEND_AUTH_BYTES_MAX], const char *auth);

VPR_MUST_USE enum vpr_code vpr_backends_create(struct vpr_backends **ret, struct vpr_loop *loop,
                                               const struct vpr_backend *list, size_t count,
                                               uint32_t connections, struct vpr_err *err);
void vpr_backends_destroy(struct vpr_backends *backends); /* NULL is fine */

size_t vpr_backends_count(const struct vpr_backends *backends);
const struct vpr_backend *vpr_backends_at(const struct vpr_backends *backends, size_t i);
/* Index of a chain's backend, or -1. */
int vpr_backends_find(const struct vpr_backends *backends, uint16_t chain);

struct vpr_backend_call {
    struct vpr_bytes method, path, body;
    const struct vpr_http_header *headers; /* of the client; those of the list go on */
    size_t header_count;
};
/* Never calls back before it has returned.  NULL if the path does not fit. */
struct vpr_http_exchange *vpr_backend_start(struct vpr_backends *backends, size_t index,
                                            const struct vpr_backend_call *call,
                                            vpr_http_done_fn *done, void *arg);

/* A complete answer of the chain's node, not of something that stands before it: statuses by
 * which proxies say that there was none (502, 503, 504) are none. */
bool vpr_backend_answered(const struct vpr_http_result *result);

#endif
