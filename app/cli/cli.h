/* cli.h - FACE: the command line of viperd.
 *
 * Owns verbs, flags, help and exit codes.  Its one rule: what it does not know it refuses
 * (exit 2), and every other failure is one sentence on stderr and one of the codes below.
 * Results go to stdout and nothing else does.
 *
 * The program hands down what this folder may not know of itself: the verbs that need the
 * chain, the queries and messages of the tables; `query` and `tx` derive from those, so that
 * a new message has its verb and its help for nothing. */
#ifndef VPR_CLI_CLI_H
#define VPR_CLI_CLI_H

#include "app/base/arena.h"
#include "app/base/err.h"
#include "app/host/buf.h"

/* docs/cli.md; scripts rely on them. */
enum vpr_cli_exit {
    VPR_CLI_OK = 0,
    VPR_CLI_REFUSED = 1,   /* the chain or the node said no; its code is in the sentence */
    VPR_CLI_USAGE = 2,     /* unknown verb or flag, or a value that cannot be */
    VPR_CLI_NOT_FOUND = 3, /* no such key, account, object, transaction */
    VPR_CLI_NO_NODE = 4,   /* the node gave no answer */
    VPR_CLI_LOCAL = 5,     /* a file, the home or the keyring of this machine */
    VPR_CLI_UNSEEN = 6,    /* sent and accepted, but in no block within the wait */
    VPR_CLI_UPGRADE = 7,   /* the chain goes on with another version of viperd */
};

#define VPR_CLI_ARGS_MAX 16
#define VPR_CLI_FLAGS_MAX 64
#define VPR_CLI_OUT_BYTES_MAX (64u * 1024 * 1024)

struct vpr_cli;

struct vpr_cli_flag {
    const char *name; /* "chain-id", without dashes; NULL ends a list */
    const char *arg;  /* "ID"; NULL: a switch */
    const char *help;
};

struct vpr_cli_verb {
    const char *name; /* "keys add"; the longest name that fits wins */
    const char *args; /* "NAME", for the help */
    size_t args_min, args_max;
    const char *help;
    const struct vpr_cli_flag *flags; /* besides home and help */
    bool more_flags;                  /* further ones are fields: the verb judges them */
    int (*run)(struct vpr_cli *cli);
};

struct vpr_cli_query {
    const char *path; /* "/viper/v1/servicers/{id}" */
    const ProtobufCMessageDescriptor *request; /* NULL: not known, parameters go as given */
};

struct vpr_cli_message {
    const char *type_url;
    const ProtobufCMessageDescriptor *descriptor;
    const char *signer; /* the field that names who signs */
};

struct vpr_cli_program {
    const struct vpr_cli_verb *verbs; /* beside those of this folder */
    size_t verb_count;
    const struct vpr_cli_query *queries;
    size_t query_count;
    const struct vpr_cli_message *messages;
    size_t message_count;
    /* The commented app.toml that `init` writes; NULL: none. */
    void (*app_sample)(struct vpr_buf *out);
};

/* The whole program behind main; returns an exit code. */
int vpr_cli_main(const struct vpr_cli_program *program, int argc, char *const *argv);

/* ---- for verbs ---- */

struct vpr_cli_given {
    const char *name;  /* as in the table, or as given for fields */
    const char *value; /* "" for a switch */
    bool field;        /* not in the table: a field of a message */
};

struct vpr_cli {
    const struct vpr_cli_program *program;
    const struct vpr_cli_verb *verb;
    struct vpr_arena arena;
    const char *args[VPR_CLI_ARGS_MAX];
    size_t arg_count;
    struct vpr_cli_given flags[VPR_CLI_FLAGS_MAX];
    size_t flag_count;
    struct vpr_buf out; /* goes to stdout when the verb has ended */
    const char *home;
};

/* The last value given, or NULL. */
const char *vpr_cli_flag(const struct vpr_cli *cli, const char *name);
bool vpr_cli_switch(const struct vpr_cli *cli, const char *name);
/* `fallback` if not given; false and a sentence if it is no number in least..most. */
VPR_MUST_USE bool vpr_cli_number(const struct vpr_cli *cli, uint64_t *ret, const char *name,
                                 uint64_t fallback, uint64_t least, uint64_t most);
/* One of the words, by its place in a NULL-terminated list. */
VPR_MUST_USE bool vpr_cli_choice(const struct vpr_cli *cli, size_t *ret, const char *name,
                                 const char *const *words, size_t fallback);
/* True for --output json. False and a sentence if it is neither json nor text. */
VPR_MUST_USE bool vpr_cli_json(const struct vpr_cli *cli, bool *ret, bool fallback);

/* "viperd keys add: sentence" to stderr; returns `code`. */
int vpr_cli_fail(const struct vpr_cli *cli, enum vpr_cli_exit code, const char *fmt, ...)
    VPR_PRINTF(3, 4);
/* The errors of a configuration file as they are, a line each; LOCAL. */
int vpr_cli_fail_conf(const struct vpr_buf *errors);
/* The sentence of a refusal, LOCAL unless NOT_FOUND. */
int vpr_cli_fail_err(const struct vpr_cli *cli, const struct vpr_err *err);

#define VPR_CLI_OUTPUT_FLAG {"output", "json|text", "how to print"}
#define VPR_CLI_END {NULL, NULL, NULL}

#endif
