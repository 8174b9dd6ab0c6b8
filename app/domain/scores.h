/* scores.h - running scores per (servicer, chain, zone), versioned; kept when the servicer
 * leaves the pool and found again when it returns. */
#ifndef VPR_DOMAIN_SCORES_H
#define VPR_DOMAIN_SCORES_H

#include "app/tx/handler.h"

/* ppm, as session `session` reads it; score_initial (of that session) if it never moved. */
uint64_t vpr_score_get(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                       uint16_t zone, uint64_t session);
uint64_t vpr_score_newest(struct vpr_ctx *ctx, const struct vpr_address *servicer,
                          uint16_t chain, uint16_t zone);
/* Counts from vpr_session_counts_from(ctx). */
void vpr_score_put(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                   uint16_t zone, uint64_t ppm);

/* Called while a sid is settled: add one median x weight of session `session`. */
void vpr_score_add(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *servicer,
                   uint16_t chain, uint16_t zone, uint64_t median_ppm, vpr_u128 weight);
/* Move up to `limit` scores of `session`, in order (servicer, chain, zone); returns how many
 * were moved; sets *ret_done when none are left. */
uint64_t vpr_score_move(struct vpr_ctx *ctx, uint64_t session, uint64_t limit, bool *ret_done);

extern const struct vpr_domain vpr_scores;

#endif
