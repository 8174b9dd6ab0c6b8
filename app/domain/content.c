#include "app/domain/content.h"

#include "app/domain/accounts.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/upgrade.h"

typedef Viper__V1__ProposalContent content;

/* ---- parameters: they count from the session after next, always ---- */

static enum vpr_code check_params(const content *c, struct vpr_err *err)
{
    enum vpr_param param, other;
    for (size_t i = 0; i < c->n_params; i++) {
        if (!vpr_param_by_name(&param, c->params[i]->name)) {
            return vpr_fail(err, VPR_BAD_FIELD, "there is no parameter \"%.40s\"",
                            c->params[i]->name);
        }
        for (size_t j = 0; j < i; j++) {
            if (vpr_param_by_name(&other, c->params[j]->name) && param == other) {
                return vpr_fail(err, VPR_DUPLICATE, "parameter %s is given twice",
                                c->params[i]->name);
            }
        }
    }
    return VPR_OK;
}

/* The samples of this session and the next are proved in the sessions that have the new
 * length: at least half of it must be left to prove them, however many proposals pass now. */
static enum vpr_code check_windows(struct vpr_ctx *ctx, const struct vpr_params *next)
{
    uint64_t now = vpr_session_number(ctx), blocks = next->v[VPR_P_session_blocks];
    for (uint64_t session = now; session <= now + 1; session++) {
        uint64_t delay = vpr_param(ctx, VPR_P_challenge_delay, session);
        if (delay > blocks / 2) {
            return vpr_fail(ctx->err, VPR_STEP_TOO_LARGE,
                            "session_blocks %" PRIu64 " must be at least twice challenge_delay"
                            " %" PRIu64 " of session %" PRIu64,
                            blocks, delay, session);
        }
    }
    return VPR_OK;
}

/* The newest ones, pending included, with the changes; each within its step, all together
 * within their ranges and cross-checks. */
static enum vpr_code draft_params(struct vpr_ctx *ctx, const content *c,
                                  struct vpr_params *ret)
{
    enum vpr_param param;
    vpr_params_get(ctx, ret, vpr_session_number(ctx) + 2);
    for (size_t i = 0; i < c->n_params; i++) {
        bool known = vpr_param_by_name(&param, c->params[i]->name);
        VPR_ASSERT(known);
        VPR_TRY(vpr_param_step(param, ret->v[param], c->params[i]->value, ctx->err));
        ret->v[param] = c->params[i]->value;
    }
    VPR_TRY(check_windows(ctx, ret));
    return vpr_params_check(ret, ctx->err);
}

static enum vpr_code admit_params(struct vpr_ctx *ctx, const content *c)
{
    struct vpr_params params;
    return draft_params(ctx, c, &params);
}

static enum vpr_code execute_params(struct vpr_ctx *ctx, const content *c)
{
    uint64_t session = vpr_session_number(ctx) + 2;
    struct vpr_params params;
    VPR_TRY(draft_params(ctx, c, &params));
    vpr_params_put(ctx, &params, session);
    for (size_t i = 0; i < c->n_params; i++) {
        vpr_event(ctx, "param");
        vpr_event_text(ctx, "name", c->params[i]->name);
        vpr_event_u64(ctx, "value", c->params[i]->value);
        vpr_event_u64(ctx, "session", session);
    }
    return VPR_OK;
}

/* ---- treasury ---- */

static enum vpr_code check_spend(const content *c, struct vpr_err *err)
{
    struct vpr_address recipient;
    VPR_TRY(vpr_field_address(&recipient, c->spend->recipient, "recipient", err));
    if (vpr_pool_name(&recipient) != NULL) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "recipient is the pool %s",
                        vpr_pool_name(&recipient));
    }
    if (c->spend->amount < 1 || c->spend->amount >= VPR_SUPPLY_MAX) {
        return vpr_fail(err, VPR_BAD_AMOUNT, "amount is %" PRIu64 " uvipr", c->spend->amount);
    }
    return VPR_OK;
}

/* What the DAO has when the vote has ended is what counts. */
static enum vpr_code admit_nothing(struct vpr_ctx *ctx, const content *c)
{
    (void)ctx;
    (void)c;
    return VPR_OK;
}

static enum vpr_code execute_spend(struct vpr_ctx *ctx, const content *c)
{
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    struct vpr_address recipient;
    VPR_TRY(vpr_field_address(&recipient, c->spend->recipient, "recipient", ctx->err));
    if (vpr_account_move(ctx, &dao, &recipient, vpr_coin(c->spend->amount)) != VPR_OK) {
        struct vpr_err inner = *ctx->err;
        return vpr_fail(ctx->err, inner.code, "the DAO %s", inner.text);
    }
    vpr_event(ctx, "spend");
    vpr_event_address(ctx, "recipient", &recipient);
    vpr_event_u64(ctx, "amount_uvipr", c->spend->amount);
    return VPR_OK;
}

/* ---- chains, zones, versions: theirs ---- */

static enum vpr_code check_chain(const content *c, struct vpr_err *err)
{
    return vpr_chain_check(c->chain, err);
}

static enum vpr_code admit_chain(struct vpr_ctx *ctx, const content *c)
{
    return vpr_chain_admit(ctx, c->chain);
}

static enum vpr_code execute_chain(struct vpr_ctx *ctx, const content *c)
{
    VPR_TRY(vpr_chain_admit(ctx, c->chain));
    vpr_chain_put(ctx, c->chain);
    return VPR_OK;
}

static enum vpr_code check_zone(const content *c, struct vpr_err *err)
{
    return vpr_zone_check(c->zone, err);
}

static enum vpr_code admit_zone(struct vpr_ctx *ctx, const content *c)
{
    return vpr_zone_admit(ctx, c->zone);
}

static enum vpr_code execute_zone(struct vpr_ctx *ctx, const content *c)
{
    VPR_TRY(vpr_zone_admit(ctx, c->zone));
    vpr_zone_put(ctx, c->zone);
    return VPR_OK;
}

static enum vpr_code check_upgrade(const content *c, struct vpr_err *err)
{
    return vpr_upgrade_check(c->upgrade, err);
}

static enum vpr_code admit_upgrade(struct vpr_ctx *ctx, const content *c)
{
    return vpr_upgrade_admit(ctx, c->upgrade);
}

static enum vpr_code execute_upgrade(struct vpr_ctx *ctx, const content *c)
{
    VPR_TRY(vpr_upgrade_admit(ctx, c->upgrade));
    vpr_upgrade_put(ctx, c->upgrade);
    return VPR_OK;
}

static enum vpr_code check_nothing(const content *c, struct vpr_err *err)
{
    (void)c;
    (void)err;
    return VPR_OK;
}

/* ---- the kinds ---- */

struct kind {
    const char *name;
    enum vpr_code (*check)(const content *c, struct vpr_err *err);
    enum vpr_code (*admit)(struct vpr_ctx *ctx, const content *c);
    enum vpr_code (*execute)(struct vpr_ctx *ctx, const content *c);
};

enum { TEXT, PARAMS, SPEND, CHAIN, ZONE, UPGRADE };
static const struct kind kinds[] = {
    [TEXT] = {"text", check_nothing, admit_nothing, admit_nothing},
    [PARAMS] = {"params", check_params, admit_params, execute_params},
    [SPEND] = {"spend", check_spend, admit_nothing, execute_spend},
    [CHAIN] = {"chain", check_chain, admit_chain, execute_chain},
    [ZONE] = {"zone", check_zone, admit_zone, execute_zone},
    [UPGRADE] = {"upgrade", check_upgrade, admit_upgrade, execute_upgrade},
};

/* The one it is; *ret_count: of how many it has the fields. */
static const struct kind *kind_of(const content *c, int *ret_count)
{
    const bool there[] = {
        [TEXT] = false,
        [PARAMS] = c->n_params > 0,
        [SPEND] = c->spend != NULL,
        [CHAIN] = c->chain != NULL,
        [ZONE] = c->zone != NULL,
        [UPGRADE] = c->upgrade != NULL,
    };
    const struct kind *kind = &kinds[TEXT];
    *ret_count = 0;
    for (size_t i = 0; i < VPR_COUNT(kinds); i++) {
        if (there[i]) {
            kind = &kinds[i];
            (*ret_count)++;
        }
    }
    return kind;
}

const char *vpr_content_kind(const Viper__V1__ProposalContent *c)
{
    int count;
    return kind_of(c, &count)->name;
}

enum vpr_code vpr_content_check(const Viper__V1__ProposalContent *c, struct vpr_err *err)
{
    int count;
    const struct kind *kind = kind_of(c, &count);
    if (count > 1) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "a proposal does one thing, this one %d: params, spend, chain, zone or "
                        "upgrade",
                        count);
    }
    return kind->check(c, err);
}

enum vpr_code vpr_content_admit(struct vpr_ctx *ctx, const Viper__V1__ProposalContent *c)
{
    int count;
    return kind_of(c, &count)->admit(ctx, c);
}

enum vpr_code vpr_content_execute(struct vpr_ctx *ctx, const Viper__V1__ProposalContent *c)
{
    int count;
    size_t events = ctx->events != NULL ? ctx->events->count : 0;
    vpr_store_begin(ctx->state->store);
    enum vpr_code code = kind_of(c, &count)->execute(ctx, c);
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

uint64_t vpr_content_fee(struct vpr_ctx *ctx, const Viper__V1__ProposalContent *c)
{
    bool fresh = c->chain != NULL && vpr_chain_get(ctx, (uint16_t)c->chain->id) == NULL;
    return fresh ? vpr_param(ctx, VPR_P_chain_fee, vpr_session_number(ctx)) : 0;
}
