#include "tests/unit/domain/act.h"

START_TEST(the_registries_are_listed)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryChainsRequest request = VIPER__V1__QUERY_CHAINS_REQUEST__INIT;
    enum vpr_code code;
    const Viper__V1__QueryChainsResponse *r = (const Viper__V1__QueryChainsResponse *)ask(
        w, "/viper.v1.Query/Chains", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_uint_eq(r->n_chains, 2);
    ck_assert_uint_eq(r->chains[0]->id, 1);
    ck_assert_str_eq(r->chains[0]->name, "viper");
    ck_assert(r->chains[0]->active);
    ck_assert_uint_eq(r->chains[0]->multiplier_ppm, 1000000);
    ck_assert_uint_eq(r->chains[0]->latency_target_ms, 100);
    ck_assert_uint_eq(r->chains[0]->latency_max_ms, 1100);
    ck_assert_uint_eq(r->chains[0]->corpus_hash.len, 32);
    ck_assert_str_eq(r->chains[0]->payout, "");
    ck_assert_str_eq(r->chains[1]->name, "litecoin");
    ck_assert_uint_eq(r->n_zones, 1);
    ck_assert_str_eq(r->zones[0]->name, "everywhere");
    ck_assert(r->zones[0]->active);
    world_destroy(w);
}
END_TEST

/* Daemons price and prove the work of a session by the terms of that session. */
START_TEST(the_terms_of_a_session_can_be_asked_for)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryChainsRequest request = VIPER__V1__QUERY_CHAINS_REQUEST__INIT;
    const uint64_t running = vpr_session_number(&w->ctx);
    struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_TERMS);
    enum vpr_code code;

    Viper__V1__ChainTerms later = *vpr_chain_terms(&w->ctx, 1, running);
    vpr_key_u16(&key, 1);
    later.multiplier_ppm = 500000;
    vpr_version_put(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), running + 1, &later.base);
    for (uint64_t ahead = 0; ahead <= 3; ahead++) {
        request.session = ahead == 0 ? 0 : running + ahead;
        const Viper__V1__QueryChainsResponse *r = (const Viper__V1__QueryChainsResponse *)ask(
            w, "/viper.v1.Query/Chains", &request.base, &code);
        if (ahead == 3) {
            ck_assert_int_eq(code, VPR_NO_SESSION);
            break;
        }
        ck_assert_int_eq(code, VPR_OK);
        ck_assert_uint_eq(r->chains[0]->multiplier_ppm, ahead == 0 ? 1000000 : 500000);
        ck_assert_uint_eq(r->chains[1]->multiplier_ppm, 1000000);
    }
    world_destroy(w);
}
END_TEST

static Viper__V1__MethodCost costs[2];
static Viper__V1__MethodCost *methods[2] = {&costs[0], &costs[1]};

static void with_methods(Viper__V1__GenesisState *genesis, const char *first, uint64_t cu,
                         const char *second)
{
    viper__v1__method_cost__init(&costs[0]);
    viper__v1__method_cost__init(&costs[1]);
    costs[0].method = (char *)(uintptr_t)first;
    costs[0].cu = cu;
    costs[1].method = (char *)(uintptr_t)second;
    costs[1].cu = 1000;
    genesis->chains[0]->n_methods = 2;
    genesis->chains[0]->methods = methods;
    genesis->chains[0]->payout = world_text("bob");
}

static void good_methods(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    with_methods(genesis, "/cosmos/", 1, "status");
}

START_TEST(terms_of_a_chain_are_those_of_genesis)
{
    struct world *w = world_create(good_methods, NULL);
    const Viper__V1__ChainTerms *terms = vpr_chain_terms(&w->ctx, 1, 5);
    ck_assert_uint_eq(terms->n_methods, 2);
    ck_assert_str_eq(terms->methods[0]->method, "/cosmos/");
    ck_assert_uint_eq(terms->methods[1]->cu, 1000);
    struct vpr_address payout = vpr_address_of_field(vpr_chain_get(&w->ctx, 1)->payout);
    struct vpr_address bob = world_address("bob");
    ck_assert(vpr_address_equal(&payout, &bob));
    ck_assert_ptr_null(vpr_chain_get(&w->ctx, 3));
    ck_assert_ptr_null(vpr_chain_terms(&w->ctx, 3, 0));
    ck_assert_ptr_null(vpr_zone_terms(&w->ctx, 2, 0));
    world_destroy(w);
}
END_TEST

#define CHANGE(name, statement) \
    static void name(Viper__V1__GenesisState *genesis, void *arg) \
    { \
        (void)arg; \
        statement; \
    }
CHANGE(ids_descend, genesis->chains[1]->id = 1)
CHANGE(id_of_17_bits, genesis->chains[1]->id = 65536)
CHANGE(no_name, genesis->chains[0]->name = (char *)(uintptr_t)"")
CHANGE(name_like_an_id, genesis->chains[0]->name = (char *)(uintptr_t)"00af")
CHANGE(name_is_a_number, genesis->chains[0]->name = (char *)(uintptr_t)"21")
CHANGE(zone_is_a_number, genesis->zones[0]->name = (char *)(uintptr_t)"65536")
CHANGE(name_in_capitals, genesis->chains[0]->name = (char *)(uintptr_t)"Viper")
CHANGE(same_name, genesis->chains[1]->name = genesis->chains[0]->name)
CHANGE(no_multiplier, genesis->chains[0]->multiplier_ppm = 0)
CHANGE(multiplier_above_one, genesis->chains[0]->multiplier_ppm = 1000001)
CHANGE(target_is_maximum, genesis->chains[0]->latency_target_ms = 1100)
CHANGE(target_is_zero, genesis->chains[0]->latency_target_ms = 0)
CHANGE(a_minute_and_more, genesis->chains[0]->latency_max_ms = 60001)
CHANGE(short_corpus, genesis->chains[0]->corpus_hash.len = 31)
CHANGE(bad_payout, genesis->chains[0]->payout = (char *)(uintptr_t)"bob")
CHANGE(methods_descend, with_methods(genesis, "status", 1, "block"))
CHANGE(method_twice, with_methods(genesis, "status", 1, "status"))
CHANGE(method_for_nothing, with_methods(genesis, "block", 0, "status"))
CHANGE(method_too_dear, with_methods(genesis, "block", 1001, "status"))
CHANGE(method_unprintable, with_methods(genesis, "bl ock", 1, "status"))
CHANGE(zone_without_multiplier, genesis->zones[0]->multiplier_ppm = 0)
CHANGE(zone_without_name, genesis->zones[0]->name = (char *)(uintptr_t)"")
CHANGE(zone_of_17_bits, genesis->zones[0]->id = 65536)

START_TEST(genesis_with_a_bad_registry_is_refused)
{
    static world_change_fn *const bad[] = {
        ids_descend,       id_of_17_bits,      no_name,           name_like_an_id,
        name_in_capitals,  no_multiplier,      multiplier_above_one, target_is_maximum,
        target_is_zero,    a_minute_and_more,  short_corpus,      methods_descend,
        method_twice,      method_for_nothing, method_too_dear,   method_unprintable,
        zone_without_multiplier, zone_without_name, zone_of_17_bits,   name_is_a_number,
        zone_is_a_number,
    };
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        genesis_refused(bad[i], VPR_BAD_FIELD);
    }
    genesis_refused(same_name, VPR_DUPLICATE);
    genesis_refused(bad_payout, VPR_BAD_ADDRESS);
}
END_TEST

TCase *chains_tests(void)
{
    TCase *t = tcase_create("chains");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_registries_are_listed);
    tcase_add_test(t, the_terms_of_a_session_can_be_asked_for);
    tcase_add_test(t, terms_of_a_chain_are_those_of_genesis);
    tcase_add_test(t, genesis_with_a_bad_registry_is_refused);
    return t;
}
