/* shadow.h - the door for fishermen: samples that leave like everything else.
 *
 * A listener of its own, so that neither side waits behind the other.  Its one rule: whatever
 * passes the checks goes through vpr_sender_send to the named servicer, once, with no choice,
 * retry or log of ours; whatever does not pass is told why, and nothing was sent.
 *
 * Checks, in order of cost: form and sizes; the sid is one of ours now; the key is the
 * operator's of a fisherman drawn there; the servicer was drawn there; this fisherman's part of
 * the reserve and of what may be under way; the nonce is new in the session; the signature
 * (from here the nonce is used up); a template of the chain's corpus covers it.  Bytes: wire.h. */
#ifndef VPR_RELAY_SHADOW_H
#define VPR_RELAY_SHADOW_H

#include "relay/front.h"

#define VPR_SHADOW_LIVE_MAX 64 /* samples under way, a fisherman and sid */

struct vpr_shadow_config {
    struct vpr_http_server_config http;
    struct vpr_source source;
    struct vpr_sender *sender;
    struct vpr_metrics *metrics;
};

struct vpr_shadow_door;

VPR_MUST_USE enum vpr_code vpr_shadow_create(struct vpr_shadow_door **ret,
                                             struct vpr_loop *loop,
                                             const struct vpr_shadow_config *config,
                                             struct vpr_err *err);
/* After the sender is gone. */
void vpr_shadow_destroy(struct vpr_shadow_door *door); /* NULL is fine */
uint16_t vpr_shadow_port(const struct vpr_shadow_door *door);
void vpr_shadow_drain(struct vpr_shadow_door *door);
uint32_t vpr_shadow_requests(const struct vpr_shadow_door *door);

#endif
