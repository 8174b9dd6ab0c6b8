/* Keys in memory: what they are, and what they sign (keyring.h). */
#include "app/host/key.h"

#include <sodium.h>

#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/file.h"

static const char *const kind_names[VPR_KEYRING_KINDS] = {"account", "operator", "relay",
                                                          "gateway", "beacon", "client"};
static const char *const algo_names[] = {"secp256k1", "ed25519", "chain"};

const char *vpr_key_kind_name(enum vpr_key_kind kind)
{
    return kind_names[kind];
}

bool vpr_key_kind_of(enum vpr_key_kind *ret, const char *name)
{
    for (size_t i = 0; i < VPR_COUNT(kind_names); i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *ret = (enum vpr_key_kind)i;
            return true;
        }
    }
    return false;
}

const char *vpr_key_algo_name(enum vpr_key_algo algo)
{
    return algo_names[algo];
}

bool vpr_key_algo_of(enum vpr_key_algo *ret, const char *name)
{
    for (size_t i = 0; i < VPR_COUNT(algo_names); i++) {
        if (strcmp(name, algo_names[i]) == 0) {
            *ret = (enum vpr_key_algo)i;
            return true;
        }
    }
    return false;
}

bool vpr_key_algo_fits(enum vpr_key_kind kind, enum vpr_key_algo algo)
{
    if (kind == VPR_KEYRING_ACCOUNT || kind == VPR_KEYRING_OPERATOR) {
        return algo != VPR_KEYRING_CHAIN;
    }
    return algo == (kind == VPR_KEYRING_BEACON ? VPR_KEYRING_CHAIN : VPR_KEYRING_ED25519);
}

uint8_t *vpr_secret_alloc(size_t len)
{
    uint8_t *memory = sodium_malloc(len);
    if (memory == NULL) {
        VPR_HALT("no locked memory for a secret");
    }
    return memory;
}

/* --- keys in memory -------------------------------------------------------------------- */

static struct vpr_hash chain_next(const struct vpr_hash *x)
{
    return vpr_tagged("beacon-chain", x->b, sizeof x->b);
}

static uint64_t kept_values(uint64_t chain_length)
{
    return (chain_length + VPR_BEACON_STEP - 1) / VPR_BEACON_STEP;
}

void vpr_key_grow(struct vpr_key *key, const struct vpr_hash *first)
{
    struct vpr_hash x = *first;
    for (uint64_t i = 0; i < key->info.chain_length; i++) {
        if (i % VPR_BEACON_STEP == 0) {
            memcpy(key->secret + i / VPR_BEACON_STEP * 32, x.b, 32);
        }
        x = chain_next(&x);
    }
    memcpy(key->info.public_key, x.b, 32);
    key->info.public_len = 32;
    sodium_memzero(&x, sizeof x);
}

void vpr_key_fill_address(struct vpr_key_info *info)
{
    struct vpr_hash digest = vpr_sha256(info->public_key, info->public_len);
    if (info->kind != VPR_KEYRING_ACCOUNT && info->kind != VPR_KEYRING_OPERATOR) {
        return;
    }
    if (info->algo == VPR_KEYRING_SECP256K1) {
        vpr_ripemd160(info->address.b, digest.b, sizeof digest.b);
    } else {
        memcpy(info->address.b, digest.b, sizeof info->address.b);
    }
}

/* The last kept value leads to the end that is the public key. */
static bool reaches_end(const struct vpr_key *key)
{
    uint64_t last = kept_values(key->info.chain_length) - 1;
    struct vpr_hash x;

    memcpy(x.b, key->secret + last * 32, sizeof x.b);
    for (uint64_t i = last * VPR_BEACON_STEP; i < key->info.chain_length; i++) {
        x = chain_next(&x);
    }
    return memcmp(x.b, key->info.public_key, sizeof x.b) == 0;
}

bool vpr_key_derive(struct vpr_key *key)
{
    struct vpr_hash seed, public_key;
    bool ok = true;

    memcpy(seed.b, key->secret, sizeof seed.b);
    switch (key->info.algo) {
    case VPR_KEYRING_SECP256K1:
        ok = vpr_secp256k1_public(key->info.public_key, &seed);
        key->info.public_len = VPR_SECP_KEY_BYTES;
        break;
    case VPR_KEYRING_ED25519:
        key->signer = vpr_secret_alloc(64);
        vpr_ed25519_keypair(&public_key, key->signer, &seed);
        memcpy(key->info.public_key, public_key.b, 32);
        key->info.public_len = 32;
        break;
    case VPR_KEYRING_CHAIN:
        ok = reaches_end(key);
        break;
    }
    sodium_memzero(&seed, sizeof seed);
    if (ok) {
        vpr_key_fill_address(&key->info);
    }
    return ok;
}

struct vpr_key *vpr_key_new(const struct vpr_key_info *info)
{
    struct vpr_key *key = vpr_mem_alloc(sizeof *key);
    key->info = *info;
    key->secret_len =
        info->algo == VPR_KEYRING_CHAIN ? (size_t)kept_values(info->chain_length) * 32 : 32;
    key->secret = vpr_secret_alloc(key->secret_len);
    return key;
}

void vpr_key_close(struct vpr_key *key)
{
    if (key != NULL) {
        sodium_free(key->secret);
        sodium_free(key->signer);
        sodium_free(key->segment);
        vpr_mem_free(key);
    }
}

const struct vpr_key_info *vpr_key_info(const struct vpr_key *key)
{
    return &key->info;
}

struct vpr_key *vpr_key_ephemeral(void)
{
    struct vpr_key_info info = {.kind = VPR_KEYRING_CLIENT, .algo = VPR_KEYRING_ED25519};
    vpr_sig_init();
    struct vpr_key *key = vpr_key_new(&info);
    vpr_random(key->secret, 32);
    VPR_ASSERT(vpr_key_derive(key));
    return key;
}

/* --- signing --------------------------------------------------------------------------- */

static void sign_digest(const struct vpr_key *key, struct vpr_signature *ret,
                        const struct vpr_hash *digest)
{
    struct vpr_hash secret;
    VPR_ASSERT(key->info.algo == VPR_KEYRING_SECP256K1);
    memcpy(secret.b, key->secret, sizeof secret.b);
    bool ok = vpr_secp256k1_sign(ret, digest, &secret);
    sodium_memzero(&secret, sizeof secret);
    VPR_ASSERT(ok);
}

void vpr_key_sign_tx(const struct vpr_key *key, struct vpr_signature *ret,
                     struct vpr_bytes sign_doc)
{
    VPR_ASSERT(key->info.kind == VPR_KEYRING_ACCOUNT || key->info.kind == VPR_KEYRING_OPERATOR);
    if (key->info.algo == VPR_KEYRING_ED25519) {
        vpr_ed25519_sign(ret, sign_doc.data, sign_doc.len, key->signer);
        return;
    }
    struct vpr_hash digest = vpr_sha256(sign_doc.data, sign_doc.len);
    sign_digest(key, ret, &digest);
}

void vpr_key_sign_hash(const struct vpr_key *key, enum vpr_key_kind kind,
                       struct vpr_signature *ret, const struct vpr_hash *digest)
{
    VPR_ASSERT(key->info.kind == kind && kind != VPR_KEYRING_BEACON);
    if (key->info.algo == VPR_KEYRING_ED25519) {
        vpr_ed25519_sign(ret, digest->b, sizeof digest->b, key->signer);
    } else {
        sign_digest(key, ret, digest);
    }
}

/* --- the beacon's chain ---------------------------------------------------------------- */

/* Values of one segment: from a kept one to the next one, both included. */
static void load_segment(struct vpr_key *key, uint64_t index)
{
    uint64_t first = index * VPR_BEACON_STEP;
    uint64_t left = key->info.chain_length - first;

    if (key->segment == NULL) {
        key->segment = (struct vpr_hash *)(void *)vpr_secret_alloc((VPR_BEACON_STEP + 1) *
                                                               sizeof(struct vpr_hash));
    }
    key->segment_index = index;
    key->segment_len = (left < VPR_BEACON_STEP ? left : VPR_BEACON_STEP) + 1;
    memcpy(key->segment[0].b, key->secret + index * 32, 32);
    for (uint64_t i = 1; i < key->segment_len; i++) {
        key->segment[i] = chain_next(&key->segment[i - 1]);
    }
}

/* The last value of a segment is the first of the next: its preimage is here. */
static bool in_segment(const struct vpr_key *key, const struct vpr_hash *end,
                       struct vpr_hash *ret, uint64_t *ret_left)
{
    for (uint64_t i = key->segment_len - 1; i >= 1; i--) {
        if (vpr_hash_equal(&key->segment[i], end)) {
            *ret = key->segment[i - 1];
            if (ret_left != NULL) {
                *ret_left = key->segment_index * VPR_BEACON_STEP + i - 1;
            }
            return true;
        }
    }
    return false;
}

bool vpr_key_beacon_preimage(struct vpr_key *key, const struct vpr_hash *end,
                             struct vpr_hash *ret, uint64_t *ret_left)
{
    VPR_ASSERT(key->info.kind == VPR_KEYRING_BEACON);
    uint64_t count = kept_values(key->info.chain_length);
    uint64_t start = key->segment == NULL ? count - 1 : key->segment_index;

    if (key->segment != NULL && in_segment(key, end, ret, ret_left)) {
        return true;
    }
    /* Downwards from where we were, as the chain is used up; then the rest from the top. */
    for (uint64_t step = 0; step < count; step++) {
        uint64_t index = (start + count - step) % count;
        if (key->segment != NULL && step == 0) {
            continue;
        }
        load_segment(key, index);
        if (in_segment(key, end, ret, ret_left)) {
            return true;
        }
    }
    return false;
}
