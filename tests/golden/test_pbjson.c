/* proto3 JSON against Google's own library: every message of pbjson.json is written as it
 * writes it, read as it reads it, and what it refuses is refused (made by pbjson_make.py). */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/pbcheck.h"
#include "app/host/file.h"
#include "app/host/pbjson.h"
#include "cosmos/auth/v1beta1/auth.pb-c.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "cosmos/base/query/v1beta1/pagination.pb-c.h"
#include "cosmos/crypto/secp256k1/keys.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "tendermint/abci/types.pb-c.h"
#include "tendermint/types/params.pb-c.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/state.pb-c.h"
#include "viper/v1/tx.pb-c.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &tendermint__abci__request_finalize_block__descriptor,
    &tendermint__abci__response_finalize_block__descriptor,
    &tendermint__abci__request_init_chain__descriptor,
    &tendermint__abci__request_prepare_proposal__descriptor,
    &tendermint__abci__response_query__descriptor,
    &tendermint__abci__request__descriptor,
    &tendermint__abci__response__descriptor,
    &tendermint__types__consensus_params__descriptor,
    &cosmos__tx__v1beta1__tx__descriptor,
    &cosmos__tx__v1beta1__tx_body__descriptor,
    &cosmos__auth__v1beta1__base_account__descriptor,
    &cosmos__base__query__v1beta1__page_request__descriptor,
    &cosmos__bank__v1beta1__msg_send__descriptor,
    &cosmos__crypto__secp256k1__pub_key__descriptor,
    &google__protobuf__timestamp__descriptor,
    &google__protobuf__duration__descriptor,
    &viper__v1__genesis_state__descriptor,
    &viper__v1__actor__descriptor,
    &viper__v1__msg_stake_servicer__descriptor,
    &viper__v1__msg_reveal__descriptor,
};

static const ProtobufCMessageDescriptor *type_named(const char *name)
{
    for (size_t i = 0; i < VPR_COUNT(types); i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}

static const ProtobufCMessageDescriptor *resolve(void *arg, const char *type_url)
{
    (void)arg;
    return type_url[0] == '/' ? type_named(type_url + 1) : NULL;
}

static json_t *vectors;
static struct vpr_arena arena;
static struct vpr_arena scratch;
static struct vpr_pbjson_options options = {.resolve = resolve, .scratch = &scratch,
                                            .strict = false};

static void load(void)
{
    struct vpr_buf text;
    struct vpr_err err;
    vpr_buf_init(&text, 4 << 20);
    ck_assert_int_eq(vpr_file_read(&text, VPR_GOLDEN_PBJSON, &err), VPR_OK);
    vectors = json_loadb(text.data, text.len, 0, NULL);
    ck_assert_ptr_nonnull(vectors);
    vpr_buf_finish(&text);
    vpr_arena_init(&arena, 16 << 20);
    vpr_arena_init(&scratch, 1 << 20);
}

static void unload(void)
{
    json_decref(vectors);
    vpr_arena_finish(&arena);
    vpr_arena_finish(&scratch);
}

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    ck_assert_ptr_nonnull(text);
    return text;
}

static struct vpr_bytes wire_of(json_t *vector)
{
    const char *hex = text_of(vector, "wire");
    size_t len = strlen(hex) / 2;
    uint8_t *wire = vpr_arena_alloc(&arena, len + 1);
    ck_assert(vpr_unhex(wire, len, vpr_bytes_str(hex)));
    return vpr_bytes_of(wire, len);
}

static const ProtobufCMessageDescriptor *type_of(json_t *vector)
{
    const ProtobufCMessageDescriptor *type = type_named(text_of(vector, "type"));
    ck_assert_msg(type != NULL, "no type %s", text_of(vector, "type"));
    return type;
}

/* The gateway writes an unset message as null, Python leaves it out: the one difference. */
static void drop_nulls(json_t *value)
{
    const char *key;
    json_t *item;
    void *next;
    size_t i;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            drop_nulls(item);
        }
    }
    json_object_foreach_safe(value, next, key, item)
    {
        if (json_is_null(item)) {
            json_object_del(value, key);
        } else {
            drop_nulls(item);
        }
    }
}

static void check_written(json_t *vector)
{
    struct vpr_buf out;
    struct vpr_err err;
    ProtobufCMessage *message = vpr_arena_unpack(&arena, type_of(vector), wire_of(vector));
    ck_assert_ptr_nonnull(message);
    vpr_buf_init(&out, 1 << 20);
    ck_assert_msg(vpr_pbjson_write(&out, message, &options, &err) == VPR_OK, "%s", err.text);
    json_t *ours = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(ours != NULL, "not JSON: %s", out.data);
    drop_nulls(ours);
    ck_assert_msg(json_equal(ours, json_object_get(vector, "full")), "%s\nis not\n%s", out.data,
                  json_dumps(json_object_get(vector, "full"), 0));
    json_decref(ours);
    vpr_buf_finish(&out);
}

static void check_read(json_t *vector, json_t *json)
{
    struct vpr_err err;
    ProtobufCMessage *message = NULL;
    char *text = json_dumps(json, JSON_ENCODE_ANY);
    ck_assert_msg(vpr_pbjson_parse(&message, &arena, type_of(vector), vpr_bytes_str(text),
                                   &options, &err) == VPR_OK, "%s: %s", err.text, text);
    struct vpr_bytes wire = vpr_arena_pack(&arena, message);
    ck_assert_msg(vpr_bytes_equal(wire, wire_of(vector)), "other bytes for %s %s",
                  text_of(vector, "type"), text);
    free(text);
}

START_TEST(every_message_is_written_as_the_oracle_writes_it)
{
    size_t i;
    json_t *vector;
    ck_assert_uint_ge(json_array_size(json_object_get(vectors, "good")), 90);
    json_array_foreach(json_object_get(vectors, "good"), i, vector)
    {
        check_written(vector);
        vpr_arena_release(&arena, 0);
    }
}
END_TEST

START_TEST(every_spelling_is_read_to_the_same_bytes)
{
    size_t i, k;
    json_t *vector, *json;
    json_array_foreach(json_object_get(vectors, "good"), i, vector)
    {
        check_read(vector, json_object_get(vector, "full"));
        json_array_foreach(json_object_get(vector, "read"), k, json)
        {
            check_read(vector, json);
        }
        vpr_arena_release(&arena, 0);
    }
    json_array_foreach(json_object_get(vectors, "also"), i, vector)
    {
        check_read(vector, json_object_get(vector, "json"));
    }
}
END_TEST

START_TEST(what_the_oracle_refuses_is_refused)
{
    size_t i;
    json_t *vector;
    struct vpr_err err;
    options.strict = true;
    json_array_foreach(json_object_get(vectors, "bad"), i, vector)
    {
        ProtobufCMessage *message = NULL;
        char *text = json_dumps(json_object_get(vector, "json"), JSON_ENCODE_ANY);
        ck_assert_msg(vpr_pbjson_parse(&message, &arena, type_of(vector), vpr_bytes_str(text),
                                       &options, &err) != VPR_OK, "taken: %s", text);
        ck_assert_ptr_null(message);
        free(text);
    }
    options.strict = false;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto3 JSON vectors");
    TCase *tcase = tcase_create("all");
    tcase_add_checked_fixture(tcase, load, unload);
    tcase_add_test(tcase, every_message_is_written_as_the_oracle_writes_it);
    tcase_add_test(tcase, every_spelling_is_read_to_the_same_bytes);
    tcase_add_test(tcase, what_the_oracle_refuses_is_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
