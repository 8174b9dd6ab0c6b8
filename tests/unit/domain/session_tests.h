/* session_tests.h - the suites about the work of a session, one a file. */
#ifndef VPR_TEST_SESSION_TESTS_H
#define VPR_TEST_SESSION_TESTS_H

#include <check.h>

Suite *suite_attacks(void);
Suite *suite_commits(void);
Suite *suite_invariants(void);
Suite *suite_refusals(void);
Suite *suite_reportcards(void);
Suite *suite_settlement(void);
Suite *suite_verdicts(void);

#endif
