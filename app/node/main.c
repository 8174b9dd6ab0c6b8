/* main.c - viperd: today `viperd start`, which serves CometBFT until it is told to stop. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/host/file.h"
#include "app/host/log.h"
#include "app/host/loop.h"
#include "app/node/bridge.h"
#include "app/node/secrets.h"

struct arguments {
    const char *home, *address, *beacon_key, *keyring, *passphrase_file;
};

static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    {"--home", offsetof(struct arguments, home)},
    {"--address", offsetof(struct arguments, address)},
    {"--beacon-key", offsetof(struct arguments, beacon_key)},
    {"--keyring-backend", offsetof(struct arguments, keyring)},
    {"--passphrase-file", offsetof(struct arguments, passphrase_file)},
};

static const char usage[] =
    "usage: viperd start --home DIR --address unix:///PATH.sock [--beacon-key NAME]\n"
    "  --home             where data/viper.db lies; CometBFT's home may be the same\n"
    "  --address          what CometBFT's proxy_app says\n"
    "  --beacon-key       a validator's key of kind beacon; without it no block reveals\n"
    "  --keyring-backend  test or file (the default)\n"
    "  --passphrase-file  its first line opens the keyring\n";

static bool parse(struct arguments *ret, int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "start") != 0) {
        return false;
    }
    for (int i = 2; i + 1 < argc; i += 2) {
        size_t f = 0;
        while (f < VPR_COUNT(flags) && strcmp(argv[i], flags[f].name) != 0) {
            f++;
        }
        if (f == VPR_COUNT(flags)) {
            return false;
        }
        memcpy((uint8_t *)ret + flags[f].offset, &argv[i + 1], sizeof argv[i + 1]);
    }
    return argc % 2 == 0 && ret->home != NULL && ret->address != NULL;
}

static void stop(void *loop)
{
    vpr_loop_stop(loop);
}

static int serve(struct vpr_app *app, const char *address, struct secrets *secrets)
{
    const struct bridge_options options = {
        .reveal = secrets != NULL ? secrets_reveal : NULL,
        .reveal_arg = secrets,
    };
    char why[ABCI_TEXT_MAX];
    struct vpr_loop *loop = vpr_loop_create();
    struct bridge *bridge = bridge_create(app, &options);
    struct abci_server *server =
        abci_server_create(vpr_loop_base(loop), bridge_abci(bridge), address, why);
    if (server == NULL) {
        (void)fprintf(stderr, "viperd: %s\n", why);
    } else {
        vpr_log_info("node", "ready", "address=%s height=%" PRIu64, address,
                     vpr_app_height(app));
        vpr_loop_on_signal(loop, SIGINT, stop, loop);
        vpr_loop_on_signal(loop, SIGTERM, stop, loop);
        vpr_loop_run(loop);
    }
    abci_server_destroy(server);
    bridge_destroy(bridge);
    vpr_loop_destroy(loop);
    return server == NULL ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int start(const struct arguments *arguments)
{
    char path[1024], why[256];
    struct vpr_err err = {VPR_OK, ""};
    int len = snprintf(path, sizeof path, "%s/data", arguments->home);
    if (len < 0 || (size_t)len + sizeof "/viper.db" > sizeof path) {
        (void)fprintf(stderr, "viperd: --home has too long a path\n");
        return EXIT_FAILURE;
    }
    if (vpr_dir_make(path, 0700, &err) != VPR_OK) {
        (void)fprintf(stderr, "viperd: %s\n", err.text);
        return EXIT_FAILURE;
    }
    memcpy(path + len, "/viper.db", sizeof "/viper.db");
    struct secrets *secrets = NULL;
    if (arguments->beacon_key != NULL &&
        secrets_open(&secrets, arguments->home, arguments->keyring, arguments->passphrase_file,
                     arguments->beacon_key, &err) != VPR_OK) {
        (void)fprintf(stderr, "viperd: %s\n", err.text);
        return EXIT_FAILURE;
    }
    struct vpr_kv *kv = vpr_kv_rocksdb_open(path, why, sizeof why);
    struct vpr_app *app = kv == NULL ? NULL : vpr_app_open(kv, why, sizeof why);
    if (app == NULL) {
        (void)fprintf(stderr, "viperd: %s\n", why);
        secrets_close(secrets);
        return EXIT_FAILURE;
    }
    int status = serve(app, arguments->address, secrets);
    vpr_app_close(app);
    secrets_close(secrets);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.keyring = "file"};
    if (!parse(&arguments, argc, argv)) {
        (void)fputs(usage, stderr);
        return EXIT_FAILURE;
    }
    vpr_sig_init();
    return start(&arguments);
}
