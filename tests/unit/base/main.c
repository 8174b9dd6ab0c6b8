#include <stdlib.h>

#include "app/base/sig.h"
#include "tests/unit/base/base_tests.h"

int main(void)
{
    Suite *suite = suite_create("base");
    suite_add_tcase(suite, arena_tests());
    suite_add_tcase(suite, bytes_tests());
    suite_add_tcase(suite, coin_tests());
    suite_add_tcase(suite, err_tests());
    suite_add_tcase(suite, hash_tests());
    suite_add_tcase(suite, merkle_tests());
    suite_add_tcase(suite, sig_tests());
    suite_add_tcase(suite, sort_tests());
    vpr_sig_init();
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
