/* viper-relay whole, in one process: a chain of one REST server, a backend, a gateway's part
 * played by the test.  "Killed" here means: the daemon's memory is thrown away without any
 * farewell that matters, and a new one starts from the disk and the chain. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/host/file.h"
#include "app/host/log.h"
#include "app/host/http_client.h"
#include "relay/servicer.h"
#include "relay/wire.h"
#include "tests/unit/client/chain.h"
#include "tests/unit/relay/help.h"

struct world {
    struct vpr_loop *loop;
    struct chain chain;
    struct vpr_http_server *node; /* the backend */
    struct vpr_http_client *client;
    struct vpr_servicer *servicer;
    struct vpr_relay_conf conf;
    struct vpr_relay_backend_conf backends[2];
    struct vpr_keyring *ring;
    struct vpr_key *operator_key, *relay_key;
    struct keypair gateway, lanes[2];
    char home[256], node_url[64], url[64];
    uint64_t seq[2], cum[2];
    uint32_t answered;
};

struct answer {
    bool done;
    uint32_t status;
    char receipt[256];
    char body[32768];
};

static uint32_t backend_status = 200;
static bool hold; /* the backend keeps its next answer back: it is `held` */
static struct vpr_http_request *held;

static void on_backend(void *arg, struct vpr_http_request *http)
{
    (void)arg;
    if (hold) {
        hold = false;
        held = http;
        return;
    }
    vpr_http_reply_text(http, backend_status, "application/json", "{\"result\":1}");
}

static void make_key(struct world *w, const char *name, enum vpr_key_kind kind,
                     struct vpr_key **ret)
{
    const struct vpr_key_wish wish = {
        .name = name, .kind = kind,
        .algo = kind == VPR_KEYRING_OPERATOR ? VPR_KEYRING_SECP256K1 : VPR_KEYRING_ED25519};
    struct vpr_key_info info;
    struct vpr_err err;

    ck_assert_int_eq(vpr_keyring_create(w->ring, &wish, &info, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_load(ret, w->ring, name, VPR_KEYRING_ANY, &err), VPR_OK);
}

static void servicer_start(struct world *w)
{
    struct vpr_err err;
    const struct vpr_servicer_keys keys = {w->operator_key, w->relay_key, NULL};

    const enum vpr_code code =
        vpr_servicer_create(&w->servicer, w->loop, &w->conf, w->home, &keys, &err);
    ck_assert_msg(code == VPR_OK, "%s", code == VPR_OK ? "" : err.text);
    snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", vpr_servicer_port(w->servicer));
}

static void world_init(struct world *w, uint64_t height)
{
    struct vpr_err err;
    const struct vpr_http_server_config plain = {0};
    const struct vpr_http_client_config client = {.allow_private = true};

    memset(w, 0, sizeof *w);
    vpr_log_setup(VPR_LOG_ERROR, 2);
    temp_dir(w->home);
    w->loop = vpr_loop_create();
    ck_assert_int_eq(vpr_keyring_open(&w->ring, w->home, "test", NULL, &err), VPR_OK);
    make_key(w, "operator", VPR_KEYRING_OPERATOR, &w->operator_key);
    make_key(w, "relay", VPR_KEYRING_RELAY, &w->relay_key);
    w->gateway = keypair_of(1);
    w->lanes[0] = keypair_of(2);
    w->lanes[1] = keypair_of(3);
    w->chain.height = height;
    w->chain.account = vpr_key_info(w->operator_key)->address;
    w->chain.servicer = w->chain.account;
    w->chain.requestor = (struct vpr_address){{4, 5, 6}};
    w->chain.gateway_keys[0] = keypair_of(77).key;
    w->chain.gateway_keys[1] = w->gateway.key;
    memcpy(w->chain.relay_key.b, vpr_key_info(w->relay_key)->public_key, 32);
    chain_open(&w->chain, w->loop);
    ck_assert_int_eq(vpr_http_server_create(&w->node, w->loop, &plain, on_backend, w, &err),
                     VPR_OK);
    snprintf(w->node_url, sizeof w->node_url, "http://127.0.0.1:%u",
             vpr_http_server_port(w->node));
    ck_assert_int_eq(vpr_http_client_create(&w->client, w->loop, &client, &err), VPR_OK);
    for (int i = 0; i < 2; i++) {
        w->backends[i] = (struct vpr_relay_backend_conf){
            .chain = i == 0 ? "0001" : "0002", .url = w->node_url, .auth = "",
            .authorization = "", .timeout_ms = 2000};
    }
    w->conf = (struct vpr_relay_conf){
        .node = w->chain.url, .servicer = "", .listen = "127.0.0.1:0",
        .metrics_listen = "127.0.0.1:0", .tls_cert = "", .tls_key = "", .body_max = 65536,
        .answer_max = 65536, .capacity = 64, .connections = 64, .backend_connections = 8,
        .leaf_sync = "group", .risk = {100, 20000, 100000}, .backends = w->backends,
        .backend_count = 2};
    servicer_start(w);
}

/* Nothing is asked to finish: what is not on disk or on the chain is lost. */
static void kill_and_restart(struct world *w)
{
    vpr_servicer_destroy(w->servicer);
    servicer_start(w);
}

static void world_end(struct world *w)
{
    vpr_http_client_destroy(w->client);
    vpr_servicer_destroy(w->servicer);
    vpr_http_server_destroy(w->node);
    chain_close(&w->chain);
    vpr_key_close(w->operator_key);
    vpr_key_close(w->relay_key);
    vpr_keyring_close(w->ring);
    vpr_loop_turn(w->loop);
    vpr_loop_destroy(w->loop);
}

static void on_answer(void *arg, const struct vpr_http_result *result)
{
    struct answer *a = arg;
    const struct vpr_bytes *receipt =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_RECEIPT);

    a->done = true;
    a->status = result->status;
    snprintf(a->receipt, sizeof a->receipt, "%.*s", receipt == NULL ? 0 : (int)receipt->len,
             receipt == NULL ? "" : (const char *)receipt->data);
    snprintf(a->body, sizeof a->body, "%.*s", (int)result->body.len,
             (const char *)result->body.data);
}

/* One relay of a lane, on its way; `a` lives until it is done. */
static void send_relay(struct world *w, uint64_t session, uint16_t pair, int lane,
                       struct answer *a)
{
    char relay_text[VPR_WIRE_RELAY_TEXT_MAX], token_text[VPR_WIRE_TOKEN_TEXT_MAX], path[64];
    const struct vpr_hash sid = chain_sid(&w->chain, session, pair);
    const struct keypair *key = &w->lanes[lane];

    w->seq[lane]++;
    const struct vpr_signed_request request =
        request_of(&sid, &w->chain.servicer, key, w->seq[lane], w->cum[lane] + 1, 1);
    const struct vpr_token token = token_of(&sid, key, &w->gateway);
    vpr_wire_relay_print(relay_text, &request);
    vpr_wire_token_print(token_text, &token);
    const struct vpr_http_header headers[] = {VPR_HTTP_TEXT(VPR_WIRE_RELAY, relay_text),
                                              VPR_HTTP_TEXT(VPR_WIRE_TOKEN, token_text)};
    snprintf(path, sizeof path, "/v1/relay/%04x", pair);
    const struct vpr_http_call call = {.method = "POST", .url = vpr_bytes_str(w->url),
                                       .path = vpr_bytes_str(path), .headers = headers,
                                       .header_count = 2, .body = vpr_bytes_str("{}")};
    ck_assert_ptr_nonnull(vpr_http_client_start(w->client, &call, on_answer, a));
}

/* Until one of the two has come. */
static void await(struct world *w, const bool *done, struct vpr_http_request *const *request)
{
    for (int i = 0; i < 4000 && !*done && *request == NULL; i++) {
        vpr_loop_turn(w->loop);
        usleep(250);
    }
}

/* One relay of a lane; counted as accepted when its receipt holds. */
static uint32_t relay(struct world *w, uint64_t session, uint16_t pair, int lane)
{
    struct vpr_http_request *none = NULL;
    struct answer a = {0};
    struct vpr_receipt receipt;

    send_relay(w, session, pair, lane, &a);
    await(w, &a.done, &none);
    ck_assert(a.done);
    if (a.status == 200) {
        ck_assert(vpr_wire_receipt_parse(&receipt, vpr_bytes_str(a.receipt)));
        ck_assert(vpr_receipt_verify(&receipt, &w->chain.relay_key));
        w->cum[lane]++;
        w->answered++;
    }
    return a.status;
}

/* Until the servicer has opened the session. */
static void wait_open(struct world *w, uint64_t session, uint16_t pair, int lane)
{
    for (int i = 0; i < 100; i++) {
        if (relay(w, session, pair, lane) == 200) {
            return;
        }
        chain_turn(w->loop, 30);
    }
    ck_abort_msg("the session was never opened");
}

static bool leaves_exist(const struct world *w, uint64_t session)
{
    char path[VPR_LEAVES_PATH_MAX];
    char dir[300];

    snprintf(dir, sizeof dir, "%s/leaves", w->home);
    vpr_leaves_path(path, dir, session);
    return vpr_file_exists(path);
}

/* A block, and time for the daemon to see it and to act. */
static void block(struct world *w)
{
    chain_block(&w->chain);
    chain_turn(w->loop, 450);
}

static void blocks_to(struct world *w, uint64_t height)
{
    while (w->chain.height < height) {
        chain_block(&w->chain);
    }
    chain_turn(w->loop, 450);
}

START_TEST(a_session_is_served_committed_proved_and_forgotten)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(relay(&w, 1, 1, i % 2), 200);
    }
    blocks_to(&w, 23);
    for (int i = 0; i < 5 && !w.chain.commits[1][0].present; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].present);
    ck_assert_uint_eq(w.chain.commits[1][0].count, w.answered);
    ck_assert_uint_eq(w.chain.commits[1][0].sum, w.answered);
    ck_assert(!w.chain.commits[1][1].present);
    blocks_to(&w, 32);
    for (int i = 0; i < 5 && !w.chain.commits[1][0].tails_proved; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].tails_proved);
    ck_assert_uint_eq(w.chain.commits[1][0].tails_cu, w.answered);
    ck_assert_uint_eq(w.chain.samples[1], 3);
    ck_assert(leaves_exist(&w, 1));
    blocks_to(&w, 40);
    chain_turn(w.loop, 600);
    blocks_to(&w, 41);
    w.chain.oldest_unsettled = 2;
    block(&w);
    block(&w);
    ck_assert(!leaves_exist(&w, 1));
    for (size_t i = 0; i < w.chain.tx_count; i++) {
        ck_assert_msg(w.chain.txs[i].code == 0, "%s", w.chain.txs[i].log);
    }
    world_end(&w);
}
END_TEST

START_TEST(killed_in_every_phase_it_claims_and_proves_all_the_same)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    for (int i = 0; i < 12; i++) {
        ck_assert_uint_eq(relay(&w, 1, 1, 0), 200);
    }
    kill_and_restart(&w); /* while serving */
    wait_open(&w, 1, 1, 0);
    for (int i = 0; i < 12; i++) {
        ck_assert_uint_eq(relay(&w, 1, 1, 0), 200);
    }
    w.seq[0] -= 3;
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 409); /* seqs of before are still used */
    w.seq[0] += 3;
    blocks_to(&w, 22);
    kill_and_restart(&w); /* in the grace */
    wait_open(&w, 1, 1, 0);
    w.chain.hold = true;
    blocks_to(&w, 23);
    chain_turn(w.loop, 1000);
    ck_assert_uint_ge(w.chain.broadcasts, 1);
    kill_and_restart(&w); /* Commit sent, in no block */
    chain_turn(w.loop, 800);
    w.chain.hold = false;
    for (int i = 0; i < 4 && !w.chain.commits[1][0].present; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].present);
    ck_assert_uint_eq(w.chain.commits[1][0].count, w.answered);
    kill_and_restart(&w); /* between Commit and challenge */
    const uint32_t before = w.chain.broadcasts;
    blocks_to(&w, 30);
    chain_turn(w.loop, 600);
    ck_assert_uint_eq(w.chain.broadcasts, before); /* nothing is committed twice */
    w.chain.hold = true;
    blocks_to(&w, 33);
    chain_turn(w.loop, 1200);
    kill_and_restart(&w); /* Prove sent, in no block */
    chain_turn(w.loop, 800);
    w.chain.hold = false;
    for (int i = 0; i < 4 && !w.chain.commits[1][0].tails_proved; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].tails_proved);
    ck_assert_uint_eq(w.chain.commits[1][0].tails_cu, w.answered);
    ck_assert_uint_eq(w.chain.samples[1], 3);
    kill_and_restart(&w); /* proved, not settled */
    blocks_to(&w, 41);
    w.chain.oldest_unsettled = 2;
    block(&w);
    block(&w);
    ck_assert(!leaves_exist(&w, 1));
    world_end(&w);
}
END_TEST

/* A request that the backend did not answer is never answered later: not the same part, and
 * not after a kill. */
START_TEST(a_seq_that_was_refused_by_the_backend_stays_used_after_a_kill)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    backend_status = 503;
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 502);
    backend_status = 200;
    kill_and_restart(&w);
    wait_open(&w, 1, 1, 1);
    w.seq[0]--;
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 409);
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 200); /* the next seq is free */
    world_end(&w);
}
END_TEST

START_TEST(one_bad_entry_does_not_take_the_others_with_it)
{
    struct world w;

    world_init(&w, 12);
    w.chain.bad_pair = 2;
    wait_open(&w, 1, 1, 0);
    wait_open(&w, 1, 2, 1);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(relay(&w, 1, 1, 0), 200);
        ck_assert_uint_eq(relay(&w, 1, 2, 1), 200);
    }
    vpr_log_setup(VPR_LOG_ERROR, 2);
    blocks_to(&w, 23);
    for (int i = 0; i < 7 && !w.chain.commits[1][0].present; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].present);
    ck_assert(!w.chain.commits[1][1].present);
    ck_assert_uint_eq(w.chain.commits[1][0].count, 6);
    world_end(&w);
}
END_TEST

START_TEST(two_sessions_stand_side_by_side_until_the_grace_is_over)
{
    struct world w;

    world_init(&w, 19);
    wait_open(&w, 1, 1, 0);
    blocks_to(&w, 21);
    wait_open(&w, 2, 1, 1);
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 200);
    ck_assert_uint_eq(relay(&w, 2, 1, 1), 200);
    ck_assert_uint_eq(relay(&w, 1, 2, 0), 200);
    blocks_to(&w, 23);
    const uint32_t status = relay(&w, 1, 1, 0);
    ck_assert(status == 410 || status == 403);
    ck_assert_uint_eq(relay(&w, 2, 1, 1), 200);
    world_end(&w);
}
END_TEST

/* Whether the metrics page has this line. */
static bool told(struct world *w, const char *line)
{
    static struct answer a;
    char url[64];

    memset(&a, 0, sizeof a);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", vpr_servicer_metrics_port(w->servicer));
    const struct vpr_http_call call = {.url = vpr_bytes_str(url),
                                       .path = vpr_bytes_str("/metrics")};
    ck_assert_ptr_nonnull(vpr_http_client_start(w->client, &call, on_answer, &a));
    chain_turn(w->loop, 100);
    ck_assert(a.done);
    ck_assert_uint_eq(a.status, 200);
    return strstr(a.body, line) != NULL;
}

START_TEST(metrics_tell_what_happened)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    w.seq[0]--;
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 409);
    ck_assert(told(&w, "viper_relay_requests_total{chain=\"0001\",outcome=\"answered\"} 1\n"));
    ck_assert(told(&w, "viper_relay_eligible 1\n"));
    ck_assert(told(&w, "viper_relay_disk_free_bytes "));
    ck_assert(!told(&w, "viper_relay_disk_free_bytes 0\n"));
    world_end(&w);
}
END_TEST

/* GET /health where relays arrive; what it says is left in `text`. */
static uint32_t health(struct world *w, char text[1024])
{
    static struct answer a;

    memset(&a, 0, sizeof a);
    const struct vpr_http_call call = {.url = vpr_bytes_str(w->url),
                                       .path = vpr_bytes_str("/health")};
    ck_assert_ptr_nonnull(vpr_http_client_start(w->client, &call, on_answer, &a));
    chain_turn(w->loop, 100);
    ck_assert(a.done);
    snprintf(text, 1024, "%.1000s", a.body);
    return a.status;
}

/* Until it is so, which a busy machine may see late. */
static void await_health(struct world *w, uint32_t status, const char *word)
{
    char text[1024];

    for (int i = 0; i < 50; i++) {
        if (health(w, text) == status && strstr(text, word) != NULL) {
            return;
        }
    }
    ck_abort_msg("not %u with %s but %s", status, word, text);
}

/* Healthy is who can answer and be paid for it, not who has a port open. */
START_TEST(health_says_what_is_missing)
{
    struct world w;

    world_init(&w, 12);
    w.chain.time_s = (int64_t)(vpr_wall_ms() / 1000);
    wait_open(&w, 1, 1, 0);
    await_health(&w, 503, "{\"status\":\"unable\",\"reasons\":[\"the operator has 123456 uvipr "
                 "for fees: send it some\"]}\n");
    w.chain.balance_uvipr = 5000000;
    kill_and_restart(&w);
    await_health(&w, 503, "the node does not answer"); /* it was not heard yet */
    wait_open(&w, 1, 1, 0);
    await_health(&w, 200, "{\"status\":\"ok\",\"reasons\":[]}\n");
    w.chain.time_s -= 100;
    block(&w);
    await_health(&w, 503, "[\"the last block of the node, 13, is ");
    w.chain.failing = true;
    await_health(&w, 503, "[\"the node does not answer\"]");
    world_end(&w);
}
END_TEST

/* The relay key was changed on the chain and not here: nothing can be answered. */
START_TEST(health_of_a_relay_without_the_chains_key)
{
    struct world w;

    world_init(&w, 12);
    w.chain.relay_key = keypair_of(9).key;
    w.chain.balance_uvipr = 5000000;
    w.chain.time_s = (int64_t)(vpr_wall_ms() / 1000);
    await_health(&w, 503,
                 "[\"neither relay-key nor relay-key-next is the one on the chain\"]");
    world_end(&w);
}
END_TEST

/* The node was away during the whole window: nothing can be done, but it must be said. */
START_TEST(a_missed_commit_is_no_success)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    vpr_log_setup(VPR_LOG_ERROR, 2);
    blocks_to(&w, 34);
    for (int i = 0; i < 4; i++) {
        block(&w);
    }
    ck_assert(!w.chain.commits[1][0].present);
    blocks_to(&w, 41);
    w.chain.oldest_unsettled = 2;
    block(&w);
    ck_assert(told(&w, "viper_relay_sessions_settled_total{result=\"lost\"} 1\n"));
    world_end(&w);
}
END_TEST

/* Six CU for chain 0001, twelve for 0002, each worth 100 uvipr; until the window of Commit is
 * half over.  An entry with one tail costs some 530 uvipr in fees. */
static void two_small_claims(struct world *w)
{
    w->chain.cu_uvipr = 100;
    wait_open(w, 1, 1, 0);
    wait_open(w, 1, 2, 1);
    for (int i = 1; i < 12; i++) {
        ck_assert_uint_eq(relay(w, 1, 2, 1), 200);
        ck_assert(i > 5 || relay(w, 1, 1, 0) == 200);
    }
    blocks_to(w, 23);
    for (int i = 0; i < 4; i++) {
        block(w);
    }
}

static void settle_session_1(struct world *w)
{
    blocks_to(w, 41);
    w->chain.oldest_unsettled = 2;
    block(w);
    block(w);
}

/* claim_min would take it, the fees of it would not come back. */
START_TEST(a_claim_that_costs_more_than_it_earns_is_left_out)
{
    struct world w;

    world_init(&w, 12);
    two_small_claims(&w);
    ck_assert(!w.chain.commits[1][0].present); /* 600 uvipr, of which 420 are the servicer's */
    ck_assert(w.chain.commits[1][1].present);
    ck_assert_uint_eq(w.chain.commits[1][1].count, 12);
    blocks_to(&w, 32);
    for (int i = 0; i < 5 && !w.chain.commits[1][1].tails_proved; i++) {
        block(&w);
    }
    settle_session_1(&w);
    ck_assert(told(&w, "viper_relay_claims_total{result=\"at_a_loss\"} 1\n"));
    ck_assert(told(&w, "viper_relay_claims_total{result=\"proved\"} 1\n"));
    ck_assert(told(&w, "viper_relay_claims_total{result=\"below_claim_min\"} 0\n"));
    world_end(&w);
}
END_TEST

START_TEST(a_low_score_makes_a_claim_a_loss_and_that_is_nothing_lost)
{
    struct world w;

    world_init(&w, 12);
    w.chain.scored = true;
    w.chain.score_ppm = 600000; /* of 840 uvipr 504 */
    two_small_claims(&w);
    ck_assert(!w.chain.commits[1][0].present);
    ck_assert(!w.chain.commits[1][1].present);
    ck_assert_uint_eq(w.chain.broadcasts, 0);
    settle_session_1(&w);
    ck_assert(told(&w, "viper_relay_claims_total{result=\"at_a_loss\"} 2\n"));
    ck_assert(told(&w, "viper_relay_sessions_settled_total{result=\"lost\"} 0\n"));
    world_end(&w);
}
END_TEST

START_TEST(who_wants_to_claims_at_a_loss)
{
    struct world w;

    world_init(&w, 12);
    w.chain.scored = true;
    vpr_servicer_destroy(w.servicer);
    w.conf.claims.at_a_loss = true;
    servicer_start(&w);
    two_small_claims(&w);
    ck_assert(w.chain.commits[1][0].present);
    ck_assert(w.chain.commits[1][1].present);
    world_end(&w);
}
END_TEST

/* The chain has deleted what it knew of the session: that is no zero. */
START_TEST(what_was_settled_while_it_was_down_is_unread)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    ck_assert_uint_eq(relay(&w, 1, 1, 0), 200);
    vpr_servicer_destroy(w.servicer);
    w.chain.height = 42;
    w.chain.oldest_unsettled = 2;
    servicer_start(&w);
    for (int i = 0; i < 20 && leaves_exist(&w, 1); i++) {
        block(&w);
    }
    ck_assert(!leaves_exist(&w, 1));
    ck_assert(told(&w, "viper_relay_sessions_settled_total{result=\"unread\"} 1\n"));
    world_end(&w);
}
END_TEST

/* A mistyped node, say: there these leaves would be old, and be deleted. */
START_TEST(a_node_of_another_network_ends_the_daemon_and_costs_no_leaves)
{
    struct world w;
    char path[300];
    struct vpr_err err;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    snprintf(path, sizeof path, "%s/leaves/chain-id", w.home);
    ck_assert(vpr_file_exists(path));
    ck_assert_int_eq(vpr_file_write(path, vpr_bytes_str("viper-main-1\n"), 0600, &err), VPR_OK);
    vpr_servicer_destroy(w.servicer);
    vpr_log_setup(VPR_LOG_ERROR, 1);
    w.chain.height = 61;
    w.chain.oldest_unsettled = 5;
    servicer_start(&w);
    chain_turn(w.loop, 400);
    block(&w);
    ck_assert(leaves_exist(&w, 1));
    world_end(&w);
}
END_TEST

/* A machine comes back: the relay meets a node that is still behind, then hurries. */
START_TEST(leaves_are_proved_though_the_node_was_behind_when_the_relay_started)
{
    struct world w;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    blocks_to(&w, 23);
    for (int i = 0; i < 5 && !w.chain.commits[1][0].present; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].present);
    w.chain.height = 5;
    kill_and_restart(&w);
    chain_turn(w.loop, 500);
    blocks_to(&w, 33);
    for (int i = 0; i < 5 && !w.chain.commits[1][0].tails_proved; i++) {
        block(&w);
    }
    ck_assert(w.chain.commits[1][0].tails_proved);
    world_end(&w);
}
END_TEST

START_TEST(stopped_with_a_relay_under_way_it_says_so_and_serves_again)
{
    struct world w;
    struct answer a = {0};
    const bool never = false;
    struct vpr_http_request *none = NULL;

    world_init(&w, 12);
    wait_open(&w, 1, 1, 0);
    hold = true;
    held = NULL;
    send_relay(&w, 1, 1, 0, &a);
    await(&w, &never, &held);
    ck_assert_ptr_nonnull(held);
    ck_assert(!a.done);
    kill_and_restart(&w);
    vpr_http_reply_text(held, 200, "application/json", "{\"result\":1}");
    await(&w, &a.done, &none);
    ck_assert(a.done);
    ck_assert_uint_ne(a.status, 200);
    ck_assert_str_eq(a.receipt, "");
    wait_open(&w, 1, 1, 0);
    world_end(&w);
}
END_TEST

Suite *suite_servicer(void)
{
    Suite *suite = suite_create("servicer");
    TCase *tests = tcase_create("servicer");

    tcase_set_timeout(tests, 90);
    tcase_add_test(tests, a_session_is_served_committed_proved_and_forgotten);
    tcase_add_test(tests, killed_in_every_phase_it_claims_and_proves_all_the_same);
    tcase_add_test(tests, a_seq_that_was_refused_by_the_backend_stays_used_after_a_kill);
    tcase_add_test(tests, one_bad_entry_does_not_take_the_others_with_it);
    tcase_add_test(tests, two_sessions_stand_side_by_side_until_the_grace_is_over);
    tcase_add_test(tests, metrics_tell_what_happened);
    tcase_add_test(tests, health_says_what_is_missing);
    tcase_add_test(tests, health_of_a_relay_without_the_chains_key);
    tcase_add_test(tests, a_missed_commit_is_no_success);
    tcase_add_test(tests, a_claim_that_costs_more_than_it_earns_is_left_out);
    tcase_add_test(tests, a_low_score_makes_a_claim_a_loss_and_that_is_nothing_lost);
    tcase_add_test(tests, who_wants_to_claims_at_a_loss);
    tcase_add_test(tests, what_was_settled_while_it_was_down_is_unread);
    tcase_add_test(tests,
                   a_node_of_another_network_ends_the_daemon_and_costs_no_leaves);
    tcase_add_test(tests,
                   leaves_are_proved_though_the_node_was_behind_when_the_relay_started);
    tcase_add_test(tests, stopped_with_a_relay_under_way_it_says_so_and_serves_again);
    suite_add_tcase(suite, tests);
    return suite;
}
