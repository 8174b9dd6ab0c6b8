#include "app/app.h"

#include "app/base/mem.h"
#include "app/domain/beacon.h"
#include "app/inside.h"
#include "viper/v1/tx.pb-c.h"

/* Address space, committed as used. */
#define BLOCK_ARENA_BYTES (UINT64_C(2) << 30)
#define SCRATCH_ARENA_BYTES (UINT64_C(1) << 30)
#define PROPOSAL_ARENA_BYTES (UINT64_C(1) << 30)
#define GENESIS_ARENA_BYTES (UINT64_C(16) << 30)
#define SCHEMA_ARENA_BYTES (UINT64_C(1) << 20)

/* ---- open and close ---- */

static void take_view(struct vpr_app *app)
{
    if (app->view != NULL) {
        vpr_view_release(app->view);
    }
    app->view = vpr_store_view(app->store);
    app->committed = (struct vpr_state){NULL, app->view};
}

static void read_chain_id(struct vpr_app *app)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_ID);
    struct vpr_bytes value;
    size_t mark = vpr_arena_mark(&app->scratch);
    if (vpr_state_get(&app->committed, &app->scratch, VPR_STORE_PARAMS, vpr_key_bytes(&key),
                      &value)) {
        VPR_ASSERT(value.len <= VPR_CHAIN_ID_BYTES_MAX);
        memcpy(app->chain_id, value.data, value.len);
        app->chain_id[value.len] = '\0';
    }
    vpr_arena_release(&app->scratch, mark);
}

/* Records that another version wrote differently must not be read as ours. */
static bool check_schemas(struct vpr_store *store, char *err_text, size_t err_size)
{
    struct vpr_arena arena;
    struct vpr_err err = {VPR_OK, ""};
    struct vpr_state state = {store, NULL};
    if (vpr_store_height(store) == 0) {
        return true;
    }
    vpr_arena_init(&arena, SCHEMA_ARENA_BYTES);
    bool same = vpr_domain_schemas(&state, &arena, &err) == VPR_OK;
    vpr_arena_finish(&arena);
    vpr_store_reset(store);
    if (!same && err_size > 0) {
        size_t len = strlen(err.text) < err_size ? strlen(err.text) : err_size - 1;
        memcpy(err_text, err.text, len);
        err_text[len] = '\0';
    }
    return same;
}

struct vpr_app *vpr_app_open(struct vpr_kv *kv, char *err_text, size_t err_size)
{
    struct vpr_store *store =
        vpr_store_open(kv, vpr_domain_stores(), VPR_STORE_COUNT, err_text, err_size);
    if (store == NULL) {
        return NULL;
    }
    if (!check_schemas(store, err_text, err_size)) {
        vpr_store_close(store);
        return NULL;
    }
    struct vpr_app *app = vpr_mem_alloc(sizeof *app);
    app->store = store;
    app->in_hand = (struct vpr_state){store, NULL};
    vpr_arena_init(&app->block, BLOCK_ARENA_BYTES);
    vpr_arena_init(&app->scratch, SCRATCH_ARENA_BYTES);
    vpr_arena_init(&app->proposal, PROPOSAL_ARENA_BYTES);
    vpr_arena_init(&app->genesis_arena, GENESIS_ARENA_BYTES);
    app->pools = vpr_pools_create();
    app->waiting = vpr_waiting_create();
    take_view(app);
    read_chain_id(app);
    return app;
}

void vpr_app_close(struct vpr_app *app)
{
    if (app == NULL) {
        return;
    }
    vpr_view_release(app->view);
    vpr_pools_destroy(app->pools);
    vpr_waiting_destroy(app->waiting);
    vpr_arena_finish(&app->block);
    vpr_arena_finish(&app->scratch);
    vpr_arena_finish(&app->proposal);
    vpr_arena_finish(&app->genesis_arena);
    vpr_store_close(app->store);
    vpr_mem_free(app);
}

uint64_t vpr_app_height(const struct vpr_app *app)
{
    return vpr_store_height(app->store);
}

struct vpr_hash vpr_app_hash(const struct vpr_app *app)
{
    return vpr_store_app_hash(app->store);
}

const char *vpr_app_chain_id(const struct vpr_app *app)
{
    return app->chain_id;
}

/* ---- contexts ---- */

static struct vpr_ctx ctx_on(struct vpr_app *app, const struct vpr_state *state,
                             uint64_t height, int64_t time_s)
{
    struct vpr_ctx ctx;
    memset(&ctx, 0, sizeof ctx);
    ctx.state = state;
    ctx.arena = &app->scratch;
    ctx.err = &app->err;
    ctx.pools = app->pools;
    ctx.chain_id = app->chain_id;
    ctx.height = height;
    ctx.time_s = time_s;
    return ctx;
}

struct vpr_ctx vpr_app_read_ctx(struct vpr_app *app, uint64_t height, int64_t time_s)
{
    /* Before the first commit the state of genesis is the block in hand. */
    bool fresh = vpr_app_height(app) == 0;
    return ctx_on(app, fresh ? &app->in_hand : &app->committed, height, time_s);
}

struct vpr_ctx vpr_app_block_ctx(struct vpr_app *app, const struct vpr_app_block *block)
{
    struct vpr_ctx ctx = vpr_app_read_ctx(app, block->height, block->time_s);
    ctx.proposer = block->proposer;
    return ctx;
}

uint64_t vpr_app_version_at(struct vpr_app *app, uint64_t height)
{
    if (vpr_app_height(app) == 0) {
        return vpr_app_version; /* genesis begins with it */
    }
    struct vpr_ctx ctx = vpr_app_read_ctx(app, height, 0);
    size_t mark = vpr_arena_mark(ctx.arena);
    uint64_t version = vpr_upgrade_version_at(&ctx, height);
    vpr_arena_release(ctx.arena, mark);
    return version;
}

/* For the mempool: the block that comes next, at the time of the last one. */
static struct vpr_ctx next_ctx(struct vpr_app *app)
{
    struct vpr_ctx ctx = vpr_app_read_ctx(app, 0, 0);
    size_t mark = vpr_arena_mark(ctx.arena);
    struct vpr_block_mark last = vpr_block_mark(&ctx);
    vpr_arena_release(ctx.arena, mark);
    ctx.height = last.height + 1;
    ctx.time_s = last.time_s;
    return ctx;
}

static bool has_state(const struct vpr_app *app)
{
    return vpr_app_height(app) > 0 || app->genesis.chain_id != NULL;
}

/* ---- genesis ---- */

static enum vpr_code import(struct vpr_app *app)
{
    const struct vpr_app_genesis *genesis = &app->genesis;
    struct vpr_ctx ctx =
        ctx_on(app, &app->in_hand, genesis->initial_height - 1, genesis->time_s);
    ctx.arena = &app->genesis_arena; /* a big list in one go */
    size_t mark = vpr_arena_mark(ctx.arena);
    vpr_pools_forget(app->pools);
    VPR_TRY(vpr_genesis_import(&ctx, genesis->state, genesis->initial_height));
    /* The set that InitChain tells CometBFT is on record as told; an export has it already,
     * but CometBFT has not. */
    struct vpr_validator_update *set = NULL;
    (void)vpr_validators_update(&ctx, &set);
    app->first_count = vpr_validators_set(&ctx, &set);
    if (app->first_count == 0) {
        /* Told nothing, CometBFT would run with a set of its own that no record knows. */
        return vpr_fail(ctx.err, VPR_BAD_FIELD,
                        "no validator may enter the set; list at least one in validators");
    }
    vpr_arena_release(&app->proposal, 0);
    app->first_set = vpr_arena_copy(&app->proposal, set, app->first_count * sizeof set[0]);
    vpr_arena_release(ctx.arena, mark);
    return VPR_OK;
}

/* Brings the block in hand to committed state: empty, or genesis before the first commit. */
static enum vpr_code start_over(struct vpr_app *app)
{
    vpr_store_reset(app->store);
    app->executed = 0;
    if (vpr_app_height(app) > 0 || app->genesis.chain_id == NULL) {
        return VPR_OK;
    }
    return import(app);
}

static enum vpr_code keep_genesis(struct vpr_app *app, const struct vpr_app_genesis *genesis,
                                  struct vpr_err *err)
{
    size_t len = strlen(genesis->chain_id);
    if (vpr_app_height(app) > 0) {
        return vpr_fail(err, VPR_BAD_STATUS, "InitChain after height %" PRIu64 " was committed",
                        vpr_app_height(app));
    }
    if (len == 0 || len > VPR_CHAIN_ID_BYTES_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a chain-id has 1 to %d bytes, not %zu",
                        VPR_CHAIN_ID_BYTES_MAX, len);
    }
    if (genesis->initial_height < 1 || genesis->initial_height > INT64_MAX ||
        genesis->time_s < 0) {
        return vpr_fail(err, VPR_BAD_FIELD, "initial_height %" PRIu64 " must be at least 1 and "
                        "genesis time %" PRId64 " at least 0", genesis->initial_height,
                        genesis->time_s);
    }
    vpr_waiting_clear(app->waiting);
    vpr_arena_release(&app->genesis_arena, 0);
    memcpy(app->chain_id, genesis->chain_id, len + 1);
    app->genesis = *genesis;
    app->genesis.chain_id = app->chain_id;
    app->genesis.state = vpr_arena_bytes(&app->genesis_arena, genesis->state);
    return VPR_OK;
}

enum vpr_code vpr_app_init(struct vpr_app *app, const struct vpr_app_genesis *genesis,
                           const struct vpr_validator_update **ret_validators,
                           size_t *ret_count, struct vpr_hash *ret_hash, struct vpr_err *err)
{
    VPR_TRY(keep_genesis(app, genesis, err));
    enum vpr_code code = start_over(app);
    if (code != VPR_OK) {
        *err = app->err;
        app->genesis.chain_id = NULL;
        vpr_store_reset(app->store);
        return code;
    }
    *ret_hash = vpr_store_root(app->store);
    /* The root is final for what is in hand: bring genesis back for what comes next. */
    code = start_over(app);
    VPR_ASSERT(code == VPR_OK);
    *ret_validators = app->first_set;
    *ret_count = app->first_count;
    return VPR_OK;
}

/* ---- mempool ---- */

static void no_state(struct vpr_app *app, struct vpr_tx_result *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->code = vpr_fail(&app->err, VPR_UNSUPPORTED, "the chain has no state yet");
    memcpy(ret->log, app->err.text, sizeof ret->log);
}

void vpr_app_check(struct vpr_app *app, struct vpr_bytes tx, bool recheck,
                   struct vpr_tx_result *ret)
{
    if (!has_state(app)) {
        no_state(app, ret);
        return;
    }
    struct vpr_ctx ctx = next_ctx(app);
    vpr_tx_check(&ctx, &vpr_domain_tables, tx, recheck, ret);
    if (ret->code == VPR_OK && !vpr_waiting_add(app->waiting, &ret->place)) {
        ret->code = vpr_fail(&app->err, ret->taken,
                             "the mempool has %s already; wait for the next block",
                             ret->taken == VPR_REPLAYED
                                 ? "this unordered transaction"
                                 : "a transaction of the account with this sequence");
        memcpy(ret->log, app->err.text, sizeof ret->log);
    }
}

void vpr_app_simulate(struct vpr_app *app, struct vpr_bytes tx, struct vpr_tx_result *ret)
{
    /* It writes into the block in hand and undoes it, so there must be none. */
    if (vpr_app_height(app) == 0 || app->executed != 0) {
        no_state(app, ret);
        return;
    }
    struct vpr_ctx ctx = next_ctx(app);
    ctx.state = &app->in_hand;
    vpr_tx_simulate(&ctx, &vpr_domain_tables, tx, ret);
    vpr_store_reset(app->store);
}

/* ---- a block ---- */

/* What every validator accepted and this node does not compute is this node's fault. */
static struct vpr_bytes settled_reveal(struct vpr_ctx *ctx, const struct vpr_app_block *block)
{
    if (block->count == 0) {
        VPR_HALT("a decided block without system transaction");
    }
    const Viper__V1__MsgSystem *m =
        (const Viper__V1__MsgSystem *)vpr_tx_system_unpack(ctx->arena, block->txs[0]);
    if (m == NULL) {
        VPR_HALT("a decided block does not begin with a system transaction");
    }
    struct vpr_bytes reveal = vpr_bytes_of(m->reveal.data, m->reveal.len);
    struct vpr_bytes own = vpr_app_system_tx(ctx, reveal);
    if (own.len != block->txs[0].len || memcmp(own.data, block->txs[0].data, own.len) != 0) {
        VPR_HALT("a decided block's Verify entries differ from those computed here");
    }
    return reveal;
}

static void run_steps(struct vpr_ctx *ctx, const struct vpr_step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        steps[i].run(ctx);
        vpr_arena_release(ctx->arena, mark);
    }
}

/* What the chain does by itself is told by the system transaction, also what it does after the
 * others: so one search finds all that happened. */
static void order_events(struct vpr_app *app, struct vpr_tx_result *txs, size_t before,
                         size_t after)
{
    struct vpr_events *events = &app->events;
    size_t late = events->count - after;
    struct vpr_event **list =
        VPR_ARENA_ARRAY(&app->block, struct vpr_event *, events->count + 1);
    for (size_t i = 0; i < events->count; i++) {
        size_t to = i < before ? i : i < after ? i + late : i - after + before;
        list[to] = events->list[i];
    }
    txs[0].event_first = 0;
    txs[0].event_count = before + late;
    for (size_t i = 1; i < app->result.tx_count; i++) {
        txs[i].event_first += late;
    }
    app->result.events = (const struct vpr_event *const *)list;
}

/* What CometBFT is told outlives the scratch of the block. */
static void update_set(struct vpr_app *app, struct vpr_ctx *ctx)
{
    struct vpr_validator_update *updates = NULL;
    ctx->arena = &app->block;
    app->result.validator_count = vpr_validators_update(ctx, &updates);
    app->result.validators = updates;
}

static void execute(struct vpr_app *app, struct vpr_ctx *ctx, const struct vpr_app_block *block)
{
    struct vpr_tx_result *txs =
        VPR_ARENA_ARRAY(&app->block, struct vpr_tx_result, block->count);

    run_steps(ctx, vpr_steps_before, vpr_steps_before_count);
    size_t before = app->events.count;
    for (size_t i = 1; i < block->count; i++) {
        vpr_tx_run(ctx, &vpr_domain_tables, block->txs[i], &txs[i]);
    }
    size_t after = app->events.count;
    run_steps(ctx, vpr_steps_after, vpr_steps_after_count);
    update_set(app, ctx); /* has events too, so before they are put in order */

    app->result.txs = txs;
    app->result.tx_count = block->count;
    order_events(app, txs, before, after);
}

void vpr_app_finalize(struct vpr_app *app, const struct vpr_app_block *block,
                      const struct vpr_app_result **ret)
{
    uint64_t last = vpr_app_height(app);
    VPR_ASSERT(block->height == (last > 0 ? last + 1 : app->genesis.initial_height));
    VPR_ASSERT(block->count <= VPR_BLOCK_TXS_MAX); /* more was rejected by everybody */
    if (app->executed != 0) {
        vpr_pools_forget(app->pools);
    }
    enum vpr_code code = start_over(app);
    VPR_ASSERT(code == VPR_OK);
    vpr_arena_release(&app->block, 0);
    vpr_arena_release(&app->scratch, 0);
    memset(&app->events, 0, sizeof app->events);
    memset(&app->result, 0, sizeof app->result);
    app->events.arena = &app->block;

    struct vpr_ctx ctx = vpr_app_block_ctx(app, block);
    ctx.state = &app->in_hand;
    ctx.events = &app->events;
    ctx.reports = &block->reports;
    /* Lives in scratch until the end: the mark is not taken back before. */
    ctx.reveal = settled_reveal(&ctx, block);
    const Viper__V1__Upgrade *plan = vpr_upgrade_plan(&ctx);
    app->result.upgraded_to =
        plan != NULL && plan->height <= block->height ? plan->version : 0;
    execute(app, &ctx, block);

    app->result.app_hash = vpr_store_root(app->store);
    app->executed = block->height;
    vpr_arena_release(&app->scratch, 0);
    *ret = &app->result;
}

bool vpr_app_executed(const struct vpr_app *app)
{
    return app->executed != 0;
}

void vpr_app_drop(struct vpr_app *app)
{
    if (app->executed != 0) {
        vpr_pools_forget(app->pools);
        enum vpr_code code = start_over(app);
        VPR_ASSERT(code == VPR_OK);
    }
}

void vpr_app_commit(struct vpr_app *app)
{
    VPR_ASSERT(app->executed != 0);
    vpr_store_commit(app->store, app->executed);
    app->executed = 0;
    app->genesis.chain_id = NULL;
    vpr_arena_release(&app->genesis_arena, 0);
    vpr_waiting_clear(app->waiting); /* what still waits is rechecked now */
    take_view(app);
}

/* ---- readers ---- */

bool vpr_app_beacon_end(struct vpr_app *app, const struct vpr_address *proposer,
                        struct vpr_hash *ret_end)
{
    if (!has_state(app)) {
        return false;
    }
    struct vpr_ctx ctx = next_ctx(app);
    size_t mark = vpr_arena_mark(ctx.arena);
    bool found = vpr_validator_beacon_end(&ctx, proposer, ret_end);
    vpr_arena_release(ctx.arena, mark);
    return found;
}

struct vpr_view *vpr_app_view(struct vpr_app *app)
{
    return vpr_store_view(app->store);
}

struct vpr_ctx vpr_app_query_ctx(struct vpr_state *state, struct vpr_view *view,
                                 struct vpr_arena *arena, struct vpr_err *err,
                                 struct vpr_pools *pools)
{
    struct vpr_ctx ctx;
    const struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_ID);
    struct vpr_bytes chain_id = {NULL, 0};

    *state = (struct vpr_state){NULL, view};
    memset(&ctx, 0, sizeof ctx);
    ctx.state = state;
    ctx.arena = arena;
    ctx.err = err;
    ctx.pools = pools;
    if (!vpr_state_get(state, arena, VPR_STORE_PARAMS, vpr_key_bytes(&key), &chain_id)) {
        chain_id = vpr_bytes_str("");
    }
    ctx.chain_id =
        vpr_arena_text(arena, "%.*s", (int)chain_id.len, (const char *)chain_id.data);
    struct vpr_block_mark mark = vpr_block_mark(&ctx);
    ctx.height = mark.height;
    ctx.time_s = mark.time_s;
    return ctx;
}

bool vpr_app_rollback(struct vpr_app *app, uint64_t height, char *err_text, size_t err_size)
{
    vpr_app_drop(app);
    if (!vpr_store_rollback(app->store, height, err_text, err_size)) {
        return false;
    }
    vpr_pools_forget(app->pools);
    vpr_waiting_clear(app->waiting);
    take_view(app);
    return true;
}
