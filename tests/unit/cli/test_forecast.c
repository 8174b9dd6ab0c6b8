/* What --dry-run of a stake foretells, from the answers of a node that says what a table says.
 * The expected figures are reckoned by hand from docs/protocol.md, 8.5, 9.1, 9.2, 9.7, 9.10, 14. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/cli/forecast.h"
#include "tests/unit/cli/scripted.h"
#include "viper/v1/tx.pb-c.h"

#define VIPR UINT64_C(1000000)
#define POOL(members, next) "{\"members\":[" members "],\"pagination\":{\"next_key\":\"" next "\"}}"
#define MEMBER(owner, weight) "{\"owner\":\"" owner "\",\"weight\":\"" weight "\"}"
#define REQUESTOR(eligible, n, budget)                                                          \
    "{\"eligible\":" eligible ",\"num_servicers\":" n ",\"budget_uvipr\":\"" budget "\","       \
    "\"pairs\":[{\"chain\":1,\"zone\":1,\"share_ppm\":500000},"                                 \
    "{\"chain\":2,\"zone\":1,\"share_ppm\":500000}]}"

/* The local genesis: six servicers of 15,000 VIPR with owners of their own, on two pages. */
static const struct scripted_answer answers[] = {
    {"/viper/v1/chain",
     "{\"session\":\"3\",\"stake_price_micro_usd\":\"50000\",\"params\":{"
     "\"session_blocks\":\"10\",\"cu_per_usd\":\"1000000\",\"cu_price_min\":\"4500\","
     "\"requestor_yield\":\"100000000\",\"validator_yield\":\"112500000\","
     "\"score_floor\":\"100000\",\"score_initial\":\"300000\",\"split_servicer\":\"700000\","
     "\"split_fishermen\":\"100000\",\"fishermen_per_session\":\"5\"}}"},
    {"/viper/v1/chains",
     "{\"chains\":[{\"id\":1,\"multiplier_ppm\":\"1000000\"},"
     "{\"id\":2,\"multiplier_ppm\":\"500000\"}],"
     "\"zones\":[{\"id\":1,\"multiplier_ppm\":\"1000000\"}]}"},
    {"/viper/v1/pool/1/1?kind=KIND_SERVICER&pagination.limit=100",
     POOL(MEMBER("a", "6000000000") "," MEMBER("b", "6000000000") "," MEMBER("c", "6000000000")
          "," MEMBER("d", "6000000000"), "AAQ=")},
    {"/viper/v1/pool/1/1?kind=KIND_SERVICER&pagination.limit=100&pagination.key=AAQ%3d",
     POOL(MEMBER("e", "6000000000") "," MEMBER("f", "6000000000"), "")},
    {"/viper/v1/pool/2/1?kind=KIND_SERVICER&pagination.limit=100",
     /* Two servicers of one owner: one entry in the draw. */
     POOL(MEMBER("a", "3000000000") "," MEMBER("a", "3000000000"), "")},
    {"/viper/v1/pool/3/1?kind=KIND_SERVICER&pagination.limit=100", POOL("", "")},
    {"/viper/v1/pool/1/1?kind=KIND_FISHERMAN&pagination.limit=100",
     POOL(MEMBER("g", "15000") "," MEMBER("h", "15000") "," MEMBER("i", "15000"), "")},
    {"/viper/v1/actors?kind=KIND_REQUESTOR&pagination.limit=100",
     "{\"actors\":[{\"id\":\"one\"},{\"id\":\"idle\"}],\"pagination\":{\"next_key\":\"\"}}"},
    {"/viper/v1/requestors/one", REQUESTOR("true", "5", "1000000000")},
    {"/viper/v1/requestors/idle", REQUESTOR("false", "5", "7000000000")},
};

static struct vpr_buf body;

static void setup(void)
{
    scripted_start(answers, VPR_COUNT(answers));
    vpr_buf_init(&body, 1 << 20);
}

static void teardown(void)
{
    scripted_stop();
    vpr_buf_finish(&body);
}

static int forecast(const ProtobufCMessage *message)
{
    ck_assert(vpr_cli_can_forecast(message));
    vpr_buf_reset(&scripted_cli.out);
    return vpr_cli_forecast(&scripted_cli, &body, scripted_node, message);
}

#define TELLS(message, text) \
    do { \
        ck_assert_int_eq(forecast(message), VPR_CLI_OK); \
        ck_assert_str_eq(scripted_said(), text); \
    } while (0)

/* 50,000 USD, 500,000 CU a session, half of it a pair, among five of six and the one owner. */
START_TEST(a_requestor_is_told_budget_allowance_and_quotas)
{
    Viper__V1__Pair pairs[3] = {VIPER__V1__PAIR__INIT, VIPER__V1__PAIR__INIT,
                                VIPER__V1__PAIR__INIT};
    Viper__V1__Pair *list[] = {&pairs[0], &pairs[1], &pairs[2]};
    Viper__V1__MsgStakeRequestor m = VIPER__V1__MSG_STAKE_REQUESTOR__INIT;

    for (uint32_t i = 0; i < 3; i++) {
        pairs[i].chain = i + 1;
        pairs[i].zone = 1;
        pairs[i].share_ppm = i < 2 ? 500000 : 0;
    }
    m.amount = 1000000 * VIPR;
    m.num_servicers = 5;
    m.n_pairs = 3;
    m.pairs = list;
    TELLS(&m.base, "{\"amount_uvipr\":\"1000000000000\",\"usd\":\"50000000000\","
          "\"budget_uvipr\":\"1000000000\",\"allowance_cu\":\"500000\",\"pairs\":["
          "{\"chain\":1,\"zone\":1,\"servicers\":5,\"quota_cu\":\"50000\"},"
          "{\"chain\":2,\"zone\":1,\"servicers\":1,\"quota_cu\":\"250000\"},"
          "{\"chain\":3,\"zone\":1,\"servicers\":0,\"quota_cu\":\"0\"}]}");
}
END_TEST

/* Weight 15,000 x 0.4 = 6e9 of 42e9; half of 1,000 VIPR x 1/7, x 0.7 x score 0.3. On chain 2 it
 * would be one of two owners, so drawn for sure, and the multiplier halves what it gets. */
START_TEST(a_servicer_is_told_what_it_may_expect_in_each_pool)
{
    uint32_t chains[] = {1, 2};
    Viper__V1__MsgStakeServicer m = VIPER__V1__MSG_STAKE_SERVICER__INIT;

    m.amount = 15000 * VIPR;
    m.zone = 1;
    m.n_chains = 2;
    m.chains = chains;
    TELLS(&m.base, "{\"amount_uvipr\":\"15000000000\",\"score_ppm\":\"300000\",\"pools\":["
          "{\"chain\":1,\"zone\":1,\"weight\":\"6000000000\",\"pool_weight\":\"42000000000\","
          "\"share_ppm\":\"142857\",\"gross_uvipr\":\"71428571\",\"reward_uvipr\":\"14999999\"},"
          "{\"chain\":2,\"zone\":1,\"weight\":\"6000000000\",\"pool_weight\":\"12000000000\","
          "\"share_ppm\":\"500000\",\"gross_uvipr\":\"125000000\","
          "\"reward_uvipr\":\"26250000\"}]}");
}
END_TEST

/* Of four owners at most four are drawn: each an even fourth of half the budget, a tenth of it. */
START_TEST(a_fisherman_is_told_its_part_of_the_seats)
{
    uint32_t chains[] = {1};
    Viper__V1__MsgStakeFisherman m = VIPER__V1__MSG_STAKE_FISHERMAN__INIT;

    m.amount = 15000 * VIPR;
    m.zone = 1;
    m.n_chains = 1;
    m.chains = chains;
    TELLS(&m.base, "{\"amount_uvipr\":\"15000000000\",\"pools\":[{\"chain\":1,\"zone\":1,"
          "\"weight\":\"15000\",\"pool_weight\":\"60000\",\"share_ppm\":\"250000\","
          "\"gross_uvipr\":\"125000000\",\"reward_uvipr\":\"12500000\"}]}");
    m.amount = VIPR - 1;
    ck_assert_int_eq(forecast(&m.base), VPR_CLI_REFUSED);
}
END_TEST

START_TEST(a_validator_is_told_its_yield)
{
    Viper__V1__MsgStakeValidator m = VIPER__V1__MSG_STAKE_VALIDATOR__INIT;

    m.amount = 50000 * VIPR;
    TELLS(&m.base, "{\"amount_uvipr\":\"50000000000\",\"reward_uvipr\":\"56250000\"}");
    m.amount = UINT64_MAX; /* absurd, but no reason to halt */
    TELLS(&m.base, "{\"amount_uvipr\":\"18446744073709551615\","
          "\"reward_uvipr\":\"20752587082923245\"}");
}
END_TEST

START_TEST(a_pool_that_the_node_does_not_know_ends_it)
{
    uint32_t chains[] = {1, 9};
    Viper__V1__MsgStakeServicer m = VIPER__V1__MSG_STAKE_SERVICER__INIT;

    m.amount = 15000 * VIPR;
    m.zone = 1;
    m.n_chains = 2;
    m.chains = chains;
    ck_assert_int_eq(forecast(&m.base), VPR_CLI_NOT_FOUND);
    snprintf(scripted_node, sizeof scripted_node, "http://127.0.0.1:9");
    ck_assert_int_eq(forecast(&m.base), VPR_CLI_NO_NODE);
}
END_TEST

START_TEST(only_stakes_are_foretold)
{
    Viper__V1__MsgEditServicer m = VIPER__V1__MSG_EDIT_SERVICER__INIT;

    ck_assert(!vpr_cli_can_forecast(&m.base));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("forecast");
    TCase *t = tcase_create("forecast");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_requestor_is_told_budget_allowance_and_quotas);
    tcase_add_test(t, a_servicer_is_told_what_it_may_expect_in_each_pool);
    tcase_add_test(t, a_fisherman_is_told_its_part_of_the_seats);
    tcase_add_test(t, a_validator_is_told_its_yield);
    tcase_add_test(t, a_pool_that_the_node_does_not_know_ends_it);
    tcase_add_test(t, only_stakes_are_foretold);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
