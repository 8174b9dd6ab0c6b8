/* events.h - what every block did, as server-sent events.
 *
 * Owns the last blocks as text and the streams that read them.  One event a block, id = its
 * height; who comes with Last-Event-ID gets what it missed, as far as the ring reaches.  A
 * reader that is too slow is dropped: it comes back with its id.  Belongs to the REST loop,
 * but for events_block_text.
 *
 * Limits: EVENTS_RING_BLOCKS blocks, EVENTS_RING_BYTES of text, EVENTS_STREAMS_MAX streams,
 * EVENTS_BLOCK_BYTES_MAX a block, beyond which its events are left out and `cut` is true. */
#ifndef VPR_NODE_EVENTS_H
#define VPR_NODE_EVENTS_H

#include "app/host/loop.h"
#include "app/node/bridge.h"
#include "app/node/reply.h"

#define EVENTS_RING_BLOCKS 256
#define EVENTS_RING_BYTES (12u * 1024 * 1024) /* a replay fits into what a reader may lag behind */
#define EVENTS_STREAMS_MAX 64
#define EVENTS_BLOCK_BYTES_MAX (4u * 1024 * 1024)
#define EVENTS_HEARTBEAT_MS 15000

struct events;

struct events *events_create(struct vpr_loop *loop);
void events_destroy(struct events *events); /* ends all streams */

/* "id: ...\nevent: block\ndata: {...}\n\n"; any thread. */
void events_block_text(struct vpr_buf *out, const struct bridge_committed *block,
                       uint64_t session);
/* Takes over text->data. */
void events_add(struct events *events, uint64_t height, struct vpr_buf *text);

/* Answers the request with a stream, or 429. */
void events_serve(struct events *events, const struct reply_to *to);
size_t events_streams(const struct events *events);

#endif
