/* positions.h - where the challenge of a session points in what a servicer committed.
 *
 * Found by walking over all entries of the servicer, which no gas pays for: so what was found
 * is kept beside the pools.  That is sound because nothing it is made of changes once the
 * challenge is drawn (commits, benches, versions of the session); it may be forgotten at any
 * time, and is when a block is dropped or rolled back. */
#ifndef VPR_DOMAIN_POSITIONS_H
#define VPR_DOMAIN_POSITIONS_H

#include "app/domain/sessions.h"

#define VPR_POSITIONS_MAX 16 /* the largest proof_samples */

struct vpr_position {
    struct vpr_hash sid;
    uint64_t cu; /* in the entry's tree */
};

struct vpr_positions {
    uint64_t session;
    struct vpr_address servicer;
    uint32_t count; /* proof_samples of the session */
    struct vpr_position at[VPR_POSITIONS_MAX];
};

/* In the blocks of Prove.  Valid until positions of another servicer are asked for. */
VPR_MUST_USE enum vpr_code vpr_positions_find(struct vpr_ctx *ctx,
                                              const struct vpr_session *session,
                                              const struct vpr_address *servicer,
                                              const struct vpr_positions **ret);

/* The shelf itself, in pools.c: NULL if nothing is kept; the oldest makes room. */
const struct vpr_positions *vpr_pools_recall(struct vpr_pools *pools, uint64_t session,
                                             const struct vpr_address *servicer);
const struct vpr_positions *vpr_pools_keep(struct vpr_pools *pools,
                                           const struct vpr_positions *positions);

#endif
