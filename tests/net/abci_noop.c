/* The smallest application that CometBFT runs with: it counts transactions, and its hash is
 * that count.  Proves abci/ against the real engine; see abci_smoke.sh.
 *
 *     abci_noop unix:///path.sock TRACE
 *
 * appends one letter for each consensus request to the file TRACE, a newline for each end
 * of the consensus connection, and ends with SIGTERM.  Blocks are executed on a thread of
 * their own, as a real application would. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "abci/abci.h"

struct noop {
    pthread_mutex_t lock;
    int64_t height; /* committed */
    uint64_t count;
    int64_t next_height; /* executed */
    uint64_t next_count;
    int trace_fd;
    /* the block that waits for its thread; at most one, as consensus is one connection */
    pthread_cond_t work;
    struct abci_call *call;
    const Tendermint__Abci__RequestFinalizeBlock *block;
};

static void put_hash(uint8_t out[8], uint64_t count)
{
    for (int i = 0; i < 8; i++) {
        out[i] = (uint8_t)(count >> (56 - 8 * i));
    }
}

static void info(void *self, struct abci_call *call, const Tendermint__Abci__RequestInfo *in)
{
    struct noop *a = self;
    Tendermint__Abci__ResponseInfo out = TENDERMINT__ABCI__RESPONSE_INFO__INIT;
    uint8_t hash[8];

    (void)in;
    pthread_mutex_lock(&a->lock);
    out.last_block_height = a->height;
    if (a->height > 0) {
        put_hash(hash, a->count);
        out.last_block_app_hash = (ProtobufCBinaryData){sizeof hash, hash};
    }
    pthread_mutex_unlock(&a->lock);
    abci_reply(call, &out.base);
}

static void init_chain(void *self, struct abci_call *call,
                       const Tendermint__Abci__RequestInitChain *in)
{
    Tendermint__Abci__ResponseInitChain out = TENDERMINT__ABCI__RESPONSE_INIT_CHAIN__INIT;
    uint8_t hash[8];

    (void)self;
    (void)in;
    put_hash(hash, 0);
    out.app_hash = (ProtobufCBinaryData){sizeof hash, hash};
    abci_reply(call, &out.base);
}

static void check_tx(void *self, struct abci_call *call,
                     const Tendermint__Abci__RequestCheckTx *in)
{
    Tendermint__Abci__ResponseCheckTx out = TENDERMINT__ABCI__RESPONSE_CHECK_TX__INIT;

    (void)self;
    out.code = in->tx.len == 0 ? 1 : 0;
    abci_reply(call, &out.base);
}

static void query(void *self, struct abci_call *call, const Tendermint__Abci__RequestQuery *in)
{
    struct noop *a = self;
    Tendermint__Abci__ResponseQuery out = TENDERMINT__ABCI__RESPONSE_QUERY__INIT;
    uint8_t value[8];

    (void)in;
    pthread_mutex_lock(&a->lock);
    put_hash(value, a->count);
    out.height = a->height;
    pthread_mutex_unlock(&a->lock);
    out.value = (ProtobufCBinaryData){sizeof value, value};
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

static void finalize_block(void *self, struct abci_call *call,
                           const Tendermint__Abci__RequestFinalizeBlock *in)
{
    struct noop *a = self;

    pthread_mutex_lock(&a->lock);
    bool busy = a->call != NULL;
    bool next = in->height == a->height + 1;
    if (!busy && next) {
        a->call = call;
        a->block = in;
        pthread_cond_signal(&a->work);
    }
    pthread_mutex_unlock(&a->lock);
    if (busy || !next) {
        abci_fail(call, "FinalizeBlock %" PRId64 " is illegal after %" PRId64, in->height,
                  a->height);
    }
}

static void execute(struct noop *a, struct abci_call *call,
                    const Tendermint__Abci__RequestFinalizeBlock *in)
{
    Tendermint__Abci__ResponseFinalizeBlock out =
        TENDERMINT__ABCI__RESPONSE_FINALIZE_BLOCK__INIT;
    Tendermint__Abci__ExecTxResult ok = TENDERMINT__ABCI__EXEC_TX_RESULT__INIT;
    uint8_t hash[8];

    pthread_mutex_lock(&a->lock);
    a->next_height = in->height;
    a->next_count = a->count + in->n_txs;
    put_hash(hash, a->next_count);
    pthread_mutex_unlock(&a->lock);
    out.n_tx_results = in->n_txs;
    out.tx_results = calloc(in->n_txs + 1, sizeof(void *));
    for (size_t i = 0; i < in->n_txs; i++) {
        out.tx_results[i] = &ok;
    }
    out.app_hash = (ProtobufCBinaryData){sizeof hash, hash};
    abci_reply(call, &out.base);
    free(out.tx_results);
}

static void *run_blocks(void *self)
{
    struct noop *a = self;

    for (;;) {
        pthread_mutex_lock(&a->lock);
        while (a->call == NULL) {
            pthread_cond_wait(&a->work, &a->lock);
        }
        struct abci_call *call = a->call;
        const Tendermint__Abci__RequestFinalizeBlock *block = a->block;
        a->call = NULL;
        pthread_mutex_unlock(&a->lock);
        execute(a, call, block);
    }
    return NULL;
}

static void commit(void *self, struct abci_call *call,
                   const Tendermint__Abci__RequestCommit *in)
{
    struct noop *a = self;
    Tendermint__Abci__ResponseCommit out = TENDERMINT__ABCI__RESPONSE_COMMIT__INIT;

    (void)in;
    pthread_mutex_lock(&a->lock);
    bool legal = a->next_height == a->height + 1;
    if (legal) {
        a->height = a->next_height;
        a->count = a->next_count;
    }
    pthread_mutex_unlock(&a->lock);
    if (legal) {
        abci_reply(call, &out.base);
    } else {
        abci_fail(call, "Commit without FinalizeBlock");
    }
}

static void list_snapshots(void *self, struct abci_call *call,
                           const Tendermint__Abci__RequestListSnapshots *in)
{
    Tendermint__Abci__ResponseListSnapshots out =
        TENDERMINT__ABCI__RESPONSE_LIST_SNAPSHOTS__INIT;

    (void)self;
    (void)in;
    abci_reply(call, &out.base);
}

static void note(const struct noop *a, char letter)
{
    if (write(a->trace_fd, &letter, 1) != 1) {
        perror("abci_noop: trace");
        exit(1);
    }
}

static void trace(void *self, char letter)
{
    note(self, letter);
}

static void on_disconnect(void *self)
{
    struct noop *a = self;

    pthread_mutex_lock(&a->lock);
    a->next_height = 0;
    pthread_mutex_unlock(&a->lock);
    note(a, '\n');
}

static void say(void *self, const char *text)
{
    (void)self;
    fprintf(stderr, "abci_noop: %s\n", text);
}

static void on_signal(evutil_socket_t fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(loop);
}

int main(int argc, char **argv)
{
    struct noop a = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};
    const struct abci_app app = {
        .self = &a, .info = info, .query = query, .check_tx = check_tx,
        .init_chain = init_chain, .prepare_proposal = prepare_proposal,
        .process_proposal = process_proposal, .finalize_block = finalize_block,
        .commit = commit, .list_snapshots = list_snapshots, .on_disconnect = on_disconnect,
        .trace = trace, .log = say};
    char why[ABCI_TEXT_MAX];
    pthread_t blocks;

    if (argc != 3) {
        fprintf(stderr, "usage: abci_noop ADDRESS TRACE\n");
        return 2;
    }
    a.trace_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct event_base *loop = event_base_new();
    struct abci_server *server = abci_server_create(loop, &app, argv[1], why);
    if (a.trace_fd < 0 || server == NULL) {
        fprintf(stderr, "abci_noop: %s\n", server == NULL ? why : strerror(errno));
        return 1;
    }
    pthread_create(&blocks, NULL, run_blocks, &a);
    struct event *term = evsignal_new(loop, SIGTERM, on_signal, loop);
    event_add(term, NULL);
    event_base_dispatch(loop);
    event_free(term);
    abci_server_destroy(server);
    event_base_free(loop);
    return 0;
}
