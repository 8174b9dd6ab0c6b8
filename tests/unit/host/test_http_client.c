/* Client and server over loopback, in one loop; a plain socket where bytes matter. */
#include "app/host/http_client.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "app/base/bytes.h"
#include "app/host/http_server.h"
#include "tests/unit/host/suites.h"

#define HELD_MAX 64

struct world {
    struct vpr_loop *loop;
    struct vpr_http_server *server;
    struct vpr_http_client *client;
    struct vpr_timer *guard;
    unsigned handled;
    struct vpr_http_request *held[HELD_MAX];
    unsigned held_count, gone;
    char peer[64];
    /* the last answers */
    unsigned done, want;
    struct vpr_http_result last;
    char body[256];
    char order[64];
};

static struct world w;

static void too_late(void *arg)
{
    (void)arg;
    ck_abort_msg("the loop waited longer than 8 s");
}

static void note_gone(void *arg)
{
    (void)arg;
    w.gone++;
    vpr_loop_stop(w.loop);
}

/* /echo answers at once, /hold keeps, /stream sends three pieces, /big sends 3 MiB. */
static void handle(void *arg, struct vpr_http_request *req)
{
    (void)arg;
    w.handled++;
    snprintf(w.peer, sizeof w.peer, "%s", req->peer);
    if (vpr_bytes_equal(req->path, vpr_bytes_str("/hold"))) {
        ck_assert_uint_lt(w.held_count, HELD_MAX);
        w.held[w.held_count++] = req;
        vpr_http_on_gone(req, note_gone, NULL);
        vpr_loop_stop(w.loop);
    } else if (vpr_bytes_equal(req->path, vpr_bytes_str("/stream"))) {
        struct vpr_http_header type[] = {VPR_HTTP_TEXT("Content-Type", "text/event-stream")};
        vpr_http_stream_start(req, 200, type, 1);
        for (int i = 0; i < 3; i++) {
            ck_assert(vpr_http_stream_send(req, vpr_bytes_str("data: x\n\n")));
        }
        vpr_http_stream_close(req);
    } else if (vpr_bytes_equal(req->path, vpr_bytes_str("/big"))) {
        static char big[3 << 20];
        memset(big, 'b', sizeof big);
        vpr_http_reply(req, 200, NULL, 0, vpr_bytes_of(big, sizeof big));
    } else {
        struct vpr_http_header headers[] = {
            VPR_HTTP_TEXT("X-Bad", "a\r\nInjected: b"), VPR_HTTP_TEXT("Content-Length", "1"),
            {vpr_bytes_str("X-Query"), req->query}};
        vpr_http_reply(req, 200, headers, 3, req->body);
    }
}

static void set_up(const struct vpr_http_server_config *server,
                   const struct vpr_http_client_config *client)
{
    struct vpr_err err;
    memset(&w, 0, sizeof w);
    w.loop = vpr_loop_create();
    ck_assert_int_eq(vpr_http_server_create(&w.server, w.loop, server, handle, NULL, &err),
                     VPR_OK);
    ck_assert_int_eq(vpr_http_client_create(&w.client, w.loop, client, &err), VPR_OK);
    w.guard = vpr_timer_create(w.loop, too_late, NULL);
    vpr_timer_once(w.guard, 8000);
}

static void tear_down(void)
{
    vpr_http_client_destroy(w.client);
    vpr_http_server_destroy(w.server);
    vpr_timer_destroy(w.guard);
    vpr_loop_destroy(w.loop);
}

static const struct vpr_http_server_config plain = {.body_max = 4 << 20};
static const struct vpr_http_client_config open_client = {.allow_private = true};

static void note(void *arg, const struct vpr_http_result *result)
{
    w.last = *result;
    size_t len = result->body.len < sizeof w.body - 1 ? result->body.len : sizeof w.body - 1;
    if (len > 0) {
        memcpy(w.body, result->body.data, len);
    }
    w.body[len] = '\0';
    if (arg != NULL) {
        strcat(w.order, arg);
    }
    if (++w.done >= w.want) {
        vpr_loop_stop(w.loop);
    }
}

static struct vpr_http_exchange *call_with(struct vpr_http_call call, const char *path,
                                           const char *body, const char *name)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", vpr_http_server_port(w.server));
    if (call.url.len == 0) {
        call.url = vpr_bytes_str(url);
    }
    call.path = vpr_bytes_str(path);
    call.body = vpr_bytes_str(body);
    call.method = call.method == NULL ? "POST" : call.method;
    return vpr_http_client_start(w.client, &call, note, (void *)(uintptr_t)name);
}

static void wait_for(unsigned more)
{
    w.done = 0;
    w.want = more;
    vpr_loop_run(w.loop);
}

START_TEST(a_call_is_answered_and_its_connection_used_again)
{
    set_up(&plain, &open_client);
    for (int i = 0; i < 3; i++) {
        call_with((struct vpr_http_call){0}, "/echo?a=%20b", "hello", NULL);
        wait_for(1);
        ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_NONE);
        ck_assert_uint_eq(w.last.status, 200);
        ck_assert_str_eq(w.body, "hello");
        ck_assert(w.last.reused == (i > 0));
        ck_assert(w.last.sent);
    }
    ck_assert_uint_eq(vpr_http_client_connections(w.client), 1);
    ck_assert_uint_eq(vpr_http_server_connections(w.server), 1);
    ck_assert_int_eq(strncmp(w.peer, "127.0.0.1:", 10), 0);
    tear_down();
}
END_TEST

static void check_headers(void *arg, const struct vpr_http_result *result)
{
    (void)arg;
    const struct vpr_bytes *q = vpr_http_find(result->headers, result->header_count, "x-query");
    ck_assert_ptr_nonnull(q);
    ck_assert(vpr_bytes_equal(*q, vpr_bytes_str("a=%20b")));
    ck_assert_ptr_null(vpr_http_find(result->headers, result->header_count, "injected"));
    ck_assert_ptr_null(vpr_http_find(result->headers, result->header_count, "x-bad"));
    vpr_loop_stop(w.loop);
}

START_TEST(a_header_that_would_split_the_answer_is_left_out)
{
    char url[128];
    set_up(&plain, &open_client);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/echo?a=%%20b",
             vpr_http_server_port(w.server));
    struct vpr_http_call call = {.url = vpr_bytes_str(url)};
    vpr_http_client_start(w.client, &call, check_headers, NULL);
    vpr_loop_run(w.loop);
    tear_down();
}
END_TEST

START_TEST(large_bodies_pass_both_ways)
{
    size_t len = (4 << 20) - 1;
    char *body = malloc(len + 1);
    memset(body, 'x', len);
    body[len] = '\0';
    set_up(&plain, &open_client);
    call_with((struct vpr_http_call){0}, "/echo", body, NULL);
    wait_for(1);
    ck_assert_uint_eq(w.last.body.len, len);
    call_with((struct vpr_http_call){.method = "GET"}, "/big", "", NULL);
    wait_for(1);
    ck_assert_uint_eq(w.last.body.len, 3 << 20);
    call_with((struct vpr_http_call){.body_max = (3 << 20) - 1}, "/big", "", NULL);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_TOO_LARGE);
    free(body);
    tear_down();
}
END_TEST

START_TEST(pieces_of_a_stream_arrive_and_the_connection_lives_on)
{
    set_up(&plain, &open_client);
    for (int i = 0; i < 2; i++) {
        call_with((struct vpr_http_call){.method = "GET"}, "/stream", "", NULL);
        wait_for(1);
        ck_assert_str_eq(w.body, "data: x\n\ndata: x\n\ndata: x\n\n");
    }
    ck_assert(w.last.reused);
    tear_down();
}
END_TEST

/* Two connections at most: of five calls three wait, and go out in order. */
START_TEST(calls_beyond_the_connections_wait_in_line)
{
    struct vpr_http_client_config two = {.allow_private = true, .per_host_max = 2};
    set_up(&plain, &two);
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++) {
        call_with((struct vpr_http_call){0}, "/echo", "x", names[i]);
    }
    wait_for(5);
    ck_assert_str_eq(w.order, "abcde");
    ck_assert_uint_eq(vpr_http_server_connections(w.server), 2);
    tear_down();
}
END_TEST

START_TEST(a_full_line_is_refused_as_busy)
{
    struct vpr_http_client_config one = {.allow_private = true, .per_host_max = 1,
                                         .waiting_max = 1};
    set_up(&plain, &one);
    call_with((struct vpr_http_call){0}, "/hold", "", NULL);
    vpr_loop_run(w.loop);
    call_with((struct vpr_http_call){0}, "/echo", "", NULL);
    call_with((struct vpr_http_call){0}, "/echo", "", NULL);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_BUSY);
    vpr_http_reply_text(w.held[0], 200, "text/plain", "late");
    wait_for(2);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_NONE);
    ck_assert_uint_eq(w.handled, 2);
    tear_down();
}
END_TEST

START_TEST(a_call_without_answer_times_out_and_the_server_learns)
{
    set_up(&plain, &open_client);
    call_with((struct vpr_http_call){.total_ms = 60}, "/hold", "", NULL);
    vpr_loop_run(w.loop);
    ck_assert(vpr_http_waiting(w.held[0]));
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_TIMEOUT);
    ck_assert(w.last.sent);
    ck_assert_uint_ge(w.last.elapsed_us, 59000);
    ck_assert_uint_eq(vpr_http_client_connections(w.client), 0);
    vpr_http_reply_text(w.held[0], 200, "text/plain", "nobody listens");
    tear_down();
}
END_TEST

START_TEST(a_cancelled_call_never_calls_back)
{
    set_up(&plain, &open_client);
    struct vpr_http_exchange *x = call_with((struct vpr_http_call){0}, "/hold", "", "no");
    vpr_loop_run(w.loop);
    vpr_http_client_cancel(x);
    x = call_with((struct vpr_http_call){0}, "/echo", "", "no"); /* before it is out */
    vpr_http_client_cancel(x);
    call_with((struct vpr_http_call){0}, "/echo", "", "yes");
    wait_for(1);
    ck_assert_str_eq(w.order, "yes");
    vpr_http_reply_text(w.held[0], 200, "text/plain", "");
    tear_down();
}
END_TEST

START_TEST(private_addresses_are_refused_unless_allowed)
{
    struct vpr_http_client_config closed = {.allow_private = false};
    set_up(&plain, &closed);
    static const char *const urls[] = {
        "127.0.0.1", "localhost", "[::1]",
        "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254",
        "2130706433", "0x7f.1", "[64:ff9b::a00:1]"};
    for (size_t i = 0; i < VPR_COUNT(urls); i++) {
        char url[64];
        snprintf(url, sizeof url, "http://%s:%u", urls[i], vpr_http_server_port(w.server));
        call_with((struct vpr_http_call){.url = vpr_bytes_str(url)}, "/echo", "", NULL);
        wait_for(1);
        ck_assert_msg(w.last.failure == VPR_HTTP_FAILURE_PRIVATE, "%s: %s", url,
                      vpr_http_failure_name(w.last.failure));
    }
    ck_assert_uint_eq(w.handled, 0);
    ck_assert_uint_eq(vpr_http_server_connections(w.server), 0);
    tear_down();
}
END_TEST

START_TEST(public_addresses_are_not_private)
{
    static const char *const open[] = {"8.8.8.8", "172.32.0.1", "2a00:1450::1", "100.128.0.1",
                                       "64:ff9b::808:808"};
    static const char *const closed[] = {"172.16.0.1", "172.31.255.255", "100.64.0.1",
                                         "0.0.0.0", "255.255.255.255", "224.0.0.1", "::",
                                         "fe80::1", "fd00::1", "ff02::1", "2001:db8::1",
                                         "2002:a00:1::", "192.168.1.1", "198.19.0.1"};
    struct vpr_addr addr;
    for (size_t i = 0; i < VPR_COUNT(open); i++) {
        ck_assert(vpr_addr_parse(&addr, open[i], 80));
        ck_assert_msg(!vpr_addr_private(&addr), "%s", open[i]);
    }
    for (size_t i = 0; i < VPR_COUNT(closed); i++) {
        ck_assert(vpr_addr_parse(&addr, closed[i], 80));
        ck_assert_msg(vpr_addr_private(&addr), "%s", closed[i]);
    }
}
END_TEST

START_TEST(urls_are_read_strictly)
{
    static const char *const bad[] = {
        "", "ftp://a", "http://", "http://:80", "http://a:0", "http://a:65536", "http://a:",
        "http://a:8x", "http://u:p@a/", "http://a/#f", "http://a b/", "http://[::1", "HTTP://a",
        "http://[::g]/", "http://a?b", "http://a\\b", "http://a/\x01", "http://[::1]x/",
        "http://a%2fb/", "http://\xc3\xa4/"};
    struct vpr_url url;
    struct vpr_err err;
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        ck_assert_msg(vpr_url_parse(&url, vpr_bytes_str(bad[i]), &err) != VPR_OK, "%s", bad[i]);
    }
    ck_assert_int_eq(vpr_url_parse(&url, vpr_bytes_str("https://ExAmple.com/a?b"), &err),
                     VPR_OK);
    ck_assert_str_eq(url.host, "example.com");
    ck_assert_uint_eq(url.port, 443);
    ck_assert(url.tls && url.default_port);
    ck_assert(vpr_bytes_equal(url.target, vpr_bytes_str("/a?b")));
    ck_assert_int_eq(vpr_url_parse(&url, vpr_bytes_str("http://[::1]:8080"), &err), VPR_OK);
    ck_assert_str_eq(url.host, "::1");
    ck_assert_uint_eq(url.port, 8080);
    ck_assert_uint_eq(url.target.len, 0);
}
END_TEST

START_TEST(a_refused_connection_and_an_unknown_name_say_so)
{
    set_up(&plain, &open_client);
    call_with((struct vpr_http_call){.url = vpr_bytes_str("http://127.0.0.1:1")}, "", "", NULL);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_CONNECT);
    ck_assert(!w.last.sent);
    call_with((struct vpr_http_call){.url = vpr_bytes_str("http://no-such-host.invalid")}, "",
              "", NULL);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_RESOLVE);
    call_with((struct vpr_http_call){.url = vpr_bytes_str("nonsense")}, "", "", NULL);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_BAD_URL);
    call_with((struct vpr_http_call){0}, "/a b", "", NULL);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_BAD_URL);
    tear_down();
}
END_TEST

/* --- a server made of bytes, to see what the client does --------------------------------- */

struct raw {
    int listener;
    uint16_t port;
};

static struct raw raw_listen(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof sa;
    struct raw r = {.listener = socket(AF_INET, SOCK_STREAM, 0)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(r.listener, (struct sockaddr *)&sa, sizeof sa), 0);
    ck_assert_int_eq(listen(r.listener, 8), 0);
    ck_assert_int_eq(getsockname(r.listener, (struct sockaddr *)&sa, &len), 0);
    r.port = ntohs(sa.sin_port);
    return r;
}

static void turns(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        vpr_loop_turn(w.loop);
        usleep(1000);
    }
}

/* Accept and read one request; closes unless an answer is given. */
static int raw_take(struct raw *r)
{
    char text[4096];
    turns(5);
    int fd = accept(r->listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    turns(5);
    ck_assert_int_gt((int)recv(fd, text, sizeof text, 0), 0);
    return fd;
}

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void raw_answer(int fd)
{
    ck_assert_int_eq((int)send(fd, ok_answer, sizeof ok_answer - 1, 0),
                     (int)sizeof ok_answer - 1);
    w.done = 0;
    w.want = 1;
    vpr_loop_run(w.loop);
}

/* One good exchange, then the server reads a second request and closes without a byte. */
static int leave_stale(struct raw *r, enum vpr_http_retry retry)
{
    char url[64];
    char text[4096];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", r->port);
    struct vpr_http_call call = {.url = vpr_bytes_str(url), .retry = retry};
    call_with(call, "/", "one", NULL);
    int fd = raw_take(r);
    raw_answer(fd);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_NONE);
    call_with(call, "/", "two", NULL);
    turns(3);
    ck_assert_int_gt((int)recv(fd, text, sizeof text, 0), 0);
    return fd;
}

START_TEST(a_stale_connection_is_tried_once_again)
{
    set_up(&plain, &open_client);
    struct raw r = raw_listen();
    close(leave_stale(&r, VPR_HTTP_RETRY_STALE));
    int fd = raw_take(&r);
    raw_answer(fd);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_NONE);
    ck_assert(!w.last.reused);
    ck_assert_str_eq(w.body, "ok");
    close(fd);
    close(r.listener);
    tear_down();
}
END_TEST

START_TEST(a_second_loss_is_not_tried_again)
{
    set_up(&plain, &open_client);
    struct raw r = raw_listen();
    close(leave_stale(&r, VPR_HTTP_RETRY_STALE));
    close(raw_take(&r));
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_CLOSED);
    close(r.listener);
    tear_down();
}
END_TEST

START_TEST(retry_never_means_never)
{
    set_up(&plain, &open_client);
    struct raw r = raw_listen();
    close(leave_stale(&r, VPR_HTTP_RETRY_NEVER));
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_CLOSED);
    ck_assert(w.last.sent);
    close(r.listener);
    tear_down();
}
END_TEST

START_TEST(nothing_is_sent_again_once_a_byte_came)
{
    set_up(&plain, &open_client);
    struct raw r = raw_listen();
    int fd = leave_stale(&r, VPR_HTTP_RETRY_IDEMPOTENT);
    ck_assert_int_eq((int)send(fd, "H", 1, 0), 1);
    turns(3);
    close(fd);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_CLOSED);
    close(r.listener);
    tear_down();
}
END_TEST

START_TEST(a_connection_with_bytes_too_many_is_not_used_again)
{
    char url[64];
    set_up(&plain, &open_client);
    struct raw r = raw_listen();
    snprintf(url, sizeof url, "http://127.0.0.1:%u", r.port);
    call_with((struct vpr_http_call){.url = vpr_bytes_str(url)}, "/", "", NULL);
    int fd = raw_take(&r);
    ck_assert_int_eq((int)send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK",
                               53, 0), 53);
    wait_for(1);
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_NONE);
    ck_assert_uint_eq(vpr_http_client_connections(w.client), 0);
    close(fd);
    close(r.listener);
    tear_down();
}
END_TEST

/* --- a client made of bytes -------------------------------------------------------------- */

static int raw_dial(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa.sin_port = htons(vpr_http_server_port(w.server));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

static void raw_send(int fd, const char *text)
{
    ck_assert_int_eq((int)send(fd, text, strlen(text), MSG_NOSIGNAL), (int)strlen(text));
}

/* What comes until the server closes or falls silent for 30 turns; NULL-terminated. */
static const char *raw_read(int fd, bool *ret_closed)
{
    static char text[65536];
    size_t len = 0;
    *ret_closed = false;
    for (unsigned quiet = 0; quiet < 30 && len < sizeof text - 1; quiet++) {
        turns(1);
        ssize_t n = recv(fd, text + len, sizeof text - 1 - len, MSG_DONTWAIT);
        if (n == 0) {
            *ret_closed = true;
            break;
        }
        if (n > 0) {
            len += (size_t)n;
            quiet = 0;
        }
    }
    text[len] = '\0';
    return text;
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (; (text = strstr(text, word)) != NULL; text++) {
        n++;
    }
    return n;
}

START_TEST(pipelined_requests_are_answered_in_order)
{
    bool closed;
    set_up(&plain, &open_client);
    int fd = raw_dial();
    raw_send(fd, "GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\n"
                 "GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?3 HTTP/1.1\r\nHost: x\r\n\r\n"
                 "POST /echo?4 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n");
    vpr_loop_run(w.loop);
    const char *text = raw_read(fd, &closed);
    ck_assert_uint_eq(count(text, "HTTP/1.1 200"), 1);
    ck_assert_uint_eq(w.handled, 2);
    vpr_http_reply_text(w.held[0], 201, "text/plain", "held");
    raw_send(fd, "Connection: close\r\n\r\nbody");
    text = raw_read(fd, &closed);
    ck_assert(closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 201 Created\r\n", 22), 0);
    const char *third = strstr(text, "X-Query: 3");
    const char *fourth = strstr(text, "X-Query: 4");
    ck_assert_ptr_nonnull(third);
    ck_assert_ptr_nonnull(fourth);
    ck_assert(third < fourth);
    ck_assert_str_eq(text + strlen(text) - 8, "\r\n\r\nbody");
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_malformed_request_is_answered_and_ends_the_connection)
{
    bool closed;
    set_up(&plain, &open_client);
    int fd = raw_dial();
    raw_send(fd, "GET /echo HTTP/1.1\r\nHost : x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = raw_read(fd, &closed);
    ck_assert(closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
    ck_assert_ptr_nonnull(strstr(text, "Connection: close"));
    ck_assert_uint_eq(count(text, "HTTP/1.1"), 1);
    ck_assert_uint_eq(w.handled, 0);
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_body_too_large_is_refused_before_it_is_sent)
{
    bool closed;
    struct vpr_http_server_config small = {.body_max = 10};
    set_up(&small, &open_client);
    int fd = raw_dial();
    raw_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                 "Content-Length: 11\r\n\r\n");
    const char *text = raw_read(fd, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 413 ", 13), 0);
    ck_assert(closed);
    close(fd);
    fd = raw_dial();
    raw_send(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                 "Content-Length: 10\r\n\r\n");
    text = raw_read(fd, &closed);
    ck_assert_str_eq(text, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_send(fd, "0123456789");
    text = raw_read(fd, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    ck_assert(!closed);
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_request_too_slow_gets_408_and_an_idle_connection_is_closed)
{
    bool closed;
    struct vpr_http_server_config fast = {.request_ms = 50, .idle_ms = 100};
    set_up(&fast, &open_client);
    int slow = raw_dial();
    int idle = raw_dial();
    raw_send(slow, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n012");
    turns(400);
    const char *text = raw_read(slow, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 408 ", 13), 0);
    ck_assert(closed);
    ck_assert_str_eq(raw_read(idle, &closed), "");
    ck_assert(closed);
    close(slow);
    close(idle);
    turns(3);
    ck_assert_uint_eq(vpr_http_server_connections(w.server), 0);
    tear_down();
}
END_TEST

START_TEST(beyond_its_limits_the_server_answers_503)
{
    bool closed;
    struct vpr_http_server_config small = {.connections_max = 2, .requests_max = 1};
    set_up(&small, &open_client);
    int a = raw_dial();
    int b = raw_dial();
    raw_send(a, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(w.loop);
    raw_send(b, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = raw_read(b, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(text, "Retry-After: 1"));
    ck_assert(!closed);
    int c = raw_dial();
    text = raw_read(c, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert(closed);
    vpr_http_reply_text(w.held[0], 200, "text/plain", "");
    raw_send(b, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    text = raw_read(b, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    ck_assert_uint_eq(vpr_http_server_requests(w.server), 0);
    close(a);
    close(b);
    close(c);
    tear_down();
}
END_TEST

/* A client that sends and shuts its side still reads its answer. */
START_TEST(a_half_closed_client_is_answered)
{
    bool closed;
    set_up(&plain, &open_client);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    vpr_loop_run(w.loop);
    turns(3);
    vpr_http_reply_text(w.held[0], 200, "text/plain", "still there");
    const char *text = raw_read(fd, &closed);
    ck_assert_ptr_nonnull(strstr(text, "still there"));
    ck_assert(closed);
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_streaming_client_that_leaves_is_noticed)
{
    bool closed;
    set_up(&plain, &open_client);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(w.loop);
    struct vpr_http_request *req = w.held[0];
    vpr_http_stream_start(req, 200, NULL, 0);
    ck_assert(vpr_http_stream_send(req, vpr_bytes_str("a")));
    ck_assert_ptr_nonnull(strstr(raw_read(fd, &closed), "1\r\na\r\n"));
    close(fd);
    vpr_loop_run(w.loop);
    ck_assert_uint_eq(w.gone, 1);
    ck_assert(!vpr_http_stream_send(req, vpr_bytes_str("b")));
    vpr_http_stream_close(req);
    ck_assert_uint_eq(vpr_http_server_connections(w.server), 0);
    ck_assert_uint_eq(vpr_http_server_requests(w.server), 0);
    tear_down();
}
END_TEST

/* One that reads nothing is cut off when our side of the buffer is full. */
START_TEST(a_streaming_client_that_does_not_read_is_cut_off)
{
    static char piece[65536];
    struct vpr_http_server_config small = {.unsent_max = 1 << 20};
    set_up(&small, &open_client);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(w.loop);
    vpr_http_stream_start(w.held[0], 200, NULL, 0);
    unsigned sent = 0;
    while (vpr_http_stream_send(w.held[0], vpr_bytes_of(piece, sizeof piece))) {
        ck_assert_uint_lt(++sent, 1000);
    }
    vpr_loop_run(w.loop);
    ck_assert_uint_eq(w.gone, 1);
    vpr_http_stream_close(w.held[0]);
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_destroyed_server_lets_its_requests_end)
{
    set_up(&plain, &open_client);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(w.loop);
    vpr_http_server_destroy(w.server);
    w.server = NULL;
    ck_assert_uint_eq(w.gone, 1);
    ck_assert(!vpr_http_waiting(w.held[0]));
    vpr_http_reply_text(w.held[0], 200, "text/plain", "");
    close(fd);
    tear_down();
}
END_TEST

/* --- TLS ----------------------------------------------------------------------------------- */

static char cert_path[] = "/tmp/viper.test.cert.XXXXXX";
static char key_path[] = "/tmp/viper.test.key.XXXXXX";

static void make_certificate(const char *alt_name)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_EXTENSION *alt = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alt_name);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    X509_add_ext(cert, alt, -1);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    FILE *f = fdopen(mkstemp(cert_path), "w");
    PEM_write_X509(f, cert);
    fclose(f);
    f = fdopen(mkstemp(key_path), "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_EXTENSION_free(alt);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void call_tls(const char *ca_file, const char *path, const char *body)
{
    char url[64];
    struct vpr_http_client_config client = {.allow_private = true, .ca_file = ca_file};
    struct vpr_http_server_config server = {.cert_file = cert_path, .key_file = key_path,
                                            .body_max = 4 << 20};
    set_up(&server, &client);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", vpr_http_server_port(w.server));
    for (int i = 0; i < 2; i++) {
        call_with((struct vpr_http_call){.url = vpr_bytes_str(url)}, path, body, NULL);
        wait_for(1);
    }
}

START_TEST(https_works_with_a_trusted_certificate)
{
    make_certificate("IP:127.0.0.1");
    call_tls(cert_path, "/echo", "secret");
    ck_assert_msg(w.last.failure == VPR_HTTP_FAILURE_NONE, "%s", w.last.why);
    ck_assert_str_eq(w.body, "secret");
    ck_assert(w.last.reused);
    tear_down();
    call_tls(cert_path, "/big", "");
    ck_assert_uint_eq(w.last.body.len, 3 << 20);
    tear_down();
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

START_TEST(https_refuses_an_unknown_or_wrong_certificate)
{
    make_certificate("IP:127.0.0.2,DNS:localhost");
    call_tls(NULL, "/echo", "secret");
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_CONNECT);
    ck_assert_str_eq(w.last.why, "certificate is not trusted");
    ck_assert_uint_eq(w.handled, 0);
    tear_down();
    call_tls(cert_path, "/echo", "secret");
    ck_assert_int_eq(w.last.failure, VPR_HTTP_FAILURE_CONNECT);
    ck_assert_uint_eq(w.handled, 0);
    tear_down();
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

/* --- the call that waits ------------------------------------------------------------------- */

static void *serve(void *arg)
{
    (void)arg;
    vpr_loop_run(w.loop);
    return NULL;
}

START_TEST(the_waiting_call_returns_the_answer)
{
    char url[64];
    pthread_t thread;
    struct vpr_buf body;
    struct vpr_err err;
    uint32_t status = 0;
    set_up(&plain, &open_client);
    snprintf(url, sizeof url, "http://localhost:%u", vpr_http_server_port(w.server));
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    vpr_buf_init(&body, 100);
    struct vpr_http_call call = {.method = "POST", .url = vpr_bytes_str(url),
                                 .body = vpr_bytes_str("x")};
    ck_assert_int_eq(vpr_http_call(&status, &body, &call, &open_client, &err), VPR_OK);
    ck_assert_uint_eq(status, 200);
    ck_assert_str_eq(body.data, "x");
    vpr_buf_finish(&body);
    call.url = vpr_bytes_str("http://127.0.0.1:1");
    ck_assert_int_eq(vpr_http_call(&status, &body, &call, &open_client, &err), VPR_NOT_FOUND);
    ck_assert_str_eq(err.text, "no answer from http://127.0.0.1:1: connection refused");
    vpr_buf_finish(&body);
    vpr_loop_stop(w.loop);
    pthread_join(thread, NULL);
    tear_down();
}
END_TEST

Suite *suite_http_client(void)
{
    Suite *suite = suite_create("http_client and http_server");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, a_call_is_answered_and_its_connection_used_again);
    tcase_add_test(tcase, a_header_that_would_split_the_answer_is_left_out);
    tcase_add_test(tcase, large_bodies_pass_both_ways);
    tcase_add_test(tcase, pieces_of_a_stream_arrive_and_the_connection_lives_on);
    tcase_add_test(tcase, calls_beyond_the_connections_wait_in_line);
    tcase_add_test(tcase, a_full_line_is_refused_as_busy);
    tcase_add_test(tcase, a_call_without_answer_times_out_and_the_server_learns);
    tcase_add_test(tcase, a_cancelled_call_never_calls_back);
    tcase_add_test(tcase, private_addresses_are_refused_unless_allowed);
    tcase_add_test(tcase, public_addresses_are_not_private);
    tcase_add_test(tcase, urls_are_read_strictly);
    tcase_add_test(tcase, a_refused_connection_and_an_unknown_name_say_so);
    tcase_add_test(tcase, a_stale_connection_is_tried_once_again);
    tcase_add_test(tcase, a_second_loss_is_not_tried_again);
    tcase_add_test(tcase, retry_never_means_never);
    tcase_add_test(tcase, nothing_is_sent_again_once_a_byte_came);
    tcase_add_test(tcase, a_connection_with_bytes_too_many_is_not_used_again);
    tcase_add_test(tcase, pipelined_requests_are_answered_in_order);
    tcase_add_test(tcase, a_malformed_request_is_answered_and_ends_the_connection);
    tcase_add_test(tcase, a_body_too_large_is_refused_before_it_is_sent);
    tcase_add_test(tcase, a_request_too_slow_gets_408_and_an_idle_connection_is_closed);
    tcase_add_test(tcase, beyond_its_limits_the_server_answers_503);
    tcase_add_test(tcase, a_half_closed_client_is_answered);
    tcase_add_test(tcase, a_streaming_client_that_leaves_is_noticed);
    tcase_add_test(tcase, a_streaming_client_that_does_not_read_is_cut_off);
    tcase_add_test(tcase, a_destroyed_server_lets_its_requests_end);
    tcase_add_test(tcase, https_works_with_a_trusted_certificate);
    tcase_add_test(tcase, https_refuses_an_unknown_or_wrong_certificate);
    tcase_add_test(tcase, the_waiting_call_returns_the_answer);
    suite_add_tcase(suite, tcase);
    return suite;
}
