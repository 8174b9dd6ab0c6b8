/* income.h - the sums behind what comes in without a sid: a validator's yield and fees, what a
 * delegator withdraws.  Amounts in uvipr. */
#ifndef VPR_CLI_INCOME_H
#define VPR_CLI_INCOME_H

#include "app/cli/sums.h"

/* Yield and fees of a session that ended, by `key` ("owner", "actor") of "yield_part"; of an
 * owner its own share is added to *total, of an actor the delegators' as well.  Exit code. */
int vpr_income_yield(struct vpr_sums *sums, const char *node, const char *key, const char *id,
                     uint64_t session, uint64_t *total);

/* What an account withdrew in the blocks of a session, each from what it earned since it last
 * withdrew.  Exit code. */
int vpr_income_withdrawals(struct vpr_sums *sums, const char *node, const char *delegator,
                           uint64_t session, uint64_t *total);

#endif
