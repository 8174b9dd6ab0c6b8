/* suites.h - one suite a file. */
#ifndef TESTS_STORE_SUITES_H
#define TESTS_STORE_SUITES_H

#include <check.h>
#include <signal.h>

Suite *trie_suite(void);
Suite *store_suite(void);
Suite *model_suite(void);
Suite *view_suite(void);
Suite *kv_suite(void);
Suite *crash_suite(void);

#endif
