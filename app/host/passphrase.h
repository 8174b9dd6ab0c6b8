/* passphrase.h - a passphrase from a file or the terminal; keyring.c's only. */
#ifndef VPR_HOST_PASSPHRASE_H
#define VPR_HOST_PASSPHRASE_H

#include "app/base/err.h"

/* Into memory of `size` bytes, NUL-terminated.  From the file's first line; or, with `path`
 * NULL, asked on /dev/tty without echo. */
VPR_MUST_USE enum vpr_code vpr_passphrase(char *ret, size_t size, const char *path,
                                          const char *question, struct vpr_err *err);

#endif
