#include "app/cli/sums.h"

#include "app/rules/split.h"

void vpr_sums_hold(struct vpr_sums *sums, const char *what, uint64_t mine, uint64_t chain)
{
    if (mine != chain) {
        vpr_buf_printf(&sums->cli->out,
                       "  DIFFERS: the chain said %s %" PRIu64 ", this is %" PRIu64 "\n", what,
                       chain, mine);
        sums->differing++;
    }
}

struct vpr_sums_share vpr_sums_share_of(const struct vpr_found *found)
{
    return (struct vpr_sums_share){true, vpr_found_u64(found, "stake_uvipr"),
                                   vpr_found_u64(found, "delegated_uvipr"),
                                   vpr_found_u64(found, "commission_ppm"),
                                   vpr_found_u64(found, "delegators")};
}

static bool is_possible(const struct vpr_sums_share *share)
{
    return share->stake < VPR_SUPPLY_MAX && share->delegated < VPR_SUPPLY_MAX &&
           share->commission_ppm <= VPR_PPM;
}

void vpr_sums_say_share(struct vpr_sums *sums, uint64_t part, uint64_t delegators,
                        const struct vpr_sums_share *share)
{
    struct vpr_reward reward = {part, 0};
    if (share->there && is_possible(share)) {
        reward = vpr_reward(part, share->stake, share->delegated,
                            (uint32_t)share->commission_ppm);
    }
    if (share->there && share->delegated > 0) {
        vpr_buf_printf(&sums->cli->out,
                       "  delegators: floor(%" PRIu64 " x delegated %" PRIu64 " / (own %" PRIu64
                       " + delegated)) less floor(of it x commission %" PRIu64
                       " / 10^6) = %" PRIu64 " uvipr, owner the rest = %" PRIu64 "\n",
                       part, share->delegated, share->stake, share->commission_ppm,
                       reward.delegators, reward.owner);
    }
    vpr_sums_hold(sums, "delegators' share", reward.delegators, delegators);
}
