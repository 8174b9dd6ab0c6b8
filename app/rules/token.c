#include "app/rules/token.h"

#include "app/base/bytes.h"

void vpr_token_encode(uint8_t out[VPR_TOKEN_BYTES], const struct vpr_token *token)
{
    struct vpr_writer w = vpr_writer(out, VPR_TOKEN_BYTES);
    vpr_write(&w, token->sid.b, sizeof token->sid.b);
    vpr_write(&w, token->client_key.b, sizeof token->client_key.b);
    vpr_write(&w, token->signature.b, sizeof token->signature.b);
    VPR_ASSERT(w.len == VPR_TOKEN_BYTES);
}

bool vpr_token_decode(struct vpr_token *ret, struct vpr_bytes wire)
{
    struct vpr_token token;
    struct vpr_reader r = vpr_reader(wire);
    vpr_read(&r, token.sid.b, sizeof token.sid.b);
    vpr_read(&r, token.client_key.b, sizeof token.client_key.b);
    vpr_read(&r, token.signature.b, sizeof token.signature.b);
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret = token;
    return true;
}

struct vpr_hash vpr_token_hash(const struct vpr_token *token)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "token");
    vpr_hasher_fixed(&h, token->sid.b, sizeof token->sid.b);
    vpr_hasher_fixed(&h, token->client_key.b, sizeof token->client_key.b);
    return vpr_hasher_end(&h);
}

bool vpr_token_verify(const struct vpr_token *token, const struct vpr_hash *gateway_key)
{
    return vpr_token_verify_any(token, gateway_key, 1);
}

bool vpr_token_verify_any(const struct vpr_token *token, const struct vpr_hash *gateway_keys,
                          size_t count)
{
    struct vpr_hash hash = vpr_token_hash(token);
    VPR_ASSERT(count <= VPR_GATEWAY_KEYS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (vpr_ed25519_verify(&token->signature, hash.b, sizeof hash.b, &gateway_keys[i])) {
            return true;
        }
    }
    return false;
}
