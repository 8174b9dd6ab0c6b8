/* content.h - what a proposal does when it passes.
 *
 * One row a kind.  All that depends on the state is checked at submission and again at
 * execution, by the same function. */
#ifndef VPR_DOMAIN_CONTENT_H
#define VPR_DOMAIN_CONTENT_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

/* "text", "params", "spend", "chain", "zone", "upgrade". */
const char *vpr_content_kind(const Viper__V1__ProposalContent *content);

/* One kind at most, and its fields; BAD_FIELD, BAD_ADDRESS, BAD_AMOUNT. */
VPR_MUST_USE enum vpr_code vpr_content_check(const Viper__V1__ProposalContent *content,
                                             struct vpr_err *err);
/* Whether it could be done now. */
VPR_MUST_USE enum vpr_code vpr_content_admit(struct vpr_ctx *ctx,
                                             const Viper__V1__ProposalContent *content);
/* Does it, or leaves no trace. */
VPR_MUST_USE enum vpr_code vpr_content_execute(struct vpr_ctx *ctx,
                                               const Viper__V1__ProposalContent *content);

/* What it costs beside the deposit: chain_fee for a chain that is not there yet. */
uint64_t vpr_content_fee(struct vpr_ctx *ctx, const Viper__V1__ProposalContent *content);

#endif
