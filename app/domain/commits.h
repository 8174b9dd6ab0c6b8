/* commits.h - MsgCommit and MsgProve: what servicers claim and how they prove it.
 *
 * A commit fixes root, sum and count of the leaves of one sid before the challenge is known;
 * a Prove shows what clients acknowledged (tails) and the leaves that the challenge picks.
 * Everything of a sid lives from its first Commit to its last Verify. */
#ifndef VPR_DOMAIN_COMMITS_H
#define VPR_DOMAIN_COMMITS_H

#include "app/domain/actors.h"
#include "app/domain/sessions.h"
#include "viper/v1/state.pb-c.h"

#define VPR_COMMIT_ENTRIES_MAX 1000 /* of a message */
#define VPR_TAILS_MAX          64   /* of an entry */
#define VPR_PROVE_TAILS_MAX    1000 /* of a message */
#define VPR_PROOF_SAMPLES_MAX  16   /* the parameter's range ends there */

/* The bench that the first Commit of a sid wrote into state; false: nobody committed. */
VPR_MUST_USE bool vpr_bench_stored(struct vpr_ctx *ctx, uint64_t session,
                                   const struct vpr_hash *sid, struct vpr_bench *ret);
/* How many of its entries are not verified yet. */
uint32_t vpr_bench_committed(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid);
void vpr_bench_set_committed(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid,
                             uint32_t committed);
/* The next sid with a Bench behind `after` (NULL: the first), in order; both may be one. */
VPR_MUST_USE bool vpr_bench_next(struct vpr_ctx *ctx, uint64_t session,
                                 const struct vpr_hash *after, struct vpr_hash *ret_sid);

/* NULL: this servicer did not commit. */
const Viper__V1__Commit *vpr_commit_get(struct vpr_ctx *ctx, uint64_t session,
                                        const struct vpr_hash *sid,
                                        const struct vpr_address *servicer);
void vpr_commit_put(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid,
                    const struct vpr_address *servicer, const Viper__V1__Commit *commit);
/* The sids for which the servicer committed, in order; at most `room` are written, all are
 * counted. */
size_t vpr_committed_sids(struct vpr_ctx *ctx, uint64_t session,
                          const struct vpr_address *servicer, struct vpr_hash *ret_sids,
                          size_t room);

/* Which samples of the servicer are proved, one bit a position. */
uint64_t vpr_samples_bits(struct vpr_ctx *ctx, uint64_t session,
                          const struct vpr_address *servicer);
void vpr_samples_set(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *servicer,
                     uint64_t bits);
/* All samples of the servicer for the session are proved; `proof_samples` is that of it. */
bool vpr_samples_proved(struct vpr_ctx *ctx, uint64_t session,
                        const struct vpr_address *servicer, uint64_t proof_samples);

/* Multipliers of the places of one session that were found already: begin with zeros.  A
 * servicer is drawn in one zone for at most so many chains; what does not fit is found again. */
struct vpr_rate {
    uint16_t chain, zone;
    uint32_t chain_ppm, zone_ppm;
};
struct vpr_rates {
    size_t count;
    struct vpr_rate found[VPR_CHAINS_MAX];
};

/* What `cu` of this bench pay before the split; NO_CHAIN, NO_ZONE or OVERFLOW.  `rates` of its
 * session, or NULL. */
VPR_MUST_USE enum vpr_code vpr_bench_gross(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                           uint64_t cu, struct vpr_rates *rates, uint64_t *ret);

/* With the last Verify of a sid, sids in order: its Bench, commits and look-ups go, and the
 * proved samples of servicers that have no other entry left. */
void vpr_bench_delete(struct vpr_ctx *ctx, const struct vpr_bench *bench);

extern const struct vpr_domain vpr_commits;

#endif
