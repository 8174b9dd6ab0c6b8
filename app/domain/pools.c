#include "app/base/mem.h"
#include "app/base/sort.h"
#include "app/domain/benches.h"
#include "app/domain/field.h"
#include "app/domain/positions.h"
#include "app/domain/scores.h"

/* The pools of the last few sessions: for each session and kind all (chain, zone) at once, in
 * one pass over the actors, in an arena of their own sized by what was found. */

#define SETS_MAX 8 /* servicers and fishermen of four sessions */

/* An arena of a set holds members, prefix sums and owners of its pools and the scratch of a
 * sort: so much per member at most, with room for rounding per pool. */
#define ARENA_PER_MEMBER 512
#define ARENA_BASE 4096

struct place {
    uint16_t chain, zone;
    struct vpr_pool pool;
};

/* All pools of one kind in one session. */
struct set {
    bool built;
    uint64_t session;
    Viper__V1__Kind kind;
    uint64_t used_at; /* of vpr_pools.uses, to find the one idle for longest */
    struct vpr_arena arena;
    struct place *places; /* by chain, then zone */
    size_t count;
};

/* A row of positions of each of so many servicers; beyond, the oldest is found again. */
#define SHELF_MAX 512

struct vpr_pools {
    struct set sets[SETS_MAX];
    uint64_t uses;
    struct vpr_positions *shelf; /* NULL: nothing is kept */
    size_t shelf_count, shelf_next;
};

struct vpr_pools *vpr_pools_create(void)
{
    return vpr_mem_alloc(sizeof(struct vpr_pools));
}

static void forget(struct set *set)
{
    if (set->built) {
        vpr_arena_finish(&set->arena);
    }
    memset(set, 0, sizeof *set);
}

void vpr_pools_forget(struct vpr_pools *pools)
{
    for (size_t i = 0; i < SETS_MAX; i++) {
        forget(&pools->sets[i]);
    }
    vpr_mem_free(pools->shelf);
    pools->shelf = NULL;
    pools->shelf_count = pools->shelf_next = 0;
}

void vpr_pools_destroy(struct vpr_pools *pools)
{
    if (pools != NULL) {
        vpr_pools_forget(pools);
        vpr_mem_free(pools);
    }
}

/* ---- one pass over the actors ---- */

struct entry {
    struct vpr_pool_member member;
    uint16_t chain, zone;
};

struct pass {
    Viper__V1__Kind kind;
    uint64_t session;
    uint64_t score_floor;
    struct entry *entries;
    size_t count, room;
};

static uint64_t weigh(struct vpr_ctx *ctx, const struct pass *pass,
                      const struct vpr_address *id, const Viper__V1__Terms *terms,
                      uint16_t chain, uint16_t zone)
{
    if (pass->kind == VIPER__V1__KIND__KIND_FISHERMAN) {
        return vpr_fisherman_weight(terms->stake);
    }
    uint64_t score, weight;
    if (!vpr_score_in_pool(ctx, id, chain, zone, pass->session, &score)) {
        return 0;
    }
    /* Stakes sum to less than 2^62 and scores end at 10^6: nothing here can overflow. */
    bool fits = vpr_servicer_weight(&weight, terms->stake, terms->delegated,
                                    (uint32_t)pass->score_floor, (uint32_t)score);
    VPR_ASSERT(fits);
    return weight;
}

static void append(struct pass *pass, const struct entry *entry)
{
    if (pass->count == pass->room) {
        pass->room = pass->room == 0 ? 64 : pass->room * 2;
        pass->entries = vpr_mem_resize(pass->entries, pass->room * sizeof pass->entries[0]);
    }
    pass->entries[pass->count++] = *entry;
}

static bool collect(struct vpr_ctx *ctx, void *arg, const struct vpr_address *id,
                    const Viper__V1__Actor *actor)
{
    struct pass *pass = arg;
    (void)actor;
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, id, pass->session);
    if (terms == NULL || !terms->eligible) {
        return true;
    }
    for (size_t i = 0; i < terms->n_chains; i++) {
        struct entry entry = {
            .chain = (uint16_t)terms->chains[i],
            .zone = (uint16_t)terms->zone,
        };
        entry.member.id = *id;
        entry.member.owner = vpr_address_of_field(terms->owner);
        entry.member.weight = weigh(ctx, pass, id, terms, entry.chain, entry.zone);
        if (entry.member.weight > 0) {
            append(pass, &entry);
        }
    }
    return true;
}

static int cmp_place(uint16_t chain_a, uint16_t zone_a, uint16_t chain_b, uint16_t zone_b)
{
    int by_chain = (chain_a > chain_b) - (chain_a < chain_b);
    return by_chain != 0 ? by_chain : (zone_a > zone_b) - (zone_a < zone_b);
}

static int cmp_entries(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    int by_place = cmp_place(x->chain, x->zone, y->chain, y->zone);
    return by_place != 0 ? by_place : vpr_address_cmp(&x->member.id, &y->member.id);
}

/* ---- sets ---- */

static size_t run_length(const struct entry *entries, size_t count)
{
    size_t n = 1;
    while (n < count && cmp_place(entries[0].chain, entries[0].zone, entries[n].chain,
                                  entries[n].zone) == 0) {
        n++;
    }
    return n;
}

/* Entries are sorted by place: each run of one place becomes a pool. */
static void build_places(struct set *set, const struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i += run_length(entries + i, count - i)) {
        set->count++;
    }
    set->places = VPR_ARENA_ARRAY(&set->arena, struct place, set->count);
    size_t at = 0;
    for (size_t p = 0; p < set->count; p++) {
        size_t n = run_length(entries + at, count - at);
        struct vpr_pool_member *members =
            VPR_ARENA_ARRAY(&set->arena, struct vpr_pool_member, n);
        for (size_t i = 0; i < n; i++) {
            members[i] = entries[at + i].member;
        }
        set->places[p].chain = entries[at].chain;
        set->places[p].zone = entries[at].zone;
        bool built = vpr_pool_build(&set->places[p].pool, &set->arena, members, n);
        VPR_ASSERT(built); /* ids are keys, and weights sum to less than 2^64 */
        at += n;
    }
}

static void build(struct vpr_ctx *ctx, struct set *set, Viper__V1__Kind kind, uint64_t session)
{
    struct pass pass = {
        .kind = kind,
        .session = session,
        .score_floor = vpr_param(ctx, VPR_P_score_floor, session),
    };
    struct vpr_ctx quiet = *ctx; /* nothing happens here: what it takes is given back */
    quiet.events = NULL;
    vpr_actors_each(&quiet, kind, collect, &pass);

    *set = (struct set){.built = true, .session = session, .kind = kind};
    vpr_arena_init(&set->arena, ARENA_BASE + pass.count * ARENA_PER_MEMBER);
    if (pass.count > 0) {
        vpr_sort(&set->arena, pass.entries, pass.count, sizeof pass.entries[0], cmp_entries);
        build_places(set, pass.entries, pass.count);
    }
    vpr_mem_free(pass.entries);
}

static struct set *find_set(struct vpr_ctx *ctx, Viper__V1__Kind kind, uint64_t session)
{
    struct vpr_pools *pools = ctx->pools;
    VPR_ASSERT(pools != NULL);
    struct set *found = &pools->sets[0];
    for (size_t i = 0; i < SETS_MAX; i++) {
        struct set *set = &pools->sets[i];
        if (set->built && set->session == session && set->kind == kind) {
            found = set;
            break;
        }
        if (set->used_at < found->used_at) {
            found = set;
        }
    }
    if (!found->built || found->session != session || found->kind != kind) {
        forget(found);
        build(ctx, found, kind, session);
    }
    found->used_at = ++pools->uses;
    return found;
}

const struct vpr_pool *vpr_pool_find(struct vpr_ctx *ctx, Viper__V1__Kind kind,
                                     uint64_t session, uint16_t chain, uint16_t zone)
{
    VPR_ASSERT(session <= vpr_session_number(ctx)); /* later ones can still change */
    const struct set *set = find_set(ctx, kind, session);
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct place *place = &set->places[middle];
        int order = cmp_place(place->chain, place->zone, chain, zone);
        if (order == 0) {
            return &place->pool;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

/* ---- positions ---- */

const struct vpr_positions *vpr_pools_recall(struct vpr_pools *pools, uint64_t session,
                                             const struct vpr_address *servicer)
{
    VPR_ASSERT(pools != NULL);
    for (size_t i = 0; i < pools->shelf_count; i++) {
        const struct vpr_positions *kept = &pools->shelf[i];
        if (kept->session == session && vpr_address_equal(&kept->servicer, servicer)) {
            return kept;
        }
    }
    return NULL;
}

const struct vpr_positions *vpr_pools_keep(struct vpr_pools *pools,
                                           const struct vpr_positions *positions)
{
    VPR_ASSERT(pools != NULL);
    if (pools->shelf == NULL) {
        pools->shelf = vpr_mem_alloc(SHELF_MAX * sizeof pools->shelf[0]);
    }
    struct vpr_positions *place = &pools->shelf[pools->shelf_next];
    *place = *positions;
    pools->shelf_next = (pools->shelf_next + 1) % SHELF_MAX;
    if (pools->shelf_count < SHELF_MAX) {
        pools->shelf_count++;
    }
    return place;
}
