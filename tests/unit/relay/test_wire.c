#include "relay/wire.h"
#include "tests/unit/relay/help.h"

static struct vpr_signed_request some_request(void)
{
    const struct keypair client = keypair_of(3);
    const struct vpr_sid_info info = sid_info(4, 10);
    const struct vpr_address servicer = {{1, 2, 3}};

    return request_of(&info.sid, &servicer, &client, 7, 12, 5);
}

START_TEST(every_structure_comes_back_from_its_header)
{
    const struct vpr_signed_request request = some_request();
    const struct keypair gateway = keypair_of(5);
    const struct keypair client = keypair_of(3);
    const struct vpr_token token = token_of(&request.part.sid, &client, &gateway);
    const struct vpr_receipt receipt = {vpr_request_part_hash(&request.part), 200,
                                        vpr_res_hash(200, vpr_bytes_str("x")), {{9}}};
    const struct vpr_refusal refusal = {vpr_request_part_hash(&request.part),
                                        VPR_REFUSED_QUOTA, {{8}}};
    char text[VPR_WIRE_RELAY_TEXT_MAX];
    struct vpr_signed_request request2;
    struct vpr_token token2;
    struct vpr_receipt receipt2;
    struct vpr_refusal refusal2;

    size_t len = vpr_wire_relay_print(text, &request);
    ck_assert_uint_eq(len, 272);
    ck_assert(vpr_wire_relay_parse(&request2, vpr_bytes_of(text, len)));
    ck_assert(same_request(&request2, &request));
    len = vpr_wire_token_print(text, &token);
    ck_assert(vpr_wire_token_parse(&token2, vpr_bytes_of(text, len)));
    ck_assert_mem_eq(&token2, &token, sizeof token);
    len = vpr_wire_receipt_print(text, &receipt);
    ck_assert(vpr_wire_receipt_parse(&receipt2, vpr_bytes_of(text, len)));
    ck_assert(vpr_hash_equal(&receipt2.res, &receipt.res) && receipt2.status == 200);
    len = vpr_wire_refusal_print(text, &refusal);
    ck_assert(vpr_wire_refusal_parse(&refusal2, vpr_bytes_of(text, len)));
    ck_assert(refusal2.reason == VPR_REFUSED_QUOTA && refusal2.signature.b[0] == 8);
}
END_TEST

START_TEST(a_header_has_one_spelling)
{
    const struct vpr_signed_request request = some_request();
    char text[VPR_WIRE_RELAY_TEXT_MAX + 2];
    struct vpr_token token;
    struct vpr_signed_request out;
    const size_t len = vpr_wire_relay_print(text, &request);

    ck_assert(!vpr_wire_relay_parse(&out, vpr_bytes_of(text, len - 1)));
    text[len] = '=';
    ck_assert(!vpr_wire_relay_parse(&out, vpr_bytes_of(text, len + 1)));
    ck_assert(!vpr_wire_relay_parse(&out, vpr_bytes_of(NULL, 0)));
    text[10] = '+';
    ck_assert(!vpr_wire_relay_parse(&out, vpr_bytes_of(text, len)));
    text[10] = ' ';
    ck_assert(!vpr_wire_relay_parse(&out, vpr_bytes_of(text, len)));
    ck_assert(!vpr_wire_token_parse(&token, vpr_bytes_of(text, len)));

    /* 128 bytes end in a digit with four stray bits: only zero is ours. */
    const struct vpr_token zero = {{{0}}, {{0}}, {{0}}};
    const size_t token_len = vpr_wire_token_print(text, &zero);
    ck_assert(vpr_wire_token_parse(&token, vpr_bytes_of(text, token_len)));
    text[token_len - 1] = 'B';
    ck_assert(!vpr_wire_token_parse(&token, vpr_bytes_of(text, token_len)));
}
END_TEST

static bool target(const char *text, const char *path)
{
    uint16_t chain = 0;
    struct vpr_bytes got = {NULL, 0};

    return vpr_wire_target_parse(&chain, &got, vpr_bytes_str(text)) && chain == 0x0021 &&
           vpr_bytes_equal(got, vpr_bytes_str(path));
}

START_TEST(the_path_is_what_follows_the_chain)
{
    char text[VPR_WIRE_TARGET_TEXT_MAX];

    ck_assert(target("/v1/relay/0021", ""));
    ck_assert(target("/v1/relay/0021/status?height=3", "/status?height=3"));
    ck_assert(target("/v1/relay/0021?a=b", "?a=b"));
    ck_assert(target("/v1/relay/0021/", "/"));
    ck_assert(!target("/v1/relay/0021x", "x"));
    ck_assert(!target("/v1/relay/21", ""));
    ck_assert(!target("/v1/relay/", ""));
    ck_assert(!target("/v2/relay/0021", ""));
    ck_assert(vpr_wire_target_print(text, 0x21, vpr_bytes_str("/block?height=1")));
    ck_assert_str_eq(text, "/v1/relay/0021/block?height=1");
    ck_assert(!vpr_wire_target_print(text, 0x21, vpr_bytes_str("block")));
}
END_TEST

START_TEST(headers_pass_by_list_and_verbs_too)
{
    ck_assert(vpr_wire_answer_header(vpr_bytes_str("Content-Type")));
    ck_assert(!vpr_wire_answer_header(vpr_bytes_str("Set-Cookie")));
    ck_assert(!vpr_wire_answer_header(vpr_bytes_str("Viper-Receipt")));
    ck_assert(!vpr_wire_request_header(vpr_bytes_str("Authorization")));
    ck_assert(vpr_wire_method_ok(vpr_bytes_str("GET")));
    ck_assert(!vpr_wire_method_ok(vpr_bytes_str("get")));
    ck_assert(!vpr_wire_method_ok(vpr_bytes_str("CONNECT")));
    ck_assert_uint_eq(vpr_wire_refusal_status(VPR_REFUSED_QUOTA), 429);
    ck_assert_uint_eq(vpr_wire_refusal_status(VPR_REFUSED_BACKEND), 502);
}
END_TEST

Suite *suite_wire(void)
{
    Suite *suite = suite_create("wire");
    TCase *tests = tcase_create("wire");

    tcase_add_test(tests, every_structure_comes_back_from_its_header);
    tcase_add_test(tests, a_header_has_one_spelling);
    tcase_add_test(tests, the_path_is_what_follows_the_chain);
    tcase_add_test(tests, headers_pass_by_list_and_verbs_too);
    suite_add_tcase(suite, tests);
    return suite;
}
