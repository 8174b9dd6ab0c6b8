/* link.h - one connection of CometBFT's side of the ABCI socket, blocking.
 *
 * Requests go out when the answer to one is asked for; answers come in the order of the
 * requests.  An exception is an answer like any other.  A node that closes the connection or
 * does not answer for LINK_PATIENCE_S seconds is no answer. */
#ifndef VPR_DRIVER_LINK_H
#define VPR_DRIVER_LINK_H

#include "app/base/arena.h"
#include "tendermint/abci/types.pb-c.h"

#define LINK_PATIENCE_S 300 /* a machine with other work is slow, a node that hangs never ends */

struct link;

/* NULL: nobody listens there. */
struct link *link_open(const char *socket_path);
void link_close(struct link *link); /* NULL is fine */

/* Queued; packed before it returns. */
void link_put(struct link *link, const Tendermint__Abci__Request *request);
/* The answer to the oldest request still unanswered, in the arena; NULL: the node is gone. */
const Tendermint__Abci__Response *link_take(struct link *link, struct vpr_arena *arena);

#endif
