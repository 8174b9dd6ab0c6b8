#include <stdlib.h>

#include "app/base/sig.h"
#include "tests/unit/rules/rules_tests.h"

int main(void)
{
    Suite *suite = suite_create("rules");
    suite_add_tcase(suite, card_tests());
    suite_add_tcase(suite, draw_tests());
    suite_add_tcase(suite, ids_tests());
    suite_add_tcase(suite, score_tests());
    suite_add_tcase(suite, shares_tests());
    suite_add_tcase(suite, split_tests());
    suite_add_tcase(suite, sumtree_tests());
    suite_add_tcase(suite, tally_tests());
    suite_add_tcase(suite, wire_tests());
    vpr_sig_init();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
