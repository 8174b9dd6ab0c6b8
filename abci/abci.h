/* abci.h - CometBFT's application interface (ABCI 2.0, socket) for a C application.
 *
 * The server owns sockets, framing, order and memory; the application fills in a callback
 * for each method and answers every call exactly once.  It serves CometBFT 0.38, 0.39 and
 * 0.40 alike, and knows nothing of what the application does.
 *
 * Threads: callbacks run on the event loop's thread and must not block it; a call may be
 * kept and answered later from any thread.  Answers leave each connection in the order of
 * its requests, whatever the order in which they come in.
 *
 * Limits: ABCI_CONNECTIONS_MAX connections, ABCI_FRAME_MAX bytes a request, and for each
 * connection ABCI_PENDING_MAX requests, ABCI_PENDING_BYTES_MAX of request bytes and
 * ABCI_OUTPUT_MAX of unsent answer bytes, beyond which it is not read until that falls.
 * A request takes its frame plus 16 bytes a transaction, and for what is not transactions
 * up to some 60 times its wire bytes; all of it is freed when it is answered. */
#ifndef ABCI_ABCI_H
#define ABCI_ABCI_H

#include <event2/event.h>

#include "app/base/base.h"
#include "tendermint/abci/types.pb-c.h"

#define ABCI_CONNECTIONS_MAX 16
#define ABCI_FRAME_MAX (UINT32_C(256) << 20)
#define ABCI_PENDING_MAX 4096
#define ABCI_PENDING_BYTES_MAX (UINT32_C(256) << 20)
#define ABCI_OUTPUT_MAX (UINT32_C(256) << 20)
#define ABCI_TEXT_MAX 512 /* of an exception, a log line, the reason why a server won't start */

struct abci_call; /* one request that waits for its answer */
struct abci_server;

/* `request` and all it points to live until the call is answered.  The members `txs` are
 * views into the received frame.  A method left NULL is answered by an exception. */
#define ABCI_METHOD(name, Type) \
    void (*name)(void *self, struct abci_call *call, \
                 const Tendermint__Abci__Request##Type *request)

struct abci_app {
    void *self; /* first argument of every callback */

    ABCI_METHOD(info, Info);
    ABCI_METHOD(query, Query);

    ABCI_METHOD(check_tx, CheckTx);
    ABCI_METHOD(insert_tx, InsertTx);
    ABCI_METHOD(reap_txs, ReapTxs);

    ABCI_METHOD(init_chain, InitChain);
    ABCI_METHOD(prepare_proposal, PrepareProposal);
    ABCI_METHOD(process_proposal, ProcessProposal);
    ABCI_METHOD(extend_vote, ExtendVote);
    ABCI_METHOD(verify_vote_extension, VerifyVoteExtension);
    ABCI_METHOD(finalize_block, FinalizeBlock);
    ABCI_METHOD(commit, Commit);

    ABCI_METHOD(list_snapshots, ListSnapshots);
    ABCI_METHOD(offer_snapshot, OfferSnapshot);
    ABCI_METHOD(load_snapshot_chunk, LoadSnapshotChunk);
    ABCI_METHOD(apply_snapshot_chunk, ApplySnapshotChunk);

    /* The connection that carried consensus is gone: drop what is executed but not
     * committed.  Comes before any request of the connection that follows.  May be NULL. */
    void (*on_disconnect)(void *self);

    /* One letter for each request of the consensus grammar, as it comes in: I InitChain,
     * O OfferSnapshot, A ApplySnapshotChunk, P Prepare-, R ProcessProposal, E ExtendVote,
     * V VerifyVoteExtension, F FinalizeBlock, C Commit.  May be NULL. */
    void (*trace)(void *self, char letter);

    /* One line without newline about a connection that misbehaves.  May be NULL. */
    void (*log)(void *self, const char *text);
};

#undef ABCI_METHOD

/* Answer with the response that belongs to the request: abci_reply(call, &response.base).
 * Packed before it returns; neither `call` nor its request may be touched afterwards.
 *
 * An answer that would bring CometBFT down in a less clear way (more proposed bytes than
 * allowed, a wrong number of results, an UNKNOWN status) becomes an exception. */
void abci_reply(struct abci_call *call, const ProtobufCMessage *response);

/* Answer that this request is illegal here and the node cannot go on; the node that reads
 * it terminates. */
void abci_fail(struct abci_call *call, const char *fmt, ...) VPR_PRINTF(2, 3);

/* True once nobody can read the answer: its connection has ended.  Work that came over a
 * connection that is gone must not be committed.  The call must be answered all the same. */
bool abci_call_gone(const struct abci_call *call);

const char *abci_call_method(const struct abci_call *call); /* "FinalizeBlock" */

static inline struct vpr_bytes abci_view(ProtobufCBinaryData data)
{
    return (struct vpr_bytes){data.data, data.len};
}

/* What a transaction takes of `max_tx_bytes`: tag, length and itself. */
size_t abci_tx_encoded_size(size_t len);

/* Listen on "unix:///path.sock" (mode 0600, path below 108 bytes, a socket nobody listens
 * on any more is replaced) or "tcp://host:port".  `app` must outlive the server.  NULL and
 * one sentence in `ret_why` if it cannot. */
struct abci_server *abci_server_create(struct event_base *loop, const struct abci_app *app,
                                       const char *address, char ret_why[ABCI_TEXT_MAX]);

/* Close everything; on the loop's thread or after the loop ended.  Calls still held must
 * be answered after it all the same, the answers are dropped.  NULL is fine. */
void abci_server_destroy(struct abci_server *server);

uint16_t abci_server_port(const struct abci_server *server); /* 0 for unix */

#endif
