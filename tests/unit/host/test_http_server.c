/* The server against a client made of bytes. */
#include "app/host/http_server.h"

#include <netinet/in.h>
#include <unistd.h>

#include "tests/unit/host/http_world.h"
#include "tests/unit/host/suites.h"

static int raw_dial(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sa.sin_port = htons(vpr_http_server_port(http_world.server));
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
        http_turns(1);
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
    http_set_up(&http_plain, &http_open);
    int fd = raw_dial();
    raw_send(fd, "GET /echo?1 HTTP/1.1\r\nHost: x\r\n\r\n"
                 "GET /hold HTTP/1.1\r\nHost: x\r\n\r\nGET /echo?3 HTTP/1.1\r\nHost: x\r\n\r\n"
                 "POST /echo?4 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n");
    vpr_loop_run(http_world.loop);
    const char *text = raw_read(fd, &closed);
    ck_assert_uint_eq(count(text, "HTTP/1.1 200"), 1);
    ck_assert_uint_eq(http_world.handled, 2);
    vpr_http_reply_text(http_world.held[0], 201, "text/plain", "held");
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
    http_tear_down();
}
END_TEST

START_TEST(a_malformed_request_is_answered_and_ends_the_connection)
{
    bool closed;
    http_set_up(&http_plain, &http_open);
    int fd = raw_dial();
    raw_send(fd, "GET /echo HTTP/1.1\r\nHost : x\r\n\r\nGET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = raw_read(fd, &closed);
    ck_assert(closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 400 Bad Request\r\n", 26), 0);
    ck_assert_ptr_nonnull(strstr(text, "Connection: close"));
    ck_assert_uint_eq(count(text, "HTTP/1.1"), 1);
    ck_assert_uint_eq(http_world.handled, 0);
    close(fd);
    http_tear_down();
}
END_TEST

START_TEST(a_body_too_large_is_refused_before_it_is_sent)
{
    bool closed;
    struct vpr_http_server_config small = {.body_max = 10};
    http_set_up(&small, &http_open);
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
    http_tear_down();
}
END_TEST

START_TEST(a_request_too_slow_gets_408_and_an_idle_connection_is_closed)
{
    bool closed;
    struct vpr_http_server_config fast = {.request_ms = 50, .idle_ms = 100};
    http_set_up(&fast, &http_open);
    int slow = raw_dial();
    int idle = raw_dial();
    raw_send(slow, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n012");
    http_turns(400);
    const char *text = raw_read(slow, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 408 ", 13), 0);
    ck_assert(closed);
    ck_assert_str_eq(raw_read(idle, &closed), "");
    ck_assert(closed);
    close(slow);
    close(idle);
    http_turns(3);
    ck_assert_uint_eq(vpr_http_server_connections(http_world.server), 0);
    http_tear_down();
}
END_TEST

START_TEST(beyond_its_limits_the_server_answers_503)
{
    bool closed;
    struct vpr_http_server_config small = {.connections_max = 2, .requests_max = 1};
    http_set_up(&small, &http_open);
    int a = raw_dial();
    int b = raw_dial();
    raw_send(a, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(http_world.loop);
    raw_send(b, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *text = raw_read(b, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(text, "Retry-After: 1"));
    ck_assert(!closed);
    int c = raw_dial();
    text = raw_read(c, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 503 ", 13), 0);
    ck_assert(closed);
    vpr_http_reply_text(http_world.held[0], 200, "text/plain", "");
    raw_send(b, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    text = raw_read(b, &closed);
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0);
    ck_assert_uint_eq(vpr_http_server_requests(http_world.server), 0);
    close(a);
    close(b);
    close(c);
    http_tear_down();
}
END_TEST

/* A client that sends and shuts its side still reads its answer. */
START_TEST(a_half_closed_client_is_answered)
{
    bool closed;
    http_set_up(&http_plain, &http_open);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    vpr_loop_run(http_world.loop);
    http_turns(3);
    vpr_http_reply_text(http_world.held[0], 200, "text/plain", "still there");
    const char *text = raw_read(fd, &closed);
    ck_assert_ptr_nonnull(strstr(text, "still there"));
    ck_assert(closed);
    close(fd);
    http_tear_down();
}
END_TEST

START_TEST(a_streaming_client_that_leaves_is_noticed)
{
    bool closed;
    http_set_up(&http_plain, &http_open);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(http_world.loop);
    struct vpr_http_request *req = http_world.held[0];
    vpr_http_stream_start(req, 200, NULL, 0);
    ck_assert(vpr_http_stream_send(req, vpr_bytes_str("a")));
    ck_assert_ptr_nonnull(strstr(raw_read(fd, &closed), "1\r\na\r\n"));
    close(fd);
    vpr_loop_run(http_world.loop);
    ck_assert_uint_eq(http_world.gone, 1);
    ck_assert(!vpr_http_stream_send(req, vpr_bytes_str("b")));
    vpr_http_stream_close(req);
    ck_assert_uint_eq(vpr_http_server_connections(http_world.server), 0);
    ck_assert_uint_eq(vpr_http_server_requests(http_world.server), 0);
    http_tear_down();
}
END_TEST

/* One that reads nothing is cut off when our side of the buffer is full. */
START_TEST(a_streaming_client_that_does_not_read_is_cut_off)
{
    static char piece[65536];
    struct vpr_http_server_config small = {.unsent_max = 1 << 20};
    http_set_up(&small, &http_open);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(http_world.loop);
    vpr_http_stream_start(http_world.held[0], 200, NULL, 0);
    unsigned sent = 0;
    while (vpr_http_stream_send(http_world.held[0], vpr_bytes_of(piece, sizeof piece))) {
        ck_assert_uint_lt(++sent, 1000);
    }
    vpr_loop_run(http_world.loop);
    ck_assert_uint_eq(http_world.gone, 1);
    vpr_http_stream_close(http_world.held[0]);
    close(fd);
    http_tear_down();
}
END_TEST

/* Forty answers of 3 MiB asked for in one go, none read: most are not even begun. */
START_TEST(a_client_that_does_not_read_gets_no_next_answer)
{
    bool closed;
    http_set_up(&http_plain, &http_open);
    int fd = raw_dial();
    for (size_t i = 0; i < 40; i++) {
        raw_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    raw_send(fd, "GET /echo?last HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(fd, SHUT_WR);
    http_turns(20);
    ck_assert_uint_ge(http_world.handled, 1);
    ck_assert_uint_lt(http_world.handled, 10);
    size_t answers = 0;
    do { /* read by and by, all of it comes */
        answers += count(raw_read(fd, &closed), "HTTP/1.1 200");
    } while (!closed);
    ck_assert_uint_eq(http_world.handled, 41);
    ck_assert_uint_ge(answers, 40); /* one may lie across two reads */
    close(fd);
    http_tear_down();
}
END_TEST

/* Clients that read nothing: together they stay within the limit, some are cut off. */
START_TEST(slow_readers_together_stay_within_the_limit)
{
    bool closed;
    int fds[12];
    struct vpr_http_server_config small = {.buffered_max = 4 << 20, .body_max = 1000};
    http_set_up(&small, &http_open);
    for (size_t i = 0; i < 12; i++) {
        fds[i] = raw_dial();
        for (size_t k = 0; k < 10; k++) {
            raw_send(fds[i], "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        http_turns(5);
    }
    uint32_t left = vpr_http_server_connections(http_world.server);
    ck_assert_uint_ge(left, 1);
    ck_assert_uint_lt(left, 12);
    for (size_t i = 0; i < 12; i++) {
        close(fds[i]);
    }
    http_turns(5);
    int fd = raw_dial();
    raw_send(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(strncmp(raw_read(fd, &closed), "HTTP/1.1 200 ", 13), 0);
    ck_assert_uint_eq(vpr_http_server_connections(http_world.server), 1);
    close(fd);
    http_tear_down();
}
END_TEST

START_TEST(a_destroyed_server_lets_its_requests_end)
{
    http_set_up(&http_plain, &http_open);
    int fd = raw_dial();
    raw_send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    vpr_loop_run(http_world.loop);
    vpr_http_server_destroy(http_world.server);
    http_world.server = NULL;
    ck_assert_uint_eq(http_world.gone, 1);
    ck_assert(!vpr_http_waiting(http_world.held[0]));
    vpr_http_reply_text(http_world.held[0], 200, "text/plain", "");
    close(fd);
    http_tear_down();
}
END_TEST

Suite *suite_http_server(void)
{
    Suite *suite = suite_create("http_server");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, pipelined_requests_are_answered_in_order);
    tcase_add_test(tcase, a_malformed_request_is_answered_and_ends_the_connection);
    tcase_add_test(tcase, a_body_too_large_is_refused_before_it_is_sent);
    tcase_add_test(tcase, a_request_too_slow_gets_408_and_an_idle_connection_is_closed);
    tcase_add_test(tcase, beyond_its_limits_the_server_answers_503);
    tcase_add_test(tcase, a_half_closed_client_is_answered);
    tcase_add_test(tcase, a_streaming_client_that_leaves_is_noticed);
    tcase_add_test(tcase, a_streaming_client_that_does_not_read_is_cut_off);
    tcase_add_test(tcase, a_client_that_does_not_read_gets_no_next_answer);
    tcase_add_test(tcase, slow_readers_together_stay_within_the_limit);
    tcase_add_test(tcase, a_destroyed_server_lets_its_requests_end);
    suite_add_tcase(suite, tcase);
    return suite;
}
