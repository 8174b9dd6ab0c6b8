#include "app/domain/scores.h"

#include "app/base/bytes.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/quality.h"
#include "app/domain/sessions.h"
#include "app/rules/score.h"
#include "viper/v1/state.pb-c.h"

#define HALF_BYTES 16 /* of an encoded struct vpr_score_sum */

/* What a score belongs to. */
struct place {
    struct vpr_address servicer;
    uint16_t chain, zone;
};

static void key_place(struct vpr_key_buf *key, const struct place *place)
{
    vpr_key_address(key, &place->servicer);
    vpr_key_u16(key, place->chain);
    vpr_key_u16(key, place->zone);
}

static struct vpr_key_buf score_key(const struct place *place)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SCORE);
    key_place(&key, place);
    return key;
}

static struct vpr_key_buf sum_key(uint64_t session, const struct place *place)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SCORE_SUM);
    vpr_key_u64(&key, session);
    key_place(&key, place);
    return key;
}

bool vpr_score_in_pool(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                       uint16_t zone, uint64_t session, uint64_t *ret_ppm)
{
    struct vpr_key_buf key = score_key(&(struct place){*servicer, chain, zone});
    const Viper__V1__Score *score = (const Viper__V1__Score *)vpr_version_get(
        ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), session, &viper__v1__score__descriptor);
    *ret_ppm = score != NULL ? score->ppm : vpr_param(ctx, VPR_P_score_initial, session);
    return score == NULL || !score->benched;
}

uint64_t vpr_score_get(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                       uint16_t zone, uint64_t session)
{
    uint64_t ppm;
    (void)vpr_score_in_pool(ctx, servicer, chain, zone, session, &ppm);
    return ppm;
}

static const Viper__V1__Score *newest(struct vpr_ctx *ctx, const struct place *place)
{
    struct vpr_key_buf key = score_key(place);
    return (const Viper__V1__Score *)vpr_version_newest(
        ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), &viper__v1__score__descriptor);
}

uint64_t vpr_score_newest(struct vpr_ctx *ctx, const struct vpr_address *servicer,
                          uint16_t chain, uint16_t zone)
{
    const Viper__V1__Score *score = newest(ctx, &(struct place){*servicer, chain, zone});
    return score != NULL ? score->ppm
                         : vpr_param(ctx, VPR_P_score_initial, vpr_session_number(ctx));
}

bool vpr_score_benched(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                       uint16_t zone)
{
    const Viper__V1__Score *score = newest(ctx, &(struct place){*servicer, chain, zone});
    return score != NULL && score->benched;
}

static void put(struct vpr_ctx *ctx, const struct place *place, uint64_t ppm, bool benched)
{
    VPR_ASSERT(ppm <= VPR_PPM);
    Viper__V1__Score score = VIPER__V1__SCORE__INIT;
    score.ppm = ppm;
    score.benched = benched;
    struct vpr_key_buf key = score_key(place);
    vpr_version_put(ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), vpr_session_counts_from(ctx),
                    &score.base);
}

void vpr_score_put(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                   uint16_t zone, uint64_t ppm)
{
    put(ctx, &(struct place){*servicer, chain, zone}, ppm,
        vpr_score_benched(ctx, servicer, chain, zone));
}

void vpr_score_set_benched(struct vpr_ctx *ctx, const struct vpr_address *servicer,
                           uint16_t chain, uint16_t zone, bool benched)
{
    put(ctx, &(struct place){*servicer, chain, zone},
        vpr_score_newest(ctx, servicer, chain, zone), benched);
}

static struct vpr_score_sum sum_of(const Viper__V1__ScoreSum *record)
{
    uint8_t bytes[2 * HALF_BYTES];
    VPR_ASSERT(record->weighted.len == HALF_BYTES && record->weight.len == HALF_BYTES);
    memcpy(bytes, record->weighted.data, HALF_BYTES);
    memcpy(bytes + HALF_BYTES, record->weight.data, HALF_BYTES);
    struct vpr_score_sum sum;
    vpr_score_sum_decode(&sum, bytes);
    return sum;
}

/* Distinct owners are counted up to what benching asks for, and then no longer listed. */
static void note_owner(struct vpr_ctx *ctx, Viper__V1__ScoreSum *sum,
                       const struct vpr_address *owner, uint64_t enough)
{
    size_t at = 0;
    while (at < sum->n_owners) {
        struct vpr_address listed = vpr_address_of_field(sum->owners[at]);
        int order = vpr_address_cmp(&listed, owner);
        if (order == 0) {
            return;
        }
        if (order > 0) {
            break;
        }
        at++;
    }
    if (sum->n_owners + 1 >= enough) {
        sum->enough = true;
        sum->n_owners = 0;
        return;
    }
    ProtobufCBinaryData *list =
        VPR_ARENA_ARRAY(ctx->arena, ProtobufCBinaryData, sum->n_owners + 1);
    for (size_t i = 0; i < sum->n_owners; i++) {
        list[i < at ? i : i + 1] = sum->owners[i];
    }
    list[at] = vpr_field_of_address(ctx->arena, owner);
    sum->owners = list;
    sum->n_owners++;
}

void vpr_score_add(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *servicer,
                   uint16_t chain, uint16_t zone, uint64_t median_ppm, vpr_u128 weight,
                   const struct vpr_address *requestor_owner)
{
    VPR_ASSERT(median_ppm <= VPR_PPM);
    struct vpr_key_buf key = sum_key(session, &(struct place){*servicer, chain, zone});
    const Viper__V1__ScoreSum *before = (const Viper__V1__ScoreSum *)vpr_record_get(
        ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), &viper__v1__score_sum__descriptor);
    struct vpr_score_sum sum = {0, 0};
    if (before != NULL) {
        sum = sum_of(before);
    }
    /* All weights of a session are budgets times 10^6 at most: far below 2^108. */
    bool fits = vpr_score_sum_add(&sum, (uint32_t)median_ppm, weight);
    VPR_ASSERT(fits);

    uint8_t bytes[2 * HALF_BYTES];
    vpr_score_sum_encode(bytes, &sum);
    Viper__V1__ScoreSum record = VIPER__V1__SCORE_SUM__INIT;
    if (before != NULL) {
        record = *before;
    }
    record.weighted = (ProtobufCBinaryData){HALF_BYTES, bytes};
    record.weight = (ProtobufCBinaryData){HALF_BYTES, bytes + HALF_BYTES};
    if (!record.enough) {
        note_owner(ctx, &record, requestor_owner,
                   vpr_param(ctx, VPR_P_bench_requestors, session));
    }
    vpr_record_put(ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), &record.base);
}

/* Returns the score after it. */
static uint64_t move(struct vpr_ctx *ctx, uint64_t session, const struct place *place,
                     const struct vpr_score_sum *sum)
{
    const Viper__V1__Score *score = newest(ctx, place);
    uint64_t old = score != NULL ? score->ppm : vpr_param(ctx, VPR_P_score_initial, session);
    if (sum->weight == 0) {
        return old; /* unchanged, and no version for nothing */
    }
    uint64_t alpha = vpr_param(ctx, VPR_P_score_alpha, session);
    uint32_t ppm = vpr_running_score((uint32_t)old, sum, (uint32_t)alpha);
    put(ctx, place, ppm, score != NULL && score->benched);

    vpr_event(ctx, "score");
    vpr_event_u64(ctx, "session", session);
    vpr_event_address(ctx, "servicer", &place->servicer);
    vpr_event_text(ctx, "chain", vpr_id16(ctx->arena, place->chain));
    vpr_event_text(ctx, "zone", vpr_id16(ctx->arena, place->zone));
    vpr_event_u64(ctx, "old_ppm", old);
    vpr_event_u64(ctx, "mean_ppm", vpr_score_sum_mean(sum));
    vpr_event_u64(ctx, "alpha_ppm", alpha);
    vpr_event_u64(ctx, "score_ppm", ppm);
    return ppm;
}

/* The first sum of a session from a key on; false: none is left. */
static bool next_sum(struct vpr_ctx *ctx, uint64_t session, struct vpr_bytes from,
                     struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_SCORE_SUM);
    vpr_key_u64(&prefix, session);
    return vpr_state_next(ctx->state, ctx->arena, VPR_STORE_SCORES, vpr_key_bytes(&prefix),
                          from, ret_key, ret_value);
}

uint64_t vpr_score_move(struct vpr_ctx *ctx, uint64_t session, uint64_t limit, bool *ret_done)
{
    /* The walk goes on at what was deleted last: from the beginning it would pass all of it
     * again for each score. */
    struct vpr_key_buf from = vpr_key(VPR_KEY_SCORE_SUM);
    struct vpr_bytes key, value;
    uint64_t moved = 0;
    vpr_key_u64(&from, session);
    while (moved < limit && next_sum(ctx, session, vpr_key_bytes(&from), &key, &value)) {
        struct vpr_reader r = vpr_reader(key);
        struct place place;
        (void)vpr_read_view(&r, 1 + sizeof session);
        vpr_read(&r, place.servicer.b, sizeof place.servicer.b);
        place.chain = vpr_read_be16(&r);
        place.zone = vpr_read_be16(&r);
        VPR_ASSERT(vpr_read_done(&r));
        const Viper__V1__ScoreSum *record = (const Viper__V1__ScoreSum *)vpr_record_unpack(
            ctx, value, &viper__v1__score_sum__descriptor);
        struct vpr_score_sum sum = sum_of(record);
        uint64_t ppm = move(ctx, session, &place, &sum);
        if (record->enough) {
            vpr_quality_judge(ctx, session, &place.servicer, place.chain, place.zone, ppm);
        }
        from = sum_key(session, &place);
        vpr_state_del(ctx->state, VPR_STORE_SCORES, vpr_key_bytes(&from));
        moved++;
    }
    *ret_done = !next_sum(ctx, session, vpr_key_bytes(&from), &key, &value);
    return moved;
}

/* A score is a ratio, in every version. */
static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_SCORE);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_SCORES, vpr_key_bytes(&prefix), from,
                          &key, &value)) {
        struct vpr_reader r = vpr_reader(key);
        struct vpr_address servicer;
        const Viper__V1__Score *score = (const Viper__V1__Score *)vpr_record_unpack(
            ctx, value, &viper__v1__score__descriptor);
        (void)vpr_read_u8(&r);
        vpr_read(&r, servicer.b, sizeof servicer.b);
        if (score->ppm > VPR_PPM) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "a score of %s is %" PRIu64 " ppm, above 10^6",
                            vpr_text_of_address(ctx->arena, &servicer), score->ppm);
        }
        from = vpr_state_after(ctx->arena, key);
    }
    return VPR_OK;
}

static const struct vpr_invariant invariants[] = {
    {"scores_are_ratios", invariant},
};

const struct vpr_domain vpr_scores = {
    .name = "scores",
    .handlers = NULL,
    .handler_count = 0,
    .queries = NULL,
    .query_count = 0,
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
