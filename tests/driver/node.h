/* node.h - one real viperd: its home, its process, its sockets.
 *
 * The process dies with the driver.  Where a node may not be gone, a node that is ends the
 * driver with the last lines of its log. */
#ifndef VPR_DRIVER_NODE_H
#define VPR_DRIVER_NODE_H

#include <sys/types.h>

#include "tests/driver/link.h"

#define NODE_PATH_MAX 80 /* a socket's path is short */

struct node {
    const char *viperd; /* the program */
    char home[NODE_PATH_MAX];
    int index;
    int validator; /* whose beacon secret it has: number of "validatorN", 0: none */
    pid_t pid;     /* 0: not running */
    struct link *consensus, *queries;
    uint64_t starts;
};

/* Makes the home; the secret of the hash chain goes into its keyring. */
void node_create(struct node *node, const char *viperd, const char *folder, int index,
                 int validator, const struct vpr_hash *beacon_first, uint64_t beacon_length);
void node_start(struct node *node);
/* SIGKILL, or SIGTERM and its exit code must be 0. */
void node_stop(struct node *node, bool kill9);
/* `viperd check-state` beside it, or on what it left behind: that height and app hash, and every
 * invariant holds; else the driver ends. */
void node_check(const struct node *node, uint64_t height, const struct vpr_hash *app_hash);
/* CPU seconds of all its threads since it was started; 0: it does not run. */
double node_cpu_s(const struct node *node);
/* Prints the tail of its log. */
void node_blame(const struct node *node, const char *what);

/* One request and its answer, whose kind must be `want`, else the driver ends. */
const Tendermint__Abci__Response *node_call(struct node *node, struct vpr_arena *arena,
                                            const Tendermint__Abci__Request *request,
                                            Tendermint__Abci__Response__ValueCase want);
/* abci_query of a method with its request message; the answer's bytes.  A refusal: NULL data
 * and its code. */
struct vpr_bytes node_query(struct node *node, struct vpr_arena *arena, const char *path,
                            const ProtobufCMessage *request, uint32_t *ret_code);
/* As above, decoded; a refusal ends the driver. */
const ProtobufCMessage *node_ask(struct node *node, struct vpr_arena *arena, const char *path,
                                 const ProtobufCMessage *request,
                                 const ProtobufCMessageDescriptor *response);

#endif
