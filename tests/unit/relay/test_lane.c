/* The requestor's books and its judgement of answers. */
#include "relay/wire.h"
#include "tests/unit/relay/gate.h"

struct lane {
    struct vpr_pass pass;
    struct vpr_tab tab;
    struct keypair relay;
};

static struct lane lane_of(uint64_t quota)
{
    struct lane l = {.tab = {.quota_cu = quota, .reserve_cu = quota / 20}};
    const struct vpr_hash sid = vpr_sha256("sid", 3);

    vpr_pass_make(&l.pass, &sid);
    memset(l.tab.servicer.b, 9, sizeof l.tab.servicer.b);
    l.relay = keypair_of(5);
    return l;
}

static struct vpr_signed_request next(struct lane *l, uint64_t cu)
{
    struct vpr_signed_request request;
    const struct vpr_hash req = vpr_req_hash(vpr_bytes_str("POST"), vpr_bytes_str(""),
                                             vpr_bytes_str("{}"));

    vpr_tab_open(&l->tab, &request, &l->pass, cu, &req);
    ck_assert(vpr_request_verify(&request.part, &request.signature));
    return request;
}

/* seq rises by one; cum_cu is what was accepted and this request, nothing lost or refused. */
START_TEST(only_accepted_answers_count)
{
    struct lane l = lane_of(1000);

    struct vpr_signed_request a = next(&l, 3);
    struct vpr_signed_request b = next(&l, 4);
    ck_assert_uint_eq(a.part.seq, 1);
    ck_assert_uint_eq(b.part.seq, 2);
    ck_assert_uint_eq(a.part.cum_cu, 3);
    ck_assert_uint_eq(b.part.cum_cu, 4);
    ck_assert_uint_eq(l.tab.pending_cu, 7);
    vpr_tab_close(&l.tab, &a, VPR_TAB_LOST);
    vpr_tab_close(&l.tab, &b, VPR_TAB_ANSWERED);
    struct vpr_signed_request c = next(&l, 1);
    ck_assert_uint_eq(c.part.cum_cu, 5);
    vpr_tab_close(&l.tab, &c, VPR_TAB_REFUSED);
    struct vpr_signed_request d = next(&l, 1);
    ck_assert_uint_eq(d.part.cum_cu, 5);
    ck_assert_uint_eq(d.part.seq, 4);
    vpr_tab_close(&l.tab, &d, VPR_TAB_UNSENT);
    ck_assert_uint_eq(l.tab.lost_cu, 3);
    ck_assert_uint_eq(l.tab.accepted_cu, 4);
    ck_assert_uint_eq(l.tab.pending_cu, 0);
    ck_assert_uint_eq(l.tab.sent, 4);
    ck_assert_uint_eq(l.tab.failed, 2);
    vpr_pass_wipe(&l.pass);
}
END_TEST

/* Two answers of requests that flew together are vouched for only by a third. */
START_TEST(an_open_end_is_seen_and_closed)
{
    struct lane l = lane_of(1000);

    struct vpr_signed_request a = next(&l, 3);
    vpr_tab_close(&l.tab, &a, VPR_TAB_ANSWERED);
    ck_assert(!vpr_tab_open_end(&l.tab));
    a = next(&l, 3);
    struct vpr_signed_request b = next(&l, 3);
    vpr_tab_close(&l.tab, &a, VPR_TAB_ANSWERED);
    vpr_tab_close(&l.tab, &b, VPR_TAB_ANSWERED);
    ck_assert(vpr_tab_open_end(&l.tab));
    a = next(&l, 1);
    ck_assert_uint_eq(a.part.cum_cu, 10);
    vpr_tab_close(&l.tab, &a, VPR_TAB_ANSWERED);
    ck_assert(!vpr_tab_open_end(&l.tab));
    /* A voucher that nobody has got vouches for nothing. */
    a = next(&l, 3);
    b = next(&l, 3);
    vpr_tab_close(&l.tab, &a, VPR_TAB_ANSWERED);
    vpr_tab_close(&l.tab, &b, VPR_TAB_ANSWERED);
    a = next(&l, 1);
    vpr_tab_close(&l.tab, &a, VPR_TAB_UNSENT);
    a = next(&l, 1);
    vpr_tab_close(&l.tab, &a, VPR_TAB_LOST);
    ck_assert(vpr_tab_open_end(&l.tab));
    vpr_pass_wipe(&l.pass);
}
END_TEST

/* Our own requests stop where the samples' reserve begins, less what samples took of it. */
START_TEST(room_ends_before_the_reserve)
{
    struct lane l = lane_of(1000); /* reserve 50 */

    ck_assert(vpr_tab_room(&l.tab, 950));
    ck_assert(!vpr_tab_room(&l.tab, 951));
    struct vpr_signed_request a = next(&l, 900);
    ck_assert(vpr_tab_room(&l.tab, 50));
    ck_assert(!vpr_tab_room(&l.tab, 51));
    vpr_tab_close(&l.tab, &a, VPR_TAB_LOST);
    ck_assert(!vpr_tab_room(&l.tab, 51)); /* the servicer may have counted it */
    l.tab.sampled_cu = 20;
    ck_assert(vpr_tab_room(&l.tab, 70));
    ck_assert(!vpr_tab_room(&l.tab, 71));
    l.tab.full = true;
    ck_assert(!vpr_tab_room(&l.tab, 1));
    vpr_pass_wipe(&l.pass);
}
END_TEST

/* Work in flight is unacknowledged work: a burst is spread before a servicer would balk. */
START_TEST(a_burst_stays_below_the_servicers_risk)
{
    struct lane l = lane_of(10000); /* 2 %: 200 */
    struct vpr_signed_request all[4];

    for (int i = 0; i < 4; i++) {
        ck_assert(vpr_tab_bears(&l.tab, 50));
        all[i] = next(&l, 50);
    }
    ck_assert(!vpr_tab_bears(&l.tab, 50));
    vpr_tab_close(&l.tab, &all[0], VPR_TAB_ANSWERED);
    ck_assert(vpr_tab_bears(&l.tab, 50));
    for (int i = 1; i < 4; i++) {
        vpr_tab_close(&l.tab, &all[i], VPR_TAB_LOST);
    }
    ck_assert(vpr_tab_bears(&l.tab, 500)); /* with nothing in flight it may be tried */
    vpr_pass_wipe(&l.pass);
}
END_TEST

struct paper {
    char receipt[VPR_WIRE_RECEIPT_TEXT_MAX], refusal[VPR_WIRE_REFUSAL_TEXT_MAX];
    struct vpr_bytes receipt_text, refusal_text;
};

static void write_paper(struct paper *p, const struct vpr_request *request,
                        const struct keypair *relay, uint16_t status, const char *body)
{
    struct vpr_receipt receipt = {.request_part = vpr_request_part_hash(request),
                                  .status = status,
                                  .res = vpr_res_hash(status, vpr_bytes_str(body))};
    struct vpr_refusal refusal = {.request_part = receipt.request_part, .reason = 1};
    struct vpr_hash hash = vpr_receipt_hash(&receipt);

    vpr_ed25519_sign(&receipt.signature, hash.b, sizeof hash.b, relay->secret);
    hash = vpr_refusal_hash(&refusal);
    vpr_ed25519_sign(&refusal.signature, hash.b, sizeof hash.b, relay->secret);
    p->receipt_text = vpr_bytes_of(p->receipt, vpr_wire_receipt_print(p->receipt, &receipt));
    p->refusal_text = vpr_bytes_of(p->refusal, vpr_wire_refusal_print(p->refusal, &refusal));
}

/* Only a receipt over this request, status and body by the relay key is good. */
START_TEST(what_does_not_hold_is_told_apart)
{
    struct lane l = lane_of(1000);
    struct vpr_signed_request a = next(&l, 1), b = next(&l, 1);
    struct vpr_receipt receipt;
    struct vpr_refusal refusal;
    struct paper good, other;
    const struct vpr_bytes body = vpr_bytes_str("yes"), bent = vpr_bytes_str("yet");
    const struct vpr_bytes junk = vpr_bytes_str("AAAA");

#define JUDGE(key, status, rec, ref, text) \
    vpr_answer_judge(&receipt, &refusal, &a.part, (key), (status), (rec), (ref), (text))
    write_paper(&good, &a.part, &l.relay, 200, "yes");
    write_paper(&other, &b.part, &l.relay, 200, "yes");
    const struct vpr_bytes *r = &good.receipt_text, *n = &good.refusal_text;
    ck_assert_int_eq(JUDGE(&l.relay.key, 200, r, NULL, body), VPR_ANSWER_GOOD);
    ck_assert_uint_eq(receipt.status, 200);
    ck_assert_int_eq(JUDGE(&l.relay.key, 200, r, NULL, bent), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.relay.key, 201, r, NULL, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.pass.token.client_key, 200, r, NULL, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.relay.key, 200, &other.receipt_text, NULL, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.relay.key, 200, &junk, NULL, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.relay.key, 200, r, n, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.relay.key, 429, NULL, n, body), VPR_ANSWER_REFUSAL);
    ck_assert_uint_eq(refusal.reason, 1);
    ck_assert_int_eq(JUDGE(&l.relay.key, 429, NULL, &other.refusal_text, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.pass.token.client_key, 429, NULL, n, body), VPR_ANSWER_BAD);
    ck_assert_int_eq(JUDGE(&l.relay.key, 428, NULL, NULL, body), VPR_ANSWER_TOKEN);
    ck_assert_int_eq(JUDGE(&l.relay.key, 200, NULL, NULL, body), VPR_ANSWER_BARE);
    vpr_pass_wipe(&l.pass);
#undef JUDGE
}
END_TEST

/* Keys are fresh: two passes of one sid have nothing in common. */
START_TEST(client_keys_are_fresh)
{
    const struct vpr_hash sid = vpr_sha256("sid", 3);
    struct vpr_pass a, b;

    vpr_pass_make(&a, &sid);
    vpr_pass_make(&b, &sid);
    ck_assert(!vpr_hash_equal(&a.token.client_key, &b.token.client_key));
    ck_assert(vpr_hash_equal(&a.token.sid, &sid));
    vpr_pass_wipe(&a);
    vpr_pass_wipe(&b);
}
END_TEST

Suite *suite_lane(void)
{
    Suite *suite = suite_create("lane");
    TCase *tc = tcase_create("lane");

    tcase_add_test(tc, only_accepted_answers_count);
    tcase_add_test(tc, an_open_end_is_seen_and_closed);
    tcase_add_test(tc, room_ends_before_the_reserve);
    tcase_add_test(tc, a_burst_stays_below_the_servicers_risk);
    tcase_add_test(tc, what_does_not_hold_is_told_apart);
    tcase_add_test(tc, client_keys_are_fresh);
    suite_add_tcase(suite, tc);
    return suite;
}
