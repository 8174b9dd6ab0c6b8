/* SIGN_MODE_LEGACY_AMINO_JSON against the Cosmos SDK: every transaction of amino.json has the
 * document that it makes and a signature that verifies over it (made by amino_make.go), and
 * whatever a memo holds comes back from the JSON. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/domain/domain.h"
#include "app/tx/amino.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "cosmos/gov/v1beta1/tx.pb-c.h"

#define ARENA_BYTES (UINT64_C(1) << 26)

static struct vpr_arena arena;

static void setup(void)
{
    vpr_sig_init();
    vpr_arena_init(&arena, ARENA_BYTES);
}

static void teardown(void)
{
    vpr_arena_finish(&arena);
}

static const ProtobufCMessageDescriptor *descriptor_of(const char *type_url)
{
    for (size_t d = 0; d < vpr_domain_tables.count; d++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[d];
        for (size_t i = 0; i < domain->handler_count; i++) {
            if (strcmp(domain->handlers[i].type_url, type_url) == 0) {
                return domain->handlers[i].descriptor;
            }
        }
    }
    ck_abort_msg("no message %s", type_url);
}

static void unpack_all(const ProtobufCMessage *ret[VPR_TX_MESSAGES_MAX],
                       const struct vpr_wire_tx *tx)
{
    for (size_t i = 0; i < tx->message_count; i++) {
        ret[i] = vpr_arena_unpack(&arena, descriptor_of(tx->messages[i].type_url),
                                  tx->messages[i].value);
        ck_assert_ptr_nonnull(ret[i]);
    }
}

static const char *text(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));
    ck_assert_ptr_nonnull(value);
    return value;
}

static void check_case(const json_t *row)
{
    const ProtobufCMessage *messages[VPR_TX_MESSAGES_MAX];
    const char *base64 = text(row, "tx"), *want = text(row, "document");
    uint8_t *raw = vpr_arena_alloc(&arena, strlen(base64));
    struct vpr_wire_tx tx;
    struct vpr_err err = {VPR_OK, ""};
    size_t len;
    ck_assert(vpr_unbase64(raw, &len, vpr_bytes_str(base64)));
    enum vpr_code code = vpr_wire_decode(&tx, &arena, vpr_bytes_of(raw, len), false, &err);
    ck_assert_msg(code == VPR_OK, "%s: %s", text(row, "name"), err.text);
    ck_assert(tx.amino);
    unpack_all(messages, &tx);
    struct vpr_bytes doc =
        vpr_amino_sign_doc(&arena, &tx, messages, text(row, "chain_id"),
                           strtoull(text(row, "account_number"), NULL, 10));
    ck_assert_msg(doc.len == strlen(want) && memcmp(doc.data, want, doc.len) == 0,
                  "%s:\n%.*s\ninstead of\n%s", text(row, "name"), (int)doc.len,
                  (const char *)doc.data, want);
    ck_assert_msg(vpr_wire_verify(&tx.key, &tx.signature, doc), "%s", text(row, "name"));
    uint8_t *bent = vpr_arena_copy(&arena, doc.data, doc.len);
    bent[doc.len / 2] ^= 1;
    ck_assert(!vpr_wire_verify(&tx.key, &tx.signature, vpr_bytes_of(bent, doc.len)));
}

START_TEST(every_document_is_the_one_of_the_sdk)
{
    json_error_t why;
    json_t *all = json_load_file(VPR_GOLDEN_AMINO, 0, &why);
    ck_assert_msg(all != NULL, "%s", why.text);
    const json_t *cases = json_object_get(all, "cases");
    ck_assert_uint_ge(json_array_size(cases), 20);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        check_case(json_array_get(cases, i));
    }
    json_decref(all);
}
END_TEST

/* ---- whatever a memo holds ---- */

static uint64_t dice = 7;

static size_t roll(size_t n)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (size_t)(dice % n);
}

static const char *any_memo(void)
{
    static const char *const pieces[] = {"\"", "\\", "&", "<", ">", "/", "'", "\x7f", "u0041",
                                         "ż", "€", "🐢", "\u2027", "\u2028", "\u2029", "\u202a"};
    struct vpr_writer w = vpr_writer(vpr_arena_alloc(&arena, 64), 64);
    for (size_t left = roll(12); left > 0; left--) {
        const char control = (char)(1 + roll(0x1F));
        const char *piece = pieces[roll(VPR_COUNT(pieces))];
        if (roll(3) == 0) {
            vpr_write(&w, &control, 1);
        } else {
            vpr_write(&w, piece, strlen(piece));
        }
    }
    vpr_write(&w, "", 1);
    return (const char *)w.data;
}

START_TEST(whatever_a_memo_holds_comes_back)
{
    Cosmos__Bank__V1beta1__MsgSend send = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
    const ProtobufCMessage *messages[] = {&send.base};
    const struct vpr_wire_message wire = {"/cosmos.bank.v1beta1.MsgSend", {NULL, 0}};
    for (int i = 0; i < 20000; i++) {
        size_t mark = vpr_arena_mark(&arena);
        struct vpr_wire_tx tx = {.messages = &wire, .message_count = 1, .memo = any_memo()};
        json_error_t why;
        send.from_address = (char *)(uintptr_t)any_memo();
        struct vpr_bytes doc = vpr_amino_sign_doc(&arena, &tx, messages, "c", 0);
        json_t *read = json_loadb((const char *)doc.data, doc.len, 0, &why);
        ck_assert_msg(read != NULL, "%.*s: %s", (int)doc.len, (const char *)doc.data, why.text);
        ck_assert_str_eq(text(read, "memo"), tx.memo);
        const json_t *from = json_object_get(
            json_object_get(json_array_get(json_object_get(read, "msgs"), 0), "value"),
            "from_address");
        ck_assert_str_eq(from == NULL ? "" : json_string_value(from), send.from_address);
        for (const char *c = "&<>"; *c != '\0'; c++) {
            ck_assert_ptr_null(memchr(doc.data, *c, doc.len));
        }
        json_decref(read);
        vpr_arena_release(&arena, mark);
    }
}
END_TEST

/* Every name leads to a message that the chain has, and its fields are of kinds that are known. */
START_TEST(every_message_with_a_form_can_be_written)
{
    size_t found = 0;
    for (size_t d = 0; d < vpr_domain_tables.count; d++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[d];
        for (size_t i = 0; i < domain->handler_count; i++) {
            const struct vpr_handler *row = &domain->handlers[i];
            if (vpr_amino_name(row->type_url) == NULL) {
                continue;
            }
            const struct vpr_wire_message wire = {row->type_url, {NULL, 0}};
            const struct vpr_wire_tx tx = {.messages = &wire, .message_count = 1, .memo = ""};
            const ProtobufCMessage *empty =
                vpr_arena_unpack(&arena, row->descriptor, vpr_bytes_of("", 0));
            struct vpr_bytes doc = vpr_amino_sign_doc(&arena, &tx, &empty, "c", 0);
            ck_assert_uint_gt(doc.len, 0);
            found++;
        }
    }
    ck_assert_uint_eq(found, 9);
    ck_assert_ptr_null(vpr_amino_name("/viper.v1.MsgDelegate"));
}
END_TEST

/* An option that no proposal has is still a number, and one that the enum has no name for. */
START_TEST(a_negative_enum_is_written_as_it_is)
{
    Cosmos__Gov__V1beta1__MsgVote vote = COSMOS__GOV__V1BETA1__MSG_VOTE__INIT;
    const ProtobufCMessage *messages[] = {&vote.base};
    const struct vpr_wire_message wire = {"/cosmos.gov.v1beta1.MsgVote", {NULL, 0}};
    const struct vpr_wire_tx tx = {.messages = &wire, .message_count = 1, .memo = ""};
    json_error_t why;
    vote.option = (Cosmos__Gov__V1beta1__VoteOption)-1;
    struct vpr_bytes doc = vpr_amino_sign_doc(&arena, &tx, messages, "c", 0);
    json_t *read = json_loadb((const char *)doc.data, doc.len, 0, &why);
    ck_assert_msg(read != NULL, "%s", why.text);
    const json_t *option = json_object_get(
        json_object_get(json_array_get(json_object_get(read, "msgs"), 0), "value"), "option");
    ck_assert_int_eq(json_integer_value(option), -1);
    json_decref(read);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("amino");
    TCase *t = tcase_create("amino");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_document_is_the_one_of_the_sdk);
    tcase_add_test(t, whatever_a_memo_holds_comes_back);
    tcase_add_test(t, every_message_with_a_form_can_be_written);
    tcase_add_test(t, a_negative_enum_is_written_as_it_is);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
