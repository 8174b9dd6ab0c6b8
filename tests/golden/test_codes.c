/* codes.txt pins the numbers of the refusals: CometBFT hashes them, so they never change. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/err.h"

struct code {
    unsigned number;
    char name[64];
};

static const struct code known[] = {
#define X(name, number, text) {number, #name},
    VPR_CODES(X)
#undef X
};

START_TEST(numbers_and_names_are_those_of_the_list)
{
    FILE *list = fopen(VPR_GOLDEN_CODES, "r");
    struct code line;
    size_t at = 0;
    ck_assert_ptr_nonnull(list);
    while (fscanf(list, "%u %63s", &line.number, line.name) == 2) {
        ck_assert_msg(at < VPR_COUNT(known), "%s is missing in err.h", line.name);
        ck_assert_str_eq(line.name, known[at].name);
        ck_assert_uint_eq(line.number, known[at].number);
        at++;
    }
    ck_assert(feof(list));
    ck_assert_msg(at == VPR_COUNT(known), "%s is missing in codes.txt", known[at].name);
    (void)fclose(list);
}
END_TEST

START_TEST(numbers_rise_and_every_code_has_a_name_and_a_text)
{
    for (size_t i = 0; i < VPR_COUNT(known); i++) {
        enum vpr_code code = (enum vpr_code)known[i].number;
        ck_assert(i == 0 || known[i - 1].number < known[i].number);
        ck_assert_str_eq(vpr_code_name(code), known[i].name);
        ck_assert_uint_gt(strlen(vpr_code_text(code)), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("golden codes");
    TCase *tcase = tcase_create("codes");
    tcase_add_test(tcase, numbers_and_names_are_those_of_the_list);
    tcase_add_test(tcase, numbers_rise_and_every_code_has_a_name_and_a_text);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
