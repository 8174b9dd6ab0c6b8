#include "app/base/mem.h"

#include <stdlib.h>
#include <sys/mman.h>

void *vpr_mem_alloc(size_t size)
{
    void *block = calloc(1, size == 0 ? 1 : size);
    if (block == NULL) {
        VPR_HALT("out of memory");
    }
    return block;
}

void *vpr_mem_resize(void *old, size_t size)
{
    void *block = realloc(old, size == 0 ? 1 : size);
    if (block == NULL) {
        VPR_HALT("out of memory");
    }
    return block;
}

void vpr_mem_free(void *old)
{
    free(old);
}

void *vpr_mem_map(size_t size)
{
    void *region = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED) {
        VPR_HALT("no address space for an arena");
    }
    return region;
}

void vpr_mem_unmap(void *region, size_t size)
{
    if (munmap(region, size) != 0) {
        VPR_HALT("munmap of an arena failed");
    }
}
