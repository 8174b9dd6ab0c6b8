/* http_parse.h - HTTP/1.1 messages out of bytes; knows no socket and no Viper word.
 *
 * Its one rule: what two parsers could read in two ways is refused.  That is: a line end
 * other than CRLF, folded lines, space before a colon, control characters, a missing or
 * second Host, any second Content-Length, one that is not plain digits, Content-Length
 * beside Transfer-Encoding, any transfer coding but `chunked`, chunk extensions, trailers
 * that are no header lines, versions other than 1.0 and 1.1, targets not in origin form.
 *
 * Bytes are copied in as they come, so views into a message stay good until reset. */
#ifndef VPR_HOST_HTTP_PARSE_H
#define VPR_HOST_HTTP_PARSE_H

#include "app/host/buf.h"

#define VPR_HTTP_HEAD_BYTES_MAX (16 * 1024)
#define VPR_HTTP_TARGET_BYTES_MAX (8 * 1024)
#define VPR_HTTP_HEADERS_MAX 64
#define VPR_HTTP_METHOD_BYTES_MAX 16
#define VPR_HTTP_CHUNK_LINE_MAX 32
#define VPR_HTTP_TRAILER_BYTES_MAX 4096

enum vpr_http_kind { VPR_HTTP_REQUEST, VPR_HTTP_RESPONSE };

enum vpr_http_state {
    VPR_HTTP_HEAD,
    VPR_HTTP_BODY,       /* a known number of bytes to come */
    VPR_HTTP_BODY_EOF,   /* a response that ends with the connection */
    VPR_HTTP_CHUNK_LINE,
    VPR_HTTP_CHUNK_DATA,
    VPR_HTTP_CHUNK_END,
    VPR_HTTP_TRAILERS,
    VPR_HTTP_DONE,
    VPR_HTTP_BAD,
};

struct vpr_http_header {
    struct vpr_bytes name, value;
};

struct vpr_http_parser {
    enum vpr_http_kind kind;
    enum vpr_http_state state;
    size_t body_max;
    bool to_head; /* response: answers a HEAD, so no body follows */

    /* the message, complete but for the body once state is past HEAD */
    struct vpr_bytes method, target; /* request */
    uint32_t status;                 /* response */
    uint8_t minor;                   /* HTTP/1.minor */
    struct vpr_http_header headers[VPR_HTTP_HEADERS_MAX];
    size_t header_count;
    bool keep_alive;      /* the connection may carry another message */
    bool expect_continue; /* request: wait for 100 before the body */
    struct vpr_buf body;

    /* when BAD */
    uint32_t bad_status; /* what a server answers: 400, 413, 414, 417, 431, 501, 505 */
    const char *bad_why; /* static text */

    /* how far it is */
    struct vpr_buf head;
    size_t line_start;
    uint64_t left; /* of the body or chunk */
    char line[VPR_HTTP_CHUNK_LINE_MAX];
    size_t line_len;
    size_t trailer_bytes;
    bool chunked;
};

void vpr_http_parser_init(struct vpr_http_parser *p, enum vpr_http_kind kind, size_t body_max);
void vpr_http_parser_finish(struct vpr_http_parser *p);
/* Ready for the next message on the same connection. */
void vpr_http_parser_reset(struct vpr_http_parser *p);

/* Take bytes up to the end of the message; returns how many.  Look at `state`: DONE and BAD
 * take no more. */
size_t vpr_http_parse(struct vpr_http_parser *p, const void *data, size_t len);
/* The connection ended: true if that completes the message. */
bool vpr_http_parse_eof(struct vpr_http_parser *p);
/* Nothing of a message has come yet. */
bool vpr_http_parse_idle(const struct vpr_http_parser *p);

/* Value of the first header of that name, case aside; NULL if there is none. */
const struct vpr_bytes *vpr_http_find(const struct vpr_http_header *headers, size_t count,
                                      const char *name);
bool vpr_http_is(struct vpr_bytes text, const char *word); /* case aside */
/* Whether a comma-separated list holds the word, case aside. */
bool vpr_http_has(struct vpr_bytes list, const char *word);
/* Fit to be written into a head: token, and text without control characters. */
bool vpr_http_name_ok(struct vpr_bytes name);
bool vpr_http_value_ok(struct vpr_bytes value);

const char *vpr_http_reason(uint32_t status);

#endif
