#include "app/rules/tally.h"

#include "app/base/coin.h"

static vpr_u128 all(const struct vpr_tally *tally)
{
    vpr_u128 sum = 0;
    for (size_t i = 0; i < VPR_VOTES; i++) {
        sum += tally->by[i];
    }
    return sum;
}

void vpr_tally_add(struct vpr_tally *tally, uint64_t stake, const struct vpr_tally *delegators,
                   enum vpr_vote_option own)
{
    vpr_u128 taken = all(delegators);
    VPR_ASSERT(own < VPR_VOTES && delegators->by[VPR_VOTE_NONE] == 0);

    for (size_t i = 0; i < VPR_VOTES; i++) {
        tally->by[i] += delegators->by[i]; /* parts of the supply, which is below 2^62 */
    }
    if (own != VPR_VOTE_NONE && taken < stake) {
        tally->by[own] += stake - (uint64_t)taken;
    }
}

enum vpr_outcome vpr_tally_judge(const struct vpr_tally *tally, uint64_t bonded,
                                 const struct vpr_tally_rule *rule)
{
    vpr_u128 voted = all(tally);
    vpr_u128 decided = voted - tally->by[VPR_VOTE_ABSTAIN];
    VPR_ASSERT(rule->quorum_ppm <= VPR_PPM && rule->threshold_ppm <= VPR_PPM &&
               rule->veto_ppm <= VPR_PPM);

    if (voted == 0 || voted * VPR_PPM < (vpr_u128)bonded * rule->quorum_ppm) {
        return VPR_OUTCOME_REJECTED;
    }
    if ((vpr_u128)tally->by[VPR_VOTE_VETO] * VPR_PPM > voted * rule->veto_ppm) {
        return VPR_OUTCOME_VETOED;
    }
    if ((vpr_u128)tally->by[VPR_VOTE_YES] * VPR_PPM > decided * rule->threshold_ppm) {
        return VPR_OUTCOME_PASSED;
    }
    return VPR_OUTCOME_REJECTED;
}
