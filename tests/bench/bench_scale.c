/* bench_scale.c - one session with thousands of claims, through tests/driver and a real viperd.
 *
 *     bench_scale --viperd PROGRAM [--claims N] [--servicers N] [--cards PERCENT]
 *                 [--sessions N] [--folder DIR]
 *
 * Requestors with 24 servicers for each of two chains make 48 claims each; every claim is
 * committed, proved (one client, tail, token, and the servicer's sampled leaves) and settled;
 * of --cards percent of the sids every drawn fisherman's card is sealed and revealed.  With
 * --sessions 2 the next session does the same, so that its proofs come while the first is
 * settled.  Sessions of 240 blocks, otherwise the main network's parameters.  Figures and how
 * to read them: docs/performance.md.  No consensus stands behind it. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/tx/params.h"
#include "tests/cast/work.h"
#include "tests/driver/send.h"

#define PER_REQUESTOR 48
#define SEATS 24
#define FISHERMEN 20
#define CLAIM_CU 100
#define SESSION_BLOCKS 240
#define SETTLE_PER_BLOCK 500
#define CARD_SAMPLES 5 /* a servicer: the least that counts */
#define CARDS_A_MESSAGE 50
#define ENTRIES_A_MESSAGE 400 /* of a Prove: below 1 MiB */
#define SESSIONS_MAX 2

struct settings {
    const char *viperd, *folder;
    uint64_t claims, servicers, cards, sessions;
};

/* Who claims what: made again when it is needed, from the same labels. */
struct claim {
    struct vpr_address servicer;
    uint32_t bench;
};
struct day {
    uint64_t session;
    struct vpr_bench *benches;
    size_t bench_count;
    struct claim *claims; /* by servicer, then sid */
    size_t claim_count;
};

/* What blocks of one kind took. */
enum phase { PHASE_IDLE, PHASE_COMMIT, PHASE_PROVE, PHASE_SETTLE, PHASE_BOTH, PHASES };
static const char *const phase_names[PHASES] = {
    "nothing to do", "commits, seals", "proofs, reveals", "settlement", "proofs + settlement"};
struct figures {
    uint64_t blocks, txs, bytes, verified, refused;
    double cpu_s, sum_s, most_s; /* viperd's CPU; wall of the four calls */
    double most[4];              /* prepare, process, finalize, commit */
};

struct bench {
    const struct settings *settings;
    struct stage stage;
    struct day days[SESSIONS_MAX];
    struct figures figures[PHASES];
};

static uint64_t requestors_of(const struct settings *s)
{
    return (s->claims + PER_REQUESTOR - 1) / PER_REQUESTOR;
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* CPU seconds of the node so far, all threads; its memory in MB. */
static double node_cpu(const struct bench *b, double *ret_mb)
{
    char path[64], text[1024];
    unsigned long user, sys;
    long pages;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)b->stage.nodes[0].pid);
    FILE *in = fopen(path, "r");
    VPR_ASSERT(in != NULL);
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    const char *rest = strrchr(text, ')');
    VPR_ASSERT(rest != NULL);
    VPR_ASSERT(sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d "
                      "%*d %*d %*d %*d %*u %*u %ld", &user, &sys, &pages) == 3);
    if (ret_mb != NULL) {
        *ret_mb = (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
    }
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- genesis ---- */

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

/* ---- who is drawn ---- */

static void parse_address(struct vpr_address *ret, const char *text)
{
    VPR_ASSERT(vpr_address_parse(ret, VPR_PREFIX_ACCOUNT, vpr_bytes_str(text)));
}

static void ask_bench(struct bench *b, struct vpr_bench *bench, uint64_t session,
                      const char *requestor, uint16_t chain)
{
    Viper__V1__QueryBenchRequest request = VIPER__V1__QUERY_BENCH_REQUEST__INIT;
    struct vpr_address id = world_address(requestor);
    struct vpr_hash sid = vpr_sid(vpr_bytes_str(WORLD_CHAIN_ID), session, &id, chain, 1);
    char hex[65];

    vpr_hex(hex, sid.b, sizeof sid.b);
    request.session = session;
    request.sid = hex;
    request.requestor = world_text_of(&id);
    request.chain = chain;
    request.zone = 1;
    const Viper__V1__QueryBenchResponse *r = (const Viper__V1__QueryBenchResponse *)node_ask(
        &b->stage.nodes[0], &b->stage.block, "/viper.v1.Query/Bench", &request.base,
        &viper__v1__query_bench_response__descriptor);
    VPR_ASSERT(r->n_servicers == SEATS);
    memset(bench, 0, sizeof *bench);
    bench->sid = sid;
    bench->session = session;
    bench->requestor = id;
    bench->chain = chain;
    bench->zone = 1;
    bench->allowance_cu = r->allowance_cu;
    bench->budget = r->budget_uvipr;
    bench->quota_cu = r->quota_cu;
    bench->servicer_count = (uint32_t)r->n_servicers;
    bench->fisherman_count = (uint32_t)r->n_fishermen;
    for (size_t i = 0; i < r->n_servicers; i++) {
        parse_address(&bench->servicers[i].id, r->servicers[i]->id);
    }
    for (size_t i = 0; i < r->n_fishermen; i++) {
        parse_address(&bench->fishermen[i].id, r->fishermen[i]->id);
    }
}

static const struct vpr_bench *sort_benches;

static int by_servicer(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    int order = vpr_address_cmp(&x->servicer, &y->servicer);
    return order != 0 ? order
                      : memcmp(sort_benches[x->bench].sid.b, sort_benches[y->bench].sid.b, 32);
}

static void draw_day(struct bench *b, struct day *day, uint64_t session)
{
    uint64_t requestors = requestors_of(b->settings);
    double start = now_s(), cpu = node_cpu(b, NULL);
    day->session = session;
    day->benches = calloc(2 * requestors, sizeof day->benches[0]);
    day->claims = calloc(requestors * PER_REQUESTOR, sizeof day->claims[0]);
    VPR_ASSERT(day->benches != NULL && day->claims != NULL);
    for (uint64_t i = 1; i <= requestors; i++) {
        size_t mark = vpr_arena_mark(&b->stage.block);
        const char *label = vpr_arena_text(&b->stage.block, "requestor%" PRIu64, i);
        for (uint16_t chain = 1; chain <= 2; chain++) {
            struct vpr_bench *bench = &day->benches[day->bench_count];
            ask_bench(b, bench, session, label, chain);
            for (uint32_t k = 0; k < bench->servicer_count; k++) {
                day->claims[day->claim_count++] =
                    (struct claim){bench->servicers[k].id, (uint32_t)day->bench_count};
            }
            day->bench_count++;
        }
        vpr_arena_release(&b->stage.block, mark);
    }
    double took = now_s() - start;
    sort_benches = day->benches;
    qsort(day->claims, day->claim_count, sizeof day->claims[0], by_servicer);
    cpu = node_cpu(b, NULL) - cpu;
    printf("session %" PRIu64 ": %zu sids, %zu claims; Query/Bench %.0f us each, %.0f us of "
           "viperd's CPU\n", session, day->bench_count, day->claim_count,
           took * 1e6 / (double)day->bench_count, cpu * 1e6 / (double)day->bench_count);
    (void)fflush(stdout);
}

/* ---- messages ---- */

static size_t run_of(const struct day *day, size_t first)
{
    size_t n = 1;
    while (first + n < day->claim_count &&
           vpr_address_equal(&day->claims[first].servicer, &day->claims[first + n].servicer)) {
        n++;
    }
    return n;
}

static void say(struct bench *b, const struct vpr_address *who, const ProtobufCMessage *message)
{
    const struct sending sending = {.label = world_label_of(who), .messages = {message},
                                    .count = 1, .unordered = true};
    send_tx(&b->stage, &sending);
}

/* The works of claims [first, first + n), which lie in `store`. */
static void make_works(const struct day *day, size_t first, size_t n, struct ws_work *store,
                       const struct ws_work **ret)
{
    for (size_t i = 0; i < n; i++) {
        const struct claim *claim = &day->claims[first + i];
        work_of_clients(&store[i], &day->benches[claim->bench], &claim->servicer, 1, 1,
                        CLAIM_CU);
        ret[i] = &store[i];
    }
}

/* Everything a servicer commits; and proves, if the challenge is there. */
static void servicer_says(struct bench *b, const struct day *day, size_t first, size_t n,
                          const struct work_asked *asked)
{
    struct vpr_arena *arena = &b->stage.block;
    struct ws_work *store = malloc(n * sizeof *store);
    const struct ws_work **works = calloc(n, sizeof *works);
    size_t mark = vpr_arena_mark(arena);
    VPR_ASSERT(store != NULL && works != NULL);
    make_works(day, first, n, store, works);
    if (asked == NULL) {
        for (size_t i = 0; i < n; i += 1000) {
            size_t part = n - i < 1000 ? n - i : 1000;
            say(b, &store->servicer, &work_commit(arena, works + i, part)->base);
        }
    } else {
        Viper__V1__MsgProve *samples = work_samples(arena, works, n, asked);
        for (size_t i = 0; i < n; i += ENTRIES_A_MESSAGE) {
            size_t part = n - i < ENTRIES_A_MESSAGE ? n - i : ENTRIES_A_MESSAGE;
            Viper__V1__MsgProve *m = work_tails(arena, works + i, part);
            if (i == 0) {
                m->samples = samples->samples;
                m->n_samples = samples->n_samples;
            }
            say(b, &store->servicer, &m->base);
        }
    }
    vpr_arena_release(arena, mark);
    free(works);
    free(store);
}

static void servicers_say(struct bench *b, const struct day *day, const struct work_asked *asked)
{
    for (size_t i = 0; i < day->claim_count; i += run_of(day, i)) {
        servicer_says(b, day, i, run_of(day, i), asked);
    }
}

static bool is_drawn(const struct vpr_bench *bench, const struct vpr_address *fisherman)
{
    for (uint32_t i = 0; i < bench->fisherman_count; i++) {
        if (vpr_address_equal(&bench->fishermen[i].id, fisherman)) {
            return true;
        }
    }
    return false;
}

static bool has_card(const struct bench *b, size_t bench)
{
    return bench % 100 < b->settings->cards;
}

/* One fisherman's cards, sealed or revealed, so many a message. */
static void fisherman_says(struct bench *b, const struct day *day,
                           const struct vpr_address *fisherman, const struct work_asked *asked)
{
    const struct vpr_card_line line = {.sent = CARD_SAMPLES, .answered = CARD_SAMPLES,
                                       .checked = CARD_SAMPLES, .correct = CARD_SAMPLES,
                                       .p90_ms = 150};
    struct vpr_arena *arena = &b->stage.block;
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    struct ws_card *cards = malloc(CARDS_A_MESSAGE * sizeof *cards);
    const struct ws_card *list[CARDS_A_MESSAGE];
    size_t count = 0, mark = vpr_arena_mark(arena);
    Viper__V1__MsgReportCard *all = NULL;

    VPR_ASSERT(cards != NULL);
    for (size_t i = 0; i < VPR_COUNT(lines); i++) {
        lines[i] = line;
    }
    for (size_t i = 0; i <= day->bench_count; i++) {
        if (count == CARDS_A_MESSAGE || (i == day->bench_count && count > 0)) {
            Viper__V1__MsgReportCard *part = work_report(arena, list, count);
            if (asked != NULL) {
                say(b, fisherman, &work_reveal(arena, list, count, asked)->base);
            } else if (all == NULL) {
                all = part;
            } else { /* one message holds all seals: a later one replaces it */
                size_t sum = all->n_entries + part->n_entries;
                Viper__V1__SealEntry **entries =
                    VPR_ARENA_ARRAY(arena, Viper__V1__SealEntry *, sum);
                memcpy(entries, all->entries, all->n_entries * sizeof entries[0]);
                memcpy(entries + all->n_entries, part->entries,
                       part->n_entries * sizeof entries[0]);
                all->entries = entries;
                all->n_entries = sum;
            }
            count = 0;
        }
        if (i < day->bench_count && has_card(b, i) &&
            is_drawn(&day->benches[i], fisherman)) {
            ws_card(&cards[count], &day->benches[i], fisherman, lines);
            list[count] = &cards[count];
            count++;
        }
    }
    if (all != NULL) {
        say(b, fisherman, &all->base);
    }
    vpr_arena_release(arena, mark);
    free(cards);
}

static void fishermen_say(struct bench *b, const struct day *day, const struct work_asked *asked)
{
    for (unsigned i = 1; i <= FISHERMEN && b->settings->cards > 0; i++) {
        struct vpr_address id = world_address(vpr_arena_text(&b->stage.block, "fisherman%u", i));
        fisherman_says(b, day, &id, asked);
    }
}

/* ---- blocks ---- */

static void count_block(struct bench *b, enum phase phase, double cpu)
{
    struct figures *f = &b->figures[phase];
    const struct stage *s = &b->stage;
    const double parts[] = {s->prepare_s, s->process_s, s->finalize_s, s->commit_s};
    double sum = 0;
    f->blocks++;
    f->cpu_s += cpu;
    for (size_t i = 0; i < VPR_COUNT(parts); i++) {
        sum += parts[i];
        f->most[i] = parts[i] > f->most[i] ? parts[i] : f->most[i];
    }
    f->sum_s += sum;
    f->most_s = sum > f->most_s ? sum : f->most_s;
    f->bytes += s->block_bytes;
    f->txs += s->result->n_tx_results - 1;
    f->verified += s->verify_count;
    for (size_t i = 1; i < s->result->n_tx_results; i++) {
        f->refused += s->result->tx_results[i]->code != 0 ? 1 : 0;
    }
}

static void block(struct bench *b, bool proofs)
{
    const struct plan plan = {.seconds = 1};
    bool work = b->stage.pool_count > 0;
    double before = node_cpu(b, NULL);
    stage_block(&b->stage, &plan);
    bool settled = b->stage.verify_count > 0;
    enum phase phase = settled ? (work ? PHASE_BOTH : PHASE_SETTLE)
                       : !work ? PHASE_IDLE
                               : (proofs ? PHASE_PROVE : PHASE_COMMIT);
    count_block(b, phase, node_cpu(b, NULL) - before);
}

static const struct work_asked *challenge_of(struct bench *b, uint64_t session,
                                             struct work_asked *ret)
{
    static struct vpr_hash challenge;
    Viper__V1__QuerySessionRequest request = VIPER__V1__QUERY_SESSION_REQUEST__INIT;
    request.session = session;
    const Viper__V1__QuerySessionResponse *r =
        (const Viper__V1__QuerySessionResponse *)node_ask(
            &b->stage.nodes[0], &b->stage.block, "/viper.v1.Query/Session", &request.base,
            &viper__v1__query_session_response__descriptor);
    VPR_ASSERT(r->session->challenge.len == 32);
    memcpy(challenge.b, r->session->challenge.data, 32);
    *ret = (struct work_asked){&challenge, 2, 2, VPR_PPM, VPR_PPM};
    return ret;
}

static void run(struct bench *b)
{
    const uint64_t first = 1, delay = 8, last_day = b->settings->sessions;
    uint64_t end = (3 + last_day) * SESSION_BLOCKS;
    for (uint64_t h = first; h < end; h++) {
        uint64_t session = (h - first) / SESSION_BLOCKS, offset = (h - first) % SESSION_BLOCKS;
        struct work_asked asked;
        if (offset == 1 && session < last_day) { /* the session's record is there */
            draw_day(b, &b->days[session], session);
        }
        if (offset == 1 && session >= 1 && session <= last_day) {
            servicers_say(b, &b->days[session - 1], NULL);
            fishermen_say(b, &b->days[session - 1], NULL);
        }
        if (offset == delay && session >= 2 && session <= last_day + 1) {
            (void)challenge_of(b, session - 2, &asked);
            servicers_say(b, &b->days[session - 2], &asked);
            fishermen_say(b, &b->days[session - 2], &asked);
        }
        block(b, session >= 2);
    }
}

/* ---- report ---- */

static void report(const struct bench *b, double start_s)
{
    double mb;
    uint64_t verified = 0, bytes = 0;
    double cpu = node_cpu(b, &mb);
    printf("%-20s %6s %7s %9s %8s %10s %10s %9s | most of one: %s\n", "blocks with", "blocks",
           "txs", "KB", "verified", "CPU s", "CPU ms/bl", "ms/block", "prepare process finalize "
           "commit, all ms");
    for (size_t i = 0; i < PHASES; i++) {
        const struct figures *f = &b->figures[i];
        double n = f->blocks > 0 ? (double)f->blocks : 1;
        printf("%-20s %6" PRIu64 " %7" PRIu64 " %9" PRIu64 " %8" PRIu64 " %10.2f %10.1f %9.1f | "
               "%7.0f %7.0f %8.0f %6.0f, %6.0f\n", phase_names[i], f->blocks, f->txs,
               f->bytes / 1000, f->verified, f->cpu_s, f->cpu_s * 1e3 / n, f->sum_s * 1e3 / n,
               f->most[0] * 1e3, f->most[1] * 1e3, f->most[2] * 1e3, f->most[3] * 1e3,
               f->most_s * 1e3);
        verified += f->verified;
        bytes += f->bytes;
        VPR_ASSERT(f->refused == 0);
    }
    printf("%" PRIu64 " entries verified, %" PRIu64 " paid; %.1f MB of transactions; viperd %.1f "
           "CPU s in all, %.0f MB; start with genesis %.1f s\n", verified, b->stage.paid_count,
           (double)bytes / 1e6, cpu, mb, start_s);
    uint64_t due = 0;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        due += b->days[i].claim_count;
    }
    if (verified != due || b->stage.paid_count != due) {
        fprintf(stderr, "bench_scale: %" PRIu64 " claims were made\n", due);
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
    double start = now_s();
    printf("no consensus stands behind these figures\n");
    stage_open(&b->stage, &o);
    double opened = now_s() - start;
    run(b);
    report(b, opened);
    stage_close(&b->stage);
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        free(b->days[i].benches);
        free(b->days[i].claims);
    }
    free(b);
    (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
