#include "tests/unit/domain/act.h"

static uint64_t staked(struct world *w)
{
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    return vpr_account_balance(&w->ctx, &pool).uvipr;
}

START_TEST(a_stake_moves_into_the_pool_and_counts_from_the_next_session)
{
    struct world *w = world_create(NULL, NULL);
    world_begin(w);
    uint64_t before = world_balance(w, "alice"), pool = staked(w);
    act_ok(w, "alice", &new_servicer(w, "carol")->base);
    const Viper__V1__Actor *actor = actor_of(w, "carol");
    struct vpr_address owner = vpr_address_of_field(actor->owner);
    struct vpr_address alice = world_address("alice");
    ck_assert(vpr_address_equal(&owner, &alice));
    ck_assert_int_eq(actor->status, VIPER__V1__STATUS__STATUS_ACTIVE);
    ck_assert_uint_eq(actor->stake, 15000 * WORLD_VIPR);
    ck_assert_uint_eq(world_balance(w, "alice"), before - 15000 * WORLD_VIPR);
    ck_assert_uint_eq(staked(w), pool + 15000 * WORLD_VIPR);
    ck_assert_ptr_null(terms_of(w, "carol", 0));
    ck_assert(terms_of(w, "carol", 1)->eligible);
    ck_assert_str_eq(world_event(w, "stake", "kind"), "servicer");
    ck_assert_str_eq(world_event(w, "stake", "actor"), world_text("carol"));
    ck_assert_str_eq(world_event(w, "stake", "owner"), world_text("alice"));
    ck_assert_str_eq(world_event(w, "stake", "amount_uvipr"), "15000000000");
    ck_assert_str_eq(world_event(w, "stake", "session"), "1");
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(a_stake_that_cannot_be_paid_leaves_no_trace)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeServicer *m = new_servicer(w, "carol");
    world_begin(w);
    uint64_t before = world_balance(w, "alice"), pool = staked(w);
    m->amount = 1000000 * WORLD_VIPR + 1;
    act_refused(w, "alice", &m->base, VPR_NO_FUNDS);
    ck_assert_ptr_null(actor_of(w, "carol"));
    ck_assert_ptr_null(terms_of(w, "carol", 9));
    ck_assert_uint_eq(world_balance(w, "alice"), before);
    ck_assert_uint_eq(staked(w), pool);
    m->amount = 15000 * WORLD_VIPR - 1;
    act_refused(w, "alice", &m->base, VPR_STAKE_TOO_LOW);
    m->amount = UINT64_MAX;
    act_refused(w, "alice", &m->base, VPR_BAD_AMOUNT);
    m->operator_ = m->owner + 1;
    act_refused(w, "alice", &m->base, VPR_BAD_ADDRESS);
    world_destroy(w);
}
END_TEST

/* One actor an operator, and an id is never used twice, by no kind. */
START_TEST(an_operator_serves_one_actor)
{
    struct world *w = world_create(NULL, NULL);
    act_refused(w, "alice", &new_servicer(w, "servicer1")->base, VPR_STAKED);
    act_refused(w, "alice", &new_fisherman(w, "servicer1")->base, VPR_STAKED);
    Viper__V1__MsgSetOperator m = VIPER__V1__MSG_SET_OPERATOR__INIT;
    m.owner = world_text("servicer1.owner");
    m.actor = world_text("servicer1");
    m.operator_ = world_text("carol");
    act_ok(w, "servicer1.owner", &m.base);
    act_refused(w, "alice", &new_servicer(w, "carol")->base, VPR_OPERATOR_TAKEN);
    act_refused(w, "alice", &new_servicer(w, "servicer1")->base, VPR_STAKED);
    m.operator_ = world_text("servicer2");
    act_refused(w, "servicer1.owner", &m.base, VPR_OPERATOR_TAKEN);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(the_operator_changes_at_once_and_the_id_stays)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id, carol = world_address("carol"), old = world_address("servicer1");
    Viper__V1__MsgSetOperator m = VIPER__V1__MSG_SET_OPERATOR__INIT;
    m.owner = world_text("servicer1");
    m.actor = world_text("servicer1");
    m.operator_ = world_text("carol");
    act_refused(w, "servicer1", &m.base, VPR_DENIED);
    m.owner = world_text("servicer1.owner");
    act_ok(w, "servicer1.owner", &m.base);
    ck_assert(vpr_actor_by_operator(&w->ctx, &carol, &id));
    ck_assert(vpr_address_equal(&id, &old));
    ck_assert(!vpr_actor_by_operator(&w->ctx, &old, &id));
    w->ctx.signer = old;
    ck_assert_int_eq(vpr_actor_of_signer(&w->ctx, VIPER__V1__KIND__KIND_SERVICER, &id),
                     VPR_NOT_STAKED);
    w->ctx.signer = carol;
    ck_assert_int_eq(vpr_actor_of_signer(&w->ctx, VIPER__V1__KIND__KIND_FISHERMAN, &id),
                     VPR_NOT_STAKED);
    ck_assert_int_eq(vpr_actor_of_signer(&w->ctx, VIPER__V1__KIND__KIND_SERVICER, &id), VPR_OK);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_DENIED);
    ck_assert_int_eq(pause_(w, "carol", "servicer1"), VPR_OK);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Owner rights move at once, what the draw excludes moves with the terms. */
START_TEST(the_owner_changes_at_once_and_for_sessions_later)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgSetOwner m = VIPER__V1__MSG_SET_OWNER__INIT;
    struct vpr_address pool = vpr_pool_address(VPR_POOL_DAO);
    m.owner = world_text("servicer1.owner");
    m.actor = world_text("servicer1");
    m.new_owner = world_text_of(&pool);
    act_refused(w, "servicer1.owner", &m.base, VPR_BAD_ADDRESS);
    m.new_owner = world_text("bob");
    act_ok(w, "servicer1.owner", &m.base);
    struct vpr_address bob = world_address("bob"), old = world_address("servicer1.owner");
    struct vpr_address now = vpr_address_of_field(actor_of(w, "servicer1")->owner);
    struct vpr_address in_0 = vpr_address_of_field(terms_of(w, "servicer1", 0)->owner);
    struct vpr_address in_1 = vpr_address_of_field(terms_of(w, "servicer1", 1)->owner);
    ck_assert(vpr_address_equal(&now, &bob));
    ck_assert(vpr_address_equal(&in_0, &old));
    ck_assert(vpr_address_equal(&in_1, &bob));
    act_refused(w, "servicer1.owner", &m.base, VPR_DENIED);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_DENIED);
    ck_assert_int_eq(unstake_(w, "bob", "servicer1"), VPR_OK);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(only_the_owner_adds_stake)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgIncreaseStake m = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    m.owner = world_text("alice");
    m.actor = world_text("servicer1");
    m.amount = 5;
    act_refused(w, "alice", &m.base, VPR_DENIED);
    m.owner = world_text("servicer1.owner");
    m.amount = 0;
    act_refused(w, "servicer1.owner", &m.base, VPR_BAD_AMOUNT);
    m.amount = VPR_SUPPLY_MAX;
    act_refused(w, "servicer1.owner", &m.base, VPR_BAD_AMOUNT);
    m.amount = 1001 * WORLD_VIPR;
    act_refused(w, "servicer1.owner", &m.base, VPR_NO_FUNDS);
    m.amount = 999 * WORLD_VIPR;
    act_ok(w, "servicer1.owner", &m.base);
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, 15999 * WORLD_VIPR);
    ck_assert_uint_eq(terms_of(w, "servicer1", 0)->stake, 15000 * WORLD_VIPR);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->stake, 15999 * WORLD_VIPR);
    ck_assert_uint_eq(terms_of(w, "servicer1", 1)->usd, 0);
    ck_assert_str_eq(world_event(w, "increase", "actor"), world_text("servicer1"));
    ck_assert_str_eq(world_event(w, "increase", "amount_uvipr"), "999000000");
    ck_assert_str_eq(world_event(w, "increase", "stake_uvipr"), "15999000000");
    ck_assert_str_eq(world_event(w, "increase", "session"), "1");
    m.actor = world_text("nobody");
    act_refused(w, "servicer1.owner", &m.base, VPR_NOT_STAKED);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* floor(1,000,019 x 50,000 / 10^6) = 50,000 micro-USD more. */
START_TEST(a_requestors_top_up_is_valued_at_the_price_of_stakes)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgIncreaseStake m = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    m.owner = world_text("requestor1.owner");
    m.actor = world_text("requestor1");
    m.amount = 1000019;
    act_ok(w, "requestor1.owner", &m.base);
    ck_assert_uint_eq(actor_of(w, "requestor1")->usd, UINT64_C(50000050000));
    ck_assert_uint_eq(terms_of(w, "requestor1", 0)->usd, UINT64_C(50000000000));
    ck_assert_uint_eq(terms_of(w, "requestor1", 1)->usd, UINT64_C(50000050000));
    world_destroy(w);
}
END_TEST

START_TEST(who_pauses_is_eligible_until_it_counts)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(pause_(w, "alice", "servicer1"), VPR_DENIED);
    ck_assert_int_eq(resume_(w, "servicer1", "servicer1"), VPR_BAD_STATUS);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_OK);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_BAD_STATUS);
    ck_assert_int_eq(pause_(w, "alice", "alice"), VPR_NOT_STAKED);
    ck_assert(terms_of(w, "servicer1", 0)->eligible);
    ck_assert(!terms_of(w, "servicer1", 1)->eligible);
    world_until(w, 8);
    ck_assert_int_eq(resume_(w, "servicer1.owner", "servicer1"), VPR_OK); /* block 9 */
    ck_assert(!terms_of(w, "servicer1", 1)->eligible);
    ck_assert(terms_of(w, "servicer1", 2)->eligible);
    ck_assert_str_eq(world_event(w, "resume", "session"), "2");
    world_block(w);
    world_destroy(w);
}
END_TEST

/* The pause for absence is a pause like any other, and forgets the count when resumed. */
START_TEST(the_chain_pauses_an_absent_fisherman)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address id = world_address("fisherman1");
    world_begin(w);
    Viper__V1__Actor actor = *actor_of(w, "fisherman1");
    actor.absent_sessions = 24;
    vpr_actor_put(&w->ctx, &id, &actor);
    vpr_actor_pause(&w->ctx, &id);
    ck_assert_int_eq(actor_of(w, "fisherman1")->status, VIPER__V1__STATUS__STATUS_PAUSED);
    ck_assert(!terms_of(w, "fisherman1", 1)->eligible);
    vpr_actor_pause(&w->ctx, &id);
    ck_assert_int_eq(resume_(w, "fisherman1", "fisherman1"), VPR_OK);
    ck_assert_uint_eq(actor_of(w, "fisherman1")->absent_sessions, 0);
    ck_assert(terms_of(w, "fisherman1", 1)->eligible);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Unbonding takes 60 s here: unstaked in block 5, back in block 65, when session 6 runs. */
START_TEST(a_stake_returns_when_its_time_is_over)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 4);
    ck_assert_int_eq(unstake_(w, "servicer1", "servicer1"), VPR_DENIED);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_BAD_STATUS);
    ck_assert_int_eq(resume_(w, "servicer1", "servicer1"), VPR_BAD_STATUS);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_BAD_STATUS);
    ck_assert(terms_of(w, "servicer1", 0)->eligible);
    ck_assert(!terms_of(w, "servicer1", 1)->eligible);
    ck_assert_str_eq(world_event(w, "unstake", "unbond_session"), "6");
    uint64_t before = world_balance(w, "servicer1.owner");
    world_until(w, 64);
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_UNSTAKING);
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, 15000 * WORLD_VIPR);
    ck_assert_uint_eq(world_balance(w, "servicer1.owner"), before);
    world_until(w, 65);
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_GONE);
    ck_assert_uint_eq(actor_of(w, "servicer1")->stake, 0);
    ck_assert_uint_eq(world_balance(w, "servicer1.owner"), before + 15000 * WORLD_VIPR);
    ck_assert_str_eq(world_event(w, "unbond", "amount_uvipr"), "15000000000");
    world_destroy(w);
}
END_TEST

static void unbond_in_a_second(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->unbonding_seconds = 1;
    genesis->params->min_stake_servicer = WORLD_VIPR;
}

/* Its second is over at once, but session 6 opens in block 61. */
START_TEST(a_stake_stays_until_the_sixth_session_after_it)
{
    struct world *w = world_create(unbond_in_a_second, NULL);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    world_until(w, 60);
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_UNSTAKING);
    world_until(w, 61);
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_GONE);
    world_destroy(w);
}
END_TEST

/* As if its last session were 7: settled when session 10 opens, in block 101. */
START_TEST(a_stake_stays_until_its_last_session_is_settled)
{
    struct world *w = world_create(unbond_in_a_second, NULL);
    struct vpr_address id = world_address("servicer1");
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    vpr_terms_put(&w->ctx, &id, 8, terms_of(w, "servicer1", 1));
    w->broken = true; /* no message changes what counts so late */
    world_until(w, 100);
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_UNSTAKING);
    world_until(w, 101);
    ck_assert_int_eq(actor_of(w, "servicer1")->status, VIPER__V1__STATUS__STATUS_GONE);
    world_destroy(w);
}
END_TEST

START_TEST(of_an_actor_that_is_gone_the_id_stays_taken)
{
    struct world *w = world_create(unbond_in_a_second, NULL);
    struct vpr_address old = world_address("servicer1"), id;
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    world_until(w, 61);
    ck_assert(!vpr_actor_by_operator(&w->ctx, &old, &id));
    act_refused(w, "alice", &new_servicer(w, "servicer1")->base, VPR_STAKED);
    ck_assert_int_eq(pause_(w, "servicer1", "servicer1"), VPR_NOT_STAKED);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_NOT_STAKED);
    /* As an operator of another actor the address is free. */
    Viper__V1__MsgSetOperator m = VIPER__V1__MSG_SET_OPERATOR__INIT;
    m.owner = world_text("servicer2.owner");
    m.actor = world_text("servicer2");
    m.operator_ = world_text("servicer1");
    act_ok(w, "servicer2.owner", &m.base);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(who_leaves_can_only_move_its_url_and_its_owner)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(unstake_(w, "servicer1.owner", "servicer1"), VPR_OK);
    Viper__V1__MsgIncreaseStake more = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    more.owner = world_text("servicer1.owner");
    more.actor = world_text("servicer1");
    more.amount = 1;
    act_refused(w, "servicer1.owner", &more.base, VPR_BAD_STATUS);
    Viper__V1__MsgEditServicer *m = edit_servicer(w, "servicer1", "servicer1");
    m->n_chains = 1;
    act_refused(w, "servicer1", &m->base, VPR_BAD_STATUS);
    m->n_chains = 2;
    m->url = vpr_arena_text(&w->node, "https://elsewhere.example");
    act_ok(w, "servicer1", &m->base);
    ck_assert_str_eq(actor_of(w, "servicer1")->url, "https://elsewhere.example");
    Viper__V1__MsgSetOwner owner = VIPER__V1__MSG_SET_OWNER__INIT;
    owner.owner = world_text("servicer1.owner");
    owner.actor = world_text("servicer1");
    owner.new_owner = world_text("bob");
    world_until(w, 30);
    act_ok(w, "servicer1.owner", &owner.base);
    struct vpr_address id = world_address("servicer1");
    ck_assert_uint_eq(vpr_terms_newest_from(&w->ctx, &id), 1);
    m->url = vpr_arena_text(&w->node, "https://again.example");
    act_ok(w, "servicer1", &m->base);
    uint64_t before = world_balance(w, "bob");
    world_until(w, 61);
    ck_assert_uint_eq(world_balance(w, "bob"), before + 15000 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

/* 101 leave in one block; 100 are looked at in a block. */
START_TEST(a_block_returns_a_bounded_number_of_stakes)
{
    struct world *w = world_create(unbond_in_a_second, NULL);
    for (int i = 0; i < 101; i++) {
        const char *name = vpr_arena_text(&w->node, "leaver%d", i);
        Viper__V1__MsgStakeServicer *m = new_servicer(w, name);
        m->amount = WORLD_VIPR;
        act_ok(w, "alice", &m->base);
        ck_assert_int_eq(unstake_(w, "alice", name), VPR_OK);
    }
    uint64_t before = world_balance(w, "alice");
    world_until(w, 61);
    ck_assert_uint_eq(world_balance(w, "alice"), before + 100 * WORLD_VIPR);
    world_until(w, 62);
    ck_assert_uint_eq(world_balance(w, "alice"), before + 101 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

START_TEST(actors_are_listed_page_by_page)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryActorsRequest request = VIPER__V1__QUERY_ACTORS_REQUEST__INIT;
    Cosmos__Base__Query__V1beta1__PageRequest page =
        COSMOS__BASE__QUERY__V1BETA1__PAGE_REQUEST__INIT;
    enum vpr_code code;
    char last[VPR_ADDRESS_TEXT_MAX] = "";
    size_t seen = 0;
    request.kind = VIPER__V1__KIND__KIND_SERVICER;
    request.pagination = &page;
    page.limit = 4;
    world_block(w);
    for (int i = 0; i < 2; i++) {
        const Viper__V1__QueryActorsResponse *r = (const Viper__V1__QueryActorsResponse *)ask(
            w, "/viper.v1.Query/Actors", &request.base, &code);
        ck_assert_int_eq(code, VPR_OK);
        ck_assert_uint_eq(r->n_actors, i == 0 ? 4 : 2);
        for (size_t a = 0; a < r->n_actors; a++) {
            ck_assert_str_ne(r->actors[a]->id, last);
            ck_assert_int_eq(r->actors[a]->kind, VIPER__V1__KIND__KIND_SERVICER);
            ck_assert_uint_eq(r->actors[a]->stake, 15000 * WORLD_VIPR);
            (void)strcpy(last, r->actors[a]->id);
            seen++;
        }
        ck_assert_uint_eq(r->pagination->next_key.len, i == 0 ? 20 : 0);
        page.key = r->pagination->next_key;
    }
    ck_assert_uint_eq(seen, WORLD_SERVICERS);
    page.key.len = 3;
    page.key.data = (uint8_t *)last;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Actors", &request.base, &code));
    ck_assert_int_eq(code, VPR_BAD_FIELD);
    page.key.len = 0;
    page.reverse = true;
    ck_assert_ptr_null(ask(w, "/viper.v1.Query/Actors", &request.base, &code));
    ck_assert_int_eq(code, VPR_UNSUPPORTED);
    page.reverse = false;
    page.offset = 15;
    request.kind = VIPER__V1__KIND__KIND_NONE;
    page.limit = 100;
    const Viper__V1__QueryActorsResponse *all = (const Viper__V1__QueryActorsResponse *)ask(
        w, "/viper.v1.Query/Actors", &request.base, &code);
    /* 4 validators, 6 servicers, 3 fishermen, 1 requestor are 14. */
    ck_assert_uint_eq(all->n_actors, 0);
    world_destroy(w);
}
END_TEST

START_TEST(empty_messages_are_refused_without_context)
{
    static const struct vpr_domain *const mine[] = {
        &vpr_actors, &vpr_servicers, &vpr_fishermen, &vpr_requestors, &vpr_validators,
    };
    for (size_t d = 0; d < VPR_COUNT(mine); d++) {
        for (size_t i = 0; i < mine[d]->handler_count; i++) {
            const struct vpr_handler *row = &mine[d]->handlers[i];
            struct vpr_err err = {VPR_OK, ""};
            struct vpr_arena arena;
            vpr_arena_init(&arena, 65536);
            ProtobufCMessage *empty =
                vpr_arena_unpack(&arena, row->descriptor, vpr_bytes_of("", 0));
            ck_assert_int_eq(row->check(empty, &err), VPR_BAD_ADDRESS);
            ck_assert_int_eq(strncmp(row->name, mine[d]->name, strlen(mine[d]->name)), 0);
            if (i > 0) {
                ck_assert_int_lt(strcmp(mine[d]->handlers[i - 1].name, row->name), 0);
            }
            vpr_arena_finish(&arena);
        }
    }
}
END_TEST

/* What the invariants are for: each of these breaches is seen. */
START_TEST(invariants_see_a_breach)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_STAKED);
    struct vpr_address alice = world_address("alice"), id = world_address("servicer1");
    world_begin(w);
    ck_assert_ptr_null(world_broken(w));
    ck_assert_int_eq(vpr_account_move(&w->ctx, &alice, &pool, vpr_coin(1)), VPR_OK);
    ck_assert_str_eq(world_broken(w), "stakes_are_pooled");
    ck_assert_int_eq(vpr_account_move(&w->ctx, &pool, &alice, vpr_coin(1)), VPR_OK);
    vpr_operator_index(&w->ctx, &alice, &id);
    ck_assert_str_eq(world_broken(w), "stakes_are_pooled");
    vpr_operator_unindex(&w->ctx, actor_of(w, "servicer1"));
    ck_assert_str_eq(world_broken(w), "stakes_are_pooled");
    world_destroy(w);
}
END_TEST

START_TEST(invariants_see_a_validator_without_index)
{
    struct world *w = world_create(NULL, NULL);
    world_begin(w);
    ck_assert_ptr_null(world_broken(w));
    vpr_validator_forget(&w->ctx, actor_of(w, "validator1"));
    ck_assert_str_eq(world_broken(w), "consensus_keys_lead_back");
    world_destroy(w);
}
END_TEST

START_TEST(invariants_see_a_missing_session)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_key_buf key = vpr_key(VPR_KEY_SESSION);
    vpr_key_u64(&key, 0);
    world_until(w, 11);
    world_begin(w);
    ck_assert_ptr_null(world_broken(w));
    vpr_state_del(&w->state, VPR_STORE_SESSIONS, vpr_key_bytes(&key));
    ck_assert_str_eq(world_broken(w), "sessions_follow");
    world_destroy(w);
}
END_TEST

TCase *actors_tests(void)
{
    TCase *t = tcase_create("actors");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_stake_moves_into_the_pool_and_counts_from_the_next_session);
    tcase_add_test(t, a_stake_that_cannot_be_paid_leaves_no_trace);
    tcase_add_test(t, an_operator_serves_one_actor);
    tcase_add_test(t, the_operator_changes_at_once_and_the_id_stays);
    tcase_add_test(t, the_owner_changes_at_once_and_for_sessions_later);
    tcase_add_test(t, only_the_owner_adds_stake);
    tcase_add_test(t, a_requestors_top_up_is_valued_at_the_price_of_stakes);
    tcase_add_test(t, who_pauses_is_eligible_until_it_counts);
    tcase_add_test(t, the_chain_pauses_an_absent_fisherman);
    tcase_add_test(t, a_stake_returns_when_its_time_is_over);
    tcase_add_test(t, a_stake_stays_until_the_sixth_session_after_it);
    tcase_add_test(t, a_stake_stays_until_its_last_session_is_settled);
    tcase_add_test(t, of_an_actor_that_is_gone_the_id_stays_taken);
    tcase_add_test(t, who_leaves_can_only_move_its_url_and_its_owner);
    tcase_add_test(t, a_block_returns_a_bounded_number_of_stakes);
    tcase_add_test(t, actors_are_listed_page_by_page);
    tcase_add_test(t, invariants_see_a_breach);
    tcase_add_test(t, invariants_see_a_validator_without_index);
    tcase_add_test(t, invariants_see_a_missing_session);
    tcase_add_test(t, empty_messages_are_refused_without_context);
    return t;
}
