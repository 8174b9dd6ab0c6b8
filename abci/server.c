/* server.c - connections: bytes in, calls out, answers back in order.
 *
 * A connection is read while it may be (may_read); each whole frame becomes a
 * call at the end of its queue; answers leave from the queue's front as soon as they are
 * there and no whole frame is waiting in the input.  Everything here runs on the loop's
 * thread; other threads reach it through the mailbox. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "abci/call.h"
#include "abci/dispatch.h"
#include "abci/frame.h"
#include "abci/listen.h"

#define READ_MAX (4 * 1024 * 1024)     /* at once, so that one block does not starve others */
#define BLOCKS_MAX 64                  /* of memory in one write */
#define REFERENCE_MIN (16 * 1024)      /* answers from here on are not copied to be sent */
#define LINGER_BYTES_MAX ABCI_FRAME_MAX /* thrown away after an exception, until the end */

static const struct timeval linger_time = {2, 0};
static const struct timeval accept_pause = {1, 0};

enum state {
    OPEN,
    CLOSING,   /* nothing more is read; ends when its queue is written */
    LINGERING, /* written and shut down; waits for the peer to have read it */
};

struct abci_connection {
    struct abci_server *server;
    unsigned slot;
    int fd;
    enum state state;
    bool consensus; /* has sent a consensus request */
    struct event readable, writable;
    struct abci_frames in;
    struct evbuffer *out;
    struct abci_call *first, **last; /* the queue */
    size_t pending, pending_bytes;   /* calls in it, and what their requests took */
    size_t thrown;                   /* bytes, while lingering */
};

struct abci_server {
    const struct abci_app *app;
    struct event_base *loop;
    struct abci_listener listener;
    struct abci_mailbox *mailbox;
    struct event acceptable, accept_again, mail;
    struct abci_connection *connections[ABCI_CONNECTIONS_MAX];
};

static void say(const struct abci_server *s, const char *text)
{
    if (s->app->log != NULL) {
        s->app->log(s->app->self, text);
    }
}

/* ---- the end of a connection */

static void close_connection(struct abci_connection *c)
{
    struct abci_server *s = c->server;
    struct abci_call *next;

    for (struct abci_call *call = c->first; call != NULL; call = next) {
        next = call->next;
        call->connection = NULL;
        atomic_store(&call->gone, true);
        if (call->answered) {
            abci_call_free(call);
        } /* else its answer will be thrown away when it comes */
    }
    event_del(&c->readable);
    event_del(&c->writable);
    evbuffer_free(c->out);
    abci_frames_finish(&c->in);
    close(c->fd);
    s->connections[c->slot] = NULL;
    bool consensus = c->consensus;
    free(c);
    if (consensus && s->app->on_disconnect != NULL) {
        s->app->on_disconnect(s->app->self);
    }
}

/* ---- answers */

static void free_answer(const void *data, size_t len, void *unused)
{
    (void)len;
    (void)unused;
    free((void *)(uintptr_t)data);
}

/* From the front of the queue to the output, as far as answers are there. */
static void queue_output(struct abci_connection *c)
{
    while (c->first != NULL && c->first->answered) {
        struct abci_call *call = c->first;
        int bad;
        if (call->answer_len >= REFERENCE_MIN) {
            bad = evbuffer_add_reference(c->out, call->answer, call->answer_len, free_answer,
                                         NULL);
            call->answer = NULL;
        } else {
            bad = evbuffer_add(c->out, call->answer, call->answer_len);
        }
        if (bad != 0) {
            VPR_HALT("out of memory for an ABCI answer");
        }
        c->first = call->next;
        if (c->first == NULL) {
            c->last = &c->first;
        }
        c->pending--;
        c->pending_bytes -= call->wire_len;
        abci_call_free(call);
    }
}

/* Send what the socket takes.  False: the connection broke. */
static bool write_output(struct abci_connection *c)
{
    while (evbuffer_get_length(c->out) > 0) {
        struct evbuffer_iovec blocks[BLOCKS_MAX];
        int n = evbuffer_peek(c->out, -1, NULL, blocks, BLOCKS_MAX);
        struct msghdr message = {.msg_iov = blocks,
                                 .msg_iovlen = (size_t)(n < BLOCKS_MAX ? n : BLOCKS_MAX)};
        ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EAGAIN || errno == EWOULDBLOCK;
        }
        evbuffer_drain(c->out, (size_t)sent);
    }
    return true;
}

/* ---- requests */

static void append(struct abci_connection *c, struct abci_call *call)
{
    call->connection = c;
    *c->last = call;
    c->last = &call->next;
    c->pending++;
    c->pending_bytes += call->wire_len;
}

/* An answer of our own, in its place behind those before it. */
static void append_exception(struct abci_connection *c, const char *text)
{
    struct abci_call *call = abci_call_create(c->server->mailbox, 0);

    abci_call_pack_exception(call, text);
    call->answered = true;
    append(c, call);
}

static void give_up(struct abci_connection *c, const char *text)
{
    c->state = CLOSING;
    say(c->server, text);
}

/* Two engines must not drive one application.  A connection whose peer has died without our
 * noticing yet makes room. */
static bool take_consensus(struct abci_connection *c)
{
    struct abci_server *s = c->server;

    for (unsigned i = 0; i < ABCI_CONNECTIONS_MAX; i++) {
        struct abci_connection *other = s->connections[i];
        uint8_t byte;
        if (other == NULL || other == c || !other->consensus) {
            continue;
        }
        ssize_t n = recv(other->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
            return false;
        }
        close_connection(other);
    }
    c->consensus = true;
    return true;
}

static void hand_over(struct abci_connection *c, struct abci_call *call)
{
    const struct abci_app *app = c->server->app;
    const struct abci_method *method = call->method;

    if (method->consensus && !c->consensus && !take_consensus(c)) {
        abci_fail(call, "%s: another connection carries consensus", method->name);
        say(c->server, "a second connection sends consensus requests, refused");
        return;
    }
    if (method->letter != 0 && app->trace != NULL) {
        app->trace(app->self, method->letter);
    }
    if (!method->call(app, call, call->request)) {
        abci_fail(call, "%s is not served", method->name);
    }
}

static void take_request(struct abci_connection *c, struct vpr_bytes wire)
{
    struct abci_call *call = abci_call_create(c->server->mailbox, wire.len);
    enum abci_decoded decoded = abci_decode(call, wire);

    append(c, call);
    if (decoded == ABCI_DECODED_CALL) {
        hand_over(c, call);
        return;
    }
    call->answered = true;
    if (decoded == ABCI_DECODED_GARBAGE) {
        give_up(c, "a request is no protobuf message, connection closed");
    }
}

static bool may_read(const struct abci_connection *c)
{
    return c->state == OPEN && c->pending < ABCI_PENDING_MAX &&
           c->pending_bytes < ABCI_PENDING_BYTES_MAX &&
           evbuffer_get_length(c->out) < ABCI_OUTPUT_MAX;
}

/* False if there was no whole frame, or the connection may not be read now. */
static bool take_frames(struct abci_connection *c)
{
    bool some = false;

    while (may_read(c)) {
        struct vpr_bytes message;
        switch (abci_frames_next(&c->in, &message)) {
        case ABCI_FRAME_READY:
            take_request(c, message);
            some = true;
            break;
        case ABCI_FRAME_PARTIAL:
            return some;
        case ABCI_FRAME_LARGE:
            append_exception(c, "request is larger than 256 MiB");
            give_up(c, "a request is larger than 256 MiB, connection closed");
            return true;
        case ABCI_FRAME_GARBAGE:
            append_exception(c, "the length of a request is no number");
            give_up(c, "the length of a request is no number, connection closed");
            return true;
        }
    }
    return some;
}

/* ---- turns of the loop */

/* Answers out of the mailbox into their queues; false if there were none. */
static bool take_mail(struct abci_server *s)
{
    struct abci_call *next, *call = abci_mailbox_take(s->mailbox);
    bool some = call != NULL;

    for (; call != NULL; call = next) {
        next = call->next_done;
        if (call->connection == NULL) {
            abci_call_free(call);
        } else {
            call->answered = true;
        }
    }
    return some;
}

/* Output first, so that it goes out when the input holds no further whole frame. */
static bool advance(struct abci_connection *c)
{
    queue_output(c);
    if (!write_output(c)) {
        close_connection(c);
        return true;
    }
    return take_frames(c);
}

/* Decide what to wait for next. */
static void settle(struct abci_connection *c)
{
    bool unsent = evbuffer_get_length(c->out) > 0;

    if (c->state == CLOSING && c->first == NULL && !unsent) {
        /* Closing now would take the exception away from a peer that still writes. */
        c->state = LINGERING;
        shutdown(c->fd, SHUT_WR);
        event_add(&c->readable, &linger_time);
    } else if (may_read(c)) {
        event_add(&c->readable, NULL);
    } else if (c->state != LINGERING) {
        event_del(&c->readable);
    }
    if (unsent) {
        event_add(&c->writable, NULL);
    } else {
        event_del(&c->writable);
    }
}

/* Every event ends here: take what can be taken and answer what is answered, until nothing
 * moves any more.  Terminates because a round that moves uses up received frames, mail or a
 * connection, and none of them comes in here. */
static void turn(struct abci_server *s)
{
    bool moved;

    abci_mailbox_awake(s->mailbox);
    do {
        moved = take_mail(s);
        for (unsigned i = 0; i < ABCI_CONNECTIONS_MAX; i++) {
            moved |= s->connections[i] != NULL && advance(s->connections[i]);
        }
    } while (moved);
    abci_mailbox_awake(NULL);
    for (unsigned i = 0; i < ABCI_CONNECTIONS_MAX; i++) {
        if (s->connections[i] != NULL) {
            settle(s->connections[i]);
        }
    }
}

static void on_mail(evutil_socket_t fd, short what, void *self)
{
    struct abci_server *s = self;
    uint64_t count;

    (void)what;
    if (read((int)fd, &count, sizeof count) < 0) {
        return; /* woken for nothing */
    }
    turn(s);
}

static void on_writable(evutil_socket_t fd, short what, void *self)
{
    struct abci_connection *c = self;

    (void)fd;
    (void)what;
    turn(c->server);
}

/* Throw away what the peer still sends, so that the kernel keeps our last words for it. */
static void linger(struct abci_connection *c, short what)
{
    uint8_t waste[16 * 1024];

    if ((what & EV_TIMEOUT) == 0) {
        ssize_t n = recv(c->fd, waste, sizeof waste, MSG_DONTWAIT);
        c->thrown += n > 0 ? (size_t)n : 0;
        if ((n > 0 && c->thrown <= LINGER_BYTES_MAX) ||
            (n < 0 && (errno == EAGAIN || errno == EINTR))) {
            return;
        }
    }
    close_connection(c);
}

static void on_readable(evutil_socket_t fd, short what, void *self)
{
    struct abci_connection *c = self;
    size_t room;

    if (c->state == LINGERING) {
        linger(c, what);
        return;
    }
    uint8_t *to = abci_frames_room(&c->in, &room);
    ssize_t n = recv((int)fd, to, room < READ_MAX ? room : READ_MAX, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        close_connection(c);
        return;
    }
    abci_frames_filled(&c->in, (size_t)n);
    turn(c->server);
}

/* ---- new connections */

static struct abci_connection *create_connection(struct abci_server *s, int fd, unsigned slot)
{
    struct abci_connection *c = calloc(1, sizeof *c);
    struct evbuffer *out = evbuffer_new();

    if (c == NULL || out == NULL) {
        VPR_HALT("out of memory for an ABCI connection");
    }
    *c = (struct abci_connection){.server = s, .slot = slot, .fd = fd, .out = out};
    c->last = &c->first;
    abci_frames_init(&c->in);
    event_assign(&c->readable, s->loop, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(&c->writable, s->loop, fd, EV_WRITE | EV_PERSIST, on_writable, c);
    event_add(&c->readable, NULL);
    return c;
}

/* No slot is left: say why, without waiting for the peer to read it. */
static void turn_away(struct abci_server *s, int fd)
{
    struct abci_call *call = abci_call_create(s->mailbox, 0);
    char text[ABCI_TEXT_MAX];

    snprintf(text, sizeof text, "all %d connections are taken", ABCI_CONNECTIONS_MAX);
    abci_call_pack_exception(call, text);
    ssize_t sent = send(fd, call->answer, call->answer_len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)sent; /* he is turned away either way */
    abci_call_free(call);
    close(fd);
    say(s, text);
}

static void on_acceptable(evutil_socket_t listener, short what, void *self)
{
    struct abci_server *s = self;
    unsigned slot = 0;
    int fd = accept4((int)listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)what;
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
        /* The connection stays in the queue and would wake us at once, again and again. */
        event_del(&s->acceptable);
        event_add(&s->accept_again, &accept_pause);
        say(s, "cannot accept a connection, trying again in 1 s");
        return;
    }
    if (fd < 0) {
        return; /* it went away by itself */
    }
    while (slot < ABCI_CONNECTIONS_MAX && s->connections[slot] != NULL) {
        slot++;
    }
    if (slot == ABCI_CONNECTIONS_MAX) {
        turn_away(s, fd);
        return;
    }
    s->connections[slot] = create_connection(s, fd, slot);
}

static void on_accept_again(evutil_socket_t fd, short what, void *self)
{
    struct abci_server *s = self;

    (void)fd;
    (void)what;
    event_add(&s->acceptable, NULL);
}

/* ---- */

struct abci_server *abci_server_create(struct event_base *loop, const struct abci_app *app,
                                       const char *address, char ret_why[ABCI_TEXT_MAX])
{
    struct abci_server *s = calloc(1, sizeof *s);

    if (s == NULL) {
        VPR_HALT("out of memory for the ABCI server");
    }
    s->app = app;
    s->loop = loop;
    if (!abci_listen(&s->listener, address, ret_why)) {
        free(s);
        return NULL;
    }
    s->mailbox = abci_mailbox_create();
    if (s->mailbox == NULL) {
        snprintf(ret_why, ABCI_TEXT_MAX, "cannot make an eventfd: %s", strerror(errno));
        abci_listen_close(&s->listener);
        free(s);
        return NULL;
    }
    event_assign(&s->acceptable, loop, s->listener.fd, EV_READ | EV_PERSIST, on_acceptable, s);
    event_assign(&s->accept_again, loop, -1, 0, on_accept_again, s);
    event_assign(&s->mail, loop, s->mailbox->event_fd, EV_READ | EV_PERSIST, on_mail, s);
    event_add(&s->acceptable, NULL);
    event_add(&s->mail, NULL);
    return s;
}

void abci_server_destroy(struct abci_server *server)
{
    if (server == NULL) {
        return;
    }
    event_del(&server->acceptable);
    event_del(&server->accept_again);
    event_del(&server->mail);
    abci_listen_close(&server->listener);
    for (unsigned i = 0; i < ABCI_CONNECTIONS_MAX; i++) {
        if (server->connections[i] != NULL) {
            close_connection(server->connections[i]);
        }
    }
    take_mail(server);
    abci_mailbox_close(server->mailbox);
    free(server);
}

uint16_t abci_server_port(const struct abci_server *server)
{
    return server->listener.port;
}
