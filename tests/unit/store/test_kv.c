/* Both kvs keep one contract; and RocksDB says in a sentence why it cannot be opened. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "tests/unit/store/suites.h"
#include "tests/unit/store/world.h"

static struct vpr_arena arena;
static char *path;

static void setup(void)
{
    vpr_arena_init(&arena, 64 << 20);
    path = world_dir(&arena);
}

static void teardown(void)
{
    world_dir_remove(path);
    vpr_arena_finish(&arena);
}

static struct vpr_kv *open_disk(void)
{
    char err[256] = "";
    struct vpr_kv *kv = vpr_kv_rocksdb_open(path, err, sizeof err);
    ck_assert_msg(kv != NULL, "%s", err);
    return kv;
}

static struct vpr_bytes luck_key(struct luck *luck)
{
    static const uint8_t letters[] = {0x00, 'a', 0xFF};
    uint8_t key[4];
    size_t len = 1 + luck_below(luck, 4);
    for (size_t i = 0; i < len; i++) {
        key[i] = letters[luck_below(luck, sizeof letters)];
    }
    return vpr_arena_bytes(&arena, vpr_bytes_of(key, len));
}

static void compare(struct vpr_kv *a, void *sa, struct vpr_kv *d, void *sd, struct luck *luck)
{
    enum vpr_kv_column column = (enum vpr_kv_column)luck_below(luck, VPR_KV_COLUMNS);
    struct vpr_bytes key = luck_key(luck), va, vd, ka, kd;
    bool found = a->get(a->self, sa, column, &arena, key, &va);
    ck_assert_int_eq(d->get(d->self, sd, column, &arena, key, &vd), found);
    ck_assert(!found || vpr_bytes_equal(va, vd));
    bool backward = luck_below(luck, 2) == 0;
    for (size_t i = 0; i < 6; i++) {
        found = a->seek(a->self, sa, column, backward, &arena, key, &ka, &va);
        ck_assert_int_eq(d->seek(d->self, sd, column, backward, &arena, key, &kd, &vd), found);
        if (!found) {
            return;
        }
        ck_assert(vpr_bytes_equal(ka, kd));
        ck_assert(vpr_bytes_equal(va, vd));
        key = backward ? vpr_state_before(&arena, ka) : vpr_state_after(&arena, ka);
    }
}

START_TEST(memory_and_disk_answer_alike)
{
    struct luck luck = luck_seeded("kv");
    struct vpr_kv *a = vpr_kv_memory_open(), *d = open_disk();
    void *snapshots[5][2] = {{NULL}};
    for (size_t round = 0; round < 400; round++) {
        struct vpr_kv_write writes[30];
        size_t count = luck_below(&luck, 30);
        for (size_t i = 0; i < count; i++) {
            writes[i].column = (enum vpr_kv_column)luck_below(&luck, VPR_KV_COLUMNS);
            writes[i].key = luck_key(&luck);
            writes[i].value = luck_below(&luck, 2) == 0 ? luck_key(&luck)
                                                        : (struct vpr_bytes){NULL, 0};
        }
        a->commit(a->self, writes, count);
        d->commit(d->self, writes, count);
        size_t s = luck_below(&luck, 5);
        if (snapshots[s][0] == NULL) {
            snapshots[s][0] = a->snapshot(a->self);
            snapshots[s][1] = d->snapshot(d->self);
        } else {
            compare(a, snapshots[s][0], d, snapshots[s][1], &luck);
            a->release(a->self, snapshots[s][0]);
            d->release(d->self, snapshots[s][1]);
            snapshots[s][0] = NULL;
        }
        for (size_t i = 0; i < 10; i++) {
            compare(a, NULL, d, NULL, &luck);
        }
        vpr_arena_release(&arena, 64);
    }
    for (size_t s = 0; s < 5; s++) {
        if (snapshots[s][0] != NULL) {
            a->release(a->self, snapshots[s][0]);
            d->release(d->self, snapshots[s][1]);
        }
    }
    vpr_kv_close(a);
    vpr_kv_close(d);
}
END_TEST

static void collect_each(void *arg, struct vpr_bytes key, struct vpr_bytes value)
{
    char **text = arg;
    *text = vpr_arena_text(&arena, "%s%.*s=%.*s ", *text, (int)key.len, (const char *)key.data,
                           (int)value.len, (const char *)value.data);
}

START_TEST(disk_keeps_everything_in_order_over_a_restart)
{
    struct vpr_kv *kv = open_disk();
    const struct vpr_kv_write writes[] = {
        {VPR_KV_STATE, vpr_bytes_str("b"), vpr_bytes_str("2")},
        {VPR_KV_META, vpr_bytes_str("m"), vpr_bytes_str("0")},
        {VPR_KV_STATE, vpr_bytes_str("a"), vpr_bytes_str("1")},
        {VPR_KV_STATE, vpr_bytes_str("c"), vpr_bytes_str("3")},
        {VPR_KV_STATE, vpr_bytes_str("b"), {NULL, 0}},
    };
    kv->commit(kv->self, writes, VPR_COUNT(writes));
    vpr_kv_close(kv);
    kv = open_disk();
    char *text = "";
    kv->scan(kv->self, VPR_KV_STATE, collect_each, &text);
    ck_assert_str_eq(text, "a=1 c=3 ");
    text = "";
    kv->scan(kv->self, VPR_KV_META, collect_each, &text);
    ck_assert_str_eq(text, "m=0 ");
    vpr_kv_close(kv);
}
END_TEST

static bool has_table(void)
{
    DIR *dir = opendir(path);
    bool found = false;

    ck_assert_ptr_nonnull(dir);
    for (const struct dirent *e; !found && (e = readdir(dir)) != NULL;) {
        const size_t len = strlen(e->d_name);
        found = len > 4 && strcmp(e->d_name + len - 4, ".sst") == 0;
    }
    closedir(dir);
    return found;
}

/* What was written lies in memory until it is a table on disk: 24 MiB are more than is kept of
 * a column, so that days of small blocks do not add up to hundreds. */
START_TEST(memory_of_what_was_written_is_bounded)
{
    static uint8_t value[1 << 20];
    struct vpr_kv *kv = open_disk();
    struct luck luck = {42};
    char key[8];

    for (size_t i = 0; i < sizeof value; i++) {
        value[i] = (uint8_t)luck_below(&luck, 256);
    }
    for (int i = 0; i < 24; i++) {
        snprintf(key, sizeof key, "%d", i);
        const struct vpr_kv_write write = {VPR_KV_STATE, vpr_bytes_str(key),
                                           vpr_bytes_of(value, sizeof value)};
        kv->commit(kv->self, &write, 1);
    }
    for (int i = 0; i < 600 && !has_table(); i++) {
        usleep(50000);
    }
    ck_assert_msg(has_table(), "24 MiB are still in memory");
    vpr_kv_close(kv);
}
END_TEST

START_TEST(a_lock_held_by_another_is_named)
{
    struct vpr_kv *kv = open_disk();
    char err[256] = "";
    ck_assert_ptr_null(vpr_kv_rocksdb_open(path, err, sizeof err));
    ck_assert_msg(strstr(err, "is in use by another process") != NULL, "%s", err);
    ck_assert_msg(strstr(err, path) != NULL, "%s", err);
    vpr_kv_close(kv);
}
END_TEST

START_TEST(a_foreign_directory_is_left_alone)
{
    char err[256] = "", *file = vpr_arena_text(&arena, "%s/letter.txt", path);
    FILE *out = fopen(file, "w");
    ck_assert(out != NULL && fputs("dear all", out) >= 0 && fclose(out) == 0);
    ck_assert_ptr_null(vpr_kv_rocksdb_open(path, err, sizeof err));
    ck_assert_str_eq(err, vpr_arena_text(&arena, "%s holds other files and no store", path));
    ck_assert_ptr_null(vpr_kv_rocksdb_open(file, err, sizeof err)); /* not even a directory */
    ck_assert_msg(strstr(err, "cannot open the store in") != NULL, "%s", err);
}
END_TEST

/* ---- looking beside the writer ---- */

static struct vpr_kv *look(void)
{
    char err[256] = "";
    struct vpr_kv *kv = vpr_kv_rocksdb_look(path, err, sizeof err);
    ck_assert_msg(kv != NULL, "%s", err);
    return kv;
}

/* Names, sizes and times of all files. */
static char *files_of(void)
{
    struct dirent **list;
    char *text = "";
    int count = scandir(path, &list, NULL, alphasort);
    ck_assert_int_gt(count, 2);
    for (int i = 0; i < count; i++) {
        struct stat st;
        ck_assert_int_eq(stat(vpr_arena_text(&arena, "%s/%s", path, list[i]->d_name), &st), 0);
        if (list[i]->d_name[0] != '.') {
            text = vpr_arena_text(&arena, "%s%s %lld %lld.%09ld\n", text, list[i]->d_name,
                                  (long long)st.st_size, (long long)st.st_mtim.tv_sec,
                                  st.st_mtim.tv_nsec);
        }
        free(list[i]);
    }
    free(list);
    return text;
}

static void put_one(struct vpr_kv *kv, const char *key, const char *value)
{
    const struct vpr_kv_write writes[] = {
        {VPR_KV_STATE, vpr_bytes_str(key), vpr_bytes_str(value)},
        {VPR_KV_META, vpr_bytes_str("last"), vpr_bytes_str(key)},
    };
    kv->commit(kv->self, writes, VPR_COUNT(writes));
}

static const char *all_of(struct vpr_kv *kv, enum vpr_kv_column column)
{
    char *text = "";
    kv->scan(kv->self, column, collect_each, &text);
    return text;
}

START_TEST(looking_takes_no_lock_and_writes_nothing)
{
    char err[256] = "";
    struct vpr_bytes value;
    struct vpr_kv *kv = open_disk();
    put_one(kv, "a", "1");
    put_one(kv, "b", "2"); /* of both nothing is in a table yet */
    const char *before = files_of();
    struct vpr_kv *seen = look();
    void *snapshot = seen->snapshot(seen->self);
    ck_assert_str_eq(all_of(seen, VPR_KV_STATE), "a=1 b=2 ");
    ck_assert_str_eq(all_of(seen, VPR_KV_META), "last=b ");
    ck_assert(seen->get(seen->self, snapshot, VPR_KV_STATE, &arena, vpr_bytes_str("b"), &value));
    seen->release(seen->self, snapshot);
    ck_assert_str_eq(files_of(), before);
    ck_assert_ptr_null(vpr_kv_rocksdb_open(path, err, sizeof err)); /* the writer's lock stands */
    put_one(kv, "c", "3");
    ck_assert_str_eq(all_of(seen, VPR_KV_STATE), "a=1 b=2 ");
    vpr_kv_close(seen);
    seen = look();
    ck_assert_str_eq(all_of(seen, VPR_KV_STATE), "a=1 b=2 c=3 ");
    vpr_kv_close(seen);
    vpr_kv_close(kv);
    before = files_of();
    seen = look(); /* at rest */
    ck_assert_str_eq(all_of(seen, VPR_KV_META), "last=c ");
    vpr_kv_close(seen);
    ck_assert_str_eq(files_of(), before);
}
END_TEST

START_TEST(looking_makes_no_store)
{
    char err[256] = "", *none = vpr_arena_text(&arena, "%s/none", path);
    ck_assert_ptr_null(vpr_kv_rocksdb_look(path, err, sizeof err));
    ck_assert_msg(strstr(err, "cannot open the store in") != NULL, "%s", err);
    ck_assert_ptr_null(vpr_kv_rocksdb_look(none, err, sizeof err));
    ck_assert_int_ne(access(none, F_OK), 0);
    ck_assert_int_eq(rmdir(path), 0); /* nothing is in it */
    ck_assert_int_eq(mkdir(path, 0700), 0);
}
END_TEST

START_TEST(a_store_for_looking_halts_at_a_commit)
{
    int status;
    vpr_kv_close(open_disk());
    pid_t writer = fork();
    ck_assert_int_ge(writer, 0);
    if (writer == 0) {
        put_one(look(), "a", "1");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    struct vpr_kv *kv = look();
    ck_assert_str_eq(all_of(kv, VPR_KV_STATE), "");
    vpr_kv_close(kv);
}
END_TEST

/* Batches of 256 KiB until nobody listens: each 64th fills a buffer, becomes a table, and its
 * log goes. */
static void write_on(int listener)
{
    static uint8_t filler[256 << 10];
    struct vpr_kv *kv = open_disk();
    struct luck luck = {43};
    for (size_t i = 0; i < sizeof filler; i++) {
        filler[i] = (uint8_t)luck_below(&luck, 256);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    for (uint32_t i = 1; write(listener, "!", 1) == 1; i++) {
        uint8_t number[4];
        vpr_put_be32(number, i);
        const struct vpr_kv_write writes[] = {
            {VPR_KV_STATE, vpr_bytes_str("filler"), vpr_bytes_of(filler, sizeof filler)},
            {VPR_KV_STATE, vpr_bytes_str("last"), vpr_bytes_of(number, sizeof number)},
            {VPR_KV_STATE, vpr_bytes_of(number, sizeof number), vpr_bytes_str("x")},
        };
        kv->commit(kv->self, writes, VPR_COUNT(writes));
        usleep(5000);
    }
    vpr_kv_close(kv);
}

#define LOOKS 20
/* Every batch up to the last one that shows is there; that one. */
static uint32_t last_seen(void)
{
    struct vpr_kv *kv = look();
    struct vpr_bytes value;
    uint32_t last = 0;
    size_t mark = vpr_arena_mark(&arena);
    if (kv->get(kv->self, NULL, VPR_KV_STATE, &arena, vpr_bytes_str("last"), &value)) {
        last = vpr_get_be32(value.data);
    }
    for (uint32_t i = 1; i <= last; i++) {
        uint8_t number[4];
        vpr_put_be32(number, i);
        ck_assert_msg(kv->get(kv->self, NULL, VPR_KV_STATE, &arena,
                              vpr_bytes_of(number, sizeof number), &value),
                      "batch %u of %u is missing", i, last);
        vpr_arena_release(&arena, mark);
    }
    vpr_kv_close(kv);
    return last;
}

START_TEST(looking_while_logs_and_tables_go_misses_no_batch)
{
    uint32_t last = 0;
    int status = 0, ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t writer = fork(); /* before this process has threads of RocksDB, which do not fork */
    ck_assert_int_ge(writer, 0);
    if (writer == 0) {
        (void)close(ends[0]);
        write_on(ends[1]);
        _exit(0);
    }
    (void)close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1); /* the store is there */
    for (int i = 0; i < LOOKS; i++) {
        uint32_t seen = last_seen();
        ck_assert_uint_ge(seen, last);
        last = seen;
    }
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(writer, &status, 0), writer);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert(has_table());
    ck_assert_uint_ge(last_seen(), last);
}
END_TEST

/* ---- a store opened over what somebody else did to its data ---- */

static struct vpr_store *reopen(const char *const *names, size_t count, char *err, size_t size)
{
    return vpr_store_open(open_disk(), names, count, err, size);
}

static void commit_three(void)
{
    struct vpr_store *store = world_rocksdb(path);
    for (uint64_t h = 1; h <= 3; h++) {
        world_block(store, h);
        vpr_store_commit(store, h);
    }
    vpr_store_close(store);
}

START_TEST(a_store_opens_where_it_was_closed)
{
    struct vpr_store *twin = world_memory();
    char err[256];
    for (uint64_t h = 1; h <= 12; h++) {
        struct vpr_store *store = world_rocksdb(path);
        ck_assert_uint_eq(vpr_store_height(store), h - 1);
        struct vpr_hash a = vpr_store_app_hash(store), b = vpr_store_app_hash(twin);
        ck_assert(vpr_hash_equal(&a, &b));
        world_block(store, h);
        world_block(twin, h);
        vpr_store_commit(store, h);
        vpr_store_commit(twin, h);
        vpr_store_close(store);
    }
    struct vpr_store *store = world_rocksdb(path); /* undo records outlive a restart */
    ck_assert_msg(vpr_store_rollback(store, 4, err, sizeof err), "%s", err);
    ck_assert_msg(vpr_store_rollback(twin, 4, err, sizeof err), "%s", err);
    struct vpr_hash want = vpr_store_app_hash(twin);
    vpr_store_close(store);
    store = world_rocksdb(path);
    struct vpr_hash have = vpr_store_app_hash(store);
    ck_assert_uint_eq(vpr_store_height(store), 4);
    ck_assert(vpr_hash_equal(&have, &want));
    vpr_store_close(store);
    vpr_store_close(twin);
}
END_TEST

START_TEST(one_changed_byte_of_state_is_found_at_the_start)
{
    char err[256] = "";
    commit_three();
    struct vpr_kv *kv = open_disk();
    const struct vpr_kv_write bad = {VPR_KV_STATE, vpr_bytes_str("\x01height"),
                                     vpr_bytes_str("\x01")};
    kv->commit(kv->self, &bad, 1);
    vpr_kv_close(kv);
    ck_assert_ptr_null(reopen(world_names, WORLD_STORES, err, sizeof err));
    ck_assert_msg(strstr(err, "state of height 3 is damaged: store meta has ") == err, "%s",
                  err);
}
END_TEST

START_TEST(a_key_nobody_committed_is_found_at_the_start)
{
    char err[256] = "";
    commit_three();
    struct vpr_kv *kv = open_disk();
    const struct vpr_kv_write bad = {VPR_KV_STATE, vpr_bytes_str("\x09x"), vpr_bytes_str("y")};
    kv->commit(kv->self, &bad, 1);
    vpr_kv_close(kv);
    ck_assert_ptr_null(reopen(world_names, WORLD_STORES, err, sizeof err));
    ck_assert_str_eq(err, "the state holds keys no commit wrote; restore it from a copy");
}
END_TEST

START_TEST(other_stores_than_the_data_has_are_refused)
{
    static const char *const others[] = {"accounts", "metal", "servicers"};
    char err[256] = "";
    commit_three();
    ck_assert_ptr_null(reopen(others, 3, err, sizeof err));
    ck_assert_msg(strstr(err, "the data was written with other stores") == err, "%s", err);
    ck_assert_ptr_null(reopen(world_names, 2, err, sizeof err));
    ck_assert_str_eq(err, "the data was written with other stores: 3 of them, now 2");
    struct vpr_store *store = world_rocksdb(path); /* and nothing was harmed */
    ck_assert_uint_eq(vpr_store_height(store), 3);
    vpr_store_close(store);
}
END_TEST

START_TEST(a_damaged_record_of_where_it_stands_is_refused)
{
    char err[256] = "";
    commit_three();
    struct vpr_kv *kv = open_disk();
    struct vpr_bytes record;
    ck_assert(kv->get(kv->self, NULL, VPR_KV_META, &arena, vpr_bytes_str("state"), &record));
    struct vpr_kv_write bad = {VPR_KV_META, vpr_bytes_str("state"),
                               vpr_bytes_of(record.data, record.len - 1)};
    kv->commit(kv->self, &bad, 1);
    vpr_kv_close(kv);
    ck_assert_ptr_null(reopen(world_names, WORLD_STORES, err, sizeof err));
    ck_assert_str_eq(err, "the store's record of where it stands cannot be read");
    kv = open_disk();
    uint8_t *other = vpr_arena_copy(&arena, record.data, record.len);
    other[12] ^= 1; /* the app hash */
    bad.value = vpr_bytes_of(other, record.len);
    kv->commit(kv->self, &bad, 1);
    vpr_kv_close(kv);
    ck_assert_ptr_null(reopen(world_names, WORLD_STORES, err, sizeof err));
    ck_assert_str_eq(err, "the record of height 3 is damaged: its app hash is not that of its "
                          "roots");
}
END_TEST

Suite *kv_suite(void)
{
    Suite *suite = suite_create("kv");
    TCase *tests = tcase_create("kv");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, memory_and_disk_answer_alike);
    tcase_add_test(tests, disk_keeps_everything_in_order_over_a_restart);
    tcase_add_test(tests, memory_of_what_was_written_is_bounded);
    tcase_add_test(tests, a_lock_held_by_another_is_named);
    tcase_add_test(tests, a_foreign_directory_is_left_alone);
    tcase_add_test(tests, looking_takes_no_lock_and_writes_nothing);
    tcase_add_test(tests, looking_makes_no_store);
    tcase_add_test(tests, a_store_for_looking_halts_at_a_commit);
    tcase_add_test(tests, looking_while_logs_and_tables_go_misses_no_batch);
    tcase_add_test(tests, a_store_opens_where_it_was_closed);
    tcase_add_test(tests, one_changed_byte_of_state_is_found_at_the_start);
    tcase_add_test(tests, a_key_nobody_committed_is_found_at_the_start);
    tcase_add_test(tests, other_stores_than_the_data_has_are_refused);
    tcase_add_test(tests, a_damaged_record_of_where_it_stands_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
