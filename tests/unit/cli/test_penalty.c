/* What `query why` says of jails, benches and slashes, from the answers of a node that says what a
 * test wants. */
#include <check.h>
#include <stdlib.h>

#include "app/cli/penalty.h"
#include "tests/unit/cli/scripted.h"

#define EVENT(type, attributes) EVENT_OF(type, AT("actor", "A") "," attributes)

enum { TOMBSTONE, JAILS, QUALITY, BENCHES, RESUME, ABSENCE, PAUSE, SLASHES, ANSWERS };
static struct scripted_answer answers[ANSWERS];

static void setup(void)
{
    static const struct scripted_answer nothing[ANSWERS] = {
        [TOMBSTONE] = {SEARCH("tombstone.actor"), NOTHING},
        [JAILS] = {SEARCH("jail.actor"), NOTHING},
        [QUALITY] = {SEARCH("quality.actor"), NOTHING},
        [BENCHES] = {SEARCH("benched.actor"), NOTHING},
        [RESUME] = {SEARCH("resume.actor"), NOTHING},
        [ABSENCE] = {SEARCH("absence.actor"), NOTHING},
        [PAUSE] = {SEARCH("pause.actor"), NOTHING},
        [SLASHES] = {"/viper/v1/slashes/A*", "{\"slashes\":[]}"},
    };
    memcpy(answers, nothing, sizeof answers);
    scripted_start(answers, ANSWERS);
}

/* How many sums are not the chain's; what is said is in `said`. */
static const char *said;
static size_t why(void)
{
    struct vpr_sums sums = {&scripted_cli, 0};
    ck_assert_int_eq(vpr_cli_penalties(&sums, scripted_node, "A"), VPR_CLI_OK);
    said = scripted_said();
    return sums.differing;
}

#define JAIL(signed, least, until)                                                             \
    EVENT("jail", AT("session", "4") "," AT("time_s", "1000") "," AT("jail_s", "600") ","      \
          AT("until_s", until) "," AT("window", "1001") "," AT("signed", signed) ","           \
          AT("min_signed_ppm", "500000") "," AT("least", least))

START_TEST(a_jail_is_explained_to_the_block)
{
    answers[JAILS].body = FOUND("1", TX("41", JAIL("500", "501", "1600")));
    answers[RESUME].body = FOUND("1", TX("60", EVENT("resume", AT("session", "7"))));
    answers[SLASHES].body = "{\"slashes\":[{\"sequence\":\"0\",\"slash\":{\"reason\":"
                "\"SLASH_REASON_DOWNTIME\",\"fault_height\":\"39\",\"height\":\"41\","
                "\"ppm\":\"100\",\"stake\":\"50000019999\",\"burned\":\"5000001\","
                "\"delegated\":\"9999\",\"delegated_burned\":\"0\"}}]}";
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(
        said,
        "\njail at block 41: of the last 1001 blocks it missed 501, so 1001 - 501 = 500 are "
        "signed\n"
        "  at least ceil(1001 x 500000 / 10^6) = 501 must be: 1 are missing\n"
        "  until block time = 1000 + 600 s = 1600, out from session 4\n"
        "\nresume at block 60: in again from session 7\n"
        "\nslash SLASH_REASON_DOWNTIME at block 41 for a fault at block 39: floor(own stake "
        "50000019999 x 100 / 10^6) = 5000001 uvipr\n"
        "  delegators: floor(9999 x 100 / 10^6) = 0 uvipr\n");
}
END_TEST

START_TEST(a_jail_that_does_not_add_up_differs)
{
    answers[JAILS].body = FOUND("1", TX("41", JAIL("500", "500", "1600")));
    ck_assert_uint_eq(why(), 1); /* another limit */
    ck_assert_ptr_nonnull(strstr(said, "DIFFERS: the chain said least 500, this is 501"));
    answers[JAILS].body = FOUND("1", TX("41", JAIL("501", "501", "1600")));
    ck_assert_uint_eq(why(), 1); /* enough were signed */
    answers[JAILS].body = FOUND("1", TX("41", JAIL("500", "501", "1599")));
    ck_assert_uint_eq(why(), 1); /* another end */
    ck_assert_ptr_nonnull(strstr(said, "until_s 1599, this is 1600"));
}
END_TEST

START_TEST(a_tombstone_says_where_it_signed_twice)
{
    answers[TOMBSTONE].body = FOUND("1", TX("77", EVENT("tombstone", AT("fault_height", "70"))));
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(said,
                     "\ntombstone at block 77: two votes at block 70, until: for ever\n");
}
END_TEST

#define PLACE AT("chain", "0001") "," AT("zone", "0002") ","
#define LOW(session, score, count)                                                             \
    EVENT("quality", PLACE AT("session", session) "," AT("score_ppm", score) ","               \
          AT("least_ppm", "300000") "," AT("low_sessions", count))
#define BENCHED                                                                                \
    EVENT("benched", PLACE AT("work_of", "5") "," AT("session", "9") "," AT("time_s", "2000")  \
          "," AT("jail_s", "30") "," AT("resumable_s", "2030"))

/* One good session between, then three low ones in a row; of another actor nothing is said. */
START_TEST(a_bench_is_explained_from_session_to_session)
{
    answers[QUALITY].body =
        FOUND("3", TX("31", LOW("1", "299999", "1")) "," TX("41", LOW("2", "300000", "0")) ","
              TX("51", LOW("3", "1", "1") "," LOW("4", "2", "2") ","
                 EVENT_OF("quality", AT("actor", "B")) "," LOW("5", "3", "3")));
    answers[BENCHES].body = FOUND("1", TX("51", BENCHED));
    answers[RESUME].body = FOUND("1", TX("90", EVENT("resume", PLACE AT("session", "11"))));
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(
        said,
        "\nchain 0001, zone 0002, session 1: score 299999 < 300000: 1 low in a row\n"
        "\nchain 0001, zone 0002, session 2: score 300000 >= 300000: counted anew, 0 low in a "
        "row\n"
        "\nchain 0001, zone 0002, session 3: score 1 < 300000: 1 low in a row\n"
        "\nchain 0001, zone 0002, session 4: score 2 < 300000: 2 low in a row\n"
        "\nchain 0001, zone 0002, session 5: score 3 < 300000: 3 low in a row\n"
        "bench at block 51 for 3 low sessions in a row, chain 0001, zone 0002\n"
        "  until block time = 2000 + 30 s = 2030, out from session 9\n"
        "\nresume at block 90, chain 0001, zone 0002: in again, and counted anew, from session "
        "11\n");
}
END_TEST

START_TEST(a_bench_too_early_differs)
{
    answers[QUALITY].body = FOUND("1", TX("51", LOW("3", "1", "1") "," LOW("4", "2", "2")));
    answers[BENCHES].body = FOUND("1", TX("51", BENCHED));
    ck_assert_uint_eq(why(), 1);
    ck_assert_ptr_nonnull(strstr(said, "low sessions of a bench 2, this is 3"));
    answers[QUALITY].body = FOUND("1", TX("51", LOW("3", "1", "3")));
    ck_assert_uint_eq(why(), 1); /* counted by three */
}
END_TEST

#define ABSENT(session, count)                                                                 \
    EVENT("absence", AT("session", session) "," AT("absent_sessions", count))

/* The second time a session was left out: that does not add up. */
START_TEST(absences_are_counted_to_the_pause)
{
    answers[ABSENCE].body =
        FOUND("3", TX("31", ABSENT("1", "1")) "," TX("41", ABSENT("2", "0")) ","
              TX("51", ABSENT("3", "1")));
    answers[PAUSE].body = FOUND("1", TX("60", EVENT("pause", AT("session", "7"))));
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(
        said, "\nsession 1: drawn, and no report: 1 sessions in a row without a report\n"
              "\nsession 2: a report: 0 sessions in a row without a report\n"
              "\nsession 3: drawn, and no report: 1 sessions in a row without a report\n"
              "\npause at block 60 by its owner or operator: out from session 7\n");
    /* Who resumes begins anew, and the chain says nothing of that. */
    answers[RESUME].body = FOUND("1", TX("70", EVENT("resume", AT("session", "8"))));
    answers[ABSENCE].body = FOUND("2", TX("31", ABSENT("1", "1")) "," TX("81", ABSENT("8", "1")));
    ck_assert_uint_eq(why(), 0);
    answers[ABSENCE].body = FOUND("2", TX("31", ABSENT("1", "1")) "," TX("41", ABSENT("3", "3")));
    ck_assert_uint_eq(why(), 1);
    ck_assert_ptr_nonnull(strstr(said, "absent_sessions 3, this is 2"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("penalty");
    TCase *t = tcase_create("penalty");
    tcase_add_checked_fixture(t, setup, scripted_stop);
    tcase_add_test(t, a_jail_is_explained_to_the_block);
    tcase_add_test(t, a_jail_that_does_not_add_up_differs);
    tcase_add_test(t, a_tombstone_says_where_it_signed_twice);
    tcase_add_test(t, a_bench_is_explained_from_session_to_session);
    tcase_add_test(t, a_bench_too_early_differs);
    tcase_add_test(t, absences_are_counted_to_the_pause);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
