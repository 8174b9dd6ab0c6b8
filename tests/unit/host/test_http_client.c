/* The client against our server, and against a plain socket where bytes matter. */
#include "app/host/http_client.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "app/base/bytes.h"
#include "tests/unit/host/http_world.h"
#include "tests/unit/host/suites.h"

START_TEST(a_call_is_answered_and_its_connection_used_again)
{
    http_set_up(&http_plain, &http_open);
    for (int i = 0; i < 3; i++) {
        http_call((struct vpr_http_call){0}, "/echo?a=%20b", "hello", NULL);
        http_wait(1);
        ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_NONE);
        ck_assert_uint_eq(http_world.last.status, 200);
        ck_assert_str_eq(http_world.body, "hello");
        ck_assert(http_world.last.reused == (i > 0));
        ck_assert(http_world.last.sent);
    }
    ck_assert_uint_eq(vpr_http_client_connections(http_world.client), 1);
    ck_assert_uint_eq(vpr_http_server_connections(http_world.server), 1);
    ck_assert_int_eq(strncmp(http_world.peer, "127.0.0.1:", 10), 0);
    http_tear_down();
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
    vpr_loop_stop(http_world.loop);
}

START_TEST(a_header_that_would_split_the_answer_is_left_out)
{
    char url[128];
    http_set_up(&http_plain, &http_open);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/echo?a=%%20b",
             vpr_http_server_port(http_world.server));
    struct vpr_http_call call = {.url = vpr_bytes_str(url)};
    vpr_http_client_start(http_world.client, &call, check_headers, NULL);
    vpr_loop_run(http_world.loop);
    http_tear_down();
}
END_TEST

START_TEST(large_bodies_pass_both_ways)
{
    size_t len = (4 << 20) - 1;
    char *body = malloc(len + 1);
    memset(body, 'x', len);
    body[len] = '\0';
    http_set_up(&http_plain, &http_open);
    http_call((struct vpr_http_call){0}, "/echo", body, NULL);
    http_wait(1);
    ck_assert_uint_eq(http_world.last.body.len, len);
    http_call((struct vpr_http_call){.method = "GET"}, "/big", "", NULL);
    http_wait(1);
    ck_assert_uint_eq(http_world.last.body.len, 3 << 20);
    http_call((struct vpr_http_call){.body_max = (3 << 20) - 1}, "/big", "", NULL);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_TOO_LARGE);
    free(body);
    http_tear_down();
}
END_TEST

START_TEST(pieces_of_a_stream_arrive_and_the_connection_lives_on)
{
    http_set_up(&http_plain, &http_open);
    for (int i = 0; i < 2; i++) {
        http_call((struct vpr_http_call){.method = "GET"}, "/stream", "", NULL);
        http_wait(1);
        ck_assert_str_eq(http_world.body, "data: x\n\ndata: x\n\ndata: x\n\n");
    }
    ck_assert(http_world.last.reused);
    http_tear_down();
}
END_TEST

/* Two connections at most: of five calls three wait, and go out in order. */
START_TEST(calls_beyond_the_connections_wait_in_line)
{
    struct vpr_http_client_config two = {.allow_private = true, .per_host_max = 2};
    http_set_up(&http_plain, &two);
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++) {
        http_call((struct vpr_http_call){0}, "/echo", "x", names[i]);
    }
    http_wait(5);
    ck_assert_str_eq(http_world.order, "abcde");
    ck_assert_uint_eq(vpr_http_server_connections(http_world.server), 2);
    http_tear_down();
}
END_TEST

START_TEST(a_full_line_is_refused_as_busy)
{
    struct vpr_http_client_config one = {.allow_private = true, .per_host_max = 1,
                                         .waiting_max = 1};
    http_set_up(&http_plain, &one);
    http_call((struct vpr_http_call){0}, "/hold", "", NULL);
    vpr_loop_run(http_world.loop);
    http_call((struct vpr_http_call){0}, "/echo", "", NULL);
    http_call((struct vpr_http_call){0}, "/echo", "", NULL);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_BUSY);
    vpr_http_reply_text(http_world.held[0], 200, "text/plain", "late");
    http_wait(2);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_NONE);
    ck_assert_uint_eq(http_world.handled, 2);
    http_tear_down();
}
END_TEST

START_TEST(a_call_without_answer_times_out_and_the_server_learns)
{
    http_set_up(&http_plain, &http_open);
    http_call((struct vpr_http_call){.total_ms = 60}, "/hold", "", NULL);
    vpr_loop_run(http_world.loop);
    ck_assert(vpr_http_waiting(http_world.held[0]));
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_TIMEOUT);
    ck_assert(http_world.last.sent);
    ck_assert_uint_ge(http_world.last.elapsed_us, 59000);
    ck_assert_uint_eq(vpr_http_client_connections(http_world.client), 0);
    vpr_http_reply_text(http_world.held[0], 200, "text/plain", "nobody listens");
    http_tear_down();
}
END_TEST

START_TEST(a_cancelled_call_never_calls_back)
{
    http_set_up(&http_plain, &http_open);
    struct vpr_http_exchange *x = http_call((struct vpr_http_call){0}, "/hold", "", "no");
    vpr_loop_run(http_world.loop);
    vpr_http_client_cancel(x);
    x = http_call((struct vpr_http_call){0}, "/echo", "", "no"); /* before it is out */
    vpr_http_client_cancel(x);
    http_call((struct vpr_http_call){0}, "/echo", "", "yes");
    http_wait(1);
    ck_assert_str_eq(http_world.order, "yes");
    vpr_http_reply_text(http_world.held[0], 200, "text/plain", "");
    http_tear_down();
}
END_TEST

START_TEST(private_addresses_are_refused_unless_allowed)
{
    struct vpr_http_client_config closed = {.allow_private = false};
    http_set_up(&http_plain, &closed);
    static const char *const urls[] = {
        "127.0.0.1", "localhost", "[::1]",
        "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254",
        "2130706433", "0x7f.1", "[64:ff9b::a00:1]"};
    for (size_t i = 0; i < VPR_COUNT(urls); i++) {
        char url[64];
        snprintf(url, sizeof url, "http://%s:%u", urls[i], vpr_http_server_port(http_world.server));
        http_call((struct vpr_http_call){.url = vpr_bytes_str(url)}, "/echo", "", NULL);
        http_wait(1);
        ck_assert_msg(http_world.last.failure == VPR_HTTP_FAILURE_PRIVATE, "%s: %s", url,
                      vpr_http_failure_name(http_world.last.failure));
    }
    ck_assert_uint_eq(http_world.handled, 0);
    ck_assert_uint_eq(vpr_http_server_connections(http_world.server), 0);
    http_tear_down();
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
    http_set_up(&http_plain, &http_open);
    http_call((struct vpr_http_call){.url = vpr_bytes_str("http://127.0.0.1:1")}, "", "", NULL);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_CONNECT);
    ck_assert(!http_world.last.sent);
    http_call((struct vpr_http_call){.url = vpr_bytes_str("http://no-such-host.invalid")}, "",
              "", NULL);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_RESOLVE);
    http_call((struct vpr_http_call){.url = vpr_bytes_str("nonsense")}, "", "", NULL);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_BAD_URL);
    http_call((struct vpr_http_call){0}, "/a b", "", NULL);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_BAD_URL);
    http_tear_down();
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

/* Accept and read one request; closes unless an answer is given. */
static int raw_take(struct raw *r)
{
    char text[4096];
    http_turns(5);
    int fd = accept(r->listener, NULL, NULL);
    ck_assert_int_ge(fd, 0);
    http_turns(5);
    ck_assert_int_gt((int)recv(fd, text, sizeof text, 0), 0);
    return fd;
}

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static void raw_answer(int fd)
{
    ck_assert_int_eq((int)send(fd, ok_answer, sizeof ok_answer - 1, 0),
                     (int)sizeof ok_answer - 1);
    http_world.done = 0;
    http_world.want = 1;
    vpr_loop_run(http_world.loop);
}

/* One good exchange, then the server reads a second request and closes without a byte. */
static int leave_stale(struct raw *r, enum vpr_http_retry retry)
{
    char url[64];
    char text[4096];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", r->port);
    struct vpr_http_call call = {.url = vpr_bytes_str(url), .retry = retry};
    http_call(call, "/", "one", NULL);
    int fd = raw_take(r);
    raw_answer(fd);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_NONE);
    http_call(call, "/", "two", NULL);
    http_turns(3);
    ck_assert_int_gt((int)recv(fd, text, sizeof text, 0), 0);
    return fd;
}

START_TEST(a_stale_connection_is_tried_once_again)
{
    http_set_up(&http_plain, &http_open);
    struct raw r = raw_listen();
    close(leave_stale(&r, VPR_HTTP_RETRY_STALE));
    int fd = raw_take(&r);
    raw_answer(fd);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_NONE);
    ck_assert(!http_world.last.reused);
    ck_assert_str_eq(http_world.body, "ok");
    close(fd);
    close(r.listener);
    http_tear_down();
}
END_TEST

START_TEST(a_second_loss_is_not_tried_again)
{
    http_set_up(&http_plain, &http_open);
    struct raw r = raw_listen();
    close(leave_stale(&r, VPR_HTTP_RETRY_STALE));
    close(raw_take(&r));
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_CLOSED);
    close(r.listener);
    http_tear_down();
}
END_TEST

START_TEST(retry_never_means_never)
{
    http_set_up(&http_plain, &http_open);
    struct raw r = raw_listen();
    close(leave_stale(&r, VPR_HTTP_RETRY_NEVER));
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_CLOSED);
    ck_assert(http_world.last.sent);
    close(r.listener);
    http_tear_down();
}
END_TEST

START_TEST(nothing_is_sent_again_once_a_byte_came)
{
    http_set_up(&http_plain, &http_open);
    struct raw r = raw_listen();
    int fd = leave_stale(&r, VPR_HTTP_RETRY_IDEMPOTENT);
    ck_assert_int_eq((int)send(fd, "H", 1, 0), 1);
    http_turns(3);
    close(fd);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_CLOSED);
    close(r.listener);
    http_tear_down();
}
END_TEST

START_TEST(a_connection_with_bytes_too_many_is_not_used_again)
{
    char url[64];
    http_set_up(&http_plain, &http_open);
    struct raw r = raw_listen();
    snprintf(url, sizeof url, "http://127.0.0.1:%u", r.port);
    http_call((struct vpr_http_call){.url = vpr_bytes_str(url)}, "/", "", NULL);
    int fd = raw_take(&r);
    ck_assert_int_eq((int)send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK",
                               53, 0), 53);
    http_wait(1);
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_NONE);
    ck_assert_uint_eq(vpr_http_client_connections(http_world.client), 0);
    close(fd);
    close(r.listener);
    http_tear_down();
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
    http_set_up(&server, &client);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", vpr_http_server_port(http_world.server));
    for (int i = 0; i < 2; i++) {
        http_call((struct vpr_http_call){.url = vpr_bytes_str(url)}, path, body, NULL);
        http_wait(1);
    }
}

START_TEST(https_works_with_a_trusted_certificate)
{
    make_certificate("IP:127.0.0.1");
    call_tls(cert_path, "/echo", "secret");
    ck_assert_msg(http_world.last.failure == VPR_HTTP_FAILURE_NONE, "%s", http_world.last.why);
    ck_assert_str_eq(http_world.body, "secret");
    ck_assert(http_world.last.reused);
    http_tear_down();
    call_tls(cert_path, "/big", "");
    ck_assert_uint_eq(http_world.last.body.len, 3 << 20);
    http_tear_down();
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

START_TEST(https_refuses_an_unknown_or_wrong_certificate)
{
    make_certificate("IP:127.0.0.2,DNS:localhost");
    call_tls(NULL, "/echo", "secret");
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_CONNECT);
    ck_assert_str_eq(http_world.last.why, "certificate is not trusted");
    ck_assert_uint_eq(http_world.handled, 0);
    http_tear_down();
    call_tls(cert_path, "/echo", "secret");
    ck_assert_int_eq(http_world.last.failure, VPR_HTTP_FAILURE_CONNECT);
    ck_assert_uint_eq(http_world.handled, 0);
    http_tear_down();
    unlink(cert_path);
    unlink(key_path);
}
END_TEST

/* --- the call that waits ------------------------------------------------------------------- */

static void *serve(void *arg)
{
    (void)arg;
    vpr_loop_run(http_world.loop);
    return NULL;
}

START_TEST(the_waiting_call_returns_the_answer)
{
    char url[64];
    pthread_t thread;
    struct vpr_buf body;
    struct vpr_err err;
    uint32_t status = 0;
    http_set_up(&http_plain, &http_open);
    snprintf(url, sizeof url, "http://localhost:%u", vpr_http_server_port(http_world.server));
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    vpr_buf_init(&body, 100);
    struct vpr_http_call call = {.method = "POST", .url = vpr_bytes_str(url),
                                 .body = vpr_bytes_str("x")};
    ck_assert_int_eq(vpr_http_call(&status, &body, &call, &http_open, &err), VPR_OK);
    ck_assert_uint_eq(status, 200);
    ck_assert_str_eq(body.data, "x");
    vpr_buf_finish(&body);
    call.url = vpr_bytes_str("http://127.0.0.1:1");
    ck_assert_int_eq(vpr_http_call(&status, &body, &call, &http_open, &err), VPR_NOT_FOUND);
    ck_assert_str_eq(err.text, "no answer from http://127.0.0.1:1: connection refused");
    vpr_buf_finish(&body);
    vpr_loop_stop(http_world.loop);
    pthread_join(thread, NULL);
    http_tear_down();
}
END_TEST

Suite *suite_http_client(void)
{
    Suite *suite = suite_create("http_client");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 120);
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
    tcase_add_test(tcase, https_works_with_a_trusted_certificate);
    tcase_add_test(tcase, https_refuses_an_unknown_or_wrong_certificate);
    tcase_add_test(tcase, the_waiting_call_returns_the_answer);
    suite_add_tcase(suite, tcase);
    return suite;
}
