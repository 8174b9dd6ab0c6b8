#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "app/base/hash.h"
#include "cosmos/auth/v1beta1/auth.pb-c.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "tests/unit/world.h"
#include "viper/v1/query.pb-c.h"

#define FEE UINT64_C(500000)

static struct world *w;

static void set_up(void)
{
    w = world_create(NULL, NULL);
    world_block(w);
}

static void tear_down(void)
{
    world_destroy(w);
}

static struct vpr_tx_result send(const char *from, char *to, const char *amount,
                                 const char *denom)
{
    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT, *list = &coin;
    Cosmos__Bank__V1beta1__MsgSend m = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
    coin.denom = vpr_arena_text(&w->node, "%s", denom);
    coin.amount = vpr_arena_text(&w->node, "%s", amount);
    m.from_address = world_text(from);
    m.to_address = to;
    m.amount = &list;
    m.n_amount = 1;
    return world_tx(w, from, &m.base);
}

static struct vpr_coin balance(const struct vpr_address *who)
{
    return vpr_account_balance(&w->ctx, who);
}

/* ---- balances ---- */

START_TEST(a_debit_that_cannot_be_paid_changes_nothing)
{
    struct vpr_address who = world_address("alice");
    uint64_t have = balance(&who).uvipr;
    ck_assert_int_eq(vpr_account_debit(&w->ctx, &who, vpr_coin(have + 1)), VPR_NO_FUNDS);
    ck_assert_ptr_nonnull(strstr(w->err.text, "has"));
    ck_assert_uint_eq(balance(&who).uvipr, have);
    ck_assert_int_eq(vpr_account_debit(&w->ctx, &who, vpr_coin(have)), VPR_OK);
    ck_assert_uint_eq(balance(&who).uvipr, 0);
    vpr_account_credit(&w->ctx, &who, vpr_coin(have));
}
END_TEST

START_TEST(nobody_has_nothing_and_pays_nothing)
{
    struct vpr_address who = world_address("never seen");
    ck_assert_uint_eq(balance(&who).uvipr, 0);
    ck_assert_int_eq(vpr_account_debit(&w->ctx, &who, vpr_coin(0)), VPR_OK);
    ck_assert_int_eq(vpr_account_debit(&w->ctx, &who, vpr_coin(1)), VPR_NO_FUNDS);
    vpr_account_credit(&w->ctx, &who, vpr_coin(0));
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    struct vpr_bytes value;
    vpr_key_address(&key, &who);
    ck_assert(!vpr_state_get(&w->state, &w->scratch, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                             &value)); /* no record comes of nothing */
}
END_TEST

START_TEST(moving_to_oneself_changes_nothing)
{
    struct vpr_address who = world_address("alice");
    uint64_t have = balance(&who).uvipr;
    ck_assert_int_eq(vpr_account_move(&w->ctx, &who, &who, vpr_coin(5)), VPR_OK);
    ck_assert_uint_eq(balance(&who).uvipr, have);
    vpr_supply_assert(&w->ctx);
}
END_TEST

START_TEST(minting_grows_the_supply_and_stops_below_two_to_the_62)
{
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    struct vpr_supply before = vpr_supply_get(&w->ctx);
    uint64_t had = balance(&dao).uvipr;
    ck_assert(vpr_account_mint(&w->ctx, &dao, vpr_coin(77)));
    struct vpr_supply after = vpr_supply_get(&w->ctx);
    ck_assert_uint_eq(after.total.uvipr, before.total.uvipr + 77);
    ck_assert_uint_eq(after.minted.uvipr, before.minted.uvipr + 77);
    ck_assert_uint_eq(after.genesis.uvipr, before.genesis.uvipr);
    ck_assert_uint_eq(after.burned.uvipr, 0);
    ck_assert_uint_eq(balance(&dao).uvipr, had + 77);
    vpr_supply_assert(&w->ctx);
    ck_assert(!vpr_account_mint(&w->ctx, &dao, vpr_coin(VPR_SUPPLY_MAX - after.total.uvipr)));
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).total.uvipr, after.total.uvipr);
    ck_assert_ptr_null(world_broken(w));
}
END_TEST

/* A coin from nowhere: the block must not end. */
START_TEST(a_credit_without_a_debit_halts_at_the_end_of_the_block)
{
    struct vpr_address who = world_address("alice");
    vpr_account_credit(&w->ctx, &who, vpr_coin(1));
    ck_assert_str_eq(world_broken(w), "supply_is_held");
    vpr_supply_assert(&w->ctx);
}
END_TEST

START_TEST(genesis_is_the_sum_of_its_balances)
{
    struct vpr_supply supply = vpr_supply_get(&w->ctx);
    /* alice and bob; owner with stake + 1,000 and operator with 1,000 of each actor. */
    uint64_t vipr = 2000000 + 4 * 52000 + 6 * 17000 + 3 * 17000 + 1002000;
    ck_assert_uint_eq(supply.genesis.uvipr, vipr * WORLD_VIPR);
    ck_assert_uint_eq(supply.total.uvipr, supply.genesis.uvipr + supply.minted.uvipr);
}
END_TEST

START_TEST(pools_have_pinned_addresses_and_names)
{
    struct vpr_hash h = vpr_sha256("viper-pool-staked", 17);
    struct vpr_address staked = vpr_pool_address(VPR_POOL_STAKED),
                       alice = world_address("alice");
    ck_assert_mem_eq(staked.b, h.b, 20);
    ck_assert_str_eq(vpr_pool_name(&staked), "staked");
    ck_assert_ptr_null(vpr_pool_name(&alice));
}
END_TEST

/* ---- send ---- */

START_TEST(a_send_makes_the_account_it_goes_to)
{
    struct vpr_address carol = world_address("carol");
    struct vpr_tx_result r = send("alice", world_text("carol"), "12", "uvipr");
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    ck_assert_uint_eq(balance(&carol).uvipr, 12);
    struct vpr_key_buf key = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&key, &carol);
    const Viper__V1__Account *account = (const Viper__V1__Account *)vpr_record_get(
        &w->ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &viper__v1__account__descriptor);
    ck_assert_uint_gt(account->number, 30); /* after those of genesis and the pools */
    ck_assert_uint_eq(account->sequence, 0);
    world_end(w);
}
END_TEST

static void refused(struct vpr_tx_result r, enum vpr_code code)
{
    ck_assert_msg(r.code == code, "%s: %s", vpr_code_name(r.code), r.log);
}

START_TEST(wrong_amounts_are_refused)
{
    char *bob = world_text("bob");
    uint64_t before = world_balance(w, "bob");
    refused(send("alice", bob, "0", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "01", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "-1", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "1.5", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "18446744073709551616", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "4611686018427387904", "uvipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "1", "vipr"), VPR_BAD_AMOUNT);
    refused(send("alice", bob, "4611686018427387903", "uvipr"), VPR_NO_FUNDS);
    ck_assert_uint_eq(world_balance(w, "bob"), before);
}
END_TEST

START_TEST(wrong_addresses_and_pools_are_refused)
{
    struct vpr_address staked = vpr_pool_address(VPR_POOL_STAKED);
    char nonsense[] = "viper1nonsense",
         cosmos[] = "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu";
    refused(send("alice", nonsense, "1", "uvipr"), VPR_BAD_ADDRESS);
    refused(send("alice", cosmos, "1", "uvipr"), VPR_BAD_ADDRESS);
    refused(send("alice", world_text_of(&staked), "1", "uvipr"), VPR_DENIED);
}
END_TEST

/* ---- queries ---- */

static const ProtobufCMessage *ask(const char *method, const ProtobufCMessage *request,
                                   enum vpr_code code)
{
    const struct vpr_query *query = vpr_domain_query(method);
    ProtobufCMessage *response = NULL;
    ck_assert_ptr_nonnull(query);
    ck_assert_ptr_eq(query->request, request->descriptor);
    enum vpr_code got = query->answer(&w->ctx, request, &response);
    ck_assert_msg(got == code, "%s: %s", vpr_code_name(got), w->err.text);
    ck_assert(code != VPR_OK || response->descriptor == query->response);
    return response;
}

START_TEST(wallets_find_balance_number_sequence_and_key)
{
    Cosmos__Bank__V1beta1__QueryBalanceRequest b =
        COSMOS__BANK__V1BETA1__QUERY_BALANCE_REQUEST__INIT;
    char uvipr[] = "uvipr", atom[] = "uatom";
    b.address = world_text("bob");
    b.denom = uvipr;
    const Cosmos__Bank__V1beta1__QueryBalanceResponse *balance_is =
        (const Cosmos__Bank__V1beta1__QueryBalanceResponse *)ask(
            "/cosmos.bank.v1beta1.Query/Balance", &b.base, VPR_OK);
    ck_assert_str_eq(balance_is->balance->amount, "1000000000000");
    b.denom = atom;
    balance_is = (const Cosmos__Bank__V1beta1__QueryBalanceResponse *)ask(
        "/cosmos.bank.v1beta1.Query/Balance", &b.base, VPR_OK);
    ck_assert_str_eq(balance_is->balance->amount, "0");
    ck_assert_str_eq(balance_is->balance->denom, "uatom");

    ck_assert_int_eq(send("bob", world_text("alice"), "1", "uvipr").code, VPR_OK);
    Cosmos__Auth__V1beta1__QueryAccountRequest a =
        COSMOS__AUTH__V1BETA1__QUERY_ACCOUNT_REQUEST__INIT;
    a.address = world_text("bob");
    const Cosmos__Auth__V1beta1__QueryAccountResponse *account =
        (const Cosmos__Auth__V1beta1__QueryAccountResponse *)ask(
            "/cosmos.auth.v1beta1.Query/Account", &a.base, VPR_OK);
    ck_assert_str_eq(account->account->type_url, "/cosmos.auth.v1beta1.BaseAccount");
    const Cosmos__Auth__V1beta1__BaseAccount *base = (const void *)vpr_arena_unpack(
        &w->node, &cosmos__auth__v1beta1__base_account__descriptor,
        vpr_bytes_of(account->account->value.data, account->account->value.len));
    ck_assert_str_eq(base->address, world_text("bob"));
    ck_assert_uint_eq(base->account_number, 1);
    ck_assert_uint_eq(base->sequence, 1);
    ck_assert_str_eq(base->pub_key->type_url, "/cosmos.crypto.ed25519.PubKey");

    a.address = world_text("nobody yet");
    (void)ask("/cosmos.auth.v1beta1.Query/Account", &a.base, VPR_NOT_FOUND);
    a.address = uvipr;
    (void)ask("/cosmos.auth.v1beta1.Query/Account", &a.base, VPR_BAD_ADDRESS);
}
END_TEST

START_TEST(all_accounts_page_by_page_hold_the_supply)
{
    Cosmos__Base__Query__V1beta1__PageRequest page =
        COSMOS__BASE__QUERY__V1BETA1__PAGE_REQUEST__INIT;
    Viper__V1__QueryAccountsRequest q = VIPER__V1__QUERY_ACCOUNTS_REQUEST__INIT;
    Viper__V1__QuerySupplyRequest s = VIPER__V1__QUERY_SUPPLY_REQUEST__INIT;
    uint64_t sum = 0;
    size_t count = 0, pools = 0;
    q.pagination = &page;
    page.limit = 7;
    for (;;) {
        const Viper__V1__QueryAccountsResponse *r =
            (const Viper__V1__QueryAccountsResponse *)ask("/viper.v1.Query/Accounts", &q.base,
                                                          VPR_OK);
        ck_assert_uint_le(r->n_accounts, 7);
        for (size_t i = 0; i < r->n_accounts; i++) {
            sum += r->accounts[i]->balance_uvipr;
            pools += r->accounts[i]->pool[0] != '\0';
        }
        count += r->n_accounts;
        if (r->pagination->next_key.len == 0) {
            break;
        }
        page.key = r->pagination->next_key;
    }
    const Viper__V1__QuerySupplyResponse *supply =
        (const Viper__V1__QuerySupplyResponse *)ask("/viper.v1.Query/Supply", &s.base, VPR_OK);
    ck_assert_uint_eq(sum, supply->total_uvipr);
    ck_assert_uint_ge(count, 2 + 2 * 14);
    ck_assert_uint_ge(pools, 1);

    /* Backward, with an offset; and what is refused. */
    page.key.len = 0;
    page.reverse = true;
    page.limit = 1000;
    page.offset = 3;
    const Viper__V1__QueryAccountsResponse *r = (const Viper__V1__QueryAccountsResponse *)ask(
        "/viper.v1.Query/Accounts", &q.base, VPR_OK);
    ck_assert_uint_eq(r->n_accounts, count - 3);
    page.limit = 1001;
    (void)ask("/viper.v1.Query/Accounts", &q.base, VPR_BAD_FIELD);
    page.limit = 1;
    page.count_total = true;
    (void)ask("/viper.v1.Query/Accounts", &q.base, VPR_UNSUPPORTED);
}
END_TEST

START_TEST(the_list_of_messages_is_whole)
{
    /* Each row names all it needs, and no type or name occurs twice. */
    const struct vpr_tables *t = &vpr_domain_tables;
    size_t rows = 0;
    for (size_t d = 0; d < t->count; d++) {
        for (size_t i = 0; i < t->domains[d]->handler_count; i++) {
            const struct vpr_handler *row = &t->domains[d]->handlers[i];
            ck_assert(row->check != NULL && row->apply != NULL);
            ck_assert_str_eq(row->type_url + 1, row->descriptor->name);
            const ProtobufCFieldDescriptor *signer =
                protobuf_c_message_descriptor_get_field_by_name(row->descriptor, row->signer);
            ck_assert_msg(signer != NULL && signer->type == PROTOBUF_C_TYPE_STRING, "%s",
                          row->name);
            for (size_t e = 0; e <= d; e++) {
                for (size_t k = 0; k < (e == d ? i : t->domains[e]->handler_count); k++) {
                    ck_assert_str_ne(row->name, t->domains[e]->handlers[k].name);
                    ck_assert_str_ne(row->type_url, t->domains[e]->handlers[k].type_url);
                }
            }
            /* Nothing is not enough for any message. */
            ProtobufCMessage *empty = vpr_arena_unpack(&w->node, row->descriptor,
                                                       vpr_bytes_of(NULL, 0));
            struct vpr_err err;
            ck_assert_msg(row->check(empty, &err) != VPR_OK, "%s", row->name);
            rows++;
        }
    }
    ck_assert_uint_ge(rows, 20);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts");
    TCase *t = tcase_create("accounts");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_debit_that_cannot_be_paid_changes_nothing);
    tcase_add_test(t, nobody_has_nothing_and_pays_nothing);
    tcase_add_test(t, moving_to_oneself_changes_nothing);
    tcase_add_test(t, minting_grows_the_supply_and_stops_below_two_to_the_62);
    tcase_add_test_raise_signal(t, a_credit_without_a_debit_halts_at_the_end_of_the_block,
                                SIGABRT);
    tcase_add_test(t, genesis_is_the_sum_of_its_balances);
    tcase_add_test(t, pools_have_pinned_addresses_and_names);
    tcase_add_test(t, a_send_makes_the_account_it_goes_to);
    tcase_add_test(t, wrong_amounts_are_refused);
    tcase_add_test(t, wrong_addresses_and_pools_are_refused);
    tcase_add_test(t, wallets_find_balance_number_sequence_and_key);
    tcase_add_test(t, all_accounts_page_by_page_hold_the_supply);
    tcase_add_test(t, the_list_of_messages_is_whole);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
