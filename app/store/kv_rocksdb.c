/* Compiled apart: RocksDB's header speaks a language pure.h does not admit. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <rocksdb/c.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/store/kv.h"

#define CACHE_BYTES (UINT64_C(128) << 20)
#define WAL_BYTES_MAX (UINT64_C(512) << 20)
/* What was written and is not in a table yet lies in memory: at most three buffers a column, so
 * 100 MiB in all.  Days of small blocks fill them as surely as one of large ones. */
#define BUFFERS_MAX 3
#define STATE_BUFFER_BYTES (UINT64_C(16) << 20)
#define OTHER_BUFFER_BYTES (UINT64_C(8) << 20)
#define SCAN_READAHEAD (UINT64_C(2) << 20)
#define LOOKS_MAX 10
#define POINT_IN_TIME 2 /* WAL recovery: whole batches up to the first torn one */

static const char *const column_names[VPR_KV_COLUMNS] = {"default", "keyindex", "undo", "meta"};

/* An iterator kept between calls: a walk that goes on where it stopped needs no new seek. */
struct cursor {
    rocksdb_iterator_t *it; /* over the state column, or NULL */
    bool stands;            /* on the pair returned last */
};

struct snapshot {
    const rocksdb_snapshot_t *of;
    rocksdb_readoptions_t *options;
    pthread_mutex_t lock; /* over the cursor; whoever finds it taken makes his own */
    struct cursor cursor;
};

struct disk {
    struct vpr_kv face;
    rocksdb_t *db;
    rocksdb_options_t *options;                 /* of the database */
    rocksdb_options_t *column_options[VPR_KV_COLUMNS];
    rocksdb_block_based_table_options_t *tables[2]; /* with a filter, without */
    rocksdb_cache_t *cache;
    rocksdb_column_family_handle_t *columns[VPR_KV_COLUMNS];
    rocksdb_readoptions_t *newest;
    rocksdb_writeoptions_t *synced;
    rocksdb_writebatch_t *batch;
    struct cursor cursor; /* the owner's */
};

static void check(char *err)
{
    if (err != NULL) {
        char text[512];
        (void)snprintf(text, sizeof text, "RocksDB: %s", err);
        VPR_HALT(text);
    }
}

static void *take(void *self)
{
    struct disk *d = self;
    struct snapshot *s = vpr_mem_alloc(sizeof *s);
    s->of = rocksdb_create_snapshot(d->db);
    s->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(s->options, s->of);
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        VPR_HALT("no mutex");
    }
    return s;
}

static void drop(struct cursor *cursor)
{
    if (cursor->it != NULL) {
        rocksdb_iter_destroy(cursor->it);
    }
    cursor->it = NULL;
    cursor->stands = false;
}

static void release(void *self, void *snapshot)
{
    struct disk *d = self;
    struct snapshot *s = snapshot;
    drop(&s->cursor);
    rocksdb_readoptions_destroy(s->options);
    rocksdb_release_snapshot(d->db, s->of);
    (void)pthread_mutex_destroy(&s->lock);
    vpr_mem_free(s);
}

static const rocksdb_readoptions_t *options_of(const struct disk *d, const void *snapshot)
{
    return snapshot == NULL ? d->newest : ((const struct snapshot *)snapshot)->options;
}

static bool get(void *self, void *snapshot, enum vpr_kv_column column, struct vpr_arena *arena,
                struct vpr_bytes key, struct vpr_bytes *ret_value)
{
    struct disk *d = self;
    char *err = NULL;
    rocksdb_pinnableslice_t *slice =
        rocksdb_get_pinned_cf(d->db, options_of(d, snapshot), d->columns[column],
                              (const char *)key.data, key.len, &err);
    check(err);
    if (slice == NULL) {
        return false;
    }
    size_t len;
    const char *value = rocksdb_pinnableslice_value(slice, &len);
    *ret_value = vpr_arena_bytes(arena, vpr_bytes_of(value, len));
    rocksdb_pinnableslice_destroy(slice);
    return true;
}

static struct vpr_bytes key_at(const rocksdb_iterator_t *it)
{
    size_t len;
    const char *key = rocksdb_iter_key(it, &len);
    return vpr_bytes_of(key, len);
}

static struct vpr_bytes value_at(const rocksdb_iterator_t *it)
{
    size_t len;
    const char *value = rocksdb_iter_value(it, &len);
    return vpr_bytes_of(value, len);
}

/* Whether `from` is the smallest key after the one the cursor stands on. */
static bool goes_on(const struct cursor *cursor, struct vpr_bytes from)
{
    if (!cursor->stands) {
        return false;
    }
    struct vpr_bytes key = key_at(cursor->it);
    return from.len == key.len + 1 && from.data[key.len] == 0 &&
           memcmp(from.data, key.data, key.len) == 0;
}

static bool move(struct cursor *cursor, bool backward, struct vpr_arena *arena,
                 struct vpr_bytes from, struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    if (backward) {
        rocksdb_iter_seek_for_prev(cursor->it, (const char *)from.data, from.len);
    } else if (goes_on(cursor, from)) {
        rocksdb_iter_next(cursor->it);
    } else {
        rocksdb_iter_seek(cursor->it, (const char *)from.data, from.len);
    }
    cursor->stands = rocksdb_iter_valid(cursor->it) != 0;
    if (!cursor->stands) {
        char *err = NULL;
        rocksdb_iter_get_error(cursor->it, &err);
        check(err);
        return false;
    }
    *ret_key = vpr_arena_bytes(arena, key_at(cursor->it));
    *ret_value = vpr_arena_bytes(arena, value_at(cursor->it));
    return true;
}

static bool seek(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                 struct vpr_arena *arena, struct vpr_bytes from, struct vpr_bytes *ret_key,
                 struct vpr_bytes *ret_value)
{
    struct disk *d = self;
    struct snapshot *s = snapshot;
    struct cursor own = {NULL, false};
    struct cursor *cursor = &own;
    if (column == VPR_KV_STATE && s == NULL) {
        cursor = &d->cursor;
    } else if (column == VPR_KV_STATE && pthread_mutex_trylock(&s->lock) == 0) {
        cursor = &s->cursor;
    }
    if (cursor->it == NULL) {
        cursor->it =
            rocksdb_create_iterator_cf(d->db, options_of(d, snapshot), d->columns[column]);
    }
    bool found = move(cursor, backward, arena, from, ret_key, ret_value);
    if (cursor == &own) {
        drop(&own);
    } else if (s != NULL) {
        (void)pthread_mutex_unlock(&s->lock);
    }
    return found;
}

static void scan(void *self, enum vpr_kv_column column,
                 void (*each)(void *arg, struct vpr_bytes key, struct vpr_bytes value),
                 void *arg)
{
    struct disk *d = self;
    rocksdb_readoptions_t *options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_fill_cache(options, 0);
    rocksdb_readoptions_set_readahead_size(options, SCAN_READAHEAD);
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(d->db, options, d->columns[column]);
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it)) {
        each(arg, key_at(it), value_at(it));
    }
    char *err = NULL;
    rocksdb_iter_get_error(it, &err);
    check(err);
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(options);
}

static void commit(void *self, const struct vpr_kv_write *writes, size_t count)
{
    struct disk *d = self;
    char *err = NULL;
    rocksdb_writebatch_clear(d->batch);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_kv_write *one = &writes[i];
        if (one->value.data == NULL) {
            rocksdb_writebatch_delete_cf(d->batch, d->columns[one->column],
                                         (const char *)one->key.data, one->key.len);
        } else {
            rocksdb_writebatch_put_cf(d->batch, d->columns[one->column],
                                      (const char *)one->key.data, one->key.len,
                                      (const char *)one->value.data, one->value.len);
        }
    }
    drop(&d->cursor); /* it would go on showing the state before */
    rocksdb_write(d->db, d->synced, d->batch, &err);
    check(err);
    rocksdb_writebatch_clear(d->batch);
}

static void refuse(void *self, const struct vpr_kv_write *writes, size_t count)
{
    (void)self;
    (void)writes;
    (void)count;
    VPR_HALT("a store that was opened for looking is written to");
}

/* Also undoes a half-done open. */
static void finish(void *self)
{
    struct disk *d = self;
    drop(&d->cursor);
    for (size_t c = 0; c < VPR_KV_COLUMNS; c++) {
        if (d->columns[c] != NULL) {
            rocksdb_column_family_handle_destroy(d->columns[c]);
        }
    }
    if (d->db != NULL) {
        rocksdb_close(d->db);
    }
    for (size_t c = 0; c < VPR_KV_COLUMNS; c++) {
        rocksdb_options_destroy(d->column_options[c]);
    }
    rocksdb_options_destroy(d->options);
    for (size_t t = 0; t < VPR_COUNT(d->tables); t++) {
        rocksdb_block_based_options_destroy(d->tables[t]);
    }
    rocksdb_cache_destroy(d->cache);
    rocksdb_readoptions_destroy(d->newest);
    rocksdb_writeoptions_destroy(d->synced);
    rocksdb_writebatch_destroy(d->batch);
    vpr_mem_free(d);
}

static void set_database_options(struct disk *d, bool create)
{
    d->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(d->options, create);
    rocksdb_options_set_create_missing_column_families(d->options, create);
    rocksdb_options_increase_parallelism(d->options, 2);
    rocksdb_options_set_max_open_files(d->options, -1);
    rocksdb_options_set_allow_concurrent_memtable_write(d->options, 0); /* one writer */
    rocksdb_options_set_max_total_wal_size(d->options, WAL_BYTES_MAX);
    rocksdb_options_set_wal_recovery_mode(d->options, POINT_IN_TIME);
    rocksdb_options_set_bytes_per_sync(d->options, UINT64_C(1) << 20);
    rocksdb_options_set_keep_log_file_num(d->options, 4);
    rocksdb_options_set_info_log_level(d->options, 2); /* warnings */
    rocksdb_options_set_stats_dump_period_sec(d->options, 0);
}

static void set_column_options(struct disk *d)
{
    d->cache = rocksdb_cache_create_lru(CACHE_BYTES);
    for (size_t t = 0; t < VPR_COUNT(d->tables); t++) {
        d->tables[t] = rocksdb_block_based_options_create();
        rocksdb_block_based_options_set_block_size(d->tables[t], 16 << 10);
        rocksdb_block_based_options_set_block_cache(d->tables[t], d->cache);
        rocksdb_block_based_options_set_format_version(d->tables[t], 5);
    }
    rocksdb_block_based_options_set_filter_policy(d->tables[0],
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    for (size_t c = 0; c < VPR_KV_COLUMNS; c++) {
        bool keyed = c == VPR_KV_STATE || c == VPR_KV_KEYINDEX;
        rocksdb_options_t *o = rocksdb_options_create();
        rocksdb_options_set_block_based_table_factory(o, d->tables[keyed ? 0 : 1]);
        rocksdb_options_set_write_buffer_size(o, c == VPR_KV_META ? OTHER_BUFFER_BYTES / 8
                                                 : c == VPR_KV_STATE ? STATE_BUFFER_BYTES
                                                                     : OTHER_BUFFER_BYTES);
        rocksdb_options_set_max_write_buffer_number(o, BUFFERS_MAX);
        rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
        rocksdb_options_set_compression(o, rocksdb_lz4_compression);
        if (keyed) {
            rocksdb_options_set_memtable_whole_key_filtering(o, 1);
            rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, 0.05);
        }
        d->column_options[c] = o;
    }
}

/* A directory that holds something, but nothing of RocksDB, is somebody else's. */
static bool foreign(const char *path)
{
    DIR *dir = opendir(path);
    bool any = false, ours = false;
    if (dir == NULL) {
        return false;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            any = true;
            ours = ours || strcmp(e->d_name, "CURRENT") == 0 || strcmp(e->d_name, "LOCK") == 0;
        }
    }
    (void)closedir(dir);
    return any && !ours;
}

static void say(char *text, size_t size, const char *path, const char *err)
{
    if (strstr(err, "lock") != NULL) {
        (void)snprintf(text, size, "%s is in use by another process: %s", path, err);
    } else {
        (void)snprintf(text, size, "cannot open the store in %s: %s", path, err);
    }
    for (char *c = text; *c != 0; c++) {
        *c = *c == '\n' ? ' ' : *c;
    }
}

static struct disk *prepare(bool create)
{
    struct disk *d = vpr_mem_alloc(sizeof *d);
    set_database_options(d, create);
    set_column_options(d);
    d->newest = rocksdb_readoptions_create();
    d->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(d->synced, 1);
    d->batch = rocksdb_writebatch_create();
    return d;
}

/* What RocksDB opened, or NULL and its reason. */
static struct vpr_kv *opened(struct disk *d, const char *path, char *err, char *err_text,
                             size_t err_size)
{
    if (err != NULL) {
        say(err_text, err_size, path, err);
        rocksdb_free(err);
        d->db = NULL;
        memset(d->columns, 0, sizeof d->columns);
        finish(d);
        return NULL;
    }
    d->face = (struct vpr_kv){d, take, release, get, seek, scan, commit, finish};
    return &d->face;
}

struct vpr_kv *vpr_kv_rocksdb_open(const char *path, char *err_text, size_t err_size)
{
    char *err = NULL;
    if (foreign(path)) {
        (void)snprintf(err_text, err_size, "%s holds other files and no store", path);
        return NULL;
    }
    struct disk *d = prepare(true);
    d->db = rocksdb_open_column_families(d->options, path, VPR_KV_COLUMNS, column_names,
                                         (const rocksdb_options_t *const *)d->column_options,
                                         d->columns, &err);
    return opened(d, path, err, err_text, err_size);
}

/* ---- looking, beside whoever writes ---- */

/* The number of the oldest write-ahead log, UINT64_MAX: there is none. */
static uint64_t oldest_log(const char *path)
{
    DIR *dir = opendir(path);
    uint64_t oldest = UINT64_MAX, number;
    if (dir == NULL) {
        return oldest;
    }
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        int end = 0;
        if (sscanf(e->d_name, "%" SCNu64 ".log%n", &number, &end) == 1 && end > 0 &&
            e->d_name[end] == 0 && number < oldest) {
            oldest = number;
        }
    }
    (void)closedir(dir);
    return oldest;
}

static struct vpr_kv *look(const char *path, char *err_text, size_t err_size)
{
    char *err = NULL;
    struct disk *d = prepare(false);
    rocksdb_options_set_max_file_opening_threads(d->options, 1); /* not 16 a column */
    d->db = rocksdb_open_for_read_only_column_families(
        d->options, path, VPR_KV_COLUMNS, column_names,
        (const rocksdb_options_t *const *)d->column_options, d->columns, 0, &err);
    struct vpr_kv *kv = opened(d, path, err, err_text, err_size);
    if (kv != NULL) {
        kv->commit = refuse;
    }
    return kv;
}

/* RocksDB reads the list of tables first and the logs thereafter.  A log that its writer deletes
 * between the two is in a table by then, but not in one of that list: its batches would be
 * missing, and later ones there.  Tables may go too; the open fails then. */
struct vpr_kv *vpr_kv_rocksdb_look(const char *path, char *err_text, size_t err_size)
{
    for (int i = 0; i < LOOKS_MAX; i++) {
        uint64_t before = oldest_log(path);
        struct vpr_kv *kv = look(path, err_text, err_size);
        if (kv != NULL && oldest_log(path) == before) {
            return kv;
        }
        if (kv != NULL) {
            (void)snprintf(err_text, err_size, "%s changes too fast to be looked at", path);
            vpr_kv_close(kv);
        }
    }
    return NULL;
}
