/* viper-fisherman - the auditor's daemon: init, check, start. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/base/bytes.h"
#include "app/client/corpus.h"
#include "app/client/query.h"
#include "app/host/file.h"
#include "app/host/log.h"
#include "app/rules/ids.h"
#include "fisherman/fisherman.h"
#include "viper/v1/query.pb-c.h"

#define ARENA_BYTES (64u * 1024 * 1024)
#define ERRORS_BYTES_MAX (64 * 1024)
#define PATH_BYTES_MAX 512

struct run {
    char home[PATH_BYTES_MAX];
    char conf_path[PATH_BYTES_MAX + 32];
    struct vpr_arena arena;
    struct vpr_fisherman_conf conf;
    struct vpr_keyring *ring;
    struct vpr_key *operator_key;
};

static int fail(const struct vpr_err *err)
{
    fprintf(stderr, "viper-fisherman: %s\n", err->text);
    return EXIT_FAILURE;
}

static bool load_conf(struct run *run)
{
    struct vpr_buf errors;

    vpr_buf_init(&errors, ERRORS_BYTES_MAX);
    const bool ok = vpr_conf_load(&run->conf, &vpr_fisherman_schema, &run->arena,
                                  run->conf_path, &errors);
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
    const struct vpr_fisherman_conf *conf = &run->conf;
    const char *passphrase = conf->passphrase_file[0] == '\0' ? NULL : conf->passphrase_file;

    VPR_TRY(vpr_keyring_open(&run->ring, run->home, conf->keyring_backend, passphrase, err));
    return vpr_keyring_load(&run->operator_key, run->ring, conf->operator_key,
                            VPR_KEYRING_MASK(VPR_KEYRING_OPERATOR), err);
}

/* ---- init ---- */

static int cmd_init(struct run *run)
{
    struct vpr_buf sample;
    struct vpr_err err;

    vpr_buf_init(&sample, VPR_CONF_BYTES_MAX);
    vpr_conf_sample(&sample, &vpr_fisherman_schema);
    enum vpr_code code = vpr_dir_make(run->home, 0700, &err);
    if (code == VPR_OK) {
        code = vpr_file_create(run->conf_path, vpr_buf_bytes(&sample), 0644, &err);
    }
    vpr_buf_finish(&sample);
    if (code != VPR_OK) {
        return fail(&err);
    }
    printf("wrote %s\nNext: the key (viperd keys add operator --kind operator --home %s), node "
           "and corpus-dir, viper-fisherman check.\n",
           run->conf_path, run->home);
    return EXIT_SUCCESS;
}

/* ---- check ---- */

static bool check_corpus(struct run *run, const Viper__V1__ChainInfo *chain)
{
    char path[PATH_BYTES_MAX + 32];
    struct vpr_corpus *corpus = NULL;
    struct vpr_err err;

    snprintf(path, sizeof path, "%s/%04x.jsonl", run->conf.corpus_dir, chain->id);
    if (vpr_corpus_load(&corpus, path, &err) != VPR_OK) {
        printf("corpus   %04x: %s\n", chain->id, err.text);
        return false;
    }
    const bool same = chain->corpus_hash.len == 32 &&
                      memcmp(chain->corpus_hash.data, vpr_corpus_hash(corpus)->b, 32) == 0;
    printf("corpus   %04x %s: %zu templates, %s\n", chain->id, path, vpr_corpus_count(corpus),
           same ? "that of the chain" : "NOT that of the chain");
    vpr_corpus_destroy(corpus);
    return same;
}

static bool check_chains(struct run *run, const Viper__V1__QueryFishermanResponse *me)
{
    const ProtobufCMessage *message = NULL;
    struct vpr_err err;
    bool ok = true;

    if (vpr_node_ask(&message, &run->arena, run->conf.node, "/viper/v1/chains",
                     &viper__v1__query_chains_response__descriptor, &err) != VPR_OK) {
        printf("chains   %s\n", err.text);
        return false;
    }
    const Viper__V1__QueryChainsResponse *m = (const Viper__V1__QueryChainsResponse *)message;
    for (size_t i = 0; i < m->n_chains; i++) {
        for (size_t j = 0; j < me->n_chains; j++) {
            if (m->chains[i]->id == me->chains[j]) {
                ok = check_corpus(run, m->chains[i]) && ok;
            }
        }
    }
    return ok;
}

static bool check_node(struct run *run, const struct vpr_address *id)
{
    const ProtobufCMessage *message = NULL;
    char text[VPR_ADDRESS_TEXT_MAX];
    char mine[VPR_ADDRESS_TEXT_MAX];
    char path[128];
    struct vpr_err err;

    vpr_address_text(text, VPR_PREFIX_ACCOUNT, id);
    vpr_address_text(mine, VPR_PREFIX_ACCOUNT, &vpr_key_info(run->operator_key)->address);
    snprintf(path, sizeof path, "/viper/v1/fishermen/%s", text);
    if (vpr_node_ask(&message, &run->arena, run->conf.node, path,
                     &viper__v1__query_fisherman_response__descriptor, &err) != VPR_OK) {
        printf("node     %s: %s\n", run->conf.node, err.text);
        return false;
    }
    const Viper__V1__QueryFishermanResponse *m =
        (const Viper__V1__QueryFishermanResponse *)message;
    const bool operates = m->actor != NULL && strcmp(m->actor->operator_, mine) == 0;
    printf("node     %s: fisherman %s, %s, absent %" PRIu64 " sessions\n", run->conf.node, text,
           m->eligible ? "eligible" : "not eligible", m->absent_sessions);
    printf("operator %s: %s\n", mine, operates ? "that of the chain" : "NOT that of the chain");
    return check_chains(run, m) && operates;
}

static int cmd_check(struct run *run)
{
    struct vpr_address id;
    struct vpr_err err;

    if (!load_conf(run)) {
        return EXIT_FAILURE;
    }
    if (load_keys(run, &err) != VPR_OK ||
        vpr_fisherman_id(&id, &run->conf, run->operator_key, &err) != VPR_OK) {
        return fail(&err);
    }
    printf("config   %s: good\n", run->conf_path);
    return check_node(run, &id) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- start ---- */

struct stopping {
    struct vpr_loop *loop;
    bool asked;
};

static void on_stop(void *arg)
{
    struct stopping *stopping = arg;

    stopping->asked = true;
    vpr_log_info("fisherman", "stopping", NULL);
    vpr_loop_stop(stopping->loop);
}

static int cmd_start(struct run *run)
{
    struct vpr_fisherman *fisherman = NULL;
    struct stopping stopping = {0};
    struct vpr_err err;

    if (!load_conf(run)) {
        return EXIT_FAILURE;
    }
    if (load_keys(run, &err) != VPR_OK) {
        return fail(&err);
    }
    stopping.loop = vpr_loop_create();
    if (vpr_fisherman_create(&fisherman, stopping.loop, &run->conf, run->home,
                             run->operator_key, &err) != VPR_OK) {
        vpr_loop_destroy(stopping.loop);
        return fail(&err);
    }
    vpr_loop_on_signal(stopping.loop, SIGTERM, on_stop, &stopping);
    vpr_loop_on_signal(stopping.loop, SIGINT, on_stop, &stopping);
    vpr_log_info("fisherman", "started", "version=%s metrics=%s node=%s", VIPER_VERSION,
                 run->conf.metrics_listen, run->conf.node);
    vpr_loop_run(stopping.loop);
    vpr_fisherman_destroy(fisherman);
    vpr_loop_destroy(stopping.loop);
    vpr_log_info("fisherman", "stopped", NULL);
    return stopping.asked ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- command line ---- */

static const char usage[] =
    "usage: viper-fisherman COMMAND [--home DIR]\n"
    "  init     write a sample fisherman.toml into the home\n"
    "  check    read it, open the key, ask the node, compare the corpora\n"
    "  start    sample servicers and report on them until SIGTERM\n"
    "  version  print the version\n"
    "The home is DIR, or $VIPER_FISHERMAN_HOME, or ~/.viper-fisherman.\n";

static bool read_home(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                            {NULL, 0, NULL, 0}};
    const char *home = getenv("VIPER_FISHERMAN_HOME");
    const char *user = getenv("HOME");
    int len = home != NULL ? snprintf(run->home, sizeof run->home, "%s", home)
                           : snprintf(run->home, sizeof run->home, "%s/.viper-fisherman",
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
    snprintf(run->conf_path, sizeof run->conf_path, "%s/fisherman.toml", run->home);
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
        puts("viper-fisherman " VIPER_VERSION);
        result = EXIT_SUCCESS;
    } else {
        fprintf(stderr, "viper-fisherman: no command \"%s\"\n%s", command, usage);
        result = 2;
    }
    vpr_key_close(run.operator_key);
    if (run.ring != NULL) {
        vpr_keyring_close(run.ring);
    }
    vpr_arena_finish(&run.arena);
    return result;
}
