/* view.h - the requestor's sessions, read from one node and drawn again by ourselves.
 *
 * Owns the panels in use.  Its one rule: a panel is used only after our own draw from the
 * queried pools equals what the node says, and the token for it is signed.  All answers of a
 * load are of one height where the node allows it: three tries, then answers of one session
 * are taken, since everything but URLs is fixed for the session.
 *
 * State of a load, begun when a session opens, again 500 ms after a failure:
 *   RECORD  the requestor's record and the chains
 *   POOLS   every page of the pools of its pairs
 *   SEATS   the node's own draw, every servicer and fisherman drawn
 *   over    panels swapped                                        (publish)
 * URLs and operators are asked again every VPR_VIEW_REFRESH_MS. */
#ifndef VPR_RELAY_VIEW_H
#define VPR_RELAY_VIEW_H

#include "app/client/follow.h"
#include "app/host/metrics.h"
#include "relay/panel.h"

#define VPR_VIEW_REFRESH_MS 5000
#define VPR_VIEW_RETRY_MS 500
#define VPR_VIEW_POOL_MAX 200000 /* members of one pool */

struct vpr_view_config {
    struct vpr_loop *loop;
    struct vpr_follow *follow;
    struct vpr_address requestor;
    struct vpr_hash gateway_key; /* whose signature tokens carry */
    /* Sign token->sid and client_key with it; false if that is impossible. */
    bool (*sign)(void *arg, struct vpr_token *token);
    /* The corpus of a chain whose file has this hash; NULL if there is none. */
    const struct vpr_corpus *(*corpus)(void *arg, uint16_t chain, const struct vpr_hash *hash);
    /* A panel whose session is over, for the last time; hold it to keep it. */
    void (*retired)(void *arg, struct vpr_panel *panel);
    void *arg;
    struct vpr_metrics *metrics;
};

struct vpr_view;

struct vpr_view *vpr_view_create(const struct vpr_view_config *config);
void vpr_view_destroy(struct vpr_view *view); /* NULL is fine */

/* Panels that may be used now. */
size_t vpr_view_panels(const struct vpr_view *view,
                       struct vpr_panel *ret[VPR_PANEL_PAIRS_MAX]);
/* "0001" or a name on chain; false if there is no such chain. */
VPR_MUST_USE bool vpr_view_chain(const struct vpr_view *view, uint16_t *ret_chain,
                                 struct vpr_bytes text);
/* The session whose panels are in use; false before the first. */
bool vpr_view_session(const struct vpr_view *view, uint64_t *ret_session);

#endif
