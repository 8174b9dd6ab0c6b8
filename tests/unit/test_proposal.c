#include <check.h>

#include "app/base/bytes.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "tests/unit/face.h"

/* What a proposer makes of its mempool, and what everybody rejects. */

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

static struct vpr_bytes unordered(const char *memo)
{
    struct world_envelope e = {
        .account_number = 1, .unordered = true, .timeout_s = WORLD_TIME_S + 500, .memo = memo};
    return send_as("bob", &e, 1);
}

/* Its signer can sign the same transaction again and again with other bytes. */
START_TEST(an_unordered_one_goes_in_once_whoever_signed_it_how_often)
{
    struct vpr_bytes mempool[] = {unordered("a"), unordered("a"), unordered("b"),
                                  unordered("a"), unordered("b")};
    for (size_t i = 1; i < VPR_COUNT(mempool); i++) {
        uint8_t *again = vpr_arena_copy(&node, mempool[i].data, mempool[i].len);
        again[mempool[i].len - 1] ^= (uint8_t)i;
        mempool[i].data = again;
    }
    struct vpr_app_block block = propose(mempool, VPR_COUNT(mempool), ROOM);
    ck_assert_uint_eq(block.count, 3);
    ck_assert(holds(&block, 1, mempool[0]));
    ck_assert(holds(&block, 2, mempool[2]));
}
END_TEST

START_TEST(no_more_unordered_ones_than_an_account_may_have)
{
    struct vpr_bytes *mempool = VPR_ARENA_ARRAY(&node, struct vpr_bytes, VPR_SEEN_MAX + 2);
    for (int i = 0; i < VPR_SEEN_MAX + 2; i++) {
        mempool[i] = unordered(vpr_arena_text(&node, "%d", i));
    }
    const struct vpr_app_result *r = run_block(mempool, VPR_SEEN_MAX - 1);
    ck_assert_uint_eq(r->tx_count, VPR_SEEN_MAX);
    struct vpr_app_block block = propose(mempool + VPR_SEEN_MAX - 1, 3, ROOM);
    ck_assert_uint_eq(block.count, 2);
    ck_assert_int_eq(execute(&block)->txs[1].code, VPR_OK);
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

/* One fee could fill every mempool else. */
START_TEST(the_mempool_takes_one_transaction_for_each_place)
{
    struct vpr_bytes first = alice(0, 600000), other = alice(0, 700000), next = alice(1, 0);
    struct vpr_bytes loose = unordered("a");
    struct vpr_tx_result r;
    ck_assert_int_eq(checked(first), VPR_OK);
    ck_assert_int_eq(checked(other), VPR_BAD_SEQUENCE);
    ck_assert_int_eq(checked(next), VPR_OK);
    ck_assert_int_eq(checked(loose), VPR_OK);
    ck_assert_int_eq(checked(loose), VPR_REPLAYED);
    ck_assert_int_eq(checked(bob(0, 0)), VPR_OK);
    /* A block later what waits is told again, and keeps its place. */
    (void)run_block(NULL, 0);
    vpr_app_check(app, first, true, &r);
    ck_assert_int_eq(r.code, VPR_OK);
    ck_assert_int_eq(checked(other), VPR_BAD_SEQUENCE);
    (void)run_block(NULL, 0);
    ck_assert_int_eq(checked(other), VPR_OK); /* the first one is gone, whyever */
    /* What was refused takes no place. */
    ck_assert_int_eq(checked(alice(2, UINT64_C(1) << 61)), VPR_NO_FUNDS);
    ck_assert_int_eq(checked(alice(2, 0)), VPR_OK);
}
END_TEST

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

/* Of tails alone, as cheap as they can be: 64 of an entry carry a signature each. */
static struct vpr_bytes prove_of(uint64_t sequence, size_t tails)
{
    Viper__V1__MsgProve m = VIPER__V1__MSG_PROVE__INIT;
    Viper__V1__ProveEntry entry = VIPER__V1__PROVE_ENTRY__INIT, *entries = &entry;
    const ProtobufCMessage *list = &m.base;
    struct world_envelope e = {.sequence = sequence};
    m.operator_ = world_text("alice");
    m.entries = &entries;
    m.n_entries = 1;
    entry.tails = VPR_ARENA_ARRAY(&node, ProtobufCBinaryData, tails); /* empty ones */
    entry.n_tails = tails;
    return world_sign(&node, "alice", &e, &list, 1);
}

START_TEST(a_block_of_more_than_7000_signatures_is_rejected)
{
    struct vpr_bytes txs[] = {system_of(1, reveal(), NULL), prove_of(0, 3500),
                              prove_of(1, 3500), prove_of(2, 1)};
    struct vpr_app_block full = block_at(1, txs, 3);
    struct vpr_err err;
    ck_assert_msg(vpr_app_process(app, &full, &err), "%s", err.text);
    rejected(txs, 4, "7000 signatures");
    /* One transaction alone: the mempool says so at once. */
    ck_assert_int_eq(checked(prove_of(0, 7001)), VPR_TOO_LARGE);
}
END_TEST

/* One byte each, so that neither gas nor signatures reject it. */
START_TEST(a_block_of_too_many_transactions_is_rejected)
{
    static const uint8_t junk[] = {0xFF};
    struct vpr_bytes *txs = VPR_ARENA_ARRAY(&node, struct vpr_bytes, VPR_BLOCK_TXS_MAX + 1);
    txs[0] = system_of(1, reveal(), NULL);
    for (size_t i = 1; i <= VPR_BLOCK_TXS_MAX; i++) {
        txs[i] = vpr_bytes_of(junk, sizeof junk);
    }
    ck_assert_uint_eq(VPR_BLOCK_TXS_MAX, 100000);
    struct vpr_app_block full = block_at(1, txs, VPR_BLOCK_TXS_MAX);
    struct vpr_err err;
    ck_assert_msg(vpr_app_process(app, &full, &err), "%s", err.text);
    rejected(txs, VPR_BLOCK_TXS_MAX + 1, "too many transactions");
}
END_TEST

TCase *proposal_tests(void)
{
    TCase *t = tcase_create("proposals");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, an_empty_block_still_has_its_system_transaction);
    tcase_add_test(t, the_dearest_come_first_and_each_account_in_its_order);
    tcase_add_test(t, what_would_fail_for_free_is_left_out);
    tcase_add_test(t, an_unordered_one_goes_in_once_whoever_signed_it_how_often);
    tcase_add_test(t, no_more_unordered_ones_than_an_account_may_have);
    tcase_add_test(t, fees_beyond_the_balance_are_left_out);
    tcase_add_test(t, the_list_stays_within_the_encoded_size);
    tcase_add_test(t, the_mempool_takes_one_transaction_for_each_place);
    tcase_add_test(t, the_mempool_knows_the_window_of_the_next_block_and_who_owes_what);
    tcase_add_test(t, session_messages_go_first_one_per_account_in_turn);
    tcase_add_test(t, ordinary_transactions_get_half_of_the_gas);
    tcase_add_test(t, the_system_transaction_is_one_first_and_right);
    tcase_add_test(t, a_block_above_the_gas_is_rejected);
    tcase_add_test(t, a_block_of_more_than_7000_signatures_is_rejected);
    tcase_add_test(t, a_block_of_too_many_transactions_is_rejected);
    return t;
}
