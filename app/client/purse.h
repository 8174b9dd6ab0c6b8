/* purse.h - what a daemon's operator has for fees: asked every 15 seconds, kept in a gauge, and
 * said in the log when it runs low, since then messages are refused and work stays unpaid. */
#ifndef VPR_CLIENT_PURSE_H
#define VPR_CLIENT_PURSE_H

#include "app/client/query.h"
#include "app/host/metrics.h"

#define VPR_PURSE_LOW_UVIPR 1000000 /* a hundred messages at the default gas price */

struct vpr_purse;

struct vpr_purse_config {
    struct vpr_loop *loop;
    struct vpr_node *node;
    struct vpr_address account;
    const char *part; /* of the log */
    struct vpr_metrics *metrics;
    size_t row; /* the gauge */
};

struct vpr_purse *vpr_purse_create(const struct vpr_purse_config *config);
/* As last told; UINT64_MAX: not told yet. */
uint64_t vpr_purse_balance_uvipr(const struct vpr_purse *purse);
void vpr_purse_destroy(struct vpr_purse *purse); /* before the node; NULL is fine */

#endif
