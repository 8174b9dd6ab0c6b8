#include "app/host/json_scan.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "app/base/bytes.h"
#include "tests/unit/host/suites.h"

static bool is(struct vpr_bytes bytes, const char *text)
{
    return vpr_bytes_equal(bytes, vpr_bytes_str(text));
}

static struct vpr_json_call calls[VPR_JSON_BATCH_MAX];
static struct vpr_json_rpc rpc;
static struct vpr_json_fault fault;

static bool scan(const char *text)
{
    return vpr_json_rpc(&rpc, calls, VPR_JSON_BATCH_MAX, vpr_bytes_str(text), &fault);
}

START_TEST(a_call_is_found_with_its_bytes_untouched)
{
    ck_assert(scan(" {\"jsonrpc\":\"2.0\", \"id\" : 00018446744073709551616 }") == false);
    ck_assert(scan("  {\"jsonrpc\":\"2.0\", \"id\" : 18446744073709551616.50e+2 ,"
                   "\"x\":{\"id\":1},\"method\":\"eth_\\u0063all\",\"params\":[ 1, {} ]}  "));
    ck_assert(!rpc.batch);
    ck_assert_uint_eq(rpc.count, 1);
    ck_assert(calls[0].valid);
    ck_assert(is(calls[0].id, "18446744073709551616.50e+2"));
    ck_assert(is(calls[0].method, "\"eth_\\u0063all\""));
    ck_assert(is(calls[0].params, "[ 1, {} ]"));
    char name[32];
    size_t len;
    ck_assert(vpr_json_text(name, sizeof name, &len, calls[0].method));
    ck_assert_str_eq(name, "eth_call");
}
END_TEST

START_TEST(a_batch_keeps_order_and_bad_elements)
{
    ck_assert(scan("[{\"id\":\"a\",\"method\":\"m\"}, 5 ,{\"method\":\"n\"},{\"id\":1}]"));
    ck_assert(rpc.batch);
    ck_assert_uint_eq(rpc.count, 4);
    ck_assert(calls[0].valid && !calls[1].valid && calls[2].valid && !calls[3].valid);
    ck_assert(is(calls[1].whole, "5"));
    ck_assert(is(calls[2].whole, "{\"method\":\"n\"}"));
    ck_assert_uint_eq(calls[2].id.len, 0);
    ck_assert(scan(" [ ] "));
    ck_assert(rpc.batch);
    ck_assert_uint_eq(rpc.count, 0);
}
END_TEST

START_TEST(a_batch_of_more_than_a_thousand_is_refused)
{
    char *text = malloc(3 * 1001 + 2);
    for (size_t count = 1000; count <= 1001; count++) {
        size_t at = 0;
        text[at++] = '[';
        for (size_t i = 0; i < count; i++) {
            at += (size_t)sprintf(text + at, "%s{}", i > 0 ? "," : "");
        }
        text[at++] = ']';
        text[at] = '\0';
        ck_assert(scan(text) == (count == 1000));
    }
    ck_assert_str_eq(fault.reason, "too many calls in one batch");
    free(text);
}
END_TEST

static const char *const ambiguous[] = {
    "{\"method\":\"a\",\"method\":\"b\"}",     "{\"id\":1,\"id\":1}",
    "{\"method\":\"a\",\"Method\":\"b\"}",     "{\"METHOD\":\"b\"}",
    "{\"method\":\"a\",\"\\u006dethod\":\"b\"}", "{\"params\":[],\"params\":[]}",
    "{\"ID\":1}",                              "[{\"id\":1,\"i\\u0064\":2}]",
};

START_TEST(a_call_that_two_readers_read_differently_is_refused)
{
    ck_assert(!scan(ambiguous[_i]));
}
END_TEST

/* Texts on which jansson and we must agree. */
static const char *const same[] = {
    "", " ", "{", "}", "[", "]", "[]", "{}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
    "{a:1}", "{'a':1}", "[01]", "[-]", "[-0]", "[1.]", "[.5]", "[1e]", "[1e+]", "[1e5]", "[+1]",
    "[0x1]", "[NaN]", "[Infinity]", "[tru]", "[true]", "[nulll]", "[\"\\x\"]", "[\"\\u12\"]",
    "[\"\\ud800\"]", "[\"\\udc00\"]", "[\"\\ud800\\u0041\"]", "[\"\\ud83d\\udc0d\"]",
    "[\"\\u0000\"]", "[\"\t\"]", "[\"a\nb\"]", "[\"\x7f\"]", "[\"\xff\"]", "[\"\xc3\xa4\"]",
    "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]", "[\"\xf4\x90\x80\x80\"]", "[\"\xe2\x82\xac\"]",
    "[\"\xf0\x9f\x90\x8d\"]", "[\"\xf0\x9f\x90\"]", "[\"a]", "[1] x", "[1][2]", "[1 2]",
    "[\"a\" \"b\"]", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "\f[]", "[]\0", "[/**/]", "[1}", "{\"a\":1]",
    "[[[[[[]]]]]]", "[{\"a\":[{\"b\":{}}]}]", "[\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"]",
};

START_TEST(strictness_is_that_of_jansson)
{
    const char *text = same[_i];
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(vpr_json_check(vpr_bytes_str(text), &fault) == (json != NULL),
                  "they differ on: %s", text);
    json_decref(json);
}
END_TEST

START_TEST(depth_stops_at_64)
{
    char text[200];
    for (size_t depth = 64; depth <= 65; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        ck_assert(vpr_json_check(vpr_bytes_of(text, 2 * depth), &fault) == (depth == 64));
    }
    ck_assert_str_eq(fault.reason, "nested deeper than 64");
    ck_assert_uint_eq(fault.offset, 64);
}
END_TEST

START_TEST(a_pointer_finds_its_value)
{
    struct vpr_bytes text = vpr_bytes_str(
        " {\"a\":[10,{\"b/c\":\"x\"}],\"a~\":true,\"\":5,\"h\":\"0012\","
        "\"n\":\"99999999999999999999\"} ");
    struct vpr_bytes v;
    uint64_t n;
    ck_assert(vpr_json_at(&v, text, "/a/1/b~1c"));
    ck_assert(is(v, "\"x\""));
    ck_assert(vpr_json_at(&v, text, "/a~0") && is(v, "true"));
    ck_assert(vpr_json_at(&v, text, "/") && is(v, "5"));
    ck_assert(vpr_json_at(&v, text, "/a/0") && is(v, "10"));
    ck_assert(vpr_json_u64(&n, v) && n == 10);
    ck_assert(vpr_json_at(&v, text, "/h") && vpr_json_u64(&n, v) && n == 12);
    ck_assert(vpr_json_at(&v, text, "/n") && !vpr_json_u64(&n, v));
    ck_assert(!vpr_json_at(&v, text, "/a/2"));
    ck_assert(!vpr_json_at(&v, text, "/a/x"));
    ck_assert(!vpr_json_at(&v, text, "/b"));
    ck_assert(!vpr_json_at(&v, text, "a"));
    ck_assert(vpr_json_at(&v, text, "") && v.data[0] == '{' && v.data[v.len - 1] == '}');
}
END_TEST

START_TEST(escapes_are_undone_within_bounds)
{
    char out[16];
    size_t len;
    ck_assert(vpr_json_text(out, sizeof out, &len,
                            vpr_bytes_str("\"\\ud83d\\udc0d\\u20ac\\u00e4\\n\\/\"")));
    ck_assert_str_eq(out, "\xf0\x9f\x90\x8d\xe2\x82\xac\xc3\xa4\n/");
    ck_assert_uint_eq(len, 11);
    ck_assert(vpr_json_text(out, 4, &len, vpr_bytes_str("\"abc\"")));
    ck_assert(!vpr_json_text(out, 3, &len, vpr_bytes_str("\"abc\"")));
    ck_assert(!vpr_json_text(out, 0, &len, vpr_bytes_str("\"\"")));
}
END_TEST

Suite *suite_json_scan(void)
{
    Suite *suite = suite_create("json_scan");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_call_is_found_with_its_bytes_untouched);
    tcase_add_test(tcase, a_batch_keeps_order_and_bad_elements);
    tcase_add_test(tcase, a_batch_of_more_than_a_thousand_is_refused);
    tcase_add_loop_test(tcase, a_call_that_two_readers_read_differently_is_refused, 0,
                        (int)VPR_COUNT(ambiguous));
    tcase_add_loop_test(tcase, strictness_is_that_of_jansson, 0, (int)VPR_COUNT(same));
    tcase_add_test(tcase, depth_stops_at_64);
    tcase_add_test(tcase, a_pointer_finds_its_value);
    tcase_add_test(tcase, escapes_are_undone_within_bounds);
    suite_add_tcase(suite, tcase);
    return suite;
}
