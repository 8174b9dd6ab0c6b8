#include "tests/driver/adversaries/worlds.h"

#define VALIDATORS 7 /* has no divisor in common with the blocks of a session */
#define VALIDATOR_VIPR 2000000

static char *owner_text(struct vpr_arena *arena, const char *kind, size_t number)
{
    return world_text(vpr_arena_text(arena, "%s%zu.owner", kind, number));
}

/* What the cast gave an owner for its stake is less than that stake. */
static void give(Viper__V1__GenesisState *genesis, const char *address, uint64_t uvipr)
{
    for (size_t i = 0; i < genesis->n_accounts; i++) {
        if (strcmp(genesis->accounts[i]->address, address) == 0) {
            genesis->accounts[i]->balance += uvipr;
            return;
        }
    }
    VPR_HALT("an account that is not in genesis");
}

static void one_pair(Viper__V1__MsgStakeRequestor *requestor, uint32_t chain)
{
    requestor->n_pairs = 1;
    requestor->pairs[0]->chain = chain;
    requestor->pairs[0]->share_ppm = VPR_PPM;
}

/* Validators heavy enough that one more stake is a small part of all. */
static void change_open(struct vpr_arena *arena, Viper__V1__GenesisState *genesis)
{
    for (size_t i = 0; i < genesis->n_validators && i < VALIDATORS; i++) {
        genesis->validators[i]->amount = VALIDATOR_VIPR * WORLD_VIPR;
        give(genesis, owner_text(arena, "validator", i + 1), VALIDATOR_VIPR * WORLD_VIPR);
    }
    for (size_t i = 0; i < genesis->n_requestors; i++) {
        one_pair(genesis->requestors[i], i == 1 ? 2 : 1);
    }
    genesis->requestors[2]->amount = SMALL_VIPR * WORLD_VIPR;
    for (size_t i = 1; i <= RETURNS_MAX; i++) {
        cast_fund(arena, genesis, world_text(vpr_arena_text(arena, "returned%zu", i)),
                  10 * WORLD_VIPR);
    }
}

static void change_staked(struct vpr_arena *arena, Viper__V1__GenesisState *genesis)
{
    change_open(arena, genesis);
    genesis->validators[0]->commission_ppm = (uint32_t)genesis->params->max_commission;
    genesis->requestors[0] = genesis->requestors[--genesis->n_requestors];
}

/* Chain 2 has three servicers and five fishermen of its own, and pays its owner's share to
 * requestor 1; all others have chain 1. */
static void change_pool(struct vpr_arena *arena, Viper__V1__GenesisState *genesis)
{
    change_open(arena, genesis);
    one_pair(genesis->requestors[0], 2);
    one_pair(genesis->requestors[1], 1);
    genesis->requestors[0]->num_servicers = 3;
    genesis->chains[1]->payout = owner_text(arena, "requestor", 1);
    for (size_t i = 0; i < genesis->n_servicers; i++) {
        genesis->servicers[i]->n_chains = 1;
        genesis->servicers[i]->chains[0] = i < 3 ? 2 : 1;
    }
    for (size_t i = 0; i < genesis->n_fishermen; i++) {
        genesis->fishermen[i]->n_chains = 1;
        genesis->fishermen[i]->chains[0] = i < 5 ? 2 : 1;
    }
}

static void change_dust(struct vpr_arena *arena, Viper__V1__GenesisState *genesis)
{
    change_open(arena, genesis);
    genesis->params->cu_per_usd *= 4;
}

const struct world world_open = {
    "open", "everybody in two pools", {VALIDATORS, 10, 8, 3}, change_open};
const struct world world_staked = {
    "staked", "requestor 1 is none", {VALIDATORS, 10, 8, 3}, change_staked};
const struct world world_pool = {
    "pool", "chain 2 belongs to requestor 1 and friends", {VALIDATORS, 10, 10, 3}, change_pool};
const struct world world_dust = {
    "dust", "a CU earns a quarter", {VALIDATORS, 10, 8, 3}, change_dust};
