#include "relay/gateway.h"

#include <stddef.h>

#include "app/client/daemon.h"
#include "app/rules/ids.h"

#define AT(field) offsetof(struct vpr_gateway_conf, field)

static const struct vpr_conf_key keys[] = {
    {"node", VPR_CONF_URL, AT(node), 8, 511, NULL, NULL,
     "URL of the viperd this gateway follows"},
    {"requestor", VPR_CONF_STRING, AT(requestor), 1, 64, NULL, NULL,
     "id of the requestor (its first operator's address, viper1...)"},
    {"gateway-key", VPR_CONF_STRING, AT(gateway_key), 1, 32, "\"gateway\"", NULL,
     "name of the key that signs tokens: one of the requestor's gateway keys on chain"},
    VPR_DAEMON_ROW_KEYRING(struct vpr_gateway_conf),
    {"listen", VPR_CONF_LISTEN, AT(listen), 3, 63, "\"127.0.0.1:8481\"", NULL,
     "address and port for clients: POST /v1/{chain}"},
    {"shadow-listen", VPR_CONF_LISTEN, AT(shadow_listen), 0, 63, "\"127.0.0.1:8482\"", NULL,
     "address and port for fishermen, the requestor's shadow_url; empty: no samples"},
    VPR_DAEMON_ROW_METRICS(struct vpr_gateway_conf),
    {"tls-cert", VPR_CONF_STRING, AT(tls_cert), 0, 512, "\"\"", NULL,
     "PEM file with the certificate chain of both listeners; empty: plain HTTP"},
    {"tls-key", VPR_CONF_STRING, AT(tls_key), 0, 512, "\"\"", NULL, "PEM file with its key"},
    {"ca-file", VPR_CONF_STRING, AT(ca_file), 0, 512, "\"\"", NULL,
     "PEM file that servicers' https certificates are checked against; empty: the system's"},
    {"corpus-dir", VPR_CONF_STRING, AT(corpus_dir), 0, 512, "\"corpus\"", NULL,
     "directory of {chain}.jsonl, what fishermen may sample; relative to the home"},
    {"allow-private-peers", VPR_CONF_BOOL, AT(allow_private_peers), 0, 0, "false", NULL,
     "servicers at loopback and private addresses: for local networks only"},
    {"settle-request", VPR_CONF_BOOL, AT(settle_request), 0, 0, "true", NULL,
     "after a session, one cheap request where the last answers are not vouched for yet"},
    {"attempt-ms", VPR_CONF_UINT, AT(attempt_ms), 50, 60000, "2500", NULL,
     "without an answer for so long, a read is also asked of another servicer"},
    {"total-ms", VPR_CONF_UINT, AT(total_ms), 100, 120000, "9500", NULL,
     "a client is answered by then"},
    {"connect-ms", VPR_CONF_UINT, AT(connect_ms), 10, 60000, "1000", NULL,
     "how long connecting to a servicer may take"},
    {"body-max", VPR_CONF_UINT, AT(body_max), 1024, 64 * 1024 * 1024, "5_242_880", NULL,
     "bytes of a request's body"},
    {"answer-max", VPR_CONF_UINT, AT(answer_max), 1024, 64 * 1024 * 1024, "8_388_608", NULL,
     "bytes of a servicer's answer"},
    {"batch-max", VPR_CONF_UINT, AT(batch_max), 1, 1000, "100", NULL,
     "calls in one JSON-RPC batch"},
    {"connections", VPR_CONF_UINT, AT(connections), 1, 65536, "4096", NULL,
     "connections of clients at one time"},
    {"requests", VPR_CONF_UINT, AT(requests), 1, 65536, "2048", NULL,
     "requests of clients under way at one time; more are answered 503"},
    VPR_DAEMON_ROW_LOG(struct vpr_gateway_conf),
};

static const struct vpr_conf_table tables[] = {
    {"", keys, VPR_COUNT(keys), "A requestor's gateway.", 0, 0, 0},
};

static void check(const void *target, struct vpr_conf_checker *checker)
{
    const struct vpr_gateway_conf *conf = target;

    vpr_conf_check_id(checker, "requestor", conf->requestor);
    vpr_conf_check_tls(checker, conf->tls_cert, conf->tls_key);
}

const struct vpr_conf_schema vpr_gateway_schema = {
    "viper-gateway", tables, VPR_COUNT(tables), sizeof(struct vpr_gateway_conf), check};
