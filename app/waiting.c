#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/inside.h"

/* What the mempool has been told to take since the last commit: of two transactions with one
 * place (a sequence of an account, or an unordered one whatever its signature) only one can
 * ever pay.  Without this an account with money for a single fee fills every mempool.
 *
 * A node's own memory: no block depends on it.  A table of hashes with twice as many places as
 * it takes; when it is full, all are let in. */

#define PLACES (UINT32_C(1) << 16)
#define TAKEN_MAX (PLACES / 2)

struct vpr_waiting {
    struct vpr_hash *places; /* all zero: free */
    uint32_t taken;
};

struct vpr_waiting *vpr_waiting_create(void)
{
    struct vpr_waiting *w = vpr_mem_alloc(sizeof *w);
    w->places = vpr_mem_alloc(PLACES * sizeof w->places[0]);
    return w;
}

void vpr_waiting_destroy(struct vpr_waiting *w)
{
    vpr_mem_free(w->places);
    vpr_mem_free(w);
}

void vpr_waiting_clear(struct vpr_waiting *w)
{
    if (w->taken > 0) {
        memset(w->places, 0, PLACES * sizeof w->places[0]);
        w->taken = 0;
    }
}

bool vpr_waiting_add(struct vpr_waiting *w, const struct vpr_hash *place)
{
    static const struct vpr_hash free_place;
    uint32_t at = vpr_get_be32(place->b) % PLACES;
    if (w->taken >= TAKEN_MAX) {
        return true;
    }
    while (!vpr_hash_equal(&w->places[at], &free_place)) {
        if (vpr_hash_equal(&w->places[at], place)) {
            return false;
        }
        at = (at + 1) % PLACES;
    }
    w->places[at] = *place;
    w->taken++;
    return true;
}
