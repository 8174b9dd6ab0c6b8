/* sort.h - the one sort of consensus code: merge sort, no ties allowed. */
#ifndef VPR_BASE_SORT_H
#define VPR_BASE_SORT_H

#include "app/base/arena.h"

typedef int vpr_cmp_fn(const void *a, const void *b);

/* Sort `count` items of `size` bytes; two that compare equal are a bug and halt, since their
 * order would not be defined.  Scratch memory comes from the arena and is returned. */
void vpr_sort(struct vpr_arena *scratch, void *items, size_t count, size_t size,
              vpr_cmp_fn *cmp);

#endif
