/* why.c - `query why`: the sums behind a payout, a score, a quota, a slash or a jail, done again
 * from events and revealed cards with the chain's own formulas, and held against its own. */
#include "app/cli/ask.h"
#include "app/cli/dossier.h"
#include "app/cli/income.h"
#include "app/cli/penalty.h"
#include "app/cli/running.h"
#include "app/cli/verbs.h"
#include "app/host/json_scan.h"

#define PPM 1000000

struct why {
    struct vpr_cli *cli;
    const char *node, *id;
    uint64_t session;
    size_t sid_count;
    const char *sids[VPR_DOSSIER_SIDS_MAX];
    bool more;        /* sids than those */
    bool settled;     /* the whole session */
    uint64_t total;   /* paid to whom it is about */
    bool owners;      /* ... which has the owner's share of a part alone */
    uint64_t minted;  /* of all entries shown, for a requestor */
    struct vpr_sums sums;
};

#define SAY(why, ...) vpr_buf_printf(&(why)->cli->out, __VA_ARGS__)

/* One result of the sums beside the chain's own. */
static void hold(struct why *why, const char *what, uint64_t mine, uint64_t chain)
{
    vpr_sums_hold(&why->sums, what, mine, chain);
}

/* ---- scores ---- */

static void say_line(struct why *why, const struct vpr_dossier *d, size_t f, size_t s,
                     const struct vpr_dossier_score *score)
{
    const struct vpr_card_line *line = &d->lines[f][s].line;
    const struct vpr_dossier_servicer *of = &d->servicers[s];
    const bool full = vpr_dossier_full_use(of);

    if (!d->lines[f][s].there) {
        return;
    }
    SAY(why, "    %s: sent %" PRIu64 ", refused %" PRIu64 ", answered %" PRIu64
        ", checked %" PRIu64 ", correct %" PRIu64 ", p90 %" PRIu64 " ms\n", d->fishermen[f].id,
        line->sent, line->refused, line->answered, line->checked, line->correct, line->p90_ms);
    if (!score->counts[f]) {
        SAY(why, "      does not count: fewer than %" PRIu64 " samples\n", d->rule.min_samples);
        return;
    }
    struct vpr_line_parts parts = vpr_line_parts(line, &d->rule, full);
    SAY(why, "      availability %" PRIu32 " x reliability %" PRIu32
        " x (10^6 - %" PRIu32 " + %" PRIu32 " x latency %" PRIu32 ") = %" PRIu32 " ppm\n",
        parts.availability_ppm, parts.reliability_ppm, d->rule.weight_latency_ppm,
        d->rule.weight_latency_ppm, parts.latency_ppm, score->ppm[f]);
}

static void say_score(struct why *why, const struct vpr_dossier *d, size_t s)
{
    const struct vpr_dossier_servicer *of = &d->servicers[s];
    struct vpr_dossier_score score;

    vpr_dossier_score(d, s, &score);
    SAY(why, "  score of %s, %" PRIu64 " fishermen drawn\n", of->id, d->fishermen_drawn);
    for (size_t f = 0; f < d->fisherman_count; f++) {
        say_line(why, d, f, s, &score);
    }
    if (score.has_median) {
        SAY(why, "    median of %" PRIu32 " lines = %" PRIu32 " ppm\n", score.counting,
            score.median);
    } else {
        SAY(why, "    %" PRIu32 " lines count, %" PRIu32 " are needed: no median%s\n",
            score.counting, score.quorum,
            of->verified ? ", its running score stands in" : "");
    }
    if (score.has_median && strcmp(of->verdict, "paid") == 0) {
        hold(why, "score", score.median, of->score);
    }
}

/* ---- what an entry pays ---- */

/* The split of an entry's gross; false: it was not paid. */
static bool entry_split(const struct vpr_dossier *d, const struct vpr_dossier_servicer *s,
                        struct vpr_split *ret)
{
    if (strcmp(s->verdict, "paid") != 0) {
        return false;
    }
    vpr_split(ret, &d->split, s->gross, (uint32_t)s->score, (uint32_t)d->fishermen_drawn);
    return true;
}

static void say_gross(struct why *why, const struct vpr_dossier *d,
                      const struct vpr_dossier_servicer *s)
{
    uint64_t gross = 0;

    SAY(why, "  settled cu = min(sum %" PRIu64 ", tails %" PRIu64 ", quota %" PRIu64
        ") = %" PRIu64 "\n", s->sum, s->tails_cu, s->quota_cu, s->settled_cu);
    hold(why, "settled_cu", vpr_settled_cu(s->sum, s->tails_cu, s->quota_cu), s->settled_cu);
    if (!vpr_gross(&gross, s->settled_cu, d->budget, d->allowance,
                   (uint32_t)d->chain_multiplier, (uint32_t)d->zone_multiplier)) {
        gross = UINT64_MAX;
    }
    SAY(why, "  gross = floor(%" PRIu64 " cu x budget %" PRIu64 " / allowance %" PRIu64
        ") x chain %" PRIu64 " x zone %" PRIu64 " ppm = %" PRIu64 " uvipr\n", s->settled_cu,
        d->budget, d->allowance, d->chain_multiplier, d->zone_multiplier, gross);
    hold(why, "gross", gross, s->gross);
}

static void say_sid(struct why *why, const struct vpr_dossier *d)
{
    SAY(why, "\nsession %" PRIu64 ", chain %s, zone %s, requestor %s\n  sid %s\n", d->session,
        d->chain, d->zone, d->requestor, d->sid);
}

/* Stakes and commission are those of the paying block. */
static void say_delegators(struct why *why, uint64_t owner, uint64_t delegators, uint64_t part,
                           const struct vpr_sums_share *share)
{
    vpr_sums_say_share(&why->sums, part, delegators, share);
    hold(why, "owner and delegators", owner + delegators, part);
}

static void say_servicer(struct why *why, const struct vpr_dossier *d, size_t at)
{
    const struct vpr_dossier_servicer *s = &d->servicers[at];
    struct vpr_split split;

    SAY(why, "  block %" PRIu64 ": verdict %s\n", s->height, s->verdict);
    if (!entry_split(d, s, &split)) {
        SAY(why, "  pays nothing%s\n", strcmp(s->verdict, "unproved") == 0
                ? ": its tails or samples were not proved in the window" : "");
        return;
    }
    say_gross(why, d, s);
    say_score(why, d, at);
    SAY(why, "  servicer's part = floor(floor(%" PRIu64 " x %" PRIu32
        " / 10^6) x score %" PRIu64 " / 10^6) = %" PRIu64 " uvipr, owner %s\n", s->gross,
        d->split.servicer_ppm, s->score, split.servicer, s->owner);
    hold(why, "reward", split.servicer, s->reward);
    say_delegators(why, s->owner_reward, s->delegators, split.servicer, &s->share);
    why->total += why->owners ? s->owner_reward : split.servicer;
}

static void say_fisherman(struct why *why, const struct vpr_dossier *d, size_t f)
{
    struct vpr_dossier_factor factor = vpr_dossier_factor(d, f);

    for (size_t s = 0; s < d->servicer_count; s++) {
        say_score(why, d, s);
    }
    SAY(why, "  distance = floor(%" PRIu64 " / %" PRIu32 " servicers with a median), free up to "
        "%" PRIu64 ", nothing from %" PRIu64 " on: factor %" PRIu32 " ppm\n",
        factor.distance.sum, factor.distance.count, d->card_tolerance / 5, d->card_tolerance,
        factor.factor);
    for (size_t s = 0; s < d->servicer_count; s++) {
        struct vpr_split split;
        if (!entry_split(d, &d->servicers[s], &split)) {
            continue;
        }
        uint64_t pay = vpr_split_fisherman(&split, factor.factor);
        SAY(why, "  for %s: floor(floor(floor(%" PRIu64 " x %" PRIu32 " / 10^6) / %" PRIu64
            ") x %" PRIu32 " / 10^6) = %" PRIu64 " uvipr\n", d->servicers[s].id,
            d->servicers[s].gross, d->split.fishermen_ppm, d->fishermen_drawn, factor.factor,
            pay);
        hold(why, "the fisherman's reward", pay, d->paid[f][s]);
        why->total += pay;
    }
}

/* ---- whom it is about ---- */

static void about_servicer(struct why *why, const struct vpr_dossier *d)
{
    for (size_t s = 0; s < d->servicer_count; s++) {
        if (d->servicers[s].verified && strcmp(d->servicers[s].id, why->id) == 0) {
            say_sid(why, d);
            say_servicer(why, d, s);
        }
    }
}

static void about_fisherman(struct why *why, const struct vpr_dossier *d)
{
    for (size_t f = 0; f < d->fisherman_count; f++) {
        if (strcmp(d->fishermen[f].id, why->id) == 0) {
            say_sid(why, d);
            say_fisherman(why, d, f);
        }
    }
}

static void say_allowance(struct why *why, const struct vpr_dossier *d)
{
    uint64_t budget = 0, allowance = 0;

    if (!vpr_yield(&budget, d->stake, d->requestor_yield, d->blocks) ||
        !vpr_allowance(&allowance, d->usd, d->cu_per_usd, d->blocks, budget, d->cu_price_min)) {
        budget = allowance = UINT64_MAX;
    }
    SAY(why, "  budget = floor(stake %" PRIu64 " x yield %" PRIu64 " x %" PRIu64
        " blocks / 10^12) = %" PRIu64 " uvipr\n", d->stake, d->requestor_yield, d->blocks, budget);
    hold(why, "budget", budget, d->budget);
    SAY(why, "  allowance = floor(usd %" PRIu64 " x %" PRIu64 " x %" PRIu64 " blocks / 10^12)",
        d->usd, d->cu_per_usd, d->blocks);
    if (d->cu_price_min > 0) {
        SAY(why, ", at most floor(%" PRIu64 " x 1000 / %" PRIu64 ")", budget, d->cu_price_min);
    }
    SAY(why, " = %" PRIu64 " cu\n", allowance);
    hold(why, "allowance", allowance, d->allowance);
}

static void about_requestor(struct why *why, const struct vpr_dossier *d)
{
    uint64_t quota = d->servicers_drawn == 0 ? 0
                                             : vpr_quota(d->allowance, (uint32_t)d->share_ppm,
                                                         (uint32_t)d->servicers_drawn);
    say_sid(why, d);
    say_allowance(why, d);
    SAY(why, "  quota = floor(floor(allowance %" PRIu64 " x share %" PRIu64
        " / 10^6) / %" PRIu64 " servicers) = %" PRIu64 " cu each\n", d->allowance, d->share_ppm,
        d->servicers_drawn, quota);
    for (size_t s = 0; s < d->servicer_count; s++) {
        const struct vpr_dossier_servicer *of = &d->servicers[s];
        if (!of->verified) {
            continue;
        }
        hold(why, "quota", quota, of->quota_cu);
        SAY(why, "  %s %s: %" PRIu64 " cu, gross %" PRIu64 ", servicer %" PRIu64
            ", fishermen %" PRIu64 ", validator %" PRIu64 ", chain %" PRIu64 ", DAO %" PRIu64
            " = %" PRIu64 " uvipr\n", of->id, of->verdict, of->settled_cu, of->gross, of->reward,
            of->fishermen, of->validator, of->chain_part, of->dao, of->minted);
        hold(why, "minted",
             of->reward + of->fishermen + of->validator + of->chain_part + of->dao, of->minted);
        why->minted += of->minted;
    }
}

/* The two parts that need no card: both floor(gross x ppm / 10^6).  `delegators` have `share` of
 * it; an owner is paid the rest. */
static void say_part(struct why *why, const char *role, uint64_t gross, uint32_t ppm,
                     uint64_t said, uint64_t delegators, const struct vpr_sums_share *share)
{
    uint64_t part = vpr_mul_div_floor(gross, ppm, PPM);
    SAY(why, "  %s's part = floor(%" PRIu64 " x %" PRIu32 " / 10^6) = %" PRIu64 " uvipr\n", role,
        gross, ppm, part);
    hold(why, role, part, said);
    say_delegators(why, said - delegators, delegators, part, share);
    why->total += why->owners ? said - delegators : said;
}

static bool is_about(const struct why *why, uint64_t part, const char *to)
{
    return part > 0 && strcmp(to, why->id) == 0;
}

static void say_validator(struct why *why, const struct vpr_dossier *d,
                          const struct vpr_dossier_servicer *of)
{
    say_part(why, "validator", of->gross, d->split.validator_ppm, of->validator,
             of->validator_delegators, &of->validator_share);
}

static void about_validator(struct why *why, const struct vpr_dossier *d)
{
    say_sid(why, d);
    for (size_t s = 0; s < d->servicer_count; s++) {
        const struct vpr_dossier_servicer *of = &d->servicers[s];
        if (of->has_split && is_about(why, of->validator, of->validator_id)) {
            say_validator(why, d, of);
        }
    }
}

static void about_account(struct why *why, const struct vpr_dossier *d)
{
    static const struct vpr_sums_share nobody = {false, 0, 0, 0, 0};
    say_sid(why, d);
    for (size_t s = 0; s < d->servicer_count; s++) {
        const struct vpr_dossier_servicer *of = &d->servicers[s];
        if (of->verified && strcmp(of->owner, why->id) == 0) {
            say_servicer(why, d, s);
        }
        if (of->has_split && is_about(why, of->validator, of->validator_owner)) {
            say_validator(why, d, of);
        }
        if (of->has_split && is_about(why, of->chain_part, of->partner)) {
            say_part(why, "chain", of->gross, d->split.chain_ppm, of->chain_part, 0, &nobody);
        }
    }
    for (size_t f = 0; f < d->fisherman_count; f++) {
        if (d->fishermen[f].paid && strcmp(d->paid_to[f], why->id) == 0) {
            say_fisherman(why, d, f);
        }
    }
}

/* ---- what has no sid ---- */

static int yield_of_owner(struct why *why)
{
    int left = vpr_income_yield(&why->sums, why->node, "owner", why->id, why->session,
                                &why->total);
    return left != VPR_CLI_OK ? left
                              : vpr_income_withdrawals(&why->sums, why->node, why->id,
                                                       why->session, &why->total);
}

static int yield_of_validator(struct why *why)
{
    return vpr_income_yield(&why->sums, why->node, "actor", why->id, why->session,
                            &why->total);
}

static int running_scores(struct why *why)
{
    return vpr_cli_running(&why->sums, why->node, why->id, why->session);
}

/* By what events those are found whom it is about: of sids first, then those without one. */
static const struct subject {
    const char *kind;
    const char *keys[4];
    void (*about)(struct why *why, const struct vpr_dossier *d);
    const char *others[2];
    int (*besides)(struct why *why); /* of the session, but of no sid */
    bool penalties;
} subjects[] = {
    {"servicer", {"verify.servicer"}, about_servicer, {"score.servicer"}, running_scores, true},
    {"fisherman", {"fisherman_reward.fisherman"}, about_fisherman, {NULL}, NULL, true},
    {"requestor", {"verify_sid.requestor"}, about_requestor, {NULL}, NULL, false},
    {"account",
     {"verify.owner", "fisherman_reward.owner", "verify_split.validator_owner",
      "verify_split.partner"},
     about_account, {"yield_part.owner", "withdraw.delegator"}, yield_of_owner, false},
    {"validator", {"verify_split.validator_id"}, about_validator, {"yield_part.actor"},
     yield_of_validator, true},
};

/* ---- finding the sids ---- */

struct finding {
    struct why *why;
    const char *type, *key;
    bool any_session;
};

static void on_found(void *arg, const struct vpr_found *found)
{
    struct finding *f = arg;
    struct why *why = f->why;

    if (strcmp(found->type, f->type) != 0 || !vpr_found_is(found, f->key, why->id)) {
        return;
    }
    uint64_t session = vpr_found_u64(found, "session");
    if (f->any_session) {
        why->session = session > why->session || why->session == UINT64_MAX ? session
                                                                            : why->session;
        return;
    }
    for (size_t i = 0; i < why->sid_count; i++) {
        if (vpr_found_is(found, "sid", why->sids[i])) {
            return;
        }
    }
    if (session == why->session) {
        why->more = why->more || why->sid_count == VPR_DOSSIER_SIDS_MAX;
        if (!why->more) {
            why->sids[why->sid_count++] = vpr_found_text(why->cli, found, "sid");
        }
    }
}

/* "verify.servicer": of a session, or of the newest block that has one. */
static int find(struct why *why, const char *name, bool newest)
{
    const char *dot = strchr(name, '.');
    struct finding f = {why, vpr_arena_text(&why->cli->arena, "%.*s", (int)(dot - name), name),
                        dot + 1, newest};
    const char *query =
        newest ? vpr_arena_text(&why->cli->arena, "%s='%s'", name, why->id)
               : vpr_arena_text(&why->cli->arena, "%s='%s' AND %s.session=%" PRIu64, name,
                                why->id, f.type, why->session);
    return vpr_cli_search(why->cli, why->node, query, newest, on_found, &f);
}

static int find_keys(struct why *why, const char *const *keys, size_t count, bool newest)
{
    int left = VPR_CLI_OK;
    for (size_t i = 0; i < count && left == VPR_CLI_OK; i++) {
        if (keys[i]) {
            left = find(why, keys[i], newest);
        }
    }
    return left;
}

/* The newest that was settled for it; if none was, the newest in which anything came in. */
static int find_session(struct why *why, const struct subject *subject)
{
    int left = find_keys(why, subject->keys, VPR_COUNT(subject->keys), true);
    if (left == VPR_CLI_OK && why->session == UINT64_MAX) {
        left = find_keys(why, subject->others, VPR_COUNT(subject->others), true);
    }
    return left;
}

static void on_settled(void *arg, const struct vpr_found *found)
{
    struct why *why = arg;
    why->settled = why->settled || (strcmp(found->type, "session_settled") == 0 &&
                                    vpr_found_u64(found, "session") == why->session);
}

/* ---- the verb ---- */

static int say_sids(struct why *why, const struct subject *subject)
{
    int left = find_keys(why, subject->keys, VPR_COUNT(subject->keys), false);
    for (size_t i = 0; i < why->sid_count && left == VPR_CLI_OK; i++) {
        size_t mark = vpr_arena_mark(&why->cli->arena);
        struct vpr_dossier *d = VPR_ARENA_NEW(&why->cli->arena, struct vpr_dossier);
        left = vpr_cli_dossier(why->cli, why->node, why->sids[i], d);
        if (left == VPR_CLI_OK) {
            subject->about(why, d);
        }
        vpr_arena_release(&why->cli->arena, mark);
    }
    return left;
}

static int say_total(struct why *why, bool minted)
{
    const char *query = vpr_arena_text(&why->cli->arena,
                                       "session_settled.session=%" PRIu64, why->session);
    int left = vpr_cli_search(why->cli, why->node, query, true, on_settled, why);
    SAY(why, minted ? "\nsession %" PRIu64 ": %" PRIu64 " uvipr were minted for its traffic\n"
                    : "\nsession %" PRIu64 ": %" PRIu64 " uvipr in all\n",
        why->session, minted ? why->minted : why->total);
    if (!why->settled) {
        SAY(why, "so far: its entries are settled from session %" PRIu64 " on\n",
            why->session + 3);
    }
    return left;
}

static int say_work(struct why *why, const struct subject *subject)
{
    int left = say_sids(why, subject);
    if (left == VPR_CLI_OK && why->more) {
        return vpr_cli_fail(why->cli, VPR_CLI_REFUSED, "of more than %d sids",
                            VPR_DOSSIER_SIDS_MAX);
    }
    if (left == VPR_CLI_OK && subject->besides != NULL) {
        left = subject->besides(why);
    }
    return left != VPR_CLI_OK ? left : say_total(why, subject->about == about_requestor);
}

static int run_why(struct vpr_cli *cli)
{
    struct why *why = VPR_ARENA_NEW(&cli->arena, struct why);
    const struct subject *subject = NULL;
    struct vpr_cli_settings settings;
    int left;

    for (size_t i = 0; i < VPR_COUNT(subjects); i++) {
        subject = strcmp(subjects[i].kind, cli->args[0]) == 0 ? &subjects[i] : subject;
    }
    if (!subject) {
        return vpr_cli_fail(cli, VPR_CLI_USAGE, "\"%.40s\" is none of account, servicer, "
                            "fisherman, requestor, validator", cli->args[0]);
    }
    *why = (struct why){
        .cli = cli, .id = cli->args[1], .session = UINT64_MAX, .sums = {cli, 0}};
    if (!vpr_cli_number(cli, &why->session, "session", UINT64_MAX, 0, INT64_MAX)) {
        return VPR_CLI_USAGE;
    }
    if (!vpr_cli_search_settings(cli, why->id, &settings, &left)) {
        return left;
    }
    why->node = settings.node;
    why->owners = subject->about == about_account;
    left = VPR_CLI_OK;
    if (why->session == UINT64_MAX) {
        left = find_session(why, subject);
    }
    if (left == VPR_CLI_OK && why->session != UINT64_MAX) {
        left = say_work(why, subject);
    } else if (left == VPR_CLI_OK) {
        SAY(why, "nothing was settled for it yet\n");
    }
    if (left == VPR_CLI_OK && subject->penalties) {
        left = vpr_cli_penalties(&why->sums, why->node, why->id);
    }
    if (left == VPR_CLI_OK && why->sums.differing > 0) {
        left = vpr_cli_fail(cli, VPR_CLI_REFUSED, "%zu sums differ from the chain's",
                            why->sums.differing);
    }
    return left;
}

static const struct vpr_cli_flag flags[] = {
    VPR_CLI_NODE_FLAG,
    {"session", "S", "whose work (default: the newest that was settled for it)"},
    VPR_CLI_END,
};

static const struct vpr_cli_verb verbs[] = {
    {"query why", "KIND ID", 2, 2, "the sums behind a payout, a yield, a withdrawal, a\n"
     "score, a quota, a slash, a jail, a bench or a pause. "
     "KIND: account, servicer, fisherman, requestor, validator. Exit 1 if a sum differs.", flags,
     false, run_why},
    {"q why", "KIND ID", 2, 2, "the same as query why", flags, false, run_why},
};

const struct vpr_cli_family vpr_cli_why = {verbs, VPR_COUNT(verbs)};
