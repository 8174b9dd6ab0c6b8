/* inside.h - what app.c and proposal.c share: the app's insides. */
#ifndef VPR_APP_INSIDE_H
#define VPR_APP_INSIDE_H

#include "app/app.h"

#define VPR_CHAIN_ID_BYTES_MAX 50

struct vpr_waiting;

struct vpr_app {
    struct vpr_store *store;
    struct vpr_view *view; /* of the last commit */
    struct vpr_state in_hand, committed;

    /* `block` holds what a block's answer shows: results, events; `scratch` what one step or
     * transaction needs; `proposal` a list handed out; `genesis` its bytes. */
    struct vpr_arena block, scratch, proposal, genesis_arena;
    struct vpr_err err;
    struct vpr_pools *pools;
    struct vpr_waiting *waiting; /* for the mempool only */
    struct vpr_events events;
    struct vpr_app_result result;

    char chain_id[VPR_CHAIN_ID_BYTES_MAX + 1];
    struct vpr_app_genesis genesis; /* until the first commit; chain_id NULL: none */
    const struct vpr_validator_update *first_set; /* in `proposal` */
    size_t first_count;
    uint64_t executed;              /* height waiting for commit, 0: none */
};

/* Places of transactions that the mempool took since the last commit. */
struct vpr_waiting *vpr_waiting_create(void);
void vpr_waiting_destroy(struct vpr_waiting *waiting);
void vpr_waiting_clear(struct vpr_waiting *waiting);
/* False: that place is taken. */
VPR_MUST_USE bool vpr_waiting_add(struct vpr_waiting *waiting, const struct vpr_hash *place);

/* Committed state for a block at `height`: nothing can be changed through it. */
struct vpr_ctx vpr_app_read_ctx(struct vpr_app *app, uint64_t height, int64_t time_s);

/* The context of `block` on committed state. */
struct vpr_ctx vpr_app_block_ctx(struct vpr_app *app, const struct vpr_app_block *block);

/* The system transaction that `block` must begin with, given its reveal. */
struct vpr_bytes vpr_app_system_tx(struct vpr_ctx *ctx, struct vpr_bytes reveal);

#endif
