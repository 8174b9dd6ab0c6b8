/* benches.h - the pools of a session, built once, and what is drawn from them.
 *
 * All that is read counts from the session or before, so that pools and benches of an opened
 * session never change: they may be kept, or built again, with the same result. */
#ifndef VPR_DOMAIN_BENCHES_H
#define VPR_DOMAIN_BENCHES_H

#include "app/domain/actors.h"
#include "app/domain/sessions.h"
#include "app/rules/draw.h"

#define VPR_SIDS_MAX 10000 /* of one answer about an actor's sids */

/* The servicers or fishermen of (chain, zone) in an opened session; NULL: nobody.  Valid until
 * pools of another session are asked for. */
const struct vpr_pool *vpr_pool_find(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                                     uint64_t session, uint16_t chain, uint16_t zone);

/* Budget and allowance of a requestor's terms with the parameters and the length of
 * `session`; OVERFLOW. */
VPR_MUST_USE enum vpr_code vpr_throughput(struct vpr_ctx *ctx, const Viper__V1__Terms *terms,
                                          uint64_t session, uint64_t *ret_budget,
                                          uint64_t *ret_allowance);

/* Answers ServicerSids and FishermanSids: every sid of the session in which the actor was
 * drawn, at most VPR_SIDS_MAX. */
VPR_MUST_USE enum vpr_code vpr_sids_answer(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                                           const ProtobufCMessage *request,
                                           ProtobufCMessage **ret_response);

extern const struct vpr_domain vpr_benches; /* queries and invariants */

#endif
