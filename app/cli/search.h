/* search.h - the events of a node's index of transactions, one by one. */
#ifndef VPR_CLI_SEARCH_H
#define VPR_CLI_SEARCH_H

#include "app/cli/ask.h"

#define VPR_FOUND_TYPE_MAX 48

/* One event found by a search: its attributes as JSON, and where it stood. */
struct vpr_found {
    char type[VPR_FOUND_TYPE_MAX];
    struct vpr_bytes attributes;
    struct vpr_bytes tx; /* the transaction in JSON */
    uint64_t height;
};
/* Text of an attribute in cli->arena, "" if it is not there; as a number, 0. */
const char *vpr_found_text(struct vpr_cli *cli, const struct vpr_found *found, const char *key);
uint64_t vpr_found_u64(const struct vpr_found *found, const char *key);
/* The attribute is this text; takes no memory. */
bool vpr_found_is(const struct vpr_found *found, const char *key, const char *text);
/* A copy, without its transaction, that outlives the call of vpr_found_fn. */
struct vpr_found vpr_found_keep(struct vpr_cli *cli, const struct vpr_found *found);

/* The node to ask about `id`, which goes into queries between quotes; as vpr_cli_settings. */
VPR_MUST_USE bool vpr_cli_search_settings(struct vpr_cli *cli, const char *id,
                                          struct vpr_cli_settings *ret, int *ret_exit);

/* What it is given lasts until it returns. */
typedef void vpr_found_fn(void *arg, const struct vpr_found *found);
/* Every event of every transaction that matches CometBFT's `query`, oldest first (`newest`: of
 * the newest one alone).  Exit code; REFUSED with a sentence if there are more than it reads. */
int vpr_cli_search(struct vpr_cli *cli, const char *node, const char *query, bool newest,
                   vpr_found_fn *each, void *arg);

/* Every slash of an actor, oldest first, as JSON: {"sequence", "slash"}.  Exit code. */
typedef void vpr_slash_fn(void *arg, struct vpr_bytes slash);
int vpr_cli_slashes(struct vpr_cli *cli, const char *node, const char *actor,
                    vpr_slash_fn *each, void *arg);

#endif
