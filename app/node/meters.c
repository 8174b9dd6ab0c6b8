#include "app/node/meters.h"

#include "app/base/mem.h"
#include "app/node/route.h"

static const char *const code_names[] = {
#define X(name, number, text) #name,
    VPR_CODES(X)
#undef X
};

static const enum vpr_code codes[] = {
#define X(name, number, text) VPR_##name,
    VPR_CODES(X)
#undef X
};

static const char *const classes[] = {"2xx", "3xx", "4xx", "5xx"};

static const uint64_t block_buckets[] = {1000,   2000,   5000,   10000,   20000,   50000,
                                         100000, 200000, 500000, 1000000, 2000000, 5000000};
static const uint64_t query_buckets[] = {50,   100,   200,   500,    1000,   2000,
                                         5000, 10000, 50000, 200000, 1000000};

#define LABELS(name, list) {{name, list, VPR_COUNT(list)}, {NULL, NULL, 0}}
#define PLAIN {{NULL, NULL, 0}, {NULL, NULL, 0}}
#define ROUTES "route"

/* The routes' names are put in when the table is made. */
static const struct vpr_metric rows[METER_COUNT] = {
    [METER_HEIGHT] = {"viper_height", "last committed block", VPR_GAUGE, PLAIN, 0, NULL, 0},
    [METER_BLOCK_TIME] = {"viper_block_time_seconds", "time of the last committed block",
                          VPR_GAUGE, PLAIN, 0, NULL, 0},
    [METER_SESSION] = {"viper_session", "the running session", VPR_GAUGE, PLAIN, 0, NULL, 0},
    [METER_TXS] = {"viper_txs_total", "executed transactions by result", VPR_COUNTER,
                   LABELS("code", code_names), 0, NULL, 0},
    [METER_EXECUTE] = {"viper_block_execute_seconds", "execution of a block", VPR_HISTOGRAM,
                       PLAIN, 1000000, block_buckets, VPR_COUNT(block_buckets)},
    [METER_COMMIT] = {"viper_block_commit_seconds", "durable write of a block", VPR_HISTOGRAM,
                      PLAIN, 1000000, block_buckets, VPR_COUNT(block_buckets)},
    [METER_CHECKS] = {"viper_mempool_checks_total", "CheckTx by result", VPR_COUNTER,
                      LABELS("code", code_names), 0, NULL, 0},
    [METER_REQUESTS] = {"viper_rest_requests_total", "REST answers by status", VPR_COUNTER,
                        LABELS("status", classes), 0, NULL, 0},
    [METER_LATENCY] = {"viper_rest_request_seconds", "REST, from whole request to answer",
                       VPR_HISTOGRAM, {{ROUTES, NULL, 0}, {NULL, NULL, 0}}, 1000000,
                       query_buckets, VPR_COUNT(query_buckets)},
    [METER_STREAMS] = {"viper_event_streams", "open event streams", VPR_GAUGE, PLAIN, 0, NULL,
                       0},
    [METER_CONNECTIONS] = {"viper_rest_connections", "open REST connections", VPR_GAUGE, PLAIN,
                           0, NULL, 0},
    [METER_COMET_FAILURES] = {"viper_comet_failures_total",
                              "questions to CometBFT's RPC without an answer", VPR_COUNTER,
                              PLAIN, 0, NULL, 0},
    [METER_SETTLED] = {"viper_settled_claims_total", "claims settled by verdict", VPR_COUNTER,
                       LABELS("verdict", tally_verdicts), 0, NULL, 0},
    [METER_SETTLED_CU] = {"viper_settled_cu_total", "CU that were paid for", VPR_COUNTER, PLAIN,
                          0, NULL, 0},
    [METER_UNPAID_CU] = {"viper_unpaid_cu_total",
                         "CU that were claimed and are not paid: unproved, or beyond the quota",
                         VPR_COUNTER, PLAIN, 0, NULL, 0},
    [METER_MINTED] = {"viper_minted_uvipr_total", "minted for settled claims, in uvipr",
                      VPR_COUNTER, PLAIN, 0, NULL, 0},
    [METER_DISK] = {"viper_disk_free_bytes", "what is left where the state is written",
                    VPR_GAUGE, PLAIN, 0, NULL, 0},
    [METER_BEACON_LEFT] = {"viper_beacon_left",
                           "preimages left of the beacon's chain in use; 0 before the first "
                           "proposal", VPR_GAUGE, PLAIN, 0, NULL, 0},
    [METER_BEACON_SKIPS] = {"viper_beacon_skips_total",
                            "own proposals without a reveal, for want of the chain's key",
                            VPR_COUNTER, PLAIN, 0, NULL, 0},
};

struct meters {
    struct vpr_metric table[METER_COUNT];
    const char **routes;
    struct vpr_metrics *metrics;
};

struct meters *meters_create(void)
{
    struct meters *m = (struct meters *)vpr_mem_alloc(sizeof *m);
    m->routes = (const char **)vpr_mem_alloc((route_row_count + 1) * sizeof *m->routes);
    for (size_t i = 0; i < route_row_count; i++) {
        m->routes[i] = route_rows[i].path;
    }
    m->routes[route_row_count] = "other";
    memcpy(m->table, rows, sizeof rows);
    m->table[METER_LATENCY].labels[0].values = m->routes;
    m->table[METER_LATENCY].labels[0].count = route_row_count + 1;
    m->metrics = vpr_metrics_create(m->table, METER_COUNT);
    return m;
}

void meters_destroy(struct meters *meters)
{
    if (meters) {
        vpr_metrics_destroy(meters->metrics);
        vpr_mem_free(meters->routes);
        vpr_mem_free(meters);
    }
}

static size_t index_of(enum vpr_code code)
{
    for (size_t i = 0; i < VPR_COUNT(codes); i++) {
        if (codes[i] == code) {
            return i;
        }
    }
    VPR_HALT("a result without a name");
}

void meters_block(struct meters *meters, const struct bridge_committed *block, uint64_t session)
{
    vpr_metric_set(meters->metrics, METER_HEIGHT, 0, 0, (int64_t)block->height);
    vpr_metric_set(meters->metrics, METER_BLOCK_TIME, 0, 0, block->time_s);
    vpr_metric_set(meters->metrics, METER_SESSION, 0, 0, (int64_t)session);
    for (size_t i = 0; i < block->result->tx_count; i++) {
        vpr_metric_add(meters->metrics, METER_TXS, index_of(block->result->txs[i].code), 0, 1);
    }
    vpr_metric_observe(meters->metrics, METER_EXECUTE, 0, 0, block->execute_us);
    vpr_metric_observe(meters->metrics, METER_COMMIT, 0, 0, block->commit_us);
}

void meters_settled(struct meters *meters, const struct tally_sums *sums)
{
    for (size_t i = 0; i < TALLY_VERDICTS; i++) {
        vpr_metric_add(meters->metrics, METER_SETTLED, i, 0, sums->claims[i]);
    }
    vpr_metric_add(meters->metrics, METER_SETTLED_CU, 0, 0, sums->settled_cu);
    vpr_metric_add(meters->metrics, METER_UNPAID_CU, 0, 0, sums->unpaid_cu);
    vpr_metric_add(meters->metrics, METER_MINTED, 0, 0, sums->minted);
}

void meters_check(struct meters *meters, enum vpr_code code)
{
    vpr_metric_add(meters->metrics, METER_CHECKS, index_of(code), 0, 1);
}

void meters_request(struct meters *meters, size_t route, uint32_t status, uint64_t us)
{
    size_t class = status < 300 ? 0 : status < 400 ? 1 : status < 500 ? 2 : 3;
    vpr_metric_add(meters->metrics, METER_REQUESTS, class, 0, 1);
    vpr_metric_observe(meters->metrics, METER_LATENCY,
                       route < route_row_count ? route : route_row_count, 0, us);
}

void meters_set(struct meters *meters, enum meter meter, int64_t v)
{
    vpr_metric_set(meters->metrics, meter, 0, 0, v);
}

void meters_reveal(struct meters *meters, uint64_t left)
{
    vpr_metric_set(meters->metrics, METER_BEACON_LEFT, 0, 0, (int64_t)left);
}

void meters_skip(struct meters *meters)
{
    vpr_metric_add(meters->metrics, METER_BEACON_SKIPS, 0, 0, 1);
}

void meters_comet_failure(struct meters *meters)
{
    vpr_metric_add(meters->metrics, METER_COMET_FAILURES, 0, 0, 1);
}

void meters_write(struct meters *meters, struct vpr_buf *out)
{
    vpr_metrics_write(meters->metrics, out);
}
