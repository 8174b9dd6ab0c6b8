/* run.h - one transaction: decode, authenticate, take the fee, apply journaled.
 *
 * Knows no message by name; the caller hands the tables down. */
#ifndef VPR_TX_RUN_H
#define VPR_TX_RUN_H

#include "app/tx/gas.h"
#include "app/tx/handler.h"
#include "app/tx/wire.h"

#define VPR_SEEN_MAX 1024           /* live unordered entries of an account */
#define VPR_UNORDERED_AHEAD_S 600   /* a timeout lies at most this far ahead */

/* Moves a fee to where fees wait for the next session, or NO_FUNDS. */
typedef enum vpr_code vpr_fee_fn(struct vpr_ctx *ctx, const struct vpr_address *from,
                                 struct vpr_coin amount);

struct vpr_tables {
    const struct vpr_domain *const *domains;
    size_t count;
    vpr_fee_fn *take_fee;
};

struct vpr_tx_result {
    enum vpr_code code;
    char log[VPR_ERR_TEXT_MAX];
    uint64_t gas_wanted, gas_used; /* deterministic: they are hashed */
    struct vpr_bytes data;
    size_t event_first, event_count; /* in ctx->events */
    /* By vpr_tx_check, of one that passed: of two with the same place one can run, the other
     * gets this code. */
    struct vpr_hash place;
    enum vpr_code taken;
};

/* What a decoded envelope says, for ordering and limits; nothing is verified. */
struct vpr_tx_sketch {
    struct vpr_address signer; /* zero if it cannot be told */
    uint64_t gas, signatures, fee_uvipr, sequence;
    bool unordered;
    enum vpr_lane lane; /* SESSION only if every message is */
    /* By vpr_tx_admit only: of the account, and, of an unordered one, what it is known by and
     * how many more of its kind the account may have. */
    uint64_t next_sequence, balance_uvipr, seen_left;
    struct vpr_hash seen;
};
VPR_MUST_USE enum vpr_code vpr_tx_sketch(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                                         struct vpr_bytes raw, struct vpr_tx_sketch *ret);

/* For the mempool: envelope, signature, fee, sequence or window, existence; changes nothing.
 * `recheck` skips the signature. */
void vpr_tx_check(struct vpr_ctx *ctx, const struct vpr_tables *tables, struct vpr_bytes raw,
                  bool recheck, struct vpr_tx_result *ret);

/* As a recheck, with the sketch: whether a proposal may carry it. */
VPR_MUST_USE enum vpr_code vpr_tx_admit(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                                        struct vpr_bytes raw, struct vpr_tx_sketch *ret);

/* In a block: the fee stays taken when a message fails, everything else is undone. */
void vpr_tx_run(struct vpr_ctx *ctx, const struct vpr_tables *tables, struct vpr_bytes raw,
                struct vpr_tx_result *ret);

/* Like run, without signature and fee, undone at the end: exact gas and the refusal. */
void vpr_tx_simulate(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                     struct vpr_bytes raw, struct vpr_tx_result *ret);

/* The system transaction: TxRaw with empty auth_info, no signature, one MsgSystem. */
struct vpr_bytes vpr_tx_system_pack(struct vpr_arena *arena, const ProtobufCMessage *message);
/* NULL if `raw` is not exactly one. */
const ProtobufCMessage *vpr_tx_system_unpack(struct vpr_arena *arena, struct vpr_bytes raw);
/* True also for malformed attempts: any message of that type. */
bool vpr_tx_is_system(struct vpr_arena *arena, struct vpr_bytes raw);

/* Unordered entries whose timeout has passed leave the seen set; once a block. */
void vpr_tx_forget(struct vpr_ctx *ctx);
/* Each entry of the seen set will leave it, and accounts count theirs. */
enum vpr_code vpr_tx_seen_invariant(struct vpr_ctx *ctx);

#endif
