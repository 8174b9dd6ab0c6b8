#include "relay/gateway.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/client/page.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "relay/settings.h"
#include "relay/view.h"

#define CORPORA_MAX 64
#define RETIRED_MAX 64
#define TICK_MS 100
#define STOP_MS 5000
#define SETTLE_BODY_MAX 1024

struct corpus {
    uint16_t chain;
    struct vpr_corpus *corpus;
};

/* A panel whose session is over, until its last relay has ended. */
struct retired {
    struct vpr_panel *panel;
    bool settled[VPR_PANEL_SEATS_MAX]; /* the closing request was sent */
};

struct vpr_gateway {
    struct vpr_loop *loop;
    const struct vpr_gateway_conf *conf;
    char home[VPR_GATEWAY_PATH_MAX];
    const struct vpr_key *key;
    struct vpr_metrics *metrics;
    struct vpr_node *node;
    struct vpr_follow *follow;
    struct vpr_view *view;
    struct vpr_sender *sender;
    struct vpr_front *front;
    struct vpr_shadow_door *door;
    struct vpr_page *page;
    struct vpr_timer *tick;
    size_t corpus_count;
    struct corpus corpora[CORPORA_MAX];
    size_t retired_count;
    struct retired retired[RETIRED_MAX];
    uint64_t stop_ms; /* when to stop at the latest; 0: running */
};

/* ---- corpora ---- */

void vpr_gateway_corpus_path(char path[VPR_GATEWAY_PATH_MAX], const char *home,
                             const struct vpr_gateway_conf *conf, uint16_t chain)
{
    const bool absolute = conf->corpus_dir[0] == '/';

    snprintf(path, VPR_GATEWAY_PATH_MAX, "%s%s%s/%04x.jsonl", absolute ? "" : home,
             absolute ? "" : "/", conf->corpus_dir, chain);
}

static bool same_corpus(const struct vpr_corpus *corpus, const struct vpr_hash *hash)
{
    static const struct vpr_hash none;

    /* A chain without a corpus hash leaves the choice to us. */
    return vpr_hash_equal(hash, &none) || vpr_hash_equal(vpr_corpus_hash(corpus), hash);
}

static const struct vpr_corpus *corpus_of(void *arg, uint16_t chain, const struct vpr_hash *hash)
{
    struct vpr_gateway *gateway = arg;
    char path[VPR_GATEWAY_PATH_MAX];
    struct vpr_corpus *corpus;
    struct vpr_err err;

    for (size_t i = 0; i < gateway->corpus_count; i++) {
        if (gateway->corpora[i].chain == chain &&
            same_corpus(gateway->corpora[i].corpus, hash)) {
            return gateway->corpora[i].corpus;
        }
    }
    vpr_gateway_corpus_path(path, gateway->home, gateway->conf, chain);
    if (gateway->corpus_count == CORPORA_MAX) {
        return NULL;
    }
    if (vpr_corpus_load(&corpus, path, &err) != VPR_OK) {
        vpr_log_warn("gateway", "no corpus: samples are refused", "chain=%04x why=%s", chain,
                     err.text);
        return NULL;
    }
    if (!same_corpus(corpus, hash)) {
        vpr_log_warn("gateway", "the corpus is not the chain's: samples are refused",
                     "chain=%04x path=%s", chain, path);
        vpr_corpus_destroy(corpus);
        return NULL;
    }
    /* Kept until the end: panels point to it, and there is one more only when it changes. */
    gateway->corpora[gateway->corpus_count++] = (struct corpus){chain, corpus};
    return corpus;
}

/* ---- tokens ---- */

static bool sign_token(void *arg, struct vpr_token *token)
{
    struct vpr_gateway *gateway = arg;
    const struct vpr_hash hash = vpr_token_hash(token);

    vpr_key_sign_hash(gateway->key, VPR_KEYRING_GATEWAY, &token->signature, &hash);
    return true;
}

/* ---- the end of a session ---- */

static void on_settled(void *arg, const struct vpr_send_result *result)
{
    (void)arg; /* the books are the sender's; nothing more is to be done */
    (void)result;
}

static void settle(struct vpr_gateway *gateway, struct vpr_panel *panel, struct vpr_seat *seat)
{
    struct vpr_tab *tab = &seat->tab;
    char body[SETTLE_BODY_MAX];
    const char *path;
    uint64_t cu;
    uint32_t id;

    vpr_random(&id, sizeof id);
    if (panel->corpus == NULL ||
        !vpr_corpus_cheap(panel->corpus, body, sizeof body, &path, id % 100000)) {
        return;
    }
    const struct vpr_bytes text = vpr_bytes_str(body);
    if (vpr_cost_of(&cu, &panel->costs, NULL, vpr_bytes_str(path), text) != VPR_COST_OK ||
        tab->full || tab->accepted_cu + tab->lost_cu + cu > tab->quota_cu) {
        return;
    }
    const struct vpr_send send = {
        .panel = panel,
        .seat = seat,
        .method = vpr_bytes_str("POST"),
        .path = vpr_bytes_str(path),
        .body = text,
        .type = vpr_bytes_str("application/json"),
        .cu = cu,
        .repeatable = true,
    };
    vpr_metric_add(gateway->metrics, VPR_METER_SETTLED, 0, 0, 1);
    vpr_sender_send(gateway->sender, &send, on_settled, NULL);
}

static void log_closed(const struct vpr_panel *panel)
{
    uint64_t sent = 0, answered = 0, refused = 0, failed = 0, accepted = 0, vouched = 0;

    for (uint32_t i = 0; i < panel->seat_count; i++) {
        const struct vpr_tab *tab = &panel->seats[i].tab;
        sent += tab->sent;
        answered += tab->answered;
        refused += tab->refused;
        failed += tab->failed + tab->pending;
        accepted += tab->accepted_cu;
        vouched += tab->vouched_cu < tab->accepted_cu ? tab->vouched_cu : tab->accepted_cu;
    }
    vpr_log_info("gateway", "session closed",
                 "session=%" PRIu64 " chain=%04x zone=%04x sent=%" PRIu64 " answered=%" PRIu64
                 " refused=%" PRIu64 " failed=%" PRIu64 " cu=%" PRIu64 " vouched_cu=%" PRIu64,
                 panel->session, panel->chain, panel->zone, sent, answered, refused, failed,
                 accepted, vouched);
}

/* True: nothing is left to do for it. */
static bool close_panel(struct vpr_gateway *gateway, struct retired *retired, uint64_t height)
{
    struct vpr_panel *panel = retired->panel;
    bool over = true;

    for (uint32_t i = 0; i < panel->seat_count; i++) {
        struct vpr_seat *seat = &panel->seats[i];
        if (seat->tab.pending == 0 && vpr_tab_open_end(&seat->tab) && !retired->settled[i] &&
            gateway->conf->settle_request && vpr_panel_live(panel, height)) {
            retired->settled[i] = true;
            settle(gateway, panel, seat);
        }
        over = over && seat->tab.pending == 0;
    }
    return over;
}

static void on_retired(void *arg, struct vpr_panel *panel)
{
    struct vpr_gateway *gateway = arg;

    if (gateway->retired_count == RETIRED_MAX) {
        log_closed(panel);
        return;
    }
    gateway->retired[gateway->retired_count++] =
        (struct retired){.panel = vpr_panel_hold(panel)};
}

static void close_retired(struct vpr_gateway *gateway)
{
    const struct vpr_tip *tip = vpr_follow_tip(gateway->follow);
    const uint64_t height = tip == NULL ? 0 : tip->height;

    for (size_t i = 0; i < gateway->retired_count;) {
        struct retired *retired = &gateway->retired[i];
        if (!close_panel(gateway, retired, height)) {
            i++;
            continue;
        }
        log_closed(retired->panel);
        vpr_panel_release(retired->panel);
        *retired = gateway->retired[--gateway->retired_count];
    }
}

/* ---- the clock ---- */

static void gauge_panels(struct vpr_gateway *gateway)
{
    struct vpr_panel *panels[VPR_PANEL_PAIRS_MAX];
    const size_t count = vpr_view_panels(gateway->view, panels);
    int64_t left[VPR_METER_CHAINS] = {0}, flying[VPR_METER_CHAINS] = {0};
    bool named[VPR_METER_CHAINS] = {false};

    for (size_t i = 0; i < count; i++) {
        const size_t chain = vpr_meter_chain(panels[i]->chain);
        named[chain] = true;
        for (uint32_t j = 0; j < panels[i]->seat_count; j++) {
            const struct vpr_tab *tab = &panels[i]->seats[j].tab;
            left[chain] += (int64_t)tab->quota_cu -
                           (int64_t)(tab->accepted_cu + tab->lost_cu + tab->pending_cu);
            flying[chain] += tab->pending;
        }
    }
    for (size_t i = 0; i < VPR_METER_CHAINS; i++) {
        if (named[i]) {
            vpr_metric_set(gateway->metrics, VPR_METER_QUOTA_LEFT, i, 0, left[i]);
            vpr_metric_set(gateway->metrics, VPR_METER_IN_FLIGHT, i, 0, flying[i]);
        }
    }
    vpr_metric_set(gateway->metrics, VPR_METER_PANELS, 0, 0, (int64_t)count);
}

static void on_tick(void *arg)
{
    struct vpr_gateway *gateway = arg;

    close_retired(gateway);
    gauge_panels(gateway);
    if (gateway->stop_ms == 0) {
        return;
    }
    const uint32_t left = vpr_front_requests(gateway->front) +
                          (gateway->door == NULL ? 0 : vpr_shadow_requests(gateway->door));
    if (left == 0 || vpr_mono_ms() >= gateway->stop_ms) {
        vpr_loop_stop(gateway->loop);
    }
}

void vpr_gateway_stop(struct vpr_gateway *gateway)
{
    if (gateway->stop_ms != 0) {
        vpr_loop_stop(gateway->loop); /* asked twice: at once */
        return;
    }
    gateway->stop_ms = vpr_mono_ms() + STOP_MS;
    vpr_front_drain(gateway->front);
    if (gateway->door != NULL) {
        vpr_shadow_drain(gateway->door);
    }
}

/* ---- birth and death ---- */

static size_t panels_of(void *arg, struct vpr_panel *ret[VPR_PANEL_PAIRS_MAX])
{
    const struct vpr_gateway *gateway = arg;

    return vpr_view_panels(gateway->view, ret);
}

static bool chain_of(void *arg, uint16_t *ret_chain, struct vpr_bytes text)
{
    const struct vpr_gateway *gateway = arg;

    return vpr_view_chain(gateway->view, ret_chain, text);
}

static enum vpr_code listen_at(struct vpr_http_server_config *ret, char host[VPR_LISTEN_HOST_MAX],
                               const char *name, const char *text, struct vpr_err *err)
{
    if (!vpr_listen_parse(host, &ret->port, text)) {
        return vpr_fail(err, VPR_BAD_FIELD, "%s: \"%s\" is no address:port like 127.0.0.1:8481",
                        name, text);
    }
    ret->address = host;
    return VPR_OK;
}

static const char *or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static enum vpr_code create_servers(struct vpr_gateway *gateway, struct vpr_err *err)
{
    const struct vpr_gateway_conf *conf = gateway->conf;
    const struct vpr_source source = {panels_of, chain_of, gateway};
    char host[VPR_LISTEN_HOST_MAX];
    struct vpr_http_server_config http = {.cert_file = or_null(conf->tls_cert),
                                          .key_file = or_null(conf->tls_key),
                                          .body_max = conf->body_max,
                                          .connections_max = (uint32_t)conf->connections,
                                          .requests_max = (uint32_t)conf->requests};

    VPR_TRY(listen_at(&http, host, "listen", conf->listen, err));
    const struct vpr_front_config front = {.http = http,
                                           .source = source,
                                           .sender = gateway->sender,
                                           .metrics = gateway->metrics,
                                           .attempt_ms = (uint32_t)conf->attempt_ms,
                                           .total_ms = (uint32_t)conf->total_ms,
                                           .batch_max = (uint32_t)conf->batch_max};
    VPR_TRY(vpr_front_create(&gateway->front, gateway->loop, &front, err));
    if (conf->shadow_listen[0] != '\0') {
        VPR_TRY(listen_at(&http, host, "shadow-listen", conf->shadow_listen, err));
        const struct vpr_shadow_config shadow = {
            .http = http, .source = source, .sender = gateway->sender,
            .metrics = gateway->metrics};
        VPR_TRY(vpr_shadow_create(&gateway->door, gateway->loop, &shadow, err));
    }
    return vpr_page_create(&gateway->page, gateway->loop, conf->metrics_listen,
                           gateway->metrics, NULL, NULL, NULL, err);
}

static enum vpr_code create_parts(struct vpr_gateway *gateway, struct vpr_err *err)
{
    const struct vpr_gateway_conf *conf = gateway->conf;
    const struct vpr_sender_config sender = {
        .allow_private = conf->allow_private_peers,
        .ca_file = or_null(conf->ca_file),
        .connect_ms = (uint32_t)conf->connect_ms,
        /* Longer than a client waits: an answer read to its end is one that counts. */
        .total_ms = (uint32_t)conf->total_ms + 500,
        .answer_max = conf->answer_max,
        .metrics = gateway->metrics,
    };
    struct vpr_view_config view = {.loop = gateway->loop,
                                   .sign = sign_token,
                                   .corpus = corpus_of,
                                   .retired = on_retired,
                                   .arg = gateway,
                                   .metrics = gateway->metrics};
    const struct vpr_key_info *info = vpr_key_info(gateway->key);

    if (!vpr_address_parse(&view.requestor, VPR_PREFIX_ACCOUNT,
                           vpr_bytes_str(conf->requestor))) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "requestor: \"%s\" is no address viper1...",
                        conf->requestor);
    }
    memcpy(view.gateway_key.b, info->public_key, sizeof view.gateway_key.b);
    VPR_TRY(vpr_node_create(&gateway->node, gateway->loop, conf->node, err));
    VPR_TRY(vpr_sender_create(&gateway->sender, gateway->loop, &sender, err));
    gateway->follow = vpr_follow_create(gateway->loop, gateway->node);
    view.follow = gateway->follow;
    gateway->view = vpr_view_create(&view);
    return create_servers(gateway, err);
}

enum vpr_code vpr_gateway_create(struct vpr_gateway **ret, struct vpr_loop *loop,
                                 const struct vpr_gateway_conf *conf, const char *home,
                                 const struct vpr_key *key, struct vpr_err *err)
{
    struct vpr_gateway *gateway = vpr_mem_alloc(sizeof *gateway);

    gateway->loop = loop;
    gateway->conf = conf;
    gateway->key = key;
    snprintf(gateway->home, sizeof gateway->home, "%s", home);
    gateway->metrics = vpr_meter_create();
    const enum vpr_code code = create_parts(gateway, err);
    if (code != VPR_OK) {
        vpr_gateway_destroy(gateway);
        return code;
    }
    gateway->tick = vpr_timer_create(loop, on_tick, gateway);
    vpr_timer_every(gateway->tick, TICK_MS);
    *ret = gateway;
    return VPR_OK;
}

void vpr_gateway_destroy(struct vpr_gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    if (gateway->tick != NULL) {
        vpr_timer_destroy(gateway->tick);
    }
    /* Relays first, since they call back into front and door; panels last. */
    vpr_sender_destroy(gateway->sender);
    vpr_front_destroy(gateway->front);
    vpr_shadow_destroy(gateway->door);
    vpr_page_destroy(gateway->page);
    for (size_t i = 0; i < gateway->retired_count; i++) {
        vpr_panel_release(gateway->retired[i].panel);
    }
    vpr_view_destroy(gateway->view);
    vpr_follow_destroy(gateway->follow);
    vpr_node_destroy(gateway->node);
    for (size_t i = 0; i < gateway->corpus_count; i++) {
        vpr_corpus_destroy(gateway->corpora[i].corpus);
    }
    vpr_metrics_destroy(gateway->metrics);
    vpr_mem_free(gateway);
}

uint16_t vpr_gateway_port(const struct vpr_gateway *gateway)
{
    return vpr_front_port(gateway->front);
}

uint16_t vpr_gateway_shadow_port(const struct vpr_gateway *gateway)
{
    return gateway->door == NULL ? 0 : vpr_shadow_port(gateway->door);
}

uint16_t vpr_gateway_metrics_port(const struct vpr_gateway *gateway)
{
    return vpr_page_port(gateway->page);
}

struct vpr_metrics *vpr_gateway_metrics(struct vpr_gateway *gateway)
{
    return gateway->metrics;
}
