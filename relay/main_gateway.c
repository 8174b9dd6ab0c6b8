/* viper-gateway - a requestor's daemon: init, check, start. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/client/query.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "relay/gateway.h"

#define ARENA_BYTES (64u * 1024 * 1024)
#define ERRORS_BYTES_MAX (64 * 1024)
#define PATH_BYTES_MAX 512

struct run {
    char home[PATH_BYTES_MAX];
    char conf_path[PATH_BYTES_MAX + 16];
    struct vpr_arena arena;
    struct vpr_gateway_conf conf;
    struct vpr_keyring *ring;
    struct vpr_key *key;
};

static int fail(const struct vpr_err *err)
{
    fprintf(stderr, "viper-gateway: %s\n", err->text);
    return EXIT_FAILURE;
}

static bool load_conf(struct run *run)
{
    struct vpr_buf errors;

    vpr_buf_init(&errors, ERRORS_BYTES_MAX);
    const bool ok = vpr_conf_load(&run->conf, &vpr_gateway_schema, &run->arena, run->conf_path,
                                  &errors);
    if (!ok) {
        fprintf(stderr, "%.*s", (int)errors.len, errors.data == NULL ? "" : errors.data);
    }
    vpr_buf_finish(&errors);
    enum vpr_log_level level = VPR_LOG_INFO;
    if (ok && vpr_log_level_of(&level, run->conf.log_level)) {
        vpr_log_setup(level, 2);
    }
    return ok;
}

static enum vpr_code load_key(struct run *run, struct vpr_err *err)
{
    const struct vpr_gateway_conf *conf = &run->conf;
    const char *passphrase = conf->passphrase_file[0] == '\0' ? NULL : conf->passphrase_file;

    VPR_TRY(vpr_keyring_open(&run->ring, run->home, conf->keyring_backend, passphrase, err));
    return vpr_keyring_load(&run->key, run->ring, conf->gateway_key,
                            VPR_KEYRING_MASK(VPR_KEYRING_GATEWAY), err);
}

/* ---- init ---- */

static int cmd_init(struct run *run)
{
    struct vpr_buf sample;
    struct vpr_err err;

    vpr_buf_init(&sample, VPR_CONF_BYTES_MAX);
    vpr_conf_sample(&sample, &vpr_gateway_schema);
    enum vpr_code code = vpr_dir_make(run->home, 0700, &err);
    if (code == VPR_OK) {
        code = vpr_file_create(run->conf_path, vpr_buf_bytes(&sample), 0644, &err);
    }
    vpr_buf_finish(&sample);
    if (code != VPR_OK) {
        return fail(&err);
    }
    printf("wrote %s\nNext: the key (viperd keys add gateway --kind gateway --home %s), node and "
           "requestor in that file, viper-gateway check.\n", run->conf_path, run->home);
    return EXIT_SUCCESS;
}

/* ---- check ---- */

static bool check_corpus(const struct run *run, const Viper__V1__PairInfo *pair)
{
    char path[VPR_GATEWAY_PATH_MAX];
    struct vpr_corpus *corpus;
    struct vpr_err err;

    vpr_gateway_corpus_path(path, run->home, &run->conf, (uint16_t)pair->chain);
    if (vpr_corpus_load(&corpus, path, &err) != VPR_OK) {
        printf("corpus   %04x: %s; fishermen's samples would be refused\n", pair->chain,
               err.text);
        return false;
    }
    printf("corpus   %s: good\n", path);
    vpr_corpus_destroy(corpus);
    return true;
}

static bool check_node(struct run *run)
{
    const ProtobufCMessage *message = NULL;
    const struct vpr_key_info *info = vpr_key_info(run->key);
    char path[256];
    struct vpr_err err;

    snprintf(path, sizeof path, "/viper/v1/requestors/%.64s", run->conf.requestor);
    if (vpr_node_ask(&message, &run->arena, run->conf.node, path,
                     &viper__v1__query_requestor_response__descriptor, &err) != VPR_OK) {
        printf("node     %s: %s\n", run->conf.node, err.text);
        return false;
    }
    const Viper__V1__QueryRequestorResponse *m =
        (const Viper__V1__QueryRequestorResponse *)message;
    bool mine = false;
    for (size_t i = 0; i < m->n_gateway_keys; i++) {
        mine = mine || (m->gateway_keys[i].len == 32 &&
                        memcmp(m->gateway_keys[i].data, info->public_key, 32) == 0);
    }
    printf("node     %s: requestor %s, %s, shadow_url %s\n", run->conf.node,
           run->conf.requestor, m->eligible ? "eligible" : "not eligible",
           m->actor == NULL || m->actor->url[0] == '\0' ? "none" : m->actor->url);
    printf("key      %s: %s\n", info->name,
           mine ? "a gateway key on chain" : "NONE of the gateway keys on chain");
    bool good = mine && m->eligible;
    for (size_t i = 0; i < m->n_pairs; i++) {
        printf("pair     chain %04x zone %04x: quota %" PRIu64 " CU a servicer\n",
               m->pairs[i]->chain, m->pairs[i]->zone, m->pairs[i]->quota_cu);
        good = check_corpus(run, m->pairs[i]) && good;
    }
    return good;
}

static int cmd_check(struct run *run)
{
    struct vpr_err err;

    if (!load_conf(run)) {
        return EXIT_FAILURE;
    }
    if (load_key(run, &err) != VPR_OK) {
        return fail(&err);
    }
    printf("config   %s: good\n", run->conf_path);
    return check_node(run) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- start ---- */

static void on_stop(void *arg)
{
    vpr_log_info("gateway", "stopping", NULL);
    vpr_gateway_stop(arg);
}

static int cmd_start(struct run *run)
{
    struct vpr_gateway *gateway = NULL;
    struct vpr_err err;

    if (!load_conf(run)) {
        return EXIT_FAILURE;
    }
    if (load_key(run, &err) != VPR_OK) {
        return fail(&err);
    }
    struct vpr_loop *loop = vpr_loop_create();
    if (vpr_gateway_create(&gateway, loop, &run->conf, run->home, run->key, &err) != VPR_OK) {
        vpr_loop_destroy(loop);
        return fail(&err);
    }
    vpr_loop_on_signal(loop, SIGTERM, on_stop, gateway);
    vpr_loop_on_signal(loop, SIGINT, on_stop, gateway);
    vpr_log_info("gateway", "started", "version=%s listen=%s shadow=%s metrics=%s node=%s",
                 VIPER_VERSION, run->conf.listen, run->conf.shadow_listen,
                 run->conf.metrics_listen, run->conf.node);
    vpr_loop_run(loop);
    vpr_gateway_destroy(gateway);
    vpr_loop_destroy(loop);
    vpr_log_info("gateway", "stopped", NULL);
    return EXIT_SUCCESS;
}

/* ---- command line ---- */

static const char usage[] =
    "usage: viper-gateway COMMAND [--home DIR]\n"
    "  init     write a sample gateway.toml into the home\n"
    "  check    read it, open the key, ask the node, read the corpora\n"
    "  start    relay clients' requests until SIGTERM\n"
    "  version  print the version\n"
    "The home is DIR, or $VIPER_GATEWAY_HOME, or ~/.viper-gateway.\n";

static bool read_home(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                            {NULL, 0, NULL, 0}};
    const char *home = getenv("VIPER_GATEWAY_HOME");
    const char *user = getenv("HOME");
    int len = home != NULL ? snprintf(run->home, sizeof run->home, "%s", home)
                           : snprintf(run->home, sizeof run->home, "%s/.viper-gateway",
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
    snprintf(run->conf_path, sizeof run->conf_path, "%s/gateway.toml", run->home);
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
        puts("viper-gateway " VIPER_VERSION);
        result = EXIT_SUCCESS;
    } else {
        fprintf(stderr, "viper-gateway: no command \"%s\"\n%s", command, usage);
        result = 2;
    }
    vpr_key_close(run.key);
    if (run.ring != NULL) {
        vpr_keyring_close(run.ring);
    }
    vpr_arena_finish(&run.arena);
    return result;
}
