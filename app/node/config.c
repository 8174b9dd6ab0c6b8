#include "app/node/config.h"

#include "app/host/file.h"
#include "app/host/net.h"

#define TYPED(type, least, name, field, most, value, choices, help) \
    {name, type, offsetof(struct node_config, field), least, most, value, choices, help}
#define KEY(...) TYPED(VPR_CONF_STRING, 0, __VA_ARGS__)

static const struct vpr_conf_key abci_keys[] = {
    KEY("address", abci_address, 512, "\"tcp://127.0.0.1:26658\"", NULL,
        "what CometBFT's proxy_app says; unix:///PATH.sock, shorter than 108 bytes, is faster."),
};
static const struct vpr_conf_key api_keys[] = {
    TYPED(VPR_CONF_LISTEN, 1, "listen", api_listen, 128, "\"127.0.0.1:1317\"", NULL,
        "REST, events and metrics; a numeric address and a port."),
    {"cors-origins", VPR_CONF_LIST, offsetof(struct node_config, cors_origins), 0, 32, "[]",
     NULL, "pages that may read from browsers, such as \"https://wallet.example\"; \"*\": all."},
};
static const struct vpr_conf_key comet_keys[] = {
    TYPED(VPR_CONF_URL, 1, "rpc", comet_rpc, VPR_URL_BYTES_MAX, "\"http://127.0.0.1:26657\"", NULL,
        "CometBFT's RPC: transactions are sent and looked up there."),
};
static const struct vpr_conf_key beacon_keys[] = {
    KEY("key", beacon_key, 64, "\"beacon\"", NULL,
        "a validator's hash chain in the keyring, tried before its other beacon keys; \"\": "
        "no reveals."),
};
static const struct vpr_conf_key price_keys[] = {
    KEY("file", price_file, 1024, "\"\"", NULL,
        "where the price of a VIPR in USD is read; \"\" for this and the URL: no votes."),
    TYPED(VPR_CONF_URL, 0, "url", price_url, VPR_URL_BYTES_MAX, "\"\"", NULL,
        "or the URL that answers it to a GET."),
    TYPED(VPR_CONF_UINT, 0, "max-age-s", price_max_age_s, 2592000, "3600", NULL,
        "seconds after which a file that was not written anew is not voted; 0: never."),
    KEY("pointer", price_pointer, 255, "\"\"", NULL,
        "a JSON pointer such as \"/viper/usd\" to the number; \"\": the text is the number."),
    KEY("key", price_key, 32, "\"operator\"", NULL,
        "the validator's operator in the keyring, who signs the vote and pays its fee."),
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
    TABLE("price", price_keys, "a validator's vote on the price, once a session."),
    TABLE("keyring", keyring_keys, "where the keys of this node are."),
    TABLE("log", log_keys, "to stderr."),
};

static void check(const void *target, struct vpr_conf_checker *checker)
{
    const char *address = ((const struct node_config *)target)->abci_address;

    if (strncmp(address, "tcp://", 6) != 0 && strncmp(address, "unix:///", 8) != 0) {
        vpr_conf_wrong(checker, "abci", "address", "tcp://HOST:PORT or unix:///PATH.sock is "
                       "expected, not \"%.100s\"", address);
    }
    const struct node_config *c = target;
    if (*c->price_file != '\0' && *c->price_url != '\0') {
        vpr_conf_wrong(checker, "price", "url", "either file or url is read, not both");
    }
    if (*c->price_pointer != '\0' && *c->price_pointer != '/') {
        vpr_conf_wrong(checker, "price", "pointer",
                       "a JSON pointer begins with /, not \"%.100s\"", c->price_pointer);
    }
}

static const struct vpr_conf_schema schema = {"viperd", tables, VPR_COUNT(tables),
                                              sizeof(struct node_config), check};

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
