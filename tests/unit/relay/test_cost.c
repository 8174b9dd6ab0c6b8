#include "relay/cost.h"
#include "tests/unit/relay/help.h"

static struct vpr_costs table(void)
{
    struct vpr_costs costs = {0};

    vpr_costs_add(&costs, "getblock", 20);
    vpr_costs_add(&costs, "/block", 5);
    vpr_costs_add(&costs, "/block_results", 9);
    vpr_costs_add(&costs, "status", 2);
    vpr_costs_add(&costs, "status", 3);
    vpr_costs_add(&costs, "free", 0);
    return costs;
}

static uint64_t cost(const char *path, const char *body)
{
    struct vpr_costs costs = table();
    uint64_t cu = 0;
    const enum vpr_cost is =
        vpr_cost_of(&cu, &costs, NULL, vpr_bytes_str(path), vpr_bytes_str(body));

    vpr_costs_finish(&costs);
    return is == VPR_COST_OK ? cu : 0;
}

START_TEST(a_method_costs_what_its_row_says_and_1_without_one)
{
    ck_assert_uint_eq(cost("", "{\"id\":1,\"method\":\"getblock\",\"params\":[]}"), 20);
    ck_assert_uint_eq(cost("", "{\"id\":1,\"method\":\"get\\u0062lock\"}"), 20);
    ck_assert_uint_eq(cost("", "{\"id\":1,\"method\":\"status\"}"), 3);
    ck_assert_uint_eq(cost("", "{\"id\":1,\"method\":\"free\"}"), 1);
    ck_assert_uint_eq(cost("", "{\"id\":1}"), 1);
    ck_assert_uint_eq(cost("", ""), 1);
}
END_TEST

/* What the backend would read as another path has no price and no place in an allow-list. */
START_TEST(a_path_with_dot_segments_costs_nothing_and_is_allowed_nowhere)
{
    static const char *const paths[] = {"/free/../block_results", "/free/./block", "/..", "/.",
                                        "/free/%2e%2E/block", "/free/.%2e", "/free/%2e/x?y=1",
                                        "/free\\..\\block", "/free/%2e.%2fblock",
                                        "/free/..%5cblock"};
    const char *const list[] = {"/free/"};
    const struct vpr_allowed allowed = {1, list};
    struct vpr_costs costs = table();
    uint64_t cu = 0;

    for (size_t i = 0; i < VPR_COUNT(paths); i++) {
        ck_assert_msg(cost(paths[i], "") == 0, "%s", paths[i]);
        ck_assert_msg(vpr_cost_of(&cu, &costs, &allowed, vpr_bytes_str(paths[i]),
                                  vpr_bytes_str("")) != VPR_COST_OK, "%s", paths[i]);
    }
    ck_assert_uint_eq(cost("/.well-known/..x/a..b/...", ""), 1);
    ck_assert_uint_eq(cost("/block?path=/../x", ""), 5);
    vpr_costs_finish(&costs);
}
END_TEST

START_TEST(a_batch_costs_the_sum)
{
    ck_assert_uint_eq(cost("", "[{\"id\":1,\"method\":\"getblock\"},"
                               "{\"id\":2,\"method\":\"status\"},"
                               "{\"id\":3,\"method\":\"x\"},7]"), 25);
    ck_assert_uint_eq(cost("", "[]"), 1);
}
END_TEST

START_TEST(a_path_costs_its_longest_row)
{
    ck_assert_uint_eq(cost("/block?height=3", ""), 5);
    ck_assert_uint_eq(cost("/block_results?height=3", ""), 9);
    ck_assert_uint_eq(cost("/status", ""), 1);
    ck_assert_uint_eq(cost("?x=/block", ""), 1);
    ck_assert_uint_eq(cost("/block", "{\"height\":3}"), 5);
}
END_TEST

START_TEST(a_path_does_not_hide_an_expensive_method)
{
    ck_assert_uint_eq(cost("/", "{\"id\":1,\"method\":\"getblock\"}"), 20);
}
END_TEST

START_TEST(what_can_be_read_in_two_ways_has_no_cost)
{
    ck_assert_uint_eq(cost("", "{\"method\":\"a\",\"method\":\"getblock\"}"), 0);
    ck_assert_uint_eq(cost("/", "{\"method\":\"a\",\"Method\":\"getblock\"}"), 0);
    ck_assert_uint_eq(cost("", "{\"method\":\"a\""), 0);
    ck_assert_uint_eq(cost("", "hello"), 0);
}
END_TEST

START_TEST(an_allow_list_admits_its_methods_and_paths_only)
{
    static const char *const names[] = {"status", "/block"};
    const struct vpr_allowed allowed = {2, names};
    struct vpr_costs costs = table();
    uint64_t cu = 0;

    const struct {
        const char *path, *body;
        enum vpr_cost is;
    } cases[] = {
        {"", "{\"method\":\"status\"}", VPR_COST_OK},
        {"", "{\"method\":\"getblock\"}", VPR_COST_NOT_ALLOWED},
        {"", "[{\"method\":\"status\"},{\"method\":\"getblock\"}]", VPR_COST_NOT_ALLOWED},
        {"", "[{\"method\":\"status\"},4]", VPR_COST_NOT_ALLOWED},
        {"/block?height=1", "", VPR_COST_OK},
        {"/status", "", VPR_COST_NOT_ALLOWED},
        {"", "", VPR_COST_NOT_ALLOWED},
    };
    for (size_t i = 0; i < VPR_COUNT(cases); i++) {
        ck_assert_int_eq(vpr_cost_of(&cu, &costs, &allowed, vpr_bytes_str(cases[i].path),
                                     vpr_bytes_str(cases[i].body)), cases[i].is);
    }
    vpr_costs_finish(&costs);
}
END_TEST

Suite *suite_cost(void)
{
    Suite *suite = suite_create("cost");
    TCase *tests = tcase_create("cost");

    tcase_add_test(tests, a_method_costs_what_its_row_says_and_1_without_one);
    tcase_add_test(tests, a_path_with_dot_segments_costs_nothing_and_is_allowed_nowhere);
    tcase_add_test(tests, a_batch_costs_the_sum);
    tcase_add_test(tests, a_path_costs_its_longest_row);
    tcase_add_test(tests, a_path_does_not_hide_an_expensive_method);
    tcase_add_test(tests, what_can_be_read_in_two_ways_has_no_cost);
    tcase_add_test(tests, an_allow_list_admits_its_methods_and_paths_only);
    suite_add_tcase(suite, tests);
    return suite;
}
