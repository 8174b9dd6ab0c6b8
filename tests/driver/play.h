/* play.h - a history from a text: one action a line, # begins a comment.
 *
 *     blocks 20                 that many blocks
 *     session 4                 blocks until session 4 has opened
 *     work on | off             the sessions' work by dice (labour.h)
 *     work steady               without dice: everybody serves, sees and reports, all is well
 *     random 3                  three messages by dice into the next block
 *     tx alice {"@type":"/viper.v1.MsgPause","signer":"@servicer1",...}
 *                               a message; "@label" is an address; in the next block
 *     expect 0                  the code of the last tx, once its block is there
 *     fault signature           of the next tx's envelope: signature chain-id number old ahead
 *                               fee gas expired bytes poor
 *     force                     the next tx goes into the block whatever CheckTx says
 *   of the sessions that open from now on:
 *     seen servicer1 0001 0001 100000    its score on every fisherman's card in that pool of
 *                               chain and zone, in whole tenths of a million
 *     blind fisherman1 on | off          neither sees nor reports
 *   of the next block:
 *     silent                    no reveal
 *     seconds 700               since the last block
 *     round abandoned, wrong reveal      before the one that is decided
 *     absent validator2 validator3       did not sign the last block
 *     evidence validator3 2 votes        signed twice, two blocks ago; or light: misled light
 *                                        clients; unknown, later: no kind that is punished
 *     kill 0 executed | ready | gently   node 0, at that point of the block
 *   of the state:
 *     balance alice 999000000   uvipr
 *     status servicer1 PAUSED
 *     actor servicer1 stake 15000000000          a number of its record (state.proto: Actor)
 *     score servicer1 0001 0001 ppm 280000       of the newest Score in that pool, which may be
 *                               pending; 0: there is none
 *     standing servicer1 0001 0001 benched 1     likewise of the Standing
 *     drawn servicer1 0001 0001 yes | no         servicer or fisherman, in the session that runs
 *
 * Anything else, and whatever does not come true, ends the driver with its line. */
#ifndef VPR_DRIVER_PLAY_H
#define VPR_DRIVER_PLAY_H

#include "tests/driver/random.h"

/* `text` is taken apart. */
void play_run(struct stage *stage, const char *name, char *text,
              const struct random_options *options, uint64_t seed);

#endif
