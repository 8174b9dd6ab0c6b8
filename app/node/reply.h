/* reply.h - answers of the REST side: JSON with the height it was read at, errors as
 * grpc-gateway writes them ({"code","message","details"}), CORS. */
#ifndef VPR_NODE_REPLY_H
#define VPR_NODE_REPLY_H

#include "app/base/err.h"
#include "app/host/buf.h"
#include "app/host/http_server.h"

enum reply_code { /* gRPC's numbers */
    REPLY_OK = 0,
    REPLY_UNKNOWN = 2,
    REPLY_INVALID = 3,
    REPLY_DEADLINE = 4,
    REPLY_NOT_FOUND = 5,
    REPLY_DENIED = 7,
    REPLY_EXHAUSTED = 8,
    REPLY_PRECONDITION = 9,
    REPLY_OUT_OF_RANGE = 11,
    REPLY_UNIMPLEMENTED = 12,
    REPLY_INTERNAL = 13,
    REPLY_UNAVAILABLE = 14,
};

#define REPLY_ORIGINS_MAX 32

/* What every answer needs to know of its request. */
struct reply_to {
    struct vpr_http_request *req;
    uint64_t height;    /* 0: nothing was read */
    const char *origin; /* allowed one, or NULL */
};

uint32_t reply_status(enum reply_code code);
enum reply_code reply_code_of(enum vpr_code code);

/* Each answers the request, which is gone after. */
void reply_json(const struct reply_to *to, uint32_t status, struct vpr_bytes json);
void reply_error(const struct reply_to *to, enum reply_code code, const char *message);
void reply_refusal(const struct reply_to *to, const struct vpr_err *err);
/* OPTIONS: 204. */
void reply_options(const struct reply_to *to, const char *verbs);

/* Header lines that belong to every answer; `number` is storage for the height. */
#define REPLY_HEADERS_MAX 8
size_t reply_headers(const struct reply_to *to, const char *content_type, char number[24],
                     struct vpr_http_header headers[REPLY_HEADERS_MAX]);

#endif
