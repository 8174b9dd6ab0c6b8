/* The groups of protocol.json in which numbers come out: draws, positions, scores, pay. */
#include "tests/golden/vectors.h"

#include <stdlib.h>

#include "app/rules/card.h"
#include "app/rules/draw.h"
#include "app/rules/price.h"
#include "app/rules/score.h"
#include "app/rules/split.h"

static json_t *rows(const char *group, const char *part)
{
    return vec_get(vec_group(group, part), "rows");
}

/* Number in the column of that name. */
static json_t *cell(json_t *table, json_t *row, const char *column)
{
    size_t i;
    json_t *name;
    VEC_EACH(vec_get(table, "columns"), i, name) {
        if (strcmp(json_string_value(name), column) == 0) {
            return vec_at(row, i);
        }
    }
    ck_abort_msg("no column %s", column);
    return NULL;
}

static uint64_t num(json_t *table, json_t *row, const char *column)
{
    return vec_u64(cell(table, row, column));
}

/* --- draws --------------------------------------------------------------------------- */

START_TEST(weights_of_servicers)
{
    size_t i;
    json_t *row;
    VEC_EACH(rows("weight", NULL), i, row) {
        const char *id = vec_row(row);
        uint64_t weight;
        ck_assert(vpr_servicer_weight(&weight, vec_u64(vec_at(row, 1)), vec_u64(vec_at(row, 2)),
                                      vec_u32(vec_at(row, 4)), vec_u32(vec_at(row, 3))));
        VEC_EQUAL(id, vec_u64(vec_at(row, 5)), weight);
    }
}
END_TEST

static struct vpr_address label(const char *text)
{
    struct vpr_hash hash = vpr_sha256(text, strlen(text));
    struct vpr_address address;
    memcpy(address.b, hash.b, sizeof address.b);
    return address;
}

static struct vpr_pool pool_of(json_t *item)
{
    json_t *list = json_object_get(item, "members");
    size_t count = list != NULL ? json_array_size(list) : vec_u64(vec_get(item, "gen"));
    struct vpr_pool_member *members =
        VPR_ARENA_ARRAY(&vec_arena, struct vpr_pool_member, count);
    for (size_t i = 0; i < count; i++) {
        if (list != NULL) {
            json_t *member = vec_at(list, i);
            members[i] = (struct vpr_pool_member){vec_address(vec_at(member, 0)),
                                                  vec_address(vec_at(member, 1)),
                                                  vec_u64(vec_at(member, 2))};
        } else {
            members[i] = (struct vpr_pool_member){
                label(vpr_arena_text(&vec_arena, "o%zu", i)),
                label(vpr_arena_text(&vec_arena, "s%zu", i)),
                UINT64_C(15000) * (100000 + i * 7919 % 900001)};
        }
    }
    struct vpr_pool pool;
    ck_assert(vpr_pool_build(&pool, &vec_arena, members, count));
    return pool;
}

static void check_draws(const char *group, enum vpr_draw_kind kind)
{
    size_t i, j, k;
    json_t *item, *draw, *name;
    VEC_EACH(vec_group(group, NULL), i, item) {
        const char *id = vec_case(item);
        struct vpr_pool pool = pool_of(item);
        struct vpr_address excluded[VPR_DRAW_EXCLUDED_MAX];
        json_t *names = vec_get(item, "excluded");
        VEC_EACH(names, k, name) {
            ck_assert_uint_lt(k, VPR_COUNT(excluded));
            excluded[k] = vec_address(name);
        }
        VEC_EACH(vec_get(item, "draws"), j, draw) {
            const struct vpr_pool_member *drawn[VPR_DRAW_SLOTS_MAX];
            struct vpr_hash key = vec_hash(vec_get(draw, "key"));
            json_t *want = vec_get(draw, "drawn");
            uint32_t count = vpr_draw(drawn, &pool, kind, &key, vec_u32(vec_get(item, "n")),
                                      excluded, json_array_size(names));
            VEC_EQUAL(id, json_array_size(want), count);
            VEC_EACH(want, k, name) {
                struct vpr_address address = vec_address(name);
                ck_assert_msg(vpr_address_equal(&address, &drawn[k]->id), "%s: slot %zu", id,
                              k);
            }
        }
    }
}

START_TEST(servicers_are_drawn_as_in_the_vectors)
{
    check_draws("servicer_draw", VPR_DRAW_SERVICERS);
}
END_TEST

START_TEST(fishermen_are_drawn_as_in_the_vectors)
{
    check_draws("fishermen_draw", VPR_DRAW_FISHERMEN);
}
END_TEST

START_TEST(positions_of_proofs)
{
    size_t i, j;
    json_t *item, *position;
    VEC_EACH(vec_group("prove_position", NULL), i, item) {
        const char *id = vec_case(item);
        json_t *gross = vec_get(item, "gross");
        size_t count = json_array_size(gross);
        struct vpr_claim *claims = VPR_ARENA_ARRAY(&vec_arena, struct vpr_claim, count);
        struct vpr_hash challenge = vec_hash(vec_get(item, "challenge"));
        struct vpr_address servicer = vec_address(vec_get(item, "servicer"));
        for (j = 0; j < count; j++) {
            claims[j] = (struct vpr_claim){vec_u64(vec_at(gross, j)),
                                           vec_u64(vec_at(vec_get(item, "sum"), j))};
        }
        VEC_EACH(vec_get(item, "positions"), j, position) {
            size_t entry;
            uint64_t cu;
            ck_assert(vpr_prove_position(&entry, &cu, &challenge, &servicer, j, claims, count));
            VEC_EQUAL(id, vec_u64(vec_at(position, 0)), entry);
            VEC_EQUAL(id, vec_u64(vec_at(position, 1)), cu);
        }
    }
}
END_TEST

START_TEST(positions_of_opened_samples)
{
    size_t i;
    json_t *row;
    VEC_EACH(rows("card", "positions"), i, row) {
        const char *id = vec_row(row);
        struct vpr_hash challenge = vec_hash(vec_at(row, 1));
        struct vpr_hash sid = vec_hash(vec_at(row, 2));
        struct vpr_address fisherman = vec_address(vec_at(row, 3));
        VEC_EQUAL(id, vec_u64(vec_at(row, 6)),
                  vpr_card_position(&challenge, &sid, &fisherman, vec_u64(vec_at(row, 4)),
                                    vec_u64(vec_at(row, 5))));
    }
}
END_TEST

/* --- scores -------------------------------------------------------------------------- */

static struct vpr_card_line line_of(json_t *table, json_t *row)
{
    return (struct vpr_card_line){.sent = num(table, row, "sent"),
                                  .refused = num(table, row, "refused"),
                                  .answered = num(table, row, "answered"),
                                  .checked = num(table, row, "checked"),
                                  .correct = num(table, row, "correct"),
                                  .p90_ms = num(table, row, "p90")};
}

START_TEST(lines_that_contradict_themselves_are_refused)
{
    size_t i;
    json_t *row;
    json_t *table = vec_group("card", "lines");
    VEC_EACH(vec_get(table, "rows"), i, row) {
        const char *id = vec_row(row);
        struct vpr_card_line line = line_of(table, row);
        VEC_EQUAL(id, vec_bool(cell(table, row, "accepted")), vpr_card_line_ok(&line));
    }
}
END_TEST

START_TEST(scores_of_lines)
{
    size_t i;
    json_t *row;
    json_t *table = vec_group("score", "line");
    VEC_EACH(vec_get(table, "rows"), i, row) {
        const char *id = vec_row(row);
        struct vpr_card_line line = line_of(table, row);
        struct vpr_score_rule rule = {num(table, row, "target_ms"), num(table, row, "max_ms"),
                                      vec_u32(cell(table, row, "weight_latency")),
                                      num(table, row, "min_samples")};
        bool full = vpr_full_use(num(table, row, "settled_cu"), num(table, row, "quota"));
        uint32_t score;
        bool counts = vpr_line_score(&score, &line, &rule, full);
        VEC_EQUAL(id, vec_bool(cell(table, row, "full")), full);
        VEC_EQUAL(id, vec_bool(cell(table, row, "counts")), counts);
        if (counts) {
            VEC_EQUAL(id, num(table, row, "score"), score);
        } else {
            ck_assert(json_is_null(cell(table, row, "score")));
        }
    }
}
END_TEST

START_TEST(medians_of_a_session)
{
    size_t i, j;
    json_t *row, *score;
    VEC_EACH(rows("score", "session"), i, row) {
        const char *id = vec_row(row);
        uint32_t scores[VPR_MEDIAN_SCORES_MAX];
        uint32_t drawn = vec_u32(vec_at(row, 2));
        uint32_t median;
        VEC_EACH(vec_at(row, 1), j, score) {
            ck_assert_uint_lt(j, VPR_COUNT(scores));
            scores[j] = vec_u32(score);
        }
        VEC_EQUAL(id, vec_u64(vec_at(row, 3)), vpr_median_quorum(drawn));
        bool has = vpr_median_score(&median, scores,
                                    (uint32_t)json_array_size(vec_at(row, 1)), drawn);
        VEC_EQUAL(id, !json_is_null(vec_at(row, 4)), has);
        if (has) {
            VEC_EQUAL(id, vec_u64(vec_at(row, 4)), median);
        }
    }
}
END_TEST

START_TEST(running_scores_move)
{
    size_t i, j;
    json_t *row, *pair;
    VEC_EACH(rows("score", "running"), i, row) {
        const char *id = vec_row(row);
        struct vpr_score_sum sum = {0, 0};
        struct vpr_score_sum back;
        uint8_t bytes[32];
        VEC_EACH(vec_at(row, 2), j, pair) {
            ck_assert(vpr_score_sum_add(&sum, vec_u32(vec_at(pair, 0)),
                                        vec_u128(vec_at(pair, 1))));
        }
        vpr_score_sum_encode(bytes, &sum);
        vpr_score_sum_decode(&back, bytes);
        VEC_EQUAL(id, vec_u64(vec_at(row, 4)),
                  vpr_running_score(vec_u32(vec_at(row, 1)), &back, vec_u32(vec_at(row, 3))));
    }
}
END_TEST

START_TEST(factors_of_cards)
{
    size_t i, j;
    json_t *row, *pair;
    VEC_EACH(rows("score", "card_factor"), i, row) {
        const char *id = vec_row(row);
        struct vpr_card_distance distance = {0, 0};
        VEC_EACH(vec_at(row, 1), j, pair) {
            vpr_card_distance_add(&distance, vec_u32(vec_at(pair, 0)),
                                  vec_u32(vec_at(pair, 1)));
        }
        VEC_EQUAL(id, vec_u64(vec_at(row, 3)),
                  vpr_card_factor(&distance, vec_u32(vec_at(row, 2))));
    }
}
END_TEST

/* --- pay ----------------------------------------------------------------------------- */

START_TEST(gross_is_split)
{
    size_t i, j;
    json_t *row, *factor;
    json_t *table = vec_group("pay", "split");
    VEC_EACH(vec_get(table, "rows"), i, row) {
        const char *id = vec_row(row);
        json_t *ppm = cell(table, row, "ppm_servicer_fishermen_validator_chain_dao");
        struct vpr_split_rule rule = {vec_u32(vec_at(ppm, 0)), vec_u32(vec_at(ppm, 1)),
                                      vec_u32(vec_at(ppm, 2)), vec_u32(vec_at(ppm, 3)),
                                      vec_u32(vec_at(ppm, 4))};
        uint64_t gross = num(table, row, "gross");
        struct vpr_split split;
        vpr_split(&split, &rule, gross, vec_u32(cell(table, row, "score")),
                  vec_u32(cell(table, row, "k")));
        uint64_t paid = split.servicer + split.validator + split.chain + split.dao;
        VEC_EQUAL(id, num(table, row, "servicer"), split.servicer);
        VEC_EQUAL(id, num(table, row, "validator"), split.validator);
        VEC_EQUAL(id, num(table, row, "chain"), split.chain);
        VEC_EQUAL(id, num(table, row, "dao"), split.dao);
        VEC_EACH(cell(table, row, "factors_of_paid_cards"), j, factor) {
            uint64_t pay = vpr_split_fisherman(&split, vec_u32(factor));
            VEC_EQUAL(id, vec_u64(vec_at(cell(table, row, "fishermen"), j)), pay);
            paid += pay;
        }
        VEC_EQUAL(id, num(table, row, "not_minted"), gross - paid);
    }
}
END_TEST

START_TEST(rewards_go_to_owner_and_delegators)
{
    size_t i;
    json_t *row;
    VEC_EACH(rows("pay", "reward"), i, row) {
        const char *id = vec_row(row);
        struct vpr_reward reward =
            vpr_reward(vec_u64(vec_at(row, 1)), vec_u64(vec_at(row, 2)),
                       vec_u64(vec_at(row, 3)), vec_u32(vec_at(row, 4)));
        VEC_EQUAL(id, vec_u64(vec_at(row, 5)), reward.owner);
        VEC_EQUAL(id, vec_u64(vec_at(row, 6)), reward.delegators);
    }
}
END_TEST

START_TEST(settled_work_has_a_gross)
{
    size_t i;
    json_t *row;
    VEC_EACH(rows("pay", "gross"), i, row) {
        const char *id = vec_row(row);
        uint64_t gross;
        ck_assert(vpr_gross(&gross, vec_u64(vec_at(row, 1)), vec_u64(vec_at(row, 2)),
                            vec_u64(vec_at(row, 3)), vec_u32(vec_at(row, 4)),
                            vec_u32(vec_at(row, 5))));
        VEC_EQUAL(id, vec_u64(vec_at(row, 6)), gross);
    }
}
END_TEST

START_TEST(stakes_give_throughput)
{
    size_t i;
    json_t *row;
    json_t *table = vec_group("throughput", NULL);
    VEC_EACH(vec_get(table, "rows"), i, row) {
        const char *id = vec_row(row);
        uint64_t blocks = num(table, row, "session_blocks");
        uint64_t usd, budget, allowance;
        ck_assert(vpr_usd_value(&usd, num(table, row, "stake"), num(table, row, "price")));
        VEC_EQUAL(id, num(table, row, "usd"), usd);
        ck_assert(vpr_yield(&budget, num(table, row, "stake"),
                            num(table, row, "requestor_yield"), blocks));
        VEC_EQUAL(id, num(table, row, "budget"), budget);
        ck_assert(vpr_allowance(&allowance, usd, num(table, row, "cu_per_usd"), blocks, budget,
                                num(table, row, "cu_price_min")));
        VEC_EQUAL(id, num(table, row, "allowance"), allowance);
        VEC_EQUAL(id, num(table, row, "quota"),
                  vpr_quota(allowance, vec_u32(cell(table, row, "share")),
                            vec_u32(cell(table, row, "n"))));
    }
}
END_TEST

/* --- price --------------------------------------------------------------------------- */

START_TEST(votes_give_the_next_price)
{
    size_t i, j;
    json_t *row, *vote;
    VEC_EACH(rows("price", "median"), i, row) {
        const char *id = vec_row(row);
        size_t count = json_array_size(vec_at(row, 1));
        struct vpr_price_vote *votes =
            VPR_ARENA_ARRAY(&vec_arena, struct vpr_price_vote, count);
        uint64_t median;
        uint64_t old = vec_u64(vec_at(row, 4));
        VEC_EACH(vec_at(row, 1), j, vote) {
            votes[j] =
                (struct vpr_price_vote){vec_u64(vec_at(vote, 0)), vec_u64(vec_at(vote, 1))};
        }
        bool has =
            vpr_price_median(&median, &vec_arena, votes, count, vec_u64(vec_at(row, 2)));
        VEC_EQUAL(id, !json_is_null(vec_at(row, 3)), has);
        if (has) {
            VEC_EQUAL(id, vec_u64(vec_at(row, 3)), median);
        }
        VEC_EQUAL(id, vec_u64(vec_at(row, 5)), has ? vpr_price_clamp(old, median) : old);
    }
}
END_TEST

START_TEST(prices_move_by_a_tenth_at_most)
{
    size_t i;
    json_t *row;
    VEC_EACH(rows("price", "clamp"), i, row) {
        const char *id = vec_row(row);
        VEC_EQUAL(id, vec_u64(vec_at(row, 3)),
                  vpr_price_clamp(vec_u64(vec_at(row, 1)), vec_u64(vec_at(row, 2))));
    }
}
END_TEST

START_TEST(a_stake_is_valued_at_the_lowest_price)
{
    size_t i, j;
    json_t *row, *price;
    VEC_EACH(rows("price", "stake_price"), i, row) {
        const char *id = vec_row(row);
        uint64_t prices[64];
        uint64_t newest = 0;
        json_t *median = vec_at(row, 3);
        VEC_EACH(vec_at(row, 1), j, price) {
            ck_assert_uint_lt(j, VPR_COUNT(prices));
            prices[j] = vec_u64(price);
        }
        if (!json_is_null(median)) {
            newest = vec_u64(median);
        }
        VEC_EQUAL(id, vec_u64(vec_at(row, 4)),
                  vpr_price_of_stake(prices, json_array_size(vec_at(row, 1)),
                                     vec_u64(vec_at(row, 2)),
                                     json_is_null(median) ? NULL : &newest));
    }
}
END_TEST

TCase *vec_numbers(void)
{
    TCase *numbers = tcase_create("numbers");
    tcase_add_test(numbers, weights_of_servicers);
    tcase_add_test(numbers, servicers_are_drawn_as_in_the_vectors);
    tcase_add_test(numbers, fishermen_are_drawn_as_in_the_vectors);
    tcase_add_test(numbers, positions_of_proofs);
    tcase_add_test(numbers, positions_of_opened_samples);
    tcase_add_test(numbers, lines_that_contradict_themselves_are_refused);
    tcase_add_test(numbers, scores_of_lines);
    tcase_add_test(numbers, medians_of_a_session);
    tcase_add_test(numbers, running_scores_move);
    tcase_add_test(numbers, factors_of_cards);
    tcase_add_test(numbers, gross_is_split);
    tcase_add_test(numbers, rewards_go_to_owner_and_delegators);
    tcase_add_test(numbers, settled_work_has_a_gross);
    tcase_add_test(numbers, stakes_give_throughput);
    tcase_add_test(numbers, votes_give_the_next_price);
    tcase_add_test(numbers, prices_move_by_a_tenth_at_most);
    tcase_add_test(numbers, a_stake_is_valued_at_the_lowest_price);
    return numbers;
}
