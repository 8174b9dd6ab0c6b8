/* claim.h - what a session's leaves add up to: roots for Commit, tails and opened leaves for
 * Prove.
 *
 * Read from the segment alone, so that a daemon started again claims the same as one that
 * never stopped.  Runs on any thread; holds 64 bytes a leaf.  Its one rule: entries in sid
 * order, leaves by (client key, seq), as the chain will look at them. */
#ifndef VPR_RELAY_CLAIM_H
#define VPR_RELAY_CLAIM_H

#include "relay/leaves.h"
#include "relay/session.h"

struct vpr_claim_entry {
    const struct vpr_sid_work *sid; /* info, lanes with tokens and tails */
    struct vpr_hash root;
    uint64_t sum, count;
    size_t first; /* of its leaves among all */
};

struct vpr_claim_leaf;

struct vpr_claims {
    struct vpr_work *work; /* restored */
    size_t entry_count;
    struct vpr_claim_entry *entries; /* sids with at least one leaf */
    size_t leaf_count;
    struct vpr_claim_leaf *leaves;
    uint64_t skipped; /* records that fit nowhere */
    char path[VPR_LEAVES_PATH_MAX];
};

VPR_MUST_USE enum vpr_code vpr_claims_load(struct vpr_claims **ret, const char *path,
                                           struct vpr_err *err);
void vpr_claims_destroy(struct vpr_claims *claims); /* NULL is fine */

/* NULL: no leaf of that sid. */
const struct vpr_claim_entry *vpr_claims_find(const struct vpr_claims *claims,
                                              const struct vpr_hash *sid);

/* The leaf whose interval holds CU number `position` < entry->sum, and its branch. */
VPR_MUST_USE enum vpr_code vpr_claims_open(const struct vpr_claims *claims,
                                           const struct vpr_claim_entry *entry,
                                           uint64_t position, struct vpr_leaf *ret_leaf,
                                           struct vpr_sumbranch *ret_branch,
                                           struct vpr_err *err);

#endif
