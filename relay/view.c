#include "relay/view.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "relay/chain_list.h"
#include "relay/meter.h"

#define TRIES_MAX 3         /* for answers of one height */
#define PAGE_MEMBERS 1000
#define DRAW_ARENA_BYTES (64u * 1024 * 1024)

enum stage { RECORD, POOLS, SEATS };
enum kind { ASK_REQUESTOR, ASK_CHAINS, ASK_POOL, ASK_BENCH, ASK_SERVICER, ASK_FISHERMAN };

struct pool {
    struct vpr_pool_member *members;
    size_t count, size;
};

struct pair {
    uint16_t chain, zone;
    uint32_t share_ppm;
    struct pool servicers, fishermen;
    struct vpr_panel *panel; /* NULL before the draw, or without a session */
    bool same;               /* the node draws the same */
};

struct load {
    struct vpr_followed session;
    char chain_id[VPR_CHAIN_ID_TEXT_MAX];
    enum stage stage;
    uint32_t tries;
    uint64_t height_low, height_high;
    uint32_t waiting; /* answers to come */
    bool failed, mismatch;
    struct vpr_err why;
    struct vpr_address owner;
    uint64_t usd, budget_uvipr;
    uint32_t num_servicers;
    struct vpr_chain_list chains;
    size_t pair_count;
    struct pair pairs[VPR_PANEL_PAIRS_MAX];
};

/* A question under way: of the load, or (with `panel`) a later look at a panel in use. */
struct ask {
    struct vpr_view *view;
    struct ask *before, *after;
    struct vpr_node_call *call;
    enum kind kind;
    bool refresh;
    struct vpr_panel *panel; /* held */
    size_t pair, index;      /* index: 1 for the fishermen's pool; or the seat */
};

struct vpr_view {
    struct vpr_view_config config;
    struct vpr_node *node;
    struct vpr_timer *retry, *refresh;
    struct load *load; /* NULL: none under way */
    struct ask *asks;
    struct vpr_healths healths;
    bool has_session;
    uint64_t session; /* whose panels are in use */
    size_t panel_count;
    struct vpr_panel *panels[VPR_PANEL_PAIRS_MAX];
    struct vpr_chain_list chains; /* of the last load */
};

static void begin(struct vpr_view *view, uint32_t tries);

/* ---- asking ---- */

static void free_ask(struct ask *ask)
{
    if (ask->before != NULL) {
        ask->before->after = ask->after;
    } else {
        ask->view->asks = ask->after;
    }
    if (ask->after != NULL) {
        ask->after->before = ask->before;
    }
    vpr_panel_release(ask->panel);
    vpr_mem_free(ask);
}

static void fail_load(struct load *load, const char *what, const char *why)
{
    if (!load->failed) {
        load->failed = true;
        vpr_fail(&load->why, VPR_NOT_FOUND, "%s: %.160s", what, why);
    }
}

static void on_told(void *arg, const struct vpr_node_answer *answer);

static const ProtobufCMessageDescriptor *const descriptors[] = {
    [ASK_REQUESTOR] = &viper__v1__query_requestor_response__descriptor,
    [ASK_CHAINS] = &viper__v1__query_chains_response__descriptor,
    [ASK_POOL] = &viper__v1__query_pool_response__descriptor,
    [ASK_BENCH] = &viper__v1__query_bench_response__descriptor,
    [ASK_SERVICER] = &viper__v1__query_servicer_response__descriptor,
    [ASK_FISHERMAN] = &viper__v1__query_fisherman_response__descriptor,
};

static void ask_path(struct vpr_view *view, const struct ask *like, const char *path)
{
    struct ask *ask = vpr_mem_alloc(sizeof *ask);

    *ask = *like;
    ask->view = view;
    ask->before = NULL;
    ask->after = view->asks;
    if (view->asks != NULL) {
        view->asks->before = ask;
    }
    view->asks = ask;
    if (ask->panel != NULL) {
        vpr_panel_hold(ask->panel);
    }
    ask->call = vpr_node_get(view->node, descriptors[ask->kind], on_told, ask, "%s", path);
    if (ask->call == NULL) {
        if (!ask->refresh) {
            fail_load(view->load, "the node", "too many questions under way");
        }
        free_ask(ask);
        return;
    }
    if (!ask->refresh) {
        view->load->waiting++;
    }
}

static void ask_pool(struct vpr_view *view, size_t pair, size_t fishermen,
                     struct vpr_bytes next)
{
    const struct load *load = view->load;
    const struct ask ask = {.kind = ASK_POOL, .pair = pair, .index = fishermen};
    char path[VPR_NODE_PATH_BYTES_MAX], key[VPR_BASE64_MAX(64)] = "";

    if (next.len > 64) {
        fail_load(view->load, "pool", "the page's key is too long");
        return;
    }
    vpr_base64url(key, next);
    snprintf(path, sizeof path,
             "/viper/v1/pool/%u/%u?session=%" PRIu64
             "&kind=%s&pagination.limit=%d%s%s",
             load->pairs[pair].chain, load->pairs[pair].zone, load->session.number,
             fishermen == 1 ? "KIND_FISHERMAN" : "KIND_SERVICER", PAGE_MEMBERS,
             next.len > 0 ? "&pagination.key=" : "", key);
    ask_path(view, &ask, path);
}

static void ask_actor(struct vpr_view *view, const struct ask *ask, uint64_t session,
                      const struct vpr_address *id)
{
    char path[VPR_NODE_PATH_BYTES_MAX], text[VPR_ADDRESS_TEXT_MAX];

    vpr_address_text(text, VPR_PREFIX_ACCOUNT, id);
    snprintf(path, sizeof path, "/viper/v1/%s/%s?session=%" PRIu64,
             ask->kind == ASK_SERVICER    ? "servicers"
             : ask->kind == ASK_FISHERMAN ? "fishermen"
                                          : "requestors",
             text, session);
    ask_path(view, ask, path);
}

static void ask_people(struct vpr_view *view, struct vpr_panel *panel, size_t pair,
                       bool refresh)
{
    struct ask ask = {.refresh = refresh, .panel = panel, .pair = pair};

    ask.kind = ASK_SERVICER;
    for (ask.index = 0; ask.index < panel->seat_count; ask.index++) {
        ask_actor(view, &ask, panel->session, &panel->seats[ask.index].id);
    }
    ask.kind = ASK_FISHERMAN;
    for (ask.index = 0; ask.index < panel->watcher_count; ask.index++) {
        ask_actor(view, &ask, panel->session, &panel->watchers[ask.index].id);
    }
}

/* ---- what is told ---- */

static bool address_told(struct vpr_address *ret, const char *text)
{
    return vpr_address_parse(ret, VPR_PREFIX_ACCOUNT, vpr_bytes_str(text));
}

static bool has_key(const Viper__V1__QueryRequestorResponse *told, const struct vpr_hash *key)
{
    for (size_t i = 0; i < told->n_gateway_keys; i++) {
        if (told->gateway_keys[i].len == sizeof key->b &&
            memcmp(told->gateway_keys[i].data, key->b, sizeof key->b) == 0) {
            return true;
        }
    }
    return false;
}

static void retire_all(struct vpr_view *view)
{
    for (size_t i = 0; i < view->panel_count; i++) {
        struct vpr_panel *panel = view->panels[i];
        panel->retired = true;
        view->config.retired(view->config.arg, panel);
        vpr_panel_release(panel);
    }
    view->panel_count = 0;
}

static void told_requestor(struct vpr_view *view, const Viper__V1__QueryRequestorResponse *told)
{
    struct load *load = view->load;

    if (told->session != load->session.number || told->actor == NULL ||
        !address_told(&load->owner, told->actor->owner)) {
        fail_load(load, "requestor", "the answer is of another session, or has no owner");
        return;
    }
    if (told->eligible && !has_key(told, &view->config.gateway_key)) {
        retire_all(view); /* no bench of ours follows: the last one is closed in its grace */
        fail_load(load, "requestor", "our gateway key is none of its gateway keys this session");
        return;
    }
    load->usd = told->usd;
    load->budget_uvipr = told->budget_uvipr;
    load->num_servicers = told->num_servicers;
    for (size_t i = 0; told->eligible && i < told->n_pairs; i++) {
        const Viper__V1__PairInfo *pair = told->pairs[i];
        if (load->pair_count == VPR_PANEL_PAIRS_MAX || pair->chain > UINT16_MAX ||
            pair->zone > UINT16_MAX || pair->share_ppm > VPR_PPM) {
            fail_load(load, "requestor", "its pairs are no pairs");
            return;
        }
        load->pairs[load->pair_count++] = (struct pair){.chain = (uint16_t)pair->chain,
                                                        .zone = (uint16_t)pair->zone,
                                                        .share_ppm = pair->share_ppm};
    }
}

static void told_pool(struct vpr_view *view, const struct ask *ask,
                      const Viper__V1__QueryPoolResponse *told)
{
    struct pair *pair = &view->load->pairs[ask->pair];
    struct pool *pool = ask->index == 1 ? &pair->fishermen : &pair->servicers;

    if (pool->count + told->n_members > VPR_VIEW_POOL_MAX) {
        fail_load(view->load, "pool", "more members than can be held");
        return;
    }
    if (pool->count + told->n_members > pool->size) {
        pool->size = 2 * (pool->count + told->n_members);
        pool->members = vpr_mem_resize(pool->members, pool->size * sizeof pool->members[0]);
    }
    for (size_t i = 0; i < told->n_members; i++) {
        struct vpr_pool_member *member = &pool->members[pool->count++];
        member->weight = told->members[i]->weight;
        if (!address_told(&member->id, told->members[i]->id) ||
            !address_told(&member->owner, told->members[i]->owner)) {
            fail_load(view->load, "pool", "a member is no address");
            return;
        }
    }
    if (told->pagination != NULL && told->pagination->next_key.len > 0 && told->n_members > 0) {
        ask_pool(view, ask->pair, ask->index,
                 vpr_bytes_of(told->pagination->next_key.data,
                              told->pagination->next_key.len));
    }
}

static void told_bench(struct vpr_view *view, const struct ask *ask,
                       const Viper__V1__QueryBenchResponse *told)
{
    struct pair *pair = &view->load->pairs[ask->pair];
    struct vpr_err err;

    if (vpr_panel_check(pair->panel, told, &err) == VPR_OK) {
        pair->same = true;
        return;
    }
    view->load->mismatch = true;
    vpr_log_error("gateway", "the node draws otherwise: this pair is not used",
                  "session=%" PRIu64 " chain=%04x zone=%04x why=%s", pair->panel->session,
                  pair->chain, pair->zone, err.text);
}

static void told_servicer(const struct ask *ask, const Viper__V1__QueryServicerResponse *told)
{
    struct vpr_seat *seat = &ask->panel->seats[ask->index];

    if (told->actor == NULL || told->relay_key.len != sizeof seat->relay_key.b) {
        return;
    }
    size_t len = strlen(told->actor->url);
    while (len > 0 && told->actor->url[len - 1] == '/') {
        len--; /* the relay's path begins with one */
    }
    if (len >= sizeof seat->url) {
        return;
    }
    if (seat->known &&
        (strlen(seat->url) != len || memcmp(seat->url, told->actor->url, len) != 0)) {
        vpr_log_info("gateway", "servicer moved", "servicer=%s url=%.*s", told->actor->id,
                     (int)len, told->actor->url);
        vpr_health_moved(seat->health);
    }
    memcpy(seat->url, told->actor->url, len);
    seat->url[len] = '\0';
    if (seat->known) {
        return; /* keys and scores are the session's */
    }
    memcpy(seat->relay_key.b, told->relay_key.data, sizeof seat->relay_key.b);
    for (size_t i = 0; i < told->n_scores; i++) {
        const Viper__V1__ScoreInfo *score = told->scores[i];
        if (score->chain == ask->panel->chain && score->zone == ask->panel->zone &&
            score->score_ppm <= VPR_PPM) {
            seat->score_ppm = (uint32_t)score->score_ppm;
        }
    }
    seat->known = true;
}

static void told_fisherman(const struct ask *ask, const Viper__V1__QueryFishermanResponse *told)
{
    struct vpr_watcher *watcher = &ask->panel->watchers[ask->index];

    if (told->actor != NULL &&
        address_told(&watcher->operator_address, told->actor->operator_)) {
        watcher->known = true;
    }
}

static void told_any(struct vpr_view *view, const struct ask *ask,
                     const ProtobufCMessage *message)
{
    switch (ask->kind) {
    case ASK_REQUESTOR:
        told_requestor(view, (const Viper__V1__QueryRequestorResponse *)message);
        break;
    case ASK_CHAINS:
        vpr_chain_list_read(&view->load->chains,
                            (const Viper__V1__QueryChainsResponse *)message);
        break;
    case ASK_POOL:
        told_pool(view, ask, (const Viper__V1__QueryPoolResponse *)message);
        break;
    case ASK_BENCH:
        told_bench(view, ask, (const Viper__V1__QueryBenchResponse *)message);
        break;
    case ASK_SERVICER:
        told_servicer(ask, (const Viper__V1__QueryServicerResponse *)message);
        break;
    case ASK_FISHERMAN:
        told_fisherman(ask, (const Viper__V1__QueryFishermanResponse *)message);
        break;
    }
}

/* ---- a load ---- */

static void end_load(struct vpr_view *view)
{
    struct load *load = view->load;

    if (load == NULL) {
        return;
    }
    for (struct ask *ask = view->asks, *after; ask != NULL; ask = after) {
        after = ask->after;
        if (!ask->refresh) {
            vpr_node_cancel(ask->call);
            free_ask(ask);
        }
    }
    for (size_t i = 0; i < load->pair_count; i++) {
        vpr_mem_free(load->pairs[i].servicers.members);
        vpr_mem_free(load->pairs[i].fishermen.members);
        vpr_panel_release(load->pairs[i].panel);
    }
    vpr_chain_list_finish(&load->chains);
    vpr_mem_free(load);
    view->load = NULL;
}

static void draw_pair(struct vpr_view *view, struct pair *pair, struct vpr_arena *arena)
{
    struct load *load = view->load;
    const Viper__V1__Params *params = &load->session.params;
    const struct vpr_panel_facts facts = {
        .chain_id = vpr_bytes_str(load->chain_id),
        .session = load->session.number,
        .first = load->session.first,
        .last = load->session.last,
        .grace_blocks = params->grace_blocks,
        .seed = load->session.seed,
        .cu_per_usd = params->cu_per_usd,
        .cu_price_min = params->cu_price_min,
        .sample_share_ppm = params->sample_share,
        .fishermen_per_session = params->fishermen_per_session,
        .requestor = view->config.requestor,
        .owner = load->owner,
        .usd = load->usd,
        .budget_uvipr = load->budget_uvipr,
        .num_servicers = load->num_servicers,
        .share_ppm = pair->share_ppm,
        .chain = pair->chain,
        .zone = pair->zone,
        .servicers = pair->servicers.members,
        .servicer_count = pair->servicers.count,
        .fishermen = pair->fishermen.members,
        .fisherman_count = pair->fishermen.count,
        .arena = arena,
    };
    struct vpr_err err;

    const enum vpr_code code = vpr_panel_draw(&pair->panel, &facts, &err);
    if (code == VPR_NO_SESSION) {
        vpr_log_warn("gateway", "pair has no session", "why=%s", err.text);
    } else if (code != VPR_OK) {
        fail_load(load, "draw", err.text);
    }
}

static void dress_panel(struct vpr_view *view, struct vpr_panel *panel)
{
    struct load *load = view->load;

    const struct vpr_chain_entry *chain = vpr_chain_list_find(&load->chains, panel->chain);
    if (chain != NULL) {
        memcpy(panel->name, chain->name, sizeof panel->name);
        for (size_t i = 0; i < chain->costs.count; i++) {
            vpr_costs_add(&panel->costs, chain->costs.rows[i].method, chain->costs.rows[i].cu);
        }
        panel->corpus = view->config.corpus(view->config.arg, panel->chain, &chain->corpus);
    }
    for (uint32_t i = 0; i < panel->seat_count; i++) {
        panel->seats[i].health =
            vpr_healths_hold(&view->healths, &panel->seats[i].id, panel->chain);
        if (panel->seats[i].health == NULL) {
            fail_load(load, "health", "too many servicers are remembered");
        }
    }
    if (!view->config.sign(view->config.arg, &panel->pass.token)) {
        fail_load(load, "token", "it could not be signed");
    }
}

static void ask_seats(struct vpr_view *view)
{
    struct load *load = view->load;
    struct vpr_arena arena;

    vpr_arena_init(&arena, DRAW_ARENA_BYTES);
    for (size_t i = 0; i < load->pair_count && !load->failed; i++) {
        const size_t mark = vpr_arena_mark(&arena);
        draw_pair(view, &load->pairs[i], &arena);
        vpr_arena_release(&arena, mark);
    }
    vpr_arena_finish(&arena);
    for (size_t i = 0; i < load->pair_count && !load->failed; i++) {
        struct vpr_panel *panel = load->pairs[i].panel;
        char path[VPR_NODE_PATH_BYTES_MAX], sid[2 * sizeof panel->sid.b + 1];
        if (panel == NULL) {
            continue;
        }
        dress_panel(view, panel);
        vpr_hex(sid, panel->sid.b, sizeof panel->sid.b);
        snprintf(path, sizeof path, "/viper/v1/sessions/%" PRIu64 "/%s", panel->session, sid);
        const struct ask ask = {.kind = ASK_BENCH, .pair = i};
        ask_path(view, &ask, path);
        ask_people(view, panel, i, false);
    }
}

static void log_panel(const struct vpr_panel *panel)
{
    char sid[2 * sizeof panel->sid.b + 1];

    vpr_hex(sid, panel->sid.b, sizeof panel->sid.b);
    vpr_log_info("gateway", "session opened",
                 "session=%" PRIu64 " chain=%04x zone=%04x sid=%s first=%" PRIu64
                 " last=%" PRIu64 " servicers=%" PRIu32 " fishermen=%" PRIu32
                 " quota_cu=%" PRIu64 " samples=%s",
                 panel->session, panel->chain, panel->zone, sid, panel->first, panel->last,
                 panel->seat_count, panel->watcher_count, panel->quota_cu,
                 panel->corpus == NULL ? "none" : "granted");
}

static void publish(struct vpr_view *view)
{
    struct load *load = view->load;
    struct vpr_metrics *metrics = view->config.metrics;

    retire_all(view);
    for (size_t i = 0; i < load->pair_count; i++) {
        struct pair *pair = &load->pairs[i];
        if (pair->panel == NULL || !pair->same) {
            continue;
        }
        pair->panel->made_ms = vpr_mono_ms();
        view->panels[view->panel_count++] = vpr_panel_hold(pair->panel);
        log_panel(pair->panel);
    }
    view->has_session = true;
    view->session = load->session.number;
    vpr_chain_list_finish(&view->chains);
    view->chains = load->chains;
    load->chains = (struct vpr_chain_list){0};
    vpr_metric_add(metrics, VPR_METER_LOADS, load->mismatch ? VPR_LOAD_MISMATCH : VPR_LOAD_OK,
                   0, 1);
    vpr_metric_set(metrics, VPR_METER_SESSION, 0, 0, (int64_t)view->session);
    vpr_metric_set(metrics, VPR_METER_PANELS, 0, 0, (int64_t)view->panel_count);
    end_load(view);
}

static void give_up(struct vpr_view *view)
{
    vpr_log_warn("gateway", "session not read, trying again", "session=%" PRIu64 " why=%s",
                 view->load->session.number, view->load->why.text);
    vpr_metric_add(view->config.metrics, VPR_METER_LOADS, VPR_LOAD_FAILED, 0, 1);
    end_load(view);
    vpr_timer_once(view->retry, VPR_VIEW_RETRY_MS);
}

/* Everybody drawn must be known: a servicer without URL or key cannot be asked, a fisherman
 * without operator not be granted. */
static void check_people(struct load *load)
{
    for (size_t i = 0; i < load->pair_count; i++) {
        const struct vpr_panel *panel = load->pairs[i].panel;
        for (uint32_t j = 0; panel != NULL && j < panel->seat_count; j++) {
            if (!panel->seats[j].known) {
                fail_load(load, "servicer", "its answer has no key");
            }
        }
        for (uint32_t j = 0; panel != NULL && j < panel->watcher_count; j++) {
            if (!panel->watchers[j].known) {
                fail_load(load, "fisherman", "its answer has no operator");
            }
        }
    }
}

static void next_stage(struct vpr_view *view)
{
    struct load *load = view->load;

    switch (load->stage) {
    case RECORD:
        load->stage = POOLS;
        for (size_t i = 0; i < load->pair_count && !load->failed; i++) {
            ask_pool(view, i, 0, (struct vpr_bytes){NULL, 0});
            ask_pool(view, i, 1, (struct vpr_bytes){NULL, 0});
        }
        break;
    case POOLS:
        load->stage = SEATS;
        ask_seats(view);
        break;
    case SEATS:
        check_people(load);
        if (load->failed) {
            break;
        }
        if (load->height_low != load->height_high && load->tries < TRIES_MAX) {
            const uint32_t tries = load->tries;
            end_load(view);
            begin(view, tries + 1);
            return;
        }
        publish(view);
        return;
    }
    if (load->failed) {
        give_up(view);
    } else if (load->waiting == 0) {
        next_stage(view); /* nobody to ask: at most three deep */
    }
}

static void note_height(struct load *load, uint64_t height)
{
    if (height < load->session.first) {
        fail_load(load, "the node", "an answer is older than the session");
    }
    if (load->height_low == 0 || height < load->height_low) {
        load->height_low = height;
    }
    if (height > load->height_high) {
        load->height_high = height;
    }
}

static void on_told(void *arg, const struct vpr_node_answer *answer)
{
    static const char *const names[] = {"requestor", "chains",   "pool",
                                        "draw",      "servicer", "fisherman"};
    struct ask *ask = arg;
    struct vpr_view *view = ask->view;

    ask->call = NULL;
    if (ask->refresh) {
        if (answer->ok) {
            told_any(view, ask, answer->message);
        }
        free_ask(ask);
        return;
    }
    struct load *load = view->load;
    VPR_ASSERT(load->waiting > 0);
    load->waiting--;
    if (!answer->ok) {
        fail_load(load, names[ask->kind], answer->error);
    } else {
        note_height(load, answer->height);
        if (!load->failed) {
            told_any(view, ask, answer->message);
        }
    }
    free_ask(ask);
    if (load->waiting == 0) {
        if (load->failed) {
            give_up(view);
        } else {
            next_stage(view);
        }
    }
}

static void begin(struct vpr_view *view, uint32_t tries)
{
    const struct vpr_tip *tip = vpr_follow_tip(view->config.follow);
    const struct vpr_followed *session =
        tip == NULL ? NULL : vpr_follow_session(view->config.follow, tip->session);

    if (session == NULL || (view->has_session && view->session == session->number)) {
        return;
    }
    end_load(view);
    vpr_timer_stop(view->retry);
    struct load *load = vpr_mem_alloc(sizeof *load);
    load->session = *session;
    load->tries = tries;
    snprintf(load->chain_id, sizeof load->chain_id, "%s", tip->chain_id);
    view->load = load;
    const struct ask requestor = {.kind = ASK_REQUESTOR};
    ask_actor(view, &requestor, session->number, &view->config.requestor);
    const struct ask chains = {.kind = ASK_CHAINS};
    char path[VPR_NODE_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "/viper/v1/chains?session=%" PRIu64, session->number);
    ask_path(view, &chains, path);
    if (load->waiting == 0) {
        give_up(view);
    }
}

/* ---- following ---- */

static void on_session(void *arg)
{
    begin(arg, 1);
}

static void on_height(void *arg)
{
    struct vpr_view *view = arg;
    const struct vpr_tip *tip = vpr_follow_tip(view->config.follow);

    vpr_metric_set(view->config.metrics, VPR_METER_HEIGHT, 0, 0, (int64_t)tip->height);
}

static void on_retry(void *arg)
{
    begin(arg, 1);
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    vpr_log_warn("gateway", "the node does not answer", "why=%s", why == NULL ? "" : why);
}

/* The node was rolled back or is another chain: nothing we hold is of use. */
static void on_back(void *arg)
{
    struct vpr_view *view = arg;

    vpr_log_warn("gateway", "the chain went back, sessions are read anew", NULL);
    end_load(view);
    retire_all(view);
    view->has_session = false;
    vpr_timer_once(view->retry, VPR_VIEW_RETRY_MS);
}

static void on_refresh(void *arg)
{
    struct vpr_view *view = arg;
    const struct vpr_tip *tip = vpr_follow_tip(view->config.follow);

    for (const struct ask *ask = view->asks; ask != NULL; ask = ask->after) {
        if (ask->refresh) {
            return; /* the last round is not over */
        }
    }
    for (size_t i = 0; i < view->panel_count && tip->session == view->session; i++) {
        ask_people(view, view->panels[i], i, true);
    }
}

struct vpr_view *vpr_view_create(const struct vpr_view_config *config)
{
    static const struct vpr_follow_hooks hooks = {
        .on_height = on_height, .on_session = on_session, .on_lost = on_lost,
        .on_back = on_back};
    struct vpr_view *view = vpr_mem_alloc(sizeof *view);

    view->config = *config;
    view->node = vpr_follow_node(config->follow);
    view->retry = vpr_timer_create(config->loop, on_retry, view);
    view->refresh = vpr_timer_create(config->loop, on_refresh, view);
    vpr_timer_every(view->refresh, VPR_VIEW_REFRESH_MS);
    vpr_follow_listen(config->follow, &hooks, view);
    return view;
}

void vpr_view_destroy(struct vpr_view *view)
{
    if (view == NULL) {
        return;
    }
    end_load(view);
    while (view->asks != NULL) {
        vpr_node_cancel(view->asks->call);
        free_ask(view->asks);
    }
    for (size_t i = 0; i < view->panel_count; i++) {
        vpr_panel_release(view->panels[i]);
    }
    vpr_timer_destroy(view->retry);
    vpr_timer_destroy(view->refresh);
    vpr_chain_list_finish(&view->chains);
    vpr_healths_finish(&view->healths);
    vpr_mem_free(view);
}

size_t vpr_view_panels(const struct vpr_view *view,
                       struct vpr_panel *ret[VPR_PANEL_PAIRS_MAX])
{
    const struct vpr_tip *tip = vpr_follow_tip(view->config.follow);
    size_t count = 0;

    for (size_t i = 0; i < view->panel_count; i++) {
        if (vpr_panel_live(view->panels[i], tip->height)) {
            ret[count++] = view->panels[i];
        }
    }
    return count;
}

bool vpr_view_chain(const struct vpr_view *view, uint16_t *ret_chain, struct vpr_bytes text)
{
    return vpr_chain_list_id(&view->chains, ret_chain, text);
}

bool vpr_view_session(const struct vpr_view *view, uint64_t *ret_session)
{
    *ret_session = view->session;
    return view->has_session;
}
