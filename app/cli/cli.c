#include "app/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/base/sig.h"
#include "app/cli/args.h"

#define ARENA_BYTES (64u * 1024 * 1024)

const char *vpr_cli_flag(const struct vpr_cli *cli, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < cli->flag_count; i++) {
        if (!cli->flags[i].field && strcmp(cli->flags[i].name, name) == 0) {
            value = cli->flags[i].value;
        }
    }
    return value;
}

bool vpr_cli_switch(const struct vpr_cli *cli, const char *name)
{
    return vpr_cli_flag(cli, name) != NULL;
}

bool vpr_cli_number(const struct vpr_cli *cli, uint64_t *ret, const char *name,
                    uint64_t fallback, uint64_t least, uint64_t most)
{
    const char *text = vpr_cli_flag(cli, name);
    uint64_t v = 0;
    size_t digits = 0;

    if (!text) {
        *ret = fallback;
        return true;
    }
    for (; text[digits] >= '0' && text[digits] <= '9' && digits < 19; digits++) {
        v = v * 10 + (uint64_t)(text[digits] - '0');
    }
    if (digits == 0 || text[digits] != 0 || v < least || v > most) {
        (void)vpr_cli_fail(cli, VPR_CLI_USAGE,
                           "--%s %.60s is no number from %" PRIu64 " to %" PRIu64, name, text,
                           least, most);
        return false;
    }
    *ret = v;
    return true;
}

bool vpr_cli_choice(const struct vpr_cli *cli, size_t *ret, const char *name,
                    const char *const *words, size_t fallback)
{
    const char *text = vpr_cli_flag(cli, name);
    char list[160] = "";

    if (!text) {
        *ret = fallback;
        return true;
    }
    for (size_t i = 0; words[i]; i++) {
        if (strcmp(words[i], text) == 0) {
            *ret = i;
            return true;
        }
        size_t used = strlen(list);
        (void)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", words[i]);
    }
    (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "--%s %.60s is none of: %s", name, text, list);
    return false;
}

bool vpr_cli_json(const struct vpr_cli *cli, bool *ret, bool fallback)
{
    static const char *const words[] = {"text", "json", NULL};
    size_t which;
    if (!vpr_cli_choice(cli, &which, "output", words, fallback ? 1 : 0)) {
        return false;
    }
    *ret = which == 1;
    return true;
}

int vpr_cli_fail(const struct vpr_cli *cli, enum vpr_cli_exit code, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vpr_format(text, sizeof text, fmt, args);
    va_end(args);
    (void)fprintf(stderr, "viperd%s%s: %s\n", cli->verb ? " " : "",
                  cli->verb ? cli->verb->name : "", text);
    return (int)code;
}

int vpr_cli_fail_conf(const struct vpr_buf *errors)
{
    (void)fwrite(errors->data, 1, errors->len, stderr);
    return VPR_CLI_LOCAL;
}

int vpr_cli_fail_err(const struct vpr_cli *cli, const struct vpr_err *err)
{
    return vpr_cli_fail(cli, err->code == VPR_NOT_FOUND ? VPR_CLI_NOT_FOUND : VPR_CLI_LOCAL,
                        "%s (%s)", err->text, vpr_code_name(err->code));
}

static const char *home_of(struct vpr_cli *cli)
{
    const char *home = vpr_cli_flag(cli, "home");
    const char *user = getenv("HOME");

    home = home ? home : getenv("VIPERD_HOME");
    if (home && *home) {
        return home;
    }
    return vpr_arena_text(&cli->arena, "%s/.viper", user && *user ? user : ".");
}

/* Short writes happen on pipes. */
static bool write_out(const struct vpr_buf *out)
{
    for (size_t at = 0; at < out->len;) {
        ssize_t n = write(STDOUT_FILENO, out->data + at, out->len - at);
        if (n <= 0) {
            return false;
        }
        at += (size_t)n;
    }
    return true;
}

int vpr_cli_main(const struct vpr_cli_program *program, int argc, char *const *argv)
{
    struct vpr_cli cli = {.program = program};
    struct vpr_err err;
    bool help;
    int code;

    vpr_sig_init();
    vpr_arena_init(&cli.arena, ARENA_BYTES);
    vpr_buf_init(&cli.out, VPR_CLI_OUT_BYTES_MAX);
    if (vpr_cli_parse(&cli, argc, argv, &help, &err)) {
        cli.home = home_of(&cli);
        code = cli.verb->run(&cli);
    } else if (help) {
        vpr_cli_help(program, cli.verb, &cli.out);
        code = VPR_CLI_OK;
    } else {
        code = vpr_cli_fail(&cli, VPR_CLI_USAGE, "%s", err.text);
    }
    if (cli.out.over) {
        code = vpr_cli_fail(&cli, VPR_CLI_LOCAL, "the result is above %u bytes",
                            VPR_CLI_OUT_BYTES_MAX);
    } else if (!write_out(&cli.out)) {
        code = VPR_CLI_LOCAL;
    }
    vpr_buf_finish(&cli.out);
    vpr_arena_finish(&cli.arena);
    return code;
}
