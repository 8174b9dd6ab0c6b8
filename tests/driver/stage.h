/* stage.h - a chain that is driven: its nodes, its height, what waits to be in a block.
 *
 *     stage_open ─► (pool_add ... stage_block)* ─► stage_close
 *
 * The driver is every validator's CometBFT at once: no consensus stands behind it.  What each
 * node answers is held against what the others answer. */
#ifndef VPR_DRIVER_STAGE_H
#define VPR_DRIVER_STAGE_H

#include <stdio.h>

#include "app/host/buf.h"
#include "tests/cast/cast.h"
#include "tests/driver/mirror.h"
#include "tests/driver/node.h"
#include "tests/driver/sets.h"

#define NODES_MAX 8
#define VALIDATORS_MAX 132 /* validator1 ..., staked or not */
#define ROUNDS_MAX 8
#define EVIDENCE_MAX 8
#define NEXT_VERSION 2 /* of the application that options.next is */
#define MAX_TX_BYTES (8 << 20) /* what CometBFT offers a proposal */

/* ---- who reveals what ---- */

/* A validator's hash chains: the one of genesis, then those it renewed to. */
#define CHAINS_MAX 64
struct beacon_chain {
    struct vpr_hash *values; /* values[0] first, values[length] the end */
    uint64_t length, left;   /* values[left] is the present end */
};
struct beacon {
    struct vpr_address consensus;
    struct beacon_chain chains[CHAINS_MAX];
    size_t count;
};
/* The first value of a validator's n-th chain. */
struct vpr_hash beacon_first(const char *validator, size_t n);
/* Makes the next chain; returns its end. */
struct vpr_hash beacon_grow(struct beacon *beacon, const char *validator, uint64_t length);
/* The chain whose present end this is, or NULL. */
struct beacon_chain *beacon_of(struct beacon *beacon, const struct vpr_hash *end);

/* ---- what waits ---- */

struct stage;
/* After the block that holds it. */
typedef void item_told_fn(struct stage *stage, void *arg, uint32_t code);

struct item {
    uint8_t *raw;
    size_t len;
    struct vpr_hash hash; /* of raw */
    char *about;          /* members of the record's transaction, or NULL */
    struct vpr_address signer;
    bool ordered; /* takes `sequence` of the signer, if all goes well */
    uint64_t sequence;
    uint64_t signatures; /* inside its messages */
    bool forced;  /* the proposer takes it whatever CheckTx says */
    uint64_t number; /* of what was sent */
    bool checked, passed;
    bool appended; /* by the proposer, in the last proposal */
    uint32_t check_code;
    item_told_fn *told; /* NULL: nobody asks */
    void *arg;
};

/* ---- the stage ---- */

struct stage_options {
    const char *viperd;
    const char *next;   /* viperd of the next version, for the height of a plan; or NULL */
    const char *folder; /* for the homes; exists */
    unsigned nodes;     /* node i has the secret of validator i + 1 */
    struct cast_size size;
    world_change_fn *change; /* of genesis, may be NULL */
    void *change_arg;
    uint64_t seed;
    uint64_t beacon_length; /* of each chain at genesis */
    FILE *record;           /* NULL: none */
    bool changes;           /* mirror the state and record its changes */
    bool validate;          /* have `viperd genesis validate` look first */
    bool record_events;
    uint64_t check_every;   /* blocks, after which viperd check-state looks; 0: never */
    const char *keep; /* "3,17-20": of what is sent, only these go on, counted from 0; or NULL */
};

struct stage_stats {
    uint64_t blocks, txs, refused, rounds, restarts, evidence, checks;
};

/* A block's calls; CheckTx of what is new before, the recheck after it. */
enum stage_part {
    PART_CHECK, PART_PREPARE, PART_PROCESS, PART_FINALIZE, PART_COMMIT, PART_RECHECK, PARTS
};
struct stage_time {
    double wall_s, cpu_s; /* CPU: the node's, of all threads */
};

struct kept_block { /* for nodes that come back */
    uint8_t *finalize; /* the request, packed */
    size_t len;
    struct vpr_hash app_hash;
};

struct stage {
    struct stage_options options;
    struct vpr_arena keep, block; /* for ever; until the next block begins */
    struct node nodes[NODES_MAX];
    size_t node_count;
    struct mirror *mirror; /* NULL without changes */
    struct beacon beacons[VALIDATORS_MAX];

    char *app_state; /* JSON */
    struct set last, now, next; /* of the last height, of the coming one, of the one after */
    uint64_t height;            /* of the last commit */
    int64_t time_s;
    struct vpr_hash app_hash, genesis_hash;

    uint64_t sent; /* transactions that the dice have made */
    struct item **pool;
    size_t pool_count, pool_room;
    struct kept_block *blocks; /* [height] */
    size_t block_room;
    struct vpr_buf line; /* of the record */
    struct stage_stats stats;
    /* Of the last block, in `block`. */
    const Tendermint__Abci__ResponseFinalizeBlock *result;
    size_t block_bytes, verify_count; /* of its transactions; Verify entries */
    uint64_t paid_count;              /* entries paid in all blocks so far */
    struct stage_time parts[PARTS]; /* what its calls took, node 0 */
};

void stage_open(struct stage *stage, const struct stage_options *options);
/* viperd check-state looks at every node's state, which must be that of the last block. */
void stage_check(struct stage *stage);
/* Ends the nodes with SIGTERM; their homes stay the caller's to remove. */
void stage_close(struct stage *stage);

enum round_how {
    ROUND_ABANDONED, /* accepted, not decided */
    ROUND_WRONG_REVEAL,
    ROUND_WRONG_HEIGHT,
    ROUND_NO_SYSTEM,
    ROUND_TWO_SYSTEMS,
    ROUND_VERIFY_ADDED,
    ROUND_VERIFY_CHANGED, /* as ABANDONED if none is due */
    ROUND_HOWS
};
extern const char *const round_names[ROUND_HOWS];

struct evidence {
    struct vpr_address who;
    uint64_t height;
    int type; /* of Tendermint__Abci__MisbehaviorType, or what it does not know */
};
enum kill_at { KILL_NEVER, KILL_EXECUTED, KILL_READY };

struct plan {
    int64_t seconds; /* since the last block; 0: one */
    bool silent;     /* the proposer reveals nothing */
    enum round_how rounds[ROUNDS_MAX]; /* before the one that is decided */
    size_t round_count;
    uint64_t absent; /* bit i: member i of stage->last did not sign the last block */
    struct evidence evidence[EVIDENCE_MAX];
    size_t evidence_count;
    enum kill_at kill;
    size_t kill_node;
    bool kill_gently; /* SIGTERM; only when READY */
};
/* One height, committed. */
void stage_block(struct stage *stage, const struct plan *plan);
/* The coming block is that of a plan for which there is no program: nobody can go on. */
bool stage_is_over(struct stage *stage);
/* When the coming block is that of a plan: all nodes go on with the next version. */
void stage_upgrade(struct stage *stage);
/* Ends and restarts a node between blocks. */
void stage_restart(struct stage *stage, size_t node, bool kill9);
/* The second half of it: start, handshake, what waits. */
void stage_bring_back(struct stage *stage, size_t node);

/* ---- the pool (pool.c) ---- */

/* Takes the item over; CheckTx in the order of coming, before the next block. */
void pool_add(struct stage *stage, struct item *item);
/* The account's lowest sequence that nothing which waits has taken. */
uint64_t pool_sequence(struct stage *stage, const struct vpr_address *who);
void pool_check(struct stage *stage);   /* CheckTx of what is new, by every node */
void pool_recheck(struct stage *stage); /* after a commit: what no longer passes goes */
void pool_offer(struct stage *stage, size_t node); /* what waits, to one that came back */
struct item *pool_find(struct stage *stage, const void *raw, size_t len);
void pool_forget(struct stage *stage, struct item *item);

/* ---- the record (record.c); nothing without a file ---- */

struct tried_round {
    struct vpr_address proposer;
    enum round_how how;
    bool rejected;
};
void record_history(struct stage *stage);
void record_block(struct stage *stage, const Tendermint__Abci__RequestFinalizeBlock *request,
                  const struct plan *plan, const struct tried_round *rounds, size_t count,
                  const Viper__V1__MsgSystem *system,
                  const Viper__V1__QueryChangesResponse *changes);
void record_restart(struct stage *stage, size_t node, const char *how, const char *at,
                    uint64_t height);
void record_end(struct stage *stage, double seconds);

/* What the first transaction of a block says, and its bytes. */
Viper__V1__MsgSystem *system_read(struct vpr_arena *arena, const void *raw, size_t len);
struct vpr_bytes system_pack(struct vpr_arena *arena, const Viper__V1__MsgSystem *system);

#endif
