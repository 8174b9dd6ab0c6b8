#include "fisherman/report.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/log.h"
#include "fisherman/inside.h"

#define ARENA_BYTES (32u * 1024 * 1024)
#define KEPT_SESSIONS 6 /* a book is deleted after so many, settled or not */

/* The most that a card packs to: sid, salt and root; lines of an address and six numbers; samples
 * with token and branch.  A sid has 2^13 samples at most, so no number in it needs more than 3
 * bytes. */
#define LINE_BYTES_MAX (3 + 2 + VPR_ADDRESS_TEXT_MAX + 6 * 4)
#define SIBLING_BYTES_MAX (2 + 34 + 4)
#define OPENED_BYTES_MAX (3 + 6 + 3 + VPR_SAMPLE_BYTES_MAX + 6 + 3 + VPR_TOKEN_BYTES + \
                          13 * SIBLING_BYTES_MAX)
#define CARD_BYTES_MAX (4 + 3 * 34 + VPR_CARD_LINES_MAX * LINE_BYTES_MAX + \
                        VPR_REVEAL_OPENED_MAX * OPENED_BYTES_MAX)
#define ENVELOPE_BYTES_MAX 4096

_Static_assert(VPR_CARD_SAMPLES_A_SID_MAX <= 1 << 13, "branches have 13 siblings at most");
_Static_assert(VPR_REVEAL_CARDS_MAX * CARD_BYTES_MAX + ENVELOPE_BYTES_MAX <= VPR_TX_BYTES_MAX,
               "every message of cards fits a transaction");
_Static_assert(VPR_BOOK_SIDS_MAX <= VPR_REPORT_SEALS_MAX,
               "every seal of a book fits the one report card that counts");

static void next_step(struct vpr_report *report);

/* ---- what both steps ask ---- */

const Viper__V1__CardInfo *report_card_of(const struct vpr_report *report,
                                          const struct vpr_node_answer *answer)
{
    const Viper__V1__QueryCardsResponse *m =
        (const Viper__V1__QueryCardsResponse *)answer->message;

    for (size_t i = 0; answer->ok && i < m->n_cards; i++) {
        if (strcmp(m->cards[i]->fisherman, report->fishing->fisherman_text) == 0) {
            return m->cards[i];
        }
    }
    return NULL;
}

static bool sealed_so(const struct vpr_report *report, uint32_t sid,
                      const Viper__V1__CardInfo *info)
{
    return info != NULL && info->seal.len == sizeof(struct vpr_hash) &&
           memcmp(info->seal.data, report->book->sids[sid]->seal.b, info->seal.len) == 0;
}

struct vpr_node_call *report_ask(struct vpr_report *report, const char *what, uint32_t sid,
                                 const ProtobufCMessageDescriptor *response, vpr_node_fn *fn)
{
    char text[VPR_SID_TEXT_MAX];

    vpr_hex(text, report->book->sids[sid]->terms.sid.b, sizeof(struct vpr_hash));
    return vpr_node_get(report->fishing->node, response, fn, report, "/viper/v1/%s/%s", what,
                        text);
}

static bool ask_cards(struct vpr_report *report, uint32_t sid, vpr_node_fn *fn)
{
    report->call = report_ask(report, "cards", sid,
                              &viper__v1__query_cards_response__descriptor, fn);
    return report->call != NULL;
}

/* The first sid with a seal; false if there is none. */
static bool first_sealed(const struct vpr_report *report, uint32_t *ret)
{
    for (uint32_t i = 0; i < report->book->sid_count; i++) {
        if (report->book->sids[i]->sealed) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* ---- ReportCard ---- */

static void on_report_seen(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    uint32_t sid;

    report->call = NULL;
    if (report->job != NULL && first_sealed(report, &sid)) {
        /* One message carries all seals: who sees one has seen them all. */
        vpr_submit_seen(report->job, sealed_so(report, sid, report_card_of(report, answer)));
    }
}

static void ask_report(void *arg, struct vpr_submit_job *job)
{
    struct vpr_report *report = arg;
    uint32_t sid;

    if (report->call != NULL) {
        return;
    }
    if (!first_sealed(report, &sid) || !ask_cards(report, sid, on_report_seen)) {
        vpr_submit_seen(job, false);
    }
}

static void count_step(struct vpr_report *report, enum vpr_card_step step, uint64_t cards)
{
    vpr_metric_add(report->fishing->metrics, VPR_ROW_CARDS, step, 0, cards);
}

static void on_report_done(void *arg, const struct vpr_submit_result *result)
{
    struct vpr_report *report = arg;

    vpr_node_cancel(report->call);
    report->call = NULL;
    report->job = NULL;
    if (result->outcome == VPR_SUBMIT_SEEN) {
        count_step(report, VPR_CARD_REPORTED, report->sealed);
        vpr_log_info("fisherman", "report card sent",
                     "session=%" PRIu64 " sids=%" PRIu32 " height=%" PRIu64 " tx=%s",
                     report->book->session, report->sealed, result->height, result->hash);
    } else {
        count_step(report, VPR_CARD_LOST, report->sealed);
        vpr_log_warn("fisherman", "report card lost",
                     "session=%" PRIu64 " code=%" PRIu32 " reason=%s", report->book->session,
                     result->code, result->text == NULL ? "" : result->text);
    }
    report->step = STEP_WAIT;
}

static Viper__V1__MsgReportCard *report_message(struct vpr_report *report)
{
    const struct vpr_book *book = report->book;
    Viper__V1__MsgReportCard *m = VPR_ARENA_NEW(&report->arena, Viper__V1__MsgReportCard);

    viper__v1__msg_report_card__init(m);
    m->operator_ = report->fishing->operator_text;
    m->session = book->session;
    m->entries = VPR_ARENA_ARRAY(&report->arena, Viper__V1__SealEntry *, book->sid_count + 1);
    for (uint32_t i = 0; i < book->sid_count; i++) {
        struct vpr_book_sid *sid = book->sids[i];
        if (!sid->sealed) {
            continue;
        }
        Viper__V1__SealEntry *e = VPR_ARENA_NEW(&report->arena, Viper__V1__SealEntry);
        char text[VPR_ADDRESS_TEXT_MAX];
        viper__v1__seal_entry__init(e);
        vpr_address_text(text, VPR_PREFIX_ACCOUNT, &sid->terms.requestor);
        e->requestor = vpr_arena_text(&report->arena, "%s", text);
        e->chain = sid->terms.chain;
        e->zone = sid->terms.zone;
        e->seal.data = sid->seal.b;
        e->seal.len = sizeof sid->seal.b;
        m->entries[m->n_entries++] = e;
    }
    return m;
}

static void start_report(struct vpr_report *report)
{
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);
    const size_t mark = vpr_arena_mark(&report->arena);
    const Viper__V1__MsgReportCard *m = report_message(report);
    const ProtobufCMessage *messages[] = {&m->base};
    const struct vpr_submit_spec spec = {.messages = messages, .count = 1,
                                         .last_height = tip->last,
                                         .ask = m->n_entries > 0 ? ask_report : NULL,
                                         .done = on_report_done, .arg = report};

    report->job = vpr_submit_start(report->fishing->submitter, &spec);
    vpr_arena_release(&report->arena, mark);
    report->step = report->job == NULL ? STEP_CHECK_REPORT : STEP_REPORT;
}

static void on_report_checked(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);
    uint32_t sid;

    report->call = NULL;
    if (!answer->ok && answer->status != 404) {
        return; /* again at the next height */
    }
    if (first_sealed(report, &sid) && sealed_so(report, sid, report_card_of(report, answer))) {
        report->step = STEP_WAIT;
    } else if (tip->session == report->book->session + 1) {
        start_report(report);
    }
}

static void check_report(struct vpr_report *report)
{
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);
    const struct vpr_followed *session =
        vpr_follow_session(report->fishing->follow, report->book->session);
    uint32_t sid;

    if (session == NULL) {
        return; /* it comes, or the session is too old */
    }
    if (!vpr_hash_equal(&session->seed, &report->book->seed)) {
        vpr_log_warn("fisherman", "book of another network", "session=%" PRIu64,
                     report->book->session);
        report->foreign = true;
        report->step = STEP_DONE;
        return;
    }
    if (tip->session > report->book->session + 1) {
        report->step = STEP_WAIT; /* a run before this one may have sent it */
    } else if (tip->session == report->book->session + 1) {
        if (first_sealed(report, &sid)) {
            (void)ask_cards(report, sid, on_report_checked);
        } else if (report->drawn) {
            start_report(report); /* "nothing seen" is a word, too: it was there */
        } else {
            report->step = STEP_DONE;
        }
    }
}

/* ---- the challenge, and which cards to reveal ---- */

static void on_challenge(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    const Viper__V1__QuerySessionResponse *m =
        (const Viper__V1__QuerySessionResponse *)answer->message;

    report->call = NULL;
    if (answer->ok && m->session != NULL &&
        m->session->challenge.len == sizeof report->challenge.b) {
        memcpy(report->challenge.b, m->session->challenge.data, sizeof report->challenge.b);
        report->cursor = 0;
        report->step = STEP_CHECK_CARDS;
        next_step(report);
    }
}

static void wait_challenge(struct vpr_report *report)
{
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);

    if (tip->session == report->book->session + 2) {
        report->call = vpr_node_get(report->fishing->node,
                                    &viper__v1__query_session_response__descriptor,
                                    on_challenge, report, "/viper/v1/sessions/%" PRIu64,
                                    report->book->session);
    }
}

static void on_card(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    const uint32_t sid = report->cursor;
    const Viper__V1__CardInfo *info = report_card_of(report, answer);

    report->call = NULL;
    if (!answer->ok && answer->status != 404) {
        return;
    }
    if (!sealed_so(report, sid, info)) {
        report->fates[sid].why = "not sealed on the chain";
    } else if (info->revealed) {
        report->fates[sid].revealed = true;
    } else {
        report->picked[report->pick_count++] = sid;
    }
    report->cursor++;
    next_step(report);
}

static void on_commits(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    const Viper__V1__QueryCommitsResponse *m =
        (const Viper__V1__QueryCommitsResponse *)answer->message;

    report->call = NULL;
    if (!answer->ok && answer->status != 404) {
        return;
    }
    if (answer->ok && m->n_commits > 0) {
        report->fates[report->cursor].committed = true;
        (void)ask_cards(report, report->cursor, on_card);
        return;
    }
    report->fates[report->cursor].why = "nobody committed";
    report->cursor++;
    next_step(report);
}

static void check_cards(struct vpr_report *report)
{
    const struct vpr_book *book = report->book;

    while (report->cursor < book->sid_count && !book->sids[report->cursor]->sealed) {
        report->fates[report->cursor].why = "no samples";
        report->cursor++;
    }
    if (report->cursor == book->sid_count) {
        report->range_first = 0;
        report->range_count =
            report->pick_count < VPR_REVEAL_CARDS_MAX ? report->pick_count : VPR_REVEAL_CARDS_MAX;
        report->step = STEP_REVEAL;
        next_step(report);
        return;
    }
    report->call = report_ask(report, "commits", report->cursor,
                              &viper__v1__query_commits_response__descriptor, on_commits);
}

/* ---- Reveal ---- */

static Viper__V1__OpenedSample *open_sample(struct vpr_report *report, uint32_t index,
                                            const struct vpr_sample *const *samples, uint64_t i)
{
    struct vpr_arena *arena = &report->arena;
    const struct vpr_book *book = report->book;
    const struct vpr_book_sid *sid = book->sids[index];
    Viper__V1__OpenedSample *o = VPR_ARENA_NEW(arena, Viper__V1__OpenedSample);
    uint8_t bytes[VPR_SAMPLE_BYTES_MAX], token[VPR_TOKEN_BYTES];
    struct vpr_sumbranch branch;
    size_t at;

    viper__v1__opened_sample__init(o);
    vpr_card_open(&at, &branch, samples, sid->sample_count, &report->challenge,
                  &sid->terms.sid, &book->fisherman, i);
    const struct vpr_book_sample *kept = book->samples[sid->samples[at]];
    o->position = (uint32_t)i;
    o->index = at;
    o->sample.len = vpr_sample_encode(bytes, &kept->sample);
    o->sample.data = vpr_arena_copy(arena, bytes, o->sample.len);
    vpr_token_encode(token, &kept->token);
    o->token = VPR_ARENA_NEW(arena, Viper__V1__SignedToken);
    viper__v1__signed_token__init(o->token);
    o->token->token.len = sizeof token;
    o->token->token.data = vpr_arena_copy(arena, token, sizeof token);
    o->token->gateway_key = kept->gateway_key;
    o->n_siblings = branch.depth;
    o->siblings = VPR_ARENA_ARRAY(arena, Viper__V1__Sibling *, branch.depth + 1);
    for (uint32_t d = 0; d < branch.depth; d++) {
        Viper__V1__Sibling *s = VPR_ARENA_NEW(arena, Viper__V1__Sibling);
        viper__v1__sibling__init(s);
        s->hash.len = sizeof branch.siblings[d].hash.b;
        s->hash.data = vpr_arena_copy(arena, branch.siblings[d].hash.b, s->hash.len);
        s->sum = branch.siblings[d].sum;
        o->siblings[d] = s;
    }
    return o;
}

static Viper__V1__RevealedCard *reveal_card(struct vpr_report *report, uint32_t index,
                                            uint64_t opened)
{
    struct vpr_arena *arena = &report->arena;
    struct vpr_book_sid *sid = report->book->sids[index];
    const struct vpr_sample **samples = vpr_book_samples(report->book, index);
    Viper__V1__RevealedCard *c = VPR_ARENA_NEW(arena, Viper__V1__RevealedCard);

    viper__v1__revealed_card__init(c);
    c->sid = (ProtobufCBinaryData){sizeof sid->terms.sid.b, sid->terms.sid.b};
    c->salt = (ProtobufCBinaryData){sizeof sid->salt.b, sid->salt.b};
    c->samples_root = (ProtobufCBinaryData){sizeof sid->card.root.b, sid->card.root.b};
    c->n_lines = sid->card.count;
    c->lines = VPR_ARENA_ARRAY(arena, Viper__V1__CardLine *, c->n_lines);
    for (uint32_t i = 0; i < sid->card.count; i++) {
        const struct vpr_card_line *from = &sid->card.lines[i];
        Viper__V1__CardLine *line = VPR_ARENA_NEW(arena, Viper__V1__CardLine);
        char text[VPR_ADDRESS_TEXT_MAX];
        viper__v1__card_line__init(line);
        vpr_address_text(text, VPR_PREFIX_ACCOUNT, &from->servicer);
        line->servicer = vpr_arena_text(arena, "%s", text);
        line->sent = from->sent;
        line->refused = from->refused;
        line->answered = from->answered;
        line->checked = from->checked;
        line->correct = from->correct;
        line->p90_ms = from->p90_ms;
        c->lines[i] = line;
    }
    c->n_opened = opened;
    c->opened = VPR_ARENA_ARRAY(arena, Viper__V1__OpenedSample *, opened + 1);
    for (uint64_t i = 0; i < opened; i++) {
        c->opened[i] = open_sample(report, index, samples, i);
    }
    vpr_mem_free(samples);
    return c;
}

static void on_reveal_seen(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;

    report->call = NULL;
    if (report->job != NULL) {
        const Viper__V1__CardInfo *info = report_card_of(report, answer);
        vpr_submit_seen(report->job, info != NULL && info->revealed);
    }
}

static void ask_reveal(void *arg, struct vpr_submit_job *job)
{
    struct vpr_report *report = arg;

    if (report->call != NULL) {
        return;
    }
    if (!ask_cards(report, report->picked[report->range_first], on_reveal_seen)) {
        vpr_submit_seen(job, false);
    }
}

static void end_range(struct vpr_report *report)
{
    const uint32_t left = report->pick_count - report->range_first - report->range_count;

    report->range_first += report->range_count;
    report->range_count = left < VPR_REVEAL_CARDS_MAX ? left : VPR_REVEAL_CARDS_MAX;
}

static void on_reveal_done(void *arg, const struct vpr_submit_result *result)
{
    struct vpr_report *report = arg;

    vpr_node_cancel(report->call);
    report->call = NULL;
    report->job = NULL;
    if (result->outcome == VPR_SUBMIT_REFUSED && report->range_count > 1) {
        report->range_count /= 2; /* one bad card refuses them all: find it */
        next_step(report);
        return;
    }
    for (uint32_t i = 0; i < report->range_count; i++) {
        struct fate *fate = &report->fates[report->picked[report->range_first + i]];
        fate->revealed = result->outcome == VPR_SUBMIT_SEEN;
        fate->why = fate->revealed ? NULL : "reveal refused";
    }
    if (result->outcome == VPR_SUBMIT_SEEN) {
        count_step(report, VPR_CARD_REVEALED, report->range_count);
        vpr_log_info("fisherman", "cards revealed",
                     "session=%" PRIu64 " cards=%" PRIu32 " height=%" PRIu64 " tx=%s",
                     report->book->session, report->range_count, result->height, result->hash);
    } else {
        count_step(report, VPR_CARD_LOST, report->range_count);
        vpr_log_warn("fisherman", "cards not revealed",
                     "session=%" PRIu64 " cards=%" PRIu32 " code=%" PRIu32 " reason=%s",
                     report->book->session, report->range_count, result->code,
                     result->text == NULL ? "" : result->text);
    }
    end_range(report);
    next_step(report);
}

static void reveal(struct vpr_report *report)
{
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);
    const struct vpr_followed *session =
        vpr_follow_session(report->fishing->follow, report->book->session);

    if (report->range_count == 0) {
        report->cursor = 0;
        report->step = STEP_REVIEW;
        return;
    }
    if (session == NULL || tip->session != report->book->session + 2) {
        return; /* its parameters say how many samples are opened */
    }
    const size_t mark = vpr_arena_mark(&report->arena);
    Viper__V1__MsgReveal m = VIPER__V1__MSG_REVEAL__INIT;
    const ProtobufCMessage *messages[] = {&m.base};
    m.operator_ = report->fishing->operator_text;
    m.session = report->book->session;
    m.n_cards = report->range_count;
    m.cards = VPR_ARENA_ARRAY(&report->arena, Viper__V1__RevealedCard *, m.n_cards);
    for (uint32_t i = 0; i < report->range_count; i++) {
        m.cards[i] = reveal_card(report, report->picked[report->range_first + i],
                                 session->params.card_samples);
    }
    const struct vpr_submit_spec spec = {.messages = messages, .count = 1,
                                         .last_height = tip->last, .ask = ask_reveal,
                                         .done = on_reveal_done, .arg = report};
    report->job = vpr_submit_start(report->fishing->submitter, &spec);
    vpr_arena_release(&report->arena, mark);
}

/* ---- life ---- */

static void finish(struct vpr_report *report)
{
    report_tell(report);
    report->step = STEP_DONE;
}

static void next_step(struct vpr_report *report)
{
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);

    if (tip == NULL || report->call != NULL || report->job != NULL) {
        return;
    }
    if (tip->session > report->book->session + 2 && report->step != STEP_DONE) {
        finish(report);
        return;
    }
    switch (report->step) {
    case STEP_CHECK_REPORT:
        check_report(report);
        break;
    case STEP_REPORT:
        break;
    case STEP_WAIT:
        wait_challenge(report);
        break;
    case STEP_CHECK_CARDS:
        check_cards(report);
        break;
    case STEP_REVEAL:
        reveal(report);
        break;
    case STEP_REVIEW:
        if (tip->height >= tip->last) {
            report_review(report, finish);
        }
        break;
    case STEP_DONE:
        break;
    }
}

struct vpr_report *vpr_report_create(struct vpr_fishing *fishing, struct vpr_book *book,
                                     bool drawn)
{
    struct vpr_report *report = vpr_mem_alloc(sizeof *report);

    vpr_book_end(book);
    report->fishing = fishing;
    report->book = book;
    report->drawn = drawn || book->sid_count > 0;
    vpr_arena_init(&report->arena, ARENA_BYTES);
    for (uint32_t i = 0; i < book->sid_count; i++) {
        report->sealed += book->sids[i]->sealed ? 1 : 0;
    }
    vpr_log_info("fisherman", "session closed",
                 "session=%" PRIu64 " sids=%" PRIu32 " samples=%" PRIu32, book->session,
                 report->sealed, book->sample_count);
    vpr_report_height(report);
    return report;
}

void vpr_report_destroy(struct vpr_report *report)
{
    if (report == NULL) {
        return;
    }
    vpr_node_cancel(report->call);
    vpr_submit_cancel(report->job);
    vpr_arena_finish(&report->arena);
    vpr_book_close(report->book);
    vpr_mem_free(report);
}

uint64_t vpr_report_session(const struct vpr_report *report)
{
    return report->book->session;
}

void vpr_report_height(struct vpr_report *report)
{
    const struct vpr_tip *tip = vpr_follow_tip(report->fishing->follow);

    next_step(report);
    if (tip == NULL || report->step != STEP_DONE || report->over) {
        return;
    }
    if (tip->oldest_unsettled > report->book->session ||
        tip->session > report->book->session + KEPT_SESSIONS || report->foreign ||
        report->book->sid_count == 0) {
        if (unlink(report->book->path) != 0 && errno != ENOENT) {
            vpr_log_warn("fisherman", "cannot delete a book", "path=%s reason=%s",
                         report->book->path, strerror(errno));
        }
        report->over = true;
    }
}

bool vpr_report_over(const struct vpr_report *report)
{
    return report->over;
}
