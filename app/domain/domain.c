#include "app/domain/domain.h"

#include "app/base/bytes.h"
#include "app/base/pbcheck.h"
#include "app/domain/actors.h"
#include "app/domain/beacon.h"
#include "app/domain/benches.h"
#include "app/domain/chains.h"
#include "app/domain/delegation.h"
#include "app/domain/doublesign.h"
#include "app/domain/downtime.h"
#include "app/domain/price.h"
#include "app/domain/proposals.h"
#include "app/domain/quality.h"
#include "app/domain/scores.h"
#include "app/domain/slashing.h"
#include "app/domain/unbonding.h"
#include "app/domain/votes.h"
#include "app/domain/wallet_gov_queries.h"
#include "viper/v1/genesis.pb-c.h"

/* Import goes down this list: accounts first, since stakes are paid from them; chains before
 * who lists them; validators before the session that draws. */
static const struct vpr_domain *const domains[] = {
    &vpr_accounts,
    &vpr_chains,
    &vpr_price,
    &vpr_actors,
    &vpr_servicers,
    &vpr_requestors,
    &vpr_fishermen,
    &vpr_validators,
    &vpr_delegation,
    &vpr_wallets,
    &vpr_scores,
    &vpr_sessions,
    &vpr_beacon,
    &vpr_benches,
    &vpr_commits,
    &vpr_reportcards,
    &vpr_settlement,
    &vpr_slashing,
    &vpr_downtimes,
    &vpr_quality,
    &vpr_proposals,
    &vpr_votes,
    &vpr_upgrades,
    &vpr_wallet_gov_queries,
    &vpr_changes,
};

const struct vpr_tables vpr_domain_tables = {
    .domains = domains,
    .count = VPR_COUNT(domains),
    .take_fee = vpr_account_take_fee,
};

/* ---- the order inside a block (docs/protocol.md, 8.4) ---- */

static void renew(struct vpr_ctx *ctx)
{
    if (vpr_session_opens_now(ctx)) {
        vpr_validators_renew(ctx);
    }
}

static void yield(struct vpr_ctx *ctx)
{
    if (vpr_session_opens_now(ctx)) {
        vpr_validators_yield(ctx);
    }
}

static void price(struct vpr_ctx *ctx)
{
    if (vpr_session_opens_now(ctx)) {
        vpr_price_close(ctx);
    }
}

static void presence(struct vpr_ctx *ctx)
{
    if (vpr_session_opens_now(ctx)) {
        vpr_cards_presence(ctx);
    }
}

static void cut(struct vpr_ctx *ctx)
{
    if (vpr_session_opens_now(ctx)) {
        vpr_version_cut(ctx, vpr_session_oldest_unsettled(ctx));
    }
}

const struct vpr_step vpr_steps_before[] = {
    {.name = "upgrade", .run = vpr_upgrade_step},
    {.name = "open", .run = vpr_session_open},
    {.name = "renew", .run = renew},
    {.name = "yield", .run = yield},
    {.name = "price", .run = price},
    {.name = "presence", .run = presence},
    {.name = "cut", .run = cut},
    {.name = "beacon", .run = vpr_beacon_step},
    {.name = "challenge", .run = vpr_session_challenge},
    {.name = "double_signs", .run = vpr_double_signs},
    {.name = "downtime", .run = vpr_downtime},
    {.name = "settle", .run = vpr_settlement_settle},
};
const size_t vpr_steps_before_count = VPR_COUNT(vpr_steps_before);

const struct vpr_step vpr_steps_after[] = {
    {.name = "unbond", .run = vpr_actors_unbond},
    {.name = "undelegate", .run = vpr_unbonding_pay},
    {.name = "tally", .run = vpr_governance_tally},
    {.name = "forget", .run = vpr_tx_forget},
    {.name = "supply", .run = vpr_supply_assert},
};
const size_t vpr_steps_after_count = VPR_COUNT(vpr_steps_after);

/* ---- genesis ---- */

static const char *const store_names[VPR_STORE_COUNT] = {
#define X(id, name) name,
    VPR_STORES(X)
#undef X
};

const char *const *vpr_domain_stores(void)
{
    return store_names;
}

static struct vpr_bytes schema_key(void)
{
    static const uint8_t key[] = {VPR_KEY_SCHEMA};
    return vpr_bytes_of(key, sizeof key);
}

enum vpr_code vpr_domain_schemas(const struct vpr_state *state, struct vpr_arena *arena,
                                 struct vpr_err *err)
{
    for (uint8_t id = 0; id < VPR_STORE_COUNT; id++) {
        struct vpr_bytes value;
        if (!vpr_state_get(state, arena, id, schema_key(), &value)) {
            return vpr_fail(err, VPR_BAD_FIELD, "store %s says no schema; this is %d",
                            store_names[id], VPR_SCHEMA);
        }
        if (value.len != 1 || value.data[0] != VPR_SCHEMA) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "store %s was written with schema %d; this version reads %d",
                            store_names[id], (int)value.data[0], VPR_SCHEMA);
        }
    }
    return VPR_OK;
}

static enum vpr_code import_params(struct vpr_ctx *ctx, const Viper__V1__Params *from)
{
    struct vpr_params params;
    if (from == NULL) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "genesis has no params");
    }
#define X(name, main, local, least, most, unit, slack) params.v[VPR_P_##name] = from->name;
    VPR_PARAMS(X)
#undef X
    VPR_TRY(vpr_params_check(&params, ctx->err));
    vpr_params_put(ctx, &params, 0);
    return VPR_OK;
}

static enum vpr_code import_lists(struct vpr_ctx *ctx, const Viper__V1__GenesisState *genesis)
{
    static const uint8_t schema[] = {VPR_SCHEMA};
    const struct vpr_key_buf chain_id = vpr_key(VPR_KEY_CHAIN_ID);
    for (uint8_t id = 0; id < VPR_STORE_COUNT; id++) {
        vpr_state_put(ctx->state, id, schema_key(), vpr_bytes_of(schema, sizeof schema));
    }
    vpr_state_put(ctx->state, VPR_STORE_PARAMS, vpr_key_bytes(&chain_id),
                  vpr_bytes_str(ctx->chain_id));
    VPR_TRY(import_params(ctx, genesis->params));
    for (size_t i = 0; i < VPR_COUNT(domains); i++) {
        if (domains[i]->import != NULL) {
            VPR_TRY(domains[i]->import(ctx, &genesis->base));
        }
    }
    return VPR_OK;
}

/* ---- an export ---- */

static enum vpr_code import_store(struct vpr_ctx *ctx, uint8_t id,
                                  const Viper__V1__GenesisStore *store)
{
    struct vpr_bytes before = {NULL, 0};
    for (size_t i = 0; i < store->n_pairs; i++) {
        const Viper__V1__GenesisPair *pair = store->pairs[i];
        struct vpr_bytes key = vpr_bytes_of(pair->key.data, pair->key.len);
        if (key.len == 0 || key.len > VPR_STORE_KEY_BYTES_MAX || pair->value.len == 0 ||
            (i > 0 && vpr_bytes_cmp(before, key) >= 0)) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "genesis store %s: pair %zu is empty or out "
                            "of order",
                            store->name, i);
        }
        vpr_state_put(ctx->state, id, key, vpr_bytes_of(pair->value.data, pair->value.len));
        before = key;
    }
    return VPR_OK;
}

static enum vpr_code import_stores(struct vpr_ctx *ctx, const Viper__V1__GenesisState *genesis)
{
    if (genesis->n_stores != VPR_STORE_COUNT) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "genesis has %zu stores instead of %d",
                        genesis->n_stores, VPR_STORE_COUNT);
    }
    for (uint8_t id = 0; id < VPR_STORE_COUNT; id++) {
        if (strcmp(genesis->stores[id]->name, store_names[id]) != 0) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD, "genesis store %d is %.40s instead of %s",
                            id, genesis->stores[id]->name, store_names[id]);
        }
        VPR_TRY(import_store(ctx, id, genesis->stores[id]));
    }
    VPR_TRY(vpr_domain_schemas(ctx->state, ctx->arena, ctx->err));
    const struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_ID);
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_PARAMS, vpr_key_bytes(&key), &value) ||
        !vpr_bytes_equal(value, vpr_bytes_str(ctx->chain_id))) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "the export is of another chain-id than %s",
                        ctx->chain_id);
    }
    struct vpr_block_mark mark = vpr_block_mark(ctx);
    if (mark.height != ctx->height) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "the export is of height %" PRIu64
                        "; its chain goes on at initial_height %" PRIu64 ", not %" PRIu64,
                        mark.height, mark.height + 1, ctx->height + 1);
    }
    return VPR_OK;
}

static bool has_lists(const Viper__V1__GenesisState *g)
{
    return g->params != NULL || g->price_micro_usd != 0 || g->n_accounts > 0 ||
           g->n_chains > 0 || g->n_zones > 0 || g->n_validators > 0 || g->n_servicers > 0 ||
           g->n_fishermen > 0 || g->n_requestors > 0;
}

enum vpr_code vpr_genesis_import(struct vpr_ctx *ctx, struct vpr_bytes state,
                                 uint64_t initial_height)
{
    struct vpr_pb_fault fault = {0, ""};
    VPR_ASSERT(ctx->height + 1 == initial_height);
    if (!vpr_pb_check(&viper__v1__genesis_state__descriptor, state, VPR_PB_CANONICAL,
                      UINT32_MAX, &fault)) {
        return vpr_fail(ctx->err, VPR_BAD_ENCODING, "genesis state at byte %zu: %s",
                        fault.offset, fault.reason);
    }
    const Viper__V1__GenesisState *genesis =
        (const Viper__V1__GenesisState *)vpr_arena_unpack(
            ctx->arena, &viper__v1__genesis_state__descriptor, state);
    if (genesis == NULL) {
        return vpr_fail(ctx->err, VPR_BAD_ENCODING, "genesis state cannot be decoded");
    }
    if (genesis->n_stores > 0 && has_lists(genesis)) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD, "genesis has either the readable lists or "
                        "stores of an export, not both");
    }
    VPR_TRY(genesis->n_stores > 0 ? import_stores(ctx, genesis) : import_lists(ctx, genesis));
    return vpr_domain_invariants(ctx);
}

static Viper__V1__GenesisStore *export_store(struct vpr_ctx *ctx, uint8_t id)
{
    static const uint8_t first[] = {0};
    struct vpr_bytes from = vpr_bytes_of(first, sizeof first), key, value;
    Viper__V1__GenesisStore *store = VPR_ARENA_NEW(ctx->arena, Viper__V1__GenesisStore);
    viper__v1__genesis_store__init(store);
    store->name = vpr_arena_text(ctx->arena, "%s", store_names[id]);
    size_t room = 0;
    while (vpr_state_next(ctx->state, ctx->arena, id, vpr_bytes_of(NULL, 0), from, &key,
                          &value)) {
        Viper__V1__GenesisPair *pair = VPR_ARENA_NEW(ctx->arena, Viper__V1__GenesisPair);
        viper__v1__genesis_pair__init(pair);
        pair->key.data = vpr_arena_copy(ctx->arena, key.data, key.len);
        pair->key.len = key.len;
        pair->value.data = vpr_arena_copy(ctx->arena, value.data, value.len);
        pair->value.len = value.len;
        if (store->n_pairs == room) {
            room = room == 0 ? 64 : room * 2;
            Viper__V1__GenesisPair **pairs =
                VPR_ARENA_ARRAY(ctx->arena, Viper__V1__GenesisPair *, room);
            if (store->n_pairs > 0) {
                memcpy(pairs, store->pairs, store->n_pairs * sizeof pairs[0]);
            }
            store->pairs = pairs;
        }
        store->pairs[store->n_pairs++] = pair;
        from = vpr_state_after(ctx->arena, key);
    }
    return store;
}

struct vpr_bytes vpr_genesis_export(struct vpr_ctx *ctx)
{
    Viper__V1__GenesisState genesis = VIPER__V1__GENESIS_STATE__INIT;
    Viper__V1__GenesisStore *stores[VPR_STORE_COUNT];
    for (uint8_t id = 0; id < VPR_STORE_COUNT; id++) {
        stores[id] = export_store(ctx, id);
    }
    genesis.stores = stores;
    genesis.n_stores = VPR_STORE_COUNT;
    return vpr_arena_pack(ctx->arena, &genesis.base);
}

/* ---- looking things up ---- */

static enum vpr_code check_invariant(struct vpr_ctx *ctx, const struct vpr_invariant *row)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_err broken = {VPR_OK, ""};
    struct vpr_ctx inner = *ctx;
    inner.err = &broken;
    enum vpr_code code = row->check(&inner);
    vpr_arena_release(ctx->arena, mark);
    return code == VPR_OK ? code : vpr_fail(ctx->err, code, "%s: %s", row->name, broken.text);
}

enum vpr_code vpr_domain_invariants(struct vpr_ctx *ctx)
{
    for (size_t d = 0; d < VPR_COUNT(domains); d++) {
        for (size_t i = 0; i < domains[d]->invariant_count; i++) {
            VPR_TRY(check_invariant(ctx, &domains[d]->invariants[i]));
        }
    }
    return VPR_OK;
}

const struct vpr_query *vpr_domain_query(const char *method)
{
    for (size_t d = 0; d < VPR_COUNT(domains); d++) {
        for (size_t i = 0; i < domains[d]->query_count; i++) {
            if (strcmp(domains[d]->queries[i].method, method) == 0) {
                return &domains[d]->queries[i];
            }
        }
    }
    return NULL;
}

struct vpr_block_mark vpr_block_mark(struct vpr_ctx *ctx)
{
    const struct vpr_key_buf key = vpr_key(VPR_KEY_BLOCK);
    struct vpr_block_mark mark = {0, 0};
    struct vpr_bytes value;
    if (vpr_state_get(ctx->state, ctx->arena, VPR_STORE_SESSIONS, vpr_key_bytes(&key),
                      &value)) {
        struct vpr_reader r = vpr_reader(value);
        mark.height = vpr_read_be64(&r);
        mark.time_s = (int64_t)vpr_read_be64(&r);
        VPR_ASSERT(vpr_read_done(&r));
    }
    return mark;
}
