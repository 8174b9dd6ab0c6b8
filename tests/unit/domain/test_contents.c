#include <stdlib.h>

#include "tests/unit/domain/governance.h"

#include "app/domain/proposals.h"
#include "app/domain/upgrade.h"

/* ---- parameters ---- */

static uint64_t param(struct world *w, enum vpr_param param, uint64_t session)
{
    return vpr_param(&w->ctx, param, session);
}

START_TEST(parameters_count_from_the_session_after_next)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(decide(w, "alice", new_params(w, "alice", "claim_min=900",
                                                   "min_quota=400", NULL)), PASSED);
    uint64_t session = vpr_session_number(&w->ctx);
    ck_assert_uint_eq(param(w, VPR_P_claim_min, session), 450);
    ck_assert_uint_eq(param(w, VPR_P_claim_min, session + 1), 450);
    ck_assert_uint_eq(param(w, VPR_P_claim_min, session + 2), 900);
    ck_assert_uint_eq(param(w, VPR_P_min_quota, session + 1), 500);
    ck_assert_uint_eq(param(w, VPR_P_min_quota, session + 2), 400);
    ck_assert_uint_eq(param(w, VPR_P_session_blocks, session + 2), 10);
    world_destroy(w);
}
END_TEST

static void refused(struct world *w, Viper__V1__MsgPropose *m, enum vpr_code code)
{
    act_refused(w, "alice", &m->base, code);
}

START_TEST(a_parameter_at_most_doubles_or_halves)
{
    struct world *w = world_create(NULL, NULL);
    refused(w, new_params(w, "alice", "claim_min=901", NULL), VPR_STEP_TOO_LARGE);
    refused(w, new_params(w, "alice", "claim_min=224", NULL), VPR_STEP_TOO_LARGE);
    (void)propose(w, "alice", new_params(w, "alice", "claim_min=900", NULL));
    (void)propose(w, "alice", new_params(w, "alice", "claim_min=225", NULL));
    /* Or moves by its slack: one fisherman more or less, one percent of something small. */
    (void)propose(w, "alice", new_params(w, "alice", "bench_requestors=2", NULL));
    (void)propose(w, "alice", new_params(w, "alice", "downtime_slash=0", NULL));
    refused(w, new_params(w, "alice", "bench_requestors=3", NULL), VPR_STEP_TOO_LARGE);
    world_destroy(w);
}
END_TEST

START_TEST(ranges_and_cross_checks_hold_at_submission)
{
    struct world *w = world_create(NULL, NULL);
    refused(w, new_params(w, "alice", "session_blocks=7", NULL), VPR_BAD_FIELD);
    refused(w, new_params(w, "alice", "challenge_delay=3", NULL), VPR_BAD_FIELD);
    refused(w, new_params(w, "alice", "split_dao=110000", NULL), VPR_BAD_FIELD);
    refused(w, new_params(w, "alice", "requestor_yield=100000001", NULL), VPR_BAD_FIELD);
    refused(w, new_params(w, "alice", "nothing=1", NULL), VPR_BAD_FIELD);
    refused(w, new_params(w, "alice", "claim_min=400", "claim_min=401", NULL), VPR_DUPLICATE);
    (void)propose(w, "alice", new_params(w, "alice", "split_dao=110000",
                                         "split_chain=40000", NULL));
    world_destroy(w);
}
END_TEST

/* Each could be done alone; the second would let serving beat delegating. */
START_TEST(cross_checks_run_again_at_execution)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(decide(w, "alice",
                            new_params(w, "alice", "validator_yield=120000000", NULL)), PASSED);
    uint64_t before = world_balance(w, "alice");
    uint64_t up = propose(w, "alice",
                          new_params(w, "alice", "requestor_yield=105000000", NULL));
    uint64_t down = propose(w, "alice",
                            new_params(w, "alice", "validator_yield=113000000", NULL));
    vote_all(w, up, YES);
    vote_all(w, down, YES);
    end_of_vote(w, down);
    ck_assert_int_eq(status_of(w, up), PASSED);
    ck_assert_int_eq(status_of(w, down), FAILED);
    ck_assert_uint_eq(vpr_proposal_get(&w->ctx, down)->failed_code, VPR_BAD_FIELD);
    ck_assert_uint_eq(world_balance(w, "alice"), before); /* both deposits are back */
    uint64_t session = vpr_session_number(&w->ctx) + 2;
    ck_assert_uint_eq(param(w, VPR_P_validator_yield, session), 120000000);
    ck_assert_uint_eq(param(w, VPR_P_requestor_yield, session), 105000000);
    world_destroy(w);
}
END_TEST

static void forty_blocks(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->session_blocks = 40;
    genesis->params->challenge_delay = 10;
}

/* Two halvings in one session would leave its samples no block to be proved in. */
START_TEST(sessions_get_no_shorter_than_windows_bear)
{
    struct world *w = world_create(forty_blocks, NULL);
    uint64_t once = propose(w, "alice", new_params(w, "alice", "session_blocks=20",
                                                   "challenge_delay=5", NULL));
    uint64_t twice = propose(w, "alice", new_params(w, "alice", "session_blocks=21",
                                                    "challenge_delay=5", NULL));
    vote_all(w, once, YES);
    vote_all(w, twice, YES);
    end_of_vote(w, twice);
    ck_assert_int_eq(status_of(w, once), PASSED);
    ck_assert_int_eq(status_of(w, twice), PASSED);
    uint64_t session = vpr_session_number(&w->ctx);
    ck_assert_uint_eq(param(w, VPR_P_session_blocks, session + 1), 40);
    ck_assert_uint_eq(param(w, VPR_P_session_blocks, session + 2), 21);
    refused(w, new_params(w, "alice", "session_blocks=19", NULL), VPR_STEP_TOO_LARGE);
    (void)propose(w, "alice", new_params(w, "alice", "session_blocks=20", NULL));
    world_destroy(w);
}
END_TEST

START_TEST(what_may_be_proposed_can_be_asked_for)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryParamRulesRequest request = VIPER__V1__QUERY_PARAM_RULES_REQUEST__INIT;
    enum vpr_code code;
    const Viper__V1__QueryParamRulesResponse *r = (const Viper__V1__QueryParamRulesResponse *)
        ask(w, "/viper.v1.Query/ParamRules", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_uint_eq(r->n_rules, VPR_PARAM_COUNT);
    const Viper__V1__ParamRule *rule = r->rules[VPR_P_claim_min];
    ck_assert_str_eq(rule->name, "claim_min");
    ck_assert_str_eq(rule->unit, "uvipr");
    ck_assert_uint_eq(rule->value, 450);
    ck_assert_uint_eq(rule->step_least, 225);
    ck_assert_uint_eq(rule->step_most, 900);
    world_destroy(w);
}
END_TEST

/* ---- treasury ---- */

START_TEST(the_treasury_pays_what_it_has_at_the_end)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    world_begin(w);
    ck_assert(vpr_account_mint(&w->ctx, &dao, vpr_coin(5 * WORLD_VIPR)));
    uint64_t before = world_balance(w, "bob");
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    m->spend = new_spend(w, "bob", 3 * WORLD_VIPR);
    ck_assert_int_eq(decide(w, "alice", m), PASSED);
    ck_assert_uint_eq(world_balance(w, "bob"), before + 3 * WORLD_VIPR);
    uint64_t left = pool_balance(w, VPR_POOL_DAO);
    m->spend = new_spend(w, "bob", left + 1000 * WORLD_VIPR);
    ck_assert_int_eq(decide(w, "alice", m), FAILED);
    ck_assert_uint_eq(world_balance(w, "bob"), before + 3 * WORLD_VIPR);
    ck_assert_ptr_nonnull(strstr(world_event(w, "proposal_end", "reason"), "NO_FUNDS"));
    world_destroy(w);
}
END_TEST

START_TEST(a_pool_is_no_recipient)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    m->spend = new_spend(w, "bob", 0);
    refused(w, m, VPR_BAD_AMOUNT);
    m->spend->amount = 1;
    m->spend->recipient = world_text_of(&pool);
    refused(w, m, VPR_BAD_ADDRESS);
    world_destroy(w);
}
END_TEST

/* ---- chains and zones ---- */

#define CHAIN_FEE (10000 * WORLD_VIPR)

START_TEST(a_chain_is_registered_for_a_fee)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t before = world_balance(w, "alice");
    uint64_t dao = pool_balance(w, VPR_POOL_DAO);
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    m->chain = new_chain(w, 0x21, "ethereum");
    uint64_t id = propose(w, "alice", m);
    ck_assert_uint_eq(world_balance(w, "alice"), before - DEPOSIT - CHAIN_FEE);
    vote_all(w, id, YES);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), PASSED);
    ck_assert_uint_eq(world_balance(w, "alice"), before - CHAIN_FEE);
    ck_assert_uint_ge(pool_balance(w, VPR_POOL_DAO), dao + CHAIN_FEE);
    ck_assert_str_eq(vpr_chain_get(&w->ctx, 0x21)->name, "ethereum");
    uint64_t from = strtoull(world_event(w, "chain", "session"), NULL, 10);
    ck_assert_ptr_null(vpr_chain_terms(&w->ctx, 0x21, from - 1));
    ck_assert(vpr_chain_terms(&w->ctx, 0x21, from)->active);
    world_until(w, from * 10 + 1);
    world_begin(w);
    ck_assert_int_eq(vpr_place_active(&w->ctx, 0x21, 1, from), VPR_OK);
    world_destroy(w);
}
END_TEST

START_TEST(a_registration_that_is_rejected_gets_its_fee_back)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t before = world_balance(w, "alice");
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    m->chain = new_chain(w, 0x21, "ethereum");
    uint64_t id = propose(w, "alice", m);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), REJECTED);
    ck_assert_uint_eq(world_balance(w, "alice"), before);
    ck_assert_ptr_null(vpr_chain_get(&w->ctx, 0x21));
    world_destroy(w);
}
END_TEST

START_TEST(names_and_fields_of_chains_are_checked)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_FEES);
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    m->chain = new_chain(w, 0x21, "litecoin");
    refused(w, m, VPR_DUPLICATE);
    m->chain = new_chain(w, 0x10000, "ethereum");
    refused(w, m, VPR_BAD_FIELD);
    m->chain = new_chain(w, 0x21, "ethereum");
    m->chain->latency_max_ms = m->chain->latency_target_ms;
    refused(w, m, VPR_BAD_FIELD);
    m->chain = new_chain(w, 0x21, "ethereum");
    m->chain->payout = world_text_of(&pool);
    refused(w, m, VPR_BAD_ADDRESS);
    m->chain = NULL;
    m->zone = new_zone(w, 2, "everywhere");
    refused(w, m, VPR_DUPLICATE);
    m->zone = new_zone(w, 2, "europe");
    m->zone->multiplier_ppm = VPR_PPM + 1;
    refused(w, m, VPR_BAD_FIELD);
    world_destroy(w);
}
END_TEST

/* Else "21" would be the chain of that name to one command and the chain 0015 to another. */
START_TEST(a_name_is_neither_a_number_nor_four_hex_digits)
{
    static const char *const no[] = {"2", "21", "0021", "65536", "00000000021", "beef", "0a1b"};
    static const char *const yes[] = {"21a", "2-1", "bee", "beef0", "0x21", "1inch"};
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgPropose *chain = new_text(w, "alice"), *zone = new_text(w, "alice");
    for (size_t i = 0; i < VPR_COUNT(no); i++) {
        chain->chain = new_chain(w, 0x21, no[i]);
        refused(w, chain, VPR_BAD_FIELD);
        zone->zone = new_zone(w, 2, no[i]);
        refused(w, zone, VPR_BAD_FIELD);
    }
    for (size_t i = 0; i < VPR_COUNT(yes); i++) {
        zone->zone = new_zone(w, 2, yes[i]);
        (void)propose(w, "alice", zone);
    }
    world_destroy(w);
}
END_TEST

static Viper__V1__MethodCost *cost(struct world *w, const char *method, uint64_t cu)
{
    Viper__V1__MethodCost *row = VPR_ARENA_NEW(&w->node, Viper__V1__MethodCost);
    viper__v1__method_cost__init(row);
    row->method = vpr_arena_text(&w->node, "%s", method);
    row->cu = cu;
    return row;
}

static Viper__V1__MsgPropose *with_costs(struct world *w, uint64_t path, uint64_t deep,
                                         uint64_t status)
{
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    m->chain = new_chain(w, 1, "viper");
    m->chain->owner = world_text("alice");
    m->chain->methods = VPR_ARENA_ARRAY(&w->node, Viper__V1__MethodCost *, 3);
    if (path > 0) {
        m->chain->methods[m->chain->n_methods++] = cost(w, "/a", path);
    }
    if (deep > 0) {
        m->chain->methods[m->chain->n_methods++] = cost(w, "/a/b", deep);
    }
    if (status > 0) {
        m->chain->methods[m->chain->n_methods++] = cost(w, "status", status);
    }
    return m;
}

/* What is not in the table costs 1, a path what the longest row it begins with costs. */
START_TEST(a_method_table_at_most_doubles)
{
    struct world *w = world_create(NULL, NULL);
    refused(w, with_costs(w, 0, 0, 3), VPR_STEP_TOO_LARGE);
    ck_assert_int_eq(decide(w, "alice", with_costs(w, 2, 0, 2)), PASSED);
    refused(w, with_costs(w, 4, 0, 5), VPR_STEP_TOO_LARGE);
    ck_assert_int_eq(decide(w, "alice", with_costs(w, 4, 0, 4)), PASSED);
    refused(w, with_costs(w, 4, 9, 4), VPR_STEP_TOO_LARGE);
    refused(w, with_costs(w, 4, 1, 4), VPR_STEP_TOO_LARGE);
    refused(w, with_costs(w, 4, 0, 0), VPR_STEP_TOO_LARGE); /* from 4 to 1 */
    ck_assert_int_eq(decide(w, "alice", with_costs(w, 4, 8, 2)), PASSED);
    refused(w, with_costs(w, 3, 0, 2), VPR_STEP_TOO_LARGE); /* /a/b from 8 to 3 */
    ck_assert_int_eq(decide(w, "alice", with_costs(w, 4, 0, 0)), PASSED);
    world_destroy(w);
}
END_TEST

static Viper__V1__MsgEditChain *edit_chain(struct world *w, const char *owner)
{
    Viper__V1__MsgEditChain *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgEditChain);
    viper__v1__msg_edit_chain__init(m);
    m->owner = world_text(owner);
    m->chain = 2;
    m->name = vpr_arena_text(&w->node, "ltc");
    m->payout = world_text("bob");
    m->latency_target_ms = 200;
    m->latency_max_ms = 2000;
    return m;
}

START_TEST(an_owner_edits_name_payout_and_latencies)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address bob = world_address("bob");
    world_begin(w);
    uint64_t from = vpr_session_counts_from(&w->ctx);
    act_ok(w, "alice", &edit_chain(w, "alice")->base);
    const Viper__V1__Chain *chain = vpr_chain_get(&w->ctx, 2);
    ck_assert_str_eq(chain->name, "ltc");
    ck_assert_mem_eq(chain->payout.data, bob.b, sizeof bob.b);
    ck_assert_uint_eq(vpr_chain_terms(&w->ctx, 2, from - 1)->latency_max_ms, 1100);
    ck_assert_uint_eq(vpr_chain_terms(&w->ctx, 2, from)->latency_max_ms, 2000);
    ck_assert_uint_eq(vpr_chain_terms(&w->ctx, 2, from)->corpus_hash.len, 32);
    world_destroy(w);
}
END_TEST

START_TEST(nobody_else_edits_a_chain)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgEditChain *m = edit_chain(w, "bob");
    act_refused(w, "bob", &m->base, VPR_DENIED);
    m = edit_chain(w, "alice");
    m->chain = 3;
    act_refused(w, "alice", &m->base, VPR_NO_CHAIN);
    m = edit_chain(w, "alice");
    m->name = vpr_arena_text(&w->node, "viper");
    act_refused(w, "alice", &m->base, VPR_DUPLICATE);
    m = edit_chain(w, "alice");
    m->latency_max_ms = 60001;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    ck_assert_str_eq(vpr_chain_get(&w->ctx, 2)->name, "litecoin");
    world_destroy(w);
}
END_TEST

START_TEST(zones_come_and_change_by_governance)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    uint64_t before = world_balance(w, "alice");
    m->zone = new_zone(w, 2, "europe");
    ck_assert_int_eq(decide(w, "alice", m), PASSED);
    ck_assert_uint_eq(world_balance(w, "alice"), before); /* no fee */
    uint64_t from = strtoull(world_event(w, "zone", "session"), NULL, 10);
    ck_assert(vpr_zone_terms(&w->ctx, 2, from)->active);
    m->zone = new_zone(w, 1, "world");
    m->zone->multiplier_ppm = 900000;
    ck_assert_int_eq(decide(w, "alice", m), PASSED);
    from = strtoull(world_event(w, "zone", "session"), NULL, 10);
    ck_assert_uint_eq(vpr_zone_terms(&w->ctx, 1, from - 1)->multiplier_ppm, 1000000);
    ck_assert_uint_eq(vpr_zone_terms(&w->ctx, 1, from)->multiplier_ppm, 900000);
    world_destroy(w);
}
END_TEST

TCase *contents_tests(void)
{
    TCase *t = tcase_create("contents");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, parameters_count_from_the_session_after_next);
    tcase_add_test(t, a_parameter_at_most_doubles_or_halves);
    tcase_add_test(t, ranges_and_cross_checks_hold_at_submission);
    tcase_add_test(t, cross_checks_run_again_at_execution);
    tcase_add_test(t, sessions_get_no_shorter_than_windows_bear);
    tcase_add_test(t, what_may_be_proposed_can_be_asked_for);
    tcase_add_test(t, the_treasury_pays_what_it_has_at_the_end);
    tcase_add_test(t, a_pool_is_no_recipient);
    tcase_add_test(t, a_chain_is_registered_for_a_fee);
    tcase_add_test(t, a_registration_that_is_rejected_gets_its_fee_back);
    tcase_add_test(t, names_and_fields_of_chains_are_checked);
    tcase_add_test(t, a_name_is_neither_a_number_nor_four_hex_digits);
    tcase_add_test(t, a_method_table_at_most_doubles);
    tcase_add_test(t, an_owner_edits_name_payout_and_latencies);
    tcase_add_test(t, nobody_else_edits_a_chain);
    tcase_add_test(t, zones_come_and_change_by_governance);
    return t;
}
