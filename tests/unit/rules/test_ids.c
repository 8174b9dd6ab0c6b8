#include "app/rules/ids.h"

#include "tests/unit/rules/rules_tests.h"

START_TEST(every_prefix_reads_back)
{
    for (int prefix = VPR_PREFIX_ACCOUNT; prefix <= VPR_PREFIX_VALCONS; prefix++) {
        struct vpr_hash hash = vpr_sha256(&prefix, 1);
        struct vpr_address address, back;
        char text[VPR_ADDRESS_TEXT_MAX];
        memcpy(address.b, hash.b, sizeof address.b);
        vpr_address_text(text, (enum vpr_prefix)prefix, &address);
        ck_assert(vpr_address_parse(&back, (enum vpr_prefix)prefix, vpr_bytes_str(text)));
        ck_assert(vpr_address_equal(&address, &back));
    }
}
END_TEST

/* bech32 finds every single wrong character; the output stays as it was. */
START_TEST(one_wrong_character_anywhere_is_refused)
{
    struct vpr_address address = {{1, 2, 3}};
    struct vpr_address out = {{7}};
    char text[VPR_ADDRESS_TEXT_MAX];
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &address);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char right = text[i];
        for (int c = 0; c < 256; c++) {
            text[i] = (char)c;
            bool read = vpr_address_parse(&out, VPR_PREFIX_ACCOUNT,
                                          vpr_bytes_of(text, strlen("viper1") + 38));
            ck_assert_msg(read == ((char)c == right), "%zu: %d", i, c);
        }
        text[i] = right;
    }
    ck_assert(vpr_address_equal(&out, &address));
}
END_TEST

START_TEST(any_other_length_or_case_is_refused)
{
    struct vpr_address address = {{1, 2, 3}};
    struct vpr_address out = {{7}};
    char text[VPR_ADDRESS_TEXT_MAX + 1];
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &address);
    size_t len = strlen(text);
    text[len] = 'q';
    for (size_t cut = 0; cut <= len + 1; cut++) {
        ck_assert(vpr_address_parse(&out, VPR_PREFIX_ACCOUNT, vpr_bytes_of(text, cut)) ==
                  (cut == len));
    }
    for (size_t i = 0; i < len; i++) { /* bech32 allows all upper case; one spelling does not */
        text[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 32) : text[i];
    }
    ck_assert(!vpr_address_parse(&out, VPR_PREFIX_ACCOUNT, vpr_bytes_of(text, len)));
}
END_TEST

START_TEST(chain_ids_are_four_hex_digits)
{
    static const char *const bad[] = {"", "1", "001", "00001", "000g", " 001", "0x01", "-001"};
    char text[VPR_ID16_TEXT_MAX];
    uint16_t id = 7;
    vpr_id16_text(text, 1);
    ck_assert_str_eq(text, "0001");
    vpr_id16_text(text, 0xbeef);
    ck_assert_str_eq(text, "beef");
    for (size_t i = 0; i < VPR_COUNT(bad); i++) {
        ck_assert_msg(!vpr_id16_parse(&id, vpr_bytes_str(bad[i])), "%s", bad[i]);
    }
    ck_assert_uint_eq(id, 7);
    ck_assert(vpr_id16_parse(&id, vpr_bytes_str("BEEF")));
    ck_assert_uint_eq(id, 0xbeef);
}
END_TEST

TCase *ids_tests(void)
{
    TCase *tcase = tcase_create("ids");
    tcase_add_test(tcase, every_prefix_reads_back);
    tcase_add_test(tcase, one_wrong_character_anywhere_is_refused);
    tcase_add_test(tcase, any_other_length_or_case_is_refused);
    tcase_add_test(tcase, chain_ids_are_four_hex_digits);
    return tcase;
}
