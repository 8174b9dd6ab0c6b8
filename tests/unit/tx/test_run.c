#include <check.h>
#include <stdio.h>

#include "app/base/bytes.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"
#include "cosmos/tx/v1beta1/tx.pb-c.h"
#include "tests/unit/world.h"
#include "viper/v1/tx.pb-c.h"

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

/* ---- making transactions ---- */

static Cosmos__Bank__V1beta1__MsgSend *send(const char *from, const char *to,
                                            const char *amount)
{
    struct vpr_arena *arena = &w->node;
    Cosmos__Base__V1beta1__Coin *coin = VPR_ARENA_NEW(arena, Cosmos__Base__V1beta1__Coin);
    cosmos__base__v1beta1__coin__init(coin);
    coin->denom = vpr_arena_text(arena, "uvipr");
    coin->amount = vpr_arena_text(arena, "%s", amount);
    Cosmos__Bank__V1beta1__MsgSend *m = VPR_ARENA_NEW(arena, Cosmos__Bank__V1beta1__MsgSend);
    cosmos__bank__v1beta1__msg_send__init(m);
    m->from_address = world_text(from);
    m->to_address = world_text(to);
    m->amount = VPR_ARENA_ARRAY(arena, Cosmos__Base__V1beta1__Coin *, 1);
    m->amount[0] = coin;
    m->n_amount = 1;
    return m;
}

/* alice is account 0 of genesis, bob 1. */
static struct vpr_bytes signed_send(const struct world_envelope *envelope, const char *amount)
{
    const ProtobufCMessage *m = &send("alice", "bob", amount)->base;
    return world_sign(&w->node, "alice", envelope, &m, 1);
}

static struct vpr_tx_result run_with(const struct world_envelope *envelope)
{
    return world_raw(w, signed_send(envelope, "7"));
}

static const struct world_envelope plain;

static uint64_t alice(void)
{
    return world_balance(w, "alice");
}

/* ---- the good path ---- */

START_TEST(a_send_moves_money_and_its_fee_waits_in_the_pool)
{
    uint64_t before = alice(), bob = world_balance(w, "bob");
    struct vpr_address fees = vpr_pool_address(VPR_POOL_FEES);
    world_begin(w);
    uint64_t pool = vpr_account_balance(&w->ctx, &fees).uvipr;
    struct vpr_tx_result r = run_with(&plain);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    ck_assert_uint_eq(alice(), before - 7 - FEE);
    ck_assert_uint_eq(world_balance(w, "bob"), bob + 7);
    ck_assert_uint_eq(vpr_account_balance(&w->ctx, &fees).uvipr, pool + FEE);
    ck_assert_uint_eq(r.gas_wanted, 20000000);
    ck_assert_uint_gt(r.gas_used, 20000);
    ck_assert_str_eq(world_event(w, "transfer", "amount"), "7uvipr");
    ck_assert_str_eq(world_event(w, "message", "action"), "/cosmos.bank.v1beta1.MsgSend");
    world_end(w);
}
END_TEST

START_TEST(ed25519_accounts_sign_too)
{
    const ProtobufCMessage *m = &send("bob", "alice", "9")->base;
    struct vpr_tx_result r = world_tx(w, "bob", m);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
}
END_TEST

START_TEST(gas_is_the_table_to_the_unit)
{
    struct vpr_bytes raw = signed_send(&plain, "7");
    struct vpr_tx_result r = world_raw(w, raw);
    ck_assert_uint_eq(r.gas_used, 20000 + 10 * raw.len);
}
END_TEST

START_TEST(sixteen_messages_run_as_one_or_not_at_all)
{
    const ProtobufCMessage *m[17];
    for (int i = 0; i < 17; i++) {
        m[i] = &send("alice", "bob", i == 15 ? "99999999999999999" : "1")->base;
    }
    uint64_t before = alice();
    /* The last of 16 cannot be paid: only the fee is gone. */
    struct vpr_tx_result r = world_raw(w, world_sign(&w->node, "alice", &plain, m, 16));
    ck_assert_int_eq(r.code, VPR_NO_FUNDS);
    ck_assert_uint_eq(alice(), before - FEE);
    ck_assert_ptr_null(world_event(w, "transfer", "amount"));
    ck_assert_str_eq(world_event(w, "tx", "fee"), "500000uvipr");
    struct world_envelope next = {.sequence = 1};
    r = world_raw(w, world_sign(&w->node, "alice", &next, m, 15));
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    ck_assert_uint_eq(alice(), before - 2 * FEE - 15);
}
END_TEST

START_TEST(the_key_is_known_after_the_first_signature)
{
    struct vpr_tx_result r = run_with(&plain);
    ck_assert_int_eq(r.code, VPR_OK);
    struct vpr_address who = world_address("alice");
    struct vpr_public_key key = world_key("alice");
    struct vpr_key_buf at = vpr_key(VPR_KEY_ACCOUNT);
    vpr_key_address(&at, &who);
    const Viper__V1__Account *account = (const Viper__V1__Account *)vpr_record_get(
        &w->ctx, VPR_STORE_ACCOUNTS, vpr_key_bytes(&at), &viper__v1__account__descriptor);
    ck_assert_int_eq(account->key_type, VIPER__V1__KEY_TYPE__KEY_TYPE_SECP256K1);
    ck_assert_uint_eq(account->key.len, 33);
    ck_assert_mem_eq(account->key.data, key.b, 33);
    ck_assert_uint_eq(account->sequence, 1);
}
END_TEST

/* ---- refusals of the envelope ---- */

static void refused(struct vpr_tx_result r, enum vpr_code code, uint64_t balance_before)
{
    ck_assert_msg(r.code == code, "%s instead of %s: %s", vpr_code_name(r.code),
                  vpr_code_name(code), r.log);
    ck_assert_uint_gt(strlen(r.log), 10);
    ck_assert_uint_eq(alice(), balance_before);
}

START_TEST(garbage_and_other_encodings_are_refused)
{
    uint64_t before = alice();
    static const uint8_t garbage[] = {0xFF, 0x00, 0x12};
    refused(world_raw(w, vpr_bytes_of(garbage, sizeof garbage)), VPR_BAD_ENCODING, before);
    refused(world_raw(w, vpr_bytes_of(NULL, 0)), VPR_BAD_FIELD, before);

    struct vpr_bytes good = signed_send(&plain, "7");
    /* An unknown field behind it. */
    uint8_t *longer = vpr_arena_alloc(&w->node, good.len + 2);
    memcpy(longer, good.data, good.len);
    longer[good.len] = 0x78;
    longer[good.len + 1] = 1;
    refused(world_raw(w, vpr_bytes_of(longer, good.len + 2)), VPR_BAD_ENCODING, before);
    /* One byte short. */
    refused(world_raw(w, vpr_bytes_of(good.data, good.len - 1)), VPR_BAD_ENCODING, before);
}
END_TEST

START_TEST(too_many_bytes_are_refused_before_decoding)
{
    uint64_t before = alice();
    uint8_t *big = vpr_arena_alloc(&w->node, VPR_TX_BYTES_MAX + 1);
    refused(world_raw(w, vpr_bytes_of(big, VPR_TX_BYTES_MAX + 1)), VPR_TOO_LARGE, before);
    char memo[258];
    memset(memo, 'm', 257);
    memo[257] = '\0';
    struct world_envelope e = {.memo = memo};
    refused(run_with(&e), VPR_TOO_LARGE, before);
    memo[256] = '\0';
    ck_assert_int_eq(run_with(&e).code, VPR_OK);
}
END_TEST

/* Elements of a packed list count too: six fields and 65,530 chains are the most. */
START_TEST(a_message_has_at_most_65536_fields)
{
    static uint32_t chains[65531];
    uint8_t key[32] = {1};
    Viper__V1__MsgEditServicer m = VIPER__V1__MSG_EDIT_SERVICER__INIT;
    const ProtobufCMessage *list = &m.base;
    uint64_t before = alice();
    for (size_t i = 0; i < VPR_COUNT(chains); i++) {
        chains[i] = 1;
    }
    m.signer = m.servicer = world_text("alice");
    m.url = vpr_arena_text(&w->node, "http://x");
    m.relay_key = (ProtobufCBinaryData){sizeof key, key};
    m.zone = 1;
    m.chains = chains;
    m.n_chains = 65531;
    struct vpr_tx_result r = world_raw(w, world_sign(&w->node, "alice", &plain, &list, 1));
    ck_assert_ptr_nonnull(strstr(r.log, "too many fields"));
    refused(r, VPR_BAD_ENCODING, before);
    m.n_chains = 65530;
    struct world_envelope rich = plain; /* each chain costs gas */
    rich.gas_limit = 200000000;
    rich.fee_uvipr = 5 * WORLD_VIPR;
    r = world_raw(w, world_sign(&w->node, "alice", &rich, &list, 1));
    ck_assert_int_eq(r.code, VPR_BAD_KEY); /* it was read */
}
END_TEST

START_TEST(seventeen_messages_are_refused)
{
    /* The builder refuses them too, so the body is packed by hand. */
    uint64_t before = alice();
    struct vpr_arena *arena = &w->node;
    Cosmos__Tx__V1beta1__TxBody body = COSMOS__TX__V1BETA1__TX_BODY__INIT;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT, *list[17];
    struct vpr_bytes m = vpr_arena_pack(arena, &send("alice", "bob", "1")->base);
    any.type_url = vpr_arena_text(arena, "/cosmos.bank.v1beta1.MsgSend");
    any.value = (ProtobufCBinaryData){m.len, vpr_arena_copy(arena, m.data, m.len)};
    for (int i = 0; i < 17; i++) {
        list[i] = &any;
    }
    body.messages = list;
    body.n_messages = 17;
    struct vpr_public_key key = world_key("alice");
    struct vpr_signature none = {{0}};
    struct vpr_bytes raw =
        vpr_wire_raw_pack(arena, vpr_arena_pack(arena, &body.base),
                          vpr_wire_auth_pack(arena, &key, 0, 1000000, 1000000), &none);
    refused(world_raw(w, raw), VPR_BAD_FIELD, before);
}
END_TEST

START_TEST(unknown_messages_are_refused)
{
    uint64_t before = alice();
    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT;
    const ProtobufCMessage *m = &coin.base;
    struct vpr_bytes raw = world_sign(&w->node, "alice", &plain, &m, 1);
    refused(world_raw(w, raw), VPR_UNKNOWN_MESSAGE, before);
}
END_TEST

START_TEST(a_changed_byte_or_another_chain_or_number_breaks_the_signature)
{
    uint64_t before = alice();
    struct world_envelope other_chain = {.chain_id = "viper-other"};
    refused(run_with(&other_chain), VPR_BAD_SIGNATURE, before);
    struct world_envelope other_number = {.account_number = 5};
    refused(run_with(&other_number), VPR_BAD_SIGNATURE, before);

    struct vpr_bytes good = signed_send(&plain, "7");
    uint8_t *bad = vpr_arena_copy(&w->node, good.data, good.len);
    bad[good.len - 1] ^= 1; /* within s of the signature */
    refused(world_raw(w, vpr_bytes_of(bad, good.len)), VPR_BAD_SIGNATURE, before);
    ck_assert_int_eq(world_raw(w, good).code, VPR_OK);
}
END_TEST

/* Order of secp256k1 minus s: the other, high form of the same signature. */
START_TEST(the_high_form_of_a_signature_is_refused)
{
    static const uint8_t order[32] = {
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48,
        0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41};
    uint64_t before = alice();
    struct vpr_bytes good = signed_send(&plain, "7");
    uint8_t *bad = vpr_arena_copy(&w->node, good.data, good.len);
    uint8_t *s = bad + good.len - 32;
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int v = order[i] - s[i] - borrow;
        borrow = v < 0;
        s[i] = (uint8_t)(v + (borrow ? 256 : 0));
    }
    refused(world_raw(w, vpr_bytes_of(bad, good.len)), VPR_BAD_SIGNATURE, before);
}
END_TEST

START_TEST(someone_elses_money_needs_his_signature)
{
    uint64_t before = alice();
    const ProtobufCMessage *m = &send("alice", "bob", "7")->base;
    struct world_envelope bob = {.account_number = 1};
    refused(world_raw(w, world_sign(&w->node, "bob", &bob, &m, 1)), VPR_BAD_SIGNER, before);
}
END_TEST

START_TEST(a_sequence_runs_once_and_in_order)
{
    struct vpr_bytes first = signed_send(&plain, "7");
    ck_assert_int_eq(world_raw(w, first).code, VPR_OK);
    uint64_t before = alice();
    refused(world_raw(w, first), VPR_BAD_SEQUENCE, before);
    struct world_envelope third = {.sequence = 2};
    refused(run_with(&third), VPR_BAD_SEQUENCE, before);
    /* Also in later blocks. */
    world_block(w);
    refused(world_raw(w, first), VPR_BAD_SEQUENCE, before);
}
END_TEST

START_TEST(timeouts_in_height_and_in_seconds)
{
    uint64_t before = alice();
    world_begin(w);
    struct world_envelope height = {.timeout_height = w->ctx.height - 1};
    refused(run_with(&height), VPR_EXPIRED, before);
    struct world_envelope late = {.timeout_s = w->ctx.time_s - 1};
    refused(run_with(&late), VPR_EXPIRED, before);
    struct world_envelope good = {.timeout_height = w->ctx.height, .timeout_s = w->ctx.time_s};
    ck_assert_int_eq(run_with(&good).code, VPR_OK);
}
END_TEST

START_TEST(fee_gas_and_funds_are_checked_with_their_numbers)
{
    uint64_t before = alice();
    struct world_envelope gas = {.gas_limit = 20000};
    refused(run_with(&gas), VPR_GAS_TOO_LOW, before);
    struct vpr_bytes probe = signed_send(&plain, "7");
    uint64_t least = ((20000 + 10 * probe.len) * 25 + 999) / 1000;
    /* A lower fee makes a shorter envelope: by three bytes here. */
    least = ((20000 + 10 * (probe.len - 3)) * 25 + 999) / 1000;
    struct world_envelope fee = {.fee_uvipr = least - 1};
    struct vpr_tx_result r = run_with(&fee);
    refused(r, VPR_FEE_TOO_LOW, before);
    struct world_envelope poor = {.fee_uvipr = before + 1};
    refused(run_with(&poor), VPR_NO_FUNDS, before);
    poor.account_number = 99; /* who cannot pay is not verified */
    refused(run_with(&poor), VPR_NO_FUNDS, before);
    const ProtobufCMessage *m = &send("nobody", "bob", "1")->base;
    refused(world_raw(w, world_sign(&w->node, "nobody", &plain, &m, 1)), VPR_NO_FUNDS, before);
}
END_TEST

START_TEST(a_failing_message_keeps_its_fee_and_nothing_else)
{
    uint64_t before = alice(), bob = world_balance(w, "bob");
    struct vpr_tx_result r = world_raw(w, signed_send(&plain, "2000000000000"));
    ck_assert_int_eq(r.code, VPR_NO_FUNDS);
    ck_assert_uint_eq(alice(), before - FEE);
    ck_assert_uint_eq(world_balance(w, "bob"), bob);
    /* Its sequence is used up too. */
    struct world_envelope same = {.sequence = 0};
    ck_assert_int_eq(run_with(&same).code, VPR_BAD_SEQUENCE);
    struct world_envelope next = {.sequence = 1};
    ck_assert_int_eq(run_with(&next).code, VPR_OK);
}
END_TEST

START_TEST(the_system_transaction_is_the_proposers)
{
    uint64_t before = alice();
    Viper__V1__MsgSystem system = VIPER__V1__MSG_SYSTEM__INIT;
    system.height = w->ctx.height + 1;
    struct vpr_bytes raw = vpr_tx_system_pack(&w->node, &system.base);
    ck_assert(vpr_tx_is_system(&w->node, raw));
    ck_assert_ptr_nonnull(vpr_tx_system_unpack(&w->node, raw));
    refused(world_raw(w, raw), VPR_SYSTEM_ONLY, before);
    /* Signed, or beside another message: refused all the same, and no system transaction. */
    const ProtobufCMessage *two[] = {&send("alice", "bob", "1")->base, &system.base};
    struct vpr_bytes mixed = world_sign(&w->node, "alice", &plain, two, 2);
    refused(world_raw(w, mixed), VPR_SYSTEM_ONLY, before);
    ck_assert_ptr_null(vpr_tx_system_unpack(&w->node, mixed));
}
END_TEST

/* What wallets can say and this version does not take: somebody else's purse, another mode. */
START_TEST(another_payer_or_mode_of_signing_is_unsupported)
{
    uint64_t before = alice();
    struct vpr_bytes good = signed_send(&plain, "7");
    Cosmos__Tx__V1beta1__TxRaw *raw = (Cosmos__Tx__V1beta1__TxRaw *)vpr_arena_unpack(
        &w->node, &cosmos__tx__v1beta1__tx_raw__descriptor, good);
    for (int i = 0; i < 2; i++) {
        Cosmos__Tx__V1beta1__AuthInfo *auth =
            (Cosmos__Tx__V1beta1__AuthInfo *)vpr_arena_unpack(
                &w->node, &cosmos__tx__v1beta1__auth_info__descriptor,
                vpr_bytes_of(raw->auth_info_bytes.data, raw->auth_info_bytes.len));
        if (i == 0) {
            auth->fee->payer = world_text("bob");
        } else {
            auth->signer_infos[0]->mode_info->single->mode =
                COSMOS__TX__V1BETA1__SIGN_MODE__SIGN_MODE_TEXTUAL;
        }
        struct vpr_bytes packed = vpr_arena_pack(&w->node, &auth->base);
        Cosmos__Tx__V1beta1__TxRaw bent = *raw;
        bent.auth_info_bytes.data = (uint8_t *)(uintptr_t)packed.data;
        bent.auth_info_bytes.len = packed.len;
        refused(world_raw(w, vpr_arena_pack(&w->node, &bent.base)), VPR_UNSUPPORTED, before);
    }
}
END_TEST

/* ---- wallets' own buttons ---- */

static struct vpr_bytes json_send(struct world_envelope e, const char *amount)
{
    e.amino = true;
    return signed_send(&e, amount);
}

/* What Keplr's Send button and a Ledger sign; a memo's text is signed, whatever it holds. */
START_TEST(a_signature_over_json_is_taken)
{
    uint64_t before = alice(), bobs = world_balance(w, "bob");
    struct world_envelope e = {.memo = "<b>&\"\\ \xe2\x80\xa8\n", .timeout_height = 99};
    struct vpr_tx_result r = world_raw(w, json_send(e, "7"));
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    ck_assert_uint_eq(alice(), before - 7 - FEE);
    ck_assert_uint_eq(world_balance(w, "bob"), bobs + 7);
    ck_assert_int_eq(world_raw(w, json_send(e, "7")).code, VPR_BAD_SEQUENCE);
    e.sequence = 1;
    ck_assert_int_eq(world_raw(w, json_send(e, "7")).code, VPR_OK);
}
END_TEST

START_TEST(json_of_another_chain_account_or_sequence_breaks_the_signature)
{
    const struct world_envelope wrong[] = {{.chain_id = "viper-2"}, {.account_number = 1}};
    uint64_t before = alice();
    for (size_t i = 0; i < VPR_COUNT(wrong); i++) {
        refused(world_raw(w, json_send(wrong[i], "7")), VPR_BAD_SIGNATURE, before);
    }
    /* What SIGN_MODE_DIRECT signed is no signature over the JSON, nor the other way round. */
    struct vpr_bytes direct = signed_send(&plain, "7"), json = json_send(plain, "7");
    Cosmos__Tx__V1beta1__TxRaw *a = (Cosmos__Tx__V1beta1__TxRaw *)vpr_arena_unpack(
        &w->node, &cosmos__tx__v1beta1__tx_raw__descriptor, direct);
    Cosmos__Tx__V1beta1__TxRaw *b = (Cosmos__Tx__V1beta1__TxRaw *)vpr_arena_unpack(
        &w->node, &cosmos__tx__v1beta1__tx_raw__descriptor, json);
    ProtobufCBinaryData swapped = a->signatures[0];
    a->signatures[0] = b->signatures[0];
    b->signatures[0] = swapped;
    refused(world_raw(w, vpr_arena_pack(&w->node, &a->base)), VPR_BAD_SIGNATURE, before);
    refused(world_raw(w, vpr_arena_pack(&w->node, &b->base)), VPR_BAD_SIGNATURE, before);
}
END_TEST

/* JSON says nothing of a time, and messages of our own have no form in it; a simulation, which
 * wallets send in that mode for every message, is answered all the same. */
START_TEST(what_json_does_not_sign_is_refused)
{
    uint64_t before = alice();
    struct world_envelope timed = {.timeout_s = w->ctx.time_s + 100, .amino = true};
    struct vpr_bytes raw = signed_send(&timed, "7");
    struct vpr_tx_result r = world_raw(w, raw);
    refused(r, VPR_UNSUPPORTED, before);
    ck_assert_ptr_nonnull(strstr(r.log, "timeout_timestamp"));

    Viper__V1__MsgWithdraw withdraw = VIPER__V1__MSG_WITHDRAW__INIT;
    const ProtobufCMessage *m = &withdraw.base;
    withdraw.delegator = world_text("alice");
    withdraw.actor = world_text("validator1");
    Cosmos__Tx__V1beta1__TxRaw *ours = (Cosmos__Tx__V1beta1__TxRaw *)vpr_arena_unpack(
        &w->node, &cosmos__tx__v1beta1__tx_raw__descriptor,
        world_sign(&w->node, "alice", &plain, &m, 1));
    Cosmos__Tx__V1beta1__TxRaw *json = (Cosmos__Tx__V1beta1__TxRaw *)vpr_arena_unpack(
        &w->node, &cosmos__tx__v1beta1__tx_raw__descriptor, json_send(plain, "7"));
    ours->auth_info_bytes = json->auth_info_bytes;
    struct vpr_bytes mixed = vpr_arena_pack(&w->node, &ours->base);
    r = world_raw(w, mixed);
    refused(r, VPR_UNSUPPORTED, before);
    ck_assert_ptr_nonnull(strstr(r.log, "has no amino form"));
    vpr_tx_simulate(&w->ctx, &vpr_domain_tables, mixed, &r);
    ck_assert_int_ne(r.code, VPR_UNSUPPORTED);
}
END_TEST

/* ---- unordered ---- */

START_TEST(unordered_runs_once_until_its_timeout_has_passed)
{
    world_begin(w);
    int64_t timeout = w->ctx.time_s + 2;
    struct world_envelope e = {.unordered = true, .timeout_s = timeout};
    struct vpr_bytes raw = signed_send(&e, "7");
    ck_assert_int_eq(world_raw(w, raw).code, VPR_OK);
    uint64_t before = alice();
    refused(world_raw(w, raw), VPR_REPLAYED, before);
    world_end(w);
    world_begin(w);
    refused(world_raw(w, raw), VPR_REPLAYED, before);
    world_end(w);
    world_begin(w);
    refused(world_raw(w, raw), VPR_REPLAYED, before); /* its own second */
    world_end(w);
    world_begin(w);
    refused(world_raw(w, raw), VPR_EXPIRED, before);
    world_end(w);
    /* Nothing of it is left in the state. */
    const struct vpr_key_buf seen = vpr_key(VPR_KEY_SEEN), queue = vpr_key(VPR_KEY_SEEN_QUEUE),
                             count = vpr_key(VPR_KEY_SEEN_COUNT);
    const struct vpr_key_buf *all[] = {&seen, &queue, &count};
    for (size_t i = 0; i < VPR_COUNT(all); i++) {
        struct vpr_bytes prefix = vpr_key_bytes(all[i]), key, value;
        ck_assert(!vpr_state_next(&w->state, &w->scratch, VPR_STORE_ACCOUNTS, prefix, prefix,
                                  &key, &value));
    }
    /* Unordered ones leave the sequence alone. */
    ck_assert_int_eq(run_with(&plain).code, VPR_OK);
}
END_TEST

START_TEST(unordered_needs_a_near_timeout_and_no_sequence)
{
    uint64_t before = alice();
    world_begin(w);
    struct world_envelope none = {.unordered = true};
    refused(run_with(&none), VPR_BAD_FIELD, before);
    struct world_envelope far = {.unordered = true, .timeout_s = w->ctx.time_s + 601};
    refused(run_with(&far), VPR_BAD_FIELD, before);
    struct world_envelope numbered = {
        .unordered = true, .timeout_s = w->ctx.time_s + 600, .sequence = 1};
    refused(run_with(&numbered), VPR_BAD_SEQUENCE, before);
    struct world_envelope good = {.unordered = true, .timeout_s = w->ctx.time_s + 600};
    ck_assert_int_eq(run_with(&good).code, VPR_OK);
}
END_TEST

START_TEST(an_account_has_at_most_1024_live_unordered_ones)
{
    world_begin(w);
    for (int i = 0; i < VPR_SEEN_MAX; i++) {
        char memo[16];
        (void)snprintf(memo, sizeof memo, "%d", i);
        struct world_envelope e = {
            .unordered = true, .timeout_s = w->ctx.time_s + 60, .memo = memo};
        struct vpr_tx_result r = run_with(&e);
        ck_assert_msg(r.code == VPR_OK, "%d: %s", i, r.log);
    }
    uint64_t before = alice();
    struct world_envelope more = {.unordered = true, .timeout_s = w->ctx.time_s + 60};
    refused(run_with(&more), VPR_REPLAYED, before);
}
END_TEST

/* Where the disk was last asked to look for an entry of the queue. */
static uint8_t asked_from[64];
static size_t asked_len;
static bool (*plain_seek)(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                          struct vpr_arena *arena, struct vpr_bytes from,
                          struct vpr_bytes *ret_key, struct vpr_bytes *ret_value);

static bool watched_seek(void *self, void *snapshot, enum vpr_kv_column column, bool backward,
                         struct vpr_arena *arena, struct vpr_bytes from,
                         struct vpr_bytes *ret_key, struct vpr_bytes *ret_value)
{
    if (from.len >= 2 && from.len <= sizeof asked_from && from.data[0] == VPR_STORE_ACCOUNTS &&
        from.data[1] == VPR_KEY_SEEN_QUEUE) {
        memcpy(asked_from, from.data, from.len);
        asked_len = from.len;
    }
    return plain_seek(self, snapshot, column, backward, arena, from, ret_key, ret_value);
}

/* What was deleted stays in the way on disk for long: a queue that is read from its beginning
 * in every block takes longer with every block. */
START_TEST(forgetting_begins_where_it_ended)
{
    world_begin(w);
    int64_t timeout_s = w->ctx.time_s + 60;
    struct world_envelope e = {.unordered = true, .timeout_s = timeout_s};
    ck_assert_int_eq(run_with(&e).code, VPR_OK);
    world_end(w);
    w->ctx.time_s = timeout_s;
    world_block(w);
    plain_seek = w->kv->seek;
    w->kv->seek = watched_seek;
    w->broken = true; /* invariants would walk through the queue, too */
    world_block(w);
    w->kv->seek = plain_seek;
    ck_assert_uint_ge(asked_len, 2 + 8);
    ck_assert_uint_eq(vpr_get_be64(asked_from + 2), (uint64_t)timeout_s);
}
END_TEST

START_TEST(forgetting_passes_each_entry_once)
{
    world_begin(w);
    int64_t timeout_s = w->ctx.time_s + 60;
    for (int i = 0; i < 200; i++) {
        char memo[16];
        (void)snprintf(memo, sizeof memo, "%d", i);
        struct world_envelope e = {.unordered = true, .timeout_s = timeout_s, .memo = memo};
        ck_assert_int_eq(run_with(&e).code, VPR_OK);
    }
    world_end(w);
    w->ctx.time_s = timeout_s;
    world_begin(w);
    (void)world_seeks(w);
    vpr_tx_forget(&w->ctx);
    ck_assert_uint_lt(world_seeks(w), 5 * 200);
    struct world_envelope next = {
        .unordered = true, .timeout_s = w->ctx.time_s + 60, .memo = "1"};
    ck_assert_int_eq(run_with(&next).code, VPR_OK);
    world_end(w);
}
END_TEST

static void put_seen(uint32_t number, uint64_t timeout_s)
{
    static const uint8_t present[] = {1};
    struct vpr_address who = world_address("bob");
    struct vpr_hash hash = {{0}};
    struct vpr_key_buf seen = vpr_key(VPR_KEY_SEEN), queued = vpr_key(VPR_KEY_SEEN_QUEUE);
    uint8_t be[8];
    vpr_put_be32(hash.b, number);
    vpr_put_be64(be, timeout_s);
    vpr_key_address(&seen, &who);
    vpr_key_hash(&seen, &hash);
    vpr_key_u64(&queued, timeout_s);
    vpr_key_address(&queued, &who);
    vpr_key_hash(&queued, &hash);
    vpr_state_put(&w->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&seen),
                  vpr_bytes_of(be, sizeof be));
    vpr_state_put(&w->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&queued),
                  vpr_bytes_of(present, sizeof present));
}

static uint64_t seen_of_bob(void)
{
    struct vpr_address who = world_address("bob");
    struct vpr_key_buf key = vpr_key(VPR_KEY_SEEN_COUNT);
    struct vpr_bytes value;
    vpr_key_address(&key, &who);
    return vpr_state_get(&w->state, &w->node, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key), &value)
               ? vpr_get_be64(value.data)
               : 0;
}

/* Straight into the state: as transactions they would take twenty accounts. */
START_TEST(a_block_forgets_20000_and_the_next_one_the_rest)
{
    struct vpr_address who = world_address("bob");
    struct vpr_key_buf key = vpr_key(VPR_KEY_SEEN_COUNT);
    uint8_t be[8];
    world_begin(w);
    for (uint32_t i = 0; i < 20001; i++) {
        put_seen(i, (uint64_t)w->ctx.time_s - 1);
    }
    vpr_put_be64(be, 20001);
    vpr_key_address(&key, &who);
    vpr_state_put(&w->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&key),
                  vpr_bytes_of(be, sizeof be));
    vpr_tx_forget(&w->ctx);
    ck_assert_uint_eq(seen_of_bob(), 1);
    vpr_tx_forget(&w->ctx);
    ck_assert_uint_eq(seen_of_bob(), 0);
    world_end(w);
}
END_TEST

/* ---- mempool and simulation ---- */

static struct vpr_tx_result check_tx(struct vpr_bytes raw, bool recheck)
{
    struct vpr_tx_result r;
    vpr_tx_check(&w->ctx, &vpr_domain_tables, raw, recheck, &r);
    return r;
}

START_TEST(the_mempool_takes_sequences_a_little_ahead)
{
    struct world_envelope ahead = {.sequence = 63}, too_far = {.sequence = 64};
    ck_assert_int_eq(check_tx(signed_send(&plain, "7"), false).code, VPR_OK);
    ck_assert_int_eq(check_tx(signed_send(&ahead, "7"), false).code, VPR_OK);
    ck_assert_int_eq(check_tx(signed_send(&too_far, "7"), false).code, VPR_BAD_SEQUENCE);
}
END_TEST

START_TEST(a_recheck_verifies_no_signature)
{
    struct world_envelope other = {.chain_id = "viper-other"};
    struct vpr_bytes raw = signed_send(&other, "7");
    ck_assert_int_eq(check_tx(raw, false).code, VPR_BAD_SIGNATURE);
    ck_assert_int_eq(check_tx(raw, true).code, VPR_OK);
}
END_TEST

START_TEST(a_simulation_needs_no_signature_and_changes_nothing)
{
    const ProtobufCMessage *m = &send("alice", "bob", "7")->base;
    struct vpr_wire_body body = {.messages = &m, .count = 1};
    struct vpr_public_key key = world_key("alice");
    struct vpr_bytes raw = vpr_wire_raw_pack(
        &w->node, vpr_wire_body_pack(&w->node, &body),
        vpr_wire_auth_pack(&w->node, &key, 0, 0, 0), NULL);
    uint64_t before = alice();
    struct vpr_tx_result r;
    vpr_tx_simulate(&w->ctx, &vpr_domain_tables, raw, &r);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    /* Also for the 64 bytes of the signature to come, behind tag and length. */
    ck_assert_uint_eq(r.gas_used, 20000 + 10 * (raw.len + 2 + 64));
    ck_assert_uint_eq(alice(), before);
    /* Wallets send an empty one: two bytes of it are there. */
    Cosmos__Tx__V1beta1__TxRaw empty = COSMOS__TX__V1BETA1__TX_RAW__INIT;
    struct vpr_bytes parts[] = {
        vpr_wire_body_pack(&w->node, &body),
        vpr_wire_auth_pack(&w->node, &key, 0, 0, 0),
    };
    ProtobufCBinaryData nothing = {0, NULL};
    empty.body_bytes = (ProtobufCBinaryData){
        parts[0].len, vpr_arena_copy(&w->node, parts[0].data, parts[0].len)};
    empty.auth_info_bytes = (ProtobufCBinaryData){
        parts[1].len, vpr_arena_copy(&w->node, parts[1].data, parts[1].len)};
    empty.signatures = &nothing;
    empty.n_signatures = 1;
    uint64_t gas = r.gas_used;
    vpr_tx_simulate(&w->ctx, &vpr_domain_tables, vpr_arena_pack(&w->node, &empty.base), &r);
    ck_assert_msg(r.code == VPR_OK, "%s", r.log);
    ck_assert_uint_eq(r.gas_used, gas);
    /* Without a signature it cannot run. */
    ck_assert_int_eq(world_raw(w, raw).code, VPR_BAD_SIGNATURE);
}
END_TEST

Suite *run_suite(void);
Suite *run_suite(void)
{
    Suite *s = suite_create("run");
    TCase *t = tcase_create("run");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_send_moves_money_and_its_fee_waits_in_the_pool);
    tcase_add_test(t, ed25519_accounts_sign_too);
    tcase_add_test(t, gas_is_the_table_to_the_unit);
    tcase_add_test(t, sixteen_messages_run_as_one_or_not_at_all);
    tcase_add_test(t, the_key_is_known_after_the_first_signature);
    tcase_add_test(t, garbage_and_other_encodings_are_refused);
    tcase_add_test(t, too_many_bytes_are_refused_before_decoding);
    tcase_add_test(t, a_message_has_at_most_65536_fields);
    tcase_add_test(t, seventeen_messages_are_refused);
    tcase_add_test(t, unknown_messages_are_refused);
    tcase_add_test(t, a_changed_byte_or_another_chain_or_number_breaks_the_signature);
    tcase_add_test(t, the_high_form_of_a_signature_is_refused);
    tcase_add_test(t, someone_elses_money_needs_his_signature);
    tcase_add_test(t, a_sequence_runs_once_and_in_order);
    tcase_add_test(t, timeouts_in_height_and_in_seconds);
    tcase_add_test(t, fee_gas_and_funds_are_checked_with_their_numbers);
    tcase_add_test(t, a_failing_message_keeps_its_fee_and_nothing_else);
    tcase_add_test(t, the_system_transaction_is_the_proposers);
    tcase_add_test(t, another_payer_or_mode_of_signing_is_unsupported);
    tcase_add_test(t, a_signature_over_json_is_taken);
    tcase_add_test(t, json_of_another_chain_account_or_sequence_breaks_the_signature);
    tcase_add_test(t, what_json_does_not_sign_is_refused);
    tcase_add_test(t, unordered_runs_once_until_its_timeout_has_passed);
    tcase_add_test(t, unordered_needs_a_near_timeout_and_no_sequence);
    tcase_add_test(t, an_account_has_at_most_1024_live_unordered_ones);
    tcase_add_test(t, forgetting_begins_where_it_ended);
    tcase_add_test(t, forgetting_passes_each_entry_once);
    tcase_add_test(t, a_block_forgets_20000_and_the_next_one_the_rest);
    tcase_add_test(t, the_mempool_takes_sequences_a_little_ahead);
    tcase_add_test(t, a_recheck_verifies_no_signature);
    tcase_add_test(t, a_simulation_needs_no_signature_and_changes_nothing);
    suite_add_tcase(s, t);
    return s;
}
