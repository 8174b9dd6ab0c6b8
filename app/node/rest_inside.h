/* rest_inside.h - the REST side's own: one struct, and the requests that end later. */
#ifndef VPR_NODE_REST_INSIDE_H
#define VPR_NODE_REST_INSIDE_H

#include <pthread.h>

#include "app/host/http_client.h"
#include "app/host/pbjson.h"
#include "app/node/events.h"
#include "app/node/meters.h"
#include "app/node/rest.h"
#include "app/node/route.h"

struct rest_later;

struct rest {
    struct rest_options options;
    struct meters *meters;
    struct bridge *bridge;
    struct vpr_loop *loop;
    struct vpr_http_server *server;
    struct vpr_http_client *client;
    struct events *events;
    struct vpr_pools *pools;
    struct vpr_arena arena; /* of one request */
    struct rest_later *later; /* list; loop thread */
    struct tally tally; /* owner thread */
    pthread_t thread;
    bool running;
};

/* A request that waits for CometBFT or the owner thread. */
struct rest_later {
    struct rest *rest;
    struct rest_later *prev, *next;
    struct reply_to to;
    size_t route;
    char hash[65];          /* of the transaction asked for or sent, upper-case hex */
    uint64_t gas_wanted, gas_used; /* of a simulation, with err */
    struct vpr_err err;
};

struct rest_later *rest_later_begin(struct rest *rest, const struct reply_to *to, size_t route);
void rest_later_end(struct rest_later *later); /* after the answer */

/* The request's fields out of path and query. */
VPR_MUST_USE enum vpr_code rest_fill(struct rest *rest, const struct vpr_http_request *req,
                                     const struct route_match *match, ProtobufCMessage *message,
                                     struct vpr_err *err);

/* The answer leaves: count it. Every path ends in one of these. */
void rest_json(struct rest *rest, const struct reply_to *to, size_t route, uint32_t status,
               struct vpr_bytes json);
void rest_error(struct rest *rest, const struct reply_to *to, size_t route,
                enum reply_code code, const char *message);
void rest_refusal(struct rest *rest, const struct reply_to *to, size_t route,
                  const struct vpr_err *err);
void rest_message(struct rest *rest, const struct reply_to *to, size_t route,
                  const ProtobufCMessage *message);

/* txs.c: the rows of cosmos.tx.v1beta1.Service. False: not one of them. */
bool rest_tx(struct rest *rest, const struct reply_to *to, const struct route_match *match);
/* Any's: messages of the tables, keys, the system message. */
vpr_pbjson_resolve_fn rest_resolve;

#endif
