/* gas.h - what a transaction costs, and what a block holds of it.
 *
 *     message_gas (a parameter) and its row's figure a message
 *     + BYTE a byte of TxRaw + SIGNATURE a signature inside + what its lists hold
 *
 * A block's gas stands for half a second of one core: 120 gas are a microsecond of what every
 * node does for it.  Measured by tests/bench/bench_gas; docs/performance.md. */
#ifndef VPR_TX_GAS_H
#define VPR_TX_GAS_H

#include "app/base/base.h"

#define VPR_BLOCK_GAS_MAX UINT64_C(60000000)
#define VPR_BLOCK_SIGNATURES_MAX UINT64_C(7000)

#define VPR_GAS_BYTE 10
#define VPR_GAS_SIGNATURE 2000 /* 7,000 of them fill a block on their own */

/* Figures of rows beyond message_gas. */
#define VPR_GAS_ACTOR 15000 /* record, terms, versions */
#define VPR_GAS_DELEGATION 20000
#define VPR_GAS_PROPOSAL 20000
#define VPR_GAS_VOTE 400000 /* looks at up to 512 delegations, and takes an earlier one back */

/* An item of a message's lists. */
#define VPR_GAS_CHAIN 2000 /* of a servicer or fisherman */
#define VPR_GAS_PAIR 500
#define VPR_GAS_GATEWAY_KEY 3500 /* must be one that verifies */
#define VPR_GAS_COMMIT_ENTRY 12000 /* it may be the first of its sid: a draw */
#define VPR_GAS_SEAL_ENTRY 12000   /* likewise */

#endif
