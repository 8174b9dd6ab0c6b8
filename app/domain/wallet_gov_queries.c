#include "app/domain/wallet_gov_queries.h"

#include "app/domain/accounts.h"
#include "app/domain/cosmos.h"
#include "app/domain/field.h"
#include "app/domain/proposals.h"
#include "app/domain/sessions.h"
#include "app/domain/votes.h"
#include "app/domain/walk.h"
#include "app/tx/wire.h"
#include "cosmos/gov/v1/query.pb-c.h"
#include "cosmos/gov/v1beta1/query.pb-c.h"

/* The queries of Cosmos governance that wallets ask, in both versions of their shapes, from our
 * own records.  The two differ in the names of fields and in how a proposal says what it does:
 * v1 as the message that is done, v1beta1 as a text. */

#define WHOLE "1.000000000000000000"

/* ---- what both say ---- */

/* A share of the running session's parameters. */
static char *param_ratio(struct vpr_ctx *ctx, enum vpr_param param)
{
    return vpr_cosmos_ratio(ctx, vpr_param(ctx, param, vpr_session_number(ctx)));
}

static char *copy_text(struct vpr_ctx *ctx, const char *text)
{
    return vpr_arena_text(ctx->arena, "%s", text);
}

static Google__Protobuf__Duration *duration(struct vpr_ctx *ctx, uint64_t seconds)
{
    Google__Protobuf__Duration *d = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Duration);
    google__protobuf__duration__init(d);
    d->seconds = (int64_t)seconds;
    return d;
}

static Google__Protobuf__Duration *voting_period(struct vpr_ctx *ctx)
{
    return duration(ctx, vpr_param(ctx, VPR_P_voting_seconds, vpr_session_number(ctx)));
}

/* A list of one. */
static Cosmos__Base__V1beta1__Coin **coins(struct vpr_ctx *ctx, uint64_t amount,
                                           size_t *ret_count)
{
    Cosmos__Base__V1beta1__Coin **list =
        VPR_ARENA_ARRAY(ctx->arena, Cosmos__Base__V1beta1__Coin *, 1);
    list[0] = vpr_cosmos_coin(ctx, amount);
    *ret_count = 1;
    return list;
}

static Cosmos__Base__V1beta1__Coin **min_deposit(struct vpr_ctx *ctx, size_t *ret_count)
{
    return coins(ctx, vpr_param(ctx, VPR_P_gov_deposit, vpr_session_number(ctx)), ret_count);
}

static Google__Protobuf__Any *any_of(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    Google__Protobuf__Any *any = VPR_ARENA_NEW(ctx->arena, Google__Protobuf__Any);
    struct vpr_bytes packed = vpr_arena_pack(ctx->arena, message);
    google__protobuf__any__init(any);
    any->type_url = copy_text(ctx, vpr_wire_type_url(ctx->arena, message->descriptor));
    any->value = (ProtobufCBinaryData){
        packed.len, vpr_arena_copy(ctx->arena, packed.data, packed.len)};
    return any;
}

/* Both versions have these numbers; a veto is a way of rejecting. */
static int cosmos_status(Viper__V1__ProposalStatus status)
{
    switch (status) {
    case VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING:
        return COSMOS__GOV__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING_PERIOD;
    case VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_PASSED:
        return COSMOS__GOV__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_PASSED;
    case VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_REJECTED:
    case VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VETOED:
        return COSMOS__GOV__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_REJECTED;
    case VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_FAILED:
        return COSMOS__GOV__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_FAILED;
    case VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_NONE:
    case _VIPER__V1__PROPOSAL_STATUS_IS_INT_SIZE:
        break;
    }
    VPR_HALT("a proposal without status");
}

static enum vpr_code find(struct vpr_ctx *ctx, uint64_t id, const Viper__V1__Proposal **ret)
{
    const Viper__V1__Proposal *proposal = vpr_proposal_get(ctx, id);
    if (proposal == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "there is no proposal %" PRIu64, id);
    }
    *ret = proposal;
    return VPR_OK;
}

/* What an open one would come to now. */
static Viper__V1__Tally tally_of(struct vpr_ctx *ctx, const Viper__V1__Proposal *proposal)
{
    return proposal->status == VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING
               ? vpr_votes_count(ctx, proposal->id)
               : *proposal->tally;
}

/* Whom a list is for; all fields may be empty. */
struct filter {
    int status;
    bool by_voter, by_depositor;
    struct vpr_address voter, depositor;
};

static enum vpr_code filter_read(struct filter *ret, int status, const char *voter,
                                 const char *depositor, struct vpr_err *err)
{
    struct filter f = {.status = status,
                       .by_voter = voter[0] != '\0',
                       .by_depositor = depositor[0] != '\0'};
    if (f.by_voter) {
        VPR_TRY(vpr_field_address(&f.voter, voter, "voter", err));
    }
    if (f.by_depositor) {
        VPR_TRY(vpr_field_address(&f.depositor, depositor, "depositor", err));
    }
    *ret = f;
    return VPR_OK;
}

static bool wanted(struct vpr_ctx *ctx, const struct filter *f,
                   const Viper__V1__Proposal *proposal)
{
    struct vpr_address proposer = vpr_address_of_field(proposal->proposer);
    return (f->status == 0 || f->status == cosmos_status(proposal->status)) &&
           (!f->by_depositor || vpr_address_equal(&proposer, &f->depositor)) &&
           (!f->by_voter || vpr_vote_get(ctx, proposal->id, &f->voter) != NULL);
}

/* A walk over proposals; the next that is wanted, or NULL at the page's end. */
static const Viper__V1__Proposal *next_proposal(struct vpr_ctx *ctx, struct vpr_walk *walk,
                                                const struct filter *f)
{
    struct vpr_bytes key, value;
    while (vpr_walk_next(walk, ctx, &key, &value)) {
        const Viper__V1__Proposal *proposal = (const Viper__V1__Proposal *)vpr_record_unpack(
            ctx, value, &viper__v1__proposal__descriptor);
        if (wanted(ctx, f, proposal)) {
            return proposal;
        }
    }
    return NULL;
}

static enum vpr_code begin_proposals(struct vpr_walk *ret, struct vpr_ctx *ctx,
                                     const Cosmos__Base__Query__V1beta1__PageRequest *page)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PROPOSAL);
    return vpr_walk_begin(ret, ctx, page, VPR_STORE_GOVERNANCE, vpr_key_bytes(&prefix));
}

static enum vpr_code begin_votes(struct vpr_walk *ret, struct vpr_ctx *ctx, uint64_t id,
                                 const Cosmos__Base__Query__V1beta1__PageRequest *page)
{
    const Viper__V1__Proposal *ignored;
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_VOTE);
    vpr_key_u64(&prefix, id);
    VPR_TRY(find(ctx, id, &ignored));
    return vpr_walk_begin(ret, ctx, page, VPR_STORE_GOVERNANCE, vpr_key_bytes(&prefix));
}

static const Viper__V1__VoteRecord *next_vote(struct vpr_ctx *ctx, struct vpr_walk *walk,
                                              struct vpr_address *ret_voter)
{
    struct vpr_bytes key, value;
    if (!vpr_walk_next(walk, ctx, &key, &value)) {
        return NULL;
    }
    VPR_ASSERT(key.len == walk->prefix.len + sizeof ret_voter->b);
    memcpy(ret_voter->b, key.data + walk->prefix.len, sizeof ret_voter->b);
    return (const Viper__V1__VoteRecord *)vpr_record_unpack(
        ctx, value, &viper__v1__vote_record__descriptor);
}

static enum vpr_code find_vote(struct vpr_ctx *ctx, uint64_t id, const char *voter,
                               struct vpr_address *ret_voter, const Viper__V1__VoteRecord **ret)
{
    const Viper__V1__Proposal *ignored;
    VPR_TRY(find(ctx, id, &ignored));
    VPR_TRY(vpr_field_address(ret_voter, voter, "voter", ctx->err));
    *ret = vpr_vote_get(ctx, id, ret_voter);
    if (*ret == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND,
                        "%s has no vote on proposal %" PRIu64 ", or it is closed", voter, id);
    }
    return VPR_OK;
}

/* `params_type` of the older question; v1 answers all of it. */
static enum vpr_code check_type(const char *type, bool *ret_voting, bool *ret_deposit,
                                bool *ret_tally, struct vpr_err *err)
{
    *ret_voting = strcmp(type, "voting") == 0;
    *ret_deposit = strcmp(type, "deposit") == 0;
    *ret_tally = strcmp(type, "tally") == 0 || strcmp(type, "tallying") == 0;
    return *ret_voting || *ret_deposit || *ret_tally
               ? VPR_OK
               : vpr_fail(err, VPR_BAD_FIELD, "params_type is \"%.40s\"; it is voting, deposit "
                          "or tally (tallying)", type);
}

/* V: V1 or V1beta1. */
#define NEW(V, name, kind) \
    Cosmos__Gov__##V##__##kind *name = \
        VPR_ARENA_NEW(ctx->arena, Cosmos__Gov__##V##__##kind)

/* ---- v1 ---- */

static Cosmos__Gov__V1__TallyResult *result_v1(struct vpr_ctx *ctx,
                                               const Viper__V1__Tally *tally)
{
    NEW(V1, r, TallyResult);
    cosmos__gov__v1__tally_result__init(r);
    r->yes_count = vpr_cosmos_number(ctx, tally->yes);
    r->abstain_count = vpr_cosmos_number(ctx, tally->abstain);
    r->no_count = vpr_cosmos_number(ctx, tally->no);
    r->no_with_veto_count = vpr_cosmos_number(ctx, tally->veto);
    return r;
}

static Cosmos__Gov__V1__Proposal *proposal_v1(struct vpr_ctx *ctx, const Viper__V1__Proposal *p)
{
    static const Viper__V1__Tally none = VIPER__V1__TALLY__INIT;
    struct vpr_address proposer = vpr_address_of_field(p->proposer);
    NEW(V1, r, Proposal);
    cosmos__gov__v1__proposal__init(r);
    r->id = p->id;
    if (p->content != NULL && protobuf_c_message_get_packed_size(&p->content->base) > 0) {
        r->messages = VPR_ARENA_ARRAY(ctx->arena, Google__Protobuf__Any *, 1);
        r->messages[r->n_messages++] = any_of(ctx, &p->content->base);
    }
    r->status = (Cosmos__Gov__V1__ProposalStatus)cosmos_status(p->status);
    r->final_tally_result = result_v1(ctx, p->tally != NULL ? p->tally : &none);
    r->submit_time = r->deposit_end_time = r->voting_start_time =
        vpr_cosmos_time(ctx, p->submit_time_s);
    r->voting_end_time = vpr_cosmos_time(ctx, p->end_time_s);
    r->total_deposit = coins(ctx, p->deposit, &r->n_total_deposit);
    r->title = p->title;
    r->summary = p->summary;
    r->proposer = vpr_text_of_address(ctx->arena, &proposer);
    if (p->failed_code != 0) {
        r->failed_reason = copy_text(ctx, vpr_code_name((enum vpr_code)p->failed_code));
    }
    return r;
}

static Cosmos__Gov__V1__Vote *vote_v1(struct vpr_ctx *ctx, uint64_t id,
                                      const struct vpr_address *voter,
                                      const Viper__V1__VoteRecord *vote)
{
    NEW(V1, r, Vote);
    NEW(V1, option, WeightedVoteOption);
    cosmos__gov__v1__vote__init(r);
    cosmos__gov__v1__weighted_vote_option__init(option);
    option->option = (Cosmos__Gov__V1__VoteOption)vote->option;
    option->weight = copy_text(ctx, WHOLE);
    r->proposal_id = id;
    r->voter = vpr_text_of_address(ctx->arena, voter);
    r->options = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Gov__V1__WeightedVoteOption *, 1);
    r->options[r->n_options++] = option;
    return r;
}

static enum vpr_code answer_proposal_v1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                        ProtobufCMessage **ret_response)
{
    const Viper__V1__Proposal *proposal = NULL;
    VPR_TRY(find(ctx, ((const Cosmos__Gov__V1__QueryProposalRequest *)request)->proposal_id,
                 &proposal));
    NEW(V1, r, QueryProposalResponse);
    cosmos__gov__v1__query_proposal_response__init(r);
    r->proposal = proposal_v1(ctx, proposal);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_proposals_v1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                         ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1__QueryProposalsRequest *q =
        (const Cosmos__Gov__V1__QueryProposalsRequest *)request;
    const Viper__V1__Proposal *proposal = NULL;
    struct filter filter;
    struct vpr_walk walk;
    VPR_TRY(filter_read(&filter, (int)q->proposal_status, q->voter, q->depositor, ctx->err));
    VPR_TRY(begin_proposals(&walk, ctx, q->pagination));
    NEW(V1, r, QueryProposalsResponse);
    cosmos__gov__v1__query_proposals_response__init(r);
    r->proposals = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Gov__V1__Proposal *, VPR_WALK_ITEMS_MAX);
    while ((proposal = next_proposal(ctx, &walk, &filter)) != NULL) {
        r->proposals[r->n_proposals++] = proposal_v1(ctx, proposal);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_vote_v1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                    ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1__QueryVoteRequest *q =
        (const Cosmos__Gov__V1__QueryVoteRequest *)request;
    const Viper__V1__VoteRecord *vote;
    struct vpr_address voter;
    VPR_TRY(find_vote(ctx, q->proposal_id, q->voter, &voter, &vote));
    NEW(V1, r, QueryVoteResponse);
    cosmos__gov__v1__query_vote_response__init(r);
    r->vote = vote_v1(ctx, q->proposal_id, &voter, vote);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_votes_v1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                     ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1__QueryVotesRequest *q =
        (const Cosmos__Gov__V1__QueryVotesRequest *)request;
    const Viper__V1__VoteRecord *vote;
    struct vpr_address voter;
    struct vpr_walk walk;
    VPR_TRY(begin_votes(&walk, ctx, q->proposal_id, q->pagination));
    NEW(V1, r, QueryVotesResponse);
    cosmos__gov__v1__query_votes_response__init(r);
    r->votes = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Gov__V1__Vote *, VPR_WALK_ITEMS_MAX);
    while ((vote = next_vote(ctx, &walk, &voter)) != NULL) {
        r->votes[r->n_votes++] = vote_v1(ctx, q->proposal_id, &voter, vote);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_params_v1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1__QueryParamsRequest *q =
        (const Cosmos__Gov__V1__QueryParamsRequest *)request;
    bool voting, deposit, tally;
    VPR_TRY(check_type(q->params_type, &voting, &deposit, &tally, ctx->err));
    NEW(V1, r, QueryParamsResponse);
    NEW(V1, all, Params);
    cosmos__gov__v1__query_params_response__init(r);
    cosmos__gov__v1__params__init(all);
    all->min_deposit = min_deposit(ctx, &all->n_min_deposit);
    all->max_deposit_period = duration(ctx, 0);
    all->voting_period = voting_period(ctx);
    all->quorum = param_ratio(ctx, VPR_P_gov_quorum);
    all->threshold = param_ratio(ctx, VPR_P_gov_threshold);
    all->veto_threshold = param_ratio(ctx, VPR_P_gov_veto);
    all->min_initial_deposit_ratio = copy_text(ctx, WHOLE);
    all->burn_vote_veto = true;
    r->params = all;
    if (voting) {
        NEW(V1, p, VotingParams);
        cosmos__gov__v1__voting_params__init(p);
        p->voting_period = all->voting_period;
        r->voting_params = p;
    }
    if (deposit) {
        NEW(V1, p, DepositParams);
        cosmos__gov__v1__deposit_params__init(p);
        p->min_deposit = all->min_deposit;
        p->n_min_deposit = all->n_min_deposit;
        p->max_deposit_period = all->max_deposit_period;
        r->deposit_params = p;
    }
    if (tally) {
        NEW(V1, p, TallyParams);
        cosmos__gov__v1__tally_params__init(p);
        p->quorum = all->quorum;
        p->threshold = all->threshold;
        p->veto_threshold = all->veto_threshold;
        r->tally_params = p;
    }
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_tally_v1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                     ProtobufCMessage **ret_response)
{
    const Viper__V1__Proposal *proposal = NULL;
    VPR_TRY(find(ctx, ((const Cosmos__Gov__V1__QueryTallyResultRequest *)request)->proposal_id,
                 &proposal));
    Viper__V1__Tally tally = tally_of(ctx, proposal);
    NEW(V1, r, QueryTallyResultResponse);
    cosmos__gov__v1__query_tally_result_response__init(r);
    r->tally = result_v1(ctx, &tally);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- v1beta1 ---- */

static Cosmos__Gov__V1beta1__TallyResult *result_v1beta1(struct vpr_ctx *ctx,
                                                         const Viper__V1__Tally *tally)
{
    NEW(V1beta1, r, TallyResult);
    cosmos__gov__v1beta1__tally_result__init(r);
    r->yes = vpr_cosmos_number(ctx, tally->yes);
    r->abstain = vpr_cosmos_number(ctx, tally->abstain);
    r->no = vpr_cosmos_number(ctx, tally->no);
    r->no_with_veto = vpr_cosmos_number(ctx, tally->veto);
    return r;
}

static Cosmos__Gov__V1beta1__Proposal *proposal_v1beta1(struct vpr_ctx *ctx,
                                                        const Viper__V1__Proposal *p)
{
    static const Viper__V1__Tally none = VIPER__V1__TALLY__INIT;
    Cosmos__Gov__V1beta1__TextProposal text = COSMOS__GOV__V1BETA1__TEXT_PROPOSAL__INIT;
    NEW(V1beta1, r, Proposal);
    cosmos__gov__v1beta1__proposal__init(r);
    text.title = p->title;
    text.description = p->summary;
    r->proposal_id = p->id;
    r->content = any_of(ctx, &text.base);
    r->status = (Cosmos__Gov__V1beta1__ProposalStatus)cosmos_status(p->status);
    r->final_tally_result = result_v1beta1(ctx, p->tally != NULL ? p->tally : &none);
    r->submit_time = r->deposit_end_time = r->voting_start_time =
        vpr_cosmos_time(ctx, p->submit_time_s);
    r->voting_end_time = vpr_cosmos_time(ctx, p->end_time_s);
    r->total_deposit = coins(ctx, p->deposit, &r->n_total_deposit);
    return r;
}

static Cosmos__Gov__V1beta1__Vote *vote_v1beta1(struct vpr_ctx *ctx, uint64_t id,
                                                const struct vpr_address *voter,
                                                const Viper__V1__VoteRecord *vote)
{
    NEW(V1beta1, r, Vote);
    NEW(V1beta1, option, WeightedVoteOption);
    cosmos__gov__v1beta1__vote__init(r);
    cosmos__gov__v1beta1__weighted_vote_option__init(option);
    option->option = (Cosmos__Gov__V1beta1__VoteOption)vote->option;
    option->weight = copy_text(ctx, WHOLE);
    r->proposal_id = id;
    r->voter = vpr_text_of_address(ctx->arena, voter);
    r->option = option->option;
    r->options = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Gov__V1beta1__WeightedVoteOption *, 1);
    r->options[r->n_options++] = option;
    return r;
}

static enum vpr_code answer_proposal_v1beta1(struct vpr_ctx *ctx,
                                             const ProtobufCMessage *request,
                                             ProtobufCMessage **ret_response)
{
    const Viper__V1__Proposal *proposal = NULL;
    VPR_TRY(find(ctx,
                 ((const Cosmos__Gov__V1beta1__QueryProposalRequest *)request)->proposal_id,
                 &proposal));
    NEW(V1beta1, r, QueryProposalResponse);
    cosmos__gov__v1beta1__query_proposal_response__init(r);
    r->proposal = proposal_v1beta1(ctx, proposal);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_proposals_v1beta1(struct vpr_ctx *ctx,
                                              const ProtobufCMessage *request,
                                              ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1beta1__QueryProposalsRequest *q =
        (const Cosmos__Gov__V1beta1__QueryProposalsRequest *)request;
    const Viper__V1__Proposal *proposal = NULL;
    struct filter filter;
    struct vpr_walk walk;
    VPR_TRY(filter_read(&filter, (int)q->proposal_status, q->voter, q->depositor, ctx->err));
    VPR_TRY(begin_proposals(&walk, ctx, q->pagination));
    NEW(V1beta1, r, QueryProposalsResponse);
    cosmos__gov__v1beta1__query_proposals_response__init(r);
    r->proposals =
        VPR_ARENA_ARRAY(ctx->arena, Cosmos__Gov__V1beta1__Proposal *, VPR_WALK_ITEMS_MAX);
    while ((proposal = next_proposal(ctx, &walk, &filter)) != NULL) {
        r->proposals[r->n_proposals++] = proposal_v1beta1(ctx, proposal);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_vote_v1beta1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                         ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1beta1__QueryVoteRequest *q =
        (const Cosmos__Gov__V1beta1__QueryVoteRequest *)request;
    const Viper__V1__VoteRecord *vote;
    struct vpr_address voter;
    VPR_TRY(find_vote(ctx, q->proposal_id, q->voter, &voter, &vote));
    NEW(V1beta1, r, QueryVoteResponse);
    cosmos__gov__v1beta1__query_vote_response__init(r);
    r->vote = vote_v1beta1(ctx, q->proposal_id, &voter, vote);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_votes_v1beta1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                          ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1beta1__QueryVotesRequest *q =
        (const Cosmos__Gov__V1beta1__QueryVotesRequest *)request;
    const Viper__V1__VoteRecord *vote;
    struct vpr_address voter;
    struct vpr_walk walk;
    VPR_TRY(begin_votes(&walk, ctx, q->proposal_id, q->pagination));
    NEW(V1beta1, r, QueryVotesResponse);
    cosmos__gov__v1beta1__query_votes_response__init(r);
    r->votes = VPR_ARENA_ARRAY(ctx->arena, Cosmos__Gov__V1beta1__Vote *, VPR_WALK_ITEMS_MAX);
    while ((vote = next_vote(ctx, &walk, &voter)) != NULL) {
        r->votes[r->n_votes++] = vote_v1beta1(ctx, q->proposal_id, &voter, vote);
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_params_v1beta1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                           ProtobufCMessage **ret_response)
{
    const Cosmos__Gov__V1beta1__QueryParamsRequest *q =
        (const Cosmos__Gov__V1beta1__QueryParamsRequest *)request;
    bool voting, deposit, tally;
    VPR_TRY(check_type(q->params_type, &voting, &deposit, &tally, ctx->err));
    NEW(V1beta1, r, QueryParamsResponse);
    cosmos__gov__v1beta1__query_params_response__init(r);
    if (voting) {
        NEW(V1beta1, p, VotingParams);
        cosmos__gov__v1beta1__voting_params__init(p);
        p->voting_period = voting_period(ctx);
        r->voting_params = p;
    }
    if (deposit) {
        NEW(V1beta1, p, DepositParams);
        cosmos__gov__v1beta1__deposit_params__init(p);
        p->min_deposit = min_deposit(ctx, &p->n_min_deposit);
        p->max_deposit_period = duration(ctx, 0);
        r->deposit_params = p;
    }
    if (tally) {
        NEW(V1beta1, p, TallyParams);
        cosmos__gov__v1beta1__tally_params__init(p);
        p->quorum = param_ratio(ctx, VPR_P_gov_quorum);
        p->threshold = param_ratio(ctx, VPR_P_gov_threshold);
        p->veto_threshold = param_ratio(ctx, VPR_P_gov_veto);
        r->tally_params = p;
    }
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_tally_v1beta1(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                          ProtobufCMessage **ret_response)
{
    const Viper__V1__Proposal *proposal = NULL;
    VPR_TRY(find(ctx,
                 ((const Cosmos__Gov__V1beta1__QueryTallyResultRequest *)request)->proposal_id,
                 &proposal));
    Viper__V1__Tally tally = tally_of(ctx, proposal);
    NEW(V1beta1, r, QueryTallyResultResponse);
    cosmos__gov__v1beta1__query_tally_result_response__init(r);
    r->tally = result_v1beta1(ctx, &tally);
    *ret_response = &r->base;
    return VPR_OK;
}

/* ---- the table ---- */

#define ROW(message, version, what, name) \
    { \
        "/cosmos.gov." #version ".Query/" what, \
            &cosmos__gov__##version##__query_##message##_request__descriptor, \
            &cosmos__gov__##version##__query_##message##_response__descriptor, \
            answer_##name##_##version \
    }

static const struct vpr_query queries[] = {
    ROW(proposal, v1, "Proposal", proposal),
    ROW(proposals, v1, "Proposals", proposals),
    ROW(vote, v1, "Vote", vote),
    ROW(votes, v1, "Votes", votes),
    ROW(params, v1, "Params", params),
    ROW(tally_result, v1, "TallyResult", tally),
    ROW(proposal, v1beta1, "Proposal", proposal),
    ROW(proposals, v1beta1, "Proposals", proposals),
    ROW(vote, v1beta1, "Vote", vote),
    ROW(votes, v1beta1, "Votes", votes),
    ROW(params, v1beta1, "Params", params),
    ROW(tally_result, v1beta1, "TallyResult", tally),
};

const struct vpr_domain vpr_wallet_gov_queries = {
    .name = "gov_queries",
    .handlers = NULL,
    .handler_count = 0,
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = NULL,
    .invariant_count = 0,
};
