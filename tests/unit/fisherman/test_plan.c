#include "fisherman/plan.h"

#include "tests/unit/fisherman/help.h"

#define EACH 48
#define START_MS 1000
#define END_MS 10000

START_TEST(every_servicer_gets_as_many_in_order_of_time)
{
    struct vpr_plan plan;
    uint32_t seen[SEATS] = {0};
    uint64_t last = 0;

    vpr_plan_make(&plan, SEATS, EACH, START_MS, END_MS);
    ck_assert_uint_eq(plan.count, SEATS * EACH);
    ck_assert_ptr_null(vpr_plan_take(&plan, START_MS - 1));
    for (const struct vpr_plan_slot *s = vpr_plan_take(&plan, END_MS); s != NULL;
         s = vpr_plan_take(&plan, END_MS)) {
        ck_assert_uint_ge(s->due_ms, last);
        ck_assert_uint_ge(s->due_ms, START_MS);
        ck_assert_uint_lt(s->due_ms, END_MS);
        ck_assert_uint_lt(s->group, plan.groups);
        last = s->due_ms;
        seen[s->seat]++;
    }
    for (uint32_t i = 0; i < SEATS; i++) {
        ck_assert_uint_eq(seen[i], EACH);
    }
    vpr_plan_finish(&plan);
}
END_TEST

START_TEST(a_group_asks_each_servicer_once)
{
    struct vpr_plan plan;
    uint32_t asked[EACH][SEATS] = {{0}};

    vpr_plan_make(&plan, SEATS, EACH, START_MS, END_MS);
    ck_assert_uint_eq(plan.groups, EACH);
    for (size_t i = 0; i < plan.count; i++) {
        asked[plan.slots[i].group][plan.slots[i].seat]++;
    }
    for (uint32_t g = 0; g < EACH; g++) {
        for (uint32_t seat = 0; seat < SEATS; seat++) {
            ck_assert_uint_eq(asked[g][seat], 1);
        }
    }
    vpr_plan_finish(&plan);
}
END_TEST

/* Between the first and the last of the group, and who is the first. */
static uint64_t spread_of(const struct vpr_plan *plan, uint32_t group, uint32_t *ret_first)
{
    uint64_t first = UINT64_MAX, last = 0;

    for (size_t i = 0; i < plan->count; i++) {
        if (plan->slots[i].group == group && plan->slots[i].due_ms < first) {
            first = plan->slots[i].due_ms;
            *ret_first = plan->slots[i].seat;
        }
        if (plan->slots[i].group == group && plan->slots[i].due_ms > last) {
            last = plan->slots[i].due_ms;
        }
    }
    return last - first;
}

/* Every single comparison, however few samples and servicers there are: so half a minute where
 * the session is longer than 90 s, also after a second of waiting. */
START_TEST(comparisons_are_spread_over_a_third_of_the_session)
{
    static const uint32_t eaches[] = {1, 2, 3, 4, 5, EACH};
    static const uint64_t lengths_ms[] = {10000, 90000, 3600000};

    for (size_t n = 0; n < VPR_COUNT(eaches) * VPR_COUNT(lengths_ms) * 20; n++) {
        const uint64_t length = lengths_ms[n % VPR_COUNT(lengths_ms)];
        for (uint32_t seats = 2; seats <= SEATS; seats++) {
            struct vpr_plan plan;
            uint32_t first;
            vpr_plan_make(&plan, seats, eaches[n % VPR_COUNT(eaches)], START_MS,
                          START_MS + length);
            for (uint32_t g = 0; g < plan.groups; g++) {
                ck_assert_uint_ge(spread_of(&plan, g, &first), length / 3);
                ck_assert(length < 90000 || spread_of(&plan, g, &first) >= 31000);
            }
            vpr_plan_finish(&plan);
        }
    }
}
END_TEST

START_TEST(who_is_asked_first_changes_from_group_to_group)
{
    struct vpr_plan plan;
    uint32_t firsts[SEATS] = {0};

    vpr_plan_make(&plan, SEATS, VPR_PLAN_EACH_MAX, START_MS, END_MS);
    for (uint32_t g = 0; g < plan.groups; g++) {
        uint32_t first = SEATS;
        spread_of(&plan, g, &first);
        firsts[first]++;
    }
    for (uint32_t seat = 0; seat < SEATS; seat++) {
        /* A binomial: twice its mean is eight sigma away. */
        ck_assert_uint_lt(firsts[seat], 2 * VPR_PLAN_EACH_MAX / SEATS);
    }
    vpr_plan_finish(&plan);
}
END_TEST

/* Every tenth of the session has its share of one servicer's samples. */
START_TEST(times_are_even_over_the_session)
{
    uint32_t tenths[10] = {0};

    for (int round = 0; round < 100; round++) {
        struct vpr_plan plan;
        vpr_plan_make(&plan, 3, EACH, START_MS, END_MS);
        for (size_t i = 0; i < plan.count; i++) {
            if (plan.slots[i].seat != 1) {
                continue;
            }
            tenths[(plan.slots[i].due_ms - START_MS) * 10 / (END_MS - START_MS)]++;
        }
        vpr_plan_finish(&plan);
    }
    for (size_t i = 0; i < 10; i++) {
        ck_assert_uint_gt(tenths[i], EACH * 10 * 7 / 10); /* six sigma are a third */
        ck_assert_uint_lt(tenths[i], EACH * 10 * 13 / 10);
    }
}
END_TEST

START_TEST(a_slot_comes_again_when_it_was_put_off)
{
    struct vpr_plan plan;
    size_t taken = 0;

    vpr_plan_make(&plan, 2, 4, START_MS, END_MS);
    const struct vpr_plan_slot first = *vpr_plan_take(&plan, END_MS);
    vpr_plan_again(&plan, &first, END_MS + 5);
    uint64_t last = 0, due = 0;
    ck_assert(vpr_plan_next(&plan, &due));
    for (const struct vpr_plan_slot *s = vpr_plan_take(&plan, UINT64_MAX); s != NULL;
         s = vpr_plan_take(&plan, UINT64_MAX)) {
        ck_assert_uint_ge(s->due_ms, last);
        last = s->due_ms;
        taken++;
        if (s->due_ms == END_MS + 5) {
            ck_assert_uint_eq(s->seat, first.seat);
            ck_assert_uint_eq(s->group, first.group);
            ck_assert_uint_eq(s->tries, 1);
        }
    }
    ck_assert_uint_eq(taken, 8);
    ck_assert_uint_eq(last, END_MS + 5);
    ck_assert(!vpr_plan_next(&plan, &due));
    vpr_plan_finish(&plan);
}
END_TEST

START_TEST(small_plans_are_plans)
{
    for (uint32_t each = 1; each < 6; each++) {
        for (uint32_t seats = 1; seats < 4; seats++) {
            struct vpr_plan plan;
            vpr_plan_make(&plan, seats, each, 5, 6);
            for (size_t i = 0; i < plan.count; i++) {
                ck_assert_uint_eq(plan.slots[i].due_ms, 5);
                ck_assert_uint_lt(plan.slots[i].group, plan.groups);
            }
            vpr_plan_finish(&plan);
        }
    }
}
END_TEST

Suite *suite_plan(void)
{
    Suite *suite = suite_create("plan");
    TCase *tests = tcase_create("plan");

    tcase_add_test(tests, every_servicer_gets_as_many_in_order_of_time);
    tcase_add_test(tests, a_group_asks_each_servicer_once);
    tcase_add_test(tests, comparisons_are_spread_over_a_third_of_the_session);
    tcase_add_test(tests, who_is_asked_first_changes_from_group_to_group);
    tcase_add_test(tests, times_are_even_over_the_session);
    tcase_add_test(tests, a_slot_comes_again_when_it_was_put_off);
    tcase_add_test(tests, small_plans_are_plans);
    suite_add_tcase(suite, tests);
    return suite;
}
