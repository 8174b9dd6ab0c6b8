#include "fisherman/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/host/json_scan.h"
#include "fisherman/canon.h"

#define OTHERS_MIN 2 /* with a result, or there is no verdict */

/* ---- one answer ---- */

static bool id_echoed(uint64_t id, struct vpr_bytes body)
{
    struct vpr_bytes span;
    uint64_t got;

    return vpr_json_at(&span, body, "/id") && vpr_json_type(span) == VPR_JSON_NUMBER &&
           vpr_json_u64(&got, span) && got == id;
}

static bool has_error(struct vpr_bytes body)
{
    struct vpr_bytes span;

    return vpr_json_at(&span, body, "/error") && vpr_json_type(span) != VPR_JSON_NULL;
}

struct vpr_finding vpr_finding_of(const struct vpr_corpus_template *t, uint64_t id,
                                  uint16_t status, struct vpr_bytes body)
{
    struct vpr_finding f = {.compare = t->compare, .within = t->within,
                            .found = VPR_FOUND_ERROR};
    struct vpr_bytes value;
    bool read = false;

    if (!vpr_json_check(body, NULL)) {
        return f;
    }
    if (t->rest ? status >= 400 : (!id_echoed(id, body) || has_error(body))) {
        return f;
    }
    if (!vpr_json_at(&value, body, t->at)) {
        return f;
    }
    switch (t->compare) {
    case VPR_COMPARE_EXACT:
        read = vpr_canon_hash(&f.value, value);
        break;
    case VPR_COMPARE_SHAPE:
        read = vpr_canon_shape(&f.value, value);
        break;
    case VPR_COMPARE_HEAD:
        read = vpr_corpus_number(&f.height, value);
        break;
    case VPR_COMPARE_IGNORE:
        read = true;
        break;
    }
    f.found = read ? VPR_FOUND_RESULT : VPR_FOUND_ERROR;
    return f;
}

/* ---- many ---- */

static int u64_cmp(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

uint64_t vpr_median(uint64_t *heights, size_t count)
{
    VPR_ASSERT(count >= 1);
    qsort(heights, count, sizeof *heights, u64_cmp);
    const uint64_t high = heights[count / 2];
    const uint64_t low = heights[(count - 1) / 2];
    return low + (high - low) / 2;
}

static bool head_result(const struct vpr_opinion *o)
{
    return !o->trusted && o->finding.compare == VPR_COMPARE_HEAD &&
           o->finding.found == VPR_FOUND_RESULT;
}

/* From the first to the last height of one servicer. */
static bool block_ms_of(uint64_t *ret, const struct vpr_opinion *opinions, size_t count,
                        uint32_t servicer)
{
    const struct vpr_opinion *first = NULL, *last = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct vpr_opinion *o = &opinions[i];
        if (o->servicer != servicer || !head_result(o)) {
            continue;
        }
        if (first == NULL || o->at_ms < first->at_ms) {
            first = o;
        }
        if (last == NULL || o->at_ms > last->at_ms) {
            last = o;
        }
    }
    if (first == NULL || last->finding.height <= first->finding.height) {
        return false;
    }
    *ret = (last->at_ms - first->at_ms) / (last->finding.height - first->finding.height);
    return true;
}

uint64_t vpr_judge_block_ms(const struct vpr_opinion *opinions, size_t count,
                            uint32_t servicers)
{
    uint64_t each[VPR_JUDGE_SERVICERS_MAX];
    size_t known = 0;

    VPR_ASSERT(servicers <= VPR_JUDGE_SERVICERS_MAX);
    for (uint32_t s = 0; s < servicers; s++) {
        known += block_ms_of(&each[known], opinions, count, s) ? 1 : 0;
    }
    if (known == 0) {
        return VPR_BLOCK_MS_DEFAULT;
    }
    const uint64_t ms = vpr_median(each, known);
    return ms < VPR_BLOCK_MS_MIN ? VPR_BLOCK_MS_MIN : ms > VPR_BLOCK_MS_MAX ? VPR_BLOCK_MS_MAX : ms;
}

/* The voice of each servicer but `of`'s own, about the same request (or, for heads, within
 * `window_ms` before); NULL where it has none. */
static void hear(const struct vpr_opinion *voices[VPR_JUDGE_SERVICERS_MAX],
                 const struct vpr_opinion *opinions, size_t count,
                 const struct vpr_opinion *of, uint64_t window_ms)
{
    const bool head = of->finding.compare == VPR_COMPARE_HEAD;

    for (uint32_t s = 0; s < VPR_JUDGE_SERVICERS_MAX; s++) {
        voices[s] = NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const struct vpr_opinion *o = &opinions[i];
        const struct vpr_opinion **voice = &voices[o->trusted ? 0 : o->servicer];
        if (o->trusted || o->servicer == of->servicer || o->finding.found == VPR_FOUND_NOTHING ||
            o->finding.compare != of->finding.compare) {
            continue;
        }
        if (head ? o->at_ms > of->at_ms || of->at_ms - o->at_ms > window_ms
                 : o->group != of->group) {
            continue;
        }
        const bool before = o->at_ms <= of->at_ms;
        if (*voice == NULL || (before ? (*voice)->at_ms > of->at_ms || o->at_ms > (*voice)->at_ms
                                      : o->at_ms < (*voice)->at_ms)) {
            *voice = o;
        }
    }
}

struct tally {
    uint32_t results, errors;
    const struct vpr_hash *value; /* what most of the others say, if more than half */
    uint32_t value_voices;
    uint32_t own_voices; /* others that say what the judged one says, and itself */
    uint64_t height;              /* H(t), with the one that is judged if it has a result */
};

static uint32_t count_equal(const struct vpr_opinion *const *voices,
                            const struct vpr_hash *value)
{
    uint32_t equal = 0;

    for (uint32_t s = 0; s < VPR_JUDGE_SERVICERS_MAX; s++) {
        equal += voices[s] != NULL && voices[s]->finding.found == VPR_FOUND_RESULT &&
                         vpr_hash_equal(&voices[s]->finding.value, value)
                     ? 1
                     : 0;
    }
    return equal;
}

static void count_values(struct tally *t, const struct vpr_opinion *const *voices,
                         const struct vpr_opinion *of)
{
    for (uint32_t s = 0; s < VPR_JUDGE_SERVICERS_MAX && t->value == NULL; s++) {
        if (voices[s] == NULL || voices[s]->finding.found != VPR_FOUND_RESULT) {
            continue;
        }
        const uint32_t equal = count_equal(voices, &voices[s]->finding.value);
        if (equal * 2 > t->results) {
            t->value = &voices[s]->finding.value;
            t->value_voices = equal;
        }
    }
    t->own_voices = 1 + count_equal(voices, &of->finding.value);
}

static struct tally count_voices(const struct vpr_opinion *const *voices,
                                 const struct vpr_opinion *of)
{
    struct tally t = {0};
    uint64_t heights[VPR_JUDGE_SERVICERS_MAX + 1];

    for (uint32_t s = 0; s < VPR_JUDGE_SERVICERS_MAX; s++) {
        if (voices[s] == NULL) {
            continue;
        }
        if (voices[s]->finding.found == VPR_FOUND_RESULT) {
            heights[t.results++] = voices[s]->finding.height;
        } else {
            t.errors++;
        }
    }
    if (t.results > 0) {
        size_t count = t.results;
        if (of->finding.found == VPR_FOUND_RESULT) {
            heights[count++] = of->finding.height;
        }
        t.height = vpr_median(heights, count);
        count_values(&t, voices, of);
    }
    return t;
}

static enum vpr_verdict verdict_of(const struct vpr_opinion *o, const struct tally *t)
{
    const struct vpr_finding *f = &o->finding;
    bool right = false;

    if (f->compare == VPR_COMPARE_IGNORE || f->found == VPR_FOUND_NOTHING ||
        t->results < OTHERS_MIN) {
        return VPR_VERDICT_NONE;
    }
    if (f->found == VPR_FOUND_ERROR) {
        return t->results > t->errors ? VPR_VERDICT_WRONG : VPR_VERDICT_NONE;
    }
    if (f->compare == VPR_COMPARE_HEAD) {
        const uint64_t off = f->height > t->height ? f->height - t->height
                                                   : t->height - f->height;
        right = off <= f->within;
    } else if (t->value == NULL) {
        return VPR_VERDICT_NONE;
    } else {
        right = vpr_hash_equal(&f->value, t->value);
        if (!right && t->own_voices >= t->value_voices) {
            return VPR_VERDICT_NONE; /* two against two */
        }
    }
    return right ? VPR_VERDICT_CORRECT : VPR_VERDICT_WRONG;
}

/* The trusted backend's result about the same request; for heads the nearest in time, within
 * `window_ms`. */
static const struct vpr_opinion *measure_of(const struct vpr_opinion *opinions, size_t count,
                                            const struct vpr_opinion *of, uint64_t window_ms)
{
    const bool head = of->finding.compare == VPR_COMPARE_HEAD;
    const struct vpr_opinion *best = NULL;
    uint64_t best_off = 0;

    for (size_t i = 0; i < count; i++) {
        const struct vpr_opinion *o = &opinions[i];
        const uint64_t off = o->at_ms > of->at_ms ? o->at_ms - of->at_ms : of->at_ms - o->at_ms;
        if (o->trusted && o->finding.found == VPR_FOUND_RESULT &&
            o->finding.compare == of->finding.compare &&
            (head ? off <= window_ms : o->group == of->group) &&
            (best == NULL || off < best_off)) {
            best = o;
            best_off = off;
        }
    }
    return best;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static enum vpr_verdict verdict_by(const struct vpr_opinion *o, const struct vpr_opinion *measure)
{
    const struct vpr_finding *f = &o->finding, *m = &measure->finding;
    const bool right = f->compare == VPR_COMPARE_HEAD
                           ? distance(f->height, m->height) <= f->within
                           : vpr_hash_equal(&f->value, &m->value);

    if (f->compare == VPR_COMPARE_IGNORE || f->found == VPR_FOUND_NOTHING) {
        return VPR_VERDICT_NONE;
    }
    return f->found == VPR_FOUND_RESULT && right ? VPR_VERDICT_CORRECT : VPR_VERDICT_WRONG;
}

void vpr_judge(enum vpr_verdict *ret, const struct vpr_opinion *opinions, size_t count,
               uint32_t servicers)
{
    const struct vpr_opinion *voices[VPR_JUDGE_SERVICERS_MAX];
    const uint64_t window_ms = 2 * vpr_judge_block_ms(opinions, count, servicers);

    for (size_t i = 0; i < count; i++) {
        if (opinions[i].trusted) {
            ret[i] = VPR_VERDICT_NONE;
            continue;
        }
        VPR_ASSERT(opinions[i].servicer < servicers);
        const struct vpr_opinion *measure =
            measure_of(opinions, count, &opinions[i], window_ms / 2);
        if (measure != NULL) {
            ret[i] = verdict_by(&opinions[i], measure);
            continue;
        }
        hear(voices, opinions, count, &opinions[i], window_ms);
        const struct tally t = count_voices(voices, &opinions[i]);
        ret[i] = verdict_of(&opinions[i], &t);
    }
}
