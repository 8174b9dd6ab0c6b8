/* call.h - the life of one request: its memory, its answer, its way back to the loop.
 *
 * The thread that answers packs the response and puts the call into the mailbox of the
 * server; only the loop's thread touches connections.  The mailbox outlives the server as
 * long as calls are held. */
#ifndef ABCI_CALL_H
#define ABCI_CALL_H

#include <pthread.h>
#include <stdatomic.h>

#include "abci/abci.h"

struct abci_chunk;
struct abci_connection;

/* Freed as a whole; protobuf-c's own frees do nothing. */
struct abci_memory {
    ProtobufCAllocator pb;
    struct abci_chunk *chunks;
    uint8_t *at, *end;
};

void *abci_memory_alloc(struct abci_memory *memory, size_t size);

struct abci_mailbox {
    pthread_mutex_t lock;
    struct abci_call *first, **last; /* answered calls, the loop takes them */
    size_t references;               /* the server and each call */
    bool closed;                     /* the server is gone */
    int event_fd;                    /* wakes the loop */
};

struct abci_mailbox *abci_mailbox_create(void); /* NULL: errno says why */
void abci_mailbox_close(struct abci_mailbox *mailbox);
/* This thread, the loop's, will look into the mailbox before it sleeps, so that answers it
 * gives itself need not wake it.  NULL: no longer. */
void abci_mailbox_awake(const struct abci_mailbox *mailbox);
struct abci_call *abci_mailbox_take(struct abci_mailbox *mailbox); /* a list by `next_done` */

struct abci_method {
    const char *name;
    char letter; /* of the consensus grammar, or 0 */
    bool consensus; /* only the consensus connection sends it */
    Tendermint__Abci__Request__ValueCase request;
    Tendermint__Abci__Response__ValueCase response;
    const ProtobufCMessageDescriptor *response_descriptor;
    uint32_t txs_id; /* number of the request's field `txs` that is not copied, or 0 */
    bool (*call)(const struct abci_app *app, struct abci_call *call,
                 const Tendermint__Abci__Request *request); /* false: not served */
};

struct abci_call {
    struct abci_call *next;      /* in its connection's queue */
    struct abci_call *next_done; /* in the mailbox */
    struct abci_mailbox *mailbox;
    struct abci_connection *connection; /* NULL once that ended; the loop's own */
    atomic_bool gone;                   /* the same, for other threads */
    bool answered;                      /* taken from the mailbox; the loop's own */
    size_t wire_len;
    const struct abci_method *method;
    const Tendermint__Abci__Request *request;
    struct abci_memory memory; /* of the request */
    uint8_t *answer;           /* a whole frame */
    size_t answer_len;
};

struct abci_call *abci_call_create(struct abci_mailbox *mailbox, size_t wire_len);
void abci_call_free(struct abci_call *call);

/* Put the packed response into the call without mailing it: answers of the server's own. */
void abci_call_pack(struct abci_call *call, const Tendermint__Abci__Response *response);
void abci_call_pack_exception(struct abci_call *call, const char *text);

#endif
