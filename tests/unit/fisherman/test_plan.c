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

START_TEST(a_group_asks_each_servicer_at_most_once)
{
    struct vpr_plan plan;
    uint32_t members[EACH * 2] = {0};
    uint32_t whole = 0;

    vpr_plan_make(&plan, SEATS, EACH, START_MS, END_MS);
    ck_assert_uint_le(plan.groups, VPR_COUNT(members));
    for (size_t i = 0; i < plan.count; i++) {
        for (size_t j = 0; j < i; j++) {
            ck_assert(plan.slots[i].group != plan.slots[j].group ||
                      plan.slots[i].seat != plan.slots[j].seat);
        }
        members[plan.slots[i].group]++;
    }
    for (uint32_t g = 0; g < plan.groups; g++) {
        ck_assert_uint_eq(members[g], vpr_plan_members(&plan, g));
        whole += members[g] == SEATS ? 1 : 0;
    }
    ck_assert_uint_eq(whole, EACH - EACH / 3); /* most requests are put to everybody */
    vpr_plan_finish(&plan);
}
END_TEST

/* On average a third of the session lies between the first and the last of a whole group. */
START_TEST(comparisons_are_spread_over_a_third_of_the_session)
{
    const uint64_t third = (END_MS - START_MS) / 3;
    uint64_t sum = 0, groups = 0;

    for (int round = 0; round < 20; round++) {
        struct vpr_plan plan;
        vpr_plan_make(&plan, SEATS, EACH, START_MS, END_MS);
        for (uint32_t g = 0; g < plan.groups; g++) {
            uint64_t first = UINT64_MAX, last = 0;
            for (size_t i = 0; i < plan.count; i++) {
                if (plan.slots[i].group == g && vpr_plan_members(&plan, g) == SEATS) {
                    first = plan.slots[i].due_ms < first ? plan.slots[i].due_ms : first;
                    last = plan.slots[i].due_ms > last ? plan.slots[i].due_ms : last;
                }
            }
            sum += last > first ? last - first : 0;
            groups += last > first ? 1 : 0;
        }
        vpr_plan_finish(&plan);
    }
    ck_assert_uint_gt(sum / groups, third * 8 / 10);
    ck_assert_uint_lt(sum / groups, third * 14 / 10);
}
END_TEST

/* Every tenth of the session has its share of one servicer's samples. */
START_TEST(times_are_even_over_the_session)
{
    uint32_t tenths[10] = {0};

    for (int round = 0; round < 100; round++) {
        struct vpr_plan plan;
        vpr_plan_make(&plan, 1, EACH, START_MS, END_MS);
        for (size_t i = 0; i < plan.count; i++) {
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
    tcase_add_test(tests, a_group_asks_each_servicer_at_most_once);
    tcase_add_test(tests, comparisons_are_spread_over_a_third_of_the_session);
    tcase_add_test(tests, times_are_even_over_the_session);
    tcase_add_test(tests, a_slot_comes_again_when_it_was_put_off);
    tcase_add_test(tests, small_plans_are_plans);
    suite_add_tcase(suite, tests);
    return suite;
}
