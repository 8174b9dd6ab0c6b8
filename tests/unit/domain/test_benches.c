#include "tests/unit/domain/act.h"

#include "app/base/bytes.h"

static struct vpr_bench bench_of(struct world *w, uint64_t session, uint16_t chain)
{
    struct vpr_session s;
    struct vpr_bench bench;
    struct vpr_address requestor = world_address("requestor1");
    ck_assert(vpr_session_get(&w->ctx, session, &s));
    enum vpr_code code = vpr_bench_draw(&w->ctx, &bench, &s, &requestor, chain, 1);
    ck_assert_msg(code == VPR_OK, "%s", w->err.text);
    return bench;
}

static const Viper__V1__QueryPoolResponse *ask_pool(struct world *w, uint64_t session,
                                                    uint32_t chain, Viper__V1__Kind kind)
{
    Viper__V1__QueryPoolRequest request = VIPER__V1__QUERY_POOL_REQUEST__INIT;
    enum vpr_code code;
    request.chain = chain;
    request.zone = 1;
    request.session = session;
    request.kind = kind;
    const ProtobufCMessage *r = ask(w, "/viper.v1.Query/Pool", &request.base, &code);
    ck_assert_msg(code == VPR_OK, "%s", w->err.text);
    return (const Viper__V1__QueryPoolResponse *)r;
}

static struct vpr_address parse(const char *text)
{
    struct vpr_address who;
    ck_assert(vpr_address_parse(&who, VPR_PREFIX_ACCOUNT, vpr_bytes_str(text)));
    return who;
}

static bool drawn(const struct vpr_pool_member **members, uint32_t count,
                  const struct vpr_address *id)
{
    for (uint32_t i = 0; i < count; i++) {
        if (vpr_address_equal(&members[i]->id, id)) {
            return true;
        }
    }
    return false;
}

/* What a gateway does: draw from the pool as queried, with the rules alone. */
static uint32_t draw_from_query(struct world *w, const struct vpr_pool_member **ret,
                                const struct vpr_bench *bench, Viper__V1__Kind kind, uint32_t n,
                                const struct vpr_address *excluded, size_t excluded_count)
{
    const Viper__V1__QueryPoolResponse *r = ask_pool(w, bench->session, bench->chain, kind);
    struct vpr_pool_member *members =
        VPR_ARENA_ARRAY(&w->node, struct vpr_pool_member, r->n_members);
    struct vpr_pool *pool = VPR_ARENA_NEW(&w->node, struct vpr_pool);
    struct vpr_session s;
    for (size_t i = 0; i < r->n_members; i++) {
        members[i].id = parse(r->members[i]->id);
        members[i].owner = parse(r->members[i]->owner);
        members[i].weight = r->members[i]->weight;
    }
    ck_assert(vpr_pool_build(pool, &w->node, members, r->n_members));
    ck_assert(vpr_session_get(&w->ctx, bench->session, &s));
    struct vpr_hash key = vpr_draw_key(&bench->sid, &s.seed);
    return vpr_draw(ret, pool,
                    kind == VIPER__V1__KIND__KIND_SERVICER ? VPR_DRAW_SERVICERS
                                                          : VPR_DRAW_FISHERMEN,
                    &key, n, excluded, excluded_count);
}

START_TEST(the_bench_is_what_the_rules_draw_from_the_queried_pools)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address s1 = world_address("servicer1");
    world_begin(w);
    vpr_score_put(&w->ctx, &s1, 1, 1, 900000);
    for (uint64_t session = 1; session < 4; session++) {
        world_until(w, 10 * session + 1);
        for (uint16_t chain = 1; chain <= 2; chain++) {
            struct vpr_bench bench = bench_of(w, session, chain);
            const struct vpr_pool_member *members[VPR_SEATS_MAX];
            struct vpr_address excluded[VPR_SEATS_MAX];
            excluded[0] = world_address("requestor1.owner");
            uint32_t n = draw_from_query(w, members, &bench, VIPER__V1__KIND__KIND_SERVICER, 5,
                                         excluded, 1);
            ck_assert_uint_eq(n, 5);
            ck_assert_uint_eq(bench.servicer_count, 5);
            for (uint32_t i = 0; i < n; i++) {
                ck_assert(drawn(members, n, &bench.servicers[i].id));
                ck_assert(i == 0 || vpr_address_cmp(&bench.servicers[i - 1].id,
                                                    &bench.servicers[i].id) < 0);
                excluded[1 + i] = bench.servicers[i].owner;
            }
            n = draw_from_query(w, members, &bench, VIPER__V1__KIND__KIND_FISHERMAN, 5,
                                excluded, 6);
            ck_assert_uint_eq(n, 3);
            ck_assert_uint_eq(bench.fisherman_count, 3);
            for (uint32_t i = 0; i < n; i++) {
                ck_assert(drawn(members, n, &bench.fishermen[i].id));
            }
        }
    }
    world_destroy(w);
}
END_TEST

/* Own stake in whole VIPR x (100,000 + score). */
START_TEST(a_weight_is_stake_times_score)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address s1 = world_address("servicer1");
    world_begin(w);
    vpr_score_put(&w->ctx, &s1, 1, 1, 900000);
    world_until(w, 11);
    const Viper__V1__QueryPoolResponse *r = ask_pool(w, 1, 1, VIPER__V1__KIND__KIND_NONE);
    ck_assert_uint_eq(r->n_members, 6);
    ck_assert_uint_eq(r->pagination->total, 6);
    for (size_t i = 0; i < 6; i++) {
        bool is_1 = strcmp(r->members[i]->id, world_text("servicer1")) == 0;
        ck_assert_uint_eq(r->members[i]->weight, UINT64_C(15000) * (is_1 ? 1000000 : 400000));
    }
    r = ask_pool(w, 1, 2, VIPER__V1__KIND__KIND_SERVICER);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(r->members[i]->weight, UINT64_C(15000) * 400000);
    }
    r = ask_pool(w, 1, 2, VIPER__V1__KIND__KIND_FISHERMAN);
    ck_assert_uint_eq(r->n_members, 3);
    ck_assert_uint_eq(r->members[0]->weight, 15000);
    r = ask_pool(w, 1, 3, VIPER__V1__KIND__KIND_SERVICER);
    ck_assert_uint_eq(r->n_members, 0);
    world_destroy(w);
}
END_TEST

/* A pure function of the state: the cache decides nothing, whatever was asked before. */
START_TEST(without_the_cache_the_draw_is_the_same)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_bench warm[4][2];
    for (uint64_t session = 0; session < 4; session++) {
        Viper__V1__MsgEditServicer *m;
        world_until(w, 10 * session + 1);
        m = edit_servicer(w, "servicer1", "servicer1");
        m->n_chains = session % 2 == 0 ? 1 : 2;
        warm[session][0] = bench_of(w, session, 1);
        act_ok(w, "servicer1", &m->base);
        ck_assert_int_eq(session % 2 == 0 ? pause_(w, "servicer2", "servicer2")
                                          : resume_(w, "servicer2", "servicer2"),
                         VPR_OK);
        warm[session][1] = bench_of(w, session, 2);
    }
    for (uint64_t session = 1; session < 4; session++) {
        for (uint16_t chain = 1; chain <= 2; chain++) {
            vpr_pools_forget(w->ctx.pools);
            struct vpr_bench cold = bench_of(w, session, chain);
            ck_assert_mem_eq(&cold, &warm[session][chain - 1], sizeof cold);
        }
    }
    world_destroy(w);
}
END_TEST

/* More sessions than the cache holds, back and forth. */
START_TEST(the_cache_forgets_the_idlest)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 31); /* sessions 1, 2, 3 have records */
    struct vpr_bench first = bench_of(w, 1, 1);
    for (int round = 0; round < 3; round++) {
        for (uint64_t session = 1; session < 4; session++) {
            (void)bench_of(w, session, 2);
        }
    }
    struct vpr_bench again = bench_of(w, 1, 1);
    ck_assert_mem_eq(&first, &again, sizeof first);
    world_destroy(w);
}
END_TEST

START_TEST(who_pauses_is_drawn_until_it_counts)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    world_until(w, 7);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_OK); /* block 8: session 2 */
    world_until(w, 21);
    ck_assert_uint_eq(ask_pool(w, 1, 1, VIPER__V1__KIND__KIND_SERVICER)->n_members, 6);
    ck_assert_uint_eq(ask_pool(w, 2, 1, VIPER__V1__KIND__KIND_SERVICER)->n_members, 5);
    struct vpr_bench bench = bench_of(w, 2, 1);
    ck_assert(!vpr_bench_has_servicer(&bench, &id));
    ck_assert_uint_eq(bench.servicer_count, 5);
    world_destroy(w);
}
END_TEST

static void requestor_owns_servicers(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->servicers[0]->owner = genesis->requestors[0]->owner;
    genesis->fishermen[0]->owner = genesis->requestors[0]->owner;
    genesis->fishermen[1]->owner = genesis->servicers[1]->owner;
    genesis->requestors[0]->amount -= 20000 * WORLD_VIPR;
    for (size_t i = 0; i < genesis->n_accounts; i++) {
        if (strcmp(genesis->accounts[i]->address, genesis->requestors[0]->owner) == 0 ||
            strcmp(genesis->accounts[i]->address, genesis->servicers[1]->owner) == 0) {
            genesis->accounts[i]->balance += 30000 * WORLD_VIPR;
        }
    }
}

/* Never its own servicer or fisherman, never a fisherman of an owner that serves. */
START_TEST(owners_sit_on_one_side)
{
    struct world *w = world_create(requestor_owns_servicers, NULL);
    struct vpr_address own = world_address("servicer1"),
                       own_fisherman = world_address("fisherman1");
    struct vpr_address s2 = world_address("servicer2"), f2 = world_address("fisherman2");
    struct vpr_bench bench = bench_of(w, 0, 1);
    ck_assert_uint_eq(bench.servicer_count, 5); /* all five others */
    ck_assert(!vpr_bench_has_servicer(&bench, &own));
    ck_assert(vpr_bench_has_servicer(&bench, &s2));
    ck_assert_uint_eq(bench.fisherman_count, 1);
    ck_assert(!vpr_bench_has_fisherman(&bench, &own_fisherman));
    ck_assert(!vpr_bench_has_fisherman(&bench, &f2));
    world_destroy(w);
}
END_TEST

START_TEST(fewer_servicers_share_the_quota)
{
    struct world *w = world_create(NULL, NULL);
    for (int i = 1; i <= 4; i++) {
        const char *name = vpr_arena_text(&w->node, "servicer%d", i);
        ck_assert_int_eq(pause_(w, name, name), VPR_OK);
    }
    world_until(w, 11);
    struct vpr_bench bench = bench_of(w, 1, 1);
    ck_assert_uint_eq(bench.servicer_count, 2);
    ck_assert_uint_eq(bench.allowance_cu, 500000);
    ck_assert_uint_eq(bench.budget, 1000 * WORLD_VIPR);
    ck_assert_uint_eq(bench.share_ppm, 500000);
    ck_assert_uint_eq(bench.quota_cu, 125000);
    world_destroy(w);
}
END_TEST

static void no_session(struct world *w, uint64_t session, const char *requestor, uint16_t chain,
                       uint16_t zone, const char *reason)
{
    struct vpr_session s;
    struct vpr_bench bench;
    struct vpr_address id = world_address(requestor);
    ck_assert(vpr_session_get(&w->ctx, session, &s));
    ck_assert_int_eq(vpr_bench_draw(&w->ctx, &bench, &s, &id, chain, zone), VPR_NO_SESSION);
    ck_assert_msg(strstr(w->err.text, reason) != NULL, "%s", w->err.text);
}

START_TEST(no_session_has_a_reason)
{
    struct world *w = world_create(NULL, NULL);
    no_session(w, 0, "alice", 1, 1, "no active requestor");
    no_session(w, 0, "servicer1", 1, 1, "no active requestor");
    no_session(w, 0, "requestor1", 3, 1, "does not list the pair");
    no_session(w, 0, "requestor1", 1, 2, "does not list the pair");
    world_begin(w);
    Viper__V1__ChainTerms terms = VIPER__V1__CHAIN_TERMS__INIT;
    struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_TERMS);
    vpr_key_u16(&key, 2);
    terms.multiplier_ppm = 1;
    vpr_version_put(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 1, &terms.base);
    ck_assert_int_eq(pause_(w, "requestor1", "requestor1"), VPR_OK);
    world_until(w, 11);
    ck_assert_int_eq(resume_(w, "requestor1", "requestor1"), VPR_OK);
    for (int i = 1; i <= 6; i++) {
        const char *name = vpr_arena_text(&w->node, "servicer%d", i);
        ck_assert_int_eq(pause_(w, name, name), VPR_OK);
    }
    no_session(w, 1, "requestor1", 1, 1, "no active requestor");
    world_until(w, 21);
    struct vpr_address id = world_address("requestor1");
    Viper__V1__Terms poor = *terms_of(w, "requestor1", 2);
    poor.usd = 0;
    vpr_terms_put(&w->ctx, &id, 3, &poor);
    no_session(w, 2, "requestor1", 2, 1, "chain or zone is not active");
    no_session(w, 2, "requestor1", 1, 1, "nobody is there");
    world_until(w, 31);
    no_session(w, 3, "requestor1", 1, 1, "allowance is 0");
    world_destroy(w);
}
END_TEST

/* Until its removal counts it is served as if it stayed: with the bench, allowance and quota of a
 * world in which it does. */
START_TEST(an_unstaking_requestor_is_served_until_its_removal_counts)
{
    struct world *stays = world_create(NULL, NULL), *leaves = world_create(NULL, NULL);
    world_until(leaves, 7);
    struct vpr_bench before = bench_of(leaves, 0, 1);
    ck_assert_int_eq(unstake_(leaves, "requestor1.owner", "requestor1"), VPR_OK);
    ck_assert_int_eq(actor_of(leaves, "requestor1")->status,
                     VIPER__V1__STATUS__STATUS_UNSTAKING); /* from session 2 on */
    struct vpr_bench after = bench_of(leaves, 0, 1);
    ck_assert_mem_eq(&before, &after, sizeof after);
    world_until(stays, 11);
    world_until(leaves, 11);
    for (uint16_t chain = 1; chain <= 2; chain++) {
        before = bench_of(stays, 1, chain);
        after = bench_of(leaves, 1, chain);
        ck_assert_mem_eq(&before, &after, sizeof after);
        ck_assert_uint_eq(after.quota_cu, 50000);
    }
    world_until(stays, 21);
    world_until(leaves, 21);
    ck_assert_uint_eq(bench_of(stays, 2, 1).quota_cu, 50000);
    no_session(leaves, 2, "requestor1", 1, 1, "no active requestor");
    no_session(leaves, 2, "requestor1", 2, 1, "no active requestor");
    world_destroy(leaves);
    world_destroy(stays);
}
END_TEST

START_TEST(a_bench_is_asked_by_its_sid)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryBenchRequest request = VIPER__V1__QUERY_BENCH_REQUEST__INIT;
    enum vpr_code code;
    char hex[65];
    world_until(w, 11);
    struct vpr_bench bench = bench_of(w, 1, 2);
    vpr_hex(hex, bench.sid.b, 32);
    request.session = 1;
    request.sid = hex;
    const Viper__V1__QueryBenchResponse *r = (const Viper__V1__QueryBenchResponse *)ask(
        w, "/viper.v1.Query/Bench", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_mem_eq(r->sid.data, bench.sid.b, 32);
    ck_assert_str_eq(r->requestor, world_text("requestor1"));
    ck_assert_uint_eq(r->chain, 2);
    ck_assert_uint_eq(r->quota_cu, 50000);
    ck_assert_uint_eq(r->n_servicers, 5);
    ck_assert_uint_eq(r->n_fishermen, 3);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_str_eq(r->servicers[i]->id, world_text_of(&bench.servicers[i].id));
        ck_assert_str_eq(r->servicers[i]->owner, world_text_of(&bench.servicers[i].owner));
        ck_assert_int_eq(strncmp(r->servicers[i]->url, "http://127.0.0.1:850", 20), 0);
        ck_assert_uint_eq(r->servicers[i]->relay_key.len, 32);
    }
    request.requestor = world_text("requestor1"); /* no search is needed then */
    request.chain = 2;
    request.zone = 1;
    const Viper__V1__QueryBenchResponse *same = (const Viper__V1__QueryBenchResponse *)ask(
        w, "/viper.v1.Query/Bench", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_mem_eq(same->sid.data, bench.sid.b, 32);
    ck_assert_uint_eq(same->n_servicers, 5);
    request.chain = 1; /* the sid is of another pair */
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Bench", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    request.chain = 65538; /* whose low bits are right */
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Bench", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    request = (Viper__V1__QueryBenchRequest)VIPER__V1__QUERY_BENCH_REQUEST__INIT;
    request.sid = hex;
    request.session = 0; /* the sid is of another session */
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Bench", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND);
    request.session = 2;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Bench", &request.base, &code));
    ck_assert_int_eq(code, VPR_NO_SESSION);
    request.session = 1;
    hex[63] = '\0';
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Bench", &request.base, &code));
    ck_assert_int_eq(code, VPR_BAD_FIELD);
    world_destroy(w);
}
END_TEST

/* A search walks over every actor of the network: it must not keep what it passes. */
START_TEST(a_search_takes_no_memory_for_who_is_passed)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryBenchRequest request = VIPER__V1__QUERY_BENCH_REQUEST__INIT;
    char hex[65];
    world_until(w, 11);
    memset(hex, '7', 64);
    hex[64] = '\0';
    request.session = 1;
    request.sid = hex;
    const struct vpr_query *query = vpr_domain_query("/viper.v1.Query/Bench");
    ProtobufCMessage *response = NULL;
    world_begin(w);
    struct vpr_ctx ctx = w->ctx;
    ctx.events = NULL;
    size_t before = vpr_arena_mark(ctx.arena);
    ck_assert_int_eq(query->answer(&ctx, &request.base, &response), VPR_NOT_FOUND);
    size_t taken = vpr_arena_mark(ctx.arena) - before;
    ck_assert_msg(taken < 1024, "%zu bytes", taken); /* 14 actors have some 600 each */
    world_end(w);
    world_destroy(w);
}
END_TEST

/* Each actor's sids are those benches in which it sits. */
START_TEST(sids_of_an_actor_are_the_benches_it_is_drawn_for)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QuerySidsRequest request = VIPER__V1__QUERY_SIDS_REQUEST__INIT;
    enum vpr_code code;
    size_t seats = 0;
    world_until(w, 11);
    request.session = 1;
    for (int i = 1; i <= WORLD_SERVICERS + WORLD_FISHERMEN; i++) {
        bool serves = i <= WORLD_SERVICERS;
        const char *name = serves
                               ? vpr_arena_text(&w->node, "servicer%d", i)
                               : vpr_arena_text(&w->node, "fisherman%d", i - WORLD_SERVICERS);
        struct vpr_address id = world_address(name);
        request.id = world_text(name);
        const Viper__V1__QuerySidsResponse *r = (const Viper__V1__QuerySidsResponse *)ask(
            w, serves ? "/viper.v1.Query/ServicerSids" : "/viper.v1.Query/FishermanSids",
            &request.base, &code);
        ck_assert_int_eq(code, VPR_OK);
        size_t expected = 0;
        for (uint16_t chain = 1; chain <= 2; chain++) {
            struct vpr_bench bench = bench_of(w, 1, chain);
            expected += serves ? vpr_bench_has_servicer(&bench, &id)
                               : vpr_bench_has_fisherman(&bench, &id);
        }
        ck_assert_uint_eq(r->n_sids, expected);
        seats += expected;
        for (size_t s = 0; s < r->n_sids; s++) {
            ck_assert_str_eq(r->sids[s]->requestor, world_text("requestor1"));
            ck_assert_uint_eq(r->sids[s]->quota_cu, 50000);
            ck_assert_uint_eq(r->sids[s]->sid.len, 32);
        }
    }
    ck_assert_uint_eq(seats, 2 * (5 + 3));
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/ServicerSids", &request.base, &code));
    ck_assert_int_eq(code, VPR_NOT_FOUND); /* fisherman3 */
    request.session = 9;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/FishermanSids", &request.base, &code));
    ck_assert_int_eq(code, VPR_NO_SESSION);
    world_destroy(w);
}
END_TEST

START_TEST(a_pool_is_read_page_by_page)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryPoolRequest request = VIPER__V1__QUERY_POOL_REQUEST__INIT;
    Cosmos__Base__Query__V1beta1__PageRequest page =
        COSMOS__BASE__QUERY__V1BETA1__PAGE_REQUEST__INIT;
    enum vpr_code code;
    char last[VPR_ADDRESS_TEXT_MAX] = "";
    size_t seen = 0;
    request.chain = 1;
    request.zone = 1;
    request.pagination = &page;
    page.limit = 4;
    do {
        const Viper__V1__QueryPoolResponse *r = (const Viper__V1__QueryPoolResponse *)ask(
            w, "/viper.v1.Query/Pool", &request.base, &code);
        ck_assert_int_eq(code, VPR_OK);
        for (size_t i = 0; i < r->n_members; i++) {
            struct vpr_address owner = parse(r->members[i]->owner);
            if (last[0] != '\0') {
                struct vpr_address before = parse(last);
                ck_assert_int_lt(vpr_address_cmp(&before, &owner), 0);
            }
            (void)strcpy(last, r->members[i]->owner);
            seen++;
        }
        page.key = r->pagination->next_key;
    } while (page.key.len != 0);
    ck_assert_uint_eq(seen, 6);
    page.offset = 100;
    const Viper__V1__QueryPoolResponse *r = (const Viper__V1__QueryPoolResponse *)ask(
        w, "/viper.v1.Query/Pool", &request.base, &code);
    ck_assert_uint_eq(r->n_members, 0);
    request.kind = VIPER__V1__KIND__KIND_REQUESTOR;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Pool", &request.base, &code));
    ck_assert_int_eq(code, VPR_BAD_FIELD);
    request.kind = VIPER__V1__KIND__KIND_SERVICER;
    request.session = 7;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Pool", &request.base, &code));
    ck_assert_int_eq(code, VPR_NO_SESSION);
    world_destroy(w);
}
END_TEST

TCase *benches_tests(void)
{
    TCase *t = tcase_create("benches");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_bench_is_what_the_rules_draw_from_the_queried_pools);
    tcase_add_test(t, a_weight_is_stake_times_score);
    tcase_add_test(t, without_the_cache_the_draw_is_the_same);
    tcase_add_test(t, the_cache_forgets_the_idlest);
    tcase_add_test(t, who_pauses_is_drawn_until_it_counts);
    tcase_add_test(t, owners_sit_on_one_side);
    tcase_add_test(t, fewer_servicers_share_the_quota);
    tcase_add_test(t, no_session_has_a_reason);
    tcase_add_test(t, an_unstaking_requestor_is_served_until_its_removal_counts);
    tcase_add_test(t, a_bench_is_asked_by_its_sid);
    tcase_add_test(t, a_search_takes_no_memory_for_who_is_passed);
    tcase_add_test(t, sids_of_an_actor_are_the_benches_it_is_drawn_for);
    tcase_add_test(t, a_pool_is_read_page_by_page);
    return t;
}
