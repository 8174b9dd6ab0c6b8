/* amino.h - SIGN_MODE_LEGACY_AMINO_JSON: what wallets' own buttons and hardware keys sign.
 *
 * Not the transaction's bytes but a JSON document of what is in it: keys sorted, no blanks,
 * numbers as text, what is empty left out.  Only messages that wallets send of themselves have
 * that form; all others are signed with SIGN_MODE_DIRECT. */
#ifndef VPR_TX_AMINO_H
#define VPR_TX_AMINO_H

#include "app/tx/wire.h"

/* "cosmos-sdk/MsgSend" of "/cosmos.bank.v1beta1.MsgSend"; NULL: it has no such form. */
const char *vpr_amino_name(const char *type_url);

/* What is signed, in the arena.  `messages` are those of `tx`, decoded and each with a name. */
struct vpr_bytes vpr_amino_sign_doc(struct vpr_arena *arena, const struct vpr_wire_tx *tx,
                                    const ProtobufCMessage *const *messages,
                                    const char *chain_id, uint64_t account_number);

#endif
