#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/beacon.h"
#include "app/domain/doublesign.h"
#include "app/domain/downtime.h"
#include "app/domain/unbonding.h"
#include "app/domain/votes.h"
#include "tests/unit/face.h"
#include "viper/v1/tx.pb-c.h"

/* The chain through its face: genesis, restarts, blocks, commits, readers. */

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

static void strange_payout(Viper__V1__GenesisState *genesis, void *arg)
{
    static char nobody[] = "nobody";
    (void)arg;
    genesis->chains[1]->payout = nobody;
}

static void no_multiplier(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->zones[0]->multiplier_ppm = 0;
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
    static const char long_id[] = "a-chain-id-of-fifty-one-bytes-is-one-byte-too-long.";
    ck_assert_uint_eq(strlen(long_id), 51);
    ck_assert_int_eq(init(fresh, long_id, NULL, &count, &hash, &err), VPR_BAD_FIELD);
    ck_assert_int_eq(init(fresh, long_id + 1, NULL, &count, &hash, &err), VPR_OK);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, bad_split, &count, &hash, &err),
                     VPR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(err.text, "split_"));
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, poor_owner, &count, &hash, &err),
                     VPR_NO_FUNDS);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, twice, &count, &hash, &err), VPR_DUPLICATE);
    ck_assert_msg(strncmp(err.text, "accounts[", 9) == 0, "%s", err.text);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, strange_payout, &count, &hash, &err),
                     VPR_BAD_ADDRESS);
    ck_assert_msg(strncmp(err.text, "chains[1]: payout", 17) == 0, "%s", err.text);
    ck_assert_int_eq(init(fresh, WORLD_CHAIN_ID, no_multiplier, &count, &hash, &err),
                     VPR_BAD_FIELD);
    ck_assert_msg(strncmp(err.text, "zones[0]: ", 10) == 0, "%s", err.text);
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
    ck_assert_str_eq(r->events[0]->type, "beacon");
    ck_assert_str_eq(r->events[r->txs[1].event_first]->type, "tx");
    ck_assert_uint_eq(r->txs[0].event_first, 0);
    ck_assert_uint_eq(r->txs[1].event_first, r->txs[0].event_count);
}
END_TEST

START_TEST(a_change_of_the_set_is_told_to_cometbft_and_among_the_events_of_the_system)
{
    struct world_envelope e = {.account_number = 2}; /* after alice and bob */
    Viper__V1__MsgUnstake m = VIPER__V1__MSG_UNSTAKE__INIT;
    const ProtobufCMessage *list = &m.base;
    char owner[] = "validator1.owner";
    m.owner = world_text(owner);
    m.actor = world_text("validator1");
    struct vpr_bytes tx = world_sign(&node, owner, &e, &list, 1);
    const struct vpr_app_result *r = run_block(&tx, 1);
    ck_assert_msg(r->txs[1].code == VPR_OK, "%s", r->txs[1].log);
    ck_assert_uint_eq(r->validator_count, 1);
    ck_assert_uint_eq(r->validators[0].power, 0);
    size_t found = 0;
    for (size_t i = 0; i < r->txs[0].event_count; i++) {
        found += strcmp(r->events[i]->type, "power") == 0;
    }
    ck_assert_uint_eq(found, 1);
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

/* ---- the order inside a block ---- */

static void check_steps(const struct vpr_step *steps, size_t count, const struct vpr_step *want,
                        size_t wanted)
{
    ck_assert_uint_eq(count, wanted);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(steps[i].name, want[i].name);
        /* NULL: a static of domain.c, which a_session_opens_in_the_order_of_its_steps tells by its
         * event, and versions_are_cut_behind_the_presence_of_fishermen by what is gone. */
        ck_assert_msg(want[i].run == NULL || steps[i].run == want[i].run, "%s", steps[i].name);
    }
}

/* docs/protocol.md, 8.4.  Who changes one of them makes another chain. */
START_TEST(the_steps_of_a_block_have_their_order)
{
    static const struct vpr_step before[] = {
        {"upgrade", vpr_upgrade_step},
        {"open", vpr_session_open},
        {"renew", NULL},
        {"yield", NULL},
        {"price", NULL},
        {"presence", NULL},
        {"cut", NULL},
        {"beacon", vpr_beacon_step},
        {"challenge", vpr_session_challenge},
        {"double_signs", vpr_double_signs},
        {"downtime", vpr_downtime},
        {"settle", vpr_settlement_settle},
    };
    static const struct vpr_step after[] = {
        {"unbond", vpr_actors_unbond},
        {"undelegate", vpr_unbonding_pay},
        {"tally", vpr_governance_tally},
        {"forget", vpr_tx_forget},
        {"supply", vpr_supply_assert},
    };
    check_steps(vpr_steps_before, vpr_steps_before_count, before, VPR_COUNT(before));
    check_steps(vpr_steps_after, vpr_steps_after_count, after, VPR_COUNT(after));
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
    tcase_add_test(
        t, a_change_of_the_set_is_told_to_cometbft_and_among_the_events_of_the_system);
    tcase_add_test(t, what_cannot_run_gets_its_code_and_never_stops_the_block);
    tcase_add_test(t, the_steps_of_a_block_have_their_order);
    tcase_add_test(t, executing_twice_gives_the_same_hash_and_another_block_another);
    tcase_add_test(t, a_dropped_block_leaves_no_trace);
    tcase_add_test(t, another_node_that_replays_meets_every_app_hash);
    tcase_add_test(t, a_rollback_goes_back_and_forward_to_the_same_hash);
    tcase_add_test(t, an_export_imports_to_the_same_app_hash);
    tcase_add_test(t, queries_read_the_last_commit_only);
    tcase_add_test(t, a_simulation_waits_for_no_block_in_hand_and_leaves_none);
    suite_add_tcase(s, t);
    suite_add_tcase(s, proposal_tests());
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
