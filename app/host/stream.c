#include "app/host/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "app/base/mem.h"
#include "app/host/buf.h"

#define TLS_READS_MAX 8 /* records a turn, so that one peer cannot hold the loop */

struct vpr_stream {
    struct vpr_loop *loop;
    const struct vpr_stream_hooks *hooks;
    void *arg;
    int fd;
    SSL *ssl; /* NULL: plain */
    struct event *reader, *writer;
    struct vpr_buf out; /* kept for later, from `out_at` on */
    size_t out_at;
    const char *why; /* set once it failed */
    bool connecting, shaking, paused, eof, ended, shut, shut_done;
    bool tls_wants_write; /* a TLS read or handshake waits for room to write */
    bool busy, doomed;    /* inside a hook; destroyed there */
};

static void die(struct vpr_stream *s, const char *why)
{
    if (s->why == NULL) {
        s->why = why;
        event_active(s->reader, EV_READ, 0); /* on_end comes from the loop */
    }
}

void vpr_stream_cut(struct vpr_stream *s, const char *why)
{
    die(s, why);
}

static bool open_now(const struct vpr_stream *s)
{
    return !s->connecting && !s->shaking && s->why == NULL;
}

size_t vpr_stream_unsent(const struct vpr_stream *s)
{
    return s->out.len - s->out_at;
}

bool vpr_stream_dead(const struct vpr_stream *s)
{
    return s->why != NULL;
}

static void want_write(struct vpr_stream *s)
{
    (void)event_add(s->writer, NULL);
}

static void listen_again(struct vpr_stream *s)
{
    if (s->paused || s->eof || s->why != NULL) {
        (void)event_del(s->reader);
    } else {
        (void)event_add(s->reader, NULL);
    }
}

/* How much of `data` left; the rest must wait for the writer. */
static size_t send_tls(struct vpr_stream *s, struct vpr_bytes data)
{
    size_t done = 0;
    while (done < data.len) {
        size_t part = data.len - done < (1U << 20) ? data.len - done : (1U << 20);
        ERR_clear_error();
        int n = SSL_write(s->ssl, data.data + done, (int)part);
        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        int code = SSL_get_error(s->ssl, n);
        if (code != SSL_ERROR_WANT_WRITE && code != SSL_ERROR_WANT_READ) {
            die(s, "TLS write failed");
        }
        break;
    }
    return done;
}

static size_t send_plain(struct vpr_stream *s, struct vpr_bytes a, struct vpr_bytes b)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)a.data, a.len},
                             {(void *)(uintptr_t)b.data, b.len}};
    struct msghdr msg = {.msg_iov = parts, .msg_iovlen = b.len > 0 ? 2 : 1};
    ssize_t n;

    do {
        n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) {
        return (size_t)n;
    }
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
        die(s, errno == EPIPE || errno == ECONNRESET ? "connection closed by the other side"
                                                     : "write failed");
    }
    return 0;
}

static void keep(struct vpr_stream *s, struct vpr_bytes rest)
{
    if (rest.len == 0) {
        return;
    }
    if (s->out_at > 0) {
        vpr_buf_shift(&s->out, s->out_at);
        s->out_at = 0;
    }
    vpr_buf_add(&s->out, rest.data, rest.len);
    if (s->out.over) {
        die(s, "the other side reads too slowly");
    }
}

void vpr_stream_write(struct vpr_stream *s, struct vpr_bytes a, struct vpr_bytes b)
{
    size_t done = 0;

    VPR_ASSERT(!s->shut);
    if (s->why != NULL || a.len + b.len == 0) {
        return;
    }
    if (open_now(s) && vpr_stream_unsent(s) == 0) {
        if (s->ssl == NULL) {
            done = send_plain(s, a, b);
        } else {
            done = send_tls(s, a);
            if (done == a.len) {
                done += send_tls(s, b);
            }
        }
        if (done == a.len + b.len || s->why != NULL) {
            return;
        }
    }
    size_t from_a = done < a.len ? done : a.len;
    keep(s, vpr_bytes_of(a.data + from_a, a.len - from_a));
    keep(s, vpr_bytes_of(b.data + (done - from_a), b.len - (done - from_a)));
    if (open_now(s)) {
        want_write(s);
    }
}

static void finish_shut(struct vpr_stream *s)
{
    if (!s->shut || s->shut_done || !open_now(s) || vpr_stream_unsent(s) > 0) {
        return;
    }
    s->shut_done = true;
    if (s->ssl != NULL) {
        ERR_clear_error();
        (void)SSL_shutdown(s->ssl);
    }
    (void)shutdown(s->fd, SHUT_WR);
}

void vpr_stream_shut(struct vpr_stream *s)
{
    s->shut = true;
    finish_shut(s);
}

void vpr_stream_pause(struct vpr_stream *s, bool paused)
{
    if (s->paused != paused) {
        s->paused = paused;
        if (!s->connecting) {
            listen_again(s);
        }
        /* TLS may hold bytes that the socket will never announce again. */
        if (!paused && s->ssl != NULL && open_now(s)) {
            event_active(s->reader, EV_READ, 0);
        }
    }
}

/* True if something was kept and all of it is out now. */
static bool flush(struct vpr_stream *s)
{
    struct vpr_bytes rest = vpr_bytes_of(s->out.data + s->out_at, vpr_stream_unsent(s));
    if (rest.len == 0) {
        return false;
    }
    s->out_at += s->ssl != NULL ? send_tls(s, rest)
                                : send_plain(s, rest, vpr_bytes_of(NULL, 0));
    if (s->why != NULL) {
        return false;
    }
    if (vpr_stream_unsent(s) > 0) {
        want_write(s);
        return false;
    }
    vpr_buf_reset(&s->out);
    s->out_at = 0;
    return true;
}

/* Hooks are called through these, so that destroy inside one is safe.  False: gone. */
static bool leave(struct vpr_stream *s)
{
    s->busy = false;
    if (s->doomed) {
        vpr_stream_destroy(s);
        return false;
    }
    return true;
}

static bool tell_end(struct vpr_stream *s, const char *why)
{
    if (s->ended) {
        return true;
    }
    s->ended = why != NULL;
    listen_again(s);
    if (why != NULL) {
        (void)event_del(s->writer);
    }
    s->busy = true;
    s->hooks->on_end(s->arg, why);
    return leave(s);
}

static bool tell_data(struct vpr_stream *s, struct vpr_bytes data)
{
    s->busy = true;
    s->hooks->on_data(s->arg, data);
    return leave(s);
}

static bool tell_drain(struct vpr_stream *s)
{
    if (s->hooks->on_drain == NULL) {
        return true;
    }
    s->busy = true;
    s->hooks->on_drain(s->arg);
    return leave(s);
}

static bool tell_open(struct vpr_stream *s)
{
    if (s->hooks->on_open != NULL) {
        s->busy = true;
        s->hooks->on_open(s->arg);
        if (!leave(s)) {
            return false;
        }
    }
    if (vpr_stream_unsent(s) > 0) {
        want_write(s);
    }
    return true;
}

static void read_plain(struct vpr_stream *s)
{
    uint8_t *scratch = vpr_loop_scratch(s->loop);
    ssize_t n = recv(s->fd, scratch, VPR_STREAM_READ_BYTES_MAX, 0);

    if (n > 0) {
        (void)tell_data(s, vpr_bytes_of(scratch, (size_t)n));
    } else if (n == 0) {
        s->eof = true;
        (void)tell_end(s, NULL);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        s->why = errno == ECONNRESET ? "connection reset by the other side" : "read failed";
        (void)tell_end(s, s->why);
    }
}

/* False when there is nothing more to read now, or the stream is gone. */
static bool read_record(struct vpr_stream *s)
{
    uint8_t *scratch = vpr_loop_scratch(s->loop);
    ERR_clear_error();
    int n = SSL_read(s->ssl, scratch, VPR_STREAM_READ_BYTES_MAX);

    if (n > 0) {
        return tell_data(s, vpr_bytes_of(scratch, (size_t)n)) && !s->paused && s->why == NULL;
    }
    switch (SSL_get_error(s->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        s->tls_wants_write = true;
        want_write(s);
        break;
    case SSL_ERROR_ZERO_RETURN:
        s->eof = true;
        (void)tell_end(s, NULL);
        break;
    default:
        s->why = "TLS connection broke off";
        (void)tell_end(s, s->why);
        break;
    }
    return false;
}

static void read_tls(struct vpr_stream *s)
{
    for (unsigned i = 0; i < TLS_READS_MAX; i++) {
        if (!read_record(s)) {
            return;
        }
    }
    event_active(s->reader, EV_READ, 0);
}

/* True once agreed. */
static bool shake(struct vpr_stream *s)
{
    ERR_clear_error();
    int n = SSL_do_handshake(s->ssl);
    if (n == 1) {
        s->shaking = false;
        return true;
    }
    switch (SSL_get_error(s->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        want_write(s);
        break;
    default:
        s->why = SSL_get_verify_result(s->ssl) == X509_V_OK ? "TLS handshake failed"
                                                            : "certificate is not trusted";
        (void)tell_end(s, s->why);
        break;
    }
    return false;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct vpr_stream *s = arg;
    (void)fd;
    (void)what;

    if (s->why != NULL) {
        (void)tell_end(s, s->why);
        return;
    }
    if (s->connecting || s->eof) {
        return;
    }
    if (s->shaking && (!shake(s) || !tell_open(s))) {
        return;
    }
    if (s->paused || s->why != NULL) {
        return;
    }
    if (s->ssl == NULL) {
        read_plain(s);
        return;
    }
    /* Bytes kept may wait for what the peer just sent (TLS 1.3 key update). */
    if (flush(s)) {
        finish_shut(s);
        if (!tell_drain(s)) {
            return;
        }
    }
    read_tls(s);
}

static bool finish_connect(struct vpr_stream *s)
{
    int code = 0;
    socklen_t len = sizeof code;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0 || code != 0) {
        s->why = code == ECONNREFUSED ? "connection refused" : "cannot connect";
        (void)tell_end(s, s->why);
        return false;
    }
    s->connecting = false;
    listen_again(s);
    return true;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct vpr_stream *s = arg;
    (void)fd;
    (void)what;

    if (s->why != NULL) {
        return;
    }
    if (s->connecting) {
        if (!finish_connect(s) || (s->ssl == NULL && !tell_open(s))) {
            return;
        }
    }
    if (s->shaking && (!shake(s) || !tell_open(s))) {
        return;
    }
    if (flush(s)) {
        finish_shut(s);
        if (!tell_drain(s)) {
            return;
        }
    }
    finish_shut(s);
    if (s->tls_wants_write && s->why == NULL && !s->paused && !s->eof) {
        s->tls_wants_write = false;
        read_tls(s);
    }
}

static struct vpr_stream *stream_new(struct vpr_loop *loop, int fd,
                                     const struct vpr_stream_hooks *hooks, void *arg,
                                     size_t unsent_max)
{
    struct vpr_stream *s = vpr_mem_alloc(sizeof *s);
    s->loop = loop;
    s->hooks = hooks;
    s->arg = arg;
    s->fd = fd;
    vpr_buf_init(&s->out, unsent_max);
    s->reader = event_new(vpr_loop_base(loop), fd, EV_READ | EV_PERSIST, on_readable, s);
    s->writer = event_new(vpr_loop_base(loop), fd, EV_WRITE, on_writable, s);
    VPR_ASSERT(s->reader != NULL && s->writer != NULL);
    return s;
}

static bool tls_start(struct vpr_stream *s, struct ssl_ctx_st *tls)
{
    s->ssl = SSL_new(tls);
    s->shaking = true;
    return s->ssl != NULL && SSL_set_fd(s->ssl, s->fd) == 1;
}

struct vpr_stream *vpr_stream_accept(struct vpr_loop *loop, int fd, struct ssl_ctx_st *tls,
                                     const struct vpr_stream_hooks *hooks, void *arg,
                                     size_t unsent_max)
{
    struct vpr_stream *s = stream_new(loop, fd, hooks, arg, unsent_max);
    if (tls != NULL) {
        if (tls_start(s, tls)) {
            SSL_set_accept_state(s->ssl);
        } else {
            die(s, "cannot start TLS");
        }
    }
    listen_again(s);
    return s;
}

/* A certificate for an address is checked as one, else as a host name, also sent as SNI. */
static bool tls_expect(SSL *ssl, const char *name)
{
    struct vpr_addr unused;
    if (vpr_addr_parse(&unused, name, 0)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    }
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct vpr_stream *vpr_stream_dial(struct vpr_loop *loop, const struct vpr_addr *addr,
                                   struct ssl_ctx_st *tls, const char *name,
                                   const struct vpr_stream_hooks *hooks, void *arg,
                                   size_t unsent_max)
{
    const int one = 1;
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct vpr_stream *s = stream_new(loop, fd, hooks, arg, unsent_max);

    s->connecting = true;
    if (fd < 0) {
        die(s, "cannot open a socket");
        return s;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (tls != NULL) {
        if (!tls_start(s, tls) || !tls_expect(s->ssl, name)) {
            die(s, "cannot start TLS");
            return s;
        }
        SSL_set_connect_state(s->ssl);
    }
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0 &&
        errno != EINPROGRESS) {
        die(s, errno == ECONNREFUSED ? "connection refused" : "cannot connect");
        return s;
    }
    want_write(s);
    return s;
}

void vpr_stream_destroy(struct vpr_stream *s)
{
    if (s == NULL) {
        return;
    }
    if (s->busy) {
        s->doomed = true;
        return;
    }
    event_free(s->reader);
    event_free(s->writer);
    if (s->ssl != NULL) {
        if (open_now(s) && !s->shut_done) {
            ERR_clear_error();
            (void)SSL_shutdown(s->ssl);
        }
        SSL_free(s->ssl);
    }
    if (s->fd >= 0) {
        close(s->fd);
    }
    vpr_buf_finish(&s->out);
    vpr_mem_free(s);
}
