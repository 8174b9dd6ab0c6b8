/* One case a group of files of app/rules, run by main.c; the vectors are in tests/golden. */
#ifndef VPR_TESTS_UNIT_RULES_TESTS_H
#define VPR_TESTS_UNIT_RULES_TESTS_H

#include <check.h>
#include <signal.h>

TCase *card_tests(void);
TCase *draw_tests(void);
TCase *ids_tests(void);
TCase *score_tests(void);
TCase *shares_tests(void);
TCase *split_tests(void);
TCase *sumtree_tests(void);
TCase *tally_tests(void);
TCase *wire_tests(void);

#endif
