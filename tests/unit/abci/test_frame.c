/* Frames from a stream of bytes, however it is cut. */
#include <check.h>
#include <stdlib.h>

#include "abci/abci.h"
#include "abci/frame.h"
#include "tests/unit/abci/suites.h"

static void feed(struct abci_frames *f, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t room;
        uint8_t *to = abci_frames_room(f, &room);
        ck_assert_uint_gt(room, 0);
        size_t n = room < len ? room : len;
        memcpy(to, data, n);
        abci_frames_filled(f, n);
        data += n;
        len -= n;
    }
}

START_TEST(a_frame_may_come_byte_by_byte_or_many_at_once)
{
    const uint8_t wire[] = {2, 0x12, 0, 0, 6, 0x0a, 4, 0x0a, 2, 'h', 'i'};
    struct abci_frames f;
    struct vpr_bytes m;
    unsigned count = 0;

    abci_frames_init(&f);
    for (size_t i = 0; i < sizeof wire; i++) {
        feed(&f, wire + i, 1);
        count += abci_frames_next(&f, &m) == ABCI_FRAME_READY;
    }
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(m.len, 6);
    ck_assert_mem_eq(m.data, wire + 5, 6);

    feed(&f, wire, sizeof wire);
    ck_assert_int_eq(abci_frames_next(&f, &m), ABCI_FRAME_READY);
    ck_assert_uint_eq(m.len, 2);
    ck_assert_int_eq(abci_frames_next(&f, &m), ABCI_FRAME_READY);
    ck_assert_uint_eq(m.len, 0);
    ck_assert_int_eq(abci_frames_next(&f, &m), ABCI_FRAME_READY);
    ck_assert_int_eq(abci_frames_next(&f, &m), ABCI_FRAME_PARTIAL);
    abci_frames_finish(&f);
}
END_TEST

/* Sizes around the shared buffer's, three of each, in pieces of several sizes. */
START_TEST(frames_of_any_size_come_out_as_they_went_in)
{
    const size_t sizes[] = {0,     1,     127,   128,   4095,   16384,  65532,
                            65533, 65534, 65535, 65536, 65537, 131072, 3000000};
    const size_t pieces[] = {4096, 1, 65536, 100000000, 7};
    uint8_t *stream = malloc(64 * 1024 * 1024);
    struct abci_frames f;
    size_t len = 0, at = 0, taken = 0;

    for (size_t i = 0; i < 3 * VPR_COUNT(sizes); i++) {
        size_t size = sizes[i / 3];
        len += abci_frame_header(stream + len, size);
        memset(stream + len, (int)i, size);
        len += size;
    }
    for (size_t p = 0; p < VPR_COUNT(pieces); p++) {
        abci_frames_init(&f);
        for (at = taken = 0; at < len;) {
            struct vpr_bytes m;
            size_t n = pieces[p] < len - at ? pieces[p] : len - at, room;
            uint8_t *to = abci_frames_room(&f, &room);
            n = n < room ? n : room;
            memcpy(to, stream + at, n);
            abci_frames_filled(&f, n);
            at += n;
            while (abci_frames_next(&f, &m) == ABCI_FRAME_READY) {
                ck_assert_uint_eq(m.len, sizes[taken / 3]);
                if (m.len > 0) {
                    ck_assert_uint_eq(m.data[0], taken);
                    ck_assert_uint_eq(m.data[m.len - 1], taken);
                }
                taken++;
            }
        }
        ck_assert_uint_eq(taken, 3 * VPR_COUNT(sizes));
        abci_frames_finish(&f);
    }
    free(stream);
}
END_TEST

START_TEST(a_length_beyond_the_limit_or_64_bits_is_refused)
{
    uint8_t header[ABCI_FRAME_HEADER_MAX];
    size_t n = abci_frame_header(header, (size_t)ABCI_FRAME_MAX + 1);
    const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
    const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    const uint8_t largest[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    const struct {
        const uint8_t *data;
        size_t len;
        enum abci_frame want;
    } bad[] = {{endless, 10, ABCI_FRAME_GARBAGE},
               {endless, 9, ABCI_FRAME_PARTIAL},
               {huge, 10, ABCI_FRAME_GARBAGE},
               {largest, 10, ABCI_FRAME_LARGE},
               {header, n, ABCI_FRAME_LARGE}};
    struct vpr_bytes m;

    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        struct abci_frames f;
        abci_frames_init(&f);
        feed(&f, bad[i].data, bad[i].len);
        ck_assert_int_eq(abci_frames_next(&f, &m), bad[i].want);
        abci_frames_finish(&f);
    }
}
END_TEST

START_TEST(a_transaction_takes_its_tag_and_length_as_well)
{
    const size_t cases[][2] = {{0, 2},         {1, 3},         {127, 129},        {128, 131},
                               {16383, 16386}, {16384, 16388}, {2097151, 2097155}};

    for (size_t i = 0; i < VPR_COUNT(cases); i++) {
        ck_assert_uint_eq(abci_tx_encoded_size(cases[i][0]), cases[i][1]);
    }
}
END_TEST

TCase *frame_tests(void)
{
    TCase *t = tcase_create("frame");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_frame_may_come_byte_by_byte_or_many_at_once);
    tcase_add_test(t, frames_of_any_size_come_out_as_they_went_in);
    tcase_add_test(t, a_length_beyond_the_limit_or_64_bits_is_refused);
    tcase_add_test(t, a_transaction_takes_its_tag_and_length_as_well);
    return t;
}
