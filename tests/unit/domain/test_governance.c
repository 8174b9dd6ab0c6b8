#include "cosmos/gov/v1/tx.pb-c.h"
#include "cosmos/gov/v1beta1/tx.pb-c.h"
#include "tests/unit/domain/governance.h"

#include "app/base/bytes.h"
#include "app/domain/content.h"
#include "app/domain/proposals.h"
#include "app/domain/votes.h"

/* ---- deposits and outcomes ---- */

START_TEST(a_proposal_takes_its_deposit_and_gives_it_back)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t before = world_balance(w, "alice");
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_uint_eq(id, 1);
    ck_assert_uint_eq(world_balance(w, "alice"), before - DEPOSIT);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_DEPOSITS), DEPOSIT);
    ck_assert_int_eq(status_of(w, id), VOTING);
    vote_all(w, id, YES);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), PASSED);
    ck_assert_uint_eq(world_balance(w, "alice"), before);
    ck_assert_uint_eq(pool_balance(w, VPR_POOL_DEPOSITS), 0);
    const Viper__V1__Tally *tally = vpr_proposal_get(&w->ctx, id)->tally;
    ck_assert_uint_eq(tally->yes, 200000 * WORLD_VIPR);
    ck_assert_uint_eq(tally->bonded, 200000 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

START_TEST(one_validator_of_four_is_no_quorum)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t before = world_balance(w, "alice");
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "validator1.owner", id, VETO), VPR_OK);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), REJECTED);
    ck_assert_uint_eq(world_balance(w, "alice"), before); /* a veto needs the quorum, too */
    world_destroy(w);
}
END_TEST

START_TEST(half_of_the_votes_is_not_enough)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "validator1.owner", id, YES), VPR_OK);
    ck_assert_int_eq(vote(w, "validator2.owner", id, NO), VPR_OK);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), REJECTED);
    world_destroy(w);
}
END_TEST

START_TEST(a_veto_burns_the_deposit)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t before = world_balance(w, "alice");
    struct vpr_supply supply = vpr_supply_get(&w->ctx);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "validator1.owner", id, YES), VPR_OK);
    ck_assert_int_eq(vote(w, "validator2.owner", id, VETO), VPR_OK);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), VETOED);
    ck_assert_uint_eq(world_balance(w, "alice"), before - DEPOSIT);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).burned.uvipr - supply.burned.uvipr, DEPOSIT);
    ck_assert_str_eq(world_event(w, "proposal_end", "status"), "vetoed");
    ck_assert_str_eq(world_event(w, "proposal_end", "proposer"), world_text("alice"));
    ck_assert_str_eq(world_event(w, "proposal_end", "returned_uvipr"), "0");
    world_destroy(w);
}
END_TEST

START_TEST(a_deposit_that_cannot_be_paid_leaves_no_trace)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgPropose *m = new_text(w, "carol");
    act_refused(w, "carol", &m->base, VPR_NO_FUNDS);
    ck_assert_ptr_null(vpr_proposal_get(&w->ctx, 1));
    world_destroy(w);
}
END_TEST

START_TEST(sixteen_proposals_are_open_at_most)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    for (int i = 0; i < VPR_PROPOSALS_OPEN_MAX; i++) {
        act_ok(w, "alice", &m->base);
    }
    act_refused(w, "alice", &m->base, VPR_TOO_MANY_PROPOSALS);
    end_of_vote(w, 16);
    ck_assert_int_eq(status_of(w, 1), REJECTED);
    ck_assert_int_eq(status_of(w, 16), REJECTED);
    act_ok(w, "alice", &m->base);
    ck_assert_int_eq(status_of(w, 17), VOTING);
    world_destroy(w);
}
END_TEST

START_TEST(texts_have_their_limits)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgPropose *m = new_text(w, "alice");
    char *title = m->title;
    m->title = vpr_arena_text(&w->node, "%s", "");
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->title = vpr_arena_text(&w->node, "%*s", VPR_TITLE_BYTES_MAX + 1, "long");
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->title = title;
    m->summary = vpr_arena_text(&w->node, "%*s", VPR_SUMMARY_BYTES_MAX + 1, "long");
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->summary = vpr_arena_text(&w->node, "%*s", VPR_SUMMARY_BYTES_MAX, "long");
    m->upgrade = new_upgrade(w, 100, 2);
    m->spend = new_spend(w, "bob", 1);
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD); /* one thing at a time */
    world_destroy(w);
}
END_TEST

/* ---- votes ---- */

START_TEST(a_later_vote_replaces_an_earlier_one)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    vote_all(w, id, NO);
    vote_all(w, id, YES);
    const Viper__V1__QueryTallyResponse *told = tally_of(w, id);
    ck_assert(told->voting);
    ck_assert_uint_eq(told->tally->yes, 200000 * WORLD_VIPR);
    ck_assert_uint_eq(told->tally->no, 0);
    ck_assert_str_eq(told->outcome, "passed");
    world_destroy(w);
}
END_TEST

START_TEST(who_has_no_stake_has_no_vote)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "alice", id, YES), VPR_NO_POWER);
    ck_assert_int_eq(vote(w, "validator1", id, YES), VPR_NO_POWER); /* the operator */
    ck_assert_int_eq(vote(w, "servicer1.owner", id, YES), VPR_NO_POWER);
    ck_assert_int_eq(vote(w, "validator1.owner", id + 1, YES), VPR_NOT_FOUND);
    ck_assert_int_eq(vote(w, "validator1.owner", id, 0), VPR_BAD_FIELD);
    ck_assert_int_eq(vote(w, "validator1.owner", id, 5), VPR_BAD_FIELD);
    ck_assert_uint_eq(votes_on(w, id), 0);
    world_destroy(w);
}
END_TEST

START_TEST(the_vote_ends_at_its_second)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    int64_t end = vpr_proposal_get(&w->ctx, id)->end_time_s;
    ck_assert_int_eq(end, w->ctx.time_s + 60);
    while (w->ctx.time_s < end - 1) {
        world_block(w);
        world_begin(w);
    }
    ck_assert_int_eq(vote(w, "validator1.owner", id, YES), VPR_OK);
    world_block(w);
    world_begin(w); /* at its end, before the tally */
    ck_assert_int_eq(vote(w, "validator2.owner", id, YES), VPR_VOTE_CLOSED);
    world_block(w);
    ck_assert_int_eq(status_of(w, id), REJECTED);
    ck_assert_int_eq(vote(w, "validator2.owner", id, YES), VPR_VOTE_CLOSED);
    world_destroy(w);
}
END_TEST

/* By the same handler table under Cosmos' names, with Cosmos' numbers. */
START_TEST(wallets_vote_with_their_own_buttons)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    Cosmos__Gov__V1__MsgVote v1 = COSMOS__GOV__V1__MSG_VOTE__INIT;
    Cosmos__Gov__V1beta1__MsgVote beta = COSMOS__GOV__V1BETA1__MSG_VOTE__INIT;
    Cosmos__Gov__V1__MsgVoteWeighted w1 = COSMOS__GOV__V1__MSG_VOTE_WEIGHTED__INIT;
    Cosmos__Gov__V1beta1__MsgVoteWeighted wb = COSMOS__GOV__V1BETA1__MSG_VOTE_WEIGHTED__INIT;
    v1.proposal_id = beta.proposal_id = id;
    v1.voter = world_text("validator1.owner");
    v1.option = COSMOS__GOV__V1__VOTE_OPTION__VOTE_OPTION_YES;
    v1.metadata = vpr_arena_text(&w->node, "by hand");
    beta.voter = world_text("validator2.owner");
    beta.option = COSMOS__GOV__V1BETA1__VOTE_OPTION__VOTE_OPTION_NO_WITH_VETO;
    act_ok(w, "validator1.owner", &v1.base);
    act_ok(w, "validator2.owner", &beta.base);
    ck_assert_uint_eq(tally_of(w, id)->tally->yes, 50000 * WORLD_VIPR);
    ck_assert_uint_eq(tally_of(w, id)->tally->veto, 50000 * WORLD_VIPR);
    w1.voter = wb.voter = world_text("validator3.owner");
    act_refused(w, "validator3.owner", &w1.base, VPR_UNSUPPORTED);
    act_refused(w, "validator3.owner", &wb.base, VPR_UNSUPPORTED);
    world_destroy(w);
}
END_TEST

START_TEST(votes_on_closed_proposals_are_deleted)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    vote_all(w, id, YES);
    ck_assert_uint_eq(votes_on(w, id), 4);
    end_of_vote(w, id);
    world_block(w);
    ck_assert_uint_eq(votes_on(w, id), 0);
    ck_assert_uint_eq(tally_of(w, id)->tally->yes, 200000 * WORLD_VIPR);
    ck_assert(!tally_of(w, id)->voting);
    world_destroy(w);
}
END_TEST

START_TEST(a_vote_that_is_forgotten_may_be_cast_again)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address who = world_address("validator1.owner");
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    vote_all(w, id, YES);
    ck_assert_int_eq(vpr_governance_forget_votes(&w->ctx, &who), VPR_OK);
    ck_assert_uint_eq(votes_on(w, id), 3);
    ck_assert_uint_eq(tally_of(w, id)->tally->yes, 150000 * WORLD_VIPR);
    ck_assert_int_eq(vote(w, "validator1.owner", id, NO), VPR_OK);
    ck_assert_uint_eq(tally_of(w, id)->tally->no, 50000 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

static void delegate(struct world *w, const char *who, uint64_t vipr)
{
    Viper__V1__MsgDelegate *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgDelegate);
    viper__v1__msg_delegate__init(m);
    m->delegator = world_text(who);
    m->actor = world_text("validator1");
    m->amount = vipr * WORLD_VIPR;
    act_ok(w, who, &m->base);
}

/* alice's 30,000 VIPR are hers to vote with, bob's 10,000 go with the validator. */
START_TEST(delegators_override_their_validator)
{
    struct world *w = world_create(NULL, NULL);
    delegate(w, "alice", 30000);
    delegate(w, "bob", 10000);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "validator1.owner", id, YES), VPR_OK);
    ck_assert_uint_eq(tally_of(w, id)->tally->yes, 90000 * WORLD_VIPR);
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_OK);
    ck_assert_uint_eq(tally_of(w, id)->tally->yes, 60000 * WORLD_VIPR);
    ck_assert_uint_eq(tally_of(w, id)->tally->no, 30000 * WORLD_VIPR);
    ck_assert_uint_eq(tally_of(w, id)->tally->bonded, 240000 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

START_TEST(a_changed_delegation_withdraws_the_vote)
{
    struct world *w = world_create(NULL, NULL);
    delegate(w, "alice", 30000);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    uint64_t other = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_OK);
    ck_assert_int_eq(vote(w, "alice", other, YES), VPR_OK);
    delegate(w, "alice", 1);
    ck_assert_str_eq(world_event(w, "vote_withdrawn", "voter"), world_text("alice"));
    ck_assert_str_eq(world_event(w, "vote_withdrawn", "proposal"), "2"); /* the last of both */
    ck_assert_uint_eq(votes_on(w, id), 0);
    ck_assert_uint_eq(votes_on(w, other), 0);
    ck_assert_uint_eq(tally_of(w, id)->tally->no, 0);
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_OK);
    Viper__V1__MsgUndelegate *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgUndelegate);
    viper__v1__msg_undelegate__init(m);
    m->delegator = world_text("alice");
    m->actor = world_text("validator1");
    m->amount = 5000 * WORLD_VIPR;
    act_ok(w, "alice", &m->base);
    ck_assert_uint_eq(tally_of(w, id)->tally->no, 0);
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_OK);
    ck_assert_uint_eq(tally_of(w, id)->tally->no, 25001 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

/* One block withdraws only so much, whoever's it is: the rest comes back another time. */
START_TEST(a_block_withdraws_only_so_many_votes)
{
    struct world *w = world_create(NULL, NULL);
    const struct vpr_key_buf key = vpr_key(VPR_KEY_VOTES_BACK);
    uint8_t record[16];
    delegate(w, "alice", 30000);
    delegate(w, "bob", 10000);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_OK);
    vpr_put_be64(record, w->ctx.height);
    vpr_put_be64(record + 8, VPR_VOTE_PARTS_BACK_MAX);
    vpr_state_put(&w->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                  vpr_bytes_of(record, sizeof record));
    Viper__V1__MsgDelegate m = VIPER__V1__MSG_DELEGATE__INIT;
    m.delegator = world_text("alice");
    m.actor = world_text("validator1");
    m.amount = WORLD_VIPR;
    ck_assert_int_eq(world_tx(w, "alice", &m.base).code, VPR_TOO_SOON);
    m.delegator = world_text("bob"); /* has not voted */
    ck_assert_int_eq(world_tx(w, "bob", &m.base).code, VPR_OK);
    world_block(w);
    ck_assert_uint_eq(votes_on(w, id), 1);
    ck_assert_uint_eq(tally_of(w, id)->tally->no, 30000 * WORLD_VIPR);
    delegate(w, "alice", 1);
    ck_assert_uint_eq(votes_on(w, id), 0);
    world_destroy(w);
}
END_TEST

/* By records alone, since the world has four validators: alice's n-th delegation, to a copy of
 * validator1; of `shares`, or of none and with a reward that waits. */
static void put_delegation(struct world *w, unsigned n, uint64_t shares)
{
    uint8_t zero[16] = {0}, present = 1;
    struct vpr_address alice = world_address("alice");
    struct vpr_address id = {.b = {0xff, (uint8_t)(n >> 8), (uint8_t)n}};
    Viper__V1__Actor actor = *actor_of(w, "validator1");
    Viper__V1__DelegationPool pool = VIPER__V1__DELEGATION_POOL__INIT;
    Viper__V1__Delegation own = VIPER__V1__DELEGATION__INIT;
    struct vpr_key_buf key = vpr_key(VPR_KEY_POOL);
    actor.delegated = pool.shares = own.shares = shares;
    own.due = 1;
    pool.cumulative = own.seen = (ProtobufCBinaryData){sizeof zero, zero};
    vpr_actor_put(&w->ctx, &id, &actor);
    vpr_key_address(&key, &id);
    vpr_record_put(&w->ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &pool.base);
    key = vpr_key(VPR_KEY_DELEGATION);
    vpr_key_address(&key, &id);
    vpr_key_address(&key, &alice);
    vpr_record_put(&w->ctx, VPR_STORE_DELEGATION, vpr_key_bytes(&key), &own.base);
    key = vpr_key(VPR_KEY_DELEGATES);
    vpr_key_address(&key, &alice);
    vpr_key_address(&key, &id);
    vpr_state_put(&w->state, VPR_STORE_DELEGATION, vpr_key_bytes(&key),
                  vpr_bytes_of(&present, 1));
}

START_TEST(a_vote_counts_delegations_to_128_validators)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    w->broken = true; /* the records say nothing of where the money lies */
    for (unsigned n = 0; n < VPR_VOTE_PARTS_MAX; n++) {
        put_delegation(w, n, 10);
    }
    put_delegation(w, 1000, 0); /* is looked at and counts nothing */
    ck_assert_int_eq(vote(w, "alice", id, YES), VPR_OK);
    ck_assert_str_eq(world_event(w, "vote", "delegated_uvipr"), "1280");
    put_delegation(w, 1001, 10);
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_TOO_LARGE);
    ck_assert_uint_eq(votes_on(w, id), 1); /* the earlier vote stands */
    world_destroy(w);
}
END_TEST

START_TEST(a_vote_looks_at_512_delegations)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    w->broken = true;
    for (unsigned n = 0; n < VPR_VOTE_DELEGATIONS_MAX; n++) {
        put_delegation(w, n, n == 511 ? 10 : 0);
    }
    ck_assert_int_eq(vote(w, "alice", id, YES), VPR_OK);
    ck_assert_str_eq(world_event(w, "vote", "delegated_uvipr"), "10");
    put_delegation(w, 512, 0);
    ck_assert_int_eq(vote(w, "alice", id, NO), VPR_TOO_LARGE);
    ck_assert_uint_eq(votes_on(w, id), 1);
    world_destroy(w);
}
END_TEST

/* The set at the end counts; who left it has no vote, nor any part in the quorum. */
START_TEST(only_bonded_validators_count)
{
    struct world *w = world_create(NULL, NULL);
    uint64_t id = propose(w, "alice", new_text(w, "alice"));
    vote_all(w, id, YES);
    ck_assert_int_eq(pause_(w, "validator4", "validator4"), VPR_OK);
    world_block(w);
    ck_assert_uint_eq(tally_of(w, id)->tally->yes, 150000 * WORLD_VIPR);
    ck_assert_uint_eq(tally_of(w, id)->tally->bonded, 150000 * WORLD_VIPR);
    world_destroy(w);
}
END_TEST

TCase *votes_tests(void)
{
    TCase *t = tcase_create("votes");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_proposal_takes_its_deposit_and_gives_it_back);
    tcase_add_test(t, one_validator_of_four_is_no_quorum);
    tcase_add_test(t, half_of_the_votes_is_not_enough);
    tcase_add_test(t, a_veto_burns_the_deposit);
    tcase_add_test(t, a_deposit_that_cannot_be_paid_leaves_no_trace);
    tcase_add_test(t, sixteen_proposals_are_open_at_most);
    tcase_add_test(t, texts_have_their_limits);
    tcase_add_test(t, a_later_vote_replaces_an_earlier_one);
    tcase_add_test(t, who_has_no_stake_has_no_vote);
    tcase_add_test(t, the_vote_ends_at_its_second);
    tcase_add_test(t, wallets_vote_with_their_own_buttons);
    tcase_add_test(t, votes_on_closed_proposals_are_deleted);
    tcase_add_test(t, a_vote_that_is_forgotten_may_be_cast_again);
    tcase_add_test(t, delegators_override_their_validator);
    tcase_add_test(t, a_changed_delegation_withdraws_the_vote);
    tcase_add_test(t, a_block_withdraws_only_so_many_votes);
    tcase_add_test(t, a_vote_counts_delegations_to_128_validators);
    tcase_add_test(t, a_vote_looks_at_512_delegations);
    tcase_add_test(t, only_bonded_validators_count);
    return t;
}
