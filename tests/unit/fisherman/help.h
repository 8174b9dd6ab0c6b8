/* help.h - keys, benches, samples and a place for files, for the tests of fisherman/. */
#ifndef VPR_TEST_FISHERMAN_HELP_H
#define VPR_TEST_FISHERMAN_HELP_H

#include <check.h>

#include "fisherman/book.h"

#define SEATS 5

struct keypair {
    struct vpr_hash key;
    uint8_t secret[64];
};

/* A sid with SEATS servicers in id order, its gateway and one client. */
struct bench {
    struct vpr_book_terms terms;
    struct keypair relays[SEATS];
    struct keypair gateway, client;
    struct vpr_token token;
    uint64_t seq;
};

struct keypair keypair_of(uint8_t n);
struct vpr_address address_of(uint8_t n);
struct bench bench_of(uint8_t n);

/* A sample of servicer `seat`, signed throughout: answered with this status and body, with
 * body NULL silent, refused if `reason` is not 0. */
struct vpr_sample sample_of(struct bench *bench, uint32_t seat, const char *body,
                            uint16_t reason, uint64_t latency_ms);
struct vpr_book_sample kept_of(struct bench *bench, uint32_t sid, uint32_t seat,
                               uint32_t group, uint64_t at_ms, struct vpr_finding finding,
                               uint64_t latency_ms);
struct vpr_finding value_finding(const char *value); /* NULL: an error */
struct vpr_finding head_finding(uint64_t height);    /* 0: an error; within 2 */

/* A fresh directory, removed with everything in it when the process ends. */
const char *temp_dir(void);

Suite *suite_corpus(void);
Suite *suite_judge(void);
Suite *suite_card(void);
Suite *suite_book(void);
Suite *suite_plan(void);
Suite *suite_shadow(void);
Suite *suite_expect(void);
Suite *suite_session(void);

#endif
