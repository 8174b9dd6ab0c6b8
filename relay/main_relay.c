/* viper-relay - a servicer's daemon: init, check, start. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/base/bytes.h"
#include "app/client/query.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "relay/servicer.h"
#include "viper/v1/query.pb-c.h"

#define ARENA_BYTES (64u * 1024 * 1024)
#define ERRORS_BYTES_MAX (64 * 1024)
#define PATH_BYTES_MAX 512

struct run {
    char home[PATH_BYTES_MAX];
    char conf_path[PATH_BYTES_MAX + 16];
    struct vpr_arena arena;
    struct vpr_relay_conf conf;
    struct vpr_keyring *ring;
    struct vpr_key *operator_key, *relay_key, *relay_key_next;
};

static int fail(const struct vpr_err *err)
{
    fprintf(stderr, "viper-relay: %s\n", err->text);
    return EXIT_FAILURE;
}

static bool load_conf(struct run *run)
{
    struct vpr_buf errors;

    vpr_buf_init(&errors, ERRORS_BYTES_MAX);
    const bool ok = vpr_conf_load(&run->conf, &vpr_relay_schema, &run->arena, run->conf_path,
                                  &errors);
    if (!ok) {
        fprintf(stderr, "%.*s", (int)errors.len, errors.data == NULL ? "" : errors.data);
    }
    vpr_buf_finish(&errors);
    if (ok) {
        enum vpr_log_level level = VPR_LOG_INFO;
        if (vpr_log_level_of(&level, run->conf.log_level)) {
            vpr_log_setup(level, 2);
        }
    }
    return ok;
}

static enum vpr_code load_keys(struct run *run, struct vpr_err *err)
{
    const struct vpr_relay_conf *conf = &run->conf;
    const char *passphrase = conf->passphrase_file[0] == '\0' ? NULL : conf->passphrase_file;

    VPR_TRY(vpr_keyring_open(&run->ring, run->home, conf->keyring_backend, passphrase, err));
    VPR_TRY(vpr_keyring_load(&run->operator_key, run->ring, conf->operator_key,
                             VPR_KEYRING_WALLET, err));
    VPR_TRY(vpr_keyring_load(&run->relay_key, run->ring, conf->relay_key,
                             VPR_KEYRING_MASK(VPR_KEYRING_RELAY), err));
    if (conf->relay_key_next[0] != '\0') {
        VPR_TRY(vpr_keyring_load(&run->relay_key_next, run->ring, conf->relay_key_next,
                                 VPR_KEYRING_MASK(VPR_KEYRING_RELAY), err));
    }
    return VPR_OK;
}

static void close_keys(struct run *run)
{
    vpr_key_close(run->operator_key);
    vpr_key_close(run->relay_key);
    vpr_key_close(run->relay_key_next);
    if (run->ring != NULL) {
        vpr_keyring_close(run->ring);
    }
}

/* ---- init ---- */

static int cmd_init(struct run *run)
{
    struct vpr_buf sample;
    struct vpr_err err;

    vpr_buf_init(&sample, VPR_CONF_BYTES_MAX);
    vpr_conf_sample(&sample, &vpr_relay_schema);
    enum vpr_code code = vpr_dir_make(run->home, 0700, &err);
    if (code == VPR_OK) {
        code = vpr_file_create(run->conf_path, vpr_buf_bytes(&sample), 0644, &err);
    }
    vpr_buf_finish(&sample);
    if (code != VPR_OK) {
        return fail(&err);
    }
    printf("wrote %s\nNext: keys (viperd keys add operator --kind operator --home %s, and relay "
           "--kind relay), a backend, viper-relay check.\n", run->conf_path, run->home);
    return EXIT_SUCCESS;
}

/* ---- check ---- */

static bool check_node(struct run *run, const struct vpr_address *id)
{
    const ProtobufCMessage *message = NULL;
    char text[VPR_ADDRESS_TEXT_MAX];
    char path[128];
    struct vpr_err err;

    vpr_address_text(text, VPR_PREFIX_ACCOUNT, id);
    snprintf(path, sizeof path, "/viper/v1/servicers/%s", text);
    if (vpr_node_ask(&message, &run->arena, run->conf.node, path,
                     &viper__v1__query_servicer_response__descriptor, &err) != VPR_OK) {
        printf("node     %s: %s\n", run->conf.node, err.text);
        return false;
    }
    const Viper__V1__QueryServicerResponse *m =
        (const Viper__V1__QueryServicerResponse *)message;
    const struct vpr_key *keys[] = {run->relay_key, run->relay_key_next};
    bool mine = false;
    for (size_t i = 0; i < VPR_COUNT(keys); i++) {
        mine = mine || (keys[i] != NULL && m->relay_key.len == 32 &&
                        memcmp(m->relay_key.data, vpr_key_info(keys[i])->public_key, 32) == 0);
    }
    printf("node     %s: servicer %s, %s, url %s\n", run->conf.node, text,
           m->eligible ? "eligible" : "not eligible", m->actor == NULL ? "" : m->actor->url);
    printf("relay key: %s\n", mine ? "that of the chain" : "NOT that of the chain");
    return mine;
}

static bool check_backend(const struct vpr_backend *backend)
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
        printf("backend  %04x %s: %s\n", backend->chain, backend->url, err.text);
        return false;
    }
    printf("backend  %04x %s: status %" PRIu32 "\n", backend->chain, backend->url, status);
    return status != 401 && status != 403;
}

static int cmd_check(struct run *run)
{
    struct vpr_backend backends[VPR_BACKENDS_MAX];
    struct vpr_address id;
    struct vpr_err err;

    if (!load_conf(run)) {
        return EXIT_FAILURE;
    }
    const size_t count = vpr_relay_backends(backends, &run->conf);
    if (load_keys(run, &err) != VPR_OK ||
        vpr_servicer_id(&id, &run->conf, run->operator_key, &err) != VPR_OK) {
        return fail(&err);
    }
    printf("config   %s: good\n", run->conf_path);
    bool ok = check_node(run, &id);
    for (size_t i = 0; i < count; i++) {
        ok = check_backend(&backends[i]) && ok;
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- start ---- */

static void on_stop(void *arg)
{
    vpr_log_info("relay", "stopping", NULL);
    vpr_servicer_stop(arg);
}

static int cmd_start(struct run *run)
{
    struct vpr_servicer *servicer = NULL;
    struct vpr_err err;

    if (!load_conf(run)) {
        return EXIT_FAILURE;
    }
    if (load_keys(run, &err) != VPR_OK) {
        return fail(&err);
    }
    const struct vpr_servicer_keys keys = {run->operator_key, run->relay_key,
                                           run->relay_key_next};
    struct vpr_loop *loop = vpr_loop_create();
    if (vpr_servicer_create(&servicer, loop, &run->conf, run->home, &keys, &err) != VPR_OK) {
        vpr_loop_destroy(loop);
        return fail(&err);
    }
    vpr_loop_on_signal(loop, SIGTERM, on_stop, servicer);
    vpr_loop_on_signal(loop, SIGINT, on_stop, servicer);
    vpr_log_info("relay", "started", "version=%s listen=%s metrics=%s node=%s", VIPER_VERSION,
                 run->conf.listen, run->conf.metrics_listen, run->conf.node);
    vpr_loop_run(loop);
    vpr_servicer_destroy(servicer);
    vpr_loop_turn(loop);
    vpr_loop_destroy(loop);
    vpr_log_info("relay", "stopped", NULL);
    return EXIT_SUCCESS;
}

/* ---- command line ---- */

static const char usage[] =
    "usage: viper-relay COMMAND [--home DIR]\n"
    "  init     write a sample relay.toml into the home\n"
    "  check    read it, open the keys, ask node and backends\n"
    "  start    serve relays until SIGTERM\n"
    "  version  print the version\n"
    "The home is DIR, or $VIPER_RELAY_HOME, or ~/.viper-relay.\n";

static bool read_home(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                            {NULL, 0, NULL, 0}};
    const char *home = getenv("VIPER_RELAY_HOME");
    const char *user = getenv("HOME");
    int len = home != NULL ? snprintf(run->home, sizeof run->home, "%s", home)
                           : snprintf(run->home, sizeof run->home, "%s/.viper-relay",
                                      user == NULL ? "." : user);

    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c != 'H') {
            return false;
        }
        len = snprintf(run->home, sizeof run->home, "%s", optarg);
    }
    if (len < 0 || (size_t)len >= sizeof run->home || optind != argc - 1) {
        return false;
    }
    snprintf(run->conf_path, sizeof run->conf_path, "%s/relay.toml", run->home);
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    int result = EXIT_FAILURE;

    signal(SIGPIPE, SIG_IGN);
    vpr_sig_init();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (!read_home(&run, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    const char *command = argv[optind];
    vpr_arena_init(&run.arena, ARENA_BYTES);
    if (strcmp(command, "init") == 0) {
        result = cmd_init(&run);
    } else if (strcmp(command, "check") == 0) {
        result = cmd_check(&run);
    } else if (strcmp(command, "start") == 0) {
        result = cmd_start(&run);
    } else if (strcmp(command, "version") == 0) {
        puts("viper-relay " VIPER_VERSION);
        result = EXIT_SUCCESS;
    } else {
        fprintf(stderr, "viper-relay: no command \"%s\"\n%s", command, usage);
        result = 2;
    }
    close_keys(&run);
    vpr_arena_finish(&run.arena);
    return result;
}
