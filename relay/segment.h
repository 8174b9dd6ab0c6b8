/* segment.h - the file format under leaves.c: recovery, scanning, records.
 *
 * What is public about it stands in leaves.h. */
#ifndef VPR_RELAY_SEGMENT_H
#define VPR_RELAY_SEGMENT_H

#include "relay/leaves.h"

struct vpr_segment_file {
    int fd;
    uint64_t end; /* behind the last whole record; the file is cut there */
};

/* Open or make it; its whole records go to `fn`. */
VPR_MUST_USE enum vpr_code vpr_segment_recover(struct vpr_segment_file *ret, const char *path,
                                               uint64_t session,
                                               const struct vpr_address *servicer,
                                               vpr_record_fn *fn, void *arg,
                                               struct vpr_err *err);

#endif
