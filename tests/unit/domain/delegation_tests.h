/* delegation_tests.h - messages of delegators for the tests of pools, rewards and unbonding. */
#ifndef VPR_TEST_DOMAIN_DELEGATION_TESTS_H
#define VPR_TEST_DOMAIN_DELEGATION_TESTS_H

#include "app/domain/delegation.h"
#include "app/domain/unbonding.h"
#include "tests/unit/domain/act.h"

/* Of label's account to the actor of that label; begins a block if none is open. */
enum vpr_code delegate_(struct world *w, const char *label, const char *actor, uint64_t amount);
enum vpr_code undelegate_(struct world *w, const char *label, const char *actor,
                          uint64_t amount);
enum vpr_code withdraw_(struct world *w, const char *label, const char *actor);
enum vpr_code commission_(struct world *w, const char *owner, const char *actor, uint32_t ppm);

uint64_t tokens_of(struct world *w, const char *label, const char *actor);
uint64_t due_of(struct world *w, const char *label, const char *actor);
const Viper__V1__DelegationPool *pool_of(struct world *w, const char *actor);
uint64_t pool_balance(struct world *w, enum vpr_pool_account pool);
/* For a double sign at that height; what was burned. */
uint64_t slash_(struct world *w, const char *actor, uint64_t ppm, uint64_t fault_height);

TCase *delegation_tests(void);
TCase *delegation_rewards_tests(void);
TCase *delegators_tests(void);
TCase *unbonding_tests(void);

#endif
