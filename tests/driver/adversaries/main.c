/* adversaries - what a strategy earns, against honest play of the same capital.
 *
 *     adversaries --viperd PROGRAM [--seeds A[-B]] [--sessions N] [--rows A[-B]]
 *                 [--only NAME] [--slice]
 *
 * Each strategy and its honest counterpart play the same seed on a real viperd at the other
 * end of the ABCI socket; profit is the change of all balances and stakes of its accounts.
 * No consensus stands behind a figure: one program plays every validator. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/driver/adversaries/strategies.h"

#define SETTLED 3 /* sessions after the last work until it is paid */
#define MORE_BLOCKS 3
#define PEOPLE_MAX 64
#define OUTCOMES_MAX 48

static const char *const kinds[] = {"validator", "servicer", "fisherman", "requestor",
                                    "returned"};

struct settings {
    const char *viperd, *folder, *only;
    uint64_t seed_first, seed_last, sessions;
    uint64_t row_first, row_last; /* of the table, from 1 */
    bool slice;
};

/* What everybody earned in one play, uvipr; validators' yield of as many sessions as others
 * worked in. */
struct outcome {
    const struct world *world;
    const struct moves *moves;
    int64_t profit[VPR_COUNT(kinds)][PEOPLE_MAX + 1];
    uint64_t own[2], cu_a_session, txs, refused;
    double seconds;
};

/* ---- values ---- */

static unsigned people_of(const struct world *world, size_t kind)
{
    const unsigned counts[] = {world->size.validators, world->size.servicers,
                               world->size.fishermen, world->size.requestors, RETURNS_MAX};
    VPR_ASSERT(counts[kind] <= PEOPLE_MAX);
    return counts[kind];
}

static int64_t balance_of(const struct stage *stage, struct vpr_arena *arena, const char *label)
{
    struct vpr_address who = world_address(label);
    const Viper__V1__Account *account = mirror_account(stage->mirror, arena, &who);
    return account == NULL ? 0 : (int64_t)account->balance;
}

/* Shares of a pool that was never slashed are its tokens. */
static int64_t delegated_by(struct stage *stage, const char *label)
{
    uint8_t key[41] = {VPR_KEY_DELEGATION};
    struct vpr_address actor = world_address("validator1"), who = world_address(label);
    memcpy(key + 1, actor.b, sizeof actor.b);
    memcpy(key + 21, who.b, sizeof who.b);
    const Viper__V1__Delegation *d = (const Viper__V1__Delegation *)mirror_record(
        stage->mirror, &stage->block, VPR_STORE_DELEGATION, vpr_bytes_of(key, sizeof key),
        &viper__v1__delegation__descriptor);
    return d == NULL ? 0 : (int64_t)d->shares;
}

static int64_t value_of(struct stage *stage, const char *label)
{
    size_t mark = vpr_arena_mark(&stage->block);
    struct vpr_address id = world_address(label);
    const Viper__V1__Actor *actor = mirror_actor(stage->mirror, &stage->block, &id);
    const char *owner = vpr_arena_text(&stage->block, "%s.owner", label);
    int64_t sum = balance_of(stage, &stage->block, label) +
                  balance_of(stage, &stage->block, owner) + delegated_by(stage, owner) +
                  (actor == NULL ? 0 : (int64_t)actor->stake);
    vpr_arena_release(&stage->block, mark);
    return sum;
}

/* Adds sign * value of everybody; of validators, or of all others. */
static void count(struct stage *stage, struct outcome *o, int64_t sign, bool validators)
{
    for (size_t k = 0; k < VPR_COUNT(kinds); k++) {
        for (unsigned i = 1; (k == 0) == validators && i <= people_of(o->world, k); i++) {
            char label[64];
            (void)snprintf(label, sizeof label, "%s%u", kinds[k], i);
            o->profit[k][i] += sign * value_of(stage, label);
        }
    }
}

/* ---- one play ---- */

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

struct genesis_arg {
    struct stage *stage;
    const struct world *world;
};

static void change_genesis(Viper__V1__GenesisState *genesis, void *arg)
{
    const struct genesis_arg *a = arg;
    a->world->change(&a->stage->keep, genesis);
}

static void run(struct stage *stage, struct outcome *o, uint64_t seed, uint64_t sessions)
{
    struct play play;
    bool yields = false;

    market_open(&play, stage, o->moves, seed, sessions);
    market_block(&play);
    count(stage, o, -1, true);
    count(stage, o, -1, false);
    while (market_session(&play) < sessions + SETTLED) {
        market_block(&play);
        if (!yields && market_session(&play) == sessions) {
            yields = true;
            count(stage, o, 1, true);
        }
    }
    for (int i = 0; i < MORE_BLOCKS; i++) {
        market_block(&play);
    }
    count(stage, o, 1, false);
    o->own[0] = play.own[0];
    o->own[1] = play.own[1];
    o->cu_a_session = play.cu_a_session;
    market_close(&play);
}

static void play_once(const struct settings *s, uint64_t seed, struct outcome *o)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct genesis_arg arg = {stage, o->world};
    char folder[64];
    VPR_ASSERT(stage != NULL);
    (void)snprintf(folder, sizeof folder, "%s/va.XXXXXX", s->folder);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        exit(1);
    }
    const struct stage_options options = {
        .viperd = s->viperd,
        .folder = folder,
        .nodes = 1,
        .size = o->world->size,
        .change = change_genesis,
        .change_arg = &arg,
        .seed = seed,
        .beacon_length = (s->sessions + SETTLED + 2) * 10,
        .changes = true,
    };
    double start = now_s();
    stage_open(stage, &options);
    run(stage, o, seed, s->sessions);
    o->seconds = now_s() - start;
    o->txs = stage->stats.txs;
    o->refused = stage->stats.refused;
    stage_close(stage);
    free(stage);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Plays of a seed are kept: most strategies have the same honest counterpart. */
static struct outcome outcomes[OUTCOMES_MAX];
static size_t outcome_count;

static const struct outcome *outcome_of(const struct settings *s, uint64_t seed,
                                        const struct world *world, const struct moves *moves)
{
    for (size_t i = 0; i < outcome_count; i++) {
        if (outcomes[i].world == world && outcomes[i].moves == moves) {
            return &outcomes[i];
        }
    }
    VPR_ASSERT(outcome_count < OUTCOMES_MAX);
    struct outcome *o = &outcomes[outcome_count++];
    memset(o, 0, sizeof *o);
    o->world = world;
    o->moves = moves;
    play_once(s, seed, o);
    return o;
}

/* ---- a strategy ---- */

static int64_t profit_of(const struct outcome *o, const struct purse *purse)
{
    int64_t sum = 0;
    for (; purse->kind != NULL; purse++) {
        size_t kind = 0;
        while (strcmp(kinds[kind], purse->kind) != 0) {
            VPR_ASSERT(++kind < VPR_COUNT(kinds));
        }
        for (unsigned i = purse->first; i <= purse->last; i++) {
            sum += o->profit[kind][i];
        }
    }
    return sum;
}

static int64_t permille(int64_t part, int64_t whole)
{
    return whole == 0 ? 0 : part / (whole / 1000 == 0 ? 1 : whole / 1000);
}

static bool measure(const struct settings *s, uint64_t seed, const struct strategy *strategy)
{
    static const struct purse others[] = {{"servicer", 4, 8}, {NULL, 0, 0}};
    const struct world *world = strategy->honest_world != NULL ? strategy->honest_world
                                                               : strategy->world;
    const struct purse *purse = strategy->honest_purse[0].kind != NULL ? strategy->honest_purse
                                                                       : strategy->purse;
    const struct outcome *plain = outcome_of(
        s, seed, world, strategy->honest_moves != NULL ? strategy->honest_moves : &honest);
    const struct outcome *bent = outcome_of(s, seed, strategy->world, strategy->moves);
    int64_t gain = strategy->throughput ? (int64_t)bent->cu_a_session
                                        : profit_of(bent, strategy->purse);
    int64_t fair = strategy->throughput ? (int64_t)plain->cu_a_session
                                        : profit_of(plain, purse);
    double unit = strategy->throughput ? 1 : WORLD_VIPR;
    int64_t ratio = permille(gain, fair);
    bool fine = ratio <= strategy->most_permille;

    printf("| %s | %s | %" PRIu64 " | %.3f | %.3f | %.3f | %.3f | %s |\n", strategy->name,
           strategy->how, seed, (double)gain / unit, (double)fair / unit,
           (double)ratio / 1000,
           (double)permille(profit_of(bent, others), profit_of(plain, others)) / 1000,
           fine ? "yes" : "NO");
    (void)fflush(stdout);
    fprintf(stderr, "%s, seed %" PRIu64 ": %" PRIu64 " transactions, %" PRIu64
            " refused, %.1f s; own %" PRIu64 ", %" PRIu64 "\n", strategy->name, seed, bent->txs,
            bent->refused, bent->seconds, bent->own[0], bent->own[1]);
    return fine;
}

/* ---- options ---- */

static int usage(void)
{
    fprintf(stderr, "usage: adversaries --viperd PROGRAM [--folder DIR] [--seeds A[-B]]"
                    " [--sessions N] [--rows A[-B]] [--only NAME] [--slice]\n");
    for (size_t i = 0; i < strategy_count; i++) {
        fprintf(stderr, "  %s: %s; honest: %s\n", strategies[i].name, strategies[i].how,
                strategies[i].honest);
    }
    return 2;
}

/* A, or A-B. */
static void read_range(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    char *end;
    *ret_first = *ret_last = strtoull(text, &end, 10);
    *ret_last = *end == '-' ? strtoull(end + 1, NULL, 10) : *ret_last;
}

static bool read_options(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--slice") == 0) {
            s->slice = true;
            continue;
        }
        if (value == NULL) {
            return false;
        }
        if (strcmp(argv[i], "--viperd") == 0) {
            s->viperd = value;
        } else if (strcmp(argv[i], "--folder") == 0) {
            s->folder = value;
        } else if (strcmp(argv[i], "--only") == 0) {
            s->only = value;
        } else if (strcmp(argv[i], "--sessions") == 0) {
            s->sessions = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--seeds") == 0) {
            read_range(value, &s->seed_first, &s->seed_last);
        } else if (strcmp(argv[i], "--rows") == 0) {
            read_range(value, &s->row_first, &s->row_last);
        } else {
            return false;
        }
        i++;
    }
    return s->viperd != NULL && s->sessions > 0;
}

int main(int argc, char **argv)
{
    struct settings s = {.folder = "/dev/shm", .seed_first = 1, .seed_last = 1,
                         .sessions = 200, .row_first = 1, .row_last = strategy_count};
    unsigned passed = 0, failed = 0;
    if (!read_options(&s, argc, argv)) {
        return usage();
    }
    printf("No consensus stands behind these figures: one program played every validator.\n"
           "%" PRIu64 " sessions of 10 blocks a play; profits in VIPR, of requestors CU a"
           " session;\nothers: what servicers 4 to 8 earned, of what they earn when all are"
           " honest.\n\n"
           "| strategy | how | seed | profit | honest | ratio | others | within its bound |\n"
           "|---|---|---|---|---|---|---|---|\n", s.sessions);
    (void)fflush(stdout);
    for (uint64_t seed = s.seed_first; seed <= s.seed_last; seed++) {
        outcome_count = 0;
        for (size_t i = 0; i < strategy_count; i++) {
            const struct strategy *strategy = &strategies[i];
            bool chosen = i + 1 >= s.row_first && i + 1 <= s.row_last &&
                          (s.only == NULL || strcmp(s.only, strategy->name) == 0) &&
                          (!s.slice || strategy->slice);
            if (chosen) {
                bool fine = measure(&s, seed, strategy);
                passed += fine ? 1 : 0;
                failed += fine ? 0 : 1;
            }
        }
    }
    printf("\n%u passed, %u failed\n", passed, failed);
    return failed > 0 || passed == 0 ? 1 : 0;
}
