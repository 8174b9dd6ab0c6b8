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

static int u64_cmp(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

static int slot_cmp(const void *a, const void *b)
{
    const struct vpr_plan_slot *left = a, *right = b;

    if (left->due_ms != right->due_ms) {
        return left->due_ms < right->due_ms ? -1 : 1;
    }
    return left->seat < right->seat ? -1 : left->seat > right->seat;
}

/* Who asks first in a group changes from session to session. */
static void draw_offsets(struct vpr_plan *plan)
{
    const uint32_t reach = plan->each / 3;
    uint32_t rank[VPR_PLAN_SEATS_MAX];

    for (uint32_t i = 0; i < plan->seats; i++) {
        const uint32_t j = (uint32_t)random_below(i + 1);
        rank[i] = rank[j];
        rank[j] = i;
    }
    for (uint32_t i = 0; i < plan->seats; i++) {
        plan->offset[i] = plan->seats == 1 ? 0 : rank[i] * reach / (plan->seats - 1);
    }
    plan->groups = plan->each + reach;
}

void vpr_plan_make(struct vpr_plan *ret, uint32_t seats, uint32_t each, uint64_t start_ms,
                   uint64_t end_ms)
{
    uint64_t times[VPR_PLAN_EACH_MAX];

    VPR_ASSERT(seats >= 1 && seats <= VPR_PLAN_SEATS_MAX);
    VPR_ASSERT(each >= 1 && each <= VPR_PLAN_EACH_MAX && end_ms > start_ms);
    memset(ret, 0, sizeof *ret);
    ret->seats = seats;
    ret->each = each;
    ret->slots = vpr_mem_alloc((size_t)seats * each * sizeof *ret->slots);
    draw_offsets(ret);
    for (uint32_t seat = 0; seat < seats; seat++) {
        for (uint32_t i = 0; i < each; i++) {
            times[i] = start_ms + random_below(end_ms - start_ms);
        }
        qsort(times, each, sizeof *times, u64_cmp);
        for (uint32_t i = 0; i < each; i++) {
            /* The largest offset is each / 3: no group is below 0. */
            ret->slots[ret->count++] = (struct vpr_plan_slot){
                .due_ms = times[i], .seat = seat, .group = i + each / 3 - ret->offset[seat]};
        }
    }
    qsort(ret->slots, ret->count, sizeof *ret->slots, slot_cmp);
}

void vpr_plan_finish(struct vpr_plan *plan)
{
    vpr_mem_free(plan->slots);
    memset(plan, 0, sizeof *plan);
}

uint32_t vpr_plan_members(const struct vpr_plan *plan, uint32_t group)
{
    uint32_t count = 0;

    for (uint32_t seat = 0; seat < plan->seats; seat++) {
        const uint32_t at = group + plan->offset[seat];
        count += at >= plan->each / 3 && at - plan->each / 3 < plan->each ? 1 : 0;
    }
    return count;
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
