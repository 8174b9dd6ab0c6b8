#include "app/node/answer.h"

#include "app/base/pbcheck.h"
#include "cosmos/tx/v1beta1/query.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"

/* NULL with the refusal in *err. */
static const ProtobufCMessage *unpack(struct vpr_arena *arena,
                                      const ProtobufCMessageDescriptor *descriptor,
                                      struct vpr_bytes wire, uint32_t fields_max,
                                      struct vpr_err *err)
{
    struct vpr_pb_fault fault = {0, ""};
    const ProtobufCMessage *m = NULL;
    if (vpr_pb_check(descriptor, wire, VPR_PB_LENIENT, fields_max, &fault)) {
        m = vpr_arena_unpack(arena, descriptor, wire);
    }
    if (m == NULL) {
        (void)vpr_fail(err, VPR_BAD_ENCODING, "the request is not a %s: byte %zu: %s",
                       descriptor->name, fault.offset, fault.reason);
    }
    return m;
}

enum vpr_code vpr_answer_method(struct vpr_view *view, struct vpr_arena *arena,
                                struct vpr_pools *pools, const char *method,
                                struct vpr_bytes request,
                                const ProtobufCMessage **ret_response,
                                struct vpr_bytes *ret_bytes, bool *ret_known,
                                struct vpr_err *err)
{
    const struct vpr_query *query = vpr_domain_query(method);
    *ret_known = query != NULL;
    if (query == NULL) {
        return vpr_fail(err, VPR_NOT_FOUND, "no query is called \"%.90s\"", method);
    }
    if (vpr_view_height(view) == 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "the chain has no block yet; ask again later");
    }
    const ProtobufCMessage *asked =
        unpack(arena, query->request, request, VPR_ANSWER_FIELDS_MAX, err);
    if (asked == NULL) {
        return VPR_BAD_ENCODING;
    }
    struct vpr_state state;
    struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, arena, err, pools);
    ProtobufCMessage *response = NULL;
    VPR_TRY(query->answer(&ctx, asked, &response));
    VPR_ASSERT(response != NULL && response->descriptor == query->response);
    if (ret_response != NULL) {
        *ret_response = response;
    }
    if (ret_bytes != NULL) {
        *ret_bytes = vpr_arena_pack(arena, response);
    }
    return VPR_OK;
}

/* Older clients send the parts decoded; put together again they are the bytes they signed. */
static struct vpr_bytes raw_of(struct vpr_arena *arena, const Cosmos__Tx__V1beta1__Tx *tx)
{
    Cosmos__Tx__V1beta1__TxRaw raw = COSMOS__TX__V1BETA1__TX_RAW__INIT;
    if (tx->body != NULL) {
        struct vpr_bytes body = vpr_arena_pack(arena, &tx->body->base);
        raw.body_bytes.data = vpr_arena_copy(arena, body.data, body.len);
        raw.body_bytes.len = body.len;
    }
    if (tx->auth_info != NULL) {
        struct vpr_bytes auth = vpr_arena_pack(arena, &tx->auth_info->base);
        raw.auth_info_bytes.data = vpr_arena_copy(arena, auth.data, auth.len);
        raw.auth_info_bytes.len = auth.len;
    }
    raw.signatures = tx->signatures;
    raw.n_signatures = tx->n_signatures;
    return vpr_arena_pack(arena, &raw.base);
}

enum vpr_code vpr_answer_simulate_tx(struct vpr_arena *arena, struct vpr_bytes request,
                                     struct vpr_bytes *ret_tx, struct vpr_err *err)
{
    const Cosmos__Tx__V1beta1__SimulateRequest *asked =
        (const Cosmos__Tx__V1beta1__SimulateRequest *)unpack(
            arena, &cosmos__tx__v1beta1__simulate_request__descriptor, request,
            VPR_TX_FIELDS_MAX, err);
    if (asked == NULL) {
        return VPR_BAD_ENCODING;
    }
    if (asked->tx_bytes.len > 0) {
        *ret_tx = vpr_bytes_of(asked->tx_bytes.data, asked->tx_bytes.len);
        return VPR_OK;
    }
    if (asked->tx == NULL) {
        return vpr_fail(err, VPR_BAD_FIELD, "a simulation needs tx_bytes");
    }
    *ret_tx = raw_of(arena, asked->tx);
    return VPR_OK;
}

struct vpr_bytes vpr_answer_simulated(struct vpr_arena *arena,
                                      const struct vpr_tx_result *result)
{
    Cosmos__Tx__V1beta1__SimulateResponse r = COSMOS__TX__V1BETA1__SIMULATE_RESPONSE__INIT;
    Cosmos__Base__Abci__V1beta1__GasInfo gas = COSMOS__BASE__ABCI__V1BETA1__GAS_INFO__INIT;
    Cosmos__Base__Abci__V1beta1__Result none = COSMOS__BASE__ABCI__V1BETA1__RESULT__INIT;
    gas.gas_wanted = result->gas_wanted;
    gas.gas_used = result->gas_used;
    r.gas_info = &gas;
    r.result = &none;
    return vpr_arena_pack(arena, &r.base);
}
