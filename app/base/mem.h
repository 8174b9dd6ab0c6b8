/* mem.h - heap blocks for the few structures that outlive a block (the trie).
 *
 * Running out is a fault, never a refusal: these return memory or halt. */
#ifndef VPR_BASE_MEM_H
#define VPR_BASE_MEM_H

#include "app/base/base.h"

void *vpr_mem_alloc(size_t size);              /* zeroed */
void *vpr_mem_resize(void *old, size_t size);  /* contents kept, the rest not zeroed */
void vpr_mem_free(void *old);                  /* NULL is fine */

/* A lazily committed region for an arena; free with vpr_mem_unmap. */
void *vpr_mem_map(size_t size);
void vpr_mem_unmap(void *region, size_t size);

#endif
