#include <check.h>

#include "app/base/bytes.h"
#include "tests/unit/world.h"
#include "viper/v1/state.pb-c.h"

#define DAY UINT64_C(86400)

static struct world *w;

static void set_up(void)
{
    w = world_create(NULL, NULL);
}

static void tear_down(void)
{
    world_destroy(w);
}

static struct vpr_key_buf zone_key(void)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
    vpr_key_u16(&key, 77);
    return key;
}

static void put(uint64_t session, uint64_t multiplier)
{
    Viper__V1__ZoneTerms terms = VIPER__V1__ZONE_TERMS__INIT;
    const struct vpr_key_buf key = zone_key();
    terms.multiplier_ppm = multiplier;
    vpr_version_put(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session, &terms.base);
}

/* UINT64_MAX: nothing. */
static uint64_t get(uint64_t session)
{
    const struct vpr_key_buf key = zone_key();
    const Viper__V1__ZoneTerms *terms = (const Viper__V1__ZoneTerms *)vpr_version_get(
        &w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session,
        &viper__v1__zone_terms__descriptor);
    return terms == NULL ? UINT64_MAX : terms->multiplier_ppm;
}

static uint64_t newest(void)
{
    const struct vpr_key_buf key = zone_key();
    const Viper__V1__ZoneTerms *terms = (const Viper__V1__ZoneTerms *)vpr_version_newest(
        &w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), &viper__v1__zone_terms__descriptor);
    return terms == NULL ? UINT64_MAX : terms->multiplier_ppm;
}

START_TEST(a_session_reads_the_newest_version_that_counts)
{
    ck_assert_uint_eq(get(100), UINT64_MAX);
    put(3, 30);
    put(5, 50);
    ck_assert_uint_eq(get(2), UINT64_MAX);
    ck_assert_uint_eq(get(3), 30);
    ck_assert_uint_eq(get(4), 30);
    ck_assert_uint_eq(get(5), 50);
    ck_assert_uint_eq(get(UINT64_MAX), 50);
    put(5, 51); /* overwrites the pending one */
    ck_assert_uint_eq(get(5), 51);
    ck_assert_uint_eq(newest(), 51);
}
END_TEST

START_TEST(cutting_keeps_what_unsettled_sessions_read)
{
    put(0, 1);
    put(3, 30);
    put(5, 50);
    put(9, 90);
    vpr_version_cut(&w->ctx, 2);
    ck_assert_uint_eq(get(2), 1);
    vpr_version_cut(&w->ctx, 3);
    ck_assert_uint_eq(get(2), UINT64_MAX);
    ck_assert_uint_eq(get(4), 30);
    vpr_version_cut(&w->ctx, 8);
    ck_assert_uint_eq(get(4), UINT64_MAX);
    ck_assert_uint_eq(get(8), 50);
    ck_assert_uint_eq(get(9), 90);
    vpr_version_cut(&w->ctx, 100);
    ck_assert_uint_eq(get(9), 90); /* the newest never goes */
    ck_assert_uint_eq(get(8), UINT64_MAX);
}
END_TEST

START_TEST(cutting_passes_each_version_once)
{
    enum { KEYS = 200 };
    Viper__V1__ZoneTerms terms = VIPER__V1__ZONE_TERMS__INIT;
    for (uint16_t id = 100; id < 100 + KEYS; id++) {
        struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
        vpr_key_u16(&key, id);
        for (uint64_t session = 0; session < 2; session++) {
            terms.multiplier_ppm = session + 1;
            vpr_version_put(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session,
                            &terms.base);
        }
    }
    world_block(w);
    world_begin(w);
    (void)world_seeks(w);
    vpr_version_cut(&w->ctx, 1);
    ck_assert_uint_lt(world_seeks(w), 10 * KEYS);
    for (uint16_t id = 100; id < 100 + KEYS; id++) {
        struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
        vpr_key_u16(&key, id);
        ck_assert_ptr_null(vpr_version_get(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), 0,
                                           &viper__v1__zone_terms__descriptor));
        ck_assert_ptr_nonnull(vpr_version_get(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key),
                                              1, &viper__v1__zone_terms__descriptor));
    }
}
END_TEST

static bool has_terms(uint16_t id, uint64_t session)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
    struct vpr_bytes value;
    vpr_key_u16(&key, id);
    vpr_key_u64(&key, session);
    return vpr_state_get(w->ctx.state, w->ctx.arena, VPR_STORE_CHAINS, vpr_key_bytes(&key),
                         &value);
}

/* Two that are outdated for each of 50,001 keys: 100,000 go with one opening of a session, in the
 * order of the queue, and the last two with the next. */
START_TEST(one_opening_cuts_a_hundred_thousand_versions)
{
    enum { KEYS = 50001, FIRST = 100 };
    const uint16_t last = FIRST + KEYS - 1;
    Viper__V1__ZoneTerms terms = VIPER__V1__ZONE_TERMS__INIT;
    for (uint32_t id = FIRST; id <= last; id++) {
        struct vpr_key_buf key = vpr_key(VPR_KEY_ZONE_TERMS);
        vpr_key_u16(&key, (uint16_t)id);
        for (uint64_t session = 0; session <= 2; session++) {
            terms.multiplier_ppm = session + 1;
            vpr_version_put(&w->ctx, VPR_STORE_CHAINS, vpr_key_bytes(&key), session,
                            &terms.base);
        }
    }
    vpr_version_cut(&w->ctx, 2);
    ck_assert(!has_terms(FIRST, 0) && !has_terms(FIRST, 1) && has_terms(FIRST, 2));
    ck_assert(!has_terms(last - 2, 0) && !has_terms(last - 2, 1));
    for (uint16_t id = last - 1; id <= last; id++) {
        ck_assert(!has_terms(id, 0) && has_terms(id, 1) && has_terms(id, 2));
    }
    vpr_version_cut(&w->ctx, 2);
    for (uint16_t id = last - 1; id <= last; id++) {
        ck_assert(!has_terms(id, 1) && has_terms(id, 2));
    }
}
END_TEST

START_TEST(a_record_of_defaults_is_stored_and_read_back)
{
    put(4, 0);
    ck_assert_uint_eq(get(4), 0);
    struct vpr_key_buf key = zone_key();
    struct vpr_bytes value;
    vpr_key_u64(&key, 4);
    ck_assert(vpr_state_get(&w->state, &w->scratch, VPR_STORE_CHAINS, vpr_key_bytes(&key),
                            &value));
    ck_assert_uint_eq(value.len, 1);
    ck_assert_uint_eq(value.data[0], 0);
}
END_TEST

START_TEST(integers_in_keys_sort_as_numbers)
{
    struct vpr_key_buf a = vpr_key(VPR_KEY_SESSION), b = vpr_key(VPR_KEY_SESSION);
    vpr_key_u64(&a, 255);
    vpr_key_u64(&b, 256);
    ck_assert_int_lt(vpr_bytes_cmp(vpr_key_bytes(&a), vpr_key_bytes(&b)), 0);
    ck_assert_uint_eq(a.len, 9);
    ck_assert_uint_eq(a.b[0], 's');
}
END_TEST

START_TEST(fields_name_what_is_wrong_with_them)
{
    struct vpr_address who;
    struct vpr_err err;
    ck_assert_int_eq(vpr_field_address(&who, "", "owner", &err), VPR_BAD_ADDRESS);
    ck_assert_int_eq(vpr_field_address(&who, "viper1xyz", "owner", &err), VPR_BAD_ADDRESS);
    ck_assert_ptr_nonnull(strstr(err.text, "owner"));
    ck_assert_int_eq(vpr_field_address(&who, world_text("alice"), "owner", &err), VPR_OK);
    struct vpr_hash hash;
    uint8_t bytes[31] = {0};
    ck_assert_int_eq(vpr_field_hash(&hash, (ProtobufCBinaryData){31, bytes}, "sid", &err),
                     VPR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(err.text, "31"));
}
END_TEST

static struct vpr_params defaults(bool local)
{
    struct vpr_params p;
#define X(name, main, loc, least, most, unit, slack) p.v[VPR_P_##name] = local ? loc : main;
    VPR_PARAMS(X)
#undef X
    return p;
}

/* As the design names them, main network and local: written apart from the table in params.h. */
static const struct {
    const char *name;
    uint64_t protocol, local;
} pinned[VPR_PARAM_COUNT] = {
    {"session_blocks", 720, 10},
    {"freeze_blocks", 32, 4},
    {"challenge_delay", 8, 2},
    {"grace_blocks", 6, 2},
    {"settle_per_block", 500, 500},
    {"max_validators", 100, 100},
    {"min_stake_validator", 50000 * WORLD_VIPR, 50000 * WORLD_VIPR},
    {"min_stake_servicer", 15000 * WORLD_VIPR, 15000 * WORLD_VIPR},
    {"min_stake_fisherman", 15000 * WORLD_VIPR, 15000 * WORLD_VIPR},
    {"min_stake_requestor", 5000 * WORLD_VIPR, 5000 * WORLD_VIPR},
    {"fishermen_per_session", 5, 5},
    {"proof_samples", 2, 2},
    {"card_samples", 2, 2},
    {"min_samples", 5, 5},
    {"sample_share", 50000, 50000},
    {"min_quota", 1000, 500},
    {"claim_min", 450, 450},
    {"weight_latency", 300000, 300000},
    {"score_initial", 300000, 300000},
    {"score_min", 300000, 300000},
    {"score_floor", 100000, 100000},
    {"score_alpha", 100000, 100000},
    {"card_tolerance", 250000, 250000},
    {"bench_requestors", 3, 1},
    {"cu_per_usd", 27778, 1000000},
    {"cu_price_min", 4500, 4500},
    {"requestor_yield", 12675, 100000000},
    {"validator_yield", 14260, 112500000},
    {"max_commission", 200000, 200000},
    {"split_servicer", 700000, 700000},
    {"split_fishermen", 100000, 100000},
    {"split_validator", 50000, 50000},
    {"split_chain", 50000, 50000},
    {"split_dao", 100000, 100000},
    {"unbonding_seconds", 21 * DAY, 60},
    {"min_gas_price", 25, 25},
    {"message_gas", 20000, 20000},
    {"quality_slash", 1000, 1000},
    {"double_sign_slash", 50000, 50000},
    {"downtime_slash", 100, 100},
    {"downtime_window", 1000, 1000},
    {"downtime_min_signed", 500000, 500000},
    {"jail_seconds", 600, 30},
    {"gov_deposit", 1000 * WORLD_VIPR, 1000 * WORLD_VIPR},
    {"voting_seconds", 7 * DAY, 60},
    {"gov_quorum", 334000, 334000},
    {"gov_threshold", 500000, 500000},
    {"gov_veto", 334000, 334000},
    {"chain_fee", 10000 * WORLD_VIPR, 10000 * WORLD_VIPR},
};

START_TEST(defaults_are_those_of_the_protocol)
{
    const struct vpr_params protocol = defaults(false), local = defaults(true);
    for (enum vpr_param p = 0; p < VPR_PARAM_COUNT; p++) {
        ck_assert_str_eq(vpr_param_rule(p)->name, pinned[p].name);
        ck_assert_msg(protocol.v[p] == pinned[p].protocol, "%s", pinned[p].name);
        ck_assert_msg(local.v[p] == pinned[p].local, "%s", pinned[p].name);
    }
}
END_TEST

START_TEST(both_sets_of_defaults_are_allowed)
{
    struct vpr_err err;
    struct vpr_params p = defaults(false);
    ck_assert_msg(vpr_params_check(&p, &err) == VPR_OK, "%s", err.text);
    p = defaults(true);
    ck_assert_msg(vpr_params_check(&p, &err) == VPR_OK, "%s", err.text);
}
END_TEST

static void breaks(enum vpr_param param, uint64_t value, const char *named)
{
    struct vpr_err err;
    struct vpr_params p = defaults(false);
    p.v[param] = value;
    ck_assert_int_eq(vpr_params_check(&p, &err), VPR_BAD_FIELD);
    ck_assert_msg(strstr(err.text, named) != NULL, "%s", err.text);
}

START_TEST(ranges_sums_windows_and_yields_are_checked)
{
    breaks(VPR_P_session_blocks, 7, "session_blocks");
    breaks(VPR_P_max_validators, 301, "max_validators");
    breaks(VPR_P_split_dao, 100001, "split_");
    breaks(VPR_P_grace_blocks, 181, "grace_blocks");
    breaks(VPR_P_challenge_delay, 181, "challenge_delay");
    breaks(VPR_P_freeze_blocks, 720, "freeze_blocks");
    breaks(VPR_P_requestor_yield, 12676, "requestor_yield");
    /* 16,000 events of a block are for its settlement: 22 an entry with 16 fishermen. */
    struct vpr_params many = defaults(false);
    struct vpr_err err;
    many.v[VPR_P_fishermen_per_session] = 16;
    many.v[VPR_P_settle_per_block] = 727;
    ck_assert_int_eq(vpr_params_check(&many, &err), VPR_OK);
    many.v[VPR_P_settle_per_block] = 728;
    ck_assert_int_eq(vpr_params_check(&many, &err), VPR_BAD_FIELD);
    ck_assert_ptr_nonnull(strstr(err.text, "settle_per_block"));
}
END_TEST

START_TEST(parameters_are_those_of_their_session)
{
    struct vpr_params p = defaults(true);
    ck_assert_uint_eq(vpr_param(&w->ctx, VPR_P_min_gas_price, 0), 25);
    p.v[VPR_P_min_gas_price] = 26;
    vpr_params_put(&w->ctx, &p, 2);
    ck_assert_uint_eq(vpr_param(&w->ctx, VPR_P_min_gas_price, 1), 25);
    ck_assert_uint_eq(vpr_param(&w->ctx, VPR_P_min_gas_price, 2), 26);
    ck_assert_uint_eq(vpr_param(&w->ctx, VPR_P_session_blocks, 99), 10);
}
END_TEST

START_TEST(events_without_listener_cost_nothing_and_too_many_are_dropped)
{
    struct vpr_ctx deaf = w->ctx;
    w->events.count = 0; /* those of genesis */
    deaf.events = NULL;
    vpr_event(&deaf, "x");
    vpr_event_u64(&deaf, "y", 1);
    vpr_event_hex(&deaf, "y", "z", 1);
    ck_assert_uint_eq(w->events.count, 0);
    for (size_t i = 0; i < VPR_EVENTS_MAX + 5; i++) {
        vpr_event(&w->ctx, "many");
        vpr_event_u64(&w->ctx, "number", i);
    }
    ck_assert_uint_eq(w->events.count, VPR_EVENTS_MAX);
    ck_assert_str_eq(world_event(w, "many", "number"), "19999");
}
END_TEST

START_TEST(attributes_are_texts)
{
    vpr_event(&w->ctx, "some");
    vpr_event_u64(&w->ctx, "least", 0);
    vpr_event_u64(&w->ctx, "most", UINT64_MAX);
    vpr_event_hex(&w->ctx, "hex", "\x00\xff", 2);
    vpr_event_text(&w->ctx, "none", "");
    ck_assert_str_eq(world_event(w, "some", "least"), "0");
    ck_assert_str_eq(world_event(w, "some", "most"), "18446744073709551615");
    ck_assert_str_eq(world_event(w, "some", "hex"), "00ff");
    ck_assert_str_eq(world_event(w, "some", "none"), "");
}
END_TEST

Suite *record_suite(void);
Suite *record_suite(void)
{
    Suite *s = suite_create("record");
    TCase *t = tcase_create("record");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_session_reads_the_newest_version_that_counts);
    tcase_add_test(t, cutting_keeps_what_unsettled_sessions_read);
    tcase_add_test(t, cutting_passes_each_version_once);
    tcase_add_test(t, one_opening_cuts_a_hundred_thousand_versions);
    tcase_add_test(t, a_record_of_defaults_is_stored_and_read_back);
    tcase_add_test(t, integers_in_keys_sort_as_numbers);
    tcase_add_test(t, fields_name_what_is_wrong_with_them);
    tcase_add_test(t, defaults_are_those_of_the_protocol);
    tcase_add_test(t, both_sets_of_defaults_are_allowed);
    tcase_add_test(t, ranges_sums_windows_and_yields_are_checked);
    tcase_add_test(t, parameters_are_those_of_their_session);
    tcase_add_test(t, attributes_are_texts);
    tcase_add_test(t, events_without_listener_cost_nothing_and_too_many_are_dropped);
    suite_add_tcase(s, t);
    return s;
}
