#include "app/domain/bench_invariant.h"

#include "app/domain/benches.h"
#include "app/domain/commits.h"
#include "app/domain/field.h"
#include "app/domain/scores.h"
#include "app/rules/split.h"

static enum vpr_code breach(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                            const char *what)
{
    return vpr_fail(ctx->err, VPR_BAD_FIELD,
                    "session %" PRIu64 " of %s for chain %04x, zone %04x: %s", bench->session,
                    vpr_text_of_address(ctx->arena, &bench->requestor),
                    (unsigned)bench->chain, (unsigned)bench->zone, what);
}

typedef enum vpr_code bench_fn(struct vpr_ctx *ctx, const struct vpr_bench *bench);

/* Every bench in state. */
static enum vpr_code each_bench(struct vpr_ctx *ctx, bench_fn *check)
{
    uint64_t running = vpr_session_number(ctx);
    for (uint64_t s = vpr_session_oldest_unsettled(ctx); s <= running; s++) {
        struct vpr_hash sid;
        bool more = vpr_bench_next(ctx, s, NULL, &sid);
        for (; more; more = vpr_bench_next(ctx, s, &sid, &sid)) {
            size_t mark = vpr_arena_mark(ctx->arena);
            struct vpr_bench bench;
            bool stored = vpr_bench_stored(ctx, s, &sid, &bench);
            VPR_ASSERT(stored);
            VPR_TRY(check(ctx, &bench));
            vpr_arena_release(ctx->arena, mark);
        }
    }
    return VPR_OK;
}

/* ---- members ---- */

/* Eligible in the session, of the pool of its chain and zone, under the owner on record. */
static bool could_be_drawn(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                           const struct vpr_seat *seat, Viper__V1__Kind kind)
{
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &seat->id, bench->session);
    uint64_t ppm;
    if (terms == NULL || terms->kind != kind || !terms->eligible ||
        !vpr_terms_list(terms, bench->chain, bench->zone)) {
        return false;
    }
    struct vpr_address owner = vpr_address_of_field(terms->owner);
    return vpr_address_equal(&owner, &seat->owner) &&
           (kind != VIPER__V1__KIND__KIND_SERVICER ||
            vpr_score_in_pool(ctx, &seat->id, bench->chain, bench->zone, bench->session, &ppm));
}

static bool contains(const struct vpr_address *list, size_t count,
                     const struct vpr_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (vpr_address_equal(&list[i], address)) {
            return true;
        }
    }
    return false;
}

/* How many owners of the pool are none of these. */
static uint64_t owners_left(const struct vpr_pool *pool, const struct vpr_address *without,
                            size_t count)
{
    uint64_t left = 0;
    for (uint32_t i = 0; pool != NULL && i < pool->owner_count; i++) {
        left += !contains(without, count, &pool->members[pool->owners[i].first].owner);
    }
    return left;
}

/* Each could be drawn, no id or owner twice, and as many as asked for or as there are owners
 * outside `owners`, to which theirs are added. */
static bool seats_fit(struct vpr_ctx *ctx, const struct vpr_bench *bench, Viper__V1__Kind kind,
                      const struct vpr_seat *seats, uint32_t count, uint64_t wanted,
                      struct vpr_address *owners, size_t *owner_count)
{
    uint64_t left = owners_left(
        vpr_pool_find(ctx, kind, bench->session, bench->chain, bench->zone), owners,
        *owner_count);
    for (uint32_t i = 0; i < count; i++) {
        if (!could_be_drawn(ctx, bench, &seats[i], kind) ||
            contains(owners, *owner_count, &seats[i].owner)) {
            return false;
        }
        owners[(*owner_count)++] = seats[i].owner;
    }
    return count == (wanted < left ? wanted : left);
}

static enum vpr_code check_members(struct vpr_ctx *ctx, const struct vpr_bench *bench)
{
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &bench->requestor, bench->session);
    struct vpr_address owners[1 + 2 * VPR_SEATS_MAX] = {bench->requestor_owner};
    size_t count = 1;
    if (terms == NULL || terms->kind != VIPER__V1__KIND__KIND_REQUESTOR || !terms->eligible) {
        return breach(ctx, bench, "it was no active requestor then");
    }
    if (!seats_fit(ctx, bench, VIPER__V1__KIND__KIND_SERVICER, bench->servicers,
                   bench->servicer_count, terms->num_servicers, owners, &count)) {
        return breach(ctx, bench, "its servicers are not those that could be drawn");
    }
    if (!seats_fit(ctx, bench, VIPER__V1__KIND__KIND_FISHERMAN, bench->fishermen,
                   bench->fisherman_count,
                   vpr_param(ctx, VPR_P_fishermen_per_session, bench->session), owners,
                   &count)) {
        return breach(ctx, bench, "its fishermen are not those that could be drawn");
    }
    return VPR_OK;
}

enum vpr_code vpr_bench_members_invariant(struct vpr_ctx *ctx)
{
    return each_bench(ctx, check_members);
}

/* By the record alone: who audits has no part in what it audits. */
static enum vpr_code check_owners(struct vpr_ctx *ctx, const struct vpr_bench *bench)
{
    for (uint32_t f = 0; f < bench->fisherman_count; f++) {
        const struct vpr_address *owner = &bench->fishermen[f].owner;
        if (vpr_address_equal(owner, &bench->requestor_owner)) {
            return breach(ctx, bench, "a fisherman is of the requestor's owner");
        }
        for (uint32_t i = 0; i < bench->servicer_count; i++) {
            if (vpr_address_equal(owner, &bench->servicers[i].owner)) {
                return breach(ctx, bench, "a fisherman and a servicer are of one owner");
            }
        }
    }
    return VPR_OK;
}

enum vpr_code vpr_bench_owners_invariant(struct vpr_ctx *ctx)
{
    return each_bench(ctx, check_owners);
}

/* ---- the draw ---- */

static bool same(const struct vpr_bench *a, const struct vpr_bench *b)
{
    return vpr_hash_equal(&a->sid, &b->sid) && a->allowance_cu == b->allowance_cu &&
           a->budget == b->budget && a->quota_cu == b->quota_cu &&
           a->share_ppm == b->share_ppm &&
           vpr_address_equal(&a->requestor_owner, &b->requestor_owner) &&
           a->servicer_count == b->servicer_count &&
           a->fisherman_count == b->fisherman_count &&
           memcmp(a->servicers, b->servicers, sizeof a->servicers) == 0 &&
           memcmp(a->fishermen, b->fishermen, sizeof a->fishermen) == 0;
}

static enum vpr_code check_draw(struct vpr_ctx *ctx, const struct vpr_bench *bench)
{
    struct vpr_session session;
    struct vpr_bench again;
    if (!vpr_session_get(ctx, bench->session, &session)) {
        return breach(ctx, bench, "the session has no record");
    }
    VPR_TRY(vpr_bench_draw(ctx, &again, &session, &bench->requestor, bench->chain,
                           bench->zone));
    return same(bench, &again) ? VPR_OK
                               : breach(ctx, bench, "drawn again it is another bench");
}

enum vpr_code vpr_bench_draw_invariant(struct vpr_ctx *ctx)
{
    /* From committed state alone, whatever the block has kept. */
    struct vpr_ctx fresh = *ctx;
    fresh.pools = vpr_pools_create();
    enum vpr_code code = each_bench(&fresh, check_draw);
    vpr_pools_destroy(fresh.pools);
    return code;
}

/* ---- a requestor's benches of one session ---- */

typedef enum vpr_code entry_fn(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                               const Viper__V1__Commit *commit, vpr_u128 *sum);

/* Sums over the committed entries of one sid. */
static enum vpr_code each_entry(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                entry_fn *check, vpr_u128 *sum)
{
    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        const Viper__V1__Commit *commit =
            vpr_commit_get(ctx, bench->session, &bench->sid, &bench->servicers[i].id);
        if (commit != NULL) {
            VPR_TRY(check(ctx, bench, commit, sum));
        }
    }
    return VPR_OK;
}

typedef enum vpr_code sum_fn(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                             vpr_u128 *sum);

/* `check` adds each bench of a requestor in one session to one sum, from 0. */
static enum vpr_code each_pair(struct vpr_ctx *ctx, uint64_t session,
                               const struct vpr_address *requestor, sum_fn *check)
{
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, requestor, session);
    vpr_u128 sum = 0;
    for (size_t i = 0; terms != NULL && i < terms->n_pairs; i++) {
        struct vpr_bench bench;
        struct vpr_hash sid =
            vpr_sid(vpr_bytes_str(ctx->chain_id), session, requestor,
                    (uint16_t)terms->pairs[i]->chain, (uint16_t)terms->pairs[i]->zone);
        if (vpr_bench_stored(ctx, session, &sid, &bench)) {
            VPR_TRY(check(ctx, &bench, &sum));
        }
    }
    return VPR_OK;
}

static enum vpr_code each_requestor(struct vpr_ctx *ctx, sum_fn *check)
{
    uint64_t running = vpr_session_number(ctx);
    struct vpr_address id;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        after = &id;
        if (actor->kind != VIPER__V1__KIND__KIND_REQUESTOR) {
            continue;
        }
        size_t mark = vpr_arena_mark(ctx->arena);
        for (uint64_t s = vpr_session_oldest_unsettled(ctx); s <= running; s++) {
            VPR_TRY(each_pair(ctx, s, &id, check));
        }
        vpr_arena_release(ctx->arena, mark);
    }
    return VPR_OK;
}

static enum vpr_code check_settled(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                   const Viper__V1__Commit *commit, vpr_u128 *sum)
{
    (void)sum;
    return commit->settled_cu <= bench->quota_cu
               ? VPR_OK
               : breach(ctx, bench, "an entry is settled above its quota");
}

static enum vpr_code add_quotas(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                vpr_u128 *sum)
{
    *sum += (vpr_u128)bench->quota_cu * bench->servicer_count;
    if (*sum > bench->allowance_cu) {
        return breach(ctx, bench, "with it the quotas exceed the allowance");
    }
    return each_entry(ctx, bench, check_settled, sum);
}

enum vpr_code vpr_bench_quota_invariant(struct vpr_ctx *ctx)
{
    return each_requestor(ctx, add_quotas);
}

/* What an entry is or can still be settled with. */
static enum vpr_code add_gross(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                               const Viper__V1__Commit *commit, vpr_u128 *sum)
{
    uint64_t cu = commit->settled             ? commit->settled_cu
                  : commit->sum < bench->quota_cu ? commit->sum
                                                  : bench->quota_cu;
    uint64_t gross, most;
    VPR_TRY(vpr_bench_gross(ctx, bench, cu, NULL, &gross));
    if (!vpr_try_mul_div_floor(&most, cu, bench->budget, bench->allowance_cu) ||
        gross > most) {
        return breach(ctx, bench, "an entry is worth more than its part of the budget");
    }
    *sum += gross;
    return *sum <= bench->budget ? VPR_OK
                                 : breach(ctx, bench, "its entries exceed the budget");
}

static enum vpr_code add_entries(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                 vpr_u128 *sum)
{
    return each_entry(ctx, bench, add_gross, sum);
}

enum vpr_code vpr_bench_budget_invariant(struct vpr_ctx *ctx)
{
    return each_requestor(ctx, add_entries);
}
