#include "tests/unit/face.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"

struct vpr_app *app;
struct vpr_arena node;
struct vpr_kv *kv;
uint64_t height;

struct vpr_app *open_app(void)
{
    char text[256] = "";
    kv = vpr_kv_memory_open();
    struct vpr_app *a = vpr_app_open(kv, text, sizeof text);
    ck_assert_msg(a != NULL, "%s", text);
    return a;
}

enum vpr_code init(struct vpr_app *a, const char *chain_id, world_change_fn *change,
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

void set_up(void)
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

void tear_down(void)
{
    vpr_app_close(app);
    vpr_arena_finish(&node);
}

/* ---- transactions and blocks ---- */

struct vpr_bytes send_as(const char *from, const struct world_envelope *envelope,
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
struct vpr_bytes alice(uint64_t sequence, uint64_t fee)
{
    struct world_envelope e = {.sequence = sequence, .fee_uvipr = fee};
    return send_as("alice", &e, 1);
}

struct vpr_bytes bob(uint64_t sequence, uint64_t fee)
{
    struct world_envelope e = {.account_number = 1, .sequence = sequence, .fee_uvipr = fee};
    return send_as("bob", &e, 1);
}

struct vpr_app_block block_at(uint64_t at, const struct vpr_bytes *txs, size_t count)
{
    return (struct vpr_app_block){
        .height = at,
        .time_s = WORLD_TIME_S + (int64_t)at,
        .proposer = world_consensus("validator1"),
        .txs = txs,
        .count = count,
    };
}

struct vpr_bytes reveal(void)
{
    struct vpr_address proposer = world_consensus("validator1");
    struct vpr_hash end, x;
    ck_assert(vpr_app_beacon_end(app, &proposer, &end));
    ck_assert(world_beacon_reveal("validator1", &end, &x));
    return vpr_bytes_of(vpr_arena_copy(&node, x.b, sizeof x.b), sizeof x.b);
}

/* What the proposer makes of a mempool; copied out of the app. */
struct vpr_app_block propose(const struct vpr_bytes *mempool, size_t count,
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

const struct vpr_app_result *execute(const struct vpr_app_block *block)
{
    struct vpr_err err;
    const struct vpr_app_result *result;
    ck_assert_msg(vpr_app_process(app, block, &err), "%s", err.text);
    vpr_app_finalize(app, block, &result);
    ck_assert_uint_eq(result->tx_count, block->count);
    return result;
}

const struct vpr_app_result *run_block(const struct vpr_bytes *mempool, size_t count)
{
    struct vpr_app_block block = propose(mempool, count, ROOM);
    const struct vpr_app_result *result = execute(&block);
    vpr_app_commit(app);
    height++;
    return result;
}

bool holds(const struct vpr_app_block *block, size_t at, struct vpr_bytes raw)
{
    return at < block->count && vpr_bytes_equal(block->txs[at], raw);
}
