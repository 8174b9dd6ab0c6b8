/* score.h - from a card's line to a servicer's running score and a fisherman's factor
 * (docs/protocol.md, 9.6, 9.9).
 *
 * Scores, weights and factors are parts per million; every division floors. */
#ifndef VPR_RULES_SCORE_H
#define VPR_RULES_SCORE_H

#include "app/rules/card.h"

/* Of the session's parameters and the chain's record. */
struct vpr_score_rule {
    uint64_t latency_target_ms; /* < latency_max_ms */
    uint64_t latency_max_ms;
    uint32_t weight_latency_ppm;
    uint64_t min_samples;
};

/* Settled CU of at least 90 % of the quota: then quota refusals do not count against it. */
bool vpr_full_use(uint64_t settled_cu, uint64_t quota_cu);

/* The score of a line that is ok; false if it does not count (too few samples). */
VPR_MUST_USE bool vpr_line_score(uint32_t *ret_ppm, const struct vpr_card_line *line,
                                 const struct vpr_score_rule *rule, bool full_use);

/* The parts of a line's score, for tables: 0 when nothing stands below the fraction. */
struct vpr_line_parts {
    uint32_t availability_ppm, reliability_ppm, latency_ppm;
};
struct vpr_line_parts vpr_line_parts(const struct vpr_card_line *line,
                                     const struct vpr_score_rule *rule, bool full_use);

/* Counting lines a median needs: max(2, floor(k / 2) + 1) of k drawn fishermen. */
uint32_t vpr_median_quorum(uint32_t drawn_fishermen);

#define VPR_MEDIAN_SCORES_MAX 64 /* fishermen_per_session is far below */
/* Median of the counting lines, an even number: floor of the mean of the middle two.  False
 * without a quorum.  count <= VPR_MEDIAN_SCORES_MAX, any order. */
VPR_MUST_USE bool vpr_median_score(uint32_t *ret_ppm, const uint32_t *scores_ppm,
                                   uint32_t count, uint32_t drawn_fishermen);

/* Sums of one servicer's medians in one (chain, zone) over a session: weight of a sid =
 * budget(r) * share, as a product of uvipr and ppm. */
struct vpr_score_sum {
    vpr_u128 weighted; /* of median * weight */
    vpr_u128 weight;
};

/* False on overflow, then unchanged; median_ppm <= 10^6. */
VPR_MUST_USE bool vpr_score_sum_add(struct vpr_score_sum *sum, uint32_t median_ppm,
                                    vpr_u128 weight);
/* 16 bytes big-endian each, for a record in the state. */
void vpr_score_sum_encode(uint8_t out[32], const struct vpr_score_sum *sum);
void vpr_score_sum_decode(struct vpr_score_sum *ret, const uint8_t in[32]);

/* floor(weighted / weight); weight > 0. */
uint32_t vpr_score_sum_mean(const struct vpr_score_sum *sum);
/* floor((old * (10^6 - alpha) + mean * alpha) / 10^6). */
uint32_t vpr_score_moved(uint32_t old_ppm, uint32_t mean_ppm, uint32_t alpha_ppm);

/* The running score after a session; weights 0: unchanged. */
uint32_t vpr_running_score(uint32_t old_ppm, const struct vpr_score_sum *sum,
                           uint32_t alpha_ppm);

/* |line - median| summed over the servicers of a sid with a median; a line that does not count
 * is added as 0. */
struct vpr_card_distance {
    uint64_t sum;
    uint32_t count;
};
void vpr_card_distance_add(struct vpr_card_distance *distance, uint32_t median_ppm,
                           uint32_t line_ppm);
/* Factor on a fisherman's pay for its card, 0..10^6; without any median 0. */
uint32_t vpr_card_factor(const struct vpr_card_distance *distance, uint32_t card_tolerance_ppm);

/* Sessions in a row in which a drawn fisherman sent no report card; paused at the limit. */
#define VPR_ABSENCES_MAX 24
uint32_t vpr_absences(uint32_t before, bool sent);

/* Sessions in a row, of those that count, with a running score below score_min: a servicer is
 * benched at the limit. */
#define VPR_BENCH_COUNT 3
uint32_t vpr_bench_count(uint32_t before, uint32_t running_ppm, uint32_t score_min_ppm);

#endif
