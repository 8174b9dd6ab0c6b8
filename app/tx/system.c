#include "app/base/bytes.h"
#include "app/base/pbcheck.h"
#include "app/tx/run.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* The system transaction: TxRaw with a body of one MsgSystem and nothing else. */

#define SYSTEM_URL "/viper.v1.MsgSystem"

static struct vpr_bytes view(ProtobufCBinaryData data)
{
    return vpr_bytes_of(data.data, data.len);
}

struct vpr_bytes vpr_tx_system_pack(struct vpr_arena *arena, const ProtobufCMessage *message)
{
    struct vpr_wire_body body;
    memset(&body, 0, sizeof body);
    body.messages = &message;
    body.count = 1;
    return vpr_wire_raw_pack(arena, vpr_wire_body_pack(arena, &body), vpr_bytes_of(NULL, 0),
                             NULL);
}

static const ProtobufCMessage *unpack(struct vpr_arena *arena, struct vpr_bytes wire,
                                      const ProtobufCMessageDescriptor *descriptor,
                                      enum vpr_pb_rule rule)
{
    if (!vpr_pb_check(descriptor, wire, rule, VPR_TX_FIELDS_MAX, NULL)) {
        return NULL;
    }
    return vpr_arena_unpack(arena, descriptor, wire);
}

const ProtobufCMessage *vpr_tx_system_unpack(struct vpr_arena *arena, struct vpr_bytes raw)
{
    if (raw.len > VPR_TX_BYTES_MAX) {
        return NULL;
    }
    const Cosmos__Tx__V1beta1__TxRaw *parts = (const Cosmos__Tx__V1beta1__TxRaw *)unpack(
        arena, raw, &cosmos__tx__v1beta1__tx_raw__descriptor, VPR_PB_CANONICAL);
    if (parts == NULL || parts->auth_info_bytes.len != 0 || parts->n_signatures != 0) {
        return NULL;
    }
    const Cosmos__Tx__V1beta1__TxBody *body = (const Cosmos__Tx__V1beta1__TxBody *)unpack(
        arena, view(parts->body_bytes), &cosmos__tx__v1beta1__tx_body__descriptor,
        VPR_PB_CANONICAL);
    if (body == NULL || body->n_messages != 1 ||
        strcmp(body->messages[0]->type_url, SYSTEM_URL) != 0) {
        return NULL;
    }
    const ProtobufCMessage *message =
        unpack(arena, view(body->messages[0]->value), &viper__v1__msg_system__descriptor,
               VPR_PB_CANONICAL);
    if (message == NULL) {
        return NULL;
    }
    /* Nothing else in the body: the bytes are those we would make. */
    struct vpr_bytes same = vpr_tx_system_pack(arena, message);
    return vpr_bytes_equal(same, raw) ? message : NULL;
}

bool vpr_tx_is_system(struct vpr_arena *arena, struct vpr_bytes raw)
{
    size_t mark = vpr_arena_mark(arena);
    bool found = false;
    const Cosmos__Tx__V1beta1__TxRaw *parts =
        raw.len > VPR_TX_BYTES_MAX
            ? NULL
            : (const Cosmos__Tx__V1beta1__TxRaw *)unpack(
                  arena, raw, &cosmos__tx__v1beta1__tx_raw__descriptor, VPR_PB_LENIENT);
    const Cosmos__Tx__V1beta1__TxBody *body =
        parts == NULL ? NULL
                      : (const Cosmos__Tx__V1beta1__TxBody *)unpack(
                            arena, view(parts->body_bytes),
                            &cosmos__tx__v1beta1__tx_body__descriptor, VPR_PB_LENIENT);
    for (size_t i = 0; body != NULL && i < body->n_messages; i++) {
        found = found || strcmp(body->messages[i]->type_url, SYSTEM_URL) == 0;
    }
    vpr_arena_release(arena, mark);
    return found;
}
