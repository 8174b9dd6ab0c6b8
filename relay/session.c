#include "relay/session.h"

#include "app/base/bytes.h"
#include "app/base/coin.h"
#include "app/base/mem.h"

struct vpr_work *vpr_work_create(uint64_t session, uint64_t first, uint64_t last,
                                 uint64_t grace_blocks, const struct vpr_risk *risk)
{
    VPR_ASSERT(first <= last);
    struct vpr_work *work = vpr_mem_alloc(sizeof *work);

    work->session = session;
    work->first = first;
    work->last = last;
    work->grace_blocks = grace_blocks;
    work->risk = *risk;
    return work;
}

void vpr_work_destroy(struct vpr_work *work)
{
    if (work == NULL) {
        return;
    }
    for (uint32_t i = 0; i < work->sid_count; i++) {
        struct vpr_sid_work *sid = work->sids[i];
        for (uint32_t j = 0; j < sid->lane_count; j++) {
            vpr_mem_free(sid->lanes[j]);
        }
        vpr_mem_free(sid);
    }
    vpr_mem_free(work);
}

bool vpr_work_open(const struct vpr_work *work, uint64_t height)
{
    /* The relay is served between two blocks: the one in the making is height + 1. */
    return height + 1 >= work->first && height <= work->last + work->grace_blocks;
}

/* Sids and client keys are hashes or chosen by others; the tables are bounded and at most
 * half full, so the worst choice costs a bounded walk. */
static uint32_t slot_of(const struct vpr_hash *key, uint32_t slots)
{
    return (uint32_t)(vpr_get_be64(key->b) % slots);
}

static uint32_t work_slot(const struct vpr_work *work, const struct vpr_hash *sid)
{
    const uint32_t slots = 2 * VPR_WORK_SIDS_MAX;
    uint32_t at = slot_of(sid, slots);

    while (work->index[at] != 0 &&
           !vpr_hash_equal(&work->sids[work->index[at] - 1]->info.sid, sid)) {
        at = (at + 1) % slots;
    }
    return at;
}

struct vpr_sid_work *vpr_work_find(const struct vpr_work *work, const struct vpr_hash *sid)
{
    const uint16_t found = work->index[work_slot(work, sid)];

    return found == 0 ? NULL : work->sids[found - 1];
}

struct vpr_sid_work *vpr_work_add(struct vpr_work *work, const struct vpr_sid_info *info)
{
    const uint32_t at = work_slot(work, &info->sid);

    if (work->index[at] != 0) {
        return work->sids[work->index[at] - 1];
    }
    if (work->sid_count == VPR_WORK_SIDS_MAX) {
        return NULL;
    }
    struct vpr_sid_work *sid = vpr_mem_alloc(sizeof *sid);
    sid->info = *info;
    work->sids[work->sid_count] = sid;
    work->sid_count++;
    work->index[at] = (uint16_t)work->sid_count;
    work->quota_sum += info->quota_cu;
    return sid;
}

bool vpr_work_overloaded(const struct vpr_work *work, const struct vpr_sid_work *sid,
                         uint32_t in_flight, uint32_t capacity)
{
    if (in_flight >= capacity) {
        return true;
    }
    if (in_flight < capacity / 2 || work->quota_sum == 0) {
        return false;
    }
    uint64_t share = 0;
    if (!vpr_try_mul_div_floor(&share, capacity, sid->info.quota_cu, work->quota_sum) ||
        share == 0) {
        share = 1;
    }
    return sid->pending >= share;
}

static uint32_t lane_slot(const struct vpr_sid_work *sid, const struct vpr_hash *key)
{
    const uint32_t slots = 2 * VPR_SID_LANES_MAX;
    uint32_t at = slot_of(key, slots);

    while (sid->index[at] != 0 &&
           !vpr_hash_equal(&sid->lanes[sid->index[at] - 1]->client_key, key)) {
        at = (at + 1) % slots;
    }
    return at;
}

struct vpr_lane *vpr_sid_lane(const struct vpr_sid_work *sid, const struct vpr_hash *key)
{
    const uint8_t found = sid->index[lane_slot(sid, key)];

    return found == 0 ? NULL : sid->lanes[found - 1];
}

struct vpr_lane *vpr_sid_lane_add(struct vpr_sid_work *sid, const struct vpr_token *token,
                                  uint32_t gateway_key)
{
    const uint32_t at = lane_slot(sid, &token->client_key);

    if (sid->index[at] != 0) {
        return sid->lanes[sid->index[at] - 1];
    }
    if (sid->lane_count == VPR_SID_LANES_MAX) {
        return NULL;
    }
    struct vpr_lane *lane = vpr_mem_alloc(sizeof *lane);
    lane->client_key = token->client_key;
    lane->token = *token;
    lane->gateway_key = gateway_key;
    sid->lanes[sid->lane_count] = lane;
    sid->lane_count++;
    sid->index[at] = (uint8_t)sid->lane_count;
    return lane;
}

static bool seen_get(const struct vpr_lane *lane, uint64_t seq)
{
    const uint64_t bit = seq % VPR_SEQ_WINDOW;

    return (lane->seen[bit / 64] >> (bit % 64) & 1) != 0;
}

bool vpr_lane_seq_ok(const struct vpr_lane *lane, uint64_t seq)
{
    if (!lane->any || seq > lane->highest) {
        return true;
    }
    return lane->highest - seq < VPR_SEQ_WINDOW && !seen_get(lane, seq);
}

/* Marks a seq that is ok; what leaves the window is forgotten, and refused as too old. */
static void seen_set(struct vpr_lane *lane, uint64_t seq)
{
    if (!lane->any || seq > lane->highest) {
        const uint64_t step = lane->any ? seq - lane->highest : VPR_SEQ_WINDOW;
        if (step >= VPR_SEQ_WINDOW) {
            memset(lane->seen, 0, sizeof lane->seen);
        } else {
            for (uint64_t s = lane->highest + 1; s < seq; s++) {
                lane->seen[s % VPR_SEQ_WINDOW / 64] &= ~(UINT64_C(1) << (s % 64));
            }
        }
        lane->highest = seq;
        lane->any = true;
    }
    lane->seen[seq % VPR_SEQ_WINDOW / 64] |= UINT64_C(1) << (seq % 64);
}

uint64_t vpr_sid_unacknowledged(const struct vpr_sid_work *sid)
{
    const uint64_t given = sid->answered_cu + sid->pending_cu;

    return given > sid->acked_cu ? given - sid->acked_cu : 0;
}

uint64_t vpr_sid_risk_limit(const struct vpr_sid_work *sid, const struct vpr_risk *risk)
{
    uint64_t floor_cu = 0;
    uint64_t more = 0;

    if (!vpr_try_mul_div_floor(&floor_cu, sid->info.quota_cu, risk->quota_ppm, VPR_PPM) ||
        floor_cu < risk->floor_cu) {
        floor_cu = risk->floor_cu;
    }
    if (!vpr_try_mul_div_floor(&more, sid->acked_cu, risk->acked_ppm, VPR_PPM)) {
        more = 0;
    }
    return floor_cu + more;
}

int vpr_sid_precheck(const struct vpr_sid_work *sid, const struct vpr_lane *lane,
                     const struct vpr_request *request)
{
    if (request->cu == 0 || request->cum_cu < request->cu) {
        return VPR_REFUSED_CU;
    }
    if (request->cu > sid->info.quota_cu ||
        sid->answered_cu + sid->pending_cu > sid->info.quota_cu - request->cu) {
        return VPR_REFUSED_QUOTA;
    }
    /* Nobody can have accepted more than the quota: a larger figure is a mistake, and in a
     * tail it could overflow the sum of a Prove. */
    if (request->cum_cu - request->cu > sid->info.quota_cu) {
        return VPR_REFUSED_CU;
    }
    if (lane != NULL && !vpr_lane_seq_ok(lane, request->seq)) {
        return VPR_REFUSED_SEQ;
    }
    return 0;
}

static bool take_tail(struct vpr_lane *lane, const struct vpr_signed_request *request)
{
    if (lane->has_tail && request->part.cum_cu <= lane->tail.part.cum_cu) {
        return false;
    }
    lane->tail = *request;
    lane->has_tail = true;
    lane->tail_stored = false;
    return true;
}

static void take_ack(struct vpr_sid_work *sid, struct vpr_lane *lane,
                     const struct vpr_request *request)
{
    const uint64_t acked = request->cum_cu - request->cu;

    if (acked > lane->acked_cu) {
        sid->acked_cu += acked - lane->acked_cu;
        lane->acked_cu = acked;
    }
}

int vpr_sid_claim(struct vpr_work *work, struct vpr_sid_work *sid, struct vpr_lane *lane,
                  const struct vpr_signed_request *request, bool *ret_tail)
{
    const struct vpr_request *part = &request->part;

    const int reason = vpr_sid_precheck(sid, lane, part);
    if (reason != 0) {
        *ret_tail = false;
        return reason;
    }
    /* A signed voucher counts even if the request itself is then refused. */
    take_ack(sid, lane, part);
    *ret_tail = take_tail(lane, request);
    if (vpr_sid_unacknowledged(sid) > vpr_sid_risk_limit(sid, &work->risk)) {
        return VPR_REFUSED_UNACKNOWLEDGED;
    }
    seen_set(lane, part->seq);
    sid->pending_cu += part->cu;
    sid->pending++;
    work->pending++;
    return 0;
}

static void release(struct vpr_work *work, struct vpr_sid_work *sid, uint64_t cu)
{
    VPR_ASSERT(sid->pending > 0 && sid->pending_cu >= cu && work->pending > 0);
    sid->pending--;
    sid->pending_cu -= cu;
    work->pending--;
}

static void count_leaf(struct vpr_work *work, struct vpr_sid_work *sid, struct vpr_lane *lane,
                       uint64_t cu)
{
    lane->answered_cu += cu;
    sid->answered_cu += cu;
    sid->leaves++;
    work->answered++;
    work->leaves_cu += cu;
}

void vpr_sid_answered(struct vpr_work *work, struct vpr_sid_work *sid, struct vpr_lane *lane,
                      const struct vpr_signed_request *request)
{
    release(work, sid, request->part.cu);
    count_leaf(work, sid, lane, request->part.cu);
    if (lane->has_tail && lane->tail.part.seq == request->part.seq) {
        lane->tail_stored = true;
    }
}

void vpr_sid_failed(struct vpr_work *work, struct vpr_sid_work *sid,
                    const struct vpr_request *request)
{
    release(work, sid, request->cu);
}

void vpr_lane_restore_used(struct vpr_lane *lane, uint64_t seq)
{
    if (!lane->any || seq > lane->highest || lane->highest - seq < VPR_SEQ_WINDOW) {
        seen_set(lane, seq);
    }
}

void vpr_sid_restore_leaf(struct vpr_work *work, struct vpr_sid_work *sid,
                          struct vpr_lane *lane, const struct vpr_leaf *leaf)
{
    const struct vpr_request *part = &leaf->request.part;

    vpr_lane_restore_used(lane, part->seq);
    count_leaf(work, sid, lane, part->cu);
    vpr_sid_restore_tail(sid, lane, &leaf->request);
}

void vpr_sid_restore_tail(struct vpr_sid_work *sid, struct vpr_lane *lane,
                          const struct vpr_signed_request *tail)
{
    take_ack(sid, lane, &tail->part);
    if (take_tail(lane, tail)) {
        lane->tail_stored = true;
    }
}

void vpr_work_unstored(struct vpr_work *work)
{
    for (uint32_t i = 0; i < work->sid_count; i++) {
        struct vpr_sid_work *sid = work->sids[i];
        sid->stored = false;
        for (uint32_t j = 0; j < sid->lane_count; j++) {
            sid->lanes[j]->token_stored = false;
            sid->lanes[j]->tail_stored = false;
        }
    }
}

uint32_t vpr_sid_tails(const struct vpr_sid_work *sid,
                       const struct vpr_lane *ret[VPR_SID_TAILS_MAX])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < sid->lane_count; i++) {
        if (sid->lanes[i]->has_tail) {
            ret[count] = sid->lanes[i];
            count++;
        }
    }
    return count;
}
