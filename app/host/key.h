/* key.h - the inside of a key, shared by key.c (memory, signing) and keyring.c (files);
 * nobody else includes it. */
#ifndef VPR_HOST_KEY_H
#define VPR_HOST_KEY_H

#include "app/host/keyring.h"

/* What a file holds as secret: 32 bytes, or the kept values of a chain, 32 each. */
struct vpr_key {
    struct vpr_key_info info;
    uint8_t *secret; /* sodium_malloc */
    size_t secret_len;
    uint8_t *signer; /* ed25519: libsodium's 64 bytes, sodium_malloc */
    /* beacon: the values between two kept ones, from the last place we were */
    struct vpr_hash *segment; /* VPR_BEACON_STEP + 1 of them, sodium_malloc */
    uint64_t segment_index, segment_len;
};

uint8_t *vpr_secret_alloc(size_t len); /* sodium_malloc, or halt */

/* Room for a secret of the right size, not yet filled. */
struct vpr_key *vpr_key_new(const struct vpr_key_info *info);
/* From the first value of a chain: keeps every 1,024th, its end is the public key. */
void vpr_key_grow(struct vpr_key *key, const struct vpr_hash *first);
/* Public key, address and signer out of the secret; false if it is no valid one. */
VPR_MUST_USE bool vpr_key_derive(struct vpr_key *key);
void vpr_key_fill_address(struct vpr_key_info *info);
bool vpr_key_algo_fits(enum vpr_key_kind kind, enum vpr_key_algo algo);

#endif
