/* params.h - the parameters of a session.
 *
 * There is no unversioned getter: pricing, quotas, tables and windows of the work of session
 * s are those of s, always.  One row here is one field of viper.v1.Params, same order. */
#ifndef VPR_TX_PARAMS_H
#define VPR_TX_PARAMS_H

#include "app/base/err.h"

struct vpr_ctx;

/* name, protocol default, local-genesis default, least, most, unit, slack (docs/protocol.md, 14):
 * one proposal at most doubles or halves a value, or moves it by its slack, whichever is more. */
#define VPR_PARAMS(X) \
    X(session_blocks, 720, 10, 8, 100000, "blocks", 0) \
    X(freeze_blocks, 32, 4, 1, 10000, "blocks", 1) \
    X(challenge_delay, 8, 2, 1, 1000, "blocks", 1) \
    X(grace_blocks, 6, 2, 0, 1000, "blocks", 1) \
    X(settle_per_block, 500, 500, 1, 2000, "count", 0) \
    X(max_validators, 100, 100, 1, 300, "count", 1) \
    X(min_stake_validator, 50000000000, 50000000000, 1000000, 1000000000000000, "uvipr", 0) \
    X(min_stake_servicer, 15000000000, 15000000000, 1000000, 1000000000000000, "uvipr", 0) \
    X(min_stake_fisherman, 15000000000, 15000000000, 1000000, 1000000000000000, "uvipr", 0) \
    X(min_stake_requestor, 5000000000, 5000000000, 1000000, 1000000000000000, "uvipr", 0) \
    X(fishermen_per_session, 5, 5, 0, 16, "count", 1) \
    X(proof_samples, 2, 2, 1, 16, "count", 1) \
    X(card_samples, 2, 2, 1, 16, "count", 1) \
    X(min_samples, 5, 5, 1, 1000, "count", 1) \
    X(sample_share, 50000, 50000, 0, 500000, "ppm", 10000) \
    X(min_quota, 1000, 500, 1, 1000000000, "cu", 0) \
    X(claim_min, 450, 450, 0, 1000000000, "uvipr", 100) \
    X(weight_latency, 300000, 300000, 0, 1000000, "ppm", 50000) \
    X(score_initial, 300000, 300000, 0, 1000000, "ppm", 50000) \
    X(score_min, 300000, 300000, 0, 1000000, "ppm", 50000) \
    X(score_floor, 100000, 100000, 0, 1000000, "ppm", 50000) \
    X(score_alpha, 100000, 100000, 0, 1000000, "ppm", 10000) \
    X(card_tolerance, 250000, 250000, 5, 1000000, "ppm", 0) \
    X(bench_requestors, 3, 1, 1, 1000, "count", 1) \
    X(cu_per_usd, 27778, 1000000, 1, 1000000000, "cu/1000", 0) \
    X(cu_price_min, 4500, 4500, 0, 1000000000000, "uvipr", 1000) \
    X(requestor_yield, 12675, 100000000, 1, 1000000000, "ppb", 0) \
    X(validator_yield, 14260, 112500000, 1, 1000000000, "ppb", 0) \
    X(max_commission, 200000, 200000, 0, 1000000, "ppm", 10000) \
    X(split_servicer, 700000, 700000, 0, 1000000, "ppm", 10000) \
    X(split_fishermen, 100000, 100000, 0, 1000000, "ppm", 10000) \
    X(split_validator, 50000, 50000, 0, 1000000, "ppm", 10000) \
    X(split_chain, 50000, 50000, 0, 1000000, "ppm", 10000) \
    X(split_dao, 100000, 100000, 0, 1000000, "ppm", 10000) \
    X(unbonding_seconds, 1814400, 60, 1, 15768000, "s", 0) \
    X(min_gas_price, 25, 25, 0, 1000000000, "uvipr/1000", 5) \
    X(message_gas, 20000, 20000, 1000, 10000000, "gas", 0) \
    X(quality_slash, 1000, 1000, 0, 100000, "ppm", 1000) \
    X(double_sign_slash, 50000, 50000, 0, 1000000, "ppm", 10000) \
    X(downtime_slash, 100, 100, 0, 100000, "ppm", 100) \
    X(downtime_window, 1000, 1000, 10, 100000, "blocks", 0) \
    X(downtime_min_signed, 500000, 500000, 0, 1000000, "ppm", 50000) \
    X(jail_seconds, 600, 30, 1, 2592000, "s", 60) \
    X(gov_deposit, 1000000000, 1000000000, 1, 1000000000000000, "uvipr", 0) \
    X(voting_seconds, 604800, 60, 10, 5184000, "s", 0) \
    X(gov_quorum, 334000, 334000, 0, 1000000, "ppm", 10000) \
    X(gov_threshold, 500000, 500000, 0, 1000000, "ppm", 10000) \
    X(gov_veto, 334000, 334000, 0, 1000000, "ppm", 10000) \
    X(chain_fee, 10000000000, 10000000000, 0, 1000000000000000, "uvipr", 1000000000)

enum vpr_param {
#define X(name, main, local, least, most, unit, slack) VPR_P_##name,
    VPR_PARAMS(X)
#undef X
        VPR_PARAM_COUNT
};

struct vpr_params {
    uint64_t v[VPR_PARAM_COUNT];
};

/* The value in force for the work of `session`. */
uint64_t vpr_param(struct vpr_ctx *ctx, enum vpr_param param, uint64_t session);
void vpr_params_get(struct vpr_ctx *ctx, struct vpr_params *ret, uint64_t session);

/* Counts from `session`; checked before. */
void vpr_params_put(struct vpr_ctx *ctx, const struct vpr_params *params, uint64_t session);

/* What is fixed about one of them. */
struct vpr_param_rule {
    const char *name, *unit;
    uint64_t least, most, slack;
};
const struct vpr_param_rule *vpr_param_rule(enum vpr_param param);
VPR_MUST_USE bool vpr_param_by_name(enum vpr_param *ret, const char *name);
/* What one proposal may make of `value`: *ret_least to *ret_most, within its range. */
void vpr_param_reach(enum vpr_param param, uint64_t value, uint64_t *ret_least,
                     uint64_t *ret_most);
/* STEP_TOO_LARGE beyond that; BAD_FIELD beyond its range. */
VPR_MUST_USE enum vpr_code vpr_param_step(enum vpr_param param, uint64_t from, uint64_t to,
                                          struct vpr_err *err);

/* Ranges, sum of the split, windows (grace and delay <= session_blocks / 4), events of a
 * settlement, and
 * requestor_yield x (10^6 - dao) <= validator_yield x (10^6 - max_commission). */
VPR_MUST_USE enum vpr_code vpr_params_check(const struct vpr_params *params,
                                            struct vpr_err *err);

#endif
