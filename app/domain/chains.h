/* chains.h - the registries of chains and geozones: from genesis, then by governance; a chain's
 * owner edits its name, payout and latencies. */
#ifndef VPR_DOMAIN_CHAINS_H
#define VPR_DOMAIN_CHAINS_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

/* NULL: unknown. */
const Viper__V1__Chain *vpr_chain_get(struct vpr_ctx *ctx, uint16_t id);
const Viper__V1__ChainTerms *vpr_chain_terms(struct vpr_ctx *ctx, uint16_t id,
                                             uint64_t session);
const Viper__V1__ZoneTerms *vpr_zone_terms(struct vpr_ctx *ctx, uint16_t id, uint64_t session);

/* A whole record as genesis and proposals have it.  Check: its fields.  Admit: as of now, also
 * the change against the record that is there.  Put: checked and admitted; terms count through
 * versions, the rest at once. */
VPR_MUST_USE enum vpr_code vpr_chain_check(const Viper__V1__GenesisChain *chain,
                                           struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_chain_admit(struct vpr_ctx *ctx,
                                           const Viper__V1__GenesisChain *chain);
void vpr_chain_put(struct vpr_ctx *ctx, const Viper__V1__GenesisChain *chain);
VPR_MUST_USE enum vpr_code vpr_zone_check(const Viper__V1__GenesisZone *zone,
                                          struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_zone_admit(struct vpr_ctx *ctx,
                                          const Viper__V1__GenesisZone *zone);
void vpr_zone_put(struct vpr_ctx *ctx, const Viper__V1__GenesisZone *zone);

/* Four hex digits, in the arena. */
char *vpr_id16(struct vpr_arena *arena, uint16_t id);

/* The chains and the zone a servicer or fisherman lists: 1 to 15, ascending, 16 bits. */
VPR_MUST_USE enum vpr_code vpr_places_check(uint32_t zone, const uint32_t *chains, size_t count,
                                            struct vpr_err *err);
/* NO_CHAIN or NO_ZONE unless both are active in that session. */
VPR_MUST_USE enum vpr_code vpr_place_active(struct vpr_ctx *ctx, uint32_t chain, uint32_t zone,
                                            uint64_t session);
/* The same for a list, in the session that a change counts from. */
VPR_MUST_USE enum vpr_code vpr_places_active(struct vpr_ctx *ctx, uint32_t zone,
                                             const uint32_t *chains, size_t count);

extern const struct vpr_domain vpr_chains;

#endif
