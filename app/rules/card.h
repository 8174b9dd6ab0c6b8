/* card.h - a fisherman's report card: encoding, seal, own consistency (docs/protocol.md, 2, 9.4).
 *
 * 4-byte count, then per servicer in id order {servicer 20, sent, refused, answered, checked,
 * correct, p90 ms: 8 each}, then the 32-byte hash of the root of the sum tree of all samples,
 * whose sum is the sum of `answered` and whose leaves are the sum of `sent`. */
#ifndef VPR_RULES_CARD_H
#define VPR_RULES_CARD_H

#include "app/base/hash.h"

#define VPR_CARD_LINES_MAX 24 /* num_servicers is at most 24 */
#define VPR_CARD_LINE_BYTES 68
#define VPR_CARD_BYTES_MAX (4 + VPR_CARD_LINES_MAX * VPR_CARD_LINE_BYTES + 32)

struct vpr_card_line {
    struct vpr_address servicer;
    uint64_t sent, refused, answered, checked, correct; /* refused: signed quota refusals */
    uint64_t p90_ms;
};

struct vpr_card {
    uint32_t count;
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    struct vpr_hash root;
};

/* Returns the length written; count <= VPR_CARD_LINES_MAX. */
size_t vpr_card_encode(uint8_t out[VPR_CARD_BYTES_MAX], const struct vpr_card *card);
VPR_MUST_USE bool vpr_card_decode(struct vpr_card *ret, struct vpr_bytes wire);

/* H("card", salt, sid, fisherman, card). */
struct vpr_hash vpr_card_seal(const struct vpr_card *card, const struct vpr_hash *salt,
                              const struct vpr_hash *sid, const struct vpr_address *fisherman);

/* answered + refused <= sent and correct <= checked <= answered. */
VPR_MUST_USE bool vpr_card_line_ok(const struct vpr_card_line *line);

/* Ids strictly rise, every line is ok, the totals do not overflow, and a card without samples
 * has the empty root. */
VPR_MUST_USE bool vpr_card_ok(const struct vpr_card *card, uint64_t *ret_sent,
                              uint64_t *ret_answered);

/* The line in which sample number `position` of all samples lies, by the prefix sums of sent;
 * position < the sum of sent of a card that is ok. */
uint32_t vpr_card_line_at(const struct vpr_card *card, uint64_t position);

/* Nearest rank of the 90th percentile: the p90 of n sorted latencies is number
 * vpr_card_p90_rank(n), counted from 1; n >= 1. */
uint64_t vpr_card_p90_rank(uint64_t answered);

#endif
