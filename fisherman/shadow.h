/* shadow.h - samples through a requestor's gateway, and what of its answers can be believed.
 *
 * Owns the connections to shadow endpoints; never speaks to a servicer.  Its one rule: what
 * the gateway says counts only as far as it is signed.  No reply, or one without a valid
 * request part for what was asked: no sample, the gateway's failure.  A valid request part
 * without a receipt or refusal that holds: a sample that was sent and not answered.
 *
 * Latency is from post to answer less the gateway's own round trip, which is measured on the
 * same warm connections: the median of the last few probes. */
#ifndef VPR_FISHERMAN_SHADOW_H
#define VPR_FISHERMAN_SHADOW_H

#include "app/host/http_client.h"
#include "fisherman/book.h"
#include "relay/wire.h"

#define VPR_SHADOW_GATES_MAX 256
#define VPR_SHADOW_PROBES 5
#define VPR_SHADOW_PROBE_MS 1000
#define VPR_SHADOW_TOTAL_MS 12000 /* a gateway gives a servicer up to 10 s */
#define VPR_SHADOW_FLIGHTS_MAX 64 /* to one gateway at one time */

enum vpr_shadow_outcome {
    VPR_SHADOW_SAMPLE,
    VPR_SHADOW_UNREACHABLE, /* no whole answer of the gateway */
    VPR_SHADOW_DENIED,      /* it says that it sent nothing */
    VPR_SHADOW_INVALID,     /* token or request part does not hold */
};
#define VPR_SHADOW_OUTCOMES 4
const char *vpr_shadow_outcome_name(enum vpr_shadow_outcome outcome); /* also a metric label */

struct vpr_shadow_ask {
    const struct vpr_book_terms *terms;
    uint32_t seat;
    const char *verb, *path;
    struct vpr_bytes body;
};

#define VPR_SHADOW_WHY_MAX 160
struct vpr_shadow_answer {
    enum vpr_shadow_outcome outcome;
    char why[VPR_SHADOW_WHY_MAX]; /* without a sample, or if an answer was thrown away */
    uint32_t http_status;         /* of the gateway; 0: none */
    /* with a sample */
    struct vpr_token token;
    uint32_t gateway_key;
    struct vpr_sample sample;
    uint16_t status;        /* the servicer's, answered only */
    struct vpr_bytes body;  /* good until the callback returns, answered only */
};

/* Everything but the seq, which only the book knows.  `latency_us` is what it took. */
void vpr_shadow_read(struct vpr_shadow_answer *ret, const struct vpr_shadow_ask *ask,
                     const struct vpr_http_result *result, uint64_t latency_us);

typedef void vpr_shadow_sign_fn(void *arg, struct vpr_signature *ret,
                                const struct vpr_hash *digest);
struct vpr_shadows_config {
    struct vpr_loop *loop;
    bool allow_private;
    struct vpr_bytes operator_key; /* 33 or 32 bytes, copied */
    vpr_shadow_sign_fn *sign;
    void *sign_arg;
};

struct vpr_shadows;
struct vpr_gate; /* one shadow_url */
struct vpr_shadow_call;
typedef void vpr_shadow_fn(void *arg, const struct vpr_shadow_answer *answer);

VPR_MUST_USE enum vpr_code vpr_shadows_create(struct vpr_shadows **ret,
                                              const struct vpr_shadows_config *config,
                                              struct vpr_err *err);
void vpr_shadows_destroy(struct vpr_shadows *shadows); /* NULL is fine; gates too */

/* Probed while anybody has it open; NULL when there are too many or the URL is too long. */
struct vpr_gate *vpr_gate_open(struct vpr_shadows *shadows, const char *url);
void vpr_gate_close(struct vpr_gate *gate); /* NULL is fine */
uint64_t vpr_gate_round_trip_us(const struct vpr_gate *gate); /* 0: not known */
uint32_t vpr_gate_flights(const struct vpr_gate *gate);

/* The terms must live until the callback, which comes once, from the loop; NULL when too many
 * are under way. */
struct vpr_shadow_call *vpr_shadow_send(struct vpr_gate *gate, const struct vpr_shadow_ask *ask,
                                        vpr_shadow_fn *fn, void *arg);
void vpr_shadow_cancel(struct vpr_shadow_call *call);

#endif
