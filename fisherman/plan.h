/* plan.h - when to ask whom, over one sid's session.
 *
 * Every servicer gets the same number of samples, at times drawn evenly at random over what is
 * left of the session: a Poisson process whose count is known beforehand, so that neither the
 * reserve is overrun nor a card left too thin.
 *
 * A group is one request, put to every servicer once.  Its first is drawn evenly over that time
 * taken as a circle, its last three eighths to a half of the circle later, the others between
 * them, in an order of its own.  So between the first and the last of every group lies a third
 * of the session or more, wherever the circle is cut, while every servicer's own times stay
 * evenly random and independent of each other. */
#ifndef VPR_FISHERMAN_PLAN_H
#define VPR_FISHERMAN_PLAN_H

#include "app/base/base.h"

#define VPR_PLAN_SEATS_MAX 24
#define VPR_PLAN_EACH_MAX 256 /* samples a servicer */

struct vpr_plan_slot {
    uint64_t due_ms;
    uint32_t seat, group;
    uint32_t tries; /* so far */
};

struct vpr_plan {
    uint32_t seats, groups; /* a servicer has as many samples as there are groups */
    size_t count, next; /* slots; those before `next` are over */
    struct vpr_plan_slot *slots; /* by due_ms */
};

/* end_ms > start_ms; seats and each are at least 1. */
void vpr_plan_make(struct vpr_plan *ret, uint32_t seats, uint32_t each, uint64_t start_ms,
                   uint64_t end_ms);
void vpr_plan_finish(struct vpr_plan *plan);

/* The next slot that is due, or NULL; it is over then, and the pointer is good until `again`. */
const struct vpr_plan_slot *vpr_plan_take(struct vpr_plan *plan, uint64_t now_ms);
/* When the next one is due; false: none is left. */
bool vpr_plan_next(const struct vpr_plan *plan, uint64_t *ret_ms);
/* A slot that was taken, once more, later. */
void vpr_plan_again(struct vpr_plan *plan, const struct vpr_plan_slot *slot, uint64_t due_ms);

#endif
