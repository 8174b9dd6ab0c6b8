#include "app/store/record.h"

#include "app/base/bytes.h"
#include "app/base/hash.h"

#define VERSION 1
#define META_HEAD (1 + 8 + 32 + 1)
#define META_STORE (8 + 32)
#define UNDO_HEAD (1 + 8 + 32 + 4)
#define UNDO_ENTRY (2 + 1 + 4)

struct vpr_bytes vpr_meta_encode(struct vpr_arena *arena, const struct vpr_meta *meta)
{
    size_t size = META_HEAD;
    for (size_t i = 0; i < meta->count; i++) {
        size += 1 + meta->names[i].len + META_STORE;
    }
    struct vpr_writer w = vpr_writer(vpr_arena_alloc(arena, size), size);
    vpr_write_u8(&w, VERSION);
    vpr_write_be64(&w, meta->height);
    vpr_write(&w, meta->app_hash.b, 32);
    vpr_write_u8(&w, (uint8_t)meta->count);
    for (size_t i = 0; i < meta->count; i++) {
        vpr_write_u8(&w, (uint8_t)meta->names[i].len);
        vpr_write(&w, meta->names[i].data, meta->names[i].len);
        vpr_write_be64(&w, meta->leaves[i]);
        vpr_write(&w, meta->roots[i].b, 32);
    }
    return vpr_bytes_of(w.data, w.len);
}

bool vpr_meta_decode(struct vpr_meta *ret_meta, struct vpr_bytes record)
{
    struct vpr_meta meta;
    struct vpr_reader r = vpr_reader(record);
    memset(&meta, 0, sizeof meta);
    if (vpr_read_u8(&r) != VERSION) {
        return false;
    }
    meta.height = vpr_read_be64(&r);
    vpr_read(&r, meta.app_hash.b, 32);
    meta.count = vpr_read_u8(&r);
    if (meta.count > VPR_STORES_MAX) {
        return false;
    }
    for (size_t i = 0; i < meta.count; i++) {
        size_t len = vpr_read_u8(&r);
        meta.names[i] = vpr_read_view(&r, len);
        meta.leaves[i] = vpr_read_be64(&r);
        vpr_read(&r, meta.roots[i].b, 32);
    }
    if (!vpr_read_done(&r)) {
        return false;
    }
    *ret_meta = meta;
    return true;
}

struct vpr_bytes vpr_undo_encode(struct vpr_arena *arena, uint64_t height_before,
                                 const struct vpr_hash *app_hash_before,
                                 struct vpr_entry *const *entries, size_t count)
{
    VPR_ASSERT(count <= UINT32_MAX);
    size_t size = UNDO_HEAD + 32;
    for (size_t i = 0; i < count; i++) {
        size += UNDO_ENTRY + entries[i]->key.len;
        size += entries[i]->existed ? entries[i]->old.len : 0;
    }
    struct vpr_writer w = vpr_writer(vpr_arena_alloc(arena, size), size);
    vpr_write_u8(&w, VERSION);
    vpr_write_be64(&w, height_before);
    vpr_write(&w, app_hash_before->b, 32);
    vpr_write_be32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_entry *entry = entries[i];
        vpr_write_be16(&w, (uint16_t)entry->key.len);
        vpr_write(&w, entry->key.data, entry->key.len);
        vpr_write_u8(&w, entry->existed ? 1 : 0);
        vpr_write_be32(&w, entry->existed ? (uint32_t)entry->old.len : 0);
        vpr_write(&w, entry->old.data, entry->existed ? entry->old.len : 0);
    }
    struct vpr_hash sum = vpr_sha256(w.data, w.len);
    vpr_write(&w, sum.b, 32);
    return vpr_bytes_of(w.data, w.len);
}

bool vpr_undo_decode(struct vpr_undo *ret_undo, struct vpr_bytes record)
{
    if (record.len < UNDO_HEAD + 32) {
        return false;
    }
    size_t body = record.len - 32;
    struct vpr_hash sum = vpr_sha256(record.data, body);
    if (memcmp(sum.b, record.data + body, 32) != 0 || record.data[0] != VERSION) {
        return false;
    }
    struct vpr_reader r = vpr_reader(vpr_bytes_of(record.data + 1, body - 1));
    ret_undo->height_before = vpr_read_be64(&r);
    vpr_read(&r, ret_undo->app_hash_before.b, 32);
    ret_undo->count = vpr_read_be32(&r);
    ret_undo->entries = vpr_read_view(&r, r.left);
    return true;
}

bool vpr_undo_next(struct vpr_undo *undo, struct vpr_undo_entry *ret_entry)
{
    if (undo->count == 0) {
        VPR_ASSERT(undo->entries.len == 0);
        return false;
    }
    struct vpr_reader r = vpr_reader(undo->entries);
    size_t key_len = vpr_read_be16(&r);
    ret_entry->key = vpr_read_view(&r, key_len);
    ret_entry->existed = vpr_read_u8(&r) == 1;
    size_t old_len = vpr_read_be32(&r);
    ret_entry->old = vpr_read_view(&r, old_len);
    VPR_ASSERT(!r.bad); /* the checksum held */
    undo->count--;
    undo->entries = vpr_bytes_of(r.data, r.left);
    return true;
}
