#include "app/host/buf.h"

#include <stdio.h>

#include "app/base/mem.h"

#define KEPT_BYTES (64 * 1024)
#define FIRST_BYTES 256

void vpr_buf_init(struct vpr_buf *buf, size_t max)
{
    *buf = (struct vpr_buf){.max = max};
}

void vpr_buf_finish(struct vpr_buf *buf)
{
    vpr_mem_free(buf->data);
    *buf = (struct vpr_buf){.max = buf->max};
}

void vpr_buf_reset(struct vpr_buf *buf)
{
    if (buf->size > KEPT_BYTES) {
        vpr_buf_finish(buf);
        return;
    }
    buf->len = 0;
    buf->over = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

bool vpr_buf_reserve(struct vpr_buf *buf, size_t more)
{
    if (buf->over || more > buf->max || buf->len > buf->max - more) {
        buf->over = true;
        return false;
    }
    size_t need = buf->len + more + 1;
    if (need <= buf->size) {
        return true;
    }
    size_t size = buf->size < FIRST_BYTES ? FIRST_BYTES : buf->size;
    while (size < need) {
        size *= 2;
    }
    if (size > buf->max + 1) {
        size = buf->max + 1;
    }
    buf->data = vpr_mem_resize(buf->data, size);
    buf->size = size;
    return true;
}

void vpr_buf_add(struct vpr_buf *buf, const void *data, size_t len)
{
    if (!vpr_buf_reserve(buf, len)) {
        return;
    }
    if (len > 0) {
        memcpy(buf->data + buf->len, data, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void vpr_buf_str(struct vpr_buf *buf, const char *text)
{
    vpr_buf_add(buf, text, strlen(text));
}

void vpr_buf_char(struct vpr_buf *buf, char c)
{
    vpr_buf_add(buf, &c, 1);
}

void vpr_buf_u64(struct vpr_buf *buf, uint64_t v)
{
    char text[20];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    vpr_buf_add(buf, text + at, sizeof text - at);
}

void vpr_buf_i64(struct vpr_buf *buf, int64_t v)
{
    if (v < 0) {
        vpr_buf_char(buf, '-');
        vpr_buf_u64(buf, (uint64_t)0 - (uint64_t)v);
        return;
    }
    vpr_buf_u64(buf, (uint64_t)v);
}

void vpr_buf_vprintf(struct vpr_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    VPR_ASSERT(len >= 0);
    if (vpr_buf_reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
        buf->len += (size_t)len;
    }
}

void vpr_buf_printf(struct vpr_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vpr_buf_vprintf(buf, fmt, args);
    va_end(args);
}

void vpr_buf_shift(struct vpr_buf *buf, size_t len)
{
    VPR_ASSERT(len <= buf->len);
    if (len > 0) {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
        buf->data[buf->len] = '\0';
    }
}

/* Control characters, quote and backslash are escaped, the rest goes out in runs. */
void vpr_buf_json(struct vpr_buf *buf, struct vpr_bytes text)
{
    static const char digits[] = "0123456789abcdef";
    size_t from = 0;

    vpr_buf_char(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\') {
            continue;
        }
        vpr_buf_add(buf, text.data + from, i - from);
        from = i + 1;
        if (c == '"' || c == '\\') {
            vpr_buf_add(buf, (char[]){'\\', (char)c}, 2);
        } else if (c == '\n') {
            vpr_buf_add(buf, "\\n", 2);
        } else {
            char esc[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
            vpr_buf_add(buf, esc, sizeof esc);
        }
    }
    if (text.len > from) {
        vpr_buf_add(buf, text.data + from, text.len - from);
    }
    vpr_buf_char(buf, '"');
}
