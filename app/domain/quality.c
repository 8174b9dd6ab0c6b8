#include "app/domain/quality.h"

#include "app/base/bytes.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/scores.h"
#include "app/domain/sessions.h"
#include "app/domain/slashing.h"
#include "app/rules/score.h"

/* ---- records ---- */

struct place {
    struct vpr_address servicer;
    uint16_t chain, zone;
};

static struct vpr_key_buf standing_key(const struct place *place)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_STANDING);
    vpr_key_address(&key, &place->servicer);
    vpr_key_u16(&key, place->chain);
    vpr_key_u16(&key, place->zone);
    return key;
}

static const Viper__V1__Standing *get(struct vpr_ctx *ctx, const struct place *place)
{
    struct vpr_key_buf key = standing_key(place);
    return (const Viper__V1__Standing *)vpr_record_get(
        ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), &viper__v1__standing__descriptor);
}

/* Who never was low, or is no longer, has no record. */
static void put(struct vpr_ctx *ctx, const struct place *place,
                const Viper__V1__Standing *standing)
{
    struct vpr_key_buf key = standing_key(place);
    if (protobuf_c_message_get_packed_size(&standing->base) > 0) {
        vpr_record_put(ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), &standing->base);
    } else if (get(ctx, place) != NULL) {
        vpr_state_del(ctx->state, VPR_STORE_SCORES, vpr_key_bytes(&key));
    }
}

static void place_event(struct vpr_ctx *ctx, const char *type, const struct place *place)
{
    vpr_actor_event(ctx, type, &place->servicer, vpr_actor_get(ctx, &place->servicer));
    vpr_event_text(ctx, "chain", vpr_id16(ctx->arena, place->chain));
    vpr_event_text(ctx, "zone", vpr_id16(ctx->arena, place->zone));
}

/* ---- benching ---- */

static void bench(struct vpr_ctx *ctx, uint64_t session, const struct place *place,
                  Viper__V1__Standing *standing)
{
    uint64_t jail_s = vpr_param(ctx, VPR_P_jail_seconds, vpr_session_number(ctx));
    standing->benched = true;
    standing->resumable_s = ctx->time_s + (int64_t)jail_s;
    vpr_score_set_benched(ctx, &place->servicer, place->chain, place->zone, true);

    place_event(ctx, "benched", place);
    vpr_event_u64(ctx, "work_of", session);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    vpr_event_u64(ctx, "time_s", (uint64_t)ctx->time_s);
    vpr_event_u64(ctx, "jail_s", jail_s);
    vpr_event_u64(ctx, "resumable_s", (uint64_t)standing->resumable_s);
    vpr_actor_slash(ctx, &place->servicer, vpr_param(ctx, VPR_P_quality_slash, session),
                    ctx->height, VIPER__V1__SLASH_REASON__SLASH_REASON_QUALITY);
}

void vpr_quality_judge(struct vpr_ctx *ctx, uint64_t session,
                       const struct vpr_address *servicer, uint16_t chain, uint16_t zone,
                       uint64_t score_ppm)
{
    struct place place = {*servicer, chain, zone};
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, servicer);
    const Viper__V1__Standing *before = get(ctx, &place);
    Viper__V1__Standing standing = VIPER__V1__STANDING__INIT;
    if (before != NULL) {
        standing = *before;
    }
    if (actor == NULL || actor->status == VIPER__V1__STATUS__STATUS_GONE || standing.benched ||
        session < standing.counts_from) {
        return;
    }
    uint64_t least = vpr_param(ctx, VPR_P_score_min, session);
    uint32_t low = vpr_bench_count(standing.low_sessions, (uint32_t)score_ppm, (uint32_t)least);
    if (low == standing.low_sessions) {
        return; /* was and is good */
    }
    standing.low_sessions = low;
    place_event(ctx, "quality", &place);
    vpr_event_u64(ctx, "session", session);
    vpr_event_u64(ctx, "score_ppm", score_ppm);
    vpr_event_u64(ctx, "least_ppm", least);
    vpr_event_u64(ctx, "low_sessions", low);
    if (low == VPR_BENCH_COUNT) {
        bench(ctx, session, &place, &standing);
    }
    put(ctx, &place, &standing);
}

enum vpr_code vpr_quality_resume(struct vpr_ctx *ctx, const struct vpr_address *id,
                                 const Viper__V1__Actor *actor, uint16_t chain, uint16_t zone)
{
    struct place place = {*id, chain, zone};
    const Viper__V1__Standing *before = get(ctx, &place);
    const char *name = vpr_text_of_address(ctx->arena, id);
    if (before == NULL || !before->benched ||
        actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING) {
        return vpr_fail(ctx->err, VPR_BAD_STATUS, "%s is not benched in chain %s, zone %s",
                        name, vpr_id16(ctx->arena, chain), vpr_id16(ctx->arena, zone));
    }
    if (ctx->time_s < before->resumable_s) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "%s is benched until block time %" PRId64 ", which is now %" PRId64,
                        name, before->resumable_s, ctx->time_s);
    }
    Viper__V1__Standing standing = VIPER__V1__STANDING__INIT;
    standing.counts_from = vpr_session_counts_from(ctx);
    put(ctx, &place, &standing);
    vpr_score_set_benched(ctx, id, chain, zone, false);

    place_event(ctx, "resume", &place);
    vpr_event_u64(ctx, "session", standing.counts_from);
    return VPR_OK;
}

void vpr_quality_info(struct vpr_ctx *ctx, const struct vpr_address *id,
                      Viper__V1__ScoreInfo *info)
{
    struct place place = {*id, (uint16_t)info->chain, (uint16_t)info->zone};
    const Viper__V1__Standing *standing = get(ctx, &place);
    if (standing != NULL) {
        info->low_sessions = standing->low_sessions;
        info->benched = standing->benched;
        info->resumable_s = standing->resumable_s;
    }
}

/* ---- invariant ---- */

/* Benched is who is out of the newest pool, with a full count, and nobody else. */
static enum vpr_code check(struct vpr_ctx *ctx, const struct place *place,
                           const Viper__V1__Standing *standing)
{
    bool full = standing->low_sessions == VPR_BENCH_COUNT;
    if (standing->low_sessions > VPR_BENCH_COUNT || full != standing->benched ||
        vpr_score_benched(ctx, &place->servicer, place->chain, place->zone) !=
            standing->benched) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%s stands with %" PRIu32 " low sessions in chain %s, which its pool "
                        "does not know",
                        vpr_text_of_address(ctx->arena, &place->servicer),
                        standing->low_sessions, vpr_id16(ctx->arena, place->chain));
    }
    return VPR_OK;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_STANDING);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_SCORES, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        struct vpr_reader r = vpr_reader(key);
        struct place place;
        (void)vpr_read_u8(&r);
        vpr_read(&r, place.servicer.b, sizeof place.servicer.b);
        place.chain = vpr_read_be16(&r);
        place.zone = vpr_read_be16(&r);
        VPR_ASSERT(vpr_read_done(&r));
        from = vpr_state_after(ctx->arena, key);
        VPR_TRY(check(ctx, &place, (const Viper__V1__Standing *)vpr_record_unpack(
                                       ctx, value, &viper__v1__standing__descriptor)));
    }
    return VPR_OK;
}

static const struct vpr_invariant invariants[] = {
    {"benched_are_out_of_their_pool", invariant},
};

const struct vpr_domain vpr_quality = {
    .name = "quality",
    .handlers = NULL,
    .handler_count = 0,
    .queries = NULL,
    .query_count = 0,
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
