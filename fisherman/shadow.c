#include "fisherman/shadow.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/mem.h"
#include "app/host/http_server.h"
#include "app/host/json_scan.h"

#define HEADERS_MAX 4
#define CONNECT_MS 2000
#define PROBE_TOTAL_MS 3000
#define ANSWER_BYTES_MAX (8u * 1024 * 1024)
#define DENIAL_TEXT_MAX 96

const char *vpr_shadow_outcome_name(enum vpr_shadow_outcome outcome)
{
    static const char *const names[VPR_SHADOW_OUTCOMES] = {"sample", "unreachable", "denied",
                                                           "invalid"};

    VPR_ASSERT((size_t)outcome < VPR_COUNT(names));
    return names[outcome];
}

/* ---- reading an answer ---- */

/* "reason: message" of the gateway's error, if it is one. */
static void read_denial(struct vpr_shadow_answer *ret, struct vpr_bytes body)
{
    char reason[DENIAL_TEXT_MAX] = "", message[DENIAL_TEXT_MAX] = "";
    struct vpr_bytes span;
    size_t len;

    if (vpr_json_check(body, NULL)) {
        if (vpr_json_at(&span, body, "/error/reason") &&
            vpr_json_type(span) == VPR_JSON_STRING &&
            !vpr_json_text(reason, sizeof reason, &len, span)) {
            reason[0] = '\0';
        }
        if (vpr_json_at(&span, body, "/error/message") &&
            vpr_json_type(span) == VPR_JSON_STRING &&
            !vpr_json_text(message, sizeof message, &len, span)) {
            message[0] = '\0';
        }
    }
    snprintf(ret->why, sizeof ret->why, "status %" PRIu32 " %.60s %.80s", ret->http_status,
             reason, message);
}

static const char *check_part(struct vpr_shadow_answer *ret, const struct vpr_shadow_ask *ask,
                              const struct vpr_http_result *result)
{
    const struct vpr_book_terms *terms = ask->terms;
    const struct vpr_request *part = &ret->sample.request.part;
    const struct vpr_bytes *token =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_TOKEN);
    const struct vpr_bytes *relay =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_RELAY);
    const struct vpr_hash asked =
        vpr_req_hash(vpr_bytes_str(ask->verb), vpr_bytes_str(ask->path), ask->body);

    if (token == NULL || !vpr_wire_token_parse(&ret->token, *token)) {
        return "no token";
    }
    if (relay == NULL || !vpr_wire_relay_parse(&ret->sample.request, *relay)) {
        return "no request part";
    }
    if (!vpr_hash_equal(&part->sid, &terms->sid) ||
        !vpr_address_equal(&part->servicer, &terms->seats[ask->seat].servicer)) {
        return "request part of another sid or servicer";
    }
    if (!vpr_hash_equal(&part->req, &asked)) {
        return "request part of another request";
    }
    if (!vpr_hash_equal(&ret->token.sid, &terms->sid) ||
        !vpr_hash_equal(&ret->token.client_key, &part->client_key)) {
        return "token of another sid or client key";
    }
    uint32_t key = 0;
    while (key < terms->key_count && !vpr_token_verify(&ret->token, &terms->keys[key])) {
        key++;
    }
    if (key == terms->key_count) {
        return "token by no gateway key of the requestor";
    }
    ret->gateway_key = key;
    if (!vpr_request_verify(part, &ret->sample.request.signature)) {
        return "request part with a bad signature";
    }
    return NULL;
}

/* 100 to 599. */
static bool status_of(uint16_t *ret, const struct vpr_bytes *text)
{
    if (text == NULL || text->len != 3) {
        return false;
    }
    uint16_t status = 0;
    for (size_t i = 0; i < 3; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') {
            return false;
        }
        status = (uint16_t)(status * 10 + (text->data[i] - '0'));
    }
    *ret = status;
    return status >= 100 && status <= 599;
}

/* The servicer's own word, if it holds; else the sample was not answered. */
static const char *check_answer(struct vpr_shadow_answer *ret, const struct vpr_shadow_ask *ask,
                                const struct vpr_http_result *result)
{
    const struct vpr_hash *relay_key = &ask->terms->seats[ask->seat].relay_key;
    const struct vpr_hash part = vpr_request_part_hash(&ret->sample.request.part);
    const struct vpr_bytes *receipt =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_RECEIPT);
    const struct vpr_bytes *refusal =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_REFUSAL);
    const struct vpr_bytes *status =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_STATUS);
    struct vpr_sample *s = &ret->sample;

    if (receipt != NULL) {
        if (!status_of(&ret->status, status) || !vpr_wire_receipt_parse(&s->receipt, *receipt)) {
            return "no receipt in its header";
        }
        const struct vpr_hash res = vpr_res_hash(ret->status, result->body);
        if (s->receipt.status != ret->status || !vpr_hash_equal(&s->receipt.res, &res) ||
            !vpr_hash_equal(&s->receipt.request_part, &part) ||
            !vpr_receipt_verify(&s->receipt, relay_key)) {
            return "a receipt that does not hold";
        }
        s->answer = VPR_SAMPLE_ANSWERED;
        ret->body = result->body;
        return NULL;
    }
    if (refusal != NULL) {
        if (!vpr_wire_refusal_parse(&s->refusal, *refusal) ||
            !vpr_hash_equal(&s->refusal.request_part, &part) ||
            !vpr_refusal_verify(&s->refusal, relay_key)) {
            return "a refusal that does not hold";
        }
        s->answer = VPR_SAMPLE_REFUSED;
    }
    return NULL;
}

void vpr_shadow_read(struct vpr_shadow_answer *ret, const struct vpr_shadow_ask *ask,
                     const struct vpr_http_result *result, uint64_t latency_us)
{
    memset(ret, 0, sizeof *ret);
    ret->http_status = result->status;
    if (result->failure != VPR_HTTP_FAILURE_NONE) {
        ret->outcome = VPR_SHADOW_UNREACHABLE;
        snprintf(ret->why, sizeof ret->why, "%s%s%s", vpr_http_failure_name(result->failure),
                 result->why == NULL ? "" : ": ", result->why == NULL ? "" : result->why);
        return;
    }
    if (result->status != 200) {
        ret->outcome = VPR_SHADOW_DENIED;
        read_denial(ret, result->body);
        return;
    }
    const char *why = check_part(ret, ask, result);
    if (why != NULL) {
        ret->outcome = VPR_SHADOW_INVALID;
        snprintf(ret->why, sizeof ret->why, "%s", why);
        return;
    }
    ret->outcome = VPR_SHADOW_SAMPLE;
    why = check_answer(ret, ask, result);
    if (why != NULL) {
        memset(&ret->sample.receipt, 0, sizeof ret->sample.receipt);
        memset(&ret->sample.refusal, 0, sizeof ret->sample.refusal);
        snprintf(ret->why, sizeof ret->why, "%s", why);
    }
    ret->sample.latency_ms = latency_us / 1000;
}

/* ---- gates ---- */

struct vpr_gate {
    struct vpr_shadows *shadows;
    char url[VPR_URL_BYTES_MAX];
    uint32_t users, flights;
    struct vpr_timer *timer;
    struct vpr_http_exchange *probe;
    uint64_t probes_us[VPR_SHADOW_PROBES];
    size_t probe_count;
};

struct vpr_shadows {
    struct vpr_shadows_config config;
    uint8_t key[VPR_SECP_KEY_BYTES];
    size_t key_len;
    struct vpr_http_client *client;
    uint64_t nonce;
    size_t gate_count;
    struct vpr_gate *gates[VPR_SHADOW_GATES_MAX];
};

struct vpr_shadow_call {
    struct vpr_gate *gate;
    struct vpr_http_exchange *exchange;
    struct vpr_shadow_ask ask;
    char path[VPR_CORPUS_NAME_MAX];
    uint8_t *body; /* ask.body */
    vpr_shadow_fn *fn;
    void *arg;
};

enum vpr_code vpr_shadows_create(struct vpr_shadows **ret,
                                 const struct vpr_shadows_config *config, struct vpr_err *err)
{
    const struct vpr_http_client_config http = {.allow_private = config->allow_private,
                                                .per_host_max = VPR_SHADOW_FLIGHTS_MAX + 1};
    struct vpr_shadows *shadows = vpr_mem_alloc(sizeof *shadows);

    VPR_ASSERT(config->operator_key.len == VPR_SECP_KEY_BYTES ||
               config->operator_key.len == sizeof(struct vpr_hash));
    shadows->config = *config;
    shadows->key_len = config->operator_key.len;
    memcpy(shadows->key, config->operator_key.data, shadows->key_len);
    const enum vpr_code code = vpr_http_client_create(&shadows->client, config->loop, &http, err);
    if (code != VPR_OK) {
        vpr_mem_free(shadows);
        return code;
    }
    *ret = shadows;
    return VPR_OK;
}

static void gate_free(struct vpr_gate *gate)
{
    struct vpr_shadows *shadows = gate->shadows;

    for (size_t i = 0; i < shadows->gate_count; i++) {
        if (shadows->gates[i] == gate) {
            shadows->gates[i] = shadows->gates[--shadows->gate_count];
            break;
        }
    }
    if (gate->probe != NULL) {
        vpr_http_client_cancel(gate->probe);
    }
    vpr_timer_destroy(gate->timer);
    vpr_mem_free(gate);
}

void vpr_shadows_destroy(struct vpr_shadows *shadows)
{
    if (shadows == NULL) {
        return;
    }
    while (shadows->gate_count > 0) {
        gate_free(shadows->gates[0]);
    }
    vpr_http_client_destroy(shadows->client);
    vpr_mem_free(shadows);
}

static void on_probe(void *arg, const struct vpr_http_result *result)
{
    struct vpr_gate *gate = arg;

    gate->probe = NULL;
    /* Any answer has made the way; one on a new connection has made it twice. */
    if (result->failure == VPR_HTTP_FAILURE_NONE && result->reused) {
        gate->probes_us[gate->probe_count++ % VPR_SHADOW_PROBES] = result->answer_us;
    }
}

static void probe(void *arg)
{
    struct vpr_gate *gate = arg;
    const struct vpr_http_call call = {.url = vpr_bytes_str(gate->url),
                                       .path = vpr_bytes_str(VPR_WIRE_SHADOW_PATH),
                                       .connect_ms = CONNECT_MS,
                                       .total_ms = PROBE_TOTAL_MS};

    vpr_timer_once(gate->timer, gate->probe_count < VPR_SHADOW_PROBES ? VPR_SHADOW_PROBE_MS / 5
                                                                       : VPR_SHADOW_PROBE_MS);
    if (gate->probe == NULL) {
        gate->probe = vpr_http_client_start(gate->shadows->client, &call, on_probe, gate);
    }
}

struct vpr_gate *vpr_gate_open(struct vpr_shadows *shadows, const char *url)
{
    for (size_t i = 0; i < shadows->gate_count; i++) {
        if (strcmp(shadows->gates[i]->url, url) == 0) {
            shadows->gates[i]->users++;
            return shadows->gates[i];
        }
    }
    if (shadows->gate_count == VPR_SHADOW_GATES_MAX || strlen(url) >= VPR_URL_BYTES_MAX) {
        return NULL;
    }
    struct vpr_gate *gate = vpr_mem_alloc(sizeof *gate);
    gate->shadows = shadows;
    gate->users = 1;
    snprintf(gate->url, sizeof gate->url, "%s", url);
    /* "http://host/" and "/v1/shadow" would make two slashes. */
    const size_t len = strlen(gate->url);
    if (len > 0 && gate->url[len - 1] == '/') {
        gate->url[len - 1] = '\0';
    }
    gate->timer = vpr_timer_create(shadows->config.loop, probe, gate);
    vpr_timer_once(gate->timer, 0);
    shadows->gates[shadows->gate_count++] = gate;
    return gate;
}

void vpr_gate_close(struct vpr_gate *gate)
{
    if (gate != NULL && --gate->users == 0) {
        VPR_ASSERT(gate->flights == 0);
        gate_free(gate);
    }
}

static int u64_cmp(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

uint64_t vpr_gate_round_trip_us(const struct vpr_gate *gate)
{
    const size_t count =
        gate->probe_count < VPR_SHADOW_PROBES ? gate->probe_count : VPR_SHADOW_PROBES;
    uint64_t sorted[VPR_SHADOW_PROBES];

    if (count == 0) {
        return 0;
    }
    memcpy(sorted, gate->probes_us, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, u64_cmp);
    return sorted[count / 2];
}

uint32_t vpr_gate_flights(const struct vpr_gate *gate)
{
    return gate->flights;
}

/* ---- sending ---- */

static void call_free(struct vpr_shadow_call *call)
{
    call->gate->flights--;
    vpr_mem_free(call->body);
    vpr_mem_free(call);
}

static void on_answer(void *arg, const struct vpr_http_result *result)
{
    struct vpr_shadow_call *call = arg;
    const uint64_t round_trip = vpr_gate_round_trip_us(call->gate);
    const uint64_t took = result->answer_us > round_trip ? result->answer_us - round_trip : 0;
    vpr_shadow_fn *fn = call->fn;
    void *fn_arg = call->arg;
    struct vpr_shadow_answer answer;

    vpr_shadow_read(&answer, &call->ask, result, took);
    call_free(call);
    fn(fn_arg, &answer);
}

/* Rising, also over restarts. */
static uint64_t next_nonce(struct vpr_shadows *shadows)
{
    const uint64_t now = vpr_wall_us();

    shadows->nonce = now > shadows->nonce ? now : shadows->nonce + 1;
    return shadows->nonce;
}

static void sign(struct vpr_shadows *shadows, char text[VPR_WIRE_SHADOW_TEXT_MAX],
                 const struct vpr_shadow_ask *ask)
{
    const struct vpr_shadow post = {.sid = ask->terms->sid,
                                    .servicer = ask->terms->seats[ask->seat].servicer,
                                    .method = vpr_bytes_str(ask->verb),
                                    .path = vpr_bytes_str(ask->path),
                                    .body = ask->body,
                                    .nonce = next_nonce(shadows)};
    struct vpr_wire_shadow wire = {.sid = post.sid, .servicer = post.servicer,
                                   .nonce = post.nonce, .key_len = shadows->key_len};
    const struct vpr_hash digest = vpr_shadow_hash(&post);

    memcpy(wire.key, shadows->key, shadows->key_len);
    shadows->config.sign(shadows->config.sign_arg, &wire.signature, &digest);
    (void)vpr_wire_shadow_print(text, &wire);
}

struct vpr_shadow_call *vpr_shadow_send(struct vpr_gate *gate, const struct vpr_shadow_ask *ask,
                                        vpr_shadow_fn *fn, void *arg)
{
    char text[VPR_WIRE_SHADOW_TEXT_MAX];
    struct vpr_http_header headers[HEADERS_MAX] = {
        VPR_HTTP_TEXT("Content-Type", "application/json")};
    size_t count = 1;

    if (gate->flights == VPR_SHADOW_FLIGHTS_MAX) {
        return NULL;
    }
    struct vpr_shadow_call *call = vpr_mem_alloc(sizeof *call);
    call->gate = gate;
    call->ask = *ask;
    snprintf(call->path, sizeof call->path, "%s", ask->path);
    call->ask.path = call->path;
    call->body = vpr_mem_alloc(ask->body.len + 1);
    if (ask->body.len > 0) {
        memcpy(call->body, ask->body.data, ask->body.len);
    }
    call->ask.body = vpr_bytes_of(call->body, ask->body.len);
    call->fn = fn;
    call->arg = arg;

    sign(gate->shadows, text, &call->ask);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_SHADOW, text);
    if (strcmp(ask->verb, "POST") != 0) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_METHOD, ask->verb);
    }
    if (call->path[0] != '\0') {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_PATH, call->path);
    }
    const struct vpr_http_call http = {.method = "POST",
                                       .url = vpr_bytes_str(gate->url),
                                       .path = vpr_bytes_str(VPR_WIRE_SHADOW_PATH),
                                       .headers = headers,
                                       .header_count = count,
                                       .body = call->ask.body,
                                       .retry = VPR_HTTP_RETRY_STALE,
                                       .connect_ms = CONNECT_MS,
                                       .total_ms = VPR_SHADOW_TOTAL_MS,
                                       .body_max = ANSWER_BYTES_MAX};
    gate->flights++;
    call->exchange = vpr_http_client_start(gate->shadows->client, &http, on_answer, call);
    return call;
}

void vpr_shadow_cancel(struct vpr_shadow_call *call)
{
    if (call != NULL) {
        vpr_http_client_cancel(call->exchange);
        call_free(call);
    }
}
