/* suites.h - the parts of the executable test_abci. */
#ifndef TESTS_ABCI_SUITES_H
#define TESTS_ABCI_SUITES_H

#include <check.h>

TCase *frame_tests(void);
TCase *protocol_tests(void);
TCase *connection_tests(void);

#endif
