/* Owners who choose whom they serve, whose they are, and when they are there. */
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/rules/draw.h"
#include "tests/driver/adversaries/strategies.h"

#define OWN_SERVICERS 3
#define BAD "servicer1"

/* ---- requestor1 and its own servicers ---- */

/* Everything to its own, nothing to others, and no samples for anybody. */
static void serve_own(struct play *play, const struct vpr_bench *bench,
                      const struct vpr_address *servicer, struct service *service)
{
    (void)play;
    if (!market_is(&bench->requestor, "requestor1")) {
        return;
    }
    bool own = market_among(servicer, "servicer", OWN_SERVICERS);
    service->demand_ppm = own ? VPR_PPM : 0;
    service->answered_ppm = VPR_PPM;
    service->samples = 0;
}

const struct moves dealing = {.serve = serve_own};

/* The same money at a validator with the highest commission, earned as long as others work. */
static void delegate(struct play *play)
{
    struct vpr_address owner = world_address("requestor1.owner");
    uint64_t session = market_session(play);
    if (session == 0 && market_at(play, 1)) {
        Viper__V1__MsgDelegate m = VIPER__V1__MSG_DELEGATE__INIT;
        m.delegator = world_text("requestor1.owner");
        m.actor = world_text("validator1");
        m.amount = LARGE_VIPR * WORLD_VIPR;
        market_send(play, &owner, &m.base, false, NULL);
    } else if (session == play->sessions && market_at(play, 1)) {
        Viper__V1__MsgWithdraw m = VIPER__V1__MSG_WITHDRAW__INIT;
        m.delegator = world_text("requestor1.owner");
        m.actor = world_text("validator1");
        market_send(play, &owner, &m.base, false, NULL);
    }
}

const struct moves delegating = {.step = delegate};

/* Its own fishermen see it all, and that it is perfect. */
static void serve_perfectly(struct play *play, const struct vpr_bench *bench,
                            const struct vpr_address *servicer, struct service *service)
{
    (void)play;
    (void)servicer;
    if (market_is(&bench->requestor, "requestor1")) {
        service->demand_ppm = service->answered_ppm = service->correct_ppm = VPR_PPM;
        service->latency_ms = 0;
    }
}

const struct moves dealing_alone = {.serve = serve_perfectly};

/* ---- large clients only ---- */

static void serve_large(struct play *play, const struct vpr_bench *bench,
                        const struct vpr_address *servicer, struct service *service)
{
    (void)play;
    if (market_is(servicer, "servicer1") && market_is(&bench->requestor, "requestor3")) {
        service->answered_ppm = 0;
    }
}

const struct moves large_only = {.serve = serve_large};

/* CU that clients ask of a servicer in a session; those of benches before `until` in ret. */
static uint64_t asked_of(const struct play *play, const struct vpr_bench *until,
                         const struct vpr_address *servicer, uint64_t demand_ppm,
                         uint64_t *ret_before)
{
    const struct shift *shift = market_shift(play, until->session);
    uint64_t sum = 0;
    VPR_ASSERT(shift != NULL);
    for (size_t i = 0; i < shift->bench_count; i++) {
        const struct vpr_bench *bench = &shift->benches[i];
        if (vpr_hash_equal(&bench->sid, &until->sid)) {
            *ret_before = sum;
        }
        for (uint32_t k = 0; k < bench->servicer_count; k++) {
            sum += vpr_address_equal(&bench->servicers[k].id, servicer)
                       ? bench->quota_cu * demand_ppm / VPR_PPM
                       : 0;
        }
    }
    return sum;
}

#define CAPACITY_CU 60000 /* a session: one large requestor's demand */

/* Everybody gets the same part of what it has. */
static void serve_a_part(struct play *play, const struct vpr_bench *bench,
                         const struct vpr_address *servicer, struct service *service)
{
    uint64_t before = 0;
    if (!market_is(servicer, "servicer1")) {
        return;
    }
    uint64_t asked = asked_of(play, bench, servicer, service->demand_ppm, &before);
    if (asked > CAPACITY_CU) {
        service->answered_ppm = service->answered_ppm * CAPACITY_CU / asked;
    }
}

const struct moves short_spread = {.serve = serve_a_part};

/* One after the other gets all it wants while there is something left. */
static void serve_first(struct play *play, const struct vpr_bench *bench,
                        const struct vpr_address *servicer, struct service *service)
{
    uint64_t before = 0;
    if (!market_is(servicer, "servicer1")) {
        return;
    }
    (void)asked_of(play, bench, servicer, service->demand_ppm, &before);
    uint64_t want = bench->quota_cu * service->demand_ppm / VPR_PPM;
    uint64_t left = before >= CAPACITY_CU ? 0 : CAPACITY_CU - before;
    if (left < want) {
        service->answered_ppm =
            (uint64_t)((vpr_u128)service->answered_ppm * left / (want == 0 ? 1 : want));
    }
}

const struct moves short_large = {.serve = serve_first};

/* ---- validator1 and its friends, servicers 1 and 2 ---- */

#define FRIENDS 2
#define SERVICERS 10 /* of the open world */

/* Of the newest version <= session; score_initial before there is one. */
static uint32_t score_of(struct stage *stage, const struct vpr_address *servicer, uint32_t chain,
                         uint64_t session, const Viper__V1__Params *params)
{
    uint8_t key[33] = {VPR_KEY_SCORE};
    memcpy(key + 1, servicer->b, sizeof servicer->b);
    vpr_put_be16(key + 21, (uint16_t)chain);
    vpr_put_be16(key + 23, 1);
    for (uint64_t s = session;; s--) {
        vpr_put_be64(key + 25, s);
        const Viper__V1__Score *score = (const Viper__V1__Score *)mirror_record(
            stage->mirror, &stage->block, VPR_STORE_SCORES, vpr_bytes_of(key, sizeof key),
            &viper__v1__score__descriptor);
        if (score != NULL || s == 0) {
            return (uint32_t)(score != NULL ? score->ppm : params->score_initial);
        }
    }
}

/* Before a session has opened no query tells its pool; in the open world all servicers are in
 * it with the same stake. */
static struct vpr_pool pool_of(struct stage *stage, uint32_t chain, uint64_t session)
{
    const Viper__V1__Params *params = mirror_params(stage->mirror, &stage->block, session);
    struct vpr_pool_member members[SERVICERS];
    struct vpr_pool pool;
    for (size_t i = 0; i < SERVICERS; i++) {
        const char *label = vpr_arena_text(&stage->block, "servicer%zu", i + 1);
        members[i].id = world_address(label);
        members[i].owner = world_address(vpr_arena_text(&stage->block, "%s.owner", label));
        VPR_ASSERT(vpr_servicer_weight(
            &members[i].weight, params->min_stake_servicer, 0, (uint32_t)params->score_floor,
            score_of(stage, &members[i].id, chain, session, params)));
    }
    VPR_ASSERT(vpr_pool_build(&pool, &stage->block, members, SERVICERS));
    return pool;
}

/* What its friends may serve in the sessions that `seed` draws, in VIPR of stake behind it. */
static uint64_t worth(const struct vpr_pool pools[2], uint64_t session,
                      const struct vpr_hash *seed)
{
    static const struct {
        const char *label, *owner;
        uint32_t chain;
        uint64_t vipr;
    } requestors[] = {{"requestor1", "requestor1.owner", 1, LARGE_VIPR},
                      {"requestor2", "requestor2.owner", 2, LARGE_VIPR},
                      {"requestor3", "requestor3.owner", 1, SMALL_VIPR}};
    uint64_t sum = 0;
    for (size_t i = 0; i < VPR_COUNT(requestors); i++) {
        const struct vpr_pool_member *drawn[VPR_DRAW_SLOTS_MAX];
        struct vpr_address id = world_address(requestors[i].label);
        struct vpr_address owner = world_address(requestors[i].owner);
        struct vpr_hash sid = vpr_sid(vpr_bytes_str(WORLD_CHAIN_ID), session, &id,
                                      (uint16_t)requestors[i].chain, 1);
        struct vpr_hash key = vpr_draw_key(&sid, seed);
        uint32_t n = vpr_draw(drawn, &pools[requestors[i].chain - 1], VPR_DRAW_SERVICERS, &key,
                              5, &owner, 1);
        for (uint32_t k = 0; k < n; k++) {
            sum += market_among(&drawn[k]->id, "servicer", FRIENDS) ? requestors[i].vipr : 0;
        }
    }
    return sum;
}

/* In the last block of a session, with its turn to propose: the better of both seeds. */
static void withhold(struct play *play, struct plan *plan)
{
    struct stage *stage = play->stage;
    uint64_t number = market_session(play);
    const Viper__V1__Session *running =
        mirror_session(stage->mirror, &stage->block, number);
    struct vpr_address me = world_consensus("validator1"), id = world_address("validator1");
    struct set_member proposer = set_proposer(&stage->now, 0);
    if (running == NULL || stage->height + 1 != running->last ||
        !vpr_address_equal(&proposer.address, &me)) {
        return;
    }
    const Viper__V1__Actor *actor = mirror_actor(stage->mirror, &stage->block, &id);
    const uint8_t first = VPR_KEY_BEACON;
    struct vpr_bytes bytes = mirror_get(stage->mirror, VPR_STORE_BEACON, vpr_bytes_of(&first, 1));
    struct vpr_hash before, end;
    VPR_ASSERT(actor != NULL && bytes.len == sizeof before.b);
    memcpy(before.b, bytes.data, sizeof before.b);
    memcpy(end.b, actor->validator->beacon_end.data, sizeof end.b);
    const struct beacon_chain *chain = beacon_of(&stage->beacons[0], &end);
    if (chain == NULL || chain->left == 0) {
        return;
    }
    const struct vpr_pool pools[2] = {pool_of(stage, 1, number + 1),
                                      pool_of(stage, 2, number + 1)};
    struct vpr_hash told = vpr_beacon_reveal(&before, &chain->values[chain->left - 1]);
    struct vpr_hash silent = vpr_beacon_skip(&before, &me);
    uint64_t if_silent = worth(pools, number + 1, &silent);
    uint64_t if_told = worth(pools, number + 1, &told);
    plan->silent = if_silent > if_told;
    play->own[0]++;
    play->own[1] += plan->silent ? 1 : 0;
    play->own[2] = number + 1;
    play->own[3] = plan->silent ? if_silent : if_told;
}

/* What it foresaw is what was drawn. */
static void compare(struct play *play)
{
    const struct shift *shift = market_shift(play, play->own[2]);
    uint64_t sum = 0;
    if (play->own[2] == 0 || shift == NULL || !market_at(play, 1)) {
        return;
    }
    for (size_t i = 0; i < shift->bench_count; i++) {
        const struct vpr_bench *bench = &shift->benches[i];
        for (uint32_t k = 0; k < bench->servicer_count; k++) {
            bool own = market_among(&bench->servicers[k].id, "servicer", FRIENDS);
            sum += !own                                          ? 0
                   : market_is(&bench->requestor, "requestor3") ? SMALL_VIPR
                                                                 : LARGE_VIPR;
        }
    }
    VPR_ASSERT(sum == play->own[3]);
}

const struct moves withholding = {.plan = withhold, .step = compare};

/* ---- leaving with a bad name and coming back with a new one ---- */

static bool is_bad(const struct vpr_address *servicer)
{
    return market_is(servicer, BAD) || market_among(servicer, "returned", RETURNS_MAX);
}

/* Too bad to keep a score above score_min. */
static void serve_badly(struct play *play, const struct vpr_bench *bench,
                        const struct vpr_address *servicer, struct service *service)
{
    (void)play;
    (void)bench;
    if (is_bad(servicer)) {
        service->answered_ppm = 300000;
    }
}

const struct moves staying_bad = {.serve = serve_badly};

static void unstake(struct play *play, const char *name, struct vpr_address owner)
{
    Viper__V1__MsgUnstake m = VIPER__V1__MSG_UNSTAKE__INIT;
    m.owner = world_text_of(&owner);
    m.actor = world_text(name);
    market_send(play, &owner, &m.base, false, NULL);
}

static void stake_again(struct play *play, const char *name, struct vpr_address owner)
{
    static uint32_t chains[] = {1, 2};
    struct vpr_arena *arena = &play->stage->block;
    struct vpr_hash key = world_ed25519(vpr_arena_text(arena, "%s.relay", name));
    Viper__V1__MsgStakeServicer m = VIPER__V1__MSG_STAKE_SERVICER__INIT;
    m.owner = world_text_of(&owner);
    m.operator_ = world_text(name);
    m.amount = 15000 * WORLD_VIPR;
    m.url = vpr_arena_text(arena, "http://127.0.0.1:8500");
    m.relay_key.data = key.b;
    m.relay_key.len = sizeof key.b;
    m.zone = 1;
    m.n_chains = VPR_COUNT(chains);
    m.chains = chains;
    market_send(play, &owner, &m.base, false, NULL);
}

/* own[0]: how often it has come back; own[1]: session in which its present name began. */
static void leave_and_return(struct play *play)
{
    struct stage *stage = play->stage;
    uint64_t session = market_session(play);
    if (!market_at(play, 1) || play->own[0] >= RETURNS_MAX) {
        return;
    }
    const char *name = play->own[0] == 0
                           ? BAD
                           : vpr_arena_text(&stage->block, "returned%" PRIu64, play->own[0]);
    struct vpr_address id = world_address(name), owner = world_address(BAD ".owner");
    (void)world_text(BAD ".owner");
    const Viper__V1__Actor *actor = mirror_actor(stage->mirror, &stage->block, &id);
    if (actor == NULL) {
        return; /* on its way */
    }
    if (actor->status == VIPER__V1__STATUS__STATUS_GONE) {
        play->own[0]++;
        play->own[1] = session;
        stake_again(play, vpr_arena_text(&stage->block, "returned%" PRIu64, play->own[0]),
                    owner);
    } else if (actor->status != VIPER__V1__STATUS__STATUS_UNSTAKING &&
               session >= play->own[1] + 8) {
        unstake(play, name, owner);
    }
}

const struct moves returning = {.serve = serve_badly, .step = leave_and_return};
