#include "app/base/hash.h"

#include <openssl/ripemd.h>

#include "app/base/bytes.h"

/* The plain block functions: the one-shot calls look up a provider each time. */
struct vpr_hash vpr_sha256(const void *data, size_t len)
{
    return vpr_sha256_2(data, len, NULL, 0);
}

struct vpr_hash vpr_sha256_2(const void *a, size_t a_len, const void *b, size_t b_len)
{
    struct vpr_hasher h;
    VPR_ASSERT(SHA256_Init(&h.sha) == 1);
    vpr_hasher_fixed(&h, a, a_len);
    vpr_hasher_fixed(&h, b, b_len);
    return vpr_hasher_end(&h);
}

void vpr_ripemd160(uint8_t out[20], const void *data, size_t len)
{
    RIPEMD160_CTX ctx;
    VPR_ASSERT(RIPEMD160_Init(&ctx) == 1);
    if (len > 0) {
        VPR_ASSERT(RIPEMD160_Update(&ctx, data, len) == 1);
    }
    VPR_ASSERT(RIPEMD160_Final(out, &ctx) == 1);
}

void vpr_hasher_start(struct vpr_hasher *h, const char *tag)
{
    size_t len = strlen(tag);
    VPR_ASSERT(len <= UINT8_MAX);
    uint8_t length = (uint8_t)len;
    VPR_ASSERT(SHA256_Init(&h->sha) == 1);
    vpr_hasher_fixed(h, &length, 1);
    vpr_hasher_fixed(h, tag, len);
}

void vpr_hasher_fixed(struct vpr_hasher *h, const void *data, size_t len)
{
    if (len > 0) {
        VPR_ASSERT(SHA256_Update(&h->sha, data, len) == 1);
    }
}

void vpr_hasher_var(struct vpr_hasher *h, struct vpr_bytes part)
{
    VPR_ASSERT(part.len <= UINT32_MAX);
    vpr_hasher_u32(h, (uint32_t)part.len);
    vpr_hasher_fixed(h, part.data, part.len);
}

void vpr_hasher_u16(struct vpr_hasher *h, uint16_t v)
{
    uint8_t b[2];
    vpr_put_be16(b, v);
    vpr_hasher_fixed(h, b, sizeof b);
}

void vpr_hasher_u32(struct vpr_hasher *h, uint32_t v)
{
    uint8_t b[4];
    vpr_put_be32(b, v);
    vpr_hasher_fixed(h, b, sizeof b);
}

void vpr_hasher_u64(struct vpr_hasher *h, uint64_t v)
{
    uint8_t b[8];
    vpr_put_be64(b, v);
    vpr_hasher_fixed(h, b, sizeof b);
}

struct vpr_hash vpr_hasher_end(struct vpr_hasher *h)
{
    struct vpr_hash hash;
    VPR_ASSERT(SHA256_Final(hash.b, &h->sha) == 1);
    return hash;
}

struct vpr_hash vpr_tagged(const char *tag, const void *data, size_t len)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, tag);
    vpr_hasher_fixed(&h, data, len);
    return vpr_hasher_end(&h);
}
