#include "relay/commit.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/log.h"
#include "relay/past.h"

#define ARENA_BYTES (32u * 1024 * 1024)

static void walk(struct past *past);

static const struct vpr_tip *tip_of(const struct past *past)
{
    return vpr_follow_tip(past->commits->config.follow);
}

static struct vpr_node *node_of(const struct past *past)
{
    return vpr_follow_node(past->commits->config.follow);
}

/* The first reason is the one that is told: what follows mostly follows from it. */
void past_lost(struct past *past, const char *fmt, ...)
{
    char text[VPR_COMMIT_WHY_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    vpr_log_warn("relay", "work may stay unpaid", "session=%" PRIu64 " why=%s", past->session,
                 text);
    if (past->why[0] == '\0') {
        memcpy(past->why, text, sizeof past->why);
    }
}

/* ---- ends ---- */

static void forget(struct past *past)
{
    struct vpr_commits *commits = past->commits;

    for (size_t i = 0; i < commits->count; i++) {
        if (commits->pasts[i] == past) {
            commits->count--;
            commits->pasts[i] = commits->pasts[commits->count];
            break;
        }
    }
    if (past->has_thread) {
        pthread_join(past->thread, NULL);
    }
    jobs_cancel(past);
    vpr_node_cancel(past->call);
    vpr_claims_destroy(past->claims);
    vpr_mem_free(past->entries);
    vpr_mem_free(past->picked);
    vpr_mem_free(past->ranges);
    past->commits = NULL;
    if (!past->has_thread) {
        vpr_mem_free(past); /* else on_loaded is on its way, and does it */
    }
}

static enum vpr_claim_result result_of(const struct past *past, const struct entry *entry)
{
    static const enum vpr_claim_result absent[] = {[WORTH_UNKNOWN] = VPR_CLAIM_UNCLAIMED,
                                                   [WORTH_IT] = VPR_CLAIM_UNCLAIMED,
                                                   [WORTH_TOO_SMALL] = VPR_CLAIM_SMALL,
                                                   [WORTH_A_LOSS] = VPR_CLAIM_AT_A_LOSS};

    if (entry->present) {
        return entry->tails_proved ? VPR_CLAIM_PROVED : VPR_CLAIM_UNPROVED;
    }
    return past->earned.unread && entry->worth == WORTH_UNKNOWN ? VPR_CLAIM_UNREAD
                                                                : absent[entry->worth];
}

static void finish(struct past *past)
{
    struct vpr_earned *e = &past->earned;
    char path[VPR_LEAVES_PATH_MAX];

    e->session = past->session;
    e->why = past->why;
    for (size_t i = 0; i < past->entry_count; i++) {
        e->committed += past->entries[i].present;
        e->proved += past->entries[i].present && past->entries[i].tails_proved;
    }
    /* Nothing is known to be lost, and not that all is paid either. */
    if (past->why[0] == '\0' && past->reviewed < past->entry_count) {
        e->unread = true;
        snprintf(past->why, sizeof past->why, "unread: it was settled before this relay looked, "
                 "its verify events tell what was paid");
    }
    for (size_t i = 0; i < past->entry_count; i++) {
        e->claims[result_of(past, &past->entries[i])]++;
    }
    vpr_log_info("relay", "session is settled",
                 "session=%" PRIu64 " relays=%" PRIu64 " cu=%" PRIu64 " entries=%" PRIu64
                 " committed=%" PRIu64 " proved=%" PRIu64 " settled_cu=%" PRIu64
                 " reward_uvipr=%" PRIu64 " lost=%s",
                 e->session, e->leaves, e->cu, e->entries, e->committed, e->proved,
                 e->settled_cu, e->reward_uvipr, e->why[0] == '\0' ? "no" : e->why);
    if (past->commits->config.earned != NULL) {
        past->commits->config.earned(past->commits->config.arg, e);
    }
    vpr_leaves_path(path, past->commits->config.dir, past->session);
    unlink(path);
    forget(past);
}

/* ---- LOADING ---- */

void past_make_entries(struct past *past)
{
    past->entry_count = past->claims->entry_count;
    past->entries = vpr_mem_alloc((past->entry_count + 1) * sizeof *past->entries);
    past->picked = vpr_mem_alloc((past->entry_count + 1) * sizeof *past->picked);
    past->ranges = vpr_mem_alloc((past->entry_count + 1) * sizeof *past->ranges);
    for (size_t i = 0; i < past->entry_count; i++) {
        past->entries[i].claim = &past->claims->entries[i];
        past->earned.cu += past->claims->entries[i].sum;
    }
    past->earned.leaves = past->claims->leaf_count;
    past->earned.entries = past->entry_count;
}

static void on_loaded(void *arg)
{
    struct past *past = arg;

    if (past->commits == NULL) {
        vpr_mem_free(past);
        return;
    }
    pthread_join(past->thread, NULL);
    past->has_thread = false;
    if (past->load_code != VPR_OK) {
        past_lost(past, "%s", past->load_err.text);
        past->phase = SETTLING;
    } else {
        if (past->claims->skipped > 0) {
            past_lost(past, "%" PRIu64 " records of its segment fit nowhere",
                      past->claims->skipped);
        }
        past_make_entries(past);
        past->phase = past->entry_count == 0 ? SETTLING : PRICING_CHAINS;
    }
    past_advance(past);
}

static void *load(void *arg)
{
    struct past *past = arg;
    char path[VPR_LEAVES_PATH_MAX];

    vpr_leaves_path(path, past->commits->config.dir, past->session);
    past->load_code = vpr_claims_load(&past->claims, path, &past->load_err);
    if (!vpr_loop_post(past->commits->config.loop, on_loaded, past)) {
        VPR_HALT("the loop takes no more posts");
    }
    return NULL;
}

/* ---- PRICING ---- */

static void on_chains(void *arg, const struct vpr_node_answer *answer)
{
    struct past *past = arg;

    past->call = NULL;
    if (!answer->ok) {
        return; /* again at the next height */
    }
    const Viper__V1__QueryChainsResponse *m =
        (const Viper__V1__QueryChainsResponse *)answer->message;
    for (size_t i = 0; i < past->entry_count; i++) {
        struct entry *entry = &past->entries[i];
        for (size_t j = 0; j < m->n_chains; j++) {
            if (m->chains[j]->id == entry->claim->sid->info.chain) {
                entry->chain_ppm = (uint32_t)m->chains[j]->multiplier_ppm;
            }
        }
        for (size_t j = 0; j < m->n_zones; j++) {
            if (m->zones[j]->id == entry->claim->sid->info.zone) {
                entry->zone_ppm = (uint32_t)m->zones[j]->multiplier_ppm;
            }
        }
    }
    past->phase = PRICING_SCORES;
    past_advance(past);
}

/* Of the session's terms: pools of chains they do not list have none. */
static void on_scores(void *arg, const struct vpr_node_answer *answer)
{
    struct past *past = arg;

    past->call = NULL;
    if (!answer->ok && answer->status != 404) {
        return;
    }
    const Viper__V1__QueryServicerResponse *m =
        (const Viper__V1__QueryServicerResponse *)answer->message;
    for (size_t i = 0; i < past->entry_count; i++) {
        struct entry *entry = &past->entries[i];
        const struct vpr_sid_info *info = &entry->claim->sid->info;
        entry->score_ppm = VPR_PPM;
        for (size_t j = 0; answer->ok && j < m->n_scores; j++) {
            if (m->scores[j]->chain == info->chain && m->scores[j]->zone == info->zone) {
                const uint64_t score = m->scores[j]->score_ppm;
                entry->score_ppm = (uint32_t)(score > VPR_PPM ? VPR_PPM : score);
            }
        }
    }
    past->cursor = 0;
    past->phase = PRICING;
    past_advance(past);
}

static void on_bench(void *arg, const struct vpr_node_answer *answer)
{
    struct past *past = arg;

    past->call = NULL;
    if (!answer->ok && answer->status != 404) {
        return;
    }
    struct entry *entry = &past->entries[past->cursor];
    if (answer->ok) {
        const Viper__V1__QueryBenchResponse *m =
            (const Viper__V1__QueryBenchResponse *)answer->message;
        entry->allowance = m->allowance_cu;
        entry->budget = m->budget_uvipr;
        entry->quota = m->quota_cu;
        past_price(past, entry);
    } else {
        past_lost(past, "the chain knows no such sid: %.80s", answer->error);
    }
    past->cursor++;
    walk(past);
}

/* ---- CHECKING ---- */

const Viper__V1__CommitInfo *past_info(const struct past *past,
                                       const struct vpr_node_answer *answer)
{
    if (!answer->ok) {
        return NULL;
    }
    const Viper__V1__QueryCommitsResponse *m =
        (const Viper__V1__QueryCommitsResponse *)answer->message;
    for (size_t i = 0; i < m->n_commits; i++) {
        if (strcmp(m->commits[i]->servicer, past->commits->servicer_text) == 0) {
            return m->commits[i];
        }
    }
    return NULL;
}

bool past_same(const struct entry *entry, const Viper__V1__CommitInfo *info)
{
    return info->sum == entry->claim->sum && info->count == entry->claim->count &&
           info->root.len == sizeof entry->claim->root.b &&
           memcmp(info->root.data, entry->claim->root.b, info->root.len) == 0;
}

struct vpr_node_call *past_ask_commits(struct past *past, size_t entry, vpr_node_fn *fn,
                                       void *arg)
{
    const struct vpr_hash *sid = &past->entries[entry].claim->sid->info.sid;
    char text[65];

    vpr_hex(text, sid->b, sizeof sid->b);
    return vpr_node_get(node_of(past), &viper__v1__query_commits_response__descriptor, fn, arg,
                        "/viper/v1/commits/%s", text);
}

static void on_check(void *arg, const struct vpr_node_answer *answer)
{
    struct past *past = arg;

    past->call = NULL;
    /* A sid that nobody committed is 404; anything else is the node's trouble. */
    if (!answer->ok && answer->status != 404) {
        return;
    }
    struct entry *entry = &past->entries[past->cursor];
    const Viper__V1__CommitInfo *info = past_info(past, answer);
    entry->present = info != NULL && past_same(entry, info);
    entry->tails_proved = info != NULL && info->tails_proved;
    if (info != NULL) {
        past->samples_bits = info->samples_proved;
    }
    past->cursor++;
    walk(past);
}

/* ---- REVIEWING ---- */

static void on_settlements(void *arg, const struct vpr_node_answer *answer)
{
    struct past *past = arg;

    past->call = NULL;
    if (answer->ok) {
        const Viper__V1__QuerySettlementsResponse *m =
            (const Viper__V1__QuerySettlementsResponse *)answer->message;
        for (size_t i = 0; i < m->n_entries; i++) {
            if (strcmp(m->entries[i]->servicer, past->commits->servicer_text) == 0) {
                past->reviewed++;
                past->earned.settled_cu += m->entries[i]->settled_cu;
                past->earned.reward_uvipr += m->entries[i]->reward_uvipr;
            }
        }
    }
    past->cursor++;
    walk(past);
}

/* ---- walks over the entries: one question after the other ---- */

static struct vpr_node_call *ask_entry(struct past *past)
{
    const struct vpr_hash *sid = &past->entries[past->cursor].claim->sid->info.sid;
    char text[65];

    vpr_hex(text, sid->b, sizeof sid->b);
    if (past->phase == PRICING) {
        return vpr_node_get(node_of(past), &viper__v1__query_bench_response__descriptor,
                            on_bench, past, "/viper/v1/sessions/%" PRIu64 "/%s", past->session,
                            text);
    }
    if (past->phase == REVIEWING) {
        return vpr_node_get(node_of(past), &viper__v1__query_settlements_response__descriptor,
                            on_settlements, past, "/viper/v1/settlements/%s", text);
    }
    return past_ask_commits(past, past->cursor, on_check, past);
}

static void walk_done(struct past *past)
{
    past->cursor = 0;
    switch (past->phase) {
    case PRICING:
        past->phase = CHECKING_COMMITS;
        break;
    case CHECKING_COMMITS:
        past->phase = COMMITTING;
        break;
    case CHECKING_PROOFS:
        past->phase = PROVING;
        break;
    case REVIEWING:
        past->phase = SETTLING;
        return;
    case LOADING:
    case PRICING_CHAINS:
    case PRICING_SCORES:
    case COMMITTING:
    case WAITING:
    case PROVING:
    case SETTLING:
        VPR_HALT("no walk in this phase");
    }
    past_advance(past);
}

static void walk(struct past *past)
{
    if (past->cursor < past->entry_count) {
        past->call = ask_entry(past);
    } else {
        walk_done(past);
    }
}

/* ---- COMMITTING ---- */

void commit_plan(struct past *past)
{
    past->picked_count = 0;
    past->range_count = 0;
    for (size_t i = 0; i < past->entry_count; i++) {
        if (past->entries[i].worth == WORTH_IT && !past->entries[i].present) {
            past->picked[past->picked_count] = i;
            past->picked_count++;
        }
    }
    for (size_t i = 0; i < past->picked_count; i += VPR_COMMIT_ENTRIES_MAX) {
        const size_t left = past->picked_count - i;
        past_add_range(past, (struct range){i, left < VPR_COMMIT_ENTRIES_MAX
                                                   ? left
                                                   : VPR_COMMIT_ENTRIES_MAX, false});
    }
}

static bool any_present(const struct past *past)
{
    for (size_t i = 0; i < past->entry_count; i++) {
        if (past->entries[i].present) {
            return true;
        }
    }
    return false;
}

/* The window of Commit is over, and nothing was sent. */
static void missed_commit(struct past *past)
{
    for (size_t i = 0; i < past->entry_count; i++) {
        if (past->entries[i].worth == WORTH_IT && !past->entries[i].present) {
            past_lost(past, "the window of Commit passed while this relay did not see it");
            return;
        }
    }
}

static void advance_committing(struct past *past)
{
    const uint64_t now = tip_of(past)->session;

    if (jobs_busy(past)) {
        return;
    }
    if (now <= past->session) {
        return; /* its own last blocks: the window opens with s+1 */
    }
    if (now == past->session + 1 && past->picked_count == 0) {
        commit_plan(past);
        if (past->range_count > 0) {
            jobs_run(past);
            return;
        }
    }
    if (now > past->session + 1 && past->picked_count == 0) {
        missed_commit(past);
    }
    past->phase = WAITING;
}

/* ---- WAITING ---- */

static void on_session(void *arg, const struct vpr_node_answer *answer)
{
    struct past *past = arg;

    past->call = NULL;
    if (!answer->ok) {
        return;
    }
    const Viper__V1__Session *session =
        ((const Viper__V1__QuerySessionResponse *)answer->message)->session;
    if (session == NULL || session->challenge.len != sizeof past->challenge.b) {
        return; /* not drawn yet */
    }
    memcpy(past->challenge.b, session->challenge.data, sizeof past->challenge.b);
    past->has_challenge = true;
    past->cursor = 0;
    past->phase = CHECKING_PROOFS;
    past_advance(past);
}

static void advance_waiting(struct past *past)
{
    const uint64_t now = tip_of(past)->session;

    if (now > past->session + 2) {
        if (any_present(past)) {
            past_lost(past, "the window of Prove passed while this relay did not see it");
        }
        past->phase = SETTLING;
        return;
    }
    if (now == past->session + 2) {
        past->call = vpr_node_get(node_of(past), &viper__v1__query_session_response__descriptor,
                                  on_session, past, "/viper/v1/sessions/%" PRIu64,
                                  past->session);
    }
}

/* ---- PROVING ---- */

static void advance_proving(struct past *past)
{
    if (jobs_busy(past)) {
        return;
    }
    if (!any_present(past)) {
        past->phase = SETTLING;
        return;
    }
    if (past->has_challenge && tip_of(past)->session == past->session + 2) {
        if (vpr_follow_session(past->commits->config.follow, past->session) == NULL) {
            return; /* its parameters are on their way */
        }
        past->has_challenge = false; /* planned once; a restart plans anew from the state */
        prove_plan(past);
        if (past->range_count > 0) {
            jobs_run(past);
            return;
        }
    }
    past->cursor = 0;
    past->phase = REVIEWING;
}

static void advance_reviewing(struct past *past)
{
    const struct vpr_tip *tip = tip_of(past);

    /* Verify begins in the block after: then the entries go. */
    if (tip->session > past->session + 2 || tip->height >= tip->last) {
        walk(past);
    }
}

void past_advance(struct past *past)
{
    if (past->call != NULL || tip_of(past) == NULL) {
        return;
    }
    switch (past->phase) {
    case LOADING:
        return;
    case PRICING_CHAINS:
        if (tip_of(past)->session > past->session + 2) {
            /* Too late for any message: only look what is there. */
            past->phase = CHECKING_COMMITS;
            walk(past);
            return;
        }
        if (vpr_follow_session(past->commits->config.follow, past->session) == NULL) {
            return; /* its parameters are on their way */
        }
        past->call = vpr_node_get(node_of(past), &viper__v1__query_chains_response__descriptor,
                                  on_chains, past, "/viper/v1/chains?session=%" PRIu64,
                                  past->session);
        return;
    case PRICING_SCORES:
        past->call = vpr_node_get(node_of(past), &viper__v1__query_servicer_response__descriptor,
                                  on_scores, past, "/viper/v1/servicers/%s?session=%" PRIu64,
                                  past->commits->servicer_text, past->session);
        return;
    case PRICING:
    case CHECKING_COMMITS:
    case CHECKING_PROOFS:
        walk(past);
        return;
    case COMMITTING:
        advance_committing(past);
        return;
    case WAITING:
        advance_waiting(past);
        return;
    case PROVING:
        advance_proving(past);
        return;
    case REVIEWING:
        advance_reviewing(past);
        return;
    case SETTLING:
        return;
    }
}

/* ---- all of them ---- */

static bool is_over(const struct past *past, const struct vpr_tip *tip)
{
    if (past->phase == LOADING) {
        return false;
    }
    /* What could not be read may still be on the chain: then the file stays to the end. */
    return tip->oldest_unsettled > past->session ||
           (past->phase == SETTLING && past->load_code == VPR_OK && !any_present(past) &&
            tip->session > past->session + 1);
}

void vpr_commits_height(struct vpr_commits *commits)
{
    const struct vpr_tip *tip = vpr_follow_tip(commits->config.follow);

    for (size_t i = commits->count; tip != NULL && i > 0; i--) {
        struct past *past = commits->pasts[i - 1];
        if (is_over(past, tip)) {
            finish(past);
        } else {
            past_advance(past);
        }
    }
}

struct vpr_commits *vpr_commits_create(const struct vpr_commits_config *config)
{
    struct vpr_commits *commits = vpr_mem_alloc(sizeof *commits);
    const struct vpr_address operator_address = vpr_submitter_account(config->submitter);

    commits->config = *config;
    vpr_address_text(commits->servicer_text, VPR_PREFIX_ACCOUNT, &config->servicer);
    vpr_address_text(commits->operator_text, VPR_PREFIX_ACCOUNT, &operator_address);
    vpr_arena_init(&commits->arena, ARENA_BYTES);
    return commits;
}

void vpr_commits_destroy(struct vpr_commits *commits)
{
    if (commits == NULL) {
        return;
    }
    while (commits->count > 0) {
        forget(commits->pasts[commits->count - 1]);
    }
    vpr_arena_finish(&commits->arena);
    vpr_mem_free(commits);
}

bool vpr_commits_has(const struct vpr_commits *commits, uint64_t session)
{
    for (size_t i = 0; i < commits->count; i++) {
        if (commits->pasts[i]->session == session) {
            return true;
        }
    }
    return false;
}

size_t vpr_commits_count(const struct vpr_commits *commits)
{
    return commits->count;
}

bool vpr_commits_add(struct vpr_commits *commits, uint64_t session)
{
    if (vpr_commits_has(commits, session)) {
        return true;
    }
    if (commits->count == VPR_COMMITS_SESSIONS_MAX) {
        return false;
    }
    struct past *past = vpr_mem_alloc(sizeof *past);
    past->commits = commits;
    past->session = session;
    commits->pasts[commits->count] = past;
    commits->count++;
    if (pthread_create(&past->thread, NULL, load, past) != 0) {
        VPR_HALT("cannot start a thread");
    }
    past->has_thread = true;
    return true;
}
