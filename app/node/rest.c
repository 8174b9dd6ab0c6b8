#include "app/node/rest.h"

#include <signal.h>
#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/node/answer.h"
#include "app/node/rest_inside.h"
#include "viper/v1/query.pb-c.h"

#define ARENA_BYTES (UINT64_C(1) << 30)
#define METRICS_BYTES_MAX (4u * 1024 * 1024)
#define EVENTS_PATH "/viper/v1/events"
#define NO_ROUTE SIZE_MAX

/* ---- answers ---- */

static void count(struct rest *rest, const struct reply_to *to, size_t route, uint32_t status)
{
    meters_request(rest->meters, route, status, vpr_mono_us() - to->req->start_us);
}

void rest_json(struct rest *rest, const struct reply_to *to, size_t route, uint32_t status,
               struct vpr_bytes json)
{
    count(rest, to, route, status);
    reply_json(to, status, json);
}

void rest_error(struct rest *rest, const struct reply_to *to, size_t route,
                enum reply_code code, const char *message)
{
    count(rest, to, route, reply_status(code));
    reply_error(to, code, message);
}

void rest_refusal(struct rest *rest, const struct reply_to *to, size_t route,
                  const struct vpr_err *err)
{
    count(rest, to, route, reply_status(reply_code_of(err->code)));
    reply_refusal(to, err);
}

void rest_message(struct rest *rest, const struct reply_to *to, size_t route,
                  const ProtobufCMessage *message)
{
    const struct vpr_pbjson_options options = {.resolve = rest_resolve,
                                               .scratch = &rest->arena};
    struct vpr_buf json;
    struct vpr_err err;

    vpr_buf_init(&json, REST_ANSWER_BYTES_MAX);
    if (vpr_pbjson_write(&json, message, &options, &err) == VPR_OK) {
        rest_json(rest, to, route, 200, vpr_buf_bytes(&json));
    } else {
        rest_error(rest, to, route, REPLY_EXHAUSTED, "the answer is too large; use pagination");
    }
    vpr_buf_finish(&json);
}

struct rest_later *rest_later_begin(struct rest *rest, const struct reply_to *to, size_t route)
{
    struct rest_later *later = (struct rest_later *)vpr_mem_alloc(sizeof *later);
    later->rest = rest;
    later->to = *to;
    later->route = route;
    later->next = rest->later;
    if (later->next) {
        later->next->prev = later;
    }
    rest->later = later;
    return later;
}

void rest_later_end(struct rest_later *later)
{
    if (later->prev) {
        later->prev->next = later->next;
    } else {
        later->rest->later = later->next;
    }
    if (later->next) {
        later->next->prev = later->prev;
    }
    vpr_mem_free(later);
}

/* ---- queries ---- */

enum vpr_code rest_fill(struct rest *rest, const struct vpr_http_request *req,
                        const struct route_match *match, ProtobufCMessage *message,
                        struct vpr_err *err)
{
    struct vpr_pbjson_params params;
    vpr_pbjson_params_init(&params, &rest->arena, message);
    for (size_t i = 0; i < match->field_count; i++) {
        VPR_TRY(vpr_pbjson_bind(&params, match->fields[i].name,
                                vpr_bytes_str(match->fields[i].value), err));
    }
    return vpr_pbjson_set_query(&params, req->query, err);
}

static void query(struct rest *rest, const struct reply_to *to, const struct route_match *match,
                  struct vpr_view *view)
{
    size_t route = (size_t)(match->row - route_rows);
    const struct vpr_query *row = vpr_domain_query(match->row->method);
    const ProtobufCMessage *response;
    struct vpr_err err = {VPR_OK, ""};
    bool known;

    if (!row) {
        rest_error(rest, to, route, REPLY_UNIMPLEMENTED, "no such query in this version");
        return;
    }
    if (vpr_view_height(view) == 0) {
        rest_error(rest, to, route, REPLY_UNAVAILABLE, "the chain has no block yet");
        return;
    }
    ProtobufCMessage *request = vpr_pbjson_new(&rest->arena, row->request);
    if (rest_fill(rest, to->req, match, request, &err) != VPR_OK) {
        rest_error(rest, to, route, REPLY_INVALID, err.text);
        return;
    }
    if (vpr_answer_method(view, &rest->arena, rest->pools, match->row->method,
                          vpr_arena_pack(&rest->arena, request), &response, NULL, &known,
                          &err) != VPR_OK) {
        rest_refusal(rest, to, route, &err);
        return;
    }
    rest_message(rest, to, route, response);
}

/* ---- health, metrics, events ---- */

static void health(struct rest *rest, const struct reply_to *to, struct vpr_view *view)
{
    struct vpr_state state;
    struct vpr_err err;
    char json[160];
    int64_t age = -1;

    if (vpr_view_height(view) > 0) {
        struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &rest->arena, &err, rest->pools);
        age = (int64_t)(vpr_wall_ms() / 1000) - ctx.time_s;
    }
    bool synced = age >= 0 && age <= REST_STALE_S;
    (void)snprintf(json, sizeof json,
                   "{\"synced\":%s,\"height\":\"%" PRIu64 "\",\"last_block_age_s\":%" PRId64 "}",
                   synced ? "true" : "false", to->height, age);
    rest_json(rest, to, NO_ROUTE, synced ? 200 : 503, vpr_bytes_str(json));
}

static void metrics(struct rest *rest, const struct reply_to *to)
{
    struct vpr_http_header headers[REPLY_HEADERS_MAX];
    char number[24];
    struct vpr_buf text;
    size_t n = reply_headers(to, VPR_METRICS_CONTENT_TYPE, number, headers);

    meters_set(rest->meters, METER_STREAMS, (int64_t)events_streams(rest->events));
    meters_set(rest->meters, METER_CONNECTIONS, vpr_http_server_connections(rest->server));
    meters_set(rest->meters, METER_DISK, (int64_t)vpr_disk_free(rest->options.data_dir));
    vpr_buf_init(&text, METRICS_BYTES_MAX);
    meters_write(rest->meters, &text);
    count(rest, to, NO_ROUTE, 200);
    vpr_http_reply(to->req, 200, headers, n, vpr_buf_bytes(&text));
    vpr_buf_finish(&text);
}

static const char *const own_paths[] = {EVENTS_PATH, "/metrics", "/healthz"};

static bool own_path(struct rest *rest, const struct reply_to *to, struct vpr_view *view,
                     bool get)
{
    size_t which = 0;
    while (which < VPR_COUNT(own_paths) &&
           !vpr_bytes_equal(to->req->path, vpr_bytes_str(own_paths[which]))) {
        which++;
    }
    if (which == VPR_COUNT(own_paths)) {
        return false;
    }
    if (!get) {
        rest_error(rest, to, NO_ROUTE, REPLY_UNIMPLEMENTED, "Method Not Allowed");
    } else if (which == 1) {
        metrics(rest, to);
    } else if (which == 2) {
        health(rest, to, view);
    } else if (vpr_http_is(to->req->method, "head")) {
        rest_json(rest, to, NO_ROUTE, 200, vpr_bytes_of(NULL, 0));
    } else {
        count(rest, to, NO_ROUTE, 200);
        events_serve(rest->events, to);
    }
    return true;
}

/* ---- requests ---- */

static const char *allowed_origin(struct rest *rest, const struct vpr_http_request *req)
{
    const struct vpr_bytes *origin = vpr_http_request_header(req, "origin");
    if (!origin) {
        return NULL;
    }
    for (size_t i = 0; i < rest->options.origins.count; i++) {
        const char *one = rest->options.origins.items[i];
        if (strcmp(one, "*") == 0 || vpr_bytes_equal(*origin, vpr_bytes_str(one))) {
            return one;
        }
    }
    return NULL;
}

/* The header may ask for the height that we have, or for 0, the newest. */
static bool height_fits(const struct vpr_http_request *req, uint64_t height, bool *ret_number)
{
    const struct vpr_bytes *asked = vpr_http_request_header(req, "x-cosmos-block-height");
    uint64_t v = 0;

    *ret_number = true;
    if (!asked) {
        return true;
    }
    for (size_t i = 0; i < asked->len; i++) {
        if (asked->data[i] < '0' || asked->data[i] > '9' || i >= 19) {
            *ret_number = false;
            return false;
        }
        v = v * 10 + (uint64_t)(asked->data[i] - '0');
    }
    *ret_number = asked->len > 0;
    return *ret_number && (v == 0 || v == height);
}

static void options(struct rest *rest, const struct reply_to *to)
{
    struct route_match match;
    enum route_result post =
        route_find(&match, &rest->arena, vpr_bytes_str("POST"), to->req->path);
    count(rest, to, NO_ROUTE, 204);
    reply_options(to, post == ROUTE_FOUND ? "POST, OPTIONS" : "GET, HEAD, OPTIONS");
}

static void route(struct rest *rest, const struct reply_to *to, struct vpr_view *view,
                  struct vpr_bytes verb)
{
    struct route_match match;

    switch (route_find(&match, &rest->arena, verb, to->req->path)) {
    case ROUTE_NO_PATH:
        rest_error(rest, to, NO_ROUTE, REPLY_NOT_FOUND, "Not Found");
        return;
    case ROUTE_NO_VERB:
        rest_error(rest, to, NO_ROUTE, REPLY_UNIMPLEMENTED, "Method Not Allowed");
        return;
    case ROUTE_BAD:
        rest_error(rest, to, NO_ROUTE, REPLY_INVALID, "the path is escaped wrongly or empty");
        return;
    case ROUTE_FOUND:
        break;
    }
    if (!rest_tx(rest, to, &match)) {
        query(rest, to, &match, view);
    }
}

static void on_request(void *arg, struct vpr_http_request *req)
{
    struct rest *rest = (struct rest *)arg;
    struct vpr_view *view = bridge_view(rest->bridge);
    const struct reply_to to = {req, vpr_view_height(view), allowed_origin(rest, req)};
    bool get = vpr_bytes_equal(req->method, vpr_bytes_str("GET")) ||
               vpr_bytes_equal(req->method, vpr_bytes_str("HEAD"));
    bool number;

    vpr_arena_release(&rest->arena, 0);
    if (vpr_bytes_equal(req->method, vpr_bytes_str("OPTIONS"))) {
        options(rest, &to);
    } else if (!height_fits(req, to.height, &number)) {
        char text[96];
        (void)snprintf(text, sizeof text, "the state at hand is that of block %" PRIu64,
                       to.height);
        rest_error(rest, &to, NO_ROUTE, number ? REPLY_OUT_OF_RANGE : REPLY_INVALID,
                   number ? text : "x-cosmos-block-height is no number");
    } else if (!own_path(rest, &to, view, get)) {
        route(rest, &to, view, get ? vpr_bytes_str("GET") : req->method);
    }
    vpr_view_release(view);
}

/* ---- life ---- */

struct rest *rest_create(const struct rest_options *options, struct meters *meters)
{
    struct rest *rest = (struct rest *)vpr_mem_alloc(sizeof *rest);
    rest->options = *options;
    rest->meters = meters;
    rest->loop = vpr_loop_create();
    rest->events = events_create(rest->loop);
    rest->pools = vpr_pools_create();
    vpr_arena_init(&rest->arena, ARENA_BYTES);
    return rest;
}

static void *run(void *arg)
{
    struct rest *rest = (struct rest *)arg;
    vpr_loop_run(rest->loop);
    return NULL;
}

enum vpr_code rest_start(struct rest *rest, struct bridge *bridge, struct vpr_err *err)
{
    const struct vpr_http_client_config client = {.allow_private = true, .per_host_max = 16};
    const struct vpr_http_server_config server = {
        .address = rest->options.address,
        .port = rest->options.port,
        .body_max = REST_BODY_BYTES_MAX,
        .unsent_max = REST_UNSENT_BYTES_MAX,
        .connections_max = REST_CONNECTIONS_MAX,
    };
    sigset_t all, before;

    rest->bridge = bridge;
    VPR_TRY(vpr_http_client_create(&rest->client, rest->loop, &client, err));
    VPR_TRY(vpr_http_server_create(&rest->server, rest->loop, &server, on_request, rest, err));
    /* Signals are for the main thread. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rest->running = pthread_create(&rest->thread, NULL, run, rest) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rest->running) {
        VPR_HALT("no thread for REST");
    }
    return VPR_OK;
}

uint16_t rest_port(const struct rest *rest)
{
    return vpr_http_server_port(rest->server);
}

struct news {
    struct rest *rest;
    uint64_t height;
    struct vpr_buf text;
};

static void on_news(void *arg)
{
    struct news *news = (struct news *)arg;
    events_add(news->rest->events, news->height, &news->text);
    vpr_mem_free(news);
}

static uint64_t session_of(struct rest *rest, struct vpr_arena *arena)
{
    struct vpr_view *view = bridge_view(rest->bridge);
    struct vpr_state state;
    struct vpr_err err;
    uint64_t session = 0;

    if (vpr_view_height(view) > 0) {
        struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, arena, &err, NULL);
        session = vpr_session_number(&ctx);
    }
    vpr_view_release(view);
    return session;
}

void rest_committed(struct rest *rest, const struct bridge_committed *block)
{
    struct news *news = (struct news *)vpr_mem_alloc(sizeof *news);
    struct vpr_arena arena;

    vpr_arena_init(&arena, 1u << 20);
    uint64_t session = session_of(rest, &arena);
    vpr_arena_finish(&arena);
    meters_block(rest->meters, block, session);
    struct tally_sums sums = {{0}, 0, 0, 0};
    tally_block(&rest->tally, block->result, &sums);
    meters_settled(rest->meters, &sums);
    news->rest = rest;
    news->height = block->height;
    events_block_text(&news->text, block, session);
    if (!vpr_loop_post(rest->loop, on_news, news)) {
        /* The loop is that far behind: readers see a gap in the ids and ask again. */
        vpr_log_warn("rest", "event dropped", "height=%" PRIu64, block->height);
        vpr_buf_finish(&news->text);
        vpr_mem_free(news);
    }
}

void rest_stop(struct rest *rest)
{
    if (rest->running) {
        vpr_loop_stop(rest->loop);
        (void)pthread_join(rest->thread, NULL);
        rest->running = false;
    }
}

void rest_destroy(struct rest *rest)
{
    if (!rest) {
        return;
    }
    VPR_ASSERT(!rest->running);
    vpr_http_client_destroy(rest->client);
    if (rest->server) {
        vpr_http_server_destroy(rest->server);
    }
    vpr_loop_turn(rest->loop); /* what was posted while we stopped: into nothing, but freed */
    events_destroy(rest->events);
    while (rest->later) {
        reply_error(&rest->later->to, REPLY_UNAVAILABLE, "the node stops");
        rest_later_end(rest->later);
    }
    vpr_loop_destroy(rest->loop);
    vpr_pools_destroy(rest->pools);
    vpr_arena_finish(&rest->arena);
    vpr_mem_free(rest);
}
