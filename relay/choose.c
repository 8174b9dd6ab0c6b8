#include "relay/choose.h"

#include "app/host/loop.h"

#define CHOICES_MAX (VPR_PANEL_PAIRS_MAX * VPR_PANEL_SEATS_MAX)

/* How picky to be.  OWES: the servicer would rather see acknowledgements first.  SICK: its
 * breaker is open or it asked for a pause; one at a time may still try. */
enum care { CARE_ALL, CARE_OWES, CARE_SICK };

static bool was_used(const struct vpr_wanted *wanted, const struct vpr_address *id)
{
    for (size_t i = 0; i < wanted->used_count; i++) {
        if (vpr_address_equal(&wanted->used[i], id)) {
            return true;
        }
    }
    return false;
}

static bool fits(const struct vpr_seat *seat, uint64_t cu, enum care care, uint64_t now_ms)
{
    if (!vpr_tab_room(&seat->tab, cu) || seat->tab.pending >= VPR_PANEL_PENDING_MAX) {
        return false;
    }
    switch (care) {
    case CARE_ALL:
        return vpr_health_may(seat->health, now_ms) && vpr_tab_bears(&seat->tab, cu);
    case CARE_OWES:
        return vpr_health_may(seat->health, now_ms);
    case CARE_SICK:
        return seat->tab.pending == 0;
    }
    return false;
}

static bool pick(struct vpr_choice *ret, const struct vpr_choice *all, size_t count,
                 const struct vpr_wanted *wanted, enum care care, uint64_t *luck)
{
    const struct vpr_choice *fit[CHOICES_MAX];
    uint64_t weights[CHOICES_MAX];
    const uint64_t now_ms = vpr_mono_ms();
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        const struct vpr_seat *seat = all[i].seat;
        if (!was_used(wanted, &seat->id) && fits(seat, all[i].cu, care, now_ms)) {
            weights[n] = vpr_health_weight(seat->health, seat->score_ppm, seat->tab.pending);
            fit[n++] = &all[i];
        }
    }
    if (n == 0) {
        return false;
    }
    const uint64_t dice[3] = {vpr_luck(luck), vpr_luck(luck), vpr_luck(luck)};
    *ret = *fit[vpr_select(weights, n, dice)];
    return true;
}

/* Every seat of the chain, with what the call costs there. */
static enum vpr_meter_outcome seats_of(struct vpr_choice *ret, size_t *ret_count,
                                       const struct vpr_source *source,
                                       const struct vpr_wanted *wanted)
{
    struct vpr_panel *panels[VPR_PANEL_PAIRS_MAX];
    const size_t panel_count = source->panels(source->arg, panels);
    size_t count = 0;

    for (size_t i = 0; i < panel_count; i++) {
        uint64_t cu;
        if (panels[i]->chain != wanted->chain) {
            continue;
        }
        if (vpr_cost_of(&cu, &panels[i]->costs, NULL, wanted->path, wanted->body) !=
            VPR_COST_OK) {
            return VPR_OUTCOME_BAD_REQUEST;
        }
        for (uint32_t j = 0; j < panels[i]->seat_count; j++) {
            ret[count++] = (struct vpr_choice){panels[i], &panels[i]->seats[j], cu};
        }
    }
    *ret_count = count;
    return count > 0 ? VPR_OUTCOME_ANSWERED : VPR_OUTCOME_NO_SESSION;
}

bool vpr_choose(struct vpr_choice *ret, enum vpr_meter_outcome *ret_why,
                const struct vpr_source *source, const struct vpr_wanted *wanted,
                uint64_t *luck)
{
    struct vpr_choice all[CHOICES_MAX];
    size_t count = 0;

    *ret_why = seats_of(all, &count, source, wanted);
    if (*ret_why != VPR_OUTCOME_ANSWERED) {
        return false;
    }
    for (int care = CARE_ALL; care <= CARE_SICK; care++) {
        if (pick(ret, all, count, wanted, (enum care)care, luck)) {
            return true;
        }
    }
    *ret_why = VPR_OUTCOME_QUOTA;
    for (size_t i = 0; i < count; i++) {
        if (vpr_tab_room(&all[i].seat->tab, all[i].cu)) {
            *ret_why = VPR_OUTCOME_BUSY;
        }
    }
    return false;
}
