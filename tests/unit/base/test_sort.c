#include "app/base/sort.h"

#include "tests/unit/base/base_tests.h"

static struct vpr_arena arena;

static void open_arena(void)
{
    vpr_arena_init(&arena, 1 << 20);
}

static void close_arena(void)
{
    vpr_arena_finish(&arena);
}

struct item {
    uint32_t key;
    char weight[9]; /* a size that is no power of two */
};

static int by_key(const void *a, const void *b)
{
    uint32_t x = ((const struct item *)a)->key;
    uint32_t y = ((const struct item *)b)->key;
    return (x > y) - (x < y);
}

/* Every length up to 200, in an order that jumps about (the multiplier is odd). */
START_TEST(any_order_becomes_rising)
{
    for (uint32_t count = 0; count <= 200; count++) {
        struct item items[200];
        size_t used = vpr_arena_mark(&arena);
        for (uint32_t i = 0; i < count; i++) {
            items[i].key = i * UINT32_C(2654435769);
            items[i].weight[8] = (char)(items[i].key & 0x7f);
        }
        vpr_sort(&arena, items, count, sizeof items[0], by_key);
        for (uint32_t i = 1; i < count; i++) {
            ck_assert_uint_lt(items[i - 1].key, items[i].key);
        }
        for (uint32_t i = 0; i < count; i++) {
            ck_assert_int_eq(items[i].weight[8], (char)(items[i].key & 0x7f));
        }
        ck_assert_uint_eq(vpr_arena_mark(&arena), used);
    }
}
END_TEST

START_TEST(falling_becomes_rising)
{
    struct item items[100];
    for (uint32_t i = 0; i < 100; i++) {
        items[i].key = 99 - i;
    }
    vpr_sort(&arena, items, 100, sizeof items[0], by_key);
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert_uint_eq(items[i].key, i);
    }
}
END_TEST

/* Wherever the two stand: one test an ordered pair of places. */
START_TEST(two_equal_items_halt)
{
    struct item items[9];
    uint32_t a = (uint32_t)_i / 8;
    uint32_t b = (uint32_t)_i % 8;
    b += b >= a; /* never the same place */
    for (uint32_t i = 0; i < 9; i++) {
        items[i].key = (i * 5 + 3) % 9;
    }
    items[a].key = items[b].key;
    vpr_sort(&arena, items, 9, sizeof items[0], by_key);
}
END_TEST

TCase *sort_tests(void)
{
    TCase *tcase = tcase_create("sort");
    tcase_add_checked_fixture(tcase, open_arena, close_arena);
    tcase_add_test(tcase, any_order_becomes_rising);
    tcase_add_test(tcase, falling_becomes_rising);
    tcase_add_loop_test_raise_signal(tcase, two_equal_items_halt, SIGABRT, 0, 72);
    return tcase;
}
