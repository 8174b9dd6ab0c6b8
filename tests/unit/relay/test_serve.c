/* The whole way of a relay in one process: a client, the servicer's port, a backend. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/host/http_client.h"
#include "app/host/http_server.h"
#include "relay/serve.h"
#include "relay/wire.h"
#include "tests/unit/relay/help.h"

static int syncs_done;

static int counting_sync(int fd)
{
    usleep(30000);
    const int result = fdatasync(fd);
    __atomic_add_fetch(&syncs_done, 1, __ATOMIC_SEQ_CST);
    return result;
}

struct world {
    struct vpr_loop *loop;
    struct vpr_http_server *node;
    struct vpr_backends *backends;
    struct vpr_serve *serve;
    struct vpr_leaves *leaves;
    struct vpr_http_client *client;
    struct vpr_served served;
    struct vpr_served *served_list[1];
    struct vpr_sid_work *sid;
    struct vpr_sid_info info;
    struct vpr_address servicer;
    struct keypair gateway, lane, relay_key;
    char dir[256], url[64];
    uint32_t calls; /* that reached the backend */
    bool hold;      /* the backend keeps its answers back */
    struct vpr_http_request *held[8];
    uint32_t held_count;
    size_t answer_bytes;
    uint32_t node_status;
    char auth[64];
    int reason; /* of the last refusal, as counted */
    bool was_signed;
};

struct answer {
    struct world *w;
    bool done;
    uint32_t status;
    char receipt[256], refusal[256], type[64], secret[64];
    char body[512];
    size_t body_len;
    int syncs;
};

static void on_node(void *arg, struct vpr_http_request *http)
{
    struct world *w = arg;
    char text[256];
    static char big[4096];
    const struct vpr_bytes *auth = vpr_http_request_header(http, "Authorization");
    const struct vpr_http_header headers[] = {VPR_HTTP_TEXT("Content-Type", "application/json"),
                                              VPR_HTTP_TEXT("X-Secret", "yes")};

    w->calls++;
    if (auth != NULL) {
        snprintf(w->auth, sizeof w->auth, "%.*s", (int)auth->len, (const char *)auth->data);
    }
    if (w->hold) {
        w->held[w->held_count] = http;
        w->held_count++;
        return;
    }
    if (w->answer_bytes > 0) {
        memset(big, 'x', sizeof big);
        vpr_http_reply(http, w->node_status, headers, 2, vpr_bytes_of(big, w->answer_bytes));
        return;
    }
    const int len = snprintf(text, sizeof text, "%.*s %.*s %.*s", (int)http->method.len,
                             (const char *)http->method.data, (int)http->target.len,
                             (const char *)http->target.data, (int)http->body.len,
                             (const char *)http->body.data);
    vpr_http_reply(http, w->node_status, headers, 2, vpr_bytes_of(text, (size_t)len));
}

static void sign(void *arg, struct vpr_signature *ret, const struct vpr_hash *hash)
{
    const struct world *w = arg;

    vpr_ed25519_sign(ret, hash->b, sizeof hash->b, w->relay_key.secret);
}

static void on_seen(void *arg, int chain, enum vpr_relay_outcome outcome, int reason,
                    bool was_signed, uint64_t elapsed_us)
{
    struct world *w = arg;
    (void)chain;
    (void)elapsed_us;

    if (outcome == VPR_RELAY_REFUSED) {
        w->reason = reason;
        w->was_signed = was_signed;
    }
}

static void world_serve(struct world *w, uint64_t quota_cu, uint32_t capacity)
{
    static const struct vpr_risk risk = VPR_RISK_DEFAULT;
    struct vpr_err err;

    w->gateway = keypair_of(1);
    w->lane = keypair_of(2);
    w->relay_key = keypair_of(3);
    w->servicer = (struct vpr_address){{7, 7, 7}};
    w->info = sid_info(1, quota_cu);
    const struct vpr_serve_config config = {.http = {.body_max = 4096},
                                            .servicer = w->servicer,
                                            .backends = w->backends,
                                            .capacity = capacity,
                                            .seen = on_seen,
                                            .seen_arg = w};
    ck_assert_int_eq(vpr_serve_create(&w->serve, w->loop, &config, &err), VPR_OK);
    temp_dir(w->dir);
    const struct vpr_leaves_config leaves = {w->dir, VPR_SYNC_GROUP, counting_sync};
    ck_assert_int_eq(vpr_leaves_create(&w->leaves, w->loop, &leaves, vpr_serve_synced, w->serve,
                                       &err), VPR_OK);
    w->served = (struct vpr_served){.work = vpr_work_create(5, 50, 59, 2, &risk),
                                    .sign = sign, .sign_arg = w, .ready = true};
    ck_assert_int_eq(vpr_leaves_open(&w->served.segment, w->leaves, 5, &w->servicer, NULL, NULL,
                                     &err), VPR_OK);
    vpr_costs_add(&w->served.costs[0], "heavy", 20);
    w->sid = vpr_work_add(w->served.work, &w->info);
    w->sid->gateway_keys[0] = keypair_of(99).key;
    w->sid->gateway_keys[1] = w->gateway.key;
    w->sid->gateway_key_count = 2;
    w->served_list[0] = &w->served;
    vpr_serve_sessions(w->serve, w->served_list, 1);
    vpr_serve_height(w->serve, 52);
}

static void world_init(struct world *w, uint64_t quota_cu, uint32_t capacity)
{
    struct vpr_err err;
    struct vpr_backend backend = {.chain = 1, .timeout_ms = 2000, .answer_max = 2048};
    const struct vpr_http_server_config node = {0};
    const struct vpr_http_client_config client = {.allow_private = true};

    syncs_done = 0;
    w->node_status = 200;
    w->loop = vpr_loop_create();
    ck_assert_int_eq(vpr_http_server_create(&w->node, w->loop, &node, on_node, w, &err), VPR_OK);
    snprintf(backend.url, sizeof backend.url, "http://127.0.0.1:%u",
             vpr_http_server_port(w->node));
    ck_assert(vpr_backend_basic(backend.authorization, "user:pass"));
    ck_assert_int_eq(vpr_backends_create(&w->backends, w->loop, &backend, 1, 8, &err), VPR_OK);
    ck_assert_int_eq(vpr_http_client_create(&w->client, w->loop, &client, &err), VPR_OK);
    world_serve(w, quota_cu, capacity);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", vpr_serve_port(w->serve));
}

static void world_end(struct world *w)
{
    for (uint32_t i = 0; i < w->held_count; i++) {
        vpr_http_reply_text(w->held[i], 200, "text/plain", "late");
    }
    vpr_http_client_destroy(w->client);
    vpr_backends_destroy(w->backends);
    vpr_leaves_destroy(w->leaves);
    vpr_serve_destroy(w->serve);
    vpr_http_server_destroy(w->node);
    vpr_costs_finish(&w->served.costs[0]);
    vpr_work_destroy(w->served.work);
    vpr_loop_turn(w->loop);
    vpr_loop_destroy(w->loop);
}

static void copy_header(char *out, size_t size, const struct vpr_http_result *result,
                        const char *name)
{
    const struct vpr_bytes *value = vpr_http_find(result->headers, result->header_count, name);

    out[0] = '\0';
    if (value != NULL) {
        snprintf(out, size, "%.*s", (int)value->len, (const char *)value->data);
    }
}

static void on_answer(void *arg, const struct vpr_http_result *result)
{
    struct answer *a = arg;

    a->done = true;
    a->syncs = __atomic_load_n(&syncs_done, __ATOMIC_SEQ_CST);
    a->status = result->status;
    copy_header(a->receipt, sizeof a->receipt, result, VPR_WIRE_RECEIPT);
    copy_header(a->refusal, sizeof a->refusal, result, VPR_WIRE_REFUSAL);
    copy_header(a->type, sizeof a->type, result, "content-type");
    copy_header(a->secret, sizeof a->secret, result, "x-secret");
    a->body_len = result->body.len < sizeof a->body ? result->body.len : sizeof a->body;
    memcpy(a->body, result->body.data, a->body_len);
}

struct ask {
    uint64_t seq, cum_cu, cu;
    const char *path, *body, *verb;
    bool no_token, bad_token, bad_signature, other_content, other_servicer, no_sid;
    const char *chain;
};

static struct vpr_signed_request make_request(struct world *w, const struct ask *ask)
{
    struct vpr_address servicer = w->servicer;

    servicer.b[19] ^= ask->other_servicer ? 1 : 0;
    struct vpr_signed_request request = request_of(&w->info.sid, &servicer, &w->lane, ask->seq,
                                                   ask->cum_cu, ask->cu);
    request.part.req = vpr_req_hash(vpr_bytes_str(ask->verb == NULL ? "POST" : ask->verb),
                                    vpr_bytes_str(ask->path == NULL ? "" : ask->path),
                                    vpr_bytes_str(ask->body));
    if (ask->no_sid) {
        request.part.sid.b[0] ^= 1;
    }
    const struct vpr_hash hash = vpr_request_hash(&request.part);
    vpr_ed25519_sign(&request.signature, hash.b, sizeof hash.b, w->lane.secret);
    if (ask->bad_signature) {
        request.signature.b[5] ^= 1;
    }
    return request;
}

static void send_ask(struct world *w, const struct ask *ask, struct answer *ret,
                     struct vpr_signed_request *ret_request)
{
    char relay[VPR_WIRE_RELAY_TEXT_MAX], token_text[VPR_WIRE_TOKEN_TEXT_MAX];
    char path[256];
    struct vpr_http_header headers[4];
    size_t count = 0;
    struct vpr_token token = token_of(&w->info.sid, &w->lane, &w->gateway);

    *ret_request = make_request(w, ask);
    token.signature.b[3] ^= ask->bad_token ? 1 : 0;
    vpr_wire_relay_print(relay, ret_request);
    vpr_wire_token_print(token_text, &token);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_RELAY, relay);
    headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT("Authorization", "Basic evil");
    if (!ask->no_token) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_TOKEN, token_text);
    }
    if (ask->verb != NULL) {
        headers[count++] = (struct vpr_http_header)VPR_HTTP_TEXT(VPR_WIRE_METHOD, ask->verb);
    }
    snprintf(path, sizeof path, "/v1/relay/%s%s", ask->chain == NULL ? "0001" : ask->chain,
             ask->path == NULL ? "" : ask->path);
    const struct vpr_http_call call = {
        .method = "POST", .url = vpr_bytes_str(w->url), .path = vpr_bytes_str(path),
        .headers = headers, .header_count = count,
        .body = vpr_bytes_str(ask->other_content ? "{\"method\":\"tampered\"}" : ask->body)};
    *ret = (struct answer){.w = w};
    ck_assert_ptr_nonnull(vpr_http_client_start(w->client, &call, on_answer, ret));
}

static void wait_answer(struct world *w, struct answer *a)
{
    for (int i = 0; i < 5000 && !a->done; i++) {
        vpr_loop_turn(w->loop);
        usleep(500);
    }
    ck_assert(a->done);
}

static struct answer ask(struct world *w, struct ask what, struct vpr_signed_request *ret)
{
    struct answer a;

    if (what.body == NULL) {
        what.body = "{\"method\":\"status\",\"id\":1}";
    }
    send_ask(w, &what, &a, ret);
    wait_answer(w, &a);
    return a;
}

static bool refusal_of(struct world *w, const struct answer *a,
                       const struct vpr_signed_request *request, int reason)
{
    struct vpr_refusal refusal;
    const struct vpr_hash part = vpr_request_part_hash(&request->part);

    return vpr_wire_refusal_parse(&refusal, vpr_bytes_str(a->refusal)) &&
           refusal.reason == reason && vpr_hash_equal(&refusal.request_part, &part) &&
           vpr_refusal_verify(&refusal, &w->relay_key.key) && a->receipt[0] == '\0';
}

static bool receipt_of(struct world *w, const struct answer *a,
                       const struct vpr_signed_request *request)
{
    struct vpr_receipt receipt;
    const struct vpr_hash part = vpr_request_part_hash(&request->part);
    const struct vpr_hash res =
        vpr_res_hash((uint16_t)a->status, vpr_bytes_of(a->body, a->body_len));

    return vpr_wire_receipt_parse(&receipt, vpr_bytes_str(a->receipt)) &&
           receipt.status == a->status && vpr_hash_equal(&receipt.request_part, &part) &&
           vpr_hash_equal(&receipt.res, &res) &&
           vpr_receipt_verify(&receipt, &w->relay_key.key) && a->refusal[0] == '\0';
}

struct found {
    uint32_t sids, tokens, leaves, tails, used;
    struct vpr_leaf last;
};

static void count_record(void *arg, const struct vpr_record *record)
{
    struct found *f = arg;

    f->sids += record->kind == VPR_RECORD_SID;
    f->tokens += record->kind == VPR_RECORD_TOKEN;
    f->tails += record->kind == VPR_RECORD_TAIL;
    f->used += record->kind == VPR_RECORD_USED;
    if (vpr_record_leaf(record, &f->last)) {
        f->leaves++;
    }
}

static struct found on_disk(struct world *w)
{
    struct found f = {0};
    char path[VPR_LEAVES_PATH_MAX];
    uint64_t session, end;
    struct vpr_address servicer;
    struct vpr_err err;

    vpr_leaves_path(path, w->dir, 5);
    ck_assert_int_eq(vpr_leaves_scan(path, &session, &servicer, &end, count_record, &f, &err),
                     VPR_OK);
    return f;
}

START_TEST(a_relay_comes_back_untouched_with_a_receipt_and_its_leaf_is_on_disk_before)
{
    struct world w = {0};
    struct vpr_signed_request request;
    const char *body = "{\"method\":\"status\",\"id\":1}";

    world_init(&w, 1000, 0);
    const struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .body = body},
                                &request);
    ck_assert_uint_eq(a.status, 200);
    ck_assert_uint_eq(a.body_len, strlen("POST / ") + strlen(body));
    ck_assert_mem_eq(a.body, "POST / {\"method\"", 16);
    ck_assert_str_eq(a.type, "application/json");
    ck_assert_str_eq(a.secret, "");
    ck_assert(receipt_of(&w, &a, &request));
    ck_assert_int_ge(a.syncs, 1);
    const struct found f = on_disk(&w);
    ck_assert(f.sids == 1 && f.tokens == 1 && f.leaves == 1);
    ck_assert(same_request(&f.last.request, &request));
    const struct vpr_hash res = vpr_res_hash(200, vpr_bytes_of(a.body, a.body_len));
    ck_assert(vpr_hash_equal(&f.last.res, &res));
    ck_assert_str_eq(w.auth, "Basic dXNlcjpwYXNz");
    ck_assert_uint_eq(w.sid->answered_cu, 1);
    ck_assert_uint_eq(w.served.work->pending, 0);
    world_end(&w);
}
END_TEST

START_TEST(verb_path_and_status_pass_as_they_are)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 1000, 0);
    w.node_status = 404;
    struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .verb = "GET",
                                           .path = "/block?height=%31", .body = ""}, &request);
    ck_assert_uint_eq(a.status, 404);
    ck_assert_mem_eq(a.body, "GET /block?height=%31 ", a.body_len);
    ck_assert(receipt_of(&w, &a, &request));
    a = ask(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1, .verb = "GET", .path = "?a=b",
                             .body = ""}, &request);
    ck_assert_mem_eq(a.body, "GET /?a=b ", a.body_len);
    ck_assert(receipt_of(&w, &a, &request));
    world_end(&w);
}
END_TEST

START_TEST(the_token_is_asked_for_once)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 1000, 0);
    struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .no_token = true},
                          &request);
    ck_assert_uint_eq(a.status, 428);
    a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1}, &request);
    ck_assert(receipt_of(&w, &a, &request));
    a = ask(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1, .no_token = true}, &request);
    ck_assert(receipt_of(&w, &a, &request));
    ck_assert_uint_eq(vpr_sid_lane(w.sid, &w.lane.key)->gateway_key, 1);
    ck_assert_uint_eq(w.calls, 2);
    world_end(&w);
}
END_TEST

static void check_bare(struct world *w, struct ask what, uint32_t status, int reason)
{
    struct vpr_signed_request request;
    const struct answer a = ask(w, what, &request);

    ck_assert_uint_eq(a.status, status);
    ck_assert_str_eq(a.refusal, "");
    ck_assert_str_eq(a.receipt, "");
    ck_assert_int_eq(w->reason, reason);
    ck_assert(!w->was_signed);
}

static void check_signed(struct world *w, struct ask what, uint32_t status, int reason)
{
    struct vpr_signed_request request;
    const struct answer a = ask(w, what, &request);

    ck_assert_uint_eq(a.status, status);
    ck_assert(refusal_of(w, &a, &request, reason));
    ck_assert_int_eq(w->reason, reason);
    ck_assert(w->was_signed);
}

START_TEST(strangers_are_refused_without_a_signature)
{
    struct world w = {0};

    world_init(&w, 1000, 0);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .no_sid = true}, 403,
               VPR_REFUSED_MEMBERSHIP);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .other_servicer = true}, 403,
               VPR_REFUSED_MEMBERSHIP);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .chain = "0002"}, 403,
               VPR_REFUSED_MEMBERSHIP);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .bad_token = true}, 401,
               VPR_REFUSED_TOKEN);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .bad_signature = true}, 401,
               VPR_REFUSED_SIGNATURE);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .other_content = true}, 401,
               VPR_REFUSED_SIGNATURE);
    ck_assert_uint_eq(w.calls, 0);
    ck_assert_uint_eq(w.sid->lane_count, 0);
    world_end(&w);
}
END_TEST

START_TEST(a_session_ends_with_its_grace)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 1000, 0);
    vpr_serve_height(w.serve, 61);
    const struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1}, &request);
    ck_assert(receipt_of(&w, &a, &request));
    vpr_serve_height(w.serve, 62);
    check_bare(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1}, 410, VPR_REFUSED_SESSION);
    world_end(&w);
}
END_TEST

START_TEST(quota_seq_cu_and_risk_are_refused_with_a_signature)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 60, 0);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 2, .cu = 2}, 400, VPR_REFUSED_CU);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1,
                                  .body = "{\"method\":\"heavy\"}"}, 400, VPR_REFUSED_CU);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 61, .cu = 61}, 429, VPR_REFUSED_QUOTA);
    /* Of two faults the first in the order of docs/protocol.md, 3, is told. */
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 60, .cu = 61}, 400, VPR_REFUSED_CU);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 122, .cu = 61}, 429, VPR_REFUSED_QUOTA);
    const struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 20, .cu = 20,
                                                 .body = "{\"method\":\"heavy\"}"}, &request);
    ck_assert(receipt_of(&w, &a, &request));
    ck_assert_uint_eq(w.calls, 1);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 21, .cu = 1}, 409, VPR_REFUSED_SEQ);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 62, .cu = 1}, 400, VPR_REFUSED_CU);
    /* 100 CU of risk are more than this quota: make it small. */
    w.served.work->risk.floor_cu = 10;
    check_signed(&w, (struct ask){.seq = 2, .cum_cu = 1, .cu = 1}, 429,
                 VPR_REFUSED_UNACKNOWLEDGED);
    check_signed(&w, (struct ask){.seq = 2, .cum_cu = 9, .cu = 1}, 429,
                 VPR_REFUSED_UNACKNOWLEDGED);
    const struct answer b = ask(&w, (struct ask){.seq = 2, .cum_cu = 21, .cu = 1}, &request);
    ck_assert(receipt_of(&w, &b, &request));
    ck_assert_uint_eq(w.calls, 2);
    world_end(&w);
}
END_TEST

START_TEST(no_leaf_without_an_answer_but_the_tail_is_kept)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 1000, 0);
    w.node_status = 503;
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1}, 502, VPR_REFUSED_BACKEND);
    w.node_status = 200;
    w.answer_bytes = 4000;
    check_signed(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1}, 413, VPR_REFUSED_SIZE);
    w.answer_bytes = 0;
    check_signed(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1}, 409, VPR_REFUSED_SEQ);
    const struct answer a = ask(&w, (struct ask){.seq = 3, .cum_cu = 1, .cu = 1}, &request);
    ck_assert(receipt_of(&w, &a, &request));
    const struct found f = on_disk(&w);
    ck_assert_uint_eq(f.leaves, 1);
    ck_assert_uint_eq(f.tails, 2);
    ck_assert_uint_eq(w.sid->answered_cu, 1);
    ck_assert_uint_eq(w.sid->pending_cu, 0);
    ck_assert_uint_eq(vpr_sid_lane(w.sid, &w.lane.key)->tail.part.cum_cu, 2);
    world_end(&w);
}
END_TEST

/* The seq of a claim without an answer is on disk before its refusal leaves; what was refused
 * before the claim leaves nothing. */
START_TEST(a_seq_that_was_used_up_is_on_disk_before_its_refusal)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 1000, 0);
    w.node_status = 503;
    const struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1}, &request);
    ck_assert(refusal_of(&w, &a, &request, VPR_REFUSED_BACKEND));
    ck_assert_int_ge(a.syncs, 1);
    ck_assert_uint_eq(on_disk(&w).used, 1);
    ck_assert_uint_eq(w.served.syncing, 0);
    ck_assert_uint_eq(vpr_serve_in_flight(w.serve), 0);
    check_signed(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1}, 409, VPR_REFUSED_SEQ);
    check_signed(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 2}, 400, VPR_REFUSED_CU);
    w.served.work->risk = (struct vpr_risk){0, 0, 0};
    w.sid->answered_cu = 5;
    check_signed(&w, (struct ask){.seq = 2, .cum_cu = 1, .cu = 1}, 429,
                 VPR_REFUSED_UNACKNOWLEDGED);
    ck_assert_uint_eq(on_disk(&w).used, 1);
    world_end(&w);
}
END_TEST

/* 64 client keys a sid, as many as a Prove counts; the next is told so, with a signature. */
START_TEST(a_sid_has_64_client_keys)
{
    struct world w = {0};
    struct vpr_signed_request request;
    const struct ask first = {.seq = 1, .cum_cu = 1, .cu = 1};

    world_init(&w, 1000, 0);
    for (int i = 0; i < VPR_SID_LANES_MAX; i++) {
        w.lane = keypair_of((uint8_t)(100 + i));
        const struct answer a = ask(&w, first, &request);
        ck_assert(receipt_of(&w, &a, &request));
    }
    w.lane = keypair_of(100 + VPR_SID_LANES_MAX);
    check_signed(&w, first, 401, VPR_REFUSED_TOKEN);
    ck_assert_uint_eq(w.calls, VPR_SID_LANES_MAX);
    ck_assert_uint_eq(on_disk(&w).tokens, VPR_SID_LANES_MAX);
    w.lane = keypair_of(100); /* who is known is served on */
    const struct answer a = ask(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1}, &request);
    ck_assert(receipt_of(&w, &a, &request));
    world_end(&w);
}
END_TEST

START_TEST(beyond_its_capacity_it_sheds_load_without_signing)
{
    struct world w = {0};
    struct answer first;
    struct vpr_signed_request request;
    const struct ask slow = {.seq = 1, .cum_cu = 1, .cu = 1, .body = "{}"};

    world_init(&w, 1000, 1);
    w.hold = true;
    send_ask(&w, &slow, &first, &request);
    for (int i = 0; i < 1000 && w.held_count == 0; i++) {
        vpr_loop_turn(w.loop);
        usleep(500);
    }
    ck_assert_uint_eq(w.held_count, 1);
    check_bare(&w, (struct ask){.seq = 2, .cum_cu = 2, .cu = 1}, 503, VPR_REFUSED_OVERLOAD);
    world_end(&w);
}
END_TEST

START_TEST(after_the_seal_a_late_answer_makes_no_leaf)
{
    struct world w = {0};
    struct answer late;
    struct vpr_signed_request request;
    const struct ask slow = {.seq = 1, .cum_cu = 1, .cu = 1, .body = "{}"};

    world_init(&w, 1000, 0);
    w.hold = true;
    send_ask(&w, &slow, &late, &request);
    for (int i = 0; i < 1000 && w.held_count == 0; i++) {
        vpr_loop_turn(w.loop);
        usleep(500);
    }
    w.served.sealed = true;
    vpr_http_reply_text(w.held[0], 200, "text/plain", "late");
    w.held_count = 0;
    wait_answer(&w, &late);
    ck_assert(refusal_of(&w, &late, &request, VPR_REFUSED_SESSION));
    ck_assert_uint_eq(on_disk(&w).leaves, 0);
    ck_assert_uint_eq(w.served.work->pending, 0);
    world_end(&w);
}
END_TEST

START_TEST(while_a_session_opens_nobody_is_sent_away)
{
    struct world w = {0};
    struct vpr_signed_request request;

    world_init(&w, 1000, 0);
    w.served.ready = false;
    struct answer a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .no_sid = true},
                          &request);
    ck_assert_uint_eq(a.status, 503);
    ck_assert_str_eq(a.refusal, "");
    w.sid->gateway_key_count = 0;
    a = ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1}, &request);
    ck_assert_uint_eq(a.status, 503);
    ck_assert_int_eq(w.reason, 0);
    world_end(&w);
}
END_TEST

static struct answer plain(struct world *w, const char *method, const char *path,
                           const char *relay)
{
    struct answer a = {.w = w};
    const struct vpr_http_header header = VPR_HTTP_TEXT(VPR_WIRE_RELAY, relay);
    const struct vpr_http_call call = {.method = method, .url = vpr_bytes_str(w->url),
                                       .path = vpr_bytes_str(path), .headers = &header,
                                       .header_count = relay[0] == '\0' ? 0 : 1};

    ck_assert_ptr_nonnull(vpr_http_client_start(w->client, &call, on_answer, &a));
    wait_answer(w, &a);
    return a;
}

START_TEST(what_is_no_relay_is_told_so)
{
    struct world w = {0};

    world_init(&w, 1000, 0);
    ck_assert_uint_eq(plain(&w, "GET", "/health", "").status, 200);
    ck_assert_uint_eq(plain(&w, "GET", "/", "").status, 404);
    ck_assert_uint_eq(plain(&w, "POST", "/v1/relay/00001", "").status, 404);
    ck_assert_uint_eq(plain(&w, "GET", "/v1/relay/0001", "").status, 405);
    ck_assert_uint_eq(plain(&w, "POST", "/v1/relay/0001", "").status, 400);
    ck_assert_uint_eq(plain(&w, "POST", "/v1/relay/0001", "AAAA").status, 400);
    ck_assert_uint_eq(w.calls, 0);
    world_end(&w);
}
END_TEST

START_TEST(a_body_above_the_limit_is_refused_by_its_reason)
{
    static char body[8192];
    struct world w = {0};

    memset(body, ' ', sizeof body - 1);
    world_init(&w, 1000, 0);
    check_bare(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .body = body}, 413,
               VPR_REFUSED_SIZE);
    w.reason = 0;
    struct vpr_signed_request request;
    const struct answer a =
        ask(&w, (struct ask){.seq = 1, .cum_cu = 1, .cu = 1, .body = body}, &request);
    ck_assert_str_eq(a.type, "application/json");
    ck_assert_uint_eq(a.body_len, strlen("{\"error\":{\"code\":11,\"reason\":\"size\"}}\n"));
    ck_assert_mem_eq(a.body, "{\"error\":{\"code\":11,\"reason\":\"size\"}}\n", a.body_len);
    ck_assert_uint_eq(w.calls, 0);
    world_end(&w);
}
END_TEST

Suite *suite_serve(void)
{
    Suite *suite = suite_create("serve");
    TCase *tests = tcase_create("serve");

    tcase_set_timeout(tests, 30);
    tcase_add_test(tests,
                   a_relay_comes_back_untouched_with_a_receipt_and_its_leaf_is_on_disk_before);
    tcase_add_test(tests, verb_path_and_status_pass_as_they_are);
    tcase_add_test(tests, the_token_is_asked_for_once);
    tcase_add_test(tests, strangers_are_refused_without_a_signature);
    tcase_add_test(tests, a_session_ends_with_its_grace);
    tcase_add_test(tests, quota_seq_cu_and_risk_are_refused_with_a_signature);
    tcase_add_test(tests, no_leaf_without_an_answer_but_the_tail_is_kept);
    tcase_add_test(tests, a_seq_that_was_used_up_is_on_disk_before_its_refusal);
    tcase_add_test(tests, a_sid_has_64_client_keys);
    tcase_add_test(tests, beyond_its_capacity_it_sheds_load_without_signing);
    tcase_add_test(tests, after_the_seal_a_late_answer_makes_no_leaf);
    tcase_add_test(tests, while_a_session_opens_nobody_is_sent_away);
    tcase_add_test(tests, what_is_no_relay_is_told_so);
    tcase_add_test(tests, a_body_above_the_limit_is_refused_by_its_reason);
    suite_add_tcase(suite, tests);
    return suite;
}
