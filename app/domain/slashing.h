/* slashing.h - what a penalty burns, and the record of it.
 *
 * A record says the fault's height, so that what began to leave at or after it can be
 * reached later, when it is paid out. */
#ifndef VPR_DOMAIN_SLASHING_H
#define VPR_DOMAIN_SLASHING_H

#include "app/domain/actors.h"

/* Burns floor(stake x ppm / 10^6) of a validator or servicer that is not gone, and as much of
 * its delegation pool; an own stake that began to leave before `fault_height` stays whole.
 * Writes a record and an event in any case, and new terms.  Returns what was burned, uvipr.
 * What delegators took out before finds the record when it is paid (unbonding.h). */
uint64_t vpr_actor_slash(struct vpr_ctx *ctx, const struct vpr_address *id, uint64_t ppm,
                         uint64_t fault_height, Viper__V1__SlashReason reason);

/* The height of a fault of consensus.  Who signs block h was chosen at the end of block h-2,
 * so that a stake which began to leave in h-1 still stood behind it: the fault's is h-1. */
uint64_t vpr_fault_height(const struct vpr_ctx *ctx, uint64_t signed_height);

/* How many slashes the actor has had: the sequence of its next one. */
uint64_t vpr_slash_count(struct vpr_ctx *ctx, const struct vpr_address *id);
/* NULL: no such sequence. */
const Viper__V1__Slash *vpr_slash_get(struct vpr_ctx *ctx, const struct vpr_address *id,
                                      uint64_t sequence);

extern const struct vpr_domain vpr_slashing; /* a query only */

#endif
