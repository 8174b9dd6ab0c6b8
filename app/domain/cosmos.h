/* cosmos.h - how the shapes of the Cosmos SDK write numbers, shares, times and coins: for the
 * queries that wallets ask.  All of it lives in ctx->arena. */
#ifndef VPR_DOMAIN_COSMOS_H
#define VPR_DOMAIN_COSMOS_H

#include "app/tx/handler.h"
#include "cosmos/base/v1beta1/coin.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"

/* A number as text; its decimal with 18 digits behind the point ("LegacyDec"); parts per million as
 * such a decimal. */
char *vpr_cosmos_number(struct vpr_ctx *ctx, uint64_t v);
char *vpr_cosmos_whole(struct vpr_ctx *ctx, uint64_t v);
char *vpr_cosmos_ratio(struct vpr_ctx *ctx, uint64_t ppm);
Google__Protobuf__Timestamp *vpr_cosmos_time(struct vpr_ctx *ctx, int64_t time_s);
/* In uvipr. */
Cosmos__Base__V1beta1__Coin *vpr_cosmos_coin(struct vpr_ctx *ctx, uint64_t amount);

#endif
