#include "fisherman/shadow.h"

#include "app/host/http_server.h"
#include "tests/unit/fisherman/help.h"

#define SEAT 2
#define BODY "{\"id\":1,\"result\":5}"

static struct bench bench;
static struct vpr_sample good; /* what was asked for: POST, no path, "{}" */
static struct vpr_token token;
static char token_text[VPR_WIRE_TOKEN_TEXT_MAX], relay_text[VPR_WIRE_RELAY_TEXT_MAX];
static char receipt_text[VPR_WIRE_RECEIPT_TEXT_MAX], refusal_text[VPR_WIRE_REFUSAL_TEXT_MAX];

static void start(void)
{
    vpr_sig_init();
    bench = bench_of(1);
    token = bench.token;
    good = sample_of(&bench, SEAT, BODY, 0, 0);
}

/* The gateway's answer; NULL leaves a header out. */
static struct vpr_shadow_answer answer(bool with_receipt, bool with_refusal, const char *status,
                                       const char *body)
{
    struct vpr_http_header headers[5];
    size_t count = 0;
    const struct vpr_shadow_ask ask = {&bench.terms, SEAT, "POST", "", vpr_bytes_str("{}")};
    struct vpr_shadow_answer ret;

    vpr_wire_token_print(token_text, &token);
    vpr_wire_relay_print(relay_text, &good.request);
    vpr_wire_receipt_print(receipt_text, &good.receipt);
    vpr_wire_refusal_print(refusal_text, &good.refusal);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_TOKEN, token_text);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RELAY, relay_text);
    if (with_receipt) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RECEIPT, receipt_text);
    }
    if (with_refusal) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_REFUSAL, refusal_text);
    }
    if (status != NULL) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_STATUS, status);
    }
    const struct vpr_http_result result = {.status = 200, .headers = headers,
                                           .header_count = count, .body = vpr_bytes_str(body)};
    vpr_shadow_read(&ret, &ask, &result, 12345);
    return ret;
}

START_TEST(a_signed_answer_is_a_sample)
{
    const struct vpr_shadow_answer a = answer(true, false, "200", BODY);

    ck_assert_int_eq(a.outcome, VPR_SHADOW_SAMPLE);
    ck_assert_int_eq(a.sample.answer, VPR_SAMPLE_ANSWERED);
    ck_assert_uint_eq(a.sample.latency_ms, 12);
    ck_assert_uint_eq(a.gateway_key, 1);
    ck_assert_uint_eq(a.status, 200);
    ck_assert_uint_eq(a.body.len, strlen(BODY));
    ck_assert(vpr_sample_verify(&a.sample, &bench.terms.seats[SEAT].relay_key));
}
END_TEST

START_TEST(a_signed_refusal_is_a_sample)
{
    good = sample_of(&bench, SEAT, NULL, VPR_REFUSED_QUOTA, 0);
    const struct vpr_shadow_answer a = answer(false, true, NULL, "");

    ck_assert_int_eq(a.outcome, VPR_SHADOW_SAMPLE);
    ck_assert_int_eq(a.sample.answer, VPR_SAMPLE_REFUSED);
    ck_assert_uint_eq(a.sample.refusal.reason, VPR_REFUSED_QUOTA);
}
END_TEST

START_TEST(no_answer_is_a_sample_that_was_sent)
{
    const struct vpr_shadow_answer a = answer(false, false, NULL, "");

    ck_assert_int_eq(a.outcome, VPR_SHADOW_SAMPLE);
    ck_assert_int_eq(a.sample.answer, VPR_SAMPLE_SILENT);
    ck_assert_uint_eq(a.body.len, 0);
}
END_TEST

/* What the servicer did not sign is no answer of the servicer's. */
START_TEST(an_answer_that_does_not_hold_is_no_answer)
{
    ck_assert_int_eq(answer(true, false, "200", "{\"id\":1,\"result\":6}").sample.answer,
                     VPR_SAMPLE_SILENT);
    ck_assert_int_eq(answer(true, false, "500", BODY).sample.answer, VPR_SAMPLE_SILENT);
    ck_assert_int_eq(answer(true, false, NULL, BODY).sample.answer, VPR_SAMPLE_SILENT);
    ck_assert_int_eq(answer(true, false, "2000", BODY).sample.answer, VPR_SAMPLE_SILENT);

    const struct vpr_sample kept = good;
    good.receipt.signature.b[5] ^= 1;
    ck_assert_int_eq(answer(true, false, "200", BODY).sample.answer, VPR_SAMPLE_SILENT);
    good = kept;
    const struct vpr_sample other = sample_of(&bench, SEAT, BODY, 0, 0);
    good.receipt = other.receipt; /* of another relay */
    const struct vpr_shadow_answer a = answer(true, false, "200", BODY);
    ck_assert_int_eq(a.outcome, VPR_SHADOW_SAMPLE);
    ck_assert_int_eq(a.sample.answer, VPR_SAMPLE_SILENT);
    ck_assert_str_eq(a.why, "a receipt that does not hold");
}
END_TEST

static const char *why_invalid(void)
{
    static struct vpr_shadow_answer a;

    a = answer(true, false, "200", BODY);
    ck_assert_int_eq(a.outcome, VPR_SHADOW_INVALID);
    return a.why;
}

START_TEST(a_request_part_that_does_not_hold_is_no_sample)
{
    const struct vpr_sample kept = good;

    good.request.signature.b[9] ^= 1;
    ck_assert_str_eq(why_invalid(), "request part with a bad signature");
    good = kept;
    good.request.part.sid.b[0] ^= 1;
    ck_assert_str_eq(why_invalid(), "request part of another sid or servicer");
    good = sample_of(&bench, SEAT + 1, BODY, 0, 0);
    ck_assert_str_eq(why_invalid(), "request part of another sid or servicer");
    good = kept;
    good.request.part.req.b[0] ^= 1;
    ck_assert_str_eq(why_invalid(), "request part of another request");
    good = kept;
    token.client_key.b[0] ^= 1;
    ck_assert_str_eq(why_invalid(), "token of another sid or client key");
    token = bench.token;
    token.signature.b[0] ^= 1;
    ck_assert_str_eq(why_invalid(), "token by no gateway key of the requestor");
}
END_TEST

START_TEST(the_gateways_refusals_and_failures_are_no_samples)
{
    const struct vpr_shadow_ask ask = {&bench.terms, SEAT, "POST", "", vpr_bytes_str("{}")};
    struct vpr_http_result result = {
        .status = 409,
        .body = vpr_bytes_str("{\"error\":{\"code\":6,\"reason\":\"nonce\","
                              "\"message\":\"used\"}}")};
    struct vpr_shadow_answer a;

    vpr_shadow_read(&a, &ask, &result, 5);
    ck_assert_int_eq(a.outcome, VPR_SHADOW_DENIED);
    ck_assert_str_eq(a.why, "status 409 nonce used");
    result.body = vpr_bytes_str("<html>");
    vpr_shadow_read(&a, &ask, &result, 5);
    ck_assert_int_eq(a.outcome, VPR_SHADOW_DENIED);
    result = (struct vpr_http_result){.failure = VPR_HTTP_FAILURE_TIMEOUT};
    vpr_shadow_read(&a, &ask, &result, 5);
    ck_assert_int_eq(a.outcome, VPR_SHADOW_UNREACHABLE);
    result = (struct vpr_http_result){.status = 200};
    vpr_shadow_read(&a, &ask, &result, 5);
    ck_assert_int_eq(a.outcome, VPR_SHADOW_INVALID);
    ck_assert_str_eq(a.why, "no token");
}
END_TEST

Suite *suite_shadow(void)
{
    Suite *suite = suite_create("shadow");
    TCase *tests = tcase_create("shadow");

    tcase_add_checked_fixture(tests, start, NULL);
    tcase_add_test(tests, a_signed_answer_is_a_sample);
    tcase_add_test(tests, a_signed_refusal_is_a_sample);
    tcase_add_test(tests, no_answer_is_a_sample_that_was_sent);
    tcase_add_test(tests, an_answer_that_does_not_hold_is_no_answer);
    tcase_add_test(tests, a_request_part_that_does_not_hold_is_no_sample);
    tcase_add_test(tests, the_gateways_refusals_and_failures_are_no_samples);
    suite_add_tcase(suite, tests);
    return suite;
}
