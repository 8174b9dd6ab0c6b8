/* verify.h - checks the proofs of proof.h against a header's app hash.
 *
 * Takes exactly the bytes proof.c makes and refuses every other form, also some the stock
 * verifiers let pass: whoever builds on it needs only the app hash of a header. */
#ifndef VPR_STORE_VERIFY_H
#define VPR_STORE_VERIFY_H

#include "app/store/proof.h"

/* ICS-23 under our ProofSpec, against one store's root. */
VPR_MUST_USE bool vpr_verify_exists(const struct vpr_hash *root, struct vpr_bytes key,
                                    struct vpr_bytes value, struct vpr_bytes proof);
VPR_MUST_USE bool vpr_verify_absent(const struct vpr_hash *root, struct vpr_bytes key,
                                    struct vpr_bytes proof);
/* ICS-23 under the stock TendermintSpec: the store's root in the map. */
VPR_MUST_USE bool vpr_verify_map(const struct vpr_hash *app_hash, struct vpr_bytes name,
                                 const struct vpr_hash *root, struct vpr_bytes proof);

/* Both operations of an answer; value.len 0 asks for absence (only /ics23 can show it). */
VPR_MUST_USE bool vpr_verify_simple(const struct vpr_hash *app_hash, struct vpr_bytes name,
                                    struct vpr_bytes key, struct vpr_bytes value,
                                    const struct vpr_proof_op *ops, size_t count);
VPR_MUST_USE bool vpr_verify_ics23(const struct vpr_hash *app_hash, struct vpr_bytes name,
                                   struct vpr_bytes key, struct vpr_bytes value,
                                   const struct vpr_proof_op *ops, size_t count);

#endif
