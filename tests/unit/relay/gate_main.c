#include <stdlib.h>

#include "app/host/log.h"
#include "tests/unit/relay/gate.h"

int main(void)
{
    vpr_sig_init();
    vpr_log_setup(VPR_LOG_ERROR, 2);
    SRunner *runner = srunner_create(suite_lane());
    srunner_add_suite(runner, suite_select());
    srunner_add_suite(runner, suite_panel());
    srunner_add_suite(runner, suite_front());
    srunner_add_suite(runner, suite_shadow());
    srunner_add_suite(runner, suite_gateway());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
