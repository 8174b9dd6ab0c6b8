/* answer.h - one query against one committed state: the table of the domains as protobuf
 * bytes, and the store's own paths with proofs.
 *
 * Knows no transport: abci_query, REST and gRPC call it alike, each on its own thread with
 * its own arena and pools. */
#ifndef VPR_NODE_ANSWER_H
#define VPR_NODE_ANSWER_H

#include "app/app.h"

#define VPR_ANSWER_FIELDS_MAX 4096 /* of a request message */

/* `method` is "/viper.v1.Query/Chain"; `request` its message as bytes, lenient as proto3
 * wants it.  ret_response (may be NULL) in the arena, and packed in ret_bytes (may be NULL).
 * NOT_FOUND also for a method that is none: `*ret_known` tells the two apart. */
VPR_MUST_USE enum vpr_code vpr_answer_method(struct vpr_view *view, struct vpr_arena *arena,
                                             struct vpr_pools *pools, const char *method,
                                             struct vpr_bytes request,
                                             const ProtobufCMessage **ret_response,
                                             struct vpr_bytes *ret_bytes, bool *ret_known,
                                             struct vpr_err *err);

/* The transaction inside cosmos.tx.v1beta1.SimulateRequest, as TxRaw bytes in the arena. */
#define VPR_ANSWER_SIMULATE "/cosmos.tx.v1beta1.Service/Simulate"
VPR_MUST_USE enum vpr_code vpr_answer_simulate_tx(struct vpr_arena *arena,
                                                  struct vpr_bytes request,
                                                  struct vpr_bytes *ret_tx,
                                                  struct vpr_err *err);
/* SimulateResponse of a simulation that went well. */
struct vpr_bytes vpr_answer_simulated(struct vpr_arena *arena,
                                      const struct vpr_tx_result *result);

#endif
