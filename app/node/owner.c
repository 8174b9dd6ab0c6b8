#include "app/node/owner.h"

#include <stdlib.h>

#include "app/base/hash.h"
#include "app/host/log.h"
#include "app/host/loop.h"
#include "app/host/pbjson.h"
#include "viper/v1/genesis.pb-c.h"

#define ARENA_BYTES (UINT64_C(4) << 30)
#define GENESIS_ARENA_BYTES (UINT64_C(16) << 30)
#define CODESPACE "viper"

/* protobuf-c's structs know no const; nothing writes through these. */
static char *text_of(const char *text)
{
    union {
        const char *in;
        char *out;
    } cast = {text};
    return cast.out;
}

static ProtobufCBinaryData binary(const void *data, size_t len)
{
    union {
        const void *in;
        uint8_t *out;
    } cast = {data};
    return (ProtobufCBinaryData){len, cast.out};
}

void owner_init(struct owner *owner, struct vpr_app *app, const struct bridge_options *options)
{
    memset(owner, 0, sizeof *owner);
    owner->app = app;
    owner->options = *options;
    owner->state = vpr_app_height(app) > 0 ? OWNER_READY : OWNER_INIT;
    vpr_arena_init(&owner->arena, ARENA_BYTES);
    vpr_arena_init(&owner->genesis_arena, GENESIS_ARENA_BYTES);
}

void owner_finish(struct owner *owner)
{
    vpr_arena_finish(&owner->arena);
    vpr_arena_finish(&owner->genesis_arena);
    free(owner->hashes);
}

/* ---- legality ---- */

static const char *state_name(enum owner_state state)
{
    switch (state) {
    case OWNER_INIT:
        return "INIT";
    case OWNER_GENESIS:
        return "GENESIS";
    case OWNER_READY:
        return "READY";
    case OWNER_EXECUTED:
        return "EXECUTED";
    }
    VPR_HALT("a state without a name");
}

static bool illegal(struct owner *owner, struct abci_call *call, const char *wants)
{
    uint64_t height = vpr_app_height(owner->app);
    vpr_log_error("abci", "illegal request", "method=%s state=%s height=%" PRIu64 " wants=%s",
                  abci_call_method(call), state_name(owner->state), height, wants);
    abci_fail(call, "%s is illegal in state %s at height %" PRIu64 "; it needs %s",
              abci_call_method(call), state_name(owner->state), height, wants);
    return false;
}

static uint64_t next_height(const struct owner *owner)
{
    uint64_t last = vpr_app_height(owner->app);
    return last > 0 ? last + 1 : owner->initial_height;
}

/* Whether the block of that height needs another version of the application; says so. */
static bool outdated(struct owner *owner, uint64_t height, uint64_t *ret_version)
{
    *ret_version = vpr_app_version_at(owner->app, height);
    if (*ret_version == vpr_app_version) {
        return false;
    }
    vpr_log_error("node", "upgrade needed: this version stops before the block",
                  "height=%" PRIu64 " version=%" PRIu64 " needs=%" PRIu64, height,
                  vpr_app_version, *ret_version);
    if (owner->options.outdated != NULL) {
        owner->options.outdated(owner->options.outdated_arg, height, *ret_version);
    }
    return true;
}

/* At an upgrade's height this binary neither proposes nor judges nor executes the block. */
static bool in_date(struct owner *owner, struct abci_call *call, uint64_t height)
{
    uint64_t version;
    if (!outdated(owner, height, &version)) {
        return true;
    }
    abci_fail(call, "block %" PRIu64 " needs version %" PRIu64 " of the application, this is "
              "version %" PRIu64 ": install it and start both processes again", height, version,
              vpr_app_version);
    return false;
}

/* A block in CometBFT's request as one of the app; the views live as long as the request. */
static bool take_block(struct owner *owner, struct abci_call *call, struct vpr_app_block *ret,
                       int64_t height, const Google__Protobuf__Timestamp *stamp,
                       ProtobufCBinaryData proposer, const ProtobufCBinaryData *txs,
                       size_t count)
{
    if (owner->state != OWNER_GENESIS && owner->state != OWNER_READY) {
        return illegal(owner, call, "GENESIS or READY");
    }
    if (height < 0 || (uint64_t)height != next_height(owner)) {
        abci_fail(call, "%s of height %" PRId64 " in state %s; the next height is %" PRIu64,
                  abci_call_method(call), height, state_name(owner->state), next_height(owner));
        return false;
    }
    if (proposer.len != sizeof ret->proposer.b || stamp == NULL || stamp->seconds < 0) {
        abci_fail(call, "%s of height %" PRId64 " without a proposer's address of 20 bytes or "
                  "a time", abci_call_method(call), height);
        return false;
    }
    if (!in_date(owner, call, (uint64_t)height)) {
        return false;
    }
    struct vpr_bytes *list = VPR_ARENA_ARRAY(&owner->arena, struct vpr_bytes, count + 1);
    for (size_t i = 0; i < count; i++) {
        list[i] = abci_view(txs[i]);
    }
    memset(ret, 0, sizeof *ret);
    ret->height = (uint64_t)height;
    ret->time_s = stamp->seconds;
    memcpy(ret->proposer.b, proposer.data, proposer.len);
    ret->txs = list;
    ret->count = count;
    return true;
}

/* ---- info, genesis ---- */

void owner_info(struct owner *owner, struct abci_call *call)
{
    Tendermint__Abci__ResponseInfo r = TENDERMINT__ABCI__RESPONSE_INFO__INIT;
    struct vpr_hash hash = vpr_app_hash(owner->app);
    uint64_t height = vpr_app_height(owner->app);
    r.data = text_of("viper");
    r.version = text_of(VIPER_VERSION);
    r.app_version = vpr_app_version;
    r.last_block_height = (int64_t)height;
    if (height > 0) {
        r.last_block_app_hash = binary(hash.b, sizeof hash.b);
    }
    abci_reply(call, &r.base);
}

const char *owner_params_fault(const struct owner_params *params)
{
    if (!params->block) {
        return "genesis has no consensus_params.block";
    }
    if (params->app_version != vpr_app_version) {
        return "genesis must say consensus_params.version.app = \"1\", the application's "
               "version";
    }
    if (params->max_gas != -1) {
        return "genesis must say consensus_params.block.max_gas = \"-1\": the application "
               "counts gas itself";
    }
    if (params->max_bytes != -1 && params->max_bytes < BRIDGE_BLOCK_BYTES_MIN) {
        return "genesis must say consensus_params.block.max_bytes of at least \"4194304\", or "
               "a system transaction may not fit";
    }
    if (params->extensions_height != 0) {
        return "genesis must say consensus_params.abci.vote_extensions_enable_height = \"0\": "
               "the application makes no vote extensions";
    }
    return NULL;
}

static const char *params_fault(const Tendermint__Types__ConsensusParams *params)
{
    struct owner_params given = {.block = params != NULL && params->block != NULL};

    if (given.block) {
        given.max_gas = params->block->max_gas;
        given.max_bytes = params->block->max_bytes;
        given.app_version = params->version != NULL ? params->version->app : 0;
        given.extensions_height =
            params->abci != NULL ? params->abci->vote_extensions_enable_height : 0;
    }
    return owner_params_fault(&given);
}

/* The JSON of genesis becomes the one canonical encoding that the app sees. */
static bool read_state(struct owner *owner, struct vpr_bytes json, struct vpr_bytes *ret,
                       struct vpr_err *err)
{
    const struct vpr_pbjson_options options = {
        .strict = true, .whole = &viper__v1__params__descriptor};
    ProtobufCMessage *genesis;
    if (vpr_pbjson_parse(&genesis, &owner->genesis_arena, &viper__v1__genesis_state__descriptor,
                         json, &options, err) != VPR_OK) {
        return false;
    }
    *ret = vpr_arena_pack(&owner->genesis_arena, genesis);
    return true;
}

static void reply_init(struct owner *owner, struct abci_call *call,
                       const struct vpr_validator_update *updates, size_t count,
                       const struct vpr_hash *hash);

void owner_init_chain(struct owner *owner, struct abci_call *call,
                      const Tendermint__Abci__RequestInitChain *request)
{
    struct vpr_app_genesis genesis;
    const struct vpr_validator_update *updates = NULL;
    size_t count = 0;
    struct vpr_hash hash;
    struct vpr_err err = {VPR_OK, ""};

    if (owner->state != OWNER_INIT && owner->state != OWNER_GENESIS) {
        (void)illegal(owner, call, "INIT or GENESIS");
        return;
    }
    const char *fault = params_fault(request->consensus_params);
    if (fault != NULL || request->time == NULL) {
        abci_fail(call, "InitChain: %s", fault != NULL ? fault : "no genesis time");
        return;
    }
    memset(&genesis, 0, sizeof genesis);
    genesis.chain_id = request->chain_id;
    genesis.initial_height =
        request->initial_height > 0 ? (uint64_t)request->initial_height : 1;
    genesis.time_s = request->time->seconds;
    if (!read_state(owner, abci_view(request->app_state_bytes), &genesis.state, &err) ||
        vpr_app_init(owner->app, &genesis, &updates, &count, &hash, &err) != VPR_OK) {
        vpr_log_error("node", "genesis refused", "reason=%s", err.text);
        owner->state = OWNER_INIT;
        abci_fail(call, "InitChain: app_state of genesis.json: %s (%s)", err.text,
                  vpr_code_name(err.code));
    } else {
        owner->state = OWNER_GENESIS;
        owner->initial_height = genesis.initial_height;
        vpr_log_info("node", "genesis", "chain_id=%s validators=%zu", genesis.chain_id, count);
        reply_init(owner, call, updates, count, &hash);
    }
    vpr_arena_release(&owner->genesis_arena, 0);
}

static Tendermint__Abci__ValidatorUpdate **
validator_list(struct owner *owner, const struct vpr_validator_update *updates, size_t count)
{
    struct vpr_arena *arena = &owner->arena;
    Tendermint__Abci__ValidatorUpdate **list =
        VPR_ARENA_ARRAY(arena, Tendermint__Abci__ValidatorUpdate *, count + 1);
    for (size_t i = 0; i < count; i++) {
        Tendermint__Abci__ValidatorUpdate *update =
            VPR_ARENA_NEW(arena, Tendermint__Abci__ValidatorUpdate);
        Tendermint__Crypto__PublicKey *key =
            VPR_ARENA_NEW(arena, Tendermint__Crypto__PublicKey);
        tendermint__abci__validator_update__init(update);
        tendermint__crypto__public_key__init(key);
        key->sum_case = TENDERMINT__CRYPTO__PUBLIC_KEY__SUM_ED25519;
        key->ed25519 = binary(updates[i].key.b, sizeof updates[i].key.b);
        update->pub_key = key;
        update->power = (int64_t)updates[i].power;
        list[i] = update;
    }
    return list;
}

static void reply_init(struct owner *owner, struct abci_call *call,
                       const struct vpr_validator_update *updates, size_t count,
                       const struct vpr_hash *hash)
{
    Tendermint__Abci__ResponseInitChain r = TENDERMINT__ABCI__RESPONSE_INIT_CHAIN__INIT;
    r.validators = validator_list(owner, updates, count);
    r.n_validators = count;
    r.app_hash = binary(hash->b, sizeof hash->b);
    abci_reply(call, &r.base);
}

/* ---- mempool ---- */

void owner_check_tx(struct owner *owner, struct abci_call *call,
                    const Tendermint__Abci__RequestCheckTx *request)
{
    struct vpr_tx_result result;
    vpr_app_check(owner->app, abci_view(request->tx),
                  request->type == TENDERMINT__ABCI__CHECK_TX_TYPE__RECHECK, &result);
    Tendermint__Abci__ResponseCheckTx r = TENDERMINT__ABCI__RESPONSE_CHECK_TX__INIT;
    r.code = (uint32_t)result.code;
    r.log = result.log;
    r.gas_wanted = (int64_t)result.gas_wanted;
    r.gas_used = (int64_t)result.gas_used;
    if (result.code != VPR_OK) {
        r.codespace = text_of(CODESPACE);
    }
    abci_reply(call, &r.base);
    if (owner->options.checked != NULL) {
        owner->options.checked(owner->options.checked_arg, result.code);
    }
}

/* ---- proposals ---- */

void owner_prepare(struct owner *owner, struct abci_call *call,
                   const Tendermint__Abci__RequestPrepareProposal *request)
{
    struct vpr_app_block block;
    struct vpr_hash end, x;
    struct vpr_bytes reveal = {NULL, 0};
    if (!take_block(owner, call, &block, request->height, request->time,
                    request->proposer_address, request->txs, request->n_txs)) {
        return;
    }
    /* The same for every round of a height: the end moves when a block is committed. */
    if (owner->options.reveal != NULL &&
        vpr_app_beacon_end(owner->app, &block.proposer, &end) &&
        owner->options.reveal(owner->options.reveal_arg, &end, &x)) {
        reveal = vpr_bytes_of(x.b, sizeof x.b);
    }
    const struct vpr_bytes *txs;
    size_t count;
    uint64_t room = request->max_tx_bytes > 0 ? (uint64_t)request->max_tx_bytes : 0;
    vpr_app_prepare(owner->app, &block, room, reveal, &txs, &count);

    Tendermint__Abci__ResponsePrepareProposal r =
        TENDERMINT__ABCI__RESPONSE_PREPARE_PROPOSAL__INIT;
    r.txs = VPR_ARENA_ARRAY(&owner->arena, ProtobufCBinaryData, count);
    r.n_txs = count;
    for (size_t i = 0; i < count; i++) {
        r.txs[i] = binary(txs[i].data, txs[i].len);
    }
    abci_reply(call, &r.base);
}

void owner_process(struct owner *owner, struct abci_call *call,
                   const Tendermint__Abci__RequestProcessProposal *request)
{
    struct vpr_app_block block;
    struct vpr_err err = {VPR_OK, ""};
    if (!take_block(owner, call, &block, request->height, request->time,
                    request->proposer_address, request->txs, request->n_txs)) {
        return;
    }
    Tendermint__Abci__ResponseProcessProposal r =
        TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__INIT;
    r.status = TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__PROPOSAL_STATUS__ACCEPT;
    if (!vpr_app_process(owner->app, &block, &err)) {
        vpr_log_warn("node", "proposal rejected", "height=%" PRIu64 " reason=%s", block.height,
                     err.text);
        r.status = TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__PROPOSAL_STATUS__REJECT;
    }
    abci_reply(call, &r.base);
}

/* ---- execution ---- */

static Tendermint__Abci__Event **event_list(struct owner *owner,
                                            const struct vpr_event *const *events, size_t count)
{
    struct vpr_arena *arena = &owner->arena;
    Tendermint__Abci__Event **list =
        VPR_ARENA_ARRAY(arena, Tendermint__Abci__Event *, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct vpr_event *from = events[i];
        Tendermint__Abci__Event *event = VPR_ARENA_NEW(arena, Tendermint__Abci__Event);
        tendermint__abci__event__init(event);
        event->type = text_of(from->type);
        event->n_attributes = from->count;
        event->attributes =
            VPR_ARENA_ARRAY(arena, Tendermint__Abci__EventAttribute *, from->count + 1);
        for (uint32_t a = 0; a < from->count; a++) {
            Tendermint__Abci__EventAttribute *attribute =
                VPR_ARENA_NEW(arena, Tendermint__Abci__EventAttribute);
            tendermint__abci__event_attribute__init(attribute);
            attribute->key = text_of(from->attributes[a].key);
            attribute->value = text_of(from->attributes[a].value);
            attribute->index = true;
            event->attributes[a] = attribute;
        }
        list[i] = event;
    }
    return list;
}

static Tendermint__Abci__ExecTxResult **result_list(struct owner *owner,
                                                    const struct vpr_app_result *result)
{
    struct vpr_arena *arena = &owner->arena;
    Tendermint__Abci__ExecTxResult **list =
        VPR_ARENA_ARRAY(arena, Tendermint__Abci__ExecTxResult *, result->tx_count);
    for (size_t i = 0; i < result->tx_count; i++) {
        const struct vpr_tx_result *from = &result->txs[i];
        Tendermint__Abci__ExecTxResult *one =
            VPR_ARENA_NEW(arena, Tendermint__Abci__ExecTxResult);
        tendermint__abci__exec_tx_result__init(one);
        one->code = (uint32_t)from->code;
        one->data = binary(from->data.data, from->data.len);
        one->log = text_of(from->log);
        one->gas_wanted = (int64_t)from->gas_wanted;
        one->gas_used = (int64_t)from->gas_used;
        one->events = event_list(owner, result->events + from->event_first, from->event_count);
        one->n_events = from->event_count;
        if (from->code != VPR_OK) {
            one->codespace = text_of(CODESPACE);
        }
        list[i] = one;
    }
    return list;
}

/* For the listener; the transactions themselves are gone by then. */
static void keep_hashes(struct owner *owner, const struct vpr_app_block *block)
{
    if (block->count > owner->hash_room) {
        struct vpr_hash *grown = realloc(owner->hashes, block->count * sizeof grown[0]);
        if (grown == NULL) {
            VPR_HALT("out of memory");
        }
        owner->hashes = grown;
        owner->hash_room = block->count;
    }
    for (size_t i = 0; i < block->count; i++) {
        owner->hashes[i] = vpr_sha256(block->txs[i].data, block->txs[i].len);
    }
}

/* A misbehaviour that CometBFT of a later version may know is none that we punish. */
static bool signed_twice(const Tendermint__Abci__Misbehavior *one)
{
    return (one->type == TENDERMINT__ABCI__MISBEHAVIOR_TYPE__DUPLICATE_VOTE ||
            one->type == TENDERMINT__ABCI__MISBEHAVIOR_TYPE__LIGHT_CLIENT_ATTACK) &&
           one->height > 0;
}

static bool address_of(struct vpr_address *ret, const Tendermint__Abci__Validator *validator)
{
    if (validator == NULL || validator->address.len != sizeof ret->b) {
        return false;
    }
    memcpy(ret->b, validator->address.data, sizeof ret->b);
    return true;
}

/* What is said of no address of 20 bytes is of no validator of ours. */
static struct vpr_reports reports_of(struct owner *owner,
                                     const Tendermint__Abci__RequestFinalizeBlock *request)
{
    const Tendermint__Abci__CommitInfo *commit = request->decided_last_commit;
    size_t votes = commit != NULL ? commit->n_votes : 0;
    struct vpr_vote *vote = VPR_ARENA_ARRAY(&owner->arena, struct vpr_vote, votes + 1);
    struct vpr_fault *fault =
        VPR_ARENA_ARRAY(&owner->arena, struct vpr_fault, request->n_misbehavior + 1);
    struct vpr_reports reports = {.votes = vote, .faults = fault};

    for (size_t i = 0; i < votes; i++) {
        const Tendermint__Abci__VoteInfo *from = commit->votes[i];
        if (address_of(&vote[reports.vote_count].validator, from->validator)) {
            vote[reports.vote_count++].present =
                from->block_id_flag == TENDERMINT__TYPES__BLOCK_IDFLAG__BLOCK_ID_FLAG_COMMIT ||
                from->block_id_flag == TENDERMINT__TYPES__BLOCK_IDFLAG__BLOCK_ID_FLAG_NIL;
        }
    }
    for (size_t i = 0; i < request->n_misbehavior; i++) {
        const Tendermint__Abci__Misbehavior *from = request->misbehavior[i];
        if (signed_twice(from) &&
            address_of(&fault[reports.fault_count].validator, from->validator)) {
            fault[reports.fault_count++].height = (uint64_t)from->height;
        }
    }
    return reports;
}

void owner_finalize(struct owner *owner, struct abci_call *call,
                    const Tendermint__Abci__RequestFinalizeBlock *request)
{
    struct vpr_app_block block;
    const struct vpr_app_result *result;
    if (!take_block(owner, call, &block, request->height, request->time,
                    request->proposer_address, request->txs, request->n_txs)) {
        return;
    }
    block.reports = reports_of(owner, request);
    uint64_t start = vpr_mono_us();
    vpr_app_finalize(owner->app, &block, &result);
    owner->state = OWNER_EXECUTED;
    keep_hashes(owner, &block);
    owner->done = (struct bridge_committed){
        .height = block.height,
        .time_s = block.time_s,
        .proposer = block.proposer,
        .result = result,
        .tx_hashes = owner->hashes,
        .execute_us = vpr_mono_us() - start,
    };

    Tendermint__Abci__ResponseFinalizeBlock r = TENDERMINT__ABCI__RESPONSE_FINALIZE_BLOCK__INIT;
    r.tx_results = result_list(owner, result);
    r.n_tx_results = result->tx_count;
    r.validator_updates = validator_list(owner, result->validators, result->validator_count);
    r.n_validator_updates = result->validator_count;
    r.app_hash = binary(result->app_hash.b, sizeof result->app_hash.b);
    /* Headers say the application's version from the next block on; all else stays. */
    Tendermint__Types__ConsensusParams params = TENDERMINT__TYPES__CONSENSUS_PARAMS__INIT;
    Tendermint__Types__VersionParams version = TENDERMINT__TYPES__VERSION_PARAMS__INIT;
    if (result->upgraded_to != 0) {
        version.app = result->upgraded_to;
        params.version = &version;
        r.consensus_param_updates = &params;
    }
    abci_reply(call, &r.base);
}

bool owner_commit(struct owner *owner, struct abci_call *call)
{
    if (owner->state != OWNER_EXECUTED) {
        return illegal(owner, call, "EXECUTED");
    }
    vpr_app_commit(owner->app);
    owner->state = OWNER_READY;
    return true;
}

void owner_committed(struct owner *owner, struct abci_call *call)
{
    Tendermint__Abci__ResponseCommit r = TENDERMINT__ABCI__RESPONSE_COMMIT__INIT;
    uint64_t version;
    abci_reply(call, &r.base);
    /* Whom nobody asks for the next block must hear of it, too: without the others' votes
     * CometBFT only waits. */
    (void)outdated(owner, vpr_app_height(owner->app) + 1, &version);
    if (owner->options.committed != NULL) {
        owner->options.committed(owner->options.committed_arg, &owner->done);
    }
}

void owner_drop(struct owner *owner)
{
    if (owner->state == OWNER_EXECUTED) {
        vpr_log_info("node", "dropped", "height=%" PRIu64, owner->done.height);
        vpr_app_drop(owner->app);
        owner->state = vpr_app_height(owner->app) > 0 ? OWNER_READY : OWNER_GENESIS;
    }
}
