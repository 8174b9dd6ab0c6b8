/* draw.h - the random choices: who serves a session, which proofs are opened
 * (docs/protocol.md, 8.5, 9.3, 9.4).
 *
 * A pure function of pool, key and exclusions; node, daemons and settlement call this code.
 * A pool is built once a session: entries are owners in address order, an owner's interval
 * holds its members in id order.  A draw costs O(slots * (slots + log pool)). */
#ifndef VPR_RULES_DRAW_H
#define VPR_RULES_DRAW_H

#include "app/base/arena.h"

#define VPR_DRAW_SLOTS_MAX 64    /* protocol: 24 servicers, fishermen_per_session */
#define VPR_DRAW_EXCLUDED_MAX 64 /* owners drawn as servicers and the requestor's */

struct vpr_pool_member {
    struct vpr_address owner;
    struct vpr_address id;
    uint64_t weight;
};

struct vpr_pool_owner {
    uint64_t before; /* start of the interval */
    uint64_t weight; /* >= 1 */
    uint32_t first;  /* its first member */
};

struct vpr_pool {
    const struct vpr_pool_member *members; /* of weight >= 1, by (owner, id) */
    const uint64_t *before;                /* prefix sums, one a member */
    uint32_t member_count;
    const struct vpr_pool_owner *owners; /* by address */
    uint32_t owner_count;
    uint64_t total;
};

enum vpr_draw_kind {
    VPR_DRAW_SERVICERS, /* H("slot", key, j) */
    VPR_DRAW_FISHERMEN, /* H("fish", key, j) */
};

/* floor((own + delegated) / 10^6) * (score_floor + running score); scores in ppm. False if a
 * stake or score is out of range. */
VPR_MUST_USE bool vpr_servicer_weight(uint64_t *ret, uint64_t own_uvipr,
                                      uint64_t delegated_uvipr, uint32_t score_floor_ppm,
                                      uint32_t score_ppm);
/* Own stake in whole VIPR. */
uint64_t vpr_fisherman_weight(uint64_t own_uvipr);

/* Members in any order, copied; memory of the pool comes from `arena`.  False if one id occurs
 * twice at an owner, the weights sum to 2^64 or more, or there are more than 2^32 - 1. */
VPR_MUST_USE bool vpr_pool_build(struct vpr_pool *ret, struct vpr_arena *arena,
                                 const struct vpr_pool_member *members, size_t count);

/* Draws min(n, owners left) members, one an owner; `ret` gets pool->members[...] in the order
 * drawn and has room for n.  Returns how many.  n <= VPR_DRAW_SLOTS_MAX; excluded owners, at
 * most VPR_DRAW_EXCLUDED_MAX, need not be in the pool and may repeat. */
uint32_t vpr_draw(const struct vpr_pool_member **ret, const struct vpr_pool *pool,
                  enum vpr_draw_kind kind, const struct vpr_hash *key, uint32_t n,
                  const struct vpr_address *excluded, size_t excluded_count);

/* A committed entry as the positions see it, in sid order. */
struct vpr_claim {
    uint64_t gross; /* of min(sum, quota), uvipr */
    uint64_t sum;   /* CU, >= 1 */
};

/* Position i of a servicer's proofs: which entry, and which CU of it (H("pos", challenge,
 * servicer, i)).  False if all gross is 0 or a sum is. */
VPR_MUST_USE bool vpr_prove_position(size_t *ret_entry, uint64_t *ret_cu,
                                     const struct vpr_hash *challenge,
                                     const struct vpr_address *servicer, uint64_t i,
                                     const struct vpr_claim *claims, size_t count);

/* Position i of a card's opened samples: H("card-pos", challenge, sid, fisherman, i) mod the
 * sum of sent, which is >= 1. */
uint64_t vpr_card_position(const struct vpr_hash *challenge, const struct vpr_hash *sid,
                           const struct vpr_address *fisherman, uint64_t i, uint64_t sent);

#endif
