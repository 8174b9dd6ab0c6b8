#include "app/client/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/host/file.h"
#include "app/host/log.h"
#include "app/host/loop.h"
#include "app/rules/ids.h"

#define ARENA_BYTES (64u * 1024 * 1024)
#define ERRORS_BYTES_MAX (64 * 1024)

/* ---- home, config, keys ---- */

static int fail(const struct vpr_daemon *d, const struct vpr_err *err)
{
    fprintf(stderr, "%s: %s\n", d->kind->name, err->text);
    return EXIT_FAILURE;
}

enum vpr_code vpr_home_lock(int *ret_fd, const char *home, struct vpr_err *err)
{
    char path[VPR_DAEMON_HOME_MAX + 16];

    snprintf(path, sizeof path, "%s/lock", home);
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return vpr_fail(err, VPR_DENIED, "cannot open %s: %s", path, strerror(errno));
    }
    /* The kernel lets go of it when the process ends, however it ends. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return vpr_fail(err, VPR_DUPLICATE, "another process runs in %s; stop it, or give this "
                        "one a home of its own with --home", home);
    }
    *ret_fd = fd;
    return VPR_OK;
}

static bool load_conf(struct vpr_daemon *d)
{
    const struct vpr_daemon_kind *kind = d->kind;
    enum vpr_log_level level = VPR_LOG_INFO;
    struct vpr_buf errors;

    vpr_buf_init(&errors, ERRORS_BYTES_MAX);
    const bool ok = vpr_conf_load(kind->conf, kind->schema, &d->arena, d->conf_path, &errors);
    if (!ok) {
        (void)fwrite(errors.data, 1, errors.len, stderr);
    }
    vpr_buf_finish(&errors);
    if (!ok) {
        return false;
    }
    d->base = kind->base(kind->conf);
    if (vpr_log_level_of(&level, d->base.log_level)) {
        vpr_log_setup(level, 2);
    }
    return true;
}

static enum vpr_code load_keys(struct vpr_daemon *d, struct vpr_err *err)
{
    const struct vpr_daemon_base *base = &d->base;
    const char *passphrase = base->passphrase_file[0] == '\0' ? NULL : base->passphrase_file;

    VPR_TRY(vpr_keyring_open(&d->ring, d->home, base->keyring_backend, passphrase, err));
    for (size_t i = 0; i < VPR_DAEMON_KEYS_MAX; i++) {
        const struct vpr_daemon_key *key = &base->keys[i];
        if (key->name != NULL && key->name[0] != '\0') {
            VPR_TRY(vpr_keyring_load(&d->keys[i], d->ring, key->name, key->kinds, err));
        }
    }
    return VPR_OK;
}

static void finish(struct vpr_daemon *d)
{
    for (size_t i = 0; i < VPR_DAEMON_KEYS_MAX; i++) {
        vpr_key_close(d->keys[i]);
    }
    if (d->ring != NULL) {
        vpr_keyring_close(d->ring);
    }
    if (d->lock >= 0) {
        close(d->lock);
    }
    vpr_arena_finish(&d->arena);
}

/* ---- init ---- */

static int cmd_init(struct vpr_daemon *d)
{
    struct vpr_buf sample;
    struct vpr_err err;

    vpr_buf_init(&sample, VPR_CONF_BYTES_MAX);
    vpr_conf_sample(&sample, d->kind->schema);
    enum vpr_code code = vpr_dir_make(d->home, 0700, &err);
    if (code == VPR_OK) {
        code = vpr_file_create(d->conf_path, vpr_buf_bytes(&sample), 0644, &err);
    }
    vpr_buf_finish(&sample);
    if (code != VPR_OK) {
        return fail(d, &err);
    }
    printf("wrote %s\nNext: %s (keys: --home %s), then %s check.\n", d->conf_path,
           d->kind->next, d->home, d->kind->name);
    return EXIT_SUCCESS;
}

/* ---- check ---- */

static int cmd_check(struct vpr_daemon *d)
{
    struct vpr_err err;

    if (!load_conf(d)) {
        return EXIT_FAILURE;
    }
    d->good = true;
    vpr_daemon_say(d, true, "", "config", "%s: good", d->conf_path);
    if (load_keys(d, &err) != VPR_OK) {
        char next[3 * VPR_DAEMON_HOME_MAX];
        snprintf(next, sizeof next, "make it or name the right one in %s; "
                 "`viperd keys list --home %s` shows what is there", d->conf_path, d->home);
        vpr_daemon_say(d, false, next, "keys", "%s", err.text);
        return EXIT_FAILURE;
    }
    d->kind->check(d);
    return d->good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- start ---- */

static void on_stop(void *arg)
{
    struct vpr_daemon *d = arg;

    d->asked = true;
    vpr_log_info(d->kind->part, "stopping", NULL);
    d->kind->stop(d->running);
}

static int cmd_start(struct vpr_daemon *d)
{
    struct vpr_err err;

    if (!load_conf(d)) {
        return EXIT_FAILURE;
    }
    if (load_keys(d, &err) != VPR_OK || vpr_home_lock(&d->lock, d->home, &err) != VPR_OK) {
        return fail(d, &err);
    }
    d->loop = vpr_loop_create();
    if (d->kind->create(d, &err) != VPR_OK) {
        vpr_loop_destroy(d->loop);
        return fail(d, &err);
    }
    vpr_loop_on_signal(d->loop, SIGTERM, on_stop, d);
    vpr_loop_on_signal(d->loop, SIGINT, on_stop, d);
    vpr_log_info(d->kind->part, "started", "version=%s home=%s node=%s", VIPER_VERSION, d->home,
                 d->base.node);
    vpr_loop_run(d->loop);
    d->kind->destroy(d->running);
    vpr_loop_turn(d->loop);
    vpr_loop_destroy(d->loop);
    vpr_log_info(d->kind->part, "stopped", NULL);
    return d->asked ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int cmd_version(struct vpr_daemon *d)
{
    printf("%s %s\n", d->kind->name, VIPER_VERSION);
    return EXIT_SUCCESS;
}

/* ---- command line ---- */

static const struct {
    const char *name;
    int (*run)(struct vpr_daemon *d);
} verbs[] = {
    {"init", cmd_init}, {"check", cmd_check}, {"start", cmd_start}, {"version", cmd_version}};

static void usage(const struct vpr_daemon_kind *kind, FILE *to)
{
    fprintf(to,
            "usage: %s COMMAND [--home DIR]\n"
            "  init     write a sample %s.toml into the home\n"
            "  check    %s\n"
            "  start    %s\n"
            "  version  print the version\n"
            "The home is DIR, or $%s, or ~/.%s.\n",
            kind->name, kind->part, kind->does[0], kind->does[1], kind->home_env, kind->name);
}

static bool read_home(struct vpr_daemon *d, int argc, char **argv)
{
    static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                            {NULL, 0, NULL, 0}};
    const char *home = getenv(d->kind->home_env);
    const char *user = getenv("HOME");
    int len = home != NULL ? snprintf(d->home, sizeof d->home, "%s", home)
                           : snprintf(d->home, sizeof d->home, "%s/.%s",
                                      user == NULL ? "." : user, d->kind->name);

    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
         c = getopt_long(argc, argv, "", options, NULL)) {
        if (c != 'H') {
            return false;
        }
        len = snprintf(d->home, sizeof d->home, "%s", optarg);
    }
    if (len < 0 || (size_t)len >= sizeof d->home || optind != argc - 1) {
        return false;
    }
    snprintf(d->conf_path, sizeof d->conf_path, "%s/%s.toml", d->home, d->kind->part);
    return true;
}

int vpr_daemon_main(const struct vpr_daemon_kind *kind, int argc, char **argv)
{
    struct vpr_daemon daemon = {.kind = kind, .lock = -1};
    int result = 2;
    size_t verb = 0;

    signal(SIGPIPE, SIG_IGN);
    vpr_sig_init();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        usage(kind, stdout);
        return EXIT_SUCCESS;
    }
    if (!read_home(&daemon, argc, argv)) {
        usage(kind, stderr);
        return result;
    }
    while (verb < VPR_COUNT(verbs) && strcmp(verbs[verb].name, argv[optind]) != 0) {
        verb++;
    }
    vpr_arena_init(&daemon.arena, ARENA_BYTES);
    if (verb < VPR_COUNT(verbs)) {
        result = verbs[verb].run(&daemon);
    } else {
        fprintf(stderr, "%s: no command \"%s\"\n", kind->name, argv[optind]);
        usage(kind, stderr);
    }
    finish(&daemon);
    return result;
}

/* ---- settings ---- */

void vpr_conf_check_id(struct vpr_conf_checker *checker, const char *key, const char *value)
{
    struct vpr_address id;

    if (value[0] != '\0' && !vpr_address_parse(&id, VPR_PREFIX_ACCOUNT, vpr_bytes_str(value))) {
        vpr_conf_wrong(checker, "", key, "an address viper1... is expected, not \"%s\"", value);
    }
}

void vpr_conf_check_tls(struct vpr_conf_checker *checker, const char *cert, const char *key)
{
    if ((cert[0] == '\0') != (key[0] == '\0')) {
        vpr_conf_wrong(checker, "", cert[0] == '\0' ? "tls-key" : "tls-cert",
                       "tls-cert and tls-key are given together or not at all");
    }
}

void vpr_conf_check_chain(struct vpr_conf_checker *checker, const char *name, const char *chain)
{
    char table[80];
    uint16_t number;

    snprintf(table, sizeof table, "%s-%s", name, chain);
    if (!vpr_id16_parse(&number, vpr_bytes_str(chain))) {
        vpr_conf_wrong(checker, table, NULL, "[%s]: a chain is four hex digits, as in [%s-0001]",
                       table, name);
    }
}

/* ---- actors ---- */

enum vpr_code vpr_actor_id(struct vpr_address *ret, const char *name, const char *configured,
                           const struct vpr_key *operator_key, struct vpr_err *err)
{
    if (configured[0] == '\0') {
        *ret = vpr_key_info(operator_key)->address;
        return VPR_OK;
    }
    if (!vpr_address_parse(ret, VPR_PREFIX_ACCOUNT, vpr_bytes_str(configured))) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "%s: \"%s\" is no address viper1...", name,
                        configured);
    }
    return VPR_OK;
}

struct vpr_public_key vpr_key_public(const struct vpr_key *key)
{
    const struct vpr_key_info *info = vpr_key_info(key);
    struct vpr_public_key to = {.type = info->algo == VPR_KEYRING_SECP256K1
                                            ? VPR_KEY_TYPE_SECP256K1
                                            : VPR_KEY_TYPE_ED25519};

    memcpy(to.b, info->public_key, info->public_len);
    return to;
}

void vpr_key_sign_doc(void *arg, struct vpr_signature *ret, struct vpr_bytes sign_doc)
{
    vpr_key_sign_tx(arg, ret, sign_doc);
}
