/* quality.h - servicers whose running score stays low are benched: out of that pool, slashed,
 * until their operator resumes them.
 *
 * Three sessions in a row below score_min, of those with a median in sids of enough requestor
 * owners; the standing outlives leaving the pool. */
#ifndef VPR_DOMAIN_QUALITY_H
#define VPR_DOMAIN_QUALITY_H

#include "app/domain/actors.h"

/* After the score move of a session that counts, to this score. */
void vpr_quality_judge(struct vpr_ctx *ctx, uint64_t session,
                       const struct vpr_address *servicer, uint16_t chain, uint16_t zone,
                       uint64_t score_ppm);

/* MsgResume of a pool: sessions count again from the one in which it may be drawn again.
 * BAD_STATUS if it is not benched there, TOO_SOON. */
VPR_MUST_USE enum vpr_code vpr_quality_resume(struct vpr_ctx *ctx,
                                              const struct vpr_address *id,
                                              const Viper__V1__Actor *actor, uint16_t chain,
                                              uint16_t zone);

/* Fills in what stands at present, for the chain and zone that `info` names. */
void vpr_quality_info(struct vpr_ctx *ctx, const struct vpr_address *id,
                      Viper__V1__ScoreInfo *info);

extern const struct vpr_domain vpr_quality; /* an invariant only */

#endif
