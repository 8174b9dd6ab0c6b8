#include <stdlib.h>

#include "tests/unit/fisherman/help.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_corpus());

    vpr_sig_init();
    srunner_add_suite(runner, suite_judge());
    srunner_add_suite(runner, suite_card());
    srunner_add_suite(runner, suite_book());
    srunner_add_suite(runner, suite_plan());
    srunner_add_suite(runner, suite_shadow());
    srunner_add_suite(runner, suite_expect());
    srunner_add_suite(runner, suite_session());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
