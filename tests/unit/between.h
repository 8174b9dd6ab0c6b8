/* between.h - invariants that no state shows alone: what a block did, by its events and the
 * state before it (docs/security.md lists them). */
#ifndef VPR_TEST_BETWEEN_H
#define VPR_TEST_BETWEEN_H

#include "app/domain/domain.h"

#define BETWEEN_SUMS_MAX 64 /* requestors of a session with entries: gross so far */
#define BETWEEN_PLACE_MAX 256

/* Of one chain, from its first block on; zeros before. */
struct between {
    uint64_t oldest;                /* unsettled session after the block before */
    uint64_t minted, burned;        /* of the supply after the block before */
    char settled[BETWEEN_PLACE_MAX]; /* last (session, sid, servicer) of a Verify */
    char moved[BETWEEN_PLACE_MAX];   /* last (session, servicer, chain, zone) of a score */
    size_t sum_count;
    struct between_sum {
        char whose[BETWEEN_PLACE_MAX]; /* session, requestor */
        uint64_t gross, budget, allowance;
    } sums[BETWEEN_SUMS_MAX];
};

/* After genesis or after a block of which nothing is asked. */
void between_from(struct between *b, struct vpr_ctx *ctx);
/* After a block: NULL, or what of it cannot be, beginning with the name. */
const char *between_blocks(struct between *b, struct vpr_ctx *ctx,
                           const struct vpr_events *events);

#endif
