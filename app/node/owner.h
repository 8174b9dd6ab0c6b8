/* owner.h - what the owner thread does with one request; inside app/node only. */
#ifndef VPR_NODE_OWNER_H
#define VPR_NODE_OWNER_H

#include "app/node/bridge.h"

enum owner_state { OWNER_INIT, OWNER_GENESIS, OWNER_READY, OWNER_EXECUTED };

/* What genesis says of consensus_params; what it does not say is 0. */
struct owner_params {
    bool block; /* that part is there */
    uint64_t app_version;
    int64_t max_gas, max_bytes;
    int64_t extensions_height; /* from which votes are extended, 0 never */
};
/* NULL, or the sentence of what Viper cannot run with. */
const char *owner_params_fault(const struct owner_params *params);

struct owner {
    struct vpr_app *app;
    struct bridge_options options;
    enum owner_state state;
    uint64_t initial_height; /* of genesis, until the first commit */
    struct vpr_arena arena;  /* of one request */
    struct vpr_arena genesis_arena;

    /* Of the block that was executed. */
    struct bridge_committed done;
    struct vpr_hash *hashes;
    size_t hash_room;
};

void owner_init(struct owner *owner, struct vpr_app *app, const struct bridge_options *options);
void owner_finish(struct owner *owner);

void owner_info(struct owner *owner, struct abci_call *call);
void owner_init_chain(struct owner *owner, struct abci_call *call,
                      const Tendermint__Abci__RequestInitChain *request);
void owner_check_tx(struct owner *owner, struct abci_call *call,
                    const Tendermint__Abci__RequestCheckTx *request);
void owner_prepare(struct owner *owner, struct abci_call *call,
                   const Tendermint__Abci__RequestPrepareProposal *request);
void owner_process(struct owner *owner, struct abci_call *call,
                   const Tendermint__Abci__RequestProcessProposal *request);
void owner_finalize(struct owner *owner, struct abci_call *call,
                    const Tendermint__Abci__RequestFinalizeBlock *request);
/* True when a block is committed and the call waits for owner_committed, which answers it and
 * tells the listener. */
VPR_MUST_USE bool owner_commit(struct owner *owner, struct abci_call *call);
void owner_committed(struct owner *owner, struct abci_call *call);
/* The consensus connection is gone. */
void owner_drop(struct owner *owner);

#endif
