#include "app/host/http_client.h"

#include <openssl/ssl.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/stream.h"

#define UNSENT_BYTES_MAX (64 << 20)
#define REQUEST_BYTES_MAX (64 << 20)
#define SWEEP_MS 1000
#define BUCKETS 256

struct conn;

enum phase { FAILED, WAITING, DIALLING, SENT, READING };

struct vpr_http_exchange {
    struct vpr_http_client *client;
    struct origin *origin; /* NULL if it failed at once */
    struct vpr_http_exchange *prev, *next; /* in line at the origin, or under way */
    struct conn *conn;
    enum phase phase;
    enum vpr_http_retry retry;
    bool retried, reused, sent, connect_stage;
    size_t addr_tries;
    struct vpr_buf request; /* the whole message */
    struct vpr_http_parser parser;
    struct vpr_timer *timer;
    uint64_t start_us, sent_us, deadline_ms;
    uint32_t connect_ms;
    enum vpr_http_failure failure;
    const char *why;
    vpr_http_done_fn *done;
    void *arg;
};

struct conn {
    struct origin *origin;
    struct conn *prev, *next; /* in the origin's list */
    struct vpr_stream *stream;
    struct vpr_http_exchange *exchange; /* NULL: idle */
    bool open;
    uint32_t served;
    uint64_t idle_ms; /* since */
};

struct exchange_list {
    struct vpr_http_exchange *first, *last;
    uint32_t count;
};

struct origin {
    struct vpr_http_client *client;
    struct origin *next; /* in the bucket */
    struct vpr_url url;
    struct vpr_addr addrs[VPR_ADDRS_MAX];
    size_t addr_count, addr_first;
    uint64_t addr_until_ms;
    bool resolving;
    struct conn *conns;
    uint32_t conn_count;
    struct exchange_list waiting, active;
    uint64_t used_ms;
};

struct vpr_http_client {
    struct vpr_loop *loop;
    struct vpr_http_client_config config;
    SSL_CTX *tls; /* made at the first https call */
    struct vpr_resolver *resolver;
    struct vpr_timer *sweeper;
    struct origin *buckets[BUCKETS];
    uint32_t origins, connections;
    struct exchange_list failed;
};

const char *vpr_http_failure_name(enum vpr_http_failure failure)
{
    static const char *const names[] = {
#define X(name, text) text,
        VPR_HTTP_FAILURES(X)
#undef X
    };
    return names[failure];
}

/* --- lists ----------------------------------------------------------------------------- */

static void append(struct exchange_list *list, struct vpr_http_exchange *x)
{
    x->prev = list->last;
    x->next = NULL;
    if (list->last != NULL) {
        list->last->next = x;
    } else {
        list->first = x;
    }
    list->last = x;
    list->count++;
}

static void take_out(struct exchange_list *list, struct vpr_http_exchange *x)
{
    if (x->prev != NULL) {
        x->prev->next = x->next;
    } else {
        list->first = x->next;
    }
    if (x->next != NULL) {
        x->next->prev = x->prev;
    } else {
        list->last = x->prev;
    }
    x->prev = x->next = NULL;
    list->count--;
}

static struct exchange_list *list_of(struct vpr_http_exchange *x)
{
    if (x->phase == FAILED) {
        return &x->client->failed;
    }
    return x->phase == WAITING ? &x->origin->waiting : &x->origin->active;
}

static void move(struct vpr_http_exchange *x, enum phase phase)
{
    take_out(list_of(x), x);
    x->phase = phase;
    append(list_of(x), x);
}

static void conn_close(struct conn *c)
{
    struct origin *o = c->origin;
    if (c->prev != NULL) {
        c->prev->next = c->next;
    } else {
        o->conns = c->next;
    }
    if (c->next != NULL) {
        c->next->prev = c->prev;
    }
    o->conn_count--;
    o->client->connections--;
    vpr_stream_destroy(c->stream);
    vpr_mem_free(c);
}

static void exchange_free(struct vpr_http_exchange *x)
{
    take_out(list_of(x), x);
    vpr_timer_destroy(x->timer);
    vpr_buf_finish(&x->request);
    vpr_http_parser_finish(&x->parser);
    vpr_mem_free(x);
}

/* --- ending a call --------------------------------------------------------------------- */

static void pump_origin(struct origin *o);

/* The callback may start, cancel, even destroy: nothing of ours is touched after it. */
static void finish(struct vpr_http_exchange *x)
{
    uint64_t now = vpr_mono_us();
    bool ok = x->failure == VPR_HTTP_FAILURE_NONE;
    struct vpr_http_result result = {
        .failure = x->failure,
        .why = x->why,
        .sent = x->sent,
        .reused = x->reused,
        .status = ok ? x->parser.status : 0,
        .headers = x->parser.headers,
        .header_count = ok ? x->parser.header_count : 0,
        .body = ok ? vpr_buf_bytes(&x->parser.body) : vpr_bytes_of(NULL, 0),
        .elapsed_us = now - x->start_us,
        .answer_us = x->sent ? now - x->sent_us : 0,
    };
    vpr_http_done_fn *done = x->done;
    void *arg = x->arg;
    struct vpr_http_parser parser = x->parser;

    vpr_buf_init(&x->parser.head, 0); /* moved out */
    vpr_buf_init(&x->parser.body, 0);
    result.headers = parser.headers;
    exchange_free(x);
    done(arg, &result);
    vpr_http_parser_finish(&parser);
}

static void fail(struct vpr_http_exchange *x, enum vpr_http_failure failure, const char *why)
{
    struct origin *o = x->origin;
    x->failure = failure;
    x->why = why;
    if (x->conn != NULL) {
        conn_close(x->conn);
        x->conn = NULL;
        move(x, FAILED);
        pump_origin(o); /* a place became free */
    }
    finish(x);
}

/* From inside a call of the user: say so later. */
static void fail_later(struct vpr_http_exchange *x, enum vpr_http_failure failure,
                       const char *why)
{
    x->failure = failure;
    x->why = why;
    move(x, FAILED);
    vpr_timer_once(x->timer, 0);
}

static void on_timer(void *arg)
{
    struct vpr_http_exchange *x = arg;
    if (x->phase == FAILED) {
        finish(x);
        return;
    }
    if (x->connect_stage && vpr_mono_ms() < x->deadline_ms) {
        struct origin *o = x->origin; /* the next call tries another address */
        o->addr_first = o->addr_count > 0 ? (o->addr_first + 1) % o->addr_count : 0;
        fail(x, VPR_HTTP_FAILURE_CONNECT, "connecting took too long");
        return;
    }
    fail(x, VPR_HTTP_FAILURE_TIMEOUT, "no answer in time");
}

static void arm_total(struct vpr_http_exchange *x)
{
    uint64_t now = vpr_mono_ms();
    x->connect_stage = false;
    vpr_timer_once(x->timer, x->deadline_ms > now ? x->deadline_ms - now : 0);
}

/* --- connections ----------------------------------------------------------------------- */

static void send_request(struct conn *c)
{
    struct vpr_http_exchange *x = c->exchange;
    if (x->connect_stage) {
        arm_total(x);
    }
    move(x, SENT);
    x->sent = true;
    x->reused = c->served > 0;
    x->sent_us = vpr_mono_us();
    vpr_stream_write(c->stream, vpr_buf_bytes(&x->request), vpr_bytes_of(NULL, 0));
}

static void on_open(void *arg)
{
    struct conn *c = arg;
    c->open = true;
    if (c->exchange != NULL) {
        send_request(c);
    }
}

static void complete(struct conn *c, bool clean)
{
    struct vpr_http_exchange *x = c->exchange;
    struct origin *o = c->origin;

    c->exchange = NULL;
    x->conn = NULL;
    c->served++;
    move(x, FAILED); /* over: out of the origin's lists */
    if (clean && x->parser.keep_alive && vpr_stream_unsent(c->stream) == 0 &&
        !vpr_stream_dead(c->stream)) {
        c->idle_ms = vpr_mono_ms();
    } else {
        conn_close(c);
    }
    pump_origin(o);
    finish(x);
}

static void on_data(void *arg, struct vpr_bytes data)
{
    struct conn *c = arg;
    struct vpr_http_exchange *x = c->exchange;

    if (x == NULL) { /* bytes nobody asked for */
        conn_close(c);
        return;
    }
    if (x->phase == SENT) {
        move(x, READING);
    }
    if (x->phase != READING) {
        fail(x, VPR_HTTP_FAILURE_MALFORMED, "the server spoke first");
        return;
    }
    size_t used = vpr_http_parse(&x->parser, data.data, data.len);
    if (x->parser.state == VPR_HTTP_DONE) {
        complete(c, used == data.len);
    } else if (x->parser.state == VPR_HTTP_BAD) {
        fail(x, x->parser.bad_status == 413 ? VPR_HTTP_FAILURE_TOO_LARGE
                                            : VPR_HTTP_FAILURE_MALFORMED,
             x->parser.bad_why);
    }
}

/* The rule in the header: whether this call may be sent again. */
static bool may_resend(const struct vpr_http_exchange *x)
{
    if (x->phase != SENT || x->retried || x->retry == VPR_HTTP_RETRY_NEVER) {
        return false;
    }
    return x->reused || x->retry == VPR_HTTP_RETRY_IDEMPOTENT;
}

static void dial(struct vpr_http_exchange *x);

static void on_end(void *arg, const char *why)
{
    struct conn *c = arg;
    struct vpr_http_exchange *x = c->exchange;
    struct origin *o = c->origin;

    if (x == NULL) {
        conn_close(c);
        return;
    }
    if (x->phase == READING && why == NULL && vpr_http_parse_eof(&x->parser)) {
        complete(c, false);
        return;
    }
    if (x->phase == DIALLING) {
        if (++x->addr_tries < o->addr_count) { /* the name has another address */
            o->addr_first = (o->addr_first + 1) % o->addr_count;
            conn_close(c);
            dial(x);
            return;
        }
        o->addr_until_ms = 0; /* look the name up again next time */
        fail(x, VPR_HTTP_FAILURE_CONNECT, why == NULL ? "closed before it was open" : why);
        return;
    }
    if (may_resend(x)) {
        x->retried = true;
        conn_close(c);
        dial(x); /* a new one: others in the pool may be as stale */
        return;
    }
    fail(x, VPR_HTTP_FAILURE_CLOSED,
         why == NULL ? "connection closed before the answer was whole" : why);
}

static const struct vpr_stream_hooks hooks = {on_open, on_data, NULL, on_end};

/* A new connection for this call; the place was counted before. */
static void dial(struct vpr_http_exchange *x)
{
    struct origin *o = x->origin;
    struct vpr_http_client *client = o->client;
    struct conn *c = vpr_mem_alloc(sizeof *c);
    uint64_t now = vpr_mono_ms();
    uint64_t left = x->deadline_ms > now ? x->deadline_ms - now : 0;

    c->origin = o;
    c->next = o->conns;
    if (o->conns != NULL) {
        o->conns->prev = c;
    }
    o->conns = c;
    o->conn_count++;
    client->connections++;
    c->exchange = x;
    x->conn = c;
    move(x, DIALLING);
    x->connect_stage = true;
    vpr_timer_once(x->timer, left < x->connect_ms ? left : x->connect_ms);
    c->stream = vpr_stream_dial(client->loop, &o->addrs[o->addr_first],
                                o->url.tls ? client->tls : NULL, o->url.host, &hooks, c,
                                UNSENT_BYTES_MAX);
}

/* --- origins --------------------------------------------------------------------------- */

/* The pool serves the last used first, so that spare ones grow idle and are closed. */
static struct conn *idle_conn(struct origin *o)
{
    struct conn *best = NULL;
    for (struct conn *c = o->conns; c != NULL; c = c->next) {
        if (c->exchange == NULL && c->open && !vpr_stream_dead(c->stream) &&
            (best == NULL || c->idle_ms > best->idle_ms)) {
            best = c;
        }
    }
    return best;
}

/* Everybody in line shares the fate of the name. */
static void fail_waiting(struct origin *o, enum vpr_http_failure failure, const char *why)
{
    while (o->waiting.first != NULL) {
        fail_later(o->waiting.first, failure, why);
    }
}

static void on_resolved(void *arg, const struct vpr_addr *addrs, size_t count)
{
    struct origin *o = arg;
    size_t kept = 0;

    o->resolving = false;
    for (size_t i = 0; i < count; i++) {
        if (o->client->config.allow_private || !vpr_addr_private(&addrs[i])) {
            o->addrs[kept++] = addrs[i];
        }
    }
    o->addr_count = kept;
    o->addr_first = 0;
    if (kept == 0) {
        if (count == 0) {
            fail_waiting(o, VPR_HTTP_FAILURE_RESOLVE, "the host's name is not known");
        } else {
            fail_waiting(o, VPR_HTTP_FAILURE_PRIVATE, "the host's address is private");
        }
        return;
    }
    o->addr_until_ms = vpr_mono_ms() + VPR_HTTP_RESOLVE_TTL_MS;
    pump_origin(o);
}

/* True if the addresses are known and fresh. */
static bool resolved(struct origin *o)
{
    if (o->addr_count > 0 && vpr_mono_ms() < o->addr_until_ms) {
        return true;
    }
    if (!o->resolving) {
        o->resolving = vpr_resolver_start(o->client->resolver, o->url.host, o->url.port,
                                          on_resolved, o);
        if (!o->resolving) {
            fail_waiting(o, VPR_HTTP_FAILURE_BUSY, "too many names are being looked up");
        }
    }
    return false;
}

/* Idle connections of other hosts give way when the client is at its limit. */
static bool room_for_conn(struct origin *o)
{
    struct vpr_http_client *client = o->client;
    if (o->conn_count >= client->config.per_host_max) {
        return false;
    }
    if (client->connections < client->config.connections_max) {
        return true;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct origin *at = client->buckets[i]; at != NULL; at = at->next) {
            struct conn *idle = at == o ? NULL : idle_conn(at);
            if (idle != NULL) {
                conn_close(idle);
                return true;
            }
        }
    }
    return false;
}

static void pump_origin(struct origin *o)
{
    while (o->waiting.first != NULL) {
        struct vpr_http_exchange *x = o->waiting.first;
        struct conn *c = idle_conn(o);
        if (c != NULL) {
            c->exchange = x;
            x->conn = c;
            send_request(c);
            continue;
        }
        if (!room_for_conn(o) || !resolved(o)) {
            return;
        }
        dial(x);
    }
}

static size_t bucket_of(const struct vpr_url *url)
{
    uint32_t h = url->port;
    for (const char *at = url->host; *at != '\0'; at++) {
        h = h * 31 + (uint8_t)*at;
    }
    return h % BUCKETS;
}

static struct origin *find_origin(struct vpr_http_client *client, const struct vpr_url *url)
{
    struct origin *o = client->buckets[bucket_of(url)];
    while (o != NULL && (o->url.port != url->port || o->url.tls != url->tls ||
                         strcmp(o->url.host, url->host) != 0)) {
        o = o->next;
    }
    return o;
}

static struct origin *add_origin(struct vpr_http_client *client, const struct vpr_url *url)
{
    if (client->origins >= VPR_HTTP_ORIGINS_MAX) {
        return NULL;
    }
    struct origin *o = vpr_mem_alloc(sizeof *o);
    size_t i = bucket_of(url);
    o->client = client;
    o->url = *url;
    o->url.target = vpr_bytes_of(NULL, 0);
    o->next = client->buckets[i];
    client->buckets[i] = o;
    client->origins++;
    return o;
}

static void close_idle(struct origin *o, uint64_t now)
{
    for (struct conn *c = o->conns, *next; c != NULL; c = next) {
        next = c->next;
        if (c->exchange == NULL && now - c->idle_ms > o->client->config.idle_ms) {
            conn_close(c);
        }
    }
}

static void sweep(void *arg)
{
    struct vpr_http_client *client = arg;
    uint64_t now = vpr_mono_ms();

    for (size_t i = 0; i < BUCKETS; i++) {
        struct origin **at = &client->buckets[i];
        while (*at != NULL) {
            struct origin *o = *at;
            close_idle(o, now);
            pump_origin(o); /* the client's limit may have held it back */
            if (o->conns == NULL && o->waiting.first == NULL && !o->resolving &&
                now - o->used_ms > VPR_HTTP_RESOLVE_TTL_MS) {
                *at = o->next;
                client->origins--;
                vpr_mem_free(o);
            } else {
                at = &o->next;
            }
        }
    }
}

/* --- starting a call ------------------------------------------------------------------- */

static bool ours(struct vpr_bytes name)
{
    return vpr_http_is(name, "host") || vpr_http_is(name, "content-length") ||
           vpr_http_is(name, "transfer-encoding") || vpr_http_is(name, "connection") ||
           vpr_http_is(name, "expect") || vpr_http_is(name, "te") ||
           vpr_http_is(name, "upgrade") || vpr_http_is(name, "trailer");
}

/* A path from elsewhere must not be able to end the request line. */
static bool path_ok(struct vpr_bytes path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] <= 0x20 || path.data[i] >= 0x7f || path.data[i] == '#') {
            return false;
        }
    }
    return true;
}

static void write_target(struct vpr_buf *out, const struct vpr_url *url, struct vpr_bytes path)
{
    struct vpr_bytes base = url->target;
    if (base.len > 0 && path.len > 0 && base.data[base.len - 1] == '/' &&
        path.data[0] == '/') {
        base.len--;
    }
    if (base.len == 0 && (path.len == 0 || path.data[0] != '/')) {
        vpr_buf_char(out, '/');
    }
    vpr_buf_add(out, base.data, base.len);
    vpr_buf_add(out, path.data, path.len);
}

static void write_host(struct vpr_buf *out, const struct vpr_url *url)
{
    vpr_buf_str(out, url->v6 ? "[" : "");
    vpr_buf_str(out, url->host);
    vpr_buf_str(out, url->v6 ? "]" : "");
    if (!url->default_port) {
        vpr_buf_char(out, ':');
        vpr_buf_u64(out, url->port);
    }
}

static void write_request(struct vpr_buf *out, const struct vpr_url *url,
                          const struct vpr_http_call *call, const char *method)
{
    vpr_buf_str(out, method);
    vpr_buf_char(out, ' ');
    write_target(out, url, call->path);
    vpr_buf_str(out, " HTTP/1.1\r\nHost: ");
    write_host(out, url);
    vpr_buf_str(out, "\r\n");
    for (size_t i = 0; i < call->header_count; i++) {
        const struct vpr_http_header *h = &call->headers[i];
        if (!vpr_http_name_ok(h->name) || !vpr_http_value_ok(h->value) || ours(h->name)) {
            continue;
        }
        vpr_buf_add(out, h->name.data, h->name.len);
        vpr_buf_add(out, ": ", 2);
        vpr_buf_add(out, h->value.data, h->value.len);
        vpr_buf_add(out, "\r\n", 2);
    }
    if (call->body.len > 0 || (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)) {
        vpr_buf_str(out, "Content-Length: ");
        vpr_buf_u64(out, call->body.len);
        vpr_buf_str(out, "\r\n");
    }
    vpr_buf_str(out, "\r\n");
    vpr_buf_add(out, call->body.data, call->body.len);
}

static struct vpr_http_exchange *exchange_new(struct vpr_http_client *client,
                                              const struct vpr_http_call *call,
                                              vpr_http_done_fn *done, void *arg)
{
    struct vpr_http_exchange *x = vpr_mem_alloc(sizeof *x);
    x->client = client;
    x->phase = FAILED; /* until it has an origin */
    append(&client->failed, x);
    x->retry = call->retry;
    x->start_us = vpr_mono_us();
    x->connect_ms = call->connect_ms == 0 ? 3000 : call->connect_ms;
    x->deadline_ms = x->start_us / 1000 + (call->total_ms == 0 ? 10000 : call->total_ms);
    x->done = done;
    x->arg = arg;
    x->timer = vpr_timer_create(client->loop, on_timer, x);
    vpr_buf_init(&x->request, REQUEST_BYTES_MAX);
    vpr_http_parser_init(&x->parser, VPR_HTTP_RESPONSE,
                         call->body_max == 0 ? 8 << 20 : call->body_max);
    return x;
}

/* Ready the TLS settings before the first https call needs them. */
static bool tls_ready(struct vpr_http_client *client, bool tls)
{
    return !tls || client->tls != NULL ||
           vpr_tls_client(&client->tls, NULL, NULL) == VPR_OK;
}

struct vpr_http_exchange *vpr_http_client_start(struct vpr_http_client *client,
                                                const struct vpr_http_call *call,
                                                vpr_http_done_fn *done, void *arg)
{
    struct vpr_http_exchange *x = exchange_new(client, call, done, arg);
    const char *method = call->method == NULL ? "GET" : call->method;
    struct vpr_url url;

    if (vpr_url_parse(&url, call->url, NULL) != VPR_OK || !path_ok(call->path) ||
        !vpr_http_name_ok(vpr_bytes_str(method))) {
        fail_later(x, VPR_HTTP_FAILURE_BAD_URL, "not a URL that can be called");
        return x;
    }
    if (!tls_ready(client, url.tls)) {
        fail_later(x, VPR_HTTP_FAILURE_CONNECT, "the CA certificates cannot be read");
        return x;
    }
    struct origin *o = find_origin(client, &url);
    o = o == NULL ? add_origin(client, &url) : o;
    if (o == NULL) {
        fail_later(x, VPR_HTTP_FAILURE_BUSY, "too many hosts at one time");
        return x;
    }
    write_request(&x->request, &url, call, method);
    if (x->request.over) {
        fail_later(x, VPR_HTTP_FAILURE_TOO_LARGE, "the request is too large");
        return x;
    }
    if (o->waiting.count >= client->config.waiting_max) {
        fail_later(x, VPR_HTTP_FAILURE_BUSY, "too many calls wait for this host");
        return x;
    }
    x->parser.to_head = strcmp(method, "HEAD") == 0;
    x->origin = o;
    o->used_ms = vpr_mono_ms();
    move(x, WAITING);
    arm_total(x);
    pump_origin(o);
    return x;
}

void vpr_http_client_cancel(struct vpr_http_exchange *x)
{
    struct origin *o = x->origin;
    if (x->conn == NULL) {
        exchange_free(x);
        return;
    }
    conn_close(x->conn);
    exchange_free(x);
    pump_origin(o);
}

uint32_t vpr_http_client_connections(const struct vpr_http_client *client)
{
    return client->connections;
}

enum vpr_code vpr_http_client_create(struct vpr_http_client **ret, struct vpr_loop *loop,
                                     const struct vpr_http_client_config *config,
                                     struct vpr_err *err)
{
    struct vpr_http_client *client = vpr_mem_alloc(sizeof *client);
    struct vpr_http_client_config *c = &client->config;

    *c = *config;
    c->per_host_max = c->per_host_max == 0 ? 64 : c->per_host_max;
    c->waiting_max = c->waiting_max == 0 ? 1024 : c->waiting_max;
    c->connections_max = c->connections_max == 0 ? 1024 : c->connections_max;
    c->idle_ms = c->idle_ms == 0 ? 20000 : c->idle_ms;
    client->loop = loop;
    if (config->ca_file != NULL) {
        enum vpr_code code = vpr_tls_client(&client->tls, config->ca_file, err);
        if (code != VPR_OK) {
            vpr_mem_free(client);
            return code;
        }
    }
    c->ca_file = NULL; /* the caller's text; only needed above */
    client->resolver = vpr_resolver_create(loop);
    client->sweeper = vpr_timer_create(loop, sweep, client);
    vpr_timer_every(client->sweeper, SWEEP_MS);
    *ret = client;
    return VPR_OK;
}

static void origin_free(struct origin *o)
{
    while (o->conns != NULL) {
        conn_close(o->conns);
    }
    while (o->waiting.first != NULL) {
        exchange_free(o->waiting.first);
    }
    while (o->active.first != NULL) {
        exchange_free(o->active.first);
    }
    vpr_mem_free(o);
}

void vpr_http_client_destroy(struct vpr_http_client *client)
{
    if (client == NULL) {
        return;
    }
    vpr_resolver_destroy(client->resolver);
    vpr_timer_destroy(client->sweeper);
    for (size_t i = 0; i < BUCKETS; i++) {
        while (client->buckets[i] != NULL) {
            struct origin *o = client->buckets[i];
            client->buckets[i] = o->next;
            origin_free(o);
        }
    }
    while (client->failed.first != NULL) {
        exchange_free(client->failed.first);
    }
    if (client->tls != NULL) {
        SSL_CTX_free(client->tls);
    }
    vpr_mem_free(client);
}
