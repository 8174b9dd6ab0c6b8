/* governance.h - what the tests of proposals and votes share. */
#ifndef VPR_TEST_DOMAIN_GOVERNANCE_H
#define VPR_TEST_DOMAIN_GOVERNANCE_H

#include "tests/unit/domain/act.h"

#define DEPOSIT (1000 * WORLD_VIPR)

enum { YES = 1, ABSTAIN, NO, VETO };
enum { VOTING = 1, PASSED, REJECTED, VETOED, FAILED };

/* Messages of that proposer, to be altered. */
Viper__V1__MsgPropose *new_text(struct world *w, const char *proposer);
/* "name=value", NULL at the end. */
Viper__V1__MsgPropose *new_params(struct world *w, const char *proposer, ...)
    __attribute__((sentinel));
Viper__V1__TreasurySpend *new_spend(struct world *w, const char *to, uint64_t amount);
Viper__V1__Upgrade *new_upgrade(struct world *w, uint64_t height, uint64_t version);
/* Chain or zone as genesis has them, with another id and name. */
Viper__V1__GenesisChain *new_chain(struct world *w, uint32_t id, const char *name);
Viper__V1__GenesisZone *new_zone(struct world *w, uint32_t id, const char *name);

/* Must be accepted; its id. */
uint64_t propose(struct world *w, const char *proposer, Viper__V1__MsgPropose *message);
enum vpr_code vote(struct world *w, const char *voter, uint64_t id, int option);
void vote_all(struct world *w, uint64_t id, int option); /* the owners of the four */
/* Blocks until the vote on that proposal is over, the last one committed. */
void end_of_vote(struct world *w, uint64_t id);
/* Proposed, voted for by all, over: its status. */
int decide(struct world *w, const char *proposer, Viper__V1__MsgPropose *message);

int status_of(struct world *w, uint64_t id);
uint64_t pool_balance(struct world *w, enum vpr_pool_account pool);
const Viper__V1__QueryTallyResponse *tally_of(struct world *w, uint64_t id);
size_t votes_on(struct world *w, uint64_t id);

TCase *contents_tests(void);
TCase *wallet_gov_queries_tests(void);
TCase *upgrade_tests(void);
TCase *votes_tests(void);

#endif
