#include "app/store/overlay.h"

#include "app/base/bytes.h"

#define HEIGHT_MAX 64 /* an AVL tree of 2^44 entries */

/* What an entry was before it was set. */
struct vpr_undo_step {
    struct vpr_undo_step *older;
    struct vpr_entry *entry;
    enum vpr_entry_state state;
    struct vpr_bytes value;
};

void vpr_overlay_init(struct vpr_overlay *overlay)
{
    memset(overlay, 0, sizeof *overlay);
    vpr_arena_init(&overlay->arena, VPR_OVERLAY_BYTES_MAX);
}

void vpr_overlay_finish(struct vpr_overlay *overlay)
{
    vpr_arena_finish(&overlay->arena);
}

void vpr_overlay_clear(struct vpr_overlay *overlay)
{
    vpr_arena_release(&overlay->arena, 0);
    overlay->root = NULL;
    overlay->count = 0;
    overlay->steps = NULL;
    overlay->depth = 0;
}

struct vpr_entry *vpr_overlay_find(struct vpr_overlay *overlay, struct vpr_bytes key)
{
    struct vpr_entry *entry = overlay->root;
    while (entry != NULL) {
        int order = vpr_bytes_cmp(key, entry->key);
        if (order == 0) {
            return entry;
        }
        entry = entry->side[order > 0];
    }
    return NULL;
}

struct vpr_entry *vpr_overlay_seek(struct vpr_overlay *overlay, bool backward,
                                   struct vpr_bytes key)
{
    struct vpr_entry *best = NULL;
    struct vpr_entry *entry = overlay->root;
    while (entry != NULL) {
        int order = vpr_bytes_cmp(key, entry->key);
        if (order == 0) {
            return entry;
        }
        if ((order > 0) == backward) {
            best = entry;
        }
        entry = entry->side[order > 0];
    }
    return best;
}

static int height_of(const struct vpr_entry *entry)
{
    return entry == NULL ? 0 : entry->height;
}

static void measure(struct vpr_entry *entry)
{
    int left = height_of(entry->side[0]), right = height_of(entry->side[1]);
    entry->height = 1 + (left > right ? left : right);
}

/* The child on `side` becomes the top. */
static struct vpr_entry *rotate(struct vpr_entry *top, unsigned side)
{
    struct vpr_entry *child = top->side[side];
    top->side[side] = child->side[1 - side];
    child->side[1 - side] = top;
    measure(top);
    measure(child);
    return child;
}

static struct vpr_entry *balance(struct vpr_entry *top)
{
    measure(top);
    for (unsigned side = 0; side < 2; side++) {
        struct vpr_entry *high = top->side[side];
        if (height_of(high) <= height_of(top->side[1 - side]) + 1) {
            continue;
        }
        if (height_of(high->side[1 - side]) > height_of(high->side[side])) {
            top->side[side] = rotate(high, 1 - side);
        }
        return rotate(top, side);
    }
    return top;
}

struct vpr_entry *vpr_overlay_add(struct vpr_overlay *overlay, struct vpr_bytes key,
                                  bool existed, struct vpr_bytes old)
{
    struct vpr_entry **way[HEIGHT_MAX];
    size_t depth = 0;
    struct vpr_entry **at = &overlay->root;
    while (*at != NULL) {
        int order = vpr_bytes_cmp(key, (*at)->key);
        VPR_ASSERT(order != 0 && depth < HEIGHT_MAX);
        way[depth++] = at;
        at = &(*at)->side[order > 0];
    }
    struct vpr_entry *entry = VPR_ARENA_NEW(&overlay->arena, struct vpr_entry);
    entry->height = 1;
    entry->existed = existed;
    entry->old = old;
    entry->key = vpr_arena_bytes(&overlay->arena, key);
    *at = entry;
    overlay->count++;
    while (depth > 0) {
        depth--;
        *way[depth] = balance(*way[depth]);
    }
    return entry;
}

void vpr_overlay_set(struct vpr_overlay *overlay, struct vpr_entry *entry,
                     enum vpr_entry_state state, struct vpr_bytes value)
{
    if (overlay->depth > 0) {
        struct vpr_undo_step *step = VPR_ARENA_NEW(&overlay->arena, struct vpr_undo_step);
        *step = (struct vpr_undo_step){overlay->steps, entry, entry->state, entry->value};
        overlay->steps = step;
    }
    entry->state = state;
    entry->value = state == VPR_ENTRY_PUT ? vpr_arena_bytes(&overlay->arena, value)
                                          : (struct vpr_bytes){NULL, 0};
}

bool vpr_entry_value(const struct vpr_entry *entry, struct vpr_bytes *ret_value)
{
    if (entry->state == VPR_ENTRY_PUT) {
        *ret_value = entry->value;
        return true;
    }
    if (entry->state == VPR_ENTRY_SAME && entry->existed) {
        *ret_value = entry->old;
        return true;
    }
    return false;
}

bool vpr_entry_changed(const struct vpr_entry *entry)
{
    if (entry->state == VPR_ENTRY_PUT) {
        return !entry->existed || !vpr_bytes_equal(entry->old, entry->value);
    }
    return entry->state == VPR_ENTRY_GONE && entry->existed;
}

size_t vpr_overlay_changed(const struct vpr_overlay *overlay, struct vpr_entry **ret_entries)
{
    struct vpr_entry *way[HEIGHT_MAX];
    size_t depth = 0, count = 0;
    struct vpr_entry *entry = overlay->root;
    while (entry != NULL || depth > 0) {
        if (entry != NULL) {
            VPR_ASSERT(depth < HEIGHT_MAX);
            way[depth++] = entry;
            entry = entry->side[0];
            continue;
        }
        entry = way[--depth];
        if (vpr_entry_changed(entry)) {
            ret_entries[count++] = entry;
        }
        entry = entry->side[1];
    }
    return count;
}

void vpr_overlay_begin(struct vpr_overlay *overlay)
{
    VPR_ASSERT(overlay->depth < VPR_OVERLAY_DEPTH_MAX);
    overlay->marks[overlay->depth++] = overlay->steps;
}

void vpr_overlay_keep(struct vpr_overlay *overlay)
{
    VPR_ASSERT(overlay->depth > 0);
    overlay->depth--;
    if (overlay->depth == 0) {
        overlay->steps = NULL; /* nobody is left to undo them */
    }
}

void vpr_overlay_undo(struct vpr_overlay *overlay)
{
    VPR_ASSERT(overlay->depth > 0);
    overlay->depth--;
    while (overlay->steps != overlay->marks[overlay->depth]) {
        const struct vpr_undo_step *step = overlay->steps;
        step->entry->state = step->state;
        step->entry->value = step->value;
        overlay->steps = step->older;
    }
}
