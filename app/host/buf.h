/* buf.h - a growing buffer that is told its maximum at birth.
 *
 * What does not fit is not added at all, and `over` stays set: writers add without looking
 * and the caller asks once, at the end.  Contents are followed by a NUL. */
#ifndef VPR_HOST_BUF_H
#define VPR_HOST_BUF_H

#include <stdarg.h>

#include "app/base/base.h"

struct vpr_buf {
    char *data; /* NULL until something is added */
    size_t len, size, max;
    bool over;
};

void vpr_buf_init(struct vpr_buf *buf, size_t max);
void vpr_buf_finish(struct vpr_buf *buf);
/* Empty again; memory above 64 KiB goes back to the heap. */
void vpr_buf_reset(struct vpr_buf *buf);

/* Room for `more` bytes, or false and `over`. */
bool vpr_buf_reserve(struct vpr_buf *buf, size_t more);
void vpr_buf_add(struct vpr_buf *buf, const void *data, size_t len);
void vpr_buf_str(struct vpr_buf *buf, const char *text);
void vpr_buf_char(struct vpr_buf *buf, char c);
void vpr_buf_u64(struct vpr_buf *buf, uint64_t v);
void vpr_buf_i64(struct vpr_buf *buf, int64_t v);
void vpr_buf_printf(struct vpr_buf *buf, const char *fmt, ...) VPR_PRINTF(2, 3);
void vpr_buf_vprintf(struct vpr_buf *buf, const char *fmt, va_list args) VPR_PRINTF(2, 0);
/* Remove the first `len` bytes. */
void vpr_buf_shift(struct vpr_buf *buf, size_t len);
/* A JSON string with its quotes; the text must be UTF-8. */
void vpr_buf_json(struct vpr_buf *buf, struct vpr_bytes text);

static inline struct vpr_bytes vpr_buf_bytes(const struct vpr_buf *buf)
{
    return vpr_bytes_of(buf->data, buf->len);
}

#endif
