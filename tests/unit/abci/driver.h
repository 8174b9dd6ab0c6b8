/* driver.h - a small application behind a real server on a loop thread of its own, and
 * clients that speak bytes to it.  For the tests and the fuzzer of abci/. */
#ifndef TESTS_ABCI_DRIVER_H
#define TESTS_ABCI_DRIVER_H

#include <pthread.h>

#include "abci/abci.h"

#define HELD_MAX 8192

/* What the application does: Info says version "1"; CheckTx holds every transaction that
 * begins with 'h' and takes the others; Query answers `query_bytes` zeros; PrepareProposal
 * gives back all transactions, FinalizeBlock one result each and app hash aabb; ExtendVote
 * raises "x"; VerifyVoteExtension answers UNKNOWN; snapshots are not served. */
struct driver {
    struct event_base *loop;
    struct abci_server *server;
    struct abci_app app;
    pthread_t thread;
    char path[64];

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct abci_call *held[HELD_MAX];
    unsigned held_count;
    unsigned disconnects;
    char trace[256];
    unsigned trace_len;
    char log[ABCI_TEXT_MAX]; /* the last line */
    uint64_t txs_seen, txs_bytes, txs_sum; /* of the last FinalizeBlock */
    uint64_t votes_seen;
    /* knobs */
    int64_t retain_height;
    size_t query_bytes;
    unsigned results_missing; /* FinalizeBlock answers so many too few */
};

struct driver *driver_start(void);                      /* on a unix socket */
struct driver *driver_start_at(const char *address);    /* NULL: no server, see log */
void driver_stop(struct driver *d);

int driver_connect(const struct driver *d);
int driver_connect_tcp(uint16_t port);

void driver_wait_held(struct driver *d, unsigned count);
void driver_wait_disconnects(struct driver *d, unsigned count);
/* Answer the i-th held call with this code. */
void driver_answer(struct driver *d, unsigned i, uint32_t code);

void send_hex(int fd, const char *hex);
void send_all(int fd, const void *data, size_t len);
/* Exactly these bytes come, within 10 s. */
void expect_hex(int fd, const char *hex);
void expect_nothing(int fd, int ms);
void expect_end(int fd);
/* One frame, an exception: its text. */
void expect_exception(int fd, char ret_text[ABCI_TEXT_MAX]);
/* One frame of any kind. */
Tendermint__Abci__Response *receive(int fd);

size_t hex_bytes(uint8_t *out, size_t size, const char *hex);
void send_request(int fd, const Tendermint__Abci__Request *request);

#endif
