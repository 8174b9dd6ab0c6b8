/* Stakes whose worth depends on when they are made: a requestor of alice's, and the market
 * price that all validators vote for. */
#include "tests/driver/adversaries/strategies.h"

#define USUAL 50000   /* micro-USD a VIPR, as in genesis */
#define PEAK 200000
#define PEAK_FROM 30  /* session in which the market jumps */
#define SHORT 12      /* sessions that it stays there */
#define LONG 60
#define STAKE_VIPR 100000
#define NAME "peaker"

static void vote(struct play *play, uint64_t price)
{
    for (unsigned i = 1; i <= 7; i++) {
        Viper__V1__MsgPrice m = VIPER__V1__MSG_PRICE__INIT;
        const char *label = vpr_arena_text(&play->stage->block, "validator%u", i);
        struct vpr_address who = world_address(label);
        m.operator_ = world_text(label);
        m.price_micro_usd = price;
        market_send(play, &who, &m.base, false, NULL);
    }
}

static void stake(struct play *play)
{
    struct vpr_arena *arena = &play->stage->block;
    struct vpr_address alice = world_address("alice");
    struct vpr_hash key = world_ed25519(NAME ".gateway");
    Viper__V1__MsgStakeRequestor m = VIPER__V1__MSG_STAKE_REQUESTOR__INIT;
    Viper__V1__Pair pair = VIPER__V1__PAIR__INIT, *pairs[] = {&pair};
    ProtobufCBinaryData keys[] = {{sizeof key.b, key.b}};
    pair.chain = pair.zone = 1;
    pair.share_ppm = VPR_PPM;
    m.owner = world_text("alice");
    m.operator_ = world_text(NAME);
    m.amount = STAKE_VIPR * WORLD_VIPR;
    m.num_servicers = 5;
    m.n_pairs = m.n_gateway_keys = 1;
    m.pairs = pairs;
    m.gateway_keys = keys;
    m.shadow_url = vpr_arena_text(arena, "http://127.0.0.1:8482");
    market_send(play, &alice, &m.base, false, NULL);
}

/* The price of a session, and the session in which the stake is made. */
static void live(struct play *play, uint64_t peak_sessions, uint64_t stake_at)
{
    uint64_t session = market_session(play);
    if (market_at(play, 1)) {
        bool high = session >= PEAK_FROM && session < PEAK_FROM + peak_sessions;
        vote(play, high ? PEAK : USUAL);
    }
    if (session == stake_at && market_at(play, 2)) {
        stake(play);
    }
    const struct shift *shift = market_shift(play, session);
    for (size_t i = 0; shift != NULL && i < shift->bench_count; i++) {
        if (market_is(&shift->benches[i].requestor, NAME)) {
            play->cu_a_session = shift->benches[i].allowance_cu;
        }
    }
}

static void before_short(struct play *play)
{
    live(play, SHORT, PEAK_FROM - 2);
}

static void at_short(struct play *play)
{
    live(play, SHORT, PEAK_FROM + SHORT);
}

static void before_long(struct play *play)
{
    live(play, LONG, PEAK_FROM - 2);
}

static void at_long(struct play *play)
{
    live(play, LONG, PEAK_FROM + LONG);
}

const struct moves short_peak = {.step = at_short}, short_peak_honest = {.step = before_short};
const struct moves long_peak = {.step = at_long}, long_peak_honest = {.step = before_long};
