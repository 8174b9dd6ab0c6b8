#include "app/domain/proposals.h"

#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/content.h"
#include "app/domain/field.h"
#include "app/domain/sessions.h"
#include "app/domain/walk.h"
#include "app/tx/gas.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* ---- records ---- */

static struct vpr_key_buf proposal_key(uint64_t id)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PROPOSAL);
    vpr_key_u64(&key, id);
    return key;
}

static struct vpr_key_buf open_key(const Viper__V1__Proposal *proposal)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PROPOSAL_OPEN);
    VPR_ASSERT(proposal->end_time_s >= 0);
    vpr_key_u64(&key, (uint64_t)proposal->end_time_s);
    vpr_key_u64(&key, proposal->id);
    return key;
}

const Viper__V1__Proposal *vpr_proposal_get(struct vpr_ctx *ctx, uint64_t id)
{
    struct vpr_key_buf key = proposal_key(id);
    return (const Viper__V1__Proposal *)vpr_record_get(
        ctx, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key), &viper__v1__proposal__descriptor);
}

static void proposal_put(struct vpr_ctx *ctx, const Viper__V1__Proposal *proposal)
{
    struct vpr_key_buf key = proposal_key(proposal->id);
    vpr_record_put(ctx, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key), &proposal->base);
}

/* Ids begin with 1, so that 0 is none. */
static uint64_t next_id(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_PROPOSAL_NEXT);
    struct vpr_bytes value;
    uint8_t next[8];
    uint64_t id = 1;
    if (vpr_state_get(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                      &value)) {
        VPR_ASSERT(value.len == sizeof next);
        id = vpr_get_be64(value.data);
    }
    vpr_put_be64(next, id + 1);
    vpr_state_put(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                  vpr_bytes_of(next, sizeof next));
    return id;
}

size_t vpr_proposals_open(struct vpr_ctx *ctx, uint64_t ret_ids[VPR_PROPOSALS_OPEN_MAX])
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PROPOSAL_OPEN);
    struct vpr_bytes key, value, from = vpr_key_bytes(&prefix);
    size_t count = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_GOVERNANCE, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        VPR_ASSERT(count < VPR_PROPOSALS_OPEN_MAX && key.len == prefix.len + 16);
        ret_ids[count++] = vpr_get_be64(key.data + prefix.len + 8);
        from = vpr_state_after(ctx->arena, key);
    }
    return count;
}

enum vpr_code vpr_proposal_votable(struct vpr_ctx *ctx, uint64_t id,
                                   const Viper__V1__Proposal **ret)
{
    const Viper__V1__Proposal *proposal = vpr_proposal_get(ctx, id);
    if (proposal == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "there is no proposal %" PRIu64, id);
    }
    if (proposal->status != VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING ||
        ctx->time_s >= proposal->end_time_s) {
        return vpr_fail(ctx->err, VPR_VOTE_CLOSED,
                        "voting on proposal %" PRIu64 " ended at block time %" PRId64
                        "; it is %" PRId64,
                        id, proposal->end_time_s, ctx->time_s);
    }
    *ret = proposal;
    return VPR_OK;
}

/* ---- submission ---- */

static enum vpr_code check_text(const char *what, const char *text, size_t most,
                                struct vpr_err *err)
{
    size_t len = strlen(text);
    if (len < 1 || len > most) {
        return vpr_fail(err, VPR_BAD_FIELD, "%s has %zu bytes; 1 to %zu are possible", what,
                        len, most);
    }
    return VPR_OK;
}

static Viper__V1__ProposalContent content_of(const Viper__V1__MsgPropose *m)
{
    Viper__V1__ProposalContent content = VIPER__V1__PROPOSAL_CONTENT__INIT;
    content.n_params = m->n_params;
    content.params = m->params;
    content.spend = m->spend;
    content.chain = m->chain;
    content.zone = m->zone;
    content.upgrade = m->upgrade;
    return content;
}

static enum vpr_code check_propose(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgPropose *m = (const Viper__V1__MsgPropose *)message;
    const Viper__V1__ProposalContent content = content_of(m);
    struct vpr_address ignored;
    VPR_TRY(vpr_field_address(&ignored, m->proposer, "proposer", err));
    VPR_TRY(check_text("title", m->title, VPR_TITLE_BYTES_MAX, err));
    VPR_TRY(check_text("summary", m->summary, VPR_SUMMARY_BYTES_MAX, err));
    return vpr_content_check(&content, err);
}

static enum vpr_code pay_in(struct vpr_ctx *ctx, uint64_t deposit, uint64_t fee)
{
    struct vpr_address pool = vpr_pool_address(VPR_POOL_DEPOSITS);
    struct vpr_coin sum;
    bool fits = vpr_coin_add(&sum, vpr_coin(deposit), vpr_coin(fee));
    VPR_ASSERT(fits); /* two parameters, below 2^51 each */
    return vpr_account_move(ctx, &ctx->signer, &pool, sum);
}

static void open_event(struct vpr_ctx *ctx, const Viper__V1__Proposal *proposal)
{
    vpr_event(ctx, "proposal");
    vpr_event_u64(ctx, "proposal", proposal->id);
    vpr_event_text(ctx, "kind", vpr_content_kind(proposal->content));
    vpr_event_address(ctx, "proposer", &ctx->signer);
    vpr_event_u64(ctx, "deposit_uvipr", proposal->deposit);
    vpr_event_u64(ctx, "fee_uvipr", proposal->fee);
    vpr_event_u64(ctx, "end_time_s", (uint64_t)proposal->end_time_s);
}

static enum vpr_code apply_propose(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    static const uint8_t present[] = {1};
    const Viper__V1__MsgPropose *m = (const Viper__V1__MsgPropose *)message;
    Viper__V1__ProposalContent content = content_of(m);
    uint64_t session = vpr_session_number(ctx);
    uint64_t ids[VPR_PROPOSALS_OPEN_MAX];
    if (vpr_proposals_open(ctx, ids) == VPR_PROPOSALS_OPEN_MAX) {
        return vpr_fail(ctx->err, VPR_TOO_MANY_PROPOSALS,
                        "%d proposals are open; wait until the vote on one is over",
                        VPR_PROPOSALS_OPEN_MAX);
    }
    VPR_TRY(vpr_content_admit(ctx, &content));
    Viper__V1__Proposal proposal = VIPER__V1__PROPOSAL__INIT;
    proposal.deposit = vpr_param(ctx, VPR_P_gov_deposit, session);
    proposal.fee = vpr_content_fee(ctx, &content);
    VPR_TRY(pay_in(ctx, proposal.deposit, proposal.fee));
    proposal.id = next_id(ctx);
    proposal.proposer = vpr_field_of_address(ctx->arena, &ctx->signer);
    proposal.title = m->title;
    proposal.summary = m->summary;
    proposal.content = &content;
    proposal.submit_time_s = ctx->time_s;
    proposal.end_time_s =
        ctx->time_s + (int64_t)vpr_param(ctx, VPR_P_voting_seconds, session);
    proposal.status = VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING;
    proposal_put(ctx, &proposal);
    struct vpr_key_buf key = open_key(&proposal);
    vpr_state_put(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key),
                  vpr_bytes_of(present, sizeof present));
    open_event(ctx, &proposal);
    return VPR_OK;
}

/* ---- the end ---- */

static void pay_out(struct vpr_ctx *ctx, const struct vpr_address *to, uint64_t amount)
{
    struct vpr_address pool = vpr_pool_address(VPR_POOL_DEPOSITS);
    if (vpr_account_move(ctx, &pool, to, vpr_coin(amount)) != VPR_OK) {
        VPR_HALT("the pool of deposits does not hold one");
    }
}

static const char *status_name(Viper__V1__ProposalStatus status)
{
    static const char *const names[] = {"none", "voting", "passed", "rejected", "vetoed",
                                        "failed"};
    VPR_ASSERT((size_t)status < VPR_COUNT(names));
    return names[status];
}

void vpr_proposal_close(struct vpr_ctx *ctx, const Viper__V1__Proposal *before,
                        Viper__V1__ProposalStatus status, const Viper__V1__Tally *tally,
                        enum vpr_code failed)
{
    struct vpr_address proposer = vpr_address_of_field(before->proposer);
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_DEPOSITS);
    bool burns = status == VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VETOED;
    bool passed = status == VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_PASSED;
    Viper__V1__Tally final = *tally;
    Viper__V1__Proposal after = *before;
    struct vpr_key_buf key = open_key(before);
    vpr_state_del(ctx->state, VPR_STORE_GOVERNANCE, vpr_key_bytes(&key));
    after.status = status;
    after.tally = &final;
    after.failed_code = (uint32_t)failed;
    proposal_put(ctx, &after);
    if (burns) {
        vpr_account_burn(ctx, &pool, vpr_coin(before->deposit));
    } else {
        pay_out(ctx, &proposer, before->deposit);
    }
    pay_out(ctx, passed ? &dao : &proposer, before->fee);

    vpr_event(ctx, "proposal_end");
    vpr_event_u64(ctx, "proposal", before->id);
    vpr_event_text(ctx, "kind", vpr_content_kind(before->content));
    vpr_event_text(ctx, "status", status_name(status));
    vpr_event_u64(ctx, "yes", tally->yes);
    vpr_event_u64(ctx, "abstain", tally->abstain);
    vpr_event_u64(ctx, "no", tally->no);
    vpr_event_u64(ctx, "veto", tally->veto);
    vpr_event_u64(ctx, "bonded", tally->bonded);
    vpr_event_address(ctx, "proposer", &proposer);
    vpr_event_u64(ctx, "burned_uvipr", burns ? before->deposit : 0);
    vpr_event_u64(ctx, "returned_uvipr",
                  (burns ? 0 : before->deposit) + (passed ? 0 : before->fee));
    if (failed != VPR_OK) {
        vpr_event_text(ctx, "reason", vpr_arena_text(ctx->arena, "%s (%s)", ctx->err->text,
                                                     vpr_code_name(failed)));
    }
}

/* ---- invariant ---- */

static enum vpr_code invariant(struct vpr_ctx *ctx)
{
    uint64_t ids[VPR_PROPOSALS_OPEN_MAX];
    size_t count = vpr_proposals_open(ctx, ids);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_DEPOSITS);
    uint64_t held = vpr_account_balance(ctx, &pool).uvipr; /* raw: compared */
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const Viper__V1__Proposal *proposal = vpr_proposal_get(ctx, ids[i]);
        if (proposal == NULL ||
            proposal->status != VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "proposal %" PRIu64 " is no open one",
                            ids[i]);
        }
        sum += proposal->deposit + proposal->fee;
    }
    if (sum != held) {
        return vpr_fail(ctx->err, VPR_BAD_AMOUNT,
                        "open proposals have deposits of %" PRIu64
                        " uvipr, their pool holds %" PRIu64,
                        sum, held);
    }
    return VPR_OK;
}

/* ---- queries ---- */

static Viper__V1__ProposalInfo *info(struct vpr_ctx *ctx, const Viper__V1__Proposal *proposal)
{
    struct vpr_address proposer = vpr_address_of_field(proposal->proposer);
    Viper__V1__ProposalInfo *r = VPR_ARENA_NEW(ctx->arena, Viper__V1__ProposalInfo);
    viper__v1__proposal_info__init(r);
    r->id = proposal->id;
    r->proposer = vpr_text_of_address(ctx->arena, &proposer);
    r->title = proposal->title;
    r->summary = proposal->summary;
    r->kind = vpr_arena_text(ctx->arena, "%s", vpr_content_kind(proposal->content));
    r->content = proposal->content;
    r->deposit_uvipr = proposal->deposit;
    r->fee_uvipr = proposal->fee;
    r->submit_time_s = proposal->submit_time_s;
    r->end_time_s = proposal->end_time_s;
    r->status = proposal->status;
    r->tally = proposal->tally;
    if (proposal->failed_code != 0) {
        r->failed = vpr_arena_text(ctx->arena, "%s",
                                   vpr_code_name((enum vpr_code)proposal->failed_code));
    }
    return r;
}

static enum vpr_code answer_proposal(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                     ProtobufCMessage **ret_response)
{
    uint64_t id = ((const Viper__V1__QueryProposalRequest *)request)->id;
    const Viper__V1__Proposal *proposal = vpr_proposal_get(ctx, id);
    if (proposal == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_FOUND, "there is no proposal %" PRIu64, id);
    }
    Viper__V1__QueryProposalResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryProposalResponse);
    viper__v1__query_proposal_response__init(r);
    r->proposal = info(ctx, proposal);
    *ret_response = &r->base;
    return VPR_OK;
}

static enum vpr_code answer_proposals(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                      ProtobufCMessage **ret_response)
{
    const Viper__V1__QueryProposalsRequest *q =
        (const Viper__V1__QueryProposalsRequest *)request;
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_PROPOSAL);
    struct vpr_walk walk;
    struct vpr_bytes key, value;
    VPR_TRY(vpr_walk_begin(&walk, ctx, q->pagination, VPR_STORE_GOVERNANCE,
                           vpr_key_bytes(&prefix)));
    Viper__V1__QueryProposalsResponse *r =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryProposalsResponse);
    viper__v1__query_proposals_response__init(r);
    r->proposals = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__ProposalInfo *, VPR_WALK_ITEMS_MAX);
    while (vpr_walk_next(&walk, ctx, &key, &value)) {
        const Viper__V1__Proposal *proposal = (const Viper__V1__Proposal *)vpr_record_unpack(
            ctx, value, &viper__v1__proposal__descriptor);
        if (q->status == VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_NONE ||
            q->status == proposal->status) {
            r->proposals[r->n_proposals++] = info(ctx, proposal);
        }
    }
    r->pagination = vpr_walk_end(&walk, ctx);
    *ret_response = &r->base;
    return VPR_OK;
}

static const struct vpr_handler handlers[] = {
    {"proposals.propose", "/viper.v1.MsgPropose", &viper__v1__msg_propose__descriptor,
     "proposer", VPR_LANE_ORDINARY, VPR_GAS_PROPOSAL, NULL, check_propose, apply_propose, NULL},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Proposal", &viper__v1__query_proposal_request__descriptor,
     &viper__v1__query_proposal_response__descriptor, answer_proposal},
    {"/viper.v1.Query/Proposals", &viper__v1__query_proposals_request__descriptor,
     &viper__v1__query_proposals_response__descriptor, answer_proposals},
};

static const struct vpr_invariant invariants[] = {
    {"deposits_are_held", invariant},
};

const struct vpr_domain vpr_proposals = {
    .name = "proposals",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
