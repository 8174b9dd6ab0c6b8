/* worth.c - what a claim may earn, and what it costs: fees of its entries in Commit and Prove.
 *
 * What the two messages cost without it, sampled leaves included, is not part of that: they go
 * with the first claim. */
#include "app/rules/split.h"
#include "app/tx/gas.h"
#include "relay/past.h"

/* In a message's list: a byte of tag, its length, the bytes. */
static uint64_t packed(const ProtobufCMessage *item)
{
    const uint64_t bytes = protobuf_c_message_get_packed_size(item);
    uint64_t all = 1 + 1 + bytes;

    for (uint64_t rest = bytes >> 7; rest > 0; rest >>= 7) {
        all++;
    }
    return all;
}

static uint64_t gas_of(struct past *past, const struct entry *entry)
{
    struct vpr_arena *arena = &past->commits->arena;
    const size_t mark = vpr_arena_mark(arena);
    const Viper__V1__CommitEntry *commit = commit_entry(arena, entry->claim);
    const Viper__V1__ProveEntry *prove = prove_entry(arena, entry);
    const uint64_t gas = VPR_GAS_COMMIT_ENTRY +
                         VPR_GAS_BYTE * (packed(&commit->base) + packed(&prove->base)) +
                         VPR_GAS_SIGNATURE * (prove->n_tokens + prove->n_tails);

    vpr_arena_release(arena, mark);
    return gas;
}

/* At the running session's price: that of Commit, and for all we know of Prove. */
static uint64_t fees_of(struct past *past, const struct entry *entry,
                        const Viper__V1__Params *params)
{
    const struct vpr_follow *follow = past->commits->config.follow;
    const struct vpr_followed *running =
        vpr_follow_session(follow, vpr_follow_tip(follow)->session);
    const uint64_t price =
        running == NULL ? params->min_gas_price : running->params.min_gas_price;

    return vpr_mul_div_ceil(VPR_SUBMIT_GAS(gas_of(past, entry)), price, 1000);
}

static uint64_t part_of(const struct entry *entry, const Viper__V1__Params *params)
{
    const uint64_t part = vpr_mul_div_floor(entry->gross, params->split_servicer, VPR_PPM);

    return vpr_mul_div_floor(part, entry->score_ppm, VPR_PPM);
}

void past_price(struct past *past, struct entry *entry)
{
    const struct vpr_followed *session =
        vpr_follow_session(past->commits->config.follow, past->session);
    const uint64_t sum = entry->claim->sum;
    const uint64_t cu = sum < entry->quota ? sum : entry->quota;
    const uint32_t chain = entry->claim->sid->info.chain;

    if (session == NULL ||
        !vpr_gross(&entry->gross, cu, entry->budget, entry->allowance, entry->chain_ppm,
                   entry->zone_ppm) ||
        entry->gross < session->params.claim_min) {
        entry->worth = WORTH_TOO_SMALL;
        past_lost(past, "%" PRIu64 " CU of chain %04x are worth %" PRIu64
                  " uvipr, below claim_min", sum, chain, entry->gross);
        return;
    }
    const uint64_t part = part_of(entry, &session->params);
    const uint64_t fees = fees_of(past, entry, &session->params);
    entry->worth = WORTH_IT;
    if (part < fees && !past->commits->config.at_a_loss) {
        entry->worth = WORTH_A_LOSS;
        past_lost(past, "%" PRIu64 " CU of chain %04x may earn %" PRIu64 " uvipr, its fees are %"
                  PRIu64, sum, chain, part, fees);
    }
}
