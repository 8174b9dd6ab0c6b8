/* front.h - the clients' side of the gateway: plain JSON-RPC and HTTP in, verified answers out.
 *
 *   POST /v1/{chain}[/path]    JSON-RPC, or any other request of a REST chain
 *   GET  /, /health, /v1/{chain}   health
 *
 * {chain} is four hex digits or a name on chain.  A batch becomes one relay an element and is
 * put together again in its order.  Its one rule: nothing that a servicer sent leaves here
 * before its receipt held (send.h), and an id leaves as it came.
 *
 * A single answer is the servicer's status and body with Viper-Servicer, Viper-Relay and
 * Viper-Receipt; if the id had to be put right, Viper-Answer-Id holds what the receipt's body
 * has there.  A batch has no receipts.  The gateway's own faults are 503 (-32603) and 429
 * (-32005) with a JSON-RPC body; malformed JSON-RPC is 200 (-32700, -32600).
 *
 * A call of a client: asked of one servicer; of another if there is no answer after attempt_ms
 * or it failed, at most twice and for at most a tenth of all calls, never a write that may
 * have arrived; whoever answers first is taken.  A servicer's signed refusal costs nobody
 * anything, so it moves on, up to four times, without using that allowance. */
#ifndef VPR_RELAY_FRONT_H
#define VPR_RELAY_FRONT_H

#include "app/host/http_server.h"
#include "relay/choose.h"
#include "relay/send.h"

#define VPR_FRONT_RETRIES_MAX 2
#define VPR_FRONT_MOVES_MAX 4
#define VPR_FRONT_SIDE_BY_SIDE 32 /* elements of one batch under way at one time */
#define VPR_FRONT_BATCH_BYTES_MAX (32u * 1024 * 1024) /* of one batch's answer */

struct vpr_front_config {
    struct vpr_http_server_config http; /* body_max: of a request */
    struct vpr_source source;
    struct vpr_sender *sender;
    struct vpr_metrics *metrics;
    uint32_t attempt_ms; /* 0: 2,500 */
    uint32_t total_ms;   /* 0: 9,500; below what clients wait */
    uint32_t batch_max;  /* 0: 100; at most VPR_JSON_BATCH_MAX */
};

struct vpr_front;

VPR_MUST_USE enum vpr_code vpr_front_create(struct vpr_front **ret, struct vpr_loop *loop,
                                            const struct vpr_front_config *config,
                                            struct vpr_err *err);
/* After the sender is gone: no call of ours may come back. */
void vpr_front_destroy(struct vpr_front *front); /* NULL is fine */
uint16_t vpr_front_port(const struct vpr_front *front);
void vpr_front_drain(struct vpr_front *front);
uint32_t vpr_front_requests(const struct vpr_front *front); /* unanswered */

#endif
