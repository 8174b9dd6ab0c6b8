/* backend.c - the node behind the proxies: as little work as an answer can cost. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load.h"

#define EVENTS_MAX 64
#define CONNECTIONS_MAX 1024

struct conn {
    int fd;
    size_t got;
    uint8_t in[BENCH_MESSAGE_BYTES_MAX];
};

static size_t make_answer(char answer[BENCH_MESSAGE_BYTES_MAX])
{
    static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"padding\":\"";
    static const char end[] = "\"}}";

    const int head = snprintf(answer, BENCH_MESSAGE_BYTES_MAX,
                              "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                              "Content-Length: %d\r\n\r\n", BENCH_ANSWER_BYTES);
    char *body = answer + head;
    memset(body, 'y', BENCH_ANSWER_BYTES);
    memcpy(body, start, sizeof start - 1);
    memcpy(body + BENCH_ANSWER_BYTES - (sizeof end - 1), end, sizeof end - 1);
    return (size_t)head + BENCH_ANSWER_BYTES;
}

static void accept_one(int poll, int listener)
{
    struct conn *conn = calloc(1, sizeof *conn);

    VPR_ASSERT(conn != NULL);
    conn->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = conn}};
    if (conn->fd < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        bench_die("cannot accept: %s", strerror(errno));
    }
}

/* False when the client left. */
static bool serve(struct conn *conn, const char *answer, size_t len)
{
    size_t head = 0;
    const ssize_t n = recv(conn->fd, conn->in + conn->got, sizeof conn->in - conn->got, 0);

    if (n <= 0) {
        return false;
    }
    conn->got += (size_t)n;
    const size_t whole = bench_message(vpr_bytes_of(conn->in, conn->got), &head);
    if (whole == 0) {
        return conn->got < sizeof conn->in;
    }
    /* What is behind a whole request would be a second one before our answer. */
    if (whole != conn->got || whole - head != BENCH_ASK_BYTES) {
        bench_die("a request of %zu bytes came with a body of %zu", conn->got, whole - head);
    }
    conn->got = 0;
    return send(conn->fd, answer, len, MSG_NOSIGNAL) == (ssize_t)len;
}

void bench_backend(uint16_t port)
{
    char answer[BENCH_MESSAGE_BYTES_MAX];
    struct epoll_event events[EVENTS_MAX];
    const size_t len = make_answer(answer);
    const int listener = bench_listen(port);
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = NULL}};

    VPR_ASSERT(poll >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) == 0);
    for (;;) {
        const int n = epoll_wait(poll, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            if (conn == NULL) {
                accept_one(poll, listener);
            } else if (!serve(conn, answer, len)) {
                close(conn->fd);
                free(conn);
            }
        }
    }
}
