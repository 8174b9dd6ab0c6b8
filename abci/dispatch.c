#include "abci/dispatch.h"

#include <stdio.h>

#include "app/base/pbcheck.h"

/* More than a block of 100 MB, CometBFT's limit, can hold: a proposer may fill it with empty
 * transactions, and refusing to look at it would stop every node. */
#define FIELDS_MAX (UINT32_C(1) << 26)

#define FIELD_QUERY 6

/* name, NAME, name in CometBFT, letter, consensus, number of `txs` */
#define METHODS(X) \
    X(info, INFO, "Info", 0, false, 0) \
    X(query, QUERY, "Query", 0, false, 0) \
    X(check_tx, CHECK_TX, "CheckTx", 0, false, 0) \
    X(insert_tx, INSERT_TX, "InsertTx", 0, false, 0) \
    X(reap_txs, REAP_TXS, "ReapTxs", 0, false, 0) \
    X(init_chain, INIT_CHAIN, "InitChain", 'I', true, 0) \
    X(prepare_proposal, PREPARE_PROPOSAL, "PrepareProposal", 'P', true, 2) \
    X(process_proposal, PROCESS_PROPOSAL, "ProcessProposal", 'R', true, 1) \
    X(extend_vote, EXTEND_VOTE, "ExtendVote", 'E', true, 4) \
    X(verify_vote_extension, VERIFY_VOTE_EXTENSION, "VerifyVoteExtension", 'V', true, 0) \
    X(finalize_block, FINALIZE_BLOCK, "FinalizeBlock", 'F', true, 1) \
    X(commit, COMMIT, "Commit", 'C', true, 0) \
    X(list_snapshots, LIST_SNAPSHOTS, "ListSnapshots", 0, false, 0) \
    X(offer_snapshot, OFFER_SNAPSHOT, "OfferSnapshot", 'O', false, 0) \
    X(load_snapshot_chunk, LOAD_SNAPSHOT_CHUNK, "LoadSnapshotChunk", 0, false, 0) \
    X(apply_snapshot_chunk, APPLY_SNAPSHOT_CHUNK, "ApplySnapshotChunk", 'A', false, 0)

#define X(name, NAME, text, letter, consensus, txs_id) \
    static bool call_##name(const struct abci_app *app, struct abci_call *call, \
                            const Tendermint__Abci__Request *request) \
    { \
        if (app->name == NULL) { \
            return false; \
        } \
        app->name(app->self, call, request->name); \
        return true; \
    }
METHODS(X)
#undef X

static const struct abci_method methods[] = {
#define X(name, NAME, text, letter, consensus, txs_id) \
    {text, \
     letter, \
     consensus, \
     TENDERMINT__ABCI__REQUEST__VALUE_##NAME, \
     TENDERMINT__ABCI__RESPONSE__VALUE_##NAME, \
     &tendermint__abci__response_##name##__descriptor, \
     txs_id, \
     call_##name},
    METHODS(X)
#undef X
};

static const struct abci_method *find_method(uint64_t request)
{
    for (size_t i = 0; i < VPR_COUNT(methods); i++) {
        if (methods[i].request == request) {
            return &methods[i];
        }
    }
    return NULL;
}

/* ---- reading bytes the validator has passed */

static uint64_t get_varint(struct vpr_bytes *in)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 10; i++) {
        VPR_ASSERT(in->len > 0);
        uint8_t byte = *in->data++;
        in->len--;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            return v;
        }
    }
    VPR_HALT("a number the wire validator should have refused");
}

static struct vpr_bytes get_view(struct vpr_bytes *in, uint64_t len)
{
    VPR_ASSERT(len <= in->len);
    struct vpr_bytes view = {in->data, (size_t)len};
    in->data += len;
    in->len -= (size_t)len;
    return view;
}

/* One field off the front; its value if it is bytes, else an empty view. */
static struct vpr_bytes get_field(struct vpr_bytes *in, uint64_t *ret_tag)
{
    uint64_t tag = get_varint(in);
    struct vpr_bytes none = {NULL, 0};

    *ret_tag = tag;
    switch (tag & 7) {
    case 0:
        get_varint(in);
        return none;
    case 1:
        get_view(in, 8);
        return none;
    case 5:
        get_view(in, 4);
        return none;
    default:
        return get_view(in, get_varint(in));
    }
}

static uint64_t tag_of(uint32_t field)
{
    return (uint64_t)field << 3 | 2;
}

/* ---- blocks: transactions as views
 *
 * protobuf-c would copy each transaction and keep a record of 40 bytes and more on each,
 * even on empty ones.  So they are taken out: the frame is copied once, the views point
 * into it, and only the rest of the message is unpacked. */

struct split {
    size_t txs_count;
    ProtobufCBinaryData *txs;
    uint8_t *rest;
    size_t rest_len;
};

/* Counts, if `s` has no room yet; else fills it. */
static void split_body(struct split *s, struct vpr_bytes body, uint32_t txs_id)
{
    s->txs_count = s->rest_len = 0;
    while (body.len > 0) {
        const uint8_t *begin = body.data;
        uint64_t tag;
        struct vpr_bytes value = get_field(&body, &tag);
        size_t len = (size_t)(body.data - begin);
        if (tag == tag_of(txs_id)) {
            if (s->txs != NULL) {
                s->txs[s->txs_count] =
                    (ProtobufCBinaryData){value.len, (uint8_t *)(uintptr_t)value.data};
            }
            s->txs_count++;
        } else {
            if (s->rest != NULL) {
                memcpy(s->rest + s->rest_len, begin, len);
            }
            s->rest_len += len;
        }
    }
}

/* The message inside `request`: every member of the oneof is a pointer to one. */
static ProtobufCMessage *inner_of(const Tendermint__Abci__Request *request)
{
    ProtobufCMessage *inner;

    memcpy(&inner, &request->echo, sizeof inner);
    return inner;
}

static void set_txs(ProtobufCMessage *message, const struct split *s)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "txs");
    uint8_t *at = (uint8_t *)message;

    VPR_ASSERT(field != NULL && field->type == PROTOBUF_C_TYPE_BYTES);
    memcpy(at + field->quantifier_offset, &s->txs_count, sizeof s->txs_count);
    memcpy(at + field->offset, &s->txs, sizeof s->txs);
}

/* NULL if protobuf-c fails; the wire is a Request with this one method in it. */
static Tendermint__Abci__Request *unpack_block(struct abci_memory *memory,
                                               struct vpr_bytes body,
                                               const struct abci_method *method)
{
    struct split s = {0, NULL, NULL, 0};
    uint8_t *copy = abci_memory_alloc(memory, body.len);

    if (body.len > 0) {
        memcpy(copy, body.data, body.len);
    }
    body.data = copy;
    split_body(&s, body, method->txs_id);
    s.txs = abci_memory_alloc(memory, s.txs_count * sizeof *s.txs);
    s.rest = abci_memory_alloc(memory, s.rest_len);
    split_body(&s, body, method->txs_id);

    /* The request around it is made by hand; its message goes where the oneof points. */
    const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
        &tendermint__abci__request__descriptor, (unsigned)method->request);
    ProtobufCMessage *inner =
        protobuf_c_message_unpack(field->descriptor, &memory->pb, s.rest_len, s.rest);
    if (inner == NULL) {
        return NULL;
    }
    set_txs(inner, &s);
    Tendermint__Abci__Request *request = abci_memory_alloc(memory, sizeof *request);
    tendermint__abci__request__init(request);
    request->value_case = method->request;
    memcpy(&request->echo, &inner, sizeof inner);
    VPR_ASSERT(inner_of(request) == inner);
    return request;
}

static Tendermint__Abci__Request *unpack(struct abci_memory *memory, struct vpr_bytes wire)
{
    struct vpr_bytes in = wire;

    if (wire.len > 0) {
        uint64_t tag;
        struct vpr_bytes body = get_field(&in, &tag);
        const struct abci_method *method = find_method(tag >> 3);
        if (in.len == 0 && (tag & 7) == 2 && method != NULL && method->txs_id != 0) {
            return unpack_block(memory, body, method);
        }
    }
    return tendermint__abci__request__unpack(&memory->pb, wire.len, wire.data);
}

/* ---- */

/* A user's path with a NUL or broken UTF-8 comes through CometBFT's RPC as it is.  That
 * must cost him an error and not the node its life, so it is no garbage. */
static void pack_query_refusal(struct abci_call *call, char *text)
{
    Tendermint__Abci__ResponseQuery query = TENDERMINT__ABCI__RESPONSE_QUERY__INIT;
    Tendermint__Abci__Response response = TENDERMINT__ABCI__RESPONSE__INIT;
    char codespace[] = "abci";

    query.code = 1;
    query.log = text;
    query.codespace = codespace;
    response.value_case = TENDERMINT__ABCI__RESPONSE__VALUE_QUERY;
    response.query = &query;
    abci_call_pack(call, &response);
}

static enum abci_decoded refuse_wire(struct abci_call *call, struct vpr_bytes wire,
                                     const struct vpr_pb_fault *fault)
{
    char text[ABCI_TEXT_MAX];

    snprintf(text, sizeof text, "request of %zu bytes, at byte %zu: %s", wire.len,
             fault->offset, fault->reason);
    if (wire.len > 0 && wire.data[0] == tag_of(FIELD_QUERY)) {
        pack_query_refusal(call, text);
        return ABCI_DECODED_ANSWERED;
    }
    abci_call_pack_exception(call, text);
    return ABCI_DECODED_GARBAGE;
}

static void pack_echo(struct abci_call *call, const Tendermint__Abci__Request *request)
{
    Tendermint__Abci__ResponseEcho echo = TENDERMINT__ABCI__RESPONSE_ECHO__INIT;
    Tendermint__Abci__Response response = TENDERMINT__ABCI__RESPONSE__INIT;

    echo.message = request->echo->message;
    response.value_case = TENDERMINT__ABCI__RESPONSE__VALUE_ECHO;
    response.echo = &echo;
    abci_call_pack(call, &response);
}

static void pack_flush(struct abci_call *call)
{
    Tendermint__Abci__ResponseFlush flush = TENDERMINT__ABCI__RESPONSE_FLUSH__INIT;
    Tendermint__Abci__Response response = TENDERMINT__ABCI__RESPONSE__INIT;

    response.value_case = TENDERMINT__ABCI__RESPONSE__VALUE_FLUSH;
    response.flush = &flush;
    abci_call_pack(call, &response);
}

enum abci_decoded abci_decode(struct abci_call *call, struct vpr_bytes wire)
{
    struct vpr_pb_fault fault;

    if (!vpr_pb_check(&tendermint__abci__request__descriptor, wire, VPR_PB_LENIENT, FIELDS_MAX,
                      &fault)) {
        return refuse_wire(call, wire, &fault);
    }
    const Tendermint__Abci__Request *request = unpack(&call->memory, wire);
    if (request == NULL) {
        abci_call_pack_exception(call, "request cannot be decoded");
        return ABCI_DECODED_GARBAGE;
    }
    if (request->value_case == TENDERMINT__ABCI__REQUEST__VALUE_ECHO) {
        pack_echo(call, request);
        return ABCI_DECODED_ANSWERED;
    }
    if (request->value_case == TENDERMINT__ABCI__REQUEST__VALUE_FLUSH) {
        pack_flush(call);
        return ABCI_DECODED_ANSWERED;
    }
    call->method = find_method(request->value_case);
    if (call->method == NULL) {
        abci_call_pack_exception(call, "request is of no method of ABCI 2.0");
        return ABCI_DECODED_ANSWERED;
    }
    call->request = request;
    return ABCI_DECODED_CALL;
}
