/* world.h - a whole chain in memory for unit tests: the genesis of tests/cast, blocks that run
 * as in the node, and transactions that are signed.
 *
 *     struct world *w = world_create(NULL, NULL);
 *     struct vpr_tx_result r = world_tx(w, "alice", &message.base);
 *     ck_assert_int_eq(r.code, VPR_OK);
 *     world_block(w);
 *     world_destroy(w); */
#ifndef VPR_TEST_WORLD_H
#define VPR_TEST_WORLD_H

#include "app/domain/domain.h"
#include "tests/cast/cast.h"
#include "tests/unit/between.h"

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
    bool compared;        /* blocks are held against the one before (between.h) */
    struct between between;
    bool broken;          /* a test broke the state: invariants are not asked */
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

/* The name of the first invariant that the state in hand breaks, or NULL; its sentence is in
 * w->err. */
const char *world_broken(struct world *w);

/* How often the disk was asked for a next or last pair since the last call: what walks over
 * the same deleted pairs again and again is found by it. */
uint64_t world_seeks(struct world *w);

uint64_t world_balance(struct world *w, const char *label);
/* The value of `key` in the last event of `type`, or NULL. */
const char *world_event(struct world *w, const char *type, const char *key);

#endif
