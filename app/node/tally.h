/* tally.h - what sessions came to, as the log of a node tells it.
 *
 * Owns the sums of the sessions whose claims are being settled, from the events of committed
 * blocks; nothing here is state.  Its one rule: a line when a session begins, one when it is
 * settled.  A node that was started in between says how many claims it has seen itself.
 *
 * Belongs to the owner thread.  Limit: TALLY_SESSIONS at once; the oldest makes room. */
#ifndef VPR_NODE_TALLY_H
#define VPR_NODE_TALLY_H

#include "app/app.h"

#define TALLY_SESSIONS 8
#define TALLY_VERDICTS 3

/* "paid", "unproved", "error": as the events have them. */
extern const char *const tally_verdicts[TALLY_VERDICTS];

struct tally_sums {
    uint64_t claims[TALLY_VERDICTS];
    uint64_t settled_cu;
    uint64_t unpaid_cu; /* claimed, and unproved or beyond the quota */
    uint64_t minted;
};

struct tally {
    size_t count;
    struct {
        uint64_t session;
        struct tally_sums sums;
    } open[TALLY_SESSIONS]; /* oldest first */
};

/* What the block settled is added to `sums`. */
void tally_block(struct tally *tally, const struct vpr_app_result *result,
                 struct tally_sums *sums);

#endif
