/* labour.h - the work of the sessions of a random history: who serves whom how much, what
 * fishermen see of it, and the messages in their windows, some of them spoilt on the way.
 *
 * A shift is one session's work.  Benches come from the node's own draw (Query/Bench), work and
 * messages from tests/cast/work.h; an entry counts for the proofs once its Commit was OK. */
#ifndef VPR_DRIVER_LABOUR_H
#define VPR_DRIVER_LABOUR_H

#include "tests/cast/work.h"
#include "tests/driver/dice.h"
#include "tests/driver/send.h"

struct labour_options {
    unsigned idle_percent;  /* seats that serve nothing */
    unsigned blind_percent; /* of fishermen's seats, beside the idle ones */
    unsigned spoil_percent; /* messages with one changed field, beside the right one */
    unsigned miss_percent;  /* messages that are never sent */
    unsigned relays_most;   /* of one client at one servicer, at most 32 */
    bool steady; /* none of these percents; cards come without dice: 1,000,000 ppm, or as named */
};

/* How every fisherman sees a servicer in a pool: tenths of its answers that are right. */
struct sight {
    struct vpr_address servicer;
    uint16_t chain, zone;
    uint64_t right;
};
#define SIGHTS_MAX 16
#define BLIND_MAX 16

struct shift; /* one session */
#define SHIFTS_MAX 8

struct labour {
    struct stage *stage;
    struct dice *dice;
    struct labour_options options;
    struct shift *shifts[SHIFTS_MAX];
    size_t count;
    uint64_t next_session; /* the first without a shift */
    struct sight sights[SIGHTS_MAX];
    size_t sight_count;
    struct vpr_address blind[BLIND_MAX]; /* fishermen that see and report nothing */
    size_t blind_count;
};

void labour_open(struct labour *labour, struct stage *stage, struct dice *dice,
                 const struct labour_options *options);
void labour_close(struct labour *labour);
/* Of the sessions whose shifts have not begun; false: no room. */
bool labour_see(struct labour *labour, const struct sight *sight);
bool labour_blind(struct labour *labour, const struct vpr_address *fisherman, bool blind);
/* Before each block: what is due in the coming one goes into the pool. */
void labour_step(struct labour *labour);

#endif
