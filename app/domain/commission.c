#include "app/domain/commission.h"

#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "viper/v1/tx.pb-c.h"

#define RISE_PPM 10000     /* one point ... */
#define RISE_SECONDS 86400 /* ... in a day */

enum vpr_code vpr_commission_check(uint32_t ppm, struct vpr_err *err)
{
    if (ppm > VPR_PPM) {
        return vpr_fail(err, VPR_BAD_FIELD, "commission_ppm is %" PRIu32 ", above 1000000",
                        ppm);
    }
    return VPR_OK;
}

enum vpr_code vpr_commission_allowed(struct vpr_ctx *ctx, uint32_t ppm)
{
    uint64_t most = vpr_param(ctx, VPR_P_max_commission, vpr_session_number(ctx));
    if (ppm > most) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "commission_ppm is %" PRIu32 "; %" PRIu64 " at most", ppm, most);
    }
    return VPR_OK;
}

uint32_t vpr_commission_of(const Viper__V1__Actor *actor, uint64_t most_ppm)
{
    VPR_ASSERT(most_ppm <= VPR_PPM);
    uint32_t most = (uint32_t)most_ppm;
    return actor->commission_ppm < most ? actor->commission_ppm : most;
}

struct vpr_reward vpr_reward_of(const Viper__V1__Actor *actor, uint64_t most_ppm,
                                uint64_t part_uvipr)
{
    return vpr_reward(part_uvipr, actor->stake, actor->delegated,
                      vpr_commission_of(actor, most_ppm));
}

enum vpr_code vpr_commission_check_set(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgSetCommission *m = (const Viper__V1__MsgSetCommission *)message;
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->owner, "owner", err));
    VPR_TRY(vpr_field_address(&ignored, m->actor, "actor", err));
    return vpr_commission_check(m->commission_ppm, err);
}

static enum vpr_code may_rise(struct vpr_ctx *ctx, const Viper__V1__Actor *actor, uint32_t ppm)
{
    int64_t from_s = actor->commission_time_s + RISE_SECONDS;
    if (ppm - actor->commission_ppm > RISE_PPM) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "commission may rise from %" PRIu32 " to %" PRIu32
                        " ppm at most in one step",
                        actor->commission_ppm, actor->commission_ppm + RISE_PPM);
    }
    if (ctx->time_s < from_s) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "commission may rise again at block time %" PRId64
                        ", which is now %" PRId64,
                        from_s, ctx->time_s);
    }
    return VPR_OK;
}

/* The commission is the owner's, as all that an operator's daily work does not need. */
enum vpr_code vpr_commission_apply_set(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgSetCommission *m = (const Viper__V1__MsgSetCommission *)message;
    struct vpr_address id;
    const Viper__V1__Actor *before;
    VPR_TRY(vpr_actor_for_edit(ctx, m->actor, VIPER__V1__KIND__KIND_NONE, &id, &before));
    struct vpr_address owner = vpr_address_of_field(before->owner);
    if (!vpr_address_equal(&owner, &ctx->signer)) {
        return vpr_fail(ctx->err, VPR_DENIED, "only the owner changes the commission");
    }
    VPR_TRY(vpr_actor_delegable(ctx, m->actor, before));
    VPR_TRY(vpr_commission_allowed(ctx, m->commission_ppm));
    if (m->commission_ppm > before->commission_ppm) {
        VPR_TRY(may_rise(ctx, before, m->commission_ppm));
    }
    Viper__V1__Actor actor = *before;
    actor.commission_ppm = m->commission_ppm;
    actor.commission_time_s = ctx->time_s;
    vpr_actor_put(ctx, &id, &actor);

    vpr_actor_event(ctx, "commission", &id, &actor);
    vpr_event_u64(ctx, "before_ppm", before->commission_ppm);
    vpr_event_u64(ctx, "commission_ppm", actor.commission_ppm);
    return VPR_OK;
}
