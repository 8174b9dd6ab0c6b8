/* abci/ over real sockets, against a small application: see driver.h. */
#include <stdlib.h>

#include "tests/unit/abci/suites.h"

int main(void)
{
    Suite *s = suite_create("abci");

    suite_add_tcase(s, frame_tests());
    suite_add_tcase(s, protocol_tests());
    suite_add_tcase(s, connection_tests());

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
