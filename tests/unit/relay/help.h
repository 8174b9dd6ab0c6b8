/* help.h - keys, tokens and signed requests for the tests of relay/. */
#ifndef VPR_TEST_RELAY_HELP_H
#define VPR_TEST_RELAY_HELP_H

#include <check.h>

#include "app/base/sig.h"
#include "relay/session.h"

struct keypair {
    struct vpr_hash key;
    uint8_t secret[64];
};

struct keypair keypair_of(uint8_t n);
struct vpr_sid_info sid_info(uint8_t n, uint64_t quota_cu);
struct vpr_token token_of(const struct vpr_hash *sid, const struct keypair *client,
                          const struct keypair *gateway);
struct vpr_signed_request request_of(const struct vpr_hash *sid,
                                     const struct vpr_address *servicer,
                                     const struct keypair *client, uint64_t seq,
                                     uint64_t cum_cu, uint64_t cu);
bool same_request(const struct vpr_signed_request *a, const struct vpr_signed_request *b);
struct vpr_leaf leaf_of(const struct vpr_signed_request *request);
/* A fresh directory, removed when the test ends; one a test. */
void temp_dir(char path[256]);

Suite *suite_session(void);
Suite *suite_leaves(void);
Suite *suite_wire(void);
Suite *suite_claim(void);
Suite *suite_cost(void);
Suite *suite_past(void);
Suite *suite_serve(void);
Suite *suite_servicer(void);
Suite *suite_settings(void);

#endif
