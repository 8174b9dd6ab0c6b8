#include "app/base/arena.h"

#include "app/base/mem.h"
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

START_TEST(blocks_are_zeroed_aligned_and_apart)
{
    uint8_t *a = vpr_arena_alloc(&arena, 1);
    uint8_t *b = vpr_arena_alloc(&arena, 33);
    ck_assert_uint_eq((uintptr_t)a % 16, 0);
    ck_assert_uint_eq((uintptr_t)b % 16, 0);
    ck_assert(b >= a + 1);
    for (size_t i = 0; i < 33; i++) {
        ck_assert_uint_eq(b[i], 0);
    }
}
END_TEST

/* What was released is handed out again, and zeroed again. */
START_TEST(release_returns_to_the_mark)
{
    uint8_t *kept = vpr_arena_alloc(&arena, 16);
    size_t mark = vpr_arena_mark(&arena);
    uint8_t *dropped = vpr_arena_alloc(&arena, 100);
    memset(kept, 7, 16);
    memset(dropped, 9, 100);
    vpr_arena_release(&arena, mark);
    uint8_t *again = vpr_arena_alloc(&arena, 100);
    ck_assert_ptr_eq(again, dropped);
    ck_assert_uint_eq(again[0] | again[99], 0);
    ck_assert_uint_eq(kept[15], 7);
}
END_TEST

START_TEST(copies_and_texts)
{
    struct vpr_bytes bytes = vpr_arena_bytes(&arena, vpr_bytes_str("abc"));
    ck_assert_uint_eq(bytes.len, 3);
    ck_assert_mem_eq(bytes.data, "abc", 3);
    bytes = vpr_arena_bytes(&arena, vpr_bytes_of(NULL, 0));
    ck_assert_uint_eq(bytes.len, 0);
    ck_assert_str_eq(vpr_arena_text(&arena, "%s-%d", "x", 7), "x-7");
    ck_assert_str_eq(vpr_arena_text(&arena, "%s", ""), "");
}
END_TEST

START_TEST(the_last_byte_can_be_used)
{
    ck_assert_ptr_nonnull(vpr_arena_alloc(&arena, 1 << 20));
    ck_assert_uint_eq(arena.used, arena.size);
    ck_assert_ptr_nonnull(vpr_arena_alloc(&arena, 0));
}
END_TEST

START_TEST(a_full_arena_halts)
{
    (void)vpr_arena_alloc(&arena, 1 << 20);
    (void)vpr_arena_alloc(&arena, 1);
}
END_TEST

START_TEST(a_size_near_the_end_of_all_memory_halts)
{
    (void)vpr_arena_alloc(&arena, SIZE_MAX - 3);
}
END_TEST

START_TEST(an_array_whose_size_overflows_halts)
{
    (void)vpr_arena_alloc_array(&arena, SIZE_MAX / 2, 3);
}
END_TEST

START_TEST(a_mark_above_the_front_halts)
{
    vpr_arena_release(&arena, 16);
}
END_TEST

START_TEST(protobuf_allocates_here_and_gives_nothing_back)
{
    void *block = arena.pb.alloc(arena.pb.allocator_data, 24);
    size_t used = arena.used;
    arena.pb.free(arena.pb.allocator_data, block);
    ck_assert_uint_eq(arena.used, used);
    ck_assert((uint8_t *)block >= arena.base && (uint8_t *)block < arena.base + arena.size);
}
END_TEST

START_TEST(heap_blocks_are_zeroed_and_keep_their_contents)
{
    uint8_t *block = vpr_mem_alloc(64);
    ck_assert_uint_eq(block[0] | block[63], 0);
    memset(block, 5, 64);
    block = vpr_mem_resize(block, 4096);
    ck_assert_uint_eq(block[63], 5);
    vpr_mem_free(block);
    vpr_mem_free(NULL);
}
END_TEST

TCase *arena_tests(void)
{
    TCase *tcase = tcase_create("arena");
    tcase_add_checked_fixture(tcase, open_arena, close_arena);
    tcase_add_test(tcase, blocks_are_zeroed_aligned_and_apart);
    tcase_add_test(tcase, release_returns_to_the_mark);
    tcase_add_test(tcase, copies_and_texts);
    tcase_add_test(tcase, the_last_byte_can_be_used);
    tcase_add_test_raise_signal(tcase, a_full_arena_halts, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_size_near_the_end_of_all_memory_halts, SIGABRT);
    tcase_add_test_raise_signal(tcase, an_array_whose_size_overflows_halts, SIGABRT);
    tcase_add_test_raise_signal(tcase, a_mark_above_the_front_halts, SIGABRT);
    tcase_add_test(tcase, protobuf_allocates_here_and_gives_nothing_back);
    tcase_add_test(tcase, heap_blocks_are_zeroed_and_keep_their_contents);
    return tcase;
}
