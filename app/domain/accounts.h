/* accounts.h - who holds how many uvipr.
 *
 * Every coin is in an account; pools are accounts nobody can sign for.  Only mint and burn
 * change the total supply, which is asserted every block. */
#ifndef VPR_DOMAIN_ACCOUNTS_H
#define VPR_DOMAIN_ACCOUNTS_H

#include "app/tx/handler.h"

/* Pools: address = first 20 bytes of SHA-256("viper-pool-" name). */
enum vpr_pool_account {
    VPR_POOL_STAKED,  /* own and delegated stakes, also while unbonding */
    VPR_POOL_FEES,    /* until the next session pays them out */
    VPR_POOL_DAO,
    VPR_POOL_REWARDS, /* of delegators, until withdrawn */
    VPR_POOL_DEPOSITS, /* of open proposals, with the fees of new chains */
    VPR_POOL_COUNT
};
struct vpr_address vpr_pool_address(enum vpr_pool_account pool);
const char *vpr_pool_name(const struct vpr_address *who); /* NULL: an ordinary account */

struct vpr_coin vpr_account_balance(struct vpr_ctx *ctx, const struct vpr_address *who);

/* NO_FUNDS names both numbers and changes nothing. */
VPR_MUST_USE enum vpr_code vpr_account_debit(struct vpr_ctx *ctx,
                                             const struct vpr_address *who,
                                             struct vpr_coin amount);
void vpr_account_credit(struct vpr_ctx *ctx, const struct vpr_address *who,
                        struct vpr_coin amount);
VPR_MUST_USE enum vpr_code vpr_account_move(struct vpr_ctx *ctx, const struct vpr_address *from,
                                            const struct vpr_address *to,
                                            struct vpr_coin amount);
/* A fee goes to VPR_POOL_FEES (the vpr_fee_fn of the tables). */
VPR_MUST_USE enum vpr_code vpr_account_take_fee(struct vpr_ctx *ctx,
                                                const struct vpr_address *from,
                                                struct vpr_coin amount);
/* False when the supply would reach 2^62. */
VPR_MUST_USE bool vpr_account_mint(struct vpr_ctx *ctx, const struct vpr_address *to,
                                   struct vpr_coin amount);

/* `from` holds it, or we halt. */
void vpr_account_burn(struct vpr_ctx *ctx, const struct vpr_address *from,
                      struct vpr_coin amount);

struct vpr_supply {
    struct vpr_coin total, genesis, minted, burned;
};
struct vpr_supply vpr_supply_get(struct vpr_ctx *ctx);
/* Halts unless all accounts together hold the total supply; once a block. */
void vpr_supply_assert(struct vpr_ctx *ctx);

extern const struct vpr_domain vpr_accounts;

#endif
