#include "app/cli/income.h"

#include <stdlib.h>

#include "app/cli/ask.h"
#include "app/cli/search.h"
#include "app/rules/shares.h"
#include "app/rules/split.h"

#define PARTS_MAX 1024
#define TOUCHES_MAX 8192

#define SAY(sums, ...) vpr_buf_printf(&(sums)->cli->out, __VA_ARGS__)

/* ---- yield ---- */

struct yields {
    struct vpr_sums *sums;
    const char *key, *id;
    uint64_t session;
    bool told; /* the session's totals are there */
    uint64_t minted, fees, bonded, yield_ppb, blocks;
    struct vpr_found parts[PARTS_MAX];
    size_t count;
};

static void on_yield(void *arg, const struct vpr_found *f)
{
    struct yields *y = arg;
    if (strncmp(f->type, "yield", 5) != 0 || vpr_found_u64(f, "session") != y->session) {
        return;
    }
    if (strcmp(f->type, "yield") == 0) {
        y->told = true;
        y->minted = vpr_found_u64(f, "minted");
        y->fees = vpr_found_u64(f, "fees");
        y->bonded = vpr_found_u64(f, "bonded");
        y->yield_ppb = vpr_found_u64(f, "validator_yield");
        y->blocks = vpr_found_u64(f, "blocks");
    } else if (strcmp(f->type, "yield_part") == 0 && y->count < PARTS_MAX &&
               vpr_found_is(f, y->key, y->id)) {
        y->parts[y->count++] = vpr_found_keep(y->sums->cli, f);
    }
}

static void say_pot(struct yields *y)
{
    uint64_t minted = 0;
    if (!vpr_yield(&minted, y->bonded, y->yield_ppb, y->blocks)) {
        minted = UINT64_MAX;
    }
    SAY(y->sums, "\nyield of session %" PRIu64 ": floor(bonded %" PRIu64 " x yield %" PRIu64
        " x %" PRIu64 " blocks / 10^12) = %" PRIu64 " uvipr, and fees of %" PRIu64 "\n",
        y->session, y->bonded, y->yield_ppb, y->blocks, minted, y->fees);
    if (y->minted == 0 && minted > 0) {
        SAY(y->sums, "  not minted: the supply had no room for it\n");
        return;
    }
    vpr_sums_hold(y->sums, "minted", minted, y->minted);
}

/* The whole part. */
static uint64_t say_part(struct yields *y, const struct vpr_found *f)
{
    struct vpr_sums_share share = vpr_sums_share_of(f);
    uint64_t total = share.stake + share.delegated, of_minted, of_fees;
    uint64_t said = vpr_found_u64(f, "owner_reward") + share.delegators;
    if (y->bonded == 0 ||
        !vpr_try_mul_div_floor(&of_minted, y->minted, total, y->bonded) ||
        !vpr_try_mul_div_floor(&of_fees, y->fees, total, y->bonded)) {
        of_minted = of_fees = 0;
    }
    SAY(y->sums, "  validator %s: floor(%" PRIu64 " x stake %" PRIu64 " / bonded) + floor(%"
        PRIu64 " x stake / bonded) = %" PRIu64 " uvipr\n",
        vpr_found_text(y->sums->cli, f, "actor"), y->minted, total, y->fees,
        of_minted + of_fees);
    vpr_sums_hold(y->sums, "validator's part", of_minted + of_fees, said);
    vpr_sums_say_share(y->sums, said, share.delegators, &share);
    return said;
}

int vpr_income_yield(struct vpr_sums *sums, const char *node, const char *key, const char *id,
                     uint64_t session, uint64_t *total)
{
    struct vpr_cli *cli = sums->cli;
    struct yields *y = VPR_ARENA_NEW(&cli->arena, struct yields);
    *y = (struct yields){.sums = sums, .key = key, .id = id, .session = session};
    int left = vpr_cli_search(cli, node,
                              vpr_arena_text(&cli->arena,
                                             "yield_part.%s='%s' AND yield_part.session=%" PRIu64,
                                             key, id, session),
                              false, on_yield, y);
    if (left != VPR_CLI_OK || y->count == 0) {
        return left;
    }
    if (!y->told) {
        return vpr_cli_fail(cli, VPR_CLI_REFUSED, "the node tells parts of a yield, not of what");
    }
    bool owners = strcmp(key, "owner") == 0;
    say_pot(y);
    for (size_t i = 0; i < y->count; i++) {
        uint64_t part = say_part(y, &y->parts[i]);
        *total += owners ? vpr_found_u64(&y->parts[i], "owner_reward") : part;
    }
    return VPR_CLI_OK;
}

/* ---- withdrawals ---- */

/* A message that took up what a delegation had earned. */
struct touch {
    struct vpr_found event;
    const char *actor;
    uint64_t earned, withdrawn;
};

struct withdrawals {
    struct vpr_sums *sums;
    const char *delegator, *type; /* of the search in hand */
    struct touch *touches;
    size_t count;
    bool more;
};

static void on_touch(void *arg, const struct vpr_found *f)
{
    struct withdrawals *w = arg;
    struct vpr_cli *cli = w->sums->cli;
    if (strcmp(f->type, w->type) != 0 || !vpr_found_is(f, "delegator", w->delegator)) {
        return;
    }
    w->more = w->more || w->count == TOUCHES_MAX;
    if (w->count < TOUCHES_MAX) {
        bool out = strcmp(f->type, "withdraw") == 0;
        w->touches[w->count++] = (struct touch){
            vpr_found_keep(cli, f), vpr_found_text(cli, f, "actor"),
            vpr_found_u64(f, "earned_uvipr"), out ? vpr_found_u64(f, "amount_uvipr") : 0};
    }
}

/* By actor, then oldest first.  In one block the first of an actor takes up all there is, and the
 * first withdrawal takes it out. */
static int cmp_touches(const void *a, const void *b)
{
    const struct touch *x = a, *y = b;
    int order = strcmp(x->actor, y->actor);
    if (order != 0) {
        return order;
    }
    if (x->event.height != y->event.height) {
        return x->event.height < y->event.height ? -1 : 1;
    }
    if (x->earned != y->earned) {
        return x->earned > y->earned ? -1 : 1;
    }
    return x->withdrawn > y->withdrawn ? -1 : x->withdrawn < y->withdrawn;
}

static bool read_cumulative(struct vpr_cli *cli, const struct vpr_found *f, const char *key,
                            vpr_u128 *ret)
{
    uint8_t b[VPR_CUMULATIVE_BYTES];
    if (!vpr_unhex(b, sizeof b, vpr_bytes_str(vpr_found_text(cli, f, key)))) {
        return false;
    }
    *ret = vpr_cumulative_read(b);
    return true;
}

static void say_touch(struct withdrawals *w, const struct touch *t)
{
    struct vpr_cli *cli = w->sums->cli;
    uint64_t held = vpr_found_u64(&t->event, "held_shares"), earned = 0;
    vpr_u128 seen, cumulative;
    if (t->earned == 0) {
        return;
    }
    if (!read_cumulative(cli, &t->event, "seen", &seen) ||
        !read_cumulative(cli, &t->event, "cumulative", &cumulative) || cumulative < seen ||
        !vpr_shares_earned(&earned, cumulative, seen, held)) {
        earned = 0;
    }
    SAY(w->sums, "  up to block %" PRIu64 " (%s): floor((0x%s - 0x%s) x %" PRIu64
        " shares / 2^64) = %" PRIu64 " uvipr\n", t->event.height, t->event.type,
        vpr_found_text(cli, &t->event, "cumulative"), vpr_found_text(cli, &t->event, "seen"),
        held, earned);
    vpr_sums_hold(w->sums, "earned_uvipr", earned, t->earned);
}

/* touches[at] took out what those from `first` on had earned. */
static void say_withdrawal(struct withdrawals *w, size_t first, size_t at)
{
    const struct touch *out = &w->touches[at];
    uint64_t sum = 0;
    SAY(w->sums, "\nwithdrawn at block %" PRIu64 " from %s: %" PRIu64 " uvipr\n",
        out->event.height, out->actor, out->withdrawn);
    for (size_t i = first; i <= at; i++) {
        say_touch(w, &w->touches[i]);
        sum += w->touches[i].earned;
    }
    vpr_sums_hold(w->sums, "what was withdrawn", sum, out->withdrawn);
}

static void say_all(struct withdrawals *w, uint64_t session, uint64_t *total)
{
    for (size_t i = 0, first = 0; i < w->count; i++) {
        const struct touch *t = &w->touches[i];
        first = i > 0 && strcmp(t->actor, w->touches[i - 1].actor) != 0 ? i : first;
        if (strcmp(t->event.type, "withdraw") != 0) {
            continue;
        }
        if (vpr_found_u64(&t->event, "session") == session) {
            say_withdrawal(w, first, i);
            *total += t->withdrawn;
        }
        first = i + 1;
    }
}

int vpr_income_withdrawals(struct vpr_sums *sums, const char *node, const char *delegator,
                           uint64_t session, uint64_t *total)
{
    static const char *const types[] = {"delegate", "undelegate", "withdraw"};
    struct vpr_cli *cli = sums->cli;
    struct withdrawals w = {.sums = sums, .delegator = delegator};
    w.touches = VPR_ARENA_ARRAY(&cli->arena, struct touch, TOUCHES_MAX);
    for (size_t i = 0; i < VPR_COUNT(types); i++) {
        w.type = types[i];
        int left = vpr_cli_search(
            cli, node,
            vpr_arena_text(&cli->arena, "%s.delegator='%s'", types[i], delegator), false,
            on_touch, &w);
        if (left != VPR_CLI_OK) {
            return left;
        }
    }
    if (w.more) {
        return vpr_cli_fail(cli, VPR_CLI_REFUSED, "more than %d messages about delegations",
                            TOUCHES_MAX);
    }
    qsort(w.touches, w.count, sizeof w.touches[0], cmp_touches);
    say_all(&w, session, total);
    return VPR_CLI_OK;
}
