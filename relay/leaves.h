/* leaves.h - the servicer's proofs on disk: one append-only segment a session.
 *
 * Owns the files `session-N.leaves` of one directory and the thread that syncs them.  Its one
 * rule: an append is done only when fdatasync has returned over it; the callback says so, on
 * the loop, and whoever appended a leaf keeps its answer back until then.  Many appends share
 * one sync: it starts when the loop has nothing else to do, at the latest with the 32nd of
 * them, or 1 ms after the first.
 *
 * A segment is a 64-byte header {"VPRLEAF1", session 8, servicer 20, zeros, crc32c 4}, then
 * records {length 4, crc32c 4, kind 1, data}, integers big-endian, length and crc over kind
 * and data; zeros follow (space is reserved ahead).  Recovery keeps everything before the
 * first record that is not whole.  A full disk fails the appends in hand and accepts no more
 * until there is room again; any other failure of the disk halts. */
#ifndef VPR_RELAY_LEAVES_H
#define VPR_RELAY_LEAVES_H

#include "app/base/err.h"
#include "app/host/loop.h"
#include "app/rules/leaf.h"
#include "app/rules/token.h"
#include "relay/session.h"

#define VPR_SEGMENTS_MAX 16 /* open at one time; settled ones are deleted */
#define VPR_SEGMENT_HEADER_BYTES 64
#define VPR_RECORD_BYTES_MAX 256
#define VPR_LEAVES_BUFFER_BYTES_MAX (8 * 1024 * 1024) /* waiting for the thread, a segment */

enum vpr_record_kind {
    VPR_RECORD_SID = 1,   /* sid 32, requestor 20, chain 2, zone 2, quota 8 */
    VPR_RECORD_TOKEN = 2, /* token 128, number of the gateway key 1 */
    VPR_RECORD_LEAF = 3,  /* leaf 236 */
    VPR_RECORD_TAIL = 4,  /* signed request 204 whose answer is no leaf */
    VPR_RECORD_USED = 5,  /* sid 32, client key 32, seq 8: claimed, and there is no answer */
};

enum vpr_leaf_sync {
    VPR_SYNC_GROUP,  /* by a thread, several appends a sync */
    VPR_SYNC_ALWAYS, /* on the loop, every append */
};

struct vpr_leaves;
struct vpr_segment;

struct vpr_leaves_config {
    const char *dir;
    enum vpr_leaf_sync sync;
    int (*fdatasync)(int fd); /* NULL: the system's; tests watch it */
};

/* Everything up to `ticket` that was not reported before is on disk, or (`ok` false) cannot be
 * relied upon: then records of any kind may be missing, and whoever needs one on disk must
 * append it again. */
typedef void vpr_leaves_done_fn(void *arg, uint64_t ticket, bool ok);

VPR_MUST_USE enum vpr_code vpr_leaves_create(struct vpr_leaves **ret, struct vpr_loop *loop,
                                             const struct vpr_leaves_config *config,
                                             vpr_leaves_done_fn *done, void *arg,
                                             struct vpr_err *err);
/* Syncs what is in hand, calls back no more; NULL is fine.  One turn of the loop after it
 * gives the last memory back. */
void vpr_leaves_destroy(struct vpr_leaves *leaves);

struct vpr_record {
    enum vpr_record_kind kind;
    struct vpr_bytes data; /* good until the callback returns */
    uint64_t offset;       /* of the record in the file */
};
typedef void vpr_record_fn(void *arg, const struct vpr_record *record);

/* Open the segment of a session, made if it is missing; what it holds is handed to `fn`. */
VPR_MUST_USE enum vpr_code vpr_leaves_open(struct vpr_segment **ret, struct vpr_leaves *leaves,
                                           uint64_t session,
                                           const struct vpr_address *servicer,
                                           vpr_record_fn *fn, void *arg, struct vpr_err *err);
void vpr_leaves_close(struct vpr_segment *segment); /* NULL is fine */
/* Close it and delete the file. */
void vpr_leaves_delete(struct vpr_segment *segment);

/* A ticket, or 0 if it cannot be stored now. */
uint64_t vpr_leaves_append(struct vpr_segment *segment, enum vpr_record_kind kind,
                           struct vpr_bytes data);
uint64_t vpr_leaves_append_sid(struct vpr_segment *segment, const struct vpr_sid_info *info);
uint64_t vpr_leaves_append_token(struct vpr_segment *segment, const struct vpr_lane *lane);
uint64_t vpr_leaves_append_leaf(struct vpr_segment *segment, const struct vpr_leaf *leaf);
uint64_t vpr_leaves_append_tail(struct vpr_segment *segment,
                                const struct vpr_signed_request *tail);
uint64_t vpr_leaves_append_used(struct vpr_segment *segment, const struct vpr_request *part);

/* False while the disk is full. */
bool vpr_leaves_accepting(struct vpr_leaves *leaves);
bool vpr_segment_accepting(struct vpr_segment *segment); /* the same, from a segment */
uint64_t vpr_leaves_syncs(struct vpr_leaves *leaves);
uint64_t vpr_leaves_bytes(struct vpr_leaves *leaves);

#define VPR_LEAVES_PATH_MAX 512
void vpr_leaves_path(char path[VPR_LEAVES_PATH_MAX], const char *dir, uint64_t session);
/* Sessions with a segment in `dir`, ascending; at most `max` of them. */
size_t vpr_leaves_list(const char *dir, uint64_t *ret, size_t max);
/* Read a segment from the start up to its first record that is not whole; any thread. */
VPR_MUST_USE enum vpr_code vpr_leaves_scan(const char *path, uint64_t *ret_session,
                                           struct vpr_address *ret_servicer,
                                           uint64_t *ret_end, vpr_record_fn *fn, void *arg,
                                           struct vpr_err *err);
/* False if the data is not what the kind says. */
VPR_MUST_USE bool vpr_record_sid(const struct vpr_record *record, struct vpr_sid_info *ret);
VPR_MUST_USE bool vpr_record_token(const struct vpr_record *record, struct vpr_token *ret,
                                   uint32_t *ret_gateway_key);
VPR_MUST_USE bool vpr_record_leaf(const struct vpr_record *record, struct vpr_leaf *ret);
VPR_MUST_USE bool vpr_record_tail(const struct vpr_record *record,
                                  struct vpr_signed_request *ret);
VPR_MUST_USE bool vpr_record_used(const struct vpr_record *record, struct vpr_hash *ret_sid,
                                  struct vpr_hash *ret_client_key, uint64_t *ret_seq);

/* The books of a session from the records of its segment; a vpr_record_fn whose argument is
 * this.  Records of sids or keys that no longer fit are counted and skipped. */
struct vpr_restore {
    struct vpr_work *work;
    uint64_t leaves, skipped;
};
void vpr_restore_record(void *arg, const struct vpr_record *record);

uint32_t vpr_crc32c(const void *data, size_t len);

#endif
