/* roster.h - which sessions a servicer serves: opened from the chain, sealed after their grace.
 *
 * Owns every vpr_served with its books, its segment and the questions that fill it.  Its one
 * rule: a session is handed to the commits only when no leaf can be added any more and every
 * leaf is on disk.  Two sessions stand side by side; a restarted daemon opens what is still
 * open and finds its books in the segments. */
#ifndef VPR_RELAY_ROSTER_H
#define VPR_RELAY_ROSTER_H

#include "app/client/follow.h"
#include "relay/commit.h"
#include "relay/serve.h"

#define VPR_ROSTER_KEYS_MAX 4 /* relay keys at hand: the old and the new one */

/* A relay key of the servicer; which one counts is the session's to say. */
struct vpr_relay_key {
    struct vpr_hash public_key;
    vpr_sign_hash_fn *sign;
    void *arg;
};

struct vpr_roster_config {
    struct vpr_loop *loop;
    struct vpr_follow *follow;
    struct vpr_serve *serve;
    struct vpr_leaves *leaves;
    struct vpr_commits *commits;
    struct vpr_backends *backends;
    struct vpr_address servicer;
    const char *dir; /* of the segments */
    struct vpr_risk risk;
    size_t key_count;
    struct vpr_relay_key keys[VPR_ROSTER_KEYS_MAX];
};

struct vpr_roster;

/* Listens to `follow` and calls vpr_commits_height at every height. */
struct vpr_roster *vpr_roster_create(const struct vpr_roster_config *config);
/* After the serve is gone; NULL is fine. */
void vpr_roster_destroy(struct vpr_roster *roster);

struct vpr_roster_state {
    size_t open;  /* sessions in which relays are answered */
    bool running; /* the running session's relays are answered, too */
    bool keyless; /* they are not: no relay key at hand is the one on the chain */
    size_t sids;  /* of the running session */
    uint64_t quota_cu, answered_cu, unacknowledged_cu; /* of the running session */
};
void vpr_roster_state(const struct vpr_roster *roster, struct vpr_roster_state *ret);

#endif
