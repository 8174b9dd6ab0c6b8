#include "fisherman/cast.h"

#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/log.h"

#define TRIES_MAX 3
#define GROUP_MEMBERS_MIN 3 /* below, a comparison has no two others */
#define AGAIN_MS_MIN 150
#define AGAIN_MS_MAX 500
#define REQUEST_BYTES_MAX (32 * 1024)

static uint64_t random_below(uint64_t n)
{
    uint64_t v;

    vpr_random(&v, sizeof v);
    return v % n;
}

/* Time of day for the book, which outlives us; but a clock that is set meanwhile must not
 * move samples against each other: heads are judged by it. */
static uint64_t now_of(const struct vpr_watch *watch)
{
    return watch->fishing->epoch_ms + vpr_mono_ms();
}

/* A template at random, of those whose places can be filled by now. */
static bool draw_template(struct watched *w, struct group *group, bool heads_only)
{
    const struct vpr_corpus *corpus = w->chain->corpus;
    const struct vpr_corpus_values values = {vpr_lore_head(&w->lore), vpr_lore_hash, &w->lore};
    size_t can[VPR_CORPUS_TEMPLATES_MAX];
    size_t count = 0;
    struct vpr_buf params;

    vpr_buf_init(&params, VPR_CORPUS_PARAMS_BYTES_MAX);
    for (size_t i = 0; i < vpr_corpus_count(corpus); i++) {
        const struct vpr_corpus_template *t = vpr_corpus_at(corpus, i);
        vpr_buf_reset(&params);
        if ((!heads_only || t->compare == VPR_COMPARE_HEAD) &&
            vpr_corpus_fill(&params, t, &values)) {
            can[count++] = i;
        }
    }
    if (count > 0) {
        const size_t chosen = can[random_below(count)];
        group->template = vpr_corpus_at(corpus, chosen);
        group->cost = w->chain->cost[chosen];
        vpr_buf_reset(&params);
        if (!vpr_corpus_fill(&params, group->template, &values)) {
            VPR_HALT("a template that could be filled cannot");
        }
        uint8_t *kept = vpr_mem_alloc(params.len + 1);
        if (params.len > 0) {
            memcpy(kept, params.data, params.len);
        }
        group->params = vpr_bytes_of(kept, params.len);
    }
    vpr_buf_finish(&params);
    return count > 0;
}

static struct group *group_of(struct watched *w, uint32_t number)
{
    struct group *group = &w->groups[number];

    if (group->template == NULL) {
        const bool thin = w->plan.seats < GROUP_MEMBERS_MIN;
        if (!(thin && draw_template(w, group, true)) && !draw_template(w, group, false)) {
            return NULL;
        }
    }
    return group;
}

/* ---- the trusted backend ---- */

static void doubt_free(struct doubt *doubt)
{
    struct vpr_watch *watch = doubt->of->watch;

    if (doubt->before != NULL) {
        doubt->before->after = doubt->after;
    } else {
        watch->doubts = doubt->after;
    }
    if (doubt->after != NULL) {
        doubt->after->before = doubt->before;
    }
    watch->doubt_count--;
    vpr_mem_free(doubt);
}

static void on_word(void *arg, const struct vpr_http_result *result)
{
    struct doubt *doubt = arg;
    struct watched *w = doubt->of;
    const struct group *group = &w->groups[doubt->group];
    struct vpr_book_word word = {.sid = w->index, .group = w->first_group + doubt->group,
                                 .at_ms = now_of(w->watch)};

    if (result->failure == VPR_HTTP_FAILURE_NONE) {
        word.finding = vpr_finding_of(group->template, doubt->id, (uint16_t)result->status,
                                      result->body);
        if (word.finding.found == VPR_FOUND_RESULT &&
            !vpr_book_add_word(w->watch->book, &word)) {
            vpr_log_warn("fisherman", "book is full", "session=%" PRIu64 " sid=%s",
                         w->watch->session, w->sid_text);
        }
    }
    doubt_free(doubt);
}

/* Once a request, but heads each time: they are judged by the clock. */
static void ask_trusted(struct watched *w, uint32_t number, const char *verb,
                        struct vpr_bytes body, uint64_t id)
{
    struct vpr_watch *watch = w->watch;
    struct group *group = &w->groups[number];

    if (watch->fishing->trust == NULL || watch->doubt_count == VPR_TRUST_CALLS_MAX ||
        (group->doubted && group->template->compare != VPR_COMPARE_HEAD)) {
        return;
    }
    struct doubt *doubt = vpr_mem_alloc(sizeof *doubt);
    doubt->of = w;
    doubt->group = number;
    doubt->id = id;
    doubt->exchange = vpr_trust_ask(watch->fishing->trust, w->terms.chain, verb,
                                    group->template->path, body, on_word, doubt);
    if (doubt->exchange == NULL) {
        vpr_mem_free(doubt);
        return;
    }
    group->doubted = true;
    doubt->after = watch->doubts;
    if (watch->doubts != NULL) {
        watch->doubts->before = doubt;
    }
    watch->doubts = doubt;
    watch->doubt_count++;
}

/* ---- samples ---- */

static void flight_free(struct flight *flight)
{
    struct vpr_watch *watch = flight->of->watch;

    flight->of->pending_cu[flight->slot.seat] -= flight->of->groups[flight->slot.group].cost;
    if (flight->before != NULL) {
        flight->before->after = flight->after;
    } else {
        watch->flights = flight->after;
    }
    if (flight->after != NULL) {
        flight->after->before = flight->before;
    }
    vpr_mem_free(flight);
}

static void keep(struct watched *w, const struct flight *flight,
                 const struct vpr_shadow_answer *answer)
{
    struct vpr_watch *watch = w->watch;
    struct vpr_metrics *metrics = watch->fishing->metrics;
    const struct group *group = &w->groups[flight->slot.group];
    struct vpr_book_sample s = {.sid = w->index,
                                .seat = flight->slot.seat,
                                .group = w->first_group + flight->slot.group,
                                .gateway_key = answer->gateway_key,
                                .at_ms = now_of(w->watch),
                                .token = answer->token,
                                .sample = answer->sample};

    s.finding.compare = group->template->compare;
    s.finding.within = group->template->within;
    if (answer->sample.answer == VPR_SAMPLE_ANSWERED) {
        s.finding =
            vpr_finding_of(group->template, flight->id, answer->status, answer->body);
        vpr_lore_learn(&w->lore, group->template, group->params, s.seat, &s.finding,
                       answer->body);
        vpr_metric_observe(metrics, VPR_ROW_LATENCY, 0, 0, answer->sample.latency_ms);
    }
    vpr_metric_add(metrics, VPR_ROW_SAMPLES, (size_t)answer->sample.answer, 0, 1);
    watch->fishing->sampled_height = vpr_follow_tip(watch->fishing->follow)->height;
    if (!vpr_book_add(watch->book, &s)) {
        vpr_log_warn("fisherman", "book is full", "session=%" PRIu64 " sid=%s",
                     watch->session, w->sid_text);
    }
}

static void try_again(struct watched *w, const struct vpr_plan_slot *slot)
{
    const uint64_t due =
        vpr_mono_ms() + AGAIN_MS_MIN + random_below(AGAIN_MS_MAX - AGAIN_MS_MIN);

    if (!w->watch->stopped && slot->tries + 1 < TRIES_MAX && due < w->watch->end_ms) {
        vpr_plan_again(&w->plan, slot, due);
    }
}

static void on_answer(void *arg, const struct vpr_shadow_answer *answer)
{
    struct flight *flight = arg;
    struct watched *w = flight->of;
    struct vpr_watch *watch = w->watch;
    enum vpr_shadow_outcome outcome = answer->outcome;
    const char *why = answer->why;

    if (outcome == VPR_SHADOW_SAMPLE &&
        vpr_book_seen(watch->book, w->index, flight->slot.seat, &answer->sample.request.part)) {
        outcome = VPR_SHADOW_INVALID;
        why = "a seq that was used before";
    }
    vpr_metric_add(watch->fishing->metrics, VPR_ROW_POSTS, outcome, 0, 1);
    if (outcome == VPR_SHADOW_SAMPLE) {
        keep(w, flight, answer);
    } else {
        if (!watch->denied_told) {
            watch->denied_told = true;
            vpr_log_warn("fisherman", "no sample from the gateway",
                         "session=%" PRIu64 " sid=%s outcome=%s reason=%s", watch->session,
                         w->sid_text, vpr_shadow_outcome_name(outcome), why);
        }
        try_again(w, &flight->slot);
    }
    flight_free(flight);
    cast_run(watch);
}

static void sample(struct watched *w, const struct vpr_plan_slot *slot)
{
    struct vpr_watch *watch = w->watch;
    struct group *group = group_of(w, slot->group);
    struct vpr_buf body;

    if (group == NULL) {
        try_again(w, slot); /* nothing can be filled before a head is known */
        return;
    }
    const uint64_t used = watch->book->sids[w->index]->spent_cu[slot->seat] +
                          w->pending_cu[slot->seat];
    if (used + group->cost > w->reserve_cu) {
        return;
    }
    struct flight *flight = vpr_mem_alloc(sizeof *flight);
    flight->of = w;
    flight->slot = *slot;
    flight->id = 1 + random_below(9999);
    vpr_buf_init(&body, REQUEST_BYTES_MAX);
    const char *verb =
        vpr_corpus_request(&body, group->template, group->params, flight->id);
    const struct vpr_shadow_ask ask = {.terms = &w->terms, .seat = slot->seat, .verb = verb,
                                       .path = group->template->path,
                                       .body = vpr_buf_bytes(&body)};
    if (!body.over) {
        ask_trusted(w, slot->group, verb, vpr_buf_bytes(&body), flight->id);
    }
    flight->call = body.over ? NULL : vpr_shadow_send(w->gate, &ask, on_answer, flight);
    vpr_buf_finish(&body);
    if (flight->call == NULL) {
        try_again(w, slot);
        vpr_mem_free(flight);
        return;
    }
    w->pending_cu[slot->seat] += group->cost;
    flight->after = watch->flights;
    if (watch->flights != NULL) {
        watch->flights->before = flight;
    }
    watch->flights = flight;
}

void cast_run(void *arg)
{
    struct vpr_watch *watch = arg;
    uint64_t soonest = UINT64_MAX, due;
    const uint64_t now = vpr_mono_ms();

    if (watch->stopped) {
        return;
    }
    for (size_t i = 0; i < watch->sid_count; i++) {
        struct watched *w = watch->sids[i];
        const struct vpr_plan_slot *slot;
        if (!w->planned) {
            continue;
        }
        while ((slot = vpr_plan_take(&w->plan, now)) != NULL) {
            const struct vpr_plan_slot copy = *slot;
            sample(w, &copy);
        }
        if (vpr_plan_next(&w->plan, &due) && due < soonest) {
            soonest = due;
        }
    }
    if (soonest != UINT64_MAX) {
        vpr_timer_once(watch->timer, soonest > now ? soonest - now : 0);
    }
}

void cast_cancel(struct vpr_watch *watch)
{
    while (watch->doubts != NULL) {
        vpr_trust_cancel(watch->doubts->exchange);
        doubt_free(watch->doubts);
    }
    while (watch->flights != NULL) {
        vpr_shadow_cancel(watch->flights->call);
        flight_free(watch->flights);
    }
}
