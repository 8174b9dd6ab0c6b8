#include "tests/unit/domain/act.h"
#include "cosmos/bank/v1beta1/bank.pb-c.h"

static uint64_t power(struct world *w, const char *name)
{
    return actor_of(w, name)->validator->power;
}

static const struct vpr_validator_update *update_of(struct world *w, const char *name)
{
    struct vpr_hash key = world_ed25519(vpr_arena_text(&w->node, "%s.consensus", name));
    for (size_t i = 0; i < w->update_count; i++) {
        if (vpr_hash_equal(&w->updates[i].key, &key)) {
            return &w->updates[i];
        }
    }
    return NULL;
}

START_TEST(genesis_validators_enter_at_once)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_uint_eq(w->update_count, 4);
    ck_assert_uint_eq(update_of(w, "validator3")->power, 50000);
    ck_assert_uint_eq(power(w, "validator3"), 50000);
    world_block(w);
    ck_assert_uint_eq(w->update_count, 0); /* only changes are told */
    world_destroy(w);
}
END_TEST

/* Staked in session 0, its chain end is usable from session 2, which opens in block 21. */
START_TEST(a_new_validator_enters_when_its_chain_end_is_usable)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address consensus = world_consensus("carol");
    struct vpr_hash end;
    Viper__V1__MsgStakeValidator *m = new_validator(w, "carol");
    m->amount += 999999;
    act_ok(w, "alice", &m->base);
    world_until(w, 20);
    ck_assert_uint_eq(power(w, "carol"), 0);
    ck_assert(!vpr_validator_beacon_end(&w->ctx, &consensus, &end));
    world_until(w, 21);
    ck_assert_uint_eq(w->update_count, 1);
    ck_assert_uint_eq(update_of(w, "carol")->power, 50000);
    ck_assert(vpr_validator_beacon_end(&w->ctx, &consensus, &end));
    struct vpr_hash expected = world_beacon_end("carol");
    ck_assert(vpr_hash_equal(&end, &expected));
    world_destroy(w);
}
END_TEST

START_TEST(a_stake_is_refused_for_its_reason)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__MsgStakeValidator *m = new_validator(w, "carol");
    struct vpr_hash taken = world_ed25519("validator1.consensus");
    ProtobufCBinaryData key = m->consensus_key;
    m->amount = 50000 * WORLD_VIPR - 1;
    act_refused(w, "alice", &m->base, VPR_STAKE_TOO_LOW);
    m->amount = 50000 * WORLD_VIPR;
    m->commission_ppm = 200001;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->commission_ppm = 1000001;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->commission_ppm = 200000;
    m->beacon_end.len = 31;
    act_refused(w, "alice", &m->base, VPR_BAD_FIELD);
    m->beacon_end.len = 32;
    m->consensus_key.len = 33;
    act_refused(w, "alice", &m->base, VPR_BAD_KEY);
    m->consensus_key = vpr_field_of_hash(&w->node, &taken);
    act_refused(w, "alice", &m->base, VPR_STAKED);
    m->consensus_key = key;
    act_ok(w, "alice", &m->base);
    world_block(w);
    world_destroy(w);
}
END_TEST

static void three_seats(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->max_validators = 3;
}

/* By stake, lower id first at a tie; who is pushed out is told with power 0. */
START_TEST(the_set_is_the_top_by_stake)
{
    struct world *w = world_create(three_seats, NULL);
    static const char *const names[] = {"validator1", "validator2", "validator3", "validator4"};
    const char *out = names[0];
    struct vpr_address most = world_address(out);
    for (size_t i = 1; i < 4; i++) {
        struct vpr_address id = world_address(names[i]);
        if (vpr_address_cmp(&id, &most) > 0) {
            most = id;
            out = names[i];
        }
    }
    ck_assert_uint_eq(w->update_count, 3);
    ck_assert_uint_eq(power(w, out), 0);
    Viper__V1__MsgIncreaseStake m = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    const char *owner = vpr_arena_text(&w->node, "%s.owner", out);
    m.owner = world_text(owner);
    m.actor = world_text(out);
    m.amount = 1;
    act_ok(w, owner, &m.base);
    world_block(w);
    ck_assert_uint_eq(w->update_count, 2);
    ck_assert_uint_eq(power(w, out), 50000);
    size_t in_set = 0;
    for (size_t i = 0; i < 4; i++) {
        in_set += power(w, names[i]) > 0;
    }
    ck_assert_uint_eq(in_set, 3);
    for (size_t i = 0; i < w->update_count; i++) {
        ck_assert(w->updates[i].power == 0 || w->updates[i].power == 50000);
    }
    world_destroy(w);
}
END_TEST

START_TEST(who_pauses_leaves_the_set_at_once)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_int_eq(pause_(w, "validator2", "validator2"), VPR_OK);
    world_block(w);
    ck_assert_uint_eq(w->update_count, 1);
    ck_assert_uint_eq(update_of(w, "validator2")->power, 0);
    ck_assert_int_eq(resume_(w, "validator2", "validator2"), VPR_OK);
    world_block(w);
    ck_assert_uint_eq(update_of(w, "validator2")->power, 50000);
    world_destroy(w);
}
END_TEST

/* All leave: the last ones known stay in the set, and so do their stakes. */
START_TEST(the_set_is_never_empty)
{
    struct world *w = world_create(NULL, NULL);
    for (int i = 1; i <= 4; i++) {
        const char *name = vpr_arena_text(&w->node, "validator%d", i);
        const char *owner = vpr_arena_text(&w->node, "%s.owner", name);
        ck_assert_int_eq(unstake_(w, owner, name), VPR_OK);
    }
    world_until(w, 70);
    ck_assert_uint_eq(w->update_count, 0);
    for (int i = 1; i <= 4; i++) {
        const char *name = vpr_arena_text(&w->node, "validator%d", i);
        ck_assert_uint_eq(power(w, name), 50000);
        ck_assert_int_eq(actor_of(w, name)->status, VIPER__V1__STATUS__STATUS_UNSTAKING);
    }
    /* A fifth takes over, the stakes go back in the block after the set let go of them. */
    act_ok(w, "alice", &new_validator(w, "carol")->base); /* session 7: usable from 9 */
    world_until(w, 91);
    ck_assert_uint_eq(power(w, "carol"), 50000);
    ck_assert_uint_eq(w->update_count, 5);
    world_until(w, 92);
    ck_assert_int_eq(actor_of(w, "validator1")->status, VIPER__V1__STATUS__STATUS_GONE);
    world_destroy(w);
}
END_TEST

START_TEST(of_a_validator_that_is_gone_the_consensus_key_is_free)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address consensus = world_consensus("validator1"), id;
    struct vpr_hash key = world_ed25519("validator1.consensus");
    ck_assert_int_eq(unstake_(w, "validator1.owner", "validator1"), VPR_OK);
    w->proposer = "validator2";
    world_until(w, 60);
    ck_assert(vpr_validator_by_consensus(&w->ctx, &consensus, &id));
    world_until(w, 61);
    ck_assert_int_eq(actor_of(w, "validator1")->status, VIPER__V1__STATUS__STATUS_GONE);
    ck_assert(!vpr_validator_by_consensus(&w->ctx, &consensus, &id));
    Viper__V1__MsgStakeValidator *m = new_validator(w, "carol");
    m->consensus_key = vpr_field_of_hash(&w->node, &key);
    act_ok(w, "alice", &m->base);
    world_block(w);
    world_destroy(w);
}
END_TEST

static enum vpr_code commission(struct world *w, const char *signer, uint32_t ppm)
{
    Viper__V1__MsgSetCommission m = VIPER__V1__MSG_SET_COMMISSION__INIT;
    m.owner = world_text(signer);
    m.actor = world_text("validator1");
    m.commission_ppm = ppm;
    return act(w, signer, &m.base);
}

/* At most one point up in a day since the last change, down whenever. */
START_TEST(commission_rises_slowly)
{
    struct world *w = world_create(NULL, NULL);
    world_begin(w);
    ck_assert_int_eq(commission(w, "validator1", 1), VPR_DENIED);
    ck_assert_int_eq(commission(w, "alice", 1), VPR_DENIED);
    ck_assert_int_eq(commission(w, "validator1.owner", 1), VPR_TOO_SOON);
    w->ctx.time_s = WORLD_TIME_S + 86399;
    ck_assert_int_eq(commission(w, "validator1.owner", 10000), VPR_TOO_SOON);
    w->ctx.time_s = WORLD_TIME_S + 86400;
    ck_assert_int_eq(commission(w, "validator1.owner", 10001), VPR_BAD_FIELD);
    ck_assert_int_eq(commission(w, "validator1.owner", 10000), VPR_OK);
    ck_assert_int_eq(commission(w, "validator1.owner", 10001), VPR_TOO_SOON);
    ck_assert_int_eq(commission(w, "validator1.owner", 9000), VPR_OK);
    ck_assert_int_eq(commission(w, "validator1.owner", 9001), VPR_TOO_SOON);
    ck_assert_uint_eq(actor_of(w, "validator1")->commission_ppm, 9000);
    ck_assert_int_eq(commission(w, "validator1.owner", 200001), VPR_BAD_FIELD);
    ck_assert_int_eq(commission(w, "validator1.owner", 1000001), VPR_BAD_FIELD);
    world_destroy(w);
}
END_TEST

/* Renewed in session 0, used from the first block of session 2, also by those who look at
 * the block before it has opened the session. */
START_TEST(a_renewed_chain_is_used_two_sessions_later)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_address consensus = world_consensus("validator1");
    struct vpr_hash fresh = world_beacon_end("carol"), end, x;
    Viper__V1__MsgRenewBeacon m = VIPER__V1__MSG_RENEW_BEACON__INIT;
    m.signer = world_text("alice");
    m.validator = world_text("validator1");
    m.beacon_end = vpr_field_of_hash(&w->node, &fresh);
    act_refused(w, "alice", &m.base, VPR_DENIED);
    m.signer = world_text("validator1");
    m.beacon_end.len = 8;
    act_refused(w, "validator1", &m.base, VPR_BAD_FIELD);
    m.beacon_end.len = 32;
    act_ok(w, "validator1", &m.base);
    ck_assert_str_eq(world_event(w, "renew", "actor"), world_text("validator1"));
    ck_assert_str_eq(world_event(w, "renew", "session"), "2");
    act_refused(w, "validator1", &m.base, VPR_TOO_SOON);
    world_until(w, 20);
    ck_assert(vpr_validator_beacon_end(&w->ctx, &consensus, &end));
    ck_assert(!vpr_hash_equal(&end, &fresh));
    /* As ProcessProposal of block 21 sees it, on the state of block 20. */
    w->ctx.height = 21;
    w->ctx.proposer = consensus;
    ck_assert(vpr_validator_beacon_end(&w->ctx, &consensus, &end));
    ck_assert(vpr_hash_equal(&end, &fresh));
    ck_assert(world_beacon_reveal("carol", &fresh, &x));
    ck_assert(vpr_beacon_reveal_ok(&w->ctx, vpr_bytes_of(x.b, 32)));
    w->ctx.height = 20;
    world_block(w);
    ck_assert_str_eq(world_event(w, "renewed", "actor"), world_text("validator1"));
    ck_assert_uint_eq(actor_of(w, "validator1")->validator->beacon_pending.len, 0);
    act_ok(w, "validator1", &m.base);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* floor(200,000 VIPR x 112,500,000 x 10 / 10^12) = 225 VIPR for four, 56.25 each. */
START_TEST(the_yield_of_the_local_genesis_is_225)
{
    struct world *w = world_create(NULL, NULL);
    struct vpr_supply before, after;
    world_until(w, 10);
    before = vpr_supply_get(&w->ctx);
    uint64_t owner = world_balance(w, "validator1.owner");
    ck_assert_ptr_null(world_event(w, "yield", "minted"));
    world_block(w);
    after = vpr_supply_get(&w->ctx);
    ck_assert_uint_eq(after.minted.uvipr - before.minted.uvipr, 225 * WORLD_VIPR);
    ck_assert_uint_eq(world_balance(w, "validator1.owner"), owner + 56250000);
    ck_assert_str_eq(world_event(w, "yield", "session"), "0");
    ck_assert_str_eq(world_event(w, "yield", "minted"), "225000000");
    ck_assert_str_eq(world_event(w, "yield", "fees"), "0");
    ck_assert_str_eq(world_event(w, "yield", "validators"), "4");
    world_destroy(w);
}
END_TEST

static void uneven(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->validators[0]->amount += 1;
    genesis->validators[1]->amount += 333 * WORLD_VIPR;
    genesis->validators[2]->owner = genesis->validators[1]->owner;
    genesis->validators[2]->amount = 50000 * WORLD_VIPR;
    for (size_t i = 0; i < genesis->n_accounts; i++) {
        if (strcmp(genesis->accounts[i]->address, genesis->validators[1]->owner) == 0) {
            genesis->accounts[i]->balance += 50000 * WORLD_VIPR;
        }
    }
}

/* To the unit: each pot is divided by itself, floors go to the DAO; two validators of one
 * owner are paid both. */
START_TEST(yield_and_fees_are_divided_to_the_unit)
{
    struct world *w = world_create(uneven, NULL);
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    struct vpr_address pool = vpr_pool_address(VPR_POOL_FEES);
    Cosmos__Bank__V1beta1__MsgSend send = COSMOS__BANK__V1BETA1__MSG_SEND__INIT;
    Cosmos__Base__V1beta1__Coin coin = COSMOS__BASE__V1BETA1__COIN__INIT;
    Cosmos__Base__V1beta1__Coin *coins[] = {&coin};
    coin.denom = vpr_arena_text(&w->node, "uvipr");
    coin.amount = vpr_arena_text(&w->node, "1");
    send.from_address = world_text("alice");
    send.to_address = world_text("bob");
    send.n_amount = 1;
    send.amount = coins;
    struct vpr_tx_result result = world_tx(w, "alice", &send.base);
    ck_assert_msg(result.code == VPR_OK, "%s", result.log);
    world_until(w, 10);
    uint64_t fees = vpr_account_balance(&w->ctx, &pool).uvipr;
    ck_assert_uint_gt(fees, 0);
    uint64_t stakes[] = {UINT64_C(50000000001), UINT64_C(50333000000), UINT64_C(50000000000),
                         UINT64_C(50000000000)};
    uint64_t bonded = 0, given = 0, shares[4];
    for (size_t i = 0; i < 4; i++) {
        bonded += stakes[i];
    }
    uint64_t minted = (uint64_t)((vpr_u128)bonded * 112500000 * 10 / 1000000000000);
    for (size_t i = 0; i < 4; i++) {
        shares[i] = (uint64_t)((vpr_u128)minted * stakes[i] / bonded) +
                    (uint64_t)((vpr_u128)fees * stakes[i] / bonded);
        given += shares[i];
    }
    uint64_t owner1 = world_balance(w, "validator1.owner");
    uint64_t owner2 = world_balance(w, "validator2.owner");
    uint64_t owner4 = world_balance(w, "validator4.owner");
    uint64_t treasury = vpr_account_balance(&w->ctx, &dao).uvipr;
    world_block(w);
    ck_assert_uint_eq(world_balance(w, "validator1.owner"), owner1 + shares[0]);
    ck_assert_uint_eq(world_balance(w, "validator2.owner"), owner2 + shares[1] + shares[2]);
    ck_assert_uint_eq(world_balance(w, "validator4.owner"), owner4 + shares[3]);
    ck_assert_uint_gt(minted + fees, given);
    ck_assert_uint_eq(vpr_account_balance(&w->ctx, &dao).uvipr,
                      treasury + minted + fees - given);
    ck_assert_uint_eq(vpr_account_balance(&w->ctx, &pool).uvipr, 0);
    world_destroy(w);
}
END_TEST

/* Who left in the block before is not paid, and who enters later is not either. */
START_TEST(the_set_of_the_block_before_is_paid)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 9);
    ck_assert_int_eq(pause_(w, "validator4", "validator4"), VPR_OK); /* block 10 */
    world_block(w);
    uint64_t out = world_balance(w, "validator4.owner");
    uint64_t in = world_balance(w, "validator1.owner");
    world_begin(w);
    ck_assert_str_eq(world_event(w, "yield", "validators"), "3");
    ck_assert_str_eq(world_event(w, "yield", "minted"), "168750000");
    ck_assert_uint_eq(world_balance(w, "validator4.owner"), out);
    ck_assert_uint_eq(world_balance(w, "validator1.owner"), in + 56250000);
    world_destroy(w);
}
END_TEST

static void almost_2_to_62(Viper__V1__GenesisState *genesis, void *arg)
{
    uint64_t others = 0;
    (void)arg;
    for (size_t i = 1; i < genesis->n_accounts; i++) {
        others += genesis->accounts[i]->balance;
    }
    genesis->accounts[0]->balance = VPR_SUPPLY_MAX - 1000 - others;
}

/* A supply without room mints nothing, and the block goes on. */
START_TEST(a_full_supply_yields_nothing)
{
    struct world *w = world_create(almost_2_to_62, NULL);
    uint64_t owner = world_balance(w, "validator1.owner");
    world_until(w, 11);
    ck_assert_str_eq(world_event(w, "yield", "minted"), "0");
    ck_assert_uint_eq(world_balance(w, "validator1.owner"), owner);
    world_destroy(w);
}
END_TEST

START_TEST(validators_are_listed)
{
    struct world *w = world_create(NULL, NULL);
    Viper__V1__QueryValidatorsRequest request = VIPER__V1__QUERY_VALIDATORS_REQUEST__INIT;
    enum vpr_code code;
    ck_assert_int_eq(pause_(w, "validator2", "validator2"), VPR_OK);
    world_block(w);
    const Viper__V1__QueryValidatorsResponse *r =
        (const Viper__V1__QueryValidatorsResponse *)ask(w, "/viper.v1.Query/Validators",
                                                        &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    ck_assert_uint_eq(r->n_validators, 4);
    size_t paused = 0;
    for (size_t i = 0; i < 4; i++) {
        const Viper__V1__ValidatorRow *row = r->validators[i];
        bool is_2 = strcmp(row->id, world_text("validator2")) == 0;
        ck_assert_uint_eq(row->stake, 50000 * WORLD_VIPR);
        ck_assert_uint_eq(row->power, is_2 ? 0 : 50000);
        ck_assert_uint_eq(row->beacon_end.len, 32);
        paused += row->status == VIPER__V1__STATUS__STATUS_PAUSED;
    }
    ck_assert_uint_eq(paused, 1);
    world_destroy(w);
}
END_TEST

static void same_consensus_key(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->validators[1]->consensus_key = genesis->validators[0]->consensus_key;
}

START_TEST(genesis_with_a_bad_validator_is_refused)
{
    genesis_refused(same_consensus_key, VPR_STAKED);
}
END_TEST

TCase *validators_tests(void)
{
    TCase *t = tcase_create("validators");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, genesis_validators_enter_at_once);
    tcase_add_test(t, a_new_validator_enters_when_its_chain_end_is_usable);
    tcase_add_test(t, a_stake_is_refused_for_its_reason);
    tcase_add_test(t, the_set_is_the_top_by_stake);
    tcase_add_test(t, who_pauses_leaves_the_set_at_once);
    tcase_add_test(t, the_set_is_never_empty);
    tcase_add_test(t, of_a_validator_that_is_gone_the_consensus_key_is_free);
    tcase_add_test(t, commission_rises_slowly);
    tcase_add_test(t, a_renewed_chain_is_used_two_sessions_later);
    tcase_add_test(t, the_yield_of_the_local_genesis_is_225);
    tcase_add_test(t, yield_and_fees_are_divided_to_the_unit);
    tcase_add_test(t, the_set_of_the_block_before_is_paid);
    tcase_add_test(t, a_full_supply_yields_nothing);
    tcase_add_test(t, validators_are_listed);
    tcase_add_test(t, genesis_with_a_bad_validator_is_refused);
    return t;
}
