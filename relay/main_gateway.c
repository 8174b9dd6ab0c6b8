/* viper-gateway - a requestor's daemon. */
#include <stdio.h>

#include "app/client/daemon.h"
#include "app/host/log.h"
#include "relay/gateway.h"
#include "viper/v1/query.pb-c.h"

static struct vpr_daemon_base base(const void *arg)
{
    const struct vpr_gateway_conf *conf = arg;

    return (struct vpr_daemon_base){
        conf->node, conf->keyring_backend, conf->passphrase_file, conf->log_level,
        {{conf->gateway_key, VPR_KEYRING_MASK(VPR_KEYRING_GATEWAY)}}};
}

/* ---- check ---- */

static void check_corpus(struct vpr_daemon *d, const Viper__V1__ChainInfo *chain)
{
    const struct vpr_gateway_conf *conf = d->kind->conf;
    static const char next[] = "put the chain's file there (deploy/corpus, or the chain's "
                               "owner); until then fishermen's samples are refused";
    char path[VPR_GATEWAY_PATH_MAX];

    vpr_gateway_corpus_path(path, d->home, conf, (uint16_t)chain->id);
    vpr_daemon_check_corpus(d, path, chain->id,
                            vpr_bytes_of(chain->corpus_hash.data, chain->corpus_hash.len), next);
}

static void check_pairs(struct vpr_daemon *d, const Viper__V1__QueryRequestorResponse *m)
{
    const Viper__V1__QueryChainsResponse *chains =
        (const Viper__V1__QueryChainsResponse *)vpr_daemon_ask(
            d, "/viper/v1/chains", &viper__v1__query_chains_response__descriptor,
            "the node is older than this gateway: update it");

    for (size_t i = 0; i < m->n_pairs; i++) {
        vpr_daemon_say(d, m->pairs[i]->quota_cu > 0,
                       "nobody serves this pair now, or the stake is too small for it: viperd q "
                       "pool CHAIN ZONE, then viperd tx edit-requestor --pairs or top-up",
                       "pair", "chain %04x zone %04x: quota %" PRIu64 " CU a servicer",
                       m->pairs[i]->chain, m->pairs[i]->zone, m->pairs[i]->quota_cu);
        for (size_t j = 0; chains != NULL && j < chains->n_chains; j++) {
            if (chains->chains[j]->id == m->pairs[i]->chain) {
                check_corpus(d, chains->chains[j]);
            }
        }
    }
}

static bool is_mine(const struct vpr_daemon *d, const ProtobufCMessage *answer)
{
    const Viper__V1__QueryRequestorResponse *m =
        (const Viper__V1__QueryRequestorResponse *)answer;

    for (size_t i = 0; i < m->n_gateway_keys; i++) {
        if (m->gateway_keys[i].len == 32 &&
            memcmp(m->gateway_keys[i].data, vpr_key_info(d->keys[0])->public_key, 32) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_eligible(const struct vpr_daemon *d, const ProtobufCMessage *answer)
{
    (void)d;
    return ((const Viper__V1__QueryRequestorResponse *)answer)->eligible;
}

static void check_stake(struct vpr_daemon *d, const Viper__V1__QueryRequestorResponse *m,
                        const char *path)
{
    const struct vpr_gateway_conf *conf = d->kind->conf;
    const char *url = m->actor == NULL ? "" : m->actor->url;
    struct vpr_daemon_later later;

    const bool good = vpr_daemon_holds(d, path, &viper__v1__query_requestor_response__descriptor,
                                       is_eligible, &m->base, &later);
    vpr_daemon_say(d, good,
                   later.session > 0 ? "wait: there are no servicers for it before"
                                     : "if it is paused, viperd tx resume --actor ID",
                   "node", "%s: requestor %s, %s, shadow_url %s", conf->node, conf->requestor,
                   good                ? "eligible"
                   : later.session > 0 ? later.text
                                       : "not eligible",
                   url[0] == '\0' ? "none" : url);
    if (url[0] != '\0' && conf->shadow_listen[0] == '\0') {
        vpr_daemon_say(d, false, "give shadow-listen an address that the shadow_url leads to",
                       "samples", "the chain names a shadow_url and shadow-listen is empty");
    }
}

static void check_key(struct vpr_daemon *d, const Viper__V1__QueryRequestorResponse *m,
                      const char *path)
{
    struct vpr_daemon_later later;

    const bool good = vpr_daemon_holds(d, path, &viper__v1__query_requestor_response__descriptor,
                                       is_mine, &m->base, &later);
    vpr_daemon_say(d, good,
                   later.session > 0
                       ? "if another key counts until then, name that one in gateway-key so long"
                       : "name one of those in gateway-key, or put this one there: viperd tx "
                         "edit-requestor --requestor ID --gateway-keys HEX,... (viperd keys show)",
                   "key", "%s: %s", vpr_key_info(d->keys[0])->name,
                   good                ? "a gateway key on chain"
                   : later.session > 0 ? later.text
                                       : "NONE of the gateway keys on chain");
}

static void check(struct vpr_daemon *d)
{
    const struct vpr_gateway_conf *conf = d->kind->conf;
    char path[256];

    vpr_daemon_check_listen(d, "listen", conf->listen);
    vpr_daemon_check_listen(d, "shadow-listen", conf->shadow_listen);
    vpr_daemon_check_listen(d, "metrics-listen", conf->metrics_listen);
    snprintf(path, sizeof path, "/viper/v1/requestors/%.64s", conf->requestor);
    const Viper__V1__QueryRequestorResponse *m =
        (const Viper__V1__QueryRequestorResponse *)vpr_daemon_ask(
            d, path, &viper__v1__query_requestor_response__descriptor,
            "stake it (the owner signs): viperd tx stake-requestor ...; or correct requestor: "
            "the id is its first operator's address");
    if (m == NULL) {
        return;
    }
    check_stake(d, m, path);
    check_key(d, m, path);
    check_pairs(d, m);
}

/* ---- start ---- */

static enum vpr_code create(struct vpr_daemon *d, struct vpr_err *err)
{
    const struct vpr_gateway_conf *conf = d->kind->conf;
    struct vpr_gateway *gateway = NULL;

    VPR_TRY(vpr_gateway_create(&gateway, d->loop, conf, d->home, d->keys[0], err));
    vpr_log_info("gateway", "listening", "listen=%s shadow=%s metrics=%s", conf->listen,
                 conf->shadow_listen, conf->metrics_listen);
    d->running = gateway;
    return VPR_OK;
}

static void stop(void *running)
{
    vpr_gateway_stop(running);
}

static void destroy(void *running)
{
    vpr_gateway_destroy(running);
}

int main(int argc, char **argv)
{
    static struct vpr_gateway_conf conf;
    const struct vpr_daemon_kind kind = {
        .name = "viper-gateway",
        .part = "gateway",
        .home_env = "VIPER_GATEWAY_HOME",
        .does = {"read it, open the key, ask the node, read the corpora",
                 "relay clients' requests until SIGTERM"},
        .next = "the key (viperd keys add gateway --kind gateway), node and requestor in that "
                "file",
        .schema = &vpr_gateway_schema,
        .conf = &conf,
        .base = base,
        .check = check,
        .create = create,
        .stop = stop,
        .destroy = destroy,
    };

    return vpr_daemon_main(&kind, argc, argv);
}
