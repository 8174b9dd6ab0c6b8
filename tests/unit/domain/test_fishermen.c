#include "tests/unit/domain/act.h"

START_TEST(a_fisherman_stakes_for_chains_of_one_zone)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeFisherman *m = new_fisherman(w, "carol");
    m->amount = 15000 * WORLD_VIPR - 1;
    act_refused(w, "alice", &m->base, VPR_STAKE_TOO_LOW);
    m->amount = 15000 * WORLD_VIPR;
    m->n_chains = 0;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->n_chains = 2;
    m->chains[1] = 3;
    act_refused(w, "alice", &m->base, VPR_NO_CHAIN);
    m->chains[1] = 2;
    m->zone = 3;
    act_refused(w, "alice", &m->base, VPR_NO_ZONE);
    m->zone = 1;
    act_ok(w, "alice", &m->base);
    ck_assert_int_eq(actor_of(w, "carol")->kind, VIPER__V1__KIND__KIND_FISHERMAN);
    ck_assert_str_eq(actor_of(w, "carol")->url, "");
    ck_assert_uint_eq(terms_of(w, "carol", 1)->n_chains, 2);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(an_edit_counts_from_the_next_session)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgEditFisherman m = VIPER__V1__MSG_EDIT_FISHERMAN__INIT;
    uint32_t chains[] = {2};
    m.signer = world_text("alice");
    m.fisherman = world_text("fisherman1");
    m.zone = 1;
    m.n_chains = 1;
    m.chains = chains;
    act_refused(w, "alice", &m.base, VPR_DENIED);
    m.signer = world_text("fisherman1.owner");
    act_ok(w, "fisherman1.owner", &m.base);
    ck_assert(vpr_terms_list(terms_of(w, "fisherman1", 0), 1, 1));
    ck_assert(!vpr_terms_list(terms_of(w, "fisherman1", 1), 1, 1));
    ck_assert(vpr_terms_list(terms_of(w, "fisherman1", 1), 2, 1));
    ck_assert(!vpr_terms_list(terms_of(w, "fisherman1", 1), 2, 2));
    m.fisherman = world_text("servicer1");
    act_refused(w, "fisherman1.owner", &m.base, VPR_NOT_STAKED);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(the_fisherman_query_counts_absences)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("fisherman2");
    Viper__V1__QueryFishermanRequest request = VIPER__V1__QUERY_FISHERMAN_REQUEST__INIT;
    enum vpr_code code;
    world_begin(w);
    Viper__V1__Actor actor = *actor_of(w, "fisherman2");
    actor.absent_sessions = 3;
    vpr_actor_put(&w->ctx, &id, &actor);
    request.id = world_text("fisherman2");
    const Viper__V1__QueryFishermanResponse *r = (const Viper__V1__QueryFishermanResponse *)ask(
        w, "/viper.v1.Query/Fisherman", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert(r->eligible);
    ck_assert_uint_eq(r->zone, 1);
    ck_assert_uint_eq(r->n_chains, 2);
    ck_assert_uint_eq(r->absent_sessions, 3);
    request.id = world_text("alice");
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Fisherman", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    world_destroy(w);
}
END_TEST

static void fisherman_of_no_chain(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->fishermen[2]->chains[0] = 9;
    genesis->fishermen[2]->n_chains = 1;
}

START_TEST(genesis_with_a_bad_fisherman_is_refused)
{
    genesis_refused(fisherman_of_no_chain, VPR_NO_CHAIN);
}
END_TEST

TCase *fishermen_tests(void)
{
    TCase *t = tcase_create("fishermen");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_fisherman_stakes_for_chains_of_one_zone);
    tcase_add_test(t, an_edit_counts_from_the_next_session);
    tcase_add_test(t, the_fisherman_query_counts_absences);
    tcase_add_test(t, genesis_with_a_bad_fisherman_is_refused);
    return t;
}
