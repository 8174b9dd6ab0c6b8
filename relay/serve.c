#include "relay/serve.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "relay/wire.h"

#define ANSWER_HEADERS_MAX 6
#define HEADER_BYTES_MAX 1024 /* of the headers that are passed on, together */
#define ANSWER_BYTES_MAX ((size_t)1 << 30) /* the backend's own limit is lower */
#define IDLE_RELAYS_MAX 1024  /* kept for the next request */

/* One request on its way: from the claim of its seq to its answer. */
struct relay {
    struct vpr_serve *serve;
    struct vpr_http_request *http;
    struct vpr_served *served;
    struct vpr_sid_work *sid;
    struct vpr_lane *lane;
    int chain;
    struct vpr_signed_request request;
    uint64_t start_us;

    /* the backend's answer, kept while its leaf is synced */
    struct vpr_http_exchange *exchange;
    uint32_t status;
    struct vpr_buf body;
    char receipt[VPR_WIRE_RECEIPT_TEXT_MAX];
    size_t header_count;
    struct vpr_http_header headers[ANSWER_HEADERS_MAX];
    size_t header_bytes;
    char header_text[HEADER_BYTES_MAX];

    uint64_t ticket; /* of its leaf, or of its used seq if there is no answer */
    int reason;      /* of the refusal that waits for the ticket; 0: an answer does */
    struct relay *next;
    struct relay *older, *newer; /* all in flight */
};

struct vpr_serve {
    struct vpr_serve_config config;
    struct vpr_http_server *server;
    uint64_t height;
    size_t served_count;
    struct vpr_served *served[VPR_SERVED_MAX];
    uint32_t in_flight;
    struct relay *newest;
    struct relay *first, *last; /* waiting for the sync, in order of their tickets */
    struct relay *idle;
    uint32_t idle_count;
};

/* ---- answers that are no relay's ---- */

static void seen(struct vpr_serve *serve, int chain, enum vpr_relay_outcome outcome, int reason,
                 bool was_signed, uint64_t start_us)
{
    if (serve->config.seen != NULL) {
        serve->config.seen(serve->config.seen_arg, chain, outcome, reason, was_signed,
                           vpr_mono_us() - start_us);
    }
}

static void reply_no_relay(struct vpr_serve *serve, struct vpr_http_request *http,
                           uint32_t status, enum vpr_relay_outcome outcome, const char *text)
{
    seen(serve, -1, outcome, 0, false, http->start_us);
    vpr_http_reply_text(http, status, "application/json", text);
}

static void reply_refusal(struct vpr_http_request *http, int reason,
                          const struct vpr_http_header *signed_header)
{
    char text[128];
    struct vpr_http_header headers[2] = {VPR_HTTP_TEXT("Content-Type", "application/json")};
    size_t count = 1;

    const int len = snprintf(text, sizeof text, "{\"error\":{\"code\":%d,\"reason\":\"%s\"}}\n",
                             reason, vpr_refusal_name((uint16_t)reason));
    if (signed_header != NULL) {
        headers[count] = *signed_header;
        count++;
    }
    vpr_http_reply(http, vpr_wire_refusal_status((enum vpr_refusal_reason)reason), headers,
                   count, vpr_bytes_of(text, (size_t)len));
}

static void refuse_bare(struct vpr_serve *serve, struct vpr_http_request *http, int chain,
                        int reason)
{
    seen(serve, chain, VPR_RELAY_REFUSED, reason, false, http->start_us);
    reply_refusal(http, reason, NULL);
}

/* Only for a request whose token and signature hold. */
static void refuse_signed(struct vpr_serve *serve, struct vpr_http_request *http, int chain,
                          const struct vpr_served *served, const struct vpr_request *part,
                          int reason)
{
    struct vpr_refusal refusal = {.request_part = vpr_request_part_hash(part),
                                  .reason = (uint16_t)reason};
    char text[VPR_WIRE_REFUSAL_TEXT_MAX];

    const struct vpr_hash hash = vpr_refusal_hash(&refusal);
    served->sign(served->sign_arg, &refusal.signature, &hash);
    vpr_wire_refusal_print(text, &refusal);
    const struct vpr_http_header header = VPR_HTTP_TEXT(VPR_WIRE_REFUSAL, text);
    seen(serve, chain, VPR_RELAY_REFUSED, reason, true, http->start_us);
    reply_refusal(http, reason, &header);
}

/* ---- relays in flight ---- */

static struct relay *relay_take(struct vpr_serve *serve, struct vpr_http_request *http)
{
    struct relay *relay = serve->idle;

    if (relay != NULL) {
        serve->idle = relay->next;
        serve->idle_count--;
    } else {
        relay = vpr_mem_alloc(sizeof *relay);
        relay->serve = serve;
        vpr_buf_init(&relay->body, ANSWER_BYTES_MAX);
    }
    relay->http = http;
    relay->start_us = http->start_us;
    relay->header_count = 0;
    relay->header_bytes = 0;
    relay->ticket = 0;
    relay->reason = 0;
    relay->next = NULL;
    relay->newer = NULL;
    relay->older = serve->newest;
    if (serve->newest != NULL) {
        serve->newest->newer = relay;
    }
    serve->newest = relay;
    serve->in_flight++;
    return relay;
}

static void relay_free(struct relay *relay)
{
    vpr_buf_finish(&relay->body);
    vpr_mem_free(relay);
}

static void relay_give(struct relay *relay)
{
    struct vpr_serve *serve = relay->serve;

    VPR_ASSERT(serve->in_flight > 0);
    serve->in_flight--;
    if (relay->older != NULL) {
        relay->older->newer = relay->newer;
    }
    if (relay->newer != NULL) {
        relay->newer->older = relay->older;
    } else {
        serve->newest = relay->older;
    }
    if (serve->idle_count == IDLE_RELAYS_MAX) {
        relay_free(relay);
        return;
    }
    vpr_buf_reset(&relay->body);
    relay->next = serve->idle;
    serve->idle = relay;
    serve->idle_count++;
}

/* Nothing leaves before its ticket is on disk. */
static void await_sync(struct relay *relay)
{
    struct vpr_serve *serve = relay->serve;

    relay->served->syncing++;
    if (serve->last == NULL) {
        serve->first = relay;
    } else {
        serve->last->next = relay;
    }
    serve->last = relay;
}

static void relay_refuse(struct relay *relay, int reason)
{
    refuse_signed(relay->serve, relay->http, relay->chain, relay->served, &relay->request.part,
                  reason);
    relay_give(relay);
}

/* What outlasts a claim without an answer: its seq is used, and a tail that lies in no leaf is
 * kept.  0: neither can be stored now. */
static uint64_t keep_claim(struct relay *relay)
{
    struct vpr_lane *lane = relay->lane;
    struct vpr_segment *segment = relay->served->segment;
    const struct vpr_request *part = &relay->request.part;

    if (relay->served->sealed) {
        return 0; /* the session takes no more requests */
    }
    if (lane->has_tail && !lane->tail_stored && lane->tail.part.seq == part->seq) {
        lane->tail_stored = vpr_leaves_append_tail(segment, &relay->request) != 0;
    }
    return vpr_leaves_append_used(segment, part);
}

/* Claimed and not answered.  While the disk is full the refusal leaves all the same: the seq
 * is then used in memory only, and this servicer's own risk after a restart. */
static void relay_fail(struct relay *relay, int reason)
{
    vpr_sid_failed(relay->served->work, relay->sid, &relay->request.part);
    relay->ticket = keep_claim(relay);
    if (relay->ticket == 0) {
        relay_refuse(relay, reason);
        return;
    }
    relay->reason = reason;
    await_sync(relay);
}

static void relay_answer(struct relay *relay)
{
    struct vpr_serve *serve = relay->serve;

    vpr_sid_answered(relay->served->work, relay->sid, relay->lane, &relay->request);
    seen(serve, relay->chain, VPR_RELAY_ANSWERED, 0, true, relay->start_us);
    vpr_http_reply(relay->http, relay->status, relay->headers, relay->header_count,
                   vpr_buf_bytes(&relay->body));
    relay_give(relay);
}

void vpr_serve_synced(void *arg, uint64_t ticket, bool ok)
{
    struct vpr_serve *serve = arg;

    for (size_t i = 0; !ok && i < serve->served_count; i++) {
        vpr_work_unstored(serve->served[i]->work);
    }
    while (serve->first != NULL && serve->first->ticket <= ticket) {
        struct relay *relay = serve->first;
        relay->served->syncing--;
        serve->first = relay->next;
        if (serve->first == NULL) {
            serve->last = NULL;
        }
        relay->next = NULL;
        if (relay->reason != 0) {
            relay_refuse(relay, relay->reason);
        } else if (ok) {
            relay_answer(relay);
        } else {
            relay_fail(relay, VPR_REFUSED_OVERLOAD);
        }
    }
}

static bool keep_text(struct relay *relay, struct vpr_bytes text, struct vpr_bytes *ret)
{
    if (text.len > HEADER_BYTES_MAX - relay->header_bytes) {
        return false;
    }
    char *at = relay->header_text + relay->header_bytes;
    if (text.len > 0) {
        memcpy(at, text.data, text.len);
    }
    relay->header_bytes += text.len;
    *ret = vpr_bytes_of(at, text.len);
    return true;
}

/* Headers of the list, as long as they fit; the receipt has its place for certain. */
static void keep_headers(struct relay *relay, const struct vpr_http_result *result)
{
    for (size_t i = 0; i < result->header_count && relay->header_count < ANSWER_HEADERS_MAX - 1;
         i++) {
        struct vpr_http_header kept;
        if (vpr_wire_answer_header(result->headers[i].name) &&
            keep_text(relay, result->headers[i].name, &kept.name) &&
            keep_text(relay, result->headers[i].value, &kept.value)) {
            relay->headers[relay->header_count] = kept;
            relay->header_count++;
        }
    }
}

static void sign_receipt(struct relay *relay, const struct vpr_hash *res)
{
    struct vpr_receipt receipt = {.request_part = vpr_request_part_hash(&relay->request.part),
                                  .status = (uint16_t)relay->status,
                                  .res = *res};

    const struct vpr_hash hash = vpr_receipt_hash(&receipt);
    relay->served->sign(relay->served->sign_arg, &receipt.signature, &hash);
    const size_t len = vpr_wire_receipt_print(relay->receipt, &receipt);
    relay->headers[relay->header_count] = (struct vpr_http_header){
        vpr_bytes_str(VPR_WIRE_RECEIPT), vpr_bytes_of(relay->receipt, len)};
    relay->header_count++;
}

static void on_backend(void *arg, const struct vpr_http_result *result)
{
    struct relay *relay = arg;

    relay->exchange = NULL;
    if (!vpr_backend_answered(result)) {
        relay_fail(relay, result->failure == VPR_HTTP_FAILURE_TOO_LARGE ? VPR_REFUSED_SIZE
                                                                       : VPR_REFUSED_BACKEND);
        return;
    }
    if (relay->served->sealed) {
        relay_fail(relay, VPR_REFUSED_SESSION);
        return;
    }
    relay->status = result->status;
    const struct vpr_leaf leaf = {relay->request,
                                  vpr_res_hash((uint16_t)result->status, result->body)};
    /* The append first: a disk that is full is known before we sign and copy. */
    relay->ticket = vpr_leaves_append_leaf(relay->served->segment, &leaf);
    if (relay->ticket == 0) {
        relay_fail(relay, VPR_REFUSED_OVERLOAD);
        return;
    }
    vpr_buf_add(&relay->body, result->body.data, result->body.len);
    keep_headers(relay, result);
    sign_receipt(relay, &leaf.res);
    await_sync(relay);
}

/* ---- checks ---- */

/* What is known of a request while it is looked at. */
struct look {
    struct vpr_serve *serve;
    struct vpr_http_request *http;
    struct vpr_bytes method, path; /* for the backend */
    int chain;
    struct vpr_signed_request request;
    struct vpr_served *served;
    struct vpr_sid_work *sid;
    struct vpr_lane *lane; /* NULL: the client key is new */
    struct vpr_token token;
    uint32_t gateway_key;
};

/* Form and sizes: false if it was answered as no relay. */
static bool look_form(struct look *look)
{
    struct vpr_http_request *http = look->http;
    uint16_t chain = 0;

    if (!vpr_wire_target_parse(&chain, &look->path, http->target)) {
        const struct vpr_serve_config *config = &look->serve->config;
        if (vpr_able_asked(http)) {
            vpr_able_reply(http, config->able, config->able_arg);
        } else {
            reply_no_relay(look->serve, http, 404, VPR_RELAY_NO_RELAY,
                           "{\"error\":{\"reason\":\"no relay\"}}\n");
        }
        return false;
    }
    if (!vpr_bytes_equal(http->method, vpr_bytes_str("POST"))) {
        reply_no_relay(look->serve, http, 405, VPR_RELAY_NO_RELAY,
                       "{\"error\":{\"reason\":\"a relay is a POST\"}}\n");
        return false;
    }
    const struct vpr_bytes *relay = vpr_http_request_header(http, VPR_WIRE_RELAY);
    const struct vpr_bytes *verb = vpr_http_request_header(http, VPR_WIRE_METHOD);
    look->method = verb == NULL ? vpr_bytes_str("POST") : *verb;
    if (relay == NULL || !vpr_wire_relay_parse(&look->request, *relay) ||
        !vpr_wire_method_ok(look->method)) {
        reply_no_relay(look->serve, http, 400, VPR_RELAY_NO_RELAY,
                       "{\"error\":{\"reason\":\"" VPR_WIRE_RELAY " or " VPR_WIRE_METHOD
                       " is missing or malformed\"}}\n");
        return false;
    }
    look->chain = vpr_backends_find(look->serve->config.backends, chain);
    if (look->chain < 0) {
        refuse_bare(look->serve, http, -1, VPR_REFUSED_MEMBERSHIP);
        return false;
    }
    return true;
}

static bool find_sid(struct look *look)
{
    struct vpr_serve *serve = look->serve;

    for (size_t i = 0; i < serve->served_count; i++) {
        struct vpr_sid_work *sid =
            vpr_work_find(serve->served[i]->work, &look->request.part.sid);
        if (sid != NULL) {
            look->served = serve->served[i];
            look->sid = sid;
            return true;
        }
    }
    return false;
}

static bool all_ready(const struct vpr_serve *serve)
{
    for (size_t i = 0; i < serve->served_count; i++) {
        if (!serve->served[i]->ready) {
            return false;
        }
    }
    return serve->served_count > 0;
}

/* Session, membership, load: false if it was refused, without a signature. */
static bool look_member(struct look *look)
{
    struct vpr_serve *serve = look->serve;
    const struct vpr_backend *backend = vpr_backends_at(serve->config.backends,
                                                        (size_t)look->chain);

    const bool found = find_sid(look);
    if ((!found && !all_ready(serve)) || (found && look->sid->gateway_key_count == 0)) {
        /* The chain was not read so far: nobody's fault, and soon over. */
        reply_no_relay(serve, look->http, 503, VPR_RELAY_NOT_READY,
                       "{\"error\":{\"reason\":\"session is being opened\"}}\n");
        return false;
    }
    if (!found || look->sid->info.chain != backend->chain ||
        !vpr_address_equal(&look->request.part.servicer, &serve->config.servicer)) {
        refuse_bare(serve, look->http, look->chain, VPR_REFUSED_MEMBERSHIP);
        return false;
    }
    if (look->served->sealed || !vpr_work_open(look->served->work, serve->height)) {
        refuse_bare(serve, look->http, look->chain, VPR_REFUSED_SESSION);
        return false;
    }
    return true;
}

/* A known client key, or a token that says whose it is: false if it was answered. */
static bool look_token(struct look *look)
{
    const struct vpr_request *part = &look->request.part;

    if (look->lane != NULL) {
        return true;
    }
    const struct vpr_bytes *text = vpr_http_request_header(look->http, VPR_WIRE_TOKEN);
    if (text == NULL) {
        reply_no_relay(look->serve, look->http, VPR_WIRE_ASK_TOKEN, VPR_RELAY_ASKED_TOKEN,
                       "{\"error\":{\"reason\":\"" VPR_WIRE_TOKEN " is needed\"}}\n");
        return false;
    }
    if (vpr_wire_token_parse(&look->token, *text) &&
        vpr_hash_equal(&look->token.sid, &part->sid) &&
        vpr_hash_equal(&look->token.client_key, &part->client_key)) {
        for (uint32_t i = 0; i < look->sid->gateway_key_count; i++) {
            if (vpr_token_verify(&look->token, &look->sid->gateway_keys[i])) {
                look->gateway_key = i;
                return true;
            }
        }
    }
    refuse_bare(look->serve, look->http, look->chain, VPR_REFUSED_TOKEN);
    return false;
}

/* The content is what was signed, and signed by the client key: false if it was refused. */
static bool look_signature(struct look *look)
{
    const struct vpr_request *part = &look->request.part;
    const struct vpr_hash req = vpr_req_hash(look->method, look->path, look->http->body);

    if (vpr_hash_equal(&req, &part->req) &&
        vpr_request_verify(part, &look->request.signature)) {
        return true;
    }
    refuse_bare(look->serve, look->http, look->chain, VPR_REFUSED_SIGNATURE);
    return false;
}

/* The cu that the method table says; 0 or the reason. */
static int look_cu(const struct look *look)
{
    const struct vpr_backend *backend =
        vpr_backends_at(look->serve->config.backends, (size_t)look->chain);
    uint64_t cu = 0;

    switch (vpr_cost_of(&cu, &look->served->costs[look->chain], &backend->allowed, look->path,
                        look->http->body)) {
    case VPR_COST_OK:
        return cu == look->request.part.cu ? 0 : VPR_REFUSED_CU;
    case VPR_COST_MALFORMED:
        return VPR_REFUSED_CU;
    case VPR_COST_NOT_ALLOWED:
        return VPR_REFUSED_BACKEND;
    }
    return VPR_REFUSED_CU;
}

/* The lane of a client key whose token and signature hold, known on disk from here on. */
static int open_lane(struct look *look)
{
    struct vpr_segment *segment = look->served->segment;

    if (!look->sid->stored) {
        look->sid->stored = vpr_leaves_append_sid(segment, &look->sid->info) != 0;
        if (!look->sid->stored) {
            return VPR_REFUSED_OVERLOAD;
        }
    }
    if (look->lane == NULL) {
        look->lane = vpr_sid_lane_add(look->sid, &look->token, look->gateway_key);
        if (look->lane == NULL) {
            return VPR_REFUSED_TOKEN;
        }
    }
    if (!look->lane->token_stored) {
        look->lane->token_stored = vpr_leaves_append_token(segment, look->lane) != 0;
    }
    return look->lane->token_stored ? 0 : VPR_REFUSED_OVERLOAD;
}

static int claim(struct look *look)
{
    bool tail = false;

    const int reason = vpr_sid_claim(look->served->work, look->sid, look->lane, &look->request,
                                     &tail);
    if (reason != 0 && tail) {
        /* The request is refused, but its voucher is worth keeping. */
        look->lane->tail_stored =
            vpr_leaves_append_tail(look->served->segment, &look->request) != 0;
    }
    return reason;
}

static void send_on(struct look *look)
{
    struct vpr_serve *serve = look->serve;
    const struct vpr_backend_call call = {look->method, look->path, look->http->body,
                                          look->http->headers, look->http->header_count};
    struct relay *relay = relay_take(serve, look->http);

    relay->served = look->served;
    relay->sid = look->sid;
    relay->lane = look->lane;
    relay->chain = look->chain;
    relay->request = look->request;
    relay->exchange = vpr_backend_start(serve->config.backends, (size_t)look->chain, &call,
                                        on_backend, relay);
    if (relay->exchange == NULL) {
        relay_fail(relay, VPR_REFUSED_BACKEND);
    }
}

static void on_request(void *arg, struct vpr_http_request *http)
{
    struct look look = {.serve = arg, .http = http, .chain = -1};
    struct vpr_serve *serve = look.serve;

    if (!look_form(&look) || !look_member(&look)) {
        return;
    }
    if (!vpr_segment_accepting(look.served->segment) ||
        vpr_work_overloaded(look.served->work, look.sid, serve->in_flight,
                            serve->config.capacity)) {
        refuse_bare(serve, http, look.chain, VPR_REFUSED_OVERLOAD);
        return;
    }
    look.lane = vpr_sid_lane(look.sid, &look.request.part.client_key);
    int reason = vpr_sid_precheck(look.sid, look.lane, &look.request.part);
    if (!look_token(&look)) {
        return;
    }
    if (reason == 0) {
        reason = look_cu(&look);
    }
    if (!look_signature(&look)) {
        return;
    }
    if (reason == 0) {
        reason = open_lane(&look);
    }
    if (reason == 0) {
        reason = claim(&look);
    }
    if (reason != 0) {
        refuse_signed(serve, http, look.chain, look.served, &look.request.part, reason);
        return;
    }
    send_on(&look);
}

_Static_assert(VPR_REFUSED_SIZE == 11, "as on_refused writes it");

/* A body above body_max never gets here as a request; its refusal has its number all the same. */
static void on_refused(void *arg, uint32_t status, const char **type, const char **text)
{
    if (status == 413) {
        seen(arg, -1, VPR_RELAY_REFUSED, VPR_REFUSED_SIZE, false, vpr_mono_us());
        *type = "application/json";
        *text = "{\"error\":{\"code\":11,\"reason\":\"size\"}}\n";
    }
}

/* ---- life ---- */

enum vpr_code vpr_serve_create(struct vpr_serve **ret, struct vpr_loop *loop,
                               const struct vpr_serve_config *config, struct vpr_err *err)
{
    struct vpr_serve *serve = vpr_mem_alloc(sizeof *serve);

    serve->config = *config;
    if (serve->config.capacity == 0) {
        serve->config.capacity = 512;
    }
    serve->config.http.refused = on_refused;
    const enum vpr_code code =
        vpr_http_server_create(&serve->server, loop, &serve->config.http, on_request, serve, err);
    if (code != VPR_OK) {
        vpr_mem_free(serve);
        return code;
    }
    *ret = serve;
    return VPR_OK;
}

void vpr_serve_destroy(struct vpr_serve *serve)
{
    if (serve == NULL) {
        return;
    }
    while (serve->newest != NULL) {
        struct relay *relay = serve->newest;
        serve->newest = relay->older;
        reply_no_relay(serve, relay->http, 503, VPR_RELAY_NOT_READY,
                       "{\"error\":{\"reason\":\"stopping\"}}\n");
        relay_free(relay);
    }
    while (serve->idle != NULL) {
        struct relay *relay = serve->idle;
        serve->idle = relay->next;
        relay_free(relay);
    }
    vpr_http_server_destroy(serve->server);
    vpr_mem_free(serve);
}

uint16_t vpr_serve_port(const struct vpr_serve *serve)
{
    return vpr_http_server_port(serve->server);
}

void vpr_serve_drain(struct vpr_serve *serve)
{
    vpr_http_server_drain(serve->server);
}

uint32_t vpr_serve_in_flight(const struct vpr_serve *serve)
{
    return serve->in_flight;
}

void vpr_serve_sessions(struct vpr_serve *serve, struct vpr_served *const *served, size_t count)
{
    VPR_ASSERT(count <= VPR_SERVED_MAX);
    for (size_t i = 0; i < count; i++) {
        serve->served[i] = served[i];
    }
    serve->served_count = count;
}

void vpr_serve_height(struct vpr_serve *serve, uint64_t height)
{
    serve->height = height;
}
