#include "app/cli/args.h"

#include <stdio.h>

#include "app/cli/verbs.h"

static const struct vpr_cli_family *const families[] = {
    &vpr_cli_init, &vpr_cli_keys, &vpr_cli_genesis, &vpr_cli_queries, &vpr_cli_txs,
    &vpr_cli_earnings,
    &vpr_cli_why,
};

static const struct vpr_cli_flag common_flags[] = {
    {"home", "DIR", "where config, data and keys are (default $VIPERD_HOME or ~/.viper)"},
    {"help", NULL, "about this command"},
    VPR_CLI_END,
};

size_t vpr_cli_verbs(const struct vpr_cli_program *program,
                     const struct vpr_cli_verb *ret[VPR_CLI_VERBS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < VPR_COUNT(families); i++) {
        for (size_t k = 0; k < families[i]->count; k++) {
            VPR_ASSERT(n < VPR_CLI_VERBS_MAX);
            ret[n++] = &families[i]->verbs[k];
        }
    }
    for (size_t i = 0; i < program->verb_count; i++) {
        VPR_ASSERT(n < VPR_CLI_VERBS_MAX);
        ret[n++] = &program->verbs[i];
    }
    return n;
}

/* How many words of argv the name takes; 0: it does not fit. */
static size_t fits(const char *name, int argc, char *const *argv)
{
    size_t words = 0;
    while (*name) {
        size_t len = strcspn(name, " ");
        if (words >= (size_t)argc || strlen(argv[words]) != len ||
            memcmp(argv[words], name, len) != 0) {
            return 0;
        }
        words++;
        name += len + (name[len] == ' ');
    }
    return words;
}

static bool unknown_verb(const struct vpr_cli_program *program, int argc, char *const *argv,
                         struct vpr_err *err)
{
    const struct vpr_cli_verb *verbs[VPR_CLI_VERBS_MAX];
    size_t count = vpr_cli_verbs(program, verbs), len = strlen(argv[0]);
    char list[160] = "";

    for (size_t i = 0; i < count; i++) {
        const char *name = verbs[i]->name;
        if (strncmp(name, argv[0], len) == 0 && name[len] == ' ') {
            size_t used = strlen(list);
            (void)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                           name + len + 1);
        }
    }
    if (*list) {
        (void)vpr_fail(err, VPR_BAD_FIELD, "\"%s\" needs one of: %s (got %s)", argv[0], list,
                       argc > 1 ? argv[1] : "nothing");
    } else {
        (void)vpr_fail(err, VPR_BAD_FIELD,
                       "there is no command \"%.100s\"; `viperd help` lists them", argv[0]);
    }
    return false;
}

static const struct vpr_cli_flag *find_flag(const struct vpr_cli_flag *list, const char *name,
                                            size_t len)
{
    for (; list && list->name; list++) {
        if (strlen(list->name) == len && memcmp(list->name, name, len) == 0) {
            return list;
        }
    }
    return NULL;
}

static bool read_flag(struct vpr_cli *cli, int argc, char *const *argv, int *at,
                      struct vpr_err *err)
{
    const char *word = argv[*at];
    const char *name = strcmp(word, "-y") == 0   ? "yes"
                       : strcmp(word, "-o") == 0 ? "output"
                       : strcmp(word, "-h") == 0 ? "help"
                       : strcmp(word, "-a") == 0 ? "address"
                       : word[1] == '-'          ? word + 2
                                                 : "";
    size_t len = strcspn(name, "=");
    const struct vpr_cli_flag *flag = find_flag(common_flags, name, len);
    const char *value = name[len] == '=' ? name + len + 1 : NULL;

    flag = flag ? flag : find_flag(cli->verb->flags, name, len);
    if (len == 0 || (!flag && !cli->verb->more_flags)) {
        (void)vpr_fail(err, VPR_BAD_FIELD, "unknown flag %.100s; `viperd help %s` lists them",
                       word, cli->verb->name);
        return false;
    }
    if (cli->flag_count == VPR_CLI_FLAGS_MAX) {
        (void)vpr_fail(err, VPR_TOO_LARGE, "more than %d flags", VPR_CLI_FLAGS_MAX);
        return false;
    }
    if (flag && !flag->arg && value) {
        (void)vpr_fail(err, VPR_BAD_FIELD, "--%s takes no value", flag->name);
        return false;
    }
    if (!value && (!flag || flag->arg)) {
        if (*at + 1 >= argc) {
            (void)vpr_fail(err, VPR_BAD_FIELD, "--%.*s needs a value%s%s", (int)len, name,
                           flag ? ": " : "", flag ? flag->arg : "");
            return false;
        }
        value = argv[++*at];
    }
    cli->flags[cli->flag_count++] = (struct vpr_cli_given){
        flag ? flag->name : vpr_arena_text(&cli->arena, "%.*s", (int)len, name),
        value ? value : "", flag == NULL};
    return true;
}

static bool find_verb(struct vpr_cli *cli, int argc, char *const *argv, size_t *ret_words)
{
    const struct vpr_cli_verb *verbs[VPR_CLI_VERBS_MAX];
    size_t count = vpr_cli_verbs(cli->program, verbs);

    *ret_words = 0;
    for (size_t i = 0; i < count; i++) {
        size_t words = fits(verbs[i]->name, argc, argv);
        if (words > *ret_words) {
            *ret_words = words;
            cli->verb = verbs[i];
        }
    }
    return *ret_words > 0;
}

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* --home may stand in front of the verb, as in `viperd --home DIR start`. */
static bool read_front(struct vpr_cli *cli, int argc, char *const *argv, int *at,
                       struct vpr_err *err)
{
    while (*at < argc && strncmp(argv[*at], "--home", 6) == 0) {
        const char *value = argv[*at] + 6;
        if (*value == '=') {
            value++;
        } else if (*value == 0 && *at + 1 < argc) {
            value = argv[++*at];
        } else {
            (void)vpr_fail(err, VPR_BAD_FIELD, "--home needs a value: DIR");
            return false;
        }
        cli->flags[cli->flag_count++] = (struct vpr_cli_given){"home", value, false};
        if (++*at > 2 * VPR_CLI_ARGS_MAX) {
            break;
        }
    }
    return true;
}

bool vpr_cli_parse(struct vpr_cli *cli, int argc, char *const *argv, bool *ret_help,
                   struct vpr_err *err)
{
    size_t words;
    int at = 1;

    *ret_help = false;
    cli->verb = NULL;
    if (!read_front(cli, argc, argv, &at, err)) {
        return false;
    }
    if (at >= argc || is_help(argv[at])) {
        *ret_help = true;
        if (at + 1 < argc && !find_verb(cli, argc - at - 1, argv + at + 1, &words)) {
            *ret_help = false;
            return unknown_verb(cli->program, argc - at - 1, argv + at + 1, err);
        }
        return false;
    }
    if (!find_verb(cli, argc - at, argv + at, &words)) {
        return unknown_verb(cli->program, argc - at, argv + at, err);
    }
    bool only_args = false;
    for (at += (int)words; at < argc; at++) {
        if (!only_args && strcmp(argv[at], "--") == 0) {
            only_args = true;
        } else if (!only_args && argv[at][0] == '-' && argv[at][1] != 0) {
            if (!read_flag(cli, argc, argv, &at, err)) {
                return false;
            }
        } else if (cli->arg_count == VPR_CLI_ARGS_MAX ||
                   cli->arg_count == cli->verb->args_max) {
            (void)vpr_fail(err, VPR_BAD_FIELD, "one argument too many: \"%.100s\"", argv[at]);
            return false;
        } else {
            cli->args[cli->arg_count++] = argv[at];
        }
    }
    if (vpr_cli_switch(cli, "help")) {
        *ret_help = true;
        return false;
    }
    if (cli->arg_count < cli->verb->args_min) {
        (void)vpr_fail(err, VPR_BAD_FIELD, "missing argument: viperd %s %s", cli->verb->name,
                       cli->verb->args);
        return false;
    }
    return true;
}

static void help_flags(struct vpr_buf *out, const struct vpr_cli_flag *flag)
{
    for (; flag && flag->name; flag++) {
        char left[64];
        (void)snprintf(left, sizeof left, "--%s %s", flag->name, flag->arg ? flag->arg : "");
        vpr_buf_printf(out, "  %-26s %s\n", left, flag->help);
    }
}

void vpr_cli_help(const struct vpr_cli_program *program, const struct vpr_cli_verb *verb,
                  struct vpr_buf *out)
{
    const struct vpr_cli_verb *verbs[VPR_CLI_VERBS_MAX];
    size_t count = vpr_cli_verbs(program, verbs);

    if (verb) {
        vpr_buf_printf(out, "viperd %s%s%s\n\n%s\n\n", verb->name, *verb->args ? " " : "",
                       verb->args, verb->help);
        help_flags(out, verb->flags);
        help_flags(out, common_flags);
        return;
    }
    vpr_buf_str(out, "viperd, the node of a Viper network and the tool for it\n\n");
    for (size_t i = 0; i < count; i++) {
        char left[64];
        (void)snprintf(left, sizeof left, "%s %s", verbs[i]->name, verbs[i]->args);
        vpr_buf_printf(out, "  %-30s %.*s\n", left, (int)strcspn(verbs[i]->help, "\n"),
                       verbs[i]->help);
    }
    vpr_buf_str(out, "\n`viperd help COMMAND` tells its flags.  Exit codes: 0 done, 1 refused, "
                     "2 usage,\n3 not found, 4 no answer from the node, 5 this machine's files, "
                     "6 sent but not seen in a block.\n");
}
