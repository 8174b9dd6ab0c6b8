/* suites.h - one suite a file of app/host; main.c runs them all. */
#ifndef VPR_TESTS_HOST_SUITES_H
#define VPR_TESTS_HOST_SUITES_H

#include <check.h>

Suite *suite_conf(void);
Suite *suite_http_client(void);
Suite *suite_http_parse(void);
Suite *suite_http_server(void);
Suite *suite_json_scan(void);
Suite *suite_keyring(void);
Suite *suite_log(void);
Suite *suite_loop(void);
Suite *suite_net(void);
Suite *suite_pbjson(void);

#endif
