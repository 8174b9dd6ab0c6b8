#include "relay/settings.h"

#include <stddef.h>
#include <stdio.h>

#include "app/client/daemon.h"
#include "app/rules/ids.h"

#define AT(field) offsetof(struct vpr_relay_conf, field)
#define AT_RISK(field) offsetof(struct vpr_relay_risk_conf, field)
#define AT_CLAIMS(field) offsetof(struct vpr_relay_claims_conf, field)
#define AT_BACKEND(field) offsetof(struct vpr_relay_backend_conf, field)

static const struct vpr_conf_key main_keys[] = {
    {"node", VPR_CONF_URL, AT(node), 8, 511, NULL, NULL,
     "URL of the viperd this relay follows and sends transactions to"},
    {"servicer", VPR_CONF_STRING, AT(servicer), 0, 64, "\"\"", NULL,
     "id of the servicer (its first operator's address); empty: the operator-key's address"},
    {"operator-key", VPR_CONF_STRING, AT(operator_key), 1, 32, "\"operator\"", NULL,
     "name of the key that signs Commit and Prove and pays their fees"},
    {"relay-key", VPR_CONF_STRING, AT(relay_key), 1, 32, "\"relay\"", NULL,
     "name of the key that signs receipts: the one on the chain"},
    {"relay-key-next", VPR_CONF_STRING, AT(relay_key_next), 0, 32, "\"\"", NULL,
     "the other relay key while it is being replaced: each session says which one counts"},
    VPR_DAEMON_ROW_KEYRING(struct vpr_relay_conf),
    {"listen", VPR_CONF_LISTEN, AT(listen), 3, 63, "\"127.0.0.1:8500\"", NULL,
     "address and port for relays"},
    VPR_DAEMON_ROW_METRICS(struct vpr_relay_conf),
    {"tls-cert", VPR_CONF_STRING, AT(tls_cert), 0, 512, "\"\"", NULL,
     "PEM file with the certificate chain; empty: plain HTTP"},
    {"tls-key", VPR_CONF_STRING, AT(tls_key), 0, 512, "\"\"", NULL, "PEM file with its key"},
    {"body-max", VPR_CONF_UINT, AT(body_max), 1024, 64 * 1024 * 1024, "8_388_608", NULL,
     "bytes of a request's body"},
    {"answer-max", VPR_CONF_UINT, AT(answer_max), 1024, 64 * 1024 * 1024, "8_388_608", NULL,
     "bytes of an answer's body; a longer one is refused"},
    {"capacity", VPR_CONF_UINT, AT(capacity), 1, VPR_SERVE_CAPACITY_MAX, "512", NULL,
     "relays in flight; above half of it each requestor has its share by quota"},
    {"connections", VPR_CONF_UINT, AT(connections), 1, 65536, "4096", NULL,
     "connections of clients at one time"},
    {"backend-connections", VPR_CONF_UINT, AT(backend_connections), 1, 1024, "64", NULL,
     "connections to each backend"},
    {"leaf-sync", VPR_CONF_STRING, AT(leaf_sync), 1, 16, "\"group\"", "group|always",
     "group: relays share a sync of the disk; always: each has its own"},
    VPR_DAEMON_ROW_LOG(struct vpr_relay_conf),
};

static const struct vpr_conf_key risk_keys[] = {
    {"floor-cu", VPR_CONF_UINT, AT_RISK(floor_cu), 0, 1000000000, "100", NULL,
     "CU of a session that may always be answered before anything is acknowledged"},
    {"quota-ppm", VPR_CONF_UINT, AT_RISK(quota_ppm), 0, VPR_PPM, "20_000", NULL,
     "or this share of the quota, in parts per million, if it is more"},
    {"acknowledged-ppm", VPR_CONF_UINT, AT_RISK(acked_ppm), 0, VPR_PPM, "100_000", NULL,
     "and this share of what is acknowledged, on top"},
};

static const struct vpr_conf_key claims_keys[] = {
    {"at-a-loss", VPR_CONF_BOOL, AT_CLAIMS(at_a_loss), 0, 0, "false", NULL,
     "also claim what costs more in fees than it may earn"},
};

static const struct vpr_conf_key backend_keys[] = {
    {"url", VPR_CONF_URL, AT_BACKEND(url), 8, VPR_BACKEND_URL_BYTES_MAX - 1, NULL, NULL,
     "the chain's node, without a slash at the end"},
    {"auth", VPR_CONF_STRING, AT_BACKEND(auth), 0, 255, "\"\"", NULL,
     "user:password for Basic authorization"},
    {"authorization", VPR_CONF_STRING, AT_BACKEND(authorization), 0,
     VPR_BACKEND_AUTH_BYTES_MAX - 1, "\"\"", NULL,
     "the whole value of the Authorization header instead"},
    {"methods", VPR_CONF_LIST, AT_BACKEND(methods), 0, VPR_BACKEND_METHODS_MAX, "[]", NULL,
     "methods and /path prefixes that may be asked; empty: all"},
    {"timeout-ms", VPR_CONF_UINT, AT_BACKEND(timeout_ms), 10, 60000, "10_000", NULL,
     "how long an answer may take"},
};

static const struct vpr_conf_table tables[] = {
    {"", main_keys, VPR_COUNT(main_keys), "A servicer's relay.", 0, 0, 0},
    {"risk", risk_keys, VPR_COUNT(risk_keys),
     "Work answered and not yet acknowledged, per requestor, chain and session.", AT(risk), 0,
     0},
    {"claims", claims_keys, VPR_COUNT(claims_keys), "What is committed to the chain.",
     AT(claims), 0, 0},
    {"backend-*", backend_keys, VPR_COUNT(backend_keys),
     "One a chain, by its id in four hex digits: [backend-0001].", AT(backends),
     sizeof(struct vpr_relay_backend_conf), AT(backend_count)},
};

static void check_backend(const struct vpr_relay_backend_conf *backend,
                          struct vpr_conf_checker *checker)
{
    char table[80], basic[VPR_BACKEND_AUTH_BYTES_MAX];

    snprintf(table, sizeof table, "backend-%s", backend->chain);
    vpr_conf_check_chain(checker, "backend", backend->chain);
    if (backend->auth[0] != '\0' && !vpr_backend_basic(basic, backend->auth)) {
        vpr_conf_wrong(checker, table, "auth", "user:password is expected");
    }
    if (backend->auth[0] != '\0' && backend->authorization[0] != '\0') {
        vpr_conf_wrong(checker, table, "authorization", "auth is given too; they exclude each "
                       "other");
    }
}

static void check(const void *target, struct vpr_conf_checker *checker)
{
    const struct vpr_relay_conf *conf = target;

    vpr_conf_check_id(checker, "servicer", conf->servicer);
    vpr_conf_check_tls(checker, conf->tls_cert, conf->tls_key);
    if (conf->backend_count == 0 || conf->backend_count > VPR_BACKENDS_MAX) {
        vpr_conf_wrong(checker, "", NULL, "1 to %d tables such as [backend-0001] are expected, "
                       "not %zu", VPR_BACKENDS_MAX, conf->backend_count);
    }
    for (size_t i = 0; i < conf->backend_count; i++) {
        check_backend(&conf->backends[i], checker);
    }
}

const struct vpr_conf_schema vpr_relay_schema = {"viper-relay", tables, VPR_COUNT(tables),
                                                 sizeof(struct vpr_relay_conf), check};

size_t vpr_relay_backends(struct vpr_backend *ret, const struct vpr_relay_conf *conf)
{
    VPR_ASSERT(conf->backend_count <= VPR_BACKENDS_MAX);
    for (size_t i = 0; i < conf->backend_count; i++) {
        const struct vpr_relay_backend_conf *from = &conf->backends[i];
        struct vpr_backend *to = &ret[i];
        *to = (struct vpr_backend){.timeout_ms = (uint32_t)from->timeout_ms,
                                   .answer_max = conf->answer_max,
                                   .allowed = {from->methods.count, from->methods.items}};
        VPR_ASSERT(vpr_id16_parse(&to->chain, vpr_bytes_str(from->chain)));
        snprintf(to->url, sizeof to->url, "%s", from->url);
        snprintf(to->authorization, sizeof to->authorization, "%s", from->authorization);
        if (from->auth[0] != '\0') {
            VPR_ASSERT(vpr_backend_basic(to->authorization, from->auth));
        }
    }
    return conf->backend_count;
}
