/* commit.h - from a session's leaves to its pay: Commit, Prove, settlement.
 *
 * Owns the sessions that are over and not settled.  Its one rule: what to do next follows from
 * the segment on disk and from the chain's state, never from what this process remembers, so
 * that kill -9 at any moment costs nothing but time.
 *
 * Phases of a session s:
 *   LOADING   its segment is read by a thread of its own: roots, tails, tokens
 *   PRICING   scores, quota, budget, multipliers of every sid: what its entry may earn, and
 *             whether that is more than its fees
 *   CHECKING  which entries are on the chain already
 *   COMMITTING while s+1 runs: the others, in messages of at most 1,000; refused messages are
 *             halved until the one bad entry stands alone
 *   WAITING   for the challenge, in s+2
 *   CHECKING, PROVING  tails of every entry, and the leaves the challenge points at
 *   REVIEWING in the last block of s+2: what Verify is going to pay
 *   SETTLING  until the chain has settled s: then the file is deleted
 *
 * One line is logged a session: what it earned, or why it did not. */
#ifndef VPR_RELAY_COMMIT_H
#define VPR_RELAY_COMMIT_H

#include "app/client/submit.h"
#include "relay/claim.h"

#define VPR_COMMITS_SESSIONS_MAX 16
#define VPR_COMMIT_ENTRIES_MAX 1000 /* of a message */
#define VPR_PROVE_TAILS_A_MESSAGE 250
#define VPR_PROOF_SAMPLES_MAX 16
#define VPR_COMMIT_WHY_MAX 160

/* What became of a sid's work. */
#define VPR_CLAIM_RESULTS(X) \
    X(PROVED, "proved") \
    X(UNPROVED, "unproved")        /* on the chain, its tails are not */ \
    X(SMALL, "below_claim_min")    /* the chain would refuse it */ \
    X(AT_A_LOSS, "at_a_loss")      /* its fees are more than it may earn */ \
    X(UNCLAIMED, "unclaimed")      /* not on the chain for another reason */ \
    X(UNREAD, "unread")            /* it was settled before this daemon looked */

enum vpr_claim_result {
#define X(name, text) VPR_CLAIM_##name,
    VPR_CLAIM_RESULTS(X)
#undef X
    VPR_CLAIM_RESULT_COUNT,
};

/* What a session came to. */
struct vpr_earned {
    uint64_t session;
    uint64_t leaves, cu;         /* in the segment */
    uint64_t entries, committed; /* sids with leaves; those on the chain */
    uint64_t proved;             /* entries with tails, if all samples are proved */
    uint64_t claims[VPR_CLAIM_RESULT_COUNT]; /* the entries again */
    uint64_t settled_cu, reward_uvipr; /* as Verify was going to pay in the last block of s+2 */
    bool unread; /* settled before this daemon looked, say while it was down: not known */
    const char *why;             /* of what was lost, or "" */
};

struct vpr_commits_config {
    struct vpr_loop *loop;
    struct vpr_follow *follow;
    struct vpr_submitter *submitter; /* of the operator */
    struct vpr_address servicer;
    const char *dir; /* of the segments */
    bool at_a_loss;  /* commit also what costs more in fees than it may earn */
    void (*earned)(void *arg, const struct vpr_earned *earned); /* may be NULL */
    void *arg;
};

struct vpr_commits;

struct vpr_commits *vpr_commits_create(const struct vpr_commits_config *config);
/* Waits for its threads; NULL is fine.  One turn of the loop after it gives the last memory
 * back. */
void vpr_commits_destroy(struct vpr_commits *commits);

/* A session is over and nobody writes its segment; false when there are too many.  Twice is
 * once. */
bool vpr_commits_add(struct vpr_commits *commits, uint64_t session);
bool vpr_commits_has(const struct vpr_commits *commits, uint64_t session);
size_t vpr_commits_count(const struct vpr_commits *commits);

/* At every new height. */
void vpr_commits_height(struct vpr_commits *commits);

#endif
