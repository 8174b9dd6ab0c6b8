/* send.h - relays leave here, all of them: clients' requests, fishermen's samples and our own.
 *
 * Owns the connections to servicers.  Its one rule: what a servicer can see (headers and their
 * order, connection, client key, seq, patience, what happens after a failure) depends on the
 * request's own bytes alone, never on who asked; so there is one function, and nothing in its
 * arguments says whose request it is.  One loop, one thread.
 *
 * An answer is handed on only after its receipt held over status and body, and only then is it
 * counted.  A relay is read to its end even when nobody waits for it any more.  The servicer
 * asking for the token, or a connection that went stale, makes a new request part for the same
 * servicer, once, and so does, up to five times, a refusal without a signature from one that
 * is still opening a young session; the same part is never sent twice. */
#ifndef VPR_RELAY_SEND_H
#define VPR_RELAY_SEND_H

#include "app/host/http_client.h"
#include "relay/meter.h"
#include "relay/panel.h"

#define VPR_SEND_METHOD_MAX 8
#define VPR_SEND_TYPE_MAX 128

struct vpr_sender_config {
    bool allow_private; /* servicers at loopback and private addresses */
    const char *ca_file;
    uint32_t connect_ms; /* 0: 1,000 */
    uint32_t total_ms;   /* until an answer is given up; 0: 10,000 */
    size_t answer_max;   /* bytes of an answer; 0: 8 MiB */
    struct vpr_metrics *metrics;
};

struct vpr_sender;

VPR_MUST_USE enum vpr_code vpr_sender_create(struct vpr_sender **ret, struct vpr_loop *loop,
                                             const struct vpr_sender_config *config,
                                             struct vpr_err *err);
/* What is under way ends without a callback; NULL is fine. */
void vpr_sender_destroy(struct vpr_sender *sender);
uint32_t vpr_sender_jobs(const struct vpr_sender *sender);

/* One request; the bytes are copied. */
struct vpr_send {
    struct vpr_panel *panel;
    struct vpr_seat *seat; /* of that panel */
    struct vpr_bytes method, path, body;
    struct vpr_bytes type; /* Content-Type of the body; empty: none is sent */
    uint64_t cu;
    bool repeatable; /* no harm if the backend sees it twice */
};

enum vpr_send_end {
    VPR_SEND_ANSWERED, /* the receipt held */
    VPR_SEND_REFUSED,  /* a signed refusal */
    VPR_SEND_FAILED,
};

/* Views are good until the callback returns. */
struct vpr_send_result {
    enum vpr_send_end end;
    const char *why; /* static text of a failure */
    bool reached;    /* a backend may have acted on it */
    struct vpr_signed_request request; /* the last one made */
    struct vpr_receipt receipt;        /* ANSWERED */
    struct vpr_refusal refusal;        /* REFUSED */
    uint32_t status;                   /* ANSWERED, and the rest */
    const struct vpr_http_header *headers;
    size_t header_count;
    struct vpr_bytes body;
    uint64_t elapsed_us;
};
typedef void vpr_send_fn(void *arg, const struct vpr_send_result *result);

/* Never calls back before it has returned; then exactly once. */
void vpr_sender_send(struct vpr_sender *sender, const struct vpr_send *send, vpr_send_fn *done,
                     void *arg);

#endif
