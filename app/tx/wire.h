/* wire.h - the Cosmos envelope as bytes: taken apart by the chain, put together by daemons
 * and the CLI.
 *
 * Stateless.  One encoding only: whatever decoding and encoding again would change is
 * refused at every depth.  What this version takes of the envelope: exactly one signer, who
 * signs all messages (SIGN_MODE_DIRECT, or amino.h) and pays the fee in one coin of uvipr; no
 * payer, no granter, no multisig.  Limits: VPR_TX_BYTES_MAX, VPR_TX_MESSAGES_MAX, memo. */
#ifndef VPR_TX_WIRE_H
#define VPR_TX_WIRE_H

#include "app/base/arena.h"
#include "app/base/err.h"
#include "app/base/sig.h"

#define VPR_TX_BYTES_MAX (1u << 20)
#define VPR_TX_MESSAGES_MAX 16
#define VPR_TX_MEMO_BYTES_MAX 256
#define VPR_TX_FIELDS_MAX 65536 /* protobuf fields of one message and what is inside it */
#define VPR_DENOM "uvipr"

enum vpr_key_type { VPR_KEY_TYPE_NONE, VPR_KEY_TYPE_SECP256K1, VPR_KEY_TYPE_ED25519 };

struct vpr_public_key {
    enum vpr_key_type type;
    uint8_t b[VPR_SECP_KEY_BYTES]; /* 33 or 32 bytes of it */
};

/* NONE has no address: a bug. */
struct vpr_address vpr_key_account(const struct vpr_public_key *key);
size_t vpr_key_len(const struct vpr_public_key *key);
/* A key its library can verify with. */
VPR_MUST_USE bool vpr_key_usable(const struct vpr_public_key *key);
/* google.protobuf.Any of the key: its type and the packed PubKey message. */
const char *vpr_key_type_url(enum vpr_key_type type);
struct vpr_bytes vpr_key_value(struct vpr_arena *arena, const struct vpr_public_key *key);

struct vpr_wire_message {
    const char *type_url;
    struct vpr_bytes value;
};

struct vpr_wire_tx {
    struct vpr_bytes raw, body, auth; /* body_bytes and auth_info_bytes as received */

    size_t message_count;
    const struct vpr_wire_message *messages;
    const char *memo;
    uint64_t timeout_height; /* 0: none */
    bool unordered, has_timeout;
    int64_t timeout_s; /* of timeout_timestamp, floor */

    struct vpr_public_key key; /* NONE: the one the account has */
    bool amino;                /* signed as JSON (amino.h) */
    uint64_t sequence, gas_limit, fee_uvipr;
    bool fee_stated;           /* a coin, be it of 0 */
    struct vpr_signature signature; /* zero if `signature_missing` */
    bool signature_missing;         /* in simulations; refused elsewhere */
    size_t signed_len; /* bytes of the transaction, with the signature that is missing */
};

/* `simulated`: an absent or empty signature is fine, as wallets send it. */
VPR_MUST_USE enum vpr_code vpr_wire_decode(struct vpr_wire_tx *ret, struct vpr_arena *arena,
                                           struct vpr_bytes raw, bool simulated,
                                           struct vpr_err *err);

/* What SIGN_MODE_DIRECT signs. */
struct vpr_bytes vpr_wire_sign_doc(struct vpr_arena *arena, struct vpr_bytes body,
                                   struct vpr_bytes auth, const char *chain_id,
                                   uint64_t account_number);
VPR_MUST_USE bool vpr_wire_verify(const struct vpr_public_key *key,
                                  const struct vpr_signature *signature,
                                  struct vpr_bytes sign_doc);

/* "/viper.v1.MsgCommit" of a message's descriptor. */
const char *vpr_wire_type_url(struct vpr_arena *arena,
                              const ProtobufCMessageDescriptor *descriptor);

struct vpr_wire_body {
    const ProtobufCMessage *const *messages;
    size_t count;
    const char *memo; /* NULL: empty */
    uint64_t timeout_height;
    bool unordered; /* then timeout_s must be set and the sequence 0 */
    int64_t timeout_s;
};
struct vpr_bytes vpr_wire_body_pack(struct vpr_arena *arena, const struct vpr_wire_body *body);
struct vpr_bytes vpr_wire_auth_pack(struct vpr_arena *arena, const struct vpr_public_key *key,
                                    uint64_t sequence, uint64_t gas_limit, uint64_t fee_uvipr);
/* signature NULL: none, for a simulation. */
struct vpr_bytes vpr_wire_raw_pack(struct vpr_arena *arena, struct vpr_bytes body,
                                   struct vpr_bytes auth,
                                   const struct vpr_signature *signature);

/* Decimal without sign, leading zeros or anything else. */
VPR_MUST_USE bool vpr_wire_amount(uint64_t *ret, const char *text);

#endif
