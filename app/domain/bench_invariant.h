/* bench_invariant.h - what holds of the lists and prices that first Commits wrote: the members
 * could be drawn, are as many as there must be, and are those that anybody draws again. */
#ifndef VPR_DOMAIN_BENCH_INVARIANT_H
#define VPR_DOMAIN_BENCH_INVARIANT_H

#include "app/tx/handler.h"

enum vpr_code vpr_bench_members_invariant(struct vpr_ctx *ctx);
enum vpr_code vpr_bench_owners_invariant(struct vpr_ctx *ctx);
enum vpr_code vpr_bench_draw_invariant(struct vpr_ctx *ctx);
/* Of a requestor's benches of a session together. */
enum vpr_code vpr_bench_quota_invariant(struct vpr_ctx *ctx);
enum vpr_code vpr_bench_budget_invariant(struct vpr_ctx *ctx);

#endif
