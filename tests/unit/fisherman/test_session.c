#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/http_client.h"
#include "app/host/log.h"
#include "tests/unit/fisherman/pond.h"

static struct pond *pond;
static struct vpr_loop *loop;
static struct vpr_keyring *ring;
static struct vpr_key *key;
static struct vpr_fisherman *fisherman;
static struct vpr_fisherman_conf conf;
static const char *home;

static void set_up(void)
{
    const struct vpr_key_wish wish = {"operator", VPR_KEYRING_OPERATOR, VPR_KEYRING_SECP256K1, 0};
    struct vpr_key_info info;
    struct vpr_err err;

    vpr_sig_init();
    vpr_log_setup(getenv("FISHERMAN_TEST_LOG") != NULL ? VPR_LOG_DEBUG : VPR_LOG_ERROR, 2);
    home = temp_dir();
    ck_assert_int_eq(vpr_keyring_open(&ring, home, "test", NULL, &err), VPR_OK);
    ck_assert_int_eq(vpr_keyring_create(ring, &wish, &info, &err), VPR_OK);
    const unsigned kinds = VPR_KEYRING_MASK(VPR_KEYRING_OPERATOR);
    ck_assert_int_eq(vpr_keyring_load(&key, ring, "operator", kinds, &err), VPR_OK);
    loop = vpr_loop_create();
    pond = vpr_mem_alloc(sizeof *pond);
    pond_open(pond, loop, key);
    conf = (struct vpr_fisherman_conf){.node = pond->node_url, .fisherman = "",
                                       .operator_key = "operator", .keyring_backend = "test",
                                       .passphrase_file = "",
                                       .corpus_dir = SOURCE_ROOT "/deploy/corpus",
                                       .samples_target = 40, .allow_private_peers = true,
                                       .metrics_listen = "127.0.0.1:0", .log_level = "info"};
}

static void wake(void)
{
    struct vpr_err err;

    if (vpr_fisherman_create(&fisherman, loop, &conf, home, key, &err) != VPR_OK) {
        ck_abort_msg("%s", err.text);
    }
}

/* As kill -9 leaves it: what is on disk, nothing else. */
static void kill_it(void)
{
    vpr_fisherman_destroy(fisherman);
    fisherman = NULL;
}

static void tear_down(void)
{
    kill_it();
    pond_close(pond);
    vpr_mem_free(pond);
    vpr_loop_destroy(loop);
    vpr_key_close(key);
    vpr_keyring_close(ring);
}

static uint64_t last_of(uint64_t session)
{
    return pond_first(session + 1) - 1;
}

/* The card of a whole session of the five servicers of the pond. A busy machine makes any of
 * them answer late now and then, but none as late as the slow one. */
static void check_card(const struct pond_card *card, uint64_t sent_min)
{
    for (uint32_t i = 0; i < SEATS; i++) {
        const struct vpr_card_line *line = &card->card.lines[i];
        ck_assert_uint_ge(line->sent, sent_min);
        ck_assert_uint_ge(line->checked, 5);
        if (i == 4) {
            ck_assert_uint_lt(line->correct, line->checked / 4); /* 20 behind */
        } else {
            ck_assert_uint_ge(line->correct, line->checked - line->checked / 10);
        }
        ck_assert_uint_le(line->p90_ms, card->card.lines[3].p90_ms);
    }
    ck_assert_uint_ge(card->card.lines[3].p90_ms, POND_SLOW_MS);
    ck_assert_uint_gt(card->card.lines[0].refused, 0);
    ck_assert_uint_lt(card->card.lines[1].answered, card->card.lines[1].sent);
    ck_assert_uint_eq(card->card.lines[2].answered, card->card.lines[2].sent);
}

/* The pond's blocks come by the clock, so what is on its way at a session's last block arrives late
 * on a busy machine: a few; a fisherman that goes on after the session sends them all. */
static void check_in_time(void)
{
    uint64_t samples = 0;

    for (size_t i = 0; i < POND_SESSIONS; i++) {
        samples += pond->samples[i];
    }
    ck_assert_uint_le(pond->late, samples / 20);
}

START_TEST(a_session_is_sampled_reported_and_revealed)
{
    char path[VPR_BOOK_PATH_MAX], dir[300];

    wake();
    pond_until(pond, last_of(3));
    ck_assert_str_eq(pond->fault, "");
    ck_assert(pond->cards[1].sealed);
    ck_assert(pond->cards[1].revealed);
    ck_assert_uint_eq(pond->cards[1].reports, 1);
    check_card(&pond->cards[1], 36); /* 40, less what a busy machine loses at both ends */
    check_in_time();
    for (uint32_t i = 0; i < SEATS; i++) { /* 5 % of 50,000 CU among three */
        ck_assert_uint_le(pond->spent_cu[1][i], 833);
        ck_assert_uint_le(pond->cards[1].card.lines[i].sent, 50);
    }
    /* Settled: nothing of session 0 is left on the disk. */
    snprintf(dir, sizeof dir, "%s/samples", home);
    vpr_book_path(path, dir, 0);
    ck_assert(!vpr_file_exists(path));
    vpr_book_path(path, dir, 2);
    ck_assert(vpr_file_exists(path));
}
END_TEST

/* Killed while it samples, before it seals, between report and reveal, and while it reveals. */
START_TEST(a_killed_fisherman_goes_on_where_it_was)
{
    wake();
    pond_until(pond, pond_first(1) + 5);
    kill_it();
    wake();
    pond_until(pond, last_of(1) - 1);
    kill_it();
    pond_until(pond, pond_first(2) + 1);
    wake();
    pond_until(pond, last_of(2) - 2);
    ck_assert(pond->cards[1].sealed);
    const struct vpr_hash seal = pond->cards[1].seal;
    kill_it();
    pond_until(pond, pond_first(3) + 1);
    wake();
    pond_until(pond, pond_first(3) + 4);
    kill_it();
    wake();
    pond_until(pond, last_of(3));
    ck_assert_str_eq(pond->fault, "");
    ck_assert(vpr_hash_equal(&seal, &pond->cards[1].seal));
    ck_assert(pond->cards[1].revealed);
    check_card(&pond->cards[1], 12);
    check_in_time();
}
END_TEST

/* Three of five are 20 behind: by each other the two good ones would be the wrong ones. */
START_TEST(a_trusted_backend_decides)
{
    char url[128];
    struct vpr_fisherman_chain chain = {"0001", url, ""};

    snprintf(url, sizeof url, "%s/trusted", pond->gate_url);
    conf.chains = &chain;
    conf.chain_count = 1;
    pond->most_stale = true;
    wake();
    pond_until(pond, last_of(2));
    ck_assert_str_eq(pond->fault, "");
    ck_assert_uint_gt(pond->trusted, 20);
    ck_assert(pond->cards[0].revealed);
    for (uint32_t i = 0; i < SEATS; i++) {
        const struct vpr_card_line *line = &pond->cards[0].card.lines[i];
        ck_assert_uint_ge(line->checked, 5);
        if (i < 2) {
            ck_assert_uint_ge(line->correct + 1, line->checked);
        } else {
            ck_assert_uint_lt(line->correct + 5, line->checked); /* every head is wrong */
        }
    }
}
END_TEST

START_TEST(where_nobody_committed_nothing_is_revealed)
{
    pond->uncommitted = true;
    wake();
    pond_until(pond, last_of(2));
    ck_assert_str_eq(pond->fault, "");
    ck_assert(pond->cards[0].sealed);
    ck_assert(!pond->cards[0].revealed);
}
END_TEST

/* Presence is told all the same: a report card without entries. */
START_TEST(a_gateway_that_is_down_costs_nobody_anything)
{
    pond->down = true;
    wake();
    pond_until(pond, pond_first(1) + 10);
    ck_assert_str_eq(pond->fault, "");
    ck_assert(!pond->cards[0].sealed);
    ck_assert_uint_ge(pond->tx_count, 1);
    ck_assert_uint_eq(pond->txs[0].code, 0);
}
END_TEST

/* Without a shadow_url, or with a reserve below one request: no samples, and a report card that
 * says "nothing seen". */
START_TEST(a_requestor_that_grants_nothing_is_not_sampled)
{
    pond->no_url = _i == 0;
    for (size_t s = 0; s < POND_SESSIONS && _i == 1; s++) {
        pond->benches[s].terms.quota_cu = 119; /* 5 CU, 1 each; a request costs 2 on average */
    }
    wake();
    pond_until(pond, pond_first(1) + 10);
    ck_assert_str_eq(pond->fault, "");
    ck_assert_uint_eq(pond->samples[0] + pond->samples[1], 0);
    ck_assert(!pond->cards[0].sealed);
    ck_assert_uint_ge(pond->tx_count, 1);
    ck_assert_uint_eq(pond->txs[0].code, 0);
}
END_TEST

START_TEST(another_corpus_than_the_chains_is_not_used)
{
    pond->wrong_corpus = true;
    wake();
    pond_until(pond, pond_first(1) + 4);
    ck_assert_uint_eq(pond->samples[0] + pond->samples[1], 0);
}
END_TEST

/* SSRF: a shadow_url on the local network is not called unless the operator says so. */
START_TEST(a_private_shadow_url_is_not_called)
{
    conf.allow_private_peers = false;
    wake();
    pond_until(pond, pond_first(1) + 4);
    ck_assert_uint_eq(pond->samples[0] + pond->samples[1], 0);
}
END_TEST

/* A full disk, say: the session is not lost with it. */
START_TEST(a_book_that_cannot_be_opened_is_tried_again)
{
    char path[VPR_BOOK_PATH_MAX], dir[300];
    struct vpr_err err;

    snprintf(dir, sizeof dir, "%s/samples", home);
    vpr_book_path(path, dir, 1);
    ck_assert_int_eq(vpr_dir_make(path, 0700, &err), VPR_OK);
    wake();
    pond_until(pond, pond_first(1) + 2);
    ck_assert_uint_eq(pond->samples[1], 0);
    ck_assert_int_eq(rmdir(path), 0);
    pond_until(pond, last_of(2) - 2);
    ck_assert_uint_gt(pond->samples[1], 0);
    ck_assert(pond->cards[1].sealed);
}
END_TEST

/* A machine comes back: the fisherman meets a node that is still behind, then hurries. */
START_TEST(a_book_is_found_though_the_node_was_behind)
{
    wake();
    pond_until(pond, last_of(1));
    kill_it();
    pond->height = 3;
    wake();
    pond_until(pond, 6);
    pond->height = pond_first(2);
    pond_until(pond, last_of(2) - 2);
    ck_assert(pond->cards[1].sealed);
    ck_assert_str_eq(pond->fault, "");
}
END_TEST

static void keep_body(void *arg, const struct vpr_http_result *result)
{
    vpr_buf_add(arg, result->body.data, result->body.len);
}

/* The metrics page as it is now. */
static void read_page(struct vpr_buf *page)
{
    char url[64];
    struct vpr_http_client *client = NULL;
    const struct vpr_http_client_config config = {.allow_private = true};
    struct vpr_err err;

    snprintf(url, sizeof url, "http://127.0.0.1:%d/metrics",
             vpr_fisherman_metrics_port(fisherman));
    ck_assert_int_eq(vpr_http_client_create(&client, loop, &config, &err), VPR_OK);
    vpr_buf_init(page, 256 * 1024);
    const struct vpr_http_call call = {.url = vpr_bytes_str(url)};
    vpr_http_client_start(client, &call, keep_body, page);
    pond_until(pond, pond->height + 2);
    vpr_buf_char(page, '\0');
    vpr_http_client_destroy(client);
}

START_TEST(metrics_tell_what_was_done)
{
    struct vpr_buf page;

    wake();
    pond_until(pond, pond_first(2) + 6);
    read_page(&page);
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_samples_total{answer=\"answered\"}"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_cards_total{step=\"reported\"} 2"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_node_connected 1"));
    ck_assert_ptr_nonnull(
        strstr(page.data, "viper_fisherman_operator_balance_uvipr 1000000\n"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_disk_free_bytes "));
    ck_assert_ptr_null(strstr(page.data, "viper_fisherman_disk_free_bytes 0\n"));
    ck_assert_ptr_null(strstr(page.data, "verdicts_total{verdict=\"wrong\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_sids_beyond 0\n"));
    vpr_buf_finish(&page);
}
END_TEST

/* It samples what a report card holds, says how many more there are, and the card is taken. */
START_TEST(more_sids_than_one_fisherman_samples)
{
    struct vpr_buf page;

    pond->crowd = 1100;
    wake();
    pond_until(pond, pond_first(1) + 6);
    read_page(&page);
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_sids 256\n"));
    ck_assert_ptr_nonnull(strstr(page.data, "viper_fisherman_sids_beyond 845\n"));
    vpr_buf_finish(&page);
    pond_until(pond, pond_first(2) + 6);
    ck_assert_str_eq(pond->fault, "");
    ck_assert(pond->cards[1].sealed);
}
END_TEST

static void keep_status(void *arg, const struct vpr_http_result *result)
{
    snprintf(arg, 512, "%u %.*s", result->status, (int)result->body.len,
             (const char *)result->body.data);
}

static void health(char text[512])
{
    struct vpr_http_client *client = NULL;
    const struct vpr_http_client_config config = {.allow_private = true};
    struct vpr_err err;
    char url[64];

    snprintf(url, sizeof url, "http://127.0.0.1:%d/health",
             vpr_fisherman_metrics_port(fisherman));
    ck_assert_int_eq(vpr_http_client_create(&client, loop, &config, &err), VPR_OK);
    const struct vpr_http_call call = {.url = vpr_bytes_str(url)};
    text[0] = '\0';
    vpr_http_client_start(client, &call, keep_status, text);
    pond_until(pond, pond->height + 1);
    vpr_http_client_destroy(client);
}

/* Healthy is who samples, not who has a port open. */
START_TEST(health_is_of_a_fisherman_that_samples)
{
    char text[512];

    pond->epoch_s = vpr_wall_ms() / 1000;
    wake();
    pond_until(pond, last_of(1) - 4);
    health(text);
    ck_assert_str_eq(text, "200 {\"status\":\"ok\",\"reasons\":[]}\n");
    pond->down = true;
    pond_until(pond, last_of(2) - 3);
    health(text);
    ck_assert_msg(strncmp(text, "503 ", 4) == 0 &&
                      strstr(text, "\"reasons\":[\"seats, but no sample for ") != NULL,
                  "%s", text);
}
END_TEST

Suite *suite_session(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_session_is_sampled_reported_and_revealed);
    tcase_add_test(tests, a_killed_fisherman_goes_on_where_it_was);
    tcase_add_test(tests, a_trusted_backend_decides);
    tcase_add_test(tests, where_nobody_committed_nothing_is_revealed);
    tcase_add_test(tests, a_gateway_that_is_down_costs_nobody_anything);
    tcase_add_loop_test(tests, a_requestor_that_grants_nothing_is_not_sampled, 0, 2);
    tcase_add_test(tests, another_corpus_than_the_chains_is_not_used);
    tcase_add_test(tests, a_private_shadow_url_is_not_called);
    tcase_add_test(tests, a_book_that_cannot_be_opened_is_tried_again);
    tcase_add_test(tests, a_book_is_found_though_the_node_was_behind);
    tcase_add_test(tests, metrics_tell_what_was_done);
    tcase_add_test(tests, more_sids_than_one_fisherman_samples);
    tcase_add_test(tests, health_is_of_a_fisherman_that_samples);
    suite_add_tcase(suite, tests);
    return suite;
}
