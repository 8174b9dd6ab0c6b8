#include <stdlib.h>

#include "app/base/sig.h"
#include "tests/unit/domain/act.h"

int main(void)
{
    Suite *suite = suite_create("actors");
    suite_add_tcase(suite, actors_tests());
    suite_add_tcase(suite, beacon_tests());
    suite_add_tcase(suite, benches_tests());
    suite_add_tcase(suite, chains_tests());
    suite_add_tcase(suite, fishermen_tests());
    suite_add_tcase(suite, penalties_tests());
    suite_add_tcase(suite, price_tests());
    suite_add_tcase(suite, quality_tests());
    suite_add_tcase(suite, requestors_tests());
    suite_add_tcase(suite, scores_tests());
    suite_add_tcase(suite, servicers_tests());
    suite_add_tcase(suite, sessions_tests());
    suite_add_tcase(suite, slashing_tests());
    suite_add_tcase(suite, validators_tests());
    vpr_sig_init();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
