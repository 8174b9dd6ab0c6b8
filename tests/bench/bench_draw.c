/* bench_draw.c - the draw from a large pool: the build once a session, then a slot.
 *
 * usage: bench_draw [SERVICERS]       100,000 unless told otherwise, an owner each
 * Benches of 24 servicers and 5 fishermen, as the chain draws them: the fishermen with the
 * drawn servicers' owners excluded.  Figures: docs/performance.md. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/rules/draw.h"
#include "app/rules/ids.h"

#define BENCHES 2000
#define SERVICERS 24
#define FISHERMEN 5
#define ROUNDS 5

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct vpr_pool_member *make_members(struct vpr_arena *arena, size_t count)
{
    struct vpr_pool_member *members = VPR_ARENA_ARRAY(arena, struct vpr_pool_member, count);
    for (uint64_t i = 0; i < count; i++) {
        struct vpr_hash owner = vpr_tagged("owner", &i, sizeof i);
        struct vpr_hash id = vpr_tagged("id", &i, sizeof i);
        memcpy(members[i].owner.b, owner.b, 20);
        memcpy(members[i].id.b, id.b, 20);
        /* 15,000 to 30,000 VIPR at a score of 0.3 to 0.9 */
        if (!vpr_servicer_weight(&members[i].weight, (15000 + i % 15000) * 1000000, 0, 100000,
                                 (uint32_t)(300000 + i * 7919 % 600000))) {
            VPR_HALT("a weight that cannot be");
        }
    }
    return members;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    struct vpr_arena arena;
    struct vpr_pool pool;
    uint64_t drawn = 0;
    double best = 1e18, build = 1e18;

    vpr_arena_init(&arena, UINT64_C(1) << 32);
    const struct vpr_pool_member *members = make_members(&arena, count);
    size_t mark = vpr_arena_mark(&arena);
    for (int round = 0; round < ROUNDS; round++) {
        vpr_arena_release(&arena, mark);
        double start = now_us();
        if (!vpr_pool_build(&pool, &arena, members, count)) {
            VPR_HALT("a pool that cannot be");
        }
        double took = now_us() - start;
        build = took < build ? took : build;
        drawn = 0;
        start = now_us();
        for (uint64_t i = 0; i < BENCHES; i++) {
            const struct vpr_pool_member *chosen[SERVICERS], *watch[FISHERMEN];
            struct vpr_address out[SERVICERS + 1];
            struct vpr_hash sid = vpr_tagged("sid", &i, sizeof i);
            struct vpr_hash key = vpr_draw_key(&sid, &sid);
            memcpy(out[0].b, members[i % count].owner.b, 20);
            uint32_t n =
                vpr_draw(chosen, &pool, VPR_DRAW_SERVICERS, &key, SERVICERS, out, 1);
            for (uint32_t k = 0; k < n; k++) {
                out[k + 1] = chosen[k]->owner;
            }
            drawn += n + vpr_draw(watch, &pool, VPR_DRAW_FISHERMEN, &key, FISHERMEN, out,
                                  n + 1);
        }
        took = now_us() - start;
        best = took < best ? took : best;
    }
    printf("pool of %zu: build %.1f ms, then %.2f us a slot (%" PRIu64 " slots of %d benches; "
           "CPU, best of %d)\n", count, build / 1000, best / (double)drawn, drawn, BENCHES,
           ROUNDS);
    vpr_arena_finish(&arena);
    return 0;
}
