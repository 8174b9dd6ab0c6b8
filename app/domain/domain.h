/* domain.h - FACE: the ordered list of domains and the order inside a block.
 *
 * Both orders are consensus. */
#ifndef VPR_DOMAIN_DOMAIN_H
#define VPR_DOMAIN_DOMAIN_H

#include "app/domain/accounts.h"
#include "app/domain/sessions.h"
#include "app/domain/settlement.h"
#include "app/domain/upgrade.h"
#include "app/domain/validators.h"
#include "app/tx/run.h"

extern const struct vpr_tables vpr_domain_tables;
extern const struct vpr_domain vpr_changes; /* a query only */

struct vpr_step {
    const char *name;
    void (*run)(struct vpr_ctx *ctx);
};

/* Before the transactions: open the session if due, beacon, challenge, double signs, downtime,
 * Verify, score moves;
 * after them: unbonding, seen set.  The validator set comes last (vpr_validators_update). */
extern const struct vpr_step vpr_steps_before[];
extern const size_t vpr_steps_before_count;
extern const struct vpr_step vpr_steps_after[];
extern const size_t vpr_steps_after_count;

/* Names of the stores, VPR_STORE_COUNT of them, by id. */
const char *const *vpr_domain_stores(void);

/* Every store says the schema that this version reads and writes. */
VPR_MUST_USE enum vpr_code vpr_domain_schemas(const struct vpr_state *state,
                                              struct vpr_arena *arena, struct vpr_err *err);

/* Genesis from the readable lists or from an export, at height initial_height - 1. */
VPR_MUST_USE enum vpr_code vpr_genesis_import(struct vpr_ctx *ctx, struct vpr_bytes state,
                                              uint64_t initial_height);
/* Every pair of every store, as GenesisState.stores. */
struct vpr_bytes vpr_genesis_export(struct vpr_ctx *ctx);

/* All invariants; the sentence of the first that fails begins with its name. */
VPR_MUST_USE enum vpr_code vpr_domain_invariants(struct vpr_ctx *ctx);

/* The last block that wrote into this state; zeros before genesis. */
struct vpr_block_mark {
    uint64_t height;
    int64_t time_s;
};
struct vpr_block_mark vpr_block_mark(struct vpr_ctx *ctx);

/* One table for REST, abci_query and gRPC; NULL: unknown method. */
const struct vpr_query *vpr_domain_query(const char *method);

#endif
