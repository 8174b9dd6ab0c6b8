#include "tests/unit/relay/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/host/json_scan.h"
#include "app/rules/ids.h"
#include "relay/wire.h"

static const char corpus_text[] =
    "{\"method\":\"status\",\"path\":\"\",\"params\":[],\"compare\":{\"kind\":\"head\","
    "\"at\":\"/result/height\",\"within\":2}}\n"
    "{\"method\":\"block\",\"path\":\"\",\"params\":[{\"height\":-3,\"as\":\"string\"}],"
    "\"compare\":{\"kind\":\"exact\",\"at\":\"/result\"}}\n"
    "{\"method\":\"GET\",\"path\":\"/status\",\"compare\":{\"kind\":\"ignore\"}}\n";

/* ---- servicers ---- */

struct later {
    struct servicer *servicer;
    struct vpr_http_request *req;
    struct vpr_timer *timer;
};

static void note(struct servicer *s, struct vpr_http_request *req)
{
    ck_assert_uint_lt(s->seen_count, GATE_SEEN_MAX);
    struct seen *seen = &s->seen[s->seen_count++];
    size_t names = 0, values = 0;

    memset(seen, 0, sizeof *seen);
    const struct vpr_bytes *relay = vpr_http_request_header(req, VPR_WIRE_RELAY);
    ck_assert_ptr_nonnull(relay);
    ck_assert(vpr_wire_relay_parse(&seen->request, *relay));
    ck_assert(vpr_request_verify(&seen->request.part, &seen->request.signature));
    seen->token = vpr_http_request_header(req, VPR_WIRE_TOKEN) != NULL;
    for (size_t i = 0; i < req->header_count; i++) {
        const struct vpr_http_header *h = &req->headers[i];
        names += (size_t)snprintf(seen->names + names, sizeof seen->names - names, "%.*s,",
                                  (int)h->name.len, (const char *)h->name.data);
        if (!vpr_http_is(h->name, VPR_WIRE_RELAY) && !vpr_http_is(h->name, VPR_WIRE_TOKEN) &&
            !vpr_http_is(h->name, "Host")) {
            values += (size_t)snprintf(seen->values + values, sizeof seen->values - values,
                                       "%.*s,", (int)h->value.len, (const char *)h->value.data);
        }
    }
    snprintf(seen->peer, sizeof seen->peer, "%s", req->peer);
    snprintf(seen->target, sizeof seen->target, "%.*s", (int)req->target.len,
             (const char *)req->target.data);
    snprintf(seen->body, sizeof seen->body, "%.*s", (int)req->body.len,
             req->body.len == 0 ? "" : (const char *)req->body.data);
    seen->at_us = vpr_mono_us();

    /* The request hash is over what arrived. */
    const struct vpr_bytes *verb = vpr_http_request_header(req, VPR_WIRE_METHOD);
    uint16_t chain;
    struct vpr_bytes path;
    ck_assert(vpr_wire_target_parse(&chain, &path, req->target));
    ck_assert_uint_eq(chain, 1);
    const struct vpr_hash hash =
        vpr_req_hash(verb == NULL ? vpr_bytes_str("POST") : *verb, path, req->body);
    ck_assert(vpr_hash_equal(&hash, &seen->request.part.req));
}

/* What a backend would say: the id as it came, or mangled. */
static size_t backend_says(const struct servicer *s, char *out, size_t size,
                           struct vpr_bytes body)
{
    struct vpr_json_rpc rpc;
    struct vpr_json_call call;

    if (s->manner == NOTHING) {
        return 0;
    }
    if (!vpr_json_rpc(&rpc, &call, 1, body, NULL) || !call.valid) {
        return (size_t)snprintf(out, size, "plain: %.*s", (int)body.len,
                                body.len == 0 ? "" : (const char *)body.data);
    }
    const struct vpr_bytes id = s->mangle_id != NULL ? vpr_bytes_str(s->mangle_id)
                                : call.id.len > 0    ? call.id
                                                     : vpr_bytes_str("null");
    return (size_t)snprintf(out, size, " {\"jsonrpc\":\"2.0\",\"id\":%.*s,\"result\":%s}\n",
                            (int)id.len, (const char *)id.data,
                            s->result == NULL ? "\"ok\"" : s->result);
}

static void refuse(struct servicer *s, struct vpr_http_request *req,
                   const struct vpr_signed_request *request)
{
    struct vpr_refusal refusal = {.request_part = vpr_request_part_hash(&request->part),
                                  .reason = s->reason};
    char text[VPR_WIRE_REFUSAL_TEXT_MAX];

    const struct vpr_hash hash = vpr_refusal_hash(&refusal);
    if (s->manner == REFUSE) {
        vpr_ed25519_sign(&refusal.signature, hash.b, sizeof hash.b, s->relay.secret);
    }
    vpr_wire_refusal_print(text, &refusal);
    const struct vpr_http_header header = VPR_HTTP_TEXT(VPR_WIRE_REFUSAL, text);
    vpr_http_reply(req, vpr_wire_refusal_status((enum vpr_refusal_reason)s->reason), &header, 1,
                   vpr_bytes_str("{}"));
}

static void answer(struct servicer *s, struct vpr_http_request *req)
{
    struct vpr_signed_request request;
    char body[65536], text[VPR_WIRE_RECEIPT_TEXT_MAX];
    uint32_t status = 200;
    struct keypair signer = s->manner == WRONG_KEY ? keypair_of(99) : s->relay;

    ck_assert(vpr_wire_relay_parse(&request, *vpr_http_request_header(req, VPR_WIRE_RELAY)));
    if (s->manner == REFUSE || s->manner == REFUSE_BADLY) {
        refuse(s, req, &request);
        return;
    }
    size_t len = backend_says(s, body, sizeof body, req->body);
    if (s->manner == BARE) {
        vpr_http_reply_text(req, 500, "text/plain", "no");
        return;
    }
    struct vpr_receipt receipt = {.request_part = vpr_request_part_hash(&request.part),
                                  .status = (uint16_t)status,
                                  .res = vpr_res_hash((uint16_t)status,
                                                      vpr_bytes_of(body, len))};
    if (s->manner == OTHER_REQUEST) {
        request.part.seq++;
        receipt.request_part = vpr_request_part_hash(&request.part);
    }
    const struct vpr_hash hash = vpr_receipt_hash(&receipt);
    vpr_ed25519_sign(&receipt.signature, hash.b, sizeof hash.b, signer.secret);
    receipt.signature.b[7] ^= s->manner == TAMPER_RECEIPT ? 1 : 0;
    vpr_wire_receipt_print(text, &receipt);
    if (s->manner == TAMPER_BODY) {
        body[len - 1] = '!';
    }
    if (s->manner == TAMPER_STATUS) {
        status = 201;
    }
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT(VPR_WIRE_RECEIPT, text), VPR_HTTP_TEXT("Content-Type", "application/x"),
        VPR_HTTP_TEXT("X-Backend", "secret"), VPR_HTTP_TEXT(VPR_WIRE_REFUSAL, text)};
    vpr_http_reply(req, status, headers, s->manner == RECEIPT_AND_REFUSAL ? 4 : 3,
                   vpr_bytes_of(body, len));
}

static void on_later(void *arg)
{
    struct later *later = arg;

    answer(later->servicer, later->req);
    vpr_timer_destroy(later->timer);
    free(later);
}

static struct vpr_loop *servicers_loop;

static void on_relay(void *arg, struct vpr_http_request *req)
{
    struct servicer *s = arg;

    note(s, req);
    s->has_token = s->has_token || vpr_http_request_header(req, VPR_WIRE_TOKEN) != NULL;
    if (s->wants_token && !s->has_token) {
        vpr_http_reply_text(req, VPR_WIRE_ASK_TOKEN, "application/json", "{}");
        return;
    }
    if (s->opening > 0) {
        s->opening--;
        vpr_http_reply_text(req, s->opening_status, "application/json", "{}");
        return;
    }
    if (s->manner == HOLD) {
        ck_assert_uint_lt(s->held_count, VPR_COUNT(s->held));
        s->held[s->held_count++] = req;
        return;
    }
    if (s->delay_ms > 0) {
        struct later *later = calloc(1, sizeof *later);
        ck_assert_ptr_nonnull(later);
        later->servicer = s;
        later->req = req;
        later->timer = vpr_timer_create(servicers_loop, on_later, later);
        vpr_timer_once(later->timer, s->delay_ms);
        return;
    }
    answer(s, req);
}

void gate_release(struct servicer *s)
{
    s->manner = GOOD;
    for (size_t i = 0; i < s->held_count; i++) {
        answer(s, s->held[i]);
    }
    s->held_count = 0;
}

void gate_all(struct gate *gate, enum manner manner)
{
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        gate->servicers[i].manner = manner;
    }
}

/* ---- the requestor ---- */

static void address_fill(struct vpr_address *ret, uint8_t a, uint8_t b)
{
    memset(ret->b, a, sizeof ret->b);
    ret->b[19] = b;
}

static struct vpr_panel *draw_panel(struct gate *gate, uint64_t quota)
{
    struct vpr_pool_member servicers[GATE_SERVICERS], fishermen[GATE_FISHERMEN];
    struct vpr_arena arena;
    struct vpr_err err;
    struct vpr_panel *panel = NULL;

    for (uint8_t i = 0; i < GATE_SERVICERS; i++) {
        address_fill(&servicers[i].id, 1, i);
        address_fill(&servicers[i].owner, 2, i);
        servicers[i].weight = 10;
    }
    for (uint8_t i = 0; i < GATE_FISHERMEN; i++) {
        address_fill(&fishermen[i].id, 3, i);
        address_fill(&fishermen[i].owner, 4, i);
        fishermen[i].weight = 10;
    }
    struct vpr_panel_facts facts = {
        .chain_id = vpr_bytes_str("test"),
        .session = 3,
        .first = 30,
        .last = 39,
        .grace_blocks = 2,
        .cu_per_usd = 1000000,
        .sample_share_ppm = 50000,
        .fishermen_per_session = 5,
        .usd = quota * GATE_SERVICERS * 100000,
        .budget_uvipr = 1000000,
        .num_servicers = 5,
        .share_ppm = 1000000,
        .chain = 1,
        .zone = 1,
        .servicers = servicers,
        .servicer_count = GATE_SERVICERS,
        .fishermen = fishermen,
        .fisherman_count = GATE_FISHERMEN,
        .arena = &arena,
    };
    address_fill(&facts.requestor, 5, 0);
    address_fill(&facts.owner, 6, 0);
    (void)gate;
    vpr_arena_init(&arena, 1 << 20);
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_OK);
    vpr_arena_finish(&arena);
    ck_assert_uint_eq(panel->quota_cu, quota);
    return panel;
}

void gate_servicer_open(struct servicer *s, struct vpr_loop *loop, uint8_t n)
{
    const struct vpr_http_server_config http = {.body_max = 1 << 20};
    struct vpr_err err;

    servicers_loop = loop;
    ck_assert_int_eq(vpr_http_server_create(&s->server, loop, &http, on_relay, s, &err),
                     VPR_OK);
    s->relay = keypair_of((uint8_t)(10 + n));
    s->has_token = false;
}

void gate_servicer_close(struct servicer *s)
{
    vpr_http_server_destroy(s->server);
    for (size_t i = 0; i < s->held_count; i++) {
        vpr_http_reply_text(s->held[i], 500, "text/plain", "");
    }
}

static void seat_servicer(struct gate *gate, uint32_t i)
{
    struct servicer *s = &gate->servicers[i];
    struct vpr_seat *seat = &gate->panel->seats[i];

    gate_servicer_open(s, gate->loop, (uint8_t)i);
    s->id = seat->id;
    seat->relay_key = s->relay.key;
    seat->score_ppm = 900000;
    seat->known = true;
    seat->health = vpr_healths_hold(&gate->healths, &seat->id, 1);
    snprintf(seat->url, sizeof seat->url, "http://127.0.0.1:%u",
             vpr_http_server_port(s->server));
}

static void seat_fisher(struct gate *gate, uint32_t i)
{
    struct fisher *f = &gate->fishers[i];
    struct vpr_watcher *watcher = &gate->panel->watchers[i];

    f->id = watcher->id;
    memset(f->secret.b, (int)(40 + i), sizeof f->secret.b);
    ck_assert(vpr_secp256k1_public(f->key, &f->secret));
    f->operator_address = vpr_address_secp256k1(f->key);
    watcher->operator_address = f->operator_address;
    watcher->known = true;
}

static size_t panels_of(void *arg, struct vpr_panel *ret[VPR_PANEL_PAIRS_MAX])
{
    const struct gate *gate = arg;

    ret[0] = gate->panel;
    return gate->closed ? 0 : 1;
}

static bool chain_of(void *arg, uint16_t *ret_chain, struct vpr_bytes text)
{
    (void)arg;
    if (vpr_bytes_equal(text, vpr_bytes_str("viper"))) {
        *ret_chain = 1;
        return true;
    }
    return vpr_id16_parse(ret_chain, text) && *ret_chain <= 2;
}

void gate_open(struct gate *gate, const struct gate_wish *wish)
{
    static const struct gate_wish plain;
    struct vpr_err err;

    wish = wish == NULL ? &plain : wish;
    memset(gate, 0, sizeof *gate);
    gate->loop = vpr_loop_create();
    servicers_loop = gate->loop;
    gate->metrics = vpr_meter_create();
    gate->gateway_key = keypair_of(7);
    gate->panel = draw_panel(gate, wish->quota_cu == 0 ? 10000 : wish->quota_cu);
    ck_assert_uint_eq(gate->panel->seat_count, GATE_SERVICERS);
    ck_assert_uint_eq(gate->panel->watcher_count, GATE_FISHERMEN);
    for (uint32_t i = 0; i < GATE_SERVICERS; i++) {
        seat_servicer(gate, i);
    }
    for (uint32_t i = 0; i < GATE_FISHERMEN; i++) {
        seat_fisher(gate, i);
    }
    vpr_costs_add(&gate->panel->costs, "dear", 50);
    vpr_costs_add(&gate->panel->costs, "/dear", 20);
    ck_assert_int_eq(vpr_corpus_parse(&gate->corpus, vpr_bytes_str(corpus_text), "test", &err),
                     VPR_OK);
    gate->panel->corpus = gate->corpus;
    const struct vpr_hash hash = vpr_token_hash(&gate->panel->pass.token);
    vpr_ed25519_sign(&gate->panel->pass.token.signature, hash.b, sizeof hash.b,
                     gate->gateway_key.secret);

    const struct vpr_sender_config sender = {.allow_private = true, .metrics = gate->metrics,
                                             .total_ms = 4000};
    ck_assert_int_eq(vpr_sender_create(&gate->sender, gate->loop, &sender, &err), VPR_OK);
    const struct vpr_source source = {panels_of, chain_of, gate};
    const struct vpr_front_config front = {.source = source, .sender = gate->sender,
                                           .metrics = gate->metrics,
                                           .attempt_ms = wish->attempt_ms,
                                           .total_ms = wish->total_ms};
    ck_assert_int_eq(vpr_front_create(&gate->front, gate->loop, &front, &err), VPR_OK);
    const struct vpr_shadow_config shadow = {.source = source, .sender = gate->sender,
                                             .metrics = gate->metrics};
    ck_assert_int_eq(vpr_shadow_create(&gate->door, gate->loop, &shadow, &err), VPR_OK);
    const struct vpr_http_client_config client = {.allow_private = true, .per_host_max = 128};
    ck_assert_int_eq(vpr_http_client_create(&gate->client, gate->loop, &client, &err), VPR_OK);
}

void gate_close(struct gate *gate)
{
    gate_balanced(gate);
    vpr_http_client_destroy(gate->client);
    vpr_sender_destroy(gate->sender);
    vpr_front_destroy(gate->front);
    vpr_shadow_destroy(gate->door);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        gate_servicer_close(&gate->servicers[i]);
    }
    vpr_panel_release(gate->panel);
    vpr_corpus_destroy(gate->corpus);
    vpr_healths_finish(&gate->healths);
    vpr_metrics_destroy(gate->metrics);
    vpr_loop_destroy(gate->loop);
}

void gate_until(struct gate *gate, const bool *flag)
{
    const uint64_t start = vpr_mono_ms();

    while (!*flag) {
        vpr_loop_turn(gate->loop);
        usleep(100);
        ck_assert_msg(vpr_mono_ms() - start < 8000, "the loop waited longer than 8 s");
    }
}

void gate_for_ms(struct gate *gate, uint64_t ms)
{
    const uint64_t start = vpr_mono_ms();

    while (vpr_mono_ms() - start < ms) {
        vpr_loop_turn(gate->loop);
        usleep(200);
    }
}

/* ---- clients ---- */

static void copy_header(char *out, size_t size, const struct vpr_http_result *result,
                        const char *name)
{
    const struct vpr_bytes *value =
        vpr_http_find(result->headers, result->header_count, name);

    snprintf(out, size, "%.*s", value == NULL ? 0 : (int)value->len,
             value == NULL ? "" : (const char *)value->data);
}

static void on_got(void *arg, const struct vpr_http_result *result)
{
    struct got *got = arg;

    got->done = true;
    got->failure = result->failure;
    got->status = result->status;
    ck_assert_uint_lt(result->body.len, sizeof got->body);
    got->body_len = result->body.len;
    if (result->body.len > 0) {
        memcpy(got->body, result->body.data, result->body.len);
    }
    got->body[got->body_len] = '\0';
    copy_header(got->servicer, sizeof got->servicer, result, "Viper-Servicer");
    copy_header(got->relay, sizeof got->relay, result, VPR_WIRE_RELAY);
    copy_header(got->receipt, sizeof got->receipt, result, VPR_WIRE_RECEIPT);
    copy_header(got->refusal, sizeof got->refusal, result, VPR_WIRE_REFUSAL);
    copy_header(got->token, sizeof got->token, result, VPR_WIRE_TOKEN);
    copy_header(got->answer_id, sizeof got->answer_id, result, "Viper-Answer-Id");
    copy_header(got->viper_status, sizeof got->viper_status, result, VPR_WIRE_STATUS);
    copy_header(got->type, sizeof got->type, result, "Content-Type");
    ck_assert_ptr_null(vpr_http_find(result->headers, result->header_count, "X-Backend"));
}

void gate_start(struct gate *gate, struct got *got, const char *method, const char *target,
                const char *body)
{
    char url[128];

    memset(got, 0, sizeof *got);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", vpr_front_port(gate->front));
    const struct vpr_http_header type = VPR_HTTP_TEXT("Content-Type", "text/odd");
    const struct vpr_http_call call = {.method = method, .url = vpr_bytes_str(url),
                                       .path = vpr_bytes_str(target), .headers = &type,
                                       .header_count = 1, .body = vpr_bytes_str(body)};
    vpr_http_client_start(gate->client, &call, on_got, got);
}

void gate_post(struct gate *gate, struct got *got, const char *body)
{
    gate_start(gate, got, "POST", "/v1/0001", body);
    gate_until(gate, &got->done);
    ck_assert_int_eq(got->failure, VPR_HTTP_FAILURE_NONE);
}

void gate_shoot_start(struct gate *gate, struct got *got, const struct shot *shot)
{
    const struct fisher *f = &gate->fishers[shot->fisher];
    char url[128], text[VPR_WIRE_SHADOW_TEXT_MAX];
    struct vpr_wire_shadow head = {.sid = shot->sid == NULL ? gate->panel->sid : *shot->sid,
                                   .servicer = shot->to == NULL
                                                   ? gate->panel->seats[shot->servicer].id
                                                   : *shot->to,
                                   .nonce = shot->nonce, .key_len = VPR_SECP_KEY_BYTES};
    const struct vpr_shadow shadow = {
        .sid = head.sid,
        .servicer = head.servicer,
        .method = vpr_bytes_str(shot->method == NULL ? "POST" : shot->method),
        .path = vpr_bytes_str(shot->path == NULL ? "" : shot->path),
        .body = vpr_bytes_str(shot->body),
        .nonce = shot->nonce,
    };
    const struct vpr_hash hash = vpr_shadow_hash(&shadow);
    struct vpr_http_header headers[3];
    size_t count = 0;

    memset(got, 0, sizeof *got);
    memcpy(head.key, f->key, sizeof f->key);
    ck_assert(vpr_secp256k1_sign(&head.signature, &hash, &f->secret));
    head.signature.b[40] ^= shot->spoil ? 1 : 0;
    vpr_wire_shadow_print(text, &head);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_SHADOW, text);
    if (shot->method != NULL) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_METHOD, shot->method);
    }
    if (shot->path != NULL) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_PATH, shot->path);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", vpr_shadow_port(gate->door));
    const struct vpr_http_call call = {.method = "POST", .url = vpr_bytes_str(url),
                                       .path = vpr_bytes_str(VPR_WIRE_SHADOW_PATH),
                                       .headers = headers, .header_count = count,
                                       .body = vpr_bytes_str(shot->body)};
    vpr_http_client_start(gate->client, &call, on_got, got);
}

void gate_shoot(struct gate *gate, struct got *got, const struct shot *shot)
{
    gate_shoot_start(gate, got, shot);
    gate_until(gate, &got->done);
    ck_assert_int_eq(got->failure, VPR_HTTP_FAILURE_NONE);
}

/* ---- counts ---- */

size_t gate_seen(const struct gate *gate)
{
    size_t sum = 0;

    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        sum += gate->servicers[i].seen_count;
    }
    return sum;
}

uint64_t gate_count(const struct gate *gate, enum vpr_meter meter, size_t b)
{
    return vpr_metric_get(gate->metrics, meter, vpr_meter_chain(1), b);
}

void gate_balanced(const struct gate *gate)
{
    uint64_t sent = 0, answered = 0, refused = 0, failed = 0, pending = 0;

    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        const struct vpr_tab *tab = &gate->panel->seats[i].tab;
        sent += tab->sent;
        answered += tab->answered;
        refused += tab->refused;
        failed += tab->failed;
        pending += tab->pending;
    }
    ck_assert_uint_eq(sent, answered + refused + failed + pending);
    ck_assert_uint_eq(gate_count(gate, VPR_METER_RELAYS, VPR_METERED_SENT), sent);
    ck_assert_uint_eq(gate_count(gate, VPR_METER_RELAYS, VPR_METERED_ANSWERED), answered);
    ck_assert_uint_eq(gate_count(gate, VPR_METER_RELAYS, VPR_METERED_REFUSED), refused);
    ck_assert_uint_eq(gate_count(gate, VPR_METER_RELAYS, VPR_METERED_FAILED), failed);
}
