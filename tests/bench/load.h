/* load.h - the parts of bench_load: load.c asks, backend.c answers, relays.c knows what is
 * asked of a servicer and what its answers must hold.
 *
 * The same bodies for everybody: 200 bytes of JSON-RPC out, 500 bytes back.  Errors end the
 * program: a bench with a wrong answer in it measures nothing. */
#ifndef VPR_BENCH_LOAD_H
#define VPR_BENCH_LOAD_H

#include "app/base/base.h"

#define BENCH_ASK_BYTES 200
#define BENCH_ANSWER_BYTES 500
#define BENCH_LANES_MAX 64 /* connections; client keys at a servicer */
#define BENCH_EACH_MAX 1000000
#define BENCH_MESSAGE_BYTES_MAX 4096

void bench_die(const char *fmt, ...) VPR_PRINTF(1, 2) __attribute__((noreturn));
uint64_t bench_clock_ns(void);
uint64_t bench_cpu_ns(void); /* of this thread */

/* Length of the HTTP message at the front, 0 if it is not whole; Content-Length only. */
size_t bench_message(struct vpr_bytes data, size_t *ret_head);
/* The JSON-RPC call that everybody sends. */
void bench_ask_body(char body[BENCH_ASK_BYTES + 1]);
/* A listening or connected socket on 127.0.0.1, no delay. */
int bench_listen(uint16_t port);
int bench_connect(uint16_t port);

/* Answers every request until it is killed. */
void bench_backend(uint16_t port) __attribute__((noreturn));

/* ---- load ---- */

typedef void bench_answer_fn(void *arg, uint32_t lane, uint32_t n, struct vpr_bytes head,
                             struct vpr_bytes body);

/* Each lane is one connection with one request under way; its requests lie one behind the
 * other.  `step` is 0 if all are the same one. */
struct bench_load {
    uint16_t port;
    uint32_t lanes, each;
    const struct vpr_bytes *requests; /* of lane l, number n: [step * (l * each + n)] */
    uint32_t step;
    bench_answer_fn *answer; /* of every answer, whose status is 200 */
    void *arg;
};

/* Connects, says "ready", waits for a line on stdin, runs, prints one line of JSON. */
void bench_load_run(const struct bench_load *load);

/* ---- relays ---- */

/* Keys and token for viper-relay into `home`, facts for its chain to stdout as JSON. */
void bench_relays_home(const char *home);
/* Relays of `lanes` client keys from number `first_lane` on, with seq from `first_seq` on and
 * everything before acknowledged, signed before the clock starts. */
void bench_relays_run(uint16_t port, uint32_t lanes, uint32_t each, uint32_t first_lane,
                      uint64_t first_seq);
void bench_plain_run(uint16_t port, uint32_t lanes, uint32_t each);
/* What the rules of one relay cost by themselves; `dir`: where a leaf would be synced. */
void bench_primitives(const char *dir);

#endif
