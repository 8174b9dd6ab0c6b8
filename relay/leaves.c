#include "relay/leaves.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "relay/segment.h"

#define RESERVE_BYTES (1024 * 1024)
#define ZEROS_BYTES (64 * 1024)
#define RETRY_MS 1000 /* a full disk is asked again */
/* A sync costs the processor as much as half a signature, so appends wait for each other: until
 * the loop has nothing else to do, but never for more of them or for longer than this. */
#define WAITING_MAX 32
#define WAITING_MS_MAX 1

struct fill {
    uint8_t *data;
    size_t len, size;
};

struct vpr_segment {
    struct vpr_leaves *leaves;
    int fd;
    uint64_t session;
    uint64_t end;      /* of what is on disk; the thread's */
    uint64_t reserved; /* the thread's */
    char path[VPR_LEAVES_PATH_MAX];

    /* guarded by leaves->lock */
    struct fill fill;
    bool flushing;
    struct fill flush; /* the thread's while flushing */
};

struct vpr_leaves {
    struct vpr_loop *loop;
    char dir[VPR_LEAVES_PATH_MAX - 64];
    enum vpr_leaf_sync sync;
    int (*fdatasync)(int fd);
    vpr_leaves_done_fn *done;
    void *arg;
    struct vpr_timer *retry;
    struct vpr_idle *idler;
    struct vpr_timer *latest;
    uint32_t waiting; /* appends since the thread was last told; the loop's */
    pthread_t thread;
    bool has_thread;
    bool gone; /* destroyed, and kept for the post that is on its way */

    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    bool stop, told, posted, full;
    struct vpr_segment *segments[VPR_SEGMENTS_MAX];
    uint64_t next;              /* ticket to hand out */
    uint64_t ok_upto, bad_upto; /* tickets done and not reported yet */
    uint64_t reported;
    uint64_t syncs, bytes;
};

static void fill_free(struct fill *fill)
{
    vpr_mem_free(fill->data);
    *fill = (struct fill){NULL, 0, 0};
}

static uint8_t *fill_room(struct fill *fill, size_t more)
{
    if (fill->len + more > VPR_LEAVES_BUFFER_BYTES_MAX) {
        return NULL;
    }
    if (fill->len + more > fill->size) {
        size_t size = fill->size == 0 ? 64 * 1024 : fill->size * 2;
        while (size < fill->len + more) {
            size *= 2;
        }
        fill->data = vpr_mem_resize(fill->data, size);
        fill->size = size;
    }
    uint8_t *at = fill->data + fill->len;
    fill->len += more;
    return at;
}

static bool no_room(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static bool write_all(struct vpr_segment *seg, uint64_t at, const uint8_t *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        const ssize_t n = pwrite(seg->fd, data + done, len - done, (off_t)(at + done));
        if (n >= 0) {
            done += (size_t)n;
        } else if (no_room(errno)) {
            return false;
        } else if (errno != EINTR) {
            VPR_HALT("cannot write leaves");
        }
    }
    return true;
}

/* Space is taken before it is needed, in large steps, and filled with zeros: a sync over
 * blocks that were written before has no change of the file's size or extents to write beside
 * them, and a full disk shows before a record is half written. */
static bool reserve(struct vpr_segment *seg, size_t more)
{
    static const uint8_t zeros[ZEROS_BYTES];

    if (seg->end + more <= seg->reserved) {
        return true;
    }
    const uint64_t want = (seg->end + more + RESERVE_BYTES - 1) / RESERVE_BYTES * RESERVE_BYTES;
    const int error = posix_fallocate(seg->fd, (off_t)seg->reserved,
                                      (off_t)(want - seg->reserved));
    if (no_room(error)) {
        return false;
    }
    /* A file system without reservation is filled all the same. */
    if (error != 0 && error != EOPNOTSUPP && error != EINVAL) {
        VPR_HALT("cannot reserve space for leaves");
    }
    for (uint64_t at = seg->reserved; at < want; at += ZEROS_BYTES) {
        const size_t len = want - at < ZEROS_BYTES ? (size_t)(want - at) : ZEROS_BYTES;
        if (!write_all(seg, at, zeros, len)) {
            return false;
        }
    }
    seg->reserved = want;
    return true;
}

/* What did not fit must not stay half there: a later shorter write would leave its tail. */
static void cut_back(struct vpr_segment *seg)
{
    if (ftruncate(seg->fd, (off_t)seg->end) != 0) {
        VPR_HALT("cannot truncate leaves");
    }
    seg->reserved = seg->end;
}

static bool flush_one(struct vpr_segment *seg)
{
    const struct fill *fill = &seg->flush;

    if (!reserve(seg, fill->len) || !write_all(seg, seg->end, fill->data, fill->len)) {
        cut_back(seg);
        return false;
    }
    if (seg->leaves->fdatasync(seg->fd) != 0) {
        if (no_room(errno)) {
            cut_back(seg);
            return false;
        }
        VPR_HALT("cannot sync leaves");
    }
    seg->end += fill->len;
    return true;
}

static void report(void *arg)
{
    struct vpr_leaves *leaves = arg;

    if (leaves->gone) {
        vpr_mem_free(leaves);
        return;
    }
    pthread_mutex_lock(&leaves->lock);
    leaves->posted = false;
    const uint64_t ok_upto = leaves->ok_upto;
    const uint64_t bad_upto = leaves->bad_upto;
    leaves->reported = ok_upto > bad_upto ? ok_upto : bad_upto;
    leaves->ok_upto = 0;
    leaves->bad_upto = 0;
    pthread_mutex_unlock(&leaves->lock);

    /* After a failure nothing more is flushed until it was reported, so good comes first. */
    if (ok_upto > 0) {
        leaves->done(leaves->arg, ok_upto, true);
    }
    if (bad_upto > 0) {
        vpr_timer_once(leaves->retry, RETRY_MS);
        leaves->done(leaves->arg, bad_upto, false);
    }
    pthread_mutex_lock(&leaves->lock);
    pthread_cond_signal(&leaves->work);
    pthread_mutex_unlock(&leaves->lock);
}

static void post_report(struct vpr_leaves *leaves)
{
    if (!leaves->posted) {
        leaves->posted = true;
        if (!vpr_loop_post(leaves->loop, report, leaves)) {
            VPR_HALT("the loop takes no more posts");
        }
    }
}

/* Moves every waiting append into `flush`; false if there is none.  With the lock held. */
static bool take_fills(struct vpr_leaves *leaves, uint64_t *ret_upto)
{
    bool some = false;

    for (size_t i = 0; i < VPR_SEGMENTS_MAX; i++) {
        struct vpr_segment *seg = leaves->segments[i];
        if (seg != NULL && seg->fill.len > 0) {
            const struct fill empty = seg->flush;
            seg->flush = seg->fill;
            seg->fill = empty;
            seg->fill.len = 0;
            seg->flushing = true;
            some = true;
        }
    }
    *ret_upto = leaves->next - 1;
    return some;
}

static void drop_fills(struct vpr_leaves *leaves)
{
    for (size_t i = 0; i < VPR_SEGMENTS_MAX; i++) {
        if (leaves->segments[i] != NULL) {
            leaves->segments[i]->fill.len = 0;
        }
    }
}

/* One round: everything waiting goes to disk; without the lock while it does. */
static void flush_round(struct vpr_leaves *leaves, uint64_t upto)
{
    bool ok = true;
    uint64_t bytes = 0;
    struct vpr_segment *segments[VPR_SEGMENTS_MAX];
    size_t count = 0;

    /* Only what is marked: others may be closed while the lock is open. */
    for (size_t i = 0; i < VPR_SEGMENTS_MAX; i++) {
        if (leaves->segments[i] != NULL && leaves->segments[i]->flushing) {
            segments[count] = leaves->segments[i];
            count++;
        }
    }
    pthread_mutex_unlock(&leaves->lock);
    for (size_t i = 0; i < count; i++) {
        ok = flush_one(segments[i]) && ok;
        bytes += segments[i]->flush.len;
    }
    pthread_mutex_lock(&leaves->lock);
    for (size_t i = 0; i < count; i++) {
        segments[i]->flushing = false;
        segments[i]->flush.len = 0;
    }
    leaves->syncs += count;
    leaves->bytes += bytes;
    if (ok) {
        leaves->ok_upto = upto;
    } else {
        /* What came meanwhile may rest on records that are now lost: it fails too. */
        drop_fills(leaves);
        leaves->bad_upto = leaves->next - 1;
        leaves->full = true;
    }
    pthread_cond_broadcast(&leaves->idle);
    post_report(leaves);
}

static void *sync_thread(void *arg)
{
    struct vpr_leaves *leaves = arg;
    uint64_t upto = 0;

    pthread_mutex_lock(&leaves->lock);
    for (;;) {
        /* A failure is reported before anything else is tried. */
        const bool due = leaves->bad_upto == 0 && (leaves->told || leaves->stop);
        leaves->told = leaves->told && !due;
        if (due && take_fills(leaves, &upto)) {
            flush_round(leaves, upto);
        } else if (leaves->stop) {
            break;
        } else {
            pthread_cond_wait(&leaves->work, &leaves->lock);
        }
    }
    pthread_mutex_unlock(&leaves->lock);
    return NULL;
}

/* The loop has nothing else to do, or the wait was long enough. */
static void tell_thread(void *arg)
{
    struct vpr_leaves *leaves = arg;

    if (leaves->waiting == 0) {
        return; /* somebody else has told it */
    }
    leaves->waiting = 0;
    pthread_mutex_lock(&leaves->lock);
    leaves->told = true;
    pthread_cond_signal(&leaves->work);
    pthread_mutex_unlock(&leaves->lock);
}

static void tell_soon(struct vpr_leaves *leaves)
{
    if (leaves->waiting == 0) {
        vpr_timer_once(leaves->latest, WAITING_MS_MAX);
        vpr_idle_ask(leaves->idler);
    }
    leaves->waiting++;
    if (leaves->waiting >= WAITING_MAX) {
        tell_thread(leaves);
    }
}

static void retry_full(void *arg)
{
    struct vpr_leaves *leaves = arg;

    pthread_mutex_lock(&leaves->lock);
    leaves->full = false;
    pthread_mutex_unlock(&leaves->lock);
}

enum vpr_code vpr_leaves_create(struct vpr_leaves **ret, struct vpr_loop *loop,
                                const struct vpr_leaves_config *config,
                                vpr_leaves_done_fn *done, void *arg, struct vpr_err *err)
{
    struct vpr_leaves *leaves;

    if (strlen(config->dir) >= sizeof leaves->dir) {
        return vpr_fail(err, VPR_BAD_FIELD, "path of the leaves is longer than %zu bytes",
                        sizeof leaves->dir - 1);
    }
    VPR_TRY(vpr_dir_make(config->dir, 0700, err));

    leaves = vpr_mem_alloc(sizeof *leaves);
    leaves->loop = loop;
    snprintf(leaves->dir, sizeof leaves->dir, "%s", config->dir);
    leaves->sync = config->sync;
    leaves->fdatasync = config->fdatasync == NULL ? fdatasync : config->fdatasync;
    leaves->done = done;
    leaves->arg = arg;
    leaves->next = 1;
    leaves->retry = vpr_timer_create(loop, retry_full, leaves);
    leaves->idler = vpr_idle_create(loop, tell_thread, leaves);
    leaves->latest = vpr_timer_create(loop, tell_thread, leaves);
    pthread_mutex_init(&leaves->lock, NULL);
    pthread_cond_init(&leaves->work, NULL);
    pthread_cond_init(&leaves->idle, NULL);
    if (config->sync == VPR_SYNC_GROUP) {
        if (pthread_create(&leaves->thread, NULL, sync_thread, leaves) != 0) {
            VPR_HALT("cannot start the thread that syncs leaves");
        }
        leaves->has_thread = true;
    }
    *ret = leaves;
    return VPR_OK;
}

void vpr_leaves_destroy(struct vpr_leaves *leaves)
{
    if (leaves == NULL) {
        return;
    }
    pthread_mutex_lock(&leaves->lock);
    leaves->stop = true;
    pthread_cond_broadcast(&leaves->work);
    pthread_mutex_unlock(&leaves->lock);
    if (leaves->has_thread) {
        pthread_join(leaves->thread, NULL);
    }
    for (size_t i = 0; i < VPR_SEGMENTS_MAX; i++) {
        struct vpr_segment *seg = leaves->segments[i];
        if (seg != NULL) {
            fill_free(&seg->fill);
            fill_free(&seg->flush);
            close(seg->fd);
            vpr_mem_free(seg);
        }
    }
    vpr_timer_destroy(leaves->retry);
    vpr_idle_destroy(leaves->idler);
    vpr_timer_destroy(leaves->latest);
    pthread_mutex_destroy(&leaves->lock);
    pthread_cond_destroy(&leaves->work);
    pthread_cond_destroy(&leaves->idle);
    if (leaves->posted) {
        leaves->gone = true;
    } else {
        vpr_mem_free(leaves);
    }
}

enum vpr_code vpr_leaves_open(struct vpr_segment **ret, struct vpr_leaves *leaves,
                              uint64_t session, const struct vpr_address *servicer,
                              vpr_record_fn *fn, void *arg, struct vpr_err *err)
{
    struct vpr_segment_file file;
    char path[VPR_LEAVES_PATH_MAX];
    size_t slot = 0;

    while (slot < VPR_SEGMENTS_MAX && leaves->segments[slot] != NULL) {
        VPR_ASSERT(leaves->segments[slot]->session != session);
        slot++;
    }
    if (slot == VPR_SEGMENTS_MAX) {
        return vpr_fail(err, VPR_TOO_LARGE, "more than %d sessions have unsettled leaves",
                        VPR_SEGMENTS_MAX);
    }
    vpr_leaves_path(path, leaves->dir, session);
    VPR_TRY(vpr_segment_recover(&file, path, session, servicer, fn, arg, err));

    struct vpr_segment *seg = vpr_mem_alloc(sizeof *seg);
    seg->leaves = leaves;
    seg->fd = file.fd;
    seg->session = session;
    seg->end = file.end;
    seg->reserved = file.end;
    memcpy(seg->path, path, sizeof seg->path);
    pthread_mutex_lock(&leaves->lock);
    leaves->segments[slot] = seg;
    pthread_mutex_unlock(&leaves->lock);
    *ret = seg;
    return VPR_OK;
}

void vpr_leaves_close(struct vpr_segment *seg)
{
    if (seg == NULL) {
        return;
    }
    struct vpr_leaves *leaves = seg->leaves;

    pthread_mutex_lock(&leaves->lock);
    leaves->told = true;
    pthread_cond_signal(&leaves->work);
    while (seg->flushing || seg->fill.len > 0) {
        pthread_cond_wait(&leaves->idle, &leaves->lock);
    }
    for (size_t i = 0; i < VPR_SEGMENTS_MAX; i++) {
        if (leaves->segments[i] == seg) {
            leaves->segments[i] = NULL;
        }
    }
    pthread_mutex_unlock(&leaves->lock);
    fill_free(&seg->fill);
    fill_free(&seg->flush);
    close(seg->fd);
    vpr_mem_free(seg);
}

void vpr_leaves_delete(struct vpr_segment *seg)
{
    char path[VPR_LEAVES_PATH_MAX];

    memcpy(path, seg->path, sizeof path);
    vpr_leaves_close(seg);
    unlink(path);
}

uint64_t vpr_leaves_append(struct vpr_segment *seg, enum vpr_record_kind kind,
                           struct vpr_bytes data)
{
    struct vpr_leaves *leaves = seg->leaves;
    uint8_t record[8 + 1 + VPR_RECORD_BYTES_MAX];
    uint64_t ticket = 0;
    uint64_t upto = 0;

    VPR_ASSERT(data.len <= VPR_RECORD_BYTES_MAX);
    record[8] = (uint8_t)kind;
    memcpy(record + 9, data.data, data.len);
    vpr_put_be32(record, (uint32_t)data.len + 1);
    vpr_put_be32(record + 4, vpr_crc32c(record + 8, data.len + 1));

    pthread_mutex_lock(&leaves->lock);
    uint8_t *room = leaves->full ? NULL : fill_room(&seg->fill, 9 + data.len);
    if (room != NULL) {
        memcpy(room, record, 9 + data.len);
        ticket = leaves->next;
        leaves->next++;
        if (leaves->sync == VPR_SYNC_ALWAYS && take_fills(leaves, &upto)) {
            flush_round(leaves, upto);
        }
    }
    pthread_mutex_unlock(&leaves->lock);
    if (ticket != 0 && leaves->sync == VPR_SYNC_GROUP) {
        tell_soon(leaves);
    }
    return ticket;
}

uint64_t vpr_leaves_append_sid(struct vpr_segment *seg, const struct vpr_sid_info *info)
{
    uint8_t raw[64];
    struct vpr_writer w = vpr_writer(raw, sizeof raw);

    vpr_write(&w, info->sid.b, sizeof info->sid.b);
    vpr_write(&w, info->requestor.b, sizeof info->requestor.b);
    vpr_write_be16(&w, info->chain);
    vpr_write_be16(&w, info->zone);
    vpr_write_be64(&w, info->quota_cu);
    return vpr_leaves_append(seg, VPR_RECORD_SID, vpr_bytes_of(raw, w.len));
}

uint64_t vpr_leaves_append_token(struct vpr_segment *seg, const struct vpr_lane *lane)
{
    uint8_t raw[VPR_TOKEN_BYTES + 1];

    vpr_token_encode(raw, &lane->token);
    raw[VPR_TOKEN_BYTES] = (uint8_t)lane->gateway_key;
    return vpr_leaves_append(seg, VPR_RECORD_TOKEN, vpr_bytes_of(raw, sizeof raw));
}

uint64_t vpr_leaves_append_leaf(struct vpr_segment *seg, const struct vpr_leaf *leaf)
{
    uint8_t raw[VPR_LEAF_BYTES];

    vpr_leaf_encode(raw, leaf);
    return vpr_leaves_append(seg, VPR_RECORD_LEAF, vpr_bytes_of(raw, sizeof raw));
}

uint64_t vpr_leaves_append_tail(struct vpr_segment *seg, const struct vpr_signed_request *tail)
{
    uint8_t raw[VPR_SIGNED_REQUEST_BYTES];

    vpr_signed_request_encode(raw, tail);
    return vpr_leaves_append(seg, VPR_RECORD_TAIL, vpr_bytes_of(raw, sizeof raw));
}

uint64_t vpr_leaves_append_used(struct vpr_segment *seg, const struct vpr_request *part)
{
    uint8_t raw[72];
    struct vpr_writer w = vpr_writer(raw, sizeof raw);

    vpr_write(&w, part->sid.b, sizeof part->sid.b);
    vpr_write(&w, part->client_key.b, sizeof part->client_key.b);
    vpr_write_be64(&w, part->seq);
    return vpr_leaves_append(seg, VPR_RECORD_USED, vpr_bytes_of(raw, w.len));
}

bool vpr_leaves_accepting(struct vpr_leaves *leaves)
{
    pthread_mutex_lock(&leaves->lock);
    const bool accepting = !leaves->full;
    pthread_mutex_unlock(&leaves->lock);
    return accepting;
}

bool vpr_segment_accepting(struct vpr_segment *seg)
{
    return vpr_leaves_accepting(seg->leaves);
}

uint64_t vpr_leaves_syncs(struct vpr_leaves *leaves)
{
    pthread_mutex_lock(&leaves->lock);
    const uint64_t syncs = leaves->syncs;
    pthread_mutex_unlock(&leaves->lock);
    return syncs;
}

uint64_t vpr_leaves_bytes(struct vpr_leaves *leaves)
{
    pthread_mutex_lock(&leaves->lock);
    const uint64_t bytes = leaves->bytes;
    pthread_mutex_unlock(&leaves->lock);
    return bytes;
}
