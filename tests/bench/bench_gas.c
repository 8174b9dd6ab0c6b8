/* bench_gas.c - what a block full of each message costs: is gas a measure of CPU?
 *
 *     bench_gas --viperd PROGRAM [--servicers N] [--folder DIR]
 *
 * Each row is one block of one kind of transaction, at its most expensive where a message has a
 * choice, through tests/driver and a real viperd.  The block is then thought full: to the block's
 * gas, carried signatures or bytes, whichever ends first.  What every node must do for it
 * (ProcessProposal, FinalizeBlock, Commit) is held against the time of 7,000 signatures, which
 * the limits are made for: a kind above LIMIT times that fails the bench.  Figures:
 * docs/performance.md.  No consensus stands behind it. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/domain/commits.h"
#include "app/domain/proposals.h"
#include "app/domain/reportcards.h"
#include "app/domain/votes.h"
#include "app/tx/params.h"
#include "app/tx/run.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "tests/bench/day.h"

#define LIMIT 2.0 /* times the CPU of a block's signatures */
#define REQUESTORS 64
#define CHAINS 16
#define SEATS 24
#define FISHERMEN 20
#define EMPTY 5 /* of them reveal cards of nothing */
#define VALIDATORS 128
#define SESSION_BLOCKS 64
#define CHALLENGE_DELAY 8
#define TXS 300 /* of a row, by one account: an account has 1,024 unordered ones */
#define PEOPLE 12

struct bench {
    struct stage stage;
    struct day day;
    double most;        /* of the next row in a block, whatever its gas; 0: as many as fit */
    unsigned failed;
};

/* ---- genesis ---- */

static char *person(struct vpr_arena *arena, unsigned i)
{
    return vpr_arena_text(arena, "person%u", i % PEOPLE);
}

static void widen_chains(Viper__V1__GenesisState *g, struct vpr_arena *arena)
{
    Viper__V1__GenesisChain **chains = VPR_ARENA_ARRAY(arena, Viper__V1__GenesisChain *, CHAINS);
    for (uint32_t i = 0; i < CHAINS; i++) {
        chains[i] = vpr_arena_copy(arena, g->chains[0], sizeof *chains[i]);
        chains[i]->id = i + 1;
        chains[i]->name = vpr_arena_text(arena, "chain%u", i + 1);
    }
    g->chains = chains;
    g->n_chains = CHAINS;
}

static Viper__V1__Pair **all_pairs(struct vpr_arena *arena)
{
    Viper__V1__Pair **pairs = VPR_ARENA_ARRAY(arena, Viper__V1__Pair *, CHAINS);
    for (uint32_t i = 0; i < CHAINS; i++) {
        pairs[i] = VPR_ARENA_NEW(arena, Viper__V1__Pair);
        viper__v1__pair__init(pairs[i]);
        pairs[i]->chain = i + 1;
        pairs[i]->zone = 1;
        pairs[i]->share_ppm = VPR_PPM / CHAINS;
    }
    return pairs;
}

/* A servicer lists at most 15 chains; every second one leaves out the last, the others the
 * first. */
static uint32_t *chains_of(struct vpr_arena *arena, size_t i)
{
    uint32_t *chains = VPR_ARENA_ARRAY(arena, uint32_t, CHAINS - 1);
    for (uint32_t c = 0; c < CHAINS - 1; c++) {
        chains[c] = c + 1 + (uint32_t)(i % 2);
    }
    return chains;
}

static void change_genesis(Viper__V1__GenesisState *g, void *arg)
{
    struct vpr_arena *arena = &((struct bench *)arg)->stage.keep;
#define X(name, main, local, least, most, unit, slack) g->params->name = main;
    VPR_PARAMS(X)
#undef X
    g->params->session_blocks = SESSION_BLOCKS;
    g->params->min_quota = 1; /* 16 pairs of 24 servicers share one stake */
    widen_chains(g, arena);
    for (size_t i = 0; i < g->n_requestors; i++) {
        g->requestors[i]->num_servicers = SEATS;
        g->requestors[i]->pairs = all_pairs(arena);
        g->requestors[i]->n_pairs = CHAINS;
    }
    for (size_t i = 0; i < g->n_servicers; i++) {
        g->servicers[i]->chains = chains_of(arena, i);
        g->servicers[i]->n_chains = CHAINS - 1;
    }
    for (size_t i = 0; i < g->n_fishermen; i++) {
        g->fishermen[i]->chains = chains_of(arena, i);
        g->fishermen[i]->n_chains = CHAINS - 1;
    }
    for (unsigned i = 0; i < PEOPLE; i++) {
        cast_fund(arena, g, world_text(person(arena, i)), UINT64_C(1000000000) * WORLD_VIPR);
    }
}

/* ---- messages of one account each ---- */

static char *text_of(struct bench *b, const char *label)
{
    return vpr_arena_text(&b->stage.block, "%s", world_text(label));
}

static char *named(struct bench *b, const char *what, unsigned i)
{
    return vpr_arena_text(&b->stage.block, "%s%u", what, i);
}

static ProtobufCBinaryData key_bytes(struct bench *b, const char *label)
{
    struct vpr_hash key = world_ed25519(label);
    return (ProtobufCBinaryData){32, vpr_arena_copy(&b->stage.block, key.b, 32)};
}

#define NEW(b, name, type) \
    type *m = VPR_ARENA_NEW(&(b)->stage.block, type); \
    name##__init(m)

/* Who signs and what; i is the number of the transaction in its row. */
typedef const ProtobufCMessage *make_fn(struct bench *b, unsigned i, const char **ret_signer);

static const ProtobufCMessage *make_send(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, cosmos__bank__v1beta1__msg_send, Cosmos__Bank__V1beta1__MsgSend);
    Cosmos__Base__V1beta1__Coin *coin =
        VPR_ARENA_NEW(&b->stage.block, Cosmos__Base__V1beta1__Coin);
    cosmos__base__v1beta1__coin__init(coin);
    *ret_signer = person(&b->stage.block, i);
    coin->denom = vpr_arena_text(&b->stage.block, "uvipr");
    coin->amount = vpr_arena_text(&b->stage.block, "1000000");
    m->from_address = text_of(b, *ret_signer);
    m->to_address = text_of(b, named(b, "stranger", i)); /* a new account */
    m->amount = VPR_ARENA_ARRAY(&b->stage.block, Cosmos__Base__V1beta1__Coin *, 1);
    m->amount[m->n_amount++] = coin;
    return &m->base;
}

static const ProtobufCMessage *
make_stake_servicer(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_stake_servicer, Viper__V1__MsgStakeServicer);
    *ret_signer = person(&b->stage.block, i);
    m->owner = text_of(b, *ret_signer);
    m->operator_ = text_of(b, named(b, "late-servicer", i));
    m->amount = 15000 * WORLD_VIPR;
    m->url = vpr_arena_text(&b->stage.block, "http://127.0.0.1:8500");
    m->relay_key = key_bytes(b, named(b, "late-relay", i));
    m->zone = 1;
    m->chains = chains_of(&b->stage.block, i);
    m->n_chains = CHAINS - 1;
    return &m->base;
}

static const ProtobufCMessage *
make_edit_servicer(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_edit_servicer, Viper__V1__MsgEditServicer);
    *ret_signer = person(&b->stage.block, i);
    m->signer = text_of(b, *ret_signer);
    m->servicer = text_of(b, named(b, "late-servicer", i));
    m->url = vpr_arena_text(&b->stage.block, "http://127.0.0.1:8501");
    m->relay_key = key_bytes(b, named(b, "newer-relay", i));
    m->zone = 1;
    m->chains = chains_of(&b->stage.block, i + 1);
    m->n_chains = CHAINS - 1;
    return &m->base;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(((const ProtobufCBinaryData *)a)->data,
                  ((const ProtobufCBinaryData *)b)->data, 32);
}

static ProtobufCBinaryData *gateway_keys(struct bench *b, const char *what, unsigned i)
{
    ProtobufCBinaryData *keys = VPR_ARENA_ARRAY(&b->stage.block, ProtobufCBinaryData, 8);
    for (unsigned k = 0; k < 8; k++) {
        keys[k] = key_bytes(b, vpr_arena_text(&b->stage.block, "%s%u.%u", what, i, k));
    }
    qsort(keys, 8, sizeof keys[0], by_key);
    return keys;
}

static const ProtobufCMessage *
make_stake_requestor(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_stake_requestor, Viper__V1__MsgStakeRequestor);
    *ret_signer = person(&b->stage.block, i);
    m->owner = text_of(b, *ret_signer);
    m->operator_ = text_of(b, named(b, "late-requestor", i));
    m->amount = 1000000 * WORLD_VIPR;
    m->num_servicers = 3;
    m->pairs = all_pairs(&b->stage.block);
    m->n_pairs = CHAINS;
    m->gateway_keys = gateway_keys(b, "late-gateway", i);
    m->n_gateway_keys = 8;
    m->shadow_url = vpr_arena_text(&b->stage.block, "http://127.0.0.1:8482");
    return &m->base;
}

static const ProtobufCMessage *
make_edit_requestor(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_edit_requestor, Viper__V1__MsgEditRequestor);
    *ret_signer = person(&b->stage.block, i);
    m->signer = text_of(b, *ret_signer);
    m->requestor = text_of(b, named(b, "late-requestor", i));
    m->num_servicers = 4;
    m->pairs = all_pairs(&b->stage.block);
    m->n_pairs = CHAINS;
    m->gateway_keys = gateway_keys(b, "newer-gateway", i);
    m->n_gateway_keys = 8;
    m->shadow_url = vpr_arena_text(&b->stage.block, "http://127.0.0.1:8482");
    return &m->base;
}

static const ProtobufCMessage *
make_increase(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_increase_stake, Viper__V1__MsgIncreaseStake);
    *ret_signer = person(&b->stage.block, i);
    m->owner = text_of(b, *ret_signer);
    m->actor = text_of(b, named(b, "late-requestor", i));
    m->amount = WORLD_VIPR;
    return &m->base;
}

static const ProtobufCMessage *make_pause(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_pause, Viper__V1__MsgPause);
    *ret_signer = person(&b->stage.block, i);
    m->signer = text_of(b, *ret_signer);
    m->actor = text_of(b, named(b, "late-servicer", i));
    return &m->base;
}

static const ProtobufCMessage *make_resume(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_resume, Viper__V1__MsgResume);
    *ret_signer = person(&b->stage.block, i);
    m->signer = text_of(b, *ret_signer);
    m->actor = text_of(b, named(b, "late-servicer", i));
    return &m->base;
}

static const ProtobufCMessage *
make_unstake(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_unstake, Viper__V1__MsgUnstake);
    *ret_signer = person(&b->stage.block, i);
    m->owner = text_of(b, *ret_signer);
    m->actor = text_of(b, named(b, "late-servicer", i));
    return &m->base;
}

static const ProtobufCMessage *
make_set_owner(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_set_owner, Viper__V1__MsgSetOwner);
    *ret_signer = person(&b->stage.block, i);
    m->owner = text_of(b, *ret_signer);
    m->actor = text_of(b, named(b, "late-requestor", i));
    m->new_owner = text_of(b, person(&b->stage.block, i + 1));
    return &m->base;
}

/* To as many pools as one vote looks at: validators first. */
static const char *pool_of(struct bench *b, unsigned i)
{
    return i < VALIDATORS ? named(b, "validator", i + 1)
                          : named(b, "servicer", i - VALIDATORS + 1);
}

static const ProtobufCMessage *
make_delegate(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_delegate, Viper__V1__MsgDelegate);
    *ret_signer = "alice";
    m->delegator = text_of(b, *ret_signer);
    m->actor = text_of(b, pool_of(b, i));
    m->amount = 1000 + i;
    return &m->base;
}

static const ProtobufCMessage *
make_undelegate(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_undelegate, Viper__V1__MsgUndelegate);
    *ret_signer = "alice";
    m->delegator = text_of(b, *ret_signer);
    m->actor = text_of(b, pool_of(b, i));
    m->amount = 10;
    return &m->base;
}

static const ProtobufCMessage *
make_withdraw(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_withdraw, Viper__V1__MsgWithdraw);
    *ret_signer = "alice";
    m->delegator = text_of(b, *ret_signer);
    m->actor = text_of(b, pool_of(b, i));
    return &m->base;
}

static const ProtobufCMessage *make_vote(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_vote, Viper__V1__MsgVote);
    *ret_signer = "alice";
    m->voter = text_of(b, *ret_signer);
    m->proposal = 1 + i % 16;
    m->option = i / 16 % 2 == 0 ? VIPER__V1__VOTE_OPTION__VOTE_OPTION_YES
                                : VIPER__V1__VOTE_OPTION__VOTE_OPTION_NO;
    return &m->base;
}

static const ProtobufCMessage *
make_propose(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_propose, Viper__V1__MsgPropose);
    *ret_signer = person(&b->stage.block, i);
    m->proposer = text_of(b, *ret_signer);
    m->title = named(b, "title", i);
    m->summary = vpr_arena_text(&b->stage.block, "summary");
    return &m->base;
}

/* The longest table of methods, in the fewest bytes. */
#define METHODS 1024

static const ProtobufCMessage *
make_propose_chain(struct bench *b, unsigned i, const char **ret_signer)
{
    struct vpr_arena *arena = &b->stage.block;
    Viper__V1__GenesisChain *chain = VPR_ARENA_NEW(arena, Viper__V1__GenesisChain);
    NEW(b, viper__v1__msg_propose, Viper__V1__MsgPropose);
    *ret_signer = person(arena, i);
    m->proposer = text_of(b, *ret_signer);
    m->title = named(b, "chain", i);
    m->summary = vpr_arena_text(arena, "summary");
    m->chain = chain;
    viper__v1__genesis_chain__init(chain);
    chain->id = 1000 + i;
    chain->name = named(b, "proposed", i);
    chain->owner = m->proposer;
    chain->active = true;
    chain->multiplier_ppm = VPR_PPM;
    chain->latency_target_ms = 100;
    chain->latency_max_ms = 1100;
    chain->methods = VPR_ARENA_ARRAY(arena, Viper__V1__MethodCost *, METHODS);
    for (; chain->n_methods < METHODS; chain->n_methods++) {
        Viper__V1__MethodCost *cost = VPR_ARENA_NEW(arena, Viper__V1__MethodCost);
        viper__v1__method_cost__init(cost);
        cost->method = vpr_arena_text(arena, "%c%c", (int)('A' + chain->n_methods / 32),
                                      (int)('A' + chain->n_methods % 32));
        cost->cu = 1;
        chain->methods[chain->n_methods] = cost;
    }
    return &m->base;
}

static const ProtobufCMessage *make_price(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_price, Viper__V1__MsgPrice);
    *ret_signer = named(b, "validator", i + 1);
    m->operator_ = text_of(b, *ret_signer);
    m->price_micro_usd = 50000 + i;
    return &m->base;
}

static const ProtobufCMessage *make_renew(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_renew_beacon, Viper__V1__MsgRenewBeacon);
    *ret_signer = named(b, "validator", i + 1);
    m->signer = text_of(b, *ret_signer);
    m->validator = m->signer;
    m->beacon_end = key_bytes(b, named(b, "beacon-end", i));
    return &m->base;
}

/* Decoding is paid by bytes: the most fields that a message may have, in the fewest bytes. */
static const ProtobufCMessage *make_fields(struct bench *b, unsigned i, const char **ret_signer)
{
    NEW(b, viper__v1__msg_propose, Viper__V1__MsgPropose);
    *ret_signer = person(&b->stage.block, i);
    m->proposer = text_of(b, *ret_signer);
    m->title = vpr_arena_text(&b->stage.block, "t");
    m->summary = vpr_arena_text(&b->stage.block, "s");
    m->n_params = VPR_TX_FIELDS_MAX - 16;
    m->params = VPR_ARENA_ARRAY(&b->stage.block, Viper__V1__ParamChange *, m->n_params);
    m->params[0] = VPR_ARENA_NEW(&b->stage.block, Viper__V1__ParamChange);
    viper__v1__param_change__init(m->params[0]);
    for (size_t k = 1; k < m->n_params; k++) {
        m->params[k] = m->params[0];
    }
    return &m->base;
}

/* ---- one row ---- */

/* CPU of verifying one signature on this machine as it is now. */
static double signature_cost(void)
{
    struct vpr_hash seed = {{1}}, key, text = {{2}};
    struct vpr_signature signature;
    uint8_t secret[64];
    struct timespec start, end;
    const int n = 1000;
    vpr_ed25519_keypair(&key, secret, &seed);
    vpr_ed25519_sign(&signature, text.b, sizeof text.b, secret);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (int i = 0; i < n; i++) {
        VPR_ASSERT(vpr_ed25519_verify(&signature, text.b, sizeof text.b, &key));
    }
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return ((double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9) /
           n;
}

static const struct plan usual = {.seconds = 1};

/* How many such blocks' worth fit into one. */
static double fullness(const struct stage *s, double gas, double signatures)
{
    double bytes = (double)s->block_bytes / MAX_TX_BYTES;
    double most = gas / (double)VPR_BLOCK_GAS_MAX;
    double signed_ = signatures / (double)VPR_BLOCK_SIGNATURES_MAX;
    most = signed_ > most ? signed_ : most;
    return 1 / (bytes > most ? bytes : most);
}

/* What every node did for the last block. */
static double verify_s(const struct bench *b)
{
    const struct stage_time *parts = b->stage.parts;
    return parts[PART_PROCESS].cpu_s + parts[PART_FINALIZE].cpu_s + parts[PART_COMMIT].cpu_s;
}

/* Runs the block of what waits; `items`: what a line of the table is about. */
static void row(struct bench *b, const char *name, uint64_t items, uint32_t code)
{
    struct stage *s = &b->stage;
    double gas = 0, signatures = 0;
    size_t txs = s->pool_count;
    for (size_t i = 0; i < txs; i++) {
        signatures += (double)s->pool[i]->signatures;
    }
    double idle = verify_s(b); /* of the block before, in which nothing was */
    double signature = signature_cost();
    stage_block(s, &usual);
    VPR_ASSERT(s->result->n_tx_results == txs + 1 && s->pool_count == 0);
    for (size_t i = 1; i <= txs; i++) {
        const Tendermint__Abci__ExecTxResult *r = s->result->tx_results[i];
        if (r->code != code) {
            fprintf(stderr, "bench_gas: %s: %u: %s\n", name, r->code, r->log);
            exit(1);
        }
        gas += (double)r->gas_used;
    }
    double full = fullness(s, gas, signatures), n = (double)items;
    full = b->most > 0 && b->most < full * n ? b->most / n : full;
    b->most = 0;
    double check = s->parts[PART_CHECK].cpu_s + s->parts[PART_RECHECK].cpu_s;
    double propose = s->parts[PART_PREPARE].cpu_s;
    double verify = verify_s(b) - idle;
    double ratio = verify * full / (signature * (double)VPR_BLOCK_SIGNATURES_MAX);
    printf("| %-28s | %5" PRIu64 " | %8.0f | %8.1f | %8.1f | %8.1f | %8.0f | %5.2f | %6.1f |\n",
           name, items, gas / n, check * 1e6 / n, propose * 1e6 / n, verify * 1e6 / n,
           verify * full * 1e3, ratio, signature * 1e6);
    (void)fflush(stdout);
    stage_block(s, &usual);
    b->failed += ratio > LIMIT ? 1 : 0;
}

static void send_all(struct bench *b, make_fn *make, unsigned n, bool forced)
{
    for (unsigned i = 0; i < n; i++) {
        struct sending sending = {.count = 1, .unordered = true, .tip = i, .forced = forced};
        sending.messages[0] = make(b, i, &sending.label);
        send_tx(&b->stage, &sending);
    }
}

static void messages(struct bench *b, const char *name, make_fn *make, unsigned n)
{
    send_all(b, make, n, false);
    row(b, name, n, 0);
}

/* ---- the rows ---- */

static void until(struct bench *b, uint64_t session, uint64_t offset)
{
    uint64_t height = 1 + session * SESSION_BLOCKS + offset;
    VPR_ASSERT(b->stage.height < height);
    while (b->stage.height + 1 < height) {
        stage_block(&b->stage, &usual);
    }
}

static void people_rows(struct bench *b, unsigned servicers)
{
    unsigned pools = VALIDATORS + servicers < 512 ? VALIDATORS + servicers : 512;
    messages(b, "send to a new account", make_send, TXS);
    messages(b, "stake servicer, 15 chains", make_stake_servicer, TXS);
    messages(b, "edit servicer, 15 chains", make_edit_servicer, TXS);
    messages(b, "pause servicer", make_pause, TXS);
    messages(b, "resume servicer", make_resume, TXS);
    messages(b, "unstake servicer", make_unstake, TXS);
    messages(b, "stake requestor, 8 keys", make_stake_requestor, TXS);
    messages(b, "edit requestor, 8 keys", make_edit_requestor, TXS);
    messages(b, "increase stake", make_increase, TXS);
    messages(b, "set owner", make_set_owner, TXS);
    messages(b, "propose a text", make_propose, VPR_PROPOSALS_OPEN_MAX / 2);
    messages(b, "propose 1,024 methods", make_propose_chain, VPR_PROPOSALS_OPEN_MAX / 2);
    send_all(b, make_fields, 8, true);
    row(b, "65,536 fields, refused", 8, VPR_BAD_FIELD);
    messages(b, "delegate", make_delegate, pools);
    messages(b, "withdraw", make_withdraw, 100);
    messages(b, "vote: 512 pools, again", make_vote, 64);
    /* The first takes back its votes on all of them. */
    b->most = (double)VPR_VOTE_PARTS_BACK_MAX / (VPR_VOTE_PARTS_MAX * VPR_PROPOSALS_OPEN_MAX);
    messages(b, "undelegate, 16 votes cast", make_undelegate, 1);
    messages(b, "undelegate", make_undelegate, 100);
}

static void session_rows(struct bench *b)
{
    struct work_asked asked;
    const struct day *day = &b->day;
    struct day_way way = {.per_message = VPR_REVEALED_MAX, .cards_percent = 100,
                          .empty_cards = true, .cards_max = 4000};
    size_t n;

    until(b, 1, 2);
    n = day_fishermen(day, &b->stage, FISHERMEN, &way);
    row(b, "seal, of a sid to draw", n, 0);
    way.per_message = VPR_COMMIT_ENTRIES_MAX;
    way.first_seats = true;
    n = day_servicers(day, &b->stage, &way);
    row(b, "commit entry, first of a sid", n, 0);
    way.first_seats = false;
    way.other_seats = true;
    way.claims_max = 4000; /* in one block */
    n = day_servicers(day, &b->stage, &way);
    row(b, "commit entry", n, 0);
    n = day_servicers(day, &b->stage, &way);
    row(b, "commit entry, again", n, 0);
    way.per_message = VPR_REVEALED_MAX;
    n = day_fishermen(day, &b->stage, FISHERMEN, &way);
    row(b, "seal, again", n, 0);
    way.empty_cards = false; /* sealed to be revealed; the first EMPTY stay as they are */
    way.fishermen_before = EMPTY;
    way.cards_max = 500;
    (void)day_fishermen(day, &b->stage, FISHERMEN, &way);
    stage_block(&b->stage, &usual);

    until(b, 2, CHALLENGE_DELAY + 1);
    way = (struct day_way){.per_message = 400, .first_seats = true, .other_seats = true,
                           .cards_percent = 100, .claims_max = 2500, .cards_max = 1000,
                           .empty_cards = true};
    way.asked = day_asked(&b->stage, 0, &asked);
    n = day_servicers(day, &b->stage, &way);
    row(b, "prove entry, one tail", n, 0);
    way.per_message = VPR_PROVE_TAILS_MAX / VPR_TAILS_MAX;
    way.clients = VPR_TAILS_MAX;
    way.no_samples = true;
    way.other_seats = false;
    way.claims_max = VPR_BLOCK_SIGNATURES_MAX / (2 * VPR_TAILS_MAX) - 10;
    n = day_servicers(day, &b->stage, &way);
    row(b, "prove entry, 64 tails", n, 0);
    way.per_message = VPR_REVEALED_MAX;
    n = day_fishermen(day, &b->stage, EMPTY, &way);
    row(b, "reveal an empty card", n, 0);
    way.empty_cards = false;
    way.fishermen_before = EMPTY;
    way.cards_max = 500; /* in one block */
    n = day_fishermen(day, &b->stage, FISHERMEN, &way);
    row(b, "reveal a card, 2 opened", n, 0);
    messages(b, "price", make_price, VALIDATORS);
    messages(b, "renew the beacon's chain", make_renew, VALIDATORS); /* from the next session */
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    const char *viperd = NULL, *place = "/var/tmp";
    unsigned servicers = 400;
    char folder[64];
    for (int i = 1; i + 1 < argc; i += 2) {
        viperd = strcmp(argv[i], "--viperd") == 0 ? argv[i + 1] : viperd;
        place = strcmp(argv[i], "--folder") == 0 ? argv[i + 1] : place;
        servicers = strcmp(argv[i], "--servicers") == 0 ? (unsigned)atoi(argv[i + 1])
                                                        : servicers;
    }
    struct bench *b = calloc(1, sizeof *b);
    VPR_ASSERT(viperd != NULL && b != NULL);
    (void)snprintf(folder, sizeof folder, "%s/vg.XXXXXX", place);
    VPR_ASSERT(mkdtemp(folder) != NULL);
    const struct stage_options o = {
        .viperd = viperd,
        .folder = folder,
        .nodes = 1,
        .size = {VALIDATORS, servicers, FISHERMEN, REQUESTORS},
        .change = change_genesis,
        .change_arg = b,
        .beacon_length = 300,
    };
    printf("no consensus stands behind these figures\n");
    stage_open(&b->stage, &o);
    printf("| %-28s | %5s | %8s | %8s | %8s | %8s | %8s | %5s | %6s |\n", "each", "sent",
           "gas", "check us", "propose", "verify", "full ms", "ratio", "sig us");
    until(b, 0, 2);
    day_open(&b->day, &b->stage, 0, REQUESTORS, CHAINS);
    people_rows(b, servicers);
    session_rows(b);
    day_close(&b->day);
    stage_close(&b->stage);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    if (b->failed > 0) {
        fprintf(stderr, "bench_gas: %u kinds cost more than %.1f times what a block is meant to\n",
                b->failed, LIMIT);
    }
    int code = b->failed > 0 ? 1 : 0;
    free(b);
    return code;
}
