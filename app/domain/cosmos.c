#include "app/domain/cosmos.h"

#include "app/tx/wire.h"

char *vpr_cosmos_number(struct vpr_ctx *ctx, uint64_t v)
{
    return vpr_arena_text(ctx->arena, "%" PRIu64, v);
}

char *vpr_cosmos_whole(struct vpr_ctx *ctx, uint64_t v)
{
    return vpr_arena_text(ctx->arena, "%" PRIu64 ".000000000000000000", v);
}

char *vpr_cosmos_ratio(struct vpr_ctx *ctx, uint64_t ppm)
{
    return vpr_arena_text(ctx->arena, "%" PRIu64 ".%06" PRIu64 "000000000000", ppm / VPR_PPM,
                          ppm % VPR_PPM);
}

Google__Protobuf__Timestamp *vpr_cosmos_time(struct vpr_ctx *ctx, int64_t time_s)
{
    Google__Protobuf__Timestamp *t = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(t);
    t->seconds = time_s;
    return t;
}

Cosmos__Base__V1beta1__Coin *vpr_cosmos_coin(struct vpr_ctx *ctx, uint64_t amount)
{
    Cosmos__Base__V1beta1__Coin *c = VPR_ARENA_NEW(ctx->arena, Cosmos__Base__V1beta1__Coin);
    cosmos__base__v1beta1__coin__init(c);
    c->denom = vpr_arena_text(ctx->arena, "%s", VPR_DENOM);
    c->amount = vpr_cosmos_number(ctx, amount);
    return c;
}
