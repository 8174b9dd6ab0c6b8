/* base.h - the few types and macros everything else stands on.
 *
 * No Viper words here.  A header of base includes only headers of base, so that
 * consensus code, daemons, the CLI and tests share them; pure.h adds the bans. */
#ifndef VPR_BASE_BASE_H
#define VPR_BASE_BASE_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VPR_MUST_USE __attribute__((warn_unused_result))
#define VPR_PRINTF(fmt, args) __attribute__((format(__printf__, fmt, args)))
#define VPR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Parts per million: 1,000,000 is the whole. */
#define VPR_PPM UINT64_C(1000000)

__extension__ typedef unsigned __int128 vpr_u128;

/* Bytes somebody else owns; data may be NULL only if len is 0. */
struct vpr_bytes {
    const uint8_t *data;
    size_t len;
};

struct vpr_hash { /* SHA-256, seeds, salts, 32-byte keys */
    uint8_t b[32];
};

struct vpr_address { /* an account, or an actor's id */
    uint8_t b[20];
};

/* The disk or memory failed, or this node would diverge: one line to stderr with
 * the place, then abort.  CometBFT stops with us and replays at the next start. */
void vpr_halt(const char *file, int line, const char *reason) __attribute__((noreturn));
#define VPR_HALT(reason) vpr_halt(__FILE__, __LINE__, reason)

/* A bug: on in every build. */
#define VPR_ASSERT(cond) \
    do { \
        if (!(cond)) { \
            vpr_halt(__FILE__, __LINE__, "assertion failed: " #cond); \
        } \
    } while (0)

/* Leave with the first refusal; the only macro that hides a return. */
#define VPR_TRY(expr) \
    do { \
        enum vpr_code vpr_try_code = (expr); \
        if (vpr_try_code != VPR_OK) { \
            return vpr_try_code; \
        } \
    } while (0)

static inline struct vpr_bytes vpr_bytes_of(const void *data, size_t len)
{
    return (struct vpr_bytes){(const uint8_t *)data, len};
}

static inline struct vpr_bytes vpr_bytes_str(const char *text)
{
    return (struct vpr_bytes){(const uint8_t *)text, strlen(text)};
}

static inline bool vpr_hash_equal(const struct vpr_hash *a, const struct vpr_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static inline int vpr_address_cmp(const struct vpr_address *a, const struct vpr_address *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}

static inline bool vpr_address_equal(const struct vpr_address *a, const struct vpr_address *b)
{
    return vpr_address_cmp(a, b) == 0;
}

#endif
