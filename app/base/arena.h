/* arena.h - memory with a lifetime: node, block, transaction (in daemons: process,
 * session, request).
 *
 * A region of fixed size, handed out from the front and returned to a mark.  A full
 * arena is a fault: what input can exceed is counted in bytes and refused before.
 * Released bytes are filled with 0xDD in debug and sanitizer builds. */
#ifndef VPR_BASE_ARENA_H
#define VPR_BASE_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "app/base/base.h"

struct vpr_arena {
    uint8_t *base;
    size_t size;
    size_t used;
    ProtobufCAllocator pb; /* hands out this arena; its free does nothing */
};

/* `size` bytes of address space, committed as used; release with vpr_arena_finish. */
void vpr_arena_init(struct vpr_arena *arena, size_t size);
void vpr_arena_finish(struct vpr_arena *arena);

/* Zeroed, 16-byte aligned; halts when full. */
void *vpr_arena_alloc(struct vpr_arena *arena, size_t size);
void *vpr_arena_copy(struct vpr_arena *arena, const void *data, size_t size);
struct vpr_bytes vpr_arena_bytes(struct vpr_arena *arena, struct vpr_bytes from);
char *vpr_arena_text(struct vpr_arena *arena, const char *fmt, ...) VPR_PRINTF(2, 3);
#define VPR_ARENA_NEW(arena, type) ((type *)vpr_arena_alloc((arena), sizeof(type)))
#define VPR_ARENA_ARRAY(arena, type, n) \
    ((type *)vpr_arena_alloc_array((arena), sizeof(type), (n)))
void *vpr_arena_alloc_array(struct vpr_arena *arena, size_t item, size_t count);

size_t vpr_arena_mark(const struct vpr_arena *arena);
void vpr_arena_release(struct vpr_arena *arena, size_t mark);

/* protobuf-c, with the arena as its heap.  Unpack expects bytes that passed pbcheck; NULL
 * if it fails all the same. */
ProtobufCMessage *vpr_arena_unpack(struct vpr_arena *arena,
                                   const ProtobufCMessageDescriptor *descriptor,
                                   struct vpr_bytes wire);
struct vpr_bytes vpr_arena_pack(struct vpr_arena *arena, const ProtobufCMessage *message);

#endif
