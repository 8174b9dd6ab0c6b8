#include "app/cli/penalty.h"

#include "app/cli/ask.h"
#include "app/cli/search.h"
#include "app/host/json_scan.h"
#include "app/rules/score.h"
#include "app/rules/split.h"

#define EVENTS_MAX 4096
#define POOLS_MAX 256

#define SAY(p, ...) vpr_buf_printf(&(p)->sums->cli->out, __VA_ARGS__)

/* One pool's run of low sessions. */
struct pool {
    const char *chain, *zone;
    uint64_t low;
};

struct penalties {
    struct vpr_sums *sums;
    const char *id, *type; /* of the search in hand */
    struct vpr_found events[EVENTS_MAX];
    size_t count;
    struct pool pools[POOLS_MAX];
    size_t pool_count;
    bool more;
    uint32_t absent; /* sessions in a row */
};

static const char *text(struct penalties *p, const struct vpr_found *f, const char *key)
{
    return vpr_found_text(p->sums->cli, f, key);
}

/* ---- jail ---- */

static void say_until(struct penalties *p, const struct vpr_found *f, const char *key)
{
    uint64_t time_s = vpr_found_u64(f, "time_s"), jail_s = vpr_found_u64(f, "jail_s");
    SAY(p, "  until block time = %" PRIu64 " + %" PRIu64 " s = %" PRIu64
        ", out from session %s\n", time_s, jail_s, time_s + jail_s, text(p, f, "session"));
    vpr_sums_hold(p->sums, key, time_s + jail_s, vpr_found_u64(f, key));
}

static void say_jail(struct penalties *p, const struct vpr_found *f)
{
    uint64_t window = vpr_found_u64(f, "window"), signed_ = vpr_found_u64(f, "signed");
    uint64_t ppm = vpr_found_u64(f, "min_signed_ppm");
    uint64_t missed = window >= signed_ ? window - signed_ : 0;
    uint64_t least = ppm <= VPR_PPM ? vpr_mul_div_ceil(window, ppm, VPR_PPM) : 0;

    SAY(p, "\njail at block %" PRIu64 ": of the last %" PRIu64 " blocks it missed %" PRIu64
        ", so %" PRIu64 " - %" PRIu64 " = %" PRIu64 " are signed\n", f->height, window, missed,
        window, missed, window - missed);
    SAY(p, "  at least ceil(%" PRIu64 " x %" PRIu64 " / 10^6) = %" PRIu64 " must be: %" PRIu64
        " are missing\n", window, ppm, least, signed_ < least ? least - signed_ : 0);
    vpr_sums_hold(p->sums, "least", least, vpr_found_u64(f, "least"));
    if (signed_ >= least) {
        SAY(p, "  DIFFERS: that is enough\n");
        p->sums->differing++;
    }
    say_until(p, f, "until_s");
}

static void say_tombstone(struct penalties *p, const struct vpr_found *f)
{
    SAY(p, "\ntombstone at block %" PRIu64 ": two votes at block %s, until: for ever\n",
        f->height, text(p, f, "fault_height"));
}

/* ---- bench ---- */

static struct pool *pool_of(struct penalties *p, const struct vpr_found *f)
{
    const char *chain = text(p, f, "chain"), *zone = text(p, f, "zone");
    size_t i = 0;
    while (i < p->pool_count && (strcmp(p->pools[i].chain, chain) != 0 ||
                                 strcmp(p->pools[i].zone, zone) != 0)) {
        i++;
    }
    if (i == POOLS_MAX) {
        return NULL;
    }
    if (i == p->pool_count) {
        p->pools[p->pool_count++] = (struct pool){chain, zone, 0};
    }
    return &p->pools[i];
}

static void say_quality(struct penalties *p, const struct vpr_found *f)
{
    struct pool *pool = pool_of(p, f);
    uint64_t score = vpr_found_u64(f, "score_ppm"), least = vpr_found_u64(f, "least_ppm");
    uint64_t low = vpr_found_u64(f, "low_sessions");

    if (pool == NULL || score > VPR_PPM || least > VPR_PPM) {
        return; /* no node of ours said this */
    }
    uint32_t mine = vpr_bench_count((uint32_t)pool->low, (uint32_t)score, (uint32_t)least);
    SAY(p, "\nchain %s, zone %s, session %s: score %" PRIu64 " %s %" PRIu64 ": %s%" PRIu32
        " low in a row\n", pool->chain, pool->zone, text(p, f, "session"), score,
        score < least ? "<" : ">=", least, score < least ? "" : "counted anew, ", mine);
    vpr_sums_hold(p->sums, "low_sessions", mine, low);
    pool->low = low;
}

static void say_bench(struct penalties *p, const struct vpr_found *f)
{
    struct pool *pool = pool_of(p, f);
    SAY(p, "bench at block %" PRIu64 " for %d low sessions in a row, chain %s, zone %s\n",
        f->height, VPR_BENCH_COUNT, text(p, f, "chain"), text(p, f, "zone"));
    vpr_sums_hold(p->sums, "low sessions of a bench", VPR_BENCH_COUNT,
                  pool != NULL ? pool->low : VPR_BENCH_COUNT);
    say_until(p, f, "resumable_s");
}

/* Of a pool, or of the whole actor. */
static void say_resume(struct penalties *p, const struct vpr_found *f)
{
    const char *chain = text(p, f, "chain");
    if (chain[0] == '\0') {
        p->absent = 0;
        SAY(p, "\nresume at block %" PRIu64 ": in again from session %s\n", f->height,
            text(p, f, "session"));
        return;
    }
    struct pool *pool = pool_of(p, f);
    if (pool != NULL) {
        pool->low = 0;
    }
    SAY(p, "\nresume at block %" PRIu64 ", chain %s, zone %s: in again, and counted anew, from "
        "session %s\n", f->height, chain, text(p, f, "zone"), text(p, f, "session"));
}

/* ---- absence ---- */

static void say_absence(struct penalties *p, const struct vpr_found *f)
{
    uint64_t count = vpr_found_u64(f, "absent_sessions");
    uint32_t mine = vpr_absences(p->absent, count == 0);
    SAY(p, "\nsession %s: %s: %" PRIu32 " sessions in a row without a report\n",
        text(p, f, "session"), count == 0 ? "a report" : "drawn, and no report", mine);
    vpr_sums_hold(p->sums, "absent_sessions", mine, count);
    p->absent = mine;
}

static void say_pause(struct penalties *p, const struct vpr_found *f)
{
    bool by_chain = p->absent >= VPR_ABSENCES_MAX;
    SAY(p, "%spause at block %" PRIu64 "%s: out from session %s\n", by_chain ? "" : "\n",
        f->height, by_chain ? ", after too many of them" : " by its owner or operator",
        text(p, f, "session"));
    p->absent = by_chain ? 0 : p->absent;
}

/* In the order of one block: what the chain does comes first. */
static const struct kind {
    const char *type;
    void (*say)(struct penalties *p, const struct vpr_found *f);
} kinds[] = {
    {"absence", say_absence},     {"pause", say_pause},   {"tombstone", say_tombstone},
    {"jail", say_jail},           {"quality", say_quality}, {"benched", say_bench},
    {"resume", say_resume},
};

static void on_event(void *arg, const struct vpr_found *found)
{
    struct penalties *p = arg;
    if (strcmp(found->type, p->type) != 0 || !vpr_found_is(found, "actor", p->id)) {
        return;
    }
    p->more = p->more || p->count == EVENTS_MAX;
    if (p->count < EVENTS_MAX) {
        p->events[p->count++] = vpr_found_keep(p->sums->cli, found);
    }
}

static size_t kind_of(const struct vpr_found *f)
{
    size_t i = 0;
    while (strcmp(kinds[i].type, f->type) != 0) {
        i++;
    }
    return i;
}

/* Behind it, as it was found: events of one kind and block keep their order. */
static bool comes_after(const struct vpr_found *a, const struct vpr_found *b)
{
    return a->height != b->height ? a->height > b->height : kind_of(a) > kind_of(b);
}

static void sort(struct penalties *p)
{
    for (size_t i = 1; i < p->count; i++) {
        struct vpr_found one = p->events[i];
        size_t at = i;
        for (; at > 0 && comes_after(&p->events[at - 1], &one); at--) {
            p->events[at] = p->events[at - 1];
        }
        p->events[at] = one;
    }
}

/* ---- slashes ---- */

static void say_slash(void *arg, struct vpr_bytes one)
{
    struct penalties *p = arg;
    struct vpr_cli *cli = p->sums->cli;
    uint64_t stake = vpr_cli_number_at(one, "/slash/stake");
    uint64_t ppm = vpr_cli_number_at(one, "/slash/ppm");
    uint64_t burned = vpr_cli_number_at(one, "/slash/burned");
    uint64_t mine = ppm <= VPR_PPM ? vpr_mul_div_floor(stake, ppm, VPR_PPM) : 0;
    SAY(p, "\nslash %s at block %s for a fault at block %s: floor(own stake %" PRIu64
        " x %" PRIu64 " / 10^6) = %" PRIu64 " uvipr\n",
        vpr_cli_member(cli, one, "/slash/reason"), vpr_cli_member(cli, one, "/slash/height"),
        vpr_cli_member(cli, one, "/slash/fault_height"), stake, ppm, mine);
    vpr_sums_hold(p->sums, "burned", mine, burned);
    uint64_t others = vpr_cli_number_at(one, "/slash/delegated");
    uint64_t theirs = ppm <= VPR_PPM ? vpr_mul_div_floor(others, ppm, VPR_PPM) : 0;
    SAY(p, "  delegators: floor(%" PRIu64 " x %" PRIu64 " / 10^6) = %" PRIu64 " uvipr\n", others,
        ppm, theirs);
    vpr_sums_hold(p->sums, "delegators burned", theirs,
                  vpr_cli_number_at(one, "/slash/delegated_burned"));
}

int vpr_cli_penalties(struct vpr_sums *sums, const char *node, const char *id)
{
    struct penalties *p = VPR_ARENA_NEW(&sums->cli->arena, struct penalties);
    int left = VPR_CLI_OK;

    p->sums = sums;
    p->id = id;
    for (size_t i = 0; i < VPR_COUNT(kinds) && left == VPR_CLI_OK; i++) {
        p->type = kinds[i].type;
        left = vpr_cli_search(sums->cli, node,
                              vpr_arena_text(&sums->cli->arena, "%s.actor='%s'", p->type, id),
                              false, on_event, p);
    }
    if (left != VPR_CLI_OK) {
        return left;
    }
    if (p->more) {
        return vpr_cli_fail(sums->cli, VPR_CLI_REFUSED, "more than %d events about it",
                            EVENTS_MAX);
    }
    sort(p);
    for (size_t i = 0; i < p->count; i++) {
        kinds[kind_of(&p->events[i])].say(p, &p->events[i]);
    }
    return vpr_cli_slashes(sums->cli, node, id, say_slash, p);
}
