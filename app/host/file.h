/* file.h - whole files, written so that a crash leaves the old or the new one.
 *
 * Every read has a cap.  Failures carry the path and the system's reason. */
#ifndef VPR_HOST_FILE_H
#define VPR_HOST_FILE_H

#include <sys/types.h>

#include "app/base/err.h"
#include "app/host/buf.h"

/* The whole regular file, at most buf->max bytes, appended to `buf`. */
VPR_MUST_USE enum vpr_code vpr_file_read(struct vpr_buf *buf, const char *path,
                                         struct vpr_err *err);

/* Write beside, fsync, rename over `path`, fsync the directory. */
VPR_MUST_USE enum vpr_code vpr_file_write(const char *path, struct vpr_bytes data, mode_t mode,
                                          struct vpr_err *err);
/* The same, but an existing `path` is refused with DUPLICATE and stays as it is. */
VPR_MUST_USE enum vpr_code vpr_file_create(const char *path, struct vpr_bytes data,
                                           mode_t mode, struct vpr_err *err);

bool vpr_file_exists(const char *path);

/* Seconds since it was written, 0 for a time to come; false: it cannot be told. */
VPR_MUST_USE bool vpr_file_age_s(uint64_t *ret, const char *path);

/* What is left for us on the file system of `path`, for metrics; 0 when it cannot be told. */
uint64_t vpr_disk_free(const char *path);

/* The directory and the missing ones above it. */
VPR_MUST_USE enum vpr_code vpr_dir_make(const char *path, mode_t mode, struct vpr_err *err);

/* From the kernel; halts when it has none. */
void vpr_random(void *out, size_t len);

#endif
