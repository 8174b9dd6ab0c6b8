/* tally.h - what votes come to (docs/protocol.md, 13).
 *
 * Amounts in uvipr, shares in ppm. */
#ifndef VPR_RULES_TALLY_H
#define VPR_RULES_TALLY_H

#include "app/base/base.h"

/* In the order of the numbers that the messages have: 1 yes ... 4 veto. */
enum vpr_vote_option { VPR_VOTE_NONE, VPR_VOTE_YES, VPR_VOTE_ABSTAIN, VPR_VOTE_NO, VPR_VOTE_VETO };
#define VPR_VOTES 5

struct vpr_tally {
    uint64_t by[VPR_VOTES]; /* [VPR_VOTE_NONE] stays 0 */
};

/* A bonded validator: what its delegators' standing votes count goes by their options, the
 * rest of its stake, at least 0, by its own; VPR_VOTE_NONE: the rest does not vote. */
void vpr_tally_add(struct vpr_tally *tally, uint64_t stake, const struct vpr_tally *delegators,
                   enum vpr_vote_option own);

enum vpr_outcome { VPR_OUTCOME_REJECTED, VPR_OUTCOME_PASSED, VPR_OUTCOME_VETOED };

struct vpr_tally_rule {
    uint64_t quorum_ppm;    /* of the bonded stake, at least */
    uint64_t threshold_ppm; /* yes of what did not abstain, more than */
    uint64_t veto_ppm;      /* veto of all votes, more than */
};

/* Quorum first: without it nothing passes and nothing is burned; then veto, then threshold.
 * ppm <= 10^6. */
enum vpr_outcome vpr_tally_judge(const struct vpr_tally *tally, uint64_t bonded,
                                 const struct vpr_tally_rule *rule);

#endif
