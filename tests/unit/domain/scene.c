#include "tests/unit/domain/scene.h"

#include "app/domain/settlement.h"
#include "app/rules/score.h"
#include "tests/unit/domain/session_tests.h"

struct ws w;
struct scene first;
struct scene second;

void scene_teardown(void)
{
    ws_close(&w);
}

/* A servicer that answers all and well, at the target latency: score 10^6. */
static struct vpr_card_line perfect(void)
{
    return (struct vpr_card_line){
        .sent = 10, .answered = 10, .checked = 10, .correct = 10, .p90_ms = 100};
}

/* Everybody serves 10,000 CU, and every card says that all were perfect. */
static void scene_prepare(struct scene *s, unsigned requestor, uint16_t chain)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX] = {{.sent = 0}};

    s->bench = ws_bench(&w, 0, requestor, chain);
    ck_assert_uint_eq(s->bench.servicer_count, SEATS);
    ck_assert_uint_eq(s->bench.fisherman_count, 3);
    for (size_t i = 0; i < SEATS; i++) {
        lines[i] = perfect();
        ws_work(&s->works[i], &s->bench, &s->bench.servicers[i].id, 10, 500);
    }
    for (size_t f = 0; f < 3; f++) {
        ws_card(&s->cards[f], &s->bench, &s->bench.fishermen[f].id, lines);
    }
}

void scene_redo_card(struct scene *s, size_t f, size_t seat, struct vpr_card_line line)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX];

    memcpy(lines, s->cards[f].card.lines, sizeof lines);
    lines[seat] = line;
    ws_card(&s->cards[f], &s->bench, &s->bench.fishermen[f].id, lines);
}

void scene_start(const struct ws_options *options)
{
    ws_open(&w, options);
    ws_to(&w, 1);
    scene_prepare(&first, 1, 1);
    scene_prepare(&second, 2, 2);
}

void scene_setup(void)
{
    scene_start(&(struct ws_options){.settle_per_block = 0});
}

void scene_commit(struct scene *s, size_t seats)
{
    for (size_t i = 0; i < seats; i++) {
        const struct ws_work *work[] = {&s->works[i]};
        ws_must(&w, &ws_msg_commit(&w, work, 1)->base, ws_label(&work[0]->servicer));
    }
}

void scene_seal(struct scene *s, size_t fishermen)
{
    for (size_t f = 0; f < fishermen; f++) {
        const struct ws_card *card[] = {&s->cards[f]};
        ws_must(&w, &ws_msg_report(&w, card, 1)->base, ws_label(&card[0]->fisherman));
    }
}

void scene_prove(struct scene *s, size_t seats)
{
    for (size_t i = 0; i < seats; i++) {
        const struct ws_work *work[] = {&s->works[i]};
        ws_must(&w, &ws_msg_tails(&w, work, 1)->base, ws_label(&work[0]->servicer));
        ws_must(&w, &ws_msg_samples(&w, work, 1)->base, ws_label(&work[0]->servicer));
    }
}

void scene_reveal(struct scene *s, size_t fishermen)
{
    for (size_t f = 0; f < fishermen; f++) {
        const struct ws_card *card[] = {&s->cards[f]};
        ws_must(&w, &ws_msg_reveal(&w, card, 1)->base, ws_label(&card[0]->fisherman));
    }
}

void scene_play(size_t seats, size_t fishermen)
{
    ws_to(&w, FIRST_COMMIT);
    scene_commit(&first, seats);
    scene_seal(&first, fishermen);
    ws_to(&w, FIRST_PROVE);
    scene_prove(&first, seats);
    scene_reveal(&first, fishermen);
}

uint64_t scene_earned(const struct vpr_address *id)
{
    return world_balance(w.w, ws_owner(id)) - KEPT;
}

const struct vpr_event *scene_event(const char *type, const char *key,
                                    const struct vpr_address *who)
{
    const struct vpr_event *event;
    for (size_t i = 0; (event = ws_event(&w, type, i)) != NULL; i++) {
        if (strcmp(ws_attribute(event, key), world_text_of(who)) == 0) {
            return event;
        }
    }
    return NULL;
}

uint64_t scene_minted(void)
{
    uint64_t minted = 0;
    const struct vpr_event *event;
    for (size_t i = 0; (event = ws_event(&w, "verify", i)) != NULL; i++) {
        minted += ws_attribute_u64(event, "minted");
    }
    return minted;
}

size_t scene_verifies(void)
{
    size_t count = 0;
    while (ws_event(&w, "verify", count) != NULL) {
        count++;
    }
    return count;
}

size_t scene_keys(enum vpr_store_id store)
{
    uint8_t zero[] = {0};
    struct vpr_bytes from = vpr_bytes_of(zero, 1), key, value;
    size_t count = 0;

    while (vpr_state_next(w.ctx->state, &w.build, (uint8_t)store, vpr_bytes_of(NULL, 0), from,
                          &key, &value)) {
        count++;
        from = vpr_state_after(&w.build, key);
    }
    return count - 1;
}

void scene_play_both(void)
{
    ws_to(&w, FIRST_COMMIT);
    scene_commit(&first, SEATS);
    scene_seal(&first, 3);
    ws_next(&w);
    scene_commit(&second, SEATS);
    for (size_t f = 0; f < 3; f++) { /* one report card for both */
        const struct ws_card *cards[] = {&first.cards[f], &second.cards[f]};
        size_t at = 0;
        while (!vpr_address_equal(&second.cards[at].fisherman, &cards[0]->fisherman)) {
            at++;
        }
        cards[1] = &second.cards[at];
        ws_must(&w, &ws_msg_report(&w, cards, 2)->base, ws_label(&cards[0]->fisherman));
    }
    ws_to(&w, FIRST_PROVE);
    for (size_t i = 0; i < SEATS; i++) { /* samples lie in both entries of who has two */
        const struct ws_work *works[2] = {&first.works[i], NULL};
        size_t count = 1;
        for (size_t j = 0; j < SEATS; j++) {
            if (vpr_address_equal(&second.works[j].servicer, &works[0]->servicer)) {
                works[count++] = &second.works[j];
            }
        }
        const char *label = ws_label(&works[0]->servicer);
        ws_must(&w, &ws_msg_tails(&w, works, count)->base, label);
        ws_must(&w, &ws_msg_samples(&w, works, count)->base, label);
    }
    for (size_t j = 0; j < SEATS; j++) {
        if (!vpr_bench_has_servicer(&first.bench, &second.works[j].servicer)) {
            const struct ws_work *work[] = {&second.works[j]};
            const char *label = ws_label(&work[0]->servicer);
            ws_must(&w, &ws_msg_tails(&w, work, 1)->base, label);
            ws_must(&w, &ws_msg_samples(&w, work, 1)->base, label);
        }
    }
    scene_reveal(&first, 3);
    scene_reveal(&second, 3);
}
