/* Each test breaks a state that holds and sees exactly that invariant named. */
#include "app/base/bytes.h"
#include "app/domain/accounts.h"
#include "app/domain/actors.h"
#include "app/domain/benches.h"
#include "app/domain/chains.h"
#include "app/domain/commits.h"
#include "app/domain/delegation.h"
#include "app/domain/field.h"
#include "app/domain/slashing.h"
#include "app/domain/validators.h"
#include "tests/unit/domain/session_tests.h"
#include "tests/unit/world_session.h"
#include "viper/v1/params.pb-c.h"

#define FIRST_COMMIT 11 /* sessions of 10 blocks from block 1 on */
#define FIRST_REVEAL 23

static struct ws w;
static struct vpr_bench bench; /* of requestor1 on chain 1, session 0 */
static struct ws_work works[2];
static struct ws_card card; /* of its first fisherman */

/* Two servicers have committed and a fisherman has sealed, in the block in hand. */
static void setup(void)
{
    struct vpr_card_line lines[VPR_CARD_LINES_MAX] = {{.sent = 0}};
    ws_open(&w, &(struct ws_options){.settle_per_block = 0});
    ws_to(&w, 1);
    bench = ws_bench(&w, 0, 1, 1);
    ck_assert_uint_ge(bench.servicer_count, 2);
    ck_assert_uint_ge(bench.fisherman_count, 1);
    for (size_t i = 0; i < VPR_COUNT(works); i++) {
        ws_work(&works[i], &bench, &bench.servicers[i].id, 4, 500);
    }
    for (size_t i = 0; i < VPR_CARD_LINES_MAX; i++) {
        lines[i] = (struct vpr_card_line){
            .sent = 8, .answered = 6, .checked = 5, .correct = 4, .p90_ms = 350};
    }
    ws_card(&card, &bench, &bench.fishermen[0].id, lines);
    ws_to(&w, FIRST_COMMIT);
    for (size_t i = 0; i < VPR_COUNT(works); i++) {
        ws_must(&w, &ws_msg_commit(&w, (const struct ws_work *[]){&works[i]}, 1)->base,
                ws_label(&works[i].servicer));
    }
    ws_must(&w, &ws_msg_report(&w, (const struct ws_card *[]){&card}, 1)->base,
            ws_label(&card.fisherman));
    ck_assert_ptr_null(world_broken(w.w));
}

static void teardown(void)
{
    ws_close(&w);
}

static void breaks(const char *name)
{
    const char *broken = world_broken(w.w);
    ck_assert_ptr_nonnull(broken);
    ck_assert_msg(strcmp(broken, name) == 0, "%s instead of %s", w.w->err.text, name);
}

/* ---- the lists of a sid ---- */

/* The newest terms <= `session` of an actor, to be changed in place. */
static Viper__V1__Terms *terms_of(const struct vpr_address *id, uint64_t session)
{
    const Viper__V1__Terms *terms = vpr_terms_get(w.ctx, id, session);
    Viper__V1__Terms *copy = vpr_arena_copy(w.ctx->arena, terms, sizeof *terms);
    ck_assert_ptr_nonnull(terms);
    return copy;
}

static void put_bench(const struct vpr_bench *b, const struct vpr_seat *servicers,
                      const struct vpr_seat *fishermen)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_BENCH);
    vpr_key_u64(&key, b->session);
    vpr_key_hash(&key, &b->sid);
    Viper__V1__Bench *record = (Viper__V1__Bench *)vpr_record_get(
        w.ctx, VPR_STORE_COMMITS, vpr_key_bytes(&key), &viper__v1__bench__descriptor);
    ck_assert_ptr_nonnull(record);
    for (size_t i = 0; i < record->n_servicers; i++) {
        memcpy(record->servicers[i]->id.data, servicers[i].id.b, sizeof servicers[i].id.b);
        memcpy(record->servicers[i]->owner.data, servicers[i].owner.b,
               sizeof servicers[i].owner.b);
    }
    for (size_t i = 0; i < record->n_fishermen; i++) {
        memcpy(record->fishermen[i]->owner.data, fishermen[i].owner.b,
               sizeof fishermen[i].owner.b);
    }
    record->allowance_cu = b->allowance_cu;
    record->budget = b->budget;
    record->quota_cu = b->quota_cu;
    vpr_record_put(w.ctx, VPR_STORE_COMMITS, vpr_key_bytes(&key), &record->base);
}

START_TEST(a_member_that_was_not_eligible_is_seen)
{
    Viper__V1__Terms *terms = terms_of(&bench.servicers[0].id, 0);
    terms->eligible = false;
    vpr_terms_put(w.ctx, &bench.servicers[0].id, 0, terms);
    breaks("members_could_be_drawn");
}
END_TEST

START_TEST(too_few_members_are_seen)
{
    Viper__V1__Terms *terms = terms_of(&bench.requestor, 0);
    terms->num_servicers++;
    vpr_terms_put(w.ctx, &bench.requestor, 0, terms);
    breaks("members_could_be_drawn");
}
END_TEST

START_TEST(a_member_of_the_requestors_owner_is_seen)
{
    Viper__V1__Terms *terms = terms_of(&bench.requestor, 0);
    terms->owner = vpr_field_of_address(w.ctx->arena, &bench.servicers[1].owner);
    vpr_terms_put(w.ctx, &bench.requestor, 0, terms);
    breaks("members_could_be_drawn");
}
END_TEST

static struct vpr_err *sentence_of(const struct vpr_domain *domain, const char *name)
{
    for (size_t i = 0; i < domain->invariant_count; i++) {
        if (strcmp(domain->invariants[i].name, name) == 0) {
            return domain->invariants[i].check(w.ctx) == VPR_OK ? NULL : w.ctx->err;
        }
    }
    ck_abort_msg("no invariant %s", name);
}

/* Whoever breaks it breaks the rule of who could be drawn too: it is asked alone. */
START_TEST(a_fisherman_of_a_servicers_owner_is_seen)
{
    struct vpr_seat fishermen[VPR_SEATS_MAX];
    memcpy(fishermen, bench.fishermen, sizeof fishermen);
    ck_assert_ptr_null(sentence_of(&vpr_benches, "auditors_stand_apart"));
    fishermen[0].owner = bench.servicers[1].owner;
    put_bench(&bench, bench.servicers, fishermen);
    ck_assert_ptr_nonnull(sentence_of(&vpr_benches, "auditors_stand_apart"));
    ck_assert_ptr_nonnull(strstr(w.ctx->err->text, "a fisherman and a servicer"));
    fishermen[0].owner = bench.requestor_owner;
    put_bench(&bench, bench.servicers, fishermen);
    ck_assert_ptr_nonnull(sentence_of(&vpr_benches, "auditors_stand_apart"));
    ck_assert_ptr_nonnull(strstr(w.ctx->err->text, "the requestor's owner"));
}
END_TEST

START_TEST(a_bench_that_is_not_drawn_again_is_seen)
{
    struct vpr_bench other = bench;
    other.budget++;
    put_bench(&other, bench.servicers, bench.fishermen);
    breaks("the_draw_repeats");
}
END_TEST

/* ---- what a requestor pays for ---- */

START_TEST(an_entry_settled_above_its_quota_is_seen)
{
    Viper__V1__Commit commit = *vpr_commit_get(w.ctx, 0, &bench.sid, &bench.servicers[0].id);
    commit.settled = true;
    commit.settled_cu = bench.quota_cu;
    vpr_commit_put(w.ctx, 0, &bench.sid, &bench.servicers[0].id, &commit);
    vpr_bench_set_committed(w.ctx, 0, &bench.sid, 1);
    ck_assert_ptr_null(world_broken(w.w));
    commit.settled_cu++;
    vpr_commit_put(w.ctx, 0, &bench.sid, &bench.servicers[0].id, &commit);
    breaks("quotas_fit_the_allowance");
}
END_TEST

START_TEST(quotas_above_the_allowance_are_seen)
{
    struct vpr_bench other = bench;
    other.quota_cu = bench.allowance_cu / bench.servicer_count + 1;
    put_bench(&other, bench.servicers, bench.fishermen);
    ck_assert_ptr_nonnull(sentence_of(&vpr_benches, "quotas_fit_the_allowance"));
    ck_assert_ptr_nonnull(strstr(w.ctx->err->text, "exceed the allowance"));
}
END_TEST

static Viper__V1__ZoneTerms *zone_terms(uint64_t multiplier_ppm)
{
    Viper__V1__ZoneTerms *terms = vpr_arena_copy(
        w.ctx->arena, vpr_zone_terms(w.ctx, WS_ZONE, 0), sizeof(Viper__V1__ZoneTerms));
    struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
    vpr_key_u16(&key, WS_ZONE);
    terms->multiplier_ppm = multiplier_ppm;
    vpr_version_put(w.ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 0, &terms->base);
    return terms;
}

START_TEST(a_multiplier_above_one_is_seen)
{
    (void)zone_terms(VPR_PPM);
    ck_assert_ptr_null(world_broken(w.w));
    (void)zone_terms(2 * VPR_PPM);
    breaks("gross_fits_the_budget");
}
END_TEST

START_TEST(entries_above_the_budget_are_seen)
{
    struct vpr_bench other = bench;
    other.budget = 1;
    other.allowance_cu = 1; /* a uvipr a CU */
    put_bench(&other, bench.servicers, bench.fishermen);
    ck_assert_ptr_nonnull(sentence_of(&vpr_benches, "gross_fits_the_budget"));
    ck_assert_ptr_nonnull(strstr(w.ctx->err->text, "exceed the budget"));
}
END_TEST

/* ---- cards ---- */

static struct vpr_key_buf card_key(enum vpr_key_first first, const struct vpr_address *id)
{
    struct vpr_key_buf key = vpr_key(first);
    vpr_key_u64(&key, 0);
    vpr_key_hash(&key, &bench.sid);
    vpr_key_address(&key, id);
    return key;
}

static void put_seal(const struct vpr_address *id)
{
    struct vpr_key_buf key = card_key(VPR_KEY_SEAL, id);
    Viper__V1__Seal seal = VIPER__V1__SEAL__INIT;
    seal.seal = vpr_field_of_hash(w.ctx->arena, &bench.sid);
    vpr_record_put(w.ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&key), &seal.base);
}

START_TEST(a_seal_of_who_was_not_drawn_is_seen)
{
    put_seal(&bench.servicers[0].id);
    breaks("cards_are_of_the_drawn");
    ck_assert_ptr_nonnull(strstr(w.w->err.text, "2 seals"));
}
END_TEST

START_TEST(a_seal_of_no_report_card_is_seen)
{
    ck_assert_uint_ge(bench.fisherman_count, 2);
    put_seal(&bench.fishermen[1].id);
    breaks("cards_are_of_the_drawn");
    ck_assert_ptr_nonnull(strstr(w.w->err.text, "not listed"));
}
END_TEST

START_TEST(a_card_that_was_not_sealed_is_seen)
{
    ws_to(&w, FIRST_REVEAL);
    ws_must(&w, &ws_msg_reveal(&w, (const struct ws_card *[]){&card}, 1)->base,
            ws_label(&card.fisherman));
    ck_assert_ptr_null(world_broken(w.w));
    struct vpr_key_buf revealed = card_key(VPR_KEY_CARD, &card.fisherman);
    struct vpr_key_buf other = card_key(VPR_KEY_CARD, &bench.fishermen[1].id);
    Viper__V1__CardRecord *record = (Viper__V1__CardRecord *)vpr_record_get(
        w.ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&revealed),
        &viper__v1__card_record__descriptor);
    ck_assert_ptr_nonnull(record);
    vpr_record_put(w.ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&other), &record->base);
    breaks("cards_are_of_the_drawn");
    vpr_state_del(w.ctx->state, VPR_STORE_REPORTCARDS, vpr_key_bytes(&other));
    ck_assert_ptr_null(world_broken(w.w));
    record->lines[0]->correct = record->lines[0]->checked + 1;
    vpr_record_put(w.ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&revealed), &record->base);
    breaks("cards_are_of_the_drawn");
    ck_assert_ptr_nonnull(strstr(w.w->err.text, "other lines"));
}
END_TEST

/* ---- versions, parameters, shares ---- */

/* Of chain 2, which has no bench here; session 1 runs. */
START_TEST(a_version_that_nothing_cuts_is_seen)
{
    const Viper__V1__ChainTerms *terms = vpr_chain_terms(w.ctx, 2, 0);
    struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_TERMS), cut = vpr_key(VPR_KEY_CUT);
    vpr_key_u16(&key, 2);
    vpr_version_put(w.ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 3, &terms->base);
    ck_assert_ptr_null(world_broken(w.w));
    vpr_key_u64(&cut, 3);
    vpr_key_u8(&cut, VPR_STORE_CHAINS);
    vpr_key_u8(&cut, VPR_KEY_CHAIN_TERMS);
    vpr_key_u16(&cut, 2);
    vpr_state_del(w.ctx->state, VPR_STORE_SESSIONS, vpr_key_bytes(&cut));
    breaks("versions_wait_for_their_cut");
}
END_TEST

START_TEST(a_version_that_went_before_its_time_is_seen)
{
    const Viper__V1__ChainTerms *terms = vpr_chain_terms(w.ctx, 2, 0);
    struct vpr_key_buf key = vpr_key(VPR_KEY_CHAIN_TERMS);
    vpr_key_u16(&key, 2);
    vpr_version_put(w.ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 3, &terms->base);
    vpr_key_u64(&key, 0); /* which session 0 reads */
    vpr_state_del(w.ctx->state, VPR_STORE_CHAINS, vpr_key_bytes(&key));
    breaks("versions_wait_for_their_cut");
}
END_TEST

START_TEST(a_version_too_far_ahead_is_seen)
{
    struct vpr_params params;
    vpr_params_get(w.ctx, &params, 1);
    vpr_params_put(w.ctx, &params, 4); /* session 1 runs */
    breaks("versions_wait_for_their_cut");
}
END_TEST

START_TEST(parameters_that_do_not_fit_are_seen)
{
    struct vpr_params params;
    vpr_params_get(w.ctx, &params, 1);
    params.v[VPR_P_split_dao]++;
    vpr_params_put(w.ctx, &params, 3);
    breaks("parameters_fit");
    ck_assert_ptr_nonnull(strstr(w.w->err.text, "sum to 1000001"));
}
END_TEST

START_TEST(shares_that_exceed_the_whole_are_seen)
{
    Viper__V1__Terms *terms = terms_of(&bench.requestor, 0);
    terms->pairs[0]->share_ppm++;
    vpr_terms_put(w.ctx, &bench.requestor, 3, terms);
    breaks("shares_make_the_whole");
}
END_TEST

/* ---- stakes, slashes, prices, the set, the seen set ---- */

START_TEST(who_leaves_without_a_place_in_the_queue_is_seen)
{
    struct vpr_address id = world_address("servicer1");
    Viper__V1__Actor actor = *vpr_actor_get(w.ctx, &id);
    actor.status = VIPER__V1__STATUS__STATUS_UNSTAKING;
    vpr_actor_put(w.ctx, &id, &actor);
    breaks("the_leaving_are_queued");
}
END_TEST

START_TEST(a_slash_of_another_amount_is_seen)
{
    struct vpr_address id = world_address("servicer1");
    struct vpr_key_buf key = vpr_key(VPR_KEY_SLASH);
    (void)vpr_actor_slash(w.ctx, &id, 1000, w.ctx->height,
                          VIPER__V1__SLASH_REASON__SLASH_REASON_QUALITY);
    ck_assert_ptr_null(world_broken(w.w));
    Viper__V1__Slash slash = *vpr_slash_get(w.ctx, &id, 0);
    slash.burned++;
    vpr_key_address(&key, &id);
    vpr_key_u64(&key, 0);
    vpr_record_put(w.ctx, VPR_STORE_ACTORS, vpr_key_bytes(&key), &slash.base);
    breaks("slashes_burn_their_share");
}
END_TEST

START_TEST(a_price_that_jumps_is_seen)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE);
    uint8_t value[8];
    struct vpr_bytes found;
    vpr_key_u64(&key, 0);
    ck_assert(vpr_state_get(w.ctx->state, w.ctx->arena, VPR_STORE_PRICE, vpr_key_bytes(&key),
                            &found));
    uint64_t price = vpr_get_be64(found.data);
    key = vpr_key(VPR_KEY_PRICE);
    vpr_key_u64(&key, 2);
    vpr_put_be64(value, price * 11 / 10);
    vpr_state_put(w.ctx->state, VPR_STORE_PRICE, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
    ck_assert_ptr_null(world_broken(w.w));
    vpr_put_be64(value, price * 11 / 10 + 1);
    vpr_state_put(w.ctx->state, VPR_STORE_PRICE, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
    breaks("prices_move_by_a_tenth");
}
END_TEST

START_TEST(a_power_that_is_not_the_stakes_is_seen)
{
    struct vpr_address id = world_address("validator1");
    Viper__V1__Actor actor = *vpr_actor_get(w.ctx, &id);
    Viper__V1__ValidatorInfo info = *actor.validator;
    ck_assert_uint_gt(info.power, 0);
    info.power++;
    actor.validator = &info;
    vpr_actor_put(w.ctx, &id, &actor);
    breaks("the_set_is_the_top");
}
END_TEST

START_TEST(a_seen_transaction_that_nothing_forgets_is_seen)
{
    struct vpr_address alice = world_address("alice");
    struct vpr_key_buf seen = vpr_key(VPR_KEY_SEEN), queue = vpr_key(VPR_KEY_SEEN_QUEUE);
    struct vpr_key_buf count = vpr_key(VPR_KEY_SEEN_COUNT);
    uint8_t be[8];
    vpr_put_be64(be, (uint64_t)w.ctx->time_s + 5);
    vpr_key_address(&seen, &alice);
    vpr_key_hash(&seen, &bench.sid);
    vpr_state_put(w.ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&seen),
                  vpr_bytes_of(be, sizeof be));
    breaks("the_seen_are_queued");
    vpr_key_u64(&queue, (uint64_t)w.ctx->time_s + 5);
    vpr_key_address(&queue, &alice);
    vpr_key_hash(&queue, &bench.sid);
    vpr_state_put(w.ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&queue),
                  vpr_bytes_of(be, 1));
    breaks("the_seen_are_queued"); /* nobody counts it */
    vpr_key_address(&count, &alice);
    vpr_put_be64(be, 1);
    vpr_state_put(w.ctx->state, VPR_STORE_ACCOUNTS, vpr_key_bytes(&count),
                  vpr_bytes_of(be, sizeof be));
    ck_assert_ptr_null(world_broken(w.w));
}
END_TEST

/* ---- what a block did ---- */

static struct between between; /* since setup */
static struct vpr_events told;
static struct vpr_ctx telling;

/* A block that told nothing yet. */
static void tell(void)
{
    told = (struct vpr_events){.arena = w.ctx->arena};
    telling = *w.ctx;
    telling.events = &told;
    between_from(&between, w.ctx);
}

static void wrong(const char *name)
{
    const char *broken = between_blocks(&between, w.ctx, &told);
    ck_assert_ptr_nonnull(broken);
    ck_assert_msg(strncmp(broken, name, strlen(name)) == 0 && broken[strlen(name)] == ':',
                  "%s instead of %s", broken, name);
    tell();
}

static void right(void)
{
    const char *broken = between_blocks(&between, w.ctx, &told);
    ck_assert_msg(broken == NULL, "%s", broken);
    tell();
}

/* An entry of session 0, whose requestor has 1,000 uvipr for 500 CU. */
static void tell_verify(const struct vpr_address *servicer, uint64_t cu, uint64_t gross,
                        uint64_t quota)
{
    vpr_event(&telling, "verify_sid");
    vpr_event_u64(&telling, "session", 0);
    vpr_event_address(&telling, "requestor", &bench.requestor);
    vpr_event_u64(&telling, "budget", 1000);
    vpr_event_u64(&telling, "allowance", 500);
    vpr_event(&telling, "verify");
    vpr_event_u64(&telling, "session", 0);
    vpr_event_hex(&telling, "sid", bench.sid.b, sizeof bench.sid.b);
    vpr_event_address(&telling, "requestor", &bench.requestor);
    vpr_event_address(&telling, "servicer", servicer);
    vpr_event_text(&telling, "verdict", "paid");
    vpr_event_u64(&telling, "settled_cu", cu);
    vpr_event_u64(&telling, "quota", quota);
    vpr_event_u64(&telling, "gross", gross);
}

START_TEST(an_entry_settled_twice_is_seen)
{
    tell();
    tell_verify(&bench.servicers[1].id, 100, 200, 100);
    right();
    tell_verify(&bench.servicers[1].id, 100, 200, 100);
    wrong("entries_settle_once");
    tell_verify(&bench.servicers[0].id, 100, 200, 100); /* behind its time */
    wrong("entries_settle_once");
}
END_TEST

START_TEST(payments_above_the_budget_are_seen)
{
    tell();
    tell_verify(&bench.servicers[0].id, 101, 202, 100);
    wrong("quotas_fit_the_allowance");
    tell_verify(&bench.servicers[1].id, 100, 201, 100);
    wrong("gross_fits_the_budget");
    tell();
    memset(&between, 0, sizeof between);
    tell();
    tell_verify(&bench.servicers[0].id, 300, 600, 300);
    right();
    tell_verify(&bench.servicers[1].id, 201, 402, 300); /* 1,002 of 1,000 in all */
    wrong("gross_fits_the_budget");
}
END_TEST

START_TEST(more_minted_than_earned_is_seen)
{
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    tell();
    tell_verify(&bench.servicers[0].id, 100, 200, 100);
    vpr_event_u64(&telling, "minted", 201);
    ck_assert(vpr_account_mint(w.ctx, &dao, vpr_coin(201)));
    wrong("parts_fit_the_gross");
}
END_TEST

START_TEST(a_mint_that_no_event_tells_is_seen)
{
    struct vpr_address dao = vpr_pool_address(VPR_POOL_DAO);
    tell();
    right();
    ck_assert(vpr_account_mint(w.ctx, &dao, vpr_coin(1)));
    wrong("supply_is_told");
    vpr_account_burn(w.ctx, &dao, vpr_coin(1));
    wrong("supply_is_told");
    ck_assert(vpr_account_mint(w.ctx, &dao, vpr_coin(1)));
    vpr_event(&telling, "yield");
    vpr_event_u64(&telling, "minted", 1);
    right();
}
END_TEST

START_TEST(work_outside_its_window_is_seen)
{
    static const char *const types[] = {"commit", "seal", "report_card"};
    tell();
    for (size_t i = 0; i < VPR_COUNT(types); i++) {
        vpr_event(&telling, types[i]);
        vpr_event_u64(&telling, "session", 0); /* session 1 runs */
        right();
        vpr_event(&telling, types[i]);
        vpr_event_u64(&telling, "session", 1);
        wrong("work_has_its_window");
    }
    ws_to(&w, FIRST_REVEAL - 1); /* the challenge is drawn in it */
    tell();
    vpr_event(&telling, "prove");
    vpr_event_u64(&telling, "session", 0);
    wrong("work_has_its_window");
    ws_to(&w, FIRST_REVEAL);
    tell();
    vpr_event(&telling, "prove");
    vpr_event_u64(&telling, "session", 0);
    right();
}
END_TEST

static void tell_score(uint16_t zone)
{
    vpr_event(&telling, "score");
    vpr_event_u64(&telling, "session", 0);
    vpr_event_address(&telling, "servicer", &bench.servicers[0].id);
    vpr_event_text(&telling, "chain", "0001");
    vpr_event_text(&telling, "zone", vpr_id16(w.ctx->arena, zone));
}

START_TEST(a_score_that_moves_twice_is_seen)
{
    tell();
    tell_score(1);
    tell_score(2);
    right();
    tell_score(2);
    wrong("scores_move_once");
}
END_TEST

START_TEST(a_version_kept_too_long_is_seen)
{
    static const uint8_t present[] = {1};
    struct vpr_key_buf cut = vpr_key(VPR_KEY_CUT);
    ws_to(&w, 21); /* session 2 opens; 0 is not settled */
    tell();
    vpr_key_u64(&cut, 1);
    vpr_state_put(w.ctx->state, VPR_STORE_SESSIONS, vpr_key_bytes(&cut),
                  vpr_bytes_of(present, sizeof present));
    right();
    between.oldest = 1;
    wrong("versions_are_cut");
}
END_TEST

START_TEST(a_commit_that_nothing_counts_is_seen)
{
    vpr_bench_set_committed(w.ctx, 0, &bench.sid, 1); /* there are two */
    breaks("commits_are_indexed");
}
END_TEST

Suite *suite_invariants(void)
{
    Suite *s = suite_create("invariants");
    TCase *t = tcase_create("invariants");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_member_that_was_not_eligible_is_seen);
    tcase_add_test(t, too_few_members_are_seen);
    tcase_add_test(t, a_member_of_the_requestors_owner_is_seen);
    tcase_add_test(t, a_fisherman_of_a_servicers_owner_is_seen);
    tcase_add_test(t, a_bench_that_is_not_drawn_again_is_seen);
    tcase_add_test(t, an_entry_settled_above_its_quota_is_seen);
    tcase_add_test(t, quotas_above_the_allowance_are_seen);
    tcase_add_test(t, a_multiplier_above_one_is_seen);
    tcase_add_test(t, entries_above_the_budget_are_seen);
    tcase_add_test(t, a_seal_of_who_was_not_drawn_is_seen);
    tcase_add_test(t, a_seal_of_no_report_card_is_seen);
    tcase_add_test(t, a_card_that_was_not_sealed_is_seen);
    tcase_add_test(t, a_version_that_nothing_cuts_is_seen);
    tcase_add_test(t, a_version_that_went_before_its_time_is_seen);
    tcase_add_test(t, a_version_too_far_ahead_is_seen);
    tcase_add_test(t, parameters_that_do_not_fit_are_seen);
    tcase_add_test(t, shares_that_exceed_the_whole_are_seen);
    tcase_add_test(t, who_leaves_without_a_place_in_the_queue_is_seen);
    tcase_add_test(t, a_slash_of_another_amount_is_seen);
    tcase_add_test(t, a_price_that_jumps_is_seen);
    tcase_add_test(t, a_power_that_is_not_the_stakes_is_seen);
    tcase_add_test(t, a_seen_transaction_that_nothing_forgets_is_seen);
    tcase_add_test(t, a_commit_that_nothing_counts_is_seen);
    tcase_add_test(t, an_entry_settled_twice_is_seen);
    tcase_add_test(t, payments_above_the_budget_are_seen);
    tcase_add_test(t, more_minted_than_earned_is_seen);
    tcase_add_test(t, a_mint_that_no_event_tells_is_seen);
    tcase_add_test(t, work_outside_its_window_is_seen);
    tcase_add_test(t, a_score_that_moves_twice_is_seen);
    tcase_add_test(t, a_version_kept_too_long_is_seen);
    suite_add_tcase(s, t);
    return s;
}
