/* http_server.h - HTTP/1.1 for relay, gateway, REST, events and metrics.
 *
 * A handler gets a whole request and answers it exactly once, now or later, on the loop's
 * thread; a request stays valid until then, even if its client left.  One request at a time
 * per connection; what a client pipelines waits, at most 64 KiB of it.  TCP_NODELAY on all.
 *
 * Limits are in the config.  Refused without the handler: malformed (400), too slow (408),
 * too large (413, 414, 431), too many connections or requests (503), coding unknown (501).
 * Those and every status the handler gives are answered in order. */
#ifndef VPR_HOST_HTTP_SERVER_H
#define VPR_HOST_HTTP_SERVER_H

#include "app/host/http_parse.h"
#include "app/host/net.h"

struct vpr_http_server;

/* Before a request that never reaches the handler is answered (too large, malformed, too many
 * at one time): what to say instead of plain text; both must live until the next call. */
typedef void vpr_http_refused_fn(void *arg, uint32_t status, const char **type,
                                 const char **text);

struct vpr_http_server_config {
    const char *address; /* numeric; NULL: 127.0.0.1 */
    uint16_t port;       /* 0: the system picks one */
    bool reuse_port;     /* one listener a loop */
    const char *cert_file, *key_file; /* PEM; NULL: plain HTTP */
    size_t body_max;        /* bytes; 0: 1 MiB */
    size_t buffered_max;    /* bytes over all connections, of bodies coming in, and again of
                             * answers not yet read; 0: 256 MiB */
    size_t unsent_max;      /* bytes a slow reader may leave with us; 0: 16 MiB */
    uint32_t connections_max; /* 0: 1,024 */
    uint32_t requests_max;    /* with the handler at one time; 0: 1,024 */
    uint32_t idle_ms;         /* between requests; 0: 75,000 */
    uint32_t request_ms;      /* from first to last byte of a request; 0: 15,000 */
    vpr_http_refused_fn *refused; /* with the handler's arg; NULL: plain text */
};

struct vpr_http_request {
    struct vpr_bytes method;
    struct vpr_bytes target; /* raw, as sent */
    struct vpr_bytes path;   /* of the target, up to '?', still escaped */
    struct vpr_bytes query;  /* behind '?' or empty */
    const struct vpr_http_header *headers;
    size_t header_count;
    struct vpr_bytes body;
    const char *peer; /* "127.0.0.1:40000" */
    uint64_t start_us; /* vpr_mono_us when it was whole */
    void *user;        /* the handler's own */
};

typedef void vpr_http_handler_fn(void *arg, struct vpr_http_request *req);
typedef void vpr_http_gone_fn(void *arg);

VPR_MUST_USE enum vpr_code vpr_http_server_create(struct vpr_http_server **ret,
                                                  struct vpr_loop *loop,
                                                  const struct vpr_http_server_config *config,
                                                  vpr_http_handler_fn *handler, void *arg,
                                                  struct vpr_err *err);
/* Closes everything; requests still with a handler may be answered after, into nothing. */
void vpr_http_server_destroy(struct vpr_http_server *server);
uint16_t vpr_http_server_port(const struct vpr_http_server *server);
/* Take no more connections; answers from now on close theirs. */
void vpr_http_server_drain(struct vpr_http_server *server);
uint32_t vpr_http_server_connections(const struct vpr_http_server *server);
uint32_t vpr_http_server_requests(const struct vpr_http_server *server); /* unanswered */

const struct vpr_bytes *vpr_http_request_header(const struct vpr_http_request *req,
                                                const char *name);

#define VPR_HTTP_TEXT(name, value) {{(const uint8_t *)(name), strlen(name)}, \
                                    {(const uint8_t *)(value), strlen(value)}}

/* Answer; Content-Length, Connection and framing are ours, headers of those names and such
 * as are unfit to be sent are left out.  `req` is gone after. */
void vpr_http_reply(struct vpr_http_request *req, uint32_t status,
                    const struct vpr_http_header *headers, size_t header_count,
                    struct vpr_bytes body);
void vpr_http_reply_text(struct vpr_http_request *req, uint32_t status,
                         const char *content_type, const char *text);

/* Whether somebody still waits for the answer; and a call, once, when nobody does any
 * more (also while streaming, then instead of any later call of ours). */
bool vpr_http_waiting(const struct vpr_http_request *req);
void vpr_http_on_gone(struct vpr_http_request *req, vpr_http_gone_fn *fn, void *arg);

/* An answer in pieces (SSE).  send: false when the client left or reads too slowly.  Ends
 * with vpr_http_stream_close, which is due also after the client has gone. */
void vpr_http_stream_start(struct vpr_http_request *req, uint32_t status,
                           const struct vpr_http_header *headers, size_t header_count);
bool vpr_http_stream_send(struct vpr_http_request *req, struct vpr_bytes piece);
void vpr_http_stream_close(struct vpr_http_request *req);

#endif
