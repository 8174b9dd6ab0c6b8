/* meters.h - what a node counts about itself, for GET /metrics.
 *
 * Updates may come from any thread. */
#ifndef VPR_NODE_METERS_H
#define VPR_NODE_METERS_H

#include "app/host/metrics.h"
#include "app/node/bridge.h"
#include "app/node/tally.h"

enum meter {
    METER_HEIGHT,
    METER_BLOCK_TIME,
    METER_SESSION,
    METER_TXS,
    METER_EXECUTE,
    METER_COMMIT,
    METER_CHECKS,
    METER_REQUESTS,
    METER_LATENCY,
    METER_STREAMS,
    METER_CONNECTIONS,
    METER_COMET_FAILURES,
    METER_SETTLED,
    METER_SETTLED_CU,
    METER_UNPAID_CU,
    METER_MINTED,
    METER_DISK,
    METER_BEACON_LEFT,
    METER_BEACON_SKIPS,
    METER_COUNT
};

struct meters;

struct meters *meters_create(void);
void meters_destroy(struct meters *meters);

void meters_block(struct meters *meters, const struct bridge_committed *block, uint64_t session);
/* Claims that a block settled. */
void meters_settled(struct meters *meters, const struct tally_sums *sums);
void meters_check(struct meters *meters, enum vpr_code code);
/* `route`: row of the route table, or SIZE_MAX for everything else. */
void meters_request(struct meters *meters, size_t route, uint32_t status, uint64_t us);
void meters_set(struct meters *meters, enum meter meter, int64_t v);
/* A proposal of ours: preimages left of the chain in use; or it went without a reveal. */
void meters_reveal(struct meters *meters, uint64_t left);
void meters_skip(struct meters *meters);
void meters_comet_failure(struct meters *meters);
void meters_write(struct meters *meters, struct vpr_buf *out);

#endif
