/* validators.h - the validator set, its beacon chains and its yield. */
#ifndef VPR_DOMAIN_VALIDATORS_H
#define VPR_DOMAIN_VALIDATORS_H

#include "app/tx/handler.h"
#include "viper/v1/state.pb-c.h"

struct vpr_validator_update {
    struct vpr_hash key; /* ed25519 consensus key */
    uint64_t power;      /* 0 removes */
};

/* By 20-byte consensus address, among all validator records, in the set or not. */
VPR_MUST_USE bool vpr_validator_by_consensus(struct vpr_ctx *ctx,
                                             const struct vpr_address *consensus,
                                             struct vpr_address *ret_id);

/* Top max_validators by own and delegated stake, lower id first at a tie, power = stake / 10^6;
 * only changes against what CometBFT knows.  Never empties the set.  ret_updates in
 * ctx->arena. */
size_t vpr_validators_update(struct vpr_ctx *ctx, struct vpr_validator_update **ret_updates);

/* All of the set with their powers, as CometBFT knows it; ret_set in ctx->arena. */
size_t vpr_validators_set(struct vpr_ctx *ctx, struct vpr_validator_update **ret_set);

/* A member of the set and what it votes with: its own and its delegators' stake. */
struct vpr_validator_member {
    struct vpr_address id, owner;
    uint64_t stake; /* uvipr */
};
/* The set as CometBFT knows it, by consensus address; ret_members in ctx->arena. */
size_t vpr_validators_members(struct vpr_ctx *ctx, struct vpr_validator_member **ret_members);

/* Whether the account owns a validator that is not gone, in the set or not. */
bool vpr_validator_owned(struct vpr_ctx *ctx, const struct vpr_address *owner);

/* In the first block of a session: mint the yield of the one that ended and pay the fees of
 * the fee pool out the same way. */
void vpr_validators_yield(struct vpr_ctx *ctx);
/* Pending chain ends become current when their session opens. */
void vpr_validators_renew(struct vpr_ctx *ctx);

/* CometBFT knows it as a validator. */
bool vpr_validator_in_set(const Viper__V1__Actor *actor);
/* When an actor is gone, its consensus key is free again; does nothing for other kinds. */
void vpr_validator_forget(struct vpr_ctx *ctx, const Viper__V1__Actor *actor);

/* The end of the proposer's chain that the reveal of block ctx->height must hash to, also
 * before that block has opened its session; false: nobody. */
VPR_MUST_USE bool vpr_validator_beacon_end(struct vpr_ctx *ctx,
                                           const struct vpr_address *consensus,
                                           struct vpr_hash *ret_end);

/* The proposer revealed x, which becomes its end. */
void vpr_validator_set_beacon_end(struct vpr_ctx *ctx, const struct vpr_address *consensus,
                                  const struct vpr_hash *x);

extern const struct vpr_domain vpr_validators;

#endif
