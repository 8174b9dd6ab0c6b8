/* kv.h - the ordered key-value store under the state: one struct of functions.
 *
 * kv_rocksdb keeps it on disk, kv_memory in RAM for tests.  A failing disk is a fault and
 * halts inside; callers see no errors.  One thread owns it: it alone reads the newest,
 * scans and commits; any thread reads and releases snapshots. */
#ifndef VPR_STORE_KV_H
#define VPR_STORE_KV_H

#include "app/base/arena.h"

/* Column families. */
enum vpr_kv_column { VPR_KV_STATE, VPR_KV_KEYINDEX, VPR_KV_UNDO, VPR_KV_META, VPR_KV_COLUMNS };

/* One write of a batch; value.data == NULL deletes. */
struct vpr_kv_write {
    enum vpr_kv_column column;
    struct vpr_bytes key;
    struct vpr_bytes value;
};

struct vpr_kv {
    void *self;

    /* A consistent, immutable picture for readers of other threads. */
    void *(*snapshot)(void *self);
    void (*release)(void *self, void *snapshot);

    /* snapshot NULL: the newest.  The value is copied into the arena. */
    bool (*get)(void *self, void *snapshot, enum vpr_kv_column column, struct vpr_arena *arena,
                struct vpr_bytes key, struct vpr_bytes *ret_value);

    /* First pair with key >= from (forward) or last with key <= from (backward). */
    bool (*seek)(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                 struct vpr_arena *arena, struct vpr_bytes from, struct vpr_bytes *ret_key,
                 struct vpr_bytes *ret_value);

    /* All pairs of a column in order, without copies: for the rebuild at start. */
    void (*scan)(void *self, enum vpr_kv_column column,
                 void (*each)(void *arg, struct vpr_bytes key, struct vpr_bytes value),
                 void *arg);

    /* All or nothing, and on disk when this returns. */
    void (*commit)(void *self, const struct vpr_kv_write *writes, size_t count);

    void (*close)(void *self);
};

/* Opens or creates; on failure NULL and one sentence in err_text (a lock held by another
 * process, a foreign directory). */
struct vpr_kv *vpr_kv_rocksdb_open(const char *path, char *err_text, size_t err_size);
/* Beside whoever has it open, for looking only: takes no lock, writes no file, and a commit
 * halts.  Shows what was committed when it was opened, at least. */
struct vpr_kv *vpr_kv_rocksdb_look(const char *path, char *err_text, size_t err_size);

struct vpr_kv *vpr_kv_memory_open(void);
/* From the n-th write from now on (1 = the next) every write halts, as a dead disk would;
 * 0: never. */
void vpr_kv_memory_fail_at(struct vpr_kv *kv, uint64_t n);

void vpr_kv_close(struct vpr_kv *kv);

#endif
