#include "app/node/bridge.h"

#include <pthread.h>
#include <stdlib.h>

#include "app/host/log.h"
#include "app/node/answer.h"
#include "app/node/owner.h"
#include "app/store/proof.h"

#define QUERY_ARENA_BYTES (UINT64_C(1) << 30)
#define CODESPACE "viper"

enum kind {
    KIND_INFO,
    KIND_INIT_CHAIN,
    KIND_CHECK_TX,
    KIND_PREPARE,
    KIND_PROCESS,
    KIND_FINALIZE,
    KIND_COMMIT,
    KIND_DROP,
    KIND_SIMULATE, /* for somebody else than CometBFT */
    KIND_QUERY,
    KIND_QUERY_SIMULATE, /* a query that only the owner can answer */
    KIND_VIEW,           /* a new committed state, for the query thread */
};

struct job {
    struct job *next;
    enum kind kind;
    struct abci_call *call;
    const void *request;
    bridge_simulated_fn *simulated;
    void *arg;
    struct vpr_view *view;
    uint8_t *tx; /* KIND_SIMULATE: ours to free */
    size_t tx_len;
};

struct line {
    struct job *first, *last;
};

struct bridge {
    struct owner owner;
    struct abci_app abci;
    pthread_t owner_thread, query_thread;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t owner_work, query_work;
    struct line consensus, mempool, waiting, queries; /* waiting: simulations during a block */
    bool stop;

    /* The query thread's own. */
    struct vpr_arena query_arena;
    struct vpr_pools *pools;
    struct vpr_view *views[BRIDGE_VIEWS]; /* newest first */
};

/* ---- queues ---- */

static void append(struct line *line, struct job *job)
{
    job->next = NULL;
    if (line->first == NULL) {
        line->first = job;
    } else {
        line->last->next = job;
    }
    line->last = job;
}

static struct job *take(struct line *line)
{
    struct job *job = line->first;
    if (job != NULL) {
        line->first = job->next;
    }
    return job;
}

static struct job *new_job(enum kind kind)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        VPR_HALT("out of memory");
    }
    job->kind = kind;
    return job;
}

static void push(struct bridge *b, struct line *line, struct job *job)
{
    (void)pthread_mutex_lock(&b->lock);
    append(line, job);
    (void)pthread_cond_signal(line == &b->queries ? &b->query_work : &b->owner_work);
    (void)pthread_mutex_unlock(&b->lock);
}

static void push_call(struct bridge *b, struct line *line, enum kind kind,
                      struct abci_call *call, const void *request)
{
    struct job *job = new_job(kind);
    job->call = call;
    job->request = request;
    push(b, line, job);
}

/* ---- CometBFT's calls, on the loop's thread ---- */

#define QUEUED(name, Type, line, kind) \
    static void name(void *self, struct abci_call *call, \
                     const Tendermint__Abci__Request##Type *request) \
    { \
        struct bridge *b = self; \
        push_call(b, &b->line, kind, call, request); \
    }

QUEUED(on_info, Info, consensus, KIND_INFO)
QUEUED(on_init_chain, InitChain, consensus, KIND_INIT_CHAIN)
QUEUED(on_check_tx, CheckTx, mempool, KIND_CHECK_TX)
QUEUED(on_prepare, PrepareProposal, consensus, KIND_PREPARE)
QUEUED(on_process, ProcessProposal, consensus, KIND_PROCESS)
QUEUED(on_finalize, FinalizeBlock, consensus, KIND_FINALIZE)
QUEUED(on_commit, Commit, consensus, KIND_COMMIT)
QUEUED(on_query, Query, queries, KIND_QUERY)

static void on_disconnect(void *self)
{
    struct bridge *b = self;
    push(b, &b->consensus, new_job(KIND_DROP));
}

/* No snapshots in this version: none is offered, none is taken. */
static void on_list_snapshots(void *self, struct abci_call *call,
                              const Tendermint__Abci__RequestListSnapshots *request)
{
    Tendermint__Abci__ResponseListSnapshots r = TENDERMINT__ABCI__RESPONSE_LIST_SNAPSHOTS__INIT;
    (void)self;
    (void)request;
    abci_reply(call, &r.base);
}

static void on_offer_snapshot(void *self, struct abci_call *call,
                              const Tendermint__Abci__RequestOfferSnapshot *request)
{
    Tendermint__Abci__ResponseOfferSnapshot r = TENDERMINT__ABCI__RESPONSE_OFFER_SNAPSHOT__INIT;
    (void)self;
    (void)request;
    r.result = TENDERMINT__ABCI__RESPONSE_OFFER_SNAPSHOT__RESULT__ABORT;
    abci_reply(call, &r.base);
}

static void on_load_chunk(void *self, struct abci_call *call,
                          const Tendermint__Abci__RequestLoadSnapshotChunk *request)
{
    Tendermint__Abci__ResponseLoadSnapshotChunk r =
        TENDERMINT__ABCI__RESPONSE_LOAD_SNAPSHOT_CHUNK__INIT;
    (void)self;
    (void)request;
    abci_reply(call, &r.base);
}

static void on_apply_chunk(void *self, struct abci_call *call,
                           const Tendermint__Abci__RequestApplySnapshotChunk *request)
{
    Tendermint__Abci__ResponseApplySnapshotChunk r =
        TENDERMINT__ABCI__RESPONSE_APPLY_SNAPSHOT_CHUNK__INIT;
    (void)self;
    (void)request;
    r.result = TENDERMINT__ABCI__RESPONSE_APPLY_SNAPSHOT_CHUNK__RESULT__ABORT;
    abci_reply(call, &r.base);
}

static void on_log(void *self, const char *text)
{
    (void)self;
    vpr_log_warn("abci", "connection", "text=%s", text);
}

static const struct abci_app callbacks = {
    .info = on_info,
    .query = on_query,
    .check_tx = on_check_tx,
    .init_chain = on_init_chain,
    .prepare_proposal = on_prepare,
    .process_proposal = on_process,
    .finalize_block = on_finalize,
    .commit = on_commit,
    .list_snapshots = on_list_snapshots,
    .offer_snapshot = on_offer_snapshot,
    .load_snapshot_chunk = on_load_chunk,
    .apply_snapshot_chunk = on_apply_chunk,
    .on_disconnect = on_disconnect,
    .log = on_log,
};

/* ---- answers to abci_query ---- */

static void reply_refusal(struct abci_call *call, const struct vpr_err *err)
{
    Tendermint__Abci__ResponseQuery r = TENDERMINT__ABCI__RESPONSE_QUERY__INIT;
    char text[VPR_ERR_TEXT_MAX], codespace[] = CODESPACE;
    memcpy(text, err->text, sizeof text);
    r.code = (uint32_t)err->code;
    r.log = text;
    r.codespace = codespace;
    abci_reply(call, &r.base);
}

static ProtobufCBinaryData binary(struct vpr_bytes bytes)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } cast = {bytes.data};
    return (ProtobufCBinaryData){bytes.len, cast.out};
}

static void reply_value(struct abci_call *call, struct vpr_bytes value, uint64_t height)
{
    Tendermint__Abci__ResponseQuery r = TENDERMINT__ABCI__RESPONSE_QUERY__INIT;
    r.value = binary(value);
    r.height = (int64_t)height;
    abci_reply(call, &r.base);
}

/* ---- the owner thread ---- */

static void simulate(struct bridge *b, struct job *job)
{
    struct vpr_tx_result result;
    vpr_app_simulate(b->owner.app, vpr_bytes_of(job->tx, job->tx_len), &result);
    job->simulated(job->arg, &result);
}

static void query_simulate(struct bridge *b, struct job *job)
{
    const Tendermint__Abci__RequestQuery *request = job->request;
    struct vpr_arena *arena = &b->owner.arena;
    struct vpr_tx_result result;
    struct vpr_err err = {VPR_OK, ""};
    struct vpr_bytes tx;
    if (vpr_answer_simulate_tx(arena, abci_view(request->data), &tx, &err) != VPR_OK) {
        reply_refusal(job->call, &err);
        return;
    }
    vpr_app_simulate(b->owner.app, tx, &result);
    if (result.code != VPR_OK) {
        err.code = result.code;
        memcpy(err.text, result.log, sizeof err.text);
        reply_refusal(job->call, &err);
        return;
    }
    reply_value(job->call, vpr_answer_simulated(arena, &result), vpr_app_height(b->owner.app));
}

static void publish_view(struct bridge *b)
{
    struct job *job = new_job(KIND_VIEW);
    job->view = vpr_app_view(b->owner.app);
    push(b, &b->queries, job);
}

/* Simulations wait while a block is executed and not committed. */
static bool must_wait(const struct bridge *b, const struct job *job)
{
    return (job->kind == KIND_SIMULATE || job->kind == KIND_QUERY_SIMULATE) &&
           b->owner.state == OWNER_EXECUTED;
}

static void wake_waiting(struct bridge *b)
{
    (void)pthread_mutex_lock(&b->lock);
    for (struct job *job = take(&b->waiting); job != NULL; job = take(&b->waiting)) {
        append(&b->mempool, job);
    }
    (void)pthread_mutex_unlock(&b->lock);
}

static void run_consensus(struct bridge *b, struct job *job)
{
    struct owner *owner = &b->owner;
    /* What the old connection still had in the queue must not be executed on the state that
     * the new one was told. */
    if (job->kind != KIND_DROP && abci_call_gone(job->call)) {
        abci_fail(job->call, "the connection is gone");
        return;
    }
    switch (job->kind) {
    case KIND_INFO:
        owner_info(owner, job->call);
        return;
    case KIND_INIT_CHAIN:
        owner_init_chain(owner, job->call, job->request);
        return;
    case KIND_PREPARE:
        owner_prepare(owner, job->call, job->request);
        return;
    case KIND_PROCESS:
        owner_process(owner, job->call, job->request);
        return;
    case KIND_FINALIZE:
        owner_finalize(owner, job->call, job->request);
        return;
    case KIND_COMMIT:
        if (owner_commit(owner, job->call)) {
            publish_view(b); /* who has the answer finds the new state */
            owner_committed(owner, job->call);
        }
        wake_waiting(b);
        return;
    case KIND_DROP:
        owner_drop(owner);
        wake_waiting(b);
        return;
    case KIND_CHECK_TX:
    case KIND_SIMULATE:
    case KIND_QUERY:
    case KIND_QUERY_SIMULATE:
    case KIND_VIEW:
        break;
    }
    VPR_HALT("a job in the wrong queue");
}

static void run_owner_job(struct bridge *b, struct job *job)
{
    vpr_arena_release(&b->owner.arena, 0);
    if (job->kind == KIND_CHECK_TX) {
        owner_check_tx(&b->owner, job->call, job->request);
    } else if (job->kind == KIND_SIMULATE) {
        simulate(b, job);
    } else if (job->kind == KIND_QUERY_SIMULATE) {
        query_simulate(b, job);
    } else {
        run_consensus(b, job);
    }
}

static void free_job(struct job *job)
{
    free(job->tx);
    free(job);
}

static struct job *next_owner_job(struct bridge *b)
{
    struct job *job = take(&b->consensus);
    if (job == NULL) {
        job = take(&b->mempool);
    }
    if (job == NULL && b->stop) {
        job = take(&b->waiting); /* nobody will commit any more */
    }
    return job;
}

static void *owner_main(void *arg)
{
    struct bridge *b = arg;
    (void)pthread_mutex_lock(&b->lock);
    for (;;) {
        struct job *job = next_owner_job(b);
        if (job == NULL && b->stop) {
            break;
        }
        if (job == NULL) {
            (void)pthread_cond_wait(&b->owner_work, &b->lock);
            continue;
        }
        if (must_wait(b, job) && !b->stop) {
            append(&b->waiting, job);
            continue;
        }
        (void)pthread_mutex_unlock(&b->lock);
        run_owner_job(b, job);
        free_job(job);
        (void)pthread_mutex_lock(&b->lock);
    }
    (void)pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* ---- the query thread ---- */

/* A view of `height`, 0 the newest; with proofs the newest whose header exists is the one
 * before it. */
static struct vpr_view *pick_view(struct bridge *b, int64_t height, bool prove)
{
    if (height == 0) {
        bool older = prove && b->views[1] != NULL && vpr_view_height(b->views[1]) > 0;
        return b->views[older ? 1 : 0];
    }
    for (size_t i = 0; i < BRIDGE_VIEWS && b->views[i] != NULL; i++) {
        if (height > 0 && vpr_view_height(b->views[i]) == (uint64_t)height) {
            return b->views[i];
        }
    }
    return NULL;
}

static void answer_proof(struct bridge *b, struct abci_call *call,
                         const Tendermint__Abci__RequestQuery *request, struct vpr_view *view,
                         struct vpr_err *err)
{
    struct vpr_proof_answer answer;
    struct vpr_bytes path = vpr_bytes_str(request->path);
    if (vpr_proof_query(view, &b->query_arena, path, abci_view(request->data), request->prove,
                        &answer, err) != VPR_OK) {
        reply_refusal(call, err);
        return;
    }
    Tendermint__Abci__ResponseQuery r = TENDERMINT__ABCI__RESPONSE_QUERY__INIT;
    r.key = binary(answer.key);
    r.value = binary(answer.value);
    r.height = (int64_t)answer.height;
    Tendermint__Crypto__ProofOps ops = TENDERMINT__CRYPTO__PROOF_OPS__INIT;
    Tendermint__Crypto__ProofOp op[2], *list[2];
    for (size_t i = 0; i < answer.op_count; i++) {
        tendermint__crypto__proof_op__init(&op[i]);
        op[i].type = vpr_arena_text(&b->query_arena, "%s", answer.ops[i].type);
        op[i].key = binary(answer.ops[i].key);
        op[i].data = binary(answer.ops[i].data);
        list[i] = &op[i];
    }
    if (answer.op_count > 0) {
        ops.ops = list;
        ops.n_ops = answer.op_count;
        r.proof_ops = &ops;
    }
    abci_reply(call, &r.base);
}

static void answer_query(struct bridge *b, struct abci_call *call,
                         const Tendermint__Abci__RequestQuery *request)
{
    struct vpr_err err = {VPR_OK, ""};
    struct vpr_bytes value;
    bool known;
    struct vpr_view *view = pick_view(b, request->height, request->prove);
    if (view == NULL) {
        (void)vpr_fail(&err, VPR_NOT_FOUND, "height %" PRId64 " is not kept; the newest is %"
                       PRIu64 ", and %d are", request->height,
                       b->views[0] == NULL ? 0 : vpr_view_height(b->views[0]), BRIDGE_VIEWS);
        reply_refusal(call, &err);
        return;
    }
    if (vpr_proof_path(vpr_bytes_str(request->path))) {
        answer_proof(b, call, request, view, &err);
        return;
    }
    if (vpr_answer_method(view, &b->query_arena, b->pools, request->path,
                          abci_view(request->data), NULL, &value, &known, &err) != VPR_OK) {
        reply_refusal(call, &err);
        return;
    }
    reply_value(call, value, vpr_view_height(view));
}

static void take_view(struct bridge *b, struct vpr_view *view)
{
    if (b->views[BRIDGE_VIEWS - 1] != NULL) {
        vpr_view_release(b->views[BRIDGE_VIEWS - 1]);
    }
    memmove(b->views + 1, b->views, (BRIDGE_VIEWS - 1) * sizeof b->views[0]);
    b->views[0] = view;
}

static void run_query_job(struct bridge *b, struct job *job)
{
    if (job->kind == KIND_VIEW) {
        take_view(b, job->view);
        return;
    }
    const Tendermint__Abci__RequestQuery *request = job->request;
    if (strcmp(request->path, VPR_ANSWER_SIMULATE) == 0) {
        push_call(b, &b->mempool, KIND_QUERY_SIMULATE, job->call, request);
        return;
    }
    vpr_arena_release(&b->query_arena, 0);
    answer_query(b, job->call, request);
}

static void *query_main(void *arg)
{
    struct bridge *b = arg;
    (void)pthread_mutex_lock(&b->lock);
    for (;;) {
        struct job *job = take(&b->queries);
        if (job == NULL && b->stop) {
            break;
        }
        if (job == NULL) {
            (void)pthread_cond_wait(&b->query_work, &b->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&b->lock);
        run_query_job(b, job);
        free_job(job);
        (void)pthread_mutex_lock(&b->lock);
    }
    (void)pthread_mutex_unlock(&b->lock);
    return NULL;
}

/* ---- life ---- */

struct bridge *bridge_create(struct vpr_app *app, const struct bridge_options *options)
{
    struct bridge *b = calloc(1, sizeof *b);
    if (b == NULL) {
        VPR_HALT("out of memory");
    }
    owner_init(&b->owner, app, options);
    b->abci = callbacks;
    b->abci.self = b;
    vpr_arena_init(&b->query_arena, QUERY_ARENA_BYTES);
    b->pools = vpr_pools_create();
    b->views[0] = vpr_app_view(app);
    if (pthread_mutex_init(&b->lock, NULL) != 0 ||
        pthread_cond_init(&b->owner_work, NULL) != 0 ||
        pthread_cond_init(&b->query_work, NULL) != 0 ||
        pthread_create(&b->query_thread, NULL, query_main, b) != 0 ||
        pthread_create(&b->owner_thread, NULL, owner_main, b) != 0) {
        VPR_HALT("no thread to be had");
    }
    return b;
}

void bridge_destroy(struct bridge *b)
{
    if (b == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&b->lock);
    b->stop = true;
    (void)pthread_cond_broadcast(&b->query_work);
    (void)pthread_mutex_unlock(&b->lock);
    /* Queries first: one of them may still give the owner work. */
    (void)pthread_join(b->query_thread, NULL);
    (void)pthread_mutex_lock(&b->lock);
    (void)pthread_cond_broadcast(&b->owner_work);
    (void)pthread_mutex_unlock(&b->lock);
    (void)pthread_join(b->owner_thread, NULL);

    /* Views that the owner published after the query thread had ended. */
    for (struct job *job = take(&b->queries); job != NULL; job = take(&b->queries)) {
        VPR_ASSERT(job->kind == KIND_VIEW);
        vpr_view_release(job->view);
        free_job(job);
    }
    for (size_t i = 0; i < BRIDGE_VIEWS && b->views[i] != NULL; i++) {
        vpr_view_release(b->views[i]);
    }
    vpr_pools_destroy(b->pools);
    vpr_arena_finish(&b->query_arena);
    owner_finish(&b->owner);
    (void)pthread_mutex_destroy(&b->lock);
    (void)pthread_cond_destroy(&b->owner_work);
    (void)pthread_cond_destroy(&b->query_work);
    free(b);
}

const struct abci_app *bridge_abci(struct bridge *b)
{
    return &b->abci;
}

struct vpr_view *bridge_view(struct bridge *b)
{
    return vpr_app_view(b->owner.app);
}

void bridge_simulate(struct bridge *b, struct vpr_bytes tx, bridge_simulated_fn *fn, void *arg)
{
    struct job *job = new_job(KIND_SIMULATE);
    job->tx = malloc(tx.len + 1);
    if (job->tx == NULL) {
        VPR_HALT("out of memory");
    }
    if (tx.len > 0) {
        memcpy(job->tx, tx.data, tx.len);
    }
    job->tx_len = tx.len;
    job->simulated = fn;
    job->arg = arg;
    push(b, &b->mempool, job);
}
