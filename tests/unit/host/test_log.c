#include "app/host/log.h"

#include <stdlib.h>
#include <unistd.h>

#include "app/host/metrics.h"
#include "tests/unit/host/suites.h"

static char line[2 * VPR_LOG_LINE_MAX];
static int ends[2];

static const char *logged(void)
{
    ssize_t n = read(ends[0], line, sizeof line - 1);
    ck_assert_int_ge((int)n, 1);
    line[n] = '\0';
    return line;
}

static void open_pipe(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    vpr_log_setup(VPR_LOG_INFO, ends[1]);
}

START_TEST(a_line_has_time_level_part_event_and_pairs)
{
    open_pipe();
    vpr_log_warn("relay", "session opened", "number=%" PRIu64 " left=%d url=%s part=%.*s hex=%x",
                 UINT64_MAX, -5, "http://x:1/", 2, "abc", 255U);
    const char *text = logged();
    ck_assert_int_eq(strncmp(text, "time=20", 7), 0);
    ck_assert_str_eq(strchr(text, ' '),
                     " level=warn part=relay event=\"session opened\" number=18446744073709551615 "
                     "left=-5 url=http://x:1/ part=ab hex=ff\n");
}
END_TEST

START_TEST(a_value_cannot_begin_a_new_line_or_key)
{
    open_pipe();
    vpr_log_info("x", "e", "a=%s b=%s c=%s", "1\nlevel=error \"q\" \\", "", "k=v");
    const char *text = logged();
    ck_assert_str_eq(strstr(text, " a="),
                     " a=\"1\\x0alevel=error \\\"q\\\" \\\\\" b=\"\" c=\"k=v\"\n");
}
END_TEST

START_TEST(levels_below_are_dropped_and_long_lines_cut)
{
    static char big[5000];
    enum vpr_log_level level;
    open_pipe();
    vpr_log_debug("x", "not seen", NULL);
    memset(big, 'a', sizeof big - 1);
    vpr_log_info("x", "big", "v=%s", big);
    const char *text = logged();
    ck_assert_uint_eq(strlen(text), VPR_LOG_LINE_MAX);
    ck_assert_str_eq(text + VPR_LOG_LINE_MAX - 4, "...\n");
    ck_assert_ptr_null(strstr(text, "not seen"));
    ck_assert(vpr_log_level_of(&level, "debug") && level == VPR_LOG_DEBUG);
    ck_assert(!vpr_log_level_of(&level, "loud"));
}
END_TEST

/* --- metrics ----------------------------------------------------------------------------- */

enum { ANSWERS, HEIGHT, LATENCY };

static const char *const outcomes[] = {"ok", "refu\"sed"};
static const char *const chains[] = {"0001", "0002"};
static const uint64_t bounds[] = {1000, 5000, 2500000};
static const struct vpr_metric table[] = {
    {"viper_answers_total", "Answers given.", VPR_COUNTER,
     {{"outcome", outcomes, 2}, {"chain", chains, 2}}, 0, NULL, 0},
    {"viper_height", "Height\nseen.", VPR_GAUGE, {{NULL, NULL, 0}, {NULL, NULL, 0}}, 0, NULL, 0},
    {"viper_answer_seconds", "Time to answer.", VPR_HISTOGRAM,
     {{"chain", chains, 2}, {NULL, NULL, 0}}, 1000000, bounds, 3},
};

START_TEST(the_page_is_prometheus_text)
{
    struct vpr_metrics *m = vpr_metrics_create(table, VPR_COUNT(table));
    struct vpr_buf out;
    vpr_buf_init(&out, 10000);
    vpr_metric_add(m, ANSWERS, 0, 1, 3);
    vpr_metric_add(m, ANSWERS, 1, 0, 1);
    vpr_metric_set(m, HEIGHT, 0, 0, -7);
    vpr_metric_observe(m, LATENCY, 0, 0, 1000);
    vpr_metric_observe(m, LATENCY, 0, 0, 1001);
    vpr_metric_observe(m, LATENCY, 0, 0, 9000000);
    ck_assert_uint_eq(vpr_metric_get(m, ANSWERS, 0, 1), 3);
    vpr_metrics_write(m, &out);
    ck_assert_str_eq(
        out.data,
        "# HELP viper_answers_total Answers given.\n"
        "# TYPE viper_answers_total counter\n"
        "viper_answers_total{outcome=\"ok\",chain=\"0001\"} 0\n"
        "viper_answers_total{outcome=\"ok\",chain=\"0002\"} 3\n"
        "viper_answers_total{outcome=\"refu\\\"sed\",chain=\"0001\"} 1\n"
        "viper_answers_total{outcome=\"refu\\\"sed\",chain=\"0002\"} 0\n"
        "# HELP viper_height Height\\nseen.\n"
        "# TYPE viper_height gauge\n"
        "viper_height -7\n"
        "# HELP viper_answer_seconds Time to answer.\n"
        "# TYPE viper_answer_seconds histogram\n"
        "viper_answer_seconds_bucket{chain=\"0001\",le=\"0.001\"} 1\n"
        "viper_answer_seconds_bucket{chain=\"0001\",le=\"0.005\"} 2\n"
        "viper_answer_seconds_bucket{chain=\"0001\",le=\"2.5\"} 2\n"
        "viper_answer_seconds_bucket{chain=\"0001\",le=\"+Inf\"} 3\n"
        "viper_answer_seconds_sum{chain=\"0001\"} 9.002001\n"
        "viper_answer_seconds_count{chain=\"0001\"} 3\n"
        "viper_answer_seconds_bucket{chain=\"0002\",le=\"0.001\"} 0\n"
        "viper_answer_seconds_bucket{chain=\"0002\",le=\"0.005\"} 0\n"
        "viper_answer_seconds_bucket{chain=\"0002\",le=\"2.5\"} 0\n"
        "viper_answer_seconds_bucket{chain=\"0002\",le=\"+Inf\"} 0\n"
        "viper_answer_seconds_sum{chain=\"0002\"} 0\n"
        "viper_answer_seconds_count{chain=\"0002\"} 0\n");
    vpr_buf_finish(&out);
    vpr_metrics_destroy(m);
}
END_TEST

START_TEST(a_counter_that_is_not_called_total_halts)
{
    static const struct vpr_metric wrong[] = {
        {"viper_answers", "x", VPR_COUNTER, {{NULL, NULL, 0}, {NULL, NULL, 0}}, 0, NULL, 0}};
    vpr_metrics_create(wrong, 1);
}
END_TEST

Suite *suite_log(void)
{
    Suite *suite = suite_create("log and metrics");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, a_line_has_time_level_part_event_and_pairs);
    tcase_add_test(tcase, a_value_cannot_begin_a_new_line_or_key);
    tcase_add_test(tcase, levels_below_are_dropped_and_long_lines_cut);
    tcase_add_test(tcase, the_page_is_prometheus_text);
    tcase_add_test_raise_signal(tcase, a_counter_that_is_not_called_total_halts, 6);
    suite_add_tcase(suite, tcase);
    return suite;
}
