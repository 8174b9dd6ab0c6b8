/* One case a file of app/base, run by main.c. */
#ifndef VPR_TESTS_UNIT_BASE_TESTS_H
#define VPR_TESTS_UNIT_BASE_TESTS_H

#include <check.h>
#include <signal.h>

TCase *arena_tests(void);
TCase *bytes_tests(void);
TCase *coin_tests(void);
TCase *err_tests(void);
TCase *hash_tests(void);
TCase *merkle_tests(void);
TCase *sig_tests(void);
TCase *sort_tests(void);

#endif
