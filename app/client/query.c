#include "app/client/query.h"

#include <stdarg.h>
#include <stdio.h>

#include "app/base/mem.h"
#include "app/host/http_client.h"
#include "app/host/json_scan.h"
#include "app/host/pbjson.h"

/* Decoded answers are a few times as large as their text. */
#define ARENA_BYTES (128u * 1024 * 1024)
#define REQUEST_BYTES_MAX (2u * 1024 * 1024)
#define ERROR_TEXT_MAX 512
#define CALL_MS 5000

struct vpr_node_call {
    struct vpr_node *node;
    struct vpr_node_call *prev, *next;
    struct vpr_http_exchange *exchange;
    const ProtobufCMessageDescriptor *response;
    vpr_node_fn *fn;
    void *arg;
};

struct vpr_node {
    struct vpr_http_client *client;
    struct vpr_arena arena; /* of the answer in hand */
    struct vpr_node_call *first;
    uint32_t calls;
    char url[VPR_NODE_URL_BYTES_MAX];
};

static enum vpr_code check_url(const char *url, struct vpr_err *err)
{
    struct vpr_url parsed;
    const size_t len = strlen(url);

    VPR_TRY(vpr_url_parse(&parsed, vpr_bytes_str(url), err));
    if (len >= VPR_NODE_URL_BYTES_MAX || (len > 0 && url[len - 1] == '/')) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "the node's URL %.64s must not end with / or be longer than %d bytes",
                        url, VPR_NODE_URL_BYTES_MAX - 1);
    }
    return VPR_OK;
}

static const struct vpr_http_client_config client_config = {
    .allow_private = true, .per_host_max = 16, .waiting_max = VPR_NODE_CALLS_MAX,
    .connections_max = 16};

enum vpr_code vpr_node_create(struct vpr_node **ret, struct vpr_loop *loop, const char *url,
                              struct vpr_err *err)
{
    VPR_TRY(check_url(url, err));
    struct vpr_node *node = vpr_mem_alloc(sizeof *node);
    const enum vpr_code code =
        vpr_http_client_create(&node->client, loop, &client_config, err);
    if (code != VPR_OK) {
        vpr_mem_free(node);
        return code;
    }
    snprintf(node->url, sizeof node->url, "%s", url);
    vpr_arena_init(&node->arena, ARENA_BYTES);
    *ret = node;
    return VPR_OK;
}

static void forget(struct vpr_node_call *call)
{
    struct vpr_node *node = call->node;

    if (call->prev != NULL) {
        call->prev->next = call->next;
    } else {
        node->first = call->next;
    }
    if (call->next != NULL) {
        call->next->prev = call->prev;
    }
    node->calls--;
    vpr_mem_free(call);
}

void vpr_node_destroy(struct vpr_node *node)
{
    if (node == NULL) {
        return;
    }
    while (node->first != NULL) {
        vpr_node_cancel(node->first);
    }
    vpr_http_client_destroy(node->client);
    vpr_arena_finish(&node->arena);
    vpr_mem_free(node);
}

/* The sentence of a gRPC gateway's error, or what there is. */
static void read_error(struct vpr_node_answer *answer, char text[ERROR_TEXT_MAX],
                       struct vpr_bytes body)
{
    struct vpr_bytes span;
    uint64_t code = 0;
    size_t len = 0;

    snprintf(text, ERROR_TEXT_MAX, "the node answers with status %" PRIu32, answer->status);
    answer->error = text;
    if (!vpr_json_check(body, NULL)) {
        return;
    }
    if (vpr_json_at(&span, body, "/code") && vpr_json_u64(&code, span)) {
        answer->grpc_code = (uint32_t)code;
    }
    if (vpr_json_at(&span, body, "/message") && vpr_json_type(span) == VPR_JSON_STRING &&
        !vpr_json_text(text, ERROR_TEXT_MAX, &len, span)) {
        snprintf(text, ERROR_TEXT_MAX, "%.*s", (int)(span.len < 200 ? span.len : 200),
                 (const char *)span.data);
    }
}

static void decode(struct vpr_node_answer *answer, char text[ERROR_TEXT_MAX],
                   struct vpr_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                   struct vpr_bytes body)
{
    static const struct vpr_pbjson_options options;
    struct vpr_err err;
    ProtobufCMessage *message = NULL;

    if (descriptor == NULL) {
        answer->ok = vpr_json_check(body, NULL);
        answer->error = answer->ok ? NULL : "the node's answer is not JSON";
        return;
    }
    if (vpr_pbjson_parse(&message, arena, descriptor, body, &options, &err) != VPR_OK) {
        snprintf(text, ERROR_TEXT_MAX, "the node's answer: %s", err.text);
        answer->error = text;
        return;
    }
    answer->ok = true;
    answer->message = message;
}

static void read_answer(struct vpr_node_answer *answer, char text[ERROR_TEXT_MAX],
                        struct vpr_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                        uint32_t status, struct vpr_bytes body)
{
    answer->status = status;
    answer->body = body;
    if (status == 200) {
        decode(answer, text, arena, descriptor, body);
    } else {
        read_error(answer, text, body);
    }
}

static void on_result(void *arg, const struct vpr_http_result *result)
{
    struct vpr_node_call *call = arg;
    struct vpr_node *node = call->node;
    struct vpr_node_answer answer = {0};
    char text[ERROR_TEXT_MAX];
    vpr_node_fn *fn = call->fn;
    void *fn_arg = call->arg;
    const size_t mark = vpr_arena_mark(&node->arena);

    if (result->failure != VPR_HTTP_FAILURE_NONE) {
        snprintf(text, sizeof text, "no answer from the node (%s%s%s)",
                 vpr_http_failure_name(result->failure), result->why == NULL ? "" : ": ",
                 result->why == NULL ? "" : result->why);
        answer.error = text;
    } else {
        const struct vpr_bytes *height = vpr_http_find(result->headers, result->header_count,
                                                       "x-cosmos-block-height");
        if (height == NULL || !vpr_json_u64(&answer.height, *height)) {
            answer.height = 0;
        }
        read_answer(&answer, text, &node->arena, call->response, result->status, result->body);
    }
    forget(call);
    fn(fn_arg, &answer);
    vpr_arena_release(&node->arena, mark);
}

static struct vpr_node_call *start(struct vpr_node *node, const struct vpr_http_call *http,
                                   const ProtobufCMessageDescriptor *response, vpr_node_fn *fn,
                                   void *arg)
{
    if (node->calls == VPR_NODE_CALLS_MAX) {
        return NULL;
    }
    struct vpr_node_call *call = vpr_mem_alloc(sizeof *call);
    *call = (struct vpr_node_call){.node = node, .next = node->first, .response = response,
                                   .fn = fn, .arg = arg};
    if (node->first != NULL) {
        node->first->prev = call;
    }
    node->first = call;
    node->calls++;
    call->exchange = vpr_http_client_start(node->client, http, on_result, call);
    return call;
}

struct vpr_node_call *vpr_node_get(struct vpr_node *node,
                                   const ProtobufCMessageDescriptor *response, vpr_node_fn *fn,
                                   void *arg, const char *fmt, ...)
{
    char path[VPR_NODE_PATH_BYTES_MAX];
    va_list args;

    va_start(args, fmt);
    const int len = vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    VPR_ASSERT(len > 0 && (size_t)len < sizeof path);
    const struct vpr_http_call http = {.url = vpr_bytes_str(node->url),
                                       .path = vpr_bytes_of(path, (size_t)len),
                                       .retry = VPR_HTTP_RETRY_IDEMPOTENT,
                                       .total_ms = CALL_MS,
                                       .body_max = VPR_NODE_ANSWER_BYTES_MAX};
    return start(node, &http, response, fn, arg);
}

static const struct vpr_http_header json_header =
    {{(const uint8_t *)"Content-Type", 12}, {(const uint8_t *)"application/json", 16}};

struct vpr_node_call *vpr_node_post(struct vpr_node *node, const char *path,
                                    const ProtobufCMessage *request,
                                    const ProtobufCMessageDescriptor *response, vpr_node_fn *fn,
                                    void *arg)
{
    static const struct vpr_pbjson_options options;
    struct vpr_node_call *call = NULL;
    struct vpr_buf body;

    vpr_buf_init(&body, REQUEST_BYTES_MAX);
    if (vpr_pbjson_write(&body, request, &options, NULL) == VPR_OK) {
        /* What is posted may be posted twice: transactions have one hash. */
        const struct vpr_http_call http = {.method = "POST", .url = vpr_bytes_str(node->url),
                                           .path = vpr_bytes_str(path),
                                           .headers = &json_header, .header_count = 1,
                                           .body = vpr_buf_bytes(&body),
                                           .retry = VPR_HTTP_RETRY_IDEMPOTENT,
                                           .total_ms = CALL_MS,
                                           .body_max = VPR_NODE_ANSWER_BYTES_MAX};
        call = start(node, &http, response, fn, arg);
    }
    vpr_buf_finish(&body);
    return call;
}

void vpr_node_cancel(struct vpr_node_call *call)
{
    if (call != NULL) {
        vpr_http_client_cancel(call->exchange);
        forget(call);
    }
}

static enum vpr_code wait_for(const ProtobufCMessage **ret, struct vpr_arena *arena,
                              const struct vpr_http_call *http,
                              const ProtobufCMessageDescriptor *response, struct vpr_err *err)
{
    struct vpr_node_answer answer = {0};
    char text[ERROR_TEXT_MAX];
    struct vpr_buf body;
    uint32_t status = 0;

    vpr_buf_init(&body, VPR_NODE_ANSWER_BYTES_MAX);
    enum vpr_code code = vpr_http_call(&status, &body, http, &client_config, err);
    if (code == VPR_OK) {
        read_answer(&answer, text, arena, response, status, vpr_buf_bytes(&body));
        if (answer.ok) {
            *ret = answer.message;
        } else {
            code = vpr_fail(err, status == 404 ? VPR_NOT_FOUND : VPR_DENIED, "%s", answer.error);
        }
    }
    vpr_buf_finish(&body);
    return code;
}

enum vpr_code vpr_node_ask(const ProtobufCMessage **ret, struct vpr_arena *arena,
                           const char *url, const char *path,
                           const ProtobufCMessageDescriptor *response, struct vpr_err *err)
{
    VPR_TRY(check_url(url, err));
    const struct vpr_http_call http = {.url = vpr_bytes_str(url), .path = vpr_bytes_str(path),
                                       .retry = VPR_HTTP_RETRY_IDEMPOTENT,
                                       .body_max = VPR_NODE_ANSWER_BYTES_MAX};
    return wait_for(ret, arena, &http, response, err);
}
