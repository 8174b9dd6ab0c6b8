/* json_scan.h - looks at JSON text without building anything.
 *
 * Strict RFC 8259: one value, UTF-8, no lone surrogate, no NUL in a string, depth <= 64;
 * numbers of any size are fine.  Spans point into the text and are the bytes as they came,
 * so that what is echoed or relayed is untouched.
 *
 * JSON-RPC: what two readers could take for two calls is refused: `id`, `method` or `params`
 * twice in one object, whichever way their letters are escaped or cased (Go's reader
 * ignores case). */
#ifndef VPR_HOST_JSON_SCAN_H
#define VPR_HOST_JSON_SCAN_H

#include "app/base/base.h"

#define VPR_JSON_DEPTH_MAX 64
#define VPR_JSON_BATCH_MAX 1000

struct vpr_json_fault {
    size_t offset;      /* where in the text */
    const char *reason; /* static text */
};

/* Whether the whole text is one value; `fault` may be NULL. */
VPR_MUST_USE bool vpr_json_check(struct vpr_bytes text, struct vpr_json_fault *fault);

enum vpr_json_type {
    VPR_JSON_NONE, /* absent */
    VPR_JSON_NULL,
    VPR_JSON_FALSE,
    VPR_JSON_TRUE,
    VPR_JSON_NUMBER,
    VPR_JSON_STRING,
    VPR_JSON_ARRAY,
    VPR_JSON_OBJECT,
};
enum vpr_json_type vpr_json_type(struct vpr_bytes value); /* of a span found here */

/* One call of a request; a span of length 0 means: not there. */
struct vpr_json_call {
    struct vpr_bytes whole; /* the object */
    struct vpr_bytes id, method, params, version;
    bool valid; /* a JSON-RPC call: an object whose method is a string, id a string, number or
                 * null, params an array or object if there */
};

struct vpr_json_rpc {
    bool batch;   /* an array of calls */
    size_t count; /* of `calls` filled in; 0 for `[]` */
};

/* Read a request: an object, or an array of at most calls_max <= VPR_JSON_BATCH_MAX
 * elements.  False if the text is not JSON, is neither, has too many elements, or is
 * ambiguous. */
VPR_MUST_USE bool vpr_json_rpc(struct vpr_json_rpc *ret, struct vpr_json_call *calls,
                               size_t calls_max, struct vpr_bytes text,
                               struct vpr_json_fault *fault);

/* The value at a JSON pointer (RFC 6901) in a text that passed vpr_json_check; false if
 * there is none.  Of equal keys the last counts, as most readers have it. */
VPR_MUST_USE bool vpr_json_at(struct vpr_bytes *ret, struct vpr_bytes text,
                              const char *pointer);

/* A string span without quotes and escapes; false if it needs more than `size` bytes.  A
 * NUL is added, not counted. */
VPR_MUST_USE bool vpr_json_text(char *out, size_t size, size_t *ret_len,
                                struct vpr_bytes string);
/* A number span, or a string span of digits, as a whole number. */
VPR_MUST_USE bool vpr_json_u64(uint64_t *ret, struct vpr_bytes value);

/* Walk an array or object that passed vpr_json_check: start with at = 0, until false.  For
 * an object `ret_key` is the string span of the key, for an array it is empty. */
bool vpr_json_next(struct vpr_bytes container, size_t *at, struct vpr_bytes *ret_key,
                   struct vpr_bytes *ret_value);

#endif
