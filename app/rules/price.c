#include "app/rules/price.h"

#include "app/base/sort.h"

struct ranked_vote {
    struct vpr_price_vote vote;
    size_t number; /* equal prices are common; the sort wants none equal */
};

static int compare_votes(const void *a, const void *b)
{
    const struct ranked_vote *x = a;
    const struct ranked_vote *y = b;
    if (x->vote.price != y->vote.price) {
        return x->vote.price < y->vote.price ? -1 : 1;
    }
    return (x->number > y->number) - (x->number < y->number);
}

bool vpr_price_median(uint64_t *ret, struct vpr_arena *scratch,
                      const struct vpr_price_vote *votes, size_t count, uint64_t set_stake)
{
    vpr_u128 voting = 0;
    for (size_t i = 0; i < count; i++) {
        voting += votes[i].stake;
    }
    if (voting == 0 || voting * 3 < (vpr_u128)set_stake * 2) {
        return false;
    }
    size_t mark = vpr_arena_mark(scratch);
    struct ranked_vote *ranked = VPR_ARENA_ARRAY(scratch, struct ranked_vote, count);
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked_vote){votes[i], i};
    }
    vpr_sort(scratch, ranked, count, sizeof *ranked, compare_votes);
    vpr_u128 below = 0;
    size_t at = 0;
    while ((below += ranked[at].vote.stake) * 2 < voting) {
        at++;
        VPR_ASSERT(at < count);
    }
    *ret = ranked[at].vote.price;
    vpr_arena_release(scratch, mark);
    return true;
}

uint64_t vpr_price_clamp(uint64_t old, uint64_t median)
{
    VPR_ASSERT(old >= 1 && old <= UINT64_C(1) << 63);
    /* floor(p * 9 / 10) is always at least 1 below p; the upper bound may not be above. */
    uint64_t low = (uint64_t)((vpr_u128)old * 9 / 10);
    uint64_t high = (uint64_t)((vpr_u128)old * 11 / 10);
    low = low < 1 ? 1 : low;
    high = high < old + 1 ? old + 1 : high;
    if (median < low) {
        return low;
    }
    return median > high ? high : median;
}

uint64_t vpr_price_of_stake(const uint64_t *prices, size_t count, uint64_t pending,
                            const uint64_t *newest_median)
{
    uint64_t lowest = pending;
    VPR_ASSERT(count >= 1);
    size_t first = count > VPR_PRICE_SESSIONS ? count - VPR_PRICE_SESSIONS : 0;
    for (size_t i = first; i < count; i++) {
        lowest = prices[i] < lowest ? prices[i] : lowest;
    }
    if (newest_median != NULL && *newest_median < lowest) {
        lowest = *newest_median;
    }
    return lowest;
}
