#include "tests/unit/domain/act.h"

#include "app/base/bytes.h"

static void set_price(struct world *w, uint64_t session, uint64_t price)
{
    struct vpr_key_buf key = vpr_key(VPR_KEY_PRICE);
    uint8_t value[8];
    vpr_key_u64(&key, session);
    vpr_put_be64(value, price);
    vpr_state_put(&w->state, VPR_STORE_PRICE, vpr_key_bytes(&key),
                  vpr_bytes_of(value, sizeof value));
}

START_TEST(genesis_sets_the_price)
{
    struct world *w = world_create(NULL, NULL);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 50000);
    world_until(w, 25);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 50000);
    world_destroy(w);
}
END_TEST

/* The running session's, the 23 before, and the pending one. */
START_TEST(a_stake_is_valued_at_the_lowest_price)
{
    struct world *w = world_create(NULL, NULL);
    world_until(w, 301); /* session 30 runs */
    world_begin(w);
    ck_assert_uint_eq(vpr_session_number(&w->ctx), 30);
    set_price(w, 6, 100);
    set_price(w, 7, 60000);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 60000); /* session 6 is the 24th before */
    set_price(w, 8, 200);
    set_price(w, 9, 60000);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 200);
    set_price(w, 31, 150);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 150);
    set_price(w, 31, 70000);
    set_price(w, 32, 1);
    ck_assert_uint_eq(vpr_price_for_stake(&w->ctx), 200);
    world_destroy(w);
}
END_TEST

static void for_nothing(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->price_micro_usd = 0;
}

static void too_dear(Viper__V1__GenesisState *genesis, void *arg)
{
    (void)arg;
    genesis->price_micro_usd = (UINT64_C(1) << 62) + 1;
}

START_TEST(genesis_without_a_price_is_refused)
{
    genesis_refused(for_nothing, VPR_BAD_FIELD);
    genesis_refused(too_dear, VPR_BAD_FIELD);
}
END_TEST

TCase *price_tests(void)
{
    TCase *t = tcase_create("price");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, genesis_sets_the_price);
    tcase_add_test(t, a_stake_is_valued_at_the_lowest_price);
    tcase_add_test(t, genesis_without_a_price_is_refused);
    return t;
}
