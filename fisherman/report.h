/* report.h - from a session's samples to its pay: seals, ReportCard, Reveal.
 *
 * Owns the books of sessions that are past.  Its one rule: what to do next follows from the
 * book on disk and the chain's state alone, so that kill -9 at any moment costs nothing but
 * time; nothing is told to the chain before the book is sealed and synced.
 *
 * Steps of session s:
 *   CHECK_REPORT, REPORT   while s+1 runs: one message with all seals, until seen
 *   WAIT                   for the challenge, in s+2
 *   CHALLENGE, CHECK_CARD, REVEAL   cards of sids in which somebody committed
 *   REVIEW                 in the last block of s+2: what the cards are going to earn
 *   DONE                   the book is kept until the chain has settled s, then deleted */
#ifndef VPR_FISHERMAN_REPORT_H
#define VPR_FISHERMAN_REPORT_H

#include "fisherman/shared.h"

/* Of a session: a second report card would replace the first. */
#define VPR_REPORT_SEALS_MAX 1000
#define VPR_REVEAL_CARDS_MAX 50 /* in one message; the chain takes 100 */
#define VPR_REVEAL_OPENED_MAX 16 /* of a card */

struct vpr_report;

/* Takes the book, judges and seals it if that is not done.  `drawn`: the fisherman has seats
 * in that session, so that its presence is counted even without samples. */
struct vpr_report *vpr_report_create(struct vpr_fishing *fishing, struct vpr_book *book,
                                     bool drawn);
void vpr_report_destroy(struct vpr_report *report); /* the book stays on disk */
uint64_t vpr_report_session(const struct vpr_report *report);

/* At every new height. */
void vpr_report_height(struct vpr_report *report);
/* Settled, and its file deleted: nothing is left to do. */
bool vpr_report_over(const struct vpr_report *report);

#endif
