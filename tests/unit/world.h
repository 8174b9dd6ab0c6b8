/* world.h - a whole chain in memory for unit tests: the local genesis of protocol.md 14 with
 * keys made from labels, blocks that run as in the node, and transactions that are signed.
 *
 *     struct world *w = world_create(NULL, NULL);
 *     struct vpr_tx_result r = world_tx(w, "alice", &message.base);
 *     ck_assert_int_eq(r.code, VPR_OK);
 *     world_block(w);
 *     world_destroy(w);
 *
 * Labels of genesis: validator1 to 4, servicer1 to 6, fisherman1 to 3, requestor1 are
 * operators and ids; "NAME.owner" their owners, ".relay", ".gateway", ".consensus" their
 * ed25519 keys; alice and bob hold 1,000,000 VIPR and do nothing.  Any other label is an
 * account without money.  Account keys are secp256k1, those of bob ed25519. */
#ifndef VPR_TEST_WORLD_H
#define VPR_TEST_WORLD_H

#include "app/domain/domain.h"
#include "app/rules/ids.h"
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

/* The n-th reveal of a validator's hash chain, 0 the first; its end at genesis. */
#define WORLD_REVEALS 1024
struct vpr_hash world_beacon_end(const char *validator);
/* What opens `end`; false if it is none of the chain. */
bool world_beacon_reveal(const char *validator, const struct vpr_hash *end,
                         struct vpr_hash *ret_x);

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
};
struct vpr_bytes world_sign(struct vpr_arena *arena, const char *label,
                            const struct world_envelope *envelope,
                            const ProtobufCMessage *const *messages, size_t count);

/* ---- genesis ---- */

typedef void world_change_fn(Viper__V1__GenesisState *genesis, void *arg);
/* `change` (may be NULL) edits the local genesis before it is packed. */
struct vpr_bytes world_genesis(struct vpr_arena *arena, world_change_fn *change, void *arg);

/* ---- the chain ---- */

struct world {
    struct vpr_kv *kv; /* owned by the store */
    struct vpr_store *store;
    struct vpr_state state;
    struct vpr_arena scratch, block, node;
    struct vpr_events events; /* of the open or the last block */
    struct vpr_err err;
    struct vpr_ctx ctx; /* of the block in hand: call any domain function with it */
    bool open;

    const char *proposer; /* label of a validator, "validator1" unless changed */
    bool silent;          /* the proposer reveals nothing */
    struct vpr_hash app_hash;
    struct vpr_validator_update *updates; /* of the last block */
    size_t update_count;
};

/* Genesis is in hand; no block yet.  The first block's height is 1. */
struct world *world_create(world_change_fn *change, void *arg);
void world_destroy(struct world *w);

void world_begin(struct world *w); /* steps before the transactions */
void world_end(struct world *w);   /* steps after them, root, commit, invariants */
/* Ends the open block, or runs an empty one. */
void world_block(struct world *w);
/* Blocks until this height is committed. */
void world_until(struct world *w, uint64_t height);

/* Signed by label's account with its next sequence, in the open block (begun if none is). */
struct vpr_tx_result world_tx(struct world *w, const char *label,
                              const ProtobufCMessage *message);
/* As it comes. */
struct vpr_tx_result world_raw(struct world *w, struct vpr_bytes raw);

/* With VPR_TRACE=FILE every code and app hash goes there, in order: tests/replay runs these
 * tests in several builds and holds their traces against each other. */
void world_trace(const char *fmt, ...) VPR_PRINTF(1, 2);

/* How often the disk was asked for a next or last pair since the last call: what walks over
 * the same deleted pairs again and again is found by it. */
uint64_t world_seeks(struct world *w);

uint64_t world_balance(struct world *w, const char *label);
/* The value of `key` in the last event of `type`, or NULL. */
const char *world_event(struct world *w, const char *type, const char *key);

#endif
