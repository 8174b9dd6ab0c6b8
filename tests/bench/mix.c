/* bench_mix - a mixture of requests against a gateway, as fast as it answers, for a time.
 *
 *   bench_mix ADDRESS:PORT PLAN CONNECTIONS SECONDS
 *
 * Every connection has one request under way and asks the next when it is answered; what is
 * asked next is drawn by weight, from a fixed seed.  PLAN is made by payloads.py: a line "name
 * weight calls status length size word" (size 0: any length of the answer's body; word: hex or
 * "-", must stand in its first 64 KiB `calls` times, or once if calls is 1), then the request
 * of so many bytes.  An answer that is not as the plan says is a fault if no servicer signed it,
 * else the backend's.  Prints one line of JSON; a line a ten seconds to stderr. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load.h"

#define KINDS_MAX 128
#define NAME_MAX_BYTES 32
#define WORD_MAX 64
#define KEEP_BYTES (64 * 1024) /* of an answer; the rest is only counted */
#define PLAN_BYTES_MAX (256u << 20)
#define LANES_MAX 512
#define EVENTS_MAX 64
#define LATE_S 30 /* for the last answers */
#define EVERY_S 10
#define SHOWN_MAX 20
#define SHOWN_BYTES 300
/* Latency: 16 steps to a doubling from 1 us, so a figure is right to 1/16. */
#define STEPS 16
#define BUCKETS (STEPS * 40)

struct kind {
    char name[NAME_MAX_BYTES];
    unsigned weight, calls, status;
    size_t size; /* of the answer's body; 0: any */
    uint8_t word[WORD_MAX];
    size_t word_len;
    struct vpr_bytes request;
    uint64_t sent, good, backend, fault, lost, in_bytes, out_bytes;
    size_t in_min, in_max;
    uint32_t took[BUCKETS];
};

struct lane {
    int fd;
    struct kind *kind; /* under way; NULL: none */
    uint64_t start_ns;
    size_t put;              /* of the request */
    size_t head, whole, got; /* of the answer; 0: not known yet */
    uint8_t in[KEEP_BYTES];
};

struct run {
    struct sockaddr_in at;
    int poll;
    size_t kind_count;
    struct kind kinds[KINDS_MAX];
    uint64_t weights, luck;
    uint32_t lane_count, busy;
    struct lane *lanes;
    bool over; /* nothing new is asked */
    unsigned shown;
};

/* ---- the plan ---- */

static size_t read_word(uint8_t word[WORD_MAX], const char *hex)
{
    size_t len = 0;

    for (; hex[0] != '\0' && hex[1] != '\0' && len < WORD_MAX; hex += 2) {
        const char digits[3] = {hex[0], hex[1], '\0'};
        word[len++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return len;
}

static void read_plan(struct run *run, const char *path)
{
    FILE *file = fopen(path, "rb");
    char line[512], hex[2 * WORD_MAX + 1];
    size_t length;

    if (file == NULL) {
        bench_die("cannot read %s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof line, file) != NULL) {
        struct kind *kind = &run->kinds[run->kind_count++];
        if (run->kind_count == KINDS_MAX ||
            sscanf(line, "%31s %u %u %u %zu %zu %128s", kind->name, &kind->weight, &kind->calls,
                   &kind->status, &length, &kind->size, hex) != 7 ||
            length > PLAN_BYTES_MAX) {
            bench_die("%s: not a plan at: %s", path, line);
        }
        kind->word_len = read_word(kind->word, hex);
        uint8_t *request = malloc(length);
        if (request == NULL || fread(request, 1, length, file) != length) {
            bench_die("%s: %s is cut off", path, kind->name);
        }
        kind->request = vpr_bytes_of(request, length);
        kind->in_min = SIZE_MAX;
        run->weights += kind->weight;
    }
    fclose(file);
    if (run->weights == 0) {
        bench_die("%s: an empty plan", path);
    }
}

/* xorshift64, Marsaglia 2003: every run asks the same. */
static struct kind *draw(struct run *run)
{
    run->luck ^= run->luck << 13;
    run->luck ^= run->luck >> 7;
    run->luck ^= run->luck << 17;
    uint64_t at = run->luck % run->weights;
    size_t i = 0;

    while (at >= run->kinds[i].weight) {
        at -= run->kinds[i++].weight;
    }
    return &run->kinds[i];
}

/* ---- asking ---- */

static void watch(struct run *run, struct lane *lane, int how, uint32_t events)
{
    struct epoll_event event = {.events = events, .data = {.ptr = lane}};

    VPR_ASSERT(epoll_ctl(run->poll, how, lane->fd, &event) == 0);
}

static void connect_lane(struct run *run, struct lane *lane)
{
    const int one = 1;

    lane->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (lane->fd < 0 ||
        connect(lane->fd, (const struct sockaddr *)&run->at, sizeof run->at) != 0) {
        bench_die("cannot connect: %s", strerror(errno));
    }
    (void)setsockopt(lane->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    VPR_ASSERT(fcntl(lane->fd, F_SETFL, O_NONBLOCK) == 0);
    watch(run, lane, EPOLL_CTL_ADD, EPOLLIN);
}

static void lose(struct run *run, struct lane *lane, const char *why);

/* Waits for room only while the request does not fit. */
static void put(struct run *run, struct lane *lane)
{
    const struct vpr_bytes *request = &lane->kind->request;
    const bool waited = lane->put > 0;

    while (lane->put < request->len) {
        const ssize_t n = send(lane->fd, request->data + lane->put, request->len - lane->put,
                               MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            watch(run, lane, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) {
            lose(run, lane, strerror(errno));
            return;
        }
        lane->put += (size_t)n;
    }
    if (waited) {
        watch(run, lane, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void ask(struct run *run, struct lane *lane)
{
    if (run->over) {
        return;
    }
    lane->kind = draw(run);
    lane->kind->sent++;
    lane->put = 0;
    lane->head = 0;
    lane->whole = 0;
    lane->got = 0;
    lane->start_ns = bench_clock_ns();
    run->busy++;
    put(run, lane);
}

/* ---- answers ---- */

static size_t bucket_of(uint64_t us)
{
    const uint64_t at = us + STEPS;
    const unsigned top = 63u - (unsigned)__builtin_clzll(at); /* at least 4 */
    const size_t bucket = (size_t)(top - 4) * STEPS + (size_t)(at >> (top - 4)) - STEPS;

    return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The largest value of a bucket. */
static uint64_t bucket_us(size_t bucket)
{
    const unsigned top = (unsigned)(bucket / STEPS);

    return ((bucket % STEPS + STEPS + 1) << top) - STEPS - 1;
}

static void show(struct run *run, const struct lane *lane, const char *what)
{
    const size_t kept = (lane->got < KEEP_BYTES ? lane->got : KEEP_BYTES) - lane->head;

    if (run->shown++ < SHOWN_MAX) {
        (void)fprintf(stderr, "%s: %s: %.*s %.*s\n", lane->kind->name, what,
                      lane->head == 0 ? 0 : 12, (const char *)lane->in,
                      (int)(kept < SHOWN_BYTES ? kept : SHOWN_BYTES),
                      (const char *)lane->in + lane->head);
    }
}

static unsigned count_word(const struct lane *lane, size_t kept)
{
    const struct kind *kind = lane->kind;
    const uint8_t *at = lane->in + lane->head, *end = lane->in + kept;
    unsigned count = 0;

    if (kind->word_len == 0) {
        return kind->calls;
    }
    while (at < end &&
           (at = memmem(at, (size_t)(end - at), kind->word, kind->word_len)) != NULL) {
        count++;
        at += kind->word_len;
    }
    return count;
}

static void take(struct run *run, struct lane *lane)
{
    struct kind *kind = lane->kind;
    const size_t kept = lane->got < KEEP_BYTES ? lane->got : KEEP_BYTES;
    const size_t body = lane->whole - lane->head;
    const unsigned status = (unsigned)strtoul((const char *)lane->in + 9, NULL, 10);
    const unsigned words = count_word(lane, kept);

    kind->took[bucket_of((bench_clock_ns() - lane->start_ns) / 1000)]++;
    kind->in_bytes += body;
    kind->out_bytes += kind->request.len;
    kind->in_min = body < kind->in_min ? body : kind->in_min;
    kind->in_max = body > kind->in_max ? body : kind->in_max;
    if (status == kind->status && (kind->calls == 1 ? words >= 1 : words == kind->calls) &&
        (kind->size == 0 || kind->size == body)) {
        kind->good++;
    } else if (memmem(lane->in, lane->head, "Viper-Receipt: ", 15) != NULL) {
        kind->backend++;
        show(run, lane, "not as planned, but signed by a servicer");
    } else {
        kind->fault++;
        show(run, lane, "a fault");
    }
    run->busy--;
    lane->kind = NULL;
    ask(run, lane);
}

static void lose(struct run *run, struct lane *lane, const char *why)
{
    show(run, lane, why);
    lane->kind->lost++;
    run->busy--;
    lane->kind = NULL;
    close(lane->fd);
    connect_lane(run, lane);
    ask(run, lane);
}

static bool read_head(struct lane *lane)
{
    const char *text = (const char *)lane->in;
    const char *end = memmem(text, lane->got, "\r\n\r\n", 4);
    size_t body = 0;

    if (end == NULL) {
        return false;
    }
    for (const char *line = text; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end + 2 - line));
        if (strncasecmp(line, "content-length:", 15) == 0) {
            body = strtoul(line + 15, NULL, 10);
        }
        line = next + 1;
    }
    lane->head = (size_t)(end - text) + 4; /* without a length there is no body: a 204 */
    lane->whole = lane->head + body;
    return true;
}

static void readable(struct run *run, struct lane *lane)
{
    static uint8_t rest[256 * 1024];
    const bool keep = lane->got < KEEP_BYTES;
    const ssize_t n = keep ? recv(lane->fd, lane->in + lane->got, KEEP_BYTES - lane->got, 0)
                           : recv(lane->fd, rest, sizeof rest, 0);

    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (lane->kind == NULL) {
        close(lane->fd); /* the gateway closes what is idle, and so do we */
        connect_lane(run, lane);
        return;
    }
    if (n <= 0) {
        lose(run, lane, n == 0 ? "closed without an answer" : strerror(errno));
        return;
    }
    lane->got += (size_t)n;
    if (lane->head == 0 && !read_head(lane)) {
        if (lane->got == KEEP_BYTES) {
            lose(run, lane, "a head without end");
        }
        return;
    }
    if (lane->got > lane->whole) {
        lose(run, lane, "more than one answer");
    } else if (lane->got == lane->whole) {
        take(run, lane);
    }
}

/* ---- the run ---- */

static void poll_once(struct run *run)
{
    struct epoll_event events[EVENTS_MAX];
    const int n = epoll_wait(run->poll, events, EVENTS_MAX, 100);

    for (int i = 0; i < n; i++) {
        struct lane *lane = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) != 0 && lane->kind != NULL) {
            put(run, lane);
        }
        if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            readable(run, lane);
        }
    }
}

static void progress(const struct run *run, double elapsed_s)
{
    static uint64_t before;
    uint64_t good = 0, backend = 0, fault = 0, lost = 0;

    for (size_t i = 0; i < run->kind_count; i++) {
        good += run->kinds[i].good;
        backend += run->kinds[i].backend;
        fault += run->kinds[i].fault;
        lost += run->kinds[i].lost;
    }
    (void)fprintf(stderr, "%4.0f s  %8" PRIu64 " answers, %6.0f /s, %" PRIu64 " of a backend not "
                  "as planned, %" PRIu64 " faults, %" PRIu64 " lost\n", elapsed_s, good,
                  (double)(good - before) / EVERY_S, backend, fault, lost);
    before = good;
}

static void drive(struct run *run, uint64_t seconds)
{
    const uint64_t start_ns = bench_clock_ns();
    uint64_t next_s = EVERY_S, now_s = 0;

    for (uint32_t i = 0; i < run->lane_count; i++) {
        connect_lane(run, &run->lanes[i]);
        ask(run, &run->lanes[i]);
    }
    while (now_s < seconds || (run->busy > 0 && now_s < seconds + LATE_S)) {
        poll_once(run);
        now_s = (bench_clock_ns() - start_ns) / 1000000000;
        run->over = now_s >= seconds;
        if (now_s >= next_s && !run->over) {
            progress(run, (double)(bench_clock_ns() - start_ns) / 1e9);
            next_s += EVERY_S;
        }
    }
    for (uint32_t i = 0; i < run->lane_count; i++) {
        if (run->lanes[i].kind != NULL) {
            show(run, &run->lanes[i], "no answer when the time was over");
            run->lanes[i].kind->lost++;
        }
        close(run->lanes[i].fd);
    }
}

static uint64_t rank_us(const uint32_t took[BUCKETS], uint64_t count, unsigned percent)
{
    const uint64_t want = (count * percent + 99) / 100;
    uint64_t seen = 0;

    for (size_t i = 0; i < BUCKETS; i++) {
        seen += took[i];
        if (seen >= want && seen > 0) {
            return bucket_us(i);
        }
    }
    return 0;
}

static void print_took(const uint32_t took[BUCKETS], uint64_t count)
{
    printf("\"p50_us\":%" PRIu64 ",\"p90_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 ",\"max_us\":%"
           PRIu64, rank_us(took, count, 50), rank_us(took, count, 90), rank_us(took, count, 99),
           rank_us(took, count, 100));
}

static void print_result(const struct run *run, uint64_t elapsed_ns)
{
    static uint32_t all[BUCKETS];
    uint64_t count = 0;

    printf("{\"elapsed_ns\":%" PRIu64 ",\"cpu_ns\":%" PRIu64 ",\"kinds\":[", elapsed_ns,
           bench_cpu_ns());
    for (size_t i = 0; i < run->kind_count; i++) {
        const struct kind *k = &run->kinds[i];
        const uint64_t answers = k->good + k->backend + k->fault;
        printf("%s{\"name\":\"%s\",\"calls\":%u,\"status\":%u,\"sent\":%" PRIu64
               ",\"good\":%" PRIu64 ",\"backend\":%" PRIu64 ",\"fault\":%" PRIu64
               ",\"lost\":%" PRIu64 ",\"in_bytes\":%" PRIu64 ",\"out_bytes\":%" PRIu64
               ",\"request_bytes\":%zu,\"in_min\":%zu,\"in_max\":%zu,",
               i == 0 ? "" : ",", k->name, k->calls, k->status, k->sent, k->good, k->backend,
               k->fault, k->lost, k->in_bytes, k->out_bytes, k->request.len,
               answers == 0 ? 0 : k->in_min, k->in_max);
        print_took(k->took, answers);
        printf("}");
        count += answers;
        for (size_t j = 0; j < BUCKETS; j++) {
            all[j] += k->took[j];
        }
    }
    printf("],\"answers\":%" PRIu64 ",", count);
    print_took(all, count);
    puts("}");
}

static void read_address(struct run *run, const char *text)
{
    char host[64];
    unsigned port;

    run->at.sin_family = AF_INET;
    if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 || port > UINT16_MAX ||
        inet_pton(AF_INET, host, &run->at.sin_addr) != 1) {
        bench_die("%s is no address:port", text);
    }
    run->at.sin_port = htons((uint16_t)port);
}

int main(int argc, char **argv)
{
    static struct run run;

    if (argc != 5) {
        (void)fputs("usage: bench_mix ADDRESS:PORT PLAN CONNECTIONS SECONDS\n", stderr);
        return 2;
    }
    read_address(&run, argv[1]);
    read_plan(&run, argv[2]);
    run.lane_count = (uint32_t)strtoul(argv[3], NULL, 10);
    const uint64_t seconds = strtoull(argv[4], NULL, 10);
    if (run.lane_count == 0 || run.lane_count > LANES_MAX || seconds == 0) {
        bench_die("1 to %d connections and at least a second are expected", LANES_MAX);
    }
    run.lanes = calloc(run.lane_count, sizeof run.lanes[0]);
    run.poll = epoll_create1(EPOLL_CLOEXEC);
    run.luck = UINT64_C(0x9e3779b97f4a7c15);
    VPR_ASSERT(run.lanes != NULL && run.poll >= 0);
    const uint64_t start_ns = bench_clock_ns();
    drive(&run, seconds);
    print_result(&run, bench_clock_ns() - start_ns);
    return 0;
}
