#include <stdio.h>
#include <unistd.h>

#include "app/host/log.h"
#include "app/node/meters.h"
#include "app/node/tally.h"
#include "tests/unit/node/suites.h"

/* Events as the settlement makes them, and the log in a pipe. */
static struct tally tally;
static struct tally_sums sums;
static int log_fds[2];

static void setup(void)
{
    memset(&tally, 0, sizeof tally);
    memset(&sums, 0, sizeof sums);
    ck_assert_int_eq(pipe(log_fds), 0);
    vpr_log_setup(VPR_LOG_INFO, log_fds[1]);
}

static void teardown(void)
{
    vpr_log_setup(VPR_LOG_INFO, 2);
    close(log_fds[0]);
    close(log_fds[1]);
}

/* As the system transaction tells it, behind another event. */
static void told(const struct vpr_event *event)
{
    const struct vpr_event other = {"beacon", 0, {{NULL, NULL}}};
    const struct vpr_event *const events[] = {&other, event};
    struct vpr_tx_result tx;

    memset(&tx, 0, sizeof tx);
    tx.event_count = 2;
    const struct vpr_app_result result = {.txs = &tx, .tx_count = 1, .events = events};
    tally_block(&tally, &result, &sums);
}

static void verify(const char *session, const char *verdict, const char *claimed,
                   const char *settled, const char *minted)
{
    const struct vpr_event event = {"verify", 5,
                                    {{"session", session},
                                     {"verdict", verdict},
                                     {"settled_cu", settled},
                                     {"sum", claimed},
                                     {"minted", minted}}};
    told(&event);
}

static void settled(const char *session)
{
    const struct vpr_event event = {"session_settled", 1, {{"session", session}}};
    told(&event);
}

static const char *logged(void)
{
    static char text[4096];
    const ssize_t len = read(log_fds[0], text, sizeof text - 1);

    ck_assert_int_gt(len, 0);
    text[len] = '\0';
    return text;
}

static void expect(const char *want)
{
    const char *text = logged();

    ck_assert_msg(strstr(text, want) != NULL, "%s is not in %s", want, text);
}

START_TEST(a_session_that_begins_has_a_line)
{
    const struct vpr_event event = {
        "session", 3, {{"session", "4"}, {"first", "41"}, {"last", "50"}}};

    told(&event);
    expect("event=\"session opened\" session=4 first=41 last=50\n");
}
END_TEST

START_TEST(a_settled_session_tells_what_was_paid_and_what_not)
{
    verify("7", "paid", "120", "100", "9000");
    verify("7", "unproved", "30", "0", "0");
    verify("8", "paid", "1", "1", "5");
    settled("7");
    expect("event=\"session settled\" session=7 paid=1 unproved=1 error=0 settled_cu=100 "
           "unpaid_cu=50 minted_uvipr=9000\n");
    settled("8");
    expect("session=8 paid=1 unproved=0 error=0 settled_cu=1 unpaid_cu=0 minted_uvipr=5\n");
    ck_assert_uint_eq(tally.count, 0);
}
END_TEST

START_TEST(a_session_without_claims_has_a_line_of_zeros)
{
    settled("3");
    expect("session=3 paid=0 unproved=0 error=0 settled_cu=0 unpaid_cu=0 minted_uvipr=0\n");
}
END_TEST

START_TEST(the_oldest_session_makes_room)
{
    char text[8];

    for (int i = 1; i <= TALLY_SESSIONS + 1; i++) {
        snprintf(text, sizeof text, "%d", i);
        verify(text, "paid", "2", "2", "1");
    }
    ck_assert_uint_eq(tally.count, TALLY_SESSIONS);
    settled("1");
    expect("session=1 paid=0 ");
    settled(text);
    expect("session=9 paid=1 ");
}
END_TEST

START_TEST(the_sums_of_a_block_are_on_the_metrics_page)
{
    struct meters *meters = meters_create();
    struct vpr_buf page;

    verify("7", "paid", "120", "100", "9000");
    verify("8", "unproved", "30", "0", "0");
    meters_settled(meters, &sums);
    vpr_buf_init(&page, 4u * 1024 * 1024);
    meters_write(meters, &page);
    vpr_buf_char(&page, '\0');
    ck_assert_ptr_nonnull(
        strstr(page.data, "viper_settled_claims_total{verdict=\"paid\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(page.data, "viper_settled_claims_total{verdict=\"unproved\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_settled_cu_total 100\n"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_unpaid_cu_total 50\n"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_minted_uvipr_total 9000\n"));
    vpr_buf_finish(&page);
    meters_destroy(meters);
}
END_TEST

Suite *suite_tally(void)
{
    Suite *suite = suite_create("tally");
    TCase *tests = tcase_create("tally");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_session_that_begins_has_a_line);
    tcase_add_test(tests, a_settled_session_tells_what_was_paid_and_what_not);
    tcase_add_test(tests, a_session_without_claims_has_a_line_of_zeros);
    tcase_add_test(tests, the_oldest_session_makes_room);
    tcase_add_test(tests, the_sums_of_a_block_are_on_the_metrics_page);
    suite_add_tcase(suite, tests);
    return suite;
}
