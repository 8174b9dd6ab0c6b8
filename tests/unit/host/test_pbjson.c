/* What the golden vectors do not show: error texts, limits, query parameters. */
#include "app/host/pbjson.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "cosmos/base/query/v1beta1/pagination.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"
#include "tendermint/abci/types.pb-c.h"
#include "tendermint/types/params.pb-c.h"
#include "tests/unit/host/suites.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/state.pb-c.h"

static struct vpr_arena arena;
static struct vpr_err err;
static const struct vpr_pbjson_options strict = {.strict = true};

static void open_arena(void)
{
    vpr_arena_init(&arena, 16 << 20);
}

static void close_arena(void)
{
    vpr_arena_finish(&arena);
}

static const struct {
    const char *json, *text;
} faults[] = {
    {"{\"accounts\":[{},{\"balance\":\"x\"}]}",
     "accounts[1].balance: a whole number from 0 to 18446744073709551615 is expected"},
    {"{\"servicers\":[{},{},{},{\"chains\":[1,-1]}]}",
     "servicers[3].chains[1]: a whole number from 0 to 4294967295 is expected"},
    {"{\"params\":{\"nonsense\":1}}", "params.nonsense: there is no such field"},
    {"{\"chains\":{}}", "chains: a list is expected"},
    {"{\"chains\":[null]}", "chains[0]: null cannot stand in a list"},
    {"{\"chains\":[{\"payout\":1}]}", "chains[0].payout: a string is expected"},
    {"{\"chains\":[{\"corpus_hash\":\"!\"}]}",
     "chains[0].corpus_hash: a base64 string is expected"},
    {"{\"chains\":[{\"latency_max_ms\":1,\"latencyMaxMs\":1}]}",
     "chains[0].latencyMaxMs: the field occurs twice"},
    {"{\"accounts\":[{\"key_type\":9}]}",
     "accounts[0].key_type: the name or number of a value is expected"},
    {"[]", "an object is expected"},
    {"{\"a\":1,\"a\":2}", "JSON, line 1, column 8: duplicate object key near '\"a\"'"},
    {"{\n \"a\": tru }", "JSON, line 2, column 9: invalid token near 'tru'"},
    {"", "JSON, line 1, column 0: '[' or '{' expected near end of file"},
};

START_TEST(errors_name_the_place)
{
    ProtobufCMessage *message = NULL;
    ck_assert_int_ne(vpr_pbjson_parse(&message, &arena, &viper__v1__genesis_state__descriptor,
                                      vpr_bytes_str(faults[_i].json), &strict, &err), VPR_OK);
    ck_assert_ptr_null(message);
    if (strncmp(faults[_i].text, "JSON, line", 10) == 0) {
        ck_assert_int_eq(strncmp(err.text, faults[_i].text, 12), 0);
    } else {
        ck_assert_str_eq(err.text, faults[_i].text);
    }
}
END_TEST

START_TEST(a_message_that_must_be_whole_lacks_nothing)
{
    static const char short_one[] = "{\"params\":{\"session_blocks\":\"10\"}}";
    struct vpr_pbjson_options options = {.strict = true};
    ProtobufCMessage *message = NULL;
    ck_assert_int_eq(vpr_pbjson_parse(&message, &arena, &viper__v1__genesis_state__descriptor,
                                      vpr_bytes_str(short_one), &options, &err), VPR_OK);
    options.whole = &viper__v1__params__descriptor;
    message = NULL;
    ck_assert_int_eq(vpr_pbjson_parse(&message, &arena, &viper__v1__genesis_state__descriptor,
                                      vpr_bytes_str(short_one), &options, &err), VPR_BAD_FIELD);
    ck_assert_ptr_null(message);
    ck_assert_str_eq(err.text, "params.freeze_blocks: the field is missing; 0 must be said");
}
END_TEST

START_TEST(unknown_fields_are_ignored_unless_strict)
{
    ProtobufCMessage *message;
    ck_assert_int_eq(vpr_pbjson_parse(&message, &arena, &viper__v1__actor__descriptor,
                                      vpr_bytes_str("{\"x\":{\"y\":[1]},\"stake\":7}"), NULL,
                                      &err), VPR_OK);
    ck_assert_uint_eq(((Viper__V1__Actor *)message)->stake, 7);
}
END_TEST

START_TEST(defaults_are_written_or_left_out)
{
    struct vpr_buf out;
    Viper__V1__QueryParamsRequest m = VIPER__V1__QUERY_PARAMS_REQUEST__INIT;
    struct vpr_pbjson_options brief = {.omit_defaults = true};
    vpr_buf_init(&out, 1000);
    ck_assert_int_eq(vpr_pbjson_write(&out, &m.base, NULL, &err), VPR_OK);
    ck_assert_str_eq(out.data, "{\"session\":\"0\",\"current\":false}");
    vpr_buf_reset(&out);
    m.current = 1;
    ck_assert_int_eq(vpr_pbjson_write(&out, &m.base, &brief, &err), VPR_OK);
    ck_assert_str_eq(out.data, "{\"current\":true}");
    vpr_buf_reset(&out);
    Viper__V1__QueryParamsResponse r = VIPER__V1__QUERY_PARAMS_RESPONSE__INIT;
    ck_assert_int_eq(vpr_pbjson_write(&out, &r.base, NULL, &err), VPR_OK);
    ck_assert_str_eq(out.data, "{\"params\":null}");
    vpr_buf_finish(&out);
    vpr_buf_init(&out, 10);
    ck_assert_int_eq(vpr_pbjson_write(&out, &m.base, NULL, &err), VPR_TOO_LARGE);
    vpr_buf_finish(&out);
}
END_TEST

/* --- parameters ---------------------------------------------------------------------------- */

static enum vpr_code query(ProtobufCMessage **ret, const ProtobufCMessageDescriptor *type,
                           const char *text)
{
    struct vpr_pbjson_params params;
    *ret = vpr_pbjson_new(&arena, type);
    vpr_pbjson_params_init(&params, &arena, *ret);
    return vpr_pbjson_set_query(&params, vpr_bytes_str(text), &err);
}

START_TEST(a_query_fills_fields_by_both_names)
{
    ProtobufCMessage *m;
    ck_assert_int_eq(query(&m, &cosmos__base__query__v1beta1__page_request__descriptor,
                           "key=-_8%3D&limit=5&countTotal=T&nonsense=1&&reverse=0"), VPR_OK);
    Cosmos__Base__Query__V1beta1__PageRequest *page =
        (Cosmos__Base__Query__V1beta1__PageRequest *)m;
    ck_assert_uint_eq(page->limit, 5);
    ck_assert(page->count_total && !page->reverse);
    ck_assert_uint_eq(page->key.len, 2);
    ck_assert_uint_eq(page->key.data[0], 0xfb);
}
END_TEST

START_TEST(dots_lead_into_messages_and_lists_repeat)
{
    ProtobufCMessage *m;
    ck_assert_int_eq(query(&m, &viper__v1__query_pool_request__descriptor,
                           "kind=KIND_FISHERMAN&pagination.limit=7&pagination.key=AQ&chain=1"),
                     VPR_OK);
    Viper__V1__QueryPoolRequest *pool = (Viper__V1__QueryPoolRequest *)m;
    ck_assert_int_eq(pool->kind, VIPER__V1__KIND__KIND_FISHERMAN);
    ck_assert_ptr_nonnull(pool->pagination);
    ck_assert_uint_eq(pool->pagination->limit, 7);
    ck_assert_int_eq(query(&m, &viper__v1__msg_stake_servicer__descriptor,
                           "chains=1&chains=2&chains=3&chains=4&chains=5&url=a%20b+c"), VPR_OK);
    Viper__V1__MsgStakeServicer *stake = (Viper__V1__MsgStakeServicer *)m;
    ck_assert_uint_eq(stake->n_chains, 5);
    ck_assert_uint_eq(stake->chains[4], 5);
    ck_assert_str_eq(stake->url, "a b c");
}
END_TEST

START_TEST(times_and_durations_are_parameters_too)
{
    ProtobufCMessage *m;
    ck_assert_int_eq(query(&m, &tendermint__abci__request_init_chain__descriptor,
                           "time=2026-01-01T00:00:00.5Z&"
                           "consensus_params.evidence.max_age_duration=1h30m0.25s"), VPR_OK);
    Tendermint__Abci__RequestInitChain *init = (Tendermint__Abci__RequestInitChain *)m;
    ck_assert_int_eq(init->time->seconds, 1767225600);
    ck_assert_int_eq(init->time->nanos, 500000000);
    Google__Protobuf__Duration *d = init->consensus_params->evidence->max_age_duration;
    ck_assert_int_eq(d->seconds, 5400);
    ck_assert_int_eq(d->nanos, 250000000);
}
END_TEST

static const char *const refused[] = {
    "stake=1&stake=2", "stake=x", "stake=-1", "stake=", "kind=NO", "validator=1",
    "validator.power.x=1", "owner=!", "stake=%zz", "stake=%0", "url=%00", "url=%ff",
    "stake.x=1", "unbond_time_s=9223372036854775808",
};

START_TEST(bad_queries_are_refused)
{
    ProtobufCMessage *m;
    ck_assert_msg(query(&m, &viper__v1__actor__descriptor, refused[_i]) != VPR_OK, "%s",
                  refused[_i]);
}
END_TEST

START_TEST(two_members_of_a_choice_are_refused)
{
    ProtobufCMessage *m;
    ck_assert_int_ne(query(&m, &tendermint__abci__request__descriptor,
                           "echo.message=a&info.version=b"), VPR_OK);
    ck_assert_int_eq(query(&m, &tendermint__abci__request__descriptor,
                           "info.version=b&info.abci_version=c"), VPR_OK);
}
END_TEST

START_TEST(what_the_path_binds_the_query_cannot_change)
{
    struct vpr_pbjson_params params;
    ProtobufCMessage *m = vpr_pbjson_new(&arena, &viper__v1__query_pool_request__descriptor);
    vpr_pbjson_params_init(&params, &arena, m);
    ck_assert_int_eq(vpr_pbjson_bind(&params, "chain", vpr_bytes_str("3"), &err), VPR_OK);
    ck_assert_int_eq(vpr_pbjson_set_query(&params, vpr_bytes_str("chain=9&zone=1"), &err),
                     VPR_OK);
    ck_assert_uint_eq(((Viper__V1__QueryPoolRequest *)m)->chain, 3);
    ck_assert_uint_eq(((Viper__V1__QueryPoolRequest *)m)->zone, 1);
    ck_assert_int_ne(vpr_pbjson_bind(&params, "nonsense", vpr_bytes_str("3"), &err), VPR_OK);
}
END_TEST

START_TEST(a_flood_of_parameters_is_refused)
{
    char text[4000] = "";
    ProtobufCMessage *m;
    /* the same list over and over is one field, however long */
    for (size_t i = 0; i < 200; i++) {
        strcat(text, "chains=1&");
    }
    ck_assert_int_eq(query(&m, &viper__v1__msg_stake_servicer__descriptor, text), VPR_OK);
    ck_assert_uint_eq(((Viper__V1__MsgStakeServicer *)m)->n_chains, 200);
    char deep[500] = "";
    for (size_t i = 0; i < 40; i++) {
        strcat(deep, "validator.");
    }
    ck_assert_int_eq(query(&m, &viper__v1__actor__descriptor, deep), VPR_OK); /* unknown */
}
END_TEST

/* Three bytes of text make a message of a hundred: refused, not a fault. */
START_TEST(a_text_that_fills_the_arena_is_refused)
{
    struct vpr_arena small;
    struct vpr_buf text;
    ProtobufCMessage *m = NULL;
    vpr_arena_init(&small, 1 << 20);
    vpr_buf_init(&text, 1 << 20);
    vpr_buf_str(&text, "{\"servicers\":[{}");
    for (size_t i = 0; i < 100000; i++) {
        vpr_buf_str(&text, ",{}");
    }
    vpr_buf_str(&text, "]}");
    ck_assert_int_eq(vpr_pbjson_parse(&m, &small, &viper__v1__genesis_state__descriptor,
                                      vpr_buf_bytes(&text), NULL, &err), VPR_TOO_LARGE);
    vpr_arena_release(&small, 0);
    vpr_buf_reset(&text);
    vpr_buf_str(&text, "{\"chains\":[{\"name\":\"");
    for (size_t i = 0; i < 80000; i++) {
        vpr_buf_str(&text, "0123456789");
    }
    vpr_buf_str(&text, "\"},{\"name\":\"");
    for (size_t i = 0; i < 20000; i++) {
        vpr_buf_str(&text, "0123456789");
    }
    vpr_buf_str(&text, "\"}]}");
    ck_assert_int_eq(vpr_pbjson_parse(&m, &small, &viper__v1__genesis_state__descriptor,
                                      vpr_buf_bytes(&text), NULL, &err), VPR_OK);
    vpr_arena_alloc(&small, 40000);
    ck_assert_int_eq(vpr_pbjson_parse(&m, &small, &viper__v1__genesis_state__descriptor,
                                      vpr_buf_bytes(&text), NULL, &err), VPR_TOO_LARGE);
    vpr_buf_finish(&text);
    vpr_arena_finish(&small);
}
END_TEST

static const ProtobufCMessageDescriptor *resolve(void *arg, const char *type_url)
{
    (void)arg;
    (void)type_url;
    return &viper__v1__genesis_state__descriptor;
}

/* Two bytes of wire make a message too; such an Any is written as its bytes. */
START_TEST(an_any_that_would_fill_the_arena_is_written_as_bytes)
{
    static uint8_t wire[8000];
    struct vpr_arena small;
    struct vpr_buf out;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    struct vpr_pbjson_options with = {.resolve = resolve, .scratch = &small};
    for (size_t i = 0; i < sizeof wire; i += 2) {
        wire[i] = 7 << 3 | 2; /* servicers: empty */
    }
    any.type_url = (char *)(uintptr_t)"/viper.v1.GenesisState";
    any.value.data = wire;
    any.value.len = sizeof wire;
    vpr_arena_init(&small, 1 << 20);
    vpr_buf_init(&out, 1 << 20);
    ck_assert_int_eq(vpr_pbjson_write(&out, &any.base, &with, &err), VPR_OK);
    ck_assert_ptr_nonnull(strstr(out.data, "\"value\":\"OgA6ADoA"));
    vpr_buf_reset(&out);
    any.value.len = 400;
    ck_assert_int_eq(vpr_pbjson_write(&out, &any.base, &with, &err), VPR_OK);
    ck_assert_ptr_nonnull(strstr(out.data, "\"servicers\":[{"));
    vpr_buf_finish(&out);
    vpr_arena_finish(&small);
}
END_TEST

Suite *suite_pbjson(void)
{
    Suite *suite = suite_create("pbjson");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, open_arena, close_arena);
    tcase_add_loop_test(tcase, errors_name_the_place, 0, (int)VPR_COUNT(faults));
    tcase_add_test(tcase, a_message_that_must_be_whole_lacks_nothing);
    tcase_add_test(tcase, unknown_fields_are_ignored_unless_strict);
    tcase_add_test(tcase, defaults_are_written_or_left_out);
    tcase_add_test(tcase, a_query_fills_fields_by_both_names);
    tcase_add_test(tcase, dots_lead_into_messages_and_lists_repeat);
    tcase_add_test(tcase, times_and_durations_are_parameters_too);
    tcase_add_loop_test(tcase, bad_queries_are_refused, 0, (int)VPR_COUNT(refused));
    tcase_add_test(tcase, two_members_of_a_choice_are_refused);
    tcase_add_test(tcase, what_the_path_binds_the_query_cannot_change);
    tcase_add_test(tcase, a_flood_of_parameters_is_refused);
    tcase_add_test(tcase, a_text_that_fills_the_arena_is_refused);
    tcase_add_test(tcase, an_any_that_would_fill_the_arena_is_written_as_bytes);
    suite_add_tcase(suite, tcase);
    return suite;
}
