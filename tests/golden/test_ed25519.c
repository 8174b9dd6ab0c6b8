/* Signatures at the edges of Ed25519: the rule of acceptance is libsodium's, and stays that of the
 * version the vectors were made with. */
#include "tests/golden/vectors.h"

#include <stdlib.h>

START_TEST(signatures_at_the_edges_are_what_libsodium_says)
{
    size_t i;
    json_t *item;
    unsigned accepted = 0;
    VEC_EACH(vec_group("cases", NULL), i, item) {
        const char *id = vec_case(item);
        struct vpr_bytes message = vec_hex(vec_get(item, "message"));
        struct vpr_hash key = vec_hash(vec_get(item, "key"));
        struct vpr_signature signature = vec_signature(vec_get(item, "signature"));
        bool got = vpr_ed25519_verify(&signature, message.data, message.len, &key);
        VEC_EQUAL(id, vec_bool(vec_get(item, "accepted")), got);
        accepted += got;
    }
    /* A file of refusals alone would say nothing. */
    ck_assert_uint_ge(accepted, 6);
    ck_assert_uint_ge(vec_cases - accepted, 70);
}
END_TEST

START_TEST(keys_at_the_edges_are_keys_or_not)
{
    size_t i;
    json_t *item;
    VEC_EACH(vec_group("cases", NULL), i, item) {
        const char *id = vec_case(item);
        struct vpr_hash key = vec_hash(vec_get(item, "key"));
        VEC_EQUAL(id, vec_bool(vec_get(item, "key_ok")), vpr_ed25519_key_ok(&key));
    }
}
END_TEST

int main(void)
{
    vpr_sig_init();
    vec_open(VPR_GOLDEN_ED25519);
    Suite *suite = suite_create("ed25519");
    TCase *t = tcase_create("edges");
    tcase_add_test(t, signatures_at_the_edges_are_what_libsodium_says);
    tcase_add_test(t, keys_at_the_edges_are_keys_or_not);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    vec_close();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
