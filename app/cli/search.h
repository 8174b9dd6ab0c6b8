/* search.h - the events of a node's index of transactions, one by one. */
#ifndef VPR_CLI_SEARCH_H
#define VPR_CLI_SEARCH_H

#include "app/cli/cli.h"

/* One event found by a search: its attributes as JSON, and where it stood. */
struct vpr_found {
    const char *type;
    struct vpr_bytes attributes;
    struct vpr_bytes tx; /* the transaction in JSON */
    uint64_t height;
};
/* Text of an attribute, "" if it is not there; as a number, 0. */
const char *vpr_found_text(struct vpr_cli *cli, const struct vpr_found *found, const char *key);
uint64_t vpr_found_u64(const struct vpr_found *found, const char *key);

typedef void vpr_found_fn(void *arg, const struct vpr_found *found);
/* Every event of every transaction that matches CometBFT's `query`, oldest first (`newest`: of
 * the newest one alone).  Exit code. */
int vpr_cli_search(struct vpr_cli *cli, const char *node, const char *query, bool newest,
                   vpr_found_fn *each, void *arg);

#endif
