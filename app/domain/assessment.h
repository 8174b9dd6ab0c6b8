/* assessment.h - what the commits and revealed cards of one sid amount to: settled CU,
 * medians, factors.
 *
 * A function of the state alone that changes nothing: the same before the first and after
 * the last but one Verify of the sid, so that carry-over never changes what is paid. */
#ifndef VPR_DOMAIN_ASSESSMENT_H
#define VPR_DOMAIN_ASSESSMENT_H

#include "app/domain/sessions.h"

struct vpr_assessed_servicer {
    bool committed;
    bool settled; /* its Verify is done */
    bool proved;  /* its tails and all its samples */
    uint64_t sum, count;
    uint64_t cu; /* what is settled: 0 unless proved */
    bool has_median;
    uint32_t median_ppm;
};

struct vpr_assessed_fisherman {
    bool revealed;
    uint32_t factor_ppm; /* 0 unless revealed */
};

struct vpr_assessment {
    struct vpr_bench bench;
    uint32_t waiting;                                      /* entries without Verify */
    struct vpr_assessed_servicer servicers[VPR_SEATS_MAX]; /* as in the bench */
    struct vpr_assessed_fisherman fishermen[VPR_SEATS_MAX];
};

/* `params` are those of the session; false: nobody committed. */
VPR_MUST_USE bool vpr_assess(struct vpr_ctx *ctx, const struct vpr_params *params,
                             uint64_t session, const struct vpr_hash *sid,
                             struct vpr_assessment *ret);

#endif
