#include "app/domain/beacon.h"

#include "app/base/bytes.h"
#include "app/domain/field.h"
#include "app/domain/validators.h"
#include "viper/v1/query.pb-c.h"

static void put(struct vpr_ctx *ctx, const struct vpr_hash *beacon)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_BEACON);
    vpr_state_put(ctx->state, VPR_STORE_BEACON, vpr_key_bytes(&key),
                  vpr_bytes_of(beacon->b, sizeof beacon->b));
}

struct vpr_hash vpr_beacon_get(struct vpr_ctx *ctx)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_BEACON);
    struct vpr_bytes value;
    struct vpr_hash beacon;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_BEACON, vpr_key_bytes(&key),
                       &value)) {
        VPR_HALT("the state has no beacon");
    }
    VPR_ASSERT(value.len == sizeof beacon.b);
    memcpy(beacon.b, value.data, sizeof beacon.b);
    return beacon;
}

bool vpr_beacon_reveal_ok(struct vpr_ctx *ctx, struct vpr_bytes reveal)
{
    struct vpr_hash x, end;
    if (reveal.len == 0) {
        return true;
    }
    if (reveal.len != sizeof x.b || !vpr_validator_beacon_end(ctx, &ctx->proposer, &end)) {
        return false;
    }
    memcpy(x.b, reveal.data, sizeof x.b);
    struct vpr_hash link = vpr_beacon_link(&x);
    return vpr_hash_equal(&link, &end);
}

void vpr_beacon_step(struct vpr_ctx *ctx)
{
    struct vpr_hash before = vpr_beacon_get(ctx);
    struct vpr_hash after;
    if (ctx->reveal.len == 0) {
        after = vpr_beacon_skip(&before, &ctx->proposer);
    } else {
        /* ProcessProposal rejected any other x: a block with one is not of our chain. */
        if (!vpr_beacon_reveal_ok(ctx, ctx->reveal)) {
            VPR_HALT("a decided block reveals what does not open its proposer's chain end");
        }
        struct vpr_hash x;
        memcpy(x.b, ctx->reveal.data, sizeof x.b);
        after = vpr_beacon_reveal(&before, &x);
        vpr_validator_set_beacon_end(ctx, &ctx->proposer, &x);
    }
    put(ctx, &after);

    vpr_event(ctx, "beacon");
    vpr_event_text(ctx, "revealed", ctx->reveal.len == 0 ? "false" : "true");
    vpr_event_hex(ctx, "beacon", after.b, sizeof after.b);
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    (void)genesis;
    struct vpr_hash beacon = vpr_beacon_genesis(vpr_bytes_str(ctx->chain_id));
    put(ctx, &beacon);
    return VPR_OK;
}

static enum vpr_code answer_beacon(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                   ProtobufCMessage **ret_response)
{
    (void)request;
    struct vpr_hash beacon = vpr_beacon_get(ctx);
    Viper__V1__QueryBeaconResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryBeaconResponse);
    viper__v1__query_beacon_response__init(response);
    response->height = ctx->height;
    response->beacon = vpr_field_of_hash(ctx->arena, &beacon);
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Beacon", &viper__v1__query_beacon_request__descriptor,
     &viper__v1__query_beacon_response__descriptor, answer_beacon},
};

const struct vpr_domain vpr_beacon = {
    .name = "beacon",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = import,
    .invariants = NULL,
    .invariant_count = 0,
};
