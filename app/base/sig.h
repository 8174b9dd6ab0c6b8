/* sig.h - signatures: ed25519 exactly as libsodium verifies, secp256k1 ECDSA low-S.
 *
 * Pure functions of their arguments; compiled apart, since the libraries' headers do not
 * pass pure.h.  Signing is here too (daemons, CLI, tests); secrets come from
 * host/keyring. */
#ifndef VPR_BASE_SIG_H
#define VPR_BASE_SIG_H

#include "app/base/base.h"

#define VPR_SIG_BYTES 64
#define VPR_SECP_KEY_BYTES 33

struct vpr_signature {
    uint8_t b[VPR_SIG_BYTES];
};

/* Once per process, before anything else here; safe to repeat. */
void vpr_sig_init(void);

VPR_MUST_USE bool vpr_ed25519_verify(const struct vpr_signature *sig, const void *msg,
                                     size_t len, const struct vpr_hash *key);
/* A key libsodium can verify with: canonical and not of small order. */
VPR_MUST_USE bool vpr_ed25519_key_ok(const struct vpr_hash *key);
/* secret = seed || public key, libsodium's 64 bytes. */
void vpr_ed25519_keypair(struct vpr_hash *ret_public, uint8_t ret_secret[64],
                         const struct vpr_hash *seed);
void vpr_ed25519_sign(struct vpr_signature *ret, const void *msg, size_t len,
                      const uint8_t secret[64]);

/* Over a 32-byte digest; compact r || s; s above half the order is refused. */
VPR_MUST_USE bool vpr_secp256k1_verify(const struct vpr_signature *sig,
                                       const struct vpr_hash *digest,
                                       const uint8_t key[VPR_SECP_KEY_BYTES]);
VPR_MUST_USE bool vpr_secp256k1_key_ok(const uint8_t key[VPR_SECP_KEY_BYTES]);
VPR_MUST_USE bool vpr_secp256k1_public(uint8_t ret_key[VPR_SECP_KEY_BYTES],
                                       const struct vpr_hash *secret);
VPR_MUST_USE bool vpr_secp256k1_sign(struct vpr_signature *ret, const struct vpr_hash *digest,
                                     const struct vpr_hash *secret);

#endif
