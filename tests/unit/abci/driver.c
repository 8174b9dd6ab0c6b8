#include "tests/unit/abci/driver.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/thread.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* ---- the application */

static void info(void *self, struct abci_call *call, const Tendermint__Abci__RequestInfo *in)
{
    Tendermint__Abci__ResponseInfo out = TENDERMINT__ABCI__RESPONSE_INFO__INIT;
    char version[] = "1";

    (void)self;
    (void)in;
    out.version = version;
    abci_reply(call, &out.base);
}

static void query(void *self, struct abci_call *call, const Tendermint__Abci__RequestQuery *in)
{
    struct driver *d = self;
    Tendermint__Abci__ResponseQuery out = TENDERMINT__ABCI__RESPONSE_QUERY__INIT;

    (void)in;
    out.value.len = d->query_bytes;
    out.value.data = calloc(1, d->query_bytes + 1);
    abci_reply(call, &out.base);
    free(out.value.data);
}

static void check_tx(void *self, struct abci_call *call,
                     const Tendermint__Abci__RequestCheckTx *in)
{
    struct driver *d = self;
    Tendermint__Abci__ResponseCheckTx out = TENDERMINT__ABCI__RESPONSE_CHECK_TX__INIT;

    if (in->tx.len > 0 && in->tx.data[0] == 'h') {
        pthread_mutex_lock(&d->lock);
        ck_assert_uint_lt(d->held_count, HELD_MAX);
        d->held[d->held_count++] = call;
        pthread_cond_broadcast(&d->changed);
        pthread_mutex_unlock(&d->lock);
        return;
    }
    abci_reply(call, &out.base);
}

static void insert_tx(void *self, struct abci_call *call,
                      const Tendermint__Abci__RequestInsertTx *in)
{
    Tendermint__Abci__ResponseInsertTx out = TENDERMINT__ABCI__RESPONSE_INSERT_TX__INIT;

    (void)self;
    (void)in;
    abci_reply(call, &out.base);
}

static void reap_txs(void *self, struct abci_call *call,
                     const Tendermint__Abci__RequestReapTxs *in)
{
    Tendermint__Abci__ResponseReapTxs out = TENDERMINT__ABCI__RESPONSE_REAP_TXS__INIT;

    (void)self;
    (void)in;
    abci_reply(call, &out.base);
}

static void init_chain(void *self, struct abci_call *call,
                       const Tendermint__Abci__RequestInitChain *in)
{
    Tendermint__Abci__ResponseInitChain out = TENDERMINT__ABCI__RESPONSE_INIT_CHAIN__INIT;

    (void)self;
    (void)in;
    abci_reply(call, &out.base);
}

static void prepare_proposal(void *self, struct abci_call *call,
                             const Tendermint__Abci__RequestPrepareProposal *in)
{
    Tendermint__Abci__ResponsePrepareProposal out =
        TENDERMINT__ABCI__RESPONSE_PREPARE_PROPOSAL__INIT;

    (void)self;
    out.n_txs = in->n_txs;
    out.txs = in->txs;
    abci_reply(call, &out.base);
}

static void process_proposal(void *self, struct abci_call *call,
                             const Tendermint__Abci__RequestProcessProposal *in)
{
    Tendermint__Abci__ResponseProcessProposal out =
        TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__INIT;

    (void)self;
    (void)in;
    out.status = TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__PROPOSAL_STATUS__ACCEPT;
    abci_reply(call, &out.base);
}

static void extend_vote(void *self, struct abci_call *call,
                        const Tendermint__Abci__RequestExtendVote *in)
{
    (void)self;
    (void)in;
    abci_fail(call, "%s", "x");
}

static void verify_vote_extension(void *self, struct abci_call *call,
                                  const Tendermint__Abci__RequestVerifyVoteExtension *in)
{
    Tendermint__Abci__ResponseVerifyVoteExtension out =
        TENDERMINT__ABCI__RESPONSE_VERIFY_VOTE_EXTENSION__INIT;

    (void)self;
    (void)in;
    abci_reply(call, &out.base);
}

static void finalize_block(void *self, struct abci_call *call,
                           const Tendermint__Abci__RequestFinalizeBlock *in)
{
    struct driver *d = self;
    Tendermint__Abci__ResponseFinalizeBlock out =
        TENDERMINT__ABCI__RESPONSE_FINALIZE_BLOCK__INIT;
    Tendermint__Abci__ExecTxResult ok = TENDERMINT__ABCI__EXEC_TX_RESULT__INIT;
    uint8_t hash[] = {0xaa, 0xbb};

    pthread_mutex_lock(&d->lock);
    d->txs_seen = in->n_txs;
    d->txs_bytes = d->txs_sum = 0;
    for (size_t i = 0; i < in->n_txs; i++) {
        d->txs_bytes += in->txs[i].len;
        for (size_t b = 0; b < in->txs[i].len; b++) {
            d->txs_sum = d->txs_sum * 31 + in->txs[i].data[b];
        }
    }
    d->votes_seen = in->decided_last_commit != NULL ? in->decided_last_commit->n_votes : 0;
    out.n_tx_results = in->n_txs - d->results_missing;
    pthread_mutex_unlock(&d->lock);

    out.tx_results = calloc(in->n_txs + 1, sizeof(void *));
    for (size_t i = 0; i < in->n_txs; i++) {
        out.tx_results[i] = &ok;
    }
    out.app_hash = (ProtobufCBinaryData){sizeof hash, hash};
    abci_reply(call, &out.base);
    free(out.tx_results);
}

static void commit(void *self, struct abci_call *call,
                   const Tendermint__Abci__RequestCommit *in)
{
    struct driver *d = self;
    Tendermint__Abci__ResponseCommit out = TENDERMINT__ABCI__RESPONSE_COMMIT__INIT;

    (void)in;
    out.retain_height = d->retain_height;
    abci_reply(call, &out.base);
}

static void on_disconnect(void *self)
{
    struct driver *d = self;

    pthread_mutex_lock(&d->lock);
    d->disconnects++;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

static void trace(void *self, char letter)
{
    struct driver *d = self;

    pthread_mutex_lock(&d->lock);
    if (d->trace_len + 1 < sizeof d->trace) {
        d->trace[d->trace_len++] = letter;
    }
    pthread_mutex_unlock(&d->lock);
}

static void keep_log(void *self, const char *text)
{
    struct driver *d = self;

    pthread_mutex_lock(&d->lock);
    snprintf(d->log, sizeof d->log, "%s", text);
    pthread_mutex_unlock(&d->lock);
}

/* ---- the loop */

static void *run_loop(void *self)
{
    struct driver *d = self;

    event_base_loop(d->loop, EVLOOP_NO_EXIT_ON_EMPTY);
    return NULL;
}

struct driver *driver_start_at(const char *address)
{
    struct driver *d = calloc(1, sizeof *d);

    ck_assert_int_eq(evthread_use_pthreads(), 0); /* for event_base_loopexit from here */
    d->loop = event_base_new();
    d->app = (struct abci_app){
        .self = d, .info = info, .query = query, .check_tx = check_tx, .insert_tx = insert_tx,
        .reap_txs = reap_txs, .init_chain = init_chain, .prepare_proposal = prepare_proposal,
        .process_proposal = process_proposal, .extend_vote = extend_vote,
        .verify_vote_extension = verify_vote_extension, .finalize_block = finalize_block,
        .commit = commit, .on_disconnect = on_disconnect, .trace = trace, .log = keep_log};
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->server = abci_server_create(d->loop, &d->app, address, d->log);
    if (d->server != NULL) {
        pthread_create(&d->thread, NULL, run_loop, d);
    }
    return d;
}

struct driver *driver_start(void)
{
    static unsigned count;
    char path[64], address[80];

    snprintf(path, sizeof path, "/tmp/abci_test.%d.%u.sock", (int)getpid(), count++);
    snprintf(address, sizeof address, "unix://%s", path);
    struct driver *d = driver_start_at(address);
    ck_assert_msg(d->server != NULL, "%s", d->log);
    memcpy(d->path, path, sizeof path);
    return d;
}

void driver_stop(struct driver *d)
{
    if (d->server != NULL) {
        /* Not loopbreak: a loop that has only just begun forgets that. */
        event_base_loopexit(d->loop, NULL);
        pthread_join(d->thread, NULL);
    }
    abci_server_destroy(d->server);
    event_base_free(d->loop);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    free(d);
}

static void wait_for(struct driver *d, const unsigned *counter, unsigned count)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&d->lock);
    while (*counter < count) {
        ck_assert_msg(pthread_cond_timedwait(&d->changed, &d->lock, &until) == 0,
                      "waited for %u, have %u", count, *counter);
    }
    pthread_mutex_unlock(&d->lock);
}

void driver_wait_held(struct driver *d, unsigned count)
{
    wait_for(d, &d->held_count, count);
}

void driver_wait_disconnects(struct driver *d, unsigned count)
{
    wait_for(d, &d->disconnects, count);
}

void driver_answer(struct driver *d, unsigned i, uint32_t code)
{
    Tendermint__Abci__ResponseCheckTx out = TENDERMINT__ABCI__RESPONSE_CHECK_TX__INIT;

    pthread_mutex_lock(&d->lock);
    struct abci_call *call = d->held[i];
    d->held[i] = NULL;
    pthread_mutex_unlock(&d->lock);
    ck_assert_ptr_nonnull(call);
    out.code = code;
    abci_reply(call, &out.base);
}

/* ---- clients */

int driver_connect(const struct driver *d)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(to.sun_path, sizeof to.sun_path, "%s", d->path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

int driver_connect_tcp(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

size_t hex_bytes(uint8_t *out, size_t size, const char *hex)
{
    size_t n = 0;

    while (hex[0] != 0) {
        unsigned byte;
        if (hex[0] == ' ') {
            hex++;
            continue;
        }
        ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
        ck_assert_uint_lt(n, size);
        out[n++] = (uint8_t)byte;
        hex += 2;
    }
    return n;
}

void send_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        ck_assert_int_gt(n, 0);
        at += n;
        len -= (size_t)n;
    }
}

void send_hex(int fd, const char *hex)
{
    uint8_t bytes[4096];

    send_all(fd, bytes, hex_bytes(bytes, sizeof bytes, hex));
}

void send_request(int fd, const Tendermint__Abci__Request *request)
{
    size_t len = tendermint__abci__request__get_packed_size(request);
    uint8_t *frame = malloc(len + 10);
    size_t n = 0;

    for (size_t v = len; v > 0x7f; v >>= 7) {
        frame[n++] = (uint8_t)(v | 0x80);
    }
    frame[n] = (uint8_t)(len >> (7 * n));
    n++;
    tendermint__abci__request__pack(request, frame + n);
    send_all(fd, frame, n + len);
    free(frame);
}

/* Bytes that came, 0 at the end of the stream. */
static size_t receive_some(int fd, void *to, size_t max)
{
    struct pollfd p = {fd, POLLIN, 0};

    ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "nothing came");
    ssize_t n = recv(fd, to, max, 0);
    ck_assert_msg(n >= 0, "connection broke");
    return (size_t)n;
}

static void receive_all(int fd, void *to, size_t len)
{
    uint8_t *at = to;

    while (len > 0) {
        size_t n = receive_some(fd, at, len);
        ck_assert_msg(n > 0, "connection ended");
        at += n;
        len -= n;
    }
}

void expect_hex(int fd, const char *hex)
{
    uint8_t want[4096], got[4096];
    size_t n = hex_bytes(want, sizeof want, hex);

    receive_all(fd, got, n);
    ck_assert_mem_eq(got, want, n);
}

void expect_nothing(int fd, int ms)
{
    struct pollfd p = {fd, POLLIN, 0};

    ck_assert_int_eq(poll(&p, 1, ms), 0);
}

void expect_end(int fd)
{
    uint8_t byte;

    ck_assert_uint_eq(receive_some(fd, &byte, 1), 0);
}

Tendermint__Abci__Response *receive(int fd)
{
    size_t len = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; (byte & 0x80) != 0; shift += 7) {
        receive_all(fd, &byte, 1);
        len |= (size_t)(byte & 0x7f) << shift;
    }
    uint8_t *wire = malloc(len + 1);
    receive_all(fd, wire, len);
    Tendermint__Abci__Response *r = tendermint__abci__response__unpack(NULL, len, wire);
    ck_assert_ptr_nonnull(r);
    free(wire);
    return r;
}

void expect_exception(int fd, char ret_text[ABCI_TEXT_MAX])
{
    Tendermint__Abci__Response *r = receive(fd);

    ck_assert_int_eq((int)r->value_case, TENDERMINT__ABCI__RESPONSE__VALUE_EXCEPTION);
    snprintf(ret_text, ABCI_TEXT_MAX, "%s", r->exception->error);
    tendermint__abci__response__free_unpacked(r, NULL);
}
