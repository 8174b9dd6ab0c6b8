#include "app/domain/doublesign.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/evidence.h"
#include "app/domain/sessions.h"
#include "app/domain/slashing.h"
#include "app/domain/validators.h"

#define HEIGHT_BYTES 8

static struct vpr_key_buf tombstone_key(const struct vpr_address *consensus)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_TOMBSTONE);
    vpr_key_address(&key, consensus);
    return key;
}

uint64_t vpr_tombstone(struct vpr_ctx *ctx, const struct vpr_address *consensus)
{
    struct vpr_key_buf key = tombstone_key(consensus);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&key),
                       &value)) {
        return 0;
    }
    VPR_ASSERT(value.len == HEIGHT_BYTES);
    return vpr_get_be64(value.data);
}

/* Apart from the record, which is gone some day and leaves its consensus key free. */
static void set_tombstone(struct vpr_ctx *ctx, const struct vpr_address *consensus)
{
    struct vpr_key_buf key = tombstone_key(consensus);
    uint8_t value[HEIGHT_BYTES];
    vpr_put_be64(value, ctx->height);
    vpr_state_put(ctx->state, VPR_STORE_VALIDATORS, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
}

static void punish(struct vpr_ctx *ctx, const struct vpr_fault *fault)
{
    struct vpr_address id;
    if (!vpr_validator_by_consensus(ctx, &fault->validator, &id) ||
        vpr_tombstone(ctx, &fault->validator) != 0 ||
        fault->height <= vpr_actor_get(ctx, &id)->validator->staked_height) {
        return;
    }
    uint64_t ppm = vpr_param(ctx, VPR_P_double_sign_slash, vpr_session_number(ctx));
    vpr_actor_slash(ctx, &id, ppm, vpr_fault_height(ctx, fault->height),
                    VIPER__V1__SLASH_REASON__SLASH_REASON_DOUBLE_SIGN);
    set_tombstone(ctx, &fault->validator);

    Viper__V1__Actor actor = *vpr_actor_get(ctx, &id);
    if (actor.status != VIPER__V1__STATUS__STATUS_UNSTAKING) {
        actor.status = VIPER__V1__STATUS__STATUS_TOMBSTONED;
        vpr_actor_changed(ctx, &id, &actor);
    }
    vpr_actor_event(ctx, "tombstone", &id, &actor);
    vpr_event_u64(ctx, "fault_height", fault->height);
}

void vpr_double_signs(struct vpr_ctx *ctx)
{
    for (size_t i = 0; ctx->reports != NULL && i < ctx->reports->fault_count; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        punish(ctx, &ctx->reports->faults[i]);
        vpr_ctx_release(ctx, mark);
    }
}
