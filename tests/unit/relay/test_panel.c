/* The draw made from facts, and what may differ from the node's. */
#include <stdlib.h>

#include "app/rules/ids.h"
#include "app/rules/split.h"
#include "tests/unit/relay/gate.h"

#define SERVICERS 40
#define FISHERMEN 9

static struct vpr_pool_member servicers[SERVICERS], fishermen[FISHERMEN];
static struct vpr_arena arena;

static struct vpr_panel_facts facts_of(void)
{
    for (uint8_t i = 0; i < SERVICERS; i++) {
        memset(&servicers[i], i, sizeof servicers[i]);
        servicers[i].id.b[0] = (uint8_t)(i * 37);
        servicers[i].weight = (uint64_t)i + 1;
    }
    for (uint8_t i = 0; i < FISHERMEN; i++) {
        memset(&fishermen[i], 100 + i, sizeof fishermen[i]);
        fishermen[i].weight = 5;
    }
    vpr_arena_init(&arena, 1 << 20);
    return (struct vpr_panel_facts){
        .chain_id = vpr_bytes_str("viper-local-1"),
        .session = 4,
        .first = 41,
        .last = 50,
        .seed = vpr_sha256("seed", 4),
        .cu_per_usd = 1000000,
        .cu_price_min = 4500,
        .sample_share_ppm = 50000,
        .fishermen_per_session = 3,
        .requestor = {{200}},
        .owner = servicers[7].owner, /* it serves too: never itself */
        .usd = UINT64_C(50000000000),
        .budget_uvipr = UINT64_C(1000000000),
        .num_servicers = 5,
        .share_ppm = 500000,
        .chain = 1,
        .zone = 1,
        .servicers = servicers,
        .servicer_count = SERVICERS,
        .fishermen = fishermen,
        .fisherman_count = FISHERMEN,
        .arena = &arena,
    };
}

/* The drawn are those of the rules, in id order; the local network's numbers come out. */
START_TEST(the_draw_is_that_of_the_rules)
{
    const struct vpr_panel_facts facts = facts_of();
    const struct vpr_pool_member *drawn[8];
    struct vpr_panel *panel = NULL;
    struct vpr_pool pool;
    struct vpr_err err;

    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_OK);
    ck_assert_uint_eq(panel->quota_cu, 50000); /* docs/protocol.md, 14: the local genesis */
    ck_assert_uint_eq(panel->seat_count, 5);
    ck_assert_uint_eq(panel->watcher_count, 3);
    ck_assert_uint_eq(panel->reserve_cu, 2500);
    ck_assert_uint_eq(panel->grant_cu, 833);
    const struct vpr_hash sid = vpr_sid(facts.chain_id, 4, &facts.requestor, 1, 1);
    ck_assert(vpr_hash_equal(&sid, &panel->sid));
    const struct vpr_hash key = vpr_draw_key(&sid, &facts.seed);
    ck_assert(vpr_pool_build(&pool, &arena, servicers, SERVICERS));
    ck_assert_uint_eq(vpr_draw(drawn, &pool, VPR_DRAW_SERVICERS, &key, 5, &facts.owner, 1), 5);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_ptr_nonnull(vpr_panel_seat(panel, &drawn[i]->id));
        ck_assert(!vpr_address_equal(&drawn[i]->owner, &facts.owner));
        if (i > 0) {
            ck_assert_int_lt(vpr_address_cmp(&panel->seats[i - 1].id, &panel->seats[i].id), 0);
        }
    }
    vpr_panel_release(panel);
    vpr_arena_finish(&arena);
}
END_TEST

static Viper__V1__QueryBenchResponse *told_of(const struct vpr_panel *panel)
{
    static Viper__V1__QueryBenchResponse told;
    static Viper__V1__Seat seats[16];
    static Viper__V1__Seat *list[16];
    static char text[16][VPR_ADDRESS_TEXT_MAX];
    uint32_t n = 0;

    viper__v1__query_bench_response__init(&told);
    for (uint32_t i = 0; i < panel->seat_count + panel->watcher_count; i++, n++) {
        viper__v1__seat__init(&seats[n]);
        vpr_address_text(text[n], VPR_PREFIX_ACCOUNT,
                         i < panel->seat_count ? &panel->seats[i].id
                                               : &panel->watchers[i - panel->seat_count].id);
        seats[n].id = text[n];
        list[n] = &seats[n];
    }
    told.sid.data = (uint8_t *)(uintptr_t)panel->sid.b;
    told.sid.len = sizeof panel->sid.b;
    told.quota_cu = panel->quota_cu;
    told.n_servicers = panel->seat_count;
    told.servicers = list;
    told.n_fishermen = panel->watcher_count;
    told.fishermen = list + panel->seat_count;
    return &told;
}

/* Any difference is found: another sid, quota, number, servicer or fisherman. */
START_TEST(every_difference_is_found)
{
    const struct vpr_panel_facts facts = facts_of();
    struct vpr_panel *panel = NULL;
    struct vpr_err err;
    uint8_t other[32] = {0};

    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_OK);
    Viper__V1__QueryBenchResponse *told = told_of(panel);
    ck_assert_int_eq(vpr_panel_check(panel, told, &err), VPR_OK);
    told->sid.data = other;
    ck_assert_int_eq(vpr_panel_check(panel, told, &err), VPR_NOT_DRAWN);
    told = told_of(panel);
    told->quota_cu++;
    ck_assert_int_eq(vpr_panel_check(panel, told, &err), VPR_NOT_DRAWN);
    told = told_of(panel);
    told->n_servicers--;
    ck_assert_int_eq(vpr_panel_check(panel, told, &err), VPR_NOT_DRAWN);
    told = told_of(panel);
    told->servicers[2]->id = told->servicers[1]->id;
    ck_assert_int_eq(vpr_panel_check(panel, told, &err), VPR_NOT_DRAWN);
    told = told_of(panel);
    told->fishermen[0]->id = told->servicers[1]->id;
    ck_assert_int_eq(vpr_panel_check(panel, told, &err), VPR_NOT_DRAWN);
    ck_assert_ptr_nonnull(strstr(err.text, "fisherman 0 differs"));
    vpr_panel_release(panel);
    vpr_arena_finish(&arena);
}
END_TEST

/* Nothing to draw from, or no allowance: no session, with the reason. */
START_TEST(no_session_is_told_apart_from_bad_facts)
{
    struct vpr_panel_facts facts = facts_of();
    struct vpr_panel *panel = NULL;
    struct vpr_err err;

    facts.servicer_count = 0;
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_NO_SESSION);
    facts.servicer_count = SERVICERS;
    facts.usd = 0;
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_NO_SESSION);
    facts.usd = 1;
    facts.num_servicers = 25;
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_NO_SESSION); /* allowance 0 */
    facts.usd = UINT64_C(50000000000);
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_BAD_FIELD);
    facts.num_servicers = 5;
    servicers[1] = servicers[0];
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_BAD_FIELD);
    ck_assert_ptr_null(panel);
    vpr_arena_finish(&arena);
}
END_TEST

/* Nonces are remembered, a fisherman's apart from another's, and their number has an end. */
START_TEST(nonces_are_remembered)
{
    const struct vpr_panel_facts facts = facts_of();
    struct vpr_panel *panel = NULL;
    struct vpr_err err;

    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_OK);
    const struct vpr_watcher *a = &panel->watchers[0], *b = &panel->watchers[1];
    for (uint64_t i = 0; i < VPR_PANEL_NONCES_MAX; i++) {
        ck_assert(vpr_panel_nonce_mark(panel, a, i * i));
        ck_assert(!vpr_panel_nonce_new(panel, a, i * i));
        if (i < 10) {
            ck_assert(vpr_panel_nonce_new(panel, b, i * i));
        }
    }
    ck_assert(!vpr_panel_nonce_mark(panel, b, 3));
    ck_assert(!vpr_panel_nonce_mark(panel, a, 4));
    vpr_panel_release(panel);
    vpr_arena_finish(&arena);
}
END_TEST

/* A panel serves its session and the grace blocks. */
START_TEST(a_panel_lives_through_grace)
{
    struct vpr_panel_facts facts = facts_of();
    struct vpr_panel *panel = NULL;
    struct vpr_err err;

    facts.grace_blocks = 2;
    ck_assert_int_eq(vpr_panel_draw(&panel, &facts, &err), VPR_OK);
    ck_assert(!vpr_panel_live(panel, 40));
    ck_assert(vpr_panel_live(panel, 41));
    ck_assert(vpr_panel_live(panel, 52));
    ck_assert(!vpr_panel_live(panel, 53));
    vpr_panel_release(panel);
    vpr_arena_finish(&arena);
}
END_TEST

Suite *suite_panel(void)
{
    Suite *suite = suite_create("panel");
    TCase *tc = tcase_create("panel");

    tcase_add_test(tc, the_draw_is_that_of_the_rules);
    tcase_add_test(tc, every_difference_is_found);
    tcase_add_test(tc, no_session_is_told_apart_from_bad_facts);
    tcase_add_test(tc, nonces_are_remembered);
    tcase_add_test(tc, a_panel_lives_through_grace);
    suite_add_tcase(suite, tc);
    return suite;
}
