/* mutate.h - a legal message with one field that is not what it was. */
#ifndef VPR_DRIVER_MUTATE_H
#define VPR_DRIVER_MUTATE_H

#include "tests/driver/dice.h"

#include "app/base/arena.h"

struct mutation {
    const char *what; /* "signature", if what was changed makes one fail, else "field" */
    char at[128];     /* path of the field */
};

/* A bit of bytes, another number, another account, an item of a list left out or repeated.
 * What the message points to is copied before it is changed.  The field named `keep` of the
 * message itself stays (its signer).  False: nothing to change was found. */
bool mutate(struct dice *dice, struct vpr_arena *arena, ProtobufCMessage *message,
            const char *keep, struct mutation *ret);

#endif
