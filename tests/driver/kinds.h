/* kinds.h - the messages that a random history is made of: one row a kind.
 *
 * A row's maker writes what is legal as far as the mirror knows; what is not is made of it by
 * mutate.h and by faults of the envelope. */
#ifndef VPR_DRIVER_KINDS_H
#define VPR_DRIVER_KINDS_H

#include "tests/driver/random.h"

struct wish {
    struct stage *stage;
    struct dice *dice;
    const struct random_options *options;
    struct vpr_arena *arena; /* the stage's block arena */
    /* Filled by the maker. */
    const char *signer; /* label */
    ProtobufCMessage *message;
};
/* False: nothing of this kind can be written now. */
typedef bool kind_make_fn(struct wish *wish);

/* What a message is about: a history may have much more of one theme (--favour). */
enum kind_theme { THEME_MONEY, THEME_ACTORS, THEME_DELEGATION, THEME_LEAVING,
                  THEME_GOVERNANCE, THEME_PRICE, THEME_UNSTAKING, THEME_SPREADING, THEMES };
extern const char *const theme_names[THEMES];

struct kind {
    const char *name;
    enum kind_theme theme;
    unsigned weight;
    kind_make_fn *make;
};
/* kinds.c; governance.c; wallets.c */
extern const struct kind kinds[], governance_kinds[], wallet_kinds[];
extern const size_t kind_count, governance_kind_count, wallet_kind_count;

/* By weight; NULL if the dice found nothing legal. */
const struct kind *kind_roll(struct wish *wish);

/* The accounts with money, options.rich of them: alice, bob, carol, dave, rich5 ... */
#define RICH_MAX 250
void kinds_fund(struct vpr_arena *arena, Viper__V1__GenesisState *genesis, unsigned rich);

/* ---- for makers ---- */

void *wish_message(struct wish *wish, const ProtobufCMessageDescriptor *descriptor);
const char *any_rich(struct wish *wish);
/* The label of an account that a record names; NULL: unknown, or none. */
const char *label_of(const ProtobufCBinaryData *who);

/* An actor of that kind (NONE: any) in that status (NONE: any but gone). */
struct pick {
    struct vpr_address id;
    const Viper__V1__Actor *actor;
    const char *label;                    /* of the id */
    const char *owner, *operator_;        /* labels */
};
bool pick_actor(struct wish *wish, Viper__V1__Kind kind, Viper__V1__Status status,
                struct pick *ret);
/* Somebody's delegation: to whom, by whom, what it is worth; 0: there may be none. */
struct pick_delegation {
    struct pick to;
    const char *delegator;
    uint64_t worth;
};
bool pick_delegation(struct wish *wish, Viper__V1__Kind kind, struct pick_delegation *ret);
/* What to take back of it: all, a part, or now and then more. */
uint64_t any_part(struct wish *wish, uint64_t worth);

#endif
