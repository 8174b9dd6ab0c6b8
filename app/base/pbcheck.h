/* pbcheck.h - looks at protobuf wire bytes before protobuf-c does.
 *
 * protobuf-c 1.4.1 has no recursion limit, checks no UTF-8 and truncates strings at NUL, so
 * nothing from outside is unpacked before one of these passes.  One iterative pass over
 * the bytes with the descriptor beside it; allocates nothing. */
#ifndef VPR_BASE_PBCHECK_H
#define VPR_BASE_PBCHECK_H

#include <protobuf-c/protobuf-c.h>

#include "app/base/base.h"

#define VPR_PB_DEPTH_MAX 16

enum vpr_pb_rule {
    /* ABCI, queries: well-formed, depth, UTF-8, no NUL in strings, at most `fields_max`
     * fields in all; unknown fields are skipped, as proto3 expects. */
    VPR_PB_LENIENT,
    /* Transactions and state: besides, decode and re-encode give the same bytes: known
     * fields only, in order of number, none twice unless repeated, minimal varints, no
     * default value spelled out, scalar lists packed. */
    VPR_PB_CANONICAL,
};

struct vpr_pb_fault {
    size_t offset;      /* where in the bytes */
    const char *reason; /* static text */
};

/* `fault` may be NULL. */
VPR_MUST_USE bool vpr_pb_check(const ProtobufCMessageDescriptor *descriptor,
                               struct vpr_bytes wire, enum vpr_pb_rule rule,
                               uint32_t fields_max, struct vpr_pb_fault *fault);

#endif
