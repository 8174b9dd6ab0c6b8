/* doublesign.h - evidence from CometBFT that a validator signed two different things at one
 * height: slashed once, and never a validator again, with whatever record. */
#ifndef VPR_DOMAIN_DOUBLESIGN_H
#define VPR_DOMAIN_DOUBLESIGN_H

#include "app/tx/handler.h"

/* Step of the block.  Evidence against who has no record, whose record is younger than the
 * fault, or who has its tombstone already, changes nothing. */
void vpr_double_signs(struct vpr_ctx *ctx);

/* The block that set the tombstone of this consensus address; 0: it has none. */
uint64_t vpr_tombstone(struct vpr_ctx *ctx, const struct vpr_address *consensus);

#endif
