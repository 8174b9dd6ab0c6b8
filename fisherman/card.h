/* card.h - from a sid's samples to its report card, and to the samples that are opened.
 *
 * Pure.  Its one rule: what is sealed and what is opened come from the same samples in the
 * same order, by (servicer id, time of receipt); docs/protocol.md, 4, 9.4. */
#ifndef VPR_FISHERMAN_CARD_H
#define VPR_FISHERMAN_CARD_H

#include "app/rules/card.h"
#include "app/rules/sample.h"

#define VPR_CARD_SAMPLES_A_SID_MAX 8192

/* Puts `count` samples, given in order of receipt, into the order of the card: `ret` gets
 * their indexes. */
void vpr_card_order(uint32_t *ret, const struct vpr_sample *const *samples, size_t count);

/* `servicers`: the drawn ones in id order; `samples` in the order of the card, each of one of
 * them.  The card is ok by vpr_card_ok. */
void vpr_card_make(struct vpr_card *ret, const struct vpr_address *servicers,
                   uint32_t servicer_count, const struct vpr_sample *const *samples,
                   size_t count);

/* Position i of the challenge: which of the samples, and its branch; count >= 1. */
void vpr_card_open(size_t *ret_index, struct vpr_sumbranch *ret_branch,
                   const struct vpr_sample *const *samples, size_t count,
                   const struct vpr_hash *challenge, const struct vpr_hash *sid,
                   const struct vpr_address *fisherman, uint64_t i);

#endif
