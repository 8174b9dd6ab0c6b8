/* What `query why` says of jails, benches and slashes, from the answers of a node that says what a
 * test wants. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/cli/penalty.h"
#include "app/host/http_server.h"

#define AT(key, value) "{\"key\":\"" key "\",\"value\":\"" value "\"}"
#define EVENT(type, attributes)                                                                \
    "{\"type\":\"" type "\",\"attributes\":[" AT("actor", "A") "," attributes "]}"
#define TX(height, events) "{\"height\":\"" height "\",\"events\":[" events "]}"
#define FOUND(count, responses)                                                                \
    "{\"txs\":[{},{},{}],\"tx_responses\":[" responses "],\"total\":\"" count "\"}"
#define NOTHING FOUND("0", "")

static const char *bodies[6]; /* of the five searches, in this order, and of the slashes */
static const char *const searched[] = {"tombstone", "jail", "quality", "benched", "resume"};

static struct vpr_loop *loop;
static struct vpr_http_server *server;
static pthread_t thread;
static struct vpr_cli cli;
static char node[64];

static void on_request(void *arg, struct vpr_http_request *req)
{
    char target[512];
    (void)arg;
    (void)snprintf(target, sizeof target, "%.*s", (int)req->target.len,
                   (const char *)req->target.data);
    size_t at = strncmp(target, "/viper/v1/slashes/A", 19) == 0 ? 5 : VPR_COUNT(bodies);
    for (size_t i = 0; i < VPR_COUNT(searched); i++) {
        char want[64];
        (void)snprintf(want, sizeof want, "/cosmos/tx/v1beta1/txs?query=%s.actor", searched[i]);
        at = strncmp(target, want, strlen(want)) == 0 ? i : at;
    }
    if (at == VPR_COUNT(bodies)) {
        vpr_http_reply_text(req, 404, "application/json", "{\"code\":5,\"message\":\"what\"}");
        return;
    }
    vpr_http_reply_text(req, 200, "application/json", bodies[at]);
}

static void *serve(void *arg)
{
    (void)arg;
    vpr_loop_run(loop);
    return NULL;
}

static void setup(void)
{
    static const struct vpr_http_server_config config = {.port = 0};
    struct vpr_err err;

    loop = vpr_loop_create();
    ck_assert_int_eq(vpr_http_server_create(&server, loop, &config, on_request, NULL, &err),
                     VPR_OK);
    snprintf(node, sizeof node, "http://127.0.0.1:%u", (unsigned)vpr_http_server_port(server));
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    memset(&cli, 0, sizeof cli);
    vpr_arena_init(&cli.arena, 1 << 23);
    vpr_buf_init(&cli.out, 1 << 20);
    for (size_t i = 0; i < 5; i++) {
        bodies[i] = NOTHING;
    }
    bodies[5] = "{\"slashes\":[]}";
}

static void teardown(void)
{
    vpr_loop_stop(loop);
    pthread_join(thread, NULL);
    vpr_http_server_destroy(server);
    vpr_loop_turn(loop);
    vpr_loop_destroy(loop);
    vpr_buf_finish(&cli.out);
    vpr_arena_finish(&cli.arena);
}

/* What is said, and how many sums are not the chain's. */
static size_t why(void)
{
    struct vpr_sums sums = {&cli, 0};
    vpr_buf_reset(&cli.out);
    ck_assert_int_eq(vpr_cli_penalties(&sums, node, "A"), VPR_CLI_OK);
    vpr_buf_printf(&cli.out, "%c", 0);
    return sums.differing;
}

#define JAIL(signed, least, until)                                                             \
    EVENT("jail", AT("session", "4") "," AT("time_s", "1000") "," AT("jail_s", "600") ","      \
          AT("until_s", until) "," AT("window", "1001") "," AT("signed", signed) ","           \
          AT("min_signed_ppm", "500000") "," AT("least", least))

START_TEST(a_jail_is_explained_to_the_block)
{
    bodies[1] = FOUND("1", TX("41", JAIL("500", "501", "1600")));
    bodies[4] = FOUND("1", TX("60", EVENT("resume", AT("session", "7"))));
    bodies[5] = "{\"slashes\":[{\"sequence\":\"0\",\"slash\":{\"reason\":"
                "\"SLASH_REASON_DOWNTIME\",\"fault_height\":\"39\",\"height\":\"41\","
                "\"ppm\":\"100\",\"stake\":\"50000019999\",\"burned\":\"5000001\","
                "\"delegated\":\"9999\",\"delegated_burned\":\"0\"}}]}";
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(
        cli.out.data,
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
    bodies[1] = FOUND("1", TX("41", JAIL("500", "500", "1600")));
    ck_assert_uint_eq(why(), 1); /* another limit */
    ck_assert_ptr_nonnull(strstr(cli.out.data, "DIFFERS: the chain said least 500, this is 501"));
    bodies[1] = FOUND("1", TX("41", JAIL("501", "501", "1600")));
    ck_assert_uint_eq(why(), 1); /* enough were signed */
    bodies[1] = FOUND("1", TX("41", JAIL("500", "501", "1599")));
    ck_assert_uint_eq(why(), 1); /* another end */
    ck_assert_ptr_nonnull(strstr(cli.out.data, "until_s 1599, this is 1600"));
}
END_TEST

START_TEST(a_tombstone_says_where_it_signed_twice)
{
    bodies[0] = FOUND("1", TX("77", EVENT("tombstone", AT("fault_height", "70"))));
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(cli.out.data,
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
    bodies[2] = FOUND("3", TX("31", LOW("1", "299999", "1")) "," TX("41", LOW("2", "300000", "0"))
                      "," TX("51", LOW("3", "1", "1") "," LOW("4", "2", "2") ","
                             "{\"type\":\"quality\",\"attributes\":[" AT("actor", "B") "]},"
                             LOW("5", "3", "3")));
    bodies[3] = FOUND("1", TX("51", BENCHED));
    bodies[4] = FOUND("1", TX("90", EVENT("resume", PLACE AT("session", "11"))));
    ck_assert_uint_eq(why(), 0);
    ck_assert_str_eq(
        cli.out.data,
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
    bodies[2] = FOUND("1", TX("51", LOW("3", "1", "1") "," LOW("4", "2", "2")));
    bodies[3] = FOUND("1", TX("51", BENCHED));
    ck_assert_uint_eq(why(), 1);
    ck_assert_ptr_nonnull(strstr(cli.out.data, "low sessions of a bench 2, this is 3"));
    bodies[2] = FOUND("1", TX("51", LOW("3", "1", "3")));
    ck_assert_uint_eq(why(), 1); /* counted by three */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("penalty");
    TCase *t = tcase_create("penalty");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_jail_is_explained_to_the_block);
    tcase_add_test(t, a_jail_that_does_not_add_up_differs);
    tcase_add_test(t, a_tombstone_says_where_it_signed_twice);
    tcase_add_test(t, a_bench_is_explained_from_session_to_session);
    tcase_add_test(t, a_bench_too_early_differs);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
