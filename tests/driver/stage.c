/* Handshake: a node that comes up is told the genesis, or the blocks it lacks. */
#include "tests/driver/stage.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/host/pbjson.h"

#define ARENA_BYTES (UINT64_C(1) << 34) /* address space */
#define STATE_BYTES_MAX (UINT64_C(1) << 30)
#define LINE_BYTES_MAX (UINT64_C(1) << 30)

static void give_up(const struct node *node, const char *what)
{
    node_blame(node, what);
    exit(1);
}

/* ---- genesis ---- */

/* Chains of our own length instead of those of the cast; then what the play changes. */
static void change_genesis(Viper__V1__GenesisState *genesis, void *arg)
{
    struct stage *stage = arg;
    const struct stage_options *o = &stage->options;
    for (size_t i = 0; i < genesis->n_validators; i++) {
        const char *label = vpr_arena_text(&stage->keep, "validator%zu", i + 1);
        struct vpr_hash end = beacon_grow(&stage->beacons[i], label, o->beacon_length);
        genesis->validators[i]->beacon_end.data =
            vpr_arena_copy(&stage->keep, end.b, sizeof end.b);
    }
    if (o->change != NULL) {
        o->change(genesis, o->change_arg);
    }
}

static void make_genesis(struct stage *stage)
{
    const struct vpr_pbjson_options options = {.omit_defaults = false};
    struct vpr_buf text;
    struct vpr_err err;
    Viper__V1__GenesisState *genesis =
        cast_genesis(&stage->keep, &stage->options.size, change_genesis, stage);

    vpr_buf_init(&text, STATE_BYTES_MAX);
    if (vpr_pbjson_write(&text, &genesis->base, &options, &err) != VPR_OK) {
        VPR_HALT(err.text);
    }
    stage->app_state = text.data;
    stage->time_s = WORLD_TIME_S;
}

static Google__Protobuf__Timestamp *stamp(struct vpr_arena *arena, int64_t time_s)
{
    Google__Protobuf__Timestamp *t = VPR_ARENA_NEW(arena, Google__Protobuf__Timestamp);
    google__protobuf__timestamp__init(t);
    t->seconds = time_s;
    return t;
}

static Tendermint__Types__ConsensusParams *consensus_params(struct vpr_arena *arena)
{
    Tendermint__Types__ConsensusParams *p =
        VPR_ARENA_NEW(arena, Tendermint__Types__ConsensusParams);
    tendermint__types__consensus_params__init(p);
    p->block = VPR_ARENA_NEW(arena, Tendermint__Types__BlockParams);
    tendermint__types__block_params__init(p->block);
    p->block->max_bytes = MAX_TX_BYTES;
    p->block->max_gas = -1;
    p->version = VPR_ARENA_NEW(arena, Tendermint__Types__VersionParams);
    tendermint__types__version_params__init(p->version);
    p->version->app = 1;
    return p;
}

static const char genesis_form[] =
    "{\"genesis_time\":\"%s\",\"chain_id\":\"" WORLD_CHAIN_ID "\",\"initial_height\":\"1\","
    "\"consensus_params\":{\"block\":{\"max_bytes\":\"8388608\",\"max_gas\":\"-1\"},"
    "\"evidence\":{\"max_age_num_blocks\":\"100000\",\"max_age_duration\":\"172800000000000\","
    "\"max_bytes\":\"1048576\"},\"validator\":{\"pub_key_types\":[\"ed25519\"]},"
    "\"version\":{\"app\":\"1\"},\"abci\":{\"vote_extensions_enable_height\":\"0\"}},"
    "\"app_hash\":\"\",\"app_state\":%s}\n";

/* The product's own tool looks at the genesis before a node gets it. */
static void validate(const struct stage *stage)
{
    char path[256], time_text[VPR_TIME_TEXT_MAX];
    int status;
    VPR_ASSERT(vpr_time_text(time_text, stage->time_s, 0));
    (void)snprintf(path, sizeof path, "%s/genesis.json", stage->options.folder);
    FILE *out = fopen(path, "w");
    VPR_ASSERT(out != NULL);
    fprintf(out, genesis_form, time_text, stage->app_state);
    VPR_ASSERT(fclose(out) == 0);
    pid_t pid = fork();
    VPR_ASSERT(pid >= 0);
    if (pid == 0) {
        (void)dup2(2, 1);
        (void)execl(stage->options.viperd, "viperd", "genesis", "validate", path, (char *)NULL);
        _exit(127);
    }
    VPR_ASSERT(waitpid(pid, &status, 0) == pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "driver: viperd genesis validate %s: refused\n", path);
        exit(1);
    }
}

static void init_chain(struct stage *stage, struct node *node)
{
    Tendermint__Abci__RequestInitChain init = TENDERMINT__ABCI__REQUEST_INIT_CHAIN__INIT;
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    init.time = stamp(&stage->block, WORLD_TIME_S);
    init.chain_id = vpr_arena_text(&stage->block, "%s", WORLD_CHAIN_ID);
    init.consensus_params = consensus_params(&stage->block);
    init.app_state_bytes.data =
        vpr_arena_copy(&stage->block, stage->app_state, strlen(stage->app_state));
    init.app_state_bytes.len = strlen(stage->app_state);
    init.initial_height = 1;
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_INIT_CHAIN;
    request.init_chain = &init;
    const Tendermint__Abci__ResponseInitChain *r =
        node_call(node, &stage->block, &request, TENDERMINT__ABCI__RESPONSE__VALUE_INIT_CHAIN)
            ->init_chain;
    VPR_ASSERT(r->app_hash.len == 32);
    if (stage->now.count > 0) {
        if (memcmp(stage->genesis_hash.b, r->app_hash.data, 32) != 0) {
            give_up(node, "another app hash of genesis than before");
        }
        return;
    }
    memcpy(stage->genesis_hash.b, r->app_hash.data, 32);
    stage->app_hash = stage->genesis_hash;
    set_update(&stage->now, r->validators, r->n_validators);
    stage->next = stage->now;
    (void)set_turn(&stage->next);
}

/* ---- handshake ---- */

static void replay(struct stage *stage, struct node *node, uint64_t height)
{
    const struct kept_block *block = &stage->blocks[height];
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    Tendermint__Abci__RequestCommit commit = TENDERMINT__ABCI__REQUEST_COMMIT__INIT;

    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_FINALIZE_BLOCK;
    request.finalize_block = tendermint__abci__request_finalize_block__unpack(
        NULL, block->len, block->finalize);
    VPR_ASSERT(request.finalize_block != NULL);
    const Tendermint__Abci__ResponseFinalizeBlock *r =
        node_call(node, &stage->block, &request,
                  TENDERMINT__ABCI__RESPONSE__VALUE_FINALIZE_BLOCK)->finalize_block;
    if (r->app_hash.len != 32 || memcmp(r->app_hash.data, block->app_hash.b, 32) != 0) {
        give_up(node, vpr_arena_text(&stage->block, "replay of block %" PRIu64
                                     " gave another app hash", height));
    }
    tendermint__abci__request_finalize_block__free_unpacked(request.finalize_block, NULL);
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_COMMIT;
    request.commit = &commit;
    (void)node_call(node, &stage->block, &request, TENDERMINT__ABCI__RESPONSE__VALUE_COMMIT);
}

static void handshake(struct stage *stage, struct node *node)
{
    Tendermint__Abci__RequestInfo info = TENDERMINT__ABCI__REQUEST_INFO__INIT;
    Tendermint__Abci__Request request = TENDERMINT__ABCI__REQUEST__INIT;
    request.value_case = TENDERMINT__ABCI__REQUEST__VALUE_INFO;
    request.info = &info;
    const Tendermint__Abci__ResponseInfo *r =
        node_call(node, &stage->block, &request, TENDERMINT__ABCI__RESPONSE__VALUE_INFO)->info;
    VPR_ASSERT(r->last_block_height >= 0);
    uint64_t height = (uint64_t)r->last_block_height;
    if (height > stage->height) {
        give_up(node, "committed what was never decided");
    }
    if (height == 0) {
        init_chain(stage, node);
    } else if (r->last_block_app_hash.len != 32 ||
               memcmp(r->last_block_app_hash.data, stage->blocks[height].app_hash.b, 32) != 0) {
        give_up(node, "came back with another app hash");
    }
    while (height < stage->height) {
        replay(stage, node, ++height);
    }
}

/* The plan whose block is the coming one, or NULL. */
static const Viper__V1__Upgrade *plan_due(struct stage *stage)
{
    const uint8_t key = VPR_KEY_UPGRADE;
    if (stage->mirror == NULL) {
        return NULL;
    }
    const Viper__V1__Upgrade *plan = (const Viper__V1__Upgrade *)mirror_record(
        stage->mirror, &stage->block, VPR_STORE_GOVERNANCE, vpr_bytes_of(&key, 1),
        &viper__v1__upgrade__descriptor);
    return plan != NULL && plan->height == stage->height + 1 ? plan : NULL;
}

static bool next_is_due(struct stage *stage)
{
    const Viper__V1__Upgrade *plan = plan_due(stage);
    return stage->options.next != NULL && plan != NULL && plan->version == NEXT_VERSION;
}

bool stage_is_over(struct stage *stage)
{
    return plan_due(stage) != NULL && !next_is_due(stage);
}

void stage_bring_back(struct stage *stage, size_t n)
{
    struct node *node = &stage->nodes[n];
    node_start(node);
    handshake(stage, node);
    stage->stats.restarts++;
}

void stage_restart(struct stage *stage, size_t n, bool kill9)
{
    VPR_ASSERT(n < stage->node_count);
    if (next_is_due(stage)) {
        kill9 = true; /* it ends by itself, and not with 0: the next block is not its own */
        stage->nodes[n].viperd = stage->options.next;
    }
    node_stop(&stage->nodes[n], kill9);
    record_restart(stage, n, kill9 ? "kill" : "term", "ready", stage->height);
    stage_bring_back(stage, n);
    pool_offer(stage, n);
}

void stage_upgrade(struct stage *stage)
{
    for (size_t i = 0; i < stage->node_count && next_is_due(stage); i++) {
        if (stage->nodes[i].viperd != stage->options.next) {
            stage_restart(stage, i, true);
        }
    }
}

void stage_check(struct stage *stage)
{
    for (size_t i = 0; i < stage->node_count; i++) {
        node_check(&stage->nodes[i], stage->height, &stage->app_hash);
        stage->stats.checks++;
    }
}

/* ---- life ---- */

void stage_open(struct stage *stage, const struct stage_options *options)
{
    memset(stage, 0, sizeof *stage);
    stage->options = *options;
    VPR_ASSERT(options->nodes >= 1 && options->nodes <= NODES_MAX);
    vpr_sig_init();
    vpr_arena_init(&stage->keep, ARENA_BYTES);
    vpr_arena_init(&stage->block, ARENA_BYTES);
    vpr_buf_init(&stage->line, LINE_BYTES_MAX);
    stage->mirror = options->changes ? mirror_create() : NULL;
    for (unsigned i = 0; i < VALIDATORS_MAX; i++) {
        stage->beacons[i].consensus =
            world_consensus(vpr_arena_text(&stage->keep, "validator%u", i + 1));
    }
    make_genesis(stage);
    if (options->validate) {
        validate(stage);
    }
    for (unsigned i = 0; i < options->nodes; i++) {
        struct vpr_hash first =
            beacon_first(vpr_arena_text(&stage->keep, "validator%u", i + 1), 0);
        node_create(&stage->nodes[i], options->viperd, options->folder, (int)i, (int)i + 1,
                    &first, options->beacon_length);
        stage->node_count++;
        node_start(&stage->nodes[i]);
        handshake(stage, &stage->nodes[i]);
    }
    record_history(stage);
}

void stage_close(struct stage *stage)
{
    bool due = plan_due(stage) != NULL; /* then nodes do not end with 0 */
    for (size_t i = 0; i < stage->node_count; i++) {
        if (next_is_due(stage)) {
            stage->nodes[i].viperd = stage->options.next;
        }
        node_stop(&stage->nodes[i], due);
    }
    while (stage->pool_count > 0) {
        pool_forget(stage, stage->pool[0]);
    }
    for (uint64_t h = 0; h < stage->block_room; h++) {
        free(stage->blocks[h].finalize);
    }
    for (size_t i = 0; i < VALIDATORS_MAX; i++) {
        for (size_t k = 0; k < stage->beacons[i].count; k++) {
            free(stage->beacons[i].chains[k].values);
        }
    }
    if (stage->mirror != NULL) {
        mirror_destroy(stage->mirror);
    }
    free(stage->blocks);
    free(stage->pool);
    free(stage->app_state);
    vpr_buf_finish(&stage->line);
    vpr_arena_finish(&stage->keep);
    vpr_arena_finish(&stage->block);
}
