/* node.h - a node made of one REST server, and the rest of a gateway's world. */
#ifndef VPR_TEST_RELAY_NODE_H
#define VPR_TEST_RELAY_NODE_H

#include "app/rules/ids.h"
#include "relay/gateway.h"
#include "tests/unit/relay/gate.h"

#define NODE_CHAIN "viper-test-1"
#define NODE_SERVICERS 4
#define NODE_FISHERMEN 2
#define NODE_EXTRAS_MAX 2500 /* members of the pool with a weight too small to matter */

struct node_world {
    struct vpr_loop *loop;
    struct vpr_http_server *node;
    struct vpr_http_client *client;
    struct vpr_keyring *ring;
    struct vpr_key *key;
    struct vpr_gateway *gateway;
    struct vpr_gateway_conf conf;
    char home[256], node_url[64], requestor_text[VPR_ADDRESS_TEXT_MAX];
    struct vpr_address requestor, owner;
    struct servicer servicers[NODE_SERVICERS];
    struct vpr_pool_member pool[NODE_SERVICERS + NODE_EXTRAS_MAX], fishermen[NODE_FISHERMEN];
    size_t extras;
    uint64_t height, session;
    /* knobs */
    bool lie, failing, no_key, uneven;
    uint32_t num_servicers;
    uint32_t asked, pages;
    struct vpr_arena arena;
};

extern struct node_world node_world;

/* Sessions have 10 blocks, number 0 is blocks 1 to 10. */
uint64_t node_first_of(uint64_t session);
char *node_text_of(const struct vpr_address *address); /* in the world's arena */
/* Of the four real ones, or an extra that has the first one's URL and key. */
struct servicer *node_servicer_of(struct vpr_bytes id);
void node_on_query(void *arg, struct vpr_http_request *req);

#endif
