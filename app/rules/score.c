#include "app/rules/score.h"

#include "app/base/bytes.h"
#include "app/base/coin.h"

bool vpr_full_use(uint64_t settled_cu, uint64_t quota_cu)
{
    return (vpr_u128)settled_cu * 10 >= (vpr_u128)quota_cu * 9;
}

/* What the answers are measured against. */
static uint64_t denominator(const struct vpr_card_line *line, bool full_use)
{
    return full_use ? line->sent - line->refused : line->sent;
}

struct vpr_line_parts vpr_line_parts(const struct vpr_card_line *line,
                                     const struct vpr_score_rule *rule, bool full_use)
{
    struct vpr_line_parts parts = {0, 0, 0};
    VPR_ASSERT(vpr_card_line_ok(line));
    VPR_ASSERT(rule->latency_target_ms < rule->latency_max_ms);
    if (line->answered == 0) {
        return parts;
    }
    /* answered <= denominator and correct <= checked: each at most 10^6. */
    parts.availability_ppm = (uint32_t)vpr_mul_div_floor(VPR_PPM, line->answered,
                                                         denominator(line, full_use));
    parts.reliability_ppm =
        line->checked == 0 ? (uint32_t)VPR_PPM
                           : (uint32_t)vpr_mul_div_floor(VPR_PPM, line->correct, line->checked);
    if (line->p90_ms <= rule->latency_target_ms) {
        parts.latency_ppm = (uint32_t)VPR_PPM;
    } else if (line->p90_ms < rule->latency_max_ms) {
        parts.latency_ppm =
            (uint32_t)vpr_mul_div_floor(VPR_PPM, rule->latency_max_ms - line->p90_ms,
                                        rule->latency_max_ms - rule->latency_target_ms);
    }
    return parts;
}

bool vpr_line_score(uint32_t *ret_ppm, const struct vpr_card_line *line,
                    const struct vpr_score_rule *rule, bool full_use)
{
    uint64_t weight = rule->weight_latency_ppm;
    VPR_ASSERT(weight <= VPR_PPM);
    VPR_ASSERT(vpr_card_line_ok(line));
    uint64_t below = denominator(line, full_use);
    if (below == 0 || below < rule->min_samples) {
        return false;
    }
    struct vpr_line_parts parts = vpr_line_parts(line, rule, full_use);
    uint64_t work = (uint64_t)parts.availability_ppm * parts.reliability_ppm / VPR_PPM;
    uint64_t speed = VPR_PPM - weight + weight * parts.latency_ppm / VPR_PPM;
    *ret_ppm = (uint32_t)(work * speed / VPR_PPM);
    return true;
}

uint32_t vpr_median_quorum(uint32_t drawn_fishermen)
{
    uint32_t most = drawn_fishermen / 2 + 1;
    return most > 2 ? most : 2;
}

bool vpr_median_score(uint32_t *ret_ppm, const uint32_t *scores_ppm, uint32_t count,
                      uint32_t drawn_fishermen)
{
    uint32_t sorted[VPR_MEDIAN_SCORES_MAX];
    VPR_ASSERT(count <= VPR_MEDIAN_SCORES_MAX);
    if (count < vpr_median_quorum(drawn_fishermen)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) { /* equal scores are fine: not vpr_sort */
        uint32_t at = i;
        while (at > 0 && sorted[at - 1] > scores_ppm[i]) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = scores_ppm[i];
    }
    uint64_t low = sorted[(count - 1) / 2];
    uint64_t high = sorted[count / 2];
    *ret_ppm = (uint32_t)((low + high) / 2);
    return true;
}

bool vpr_score_sum_add(struct vpr_score_sum *sum, uint32_t median_ppm, vpr_u128 weight)
{
    struct vpr_score_sum next;
    vpr_u128 weighted;
    VPR_ASSERT(median_ppm <= VPR_PPM);
    if (__builtin_mul_overflow(weight, (vpr_u128)median_ppm, &weighted) ||
        __builtin_add_overflow(sum->weighted, weighted, &next.weighted) ||
        __builtin_add_overflow(sum->weight, weight, &next.weight)) {
        return false;
    }
    *sum = next;
    return true;
}

void vpr_score_sum_encode(uint8_t out[32], const struct vpr_score_sum *sum)
{
    vpr_put_be64(out, (uint64_t)(sum->weighted >> 64));
    vpr_put_be64(out + 8, (uint64_t)sum->weighted);
    vpr_put_be64(out + 16, (uint64_t)(sum->weight >> 64));
    vpr_put_be64(out + 24, (uint64_t)sum->weight);
}

void vpr_score_sum_decode(struct vpr_score_sum *ret, const uint8_t in[32])
{
    ret->weighted = (vpr_u128)vpr_get_be64(in) << 64 | vpr_get_be64(in + 8);
    ret->weight = (vpr_u128)vpr_get_be64(in + 16) << 64 | vpr_get_be64(in + 24);
}

uint32_t vpr_score_sum_mean(const struct vpr_score_sum *sum)
{
    VPR_ASSERT(sum->weight > 0);
    vpr_u128 mean = sum->weighted / sum->weight;
    VPR_ASSERT(mean <= VPR_PPM);
    return (uint32_t)mean;
}

uint32_t vpr_score_moved(uint32_t old_ppm, uint32_t mean_ppm, uint32_t alpha_ppm)
{
    VPR_ASSERT(old_ppm <= VPR_PPM && mean_ppm <= VPR_PPM && alpha_ppm <= VPR_PPM);
    uint64_t moved =
        (uint64_t)old_ppm * (VPR_PPM - alpha_ppm) + (uint64_t)mean_ppm * alpha_ppm;
    return (uint32_t)(moved / VPR_PPM);
}

uint32_t vpr_running_score(uint32_t old_ppm, const struct vpr_score_sum *sum,
                           uint32_t alpha_ppm)
{
    VPR_ASSERT(old_ppm <= VPR_PPM && alpha_ppm <= VPR_PPM);
    if (sum->weight == 0) {
        return old_ppm;
    }
    return vpr_score_moved(old_ppm, vpr_score_sum_mean(sum), alpha_ppm);
}

void vpr_card_distance_add(struct vpr_card_distance *distance, uint32_t median_ppm,
                           uint32_t line_ppm)
{
    distance->sum += median_ppm > line_ppm ? median_ppm - line_ppm : line_ppm - median_ppm;
    distance->count++;
}

uint32_t vpr_card_factor(const struct vpr_card_distance *distance, uint32_t card_tolerance_ppm)
{
    if (distance->count == 0) {
        return 0;
    }
    uint64_t mean = distance->sum / distance->count;
    uint64_t free_ppm = card_tolerance_ppm / 5;
    uint64_t over = mean > free_ppm ? mean - free_ppm : 0;
    if (over == 0) {
        return (uint32_t)VPR_PPM;
    }
    if (over >= card_tolerance_ppm - free_ppm) {
        return 0;
    }
    return (uint32_t)(VPR_PPM - over * VPR_PPM / (card_tolerance_ppm - free_ppm));
}

uint32_t vpr_absences(uint32_t before, bool sent)
{
    if (sent) {
        return 0;
    }
    return before < VPR_ABSENCES_MAX ? before + 1 : VPR_ABSENCES_MAX;
}

uint32_t vpr_bench_count(uint32_t before, uint32_t running_ppm, uint32_t score_min_ppm)
{
    if (running_ppm >= score_min_ppm) {
        return 0;
    }
    return before < VPR_BENCH_COUNT ? before + 1 : VPR_BENCH_COUNT;
}
