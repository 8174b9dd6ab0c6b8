#include "app/host/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

/* Byte by byte: nothing of it may stay in a buffer of stdio. */
static enum vpr_code read_line(int fd, char *ret, size_t size, const char *what,
                               struct vpr_err *err)
{
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return vpr_fail(err, VPR_DENIED, "cannot read the passphrase from %s: %s", what,
                            strerror(errno));
        }
        if (n == 0 || c == '\n') {
            break;
        }
        if (len == size - 1) {
            return vpr_fail(err, VPR_TOO_LARGE, "passphrase is longer than %zu bytes", size - 1);
        }
        ret[len++] = c;
    }
    if (len > 0 && ret[len - 1] == '\r') {
        len--;
    }
    ret[len] = '\0';
    return VPR_OK;
}

static enum vpr_code ask(char *ret, size_t size, const char *question, struct vpr_err *err)
{
    struct termios old;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return vpr_fail(err, VPR_DENIED, "there is no terminal to ask for the passphrase: "
                        "give a passphrase file");
    }
    if (tcgetattr(fd, &old) != 0) {
        close(fd);
        return vpr_fail(err, VPR_DENIED, "cannot switch off the terminal's echo");
    }
    struct termios quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    if (write(fd, question, strlen(question)) < 0) {
        (void)errno; /* asked in vain is still asked */
    }
    enum vpr_code code = read_line(fd, ret, size, "the terminal", err);
    (void)tcsetattr(fd, TCSAFLUSH, &old);
    if (write(fd, "\n", 1) < 0) {
        (void)errno;
    }
    close(fd);
    return code;
}

enum vpr_code vpr_passphrase(char *ret, size_t size, const char *path, const char *question,
                             struct vpr_err *err)
{
    if (path == NULL) {
        return ask(ret, size, question, err);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return vpr_fail(err, VPR_NOT_FOUND, "cannot open the passphrase file %s: %s", path,
                        strerror(errno));
    }
    enum vpr_code code = read_line(fd, ret, size, path, err);
    close(fd);
    return code;
}
