#include "app/host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "app/base/bytes.h"

static enum vpr_code fail_errno(struct vpr_err *err, const char *verb, const char *path)
{
    int code = errno;
    return vpr_fail(err, code == ENOENT ? VPR_NOT_FOUND : VPR_DENIED, "cannot %s %s: %s", verb,
                    path, strerror(code));
}

static enum vpr_code read_all(struct vpr_buf *buf, int fd, const char *path,
                              struct vpr_err *err)
{
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(err, "read", path);
        }
        if (n == 0) {
            return VPR_OK;
        }
        vpr_buf_add(buf, chunk, (size_t)n);
        if (buf->over) {
            return vpr_fail(err, VPR_TOO_LARGE, "%s is larger than %zu bytes", path, buf->max);
        }
    }
}

enum vpr_code vpr_file_read(struct vpr_buf *buf, const char *path, struct vpr_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fail_errno(err, "open", path);
    }
    struct stat st;
    enum vpr_code code;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        code = vpr_fail(err, VPR_DENIED, "%s is not a regular file", path);
    } else {
        code = read_all(buf, fd, path, err);
    }
    close(fd);
    return code;
}

static bool write_all(int fd, struct vpr_bytes data)
{
    size_t done = 0;
    while (done < data.len) {
        ssize_t n = write(fd, data.data + done, data.len - done);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            done += (size_t)n;
        }
    }
    return fsync(fd) == 0;
}

/* A rename is durable only once the directory is. */
static bool sync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash == NULL ? 0 : (int)(slash - path);

    if (slash == NULL) {
        (void)snprintf(dir, sizeof dir, ".");
    } else {
        (void)snprintf(dir, sizeof dir, "%.*s", len == 0 ? 1 : len, path);
    }
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

/* link() refuses an existing name atomically, which rename() does not. */
static enum vpr_code put_in_place(const char *beside, const char *path, bool fresh,
                                  struct vpr_err *err)
{
    if (!fresh) {
        return rename(beside, path) == 0 ? VPR_OK : fail_errno(err, "rename to", path);
    }
    if (link(beside, path) != 0) {
        if (errno == EEXIST) {
            return vpr_fail(err, VPR_DUPLICATE, "%s already exists", path);
        }
        return fail_errno(err, "create", path);
    }
    (void)unlink(beside);
    return VPR_OK;
}

static enum vpr_code write_file(const char *path, struct vpr_bytes data, mode_t mode,
                                bool fresh, struct vpr_err *err)
{
    char beside[PATH_MAX];
    uint8_t salt[8];
    char hex[17];

    vpr_random(salt, sizeof salt);
    vpr_hex(hex, salt, sizeof salt);
    int len = snprintf(beside, sizeof beside, "%s.%s.tmp", path, hex);
    if (len < 0 || (size_t)len >= sizeof beside) {
        return vpr_fail(err, VPR_TOO_LARGE, "path is longer than %d bytes", PATH_MAX);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return fail_errno(err, "create", path);
    }
    enum vpr_code code = VPR_OK;
    if (!write_all(fd, data)) {
        code = fail_errno(err, "write", path);
    }
    close(fd);
    if (code == VPR_OK) {
        code = put_in_place(beside, path, fresh, err);
    }
    if (code != VPR_OK) {
        (void)unlink(beside);
        return code;
    }
    return sync_parent(path) ? VPR_OK : fail_errno(err, "sync the directory of", path);
}

enum vpr_code vpr_file_write(const char *path, struct vpr_bytes data, mode_t mode,
                             struct vpr_err *err)
{
    return write_file(path, data, mode, false, err);
}

enum vpr_code vpr_file_create(const char *path, struct vpr_bytes data, mode_t mode,
                              struct vpr_err *err)
{
    return write_file(path, data, mode, true, err);
}

bool vpr_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static bool make_one(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0) {
        return true;
    }
    if (errno != EEXIST) {
        return false;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return true;
    }
    errno = ENOTDIR;
    return false;
}

enum vpr_code vpr_dir_make(const char *path, mode_t mode, struct vpr_err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part) {
        return vpr_fail(err, VPR_BAD_FIELD, "directory name has %zu bytes, at most %d", len,
                        PATH_MAX - 1);
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0') {
            continue;
        }
        char kept = part[i];
        part[i] = '\0';
        if (!make_one(part, mode)) {
            return fail_errno(err, "make directory", part);
        }
        part[i] = kept;
    }
    return VPR_OK;
}

bool vpr_file_age_s(uint64_t *ret, const char *path)
{
    struct stat info;
    time_t now = time(NULL);

    if (stat(path, &info) != 0) {
        return false;
    }
    *ret = now > info.st_mtime ? (uint64_t)(now - info.st_mtime) : 0;
    return true;
}

uint64_t vpr_disk_free(const char *path)
{
    struct statvfs disk;

    if (statvfs(path, &disk) != 0) {
        return 0;
    }
    return (uint64_t)disk.f_bavail * disk.f_frsize;
}

void vpr_random(void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            VPR_HALT("the kernel gives no random bytes");
        }
        at += n;
        len -= (size_t)n;
    }
}
