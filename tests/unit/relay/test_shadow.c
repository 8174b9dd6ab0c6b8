/* The fishermen's door: who may, what may, and that no servicer can tell. */
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "relay/wire.h"
#include "tests/unit/relay/gate.h"

#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":[]}"
#define BLOCK(h) \
    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"block\",\"params\":[\"" h "\"]}"

static struct gate g;

static void note_status(void *arg, const struct vpr_http_result *result)
{
    struct got *got = arg;

    got->status = result->status;
    got->done = true;
}

static void heads(const char *result)
{
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.servicers[i].result = result;
    }
}

static uint64_t outcomes(enum vpr_meter_shadow what)
{
    return vpr_metric_get(g.metrics, VPR_METER_SHADOW, what, 0);
}

/* The fisherman gets all it needs to prove what happened: token, request part, receipt. */
START_TEST(a_sample_comes_back_with_its_proof)
{
    static struct got got;
    struct vpr_signed_request request;
    struct vpr_receipt receipt;
    struct vpr_token token;

    gate_open(&g, NULL);
    gate_shoot(&g, &got, &(struct shot){.servicer = 1, .nonce = 5, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(got.viper_status, "200");
    ck_assert_str_eq(got.body, " {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"ok\"}\n");
    ck_assert(vpr_wire_token_parse(&token, vpr_bytes_str(got.token)));
    ck_assert(vpr_token_verify(&token, &g.gateway_key.key));
    ck_assert(vpr_wire_relay_parse(&request, vpr_bytes_str(got.relay)));
    ck_assert(vpr_request_verify(&request.part, &request.signature));
    ck_assert(vpr_hash_equal(&request.part.sid, &g.panel->sid));
    ck_assert(vpr_hash_equal(&request.part.client_key, &token.client_key));
    ck_assert(vpr_address_equal(&request.part.servicer, &g.panel->seats[1].id));
    ck_assert(vpr_wire_receipt_parse(&receipt, vpr_bytes_str(got.receipt)));
    ck_assert(vpr_receipt_verify(&receipt, &g.servicers[1].relay.key));
    const struct vpr_hash res = vpr_res_hash(200, vpr_bytes_str(got.body));
    ck_assert(vpr_hash_equal(&receipt.res, &res));
    ck_assert_str_eq(got.refusal, "");
    ck_assert_uint_eq(g.servicers[1].seen_count, 1);
    ck_assert_uint_eq(gate_seen(&g), 1);
    ck_assert_uint_eq(g.panel->seats[1].tab.accepted_cu, 1); /* it counts like any answer */
    gate_close(&g);
}
END_TEST

/* Samples and traffic, mixed and side by side: at the servicer the same headers in the same
 * order with the same values, the same connections, key and token, one seq. */
START_TEST(no_servicer_can_tell_a_sample_from_traffic)
{
    static struct got gots[3];
    bool sample[256] = {false};
    size_t samples = 0;
    struct servicer *s = &g.servicers[1];

    gate_open(&g, NULL);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.panel->seats[i].tab.full = i != 1; /* all traffic to the one we look at */
    }
    for (uint64_t i = 0; i < 40; i++) {
        const size_t before = s->seen_count;
        if (i % 4 == 1) {
            gate_shoot(&g, &gots[0], &(struct shot){.fisher = i % 2, .servicer = 1,
                                                    .nonce = i, .body = STATUS});
            ck_assert_uint_eq(gots[0].status, 200);
            sample[before] = true;
            samples++;
        } else if (i % 4 == 2) { /* both at one time */
            s->delay_ms = 10;
            gate_start(&g, &gots[1], "POST", "/v1/0001", STATUS);
            gate_shoot_start(&g, &gots[2], &(struct shot){.servicer = 1, .nonce = i,
                                                          .body = STATUS});
            gate_until(&g, &gots[1].done);
            gate_until(&g, &gots[2].done);
            s->delay_ms = 0;
            ck_assert_uint_eq(gots[2].status, 200);
        } else {
            gate_post(&g, &gots[0], STATUS);
            ck_assert_uint_eq(gots[0].status, 200);
        }
    }
    ck_assert_uint_ge(samples, 10);
    ck_assert_uint_eq(s->seen_count, 50);
    size_t sample_peers = 0;
    for (size_t i = 0; i < s->seen_count; i++) {
        const struct seen *a = &s->seen[i];
        const struct vpr_request *part = &a->request.part;
        ck_assert_uint_eq(part->seq, i + 1);
        ck_assert(vpr_hash_equal(&part->client_key, &s->seen[0].request.part.client_key));
        ck_assert_str_eq(a->target, s->seen[0].target);
        ck_assert_str_eq(a->body, s->seen[0].body);
        if (i > 0) {
            ck_assert_str_eq(a->names, s->seen[1].names);
            ck_assert_str_eq(a->values, s->seen[1].values);
            ck_assert(!a->token);
        }
        /* Samples have no connection of their own. */
        for (size_t j = 0; sample[i] && j < s->seen_count; j++) {
            if (!sample[j] && strcmp(a->peer, s->seen[j].peer) == 0) {
                sample_peers++;
                break;
            }
        }
    }
    ck_assert_uint_eq(sample_peers, samples);
    gate_close(&g);
}
END_TEST

/* First contact by a sample carries the token just as a client's would. */
START_TEST(first_contact_may_be_a_sample)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_shoot(&g, &got, &(struct shot){.servicer = 0, .nonce = 1, .body = STATUS});
    g.panel->seats[0].tab.full = g.panel->seats[2].tab.full = true;
    gate_post(&g, &got, STATUS);
    ck_assert_str_eq(g.servicers[0].seen[0].names, g.servicers[1].seen[0].names);
    ck_assert_str_eq(g.servicers[0].seen[0].values, g.servicers[1].seen[0].values);
    ck_assert(g.servicers[0].seen[0].token && g.servicers[1].seen[0].token);
    gate_close(&g);
}
END_TEST

/* A signed refusal is worth as much as an answer: it comes back, and nothing else. */
START_TEST(a_signed_refusal_comes_back)
{
    static struct got got;
    struct vpr_refusal refusal;

    gate_open(&g, NULL);
    g.servicers[0].manner = REFUSE;
    g.servicers[0].reason = VPR_REFUSED_QUOTA;
    gate_shoot(&g, &got, &(struct shot){.nonce = 1, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    ck_assert(vpr_wire_refusal_parse(&refusal, vpr_bytes_str(got.refusal)));
    ck_assert(vpr_refusal_verify(&refusal, &g.servicers[0].relay.key));
    ck_assert_uint_eq(refusal.reason, VPR_REFUSED_QUOTA);
    ck_assert_str_eq(got.receipt, "");
    ck_assert_str_eq(got.viper_status, "");
    ck_assert_uint_eq(got.body_len, 0);
    ck_assert_uint_eq(gate_seen(&g), 1);
    gate_close(&g);
}
END_TEST

/* A servicer that hears of the session later than we do, by seconds on a busy machine, is
 * waited for, and not left alone by others meanwhile; with a sample just as with traffic. It
 * says 503 while it reads the session, and 403 (membership) before it saw its first block. */
START_TEST(a_session_that_opens_is_waited_for)
{
    static struct got got;

    gate_open(&g, NULL);
    g.panel->made_ms = vpr_mono_ms() - 4000;
    g.servicers[0].opening = 5;
    g.servicers[0].opening_status = _i % 2 == 0 ? 503 : 403;
    if (_i < 2) {
        gate_shoot(&g, &got, &(struct shot){.nonce = 1, .body = STATUS});
    } else {
        g.panel->seats[1].tab.full = g.panel->seats[2].tab.full = true;
        gate_post(&g, &got, STATUS);
    }
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_ne(got.receipt, "");
    ck_assert_uint_eq(gate_seen(&g), 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(g.servicers[0].seen[i].request.part.seq, i + 1);
    }
    ck_assert_uint_eq(vpr_metric_get(g.metrics, VPR_METER_RESENDS, 2, 0), 5);
    ck_assert_uint_eq(g.panel->seats[0].health->pause_until_ms, 0);
    /* After five times, and later in the session, a refusal is what it is. */
    g.panel->made_ms = vpr_mono_ms();
    g.servicers[0].opening = 6;
    gate_shoot(&g, &got, &(struct shot){.nonce = 2, .body = STATUS});
    ck_assert_str_eq(got.receipt, "");
    ck_assert_uint_eq(gate_seen(&g), 12);
    g.panel->made_ms = 1;
    g.servicers[0].opening = 1;
    gate_shoot(&g, &got, &(struct shot){.nonce = 3, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(got.receipt, "");
    ck_assert_uint_eq(gate_seen(&g), 13);
    gate_close(&g);
}
END_TEST

/* No answer that holds: the request part alone says that it was sent.  Nobody else is asked. */
START_TEST(a_failed_sample_is_not_tried_elsewhere)
{
    static const enum manner manners[] = {TAMPER_BODY, WRONG_KEY, BARE, REFUSE_BADLY};
    static struct got got;
    struct vpr_signed_request request;

    gate_open(&g, NULL);
    gate_all(&g, manners[_i]);
    gate_shoot(&g, &got, &(struct shot){.servicer = 2, .nonce = 1, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    ck_assert(vpr_wire_relay_parse(&request, vpr_bytes_str(got.relay)));
    ck_assert_str_eq(got.receipt, "");
    ck_assert_str_eq(got.refusal, "");
    ck_assert_uint_eq(got.body_len, 0);
    ck_assert_uint_eq(gate_seen(&g), 1);
    ck_assert_uint_eq(g.servicers[2].seen_count, 1);
    gate_close(&g);
}
END_TEST

static void refused(const struct shot *shot, enum vpr_meter_shadow why)
{
    static struct got got;
    char reason[64];
    const uint64_t before = outcomes(why);
    const size_t seen = gate_seen(&g);

    gate_shoot(&g, &got, shot);
    snprintf(reason, sizeof reason, "\"reason\":\"%s\"", vpr_shadow_reason(why));
    ck_assert_msg(strstr(got.body, reason) != NULL, "%s: %s", reason, got.body);
    ck_assert_uint_ge(got.status, 400);
    ck_assert_str_eq(got.relay, "");
    ck_assert_uint_eq(outcomes(why), before + 1);
    ck_assert_uint_eq(gate_seen(&g), seen);
}

/* A nonce is good once, also when the request it came with was refused after its signature. */
START_TEST(a_nonce_is_good_once)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_shoot(&g, &got, &(struct shot){.nonce = 9, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    refused(&(struct shot){.nonce = 9, .body = STATUS}, VPR_SHADOW_NONCE);
    refused(&(struct shot){.nonce = 9, .servicer = 1, .body = STATUS}, VPR_SHADOW_NONCE);
    /* The other fisherman's nonces are its own. */
    gate_shoot(&g, &got, &(struct shot){.fisher = 1, .nonce = 9, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    /* A stranger cannot use up a fisherman's numbers. */
    refused(&(struct shot){.nonce = 10, .body = STATUS, .spoil = true}, VPR_SHADOW_SIGNATURE);
    gate_shoot(&g, &got, &(struct shot){.nonce = 10, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    refused(&(struct shot){.nonce = 11, .body = "{}"}, VPR_SHADOW_CORPUS);
    refused(&(struct shot){.nonce = 11, .body = STATUS}, VPR_SHADOW_NONCE);
    gate_close(&g);
}
END_TEST

/* It is no proxy: what no template covers is not relayed. */
START_TEST(only_the_corpus_is_relayed)
{
    static const char *const bodies[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"net_info\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":[1]}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":{\"x\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":[],\"extra\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"broadcast_tx_sync\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"status\",\"params\":[]}",
        "[" STATUS "]",
        "",
        "status",
        BLOCK("x"),
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"block\",\"params\":[5]}",
        BLOCK("3000"),
        BLOCK("3"),
        BLOCK("0"),
    };
    static struct got got;

    gate_open(&g, NULL);
    heads("{\"height\":\"2000\"}");
    gate_post(&g, &got, STATUS); /* heights are known from traffic, too */
    for (uint64_t i = 0; i < VPR_COUNT(bodies); i++) {
        refused(&(struct shot){.nonce = i, .body = bodies[i]}, VPR_SHADOW_CORPUS);
    }
    refused(&(struct shot){.nonce = 100, .body = STATUS, .path = "/x"}, VPR_SHADOW_CORPUS);
    refused(&(struct shot){.nonce = 101, .body = STATUS, .method = "PUT"}, VPR_SHADOW_CORPUS);
    refused(&(struct shot){.nonce = 102, .body = "", .method = "DELETE", .path = "/status"},
            VPR_SHADOW_CORPUS);
    gate_shoot(&g, &got, &(struct shot){.nonce = 103, .body = BLOCK("1990")});
    ck_assert_uint_eq(got.status, 200);
    gate_shoot(&g, &got, &(struct shot){.nonce = 104, .body = "", .method = "GET",
                                        .path = "/status"});
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(got.body, "plain: ");
    g.panel->corpus = NULL;
    refused(&(struct shot){.nonce = 105, .body = STATUS}, VPR_SHADOW_CORPUS);
    gate_close(&g);
}
END_TEST

/* Before any height is known, templates with heights have to wait; the sample of a head
 * method makes it known. */
START_TEST(heights_are_learnt_from_head_answers)
{
    static struct got got;

    gate_open(&g, NULL);
    heads("{\"height\":\"2000\"}");
    refused(&(struct shot){.nonce = 1, .body = BLOCK("1990")}, VPR_SHADOW_HEAD);
    gate_shoot(&g, &got, &(struct shot){.nonce = 2, .body = STATUS});
    ck_assert_uint_eq(vpr_panel_head(g.panel, vpr_mono_ms()), 2000);
    gate_shoot(&g, &got, &(struct shot){.nonce = 3, .body = BLOCK("1990")});
    ck_assert_uint_eq(got.status, 200);
    gate_close(&g);
}
END_TEST

/* Who was not drawn has no say: wrong session, stranger, servicer of another bench. */
START_TEST(only_who_was_drawn)
{
    struct vpr_hash sid = vpr_sha256("x", 1);
    struct vpr_address nobody = {{7}};
    struct fisher stranger;

    gate_open(&g, NULL);
    refused(&(struct shot){.nonce = 1, .body = STATUS, .sid = &sid}, VPR_SHADOW_SESSION);
    refused(&(struct shot){.nonce = 1, .body = STATUS, .to = &nobody}, VPR_SHADOW_SERVICER);
    stranger = g.fishers[0];
    memset(g.fishers[0].secret.b, 77, sizeof g.fishers[0].secret.b);
    ck_assert(vpr_secp256k1_public(g.fishers[0].key, &g.fishers[0].secret));
    refused(&(struct shot){.nonce = 1, .body = STATUS}, VPR_SHADOW_FISHERMAN);
    g.fishers[0] = stranger;
    g.closed = true;
    refused(&(struct shot){.nonce = 1, .body = STATUS}, VPR_SHADOW_SESSION);
    gate_close(&g);
}
END_TEST

/* 5 % of each quota, divided among the fishermen; one cannot use another's part, and traffic
 * does not eat into it. */
START_TEST(each_fisherman_has_its_part_of_the_reserve)
{
    const struct gate_wish wish = {.quota_cu = 160}; /* reserve 8, each 4 */
    static struct got got;
    uint64_t nonce = 0;

    gate_open(&g, &wish);
    ck_assert_uint_eq(g.panel->grant_cu, 4);
    for (int i = 0; i < 4; i++) {
        gate_shoot(&g, &got, &(struct shot){.nonce = nonce++, .body = STATUS});
        ck_assert_uint_eq(got.status, 200);
    }
    refused(&(struct shot){.nonce = nonce++, .body = STATUS}, VPR_SHADOW_SHARE);
    for (int i = 0; i < 4; i++) { /* another servicer's reserve is another's */
        gate_shoot(&g, &got, &(struct shot){.servicer = 1, .nonce = nonce++, .body = STATUS});
        ck_assert_uint_eq(got.status, 200);
    }
    /* Traffic up to its end: 3 * (160 - 8); then the other fisherman still has its four. */
    int answered = 0;
    do {
        gate_post(&g, &got, STATUS);
        answered += got.status == 200 ? 1 : 0;
    } while (got.status == 200);
    ck_assert_uint_eq(got.status, 429);
    ck_assert_int_eq(answered, 3 * 152);
    for (int i = 0; i < 4; i++) {
        gate_shoot(&g, &got, &(struct shot){.fisher = 1, .nonce = nonce++, .body = STATUS});
        ck_assert_uint_eq(got.status, 200);
        ck_assert_str_ne(got.receipt, "");
    }
    refused(&(struct shot){.fisher = 1, .nonce = nonce++, .body = STATUS}, VPR_SHADOW_SHARE);
    gate_close(&g);
}
END_TEST

static void many_shots(struct got *gots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        gate_shoot_start(&g, &gots[i], &(struct shot){.servicer = i % 2, .nonce = i,
                                                      .body = STATUS});
    }
    for (int i = 0; i < 500 && gate_seen(&g) < count; i++) {
        gate_for_ms(&g, 10);
    }
    ck_assert_uint_eq(gate_seen(&g), count);
}

/* 64 samples of a fisherman at one time; the other one, and the servicer, are as before. */
START_TEST(a_fisherman_has_64_samples_under_way)
{
    static struct got gots[VPR_SHADOW_LIVE_MAX], got;

    gate_open(&g, NULL);
    g.servicers[0].manner = g.servicers[1].manner = HOLD;
    many_shots(gots, VPR_SHADOW_LIVE_MAX);
    refused(&(struct shot){.servicer = 2, .nonce = 100, .body = STATUS}, VPR_SHADOW_BUSY);
    gate_shoot(&g, &got, &(struct shot){.fisher = 1, .servicer = 2, .nonce = 100,
                                        .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    gate_release(&g.servicers[0]);
    gate_release(&g.servicers[1]);
    for (size_t i = 0; i < VPR_SHADOW_LIVE_MAX; i++) {
        gate_until(&g, &gots[i].done);
        ck_assert_uint_eq(gots[i].status, 200);
    }
    /* A refusal took neither the nonce nor a part of the share. */
    gate_shoot(&g, &got, &(struct shot){.servicer = 2, .nonce = 100, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    gate_close(&g);
}
END_TEST

/* 512 relays at a servicer, of whomever they are; traffic is only made to look like them. */
START_TEST(a_servicer_has_512_relays_under_way)
{
    static struct got got;

    gate_open(&g, NULL);
    struct vpr_tab *tab = &g.panel->seats[0].tab;
    tab->pending += VPR_PANEL_PENDING_MAX;
    tab->sent += VPR_PANEL_PENDING_MAX;
    refused(&(struct shot){.nonce = 1, .body = STATUS}, VPR_SHADOW_BUSY);
    gate_shoot(&g, &got, &(struct shot){.servicer = 1, .nonce = 2, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    tab->pending--;
    tab->sent--;
    gate_shoot(&g, &got, &(struct shot){.nonce = 1, .body = STATUS});
    ck_assert_uint_eq(got.status, 200);
    tab->pending -= VPR_PANEL_PENDING_MAX - 1;
    tab->sent -= VPR_PANEL_PENDING_MAX - 1;
    gate_close(&g);
}
END_TEST

/* The door knows one thing to do, and says so to everything else. */
START_TEST(other_posts_are_refused)
{
    static struct got got;
    char url[128];

    gate_open(&g, NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", vpr_shadow_port(g.door));
    gate_shoot(&g, &got, &(struct shot){.nonce = 1, .body = STATUS, .method = "BREW"});
    ck_assert_uint_eq(got.status, 400);
    gate_shoot(&g, &got, &(struct shot){.nonce = 1, .body = STATUS, .path = "x"});
    ck_assert_uint_eq(got.status, 400);
    gate_shoot(&g, &got, &(struct shot){.nonce = 1, .body = STATUS, .method = "VERYLONGVERB"});
    ck_assert_uint_eq(got.status, 413);
    /* A probe of the way is answered and counted apart. */
    const struct vpr_http_call probe = {.url = vpr_bytes_str(url),
                                        .path = vpr_bytes_str(VPR_WIRE_SHADOW_PATH)};
    memset(&got, 0, sizeof got);
    vpr_http_client_start(g.client, &probe, note_status, &got);
    gate_until(&g, &got.done);
    ck_assert_uint_eq(got.status, 204);
    ck_assert_uint_eq(outcomes(VPR_SHADOW_PROBE), 1);
    ck_assert_uint_eq(gate_seen(&g), 0);
    gate_close(&g);
}
END_TEST

/* The bytes of a post: both kinds of key, one spelling. */
START_TEST(the_post_has_one_spelling)
{
    struct vpr_wire_shadow a = {.nonce = UINT64_C(0x0102030405060708), .key_len = 33}, b;
    char text[VPR_WIRE_SHADOW_TEXT_MAX];

    memset(a.sid.b, 1, sizeof a.sid.b);
    memset(a.servicer.b, 2, sizeof a.servicer.b);
    memset(a.key, 3, sizeof a.key);
    memset(a.signature.b, 4, sizeof a.signature.b);
    for (a.key_len = 32; a.key_len <= 33; a.key_len++) {
        const size_t len = vpr_wire_shadow_print(text, &a);
        ck_assert_uint_eq(len, a.key_len == 33 ? 210 : 208);
        ck_assert(vpr_wire_shadow_parse(&b, vpr_bytes_of(text, len)));
        ck_assert_uint_eq(b.key_len, a.key_len);
        ck_assert_uint_eq(b.nonce, a.nonce);
        ck_assert_mem_eq(b.key, a.key, a.key_len);
        ck_assert_mem_eq(b.signature.b, a.signature.b, 64);
        ck_assert(!vpr_wire_shadow_parse(&b, vpr_bytes_of(text, len - 1)));
        text[0] = '=';
        ck_assert(!vpr_wire_shadow_parse(&b, vpr_bytes_of(text, len)));
    }
}
END_TEST

Suite *suite_shadow(void)
{
    Suite *suite = suite_create("shadow");
    TCase *tc = tcase_create("shadow");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_sample_comes_back_with_its_proof);
    tcase_add_test(tc, no_servicer_can_tell_a_sample_from_traffic);
    tcase_add_test(tc, first_contact_may_be_a_sample);
    tcase_add_test(tc, a_signed_refusal_comes_back);
    tcase_add_loop_test(tc, a_session_that_opens_is_waited_for, 0, 4);
    tcase_add_loop_test(tc, a_failed_sample_is_not_tried_elsewhere, 0, 4);
    tcase_add_test(tc, a_nonce_is_good_once);
    tcase_add_test(tc, only_the_corpus_is_relayed);
    tcase_add_test(tc, heights_are_learnt_from_head_answers);
    tcase_add_test(tc, only_who_was_drawn);
    tcase_add_test(tc, each_fisherman_has_its_part_of_the_reserve);
    tcase_add_test(tc, a_fisherman_has_64_samples_under_way);
    tcase_add_test(tc, a_servicer_has_512_relays_under_way);
    tcase_add_test(tc, other_posts_are_refused);
    tcase_add_test(tc, the_post_has_one_spelling);
    suite_add_tcase(suite, tc);
    return suite;
}
