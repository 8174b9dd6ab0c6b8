#include <stdlib.h>

#include "app/base/base.h"
#include "tests/unit/node/suites.h"

int main(void)
{
    Suite *(*const suites[])(void) = {suite_config, suite_events, suite_feeder, suite_reply,
                                     suite_route,  suite_secrets, suite_tally};
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; i < VPR_COUNT(suites); i++) {
        srunner_add_suite(runner, suites[i]());
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
