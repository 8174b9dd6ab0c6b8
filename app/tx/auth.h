/* auth.h - who sent a transaction, that it was not executed before, and its fee.
 *
 * Inside app/tx only.  This is the owner of the sequence and the key in an account's record
 * and of the seen set; the balance belongs to domain/accounts. */
#ifndef VPR_TX_AUTH_H
#define VPR_TX_AUTH_H

#include "app/tx/envelope.h"

/* The mempool admits sequences this far ahead of the account's; a block takes the next one
 * only. */
#define VPR_SEQUENCE_AHEAD 64

enum vpr_auth_mode {
    VPR_AUTH_RUN,      /* in a block */
    VPR_AUTH_CHECK,    /* mempool */
    VPR_AUTH_RECHECK,  /* mempool again: the signature has been verified */
    VPR_AUTH_SIMULATE, /* no signature, no fee, any sequence */
};

/* Zeros if there is no such account. */
void vpr_auth_account(struct vpr_ctx *ctx, const struct vpr_address *who,
                      uint64_t *ret_sequence, uint64_t *ret_balance_uvipr);

/* Where a transaction stands among those of its account: its sequence, or, unordered, what the
 * seen set knows it by. */
struct vpr_hash vpr_auth_place(const struct vpr_envelope *env);

/* Of an unordered transaction that verified: what the seen set will know it by, and how many
 * more of them the account may have. */
void vpr_auth_unordered(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                        struct vpr_hash *ret_seen, uint64_t *ret_left);

/* All that must hold before the fee is taken; changes nothing. */
VPR_MUST_USE enum vpr_code vpr_auth_verify(struct vpr_ctx *ctx, const struct vpr_envelope *env,
                                           enum vpr_auth_mode mode);

/* After vpr_auth_verify: takes the fee, moves the sequence or marks the transaction seen,
 * stores the key.  Refuses only for want of funds, and changes nothing then. */
VPR_MUST_USE enum vpr_code vpr_auth_accept(struct vpr_ctx *ctx, const struct vpr_tables *tables,
                                           const struct vpr_envelope *env);

#endif
