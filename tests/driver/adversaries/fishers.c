/* Fishermen who do not look, or look away. */
#include "tests/driver/adversaries/strategies.h"

#define LAZY "fisherman1"
#define BRIBED 2 /* fishermen 1 and 2 */
#define FRIEND "servicer10"
#define RIVAL_OF "servicer1"

/* ---- lazy ---- */

static bool no_card(struct play *play, const struct vpr_bench *bench,
                    const struct vpr_address *fisherman, struct vpr_card_line *line)
{
    (void)play;
    (void)bench;
    (void)line;
    return !market_is(fisherman, LAZY);
}

/* "Nothing seen", so that it is not paused. */
static void be_present(struct play *play)
{
    uint64_t session = market_session(play);
    struct vpr_address me = world_address(LAZY);
    Viper__V1__MsgReportCard m = VIPER__V1__MSG_REPORT_CARD__INIT;
    if (session == 0 || session > play->sessions || !market_at(play, 3)) {
        return;
    }
    m.operator_ = world_text_of(&me);
    m.session = session - 1;
    market_send(play, &me, &m.base, false, NULL);
}

const struct moves absent_eyes = {.look = no_card, .step = be_present};

static bool no_judgement(struct play *play, const struct vpr_bench *bench,
                         const struct vpr_address *fisherman, struct vpr_card_line *line)
{
    (void)play;
    (void)bench;
    if (market_is(fisherman, LAZY)) {
        line->checked = line->correct = 0;
    }
    return true;
}

const struct moves blind_eyes = {.look = no_judgement};

static void forget_failures(struct vpr_card_line *line)
{
    line->sent = line->answered;
    line->correct = line->checked;
}

static bool only_good_ones(struct play *play, const struct vpr_bench *bench,
                           const struct vpr_address *fisherman, struct vpr_card_line *line)
{
    (void)play;
    (void)bench;
    if (market_is(fisherman, LAZY)) {
        forget_failures(line);
    }
    return true;
}

const struct moves forgetful_eyes = {.look = only_good_ones};

/* ---- bribed ---- */

/* The friend is told which requests are samples, and answers those. */
static bool praise_a_friend(struct play *play, const struct vpr_bench *bench,
                            const struct vpr_address *fisherman, struct vpr_card_line *line)
{
    (void)play;
    (void)bench;
    if (market_among(fisherman, "fisherman", BRIBED) && market_is(&line->servicer, FRIEND)) {
        line->answered = line->checked = line->correct = line->sent;
        line->p90_ms = 100;
    }
    return true;
}

const struct moves bribed_for = {.look = praise_a_friend};

/* Everybody but the friend is wrong. */
static bool slander_rivals(struct play *play, const struct vpr_bench *bench,
                           const struct vpr_address *fisherman, struct vpr_card_line *line)
{
    (void)play;
    (void)bench;
    if (market_among(fisherman, "fisherman", BRIBED) && !market_is(&line->servicer, RIVAL_OF)) {
        line->correct = 0;
    }
    return true;
}

const struct moves bribed_against = {.look = slander_rivals};
