#include "app/domain/votes.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/content.h"
#include "app/domain/delegation.h"
#include "app/domain/field.h"
#include "app/domain/proposals.h"
#include "app/domain/sessions.h"
#include "app/domain/validators.h"
#include "app/domain/walk.h"
#include "app/rules/tally.h"
#include "app/tx/gas.h"
#include "cosmos/gov/v1/tx.pb-c.h"
#include "cosmos/gov/v1beta1/tx.pb-c.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

#define SUMS_BYTES ((VPR_VOTES - 1) * 8)

/* ---- records ---- */

static struct vpr_key_buf vote_key(uint64_t proposal, const struct vpr_address *voter)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_VOTE);
    vpr_key_u64(&key, proposal);
    vpr_key_address(&key, voter);
    return key;
}

const Viper__V1__VoteRecord *vpr_vote_get(struct vpr_ctx *ctx, uint64_t proposal,
                                             const struct vpr_address *voter)
{
    struct vpr_key_buf key = vote_key(proposal, voter);
    return (const Viper__V1__VoteRecord *)vpr_record_get(
        ctx, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key), &viper__v1__vote_record__descriptor);
}

static struct vpr_key_buf sums_key(uint64_t proposal, const struct vpr_address *validator)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_VOTE_SUMS);
    vpr_key_u64(&key, proposal);
    vpr_key_address(&key, validator);
    return key;
}

static void sums_read(struct vpr_tally *ret, struct vpr_bytes value)
{
    struct vpr_reader r = vpr_reader(value);
    memset(ret, 0, sizeof *ret);
    for (size_t i = VPR_VOTE_YES; i < VPR_VOTES; i++) {
        ret->by[i] = vpr_read_be64(&r);
    }
    VPR_ASSERT(vpr_read_done(&r));
}

/* Zeros if nobody who delegates to that validator has voted. */
static struct vpr_tally sums_get(struct vpr_ctx *ctx, uint64_t proposal,
                                 const struct vpr_address *validator)
{
    struct vpr_key_buf key = sums_key(proposal, validator);
    struct vpr_tally sums;
    struct vpr_bytes value;
    memset(&sums, 0, sizeof sums);
    if (vpr_state_get(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                      &value)) {
        sums_read(&sums, value);
    }
    return sums;
}

/* No record for zeros. */
static void sums_put(struct vpr_ctx *ctx, uint64_t proposal,
                     const struct vpr_address *validator, const struct vpr_tally *sums)
{
    struct vpr_key_buf key = sums_key(proposal, validator);
    uint8_t bytes[SUMS_BYTES];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    uint64_t any = 0;
    for (size_t i = VPR_VOTE_YES; i < VPR_VOTES; i++) {
        any |= sums->by[i];
        vpr_write_be64(&w, sums->by[i]);
    }
    if (any == 0) {
        vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key));
    } else {
        vpr_state_put(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                      vpr_bytes_of(bytes, w.len));
    }
}

/* Adds the parts of a vote to the sums, or takes them out again. */
static void count_parts(struct vpr_ctx *ctx, uint64_t proposal,
                        const Viper__V1__VoteRecord *vote, bool add)
{
    VPR_ASSERT(vote->option > 0 && (size_t)vote->option < VPR_VOTES);
    for (size_t i = 0; i < vote->n_parts; i++) {
        struct vpr_address validator = vpr_address_of_field(vote->parts[i]->validator);
        struct vpr_tally sums = sums_get(ctx, proposal, &validator);
        uint64_t *sum = &sums.by[vote->option];
        VPR_ASSERT(add || *sum >= vote->parts[i]->tokens);
        *sum = add ? *sum + vote->parts[i]->tokens : *sum - vote->parts[i]->tokens;
        sums_put(ctx, proposal, &validator, &sums);
    }
}

static bool withdraw(struct vpr_ctx *ctx, uint64_t proposal, const struct vpr_address *voter)
{
    const Viper__V1__VoteRecord *vote = vpr_vote_get(ctx, proposal, voter);
    if (vote == NULL) {
        return false;
    }
    struct vpr_key_buf key = vote_key(proposal, voter);
    count_parts(ctx, proposal, vote, false);
    vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key));
    return true;
}

/* Parts of votes withdrawn in the block in hand: votes were paid when they were cast, by as many
 * accounts and in as many blocks as one likes, and could all be withdrawn in one. */
static uint64_t parts_back(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_VOTES_BACK);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                       &value)) {
        return 0;
    }
    struct vpr_reader r = vpr_reader(value);
    uint64_t height = vpr_read_be64(&r), parts = vpr_read_be64(&r);
    VPR_ASSERT(vpr_read_done(&r));
    return height == ctx->height ? parts : 0;
}

static void set_parts_back(struct vpr_ctx *ctx, uint64_t parts)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_VOTES_BACK);
    uint8_t bytes[16];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    vpr_write_be64(&w, ctx->height);
    vpr_write_be64(&w, parts);
    vpr_state_put(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                  vpr_bytes_of(bytes, w.len));
}

enum vpr_code
vpr_governance_forget_votes(struct vpr_ctx *ctx, const struct vpr_address *account)
{
    uint64_t ids[VPR_PROPOSALS_OPEN_MAX], parts = 0;
    size_t count = vpr_proposals_open(ctx, ids);
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__VoteRecord *vote = vpr_vote_get(ctx, ids[i], account);
        parts += vote == NULL ? 0 : vote->n_parts;
    }
    uint64_t before = parts == 0 ? 0 : parts_back(ctx);
    if (parts > 0 && before + parts > VPR_VOTE_PARTS_BACK_MAX) {
        return vpr_fail(ctx->err, VPR_TOO_SOON,
                        "the account's votes would be withdrawn, and this block has withdrawn "
                        "enough of others; send it again");
    }
    for (size_t i = 0; i < count; i++) {
        if (withdraw(ctx, ids[i], account)) {
            vpr_event(ctx, "vote_withdrawn");
            vpr_event_u64(ctx, "proposal", ids[i]);
            vpr_event_address(ctx, "voter", account);
        }
    }
    if (parts > 0) {
        set_parts_back(ctx, before + parts);
    }
    return VPR_OK;
}

/* ---- the message ---- */

/* The voter's delegations to validators, as they are now. */
static enum vpr_code find_parts(struct vpr_ctx *ctx, const struct vpr_address *voter,
                                Viper__V1__VoteRecord *vote)
{
    struct vpr_address validator, at;
    const struct vpr_address *after = NULL;
    uint64_t tokens;
    int looked_at = 0;
    vote->parts = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__VotePart *, VPR_VOTE_PARTS_MAX);
    while (vpr_delegation_next(ctx, voter, after, &validator, &tokens)) {
        const Viper__V1__Actor *actor = vpr_actor_get(ctx, &validator);
        bool counts = tokens > 0 && actor != NULL &&
                      actor->kind == VIPER__V1__KIND__KIND_VALIDATOR;
        if (looked_at++ == VPR_VOTE_DELEGATIONS_MAX ||
            (counts && vote->n_parts == VPR_VOTE_PARTS_MAX)) {
            return vpr_fail(ctx->err, VPR_TOO_LARGE,
                            "a vote looks at %d delegations and counts those to %d validators "
                            "at most; undelegate some",
                            VPR_VOTE_DELEGATIONS_MAX, VPR_VOTE_PARTS_MAX);
        }
        if (counts) {
            Viper__V1__VotePart *part = VPR_ARENA_NEW(ctx->arena, Viper__V1__VotePart);
            viper__v1__vote_part__init(part);
            part->validator = vpr_field_of_address(ctx->arena, &validator);
            part->tokens = tokens;
            vote->parts[vote->n_parts++] = part;
        }
        at = validator;
        after = &at;
    }
    return VPR_OK;
}

static enum vpr_code cast(struct vpr_ctx *ctx, const struct vpr_address *voter,
                          uint64_t proposal, uint64_t option)
{
    const Viper__V1__Proposal *ignored;
    Viper__V1__VoteRecord vote = VIPER__V1__VOTE_RECORD__INIT;
    uint64_t tokens = 0;
    VPR_TRY(vpr_proposal_votable(ctx, proposal, &ignored));
    VPR_TRY(find_parts(ctx, voter, &vote));
    bool owner = vpr_validator_owned(ctx, voter);
    if (vote.n_parts == 0 && !owner) {
        return vpr_fail(ctx->err, VPR_NO_POWER,
                        "the account owns no validator and delegates to none, so it has no "
                        "vote; delegate first");
    }
    vote.option = (Viper__V1__VoteOption)option;
    (void)withdraw(ctx, proposal, voter);
    count_parts(ctx, proposal, &vote, true);
    struct vpr_key_buf key = vote_key(proposal, voter);
    vpr_record_put(ctx, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key), &vote.base);
    for (size_t i = 0; i < vote.n_parts; i++) {
        tokens += vote.parts[i]->tokens;
    }
    vpr_event(ctx, "vote");
    vpr_event_u64(ctx, "proposal", proposal);
    vpr_event_address(ctx, "voter", voter);
    vpr_event_u64(ctx, "option", option);
    vpr_event_u64(ctx, "delegated_uvipr", tokens);
    vpr_event_u64(ctx, "validator", owner);
    return VPR_OK;
}

static enum vpr_code check_cast(const char *voter, int option, struct vpr_err *err)
{
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, voter, "voter", err));
    if (option < VPR_VOTE_YES || option >= VPR_VOTES) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "option is %d; it is 1 yes, 2 abstain, 3 no or 4 veto", option);
    }
    return VPR_OK;
}

static enum vpr_code check_vote(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgVote *m = (const Viper__V1__MsgVote *)message;
    return check_cast(m->voter, (int)m->option, err);
}

static enum vpr_code apply_vote(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgVote *m = (const Viper__V1__MsgVote *)message;
    return cast(ctx, &ctx->signer, m->proposal, (uint64_t)m->option);
}

/* ---- the same under Cosmos' names: the options have the same numbers ---- */

static enum vpr_code check_cosmos_v1(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Cosmos__Gov__V1__MsgVote *m = (const Cosmos__Gov__V1__MsgVote *)message;
    return check_cast(m->voter, (int)m->option, err);
}

static enum vpr_code apply_cosmos_v1(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Cosmos__Gov__V1__MsgVote *m = (const Cosmos__Gov__V1__MsgVote *)message;
    return cast(ctx, &ctx->signer, m->proposal_id, (uint64_t)m->option);
}

static enum vpr_code check_cosmos_v1beta1(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Cosmos__Gov__V1beta1__MsgVote *m = (const Cosmos__Gov__V1beta1__MsgVote *)message;
    return check_cast(m->voter, (int)m->option, err);
}

static enum vpr_code apply_cosmos_v1beta1(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Cosmos__Gov__V1beta1__MsgVote *m = (const Cosmos__Gov__V1beta1__MsgVote *)message;
    return cast(ctx, &ctx->signer, m->proposal_id, (uint64_t)m->option);
}

static enum vpr_code refuse_weighted(const ProtobufCMessage *message, struct vpr_err *err)
{
    (void)message;
    return vpr_fail(err, VPR_UNSUPPORTED,
                    "a vote has one option here; send MsgVote instead of MsgVoteWeighted");
}

static enum vpr_code never(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    (void)ctx;
    (void)message;
    VPR_HALT("a message whose check refuses it was applied");
}

/* ---- the tally ---- */

static Viper__V1__Tally count(struct vpr_ctx *ctx, uint64_t proposal,
                              struct vpr_tally *ret_tally)
{
    Viper__V1__Tally told = VIPER__V1__TALLY__INIT;
    struct vpr_validator_member *members;
    size_t n = vpr_validators_members(ctx, &members);
    memset(ret_tally, 0, sizeof *ret_tally);
    for (size_t i = 0; i < n; i++) {
        struct vpr_tally sums = sums_get(ctx, proposal, &members[i].id);
        const Viper__V1__VoteRecord *own = vpr_vote_get(ctx, proposal, &members[i].owner);
        vpr_tally_add(ret_tally, members[i].stake, &sums,
                      own == NULL ? VPR_VOTE_NONE : (enum vpr_vote_option)own->option);
        told.bonded += members[i].stake;
    }
    told.yes = ret_tally->by[VPR_VOTE_YES];
    told.abstain = ret_tally->by[VPR_VOTE_ABSTAIN];
    told.no = ret_tally->by[VPR_VOTE_NO];
    told.veto = ret_tally->by[VPR_VOTE_VETO];
    return told;
}

Viper__V1__Tally vpr_votes_count(struct vpr_ctx *ctx, uint64_t proposal)
{
    struct vpr_tally ignored;
    return count(ctx, proposal, &ignored);
}

/* The rule is that of the session in which the voting ends. */
static enum vpr_outcome judge(struct vpr_ctx *ctx, const struct vpr_tally *tally,
                              uint64_t bonded)
{
    struct vpr_params params;
    vpr_params_get(ctx, &params, vpr_session_number(ctx));
    const struct vpr_tally_rule rule = {params.v[VPR_P_gov_quorum],
                                        params.v[VPR_P_gov_threshold],
                                        params.v[VPR_P_gov_veto]};
    return vpr_tally_judge(tally, bonded, &rule);
}

static struct vpr_key_buf cut_key(uint64_t proposal)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_VOTE_CUT);
    vpr_key_u64(&key, proposal);
    return key;
}

static void end_vote(struct vpr_ctx *ctx, const Viper__V1__Proposal *proposal)
{
    static const uint8_t present[] = {1};
    struct vpr_tally tally;
    Viper__V1__Tally told = count(ctx, proposal->id, &tally);
    Viper__V1__ProposalStatus status = VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_REJECTED;
    enum vpr_code failed = VPR_OK;
    switch (judge(ctx, &tally, told.bonded)) {
    case VPR_OUTCOME_PASSED:
        failed = vpr_content_execute(ctx, proposal->content);
        status = failed == VPR_OK ? VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_PASSED
                                  : VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_FAILED;
        break;
    case VPR_OUTCOME_VETOED:
        status = VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VETOED;
        break;
    case VPR_OUTCOME_REJECTED:
        break;
    }
    vpr_proposal_close(ctx, proposal, status, &told, failed);
    struct vpr_key_buf key = cut_key(proposal->id);
    vpr_state_put(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                  vpr_bytes_of(present, sizeof present));
}

/* Deletes what lies under the prefix, at most *left pairs; true: all of it. */
static bool delete_under(struct vpr_ctx *ctx, const struct vpr_key_buf *prefix, int *left)
{
    struct vpr_bytes key, value, from = vpr_key_bytes(prefix);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(prefix),
                          from, &key, &value)) {
        if (*left == 0) {
            return false;
        }
        (*left)--;
        vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, key);
        from = vpr_state_after(ctx->arena, key);
    }
    return true;
}

/* Votes on closed proposals, oldest first. */
static void cut(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_VOTE_CUT);
    struct vpr_bytes key, value;
    int left = VPR_VOTES_CUT_PER_BLOCK;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&prefix),
                          vpr_key_bytes(&prefix), &key, &value)) {
        uint64_t proposal = vpr_get_be64(key.data + prefix.len);
        struct vpr_key_buf votes = vpr_key(VPR_KEY_VOTE);
        struct vpr_key_buf sums = vpr_key(VPR_KEY_VOTE_SUMS);
        vpr_key_u64(&votes, proposal);
        vpr_key_u64(&sums, proposal);
        if (!delete_under(ctx, &votes, &left) || !delete_under(ctx, &sums, &left)) {
            return;
        }
        vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, key);
    }
}

void vpr_governance_tally(struct vpr_ctx *ctx)
{
    uint64_t ids[VPR_PROPOSALS_OPEN_MAX];
    cut(ctx);
    size_t n = vpr_proposals_open(ctx, ids);
    for (size_t i = 0; i < n; i++) {
        const Viper__V1__Proposal *proposal = vpr_proposal_get(ctx, ids[i]);
        VPR_ASSERT(proposal != NULL);
        if (proposal->end_time_s > ctx->time_s) {
            return; /* they are in the order of their ends */
        }
        end_vote(ctx, proposal);
    }
}

/* ---- invariant ---- */

/* What the votes on a proposal say for one validator. */
static struct vpr_tally sum_votes(struct vpr_ctx *ctx, uint64_t proposal,
                                  const struct vpr_address *validator)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_VOTE);
    struct vpr_bytes key, value;
    struct vpr_tally sums;
    memset(&sums, 0, sizeof sums);
    vpr_key_u64(&prefix, proposal);
    struct vpr_bytes from = vpr_key_bytes(&prefix);
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        const Viper__V1__VoteRecord *vote = (const Viper__V1__VoteRecord *)vpr_record_unpack(
            ctx, value, &viper__v1__vote_record__descriptor);
        for (size_t i = 0; i < vote->n_parts; i++) {
            struct vpr_address of = vpr_address_of_field(vote->parts[i]->validator);
            if (vpr_address_equal(&of, validator)) {
                sums.by[vote->option] += vote->parts[i]->tokens;
            }
        }
        from = vpr_state_after(ctx->arena, key);
    }
    return sums;
}

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    uint64_t ids[VPR_PROPOSALS_OPEN_MAX];
    size_t n = vpr_proposals_open(ctx, ids);
    for (size_t i = 0; i < n; i++) {
        struct vpr_key_buf prefix = vpr_key(VPR_KEY_VOTE_SUMS);
        struct vpr_bytes key, value;
        vpr_key_u64(&prefix, ids[i]);
        struct vpr_bytes from = vpr_key_bytes(&prefix);
        while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE,
                              vpr_key_bytes(&prefix), from, &key, &value)) {
            struct vpr_address validator;
            struct vpr_tally told;
            VPR_ASSERT(key.len == prefix.len + sizeof validator.b);
            memcpy(validator.b, key.data + prefix.len, sizeof validator.b);
            sums_read(&told, value);
            struct vpr_tally found = sum_votes(ctx, ids[i], &validator);
            for (size_t v = 0; v < VPR_VOTES; v++) {
                if (told.by[v] != found.by[v]) {
                    return vpr_fail(ctx->err, VPR_BAD_AMOUNT,
                                    "votes %zu on proposal %" PRIu64 " by delegators of %s: "
                                    "%" PRIu64 " uvipr on record, %" PRIu64 " by their votes",
                                    v, ids[i], vpr_text_of_address(ctx->arena, &validator),
                                    told.by[v], found.by[v]);
                }
            }
            from = vpr_state_after(ctx->arena, key);
        }
    }
    return VPR_OK;
}

/* ---- queries ---- */

static enum vpr_code answer_tally(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    uint64_t id = ((const Viper__V1__QueryTallyRequest *)request)->proposal;
    const Viper__V1__Proposal *proposal = vpr_proposal_get(ctx, id);
    static const char *const outcomes[] = {"rejected", "passed", "vetoed"};
    if (proposal == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "there is no proposal %" PRIu64, id);
    }
    Viper__V1__QueryTallyResponse *r = VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryTallyResponse);
    viper__v1__query_tally_response__init(r);
    r->tally = VPR_ARENA_NEW(ctx->arena, Viper__V1__Tally);
    r->voting = proposal->status == VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING;
    r->end_time_s = proposal->end_time_s;
    if (r->voting) {
        struct vpr_tally tally;
        *r->tally = count(ctx, id, &tally);
        r->outcome = vpr_arena_text(ctx->arena, "%s",
                                    outcomes[judge(ctx, &tally, r->tally->bonded)]);
    } else {
        *r->tally = *proposal->tally;
    }
    *ret_response = &r->base;
    return VPR_OK;
}

static Viper__V1__VoteInfo *vote_info(struct vpr_ctx *ctx, const struct vpr_address *voter,
                                      const Viper__V1__VoteRecord *vote)
{
    Viper__V1__VoteInfo *r = VPR_ARENA_NEW(ctx->arena, Viper__V1__VoteInfo);
    viper__v1__vote_info__init(r);
    r->voter = vpr_text_of_address(ctx->arena, voter);
    r->option = vote->option;
    for (size_t i = 0; i < vote->n_parts; i++) {
        r->delegated_uvipr += vote->parts[i]->tokens;
    }
    return r;
}

static enum vpr_code answer_votes(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryVotesRequest *q = (const Viper__V1__QueryVotesRequest *)request;
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_VOTE);
    struct vpr_walk walk;
    struct vpr_bytes key, value;
    vpr_key_u64(&prefix, q->proposal);
    VPR_TRY(vpr_walk_begin(&walk, ctx, q->pagination, VPR_STORE_GOVERNANCE,
                           vpr_key_bytes(&prefix)));
    Viper__V1__QueryVotesResponse *r = VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryVotesResponse);
    viper__v1__query_votes_response__init(r);
    r->votes = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__VoteInfo *, VPR_WALK_ITEMS_MAX);
    while (vpr_walk_next(&walk, ctx, &key, &value)) {
        struct vpr_address voter;
        VPR_ASSERT(key.len == prefix.len + sizeof voter.b);
        memcpy(voter.b, key.data + prefix.len, sizeof voter.b);
        r->votes[r->n_votes++] =
            vote_info(ctx, &voter, (const Viper__V1__VoteRecord *)vpr_record_unpack(
                                       ctx, value, &viper__v1__vote_record__descriptor));
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static const struct vpr_handler handlers[] = {
    {"votes.vote", "/viper.v1.MsgVote", &viper__v1__msg_vote__descriptor, "voter",
     VPR_LANE_ORDINARY, VPR_GAS_VOTE, NULL, check_vote, apply_vote, NULL},
    {"votes.vote_v1", "/cosmos.gov.v1.MsgVote", &cosmos__gov__v1__msg_vote__descriptor,
     "voter", VPR_LANE_ORDINARY, VPR_GAS_VOTE, NULL, check_cosmos_v1, apply_cosmos_v1, NULL},
    {"votes.vote_v1beta1", "/cosmos.gov.v1beta1.MsgVote",
     &cosmos__gov__v1beta1__msg_vote__descriptor, "voter", VPR_LANE_ORDINARY, VPR_GAS_VOTE, NULL,
     check_cosmos_v1beta1, apply_cosmos_v1beta1, NULL},
    {"votes.weighted_v1", "/cosmos.gov.v1.MsgVoteWeighted",
     &cosmos__gov__v1__msg_vote_weighted__descriptor, "voter", VPR_LANE_ORDINARY, 0, NULL,
     refuse_weighted, never, NULL},
    {"votes.weighted_v1beta1", "/cosmos.gov.v1beta1.MsgVoteWeighted",
     &cosmos__gov__v1beta1__msg_vote_weighted__descriptor, "voter", VPR_LANE_ORDINARY, 0, NULL,
     refuse_weighted, never, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Tally", &viper__v1__query_tally_request__descriptor,
     &viper__v1__query_tally_response__descriptor, answer_tally},
    {"/viper.v1.Query/Votes", &viper__v1__query_votes_request__descriptor,
     &viper__v1__query_votes_response__descriptor, answer_votes},
};

static const struct vpr_invariant invariants[] = {
    {"votes_add_up", invariant},
};

const struct vpr_domain vpr_votes = {
    .name = "votes",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
