/* dossier.h - all that the chain said of one sid, gathered from its events and transactions.
 *
 * Read through a node's search (/cosmos/tx/v1beta1/txs), since the records are deleted when a
 * session is settled.  Amounts in uvipr, ratios in ppm; texts live in cli->arena. */
#ifndef VPR_CLI_DOSSIER_H
#define VPR_CLI_DOSSIER_H

#include "app/cli/sums.h"
#include "app/rules/score.h"
#include "app/rules/split.h"

#define VPR_DOSSIER_SEATS_MAX 24
#define VPR_DOSSIER_SIDS_MAX 1024

/* A servicer's line on one fisherman's revealed card. */
struct vpr_dossier_line {
    bool there;
    struct vpr_card_line line;
};

struct vpr_dossier_servicer {
    const char *id, *owner, *verdict;
    bool verified; /* else it did not commit; its lines are there for the others' sake */
    uint64_t height, sum, tails_cu, settled_cu, quota_cu, score, gross, reward, minted;
    bool has_split;
    uint64_t owner_reward, delegators; /* reward in two */
    uint64_t fishermen, validator, validator_owner_reward, validator_delegators, chain_part, dao;
    const char *validator_id, *validator_owner, *partner;
    struct vpr_sums_share share, validator_share;
};

struct vpr_dossier_fisherman {
    const char *id;
    uint64_t factor; /* as the chain said */
    bool paid;       /* some reward event was there */
};

struct vpr_dossier {
    const char *sid, *requestor, *chain, *zone;
    uint64_t session, allowance, budget, share_ppm, servicers_drawn, fishermen_drawn;
    uint64_t chain_multiplier, zone_multiplier;
    struct vpr_split_rule split;
    struct vpr_score_rule rule;
    uint64_t card_tolerance;
    /* of the requestor in that session: uvipr, micro-USD; the rest as in rules/split.h */
    uint64_t blocks, stake, usd, requestor_yield, cu_per_usd, cu_price_min;
    size_t servicer_count, fisherman_count; /* those seen */
    struct vpr_dossier_servicer servicers[VPR_DOSSIER_SEATS_MAX];
    struct vpr_dossier_fisherman fishermen[VPR_DOSSIER_SEATS_MAX];
    struct vpr_dossier_line lines[VPR_DOSSIER_SEATS_MAX][VPR_DOSSIER_SEATS_MAX]; /* f, s */
    uint64_t paid[VPR_DOSSIER_SEATS_MAX][VPR_DOSSIER_SEATS_MAX]; /* to f for s, as said */
    const char *paid_to[VPR_DOSSIER_SEATS_MAX];                  /* the fisherman's owner */
};

/* NOT_FOUND with a sentence unless the sid was settled. */
int vpr_cli_dossier(struct vpr_cli *cli, const char *node, const char *sid,
                    struct vpr_dossier *ret);

/* The chain's formulas over a dossier. */
bool vpr_dossier_full_use(const struct vpr_dossier_servicer *servicer);
struct vpr_dossier_score {
    bool has_median;
    uint32_t median, counting, quorum;
    bool counts[VPR_DOSSIER_SEATS_MAX];
    uint32_t ppm[VPR_DOSSIER_SEATS_MAX]; /* by fisherman */
};
void vpr_dossier_score(const struct vpr_dossier *d, size_t servicer,
                       struct vpr_dossier_score *ret);
struct vpr_dossier_factor {
    struct vpr_card_distance distance;
    uint32_t factor;
};
struct vpr_dossier_factor vpr_dossier_factor(const struct vpr_dossier *d, size_t fisherman);

#endif
