#include "app/domain/assessment.h"

#include "app/domain/chains.h"
#include "app/domain/commits.h"
#include "app/domain/field.h"
#include "app/domain/reportcards.h"
#include "app/rules/score.h"
#include "app/rules/split.h"

static void
read_commits(struct vpr_ctx *ctx, const struct vpr_params *params, struct vpr_assessment *a)
{
    const struct vpr_bench *bench = &a->bench;

    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        const struct vpr_address *id = &bench->servicers[i].id;
        struct vpr_assessed_servicer *s = &a->servicers[i];
        size_t mark = vpr_arena_mark(ctx->arena);
        const Viper__V1__Commit *commit = vpr_commit_get(ctx, bench->session, &bench->sid, id);
        if (commit != NULL) {
            s->committed = true;
            s->settled = commit->settled;
            s->sum = commit->sum;
            s->count = commit->count;
            s->proved =
                commit->tails_proved &&
                vpr_samples_proved(ctx, bench->session, id, params->v[VPR_P_proof_samples]);
            s->cu =
                s->proved ? vpr_settled_cu(commit->sum, commit->tails_cu, bench->quota_cu) : 0;
            a->waiting += s->settled ? 0 : 1;
        }
        vpr_arena_release(ctx->arena, mark);
    }
}

/* What each revealed card says of each servicer: a score where the line counts. */
struct opinions {
    bool counts[VPR_SEATS_MAX][VPR_SEATS_MAX]; /* fisherman, servicer */
    uint32_t ppm[VPR_SEATS_MAX][VPR_SEATS_MAX];
};

static struct vpr_card_line line_of(const Viper__V1__LineRecord *from)
{
    return (struct vpr_card_line){
        .servicer = vpr_address_of_field(from->servicer),
        .sent = from->sent,
        .refused = from->refused,
        .answered = from->answered,
        .checked = from->checked,
        .correct = from->correct,
        .p90_ms = from->p90_ms,
    };
}

static void read_cards(struct vpr_ctx *ctx, const struct vpr_score_rule *rule,
                       struct vpr_assessment *a, struct opinions *o)
{
    const struct vpr_bench *bench = &a->bench;

    for (uint32_t f = 0; f < bench->fisherman_count; f++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        const Viper__V1__CardRecord *card =
            vpr_card_get(ctx, bench->session, &bench->sid, &bench->fishermen[f].id);
        if (card != NULL) {
            VPR_ASSERT(card->n_lines == bench->servicer_count);
            a->fishermen[f].revealed = true;
            for (uint32_t i = 0; i < bench->servicer_count; i++) {
                struct vpr_card_line line = line_of(card->lines[i]);
                VPR_ASSERT(vpr_address_equal(&line.servicer, &bench->servicers[i].id));
                bool full_use = vpr_full_use(a->servicers[i].cu, bench->quota_cu);
                o->counts[f][i] = vpr_line_score(&o->ppm[f][i], &line, rule, full_use);
            }
        }
        vpr_arena_release(ctx->arena, mark);
    }
}

static void find_medians(struct vpr_assessment *a, const struct opinions *o)
{
    const struct vpr_bench *bench = &a->bench;

    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        uint32_t scores[VPR_SEATS_MAX];
        uint32_t count = 0;
        for (uint32_t f = 0; f < bench->fisherman_count; f++) {
            if (o->counts[f][i]) {
                scores[count++] = o->ppm[f][i];
            }
        }
        a->servicers[i].has_median = vpr_median_score(&a->servicers[i].median_ppm, scores,
                                                      count, bench->fisherman_count);
    }
}

static void find_factors(struct vpr_assessment *a, const struct opinions *o, uint32_t tolerance)
{
    const struct vpr_bench *bench = &a->bench;

    for (uint32_t f = 0; f < bench->fisherman_count; f++) {
        struct vpr_card_distance distance = {0, 0};
        for (uint32_t i = 0; i < bench->servicer_count; i++) {
            if (a->servicers[i].has_median) {
                vpr_card_distance_add(&distance, a->servicers[i].median_ppm,
                                      o->counts[f][i] ? o->ppm[f][i] : 0);
            }
        }
        if (a->fishermen[f].revealed) {
            a->fishermen[f].factor_ppm = vpr_card_factor(&distance, tolerance);
        }
    }
}

bool vpr_assess(struct vpr_ctx *ctx, const struct vpr_params *params, uint64_t session,
                const struct vpr_hash *sid, struct vpr_assessment *ret)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_bench bench;

    if (!vpr_bench_stored(ctx, session, sid, &bench)) {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    ret->bench = bench;
    read_commits(ctx, params, ret);

    const Viper__V1__ChainTerms *chain = vpr_chain_terms(ctx, bench.chain, session);
    if (chain != NULL) { /* else no card can be judged, and the entries end in an error */
        struct vpr_score_rule rule = {
            .latency_target_ms = chain->latency_target_ms,
            .latency_max_ms = chain->latency_max_ms,
            .weight_latency_ppm = (uint32_t)params->v[VPR_P_weight_latency],
            .min_samples = params->v[VPR_P_min_samples],
        };
        struct opinions *o = VPR_ARENA_NEW(ctx->arena, struct opinions);
        read_cards(ctx, &rule, ret, o);
        find_medians(ret, o);
        find_factors(ret, o, (uint32_t)params->v[VPR_P_card_tolerance]);
    }
    vpr_arena_release(ctx->arena, mark);
    return true;
}
