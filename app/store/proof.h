/* proof.h - FACE: answers to /store/{name}/key and /ics23/{name}/key with their proofs.
 *
 * Two proofs of one tree: `simple:v`, which an unmodified `cometbft light` checks (existence
 * only, depth 63 at most), and ICS-23 under our ProofSpec (existence and absence).  The
 * bytes are pinned by tests/golden/commitment.json. */
#ifndef VPR_STORE_PROOF_H
#define VPR_STORE_PROOF_H

#include "app/base/err.h"
#include "app/store/store.h"

#define VPR_PROOF_SIMPLE "simple:v"      /* both operations of /store */
#define VPR_PROOF_ICS23 "ics23:viper"    /* operation 0 of /ics23 */
#define VPR_PROOF_ICS23_MAP "ics23:simple" /* operation 1 of /ics23 */

/* The LeafOps of ICS-23: of a store's tree, and of the map of stores. */
extern const struct vpr_bytes vpr_proof_trie_leaf, vpr_proof_map_leaf;

struct vpr_proof_op {
    const char *type;
    struct vpr_bytes key;
    struct vpr_bytes data;
};

/* The fields of ResponseQuery, code 0. */
struct vpr_proof_answer {
    uint64_t height;
    struct vpr_bytes key;
    struct vpr_bytes value;      /* empty: the key is absent */
    size_t op_count;             /* 2, or 0 where this form has no proof */
    struct vpr_proof_op ops[2];
    struct vpr_bytes proof_ops;  /* the same as protobuf ProofOps; empty if there are none */
};

/* Whether a query's path is one of the two; all others belong to somebody else. */
bool vpr_proof_path(struct vpr_bytes path);

/* `key` is the query's data.  Refused: a path or store that does not exist, a key no store
 * can hold.  Without `prove` the operations are left out.  The answer lies in the arena. */
VPR_MUST_USE enum vpr_code vpr_proof_query(struct vpr_view *view, struct vpr_arena *arena,
                                           struct vpr_bytes path, struct vpr_bytes key,
                                           bool prove, struct vpr_proof_answer *ret_answer,
                                           struct vpr_err *err);

#endif
