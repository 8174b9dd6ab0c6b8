/* kinds.h - the messages that a random history is made of: one row a kind.
 *
 * A row's maker writes what is legal as far as the mirror knows; what is not is made of it by
 * mutate.h and by faults of the envelope. */
#ifndef VPR_DRIVER_KINDS_H
#define VPR_DRIVER_KINDS_H

#include "tests/driver/dice.h"
#include "tests/driver/stage.h"

struct wish {
    struct stage *stage;
    struct dice *dice;
    struct vpr_arena *arena; /* the stage's block arena */
    /* Filled by the maker. */
    const char *signer; /* label */
    ProtobufCMessage *message;
};
/* False: nothing of this kind can be written now. */
typedef bool kind_make_fn(struct wish *wish);

struct kind {
    const char *name;
    unsigned weight;
    kind_make_fn *make;
};
extern const struct kind kinds[];
extern const size_t kind_count;

/* Rich accounts besides alice and bob; in genesis by kinds_fund. */
extern const char *const rich[];
extern const size_t rich_count;
void kinds_fund(struct vpr_arena *arena, Viper__V1__GenesisState *genesis);

/* By weight; NULL if the dice found nothing legal. */
const struct kind *kind_roll(struct wish *wish);

/* An actor of that kind (NONE: any) in that status (NONE: any but gone). */
struct pick {
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    const char *label;                    /* of the id */
    const char *owner, *operator_;        /* labels */
};
bool pick_actor(struct wish *wish, Viper__V1__Kind kind, Viper__V1__Status status,
                struct pick *ret);

#endif
