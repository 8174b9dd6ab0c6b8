#include "fisherman/watch.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/log.h"
#include "fisherman/cast.h"
#include "viper/v1/query.pb-c.h"

#define RETRY_MS 500

static void advance(void *arg);

/* ---- chains and their corpora ---- */

static uint64_t cost_of(const Viper__V1__ChainInfo *info, const struct vpr_corpus_template *t)
{
    uint64_t cu = 1;
    size_t longest = 0;

    for (size_t i = 0; i < info->n_methods; i++) {
        const Viper__V1__MethodCost *m = info->methods[i];
        const size_t len = strlen(m->method);
        if (!t->rest && strcmp(m->method, t->method) == 0) {
            return m->cu;
        }
        if (t->rest && len > longest && strncmp(m->method, t->path, len) == 0) {
            longest = len;
            cu = m->cu;
        }
    }
    return cu;
}

static struct vpr_corpus *load_corpus(const struct vpr_watch *watch,
                                      const Viper__V1__ChainInfo *info)
{
    char path[VPR_BOOK_PATH_MAX];
    struct vpr_corpus *corpus = NULL;
    struct vpr_err err;
    char hash[VPR_SID_TEXT_MAX];

    snprintf(path, sizeof path, "%s/%04x.jsonl", watch->fishing->corpus_dir, info->id);
    if (vpr_corpus_load(&corpus, path, &err) != VPR_OK) {
        vpr_log_warn("fisherman", "chain without corpus", "chain=%04x reason=%s", info->id,
                     err.text);
        return NULL;
    }
    if (info->corpus_hash.len != sizeof(struct vpr_hash) ||
        memcmp(info->corpus_hash.data, vpr_corpus_hash(corpus)->b, info->corpus_hash.len) != 0) {
        vpr_hex(hash, vpr_corpus_hash(corpus)->b, sizeof(struct vpr_hash));
        vpr_log_warn("fisherman", "corpus is not the one of the chain's record",
                     "chain=%04x file=%s hash=%s", info->id, path, hash);
        vpr_corpus_destroy(corpus);
        return NULL;
    }
    if (vpr_corpus_count(corpus) == 0) {
        vpr_corpus_destroy(corpus);
        return NULL;
    }
    return corpus;
}

static void add_chain(struct vpr_watch *watch, const Viper__V1__ChainInfo *info)
{
    struct chain *chain = vpr_mem_alloc(sizeof *chain);
    uint64_t sum = 0;

    chain->id = (uint16_t)info->id;
    chain->corpus = load_corpus(watch, info);
    const size_t count = chain->corpus == NULL ? 0 : vpr_corpus_count(chain->corpus);
    for (size_t i = 0; i < count; i++) {
        chain->cost[i] = cost_of(info, vpr_corpus_at(chain->corpus, i));
        sum += chain->cost[i];
    }
    chain->mean_cost = count == 0 ? 1 : (sum + count - 1) / count;
    watch->chains[watch->chain_count++] = chain;
}

static struct chain *find_chain(const struct vpr_watch *watch, uint16_t id)
{
    for (size_t i = 0; i < watch->chain_count; i++) {
        if (watch->chains[i]->id == id) {
            return watch->chains[i];
        }
    }
    return NULL;
}

static bool wanted(const struct vpr_watch *watch, uint32_t chain)
{
    for (size_t i = 0; i < watch->sid_count; i++) {
        if (watch->sids[i]->terms.chain == chain) {
            return true;
        }
    }
    return false;
}

static void on_chains(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_watch *watch = arg;

    watch->call = NULL;
    if (!answer->ok) {
        vpr_timer_once(watch->retry, RETRY_MS);
        return;
    }
    const Viper__V1__QueryChainsResponse *m =
        (const Viper__V1__QueryChainsResponse *)answer->message;
    for (size_t i = 0; i < m->n_chains && watch->chain_count < CHAINS_MAX; i++) {
        if (m->chains[i]->id <= UINT16_MAX && wanted(watch, m->chains[i]->id)) {
            add_chain(watch, m->chains[i]);
        }
    }
    watch->has_chains = true;
    advance(watch);
}

/* ---- sids ---- */

static void leave_out(struct watched *w, const char *why)
{
    w->step = OFF;
    vpr_log_warn("fisherman", "sid is not sampled",
                 "session=%" PRIu64 " sid=%s chain=%04x requestor=%s reason=%s",
                 w->watch->session, w->sid_text, w->terms.chain, w->requestor_text, why);
}

static void add_sid(struct vpr_watch *watch, const Viper__V1__SidInfo *info)
{
    struct watched *w = vpr_mem_alloc(sizeof *w);

    w->watch = watch;
    w->terms.chain = (uint16_t)info->chain;
    w->terms.zone = (uint16_t)info->zone;
    w->terms.quota_cu = info->quota_cu;
    snprintf(w->requestor_text, sizeof w->requestor_text, "%s", info->requestor);
    watch->sids[watch->sid_count++] = w;
    if (info->sid.len != sizeof w->terms.sid.b ||
        !vpr_address_parse(&w->terms.requestor, VPR_PREFIX_ACCOUNT,
                           vpr_bytes_str(info->requestor))) {
        leave_out(w, "the node's answer names no sid");
        return;
    }
    memcpy(w->terms.sid.b, info->sid.data, sizeof w->terms.sid.b);
    vpr_hex(w->sid_text, w->terms.sid.b, sizeof w->terms.sid.b);
}

static void on_sids(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_watch *watch = arg;

    watch->call = NULL;
    if (!answer->ok) {
        vpr_timer_once(watch->retry, RETRY_MS);
        return;
    }
    const Viper__V1__QuerySidsResponse *m =
        (const Viper__V1__QuerySidsResponse *)answer->message;
    for (size_t i = 0; i < m->n_sids && watch->sid_count < VPR_BOOK_SIDS_MAX; i++) {
        add_sid(watch, m->sids[i]);
    }
    watch->sids_beyond = m->n_sids - watch->sid_count;
    if (watch->sids_beyond > 0) {
        vpr_log_warn("fisherman", "more sids than one fisherman samples", "drawn=%zu most=%d",
                     m->n_sids, VPR_BOOK_SIDS_MAX);
    }
    watch->has_sids = true;
    vpr_log_info("fisherman", "session opened",
                 "session=%" PRIu64 " first=%" PRIu64 " last=%" PRIu64 " sids=%zu",
                 watch->session, watch->first, watch->last, watch->sid_count);
    advance(watch);
}

static bool add_seat(struct vpr_book_terms *terms, const Viper__V1__Seat *seat)
{
    struct vpr_book_seat *to = &terms->seats[terms->seat_count];

    if (terms->seat_count == VPR_CARD_LINES_MAX ||
        !vpr_address_parse(&to->servicer, VPR_PREFIX_ACCOUNT, vpr_bytes_str(seat->id)) ||
        seat->relay_key.len != sizeof to->relay_key.b) {
        return false;
    }
    memcpy(to->relay_key.b, seat->relay_key.data, sizeof to->relay_key.b);
    /* In id order, as cards have them. */
    for (uint32_t i = terms->seat_count; i > 0; i--) {
        struct vpr_book_seat *low = &terms->seats[i - 1], *high = &terms->seats[i];
        if (vpr_address_cmp(&low->servicer, &high->servicer) <= 0) {
            break;
        }
        const struct vpr_book_seat swap = *low;
        *low = *high;
        *high = swap;
    }
    terms->seat_count++;
    return true;
}

static void on_bench(void *arg, const struct vpr_node_answer *answer)
{
    struct watched *w = arg;
    struct vpr_watch *watch = w->watch;

    w->call = NULL;
    if (!answer->ok) {
        vpr_timer_once(watch->retry, RETRY_MS);
        return;
    }
    const Viper__V1__QueryBenchResponse *m =
        (const Viper__V1__QueryBenchResponse *)answer->message;
    bool good = m->n_servicers > 0 && m->n_fishermen > 0 && m->n_fishermen <= UINT32_MAX;
    w->terms.seat_count = 0;
    for (size_t i = 0; i < m->n_servicers && good; i++) {
        good = add_seat(&w->terms, m->servicers[i]);
    }
    if (!good) {
        leave_out(w, "its bench cannot be read");
        return;
    }
    w->terms.fisherman_count = (uint32_t)m->n_fishermen;
    w->terms.quota_cu = m->quota_cu;
    w->step = ASK_REQUESTOR;
    advance(watch);
}

static uint64_t reserve_of(const struct vpr_watch *watch, const struct vpr_book_terms *terms)
{
    const uint64_t reserve =
        (uint64_t)((vpr_u128)terms->quota_cu * watch->share_ppm / VPR_PPM);

    return reserve / terms->fisherman_count;
}

static void ready(struct watched *w, const Viper__V1__QueryRequestorResponse *m)
{
    struct vpr_watch *watch = w->watch;

    for (size_t i = 0; i < m->n_gateway_keys && i < VPR_GATEWAY_KEYS_MAX; i++) {
        if (m->gateway_keys[i].len != sizeof(struct vpr_hash)) {
            leave_out(w, "the requestor's gateway keys cannot be read");
            return;
        }
        memcpy(w->terms.keys[i].b, m->gateway_keys[i].data, sizeof w->terms.keys[i].b);
        w->terms.key_count = (uint32_t)i + 1;
    }
    w->chain = find_chain(watch, w->terms.chain);
    w->reserve_cu = reserve_of(watch, &w->terms);
    if (w->chain == NULL || w->chain->corpus == NULL) {
        leave_out(w, "no corpus for its chain");
    } else if (m->actor == NULL || m->actor->url[0] == '\0') {
        leave_out(w, "the requestor has no shadow_url");
    } else if (w->reserve_cu < w->chain->mean_cost) {
        leave_out(w, "the requestor's reserve is too small");
    } else if ((w->gate = vpr_gate_open(watch->fishing->shadows, m->actor->url)) == NULL) {
        leave_out(w, "too many shadow endpoints");
    } else {
        w->index = vpr_book_sid(watch->book, &w->terms);
        if (w->index == VPR_BOOK_NO_SID) {
            leave_out(w, "the disk is full, or an earlier run knew another bench");
        } else {
            w->step = READY;
        }
    }
}

static void on_requestor(void *arg, const struct vpr_node_answer *answer)
{
    struct watched *w = arg;

    w->call = NULL;
    if (!answer->ok) {
        vpr_timer_once(w->watch->retry, RETRY_MS);
        return;
    }
    ready(w, (const Viper__V1__QueryRequestorResponse *)answer->message);
    advance(w->watch);
}

static void ask_sid(struct watched *w)
{
    const struct vpr_watch *watch = w->watch;
    struct vpr_node *node = watch->fishing->node;

    if (w->call != NULL || w->step == READY || w->step == OFF) {
        return;
    }
    if (w->step == ASK_BENCH) {
        w->call = vpr_node_get(node, &viper__v1__query_bench_response__descriptor, on_bench, w,
                               "/viper/v1/sessions/%" PRIu64 "/%s", watch->session, w->sid_text);
    } else {
        w->call = vpr_node_get(node, &viper__v1__query_requestor_response__descriptor,
                               on_requestor, w, "/viper/v1/requestors/%s?session=%" PRIu64,
                               w->requestor_text, watch->session);
    }
    if (w->call == NULL) {
        vpr_timer_once(watch->retry, RETRY_MS);
    }
}

/* ---- planning ---- */

static uint32_t samples_for(const struct watched *w, uint64_t blocks_left)
{
    const struct vpr_watch *watch = w->watch;
    const uint64_t blocks = watch->last - watch->first + 1;
    /* A quarter more than is aimed at: some are lost at both ends. */
    uint64_t each = (uint64_t)watch->fishing->samples_target * 5 / 4 * blocks_left / blocks;
    uint64_t spent = 0;

    for (uint32_t i = 0; i < w->terms.seat_count; i++) {
        const uint64_t cu = watch->book->sids[w->index]->spent_cu[i];
        spent = cu > spent ? cu : spent;
    }
    const uint64_t allowed =
        spent >= w->reserve_cu ? 0 : (w->reserve_cu - spent) / w->chain->mean_cost;
    each = each < allowed ? each : allowed;
    return each > VPR_PLAN_EACH_MAX ? VPR_PLAN_EACH_MAX : (uint32_t)each;
}

/* Groups of an earlier run are not continued: their requests are not known any more. */
static uint32_t unused_group(const struct vpr_watch *watch, uint32_t index)
{
    const struct vpr_book_sid *sid = watch->book->sids[index];
    uint32_t next = 0;

    for (uint32_t i = 0; i < sid->sample_count; i++) {
        const uint32_t group = watch->book->samples[sid->samples[i]]->group;
        next = group >= next ? group + 1 : next;
    }
    return next;
}

static void plan(struct watched *w)
{
    struct vpr_watch *watch = w->watch;
    const struct vpr_tip *tip = vpr_follow_tip(watch->fishing->follow);
    const uint64_t block_ms = watch->fishing->block_ms;
    const uint64_t now = vpr_mono_ms();

    if (w->planned || w->step != READY || block_ms == 0 || watch->stopped) {
        return;
    }
    if (tip->height + 2 > watch->last) {
        leave_out(w, "the session is nearly over");
        return;
    }
    const uint64_t left = watch->last - tip->height;
    const uint32_t each = samples_for(w, left);
    if (each == 0) {
        leave_out(w, "the requestor's reserve is used up");
        return;
    }
    const uint64_t end = now + left * block_ms - block_ms / 2;
    /* The gateway may hear of the session a little later than we do. */
    const uint64_t late = (end - now) / 20 < 500 ? (end - now) / 20 : 500;
    watch->end_ms = end > watch->end_ms ? end : watch->end_ms;
    vpr_plan_make(&w->plan, w->terms.seat_count, each, now + late, end);
    w->first_group = unused_group(watch, w->index);
    w->groups = vpr_mem_alloc(w->plan.groups * sizeof *w->groups);
    w->planned = true;
    vpr_log_info("fisherman", "sampling",
                 "session=%" PRIu64 " sid=%s chain=%04x servicers=%" PRIu32
                 " samples_each=%" PRIu32 " over_ms=%" PRIu64,
                 watch->session, w->sid_text, w->terms.chain, w->terms.seat_count, each,
                 end - now);
}

static void advance(void *arg)
{
    struct vpr_watch *watch = arg;
    struct vpr_node *node = watch->fishing->node;

    if (watch->stopped || watch->call != NULL) {
        return;
    }
    if (!watch->has_sids) {
        watch->call = vpr_node_get(node, &viper__v1__query_sids_response__descriptor, on_sids,
                                   watch, "/viper/v1/fishermen/%s/sids?session=%" PRIu64,
                                   watch->fishing->fisherman_text, watch->session);
    } else if (!watch->has_chains && watch->sid_count > 0) {
        watch->call = vpr_node_get(node, &viper__v1__query_chains_response__descriptor,
                                   on_chains, watch, "/viper/v1/chains?session=%" PRIu64,
                                   watch->session);
    } else {
        for (size_t i = 0; i < watch->sid_count; i++) {
            ask_sid(watch->sids[i]);
            plan(watch->sids[i]);
        }
        cast_run(watch);
        return;
    }
    if (watch->call == NULL) {
        vpr_timer_once(watch->retry, RETRY_MS);
    }
}

/* ---- life ---- */

struct vpr_watch *vpr_watch_create(struct vpr_fishing *fishing,
                                   const struct vpr_followed *session)
{
    struct vpr_book *book = NULL;
    struct vpr_err err;
    const struct vpr_book_session of = {session->number, session->first, session->last,
                                        session->seed};

    if (vpr_book_open(&book, fishing->dir, &of, &fishing->fisherman, &err) != VPR_OK) {
        vpr_log_error("fisherman", "no book", "session=%" PRIu64 " reason=%s", session->number,
                      err.text);
        return NULL;
    }
    struct vpr_watch *watch = vpr_mem_alloc(sizeof *watch);
    watch->fishing = fishing;
    watch->book = book;
    watch->session = session->number;
    watch->first = session->first;
    watch->last = session->last;
    watch->share_ppm = session->params.sample_share;
    watch->stopped = book->ended;
    watch->retry = vpr_timer_create(fishing->loop, advance, watch);
    watch->timer = vpr_timer_create(fishing->loop, cast_run, watch);
    if (book->sample_count > 0 || book->cut_bytes > 0) {
        vpr_log_info("fisherman", "session resumed",
                     "session=%" PRIu64 " samples=%" PRIu32 " cut_bytes=%" PRIu64,
                     watch->session, book->sample_count, book->cut_bytes);
    }
    advance(watch);
    return watch;
}

static void free_sid(struct watched *w)
{
    vpr_node_cancel(w->call);
    for (uint32_t i = 0; w->groups != NULL && i < w->plan.groups; i++) {
        vpr_mem_free((void *)(uintptr_t)w->groups[i].params.data);
    }
    vpr_mem_free(w->groups);
    vpr_plan_finish(&w->plan);
    vpr_gate_close(w->gate);
    vpr_mem_free(w);
}

static void stop(struct vpr_watch *watch)
{
    watch->stopped = true;
    vpr_timer_stop(watch->timer);
    vpr_timer_stop(watch->retry);
}

void vpr_watch_destroy(struct vpr_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    stop(watch);
    cast_cancel(watch);
    vpr_node_cancel(watch->call);
    for (size_t i = 0; i < watch->sid_count; i++) {
        free_sid(watch->sids[i]);
    }
    for (size_t i = 0; i < watch->chain_count; i++) {
        vpr_corpus_destroy(watch->chains[i]->corpus);
        vpr_mem_free(watch->chains[i]);
    }
    vpr_timer_destroy(watch->retry);
    vpr_timer_destroy(watch->timer);
    vpr_book_close(watch->book);
    vpr_mem_free(watch);
}

uint64_t vpr_watch_session(const struct vpr_watch *watch)
{
    return watch->session;
}

size_t vpr_watch_sids(const struct vpr_watch *watch)
{
    return watch->sid_count;
}

size_t vpr_watch_sids_beyond(const struct vpr_watch *watch)
{
    return watch->sids_beyond;
}

void vpr_watch_height(struct vpr_watch *watch)
{
    const struct vpr_tip *tip = vpr_follow_tip(watch->fishing->follow);
    uint64_t round_trip = 0;

    if (watch->stopped) {
        return;
    }
    if (tip->session > watch->session || tip->height >= watch->last) {
        stop(watch);
        return;
    }
    for (size_t i = 0; i < watch->sid_count; i++) {
        if (watch->sids[i]->gate != NULL &&
            vpr_gate_round_trip_us(watch->sids[i]->gate) > round_trip) {
            round_trip = vpr_gate_round_trip_us(watch->sids[i]->gate);
        }
    }
    vpr_metric_set(watch->fishing->metrics, VPR_ROW_ROUND_TRIP, 0, 0, (int64_t)round_trip);
    advance(watch);
}

bool vpr_watch_over(const struct vpr_watch *watch)
{
    const struct vpr_tip *tip = vpr_follow_tip(watch->fishing->follow);

    if (tip == NULL || tip->session <= watch->session) {
        return false;
    }
    /* A third of the next session must be enough for what is under way: the rest of it belongs
     * to the report card. */
    return watch->flights == NULL || tip->session > watch->session + 1 ||
           tip->height >= tip->first + (tip->last - tip->first + 1) / 3;
}

struct vpr_book *vpr_watch_finish(struct vpr_watch *watch, bool *ret_drawn)
{
    struct vpr_book *book = watch->book;

    *ret_drawn = watch->sid_count > 0;
    watch->book = NULL;
    vpr_watch_destroy(watch);
    return book;
}
