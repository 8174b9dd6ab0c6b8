/* The JSON scanner under mutated texts, beside jansson: what jansson takes we take, what we
 * take it refuses only for numbers that do not fit a machine word or double.  Every span lies
 * inside the text and is one value; strings come out the same. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "app/base/bytes.h"
#include "app/host/json_scan.h"
#include "tests/fuzz/mutate.h"

static const char *const seeds[] = {
    ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\","
     "\"params\":[{\"to\":\"0x\"},\"latest\"]}"),
    "[{\"id\":\"a\",\"method\":\"m\"},{\"id\":null,\"method\":\"n\",\"params\":{}}]",
    "{\"a\":[1,2.5e-3,-0,true,false,null,\"\\u20ac\\ud83d\\udc0d\\n\"],\"b\":{\"c\":{}}}",
    "[]", "{}", "[[[[1]]]]", "\"text\"", "-12.5E+7", "[\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x8d\"]",
};
static const char *const words[] = {
    "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\u0041", "null", "true",
    "1e999", "99999999999999999999", "0", "-", ".", "e", " ", "\n", "\x01", "\xff", "\xed\xa0\x80",
    "\"id\":", "\"method\":", "\"params\":", "\"Method\":", "\"m\\u0065thod\":", "{\"x\":1}",
};

static struct vpr_json_call calls[VPR_JSON_BATCH_MAX];

static bool number_fault(const json_error_t *fault)
{
    enum json_error_code code = json_error_code(fault);
    return code == json_error_numeric_overflow || strstr(fault->text, "too big") != NULL ||
           strstr(fault->text, "overflow") != NULL;
}

static bool check_against(struct vpr_bytes text)
{
    json_error_t theirs;
    struct vpr_json_fault ours;
    bool ok = vpr_json_check(text, &ours);
    json_t *json = json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY, &theirs);

    /* jansson overlooks a NUL behind a number: it reads that byte twice, through a string. */
    VPR_ASSERT(json == NULL || ok || memchr(text.data, 0, text.len) != NULL);
    VPR_ASSERT(!ok || json != NULL || number_fault(&theirs));
    VPR_ASSERT(ok || ours.offset <= text.len);
    if (ok && json_is_string(json)) {
        char out[4096];
        size_t from = 0, len;
        while (text.data[from] != '"') {
            from++;
        }
        size_t end = text.len;
        while (text.data[end - 1] != '"') {
            end--;
        }
        VPR_ASSERT(vpr_json_text(out, sizeof out, &len,
                                 vpr_bytes_of(text.data + from, end - from)));
        VPR_ASSERT(len == json_string_length(json) &&
                   memcmp(out, json_string_value(json), len) == 0);
    }
    json_decref(json);
    return ok;
}

static void check_span(struct vpr_bytes text, struct vpr_bytes span)
{
    if (span.len > 0) {
        VPR_ASSERT(span.data >= text.data && span.data + span.len <= text.data + text.len);
        VPR_ASSERT(vpr_json_check(span, NULL));
        VPR_ASSERT(vpr_json_type(span) != VPR_JSON_NONE);
    }
}

/* The calls of a request, and the same found by walking. */
static bool check_rpc(struct vpr_bytes text, bool valid)
{
    struct vpr_json_rpc rpc;
    struct vpr_bytes found;

    if (!vpr_json_rpc(&rpc, calls, VPR_JSON_BATCH_MAX, text, NULL)) {
        return false;
    }
    VPR_ASSERT(valid);
    for (size_t i = 0; i < rpc.count; i++) {
        char pointer[32];
        const struct vpr_json_call *c = &calls[i];
        check_span(text, c->whole);
        check_span(c->whole, c->id);
        check_span(c->whole, c->method);
        check_span(c->whole, c->params);
        check_span(c->whole, c->version);
        (void)snprintf(pointer, sizeof pointer, rpc.batch ? "/%zu/method" : "/method", i);
        if (vpr_json_type(c->whole) == VPR_JSON_OBJECT) {
            bool there = vpr_json_at(&found, text, pointer);
            VPR_ASSERT(there == (c->method.len > 0));
            VPR_ASSERT(!there || found.data == c->method.data);
        }
    }
    return true;
}

int main(void)
{
    struct mutator m = mutator_start();
    uint64_t taken = 0, requests = 0;

    while (mutator_more(&m)) {
        struct vpr_bytes text = mutate(&m, seeds, VPR_COUNT(seeds), words, VPR_COUNT(words));
        bool valid = check_against(text);
        taken += valid ? 1 : 0;
        requests += check_rpc(text, valid) ? 1 : 0;
    }
    printf("%" PRIu64 " taken, %" PRIu64 " of them requests, of %" PRIu64 "\n", taken, requests,
           m.rounds);
    mutator_finish(&m);
    VPR_ASSERT(taken > 0 && requests > 0 && taken < m.rounds);
    return EXIT_SUCCESS;
}
