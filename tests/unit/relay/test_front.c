/* Clients on one side, servicers that misbehave on the other. */
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/rules/ids.h"
#include "relay/rpc.h"
#include "relay/wire.h"
#include "tests/unit/relay/gate.h"

#define STATUS "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"status\",\"params\":[]}"
#define WRITE "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"sendrawtransaction\",\"params\":[\"00\"]}"

static struct gate g;

static uint64_t accepted(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        sum += g.panel->seats[i].tab.accepted_cu;
    }
    return sum;
}

/* The answer is the servicer's, byte for byte, and the client can check the receipt itself. */
START_TEST(an_answer_comes_back_untouched_with_its_receipt)
{
    static struct got got;
    struct vpr_signed_request request;
    struct vpr_receipt receipt;
    struct vpr_address id;

    gate_open(&g, NULL);
    gate_post(&g, &got, " " STATUS "\n");
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(got.body, " {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"ok\"}\n");
    ck_assert_str_eq(got.type, "application/x");
    ck_assert_str_eq(got.answer_id, "");
    ck_assert(vpr_wire_relay_parse(&request, vpr_bytes_str(got.relay)));
    ck_assert(vpr_wire_receipt_parse(&receipt, vpr_bytes_str(got.receipt)));
    ck_assert(vpr_address_parse(&id, VPR_PREFIX_ACCOUNT, vpr_bytes_str(got.servicer)));
    const struct vpr_seat *seat = vpr_panel_seat(g.panel, &id);
    ck_assert_ptr_nonnull(seat);
    const struct vpr_hash part = vpr_request_part_hash(&request.part);
    const struct vpr_hash res = vpr_res_hash(200, vpr_bytes_str(got.body));
    ck_assert(vpr_hash_equal(&receipt.request_part, &part));
    ck_assert(vpr_hash_equal(&receipt.res, &res));
    ck_assert(vpr_receipt_verify(&receipt, &seat->relay_key));
    ck_assert_uint_eq(gate_seen(&g), 1);
    ck_assert_uint_eq(accepted(), 1);
    ck_assert_uint_eq(gate_count(&g, VPR_METER_REQUESTS, VPR_OUTCOME_ANSWERED), 1);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        if (g.servicers[i].seen_count == 1) {
            /* White space around the call is part of what is signed. */
            ck_assert_str_eq(g.servicers[i].seen[0].body, " " STATUS "\n");
            ck_assert_str_eq(g.servicers[i].seen[0].target, "/v1/relay/0001");
        }
    }
    gate_close(&g);
}
END_TEST

/* Whatever is wrong with it, an answer without a receipt that holds is not released, not
 * counted, and costs the servicer its good name. */
START_TEST(a_bent_answer_is_never_released)
{
    static const enum manner manners[] = {TAMPER_BODY,   TAMPER_STATUS, TAMPER_RECEIPT,
                                          WRONG_KEY,     OTHER_REQUEST, RECEIPT_AND_REFUSAL,
                                          BARE,          REFUSE_BADLY};
    static struct got got;

    gate_open(&g, NULL);
    gate_all(&g, manners[_i]);
    g.servicers[0].result = g.servicers[1].result = g.servicers[2].result = "\"poison\"";
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_ptr_null(strstr(got.body, "poison"));
    ck_assert_ptr_nonnull(strstr(got.body, "\"id\":7,\"error\":{\"code\":-32603"));
    ck_assert_str_eq(got.receipt, "");
    ck_assert_uint_eq(accepted(), 0);
    ck_assert_uint_eq(gate_count(&g, VPR_METER_RELAYS, VPR_METERED_ANSWERED), 0);
    ck_assert_uint_ge(gate_count(&g, VPR_METER_RELAYS, VPR_METERED_FAILED), 2);
    ck_assert_uint_eq(gate_count(&g, VPR_METER_REQUESTS, VPR_OUTCOME_FAILED), 1);
    ck_assert_uint_eq(vpr_metric_get(g.metrics, VPR_METER_FAILURES,
                                     manners[_i] == BARE ? VPR_FAILURE_BARE
                                                         : VPR_FAILURE_RECEIPT,
                                     0),
                      gate_count(&g, VPR_METER_RELAYS, VPR_METERED_FAILED));
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        ck_assert_uint_eq(g.panel->seats[i].tab.accepted_cu, 0);
        if (g.panel->seats[i].tab.sent > 0) {
            ck_assert_uint_lt(g.panel->seats[i].health->good_ppm, VPR_PPM);
        }
    }
    gate_close(&g);
}
END_TEST

/* Two servicers bend their answers, the third is honest: the client sees only the third. */
START_TEST(a_read_is_tried_on_another_servicer)
{
    static struct got got;

    gate_open(&g, NULL);
    g.servicers[0].manner = TAMPER_BODY;
    g.servicers[1].manner = BARE;
    for (int i = 0; i < 12; i++) {
        gate_post(&g, &got, STATUS);
        ck_assert_uint_eq(got.status, 200);
        ck_assert_ptr_nonnull(strstr(got.body, "\"result\":\"ok\""));
    }
    ck_assert_uint_eq(g.panel->seats[2].tab.answered, 12);
    ck_assert_uint_eq(g.panel->seats[2].tab.accepted_cu, 12);
    ck_assert_uint_gt(vpr_metric_get(g.metrics, VPR_METER_RETRIES, 0, 0), 0);
    gate_close(&g);
}
END_TEST

/* A write that may have arrived is never sent again, to nobody. */
START_TEST(a_write_is_not_retried_once_sent)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_all(&g, TAMPER_RECEIPT);
    gate_post(&g, &got, WRITE);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_uint_eq(gate_seen(&g), 1);
    gate_close(&g);
}
END_TEST

/* A signed refusal says that nothing was done, so a write moves on. */
START_TEST(a_refused_write_moves_on)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_all(&g, REFUSE);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.servicers[i].reason = VPR_REFUSED_UNACKNOWLEDGED;
    }
    g.servicers[2].manner = GOOD;
    gate_post(&g, &got, WRITE);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_uint_eq(g.servicers[2].seen_count, 1);
    ck_assert_uint_eq(gate_count(&g, VPR_METER_RELAYS, VPR_METERED_REFUSED),
                      gate_seen(&g) - 1);
    gate_close(&g);
}
END_TEST

/* One whose backend was asked may have done it all the same. */
START_TEST(a_write_refused_by_the_backend_stays)
{
    static const uint16_t reasons[] = {VPR_REFUSED_BACKEND, VPR_REFUSED_OVERLOAD,
                                       VPR_REFUSED_SIZE};
    static struct got got;

    gate_open(&g, NULL);
    gate_all(&g, REFUSE);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.servicers[i].reason = reasons[_i];
    }
    gate_post(&g, &got, WRITE);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_uint_eq(gate_seen(&g), 1);
    gate_close(&g);
}
END_TEST

/* Nobody listens there: nothing can have arrived, so even a write goes elsewhere. */
START_TEST(a_dead_servicer_is_passed_over)
{
    static struct got got;

    gate_open(&g, NULL);
    for (size_t i = 0; i < 2; i++) {
        vpr_http_server_destroy(g.servicers[i].server);
        g.servicers[i].server = NULL;
    }
    for (int i = 0; i < 5; i++) {
        gate_post(&g, &got, WRITE);
        ck_assert_uint_eq(got.status, 200);
    }
    ck_assert_uint_eq(g.servicers[2].seen_count, 5);
    ck_assert_uint_eq(g.panel->seats[0].tab.lost_cu, 0);
    struct vpr_err err;
    const struct vpr_http_server_config http = {.body_max = 1024};
    for (size_t i = 0; i < 2; i++) { /* for gate_close */
        ck_assert_int_eq(vpr_http_server_create(&g.servicers[i].server, g.loop, &http, NULL,
                                                NULL, &err),
                         VPR_OK);
    }
    gate_close(&g);
}
END_TEST

/* 428: a new request part with the token, the old seq is given up. */
START_TEST(the_token_is_sent_when_asked_for)
{
    static struct got got;

    gate_open(&g, NULL);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.servicers[i].wants_token = true;
        g.panel->seats[i].tab.token_known = true; /* we think it has it */
    }
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 200);
    size_t tokens = 0;
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        const struct servicer *s = &g.servicers[i];
        if (s->seen_count > 0) {
            ck_assert_uint_eq(s->seen_count, 2);
            ck_assert(!s->seen[0].token);
            ck_assert(s->seen[1].token);
            ck_assert_uint_eq(s->seen[0].request.part.seq, 1);
            ck_assert_uint_eq(s->seen[1].request.part.seq, 2);
            ck_assert_uint_eq(s->seen[1].request.part.cum_cu, 1);
            tokens++;
        }
    }
    ck_assert_uint_eq(tokens, 1);
    gate_close(&g);
}
END_TEST

/* The token goes along on first contact and not after. */
START_TEST(the_token_is_sent_once)
{
    static struct got got;

    gate_open(&g, NULL);
    for (int i = 0; i < 20; i++) {
        gate_post(&g, &got, STATUS);
    }
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        const struct servicer *s = &g.servicers[i];
        for (size_t j = 0; j < s->seen_count; j++) {
            ck_assert_int_eq(s->seen[j].token, j == 0);
            ck_assert_uint_eq(s->seen[j].request.part.seq, j + 1);
            ck_assert_uint_eq(s->seen[j].request.part.cum_cu, j + 1);
        }
    }
    gate_close(&g);
}
END_TEST

/* Ids come back as they went, whatever the backend makes of them. */
START_TEST(ids_are_echoed_exactly)
{
    static const char *const ids[] = {"1.50",
                                      "1e3",
                                      "-0",
                                      "\"\\u0061b\"",
                                      "\"8f14e45f-ceea-467f-a9d1-1b2c3d4e5f60\"",
                                      "18446744073709551615",
                                      "123456789012345678901234567890",
                                      "null",
                                      "0"};
    static const char *const mangled[] = {NULL, "1", "null", "\"1.5\""};
    static struct got got;
    char body[512], want[512];

    gate_open(&g, NULL);
    for (size_t m = 0; m < VPR_COUNT(mangled); m++) {
        for (size_t i = 0; i < GATE_SERVICERS; i++) {
            g.servicers[i].mangle_id = mangled[m];
        }
        snprintf(body, sizeof body, "{\"id\":%s,\"method\":\"status\",\"jsonrpc\":\"2.0\"}",
                 ids[_i]);
        snprintf(want, sizeof want, " {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":\"ok\"}\n",
                 ids[_i]);
        gate_post(&g, &got, body);
        ck_assert_uint_eq(got.status, 200);
        ck_assert_str_eq(got.body, want);
        const bool changed = mangled[m] != NULL && strcmp(mangled[m], ids[_i]) != 0;
        ck_assert_str_eq(got.answer_id, changed ? mangled[m] : "");
    }
    gate_close(&g);
}
END_TEST

/* One relay an element, each with its own bytes; answers in the order of the questions, though
 * they come in another. */
START_TEST(a_batch_is_split_and_put_together)
{
    static struct got got;
    const char *batch = "[ {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"status\"},"
                        "{\"jsonrpc\":\"2.0\",\"id\":2.0,\"method\":\"dear\",\"params\":[]} ,"
                        "{\"jsonrpc\":\"2.0\",\"method\":\"note\"},"
                        "5,"
                        "{\"jsonrpc\":\"2.0\",\"id\":4},"
                        "{\"jsonrpc\":\"2.0\",\"id\":2.0,\"method\":\"x\",\"params\":{}}]";

    gate_open(&g, NULL);
    g.servicers[0].delay_ms = 60;
    g.servicers[1].delay_ms = 20;
    gate_post(&g, &got, batch);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(got.type, "application/json");
    ck_assert_str_eq(
        got.body,
        "[ {\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":\"ok\"}\n,"
        " {\"jsonrpc\":\"2.0\",\"id\":2.0,\"result\":\"ok\"}\n,"
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"not a "
        "JSON-RPC call: method, id or params are missing or of a wrong type\"}},"
        "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32600,\"message\":\"not a JSON-RPC "
        "call: method, id or params are missing or of a wrong type\"}},"
        " {\"jsonrpc\":\"2.0\",\"id\":2.0,\"result\":\"ok\"}\n]");
    ck_assert_uint_eq(gate_seen(&g), 4); /* the notification is relayed too */
    ck_assert_uint_eq(accepted(), 53);   /* dear costs 50 */
    ck_assert_uint_eq(gate_count(&g, VPR_METER_REQUESTS, VPR_OUTCOME_ANSWERED), 4);
    ck_assert_uint_eq(gate_count(&g, VPR_METER_REQUESTS, VPR_OUTCOME_BAD_REQUEST), 2);
    gate_close(&g);
}
END_TEST

/* A hundred elements over three servicers: all answered, no seq used twice or left out. */
START_TEST(a_large_batch_uses_every_seq_once)
{
    static struct got got;
    static char batch[16384];
    size_t len = 0;

    gate_open(&g, NULL);
    len += (size_t)snprintf(batch, sizeof batch, "[");
    for (int i = 0; i < 100; i++) {
        len += (size_t)snprintf(batch + len, sizeof batch - len,
                                "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"m\"}",
                                i == 0 ? "" : ",", i);
    }
    snprintf(batch + len, sizeof batch - len, "]");
    gate_post(&g, &got, batch);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_uint_eq(gate_seen(&g), 100);
    ck_assert_uint_eq(accepted(), 100);
    const char *at = got.body;
    for (int i = 0; i < 100; i++) {
        char id[32];
        snprintf(id, sizeof id, "\"id\":%d,", i);
        at = strstr(at, id);
        ck_assert_ptr_nonnull(at);
    }
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        bool used[128] = {false};
        ck_assert_uint_gt(g.servicers[i].seen_count, 5);
        for (size_t j = 0; j < g.servicers[i].seen_count; j++) {
            const uint64_t seq = g.servicers[i].seen[j].request.part.seq;
            ck_assert_uint_le(seq, g.servicers[i].seen_count);
            ck_assert(!used[seq]);
            used[seq] = true;
        }
    }
    gate_close(&g);
}
END_TEST

/* An answer that is no JSON does not break the array around it. */
START_TEST(a_batch_stays_json)
{
    static struct got got;

    gate_open(&g, NULL);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.servicers[i].result = "1},{\"id\":6";
    }
    gate_post(&g, &got, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}]");
    ck_assert_uint_eq(got.status, 503);
    ck_assert_str_eq(got.body,
                     "[{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"the "
                     "servicer's answer is no JSON\"}}]");
    gate_close(&g);
}
END_TEST

/* Notifications are relayed and get no reply; so does a batch of nothing else. */
START_TEST(notifications_get_no_reply)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_post(&g, &got, "{\"jsonrpc\":\"2.0\",\"method\":\"m\"}");
    ck_assert_uint_eq(got.status, 204);
    ck_assert_uint_eq(got.body_len, 0);
    gate_post(&g, &got, "[{\"jsonrpc\":\"2.0\",\"method\":\"m\"}]");
    ck_assert_uint_eq(got.status, 204);
    ck_assert_uint_eq(gate_seen(&g), 2);
    gate_close(&g);
}
END_TEST

/* What is no call is answered here, in one way, and relayed to nobody. */
START_TEST(malformed_requests_are_answered_here)
{
    static const struct {
        const char *body;
        const char *code;
    } cases[] = {
        {"[]", "-32600"},
        {"{\"a\":", "-32700"},
        {"", "-32700"},
        {"7", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"method\":\"b\"}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"Method\":\"b\"}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", "-32600"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", "-32600"},
    };
    static struct got got;

    gate_open(&g, NULL);
    gate_post(&g, &got, cases[_i].body);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_ptr_nonnull(strstr(got.body, cases[_i].code));
    ck_assert_int_eq(got.body[0], '{'); /* one object, also for [] */
    ck_assert_uint_eq(gate_seen(&g), 0);
    gate_close(&g);
}
END_TEST

/* Health without a body; other places and verbs say what would be right. */
START_TEST(targets_and_verbs)
{
    static const struct {
        const char *method, *target;
        uint32_t status;
    } cases[] = {
        {"GET", "/", 200},          {"GET", "/health", 200}, {"GET", "/v1/0001", 200},
        {"POST", "/v1/0009", 404},  {"POST", "/v1/", 404},   {"POST", "/v2/0001", 404},
        {"POST", "/v1/00001", 404}, {"PUT", "/v1/0001", 405}, {"OPTIONS", "/v1/0001/x", 405},
    };
    static struct got got;

    gate_open(&g, NULL);
    gate_start(&g, &got, cases[_i].method, cases[_i].target,
               strcmp(cases[_i].method, "GET") == 0 ? "" : STATUS);
    gate_until(&g, &got.done);
    ck_assert_uint_eq(got.status, cases[_i].status);
    ck_assert_uint_eq(gate_seen(&g), 0);
    gate_close(&g);
}
END_TEST

/* Chains by name; REST as one relay with its verb, its raw path and its own cost. */
START_TEST(rest_requests_are_relayed_as_they_are)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_start(&g, &got, "GET", "/v1/viper/dear/%2F?a=b&c", "");
    gate_until(&g, &got.done);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(got.body, "plain: ");
    ck_assert_uint_eq(accepted(), 20);
    gate_start(&g, &got, "PUT", "/v1/0001/x", "not json");
    gate_until(&g, &got.done);
    ck_assert_str_eq(got.body, "plain: not json");
    bool put = false, get = false;
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        for (size_t j = 0; j < g.servicers[i].seen_count; j++) {
            const struct seen *seen = &g.servicers[i].seen[j];
            if (strstr(seen->values, "PUT,") != NULL) {
                ck_assert_ptr_nonnull(strstr(seen->values, "text/odd,"));
                put = true;
            } else {
                ck_assert_str_eq(seen->target, "/v1/relay/0001/dear/%2F?a=b&c");
                ck_assert_ptr_nonnull(strstr(seen->values, "GET,"));
                ck_assert_ptr_null(strstr(seen->values, "text/odd,"));
                get = true;
            }
        }
    }
    ck_assert(put && get);
    gate_close(&g);
}
END_TEST

/* The first servicer is silent: after attempt_ms another one is asked and its answer taken; the
 * first one's, when it comes, is counted all the same. */
START_TEST(a_late_answer_counts)
{
    const struct gate_wish wish = {.attempt_ms = 100, .total_ms = 3000};
    static struct got got;

    gate_open(&g, &wish);
    g.servicers[0].manner = HOLD;
    g.servicers[1].manner = HOLD;
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_uint_eq(g.panel->seats[2].tab.accepted_cu, 1);
    const uint64_t before = accepted();
    const size_t others = gate_seen(&g) - 1;
    gate_release(&g.servicers[0]);
    gate_release(&g.servicers[1]);
    gate_for_ms(&g, 100);
    ck_assert_uint_eq(accepted(), before + others);
    ck_assert_uint_eq(vpr_sender_jobs(g.sender), 0);
    gate_close(&g);
}
END_TEST

/* Nobody answers in time: the client hears so when total_ms is over, not later. */
START_TEST(silence_ends_in_time)
{
    const struct gate_wish wish = {.attempt_ms = 100, .total_ms = 500};
    static struct got got;
    const uint64_t start = vpr_mono_ms();

    gate_open(&g, &wish);
    gate_all(&g, HOLD);
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_uint_ge(vpr_mono_ms() - start, 450);
    ck_assert_uint_le(vpr_mono_ms() - start, 1500);
    ck_assert_uint_eq(gate_seen(&g), 3); /* the first and two retries */
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        ck_assert_uint_eq(g.servicers[i].seen_count, 1);
    }
    gate_close(&g);
}
END_TEST

/* When the quota less the reserve is used up: 429 and -32005, and nothing is sent. */
START_TEST(the_quota_is_not_overrun)
{
    const struct gate_wish wish = {.quota_cu = 20}; /* reserve 1 */
    static struct got got;
    int answered = 0;

    gate_open(&g, &wish);
    for (int i = 0; i < 80; i++) {
        gate_post(&g, &got, STATUS);
        answered += got.status == 200 ? 1 : 0;
    }
    ck_assert_int_eq(answered, 3 * 19);
    ck_assert_uint_eq(got.status, 429);
    ck_assert_ptr_nonnull(strstr(got.body, "-32005"));
    ck_assert_uint_eq(gate_seen(&g), 3 * 19);
    gate_close(&g);
}
END_TEST

/* A servicer that says its quota is used up is not asked again; if all do, 429. */
START_TEST(a_quota_refusal_is_believed)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_all(&g, REFUSE);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        g.servicers[i].reason = VPR_REFUSED_QUOTA;
    }
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 429);
    ck_assert_uint_eq(gate_seen(&g), 3);
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 429);
    ck_assert_uint_eq(gate_seen(&g), 3);
    ck_assert_uint_eq(g.panel->seats[0].health->good_ppm, VPR_PPM);
    gate_close(&g);
}
END_TEST

START_TEST(without_a_session_nothing_is_sent)
{
    static struct got got;

    gate_open(&g, NULL);
    g.closed = true;
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_ptr_nonnull(strstr(got.body, "no session"));
    gate_start(&g, &got, "GET", "/", "");
    gate_until(&g, &got.done);
    ck_assert_uint_eq(got.status, 503);
    ck_assert_uint_eq(gate_seen(&g), 0);
    gate_close(&g);
}
END_TEST

/* All breakers are open, all servicers well again: one at a time is tried, so that service
 * comes back at once and not with the clock. */
START_TEST(open_breakers_do_not_shut_everything)
{
    static struct got got;

    gate_open(&g, NULL);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        for (int j = 0; j < 5; j++) {
            vpr_health_bad(g.panel->seats[i].health, vpr_mono_ms());
        }
        ck_assert_int_eq(g.panel->seats[i].health->breaker, VPR_BREAKER_OPEN);
    }
    gate_post(&g, &got, STATUS);
    ck_assert_uint_eq(got.status, 200);
    gate_close(&g);
}
END_TEST

/* The slow one gets less, but something. */
START_TEST(the_slow_servicer_gets_less)
{
    static struct got got;

    gate_open(&g, NULL);
    g.servicers[1].delay_ms = 300;
    for (int i = 0; i < 120; i++) {
        gate_post(&g, &got, STATUS);
        ck_assert_uint_eq(got.status, 200);
    }
    ck_assert_uint_gt(g.servicers[1].seen_count, 0);
    ck_assert_uint_lt(g.servicers[1].seen_count * 3, 120);
    ck_assert_uint_lt(g.servicers[1].seen_count, g.servicers[0].seen_count);
    ck_assert_uint_lt(g.servicers[1].seen_count, g.servicers[2].seen_count);
    gate_close(&g);
}
END_TEST

/* A client that leaves does not lose the answer's count. */
START_TEST(a_client_that_leaves_changes_nothing)
{
    static struct got got;

    gate_open(&g, NULL);
    gate_all(&g, HOLD);
    gate_start(&g, &got, "POST", "/v1/0001", STATUS);
    gate_for_ms(&g, 100);
    ck_assert_uint_eq(gate_seen(&g), 1);
    vpr_http_client_destroy(g.client);
    const struct vpr_http_client_config client = {.allow_private = true};
    struct vpr_err err;
    ck_assert_int_eq(vpr_http_client_create(&g.client, g.loop, &client, &err), VPR_OK);
    gate_for_ms(&g, 50);
    for (size_t i = 0; i < GATE_SERVICERS; i++) {
        gate_release(&g.servicers[i]);
    }
    gate_for_ms(&g, 100);
    ck_assert_uint_eq(accepted(), 1);
    gate_close(&g);
}
END_TEST

START_TEST(writes_are_known)
{
    static const char *const yes[] = {"\"eth_sendRawTransaction\"", "\"broadcast_tx_sync\"",
                                      "\"sendrawtransaction\"", "\"submitblock\"",
                                      "\"\\u0073endtoaddress\"", "\"generatetoaddress\""};
    static const char *const no[] = {"\"eth_call\"", "\"status\"", "\"getblock\"", "\"block\""};

    for (size_t i = 0; i < VPR_COUNT(yes); i++) {
        ck_assert_msg(vpr_rpc_writes(vpr_bytes_str(yes[i])), "%s", yes[i]);
    }
    for (size_t i = 0; i < VPR_COUNT(no); i++) {
        ck_assert_msg(!vpr_rpc_writes(vpr_bytes_str(no[i])), "%s", no[i]);
    }
}
END_TEST

Suite *suite_front(void)
{
    Suite *suite = suite_create("front");
    TCase *tc = tcase_create("front");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, an_answer_comes_back_untouched_with_its_receipt);
    tcase_add_loop_test(tc, a_bent_answer_is_never_released, 0, 8);
    tcase_add_test(tc, a_read_is_tried_on_another_servicer);
    tcase_add_test(tc, a_write_is_not_retried_once_sent);
    tcase_add_test(tc, a_refused_write_moves_on);
    tcase_add_loop_test(tc, a_write_refused_by_the_backend_stays, 0, 3);
    tcase_add_test(tc, a_dead_servicer_is_passed_over);
    tcase_add_test(tc, the_token_is_sent_when_asked_for);
    tcase_add_test(tc, the_token_is_sent_once);
    tcase_add_loop_test(tc, ids_are_echoed_exactly, 0, 9);
    tcase_add_test(tc, a_batch_is_split_and_put_together);
    tcase_add_test(tc, a_large_batch_uses_every_seq_once);
    tcase_add_test(tc, a_batch_stays_json);
    tcase_add_test(tc, notifications_get_no_reply);
    tcase_add_loop_test(tc, malformed_requests_are_answered_here, 0, 8);
    tcase_add_loop_test(tc, targets_and_verbs, 0, 9);
    tcase_add_test(tc, rest_requests_are_relayed_as_they_are);
    tcase_add_test(tc, a_late_answer_counts);
    tcase_add_test(tc, silence_ends_in_time);
    tcase_add_test(tc, the_quota_is_not_overrun);
    tcase_add_test(tc, a_quota_refusal_is_believed);
    tcase_add_test(tc, without_a_session_nothing_is_sent);
    tcase_add_test(tc, open_breakers_do_not_shut_everything);
    tcase_add_test(tc, the_slow_servicer_gets_less);
    tcase_add_test(tc, a_client_that_leaves_changes_nothing);
    tcase_add_test(tc, writes_are_known);
    suite_add_tcase(suite, tc);
    return suite;
}
