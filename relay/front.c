#include "relay/front.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/json_scan.h"
#include "app/rules/ids.h"
#include "relay/rpc.h"
#include "relay/wire.h"

#define ATTEMPT_MS 2500
#define TOTAL_MS 9500
#define BATCH_MAX 100
#define SWEEP_MS 50
#define BUDGET_UNIT 10  /* a retry costs ten, a call earns one */
#define BUDGET_MAX 1000 /* a hundred retries in a row */
#define ANSWER_HEADERS_MAX 12
#define ID_TEXT_MAX 256
#define USED_MAX (1 + VPR_FRONT_RETRIES_MAX + VPR_FRONT_MOVES_MAX)

/* One JSON-RPC call, or one REST request. */
struct call {
    struct reply *reply;
    struct vpr_bytes body; /* of the HTTP request, good until it is answered */
    struct vpr_bytes id;
    bool rpc, has_id, repeatable;
    bool started, done;
    uint32_t live; /* relays under way */
    uint32_t retries, moves, used_count;
    struct vpr_address used[USED_MAX];
    uint64_t attempt_ms; /* when the last relay began */
    /* how it ended, in a batch */
    enum vpr_meter_outcome outcome;
    struct vpr_buf answer;
};

struct reply {
    struct vpr_front *front;
    struct reply *before, *after;
    struct vpr_http_request *req; /* NULL once answered */
    uint16_t chain;
    struct vpr_bytes verb, path, type;
    bool batch;
    uint64_t start_ms, start_us;
    uint32_t live, running; /* relays under way; calls started and not done */
    size_t count, next, done;
    size_t bytes; /* of the answers kept */
    struct call *calls;
};

struct vpr_front {
    struct vpr_front_config config;
    struct vpr_http_server *server;
    struct vpr_timer *sweep;
    struct reply *replies;
    struct vpr_json_call *scratch; /* batch_max of them */
    uint64_t luck;
    uint32_t budget;
};

/* ---- faults ---- */

struct fault {
    enum vpr_meter_outcome outcome;
    uint32_t status;
    int code;
    const char *text;
};

static const struct fault faults[] = {
    [VPR_OUTCOME_NO_SESSION] = {VPR_OUTCOME_NO_SESSION, 503, VPR_RPC_INTERNAL,
                                "no session for this chain is open; try again shortly"},
    [VPR_OUTCOME_QUOTA] = {VPR_OUTCOME_QUOTA, 429, VPR_RPC_LIMIT,
                           "the quota of this session is used up; it is renewed with the next"},
    [VPR_OUTCOME_BUSY] = {VPR_OUTCOME_BUSY, 503, VPR_RPC_INTERNAL,
                          "no servicer of this session takes a request now"},
    [VPR_OUTCOME_FAILED] = {VPR_OUTCOME_FAILED, 503, VPR_RPC_INTERNAL,
                            "no servicer gave an answer that holds"},
};

static void count_outcome(const struct reply *reply, enum vpr_meter_outcome outcome)
{
    vpr_metric_add(reply->front->config.metrics, VPR_METER_REQUESTS,
                   vpr_meter_chain(reply->chain), outcome, 1);
}

/* A request that never became a call. */
static void refuse(struct vpr_front *front, struct vpr_http_request *req, uint32_t status,
                   int code, const char *text)
{
    const struct vpr_http_header type = VPR_HTTP_TEXT("Content-Type", "application/json");
    struct vpr_buf out;

    (void)front;
    vpr_buf_init(&out, 4096);
    vpr_rpc_error(&out, (struct vpr_bytes){NULL, 0}, code, text);
    vpr_http_reply(req, status, &type, 1, vpr_buf_bytes(&out));
    vpr_buf_finish(&out);
}

/* ---- the end of a reply ---- */

static void free_reply(struct reply *reply)
{
    if (reply->before != NULL) {
        reply->before->after = reply->after;
    } else {
        reply->front->replies = reply->after;
    }
    if (reply->after != NULL) {
        reply->after->before = reply->before;
    }
    for (size_t i = 0; i < reply->count; i++) {
        vpr_buf_finish(&reply->calls[i].answer);
    }
    vpr_mem_free(reply->calls);
    vpr_mem_free(reply);
}

/* The request and every view into it are gone. */
static void answered(struct reply *reply)
{
    const uint64_t us = vpr_mono_us() - reply->start_us;

    vpr_metric_observe(reply->front->config.metrics, VPR_METER_REQUEST_SECONDS,
                       vpr_meter_chain(reply->chain), 0, us);
    reply->req = NULL;
}

static void reply_single_error(struct call *call, const struct fault *fault)
{
    struct reply *reply = call->reply;
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT("Content-Type", "application/json"), VPR_HTTP_TEXT("Retry-After", "1")};
    struct vpr_buf out;

    vpr_buf_init(&out, call->id.len + 4096);
    vpr_rpc_error(&out, call->id, fault->code, fault->text);
    vpr_http_reply(reply->req, fault->status, headers, 2, vpr_buf_bytes(&out));
    vpr_buf_finish(&out);
    answered(reply);
}

static size_t answer_headers(struct vpr_http_header *ret, const struct vpr_send_result *result)
{
    size_t count = 0;

    for (size_t i = 0; i < result->header_count && count < ANSWER_HEADERS_MAX - 4; i++) {
        if (vpr_wire_answer_header(result->headers[i].name)) {
            ret[count++] = result->headers[i];
        }
    }
    return count;
}

static void reply_single(struct call *call, const struct vpr_send_result *result)
{
    struct reply *reply = call->reply;
    struct vpr_http_header headers[ANSWER_HEADERS_MAX];
    char id[VPR_ADDRESS_TEXT_MAX], part[VPR_WIRE_RELAY_TEXT_MAX];
    char receipt[VPR_WIRE_RECEIPT_TEXT_MAX];
    struct vpr_bytes before, body = result->body;
    struct vpr_buf patched;

    size_t count = answer_headers(headers, result);
    vpr_address_text(id, VPR_PREFIX_ACCOUNT, &result->request.part.servicer);
    vpr_wire_relay_print(part, &result->request);
    vpr_wire_receipt_print(receipt, &result->receipt);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT("Viper-Servicer", id);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RELAY, part);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RECEIPT, receipt);
    vpr_buf_init(&patched, body.len + call->id.len);
    if (call->rpc && call->has_id && vpr_rpc_put_id(&patched, &before, body, call->id)) {
        if (before.len <= ID_TEXT_MAX && vpr_http_value_ok(before)) {
            headers[count++] =
                (struct vpr_http_header){vpr_bytes_str("Viper-Answer-Id"), before};
        }
        body = vpr_buf_bytes(&patched);
    }
    if (call->rpc && !call->has_id) {
        /* A notification gets no reply, whatever the backend said. */
        vpr_http_reply(reply->req, 204, headers, count, (struct vpr_bytes){NULL, 0});
    } else {
        vpr_http_reply(reply->req, result->status, headers, count, body);
    }
    vpr_buf_finish(&patched);
    answered(reply);
}

static uint32_t batch_status(const struct reply *reply)
{
    uint32_t status = 0;

    /* Clients read the array only under 200; if nothing was answered they should back off. */
    for (size_t i = 0; i < reply->count; i++) {
        const enum vpr_meter_outcome outcome = reply->calls[i].outcome;
        if (outcome == VPR_OUTCOME_ANSWERED || outcome == VPR_OUTCOME_BAD_REQUEST) {
            return 200;
        }
        status = status == 0 ? faults[outcome].status : status;
    }
    return status;
}

static void reply_batch(struct reply *reply)
{
    const struct vpr_http_header type = VPR_HTTP_TEXT("Content-Type", "application/json");
    struct vpr_buf out;
    size_t shown = 0;

    vpr_buf_init(&out, reply->bytes + 2 * reply->count + 2);
    vpr_buf_char(&out, '[');
    for (size_t i = 0; i < reply->count; i++) {
        if (reply->calls[i].answer.len == 0) {
            continue; /* a notification */
        }
        if (shown++ > 0) {
            vpr_buf_char(&out, ',');
        }
        vpr_buf_add(&out, reply->calls[i].answer.data, reply->calls[i].answer.len);
    }
    vpr_buf_char(&out, ']');
    VPR_ASSERT(!out.over);
    if (shown == 0) {
        vpr_http_reply(reply->req, 204, NULL, 0, (struct vpr_bytes){NULL, 0});
    } else {
        vpr_http_reply(reply->req, batch_status(reply), &type, 1, vpr_buf_bytes(&out));
    }
    vpr_buf_finish(&out);
    answered(reply);
}

/* ---- the end of a call ---- */

static void start_calls(struct reply *reply);

static void end_call(struct call *call, enum vpr_meter_outcome outcome)
{
    struct reply *reply = call->reply;

    call->done = true;
    call->outcome = outcome;
    count_outcome(reply, outcome);
    reply->done++;
    if (call->started) {
        reply->running--;
    }
    reply->bytes += call->answer.len;
    if (reply->batch && reply->done == reply->count) {
        reply_batch(reply);
    }
}

static void call_error(struct call *call, enum vpr_meter_outcome outcome, int code,
                       const char *text)
{
    if (call->reply->batch) {
        if (call->has_id || outcome == VPR_OUTCOME_BAD_REQUEST) {
            vpr_buf_init(&call->answer, call->id.len + 1024);
            vpr_rpc_error(&call->answer, call->id, code, text);
        }
    } else {
        const bool theirs = outcome == VPR_OUTCOME_BAD_REQUEST;
        const uint32_t status = !theirs ? faults[outcome].status : call->rpc ? 200 : 400;
        const struct fault fault = {outcome, status, code, text};
        reply_single_error(call, &fault);
    }
    end_call(call, outcome);
}

static void call_fault(struct call *call, enum vpr_meter_outcome outcome)
{
    call_error(call, outcome, faults[outcome].code, faults[outcome].text);
}

static void call_answered(struct call *call, const struct vpr_send_result *result)
{
    struct reply *reply = call->reply;
    struct vpr_bytes before;

    if (!reply->batch) {
        reply_single(call, result);
        end_call(call, VPR_OUTCOME_ANSWERED);
        return;
    }
    if (!call->has_id) {
        end_call(call, VPR_OUTCOME_ANSWERED);
        return;
    }
    /* What goes between other answers must be one value and nothing else. */
    if (!vpr_json_check(result->body, NULL)) {
        call_error(call, VPR_OUTCOME_FAILED, VPR_RPC_INTERNAL,
                   "the servicer's answer is no JSON");
        return;
    }
    if (reply->bytes + result->body.len + call->id.len > VPR_FRONT_BATCH_BYTES_MAX) {
        call_error(call, VPR_OUTCOME_FAILED, VPR_RPC_INTERNAL,
                   "the answers of this batch are too large; send smaller ones");
        return;
    }
    vpr_buf_init(&call->answer, result->body.len + call->id.len);
    if (!vpr_rpc_put_id(&call->answer, &before, result->body, call->id)) {
        vpr_buf_add(&call->answer, result->body.data, result->body.len);
    }
    end_call(call, VPR_OUTCOME_ANSWERED);
}

/* ---- relays of a call ---- */

static void on_sent(void *arg, const struct vpr_send_result *result);

static bool attempt(struct call *call, enum vpr_meter_outcome *ret_why)
{
    struct reply *reply = call->reply;
    struct vpr_choice choice;
    const struct vpr_wanted wanted = {.chain = reply->chain,
                                      .path = reply->path,
                                      .body = call->body,
                                      .used = call->used,
                                      .used_count = call->used_count};

    *ret_why = VPR_OUTCOME_FAILED;
    if (call->used_count == USED_MAX ||
        !vpr_choose(&choice, ret_why, &reply->front->config.source, &wanted,
                    &reply->front->luck)) {
        return false;
    }
    const struct vpr_send send = {
        .panel = choice.panel,
        .seat = choice.seat,
        .method = reply->verb,
        .path = reply->path,
        .body = call->body,
        .type = reply->type,
        .cu = choice.cu,
        .repeatable = call->repeatable,
    };
    call->used[call->used_count++] = choice.seat->id;
    call->attempt_ms = vpr_mono_ms();
    call->live++;
    reply->live++;
    vpr_sender_send(reply->front->config.sender, &send, on_sent, call);
    return true;
}

/* One of the few retries that all calls together have. */
static bool retry(struct call *call)
{
    struct vpr_front *front = call->reply->front;
    enum vpr_meter_outcome why;

    if (!call->repeatable || call->retries == VPR_FRONT_RETRIES_MAX ||
        front->budget < BUDGET_UNIT || !attempt(call, &why)) {
        return false;
    }
    front->budget -= BUDGET_UNIT;
    call->retries++;
    vpr_metric_add(front->config.metrics, VPR_METER_RETRIES, 0, 0, 1);
    return true;
}

/* To another one because this one certainly did nothing. */
static bool move(struct call *call)
{
    enum vpr_meter_outcome why;

    if (call->moves == VPR_FRONT_MOVES_MAX || !attempt(call, &why)) {
        return false;
    }
    call->moves++;
    vpr_metric_add(call->reply->front->config.metrics, VPR_METER_RETRIES, 0, 0, 1);
    return true;
}

static bool time_left(const struct call *call)
{
    return vpr_mono_ms() - call->reply->start_ms < call->reply->front->config.total_ms;
}

static void on_sent(void *arg, const struct vpr_send_result *result)
{
    struct call *call = arg;
    struct reply *reply = call->reply;

    call->live--;
    reply->live--;
    if (call->done) {
        if (reply->req == NULL && reply->live == 0) {
            free_reply(reply);
        }
        return;
    }
    if (result->end == VPR_SEND_ANSWERED) {
        call_answered(call, result);
    } else {
        const bool again =
            time_left(call) && (result->reached ? retry(call) : move(call));
        if (!again && call->live == 0) {
            const bool quota = result->end == VPR_SEND_REFUSED &&
                               result->refusal.reason == VPR_REFUSED_QUOTA;
            call_fault(call, quota ? VPR_OUTCOME_QUOTA : VPR_OUTCOME_FAILED);
        }
    }
    if (reply->req == NULL && reply->live == 0) {
        free_reply(reply);
    } else if (reply->req != NULL) {
        start_calls(reply);
    }
}

/* Never frees the reply while it has calls to start: the last one ends it. */
static void start_calls(struct reply *reply)
{
    while (reply->req != NULL && reply->next < reply->count &&
           reply->running < VPR_FRONT_SIDE_BY_SIDE) {
        struct call *call = &reply->calls[reply->next++];
        enum vpr_meter_outcome why;
        if (call->done) {
            continue;
        }
        call->started = true;
        reply->running++;
        if (reply->front->budget < BUDGET_MAX) {
            reply->front->budget++;
        }
        if (attempt(call, &why)) {
            continue;
        }
        if (why == VPR_OUTCOME_BAD_REQUEST) {
            call_error(call, why, VPR_RPC_INVALID, "the request can be read in two ways");
        } else {
            call_fault(call, why);
        }
    }
}

static void sweep_call(struct call *call, uint64_t now_ms)
{
    const struct vpr_front_config *config = &call->reply->front->config;

    if (call->done || !call->started) {
        return;
    }
    if (!time_left(call)) {
        call_fault(call, VPR_OUTCOME_FAILED);
    } else if (now_ms - call->attempt_ms >= config->attempt_ms) {
        if (!retry(call)) {
            call->attempt_ms = now_ms; /* ask again later, not every time */
        }
    }
}

static void on_sweep(void *arg)
{
    struct vpr_front *front = arg;
    const uint64_t now_ms = vpr_mono_ms();

    for (struct reply *reply = front->replies, *after; reply != NULL; reply = after) {
        after = reply->after;
        for (size_t i = 0; i < reply->count && reply->req != NULL; i++) {
            sweep_call(&reply->calls[i], now_ms);
        }
        if (reply->req != NULL) {
            start_calls(reply);
        }
        if (reply->req == NULL && reply->live == 0) {
            free_reply(reply);
        }
    }
}

/* ---- a request ---- */

static struct reply *reply_new(struct vpr_front *front, struct vpr_http_request *req,
                               uint16_t chain, struct vpr_bytes path, size_t count)
{
    struct reply *reply = vpr_mem_alloc(sizeof *reply);

    reply->front = front;
    reply->req = req;
    reply->chain = chain;
    reply->verb = req->method;
    reply->path = path;
    reply->start_ms = vpr_mono_ms();
    reply->start_us = req->start_us;
    reply->count = count;
    reply->calls = vpr_mem_alloc(count * sizeof reply->calls[0]);
    for (size_t i = 0; i < count; i++) {
        reply->calls[i].reply = reply;
        vpr_buf_init(&reply->calls[i].answer, 0);
    }
    reply->after = front->replies;
    if (front->replies != NULL) {
        front->replies->before = reply;
    }
    front->replies = reply;
    return reply;
}

static void go(struct reply *reply)
{
    start_calls(reply);
    if (reply->req == NULL && reply->live == 0) {
        free_reply(reply);
    }
}

static void take_call(struct call *call, const struct vpr_json_call *json)
{
    const enum vpr_json_type id = vpr_json_type(json->id);

    call->rpc = true;
    call->body = json->whole;
    if (!json->valid) {
        if (id == VPR_JSON_STRING || id == VPR_JSON_NUMBER) {
            call->id = json->id;
        }
        call_error(call, VPR_OUTCOME_BAD_REQUEST, VPR_RPC_INVALID,
                   "not a JSON-RPC call: method, id or params are missing or of a wrong type");
        return;
    }
    call->id = json->id;
    call->has_id = json->id.len > 0;
    call->repeatable = !vpr_rpc_writes(json->method);
}

static void on_rpc(struct vpr_front *front, struct vpr_http_request *req, uint16_t chain,
                   struct vpr_bytes path, const struct vpr_json_rpc *rpc)
{
    if (rpc->count == 0) {
        refuse(front, req, 200, VPR_RPC_INVALID, "an empty batch");
        return;
    }
    struct reply *reply = reply_new(front, req, chain, path, rpc->count);
    reply->batch = rpc->batch;
    reply->type = vpr_bytes_str("application/json");
    for (size_t i = 0; i < rpc->count; i++) {
        take_call(&reply->calls[i], &front->scratch[i]);
    }
    if (reply->req != NULL && !rpc->batch) {
        reply->calls[0].body = req->body; /* untouched, with its white space */
    }
    go(reply);
}

static void on_rest(struct vpr_front *front, struct vpr_http_request *req, uint16_t chain,
                    struct vpr_bytes path)
{
    const struct vpr_bytes *type = vpr_http_request_header(req, "content-type");
    struct reply *reply = reply_new(front, req, chain, path, 1);

    if (req->body.len > 0 && type != NULL && type->len < VPR_SEND_TYPE_MAX) {
        reply->type = *type;
    }
    reply->calls[0].body = req->body;
    reply->calls[0].repeatable = vpr_bytes_equal(req->method, vpr_bytes_str("GET"));
    go(reply);
}

static void health(struct vpr_front *front, struct vpr_http_request *req)
{
    struct vpr_panel *panels[VPR_PANEL_PAIRS_MAX];
    const size_t count = front->config.source.panels(front->config.source.arg, panels);
    char text[1024];
    size_t len = 0;

    len += (size_t)snprintf(text, sizeof text, "{\"status\":\"%s\",\"chains\":[",
                            count > 0 ? "ok" : "no session");
    for (size_t i = 0; i < count; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\"%04x\"",
                                i == 0 ? "" : ",", panels[i]->chain);
    }
    snprintf(text + len, sizeof text - len, "]}\n");
    vpr_http_reply_text(req, count > 0 ? 200 : 503, "application/json", text);
}

/* "/v1/{chain}[/path][?query]" */
static bool split_target(struct vpr_bytes *ret_chain, struct vpr_bytes *ret_path,
                         struct vpr_bytes target)
{
    const struct vpr_bytes prefix = vpr_bytes_str("/v1/");
    size_t end = prefix.len;

    if (!vpr_bytes_starts(target, prefix)) {
        return false;
    }
    while (end < target.len && target.data[end] != '/' && target.data[end] != '?') {
        end++;
    }
    *ret_chain = vpr_bytes_of(target.data + prefix.len, end - prefix.len);
    *ret_path = vpr_bytes_of(target.data + end, target.len - end);
    return ret_chain->len > 0;
}

static bool any_method(const struct vpr_front *front, const struct vpr_json_rpc *rpc)
{
    for (size_t i = 0; i < rpc->count; i++) {
        if (front->scratch[i].method.len > 0) {
            return true;
        }
    }
    return false;
}

static void on_relay(struct vpr_front *front, struct vpr_http_request *req, uint16_t chain,
                     struct vpr_bytes path)
{
    struct vpr_json_rpc rpc;
    struct vpr_json_fault fault;

    const bool post = vpr_bytes_equal(req->method, vpr_bytes_str("POST"));
    const bool is_rpc = post && vpr_json_rpc(&rpc, front->scratch, front->config.batch_max,
                                             req->body, &fault);
    if (is_rpc && (path.len == 0 || any_method(front, &rpc))) {
        on_rpc(front, req, chain, path, &rpc);
    } else if (path.len > 0) {
        on_rest(front, req, chain, path);
    } else if (!post) {
        refuse(front, req, 405, VPR_RPC_INVALID, "JSON-RPC is posted; other verbs need a path");
    } else if (vpr_json_check(req->body, NULL)) {
        refuse(front, req, 200, VPR_RPC_INVALID, fault.reason);
    } else {
        refuse(front, req, 200, VPR_RPC_PARSE, "the body is no JSON");
    }
}

static void on_request(void *arg, struct vpr_http_request *req)
{
    struct vpr_front *front = arg;
    struct vpr_bytes name, path;
    uint16_t chain;

    const bool get = vpr_bytes_equal(req->method, vpr_bytes_str("GET"));
    if (get && (vpr_bytes_equal(req->target, vpr_bytes_str("/")) ||
                vpr_bytes_equal(req->target, vpr_bytes_str("/health")))) {
        health(front, req);
        return;
    }
    if (!split_target(&name, &path, req->target) ||
        !front->config.source.chain(front->config.source.arg, &chain, name)) {
        refuse(front, req, 404, VPR_RPC_INVALID,
               "no such chain; requests go to /v1/{chain}, four hex digits or a name");
        return;
    }
    if (get && path.len == 0 && req->body.len == 0) {
        health(front, req);
        return;
    }
    if (!vpr_wire_method_ok(req->method)) {
        refuse(front, req, 405, VPR_RPC_INVALID, "not a verb that is relayed");
        return;
    }
    if (path.len > VPR_WIRE_PATH_BYTES_MAX) {
        refuse(front, req, 414, VPR_RPC_INVALID, "the path is too long");
        return;
    }
    on_relay(front, req, chain, path);
}

/* ---- life ---- */

enum vpr_code vpr_front_create(struct vpr_front **ret, struct vpr_loop *loop,
                               const struct vpr_front_config *config, struct vpr_err *err)
{
    struct vpr_front *front = vpr_mem_alloc(sizeof *front);

    front->config = *config;
    if (front->config.attempt_ms == 0) {
        front->config.attempt_ms = ATTEMPT_MS;
    }
    if (front->config.total_ms == 0) {
        front->config.total_ms = TOTAL_MS;
    }
    if (front->config.batch_max == 0 || front->config.batch_max > VPR_JSON_BATCH_MAX) {
        front->config.batch_max = BATCH_MAX;
    }
    const enum vpr_code code =
        vpr_http_server_create(&front->server, loop, &config->http, on_request, front, err);
    if (code != VPR_OK) {
        vpr_mem_free(front);
        return code;
    }
    vpr_random(&front->luck, sizeof front->luck);
    front->budget = BUDGET_MAX / 2;
    front->scratch = vpr_mem_alloc(front->config.batch_max * sizeof front->scratch[0]);
    front->sweep = vpr_timer_create(loop, on_sweep, front);
    vpr_timer_every(front->sweep, SWEEP_MS);
    *ret = front;
    return VPR_OK;
}

void vpr_front_destroy(struct vpr_front *front)
{
    if (front == NULL) {
        return;
    }
    vpr_http_server_destroy(front->server);
    while (front->replies != NULL) {
        free_reply(front->replies);
    }
    vpr_timer_destroy(front->sweep);
    vpr_mem_free(front->scratch);
    vpr_mem_free(front);
}

uint16_t vpr_front_port(const struct vpr_front *front)
{
    return vpr_http_server_port(front->server);
}

void vpr_front_drain(struct vpr_front *front)
{
    vpr_http_server_drain(front->server);
}

uint32_t vpr_front_requests(const struct vpr_front *front)
{
    return vpr_http_server_requests(front->server);
}
