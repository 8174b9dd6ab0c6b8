#include "app/domain/field.h"

#include "app/base/sig.h"

#define PORT_MAX 65535
#define PORT_DIGITS_MAX 5

/* A host name, an IPv4 address, or an IPv6 address in brackets; returns what follows it. */
static const char *after_host(const char *at)
{
    const char *begin = at;
    if (*at == '[') {
        at++;
        while ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f') ||
               (*at >= 'A' && *at <= 'F') || *at == ':' || *at == '.') {
            at++;
        }
        return *at == ']' && at - begin > 2 ? at + 1 : NULL;
    }
    while ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') ||
           (*at >= 'A' && *at <= 'Z') || *at == '-' || *at == '.') {
        at++;
    }
    return at > begin ? at : NULL;
}

static const char *after_port(const char *at)
{
    uint32_t port = 0;
    int digits = 0;
    while (*at >= '0' && *at <= '9' && digits < PORT_DIGITS_MAX) {
        port = port * 10 + (uint32_t)(*at - '0');
        at++;
        digits++;
    }
    return port >= 1 && port <= PORT_MAX ? at : NULL;
}

enum vpr_code vpr_check_url(const char *url, bool with_path, const char *field,
                            struct vpr_err *err)
{
    const char *at = NULL;
    if (strlen(url) <= VPR_URL_BYTES_MAX && strncmp(url, "http://", 7) == 0) {
        at = after_host(url + 7);
    } else if (strlen(url) <= VPR_URL_BYTES_MAX && strncmp(url, "https://", 8) == 0) {
        at = after_host(url + 8);
    }
    if (at != NULL && *at == ':') {
        at = after_port(at + 1);
    }
    if (at != NULL && with_path && *at == '/') {
        while (*at > ' ' && *at <= '~' && *at != '?' && *at != '#' && *at != '"') {
            at++;
        }
    }
    if (at == NULL || *at != '\0') {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "%s \"%.100s\" is not http(s)://host[:port]%s of at most %d bytes",
                        field, url, with_path ? "[/path]" : "", VPR_URL_BYTES_MAX);
    }
    return VPR_OK;
}

enum vpr_code vpr_check_key(ProtobufCBinaryData key, const char *field, struct vpr_err *err)
{
    struct vpr_hash public_key;
    if (key.len != sizeof public_key.b) {
        return vpr_fail(err, VPR_BAD_KEY, "%s has %zu bytes; an ed25519 key has 32", field,
                        key.len);
    }
    memcpy(public_key.b, key.data, sizeof public_key.b);
    if (!vpr_ed25519_key_ok(&public_key)) {
        return vpr_fail(err, VPR_BAD_KEY, "%s is no usable ed25519 key", field);
    }
    return VPR_OK;
}

enum vpr_code vpr_genesis_refuse(struct vpr_ctx *ctx, const char *list, size_t index)
{
    struct vpr_err inner = *ctx->err;
    return vpr_fail(ctx->err, inner.code, "%s[%zu]: %s", list, index, inner.text);
}
