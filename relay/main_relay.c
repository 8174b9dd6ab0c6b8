/* viper-relay - a servicer's daemon. */
#include <stdio.h>

#include "app/client/daemon.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "relay/servicer.h"
#include "viper/v1/query.pb-c.h"

enum { OPERATOR, RELAY, RELAY_NEXT };

static struct vpr_daemon_base base(const void *arg)
{
    const struct vpr_relay_conf *conf = arg;

    return (struct vpr_daemon_base){
        conf->node, conf->keyring_backend, conf->passphrase_file, conf->log_level,
        {[OPERATOR] = {conf->operator_key, VPR_KEYRING_WALLET},
         [RELAY] = {conf->relay_key, VPR_KEYRING_MASK(VPR_KEYRING_RELAY)},
         [RELAY_NEXT] = {conf->relay_key_next, VPR_KEYRING_MASK(VPR_KEYRING_RELAY)}}};
}

/* ---- check ---- */

static bool is_mine(const struct vpr_daemon *d, const ProtobufCMessage *answer)
{
    const ProtobufCBinaryData key =
        ((const Viper__V1__QueryServicerResponse *)answer)->relay_key;

    for (size_t i = RELAY; i <= RELAY_NEXT; i++) {
        if (d->keys[i] != NULL && key.len == 32 &&
            memcmp(key.data, vpr_key_info(d->keys[i])->public_key, 32) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_eligible(const struct vpr_daemon *d, const ProtobufCMessage *answer)
{
    (void)d;
    return ((const Viper__V1__QueryServicerResponse *)answer)->eligible;
}

static void check_stake(struct vpr_daemon *d, const Viper__V1__QueryServicerResponse *m,
                        const char *path, const char *id)
{
    struct vpr_daemon_later later;

    const bool good = vpr_daemon_holds(d, path, &viper__v1__query_servicer_response__descriptor,
                                       is_eligible, &m->base, &later);
    vpr_daemon_say(d, good,
                   later.session > 0 ? "wait: it is drawn for nobody before"
                                     : "if it is paused or benched, viperd tx resume --actor ID; "
                                       "if it leaves, nothing more is earned",
                   "servicer", "%s: %s, url %s", id,
                   good                ? "eligible"
                   : later.session > 0 ? later.text
                                       : "not in this session's pools",
                   m->actor == NULL ? "" : m->actor->url);
}

static void check_key(struct vpr_daemon *d, const Viper__V1__QueryServicerResponse *m,
                      const char *path)
{
    struct vpr_daemon_later later;

    const bool good = vpr_daemon_holds(d, path, &viper__v1__query_servicer_response__descriptor,
                                       is_mine, &m->base, &later);
    vpr_daemon_say(d, good,
                   later.session > 0
                       ? "if another key counts until then, name that in relay-key and this one "
                         "in relay-key-next"
                       : "name the key that is on the chain in relay-key, or put this one there: "
                         "viperd tx edit-servicer --servicer ID --relay-key HEX (viperd keys show)",
                   "key", "%s: %s", vpr_key_info(d->keys[RELAY])->name,
                   good                ? "that of the chain"
                   : later.session > 0 ? later.text
                                       : "NOT that of the chain");
}

static void check_actor(struct vpr_daemon *d, const Viper__V1__QueryServicerResponse *m,
                        const char *path, const char *id)
{
    char mine[VPR_ADDRESS_TEXT_MAX];

    vpr_address_text(mine, VPR_PREFIX_ACCOUNT, &vpr_key_info(d->keys[OPERATOR])->address);
    check_stake(d, m, path, id);
    vpr_daemon_say(d, m->actor != NULL && strcmp(m->actor->operator_, mine) == 0,
                   "name the operator's key in operator-key, or change the operator (the owner "
                   "signs): viperd tx set-operator --actor ID --operator ADDRESS", "operator",
                   "%s, on the chain %s", mine, m->actor == NULL ? "" : m->actor->operator_);
    check_key(d, m, path);
}

/* A chain that is staked for and has no backend costs score; the other way is only a waste. */
static void check_chains(struct vpr_daemon *d, const Viper__V1__QueryServicerResponse *m,
                         const struct vpr_backend *backends, size_t count)
{
    for (size_t i = 0; i < m->n_chains; i++) {
        bool served = false;
        for (size_t j = 0; j < count; j++) {
            served = served || backends[j].chain == m->chains[i];
        }
        if (!served) {
            vpr_daemon_say(d, false, "add its table, or leave the chain: viperd tx edit-servicer "
                           "--servicer ID --chains ...", "backend",
                           "%04x: the servicer is staked for it and [backend-%04x] is missing",
                           m->chains[i], m->chains[i]);
        }
    }
}

static void check_backend(struct vpr_daemon *d, const struct vpr_backend *backend)
{
    const struct vpr_http_client_config config = {.allow_private = true};
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT("Content-Type", "application/json"),
        VPR_HTTP_TEXT("Authorization", backend->authorization)};
    const struct vpr_http_call call = {
        .method = "POST", .url = vpr_bytes_str(backend->url), .headers = headers,
        .header_count = backend->authorization[0] == '\0' ? 1 : 2,
        .body = vpr_bytes_str("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\",\"params\":[]}"),
        .total_ms = 5000};
    struct vpr_buf body;
    struct vpr_err err;
    uint32_t status = 0;

    vpr_buf_init(&body, 1024 * 1024);
    const enum vpr_code code = vpr_http_call(&status, &body, &call, &config, &err);
    vpr_buf_finish(&body);
    if (code != VPR_OK) {
        vpr_daemon_say(d, false, "start the chain's node, or correct url in its table",
                       "backend", "%04x %s: %s", backend->chain, backend->url, err.text);
        return;
    }
    const bool denied = status == 401 || status == 403;
    vpr_daemon_say(d, !denied && status != 502 && status != 503 && status != 504,
                   denied ? "give its user and password in auth, or the header in authorization"
                          : "what stands before the node answers, the node does not: start it",
                   "backend", "%04x %s: answers, HTTP %" PRIu32, backend->chain, backend->url,
                   status);
}

static void check(struct vpr_daemon *d)
{
    const struct vpr_relay_conf *conf = d->kind->conf;
    struct vpr_backend backends[VPR_BACKENDS_MAX];
    const size_t count = vpr_relay_backends(backends, conf);
    char text[VPR_ADDRESS_TEXT_MAX], path[128];
    struct vpr_address id;
    struct vpr_err err;

    vpr_daemon_check_listen(d, "listen", conf->listen);
    vpr_daemon_check_listen(d, "metrics-listen", conf->metrics_listen);
    if (vpr_actor_id(&id, "servicer", conf->servicer, d->keys[OPERATOR], &err) != VPR_OK) {
        vpr_daemon_say(d, false, "correct it", "servicer", "%s", err.text);
        return;
    }
    vpr_address_text(text, VPR_PREFIX_ACCOUNT, &id);
    snprintf(path, sizeof path, "/viper/v1/servicers/%s", text);
    const Viper__V1__QueryServicerResponse *m =
        (const Viper__V1__QueryServicerResponse *)vpr_daemon_ask(
            d, path, &viper__v1__query_servicer_response__descriptor,
            "stake it (the owner signs): viperd tx stake-servicer ...; or name the id of a "
            "servicer whose operator has changed in servicer");
    if (m != NULL) {
        check_actor(d, m, path, text);
        check_chains(d, m, backends, count);
        vpr_daemon_check_fees(d);
    }
    for (size_t i = 0; i < count; i++) {
        check_backend(d, &backends[i]);
    }
}

/* ---- start ---- */

static enum vpr_code create(struct vpr_daemon *d, struct vpr_err *err)
{
    const struct vpr_relay_conf *conf = d->kind->conf;
    const struct vpr_servicer_keys keys = {d->keys[OPERATOR], d->keys[RELAY],
                                           d->keys[RELAY_NEXT]};
    struct vpr_servicer *servicer = NULL;

    VPR_TRY(vpr_servicer_create(&servicer, d->loop, conf, d->home, &keys, err));
    vpr_log_info("relay", "listening", "listen=%s metrics=%s", conf->listen,
                 conf->metrics_listen);
    d->running = servicer;
    return VPR_OK;
}

static void stop(void *running)
{
    vpr_servicer_stop(running);
}

static void destroy(void *running)
{
    vpr_servicer_destroy(running);
}

int main(int argc, char **argv)
{
    static struct vpr_relay_conf conf;
    const struct vpr_daemon_kind kind = {
        .name = "viper-relay",
        .part = "relay",
        .home_env = "VIPER_RELAY_HOME",
        .does = {"read it, open the keys, ask node and backends",
                 "serve relays until SIGTERM"},
        .next = "keys (viperd keys add operator --kind operator, and relay --kind relay), node "
                "and a backend in that file",
        .schema = &vpr_relay_schema,
        .conf = &conf,
        .base = base,
        .check = check,
        .create = create,
        .stop = stop,
        .destroy = destroy,
    };

    return vpr_daemon_main(&kind, argc, argv);
}
