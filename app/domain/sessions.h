/* sessions.h - runs of blocks, what counts from when, and who is drawn.
 *
 * The draw of a session is fixed before its seed: all it reads goes through versions. */
#ifndef VPR_DOMAIN_SESSIONS_H
#define VPR_DOMAIN_SESSIONS_H

#include "app/tx/handler.h"

struct vpr_session {
    uint64_t number, first, last; /* blocks, both included */
    struct vpr_hash seed;
    struct vpr_hash challenge;
    bool has_challenge;
};

VPR_MUST_USE bool vpr_session_get(struct vpr_ctx *ctx, uint64_t number,
                                  struct vpr_session *ret);
/* The running session: there always is one after genesis. */
struct vpr_session vpr_session_current(struct vpr_ctx *ctx);
/* Its number; 0 while genesis is read, before there is a record. */
uint64_t vpr_session_number(struct vpr_ctx *ctx);
static inline uint64_t vpr_session_blocks(const struct vpr_session *s)
{
    return s->last - s->first + 1;
}
/* A change in the block in hand counts from here (docs/protocol.md, 8.3); parameters
 * from current + 2. */
uint64_t vpr_session_counts_from(struct vpr_ctx *ctx);
uint64_t vpr_session_oldest_unsettled(struct vpr_ctx *ctx);
/* Also deletes the records of the sessions before it, which nothing reads any more. */
void vpr_session_set_oldest_unsettled(struct vpr_ctx *ctx, uint64_t number);

/* For queries, where 0 stands for the running session: NO_SESSION unless its versions are
 * there, from the oldest unsettled one to the one after next. */
VPR_MUST_USE enum vpr_code vpr_session_asked(struct vpr_ctx *ctx, uint64_t asked,
                                             uint64_t *ret_session);

/* Steps of the block, in the order of domain.c. */
void vpr_session_open(struct vpr_ctx *ctx);      /* if due: its record */
void vpr_session_challenge(struct vpr_ctx *ctx); /* after the beacon: add it when drawn */
bool vpr_session_opens_now(struct vpr_ctx *ctx); /* the block in hand is a first block */

#define VPR_SEATS_MAX 24

struct vpr_seat {
    struct vpr_address id, owner;
};

/* One requestor, chain and zone in one session: the drawn lists and the prices. */
struct vpr_bench {
    struct vpr_hash sid;
    uint64_t session;
    struct vpr_address requestor, requestor_owner;
    uint16_t chain, zone;
    uint64_t allowance_cu, budget, quota_cu, share_ppm;
    uint32_t servicer_count, fisherman_count;
    struct vpr_seat servicers[VPR_SEATS_MAX]; /* in id order */
    struct vpr_seat fishermen[VPR_SEATS_MAX]; /* in id order */
};

/* Draws; NO_SESSION with the reason when requestor, pair, chain, zone or pool has none. */
VPR_MUST_USE enum vpr_code vpr_bench_draw(struct vpr_ctx *ctx, struct vpr_bench *ret,
                                          const struct vpr_session *session,
                                          const struct vpr_address *requestor, uint16_t chain,
                                          uint16_t zone);
bool vpr_bench_has_servicer(const struct vpr_bench *bench, const struct vpr_address *id);
bool vpr_bench_has_fisherman(const struct vpr_bench *bench, const struct vpr_address *id);

/* Prefix sums of the pools of the last few sessions: a pure function of committed state,
 * built on demand, free of gas; app.c owns one for blocks, each query thread its own. */
struct vpr_pools *vpr_pools_create(void);
void vpr_pools_destroy(struct vpr_pools *pools);
void vpr_pools_forget(struct vpr_pools *pools); /* after a reset or rollback */

enum vpr_code vpr_versions_invariant(struct vpr_ctx *ctx); /* version_invariant.c */
enum vpr_code vpr_params_invariant(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_sessions;

#endif
