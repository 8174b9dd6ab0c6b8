#include <check.h>
#include <stdlib.h>

Suite *record_suite(void);
Suite *run_suite(void);

int main(void)
{
    SRunner *runner = srunner_create(record_suite());
    srunner_add_suite(runner, run_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
