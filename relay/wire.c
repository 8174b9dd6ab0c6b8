#include "relay/wire.h"

#include <strings.h>

#include "app/rules/ids.h"

/* Exactly `size` bytes in unpadded base64url and nothing else, so that one structure has one
 * header; the length decides before anything is copied. */
static bool decode(uint8_t *out, size_t size, struct vpr_bytes text)
{
    size_t len = 0;
    char again[VPR_BASE64_MAX(VPR_SIGNED_REQUEST_BYTES)];
    uint8_t raw[VPR_SIGNED_REQUEST_BYTES + 3];

    if (size > VPR_SIGNED_REQUEST_BYTES || text.len != (size * 4 + 2) / 3) {
        return false;
    }
    if (!vpr_unbase64(raw, &len, text) || len != size) {
        return false;
    }
    /* The standard alphabet and stray low bits decode too: compare with our own spelling. */
    if (vpr_base64url(again, vpr_bytes_of(raw, size)) != text.len ||
        memcmp(again, text.data, text.len) != 0) {
        return false;
    }
    memcpy(out, raw, size);
    return true;
}

size_t vpr_wire_relay_print(char text[VPR_WIRE_RELAY_TEXT_MAX],
                            const struct vpr_signed_request *request)
{
    uint8_t raw[VPR_SIGNED_REQUEST_BYTES];

    vpr_signed_request_encode(raw, request);
    return vpr_base64url(text, vpr_bytes_of(raw, sizeof raw));
}

bool vpr_wire_relay_parse(struct vpr_signed_request *ret, struct vpr_bytes text)
{
    uint8_t raw[VPR_SIGNED_REQUEST_BYTES];

    return decode(raw, sizeof raw, text) &&
           vpr_signed_request_decode(ret, vpr_bytes_of(raw, sizeof raw));
}

size_t vpr_wire_token_print(char text[VPR_WIRE_TOKEN_TEXT_MAX], const struct vpr_token *token)
{
    uint8_t raw[VPR_TOKEN_BYTES];

    vpr_token_encode(raw, token);
    return vpr_base64url(text, vpr_bytes_of(raw, sizeof raw));
}

bool vpr_wire_token_parse(struct vpr_token *ret, struct vpr_bytes text)
{
    uint8_t raw[VPR_TOKEN_BYTES];

    return decode(raw, sizeof raw, text) &&
           vpr_token_decode(ret, vpr_bytes_of(raw, sizeof raw));
}

size_t vpr_wire_receipt_print(char text[VPR_WIRE_RECEIPT_TEXT_MAX],
                              const struct vpr_receipt *receipt)
{
    uint8_t raw[VPR_RECEIPT_BYTES];

    vpr_receipt_encode(raw, receipt);
    return vpr_base64url(text, vpr_bytes_of(raw, sizeof raw));
}

bool vpr_wire_receipt_parse(struct vpr_receipt *ret, struct vpr_bytes text)
{
    uint8_t raw[VPR_RECEIPT_BYTES];

    return decode(raw, sizeof raw, text) &&
           vpr_receipt_decode(ret, vpr_bytes_of(raw, sizeof raw));
}

size_t vpr_wire_refusal_print(char text[VPR_WIRE_REFUSAL_TEXT_MAX],
                              const struct vpr_refusal *refusal)
{
    uint8_t raw[VPR_REFUSAL_BYTES];

    vpr_refusal_encode(raw, refusal);
    return vpr_base64url(text, vpr_bytes_of(raw, sizeof raw));
}

bool vpr_wire_refusal_parse(struct vpr_refusal *ret, struct vpr_bytes text)
{
    uint8_t raw[VPR_REFUSAL_BYTES];

    return decode(raw, sizeof raw, text) &&
           vpr_refusal_decode(ret, vpr_bytes_of(raw, sizeof raw));
}

size_t vpr_wire_shadow_print(char text[VPR_WIRE_SHADOW_TEXT_MAX],
                             const struct vpr_wire_shadow *shadow)
{
    uint8_t raw[VPR_WIRE_SHADOW_BYTES_MAX];
    struct vpr_writer w = vpr_writer(raw, sizeof raw);

    VPR_ASSERT(shadow->key_len == VPR_SECP_KEY_BYTES ||
               shadow->key_len == sizeof(struct vpr_hash));
    vpr_write(&w, shadow->sid.b, sizeof shadow->sid.b);
    vpr_write(&w, shadow->servicer.b, sizeof shadow->servicer.b);
    vpr_write_be64(&w, shadow->nonce);
    vpr_write(&w, shadow->key, shadow->key_len);
    vpr_write(&w, shadow->signature.b, sizeof shadow->signature.b);
    return vpr_base64url(text, vpr_bytes_of(raw, w.len));
}

bool vpr_wire_shadow_parse(struct vpr_wire_shadow *ret, struct vpr_bytes text)
{
    struct vpr_wire_shadow shadow = {.key_len = VPR_SECP_KEY_BYTES};
    uint8_t raw[VPR_WIRE_SHADOW_BYTES_MAX];
    size_t size = sizeof raw;

    /* The length tells which kind of key it is. */
    if (!decode(raw, size, text)) {
        size--;
        shadow.key_len--;
        if (!decode(raw, size, text)) {
            return false;
        }
    }
    struct vpr_reader r = vpr_reader(vpr_bytes_of(raw, size));
    vpr_read(&r, shadow.sid.b, sizeof shadow.sid.b);
    vpr_read(&r, shadow.servicer.b, sizeof shadow.servicer.b);
    shadow.nonce = vpr_read_be64(&r);
    vpr_read(&r, shadow.key, shadow.key_len);
    vpr_read(&r, shadow.signature.b, sizeof shadow.signature.b);
    VPR_ASSERT(vpr_read_done(&r));
    *ret = shadow;
    return true;
}

static bool path_ok(struct vpr_bytes path)
{
    return path.len == 0 || (path.len <= VPR_WIRE_PATH_BYTES_MAX &&
                             (path.data[0] == '/' || path.data[0] == '?'));
}

bool vpr_wire_target_parse(uint16_t *ret_chain, struct vpr_bytes *ret_path,
                           struct vpr_bytes target)
{
    const size_t before = sizeof VPR_WIRE_PREFIX - 1;
    uint16_t chain;

    if (target.len < before + 4 || memcmp(target.data, VPR_WIRE_PREFIX, before) != 0 ||
        !vpr_id16_parse(&chain, vpr_bytes_of(target.data + before, 4))) {
        return false;
    }
    const struct vpr_bytes path =
        vpr_bytes_of(target.data + before + 4, target.len - before - 4);
    if (!path_ok(path)) {
        return false;
    }
    *ret_chain = chain;
    *ret_path = path;
    return true;
}

bool vpr_wire_target_print(char text[VPR_WIRE_TARGET_TEXT_MAX], uint16_t chain,
                           struct vpr_bytes path)
{
    const size_t before = sizeof VPR_WIRE_PREFIX - 1;
    char id[VPR_ID16_TEXT_MAX];

    if (!path_ok(path)) {
        return false;
    }
    vpr_id16_text(id, chain);
    memcpy(text, VPR_WIRE_PREFIX, before);
    memcpy(text + before, id, 4);
    if (path.len > 0) {
        memcpy(text + before + 4, path.data, path.len);
    }
    text[before + 4 + path.len] = '\0';
    return true;
}

static bool is_one_of(struct vpr_bytes name, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(words[i]) == name.len &&
            strncasecmp(words[i], (const char *)name.data, name.len) == 0) {
            return true;
        }
    }
    return false;
}

bool vpr_wire_method_ok(struct vpr_bytes method)
{
    static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < VPR_COUNT(verbs); i++) {
        if (vpr_bytes_equal(method, vpr_bytes_str(verbs[i]))) {
            return true;
        }
    }
    return false;
}

uint16_t vpr_wire_refusal_status(enum vpr_refusal_reason reason)
{
    switch (reason) {
    case VPR_REFUSED_QUOTA:
    case VPR_REFUSED_UNACKNOWLEDGED:
        return 429;
    case VPR_REFUSED_SESSION:
        return 410;
    case VPR_REFUSED_MEMBERSHIP:
        return 403;
    case VPR_REFUSED_TOKEN:
    case VPR_REFUSED_SIGNATURE:
        return 401;
    case VPR_REFUSED_SEQ:
        return 409;
    case VPR_REFUSED_CU:
        return 400;
    case VPR_REFUSED_OVERLOAD:
        return 503;
    case VPR_REFUSED_BACKEND:
        return 502;
    case VPR_REFUSED_SIZE:
        return 413;
    }
    return 400;
}

bool vpr_wire_answer_header(struct vpr_bytes name)
{
    static const char *const names[] = {"content-type", "content-encoding", "cache-control",
                                        "etag", "retry-after"};

    return is_one_of(name, names, VPR_COUNT(names));
}

bool vpr_wire_request_header(struct vpr_bytes name)
{
    static const char *const names[] = {"content-type", "accept"};

    return is_one_of(name, names, VPR_COUNT(names));
}
