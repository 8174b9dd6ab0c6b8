#include "app/node/reply.h"

#include <stdio.h>

#define ERROR_BYTES_MAX 4096

uint32_t reply_status(enum reply_code code)
{
    switch (code) {
    case REPLY_OK:
        return 200;
    case REPLY_INVALID:
    case REPLY_PRECONDITION:
    case REPLY_OUT_OF_RANGE:
        return 400;
    case REPLY_DENIED:
        return 403;
    case REPLY_NOT_FOUND:
        return 404;
    case REPLY_EXHAUSTED:
        return 429;
    case REPLY_UNIMPLEMENTED:
        return 501;
    case REPLY_UNAVAILABLE:
        return 503;
    case REPLY_DEADLINE:
        return 504;
    case REPLY_UNKNOWN:
    case REPLY_INTERNAL:
        return 500;
    }
    return 500;
}

static const struct {
    enum vpr_code code;
    enum reply_code reply;
} mapped[] = {
    {VPR_NOT_FOUND, REPLY_NOT_FOUND},
    {VPR_NOT_STAKED, REPLY_NOT_FOUND},
    {VPR_NO_SESSION, REPLY_NOT_FOUND},
    {VPR_NO_CHAIN, REPLY_NOT_FOUND},
    {VPR_NO_ZONE, REPLY_NOT_FOUND},
    {VPR_NOT_COMMITTED, REPLY_NOT_FOUND},
    {VPR_NOT_SEALED, REPLY_NOT_FOUND},
    {VPR_UNSUPPORTED, REPLY_UNIMPLEMENTED},
    {VPR_DENIED, REPLY_DENIED},
    {VPR_SYSTEM_ONLY, REPLY_DENIED},
    {VPR_BAD_STATUS, REPLY_PRECONDITION},
    {VPR_TOO_SOON, REPLY_PRECONDITION},
    {VPR_WRONG_WINDOW, REPLY_PRECONDITION},
};

enum reply_code reply_code_of(enum vpr_code code)
{
    for (size_t i = 0; i < VPR_COUNT(mapped); i++) {
        if (mapped[i].code == code) {
            return mapped[i].reply;
        }
    }
    return code == VPR_OK ? REPLY_OK : REPLY_INVALID;
}

size_t reply_headers(const struct reply_to *to, const char *content_type, char number[24],
                     struct vpr_http_header headers[REPLY_HEADERS_MAX])
{
    size_t n = 0;
    const struct vpr_http_header type = VPR_HTTP_TEXT("Content-Type", content_type);

    if (*content_type) {
        headers[n++] = type;
    }
    (void)snprintf(number, 24, "%" PRIu64, to->height);
    if (to->height) { /* the bare name as Cosmos has it, and the gateway's for metadata */
        const struct vpr_http_header bare = VPR_HTTP_TEXT("x-cosmos-block-height", number);
        const struct vpr_http_header meta =
            VPR_HTTP_TEXT("Grpc-Metadata-X-Cosmos-Block-Height", number);
        headers[n++] = bare;
        headers[n++] = meta;
    }
    if (to->origin) {
        const struct vpr_http_header allow =
            VPR_HTTP_TEXT("Access-Control-Allow-Origin", to->origin);
        const struct vpr_http_header expose =
            VPR_HTTP_TEXT("Access-Control-Expose-Headers", "x-cosmos-block-height");
        const struct vpr_http_header vary = VPR_HTTP_TEXT("Vary", "Origin");
        headers[n++] = allow;
        headers[n++] = expose;
        headers[n++] = vary;
    }
    return n;
}

void reply_json(const struct reply_to *to, uint32_t status, struct vpr_bytes json)
{
    struct vpr_http_header headers[REPLY_HEADERS_MAX];
    char number[24];
    size_t n = reply_headers(to, "application/json", number, headers);
    vpr_http_reply(to->req, status, headers, n, json);
}

void reply_error(const struct reply_to *to, enum reply_code code, const char *message)
{
    struct vpr_buf json;
    vpr_buf_init(&json, ERROR_BYTES_MAX);
    vpr_buf_printf(&json, "{\"code\":%d,\"message\":", (int)code);
    vpr_buf_json(&json, vpr_bytes_str(message));
    vpr_buf_str(&json, ",\"details\":[]}");
    if (json.over) { /* of what the client itself sent, hence not needed */
        vpr_buf_reset(&json);
        vpr_buf_printf(&json, "{\"code\":%d,\"message\":\"\",\"details\":[]}", (int)code);
    }
    reply_json(to, reply_status(code), vpr_buf_bytes(&json));
    vpr_buf_finish(&json);
}

void reply_refusal(const struct reply_to *to, const struct vpr_err *err)
{
    char text[VPR_ERR_TEXT_MAX + 64];
    (void)snprintf(text, sizeof text, "%s (viper %d, %s)", err->text, (int)err->code,
                   vpr_code_name(err->code));
    reply_error(to, reply_code_of(err->code), text);
}

void reply_options(const struct reply_to *to, const char *verbs)
{
    struct vpr_http_header headers[REPLY_HEADERS_MAX + 4];
    char number[24];
    size_t n = reply_headers(to, "", number, headers);
    const struct vpr_http_header allow = VPR_HTTP_TEXT("Allow", verbs);

    headers[n++] = allow;
    if (to->origin) {
        const struct vpr_http_header methods =
            VPR_HTTP_TEXT("Access-Control-Allow-Methods", verbs);
        const struct vpr_http_header names = VPR_HTTP_TEXT(
            "Access-Control-Allow-Headers", "content-type, x-cosmos-block-height, last-event-id");
        const struct vpr_http_header age = VPR_HTTP_TEXT("Access-Control-Max-Age", "600");
        headers[n++] = methods;
        headers[n++] = names;
        headers[n++] = age;
    }
    vpr_http_reply(to->req, 204, headers, n, vpr_bytes_of(NULL, 0));
}
