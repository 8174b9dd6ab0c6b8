#include "relay/shadow.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/json_scan.h"
#include "app/rules/ids.h"
#include "relay/rpc.h"
#include "relay/wire.h"

#define HEADERS_MAX 6

struct vpr_shadow_door {
    struct vpr_shadow_config config;
    struct vpr_http_server *server;
    struct sample *samples;
};

struct sample {
    struct vpr_shadow_door *door;
    struct sample *before, *after;
    struct vpr_http_request *req;
    struct vpr_panel *panel; /* held */
    struct vpr_watcher *watcher;
};

/* What was posted, and what it stands for here. */
struct post {
    struct vpr_wire_shadow head;
    struct vpr_bytes method, path, body;
    struct vpr_panel *panel;
    struct vpr_watcher *watcher;
    struct vpr_seat *seat;
    struct vpr_address operator_address;
    uint64_t cu;
    bool rpc, repeatable;
};

static const struct {
    uint32_t status;
    const char *text;
} refusals[VPR_SHADOWS] = {
    [VPR_SHADOW_SIZE] = {413, "method or path is too long"},
    [VPR_SHADOW_FORM] = {400, "a sample is posted to /v1/shadow with the header Viper-Shadow"},
    [VPR_SHADOW_SESSION] = {410, "the sid is not one of this requestor's now"},
    [VPR_SHADOW_FISHERMAN] = {403, "the key is not the operator's of a fisherman drawn in it"},
    [VPR_SHADOW_SERVICER] = {403, "the servicer was not drawn in it"},
    [VPR_SHADOW_SHARE] = {429, "this fisherman's part of the servicer's reserve is used up"},
    [VPR_SHADOW_NONCE] = {409, "the nonce was used in this session"},
    [VPR_SHADOW_SIGNATURE] = {401, "the signature does not verify"},
    [VPR_SHADOW_CORPUS] = {422, "no template of the chain's corpus covers the request"},
    [VPR_SHADOW_HEAD] = {409, "no height is known yet: sample a head method first"},
    [VPR_SHADOW_BUSY] = {429, "too many samples of this fisherman are under way"},
};

static void refuse(struct vpr_shadow_door *door, struct vpr_http_request *req,
                   enum vpr_meter_shadow why)
{
    char text[512];

    vpr_metric_add(door->config.metrics, VPR_METER_SHADOW, why, 0, 1);
    snprintf(text, sizeof text,
             "{\"error\":{\"code\":%d,\"reason\":\"%s\",\"message\":\"%s\"}}\n", (int)why,
             vpr_shadow_reason(why), refusals[why].text);
    vpr_http_reply_text(req, refusals[why].status, "application/json", text);
}

/* ---- checks, each the next dearer ---- */

static enum vpr_meter_shadow check_form(struct post *post, const struct vpr_http_request *req)
{
    const struct vpr_bytes *head = vpr_http_request_header(req, VPR_WIRE_SHADOW);
    const struct vpr_bytes *method = vpr_http_request_header(req, VPR_WIRE_METHOD);
    const struct vpr_bytes *path = vpr_http_request_header(req, VPR_WIRE_PATH);

    if (!vpr_bytes_equal(req->method, vpr_bytes_str("POST")) || head == NULL ||
        !vpr_bytes_equal(req->target, vpr_bytes_str(VPR_WIRE_SHADOW_PATH))) {
        return VPR_SHADOW_FORM;
    }
    post->method = method == NULL ? vpr_bytes_str("POST") : *method;
    post->path = path == NULL ? (struct vpr_bytes){NULL, 0} : *path;
    post->body = req->body;
    if (post->method.len >= VPR_SEND_METHOD_MAX || post->path.len > VPR_WIRE_PATH_BYTES_MAX) {
        return VPR_SHADOW_SIZE;
    }
    if (!vpr_wire_method_ok(post->method) ||
        (post->path.len > 0 && post->path.data[0] != '/' && post->path.data[0] != '?') ||
        !vpr_wire_shadow_parse(&post->head, *head)) {
        return VPR_SHADOW_FORM;
    }
    return VPR_SHADOW_RELAYED;
}

static enum vpr_meter_shadow check_draw(struct vpr_shadow_door *door, struct post *post)
{
    const struct vpr_source *source = &door->config.source;
    struct vpr_panel *panels[VPR_PANEL_PAIRS_MAX];
    const size_t count = source->panels(source->arg, panels);

    for (size_t i = 0; i < count; i++) {
        if (vpr_hash_equal(&panels[i]->sid, &post->head.sid)) {
            post->panel = panels[i];
        }
    }
    if (post->panel == NULL) {
        return VPR_SHADOW_SESSION;
    }
    if (post->head.key_len == VPR_SECP_KEY_BYTES) {
        post->operator_address = vpr_address_secp256k1(post->head.key);
    } else {
        struct vpr_hash key;
        memcpy(key.b, post->head.key, sizeof key.b);
        post->operator_address = vpr_address_ed25519(&key);
    }
    post->watcher = vpr_panel_watcher(post->panel, &post->operator_address);
    if (post->watcher == NULL) {
        return VPR_SHADOW_FISHERMAN;
    }
    post->seat = vpr_panel_seat(post->panel, &post->head.servicer);
    return post->seat == NULL ? VPR_SHADOW_SERVICER : VPR_SHADOW_RELAYED;
}

static enum vpr_meter_shadow check_share(struct post *post)
{
    const size_t seat = (size_t)(post->seat - post->panel->seats);

    if (vpr_cost_of(&post->cu, &post->panel->costs, NULL, post->path, post->body) !=
        VPR_COST_OK) {
        return VPR_SHADOW_CORPUS;
    }
    if (post->cu > post->panel->grant_cu ||
        post->watcher->granted_cu[seat] > post->panel->grant_cu - post->cu) {
        return VPR_SHADOW_SHARE;
    }
    if (post->watcher->live >= VPR_SHADOW_LIVE_MAX ||
        post->seat->tab.pending >= VPR_PANEL_PENDING_MAX) {
        return VPR_SHADOW_BUSY;
    }
    return vpr_panel_nonce_new(post->panel, post->watcher, post->head.nonce)
               ? VPR_SHADOW_RELAYED
               : VPR_SHADOW_NONCE;
}

static enum vpr_meter_shadow check_signature(struct post *post)
{
    const struct vpr_shadow shadow = {
        .sid = post->head.sid,
        .servicer = post->head.servicer,
        .method = post->method,
        .path = post->path,
        .body = post->body,
        .nonce = post->head.nonce,
    };

    if (!vpr_shadow_verify(&shadow, &post->head.signature,
                           vpr_bytes_of(post->head.key, post->head.key_len),
                           &post->operator_address)) {
        return VPR_SHADOW_SIGNATURE;
    }
    return vpr_panel_nonce_mark(post->panel, post->watcher, post->head.nonce)
               ? VPR_SHADOW_RELAYED
               : VPR_SHADOW_NONCE;
}

static enum vpr_meter_shadow check_corpus(const struct post *post)
{
    const struct vpr_panel *panel = post->panel;

    if (panel->corpus == NULL) {
        return VPR_SHADOW_CORPUS;
    }
    switch (vpr_corpus_covers(panel->corpus, post->method, post->path, post->body,
                              vpr_panel_head(panel, vpr_mono_ms()))) {
    case VPR_COVER_YES:
        return VPR_SHADOW_RELAYED;
    case VPR_COVER_NO_HEAD:
        return VPR_SHADOW_HEAD;
    case VPR_COVER_NO:
        return VPR_SHADOW_CORPUS;
    }
    return VPR_SHADOW_CORPUS;
}

/* As a client's request would be classed. */
static void class_of(struct post *post)
{
    struct vpr_json_rpc rpc;
    struct vpr_json_call call;

    post->rpc = vpr_bytes_equal(post->method, vpr_bytes_str("POST")) &&
                vpr_json_rpc(&rpc, &call, 1, post->body, NULL) && rpc.count == 1 && call.valid;
    post->repeatable = post->rpc ? !vpr_rpc_writes(call.method)
                                 : vpr_bytes_equal(post->method, vpr_bytes_str("GET"));
}

static enum vpr_meter_shadow check(struct vpr_shadow_door *door, struct post *post,
                                   const struct vpr_http_request *req)
{
    enum vpr_meter_shadow why = check_form(post, req);

    if (why == VPR_SHADOW_RELAYED) {
        why = check_draw(door, post);
    }
    if (why == VPR_SHADOW_RELAYED) {
        why = check_share(post);
    }
    if (why == VPR_SHADOW_RELAYED) {
        why = check_signature(post);
    }
    if (why == VPR_SHADOW_RELAYED) {
        why = check_corpus(post);
    }
    return why;
}

/* ---- the sample ---- */

static void free_sample(struct sample *sample)
{
    if (sample->before != NULL) {
        sample->before->after = sample->after;
    } else {
        sample->door->samples = sample->after;
    }
    if (sample->after != NULL) {
        sample->after->before = sample->before;
    }
    vpr_panel_release(sample->panel);
    vpr_mem_free(sample);
}

static void on_sent(void *arg, const struct vpr_send_result *result)
{
    struct sample *sample = arg;
    char token[VPR_WIRE_TOKEN_TEXT_MAX], part[VPR_WIRE_RELAY_TEXT_MAX], status[16];
    char receipt[VPR_WIRE_RECEIPT_TEXT_MAX], refusal[VPR_WIRE_REFUSAL_TEXT_MAX];
    struct vpr_http_header headers[HEADERS_MAX];
    struct vpr_bytes body = {NULL, 0};
    size_t count = 0;

    vpr_wire_token_print(token, &sample->panel->pass.token);
    vpr_wire_relay_print(part, &result->request);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_TOKEN, token);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RELAY, part);
    switch (result->end) {
    case VPR_SEND_ANSWERED:
        vpr_wire_receipt_print(receipt, &result->receipt);
        snprintf(status, sizeof status, "%" PRIu32, result->status);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RECEIPT, receipt);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_STATUS, status);
        body = result->body;
        break;
    case VPR_SEND_REFUSED:
        vpr_wire_refusal_print(refusal, &result->refusal);
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_REFUSAL, refusal);
        break;
    case VPR_SEND_FAILED:
        break;
    }
    vpr_http_reply(sample->req, 200, headers, count, body);
    sample->watcher->live--;
    free_sample(sample);
}

static void relay(struct vpr_shadow_door *door, struct vpr_http_request *req,
                  struct post *post)
{
    struct sample *sample = vpr_mem_alloc(sizeof *sample);

    class_of(post);
    sample->door = door;
    sample->req = req;
    sample->panel = vpr_panel_hold(post->panel);
    sample->watcher = post->watcher;
    sample->after = door->samples;
    if (door->samples != NULL) {
        door->samples->before = sample;
    }
    door->samples = sample;
    post->watcher->live++;
    post->watcher->granted_cu[post->seat - post->panel->seats] += post->cu;
    post->seat->tab.sampled_cu += post->cu;
    vpr_metric_add(door->config.metrics, VPR_METER_SHADOW, VPR_SHADOW_RELAYED, 0, 1);
    const struct vpr_send send = {
        .panel = post->panel,
        .seat = post->seat,
        .method = post->method,
        .path = post->path,
        .body = post->body,
        .type = post->rpc ? vpr_bytes_str("application/json") : (struct vpr_bytes){NULL, 0},
        .cu = post->cu,
        .repeatable = post->repeatable,
    };
    vpr_sender_send(door->config.sender, &send, on_sent, sample);
}

static void on_post(void *arg, struct vpr_http_request *req)
{
    struct vpr_shadow_door *door = arg;
    struct post post = {.panel = NULL};

    if (vpr_bytes_equal(req->method, vpr_bytes_str("GET")) &&
        vpr_bytes_equal(req->target, vpr_bytes_str(VPR_WIRE_SHADOW_PATH))) {
        vpr_metric_add(door->config.metrics, VPR_METER_SHADOW, VPR_SHADOW_PROBE, 0, 1);
        vpr_http_reply(req, 204, NULL, 0, (struct vpr_bytes){NULL, 0});
        return;
    }
    const enum vpr_meter_shadow why = check(door, &post, req);
    if (why == VPR_SHADOW_RELAYED) {
        relay(door, req, &post);
    } else {
        refuse(door, req, why);
    }
}

/* ---- life ---- */

enum vpr_code vpr_shadow_create(struct vpr_shadow_door **ret, struct vpr_loop *loop,
                                const struct vpr_shadow_config *config, struct vpr_err *err)
{
    struct vpr_shadow_door *door = vpr_mem_alloc(sizeof *door);

    door->config = *config;
    const enum vpr_code code =
        vpr_http_server_create(&door->server, loop, &config->http, on_post, door, err);
    if (code != VPR_OK) {
        vpr_mem_free(door);
        return code;
    }
    *ret = door;
    return VPR_OK;
}

void vpr_shadow_destroy(struct vpr_shadow_door *door)
{
    if (door == NULL) {
        return;
    }
    vpr_http_server_destroy(door->server);
    while (door->samples != NULL) {
        free_sample(door->samples);
    }
    vpr_mem_free(door);
}

uint16_t vpr_shadow_port(const struct vpr_shadow_door *door)
{
    return vpr_http_server_port(door->server);
}

void vpr_shadow_drain(struct vpr_shadow_door *door)
{
    vpr_http_server_drain(door->server);
}

uint32_t vpr_shadow_requests(const struct vpr_shadow_door *door)
{
    return vpr_http_server_requests(door->server);
}
