#include "app/base/sig.h"

#include <secp256k1.h>
#include <sodium.h>

static secp256k1_context *curve;

void vpr_sig_init(void)
{
    if (curve != NULL) {
        return;
    }
    if (sodium_init() < 0) {
        VPR_HALT("libsodium does not start");
    }
    curve = secp256k1_context_create(SECP256K1_CONTEXT_VERIFY | SECP256K1_CONTEXT_SIGN);
    if (curve == NULL) {
        VPR_HALT("libsecp256k1 does not start");
    }
}

bool vpr_ed25519_verify(const struct vpr_signature *sig, const void *msg, size_t len,
                        const struct vpr_hash *key)
{
    return crypto_sign_ed25519_verify_detached(sig->b, msg, len, key->b) == 0;
}

/* y below 2^255 - 19, the sign bit aside. */
static bool canonical(const uint8_t key[32])
{
    bool top_full = (key[31] & 0x7f) == 0x7f;
    for (size_t i = 30; top_full && i > 0; i--) {
        top_full = key[i] == 0xff;
    }
    return !(top_full && key[0] >= 0xed);
}

/* What verify asks of a key, no more: crypto_core_ed25519_is_valid_point also wants the
 * main subgroup, which verify does not. */
bool vpr_ed25519_key_ok(const struct vpr_hash *key)
{
    /* y of the eight points of small order, the sign of x aside: 1, -1, 0 and two of order 8. */
    static const uint8_t small[][32] = {
        {0x01},
        {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
         0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
        {0x00},
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2,
         0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38,
         0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d,
         0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7,
         0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    };
    static const uint8_t identity[32] = {1};
    uint8_t y[32], point[32];
    memcpy(y, key->b, sizeof y);
    y[31] &= 0x7f;
    for (size_t i = 0; i < VPR_COUNT(small); i++) {
        if (memcmp(y, small[i], sizeof y) == 0) {
            return false;
        }
    }
    /* An addition refuses what is no point of the curve. */
    return canonical(key->b) && crypto_core_ed25519_add(point, key->b, identity) == 0;
}

void vpr_ed25519_keypair(struct vpr_hash *ret_public, uint8_t ret_secret[64],
                         const struct vpr_hash *seed)
{
    VPR_ASSERT(crypto_sign_ed25519_seed_keypair(ret_public->b, ret_secret, seed->b) == 0);
}

void vpr_ed25519_sign(struct vpr_signature *ret, const void *msg, size_t len,
                      const uint8_t secret[64])
{
    VPR_ASSERT(crypto_sign_ed25519_detached(ret->b, NULL, msg, len, secret) == 0);
}

bool vpr_secp256k1_verify(const struct vpr_signature *sig, const struct vpr_hash *digest,
                          const uint8_t key[VPR_SECP_KEY_BYTES])
{
    secp256k1_pubkey point;
    secp256k1_ecdsa_signature parsed;
    VPR_ASSERT(curve != NULL);
    return secp256k1_ec_pubkey_parse(curve, &point, key, VPR_SECP_KEY_BYTES) == 1 &&
           secp256k1_ecdsa_signature_parse_compact(curve, &parsed, sig->b) == 1 &&
           secp256k1_ecdsa_verify(curve, &parsed, digest->b, &point) == 1;
}

bool vpr_secp256k1_key_ok(const uint8_t key[VPR_SECP_KEY_BYTES])
{
    secp256k1_pubkey point;
    VPR_ASSERT(curve != NULL);
    return secp256k1_ec_pubkey_parse(curve, &point, key, VPR_SECP_KEY_BYTES) == 1;
}

bool vpr_secp256k1_public(uint8_t ret_key[VPR_SECP_KEY_BYTES], const struct vpr_hash *secret)
{
    secp256k1_pubkey point;
    size_t len = VPR_SECP_KEY_BYTES;
    VPR_ASSERT(curve != NULL);
    if (secp256k1_ec_pubkey_create(curve, &point, secret->b) != 1) {
        return false;
    }
    VPR_ASSERT(secp256k1_ec_pubkey_serialize(curve, ret_key, &len, &point,
                                             SECP256K1_EC_COMPRESSED) == 1);
    return true;
}

bool vpr_secp256k1_sign(struct vpr_signature *ret, const struct vpr_hash *digest,
                        const struct vpr_hash *secret)
{
    secp256k1_ecdsa_signature made;
    VPR_ASSERT(curve != NULL);
    if (secp256k1_ecdsa_sign(curve, &made, digest->b, secret->b, NULL, NULL) != 1) {
        return false;
    }
    VPR_ASSERT(secp256k1_ecdsa_signature_serialize_compact(curve, ret->b, &made) == 1);
    return true;
}
