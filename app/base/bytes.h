/* bytes.h - big-endian integers, hex, base64 and a bounded writer. */
#ifndef VPR_BASE_BYTES_H
#define VPR_BASE_BYTES_H

#include "app/base/arena.h"

void vpr_put_be16(uint8_t out[2], uint16_t v);
void vpr_put_be32(uint8_t out[4], uint32_t v);
void vpr_put_be64(uint8_t out[8], uint64_t v);
uint16_t vpr_get_be16(const uint8_t in[2]);
uint32_t vpr_get_be32(const uint8_t in[4]);
uint64_t vpr_get_be64(const uint8_t in[8]);

int vpr_bytes_cmp(struct vpr_bytes a, struct vpr_bytes b); /* like memcmp; a prefix is less */
bool vpr_bytes_equal(struct vpr_bytes a, struct vpr_bytes b);
bool vpr_bytes_starts(struct vpr_bytes whole, struct vpr_bytes prefix);

/* `text` has room for 2 * n + 1. */
void vpr_hex(char *text, const void *data, size_t n);
/* Exactly 2 * n hex digits of either case, or false. */
bool vpr_unhex(void *out, size_t n, struct vpr_bytes text);

/* RFC 4648: padded standard alphabet, or unpadded url-safe. Encoders return the length
 * written without the final NUL they add. */
#define VPR_BASE64_MAX(n) (((n) + 2) / 3 * 4 + 1)
size_t vpr_base64(char *text, struct vpr_bytes in);
size_t vpr_base64url(char *text, struct vpr_bytes in);
/* Accepts either alphabet, padded or not; strict otherwise.  `out` has room for
 * text.len / 4 * 3 + 3. */
bool vpr_unbase64(uint8_t *out, size_t *ret_len, struct vpr_bytes text);

/* Writes into a buffer of known size; overflowing it is a bug and halts. */
struct vpr_writer {
    uint8_t *data;
    size_t size, len;
};
struct vpr_writer vpr_writer(void *data, size_t size);
void vpr_write(struct vpr_writer *w, const void *data, size_t len);
void vpr_write_u8(struct vpr_writer *w, uint8_t v);
void vpr_write_be16(struct vpr_writer *w, uint16_t v);
void vpr_write_be32(struct vpr_writer *w, uint32_t v);
void vpr_write_be64(struct vpr_writer *w, uint64_t v);

/* Reads fields off the front; once something is missing `bad` stays set and zeros come. */
struct vpr_reader {
    const uint8_t *data;
    size_t left;
    bool bad;
};
struct vpr_reader vpr_reader(struct vpr_bytes in);
void vpr_read(struct vpr_reader *r, void *out, size_t len);
uint8_t vpr_read_u8(struct vpr_reader *r);
uint16_t vpr_read_be16(struct vpr_reader *r);
uint32_t vpr_read_be32(struct vpr_reader *r);
uint64_t vpr_read_be64(struct vpr_reader *r);
struct vpr_bytes vpr_read_view(struct vpr_reader *r, size_t len);
bool vpr_read_done(const struct vpr_reader *r); /* nothing missing, nothing left over */

#endif
