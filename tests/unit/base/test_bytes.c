#include "app/base/bytes.h"

#include "tests/unit/base/base_tests.h"

START_TEST(integers_are_big_endian)
{
    uint8_t b[8];
    vpr_put_be64(b, UINT64_C(0x0102030405060708));
    ck_assert_mem_eq(b, "\1\2\3\4\5\6\7\10", 8);
    ck_assert_uint_eq(vpr_get_be64(b), UINT64_C(0x0102030405060708));
    ck_assert_uint_eq(vpr_get_be32(b), 0x01020304);
    ck_assert_uint_eq(vpr_get_be16(b), 0x0102);
    vpr_put_be64(b, UINT64_MAX);
    ck_assert_uint_eq(vpr_get_be64(b), UINT64_MAX);
}
END_TEST

START_TEST(a_prefix_is_less_than_the_whole)
{
    struct vpr_bytes ab = vpr_bytes_str("ab");
    struct vpr_bytes abc = vpr_bytes_str("abc");
    struct vpr_bytes none = vpr_bytes_of(NULL, 0);
    ck_assert_int_lt(vpr_bytes_cmp(ab, abc), 0);
    ck_assert_int_gt(vpr_bytes_cmp(abc, ab), 0);
    ck_assert_int_lt(vpr_bytes_cmp(none, ab), 0);
    ck_assert_int_eq(vpr_bytes_cmp(none, none), 0);
    ck_assert_int_lt(vpr_bytes_cmp(abc, vpr_bytes_str("\xff")), 0); /* unsigned */
    ck_assert(vpr_bytes_starts(abc, ab) && vpr_bytes_starts(abc, none));
    ck_assert(!vpr_bytes_starts(ab, abc) && !vpr_bytes_starts(abc, vpr_bytes_str("b")));
    ck_assert(vpr_bytes_equal(ab, vpr_bytes_str("ab")) && !vpr_bytes_equal(ab, abc));
}
END_TEST

START_TEST(hex_both_ways)
{
    char text[9];
    uint8_t out[4] = {1, 1, 1, 1};
    vpr_hex(text, "\x00\xff\x5a\x09", 4);
    ck_assert_str_eq(text, "00ff5a09");
    ck_assert(vpr_unhex(out, 4, vpr_bytes_str("00fF5A09")));
    ck_assert_mem_eq(out, "\x00\xff\x5a\x09", 4);
    ck_assert(vpr_unhex(out, 0, vpr_bytes_str("")));
}
END_TEST

/* A refused text leaves the output as it was. */
START_TEST(bad_hex_is_refused)
{
    static const char *const bad[] = {"", "0", "0102030", "010203040", "0102030g", "0102 304",
                                      "0x010203", "010203:4", "@1020304"};
    uint8_t out[4] = {9, 9, 9, 9};
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        ck_assert_msg(!vpr_unhex(out, 4, vpr_bytes_str(bad[i])), "%s", bad[i]);
    }
    ck_assert_mem_eq(out, "\x09\x09\x09\x09", 4);
}
END_TEST

/* RFC 4648, section 10, and bytes that need both special digits. */
START_TEST(base64_both_ways)
{
    static const struct {
        const char *plain, *padded, *url;
    } known[] = {{"", "", ""},
                 {"f", "Zg==", "Zg"},
                 {"fo", "Zm8=", "Zm8"},
                 {"foo", "Zm9v", "Zm9v"},
                 {"foob", "Zm9vYg==", "Zm9vYg"},
                 {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
                 {"\xfb\xff\xbf", "+/+/", "-_-_"}};
    for (size_t i = 0; i < VPR_COUNT(known); i++) {
        char text[VPR_BASE64_MAX(8)];
        uint8_t out[16];
        size_t len;
        struct vpr_bytes plain = vpr_bytes_str(known[i].plain);
        ck_assert_uint_eq(vpr_base64(text, plain), strlen(known[i].padded));
        ck_assert_str_eq(text, known[i].padded);
        ck_assert_uint_eq(vpr_base64url(text, plain), strlen(known[i].url));
        ck_assert_str_eq(text, known[i].url);
        ck_assert(vpr_unbase64(out, &len, vpr_bytes_str(known[i].padded)));
        ck_assert(vpr_bytes_equal(vpr_bytes_of(out, len), plain));
        ck_assert(vpr_unbase64(out, &len, vpr_bytes_str(known[i].url)));
        ck_assert(vpr_bytes_equal(vpr_bytes_of(out, len), plain));
    }
}
END_TEST

START_TEST(bad_base64_is_refused)
{
    static const char *const bad[] = {"A", "AAAAA", "Zg=", "Zg===", "=", "====", "Zg==Zg==",
                                      "Zh==", "Zh", "Zm9=", "Zm9", "+-AA", "Zm 9v", "Zm9v\n",
                                      "Zg=a", "A==="};
    uint8_t out[16];
    size_t len = 77;
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        ck_assert_msg(!vpr_unbase64(out, &len, vpr_bytes_str(bad[i])), "%s", bad[i]);
    }
    ck_assert_uint_eq(len, 77);
}
END_TEST

START_TEST(a_reader_takes_what_a_writer_wrote)
{
    uint8_t bytes[18];
    uint8_t three[3];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    vpr_write_u8(&w, 1);
    vpr_write_be16(&w, 2);
    vpr_write_be32(&w, 3);
    vpr_write_be64(&w, 4);
    vpr_write(&w, "abc", 3);
    ck_assert_uint_eq(w.len, sizeof bytes);
    struct vpr_reader r = vpr_reader(vpr_bytes_of(bytes, w.len));
    ck_assert_uint_eq(vpr_read_u8(&r), 1);
    ck_assert_uint_eq(vpr_read_be16(&r), 2);
    ck_assert_uint_eq(vpr_read_be32(&r), 3);
    ck_assert_uint_eq(vpr_read_be64(&r), 4);
    ck_assert(!vpr_read_done(&r));
    vpr_read(&r, three, 3);
    ck_assert_mem_eq(three, "abc", 3);
    ck_assert(vpr_read_done(&r));
}
END_TEST

/* After the first missing byte everything is zero, also what would still have fitted. */
START_TEST(a_reader_that_ran_short_stays_bad)
{
    struct vpr_reader r = vpr_reader(vpr_bytes_str("\xff\xff\xff"));
    ck_assert_uint_eq(vpr_read_be32(&r), 0);
    ck_assert(r.bad);
    ck_assert_uint_eq(vpr_read_u8(&r), 0);
    ck_assert_uint_eq(vpr_read_view(&r, 0).len, 0);
    ck_assert(!vpr_read_done(&r));
    r = vpr_reader(vpr_bytes_of(NULL, 0));
    ck_assert(vpr_read_done(&r));
    ck_assert_uint_eq(vpr_read_view(&r, SIZE_MAX).len, 0);
    ck_assert(r.bad);
}
END_TEST

START_TEST(a_writer_past_its_end_halts)
{
    uint8_t bytes[2];
    struct vpr_writer w = vpr_writer(bytes, sizeof bytes);
    vpr_write_be32(&w, 1);
}
END_TEST

TCase *bytes_tests(void)
{
    TCase *tcase = tcase_create("bytes");
    tcase_add_test(tcase, integers_are_big_endian);
    tcase_add_test(tcase, a_prefix_is_less_than_the_whole);
    tcase_add_test(tcase, hex_both_ways);
    tcase_add_test(tcase, bad_hex_is_refused);
    tcase_add_test(tcase, base64_both_ways);
    tcase_add_test(tcase, bad_base64_is_refused);
    tcase_add_test(tcase, a_reader_takes_what_a_writer_wrote);
    tcase_add_test(tcase, a_reader_that_ran_short_stays_bad);
    tcase_add_test_raise_signal(tcase, a_writer_past_its_end_halts, SIGABRT);
    return tcase;
}
