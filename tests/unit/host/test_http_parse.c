#include "app/host/http_parse.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "tests/unit/host/suites.h"

static struct vpr_http_parser parser;

static void start(enum vpr_http_kind kind)
{
    vpr_http_parser_init(&parser, kind, 1000);
}

/* Feed in steps of `step` bytes; returns how many were taken. */
static size_t feed(const char *text, size_t step)
{
    size_t len = strlen(text);
    size_t used = 0;
    while (used < len && parser.state != VPR_HTTP_DONE && parser.state != VPR_HTTP_BAD) {
        size_t part = len - used < step ? len - used : step;
        size_t n = vpr_http_parse(&parser, text + used, part);
        used += n;
        if (n < part) {
            break;
        }
    }
    return used;
}

static bool is(struct vpr_bytes bytes, const char *text)
{
    return vpr_bytes_equal(bytes, vpr_bytes_str(text));
}

static const char post[] = "POST /v1/0001?a=b HTTP/1.1\r\nHost: x:80\r\nViper-Relay:\t abc \r\n"
                           "Content-Length: 5\r\n\r\nhelloGET ";

/* The same message comes out whatever the cuts. */
START_TEST(a_request_is_read_at_any_cut)
{
    for (size_t step = 1; step < sizeof post; step++) {
        start(VPR_HTTP_REQUEST);
        ck_assert_uint_eq(feed(post, step), strlen(post) - 4);
        ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
        ck_assert(is(parser.method, "POST"));
        ck_assert(is(parser.target, "/v1/0001?a=b"));
        ck_assert_uint_eq(parser.header_count, 3);
        const struct vpr_bytes *v = vpr_http_find(parser.headers, 3, "viper-relay");
        ck_assert_ptr_nonnull(v);
        ck_assert(is(*v, "abc"));
        ck_assert(is(vpr_buf_bytes(&parser.body), "hello"));
        ck_assert(parser.keep_alive);
        vpr_http_parser_finish(&parser);
    }
}
END_TEST

#define H "Host: x\r\n"

static const struct {
    const char *text;
    uint32_t status;
} malformed[] = {
    {"GET / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: \r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 9999999999999999999\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 1001\r\n\r\n", 413},
    {"GET / HTTP/1.1\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H ": b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "Host: y\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n", 413},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA b\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n x: y\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 417},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\r\n" H "\r\n", 400},
    {"GET  / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" H "\r\n", 400},
    {"GET / x HTTP/1.1\r\n" H "\r\n", 400},
    {"GET http://x/ HTTP/1.1\r\n" H "\r\n", 400},
    {"GET * HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" H "\r\n", 400},
    {"GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400},
    {"G(T / HTTP/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/2.0\r\n" H "\r\n", 505},
    {"GET / HTTP/1.2\r\n" H "\r\n", 505},
    {"GET / http/1.1\r\n" H "\r\n", 400},
    {"GET / HTTP/1.1\r\n" H "A: \xff\x01\r\n\r\n", 400},
};

START_TEST(malformed_requests_are_refused)
{
    const char *text = malformed[_i].text;
    for (size_t step = 1; step <= strlen(text); step += step < 4 ? 1 : 17) {
        start(VPR_HTTP_REQUEST);
        feed(text, step);
        ck_assert_msg(parser.state == VPR_HTTP_BAD, "taken: %s", text);
        ck_assert_msg(parser.bad_status == malformed[_i].status, "%u %s for: %s",
                      parser.bad_status, parser.bad_why, text);
        ck_assert_uint_eq(vpr_http_parse(&parser, "more", 4), 0);
        vpr_http_parser_finish(&parser);
    }
}
END_TEST

START_TEST(a_nul_is_refused_everywhere)
{
    static const char in_head[] = "GET /\0 HTTP/1.1\r\n" H "\r\n";
    static const char in_value[] = "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n";
    start(VPR_HTTP_REQUEST);
    vpr_http_parse(&parser, in_head, sizeof in_head - 1);
    ck_assert_int_eq(parser.state, VPR_HTTP_BAD);
    vpr_http_parser_reset(&parser);
    vpr_http_parse(&parser, in_value, sizeof in_value - 1);
    ck_assert_int_eq(parser.state, VPR_HTTP_BAD);
    vpr_http_parser_finish(&parser);
}
END_TEST

START_TEST(a_chunked_body_is_put_together)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
                               "5\r\nhello\r\nA\r\n, world!!!\r\n0\r\nDigest: x\r\n\r\nrest";
    for (size_t step = 1; step < sizeof text; step++) {
        start(VPR_HTTP_RESPONSE);
        ck_assert_uint_eq(feed(text, step), strlen(text) - 4);
        ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
        ck_assert(is(vpr_buf_bytes(&parser.body), "hello, world!!!"));
        ck_assert(parser.keep_alive);
        vpr_http_parser_finish(&parser);
    }
}
END_TEST

START_TEST(answers_end_where_they_should)
{
    start(VPR_HTTP_RESPONSE);
    feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n"
         "HTTP/1.1 204 No Content\r\n\r\n", 7);
    ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
    ck_assert_uint_eq(parser.status, 204);
    ck_assert_uint_eq(parser.header_count, 0);
    vpr_http_parser_reset(&parser);

    feed("HTTP/1.1 200 OK\r\n\r\nuntil the end", 100);
    ck_assert_int_eq(parser.state, VPR_HTTP_BODY_EOF);
    ck_assert(vpr_http_parse_eof(&parser));
    ck_assert(is(vpr_buf_bytes(&parser.body), "until the end"));
    ck_assert(!parser.keep_alive);
    vpr_http_parser_reset(&parser);

    feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", 100);
    ck_assert(!vpr_http_parse_eof(&parser)); /* one byte is missing */
    vpr_http_parser_reset(&parser);

    parser.to_head = true;
    feed("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", 100);
    ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
    vpr_http_parser_reset(&parser);

    feed("HTTP/1.1 101 Switching\r\n\r\n", 100);
    ck_assert_int_eq(parser.state, VPR_HTTP_BAD);
    vpr_http_parser_reset(&parser);
    feed("HTTP/1.1 99 No\r\n\r\n", 100);
    ck_assert_int_eq(parser.state, VPR_HTTP_BAD);
    vpr_http_parser_finish(&parser);
}
END_TEST

START_TEST(keep_alive_follows_version_and_connection)
{
    start(VPR_HTTP_REQUEST);
    feed("GET / HTTP/1.0\r\n\r\n", 100);
    ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
    ck_assert(!parser.keep_alive);
    vpr_http_parser_reset(&parser);
    feed("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n", 100);
    ck_assert(parser.keep_alive);
    vpr_http_parser_reset(&parser);
    feed("GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: Close\r\n\r\n", 100);
    ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
    ck_assert(!parser.keep_alive);
    vpr_http_parser_finish(&parser);
}
END_TEST

/* Each limit takes the last value below it and refuses the first above. */
START_TEST(limits_hold_to_the_byte)
{
    static char text[20000];
    start(VPR_HTTP_REQUEST);
    size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" H "A: ");
    size_t fill = VPR_HTTP_HEAD_BYTES_MAX - len - 4;
    memset(text + len, 'a', fill);
    memcpy(text + len + fill, "\r\n\r\n", 5);
    feed(text, 1000);
    ck_assert_int_eq(parser.state, VPR_HTTP_DONE);
    vpr_http_parser_reset(&parser);
    memset(text + len, 'a', fill + 1);
    memcpy(text + len + fill + 1, "\r\n\r\n", 5);
    feed(text, 1000);
    ck_assert_uint_eq(parser.bad_status, 431);
    vpr_http_parser_reset(&parser);

    for (size_t headers = VPR_HTTP_HEADERS_MAX; headers <= VPR_HTTP_HEADERS_MAX + 1; headers++) {
        len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\n" H);
        for (size_t i = 1; i < headers; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "A: b\r\n");
        }
        snprintf(text + len, sizeof text - len, "\r\n");
        feed(text, 1000);
        ck_assert_int_eq(parser.state, headers == VPR_HTTP_HEADERS_MAX ? VPR_HTTP_DONE
                                                                       : VPR_HTTP_BAD);
        vpr_http_parser_reset(&parser);
    }
    for (size_t target = VPR_HTTP_TARGET_BYTES_MAX; target <= VPR_HTTP_TARGET_BYTES_MAX + 1;
         target++) {
        memcpy(text, "GET /", 5);
        memset(text + 5, 'a', target - 1);
        memcpy(text + 4 + target, " HTTP/1.1\r\n" H "\r\n", 23);
        feed(text, 1000);
        ck_assert_uint_eq(parser.bad_status, target == VPR_HTTP_TARGET_BYTES_MAX ? 0 : 414);
        vpr_http_parser_reset(&parser);
    }
    vpr_http_parser_finish(&parser);
}
END_TEST

Suite *suite_http_parse(void)
{
    Suite *suite = suite_create("http_parse");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_request_is_read_at_any_cut);
    tcase_add_loop_test(tcase, malformed_requests_are_refused, 0, (int)VPR_COUNT(malformed));
    tcase_add_test(tcase, a_nul_is_refused_everywhere);
    tcase_add_test(tcase, a_chunked_body_is_put_together);
    tcase_add_test(tcase, answers_end_where_they_should);
    tcase_add_test(tcase, keep_alive_follows_version_and_connection);
    tcase_add_test(tcase, limits_hold_to_the_byte);
    suite_add_tcase(suite, tcase);
    return suite;
}
