/* http_world.h - a server and a client over loopback in one loop, for their tests. */
#ifndef VPR_TESTS_HOST_HTTP_WORLD_H
#define VPR_TESTS_HOST_HTTP_WORLD_H

#include "app/host/http_client.h"
#include "app/host/http_server.h"

#define HELD_MAX 64

struct http_world {
    struct vpr_loop *loop;
    struct vpr_http_server *server;
    struct vpr_http_client *client;
    struct vpr_timer *guard;
    unsigned handled;
    struct vpr_http_request *held[HELD_MAX];
    unsigned held_count, gone;
    char peer[64];
    /* the last answers */
    unsigned done, want;
    struct vpr_http_result last;
    char body[256];
    char order[64];
};

extern struct http_world http_world;
extern const struct vpr_http_server_config http_plain;
extern const struct vpr_http_client_config http_open;

void http_set_up(const struct vpr_http_server_config *server,
                 const struct vpr_http_client_config *client);
void http_tear_down(void);
/* To the server unless the call has a URL; its result goes into http_world. */
struct vpr_http_exchange *http_call(struct vpr_http_call call, const char *path,
                                    const char *body, const char *name);
void http_wait(unsigned more); /* for so many more answers */
void http_turns(unsigned count); /* of the loop, a millisecond each */

#endif
