/* The whole gateway against a node made of one REST server: loads, draws, session changes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "relay/gateway.h"
#include "relay/wire.h"
#include "tests/unit/relay/node.h"

#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":[]}"

/* The one world there is. */
#define w node_world

/* ---- the world ---- */

static void fill(struct vpr_address *ret, uint8_t a, size_t b)
{
    memset(ret->b, a, sizeof ret->b);
    ret->b[18] = (uint8_t)(b >> 8);
    ret->b[19] = (uint8_t)b;
}

static void make_key(void)
{
    const struct vpr_key_wish wish = {.name = "gateway", .kind = VPR_KEYRING_GATEWAY,
                                      .algo = VPR_KEYRING_ED25519};
    struct vpr_key_info info;
    struct vpr_err err;

    ck_assert_int_eq(vpr_keyring_open(&w.ring, w.home, "test", NULL, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_create(w.ring, &wish, &info, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_load(&w.key, w.ring, "gateway",
                                      VPR_KEYRING_MASK(VPR_KEYRING_GATEWAY), &err),
                     VPR_OK);
}

static void make_home(void)
{
    static const char corpus[] =
        "{\"method\":\"status\",\"path\":\"\",\"params\":[],\"compare\":{\"kind\":\"head\","
        "\"at\":\"/result/height\",\"within\":2}}\n";
    char path[300];
    struct vpr_err err;

    snprintf(w.home, sizeof w.home, "/tmp/viper-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(w.home));
    snprintf(path, sizeof path, "%s/corpus", w.home);
    ck_assert_int_eq(vpr_dir_make(path, 0700, &err), VPR_OK);
    snprintf(path, sizeof path, "%s/corpus/0001.jsonl", w.home);
    ck_assert_int_eq(vpr_file_write(path, vpr_bytes_str(corpus), 0600, &err), VPR_OK);
}

static void drop_home(void)
{
    static const char *const names[] = {"corpus/0001.jsonl", "corpus", "keyring-test/gateway.key",
                                        "keyring-test", ""};
    char path[300];

    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        snprintf(path, sizeof path, "%s/%s", w.home, names[i]);
        ck_assert_int_eq(remove(path), 0);
    }
}

static void open_world(void)
{
    const struct vpr_http_server_config http = {.body_max = 1024};
    const struct vpr_http_client_config client = {.allow_private = true};
    struct vpr_err err;

    memset(&w, 0, sizeof w);
    vpr_arena_init(&w.arena, 64u << 20);
    make_home();
    make_key();
    w.loop = vpr_loop_create();
    ck_assert_int_eq(vpr_http_server_create(&w.node, w.loop, &http, node_on_query, NULL, &err),
                     VPR_OK);
    ck_assert_int_eq(vpr_http_client_create(&w.client, w.loop, &client, &err), VPR_OK);
    snprintf(w.node_url, sizeof w.node_url, "http://127.0.0.1:%u", vpr_http_server_port(w.node));
    fill(&w.requestor, 9, 0);
    fill(&w.owner, 8, 0);
    vpr_address_text(w.requestor_text, VPR_PREFIX_ACCOUNT, &w.requestor);
    for (uint8_t i = 0; i < NODE_SERVICERS; i++) {
        gate_servicer_open(&w.servicers[i], w.loop, i);
    }
    for (size_t i = 0; i < VPR_COUNT(w.pool); i++) {
        fill(&w.pool[i].id, 1, i);
        fill(&w.pool[i].owner, 2, i);
        w.pool[i].weight = i < NODE_SERVICERS ? UINT64_C(1000000000000) : 1;
    }
    for (size_t i = 0; i < NODE_FISHERMEN; i++) {
        fill(&w.fishermen[i].id, 3, i);
        fill(&w.fishermen[i].owner, 4, i);
        w.fishermen[i].weight = 10;
    }
    w.session = 3;
    w.height = node_first_of(3);
    w.num_servicers = NODE_SERVICERS;
}

static void start_gateway(void)
{
    struct vpr_err err;

    w.conf = (struct vpr_gateway_conf){
        .node = w.node_url, .requestor = w.requestor_text, .gateway_key = "gateway",
        .listen = "127.0.0.1:0", .shadow_listen = "127.0.0.1:0",
        .metrics_listen = "127.0.0.1:0", .tls_cert = "", .tls_key = "", .ca_file = "",
        .corpus_dir = "corpus", .allow_private_peers = true, .settle_request = true,
        .attempt_ms = 2500, .total_ms = 5000, .connect_ms = 500, .body_max = 1 << 20,
        .answer_max = 1 << 20, .batch_max = 100, .connections = 64, .requests = 64};
    ck_assert_int_eq(vpr_gateway_create(&w.gateway, w.loop, &w.conf, w.home, w.key, &err),
                     VPR_OK);
}

static void close_world(void)
{
    vpr_gateway_destroy(w.gateway);
    vpr_http_client_destroy(w.client);
    vpr_http_server_destroy(w.node);
    for (size_t i = 0; i < NODE_SERVICERS; i++) {
        gate_servicer_close(&w.servicers[i]);
    }
    vpr_key_close(w.key);
    vpr_keyring_close(w.ring);
    vpr_loop_destroy(w.loop);
    vpr_arena_finish(&w.arena);
    drop_home();
}

static void turn_ms(uint64_t ms)
{
    const uint64_t start = vpr_mono_ms();

    while (vpr_mono_ms() - start < ms) {
        vpr_loop_turn(w.loop);
        usleep(300);
    }
}

static int64_t gauge(enum vpr_meter meter)
{
    return (int64_t)vpr_metric_get(vpr_gateway_metrics(w.gateway), meter, 0, 0);
}

static void until_gauge(enum vpr_meter meter, int64_t want)
{
    const uint64_t start = vpr_mono_ms();

    while (gauge(meter) != want) {
        vpr_loop_turn(w.loop);
        usleep(300);
        ck_assert_msg(vpr_mono_ms() - start < 8000, "gauge %d stays %" PRId64, (int)meter,
                      gauge(meter));
    }
}

struct answer {
    bool done;
    uint32_t status;
    char body[65536], relay[512];
};

static void on_answer(void *arg, const struct vpr_http_result *result)
{
    struct answer *a = arg;
    const struct vpr_bytes *relay =
        vpr_http_find(result->headers, result->header_count, VPR_WIRE_RELAY);

    a->done = true;
    a->status = result->status;
    snprintf(a->body, sizeof a->body, "%.*s", (int)result->body.len,
             result->body.len == 0 ? "" : (const char *)result->body.data);
    snprintf(a->relay, sizeof a->relay, "%.*s", relay == NULL ? 0 : (int)relay->len,
             relay == NULL ? "" : (const char *)relay->data);
}

static void ask_start(struct answer *a, uint16_t port, const char *method, const char *path,
                      const char *body)
{
    char url[64];

    memset(a, 0, sizeof *a);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    const struct vpr_http_call call = {.method = method, .url = vpr_bytes_str(url),
                                       .path = vpr_bytes_str(path), .body = vpr_bytes_str(body)};
    vpr_http_client_start(w.client, &call, on_answer, a);
}

static void ask(struct answer *a, const char *path, const char *body)
{
    const uint64_t start = vpr_mono_ms();

    ask_start(a, vpr_gateway_port(w.gateway), "POST", path, body);
    while (!a->done) {
        vpr_loop_turn(w.loop);
        usleep(100);
        ck_assert_uint_lt(vpr_mono_ms() - start, 8000);
    }
}

static size_t seen(void)
{
    size_t sum = 0;

    for (size_t i = 0; i < NODE_SERVICERS; i++) {
        sum += w.servicers[i].seen_count;
    }
    return sum;
}

/* From a node alone: session, draw, keys, URLs, names and costs; a relay by chain name. */
START_TEST(a_session_is_opened_from_queries)
{
    static struct answer a;
    struct vpr_signed_request request;

    open_world();
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    ck_assert_int_eq(gauge(VPR_METER_SESSION), 3);
    ask(&a, "/v1/viper", STATUS);
    ck_assert_uint_eq(a.status, 200);
    ck_assert(vpr_wire_relay_parse(&request, vpr_bytes_str(a.relay)));
    const struct vpr_hash sid = vpr_sid(vpr_bytes_str(NODE_CHAIN), 3, &w.requestor, 1, 1);
    ck_assert(vpr_hash_equal(&request.part.sid, &sid));
    ask(&a, "/v1/0001", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"dear\"}");
    ck_assert_uint_eq(a.status, 200);
    ck_assert(vpr_wire_relay_parse(&request, vpr_bytes_str(a.relay)));
    ck_assert_uint_eq(request.part.cu, 50);
    ask(&a, "/v1/litecoin", STATUS);
    ck_assert_uint_eq(a.status, 404);
    ck_assert_uint_eq(seen(), 2);
    close_world();
}
END_TEST

/* A node that names other servicers than the draw gives is not believed: nothing is sent. */
START_TEST(a_node_that_draws_otherwise_is_not_used)
{
    static struct answer a;

    open_world();
    w.lie = true;
    vpr_log_setup(VPR_LOG_ERROR, open("/dev/null", 1)); /* the loud line is not this test's */
    start_gateway();
    const uint64_t start = vpr_mono_ms();
    struct vpr_metrics *metrics = vpr_gateway_metrics(w.gateway);
    while (vpr_metric_get(metrics, VPR_METER_LOADS, VPR_LOAD_MISMATCH, 0) == 0) {
        turn_ms(5);
        ck_assert_uint_lt(vpr_mono_ms() - start, 8000);
    }
    ask(&a, "/v1/0001", STATUS);
    ck_assert_uint_eq(a.status, 503);
    ck_assert_uint_eq(seen(), 0);
    ck_assert_int_eq(gauge(VPR_METER_PANELS), 0);
    close_world();
}
END_TEST

/* Pools of several pages are read to their end. */
START_TEST(long_pools_are_read_whole)
{
    open_world();
    w.extras = NODE_EXTRAS_MAX;
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    ck_assert_uint_ge(w.pages, 4); /* 3 of servicers, 1 of fishermen */
    ck_assert_uint_eq(vpr_metric_get(vpr_gateway_metrics(w.gateway), VPR_METER_LOADS,
                                     VPR_LOAD_MISMATCH, 0),
                      0);
    close_world();
}
END_TEST

/* A node that fails, or a key that is not on chain: no session, tried again until it is right. */
START_TEST(a_load_is_tried_again)
{
    open_world();
    w.failing = _i == 0;
    w.no_key = _i == 1;
    start_gateway();
    turn_ms(700);
    ck_assert_int_eq(gauge(VPR_METER_PANELS), 0);
    ck_assert_uint_ge(vpr_metric_get(vpr_gateway_metrics(w.gateway), VPR_METER_LOADS,
                                     VPR_LOAD_FAILED, 0),
                      1);
    w.failing = w.no_key = false;
    until_gauge(VPR_METER_PANELS, 1);
    close_world();
}
END_TEST

/* Blocks that come while the answers do: three tries for one height, then the session's
 * answers are taken as they are. */
START_TEST(answers_of_several_heights_are_taken_in_the_end)
{
    open_world();
    w.uneven = true;
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    ck_assert_uint_ge(w.pages, 6); /* three rounds of two pools */
    close_world();
}
END_TEST

/* At the next session's first block new requests go to the new bench with a new key, from a
 * servicer's new URL; what is in flight ends; then one request vouches for the last answers. */
START_TEST(a_session_follows_another)
{
    static struct answer flying[2], a;
    struct vpr_signed_request before, after;

    open_world();
    w.num_servicers = 1;
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    ask(&a, "/v1/0001", STATUS);
    ck_assert(vpr_wire_relay_parse(&before, vpr_bytes_str(a.relay)));
    struct servicer *s = node_servicer_of(vpr_bytes_str(node_text_of(&before.part.servicer)));
    s->manner = HOLD;
    for (size_t i = 0; i < 2; i++) {
        ask_start(&flying[i], vpr_gateway_port(w.gateway), "POST", "/v1/0001", STATUS);
    }
    turn_ms(100);
    ck_assert_uint_eq(s->held_count, 2);

    w.session = 4;
    w.height = node_first_of(4);
    w.num_servicers = NODE_SERVICERS;
    until_gauge(VPR_METER_SESSION, 4);
    ck_assert(!flying[0].done && !flying[1].done);
    for (size_t i = 0; i < NODE_SERVICERS; i++) {
        w.servicers[i].manner = w.servicers[i].manner == HOLD ? HOLD : GOOD;
    }
    /* The new bench has all four; ask until another one than `s` answers. */
    do {
        ask(&a, "/v1/0001", STATUS);
        ck_assert_uint_eq(a.status, 200);
        ck_assert(vpr_wire_relay_parse(&after, vpr_bytes_str(a.relay)));
    } while (vpr_address_equal(&after.part.servicer, &before.part.servicer));
    ck_assert(!vpr_hash_equal(&after.part.sid, &before.part.sid));
    ck_assert(!vpr_hash_equal(&after.part.client_key, &before.part.client_key));

    const size_t held = s->seen_count;
    gate_release(s);
    turn_ms(400);
    ck_assert(flying[0].done && flying[1].done);
    ck_assert_uint_eq(flying[0].status, 200);
    ck_assert_uint_eq(flying[1].status, 200);
    const struct seen *last = &s->seen[held]; /* the closing request */
    ck_assert_uint_gt(s->seen_count, held);
    ck_assert(vpr_hash_equal(&last->request.part.sid, &before.part.sid));
    ck_assert_uint_eq(last->request.part.cum_cu, 4); /* 1 + 2 in flight + itself */
    ck_assert_uint_eq(last->request.part.seq, 4);
    ck_assert_ptr_nonnull(strstr(last->body, "\"status\""));
    ck_assert_int_eq(gauge(VPR_METER_SETTLED), 1);
    close_world();
}
END_TEST

/* A servicer that moved is found at its new place, in the running session and in the next. */
START_TEST(a_moved_servicer_is_followed)
{
    static struct answer a;
    struct servicer *moved = &w.servicers[2];
    const uint64_t start = vpr_mono_ms();

    open_world();
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    struct vpr_http_server *old = moved->server;
    const uint16_t old_port = vpr_http_server_port(old);
    gate_servicer_open(moved, w.loop, 2);
    ck_assert_uint_ne(vpr_http_server_port(moved->server), old_port);
    vpr_http_server_destroy(old);
    if (_i == 1) {
        w.session = 4;
        w.height = node_first_of(4);
        until_gauge(VPR_METER_SESSION, 4);
    }
    while (moved->seen_count == 0) { /* the others answer until then */
        ask(&a, "/v1/0001", STATUS);
        ck_assert_uint_eq(a.status, 200);
        turn_ms(20);
        ck_assert_uint_lt(vpr_mono_ms() - start, 20000);
    }
    close_world();
}
END_TEST

/* Its key was replaced: the last session that it signed for is closed as any other. */
START_TEST(a_gateway_whose_key_is_gone_vouches_for_its_last_answers)
{
    static struct answer flying[2], a;

    open_world();
    w.num_servicers = 1;
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    struct servicer *s = &w.servicers[0];
    for (size_t i = 0; i < NODE_SERVICERS; i++) {
        w.servicers[i].manner = HOLD;
    }
    for (size_t i = 0; i < 2; i++) {
        ask_start(&flying[i], vpr_gateway_port(w.gateway), "POST", "/v1/0001", STATUS);
    }
    turn_ms(100);
    while (s->held_count == 0) {
        ck_assert(++s < &w.servicers[NODE_SERVICERS]);
    }
    ck_assert_uint_eq(s->held_count, 2);

    w.no_key = true;
    w.session = 4;
    w.height = node_first_of(4);
    until_gauge(VPR_METER_PANELS, 0);
    ask(&a, "/v1/0001", STATUS);
    ck_assert_uint_eq(a.status, 503);
    const size_t held = s->seen_count;
    s->manner = GOOD;
    gate_release(s);
    turn_ms(400);
    ck_assert(flying[0].done && flying[1].done);
    ck_assert_uint_eq(flying[0].status, 200);
    ck_assert_uint_eq(s->seen_count, held + 1);
    ck_assert_uint_eq(s->seen[held].request.part.cum_cu, 3); /* 2 in flight + itself */
    ck_assert_int_eq(gauge(VPR_METER_SETTLED), 1);
    close_world();
}
END_TEST

/* Without a new session in sight the old panel ends with its grace blocks. */
START_TEST(a_panel_ends_with_its_grace)
{
    static struct answer a;

    open_world();
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    w.failing = true;
    w.session = 4;
    w.height = node_first_of(4);
    until_gauge(VPR_METER_HEIGHT, (int64_t)w.height);
    ask(&a, "/v1/0001", STATUS);
    ck_assert_uint_eq(a.status, 200);
    w.height = node_first_of(4) + 2;
    until_gauge(VPR_METER_HEIGHT, (int64_t)w.height);
    ask(&a, "/v1/0001", STATUS);
    ck_assert_uint_eq(a.status, 503);
    close_world();
}
END_TEST

/* Numbers for the operator, by chain. */
START_TEST(the_metrics_page_tells)
{
    static struct answer a;

    open_world();
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    ask(&a, "/v1/0001", STATUS);
    turn_ms(150);
    ask_start(&a, vpr_gateway_metrics_port(w.gateway), "GET", "/metrics", "");
    turn_ms(100);
    ck_assert(a.done);
    ck_assert_ptr_nonnull(strstr(
        a.body, "viper_gateway_requests_total{chain=\"0001\",outcome=\"answered\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(a.body, "viper_gateway_relays_total{chain=\"0001\",outcome=\"sent\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(a.body, "viper_gateway_session_number 3\n"));
    ck_assert_ptr_null(strstr(a.body, "chain=\"\""));
    close_world();
}
END_TEST

/* Asked to stop, it takes nothing new and ends when what it has is answered. */
START_TEST(it_stops_when_all_is_answered)
{
    static struct answer a;

    open_world();
    start_gateway();
    until_gauge(VPR_METER_PANELS, 1);
    for (size_t i = 0; i < NODE_SERVICERS; i++) {
        w.servicers[i].delay_ms = 300;
    }
    ask_start(&a, vpr_gateway_port(w.gateway), "POST", "/v1/0001", STATUS);
    turn_ms(50);
    const uint64_t start = vpr_mono_ms();
    vpr_gateway_stop(w.gateway);
    vpr_loop_run(w.loop);
    ck_assert_uint_lt(vpr_mono_ms() - start, 2000);
    turn_ms(50);
    ck_assert(a.done);
    ck_assert_uint_eq(a.status, 200);
    close_world();
}
END_TEST

/* Configuration errors name the key. */
START_TEST(bad_settings_are_refused)
{
    struct vpr_err err;

    open_world();
    start_gateway();
    vpr_gateway_destroy(w.gateway);
    w.gateway = NULL;
    w.conf.requestor = "viper1nobody";
    ck_assert_int_eq(vpr_gateway_create(&w.gateway, w.loop, &w.conf, w.home, w.key, &err),
                     VPR_BAD_ADDRESS);
    w.conf.requestor = w.requestor_text;
    w.conf.shadow_listen = "nowhere";
    ck_assert_int_eq(vpr_gateway_create(&w.gateway, w.loop, &w.conf, w.home, w.key, &err),
                     VPR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(err.text, "shadow-listen"));
    close_world();
}
END_TEST

Suite *suite_gateway(void)
{
    Suite *suite = suite_create("gateway");
    TCase *tc = tcase_create("gateway");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_session_is_opened_from_queries);
    tcase_add_test(tc, a_node_that_draws_otherwise_is_not_used);
    tcase_add_test(tc, long_pools_are_read_whole);
    tcase_add_loop_test(tc, a_load_is_tried_again, 0, 2);
    tcase_add_test(tc, answers_of_several_heights_are_taken_in_the_end);
    tcase_add_test(tc, a_session_follows_another);
    tcase_add_loop_test(tc, a_moved_servicer_is_followed, 0, 2);
    tcase_add_test(tc, a_gateway_whose_key_is_gone_vouches_for_its_last_answers);
    tcase_add_test(tc, a_panel_ends_with_its_grace);
    tcase_add_test(tc, the_metrics_page_tells);
    tcase_add_test(tc, it_stops_when_all_is_answered);
    tcase_add_test(tc, bad_settings_are_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
