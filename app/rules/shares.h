/* shares.h - a pool of delegated tokens: shares against tokens, and rewards a share
 * (docs/protocol.md, 11).
 *
 * A pool holds T tokens (uvipr, below 2^62) for S shares: S >= T always, since shares are given
 * out floored and burned ceiled, and a slash takes tokens only.  Rewards are F1: the pool keeps
 * one cumulative reward a share (64.64 fixed point), a delegation the value it last saw. */
#ifndef VPR_RULES_SHARES_H
#define VPR_RULES_SHARES_H

#include "app/base/coin.h"

#define VPR_SHARES_PER_TOKEN_MAX (UINT64_C(1) << 20)

/* The pool takes more: it is empty, or has tokens and at most 2^20 shares for each. */
bool vpr_shares_open(uint64_t shares, uint64_t tokens);
/* What `amount` >= 1 gets in an open pool: the amount if it is empty, else floor(amount * S / T);
 * false if S would reach 2^64. */
VPR_MUST_USE bool vpr_shares_for(uint64_t *ret, uint64_t amount, uint64_t shares,
                                 uint64_t tokens);
/* What `held` of S shares are worth: floor(held * T / S); 0 of an empty pool. */
uint64_t vpr_shares_worth(uint64_t held, uint64_t shares, uint64_t tokens);
/* What taking out `amount` burns: ceil(amount * S / T); 1 <= amount <= T. */
uint64_t vpr_shares_burned(uint64_t amount, uint64_t shares, uint64_t tokens);

/* A cumulative reward in records and events: 16 bytes big-endian. */
#define VPR_CUMULATIVE_BYTES 16
vpr_u128 vpr_cumulative_read(const uint8_t in[VPR_CUMULATIVE_BYTES]);
void vpr_cumulative_write(uint8_t out[VPR_CUMULATIVE_BYTES], vpr_u128 cumulative);

/* cumulative += floor(reward * 2^64 / S), S >= 1; false if it would reach 2^128. */
VPR_MUST_USE bool vpr_shares_accrue(vpr_u128 *cumulative, uint64_t reward, uint64_t shares);
/* floor((cumulative - seen) * held / 2^64) through 192 bits; false when 2^64 or more. */
VPR_MUST_USE bool vpr_shares_earned(uint64_t *ret, vpr_u128 cumulative, vpr_u128 seen,
                                    uint64_t held);

#endif
