/* field.h - addresses, hashes and texts between our types and those of protobuf-c.
 *
 * What goes in is copied into the arena; what comes out of a record has its size, or the
 * record is broken and we halt. */
#ifndef VPR_DOMAIN_FIELD_H
#define VPR_DOMAIN_FIELD_H

#include "app/rules/ids.h"
#include "app/tx/handler.h"

#define VPR_URL_BYTES_MAX 255

static inline ProtobufCBinaryData vpr_field_of_address(struct vpr_arena *arena,
                                                       const struct vpr_address *who)
{
    return (ProtobufCBinaryData){sizeof who->b, vpr_arena_copy(arena, who->b, sizeof who->b)};
}

static inline ProtobufCBinaryData vpr_field_of_hash(struct vpr_arena *arena,
                                                    const struct vpr_hash *hash)
{
    return (ProtobufCBinaryData){sizeof hash->b,
                                 vpr_arena_copy(arena, hash->b, sizeof hash->b)};
}

/* Of a record: 20 bytes always. */
static inline struct vpr_address vpr_address_of_field(ProtobufCBinaryData field)
{
    struct vpr_address who;
    VPR_ASSERT(field.len == sizeof who.b);
    memcpy(who.b, field.data, sizeof who.b);
    return who;
}

/* Of a record: 32 bytes always. */
static inline struct vpr_hash vpr_hash_of_field(ProtobufCBinaryData field)
{
    struct vpr_hash hash;
    VPR_ASSERT(field.len == sizeof hash.b);
    memcpy(hash.b, field.data, sizeof hash.b);
    return hash;
}

/* viper1... */
static inline char *vpr_text_of_address(struct vpr_arena *arena, const struct vpr_address *who)
{
    char *text = vpr_arena_alloc(arena, VPR_ADDRESS_TEXT_MAX);
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, who);
    return text;
}

/* http(s)://host[:port], and with_path: [/path]; BAD_FIELD. */
VPR_MUST_USE enum vpr_code vpr_check_url(const char *url, bool with_path, const char *field,
                                         struct vpr_err *err);
/* An ed25519 key that libsodium can verify with; BAD_KEY. */
VPR_MUST_USE enum vpr_code vpr_check_key(ProtobufCBinaryData key, const char *field,
                                         struct vpr_err *err);
/* Names the item of a genesis list in front of the refusal, and returns its code. */
enum vpr_code vpr_genesis_refuse(struct vpr_ctx *ctx, const char *list, size_t index);

#endif
