/* prove.c - MsgProve: tails of the entries and the leaves that the challenge picks. */
#include "app/rules/draw.h"
#include "relay/past.h"

uint64_t past_samples_wanted(const struct past *past)
{
    const struct vpr_followed *session =
        vpr_follow_session(past->commits->config.follow, past->session);
    const uint64_t wanted = session == NULL ? 0 : session->params.proof_samples;

    return wanted > VPR_PROOF_SAMPLES_MAX ? VPR_PROOF_SAMPLES_MAX : wanted;
}

static bool samples_missing(const struct past *past)
{
    const uint64_t all = (UINT64_C(1) << past_samples_wanted(past)) - 1;

    return (past->samples_bits & all) != all;
}

/* Samples come with the first message; tails in portions that a block takes easily. */
void prove_plan(struct past *past)
{
    const struct vpr_lane *tails[VPR_SID_TAILS_MAX];
    struct range range = {0, 0, samples_missing(past)};
    uint32_t tail_count = 0;

    past->picked_count = 0;
    past->range_count = 0;
    for (size_t i = 0; i < past->entry_count; i++) {
        const struct entry *entry = &past->entries[i];
        if (!entry->present || entry->tails_proved) {
            continue;
        }
        const uint32_t more = vpr_sid_tails(entry->claim->sid, tails);
        if (range.count > 0 && tail_count + more > VPR_PROVE_TAILS_A_MESSAGE) {
            past_add_range(past, range);
            range = (struct range){past->picked_count, 0, false};
            tail_count = 0;
        }
        past->picked[past->picked_count] = i;
        past->picked_count++;
        range.count++;
        tail_count += more;
    }
    if (range.count > 0 || range.samples) {
        past_add_range(past, range);
    }
}

static Viper__V1__SignedToken *signed_token(struct vpr_arena *arena, const struct vpr_lane *lane)
{
    Viper__V1__SignedToken *token = VPR_ARENA_NEW(arena, Viper__V1__SignedToken);

    viper__v1__signed_token__init(token);
    token->token.data = vpr_arena_alloc(arena, VPR_TOKEN_BYTES);
    token->token.len = VPR_TOKEN_BYTES;
    vpr_token_encode(token->token.data, &lane->token);
    token->gateway_key = lane->gateway_key;
    return token;
}

static ProtobufCBinaryData hash_field(struct vpr_arena *arena, const struct vpr_hash *hash)
{
    return (ProtobufCBinaryData){sizeof hash->b,
                                 vpr_arena_copy(arena, hash->b, sizeof hash->b)};
}

Viper__V1__ProveEntry *prove_entry(struct vpr_arena *arena, const struct entry *entry)
{
    const struct vpr_lane *tails[VPR_SID_TAILS_MAX];
    const uint32_t count = vpr_sid_tails(entry->claim->sid, tails);
    Viper__V1__ProveEntry *e = VPR_ARENA_NEW(arena, Viper__V1__ProveEntry);

    viper__v1__prove_entry__init(e);
    e->sid = hash_field(arena, &entry->claim->sid->info.sid);
    e->n_tokens = count;
    e->tokens = VPR_ARENA_ARRAY(arena, Viper__V1__SignedToken *, count);
    e->n_tails = count;
    e->tails = VPR_ARENA_ARRAY(arena, ProtobufCBinaryData, count);
    for (uint32_t i = 0; i < count; i++) {
        e->tokens[i] = signed_token(arena, tails[i]);
        e->tails[i].data = vpr_arena_alloc(arena, VPR_SIGNED_REQUEST_BYTES);
        e->tails[i].len = VPR_SIGNED_REQUEST_BYTES;
        vpr_signed_request_encode(e->tails[i].data, &tails[i]->tail);
    }
    return e;
}

static Viper__V1__ProveSample *prove_sample(struct past *past, const struct entry *entry,
                                            uint32_t position, uint64_t cu)
{
    struct vpr_arena *arena = &past->commits->arena;
    Viper__V1__ProveSample *s = VPR_ARENA_NEW(arena, Viper__V1__ProveSample);
    struct vpr_sumbranch branch;
    struct vpr_leaf leaf;
    struct vpr_err err;

    if (vpr_claims_open(past->claims, entry->claim, cu, &leaf, &branch, &err) != VPR_OK) {
        past_lost(past, "%s", err.text);
        return NULL;
    }
    const struct vpr_lane *lane =
        vpr_sid_lane(entry->claim->sid, &leaf.request.part.client_key);
    VPR_ASSERT(lane != NULL);
    viper__v1__prove_sample__init(s);
    s->position = position;
    s->sid = hash_field(arena, &entry->claim->sid->info.sid);
    s->leaf.data = vpr_arena_alloc(arena, VPR_LEAF_BYTES);
    s->leaf.len = VPR_LEAF_BYTES;
    vpr_leaf_encode(s->leaf.data, &leaf);
    s->token = signed_token(arena, lane);
    s->index = branch.index;
    s->n_siblings = branch.depth;
    s->siblings = VPR_ARENA_ARRAY(arena, Viper__V1__Sibling *, branch.depth);
    for (uint32_t i = 0; i < branch.depth; i++) {
        s->siblings[i] = VPR_ARENA_NEW(arena, Viper__V1__Sibling);
        viper__v1__sibling__init(s->siblings[i]);
        s->siblings[i]->hash = hash_field(arena, &branch.siblings[i].hash);
        s->siblings[i]->sum = branch.siblings[i].sum;
    }
    return s;
}

/* Positions are drawn over every entry that is on the chain, in sid order. */
static bool add_samples(struct past *past, Viper__V1__MsgProve *m)
{
    struct vpr_arena *arena = &past->commits->arena;
    const uint64_t wanted = past_samples_wanted(past);
    struct vpr_claim *claims = VPR_ARENA_ARRAY(arena, struct vpr_claim, past->entry_count + 1);
    size_t *at = VPR_ARENA_ARRAY(arena, size_t, past->entry_count + 1);
    size_t count = 0;

    for (size_t i = 0; i < past->entry_count; i++) {
        if (past->entries[i].present) {
            claims[count] =
                (struct vpr_claim){past->entries[i].gross, past->entries[i].claim->sum};
            at[count] = i;
            count++;
        }
    }
    m->samples = VPR_ARENA_ARRAY(arena, Viper__V1__ProveSample *, wanted + 1);
    for (uint32_t i = 0; i < wanted; i++) {
        size_t entry = 0;
        uint64_t cu = 0;
        if ((past->samples_bits >> i & 1) != 0) {
            continue;
        }
        if (!vpr_prove_position(&entry, &cu, &past->challenge, &past->commits->config.servicer,
                                i, claims, count)) {
            past_lost(past, "the committed entries are worth nothing");
            return false;
        }
        m->samples[m->n_samples] = prove_sample(past, &past->entries[at[entry]], i, cu);
        if (m->samples[m->n_samples] == NULL) {
            return false;
        }
        m->n_samples++;
    }
    return true;
}

const ProtobufCMessage *prove_message(struct past *past, const struct range *range)
{
    struct vpr_arena *arena = &past->commits->arena;
    Viper__V1__MsgProve *m = VPR_ARENA_NEW(arena, Viper__V1__MsgProve);

    viper__v1__msg_prove__init(m);
    m->operator_ = past->commits->operator_text;
    m->session = past->session;
    m->n_entries = range->count;
    m->entries = VPR_ARENA_ARRAY(arena, Viper__V1__ProveEntry *, range->count + 1);
    for (size_t i = 0; i < range->count; i++) {
        m->entries[i] = prove_entry(arena, &past->entries[past->picked[range->first + i]]);
    }
    if (range->samples && !add_samples(past, m)) {
        return NULL;
    }
    return &m->base;
}
