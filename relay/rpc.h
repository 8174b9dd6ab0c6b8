/* rpc.h - what the gateway must know of JSON-RPC: writes, errors, ids.
 *
 * Pure functions of text.  Its one rule: an id comes back byte for byte as it was sent,
 * whatever a backend made of it. */
#ifndef VPR_RELAY_RPC_H
#define VPR_RELAY_RPC_H

#include "app/host/buf.h"

#define VPR_RPC_PARSE (-32700)
#define VPR_RPC_INVALID (-32600)
#define VPR_RPC_INTERNAL (-32603)
#define VPR_RPC_LIMIT (-32005)

/* A method that changes something: sent once and never again.  Names nobody knows count as
 * reads; `method` is the JSON string. */
bool vpr_rpc_writes(struct vpr_bytes method);

/* An error object; `id` is JSON text, empty: null. */
void vpr_rpc_error(struct vpr_buf *out, struct vpr_bytes id, int code, const char *message);

/* If the answer is an object with another id than this text: the answer with it, into `out`,
 * and what was there before.  False: nothing to do, and nothing was written. */
VPR_MUST_USE bool vpr_rpc_put_id(struct vpr_buf *out, struct vpr_bytes *ret_before,
                                 struct vpr_bytes answer, struct vpr_bytes id);

#endif
