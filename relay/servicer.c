#include "relay/servicer.h"

#include <stdio.h>

#include "app/base/mem.h"
#include "app/client/daemon.h"
#include "app/client/page.h"
#include "app/client/purse.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/host/metrics.h"
#include "app/rules/ids.h"
#include "viper/v1/query.pb-c.h"

#define RECORD_MS 15000
#define STOP_MS 5000
#define ROOM_BYTES_MIN (64 * 1024) /* on the disk: for a session's file and some leaves */

enum row {
    ROW_RELAYS,
    ROW_REFUSALS,
    ROW_LATENCY,
    ROW_SYNCS,
    ROW_LEAF_BYTES,
    ROW_IN_FLIGHT,
    ROW_SESSIONS_OPEN,
    ROW_SIDS,
    ROW_QUOTA,
    ROW_ANSWERED_CU,
    ROW_UNACKNOWLEDGED_CU,
    ROW_UNSETTLED,
    ROW_SETTLED,
    ROW_CLAIMS,
    ROW_REWARD,
    ROW_BALANCE,
    ROW_HEIGHT,
    ROW_CONNECTED,
    ROW_DISK,
    ROW_ELIGIBLE,
    ROW_COUNT,
};

static const char *const outcome_names[] = {
#define X(name, text) text,
    VPR_RELAY_OUTCOMES(X)
#undef X
};

static const char *const claim_names[] = {
#define X(name, text) text,
    VPR_CLAIM_RESULTS(X)
#undef X
};

static const char *const signed_names[] = {"bare", "signed"};
static const char *const result_names[] = {"earned", "nothing", "lost", "unread"};
static const uint64_t latency_us[] = {250,   500,    1000,   2500,   5000,    10000,  25000,
                                      50000, 100000, 250000, 500000, 1000000, 2500000, 10000000};

struct vpr_servicer {
    struct vpr_loop *loop;
    struct vpr_servicer_keys keys;
    char dir[VPR_LEAVES_PATH_MAX - 64];
    struct vpr_backends *backends;
    size_t chains; /* of the backends; relays are still counted when those are gone */
    struct vpr_node *node;
    struct vpr_follow *follow;
    struct vpr_submitter *submitter;
    struct vpr_commits *commits;
    struct vpr_serve *serve;
    struct vpr_leaves *leaves;
    struct vpr_roster *roster;
    struct vpr_page *page;
    struct vpr_purse *purse;
    struct vpr_timer *record_timer, *stop_timer;
    struct vpr_node_call *record_call;
    bool ineligible; /* as the chain last told */
    char id_text[VPR_ADDRESS_TEXT_MAX];
    uint64_t stop_at_ms;

    struct vpr_metrics *metrics;
    struct vpr_metric table[ROW_COUNT];
    char chain_text[VPR_BACKENDS_MAX][VPR_ID16_TEXT_MAX];
    const char *chain_names[VPR_BACKENDS_MAX + 1]; /* the last: no chain of ours */
    const char *reason_names[VPR_REFUSED_MAX];
};

/* ---- metrics ---- */

static void make_metrics(struct vpr_servicer *s)
{
    const size_t chains = s->chains = vpr_backends_count(s->backends);

    for (size_t i = 0; i < chains; i++) {
        vpr_id16_text(s->chain_text[i], vpr_backends_at(s->backends, i)->chain);
        s->chain_names[i] = s->chain_text[i];
    }
    s->chain_names[chains] = "none";
    for (uint16_t i = 0; i < VPR_REFUSED_MAX; i++) {
        s->reason_names[i] = vpr_refusal_name((uint16_t)(i + 1));
    }
    const struct vpr_metric_label chain = {"chain", s->chain_names, chains + 1};
    const struct vpr_metric_label outcome = {"outcome", outcome_names,
                                             VPR_COUNT(outcome_names)};
    const struct vpr_metric_label reason = {"reason", s->reason_names, VPR_REFUSED_MAX};
    const struct vpr_metric_label was_signed = {"kind", signed_names, 2};
    const struct vpr_metric_label result = {"result", result_names, VPR_COUNT(result_names)};
    const struct vpr_metric_label claim = {"result", claim_names, VPR_COUNT(claim_names)};
    const struct vpr_metric rows[ROW_COUNT] = {
        [ROW_RELAYS] = {.name = "viper_relay_requests_total", .type = VPR_COUNTER,
                        .help = "Requests by chain and outcome.", .labels = {chain, outcome}},
        [ROW_REFUSALS] = {.name = "viper_relay_refusals_total", .type = VPR_COUNTER,
                          .help = "Refusals by reason.", .labels = {reason, was_signed}},
        [ROW_LATENCY] = {.name = "viper_relay_latency_seconds", .type = VPR_HISTOGRAM,
                         .help = "From a whole request to its answer, leaf on disk.",
                         .labels = {chain}, .scale = 1000000, .buckets = latency_us,
                         .bucket_count = VPR_COUNT(latency_us)},
        [ROW_SYNCS] = {.name = "viper_relay_leaf_syncs", .type = VPR_GAUGE,
                       .help = "Syncs of leaves since the start."},
        [ROW_LEAF_BYTES] = {.name = "viper_relay_leaf_written_bytes", .type = VPR_GAUGE,
                            .help = "Bytes of leaves written since the start."},
        [ROW_IN_FLIGHT] = {.name = "viper_relay_in_flight", .type = VPR_GAUGE,
                           .help = "Relays claimed and not answered."},
        [ROW_SESSIONS_OPEN] = {.name = "viper_relay_sessions_open", .type = VPR_GAUGE,
                               .help = "Sessions in which relays are answered."},
        [ROW_SIDS] = {.name = "viper_relay_sids", .type = VPR_GAUGE,
                      .help = "Requestors and chains served in the running session."},
        [ROW_QUOTA] = {.name = "viper_relay_quota_cu", .type = VPR_GAUGE,
                       .help = "Sum of the quotas of the running session."},
        [ROW_ANSWERED_CU] = {.name = "viper_relay_answered_cu", .type = VPR_GAUGE,
                             .help = "CU answered in the running session."},
        [ROW_UNACKNOWLEDGED_CU] = {.name = "viper_relay_unacknowledged_cu", .type = VPR_GAUGE,
                                   .help = "CU answered and not acknowledged."},
        [ROW_UNSETTLED] = {.name = "viper_relay_sessions_unsettled", .type = VPR_GAUGE,
                           .help = "Sessions that are over and not settled."},
        [ROW_SETTLED] = {.name = "viper_relay_sessions_settled_total", .type = VPR_COUNTER,
                         .help = "Settled sessions by what they came to.", .labels = {result}},
        [ROW_CLAIMS] = {.name = "viper_relay_claims_total", .type = VPR_COUNTER,
                        .help = "Requestors and chains of settled sessions by what became of "
                                "their claim.", .labels = {claim}},
        [ROW_REWARD] = {.name = "viper_relay_reward_uvipr_total", .type = VPR_COUNTER,
                        .help = "Rewards of settled sessions, in uvipr."},
        [ROW_BALANCE] = {.name = "viper_relay_operator_balance_uvipr", .type = VPR_GAUGE,
                         .help = "What the operator's account holds for fees, in uvipr."},
        [ROW_HEIGHT] = {.name = "viper_relay_height", .type = VPR_GAUGE,
                        .help = "Last block seen."},
        [ROW_CONNECTED] = {.name = "viper_relay_node_connected", .type = VPR_GAUGE,
                           .help = "1 while the node answers."},
        [ROW_DISK] = {.name = "viper_relay_disk_free_bytes", .type = VPR_GAUGE,
                      .help = "What is left where the leaves are written."},
        [ROW_ELIGIBLE] = {.name = "viper_relay_eligible", .type = VPR_GAUGE,
                          .help = "1 while the chain may draw this servicer: staked, not "
                                  "paused."},
    };
    memcpy(s->table, rows, sizeof s->table);
    s->metrics = vpr_metrics_create(s->table, ROW_COUNT);
}

static void on_seen(void *arg, int chain, enum vpr_relay_outcome outcome, int reason,
                    bool was_signed, uint64_t elapsed_us)
{
    struct vpr_servicer *s = arg;
    const size_t at = chain < 0 ? s->chains : (size_t)chain;

    vpr_metric_add(s->metrics, ROW_RELAYS, at, outcome, 1);
    if (outcome == VPR_RELAY_ANSWERED) {
        vpr_metric_observe(s->metrics, ROW_LATENCY, at, 0, elapsed_us);
    }
    if (reason > 0) {
        vpr_metric_add(s->metrics, ROW_REFUSALS, (size_t)reason - 1, was_signed ? 1 : 0, 1);
    }
}

static void on_earned(void *arg, const struct vpr_earned *earned)
{
    struct vpr_servicer *s = arg;
    /* Nothing was worth its claim: no loss that anybody should look after. */
    const bool left_out =
        earned->entries > 0 &&
        earned->claims[VPR_CLAIM_SMALL] + earned->claims[VPR_CLAIM_AT_A_LOSS] == earned->entries;
    const size_t result = earned->unread                          ? 3
                          : earned->reward_uvipr > 0              ? 0
                          : earned->why[0] == '\0' || left_out ? 1
                                                                  : 2;

    vpr_metric_add(s->metrics, ROW_SETTLED, result, 0, 1);
    for (size_t i = 0; i < VPR_CLAIM_RESULT_COUNT; i++) {
        vpr_metric_add(s->metrics, ROW_CLAIMS, i, 0, earned->claims[i]);
    }
    vpr_metric_add(s->metrics, ROW_REWARD, 0, 0, earned->reward_uvipr);
}

static void set(struct vpr_servicer *s, enum row row, uint64_t value)
{
    vpr_metric_set(s->metrics, row, 0, 0, (int64_t)value);
}

static void refresh(void *arg)
{
    struct vpr_servicer *s = arg;
    const struct vpr_tip *tip = vpr_follow_tip(s->follow);
    struct vpr_roster_state state;

    vpr_roster_state(s->roster, &state);
    set(s, ROW_SYNCS, vpr_leaves_syncs(s->leaves));
    set(s, ROW_LEAF_BYTES, vpr_leaves_bytes(s->leaves));
    set(s, ROW_IN_FLIGHT, vpr_serve_in_flight(s->serve));
    set(s, ROW_SESSIONS_OPEN, state.open);
    set(s, ROW_SIDS, state.sids);
    set(s, ROW_QUOTA, state.quota_cu);
    set(s, ROW_ANSWERED_CU, state.answered_cu);
    set(s, ROW_UNACKNOWLEDGED_CU, state.unacknowledged_cu);
    set(s, ROW_UNSETTLED, vpr_commits_count(s->commits));
    set(s, ROW_HEIGHT, tip == NULL ? 0 : tip->height);
    set(s, ROW_CONNECTED, vpr_follow_connected(s->follow) ? 1 : 0);
    set(s, ROW_DISK, vpr_disk_free(s->dir));
}

static void on_record(void *arg, const struct vpr_node_answer *answer)
{
    struct vpr_servicer *s = arg;

    s->record_call = NULL;
    if (answer->ok || answer->status == 404) { /* 404: never staked, or left for good */
        s->ineligible =
            !answer->ok ||
            !((const Viper__V1__QueryServicerResponse *)answer->message)->eligible;
        set(s, ROW_ELIGIBLE, s->ineligible ? 0 : 1);
    }
    vpr_timer_once(s->record_timer, RECORD_MS);
}

static void ask_record(void *arg)
{
    struct vpr_servicer *s = arg;

    s->record_call = vpr_node_get(s->node, &viper__v1__query_servicer_response__descriptor,
                                  on_record, s, "/viper/v1/servicers/%s", s->id_text);
    if (s->record_call == NULL) {
        vpr_timer_once(s->record_timer, RECORD_MS);
    }
}

/* ---- health ---- */

/* In sessions, able to answer, and able to pay for Commit and Prove. */
static void say_able(void *arg, struct vpr_able *able)
{
    const struct vpr_servicer *s = arg;
    struct vpr_roster_state state;

    vpr_able_node(able, s->follow);
    vpr_roster_state(s->roster, &state);
    if (state.keyless) {
        vpr_able_not(able, "neither relay-key nor relay-key-next is the one on the chain");
    } else if (!state.running) {
        vpr_able_not(able, "the running session is not open here");
    } else if (state.sids == 0 && s->ineligible) {
        vpr_able_not(able, "not in the pools of the chain: not staked, paused or leaving");
    }
    if (!vpr_leaves_accepting(s->leaves) || vpr_disk_free(s->dir) < ROOM_BYTES_MIN) {
        vpr_able_not(able, "no room on the disk for leaves: relays are refused");
    }
    vpr_able_fees(able, vpr_purse_balance_uvipr(s->purse));
}

/* ---- keys ---- */

static void sign_hash(void *arg, struct vpr_signature *ret, const struct vpr_hash *hash)
{
    vpr_key_sign_hash(arg, VPR_KEYRING_RELAY, ret, hash);
}

static void add_relay_key(struct vpr_roster_config *config, const struct vpr_key *key)
{
    if (key == NULL) {
        return;
    }
    struct vpr_relay_key *to = &config->keys[config->key_count];
    memcpy(to->public_key.b, vpr_key_info(key)->public_key, sizeof to->public_key.b);
    to->sign = sign_hash;
    to->arg = (void *)(uintptr_t)key;
    config->key_count++;
}

/* ---- life ---- */

static enum vpr_code make_serve(struct vpr_servicer *s, const struct vpr_relay_conf *conf,
                                const struct vpr_address *id, struct vpr_err *err)
{
    char host[VPR_LISTEN_HOST_MAX];
    struct vpr_serve_config config = {
        .servicer = *id, .backends = s->backends, .capacity = (uint32_t)conf->capacity,
        .seen = on_seen, .seen_arg = s, .able = say_able, .able_arg = s,
        .http = {.address = host,
                 .body_max = conf->body_max,
                 .connections_max = (uint32_t)conf->connections,
                 .requests_max = VPR_SERVE_CAPACITY_MAX,
                 .unsent_max = conf->answer_max + 64 * 1024,
                 .cert_file = conf->tls_cert[0] == '\0' ? NULL : conf->tls_cert,
                 .key_file = conf->tls_key[0] == '\0' ? NULL : conf->tls_key}};

    if (!vpr_listen_parse(host, &config.http.port, conf->listen)) {
        return vpr_fail(err, VPR_BAD_FIELD, "listen: %s is no numeric address:port",
                        conf->listen);
    }
    VPR_TRY(vpr_serve_create(&s->serve, s->loop, &config, err));
    const struct vpr_leaves_config leaves = {
        s->dir, strcmp(conf->leaf_sync, "always") == 0 ? VPR_SYNC_ALWAYS : VPR_SYNC_GROUP,
        NULL};
    return vpr_leaves_create(&s->leaves, s->loop, &leaves, vpr_serve_synced, s->serve, err);
}

static void make_chain_side(struct vpr_servicer *s, const struct vpr_relay_conf *conf,
                            const struct vpr_address *id)
{
    s->follow = vpr_follow_create(s->loop, s->node);
    const struct vpr_submitter_config submitter = {s->loop, s->follow,
                                                   vpr_key_public(s->keys.operator_key),
                                                   vpr_key_sign_doc,
                                                   (void *)(uintptr_t)s->keys.operator_key};
    s->submitter = vpr_submitter_create(&submitter);
    const struct vpr_commits_config commits = {.loop = s->loop, .follow = s->follow,
                                               .submitter = s->submitter, .servicer = *id,
                                               .dir = s->dir,
                                               .at_a_loss = conf->claims.at_a_loss,
                                               .earned = on_earned, .arg = s};
    s->commits = vpr_commits_create(&commits);
    struct vpr_roster_config roster = {.loop = s->loop,
                                       .follow = s->follow,
                                       .serve = s->serve,
                                       .leaves = s->leaves,
                                       .commits = s->commits,
                                       .backends = s->backends,
                                       .servicer = *id,
                                       .dir = s->dir,
                                       .risk = {conf->risk.floor_cu, conf->risk.quota_ppm,
                                                conf->risk.acked_ppm}};
    add_relay_key(&roster, s->keys.relay_key);
    add_relay_key(&roster, s->keys.relay_key_next);
    s->roster = vpr_roster_create(&roster);
    const struct vpr_purse_config purse = {
        s->loop, s->node, vpr_submitter_account(s->submitter), "relay", s->metrics, ROW_BALANCE};
    s->purse = vpr_purse_create(&purse);
    vpr_address_text(s->id_text, VPR_PREFIX_ACCOUNT, id);
    s->record_timer = vpr_timer_create(s->loop, ask_record, s);
    vpr_timer_once(s->record_timer, 0);
}

static enum vpr_code make_all(struct vpr_servicer *s, const struct vpr_relay_conf *conf,
                              struct vpr_err *err)
{
    struct vpr_backend backends[VPR_BACKENDS_MAX];
    struct vpr_address id;

    VPR_TRY(vpr_actor_id(&id, "servicer", conf->servicer, s->keys.operator_key, err));
    const size_t count = vpr_relay_backends(backends, conf);
    VPR_TRY(vpr_backends_create(&s->backends, s->loop, backends, count,
                                (uint32_t)conf->backend_connections, err));
    VPR_TRY(vpr_node_create(&s->node, s->loop, conf->node, err));
    make_metrics(s);
    VPR_TRY(make_serve(s, conf, &id, err));
    VPR_TRY(vpr_page_create(&s->page, s->loop, conf->metrics_listen, s->metrics, refresh,
                            say_able, s, err));
    make_chain_side(s, conf, &id);
    return VPR_OK;
}

enum vpr_code vpr_servicer_create(struct vpr_servicer **ret, struct vpr_loop *loop,
                                  const struct vpr_relay_conf *conf, const char *home,
                                  const struct vpr_servicer_keys *keys, struct vpr_err *err)
{
    struct vpr_servicer *s = vpr_mem_alloc(sizeof *s);
    const int len = snprintf(s->dir, sizeof s->dir, "%s/leaves", home);

    s->loop = loop;
    s->keys = *keys;
    enum vpr_code code = VPR_OK;
    if (len < 0 || (size_t)len >= sizeof s->dir) {
        code = vpr_fail(err, VPR_BAD_FIELD, "the home's path is too long");
    } else {
        code = make_all(s, conf, err);
    }
    if (code != VPR_OK) {
        vpr_servicer_destroy(s);
        return code;
    }
    *ret = s;
    return VPR_OK;
}

/* Against the flow: first who starts work, then who ends it, then who is asked. */
void vpr_servicer_destroy(struct vpr_servicer *s)
{
    if (s == NULL) {
        return;
    }
    vpr_timer_destroy(s->stop_timer);
    vpr_timer_destroy(s->record_timer);
    vpr_node_cancel(s->record_call);
    vpr_purse_destroy(s->purse);
    vpr_backends_destroy(s->backends);
    vpr_leaves_destroy(s->leaves);
    vpr_serve_destroy(s->serve);
    vpr_commits_destroy(s->commits);
    vpr_roster_destroy(s->roster);
    vpr_submitter_destroy(s->submitter);
    vpr_follow_destroy(s->follow);
    vpr_node_destroy(s->node);
    vpr_page_destroy(s->page);
    if (s->metrics != NULL) {
        vpr_metrics_destroy(s->metrics);
    }
    vpr_mem_free(s);
}

static void stop_when_idle(void *arg)
{
    struct vpr_servicer *s = arg;

    if (vpr_serve_in_flight(s->serve) == 0 || vpr_mono_ms() >= s->stop_at_ms) {
        vpr_loop_stop(s->loop);
    }
}

void vpr_servicer_stop(struct vpr_servicer *s)
{
    if (s->stop_timer != NULL) {
        vpr_loop_stop(s->loop); /* asked twice: at once */
        return;
    }
    vpr_serve_drain(s->serve);
    s->stop_at_ms = vpr_mono_ms() + STOP_MS;
    s->stop_timer = vpr_timer_create(s->loop, stop_when_idle, s);
    vpr_timer_every(s->stop_timer, 20);
}

uint16_t vpr_servicer_port(const struct vpr_servicer *s)
{
    return vpr_serve_port(s->serve);
}

uint16_t vpr_servicer_metrics_port(const struct vpr_servicer *s)
{
    return vpr_page_port(s->page);
}
