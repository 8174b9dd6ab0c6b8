#include <stdlib.h>

#include "tests/unit/relay/help.h"

int main(void)
{
    SRunner *runner = srunner_create(suite_session());

    vpr_sig_init();
    srunner_add_suite(runner, suite_leaves());
    srunner_add_suite(runner, suite_wire());
    srunner_add_suite(runner, suite_claim());
    srunner_add_suite(runner, suite_cost());
    srunner_add_suite(runner, suite_past());
    srunner_add_suite(runner, suite_serve());
    srunner_add_suite(runner, suite_servicer());
    srunner_add_suite(runner, suite_settings());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
