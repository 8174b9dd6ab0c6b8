#include "cosmos/gov/v1/query.pb-c.h"
#include "cosmos/gov/v1beta1/query.pb-c.h"
#include "tests/unit/domain/governance.h"

#define VIPR_TEXT(n) #n "000000" /* uvipr */

static struct world *w;
static uint64_t id;

/* A text by alice, for which the first validator has voted. */
static void set_up(void)
{
    w = world_create(NULL, NULL);
    id = propose(w, "alice", new_text(w, "alice"));
    ck_assert_int_eq(vote(w, "validator1.owner", id, VETO), VPR_OK);
}

static void tear_down(void)
{
    world_destroy(w);
}

static const Cosmos__Gov__V1__Proposal *proposal_v1(uint64_t number)
{
    Cosmos__Gov__V1__QueryProposalRequest q = COSMOS__GOV__V1__QUERY_PROPOSAL_REQUEST__INIT;
    q.proposal_id = number;
    const Cosmos__Gov__V1__QueryProposalResponse *r =
        ask_ok(w, "/cosmos.gov.v1.Query/Proposal", &q.base);
    return r->proposal;
}

START_TEST(a_proposal_in_both_shapes)
{
    Cosmos__Gov__V1beta1__QueryProposalRequest q =
        COSMOS__GOV__V1BETA1__QUERY_PROPOSAL_REQUEST__INIT;
    const Cosmos__Gov__V1__Proposal *now = proposal_v1(id);
    ck_assert_uint_eq(now->id, id);
    ck_assert_int_eq((int)now->status,
                     COSMOS__GOV__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING_PERIOD);
    ck_assert_str_eq(now->title, "a title");
    ck_assert_str_eq(now->summary, "and why");
    ck_assert_str_eq(now->proposer, world_text("alice"));
    ck_assert_str_eq(now->final_tally_result->no_with_veto_count, "0"); /* not over */
    ck_assert_uint_eq(now->n_total_deposit, 1);
    ck_assert_str_eq(now->total_deposit[0]->amount, VIPR_TEXT(1000));
    ck_assert_str_eq(now->total_deposit[0]->denom, "uvipr");
    ck_assert_int_eq(now->voting_end_time->seconds - now->voting_start_time->seconds, 60);

    q.proposal_id = id;
    const Cosmos__Gov__V1beta1__QueryProposalResponse *r =
        ask_ok(w, "/cosmos.gov.v1beta1.Query/Proposal", &q.base);
    ck_assert_uint_eq(r->proposal->proposal_id, id);
    ck_assert_str_eq(r->proposal->content->type_url, "/cosmos.gov.v1beta1.TextProposal");
    const Cosmos__Gov__V1beta1__TextProposal *text =
        (const Cosmos__Gov__V1beta1__TextProposal *)vpr_arena_unpack(
            &w->node, &cosmos__gov__v1beta1__text_proposal__descriptor,
            vpr_bytes_of(r->proposal->content->value.data, r->proposal->content->value.len));
    ck_assert_str_eq(text->title, "a title");
    ck_assert_str_eq(text->description, "and why");
    ck_assert_int_eq((int)r->proposal->status, 2);

    q.proposal_id = id + 1;
    ask_refused(w, "/cosmos.gov.v1beta1.Query/Proposal", &q.base, VPR_NOT_FOUND);
}
END_TEST

/* A veto is a rejection there; its tally stays. */
START_TEST(a_vetoed_proposal_is_rejected)
{
    vote_all(w, id, VETO);
    end_of_vote(w, id);
    ck_assert_int_eq(status_of(w, id), VETOED);
    const Cosmos__Gov__V1__Proposal *over = proposal_v1(id);
    ck_assert_int_eq((int)over->status,
                     COSMOS__GOV__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_REJECTED);
    ck_assert_str_eq(over->final_tally_result->no_with_veto_count, VIPR_TEXT(200000));
    ck_assert_str_eq(over->final_tally_result->yes_count, "0");
    Cosmos__Gov__V1__QueryTallyResultRequest q =
        COSMOS__GOV__V1__QUERY_TALLY_RESULT_REQUEST__INIT;
    q.proposal_id = id;
    const Cosmos__Gov__V1__QueryTallyResultResponse *r =
        ask_ok(w, "/cosmos.gov.v1.Query/TallyResult", &q.base);
    ck_assert_str_eq(r->tally->no_with_veto_count, VIPR_TEXT(200000));
}
END_TEST

START_TEST(a_tally_says_what_it_would_come_to_now)
{
    Cosmos__Gov__V1__QueryTallyResultRequest q =
        COSMOS__GOV__V1__QUERY_TALLY_RESULT_REQUEST__INIT;
    Cosmos__Gov__V1beta1__QueryTallyResultRequest p =
        COSMOS__GOV__V1BETA1__QUERY_TALLY_RESULT_REQUEST__INIT;
    ck_assert_int_eq(vote(w, "validator2.owner", id, YES), VPR_OK);
    q.proposal_id = p.proposal_id = id;
    const Cosmos__Gov__V1__QueryTallyResultResponse *r =
        ask_ok(w, "/cosmos.gov.v1.Query/TallyResult", &q.base);
    ck_assert_str_eq(r->tally->yes_count, VIPR_TEXT(50000));
    ck_assert_str_eq(r->tally->no_with_veto_count, VIPR_TEXT(50000));
    ck_assert_str_eq(r->tally->no_count, "0");
    const Cosmos__Gov__V1beta1__QueryTallyResultResponse *s =
        ask_ok(w, "/cosmos.gov.v1beta1.Query/TallyResult", &p.base);
    ck_assert_str_eq(s->tally->yes, VIPR_TEXT(50000));
    ck_assert_str_eq(s->tally->no_with_veto, VIPR_TEXT(50000));
    ck_assert_str_eq(s->tally->abstain, "0");
}
END_TEST

START_TEST(votes_are_found_by_voter_and_listed)
{
    Cosmos__Gov__V1__QueryVoteRequest q = COSMOS__GOV__V1__QUERY_VOTE_REQUEST__INIT;
    Cosmos__Gov__V1beta1__QueryVotesRequest all =
        COSMOS__GOV__V1BETA1__QUERY_VOTES_REQUEST__INIT;
    q.proposal_id = all.proposal_id = id;
    q.voter = world_text("validator1.owner");
    const Cosmos__Gov__V1__QueryVoteResponse *r = ask_ok(w, "/cosmos.gov.v1.Query/Vote", &q.base);
    ck_assert_str_eq(r->vote->voter, world_text("validator1.owner"));
    ck_assert_uint_eq(r->vote->n_options, 1);
    ck_assert_int_eq((int)r->vote->options[0]->option, VETO);
    ck_assert_str_eq(r->vote->options[0]->weight, "1.000000000000000000");
    q.voter = world_text("validator2.owner");
    ask_refused(w, "/cosmos.gov.v1.Query/Vote", &q.base, VPR_NOT_FOUND);
    q.voter = world_text("x");
    q.voter[8]++;
    ask_refused(w, "/cosmos.gov.v1.Query/Vote", &q.base, VPR_BAD_ADDRESS);

    ck_assert_int_eq(vote(w, "validator2.owner", id, NO), VPR_OK);
    const Cosmos__Gov__V1beta1__QueryVotesResponse *s =
        ask_ok(w, "/cosmos.gov.v1beta1.Query/Votes", &all.base);
    ck_assert_uint_eq(s->n_votes, 2);
    ck_assert_int_eq((int)(s->votes[0]->option + s->votes[1]->option), VETO + NO);
    all.proposal_id = id + 1;
    ask_refused(w, "/cosmos.gov.v1beta1.Query/Votes", &all.base, VPR_NOT_FOUND);
}
END_TEST

START_TEST(proposals_are_listed_by_status_voter_and_depositor)
{
    Cosmos__Gov__V1__QueryProposalsRequest q = COSMOS__GOV__V1__QUERY_PROPOSALS_REQUEST__INIT;
    Cosmos__Gov__V1beta1__QueryProposalsRequest old =
        COSMOS__GOV__V1BETA1__QUERY_PROPOSALS_REQUEST__INIT;
    uint64_t other = propose(w, "bob", new_params(w, "bob", "max_validators=90", NULL));
    const Cosmos__Gov__V1__QueryProposalsResponse *r =
        ask_ok(w, "/cosmos.gov.v1.Query/Proposals", &q.base);
    ck_assert_uint_eq(r->n_proposals, 2);
    ck_assert_uint_eq(r->proposals[0]->n_messages, 0); /* a text */
    ck_assert_uint_eq(r->proposals[1]->n_messages, 1);
    ck_assert_str_eq(r->proposals[1]->messages[0]->type_url, "/viper.v1.ProposalContent");
    q.depositor = world_text("bob");
    r = ask_ok(w, "/cosmos.gov.v1.Query/Proposals", &q.base);
    ck_assert_uint_eq(r->n_proposals, 1);
    ck_assert_uint_eq(r->proposals[0]->id, other);
    q.depositor = world_text("bob");
    q.voter = world_text("validator1.owner");
    r = ask_ok(w, "/cosmos.gov.v1.Query/Proposals", &q.base);
    ck_assert_uint_eq(r->n_proposals, 0);
    old.voter = world_text("validator1.owner");
    const Cosmos__Gov__V1beta1__QueryProposalsResponse *s =
        ask_ok(w, "/cosmos.gov.v1beta1.Query/Proposals", &old.base);
    ck_assert_uint_eq(s->n_proposals, 1);
    ck_assert_uint_eq(s->proposals[0]->proposal_id, id);
    old.proposal_status = COSMOS__GOV__V1BETA1__PROPOSAL_STATUS__PROPOSAL_STATUS_PASSED;
    s = ask_ok(w, "/cosmos.gov.v1beta1.Query/Proposals", &old.base);
    ck_assert_uint_eq(s->n_proposals, 0);
}
END_TEST

START_TEST(params_are_those_of_the_running_session)
{
    Cosmos__Gov__V1__QueryParamsRequest q = COSMOS__GOV__V1__QUERY_PARAMS_REQUEST__INIT;
    Cosmos__Gov__V1beta1__QueryParamsRequest old =
        COSMOS__GOV__V1BETA1__QUERY_PARAMS_REQUEST__INIT;
    q.params_type = vpr_arena_text(&w->node, "voting");
    const Cosmos__Gov__V1__QueryParamsResponse *r =
        ask_ok(w, "/cosmos.gov.v1.Query/Params", &q.base);
    ck_assert_int_eq(r->voting_params->voting_period->seconds, 60);
    ck_assert_ptr_null(r->tally_params);
    ck_assert_str_eq(r->params->quorum, "0.334000000000000000");
    ck_assert_str_eq(r->params->threshold, "0.500000000000000000");
    ck_assert_str_eq(r->params->min_deposit[0]->amount, VIPR_TEXT(1000));
    old.params_type = vpr_arena_text(&w->node, "tallying");
    const Cosmos__Gov__V1beta1__QueryParamsResponse *s =
        ask_ok(w, "/cosmos.gov.v1beta1.Query/Params", &old.base);
    ck_assert_str_eq(s->tally_params->veto_threshold, "0.334000000000000000");
    ck_assert_ptr_null(s->deposit_params);
    old.params_type = vpr_arena_text(&w->node, "deposit");
    s = ask_ok(w, "/cosmos.gov.v1beta1.Query/Params", &old.base);
    ck_assert_str_eq(s->deposit_params->min_deposit[0]->amount, VIPR_TEXT(1000));
    old.params_type = vpr_arena_text(&w->node, "all");
    ask_refused(w, "/cosmos.gov.v1beta1.Query/Params", &old.base, VPR_BAD_FIELD);
}
END_TEST

TCase *wallet_gov_queries_tests(void)
{
    TCase *t = tcase_create("wallet_gov_queries");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_proposal_in_both_shapes);
    tcase_add_test(t, a_vetoed_proposal_is_rejected);
    tcase_add_test(t, a_tally_says_what_it_would_come_to_now);
    tcase_add_test(t, votes_are_found_by_voter_and_listed);
    tcase_add_test(t, proposals_are_listed_by_status_voter_and_depositor);
    tcase_add_test(t, params_are_those_of_the_running_session);
    return t;
}
