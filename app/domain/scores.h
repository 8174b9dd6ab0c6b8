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
/* As vpr_score_get; false: benched out of that pool in that session. */
bool vpr_score_in_pool(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                       uint16_t zone, uint64_t session, uint64_t *ret_ppm);
/* Benched as the newest version says it, pending included; and a new one. */
bool vpr_score_benched(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                       uint16_t zone);
void vpr_score_set_benched(struct vpr_ctx *ctx, const struct vpr_address *servicer,
                           uint16_t chain, uint16_t zone, bool benched);
/* Both count from vpr_session_counts_from(ctx) and keep what the other one says. */
void vpr_score_put(struct vpr_ctx *ctx, const struct vpr_address *servicer, uint16_t chain,
                   uint16_t zone, uint64_t ppm);

/* Called while a sid is settled: add one median x weight of session `session`, and whose
 * requestor it was. */
void vpr_score_add(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *servicer,
                   uint16_t chain, uint16_t zone, uint64_t median_ppm, vpr_u128 weight,
                   const struct vpr_address *requestor_owner);
/* Move up to `limit` scores of `session`, in order (servicer, chain, zone); returns how many
 * were moved; sets *ret_done when none are left. */
uint64_t vpr_score_move(struct vpr_ctx *ctx, uint64_t session, uint64_t limit, bool *ret_done);

extern const struct vpr_domain vpr_scores;

#endif
