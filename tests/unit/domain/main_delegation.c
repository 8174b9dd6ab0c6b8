#include <stdlib.h>

#include "app/base/sig.h"
#include "tests/unit/domain/delegation_tests.h"

int main(void)
{
    Suite *suite = suite_create("delegation");
    suite_add_tcase(suite, delegation_tests());
    suite_add_tcase(suite, delegation_rewards_tests());
    suite_add_tcase(suite, delegators_tests());
    suite_add_tcase(suite, unbonding_tests());
    vpr_sig_init();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
