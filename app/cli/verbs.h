/* verbs.h - the verb families of this folder: one file, one table each. */
#ifndef VPR_CLI_VERBS_H
#define VPR_CLI_VERBS_H

#include "app/cli/cli.h"

struct vpr_cli_family {
    const struct vpr_cli_verb *verbs;
    size_t count;
};

extern const struct vpr_cli_family vpr_cli_earnings; /* earnings.c */
extern const struct vpr_cli_family vpr_cli_genesis; /* genesis.c */
extern const struct vpr_cli_family vpr_cli_init;    /* init.c */
extern const struct vpr_cli_family vpr_cli_keys;    /* keys.c */
extern const struct vpr_cli_family vpr_cli_queries; /* query.c */
extern const struct vpr_cli_family vpr_cli_txs;     /* tx.c */
extern const struct vpr_cli_family vpr_cli_why;     /* why.c */

#endif
