/* proofs.h - MsgProve: the row of it in the table of commits.
 *
 * Two things are proved apart, in as many messages as needed: the tails of an entry, which
 * bound its claim to what clients acknowledged, and the leaves that the challenge picks out
 * of all entries of the servicer.  A bad proof changes nothing and may be sent again. */
#ifndef VPR_DOMAIN_PROOFS_H
#define VPR_DOMAIN_PROOFS_H

#include "app/tx/handler.h"

void vpr_prove_load(const ProtobufCMessage *message, struct vpr_load *load);
enum vpr_code vpr_prove_check(const ProtobufCMessage *message, struct vpr_err *err);
enum vpr_code vpr_prove_admit(struct vpr_ctx *ctx, const ProtobufCMessage *message);
enum vpr_code vpr_prove_apply(struct vpr_ctx *ctx, const ProtobufCMessage *message);

#endif
