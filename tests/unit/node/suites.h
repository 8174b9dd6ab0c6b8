/* suites.h - one suite a file of app/node; main.c runs them all but the bridge's, which has a
 * process of its own. */
#ifndef VPR_TESTS_NODE_SUITES_H
#define VPR_TESTS_NODE_SUITES_H

#include <check.h>

Suite *suite_config(void);
Suite *suite_events(void);
Suite *suite_feeder(void);
Suite *suite_reply(void);
Suite *suite_route(void);
Suite *suite_secrets(void);
Suite *suite_tally(void);

#endif
