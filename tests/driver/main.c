/* driver - CometBFT's side of the ABCI socket, without consensus.
 *
 *     driver random --viperd PROGRAM [--seeds A[-B]] [--sessions N] [--nodes N] ...
 *     driver play FILE --viperd PROGRAM [--nodes N] ...
 *
 * Homes are made below --folder (default /dev/shm) and removed when all went well.  --record
 * FILE writes what happened (RECORD.md), `-` to standard output. */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/host/file.h"
#include "tests/driver/kinds.h"
#include "tests/driver/play.h"

struct settings {
    const char *viperd, *next, *genesis, *folder, *record, *play, *keep;
    uint64_t seed_first, seed_last;
    uint64_t nodes, beacon_length, servicers, fishermen, requestors, validators, validate, check,
        check_every;
    uint64_t headroom; /* 0: alice is not that rich */
    struct random_options random;
};

/* ---- options ---- */

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_UNSIGNED, OPTION_RANGE };
struct option {
    const char *name, *help;
    enum option_type type;
    size_t offset;
};
#define AT(member) offsetof(struct settings, member)
static const struct option options[] = {
    {"--viperd", "the program", OPTION_TEXT, AT(viperd)},
    {"--next", "the program of the next version: plans are reached", OPTION_TEXT, AT(next)},
    {"--genesis", "NAME=VALUE,... parameters of genesis", OPTION_TEXT, AT(genesis)},
    {"--headroom", "uvipr by which the supply of genesis may grow; alice has the rest of 2^62",
     OPTION_NUMBER, AT(headroom)},
    {"--favour", "themes of the dice: money,actors,delegation,leaving,governance,price,unstaking,"
     "spreading", OPTION_TEXT, AT(random.favour)},
    {"--times", "as often as usual", OPTION_UNSIGNED, AT(random.favour_times)},
    {"--folder", "where homes are made", OPTION_TEXT, AT(folder)},
    {"--record", "file of the record, - for standard output", OPTION_TEXT, AT(record)},
    {"--seeds", "one seed, or A-B", OPTION_RANGE, AT(seed_first)},
    {"--nodes", "viperds in lockstep; each has the secret of one validator", OPTION_NUMBER,
     AT(nodes)},
    {"--sessions", "of each history", OPTION_NUMBER, AT(random.sessions)},
    {"--blocks", "of each history at most", OPTION_NUMBER, AT(random.blocks)},
    {"--busy", "sessions, in the beginning, in which the dice send something", OPTION_NUMBER,
     AT(random.busy_sessions)},
    {"--keep", "N,A-B,...: of all that is sent only these", OPTION_TEXT, AT(keep)},
    {"--validators", "of genesis", OPTION_NUMBER, AT(validators)},
    {"--servicers", "of genesis", OPTION_NUMBER, AT(servicers)},
    {"--fishermen", "of genesis", OPTION_NUMBER, AT(fishermen)},
    {"--requestors", "of genesis", OPTION_NUMBER, AT(requestors)},
    /* In the turn of a validator without a node, node 0 looks for its reveal in all of its own. */
    {"--beacon", "length of the hash chains", OPTION_NUMBER, AT(beacon_length)},
    {"--validate", "1: viperd genesis validate looks first", OPTION_NUMBER, AT(validate)},
    {"--check", "1: viperd check-state looks at every database in the end", OPTION_NUMBER,
     AT(check)},
    {"--check-every", "blocks, after which it looks at them beside the running nodes; 0: never",
     OPTION_NUMBER, AT(check_every)},
    {"--txs", "a block, beside the work of sessions", OPTION_UNSIGNED, AT(random.txs)},
    {"--spoil", "percent of messages with a changed field", OPTION_UNSIGNED,
     AT(random.spoil_percent)},
    {"--faults", "percent of envelopes with a fault", OPTION_UNSIGNED, AT(random.fault_percent)},
    {"--rounds", "percent of blocks with rounds that come to nothing", OPTION_UNSIGNED,
     AT(random.round_percent)},
    {"--silent", "percent of blocks without a reveal", OPTION_UNSIGNED,
     AT(random.silent_percent)},
    {"--absent", "percent of votes that are missing", OPTION_UNSIGNED,
     AT(random.absent_percent)},
    {"--evidence", "permille of blocks with a double sign", OPTION_UNSIGNED,
     AT(random.evidence_permille)},
    {"--restarts", "permille of blocks with a node that is killed", OPTION_UNSIGNED,
     AT(random.restart_permille)},
    {"--rich", "accounts with money, at most 250", OPTION_UNSIGNED, AT(random.rich)},
    {"--unordered", "percent of envelopes", OPTION_UNSIGNED, AT(random.unordered_percent)},
    {"--patience", "seconds to the timeouts of unordered ones, at most 600", OPTION_UNSIGNED,
     AT(random.patience_s)},
    {"--json", "percent of ordered envelopes, if the messages have that form", OPTION_UNSIGNED,
     AT(random.json_percent)},
    {"--memos", "percent of envelopes", OPTION_UNSIGNED, AT(random.memo_percent)},
    {"--idle", "percent of seats that do nothing", OPTION_UNSIGNED,
     AT(random.labour.idle_percent)},
    {"--blind", "percent of fishermen's seats, beside, that report nothing", OPTION_UNSIGNED,
     AT(random.labour.blind_percent)},
    {"--relays", "at most, of a client key at a servicer", OPTION_UNSIGNED,
     AT(random.labour.relays_most)},
};

static int usage(void)
{
    fprintf(stderr, "usage: driver random|play [FILE] --viperd PROGRAM [OPTION VALUE]...\n");
    for (size_t i = 0; i < VPR_COUNT(options); i++) {
        fprintf(stderr, "  %-13s %s\n", options[i].name, options[i].help);
    }
    return 2;
}

static bool set_option(struct settings *s, const char *name, const char *value)
{
    for (size_t i = 0; i < VPR_COUNT(options); i++) {
        void *at = (char *)s + options[i].offset;
        char *end;
        if (strcmp(options[i].name, name) != 0) {
            continue;
        }
        if (options[i].type == OPTION_TEXT) {
            *(const char **)at = value;
            return true;
        }
        uint64_t n = strtoull(value, &end, 10);
        if (options[i].type == OPTION_RANGE) {
            s->seed_first = s->seed_last = n;
            if (*end == '-') {
                s->seed_last = strtoull(end + 1, &end, 10);
            }
        } else if (options[i].type == OPTION_UNSIGNED) {
            *(unsigned *)at = (unsigned)n;
        } else {
            *(uint64_t *)at = n;
        }
        return *end == 0 && *value != 0;
    }
    return false;
}

/* ---- one history ---- */

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of the driver and all of its nodes. */
static double cpu_s(const struct stage *stage)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    double sum = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    for (size_t i = 0; i < stage->node_count; i++) {
        sum += node_cpu_s(&stage->nodes[i]);
    }
    return sum;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* NAME=VALUE,... into the parameters. */
static void change_params(Viper__V1__Params *params, const char *changes)
{
    char name[64];
    uint64_t value;
    int used;
    while (*changes != 0) {
        if (sscanf(changes, "%63[a-z_]=%" SCNu64 "%n", name, &value, &used) != 2) {
            fprintf(stderr, "driver: --genesis %s: not NAME=VALUE\n", changes);
            exit(2);
        }
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(params->base.descriptor, name);
        if (field == NULL) {
            fprintf(stderr, "driver: --genesis %s: no such parameter\n", name);
            exit(2);
        }
        memcpy((uint8_t *)params + field->offset, &value, sizeof value);
        changes += used;
        changes += *changes == ',' ? 1 : 0;
    }
}

/* Total supply stays below 2^62. */
static void leave_headroom(Viper__V1__GenesisState *genesis, uint64_t headroom)
{
    uint64_t left = VPR_SUPPLY_MAX - 1 - headroom;
    Viper__V1__GenesisAccount *alice = NULL;
    for (size_t i = 0; i < genesis->n_accounts; i++) {
        left -= genesis->accounts[i]->balance;
        if (strcmp(genesis->accounts[i]->address, world_text("alice")) == 0) {
            alice = genesis->accounts[i];
        }
    }
    VPR_ASSERT(alice != NULL && left < VPR_SUPPLY_MAX);
    alice->balance += left;
}

struct change {
    const struct settings *settings;
    struct stage *stage;
};

static void change_genesis(Viper__V1__GenesisState *genesis, void *arg)
{
    struct change *change = arg;
    kinds_fund(&change->stage->keep, genesis, change->settings->random.rich);
    if (change->settings->genesis != NULL) {
        change_params(genesis->params, change->settings->genesis);
    }
    if (change->settings->headroom > 0) {
        leave_headroom(genesis, change->settings->headroom);
    }
}

static char *read_play(const char *path)
{
    struct vpr_buf text;
    struct vpr_err err;
    vpr_buf_init(&text, 1 << 20);
    if (vpr_file_read(&text, path, &err) != VPR_OK) {
        fprintf(stderr, "driver: %s\n", err.text);
        exit(1);
    }
    vpr_buf_char(&text, '\n');
    return text.data;
}

static void one_history(const struct settings *s, uint64_t seed, FILE *record)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct change change = {s, stage};
    char folder[64];
    VPR_ASSERT(stage != NULL);
    (void)snprintf(folder, sizeof folder, "%s/vd.XXXXXX", s->folder);
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        exit(1);
    }
    const struct stage_options o = {
        .viperd = s->viperd,
        .next = s->next,
        .folder = folder,
        .nodes = (unsigned)s->nodes,
        .size = {(unsigned)s->validators, (unsigned)s->servicers, (unsigned)s->fishermen,
                 (unsigned)s->requestors},
        .change = change_genesis,
        .change_arg = &change,
        .seed = seed,
        .beacon_length = s->beacon_length,
        .record = record,
        .changes = true,
        .keep = s->keep,
        .check_every = s->check_every,
        .validate = s->validate != 0 && seed == s->seed_first,
    };
    double start = now_s();
    stage_open(stage, &o);
    double opened = now_s(), cpu = cpu_s(stage);
    if (s->play != NULL) {
        char *text = read_play(s->play);
        play_run(stage, s->play, text, &s->random, seed);
        free(text);
    } else {
        random_history(stage, &s->random, seed);
    }
    double seconds = now_s() - opened;
    cpu = cpu_s(stage) - cpu; /* without that of nodes that were restarted */
    record_end(stage, seconds);
    const struct stage_stats *st = &stage->stats;
    char hash[65];
    vpr_hex(hash, stage->app_hash.b, sizeof stage->app_hash.b);
    fprintf(stderr, "seed %" PRIu64 ": %" PRIu64 " sessions, %" PRIu64 " blocks, %" PRIu64
            " transactions (%" PRIu64 " refused), %" PRIu64 " idle rounds, %" PRIu64
            " restarts, %" PRIu64 " faults, app hash %s; %.1f s, %.0f blocks/s, %.0f sessions/min "
            "(start %.2f s, CPU %.1f s, %" PRIu64 " checks)\n",
            seed, mirror_session_number(stage->mirror), st->blocks, st->txs, st->refused,
            st->rounds, st->restarts, st->evidence, hash, seconds, (double)st->blocks / seconds,
            (double)mirror_session_number(stage->mirror) * 60 / seconds, opened - start, cpu,
            st->checks);
    stage_close(stage);
    if (s->check != 0) {
        stage_check(stage);
    }
    free(stage);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    struct settings s = {.folder = "/dev/shm", .seed_first = 1, .seed_last = 1, .nodes = 1,
                         .beacon_length = 2000, .servicers = 8, .fishermen = 4,
                         .requestors = 2, .validators = 4, .validate = 1,
                         .random = random_usual};
    bool play = argc >= 3 && strcmp(argv[1], "play") == 0;
    if (argc < 2 || (!play && strcmp(argv[1], "random") != 0)) {
        return usage();
    }
    s.play = play ? argv[2] : NULL;
    for (int i = play ? 3 : 2; i < argc; i += 2) {
        if (i + 1 == argc || !set_option(&s, argv[i], argv[i + 1])) {
            fprintf(stderr, "driver: %s: no such option or value\n", argv[i]);
            return usage();
        }
    }
    FILE *record = s.record == NULL              ? NULL
                   : strcmp(s.record, "-") == 0 ? stdout
                                                : fopen(s.record, "w");
    if (s.viperd == NULL || (s.record != NULL && record == NULL)) {
        fprintf(stderr, "driver: %s\n", s.viperd == NULL ? "--viperd is missing"
                                                         : strerror(errno));
        return usage();
    }
    fprintf(stderr, "driver: no consensus stands behind these histories\n");
    for (uint64_t seed = s.seed_first; seed <= s.seed_last; seed++) {
        one_history(&s, seed, record);
    }
    return record != NULL && fclose(record) != 0 ? 1 : 0;
}
