/* serve.h - relays over HTTP: checked in order of cost, answered once, never before the proof
 * is on disk.
 *
 * One loop, one thread: it owns every session given to it, with all its sids, client keys and
 * seq windows; the only other thread is the one that syncs leaves.
 *
 * Order (docs/protocol.md, 3): form and sizes, session and membership, load, quota and seq,
 * token, cu and request hash, client's signature; then the risk rule and the claim of the seq;
 * then the backend; then receipt, leaf, sync, answer.  What fails before token and signature hold
 * is answered without a signature of ours (strangers buy none); after that, every refusal is
 * signed.
 *
 * Answers other than a relay's: 428 asks for the token, 503 while a session is being opened,
 * 400 and 404 for what is no relay at all; `GET /health` says whether relays can be served
 * and paid (able.h). */
#ifndef VPR_RELAY_SERVE_H
#define VPR_RELAY_SERVE_H

#include "app/client/able.h"
#include "relay/backend.h"
#include "relay/leaves.h"
#include "relay/session.h"

#define VPR_SERVED_MAX 4 /* sessions side by side: one running, one in grace, one opening */
#define VPR_SERVE_CAPACITY_MAX 65536

typedef void vpr_sign_hash_fn(void *arg, struct vpr_signature *ret, const struct vpr_hash *hash);

/* A session as it is served.  Its owner may take it away only when nothing is pending. */
struct vpr_served {
    struct vpr_work *work;
    struct vpr_segment *segment;
    vpr_sign_hash_fn *sign; /* with the relay key that is the servicer's in this session */
    void *sign_arg;
    struct vpr_costs costs[VPR_BACKENDS_MAX]; /* by index of the backend */
    bool ready;  /* sids and gateway keys are known: who is not there is refused */
    bool sealed; /* its tree is built: no more leaves; `segment` may be gone */
    uint32_t syncing; /* leaves and used seqs appended and not yet on disk */
};

/* What became of a request: rows of a metric. */
#define VPR_RELAY_OUTCOMES(X) \
    X(ANSWERED, "answered") \
    X(REFUSED, "refused") \
    X(ASKED_TOKEN, "asked_token") \
    X(NO_RELAY, "no_relay") \
    X(NOT_READY, "not_ready")
enum vpr_relay_outcome {
#define X(name, text) VPR_RELAY_##name,
    VPR_RELAY_OUTCOMES(X)
#undef X
        VPR_RELAY_OUTCOME_COUNT
};

/* May be NULL.  `chain`: index of the backend, or -1; `reason`: 0 or the refusal's. */
typedef void vpr_serve_seen_fn(void *arg, int chain, enum vpr_relay_outcome outcome, int reason,
                               bool was_signed, uint64_t elapsed_us);

struct vpr_serve_config {
    struct vpr_http_server_config http; /* body_max is the limit of a request's body */
    struct vpr_address servicer;
    struct vpr_backends *backends;
    uint32_t capacity; /* requests in flight, waiting for backend or disk; 0: 512 */
    vpr_serve_seen_fn *seen;
    void *seen_arg;
    vpr_able_fn *able; /* may be NULL */
    void *able_arg;
};

struct vpr_serve;

VPR_MUST_USE enum vpr_code vpr_serve_create(struct vpr_serve **ret, struct vpr_loop *loop,
                                            const struct vpr_serve_config *config,
                                            struct vpr_err *err);
/* Requests in flight are answered with 503; the backends must be gone, so that none comes
 * back. */
void vpr_serve_destroy(struct vpr_serve *serve);
uint16_t vpr_serve_port(const struct vpr_serve *serve);
void vpr_serve_drain(struct vpr_serve *serve);
uint32_t vpr_serve_in_flight(const struct vpr_serve *serve);

/* The sessions at hand and the height of the last block. */
void vpr_serve_sessions(struct vpr_serve *serve, struct vpr_served *const *served, size_t count);
void vpr_serve_height(struct vpr_serve *serve, uint64_t height);

/* To be the vpr_leaves_done_fn of the leaves of all served sessions; `arg` is the serve. */
void vpr_serve_synced(void *arg, uint64_t ticket, bool ok);

#endif
