/* The HTTP parser under mutated messages.  Whatever the bytes: the result does not depend on
 * how they were cut, a message taken reads the same once written out plainly, and no limit is
 * passed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/host/http_parse.h"
#include "tests/fuzz/mutate.h"

#define BODY_MAX 300

static const char *const seeds[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /v1/0001/x?y=1 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\nViper-Relay: abc\r\n\r\n"
    "helloGET / HTTP/1.1\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "OPTIONS * HTTP/1.0\r\nConnection: keep-alive, x\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\nok",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "a\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nto the end",
};
static const char *const words[] = {
    "\r\n", "\n", "\r", ":", " ", "\t", ";x=y", "Content-Length: 7\r\n", "Content-Length: +5\r\n",
    "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", "Host: b\r\n", "0\r\n\r\n",
    "ffffffffffffffff\r\n", "HTTP/1.1", "\x7f", "\xff", "Connection: close\r\n", " folded\r\n",
};

static void feed(struct vpr_http_parser *p, struct vpr_bytes text, size_t step, size_t *ret_used)
{
    size_t used = 0;
    while (used < text.len && p->state != VPR_HTTP_DONE && p->state != VPR_HTTP_BAD) {
        size_t part = text.len - used < step ? text.len - used : step;
        size_t n = vpr_http_parse(p, text.data + used, part);
        VPR_ASSERT(n <= part);
        VPR_ASSERT(n == part || p->state == VPR_HTTP_DONE || p->state == VPR_HTTP_BAD);
        used += n;
    }
    *ret_used = used;
}

static void check_same(const struct vpr_http_parser *a, const struct vpr_http_parser *b)
{
    VPR_ASSERT(a->state == b->state && a->bad_status == b->bad_status);
    VPR_ASSERT(a->header_count == b->header_count && a->keep_alive == b->keep_alive);
    VPR_ASSERT(a->status == b->status && a->header_count <= VPR_HTTP_HEADERS_MAX);
    VPR_ASSERT(vpr_bytes_equal(a->method, b->method) && vpr_bytes_equal(a->target, b->target));
    VPR_ASSERT(vpr_bytes_equal(vpr_buf_bytes(&a->body), vpr_buf_bytes(&b->body)));
    VPR_ASSERT(a->body.len <= BODY_MAX);
    for (size_t i = 0; i < a->header_count; i++) {
        VPR_ASSERT(vpr_bytes_equal(a->headers[i].name, b->headers[i].name));
        VPR_ASSERT(vpr_bytes_equal(a->headers[i].value, b->headers[i].value));
    }
}

/* What was taken, written without any freedom, is the same message. */
static void check_plain(const struct vpr_http_parser *a)
{
    struct vpr_http_parser b;
    struct vpr_buf text;
    size_t used;

    if (a->state != VPR_HTTP_DONE || a->kind != VPR_HTTP_REQUEST) {
        return;
    }
    vpr_buf_init(&text, 100000);
    vpr_buf_printf(&text, "%.*s %.*s HTTP/1.%u\r\n", (int)a->method.len, a->method.data,
                   (int)a->target.len, a->target.data, (unsigned)a->minor);
    for (size_t i = 0; i < a->header_count; i++) {
        if (vpr_http_is(a->headers[i].name, "content-length") ||
            vpr_http_is(a->headers[i].name, "transfer-encoding")) {
            continue;
        }
        vpr_buf_printf(&text, "%.*s: %.*s\r\n", (int)a->headers[i].name.len,
                       a->headers[i].name.data, (int)a->headers[i].value.len,
                       a->headers[i].value.data);
    }
    vpr_buf_printf(&text, "Content-Length: %zu\r\n\r\n", a->body.len);
    vpr_buf_add(&text, a->body.data, a->body.len);
    vpr_http_parser_init(&b, VPR_HTTP_REQUEST, BODY_MAX);
    feed(&b, vpr_buf_bytes(&text), text.len, &used);
    VPR_ASSERT(b.state == VPR_HTTP_DONE && used == text.len);
    VPR_ASSERT(vpr_bytes_equal(a->method, b.method) && vpr_bytes_equal(a->target, b.target));
    VPR_ASSERT(vpr_bytes_equal(vpr_buf_bytes(&a->body), vpr_buf_bytes(&b.body)));
    VPR_ASSERT(a->keep_alive == b.keep_alive);
    vpr_http_parser_finish(&b);
    vpr_buf_finish(&text);
}

int main(void)
{
    struct mutator m = mutator_start();
    uint64_t done = 0, bad = 0;

    while (mutator_more(&m)) {
        struct vpr_bytes text = mutate(&m, seeds, VPR_COUNT(seeds), words, VPR_COUNT(words));
        enum vpr_http_kind kind = text.data[0] == 'H' ? VPR_HTTP_RESPONSE : VPR_HTTP_REQUEST;
        struct vpr_http_parser whole, cut;
        size_t used_whole, used_cut;
        vpr_http_parser_init(&whole, kind, BODY_MAX);
        vpr_http_parser_init(&cut, kind, BODY_MAX);
        feed(&whole, text, text.len, &used_whole);
        feed(&cut, text, 1 + mutator_below(&m, 7), &used_cut);
        VPR_ASSERT(whole.state != VPR_HTTP_DONE || used_whole == used_cut);
        check_same(&whole, &cut);
        check_plain(&whole);
        done += whole.state == VPR_HTTP_DONE ? 1 : 0;
        bad += whole.state == VPR_HTTP_BAD ? 1 : 0;
        vpr_http_parser_finish(&whole);
        vpr_http_parser_finish(&cut);
    }
    printf("%" PRIu64 " taken, %" PRIu64 " refused of %" PRIu64 "\n", done, bad, m.rounds);
    mutator_finish(&m);
    VPR_ASSERT(done > 0 && bad > 0);
    return EXIT_SUCCESS;
}
