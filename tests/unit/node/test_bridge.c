#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/host/buf.h"
#include "app/host/log.h"
#include "app/host/loop.h"
#include "app/host/pbjson.h"
#include "app/node/answer.h"
#include "app/node/bridge.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "cosmos/tx/v1beta1/query.pb-c.h"
#include "tests/unit/abci/driver.h"
#include "tests/unit/world.h"
#include "viper/v1/query.pb-c.h"

/* viperd without its main: app, bridge and server on a loop of their own, and a client that
 * plays CometBFT with any order of requests. */

static struct vpr_arena node;
static struct vpr_app *app;
static struct bridge *bridge;
static struct abci_server *server;
static struct vpr_loop *loop;
static pthread_t thread;
static struct driver address; /* only its path is used */
static int fd;

/* Answers live until the test is over. */
static Tendermint__Abci__Response *answers[256];
static size_t answer_count;

/* What the listener was told; read after the answer to a later request. */
static struct {
    unsigned count;
    uint64_t height;
    struct vpr_hash app_hash, tx_hash;
    size_t txs;
} told;

static void committed(void *arg, const struct bridge_committed *block)
{
    (void)arg;
    told.count++;
    told.height = block->height;
    told.app_hash = block->result->app_hash;
    told.txs = block->result->tx_count;
    told.tx_hash = block->tx_hashes[block->result->tx_count - 1];
}

static bool reveal(void *arg, const struct vpr_hash *end, struct vpr_hash *ret_x)
{
    (void)arg;
    return world_beacon_reveal("validator1", end, ret_x);
}

static void *run_loop(void *arg)
{
    vpr_loop_run(arg);
    return NULL;
}

static void set_up(void)
{
    char text[ABCI_TEXT_MAX] = "", where[128];
    const struct bridge_options options = {.reveal = reveal, .committed = committed};
    vpr_log_setup(VPR_LOG_ERROR, 2);
    memset(&told, 0, sizeof told);
    vpr_arena_init(&node, UINT64_C(1) << 30);
    app = vpr_app_open(vpr_kv_memory_open(), text, sizeof text);
    ck_assert_msg(app != NULL, "%s", text);
    bridge = bridge_create(app, &options);
    loop = vpr_loop_create();
    (void)snprintf(address.path, sizeof address.path, "/tmp/viper-bridge-%d.sock",
                   (int)getpid());
    (void)snprintf(where, sizeof where, "unix://%s", address.path);
    server = abci_server_create(vpr_loop_base(loop), bridge_abci(bridge), where, text);
    ck_assert_msg(server != NULL, "%s", text);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, loop), 0);
    fd = driver_connect(&address);
}

static void tear_down(void)
{
    close(fd);
    vpr_loop_stop(loop);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    abci_server_destroy(server);
    bridge_destroy(bridge);
    vpr_app_close(app);
    vpr_loop_destroy(loop);
    vpr_arena_finish(&node);
    (void)unlink(address.path);
    while (answer_count > 0) {
        tendermint__abci__response__free_unpacked(answers[--answer_count], NULL);
    }
}

/* ---- requests ---- */

#define ASK(Case, field, member) \
    do { \
        Tendermint__Abci__Request asked_ = TENDERMINT__ABCI__REQUEST__INIT; \
        asked_.value_case = TENDERMINT__ABCI__REQUEST__VALUE_##Case; \
        asked_.field = (member); \
        send_request(fd, &asked_); \
    } while (0)

static Tendermint__Abci__Response *get(int want)
{
    Tendermint__Abci__Response *r = receive(fd);
    if (r->value_case == TENDERMINT__ABCI__RESPONSE__VALUE_EXCEPTION &&
        want != (int)r->value_case) {
        ck_abort_msg("exception: %s", r->exception->error);
    }
    ck_assert_int_eq((int)r->value_case, want);
    ck_assert_uint_lt(answer_count, VPR_COUNT(answers));
    answers[answer_count++] = r;
    return r;
}

static const Tendermint__Abci__ResponseInfo *info(void)
{
    Tendermint__Abci__RequestInfo m = TENDERMINT__ABCI__REQUEST_INFO__INIT;
    ASK(INFO, info, &m);
    return get(TENDERMINT__ABCI__RESPONSE__VALUE_INFO)->info;
}

static char *genesis_json(void)
{
    struct vpr_buf buf;
    struct vpr_err err;
    const struct vpr_pbjson_options options = {.omit_defaults = true};
    ProtobufCMessage *m = vpr_arena_unpack(&node, &viper__v1__genesis_state__descriptor,
                                           world_genesis(&node, NULL, NULL));
    vpr_buf_init(&buf, 16 << 20);
    ck_assert_int_eq(vpr_pbjson_write(&buf, m, &options, &err), VPR_OK);
    char *text = vpr_arena_text(&node, "%s", buf.data);
    vpr_buf_finish(&buf);
    return text;
}

static int64_t extensions_from; /* of genesis: 0 never */

static void ask_init(uint64_t version, int64_t max_gas, int64_t max_bytes, char *json)
{
    Tendermint__Abci__RequestInitChain m = TENDERMINT__ABCI__REQUEST_INIT_CHAIN__INIT;
    Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Tendermint__Types__ConsensusParams params = TENDERMINT__TYPES__CONSENSUS_PARAMS__INIT;
    Tendermint__Types__BlockParams block = TENDERMINT__TYPES__BLOCK_PARAMS__INIT;
    Tendermint__Types__VersionParams v = TENDERMINT__TYPES__VERSION_PARAMS__INIT;
    char chain_id[] = WORLD_CHAIN_ID;
    at.seconds = WORLD_TIME_S;
    block.max_bytes = max_bytes;
    block.max_gas = max_gas;
    v.app = version;
    Tendermint__Types__ABCIParams abci = TENDERMINT__TYPES__ABCIPARAMS__INIT;
    abci.vote_extensions_enable_height = extensions_from;
    params.block = &block;
    params.version = &v;
    params.abci = &abci;
    m.time = &at;
    m.chain_id = chain_id;
    m.consensus_params = &params;
    m.initial_height = 1;
    m.app_state_bytes = (ProtobufCBinaryData){strlen(json), (uint8_t *)json};
    ASK(INIT_CHAIN, init_chain, &m);
}

static const Tendermint__Abci__ResponseInitChain *init(void)
{
    ask_init(1, -1, 8 << 20, genesis_json());
    return get(TENDERMINT__ABCI__RESPONSE__VALUE_INIT_CHAIN)->init_chain;
}

static void fill(int64_t height, Google__Protobuf__Timestamp *at, ProtobufCBinaryData *proposer)
{
    struct vpr_address who = world_consensus("validator1");
    google__protobuf__timestamp__init(at);
    at->seconds = WORLD_TIME_S + height;
    *proposer = (ProtobufCBinaryData){20, vpr_arena_copy(&node, who.b, 20)};
}

static const Tendermint__Abci__ResponsePrepareProposal *prepare(int64_t height,
                                                                struct vpr_bytes tx)
{
    Tendermint__Abci__RequestPrepareProposal m =
        TENDERMINT__ABCI__REQUEST_PREPARE_PROPOSAL__INIT;
    Google__Protobuf__Timestamp at;
    ProtobufCBinaryData one = {tx.len, vpr_arena_copy(&node, tx.data, tx.len)};
    fill(height, &at, &m.proposer_address);
    m.time = &at;
    m.height = height;
    m.max_tx_bytes = 1 << 20;
    m.txs = &one;
    m.n_txs = tx.len > 0;
    ASK(PREPARE_PROPOSAL, prepare_proposal, &m);
    return get(TENDERMINT__ABCI__RESPONSE__VALUE_PREPARE_PROPOSAL)->prepare_proposal;
}

static void ask_process(int64_t height, ProtobufCBinaryData *txs, size_t count)
{
    Tendermint__Abci__RequestProcessProposal m =
        TENDERMINT__ABCI__REQUEST_PROCESS_PROPOSAL__INIT;
    Google__Protobuf__Timestamp at;
    fill(height, &at, &m.proposer_address);
    m.time = &at;
    m.height = height;
    m.txs = txs;
    m.n_txs = count;
    ASK(PROCESS_PROPOSAL, process_proposal, &m);
}

static void ask_finalize(int64_t height, ProtobufCBinaryData *txs, size_t count)
{
    Tendermint__Abci__RequestFinalizeBlock m = TENDERMINT__ABCI__REQUEST_FINALIZE_BLOCK__INIT;
    Google__Protobuf__Timestamp at;
    fill(height, &at, &m.proposer_address);
    m.time = &at;
    m.height = height;
    m.txs = txs;
    m.n_txs = count;
    ASK(FINALIZE_BLOCK, finalize_block, &m);
}

static const Tendermint__Abci__ResponseFinalizeBlock *
finalize(int64_t height, const Tendermint__Abci__ResponsePrepareProposal *p)
{
    ask_finalize(height, p->txs, p->n_txs);
    return get(TENDERMINT__ABCI__RESPONSE__VALUE_FINALIZE_BLOCK)->finalize_block;
}

static void ask_commit(void)
{
    Tendermint__Abci__RequestCommit m = TENDERMINT__ABCI__REQUEST_COMMIT__INIT;
    ASK(COMMIT, commit, &m);
}

static void commit(void)
{
    ask_commit();
    (void)get(TENDERMINT__ABCI__RESPONSE__VALUE_COMMIT);
}

static void exception(const char *first, const char *second)
{
    char text[ABCI_TEXT_MAX];
    expect_exception(fd, text);
    ck_assert_msg(strstr(text, first) != NULL && strstr(text, second) != NULL, "%s", text);
}

/* An exception ends the connection's use; CometBFT comes back with a new one. */
static void reconnect(void)
{
    close(fd);
    fd = driver_connect(&address);
}

static const struct vpr_bytes nothing = {NULL, 0};

static struct vpr_bytes send_tx(uint64_t sequence)
{
    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT, *coins = &coin;
    Cosmos__Bank__V1beta1__MsgSend m = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
    const ProtobufCMessage *list = &m.base;
    struct world_envelope e = {.sequence = sequence};
    char amount[] = "5", denom[] = "uvipr";
    coin.denom = denom;
    coin.amount = amount;
    m.from_address = world_text("alice");
    m.to_address = world_text("bob");
    m.amount = &coins;
    m.n_amount = 1;
    return world_sign(&node, "alice", &e, &list, 1);
}

/* ---- tests ---- */

START_TEST(from_genesis_through_two_blocks)
{
    ck_assert_int_eq(info()->last_block_height, 0);
    ck_assert_uint_eq(info()->app_version, 1);
    const Tendermint__Abci__ResponseInitChain *chain = init();
    ck_assert_uint_eq(chain->n_validators, WORLD_VALIDATORS);
    ck_assert_int_eq(chain->validators[0]->power, 50000);
    ck_assert_uint_eq(chain->app_hash.len, 32);
    ck_assert_ptr_null(chain->consensus_params);

    struct vpr_bytes tx = send_tx(0);
    const Tendermint__Abci__ResponsePrepareProposal *p = prepare(1, tx);
    ck_assert_uint_eq(p->n_txs, 2);
    ask_process(1, p->txs, p->n_txs);
    ck_assert_int_eq((int)get(TENDERMINT__ABCI__RESPONSE__VALUE_PROCESS_PROPOSAL)
                         ->process_proposal->status,
                     TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__PROPOSAL_STATUS__ACCEPT);
    const Tendermint__Abci__ResponseFinalizeBlock *f = finalize(1, p);
    ck_assert_uint_eq(f->n_tx_results, 2);
    ck_assert_uint_eq(f->tx_results[0]->code, 0);
    ck_assert_uint_eq(f->tx_results[1]->code, 0);
    ck_assert_int_gt(f->tx_results[1]->gas_used, 20000);
    ck_assert_str_eq(f->tx_results[1]->events[0]->type, "tx");
    ck_assert(f->tx_results[1]->events[0]->attributes[0]->index);
    ck_assert_int_eq(info()->last_block_height, 0); /* executed is not committed */
    commit();
    const Tendermint__Abci__ResponseInfo *now = info();
    ck_assert_int_eq(now->last_block_height, 1);
    ck_assert_mem_eq(now->last_block_app_hash.data, f->app_hash.data, 32);

    struct vpr_hash hash = vpr_sha256(tx.data, tx.len);
    ck_assert_uint_eq(told.count, 1);
    ck_assert_uint_eq(told.height, 1);
    ck_assert_uint_eq(told.txs, 2);
    ck_assert_mem_eq(told.tx_hash.b, hash.b, 32);
    ck_assert_mem_eq(told.app_hash.b, f->app_hash.data, 32);

    (void)finalize(2, prepare(2, nothing));
    commit();
    ck_assert_int_eq(info()->last_block_height, 2);
}
END_TEST

START_TEST(what_is_illegal_is_an_exception_that_names_both)
{
    ask_commit();
    exception("Commit", "INIT");
    reconnect();
    ask_finalize(1, NULL, 0);
    exception("FinalizeBlock", "INIT");
    reconnect();
    (void)init();
    ask_commit();
    exception("Commit", "GENESIS");
    reconnect();
    ask_finalize(7, NULL, 0);
    exception("height 7", "next height is 1");
    reconnect();
    const Tendermint__Abci__ResponsePrepareProposal *p = prepare(1, nothing);
    (void)finalize(1, p);
    ask_finalize(1, p->txs, p->n_txs);
    exception("FinalizeBlock", "EXECUTED");
    reconnect(); /* drops what was executed */
    (void)finalize(1, p);
    commit();
    ask_commit();
    exception("Commit", "READY");
    reconnect();
    ask_init(1, -1, 8 << 20, genesis_json());
    exception("InitChain", "READY");
    reconnect();
    ck_assert_int_eq(info()->last_block_height, 1);
}
END_TEST

START_TEST(a_genesis_that_would_end_badly_is_refused)
{
    char *good = genesis_json();
    char unknown[] = "{\"params\":{\"sesion_blocks\":\"10\"}}", broken[] = "{", empty[] = "{}";
    ask_init(0, -1, 8 << 20, good);
    exception("version.app", "1");
    reconnect();
    ask_init(1, 60000000, 8 << 20, good);
    exception("max_gas", "-1");
    reconnect();
    ask_init(1, -1, 1 << 20, good);
    exception("max_bytes", "4194304");
    reconnect();
    extensions_from = 5; /* ExtendVote would end the chain there */
    ask_init(1, -1, 8 << 20, good);
    exception("vote_extensions_enable_height", "0");
    extensions_from = 0;
    reconnect();
    char *gap = strstr(genesis_json(), "\"min_gas_price\":\"25\",");
    ck_assert_ptr_nonnull(gap);
    char *free_of_fees = vpr_arena_text(
        &node, "%.*s%s", (int)(strlen(good) - strlen(gap)), good,
        gap + strlen("\"min_gas_price\":\"25\","));
    ask_init(1, -1, 8 << 20, free_of_fees);
    exception("params.min_gas_price", "missing");
    reconnect();
    ask_init(1, -1, -1, unknown);
    exception("app_state", "sesion_blocks");
    reconnect();
    ask_init(1, -1, -1, broken);
    exception("app_state", "BAD_");
    reconnect();
    ask_init(1, -1, -1, empty);
    exception("params", "BAD_FIELD");
    reconnect();
    (void)init();
}
END_TEST

START_TEST(a_connection_that_ends_takes_its_block_along)
{
    (void)init();
    const Tendermint__Abci__ResponsePrepareProposal *p = prepare(1, send_tx(0));
    const Tendermint__Abci__ResponseFinalizeBlock *f = finalize(1, p);
    reconnect();
    ask_commit();
    exception("Commit", "GENESIS");
    reconnect();
    ck_assert_int_eq(info()->last_block_height, 0);
    (void)init(); /* CometBFT's handshake after a restart before block 1 */
    const Tendermint__Abci__ResponseFinalizeBlock *again = finalize(1, p);
    ck_assert_mem_eq(again->app_hash.data, f->app_hash.data, 32);
    commit();
    ck_assert_int_eq(info()->last_block_height, 1); /* and the listener has been told */
    ck_assert_uint_eq(told.count, 1);
}
END_TEST

START_TEST(proposals_that_break_a_rule_are_rejected)
{
    (void)init();
    ask_process(1, NULL, 0);
    ck_assert_int_eq((int)get(TENDERMINT__ABCI__RESPONSE__VALUE_PROCESS_PROPOSAL)
                         ->process_proposal->status,
                     TENDERMINT__ABCI__RESPONSE_PROCESS_PROPOSAL__PROPOSAL_STATUS__REJECT);
}
END_TEST

static void ask_query(const char *path, struct vpr_bytes data, bool prove)
{
    Tendermint__Abci__RequestQuery m = TENDERMINT__ABCI__REQUEST_QUERY__INIT;
    m.path = vpr_arena_text(&node, "%s", path);
    m.data = (ProtobufCBinaryData){data.len, vpr_arena_copy(&node, data.data, data.len)};
    m.prove = prove;
    ASK(QUERY, query, &m);
}

static const Tendermint__Abci__ResponseQuery *query(const char *path, struct vpr_bytes data,
                                                    bool prove)
{
    ask_query(path, data, prove);
    return get(TENDERMINT__ABCI__RESPONSE__VALUE_QUERY)->query;
}

static void one_block(int64_t height)
{
    (void)finalize(height, prepare(height, nothing));
    commit();
}

START_TEST(queries_are_answered_from_the_last_commit)
{
    ck_assert_uint_eq(query("/viper.v1.Query/Chain", nothing, false)->code, VPR_NOT_FOUND);
    (void)init();
    one_block(1);
    (void)finalize(2, prepare(2, nothing));
    const Tendermint__Abci__ResponseQuery *q = query("/viper.v1.Query/Chain", nothing, false);
    ck_assert_msg(q->code == 0, "%s", q->log);
    ck_assert_int_eq(q->height, 1);
    const Viper__V1__QueryChainResponse *chain = (const void *)vpr_arena_unpack(
        &node, &viper__v1__query_chain_response__descriptor,
        vpr_bytes_of(q->value.data, q->value.len));
    ck_assert_str_eq(chain->chain_id, WORLD_CHAIN_ID);
    ck_assert_uint_eq(chain->height, 1);
    commit();

    q = query("/viper.v1.Query/Nonsense", nothing, false);
    ck_assert_uint_eq(q->code, VPR_NOT_FOUND);
    ck_assert_str_eq(q->codespace, "viper");
    static const uint8_t junk[] = {0xFF};
    q = query("/viper.v1.Query/AccountInfo", vpr_bytes_of(junk, 1), false);
    ck_assert_uint_eq(q->code, VPR_BAD_ENCODING);
}
END_TEST

START_TEST(a_proof_is_of_the_height_whose_header_exists)
{
    (void)init();
    one_block(1);
    one_block(2);
    struct vpr_address alice = world_address("alice");
    uint8_t key[21] = {VPR_KEY_ACCOUNT};
    memcpy(key + 1, alice.b, 20);
    const Tendermint__Abci__ResponseQuery *q =
        query("/store/accounts/key", vpr_bytes_of(key, sizeof key), true);
    ck_assert_msg(q->code == 0, "%s", q->log);
    ck_assert_int_eq(q->height, 1);
    ck_assert_uint_eq(q->proof_ops->n_ops, 2);
    q = query("/store/accounts/key", vpr_bytes_of(key, sizeof key), false);
    ck_assert_int_eq(q->height, 2);
    ck_assert_uint_eq(query("/store/nothing/key", vpr_bytes_of(key, 21), true)->code == 0, 0);
}
END_TEST

START_TEST(the_mempool_gets_codes_and_gas)
{
    (void)init();
    one_block(1);
    struct vpr_bytes tx = send_tx(0);
    Tendermint__Abci__RequestCheckTx m = TENDERMINT__ABCI__REQUEST_CHECK_TX__INIT;
    m.tx = (ProtobufCBinaryData){tx.len, vpr_arena_copy(&node, tx.data, tx.len)};
    ASK(CHECK_TX, check_tx, &m);
    const Tendermint__Abci__ResponseCheckTx *c =
        get(TENDERMINT__ABCI__RESPONSE__VALUE_CHECK_TX)->check_tx;
    ck_assert_msg(c->code == 0, "%s", c->log);
    ck_assert_int_eq(c->gas_wanted, 20000000);
    m.tx.len--;
    ASK(CHECK_TX, check_tx, &m);
    c = get(TENDERMINT__ABCI__RESPONSE__VALUE_CHECK_TX)->check_tx;
    ck_assert_uint_eq(c->code, VPR_BAD_ENCODING);
    ck_assert_str_eq(c->codespace, "viper");
}
END_TEST

START_TEST(a_simulation_waits_for_the_block_in_hand)
{
    (void)init();
    one_block(1);
    struct vpr_bytes tx = send_tx(0);
    Cosmos__Tx__V1beta1__SimulateRequest s = COSMOS__TX__V1BETA1__SIMULATE_REQUEST__INIT;
    s.tx_bytes = (ProtobufCBinaryData){tx.len, vpr_arena_copy(&node, tx.data, tx.len)};
    struct vpr_bytes request = vpr_arena_pack(&node, &s.base);
    const Tendermint__Abci__ResponseQuery *q = query(VPR_ANSWER_SIMULATE, request, false);
    ck_assert_msg(q->code == 0, "%s", q->log);
    const Cosmos__Tx__V1beta1__SimulateResponse *r = (const void *)vpr_arena_unpack(
        &node, &cosmos__tx__v1beta1__simulate_response__descriptor,
        vpr_bytes_of(q->value.data, q->value.len));
    ck_assert_uint_eq(r->gas_info->gas_used, 20000 + 10 * tx.len);

    (void)finalize(2, prepare(2, nothing));
    int consensus = fd;
    fd = driver_connect(&address); /* the query connection */
    ask_query(VPR_ANSWER_SIMULATE, request, false);
    expect_nothing(fd, 200);
    int queries = fd;
    fd = consensus;
    commit();
    fd = queries;
    q = get(TENDERMINT__ABCI__RESPONSE__VALUE_QUERY)->query;
    ck_assert_msg(q->code == 0, "%s", q->log);
    close(consensus);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bridge");
    TCase *t = tcase_create("bridge");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, from_genesis_through_two_blocks);
    tcase_add_test(t, what_is_illegal_is_an_exception_that_names_both);
    tcase_add_test(t, a_genesis_that_would_end_badly_is_refused);
    tcase_add_test(t, a_connection_that_ends_takes_its_block_along);
    tcase_add_test(t, proposals_that_break_a_rule_are_rejected);
    tcase_add_test(t, queries_are_answered_from_the_last_commit);
    tcase_add_test(t, a_proof_is_of_the_height_whose_header_exists);
    tcase_add_test(t, the_mempool_gets_codes_and_gas);
    tcase_add_test(t, a_simulation_waits_for_the_block_in_hand);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
