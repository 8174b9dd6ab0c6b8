/* scene.h - two sids of session 0 with everything in them, from the draw to what came of it.
 *
 * One world at a time: `first` is requestor1's on chain 1, `second` requestor2's on chain 2. */
#ifndef VPR_TEST_SCENE_H
#define VPR_TEST_SCENE_H

#include "tests/unit/world_session.h"

/* Sessions of 10 blocks from block 1 on: Verify of session 0 begins in block 31. */
#define FIRST_COMMIT 11
#define FIRST_PROVE 23
#define FIRST_VERIFY 31

#define SEATS 5
#define KEPT (1000 * VPR_UVIPR_PER_VIPR) /* what an owner has before any reward */

/* One sid with everything in it. */
struct scene {
    struct vpr_bench bench;
    struct ws_work works[SEATS];
    struct ws_card cards[3];
};
extern struct ws w;
extern struct scene first, second;

void scene_setup(void);
void scene_start(const struct ws_options *options);
void scene_teardown(void);
/* The card of fisherman `f` says this of that seat. */
void scene_redo_card(struct scene *s, size_t f, size_t seat, struct vpr_card_line line);

/* The steps of a session; each for some seats or fishermen of one sid. */
void scene_commit(struct scene *s, size_t seats);
void scene_seal(struct scene *s, size_t fishermen);
void scene_prove(struct scene *s, size_t seats);
void scene_reveal(struct scene *s, size_t fishermen);
/* The whole of the first scene, or of both, up to the end of session 2. */
void scene_play(size_t seats, size_t fishermen);
void scene_play_both(void);

/* What came of it: rewards of an actor's owner; Verify entries of the block in hand. */
uint64_t scene_earned(const struct vpr_address *id);
uint64_t scene_minted(void);
size_t scene_verifies(void);
/* The event of one servicer's entry in the block in hand. */
const struct vpr_event *scene_event(const char *type, const char *key,
                                    const struct vpr_address *who);
/* How many keys a store holds, its schema number not counted. */
size_t scene_keys(enum vpr_store_id store);

#define entry_event(type, who) scene_event(type, "servicer", who)

#endif
