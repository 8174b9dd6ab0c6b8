/* choose.h - which servicer a client's call goes to next.
 *
 * Its one rule: never over the quota less the samples' reserve; below that, healthy ones that
 * bear more work first, then healthy ones, then, one request at a time, whoever is left, so
 * that service comes back when they do. */
#ifndef VPR_RELAY_CHOOSE_H
#define VPR_RELAY_CHOOSE_H

#include "relay/meter.h"
#include "relay/panel.h"

/* Where panels come from: a view, or a test. */
struct vpr_source {
    size_t (*panels)(void *arg, struct vpr_panel *ret[VPR_PANEL_PAIRS_MAX]);
    bool (*chain)(void *arg, uint16_t *ret_chain, struct vpr_bytes text);
    void *arg;
};

struct vpr_wanted {
    uint16_t chain;
    struct vpr_bytes path, body;
    const struct vpr_address *used; /* asked already */
    size_t used_count;
};

struct vpr_choice {
    struct vpr_panel *panel;
    struct vpr_seat *seat;
    uint64_t cu; /* what it costs there */
};

/* False: NO_SESSION, BAD_REQUEST (it has no cost), QUOTA or BUSY. */
VPR_MUST_USE bool vpr_choose(struct vpr_choice *ret, enum vpr_meter_outcome *ret_why,
                             const struct vpr_source *source, const struct vpr_wanted *wanted,
                             uint64_t *luck);

#endif
