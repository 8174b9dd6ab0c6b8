/* session.h - a servicer's books for one session: who may ask, what was answered, what was
 * acknowledged.
 *
 * Owns the state of every sid and of every client key in it.  One thread (the loop) touches
 * it.  Its one rule: a seq is claimed in one step, after the signature and before the
 * backend, so no request is answered twice.  Everything here can be rebuilt from the leaves
 * on disk (docs/protocol.md, 3).
 *
 * Limits: VPR_WORK_SIDS_MAX sids a session, VPR_SID_LANES_MAX client keys a sid: as many as a
 * Prove counts tails of, so that no acknowledged work is without its tail. */
#ifndef VPR_RELAY_SESSION_H
#define VPR_RELAY_SESSION_H

#include "app/rules/leaf.h"
#include "app/rules/receipt.h"
#include "app/rules/request.h"
#include "app/rules/token.h"

#define VPR_WORK_SIDS_MAX 4096
#define VPR_SID_TAILS_MAX 64 /* of one Prove entry */
#define VPR_SID_LANES_MAX VPR_SID_TAILS_MAX
#define VPR_CU_MAX 1000      /* of one method */

/* How much unacknowledged work to risk: max(floor, quota share) + share of what is
 * acknowledged.  Shares in ppm. */
struct vpr_risk {
    uint64_t floor_cu;
    uint64_t quota_ppm;
    uint64_t acked_ppm;
};
#define VPR_RISK_DEFAULT {100, 20000, 100000}

/* One client key at one sid. */
struct vpr_lane {
    struct vpr_hash client_key;
    struct vpr_token token;
    uint32_t gateway_key; /* which of the requestor's keys signed it */
    bool token_stored;    /* on disk; its leaves count for nothing before */

    bool any; /* some seq was claimed */
    uint64_t highest;
    uint64_t seen[VPR_SEQ_WINDOW / 64]; /* bit seq % 1024, for the last 1,024 up to highest */

    uint64_t answered_cu;
    uint64_t acked_cu; /* largest cum_cu - cu seen */
    bool has_tail;
    bool tail_stored; /* the tail is on disk, in a leaf or alone */
    struct vpr_signed_request tail;
};

struct vpr_sid_info {
    struct vpr_hash sid;
    struct vpr_address requestor;
    uint16_t chain, zone;
    uint64_t quota_cu;
};

struct vpr_sid_work {
    struct vpr_sid_info info;
    uint32_t gateway_key_count; /* 0: not known yet */
    struct vpr_hash gateway_keys[VPR_GATEWAY_KEYS_MAX];

    uint64_t answered_cu, acked_cu; /* sums over the lanes */
    uint64_t pending_cu;            /* claimed, not yet answered */
    uint32_t pending;
    uint64_t leaves;
    bool stored; /* its info is on disk */

    uint32_t lane_count;
    struct vpr_lane *lanes[VPR_SID_LANES_MAX];
    uint8_t index[2 * VPR_SID_LANES_MAX]; /* open addressing: lane + 1, 0 is free */
};

struct vpr_work {
    uint64_t session, first, last; /* blocks, both included */
    uint64_t grace_blocks;
    struct vpr_risk risk;

    uint32_t pending; /* over all sids */
    uint64_t quota_sum;
    uint64_t answered, leaves_cu;
    uint32_t sid_count;
    struct vpr_sid_work *sids[VPR_WORK_SIDS_MAX];
    uint16_t index[2 * VPR_WORK_SIDS_MAX];
};

struct vpr_work *vpr_work_create(uint64_t session, uint64_t first, uint64_t last,
                                 uint64_t grace_blocks, const struct vpr_risk *risk);
void vpr_work_destroy(struct vpr_work *work); /* NULL is fine */

/* Whether relays of this session are accepted while `height` is the last block. */
bool vpr_work_open(const struct vpr_work *work, uint64_t height);

struct vpr_sid_work *vpr_work_find(const struct vpr_work *work, const struct vpr_hash *sid);
/* The sid, made if it is new; NULL when there are too many. */
struct vpr_sid_work *vpr_work_add(struct vpr_work *work, const struct vpr_sid_info *info);

/* More than its share of `capacity` requests in flight?  Below half of the capacity everybody
 * may; above, each sid in proportion to its quota, at least one; at the capacity nobody. */
bool vpr_work_overloaded(const struct vpr_work *work, const struct vpr_sid_work *sid,
                         uint32_t in_flight, uint32_t capacity);

struct vpr_lane *vpr_sid_lane(const struct vpr_sid_work *sid, const struct vpr_hash *key);
/* A verified token; NULL when the sid has too many client keys. */
struct vpr_lane *vpr_sid_lane_add(struct vpr_sid_work *sid, const struct vpr_token *token,
                                  uint32_t gateway_key);

/* The seq is new and not too old for the window. */
bool vpr_lane_seq_ok(const struct vpr_lane *lane, uint64_t seq);

/* What `work` may owe at most, and what it is owed: the risk rule. */
uint64_t vpr_sid_unacknowledged(const struct vpr_sid_work *sid);
uint64_t vpr_sid_risk_limit(const struct vpr_sid_work *sid, const struct vpr_risk *risk);

/* Cheap checks before any signature: quota, seq, plausible cum_cu; 0 or the reason.
 * `lane` NULL: the client key is new. */
int vpr_sid_precheck(const struct vpr_sid_work *sid, const struct vpr_lane *lane,
                     const struct vpr_request *request);

/* A request whose token and signature hold: takes its acknowledgement and its tail, then the
 * risk rule, then the seq.  0: claimed, and answered or failed must follow; else the reason,
 * and no seq is used.  *ret_tail: this request is the lane's new best tail. */
int vpr_sid_claim(struct vpr_work *work, struct vpr_sid_work *sid, struct vpr_lane *lane,
                  const struct vpr_signed_request *request, bool *ret_tail);
/* The leaf of a claimed request was written: its cu count as answered. */
void vpr_sid_answered(struct vpr_work *work, struct vpr_sid_work *sid, struct vpr_lane *lane,
                      const struct vpr_signed_request *request);
/* There will be no answer; the seq stays used. */
void vpr_sid_failed(struct vpr_work *work, struct vpr_sid_work *sid,
                    const struct vpr_request *request);

/* From disk, in any order: the same books as before the restart. */
void vpr_sid_restore_leaf(struct vpr_work *work, struct vpr_sid_work *sid,
                          struct vpr_lane *lane, const struct vpr_leaf *leaf);
void vpr_lane_restore_used(struct vpr_lane *lane, uint64_t seq);
void vpr_sid_restore_tail(struct vpr_sid_work *sid, struct vpr_lane *lane,
                          const struct vpr_signed_request *tail);

/* Records may be missing on disk: nothing counts as stored any more. */
void vpr_work_unstored(struct vpr_work *work);

/* The lanes whose tails a Prove carries; returns how many. */
uint32_t vpr_sid_tails(const struct vpr_sid_work *sid,
                       const struct vpr_lane *ret[VPR_SID_TAILS_MAX]);

#endif
