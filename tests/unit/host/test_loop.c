#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/host/file.h"
#include "app/host/loop.h"
#include "tests/unit/host/suites.h"

struct counter {
    struct vpr_loop *loop;
    struct vpr_timer *timer;
    unsigned count, stop_at;
};

static void count_up(void *arg)
{
    struct counter *c = arg;
    if (++c->count == c->stop_at) {
        vpr_loop_stop(c->loop);
    }
}

START_TEST(timers_fire_once_or_until_stopped)
{
    struct counter once = {.loop = vpr_loop_create(), .stop_at = 99};
    struct counter often = {.loop = once.loop, .stop_at = 3};
    once.timer = vpr_timer_create(once.loop, count_up, &once);
    often.timer = vpr_timer_create(once.loop, count_up, &often);
    vpr_timer_once(once.timer, 1);
    vpr_timer_every(often.timer, 4);
    uint64_t from = vpr_mono_ms();
    vpr_loop_run(once.loop);
    ck_assert_uint_eq(once.count, 1);
    ck_assert_uint_eq(often.count, 3);
    ck_assert_uint_ge(vpr_mono_ms() - from, 11);
    ck_assert(vpr_timer_pending(often.timer));
    vpr_timer_stop(often.timer);
    ck_assert(!vpr_timer_pending(often.timer));
    vpr_timer_destroy(once.timer);
    vpr_timer_destroy(often.timer);
    vpr_loop_destroy(once.loop);
}
END_TEST

struct busy {
    struct vpr_loop *loop;
    struct vpr_idle *idle;
    unsigned posts, idles, posts_before;
};

static void post_again(void *arg)
{
    struct busy *busy = arg;
    vpr_idle_ask(busy->idle);
    if (++busy->posts < 50) {
        ck_assert(vpr_loop_post(busy->loop, post_again, busy));
    }
}

static void idle_at_last(void *arg)
{
    struct busy *busy = arg;
    busy->idles++;
    busy->posts_before = busy->posts;
}

/* Each post makes the next, so there is always something ready until the last. */
START_TEST(idle_work_runs_once_when_nothing_else_is_ready)
{
    struct busy busy = {.loop = vpr_loop_create()};
    busy.idle = vpr_idle_create(busy.loop, idle_at_last, &busy);
    vpr_loop_turn(busy.loop);
    ck_assert_uint_eq(busy.idles, 0); /* nobody asked */
    ck_assert(vpr_loop_post(busy.loop, post_again, &busy));
    vpr_loop_turn(busy.loop);
    vpr_loop_turn(busy.loop);
    ck_assert_uint_eq(busy.posts, 50);
    ck_assert_uint_eq(busy.idles, 1);
    ck_assert_uint_eq(busy.posts_before, 50);
    vpr_idle_ask(busy.idle);
    vpr_idle_destroy(busy.idle); /* asked, and then not wanted any more */
    vpr_loop_turn(busy.loop);
    ck_assert_uint_eq(busy.idles, 1);
    vpr_loop_destroy(busy.loop);
}
END_TEST

struct poster {
    struct vpr_loop *loop;
    atomic_uint sum;
    unsigned ran, order_broken;
};

static struct poster *shared;
static unsigned numbers[4][1000];

static void note(void *arg)
{
    static unsigned last[4];
    unsigned *at = arg;
    size_t who = (size_t)(at - numbers[0]) / 1000;
    if (*at != last[who] + 1) {
        shared->order_broken++;
    }
    last[who] = *at;
    if (++shared->ran == 4000) {
        vpr_loop_stop(shared->loop);
    }
}

static void *post_many(void *arg)
{
    unsigned *mine = arg;
    for (unsigned i = 0; i < 1000; i++) {
        mine[i] = i + 1;
        while (!vpr_loop_post(shared->loop, note, &mine[i])) {
            usleep(10);
        }
    }
    return NULL;
}

/* Four threads post a thousand times each: all arrive, each thread's in its order. */
START_TEST(posts_from_other_threads_arrive_in_order)
{
    struct poster p = {.loop = vpr_loop_create()};
    pthread_t threads[4];
    shared = &p;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, post_many, numbers[i]), 0);
    }
    vpr_loop_run(p.loop);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(p.ran, 4000);
    ck_assert_uint_eq(p.order_broken, 0);
    vpr_loop_destroy(p.loop);
}
END_TEST

START_TEST(a_full_queue_of_posts_says_so)
{
    struct vpr_loop *loop = vpr_loop_create();
    struct counter c = {.loop = loop, .stop_at = VPR_LOOP_POSTS_MAX};
    for (size_t i = 0; i < VPR_LOOP_POSTS_MAX; i++) {
        ck_assert(vpr_loop_post(loop, count_up, &c));
    }
    ck_assert(!vpr_loop_post(loop, count_up, &c));
    vpr_loop_run(loop);
    ck_assert_uint_eq(c.count, VPR_LOOP_POSTS_MAX);
    vpr_loop_destroy(loop);
}
END_TEST

START_TEST(a_signal_runs_its_hook_on_the_loop)
{
    struct counter c = {.loop = vpr_loop_create(), .stop_at = 1};
    vpr_loop_on_signal(c.loop, SIGUSR1, count_up, &c);
    raise(SIGUSR1);
    vpr_loop_run(c.loop);
    ck_assert_uint_eq(c.count, 1);
    vpr_loop_destroy(c.loop);
}
END_TEST

START_TEST(a_file_is_written_whole_and_read_with_a_cap)
{
    char dir[] = "/tmp/viper.test.XXXXXX";
    char path[128];
    struct vpr_buf buf;
    struct vpr_err err;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a/b", dir);
    ck_assert_int_eq(vpr_dir_make(path, 0700, &err), VPR_OK);
    ck_assert_int_eq(vpr_dir_make(path, 0700, &err), VPR_OK);
    snprintf(path, sizeof path, "%s/a/b/file", dir);
    ck_assert_int_eq(vpr_file_create(path, vpr_bytes_str("one"), 0600, &err), VPR_OK);
    ck_assert_int_eq(vpr_file_create(path, vpr_bytes_str("two"), 0600, &err), VPR_DUPLICATE);
    vpr_buf_init(&buf, 8);
    ck_assert_int_eq(vpr_file_read(&buf, path, &err), VPR_OK);
    ck_assert_str_eq(buf.data, "one");
    ck_assert_int_eq(vpr_file_write(path, vpr_bytes_str("123456789"), 0600, &err), VPR_OK);
    vpr_buf_reset(&buf);
    ck_assert_int_eq(vpr_file_read(&buf, path, &err), VPR_TOO_LARGE);
    ck_assert_int_eq(unlink(path), 0);
    vpr_buf_reset(&buf);
    ck_assert_int_eq(vpr_file_read(&buf, path, &err), VPR_NOT_FOUND);
    vpr_buf_finish(&buf);
    snprintf(path, sizeof path, "%s/a/b", dir);
    ck_assert_int_eq(rmdir(path), 0); /* no temporary file is left */
    snprintf(path, sizeof path, "%s/a", dir);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(a_buffer_stops_at_its_maximum)
{
    struct vpr_buf buf;
    vpr_buf_init(&buf, 5);
    vpr_buf_str(&buf, "abc");
    vpr_buf_str(&buf, "def");
    ck_assert(buf.over);
    ck_assert_str_eq(buf.data, "abc");
    vpr_buf_reset(&buf);
    vpr_buf_u64(&buf, 12345);
    ck_assert(!buf.over);
    ck_assert_str_eq(buf.data, "12345");
    vpr_buf_shift(&buf, 3);
    ck_assert_str_eq(buf.data, "45");
    vpr_buf_finish(&buf);
    vpr_buf_init(&buf, 100);
    vpr_buf_i64(&buf, INT64_MIN);
    vpr_buf_json(&buf, vpr_bytes_of("a\"\\\n\x01z", 6));
    ck_assert_str_eq(buf.data, "-9223372036854775808\"a\\\"\\\\\\n\\u0001z\"");
    vpr_buf_finish(&buf);
}
END_TEST

Suite *suite_loop(void)
{
    Suite *suite = suite_create("loop, file, buf");
    TCase *tcase = tcase_create("all");
    tcase_add_test(tcase, timers_fire_once_or_until_stopped);
    tcase_add_test(tcase, idle_work_runs_once_when_nothing_else_is_ready);
    tcase_add_test(tcase, posts_from_other_threads_arrive_in_order);
    tcase_add_test(tcase, a_full_queue_of_posts_says_so);
    tcase_add_test(tcase, a_signal_runs_its_hook_on_the_loop);
    tcase_add_test(tcase, a_file_is_written_whole_and_read_with_a_cap);
    tcase_add_test(tcase, a_buffer_stops_at_its_maximum);
    suite_add_tcase(suite, tcase);
    return suite;
}
