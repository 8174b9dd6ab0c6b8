#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/app.h"
#include "app/base/bytes.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "tests/unit/world.h"

/* The chain through its face: genesis, proposals, blocks, commits.  Everything is signed and
 * proposed as CometBFT would have it done. */

#define ROOM UINT64_C(8000000)
#define NODE_BYTES (UINT64_C(1) << 30)

static struct vpr_app *app;
static struct vpr_arena node;
static struct vpr_kv *kv;
static uint64_t height;

static struct vpr_app *open_app(void)
{
    char text[256] = "";
    kv = vpr_kv_memory_open();
    struct vpr_app *a = vpr_app_open(kv, text, sizeof text);
    ck_assert_msg(a != NULL, "%s", text);
    return a;
}

static enum vpr_code init(struct vpr_app *a, const char *chain_id, world_change_fn *change,
                          size_t *ret_count, struct vpr_hash *ret_hash, struct vpr_err *err)
{
    const struct vpr_validator_update *updates;
    struct vpr_app_genesis genesis = {
        .chain_id = chain_id,
        .initial_height = 1,
        .time_s = WORLD_TIME_S,
        .state = world_genesis(&node, change, NULL),
    };
    return vpr_app_init(a, &genesis, &updates, ret_count, ret_hash, err);
}

static void set_up(void)
{
    struct vpr_err err;
    struct vpr_hash hash;
    size_t count;
    vpr_arena_init(&node, NODE_BYTES);
    app = open_app();
    ck_assert_msg(init(app, WORLD_CHAIN_ID, NULL, &count, &hash, &err) == VPR_OK, "%s",
                  err.text);
    ck_assert_uint_eq(count, WORLD_VALIDATORS);
    height = 0;
}

static void tear_down(void)
{
    vpr_app_close(app);
    vpr_arena_finish(&node);
}

/* ---- transactions and blocks ---- */

static struct vpr_bytes send_as(const char *from, const struct world_envelope *envelope,
                                uint64_t amount)
{
    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT, *coins = &coin;
    Cosmos__Bank__V1beta1__MsgSend m = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
    const ProtobufCMessage *list = &m.base;
    char digits[32], denom[] = "uvipr";
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)amount);
    coin.denom = denom;
    coin.amount = digits;
    m.from_address = world_text(from);
    m.to_address = world_text("carol");
    m.amount = &coins;
    m.n_amount = 1;
    return world_sign(&node, from, envelope, &list, 1);
}

/* alice has account number 0, bob 1. */
static struct vpr_bytes alice(uint64_t sequence, uint64_t fee)
{
    struct world_envelope e = {.sequence = sequence, .fee_uvipr = fee};
    return send_as("alice", &e, 1);
}

static struct vpr_bytes bob(uint64_t sequence, uint64_t fee)
{
    struct world_envelope e = {.account_number = 1, .sequence = sequence, .fee_uvipr = fee};
    return send_as("bob", &e, 1);
}

static struct vpr_app_block block_at(uint64_t at, const struct vpr_bytes *txs, size_t count)
{
    return (struct vpr_app_block){
        .height = at,
        .time_s = WORLD_TIME_S + (int64_t)at,
        .proposer = world_consensus("validator1"),
        .txs = txs,
        .count = count,
    };
}

static struct vpr_bytes reveal(void)
{
    struct vpr_address proposer = world_consensus("validator1");
    struct vpr_hash end, x;
    ck_assert(vpr_app_beacon_end(app, &proposer, &end));
    ck_assert(world_beacon_reveal("validator1", &end, &x));
    return vpr_bytes_of(vpr_arena_copy(&node, x.b, sizeof x.b), sizeof x.b);
}

/* What the proposer makes of a mempool; copied out of the app. */
static struct vpr_app_block propose(const struct vpr_bytes *mempool, size_t count,
                                    uint64_t room)
{
    struct vpr_app_block asked = block_at(height + 1, mempool, count);
    const struct vpr_bytes *txs;
    size_t n;
    vpr_app_prepare(app, &asked, room, reveal(), &txs, &n);
    struct vpr_bytes *list = VPR_ARENA_ARRAY(&node, struct vpr_bytes, n);
    for (size_t i = 0; i < n; i++) {
        list[i] = vpr_arena_bytes(&node, txs[i]);
    }
    return block_at(height + 1, list, n);
}

static const struct vpr_app_result *execute(const struct vpr_app_block *block)
{
    struct vpr_err err;
    const struct vpr_app_result *result;
    ck_assert_msg(vpr_app_process(app, block, &err), "%s", err.text);
    vpr_app_finalize(app, block, &result);
    ck_assert_uint_eq(result->tx_count, block->count);
    return result;
}

static const struct vpr_app_result *run_block(const struct vpr_bytes *mempool, size_t count)
{
    struct vpr_app_block block = propose(mempool, count, ROOM);
    const struct vpr_app_result *result = execute(&block);
    vpr_app_commit(app);
    height++;
    return result;
}

static bool holds(const struct vpr_app_block *block, size_t at, struct vpr_bytes raw)
{
    return at < block->count && vpr_bytes_equal(block->txs[at], raw);
}

/* ---- genesis ---- */

START_TEST(genesis_can_be_told_again_until_the_first_commit)
{
    struct vpr_err err;
    struct vpr_hash first, again;
    size_t count;
    ck_assert_int_eq(init(app, WORLD_CHAIN_ID, NULL, &count, &first, &err), VPR_OK);
    ck_assert_int_eq(init(app, WORLD_CHAIN_ID, NULL, &count, &again, &err), VPR_OK);
    ck_assert_mem_eq(first.b, again.b, 32);
    ck_assert_uint_eq(vpr_app_height(app), 0);
    (void)run_block(NULL, 0);
    ck_assert_int_eq(init(app, WORLD_CHAIN_ID, NULL, &count, &again, &err), VPR_BAD_STATUS);
    ck_assert_uint_eq(vpr_app_height(app), 1);
}
END_TEST

static void bad_split(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->split_dao = 1;
}

static void poor_owner(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < genesis->n_accounts; i++) {
        if (strcmp(genesis->accounts[i]->address, world_text("servicer3.owner")) == 0) {
            genesis->accounts[i]->balance = 5;
        }
    }
}

static void twice(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->accounts[genesis->n_accounts++] = genesis->accounts[0];
}

static void without_params(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params = NULL;
}

static void without_validators(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->n_validators = 0;
}

static void strange_key(Viper__V1__GenesisState *genesis, void *arg)
{
    static uint8_t key[33];
    struct vpr_public_key bob = world_key("bob");
    (void)arg;
    memcpy(key, bob.b, 32);
    genesis->accounts[0]->key_type = VIPER__V1__KEY_TYPE__KEY_TYPE_ED25519;
    genesis->accounts[0]->key = (ProtobufCBinaryData){32, key};
}

/* Nobody can sign for the neutral point, or everybody. */
static void neutral_key(Viper__V1__GenesisState *genesis, void *arg)
{
    static uint8_t key[32] = {1};
    struct vpr_hash point = {{1}};
    struct vpr_address who = vpr_address_ed25519(&point);
    (void)arg;
    genesis->accounts[0]->address = world_text_of(&who);
    genesis->accounts[0]->key_type = VIPER__V1__KEY_TYPE__KEY_TYPE_ED25519;
    genesis->accounts[0]->key = (ProtobufCBinaryData){32, key};
}

START_TEST(a_genesis_without_validators_or_with_anothers_key_is_refused)
{
    struct vpr_err err;
    struct vpr_hash hash;
    size_t count;
    struct vpr_app *fresh = open_app();
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, without_validators, &count, &hash, &err),
                     VPR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(err.text, "validators"));
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, strange_key, &count, &hash, &err),
                     VPR_BAD_KEY);
    ck_assert_ptr_nonnull(strstr(err.text, world_text("alice")));
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, neutral_key, &count, &hash, &err),
                     VPR_BAD_KEY);
    ck_assert_ptr_nonnull(strstr(err.text, "point"));
    vpr_app_close(fresh);
}
END_TEST

START_TEST(a_wrong_genesis_is_refused_with_its_reason_and_a_right_one_taken_after_it)
{
    struct vpr_err err;
    struct vpr_hash hash;
    size_t count;
    struct vpr_app *fresh = open_app();
    ck_assert_int_eq(init(fresh, "", NULL, &count, &hash, &err), VPR_BAD_FIELD);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, bad_split, &count, &hash, &err),
                     VPR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(err.text, "split_"));
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, poor_owner, &count, &hash, &err),
                     VPR_NO_FUNDS);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, twice, &count, &hash, &err), VPR_DUPLICATE);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, without_params, &count, &hash, &err),
                     VPR_BAD_FIELD);
    struct vpr_tx_result r;
    vpr_app_check(fresh, alice(0, 0), false, &r);
    ck_assert_int_eq(r.code, VPR_UNSUPPORTED);
    ck_assert_msg(init(fresh, WORLD_CHAIN_ID, NULL, &count, &hash, &err) == VPR_OK, "%s",
                  err.text);
    vpr_app_close(fresh);
}
END_TEST

/* ---- restarts ---- */

static void stay(void *self)
{
    (void)self; /* what is on the disk outlives the process */
}

START_TEST(a_restart_goes_on_where_the_last_commit_was)
{
    (void)run_block(NULL, 0);
    (void)run_block(NULL, 0);
    struct vpr_hash hash = vpr_app_hash(app);
    struct vpr_app_block third = propose(NULL, 0, ROOM);
    struct vpr_hash want = execute(&third)->app_hash; /* and dies before its commit */
    void (*close_kv)(void *self) = kv->close;
    char text[256] = "";
    kv->close = stay;
    vpr_app_close(app);
    kv->close = close_kv;
    app = vpr_app_open(kv, text, sizeof text);
    ck_assert_msg(app != NULL, "%s", text);
    ck_assert_uint_eq(vpr_app_height(app), 2);
    ck_assert_str_eq(vpr_app_chain_id(app), WORLD_CHAIN_ID);
    struct vpr_hash have = vpr_app_hash(app);
    ck_assert_mem_eq(have.b, hash.b, 32);
    have = execute(&third)->app_hash;
    ck_assert_mem_eq(have.b, want.b, 32);
    vpr_app_commit(app);
}
END_TEST

START_TEST(data_of_another_schema_is_refused)
{
    static const uint8_t key[] = {VPR_KEY_SCHEMA}, later[] = {VPR_SCHEMA + 1};
    char text[256] = "";
    (void)run_block(NULL, 0);
    void (*close_kv)(void *self) = kv->close;
    kv->close = stay;
    vpr_app_close(app);
    struct vpr_store *store =
        vpr_store_open(kv, vpr_domain_stores(), VPR_STORE_COUNT, text, sizeof text);
    ck_assert_msg(store != NULL, "%s", text);
    struct vpr_state state = {store, NULL};
    vpr_state_put(&state, VPR_STORE_PRICE, vpr_bytes_of(key, 1), vpr_bytes_of(later, 1));
    vpr_store_commit(store, 2);
    vpr_store_close(store);
    app = vpr_app_open(kv, text, sizeof text);
    ck_assert_ptr_null(app);
    ck_assert_msg(strstr(text, "price") != NULL && strstr(text, "schema 2") != NULL, "%s",
                  text);
    close_kv(kv->self);
}
END_TEST

START_TEST(a_chain_may_begin_at_a_height_above_one)
{
    struct vpr_err err;
    struct vpr_hash hash;
    const struct vpr_validator_update *updates;
    size_t count;
    vpr_app_close(app);
    app = open_app();
    struct vpr_app_genesis genesis = {
        .chain_id = WORLD_CHAIN_ID,
        .initial_height = 1000,
        .time_s = WORLD_TIME_S,
        .state = world_genesis(&node, NULL, NULL),
    };
    ck_assert_msg(vpr_app_init(app, &genesis, &updates, &count, &hash, &err) == VPR_OK, "%s",
                  err.text);
    struct vpr_tx_result r;
    vpr_app_check(app, alice(0, 0), false, &r);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    height = 999;
    while (height < 1010) { /* into session 1 */
        (void)run_block(NULL, 0);
    }
    ck_assert_uint_eq(vpr_app_height(app), 1010);
    struct vpr_state state;
    struct vpr_view *view = vpr_app_view(app);
    struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &node, &err, NULL);
    struct vpr_session session = vpr_session_current(&ctx);
    ck_assert_uint_eq(session.number, 1);
    ck_assert_uint_eq(session.first, 1010);
    vpr_view_release(view);
}
END_TEST

START_TEST(blocks_of_the_same_second_replay_nothing)
{
    struct world_envelope e = {.unordered = true, .timeout_s = WORLD_TIME_S + 1};
    struct vpr_bytes tx = send_as("alice", &e, 1);
    for (uint64_t at = 1; at <= 3; at++) {
        struct vpr_app_block block = propose(NULL, 0, ROOM);
        struct vpr_bytes txs[] = {block.txs[0], tx};
        block.txs = txs;
        block.count = 2;
        block.time_s = WORLD_TIME_S + (at < 3 ? 1 : 2);
        ck_assert_int_eq((int)execute(&block)->txs[1].code,
                         at == 1   ? VPR_OK
                         : at == 2 ? VPR_REPLAYED
                                   : VPR_EXPIRED);
        vpr_app_commit(app);
        height++;
    }
}
END_TEST

/* ---- blocks ---- */

START_TEST(a_block_runs_its_transactions_and_commits)
{
    struct vpr_bytes txs[] = {alice(0, 0), bob(0, 0), alice(1, 0)};
    const struct vpr_app_result *r = run_block(txs, 3);
    ck_assert_uint_eq(r->tx_count, 4);
    for (size_t i = 0; i < r->tx_count; i++) {
        ck_assert_msg(r->txs[i].code == VPR_OK, "%zu: %s", i, r->txs[i].log);
    }
    ck_assert_uint_eq(vpr_app_height(app), 1);
    struct vpr_hash hash = vpr_app_hash(app);
    ck_assert_mem_eq(hash.b, r->app_hash.b, 32);
    ck_assert_str_eq(vpr_app_chain_id(app), WORLD_CHAIN_ID);
    /* The system transaction is found by its events, a send by its own. */
    ck_assert_uint_ge(r->txs[0].event_count, 1);
    ck_assert_str_eq(r->events[r->txs[0].event_first]->type, "beacon");
    ck_assert_str_eq(r->events[r->txs[1].event_first]->type, "tx");
    ck_assert_uint_eq(r->txs[0].event_first, r->block_event_count);
}
END_TEST

START_TEST(what_cannot_run_gets_its_code_and_never_stops_the_block)
{
    static const uint8_t junk[] = {1, 2, 3};
    struct vpr_app_block own = propose(NULL, 0, ROOM);
    struct world_envelope other = {.chain_id = "x"};
    struct vpr_bytes txs[] = {own.txs[0], vpr_bytes_of(junk, sizeof junk), alice(5, 0),
                              send_as("alice", &other, 1), vpr_bytes_of(NULL, 0), alice(0, 0)};
    struct vpr_app_block block = block_at(1, txs, VPR_COUNT(txs));
    const struct vpr_app_result *r = execute(&block);
    ck_assert_int_eq(r->txs[0].code, VPR_OK);
    ck_assert_int_eq(r->txs[1].code, VPR_BAD_ENCODING);
    ck_assert_int_eq(r->txs[2].code, VPR_BAD_SEQUENCE);
    ck_assert_int_eq(r->txs[3].code, VPR_BAD_SIGNATURE);
    ck_assert_int_eq(r->txs[4].code, VPR_BAD_FIELD);
    ck_assert_int_eq(r->txs[5].code, VPR_OK);
    ck_assert_uint_eq(r->txs[1].gas_wanted, 0);
    ck_assert_uint_eq(r->txs[2].gas_wanted, 20000000);
}
END_TEST

START_TEST(executing_twice_gives_the_same_hash_and_another_block_another)
{
    struct vpr_bytes txs[] = {alice(0, 0)};
    struct vpr_app_block full = propose(txs, 1, ROOM), empty = propose(NULL, 0, ROOM);
    struct vpr_hash first = execute(&full)->app_hash;
    ck_assert(vpr_app_executed(app));
    const struct vpr_app_result *r;
    vpr_app_finalize(app, &empty, &r);
    struct vpr_hash other = r->app_hash;
    ck_assert_mem_ne(first.b, other.b, 32);
    vpr_app_finalize(app, &full, &r);
    ck_assert_mem_eq(first.b, r->app_hash.b, 32);
    ck_assert_uint_eq(vpr_app_height(app), 0);
    vpr_app_commit(app);
    struct vpr_hash hash = vpr_app_hash(app);
    ck_assert_mem_eq(first.b, hash.b, 32);
}
END_TEST

START_TEST(a_dropped_block_leaves_no_trace)
{
    (void)run_block(NULL, 0);
    struct vpr_hash before = vpr_app_hash(app);
    struct vpr_bytes txs[] = {alice(0, 0)};
    struct vpr_app_block block = propose(txs, 1, ROOM);
    struct vpr_hash hash = execute(&block)->app_hash;
    vpr_app_drop(app);
    ck_assert(!vpr_app_executed(app));
    struct vpr_hash now = vpr_app_hash(app);
    ck_assert_mem_eq(before.b, now.b, 32);
    /* The transaction can still come. */
    struct vpr_tx_result r;
    vpr_app_check(app, txs[0], false, &r);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    ck_assert_mem_eq(execute(&block)->app_hash.b, hash.b, 32);
    vpr_app_commit(app);
}
END_TEST

/* Two nodes that start anew at different times agree on every hash. */
START_TEST(another_node_that_replays_meets_every_app_hash)
{
    struct vpr_app_block blocks[35];
    struct vpr_hash hashes[35];
    for (uint64_t i = 0; i < 35; i++) {
        struct vpr_bytes txs[] = {alice(i, 0)};
        blocks[i] = propose(txs, 1, ROOM);
        hashes[i] = execute(&blocks[i])->app_hash;
        vpr_app_commit(app);
        height++;
    }
    vpr_app_close(app);
    app = open_app();
    struct vpr_err err;
    struct vpr_hash hash;
    size_t count;
    ck_assert_int_eq(init(app, WORLD_CHAIN_ID, NULL, &count, &hash, &err), VPR_OK);
    for (uint64_t i = 0; i < 35; i++) {
        const struct vpr_app_result *r;
        vpr_app_finalize(app, &blocks[i], &r);
        ck_assert_mem_eq(r->app_hash.b, hashes[i].b, 32);
        vpr_app_commit(app);
    }
}
END_TEST

START_TEST(a_rollback_goes_back_and_forward_to_the_same_hash)
{
    struct vpr_bytes txs[] = {alice(0, 0)};
    char text[256];
    (void)run_block(NULL, 0);
    struct vpr_hash one = vpr_app_hash(app);
    struct vpr_app_block second = propose(txs, 1, ROOM);
    struct vpr_hash two = execute(&second)->app_hash;
    vpr_app_commit(app);
    ck_assert_msg(vpr_app_rollback(app, 1, text, sizeof text), "%s", text);
    struct vpr_hash back = vpr_app_hash(app);
    ck_assert_mem_eq(back.b, one.b, 32);
    ck_assert_mem_eq(execute(&second)->app_hash.b, two.b, 32);
    vpr_app_commit(app);
}
END_TEST

/* ---- export ---- */

static struct vpr_bytes export_now(void)
{
    struct vpr_state state;
    struct vpr_err err;
    struct vpr_view *view = vpr_app_view(app);
    struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &node, &err, NULL);
    struct vpr_bytes out = vpr_genesis_export(&ctx);
    vpr_view_release(view);
    return out;
}

START_TEST(an_export_imports_to_the_same_app_hash)
{
    struct vpr_bytes txs[] = {alice(0, 0)};
    (void)run_block(txs, 1);
    (void)run_block(NULL, 0);
    struct vpr_hash want = vpr_app_hash(app), got;
    struct vpr_app_genesis genesis = {
        .chain_id = WORLD_CHAIN_ID,
        .initial_height = 3,
        .time_s = WORLD_TIME_S + 2,
        .state = export_now(),
    };
    struct vpr_app *other = open_app();
    const struct vpr_validator_update *updates;
    size_t count;
    struct vpr_err err;
    ck_assert_msg(vpr_app_init(other, &genesis, &updates, &count, &got, &err) == VPR_OK, "%s",
                  err.text);
    ck_assert_mem_eq(want.b, got.b, 32);
    /* CometBFT starts afresh: it has to be told the whole set. */
    ck_assert_uint_eq(count, WORLD_VALIDATORS);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(updates[i].power, 50000);
    }

    /* And goes on alike. */
    struct vpr_app_block block = propose(NULL, 0, ROOM);
    const struct vpr_app_result *r;
    struct vpr_hash next = execute(&block)->app_hash;
    vpr_app_finalize(other, &block, &r);
    ck_assert_mem_eq(next.b, r->app_hash.b, 32);
    vpr_app_commit(other);
    vpr_app_close(other);

    /* Of another chain or height: refused. */
    other = open_app();
    genesis.chain_id = "viper-other";
    ck_assert_int_eq(vpr_app_init(other, &genesis, &updates, &count, &got, &err),
                     VPR_BAD_FIELD);
    genesis.chain_id = WORLD_CHAIN_ID;
    genesis.initial_height = 9;
    ck_assert_int_eq(vpr_app_init(other, &genesis, &updates, &count, &got, &err),
                     VPR_BAD_FIELD);
    vpr_app_close(other);
}
END_TEST

/* ---- proposals ---- */

START_TEST(an_empty_block_still_has_its_system_transaction)
{
    struct vpr_app_block block = propose(NULL, 0, ROOM);
    ck_assert_uint_eq(block.count, 1);
    const Viper__V1__MsgSystem *m =
        (const Viper__V1__MsgSystem *)vpr_tx_system_unpack(&node, block.txs[0]);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq(m->height, 1);
    ck_assert_uint_eq(m->reveal.len, 32);
    ck_assert_uint_eq(m->n_verify, 0);
    /* The same bytes in every round. */
    struct vpr_app_block again = propose(NULL, 0, ROOM);
    ck_assert(vpr_bytes_equal(block.txs[0], again.txs[0]));
}
END_TEST

START_TEST(the_dearest_come_first_and_each_account_in_its_order)
{
    struct vpr_bytes a0 = alice(0, 600000), a1 = alice(1, 5000000), b0 = bob(0, 900000),
                     b1 = bob(1, 700000);
    struct vpr_bytes mempool[] = {a1, b1, a0, b0};
    struct vpr_app_block block = propose(mempool, 4, ROOM);
    ck_assert_uint_eq(block.count, 5);
    ck_assert(holds(&block, 1, b0));
    ck_assert(holds(&block, 2, b1));
    ck_assert(holds(&block, 3, a0)); /* a1 cannot go before it, however dear */
    ck_assert(holds(&block, 4, a1));
    const struct vpr_app_result *r = execute(&block);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(r->txs[i].code, VPR_OK);
    }
}
END_TEST

START_TEST(what_would_fail_for_free_is_left_out)
{
    static const uint8_t junk[] = {7};
    struct vpr_bytes mempool[] = {
        alice(1, 0), /* a gap before it */
        vpr_bytes_of(junk, sizeof junk),
        bob(0, 0),
        bob(0, 600000), /* the same number again */
        bob(2, 0),      /* behind a gap */
    };
    struct vpr_app_block block = propose(mempool, VPR_COUNT(mempool), ROOM);
    ck_assert_uint_eq(block.count, 2);
    ck_assert(holds(&block, 1, mempool[2]));
}
END_TEST

START_TEST(fees_beyond_the_balance_are_left_out)
{
    uint64_t most = 600000 * WORLD_VIPR; /* of 1,000,000 VIPR: once, not twice */
    struct vpr_bytes mempool[] = {alice(0, most), alice(1, most), alice(2, 0)};
    struct vpr_app_block block = propose(mempool, 3, ROOM);
    ck_assert_uint_eq(block.count, 2);
    ck_assert(holds(&block, 1, mempool[0]));
}
END_TEST

START_TEST(the_list_stays_within_the_encoded_size)
{
    struct vpr_bytes mempool[40];
    for (uint64_t i = 0; i < 40; i++) {
        mempool[i] = alice(i, 0);
    }
    for (uint64_t room = 150; room < 4000; room += 61) {
        struct vpr_app_block block = propose(mempool, 40, room);
        uint64_t size = 0;
        for (size_t i = 0; i < block.count; i++) {
            size += block.txs[i].len + 1 + (block.txs[i].len > 127 ? 2 : 1);
        }
        ck_assert_uint_le(size, room);
        /* No room is left for one more. */
        ck_assert(room - size < mempool[0].len + 3 + 2);
    }
}
END_TEST

/* A session message that costs nothing to make: refused when it runs, but in its lane. */
static struct vpr_bytes commit_of(const char *who, uint64_t number, int64_t timeout_s)
{
    Viper__V1__MsgCommit m = VIPER__V1__MSG_COMMIT__INIT;
    Viper__V1__CommitEntry entry = VIPER__V1__COMMIT_ENTRY__INIT, *list = &entry;
    struct vpr_hash root = vpr_sha256("root", 4);
    const ProtobufCMessage *one = &m.base;
    struct world_envelope e = {
        .account_number = number, .unordered = true, .timeout_s = timeout_s};
    m.operator_ = world_text(who);
    m.session = 0;
    m.entries = &list;
    m.n_entries = 1;
    entry.requestor = world_text("requestor1");
    entry.chain = 1;
    entry.zone = 1;
    entry.root = (ProtobufCBinaryData){32, root.b};
    entry.sum = 2;
    entry.count = 1;
    return world_sign(&node, who, &e, &one, 1);
}

static enum vpr_code checked(struct vpr_bytes raw)
{
    struct vpr_tx_result check;
    vpr_app_check(app, raw, false, &check);
    return check.code;
}

/* Session 0 is blocks 1 to 10: its work is committed in 11 to 20. */
START_TEST(the_mempool_knows_the_window_of_the_next_block_and_who_owes_what)
{
    struct vpr_bytes tx = commit_of("servicer1", 11, WORLD_TIME_S + 500);
    struct vpr_bytes fake = commit_of("bob", 1, WORLD_TIME_S + 500);
    while (height < 21) {
        bool open = height >= 10 && height < 20; /* the block after this one */
        ck_assert_int_eq(checked(tx), open ? VPR_OK : VPR_WRONG_WINDOW);
        ck_assert_int_eq(checked(fake), VPR_NOT_STAKED);
        struct vpr_app_block block = propose(&tx, 1, ROOM);
        ck_assert_uint_eq(block.count, open ? 2 : 1);
        (void)run_block(NULL, 0);
    }
}
END_TEST

START_TEST(session_messages_go_first_one_per_account_in_turn)
{
    /* Account numbers follow the list of genesis: alice, bob, then owner and operator of four
     * validators, then of the servicers. */
    int64_t t = WORLD_TIME_S + 100;
    struct vpr_bytes s1a = commit_of("servicer1", 11, t),
                     s1b = commit_of("servicer1", 11, t + 1),
                     s1c = commit_of("servicer1", 11, t + 2),
                     s2 = commit_of("servicer2", 13, t);
    struct vpr_bytes dear = alice(0, 50 * WORLD_VIPR);
    struct vpr_bytes fake = commit_of("bob", 1, t); /* owes nothing to nobody */
    struct vpr_bytes mempool[] = {fake, dear, s1a, s1b, s1c, s2};
    while (height < 10) {
        (void)run_block(NULL, 0);
    }
    struct vpr_app_block block = propose(mempool, VPR_COUNT(mempool), ROOM);
    ck_assert_uint_eq(block.count, 6);
    ck_assert(holds(&block, 5, dear));
    /* First one of each, then the rest of servicer1 in order of arrival. */
    ck_assert((holds(&block, 1, s1a) && holds(&block, 2, s2)) ||
              (holds(&block, 1, s2) && holds(&block, 2, s1a)));
    ck_assert(holds(&block, 3, s1b));
    ck_assert(holds(&block, 4, s1c));
}
END_TEST

START_TEST(ordinary_transactions_get_half_of_the_gas)
{
    /* Ten messages of 20,000 gas each and some bytes: about 220,000 gas a transaction. */
    enum { N = 200 };
    struct vpr_bytes *mempool = VPR_ARENA_ARRAY(&node, struct vpr_bytes, N);
    uint64_t gas = 0;
    for (uint64_t i = 0; i < N; i++) {
        Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT, *coins = &coin;
        Cosmos__Bank__V1beta1__MsgSend m = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
        const ProtobufCMessage *list[10];
        char amount[] = "1", denom[] = "uvipr";
        coin.denom = denom;
        coin.amount = amount;
        m.from_address = world_text("alice");
        m.to_address = world_text("carol");
        m.amount = &coins;
        m.n_amount = 1;
        for (int k = 0; k < 10; k++) {
            list[k] = &m.base;
        }
        struct world_envelope e = {.sequence = i};
        mempool[i] = world_sign(&node, "alice", &e, list, 10);
    }
    /* The mempool itself takes 64 ahead: fill it from the account's present sequence. */
    struct vpr_app_block block = propose(mempool, N, ROOM);
    ck_assert_uint_eq(block.count, 1 + 64);
    for (size_t i = 1; i < block.count; i++) {
        gas += 10 * 20000 + 10 * block.txs[i].len;
    }
    ck_assert_uint_le(gas, VPR_BLOCK_GAS_MAX / 2);
    struct vpr_bytes *many = VPR_ARENA_ARRAY(&node, struct vpr_bytes, 3 * N);
    size_t n = 0;
    for (uint64_t i = 0; i < N; i++) { /* unordered ones have no such bound */
        Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT, *coins = &coin;
        Cosmos__Bank__V1beta1__MsgSend m = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
        const ProtobufCMessage *list[16];
        char amount[] = "1", denom[] = "uvipr";
        coin.denom = denom;
        coin.amount = amount;
        m.from_address = world_text("bob");
        m.to_address = world_text("carol");
        m.amount = &coins;
        m.n_amount = 1;
        for (int k = 0; k < 16; k++) {
            list[k] = &m.base;
        }
        struct world_envelope e = {.account_number = 1,
                                   .unordered = true,
                                   .timeout_s = WORLD_TIME_S + 1 + (int64_t)i};
        many[n++] = world_sign(&node, "bob", &e, list, 16);
    }
    block = propose(many, n, ROOM);
    gas = 0;
    for (size_t i = 1; i < block.count; i++) {
        gas += 16 * 20000 + 10 * block.txs[i].len;
    }
    ck_assert_uint_le(gas, VPR_BLOCK_GAS_MAX / 2);
    ck_assert_uint_gt(gas, VPR_BLOCK_GAS_MAX / 2 - 16 * 20000 - 10 * many[0].len);
    ck_assert_uint_lt(block.count, n);
}
END_TEST

/* ---- what everybody rejects ---- */

static void rejected(const struct vpr_bytes *txs, size_t count, const char *why)
{
    struct vpr_app_block block = block_at(height + 1, txs, count);
    struct vpr_err err = {VPR_OK, ""};
    ck_assert(!vpr_app_process(app, &block, &err));
    ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
}

static struct vpr_bytes system_of(uint64_t at, struct vpr_bytes x,
                                  Viper__V1__VerifyEntry *entry)
{
    Viper__V1__MsgSystem m = VIPER__V1__MSG_SYSTEM__INIT;
    Viper__V1__VerifyEntry *list[] = {entry};
    m.height = at;
    m.reveal.data = vpr_arena_copy(&node, x.data, x.len);
    m.reveal.len = x.len;
    if (entry != NULL) {
        m.verify = list;
        m.n_verify = 1;
    }
    return vpr_tx_system_pack(&node, &m.base);
}

START_TEST(the_system_transaction_is_one_first_and_right)
{
    struct vpr_bytes none = {NULL, 0}, x = reveal();
    struct vpr_bytes own = system_of(1, x, NULL), tx = alice(0, 0);
    rejected(NULL, 0, "no system");
    rejected(&tx, 1, "begin with");
    struct vpr_bytes second[] = {own, tx, own};
    rejected(second, 3, "second");
    struct vpr_bytes late[] = {tx, own};
    rejected(late, 2, "begin with");
    struct vpr_bytes other_height = system_of(2, x, NULL);
    rejected(&other_height, 1, "height");
    uint8_t wrong[32] = {1};
    struct vpr_bytes bad_x = system_of(1, vpr_bytes_of(wrong, 32), NULL);
    rejected(&bad_x, 1, "reveal");
    struct vpr_bytes short_x = system_of(1, vpr_bytes_of(wrong, 31), NULL);
    rejected(&short_x, 1, "reveal");
    Viper__V1__VerifyEntry entry = VIPER__V1__VERIFY_ENTRY__INIT;
    entry.session = 1;
    struct vpr_bytes extra = system_of(1, x, &entry);
    rejected(&extra, 1, "Verify");
    /* No reveal is no reason. */
    struct vpr_bytes silent = system_of(1, none, NULL);
    struct vpr_app_block block = block_at(1, &silent, 1);
    struct vpr_err err;
    ck_assert(vpr_app_process(app, &block, &err));
}
END_TEST

START_TEST(a_block_above_the_gas_is_rejected)
{
    struct vpr_bytes *txs = VPR_ARENA_ARRAY(&node, struct vpr_bytes, 10);
    uint8_t *junk = vpr_arena_alloc(&node, VPR_TX_BYTES_MAX);
    memset(junk, 0xFF, VPR_TX_BYTES_MAX);
    txs[0] = system_of(1, reveal(), NULL);
    for (size_t i = 1; i < 7; i++) {
        txs[i] = vpr_bytes_of(junk, 1000000); /* 10 gas a byte, undecodable or not */
    }
    struct vpr_app_block full = block_at(1, txs, 7);
    struct vpr_err err;
    ck_assert_msg(vpr_app_process(app, &full, &err), "%s", err.text);
    txs[7] = vpr_bytes_of(junk, 1);
    rejected(txs, 8, "gas");
}
END_TEST

START_TEST(queries_read_the_last_commit_only)
{
    struct vpr_bytes txs[] = {alice(0, 0)};
    (void)run_block(NULL, 0);
    struct vpr_app_block block = propose(txs, 1, ROOM);
    (void)execute(&block); /* not committed */
    struct vpr_state state;
    struct vpr_err err;
    struct vpr_view *view = vpr_app_view(app);
    struct vpr_pools *pools = vpr_pools_create();
    struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &node, &err, pools);
    struct vpr_address carol = world_address("carol");
    ck_assert_uint_eq(ctx.height, 1);
    ck_assert_int_eq(ctx.time_s, WORLD_TIME_S + 1);
    ck_assert_str_eq(ctx.chain_id, WORLD_CHAIN_ID);
    ck_assert_uint_eq(vpr_account_balance(&ctx, &carol).uvipr, 0);
    vpr_app_commit(app);
    ck_assert_uint_eq(vpr_account_balance(&ctx, &carol).uvipr,
                      0); /* the view is of its height */
    vpr_pools_destroy(pools);
    vpr_view_release(view);
    view = vpr_app_view(app);
    ctx = vpr_app_query_ctx(&state, view, &node, &err, NULL);
    ck_assert_uint_eq(vpr_account_balance(&ctx, &carol).uvipr, 1);
    vpr_view_release(view);
}
END_TEST

START_TEST(a_simulation_waits_for_no_block_in_hand_and_leaves_none)
{
    struct vpr_tx_result r;
    vpr_app_simulate(app, alice(0, 0), &r);
    ck_assert_int_eq(r.code, VPR_UNSUPPORTED); /* nothing is committed yet */
    (void)run_block(NULL, 0);
    vpr_app_simulate(app, alice(0, 0), &r);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    struct vpr_app_block block = propose(NULL, 0, ROOM);
    struct vpr_hash hash = execute(&block)->app_hash;
    vpr_app_simulate(app, alice(0, 0), &r);
    ck_assert_int_eq(r.code, VPR_UNSUPPORTED);
    ck_assert(vpr_app_executed(app));
    vpr_app_drop(app);
    vpr_app_simulate(app, alice(0, 0), &r);
    ck_assert_mem_eq(execute(&block)->app_hash.b, hash.b, 32);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("app");
    TCase *t = tcase_create("app");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, genesis_can_be_told_again_until_the_first_commit);
    tcase_add_test(t,
                   a_wrong_genesis_is_refused_with_its_reason_and_a_right_one_taken_after_it);
    tcase_add_test(t, a_genesis_without_validators_or_with_anothers_key_is_refused);
    tcase_add_test(t, a_restart_goes_on_where_the_last_commit_was);
    tcase_add_test(t, data_of_another_schema_is_refused);
    tcase_add_test(t, a_chain_may_begin_at_a_height_above_one);
    tcase_add_test(t, blocks_of_the_same_second_replay_nothing);
    tcase_add_test(t, a_block_runs_its_transactions_and_commits);
    tcase_add_test(t, what_cannot_run_gets_its_code_and_never_stops_the_block);
    tcase_add_test(t, executing_twice_gives_the_same_hash_and_another_block_another);
    tcase_add_test(t, a_dropped_block_leaves_no_trace);
    tcase_add_test(t, another_node_that_replays_meets_every_app_hash);
    tcase_add_test(t, a_rollback_goes_back_and_forward_to_the_same_hash);
    tcase_add_test(t, an_export_imports_to_the_same_app_hash);
    tcase_add_test(t, an_empty_block_still_has_its_system_transaction);
    tcase_add_test(t, the_dearest_come_first_and_each_account_in_its_order);
    tcase_add_test(t, what_would_fail_for_free_is_left_out);
    tcase_add_test(t, fees_beyond_the_balance_are_left_out);
    tcase_add_test(t, the_list_stays_within_the_encoded_size);
    tcase_add_test(t, the_mempool_knows_the_window_of_the_next_block_and_who_owes_what);
    tcase_add_test(t, session_messages_go_first_one_per_account_in_turn);
    tcase_add_test(t, ordinary_transactions_get_half_of_the_gas);
    tcase_add_test(t, the_system_transaction_is_one_first_and_right);
    tcase_add_test(t, a_block_above_the_gas_is_rejected);
    tcase_add_test(t, queries_read_the_last_commit_only);
    tcase_add_test(t, a_simulation_waits_for_no_block_in_hand_and_leaves_none);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
