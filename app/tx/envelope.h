/* envelope.h - a transaction with its messages found in the tables, and what it costs.
 *
 * Inside app/tx only; others see run.h. */
#ifndef VPR_TX_ENVELOPE_H
#define VPR_TX_ENVELOPE_H

#include "app/tx/run.h"

struct vpr_envelope {
    struct vpr_wire_tx wire;
    struct vpr_address signer; /* of the key stated, or of the first message */
    const struct vpr_handler *rows[VPR_TX_MESSAGES_MAX];
    const ProtobufCMessage *messages[VPR_TX_MESSAGES_MAX];
    uint64_t gas, signatures;
    uint64_t least_fee; /* ceil(gas x min_gas_price / 1000) */
    enum vpr_lane lane;
};

VPR_MUST_USE enum vpr_code vpr_envelope_open(struct vpr_envelope *ret, struct vpr_ctx *ctx,
                                             const struct vpr_tables *tables,
                                             struct vpr_bytes raw, bool simulated);

#endif
