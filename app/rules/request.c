#include "app/rules/request.h"

#include "app/rules/ids.h"

struct vpr_hash vpr_req_hash(struct vpr_bytes method, struct vpr_bytes path,
                             struct vpr_bytes body)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "req");
    vpr_hasher_var(&h, method);
    vpr_hasher_var(&h, path);
    vpr_hasher_var(&h, body);
    return vpr_hasher_end(&h);
}

void vpr_request_write(struct vpr_writer *w, const struct vpr_request *request)
{
    vpr_write(w, request->sid.b, sizeof request->sid.b);
    vpr_write(w, request->servicer.b, sizeof request->servicer.b);
    vpr_write(w, request->client_key.b, sizeof request->client_key.b);
    vpr_write_be64(w, request->seq);
    vpr_write_be64(w, request->cum_cu);
    vpr_write_be64(w, request->cu);
    vpr_write(w, request->req.b, sizeof request->req.b);
}

void vpr_request_read(struct vpr_reader *r, struct vpr_request *ret)
{
    vpr_read(r, ret->sid.b, sizeof ret->sid.b);
    vpr_read(r, ret->servicer.b, sizeof ret->servicer.b);
    vpr_read(r, ret->client_key.b, sizeof ret->client_key.b);
    ret->seq = vpr_read_be64(r);
    ret->cum_cu = vpr_read_be64(r);
    ret->cu = vpr_read_be64(r);
    vpr_read(r, ret->req.b, sizeof ret->req.b);
}

void vpr_request_encode(uint8_t out[VPR_REQUEST_BYTES], const struct vpr_request *request)
{
    struct vpr_writer w = vpr_writer(out, VPR_REQUEST_BYTES);
    vpr_request_write(&w, request);
    VPR_ASSERT(w.len == VPR_REQUEST_BYTES);
}

bool vpr_request_decode(struct vpr_request *ret, struct vpr_bytes wire)
{
    struct vpr_request request;
    struct vpr_reader r = vpr_reader(wire);
    vpr_request_read(&r, &request);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = request;
    return true;
}

void vpr_signed_request_encode(uint8_t out[VPR_SIGNED_REQUEST_BYTES],
                               const struct vpr_signed_request *request)
{
    vpr_request_encode(out, &request->part);
    memcpy(out + VPR_REQUEST_BYTES, request->signature.b, sizeof request->signature.b);
}

bool vpr_signed_request_decode(struct vpr_signed_request *ret, struct vpr_bytes wire)
{
    struct vpr_signed_request request;
    struct vpr_reader r = vpr_reader(wire);
    vpr_request_read(&r, &request.part);
    vpr_read(&r, request.signature.b, sizeof request.signature.b);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = request;
    return true;
}

struct vpr_hash vpr_request_hash(const struct vpr_request *request)
{
    uint8_t bytes[VPR_REQUEST_BYTES];
    vpr_request_encode(bytes, request);
    return vpr_tagged("request", bytes, sizeof bytes);
}

struct vpr_hash vpr_request_part_hash(const struct vpr_request *request)
{
    uint8_t bytes[VPR_REQUEST_BYTES];
    vpr_request_encode(bytes, request);
    return vpr_tagged("request-part", bytes, sizeof bytes);
}

bool vpr_request_verify(const struct vpr_request *request,
                        const struct vpr_signature *signature)
{
    struct vpr_hash hash = vpr_request_hash(request);
    return vpr_ed25519_verify(signature, hash.b, sizeof hash.b, &request->client_key);
}

struct vpr_hash vpr_shadow_hash(const struct vpr_shadow *shadow)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "shadow");
    vpr_hasher_fixed(&h, shadow->sid.b, sizeof shadow->sid.b);
    vpr_hasher_fixed(&h, shadow->servicer.b, sizeof shadow->servicer.b);
    vpr_hasher_var(&h, shadow->method);
    vpr_hasher_var(&h, shadow->path);
    vpr_hasher_var(&h, shadow->body);
    vpr_hasher_u64(&h, shadow->nonce);
    return vpr_hasher_end(&h);
}

bool vpr_shadow_verify(const struct vpr_shadow *shadow, const struct vpr_signature *signature,
                       struct vpr_bytes key, const struct vpr_address *operator_address)
{
    struct vpr_hash hash = vpr_shadow_hash(shadow);
    if (key.len == VPR_SECP_KEY_BYTES) {
        struct vpr_address address = vpr_address_secp256k1(key.data);
        return vpr_address_equal(&address, operator_address) &&
               vpr_secp256k1_verify(signature, &hash, key.data);
    }
    struct vpr_hash ed25519;
    if (key.len != sizeof ed25519.b) {
        return false;
    }
    memcpy(ed25519.b, key.data, sizeof ed25519.b);
    struct vpr_address address = vpr_address_ed25519(&ed25519);
    return vpr_address_equal(&address, operator_address) &&
           vpr_ed25519_verify(signature, hash.b, sizeof hash.b, &ed25519);
}
