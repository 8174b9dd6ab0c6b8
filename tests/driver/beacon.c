#include <stdlib.h>

#include "app/base/hash.h"
#include "tests/driver/stage.h"

struct vpr_hash beacon_first(const char *validator, size_t n)
{
    struct vpr_hasher h;
    vpr_hasher_start(&h, "driver-beacon");
    vpr_hasher_var(&h, vpr_bytes_str(validator));
    vpr_hasher_u64(&h, n);
    return vpr_hasher_end(&h);
}

struct vpr_hash beacon_grow(struct beacon *beacon, const char *validator, uint64_t length)
{
    VPR_ASSERT(beacon->count < CHAINS_MAX && length >= 1);
    struct beacon_chain *chain = &beacon->chains[beacon->count];
    chain->values = malloc((length + 1) * sizeof chain->values[0]);
    VPR_ASSERT(chain->values != NULL);
    chain->values[0] = beacon_first(validator, beacon->count);
    for (uint64_t i = 0; i < length; i++) {
        chain->values[i + 1] = vpr_beacon_link(&chain->values[i]);
    }
    chain->length = chain->left = length;
    beacon->count++;
    return chain->values[length];
}

struct beacon_chain *beacon_of(struct beacon *beacon, const struct vpr_hash *end)
{
    for (size_t i = 0; i < beacon->count; i++) {
        struct beacon_chain *chain = &beacon->chains[i];
        if (vpr_hash_equal(&chain->values[chain->left], end)) {
            return chain;
        }
    }
    return NULL;
}
