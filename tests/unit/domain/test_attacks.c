#include <stdio.h>

#include "app/domain/actors.h"
#include "app/domain/chains.h"
#include "app/domain/positions.h"
#include "app/domain/scores.h"
#include "app/domain/settlement.h"
#include "tests/unit/domain/session_tests.h"
#include "tests/unit/world_session.h"

/* What brought earlier networks of this kind down, tried on a whole session: each test is one
 * attack or one corner, and also looks at what must not have happened. */
#define FIRST_COMMIT 11
#define FIRST_PROVE 23
#define FIRST_VERIFY 31

#define SEATS 5
#define FISHERMEN 3
#define KEPT (1000 * VPR_UVIPR_PER_VIPR) /* what an owner has before any reward */
#define FEE 500000                       /* of every transaction of the tests */
#define STAKE (15000 * VPR_UVIPR_PER_VIPR)

/* A sid with its work and its cards. */
struct scene {
    struct vpr_bench bench;
    struct ws_work works[SEATS];
    struct ws_card cards[FISHERMEN];
};

static struct ws w;
static struct scene one, two;
static const struct vpr_card_line good = {
    .sent = 10, .answered = 10, .checked = 10, .correct = 10, .p90_ms = 100};
static const struct vpr_card_line dead = {.sent = 10};
static const struct vpr_card_line wrong = {
    .sent = 10, .answered = 10, .checked = 10, .correct = 0, .p90_ms = 1};

static void fill(struct scene *s, unsigned requestor, uint16_t chain, size_t relays,
                 uint64_t cu)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX] = {{.sent = 0}};
    s->bench = ws_bench(&w, 0, requestor, chain);
    ck_assert_uint_eq(s->bench.servicer_count, SEATS);
    ck_assert_uint_eq(s->bench.fisherman_count, FISHERMEN);
    for (size_t i = 0; i < SEATS; i++) {
        lines[i] = good;
        ws_work(&s->works[i], &s->bench, &s->bench.servicers[i].id, relays, cu);
    }
    for (size_t f = 0; f < FISHERMEN; f++) {
        ws_card(&s->cards[f], &s->bench, &s->bench.fishermen[f].id, lines);
    }
}

/* All three cards say this of the servicer in that seat. */
static void say(struct scene *s, size_t seat, struct vpr_card_line line)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];
    for (size_t f = 0; f < FISHERMEN; f++) {
        memcpy(lines, s->cards[f].card.lines, sizeof lines);
        lines[seat] = line;
        ws_card(&s->cards[f], &s->bench, &s->bench.fishermen[f].id, lines);
    }
}

static void setup(void)
{
    ws_open(&w, &(struct ws_options){.settle_per_block = 0});
    ws_to(&w, 1);
    fill(&one, 1, 1, 10, 500); /* 10,000 CU with both clients */
}

static void teardown(void)
{
    ws_close(&w);
}

/* ---- steps ---- */

static const char *servicer(const struct scene *s, size_t seat)
{
    return ws_label(&s->works[seat].servicer);
}

static Viper__V1__MsgCommit *commit_of(const struct scene *s, size_t seat)
{
    return ws_msg_commit(&w, (const struct ws_work *[]){&s->works[seat]}, 1);
}

static Viper__V1__MsgProve *tails_of(const struct scene *s, size_t seat)
{
    return ws_msg_tails(&w, (const struct ws_work *[]){&s->works[seat]}, 1);
}

static Viper__V1__MsgProve *samples_of(const struct scene *s, size_t seat)
{
    return ws_msg_samples(&w, (const struct ws_work *[]){&s->works[seat]}, 1);
}

static Viper__V1__MsgReportCard *report_of(const struct scene *s, size_t f)
{
    return ws_msg_report(&w, (const struct ws_card *[]){&s->cards[f]}, 1);
}

static Viper__V1__MsgReveal *reveal_of(const struct scene *s, size_t f)
{
    return ws_msg_reveal(&w, (const struct ws_card *[]){&s->cards[f]}, 1);
}

static void commit(const struct scene *s, size_t seats)
{
    for (size_t i = 0; i < seats; i++) {
        ws_must(&w, &commit_of(s, i)->base, servicer(s, i));
    }
}

static void seal(const struct scene *s)
{
    for (size_t f = 0; f < FISHERMEN; f++) {
        ws_must(&w, &report_of(s, f)->base, ws_label(&s->cards[f].fisherman));
    }
}

static void reveal(const struct scene *s)
{
    for (size_t f = 0; f < FISHERMEN; f++) {
        ws_must(&w, &reveal_of(s, f)->base, ws_label(&s->cards[f].fisherman));
    }
}

static void prove(const struct scene *s, size_t seats)
{
    for (size_t i = 0; i < seats; i++) {
        ws_must(&w, &tails_of(s, i)->base, servicer(s, i));
        ws_must(&w, &samples_of(s, i)->base, servicer(s, i));
    }
}

/* The whole of it up to the block before Verify. */
static void play(const struct scene *s, size_t seats)
{
    ws_to(&w, FIRST_COMMIT);
    commit(s, seats);
    seal(s);
    ws_to(&w, FIRST_PROVE);
    prove(s, seats);
    reveal(s);
    ws_to(&w, FIRST_VERIFY);
}

/* ---- looking ---- */

static uint64_t earned(const struct vpr_address *id)
{
    return world_balance(w.w, ws_owner(id)) - KEPT;
}

static const struct vpr_event *verify_of(const struct vpr_address *id, size_t n)
{
    const struct vpr_event *event;
    for (size_t i = 0; (event = ws_event(&w, "verify", i)) != NULL; i++) {
        if (strcmp(ws_attribute(event, "servicer"), world_text_of(id)) == 0 && n-- == 0) {
            return event;
        }
    }
    return NULL;
}

static size_t verifies(void)
{
    size_t count = 0;
    while (ws_event(&w, "verify", count) != NULL) {
        count++;
    }
    return count;
}

static uint64_t stake_of(const struct vpr_address *id)
{
    return vpr_actor_get(w.ctx, id)->stake;
}

static uint64_t score_of(size_t seat)
{
    return vpr_score_newest(w.ctx, &one.bench.servicers[seat].id, 1, WS_ZONE);
}

/* ---- authority ---- */

/* Old networks verified a token with the key that the token itself names: anybody made one. */
START_TEST(token_signed_by_the_client_itself_is_refused)
{
    struct vpr_token *token = &one.works[0].tokens[0], was = *token;
    struct vpr_hash hash = vpr_token_hash(token);
    vpr_ed25519_sign(&token->signature, hash.b, sizeof hash.b, one.works[0].clients[0].secret);
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    ws_to(&w, FIRST_PROVE);
    ck_assert_int_eq(ws_send(&w, &tails_of(&one, 0)->base, servicer(&one, 0)), VPR_BAD_TOKEN);
    *token = was;
    ck_assert_int_eq(ws_send(&w, &tails_of(&one, 0)->base, servicer(&one, 0)), VPR_OK);
    ws_end(&w);
}
END_TEST

/* A gateway key of somebody else's record is nobody's here. */
START_TEST(token_signed_by_another_requestors_gateway_is_refused)
{
    struct vpr_token *token = &one.works[0].tokens[0];
    struct vpr_hash hash = vpr_token_hash(token);
    uint8_t secret[64];
    world_ed25519_secret("requestor2.gateway", secret);
    vpr_ed25519_sign(&token->signature, hash.b, sizeof hash.b, secret);
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    ws_to(&w, FIRST_PROVE);
    ck_assert_int_eq(ws_send(&w, &tails_of(&one, 0)->base, servicer(&one, 0)), VPR_BAD_TOKEN);
    ws_end(&w);
}
END_TEST

/* The seal binds its author: who copies one can never open it. */
START_TEST(copied_card_cannot_be_revealed)
{
    const char *thief = ws_label(&one.cards[1].fisherman);
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    ws_must(&w, &report_of(&one, 0)->base, ws_label(&one.cards[0].fisherman));
    ws_must(&w, &report_of(&one, 0)->base, thief); /* the same seal */
    ws_to(&w, FIRST_PROVE);
    ck_assert_int_eq(ws_send(&w, &reveal_of(&one, 0)->base, thief), VPR_BAD_CARD);
    ck_assert_ptr_null(vpr_card_get(w.ctx, 0, &one.bench.sid, &one.cards[1].fisherman));
    ws_must(&w, &reveal_of(&one, 0)->base, ws_label(&one.cards[0].fisherman));
    ws_end(&w);
}
END_TEST

/* Old networks kept one card a session: the last writer won. */
START_TEST(card_replaces_only_its_authors_own)
{
    Viper__V1__MsgReportCard empty = VIPER__V1__MSG_REPORT_CARD__INIT;
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    seal(&one);
    ws_must(&w, &empty.base, ws_label(&one.cards[2].fisherman)); /* takes back its own */
    ws_to(&w, FIRST_PROVE);
    ws_must(&w, &reveal_of(&one, 0)->base, ws_label(&one.cards[0].fisherman));
    ws_must(&w, &reveal_of(&one, 1)->base, ws_label(&one.cards[1].fisherman));
    ck_assert_int_eq(ws_send(&w, &reveal_of(&one, 2)->base, ws_label(&one.cards[2].fisherman)),
                     VPR_NOT_SEALED);
    ws_end(&w);
}
END_TEST

/* ---- claims ---- */

/* Old networks burned three times the stake for any bad branch. */
START_TEST(malformed_proof_keeps_its_fee_and_may_be_sent_again)
{
    const char *label = servicer(&one, 0);
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    seal(&one);
    ws_to(&w, FIRST_PROVE);
    reveal(&one);
    uint64_t before = world_balance(w.w, label);
    Viper__V1__MsgProve *m = tails_of(&one, 0);
    m->entries[0]->tails[0].data[100] ^= 1;
    ck_assert_int_eq(ws_send(&w, &m->base, label), VPR_BAD_TAIL);
    m = samples_of(&one, 0);
    m->samples[0]->siblings[0]->hash.data[0] ^= 1;
    ck_assert_int_eq(ws_send(&w, &m->base, label), VPR_BAD_LEAF);
    ck_assert_uint_eq(before - world_balance(w.w, label), 2 * FEE);
    ck_assert_uint_eq(stake_of(&one.works[0].servicer), STAKE);
    ws_next(&w);
    prove(&one, 1);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_str_eq(ws_attribute(ws_event(&w, "verify", 0), "verdict"), "paid");
    ck_assert_uint_eq(earned(&one.works[0].servicer), 14000000);
    ws_end(&w);
}
END_TEST

/* A seat of the second sid that the servicer of seat `i` of the first has too. */
static bool seat_in_both(size_t *ret_i, size_t *ret_j)
{
    for (*ret_i = 0; *ret_i < SEATS; (*ret_i)++) {
        for (*ret_j = 0; *ret_j < SEATS; (*ret_j)++) {
            if (vpr_address_equal(&one.works[*ret_i].servicer, &two.works[*ret_j].servicer)) {
                return true;
            }
        }
    }
    return false;
}

/* Staying silent about one drawn leaf costs the pay of the whole session, and nothing else. */
START_TEST(one_missing_sample_leaves_every_entry_unpaid_and_slashes_nobody)
{
    size_t i, j;
    fill(&two, 1, 2, 10, 500);
    ck_assert(seat_in_both(&i, &j));
    const struct ws_work *works[] = {&one.works[i], &two.works[j]};
    const char *label = servicer(&one, i);
    ws_to(&w, FIRST_COMMIT);
    ws_must(&w, &ws_msg_commit(&w, works, 2)->base, label);
    ws_to(&w, FIRST_PROVE);
    ws_must(&w, &ws_msg_tails(&w, works, 2)->base, label);
    Viper__V1__MsgProve *m = ws_msg_samples(&w, works, 2);
    ck_assert_uint_eq(m->n_samples, 2);
    m->n_samples = 1;
    ws_must(&w, &m->base, label);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(verifies(), 2);
    for (size_t n = 0; n < 2; n++) {
        ck_assert_str_eq(ws_attribute(ws_event(&w, "verify", n), "verdict"), "unproved");
    }
    ck_assert_uint_eq(earned(&one.works[i].servicer), 0);
    ck_assert_uint_eq(stake_of(&one.works[i].servicer), STAKE);
    ck_assert_int_eq(vpr_actor_get(w.ctx, &one.works[i].servicer)->status,
                     VIPER__V1__STATUS__STATUS_ACTIVE);
    ws_end(&w);
}
END_TEST

/* The walk over all entries of a servicer is paid by nobody's gas: refused samples, too, find
 * it done. What is kept is what would be found again. */
START_TEST(refused_samples_cost_one_walk_over_the_entries)
{
    const struct vpr_address *id = &one.works[0].servicer;
    const struct vpr_positions *kept;
    struct vpr_session session;
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    ws_to(&w, FIRST_PROVE);
    ck_assert(vpr_session_get(w.ctx, 0, &session));
    ck_assert_ptr_null(vpr_pools_recall(w.ctx->pools, 0, id));
    Viper__V1__MsgProve *m = samples_of(&one, 0);
    m->samples[0]->index ^= 1;
    ck_assert_int_eq(ws_send(&w, &m->base, servicer(&one, 0)), VPR_BAD_LEAF);
    kept = vpr_pools_recall(w.ctx->pools, 0, id);
    ck_assert_ptr_nonnull(kept);
    ck_assert_uint_eq(kept->count, 2);
    ck_assert(vpr_hash_equal(&kept->at[0].sid, &one.bench.sid));
    struct vpr_positions was = *kept;
    ck_assert_int_eq(ws_send(&w, &samples_of(&one, 0)->base, servicer(&one, 0)), VPR_OK);

    vpr_pools_forget(w.ctx->pools);
    ck_assert_ptr_null(vpr_pools_recall(w.ctx->pools, 0, id));
    ck_assert_int_eq(vpr_positions_find(w.ctx, &session, id, &kept), VPR_OK);
    for (uint32_t i = 0; i < was.count; i++) {
        ck_assert(vpr_hash_equal(&kept->at[i].sid, &was.at[i].sid));
        ck_assert_uint_eq(kept->at[i].cu, was.at[i].cu);
    }
    ck_assert_int_eq(ws_send(&w, &samples_of(&one, 0)->base, servicer(&one, 0)), VPR_OK);
    id = &one.works[1].servicer; /* it committed nothing */
    ck_assert_int_eq(vpr_positions_find(w.ctx, &session, id, &kept), VPR_NOT_COMMITTED);
    ws_end(&w);
}
END_TEST

/* Replaced, proved twice: still one entry, settled in one block and in no later one. */
START_TEST(an_entry_settles_once)
{
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    ws_next(&w);
    commit(&one, 1);
    ws_to(&w, FIRST_PROVE);
    prove(&one, 1);
    prove(&one, 1);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(verifies(), 1);
    uint64_t got = earned(&one.works[0].servicer);
    ck_assert_uint_gt(got, 0);
    for (uint64_t height = FIRST_VERIFY + 1; height <= FIRST_VERIFY + 20; height++) {
        ws_to(&w, height);
        ck_assert_uint_eq(verifies(), 0);
    }
    ck_assert_uint_eq(earned(&one.works[0].servicer), got);
    ws_end(&w);
}
END_TEST

/* Both pairs, every seat, more served than the quota: the requestor's budget, to the unit. */
START_TEST(a_requestor_at_full_use_pays_its_budget_and_no_more)
{
    fill(&one, 1, 1, 20, 1500); /* 60,000 CU of a quota of 50,000 */
    fill(&two, 1, 2, 20, 1500);
    ws_to(&w, FIRST_COMMIT);
    commit(&one, SEATS);
    ws_next(&w);
    commit(&two, SEATS);
    ws_to(&w, FIRST_PROVE);
    for (size_t i = 1; i <= 6; i++) {
        char label[32];
        (void)snprintf(label, sizeof label, "servicer%zu", i);
        struct vpr_address id = world_address(label);
        const struct ws_work *works[2];
        size_t count = 0;
        for (size_t seat = 0; seat < 2 * SEATS; seat++) {
            const struct ws_work *work =
                seat < SEATS ? &one.works[seat] : &two.works[seat - SEATS];
            if (vpr_address_equal(&work->servicer, &id)) {
                works[count++] = work;
            }
        }
        ck_assert_uint_ge(count, 1);
        ws_must(&w, &ws_msg_tails(&w, works, count)->base, label);
        ws_must(&w, &ws_msg_samples(&w, works, count)->base, label);
    }
    ws_to(&w, FIRST_VERIFY);
    uint64_t gross = 0, cu = 0;
    for (size_t n = 0; n < 2 * SEATS; n++) {
        gross += ws_attribute_u64(ws_event(&w, "verify", n), "gross");
        cu += ws_attribute_u64(ws_event(&w, "verify", n), "settled_cu");
    }
    ck_assert_uint_eq(verifies(), 2 * SEATS);
    ck_assert_uint_eq(cu, 500000);                        /* the allowance */
    ck_assert_uint_eq(gross, 1000 * VPR_UVIPR_PER_VIPR); /* the budget */
    ws_end(&w);
}
END_TEST

/* Who worked for a requestor that leaves is paid as if it had stayed. */
START_TEST(a_leaving_requestor_voids_no_claim)
{
    Viper__V1__MsgUnstake leave = VIPER__V1__MSG_UNSTAKE__INIT;
    leave.owner = world_text("requestor1.owner");
    leave.actor = world_text("requestor1");
    struct vpr_address id = world_address("requestor1");
    uint64_t stake = stake_of(&id);
    struct vpr_tx_result r = world_tx(w.w, "requestor1.owner", &leave.base);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    play(&one, 1);
    ck_assert_str_eq(ws_attribute(ws_event(&w, "verify", 0), "verdict"), "paid");
    ck_assert_uint_eq(earned(&one.works[0].servicer), 14000000);
    ck_assert_uint_eq(stake_of(&id), stake); /* nothing is burned for use */
    ws_end(&w);
}
END_TEST

static void set_zone(uint64_t session, uint64_t multiplier)
{
    Viper__V1__ZoneTerms terms = VIPER__V1__ZONE_TERMS__INIT;
    struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
    vpr_key_u16(&key, WS_ZONE);
    terms.active = true;
    terms.multiplier_ppm = multiplier;
    vpr_version_put(w.ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session, &terms.base);
}

/* Old networks looked the zone up in the map of chains, at today's value. */
START_TEST(zone_multiplier_is_that_of_the_session)
{
    set_zone(0, 500000);
    set_zone(1, 1);
    play(&one, 1);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify", 0), "gross"), 10000000);
    ck_assert_uint_eq(earned(&one.works[0].servicer), 7000000);
    ws_end(&w);
}
END_TEST

/* ---- quality ---- */

/* Silence and fast garbage are worth nothing, however much was served; others are paid. */
START_TEST(dead_and_wrong_servicers_earn_nothing)
{
    say(&one, 0, dead);
    say(&one, 1, wrong);
    play(&one, 3);
    for (size_t seat = 0; seat < 3; seat++) {
        const struct vpr_event *event = verify_of(&one.works[seat].servicer, 0);
        ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 10000);
        ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), seat < 2 ? 0 : 1000000);
        ck_assert_uint_eq(earned(&one.works[seat].servicer), seat < 2 ? 0 : 14000000);
    }
    ck_assert_uint_eq(score_of(0), 270000); /* floor(300,000 x 0.9) */
    ck_assert_uint_eq(score_of(1), 270000);
    ck_assert_uint_eq(score_of(2), 370000);
    ws_end(&w);
}
END_TEST

/* A bad score cannot be escaped by claiming nothing. */
START_TEST(servicer_that_never_commits_loses_score)
{
    say(&one, 4, dead);
    play(&one, 1);
    ck_assert_ptr_null(verify_of(&one.works[4].servicer, 0));
    ck_assert_uint_eq(score_of(4), 270000);
    ck_assert_uint_eq(vpr_score_newest(w.ctx, &one.bench.servicers[4].id, 2, WS_ZONE), 300000);
    ws_end(&w);
}
END_TEST

/* Where nobody committed nobody is scored, whatever was sealed. */
START_TEST(sid_without_commit_leaves_scores_alone)
{
    for (size_t seat = 0; seat < SEATS; seat++) {
        say(&one, seat, dead);
    }
    ws_to(&w, FIRST_COMMIT);
    seal(&one);
    ws_to(&w, FIRST_PROVE);
    ck_assert_int_eq(ws_send(&w, &reveal_of(&one, 0)->base, ws_label(&one.cards[0].fisherman)),
                     VPR_NOT_COMMITTED);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_ptr_null(ws_event(&w, "score", 0));
    for (size_t seat = 0; seat < SEATS; seat++) {
        ck_assert_uint_eq(score_of(seat), 300000);
    }
    ws_end(&w);
}
END_TEST

/* Old networks slashed the fisherman whose card the servicer left out. */
START_TEST(unrevealed_card_costs_only_its_pay)
{
    struct vpr_address *absent = &one.cards[2].fisherman;
    ws_to(&w, FIRST_COMMIT);
    commit(&one, 1);
    seal(&one);
    ws_to(&w, FIRST_PROVE);
    prove(&one, 1);
    for (size_t f = 0; f < 2; f++) {
        ws_must(&w, &reveal_of(&one, f)->base, ws_label(&one.cards[f].fisherman));
    }
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(earned(&one.cards[0].fisherman), 666666);
    ck_assert_uint_eq(earned(absent), 0);
    ck_assert_uint_eq(stake_of(absent), STAKE);
    ck_assert_int_eq(vpr_actor_get(w.ctx, absent)->status, VIPER__V1__STATUS__STATUS_ACTIVE);
    ws_end(&w);
}
END_TEST

Suite *suite_attacks(void)
{
    Suite *suite = suite_create("attacks");
    TCase *t = tcase_create("attacks");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, token_signed_by_the_client_itself_is_refused);
    tcase_add_test(t, token_signed_by_another_requestors_gateway_is_refused);
    tcase_add_test(t, copied_card_cannot_be_revealed);
    tcase_add_test(t, card_replaces_only_its_authors_own);
    tcase_add_test(t, malformed_proof_keeps_its_fee_and_may_be_sent_again);
    tcase_add_test(t, one_missing_sample_leaves_every_entry_unpaid_and_slashes_nobody);
    tcase_add_test(t, refused_samples_cost_one_walk_over_the_entries);
    tcase_add_test(t, an_entry_settles_once);
    tcase_add_test(t, a_requestor_at_full_use_pays_its_budget_and_no_more);
    tcase_add_test(t, a_leaving_requestor_voids_no_claim);
    tcase_add_test(t, zone_multiplier_is_that_of_the_session);
    tcase_add_test(t, dead_and_wrong_servicers_earn_nothing);
    tcase_add_test(t, servicer_that_never_commits_loses_score);
    tcase_add_test(t, sid_without_commit_leaves_scores_alone);
    tcase_add_test(t, unrevealed_card_costs_only_its_pay);
    suite_add_tcase(suite, t);
    return suite;
}
