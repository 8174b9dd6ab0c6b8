#include "app/cli/dossier.h"

#include "app/cli/ask.h"
#include "app/host/json_scan.h"
#include "app/rules/ids.h"

/* ---- one sid ---- */

struct reading {
    struct vpr_cli *cli;
    struct vpr_dossier *d;
};

static bool of_sid(struct reading *r, const struct vpr_found *found)
{
    return vpr_found_is(found, "sid", r->d->sid);
}

static size_t servicer_at(struct reading *r, const char *id)
{
    struct vpr_dossier *d = r->d;
    size_t i = 0;
    while (i < d->servicer_count && strcmp(d->servicers[i].id, id) != 0) {
        i++;
    }
    if (i == d->servicer_count && i < VPR_DOSSIER_SEATS_MAX) {
        d->servicers[d->servicer_count++] =
            (struct vpr_dossier_servicer){.id = id, .owner = "", .verdict = ""};
    }
    return i;
}

/* Of the event; NULL: more than any draw has. */
static struct vpr_dossier_servicer *servicer_of(struct reading *r, const struct vpr_found *f)
{
    size_t at = servicer_at(r, vpr_found_text(r->cli, f, "servicer"));
    return at < VPR_DOSSIER_SEATS_MAX ? &r->d->servicers[at] : NULL;
}

static size_t fisherman_at(struct reading *r, const char *id)
{
    struct vpr_dossier *d = r->d;
    size_t i = 0;
    while (i < d->fisherman_count && strcmp(d->fishermen[i].id, id) != 0) {
        i++;
    }
    if (i == d->fisherman_count && i < VPR_DOSSIER_SEATS_MAX) {
        d->fishermen[d->fisherman_count++] = (struct vpr_dossier_fisherman){.id = id};
    }
    return i;
}

static void read_sid(struct reading *r, const struct vpr_found *f)
{
    struct vpr_dossier *d = r->d;
    d->session = vpr_found_u64(f, "session");
    d->requestor = vpr_found_text(r->cli, f, "requestor");
    d->chain = vpr_found_text(r->cli, f, "chain");
    d->zone = vpr_found_text(r->cli, f, "zone");
    d->allowance = vpr_found_u64(f, "allowance");
    d->budget = vpr_found_u64(f, "budget");
    d->share_ppm = vpr_found_u64(f, "share_ppm");
    d->servicers_drawn = vpr_found_u64(f, "servicers");
    d->chain_multiplier = vpr_found_u64(f, "chain_multiplier");
    d->zone_multiplier = vpr_found_u64(f, "zone_multiplier");
    d->split.servicer_ppm = (uint32_t)vpr_found_u64(f, "split_servicer");
    d->split.fishermen_ppm = (uint32_t)vpr_found_u64(f, "split_fishermen");
    d->split.validator_ppm = (uint32_t)vpr_found_u64(f, "split_validator");
    d->split.chain_ppm = (uint32_t)vpr_found_u64(f, "split_chain");
    d->split.dao_ppm = (uint32_t)vpr_found_u64(f, "split_dao");
}

static void read_rule(struct reading *r, const struct vpr_found *f)
{
    struct vpr_dossier *d = r->d;
    d->fishermen_drawn = vpr_found_u64(f, "fishermen");
    d->rule.latency_target_ms = vpr_found_u64(f, "latency_target_ms");
    d->rule.latency_max_ms = vpr_found_u64(f, "latency_max_ms");
    d->rule.weight_latency_ppm = (uint32_t)vpr_found_u64(f, "weight_latency");
    d->rule.min_samples = vpr_found_u64(f, "min_samples");
    d->card_tolerance = vpr_found_u64(f, "card_tolerance");
    d->blocks = vpr_found_u64(f, "blocks");
    d->stake = vpr_found_u64(f, "stake");
    d->usd = vpr_found_u64(f, "usd");
    d->requestor_yield = vpr_found_u64(f, "requestor_yield");
    d->cu_per_usd = vpr_found_u64(f, "cu_per_usd");
    d->cu_price_min = vpr_found_u64(f, "cu_price_min");
}

static void read_verify(struct reading *r, const struct vpr_found *f)
{
    struct vpr_dossier_servicer *s = servicer_of(r, f);
    if (s == NULL) {
        return;
    }
    s->verified = true;
    s->height = f->height;
    s->owner = vpr_found_text(r->cli, f, "owner");
    s->verdict = vpr_found_text(r->cli, f, "verdict");
    s->sum = vpr_found_u64(f, "sum");
    s->settled_cu = vpr_found_u64(f, "settled_cu");
    s->quota_cu = vpr_found_u64(f, "quota");
    s->score = vpr_found_u64(f, "score_ppm");
    s->gross = vpr_found_u64(f, "gross");
    s->reward = vpr_found_u64(f, "reward");
    s->minted = vpr_found_u64(f, "minted");
}

static void read_split(struct reading *r, const struct vpr_found *f)
{
    struct vpr_dossier_servicer *s = servicer_of(r, f);
    if (s == NULL) {
        return;
    }
    s->has_split = true;
    s->fishermen = vpr_found_u64(f, "fishermen");
    s->owner_reward = vpr_found_u64(f, "owner_reward");
    s->delegators = vpr_found_u64(f, "delegators");
    s->validator = vpr_found_u64(f, "validator");
    s->validator_owner_reward = vpr_found_u64(f, "validator_owner_reward");
    s->validator_delegators = vpr_found_u64(f, "validator_delegators");
    s->validator_id = vpr_found_text(r->cli, f, "validator_id");
    s->validator_owner = vpr_found_text(r->cli, f, "validator_owner");
    s->chain_part = vpr_found_u64(f, "chain_part");
    s->partner = vpr_found_text(r->cli, f, "partner");
    s->dao = vpr_found_u64(f, "dao");
}

static void read_share(struct reading *r, const struct vpr_found *f)
{
    struct vpr_dossier_servicer *s = servicer_of(r, f);
    if (s != NULL) {
        bool own = vpr_found_is(f, "actor", s->id);
        *(own ? &s->share : &s->validator_share) = vpr_sums_share_of(f);
    }
}

static void read_reward(struct reading *r, const struct vpr_found *f)
{
    size_t s = servicer_at(r, vpr_found_text(r->cli, f, "servicer"));
    size_t who = fisherman_at(r, vpr_found_text(r->cli, f, "fisherman"));
    if (s == VPR_DOSSIER_SEATS_MAX || who == VPR_DOSSIER_SEATS_MAX) {
        return;
    }
    r->d->fishermen[who].paid = true;
    r->d->fishermen[who].factor = vpr_found_u64(f, "factor");
    r->d->paid[who][s] = vpr_found_u64(f, "reward");
    r->d->paid_to[who] = vpr_found_text(r->cli, f, "owner");
}

static void read_prove(struct reading *r, const struct vpr_found *f)
{
    struct vpr_dossier_servicer *s = servicer_of(r, f);
    if (s != NULL) {
        s->tails_cu = vpr_found_u64(f, "tails_cu");
    }
}

static void read_line(struct reading *r, size_t fisherman, struct vpr_bytes from)
{
    struct vpr_card_line line = {.sent = 0};
    size_t at = servicer_at(r, vpr_cli_member(r->cli, from, "/servicer"));
    if (at == VPR_DOSSIER_SEATS_MAX || !vpr_cli_member_u64(&line.sent, from, "/sent") ||
        !vpr_cli_member_u64(&line.refused, from, "/refused") ||
        !vpr_cli_member_u64(&line.answered, from, "/answered") ||
        !vpr_cli_member_u64(&line.checked, from, "/checked") ||
        !vpr_cli_member_u64(&line.correct, from, "/correct") ||
        !vpr_cli_member_u64(&line.p90_ms, from, "/p90_ms") || !vpr_card_line_ok(&line)) {
        return; /* no node of ours wrote this */
    }
    r->d->lines[fisherman][at] = (struct vpr_dossier_line){true, line};
}

static bool is_sid(struct reading *r, struct vpr_bytes card)
{
    const char *base64 = vpr_cli_member(r->cli, card, "/sid");
    uint8_t sid[64];
    char hex[2 * sizeof sid + 1];
    size_t len;
    if (strlen(base64) > 44 || !vpr_unbase64(sid, &len, vpr_bytes_str(base64))) {
        return false;
    }
    vpr_hex(hex, sid, len);
    return strcmp(hex, r->d->sid) == 0;
}

/* The event says who and where; the card itself is in the transaction's message. */
static void read_card(struct reading *r, const struct vpr_found *f)
{
    size_t who = fisherman_at(r, vpr_found_text(r->cli, f, "fisherman"));
    struct vpr_bytes messages, message, cards, card, lines, line, unused;

    if (who == VPR_DOSSIER_SEATS_MAX || !vpr_json_at(&messages, f->tx, "/body/messages")) {
        return;
    }
    for (size_t m = 0; vpr_json_next(messages, &m, &unused, &message);) {
        if (!vpr_json_at(&cards, message, "/cards")) {
            continue;
        }
        for (size_t c = 0; vpr_json_next(cards, &c, &unused, &card);) {
            if (!is_sid(r, card) || !vpr_json_at(&lines, card, "/lines")) {
                continue;
            }
            for (size_t l = 0; vpr_json_next(lines, &l, &unused, &line);) {
                read_line(r, who, line);
            }
        }
    }
}

static const struct {
    const char *type;
    void (*read)(struct reading *r, const struct vpr_found *found);
} readers[] = {
    {"verify_sid", read_sid},     {"verify_rule", read_rule},
    {"verify", read_verify},      {"verify_split", read_split},
    {"verify_share", read_share}, {"fisherman_reward", read_reward},
    {"prove", read_prove},        {"reveal", read_card},
};

static void on_event(void *arg, const struct vpr_found *found)
{
    struct reading *r = arg;
    for (size_t i = 0; i < VPR_COUNT(readers); i++) {
        if (strcmp(found->type, readers[i].type) == 0 && of_sid(r, found)) {
            readers[i].read(r, found);
        }
    }
}

/* The formulas halt on what no chain can say. */
static bool can_be(const struct vpr_dossier *d)
{
    const struct vpr_split_rule *p = &d->split;
    bool can = (uint64_t)p->servicer_ppm + p->fishermen_ppm + p->validator_ppm + p->chain_ppm +
                       p->dao_ppm == VPR_PPM &&
               d->rule.latency_target_ms < d->rule.latency_max_ms &&
               d->rule.weight_latency_ppm <= VPR_PPM && d->chain_multiplier <= VPR_PPM &&
               d->zone_multiplier <= VPR_PPM && d->fishermen_drawn <= VPR_DOSSIER_SEATS_MAX &&
               d->servicers_drawn <= VPR_DOSSIER_SEATS_MAX &&
               d->share_ppm <= VPR_PPM && d->card_tolerance <= VPR_PPM;
    for (size_t i = 0; i < d->servicer_count; i++) {
        can = can && d->servicers[i].score <= VPR_PPM;
    }
    return can;
}

int vpr_cli_dossier(struct vpr_cli *cli, const char *node, const char *sid,
                    struct vpr_dossier *ret)
{
    static const char *const types[] = {"verify", "prove", "reveal"};
    struct reading r = {cli, ret};

    memset(ret, 0, sizeof *ret);
    ret->sid = sid;
    ret->requestor = ret->chain = ret->zone = "";
    for (size_t i = 0; i < VPR_COUNT(types); i++) {
        int left = vpr_cli_search(
            cli, node, vpr_arena_text(&cli->arena, "%s.sid='%s'", types[i], sid), false,
            on_event, &r);
        if (left != VPR_CLI_OK) {
            return left;
        }
    }
    if (ret->requestor[0] == '\0' || !can_be(ret)) {
        return vpr_cli_fail(cli, VPR_CLI_NOT_FOUND,
                            "no Verify of sid %s in the index of the node", sid);
    }
    return VPR_CLI_OK;
}

/* ---- the formulas ---- */

bool vpr_dossier_full_use(const struct vpr_dossier_servicer *s)
{
    /* An error settles nothing, but what was proved had been used. */
    uint64_t cu = strcmp(s->verdict, "error") == 0
                      ? vpr_settled_cu(s->sum, s->tails_cu, s->quota_cu)
                      : s->settled_cu;
    return s->verified && vpr_full_use(cu, s->quota_cu);
}

void vpr_dossier_score(const struct vpr_dossier *d, size_t servicer,
                       struct vpr_dossier_score *ret)
{
    const struct vpr_dossier_servicer *s = &d->servicers[servicer];
    uint32_t list[VPR_DOSSIER_SEATS_MAX];
    bool full_use = vpr_dossier_full_use(s);

    memset(ret, 0, sizeof *ret);
    for (size_t f = 0; f < d->fisherman_count; f++) {
        const struct vpr_dossier_line *line = &d->lines[f][servicer];
        ret->counts[f] =
            line->there && vpr_line_score(&ret->ppm[f], &line->line, &d->rule, full_use);
        if (ret->counts[f]) {
            list[ret->counting++] = ret->ppm[f];
        }
    }
    ret->quorum = vpr_median_quorum((uint32_t)d->fishermen_drawn);
    ret->has_median = vpr_median_score(&ret->median, list, ret->counting,
                                       (uint32_t)d->fishermen_drawn);
}

struct vpr_dossier_factor vpr_dossier_factor(const struct vpr_dossier *d, size_t fisherman)
{
    struct vpr_dossier_factor factor = {{0, 0}, 0};

    for (size_t s = 0; s < d->servicer_count; s++) {
        struct vpr_dossier_score score;
        vpr_dossier_score(d, s, &score);
        if (score.has_median) {
            vpr_card_distance_add(&factor.distance, score.median,
                                  score.counts[fisherman] ? score.ppm[fisherman] : 0);
        }
    }
    factor.factor = vpr_card_factor(&factor.distance, (uint32_t)d->card_tolerance);
    return factor;
}
