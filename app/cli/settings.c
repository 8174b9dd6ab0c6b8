#include "app/cli/settings.h"

#include "app/host/conf.h"
#include "app/host/file.h"
#include "app/host/net.h"

#define ERRORS_BYTES_MAX (64 * 1024)

struct client {
    const char *node, *chain_id, *backend;
};

static const struct vpr_conf_key keys[] = {
    {"node", VPR_CONF_URL, offsetof(struct client, node), 1, VPR_URL_BYTES_MAX,
     "\"" VPR_CLI_NODE_URL "\"", NULL, "REST of the node that is asked."},
    {"chain-id", VPR_CONF_STRING, offsetof(struct client, chain_id), 0, 50, "\"\"", NULL,
     "a node of another chain is refused; \"\": any will do."},
    {"keyring-backend", VPR_CONF_STRING, offsetof(struct client, backend), 0, 0, "\"file\"",
     "file|test", "file: keys behind a passphrase; test: plain, for local networks."},
};

#define SCHEMA(list) \
    {"viperd", &(const struct vpr_conf_table){"", (list), VPR_COUNT(keys), NULL, 0, 0, 0}, 1, \
     sizeof(struct client), NULL}

void vpr_cli_settings_sample(struct vpr_cli *cli, struct vpr_buf *out, const char *chain_id)
{
    struct vpr_conf_key named[VPR_COUNT(keys)];
    memcpy(named, keys, sizeof named);
    named[1].value = vpr_arena_text(&cli->arena, "\"%s\"", chain_id);
    const struct vpr_conf_schema schema = SCHEMA(named);
    vpr_conf_sample(out, &schema);
}

static bool load(struct vpr_cli *cli, struct client *ret, int *ret_exit)
{
    const char *path = vpr_arena_text(&cli->arena, "%s/config/client.toml", cli->home);
    const struct vpr_conf_schema schema = SCHEMA(keys);
    struct vpr_buf errors;
    bool good;

    vpr_buf_init(&errors, ERRORS_BYTES_MAX);
    good = vpr_file_exists(path)
               ? vpr_conf_load(ret, &schema, &cli->arena, path, &errors)
               : vpr_conf_parse(ret, &schema, &cli->arena, path, vpr_bytes_of(NULL, 0), &errors);
    if (!good) {
        *ret_exit = vpr_cli_fail_conf(&errors);
    }
    vpr_buf_finish(&errors);
    return good;
}

bool vpr_cli_settings(struct vpr_cli *cli, struct vpr_cli_settings *ret, int *ret_exit)
{
    static const char *const backends[] = {"file", "test", NULL};
    const char *node = vpr_cli_flag(cli, "node"), *chain = vpr_cli_flag(cli, "chain-id");
    struct client client;
    struct vpr_url url;
    struct vpr_err err;
    size_t backend;

    if (!load(cli, &client, ret_exit)) {
        return false;
    }
    *ret_exit = VPR_CLI_USAGE;
    if (!vpr_cli_choice(cli, &backend, "keyring-backend", backends,
                        strcmp(client.backend, "test") == 0 ? 1 : 0)) {
        return false;
    }
    node = node ? node : client.node;
    if (vpr_url_parse(&url, vpr_bytes_str(node), &err) != VPR_OK) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "--node: %s", err.text);
        return false;
    }
    size_t len = strlen(node);
    len -= node[len - 1] == '/' ? 1 : 0;
    ret->node = vpr_arena_text(&cli->arena, "%.*s", (int)len, node);
    ret->chain_id = chain ? chain : client.chain_id;
    ret->backend = backends[backend];
    return true;
}
