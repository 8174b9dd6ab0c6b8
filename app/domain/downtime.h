/* downtime.h - who of the validator set is missing in the commits.
 *
 * A run of blocks begins with the first commit that lists the validator after it entered the
 * set or resumed, and ends when it leaves or is jailed.  Of the last downtime_window blocks of
 * a run one bit each says "missed"; only changes are written. */
#ifndef VPR_DOMAIN_DOWNTIME_H
#define VPR_DOMAIN_DOWNTIME_H

#include "app/tx/handler.h"

/* Step of the block: counts the votes on the block before; who signed fewer than
 * downtime_min_signed of a whole window is slashed and jailed. */
void vpr_downtime(struct vpr_ctx *ctx);

/* The run of blocks is over; does nothing if there is none. */
void vpr_downtime_forget(struct vpr_ctx *ctx, const struct vpr_address *id);

struct vpr_signing {
    uint64_t counted, missed; /* of the last downtime_window blocks; 0: no run */
};
struct vpr_signing vpr_signing(struct vpr_ctx *ctx, const struct vpr_address *id);

extern const struct vpr_domain vpr_downtimes; /* an invariant only */

#endif
