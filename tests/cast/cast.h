/* cast.h - the people of a play: keys made from labels, their signatures, and the local
 * genesis of docs/protocol.md, 14, with them in it.
 *
 * Labels of genesis: validator1 to 4, servicer1 to 6, fisherman1 to 3, requestor1 are
 * operators and ids; "NAME.owner" their owners, ".relay", ".gateway", ".consensus" their
 * ed25519 keys; alice and bob hold 1,000,000 VIPR and do nothing.  Any other label is an
 * account without money.  Account keys are secp256k1, those of bob ed25519.
 *
 * Shared by the unit tests (tests/unit/world.h: the chain in memory) and by tests/driver, at
 * whose other end is a real viperd: nothing here needs the app. */
#ifndef VPR_TEST_CAST_H
#define VPR_TEST_CAST_H

#include "app/base/arena.h"
#include "app/base/coin.h"
#include "app/base/sig.h"
#include "app/rules/ids.h"
#include "app/tx/wire.h"
#include "viper/v1/genesis.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define WORLD_CHAIN_ID "viper-test"
#define WORLD_TIME_S 1760000000 /* of genesis; a block takes a second */
#define WORLD_VALIDATORS 4
#define WORLD_SERVICERS 6
#define WORLD_FISHERMEN 3
#define WORLD_VIPR VPR_UVIPR_PER_VIPR

/* ---- keys ---- */

struct vpr_public_key world_key(const char *label);
struct vpr_address world_address(const char *label); /* of the account */
struct vpr_hash world_ed25519(const char *label);    /* public */
void world_ed25519_secret(const char *label, uint8_t ret_secret[64]);
struct vpr_address world_consensus(const char *validator); /* its consensus address */
/* bech32 of the account; lives for ever. */
char *world_text(const char *label);
char *world_text_of(const struct vpr_address *who);
/* The label that world_text was last asked with for this account, or NULL. */
const char *world_label_of(const struct vpr_address *who);

/* The n-th reveal of a validator's hash chain, 0 the first; its end at genesis. */
#define WORLD_REVEALS 1024
struct vpr_hash world_beacon_end(const char *validator);
/* What opens `end`; false if it is none of the chain. */
bool world_beacon_reveal(const char *validator, const struct vpr_hash *end,
                         struct vpr_hash *ret_x);

void world_sign_doc(const char *label, struct vpr_bytes doc, struct vpr_signature *ret);
/* Do all messages have a form in JSON? */
bool world_has_json(struct vpr_arena *arena, const ProtobufCMessage *const *messages,
                    size_t count);
/* The same auth_info in another mode (Cosmos__Tx__V1beta1__SignMode). */
struct vpr_bytes world_auth_in_mode(struct vpr_arena *arena, struct vpr_bytes auth, int mode);
/* What SIGN_MODE_LEGACY_AMINO_JSON signs, of messages that have the form; empty for an envelope
 * that the chain cannot read. */
struct vpr_bytes world_json_doc(struct vpr_arena *arena, struct vpr_bytes body,
                                struct vpr_bytes auth, const ProtobufCMessage *const *messages,
                                const char *chain_id, uint64_t account_number);
/* Signs for the account of `label` as it wants; fee and gas are what the table asks. */
struct world_envelope {
    const char *chain_id;    /* NULL: WORLD_CHAIN_ID */
    uint64_t account_number; /* of the signer */
    uint64_t sequence;
    uint64_t fee_uvipr; /* 0: 500,000 */
    uint64_t gas_limit; /* 0: 20,000,000 */
    const char *memo;
    uint64_t timeout_height;
    bool unordered;
    int64_t timeout_s;
    bool amino; /* SIGN_MODE_LEGACY_AMINO_JSON, if all messages have that form */
};
struct vpr_bytes world_sign(struct vpr_arena *arena, const char *label,
                            const struct world_envelope *envelope,
                            const ProtobufCMessage *const *messages, size_t count);

/* ---- genesis ---- */

/* How many of each; the local genesis has 4, 6, 3, 1. */
struct cast_size {
    unsigned validators, servicers, fishermen, requestors;
};
extern const struct cast_size cast_local;

typedef void world_change_fn(Viper__V1__GenesisState *genesis, void *arg);
/* `change` (may be NULL) edits the genesis before it is returned or packed. */
Viper__V1__GenesisState *cast_genesis(struct vpr_arena *arena, const struct cast_size *size,
                                      world_change_fn *change, void *arg);
/* The local one, packed. */
struct vpr_bytes world_genesis(struct vpr_arena *arena, world_change_fn *change, void *arg);
/* One account more; there is room for 256 beyond those of the cast. */
void cast_fund(struct vpr_arena *arena, Viper__V1__GenesisState *genesis, char *address,
               uint64_t balance);

#endif
