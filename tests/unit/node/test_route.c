#include "app/node/route.h"

#include "app/domain/domain.h"
#include "tests/unit/node/suites.h"

static struct vpr_arena arena;
static struct route_match match;

static void setup(void)
{
    vpr_arena_init(&arena, 1 << 20);
}

static void teardown(void)
{
    vpr_arena_finish(&arena);
}

static enum route_result find(const char *verb, const char *path)
{
    return route_find(&match, &arena, vpr_bytes_str(verb), vpr_bytes_str(path));
}

START_TEST(holes_are_filled_and_unescaped)
{
    ck_assert_int_eq(find("GET", "/viper/v1/servicers/a%20b"), ROUTE_FOUND);
    ck_assert_str_eq(match.row->method, "/viper.v1.Query/Servicer");
    ck_assert_uint_eq(match.field_count, 1);
    ck_assert_str_eq(match.fields[0].name, "id");
    ck_assert_str_eq(match.fields[0].value, "a b");

    ck_assert_int_eq(find("GET", "/viper/v1/sessions/7/ab"), ROUTE_FOUND);
    ck_assert_str_eq(match.row->method, "/viper.v1.Query/Bench");
    ck_assert_str_eq(match.fields[0].value, "7");
    ck_assert_str_eq(match.fields[1].value, "ab");
}
END_TEST

/* An escaped slash belongs to its segment: it cannot make another one. */
START_TEST(an_escaped_slash_does_not_split)
{
    ck_assert_int_eq(find("GET", "/viper/v1/servicers/a%2Fsids"), ROUTE_FOUND);
    ck_assert_str_eq(match.row->method, "/viper.v1.Query/Servicer");
    ck_assert_str_eq(match.fields[0].value, "a/sids");
}
END_TEST

START_TEST(the_most_literal_pattern_wins)
{
    ck_assert_int_eq(find("GET", "/cosmos/bank/v1beta1/balances/x/by_denom"), ROUTE_FOUND);
    ck_assert_str_eq(match.row->method, "/cosmos.bank.v1beta1.Query/Balance");
    ck_assert_int_eq(find("GET", "/cosmos/bank/v1beta1/balances/x"), ROUTE_FOUND);
    ck_assert_str_eq(match.row->method, "/cosmos.bank.v1beta1.Query/AllBalances");
}
END_TEST

START_TEST(unknown_paths_verbs_and_escapes_are_told_apart)
{
    ck_assert_int_eq(find("GET", "/viper/v1/nothing"), ROUTE_NO_PATH);
    ck_assert_int_eq(find("GET", "/"), ROUTE_NO_PATH);
    ck_assert_int_eq(find("GET", ""), ROUTE_NO_PATH);
    ck_assert_int_eq(find("GET", "/viper/v1/chain/"), ROUTE_NO_PATH);
    ck_assert_int_eq(find("GET", "/viper/v1/chains/extra"), ROUTE_NO_PATH);
    ck_assert_int_eq(find("POST", "/viper/v1/chain"), ROUTE_NO_VERB);
    ck_assert_int_eq(find("DELETE", "/cosmos/tx/v1beta1/txs"), ROUTE_NO_VERB);
    ck_assert_int_eq(find("POST", "/cosmos/tx/v1beta1/txs"), ROUTE_FOUND);
    ck_assert(match.row->body);
    ck_assert_int_eq(find("GET", "/viper/v1/servicers/%zz"), ROUTE_BAD);
    ck_assert_int_eq(find("GET", "/viper/v1/servicers/%00"), ROUTE_BAD);
    ck_assert_int_eq(find("GET", "/viper/v1/servicers/%4"), ROUTE_BAD);
    ck_assert_int_eq(find("GET", "/viper/v1/servicers/"), ROUTE_NO_PATH);
}
END_TEST

/* What the service files promise the tables keep: no row leads nowhere. */
START_TEST(every_get_row_has_its_query)
{
    size_t gets = 0;
    for (size_t i = 0; i < route_row_count; i++) {
        if (strcmp(route_rows[i].verb, "GET") == 0 &&
            strncmp(route_rows[i].method, "/cosmos.tx.v1beta1.Service/", 27) != 0) {
            ck_assert_msg(vpr_domain_query(route_rows[i].method) != NULL, "%s",
                          route_rows[i].method);
            gets++;
        }
    }
    ck_assert_uint_ge(gets, 20);
}
END_TEST

Suite *suite_route(void)
{
    Suite *s = suite_create("route");
    TCase *t = tcase_create("route");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, holes_are_filled_and_unescaped);
    tcase_add_test(t, an_escaped_slash_does_not_split);
    tcase_add_test(t, the_most_literal_pattern_wins);
    tcase_add_test(t, unknown_paths_verbs_and_escapes_are_told_apart);
    tcase_add_test(t, every_get_row_has_its_query);
    suite_add_tcase(s, t);
    return s;
}
