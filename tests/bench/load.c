#include "tests/bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64

void bench_die(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)fputs("bench_load: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(1);
}

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;

    VPR_ASSERT(clock_gettime(id, &t) == 0);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t bench_clock_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

size_t bench_message(struct vpr_bytes data, size_t *ret_head)
{
    const char *text = (const char *)data.data;
    const char *end = memmem(text, data.len, "\r\n\r\n", 4);

    if (end == NULL) {
        return 0;
    }
    *ret_head = (size_t)(end - text) + 4;
    for (const char *line = text; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end + 2 - line));
        if (strncasecmp(line, "content-length:", 15) == 0) {
            const size_t whole = *ret_head + strtoul(line + 15, NULL, 10);
            return data.len >= whole ? whole : 0;
        }
        line = next + 1;
    }
    bench_die("a message without Content-Length: %.*s", (int)*ret_head, text);
}

void bench_ask_body(char body[BENCH_ASK_BYTES + 1])
{
    static const char start[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"block\",\"params\":"
                                "{\"height\":\"123456\",\"padding\":\"";
    static const char end[] = "\"}}";

    memset(body, 'x', BENCH_ASK_BYTES);
    memcpy(body, start, sizeof start - 1);
    memcpy(body + BENCH_ASK_BYTES - (sizeof end - 1), end, sizeof end);
}

static struct sockaddr_in local(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

int bench_listen(uint16_t port)
{
    const struct sockaddr_in at = local(port);
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* inherited */
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(fd, 1024) != 0) {
        bench_die("cannot listen on port %u: %s", (unsigned)port, strerror(errno));
    }
    return fd;
}

int bench_connect(uint16_t port)
{
    const struct sockaddr_in at = local(port);
    const int one = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
        bench_die("cannot connect to port %u: %s", (unsigned)port, strerror(errno));
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* ---- the load ---- */

struct lane {
    int fd;
    uint32_t number, n; /* n: of the request under way */
    uint64_t start_ns;
    size_t got;
    uint8_t in[BENCH_MESSAGE_BYTES_MAX];
};

struct run {
    const struct bench_load *load;
    uint64_t *took_ns;
    size_t took, left; /* lanes that are not done */
    struct lane lanes[BENCH_LANES_MAX];
};

static void ask(struct run *run, struct lane *lane)
{
    const struct bench_load *load = run->load;
    const struct vpr_bytes *request =
        &load->requests[(size_t)load->step * ((size_t)lane->number * load->each + lane->n)];

    lane->got = 0;
    lane->start_ns = bench_clock_ns();
    if (send(lane->fd, request->data, request->len, MSG_NOSIGNAL) != (ssize_t)request->len) {
        bench_die("a request was not taken whole: %s", strerror(errno));
    }
}

static void take_answer(struct run *run, struct lane *lane, size_t head, size_t whole)
{
    const struct bench_load *load = run->load;

    run->took_ns[run->took] = bench_clock_ns() - lane->start_ns;
    run->took++;
    if (whole != lane->got || memcmp(lane->in, "HTTP/1.1 200 ", 13) != 0) {
        bench_die("lane %u, request %u: not a 200: %.*s", lane->number, lane->n,
                  (int)lane->got, (const char *)lane->in);
    }
    if (whole - head != BENCH_ANSWER_BYTES) {
        bench_die("an answer of %zu bytes, not of %d", whole - head, BENCH_ANSWER_BYTES);
    }
    load->answer(load->arg, lane->number, lane->n, vpr_bytes_of(lane->in, head),
                 vpr_bytes_of(lane->in + head, whole - head));
    lane->n++;
    if (lane->n < load->each) {
        ask(run, lane);
    } else {
        run->left--;
    }
}

static void readable(struct run *run, struct lane *lane)
{
    size_t head = 0;
    const ssize_t n = recv(lane->fd, lane->in + lane->got, sizeof lane->in - lane->got, 0);

    if (n <= 0) {
        bench_die("lane %u: the connection ended after %u answers", lane->number, lane->n);
    }
    lane->got += (size_t)n;
    const size_t whole = bench_message(vpr_bytes_of(lane->in, lane->got), &head);
    if (whole > 0) {
        take_answer(run, lane, head, whole);
    } else if (lane->got == sizeof lane->in) {
        bench_die("an answer is longer than %zu bytes", sizeof lane->in);
    }
}

static int u64_cmp(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void print_result(struct run *run, uint64_t elapsed_ns, uint64_t cpu_ns)
{
    uint64_t sum = 0;
    const size_t n = run->took;

    qsort(run->took_ns, n, sizeof run->took_ns[0], u64_cmp);
    for (size_t i = 0; i < n; i++) {
        sum += run->took_ns[i];
    }
    /* Nearest rank. */
    printf("{\"answers\":%zu,\"elapsed_ns\":%" PRIu64 ",\"load_cpu_ns\":%" PRIu64
           ",\"mean_ns\":%" PRIu64 ",\"p50_ns\":%" PRIu64 ",\"p90_ns\":%" PRIu64
           ",\"p99_ns\":%" PRIu64 ",\"max_ns\":%" PRIu64 "}\n",
           n, elapsed_ns, cpu_ns, sum / n, run->took_ns[(n * 50 + 99) / 100 - 1],
           run->took_ns[(n * 90 + 99) / 100 - 1], run->took_ns[(n * 99 + 99) / 100 - 1],
           run->took_ns[n - 1]);
}

static void wait_for_go(void)
{
    char line[16];

    puts("ready");
    (void)fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) {
        bench_die("nobody says go");
    }
}

void bench_load_run(const struct bench_load *load)
{
    static struct run run;
    struct epoll_event events[EVENTS_MAX];
    const int poll = epoll_create1(EPOLL_CLOEXEC);

    run.load = load;
    run.left = load->lanes;
    run.took_ns = calloc((size_t)load->lanes * load->each, sizeof run.took_ns[0]);
    VPR_ASSERT(poll >= 0 && run.took_ns != NULL);
    for (uint32_t i = 0; i < load->lanes; i++) {
        struct lane *lane = &run.lanes[i];
        struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = lane}};
        lane->number = i;
        lane->fd = bench_connect(load->port);
        VPR_ASSERT(epoll_ctl(poll, EPOLL_CTL_ADD, lane->fd, &event) == 0);
    }
    wait_for_go();
    const uint64_t start_ns = bench_clock_ns();
    const uint64_t cpu_ns = bench_cpu_ns();
    for (uint32_t i = 0; i < load->lanes; i++) {
        ask(&run, &run.lanes[i]);
    }
    while (run.left > 0) {
        const int n = epoll_wait(poll, events, EVENTS_MAX, 30000);
        if (n == 0) {
            bench_die("no answer for 30 s");
        }
        for (int i = 0; i < n; i++) {
            readable(&run, events[i].data.ptr);
        }
    }
    print_result(&run, bench_clock_ns() - start_ns, bench_cpu_ns() - cpu_ns);
    for (uint32_t i = 0; i < load->lanes; i++) {
        close(run.lanes[i].fd);
    }
    close(poll);
    free(run.took_ns);
}
