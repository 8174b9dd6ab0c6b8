/* chains.h - the registries of chains and geozones; from genesis only in this version. */
#ifndef VPR_DOMAIN_CHAINS_H
#define VPR_DOMAIN_CHAINS_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

/* NULL: unknown. */
const Viper__V1__Chain *vpr_chain_get(struct vpr_ctx *ctx, uint16_t id);
const Viper__V1__ChainTerms *vpr_chain_terms(struct vpr_ctx *ctx, uint16_t id,
                                             uint64_t session);
const Viper__V1__ZoneTerms *vpr_zone_terms(struct vpr_ctx *ctx, uint16_t id, uint64_t session);

extern const struct vpr_domain vpr_chains;

#endif
