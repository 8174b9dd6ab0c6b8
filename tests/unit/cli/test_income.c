/* What `query why` says of a validator's yield and a delegator's withdrawals.  The expected figures
 * are reckoned by hand from docs/protocol.md, 9.8 and 11. */
#include <check.h>
#include <stdlib.h>

#include "app/cli/income.h"
#include "tests/unit/cli/scripted.h"

enum { YIELDS, DELEGATE, UNDELEGATE, WITHDRAW, ANSWERS };
static struct scripted_answer answers[ANSWERS];
static struct vpr_sums sums;
static uint64_t total;

static void setup(void)
{
    answers[YIELDS] = (struct scripted_answer){SEARCH("yield_part.owner"), NOTHING};
    answers[DELEGATE] = (struct scripted_answer){SEARCH("delegate.delegator"), NOTHING};
    answers[UNDELEGATE] = (struct scripted_answer){SEARCH("undelegate.delegator"), NOTHING};
    answers[WITHDRAW] = (struct scripted_answer){SEARCH("withdraw.delegator"), NOTHING};
    scripted_start(answers, ANSWERS);
}

static const char *yield_of(const char *owner)
{
    sums = (struct vpr_sums){&scripted_cli, 0};
    total = 0;
    ck_assert_int_eq(vpr_income_yield(&sums, scripted_node, "owner", owner, 4, &total),
                     VPR_CLI_OK);
    return scripted_said();
}

static const char *withdrawals(uint64_t session)
{
    sums = (struct vpr_sums){&scripted_cli, 0};
    total = 0;
    ck_assert_int_eq(vpr_income_withdrawals(&sums, scripted_node, "D", session, &total),
                     VPR_CLI_OK);
    return scripted_said();
}

/* ---- yield ---- */

#define PART(actor, owner, stake, delegated, part, delegators)                                 \
    EVENT_OF("yield_part", AT("actor", actor) "," AT("owner", owner) "," AT("session", "4")    \
             "," AT("stake_uvipr", stake) "," AT("delegated_uvipr", delegated) ","             \
             AT("commission_ppm", "100000") "," AT("owner_reward", part) ","                   \
             AT("delegators", delegators))
#define YIELD(minted)                                                                          \
    EVENT_OF("yield", AT("session", "4") "," AT("validator_yield", "112500000") ","            \
             AT("blocks", "10") "," AT("minted", minted) "," AT("fees", "1000") ","            \
             AT("bonded", "250000000000"))

START_TEST(a_yield_is_told_to_the_uvipr)
{
    answers[YIELDS].body =
        FOUND("1", TX("51", PART("V", "A", "50000000000", "50000000000", "61875220", "50625180")
                      "," PART("W", "B", "50000000000", "0", "56250200", "0") ","
                      YIELD("281250000")));
    ck_assert_str_eq(
        yield_of("A"),
        "\nyield of session 4: floor(bonded 250000000000 x yield 112500000 x 10 blocks / 10^12) = "
        "281250000 uvipr, and fees of 1000\n"
        "  validator V: floor(281250000 x stake 100000000000 / bonded) + floor(1000 x stake / "
        "bonded) = 112500400 uvipr\n"
        "  delegators: floor(112500400 x delegated 50000000000 / (own 50000000000 + delegated)) "
        "less floor(of it x commission 100000 / 10^6) = 50625180 uvipr, owner the rest = "
        "61875220\n");
    ck_assert_uint_eq(sums.differing, 0);
    ck_assert_uint_eq(total, 61875220);
    ck_assert_ptr_nonnull(strstr(yield_of("B"), "validator W"));
    ck_assert_uint_eq(total, 56250200);
    ck_assert_str_eq(yield_of("C"), "");
}
END_TEST

START_TEST(a_yield_that_does_not_add_up_differs)
{
    answers[YIELDS].body =
        FOUND("1", TX("51", PART("V", "A", "50000000000", "50000000000", "61875221", "50625180")
                      "," YIELD("281250001")));
    ck_assert_ptr_nonnull(strstr(yield_of("A"), "DIFFERS: the chain said minted 281250001"));
    ck_assert_uint_ge(sums.differing, 2); /* the part, too */
    answers[YIELDS].body =
        FOUND("1", TX("51", PART("V", "A", "50000000000", "50000000000", "61875219", "50625181")
                      "," YIELD("281250000")));
    ck_assert_ptr_nonnull(strstr(yield_of("A"), "delegators' share 50625181, this is 50625180"));
    ck_assert_uint_eq(sums.differing, 1);
}
END_TEST

START_TEST(a_full_supply_is_said)
{
    answers[YIELDS].body = FOUND(
        "1", TX("51", PART("V", "A", "50000000000", "0", "200", "0") "," YIELD("0")));
    ck_assert_ptr_nonnull(strstr(yield_of("A"), "not minted: the supply had no room for it"));
    ck_assert_uint_eq(sums.differing, 0);
    ck_assert_uint_eq(total, 200);
}
END_TEST

/* ---- withdrawals ---- */

#define ONE "00000000000000010000000000000000" /* a uvipr a share */
#define HALF "00000000000000008000000000000000"
#define ZERO "00000000000000000000000000000000"
#define TOUCH(type, actor, amount, held, seen, cumulative, earned, session)                    \
    EVENT_OF(type, AT("actor", actor) "," AT("delegator", "D") "," AT("amount_uvipr", amount)  \
             "," AT("held_shares", held) "," AT("seen", seen) ","                              \
             AT("cumulative", cumulative) "," AT("earned_uvipr", earned) ","                   \
             AT("session", session))

/* 100 shares; 51 more when half a uvipr a share had come: 50 due; 151 x 1/2 = 75 (floor) more. */
START_TEST(a_withdrawal_is_told_since_the_last_one)
{
    answers[DELEGATE].body =
        FOUND("2", TX("10", TOUCH("delegate", "V", "100", "0", ZERO, ZERO, "0", "1"))
              "," TX("20", TOUCH("delegate", "V", "51", "100", ZERO, HALF, "50", "2")));
    answers[WITHDRAW].body =
        FOUND("2", TX("30", TOUCH("withdraw", "V", "125", "151", HALF, ONE, "75", "3"))
              "," TX("40", TOUCH("withdraw", "V", "0", "151", ONE, ONE, "0", "4")));
    ck_assert_str_eq(withdrawals(3),
                     "\nwithdrawn at block 30 from V: 125 uvipr\n"
                     "  up to block 20 (delegate): floor((0x" HALF " - 0x" ZERO
                     ") x 100 shares / 2^64) = 50 uvipr\n"
                     "  up to block 30 (withdraw): floor((0x" ONE " - 0x" HALF
                     ") x 151 shares / 2^64) = 75 uvipr\n");
    ck_assert_uint_eq(sums.differing, 0);
    ck_assert_uint_eq(total, 125);
    ck_assert_str_eq(withdrawals(4), "\nwithdrawn at block 40 from V: 0 uvipr\n");
    ck_assert_uint_eq(total, 0);
    ck_assert_str_eq(withdrawals(9), "");
}
END_TEST

/* Of two actors, and both messages in one block in either order of the search. */
START_TEST(each_actor_has_its_own_withdrawals)
{
    answers[UNDELEGATE].body =
        FOUND("1", TX("30", TOUCH("undelegate", "V", "1", "100", ZERO, HALF, "50", "2")));
    answers[WITHDRAW].body =
        FOUND("1", TX("30", TOUCH("withdraw", "V", "50", "99", HALF, HALF, "0", "3") ","
                      TOUCH("withdraw", "W", "7", "7", ZERO, ONE, "7", "3")));
    const char *said = withdrawals(3);
    ck_assert_uint_eq(sums.differing, 0);
    ck_assert_uint_eq(total, 57);
    ck_assert_ptr_nonnull(strstr(said, "from W: 7 uvipr\n  up to block 30"));
}
END_TEST

START_TEST(a_withdrawal_that_does_not_add_up_differs)
{
    answers[WITHDRAW].body =
        FOUND("1", TX("30", TOUCH("withdraw", "V", "51", "100", ZERO, HALF, "51", "3")));
    ck_assert_ptr_nonnull(strstr(withdrawals(3), "earned_uvipr 51, this is 50"));
    ck_assert_uint_eq(sums.differing, 1);
    answers[WITHDRAW].body =
        FOUND("1", TX("30", TOUCH("withdraw", "V", "51", "100", ZERO, HALF, "50", "3")));
    ck_assert_ptr_nonnull(strstr(withdrawals(3), "what was withdrawn 51, this is 50"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("income");
    TCase *t = tcase_create("income");
    tcase_add_checked_fixture(t, setup, scripted_stop);
    tcase_add_test(t, a_yield_is_told_to_the_uvipr);
    tcase_add_test(t, a_yield_that_does_not_add_up_differs);
    tcase_add_test(t, a_full_supply_is_said);
    tcase_add_test(t, a_withdrawal_is_told_since_the_last_one);
    tcase_add_test(t, each_actor_has_its_own_withdrawals);
    tcase_add_test(t, a_withdrawal_that_does_not_add_up_differs);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
