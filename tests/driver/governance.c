/* Proposals of every content, votes under all their names, edits of chains by their owners. */
#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/tx/params.h"
#include "cosmos/gov/v1/tx.pb-c.h"
#include "cosmos/gov/v1beta1/tx.pb-c.h"
#include "tests/driver/kinds.h"

#define PLACES_MOST 4    /* ids of chains and zones that are proposed */
#define LATELY 8         /* proposals that votes are on */
#define SESSION_MOST 20  /* blocks: longer sessions make no other history */
#define FAR_BLOCKS 100000

static const struct vpr_param_rule rules[VPR_PARAM_COUNT] = {
#define X(name, main, local, least, most, unit, slack) \
    {#name, unit, UINT64_C(least), UINT64_C(most), UINT64_C(slack)},
    VPR_PARAMS(X)
#undef X
};

/* ---- what the state says ---- */

static const Viper__V1__Proposal *proposal_of(struct wish *w, uint64_t id)
{
    uint8_t key[9] = {VPR_KEY_PROPOSAL};
    vpr_put_be64(key + 1, id);
    return (const Viper__V1__Proposal *)mirror_record(
        w->stage->mirror, w->arena, VPR_STORE_GOVERNANCE, vpr_bytes_of(key, sizeof key),
        &viper__v1__proposal__descriptor);
}

/* Of a store's record that is one number. */
static uint64_t number_of(struct wish *w, enum vpr_store_id store, enum vpr_key_first first)
{
    const uint8_t key = (uint8_t)first;
    struct vpr_bytes value = mirror_get(w->stage->mirror, store, vpr_bytes_of(&key, 1));
    return value.len == 8 ? vpr_get_be64(value.data) : 0;
}

static const Viper__V1__Chain *chain_of(struct wish *w, uint32_t id)
{
    uint8_t key[3] = {VPR_KEY_CHAIN};
    vpr_put_be16(key + 1, (uint16_t)id);
    return (const Viper__V1__Chain *)mirror_record(w->stage->mirror, w->arena, VPR_STORE_CHAINS,
                                                   vpr_bytes_of(key, sizeof key),
                                                   &viper__v1__chain__descriptor);
}

/* Those that no session may read yet, too; NULL: there are none. */
static const Viper__V1__ChainTerms *terms_of(struct wish *w, uint32_t id)
{
    uint8_t key[11] = {VPR_KEY_CHAIN_TERMS};
    vpr_put_be16(key + 1, (uint16_t)id);
    for (uint64_t s = mirror_session_number(w->stage->mirror) + 2;; s--) {
        vpr_put_be64(key + 3, s);
        const Viper__V1__ChainTerms *terms = (const Viper__V1__ChainTerms *)mirror_record(
            w->stage->mirror, w->arena, VPR_STORE_CHAINS, vpr_bytes_of(key, sizeof key),
            &viper__v1__chain_terms__descriptor);
        if (terms != NULL || s == 0) {
            return terms;
        }
    }
}

static struct vpr_address pool_address(const char *name)
{
    struct vpr_address who;
    struct vpr_hash hash = vpr_sha256_2("viper-pool-", 11, name, strlen(name));
    memcpy(who.b, hash.b, sizeof who.b);
    return who;
}

/* ---- contents ---- */

static const char *any_person(struct wish *w)
{
    return dice_percent(w->dice, 80)
               ? any_rich(w)
               : vpr_arena_text(w->arena, "nobody%" PRIu64, dice_below(w->dice, 1000));
}

static char *any_name(struct wish *w)
{
    static const char *const names[] = {"viper", "litecoin", "dogecoin", "north", "everywhere",
                                        "beef", "-x", "A"};
    return vpr_arena_text(w->arena, "%s", names[dice_below(w->dice, dice_percent(w->dice, 90)
                                                                        ? 5
                                                                        : VPR_COUNT(names))]);
}

static char *any_payout(struct wish *w)
{
    struct vpr_address dao = pool_address("dao");
    uint64_t which = dice_below(w->dice, 20);
    return which < 8    ? vpr_arena_text(w->arena, "%s", "")
           : which == 8 ? world_text_of(&dao)
                        : world_text(any_person(w));
}

static uint64_t any_multiplier(struct wish *w)
{
    return dice_percent(w->dice, 5) ? dice_below(w->dice, 3)
                                    : dice_between(w->dice, 500000, 1000000);
}

/* One step from `old`, at its ends or between; one time in six anything. */
static uint64_t any_value(struct wish *w, enum vpr_param param, uint64_t old)
{
    const struct vpr_param_rule *rule = &rules[param];
    uint64_t most = param == VPR_P_session_blocks ? SESSION_MOST : UINT64_MAX;
    uint64_t value;
    switch (dice_below(w->dice, 12)) {
    case 0:
        value = old * 3 + 1;
        break;
    case 1:
        value = dice_percent(w->dice, 50) ? rule->least : rule->least - 1;
        break;
    case 2:
        value = old * 2;
        break;
    case 3:
        value = old - old / 2;
        break;
    case 4:
        value = old + rule->slack;
        break;
    case 5:
        value = old > rule->slack ? old - rule->slack : 0;
        break;
    default:
        value = dice_between(w->dice, old - old / 8, old + old / 8 + rule->slack);
    }
    return value > most ? most : value;
}

static uint64_t *value_at(Viper__V1__Params *params, enum vpr_param param)
{
    /* One row of the table is one field of the message, in the same order. */
    return (uint64_t *)(void *)((uint8_t *)params +
                                viper__v1__params__descriptor.fields[param].offset);
}

static void add_param(struct wish *w, Viper__V1__MsgPropose *m, enum vpr_param param,
                      uint64_t value)
{
    Viper__V1__ParamChange *change = VPR_ARENA_NEW(w->arena, Viper__V1__ParamChange);
    viper__v1__param_change__init(change);
    change->name = vpr_arena_text(w->arena, "%s", rules[param].name);
    change->value = value;
    m->params[m->n_params++] = change;
}

static void params_content(struct wish *w, Viper__V1__MsgPropose *m)
{
    Viper__V1__Params *now = vpr_arena_copy(
        w->arena,
        mirror_params(w->stage->mirror, w->arena,
                      mirror_session_number(w->stage->mirror) + 2),
        sizeof *now);
    uint64_t count = dice_between(w->dice, 1, 3);
    m->params = VPR_ARENA_ARRAY(w->arena, Viper__V1__ParamChange *, 3);
    if (dice_percent(w->dice, 10)) { /* from one part of the split to another */
        enum vpr_param from = (enum vpr_param)dice_between(w->dice, VPR_P_split_servicer,
                                                           VPR_P_split_dao);
        enum vpr_param to = (enum vpr_param)dice_between(w->dice, VPR_P_split_servicer,
                                                         VPR_P_split_dao);
        uint64_t part = dice_below(w->dice, 20000);
        add_param(w, m, from, *value_at(now, from) - part);
        add_param(w, m, to, *value_at(now, to) + part);
        return;
    }
    for (uint64_t i = 0; i < count; i++) {
        enum vpr_param param = (enum vpr_param)dice_below(w->dice, VPR_PARAM_COUNT);
        add_param(w, m, param, any_value(w, param, *value_at(now, param)));
    }
}

static void spend_content(struct wish *w, Viper__V1__MsgPropose *m)
{
    struct vpr_address dao = pool_address("dao"), other = pool_address("deposits");
    const Viper__V1__Account *account = mirror_account(w->stage->mirror, w->arena, &dao);
    m->spend = VPR_ARENA_NEW(w->arena, Viper__V1__TreasurySpend);
    viper__v1__treasury_spend__init(m->spend);
    m->spend->recipient =
        dice_percent(w->dice, 5) ? world_text_of(&other) : world_text(any_person(w));
    m->spend->amount = dice_below(w->dice, (account == NULL ? 0 : account->balance / 4) + 1000);
}

static void add_method(struct wish *w, Viper__V1__GenesisChain *chain, const char *method,
                       uint64_t cu)
{
    Viper__V1__MethodCost *row = VPR_ARENA_NEW(w->arena, Viper__V1__MethodCost);
    viper__v1__method_cost__init(row);
    row->method = vpr_arena_text(w->arena, "%s", method);
    row->cu = cu;
    chain->methods[chain->n_methods++] = row;
}

/* What there was, mostly at what it cost, and rows that were not there. */
static void any_methods(struct wish *w, const Viper__V1__ChainTerms *old,
                        Viper__V1__GenesisChain *chain)
{
    static const char *const names[] = {"/", "/a", "/a/b", "block", "status"};
    chain->methods = VPR_ARENA_ARRAY(w->arena, Viper__V1__MethodCost *, VPR_COUNT(names));
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        uint64_t cu = 0;
        for (size_t k = 0; old != NULL && k < old->n_methods; k++) {
            cu = strcmp(old->methods[k]->method, names[i]) == 0 ? old->methods[k]->cu : cu;
        }
        if (cu > 0 ? dice_percent(w->dice, 95) : dice_percent(w->dice, 20)) {
            cu = cu == 0 ? 1 + dice_below(w->dice, 2) : cu;
            cu = dice_percent(w->dice, 15) ? dice_between(w->dice, cu - cu / 2, cu * 2 + 1) : cu;
            add_method(w, chain, names[i], cu);
        }
    }
}

static void chain_content(struct wish *w, Viper__V1__MsgPropose *m)
{
    uint32_t id = (uint32_t)dice_between(w->dice, dice_percent(w->dice, 3) ? 0 : 1, PLACES_MOST);
    const Viper__V1__Chain *old = chain_of(w, id);
    const char *owner = any_person(w);
    Viper__V1__GenesisChain *chain = VPR_ARENA_NEW(w->arena, Viper__V1__GenesisChain);
    viper__v1__genesis_chain__init(chain);
    m->chain = chain;
    chain->id = id;
    chain->name = old != NULL && dice_percent(w->dice, 80)
                      ? vpr_arena_text(w->arena, "%s", old->name)
                      : any_name(w);
    chain->owner = dice_percent(w->dice, 10) ? vpr_arena_text(w->arena, "%s", "")
                                             : world_text(owner);
    chain->payout = any_payout(w);
    chain->active = dice_percent(w->dice, 85);
    chain->multiplier_ppm = any_multiplier(w);
    chain->latency_target_ms = dice_between(w->dice, 50, 200);
    chain->latency_max_ms = dice_between(w->dice, 150, 3000);
    any_methods(w, terms_of(w, id), chain);
}

static void zone_content(struct wish *w, Viper__V1__MsgPropose *m)
{
    m->zone = VPR_ARENA_NEW(w->arena, Viper__V1__GenesisZone);
    viper__v1__genesis_zone__init(m->zone);
    m->zone->id = (uint32_t)dice_between(w->dice, 1, PLACES_MOST);
    m->zone->name = any_name(w);
    m->zone->active = dice_percent(w->dice, 90);
    m->zone->multiplier_ppm = any_multiplier(w);
}

/* A plan is never reached, but with a program of the next version. */
static void upgrade_content(struct wish *w, Viper__V1__MsgPropose *m)
{
    uint64_t running = number_of(w, VPR_STORE_GOVERNANCE, VPR_KEY_VERSION);
    bool next = w->stage->options.next != NULL && running == 1;
    m->upgrade = VPR_ARENA_NEW(w->arena, Viper__V1__Upgrade);
    viper__v1__upgrade__init(m->upgrade);
    m->upgrade->name = vpr_arena_text(w->arena, "v%" PRIu64, running + 1);
    if (dice_percent(w->dice, 15)) {
        return; /* takes a plan back */
    }
    m->upgrade->version = dice_percent(w->dice, 10) ? running : running + 1;
    m->upgrade->height = w->stage->height + (next ? dice_between(w->dice, 12, 30) : FAR_BLOCKS);
    if (dice_percent(w->dice, 10)) {
        m->upgrade->height = w->stage->height + dice_below(w->dice, 2); /* has gone by */
    }
}

static void no_content(struct wish *w, Viper__V1__MsgPropose *m)
{
    (void)w;
    (void)m;
}

static bool make_propose(struct wish *w)
{
    static const struct {
        unsigned weight;
        void (*make)(struct wish *w, Viper__V1__MsgPropose *m);
    } contents[] = {{10, no_content},   {45, params_content}, {15, spend_content},
                    {12, chain_content}, {8, zone_content},    {10, upgrade_content}};
    Viper__V1__MsgPropose *m = wish_message(w, &viper__v1__msg_propose__descriptor);
    w->signer = any_rich(w);
    m->proposer = world_text(w->signer);
    m->title = vpr_arena_text(w->arena, "proposal %" PRIu64, dice_below(w->dice, 1000));
    m->summary = vpr_arena_text(w->arena, "%s", "what it is good for");
    for (int i = dice_percent(w->dice, 3) ? 0 : 1; i < 2; i++) { /* two are one too many */
        uint64_t at = dice_below(w->dice, 100);
        size_t which = 0;
        while (at >= contents[which].weight) {
            at -= contents[which++].weight;
        }
        m->n_params = 0;
        contents[which].make(w, m);
    }
    return true;
}

/* ---- votes ---- */

/* An open one, if the dice find it; now and then one that is closed or not there. */
static uint64_t any_proposal(struct wish *w)
{
    uint64_t next = number_of(w, VPR_STORE_GOVERNANCE, VPR_KEY_PROPOSAL_NEXT);
    uint64_t id = 1;
    for (int i = 0; i < LATELY && next > 1; i++) {
        uint64_t back = dice_between(w->dice, 1, LATELY * 2);
        id = next > back ? next - back : 1;
        const Viper__V1__Proposal *proposal = proposal_of(w, id);
        if (proposal != NULL &&
            proposal->status == VIPER__V1__PROPOSAL_STATUS__PROPOSAL_STATUS_VOTING) {
            break;
        }
    }
    return dice_percent(w->dice, 3) ? next : id;
}

/* Most proposals are liked, some are not, some hated. */
static int any_option(struct wish *w, uint64_t proposal)
{
    uint64_t mood = proposal * 2654435761u >> 3 & 7;
    return dice_percent(w->dice, 30) ? (int)dice_between(w->dice, 1, 4)
           : mood < 6                ? 1
                                     : (int)mood - 3;
}

/* Validators' owners as often as those who delegate. */
static const char *any_voter(struct wish *w)
{
    struct pick pick;
    return dice_percent(w->dice, 50) &&
                   pick_actor(w, VIPER__V1__KIND__KIND_VALIDATOR, 0, &pick)
               ? pick.owner
               : any_rich(w);
}

static bool make_vote(struct wish *w)
{
    Viper__V1__MsgVote *m = wish_message(w, &viper__v1__msg_vote__descriptor);
    w->signer = any_voter(w);
    m->voter = world_text(w->signer);
    m->proposal = any_proposal(w);
    m->option = (Viper__V1__VoteOption)any_option(w, m->proposal);
    return true;
}

static bool make_vote_v1(struct wish *w)
{
    Cosmos__Gov__V1__MsgVote *m = wish_message(w, &cosmos__gov__v1__msg_vote__descriptor);
    w->signer = any_voter(w);
    m->voter = world_text(w->signer);
    m->proposal_id = any_proposal(w);
    m->option = (Cosmos__Gov__V1__VoteOption)any_option(w, m->proposal_id);
    m->metadata = vpr_arena_text(w->arena, "%s", dice_percent(w->dice, 50) ? "" : "because");
    return true;
}

static bool make_vote_v1beta1(struct wish *w)
{
    Cosmos__Gov__V1beta1__MsgVote *m =
        wish_message(w, &cosmos__gov__v1beta1__msg_vote__descriptor);
    w->signer = any_voter(w);
    m->voter = world_text(w->signer);
    m->proposal_id = any_proposal(w);
    m->option = (Cosmos__Gov__V1beta1__VoteOption)any_option(w, m->proposal_id);
    return true;
}

static bool make_vote_weighted(struct wish *w)
{
    Cosmos__Gov__V1__MsgVoteWeighted *m =
        wish_message(w, &cosmos__gov__v1__msg_vote_weighted__descriptor);
    w->signer = any_voter(w);
    m->voter = world_text(w->signer);
    m->proposal_id = any_proposal(w);
    return true;
}

/* ---- the owner's edit ---- */

static bool make_edit_chain(struct wish *w)
{
    Viper__V1__MsgEditChain *m = wish_message(w, &viper__v1__msg_edit_chain__descriptor);
    m->chain = (uint32_t)dice_between(w->dice, 1, PLACES_MOST);
    const Viper__V1__Chain *chain = chain_of(w, m->chain);
    const char *owner = chain == NULL ? NULL : label_of(&chain->owner);
    w->signer = owner == NULL || dice_percent(w->dice, 10) ? any_rich(w) : owner;
    m->owner = world_text(w->signer);
    m->name = chain != NULL && dice_percent(w->dice, 70)
                  ? vpr_arena_text(w->arena, "%s", chain->name)
                  : any_name(w);
    m->payout = any_payout(w);
    m->latency_target_ms = dice_between(w->dice, 1, 200);
    m->latency_max_ms = dice_between(w->dice, 150, dice_percent(w->dice, 5) ? 60002 : 3000);
    return true;
}

const struct kind governance_kinds[] = {
    {"propose", THEME_GOVERNANCE, 4, make_propose},
    {"vote", THEME_GOVERNANCE, 12, make_vote},
    {"vote v1", THEME_GOVERNANCE, 5, make_vote_v1},
    {"vote v1beta1", THEME_GOVERNANCE, 5, make_vote_v1beta1},
    {"vote weighted", THEME_GOVERNANCE, 1, make_vote_weighted},
    {"edit chain", THEME_GOVERNANCE, 4, make_edit_chain},
};
const size_t governance_kind_count = VPR_COUNT(governance_kinds);
