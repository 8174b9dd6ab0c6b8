#include "abci/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16

static bool fail(char *ret_why, const char *address, const char *what)
{
    snprintf(ret_why, ABCI_TEXT_MAX, "cannot listen on %.200s: %.200s", address, what);
    return false;
}

/* Remove the file a dead server left; anything else that lies there stays. */
static bool clear_path(const struct sockaddr_un *where, const char *address, char *ret_why)
{
    struct stat st;

    if (lstat(where->sun_path, &st) != 0) {
        return errno == ENOENT || fail(ret_why, address, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode)) {
        return fail(ret_why, address, "a file that is no socket is in the way");
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return fail(ret_why, address, strerror(errno));
    }
    /* EAGAIN: its queue is full, so somebody lives there too. */
    bool alive = connect(fd, (const struct sockaddr *)where, sizeof *where) == 0 ||
                 errno == EAGAIN;
    close(fd);
    if (alive) {
        return fail(ret_why, address, "another process listens there");
    }
    if (unlink(where->sun_path) != 0) {
        return fail(ret_why, address, strerror(errno));
    }
    return true;
}

static bool listen_unix(struct abci_listener *l, const char *path, const char *address,
                        char *ret_why)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};

    if (path[0] == 0 || strlen(path) >= sizeof where.sun_path) {
        return fail(ret_why, address, "a socket's path has 1 to 107 bytes");
    }
    memcpy(where.sun_path, path, strlen(path) + 1);
    if (!clear_path(&where, address, ret_why)) {
        return false;
    }
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0) {
        return fail(ret_why, address, strerror(errno));
    }
    /* Whoever reaches this socket controls the state: Linux takes the mode of the file
     * from the socket's, so that it is never open to others, not even for a moment. */
    if (fchmod(l->fd, 0600) != 0 ||
        bind(l->fd, (const struct sockaddr *)&where, sizeof where) != 0) {
        return fail(ret_why, address, strerror(errno));
    }
    memcpy(l->path, path, strlen(path) + 1);
    if (chmod(path, 0600) != 0 || listen(l->fd, BACKLOG) != 0) {
        return fail(ret_why, address, strerror(errno));
    }
    return true;
}

static bool note_port(struct abci_listener *l)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;

    if (getsockname(l->fd, (struct sockaddr *)&bound, &len) != 0) {
        return false;
    }
    l->port = ntohs(bound.ss_family == AF_INET6
                        ? ((const struct sockaddr_in6 *)(const void *)&bound)->sin6_port
                        : ((const struct sockaddr_in *)(const void *)&bound)->sin_port);
    return true;
}

static bool bind_tcp(struct abci_listener *l, const struct addrinfo *to)
{
    const int one = 1;

    l->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Accepted sockets inherit TCP_NODELAY on Linux. */
    return l->fd >= 0 && setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
           setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
           bind(l->fd, to->ai_addr, to->ai_addrlen) == 0 && listen(l->fd, BACKLOG) == 0 &&
           note_port(l);
}

static bool listen_tcp(struct abci_listener *l, const char *at, const char *address,
                       char *ret_why)
{
    const struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                                  .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[256];
    const char *colon = strrchr(at, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - at);

    if (len == 0 || len >= sizeof host || colon[1] == 0) {
        return fail(ret_why, address, "expected tcp://host:port");
    }
    bool brackets = at[0] == '[' && at[len - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(brackets ? len - 2 : len),
             brackets ? at + 1 : at);
    int bad = getaddrinfo(host, colon + 1, &want, &found);
    if (bad != 0) {
        return fail(ret_why, address, gai_strerror(bad));
    }
    l->tcp = true;
    bool ok = bind_tcp(l, found) || fail(ret_why, address, strerror(errno));
    freeaddrinfo(found);
    return ok;
}

bool abci_listen(struct abci_listener *ret_listener, const char *address,
                 char ret_why[ABCI_TEXT_MAX])
{
    struct abci_listener l = {.fd = -1};
    bool ok;

    if (strncmp(address, "unix://", 7) == 0) {
        ok = listen_unix(&l, address + 7, address, ret_why);
    } else if (strncmp(address, "tcp://", 6) == 0) {
        ok = listen_tcp(&l, address + 6, address, ret_why);
    } else {
        ok = fail(ret_why, address, "expected unix:///path.sock or tcp://host:port");
    }
    if (!ok) {
        abci_listen_close(&l);
        return false;
    }
    *ret_listener = l;
    return true;
}

void abci_listen_close(struct abci_listener *listener)
{
    if (listener->fd >= 0) {
        close(listener->fd);
        listener->fd = -1;
    }
    if (listener->path[0] != 0) {
        unlink(listener->path);
        listener->path[0] = 0;
    }
}
