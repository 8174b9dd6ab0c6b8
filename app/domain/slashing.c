#include "app/domain/slashing.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/field.h"
#include "app/domain/page.h"
#include "app/domain/sessions.h"
#include "app/rules/split.h"

#define SEQUENCE_BYTES 8

/* ---- records ---- */

static struct vpr_key_buf slash_prefix(const struct vpr_address *id)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_SLASH);
    vpr_key_address(&key, id);
    return key;
}

static struct vpr_key_buf slash_key(const struct vpr_address *id, uint64_t sequence)
{
    struct vpr_key_buf key = slash_prefix(id);
    vpr_key_u64(&key, sequence);
    return key;
}

const Viper__V1__Slash *vpr_slash_get(struct vpr_ctx *ctx, const struct vpr_address *id,
                                      uint64_t sequence)
{
    struct vpr_key_buf key = slash_key(id, sequence);
    return (const Viper__V1__Slash *)vpr_record_get(ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key),
                                                    &viper__v1__slash__descriptor);
}

uint64_t vpr_slash_count(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    struct vpr_key_buf prefix = slash_prefix(id);
    struct vpr_key_buf from = slash_key(id, UINT64_MAX);
    struct vpr_bytes key, value;
    if (!vpr_state_prev(ctx->state, ctx->arena, VPR_STORE_ACTORS, vpr_key_bytes(&prefix),
                        vpr_key_bytes(&from), &key, &value)) {
        return 0;
    }
    VPR_ASSERT(key.len == from.len);
    return vpr_get_be64(key.data + prefix.len) + 1;
}

/* ---- slashing ---- */

uint64_t vpr_fault_height(const struct vpr_ctx *ctx, uint64_t signed_height)
{
    uint64_t height = signed_height < ctx->height ? signed_height : ctx->height;
    return height > 0 ? height - 1 : 0;
}

static const char *reason_name(Viper__V1__SlashReason reason)
{
    switch (reason) {
    case VIPER__V1__SLASH_REASON__SLASH_REASON_QUALITY:
        return "quality";
    case VIPER__V1__SLASH_REASON__SLASH_REASON_DOUBLE_SIGN:
        return "double_sign";
    case VIPER__V1__SLASH_REASON__SLASH_REASON_DOWNTIME:
        return "downtime";
    case VIPER__V1__SLASH_REASON__SLASH_REASON_NONE:
    case _VIPER__V1__SLASH_REASON_IS_INT_SIZE:
        break;
    }
    VPR_HALT("a slash without reason");
}

static bool leaving(const Viper__V1__Actor *actor)
{
    return actor->status == VIPER__V1__STATUS__STATUS_UNSTAKING;
}

static void burn(struct vpr_ctx *ctx, const struct vpr_address *id,
                 const Viper__V1__Actor *before, const Viper__V1__Slash *slash)
{
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    Viper__V1__Actor actor = *before;
    actor.stake -= slash->burned;
    actor.delegated -= slash->delegated_burned;
    vpr_account_burn(ctx, &pool, vpr_coin(slash->burned));
    vpr_account_burn(ctx, &pool, vpr_coin(slash->delegated_burned));
    vpr_actor_changed(ctx, id, &actor);
}

uint64_t vpr_actor_slash(struct vpr_ctx *ctx, const struct vpr_address *id, uint64_t ppm,
                         uint64_t fault_height, Viper__V1__SlashReason reason)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    VPR_ASSERT(actor != NULL && actor->status != VIPER__V1__STATUS__STATUS_GONE);
    VPR_ASSERT(actor->kind == VIPER__V1__KIND__KIND_VALIDATOR ||
               actor->kind == VIPER__V1__KIND__KIND_SERVICER);
    VPR_ASSERT(ppm <= VPR_PPM && fault_height <= ctx->height);

    bool reached = !leaving(actor) || actor->unbond_height >= fault_height;
    uint64_t sequence = vpr_slash_count(ctx, id);
    Viper__V1__Slash slash = VIPER__V1__SLASH__INIT;
    slash.reason = reason;
    slash.fault_height = fault_height;
    slash.height = ctx->height;
    slash.ppm = ppm;
    slash.stake = reached ? actor->stake : 0;
    slash.burned = vpr_mul_div_floor(slash.stake, ppm, VPR_PPM);
    slash.delegated = actor->delegated;
    slash.delegated_burned = vpr_mul_div_floor(slash.delegated, ppm, VPR_PPM);
    struct vpr_key_buf key = slash_key(id, sequence);
    vpr_record_put(ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key), &slash.base);
    if (slash.burned + slash.delegated_burned > 0) {
        burn(ctx, id, actor, &slash);
    }

    vpr_actor_event(ctx, "slash", id, actor);
    vpr_event_text(ctx, "reason", reason_name(reason));
    vpr_event_u64(ctx, "sequence", sequence);
    vpr_event_u64(ctx, "fault_height", fault_height);
    vpr_event_u64(ctx, "ppm", ppm);
    vpr_event_u64(ctx, "stake_uvipr", slash.stake);
    vpr_event_u64(ctx, "burned_uvipr", slash.burned);
    vpr_event_u64(ctx, "delegated_uvipr", slash.delegated);
    vpr_event_u64(ctx, "delegated_burned_uvipr", slash.delegated_burned);
    vpr_event_u64(ctx, "session", vpr_session_counts_from(ctx));
    return slash.burned + slash.delegated_burned;
}

/* ---- query ---- */

static enum vpr_code answer_slashes(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    const Viper__V1__QuerySlashesRequest *asked =
        (const Viper__V1__QuerySlashesRequest *)request;
    struct vpr_address id;
    struct vpr_page page;
    uint8_t next[SEQUENCE_BYTES];
    VPR_TRY(vpr_field_address(&id, asked->id, "id", ctx->err));
    VPR_TRY(vpr_page_read(&page, asked->pagination, sizeof next, ctx->err));
    if (vpr_actor_get(ctx, &id) == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "%s is not the id of an actor", asked->id);
    }
    uint64_t count = vpr_slash_count(ctx, &id);
    uint64_t at = page.key.len != 0 ? vpr_get_be64(page.key.data) : page.offset;
    Viper__V1__QuerySlashesResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QuerySlashesResponse);
    viper__v1__query_slashes_response__init(response);
    response->slashes = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__SlashInfo *, page.limit);
    for (; at < count && response->n_slashes < page.limit; at++) {
        const Viper__V1__Slash *slash = vpr_slash_get(ctx, &id, at);
        VPR_ASSERT(slash != NULL); /* sequences have no gaps */
        Viper__V1__SlashInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__SlashInfo);
        viper__v1__slash_info__init(info);
        info->sequence = at;
        info->slash = VPR_ARENA_NEW(ctx->arena, Viper__V1__Slash);
        *info->slash = *slash;
        response->slashes[response->n_slashes++] = info;
    }
    vpr_put_be64(next, at);
    response->pagination =
        vpr_page_answer(ctx->arena, vpr_bytes_of(next, at < count ? sizeof next : 0), 0);
    *ret_response = &response->base;
    return VPR_OK;
}

/* ---- invariant ---- */

/* Each slash of an actor has its number, its height, and burned its share and no more. */
static enum vpr_code check_slashes(struct vpr_ctx *ctx)
{
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    struct vpr_address id;
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        uint64_t count = vpr_slash_count(ctx, &id);
        uint64_t height = 0;
        for (uint64_t i = 0; i < count; i++) {
            const Viper__V1__Slash *s = vpr_slash_get(ctx, &id, i);
            if (s == NULL || s->ppm > VPR_PPM || s->fault_height > s->height ||
                s->height < height || s->height > ctx->height ||
                s->burned != vpr_mul_div_floor(s->stake, s->ppm, VPR_PPM) ||
                s->delegated_burned != vpr_mul_div_floor(s->delegated, s->ppm, VPR_PPM)) {
                return vpr_fail(ctx->err, VPR_BAD_FIELD,
                                "slash %" PRIu64 " of %s is not there, out of order, or burned "
                                "other than its share",
                                i, vpr_text_of_address(ctx->arena, &id));
            }
            height = s->height;
        }
        after = &id;
    }
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Slashes", &viper__v1__query_slashes_request__descriptor,
     &viper__v1__query_slashes_response__descriptor, answer_slashes},
};

static const struct vpr_invariant invariants[] = {
    {"slashes_burn_their_share", check_slashes},
};

const struct vpr_domain vpr_slashing = {
    .name = "slashing",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
