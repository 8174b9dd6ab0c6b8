#include "tests/unit/store/suites.h"

int main(void)
{
    SRunner *runner = srunner_create(trie_suite());
    srunner_add_suite(runner, store_suite());
    srunner_add_suite(runner, model_suite());
    srunner_add_suite(runner, view_suite());
    srunner_add_suite(runner, kv_suite());
    srunner_add_suite(runner, crash_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
