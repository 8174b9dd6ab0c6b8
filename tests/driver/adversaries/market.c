#include "tests/driver/adversaries/market.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "tests/driver/draws.h"
#include "tests/driver/send.h"

#define RELAYS 3      /* of each client key of a sid at a servicer */
#define SEND_OFFSET 3 /* block of a window in which everybody sends; >= challenge_delay */

/* ---- who is who ---- */

bool market_is(const struct vpr_address *who, const char *label)
{
    const char *name = world_label_of(who);
    return name != NULL && strcmp(name, label) == 0;
}

bool market_among(const struct vpr_address *who, const char *kind, unsigned count)
{
    const char *name = world_label_of(who);
    size_t len = strlen(kind);
    if (name == NULL || strncmp(name, kind, len) != 0) {
        return false;
    }
    char *end;
    unsigned long number = strtoul(name + len, &end, 10);
    return *end == 0 && number >= 1 && number <= count;
}

struct dice market_dice(const struct play *play, const char *what, const struct vpr_hash *sid,
                        const struct vpr_address *a, const struct vpr_address *b)
{
    static const struct vpr_address none;
    uint8_t bytes[8 + 32 + 2 * 20];
    vpr_put_be64(bytes, play->seed);
    memcpy(bytes + 8, sid->b, 32);
    memcpy(bytes + 40, a == NULL ? none.b : a->b, 20);
    memcpy(bytes + 60, b == NULL ? none.b : b->b, 20);
    struct vpr_hash hash = vpr_tagged(what, bytes, sizeof bytes);
    return (struct dice){vpr_get_be64(hash.b)};
}

static bool lucky(struct dice *dice, uint64_t ppm)
{
    return dice_below(dice, VPR_PPM) < ppm;
}

/* ---- honest service ---- */

/* Most serve well; two do not, so that judging makes a difference. */
static struct service honest_service(const struct vpr_address *servicer)
{
    struct service s = {600000, 985000, CLAIMS_WHAT_IT_ANSWERED, 1000000, 150, 6};
    if (market_is(servicer, "servicer9")) {
        s.correct_ppm = 850000;
    } else if (market_is(servicer, "servicer10")) {
        s.answered_ppm = 700000;
        s.latency_ms = 500;
    }
    return s;
}

static struct service service_of(struct play *play, const struct vpr_bench *bench,
                                 const struct vpr_address *servicer)
{
    struct service s = honest_service(servicer);
    if (play->moves->serve != NULL) {
        play->moves->serve(play, bench, servicer, &s);
    }
    return s;
}

static void serve(struct play *play, struct shift *shift, const struct vpr_bench *bench,
                  const struct vpr_address *servicer)
{
    struct service s = service_of(play, bench, servicer);
    uint64_t asked = bench->quota_cu * s.demand_ppm / VPR_PPM;
    uint64_t part =
        s.claimed_ppm == CLAIMS_WHAT_IT_ANSWERED ? s.answered_ppm : s.claimed_ppm;
    uint64_t cu = asked * part / VPR_PPM / (RELAYS * WS_CLIENTS);
    if (cu == 0) {
        return;
    }
    struct ws_work *work = malloc(sizeof *work);
    VPR_ASSERT(work != NULL && shift->work_count < WORKS_MAX);
    ws_work(work, bench, servicer, RELAYS, cu);
    if (play->moves->bend != NULL) {
        play->moves->bend(play, work);
    }
    shift->works[shift->work_count++] = (struct job){.work = work};
}

static bool look(struct play *play, const struct vpr_bench *bench,
                 const struct vpr_address *servicer, const struct vpr_address *fisherman,
                 struct vpr_card_line *line)
{
    struct service s = service_of(play, bench, servicer);
    struct dice dice = market_dice(play, "look", &bench->sid, servicer, fisherman);
    *line = (struct vpr_card_line){.servicer = *servicer, .sent = s.samples};
    for (uint64_t i = 0; i < s.samples; i++) {
        bool answered = lucky(&dice, s.answered_ppm), correct = lucky(&dice, s.correct_ppm);
        line->answered += answered ? 1 : 0;
        line->correct += answered && correct ? 1 : 0;
    }
    line->checked = line->answered;
    line->p90_ms = line->answered == 0 ? 0 : s.latency_ms + dice_below(&dice, 40);
    return play->moves->look == NULL || play->moves->look(play, bench, fisherman, line);
}

static void watch(struct play *play, struct shift *shift, const struct vpr_bench *bench,
                  const struct vpr_address *fisherman)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    uint64_t sent = 0;
    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        if (!look(play, bench, &bench->servicers[i].id, fisherman, &lines[i])) {
            return;
        }
        sent += lines[i].sent;
    }
    if (sent == 0) {
        return;
    }
    struct ws_card *card = malloc(sizeof *card);
    VPR_ASSERT(card != NULL && shift->card_count < CARDS_MAX);
    ws_card(card, bench, fisherman, lines);
    shift->cards[shift->card_count++] = (struct job){.card = card};
}

static const struct vpr_address *who_of(const struct job *job)
{
    return job->work != NULL ? &job->work->servicer : &job->card->fisherman;
}

static int by_actor(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    int order = vpr_address_cmp(who_of(x), who_of(y));
    const struct vpr_hash *s = x->work != NULL ? &x->work->bench.sid : &x->card->bench.sid;
    const struct vpr_hash *t = y->work != NULL ? &y->work->bench.sid : &y->card->bench.sid;
    return order != 0 ? order : memcmp(s->b, t->b, sizeof s->b);
}

static void begin_shift(struct play *play, uint64_t session)
{
    struct shift *shift = calloc(1, sizeof *shift);
    VPR_ASSERT(shift != NULL && play->shift_count < SHIFTS_MAX);
    shift->session = session;
    play->shifts[play->shift_count++] = shift;
    shift->bench_count = draws_benches(play->stage, session, shift->benches, BENCHES_MAX);
    for (size_t i = 0; i < shift->bench_count; i++) {
        const struct vpr_bench *bench = &shift->benches[i];
        for (uint32_t k = 0; k < bench->servicer_count; k++) {
            serve(play, shift, bench, &bench->servicers[k].id);
        }
        for (uint32_t k = 0; k < bench->fisherman_count; k++) {
            watch(play, shift, bench, &bench->fishermen[k].id);
        }
    }
    qsort(shift->works, shift->work_count, sizeof shift->works[0], by_actor);
    qsort(shift->cards, shift->card_count, sizeof shift->cards[0], by_actor);
}

static void shift_free(struct shift *shift)
{
    for (size_t i = 0; i < shift->work_count; i++) {
        free(shift->works[i].work);
    }
    for (size_t i = 0; i < shift->card_count; i++) {
        free(shift->cards[i].card);
    }
    free(shift);
}

/* ---- messages ---- */

size_t market_run(const struct job *jobs, size_t count)
{
    size_t n = 1;
    while (n < count && vpr_address_equal(who_of(&jobs[0]), who_of(&jobs[n]))) {
        n++;
    }
    return n;
}

/* arg: the first job of an actor; it stands for all of them. */
static void accepted(struct stage *stage, void *arg, uint32_t code)
{
    struct job *job = arg;
    (void)stage;
    job->accepted = job->accepted || code == 0;
}

void market_send(struct play *play, const struct vpr_address *who,
                 const ProtobufCMessage *message, bool forced, struct job *told)
{
    const char *label = world_label_of(who);
    VPR_ASSERT(label != NULL);
    const struct sending sending = {.label = label,
                                    .messages = {message},
                                    .count = 1,
                                    .unordered = true,
                                    .forced = forced,
                                    .told = told == NULL ? NULL : accepted,
                                    .arg = told};
    send_tx(play->stage, &sending);
}

void market_commit(struct play *play, struct job *jobs, size_t count, bool forced)
{
    const struct ws_work *works[WORKS_MAX];
    for (size_t i = 0; i < count; i++) {
        works[i] = jobs[i].work;
    }
    market_send(play, who_of(jobs), &work_commit(&play->stage->block, works, count)->base,
                forced, jobs);
}

static void commit_all(struct play *play, struct shift *shift)
{
    size_t n;
    for (size_t i = 0; i < shift->work_count; i += n) {
        n = market_run(&shift->works[i], shift->work_count - i);
        if (play->moves->commit == NULL ||
            !play->moves->commit(play, &shift->works[i], n)) {
            market_commit(play, &shift->works[i], n, false);
        }
    }
}

static void seal_all(struct play *play, struct shift *shift)
{
    size_t n;
    for (size_t i = 0; i < shift->card_count; i += n) {
        const struct ws_card *cards[CARDS_MAX];
        n = market_run(&shift->cards[i], shift->card_count - i);
        for (size_t k = 0; k < n; k++) {
            cards[k] = shift->cards[i + k].card;
        }
        market_send(play, who_of(&shift->cards[i]),
                    &work_report(&play->stage->block, cards, n)->base, false,
                    &shift->cards[i]);
    }
}

/* A servicer that was drawn nowhere it served proves nothing; one refused Commit likewise. */
static void prove_all(struct play *play, struct shift *shift, const struct work_asked *asked)
{
    size_t n;
    for (size_t i = 0; i < shift->work_count; i += n) {
        const struct ws_work *works[WORKS_MAX];
        n = market_run(&shift->works[i], shift->work_count - i);
        if (!shift->works[i].accepted) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            works[k] = shift->works[i + k].work;
        }
        struct vpr_arena *arena = &play->stage->block;
        const struct vpr_address *who = who_of(&shift->works[i]);
        market_send(play, who, &work_tails(arena, works, n)->base, false, NULL);
        market_send(play, who, &work_samples(arena, works, n, asked)->base, false, NULL);
    }
}

static bool committed_at(const struct shift *shift, const struct vpr_hash *sid)
{
    size_t n;
    for (size_t i = 0; i < shift->work_count; i += n) {
        n = market_run(&shift->works[i], shift->work_count - i);
        for (size_t k = 0; k < n && shift->works[i].accepted; k++) {
            if (vpr_hash_equal(&shift->works[i + k].work->bench.sid, sid)) {
                return true;
            }
        }
    }
    return false;
}

static void reveal_all(struct play *play, struct shift *shift, const struct work_asked *asked)
{
    size_t n;
    for (size_t i = 0; i < shift->card_count; i += n) {
        const struct ws_card *cards[CARDS_MAX];
        size_t count = 0;
        n = market_run(&shift->cards[i], shift->card_count - i);
        for (size_t k = 0; k < n && shift->cards[i].accepted; k++) {
            if (committed_at(shift, &shift->cards[i + k].card->bench.sid)) {
                cards[count++] = shift->cards[i + k].card;
            }
        }
        if (count > 0) {
            market_send(play, who_of(&shift->cards[i]),
                        &work_reveal(&play->stage->block, cards, count, asked)->base, false,
                        NULL);
        }
    }
}

/* ---- time ---- */

static void step_shift(struct play *play, struct shift *shift, uint64_t coming, uint64_t offset)
{
    struct work_asked asked;
    if (offset < SEND_OFFSET) {
        return;
    }
    if (shift->session + 1 == coming && !shift->committed) {
        shift->committed = true;
        commit_all(play, shift);
        seal_all(play, shift);
    } else if (shift->session + 2 == coming && !shift->proved && shift->bench_count > 0 &&
               draws_asked(play->stage, &shift->benches[0], &asked)) {
        shift->proved = true;
        prove_all(play, shift, &asked);
        reveal_all(play, shift, &asked);
    }
}

static void work(struct play *play)
{
    struct stage *stage = play->stage;
    uint64_t number = market_session(play), height = stage->height + 1;
    const Viper__V1__Session *running = mirror_session(stage->mirror, &stage->block, number);
    VPR_ASSERT(running != NULL);
    uint64_t coming = height > running->last ? number + 1 : number;
    uint64_t offset = coming == number ? height - running->first : 0;
    while (play->next_session <= number && play->next_session < play->sessions) {
        begin_shift(play, play->next_session++);
    }
    while (play->shift_count > 0 && play->shifts[0]->session + 3 < coming) {
        shift_free(play->shifts[0]);
        memmove(play->shifts, play->shifts + 1,
                --play->shift_count * sizeof play->shifts[0]);
    }
    for (size_t i = 0; i < play->shift_count; i++) {
        step_shift(play, play->shifts[i], coming, offset);
    }
}

void market_open(struct play *play, struct stage *stage, const struct moves *moves,
                 uint64_t seed, uint64_t sessions)
{
    memset(play, 0, sizeof *play);
    play->stage = stage;
    play->moves = moves;
    play->seed = seed;
    play->sessions = sessions;
}

void market_close(struct play *play)
{
    for (size_t i = 0; i < play->shift_count; i++) {
        shift_free(play->shifts[i]);
    }
    play->shift_count = 0;
    free(play->memory);
}

bool market_at(const struct play *play, uint64_t offset)
{
    struct stage *stage = play->stage;
    const Viper__V1__Session *running =
        mirror_session(stage->mirror, &stage->block, market_session(play));
    return running != NULL && stage->height + 1 == running->first + offset;
}

struct shift *market_shift(const struct play *play, uint64_t session)
{
    for (size_t i = 0; i < play->shift_count; i++) {
        if (play->shifts[i]->session == session) {
            return play->shifts[i];
        }
    }
    return NULL;
}

void market_block(struct play *play)
{
    struct plan plan;
    memset(&plan, 0, sizeof plan);
    if (play->stage->height > 0) {
        work(play);
        if (play->moves->step != NULL) {
            play->moves->step(play);
        }
        if (play->moves->plan != NULL) {
            play->moves->plan(play, &plan);
        }
    }
    stage_block(play->stage, &plan);
}

uint64_t market_session(const struct play *play)
{
    return mirror_session_number(play->stage->mirror);
}
