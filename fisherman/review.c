#include <stdio.h>

#include "app/base/bytes.h"
#include "app/host/log.h"
#include "fisherman/inside.h"

static void review_next(struct vpr_report *report);

static void skip(struct vpr_report *report)
{
    report->cursor++;
    review_next(report);
}

/* ---- the answers about one sid, in the order they are asked for ---- */

static void read_line(struct vpr_card_line *to, const Viper__V1__CardLine *from)
{
    memset(to, 0, sizeof *to);
    if (!vpr_address_parse(&to->servicer, VPR_PREFIX_ACCOUNT, vpr_bytes_str(from->servicer))) {
        return;
    }
    to->sent = from->sent;
    to->refused = from->refused;
    to->answered = from->answered;
    to->checked = from->checked;
    to->correct = from->correct;
    to->p90_ms = from->p90_ms;
}

static void on_cards(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    struct vpr_expect *e = &report->review.expect;
    const Viper__V1__QueryCardsResponse *m =
        (const Viper__V1__QueryCardsResponse *)answer->message;

    report->call = NULL;
    e->mine = VPR_EXPECT_FISHERMEN_MAX;
    for (size_t i = 0; answer->ok && i < m->n_cards; i++) {
        const Viper__V1__CardInfo *card = m->cards[i];
        if (!card->revealed || card->n_lines != e->seat_count ||
            e->card_count == VPR_EXPECT_FISHERMEN_MAX) {
            continue;
        }
        if (card == report_card_of(report, answer)) {
            e->mine = e->card_count;
        }
        for (uint32_t seat = 0; seat < e->seat_count; seat++) {
            read_line(&report->review.lines[e->card_count][seat], card->lines[seat]);
        }
        e->cards[e->card_count] = report->review.lines[e->card_count];
        e->card_count++;
    }
    report->fates[report->cursor].expected = vpr_expect_of(e);
    vpr_metric_add(report->fishing->metrics, VPR_ROW_REWARD, 0, 0,
                   report->fates[report->cursor].expected.reward_uvipr);
    skip(report);
}

static void on_settlements(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    struct vpr_expect *e = &report->review.expect;
    const Viper__V1__QuerySettlementsResponse *m =
        (const Viper__V1__QuerySettlementsResponse *)answer->message;

    report->call = NULL;
    for (size_t i = 0; answer->ok && i < m->n_entries; i++) {
        const Viper__V1__VerifyEntry *entry = m->entries[i];
        struct vpr_expect_entry *to = &e->entries[e->entry_count];
        if (entry->verdict == VIPER__V1__VERDICT__VERDICT_PAID &&
            e->entry_count < VPR_CARD_LINES_MAX &&
            vpr_address_parse(&to->servicer, VPR_PREFIX_ACCOUNT,
                              vpr_bytes_str(entry->servicer))) {
            to->settled_cu = entry->settled_cu;
            e->entry_count++;
        }
    }
    report->call = answer->ok ? report_ask(report, "cards", report->cursor,
                                           &viper__v1__query_cards_response__descriptor,
                                           on_cards)
                              : NULL;
    if (report->call == NULL) {
        skip(report);
    }
}

static void on_bench(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    struct vpr_expect *e = &report->review.expect;
    const Viper__V1__QueryBenchResponse *m =
        (const Viper__V1__QueryBenchResponse *)answer->message;

    report->call = NULL;
    if (answer->ok) {
        e->allowance_cu = m->allowance_cu;
        e->budget_uvipr = m->budget_uvipr;
        e->quota_cu = m->quota_cu;
        report->call = report_ask(report, "settlements", report->cursor,
                                  &viper__v1__query_settlements_response__descriptor,
                                  on_settlements);
    }
    if (report->call == NULL) {
        skip(report);
    }
}

/* ---- the walk ---- */

static bool start_sid(struct vpr_report *report, const struct vpr_followed *session)
{
    const struct vpr_book_terms *terms = &report->book->sids[report->cursor]->terms;
    struct vpr_expect *e = &report->review.expect;

    memset(&report->review, 0, sizeof report->review);
    for (size_t i = 0; i < report->chain_count; i++) {
        if (report->chains[i].id == terms->chain) {
            e->chain_ppm = report->chains[i].multiplier_ppm;
            e->rule.latency_target_ms = report->chains[i].latency_target_ms;
            e->rule.latency_max_ms = report->chains[i].latency_max_ms;
        }
    }
    for (size_t i = 0; i < report->zone_count; i++) {
        if (report->zones[i].id == terms->zone) {
            e->zone_ppm = report->zones[i].multiplier_ppm;
        }
    }
    if (e->rule.latency_max_ms <= e->rule.latency_target_ms ||
        session->params.weight_latency > VPR_PPM || session->params.card_tolerance > VPR_PPM) {
        return false;
    }
    e->rule.weight_latency_ppm = (uint32_t)session->params.weight_latency;
    e->rule.min_samples = session->params.min_samples;
    e->fishermen_ppm = session->params.split_fishermen;
    e->tolerance_ppm = session->params.card_tolerance;
    e->drawn_fishermen = terms->fisherman_count;
    e->seat_count = terms->seat_count;
    for (uint32_t i = 0; i < terms->seat_count; i++) {
        e->seats[i] = terms->seats[i].servicer;
    }
    return true;
}

static void review_next(struct vpr_report *report)
{
    const struct vpr_followed *session =
        vpr_follow_session(report->fishing->follow, report->book->session);
    char path[64];

    for (; session != NULL && report->cursor < report->book->sid_count; report->cursor++) {
        if (!report->fates[report->cursor].revealed || !start_sid(report, session)) {
            continue;
        }
        snprintf(path, sizeof path, "sessions/%" PRIu64, report->book->session);
        report->call = report_ask(report, path, report->cursor,
                                  &viper__v1__query_bench_response__descriptor, on_bench);
        if (report->call != NULL) {
            return;
        }
    }
    report->reviewed(report);
}

static void on_chains(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_report *report = arg;
    const Viper__V1__QueryChainsResponse *m =
        (const Viper__V1__QueryChainsResponse *)answer->message;

    report->call = NULL;
    for (size_t i = 0; answer->ok && i < m->n_chains; i++) {
        if (report->chain_count < VPR_COUNT(report->chains)) {
            const size_t at = report->chain_count++;
            report->chains[at].id = (uint16_t)m->chains[i]->id;
            report->chains[at].multiplier_ppm = m->chains[i]->multiplier_ppm;
            report->chains[at].latency_target_ms = m->chains[i]->latency_target_ms;
            report->chains[at].latency_max_ms = m->chains[i]->latency_max_ms;
        }
    }
    for (size_t i = 0; answer->ok && i < m->n_zones; i++) {
        if (report->zone_count < VPR_COUNT(report->zones)) {
            const size_t at = report->zone_count++;
            report->zones[at].id = (uint16_t)m->zones[i]->id;
            report->zones[at].multiplier_ppm = m->zones[i]->multiplier_ppm;
        }
    }
    report->cursor = 0;
    review_next(report);
}

void report_review(struct vpr_report *report, void (*done)(struct vpr_report *report))
{
    report->reviewed = done;
    report->call =
        vpr_node_get(report->fishing->node, &viper__v1__query_chains_response__descriptor,
                     on_chains, report, "/viper/v1/chains?session=%" PRIu64,
                     report->book->session);
    if (report->call == NULL) {
        done(report);
    }
}

static const char *why_lost(const struct fate *fate)
{
    return fate->revealed ? "" : fate->why != NULL ? fate->why : "too late";
}

/* Of all its sids, as the operator counts: the first reason stands for those that follow. */
static void tell_session(const struct vpr_report *report)
{
    const char *why = "no";
    uint32_t revealed = 0;
    uint64_t reward = 0;

    for (uint32_t i = 0; i < report->book->sid_count; i++) {
        const struct fate *fate = &report->fates[i];
        revealed += fate->revealed ? 1 : 0;
        reward += fate->expected.reward_uvipr;
        if (!fate->revealed && strcmp(why, "no") == 0) {
            why = why_lost(fate);
        }
    }
    vpr_log_info("fisherman", "session is settled",
                 "session=%" PRIu64 " sids=%" PRIu32 " sealed=%" PRIu32 " revealed=%" PRIu32
                 " reward_uvipr=%" PRIu64 " lost=%s", report->book->session,
                 report->book->sid_count, report->sealed, revealed, reward, why);
}

void report_tell(const struct vpr_report *report)
{
    tell_session(report);
    for (uint32_t i = 0; i < report->book->sid_count; i++) {
        const struct vpr_book_sid *sid = report->book->sids[i];
        const struct fate *fate = &report->fates[i];
        char text[VPR_SID_TEXT_MAX];
        uint64_t answered = 0, checked = 0, correct = 0;

        vpr_hex(text, sid->terms.sid.b, sizeof sid->terms.sid.b);
        for (uint32_t j = 0; j < sid->card.count; j++) {
            answered += sid->card.lines[j].answered;
            checked += sid->card.lines[j].checked;
            correct += sid->card.lines[j].correct;
        }
        vpr_log_info("fisherman", "card",
                     "session=%" PRIu64 " sid=%s chain=%04x samples=%" PRIu32
                     " answered=%" PRIu64 " checked=%" PRIu64 " correct=%" PRIu64
                     " revealed=%d factor_ppm=%" PRIu32 " reward_uvipr=%" PRIu64 " why=%s",
                     report->book->session, text, sid->terms.chain, sid->sample_count, answered,
                     checked, correct, fate->revealed ? 1 : 0, fate->expected.factor_ppm,
                     fate->expected.reward_uvipr, why_lost(fate));
    }
}
