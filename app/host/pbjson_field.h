/* pbjson_field.h - writing into fields of a protobuf-c message; shared by the two readers of
 * pbjson.h (JSON and query parameters), nobody else's. */
#ifndef VPR_HOST_PBJSON_FIELD_H
#define VPR_HOST_PBJSON_FIELD_H

#include "app/host/pbjson.h"

static inline void *vpr_pbfield_at(ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *)message + offset;
}

size_t vpr_pbfield_size(ProtobufCType type); /* of one value, as it lies in memory */

/* Whether the arena takes one more block of this size: text from outside may ask for a
 * hundred times its length, and a full arena is a fault. */
static inline bool vpr_pbfield_room(const struct vpr_arena *arena, size_t size)
{
    size_t left = arena->size - arena->used;
    return left > 64 && size < left - 64;
}

/* Where the next item of a repeated field goes; the array grows in the arena.  NULL when it
 * is full. */
void *vpr_pbfield_append(struct vpr_arena *arena, ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field);

/* Say that this member of its oneof, or this optional field, is there; false if another
 * member is.  Nothing for fields of other kinds. */
VPR_MUST_USE bool vpr_pbfield_choose(ProtobufCMessage *message,
                                     const ProtobufCFieldDescriptor *field);

/* Scalars out of text: numbers in decimal, floats also "NaN" and the like; false if it is
 * no such number or out of range.  Not for bool, bytes, messages. */
VPR_MUST_USE bool vpr_pbfield_number(void *at, const ProtobufCFieldDescriptor *field,
                                     struct vpr_bytes text);
/* Standard or url-safe base64 into the arena. */
VPR_MUST_USE bool vpr_pbfield_bytes(ProtobufCBinaryData *at, struct vpr_arena *arena,
                                    struct vpr_bytes text);
/* Value of an enum by name. */
VPR_MUST_USE bool vpr_pbfield_enum(int *at, const ProtobufCFieldDescriptor *field,
                                   struct vpr_bytes name);

const char *vpr_pbfield_wants(const ProtobufCFieldDescriptor *field); /* for error texts */

#endif
