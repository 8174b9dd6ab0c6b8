#include "app/domain/settlement.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/delegation.h"
#include "app/domain/scores.h"
#include "app/rules/score.h"
#include "app/rules/split.h"
#include "tests/unit/domain/scene.h"
#include "tests/unit/domain/session_tests.h"
#include "viper/v1/query.pb-c.h"

/* ---- what is paid ---- */

/* By hand: 10,000 CU at 2,000 uvipr are 20 VIPR gross: 14 to the servicer at score 1, 2 / 3
 * to each fisherman, 1 to the validator, 1 of the chain without partner and 2 to the DAO. */
START_TEST(perfect_session_pays_by_hand)
{
    scene_play(1, 3);
    ws_to(&w, FIRST_VERIFY - 1);
    ck_assert_ptr_null(ws_event(&w, "verify", 0));
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 0);
    ws_next(&w);
    ck_assert_uint_eq(scene_verifies(), 1);

    const struct vpr_event *event = ws_event(&w, "verify", 0);
    ck_assert_str_eq(ws_attribute(event, "verdict"), "paid");
    ck_assert_str_eq(ws_attribute(event, "chain"), "0001");
    ck_assert_str_eq(ws_attribute(event, "owner"),
                     world_text(ws_owner(&first.works[0].servicer)));
    ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 10000);
    ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 1000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "quota"), 50000);
    ck_assert_uint_eq(ws_attribute_u64(event, "gross"), 20000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 14000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "minted"), 19999998);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify_sid", 0), "allowance"), 500000);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify_rule", 0), "blocks"), 10);
    event = ws_event(&w, "verify_split", 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "fishermen"), 1999998);
    ck_assert_uint_eq(ws_attribute_u64(event, "validator"), 1000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "chain_part"), 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "dao"), 3000000);
    for (size_t f = 0; f < 3; f++) {
        event = ws_event(&w, "fisherman_reward", f);
        ck_assert_uint_eq(ws_attribute_u64(event, "factor"), 1000000);
        ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 666666);
        ck_assert_uint_eq(scene_earned(&first.bench.fishermen[f].id), 666666);
    }
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 14000000);
    ck_assert_uint_eq(scene_earned(&first.bench.servicers[1].id), 0);
    ws_end(&w);
}
END_TEST

/* Availability 900,000, reliability 888,888, p90 at 600 of 100 to 1,100 ms: latency 500,000;
 * 799,999 x (700,000 + 150,000) = 679,999 ppm, so 9,519,986 of 14,000,000. */
START_TEST(quality_is_paid_by_hand)
{
    struct vpr_card_line line = {
        .sent = 10, .answered = 9, .checked = 9, .correct = 8, .p90_ms = 600};
    for (size_t f = 0; f < 3; f++) {
        scene_redo_card(&first, f, 0, line);
    }
    scene_play(2, 3);
    ws_to(&w, FIRST_VERIFY);
    const struct vpr_event *event = entry_event("verify", &first.works[0].servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 679999);
    ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 9519986);
    ck_assert_uint_eq(ws_attribute_u64(event, "minted"), 9519986 + 1999998 + 1000000 + 3000000);
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 9519986);
    ck_assert_uint_eq(scene_earned(&first.works[1].servicer), 14000000);
    ws_end(&w);
}
END_TEST

/* The chain's partner gets its part; who proposes the block gets the validator's. */
START_TEST(partner_and_proposer_are_paid)
{
    scene_teardown();
    scene_start(&(struct ws_options){.partner = true});
    uint64_t bob = world_balance(w.w, "bob");
    scene_play(1, 3);
    ws_to(&w, FIRST_VERIFY - 1);
    uint64_t other = world_balance(w.w, "validator2.owner");
    uint64_t before = world_balance(w.w, "validator3.owner");
    w.w->proposer = "validator3";
    ws_next(&w);
    ck_assert_uint_eq(world_balance(w.w, "bob") - bob, 1000000);
    /* Both got the same yield in this block. */
    uint64_t yield = world_balance(w.w, "validator2.owner") - other;
    ck_assert_uint_eq(world_balance(w.w, "validator3.owner") - before, yield + 1000000);
    const struct vpr_event *event = ws_event(&w, "verify_split", 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "chain_part"), 1000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "dao"), 2000000);
    ck_assert_str_eq(ws_attribute(event, "partner"), world_text("bob"));
    ck_assert_str_eq(ws_attribute(event, "validator_owner"), world_text("validator3.owner"));
    ws_end(&w);
}
END_TEST

/* Half of the servicer's stake and three quarters of the proposer's are others': so much of
 * their parts goes to those, credited once a pool. */
START_TEST(delegators_share_servicers_and_validators_parts)
{
    const struct vpr_address *servicer = &first.works[0].servicer;
    Viper__V1__MsgDelegate m = VIPER__V1__MSG_DELEGATE__INIT;
    struct vpr_address validator = world_address("validator1");
    m.delegator = world_text("alice");
    m.actor = world_text_of(servicer);
    m.amount = 15000 * VPR_UVIPR_PER_VIPR;
    ck_assert_int_eq(world_tx(w.w, "alice", &m.base).code, VPR_OK);
    m.actor = world_text("validator1");
    m.amount = 150000 * VPR_UVIPR_PER_VIPR;
    ck_assert_int_eq(world_tx(w.w, "alice", &m.base).code, VPR_OK);
    scene_play(2, 3);
    ws_to(&w, FIRST_VERIFY - 1);
    w.w->proposer = "validator1";
    uint64_t owner = world_balance(w.w, "validator1.owner");
    uint64_t pool = vpr_delegation_pool(w.ctx, &validator)->rewards;
    ws_next(&w);
    const struct vpr_event *event = entry_event("verify", servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 14000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "minted"), 19999998);
    event = entry_event("verify_split", servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "owner_reward"), 7000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "delegators"), 7000000);
    ck_assert_uint_eq(ws_attribute_u64(event, "validator"), 1000000);
    ck_assert_str_eq(ws_attribute(event, "validator_id"), world_text("validator1"));
    ck_assert_uint_eq(ws_attribute_u64(event, "validator_owner_reward"), 250000);
    ck_assert_uint_eq(ws_attribute_u64(event, "validator_delegators"), 750000);
    event = scene_event("verify_share", "actor", servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "delegated_uvipr"), 15000000000);
    ck_assert_uint_eq(scene_earned(servicer), 7000000);
    ck_assert_uint_eq(vpr_delegation_pool(w.ctx, servicer)->rewards, 7000000);
    /* Of the validator beside it: two entries, and the yield and fees of this block. */
    event = scene_event("yield_part", "actor", &validator);
    ck_assert_uint_eq(world_balance(w.w, "validator1.owner"),
                      owner + ws_attribute_u64(event, "owner_reward") + 500000);
    ck_assert_uint_eq(vpr_delegation_pool(w.ctx, &validator)->rewards,
                      pool + ws_attribute_u64(event, "delegators") + 1500000);
    ws_end(&w);
}
END_TEST

/* A proposer that no record knows: its part is the DAO's. */
START_TEST(unknown_proposer_leaves_its_part)
{
    scene_play(1, 3);
    ws_to(&w, FIRST_VERIFY - 1);
    w.w->proposer = "nobody";
    ws_next(&w);
    const struct vpr_event *event = ws_event(&w, "verify_split", 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "validator"), 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "dao"), 4000000);
    ck_assert_uint_eq(scene_minted(), 19999998);
    ws_end(&w);
}
END_TEST

/* Settled is the least of sum, tails and quota. */
START_TEST(claim_is_bounded_by_tails_and_quota)
{
    ws_work(&first.works[1], &first.bench, &first.bench.servicers[1].id, 10, 3000);
    ws_to(&w, FIRST_COMMIT);
    scene_commit(&first, 2);
    ws_to(&w, FIRST_PROVE);
    scene_prove(&first, 2);
    const struct ws_work *work[] = {&first.works[0]};
    Viper__V1__MsgProve *m = ws_msg_tails(&w, work, 1);
    m->entries[0]->n_tails = m->entries[0]->n_tokens = 1; /* half of it acknowledged */
    ws_must(&w, &m->base, ws_label(&work[0]->servicer));
    ws_to(&w, FIRST_VERIFY);
    const struct vpr_event *event = entry_event("verify", &first.works[0].servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "sum"), 10000);
    ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 5000);
    event = entry_event("verify", &first.works[1].servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "sum"), 60000);
    ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 50000);
    ck_assert_uint_eq(ws_attribute_u64(event, "gross"), 100000000);
    ws_end(&w);
}
END_TEST

/* Without both tails and samples nothing is paid, to anybody. */
START_TEST(unproved_is_unpaid)
{
    ws_to(&w, FIRST_COMMIT);
    scene_commit(&first, 3);
    scene_seal(&first, 3);
    ws_to(&w, FIRST_PROVE);
    scene_reveal(&first, 3);
    const struct ws_work *tails[] = {&first.works[0]};
    const struct ws_work *samples[] = {&first.works[1]};
    ws_must(&w, &ws_msg_tails(&w, tails, 1)->base, ws_label(&tails[0]->servicer));
    ws_must(&w, &ws_msg_samples(&w, samples, 1)->base, ws_label(&samples[0]->servicer));
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(scene_verifies(), 3);
    for (size_t i = 0; i < 3; i++) {
        const struct vpr_event *event = ws_event(&w, "verify", i);
        ck_assert_str_eq(ws_attribute(event, "verdict"), "unproved");
        ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 0);
        ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 0);
        ck_assert_uint_eq(ws_attribute_u64(event, "minted"), 0);
    }
    ck_assert_ptr_null(ws_event(&w, "fisherman_reward", 0));
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), 0);
    ck_assert_uint_eq(scene_keys(VPR_STORE_COMMITS), 0);
    ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 0);
    ws_end(&w);
}
END_TEST

/* Nobody reveals: the running score stands in, no fisherman is paid, no score moves. */
START_TEST(without_cards_the_running_score_pays)
{
    scene_play(2, 0);
    ws_to(&w, FIRST_VERIFY);
    for (size_t i = 0; i < 2; i++) {
        const struct vpr_event *event = ws_event(&w, "verify", i);
        ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 300000);
        ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 4200000);
        ck_assert_uint_eq(ws_attribute_u64(event, "minted"), 4200000 + 1000000 + 3000000);
    }
    ck_assert_ptr_null(ws_event(&w, "score", 0));
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);
    ws_end(&w);
}
END_TEST

/* One card of three is no quorum, and it earns nothing; two are. */
START_TEST(medians_need_a_quorum)
{
    scene_play(1, 1);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify", 0), "score_ppm"), 300000);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "fisherman_reward", 0), "reward"), 0);
    scene_teardown();
    scene_setup();
    scene_play(1, 2);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify", 0), "score_ppm"), 1000000);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), 666666);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[2].id), 0);
    ws_end(&w);
}
END_TEST

/* A card far from the others earns less: two lines of five at 0, distance 400,000 is beyond
 * the tolerance of 250,000; one line, 200,000: 10^6 - floor(150,000 x 10^6 / 200,000). */
START_TEST(distance_costs_the_fisherman)
{
    struct vpr_card_line silent = {.sent = 10};
    scene_redo_card(&first, 1, 0, silent);
    scene_redo_card(&first, 2, 1, silent);
    scene_redo_card(&first, 2, 3, silent);
    scene_play(1, 3);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify", 0), "score_ppm"), 1000000);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), 666666);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[1].id), 666666 / 4);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[2].id), 0);
    ws_end(&w);
}
END_TEST

/* Quota refusals do not count against who used 90 % of its quota, and do below. */
START_TEST(full_use_forgives_refusals)
{
    struct vpr_card_line busy = {
        .sent = 10, .refused = 5, .answered = 5, .checked = 5, .correct = 5, .p90_ms = 100};
    ws_work(&first.works[0], &first.bench, &first.bench.servicers[0].id, 9, 2500);
    ws_work(&first.works[1], &first.bench, &first.bench.servicers[1].id, 8, 2812);
    ck_assert_uint_eq(first.works[0].root.sum, 45000); /* of 50,000 */
    for (size_t f = 0; f < 3; f++) {
        scene_redo_card(&first, f, 0, busy);
        scene_redo_card(&first, f, 1, busy);
    }
    scene_play(2, 3);
    ws_to(&w, FIRST_VERIFY);
    const struct vpr_event *event = entry_event("verify", &first.works[0].servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 1000000);
    event = entry_event("verify", &first.works[1].servicer);
    ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 44992);
    ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 500000);
    ws_end(&w);
}
END_TEST

/* ---- scores ---- */

/* All five move, whether they committed or not: floor(300,000 x 0.9 + 10^6 x 0.1); what was
 * in force for the running session stays. */
START_TEST(scores_move_with_the_last_entry)
{
    scene_play(1, 3);
    ws_to(&w, FIRST_VERIFY);
    for (size_t i = 0; i < SEATS; i++) {
        const struct vpr_address *id = &first.bench.servicers[i].id;
        ck_assert_uint_eq(vpr_score_newest(w.ctx, id, 1, WS_ZONE), 370000);
        ck_assert_uint_eq(vpr_score_get(w.ctx, id, 1, WS_ZONE, 3), 300000);
        ck_assert_uint_eq(vpr_score_get(w.ctx, id, 1, WS_ZONE, 4), 370000);
        ck_assert_uint_eq(vpr_score_newest(w.ctx, id, 2, WS_ZONE), 300000);
    }
    ck_assert_ptr_nonnull(ws_event(&w, "score", SEATS - 1));
    ck_assert_ptr_null(ws_event(&w, "score", SEATS));
    ws_end(&w);
}
END_TEST

/* ---- carry-over and cleaning up ---- */

/* What everybody has got once session 0 is settled. */
struct outcome {
    uint64_t servicers[6], fishermen[3];
};

static struct outcome outcome_of(void)
{
    struct outcome o;
    char label[32];
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(label, sizeof label, "servicer%zu.owner", i + 1);
        o.servicers[i] = world_balance(w.w, label) - KEPT;
    }
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(label, sizeof label, "fisherman%zu.owner", i + 1);
        o.fishermen[i] = world_balance(w.w, label) - KEPT;
    }
    return o;
}

/* Ten entries and ten score moves, three, one or all a block: the same for everybody, in
 * the order of sids and servicers, and no unit minted but what the events say. */
START_TEST(carry_over_changes_nothing)
{
    static const uint64_t limits[] = {500, 3, 1, 10, 7};
    struct outcome all = {{0}, {0}};

    for (size_t n = 0; n < VPR_COUNT(limits); n++) {
        scene_teardown();
        scene_start(&(struct ws_options){.settle_per_block = limits[n]});
        struct vpr_card_line line = {
            .sent = 10, .answered = 9, .checked = 9, .correct = 8, .p90_ms = 600};
        for (size_t f = 0; f < 3; f++) {
            scene_redo_card(&first, f, 2, line);
        }
        scene_redo_card(&second, 1, 0, line);
        scene_play_both();
        ws_to(&w, FIRST_VERIFY - 1);
        uint64_t settled = 0, blocks = 0;
        char before[2 * VPR_ADDRESS_TEXT_MAX + 64] = "";
        while (vpr_session_oldest_unsettled(w.ctx) == 0) {
            uint64_t minted = vpr_supply_get(w.ctx).minted.uvipr;
            ws_next(&w);
            blocks++;
            ck_assert_uint_le(scene_verifies(), limits[n]);
            settled += scene_verifies();
            if (blocks > 1 && w.ctx->height % 10 != 1) { /* no yield in this block */
                ck_assert_uint_eq(vpr_supply_get(w.ctx).minted.uvipr - minted,
                                  scene_minted());
            }
            for (size_t i = 0; i < scene_verifies(); i++) {
                const struct vpr_event *event = ws_event(&w, "verify", i);
                ck_assert_str_eq(ws_attribute(event, "verdict"), "paid");
                struct vpr_address id;
                ck_assert(vpr_address_parse(&id, VPR_PREFIX_ACCOUNT,
                                            vpr_bytes_str(ws_attribute(event, "servicer"))));
                char place[sizeof before], hex[41];
                vpr_hex(hex, id.b, sizeof id.b);
                (void)snprintf(place, sizeof place, "%s %s", ws_attribute(event, "sid"), hex);
                ck_assert_int_lt(strcmp(before, place), 0);
                memcpy(before, place, sizeof place);
            }
        }
        ck_assert_uint_eq(settled, 2 * SEATS);
        ck_assert_uint_eq(blocks, (20 + limits[n] - 1) / limits[n]);
        ck_assert_uint_eq(scene_keys(VPR_STORE_COMMITS), 0);
        ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 0);
        struct vpr_session session;
        ck_assert(!vpr_session_get(w.ctx, 0, &session));
        struct outcome o = outcome_of();
        if (n == 0) {
            all = o;
        }
        ck_assert_int_eq(memcmp(&o, &all, sizeof o), 0);
        for (size_t i = 0; i < SEATS; i++) {
            const struct vpr_address *id = &first.bench.servicers[i].id;
            ck_assert_uint_eq(vpr_score_newest(w.ctx, id, 1, WS_ZONE),
                              i == 2 ? 337999 : 370000);
        }
        ws_end(&w);
    }
}
END_TEST

/* While entries of a sid wait, those done are marked and the rest is as it was. */
START_TEST(sid_goes_with_its_last_entry)
{
    scene_teardown();
    scene_start(&(struct ws_options){.settle_per_block = 2});
    scene_play(SEATS, 3);
    ws_to(&w, FIRST_VERIFY);
    const struct vpr_hash *sid = &first.bench.sid;
    ck_assert_uint_eq(vpr_bench_committed(w.ctx, 0, sid), 3);
    ck_assert(vpr_commit_get(w.ctx, 0, sid, &first.bench.servicers[1].id)->settled);
    ck_assert_uint_eq(vpr_commit_get(w.ctx, 0, sid, &first.bench.servicers[1].id)->settled_cu,
                      10000);
    ck_assert(!vpr_commit_get(w.ctx, 0, sid, &first.bench.servicers[2].id)->settled);
    ck_assert_ptr_nonnull(vpr_card_get(w.ctx, 0, sid, &first.bench.fishermen[0].id));
    ws_next(&w);
    ck_assert_uint_eq(vpr_bench_committed(w.ctx, 0, sid), 1);
    ck_assert_ptr_null(ws_event(&w, "score", 0));
    ws_next(&w); /* the last entry, and one score move within the limit */
    struct vpr_bench bench;
    ck_assert(!vpr_bench_stored(w.ctx, 0, sid, &bench));
    ck_assert_ptr_null(vpr_card_get(w.ctx, 0, sid, &first.bench.fishermen[0].id));
    ck_assert_ptr_nonnull(ws_event(&w, "score", 0));
    ck_assert_ptr_null(ws_event(&w, "score", 1));
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 0);
    ws_next(&w);
    ck_assert_ptr_nonnull(ws_event(&w, "score", 1));
    ws_next(&w);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);
    ws_end(&w);
}
END_TEST

/* Sessions without a Commit end when s+3 opens; nothing waits for them. */
START_TEST(empty_sessions_do_not_stall)
{
    for (uint64_t s = 0; s < 8; s++) {
        ws_to(&w, s * 10 + 1);
        ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), s < 3 ? 0 : s - 2);
    }
    ws_end(&w);
}
END_TEST

/* Seals of sids that nobody committed go with their session. */
START_TEST(seals_without_commit_are_swept)
{
    scene_teardown();
    scene_start(&(struct ws_options){.settle_per_block = 2});
    ws_to(&w, FIRST_COMMIT);
    scene_seal(&first, 3);
    ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 6); /* seals, marks of presence */
    ws_to(&w, 21);
    ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 3);
    ws_to(&w, FIRST_VERIFY - 1);
    ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 3);
    ws_next(&w);
    ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 1);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 0);
    ws_next(&w);
    ck_assert_uint_eq(scene_keys(VPR_STORE_REPORTCARDS), 0);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);
    ws_end(&w);
}
END_TEST

/* ---- query ---- */

START_TEST(settlements_show_what_the_next_block_settles)
{
    Viper__V1__QuerySidRequest request = VIPER__V1__QUERY_SID_REQUEST__INIT;
    const Viper__V1__QuerySettlementsResponse *response;
    char sid[65];

    vpr_hex(sid, first.bench.sid.b, 32);
    request.sid = sid;
    scene_play(2, 3);
    ws_to(&w, FIRST_VERIFY - 2);
    response = (const Viper__V1__QuerySettlementsResponse *)ws_ask(
        &w, "/viper.v1.Query/Settlements", &request.base, NULL);
    ck_assert_uint_eq(response->n_entries, 0);
    ws_next(&w);
    response = (const Viper__V1__QuerySettlementsResponse *)ws_ask(
        &w, "/viper.v1.Query/Settlements", &request.base, NULL);
    ck_assert_uint_eq(response->n_entries, 2);
    ck_assert_uint_eq(response->entries[0]->reward_uvipr, 14000000);
    ws_next(&w);
    ck_assert_uint_eq(scene_verifies(), 2);
    response = (const Viper__V1__QuerySettlementsResponse *)ws_ask(
        &w, "/viper.v1.Query/Settlements", &request.base, NULL);
    ck_assert_uint_eq(response->n_entries, 0);
    ws_end(&w);
}
END_TEST

Suite *suite_settlement(void)
{
    Suite *suite = suite_create("settlement");
    TCase *pay = tcase_create("pay");
    TCase *carry = tcase_create("carry");

    tcase_add_checked_fixture(pay, scene_setup, scene_teardown);
    tcase_set_timeout(pay, 60);
    tcase_add_test(pay, perfect_session_pays_by_hand);
    tcase_add_test(pay, quality_is_paid_by_hand);
    tcase_add_test(pay, partner_and_proposer_are_paid);
    tcase_add_test(pay, delegators_share_servicers_and_validators_parts);
    tcase_add_test(pay, unknown_proposer_leaves_its_part);
    tcase_add_test(pay, claim_is_bounded_by_tails_and_quota);
    tcase_add_test(pay, unproved_is_unpaid);
    tcase_add_test(pay, without_cards_the_running_score_pays);
    tcase_add_test(pay, medians_need_a_quorum);
    tcase_add_test(pay, distance_costs_the_fisherman);
    tcase_add_test(pay, full_use_forgives_refusals);
    tcase_add_test(pay, scores_move_with_the_last_entry);
    tcase_add_test(pay, settlements_show_what_the_next_block_settles);
    suite_add_tcase(suite, pay);

    tcase_add_checked_fixture(carry, scene_setup, scene_teardown);
    tcase_set_timeout(carry, 120);
    tcase_add_test(carry, carry_over_changes_nothing);
    tcase_add_test(carry, sid_goes_with_its_last_entry);
    tcase_add_test(carry, empty_sessions_do_not_stall);
    tcase_add_test(carry, seals_without_commit_are_swept);
    suite_add_tcase(suite, carry);
    return suite;
}
