#include "app/domain/quality.h"

#include "app/domain/slashing.h"
#include "tests/unit/domain/act.h"

#define STAKE (UINT64_C(15000) * WORLD_VIPR)
#define JAIL_S 30 /* of the local genesis */

static void three_owners(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->bench_requestors = 3;
}

/* The score move of a session in which so many requestor owners gave this median. */
static void judge(struct world *w, const char *name, uint16_t chain, uint64_t session,
                  uint64_t median_ppm, unsigned owners)
{
    struct vpr_address id = world_address(name);
    bool done;
    if (!w->open) {
        world_begin(w);
    }
    for (unsigned i = 0; i < 2 * owners; i++) { /* each with two sids, the last one first */
        struct vpr_address owner =
            world_address(vpr_arena_text(&w->node, "owner%u", (2 * owners - i) % owners));
        vpr_score_add(&w->ctx, session, &id, chain, 1, median_ppm, 1000, &owner);
    }
    ck_assert_uint_eq(vpr_score_move(&w->ctx, session, 10, &done), 1);
    ck_assert(done);
}

static const Viper__V1__ScoreInfo *info_of(struct world *w, const char *name, uint16_t chain)
{
    Viper__V1__QueryServicerRequest request = VIPER__V1__QUERY_SERVICER_REQUEST__INIT;
    enum vpr_code code;
    request.id = world_text(name);
    const Viper__V1__QueryServicerResponse *r =
        (const Viper__V1__QueryServicerResponse *)ask(w, "/viper.v1.Query/Servicer",
                                                      &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    for (size_t i = 0; i < r->n_scores; i++) {
        if (r->scores[i]->chain == chain) {
            return r->scores[i];
        }
    }
    return NULL;
}

static bool in_pool(struct world *w, const char *name, uint16_t chain)
{
    struct vpr_address id = world_address(name);
    const struct vpr_pool *pool = vpr_pool_find(&w->ctx, VIPER__V1__KIND__KIND_SERVICER,
                                                vpr_session_number(&w->ctx), chain, 1);
    for (size_t i = 0; pool != NULL && i < pool->member_count; i++) {
        if (vpr_address_equal(&pool->members[i].id, &id)) {
            return true;
        }
    }
    return false;
}

static Viper__V1__MsgResume resume_pool(const char *signer, const char *name, uint32_t chain,
                                        uint32_t zone)
{
    Viper__V1__MsgResume m = VIPER__V1__MSG_RESUME__INIT;
    m.signer = world_text(signer);
    m.actor = world_text(name);
    m.chain = chain;
    m.zone = zone;
    return m;
}

static void bench(struct world *w, const char *name, uint16_t chain)
{
    for (uint64_t session = 0; session < 3; session++) {
        judge(w, name, chain, session, 0, 1);
    }
    ck_assert(info_of(w, name, chain)->benched);
    world_block(w);
}

START_TEST(three_low_sessions_bench_and_slash)
{
    struct world *w = world_create(NULL, NULL);
    judge(w, "servicer1", 1, 0, 0, 1);
    ck_assert_str_eq(world_event(w, "quality", "low_sessions"), "1");
    judge(w, "servicer1", 1, 1, 0, 1);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 2);
    ck_assert(!info_of(w, "servicer1", 1)->benched);
    judge(w, "servicer1", 1, 2, 0, 1);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 3);
    ck_assert(info_of(w, "servicer1", 1)->benched);
    ck_assert(!info_of(w, "servicer1", 1)->out); /* not yet in this session */
    ck_assert_int_eq(info_of(w, "servicer1", 1)->resumable_s, w->ctx.time_s + JAIL_S);
    ck_assert_str_eq(world_event(w, "benched", "session"), "1");
    ck_assert_str_eq(world_event(w, "slash", "reason"), "quality");
    ck_assert_str_eq(world_event(w, "slash", "fault_height"), "1");
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, STAKE - STAKE / 1000);
    ck_assert(!info_of(w, "servicer1", 2)->benched); /* another pool is another matter */
    ck_assert(in_pool(w, "servicer1", 1));           /* drawn before its seed */
    world_until(w, 11);
    ck_assert(!in_pool(w, "servicer1", 1));
    ck_assert(in_pool(w, "servicer1", 2));
    ck_assert(in_pool(w, "servicer2", 1));
    ck_assert(info_of(w, "servicer1", 1)->out);
    world_destroy(w);
}
END_TEST

/* Score 300,000 is score_min: low is below it. */
START_TEST(one_session_at_score_min_resets_the_count)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    judge(w, "servicer1", 1, 0, 0, 1);
    judge(w, "servicer1", 1, 1, 0, 1);
    ck_assert_uint_eq(vpr_score_newest(&w->ctx, &id, 1, 1), 243000);
    judge(w, "servicer1", 1, 2, 813000, 1);
    ck_assert_uint_eq(vpr_score_newest(&w->ctx, &id, 1, 1), 300000);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 0);
    judge(w, "servicer1", 1, 3, 0, 1);
    judge(w, "servicer1", 1, 4, 0, 1);
    ck_assert(!info_of(w, "servicer1", 1)->benched);
    ck_assert_uint_eq(vpr_actor_slash(&w->ctx, &id, 0, 0,
                                      VIPER__V1__SLASH_REASON__SLASH_REASON_QUALITY), 0);
    ck_assert_uint_eq(vpr_slash_count(&w->ctx, &id), 1); /* that one alone */
    judge(w, "servicer1", 1, 5, 0, 1);
    ck_assert(info_of(w, "servicer1", 1)->benched);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(sessions_with_too_few_requestor_owners_neither_count_nor_reset)
{
    struct world *w = world_create(three_owners, NULL);
    judge(w, "servicer1", 1, 0, 0, 3);
    judge(w, "servicer1", 1, 1, 0, 2);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 1);
    judge(w, "servicer1", 1, 2, 1000000, 2); /* 243,000 -> 318,700: above, and no reset */
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 1);
    judge(w, "servicer1", 1, 3, 0, 4);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 2);
    judge(w, "servicer1", 1, 4, 0, 3);
    ck_assert(info_of(w, "servicer1", 1)->benched);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(a_benched_servicer_is_resumed_by_name_of_the_pool)
{
    struct world *w = world_create(NULL, NULL);
    bench(w, "servicer1", 1);
    int64_t from_s = info_of(w, "servicer1", 1)->resumable_s;
    Viper__V1__MsgResume m = resume_pool("servicer1", "servicer1", 1, 1);
    act_refused(w, "servicer1", &m.base, VPR_TOO_SOON);
    m.chain = 0;
    act_refused(w, "servicer1", &m.base, VPR_BAD_FIELD);
    m.chain = 65537;
    act_refused(w, "servicer1", &m.base, VPR_BAD_FIELD);
    m.chain = 2;
    act_refused(w, "servicer1", &m.base, VPR_BAD_STATUS);
    ck_assert_int_eq(resume_(w, "servicer1", "servicer1"), VPR_BAD_STATUS); /* is not paused */
    while (w->ctx.time_s < from_s - 1) {
        world_block(w);
    }
    m.chain = 1;
    world_begin(w);
    w->ctx.time_s = from_s - 1;
    act_refused(w, "servicer1", &m.base, VPR_TOO_SOON);
    w->ctx.time_s = from_s;
    Viper__V1__MsgResume other = resume_pool("alice", "servicer1", 1, 1);
    act_refused(w, "alice", &other.base, VPR_DENIED);
    act_ok(w, "servicer1", &m.base);
    uint64_t counts_from = vpr_session_counts_from(&w->ctx);
    ck_assert(!info_of(w, "servicer1", 1)->benched);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 0);
    ck_assert(!in_pool(w, "servicer1", 1));
    world_block(w);
    world_until(w, counts_from * 10 + 1);
    ck_assert(in_pool(w, "servicer1", 1));
    world_destroy(w);
}
END_TEST

/* What it served before it was back is settled later, and is paid for already. */
START_TEST(nothing_counts_while_benched)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("servicer1");
    bench(w, "servicer1", 1);
    judge(w, "servicer1", 1, 3, 0, 1);
    judge(w, "servicer1", 1, 4, 1000000, 1); /* a score moves on, out of the pool or not */
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 3);
    ck_assert_uint_eq(vpr_slash_count(&w->ctx, &id), 1);
    Viper__V1__MsgResume m = resume_pool("servicer1", "servicer1", 1, 1);
    w->ctx.time_s += JAIL_S;
    act_ok(w, "servicer1", &m.base);
    uint64_t counts_from = vpr_session_counts_from(&w->ctx);
    ck_assert_uint_eq(counts_from, 1);
    vpr_score_put(&w->ctx, &id, 1, 1, 0);
    judge(w, "servicer1", 1, counts_from - 1, 0, 1);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 0);
    judge(w, "servicer1", 1, counts_from, 0, 1);
    ck_assert_uint_eq(info_of(w, "servicer1", 1)->low_sessions, 1);
    judge(w, "servicer1", 1, counts_from + 1, 0, 1);
    judge(w, "servicer1", 1, counts_from + 2, 0, 1);
    ck_assert_uint_eq(vpr_slash_count(&w->ctx, &id), 2);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Neither an edit that leaves the pool and comes back nor a pause gets rid of it. */
START_TEST(a_bench_outlives_leaving_the_pool)
{
    struct world *w = world_create(NULL, NULL);
    bench(w, "servicer1", 1);
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "servicer1");
    static uint32_t second[] = {2}, both[] = {1, 2};
    m->chains = second;
    m->n_chains = 1;
    act_ok(w, "servicer1", &m->base);
    world_until(w, 25);
    ck_assert_ptr_null(info_of(w, "servicer1", 1));
    m->chains = both;
    m->n_chains = 2;
    act_ok(w, "servicer1", &m->base);
    world_until(w, 45);
    ck_assert(info_of(w, "servicer1", 1)->benched);
    ck_assert(info_of(w, "servicer1", 1)->out);
    ck_assert(!in_pool(w, "servicer1", 1));
    ck_assert(in_pool(w, "servicer1", 2));
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_OK);
    world_block(w);
    ck_assert_int_eq(resume_(w, "servicer1", "servicer1"), VPR_OK);
    world_until(w, 65);
    ck_assert(!in_pool(w, "servicer1", 1));
    ck_assert(in_pool(w, "servicer1", 2));
    world_destroy(w);
}
END_TEST

/* Its stake began to leave before the block that slashes for quality. */
START_TEST(a_leaving_servicer_is_benched_but_keeps_its_stake)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    world_block(w);
    bench(w, "servicer1", 1);
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, STAKE);
    Viper__V1__MsgResume m = resume_pool("servicer1", "servicer1", 1, 1);
    w->ctx.time_s += JAIL_S;
    act_refused(w, "servicer1", &m.base, VPR_BAD_STATUS);
    world_block(w);
    world_destroy(w);
}
END_TEST

TCase *quality_tests(void)
{
    TCase *t = tcase_create("quality");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, three_low_sessions_bench_and_slash);
    tcase_add_test(t, one_session_at_score_min_resets_the_count);
    tcase_add_test(t, sessions_with_too_few_requestor_owners_neither_count_nor_reset);
    tcase_add_test(t, a_benched_servicer_is_resumed_by_name_of_the_pool);
    tcase_add_test(t, nothing_counts_while_benched);
    tcase_add_test(t, a_bench_outlives_leaving_the_pool);
    tcase_add_test(t, a_leaving_servicer_is_benched_but_keeps_its_stake);
    return t;
}
