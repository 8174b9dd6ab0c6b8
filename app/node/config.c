#include "app/node/config.h"

#include "app/host/file.h"
#include "app/host/net.h"

#define KEY(name, field, most, value, choices, help) \
    {name, VPR_CONF_STRING, offsetof(struct node_config, field), 0, most, value, choices, help}

static const struct vpr_conf_key abci_keys[] = {
    KEY("address", abci_address, 512, "\"tcp://127.0.0.1:26658\"", NULL,
        "what CometBFT's proxy_app says; unix:///PATH.sock, shorter than 108 bytes, is faster."),
};
static const struct vpr_conf_key api_keys[] = {
    KEY("listen", api_listen, 128, "\"127.0.0.1:1317\"", NULL,
        "REST, events and metrics; a numeric address and a port."),
    {"cors-origins", VPR_CONF_LIST, offsetof(struct node_config, cors_origins), 0, 32, "[]",
     NULL, "pages that may read from browsers, such as \"https://wallet.example\"; \"*\": all."},
};
static const struct vpr_conf_key comet_keys[] = {
    KEY("rpc", comet_rpc, VPR_URL_BYTES_MAX, "\"http://127.0.0.1:26657\"", NULL,
        "CometBFT's RPC: transactions are sent and looked up there."),
};
static const struct vpr_conf_key beacon_keys[] = {
    KEY("key", beacon_key, 64, "\"beacon\"", NULL,
        "a validator's hash chain in the keyring; \"\": this node reveals nothing."),
};
static const struct vpr_conf_key keyring_keys[] = {
    KEY("backend", keyring_backend, 0, "\"file\"", "file|test",
        "file: keys behind a passphrase; test: plain, for local networks."),
    KEY("passphrase-file", passphrase_file, 1024, "\"\"", NULL,
        "its first line is the passphrase; \"\": asked for at the terminal."),
};
static const struct vpr_conf_key log_keys[] = {
    KEY("level", log_level, 0, "\"info\"", "debug|info|warn|error", "lines below are dropped."),
};

#define TABLE(name, keys, help) {name, keys, VPR_COUNT(keys), help, 0, 0, 0}

static const struct vpr_conf_table tables[] = {
    TABLE("abci", abci_keys, "the socket that CometBFT speaks to."),
    TABLE("api", api_keys, "HTTP."),
    TABLE("comet", comet_keys, "the CometBFT of this node."),
    TABLE("beacon", beacon_keys, "the randomness beacon."),
    TABLE("keyring", keyring_keys, "where the beacon's key is."),
    TABLE("log", log_keys, "to stderr."),
};

static const struct vpr_conf_schema schema = {"viperd", tables, VPR_COUNT(tables),
                                              sizeof(struct node_config)};

void node_config_sample(struct vpr_buf *out)
{
    vpr_conf_sample(out, &schema);
}

bool node_config_load(struct node_config *ret, struct vpr_arena *arena, const char *path,
                      struct vpr_buf *errors)
{
    if (vpr_file_exists(path)) {
        return vpr_conf_load(ret, &schema, arena, path, errors);
    }
    return vpr_conf_parse(ret, &schema, arena, path, vpr_bytes_of(NULL, 0), errors);
}

bool node_listen_parse(char host[NODE_HOST_BYTES_MAX], uint16_t *ret_port, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t skip = text[0] == '[' ? 1 : 0;
    size_t len = colon ? (size_t)(colon - text) : 0;
    uint32_t port = 0;
    struct vpr_addr addr;

    if (len < 2 || len - skip >= NODE_HOST_BYTES_MAX || !colon[1] || strlen(colon + 1) > 5 ||
        (skip && text[len - 1] != ']')) {
        return false;
    }
    memcpy(host, text + skip, len - 2 * skip);
    host[len - 2 * skip] = 0;
    for (const char *c = colon + 1; *c; c++) {
        if (*c < '0' || *c > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(*c - '0');
    }
    *ret_port = (uint16_t)port;
    return port <= UINT16_MAX && vpr_addr_parse(&addr, host, *ret_port);
}
