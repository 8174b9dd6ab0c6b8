#include "tests/unit/domain/session_tests.h"
#include "tests/unit/world_session.h"

/* Of several faults of a message the first in the order of docs/protocol.md, 9.2 to 9.4, is its
 * code: each test mends one after the other.  Sessions of 10 blocks from block 1 on. */
#define LAST_SERVED 10
#define FIRST_COMMIT 11
#define LAST_UNPROVED 22
#define FIRST_PROVE 23

static struct ws w;
static struct vpr_bench bench; /* of requestor1 on chain 1 */
static struct ws_work work;    /* 4,000 CU, the least claim, of its first servicer */
static struct ws_card card;    /* of its first fisherman */

static void setup(void)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX] = {{.sent = 0}};

    ws_open(&w, &(struct ws_options){.claim_min = 8000000});
    ws_to(&w, 1);
    bench = ws_bench(&w, 0, 1, 1);
    for (size_t i = 0; i < bench.servicer_count; i++) {
        lines[i] = (struct vpr_card_line){.sent = 8, .answered = 8, .p90_ms = 100};
    }
    ws_work(&work, &bench, &bench.servicers[0].id, 4, 500);
    ws_card(&card, &bench, &bench.fishermen[0].id, lines);
}

static void teardown(void)
{
    ws_close(&w);
}

/* A servicer that sits on no seat of the bench. */
static const char *outsider(void)
{
    static char label[] = "servicer1";
    for (label[8] = '1'; label[8] <= '6'; label[8]++) {
        struct vpr_address id = world_address(label);
        if (!vpr_bench_has_servicer(&bench, &id)) {
            return label;
        }
    }
    ck_abort_msg("all six servicers are drawn");
}

/* A fisherman that stakes while session 0 runs is on no bench of it. */
static const char *late_fisherman(void)
{
    static uint32_t chains[] = {1};
    Viper__V1__MsgStakeFisherman m = VIPER__V1__MSG_STAKE_FISHERMAN__INIT;

    m.owner = world_text("alice");
    m.operator_ = world_text("bob");
    m.amount = 15000 * WORLD_VIPR;
    m.zone = WS_ZONE;
    m.n_chains = 1;
    m.chains = chains;
    ck_assert_int_eq(world_tx(w.w, "alice", &m.base).code, VPR_OK);
    return "bob";
}

#define EXPECT(m, label, code) ck_assert_int_eq(ws_send(&w, &(m)->base, label), code)

START_TEST(a_commit_is_refused_for_the_first_of_its_faults)
{
    const char *drawn = ws_label(&work.servicer), *other = outsider();
    Viper__V1__MsgCommit *m = ws_msg_commit(&w, (const struct ws_work *[]){&work, &work}, 2);

    ws_to(&w, LAST_SERVED);
    m->entries[0]->sum--;
    m->entries[0]->chain = 3;
    m->entries[1]->root.len--;
    EXPECT(m, "alice", VPR_BAD_FIELD);
    m->entries[1]->root.len++;
    EXPECT(m, "alice", VPR_NOT_STAKED);
    EXPECT(m, other, VPR_WRONG_WINDOW);
    ws_to(&w, FIRST_COMMIT);
    m->entries[1]->chain = 3;
    EXPECT(m, other, VPR_DUPLICATE);
    m->n_entries = 1;
    EXPECT(m, other, VPR_NO_SESSION);
    m->entries[0]->chain = 1;
    EXPECT(m, other, VPR_NOT_DRAWN);
    EXPECT(m, drawn, VPR_CLAIM_TOO_SMALL);
    m->entries[0]->sum++;
    EXPECT(m, drawn, VPR_OK);
}
END_TEST

static void commit(void)
{
    ws_to(&w, FIRST_COMMIT);
    ws_must(&w, &ws_msg_commit(&w, (const struct ws_work *[]){&work}, 1)->base,
            ws_label(&work.servicer));
}

START_TEST(a_prove_is_refused_for_the_first_of_its_faults)
{
    const char *servicer = ws_label(&work.servicer);

    commit();
    ws_to(&w, LAST_UNPROVED); /* the challenge is there, the window opens behind it */
    Viper__V1__MsgProve *m = ws_msg_tails(&w, (const struct ws_work *[]){&work, &work}, 2);
    Viper__V1__MsgProve *s = ws_msg_samples(&w, (const struct ws_work *[]){&work}, 1);
    m->samples = s->samples;
    m->n_samples = s->n_samples;
    m->entries[1]->n_tokens--;
    m->samples[1]->position = 0;
    EXPECT(m, "alice", VPR_BAD_FIELD);
    m->entries[1]->n_tokens++;
    EXPECT(m, "alice", VPR_DUPLICATE);
    m->samples[0]->position = 9;
    m->samples[1]->position = 1;
    EXPECT(m, "alice", VPR_NOT_STAKED);
    EXPECT(m, servicer, VPR_WRONG_WINDOW);
    ws_to(&w, FIRST_PROVE);
    EXPECT(m, servicer, VPR_DUPLICATE);
    m->n_entries = 1;

    Viper__V1__ProveEntry *e = m->entries[0];
    e->sid.data[0] ^= 1;
    e->tails[0].len--;
    e->tokens[0]->gateway_key = 7;
    e->tails[1].data[200] ^= 1;
    EXPECT(m, servicer, VPR_NOT_COMMITTED);
    e->sid.data[0] ^= 1;
    EXPECT(m, servicer, VPR_BAD_TAIL); /* its length */
    e->tails[0].len++;
    EXPECT(m, servicer, VPR_BAD_TOKEN);
    e->tokens[0]->gateway_key = 0;
    EXPECT(m, servicer, VPR_BAD_TAIL); /* its signature */
    e->tails[1].data[200] ^= 1;

    m->samples[0]->leaf.len--;
    m->samples[0]->token->gateway_key = 7;
    m->samples[0]->index ^= 1;
    EXPECT(m, servicer, VPR_BAD_FIELD); /* position 9 of 2 */
    m->samples[0]->position = 0;
    EXPECT(m, servicer, VPR_BAD_LEAF); /* its length */
    m->samples[0]->leaf.len++;
    EXPECT(m, servicer, VPR_BAD_TOKEN);
    m->samples[0]->token->gateway_key = 0;
    EXPECT(m, servicer, VPR_BAD_LEAF); /* its branch */
    m->samples[0]->index ^= 1;
    EXPECT(m, servicer, VPR_OK);
}
END_TEST

START_TEST(a_report_card_is_refused_for_the_first_of_its_faults)
{
    const char *fisherman = ws_label(&card.fisherman), *late = late_fisherman();
    Viper__V1__MsgReportCard *m =
        ws_msg_report(&w, (const struct ws_card *[]){&card, &card}, 2);

    ws_to(&w, LAST_SERVED);
    m->entries[0]->chain = m->entries[1]->chain = 3;
    m->entries[1]->seal.len--;
    EXPECT(m, "alice", VPR_BAD_FIELD);
    m->entries[1]->seal.len++;
    EXPECT(m, "alice", VPR_NOT_STAKED);
    EXPECT(m, fisherman, VPR_WRONG_WINDOW);
    ws_to(&w, FIRST_COMMIT);
    EXPECT(m, fisherman, VPR_DUPLICATE);
    m->n_entries = 1;
    EXPECT(m, fisherman, VPR_NO_SESSION);
    m->entries[0]->chain = 1;
    EXPECT(m, late, VPR_NOT_DRAWN);
    EXPECT(m, fisherman, VPR_OK);
}
END_TEST

START_TEST(a_reveal_is_refused_for_the_first_of_its_faults)
{
    const char *fisherman = ws_label(&card.fisherman);
    const char *silent = ws_label(&bench.fishermen[1].id); /* sealed nothing */
    const char *late = late_fisherman();

    commit();
    ws_must(&w, &ws_msg_report(&w, (const struct ws_card *[]){&card}, 1)->base, fisherman);
    ws_to(&w, LAST_UNPROVED);
    Viper__V1__MsgReveal *m = ws_msg_reveal(&w, (const struct ws_card *[]){&card, &card}, 2);
    Viper__V1__RevealedCard *c = m->cards[0];
    m->cards[1]->salt.len--;
    EXPECT(m, "alice", VPR_BAD_FIELD);
    m->cards[1]->salt.len++;
    EXPECT(m, "alice", VPR_NOT_STAKED);
    EXPECT(m, silent, VPR_WRONG_WINDOW);
    ws_to(&w, FIRST_PROVE);
    EXPECT(m, silent, VPR_DUPLICATE);
    m->n_cards = 1;
    c->sid.data[0] ^= 1;
    c->n_lines--;
    EXPECT(m, late, VPR_NOT_COMMITTED);
    c->sid.data[0] ^= 1;
    EXPECT(m, late, VPR_NOT_DRAWN);
    EXPECT(m, silent, VPR_BAD_CARD); /* its lines */
    c->n_lines++;
    c->salt.data[0] ^= 1;
    EXPECT(m, silent, VPR_NOT_SEALED);
    c->opened[0]->position = 1;
    EXPECT(m, fisherman, VPR_BAD_CARD); /* its seal */
    c->salt.data[0] ^= 1;
    c->opened[0]->token->gateway_key = 7;
    EXPECT(m, fisherman, VPR_BAD_SAMPLE); /* its position */
    c->opened[0]->position = 0;
    c->opened[0]->n_siblings--;
    EXPECT(m, fisherman, VPR_BAD_TOKEN);
    c->opened[0]->token->gateway_key = 0;
    EXPECT(m, fisherman, VPR_BAD_SAMPLE); /* its branch */
    c->opened[0]->n_siblings++;
    EXPECT(m, fisherman, VPR_OK);
    c->n_lines--;
    EXPECT(m, fisherman, VPR_REVEALED);
}
END_TEST

Suite *suite_refusals(void)
{
    Suite *suite = suite_create("refusals");
    TCase *t = tcase_create("order");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_commit_is_refused_for_the_first_of_its_faults);
    tcase_add_test(t, a_prove_is_refused_for_the_first_of_its_faults);
    tcase_add_test(t, a_report_card_is_refused_for_the_first_of_its_faults);
    tcase_add_test(t, a_reveal_is_refused_for_the_first_of_its_faults);
    suite_add_tcase(suite, t);
    return suite;
}
