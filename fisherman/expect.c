#include "fisherman/expect.h"

static uint64_t settled_of(const struct vpr_expect *e, const struct vpr_address *servicer)
{
    for (size_t i = 0; i < e->entry_count; i++) {
        if (vpr_address_equal(&e->entries[i].servicer, servicer)) {
            return e->entries[i].settled_cu;
        }
    }
    return 0;
}

static uint32_t factor_of(const struct vpr_expect *e)
{
    struct vpr_card_distance distance = {0};

    for (uint32_t seat = 0; seat < e->seat_count; seat++) {
        const bool full = vpr_full_use(settled_of(e, &e->seats[seat]), e->quota_cu);
        uint32_t scores[VPR_EXPECT_FISHERMEN_MAX];
        uint32_t counting = 0, own = 0, median;
        for (size_t c = 0; c < e->card_count; c++) {
            uint32_t score;
            if (vpr_line_score(&score, &e->cards[c][seat], &e->rule, full)) {
                scores[counting++] = score;
                own = c == e->mine ? score : own;
            }
        }
        if (vpr_median_score(&median, scores, counting, e->drawn_fishermen)) {
            vpr_card_distance_add(&distance, median, own);
        }
    }
    return vpr_card_factor(&distance, (uint32_t)e->tolerance_ppm);
}

static uint64_t part_ppm(uint64_t amount, uint64_t ppm)
{
    return (uint64_t)((vpr_u128)amount * ppm / VPR_PPM);
}

struct vpr_expected vpr_expect_of(const struct vpr_expect *e)
{
    struct vpr_expected ret = {0};

    if (e->mine >= e->card_count || e->drawn_fishermen < 2 || e->allowance_cu == 0) {
        return ret;
    }
    ret.factor_ppm = factor_of(e);
    for (size_t i = 0; i < e->entry_count; i++) {
        uint64_t gross = (uint64_t)((vpr_u128)e->entries[i].settled_cu * e->budget_uvipr /
                                    e->allowance_cu);
        gross = part_ppm(part_ppm(gross, e->chain_ppm), e->zone_ppm);
        ret.reward_uvipr +=
            part_ppm(part_ppm(gross, e->fishermen_ppm) / e->drawn_fishermen, ret.factor_ppm);
    }
    return ret;
}
