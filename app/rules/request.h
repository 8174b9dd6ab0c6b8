/* request.h - the request part of a relay and the post of a shadow client
 * (docs/protocol.md, 1 to 3).
 *
 * Request part, 140 bytes: sid 32, servicer 20, client key 32, seq 8, cum_cu 8, cu 8,
 * H("req", method, path, body) 32; signed: the same with the client's signature, 204.  The
 * client signs H("request", the 140 bytes); receipts name the request by
 * H("request-part", the 140 bytes). */
#ifndef VPR_RULES_REQUEST_H
#define VPR_RULES_REQUEST_H

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/sig.h"

#define VPR_REQUEST_BYTES 140
#define VPR_SIGNED_REQUEST_BYTES (VPR_REQUEST_BYTES + VPR_SIG_BYTES)
#define VPR_SEQ_WINDOW 1024 /* accepted iff > highest - 1,024 and unseen */

struct vpr_request {
    struct vpr_hash sid;
    struct vpr_address servicer;
    struct vpr_hash client_key; /* ed25519 */
    uint64_t seq;
    uint64_t cum_cu; /* CU of the answers accepted so far and of this request */
    uint64_t cu;
    struct vpr_hash req;
};

struct vpr_signed_request {
    struct vpr_request part;
    struct vpr_signature signature; /* by part.client_key */
};

/* H("req", method, path, body): the verb in upper case; what follows /v1/relay/{chain} with
 * its query, or nothing; the untouched body. */
struct vpr_hash vpr_req_hash(struct vpr_bytes method, struct vpr_bytes path,
                             struct vpr_bytes body);

void vpr_request_encode(uint8_t out[VPR_REQUEST_BYTES], const struct vpr_request *request);
VPR_MUST_USE bool vpr_request_decode(struct vpr_request *ret, struct vpr_bytes wire);
/* Reading and writing inside a larger structure (leaf, sample). */
void vpr_request_write(struct vpr_writer *w, const struct vpr_request *request);
void vpr_request_read(struct vpr_reader *r, struct vpr_request *ret);

void vpr_signed_request_encode(uint8_t out[VPR_SIGNED_REQUEST_BYTES],
                               const struct vpr_signed_request *request);
VPR_MUST_USE bool vpr_signed_request_decode(struct vpr_signed_request *ret,
                                            struct vpr_bytes wire);

/* What the client signs, and what a receipt or refusal answers. */
struct vpr_hash vpr_request_hash(const struct vpr_request *request);
struct vpr_hash vpr_request_part_hash(const struct vpr_request *request);

/* The signature only; sid, servicer, seq and cu are the caller's to compare. */
VPR_MUST_USE bool vpr_request_verify(const struct vpr_request *request,
                                     const struct vpr_signature *signature);

/* What a fisherman posts to a requestor's shadow_url, signed by its operator key. */
struct vpr_shadow {
    struct vpr_hash sid;
    struct vpr_address servicer;
    struct vpr_bytes method, path, body;
    uint64_t nonce;
};

struct vpr_hash vpr_shadow_hash(const struct vpr_shadow *shadow);
/* `key`: 33 bytes secp256k1 (the hash is the digest) or 32 bytes ed25519 (the hash is the
 * message); its address must be `operator_address`. */
VPR_MUST_USE bool vpr_shadow_verify(const struct vpr_shadow *shadow,
                                    const struct vpr_signature *signature,
                                    struct vpr_bytes key,
                                    const struct vpr_address *operator_address);

#endif
