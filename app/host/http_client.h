/* http_client.h - pooled HTTP/1.1 calls over http and https.
 *
 * Belongs to one loop.  Calls beyond the connections allowed to a host wait in line, up to
 * a limit, then fail as BUSY.  No redirect is followed, no proxy asked, no answer decoded.
 *
 * State of a call:
 *   WAITING  in line for a connection, or for the name           (pump_origin)
 *   DIALLING its own new connection                              (dial)
 *   SENT     the request is written, no byte of an answer yet    (send_request)
 *   READING  at least one byte came                              (on_data)
 *   over     the callback was called, once, from the loop        (finish)
 * Sending again: only from SENT, once, and only if the connection was closed (not timed
 * out): with RETRY_STALE when it had carried an earlier call, since a server may close an
 * idle one at any moment; with RETRY_IDEMPOTENT also when it was new; with RETRY_NEVER
 * never.  From READING nothing is ever sent again.
 *
 * Addresses: with allow_private off, a name or address that is loopback, private or
 * link-local is refused after look-up, and the address looked at is the one dialled. */
#ifndef VPR_HOST_HTTP_CLIENT_H
#define VPR_HOST_HTTP_CLIENT_H

#include "app/host/http_parse.h"
#include "app/host/net.h"

#define VPR_HTTP_ORIGINS_MAX 1024
#define VPR_HTTP_RESOLVE_TTL_MS 30000

struct vpr_http_client;
struct vpr_http_exchange;

struct vpr_http_client_config {
    bool allow_private;
    const char *ca_file;     /* NULL: the system's */
    uint32_t per_host_max;   /* connections; 0: 64 */
    uint32_t waiting_max;    /* calls in line per host; 0: 1,024 */
    uint32_t connections_max; /* over all hosts; 0: 1,024 */
    uint32_t idle_ms;        /* an unused connection is closed; 0: 20,000 */
};

#define VPR_HTTP_FAILURES(X) \
    X(NONE, "none") \
    X(BAD_URL, "bad_url") \
    X(PRIVATE, "private_address") \
    X(RESOLVE, "resolve") \
    X(CONNECT, "connect") \
    X(TIMEOUT, "timeout") \
    X(CLOSED, "closed") \
    X(MALFORMED, "malformed") \
    X(TOO_LARGE, "too_large") \
    X(BUSY, "busy")

enum vpr_http_failure {
#define X(name, text) VPR_HTTP_FAILURE_##name,
    VPR_HTTP_FAILURES(X)
#undef X
};
const char *vpr_http_failure_name(enum vpr_http_failure failure); /* also a metric label */

enum vpr_http_retry { VPR_HTTP_RETRY_STALE, VPR_HTTP_RETRY_IDEMPOTENT, VPR_HTTP_RETRY_NEVER };

struct vpr_http_call {
    const char *method; /* NULL: GET */
    struct vpr_bytes url;
    struct vpr_bytes path; /* appended to the URL as it is; may be empty */
    const struct vpr_http_header *headers; /* Host and framing are ours */
    size_t header_count;
    struct vpr_bytes body; /* copied */
    enum vpr_http_retry retry;
    uint32_t connect_ms; /* 0: 3,000 */
    uint32_t total_ms;   /* waiting, connecting, answer; 0: 10,000 */
    size_t body_max;     /* of the answer; 0: 8 MiB */
};

/* Views are good until the callback returns. */
struct vpr_http_result {
    enum vpr_http_failure failure;
    const char *why; /* static text, NULL without failure */
    bool sent;       /* the server may have seen the request */
    bool reused;     /* on a connection that had carried another */
    uint32_t status;
    const struct vpr_http_header *headers;
    size_t header_count;
    struct vpr_bytes body;
    uint64_t elapsed_us; /* from the call to here */
    uint64_t answer_us;  /* from the request written to here; 0 if it never was */
};

typedef void vpr_http_done_fn(void *arg, const struct vpr_http_result *result);

VPR_MUST_USE enum vpr_code vpr_http_client_create(struct vpr_http_client **ret,
                                                  struct vpr_loop *loop,
                                                  const struct vpr_http_client_config *config,
                                                  struct vpr_err *err);
/* Calls under way end without a callback. */
void vpr_http_client_destroy(struct vpr_http_client *client);

/* Never calls back before it has returned.  The exchange is good until the callback. */
struct vpr_http_exchange *vpr_http_client_start(struct vpr_http_client *client,
                                                const struct vpr_http_call *call,
                                                vpr_http_done_fn *done, void *arg);
/* No callback comes any more; a connection in use is closed. */
void vpr_http_client_cancel(struct vpr_http_exchange *exchange);
uint32_t vpr_http_client_connections(const struct vpr_http_client *client);

/* For the CLI: one call, waited for, on a loop of its own.  The answer's body goes into
 * `body`, whose max is the limit.  A failure to get an answer is NOT_FOUND with the reason;
 * any status is success. */
VPR_MUST_USE enum vpr_code vpr_http_call(uint32_t *ret_status, struct vpr_buf *body,
                                         const struct vpr_http_call *call,
                                         const struct vpr_http_client_config *config,
                                         struct vpr_err *err);

#endif
