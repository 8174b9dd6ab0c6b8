/* A process killed in the middle of its commits: what was acknowledged is there, and nothing
 * is there by halves. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "tests/unit/store/suites.h"
#include "tests/unit/store/world.h"

#define KILLS 12

/* Commits for ever, and says each height when it is durable. */
static void commit_for_ever(const char *path, int out)
{
    struct vpr_store *store = world_rocksdb(path);
    for (uint64_t h = vpr_store_height(store) + 1;; h++) {
        world_block(store, h);
        vpr_store_commit(store, h);
        if (write(out, &h, sizeof h) != sizeof h) {
            _exit(1);
        }
    }
}

/* Lets the child work for a random while, then kills it; the last height it said. */
static uint64_t run_and_kill(const char *path, struct luck *luck, uint64_t last)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(ends[0]);
        commit_for_ever(path, ends[1]);
        _exit(1);
    }
    (void)close(ends[1]);
    uint64_t height, first = last;
    while (read(ends[0], &height, sizeof height) == sizeof height) {
        ck_assert_uint_eq(height, last + 1);
        last = height;
        if (last == first + 1) { /* it works: now at any moment */
            (void)usleep((useconds_t)luck_below(luck, 60000));
            ck_assert_int_eq(kill(pid, SIGKILL), 0);
        }
    }
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %d", status);
    return last;
}

START_TEST(a_killed_process_loses_no_commit_and_leaves_no_half)
{
    struct luck luck = luck_seeded("crash");
    struct vpr_arena arena;
    vpr_arena_init(&arena, 1 << 16);
    char *path = world_dir(&arena), err[256];
    struct vpr_store *twin = world_memory();
    uint64_t said = 0;
    for (size_t i = 0; i < KILLS; i++) {
        said = run_and_kill(path, &luck, said);
        /* Opening rebuilds every trie and compares with the app hash. */
        struct vpr_store *store = world_rocksdb(path);
        uint64_t height = vpr_store_height(store);
        ck_assert_uint_ge(height, said);
        ck_assert_uint_le(height, said + 1);
        for (uint64_t h = vpr_store_height(twin) + 1; h <= height; h++) {
            world_block(twin, h);
            vpr_store_commit(twin, h);
        }
        struct vpr_hash have = vpr_store_app_hash(store), want = vpr_store_app_hash(twin);
        ck_assert(vpr_hash_equal(&have, &want));
        if (i % 3 == 2 && height > 5) { /* its undo records are whole as well */
            ck_assert_msg(vpr_store_rollback(store, height - 5, err, sizeof err), "%s", err);
            ck_assert_msg(vpr_store_rollback(twin, height - 5, err, sizeof err), "%s", err);
            height -= 5;
        }
        vpr_store_close(store);
        said = height;
    }
    printf("crash: killed %d times, at height %" PRIu64 " now\n", KILLS, said);
    vpr_store_close(twin);
    world_dir_remove(path);
    vpr_arena_finish(&arena);
}
END_TEST

Suite *crash_suite(void)
{
    Suite *suite = suite_create("crash");
    TCase *tests = tcase_create("crash");
    tcase_set_timeout(tests, 600); /* fsync after fsync, on a busy disk */
    tcase_add_test(tests, a_killed_process_loses_no_commit_and_leaves_no_half);
    suite_add_tcase(suite, tests);
    return suite;
}
