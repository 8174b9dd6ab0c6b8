/* What holds of seals and revealed cards (reportcards.h). */
#include "app/domain/reportcards.h"

#include "app/base/bytes.h"
#include "app/domain/actors.h"
#include "app/domain/commits.h"
#include "app/domain/field.h"
#include "app/rules/card.h"

static struct vpr_key_buf key_of(enum vpr_key_first first, uint64_t session)
{
    struct vpr_key_buf k = vpr_key(first);
    vpr_key_u64(&k, session);
    return k;
}

static uint64_t count_keys(struct vpr_ctx *ctx, const struct vpr_key_buf *prefix)
{
    struct vpr_bytes from = vpr_key_bytes(prefix), key, value;
    size_t mark = vpr_arena_mark(ctx->arena);
    uint64_t count = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_REPORTCARDS, vpr_key_bytes(prefix),
                          from, &key, &value)) {
        count++;
        from = vpr_state_after(ctx->arena, key);
    }
    vpr_arena_release(ctx->arena, mark);
    return count;
}

static bool get(struct vpr_ctx *ctx, const struct vpr_key_buf *k, struct vpr_bytes *ret)
{
    return vpr_state_get(ctx->state, ctx->arena, VPR_STORE_REPORTCARDS, vpr_key_bytes(k), ret);
}

/* What the walk over a session's sids has met. */
struct met {
    uint64_t seals, cards;
};

/* While report cards can be replaced the mark of presence lists what was sealed. */
static bool listed(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                   const struct vpr_address *fisherman)
{
    struct vpr_key_buf k = key_of(VPR_KEY_PRESENT, bench->session);
    struct vpr_bytes value;
    vpr_key_address(&k, fisherman);
    if (bench->session + 1 < vpr_session_number(ctx)) {
        return true; /* the marks are gone */
    }
    if (!get(ctx, &k, &value)) {
        return false;
    }
    for (size_t at = 1; at + sizeof bench->sid.b <= value.len; at += sizeof bench->sid.b) {
        if (memcmp(value.data + at, bench->sid.b, sizeof bench->sid.b) == 0) {
            return true;
        }
    }
    return false;
}

/* One line a drawn servicer, in their order, with numbers that can be. */
static bool lines_fit(const struct vpr_bench *bench, const Viper__V1__CardRecord *card)
{
    if (card->n_lines != bench->servicer_count) {
        return false;
    }
    for (uint32_t i = 0; i < bench->servicer_count; i++) {
        const Viper__V1__LineRecord *from = card->lines[i];
        const struct vpr_card_line line = {
            .servicer = vpr_address_of_field(from->servicer),
            .sent = from->sent,
            .refused = from->refused,
            .answered = from->answered,
            .checked = from->checked,
            .correct = from->correct,
            .p90_ms = from->p90_ms,
        };
        if (!vpr_address_equal(&line.servicer, &bench->servicers[i].id) ||
            !vpr_card_line_ok(&line)) {
            return false;
        }
    }
    return true;
}

/* Whoever is drawn may have sealed, and only who sealed may have revealed. */
static enum vpr_code check_sid(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                               struct met *met)
{
    for (uint32_t f = 0; f < bench->fisherman_count; f++) {
        const struct vpr_address *id = &bench->fishermen[f].id;
        struct vpr_key_buf k = key_of(VPR_KEY_SEAL, bench->session);
        struct vpr_bytes value;
        vpr_key_hash(&k, &bench->sid);
        vpr_key_address(&k, id);
        bool sealed = get(ctx, &k, &value);
        const Viper__V1__CardRecord *card =
            vpr_card_get(ctx, bench->session, &bench->sid, id);
        if ((sealed && !listed(ctx, bench, id)) ||
            (card != NULL && (!sealed || !lines_fit(bench, card)))) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "fisherman %s has a card of session %" PRIu64
                            " that is not sealed, not listed or has other lines",
                            vpr_text_of_address(ctx->arena, id), bench->session);
        }
        met->seals += sealed;
        met->cards += card != NULL;
    }
    return VPR_OK;
}

/* A sid does not say whose it is: all pairs are asked for theirs. */
static enum vpr_code check_requestor(struct vpr_ctx *ctx, const struct vpr_session *session,
                                     const struct vpr_address *id, struct met *met)
{
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, id, session->number);
    for (size_t i = 0; terms != NULL && i < terms->n_pairs; i++) {
        uint16_t chain = (uint16_t)terms->pairs[i]->chain;
        uint16_t zone = (uint16_t)terms->pairs[i]->zone;
        struct vpr_hash sid =
            vpr_sid(vpr_bytes_str(ctx->chain_id), session->number, id, chain, zone);
        struct vpr_key_buf seals = key_of(VPR_KEY_SEAL, session->number);
        struct vpr_bench bench;
        vpr_key_hash(&seals, &sid);
        if (count_keys(ctx, &seals) == 0) {
            continue; /* a card without a seal is missed in the sum */
        }
        if (!vpr_bench_stored(ctx, session->number, &sid, &bench)) {
            VPR_TRY(vpr_bench_draw(ctx, &bench, session, id, chain, zone));
        }
        VPR_TRY(check_sid(ctx, &bench, met));
    }
    return VPR_OK;
}

static enum vpr_code check_session(struct vpr_ctx *ctx, uint64_t number, struct met *met)
{
    struct vpr_key_buf seals = key_of(VPR_KEY_SEAL, number);
    struct vpr_session session;
    struct vpr_address id;
    const struct vpr_address *after = NULL;
    const Viper__V1__Actor *actor;
    if (count_keys(ctx, &seals) == 0 || !vpr_session_get(ctx, number, &session)) {
        return VPR_OK;
    }
    while (vpr_actor_next(ctx, after, &id, &actor)) {
        after = &id;
        size_t mark = vpr_arena_mark(ctx->arena);
        if (actor->kind == VIPER__V1__KIND__KIND_REQUESTOR) {
            VPR_TRY(check_requestor(ctx, &session, &id, met));
        }
        vpr_arena_release(ctx->arena, mark);
    }
    return VPR_OK;
}

enum vpr_code vpr_cards_invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf seals = vpr_key(VPR_KEY_SEAL), cards = vpr_key(VPR_KEY_CARD);
    uint64_t running = vpr_session_number(ctx);
    struct met met = {0, 0};
    for (uint64_t s = vpr_session_oldest_unsettled(ctx); s <= running; s++) {
        VPR_TRY(check_session(ctx, s, &met));
    }
    uint64_t stored_seals = count_keys(ctx, &seals), stored_cards = count_keys(ctx, &cards);
    if (met.seals != stored_seals || met.cards != stored_cards) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " seals and %" PRIu64 " cards, of which %" PRIu64
                        " and %" PRIu64 " are of fishermen drawn for their sid",
                        stored_seals, stored_cards, met.seals, met.cards);
    }
    return VPR_OK;
}
