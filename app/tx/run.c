#include "app/tx/run.h"

#include "app/tx/auth.h"
#include "app/tx/envelope.h"
#include "app/tx/gas.h"

static void clear(struct vpr_tx_result *ret, const struct vpr_ctx *ctx)
{
    memset(ret, 0, sizeof *ret);
    ret->event_first = ctx->events != NULL ? ctx->events->count : 0;
}

/* The result's sentence; what a failing message said in events is unsaid. */
static void finish(struct vpr_tx_result *ret, struct vpr_ctx *ctx, enum vpr_code code)
{
    ret->code = code;
    if (code != VPR_OK) {
        memcpy(ret->log, ctx->err->text, sizeof ret->log);
    }
    if (ctx->events != NULL) {
        ret->event_count = ctx->events->count - ret->event_first;
    }
}

static enum vpr_code open_user(struct vpr_envelope *env, struct vpr_ctx *ctx,
                               const struct vpr_tables *tables, struct vpr_bytes raw,
                               bool simulated)
{
    enum vpr_code code = vpr_envelope_open(env, ctx, tables, raw, simulated);
    /* No table has it, so that what opens holds none. */
    if (code != VPR_OK && vpr_tx_is_system(ctx->arena, raw)) {
        return vpr_fail(ctx->err, VPR_SYSTEM_ONLY,
                        "the system transaction comes from a block's "
                        "proposer, as the first of the block");
    }
    return code;
}

static void draw(struct vpr_tx_sketch *sketch, const struct vpr_envelope *env)
{
    sketch->signer = env->signer;
    sketch->gas = env->gas;
    sketch->signatures = env->signatures;
    sketch->fee_uvipr = env->wire.fee_uvipr;
    sketch->sequence = env->wire.sequence;
    sketch->unordered = env->wire.unordered;
    sketch->lane = env->lane;
}

enum vpr_code vpr_tx_sketch(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                            struct vpr_bytes raw, struct vpr_tx_sketch *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_envelope env;
    memset(ret, 0, sizeof *ret);
    enum vpr_code code = open_user(&env, ctx, tables, raw, false);
    if (code == VPR_OK) {
        draw(ret, &env);
    } else {
        /* What cannot be opened is not executed either: it weighs its bytes. */
        ret->gas = raw.len * VPR_GAS_BYTE;
    }
    vpr_arena_release(ctx->arena, mark);
    return code;
}

static enum vpr_code check_messages(const struct vpr_envelope *env, struct vpr_ctx *ctx)
{
    for (size_t i = 0; i < env->wire.message_count; i++) {
        VPR_TRY(env->rows[i]->check(env->messages[i], ctx->err));
    }
    return VPR_OK;
}

/* What no block can hold must not wait in the mempool for ever. */
static enum vpr_code check_fits(const struct vpr_envelope *env, struct vpr_ctx *ctx)
{
    uint64_t room = env->lane == VPR_LANE_SESSION ? VPR_BLOCK_GAS_MAX : VPR_BLOCK_GAS_MAX / 2;
    if (env->gas > room || env->signatures > VPR_BLOCK_SIGNATURES_MAX) {
        return vpr_fail(ctx->err, VPR_TOO_LARGE, "needs %" PRIu64 " gas and %" PRIu64
                        " signatures, a block has %" PRIu64 " and %" PRIu64 " for it; split it",
                        env->gas, env->signatures, room, VPR_BLOCK_SIGNATURES_MAX);
    }
    return VPR_OK;
}

static enum vpr_code verify(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                            enum vpr_auth_mode mode)
{
    VPR_TRY(check_fits(env, ctx));
    VPR_TRY(check_messages(env, ctx));
    VPR_TRY(vpr_auth_verify(ctx, env, mode));
    ctx->signer = env->signer;
    for (size_t i = 0; i < env->wire.message_count; i++) {
        if (env->rows[i]->admit != NULL) {
            VPR_TRY(env->rows[i]->admit(ctx, env->messages[i]));
        }
    }
    return VPR_OK;
}

static enum vpr_code check(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                           struct vpr_bytes raw, bool recheck, struct vpr_tx_result *ret)
{
    struct vpr_envelope env;
    VPR_TRY(open_user(&env, ctx, tables, raw, false));
    ret->gas_wanted = env.wire.gas_limit;
    ret->gas_used = env.gas;
    VPR_TRY(verify(ctx, &env, recheck ? VPR_AUTH_RECHECK : VPR_AUTH_CHECK));
    ret->place = vpr_auth_place(&env);
    ret->taken = env.wire.unordered ? VPR_REPLAYED : VPR_BAD_SEQUENCE;
    return VPR_OK;
}

enum vpr_code vpr_tx_admit(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                           struct vpr_bytes raw, struct vpr_tx_sketch *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_envelope env;
    enum vpr_code code = open_user(&env, ctx, tables, raw, false);
    if (code == VPR_OK) {
        code = verify(ctx, &env, VPR_AUTH_RECHECK);
    }
    if (code == VPR_OK) {
        memset(ret, 0, sizeof *ret);
        draw(ret, &env);
        vpr_auth_account(ctx, &env.signer, &ret->next_sequence, &ret->balance_uvipr);
        if (env.wire.unordered) {
            vpr_auth_unordered(ctx, &env, &ret->seen, &ret->seen_left);
        }
    }
    vpr_arena_release(ctx->arena, mark);
    return code;
}

void vpr_tx_check(struct vpr_ctx *ctx, const struct vpr_tables *tables, struct vpr_bytes raw,
                  bool recheck, struct vpr_tx_result *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    clear(ret, ctx);
    finish(ret, ctx, check(ctx, tables, raw, recheck, ret));
    vpr_arena_release(ctx->arena, mark);
}

static enum vpr_code apply_messages(const struct vpr_envelope *env, struct vpr_ctx *ctx)
{
    ctx->signer = env->signer;
    for (size_t i = 0; i < env->wire.message_count; i++) {
        const struct vpr_handler *row = env->rows[i];
        VPR_TRY(row->check(env->messages[i], ctx->err));
        vpr_event(ctx, "message");
        vpr_event_text(ctx, "action", row->type_url);
        vpr_event_address(ctx, "sender", &env->signer);
        VPR_TRY(row->apply(ctx, env->messages[i]));
    }
    return VPR_OK;
}

/* All messages or none. */
static enum vpr_code run_messages(const struct vpr_envelope *env, struct vpr_ctx *ctx)
{
    size_t events = ctx->events != NULL ? ctx->events->count : 0;
    vpr_store_begin(ctx->state->store);
    enum vpr_code code = apply_messages(env, ctx);
    if (code == VPR_OK) {
        vpr_store_keep(ctx->state->store);
        return code;
    }
    vpr_store_undo(ctx->state->store);
    if (ctx->events != NULL) {
        ctx->events->count = events;
    }
    return code;
}

static enum vpr_code run(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                         struct vpr_bytes raw, struct vpr_tx_result *ret)
{
    struct vpr_envelope env;
    VPR_TRY(open_user(&env, ctx, tables, raw, false));
    ret->gas_wanted = env.wire.gas_limit;
    ret->gas_used = env.gas;
    VPR_TRY(vpr_auth_verify(ctx, &env, VPR_AUTH_RUN));
    VPR_TRY(vpr_auth_accept(ctx, tables, &env));
    vpr_event(ctx, "tx");
    vpr_event_text(ctx, "fee", vpr_arena_text(ctx->arena, "%" PRIu64 VPR_DENOM,
                                              env.wire.fee_uvipr));
    vpr_event_address(ctx, "fee_payer", &env.signer);
    return run_messages(&env, ctx);
}

void vpr_tx_run(struct vpr_ctx *ctx, const struct vpr_tables *tables, struct vpr_bytes raw,
                struct vpr_tx_result *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    clear(ret, ctx);
    finish(ret, ctx, run(ctx, tables, raw, ret));
    vpr_arena_release(ctx->arena, mark);
}

static enum vpr_code simulate(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                              struct vpr_bytes raw, struct vpr_tx_result *ret)
{
    struct vpr_envelope env;
    VPR_TRY(open_user(&env, ctx, tables, raw, true));
    ret->gas_wanted = env.wire.gas_limit;
    ret->gas_used = env.gas;
    VPR_TRY(vpr_auth_verify(ctx, &env, VPR_AUTH_SIMULATE));
    return run_messages(&env, ctx);
}

void vpr_tx_simulate(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                     struct vpr_bytes raw, struct vpr_tx_result *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    clear(ret, ctx);
    vpr_store_begin(ctx->state->store);
    finish(ret, ctx, simulate(ctx, tables, raw, ret));
    vpr_store_undo(ctx->state->store);
    vpr_arena_release(ctx->arena, mark);
}
