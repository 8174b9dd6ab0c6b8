#include "app/tx/envelope.h"

#include "app/base/bytes.h"
#include "app/base/pbcheck.h"
#include "app/tx/amino.h"
#include "app/tx/gas.h"

static const struct vpr_handler *find_row(const struct vpr_tables *tables, const char *type_url)
{
    for (size_t d = 0; d < tables->count; d++) {
        const struct vpr_domain *domain = tables->domains[d];
        for (size_t i = 0; i < domain->handler_count; i++) {
            if (strcmp(domain->handlers[i].type_url, type_url) == 0) {
                return &domain->handlers[i];
            }
        }
    }
    return NULL;
}

static enum vpr_code open_message(struct vpr_envelope *env, size_t i, struct vpr_ctx *ctx,
                                  const struct vpr_tables *tables, bool simulated)
{
    const struct vpr_wire_message *in = &env->wire.messages[i];
    const struct vpr_handler *row = find_row(tables, in->type_url);
    if (row == NULL) {
        return vpr_fail(ctx->err, VPR_UNKNOWN_MESSAGE, "message %zu has the unknown type "
                        "\"%.90s\"", i, in->type_url);
    }
    struct vpr_pb_fault fault = {0, ""};
    if (!vpr_pb_check(row->descriptor, in->value, VPR_PB_CANONICAL, VPR_TX_FIELDS_MAX,
                      &fault)) {
        return vpr_fail(ctx->err, VPR_BAD_ENCODING,
                        "message %zu (%s) is not encoded "
                        "canonically at byte %zu: %s",
                        i, row->name, fault.offset, fault.reason);
    }
    env->rows[i] = row;
    env->messages[i] = vpr_arena_unpack(ctx->arena, row->descriptor, in->value);
    if (env->messages[i] == NULL) {
        return vpr_fail(ctx->err, VPR_BAD_ENCODING, "message %zu (%s) cannot be decoded", i,
                        row->name);
    }
    if (env->wire.amino && !simulated && vpr_amino_name(in->type_url) == NULL) {
        return vpr_fail(ctx->err, VPR_UNSUPPORTED, "message %zu (%s) has no amino form; sign it "
                        "with SIGN_MODE_DIRECT", i, row->name);
    }
    return VPR_OK;
}

/* The row names the text field whose address must have signed. */
static const char *signer_text(const struct vpr_handler *row, const ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(row->descriptor, row->signer);
    VPR_ASSERT(field != NULL && field->type == PROTOBUF_C_TYPE_STRING &&
               field->label != PROTOBUF_C_LABEL_REPEATED);
    const char *text;
    memcpy(&text, (const uint8_t *)message + field->offset, sizeof text);
    return text;
}

static enum vpr_code check_signers(struct vpr_envelope *env, struct vpr_ctx *ctx)
{
    bool known = env->wire.key.type != VPR_KEY_TYPE_NONE;
    if (known) {
        env->signer = vpr_key_account(&env->wire.key);
    }
    for (size_t i = 0; i < env->wire.message_count; i++) {
        const char *text = signer_text(env->rows[i], env->messages[i]);
        struct vpr_address who;
        VPR_TRY(vpr_field_address(&who, text, env->rows[i]->signer, ctx->err));
        if (i == 0 && !known) {
            env->signer = who;
        }
        if (!vpr_address_equal(&who, &env->signer)) {
            return vpr_fail(ctx->err, VPR_BAD_SIGNER, "message %zu must be signed by %.64s, "
                            "not by the transaction's only signer", i, text);
        }
    }
    return VPR_OK;
}

/* The session whose prices count now. */
static uint64_t running_session(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_CURRENT);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_SESSIONS, vpr_key_bytes(&key),
                       &value) || value.len != 8) {
        VPR_HALT("there is no running session");
    }
    return vpr_get_be64(value.data);
}

/* Table of docs/protocol.md, 7. */
static void count_gas(struct vpr_envelope *env, struct vpr_ctx *ctx)
{
    struct vpr_params params;
    vpr_params_get(ctx, &params, running_session(ctx));
    struct vpr_load load = {0, 0};
    env->lane = VPR_LANE_SESSION;
    for (size_t i = 0; i < env->wire.message_count; i++) {
        const struct vpr_handler *row = env->rows[i];
        load.gas += row->gas;
        if (row->load != NULL) {
            row->load(env->messages[i], &load);
        }
        if (row->lane != VPR_LANE_SESSION) {
            env->lane = VPR_LANE_ORDINARY;
        }
    }
    env->signatures = load.signatures;
    env->gas = env->wire.message_count * params.v[VPR_P_message_gas] +
               env->wire.signed_len * VPR_GAS_BYTE + load.signatures * VPR_GAS_SIGNATURE +
               load.gas;
    env->least_fee = vpr_mul_div_ceil(env->gas, params.v[VPR_P_min_gas_price], 1000);
}

enum vpr_code vpr_envelope_open(struct vpr_envelope *ret, struct vpr_ctx *ctx,
                                const struct vpr_tables *tables, struct vpr_bytes raw,
                                bool simulated)
{
    memset(ret, 0, sizeof *ret);
    VPR_TRY(vpr_wire_decode(&ret->wire, ctx->arena, raw, simulated, ctx->err));
    for (size_t i = 0; i < ret->wire.message_count; i++) {
        VPR_TRY(open_message(ret, i, ctx, tables, simulated));
    }
    count_gas(ret, ctx);
    return check_signers(ret, ctx);
}
