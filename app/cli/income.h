/* income.h - the sums behind what comes in without a sid: how a part is shared with delegators,
 * a validator's yield and fees, what a delegator withdraws.  Amounts in uvipr. */
#ifndef VPR_CLI_INCOME_H
#define VPR_CLI_INCOME_H

#include "app/cli/penalty.h"

struct vpr_found;

/* Stakes and commission by which a part was shared, and what its delegators got of it. */
struct vpr_income_share {
    bool there; /* the chain said it; without delegators it need not */
    uint64_t stake, delegated, commission_ppm, delegators;
};
/* Reads stake_uvipr, delegated_uvipr, commission_ppm and delegators of an event. */
struct vpr_income_share vpr_income_share_of(const struct vpr_found *found);
void vpr_income_say_share(struct vpr_sums *sums, uint64_t part,
                          const struct vpr_income_share *share);

/* Yield and fees of a session that ended, by `key` ("owner", "actor") of "yield_part"; of an
 * owner its own share is added to *total, of an actor the delegators' as well.  Exit code. */
int vpr_income_yield(struct vpr_sums *sums, const char *node, const char *key, const char *id,
                     uint64_t session, uint64_t *total);

/* What an account withdrew in the blocks of a session, each from what it earned since it last
 * withdrew.  Exit code. */
int vpr_income_withdrawals(struct vpr_sums *sums, const char *node, const char *delegator,
                           uint64_t session, uint64_t *total);

#endif
