#include "app/domain/positions.h"

#include "app/domain/commits.h"
#include "app/rules/draw.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* All entries of the servicer, in sid order: what positions are drawn over. */
struct claims {
    size_t count;
    struct vpr_hash *sids;
    struct vpr_claim *claims;
};

static enum vpr_code claims_load(struct vpr_ctx *ctx, const struct vpr_session *session,
                                 const struct vpr_address *servicer, struct claims *ret)
{
    struct claims all = {0, NULL, NULL};
    struct vpr_rates rates = {.count = 0};

    all.count = vpr_committed_sids(ctx, session->number, servicer, NULL, 0);
    if (all.count == 0) {
        return vpr_fail(ctx->err, VPR_NOT_COMMITTED,
                        "servicer committed nothing in session %" PRIu64, session->number);
    }
    all.sids = VPR_ARENA_ARRAY(ctx->arena, struct vpr_hash, all.count);
    all.claims = VPR_ARENA_ARRAY(ctx->arena, struct vpr_claim, all.count);
    (void)vpr_committed_sids(ctx, session->number, servicer, all.sids, all.count);
    for (size_t i = 0; i < all.count; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        struct vpr_bench bench;
        const Viper__V1__Commit *commit =
            vpr_commit_get(ctx, session->number, &all.sids[i], servicer);
        VPR_ASSERT(commit != NULL);
        bool stored = vpr_bench_stored(ctx, session->number, &all.sids[i], &bench);
        VPR_ASSERT(stored);
        all.claims[i].sum = commit->sum;
        VPR_TRY(vpr_bench_gross(ctx, &bench, least(commit->sum, bench.quota_cu), &rates,
                                &all.claims[i].gross));
        vpr_arena_release(ctx->arena, mark);
    }
    *ret = all;
    return VPR_OK;
}

static enum vpr_code make(struct vpr_ctx *ctx, const struct vpr_session *session,
                          const struct vpr_address *servicer, struct vpr_positions *ret)
{
    struct claims all = {0, NULL, NULL};
    uint64_t wanted = vpr_param(ctx, VPR_P_proof_samples, session->number);
    struct vpr_positions positions = {.session = session->number,
                                      .servicer = *servicer,
                                      .count = (uint32_t)wanted};

    VPR_ASSERT(wanted <= VPR_POSITIONS_MAX);
    VPR_TRY(claims_load(ctx, session, servicer, &all));
    for (uint32_t i = 0; i < positions.count; i++) {
        size_t entry;
        if (!vpr_prove_position(&entry, &positions.at[i].cu, &session->challenge, servicer, i,
                                all.claims, all.count)) {
            return vpr_fail(ctx->err, VPR_BAD_LEAF, "the committed entries are worth nothing");
        }
        positions.at[i].sid = all.sids[entry];
    }
    *ret = positions;
    return VPR_OK;
}

enum vpr_code vpr_positions_find(struct vpr_ctx *ctx, const struct vpr_session *session,
                                 const struct vpr_address *servicer,
                                 const struct vpr_positions **ret)
{
    const struct vpr_positions *kept =
        vpr_pools_recall(ctx->pools, session->number, servicer);
    if (kept == NULL) {
        struct vpr_positions made;
        size_t mark = vpr_arena_mark(ctx->arena);
        VPR_TRY(make(ctx, session, servicer, &made));
        vpr_arena_release(ctx->arena, mark);
        kept = vpr_pools_keep(ctx->pools, &made);
    }
    *ret = kept;
    return VPR_OK;
}
