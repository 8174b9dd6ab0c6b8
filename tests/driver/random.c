#include "tests/driver/random.h"

#include "tests/driver/kinds.h"
#include "tests/driver/mutate.h"

const struct random_options random_usual = {
    .sessions = 30,
    .txs = 2,
    .spoil_percent = 12,
    .fault_percent = 6,
    .round_percent = 6,
    .silent_percent = 4,
    .absent_percent = 5,
    .rich = 4,
    .unordered_percent = 25,
    .patience_s = 60,
    .json_percent = 40,
    .memo_percent = 25,
    .favour_times = 25,
    .labour = {.idle_percent = 25, .spoil_percent = 10, .miss_percent = 6, .relays_most = 4},
};

static bool a_percent(struct dice *dice, unsigned percent)
{
    return percent > 0 && dice_percent(dice, percent);
}

/* Of what JSON writes in a way of its own, and what it does not. */
static const char *any_memo(struct stage *stage, struct dice *dice)
{
    static const char *const pieces[] = {"lunch ", "\"", "\\", "/", "<b>", "&", "\b\f\n\r\t",
                                         "\x01", "\x1f", "\x7f", "u0026", "\u017c\U0001f422",
                                         "\u2027\u2028", "\u2029\u202a"};
    const char *memo = "";
    for (uint64_t left = dice_between(dice, 1, 8); left > 0; left--) {
        memo = vpr_arena_text(&stage->block, "%s%s", memo,
                              pieces[dice_below(dice, VPR_COUNT(pieces))]);
    }
    return memo;
}

/* Now and then also what can be signed in no such way. */
static bool signs_json(struct stage *stage, const struct random_options *o, struct dice *dice,
                       const struct sending *s)
{
    bool has_form = world_has_json(&stage->block, s->messages, s->count);
    return a_percent(dice, has_form && !s->unordered ? o->json_percent : 1);
}

/* One message of the table, or up to four of them in one transaction of the same signer. */
void random_tx(struct stage *stage, const struct random_options *o, struct dice *dice)
{
    struct wish wish = {.stage = stage, .dice = dice, .options = o,
                        .arena = &stage->block};
    struct mutation mutation;
    if (kind_roll(&wish) == NULL || wish.signer == NULL) {
        return;
    }
    struct sending s = {.label = wish.signer, .messages = {wish.message}, .count = 1,
                        .unordered = dice_percent(dice, o->unordered_percent),
                        .patience_s = o->patience_s,
                        .tip = dice_percent(dice, 30) ? dice_below(dice, 100000) : 0};
    if (a_percent(dice, o->spoil_percent) &&
        mutate(dice, &stage->block, wish.message, NULL, &mutation)) {
        s.spoilt = mutation.what;
        s.spoilt_at = mutation.at;
    } else if (a_percent(dice, o->fault_percent)) {
        s.fault = (enum envelope_fault)dice_between(dice, 1, ENVELOPE_FAULTS - 1);
    }
    if (dice_percent(dice, 8)) {
        struct wish more = wish;
        if (kind_roll(&more) != NULL && more.signer != NULL) {
            s.messages[s.count++] = more.message; /* sometimes not its signer's to send */
        }
    }
    s.json = signs_json(stage, o, dice, &s);
    s.memo = a_percent(dice, o->memo_percent) ? any_memo(stage, dice) : NULL;
    s.forced = s.fault != ENVELOPE_FINE || s.spoilt != NULL ? dice_percent(dice, 60)
                                                            : dice_percent(dice, 5);
    send_tx(stage, &s);
}

/* What must leave no trace has dice of its own: without it the history is the same. */
static void make_trouble(struct stage *stage, const struct random_options *o,
                         struct dice *dice, struct plan *plan)
{
    if (dice_below(dice, 1000) < o->restart_permille) {
        plan->kill = dice_percent(dice, 50) ? KILL_EXECUTED : KILL_READY;
        plan->kill_gently = plan->kill == KILL_READY && dice_percent(dice, 50);
        plan->kill_node = dice_below(dice, stage->node_count);
    }
}

static void make_plan(struct stage *stage, const struct random_options *o, struct dice *dice,
                      struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
    plan->seconds = dice_percent(dice, 90) ? 1
                    : dice_percent(dice, 90)
                        ? (int64_t)dice_between(dice, 2, 20)
                        : (int64_t)dice_between(dice, 20, 900);
    plan->silent = a_percent(dice, o->silent_percent);
    if (a_percent(dice, o->round_percent)) {
        plan->round_count = dice_between(dice, 1, 3);
        for (size_t i = 0; i < plan->round_count; i++) {
            plan->rounds[i] = (enum round_how)dice_below(dice, ROUND_HOWS);
        }
    }
    for (size_t i = 0; i < stage->last.count && i < 64; i++) {
        plan->absent |= a_percent(dice, o->absent_percent) ? UINT64_C(1) << i : 0;
    }
    if (dice_below(dice, 1000) < o->evidence_permille && stage->last.count > 1) {
        const struct set_member *m = &stage->last.members[dice_below(dice, stage->last.count)];
        plan->evidence[plan->evidence_count++] = (struct evidence){
            m->address, stage->height - dice_below(dice, stage->height < 20 ? 1 : 20),
            TENDERMINT__ABCI__MISBEHAVIOR_TYPE__DUPLICATE_VOTE};
    }
}

void random_history(struct stage *stage, const struct random_options *options, uint64_t seed)
{
    struct dice dice = {seed}, trouble = {~seed};
    struct labour labour;
    struct plan plan;

    labour_open(&labour, stage, &dice, &options->labour);
    while (stage->height == 0 ||
           (mirror_session_number(stage->mirror) < options->sessions &&
            (options->blocks == 0 || stage->height < options->blocks) &&
            !stage_is_over(stage))) {
        if (stage->height > 0) {
            labour_step(&labour);
            bool busy = options->busy_sessions == 0 ||
                        mirror_session_number(stage->mirror) < options->busy_sessions;
            uint64_t count = busy ? dice_below(&dice, 2 * options->txs + 1) : 0;
            for (uint64_t i = 0; i < count; i++) {
                random_tx(stage, options, &dice);
            }
        }
        make_plan(stage, options, &dice, &plan);
        make_trouble(stage, options, &trouble, &plan);
        stage_block(stage, &plan);
    }
    labour_close(&labour);
}
