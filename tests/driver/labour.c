#include "tests/driver/labour.h"

#include <stdlib.h>

#include "app/base/bytes.h"
#include "tests/driver/draws.h"
#include "tests/driver/mutate.h"

#define BENCHES_MAX 64
#define WORKS_MAX 512
#define CARDS_MAX 256
#define LATE_MOST 6 /* blocks of a window in which something is sent */

struct job {
    struct ws_work *work; /* NULL: of a fisherman */
    struct ws_card *card;
    bool sent, accepted, proved;
};

struct shift {
    uint64_t session;
    struct vpr_bench benches[BENCHES_MAX];
    size_t bench_count;
    struct job works[WORKS_MAX], cards[CARDS_MAX]; /* by actor: what one sends lies together */
    size_t work_count, card_count;
};

void labour_open(struct labour *labour, struct stage *stage, struct dice *dice,
                 const struct labour_options *options)
{
    memset(labour, 0, sizeof *labour);
    labour->stage = stage;
    labour->dice = dice;
    labour->options = *options;
    VPR_ASSERT(options->relays_most >= 1 &&
               options->relays_most * WS_CLIENTS <= WS_LEAVES_MAX);
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

void labour_close(struct labour *labour)
{
    for (size_t i = 0; i < labour->count; i++) {
        shift_free(labour->shifts[i]);
    }
    labour->count = 0;
}

/* ---- what a play names ---- */

static struct sight *sight_of(struct labour *labour, const struct vpr_bench *bench,
                              const struct vpr_address *servicer)
{
    for (size_t i = 0; i < labour->sight_count; i++) {
        struct sight *s = &labour->sights[i];
        if (vpr_address_equal(&s->servicer, servicer) && s->chain == bench->chain &&
            s->zone == bench->zone) {
            return s;
        }
    }
    return NULL;
}

bool labour_see(struct labour *labour, const struct sight *sight)
{
    const struct vpr_bench pool = {.chain = sight->chain, .zone = sight->zone};
    struct sight *s = sight_of(labour, &pool, &sight->servicer);
    if (s == NULL && labour->sight_count < SIGHTS_MAX) {
        s = &labour->sights[labour->sight_count++];
    }
    if (s != NULL) {
        *s = *sight;
    }
    return s != NULL;
}

static size_t blind_at(const struct labour *labour, const struct vpr_address *fisherman)
{
    size_t i = 0;
    while (i < labour->blind_count && !vpr_address_equal(&labour->blind[i], fisherman)) {
        i++;
    }
    return i;
}

bool labour_blind(struct labour *labour, const struct vpr_address *fisherman, bool blind)
{
    size_t i = blind_at(labour, fisherman);
    if (blind && i == BLIND_MAX) {
        return false;
    }
    if (blind) {
        labour->blind[i] = *fisherman;
        labour->blind_count += i == labour->blind_count ? 1 : 0;
    } else if (i < labour->blind_count) {
        labour->blind[i] = labour->blind[--labour->blind_count];
    }
    return true;
}

/* ---- what they do ---- */

/* Nothing happens by dice while the work is steady. */
static bool happens(const struct labour *labour, unsigned percent)
{
    return !labour->options.steady && dice_percent(labour->dice, percent);
}

static void *copy_of(const void *data, size_t size)
{
    void *copy = malloc(size);
    VPR_ASSERT(copy != NULL);
    memcpy(copy, data, size);
    return copy;
}

static void serve(struct labour *labour, struct shift *shift, const struct vpr_bench *bench,
                  const struct vpr_address *servicer)
{
    struct dice *dice = labour->dice;
    struct ws_work *work = malloc(sizeof *work);
    size_t relays = dice_between(dice, 1, labour->options.relays_most);
    uint64_t most = bench->quota_cu / (relays * WS_CLIENTS) + 1;
    uint64_t cu = dice_percent(dice, 10) ? 1 : dice_between(dice, most / 4 + 1, most + most / 8);

    VPR_ASSERT(work != NULL && shift->work_count < WORKS_MAX);
    ws_work(work, bench, servicer, relays, cu);
    shift->works[shift->work_count++] = (struct job){.work = work};
}

/* How good a servicer is goes by its name; how it is seen varies a little. */
static void look(struct labour *labour, struct vpr_card_line *line,
                 const struct vpr_address *servicer)
{
    struct dice *dice = labour->dice;
    uint64_t good = 60 + servicer->b[0] % 41; /* of 100 */
    memset(line, 0, sizeof *line);
    line->sent = dice_percent(dice, 8) ? dice_below(dice, 5) : dice_between(dice, 5, 8);
    for (uint64_t i = 0; i < line->sent; i++) {
        bool answered = dice_percent(dice, (unsigned)good);
        line->answered += answered ? 1 : 0;
        line->refused += !answered && dice_percent(dice, 30) ? 1 : 0;
    }
    line->checked = line->answered - (line->answered > 0 ? dice_below(dice, 2) : 0);
    line->correct = line->checked - (line->checked > 0 && dice_percent(dice, 10) ? 1 : 0);
    line->p90_ms = line->answered == 0 ? 0 : 50 + (100 - good) * 20 + dice_below(dice, 100);
}

/* Of ten samples all are answered in good time: the score is that of the right ones. */
static void look_steadily(struct vpr_card_line *line, const struct sight *sight)
{
    *line = (struct vpr_card_line){.sent = 10, .answered = 10, .checked = 10, .correct = 10,
                                   .p90_ms = 50};
    line->correct = sight == NULL ? line->checked : sight->right;
}

static void watch(struct labour *labour, struct shift *shift, const struct vpr_bench *bench,
                  const struct vpr_address *fisherman)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    static struct ws_card card;
    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        const struct vpr_address *servicer = &bench->servicers[i].id;
        const struct sight *sight = sight_of(labour, bench, servicer);
        if (labour->options.steady || sight != NULL) {
            look_steadily(&lines[i], sight);
        } else {
            look(labour, &lines[i], servicer);
        }
    }
    VPR_ASSERT(shift->card_count < CARDS_MAX);
    ws_card(&card, bench, fisherman, lines);
    shift->cards[shift->card_count++] = (struct job){.card = copy_of(&card, sizeof card)};
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

static void begin_shift(struct labour *labour, uint64_t session)
{
    struct shift *shift = calloc(1, sizeof *shift);
    VPR_ASSERT(shift != NULL && labour->count < SHIFTS_MAX);
    shift->session = session;
    shift->bench_count =
        draws_benches(labour->stage, session, shift->benches, BENCHES_MAX);
    for (size_t i = 0; i < shift->bench_count; i++) {
        const struct vpr_bench *bench = &shift->benches[i];
        for (uint32_t k = 0; k < bench->servicer_count; k++) {
            if (!happens(labour, labour->options.idle_percent)) {
                serve(labour, shift, bench, &bench->servicers[k].id);
            }
        }
        for (uint32_t k = 0; k < bench->fisherman_count; k++) {
            bool blind = labour->options.blind_percent > 0 &&
                         happens(labour, labour->options.blind_percent);
            blind = blind || blind_at(labour, &bench->fishermen[k].id) < labour->blind_count;
            if (!happens(labour, labour->options.idle_percent) && !blind) {
                watch(labour, shift, bench, &bench->fishermen[k].id);
            }
        }
    }
    qsort(shift->works, shift->work_count, sizeof shift->works[0], by_actor);
    qsort(shift->cards, shift->card_count, sizeof shift->cards[0], by_actor);
    labour->shifts[labour->count++] = shift;
}

/* ---- messages ---- */

/* The jobs of one actor: [first, first + n). */
static size_t run_of(const struct job *jobs, size_t count, size_t first)
{
    size_t n = 1;
    while (first + n < count &&
           vpr_address_equal(who_of(&jobs[first]), who_of(&jobs[first + n]))) {
        n++;
    }
    return n;
}

static void accepted(struct stage *stage, void *arg, uint32_t code)
{
    struct job *job = arg;
    (void)stage;
    job->accepted = job->accepted || code == 0;
}

/* Operators may have changed since: the one who serves the actor now signs. */
static const char *operator_of(struct labour *labour, const struct vpr_address *id)
{
    const Viper__V1__Actor *actor =
        mirror_actor(labour->stage->mirror, &labour->stage->block, id);
    struct vpr_address who;
    if (actor == NULL || actor->operator_.len != sizeof who.b) {
        return NULL;
    }
    memcpy(who.b, actor->operator_.data, sizeof who.b);
    return world_label_of(&who);
}

/* The message's field "operator" is the present one's; a spoilt copy may go first. */
static void say(struct labour *labour, const struct vpr_address *id, ProtobufCMessage *message,
                item_told_fn *told, void *arg)
{
    struct dice *dice = labour->dice;
    struct vpr_arena *arena = &labour->stage->block;
    const char *label = operator_of(labour, id);
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "operator");

    if (label == NULL) {
        return;
    }
    char *text = world_text(label);
    memcpy((uint8_t *)message + field->offset, &text, sizeof text);
    if (happens(labour, labour->options.spoil_percent)) {
        struct mutation mutation;
        ProtobufCMessage *copy =
            vpr_arena_copy(arena, message, message->descriptor->sizeof_message);
        if (mutate(dice, arena, copy, NULL, &mutation)) {
            const struct sending spoilt = {.label = label, .messages = {copy}, .count = 1,
                                           .unordered = dice_percent(dice, 50),
                                           .forced = dice_percent(dice, 50),
                                           .spoilt = mutation.what, .spoilt_at = mutation.at};
            send_tx(labour->stage, &spoilt);
        }
    }
    const struct sending sending = {.label = label, .messages = {message}, .count = 1,
                                    .unordered = dice_percent(dice, 70), .told = told,
                                    .arg = arg};
    send_tx(labour->stage, &sending);
}

/* Due now: by luck in the first LATE_MOST blocks, and the rest in the last of them. */
static bool due(struct labour *labour, uint64_t offset)
{
    return offset + 1 >= LATE_MOST || dice_percent(labour->dice, 100 / LATE_MOST);
}

static bool missed(struct labour *labour)
{
    return happens(labour, labour->options.miss_percent);
}

/* Each entry in a Commit of its own: a refused one does not refuse the others. */
static void commit_works(struct labour *labour, struct shift *shift, uint64_t offset)
{
    for (size_t i = 0; i < shift->work_count; i++) {
        struct job *job = &shift->works[i];
        if (job->sent || !due(labour, offset)) {
            continue;
        }
        job->sent = true;
        if (!missed(labour)) {
            const struct ws_work *one = job->work;
            say(labour, &one->servicer, &work_commit(&labour->stage->block, &one, 1)->base,
                accepted, job);
        }
    }
}

static void seal_cards(struct labour *labour, struct shift *shift, uint64_t offset)
{
    for (size_t i = 0; i < shift->card_count; i += run_of(shift->cards, shift->card_count, i)) {
        size_t n = run_of(shift->cards, shift->card_count, i);
        const struct ws_card *cards[CARDS_MAX];
        if (shift->cards[i].sent || !due(labour, offset)) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            cards[k] = shift->cards[i + k].card;
            shift->cards[i + k].sent = true;
        }
        if (!missed(labour)) {
            say(labour, &cards[0]->fisherman,
                &work_report(&labour->stage->block, cards, n)->base, accepted,
                &shift->cards[i]);
        }
    }
}

/* ---- proofs ---- */

static void prove_works(struct labour *labour, struct shift *shift, uint64_t offset)
{
    struct work_asked asked;
    for (size_t i = 0; i < shift->work_count; i += run_of(shift->works, shift->work_count, i)) {
        size_t n = run_of(shift->works, shift->work_count, i), count = 0;
        const struct ws_work *works[WORKS_MAX];
        if (shift->works[i].proved || !due(labour, offset)) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            shift->works[i + k].proved = true;
            if (shift->works[i + k].accepted) {
                works[count++] = shift->works[i + k].work;
            }
        }
        if (count == 0 || missed(labour) ||
            !draws_asked(labour->stage, &works[0]->bench, &asked)) {
            continue;
        }
        Viper__V1__MsgProve *tails = work_tails(&labour->stage->block, works, count);
        Viper__V1__MsgProve *samples = work_samples(&labour->stage->block, works, count, &asked);
        if (dice_percent(labour->dice, 50)) { /* both in one message */
            tails->samples = samples->samples;
            tails->n_samples = samples->n_samples;
            samples = NULL;
        }
        say(labour, &works[0]->servicer, &tails->base, NULL, NULL);
        if (samples != NULL && !missed(labour)) {
            say(labour, &works[0]->servicer, &samples->base, NULL, NULL);
        }
    }
}

static bool committed_at(const struct shift *shift, const struct vpr_hash *sid)
{
    for (size_t i = 0; i < shift->work_count; i++) {
        if (shift->works[i].accepted &&
            vpr_hash_equal(&shift->works[i].work->bench.sid, sid)) {
            return true;
        }
    }
    return false;
}

static void reveal_cards(struct labour *labour, struct shift *shift, uint64_t offset)
{
    struct work_asked asked;
    for (size_t i = 0; i < shift->card_count; i += run_of(shift->cards, shift->card_count, i)) {
        size_t n = run_of(shift->cards, shift->card_count, i), count = 0;
        const struct ws_card *cards[CARDS_MAX];
        if (shift->cards[i].proved || !due(labour, offset)) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            shift->cards[i + k].proved = true;
            if (shift->cards[i].accepted &&
                (committed_at(shift, &shift->cards[i + k].card->bench.sid) ||
                 dice_percent(labour->dice, 2))) {
                cards[count++] = shift->cards[i + k].card;
            }
        }
        if (count == 0 || missed(labour) ||
            !draws_asked(labour->stage, &cards[0]->bench, &asked)) {
            continue;
        }
        say(labour, &cards[0]->fisherman,
            &work_reveal(&labour->stage->block, cards, count, &asked)->base, NULL, NULL);
    }
}

/* ---- time ---- */

static void step_shift(struct labour *labour, struct shift *shift, uint64_t coming,
                       uint64_t height, const Viper__V1__Session *running)
{
    struct work_asked asked;
    bool opens = running->number != coming;
    uint64_t offset = opens ? 0 : height - running->first;
    if (shift->session + 1 == coming) {
        commit_works(labour, shift, offset);
        seal_cards(labour, shift, offset);
    } else if (shift->session + 2 == coming && shift->bench_count > 0 &&
               draws_asked(labour->stage, &shift->benches[0], &asked)) {
        prove_works(labour, shift, offset);
        reveal_cards(labour, shift, offset);
    }
}

void labour_step(struct labour *labour)
{
    struct stage *stage = labour->stage;
    if (stage->height == 0) {
        return;
    }
    uint64_t number = mirror_session_number(stage->mirror), height = stage->height + 1;
    const Viper__V1__Session *running = mirror_session(stage->mirror, &stage->block, number);
    VPR_ASSERT(running != NULL);
    uint64_t coming = height > running->last ? number + 1 : number;
    while (labour->next_session <= number) {
        begin_shift(labour, labour->next_session++);
    }
    while (labour->count > 0 && labour->shifts[0]->session + 2 < coming) {
        shift_free(labour->shifts[0]);
        memmove(labour->shifts, labour->shifts + 1,
                --labour->count * sizeof labour->shifts[0]);
    }
    for (size_t i = 0; i < labour->count; i++) {
        step_shift(labour, labour->shifts[i], coming, height, running);
    }
}
