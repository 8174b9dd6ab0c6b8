#include "app/rules/draw.h"

#include "app/base/bytes.h"
#include "app/base/coin.h"
#include "app/base/hash.h"
#include "app/base/sort.h"

#define GAPS_MAX (VPR_DRAW_SLOTS_MAX + VPR_DRAW_EXCLUDED_MAX)

/* Intervals of owners that are drawn or excluded, in order of their start. */
struct gaps {
    uint32_t owners[GAPS_MAX];
    uint32_t count;
    uint64_t weight;
};

bool vpr_servicer_weight(uint64_t *ret, uint64_t own_uvipr, uint64_t delegated_uvipr,
                         uint32_t score_floor_ppm, uint32_t score_ppm)
{
    if (own_uvipr >= VPR_SUPPLY_MAX || delegated_uvipr >= VPR_SUPPLY_MAX ||
        score_floor_ppm > VPR_PPM || score_ppm > VPR_PPM) {
        return false;
    }
    /* Below 2^63 / 10^6 times 2 * 10^6: it fits. */
    *ret = (own_uvipr + delegated_uvipr) / VPR_UVIPR_PER_VIPR *
           ((uint64_t)score_floor_ppm + score_ppm);
    return true;
}

uint64_t vpr_fisherman_weight(uint64_t own_uvipr)
{
    return own_uvipr / VPR_UVIPR_PER_VIPR;
}

struct sort_key {
    const struct vpr_pool_member *member;
    size_t number; /* so that equal ones are found after the sort, not by a halt in it */
};

static int compare_ids(const struct vpr_pool_member *a, const struct vpr_pool_member *b)
{
    int order = vpr_address_cmp(&a->owner, &b->owner);
    return order != 0 ? order : vpr_address_cmp(&a->id, &b->id);
}

static int compare_keys(const void *a, const void *b)
{
    const struct sort_key *x = a;
    const struct sort_key *y = b;
    int order = compare_ids(x->member, y->member);
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

bool vpr_pool_build(struct vpr_pool *ret, struct vpr_arena *arena,
                    const struct vpr_pool_member *members, size_t count)
{
    if (count >= UINT32_MAX) {
        return false;
    }
    struct vpr_pool_member *kept = VPR_ARENA_ARRAY(arena, struct vpr_pool_member, count);
    uint64_t *before = VPR_ARENA_ARRAY(arena, uint64_t, count);
    struct vpr_pool_owner *owners = VPR_ARENA_ARRAY(arena, struct vpr_pool_owner, count);
    size_t mark = vpr_arena_mark(arena);
    struct sort_key *keys = VPR_ARENA_ARRAY(arena, struct sort_key, count);
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct sort_key){&members[i], i};
    }
    vpr_sort(arena, keys, count, sizeof *keys, compare_keys);
    struct vpr_pool pool = {kept, before, 0, owners, 0, 0};
    for (size_t i = 0; i < count; i++) {
        const struct vpr_pool_member *member = keys[i].member;
        uint64_t total;
        if ((i > 0 && compare_ids(keys[i - 1].member, member) == 0) ||
            __builtin_add_overflow(pool.total, member->weight, &total)) {
            vpr_arena_release(arena, mark);
            return false;
        }
        if (member->weight == 0) {
            continue;
        }
        if (pool.member_count == 0 ||
            !vpr_address_equal(&kept[pool.member_count - 1].owner, &member->owner)) {
            owners[pool.owner_count++] =
                (struct vpr_pool_owner){pool.total, 0, pool.member_count};
        }
        owners[pool.owner_count - 1].weight += member->weight;
        kept[pool.member_count] = *member;
        before[pool.member_count++] = pool.total;
        pool.total = total;
    }
    vpr_arena_release(arena, mark);
    *ret = pool;
    return true;
}

/* Number of the owner whose interval holds `at` < pool->total. */
static uint32_t owner_at(const struct vpr_pool *pool, uint64_t at)
{
    uint32_t low = 0;
    uint32_t high = pool->owner_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (pool->owners[middle].before <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint32_t member_at(const struct vpr_pool *pool, uint32_t owner, uint64_t at)
{
    uint32_t low = pool->owners[owner].first;
    uint32_t high = owner + 1 < pool->owner_count ? pool->owners[owner + 1].first
                                                  : pool->member_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (pool->before[middle] <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool find_owner(const struct vpr_pool *pool, const struct vpr_address *address,
                       uint32_t *ret)
{
    uint32_t low = 0;
    uint32_t high = pool->owner_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order =
            vpr_address_cmp(&pool->members[pool->owners[middle].first].owner, address);
        if (order == 0) {
            *ret = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static void close_gap(struct gaps *gaps, const struct vpr_pool *pool, uint32_t owner)
{
    uint32_t at = gaps->count;
    while (at > 0 && gaps->owners[at - 1] > owner) {
        at--;
    }
    if (at > 0 && gaps->owners[at - 1] == owner) {
        return; /* excluded twice */
    }
    VPR_ASSERT(gaps->count < GAPS_MAX);
    memmove(&gaps->owners[at + 1], &gaps->owners[at],
            (gaps->count - at) * sizeof gaps->owners[0]);
    gaps->owners[at] = owner;
    gaps->count++;
    gaps->weight += pool->owners[owner].weight;
}

static uint64_t mod_16_bytes(const uint8_t b[16], vpr_u128 m, vpr_u128 *wide)
{
    vpr_u128 value = (vpr_u128)vpr_get_be64(b) << 64 | vpr_get_be64(b + 8);
    value %= m;
    if (wide != NULL) {
        *wide = value;
    }
    return (uint64_t)value;
}

uint32_t vpr_draw(const struct vpr_pool_member **ret, const struct vpr_pool *pool,
                  enum vpr_draw_kind kind, const struct vpr_hash *key, uint32_t n,
                  const struct vpr_address *excluded, size_t excluded_count)
{
    const char *tag = kind == VPR_DRAW_SERVICERS ? "slot" : "fish";
    struct gaps gaps = {.count = 0};
    VPR_ASSERT(n <= VPR_DRAW_SLOTS_MAX && excluded_count <= VPR_DRAW_EXCLUDED_MAX);
    for (size_t i = 0; i < excluded_count; i++) {
        uint32_t owner;
        if (find_owner(pool, &excluded[i], &owner)) {
            close_gap(&gaps, pool, owner);
        }
    }
    uint32_t available = pool->owner_count - gaps.count;
    uint32_t slots = n < available ? n : available;
    for (uint32_t j = 0; j < slots; j++) {
        struct vpr_hasher h;
        vpr_hasher_start(&h, tag);
        vpr_hasher_fixed(&h, key->b, sizeof key->b);
        vpr_hasher_u64(&h, j);
        struct vpr_hash hash = vpr_hasher_end(&h);
        uint64_t at = mod_16_bytes(hash.b, pool->total - gaps.weight, NULL);
        for (uint32_t g = 0; g < gaps.count; g++) {
            const struct vpr_pool_owner *gap = &pool->owners[gaps.owners[g]];
            if (at < gap->before) {
                break;
            }
            at += gap->weight;
        }
        uint32_t owner = owner_at(pool, at);
        ret[j] = &pool->members[member_at(pool, owner, at)];
        close_gap(&gaps, pool, owner);
    }
    return slots;
}

bool vpr_prove_position(size_t *ret_entry, uint64_t *ret_cu, const struct vpr_hash *challenge,
                        const struct vpr_address *servicer, uint64_t i,
                        const struct vpr_claim *claims, size_t count)
{
    vpr_u128 total = 0;
    for (size_t c = 0; c < count; c++) {
        total += claims[c].gross;
        if (claims[c].sum == 0) {
            return false;
        }
    }
    if (total == 0) {
        return false;
    }
    struct vpr_hasher h;
    vpr_hasher_start(&h, "pos");
    vpr_hasher_fixed(&h, challenge->b, sizeof challenge->b);
    vpr_hasher_fixed(&h, servicer->b, sizeof servicer->b);
    vpr_hasher_u64(&h, i);
    struct vpr_hash hash = vpr_hasher_end(&h);
    vpr_u128 at;
    (void)mod_16_bytes(hash.b, total, &at);
    size_t entry = 0;
    while (at >= claims[entry].gross) {
        at -= claims[entry].gross;
        entry++;
        VPR_ASSERT(entry < count);
    }
    *ret_entry = entry;
    *ret_cu = mod_16_bytes(hash.b + 16, claims[entry].sum, NULL);
    return true;
}

uint64_t vpr_card_position(const struct vpr_hash *challenge, const struct vpr_hash *sid,
                           const struct vpr_address *fisherman, uint64_t i, uint64_t sent)
{
    struct vpr_hasher h;
    VPR_ASSERT(sent >= 1);
    vpr_hasher_start(&h, "card-pos");
    vpr_hasher_fixed(&h, challenge->b, sizeof challenge->b);
    vpr_hasher_fixed(&h, sid->b, sizeof sid->b);
    vpr_hasher_fixed(&h, fisherman->b, sizeof fisherman->b);
    vpr_hasher_u64(&h, i);
    struct vpr_hash hash = vpr_hasher_end(&h);
    return mod_16_bytes(hash.b, sent, NULL);
}
