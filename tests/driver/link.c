#include "tests/driver/link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "abci/frame.h"

#define OUT_START (1u << 16)

struct link {
    int fd;
    uint8_t *out;
    size_t out_len, out_size;
    struct abci_frames in;
};

struct link *link_open(const char *socket_path)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    size_t len = strlen(socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    VPR_ASSERT(fd >= 0 && len < sizeof where.sun_path);
    memcpy(where.sun_path, socket_path, len + 1);
    if (connect(fd, (const struct sockaddr *)&where, sizeof where) != 0) {
        (void)close(fd);
        return NULL;
    }
    struct link *link = calloc(1, sizeof *link);
    VPR_ASSERT(link != NULL);
    link->fd = fd;
    abci_frames_init(&link->in);
    return link;
}

void link_close(struct link *link)
{
    if (link == NULL) {
        return;
    }
    (void)close(link->fd);
    abci_frames_finish(&link->in);
    free(link->out);
    free(link);
}

static uint8_t *room(struct link *link, size_t more)
{
    if (link->out_size - link->out_len < more) {
        size_t size = link->out_size == 0 ? OUT_START : link->out_size;
        while (size - link->out_len < more) {
            size *= 2;
        }
        link->out = realloc(link->out, size);
        VPR_ASSERT(link->out != NULL);
        link->out_size = size;
    }
    return link->out + link->out_len;
}

static void put_one(struct link *link, const Tendermint__Abci__Request *request)
{
    size_t len = tendermint__abci__request__get_packed_size(request);
    uint8_t *out = room(link, len + ABCI_FRAME_HEADER_MAX);
    size_t head = abci_frame_header(out, len);
    size_t written = tendermint__abci__request__pack(request, out + head);
    VPR_ASSERT(written == len);
    link->out_len += head + len;
}

/* CometBFT ends each of its calls with a Flush, too. */
void link_put(struct link *link, const Tendermint__Abci__Request *request)
{
    Tendermint__Abci__RequestFlush none = TENDERMINT__ABCI__REQUEST_FLUSH__INIT;
    Tendermint__Abci__Request flush = TENDERMINT__ABCI__REQUEST__INIT;

    put_one(link, request);
    flush.value_case = TENDERMINT__ABCI__REQUEST__VALUE_FLUSH;
    flush.flush = &none;
    put_one(link, &flush);
}

/* One step: bytes out if there are any, bytes in if there are any.  False: gone. */
static bool step(struct link *link)
{
    struct pollfd poll_on = {link->fd, POLLIN, 0};
    if (link->out_len > 0) {
        poll_on.events |= POLLOUT;
    }
    int ready = 0;
    /* In small pieces: time in which the driver was stopped itself is one of them at most. */
    for (int s = 0; s < LINK_PATIENCE_S && ready == 0; s++) {
        ready = poll(&poll_on, 1, 1000);
    }
    if (ready <= 0) {
        return ready < 0 && errno == EINTR;
    }
    if ((poll_on.revents & POLLOUT) != 0) {
        ssize_t n = send(link->fd, link->out, link->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            link->out_len -= (size_t)n;
            memmove(link->out, link->out + n, link->out_len);
        }
    }
    if ((poll_on.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        size_t size;
        uint8_t *in = abci_frames_room(&link->in, &size);
        ssize_t n = recv(link->fd, in, size, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        if (n > 0) {
            abci_frames_filled(&link->in, (size_t)n);
        }
    }
    return true;
}

const Tendermint__Abci__Response *link_take(struct link *link, struct vpr_arena *arena)
{
    struct vpr_bytes message;
    for (;;) {
        enum abci_frame got = abci_frames_next(&link->in, &message);
        if (got == ABCI_FRAME_PARTIAL) {
            if (!step(link)) {
                return NULL;
            }
            continue;
        }
        VPR_ASSERT(got == ABCI_FRAME_READY);
        const Tendermint__Abci__Response *response =
            (const Tendermint__Abci__Response *)vpr_arena_unpack(
                arena, &tendermint__abci__response__descriptor, message);
        VPR_ASSERT(response != NULL);
        if (response->value_case != TENDERMINT__ABCI__RESPONSE__VALUE_FLUSH) {
            return response;
        }
    }
}
