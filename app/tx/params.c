#include "app/tx/params.h"

#include "app/base/coin.h"
#include "app/tx/handler.h"
#include "viper/v1/params.pb-c.h"

#define OTHER_EVENTS 4000 /* of a block, beside those of its settlement */

static const struct vpr_param_rule rules[VPR_PARAM_COUNT] = {
#define X(name, main, local, least, most, unit, slack) \
    {#name, unit, UINT64_C(least), UINT64_C(most), UINT64_C(slack)},
    VPR_PARAMS(X)
#undef X
};

void vpr_params_get(struct vpr_ctx *ctx, struct vpr_params *ret, uint64_t session)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const struct vpr_key_buf key = vpr_key(VPR_KEY_PARAMS);
    const Viper__V1__Params *record = (const Viper__V1__Params *)vpr_version_get(
        ctx, VPR_STORE_PARAMS, vpr_key_bytes(&key), session, &viper__v1__params__descriptor);
    if (record == NULL) {
        VPR_HALT("no parameters for a session");
    }
#define X(name, main, local, least, most, unit, slack) ret->v[VPR_P_##name] = record->name;
    VPR_PARAMS(X)
#undef X
    vpr_arena_release(ctx->arena, mark);
}

uint64_t vpr_param(struct vpr_ctx *ctx, enum vpr_param param, uint64_t session)
{
    VPR_ASSERT(param < VPR_PARAM_COUNT);
    struct vpr_params params;
    vpr_params_get(ctx, &params, session);
    return params.v[param];
}

void vpr_params_put(struct vpr_ctx *ctx, const struct vpr_params *params, uint64_t session)
{
    Viper__V1__Params record = VIPER__V1__PARAMS__INIT;
#define X(name, main, local, least, most, unit, slack) record.name = params->v[VPR_P_##name];
    VPR_PARAMS(X)
#undef X
    const struct vpr_key_buf key = vpr_key(VPR_KEY_PARAMS);
    vpr_version_put(ctx, VPR_STORE_PARAMS, vpr_key_bytes(&key), session, &record.base);
}

/* ---- one of them ---- */

const struct vpr_param_rule *vpr_param_rule(enum vpr_param param)
{
    VPR_ASSERT(param < VPR_PARAM_COUNT);
    return &rules[param];
}

bool vpr_param_by_name(enum vpr_param *ret, const char *name)
{
    for (enum vpr_param param = 0; param < VPR_PARAM_COUNT; param++) {
        if (strcmp(rules[param].name, name) == 0) {
            *ret = param;
            return true;
        }
    }
    return false;
}

void vpr_param_reach(enum vpr_param param, uint64_t value, uint64_t *ret_least,
                     uint64_t *ret_most)
{
    const struct vpr_param_rule *rule = vpr_param_rule(param);
    VPR_ASSERT(value <= rule->most); /* far from overflowing */
    uint64_t least = value - value / 2;
    uint64_t most = value * 2;
    uint64_t down = value > rule->slack ? value - rule->slack : 0;
    least = down < least ? down : least;
    most = value + rule->slack > most ? value + rule->slack : most;
    *ret_least = least < rule->least ? rule->least : least;
    *ret_most = most > rule->most ? rule->most : most;
}

static enum vpr_code check_range(enum vpr_param param, uint64_t v, struct vpr_err *err)
{
    const struct vpr_param_rule *rule = vpr_param_rule(param);
    if (v < rule->least || v > rule->most) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "parameter %s is %" PRIu64 "; it may be %" PRIu64 " to %" PRIu64,
                        rule->name, v, rule->least, rule->most);
    }
    return VPR_OK;
}

enum vpr_code vpr_param_step(enum vpr_param param, uint64_t from, uint64_t to,
                             struct vpr_err *err)
{
    uint64_t least, most;
    VPR_TRY(check_range(param, to, err));
    vpr_param_reach(param, from, &least, &most);
    if (to < least || to > most) {
        return vpr_fail(err, VPR_STEP_TOO_LARGE,
                        "parameter %s is %" PRIu64 "; one proposal may make it %" PRIu64
                        " to %" PRIu64 ", not %" PRIu64,
                        vpr_param_rule(param)->name, from, least, most, to);
    }
    return VPR_OK;
}

/* ---- all of them ---- */

static enum vpr_code check_ranges(const struct vpr_params *params, struct vpr_err *err)
{
    for (enum vpr_param param = 0; param < VPR_PARAM_COUNT; param++) {
        VPR_TRY(check_range(param, params->v[param], err));
    }
    return VPR_OK;
}

enum vpr_code vpr_params_check(const struct vpr_params *params, struct vpr_err *err)
{
    const uint64_t *v = params->v;

    VPR_TRY(check_ranges(params, err));
    uint64_t split = v[VPR_P_split_servicer] + v[VPR_P_split_fishermen] +
                     v[VPR_P_split_validator] + v[VPR_P_split_chain] + v[VPR_P_split_dao];
    if (split != VPR_PPM) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "the five parameters split_* sum to %" PRIu64 " instead of %" PRIu64,
                        split, VPR_PPM);
    }
    uint64_t quarter = v[VPR_P_session_blocks] / 4;
    if (v[VPR_P_grace_blocks] > quarter || v[VPR_P_challenge_delay] > quarter) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "grace_blocks %" PRIu64 " and challenge_delay %" PRIu64
                        " may be at most session_blocks / 4 = %" PRIu64,
                        v[VPR_P_grace_blocks], v[VPR_P_challenge_delay], quarter);
    }
    if (v[VPR_P_freeze_blocks] >= v[VPR_P_session_blocks]) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "freeze_blocks %" PRIu64 " must be below session_blocks %" PRIu64,
                        v[VPR_P_freeze_blocks], v[VPR_P_session_blocks]);
    }
    /* What a block settles must be told in its events, to the last uvipr: four an entry, one a
     * fisherman, two a sid; the rest is for what else a block says. */
    uint64_t told = v[VPR_P_settle_per_block] * (6 + v[VPR_P_fishermen_per_session]);
    if (told > VPR_EVENTS_MAX - OTHER_EVENTS) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "settle_per_block %" PRIu64 " times fishermen_per_session %" PRIu64
                        " + 6 exceeds the %d events that a block has for it",
                        v[VPR_P_settle_per_block], v[VPR_P_fishermen_per_session],
                        VPR_EVENTS_MAX - OTHER_EVENTS);
    }
    /* Serving one's own stake must never beat delegating it (docs/protocol.md, 14). */
    vpr_u128 serving = (vpr_u128)v[VPR_P_requestor_yield] * (VPR_PPM - v[VPR_P_split_dao]);
    vpr_u128 staking = (vpr_u128)v[VPR_P_validator_yield] * (VPR_PPM - v[VPR_P_max_commission]);
    if (serving > staking) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "requestor_yield %" PRIu64 " times what the DAO leaves exceeds "
                        "validator_yield %" PRIu64 " times what max_commission leaves",
                        v[VPR_P_requestor_yield], v[VPR_P_validator_yield]);
    }
    return VPR_OK;
}
