/* The first transaction of a block, taken apart and put together. */
#include "cosmos/tx/v1beta1/tx.pb-c.h"
#include "tests/driver/stage.h"

Viper__V1__MsgSystem *system_read(struct vpr_arena *arena, const void *raw, size_t len)
{
    Cosmos__Tx__V1beta1__TxRaw *tx = (Cosmos__Tx__V1beta1__TxRaw *)vpr_arena_unpack(
        arena, &cosmos__tx__v1beta1__tx_raw__descriptor, vpr_bytes_of(raw, len));
    VPR_ASSERT(tx != NULL && tx->auth_info_bytes.len == 0 && tx->n_signatures == 0);
    Cosmos__Tx__V1beta1__TxBody *body = (Cosmos__Tx__V1beta1__TxBody *)vpr_arena_unpack(
        arena, &cosmos__tx__v1beta1__tx_body__descriptor,
        vpr_bytes_of(tx->body_bytes.data, tx->body_bytes.len));
    VPR_ASSERT(body != NULL && body->n_messages == 1);
    VPR_ASSERT(strcmp(body->messages[0]->type_url, "/viper.v1.MsgSystem") == 0);
    Viper__V1__MsgSystem *system = (Viper__V1__MsgSystem *)vpr_arena_unpack(
        arena, &viper__v1__msg_system__descriptor,
        vpr_bytes_of(body->messages[0]->value.data, body->messages[0]->value.len));
    VPR_ASSERT(system != NULL);
    return system;
}

struct vpr_bytes system_pack(struct vpr_arena *arena, const Viper__V1__MsgSystem *system)
{
    Cosmos__Tx__V1beta1__TxRaw tx = COSMOS__TX__V1BETA1__TX_RAW__INIT;
    const ProtobufCMessage *message = &system->base;
    const struct vpr_wire_body body = {.messages = &message, .count = 1};
    struct vpr_bytes bytes = vpr_wire_body_pack(arena, &body);
    tx.body_bytes.data = vpr_arena_copy(arena, bytes.data, bytes.len);
    tx.body_bytes.len = bytes.len;
    return vpr_arena_pack(arena, &tx.base);
}
