/* commits.h - MsgCommit and MsgProve: what servicers claim and how they prove it. */
#ifndef VPR_DOMAIN_COMMITS_H
#define VPR_DOMAIN_COMMITS_H

#include "app/domain/sessions.h"
#include "viper/v1/state.pb-c.h"

/* The bench that the first Commit of a sid wrote into state; false: nobody committed. */
VPR_MUST_USE bool vpr_bench_stored(struct vpr_ctx *ctx, uint64_t session,
                                   const struct vpr_hash *sid, struct vpr_bench *ret);

extern const struct vpr_domain vpr_commits;

#endif
