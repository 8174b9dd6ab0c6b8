#include "app/base/hash.h"

#include "app/base/bytes.h"
#include "tests/unit/base/base_tests.h"

static void check_hex(const void *got, size_t len, const char *want)
{
    char text[65];
    vpr_hex(text, got, len);
    ck_assert_str_eq(text, want);
}

/* FIPS 180-4 examples. */
START_TEST(sha256_of_known_inputs)
{
    struct vpr_hash hash = vpr_sha256("abc", 3);
    check_hex(hash.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hash = vpr_sha256(NULL, 0);
    check_hex(hash.b, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(sha256_in_two_parts_is_that_of_the_whole)
{
    struct vpr_hash whole = vpr_sha256("abcdef", 6);
    struct vpr_hash parts = vpr_sha256_2("ab", 2, "cdef", 4);
    ck_assert(vpr_hash_equal(&whole, &parts));
    parts = vpr_sha256_2("abcdef", 6, NULL, 0);
    ck_assert(vpr_hash_equal(&whole, &parts));
}
END_TEST

/* From the publication of RIPEMD-160. */
START_TEST(ripemd160_of_known_inputs)
{
    uint8_t out[20];
    vpr_ripemd160(out, "abc", 3);
    check_hex(out, 20, "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
    vpr_ripemd160(out, NULL, 0);
    check_hex(out, 20, "9c1185a5c5e9fc54612808977ee8f548b2258d31");
}
END_TEST

START_TEST(a_tag_stands_behind_its_length)
{
    struct vpr_hash tagged = vpr_tagged("leaf", "xy", 2);
    struct vpr_hash plain = vpr_sha256("\x04leafxy", 7);
    ck_assert(vpr_hash_equal(&tagged, &plain));
}
END_TEST

START_TEST(a_tag_too_long_for_its_length_byte_halts)
{
    char tag[300];
    struct vpr_hasher h;
    memset(tag, 'x', sizeof tag);
    tag[256] = '\0';
    vpr_hasher_start(&h, tag);
}
END_TEST

TCase *hash_tests(void)
{
    TCase *tcase = tcase_create("hash");
    tcase_add_test(tcase, sha256_of_known_inputs);
    tcase_add_test(tcase, sha256_in_two_parts_is_that_of_the_whole);
    tcase_add_test(tcase, ripemd160_of_known_inputs);
    tcase_add_test(tcase, a_tag_stands_behind_its_length);
    tcase_add_test_raise_signal(tcase, a_tag_too_long_for_its_length_byte_halts, SIGABRT);
    return tcase;
}
