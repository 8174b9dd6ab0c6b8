#include "app/node/reply.h"

#include "tests/unit/node/suites.h"

/* gRPC number → HTTP status, as grpc-gateway has it. */
START_TEST(codes_have_the_gateways_statuses)
{
    static const struct {
        enum reply_code code;
        int number;
        uint32_t status;
    } rows[] = {
        {REPLY_OK, 0, 200},           {REPLY_UNKNOWN, 2, 500},     {REPLY_INVALID, 3, 400},
        {REPLY_DEADLINE, 4, 504},     {REPLY_NOT_FOUND, 5, 404},   {REPLY_DENIED, 7, 403},
        {REPLY_EXHAUSTED, 8, 429},    {REPLY_PRECONDITION, 9, 400}, {REPLY_OUT_OF_RANGE, 11, 400},
        {REPLY_UNIMPLEMENTED, 12, 501}, {REPLY_INTERNAL, 13, 500}, {REPLY_UNAVAILABLE, 14, 503},
    };
    for (size_t i = 0; i < VPR_COUNT(rows); i++) {
        ck_assert_int_eq((int)rows[i].code, rows[i].number);
        ck_assert_uint_eq(reply_status(rows[i].code), rows[i].status);
    }
}
END_TEST

START_TEST(refusals_have_a_code_of_the_gateway)
{
    ck_assert_int_eq(reply_code_of(VPR_OK), REPLY_OK);
    ck_assert_int_eq(reply_code_of(VPR_NOT_FOUND), REPLY_NOT_FOUND);
    ck_assert_int_eq(reply_code_of(VPR_NOT_STAKED), REPLY_NOT_FOUND);
    ck_assert_int_eq(reply_code_of(VPR_NO_SESSION), REPLY_NOT_FOUND);
    ck_assert_int_eq(reply_code_of(VPR_BAD_ADDRESS), REPLY_INVALID);
    ck_assert_int_eq(reply_code_of(VPR_BAD_FIELD), REPLY_INVALID);
    ck_assert_int_eq(reply_code_of(VPR_UNSUPPORTED), REPLY_UNIMPLEMENTED);
}
END_TEST

START_TEST(headers_say_the_height_that_was_read)
{
    struct vpr_http_header headers[REPLY_HEADERS_MAX];
    char number[24];
    struct reply_to to = {NULL, 42, NULL};

    size_t n = reply_headers(&to, "application/json", number, headers);
    const struct vpr_bytes *height = vpr_http_find(headers, n, "x-cosmos-block-height");
    ck_assert_ptr_nonnull(height);
    ck_assert_mem_eq(height->data, "42", 2);
    ck_assert_ptr_null(vpr_http_find(headers, n, "access-control-allow-origin"));

    to = (struct reply_to){NULL, 0, "https://wallet.example"};
    n = reply_headers(&to, "application/json", number, headers);
    ck_assert_ptr_null(vpr_http_find(headers, n, "x-cosmos-block-height"));
    ck_assert_ptr_nonnull(vpr_http_find(headers, n, "access-control-allow-origin"));
    ck_assert_ptr_nonnull(vpr_http_find(headers, n, "vary"));
}
END_TEST

Suite *suite_reply(void)
{
    Suite *s = suite_create("reply");
    TCase *t = tcase_create("reply");
    tcase_add_test(t, codes_have_the_gateways_statuses);
    tcase_add_test(t, refusals_have_a_code_of_the_gateway);
    tcase_add_test(t, headers_say_the_height_that_was_read);
    suite_add_tcase(s, t);
    return s;
}
