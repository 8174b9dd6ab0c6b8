/* sample.h - what a fisherman keeps of one sample, and opens when asked
 * (docs/protocol.md, 2, 4, 9.4).
 *
 * request part 140, client signature 64, receipt (4-byte length, then 0 or 130 bytes), refusal
 * (4-byte length, then 0 or 98), latency in ms 8, verdict 8; never receipt and refusal both.
 * Its node is (H("sample", bytes), 1 with a receipt, else 0). */
#ifndef VPR_RULES_SAMPLE_H
#define VPR_RULES_SAMPLE_H

#include "app/rules/receipt.h"
#include "app/rules/request.h"
#include "app/rules/sumtree.h"

#define VPR_SAMPLE_BYTES_MAX (VPR_SIGNED_REQUEST_BYTES + 4 + VPR_RECEIPT_BYTES + 4 + 8 + 8)

enum vpr_verdict {
    VPR_VERDICT_NONE = 0, /* not checked */
    VPR_VERDICT_CORRECT = 1,
    VPR_VERDICT_WRONG = 2,
};

enum vpr_sample_answer {
    VPR_SAMPLE_SILENT,
    VPR_SAMPLE_ANSWERED, /* `receipt` counts */
    VPR_SAMPLE_REFUSED,  /* `refusal` counts */
};

struct vpr_sample {
    struct vpr_signed_request request;
    enum vpr_sample_answer answer;
    struct vpr_receipt receipt;
    struct vpr_refusal refusal;
    uint64_t latency_ms; /* from post to answer, the fisherman's clock */
    enum vpr_verdict verdict;
};

/* Returns the length written. */
size_t vpr_sample_encode(uint8_t out[VPR_SAMPLE_BYTES_MAX], const struct vpr_sample *sample);
VPR_MUST_USE bool vpr_sample_decode(struct vpr_sample *ret, struct vpr_bytes wire);

struct vpr_sumnode vpr_sample_node(const struct vpr_sample *sample);

/* Every signature in it: the client's, and the relay key's under receipt or refusal, which
 * must answer this very request.  Sid, servicer and token are the caller's to compare. */
VPR_MUST_USE bool vpr_sample_verify(const struct vpr_sample *sample,
                                    const struct vpr_hash *relay_key);

#endif
