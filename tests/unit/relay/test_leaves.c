#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/host/loop.h"
#include "relay/leaves.h"
#include "tests/unit/relay/help.h"

static int sync_fails_with;
static int syncs_seen;
static int syncs_at_done;

static int watched_sync(int fd)
{
    (void)fd;
    usleep(20000);
    if (sync_fails_with != 0) {
        errno = sync_fails_with;
        return -1;
    }
    __atomic_add_fetch(&syncs_seen, 1, __ATOMIC_SEQ_CST);
    return 0;
}

struct bench {
    struct vpr_loop *loop;
    struct vpr_leaves *leaves;
    struct vpr_segment *segment;
    struct vpr_work *work;
    struct vpr_restore restore;
    struct vpr_address servicer;
    char dir[256];
    uint64_t good, bad; /* tickets reported */
    uint64_t until;
};

static void on_done(void *arg, uint64_t ticket, bool ok)
{
    struct bench *b = arg;

    syncs_at_done = __atomic_load_n(&syncs_seen, __ATOMIC_SEQ_CST);
    *(ok ? &b->good : &b->bad) = ticket;
    if (ticket >= b->until) {
        vpr_loop_stop(b->loop);
    }
}

static const struct vpr_risk risk = VPR_RISK_DEFAULT;

static void bench_open(struct bench *b, enum vpr_leaf_sync sync, int (*fn)(int))
{
    const struct vpr_leaves_config config = {b->dir, sync, fn};
    struct vpr_err err;

    b->loop = vpr_loop_create();
    ck_assert_int_eq(vpr_leaves_create(&b->leaves, b->loop, &config, on_done, b, &err), VPR_OK);
    b->work = vpr_work_create(7, 70, 79, 2, &risk);
    b->restore = (struct vpr_restore){b->work, 0, 0};
    ck_assert_int_eq(vpr_leaves_open(&b->segment, b->leaves, 7, &b->servicer,
                                     vpr_restore_record, &b->restore, &err), VPR_OK);
}

static void bench_close(struct bench *b)
{
    vpr_leaves_destroy(b->leaves);
    vpr_work_destroy(b->work);
    vpr_loop_turn(b->loop);
    vpr_loop_destroy(b->loop);
}

static void wait_for(struct bench *b, uint64_t ticket)
{
    b->until = ticket;
    vpr_loop_run(b->loop);
}

static struct vpr_lane start_lane(struct bench *b, const struct keypair *client)
{
    const struct keypair gateway = keypair_of(1);
    const struct vpr_sid_info info = sid_info(1, 100000);
    const struct vpr_lane lane = {.client_key = client->key,
                                  .token = token_of(&info.sid, client, &gateway),
                                  .gateway_key = 3};

    ck_assert_uint_ne(vpr_leaves_append_sid(b->segment, &info), 0);
    ck_assert_uint_ne(vpr_leaves_append_token(b->segment, &lane), 0);
    return lane;
}

static uint64_t put_leaf(struct bench *b, const struct keypair *client, uint64_t seq,
                         uint64_t cum_cu)
{
    const struct vpr_sid_info info = sid_info(1, 100000);
    const struct vpr_signed_request request =
        request_of(&info.sid, &b->servicer, client, seq, cum_cu, 1);
    const struct vpr_leaf leaf = leaf_of(&request);

    return vpr_leaves_append_leaf(b->segment, &leaf);
}

static void check_books(struct bench *b, uint64_t leaves, uint64_t highest, uint64_t tail)
{
    const struct keypair client = keypair_of(2);
    const struct vpr_sid_info info = sid_info(1, 100000);
    const struct vpr_sid_work *sid = vpr_work_find(b->work, &info.sid);

    ck_assert_ptr_nonnull(sid);
    const struct vpr_lane *lane = vpr_sid_lane(sid, &client.key);
    ck_assert_ptr_nonnull(lane);
    ck_assert_uint_eq(b->restore.leaves, leaves);
    ck_assert_uint_eq(b->restore.skipped, 0);
    ck_assert_uint_eq(sid->answered_cu, leaves);
    ck_assert_uint_eq(lane->highest, highest);
    ck_assert_uint_eq(lane->gateway_key, 3);
    ck_assert_uint_eq(lane->tail.part.cum_cu, tail);
    ck_assert(!vpr_lane_seq_ok(lane, highest));
    ck_assert(vpr_lane_seq_ok(lane, highest + 1));
}

static void fill_segment(struct bench *b, uint64_t leaves)
{
    const struct keypair client = keypair_of(2);

    temp_dir(b->dir);
    bench_open(b, VPR_SYNC_GROUP, NULL);
    start_lane(b, &client);
    uint64_t last = 0;
    for (uint64_t i = 1; i <= leaves; i++) {
        last = put_leaf(b, &client, i, i);
    }
    wait_for(b, last);
    ck_assert_uint_eq(b->good, last);
    bench_close(b);
}

START_TEST(what_was_appended_comes_back_after_a_restart)
{
    struct bench b = {0};

    fill_segment(&b, 100);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    check_books(&b, 100, 100, 100);
    /* And appending goes on where it stopped. */
    const struct keypair client = keypair_of(2);
    wait_for(&b, put_leaf(&b, &client, 101, 101));
    bench_close(&b);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    check_books(&b, 101, 101, 101);
    bench_close(&b);
}
END_TEST

/* One sync for many: the first append does not start it, the loop's idleness or a full group
 * does. */
START_TEST(appends_wait_for_an_idle_loop_or_for_each_other)
{
    struct bench b = {0};
    const struct keypair client = keypair_of(2);

    temp_dir(b.dir);
    syncs_seen = 0;
    bench_open(&b, VPR_SYNC_GROUP, watched_sync);
    put_leaf(&b, &client, 1, 1);
    usleep(60000);
    ck_assert_int_eq(__atomic_load_n(&syncs_seen, __ATOMIC_SEQ_CST), 0);
    for (uint64_t seq = 2; seq <= 32; seq++) {
        put_leaf(&b, &client, seq, seq);
    }
    for (int i = 0; i < 500 && __atomic_load_n(&syncs_seen, __ATOMIC_SEQ_CST) == 0; i++) {
        usleep(10000);
    }
    ck_assert_int_ge(__atomic_load_n(&syncs_seen, __ATOMIC_SEQ_CST), 1);
    wait_for(&b, put_leaf(&b, &client, 33, 33)); /* alone, and soon the loop is idle */
    ck_assert_uint_eq(b.good, 33);
    bench_close(&b);
}
END_TEST

/* A claimed seq without an answer is used up after a restart too, in any order of the records
 * and whether it is above or below what was answered. */
START_TEST(a_used_seq_comes_back_as_used)
{
    struct bench b = {0};
    const struct keypair client = keypair_of(2);
    const struct keypair stranger = keypair_of(9);
    const struct vpr_sid_info info = sid_info(1, 100000);
    const uint64_t used[] = {2000, 900, 1001};

    fill_segment(&b, 3);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    const struct vpr_signed_request other =
        request_of(&info.sid, &b.servicer, &stranger, 7, 1, 1);
    ck_assert_uint_ne(vpr_leaves_append_used(b.segment, &other.part), 0);
    uint64_t last = 0;
    for (size_t i = 0; i < VPR_COUNT(used); i++) {
        const struct vpr_signed_request request =
            request_of(&info.sid, &b.servicer, &client, used[i], 4, 1);
        last = vpr_leaves_append_used(b.segment, &request.part);
    }
    wait_for(&b, last);
    bench_close(&b);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    const struct vpr_sid_work *sid = vpr_work_find(b.work, &info.sid);
    const struct vpr_lane *lane = vpr_sid_lane(sid, &client.key);
    ck_assert_uint_eq(lane->highest, 2000);
    ck_assert(!vpr_lane_seq_ok(lane, 2000));
    ck_assert(!vpr_lane_seq_ok(lane, 1001));
    ck_assert(vpr_lane_seq_ok(lane, 1999));
    ck_assert(vpr_lane_seq_ok(lane, 2001));
    ck_assert(!vpr_lane_seq_ok(lane, 976)); /* too old for the window */
    ck_assert_uint_eq(lane->tail.part.cum_cu, 3); /* nothing else is taken from it */
    ck_assert_uint_eq(sid->answered_cu, 3);
    ck_assert_uint_eq(sid->pending_cu, 0);
    ck_assert_uint_eq(b.restore.skipped, 1); /* of a key without a token */
    bench_close(&b);
}
END_TEST

START_TEST(a_tail_that_lies_in_no_leaf_is_kept)
{
    struct bench b = {0};
    const struct keypair client = keypair_of(2);
    const struct vpr_sid_info info = sid_info(1, 100000);

    fill_segment(&b, 3);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    const struct vpr_signed_request tail =
        request_of(&info.sid, &b.servicer, &client, 4, 44, 4);
    wait_for(&b, vpr_leaves_append_tail(b.segment, &tail));
    bench_close(&b);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    const struct vpr_sid_work *sid = vpr_work_find(b.work, &info.sid);
    const struct vpr_lane *lane = vpr_sid_lane(sid, &client.key);
    ck_assert_uint_eq(lane->tail.part.cum_cu, 44);
    ck_assert_uint_eq(sid->acked_cu, 40);
    ck_assert_uint_eq(sid->answered_cu, 3);
    ck_assert(vpr_lane_seq_ok(lane, 4)); /* as of a request refused with 8: not claimed */
    bench_close(&b);
}
END_TEST

static void path_of(const struct bench *b, char path[VPR_LEAVES_PATH_MAX])
{
    vpr_leaves_path(path, b->dir, 7);
}

static uint64_t end_of(const char *path)
{
    uint64_t session = 0;
    uint64_t end = 0;
    struct vpr_address servicer;
    struct vpr_err err;

    ck_assert_int_eq(vpr_leaves_scan(path, &session, &servicer, &end, NULL, NULL, &err),
                     VPR_OK);
    return end;
}

START_TEST(a_torn_last_record_is_cut_off_at_every_length)
{
    struct bench b = {0};
    char path[VPR_LEAVES_PATH_MAX];
    const uint64_t record = 9 + VPR_LEAF_BYTES;

    fill_segment(&b, 2);
    path_of(&b, path);
    const uint64_t whole = end_of(path);
    for (uint64_t cut = record; cut >= 1; cut--) {
        ck_assert_int_eq(truncate(path, (off_t)(whole - cut)), 0);
        bench_open(&b, VPR_SYNC_GROUP, NULL);
        check_books(&b, 1, 1, 1);
        const struct keypair client = keypair_of(2);
        wait_for(&b, put_leaf(&b, &client, 2, 2));
        bench_close(&b);
        ck_assert_uint_eq(end_of(path), whole);
    }
}
END_TEST

START_TEST(a_flipped_bit_ends_the_segment_there)
{
    struct bench b = {0};
    char path[VPR_LEAVES_PATH_MAX];
    uint8_t byte = 0;

    fill_segment(&b, 5);
    path_of(&b, path);
    const off_t at = (off_t)(end_of(path) - 2 * (9 + VPR_LEAF_BYTES) + 100);
    const int fd = open(path, O_RDWR);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    check_books(&b, 3, 3, 3);
    bench_close(&b);
}
END_TEST

START_TEST(a_foreign_file_is_refused_and_left_alone)
{
    struct bench b = {0};
    char path[VPR_LEAVES_PATH_MAX];
    struct vpr_err err;
    char junk[100];
    struct stat st;

    fill_segment(&b, 1);
    path_of(&b, path);
    const struct vpr_leaves_config config = {b.dir, VPR_SYNC_GROUP, NULL};
    b.loop = vpr_loop_create();
    ck_assert_int_eq(vpr_leaves_create(&b.leaves, b.loop, &config, on_done, &b, &err), VPR_OK);
    const struct vpr_address other = {{9}};
    ck_assert_int_eq(vpr_leaves_open(&b.segment, b.leaves, 7, &other, NULL, NULL, &err),
                     VPR_DENIED);
    memset(junk, 'x', sizeof junk);
    FILE *f = fopen(path, "w");
    fwrite(junk, 1, sizeof junk, f);
    fclose(f);
    ck_assert_int_eq(vpr_leaves_open(&b.segment, b.leaves, 7, &b.servicer, NULL, NULL, &err),
                     VPR_BAD_ENCODING);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, sizeof junk);
    vpr_leaves_destroy(b.leaves);
    vpr_loop_turn(b.loop);
    vpr_loop_destroy(b.loop);
}
END_TEST

START_TEST(done_comes_after_the_sync_and_many_appends_share_one)
{
    struct bench b = {0};
    const struct keypair client = keypair_of(2);

    temp_dir(b.dir);
    sync_fails_with = 0;
    syncs_seen = 0;
    bench_open(&b, VPR_SYNC_GROUP, watched_sync);
    start_lane(&b, &client);
    uint64_t last = 0;
    for (uint64_t i = 1; i <= 50; i++) {
        last = put_leaf(&b, &client, i, i);
    }
    ck_assert_uint_eq(b.good, 0);
    wait_for(&b, last);
    ck_assert_int_ge(syncs_at_done, 1);
    ck_assert_int_le(syncs_seen, 4);
    ck_assert_uint_eq(b.good, last);
    bench_close(&b);
}
END_TEST

START_TEST(sync_always_syncs_each_append)
{
    struct bench b = {0};
    const struct keypair client = keypair_of(2);

    temp_dir(b.dir);
    sync_fails_with = 0;
    syncs_seen = 0;
    bench_open(&b, VPR_SYNC_ALWAYS, watched_sync);
    start_lane(&b, &client);
    wait_for(&b, put_leaf(&b, &client, 1, 1));
    ck_assert_int_eq(syncs_seen, 3);
    bench_close(&b);
}
END_TEST

START_TEST(a_full_disk_fails_the_appends_in_hand_and_keeps_the_rest_whole)
{
    struct bench b = {0};
    const struct keypair client = keypair_of(2);

    temp_dir(b.dir);
    sync_fails_with = 0;
    bench_open(&b, VPR_SYNC_GROUP, watched_sync);
    start_lane(&b, &client);
    wait_for(&b, put_leaf(&b, &client, 1, 1));
    sync_fails_with = ENOSPC;
    const uint64_t lost = put_leaf(&b, &client, 2, 2);
    wait_for(&b, lost);
    ck_assert_uint_eq(b.bad, lost);
    ck_assert_uint_lt(b.good, lost);
    ck_assert(!vpr_leaves_accepting(b.leaves));
    ck_assert_uint_eq(put_leaf(&b, &client, 3, 3), 0);

    sync_fails_with = 0;
    for (int i = 0; i < 300 && !vpr_leaves_accepting(b.leaves); i++) {
        usleep(10000);
        vpr_loop_turn(b.loop);
    }
    wait_for(&b, put_leaf(&b, &client, 4, 4));
    bench_close(&b);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    check_books(&b, 2, 4, 4);
    bench_close(&b);
}
END_TEST

/* The child reports each leaf after its sync; killed at some moment, every reported leaf
 * must be in the file. */
static void child_appends(struct bench *b, int out)
{
    const struct keypair client = keypair_of(2);

    bench_open(b, VPR_SYNC_GROUP, NULL);
    const uint64_t base = b->restore.leaves;
    if (base == 0) {
        start_lane(b, &client);
    }
    for (uint64_t i = base + 1; i < base + 100000; i += 3) {
        put_leaf(b, &client, i, i);
        put_leaf(b, &client, i + 1, i + 1);
        wait_for(b, put_leaf(b, &client, i + 2, i + 2));
        const uint64_t told = i + 2;
        if (write(out, &told, sizeof told) != sizeof told) {
            _exit(1);
        }
    }
    _exit(0);
}

START_TEST(kill_9_in_mid_append_loses_nothing_that_was_reported)
{
    struct bench b = {0};
    uint64_t told = 0;

    temp_dir(b.dir);
    for (int round = 0; round < 20; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        const pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            child_appends(&b, ends[1]);
        }
        close(ends[1]);
        uint64_t value = 0;
        /* The first report, however busy the machine; then a little more each round. */
        ck_assert_int_eq(read(ends[0], &value, sizeof value), sizeof value);
        told = value;
        usleep((useconds_t)(round * 1700));
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        while (read(ends[0], &value, sizeof value) == sizeof value) {
            told = value;
        }
        close(ends[0]);
        bench_open(&b, VPR_SYNC_GROUP, NULL);
        ck_assert_uint_eq(b.restore.skipped, 0);
        ck_assert_uint_ge(b.restore.leaves, told);
        bench_close(&b);
    }
    ck_assert_uint_gt(told, 0);
}
END_TEST

START_TEST(a_settled_session_leaves_no_file)
{
    struct bench b = {0};
    uint64_t found[8];

    fill_segment(&b, 4);
    ck_assert_uint_eq(vpr_leaves_list(b.dir, found, 8), 1);
    ck_assert_uint_eq(found[0], 7);
    bench_open(&b, VPR_SYNC_GROUP, NULL);
    vpr_leaves_delete(b.segment);
    ck_assert_uint_eq(vpr_leaves_list(b.dir, found, 8), 0);
    bench_close(&b);
}
END_TEST

START_TEST(crc32c_is_the_published_one)
{
    ck_assert_uint_eq(vpr_crc32c("123456789", 9), 0xe3069283);
    ck_assert_uint_eq(vpr_crc32c("", 0), 0);
}
END_TEST

Suite *suite_leaves(void)
{
    Suite *suite = suite_create("leaves");
    TCase *tests = tcase_create("leaves");

    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, what_was_appended_comes_back_after_a_restart);
    tcase_add_test(tests, appends_wait_for_an_idle_loop_or_for_each_other);
    tcase_add_test(tests, a_tail_that_lies_in_no_leaf_is_kept);
    tcase_add_test(tests, a_used_seq_comes_back_as_used);
    tcase_add_test(tests, a_torn_last_record_is_cut_off_at_every_length);
    tcase_add_test(tests, a_flipped_bit_ends_the_segment_there);
    tcase_add_test(tests, a_foreign_file_is_refused_and_left_alone);
    tcase_add_test(tests, done_comes_after_the_sync_and_many_appends_share_one);
    tcase_add_test(tests, sync_always_syncs_each_append);
    tcase_add_test(tests, a_full_disk_fails_the_appends_in_hand_and_keeps_the_rest_whole);
    tcase_add_test(tests, kill_9_in_mid_append_loses_nothing_that_was_reported);
    tcase_add_test(tests, a_settled_session_leaves_no_file);
    tcase_add_test(tests, crc32c_is_the_published_one);
    suite_add_tcase(suite, tests);
    return suite;
}
