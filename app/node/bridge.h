/* bridge.h - between CometBFT's calls and the app: one owner thread, one query thread.
 *
 * The loop's thread only queues.  The owner thread alone touches the app, consensus work
 * before mempool work; the query thread answers from committed views and never waits for a
 * block.  Its one rule: what is illegal in the present state is answered by an exception that
 * names both, and what came over a connection that is gone is never committed.
 *
 *     INIT ─InitChain─► GENESIS ─FinalizeBlock─► EXECUTED ─Commit─► READY ─FinalizeBlock─► ...
 *
 * Genesis must carry consensus parameters version.app = 1 (Info says the same; CometBFT would
 * otherwise refuse state sync later), block.max_gas = -1 (the app counts gas) and
 * block.max_bytes of at least BRIDGE_BLOCK_BYTES_MIN. */
#ifndef VPR_NODE_BRIDGE_H
#define VPR_NODE_BRIDGE_H

#include "abci/abci.h"
#include "app/app.h"

#define BRIDGE_BLOCK_BYTES_MIN (4 << 20)
#define BRIDGE_VIEWS 8 /* heights that can be asked for proofs */

struct bridge;

/* What the proposer's secrets open `end` with; false: nothing, the block goes without. */
typedef bool bridge_reveal_fn(void *arg, const struct vpr_hash *end, struct vpr_hash *ret_x);

struct bridge_committed {
    uint64_t height;
    int64_t time_s;
    struct vpr_address proposer;
    const struct vpr_app_result *result; /* app_hash, results, events */
    const struct vpr_hash *tx_hashes;    /* SHA-256 of each transaction */
    uint64_t execute_us, commit_us;      /* how long they took */
};
/* After Commit is durable, on the owner thread; nothing may be kept but copies. */
typedef void bridge_committed_fn(void *arg, const struct bridge_committed *block);

/* After each CheckTx, on the owner thread. */
typedef void bridge_checked_fn(void *arg, enum vpr_code code);

/* On the owner thread; `result` is the callee's to copy from. */
typedef void bridge_simulated_fn(void *arg, const struct vpr_tx_result *result);

/* Block `height` needs another version of the application; nothing more is executed.  On the
 * owner thread, perhaps more than once. */
typedef void bridge_outdated_fn(void *arg, uint64_t height, uint64_t version);

struct bridge_options {
    bridge_reveal_fn *reveal; /* may be NULL */
    void *reveal_arg;
    bridge_committed_fn *committed; /* may be NULL */
    void *committed_arg;
    bridge_checked_fn *checked; /* may be NULL */
    void *checked_arg;
    bridge_outdated_fn *outdated; /* may be NULL */
    void *outdated_arg;
};

/* The app stays the caller's, but is the owner thread's until bridge_destroy. */
struct bridge *bridge_create(struct vpr_app *app, const struct bridge_options *options);
/* Finishes what is queued and joins both threads; after the ABCI server is destroyed. */
void bridge_destroy(struct bridge *bridge);

const struct abci_app *bridge_abci(struct bridge *bridge);

/* Any thread.  The newest committed state; release with vpr_view_release. */
struct vpr_view *bridge_view(struct bridge *bridge);
/* Any thread.  `tx` is copied; waits for the block in hand; answers exactly once. */
void bridge_simulate(struct bridge *bridge, struct vpr_bytes tx, bridge_simulated_fn *fn,
                     void *arg);

#endif
