#include "fisherman/card.h"

#include <stdlib.h>

#include "app/base/mem.h"
#include "app/rules/draw.h"

struct placed {
    const struct vpr_sample *sample;
    uint32_t index;
};

static int placed_cmp(const void *a, const void *b)
{
    const struct placed *left = a, *right = b;
    const int order = vpr_address_cmp(&left->sample->request.part.servicer,
                                      &right->sample->request.part.servicer);

    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

void vpr_card_order(uint32_t *ret, const struct vpr_sample *const *samples, size_t count)
{
    VPR_ASSERT(count <= VPR_CARD_SAMPLES_A_SID_MAX);
    struct placed *placed = vpr_mem_alloc((count + 1) * sizeof *placed);

    for (size_t i = 0; i < count; i++) {
        placed[i] = (struct placed){samples[i], (uint32_t)i};
    }
    qsort(placed, count, sizeof *placed, placed_cmp);
    for (size_t i = 0; i < count; i++) {
        ret[i] = placed[i].index;
    }
    vpr_mem_free(placed);
}

static int u64_cmp(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* The samples of one servicer: how many there are at the front of `samples`. */
static size_t fill_line(struct vpr_card_line *line, const struct vpr_sample *const *samples,
                        size_t count, uint64_t *latencies)
{
    size_t i = 0;

    for (; i < count; i++) {
        const struct vpr_sample *s = samples[i];
        if (!vpr_address_equal(&s->request.part.servicer, &line->servicer)) {
            break;
        }
        line->sent++;
        switch (s->answer) {
        case VPR_SAMPLE_SILENT:
            break;
        case VPR_SAMPLE_REFUSED:
            line->refused += s->refusal.reason == VPR_REFUSED_QUOTA ? 1 : 0;
            break;
        case VPR_SAMPLE_ANSWERED:
            latencies[line->answered++] = s->latency_ms;
            line->checked += s->verdict != VPR_VERDICT_NONE ? 1 : 0;
            line->correct += s->verdict == VPR_VERDICT_CORRECT ? 1 : 0;
            break;
        }
    }
    if (line->answered > 0) {
        qsort(latencies, line->answered, sizeof *latencies, u64_cmp);
        line->p90_ms = latencies[vpr_card_p90_rank(line->answered) - 1];
    }
    return i;
}

static struct vpr_sumnode *nodes_of(const struct vpr_sample *const *samples, size_t count)
{
    struct vpr_sumnode *nodes = vpr_mem_alloc((count + 1) * sizeof *nodes);

    for (size_t i = 0; i < count; i++) {
        nodes[i] = vpr_sample_node(samples[i]);
    }
    return nodes;
}

void vpr_card_make(struct vpr_card *ret, const struct vpr_address *servicers,
                   uint32_t servicer_count, const struct vpr_sample *const *samples,
                   size_t count)
{
    VPR_ASSERT(servicer_count <= VPR_CARD_LINES_MAX && count <= VPR_CARD_SAMPLES_A_SID_MAX);
    uint64_t *latencies = vpr_mem_alloc((count + 1) * sizeof *latencies);
    struct vpr_sumnode *nodes = nodes_of(samples, count);
    struct vpr_sumnode root;
    uint64_t sent, answered;
    size_t at = 0;

    memset(ret, 0, sizeof *ret);
    ret->count = servicer_count;
    for (uint32_t i = 0; i < servicer_count; i++) {
        ret->lines[i].servicer = servicers[i];
        at += fill_line(&ret->lines[i], samples + at, count - at, latencies);
    }
    VPR_ASSERT(at == count); /* sorted, and of no other servicer */
    if (!vpr_sumtree_root(&root, nodes, count)) {
        VPR_HALT("the samples of a card make no tree");
    }
    ret->root = root.hash;
    const bool ok = vpr_card_ok(ret, &sent, &answered);
    VPR_ASSERT(ok && sent == count && answered == root.sum);
    vpr_mem_free(nodes);
    vpr_mem_free(latencies);
}

void vpr_card_open(size_t *ret_index, struct vpr_sumbranch *ret_branch,
                   const struct vpr_sample *const *samples, size_t count,
                   const struct vpr_hash *challenge, const struct vpr_hash *sid,
                   const struct vpr_address *fisherman, uint64_t i)
{
    VPR_ASSERT(count >= 1);
    struct vpr_sumnode *nodes = nodes_of(samples, count);
    const size_t index = (size_t)vpr_card_position(challenge, sid, fisherman, i, count);

    if (!vpr_sumtree_branch(ret_branch, nodes, count, index)) {
        VPR_HALT("the samples of a card make no tree");
    }
    vpr_mem_free(nodes);
    *ret_index = index;
}
