/* bench_scale.c - sessions with thousands of claims each, one after the other, through
 * tests/driver and a real viperd.
 *
 *     bench_scale --viperd PROGRAM [--claims N] [--servicers N] [--cards PERCENT]
 *                 [--sessions N] [--folder DIR]
 *
 * Requestors with 24 servicers for each of two chains make 48 claims each; every claim is
 * committed, proved (one client, tail, token, and the servicer's sampled leaves) and settled;
 * of --cards percent of the sids every drawn fisherman's card is sealed and revealed.  From
 * three sessions on, one is settled while the next is proved and the one after it committed.
 * Sessions of 240 blocks, otherwise the main network's parameters.  Figures and how to read
 * them: docs/performance.md.  No consensus stands behind it. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/tx/params.h"
#include "tests/bench/day.h"

#define PER_REQUESTOR 48
#define SEATS 24
#define CHAINS 2
#define FISHERMEN 40 /* 100,000 claims: 521 seals each; a report takes 1,000 */
#define SESSION_BLOCKS 240
#define CHALLENGE_DELAY 8
#define SETTLE_PER_BLOCK 500
#define COMMITS_A_MESSAGE 1000
#define CARDS_A_MESSAGE 50    /* of a Reveal: below 1 MiB */
#define ENTRIES_A_MESSAGE 400 /* of a Prove, likewise */
#define SESSIONS_MAX 8

struct settings {
    const char *viperd, *folder;
    uint64_t claims, servicers, cards, sessions;
};

/* What a block did besides its own: the sets of this are the rows of the report. */
enum { DID_COMMIT = 1, DID_PROVE = 2, DID_SETTLE = 4, DID_ALL = 8 };
static const char *const work_names[DID_ALL] = {
    "nothing",           "commits, seals", "proofs, reveals",      "commits + proofs",
    "settlement", "commits + settlement", "proofs + settlement", "all three"};
struct figures {
    uint64_t blocks, txs, bytes, verified, refused;
    struct stage_time sum;   /* wall of the four calls; CPU of them and of CheckTx */
    double most_s, most_cpu; /* of one block */
    double most[PARTS];      /* wall */
};

struct bench {
    const struct settings *settings;
    struct stage stage;
    struct day days[SESSIONS_MAX];
    uint64_t claims; /* of all days */
    struct figures figures[DID_ALL];
};

static uint64_t requestors_of(const struct settings *s)
{
    return (s->claims + PER_REQUESTOR - 1) / PER_REQUESTOR;
}

/* Pages of the node in memory, MB. */
static double node_mb(const struct bench *b)
{
    char path[64];
    unsigned long all, resident;
    (void)snprintf(path, sizeof path, "/proc/%d/statm", (int)b->stage.nodes[0].pid);
    FILE *in = fopen(path, "r");
    VPR_ASSERT(in != NULL && fscanf(in, "%lu %lu", &all, &resident) == 2);
    fclose(in);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static void change_genesis(Viper__V1__GenesisState *g, void *arg)
{
    (void)arg;
#define X(name, main, local, least, most, unit, slack) g->params->name = main;
    VPR_PARAMS(X)
#undef X
    g->params->session_blocks = SESSION_BLOCKS;
    g->params->settle_per_block = SETTLE_PER_BLOCK;
    for (size_t i = 0; i < g->n_requestors; i++) {
        g->requestors[i]->num_servicers = SEATS;
    }
}

/* ---- blocks ---- */

static void count_block(struct bench *b, unsigned did)
{
    struct figures *f = &b->figures[did];
    const struct stage *s = &b->stage;
    double wall = 0, cpu = 0;
    f->blocks++;
    for (int i = 0; i < PARTS; i++) {
        bool call = i != PART_CHECK && i != PART_RECHECK;
        wall += call ? s->parts[i].wall_s : 0;
        cpu += s->parts[i].cpu_s;
        f->most[i] = s->parts[i].wall_s > f->most[i] ? s->parts[i].wall_s : f->most[i];
    }
    f->sum.wall_s += wall;
    f->sum.cpu_s += cpu;
    f->most_s = wall > f->most_s ? wall : f->most_s;
    f->most_cpu = cpu > f->most_cpu ? cpu : f->most_cpu;
    f->bytes += s->block_bytes;
    f->txs += s->result->n_tx_results - 1;
    f->verified += s->verify_count;
    for (size_t i = 1; i < s->result->n_tx_results; i++) {
        if (s->result->tx_results[i]->code != 0) {
            f->refused++;
            fprintf(stderr, "bench_scale: block %" PRIu64 ", transaction %zu: %s\n", s->height, i,
                    s->result->tx_results[i]->log);
        }
    }
}

/* What waits is of one session's commits until they are in, then of another's proofs. */
static void block(struct bench *b, unsigned waiting)
{
    const struct plan plan = {.seconds = 1};
    unsigned did = b->stage.pool_count > 0 ? waiting : 0;
    stage_block(&b->stage, &plan);
    count_block(b, did | (b->stage.verify_count > 0 ? DID_SETTLE : 0));
}

/* ---- the sessions' work ---- */

static void open_day(struct bench *b, uint64_t session)
{
    struct day *day = &b->days[session];
    double cpu = node_cpu_s(&b->stage.nodes[0]);
    day_open(day, &b->stage, session, requestors_of(b->settings), CHAINS);
    cpu = node_cpu_s(&b->stage.nodes[0]) - cpu;
    b->claims += day->claim_count;
    printf("session %" PRIu64 ": %zu sids, %zu claims; Query/Bench %.0f us of viperd's CPU "
           "each\n", session, day->bench_count, day->claim_count,
           cpu * 1e6 / (double)day->bench_count);
    (void)fflush(stdout);
}

static void day_says(struct bench *b, uint64_t session, bool proofs)
{
    struct work_asked asked;
    struct day_way way = {.per_message = proofs ? ENTRIES_A_MESSAGE : COMMITS_A_MESSAGE,
                          .first_seats = true, .other_seats = true,
                          .cards_percent = (unsigned)b->settings->cards};
    struct day *day = &b->days[session];
    way.asked = proofs ? day_asked(&b->stage, session, &asked) : NULL;
    day_servicers(day, &b->stage, &way);
    way.per_message = CARDS_A_MESSAGE;
    day_fishermen(day, &b->stage, FISHERMEN, &way);
    if (proofs) {
        day_close(day);
    }
}

static void run(struct bench *b)
{
    const uint64_t first = 1, days = b->settings->sessions;
    unsigned waiting = 0;
    for (uint64_t h = first; h < first + (3 + days) * SESSION_BLOCKS; h++) {
        uint64_t session = (h - first) / SESSION_BLOCKS, offset = (h - first) % SESSION_BLOCKS;
        bool was_empty = b->stage.pool_count == 0;
        unsigned comes = 0;
        if (offset == 1 && session < days) { /* the session's record is there */
            open_day(b, session);
        }
        if (offset == 1 && session >= 1 && session <= days) {
            day_says(b, session - 1, false);
            comes = DID_COMMIT;
        }
        if (offset == CHALLENGE_DELAY && session >= 2 && session <= days + 1) {
            day_says(b, session - 2, true);
            comes = DID_PROVE;
        }
        waiting = comes != 0 ? comes | (was_empty ? 0 : waiting) : waiting;
        block(b, waiting);
    }
}

/* ---- report ---- */

static void report(const struct bench *b, double start_s)
{
    uint64_t verified = 0, bytes = 0;
    printf("%-22s %6s %7s %9s %8s %9s %8s %8s %9s %8s | most of one: %s\n", "blocks with",
           "blocks", "txs", "KB", "verified", "CPU s", "CPU ms", "most ms", "wall ms", "most ms",
           "prepare process finalize commit ms");
    for (size_t i = 0; i < DID_ALL; i++) {
        const struct figures *f = &b->figures[i];
        double n = (double)f->blocks;
        VPR_ASSERT(f->refused == 0);
        verified += f->verified;
        bytes += f->bytes;
        if (f->blocks == 0) {
            continue;
        }
        printf("%-22s %6" PRIu64 " %7" PRIu64 " %9" PRIu64 " %8" PRIu64 " %9.2f %8.1f %8.0f "
               "%9.1f %8.0f | %7.0f %7.0f %8.0f %6.0f\n", work_names[i], f->blocks, f->txs,
               f->bytes / 1000, f->verified, f->sum.cpu_s, f->sum.cpu_s * 1e3 / n,
               f->most_cpu * 1e3, f->sum.wall_s * 1e3 / n, f->most_s * 1e3,
               f->most[PART_PREPARE] * 1e3, f->most[PART_PROCESS] * 1e3,
               f->most[PART_FINALIZE] * 1e3, f->most[PART_COMMIT] * 1e3);
    }
    printf("%" PRIu64 " entries verified, %" PRIu64 " paid; %.1f MB of transactions; viperd %.1f "
           "CPU s in all, %.0f MB; start with genesis %.1f CPU s\n", verified,
           b->stage.paid_count, (double)bytes / 1e6, node_cpu_s(&b->stage.nodes[0]), node_mb(b),
           start_s);
    if (verified != b->claims || b->stage.paid_count != b->claims) {
        fprintf(stderr, "bench_scale: %" PRIu64 " claims were made\n", b->claims);
        exit(1);
    }
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

static bool take(struct settings *s, const char *name, const char *value)
{
    const struct {
        const char *name;
        uint64_t *number;
        const char **text;
    } rows[] = {{"--viperd", NULL, &s->viperd},       {"--folder", NULL, &s->folder},
                {"--claims", &s->claims, NULL},       {"--servicers", &s->servicers, NULL},
                {"--cards", &s->cards, NULL},         {"--sessions", &s->sessions, NULL}};
    for (size_t i = 0; i < VPR_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            if (rows[i].text != NULL) {
                *rows[i].text = value;
            } else {
                *rows[i].number = strtoull(value, NULL, 10);
            }
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct settings s = {.folder = "/var/tmp", .claims = 3000, .servicers = 200, .cards = 100,
                         .sessions = 1};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc || !take(&s, argv[i], argv[i + 1])) {
            fprintf(stderr, "bench_scale: %s: no such option\n", argv[i]);
            return 2;
        }
    }
    VPR_ASSERT(s.viperd != NULL && s.sessions >= 1 && s.sessions <= SESSIONS_MAX);
    struct bench *b = calloc(1, sizeof *b);
    char folder[64];
    VPR_ASSERT(b != NULL);
    (void)snprintf(folder, sizeof folder, "%s/vs.XXXXXX", s.folder);
    VPR_ASSERT(mkdtemp(folder) != NULL);
    b->settings = &s;
    const struct stage_options o = {
        .viperd = s.viperd,
        .folder = folder,
        .nodes = 1,
        .size = {4, (unsigned)s.servicers, FISHERMEN, (unsigned)requestors_of(&s)},
        .change = change_genesis,
        .beacon_length = 4000,
    };
    printf("no consensus stands behind these figures\n");
    stage_open(&b->stage, &o);
    double opened = node_cpu_s(&b->stage.nodes[0]);
    run(b);
    report(b, opened);
    stage_close(&b->stage);
    free(b);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
