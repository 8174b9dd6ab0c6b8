/* settlement.h - Verify: the list of entries that are due, what they pay, and score moves.
 *
 * The list is a function of the state after block h-1 alone, in order (session, sid,
 * servicer); PrepareProposal, ProcessProposal and FinalizeBlock call the same function. */
#ifndef VPR_DOMAIN_SETTLEMENT_H
#define VPR_DOMAIN_SETTLEMENT_H

#include "app/domain/commits.h"
#include "app/domain/reportcards.h"
#include "viper/v1/tx.pb-c.h"

/* Entries for block ctx->height (at most settle_per_block), in ctx->arena.  `state` is that
 * after the block before; nothing is changed. */
void vpr_settlement_due(struct vpr_ctx *ctx, Viper__V1__VerifyEntry ***ret_entries,
                        size_t *ret_count);

/* Steps of the block: settle the due list (the caller has compared it with the system
 * transaction), then score moves within what is left of the limit. */
void vpr_settlement_settle(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_settlement;

#endif
