/* verbs.h - the verbs of viperd that need the chain itself. */
#ifndef VPR_NODE_VERBS_H
#define VPR_NODE_VERBS_H

#include "app/app.h"
#include "app/cli/cli.h"

int node_start(struct vpr_cli *cli);            /* start.c */
extern const struct vpr_cli_flag node_start_flags[];

int node_export(struct vpr_cli *cli);           /* state.c */
int node_rollback(struct vpr_cli *cli);
int node_check_state(struct vpr_cli *cli);
int node_genesis_validate(struct vpr_cli *cli);
extern const struct vpr_cli_flag node_rollback_flags[];

/* The state in home/data; NULL: a sentence was printed. `create`: also where none is yet. */
struct vpr_app *node_open(struct vpr_cli *cli, bool create, int *ret_exit);

#endif
