#include "app/domain/accounts.h"
#include "app/domain/doublesign.h"
#include "app/domain/downtime.h"
#include "app/domain/slashing.h"
#include "app/domain/unbonding.h"
#include "app/domain/validators.h"
#include "tests/unit/domain/act.h"

#define STAKE (UINT64_C(50000) * WORLD_VIPR)
#define WINDOW 50 /* of these worlds */
#define JAIL_S 30 /* of the local genesis */

static void short_window(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->params->downtime_window = WINDOW;
}

/* ---- what CometBFT says ---- */

static struct vpr_vote votes[WORLD_VALIDATORS + 1];
static struct vpr_fault faults[2];
static struct vpr_reports said;

static void run(struct world *w)
{
    world_begin(w);
    w->ctx.reports = NULL;
    world_end(w);
}

/* A block whose commit has the votes of all but one of the first four, and of a stranger. */
static void vote(struct world *w, const char *absent)
{
    static const char *const names[] = {"validator1", "validator2", "validator3", "validator4",
                                        "stranger"};
    for (size_t i = 0; i < VPR_COUNT(names); i++) {
        votes[i].validator = world_consensus(names[i]);
        votes[i].present = absent == NULL || strcmp(absent, names[i]) != 0;
    }
    said = (struct vpr_reports){.votes = votes, .vote_count = VPR_COUNT(names)};
    w->ctx.reports = &said;
    run(w);
}

static void votes_until(struct world *w, uint64_t height, const char *absent)
{
    while (w->ctx.height < height) {
        vote(w, absent);
    }
}

/* A block with evidence that `name` signed twice at a height. */
static void accuse(struct world *w, const char *name, uint64_t height)
{
    faults[0] = (struct vpr_fault){world_consensus(name), height};
    faults[1] = faults[0]; /* votes of two rounds come as two */
    said = (struct vpr_reports){.faults = faults, .fault_count = 2};
    w->ctx.reports = &said;
    run(w);
}

static void undelegate(struct world *w, uint64_t amount)
{
    Viper__V1__MsgUndelegate m = VIPER__V1__MSG_UNDELEGATE__INIT;
    m.delegator = world_text("alice");
    m.actor = world_text("validator2");
    m.amount = amount;
    act_ok(w, "alice", &m.base);
}

/* 999 uvipr more of its own, and 1,019,666 of alice's, in the first block. */
static void have_delegated(struct world *w)
{
    Viper__V1__MsgIncreaseStake more = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    Viper__V1__MsgDelegate m = VIPER__V1__MSG_DELEGATE__INIT;
    more.owner = world_text("validator2.owner");
    more.actor = m.actor = world_text("validator2");
    more.amount = 999;
    act_ok(w, "validator2.owner", &more.base);
    m.delegator = world_text("alice");
    m.amount = 1019666;
    act_ok(w, "alice", &m.base);
    world_block(w);
}

static struct vpr_signing signing(struct world *w, const char *name)
{
    struct vpr_address id = world_address(name);
    return vpr_signing(&w->ctx, &id);
}

static uint64_t slashes(struct world *w, const char *name)
{
    struct vpr_address id = world_address(name);
    return vpr_slash_count(&w->ctx, &id);
}

static const Viper__V1__Slash *last_slash(struct world *w, const char *name)
{
    struct vpr_address id = world_address(name);
    return vpr_slash_get(&w->ctx, &id, vpr_slash_count(&w->ctx, &id) - 1);
}

static int status(struct world *w, const char *name)
{
    return (int)actor_of(w, name)->status;
}

static const Viper__V1__ValidatorRow *row_of(struct world *w, const char *name)
{
    Viper__V1__QueryValidatorsRequest request = VIPER__V1__QUERY_VALIDATORS_REQUEST__INIT;
    enum vpr_code code;
    const Viper__V1__QueryValidatorsResponse *r =
        (const Viper__V1__QueryValidatorsResponse *)ask(w, "/viper.v1.Query/Validators",
                                                        &request.base, &code);
    ck_assert_int_eq(code, VPR_OK);
    for (size_t i = 0; i < r->n_validators; i++) {
        if (strcmp(r->validators[i]->id, world_text(name)) == 0) {
            return r->validators[i];
        }
    }
    ck_abort_msg("%s is not listed", name);
    return NULL;
}

/* ---- downtime ---- */

/* The commit of block 1 comes with block 2: the window is whole with block 51. */
START_TEST(who_misses_a_window_is_slashed_and_jailed)
{
    struct world *w = world_create(short_window, NULL);
    run(w);
    votes_until(w, WINDOW, "validator2");
    ck_assert_int_eq(status(w, "validator2"), VIPER__V1__STATUS__STATUS_ACTIVE);
    ck_assert_uint_eq(signing(w, "validator2").counted, WINDOW - 1);
    ck_assert_uint_eq(row_of(w, "validator2")->missed_blocks, WINDOW - 1);
    ck_assert_uint_eq(row_of(w, "validator1")->missed_blocks, 0);
    vote(w, "validator2");
    ck_assert_int_eq(status(w, "validator2"), VIPER__V1__STATUS__STATUS_JAILED);
    ck_assert_uint_eq(actor_of(w, "validator2")->stake, STAKE - STAKE / 10000);
    ck_assert_uint_eq(last_slash(w, "validator2")->fault_height, WINDOW - 1);
    ck_assert_int_eq(last_slash(w, "validator2")->reason,
                     VIPER__V1__SLASH_REASON__SLASH_REASON_DOWNTIME);
    ck_assert_str_eq(world_event(w, "jail", "signed"), "0");
    ck_assert_str_eq(world_event(w, "jail", "least"), "25");
    ck_assert_int_eq(row_of(w, "validator2")->jailed_until_s, w->ctx.time_s + JAIL_S);
    ck_assert_uint_eq(w->update_count, 1); /* at once */
    ck_assert_uint_eq(w->updates[0].power, 0);
    ck_assert_uint_eq(signing(w, "validator2").counted, 0);
    votes_until(w, WINDOW + 10, "validator2"); /* CometBFT lists it two blocks longer */
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    ck_assert_uint_eq(slashes(w, "validator1"), 0);
    world_destroy(w);
}
END_TEST

/* The ring forgets: half of every window is enough, for ever; one less is not. */
START_TEST(half_of_the_window_is_enough)
{
    struct world *w = world_create(short_window, NULL);
    run(w);
    while (w->ctx.height < 5 * WINDOW + 1) {
        vote(w, w->ctx.height % 2 == 0 ? "validator3" : NULL);
    }
    ck_assert_uint_eq(signing(w, "validator3").missed, WINDOW / 2);
    ck_assert_uint_eq(signing(w, "validator3").counted, WINDOW);
    ck_assert_int_eq(status(w, "validator3"), VIPER__V1__STATUS__STATUS_ACTIVE);
    vote(w, "validator3"); /* takes the place of a missed one, or of a signed one */
    if (status(w, "validator3") == VIPER__V1__STATUS__STATUS_ACTIVE) {
        vote(w, "validator3");
    }
    ck_assert_int_eq(status(w, "validator3"), VIPER__V1__STATUS__STATUS_JAILED);
    ck_assert_str_eq(world_event(w, "jail", "signed"), "24");
    world_destroy(w);
}
END_TEST

START_TEST(a_jailed_validator_resumes_and_is_counted_anew)
{
    struct world *w = world_create(short_window, NULL);
    run(w);
    votes_until(w, WINDOW + 1, "validator2");
    int64_t until_s = actor_of(w, "validator2")->jailed_until_s;
    while (w->ctx.time_s < until_s - 1) {
        vote(w, NULL);
    }
    w->ctx.reports = NULL;
    ck_assert_int_eq(pause_(w, "validator2", "validator2"), VPR_BAD_STATUS);
    world_block(w); /* its time is until_s, the next one's beyond */
    ck_assert_int_eq(w->ctx.time_s, until_s);
    ck_assert_int_eq(resume_(w, "validator2", "validator2"), VPR_OK);
    world_block(w);
    ck_assert_int_eq(status(w, "validator2"), VIPER__V1__STATUS__STATUS_ACTIVE);
    ck_assert_int_eq(actor_of(w, "validator2")->jailed_until_s, 0);
    ck_assert_uint_eq(row_of(w, "validator2")->power, 49995);
    uint64_t from = w->ctx.height;
    votes_until(w, from + WINDOW - 1, "validator2");
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    vote(w, "validator2");
    ck_assert_uint_eq(slashes(w, "validator2"), 2);
    world_destroy(w);
}
END_TEST

START_TEST(a_jailed_validator_cannot_resume_too_soon)
{
    struct world *w = world_create(short_window, NULL);
    run(w);
    votes_until(w, WINDOW + 1, "validator2");
    int64_t until_s = actor_of(w, "validator2")->jailed_until_s;
    w->ctx.reports = NULL;
    world_begin(w);
    Viper__V1__MsgResume m = VIPER__V1__MSG_RESUME__INIT;
    m.signer = m.actor = world_text("validator2");
    w->ctx.time_s = until_s - 1;
    act_refused(w, "validator2", &m.base, VPR_TOO_SOON);
    w->ctx.time_s = until_s;
    act_ok(w, "validator2", &m.base);
    world_block(w);
    world_destroy(w);
}
END_TEST

START_TEST(the_owner_leaves_from_jail)
{
    struct world *w = world_create(short_window, NULL);
    run(w);
    votes_until(w, WINDOW + 1, "validator2");
    w->ctx.reports = NULL;
    ck_assert_int_eq(unstake_(w, "validator2.owner", "validator2"), VPR_OK);
    ck_assert_int_eq(resume_(w, "validator2", "validator2"), VPR_BAD_STATUS);
    uint64_t stake = actor_of(w, "validator2")->stake;
    uint64_t before = world_balance(w, "validator2.owner");
    while (status(w, "validator2") != VIPER__V1__STATUS__STATUS_GONE) {
        world_block(w);
        ck_assert_uint_lt(w->ctx.height, 400);
    }
    ck_assert_uint_eq(world_balance(w, "validator2.owner"), before + stake);
    world_destroy(w);
}
END_TEST

/* Its bits stood for other blocks: with another window the count begins anew. */
START_TEST(another_window_counts_anew)
{
    struct world *w = world_create(short_window, NULL);
    struct vpr_params params;
    run(w);
    votes_until(w, 20, "validator2");
    vpr_params_get(&w->ctx, &params, 0);
    params.v[VPR_P_downtime_window] = 20;
    vpr_params_put(&w->ctx, &params, 3);
    votes_until(w, 30, "validator2");
    ck_assert_uint_eq(signing(w, "validator2").missed, 29);
    vote(w, "validator2"); /* opens session 3 */
    ck_assert_uint_eq(signing(w, "validator2").counted, 1);
    ck_assert_uint_eq(signing(w, "validator2").missed, 1);
    votes_until(w, 49, "validator2");
    ck_assert_uint_eq(slashes(w, "validator2"), 0);
    vote(w, "validator2");
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    world_destroy(w);
}
END_TEST

START_TEST(who_is_out_of_the_set_is_not_counted)
{
    struct world *w = world_create(short_window, NULL);
    run(w);
    votes_until(w, 10, "validator2");
    w->ctx.reports = NULL;
    ck_assert_int_eq(pause_(w, "validator2", "validator2"), VPR_OK);
    world_block(w);
    ck_assert_uint_eq(signing(w, "validator2").counted, 0);
    votes_until(w, 40, "validator2");
    w->ctx.reports = NULL;
    ck_assert_int_eq(resume_(w, "validator2", "validator2"), VPR_OK);
    world_block(w);
    votes_until(w, WINDOW + 30, "validator2");
    ck_assert_uint_eq(slashes(w, "validator2"), 0);
    ck_assert_uint_eq(signing(w, "validator2").counted, 39);
    world_destroy(w);
}
END_TEST

static void one_validator(Viper__V1__GenesisState *genesis, void *arg)
{
    short_window(genesis, arg);
    genesis->n_validators = 1;
}

/* CometBFT cannot go on without one: jailed, slashed, and in the set until somebody comes. */
START_TEST(the_last_validator_stays_in_the_set_when_jailed)
{
    struct world *w = world_create(one_validator, NULL);
    run(w);
    votes_until(w, WINDOW + 1, "validator1");
    ck_assert_int_eq(status(w, "validator1"), VIPER__V1__STATUS__STATUS_JAILED);
    ck_assert_uint_eq(w->update_count, 0);
    ck_assert_uint_gt(actor_of(w, "validator1")->validator->power, 0);
    votes_until(w, 3 * WINDOW, "validator1");
    ck_assert_uint_eq(slashes(w, "validator1"), 1); /* not counted in jail */
    world_destroy(w);
}
END_TEST

/* ---- double sign ---- */

START_TEST(a_double_sign_is_slashed_once_and_tombstoned)
{
    struct world *w = world_create(short_window, NULL);
    struct vpr_address consensus = world_consensus("validator2");
    world_until(w, 9);
    accuse(w, "validator2", 7);
    ck_assert_int_eq(status(w, "validator2"), VIPER__V1__STATUS__STATUS_TOMBSTONED);
    ck_assert_uint_eq(actor_of(w, "validator2")->stake, STAKE - STAKE / 20);
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    ck_assert_uint_eq(last_slash(w, "validator2")->fault_height, 6);
    ck_assert_uint_eq(last_slash(w, "validator2")->ppm, 50000);
    ck_assert_str_eq(world_event(w, "tombstone", "fault_height"), "7");
    ck_assert_uint_eq(vpr_tombstone(&w->ctx, &consensus), 10);
    ck_assert_uint_eq(row_of(w, "validator2")->tombstone_height, 10);
    ck_assert_uint_eq(w->update_count, 1);
    ck_assert_uint_eq(w->updates[0].power, 0);
    accuse(w, "validator2", 8);
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    votes_until(w, 100, "validator2");
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    ck_assert_uint_eq(row_of(w, "validator2")->power, 0);
    world_destroy(w);
}
END_TEST

START_TEST(a_tombstoned_validator_only_leaves)
{
    struct world *w = world_create(short_window, NULL);
    world_until(w, 9);
    accuse(w, "validator2", 7);
    w->ctx.reports = NULL;
    Viper__V1__MsgResume resume = VIPER__V1__MSG_RESUME__INIT;
    resume.signer = resume.actor = world_text("validator2");
    act_refused(w, "validator2", &resume.base, VPR_TOMBSTONED);
    Viper__V1__MsgIncreaseStake more = VIPER__V1__MSG_INCREASE_STAKE__INIT;
    more.owner = world_text("validator2.owner");
    more.actor = world_text("validator2");
    more.amount = 1;
    act_refused(w, "validator2.owner", &more.base, VPR_TOMBSTONED);
    ck_assert_int_eq(unstake_(w, "validator2.owner", "validator2"), VPR_OK);
    while (status(w, "validator2") != VIPER__V1__STATUS__STATUS_GONE) {
        world_block(w);
        ck_assert_uint_lt(w->ctx.height, 400);
    }
    /* The record is gone, the key's tombstone is not. */
    Viper__V1__MsgStakeValidator *again = new_validator(w, "carol");
    struct vpr_hash key = world_ed25519("validator2.consensus");
    ProtobufCBinaryData fresh = again->consensus_key;
    again->consensus_key = vpr_field_of_hash(&w->node, &key);
    act_refused(w, "alice", &again->base, VPR_TOMBSTONED);
    again->consensus_key = fresh;
    act_ok(w, "alice", &again->base);
    world_block(w);
    world_destroy(w);
}
END_TEST

/* Left in block 10: that stake stood behind block 11, not behind a later one. */
START_TEST(a_double_sign_reaches_a_stake_on_its_way_out)
{
    struct world *w = world_create(short_window, NULL);
    world_until(w, 9);
    ck_assert_int_eq(unstake_(w, "validator2.owner", "validator2"), VPR_OK);
    ck_assert_int_eq(unstake_(w, "validator3.owner", "validator3"), VPR_OK);
    world_until(w, 20);
    accuse(w, "validator2", 11);
    accuse(w, "validator3", 12);
    ck_assert_uint_eq(actor_of(w, "validator2")->stake, STAKE - STAKE / 20);
    ck_assert_uint_eq(actor_of(w, "validator3")->stake, STAKE);
    ck_assert_int_eq(status(w, "validator2"), VIPER__V1__STATUS__STATUS_UNSTAKING);
    ck_assert_uint_gt(row_of(w, "validator3")->tombstone_height, 0);
    world_destroy(w);
}
END_TEST

/* 5 % or a hundredth of one: of own stake, of the pool and of each entry, a floor at each.  Of own
 * stake and pool together, or of both entries, a unit more would burn. */
static const struct parts {
    int reason;
    uint64_t own, pool, entries[2];
} parts_burned[] = {
    {VIPER__V1__SLASH_REASON__SLASH_REASON_DOUBLE_SIGN, 2500000049, 49983, {499, 500}},
    {VIPER__V1__SLASH_REASON__SLASH_REASON_DOWNTIME, 5000000, 99, {0, 1}},
};

START_TEST(each_part_of_a_slash_is_floored_by_itself)
{
    static const uint64_t amounts[] = {9999, 10001};
    const struct parts *want = &parts_burned[_i];
    bool down = want->reason == VIPER__V1__SLASH_REASON__SLASH_REASON_DOWNTIME;
    struct world *w = world_create(short_window, NULL);
    struct vpr_address alice = world_address("alice");
    const Viper__V1__Unbonding *entry;
    uint64_t number;

    have_delegated(w);
    votes_until(w, WINDOW - 2, down ? "validator2" : NULL);
    undelegate(w, amounts[0]);
    undelegate(w, amounts[1]);
    world_block(w); /* the block of the fault */
    vote(w, down ? "validator2" : NULL);
    ck_assert_uint_eq(slashes(w, "validator2"), 0);
    uint64_t burned = vpr_supply_get(&w->ctx).burned.uvipr;
    if (down) {
        vote(w, "validator2");
    } else {
        accuse(w, "validator2", WINDOW);
    }
    ck_assert_uint_eq(slashes(w, "validator2"), 1);
    const Viper__V1__Slash *slash = last_slash(w, "validator2");
    ck_assert_int_eq((int)slash->reason, want->reason);
    ck_assert_uint_eq(slash->fault_height, WINDOW - 1);
    ck_assert_uint_eq(slash->stake, STAKE + 999);
    ck_assert_uint_eq(slash->burned, want->own);
    ck_assert_uint_eq(slash->delegated, 999666);
    ck_assert_uint_eq(slash->delegated_burned, want->pool);
    ck_assert_uint_eq(actor_of(w, "validator2")->stake, STAKE + 999 - want->own);
    ck_assert_uint_eq(actor_of(w, "validator2")->delegated, 999666 - want->pool);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).burned.uvipr, burned + want->own + want->pool);
    ck_assert(vpr_unbonding_next(&w->ctx, &alice, NULL, &number, &entry));
    ck_assert_uint_eq(vpr_unbonding_left(&w->ctx, entry), amounts[0] - want->entries[0]);
    ck_assert(vpr_unbonding_next(&w->ctx, &alice, &number, &number, &entry));
    ck_assert_uint_eq(vpr_unbonding_left(&w->ctx, entry), amounts[1] - want->entries[1]);

    uint64_t left = world_balance(w, "alice");
    world_until(w, WINDOW + 70); /* both are paid */
    uint64_t lost = want->entries[0] + want->entries[1];
    ck_assert_uint_eq(world_balance(w, "alice"), left + amounts[0] + amounts[1] - lost);
    ck_assert_uint_eq(vpr_supply_get(&w->ctx).burned.uvipr,
                      burned + want->own + want->pool + lost);
    world_destroy(w);
}
END_TEST

START_TEST(evidence_against_nobody_we_know_changes_nothing)
{
    struct world *w = world_create(short_window, NULL);
    world_until(w, 9);
    act_ok(w, "alice", &new_validator(w, "carol")->base);
    world_block(w);
    accuse(w, "stranger", 7);
    accuse(w, "carol", 10); /* staked in block 10: it was another's fault */
    ck_assert_uint_eq(slashes(w, "carol"), 0);
    ck_assert_ptr_null(world_event(w, "slash", "actor"));
    accuse(w, "carol", 11);
    ck_assert_uint_eq(slashes(w, "carol"), 1);
    world_destroy(w);
}
END_TEST

TCase *penalties_tests(void)
{
    TCase *t = tcase_create("penalties");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, who_misses_a_window_is_slashed_and_jailed);
    tcase_add_test(t, half_of_the_window_is_enough);
    tcase_add_test(t, a_jailed_validator_resumes_and_is_counted_anew);
    tcase_add_test(t, a_jailed_validator_cannot_resume_too_soon);
    tcase_add_test(t, the_owner_leaves_from_jail);
    tcase_add_test(t, another_window_counts_anew);
    tcase_add_test(t, who_is_out_of_the_set_is_not_counted);
    tcase_add_test(t, the_last_validator_stays_in_the_set_when_jailed);
    tcase_add_test(t, a_double_sign_is_slashed_once_and_tombstoned);
    tcase_add_test(t, a_tombstoned_validator_only_leaves);
    tcase_add_test(t, a_double_sign_reaches_a_stake_on_its_way_out);
    tcase_add_test(t, evidence_against_nobody_we_know_changes_nothing);
    tcase_add_loop_test(t, each_part_of_a_slash_is_floored_by_itself, 0,
                        VPR_COUNT(parts_burned));
    return t;
}
