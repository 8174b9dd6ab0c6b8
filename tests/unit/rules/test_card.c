#include "app/rules/card.h"

#include "app/base/bytes.h"
#include "tests/unit/rules/rules_tests.h"

static struct vpr_card card_of_two(void)
{
    return (struct vpr_card){.count = 2,
                             .lines = {{.servicer = {{1}}, .sent = 10, .refused = 2,
                                        .answered = 8, .checked = 8, .correct = 7, .p90_ms = 9},
                                       {.servicer = {{2}}, .sent = 3, .answered = 1}},
                             .root = {{5}}};
}

START_TEST(only_the_exact_length_decodes)
{
    struct vpr_card card = card_of_two();
    struct vpr_card back;
    uint8_t bytes[VPR_CARD_BYTES_MAX + 1] = {0};
    size_t len = vpr_card_encode(bytes, &card);
    ck_assert_uint_eq(len, 4 + 2 * 68 + 32);
    for (size_t cut = 0; cut <= len + 1; cut++) {
        ck_assert(vpr_card_decode(&back, vpr_bytes_of(bytes, cut)) == (cut == len));
    }
    ck_assert_uint_eq(back.lines[0].correct, 7);
}
END_TEST

START_TEST(a_count_beyond_the_lines_is_refused)
{
    struct vpr_card card = {.count = VPR_CARD_LINES_MAX};
    struct vpr_card back = {.count = 77};
    uint8_t bytes[VPR_CARD_BYTES_MAX + VPR_CARD_LINE_BYTES] = {0};
    size_t len = vpr_card_encode(bytes, &card);
    ck_assert_uint_eq(len, VPR_CARD_BYTES_MAX);
    ck_assert(vpr_card_decode(&back, vpr_bytes_of(bytes, len)));
    back.count = 77;
    vpr_put_be32(bytes, VPR_CARD_LINES_MAX + 1);
    ck_assert(!vpr_card_decode(&back, vpr_bytes_of(bytes, sizeof bytes)));
    vpr_put_be32(bytes, UINT32_MAX);
    ck_assert(!vpr_card_decode(&back, vpr_bytes_of(bytes, sizeof bytes)));
    ck_assert_uint_eq(back.count, 77);
}
END_TEST

START_TEST(totals_of_a_card)
{
    struct vpr_card card = card_of_two();
    uint64_t sent, answered;
    ck_assert(vpr_card_ok(&card, &sent, &answered));
    ck_assert_uint_eq(sent, 13);
    ck_assert_uint_eq(answered, 9);
    for (uint64_t position = 0; position < sent; position++) {
        ck_assert_uint_eq(vpr_card_line_at(&card, position), position < 10 ? 0 : 1);
    }
}
END_TEST

START_TEST(cards_that_contradict_themselves_are_refused)
{
    uint64_t sent = 77;
    uint64_t answered = 77;
    struct vpr_card card = card_of_two();
    card.lines[1].servicer = card.lines[0].servicer; /* twice */
    ck_assert(!vpr_card_ok(&card, &sent, &answered));
    card.lines[1].servicer.b[0] = 0; /* not in order */
    ck_assert(!vpr_card_ok(&card, &sent, &answered));
    card = card_of_two();
    card.lines[1].sent = UINT64_MAX - 9; /* the total wraps to 0 */
    ck_assert(!vpr_card_ok(&card, &sent, &answered));
    card = card_of_two();
    card.lines[1].answered = 4;
    ck_assert(!vpr_card_ok(&card, &sent, &answered));
    card = card_of_two();
    card.lines[1].refused = UINT64_MAX; /* answered + refused wraps to 0 */
    ck_assert(!vpr_card_ok(&card, &sent, &answered));
    card = (struct vpr_card){.count = 1, .root = {{1}}}; /* a tree of no samples */
    ck_assert(!vpr_card_ok(&card, &sent, &answered));
    card.root.b[0] = 0;
    ck_assert_uint_eq(sent, 77);
    ck_assert(vpr_card_ok(&card, &sent, &answered));
    ck_assert_uint_eq(sent, 0);
}
END_TEST

START_TEST(a_position_beyond_all_samples_halts)
{
    struct vpr_card card = card_of_two();
    (void)vpr_card_line_at(&card, 13);
}
END_TEST

/* The seal hides and binds: every part of it counts. */
START_TEST(a_seal_depends_on_every_part)
{
    struct vpr_card card = card_of_two();
    struct vpr_hash salt = {{1}};
    struct vpr_hash sid = {{2}};
    struct vpr_address fisherman = {{3}};
    struct vpr_hash seal = vpr_card_seal(&card, &salt, &sid, &fisherman);
    struct vpr_hash other = vpr_card_seal(&card, &sid, &sid, &fisherman);
    ck_assert(!vpr_hash_equal(&seal, &other));
    other = vpr_card_seal(&card, &salt, &salt, &fisherman);
    ck_assert(!vpr_hash_equal(&seal, &other));
    fisherman.b[19] = 1;
    other = vpr_card_seal(&card, &salt, &sid, &fisherman);
    ck_assert(!vpr_hash_equal(&seal, &other));
    fisherman.b[19] = 0;
    card.lines[1].p90_ms++;
    other = vpr_card_seal(&card, &salt, &sid, &fisherman);
    ck_assert(!vpr_hash_equal(&seal, &other));
}
END_TEST

START_TEST(p90_is_the_nearest_rank)
{
    for (uint64_t n = 1; n <= 1000; n++) {
        ck_assert_uint_eq(vpr_card_p90_rank(n), (9 * n + 9) / 10);
    }
    ck_assert_uint_le(vpr_card_p90_rank(UINT64_MAX), UINT64_MAX);
}
END_TEST

TCase *card_tests(void)
{
    TCase *tcase = tcase_create("card");
    tcase_add_test(tcase, only_the_exact_length_decodes);
    tcase_add_test(tcase, a_count_beyond_the_lines_is_refused);
    tcase_add_test(tcase, totals_of_a_card);
    tcase_add_test(tcase, cards_that_contradict_themselves_are_refused);
    tcase_add_test_raise_signal(tcase, a_position_beyond_all_samples_halts, SIGABRT);
    tcase_add_test(tcase, a_seal_depends_on_every_part);
    tcase_add_test(tcase, p90_is_the_nearest_rank);
    return tcase;
}
