#include "tests/unit/domain/session_tests.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(suite_commits());
    srunner_add_suite(runner, suite_reportcards());
    srunner_add_suite(runner, suite_settlement());
    srunner_add_suite(runner, suite_verdicts());
    srunner_add_suite(runner, suite_refusals());
    srunner_add_suite(runner, suite_attacks());
    srunner_add_suite(runner, suite_invariants());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
