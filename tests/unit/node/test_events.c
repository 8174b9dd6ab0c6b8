#include "app/node/events.h"

#include "app/host/http_client.h"
#include "app/host/json_scan.h"
#include "tests/unit/node/suites.h"

/* A loop with a server that gives every request to the streams, and a client. */
static struct vpr_loop *loop;
static struct vpr_http_server *server;
static struct vpr_http_client *client;
static struct events *events;
static char url[64];

static void handle(void *arg, struct vpr_http_request *req)
{
    const struct reply_to to = {req, 9, NULL};
    (void)arg;
    events_serve(events, &to);
}

static void setup(void)
{
    const struct vpr_http_server_config server_config = {.address = "127.0.0.1"};
    const struct vpr_http_client_config client_config = {.allow_private = true,
                                                         .per_host_max = 128};
    struct vpr_err err;

    loop = vpr_loop_create();
    events = events_create(loop);
    ck_assert_int_eq(vpr_http_server_create(&server, loop, &server_config, handle, NULL, &err),
                     VPR_OK);
    ck_assert_int_eq(vpr_http_client_create(&client, loop, &client_config, &err), VPR_OK);
    struct vpr_buf text;
    vpr_buf_init(&text, sizeof url - 1);
    vpr_buf_printf(&text, "http://127.0.0.1:%u", vpr_http_server_port(server));
    memcpy(url, text.data, text.len + 1);
    vpr_buf_finish(&text);
}

static void teardown(void)
{
    vpr_http_client_destroy(client);
    events_destroy(events);
    vpr_http_server_destroy(server);
    vpr_loop_destroy(loop);
}

static void turn(void)
{
    uint64_t until = vpr_mono_ms() + 60;
    while (vpr_mono_ms() < until) {
        vpr_loop_turn(loop);
    }
}

static void add(uint64_t height, size_t size)
{
    struct vpr_buf text;
    vpr_buf_init(&text, size + 64);
    vpr_buf_printf(&text, "id: %" PRIu64 "\ndata: ", height);
    while (text.len + 2 < size) {
        vpr_buf_char(&text, 'x');
    }
    vpr_buf_str(&text, "\n\n");
    events_add(events, height, &text);
}

struct answer {
    bool done;
    uint32_t status;
    struct vpr_buf body;
};

static void on_done(void *arg, const struct vpr_http_result *result)
{
    struct answer *a = arg;
    a->done = true;
    a->status = result->status;
    vpr_buf_add(&a->body, result->body.data, result->body.len);
}

static struct vpr_http_exchange *ask(struct answer *a, const char *last)
{
    const struct vpr_http_header header[] = {VPR_HTTP_TEXT("Last-Event-ID", last)};
    const struct vpr_http_call call = {.url = vpr_bytes_str(url),
                                       .path = vpr_bytes_str("/"),
                                       .headers = header,
                                       .header_count = *last ? 1 : 0};
    *a = (struct answer){false, 0, {NULL, 0, 0, 0, false}};
    vpr_buf_init(&a->body, 1 << 24);
    return vpr_http_client_start(client, &call, on_done, a);
}

static size_t times(const struct vpr_buf *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text->data; at && (at = strstr(at, word)); at++) {
        n++;
    }
    return n;
}

/* Who comes back gets what it missed and nothing twice; who is new only what comes. */
START_TEST(a_reader_gets_what_it_missed)
{
    struct answer back, fresh;

    for (uint64_t h = 1; h <= 300; h++) {
        add(h, 0);
    }
    ck_assert_ptr_nonnull(ask(&back, "298"));
    ck_assert_ptr_nonnull(ask(&fresh, ""));
    turn();
    ck_assert_uint_eq(events_streams(events), 2);
    add(301, 0);
    turn();
    events_destroy(events); /* ends the streams, so that the client sees all */
    events = events_create(loop);
    turn();
    ck_assert(back.done && fresh.done);
    ck_assert_uint_eq(times(&back.body, "id: "), 3);
    ck_assert_uint_eq(times(&back.body, "id: 299\n"), 1);
    ck_assert_uint_eq(times(&back.body, "id: 301\n"), 1);
    ck_assert_uint_eq(times(&fresh.body, "id: "), 1);
    vpr_buf_finish(&back.body);
    vpr_buf_finish(&fresh.body);
}
END_TEST

START_TEST(the_ring_keeps_256_blocks)
{
    struct answer all;

    for (uint64_t h = 1; h <= 300; h++) {
        add(h, 0);
    }
    ck_assert_ptr_nonnull(ask(&all, "0"));
    turn();
    events_destroy(events);
    events = events_create(loop);
    turn();
    ck_assert(all.done);
    ck_assert_uint_eq(all.status, 200);
    ck_assert_uint_eq(times(&all.body, "id: "), EVENTS_RING_BLOCKS);
    ck_assert_uint_eq(times(&all.body, "id: 44\n"), 0);
    ck_assert_uint_eq(times(&all.body, "id: 45\n"), 1);
    vpr_buf_finish(&all.body);
}
END_TEST

START_TEST(the_65th_stream_is_refused_and_places_come_back)
{
    struct answer answers[EVENTS_STREAMS_MAX + 1];
    struct vpr_http_exchange *under_way[EVENTS_STREAMS_MAX + 1];

    for (size_t i = 0; i <= EVENTS_STREAMS_MAX; i++) {
        under_way[i] = ask(&answers[i], "");
        turn();
    }
    ck_assert_uint_eq(events_streams(events), EVENTS_STREAMS_MAX);
    ck_assert(answers[EVENTS_STREAMS_MAX].done);
    ck_assert_uint_eq(answers[EVENTS_STREAMS_MAX].status, 429);
    ck_assert_ptr_nonnull(strstr(answers[EVENTS_STREAMS_MAX].body.data, "\"code\":8"));
    vpr_http_client_cancel(under_way[0]);
    turn();
    struct answer next;
    ck_assert_ptr_nonnull(ask(&next, ""));
    turn();
    ck_assert(!next.done);
    ck_assert_uint_eq(events_streams(events), EVENTS_STREAMS_MAX);
    for (size_t i = 0; i <= EVENTS_STREAMS_MAX; i++) {
        vpr_buf_finish(&answers[i].body);
    }
    vpr_buf_finish(&next.body);
}
END_TEST

/* ---- the text of a block ---- */

static struct vpr_event made[2] = {
    {"session.opened", 1, {{"number", "7"}}},
    {"bank.send", 2, {{"from", "a\"b"}, {"amount", "5"}}},
};

START_TEST(a_blocks_text_is_one_event_of_valid_json)
{
    const struct vpr_event *const list[] = {&made[0], &made[1]};
    const struct vpr_tx_result txs[] = {
        {.code = VPR_OK, .event_first = 0, .event_count = 1},
        {.code = VPR_NO_FUNDS, .event_first = 1, .event_count = 1}};
    const struct vpr_app_result result = {.txs = txs, .tx_count = 2, .events = list};
    const struct vpr_hash hashes[] = {{{0xab}}, {{0xcd}}};
    const struct bridge_committed block = {.height = 12, .time_s = 99, .result = &result,
                                           .tx_hashes = hashes};
    struct vpr_buf text;
    struct vpr_bytes value;
    char word[64];
    size_t len;

    events_block_text(&text, &block, 3);
    ck_assert_int_eq(strncmp(text.data, "id: 12\nevent: block\ndata: {", 27), 0);
    ck_assert_str_eq(text.data + text.len - 3, "}\n\n");
    const char *data = strstr(text.data, "data: ") + 6;
    struct vpr_bytes json = vpr_bytes_of(data, strlen(data) - 2);
    ck_assert(vpr_json_check(json, NULL));
    ck_assert_ptr_null(memchr(json.data, '\n', json.len)); /* or the event would end there */
    ck_assert(vpr_json_at(&value, json, "/txs/1/events/0/attributes/from"));
    ck_assert(vpr_json_text(word, sizeof word, &len, value));
    ck_assert_str_eq(word, "a\"b");
    ck_assert(vpr_json_at(&value, json, "/txs/1/code"));
    ck_assert_mem_eq(value.data, "10", 2);
    ck_assert(vpr_json_at(&value, json, "/txs/0/events/0/attributes/number"));
    ck_assert(vpr_json_at(&value, json, "/session"));
    ck_assert_mem_eq(value.data, "\"3\"", 3);
    vpr_buf_finish(&text);
}
END_TEST

START_TEST(a_block_too_large_is_told_without_its_events)
{
    static char big[100000];
    static struct vpr_event event = {"e", 1, {{"k", big}}};
    static const struct vpr_event *list[60];
    const struct vpr_tx_result tx = {.code = VPR_OK, .event_count = VPR_COUNT(list)};
    const struct vpr_hash hash = {{0xab}};
    const struct vpr_app_result result = {.txs = &tx, .tx_count = 1, .events = list};
    const struct bridge_committed block = {.height = 12, .result = &result, .tx_hashes = &hash};
    struct vpr_buf text;

    memset(big, 'x', sizeof big - 1);
    for (size_t i = 0; i < VPR_COUNT(list); i++) {
        list[i] = &event;
    }
    events_block_text(&text, &block, 3);
    ck_assert_uint_lt(text.len, 1000);
    ck_assert_ptr_nonnull(strstr(text.data, "\"cut\":true"));
    ck_assert_int_eq(strncmp(text.data, "id: 12\n", 7), 0);
    vpr_buf_finish(&text);
}
END_TEST

Suite *suite_events(void)
{
    Suite *s = suite_create("events");
    TCase *t = tcase_create("streams");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_reader_gets_what_it_missed);
    tcase_add_test(t, the_ring_keeps_256_blocks);
    tcase_add_test(t, the_65th_stream_is_refused_and_places_come_back);
    suite_add_tcase(s, t);
    TCase *text = tcase_create("text");
    tcase_add_test(text, a_blocks_text_is_one_event_of_valid_json);
    tcase_add_test(text, a_block_too_large_is_told_without_its_events);
    suite_add_tcase(s, text);
    return s;
}
