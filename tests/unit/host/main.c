#include <stdlib.h>

#include "app/base/base.h"
#include "tests/unit/host/suites.h"

int main(void)
{
    Suite *(*const suites[])(void) = {suite_conf, suite_http_client, suite_http_parse,
                                      suite_http_server, suite_json_scan, suite_keyring, suite_log,
                                      suite_loop, suite_net, suite_pbjson};
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; i < VPR_COUNT(suites); i++) {
        srunner_add_suite(runner, suites[i]());
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
