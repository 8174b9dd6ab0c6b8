/* watch.h - one running session: who is audited, when, with what; and the samples.
 *
 * Owns the session's book while the session runs.  Its one rule: it never asks for more than
 * the gateway's reserve allows, and never later than before the session's last block, so that
 * nothing is refused that a servicer could be blamed for.
 *
 * State of a sid: its bench and its requestor are asked for until both are known (a sid whose
 * chain has no corpus here, or whose requestor grants nothing, is left out, once told in the
 * log), then planned when the pace of blocks is known, then sampled.  After a restart in
 * mid-session what is left of it is planned anew, into the same book. */
#ifndef VPR_FISHERMAN_WATCH_H
#define VPR_FISHERMAN_WATCH_H

#include "fisherman/shared.h"

struct vpr_watch;

/* The session is the running one; NULL when its book cannot be opened, which is logged. */
struct vpr_watch *vpr_watch_create(struct vpr_fishing *fishing,
                                   const struct vpr_followed *session);
void vpr_watch_destroy(struct vpr_watch *watch); /* without an end: a restart goes on */
uint64_t vpr_watch_session(const struct vpr_watch *watch);
size_t vpr_watch_sids(const struct vpr_watch *watch); /* drawn in, and looked after */
size_t vpr_watch_sids_beyond(const struct vpr_watch *watch); /* drawn in, too many to sample */

/* At every new height. */
void vpr_watch_height(struct vpr_watch *watch);
/* The session is past and what was under way is answered, or has had its time. */
bool vpr_watch_over(const struct vpr_watch *watch);
/* Ends it; the book is the caller's then. */
struct vpr_book *vpr_watch_finish(struct vpr_watch *watch, bool *ret_drawn);

#endif
