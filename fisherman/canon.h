/* canon.h - one form for equal JSON values, so that answers can be compared by hash.
 *
 * Keys in byte order, no white space, strings in one spelling; numbers as they came, since
 * 1 and 1.0 are not the same answer of one backend.  The values must have passed
 * vpr_json_check, which bounds their depth. */
#ifndef VPR_FISHERMAN_CANON_H
#define VPR_FISHERMAN_CANON_H

#include "app/host/buf.h"

#define VPR_CANON_BYTES_MAX (16u * 1024 * 1024)

/* Of the whole value; false if it is larger than VPR_CANON_BYTES_MAX. */
VPR_MUST_USE bool vpr_canon_hash(struct vpr_hash *ret, struct vpr_bytes value);
/* Of its type, and of its keys if it is an object. */
VPR_MUST_USE bool vpr_canon_shape(struct vpr_hash *ret, struct vpr_bytes value);

#endif
