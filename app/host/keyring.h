/* keyring.h - the keystore: files NAME.key, and the only place where secrets are.
 *
 * A key has a kind that says what it may sign; callers hand in a typed thing (a sign
 * document, a tagged hash, the end of a beacon chain) and never see a secret.  The one
 * exception is the export command.  Secrets lie in sodium_malloc and are wiped.
 *
 *   account, operator  secp256k1 or ed25519   transactions; operator also shadow posts
 *   relay, gateway     ed25519                receipts, refusals; tokens
 *   beacon             a hash chain           its next preimage
 *   client             ed25519                request parts; in memory only, never stored
 *
 * Backends: `test` keeps secrets as hex in keyring-test/, for networks without value;
 * `file` seals each with a passphrase (argon2id, XChaCha20-Poly1305 over name, kind, public
 * key) in keyring-file/.  Files are 0600, directories 0700, written whole or not at all. */
#ifndef VPR_HOST_KEYRING_H
#define VPR_HOST_KEYRING_H

#include "app/base/err.h"
#include "app/base/sig.h"

#define VPR_KEY_NAME_MAX 32
#define VPR_KEYS_MAX 1024 /* in one keyring */
#define VPR_PASSPHRASE_MIN 8
#define VPR_PASSPHRASE_MAX 1024
#define VPR_BEACON_LENGTH (UINT64_C(1) << 20)
#define VPR_BEACON_LENGTH_MAX (UINT64_C(1) << 24)
#define VPR_BEACON_STEP 1024 /* every so many values one is kept */

enum vpr_key_kind {
    VPR_KEYRING_ACCOUNT,
    VPR_KEYRING_OPERATOR,
    VPR_KEYRING_RELAY,
    VPR_KEYRING_GATEWAY,
    VPR_KEYRING_BEACON,
    VPR_KEYRING_CLIENT,
};
#define VPR_KEYRING_KINDS 6
#define VPR_KEYRING_ANY 0x3fU
#define VPR_KEYRING_MASK(kind) (1U << (kind))
/* What signs transactions. */
#define VPR_KEYRING_WALLET \
    (VPR_KEYRING_MASK(VPR_KEYRING_ACCOUNT) | VPR_KEYRING_MASK(VPR_KEYRING_OPERATOR))

enum vpr_key_algo { VPR_KEYRING_SECP256K1, VPR_KEYRING_ED25519, VPR_KEYRING_CHAIN };

/* What everybody may know of a key. */
struct vpr_key_info {
    char name[VPR_KEY_NAME_MAX + 1];
    enum vpr_key_kind kind;
    enum vpr_key_algo algo;
    uint8_t public_key[VPR_SECP_KEY_BYTES]; /* chain: its end */
    size_t public_len;                      /* 33 or 32 */
    struct vpr_address address;             /* of accounts and operators, else zero */
    uint64_t chain_length;                  /* of a beacon */
};

struct vpr_keyring;
struct vpr_key;

const char *vpr_key_kind_name(enum vpr_key_kind kind);
VPR_MUST_USE bool vpr_key_kind_of(enum vpr_key_kind *ret, const char *name);
const char *vpr_key_algo_name(enum vpr_key_algo algo);
VPR_MUST_USE bool vpr_key_algo_of(enum vpr_key_algo *ret, const char *name);

/* `backend` is "test" or "file".  The passphrase of the latter comes from the first line of
 * `passphrase_file`, or if that is NULL from the terminal, when it is first needed. */
VPR_MUST_USE enum vpr_code vpr_keyring_open(struct vpr_keyring **ret, const char *home,
                                            const char *backend, const char *passphrase_file,
                                            struct vpr_err *err);
void vpr_keyring_close(struct vpr_keyring *ring);

struct vpr_key_wish {
    const char *name; /* a-z 0-9 . _ -, at most 32, first a letter or digit */
    enum vpr_key_kind kind;
    enum vpr_key_algo algo;  /* accounts and operators; others have one */
    uint64_t chain_length;   /* beacon; 0: 2^20 */
};
/* A new key; an existing name is refused with DUPLICATE. */
VPR_MUST_USE enum vpr_code vpr_keyring_create(struct vpr_keyring *ring,
                                              const struct vpr_key_wish *wish,
                                              struct vpr_key_info *ret_info,
                                              struct vpr_err *err);
/* From 64 hex digits: scalar, seed, or first value of the chain. */
VPR_MUST_USE enum vpr_code vpr_keyring_import(struct vpr_keyring *ring,
                                              const struct vpr_key_wish *wish,
                                              struct vpr_bytes hex,
                                              struct vpr_key_info *ret_info,
                                              struct vpr_err *err);
/* Writes the 64 hex digits and a line end to `fd`; for the export command alone. */
VPR_MUST_USE enum vpr_code vpr_keyring_export(struct vpr_keyring *ring, const char *name,
                                              int fd, struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_keyring_remove(struct vpr_keyring *ring, const char *name,
                                              struct vpr_err *err);

/* By name, without opening the secret. */
VPR_MUST_USE enum vpr_code vpr_keyring_info(struct vpr_keyring *ring, const char *name,
                                            struct vpr_key_info *ret_info, struct vpr_err *err);
/* All, sorted by name; `infos` has room for VPR_KEYS_MAX. */
VPR_MUST_USE enum vpr_code vpr_keyring_list(struct vpr_keyring *ring,
                                            struct vpr_key_info *infos, size_t *ret_count,
                                            struct vpr_err *err);

/* Open a key for signing; `kinds` is a mask of what the caller can use. */
VPR_MUST_USE enum vpr_code vpr_keyring_load(struct vpr_key **ret, struct vpr_keyring *ring,
                                            const char *name, unsigned kinds,
                                            struct vpr_err *err);
/* A fresh client key, in memory. */
struct vpr_key *vpr_key_ephemeral(void);
void vpr_key_close(struct vpr_key *key); /* NULL is fine; wiped */
const struct vpr_key_info *vpr_key_info(const struct vpr_key *key);

/* The Cosmos sign document of a transaction; account and operator. */
void vpr_key_sign_tx(const struct vpr_key *key, struct vpr_signature *ret,
                     struct vpr_bytes sign_doc);
/* A tagged hash (docs/protocol.md, 1); `kind` is what the caller thinks it signs with,
 * another kind of key is a bug. */
void vpr_key_sign_hash(const struct vpr_key *key, enum vpr_key_kind kind,
                       struct vpr_signature *ret, const struct vpr_hash *digest);

/* x with H("beacon-chain", x) = end; `ret_left` (may be NULL): how many preimages are left
 * after it.  False if the end is not in this chain, or is its first value.  Cheap along the
 * way down; the first call after loading may hash the whole chain once. */
VPR_MUST_USE bool vpr_key_beacon_preimage(struct vpr_key *key, const struct vpr_hash *end,
                                          struct vpr_hash *ret, uint64_t *ret_left);

#endif
