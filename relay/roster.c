#include "relay/roster.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "viper/v1/query.pb-c.h"

#define RETRY_MS 250
#define CLOSE_MS 50        /* how often a session past its grace is looked at */
#define LATE_BLOCKS 2      /* after the grace; then answers under way are given up */
#define DISK_SESSIONS_MAX 64

/* What an opening session asks next. */
enum opening { SERVICER, CHAINS, SIDS, REQUESTORS, OPEN };

struct post {
    struct vpr_roster *roster;
    struct vpr_served served;
    enum opening opening;
    struct vpr_node_call *call;
    struct vpr_timer *retry;
    uint32_t cursor; /* of the sids whose requestor is asked */
    bool handed;     /* to the commits */
    bool told;       /* that the chain does not know the servicer */
};

struct vpr_roster {
    struct vpr_roster_config config;
    char servicer_text[VPR_ADDRESS_TEXT_MAX];
    struct vpr_timer *closer;
    char chain_id[VPR_CHAIN_ID_TEXT_MAX]; /* whose leaves are on disk; "": nobody's yet */
    bool looked_at_disk;
    uint64_t looked_in; /* the session in which it last was */
    size_t count;
    struct post *posts[VPR_SERVED_MAX];
};

static void ask(void *arg);

static void later(struct post *post, const char *what, const struct vpr_node_answer *answer)
{
    vpr_log_debug("relay", "session cannot be opened yet", "session=%" PRIu64 " asked=%s why=%s",
                  post->served.work->session, what, answer->error);
    vpr_timer_once(post->retry, RETRY_MS);
}

static void next(struct post *post, enum opening opening)
{
    post->opening = opening;
    ask(post);
}

/* ---- opening ---- */

static void use_key(struct post *post, ProtobufCBinaryData key)
{
    const struct vpr_roster_config *config = &post->roster->config;

    for (size_t i = 0; i < config->key_count; i++) {
        if (key.len == sizeof config->keys[i].public_key.b &&
            memcmp(key.data, config->keys[i].public_key.b, key.len) == 0) {
            post->served.sign = config->keys[i].sign;
            post->served.sign_arg = config->keys[i].arg;
        }
    }
}

static void on_servicer(void *arg, const struct vpr_node_answer *answer)
{
    struct post *post = arg;
    const uint64_t session = post->served.work->session;

    post->call = NULL;
    if (!answer->ok) {
        if (answer->status == 404 && !post->told) {
            post->told = true;
            vpr_log_warn("relay", "the chain knows no such servicer", "id=%s",
                         post->roster->servicer_text);
        }
        later(post, "servicer", answer);
        return;
    }
    const Viper__V1__QueryServicerResponse *m =
        (const Viper__V1__QueryServicerResponse *)answer->message;
    use_key(post, m->relay_key);
    if (post->served.sign == NULL) {
        /* A receipt under another key is none: better to serve nothing, and to say so. */
        if (m->eligible) {
            vpr_log_error("relay", "neither relay-key nor relay-key-next is the one on the chain",
                          "session=%" PRIu64, session);
        }
        post->served.ready = true;
        post->opening = OPEN;
        return;
    }
    next(post, CHAINS);
}

static void take_costs(struct post *post, const Viper__V1__QueryChainsResponse *m)
{
    const struct vpr_backends *backends = post->roster->config.backends;

    for (size_t i = 0; i < m->n_chains; i++) {
        const int at = vpr_backends_find(backends, (uint16_t)m->chains[i]->id);
        for (size_t j = 0; at >= 0 && j < m->chains[i]->n_methods; j++) {
            vpr_costs_add(&post->served.costs[at], m->chains[i]->methods[j]->method,
                          m->chains[i]->methods[j]->cu);
        }
    }
}

static void on_chains(void *arg, const struct vpr_node_answer *answer)
{
    struct post *post = arg;

    post->call = NULL;
    if (!answer->ok) {
        later(post, "chains", answer);
        return;
    }
    take_costs(post, (const Viper__V1__QueryChainsResponse *)answer->message);
    next(post, SIDS);
}

/* The node's word is checked where it can be: a sid is a hash of what it stands for. */
static bool read_sid(const struct post *post, const Viper__V1__SidInfo *from,
                     struct vpr_sid_info *ret)
{
    const struct vpr_tip *tip = vpr_follow_tip(post->roster->config.follow);
    struct vpr_sid_info info = {.chain = (uint16_t)from->chain, .zone = (uint16_t)from->zone,
                                .quota_cu = from->quota_cu};

    if (from->chain > UINT16_MAX || from->zone > UINT16_MAX ||
        from->sid.len != sizeof info.sid.b ||
        !vpr_address_parse(&info.requestor, VPR_PREFIX_ACCOUNT,
                           vpr_bytes_str(from->requestor))) {
        return false;
    }
    memcpy(info.sid.b, from->sid.data, sizeof info.sid.b);
    const struct vpr_hash sid = vpr_sid(vpr_bytes_str(tip->chain_id), post->served.work->session,
                                        &info.requestor, info.chain, info.zone);
    if (!vpr_hash_equal(&sid, &info.sid)) {
        return false;
    }
    *ret = info;
    return true;
}

static void on_sids(void *arg, const struct vpr_node_answer *answer)
{
    struct post *post = arg;
    struct vpr_work *work = post->served.work;
    struct vpr_sid_info info;
    uint32_t wrong = 0;

    post->call = NULL;
    if (!answer->ok) {
        later(post, "sids", answer);
        return;
    }
    const Viper__V1__QuerySidsResponse *m =
        (const Viper__V1__QuerySidsResponse *)answer->message;
    for (size_t i = 0; i < m->n_sids; i++) {
        if (!read_sid(post, m->sids[i], &info) || vpr_work_add(work, &info) == NULL) {
            wrong++;
        }
    }
    if (wrong > 0) {
        vpr_log_warn("relay", "sids that do not fit are left out",
                     "session=%" PRIu64 " count=%" PRIu32, work->session, wrong);
    }
    post->cursor = 0;
    next(post, REQUESTORS);
}

static void take_keys(struct post *post, const Viper__V1__QueryRequestorResponse *m)
{
    struct vpr_work *work = post->served.work;
    const struct vpr_address requestor = work->sids[post->cursor]->info.requestor;

    for (uint32_t i = post->cursor; i < work->sid_count; i++) {
        struct vpr_sid_work *sid = work->sids[i];
        uint32_t count = 0;
        if (!vpr_address_equal(&sid->info.requestor, &requestor)) {
            continue;
        }
        for (size_t j = 0; j < m->n_gateway_keys && j < VPR_GATEWAY_KEYS_MAX; j++) {
            /* A key of another length stays zero, which verifies nothing: numbers count. */
            if (m->gateway_keys[j].len == sizeof sid->gateway_keys[0].b) {
                memcpy(sid->gateway_keys[count].b, m->gateway_keys[j].data,
                       sizeof sid->gateway_keys[0].b);
            }
            count++;
        }
        sid->gateway_key_count = count;
    }
}

static void on_requestor(void *arg, const struct vpr_node_answer *answer)
{
    struct post *post = arg;

    post->call = NULL;
    if (!answer->ok && answer->status != 404) {
        later(post, "requestor", answer);
        return;
    }
    if (answer->ok) {
        take_keys(post, (const Viper__V1__QueryRequestorResponse *)answer->message);
    }
    post->cursor++;
    ask(post);
}

static void ask_requestor(struct post *post)
{
    const struct vpr_work *work = post->served.work;
    char text[VPR_ADDRESS_TEXT_MAX];

    while (post->cursor < work->sid_count &&
           work->sids[post->cursor]->gateway_key_count > 0) {
        post->cursor++;
    }
    if (post->cursor == work->sid_count) {
        post->opening = OPEN;
        post->served.ready = true;
        vpr_log_info("relay", "session is open",
                     "session=%" PRIu64 " first=%" PRIu64 " last=%" PRIu64 " sids=%" PRIu32
                     " quota_cu=%" PRIu64 " leaves=%" PRIu64,
                     work->session, work->first, work->last, work->sid_count, work->quota_sum,
                     work->answered);
        return;
    }
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &work->sids[post->cursor]->info.requestor);
    post->call = vpr_node_get(vpr_follow_node(post->roster->config.follow),
                              &viper__v1__query_requestor_response__descriptor, on_requestor,
                              post, "/viper/v1/requestors/%s?session=%" PRIu64, text,
                              work->session);
}

static void ask(void *arg)
{
    struct post *post = arg;
    struct vpr_node *node = vpr_follow_node(post->roster->config.follow);
    const char *id = post->roster->servicer_text;
    const uint64_t session = post->served.work->session;

    switch (post->opening) {
    case SERVICER:
        post->call = vpr_node_get(node, &viper__v1__query_servicer_response__descriptor,
                                  on_servicer, post,
                                  "/viper/v1/servicers/%s?session=%" PRIu64, id, session);
        break;
    case CHAINS:
        post->call = vpr_node_get(node, &viper__v1__query_chains_response__descriptor,
                                  on_chains, post, "/viper/v1/chains?session=%" PRIu64, session);
        break;
    case SIDS:
        post->call = vpr_node_get(node, &viper__v1__query_sids_response__descriptor, on_sids,
                                  post, "/viper/v1/servicers/%s/sids?session=%" PRIu64, id,
                                  session);
        break;
    case REQUESTORS:
        ask_requestor(post);
        break;
    case OPEN:
        return;
    }
    if (post->call == NULL && post->opening != OPEN) {
        vpr_timer_once(post->retry, RETRY_MS);
    }
}

/* ---- the list ---- */

static void tell_serve(struct vpr_roster *roster)
{
    struct vpr_served *list[VPR_SERVED_MAX];
    size_t count = 0;

    for (size_t i = 0; i < roster->count; i++) {
        if (!roster->posts[i]->handed) {
            list[count] = &roster->posts[i]->served;
            count++;
        }
    }
    vpr_serve_sessions(roster->config.serve, list, count);
}

static void post_free(struct post *post)
{
    vpr_node_cancel(post->call);
    vpr_timer_destroy(post->retry);
    for (size_t i = 0; i < VPR_BACKENDS_MAX; i++) {
        vpr_costs_finish(&post->served.costs[i]);
    }
    vpr_work_destroy(post->served.work);
    vpr_mem_free(post);
}

static struct post *find(const struct vpr_roster *roster, uint64_t session)
{
    for (size_t i = 0; i < roster->count; i++) {
        if (roster->posts[i]->served.work->session == session) {
            return roster->posts[i];
        }
    }
    return NULL;
}

static void open_session(struct vpr_roster *roster, const struct vpr_followed *followed)
{
    struct vpr_err err;

    if (roster->count == VPR_SERVED_MAX) {
        vpr_log_error("relay", "too many sessions are open", "session=%" PRIu64,
                      followed->number);
        return;
    }
    struct post *post = vpr_mem_alloc(sizeof *post);
    post->roster = roster;
    post->retry = vpr_timer_create(roster->config.loop, ask, post);
    post->served.work = vpr_work_create(followed->number, followed->first, followed->last,
                                        followed->params.grace_blocks, &roster->config.risk);
    struct vpr_restore restore = {post->served.work, 0, 0};
    if (vpr_leaves_open(&post->served.segment, roster->config.leaves, followed->number,
                        &roster->config.servicer, vpr_restore_record, &restore,
                        &err) != VPR_OK) {
        vpr_log_error("relay", "leaves cannot be opened", "session=%" PRIu64 " why=%s",
                      followed->number, err.text);
        post_free(post);
        return;
    }
    if (restore.leaves > 0 || restore.skipped > 0) {
        vpr_log_info("relay", "leaves found on disk",
                     "session=%" PRIu64 " leaves=%" PRIu64 " skipped=%" PRIu64,
                     followed->number, restore.leaves, restore.skipped);
    }
    roster->posts[roster->count] = post;
    roster->count++;
    tell_serve(roster);
    next(post, SERVICER);
}

/* ---- closing ---- */

static void hand_over(struct post *post)
{
    struct vpr_roster *roster = post->roster;
    const uint64_t session = post->served.work->session;

    post->handed = true;
    tell_serve(roster);
    vpr_node_cancel(post->call);
    post->call = NULL;
    vpr_timer_stop(post->retry);
    vpr_leaves_close(post->served.segment);
    post->served.segment = NULL;
    vpr_log_info("relay", "session is closed",
                 "session=%" PRIu64 " relays=%" PRIu64 " cu=%" PRIu64, session,
                 post->served.work->answered, post->served.work->leaves_cu);
    if (!vpr_commits_add(roster->config.commits, session)) {
        vpr_log_error("relay", "too many sessions wait to be settled", "session=%" PRIu64,
                      session);
    }
}

/* True if a post went away. */
static bool close_post(struct vpr_roster *roster, size_t at, uint64_t height)
{
    struct post *post = roster->posts[at];
    struct vpr_work *work = post->served.work;

    if (height + 1 < work->first || vpr_work_open(work, height)) {
        return false;
    }
    if (work->pending == 0 || height > work->last + work->grace_blocks + LATE_BLOCKS) {
        post->served.sealed = true;
    }
    if (post->served.sealed && post->served.syncing == 0 && !post->handed) {
        hand_over(post);
    }
    if (post->handed && work->pending == 0) {
        roster->count--;
        roster->posts[at] = roster->posts[roster->count];
        post_free(post);
        return true;
    }
    return false;
}

static void close_due(void *arg)
{
    struct vpr_roster *roster = arg;
    const struct vpr_tip *tip = vpr_follow_tip(roster->config.follow);

    if (tip == NULL) {
        return;
    }
    for (size_t i = roster->count; i > 0; i--) {
        close_post(roster, i - 1, tip->height);
    }
}

/* ---- one home, one chain ---- */

static void chain_path(char path[VPR_LEAVES_PATH_MAX], const struct vpr_roster *roster)
{
    snprintf(path, VPR_LEAVES_PATH_MAX, "%s/chain-id", roster->config.dir);
}

static void read_chain_id(struct vpr_roster *roster)
{
    char path[VPR_LEAVES_PATH_MAX];
    struct vpr_buf text;
    struct vpr_err err;

    chain_path(path, roster);
    vpr_buf_init(&text, sizeof roster->chain_id);
    if (vpr_file_read(&text, path, &err) == VPR_OK) {
        snprintf(roster->chain_id, sizeof roster->chain_id, "%.*s",
                 (int)strcspn(text.data, "\n"), text.data);
    }
    vpr_buf_finish(&text);
}

/* Leaves of another network would look old here, be taken for settled and deleted. */
static bool chain_fits(struct vpr_roster *roster, const struct vpr_tip *tip)
{
    char path[VPR_LEAVES_PATH_MAX], line[VPR_CHAIN_ID_TEXT_MAX + 1];
    struct vpr_err err;

    if (strcmp(roster->chain_id, tip->chain_id) == 0) {
        return true;
    }
    if (roster->chain_id[0] != '\0') {
        vpr_log_error("relay", "other network: correct node, or take a home of its own",
                      "node=%s home=%s", tip->chain_id, roster->chain_id);
        vpr_loop_stop(roster->config.loop);
        return false;
    }
    chain_path(path, roster);
    snprintf(line, sizeof line, "%s\n", tip->chain_id);
    if (vpr_file_write(path, vpr_bytes_str(line), 0600, &err) == VPR_OK) {
        snprintf(roster->chain_id, sizeof roster->chain_id, "%s", tip->chain_id);
    } else {
        vpr_log_warn("relay", "chain-id is not kept", "why=%s", err.text);
    }
    return true;
}

/* ---- the chain moves ---- */

/* Once a session: what is over on disk goes to the commits.  A node that was behind when we
 * started may have hurried past more than one session since. */
static void look_at_disk(struct vpr_roster *roster, const struct vpr_tip *tip)
{
    uint64_t sessions[DISK_SESSIONS_MAX];
    const size_t count = vpr_leaves_list(roster->config.dir, sessions, DISK_SESSIONS_MAX);

    const bool first = !roster->looked_at_disk;
    roster->looked_at_disk = true;
    roster->looked_in = tip->session;
    for (size_t i = 0; i < count; i++) {
        if (sessions[i] > tip->session && first) {
            vpr_log_warn("relay", "leaves of a session that the chain has not reached",
                         "session=%" PRIu64 " running=%" PRIu64, sessions[i], tip->session);
        } else if (sessions[i] + 1 < tip->session && find(roster, sessions[i]) == NULL &&
                   !vpr_commits_add(roster->config.commits, sessions[i])) {
            vpr_log_error("relay", "too many sessions wait to be settled", "session=%" PRIu64,
                          sessions[i]);
        }
    }
}

static void open_due(struct vpr_roster *roster, const struct vpr_tip *tip)
{
    char path[VPR_LEAVES_PATH_MAX];

    for (uint64_t back = 0; back <= 1 && back <= tip->session; back++) {
        const uint64_t number = tip->session - back;
        const struct vpr_followed *followed = vpr_follow_session(roster->config.follow, number);
        if (followed == NULL || find(roster, number) != NULL ||
            vpr_commits_has(roster->config.commits, number)) {
            continue;
        }
        if (tip->height <= followed->last + followed->params.grace_blocks) {
            open_session(roster, followed);
            continue;
        }
        /* Over, but with leaves from before a restart. */
        vpr_leaves_path(path, roster->config.dir, number);
        if (vpr_file_exists(path)) {
            vpr_commits_add(roster->config.commits, number);
        }
    }
}

static void on_height(void *arg)
{
    struct vpr_roster *roster = arg;
    const struct vpr_tip *tip = vpr_follow_tip(roster->config.follow);

    if (!chain_fits(roster, tip)) {
        return;
    }
    vpr_serve_height(roster->config.serve, tip->height);
    if (!roster->looked_at_disk || roster->looked_in != tip->session) {
        look_at_disk(roster, tip);
    }
    close_due(roster);
    open_due(roster, tip);
    vpr_commits_height(roster->config.commits);
}

static void on_lost(void *arg, const char *why)
{
    (void)arg;
    vpr_log_warn("relay", "the node does not answer", "why=%s", why);
}

static void on_back(void *arg)
{
    struct vpr_roster *roster = arg;
    const struct vpr_tip *tip = vpr_follow_tip(roster->config.follow);

    vpr_log_error("relay", "the chain went back", "height=%" PRIu64 " session=%" PRIu64,
                  tip->height, tip->session);
}

struct vpr_roster *vpr_roster_create(const struct vpr_roster_config *config)
{
    static const struct vpr_follow_hooks hooks = {.on_height = on_height, .on_past = on_height,
                                                  .on_lost = on_lost, .on_back = on_back};
    struct vpr_roster *roster = vpr_mem_alloc(sizeof *roster);

    roster->config = *config;
    vpr_address_text(roster->servicer_text, VPR_PREFIX_ACCOUNT, &config->servicer);
    read_chain_id(roster);
    roster->closer = vpr_timer_create(config->loop, close_due, roster);
    vpr_timer_every(roster->closer, CLOSE_MS);
    vpr_follow_listen(config->follow, &hooks, roster);
    return roster;
}

void vpr_roster_destroy(struct vpr_roster *roster)
{
    if (roster == NULL) {
        return;
    }
    vpr_timer_destroy(roster->closer);
    for (size_t i = 0; i < roster->count; i++) {
        post_free(roster->posts[i]);
    }
    vpr_mem_free(roster);
}

void vpr_roster_state(const struct vpr_roster *roster, struct vpr_roster_state *ret)
{
    const struct vpr_tip *tip = vpr_follow_tip(roster->config.follow);
    const struct post *post = tip == NULL ? NULL : find(roster, tip->session);

    memset(ret, 0, sizeof *ret);
    for (size_t i = 0; i < roster->count; i++) {
        ret->open += !roster->posts[i]->handed;
    }
    if (post == NULL) {
        return;
    }
    const struct vpr_work *work = post->served.work;
    ret->running = post->served.ready && post->served.sign != NULL;
    ret->keyless = post->served.ready && post->served.sign == NULL;
    ret->sids = work->sid_count;
    ret->quota_cu = work->quota_sum;
    ret->answered_cu = work->leaves_cu;
    for (uint32_t i = 0; i < work->sid_count; i++) {
        ret->unacknowledged_cu += vpr_sid_unacknowledged(work->sids[i]);
    }
}
