#include "app/domain/downtime.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/evidence.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/slashing.h"
#include "app/domain/validators.h"

/* A change rewrites a part of the bits, not all of a long window. */
#define PART_BYTES 64
#define PART_BITS (8 * PART_BYTES)

/* ---- records ---- */

static struct vpr_key_buf record_key(enum vpr_key_first name, const struct vpr_address *id)
{
    struct vpr_key_buf key = vpr_key(name);
    vpr_key_address(&key, id);
    return key;
}

static const Viper__V1__Signing *get(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_key_buf key = record_key(VPR_KEY_SIGNING, id);
    return (const Viper__V1__Signing *)vpr_record_get(
        ctx, VPR_STORE_VALIDATORS, vpr_key_bytes(&key), &viper__v1__signing__descriptor);
}

static void put(struct vpr_ctx *ctx, const struct vpr_address *id,
                const Viper__V1__Signing *signing)
{
    struct vpr_key_buf key = record_key(VPR_KEY_SIGNING, id);
    vpr_record_put(ctx, VPR_STORE_VALIDATORS, vpr_key_bytes(&key), &signing->base);
}

/* Sets the bit of a block; returns what it was.  A part that never had one has no record. */
static bool swap_missed(struct vpr_ctx *ctx, const struct vpr_address *id, uint64_t index,
                        bool missed)
{
    struct vpr_key_buf key = record_key(VPR_KEY_MISSED, id);
    uint8_t part[PART_BYTES] = {0};
    uint8_t *byte = &part[index % PART_BITS / 8];
    uint8_t bit = (uint8_t)(1u << (index % 8));
    struct vpr_bytes value;
    vpr_key_u64(&key, index / PART_BITS);
    if (vpr_state_get(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&key),
                      &value)) {
        VPR_ASSERT(value.len == sizeof part);
        memcpy(part, value.data, sizeof part);
    }
    bool before = (*byte & bit) != 0;
    if (before != missed) {
        *byte ^= bit;
        vpr_state_put(ctx->state, VPR_STORE_VALIDATORS, vpr_key_bytes(&key),
                      vpr_bytes_of(part, sizeof part));
    }
    return before;
}

void vpr_downtime_forget(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_key_buf signing = record_key(VPR_KEY_SIGNING, id);
    struct vpr_key_buf prefix = record_key(VPR_KEY_MISSED, id);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    if (get(ctx, id) == NULL) {
        return;
    }
    vpr_state_del(ctx->state, VPR_STORE_VALIDATORS, vpr_key_bytes(&signing));
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        from = vpr_state_after(ctx->arena, key);
        vpr_state_del(ctx->state, VPR_STORE_VALIDATORS, key);
    }
}

static struct vpr_signing state_of(const Viper__V1__Signing *signing, uint64_t height)
{
    uint64_t counted = height - signing->from + 1;
    return (struct vpr_signing){counted < signing->window ? counted : signing->window,
                                signing->missed};
}

struct vpr_signing vpr_signing(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    const Viper__V1__Signing *signing = get(ctx, id);
    return signing == NULL ? (struct vpr_signing){0, 0} : state_of(signing, ctx->height);
}

/* ---- counting ---- */

struct rule {
    uint64_t window, min_signed_ppm, slash_ppm;
};

/* Another window than before: its bits stand for other blocks, so the count begins anew. */
static Viper__V1__Signing run_of(struct vpr_ctx *ctx, const struct vpr_address *id,
                                 uint64_t window)
{
    const Viper__V1__Signing *before = get(ctx, id);
    if (before != NULL && before->window == window) {
        return *before;
    }
    Viper__V1__Signing fresh = VIPER__V1__SIGNING__INIT;
    fresh.from = ctx->height;
    fresh.window = window;
    vpr_downtime_forget(ctx, id);
    put(ctx, id, &fresh);
    return fresh;
}

static void count(struct vpr_ctx *ctx, const struct rule *rule, const struct vpr_vote *vote)
{
    struct vpr_address id;
    if (!vpr_validator_by_consensus(ctx, &vote->validator, &id)) {
        return;
    }
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor->status != VIPER__V1__STATUS__STATUS_ACTIVE || !vpr_validator_in_set(actor)) {
        return; /* out of the set by our record, while CometBFT still lists it */
    }
    Viper__V1__Signing signing = run_of(ctx, &id, rule->window);
    bool before =
        swap_missed(ctx, &id, (ctx->height - signing.from) % rule->window, !vote->present);
    if (before == vote->present) {
        VPR_ASSERT(vote->present ? signing.missed > 0 : signing.missed < signing.window);
        signing.missed = vote->present ? signing.missed - 1 : signing.missed + 1;
        put(ctx, &id, &signing);
    }
    struct vpr_signing now = state_of(&signing, ctx->height);
    uint64_t least = vpr_mul_div_ceil(rule->window, rule->min_signed_ppm, VPR_PPM);
    if (now.counted < rule->window || rule->window - now.missed >= least) {
        return;
    }
    vpr_actor_slash(ctx, &id, rule->slash_ppm, vpr_fault_height(ctx, ctx->height - 1),
                    VIPER__V1__SLASH_REASON__SLASH_REASON_DOWNTIME);
    vpr_actor_jail(ctx, &id);
    vpr_event_u64(ctx, "window", rule->window);
    vpr_event_u64(ctx, "signed", rule->window - now.missed);
    vpr_event_u64(ctx, "min_signed_ppm", rule->min_signed_ppm);
    vpr_event_u64(ctx, "least", least);
    vpr_downtime_forget(ctx, &id);
}

void vpr_downtime(struct vpr_ctx *ctx)
{
    uint64_t session = vpr_session_number(ctx);
    const struct rule rule = {
        .window = vpr_param(ctx, VPR_P_downtime_window, session),
        .min_signed_ppm = vpr_param(ctx, VPR_P_downtime_min_signed, session),
        .slash_ppm = vpr_param(ctx, VPR_P_downtime_slash, session),
    };
    for (size_t i = 0; ctx->reports != NULL && i < ctx->reports->vote_count; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        count(ctx, &rule, &ctx->reports->votes[i]);
        vpr_ctx_release(ctx, mark);
    }
}

/* ---- invariant ---- */

static uint64_t bits_of(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_key_buf prefix = record_key(VPR_KEY_MISSED, id);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    uint64_t bits = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        from = vpr_state_after(ctx->arena, key);
        for (size_t i = 0; i < 8 * value.len; i++) {
            bits += value.data[i / 8] >> (i % 8) & 1;
        }
    }
    return bits;
}

static enum vpr_code check(struct vpr_ctx *ctx, const struct vpr_address *id,
                           const Viper__V1__Signing *signing)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    uint64_t bits = bits_of(ctx, id);
    if (actor == NULL || !vpr_validator_in_set(actor) || signing->from > ctx->height ||
        bits != signing->missed || signing->missed > signing->window) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%s: %" PRIu64 " blocks missed of a window of %" PRIu64 ", %" PRIu64
                        " of them marked, or it is not in the set",
                        vpr_text_of_address(ctx->arena, id), signing->missed, signing->window,
                        bits);
    }
    return VPR_OK;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_SIGNING);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    struct vpr_bytes key, value;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_VALIDATORS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        struct vpr_address id;
        VPR_ASSERT(key.len == prefix.len + sizeof id.b);
        memcpy(id.b, key.data + prefix.len, sizeof id.b);
        from = vpr_state_after(ctx->arena, key);
        VPR_TRY(check(ctx, &id, (const Viper__V1__Signing *)vpr_record_unpack(
                                    ctx, value, &viper__v1__signing__descriptor)));
    }
    return VPR_OK;
}

static const struct vpr_invariant invariants[] = {
    {"misses_are_counted", invariant},
};

const struct vpr_domain vpr_downtimes = {
    .name = "downtime",
    .handlers = NULL,
    .handler_count = 0,
    .queries = NULL,
    .query_count = 0,
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
