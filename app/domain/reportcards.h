/* reportcards.h - MsgReportCard and MsgReveal: what fishermen saw. */
#ifndef VPR_DOMAIN_REPORTCARDS_H
#define VPR_DOMAIN_REPORTCARDS_H

#include "app/domain/sessions.h"
#include "viper/v1/state.pb-c.h"

/* The revealed card of a fisherman, or NULL. */
const Viper__V1__CardRecord *vpr_card_get(struct vpr_ctx *ctx, uint64_t session,
                                          const struct vpr_hash *sid,
                                          const struct vpr_address *fisherman);

/* When session s+2 opens: fishermen drawn in sids with a Commit of s and without any
 * MsgReportCard are counted absent, others reset; 24 in a row: paused. */
void vpr_cards_presence(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_reportcards;

#endif
