/* start.c - `viperd start`: serve CometBFT, REST and events until told to stop.
 *
 * Three threads beside the bridge's two: this one runs the ABCI sockets and takes signals,
 * REST has its own.  CometBFT may come and go; the node waits for it. */
#include <signal.h>
#include <stdio.h>

#include "app/host/file.h"
#include "app/host/log.h"
#include "app/host/loop.h"
#include "app/host/net.h"
#include "app/node/config.h"
#include "app/node/feeder.h"
#include "app/node/meters.h"
#include "app/node/rest.h"
#include "app/node/secrets.h"
#include "app/node/verbs.h"

#define ERRORS_BYTES_MAX (64 * 1024)
#define DISK_FREE_MIN_MIB 64
#define DISK_LOOK_MS 2000
#define END_MS 1000

struct node {
    struct vpr_cli *cli;
    struct node_config config;
    char api_host[VPR_LISTEN_HOST_MAX];
    uint16_t api_port;
    struct vpr_app *app;
    struct secrets *secrets; /* NULL: this node reveals nothing */
    struct meters *meters;
    struct rest *rest;
    struct vpr_loop *loop;
    const char *data_dir;
    bool disk_full;
    struct feeder *feeder; /* NULL: no votes on the price */
    uint64_t next_height, next_version; /* of an upgrade that is due; 0: none */
    struct vpr_timer *end;              /* and then an end, a moment later */
};

/* ---- configuration: file, then flags ---- */

static void override(struct vpr_cli *cli, const char **setting, const char *flag)
{
    const char *given = vpr_cli_flag(cli, flag);
    *setting = given ? given : *setting;
}

static int bad_value(struct node *n, const char *what, const char *value, const char *wanted)
{
    return vpr_cli_fail(n->cli, VPR_CLI_USAGE, "%s \"%.120s\" is no %s", what, value, wanted);
}

static int configure(struct node *n)
{
    struct vpr_cli *cli = n->cli;
    struct node_config *c = &n->config;
    const char *path = vpr_arena_text(&cli->arena, "%s/config/app.toml", cli->home);
    enum vpr_log_level level;
    struct vpr_buf errors;
    struct vpr_url url;

    vpr_buf_init(&errors, ERRORS_BYTES_MAX);
    bool good = node_config_load(c, &cli->arena, path, &errors);
    if (!good) {
        (void)vpr_cli_fail_conf(&errors);
    }
    vpr_buf_finish(&errors);
    if (!good) {
        return VPR_CLI_LOCAL;
    }
    override(cli, &c->abci_address, "address");
    override(cli, &c->api_listen, "api-listen");
    override(cli, &c->comet_rpc, "comet-rpc");
    override(cli, &c->log_level, "log-level");
    override(cli, &c->beacon_key, "beacon-key");
    override(cli, &c->keyring_backend, "keyring-backend");
    override(cli, &c->passphrase_file, "passphrase-file");
    if (!vpr_log_level_of(&level, c->log_level)) {
        return bad_value(n, "log level", c->log_level, "debug, info, warn or error");
    }
    vpr_log_setup(level, 2);
    if (!vpr_listen_parse(n->api_host, &n->api_port, c->api_listen)) {
        return bad_value(n, "api listen", c->api_listen, "numeric address and port");
    }
    if (vpr_url_parse(&url, vpr_bytes_str(c->comet_rpc), NULL) != VPR_OK) {
        return bad_value(n, "comet rpc", c->comet_rpc, "http URL");
    }
    return VPR_CLI_OK;
}

/* ---- the beacon ---- */

/* A node that is no validator has no such key, and needs none. */
static bool open_beacon(struct node *n)
{
    const struct node_config *c = &n->config;
    struct vpr_err err;

    if (!*c->beacon_key) {
        return true;
    }
    enum vpr_code code = secrets_open(&n->secrets, n->cli->home, c->keyring_backend,
                                      *c->passphrase_file ? c->passphrase_file : NULL,
                                      c->beacon_key, &err);
    if (code == VPR_NOT_FOUND) {
        vpr_log_info("beacon", "no key, no reveals", "name=%s", c->beacon_key);
        return true;
    }
    if (code != VPR_OK) {
        (void)vpr_cli_fail_err(n->cli, &err);
        return false;
    }
    return true;
}

/* A bridge_reveal_fn; on the bridge's thread. */
static bool reveal(void *arg, const struct vpr_hash *end, struct vpr_hash *ret_x)
{
    const struct node *n = arg;
    uint64_t left = 0;

    if (!secrets_reveal(n->secrets, end, ret_x, &left)) {
        meters_skip(n->meters);
        return false;
    }
    meters_reveal(n->meters, left);
    return true;
}

/* ---- the price ---- */

static const char *own_host(const struct node *n)
{
    return strcmp(n->api_host, "0.0.0.0") == 0 ? "127.0.0.1"
           : strcmp(n->api_host, "::") == 0    ? "::1"
                                               : n->api_host;
}

/* Asks this node's own REST, so that must listen already. */
static bool open_feeder(struct node *n)
{
    const struct node_config *c = &n->config;
    const bool v6 = strchr(n->api_host, ':') != NULL;
    const struct feeder_options options = {
        .loop = n->loop,
        .node = vpr_arena_text(&n->cli->arena, "http://%s%s%s:%u", v6 ? "[" : "", own_host(n),
                               v6 ? "]" : "", rest_port(n->rest)),
        .file = c->price_file,
        .url = c->price_url,
        .max_age_s = c->price_max_age_s,
        .pointer = c->price_pointer,
        .home = n->cli->home,
        .keyring_backend = c->keyring_backend,
        .passphrase_file = *c->passphrase_file ? c->passphrase_file : NULL,
        .key = c->price_key,
    };
    struct vpr_err err;

    if (*c->price_file == '\0' && *c->price_url == '\0') {
        return true;
    }
    if (feeder_create(&n->feeder, &options, &err) != VPR_OK) {
        (void)vpr_cli_fail_err(n->cli, &err);
        return false;
    }
    return true;
}

/* ---- the disk ---- */

/* On a full disk CometBFT gives up consensus, but lives on and never tries again: its node would
 * stand for ever.  It ends when we do, and whoever starts both again does so until there is
 * room: then the node comes back by itself. */
static void look_at_disk(void *arg)
{
    struct node *n = arg;
    const uint64_t mib = vpr_disk_free(n->data_dir) / (1024 * 1024);

    if (mib < DISK_FREE_MIN_MIB && !n->disk_full) {
        (void)vpr_cli_fail(n->cli, VPR_CLI_LOCAL, "%" PRIu64 " MiB are left where %s is, %d are "
                           "needed: make room and start again", mib, n->data_dir,
                           DISK_FREE_MIN_MIB);
        n->disk_full = true;
        vpr_loop_stop(n->loop);
    }
}

/* ---- life ---- */

static void committed(void *arg, const struct bridge_committed *block)
{
    struct node *n = arg;
    rest_committed(n->rest, block);
}

static void checked(void *arg, enum vpr_code code)
{
    struct node *n = arg;
    meters_check(n->meters, code);
}

static int outdated(struct node *n, uint64_t height, uint64_t version)
{
    return vpr_cli_fail(n->cli, VPR_CLI_UPGRADE,
                        "block %" PRIu64 " needs version %" PRIu64 " of the application, this "
                        "is version %" PRIu64 ": install that viperd and start it on the same "
                        "home",
                        height, version, vpr_app_version);
}

/* CometBFT shall have time to write down the block that was committed last. */
static void end_soon(void *arg)
{
    struct node *n = arg;
    if (!vpr_timer_pending(n->end)) {
        vpr_timer_once(n->end, END_MS);
    }
}

/* On the owner thread: serve() reads this when the loop and that thread are at their ends. */
static void outdated_now(void *arg, uint64_t height, uint64_t version)
{
    struct node *n = arg;
    n->next_height = height;
    n->next_version = version;
    if (!vpr_loop_post(n->loop, end_soon, n)) {
        vpr_loop_stop(n->loop);
    }
}

/* Too old for the next block, or too new: then the old one must go on up to the upgrade. */
static bool in_date(struct node *n, int *ret_exit)
{
    uint64_t next = vpr_app_height(n->app) + 1;
    uint64_t version = vpr_app_version_at(n->app, next);
    if (version == vpr_app_version) {
        return true;
    }
    *ret_exit = outdated(n, next, version);
    return false;
}

static void stop(void *arg)
{
    vpr_loop_stop(arg);
}

static int run(struct node *n)
{
    struct vpr_timer *timer = vpr_timer_create(n->loop, look_at_disk, n);

    vpr_timer_every(timer, DISK_LOOK_MS);
    vpr_loop_on_signal(n->loop, SIGINT, stop, n->loop);
    vpr_loop_on_signal(n->loop, SIGTERM, stop, n->loop);
    vpr_loop_run(n->loop);
    vpr_timer_destroy(timer);
    vpr_log_info("node", "stopping", NULL);
    return n->disk_full ? VPR_CLI_LOCAL : VPR_CLI_OK;
}

static int serve(struct node *n)
{
    const struct bridge_options options = {.reveal = n->secrets ? reveal : NULL,
                                           .reveal_arg = n,
                                           .committed = committed, .committed_arg = n,
                                           .checked = checked, .checked_arg = n,
                                           .outdated = outdated_now, .outdated_arg = n};
    char why[ABCI_TEXT_MAX];
    struct vpr_err err;
    int left = VPR_CLI_OK;

    n->loop = vpr_loop_create();
    n->end = vpr_timer_create(n->loop, stop, n->loop);
    struct bridge *bridge = bridge_create(n->app, &options);
    struct abci_server *server = NULL;
    if (rest_start(n->rest, bridge, &err) != VPR_OK) {
        left = vpr_cli_fail(n->cli, VPR_CLI_LOCAL, "%s", err.text);
    } else {
        server = abci_server_create(vpr_loop_base(n->loop), bridge_abci(bridge),
                                    n->config.abci_address, why);
        left = server ? VPR_CLI_OK : vpr_cli_fail(n->cli, VPR_CLI_LOCAL, "%s", why);
        left = left == VPR_CLI_OK && !open_feeder(n) ? VPR_CLI_LOCAL : left;
    }
    if (left == VPR_CLI_OK) {
        vpr_log_info("node", "ready", "height=%" PRIu64 " abci=%s rest=%s port=%u",
                     vpr_app_height(n->app), n->config.abci_address, n->api_host,
                     rest_port(n->rest));
        left = run(n);
    }
    feeder_destroy(n->feeder);
    abci_server_destroy(server);
    rest_stop(n->rest);
    bridge_destroy(bridge);
    vpr_timer_destroy(n->end);
    vpr_loop_destroy(n->loop);
    return n->next_version != 0 ? outdated(n, n->next_height, n->next_version) : left;
}

int node_start(struct vpr_cli *cli)
{
    struct node n = {.cli = cli};
    int left = configure(&n);

    if (left != VPR_CLI_OK) {
        return left;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    left = VPR_CLI_LOCAL;
    n.data_dir = vpr_arena_text(&cli->arena, "%s/data", cli->home);
    if (open_beacon(&n)) {
        n.app = node_open(cli, true, &left);
    }
    if (n.app && !in_date(&n, &left)) {
        vpr_app_close(n.app);
        n.app = NULL;
    }
    if (n.app) {
        const struct rest_options options = {n.api_host, n.api_port, n.config.comet_rpc,
                                             n.config.cors_origins, n.data_dir};
        n.meters = meters_create();
        n.rest = rest_create(&options, n.meters);
        left = serve(&n);
        rest_destroy(n.rest);
        meters_destroy(n.meters);
        vpr_app_close(n.app);
    }
    secrets_close(n.secrets);
    return left;
}

const struct vpr_cli_flag node_start_flags[] = {
    {"address", "URL", "the socket CometBFT's proxy_app speaks to"},
    {"api-listen", "HOST:PORT", "REST, events, metrics"},
    {"comet-rpc", "URL", "CometBFT's RPC"},
    {"log-level", "LEVEL", "debug, info, warn or error"},
    {"beacon-key", "NAME", "a validator's hash chain in the keyring"},
    {"keyring-backend", "file|test", "where the beacon's key is"},
    {"passphrase-file", "FILE", "for backend file"},
    VPR_CLI_END,
};
