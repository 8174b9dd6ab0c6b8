/* evidence.h - what the messages of servicers and fishermen share: the windows of blocks,
 * tokens, branches, and that nothing is named twice.
 *
 * Commit and ReportCard come in the blocks of s+1; Prove and Reveal from challenge_delay
 * blocks after the first to the last block of s+2, when the challenge is known and nothing
 * that it opens can change any more.  challenge_delay is that of s, as everything is that
 * belongs to the work of s. */
#ifndef VPR_DOMAIN_EVIDENCE_H
#define VPR_DOMAIN_EVIDENCE_H

#include "app/domain/sessions.h"
#include "app/rules/sumtree.h"
#include "viper/v1/state.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* The block in hand is one in which work of `session` may be committed and sealed. */
VPR_MUST_USE enum vpr_code vpr_window_commit(struct vpr_ctx *ctx, struct vpr_session *ret,
                                             uint64_t session);
/* It is one in which work of `session` may be proved and revealed; ret has the challenge. */
VPR_MUST_USE enum vpr_code vpr_window_prove(struct vpr_ctx *ctx, struct vpr_session *ret,
                                            uint64_t session);

/* The token allows `client_key` to use `sid` in the name of a gateway key of `requestor`. */
VPR_MUST_USE enum vpr_code vpr_evidence_token(struct vpr_ctx *ctx,
                                              const Viper__V1__SignedToken *signed_token,
                                              const struct vpr_hash *sid,
                                              const struct vpr_hash *client_key,
                                              const Viper__V1__Terms *requestor);

/* False if there are too many siblings or one is not 32 bytes. */
VPR_MUST_USE bool vpr_evidence_branch(struct vpr_sumbranch *ret, uint64_t index,
                                      Viper__V1__Sibling *const *siblings, size_t count);

/* False when two are equal; then *ret_index is the later of such a pair. */
VPR_MUST_USE bool vpr_evidence_distinct(struct vpr_arena *scratch,
                                        const struct vpr_hash *hashes, size_t count,
                                        size_t *ret_index);

/* Back to a mark, unless events live in the same arena: those must stay. */
static inline void vpr_ctx_release(struct vpr_ctx *ctx, size_t mark)
{
    if (ctx->events == NULL || ctx->events->arena != ctx->arena) {
        vpr_arena_release(ctx->arena, mark);
    }
}

/* 64 hex digits of a query. */
VPR_MUST_USE enum vpr_code vpr_evidence_sid(struct vpr_hash *ret, const char *text,
                                            struct vpr_err *err);

#endif
