/* jobs.c - the messages of a past session on their way into the state. */
#include "app/host/log.h"
#include "relay/past.h"

bool jobs_busy(const struct past *past)
{
    for (size_t i = 0; i < PAST_JOBS_MAX; i++) {
        if (past->jobs[i].submit != NULL) {
            return true;
        }
    }
    return past->range_count > 0;
}

void jobs_cancel(struct past *past)
{
    for (size_t i = 0; i < PAST_JOBS_MAX; i++) {
        struct past_job *job = &past->jobs[i];
        vpr_node_cancel(job->call);
        vpr_submit_cancel(job->submit);
        job->call = NULL;
        job->submit = NULL;
    }
    past->range_count = 0;
}

void past_add_range(struct past *past, struct range range)
{
    VPR_ASSERT(past->range_count <= past->entry_count);
    past->ranges[past->range_count] = range;
    past->range_count++;
}

static struct entry *entry_of(const struct past_job *job, size_t i)
{
    return &job->past->entries[job->past->picked[job->range.first + i]];
}

/* ---- asking the state ---- */

static void ask_next(struct past_job *job);

static void seen(struct past_job *job, bool is_seen)
{
    vpr_submit_seen(job->submit, is_seen); /* may end the job */
}

static void note_proofs(struct past_job *job, const Viper__V1__CommitInfo *info)
{
    const uint64_t wanted = past_samples_wanted(job->past);
    const uint64_t all = (UINT64_C(1) << wanted) - 1;

    job->past->samples_bits = info->samples_proved;
    job->samples_seen = (info->samples_proved & all) == all;
}

static void on_commits(void *arg, const struct vpr_node_answer *answer)
{
    struct past_job *job = arg;
    const Viper__V1__CommitInfo *info = past_info(job->past, answer);

    job->call = NULL;
    if (info == NULL) {
        seen(job, false);
        return;
    }
    if (job->prove) {
        note_proofs(job, info);
    }
    if (job->range.count > 0) {
        struct entry *entry = entry_of(job, job->cursor);
        if (job->prove ? !info->tails_proved : !past_same(entry, info)) {
            seen(job, false);
            return;
        }
        entry->present = true;
        entry->tails_proved = info->tails_proved;
    }
    job->cursor++;
    ask_next(job);
}

static size_t any_present(const struct past *past)
{
    for (size_t i = 0; i < past->entry_count; i++) {
        if (past->entries[i].present) {
            return i;
        }
    }
    return 0;
}

static void ask_next(struct past_job *job)
{
    const size_t count = job->range.count > 0 ? job->range.count : 1;

    if (job->cursor >= count) {
        seen(job, !job->range.samples || job->samples_seen);
        return;
    }
    /* Samples alone: any entry of ours tells which are proved. */
    const size_t at = job->range.count > 0 ? job->past->picked[job->range.first + job->cursor]
                                           : any_present(job->past);
    job->call = past_ask_commits(job->past, at, on_commits, job);
    if (job->call == NULL) {
        seen(job, false);
    }
}

static void ask(void *arg, struct vpr_submit_job *submit)
{
    struct past_job *job = arg;

    job->submit = submit;
    job->cursor = 0;
    job->samples_seen = false;
    ask_next(job);
}

/* ---- ends ---- */

/* One bad entry refuses its message: look for it by halves. */
static bool split(struct past *past, const struct range *range)
{
    if (range->samples && range->count > 0) {
        past_add_range(past, (struct range){range->first, range->count, false});
        past_add_range(past, (struct range){0, 0, true});
        return true;
    }
    if (range->count < 2) {
        return false;
    }
    const size_t half = range->count / 2;
    past_add_range(past, (struct range){range->first, half, false});
    past_add_range(past, (struct range){range->first + half, range->count - half, false});
    return true;
}

static void on_done(void *arg, const struct vpr_submit_result *result)
{
    struct past_job *job = arg;
    struct past *past = job->past;
    const struct range range = job->range;
    const char *what = job->prove ? "prove" : "commit";

    job->submit = NULL;
    if (result->outcome == VPR_SUBMIT_SEEN) {
        /* Mostly it shows in the state before its transaction is found. */
        const uint64_t height = result->height > 0
                                    ? result->height
                                    : vpr_follow_tip(past->commits->config.follow)->height;
        vpr_log_info("relay", "message is in the state",
                     "what=%s session=%" PRIu64 " entries=%zu samples=%d tx=%s height=%" PRIu64,
                     what, past->session, range.count, range.samples, result->hash,
                     height);
    } else if (result->outcome == VPR_SUBMIT_LATE || !split(past, &range)) {
        past_lost(past, "%s %s (code %" PRIu32 "): %.80s", what,
                  result->outcome == VPR_SUBMIT_LATE ? "came too late" : "was refused",
                  result->code, result->text);
    }
    jobs_run(past);
}

static bool start(struct past *past, struct past_job *job, const struct range *range)
{
    struct vpr_commits *commits = past->commits;
    const struct vpr_tip *tip = vpr_follow_tip(commits->config.follow);
    const size_t mark = vpr_arena_mark(&commits->arena);
    const bool prove = past->phase == PROVING;
    const ProtobufCMessage *message = NULL;

    if (tip->session != past->session + (prove ? 2 : 1)) {
        past_lost(past, "the window of %s has closed", prove ? "Prove" : "Commit");
    } else {
        message = prove ? prove_message(past, range) : commit_message(past, range);
    }
    if (message == NULL) {
        vpr_arena_release(&commits->arena, mark);
        return false;
    }
    *job = (struct past_job){.past = past, .range = *range, .prove = prove};
    const struct vpr_submit_spec spec = {.messages = &message, .count = 1,
                                         .last_height = tip->last,
                                         .ask = ask, .done = on_done, .arg = job};
    job->submit = vpr_submit_start(commits->config.submitter, &spec);
    vpr_arena_release(&commits->arena, mark);
    if (job->submit == NULL) {
        past_lost(past, "too many transactions are under way");
    }
    return job->submit != NULL;
}

void jobs_run(struct past *past)
{
    for (size_t i = 0; i < PAST_JOBS_MAX && past->range_count > 0; i++) {
        while (past->jobs[i].submit == NULL && past->range_count > 0) {
            past->range_count--;
            const struct range range = past->ranges[past->range_count];
            if (start(past, &past->jobs[i], &range)) {
                break;
            }
        }
    }
    if (!jobs_busy(past)) {
        past_advance(past);
    }
}

Viper__V1__CommitEntry *commit_entry(struct vpr_arena *arena,
                                     const struct vpr_claim_entry *claim)
{
    Viper__V1__CommitEntry *e = VPR_ARENA_NEW(arena, Viper__V1__CommitEntry);
    char text[VPR_ADDRESS_TEXT_MAX];

    viper__v1__commit_entry__init(e);
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &claim->sid->info.requestor);
    e->requestor = vpr_arena_text(arena, "%s", text);
    e->chain = claim->sid->info.chain;
    e->zone = claim->sid->info.zone;
    e->root.data = vpr_arena_copy(arena, claim->root.b, sizeof claim->root.b);
    e->root.len = sizeof claim->root.b;
    e->sum = claim->sum;
    e->count = claim->count;
    return e;
}

const ProtobufCMessage *commit_message(struct past *past, const struct range *range)
{
    struct vpr_arena *arena = &past->commits->arena;
    Viper__V1__MsgCommit *m = VPR_ARENA_NEW(arena, Viper__V1__MsgCommit);

    viper__v1__msg_commit__init(m);
    m->operator_ = past->commits->operator_text;
    m->session = past->session;
    m->n_entries = range->count;
    m->entries = VPR_ARENA_ARRAY(arena, Viper__V1__CommitEntry *, range->count);
    for (size_t i = 0; i < range->count; i++) {
        m->entries[i] =
            commit_entry(arena, past->entries[past->picked[range->first + i]].claim);
    }
    return &m->base;
}
