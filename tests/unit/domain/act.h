/* act.h - messages and queries on a world without signatures: what the tests of actors,
 * sessions and draws share. */
#ifndef VPR_TEST_DOMAIN_ACT_H
#define VPR_TEST_DOMAIN_ACT_H

#include <check.h>

#include "app/domain/actors.h"
#include "app/domain/beacon.h"
#include "app/domain/benches.h"
#include "app/domain/chains.h"
#include "app/domain/field.h"
#include "app/domain/price.h"
#include "app/domain/scores.h"
#include "tests/unit/world.h"

/* The row's check and apply, journaled, as signed by label's account; begins a block if none
 * is open. */
enum vpr_code act(struct world *w, const char *label, const ProtobufCMessage *message);
/* As above, and it must be VPR_OK. */
void act_ok(struct world *w, const char *label, const ProtobufCMessage *message);
/* It must be refused with that code, and leave no trace in the state. */
void act_refused(struct world *w, const char *label, const ProtobufCMessage *message,
                 enum vpr_code code);

/* NULL and *ret_code when refused. */
const ProtobufCMessage *ask(struct world *w, const char *method,
                            const ProtobufCMessage *request, enum vpr_code *ret_code);
/* As above: it must be answered, or be refused with that code. */
const void *ask_ok(struct world *w, const char *method, const ProtobufCMessage *request);
void ask_refused(struct world *w, const char *method, const ProtobufCMessage *request,
                 enum vpr_code code);

/* Genesis with a change must be refused with that code. */
void genesis_refused(world_change_fn *change, enum vpr_code code);

/* Valid messages of label "NAME" with owner alice; alter what the test is about. */
Viper__V1__MsgStakeServicer *new_servicer(struct world *w, const char *name);
Viper__V1__MsgStakeFisherman *new_fisherman(struct world *w, const char *name);
Viper__V1__MsgStakeRequestor *new_requestor(struct world *w, const char *name);
Viper__V1__MsgStakeValidator *new_validator(struct world *w, const char *name);
/* What genesis has, to be altered. */
Viper__V1__MsgEditServicer *edit_servicer(struct world *w, const char *name,
                                          const char *signer);
Viper__V1__MsgEditRequestor *edit_requestor(struct world *w, const char *name,
                                            const char *signer);

enum vpr_code pause_(struct world *w, const char *signer, const char *name);
enum vpr_code resume_(struct world *w, const char *signer, const char *name);
enum vpr_code unstake_(struct world *w, const char *owner, const char *name);

const Viper__V1__Actor *actor_of(struct world *w, const char *name);
const Viper__V1__Terms *terms_of(struct world *w, const char *name, uint64_t session);

TCase *actors_tests(void);
TCase *beacon_tests(void);
TCase *benches_tests(void);
TCase *chains_tests(void);
TCase *fishermen_tests(void);
TCase *penalties_tests(void);
TCase *price_tests(void);
TCase *quality_tests(void);
TCase *requestors_tests(void);
TCase *scores_tests(void);
TCase *servicers_tests(void);
TCase *sessions_tests(void);
TCase *slashing_tests(void);
TCase *validators_tests(void);

#endif
