/* hash.h - SHA-256, RIPEMD-160 and the tagged hash H of the protocol. */
#ifndef VPR_BASE_HASH_H
#define VPR_BASE_HASH_H

#include <openssl/sha.h>

#include "app/base/base.h"

struct vpr_hash vpr_sha256(const void *data, size_t len);
struct vpr_hash vpr_sha256_2(const void *a, size_t a_len, const void *b, size_t b_len);
void vpr_ripemd160(uint8_t out[20], const void *data, size_t len);

/* H(tag, parts ...) = SHA-256 over one length byte and the tag, then each part: fixed ones
 * as they are, variable ones behind a 4-byte big-endian length (docs/protocol.md, 1). */
struct vpr_hasher {
    SHA256_CTX sha;
};
void vpr_hasher_start(struct vpr_hasher *h, const char *tag);
void vpr_hasher_fixed(struct vpr_hasher *h, const void *data, size_t len);
void vpr_hasher_var(struct vpr_hasher *h, struct vpr_bytes part);
void vpr_hasher_u16(struct vpr_hasher *h, uint16_t v);
void vpr_hasher_u32(struct vpr_hasher *h, uint32_t v); /* list counts */
void vpr_hasher_u64(struct vpr_hasher *h, uint64_t v);
struct vpr_hash vpr_hasher_end(struct vpr_hasher *h);

/* H(tag, data) with one fixed part. */
struct vpr_hash vpr_tagged(const char *tag, const void *data, size_t len);

#endif
