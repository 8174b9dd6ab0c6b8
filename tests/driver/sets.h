/* sets.h - validator sets as CometBFT keeps them: whose turn it is to propose.
 *
 * Weighted round robin by priority; updates count two heights later. */
#ifndef VPR_DRIVER_SETS_H
#define VPR_DRIVER_SETS_H

#include "app/base/base.h"
#include "tendermint/abci/types.pb-c.h"

#define SET_MAX 320

struct set_member {
    struct vpr_hash key;
    struct vpr_address address;
    int64_t power, priority;
};
struct set {
    size_t count;
    struct set_member members[SET_MAX];
};

void set_update(struct set *set, Tendermint__Abci__ValidatorUpdate *const *updates,
                size_t count);
/* Moves the turn on; returns whose it is. */
const struct set_member *set_turn(struct set *set);
/* Whose turn it is in `round` of a set that stands at round 0. */
struct set_member set_proposer(const struct set *set, unsigned round);
int64_t set_power(const struct set *set);

#endif
