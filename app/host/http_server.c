#include "app/host/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/stream.h"

#define PENDING_BYTES_MAX (64 * 1024)
#define CLOG_BYTES (256 * 1024) /* unread answers beyond this: no next request yet */
#define SWEEP_MS 250
#define LINGER_MS 2000 /* after a last answer: let the client read it before we close */
#define ACCEPTS_MAX 64 /* a turn */
#define BACKLOG 1024

enum conn_state {
    READING,   /* a request, or waiting for one */
    HANDLING,  /* the handler has it */
    STREAMING, /* the handler sends pieces */
    LINGERING, /* last answer given: read and drop until the client closes */
};

struct conn {
    struct vpr_http_request request; /* first: the handler's pointer is ours */
    struct vpr_http_server *server;  /* NULL once destroyed */
    struct conn *prev, *next;
    struct vpr_stream *stream; /* NULL once the client left */
    enum conn_state state;
    struct vpr_http_parser parser;
    struct vpr_buf pending; /* pipelined bytes */
    struct vpr_buf head;    /* of the answer */
    size_t counted;         /* of the body, in server->buffered */
    size_t unsent;          /* of answers, in server->unsent */
    uint64_t since_ms;      /* state or progress */
    bool pumping, half_closed, keep, continued, chunked;
    vpr_http_gone_fn *gone_fn;
    void *gone_arg;
    char peer[VPR_ADDR_TEXT_MAX];
};

struct vpr_http_server {
    struct vpr_loop *loop;
    struct vpr_http_server_config config;
    vpr_http_handler_fn *handler;
    void *arg;
    SSL_CTX *tls;
    int fd;
    uint16_t port;
    bool draining;
    struct event *acceptor;
    struct vpr_timer *sweeper, *accept_again;
    struct conn *first;
    uint32_t connections, requests;
    size_t buffered, unsent;
};

static void pump(struct conn *c);
static void sweep(void *arg);

/* --- connections ----------------------------------------------------------------------- */

static void unlink_conn(struct conn *c)
{
    struct vpr_http_server *s = c->server;
    if (s == NULL) {
        return;
    }
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        s->first = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    s->connections--;
    s->buffered -= c->counted;
    s->unsent -= c->unsent;
    c->server = NULL;
}

static void conn_free(struct conn *c)
{
    if (c->server != NULL && (c->state == HANDLING || c->state == STREAMING)) {
        c->server->requests--;
    }
    unlink_conn(c);
    vpr_stream_destroy(c->stream);
    vpr_http_parser_finish(&c->parser);
    vpr_buf_finish(&c->pending);
    vpr_buf_finish(&c->head);
    vpr_mem_free(c);
}

/* The client is gone.  With a request at the handler, the rest waits for the answer. */
static void conn_lost(struct conn *c)
{
    if (c->state != HANDLING && c->state != STREAMING) {
        if (c->pumping) { /* pump() is above us on the stack and frees */
            vpr_stream_destroy(c->stream);
            c->stream = NULL;
            return;
        }
        conn_free(c);
        return;
    }
    vpr_stream_destroy(c->stream);
    c->stream = NULL;
    if (c->gone_fn != NULL) {
        vpr_http_gone_fn *fn = c->gone_fn;
        c->gone_fn = NULL;
        fn(c->gone_arg);
    }
}

static void count_body(struct conn *c, size_t now)
{
    c->server->buffered = c->server->buffered - c->counted + now;
    c->counted = now;
}

/* What clients have not read lies with us; beyond the limit the one that adds to it goes. */
static void count_unsent(struct conn *c)
{
    struct vpr_http_server *s = c->server;
    size_t now = vpr_stream_unsent(c->stream);

    s->unsent = s->unsent - c->unsent + now;
    c->unsent = now;
    if (now > 0 && s->unsent > s->config.buffered_max) {
        vpr_stream_cut(c->stream, "too many answers wait for slow readers");
    }
}

/* Close without cutting off our last answer: a close with unread input would reset it. */
static void linger(struct conn *c)
{
    c->state = LINGERING;
    c->since_ms = vpr_mono_ms();
    vpr_buf_finish(&c->pending);
    vpr_stream_pause(c->stream, false);
    vpr_stream_shut(c->stream);
}

/* --- answers --------------------------------------------------------------------------- */

static bool ours(struct vpr_bytes name)
{
    return vpr_http_is(name, "content-length") || vpr_http_is(name, "connection") ||
           vpr_http_is(name, "transfer-encoding") || vpr_http_is(name, "keep-alive") ||
           vpr_http_is(name, "trailer") || vpr_http_is(name, "upgrade");
}

static void write_head(struct conn *c, uint32_t status, const struct vpr_http_header *headers,
                       size_t count)
{
    struct vpr_buf *head = &c->head;

    VPR_ASSERT(status >= 200 && status <= 599);
    vpr_buf_reset(head);
    vpr_buf_add(head, "HTTP/1.1 ", 9);
    vpr_buf_u64(head, status);
    vpr_buf_char(head, ' ');
    vpr_buf_str(head, vpr_http_reason(status));
    vpr_buf_add(head, "\r\n", 2);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_http_header *h = &headers[i];
        if (!vpr_http_name_ok(h->name) || !vpr_http_value_ok(h->value) || ours(h->name)) {
            continue;
        }
        vpr_buf_add(head, h->name.data, h->name.len);
        vpr_buf_add(head, ": ", 2);
        vpr_buf_add(head, h->value.data, h->value.len);
        vpr_buf_add(head, "\r\n", 2);
    }
    if (!c->keep) {
        vpr_buf_str(head, "Connection: close\r\n");
    } else if (c->parser.minor == 0) {
        vpr_buf_str(head, "Connection: keep-alive\r\n");
    }
}

static bool no_body(const struct conn *c, uint32_t status)
{
    return status == 204 || status == 304 ||
           vpr_bytes_equal(c->parser.method, vpr_bytes_str("HEAD"));
}

static void send_answer(struct conn *c, uint32_t status, const struct vpr_http_header *headers,
                        size_t count, struct vpr_bytes body)
{
    write_head(c, status, headers, count);
    if (status != 204) {
        vpr_buf_add(&c->head, "Content-Length: ", 16);
        vpr_buf_u64(&c->head, body.len);
        vpr_buf_add(&c->head, "\r\n", 2);
    }
    vpr_buf_add(&c->head, "\r\n", 2);
    VPR_ASSERT(!c->head.over);
    vpr_stream_write(c->stream, vpr_buf_bytes(&c->head),
                     no_body(c, status) ? vpr_bytes_of(NULL, 0) : body);
    count_unsent(c);
}

/* The request is answered: next one, or the end. */
static void answered(struct conn *c)
{
    if (c->server == NULL || c->stream == NULL) {
        if (c->pumping) {
            c->state = READING; /* pump() frees it */
            if (c->server != NULL) {
                c->server->requests--;
            }
            return;
        }
        conn_free(c);
        return;
    }
    c->server->requests--;
    c->gone_fn = NULL;
    count_body(c, 0);
    if (!c->keep) {
        linger(c);
        return;
    }
    vpr_http_parser_reset(&c->parser);
    c->continued = false;
    c->state = READING;
    c->since_ms = vpr_mono_ms();
    if (!c->pumping) {
        pump(c);
    }
}

static struct conn *conn_of(struct vpr_http_request *req)
{
    return (struct conn *)req;
}

void vpr_http_reply(struct vpr_http_request *req, uint32_t status,
                    const struct vpr_http_header *headers, size_t header_count,
                    struct vpr_bytes body)
{
    struct conn *c = conn_of(req);
    VPR_ASSERT(c->state == HANDLING);
    if (c->stream != NULL && c->server != NULL) {
        c->keep = c->keep && !c->server->draining;
        send_answer(c, status, headers, header_count, body);
    }
    answered(c);
}

void vpr_http_reply_text(struct vpr_http_request *req, uint32_t status,
                         const char *content_type, const char *text)
{
    struct vpr_http_header type[] = {VPR_HTTP_TEXT("Content-Type", content_type)};
    vpr_http_reply(req, status, type, 1, vpr_bytes_str(text));
}

bool vpr_http_waiting(const struct vpr_http_request *req)
{
    const struct conn *c = (const struct conn *)req;
    return c->stream != NULL && !vpr_stream_dead(c->stream);
}

void vpr_http_on_gone(struct vpr_http_request *req, vpr_http_gone_fn *fn, void *arg)
{
    struct conn *c = conn_of(req);
    c->gone_fn = fn;
    c->gone_arg = arg;
}

void vpr_http_stream_start(struct vpr_http_request *req, uint32_t status,
                           const struct vpr_http_header *headers, size_t header_count)
{
    struct conn *c = conn_of(req);
    VPR_ASSERT(c->state == HANDLING);
    c->state = STREAMING;
    if (c->stream == NULL || c->server == NULL) {
        return;
    }
    /* HTTP/1.0 knows no chunks: there the end of the connection is the end. */
    c->chunked = c->parser.minor == 1;
    c->keep = c->keep && c->chunked && !c->server->draining;
    write_head(c, status, headers, header_count);
    vpr_buf_str(&c->head, c->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    VPR_ASSERT(!c->head.over);
    vpr_stream_write(c->stream, vpr_buf_bytes(&c->head), vpr_bytes_of(NULL, 0));
}

bool vpr_http_stream_send(struct vpr_http_request *req, struct vpr_bytes piece)
{
    struct conn *c = conn_of(req);
    char line[24];

    VPR_ASSERT(c->state == STREAMING);
    if (!vpr_http_waiting(req)) {
        return false;
    }
    if (piece.len == 0) {
        return true; /* an empty chunk would be the end */
    }
    if (c->chunked) {
        int len = snprintf(line, sizeof line, "%zx\r\n", piece.len);
        vpr_stream_write(c->stream, vpr_bytes_of(line, (size_t)len), piece);
        vpr_stream_write(c->stream, vpr_bytes_of("\r\n", 2), vpr_bytes_of(NULL, 0));
    } else {
        vpr_stream_write(c->stream, piece, vpr_bytes_of(NULL, 0));
    }
    count_unsent(c);
    return !vpr_stream_dead(c->stream);
}

void vpr_http_stream_close(struct vpr_http_request *req)
{
    struct conn *c = conn_of(req);
    VPR_ASSERT(c->state == STREAMING);
    if (vpr_http_waiting(req) && c->server != NULL && c->chunked) {
        vpr_stream_write(c->stream, vpr_bytes_of("0\r\n\r\n", 5), vpr_bytes_of(NULL, 0));
    }
    answered(c);
}

/* --- requests -------------------------------------------------------------------------- */

/* Answered here, without the handler; the connection ends. */
static void refuse(struct conn *c, uint32_t status, const char *why)
{
    char plain[160];
    const char *type = "text/plain", *text = plain;
    const struct vpr_http_server *s = c->server;

    (void)snprintf(plain, sizeof plain, "%s\n", why);
    if (s != NULL && s->config.refused != NULL) {
        s->config.refused(s->arg, status, &type, &text);
    }
    const struct vpr_http_header header = VPR_HTTP_TEXT("Content-Type", type);
    c->keep = false;
    send_answer(c, status, &header, 1, vpr_bytes_str(text));
    linger(c);
}

/* Refused, but the connection lives: load passes, the client may try again. */
static void refuse_busy(struct conn *c)
{
    struct vpr_http_header headers[] = {VPR_HTTP_TEXT("Content-Type", "text/plain"),
                                        VPR_HTTP_TEXT("Retry-After", "1")};

    send_answer(c, 503, headers, 2, vpr_bytes_str("too many requests at one time\n"));
    if (!c->keep) {
        linger(c);
        return;
    }
    count_body(c, 0);
    vpr_http_parser_reset(&c->parser);
    c->continued = false;
    c->since_ms = vpr_mono_ms();
}

static void dispatch(struct conn *c)
{
    struct vpr_http_server *s = c->server;
    struct vpr_http_parser *p = &c->parser;
    struct vpr_http_request *r = &c->request;

    c->keep = p->keep_alive && !s->draining;
    if (s->requests >= s->config.requests_max) {
        refuse_busy(c);
        return;
    }
    const uint8_t *mark = memchr(p->target.data, '?', p->target.len);
    size_t path_len = mark == NULL ? p->target.len : (size_t)(mark - p->target.data);
    size_t query_at = mark == NULL ? p->target.len : path_len + 1;
    *r = (struct vpr_http_request){
        .method = p->method,
        .target = p->target,
        .path = vpr_bytes_of(p->target.data, path_len),
        .query = vpr_bytes_of(p->target.data + query_at, p->target.len - query_at),
        .headers = p->headers,
        .header_count = p->header_count,
        .body = vpr_buf_bytes(&p->body),
        .peer = c->peer,
        .start_us = vpr_mono_us(),
    };
    c->gone_fn = NULL;
    c->state = HANDLING;
    s->requests++;
    s->handler(s->arg, r);
}

/* After new bytes: the head may be whole, the message may be. */
static void look(struct conn *c)
{
    struct vpr_http_server *s = c->server;
    struct vpr_http_parser *p = &c->parser;

    count_body(c, p->body.len);
    if (p->state == VPR_HTTP_BAD) {
        refuse(c, p->bad_status, p->bad_why);
    } else if (p->state == VPR_HTTP_DONE) {
        dispatch(c);
    } else if (s->buffered > s->config.buffered_max) {
        refuse(c, 503, "too many bodies at one time");
    } else if (p->expect_continue && !c->continued && p->state != VPR_HTTP_HEAD) {
        c->continued = true;
        vpr_stream_write(c->stream, vpr_bytes_str("HTTP/1.1 100 Continue\r\n\r\n"),
                         vpr_bytes_of(NULL, 0));
    }
}

/* Whether the next request may be looked at. */
static bool ready(const struct conn *c)
{
    return c->state == READING && c->stream != NULL && c->server != NULL &&
           vpr_stream_unsent(c->stream) <= CLOG_BYTES;
}

/* Parse `data` for as long as requests are answered at once; returns how much was used. */
static size_t parse(struct conn *c, struct vpr_bytes data)
{
    size_t used = 0;
    while (used < data.len && ready(c)) {
        if (vpr_http_parse_idle(&c->parser)) {
            c->since_ms = vpr_mono_ms(); /* the clock of this request starts */
        }
        used += vpr_http_parse(&c->parser, data.data + used, data.len - used);
        look(c);
    }
    return used;
}

/* True if the connection is over and was freed. */
static bool reap(struct conn *c)
{
    if (c->state == READING && (c->stream == NULL || c->server == NULL)) {
        conn_free(c);
        return true;
    }
    return false;
}

/* The answer is out and the client may have pipelined more. */
static void pump(struct conn *c)
{
    c->pumping = true;
    size_t used = parse(c, vpr_buf_bytes(&c->pending));
    c->pumping = false;
    if (reap(c)) {
        return;
    }
    if (c->state == LINGERING || c->stream == NULL) {
        return;
    }
    vpr_buf_shift(&c->pending, used);
    if (c->pending.len < PENDING_BYTES_MAX) {
        vpr_stream_pause(c->stream, false);
    }
    if (c->half_closed && c->state == READING && c->pending.len == 0) {
        linger(c);
    }
}

static void on_data(void *arg, struct vpr_bytes data)
{
    struct conn *c = arg;
    size_t used = 0;

    if (c->state == LINGERING) {
        return;
    }
    if (c->pending.len == 0) {
        c->pumping = true;
        used = parse(c, data);
        c->pumping = false;
        if (reap(c) || c->state == LINGERING) {
            return;
        }
    }
    if (used < data.len && c->stream != NULL) {
        vpr_buf_add(&c->pending, data.data + used, data.len - used);
        if (c->pending.len >= PENDING_BYTES_MAX) {
            vpr_stream_pause(c->stream, true);
        }
    }
}

static void on_end(void *arg, const char *why)
{
    struct conn *c = arg;

    if (why != NULL || c->state == LINGERING || c->state == STREAMING) {
        conn_lost(c);
        return;
    }
    c->half_closed = true; /* it may still read what it asked for; then pump() ends it */
    if (c->state != READING || c->pending.len > 0) {
        return;
    }
    if (!vpr_http_parse_idle(&c->parser)) {
        refuse(c, 400, "the request is not whole");
    } else if (vpr_stream_unsent(c->stream) > 0) {
        linger(c);
    } else {
        conn_lost(c);
    }
}

static void on_drain(void *arg)
{
    struct conn *c = arg;
    c->since_ms = vpr_mono_ms();
    count_unsent(c);
    if (c->pending.len > 0 && ready(c)) {
        pump(c);
    }
}

static const struct vpr_stream_hooks hooks = {NULL, on_data, on_drain, on_end};

/* --- listening ------------------------------------------------------------------------- */

static void turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
                                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void take(struct vpr_http_server *s, int fd, const struct vpr_addr *from)
{
    struct conn *c = vpr_mem_alloc(sizeof *c);
    c->server = s;
    c->state = READING;
    c->since_ms = vpr_mono_ms();
    vpr_addr_text(c->peer, from);
    vpr_http_parser_init(&c->parser, VPR_HTTP_REQUEST, s->config.body_max);
    vpr_buf_init(&c->pending, PENDING_BYTES_MAX + VPR_STREAM_READ_BYTES_MAX);
    vpr_buf_init(&c->head, 64 * 1024);
    c->next = s->first;
    if (s->first != NULL) {
        s->first->prev = c;
    }
    s->first = c;
    s->connections++;
    c->stream = vpr_stream_accept(s->loop, fd, s->tls, &hooks, c, s->config.unsent_max);
}

static void resume_accept(void *arg)
{
    struct vpr_http_server *s = arg;
    if (!s->draining) {
        (void)event_add(s->acceptor, NULL);
    }
}

static void on_accept(evutil_socket_t listener, short what, void *arg)
{
    struct vpr_http_server *s = arg;
    (void)what;

    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct vpr_addr from = {.len = sizeof from.sa};
        int fd = accept4((int)listener, (struct sockaddr *)&from.sa, &from.len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            if (s->connections >= s->config.connections_max) {
                turn_away(fd);
            } else {
                take(s, fd, &from);
            }
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            /* No descriptor left: the event would fire for ever; look again soon. */
            (void)event_del(s->acceptor);
            vpr_timer_once(s->accept_again, 100);
        }
        if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static enum vpr_code listen_on(struct vpr_http_server *s, struct vpr_err *err)
{
    const int one = 1;
    struct vpr_addr addr;
    const char *host = s->config.address == NULL ? "127.0.0.1" : s->config.address;

    if (!vpr_addr_parse(&addr, host, s->config.port)) {
        return vpr_fail(err, VPR_BAD_FIELD, "'%s' is not a numeric address to listen on", host);
    }
    s->fd = socket(addr.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0) {
        return vpr_fail(err, VPR_DENIED, "cannot open a socket: %s", strerror(errno));
    }
    (void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* inherited */
    if (s->config.reuse_port) {
        (void)setsockopt(s->fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    }
    if (bind(s->fd, (struct sockaddr *)&addr.sa, addr.len) != 0 || listen(s->fd, BACKLOG) != 0) {
        return vpr_fail(err, VPR_DENIED, "cannot listen on %s port %u: %s", host,
                        (unsigned)s->config.port, strerror(errno));
    }
    struct vpr_addr got = {.len = sizeof got.sa};
    VPR_ASSERT(getsockname(s->fd, (struct sockaddr *)&got.sa, &got.len) == 0);
    s->port = got.sa.ss_family == AF_INET
                  ? ntohs(((const struct sockaddr_in *)&got.sa)->sin_port)
                  : ntohs(((const struct sockaddr_in6 *)&got.sa)->sin6_port);
    return VPR_OK;
}

static void fill_defaults(struct vpr_http_server_config *c)
{
    c->body_max = c->body_max == 0 ? 1 << 20 : c->body_max;
    c->buffered_max = c->buffered_max == 0 ? 256 << 20 : c->buffered_max;
    c->unsent_max = c->unsent_max == 0 ? 16 << 20 : c->unsent_max;
    c->connections_max = c->connections_max == 0 ? 1024 : c->connections_max;
    c->requests_max = c->requests_max == 0 ? 1024 : c->requests_max;
    c->idle_ms = c->idle_ms == 0 ? 75000 : c->idle_ms;
    c->request_ms = c->request_ms == 0 ? 15000 : c->request_ms;
}

enum vpr_code vpr_http_server_create(struct vpr_http_server **ret, struct vpr_loop *loop,
                                     const struct vpr_http_server_config *config,
                                     vpr_http_handler_fn *handler, void *arg,
                                     struct vpr_err *err)
{
    struct vpr_http_server *s = vpr_mem_alloc(sizeof *s);
    enum vpr_code code = VPR_OK;

    s->loop = loop;
    s->config = *config;
    s->handler = handler;
    s->arg = arg;
    s->fd = -1;
    fill_defaults(&s->config);
    if (config->cert_file != NULL) {
        code = vpr_tls_server(&s->tls, config->cert_file, config->key_file, err);
    }
    if (code == VPR_OK) {
        code = listen_on(s, err);
    }
    if (code != VPR_OK) {
        vpr_http_server_destroy(s);
        return code;
    }
    s->acceptor = event_new(vpr_loop_base(loop), s->fd, EV_READ | EV_PERSIST, on_accept, s);
    VPR_ASSERT(s->acceptor != NULL && event_add(s->acceptor, NULL) == 0);
    s->accept_again = vpr_timer_create(loop, resume_accept, s);
    s->sweeper = vpr_timer_create(loop, sweep, s);
    vpr_timer_every(s->sweeper, SWEEP_MS);
    *ret = s;
    return VPR_OK;
}

/* One pass over all connections four times a second is cheaper than a timer for each. */
static void sweep(void *arg)
{
    struct vpr_http_server *s = arg;
    uint64_t now = vpr_mono_ms();

    for (struct conn *c = s->first, *next; c != NULL; c = next) {
        next = c->next;
        uint64_t age = now - c->since_ms;
        bool idle = c->state == READING && vpr_http_parse_idle(&c->parser);
        if (c->stream == NULL) {
            continue;
        }
        if (idle && (age > s->config.idle_ms || (s->draining && c->pending.len == 0 &&
                                                 vpr_stream_unsent(c->stream) == 0))) {
            conn_lost(c);
        } else if (c->state == READING && !idle && age > s->config.request_ms) {
            refuse(c, 408, "the request took too long");
        } else if (c->state == LINGERING && age > LINGER_MS &&
                   (vpr_stream_unsent(c->stream) == 0 || age > s->config.idle_ms)) {
            conn_lost(c);
        }
    }
}

static void close_listener(struct vpr_http_server *s)
{
    if (s->acceptor != NULL) {
        event_free(s->acceptor);
        s->acceptor = NULL;
    }
    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
}

void vpr_http_server_drain(struct vpr_http_server *s)
{
    s->draining = true;
    vpr_timer_stop(s->accept_again);
    close_listener(s);
}

void vpr_http_server_destroy(struct vpr_http_server *s)
{
    if (s == NULL) {
        return;
    }
    close_listener(s);
    vpr_timer_destroy(s->sweeper);
    vpr_timer_destroy(s->accept_again);
    while (s->first != NULL) {
        struct conn *c = s->first;
        bool handled = c->state == HANDLING || c->state == STREAMING;
        if (!handled) {
            conn_free(c);
            continue;
        }
        unlink_conn(c); /* lives on until the handler answers */
        if (c->stream != NULL) {
            conn_lost(c);
        }
    }
    if (s->tls != NULL) {
        SSL_CTX_free(s->tls);
    }
    vpr_mem_free(s);
}

uint16_t vpr_http_server_port(const struct vpr_http_server *s)
{
    return s->port;
}

uint32_t vpr_http_server_connections(const struct vpr_http_server *s)
{
    return s->connections;
}

uint32_t vpr_http_server_requests(const struct vpr_http_server *s)
{
    return s->requests;
}

const struct vpr_bytes *vpr_http_request_header(const struct vpr_http_request *req,
                                                const char *name)
{
    return vpr_http_find(req->headers, req->header_count, name);
}
