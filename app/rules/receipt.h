/* receipt.h - a servicer's signed answer or its signed refusal (docs/protocol.md, 1, 2).
 *
 * Receipt, 130 bytes: H(request-part) 32, status 2, H("res", status, body) 32, signature 64;
 * refusal, 98 bytes: H(request-part) 32, reason 2, signature 64.  Signed by the relay key over
 * H("receipt", ...) and H("refusal", ...) of the fields before the signature. */
#ifndef VPR_RULES_RECEIPT_H
#define VPR_RULES_RECEIPT_H

#include "app/base/hash.h"
#include "app/base/sig.h"

#define VPR_RECEIPT_BYTES 130
#define VPR_REFUSAL_BYTES 98

struct vpr_receipt {
    struct vpr_hash request_part; /* vpr_request_part_hash of what was asked */
    uint16_t status;              /* HTTP */
    struct vpr_hash res;
    struct vpr_signature signature;
};

/* Stable numbers: signed, and labels of a metric (docs/protocol.md, 2). */
enum vpr_refusal_reason {
    VPR_REFUSED_QUOTA = 1,
    VPR_REFUSED_SESSION = 2,
    VPR_REFUSED_MEMBERSHIP = 3,
    VPR_REFUSED_TOKEN = 4,
    VPR_REFUSED_SIGNATURE = 5,
    VPR_REFUSED_SEQ = 6,
    VPR_REFUSED_CU = 7,
    VPR_REFUSED_UNACKNOWLEDGED = 8,
    VPR_REFUSED_OVERLOAD = 9,
    VPR_REFUSED_BACKEND = 10,
    VPR_REFUSED_SIZE = 11,
};
#define VPR_REFUSED_MAX 11

struct vpr_refusal {
    struct vpr_hash request_part;
    uint16_t reason; /* a later version may know more than this one */
    struct vpr_signature signature;
};

struct vpr_hash vpr_res_hash(uint16_t status, struct vpr_bytes body);

void vpr_receipt_encode(uint8_t out[VPR_RECEIPT_BYTES], const struct vpr_receipt *receipt);
VPR_MUST_USE bool vpr_receipt_decode(struct vpr_receipt *ret, struct vpr_bytes wire);
struct vpr_hash vpr_receipt_hash(const struct vpr_receipt *receipt);
VPR_MUST_USE bool vpr_receipt_verify(const struct vpr_receipt *receipt,
                                     const struct vpr_hash *relay_key);

void vpr_refusal_encode(uint8_t out[VPR_REFUSAL_BYTES], const struct vpr_refusal *refusal);
VPR_MUST_USE bool vpr_refusal_decode(struct vpr_refusal *ret, struct vpr_bytes wire);
struct vpr_hash vpr_refusal_hash(const struct vpr_refusal *refusal);
VPR_MUST_USE bool vpr_refusal_verify(const struct vpr_refusal *refusal,
                                     const struct vpr_hash *relay_key);

/* "quota" ... "size"; "unknown" for a reason of a later version. */
const char *vpr_refusal_name(uint16_t reason);

#endif
