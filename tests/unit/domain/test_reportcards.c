#include "app/domain/reportcards.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/commits.h"
#include "tests/unit/domain/session_tests.h"
#include "tests/unit/world_session.h"
#include "viper/v1/query.pb-c.h"

/* Sessions of 10 blocks from block 1 on: cards of session 0 are sealed in 11 to 20 and
 * revealed in 23 to 30. */
#define FIRST_SEAL 11
#define LAST_SEAL 20
#define FIRST_REVEAL 23
#define LAST_REVEAL 30

static struct ws w;
static struct vpr_bench bench; /* of requestor1 on chain 1 */
static struct ws_work work;
static struct ws_card card; /* of its first fisherman */

/* 6 answers, 1 refusal and 1 silence of 8 each. */
static void fill(struct vpr_card_line lines[VPR_CARD_LINES_MAX])
{
    for (size_t i = 0; i < VPR_CARD_LINES_MAX; i++) {
        lines[i] = (struct vpr_card_line){
            .sent = 8, .refused = 1, .answered = 6, .checked = 5, .correct = 4, .p90_ms = 350};
    }
}

static void start(const struct ws_options *options)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];

    fill(lines);
    ws_open(&w, options);
    ws_to(&w, 1);
    bench = ws_bench(&w, 0, 1, 1);
    ws_work(&work, &bench, &bench.servicers[0].id, 4, 500);
    ws_card(&card, &bench, &bench.fishermen[0].id, lines);
}

static void setup(void)
{
    start(&(struct ws_options){.settle_per_block = 0});
}

static void teardown(void)
{
    ws_close(&w);
}

static const char *fisherman(void)
{
    return ws_label(&card.fisherman);
}

static Viper__V1__MsgReportCard *report(void)
{
    return ws_msg_report(&w, (const struct ws_card *[]){&card}, 1);
}

static enum vpr_code send_report(Viper__V1__MsgReportCard *m)
{
    return ws_send(&w, &m->base, fisherman());
}

static Viper__V1__MsgReveal *reveal(void)
{
    return ws_msg_reveal(&w, (const struct ws_card *[]){&card}, 1);
}

static enum vpr_code send_reveal(Viper__V1__MsgReveal *m)
{
    return ws_send(&w, &m->base, fisherman());
}

static void commit(void)
{
    ws_must(&w, &ws_msg_commit(&w, (const struct ws_work *[]){&work}, 1)->base,
            ws_label(&work.servicer));
}

/* Committed and sealed, in the first block of Reveal. */
static void seal_all(void)
{
    ws_to(&w, FIRST_SEAL);
    commit();
    ws_must(&w, &report()->base, fisherman());
    ws_to(&w, FIRST_REVEAL);
}

static bool revealed(void)
{
    return vpr_card_get(w.ctx, 0, &bench.sid, &card.fisherman) != NULL;
}

/* ---- MsgReportCard ---- */

START_TEST(report_card_has_its_session)
{
    ws_to(&w, FIRST_SEAL - 1);
    ck_assert_int_eq(send_report(report()), VPR_WRONG_WINDOW);
    ws_to(&w, FIRST_SEAL);
    ck_assert_int_eq(send_report(report()), VPR_OK);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "report_card", 0), "entries"), 1);
    ws_to(&w, LAST_SEAL);
    ck_assert_int_eq(send_report(report()), VPR_OK);
    ws_to(&w, LAST_SEAL + 1);
    ck_assert_int_eq(send_report(report()), VPR_WRONG_WINDOW);
}
END_TEST

START_TEST(report_card_needs_the_draw)
{
    Viper__V1__MsgReportCard *m = report();

    ws_to(&w, FIRST_SEAL);
    ck_assert_int_eq(ws_send(&w, &m->base, "servicer1"), VPR_NOT_STAKED);
    ck_assert_int_eq(ws_send(&w, &m->base, "alice"), VPR_NOT_STAKED);
    m->entries[0]->chain = 3;
    ck_assert_int_ne(send_report(m), VPR_OK);
    m = ws_msg_report(&w, (const struct ws_card *[]){&card, &card}, 2);
    ck_assert_int_eq(send_report(m), VPR_DUPLICATE);
    m = report();
    m->entries[0]->seal.len = 31;
    ck_assert_int_eq(send_report(m), VPR_BAD_FIELD);
    m = report();
    m->entries[0]->zone = 65536;
    ck_assert_int_eq(send_report(m), VPR_BAD_FIELD);
    ck_assert_ptr_null(ws_event(&w, "seal", 0));
}
END_TEST

START_TEST(report_card_has_at_most_1000_entries)
{
    Viper__V1__SealEntry *entries[1001];
    Viper__V1__MsgReportCard *m = report();

    ws_to(&w, FIRST_SEAL);
    for (size_t i = 0; i < VPR_COUNT(entries); i++) {
        entries[i] = m->entries[0];
    }
    m->entries = entries;
    m->n_entries = 1001;
    ck_assert_int_eq(send_report(m), VPR_BAD_FIELD);
    m->n_entries = 1000;
    ck_assert_int_eq(send_report(m), VPR_DUPLICATE);
    ck_assert_ptr_null(ws_event(&w, "report_card", 0));
}
END_TEST

/* A later report card is the only one: what it does not name was never sealed. */
START_TEST(later_report_card_replaces)
{
    struct vpr_bench second = ws_bench(&w, 0, 2, 1);
    static struct ws_card elsewhere;
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];

    fill(lines);
    ck_assert(vpr_bench_has_fisherman(&second, &card.fisherman));
    ws_card(&elsewhere, &second, &card.fisherman, lines);
    ws_to(&w, FIRST_SEAL);
    commit();
    ck_assert_int_eq(send_report(report()), VPR_OK);
    Viper__V1__MsgReportCard *m = ws_msg_report(&w, (const struct ws_card *[]){&elsewhere}, 1);
    ck_assert_int_eq(send_report(m), VPR_OK);
    ws_to(&w, FIRST_REVEAL);
    ck_assert_int_eq(send_reveal(reveal()), VPR_NOT_SEALED);
}
END_TEST

START_TEST(later_seal_counts)
{
    ws_to(&w, FIRST_SEAL);
    commit();
    Viper__V1__MsgReportCard *m = report();
    m->entries[0]->seal.data[0] ^= 1;
    ck_assert_int_eq(send_report(m), VPR_OK);
    ws_next(&w);
    ck_assert_int_eq(send_report(report()), VPR_OK);
    ws_to(&w, FIRST_REVEAL);
    ck_assert_int_eq(send_reveal(reveal()), VPR_OK);
}
END_TEST

/* ---- MsgReveal ---- */

START_TEST(revealed_card_is_stored)
{
    seal_all();
    Viper__V1__MsgReveal *m = reveal();
    ck_assert_uint_eq(ws_signatures(&m->base), 6);
    ck_assert_int_eq(send_reveal(m), VPR_OK);
    const Viper__V1__CardRecord *record = vpr_card_get(w.ctx, 0, &bench.sid, &card.fisherman);
    ck_assert_ptr_nonnull(record);
    ck_assert_uint_eq(record->n_lines, 5);
    ck_assert_uint_eq(record->lines[4]->sent, 8);
    ck_assert_uint_eq(record->lines[4]->refused, 1);
    ck_assert_uint_eq(record->lines[4]->answered, 6);
    ck_assert_uint_eq(record->lines[4]->checked, 5);
    ck_assert_uint_eq(record->lines[4]->correct, 4);
    ck_assert_uint_eq(record->lines[4]->p90_ms, 350);
    ck_assert_int_eq(send_reveal(m), VPR_REVEALED);
    ws_end(&w);
}
END_TEST

START_TEST(reveal_has_its_blocks)
{
    Viper__V1__MsgReveal *m;

    ws_to(&w, FIRST_SEAL);
    commit();
    ws_must(&w, &report()->base, fisherman());
    ws_to(&w, FIRST_REVEAL - 1);
    m = reveal();
    ck_assert_int_eq(send_reveal(m), VPR_WRONG_WINDOW);
    ws_to(&w, LAST_REVEAL);
    m = reveal();
    ws_next(&w);
    ck_assert_int_eq(send_reveal(m), VPR_WRONG_WINDOW);
}
END_TEST

START_TEST(reveal_in_the_last_block_counts)
{
    seal_all();
    ws_to(&w, LAST_REVEAL);
    ck_assert_int_eq(send_reveal(reveal()), VPR_OK);
    ws_end(&w);
}
END_TEST

/* Where nobody committed nothing is revealed. */
START_TEST(reveal_needs_a_commit)
{
    ws_to(&w, FIRST_SEAL);
    ws_must(&w, &report()->base, fisherman());
    ws_to(&w, FIRST_REVEAL);
    ck_assert_int_eq(send_reveal(reveal()), VPR_NOT_COMMITTED);
}
END_TEST

START_TEST(reveal_needs_a_seal)
{
    ws_to(&w, FIRST_SEAL);
    commit();
    ws_to(&w, FIRST_REVEAL);
    ck_assert_int_eq(send_reveal(reveal()), VPR_NOT_SEALED);
    ck_assert_int_eq(ws_send(&w, &reveal()->base, "servicer1"), VPR_NOT_STAKED);
}
END_TEST

static void expect(Viper__V1__MsgReveal *m, enum vpr_code code)
{
    ck_assert_int_eq(send_reveal(m), code);
    ck_assert(!revealed());
}

/* Every number of a card is under its seal. */
START_TEST(tampered_card_is_refused)
{
    seal_all();
    Viper__V1__MsgReveal *m = reveal();
    m->cards[0]->salt.data[0] ^= 1;
    expect(m, VPR_BAD_CARD);
    m = reveal();
    m->cards[0]->lines[2]->p90_ms++;
    expect(m, VPR_BAD_CARD);
    m = reveal();
    m->cards[0]->lines[2]->correct++;
    expect(m, VPR_BAD_CARD);
    m = reveal();
    m->cards[0]->samples_root.data[7] ^= 1;
    expect(m, VPR_BAD_CARD);
    m = reveal();
    m->cards[0]->n_lines--;
    expect(m, VPR_BAD_CARD);
    m = reveal();
    Viper__V1__CardLine *first = m->cards[0]->lines[0];
    m->cards[0]->lines[0] = m->cards[0]->lines[1];
    m->cards[0]->lines[1] = first;
    expect(m, VPR_BAD_CARD);
    m = reveal();
    m->cards[0]->lines[0]->servicer = m->cards[0]->lines[1]->servicer;
    expect(m, VPR_BAD_CARD);
    m = ws_msg_reveal(&w, (const struct ws_card *[]){&card, &card}, 2);
    expect(m, VPR_DUPLICATE);
    m = reveal();
    m->n_cards = 0;
    expect(m, VPR_BAD_FIELD);
    ck_assert_int_eq(send_reveal(reveal()), VPR_OK); /* none of it spoilt the true one */
}
END_TEST

/* Numbers that cannot be are refused even if they were sealed. */
START_TEST(impossible_numbers_are_refused)
{
    for (int n = 0; n < 3; n++) {
        teardown();
        setup();
        if (n == 0) {
            card.card.lines[1].refused = 3; /* 6 + 3 > 8 */
        } else if (n == 1) {
            card.card.lines[1].checked = 7; /* of 6 */
        } else {
            card.card.lines[1].correct = 6; /* of 5 */
        }
        seal_all();
        expect(reveal(), VPR_BAD_CARD);
    }
}
END_TEST

START_TEST(opened_samples_are_the_drawn_ones)
{
    seal_all();
    Viper__V1__MsgReveal *m = reveal();
    ck_assert_uint_eq(m->cards[0]->n_opened, 2);
    m->cards[0]->n_opened = 1;
    expect(m, VPR_BAD_SAMPLE);
    m = reveal();
    m->cards[0]->opened[1]->position = 0;
    expect(m, VPR_BAD_SAMPLE);
    m = reveal();
    m->cards[0]->opened[0]->index ^= 1;
    expect(m, VPR_BAD_SAMPLE);
    m = reveal();
    m->cards[0]->opened[0] = m->cards[0]->opened[1];
    expect(m, VPR_BAD_SAMPLE);
    m = reveal();
    m->cards[0]->opened[0]->siblings[0]->hash.data[0] ^= 1;
    expect(m, VPR_BAD_SAMPLE);
    m = reveal();
    m->cards[0]->opened[0]->siblings[1]->sum++;
    expect(m, VPR_BAD_SAMPLE);
    m = reveal();
    m->cards[0]->opened[0]->n_siblings--;
    expect(m, VPR_BAD_SAMPLE);
}
END_TEST

/* A true sample next to the drawn one does not stand for it. */
START_TEST(another_sample_is_not_the_drawn_one)
{
    seal_all();
    for (uint32_t i = 0; i < 2; i++) {
        Viper__V1__MsgReveal *m = reveal();
        uint64_t at = m->cards[0]->opened[i]->index;
        uint64_t next = at % 8 == 7 ? at - 1 : at + 1; /* of the same servicer */
        m->cards[0]->opened[i] = ws_opened_at(&w, &card, i, next);
        expect(m, VPR_BAD_SAMPLE);
    }
}
END_TEST

/* A card about somebody who was not drawn, sealed or not. */
START_TEST(card_lists_the_drawn_servicers)
{
    card.card.lines[2].servicer.b[19] ^= 1;
    seal_all();
    expect(reveal(), VPR_BAD_CARD);
}
END_TEST

/* Whichever kind of sample is drawn: no byte of it can be changed. */
START_TEST(tampered_sample_is_refused)
{
    seal_all();
    size_t len = reveal()->cards[0]->opened[0]->sample.len;
    for (size_t at = 0; at < len; at += 9) {
        Viper__V1__MsgReveal *m = reveal();
        m->cards[0]->opened[0]->sample.data[at] ^= 1;
        bool client_key = at >= 52 && at < 84;
        expect(m, client_key ? VPR_BAD_TOKEN : VPR_BAD_SAMPLE);
    }
    for (size_t at = 0; at < VPR_TOKEN_BYTES; at += 11) {
        Viper__V1__MsgReveal *m = reveal();
        m->cards[0]->opened[1]->token->token.data[at] ^= 1;
        expect(m, VPR_BAD_TOKEN);
    }
    Viper__V1__MsgReveal *m = reveal();
    m->cards[0]->opened[0]->token = NULL;
    expect(m, VPR_BAD_TOKEN);
    m = reveal();
    m->cards[0]->opened[0]->token->gateway_key = 7;
    expect(m, VPR_BAD_TOKEN);
}
END_TEST

/* What is false in the samples themselves, sealed and all, does not pass either: receipts by
 * another key, receipts counted that are none, samples of another servicer. */
START_TEST(sealed_lies_are_found)
{
    for (int n = 0; n < 4; n++) {
        struct vpr_card_line lines[VPR_CARD_LINES_MAX];
        teardown();
        setup();
        fill(lines);
        for (size_t i = 0; i < 5; i++) {
            lines[i].sent = lines[i].answered = 8;
            lines[i].refused = n == 3 ? 8 : 0;
            lines[i].answered -= lines[i].refused;
            lines[i].checked = lines[i].correct = n == 3 ? 0 : 5;
        }
        ws_card(&card, &bench, &bench.fishermen[0].id, lines);
        for (size_t i = 0; i < card.count; i++) {
            if (n == 0) {
                card.samples[i].receipt.signature.b[0] ^= 1;
            } else if (n == 1) {
                card.samples[i].answer = VPR_SAMPLE_SILENT;
            } else if (n == 2) {
                card.samples[i] = card.samples[(i + 8) % card.count];
            } else {
                card.samples[i].refusal.signature.b[0] ^= 1;
            }
        }
        ws_card_root(&card);
        seal_all();
        expect(reveal(), VPR_BAD_SAMPLE);
    }
}
END_TEST

/* A card without any sample has the empty root and opens nothing. */
START_TEST(empty_card_passes)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    memset(lines, 0, sizeof lines);
    ws_card(&card, &bench, &bench.fishermen[0].id, lines);
    seal_all();
    Viper__V1__MsgReveal *m = reveal();
    ck_assert_uint_eq(m->cards[0]->n_opened, 0);
    ck_assert_int_eq(send_reveal(m), VPR_OK);
    ws_end(&w);
}
END_TEST

START_TEST(reveal_has_limits)
{
    Viper__V1__RevealedCard *cards[101];
    seal_all();
    Viper__V1__MsgReveal *m = reveal();
    for (size_t i = 0; i < 101; i++) {
        cards[i] = m->cards[0];
    }
    m->cards[0]->n_opened = 0;
    m->cards = cards;
    m->n_cards = 101;
    expect(m, VPR_BAD_FIELD);
    m = reveal();
    m->cards[0]->salt.len = 33;
    expect(m, VPR_BAD_FIELD);
}
END_TEST

/* ---- a session without Commit ---- */

static size_t seals(void)
{
    Viper__V1__QuerySidRequest request = VIPER__V1__QUERY_SID_REQUEST__INIT;
    enum vpr_code code;
    char sid[65];

    vpr_hex(sid, bench.sid.b, sizeof bench.sid.b);
    request.sid = sid;
    const Viper__V1__QueryCardsResponse *r = (const Viper__V1__QueryCardsResponse *)ws_ask(
        &w, "/viper.v1.Query/Cards", &request.base, &code);
    return code == VPR_OK ? r->n_cards : 0;
}

/* Whether there are more seals than the limit the block does not know when it has met it. */
START_TEST(a_full_sweep_puts_off_the_end_of_a_session)
{
    teardown();
    start(&(struct ws_options){.settle_per_block = 1});
    ws_to(&w, FIRST_SEAL);
    ck_assert_int_eq(send_report(report()), VPR_OK);
    ws_to(&w, LAST_REVEAL);
    ck_assert_uint_eq(seals(), 1);
    ws_next(&w);
    ck_assert_uint_eq(seals(), 0);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 0);
    ws_next(&w);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);
    ws_end(&w);
}
END_TEST

/* ---- presence ---- */

static uint64_t absences(const char *label)
{
    struct vpr_address id = world_address(label);
    return vpr_actor_get(w.ctx, &id)->absent_sessions;
}

/* Only sids with a Commit count; who seals nothing 24 times in a row is paused. */
START_TEST(absent_fisherman_is_paused)
{
    Viper__V1__MsgReportCard empty = VIPER__V1__MSG_REPORT_CARD__INIT;
    struct vpr_address third = world_address("fisherman3");

    for (uint64_t s = 0; s < 25; s++) {
        ws_to(&w, s * 10 + 1); /* session s begins, and work of s-2 is counted */
        uint64_t counted = s < 2 ? 0 : s - 2 + 1;
        ck_assert_uint_eq(absences("fisherman1"), 0);
        ck_assert_uint_eq(absences("fisherman3"), counted);
        if (s > 0) {
            struct vpr_bench b = ws_bench(&w, s - 1, 1, 1);
            ck_assert(vpr_bench_has_fisherman(&b, &third));
            ws_work(&work, &b, &b.servicers[0].id, 1, 500);
            commit();
            empty.session = s - 1;
            ck_assert_int_eq(ws_send(&w, &empty.base, "fisherman1"), VPR_OK);
            ck_assert_int_eq(ws_send(&w, &empty.base, "fisherman2"), VPR_OK);
        }
    }
    ck_assert_int_eq(vpr_actor_get(w.ctx, &third)->status, VIPER__V1__STATUS__STATUS_ACTIVE);
    ck_assert_uint_eq(absences("fisherman3"), 23);
    ws_to(&w, 250);
    ws_next(&w); /* session 25 opens: work of 23, the 24th */
    const struct vpr_event *event = ws_event(&w, "absence", 0);
    ck_assert_str_eq(ws_attribute(event, "actor"), world_text("fisherman3"));
    ck_assert_uint_eq(ws_attribute_u64(event, "session"), 23);
    ck_assert_uint_eq(ws_attribute_u64(event, "absent_sessions"), 24);
    ck_assert_ptr_null(ws_event(&w, "absence", 1));
    ck_assert_int_eq(vpr_actor_get(w.ctx, &third)->status, VIPER__V1__STATUS__STATUS_PAUSED);
    ck_assert_uint_eq(absences("fisherman3"), 0);
    ck_assert_uint_eq(absences("fisherman2"), 0);
    ws_end(&w);
}
END_TEST

/* One card ends the row; a session without Commit neither counts nor resets. */
START_TEST(presence_resets_absence)
{
    ws_to(&w, FIRST_SEAL);
    commit();
    ws_to(&w, 21);
    ck_assert_uint_eq(absences("fisherman1"), 1);
    ws_to(&w, 31); /* nobody committed work of session 1 */
    ck_assert_uint_eq(absences("fisherman1"), 1);
    struct vpr_bench b = ws_bench(&w, 2, 1, 1);
    ws_work(&work, &b, &b.servicers[0].id, 1, 500);
    commit();
    Viper__V1__MsgReportCard empty = VIPER__V1__MSG_REPORT_CARD__INIT;
    empty.session = 2;
    ck_assert_int_eq(ws_send(&w, &empty.base, "fisherman1"), VPR_OK);
    ws_to(&w, 41);
    ck_assert_uint_eq(absences("fisherman1"), 0);
    ck_assert_uint_eq(absences("fisherman2"), 2);
    ws_end(&w);
}
END_TEST

/* Who paused before the 24th is drawn in two sessions still: its count ends at 24, it is not
 * paused again, and resuming begins anew. */
START_TEST(an_absent_fisherman_that_is_not_active_stays_at_24)
{
    Viper__V1__MsgPause pause = VIPER__V1__MSG_PAUSE__INIT;
    Viper__V1__MsgResume resume = VIPER__V1__MSG_RESUME__INIT;
    struct vpr_address third = world_address("fisherman3");

    ws_to(&w, FIRST_SEAL);
    commit();
    Viper__V1__Actor actor = *vpr_actor_get(w.ctx, &third);
    actor.absent_sessions = 23;
    vpr_actor_put(w.ctx, &third, &actor);
    pause.signer = pause.actor = resume.signer = resume.actor = world_text("fisherman3");
    ck_assert_int_eq(world_tx(w.w, "fisherman3", &pause.base).code, VPR_OK);
    ws_to(&w, 21);
    ck_assert_uint_eq(absences("fisherman3"), 24);
    ck_assert_ptr_null(ws_event(&w, "pause", 0));
    struct vpr_bench b = ws_bench(&w, 1, 1, 1);
    ck_assert(vpr_bench_has_fisherman(&b, &third));
    ws_work(&work, &b, &b.servicers[0].id, 1, 500);
    commit();
    ws_to(&w, 31);
    ck_assert_uint_eq(absences("fisherman1"), 2);
    ck_assert_uint_eq(absences("fisherman3"), 24);
    ck_assert_int_eq(vpr_actor_get(w.ctx, &third)->status, VIPER__V1__STATUS__STATUS_PAUSED);
    ck_assert_ptr_null(ws_event(&w, "pause", 0));
    ck_assert_int_eq(world_tx(w.w, "fisherman3", &resume.base).code, VPR_OK);
    ck_assert_uint_eq(absences("fisherman3"), 0);
    ws_end(&w);
}
END_TEST

/* Where the first event of that type stands in the block in hand. */
static size_t place_of(const char *type)
{
    const struct vpr_event *event = ws_event(&w, type, 0);
    size_t at = 0;

    ck_assert_msg(event != NULL, "no event %s", type);
    while (w.w->events.list[at] != event) {
        at++;
    }
    return at;
}

/* docs/protocol.md, 8.4: the steps that only the first block of a session has. */
START_TEST(a_session_opens_in_the_order_of_its_steps)
{
    static const char *const order[] = {"session", "renewed", "yield", "price", "pause", "beacon"};
    Viper__V1__MsgRenewBeacon renew = VIPER__V1__MSG_RENEW_BEACON__INIT;
    Viper__V1__MsgPrice vote = VIPER__V1__MSG_PRICE__INIT;
    struct vpr_hash end = world_beacon_end("carol");
    struct vpr_address absent = world_address("fisherman3");

    renew.signer = renew.validator = world_text("validator4");
    renew.beacon_end = (ProtobufCBinaryData){sizeof end.b, end.b};
    ck_assert_int_eq(world_tx(w.w, "validator4", &renew.base).code, VPR_OK);
    ws_to(&w, FIRST_SEAL);
    commit();
    vote.price_micro_usd = 50001;
    ws_must(&w, &vote.base, "validator1");
    ws_must(&w, &vote.base, "validator2");
    ws_must(&w, &vote.base, "validator3");
    Viper__V1__Actor actor = *vpr_actor_get(w.ctx, &absent);
    actor.absent_sessions = 23;
    vpr_actor_put(w.ctx, &absent, &actor);
    ws_to(&w, 21);
    for (size_t i = 1; i < VPR_COUNT(order); i++) {
        ck_assert_msg(place_of(order[i - 1]) < place_of(order[i]), "%s stands before %s",
                      order[i], order[i - 1]);
    }
    ws_end(&w);
}
END_TEST

/* ---- query ---- */

START_TEST(cards_are_listed_by_sid)
{
    Viper__V1__QuerySidRequest request = VIPER__V1__QUERY_SID_REQUEST__INIT;
    char sid[65];
    enum vpr_code code;

    vpr_hex(sid, bench.sid.b, 32);
    request.sid = sid;
    (void)ws_ask(&w, "/viper.v1.Query/Cards", &request.base, &code);
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    seal_all();
    const Viper__V1__QueryCardsResponse *response =
        (const Viper__V1__QueryCardsResponse *)ws_ask(&w, "/viper.v1.Query/Cards",
                                                      &request.base, NULL);
    ck_assert_uint_eq(response->n_cards, 1);
    ck_assert(!response->cards[0]->revealed);
    ck_assert_uint_eq(response->cards[0]->n_lines, 0);
    ck_assert_int_eq(send_reveal(reveal()), VPR_OK);
    response = (const Viper__V1__QueryCardsResponse *)ws_ask(&w, "/viper.v1.Query/Cards",
                                                             &request.base, NULL);
    ck_assert(response->cards[0]->revealed);
    ck_assert_uint_eq(response->cards[0]->n_lines, 5);
    ck_assert_uint_eq(response->cards[0]->lines[0]->answered, 6);
    ck_assert_str_eq(response->cards[0]->fisherman, world_text(fisherman()));
}
END_TEST

Suite *suite_reportcards(void)
{
    Suite *suite = suite_create("reportcards");
    TCase *seal = tcase_create("seal");
    TCase *open = tcase_create("reveal");
    TCase *presence = tcase_create("presence");

    tcase_add_checked_fixture(seal, setup, teardown);
    tcase_add_test(seal, report_card_has_its_session);
    tcase_add_test(seal, report_card_needs_the_draw);
    tcase_add_test(seal, report_card_has_at_most_1000_entries);
    tcase_add_test(seal, later_report_card_replaces);
    tcase_add_test(seal, later_seal_counts);
    tcase_add_test(seal, a_full_sweep_puts_off_the_end_of_a_session);
    tcase_add_test(seal, cards_are_listed_by_sid);
    suite_add_tcase(suite, seal);

    tcase_add_checked_fixture(open, setup, teardown);
    tcase_set_timeout(open, 60);
    tcase_add_test(open, revealed_card_is_stored);
    tcase_add_test(open, reveal_has_its_blocks);
    tcase_add_test(open, reveal_in_the_last_block_counts);
    tcase_add_test(open, reveal_needs_a_commit);
    tcase_add_test(open, reveal_needs_a_seal);
    tcase_add_test(open, tampered_card_is_refused);
    tcase_add_test(open, impossible_numbers_are_refused);
    tcase_add_test(open, opened_samples_are_the_drawn_ones);
    tcase_add_test(open, another_sample_is_not_the_drawn_one);
    tcase_add_test(open, card_lists_the_drawn_servicers);
    tcase_add_test(open, tampered_sample_is_refused);
    tcase_add_test(open, sealed_lies_are_found);
    tcase_add_test(open, empty_card_passes);
    tcase_add_test(open, reveal_has_limits);
    suite_add_tcase(suite, open);

    tcase_add_checked_fixture(presence, setup, teardown);
    tcase_set_timeout(presence, 120);
    tcase_add_test(presence, absent_fisherman_is_paused);
    tcase_add_test(presence, an_absent_fisherman_that_is_not_active_stays_at_24);
    tcase_add_test(presence, presence_resets_absence);
    tcase_add_test(presence, a_session_opens_in_the_order_of_its_steps);
    suite_add_tcase(suite, presence);
    return suite;
}
