#include "app/rules/draw.h"

#include "app/base/bytes.h"
#include "app/base/coin.h"
#include "app/base/hash.h"
#include "tests/unit/rules/rules_tests.h"

static struct vpr_arena arena;

static void open_arena(void)
{
    vpr_arena_init(&arena, (size_t)256 << 20);
}

static void close_arena(void)
{
    vpr_arena_finish(&arena);
}

static struct vpr_address numbered(const char *kind, uint64_t number)
{
    uint8_t b[8];
    struct vpr_address address;
    vpr_put_be64(b, number);
    struct vpr_hash hash = vpr_tagged(kind, b, sizeof b);
    memcpy(address.b, hash.b, sizeof address.b);
    return address;
}

/* `owners` owners with `each` members, weights from 0 up in no order. */
static struct vpr_pool_member *members_of(uint64_t owners, uint64_t each)
{
    struct vpr_pool_member *members =
        VPR_ARENA_ARRAY(&arena, struct vpr_pool_member, owners *each);
    for (uint64_t i = 0; i < owners * each; i++) {
        members[i] = (struct vpr_pool_member){numbered("o", i / each), numbered("s", i),
                                              i * 7919 % 101 * 1000};
    }
    return members;
}

/* The protocol's words, without any cleverness: lay out the owners that are left, walk to the
 * point.  Gives how many were drawn. */
static uint32_t draw_slowly(const struct vpr_address **ret, const struct vpr_pool *pool,
                            const struct vpr_hash *key, uint32_t n,
                            const struct vpr_address *excluded)
{
    bool *gone = VPR_ARENA_ARRAY(&arena, bool, pool->owner_count);
    uint32_t drawn = 0;
    for (uint32_t o = 0; o < pool->owner_count; o++) {
        const struct vpr_pool_member *first = &pool->members[pool->owners[o].first];
        gone[o] = excluded != NULL && vpr_address_equal(&first->owner, excluded);
    }
    for (uint32_t j = 0; j < n; j++) {
        uint64_t left = 0;
        for (uint32_t o = 0; o < pool->owner_count; o++) {
            left += gone[o] ? 0 : pool->owners[o].weight;
        }
        if (left == 0) {
            break;
        }
        struct vpr_hasher h;
        vpr_hasher_start(&h, "slot");
        vpr_hasher_fixed(&h, key->b, sizeof key->b);
        vpr_hasher_u64(&h, j);
        struct vpr_hash hash = vpr_hasher_end(&h);
        vpr_u128 wide = (vpr_u128)vpr_get_be64(hash.b) << 64 | vpr_get_be64(hash.b + 8);
        uint64_t at = (uint64_t)(wide % left);
        uint32_t owner = 0;
        while (gone[owner] || at >= pool->owners[owner].weight) {
            at -= gone[owner] ? 0 : pool->owners[owner].weight;
            owner++;
        }
        uint32_t member = pool->owners[owner].first;
        while (at >= pool->members[member].weight) {
            at -= pool->members[member].weight;
            member++;
        }
        gone[owner] = true;
        ret[drawn++] = &pool->members[member].id;
    }
    return drawn;
}

START_TEST(draws_are_those_of_the_definition)
{
    struct vpr_pool pool;
    ck_assert(vpr_pool_build(&pool, &arena, members_of(60, 3), 180));
    for (uint64_t k = 0; k < 300; k++) {
        const struct vpr_pool_member *drawn[24];
        const struct vpr_address *want[24];
        uint8_t b[8];
        vpr_put_be64(b, k);
        struct vpr_hash key = vpr_tagged("key", b, sizeof b);
        struct vpr_address excluded = numbered("o", k % 70); /* some are not in the pool */
        uint32_t count =
            vpr_draw(drawn, &pool, VPR_DRAW_SERVICERS, &key, 24, &excluded, k % 3 == 0 ? 0 : 1);
        ck_assert_uint_eq(
            draw_slowly(want, &pool, &key, 24, k % 3 == 0 ? NULL : &excluded), count);
        for (uint32_t i = 0; i < count; i++) {
            ck_assert(vpr_address_equal(want[i], &drawn[i]->id));
        }
    }
}
END_TEST

START_TEST(the_order_of_the_members_does_not_matter)
{
    struct vpr_pool_member *members = members_of(20, 2);
    struct vpr_pool a, b;
    struct vpr_hash key = vpr_sha256("k", 1);
    const struct vpr_pool_member *x[9], *y[9];
    ck_assert(vpr_pool_build(&a, &arena, members, 40));
    for (size_t i = 0; i < 20; i++) {
        struct vpr_pool_member swap = members[i];
        members[i] = members[39 - i];
        members[39 - i] = swap;
    }
    ck_assert(vpr_pool_build(&b, &arena, members, 40));
    ck_assert_uint_eq(vpr_draw(x, &a, VPR_DRAW_FISHERMEN, &key, 9, NULL, 0), 9);
    ck_assert_uint_eq(vpr_draw(y, &b, VPR_DRAW_FISHERMEN, &key, 9, NULL, 0), 9);
    for (size_t i = 0; i < 9; i++) {
        ck_assert(vpr_address_equal(&x[i]->id, &y[i]->id));
    }
}
END_TEST

START_TEST(an_owner_excluded_twice_is_excluded_once)
{
    struct vpr_pool pool;
    struct vpr_hash key = vpr_sha256("k", 1);
    struct vpr_address excluded[3] = {numbered("o", 1), numbered("o", 1), numbered("x", 1)};
    const struct vpr_pool_member *drawn[5];
    struct vpr_pool_member *members = members_of(3, 1);
    for (size_t i = 0; i < 3; i++) {
        members[i].weight = i + 1;
    }
    ck_assert(vpr_pool_build(&pool, &arena, members, 3));
    ck_assert_uint_eq(vpr_draw(drawn, &pool, VPR_DRAW_SERVICERS, &key, 5, excluded, 3), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!vpr_address_equal(&drawn[i]->owner, &excluded[0]));
    }
}
END_TEST

START_TEST(pools_that_cannot_be_are_refused)
{
    struct vpr_pool_member *members = members_of(3, 2);
    struct vpr_pool pool = {.total = 77};
    members[4] = members[1]; /* the same id twice at one owner */
    ck_assert(!vpr_pool_build(&pool, &arena, members, 6));
    members = members_of(3, 2);
    members[0].weight = UINT64_MAX;
    members[5].weight = 1;
    ck_assert(!vpr_pool_build(&pool, &arena, members, 6));
    ck_assert_uint_eq(pool.total, 77);
    ck_assert(vpr_pool_build(&pool, &arena, NULL, 0));
    ck_assert_uint_eq(pool.total, 0);
}
END_TEST

/* What a weight is drawn with follows the weight: 3 of 4 for the heavier of two. */
START_TEST(shares_follow_weights)
{
    struct vpr_pool_member *members = members_of(2, 1);
    struct vpr_pool pool;
    unsigned heavy = 0;
    members[0].weight = 3;
    members[1].weight = 1;
    ck_assert(vpr_pool_build(&pool, &arena, members, 2));
    for (uint64_t k = 0; k < 4000; k++) {
        const struct vpr_pool_member *drawn[1];
        uint8_t b[8];
        vpr_put_be64(b, k);
        struct vpr_hash key = vpr_tagged("key", b, sizeof b);
        ck_assert_uint_eq(vpr_draw(drawn, &pool, VPR_DRAW_SERVICERS, &key, 1, NULL, 0), 1);
        heavy += drawn[0]->weight == 3;
    }
    ck_assert_uint_ge(heavy, 2900);
    ck_assert_uint_le(heavy, 3100);
}
END_TEST

START_TEST(weights_out_of_range_are_refused)
{
    uint64_t weight = 77;
    ck_assert(!vpr_servicer_weight(&weight, VPR_SUPPLY_MAX, 0, 0, 0));
    ck_assert(!vpr_servicer_weight(&weight, 0, VPR_SUPPLY_MAX, 0, 0));
    ck_assert(!vpr_servicer_weight(&weight, 0, 0, 1000001, 0));
    ck_assert(!vpr_servicer_weight(&weight, 0, 0, 0, 1000001));
    ck_assert_uint_eq(weight, 77);
    ck_assert(vpr_servicer_weight(&weight, VPR_SUPPLY_MAX - 1, VPR_SUPPLY_MAX - 1, 1000000,
                                  1000000));
    ck_assert_uint_eq(weight, (2 * (VPR_SUPPLY_MAX - 1)) / 1000000 * 2000000);
    ck_assert_uint_eq(vpr_fisherman_weight(999999), 0);
    ck_assert_uint_eq(vpr_fisherman_weight(15000999999), 15000);
}
END_TEST

START_TEST(positions_skip_claims_that_pay_nothing)
{
    struct vpr_hash challenge = vpr_sha256("c", 1);
    struct vpr_address servicer = {{1}};
    struct vpr_claim claims[4] = {{0, 5}, {1, 1}, {0, 9}, {0, 1}};
    size_t entry = 77;
    uint64_t cu = 77;
    for (uint64_t i = 0; i < 20; i++) {
        ck_assert(vpr_prove_position(&entry, &cu, &challenge, &servicer, i, claims, 4));
        ck_assert_uint_eq(entry, 1);
        ck_assert_uint_eq(cu, 0);
    }
    claims[1].gross = 0;
    entry = 77;
    ck_assert(!vpr_prove_position(&entry, &cu, &challenge, &servicer, 0, claims, 4));
    ck_assert(!vpr_prove_position(&entry, &cu, &challenge, &servicer, 0, claims, 0));
    claims[1] = (struct vpr_claim){1, 0};
    ck_assert(!vpr_prove_position(&entry, &cu, &challenge, &servicer, 0, claims, 4));
    ck_assert_uint_eq(entry, 77);
}
END_TEST

/* Goal: microseconds at 100,000 owners; here it only must not grow with the pool. */
START_TEST(a_large_pool_draws_without_walking_it)
{
    const uint64_t size = 100000;
    struct vpr_pool pool;
    const struct vpr_pool_member *drawn[24];
    ck_assert(vpr_pool_build(&pool, &arena, members_of(size, 1), size));
    ck_assert_uint_gt(pool.owner_count, 98000); /* one in 101 has no weight */
    for (uint64_t k = 0; k < 2000; k++) {
        uint8_t b[8];
        vpr_put_be64(b, k);
        struct vpr_hash key = vpr_tagged("key", b, sizeof b);
        ck_assert_uint_eq(vpr_draw(drawn, &pool, VPR_DRAW_SERVICERS, &key, 24, NULL, 0), 24);
        for (uint32_t i = 1; i < 24; i++) {
            ck_assert(!vpr_address_equal(&drawn[i - 1]->owner, &drawn[i]->owner));
        }
    }
}
END_TEST

START_TEST(more_slots_than_allowed_halt)
{
    struct vpr_pool pool = {.total = 0};
    struct vpr_hash key = {{0}};
    const struct vpr_pool_member *drawn[VPR_DRAW_SLOTS_MAX + 1];
    (void)vpr_draw(drawn, &pool, VPR_DRAW_SERVICERS, &key, VPR_DRAW_SLOTS_MAX + 1, NULL, 0);
}
END_TEST

TCase *draw_tests(void)
{
    TCase *tcase = tcase_create("draw");
    tcase_add_checked_fixture(tcase, open_arena, close_arena);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, draws_are_those_of_the_definition);
    tcase_add_test(tcase, the_order_of_the_members_does_not_matter);
    tcase_add_test(tcase, an_owner_excluded_twice_is_excluded_once);
    tcase_add_test(tcase, pools_that_cannot_be_are_refused);
    tcase_add_test(tcase, shares_follow_weights);
    tcase_add_test(tcase, weights_out_of_range_are_refused);
    tcase_add_test(tcase, positions_skip_claims_that_pay_nothing);
    tcase_add_test(tcase, a_large_pool_draws_without_walking_it);
    tcase_add_test_raise_signal(tcase, more_slots_than_allowed_halt, SIGABRT);
    return tcase;
}
