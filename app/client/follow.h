/* follow.h - where the chain is: height, session, parameters, as one node tells it.
 *
 * Polls GET /viper/v1/chain every 250 ms, jittered; keeps the last three sessions with their
 * parameters.  Its one rule: listeners see heights rise by what the node answers and nothing
 * else; a lower height is told apart (`on_back`) and believed only when it stays.  Survives
 * outages of the node with pauses of at most 2 s. */
#ifndef VPR_CLIENT_FOLLOW_H
#define VPR_CLIENT_FOLLOW_H

#include "app/client/query.h"
#include "viper/v1/params.pb-c.h"

#define VPR_FOLLOW_POLL_MS 250
#define VPR_FOLLOW_PAUSE_MS_MAX 2000
#define VPR_FOLLOW_BACK_POLLS 40 /* so often lower before we believe it */
#define VPR_FOLLOW_SESSIONS 3
#define VPR_FOLLOW_LISTENERS_MAX 8
#define VPR_CHAIN_ID_TEXT_MAX 64

struct vpr_tip {
    char chain_id[VPR_CHAIN_ID_TEXT_MAX];
    uint64_t height;
    int64_t time_s; /* of that block */
    uint64_t session, first, last;
    uint64_t oldest_unsettled;
    uint64_t seen_ms; /* vpr_mono_ms of the answer */
};

struct vpr_followed {
    uint64_t number, first, last; /* blocks, both included */
    struct vpr_hash seed;
    Viper__V1__Params params;
};

struct vpr_follow_hooks {
    void (*on_height)(void *arg);  /* any hook may be NULL */
    void (*on_session)(void *arg); /* the running session's record is known; before on_height */
    void (*on_past)(void *arg);    /* an earlier session's record came to be known */
    void (*on_lost)(void *arg, const char *why); /* no answer, said once an outage */
    void (*on_back)(void *arg);    /* the height fell and stayed, or the chain-id changed */
};

struct vpr_follow;

struct vpr_follow *vpr_follow_create(struct vpr_loop *loop, struct vpr_node *node);
void vpr_follow_destroy(struct vpr_follow *follow); /* NULL is fine */
void vpr_follow_listen(struct vpr_follow *follow, const struct vpr_follow_hooks *hooks,
                       void *arg);

/* NULL until the first answer. */
const struct vpr_tip *vpr_follow_tip(const struct vpr_follow *follow);
/* A session among the last three; NULL if its record is not known (yet). */
const struct vpr_followed *vpr_follow_session(const struct vpr_follow *follow, uint64_t number);
struct vpr_node *vpr_follow_node(const struct vpr_follow *follow);
/* The last poll was answered. */
bool vpr_follow_connected(const struct vpr_follow *follow);

#endif
