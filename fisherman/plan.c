#include "fisherman/plan.h"

#include <stdlib.h>

#include "app/base/mem.h"
#include "app/host/file.h"

/* Even enough: the spans here are far below 2^32, so that the bias is below 2^-32. */
static uint64_t random_below(uint64_t n)
{
    uint64_t v;

    vpr_random(&v, sizeof v);
    return v % n;
}

static int slot_cmp(const void *a, const void *b)
{
    const struct vpr_plan_slot *left = a, *right = b;

    if (left->due_ms != right->due_ms) {
        return left->due_ms < right->due_ms ? -1 : 1;
    }
    return left->seat < right->seat ? -1 : left->seat > right->seat;
}

/* Who is asked first, who last, changes from group to group. */
static void shuffle(uint32_t *rank, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t j = (uint32_t)random_below(i + 1);
        rank[i] = rank[j];
        rank[j] = i;
    }
}

/* At least three eighths and not more than a half: the smaller way round between first and last
 * is above a third even when a sample is put off by a second. */
static uint64_t draw_span(uint64_t length_ms)
{
    return length_ms * 3 / 8 + random_below(length_ms / 8 + 1);
}

static void draw_group(struct vpr_plan *plan, uint32_t group, uint64_t start_ms,
                       uint64_t length_ms)
{
    const uint64_t first = random_below(length_ms);
    const uint64_t span = draw_span(length_ms);
    uint32_t rank[VPR_PLAN_SEATS_MAX];

    shuffle(rank, plan->seats);
    for (uint32_t seat = 0; seat < plan->seats; seat++) {
        const uint64_t after = rank[seat] == 0   ? 0
                               : rank[seat] == 1 ? span
                                                 : random_below(span + 1);
        plan->slots[plan->count++] = (struct vpr_plan_slot){
            .due_ms = start_ms + (first + after) % length_ms, .seat = seat, .group = group};
    }
}

void vpr_plan_make(struct vpr_plan *ret, uint32_t seats, uint32_t each, uint64_t start_ms,
                   uint64_t end_ms)
{
    VPR_ASSERT(seats >= 1 && seats <= VPR_PLAN_SEATS_MAX);
    VPR_ASSERT(each >= 1 && each <= VPR_PLAN_EACH_MAX && end_ms > start_ms);
    memset(ret, 0, sizeof *ret);
    ret->seats = seats;
    ret->groups = each;
    ret->slots = vpr_mem_alloc((size_t)seats * each * sizeof *ret->slots);
    for (uint32_t group = 0; group < each; group++) {
        draw_group(ret, group, start_ms, end_ms - start_ms);
    }
    qsort(ret->slots, ret->count, sizeof *ret->slots, slot_cmp);
}

void vpr_plan_finish(struct vpr_plan *plan)
{
    vpr_mem_free(plan->slots);
    memset(plan, 0, sizeof *plan);
}

const struct vpr_plan_slot *vpr_plan_take(struct vpr_plan *plan, uint64_t now_ms)
{
    if (plan->next == plan->count || plan->slots[plan->next].due_ms > now_ms) {
        return NULL;
    }
    return &plan->slots[plan->next++];
}

bool vpr_plan_next(const struct vpr_plan *plan, uint64_t *ret_ms)
{
    if (plan->next == plan->count) {
        return false;
    }
    *ret_ms = plan->slots[plan->next].due_ms;
    return true;
}

void vpr_plan_again(struct vpr_plan *plan, const struct vpr_plan_slot *slot, uint64_t due_ms)
{
    struct vpr_plan_slot again = *slot;

    VPR_ASSERT(plan->next > 0);
    again.due_ms = due_ms;
    again.tries++;
    /* It takes the place of one that is over; those due before it move up. */
    size_t at = --plan->next;
    while (at + 1 < plan->count && plan->slots[at + 1].due_ms <= due_ms) {
        plan->slots[at] = plan->slots[at + 1];
        at++;
    }
    plan->slots[at] = again;
}
