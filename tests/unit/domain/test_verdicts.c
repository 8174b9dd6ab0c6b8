/* The verdict error: it pays nobody, mints nothing and stops no block. */
#include "app/domain/settlement.h"

#include "app/domain/actors.h"
#include "tests/unit/domain/scene.h"
#include "tests/unit/domain/session_tests.h"

static void break_bench(struct scene *s)
{
    struct vpr_key_buf k = vpr_key(VPR_KEY_BENCH);
    vpr_key_u64(&k, 0);
    vpr_key_hash(&k, &s->bench.sid);
    const Viper__V1__Bench *record = (const Viper__V1__Bench *)vpr_record_get(
        w.ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &viper__v1__bench__descriptor);
    ck_assert_ptr_nonnull(record);
    Viper__V1__Bench broken = *record;
    broken.allowance_cu = 1;
    broken.budget = UINT64_MAX; /* 10,000 x 2^64 overflows */
    vpr_record_put(w.ctx, VPR_STORE_COMMITS, vpr_key_bytes(&k), &broken.base);
}

/* It gets the verdict error, pays nothing, and neither the block nor another entry minds. */
START_TEST(failing_entry_pays_nothing)
{
    scene_play_both();
    break_bench(&first);
    w.w->broken = true;
    ws_to(&w, FIRST_VERIFY);
    w.w->broken = false;
    ck_assert_uint_eq(scene_verifies(), 2 * SEATS);
    for (size_t i = 0; i < 2 * SEATS; i++) {
        const struct vpr_event *event = ws_event(&w, "verify", i);
        bool broken = strcmp(ws_attribute(event, "chain"), "0001") == 0;
        ck_assert_str_eq(ws_attribute(event, "verdict"), broken ? "error" : "paid");
        ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), broken ? 0 : 10000);
        ck_assert_uint_eq(ws_attribute_u64(event, "minted"), broken ? 0 : 19999998);
    }
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), SEATS * 666666);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);
    ck_assert_uint_eq(scene_keys(VPR_STORE_COMMITS), 0);
    ws_end(&w);
}
END_TEST

static void lose_actor(const struct vpr_address *id)
{
    struct vpr_key_buf k = vpr_key(VPR_KEY_ACTOR);
    vpr_key_address(&k, id);
    vpr_state_del(w.ctx->state, VPR_STORE_ACTORS, vpr_key_bytes(&k));
}

/* Nothing is credited or minted for an entry in error, to nobody, and its events say so. */
static void is_an_error(const struct vpr_address *servicer)
{
    const struct vpr_event *event = entry_event("verify", servicer);
    ck_assert_ptr_nonnull(event);
    ck_assert_str_eq(ws_attribute(event, "verdict"), "error");
    ck_assert_uint_eq(ws_attribute_u64(event, "settled_cu"), 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "score_ppm"), 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "gross"), 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "reward"), 0);
    ck_assert_uint_eq(ws_attribute_u64(event, "minted"), 0);
    ck_assert_ptr_null(entry_event("verify_split", servicer));
    ck_assert_ptr_null(entry_event("fisherman_reward", servicer));
}

/* No rule leads to an actor without a record.  Its own entry alone fails; the others are paid. */
START_TEST(an_entry_without_its_servicers_record_is_an_error)
{
    const struct vpr_address *lost = &first.works[1].servicer;

    scene_play(3, 3);
    ws_to(&w, FIRST_VERIFY - 1);
    uint64_t minted = vpr_supply_get(w.ctx).minted.uvipr;
    lose_actor(lost);
    w.w->broken = true;
    ws_next(&w);
    ck_assert_uint_eq(scene_verifies(), 3);
    is_an_error(lost);
    ck_assert_uint_eq(scene_earned(lost), 0);
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 14000000);
    ck_assert_uint_eq(scene_earned(&first.works[2].servicer), 14000000);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), 2 * 666666);
    ck_assert_uint_eq(scene_minted(), 2 * 19999998);
    ck_assert_uint_eq(vpr_supply_get(w.ctx).minted.uvipr - minted,
                      2 * 19999998 + ws_attribute_u64(ws_event(&w, "yield", 0), "minted"));
    ck_assert_uint_eq(scene_keys(VPR_STORE_COMMITS), 0);
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);
    ws_next(&w);
}
END_TEST

/* A fisherman that revealed would be paid by every entry of its sid; one that did not, by none. */
START_TEST(a_sid_without_a_revealing_fishermans_record_is_in_error)
{
    scene_play(2, 2);
    ws_to(&w, FIRST_VERIFY - 1);
    lose_actor(&first.bench.fishermen[1].id);
    w.w->broken = true;
    ws_next(&w);
    ck_assert_uint_eq(scene_verifies(), 2);
    for (size_t i = 0; i < 2; i++) {
        is_an_error(&first.works[i].servicer);
        ck_assert_uint_eq(scene_earned(&first.works[i].servicer), 0);
        ck_assert_uint_eq(scene_earned(&first.bench.fishermen[i].id), 0);
    }
    ck_assert_uint_eq(vpr_session_oldest_unsettled(w.ctx), 1);

    scene_teardown();
    scene_setup();
    scene_play(2, 2);
    ws_to(&w, FIRST_VERIFY - 1);
    lose_actor(&first.bench.fishermen[2].id); /* revealed nothing */
    w.w->broken = true;
    ws_next(&w);
    ck_assert_uint_eq(scene_verifies(), 2);
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 14000000);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[1].id), 2 * 666666);
}
END_TEST

/* Room for 25 VIPR beside three yields: of 20, 20 and 2 the second alone finds none, and takes
 * none from the third. */
START_TEST(an_entry_beyond_the_supply_takes_no_room)
{
    scene_teardown();
    scene_start(&(struct ws_options){.headroom = 700 * VPR_UVIPR_PER_VIPR});
    ws_work(&first.works[2], &first.bench, &first.bench.servicers[2].id, 1, 500);
    scene_play(3, 3);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(scene_verifies(), 3);
    is_an_error(&first.works[1].servicer);
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 14000000);
    ck_assert_uint_eq(scene_earned(&first.works[1].servicer), 0);
    ck_assert_uint_eq(scene_earned(&first.works[2].servicer), 1400000);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), 666666 + 66666);
    ck_assert_uint_eq(vpr_supply_get(w.ctx).total.uvipr, VPR_SUPPLY_MAX - 1 -
                                                             25 * VPR_UVIPR_PER_VIPR +
                                                             19999998 + 1999998);
    ck_assert_uint_eq(scene_keys(VPR_STORE_COMMITS), 0);
    ws_next(&w);
    ws_end(&w);
}
END_TEST

/* Where the supply has no room left an entry pays nothing, to nobody, and the chain goes on:
 * three yields of 225 VIPR and 25 VIPR fit, so one of two entries of 20 does. */
START_TEST(full_supply_stops_no_block)
{
    scene_teardown();
    scene_start(&(struct ws_options){.headroom = 700 * VPR_UVIPR_PER_VIPR});
    scene_play(2, 3);
    ws_to(&w, FIRST_VERIFY);
    ck_assert_uint_eq(scene_verifies(), 2);
    ck_assert_str_eq(ws_attribute(ws_event(&w, "verify", 0), "verdict"), "paid");
    ck_assert_str_eq(ws_attribute(ws_event(&w, "verify", 1), "verdict"), "error");
    ck_assert_uint_eq(ws_attribute_u64(ws_event(&w, "verify", 1), "minted"), 0);
    ck_assert_uint_eq(scene_earned(&first.works[0].servicer), 14000000);
    ck_assert_uint_eq(scene_earned(&first.works[1].servicer), 0);
    ck_assert_uint_eq(scene_earned(&first.bench.fishermen[0].id), 666666);
    ck_assert_uint_eq(vpr_supply_get(w.ctx).total.uvipr,
                      VPR_SUPPLY_MAX - 1 - 25 * VPR_UVIPR_PER_VIPR + 19999998);
    ws_next(&w);
    ws_end(&w);
}
END_TEST

Suite *suite_verdicts(void)
{
    Suite *suite = suite_create("verdicts");
    TCase *error = tcase_create("error");

    tcase_add_checked_fixture(error, scene_setup, scene_teardown);
    tcase_add_test(error, failing_entry_pays_nothing);
    tcase_add_test(error, an_entry_without_its_servicers_record_is_an_error);
    tcase_add_test(error, a_sid_without_a_revealing_fishermans_record_is_in_error);
    tcase_add_test(error, an_entry_beyond_the_supply_takes_no_room);
    tcase_add_test(error, full_supply_stops_no_block);
    suite_add_tcase(suite, error);
    return suite;
}
