#include "app/domain/slashing.h"

#include "app/domain/accounts.h"
#include "app/domain/sessions.h"
#include "tests/unit/domain/act.h"

#define STAKE (UINT64_C(15000) * WORLD_VIPR)

static uint64_t slash(struct world *w, const char *name, uint64_t ppm, uint64_t fault_height)
{
    struct vpr_address id = world_address(name);
    if (!w->open) {
        world_begin(w);
    }
    return vpr_actor_slash(&w->ctx, &id, ppm, fault_height,
                           VIPER__V1__SLASH_REASON__SLASH_REASON_QUALITY);
}

static const Viper__V1__QuerySlashesResponse *slashes(struct world *w, const char *name,
                                                      uint64_t limit, struct vpr_bytes key)
{
    Viper__V1__QuerySlashesRequest request = VIPER__V1__QUERY_SLASHES_REQUEST__INIT;
    Cosmos__Base__Query__V1beta1__PageRequest page =
        COSMOS__BASE__QUERY__V1BETA1__PAGE_REQUEST__INIT;
    enum vpr_code code;
    page.limit = limit;
    page.key.len = key.len;
    page.key.data = vpr_arena_copy(&w->node, key.data, key.len);
    request.id = world_text(name);
    request.pagination = &page;
    const ProtobufCMessage *r = ask(w, "/viper.v1.Query/Slashes", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    return (const Viper__V1__QuerySlashesResponse *)r;
}

/* Floor of the own stake leaves supply and pool; sessions read it from the next one on. */
START_TEST(a_slash_burns_own_stake_through_versions)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 2);
    uint64_t supply = vpr_supply_get(&w->ctx).total.uvipr;
    uint64_t burned = slash(w, "servicer1", 333333, 3);
    ck_assert_uint_eq(burned, STAKE / 1000000 * 333333);
    ck_assert_uint_eq(slash(w, "servicer1", 7, 3), (STAKE - burned) * 7 / 1000000);
    burned += (STAKE - burned) * 7 / 1000000;
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, STAKE - burned);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).total.uvipr, supply - burned);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).burned.uvipr, burned);
    ck_assert_uint_eq(terms_of(w, "servicer1", 0)->stake, STAKE);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->stake, STAKE - burned);
    ck_assert_str_eq(world_event(w, "slash", "reason"), "quality");
    ck_assert_str_eq(world_event(w, "slash", "actor"), world_text("servicer1"));
    ck_assert_str_eq(world_event(w, "slash", "session"), "1");
    world_block(w); /* invariants */
    ck_assert_uint_eq(actor_of(w, "servicer2")->stake, STAKE);
    world_destroy(w);
}
END_TEST

START_TEST(a_slash_leaves_a_record_even_if_nothing_burns)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_uint_eq(slash(w, "validator1", 50000, 0), 2500 * WORLD_VIPR);
    ck_assert_uint_eq(slash(w, "validator1", 0, 1), 0);
    world_block(w);
    ck_assert_uint_eq(slash(w, "validator1", 1000000, 2), 47500 * WORLD_VIPR);
    const Viper__V1__QuerySlashesResponse *r = slashes(w, "validator1", 2,
                                                       vpr_bytes_of(NULL, 0));
    ck_assert_uint_eq(r->n_slashes, 2);
    ck_assert_uint_eq(r->slashes[0]->slash->burned, 2500 * WORLD_VIPR);
    ck_assert_uint_eq(r->slashes[0]->slash->stake, 50000 * WORLD_VIPR);
    ck_assert_uint_eq(r->slashes[1]->sequence, 1);
    ck_assert_uint_eq(r->slashes[1]->slash->burned, 0);
    r = slashes(w, "validator1", 2, vpr_bytes_of(r->pagination->next_key.data,
                                                 r->pagination->next_key.len));
    ck_assert_uint_eq(r->n_slashes, 1);
    ck_assert_uint_eq(r->slashes[0]->sequence, 2);
    ck_assert_uint_eq(r->slashes[0]->slash->fault_height, 2);
    ck_assert_uint_eq(r->slashes[0]->slash->height, 2);
    ck_assert_uint_eq(r->slashes[0]->slash->ppm, 1000000);
    ck_assert_uint_eq(r->pagination->next_key.len, 0);
    ck_assert_uint_eq(slashes(w, "servicer1", 0, vpr_bytes_of(NULL, 0))->n_slashes, 0);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(a_slash_reaches_what_began_to_leave_at_or_after_the_fault)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    world_until(w, 4);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    ck_assert_uint_eq(actor_of(w, "servicer1")->unbond_height, 5);
    world_block(w);
    uint64_t counts_from = vpr_terms_newest_from(&w->ctx, &id);
    world_until(w, 11);
    ck_assert_uint_eq(slash(w, "servicer1", 1000, 6), 0);
    ck_assert_uint_eq(slash(w, "servicer1", 1000, 5), STAKE / 1000);
    ck_assert_uint_eq(slash(w, "servicer1", 1000, 2), (STAKE - STAKE / 1000) / 1000);
    ck_assert_uint_eq(vpr_terms_newest_from(&w->ctx, &id), counts_from);
    ck_assert_uint_eq(vpr_slash_get(&w->ctx, &id, 0)->stake, 0);
    uint64_t left = actor_of(w, "servicer1")->stake, before = world_balance(w,
                                                                           "servicer1.owner");
    while (actor_of(w, "servicer1")->status != VIPER__V1__STATUS__STATUS_GONE) {
        world_block(w);
        ck_assert_uint_lt(w->ctx.height, 300);
    }
    ck_assert_uint_eq(world_balance(w, "servicer1.owner"), before + left);
    ck_assert_uint_eq(vpr_slash_count(&w->ctx, &id), 3); /* records stay */
    world_destroy(w);
}
END_TEST

START_TEST(slashes_of_nobody_are_not_found)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QuerySlashesRequest request = VIPER__V1__QUERY_SLASHES_REQUEST__INIT;
    enum vpr_code code;
    world_block(w);
    request.id = world_text("alice");
    (void)ask(w, "/viper.v1.Query/Slashes", &request.base, &code);
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    world_destroy(w);
}
END_TEST

TCase *slashing_tests(void)
{
    TCase *t = tcase_create("slashing");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_slash_burns_own_stake_through_versions);
    tcase_add_test(t, a_slash_leaves_a_record_even_if_nothing_burns);
    tcase_add_test(t, a_slash_reaches_what_began_to_leave_at_or_after_the_fault);
    tcase_add_test(t, slashes_of_nobody_are_not_found);
    return t;
}
