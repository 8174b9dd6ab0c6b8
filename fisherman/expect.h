/* expect.h - what a card is going to earn, before Verify says so (docs/protocol.md, 9.6, 9.7).
 *
 * Pure; the same formulas as settlement's, from what the chain answers about a sid.  For the
 * log and the metric: nothing depends on it. */
#ifndef VPR_FISHERMAN_EXPECT_H
#define VPR_FISHERMAN_EXPECT_H

#include "app/rules/card.h"
#include "app/rules/score.h"

#define VPR_EXPECT_FISHERMEN_MAX 64

struct vpr_expect_entry { /* a committed claim that will be paid */
    struct vpr_address servicer;
    uint64_t settled_cu;
};

struct vpr_expect {
    uint64_t allowance_cu, budget_uvipr, quota_cu;
    uint64_t chain_ppm, zone_ppm;     /* multipliers */
    uint64_t fishermen_ppm, tolerance_ppm;
    struct vpr_score_rule rule;
    uint32_t drawn_fishermen; /* k */
    uint32_t seat_count;
    struct vpr_address seats[VPR_CARD_LINES_MAX]; /* in id order */
    size_t entry_count;
    struct vpr_expect_entry entries[VPR_CARD_LINES_MAX];
    size_t card_count; /* revealed */
    const struct vpr_card_line *cards[VPR_EXPECT_FISHERMEN_MAX]; /* seat_count lines each */
    size_t mine; /* which of the cards; card_count: none */
};

struct vpr_expected {
    uint32_t factor_ppm;
    uint64_t reward_uvipr;
};
struct vpr_expected vpr_expect_of(const struct vpr_expect *e);

#endif
