/* bench_store - the store over RocksDB at a million keys: start-up, and root + durable commit
 * of 10,000 updates (93 % replaced, 5 % new, 2 % deleted; keys of 40 bytes, values of 100).
 *
 *     bench_store [--keys N] [--updates N] [--blocks N] [--dir PATH]
 *
 * The directory is made, filled and removed; it should lie on the disk to be measured. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/store/store.h"

#define KEY_BYTES 40
#define VALUE_BYTES 100
#define FILL_BLOCK 50000
#define BLOCKS_MAX 1000

static const char *const names[] = {"accounts"};

struct plan {
    uint64_t keys, updates, blocks;
    const char *dir;
};

static double now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* On the CPU, this thread: what the wall clock says beyond it is the disk, or other programs. */
static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 31;
    x *= UINT64_C(0x7FB5D329728EA185);
    x ^= x >> 27;
    x *= UINT64_C(0x81DADEF4BC2DD44D);
    return x ^ x >> 33;
}

/* Key number n: spread over the key space, as addresses are. */
static void key_of(uint8_t key[KEY_BYTES], uint64_t n)
{
    for (size_t i = 0; i < KEY_BYTES; i += 8) {
        vpr_put_be64(key + i, mix(n * 5 + i / 8 + 1));
    }
}

static void put(const struct vpr_state *state, uint64_t n, uint64_t salt)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES + 8];
    key_of(key, n);
    for (size_t i = 0; i < VALUE_BYTES; i += 8) {
        vpr_put_be64(value + i, mix(n ^ salt << 32) + i);
    }
    vpr_state_put(state, 0, vpr_bytes_of(key, KEY_BYTES), vpr_bytes_of(value, VALUE_BYTES));
}

static struct vpr_store *open_store(const char *dir)
{
    char err[256];
    struct vpr_kv *kv = vpr_kv_rocksdb_open(dir, err, sizeof err);
    struct vpr_store *store =
        kv == NULL ? NULL : vpr_store_open(kv, names, 1, err, sizeof err);
    if (store == NULL) {
        (void)fprintf(stderr, "bench_store: %s\n", err);
        exit(1);
    }
    return store;
}

static void fill(const struct plan *plan)
{
    struct vpr_store *store = open_store(plan->dir);
    const struct vpr_state state = {store, NULL};
    double start = now_ms();
    for (uint64_t n = 0; n < plan->keys;) {
        for (uint64_t i = 0; i < FILL_BLOCK && n < plan->keys; i++, n++) {
            put(&state, n, 0);
        }
        vpr_store_commit(store, vpr_store_height(store) + 1);
    }
    printf("fill       %" PRIu64 " keys in blocks of %d   %.1f s\n", plan->keys, FILL_BLOCK,
           (now_ms() - start) / 1e3);
    vpr_store_close(store);
}

static int double_cmp(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double line(const char *what, const struct plan *plan, double *ms)
{
    size_t n = plan->blocks;
    qsort(ms, n, sizeof ms[0], double_cmp);
    printf("%-22s p50 %6.1f ms   p95 %6.1f ms   max %6.1f ms\n", what, ms[n / 2],
           ms[n * 95 / 100 < n ? n * 95 / 100 : n - 1], ms[n - 1]);
    return ms[n / 2];
}

/* Deletes the oldest keys, adds at the end, changes others between: the count stays near. */
static void run_blocks(const struct plan *plan, struct vpr_store *store)
{
    static double write_ms[BLOCKS_MAX], root_ms[BLOCKS_MAX], commit_ms[BLOCKS_MAX],
        both_ms[BLOCKS_MAX], both_cpu_ms[BLOCKS_MAX];
    const struct vpr_state state = {store, NULL};
    uint64_t first = 0, end = plan->keys, serial = 1;
    for (uint64_t block = 0; block < plan->blocks; block++) {
        double start = now_ms();
        for (uint64_t i = 0; i < plan->updates; i++, serial++) {
            uint64_t kind = i % 100;
            if (kind < 5) {
                put(&state, end++, serial);
            } else if (kind < 7) {
                uint8_t key[KEY_BYTES];
                key_of(key, first++);
                vpr_state_del(&state, 0, vpr_bytes_of(key, KEY_BYTES));
            } else {
                /* not among those this block deletes */
                uint64_t low = first + plan->updates / 50 + 1;
                put(&state, low + mix(serial) % (end - low), serial);
            }
        }
        double written = now_ms();
        double written_cpu = cpu_ms();
        (void)vpr_store_root(store);
        double rooted = now_ms();
        vpr_store_commit(store, vpr_store_height(store) + 1);
        double committed = now_ms();
        write_ms[block] = written - start;
        root_ms[block] = rooted - written;
        commit_ms[block] = committed - rooted;
        both_ms[block] = committed - written;
        both_cpu_ms[block] = cpu_ms() - written_cpu;
    }
    (void)line("writes (with reads)", plan, write_ms);
    (void)line("root", plan, root_ms);
    (void)line("durable commit", plan, commit_ms);
    (void)line("both, on the CPU", plan, both_cpu_ms);
    double both = line("root + durable commit", plan, both_ms);
    printf("goal <= 100 ms per 10,000 updates: %s\n",
           both * 10000.0 / (double)plan->updates <= 100.0 ? "met" : "MISSED");
}

static void measure_start(const struct plan *plan)
{
    double best = 0;
    for (int round = 0; round < 3; round++) {
        double start = now_ms();
        struct vpr_store *store = open_store(plan->dir);
        double took = (now_ms() - start) / 1e3;
        best = round == 0 || took < best ? took : best;
        vpr_store_close(store);
    }
    double each = best * 1e6 / (double)plan->keys;
    printf("start-up   best of 3 %.2f s, %.2f s per 1,000,000 keys; goal <= 2 s: %s\n", best,
           each, each <= 2.0 ? "met" : "MISSED");
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static struct plan plan_of(int argc, char **argv)
{
    struct plan plan = {1000000, 10000, 40, "/var/tmp/vpr-bench-store"};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--keys") == 0) {
            plan.keys = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--updates") == 0) {
            plan.updates = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--blocks") == 0) {
            plan.blocks = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--dir") == 0) {
            plan.dir = argv[i + 1];
        }
    }
    if (argc % 2 == 0 || plan.updates < 100 || plan.blocks < 1 || plan.blocks > BLOCKS_MAX ||
        plan.keys < plan.updates * plan.blocks / 50 + 2 * plan.updates ||
        access(plan.dir, F_OK) == 0) {
        (void)fprintf(stderr, "usage: bench_store [--keys N] [--updates N] [--blocks N] "
                              "[--dir NEW_DIRECTORY]\n");
        exit(2);
    }
    return plan;
}

int main(int argc, char **argv)
{
    struct plan plan = plan_of(argc, argv);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    printf("bench_store: %" PRIu64 " keys, blocks of %" PRIu64 " updates, %" PRIu64
           " blocks, %s\n", plan.keys, plan.updates, plan.blocks, plan.dir);
    fill(&plan);
    measure_start(&plan);
    struct vpr_store *store = open_store(plan.dir);
    run_blocks(&plan, store);
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf("memory     %ld MB at most\n", usage.ru_maxrss / 1024);
    vpr_store_close(store);
    return nftw(plan.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : 1;
}
