/* daemon.h - the process around viper-relay, viper-gateway and viper-fisherman: command line,
 * home, config, keys, signals, a clean end; and what their settings have in common.
 *
 * Each program states itself as one vpr_daemon_kind; main() only hands it over.  Its one rule:
 * nothing is written into the home before config and keys were found good, and never by two
 * processes at once.  Prints no secret: keyring.h hands out none. */
#ifndef VPR_CLIENT_DAEMON_H
#define VPR_CLIENT_DAEMON_H

#include "app/client/query.h"
#include "app/host/conf.h"
#include "app/host/keyring.h"
#include "app/tx/wire.h"

#define VPR_DAEMON_KEYS_MAX 3
#define VPR_DAEMON_HOME_MAX 512

/* A key the daemon needs: its name and what it may be; name "": none. */
struct vpr_daemon_key {
    const char *name;
    uint32_t kinds; /* VPR_KEYRING_MASK */
};

/* What every config has. */
struct vpr_daemon_base {
    const char *node, *keyring_backend, *passphrase_file, *log_level;
    struct vpr_daemon_key keys[VPR_DAEMON_KEYS_MAX];
};

struct vpr_daemon {
    const struct vpr_daemon_kind *kind;
    char home[VPR_DAEMON_HOME_MAX];
    char conf_path[VPR_DAEMON_HOME_MAX + 32];
    struct vpr_arena arena; /* of config and answers */
    struct vpr_daemon_base base;
    struct vpr_keyring *ring;
    struct vpr_key *keys[VPR_DAEMON_KEYS_MAX]; /* as in base; NULL without a name */
    int lock;                                  /* on the home; -1: none */
    struct vpr_loop *loop;
    void *running; /* what `create` made */
    bool asked;    /* to stop */
    bool good;     /* of `check`, so far */
};

struct vpr_daemon_kind {
    const char *name;     /* viper-relay */
    const char *part;     /* of its log lines: relay */
    const char *home_env; /* VIPER_RELAY_HOME */
    const char *does[2];  /* what `check` and `start` do, for the usage */
    const char *next;     /* what to do after `init`, with %s for the home */
    const struct vpr_conf_schema *schema;
    void *conf; /* where the config goes */
    struct vpr_daemon_base (*base)(const void *conf);
    void (*check)(struct vpr_daemon *daemon); /* says lines */
    enum vpr_code (*create)(struct vpr_daemon *daemon, struct vpr_err *err);
    void (*stop)(void *running); /* in the loop, which ends soon after */
    void (*destroy)(void *running);
};

/* All of main(): the exit code. */
int vpr_daemon_main(const struct vpr_daemon_kind *kind, int argc, char **argv);

/* One line of `check`; `next`, what to do about it, is printed below it unless it is good. */
void vpr_daemon_say(struct vpr_daemon *daemon, bool good, const char *next, const char *what,
                    const char *fmt, ...) VPR_PRINTF(5, 6);
/* An answer of the configured node, or NULL after a line that says why not and, for a 404,
 * `missing`: what to do when the node knows no such thing. */
const ProtobufCMessage *vpr_daemon_ask(struct vpr_daemon *daemon, const char *path,
                                       const ProtobufCMessageDescriptor *response,
                                       const char *missing);
/* Whether an answer shows what is looked for. */
typedef bool vpr_daemon_holds_fn(const struct vpr_daemon *daemon, const ProtobufCMessage *answer);
struct vpr_daemon_later {
    uint64_t session; /* that it holds from; 0: in none that the chain has read so far */
    char text[96];    /* "counts from session 5 on, ...", or "" */
};
/* Stakes and keys count from a later session on: whether `now`, the answer at `path` for the
 * running one, holds; if not, `ret` tells from which of the next two on it does. */
bool vpr_daemon_holds(struct vpr_daemon *daemon, const char *path,
                      const ProtobufCMessageDescriptor *response, vpr_daemon_holds_fn *holds,
                      const ProtobufCMessage *now, struct vpr_daemon_later *ret);
/* Whether the daemon could listen there, or does; one line.  "" is no address. */
void vpr_daemon_check_listen(struct vpr_daemon *daemon, const char *name, const char *text);
/* Whether the account of key 0 can pay for its messages; one line. */
void vpr_daemon_check_fees(struct vpr_daemon *daemon);

/* Whether the corpus file is the one that the chain's record names; one line. */
void vpr_daemon_check_corpus(struct vpr_daemon *daemon, const char *path, uint32_t chain,
                             struct vpr_bytes hash, const char *next);

/* The home belongs to this process until `fd` is closed; DUPLICATE if another one has it. */
VPR_MUST_USE enum vpr_code vpr_home_lock(int *ret_fd, const char *home, struct vpr_err *err);

/* ---- settings ---- */

#define VPR_DAEMON_ROW_KEYRING(type) \
    {"keyring-backend", VPR_CONF_STRING, offsetof(type, keyring_backend), 1, 16, "\"file\"", \
     "file|test", "where the keys lie under the home: keyring-file or keyring-test"}, \
    {"passphrase-file", VPR_CONF_STRING, offsetof(type, passphrase_file), 0, 512, "\"\"", \
     NULL, "first line is the keyring's passphrase; empty: ask on the terminal"}
#define VPR_DAEMON_ROW_METRICS(type) \
    {"metrics-listen", VPR_CONF_LISTEN, offsetof(type, metrics_listen), 0, 63, \
     "\"127.0.0.1:9464\"", NULL, "address and port of /metrics; empty: none"}
#define VPR_DAEMON_ROW_LOG(type) \
    {"log-level", VPR_CONF_STRING, offsetof(type, log_level), 1, 16, "\"info\"", \
     "debug|info|warn|error", "what is logged to stderr"}

/* The key holds an address viper1..., or "". */
void vpr_conf_check_id(struct vpr_conf_checker *checker, const char *key, const char *value);
/* Both or neither. */
void vpr_conf_check_tls(struct vpr_conf_checker *checker, const char *cert, const char *key);
/* [name-chain] has four hex digits. */
void vpr_conf_check_chain(struct vpr_conf_checker *checker, const char *name,
                          const char *chain);

/* ---- actors ---- */

/* An actor's id: as configured under `name`, or the operator's address. */
VPR_MUST_USE enum vpr_code vpr_actor_id(struct vpr_address *ret, const char *name,
                                        const char *configured,
                                        const struct vpr_key *operator_key,
                                        struct vpr_err *err);
struct vpr_public_key vpr_key_public(const struct vpr_key *key);
/* For vpr_submitter_config: `arg` is the key. */
void vpr_key_sign_doc(void *arg, struct vpr_signature *ret, struct vpr_bytes sign_doc);

#endif
