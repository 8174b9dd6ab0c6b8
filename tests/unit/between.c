#include "tests/unit/between.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/rules/ids.h"

static char sentence[512];

static const char *say(const char *name, const char *what, const char *where)
{
    (void)snprintf(sentence, sizeof sentence, "%s: %s %s", name, what, where);
    return sentence;
}

static const char *text(const struct vpr_event *e, const char *key)
{
    for (uint32_t i = 0; i < e->count; i++) {
        if (strcmp(e->attributes[i].key, key) == 0) {
            return e->attributes[i].value;
        }
    }
    return "";
}

static uint64_t number(const struct vpr_event *e, const char *key)
{
    return strtoull(text(e, key), NULL, 10);
}

static bool is(const struct vpr_event *e, const char *type)
{
    return strcmp(e->type, type) == 0;
}

/* ---- supply ---- */

static const struct {
    const char *type;
    const char *minted, *burned[2];
} money[] = {
    {"verify", "minted", {NULL, NULL}},
    {"yield", "minted", {NULL, NULL}},
    {"slash", NULL, {"burned_uvipr", "delegated_burned_uvipr"}},
    {"undelegated", NULL, {"burned_uvipr", NULL}},
    {"proposal_end", NULL, {"burned_uvipr", NULL}},
};

/* What the events say of mint and burn is what the supply did. */
static const char *check_supply(struct between *b, struct vpr_ctx *ctx,
                                const struct vpr_events *events)
{
    struct vpr_supply supply = vpr_supply_get(ctx);
    uint64_t minted = 0, burned = 0;
    for (size_t i = 0; i < events->count; i++) {
        for (size_t m = 0; m < VPR_COUNT(money); m++) {
            const struct vpr_event *e = events->list[i];
            if (!is(e, money[m].type)) {
                continue;
            }
            minted += money[m].minted != NULL ? number(e, money[m].minted) : 0;
            for (size_t k = 0; k < VPR_COUNT(money[m].burned); k++) {
                burned += money[m].burned[k] != NULL ? number(e, money[m].burned[k]) : 0;
            }
        }
    }
    return supply.minted.uvipr - b->minted == minted &&
                   supply.burned.uvipr - b->burned == burned
               ? NULL
               : say("supply_is_told", "mint or burn differ from the events", "");
}

/* ---- settlement ---- */

/* In the order of the queue, over all blocks: none twice, none behind its time. */
static bool follows(char last[BETWEEN_PLACE_MAX], const char *place)
{
    bool later = strcmp(last, place) < 0;
    (void)snprintf(last, BETWEEN_PLACE_MAX, "%s", place);
    return later;
}

/* As long as the address in hex: bech32's letters are not in the order of their values. */
static void address_hex(char out[41], const char *bech32)
{
    struct vpr_address a;
    if (!vpr_address_parse(&a, VPR_PREFIX_ACCOUNT, vpr_bytes_str(bech32))) {
        memset(&a, 0, sizeof a);
    }
    vpr_hex(out, a.b, sizeof a.b);
}

static struct between_sum *sum_of(struct between *b, const struct vpr_event *e)
{
    char whose[BETWEEN_PLACE_MAX];
    (void)snprintf(whose, sizeof whose, "%020" PRIu64 " %s", number(e, "session"),
                   text(e, "requestor"));
    for (size_t i = 0; i < b->sum_count; i++) {
        if (strcmp(b->sums[i].whose, whose) == 0) {
            return &b->sums[i];
        }
    }
    /* Sessions come in order: what is full is old. */
    if (b->sum_count == BETWEEN_SUMS_MAX) {
        memmove(b->sums, b->sums + 1, (BETWEEN_SUMS_MAX - 1) * sizeof b->sums[0]);
        b->sum_count--;
    }
    struct between_sum *sum = &b->sums[b->sum_count++];
    memset(sum, 0, sizeof *sum);
    memcpy(sum->whose, whose, sizeof whose);
    return sum;
}

static const char *check_verify(struct between *b, const struct vpr_event *e)
{
    char place[BETWEEN_PLACE_MAX], servicer[41];
    struct between_sum *sum = sum_of(b, e);
    uint64_t cu = number(e, "settled_cu"), gross = number(e, "gross"), most = 0;
    address_hex(servicer, text(e, "servicer"));
    (void)snprintf(place, sizeof place, "%020" PRIu64 " %s %s", number(e, "session"),
                   text(e, "sid"), servicer);
    if (!follows(b->settled, place)) {
        return say("entries_settle_once", "twice or out of order:", place);
    }
    if (cu > number(e, "quota") || (strcmp(text(e, "verdict"), "paid") != 0 && gross > 0)) {
        return say("quotas_fit_the_allowance", "settled above the quota, or not paid:", place);
    }
    sum->gross += gross;
    if (gross > 0 && (!vpr_try_mul_div_floor(&most, cu, sum->budget, sum->allowance) ||
                      gross > most || sum->gross > sum->budget)) {
        return say("gross_fits_the_budget", "paid beyond it:", place);
    }
    return number(e, "minted") <= gross
               ? NULL
               : say("parts_fit_the_gross", "more is minted than earned:", place);
}

/* "verify_sid" comes before the entries of its sid. */
static void read_sid(struct between *b, const struct vpr_event *e)
{
    struct between_sum *sum = sum_of(b, e);
    sum->budget = number(e, "budget");
    sum->allowance = number(e, "allowance");
}

static const char *check_score(struct between *b, const struct vpr_event *e)
{
    char place[BETWEEN_PLACE_MAX], servicer[41];
    address_hex(servicer, text(e, "servicer"));
    (void)snprintf(place, sizeof place, "%020" PRIu64 " %s %s %s", number(e, "session"),
                   servicer, text(e, "chain"), text(e, "zone"));
    return follows(b->moved, place)
               ? NULL
               : say("scores_move_once", "twice or out of order:", place);
}

/* ---- windows ---- */

static const struct {
    const char *type;
    uint64_t later; /* the session that runs is so many after the work's */
} windows[] = {
    {"commit", 1}, {"seal", 1}, {"report_card", 1}, {"prove", 2}, {"prove_sample", 2},
    {"reveal", 2},
};

static const char *check_window(struct vpr_ctx *ctx, const struct vpr_event *e)
{
    struct vpr_session running = vpr_session_current(ctx);
    for (size_t i = 0; i < VPR_COUNT(windows); i++) {
        if (!is(e, windows[i].type)) {
            continue;
        }
        uint64_t delay = vpr_param(ctx, VPR_P_challenge_delay, number(e, "session"));
        bool drawn = windows[i].later < 2 || ctx->height >= running.first + delay;
        if (number(e, "session") + windows[i].later != running.number || !drawn) {
            return say("work_has_its_window", "outside of it:", e->type);
        }
    }
    return NULL;
}

/* ---- versions ---- */

/* When a session opens, what no unsettled session reads any more goes. */
static const char *check_cut(struct between *b, struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_CUT);
    struct vpr_bytes key, value;
    if (ctx->height != vpr_session_current(ctx).first ||
        !vpr_state_next(ctx->state, ctx->arena, VPR_STORE_SESSIONS, vpr_key_bytes(&prefix),
                        vpr_key_bytes(&prefix), &key, &value)) {
        return NULL;
    }
    return vpr_get_be64(key.data + prefix.len) > b->oldest
               ? NULL
               : say("versions_are_cut", "one that no session reads was kept", "");
}

/* ---- a block ---- */

void between_from(struct between *b, struct vpr_ctx *ctx)
{
    struct vpr_supply supply = vpr_supply_get(ctx);
    b->minted = supply.minted.uvipr;
    b->burned = supply.burned.uvipr;
    b->oldest = vpr_session_oldest_unsettled(ctx);
}

static const char *check_event(struct between *b, struct vpr_ctx *ctx,
                               const struct vpr_event *e)
{
    if (is(e, "verify_sid")) {
        read_sid(b, e);
        return NULL;
    }
    return is(e, "verify") ? check_verify(b, e)
           : is(e, "score") ? check_score(b, e)
                            : check_window(ctx, e);
}

const char *between_blocks(struct between *b, struct vpr_ctx *ctx,
                           const struct vpr_events *events)
{
    const char *broken = check_supply(b, ctx, events);
    broken = broken != NULL ? broken : check_cut(b, ctx);
    for (size_t i = 0; i < events->count && broken == NULL; i++) {
        broken = check_event(b, ctx, events->list[i]);
    }
    between_from(b, ctx);
    return broken;
}
