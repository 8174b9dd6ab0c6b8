/* rest.h - HTTP of the node: the query table as REST, transactions in and out, events,
 * metrics, health.
 *
 * Owns a thread with its own loop; reads committed views and never waits for a block, except
 * for simulations, which the owner thread answers between blocks.  Its one rule: an answer is
 * of one height, which its x-cosmos-block-height says.
 *
 * The contract is grpc-gateway's (snake_case, defaults written).  Limits: URL 8 KiB, body
 * REST_BODY_BYTES_MAX, REST_CONNECTIONS_MAX connections, REST_ANSWER_BYTES_MAX an answer. */
#ifndef VPR_NODE_REST_H
#define VPR_NODE_REST_H

#include "app/host/conf.h"
#include "app/node/bridge.h"

#define REST_BODY_BYTES_MAX (1536u * 1024) /* the largest transaction in base64, and its JSON */
#define REST_CONNECTIONS_MAX 512
#define REST_ANSWER_BYTES_MAX (12u * 1024 * 1024)
#define REST_UNSENT_BYTES_MAX (16u * 1024 * 1024) /* a slower reader is dropped */
#define REST_STALE_S 60 /* /healthz: a last block older than this is not in step */

struct rest;
struct meters;

struct rest_options {
    const char *address; /* numeric */
    uint16_t port;       /* 0: the system picks one */
    const char *comet_rpc;
    struct vpr_conf_list origins; /* CORS; "*": all */
    const char *data_dir;         /* whose disk the metrics tell of */
};

/* create → committed may be called → start → stop → destroy. `options` is kept. */
struct rest *rest_create(const struct rest_options *options, struct meters *meters);
/* The listener and the thread. */
VPR_MUST_USE enum vpr_code rest_start(struct rest *rest, struct bridge *bridge,
                                      struct vpr_err *err);
uint16_t rest_port(const struct rest *rest);
/* On the owner thread, after each commit. */
void rest_committed(struct rest *rest, const struct bridge_committed *block);
/* Joins the thread; before the bridge is destroyed. */
void rest_stop(struct rest *rest);
/* After the bridge is destroyed: it may have answered until then. */
void rest_destroy(struct rest *rest);

#endif
