/* token.h - a gateway's word that a client key may use a session (docs/protocol.md, 1 to 3).
 *
 * 128 bytes on the wire: sid 32, client key 32, signature 64 by a gateway key over
 * H("token", sid, client key). */
#ifndef VPR_RULES_TOKEN_H
#define VPR_RULES_TOKEN_H

#include "app/base/hash.h"
#include "app/base/sig.h"

#define VPR_TOKEN_BYTES 128
#define VPR_GATEWAY_KEYS_MAX 8 /* of a requestor */

struct vpr_token {
    struct vpr_hash sid;
    struct vpr_hash client_key; /* ed25519 */
    struct vpr_signature signature;
};

void vpr_token_encode(uint8_t out[VPR_TOKEN_BYTES], const struct vpr_token *token);
VPR_MUST_USE bool vpr_token_decode(struct vpr_token *ret, struct vpr_bytes wire);

/* What the gateway signs. */
struct vpr_hash vpr_token_hash(const struct vpr_token *token);
VPR_MUST_USE bool vpr_token_verify(const struct vpr_token *token,
                                   const struct vpr_hash *gateway_key);
/* By any of the requestor's keys; none of 0. */
VPR_MUST_USE bool vpr_token_verify_any(const struct vpr_token *token,
                                       const struct vpr_hash *gateway_keys, size_t count);

#endif
