/* wallets.h - delegation under the names and in the shapes that Cosmos wallets use:
 * validators only, by their vipervaloper address. */
#ifndef VPR_DOMAIN_WALLETS_H
#define VPR_DOMAIN_WALLETS_H

#include "app/domain/delegation.h"

/* vipervaloper1...: an actor's id. */
VPR_MUST_USE enum vpr_code vpr_field_valoper(struct vpr_address *ret, const char *text,
                                             const char *field, struct vpr_err *err);
char *vpr_text_of_valoper(struct vpr_arena *arena, const struct vpr_address *id);

extern const struct vpr_query vpr_wallet_queries[9]; /* cosmos.c */

#endif
