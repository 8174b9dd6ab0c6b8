#include "app/base/sig.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "tests/unit/base/base_tests.h"

static struct vpr_hash from_hex(const char *text)
{
    struct vpr_hash hash;
    ck_assert(vpr_unhex(hash.b, sizeof hash.b, vpr_bytes_str(text)));
    return hash;
}

/* RFC 8032, 7.1, test 2. */
START_TEST(ed25519_of_the_rfc)
{
    struct vpr_hash seed =
        from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    struct vpr_hash want =
        from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    struct vpr_hash key;
    uint8_t secret[64];
    struct vpr_signature sig;
    char text[129];
    vpr_ed25519_keypair(&key, secret, &seed);
    ck_assert(vpr_hash_equal(&key, &want));
    vpr_ed25519_sign(&sig, "\x72", 1, secret);
    vpr_hex(text, sig.b, sizeof sig.b);
    ck_assert_str_eq(text, "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                           "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    ck_assert(vpr_ed25519_verify(&sig, "\x72", 1, &key));
    ck_assert(vpr_ed25519_key_ok(&key));
}
END_TEST

START_TEST(ed25519_refuses_any_change)
{
    struct vpr_hash seed = vpr_sha256("seed", 4);
    struct vpr_hash key;
    uint8_t secret[64];
    struct vpr_signature sig;
    vpr_ed25519_keypair(&key, secret, &seed);
    vpr_ed25519_sign(&sig, "message", 7, secret);
    ck_assert(vpr_ed25519_verify(&sig, "message", 7, &key));
    ck_assert(!vpr_ed25519_verify(&sig, "messagf", 7, &key));
    ck_assert(!vpr_ed25519_verify(&sig, "message", 6, &key));
    for (size_t bit = 0; bit < 8 * sizeof sig.b; bit++) {
        struct vpr_signature bad = sig;
        bad.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert(!vpr_ed25519_verify(&bad, "message", 7, &key));
    }
    key.b[0] ^= 1;
    ck_assert(!vpr_ed25519_verify(&sig, "message", 7, &key));
}
END_TEST

/* S + L is the same scalar: malleable unless refused. */
START_TEST(ed25519_refuses_a_scalar_that_is_not_reduced)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    struct vpr_hash seed = vpr_sha256("seed", 4);
    struct vpr_hash key;
    uint8_t secret[64];
    struct vpr_signature sig;
    unsigned carry = 0;
    vpr_ed25519_keypair(&key, secret, &seed);
    vpr_ed25519_sign(&sig, "m", 1, secret);
    for (size_t i = 0; i < 32; i++) {
        carry += (unsigned)sig.b[32 + i] + order[i];
        sig.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    ck_assert(!vpr_ed25519_verify(&sig, "m", 1, &key));
}
END_TEST

/* Small order (0, 1, and a point of order 8), encodings with y >= p, no point at all. */
START_TEST(ed25519_keys_that_cannot_verify_are_refused)
{
    static const char *const bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
    };
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        struct vpr_hash key = from_hex(bad[i]);
        ck_assert_msg(!vpr_ed25519_key_ok(&key), "%s", bad[i]);
    }
}
END_TEST

/* With such a key any message would verify under R = identity, S = 0. */
START_TEST(ed25519_verifies_nothing_under_a_small_order_key)
{
    struct vpr_hash key =
        from_hex("0100000000000000000000000000000000000000000000000000000000000000");
    struct vpr_signature sig = {{1}};
    ck_assert(!vpr_ed25519_verify(&sig, "m", 1, &key));
}
END_TEST

START_TEST(secp256k1_signs_and_verifies)
{
    struct vpr_hash secret = vpr_sha256("secret", 6);
    struct vpr_hash digest = vpr_sha256("digest", 6);
    uint8_t key[VPR_SECP_KEY_BYTES];
    struct vpr_signature sig;
    struct vpr_signature again;
    ck_assert(vpr_secp256k1_public(key, &secret));
    ck_assert(vpr_secp256k1_key_ok(key));
    ck_assert(vpr_secp256k1_sign(&sig, &digest, &secret));
    ck_assert(vpr_secp256k1_sign(&again, &digest, &secret)); /* RFC 6979: deterministic */
    ck_assert_mem_eq(sig.b, again.b, sizeof sig.b);
    ck_assert(vpr_secp256k1_verify(&sig, &digest, key));
    digest.b[31] ^= 1;
    ck_assert(!vpr_secp256k1_verify(&sig, &digest, key));
}
END_TEST

/* n - s verifies elsewhere; here it would be a second id of the same transaction. */
START_TEST(secp256k1_refuses_high_s)
{
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
                                      0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b,
                                      0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    struct vpr_hash secret = vpr_sha256("secret", 6);
    struct vpr_hash digest = vpr_sha256("digest", 6);
    uint8_t key[VPR_SECP_KEY_BYTES];
    struct vpr_signature sig;
    int borrow = 0;
    ck_assert(vpr_secp256k1_public(key, &secret));
    ck_assert(vpr_secp256k1_sign(&sig, &digest, &secret));
    for (size_t i = 32; i-- > 0;) {
        int digit = order[i] - sig.b[32 + i] - borrow;
        borrow = digit < 0;
        sig.b[32 + i] = (uint8_t)(digit + (borrow ? 256 : 0));
    }
    ck_assert(!vpr_secp256k1_verify(&sig, &digest, key));
}
END_TEST

START_TEST(secp256k1_refuses_what_is_no_key_and_no_signature)
{
    struct vpr_hash zero = {{0}};
    struct vpr_hash digest = vpr_sha256("digest", 6);
    struct vpr_signature sig;
    uint8_t key[VPR_SECP_KEY_BYTES] = {4}; /* the prefix of an uncompressed key */
    ck_assert(!vpr_secp256k1_key_ok(key));
    key[0] = 2; /* x = 0 is on no point */
    ck_assert(!vpr_secp256k1_key_ok(key));
    ck_assert(!vpr_secp256k1_public(key, &zero));
    ck_assert(!vpr_secp256k1_sign(&sig, &digest, &zero));
    struct vpr_hash secret = vpr_sha256("secret", 6);
    ck_assert(vpr_secp256k1_public(key, &secret));
    memset(sig.b, 0, sizeof sig.b);
    ck_assert(!vpr_secp256k1_verify(&sig, &digest, key));
    memset(sig.b, 0xff, sizeof sig.b); /* r and s beyond the order */
    ck_assert(!vpr_secp256k1_verify(&sig, &digest, key));
}
END_TEST

TCase *sig_tests(void)
{
    TCase *tcase = tcase_create("sig");
    tcase_add_test(tcase, ed25519_of_the_rfc);
    tcase_add_test(tcase, ed25519_refuses_any_change);
    tcase_add_test(tcase, ed25519_refuses_a_scalar_that_is_not_reduced);
    tcase_add_test(tcase, ed25519_keys_that_cannot_verify_are_refused);
    tcase_add_test(tcase, ed25519_verifies_nothing_under_a_small_order_key);
    tcase_add_test(tcase, secp256k1_signs_and_verifies);
    tcase_add_test(tcase, secp256k1_refuses_high_s);
    tcase_add_test(tcase, secp256k1_refuses_what_is_no_key_and_no_signature);
    return tcase;
}
