#include "app/rules/receipt.h"

#include "app/base/bytes.h"

struct vpr_hash vpr_res_hash(uint16_t status, struct vpr_bytes body)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "res");
    vpr_hasher_u16(&h, status);
    vpr_hasher_var(&h, body);
    return vpr_hasher_end(&h);
}

void vpr_receipt_encode(uint8_t out[VPR_RECEIPT_BYTES], const struct vpr_receipt *receipt)
{
    struct vpr_writer w = vpr_writer(out, VPR_RECEIPT_BYTES);
    vpr_write(&w, receipt->request_part.b, sizeof receipt->request_part.b);
    vpr_write_be16(&w, receipt->status);
    vpr_write(&w, receipt->res.b, sizeof receipt->res.b);
    vpr_write(&w, receipt->signature.b, sizeof receipt->signature.b);
    VPR_ASSERT(w.len == VPR_RECEIPT_BYTES);
}

bool vpr_receipt_decode(struct vpr_receipt *ret, struct vpr_bytes wire)
{
    struct vpr_receipt receipt;
    struct vpr_reader r = vpr_reader(wire);
    vpr_read(&r, receipt.request_part.b, sizeof receipt.request_part.b);
    receipt.status = vpr_read_be16(&r);
    vpr_read(&r, receipt.res.b, sizeof receipt.res.b);
    vpr_read(&r, receipt.signature.b, sizeof receipt.signature.b);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = receipt;
    return true;
}

struct vpr_hash vpr_receipt_hash(const struct vpr_receipt *receipt)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "receipt");
    vpr_hasher_fixed(&h, receipt->request_part.b, sizeof receipt->request_part.b);
    vpr_hasher_u16(&h, receipt->status);
    vpr_hasher_fixed(&h, receipt->res.b, sizeof receipt->res.b);
    return vpr_hasher_end(&h);
}

bool vpr_receipt_verify(const struct vpr_receipt *receipt, const struct vpr_hash *relay_key)
{
    struct vpr_hash hash = vpr_receipt_hash(receipt);
    return vpr_ed25519_verify(&receipt->signature, hash.b, sizeof hash.b, relay_key);
}

void vpr_refusal_encode(uint8_t out[VPR_REFUSAL_BYTES], const struct vpr_refusal *refusal)
{
    struct vpr_writer w = vpr_writer(out, VPR_REFUSAL_BYTES);
    vpr_write(&w, refusal->request_part.b, sizeof refusal->request_part.b);
    vpr_write_be16(&w, refusal->reason);
    vpr_write(&w, refusal->signature.b, sizeof refusal->signature.b);
    VPR_ASSERT(w.len == VPR_REFUSAL_BYTES);
}

bool vpr_refusal_decode(struct vpr_refusal *ret, struct vpr_bytes wire)
{
    struct vpr_refusal refusal;
    struct vpr_reader r = vpr_reader(wire);
    vpr_read(&r, refusal.request_part.b, sizeof refusal.request_part.b);
    refusal.reason = vpr_read_be16(&r);
    vpr_read(&r, refusal.signature.b, sizeof refusal.signature.b);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = refusal;
    return true;
}

struct vpr_hash vpr_refusal_hash(const struct vpr_refusal *refusal)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "refusal");
    vpr_hasher_fixed(&h, refusal->request_part.b, sizeof refusal->request_part.b);
    vpr_hasher_u16(&h, refusal->reason);
    return vpr_hasher_end(&h);
}

bool vpr_refusal_verify(const struct vpr_refusal *refusal, const struct vpr_hash *relay_key)
{
    struct vpr_hash hash = vpr_refusal_hash(refusal);
    return vpr_ed25519_verify(&refusal->signature, hash.b, sizeof hash.b, relay_key);
}

const char *vpr_refusal_name(uint16_t reason)
{
    static const char *const names[VPR_REFUSED_MAX + 1] = {
        [VPR_REFUSED_QUOTA] = "quota",
        [VPR_REFUSED_SESSION] = "session",
        [VPR_REFUSED_MEMBERSHIP] = "membership",
        [VPR_REFUSED_TOKEN] = "token",
        [VPR_REFUSED_SIGNATURE] = "signature",
        [VPR_REFUSED_SEQ] = "seq",
        [VPR_REFUSED_CU] = "cu",
        [VPR_REFUSED_UNACKNOWLEDGED] = "unacknowledged",
        [VPR_REFUSED_OVERLOAD] = "overload",
        [VPR_REFUSED_BACKEND] = "backend",
        [VPR_REFUSED_SIZE] = "size",
    };
    return reason >= 1 && reason <= VPR_REFUSED_MAX ? names[reason] : "unknown";
}
