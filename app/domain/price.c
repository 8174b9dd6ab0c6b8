#include "app/domain/price.h"

#include "app/base/bytes.h"
#include "app/domain/sessions.h"
#include "app/rules/price.h"
#include "viper/v1/genesis.pb-c.h"

#define PRICE_MAX (UINT64_C(1) << 62) /* micro-USD a VIPR; rules/price goes up to 2^63 */
#define PRICE_BYTES 8

static struct vpr_key_buf price_key(uint64_t session)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE);
    vpr_key_u64(&key, session);
    return key;
}

/* The newest price that counts from `session` or before; 0: none yet. */
static uint64_t price_of(struct vpr_ctx *ctx, uint64_t session)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_PRICE);
    struct vpr_key_buf from = price_key(session);
    struct vpr_bytes key, value;
    if (!vpr_state_prev(ctx->state, ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&prefix),
                        vpr_key_bytes(&from), &key, &value)) {
        return 0;
    }
    VPR_ASSERT(value.len == PRICE_BYTES);
    return vpr_get_be64(value.data);
}

uint64_t vpr_price_for_stake(struct vpr_ctx *ctx)
{
    uint64_t running = vpr_session_number(ctx);
    uint64_t prices[VPR_PRICE_SESSIONS];
    size_t count = 0;
    uint64_t back = running < VPR_PRICE_SESSIONS - 1 ? running : VPR_PRICE_SESSIONS - 1;
    for (uint64_t session = running - back; session <= running; session++) {
        prices[count] = price_of(ctx, session);
        VPR_ASSERT(prices[count] >= 1);
        count++;
    }
    return vpr_price_of_stake(prices, count, price_of(ctx, running + 1), NULL);
}

static enum vpr_code import(struct vpr_ctx *ctx, const ProtobufCMessage *genesis)
{
    uint64_t price = ((const Viper__V1__GenesisState *)genesis)->price_micro_usd;
    if (price < 1 || price > PRICE_MAX) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "price_micro_usd is %" PRIu64 "; it lies between 1 and %" PRIu64, price,
                        PRICE_MAX);
    }
    struct vpr_key_buf key = price_key(0);
    uint8_t value[PRICE_BYTES];
    vpr_put_be64(value, price);
    vpr_state_put(ctx->state, VPR_STORE_PRICE, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
    return VPR_OK;
}

const struct vpr_domain vpr_price = {
    .name = "price",
    .handlers = NULL,
    .handler_count = 0,
    .queries = NULL,
    .query_count = 0,
    .import = import,
    .invariant = NULL,
};
