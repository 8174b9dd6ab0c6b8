/* app.h - FACE: the chain as a pure function, from committed state and a block to new state
 * and results.
 *
 *   READY(h) ─finalize(h+1)─► EXECUTED(h+1) ─commit─► READY(h+1)
 *      ▲────────────── drop ──────┘
 *
 * One owner thread calls everything here but the vpr_app_view family.  check, prepare and
 * process change nothing and may come in any state; they see the last commit. */
#ifndef VPR_APP_APP_H
#define VPR_APP_APP_H

#include "app/domain/domain.h"

struct vpr_app;

#define VPR_BLOCK_TXS_MAX 100000

/* Takes the kv over. NULL and a sentence on failure. */
struct vpr_app *vpr_app_open(struct vpr_kv *kv, char *err_text, size_t err_size);
void vpr_app_close(struct vpr_app *app);

/* Of the last durable commit. */
uint64_t vpr_app_height(const struct vpr_app *app);
struct vpr_hash vpr_app_hash(const struct vpr_app *app);
const char *vpr_app_chain_id(const struct vpr_app *app); /* "" before genesis */

/* The version of the application that makes block `height`, which comes after the last commit;
 * any other than vpr_app_version means that this binary must stop before it. */
uint64_t vpr_app_version_at(struct vpr_app *app, uint64_t height);

struct vpr_app_genesis {
    const char *chain_id;
    uint64_t initial_height;
    int64_t time_s;
    struct vpr_bytes state; /* canonical protobuf of viper.v1.GenesisState */
};

/* Idempotent until the first commit.  The validators belong to the app until the next call. */
VPR_MUST_USE enum vpr_code vpr_app_init(struct vpr_app *app,
                                        const struct vpr_app_genesis *genesis,
                                        const struct vpr_validator_update **ret_validators,
                                        size_t *ret_count, struct vpr_hash *ret_hash,
                                        struct vpr_err *err);

void vpr_app_check(struct vpr_app *app, struct vpr_bytes tx, bool recheck,
                   struct vpr_tx_result *ret);

struct vpr_app_block {
    uint64_t height;
    int64_t time_s;
    struct vpr_address proposer; /* consensus address */
    const struct vpr_bytes *txs;
    size_t count;
    struct vpr_reports reports; /* for finalize; a proposal does not depend on it */
};

/* The block to propose: system transaction first, then session messages, one per account in
 * turn, then others by gas price; Σ(len + varint(len) + 1) <= max_tx_bytes.  `reveal`: 32
 * bytes from the proposer's secrets, or empty.  The list belongs to the app until the next
 * call. */
void vpr_app_prepare(struct vpr_app *app, const struct vpr_app_block *block,
                     uint64_t max_tx_bytes, struct vpr_bytes reveal,
                     const struct vpr_bytes **ret_txs, size_t *ret_count);

/* False with a sentence: a rule that every validator recomputes is broken. */
VPR_MUST_USE bool vpr_app_process(struct vpr_app *app, const struct vpr_app_block *block,
                                  struct vpr_err *err);

struct vpr_app_result {
    const struct vpr_tx_result *txs; /* one per transaction, same order */
    size_t tx_count;
    const struct vpr_event *const *events; /* a tx has its slice; the system's is the first */
    const struct vpr_validator_update *validators;
    size_t validator_count;
    struct vpr_hash app_hash;
    uint64_t upgraded_to; /* the version from this block on; 0: the one before */
};

/* Height must be committed + 1 (or the initial height).  Persists nothing; starts over from
 * committed state each time.  A list of Verify entries other than our own halts. */
void vpr_app_finalize(struct vpr_app *app, const struct vpr_app_block *block,
                      const struct vpr_app_result **ret);
bool vpr_app_executed(const struct vpr_app *app); /* finalize is waiting for commit */
void vpr_app_drop(struct vpr_app *app);           /* consensus connection lost */
void vpr_app_commit(struct vpr_app *app);         /* durable when this returns */

/* The chain end that the next reveal of this validator must hash to. */
VPR_MUST_USE bool vpr_app_beacon_end(struct vpr_app *app, const struct vpr_address *proposer,
                                     struct vpr_hash *ret_end);

/* Committed state for readers; any thread, release with vpr_view_release. */
struct vpr_view *vpr_app_view(struct vpr_app *app);

/* A query context on a view: `state` is storage for it.  chain_id, height, time are filled
 * from state.  Not on a view of height 0: there is nothing yet that queries could read. */
struct vpr_ctx vpr_app_query_ctx(struct vpr_state *state, struct vpr_view *view,
                                 struct vpr_arena *arena, struct vpr_err *err,
                                 struct vpr_pools *pools);

/* Exact gas and the refusal a transaction would meet, on the store's committed state; owner
 * thread. */
void vpr_app_simulate(struct vpr_app *app, struct vpr_bytes tx, struct vpr_tx_result *ret);

VPR_MUST_USE bool vpr_app_rollback(struct vpr_app *app, uint64_t height, char *err_text,
                                   size_t err_size);

#endif
