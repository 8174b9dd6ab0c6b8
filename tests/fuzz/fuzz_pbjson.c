/* proto3 JSON under mutated texts and query strings: what is taken packs to bytes that pass
 * the wire check, and writing and reading it again gives the same bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/pbcheck.h"
#include "app/host/pbjson.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"
#include "tendermint/abci/types.pb-c.h"
#include "tests/fuzz/mutate.h"
#include "viper/v1/genesis.pb-c.h"

static const char *const seeds[] = {
    "{\"accounts\":[{\"address\":\"viper1x\",\"balance\":\"5\",\"key_type\":1,\"key\":\"AQID\"}],"
    "\"price_micro_usd\":\"7\",\"params\":{\"session_blocks\":\"10\"}}",
    "{\"chains\":[{\"id\":1,\"active\":true,\"corpusHash\":\"_-8\",\"methods\":[{\"cu\":\"2\"}]}],"
    "\"servicers\":[{\"chains\":[1,2],\"url\":\"\\u20ac\"},{}]}",
    "{\"time\":\"2026-01-01T00:00:00.5Z\",\"initialHeight\":\"-1\",\"consensus_params\":"
    "{\"evidence\":{\"max_age_duration\":\"-1.5s\"}},\"validators\":[{\"power\":1e3}]}",
    "{\"body\":{\"messages\":[{\"@type\":\"/cosmos.bank.v1beta1.MsgSend\",\"from_address\":\"a\","
    "\"amount\":[{\"denom\":\"u\",\"amount\":\"1\"}]}],\"memo\":\"m\"},\"signatures\":[\"\"]}",
    "{\"echo\":{\"message\":\"x\"}}", "{}",
};
static const char *const words[] = {
    "null", "true", "{", "}", "[", "]", ",", ":", "\"", "-1", "1.5", "1e400", "\"\"", "{}", "[]",
    "18446744073709551616", "\"18446744073709551615\"", "\"9223372036854775808\"", "\\u0000",
    "\"@type\":", "\"2026-02-30T00:00:00Z\"", "\"315576000001s\"", "\xff", "\"flush\":{}", "=",
    "\"accounts\":", "\"chains\":", "\"time\":", "\"A===\"", "KEY_TYPE_ED25519",
};
static const char *const queries[] = {
    "chains=1&chains=2&url=a%20b&zone=3&relay_key=AQID", "echo.message=x",
    ("time=2026-01-01T00:00:00Z&consensus_params.evidence.max_age_duration=1h30m"
     "&initialHeight=5"),
    "body.memo=a&body.timeout_height=5&signatures=AQ&body.unordered=true",
};
static const char *const marks[] = {
    "&", "=", ".", "%", "%00", "%ff", "%2e", "+", "body.", "echo.", "1h", "-", "chains=1&",
};
static const ProtobufCMessageDescriptor *const types[] = {
    &viper__v1__genesis_state__descriptor,          &viper__v1__msg_stake_servicer__descriptor,
    &tendermint__abci__request_init_chain__descriptor, &tendermint__abci__request__descriptor,
    &cosmos__tx__v1beta1__tx__descriptor,
};

static struct vpr_arena arena, scratch;

static const ProtobufCMessageDescriptor *resolve(void *arg, const char *type_url)
{
    (void)arg;
    return strcmp(type_url, "/cosmos.bank.v1beta1.MsgSend") == 0
               ? &cosmos__bank__v1beta1__msg_send__descriptor
               : NULL;
}

static const struct vpr_pbjson_options options = {.resolve = resolve, .scratch = &scratch};

static void check_round(const ProtobufCMessage *message)
{
    struct vpr_buf out;
    struct vpr_err err;
    ProtobufCMessage *again;
    struct vpr_bytes wire = vpr_arena_pack(&arena, message);

    VPR_ASSERT(vpr_pb_check(message->descriptor, wire, VPR_PB_LENIENT, 100000, NULL));
    ProtobufCMessage *back = vpr_arena_unpack(&arena, message->descriptor, wire);
    VPR_ASSERT(back != NULL);
    vpr_buf_init(&out, 1 << 20);
    VPR_ASSERT(vpr_pbjson_write(&out, back, &options, &err) == VPR_OK);
    VPR_ASSERT(vpr_pbjson_parse(&again, &arena, message->descriptor, vpr_buf_bytes(&out),
                                &options, &err) == VPR_OK);
    VPR_ASSERT(vpr_bytes_equal(vpr_arena_pack(&arena, again), wire));
    vpr_buf_finish(&out);
}

static bool try_json(struct mutator *m)
{
    struct vpr_err err = {.text = ""};
    ProtobufCMessage *message = NULL;
    struct vpr_bytes text = mutate(m, seeds, VPR_COUNT(seeds), words, VPR_COUNT(words));
    const ProtobufCMessageDescriptor *type = types[mutator_below(m, VPR_COUNT(types))];

    if (vpr_pbjson_parse(&message, &arena, type, text, &options, &err) != VPR_OK) {
        VPR_ASSERT(message == NULL && err.text[0] != '\0');
        return false;
    }
    check_round(message);
    return true;
}

static bool try_query(struct mutator *m)
{
    struct vpr_err err;
    struct vpr_pbjson_params params;
    struct vpr_bytes text = mutate(m, queries, VPR_COUNT(queries), marks, VPR_COUNT(marks));
    ProtobufCMessage *message =
        vpr_pbjson_new(&arena, types[mutator_below(m, VPR_COUNT(types))]);

    vpr_pbjson_params_init(&params, &arena, message);
    if (vpr_pbjson_set_query(&params, text, &err) != VPR_OK) {
        return false;
    }
    check_round(message);
    return true;
}

int main(void)
{
    struct mutator m = mutator_start();
    uint64_t json = 0, query = 0;

    vpr_arena_init(&arena, 64 << 20);
    vpr_arena_init(&scratch, 16 << 20);
    while (mutator_more(&m)) {
        json += try_json(&m) ? 1 : 0;
        query += try_query(&m) ? 1 : 0;
        vpr_arena_release(&arena, 0);
    }
    mutator_finish(&m);
    vpr_arena_finish(&arena);
    vpr_arena_finish(&scratch);
    printf("%" PRIu64 " texts and %" PRIu64 " queries taken of %" PRIu64 "\n", json, query,
           m.rounds);
    VPR_ASSERT(json > 0 && query > 0 && json < m.rounds && query < m.rounds);
    return EXIT_SUCCESS;
}
