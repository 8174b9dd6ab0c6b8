/* proposals.h - what may be voted on: submitted with a deposit, open for a time, closed for
 * good.
 *
 *   MsgPropose ─► VOTING ─tally─► PASSED | FAILED | REJECTED  (deposit returns)
 *                               └► VETOED                      (deposit is burned)
 *
 * FAILED: it passed, and could not be done.  Closed proposals stay, with their tally. */
#ifndef VPR_DOMAIN_PROPOSALS_H
#define VPR_DOMAIN_PROPOSALS_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

#define VPR_PROPOSALS_OPEN_MAX 16
#define VPR_TITLE_BYTES_MAX 140
#define VPR_SUMMARY_BYTES_MAX 4096

/* NULL: no such proposal. */
const Viper__V1__Proposal *vpr_proposal_get(struct vpr_ctx *ctx, uint64_t id);
/* Those that are open, by end and id; returns how many. */
size_t vpr_proposals_open(struct vpr_ctx *ctx, uint64_t ret_ids[VPR_PROPOSALS_OPEN_MAX]);
/* One that can be voted on now, or NOT_FOUND, VOTE_CLOSED. */
VPR_MUST_USE enum vpr_code vpr_proposal_votable(struct vpr_ctx *ctx, uint64_t id,
                                                const Viper__V1__Proposal **ret);

/* The vote is over: status and tally are written, deposit and fee go where they belong. */
void vpr_proposal_close(struct vpr_ctx *ctx, const Viper__V1__Proposal *proposal,
                        Viper__V1__ProposalStatus status, const Viper__V1__Tally *tally,
                        enum vpr_code failed);

extern const struct vpr_domain vpr_proposals;

#endif
