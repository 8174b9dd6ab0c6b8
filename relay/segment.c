#include "relay/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"

#define MAGIC "VPRLEAF1"
#define WINDOW_BYTES (256 * 1024)

/* RFC 3720's polynomial, reflected; a byte at a time is 0.5 us a leaf. */
uint32_t vpr_crc32c(const void *data, size_t len)
{
    static uint32_t table[256];
    static int ready;
    const uint8_t *in = data;
    uint32_t crc = ~UINT32_C(0);

    /* Every thread computes the same table: whoever comes first publishes it. */
    if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i;
            for (int bit = 0; bit < 8; bit++) {
                c = (c & 1) != 0 ? (c >> 1) ^ UINT32_C(0x82f63b78) : c >> 1;
            }
            __atomic_store_n(&table[i], c, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
    }
    for (size_t i = 0; i < len; i++) {
        crc = table[(crc ^ in[i]) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}

void vpr_leaves_path(char path[VPR_LEAVES_PATH_MAX], const char *dir, uint64_t session)
{
    const int n = snprintf(path, VPR_LEAVES_PATH_MAX, "%s/session-%" PRIu64 ".leaves", dir,
                           session);
    VPR_ASSERT(n > 0 && n < VPR_LEAVES_PATH_MAX);
}

static bool parse_name(const char *name, uint64_t *ret)
{
    uint64_t session = 0;
    int end = 0;
    char again[64];

    if (sscanf(name, "session-%" SCNu64 ".leaves%n", &session, &end) != 1 || end == 0 ||
        name[end] != '\0') {
        return false;
    }
    snprintf(again, sizeof again, "session-%" PRIu64 ".leaves", session);
    if (strcmp(again, name) != 0) {
        return false;
    }
    *ret = session;
    return true;
}

size_t vpr_leaves_list(const char *dir, uint64_t *ret, size_t max)
{
    size_t count = 0;
    DIR *d = opendir(dir);

    if (d == NULL) {
        return 0;
    }
    for (struct dirent *e = readdir(d); e != NULL && count < max; e = readdir(d)) {
        uint64_t session;
        if (!parse_name(e->d_name, &session)) {
            continue;
        }
        size_t at = count;
        while (at > 0 && ret[at - 1] > session) {
            ret[at] = ret[at - 1];
            at--;
        }
        ret[at] = session;
        count++;
    }
    closedir(d);
    return count;
}

struct window {
    int fd;
    uint8_t *data;
    size_t len, at;
    uint64_t offset; /* of `at` in the file */
};

/* At least `need` bytes from `at` on, or false at the end of the file. */
static bool window_fill(struct window *w, size_t need)
{
    if (w->len - w->at >= need) {
        return true;
    }
    memmove(w->data, w->data + w->at, w->len - w->at);
    w->len -= w->at;
    w->at = 0;
    while (w->len < need) {
        const ssize_t n = pread(w->fd, w->data + w->len, WINDOW_BYTES - w->len,
                                (off_t)(w->offset + w->len));
        if (n > 0) {
            w->len += (size_t)n;
        } else if (n == 0) {
            return false;
        } else if (errno != EINTR) {
            VPR_HALT("cannot read leaves");
        }
    }
    return true;
}

static bool next_record(struct window *w, struct vpr_record *ret)
{
    if (!window_fill(w, 9)) {
        return false;
    }
    const uint32_t len = vpr_get_be32(w->data + w->at);
    if (len < 1 || len > 1 + VPR_RECORD_BYTES_MAX || !window_fill(w, 8 + (size_t)len)) {
        return false;
    }
    const uint8_t *record = w->data + w->at;
    if (vpr_crc32c(record + 8, len) != vpr_get_be32(record + 4)) {
        return false;
    }
    ret->kind = (enum vpr_record_kind)record[8];
    ret->data = vpr_bytes_of(record + 9, len - 1);
    ret->offset = w->offset;
    w->at += 8 + len;
    w->offset += 8 + len;
    return true;
}

static void header_encode(uint8_t out[VPR_SEGMENT_HEADER_BYTES], uint64_t session,
                          const struct vpr_address *servicer)
{
    memset(out, 0, VPR_SEGMENT_HEADER_BYTES);
    memcpy(out, MAGIC, 8);
    vpr_put_be64(out + 8, session);
    memcpy(out + 16, servicer->b, sizeof servicer->b);
    vpr_put_be32(out + 60, vpr_crc32c(out, 60));
}

static bool header_decode(const uint8_t in[VPR_SEGMENT_HEADER_BYTES], uint64_t *ret_session,
                          struct vpr_address *ret_servicer)
{
    if (memcmp(in, MAGIC, 8) != 0 || vpr_get_be32(in + 60) != vpr_crc32c(in, 60)) {
        return false;
    }
    *ret_session = vpr_get_be64(in + 8);
    memcpy(ret_servicer->b, in + 16, sizeof ret_servicer->b);
    return true;
}

/* Whole records from the start; false if there is no header. */
static bool scan_fd(int fd, uint64_t *ret_session, struct vpr_address *ret_servicer,
                    uint64_t *ret_end, vpr_record_fn *fn, void *arg)
{
    struct window w = {fd, vpr_mem_alloc(WINDOW_BYTES), 0, 0, 0};
    struct vpr_record record;
    bool ok = false;

    if (window_fill(&w, VPR_SEGMENT_HEADER_BYTES) &&
        header_decode(w.data, ret_session, ret_servicer)) {
        ok = true;
        w.at = VPR_SEGMENT_HEADER_BYTES;
        w.offset = VPR_SEGMENT_HEADER_BYTES;
        while (next_record(&w, &record)) {
            if (fn != NULL) {
                fn(arg, &record);
            }
        }
        *ret_end = w.offset;
    }
    vpr_mem_free(w.data);
    return ok;
}

enum vpr_code vpr_leaves_scan(const char *path, uint64_t *ret_session,
                              struct vpr_address *ret_servicer, uint64_t *ret_end,
                              vpr_record_fn *fn, void *arg, struct vpr_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    }
    const bool ok = scan_fd(fd, ret_session, ret_servicer, ret_end, fn, arg);
    close(fd);
    if (!ok) {
        return vpr_fail(err, VPR_BAD_ENCODING, "%s is no file of leaves", path);
    }
    return VPR_OK;
}

static enum vpr_code sync_dir(const char *path, struct vpr_err *err)
{
    char dir[VPR_LEAVES_PATH_MAX];

    snprintf(dir, sizeof dir, "%s", path);
    char *slash = strrchr(dir, '/');
    VPR_ASSERT(slash != NULL);
    *slash = '\0';
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        const int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return vpr_fail(err, VPR_NOT_FOUND, "cannot sync %s: %s", dir, strerror(error));
    }
    close(fd);
    return VPR_OK;
}

/* A new segment counts once its header and its name are on disk. */
static enum vpr_code start_file(int fd, const char *path, uint64_t session,
                                const struct vpr_address *servicer, struct vpr_err *err)
{
    uint8_t header[VPR_SEGMENT_HEADER_BYTES];

    header_encode(header, session, servicer);
    if (ftruncate(fd, 0) != 0 ||
        pwrite(fd, header, sizeof header, 0) != (ssize_t)sizeof header || fsync(fd) != 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot write %s: %s", path, strerror(errno));
    }
    return sync_dir(path, err);
}

/* Nothing was ever acknowledged from a file whose header did not reach the disk: it is short
 * or all zeros.  Anything else is somebody else's file. */
static bool never_started(int fd)
{
    uint8_t head[VPR_SEGMENT_HEADER_BYTES] = {0};
    const ssize_t n = pread(fd, head, sizeof head, 0);

    if (n < (ssize_t)sizeof head) {
        return true;
    }
    for (size_t i = 0; i < sizeof head; i++) {
        if (head[i] != 0) {
            return false;
        }
    }
    return true;
}

static enum vpr_code recover_fd(struct vpr_segment_file *file, const char *path,
                                uint64_t session, const struct vpr_address *servicer,
                                vpr_record_fn *fn, void *arg, struct vpr_err *err)
{
    uint64_t found = 0;
    struct vpr_address whose;

    if (!scan_fd(file->fd, &found, &whose, &file->end, fn, arg)) {
        if (!never_started(file->fd)) {
            return vpr_fail(err, VPR_BAD_ENCODING, "%s is no file of leaves", path);
        }
        file->end = VPR_SEGMENT_HEADER_BYTES;
        return start_file(file->fd, path, session, servicer, err);
    }
    if (found != session || !vpr_address_equal(&whose, servicer)) {
        return vpr_fail(err, VPR_DENIED, "%s belongs to session %" PRIu64
                        " or to another servicer", path, found);
    }
    /* Cut at the first record that is not whole: what follows was never acknowledged, and
     * would look like records again once something is written before it. */
    if (ftruncate(file->fd, (off_t)file->end) != 0 || fsync(file->fd) != 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot truncate %s: %s", path, strerror(errno));
    }
    return VPR_OK;
}

enum vpr_code vpr_segment_recover(struct vpr_segment_file *ret, const char *path,
                                  uint64_t session, const struct vpr_address *servicer,
                                  vpr_record_fn *fn, void *arg, struct vpr_err *err)
{
    struct vpr_segment_file file = {open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), 0};

    if (file.fd < 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    }
    const enum vpr_code code = recover_fd(&file, path, session, servicer, fn, arg, err);
    if (code != VPR_OK) {
        close(file.fd);
        return code;
    }
    *ret = file;
    return VPR_OK;
}

bool vpr_record_sid(const struct vpr_record *record, struct vpr_sid_info *ret)
{
    struct vpr_reader r = vpr_reader(record->data);
    struct vpr_sid_info info;

    vpr_read(&r, info.sid.b, sizeof info.sid.b);
    vpr_read(&r, info.requestor.b, sizeof info.requestor.b);
    info.chain = vpr_read_be16(&r);
    info.zone = vpr_read_be16(&r);
    info.quota_cu = vpr_read_be64(&r);
    if (record->kind != VPR_RECORD_SID || !vpr_read_done(&r)) {
        return false;
    }
    *ret = info;
    return true;
}

bool vpr_record_token(const struct vpr_record *record, struct vpr_token *ret,
                      uint32_t *ret_gateway_key)
{
    if (record->kind != VPR_RECORD_TOKEN || record->data.len != VPR_TOKEN_BYTES + 1 ||
        !vpr_token_decode(ret, vpr_bytes_of(record->data.data, VPR_TOKEN_BYTES))) {
        return false;
    }
    *ret_gateway_key = record->data.data[VPR_TOKEN_BYTES];
    return true;
}

bool vpr_record_leaf(const struct vpr_record *record, struct vpr_leaf *ret)
{
    return record->kind == VPR_RECORD_LEAF && vpr_leaf_decode(ret, record->data);
}

bool vpr_record_tail(const struct vpr_record *record, struct vpr_signed_request *ret)
{
    return record->kind == VPR_RECORD_TAIL && vpr_signed_request_decode(ret, record->data);
}

bool vpr_record_used(const struct vpr_record *record, struct vpr_hash *ret_sid,
                     struct vpr_hash *ret_client_key, uint64_t *ret_seq)
{
    struct vpr_reader r = vpr_reader(record->data);
    struct vpr_hash sid, client_key;

    vpr_read(&r, sid.b, sizeof sid.b);
    vpr_read(&r, client_key.b, sizeof client_key.b);
    const uint64_t seq = vpr_read_be64(&r);
    if (record->kind != VPR_RECORD_USED || !vpr_read_done(&r)) {
        return false;
    }
    *ret_sid = sid;
    *ret_client_key = client_key;
    *ret_seq = seq;
    return true;
}

/* NULL: its sid or its token is not there. */
static struct vpr_lane *find_lane(const struct vpr_restore *to, const struct vpr_hash *sid,
                                  const struct vpr_hash *client_key,
                                  struct vpr_sid_work **ret_sid)
{
    *ret_sid = vpr_work_find(to->work, sid);
    return *ret_sid == NULL ? NULL : vpr_sid_lane(*ret_sid, client_key);
}

static bool restore_used(struct vpr_restore *to, const struct vpr_record *record)
{
    struct vpr_hash sid_hash, client_key;
    struct vpr_sid_work *sid;
    uint64_t seq;

    if (!vpr_record_used(record, &sid_hash, &client_key, &seq)) {
        return false;
    }
    struct vpr_lane *lane = find_lane(to, &sid_hash, &client_key, &sid);
    if (lane != NULL) {
        vpr_lane_restore_used(lane, seq);
    }
    return lane != NULL;
}

static bool restore_one(struct vpr_restore *to, const struct vpr_record *record)
{
    struct vpr_sid_info info;
    struct vpr_token token;
    struct vpr_leaf leaf;
    struct vpr_signed_request tail;
    uint32_t gateway_key;

    if (vpr_record_sid(record, &info)) {
        struct vpr_sid_work *sid = vpr_work_add(to->work, &info);
        if (sid != NULL) {
            sid->stored = true;
        }
        return sid != NULL;
    }
    if (vpr_record_token(record, &token, &gateway_key)) {
        struct vpr_sid_work *sid = vpr_work_find(to->work, &token.sid);
        struct vpr_lane *added =
            sid == NULL ? NULL : vpr_sid_lane_add(sid, &token, gateway_key);
        if (added != NULL) {
            added->token_stored = true;
        }
        return added != NULL;
    }
    const bool is_leaf = vpr_record_leaf(record, &leaf);
    if (!is_leaf && !vpr_record_tail(record, &tail)) {
        return restore_used(to, record);
    }
    const struct vpr_request *part = is_leaf ? &leaf.request.part : &tail.part;
    struct vpr_sid_work *sid;
    struct vpr_lane *lane = find_lane(to, &part->sid, &part->client_key, &sid);
    if (lane == NULL) {
        return false;
    }
    if (is_leaf) {
        vpr_sid_restore_leaf(to->work, sid, lane, &leaf);
        to->leaves++;
    } else {
        vpr_sid_restore_tail(sid, lane, &tail);
    }
    return true;
}

void vpr_restore_record(void *arg, const struct vpr_record *record)
{
    struct vpr_restore *to = arg;

    if (!restore_one(to, record)) {
        to->skipped++;
    }
}
