/* reportcards.h - MsgReportCard and MsgReveal: what fishermen saw.
 *
 * Cards are sealed in s+1, before anybody knows another's, and opened in s+2.  A seal lives
 * until its sid is settled, or, if nobody committed there, until its session is. */
#ifndef VPR_DOMAIN_REPORTCARDS_H
#define VPR_DOMAIN_REPORTCARDS_H

#include "app/domain/sessions.h"
#include "viper/v1/state.pb-c.h"

#define VPR_SEALS_MAX        1000 /* of a report card */
#define VPR_REVEALED_MAX     100  /* cards of a message */
#define VPR_CARD_SAMPLES_MAX 16   /* the parameter's range ends there */

/* The revealed card of a fisherman, or NULL. */
const Viper__V1__CardRecord *vpr_card_get(struct vpr_ctx *ctx, uint64_t session,
                                          const struct vpr_hash *sid,
                                          const struct vpr_address *fisherman);

/* When session s+2 opens: fishermen drawn in sids with a Commit of s and without any
 * MsgReportCard are counted absent, others reset; 24 in a row: paused.  Then the marks of
 * presence of s go. */
void vpr_cards_presence(struct vpr_ctx *ctx);

/* With the last Verify of a sid: its seals and cards go. */
void vpr_cards_delete(struct vpr_ctx *ctx, const struct vpr_bench *bench);
/* With the end of a session: up to `limit` of the seals of sids that nobody committed;
 * returns how many. */
uint64_t vpr_cards_sweep(struct vpr_ctx *ctx, uint64_t session, uint64_t limit);

enum vpr_code vpr_cards_invariant(struct vpr_ctx *ctx); /* card_invariant.c */

extern const struct vpr_domain vpr_reportcards;

#endif
