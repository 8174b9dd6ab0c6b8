#include "tests/unit/domain/governance.h"

#include <stdarg.h>
#include <stdlib.h>

#include "app/domain/proposals.h"

Viper__V1__MsgPropose *new_text(struct world *w, const char *proposer)
{
    Viper__V1__MsgPropose *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgPropose);
    viper__v1__msg_propose__init(m);
    m->proposer = world_text(proposer);
    m->title = vpr_arena_text(&w->node, "a title");
    m->summary = vpr_arena_text(&w->node, "and why");
    return m;
}

Viper__V1__MsgPropose *new_params(struct world *w, const char *proposer, ...)
{
    Viper__V1__MsgPropose *m = new_text(w, proposer);
    va_list list;
    va_start(list, proposer);
    m->params = VPR_ARENA_ARRAY(&w->node, Viper__V1__ParamChange *, 16);
    for (const char *one; (one = va_arg(list, const char *)) != NULL;) {
        Viper__V1__ParamChange *change = VPR_ARENA_NEW(&w->node, Viper__V1__ParamChange);
        const char *value = strchr(one, '=');
        viper__v1__param_change__init(change);
        change->name = vpr_arena_text(&w->node, "%.*s", (int)(value - one), one);
        change->value = strtoull(value + 1, NULL, 10);
        m->params[m->n_params++] = change;
    }
    va_end(list);
    return m;
}

Viper__V1__TreasurySpend *new_spend(struct world *w, const char *to, uint64_t amount)
{
    Viper__V1__TreasurySpend *spend = VPR_ARENA_NEW(&w->node, Viper__V1__TreasurySpend);
    viper__v1__treasury_spend__init(spend);
    spend->recipient = world_text(to);
    spend->amount = amount;
    return spend;
}

Viper__V1__Upgrade *new_upgrade(struct world *w, uint64_t height, uint64_t version)
{
    Viper__V1__Upgrade *upgrade = VPR_ARENA_NEW(&w->node, Viper__V1__Upgrade);
    viper__v1__upgrade__init(upgrade);
    upgrade->name = vpr_arena_text(&w->node, "next");
    upgrade->height = height;
    upgrade->version = version;
    return upgrade;
}

Viper__V1__GenesisChain *new_chain(struct world *w, uint32_t id, const char *name)
{
    Viper__V1__GenesisChain *chain = VPR_ARENA_NEW(&w->node, Viper__V1__GenesisChain);
    viper__v1__genesis_chain__init(chain);
    chain->id = id;
    chain->name = vpr_arena_text(&w->node, "%s", name);
    chain->owner = world_text("bob");
    chain->payout = world_text("bob");
    chain->active = true;
    chain->multiplier_ppm = VPR_PPM;
    chain->latency_target_ms = 100;
    chain->latency_max_ms = 1100;
    return chain;
}

Viper__V1__GenesisZone *new_zone(struct world *w, uint32_t id, const char *name)
{
    Viper__V1__GenesisZone *zone = VPR_ARENA_NEW(&w->node, Viper__V1__GenesisZone);
    viper__v1__genesis_zone__init(zone);
    zone->id = id;
    zone->name = vpr_arena_text(&w->node, "%s", name);
    zone->active = true;
    zone->multiplier_ppm = VPR_PPM;
    return zone;
}

uint64_t propose(struct world *w, const char *proposer, Viper__V1__MsgPropose *message)
{
    act_ok(w, proposer, &message->base);
    const char *id = world_event(w, "proposal", "proposal");
    ck_assert_ptr_nonnull(id);
    return strtoull(id, NULL, 10);
}

enum vpr_code vote(struct world *w, const char *voter, uint64_t id, int option)
{
    Viper__V1__MsgVote *m = VPR_ARENA_NEW(&w->node, Viper__V1__MsgVote);
    viper__v1__msg_vote__init(m);
    m->voter = world_text(voter);
    m->proposal = id;
    m->option = (Viper__V1__VoteOption)option;
    return act(w, voter, &m->base);
}

void vote_all(struct world *w, uint64_t id, int option)
{
    for (int i = 1; i <= WORLD_VALIDATORS; i++) {
        const char *owner = vpr_arena_text(&w->node, "validator%d.owner", i);
        ck_assert_int_eq(vote(w, owner, id, option), VPR_OK);
    }
}

void end_of_vote(struct world *w, uint64_t id)
{
    int64_t end = vpr_proposal_get(&w->ctx, id)->end_time_s;
    do {
        world_block(w);
    } while (w->ctx.time_s < end);
}

int decide(struct world *w, const char *proposer, Viper__V1__MsgPropose *message)
{
    uint64_t id = propose(w, proposer, message);
    vote_all(w, id, YES);
    end_of_vote(w, id);
    return status_of(w, id);
}

int status_of(struct world *w, uint64_t id)
{
    const Viper__V1__Proposal *proposal = vpr_proposal_get(&w->ctx, id);
    ck_assert_ptr_nonnull(proposal);
    return (int)proposal->status;
}

uint64_t pool_balance(struct world *w, enum vpr_pool_account pool)
{
    struct vpr_address address = vpr_pool_address(pool);
    return vpr_account_balance(&w->ctx, &address).uvipr;
}

const Viper__V1__QueryTallyResponse *tally_of(struct world *w, uint64_t id)
{
    Viper__V1__QueryTallyRequest request = VIPER__V1__QUERY_TALLY_REQUEST__INIT;
    enum vpr_code code;
    request.proposal = id;
    const ProtobufCMessage *answer = ask(w, "/viper.v1.Query/Tally", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    return (const Viper__V1__QueryTallyResponse *)(const void *)answer;
}

size_t votes_on(struct world *w, uint64_t id)
{
    Viper__V1__QueryVotesRequest request = VIPER__V1__QUERY_VOTES_REQUEST__INIT;
    enum vpr_code code;
    request.proposal = id;
    const ProtobufCMessage *answer = ask(w, "/viper.v1.Query/Votes", &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    return ((const Viper__V1__QueryVotesResponse *)(const void *)answer)->n_votes;
}
