/* event.h - what a transaction tells the world; the system transaction what the chain does itself.
 *
 * Not hashed by consensus, but made only from state, so equal on every node.  A type or key
 * is a static name, [a-z_.]; "tx.hash" and "tx.height" are CometBFT's and refused. */
#ifndef VPR_TX_EVENT_H
#define VPR_TX_EVENT_H

#include "app/base/arena.h"

#define VPR_EVENT_ATTRIBUTES_MAX 16
#define VPR_EVENTS_MAX 20000 /* of one block */

struct vpr_attribute {
    const char *key;
    const char *value;
};

struct vpr_event {
    const char *type;
    uint32_t count;
    struct vpr_attribute attributes[VPR_EVENT_ATTRIBUTES_MAX];
};

struct vpr_events {
    struct vpr_arena *arena; /* the block's */
    struct vpr_event **list;
    size_t count, room;
    bool full; /* the event begun last did not fit: its attributes are dropped too */
};

struct vpr_ctx;

/* Begin an event; attributes go to the one begun last.  All three do nothing when the
 * context has no events (queries, CheckTx). */
void vpr_event(struct vpr_ctx *ctx, const char *type);
void vpr_event_text(struct vpr_ctx *ctx, const char *key, const char *value);
void vpr_event_u64(struct vpr_ctx *ctx, const char *key, uint64_t value);
void vpr_event_address(struct vpr_ctx *ctx, const char *key, const struct vpr_address *who);
void vpr_event_hex(struct vpr_ctx *ctx, const char *key, const void *data, size_t len);

#endif
