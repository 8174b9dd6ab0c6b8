#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/commits.h"
#include "app/domain/delegation.h"
#include "app/domain/slashing.h"
#include "app/rules/card.h"
#include "tests/unit/world.h"

/* Lives made of dice: actors come, change, work and leave in any order.  After every block the
 * invariants hold (world_end), what was minted is what events told, and a life without caches
 * meets the same app hash. */

#define BLOCKS 160
#define OWNERS 16    /* rich; they stake */
#define OPERATORS 80 /* of theirs to come */
#define MOVES_A_BLOCK 10
#define ACTORS_MAX 512

static struct vpr_arena build; /* of one move's message */
static struct world *w;
static uint64_t dice;
static bool cached;

static uint64_t roll(uint64_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return (dice >> 11) % sides;
}

/* ---- who there is ---- */

static const char *const genesis_names[] = {"validator", "servicer", "fisherman", "requestor"};

/* Every account of this test; the same number always has the same label. */
static const char *label_at(size_t i)
{
    static char labels[OWNERS + OPERATORS + 48][24];
    ck_assert_uint_lt(i, VPR_COUNT(labels));
    if (i < OWNERS + OPERATORS) {
        (void)snprintf(labels[i], sizeof labels[i], "%s%zu", i < OWNERS ? "rich" : "hand", i);
    } else {
        size_t rest = i - OWNERS - OPERATORS;
        (void)snprintf(labels[i], sizeof labels[i], "%s%zu%s", genesis_names[rest / 12],
                       rest / 2 % 6 + 1, rest % 2 == 0 ? "" : ".owner");
    }
    return labels[i];
}

static char *text_at(size_t i)
{
    return world_text(label_at(i));
}

static const char *label_of(ProtobufCBinaryData address)
{
    static struct vpr_address all[OWNERS + OPERATORS + 48];
    static bool known;
    for (size_t i = 0; i < VPR_COUNT(all); i++) {
        if (!known) {
            all[i] = world_address(label_at(i));
        }
    }
    known = true;
    for (size_t i = 0; i < VPR_COUNT(all); i++) {
        if (memcmp(all[i].b, address.data, sizeof all[i].b) == 0) {
            return label_at(i);
        }
    }
    ck_abort_msg("an account that no label has");
}

static size_t an_owner(void)
{
    return roll(OWNERS);
}

static size_t an_operator(void)
{
    return OWNERS + roll(OPERATORS);
}

/* ---- messages ---- */

static unsigned taken[100]; /* how often each code came */

static void send(const char *label, const ProtobufCMessage *m)
{
    struct vpr_tx_result r = world_tx(w, label, m);
    ck_assert_uint_lt((size_t)r.code, VPR_COUNT(taken));
    taken[r.code]++;
}

static ProtobufCBinaryData key_of(const char *label)
{
    struct vpr_hash key = world_ed25519(label);
    return (ProtobufCBinaryData){32, vpr_arena_copy(&build, key.b, 32)};
}

static ProtobufCBinaryData any_hash(void)
{
    uint8_t *b = vpr_arena_alloc(&build, 32);
    for (size_t i = 0; i < 32; i++) {
        b[i] = (uint8_t)roll(256);
    }
    return (ProtobufCBinaryData){32, b};
}

static uint32_t both[] = {1, 2};
static char some_url[] = "http://127.0.0.1:1";
static char no_url[] = "";

static void stake_servicer(void)
{
    Viper__V1__MsgStakeServicer m = VIPER__V1__MSG_STAKE_SERVICER__INIT;
    size_t owner = an_owner();
    m.owner = text_at(owner);
    m.operator_ = text_at(an_operator());
    m.amount = (14500 + roll(2000)) * WORLD_VIPR;
    m.url = some_url;
    m.relay_key = key_of("relay");
    m.zone = 1;
    m.n_chains = 1 + roll(2);
    m.chains = both;
    send(label_at(owner), &m.base);
}

static void stake_fisherman(void)
{
    Viper__V1__MsgStakeFisherman m = VIPER__V1__MSG_STAKE_FISHERMAN__INIT;
    size_t owner = an_owner();
    m.owner = text_at(owner);
    m.operator_ = text_at(an_operator());
    m.amount = 15000 * WORLD_VIPR;
    m.zone = 1;
    m.n_chains = 2;
    m.chains = both;
    send(label_at(owner), &m.base);
}

static void stake_validator(void)
{
    Viper__V1__MsgStakeValidator m = VIPER__V1__MSG_STAKE_VALIDATOR__INIT;
    static const char *const keys[] = {"key1", "key2", "key3", "key4", "key5", "key6"};
    size_t owner = an_owner();
    m.owner = text_at(owner);
    m.operator_ = text_at(an_operator());
    m.amount = (50000 + roll(3) * 1000) * WORLD_VIPR;
    m.consensus_key = key_of(keys[roll(VPR_COUNT(keys))]);
    m.beacon_end = any_hash();
    send(label_at(owner), &m.base);
}

static void stake_requestor(void)
{
    Viper__V1__MsgStakeRequestor m = VIPER__V1__MSG_STAKE_REQUESTOR__INIT;
    Viper__V1__Pair pair = VIPER__V1__PAIR__INIT, *pairs = &pair;
    ProtobufCBinaryData key = key_of("gateway");
    size_t owner = an_owner();
    pair.chain = 1 + (uint32_t)roll(2);
    pair.zone = 1;
    pair.share_ppm = 1000000;
    m.owner = text_at(owner);
    m.operator_ = text_at(an_operator());
    m.amount = (5000 + roll(100000)) * WORLD_VIPR;
    m.num_servicers = 3 + (uint32_t)roll(4);
    m.n_pairs = 1;
    m.pairs = &pairs;
    m.n_gateway_keys = 1;
    m.gateway_keys = &key;
    m.shadow_url = no_url;
    send(label_at(owner), &m.base);
}

/* Any actor that is not gone, with the labels of its owner and operator. */
struct someone {
    char *id;
    const char *owner, *operator_;
};

static bool pick(Viper__V1__Kind kind, struct vpr_address *ret_id, struct someone *ret)
{
    static struct vpr_address ids[ACTORS_MAX];
    struct vpr_address id, last;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    size_t count = 0, mark = vpr_arena_mark(&w->scratch);
    while (vpr_actor_next(&w->ctx, after, &id, &actor)) {
        last = id;
        after = &last;
        if (actor->status != VIPER__V1__STATUS__STATUS_GONE &&
            (kind == VIPER__V1__KIND__KIND_NONE || actor->kind == kind)) {
            ck_assert_uint_lt(count, ACTORS_MAX);
            ids[count++] = id;
        }
    }
    if (count > 0) {
        *ret_id = ids[roll(count)];
        actor = vpr_actor_get(&w->ctx, ret_id);
        *ret = (struct someone){world_text_of(ret_id), label_of(actor->owner),
                                label_of(actor->operator_)};
    }
    vpr_arena_release(&w->scratch, mark);
    return count > 0;
}

static bool anyone(struct someone *ret)
{
    struct vpr_address id;
    return pick(VIPER__V1__KIND__KIND_NONE, &id, ret);
}

static void pause_one(void)
{
    Viper__V1__MsgPause m = VIPER__V1__MSG_PAUSE__INIT;
    struct someone who;
    if (roll(3) == 0 && anyone(&who)) {
        m.signer = world_text(who.operator_);
        m.actor = who.id;
        send(who.operator_, &m.base);
    }
}

static void resume(void)
{
    Viper__V1__MsgResume m = VIPER__V1__MSG_RESUME__INIT;
    struct someone who;
    if (anyone(&who)) {
        m.signer = world_text(who.owner);
        m.actor = who.id;
        send(who.owner, &m.base);
    }
}

static void unstake(void)
{
    Viper__V1__MsgUnstake m = VIPER__V1__MSG_UNSTAKE__INIT;
    struct someone who;
    if (roll(2) == 0 && anyone(&who)) {
        m.owner = world_text(who.owner);
        m.actor = who.id;
        send(who.owner, &m.base);
    }
}

static void increase(void)
{
    Viper__V1__MsgIncreaseStake m = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    struct someone who;
    if (anyone(&who)) {
        m.owner = world_text(who.owner);
        m.actor = who.id;
        m.amount = 1 + roll(100 * WORLD_VIPR);
        send(who.owner, &m.base);
    }
}

static void change_hands(void)
{
    Viper__V1__MsgSetOperator o = VIPER__V1__MSG_SET_OPERATOR__INIT;
    Viper__V1__MsgSetOwner n = VIPER__V1__MSG_SET_OWNER__INIT;
    struct someone who;
    if (!anyone(&who)) {
        return;
    }
    o.owner = n.owner = world_text(who.owner);
    o.actor = n.actor = who.id;
    o.operator_ = text_at(an_operator());
    n.new_owner = text_at(an_owner());
    send(who.owner, roll(2) == 0 ? &o.base : &n.base);
}

static void edit(void)
{
    Viper__V1__MsgEditServicer s = VIPER__V1__MSG_EDIT_SERVICER__INIT;
    Viper__V1__MsgRenewBeacon v = VIPER__V1__MSG_RENEW_BEACON__INIT;
    struct someone who;
    if (!anyone(&who)) {
        return;
    }
    s.signer = v.signer = world_text(who.operator_);
    s.servicer = v.validator = who.id;
    s.url = some_url;
    s.relay_key = key_of("other relay");
    s.zone = 1;
    s.n_chains = 1 + roll(2);
    s.chains = both;
    v.beacon_end = any_hash();
    send(who.operator_, roll(2) == 0 ? &s.base : &v.base);
}

/* ---- delegations ---- */

/* Of any size: units, a little, or more than the owner's stake. */
static uint64_t an_amount(void)
{
    static const uint64_t sizes[] = {3, 1000, 50 * WORLD_VIPR, 100000 * WORLD_VIPR};
    return 1 + roll(sizes[roll(VPR_COUNT(sizes))]);
}

static void delegate(void)
{
    Viper__V1__MsgDelegate m = VIPER__V1__MSG_DELEGATE__INIT;
    struct vpr_address id;
    struct someone who;
    size_t owner = an_owner();
    if (pick(roll(2) == 0 ? VIPER__V1__KIND__KIND_VALIDATOR : VIPER__V1__KIND__KIND_SERVICER,
             &id, &who)) {
        m.delegator = text_at(owner);
        m.actor = who.id;
        m.amount = an_amount();
        send(label_at(owner), &m.base);
    }
}

/* Something that somebody has there, whoever is gone; false: nobody has. */
static bool any_delegation(size_t *ret_owner, struct vpr_address *ret_id, uint64_t *ret_tokens)
{
    struct vpr_address at, delegator;
    const struct vpr_address *after = NULL;
    uint64_t tokens, seen = 0;
    size_t mark = vpr_arena_mark(&w->scratch);
    *ret_owner = an_owner();
    delegator = world_address(label_at(*ret_owner));
    while (vpr_delegation_next(&w->ctx, &delegator, after, &at, &tokens)) {
        if (roll(++seen) == 0) {
            *ret_id = at;
            *ret_tokens = tokens;
        }
        after = &at;
    }
    vpr_arena_release(&w->scratch, mark);
    return seen > 0;
}

static void undelegate(void)
{
    Viper__V1__MsgUndelegate m = VIPER__V1__MSG_UNDELEGATE__INIT;
    struct vpr_address id;
    uint64_t tokens;
    size_t owner;
    if (any_delegation(&owner, &id, &tokens)) {
        m.delegator = text_at(owner);
        m.actor = world_text_of(&id);
        m.amount = roll(3) == 0 ? tokens : 1 + roll(tokens + 2);
        send(label_at(owner), &m.base);
    }
}

static void withdraw(void)
{
    Viper__V1__MsgWithdraw m = VIPER__V1__MSG_WITHDRAW__INIT;
    struct vpr_address id;
    uint64_t tokens;
    size_t owner;
    if (any_delegation(&owner, &id, &tokens)) {
        m.delegator = text_at(owner);
        m.actor = world_text_of(&id);
        send(label_at(owner), &m.base);
    }
}

static void set_commission(void)
{
    Viper__V1__MsgSetCommission m = VIPER__V1__MSG_SET_COMMISSION__INIT;
    struct someone who;
    if (anyone(&who)) {
        m.owner = world_text(who.owner);
        m.actor = who.id;
        m.commission_ppm = (uint32_t)roll(20000);
        send(who.owner, &m.base);
    }
}

static void slash_by_decree(void)
{
    static const uint64_t parts[] = {0, 100, 1000, 50000, 999999, 1000000};
    struct vpr_address id;
    struct someone who;
    if (roll(4) == 0 &&
        pick(roll(2) == 0 ? VIPER__V1__KIND__KIND_VALIDATOR : VIPER__V1__KIND__KIND_SERVICER,
             &id, &who)) {
        uint64_t back = roll(w->ctx.height < 30 ? w->ctx.height : 30);
        (void)vpr_actor_slash(&w->ctx, &id, parts[roll(VPR_COUNT(parts))], w->ctx.height - back,
                              VIPER__V1__SLASH_REASON__SLASH_REASON_DOUBLE_SIGN);
    }
}

/* ---- the work of sessions ---- */

/* A bench of the session `back` before the running one; false: none. */
static bool any_bench(uint64_t back, struct vpr_session *ret_session, struct vpr_bench *ret)
{
    struct vpr_address requestor;
    struct someone unused;
    uint64_t running = vpr_session_number(&w->ctx);
    return running >= back && vpr_session_get(&w->ctx, running - back, ret_session) &&
           pick(VIPER__V1__KIND__KIND_REQUESTOR, &requestor, &unused) &&
           vpr_bench_draw(&w->ctx, ret, ret_session, &requestor, (uint16_t)(1 + roll(2)), 1) ==
               VPR_OK;
}

static const char *operator_of(const struct vpr_address *id)
{
    size_t mark = vpr_arena_mark(&w->scratch);
    const char *label = label_of(vpr_actor_get(&w->ctx, id)->operator_);
    vpr_arena_release(&w->scratch, mark);
    return label;
}

static void commit(void)
{
    Viper__V1__MsgCommit m = VIPER__V1__MSG_COMMIT__INIT;
    Viper__V1__CommitEntry entry = VIPER__V1__COMMIT_ENTRY__INIT, *entries = &entry;
    struct vpr_session session;
    struct vpr_bench bench;
    if (!any_bench(1, &session, &bench)) {
        return;
    }
    const char *label = operator_of(&bench.servicers[roll(bench.servicer_count)].id);
    entry.requestor = world_text_of(&bench.requestor);
    entry.chain = bench.chain;
    entry.zone = 1;
    entry.root = any_hash();
    entry.sum = 1 + roll(20000);
    entry.count = 1 + roll(entry.sum);
    m.operator_ = world_text(label);
    m.session = session.number;
    m.n_entries = 1;
    m.entries = &entries;
    send(label, &m.base);
}

/* The card of a fisherman that saw nothing: everything about it is known. */
static struct vpr_hash empty_seal(const struct vpr_bench *bench, const struct vpr_address *who)
{
    struct vpr_card card;
    struct vpr_hash salt = {{7}};
    memset(&card, 0, sizeof card);
    card.count = bench->servicer_count;
    for (uint32_t i = 0; i < card.count; i++) {
        card.lines[i].servicer = bench->servicers[i].id;
    }
    return vpr_card_seal(&card, &salt, &bench->sid, who);
}

static void report(void)
{
    Viper__V1__MsgReportCard m = VIPER__V1__MSG_REPORT_CARD__INIT;
    Viper__V1__SealEntry entry = VIPER__V1__SEAL_ENTRY__INIT, *entries = &entry;
    struct vpr_session session;
    struct vpr_bench bench;
    if (!any_bench(1, &session, &bench) || bench.fisherman_count == 0) {
        return;
    }
    const struct vpr_address *who = &bench.fishermen[roll(bench.fisherman_count)].id;
    const char *label = operator_of(who);
    struct vpr_hash seal = empty_seal(&bench, who);
    entry.requestor = world_text_of(&bench.requestor);
    entry.chain = bench.chain;
    entry.zone = 1;
    entry.seal = (ProtobufCBinaryData){32, vpr_arena_copy(&build, seal.b, 32)};
    m.operator_ = world_text(label);
    m.session = session.number;
    m.n_entries = roll(4) != 0;
    m.entries = &entries;
    send(label, &m.base);
}

static void reveal(void)
{
    static uint8_t salt[32] = {7}, zero[32];
    Viper__V1__MsgReveal m = VIPER__V1__MSG_REVEAL__INIT;
    Viper__V1__RevealedCard card = VIPER__V1__REVEALED_CARD__INIT, *cards = &card;
    Viper__V1__CardLine *lines[VPR_SEATS_MAX];
    struct vpr_session session;
    struct vpr_bench bench;
    if (!any_bench(2, &session, &bench) || bench.fisherman_count == 0) {
        return;
    }
    const char *label = operator_of(&bench.fishermen[roll(bench.fisherman_count)].id);
    for (uint32_t i = 0; i < bench.servicer_count; i++) {
        lines[i] = VPR_ARENA_NEW(&build, Viper__V1__CardLine);
        viper__v1__card_line__init(lines[i]);
        lines[i]->servicer = world_text_of(&bench.servicers[i].id);
    }
    card.sid = (ProtobufCBinaryData){32, vpr_arena_copy(&build, bench.sid.b, 32)};
    card.salt = (ProtobufCBinaryData){32, salt};
    card.samples_root = (ProtobufCBinaryData){32, zero};
    card.n_lines = bench.servicer_count;
    card.lines = lines;
    m.operator_ = world_text(label);
    m.session = session.number;
    m.n_cards = 1;
    m.cards = &cards;
    send(label, &m.base);
}

/* Written into the state, not proved: so that what settles is worth something. */
static void prove_by_decree(void)
{
    struct vpr_session session;
    struct vpr_bench bench;
    if (!any_bench(2, &session, &bench) || !session.has_challenge) {
        return;
    }
    for (uint32_t i = 0; i < bench.servicer_count; i++) {
        const struct vpr_address *id = &bench.servicers[i].id;
        const Viper__V1__Commit *commit =
            vpr_commit_get(&w->ctx, session.number, &bench.sid, id);
        if (commit != NULL) {
            Viper__V1__Commit proved = *commit;
            proved.tails_proved = true;
            proved.tails_cu = roll(30000);
            vpr_commit_put(&w->ctx, session.number, &bench.sid, id, &proved);
            vpr_samples_set(&w->ctx, session.number, id, 3);
        }
    }
}

static void card_line(Viper__V1__LineRecord *line, const struct vpr_address *servicer)
{
    viper__v1__line_record__init(line);
    line->servicer = (ProtobufCBinaryData){20, vpr_arena_copy(&build, servicer->b, 20)};
    line->sent = roll(60);
    line->refused = roll(line->sent + 1);
    line->answered = roll(line->sent - line->refused + 1);
    line->checked = roll(line->answered + 1);
    line->correct = roll(line->checked + 1);
    line->p90_ms = roll(1300);
}

static struct vpr_key_buf card_key(enum vpr_key_first first, const struct vpr_bench *bench,
                                   const struct vpr_address *fisherman)
{
    struct vpr_key_buf key = vpr_key(first);
    vpr_key_u64(&key, bench->session);
    vpr_key_hash(&key, &bench->sid);
    vpr_key_address(&key, fisherman);
    return key;
}

/* Sealed and revealed, whatever it says. */
static void judge_by_decree(void)
{
    Viper__V1__LineRecord lines[VPR_SEATS_MAX], *list[VPR_SEATS_MAX];
    struct vpr_session session;
    struct vpr_bench bench;
    if (!any_bench(2, &session, &bench) || !session.has_challenge ||
        vpr_bench_committed(&w->ctx, session.number, &bench.sid) == 0) {
        return;
    }
    for (uint32_t f = 0; f < bench.fisherman_count; f++) {
        Viper__V1__CardRecord card = VIPER__V1__CARD_RECORD__INIT;
        Viper__V1__Seal seal = VIPER__V1__SEAL__INIT;
        struct vpr_key_buf key = card_key(VPR_KEY_CARD, &bench, &bench.fishermen[f].id);
        struct vpr_key_buf sealed = card_key(VPR_KEY_SEAL, &bench, &bench.fishermen[f].id);
        for (uint32_t i = 0; i < bench.servicer_count; i++) {
            card_line(&lines[i], &bench.servicers[i].id);
            list[i] = &lines[i];
        }
        card.n_lines = bench.servicer_count;
        card.lines = list;
        vpr_record_put(&w->ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&key), &card.base);
        vpr_record_put(&w->ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&sealed), &seal.base);
    }
}

/* ---- lives ---- */

static void (*const moves[])(void) = {
    stake_servicer, stake_fisherman, stake_validator, stake_requestor, pause_one, resume,
    unstake,        increase,        change_hands,    edit,            commit,    commit,
    commit,         report,          report,          reveal,          prove_by_decree,
    judge_by_decree, delegate,     delegate,        undelegate,   withdraw,  set_commission,
    slash_by_decree,
};

static void fund(Viper__V1__GenesisState *g, char *who, uint64_t vipr)
{
    Viper__V1__GenesisAccount *account = VPR_ARENA_NEW(&build, Viper__V1__GenesisAccount);
    viper__v1__genesis_account__init(account);
    account->address = who;
    account->balance = vipr * WORLD_VIPR;
    g->accounts[g->n_accounts++] = account;
}

static void shape(Viper__V1__GenesisState *g, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < OWNERS + OPERATORS; i++) {
        fund(g, text_at(i), i < OWNERS ? 2000000 : 1000);
    }
    g->params->settle_per_block = 1 + roll(7);
    g->params->fishermen_per_session = roll(5);
    g->params->max_validators = 2 + roll(5);
    g->params->session_blocks = 8 + roll(6);
    g->params->unbonding_seconds = 1 + roll(200);
}

static uint64_t told_minted(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < w->events.count; i++) {
        const struct vpr_event *event = w->events.list[i];
        bool mints = strcmp(event->type, "verify") == 0 || strcmp(event->type, "yield") == 0;
        for (uint32_t a = 0; mints && a < event->count; a++) {
            if (strcmp(event->attributes[a].key, "minted") == 0) {
                sum += strtoull(event->attributes[a].value, NULL, 10);
            }
        }
    }
    return sum;
}

static void forget(void)
{
    if (!cached) {
        vpr_pools_forget(w->ctx.pools);
    }
}

static struct vpr_hash live(uint64_t seed)
{
    static const char *const proposers[] = {"validator1", "validator2", "validator3", "key1"};
    uint64_t minted = 0;
    dice = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    w = world_create(shape, NULL);
    w->compared = true;
    for (int block = 0; block < BLOCKS; block++) {
        w->proposer = proposers[roll(VPR_COUNT(proposers))];
        w->silent = roll(3) == 0;
        w->ctx.time_s += roll(3) == 0 ? 20 : 0;
        forget();
        world_begin(w);
        for (uint64_t left = roll(MOVES_A_BLOCK); left > 0; left--) {
            size_t mark = vpr_arena_mark(&build);
            forget();
            moves[roll(VPR_COUNT(moves))]();
            vpr_arena_release(&build, mark);
        }
        minted += told_minted();
        world_end(w);
    }
    struct vpr_supply supply = vpr_supply_get(&w->ctx);
    ck_assert_uint_eq(supply.minted.uvipr, minted);
    ck_assert_uint_eq(supply.total.uvipr, supply.genesis.uvipr + minted - supply.burned.uvipr);
    struct vpr_hash hash = w->app_hash;
    world_destroy(w);
    return hash;
}

START_TEST(no_life_breaks_an_invariant_and_no_cache_decides_anything)
{
    vpr_arena_init(&build, UINT64_C(1) << 28);
    cached = false;
    struct vpr_hash without = live((uint64_t)_i + 1);
    cached = true;
    struct vpr_hash with = live((uint64_t)_i + 1);
    ck_assert_mem_eq(with.b, without.b, sizeof with.b);
    /* It was a life: most of what was tried went well, and not all. */
    ck_assert_uint_gt(taken[VPR_OK], BLOCKS);
    ck_assert_uint_gt(taken[VPR_BAD_STATUS], 0);
    ck_assert_uint_gt(taken[VPR_STAKED], 0);
    ck_assert_uint_gt(taken[VPR_NOT_DELEGATED], 0);
    vpr_arena_finish(&build);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("random");
    TCase *t = tcase_create("random");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, no_life_breaks_an_invariant_and_no_cache_decides_anything, 0, 6);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
