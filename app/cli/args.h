/* args.h - from argv to a verb with its arguments and flags, and the help made of the same
 * tables. */
#ifndef VPR_CLI_ARGS_H
#define VPR_CLI_ARGS_H

#include "app/cli/cli.h"

#define VPR_CLI_VERBS_MAX 64

/* All verbs, this folder's first; returns how many. */
size_t vpr_cli_verbs(const struct vpr_cli_program *program,
                     const struct vpr_cli_verb *ret[VPR_CLI_VERBS_MAX]);

/* Fills verb, args and flags.  False: a sentence was written to `err`, or `ret_help` is set
 * and `cli->verb` is what it is about (NULL: everything). */
VPR_MUST_USE bool vpr_cli_parse(struct vpr_cli *cli, int argc, char *const *argv,
                                bool *ret_help, struct vpr_err *err);

void vpr_cli_help(const struct vpr_cli_program *program, const struct vpr_cli_verb *verb,
                  struct vpr_buf *out);

#endif
