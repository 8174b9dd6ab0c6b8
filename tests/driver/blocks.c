/* One height: rounds of proposals, the one that is decided, execution, commit. */
#include <stdlib.h>
#include <time.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "tests/driver/stage.h"

const char *const round_names[ROUND_HOWS] = {
    "abandoned",        "wrong reveal",   "wrong height",  "no system transaction",
    "two system transactions", "a Verify added", "a Verify changed",
};

/* What a round is about; everything in stage->block. */
struct draft {
    struct set_member proposer;
    size_t maker; /* node that prepares */
    Google__Protobuf__Timestamp time;
    ProtobufCBinaryData *txs;
    size_t count;
    Viper__V1__MsgSystem *system;
    Tendermint__Abci__Misbehavior **evidence;
    Tendermint__Abci__VoteInfo **votes;
};

static void give_up(const struct node *node, const char *what)
{
    node_blame(node, what);
    exit(1);
}

/* Node 0's clocks now. */
static struct stage_time clocks(const struct stage *stage)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (struct stage_time){(double)t.tv_sec + (double)t.tv_nsec / 1e9,
                               node_cpu_s(&stage->nodes[0])};
}

static void spent(struct stage *stage, enum stage_part part, struct stage_time start)
{
    struct stage_time end = clocks(stage);
    stage->parts[part] =
        (struct stage_time){end.wall_s - start.wall_s, end.cpu_s - start.cpu_s};
}

static ProtobufCBinaryData binary(struct vpr_arena *arena, const void *data, size_t len)
{
    return (ProtobufCBinaryData){len, vpr_arena_copy(arena, data, len)};
}

static Tendermint__Abci__Validator *validator_of(struct vpr_arena *arena,
                                                 const struct vpr_address *who, int64_t power)
{
    Tendermint__Abci__Validator *v = VPR_ARENA_NEW(arena, Tendermint__Abci__Validator);
    tendermint__abci__validator__init(v);
    v->address = binary(arena, who->b, sizeof who->b);
    v->power = power;
    return v;
}

static void make_votes(struct stage *stage, const struct plan *plan, struct draft *d)
{
    const struct set *set = &stage->last;
    d->votes = VPR_ARENA_ARRAY(&stage->block, Tendermint__Abci__VoteInfo *, set->count + 1);
    for (size_t i = 0; i < set->count; i++) {
        Tendermint__Abci__VoteInfo *vote =
            VPR_ARENA_NEW(&stage->block, Tendermint__Abci__VoteInfo);
        tendermint__abci__vote_info__init(vote);
        vote->validator = validator_of(&stage->block, &set->members[i].address,
                                       set->members[i].power);
        vote->block_id_flag = i < 64 && (plan->absent >> i & 1) != 0
                                  ? TENDERMINT__TYPES__BLOCK_IDFLAG__BLOCK_ID_FLAG_ABSENT
                                  : TENDERMINT__TYPES__BLOCK_IDFLAG__BLOCK_ID_FLAG_COMMIT;
        d->votes[i] = vote;
    }
}

static int64_t power_of(const struct stage *stage, const struct vpr_address *who)
{
    for (size_t i = 0; i < stage->last.count; i++) {
        if (vpr_address_equal(&stage->last.members[i].address, who)) {
            return stage->last.members[i].power;
        }
    }
    return 0;
}

static void make_evidence(struct stage *stage, const struct plan *plan, struct draft *d)
{
    d->evidence = VPR_ARENA_ARRAY(&stage->block, Tendermint__Abci__Misbehavior *,
                                  EVIDENCE_MAX);
    for (size_t i = 0; i < plan->evidence_count; i++) {
        const struct evidence *e = &plan->evidence[i];
        Tendermint__Abci__Misbehavior *m =
            VPR_ARENA_NEW(&stage->block, Tendermint__Abci__Misbehavior);
        tendermint__abci__misbehavior__init(m);
        m->type = (Tendermint__Abci__MisbehaviorType)e->type;
        m->validator = validator_of(&stage->block, &e->who, power_of(stage, &e->who));
        m->height = (int64_t)e->height;
        m->time = VPR_ARENA_NEW(&stage->block, Google__Protobuf__Timestamp);
        google__protobuf__timestamp__init(m->time);
        m->time->seconds = stage->time_s; /* of the last block: CometBFT takes the fault's */
        m->total_voting_power = set_power(&stage->last);
        d->evidence[i] = m;
    }
}

/* ---- the reveal ---- */

static int validator_index(const struct stage *stage, const struct vpr_address *consensus)
{
    for (int i = 0; i < VALIDATORS_MAX; i++) {
        if (vpr_address_equal(&stage->beacons[i].consensus, consensus)) {
            return i;
        }
    }
    return -1;
}

/* The end that counts in the coming block: a pending one takes over in its session's first. */
static bool present_end(struct stage *stage, int validator, struct vpr_hash *ret)
{
    /* Whose key it is in the state: a falsified stake may have given it to another id. */
    struct vpr_address id;
    uint8_t key[21] = {VPR_KEY_CONSENSUS};
    memcpy(key + 1, stage->beacons[validator].consensus.b, 20);
    struct vpr_bytes value =
        mirror_get(stage->mirror, VPR_STORE_VALIDATORS, vpr_bytes_of(key, sizeof key));
    if (value.len != sizeof id.b) {
        return false;
    }
    memcpy(id.b, value.data, sizeof id.b);
    const Viper__V1__Actor *actor = mirror_actor(stage->mirror, &stage->block, &id);
    VPR_ASSERT(actor != NULL && actor->validator != NULL);
    const Viper__V1__ValidatorInfo *info = actor->validator;
    uint64_t number = mirror_session_number(stage->mirror);
    const Viper__V1__Session *session = mirror_session(stage->mirror, &stage->block, number);
    bool opens = session != NULL && stage->height + 1 > session->last;
    bool pending = info->beacon_pending.len == 32 &&
                   info->beacon_pending_from <= number + (opens ? 1 : 0);
    const ProtobufCBinaryData *end = pending ? &info->beacon_pending : &info->beacon_end;
    if (end->len != 32) {
        return false;
    }
    memcpy(ret->b, end->data, 32);
    return true;
}

/* What the proposer can reveal; NULL: nothing. */
static struct beacon_chain *chain_now(struct stage *stage, const struct vpr_address *proposer)
{
    struct vpr_hash end;
    int validator = validator_index(stage, proposer);
    if (validator < 0) {
        return NULL;
    }
    struct beacon *beacon = &stage->beacons[validator];
    struct beacon_chain *chain = NULL;
    if (stage->mirror == NULL || stage->height == 0) {
        chain = beacon->count > 0 ? &beacon->chains[0] : NULL;
    } else if (present_end(stage, validator, &end)) {
        chain = beacon_of(beacon, &end);
    }
    return chain != NULL && chain->left > 0 ? chain : NULL;
}

/* A validator of this play without a node of its own is played: its reveal goes in here.  One
 * with a node must have revealed what its secret says. */
static void set_reveal(struct stage *stage, const struct plan *plan, struct draft *d)
{
    const struct beacon_chain *chain = chain_now(stage, &d->proposer.address);
    const struct vpr_hash *x = chain == NULL ? NULL : &chain->values[chain->left - 1];
    int owner = stage->nodes[d->maker].validator - 1;
    bool own = owner >= 0 && validator_index(stage, &d->proposer.address) == owner;
    bool first_chain = chain != NULL && chain == &stage->beacons[owner < 0 ? 0 : owner].chains[0];

    if (own && first_chain &&
        (d->system->reveal.len != 32 || memcmp(d->system->reveal.data, x->b, 32) != 0)) {
        give_up(&stage->nodes[d->maker], "its proposal does not carry its validator's reveal");
    }
    d->system->reveal = plan->silent || x == NULL
                            ? (ProtobufCBinaryData){0, NULL}
                            : binary(&stage->block, x->b, sizeof x->b);
}

/* ---- rounds ---- */

static size_t node_of(const struct stage *stage, const struct set_member *proposer)
{
    int validator = validator_index(stage, &proposer->address) + 1;
    for (size_t i = 0; i < stage->node_count; i++) {
        if (stage->nodes[i].validator == validator) {
            return i;
        }
    }
    return 0;
}

static void ask_to_prepare(struct stage *stage, const struct plan *plan, struct draft *d)
{
    Tendermint__Abci__RequestPrepareProposal r =
        TENDERMINT__ABCI__REQUEST_PREPARE_PROPOSAL__INIT;
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    Tendermint__Abci__ExtendedCommitInfo commit = TENDERMINT__ABCI__EXTENDED_COMMIT_INFO__INIT;

    r.max_tx_bytes = MAX_TX_BYTES;
    r.txs = VPR_ARENA_ARRAY(&stage->block, ProtobufCBinaryData, stage->pool_count + 1);
    size_t bytes = 0; /* CometBFT hands over a block full of its queue */
    for (size_t i = 0; i < stage->pool_count; i++) {
        const struct item *item = stage->pool[i];
        if (item->passed && bytes + item->len < MAX_TX_BYTES) {
            bytes += item->len;
            r.txs[r.n_txs++] = (ProtobufCBinaryData){item->len, item->raw};
        }
    }
    r.local_last_commit = &commit;
    r.misbehavior = d->evidence;
    r.n_misbehavior = plan->evidence_count;
    r.height = (int64_t)stage->height + 1;
    r.time = &d->time;
    r.proposer_address = binary(&stage->block, d->proposer.address.b, 20);
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_PREPARE_PROPOSAL;
    request.prepare_proposal = &r;
    struct stage_time start = clocks(stage);
    const Tendermint__Abci__ResponsePrepareProposal *answer =
        node_call(&stage->nodes[d->maker], &stage->block, &request,
                  TENDERMINT__ABCI__RESPONSE__VALUE_PREPARE_PROPOSAL)->prepare_proposal;
    spent(stage, PART_PREPARE, start);
    VPR_ASSERT(answer->n_txs >= 1);
    d->txs = VPR_ARENA_ARRAY(&stage->block, ProtobufCBinaryData,
                             answer->n_txs + stage->pool_count + 1);
    memcpy(d->txs, answer->txs, answer->n_txs * sizeof d->txs[0]);
    d->count = answer->n_txs;
    d->system = system_read(&stage->block, d->txs[0].data, d->txs[0].len);
    struct vpr_bytes again = system_pack(&stage->block, d->system);
    VPR_ASSERT(again.len == d->txs[0].len && memcmp(again.data, d->txs[0].data, again.len) == 0);
}

static void put_system(struct stage *stage, struct draft *d)
{
    struct vpr_bytes packed = system_pack(&stage->block, d->system);
    d->txs[0] = binary(&stage->block, packed.data, packed.len);
}

static bool is_in(const struct draft *d, const struct item *item)
{
    for (size_t i = 1; i < d->count; i++) {
        if (d->txs[i].len == item->len && memcmp(d->txs[i].data, item->raw, item->len) == 0) {
            return true;
        }
    }
    return false;
}

/* What CheckTx refused, or PrepareProposal left out (a sequence that is ahead). */
static void add_forced(struct stage *stage, struct draft *d)
{
    for (size_t i = 0; i < stage->pool_count; i++) {
        struct item *item = stage->pool[i];
        item->appended = item->forced && !is_in(d, item);
        if (item->appended) {
            d->txs[d->count++] = (ProtobufCBinaryData){item->len, item->raw};
        }
    }
}

static void prepare(struct stage *stage, const struct plan *plan, unsigned round,
                    struct draft *d)
{
    d->proposer = set_proposer(&stage->now, round);
    d->maker = node_of(stage, &d->proposer);
    ask_to_prepare(stage, plan, d);
    set_reveal(stage, plan, d);
    put_system(stage, d);
    add_forced(stage, d);
}

/* Every node looks at it; true if it is accepted. */
static bool process(struct stage *stage, const struct plan *plan, const struct draft *d)
{
    Tendermint__Abci__RequestProcessProposal r =
        TENDERMINT__ABCI__REQUEST_PROCESS_PROPOSAL__INIT;
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    Tendermint__Abci__CommitInfo commit = TENDERMINT__ABCI__COMMIT_INFO__INIT;
    bool accepted = false;
    struct stage_time start = clocks(stage);

    commit.votes = d->votes;
    commit.n_votes = stage->last.count;
    r.txs = d->txs;
    r.n_txs = d->count;
    r.proposed_last_commit = &commit;
    r.misbehavior = d->evidence;
    r.n_misbehavior = plan->evidence_count;
    r.height = (int64_t)stage->height + 1;
    r.time = (Google__Protobuf__Timestamp *)vpr_arena_copy(&stage->block, &d->time,
                                                           sizeof d->time);
    r.proposer_address = binary(&stage->block, d->proposer.address.b, 20);
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_PROCESS_PROPOSAL;
    request.process_proposal = &r;
    for (size_t i = 0; i < stage->node_count; i++) {
        bool yes = node_call(&stage->nodes[i], &stage->block, &request,
                             TENDERMINT__ABCI__RESPONSE__VALUE_PROCESS_PROPOSAL)
                       ->process_proposal->status ==
                   TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__PROPOSAL_STATUS__ACCEPT;
        if (i > 0 && yes != accepted) {
            give_up(&stage->nodes[i], "judges a proposal otherwise than node 0");
        }
        accepted = yes;
        if (i == 0) {
            spent(stage, PART_PROCESS, start);
        }
    }
    return accepted;
}

static Viper__V1__VerifyEntry *false_entry(struct stage *stage)
{
    Viper__V1__VerifyEntry *e = VPR_ARENA_NEW(&stage->block, Viper__V1__VerifyEntry);
    viper__v1__verify_entry__init(e);
    e->sid = binary(&stage->block, stage->app_hash.b, 32);
    e->servicer = world_text("servicer1");
    e->verdict = VIPER__V1__VERDICT__VERDICT_PAID;
    e->settled_cu = 1000;
    e->reward_uvipr = 1000000;
    return e;
}

/* True if the proposal is now one that nobody may accept. */
static bool spoil(struct stage *stage, enum round_how how, struct draft *d)
{
    Viper__V1__MsgSystem *m = d->system;
    switch (how) {
    case ROUND_ABANDONED:
    case ROUND_HOWS:
        return false;
    case ROUND_WRONG_REVEAL:
        m->reveal = binary(&stage->block, stage->app_hash.b, 32);
        break;
    case ROUND_WRONG_HEIGHT:
        m->height++;
        break;
    case ROUND_NO_SYSTEM:
        d->txs++;
        d->count--;
        return true;
    case ROUND_TWO_SYSTEMS:
        d->txs[d->count++] = d->txs[0];
        return true;
    case ROUND_VERIFY_ADDED: {
        Viper__V1__VerifyEntry **list =
            VPR_ARENA_ARRAY(&stage->block, Viper__V1__VerifyEntry *, m->n_verify + 1);
        if (m->n_verify > 0) {
            memcpy(list, m->verify, m->n_verify * sizeof list[0]);
        }
        list[m->n_verify++] = false_entry(stage);
        m->verify = list;
        break;
    }
    case ROUND_VERIFY_CHANGED:
        if (m->n_verify == 0) {
            return false;
        }
        m->verify[m->n_verify - 1]->reward_uvipr++;
        break;
    }
    put_system(stage, d);
    return true;
}

/* The rounds that come to nothing. */
static void try_rounds(struct stage *stage, const struct plan *plan, struct draft *d,
                       struct tried_round *tried)
{
    for (unsigned i = 0; i < plan->round_count; i++) {
        prepare(stage, plan, i, d);
        bool spoilt = spoil(stage, plan->rounds[i], d);
        bool accepted = process(stage, plan, d);
        if (accepted == spoilt) {
            give_up(&stage->nodes[0],
                    vpr_arena_text(&stage->block, "%s a proposal (%s)",
                                   accepted ? "accepted" : "rejected",
                                   round_names[plan->rounds[i]]));
        }
        tried[i] = (struct tried_round){d->proposer.address, plan->rounds[i], spoilt};
        stage->stats.rounds++;
    }
}

/* ---- execution ---- */

static void keep_block(struct stage *stage, const Tendermint__Abci__RequestFinalizeBlock *r)
{
    uint64_t height = stage->height + 1;
    if (height >= stage->block_room) {
        uint64_t room = stage->block_room == 0 ? 1024 : stage->block_room * 2;
        stage->blocks = realloc(stage->blocks, room * sizeof stage->blocks[0]);
        VPR_ASSERT(stage->blocks != NULL);
        memset(stage->blocks + stage->block_room, 0,
               (room - stage->block_room) * sizeof stage->blocks[0]);
        stage->block_room = room;
    }
    struct kept_block *kept = &stage->blocks[height];
    kept->len = tendermint__abci__request_finalize_block__get_packed_size(r);
    kept->finalize = malloc(kept->len);
    VPR_ASSERT(kept->finalize != NULL);
    (void)tendermint__abci__request_finalize_block__pack(r, kept->finalize);
    kept->app_hash = stage->app_hash;
}

static void same_result(struct stage *stage, size_t n,
                        const Tendermint__Abci__ResponseFinalizeBlock *mine)
{
    struct vpr_bytes a = vpr_arena_pack(&stage->block, &stage->result->base);
    struct vpr_bytes b = vpr_arena_pack(&stage->block, &mine->base);
    if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0) {
        give_up(&stage->nodes[n],
                vpr_arena_text(&stage->block, "block %" PRIu64 " came out otherwise than at "
                               "node 0", stage->height + 1));
    }
}

/* Requests go to all nodes before the first answer is read: they work side by side. */
static void finalize(struct stage *stage, Tendermint__Abci__RequestFinalizeBlock *r)
{
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    struct stage_time start = clocks(stage);
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_FINALIZE_BLOCK;
    request.finalize_block = r;
    for (size_t i = 0; i < stage->node_count; i++) {
        const Tendermint__Abci__ResponseFinalizeBlock *answer =
            node_call(&stage->nodes[i], &stage->block, &request,
                      TENDERMINT__ABCI__RESPONSE__VALUE_FINALIZE_BLOCK)->finalize_block;
        VPR_ASSERT(answer->app_hash.len == 32 && answer->n_tx_results == r->n_txs);
        if (i == 0) {
            stage->result = answer;
            spent(stage, PART_FINALIZE, start);
        } else {
            same_result(stage, i, answer);
        }
    }
    memcpy(stage->app_hash.b, stage->result->app_hash.data, 32);
}

static void commit(struct stage *stage, size_t except)
{
    Tendermint__Abci__RequestCommit none = TENDERMINT__ABCI__REQUEST_COMMIT__INIT;
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    struct stage_time start = clocks(stage);
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_COMMIT;
    request.commit = &none;
    for (size_t i = 0; i < stage->node_count; i++) {
        if (i != except) {
            (void)node_call(&stage->nodes[i], &stage->block, &request,
                            TENDERMINT__ABCI__RESPONSE__VALUE_COMMIT);
        }
        if (i == 0) {
            spent(stage, PART_COMMIT, start);
        }
    }
}

static const Viper__V1__QueryChangesResponse *changes_of(struct stage *stage)
{
    Viper__V1__QueryChangesRequest none = VIPER__V1__QUERY_CHANGES_REQUEST__INIT;
    if (stage->mirror == NULL) {
        return NULL;
    }
    const Viper__V1__QueryChangesResponse *r =
        (const Viper__V1__QueryChangesResponse *)node_ask(
            &stage->nodes[0], &stage->block, "/viper.v1.Query/Changes", &none.base,
            &viper__v1__query_changes_response__descriptor);
    if (r->height != stage->height || memcmp(r->app_hash.data, stage->app_hash.b, 32) != 0) {
        give_up(&stage->nodes[0], "tells the changes of another block");
    }
    mirror_apply(stage->mirror, r);
    return r;
}

/* Validator updates count two heights later; the turn moves on. */
static void move_sets(struct stage *stage)
{
    stage->last = stage->now;
    stage->now = stage->next;
    set_update(&stage->next, stage->result->validator_updates,
               stage->result->n_validator_updates);
    (void)set_turn(&stage->next);
}

/* Those who wait for what became of their transaction hear it; then they are forgotten. */
static void tell(struct stage *stage, const Tendermint__Abci__RequestFinalizeBlock *r)
{
    for (size_t i = 1; i < r->n_txs; i++) {
        uint32_t code = stage->result->tx_results[i]->code;
        struct item *item = pool_find(stage, r->txs[i].data, r->txs[i].len);
        stage->stats.txs++;
        stage->stats.refused += code != 0 ? 1 : 0;
        if (item != NULL) {
            if (item->told != NULL) {
                item->told(stage, item->arg, code);
            }
            pool_forget(stage, item);
        }
    }
}

static Tendermint__Abci__RequestFinalizeBlock *decide(struct stage *stage,
                                                      const struct plan *plan,
                                                      const struct draft *d)
{
    Tendermint__Abci__RequestFinalizeBlock *r =
        VPR_ARENA_NEW(&stage->block, Tendermint__Abci__RequestFinalizeBlock);
    Tendermint__Abci__CommitInfo *info =
        VPR_ARENA_NEW(&stage->block, Tendermint__Abci__CommitInfo);
    tendermint__abci__request_finalize_block__init(r);
    tendermint__abci__commit_info__init(info);
    info->votes = d->votes;
    info->n_votes = stage->last.count;
    r->txs = d->txs;
    r->n_txs = d->count;
    r->decided_last_commit = info;
    r->misbehavior = d->evidence;
    r->n_misbehavior = plan->evidence_count;
    r->height = (int64_t)stage->height + 1;
    r->time = (Google__Protobuf__Timestamp *)vpr_arena_copy(&stage->block, &d->time,
                                                            sizeof d->time);
    r->proposer_address = binary(&stage->block, d->proposer.address.b, 20);
    struct vpr_hash hash = vpr_sha256(d->txs[0].data, d->txs[0].len);
    r->hash = binary(&stage->block, hash.b, sizeof hash.b);
    return r;
}

static void count(struct stage *stage, const Tendermint__Abci__RequestFinalizeBlock *r,
                  const Viper__V1__MsgSystem *system)
{
    stage->block_bytes = 0;
    for (size_t i = 0; i < r->n_txs; i++) {
        stage->block_bytes += r->txs[i].len;
    }
    stage->verify_count = system->n_verify;
    for (size_t i = 0; i < system->n_verify; i++) {
        stage->paid_count += system->verify[i]->verdict == VIPER__V1__VERDICT__VERDICT_PAID;
    }
}

/* Executed everywhere, and not committed; then one of them dies. */
static size_t kill_executed(struct stage *stage, const struct plan *plan)
{
    if (plan->kill != KILL_EXECUTED) {
        return SIZE_MAX;
    }
    node_stop(&stage->nodes[plan->kill_node], true);
    record_restart(stage, plan->kill_node, "kill", "executed", stage->height + 1);
    return plan->kill_node;
}

void stage_block(struct stage *stage, const struct plan *plan)
{
    struct draft d;
    struct tried_round tried[ROUNDS_MAX];

    vpr_arena_release(&stage->block, 0);
    memset(&d, 0, sizeof d);
    VPR_ASSERT(plan->round_count < ROUNDS_MAX && plan->evidence_count <= EVIDENCE_MAX);
    google__protobuf__timestamp__init(&d.time);
    d.time.seconds = stage->time_s + (plan->seconds > 0 ? plan->seconds : 1);
    stage_upgrade(stage);
    make_votes(stage, plan, &d);
    make_evidence(stage, plan, &d);
    struct stage_time start = clocks(stage);
    pool_check(stage);
    spent(stage, PART_CHECK, start);
    try_rounds(stage, plan, &d, tried);
    prepare(stage, plan, (unsigned)plan->round_count, &d);
    if (!process(stage, plan, &d)) {
        give_up(&stage->nodes[0], "rejected a proposal that is right");
    }
    Tendermint__Abci__RequestFinalizeBlock *r = decide(stage, plan, &d);
    finalize(stage, r);
    keep_block(stage, r);
    count(stage, r, d.system);
    size_t dead = kill_executed(stage, plan);
    commit(stage, dead);
    if (d.system->reveal.len == 32) {
        chain_now(stage, &d.proposer.address)->left--;
    }
    stage->height++;
    stage->time_s = d.time.seconds;
    stage->stats.blocks++;
    stage->stats.evidence += plan->evidence_count;
    if (dead != SIZE_MAX) {
        stage_bring_back(stage, dead);
    }
    const Viper__V1__QueryChangesResponse *changes = changes_of(stage);
    record_block(stage, r, plan, tried, plan->round_count, d.system, changes);
    move_sets(stage);
    tell(stage, r);
    start = clocks(stage);
    pool_recheck(stage);
    spent(stage, PART_RECHECK, start);
    if (plan->kill == KILL_READY) {
        stage_restart(stage, plan->kill_node, !plan->kill_gently);
    }
    if (stage->options.check_every != 0 && stage->height % stage->options.check_every == 0) {
        stage_check(stage);
    }
}
