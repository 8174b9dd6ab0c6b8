#include "tests/unit/domain/act.h"

static uint64_t score(struct world *w, const char *name, uint16_t chain, uint64_t session)
{
    struct vpr_address id = world_address(name);
    return vpr_score_get(&w->ctx, &id, chain, 1, session);
}

START_TEST(a_score_begins_at_score_initial_and_is_versioned)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    world_begin(w);
    ck_assert_uint_eq(score(w, "servicer1", 1, 0), 300000);
    vpr_score_put(&w->ctx, &id, 1, 1, 0); /* block 1: session 1 */
    ck_assert_uint_eq(score(w, "servicer1", 1, 0), 300000);
    ck_assert_uint_eq(score(w, "servicer1", 1, 1), 0);
    ck_assert_uint_eq(score(w, "servicer1", 2, 1), 300000);
    ck_assert_uint_eq(vpr_score_newest(&w->ctx, &id, 1, 1), 0);
    ck_assert_uint_eq(vpr_score_newest(&w->ctx, &id, 2, 1), 300000);
    world_until(w, 7);
    world_begin(w);
    vpr_score_put(&w->ctx, &id, 1, 1, 7); /* block 8: session 2 */
    ck_assert_uint_eq(score(w, "servicer1", 1, 1), 0);
    ck_assert_uint_eq(score(w, "servicer1", 1, 2), 7);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(the_invariant_sees_a_score_above_one)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    world_begin(w);
    vpr_score_put(&w->ctx, &id, 1, 1, 1000000);
    ck_assert_ptr_null(world_broken(w));
    struct vpr_key_buf key = vpr_key(VPR_KEY_SCORE); /* by hand: no function puts this */
    vpr_key_address(&key, &id);
    vpr_key_u16(&key, 1);
    vpr_key_u16(&key, 1);
    vpr_key_u64(&key, 2);
    Viper__V1__Score above = VIPER__V1__SCORE__INIT;
    above.ppm = 1000001;
    vpr_record_put(&w->ctx, VPR_STORE_SCORES, vpr_key_bytes(&key), &above.base);
    ck_assert_str_eq(world_broken(w), "scores_are_ratios");
    world_destroy(w);
}
END_TEST

/* mean = floor((900,000 x 1 + 400,000 x 3) / 4) = 525,000;
 * new = floor((300,000 x 900,000 + 525,000 x 100,000) / 10^6) = 322,500. */
START_TEST(a_move_takes_the_weighted_mean_of_the_session)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    vpr_u128 unit = (vpr_u128)1000000000 * 500000;
    bool done;
    world_begin(w);
    vpr_score_add(&w->ctx, 0, &id, 1, 1, 900000, unit, &id);
    vpr_score_add(&w->ctx, 0, &id, 1, 1, 400000, 3 * unit, &id);
    vpr_score_add(&w->ctx, 1, &id, 1, 1, 1000000, unit, &id); /* another session's */
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, 10, &done), 1);
    ck_assert(done);
    ck_assert_uint_eq(score(w, "servicer1", 1, 0), 300000);
    ck_assert_uint_eq(score(w, "servicer1", 1, 1), 322500);
    ck_assert_str_eq(world_event(w, "score", "old_ppm"), "300000");
    ck_assert_str_eq(world_event(w, "score", "mean_ppm"), "525000");
    ck_assert_str_eq(world_event(w, "score", "alpha_ppm"), "100000");
    ck_assert_str_eq(world_event(w, "score", "score_ppm"), "322500");
    ck_assert_str_eq(world_event(w, "score", "chain"), "0001");
    /* The next move starts from the pending one: 322,500 x 0.9 + 100,000. */
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 1, 10, &done), 1);
    ck_assert_uint_eq(score(w, "servicer1", 1, 1), 390250);
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 1, 10, &done), 0);
    ck_assert(done);
    world_destroy(w);
}
END_TEST

START_TEST(without_weight_a_score_stays)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    bool done;
    world_begin(w);
    vpr_score_add(&w->ctx, 0, &id, 1, 1, 900000, 0, &id);
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, 10, &done), 1);
    ck_assert(done);
    ck_assert_uint_eq(score(w, "servicer1", 1, 9), 300000);
    ck_assert_ptr_null(world_event(w, "score", "score_ppm"));
    world_destroy(w);
}
END_TEST

/* In order (servicer, chain, zone), as many as the limit leaves. */
START_TEST(moves_are_bounded_and_in_order)
{
    struct world *w = world_create(NULL, NULL);
    static const char *const names[] = {"servicer1", "servicer2", "servicer3"};
    struct vpr_address least = world_address(names[0]);
    const char *first = names[0];
    bool done;
    world_begin(w);
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        struct vpr_address id = world_address(names[i]);
        vpr_score_add(&w->ctx, 0, &id, 2, 1, 800000, 1, &id);
        vpr_score_add(&w->ctx, 0, &id, 1, 1, 500000, 1, &id);
        if (vpr_address_cmp(&id, &least) < 0) {
            least = id;
            first = names[i];
        }
    }
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, 0, &done), 0);
    ck_assert(!done);
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, 1, &done), 1);
    ck_assert(!done);
    ck_assert_uint_eq(score(w, first, 1, 1), 320000);
    ck_assert_uint_eq(score(w, first, 2, 1), 300000);
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, 1, &done), 1);
    ck_assert_uint_eq(score(w, first, 2, 1), 350000);
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, 4, &done), 4);
    ck_assert(done);
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        ck_assert_uint_eq(score(w, names[i], 1, 1), 320000);
        ck_assert_uint_eq(score(w, names[i], 2, 1), 350000);
    }
    world_destroy(w);
}
END_TEST

START_TEST(moving_passes_each_sum_once)
{
    enum { SUMS = 200 };
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    bool done;
    world_begin(w);
    for (uint16_t chain = 1; chain <= SUMS; chain++) {
        vpr_score_add(&w->ctx, 0, &id, chain, 1, 500000, 1, &id);
    }
    world_end(w);
    world_begin(w);
    (void)world_seeks(w);
    ck_assert_uint_eq(vpr_score_move(&w->ctx, 0, SUMS, &done), SUMS);
    ck_assert(done);
    ck_assert_uint_lt(world_seeks(w), 10 * SUMS);
    world_end(w);
    world_destroy(w);
}
END_TEST

TCase *scores_tests(void)
{
    TCase *t = tcase_create("scores");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_score_begins_at_score_initial_and_is_versioned);
    tcase_add_test(t, a_move_takes_the_weighted_mean_of_the_session);
    tcase_add_test(t, without_weight_a_score_stays);
    tcase_add_test(t, the_invariant_sees_a_score_above_one);
    tcase_add_test(t, moves_are_bounded_and_in_order);
    tcase_add_test(t, moving_passes_each_sum_once);
    return t;
}
