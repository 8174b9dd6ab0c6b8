#include "app/rules/sample.h"

size_t vpr_sample_encode(uint8_t out[VPR_SAMPLE_BYTES_MAX], const struct vpr_sample *sample)
{
    bool answered = sample->answer == VPR_SAMPLE_ANSWERED;
    bool refused = sample->answer == VPR_SAMPLE_REFUSED;
    struct vpr_writer w = vpr_writer(out, VPR_SAMPLE_BYTES_MAX);
    vpr_request_write(&w, &sample->request.part);
    vpr_write(&w, sample->request.signature.b, sizeof sample->request.signature.b);
    vpr_write_be32(&w, answered ? VPR_RECEIPT_BYTES : 0);
    if (answered) {
        uint8_t receipt[VPR_RECEIPT_BYTES];
        vpr_receipt_encode(receipt, &sample->receipt);
        vpr_write(&w, receipt, sizeof receipt);
    }
    vpr_write_be32(&w, refused ? VPR_REFUSAL_BYTES : 0);
    if (refused) {
        uint8_t refusal[VPR_REFUSAL_BYTES];
        vpr_refusal_encode(refusal, &sample->refusal);
        vpr_write(&w, refusal, sizeof refusal);
    }
    vpr_write_be64(&w, sample->latency_ms);
    vpr_write_be64(&w, (uint64_t)sample->verdict);
    return w.len;
}

/* A field behind its length; longer than any of ours counts as missing. */
static struct vpr_bytes read_field(struct vpr_reader *r)
{
    return vpr_read_view(r, vpr_read_be32(r));
}

bool vpr_sample_decode(struct vpr_sample *ret, struct vpr_bytes wire)
{
    struct vpr_sample sample;
    struct vpr_reader r = vpr_reader(wire);
    memset(&sample, 0, sizeof sample);
    vpr_request_read(&r, &sample.request.part);
    vpr_read(&r, sample.request.signature.b, sizeof sample.request.signature.b);
    struct vpr_bytes receipt = read_field(&r);
    struct vpr_bytes refusal = read_field(&r);
    sample.latency_ms = vpr_read_be64(&r);
    uint64_t verdict = vpr_read_be64(&r);
    if (!vpr_read_done(&r) || verdict > VPR_VERDICT_WRONG ||
        (receipt.len != 0 && refusal.len != 0)) {
        return false;
    }
    sample.verdict = (enum vpr_verdict)verdict;
    if (receipt.len != 0) {
        sample.answer = VPR_SAMPLE_ANSWERED;
        if (!vpr_receipt_decode(&sample.receipt, receipt)) {
            return false;
        }
    } else if (refusal.len != 0) {
        sample.answer = VPR_SAMPLE_REFUSED;
        if (!vpr_refusal_decode(&sample.refusal, refusal)) {
            return false;
        }
    }
    *ret = sample;
    return true;
}

struct vpr_sumnode vpr_sample_node(const struct vpr_sample *sample)
{
    uint8_t bytes[VPR_SAMPLE_BYTES_MAX];
    size_t len = vpr_sample_encode(bytes, sample);
    return (struct vpr_sumnode){vpr_tagged("sample", bytes, len),
                                sample->answer == VPR_SAMPLE_ANSWERED ? 1 : 0};
}

bool vpr_sample_verify(const struct vpr_sample *sample, const struct vpr_hash *relay_key)
{
    struct vpr_hash part = vpr_request_part_hash(&sample->request.part);
    if (!vpr_request_verify(&sample->request.part, &sample->request.signature)) {
        return false;
    }
    switch (sample->answer) {
    case VPR_SAMPLE_SILENT:
        return true;
    case VPR_SAMPLE_ANSWERED:
        return vpr_hash_equal(&sample->receipt.request_part, &part) &&
               vpr_receipt_verify(&sample->receipt, relay_key);
    case VPR_SAMPLE_REFUSED:
        return vpr_hash_equal(&sample->refusal.request_part, &part) &&
               vpr_refusal_verify(&sample->refusal, relay_key);
    }
    return false;
}
