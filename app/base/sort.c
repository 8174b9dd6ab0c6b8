#include "app/base/sort.h"

struct run {
    const uint8_t *at;
    size_t left; /* items */
};

/* Both runs rise strictly, so two equal items, one in each, are heads at the same time at
 * some point: no tie goes unseen. */
static void merge(uint8_t *to, struct run a, struct run b, size_t size, vpr_cmp_fn *cmp)
{
    while (a.left > 0 && b.left > 0) {
        int order = cmp(a.at, b.at);
        VPR_ASSERT(order != 0);
        struct run *lower = order < 0 ? &a : &b;
        memcpy(to, lower->at, size);
        lower->at += size;
        lower->left--;
        to += size;
    }
    if (a.left > 0) {
        memcpy(to, a.at, a.left * size);
        to += a.left * size;
    }
    if (b.left > 0) {
        memcpy(to, b.at, b.left * size);
    }
}

void vpr_sort(struct vpr_arena *scratch, void *items, size_t count, size_t size,
              vpr_cmp_fn *cmp)
{
    VPR_ASSERT(size > 0);
    if (count < 2) {
        return;
    }
    size_t mark = vpr_arena_mark(scratch);
    uint8_t *from = items;
    uint8_t *to = vpr_arena_alloc_array(scratch, size, count);
    for (size_t width = 1; width < count; width = width > count / 2 ? count : width * 2) {
        for (size_t start = 0; start < count;) {
            size_t first = count - start < width ? count - start : width;
            size_t rest = count - start - first;
            size_t second = rest < width ? rest : width;
            merge(to + start * size, (struct run){from + start * size, first},
                  (struct run){from + (start + first) * size, second}, size, cmp);
            start += first + second;
        }
        uint8_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) {
        memcpy(items, from, count * size);
    }
    vpr_arena_release(scratch, mark);
}
