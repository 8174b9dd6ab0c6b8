#include "abci/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "abci/answer.h"
#include "abci/frame.h"

#define ALIGN 16
#define CHUNK_MIN 1024
#define CHUNK_MAX (1024 * 1024)

struct abci_chunk {
    struct abci_chunk *next;
    size_t size;
    max_align_t data[];
};

static void *must_malloc(size_t size)
{
    void *data = malloc(size);

    if (data == NULL) {
        VPR_HALT("out of memory for an ABCI request");
    }
    return data;
}

/* ---- memory */

void *abci_memory_alloc(struct abci_memory *memory, size_t size)
{
    size_t whole = (size + ALIGN - 1) / ALIGN * ALIGN;

    VPR_ASSERT(whole >= size);
    if ((size_t)(memory->end - memory->at) < whole) {
        size_t before = memory->chunks != NULL ? memory->chunks->size : CHUNK_MIN / 2;
        size_t next = before < CHUNK_MAX / 2 ? before * 2 : CHUNK_MAX;
        size_t room = whole > next ? whole : next;
        struct abci_chunk *chunk = must_malloc(sizeof *chunk + room);
        /* A block larger than a chunk takes one of its own, the next starts small again. */
        *chunk = (struct abci_chunk){.next = memory->chunks, .size = next};
        memory->chunks = chunk;
        memory->at = (uint8_t *)chunk->data;
        memory->end = memory->at + room;
    }
    void *data = memory->at;
    memory->at += whole;
    return data;
}

static void *pb_alloc(void *data, size_t size)
{
    return abci_memory_alloc(data, size);
}

static void pb_free(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

static void free_memory(struct abci_memory *memory)
{
    while (memory->chunks != NULL) {
        struct abci_chunk *next = memory->chunks->next;
        free(memory->chunks);
        memory->chunks = next;
    }
    memory->at = memory->end = NULL;
}

/* ---- mailbox */

static _Thread_local const struct abci_mailbox *awake;

void abci_mailbox_awake(const struct abci_mailbox *mailbox)
{
    awake = mailbox;
}

struct abci_mailbox *abci_mailbox_create(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (fd < 0) {
        return NULL;
    }
    struct abci_mailbox *mailbox = must_malloc(sizeof *mailbox);
    *mailbox = (struct abci_mailbox){.references = 1, .event_fd = fd};
    mailbox->last = &mailbox->first;
    VPR_ASSERT(pthread_mutex_init(&mailbox->lock, NULL) == 0);
    return mailbox;
}

static void lock(struct abci_mailbox *mailbox)
{
    VPR_ASSERT(pthread_mutex_lock(&mailbox->lock) == 0);
}

static void unlock(struct abci_mailbox *mailbox)
{
    VPR_ASSERT(pthread_mutex_unlock(&mailbox->lock) == 0);
}

/* Held by the caller; released here. */
static void unlock_and_release(struct abci_mailbox *mailbox)
{
    bool last = --mailbox->references == 0;

    unlock(mailbox);
    if (last) {
        close(mailbox->event_fd);
        pthread_mutex_destroy(&mailbox->lock);
        free(mailbox);
    }
}

struct abci_call *abci_mailbox_take(struct abci_mailbox *mailbox)
{
    lock(mailbox);
    struct abci_call *first = mailbox->first;
    mailbox->first = NULL;
    mailbox->last = &mailbox->first;
    unlock(mailbox);
    return first;
}

void abci_mailbox_close(struct abci_mailbox *mailbox)
{
    lock(mailbox);
    mailbox->closed = true;
    unlock_and_release(mailbox);
}

static void mail(struct abci_call *call)
{
    struct abci_mailbox *mailbox = call->mailbox;
    uint64_t one = 1;

    lock(mailbox);
    if (mailbox->closed) {
        unlock(mailbox);
        abci_call_free(call);
        return;
    }
    bool wake = mailbox->first == NULL;
    call->next_done = NULL;
    *mailbox->last = call;
    mailbox->last = &call->next_done;
    if (wake && awake != mailbox) {
        /* Fails only if 2^64 wake-ups are unread, and then the loop is awake. */
        ssize_t written = write(mailbox->event_fd, &one, sizeof one);
        (void)written;
    }
    unlock(mailbox);
}

/* ---- calls */

struct abci_call *abci_call_create(struct abci_mailbox *mailbox, size_t wire_len)
{
    struct abci_call *call = must_malloc(sizeof *call);

    *call = (struct abci_call){.mailbox = mailbox, .wire_len = wire_len};
    atomic_init(&call->gone, false);
    call->memory.pb = (ProtobufCAllocator){pb_alloc, pb_free, &call->memory};
    lock(mailbox);
    mailbox->references++;
    unlock(mailbox);
    return call;
}

void abci_call_free(struct abci_call *call)
{
    struct abci_mailbox *mailbox = call->mailbox;

    free_memory(&call->memory);
    free(call->answer);
    free(call);
    lock(mailbox);
    unlock_and_release(mailbox);
}

void abci_call_pack(struct abci_call *call, const Tendermint__Abci__Response *response)
{
    uint8_t header[ABCI_FRAME_HEADER_MAX];
    size_t len = tendermint__abci__response__get_packed_size(response);
    size_t n = abci_frame_header(header, len);

    VPR_ASSERT(call->answer == NULL);
    call->answer = must_malloc(n + len);
    call->answer_len = n + len;
    memcpy(call->answer, header, n);
    VPR_ASSERT(tendermint__abci__response__pack(response, call->answer + n) == len);
}

void abci_call_pack_exception(struct abci_call *call, const char *text)
{
    Tendermint__Abci__ResponseException exception = TENDERMINT__ABCI__RESPONSE_EXCEPTION__INIT;
    Tendermint__Abci__Response response = TENDERMINT__ABCI__RESPONSE__INIT;
    char copy[ABCI_TEXT_MAX];

    snprintf(copy, sizeof copy, "%s", text);
    exception.error = copy;
    response.value_case = TENDERMINT__ABCI__RESPONSE__VALUE_EXCEPTION;
    response.exception = &exception;
    abci_call_pack(call, &response);
}

void abci_reply(struct abci_call *call, const ProtobufCMessage *response)
{
    Tendermint__Abci__Response whole = TENDERMINT__ABCI__RESPONSE__INIT;
    char why[ABCI_TEXT_MAX];

    VPR_ASSERT(response->descriptor == call->method->response_descriptor);
    if (!abci_answer_check(call, response, why)) {
        abci_fail(call, "%s", why);
        return;
    }
    whole.value_case = call->method->response;
    /* Every member of the oneof is a pointer to a message. */
    memcpy(&whole.echo, &response, sizeof whole.echo);
    abci_call_pack(call, &whole);
    call->request = NULL;
    free_memory(&call->memory);
    mail(call);
}

void abci_fail(struct abci_call *call, const char *fmt, ...)
{
    char text[ABCI_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    abci_call_pack_exception(call, text);
    call->request = NULL;
    free_memory(&call->memory);
    mail(call);
}

bool abci_call_gone(const struct abci_call *call)
{
    return atomic_load(&call->gone);
}

const char *abci_call_method(const struct abci_call *call)
{
    return call->method->name;
}
