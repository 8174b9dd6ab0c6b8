#include <stdlib.h>

#include "app/base/sig.h"
#include "tests/unit/domain/governance.h"

int main(void)
{
    Suite *suite = suite_create("governance");
    suite_add_tcase(suite, contents_tests());
    suite_add_tcase(suite, wallet_gov_queries_tests());
    suite_add_tcase(suite, upgrade_tests());
    suite_add_tcase(suite, votes_tests());
    vpr_sig_init();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
