#include "app/domain/settlement.h"

#include "app/domain/accounts.h"
#include "app/domain/actors.h"
#include "app/domain/assessment.h"
#include "app/domain/chains.h"
#include "app/domain/commission.h"
#include "app/domain/evidence.h"
#include "app/domain/field.h"
#include "app/domain/rewards.h"
#include "app/domain/scores.h"
#include "app/domain/validators.h"
#include "app/rules/split.h"
#include "viper/v1/query.pb-c.h"

/* Verify of the work of s comes in the blocks of s + 3 and later. */
#define SESSIONS_LATER 3

/* Of an entry beside fishermen: servicer and validator, delegators of both, partner, DAO. */
#define PAYEES 6

/* ---- what is due ---- */

struct due_entry {
    const struct vpr_assessment *of;
    uint32_t seat; /* of the servicer */
    Viper__V1__Verdict verdict;
    /* All 0 unless paid. */
    uint64_t cu, score_ppm, gross;
    struct vpr_split split;
};

struct due {
    uint64_t limit; /* settle_per_block of the running session */
    size_t count;
    struct due_entry *entries;
};

/* The session in which block ctx->height lies, whether it is opened yet or not: the state
 * before the block and that after its opening give the same. */
static uint64_t running_session(struct vpr_ctx *ctx)
{
    struct vpr_session current = vpr_session_current(ctx);
    return ctx->height > current.last ? current.number + 1 : current.number;
}

static struct vpr_split_rule split_rule(const struct vpr_params *params)
{
    return (struct vpr_split_rule){
        .servicer_ppm = (uint32_t)params->v[VPR_P_split_servicer],
        .fishermen_ppm = (uint32_t)params->v[VPR_P_split_fishermen],
        .validator_ppm = (uint32_t)params->v[VPR_P_split_validator],
        .chain_ppm = (uint32_t)params->v[VPR_P_split_chain],
        .dao_ppm = (uint32_t)params->v[VPR_P_split_dao],
    };
}

/* Everybody who would be paid has a record that says whom. */
static bool payees_exist(struct vpr_ctx *ctx, const struct vpr_assessment *a, uint32_t seat)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    bool exist = vpr_actor_get(ctx, &a->bench.servicers[seat].id) != NULL;

    for (uint32_t f = 0; f < a->bench.fisherman_count && exist; f++) {
        exist =
            !a->fishermen[f].revealed || vpr_actor_get(ctx, &a->bench.fishermen[f].id) != NULL;
    }
    vpr_arena_release(ctx->arena, mark);
    return exist;
}

static void price_entry(struct vpr_ctx *ctx, const struct vpr_params *params,
                        const struct vpr_assessment *a, uint32_t seat, struct due_entry *ret)
{
    const struct vpr_bench *bench = &a->bench;
    const struct vpr_assessed_servicer *s = &a->servicers[seat];
    uint64_t score = s->median_ppm, gross;

    *ret = (struct due_entry){.of = a, .seat = seat};
    if (!s->proved) {
        ret->verdict = VIPER__V1__VERDICT__VERDICT_UNPROVED;
        return;
    }
    if (!s->has_median) {
        size_t mark = vpr_arena_mark(ctx->arena);
        score = vpr_score_get(ctx, &bench->servicers[seat].id, bench->chain, bench->zone,
                              bench->session);
        vpr_arena_release(ctx->arena, mark);
    }
    struct vpr_ctx quiet = *ctx;
    quiet.err = NULL; /* an error is a verdict here */
    if (score > VPR_PPM || vpr_bench_gross(&quiet, bench, s->cu, NULL, &gross) != VPR_OK ||
        !payees_exist(ctx, a, seat)) {
        ret->verdict = VIPER__V1__VERDICT__VERDICT_ERROR;
        return;
    }
    struct vpr_split_rule rule = split_rule(params);
    ret->verdict = VIPER__V1__VERDICT__VERDICT_PAID;
    ret->cu = s->cu;
    ret->score_ppm = score;
    ret->gross = gross;
    vpr_split(&ret->split, &rule, gross, (uint32_t)score, bench->fisherman_count);
}

/* Sids in order, servicers of a sid in order. */
static void collect_session(struct vpr_ctx *ctx, uint64_t session, struct due *due)
{
    struct vpr_params params;
    struct vpr_hash sid;
    bool more = vpr_bench_next(ctx, session, NULL, &sid);

    if (!more) {
        return;
    }
    vpr_params_get(ctx, &params, session);
    for (; more && due->count < due->limit; more = vpr_bench_next(ctx, session, &sid, &sid)) {
        struct vpr_assessment *a = VPR_ARENA_NEW(ctx->arena, struct vpr_assessment);
        bool stored = vpr_assess(ctx, &params, session, &sid, a);
        VPR_ASSERT(stored && a->waiting >= 1);
        for (uint32_t i = 0; i < a->bench.servicer_count && due->count < due->limit; i++) {
            if (a->servicers[i].committed && !a->servicers[i].settled) {
                price_entry(ctx, &params, a, i, &due->entries[due->count++]);
            }
        }
    }
}

static void collect(struct vpr_ctx *ctx, struct due *ret)
{
    uint64_t running = running_session(ctx);
    struct due due = {vpr_param(ctx, VPR_P_settle_per_block, running), 0, NULL};

    due.entries = VPR_ARENA_ARRAY(ctx->arena, struct due_entry, due.limit);
    for (uint64_t s = vpr_session_oldest_unsettled(ctx);
         s + SESSIONS_LATER <= running && due.count < due.limit; s++) {
        collect_session(ctx, s, &due);
    }
    *ret = due;
}

static Viper__V1__VerifyEntry *verify_entry(struct vpr_arena *arena, const struct due_entry *e)
{
    const struct vpr_bench *bench = &e->of->bench;
    Viper__V1__VerifyEntry *entry = VPR_ARENA_NEW(arena, Viper__V1__VerifyEntry);

    viper__v1__verify_entry__init(entry);
    entry->session = bench->session;
    entry->sid = vpr_field_of_hash(arena, &bench->sid);
    entry->servicer = vpr_text_of_address(arena, &bench->servicers[e->seat].id);
    entry->verdict = e->verdict;
    entry->settled_cu = e->cu;
    entry->score_ppm = e->score_ppm;
    entry->reward_uvipr = e->split.servicer;
    return entry;
}

void vpr_settlement_due(struct vpr_ctx *ctx, Viper__V1__VerifyEntry ***ret_entries,
                        size_t *ret_count)
{
    struct due due;

    collect(ctx, &due);
    Viper__V1__VerifyEntry **list =
        VPR_ARENA_ARRAY(ctx->arena, Viper__V1__VerifyEntry *, due.count);
    for (size_t i = 0; i < due.count; i++) {
        list[i] = verify_entry(ctx->arena, &due.entries[i]);
    }
    *ret_entries = list;
    *ret_count = due.count;
}

/* ---- paying ---- */

/* A servicer or validator: its part goes to its owner and its delegators. */
struct staked {
    struct vpr_address id, owner;
    uint64_t stake, delegated;
    uint32_t commission_ppm;
    struct vpr_reward reward;
};

/* Who is paid for one entry, and what; what nobody is there for is the DAO's. */
struct payout {
    struct staked servicer, validator;
    uint64_t fishermen, chain, dao, minted;
    struct vpr_address partner;
    struct vpr_address fisherman_owner[VPR_SEATS_MAX];
    uint64_t fisherman[VPR_SEATS_MAX];
};

/* What is the same for all entries of a block. */
struct payer {
    struct vpr_rewards rewards;
    struct vpr_address dao;
    uint64_t most_ppm; /* max_commission of the running session */
    bool has_validator;
    struct vpr_address validator;
};

/* All zero if there is no record of it, which ends in the verdict error. */
static struct vpr_address owner_of(struct vpr_ctx *ctx, const struct vpr_address *id)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    struct vpr_address owner = {{0}};
    if (actor != NULL) {
        owner = vpr_address_of_field(actor->owner);
    }
    vpr_arena_release(ctx->arena, mark);
    return owner;
}

/* The validator whose block carries the Verify; gone: false. */
static bool find_validator(struct vpr_ctx *ctx, struct vpr_address *ret_id)
{
    struct vpr_address id;

    if (!vpr_validator_by_consensus(ctx, &ctx->proposer, &id)) {
        return false;
    }
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, &id);
    if (actor == NULL || actor->status == VIPER__V1__STATUS__STATUS_GONE) {
        return false;
    }
    *ret_id = id;
    return true;
}

/* Owner, stakes and commission are those of the paying block. */
static struct staked share_part(struct vpr_ctx *ctx, const struct payer *payer,
                                const struct vpr_address *id, uint64_t part)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    VPR_ASSERT(actor != NULL); /* else the verdict is error */
    struct staked s = {*id, vpr_address_of_field(actor->owner), actor->stake, actor->delegated,
                       vpr_commission_of(actor, payer->most_ppm),
                       vpr_reward_of(actor, payer->most_ppm, part)};
    vpr_arena_release(ctx->arena, mark);
    return s;
}

static uint64_t part_of(const struct staked *s)
{
    return s->reward.owner + s->reward.delegators;
}

static bool find_partner(struct vpr_ctx *ctx, uint16_t id, struct vpr_address *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    const Viper__V1__Chain *chain = vpr_chain_get(ctx, id);
    bool found = chain != NULL && chain->payout.len != 0;

    if (found) {
        *ret = vpr_address_of_field(chain->payout);
    }
    vpr_arena_release(ctx->arena, mark);
    return found;
}

static struct payout
plan(struct vpr_ctx *ctx, const struct payer *payer, const struct due_entry *e)
{
    const struct vpr_assessment *a = e->of;
    struct payout p = {.dao = e->split.dao};

    p.servicer =
        share_part(ctx, payer, &a->bench.servicers[e->seat].id, e->split.servicer);
    if (payer->has_validator) {
        p.validator = share_part(ctx, payer, &payer->validator, e->split.validator);
    } else {
        p.dao += e->split.validator;
    }
    if (find_partner(ctx, a->bench.chain, &p.partner)) {
        p.chain = e->split.chain;
    } else {
        p.dao += e->split.chain;
    }
    for (uint32_t f = 0; f < a->bench.fisherman_count; f++) {
        if (a->fishermen[f].revealed) {
            p.fisherman[f] = vpr_split_fisherman(&e->split, a->fishermen[f].factor_ppm);
            p.fisherman_owner[f] = owner_of(ctx, &a->bench.fishermen[f].id);
            p.fishermen += p.fisherman[f];
        }
    }
    /* Parts of one gross: no sum of them overflows. */
    p.minted =
        part_of(&p.servicer) + p.fishermen + part_of(&p.validator) + p.chain + p.dao;
    return p;
}

static void collect_part(struct vpr_rewards *rewards, const struct staked *s)
{
    vpr_rewards_add(rewards, &s->owner, vpr_coin(s->reward.owner));
    vpr_rewards_add_delegators(rewards, &s->id, vpr_coin(s->reward.delegators));
}

static void
collect_payout(struct payer *payer, const struct due_entry *e, const struct payout *p)
{
    struct vpr_rewards *r = &payer->rewards;

    collect_part(r, &p->servicer);
    for (uint32_t f = 0; f < e->of->bench.fisherman_count; f++) {
        vpr_rewards_add(r, &p->fisherman_owner[f], vpr_coin(p->fisherman[f]));
    }
    collect_part(r, &p->validator);
    vpr_rewards_add(r, &p->partner, vpr_coin(p->chain));
    vpr_rewards_add(r, &payer->dao, vpr_coin(p->dao));
}

/* ---- events ---- */

static const char *verdict_name(Viper__V1__Verdict verdict)
{
    switch (verdict) {
    case VIPER__V1__VERDICT__VERDICT_PAID:
        return "paid";
    case VIPER__V1__VERDICT__VERDICT_UNPROVED:
        return "unproved";
    case VIPER__V1__VERDICT__VERDICT_ERROR:
        return "error";
    case VIPER__V1__VERDICT__VERDICT_NONE:
    case _VIPER__V1__VERDICT_IS_INT_SIZE:
        break;
    }
    VPR_HALT("an entry without verdict");
}

static void sid_begins(struct vpr_ctx *ctx, const char *type, const struct vpr_bench *bench)
{
    vpr_event(ctx, type);
    vpr_event_u64(ctx, "session", bench->session);
    vpr_event_hex(ctx, "sid", bench->sid.b, sizeof bench->sid.b);
}

/* What all entries of a sid are priced and judged by: with it, the events and the revealed
 * cards anybody can do the sums again when the session's records are gone. */
static void sid_events(struct vpr_ctx *ctx, const struct vpr_assessment *a)
{
    const struct vpr_bench *bench = &a->bench;
    const Viper__V1__ChainTerms *chain = vpr_chain_terms(ctx, bench->chain, bench->session);
    const Viper__V1__ZoneTerms *zone = vpr_zone_terms(ctx, bench->zone, bench->session);
    const Viper__V1__Terms *requestor = vpr_terms_get(ctx, &bench->requestor, bench->session);
    struct vpr_session session;
    struct vpr_params p;

    if (chain == NULL || zone == NULL || requestor == NULL ||
        !vpr_session_get(ctx, bench->session, &session)) {
        return; /* its entries end in an error */
    }
    vpr_params_get(ctx, &p, bench->session);
    sid_begins(ctx, "verify_sid", bench);
    vpr_event_address(ctx, "requestor", &bench->requestor);
    vpr_event_text(ctx, "chain", vpr_id16(ctx->arena, bench->chain));
    vpr_event_text(ctx, "zone", vpr_id16(ctx->arena, bench->zone));
    vpr_event_u64(ctx, "allowance", bench->allowance_cu);
    vpr_event_u64(ctx, "budget", bench->budget);
    vpr_event_u64(ctx, "share_ppm", bench->share_ppm);
    vpr_event_u64(ctx, "servicers", bench->servicer_count);
    vpr_event_u64(ctx, "chain_multiplier", chain->multiplier_ppm);
    vpr_event_u64(ctx, "zone_multiplier", zone->multiplier_ppm);
    vpr_event_u64(ctx, "split_servicer", p.v[VPR_P_split_servicer]);
    vpr_event_u64(ctx, "split_fishermen", p.v[VPR_P_split_fishermen]);
    vpr_event_u64(ctx, "split_validator", p.v[VPR_P_split_validator]);
    vpr_event_u64(ctx, "split_chain", p.v[VPR_P_split_chain]);
    vpr_event_u64(ctx, "split_dao", p.v[VPR_P_split_dao]);

    sid_begins(ctx, "verify_rule", bench);
    vpr_event_u64(ctx, "fishermen", bench->fisherman_count);
    vpr_event_u64(ctx, "latency_target_ms", chain->latency_target_ms);
    vpr_event_u64(ctx, "latency_max_ms", chain->latency_max_ms);
    vpr_event_u64(ctx, "weight_latency", p.v[VPR_P_weight_latency]);
    vpr_event_u64(ctx, "min_samples", p.v[VPR_P_min_samples]);
    vpr_event_u64(ctx, "card_tolerance", p.v[VPR_P_card_tolerance]);
    vpr_event_u64(ctx, "blocks", vpr_session_blocks(&session));
    vpr_event_u64(ctx, "stake", requestor->stake);
    vpr_event_u64(ctx, "usd", requestor->usd);
    vpr_event_u64(ctx, "requestor_yield", p.v[VPR_P_requestor_yield]);
    vpr_event_u64(ctx, "cu_per_usd", p.v[VPR_P_cu_per_usd]);
    vpr_event_u64(ctx, "cu_price_min", p.v[VPR_P_cu_price_min]);
}

/* All of an event's 16 attributes; what is no servicer's stands in "verify_split". */
static void verify_event(struct vpr_ctx *ctx, const struct due_entry *e, const struct payout *p)
{
    const struct vpr_bench *bench = &e->of->bench;
    const struct vpr_assessed_servicer *s = &e->of->servicers[e->seat];
    char text[VPR_ID16_TEXT_MAX];

    vpr_event(ctx, "verify");
    vpr_event_u64(ctx, "session", bench->session);
    vpr_event_hex(ctx, "sid", bench->sid.b, sizeof bench->sid.b);
    vpr_id16_text(text, bench->chain);
    vpr_event_text(ctx, "chain", text);
    vpr_id16_text(text, bench->zone);
    vpr_event_text(ctx, "zone", text);
    vpr_event_address(ctx, "requestor", &bench->requestor);
    vpr_event_address(ctx, "servicer", &bench->servicers[e->seat].id);
    vpr_event_address(ctx, "owner", &p->servicer.owner);
    vpr_event_text(ctx, "verdict", verdict_name(e->verdict));
    vpr_event_u64(ctx, "settled_cu", e->cu);
    vpr_event_u64(ctx, "sum", s->sum);
    vpr_event_u64(ctx, "count", s->count);
    vpr_event_u64(ctx, "score_ppm", e->score_ppm);
    vpr_event_u64(ctx, "quota", bench->quota_cu);
    vpr_event_u64(ctx, "gross", e->gross);
    vpr_event_u64(ctx, "reward", part_of(&p->servicer));
    vpr_event_u64(ctx, "minted", p->minted);
}

/* How a part went to an owner and its delegators, if it has any. */
static void share_event(struct vpr_ctx *ctx, const struct due_entry *e, const struct staked *s)
{
    const struct vpr_bench *bench = &e->of->bench;
    if (s->delegated == 0 || part_of(s) == 0) {
        return;
    }
    sid_begins(ctx, "verify_share", bench);
    vpr_event_address(ctx, "servicer", &bench->servicers[e->seat].id);
    vpr_event_address(ctx, "actor", &s->id);
    vpr_event_u64(ctx, "part", part_of(s));
    vpr_event_u64(ctx, "stake_uvipr", s->stake);
    vpr_event_u64(ctx, "delegated_uvipr", s->delegated);
    vpr_event_u64(ctx, "commission_ppm", s->commission_ppm);
    vpr_event_u64(ctx, "delegators", s->reward.delegators);
}

static void split_events(struct vpr_ctx *ctx, const struct due_entry *e, const struct payout *p)
{
    const struct vpr_bench *bench = &e->of->bench;
    const struct vpr_address *servicer = &bench->servicers[e->seat].id;

    vpr_event(ctx, "verify_split");
    vpr_event_u64(ctx, "session", bench->session);
    vpr_event_hex(ctx, "sid", bench->sid.b, sizeof bench->sid.b);
    vpr_event_address(ctx, "servicer", servicer);
    vpr_event_address(ctx, "owner", &p->servicer.owner);
    vpr_event_u64(ctx, "owner_reward", p->servicer.reward.owner);
    vpr_event_u64(ctx, "delegators", p->servicer.reward.delegators);
    vpr_event_u64(ctx, "fishermen", p->fishermen);
    vpr_event_u64(ctx, "validator", part_of(&p->validator));
    if (part_of(&p->validator) > 0) {
        vpr_event_address(ctx, "validator_id", &p->validator.id);
        vpr_event_address(ctx, "validator_owner", &p->validator.owner);
        vpr_event_u64(ctx, "validator_owner_reward", p->validator.reward.owner);
        vpr_event_u64(ctx, "validator_delegators", p->validator.reward.delegators);
    }
    vpr_event_u64(ctx, "chain_part", p->chain);
    if (p->chain > 0) {
        vpr_event_address(ctx, "partner", &p->partner);
    }
    vpr_event_u64(ctx, "dao", p->dao);
    share_event(ctx, e, &p->servicer);
    share_event(ctx, e, &p->validator);
    for (uint32_t f = 0; f < bench->fisherman_count; f++) {
        if (!e->of->fishermen[f].revealed) {
            continue;
        }
        vpr_event(ctx, "fisherman_reward");
        vpr_event_u64(ctx, "session", bench->session);
        vpr_event_hex(ctx, "sid", bench->sid.b, sizeof bench->sid.b);
        vpr_event_address(ctx, "servicer", servicer);
        vpr_event_address(ctx, "fisherman", &bench->fishermen[f].id);
        vpr_event_address(ctx, "owner", &p->fisherman_owner[f]);
        vpr_event_u64(ctx, "factor", e->of->fishermen[f].factor_ppm);
        vpr_event_u64(ctx, "reward", p->fisherman[f]);
    }
}

/* ---- settling ---- */

static void settle_entry(struct vpr_ctx *ctx, struct payer *payer, struct due_entry *e)
{
    const struct vpr_address *servicer = &e->of->bench.servicers[e->seat].id;
    struct payout none = {.servicer = {.id = *servicer, .owner = owner_of(ctx, servicer)}};
    struct payout p = none;

    if (e->verdict == VIPER__V1__VERDICT__VERDICT_PAID) {
        p = plan(ctx, payer, e);
        if (!vpr_rewards_fit(&payer->rewards, vpr_coin(p.minted))) {
            /* The supply would reach 2^62: nothing of it is paid, and the block goes on. */
            *e = (struct due_entry){
                .of = e->of, .seat = e->seat, .verdict = VIPER__V1__VERDICT__VERDICT_ERROR};
            p = none;
        } else {
            collect_payout(payer, e, &p);
        }
    }
    verify_event(ctx, e, &p);
    if (e->verdict == VIPER__V1__VERDICT__VERDICT_PAID) {
        split_events(ctx, e, &p);
    }
}

/* The medians of a sid go into the score moves of its session, whether the servicer
 * committed or not. */
static void feed_scores(struct vpr_ctx *ctx, const struct vpr_assessment *a)
{
    const struct vpr_bench *bench = &a->bench;
    vpr_u128 weight = (vpr_u128)bench->budget * bench->share_ppm;

    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        if (a->servicers[i].has_median) {
            vpr_score_add(ctx, bench->session, &bench->servicers[i].id, bench->chain,
                          bench->zone, a->servicers[i].median_ppm, weight,
                          &bench->requestor_owner);
        }
    }
}

/* `count` entries of one sid are settled: the sid goes with its last, else they are marked. */
static void close_entries(struct vpr_ctx *ctx, const struct due_entry *entries, size_t count)
{
    const struct vpr_assessment *a = entries[0].of;
    const struct vpr_bench *bench = &a->bench;

    VPR_ASSERT(count <= a->waiting);
    if (count == a->waiting) {
        feed_scores(ctx, a);
        vpr_cards_delete(ctx, bench);
        vpr_bench_delete(ctx, bench);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const struct vpr_address *servicer = &bench->servicers[entries[i].seat].id;
        const Viper__V1__Commit *commit =
            vpr_commit_get(ctx, bench->session, &bench->sid, servicer);
        VPR_ASSERT(commit != NULL);
        Viper__V1__Commit done = *commit;
        done.settled = true;
        done.settled_cu = entries[i].cu;
        vpr_commit_put(ctx, bench->session, &bench->sid, servicer, &done);
    }
    vpr_bench_set_committed(ctx, bench->session, &bench->sid, a->waiting - (uint32_t)count);
}

static void settle_due(struct vpr_ctx *ctx, struct due *due)
{
    struct payer payer = {
        .dao = vpr_pool_address(VPR_POOL_DAO),
        .most_ppm = vpr_param(ctx, VPR_P_max_commission, running_session(ctx)),
    };
    size_t room = 0;

    for (size_t i = 0; i < due->count; i++) {
        room += PAYEES + due->entries[i].of->bench.fisherman_count;
    }
    payer.has_validator = find_validator(ctx, &payer.validator);
    vpr_rewards_start(ctx, &payer.rewards, room);
    for (size_t i = 0; i < due->count;) {
        size_t first = i;
        size_t mark = vpr_arena_mark(ctx->arena);
        sid_events(ctx, due->entries[first].of);
        for (; i < due->count && due->entries[i].of == due->entries[first].of; i++) {
            settle_entry(ctx, &payer, &due->entries[i]);
        }
        close_entries(ctx, &due->entries[first], i - first);
        vpr_ctx_release(ctx, mark);
    }
    vpr_rewards_pay(ctx, &payer.rewards);
}

/* Score moves follow the last entry of a session, oldest session first, within what the due
 * entries left of the limit; with the last move goes what else the session left behind. */
static void close_sessions(struct vpr_ctx *ctx, uint64_t limit, uint64_t settled)
{
    uint64_t running = running_session(ctx);
    uint64_t moves = limit - settled;
    uint64_t sweeps = limit; /* seals of sids that nobody committed */

    for (uint64_t s = vpr_session_oldest_unsettled(ctx); s + SESSIONS_LATER <= running; s++) {
        struct vpr_hash sid;
        bool done;
        size_t mark = vpr_arena_mark(ctx->arena);
        if (vpr_bench_next(ctx, s, NULL, &sid)) {
            return;
        }
        moves -= vpr_score_move(ctx, s, moves, &done);
        if (!done) {
            return;
        }
        sweeps -= vpr_cards_sweep(ctx, s, sweeps);
        if (sweeps == 0) {
            return; /* there may be more */
        }
        vpr_session_set_oldest_unsettled(ctx, s + 1);
        vpr_event(ctx, "session_settled");
        vpr_event_u64(ctx, "session", s);
        vpr_ctx_release(ctx, mark);
    }
}

void vpr_settlement_settle(struct vpr_ctx *ctx)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct due due;

    collect(ctx, &due);
    settle_due(ctx, &due);
    close_sessions(ctx, due.limit, due.count);
    vpr_ctx_release(ctx, mark);
}

/* ---- query ---- */

/* What the next block's Verify would say of this sid. */
static enum vpr_code answer_settlements(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    const Viper__V1__QuerySidRequest *asked = (const Viper__V1__QuerySidRequest *)request;
    struct vpr_ctx next = *ctx;
    struct vpr_hash sid;
    struct due due;

    VPR_TRY(vpr_evidence_sid(&sid, asked->sid, ctx->err));
    next.height = ctx->height + 1;
    collect(&next, &due);
    Viper__V1__QuerySettlementsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QuerySettlementsResponse);
    viper__v1__query_settlements_response__init(response);
    response->entries = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__VerifyEntry *, due.count);
    for (size_t i = 0; i < due.count; i++) {
        if (vpr_hash_equal(&due.entries[i].of->bench.sid, &sid)) {
            response->entries[response->n_entries++] =
                verify_entry(ctx->arena, &due.entries[i]);
        }
    }
    *ret_response = &response->base;
    return VPR_OK;
}

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Settlements", &viper__v1__query_sid_request__descriptor,
     &viper__v1__query_settlements_response__descriptor, answer_settlements},
};

const struct vpr_domain vpr_settlement = {
    .name = "settlement",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = NULL,
    .invariant_count = 0,
};
