/* page.h - a daemon's /metrics and /health: one listener, asked of the daemon each time. */
#ifndef VPR_CLIENT_PAGE_H
#define VPR_CLIENT_PAGE_H

#include "app/client/able.h"
#include "app/host/metrics.h"

struct vpr_page;

/* `listen` "": no page, *ret is NULL.  `refresh` (may be NULL) sets the gauges before they are
 * written; without `able` there is no /health.  The metrics stay the caller's. */
VPR_MUST_USE enum vpr_code vpr_page_create(struct vpr_page **ret, struct vpr_loop *loop,
                                           const char *listen, struct vpr_metrics *metrics,
                                           void (*refresh)(void *arg), vpr_able_fn *able,
                                           void *arg, struct vpr_err *err);
void vpr_page_destroy(struct vpr_page *page); /* NULL is fine */
uint16_t vpr_page_port(const struct vpr_page *page); /* 0: none */

#endif
