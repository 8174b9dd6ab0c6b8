/* stream.h - one nonblocking connection, plain or TLS: bytes in, bytes out, an end.
 *
 * Belongs to one loop and its thread.  Writes go to the kernel at once and only what it
 * does not take is kept, up to `unsent_max`; a peer that reads too slowly beyond that is
 * cut off.  Hooks run from the loop, never from inside a call; any of them may destroy the
 * stream.  After on_end with a reason the stream is dead; after on_end(NULL), the peer's
 * orderly end of sending, it may still be written to. */
#ifndef VPR_HOST_STREAM_H
#define VPR_HOST_STREAM_H

#include "app/host/net.h"

#define VPR_STREAM_READ_BYTES_MAX VPR_LOOP_SCRATCH_BYTES /* handed over at one time */

struct vpr_stream;

struct vpr_stream_hooks {
    void (*on_open)(void *arg); /* connected, TLS agreed; not for accepted plain ones */
    void (*on_data)(void *arg, struct vpr_bytes data); /* good until the hook returns */
    void (*on_drain)(void *arg); /* may be NULL: what was kept is with the kernel now */
    void (*on_end)(void *arg, const char *why);
};

/* Take over a connected socket.  `tls` may be NULL. */
struct vpr_stream *vpr_stream_accept(struct vpr_loop *loop, int fd, struct ssl_ctx_st *tls,
                                     const struct vpr_stream_hooks *hooks, void *arg,
                                     size_t unsent_max);
/* `name` is what the peer's certificate must be for; failures come through on_end. */
struct vpr_stream *vpr_stream_dial(struct vpr_loop *loop, const struct vpr_addr *addr,
                                   struct ssl_ctx_st *tls, const char *name,
                                   const struct vpr_stream_hooks *hooks, void *arg,
                                   size_t unsent_max);
void vpr_stream_destroy(struct vpr_stream *stream); /* NULL is fine */

/* Both parts, the second right behind the first. */
void vpr_stream_write(struct vpr_stream *stream, struct vpr_bytes a, struct vpr_bytes b);
size_t vpr_stream_unsent(const struct vpr_stream *stream);
bool vpr_stream_dead(const struct vpr_stream *stream);
/* Fail it, as if the other side had: on_end comes with `why`, static text. */
void vpr_stream_cut(struct vpr_stream *stream, const char *why);
/* No more writes; once what was written is out, tell the peer so. */
void vpr_stream_shut(struct vpr_stream *stream);
void vpr_stream_pause(struct vpr_stream *stream, bool paused); /* stop reading */

#endif
