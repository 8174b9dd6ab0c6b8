#include "app/domain/reportcards.h"

#include "app/base/sort.h"
#include "app/domain/actors.h"
#include "app/domain/commits.h"
#include "app/domain/evidence.h"
#include "app/domain/field.h"
#include "app/rules/card.h"
#include "app/rules/draw.h"
#include "app/rules/sample.h"
#include "app/rules/score.h"
#include "app/tx/gas.h"
#include "viper/v1/query.pb-c.h"
#include "viper/v1/tx.pb-c.h"

/* The mark of presence begins with this byte; behind it come the sids that were sealed, so
 * that a later report card finds what it replaces. */
#define PRESENT 1

/* ---- keys and records ---- */

static struct vpr_key_buf session_key(enum vpr_key_first first, uint64_t session)
{
    struct vpr_key_buf k = vpr_key(first);
    vpr_key_u64(&k, session);
    return k;
}

/* Of a Seal or a CardRecord. */
static struct vpr_key_buf card_key(enum vpr_key_first first, uint64_t session,
                                   const struct vpr_hash *sid,
                                   const struct vpr_address *fisherman)
{
    struct vpr_key_buf k = session_key(first, session);
    vpr_key_hash(&k, sid);
    vpr_key_address(&k, fisherman);
    return k;
}

static struct vpr_key_buf present_key(uint64_t session, const struct vpr_address *fisherman)
{
    struct vpr_key_buf k = session_key(VPR_KEY_PRESENT, session);
    vpr_key_address(&k, fisherman);
    return k;
}

static bool exists(struct vpr_ctx *ctx, const struct vpr_key_buf *k)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_bytes value;
    bool found =
        vpr_state_get(ctx->state, ctx->arena, VPR_STORE_REPORTCARDS, vpr_key_bytes(k), &value);
    vpr_arena_release(ctx->arena, mark);
    return found;
}

static void delete_if(struct vpr_ctx *ctx, const struct vpr_key_buf *k)
{
    if (exists(ctx, k)) {
        vpr_state_del(ctx->state, VPR_STORE_REPORTCARDS, vpr_key_bytes(k));
    }
}

static const Viper__V1__Seal *seal_get(struct vpr_ctx *ctx, uint64_t session,
                                       const struct vpr_hash *sid,
                                       const struct vpr_address *fisherman)
{
    struct vpr_key_buf k = card_key(VPR_KEY_SEAL, session, sid, fisherman);
    return (const Viper__V1__Seal *)vpr_record_get(
        ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k), &viper__v1__seal__descriptor);
}

const Viper__V1__CardRecord *vpr_card_get(struct vpr_ctx *ctx, uint64_t session,
                                          const struct vpr_hash *sid,
                                          const struct vpr_address *fisherman)
{
    struct vpr_key_buf k = card_key(VPR_KEY_CARD, session, sid, fisherman);
    return (const Viper__V1__CardRecord *)vpr_record_get(
        ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k), &viper__v1__card_record__descriptor);
}

void vpr_cards_delete(struct vpr_ctx *ctx, const struct vpr_bench *bench)
{
    for (uint32_t i = 0; i < bench->fisherman_count; i++) {
        const struct vpr_address *id = &bench->fishermen[i].id;
        struct vpr_key_buf k = card_key(VPR_KEY_SEAL, bench->session, &bench->sid, id);
        delete_if(ctx, &k);
        k = card_key(VPR_KEY_CARD, bench->session, &bench->sid, id);
        delete_if(ctx, &k);
    }
}

static uint64_t
delete_prefix(struct vpr_ctx *ctx, enum vpr_key_first first, uint64_t session, uint64_t limit)
{
    struct vpr_key_buf prefix = session_key(first, session);
    struct vpr_key_buf from = prefix;
    uint64_t deleted = 0;

    while (deleted < limit) {
        size_t mark = vpr_arena_mark(ctx->arena);
        struct vpr_bytes key, value;
        if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_REPORTCARDS,
                            vpr_key_bytes(&prefix), vpr_key_bytes(&from), &key, &value)) {
            break;
        }
        /* The walk goes on behind: what is deleted need not be passed again. */
        VPR_ASSERT(key.len <= sizeof from.b);
        memcpy(from.b, key.data, key.len);
        from.len = key.len;
        vpr_arena_release(ctx->arena, mark);
        vpr_state_del(ctx->state, VPR_STORE_REPORTCARDS, vpr_key_bytes(&from));
        deleted++;
    }
    return deleted;
}

uint64_t vpr_cards_sweep(struct vpr_ctx *ctx, uint64_t session, uint64_t limit)
{
    return delete_prefix(ctx, VPR_KEY_SEAL, session, limit);
}

/* ---- MsgReportCard ---- */

static void load_report(const ProtobufCMessage *message, struct vpr_load *load)
{
    const Viper__V1__MsgReportCard *m = (const Viper__V1__MsgReportCard *)message;
    load->gas += m->n_entries * VPR_GAS_SEAL_ENTRY;
}

static enum vpr_code check_report(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgReportCard *m = (const Viper__V1__MsgReportCard *)message;
    struct vpr_address address;
    struct vpr_hash seal;

    VPR_TRY(vpr_field_address(&address, m->operator_, "operator", err));
    if (m->n_entries > VPR_SEALS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a report card has at most %d entries, not %zu",
                        VPR_SEALS_MAX, m->n_entries);
    }
    for (size_t i = 0; i < m->n_entries; i++) {
        const Viper__V1__SealEntry *e = m->entries[i];
        VPR_TRY(vpr_field_address(&address, e->requestor, "requestor", err));
        VPR_TRY(vpr_field_hash(&seal, e->seal, "seal", err));
        if (e->chain > UINT16_MAX || e->zone > UINT16_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD, "entry %zu: chain or zone above ffff", i);
        }
    }
    return VPR_OK;
}

/* What an earlier report card of the same fisherman sealed is as if never said. */
static void
forget_seals(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *fisherman)
{
    struct vpr_key_buf k = present_key(session, fisherman);
    struct vpr_bytes value;

    if (!vpr_state_get(ctx->state, ctx->arena, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k),
                       &value)) {
        return;
    }
    struct vpr_hash sid;
    VPR_ASSERT(value.len >= 1 && (value.len - 1) % sizeof sid.b == 0);
    for (size_t at = 1; at < value.len; at += sizeof sid.b) {
        memcpy(sid.b, value.data + at, sizeof sid.b);
        k = card_key(VPR_KEY_SEAL, session, &sid, fisherman);
        vpr_state_del(ctx->state, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k));
    }
}

static enum vpr_code seal_entry(struct vpr_ctx *ctx, const struct vpr_session *session,
                                const struct vpr_address *fisherman,
                                const Viper__V1__SealEntry *e, const struct vpr_hash *sid)
{
    struct vpr_bench bench;
    struct vpr_address requestor;

    VPR_TRY(vpr_field_address(&requestor, e->requestor, "requestor", ctx->err));
    if (!vpr_bench_stored(ctx, session->number, sid, &bench)) {
        VPR_TRY(vpr_bench_draw(ctx, &bench, session, &requestor, (uint16_t)e->chain,
                               (uint16_t)e->zone));
    }
    if (!vpr_bench_has_fisherman(&bench, fisherman)) {
        return vpr_fail(
            ctx->err, VPR_NOT_DRAWN,
            "fisherman is not drawn for %s, chain %04x, zone %04x in session %" PRIu64,
            e->requestor, bench.chain, bench.zone, session->number);
    }
    Viper__V1__Seal seal = VIPER__V1__SEAL__INIT;
    seal.seal = e->seal;
    struct vpr_key_buf k = card_key(VPR_KEY_SEAL, session->number, sid, fisherman);
    vpr_record_put(ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k), &seal.base);

    char text[VPR_ID16_TEXT_MAX];
    vpr_event(ctx, "seal");
    vpr_event_u64(ctx, "session", session->number);
    vpr_event_hex(ctx, "sid", sid->b, sizeof sid->b);
    vpr_event_address(ctx, "fisherman", fisherman);
    vpr_event_address(ctx, "requestor", &requestor);
    vpr_id16_text(text, bench.chain);
    vpr_event_text(ctx, "chain", text);
    vpr_id16_text(text, bench.zone);
    vpr_event_text(ctx, "zone", text);
    vpr_event_hex(ctx, "seal", e->seal.data, e->seal.len);
    return VPR_OK;
}

static void mark_present(struct vpr_ctx *ctx, uint64_t session,
                         const struct vpr_address *fisherman, const struct vpr_hash *sids,
                         size_t count)
{
    size_t len = 1 + count * sizeof sids[0].b;
    uint8_t *value = vpr_arena_alloc(ctx->arena, len);

    value[0] = PRESENT;
    for (size_t i = 0; i < count; i++) {
        memcpy(value + 1 + i * sizeof sids[0].b, sids[i].b, sizeof sids[0].b);
    }
    struct vpr_key_buf k = present_key(session, fisherman);
    vpr_state_put(ctx->state, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k),
                  vpr_bytes_of(value, len));
}

static enum vpr_code apply_report(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgReportCard *m = (const Viper__V1__MsgReportCard *)message;
    struct vpr_address fisherman;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_FISHERMAN, &fisherman));
    VPR_TRY(vpr_window_commit(ctx, &session, m->session));

    struct vpr_hash *sids = VPR_ARENA_ARRAY(ctx->arena, struct vpr_hash, m->n_entries);
    for (size_t i = 0; i < m->n_entries; i++) {
        const Viper__V1__SealEntry *e = m->entries[i];
        struct vpr_address requestor;
        VPR_TRY(vpr_field_address(&requestor, e->requestor, "requestor", ctx->err));
        sids[i] = vpr_sid(vpr_bytes_str(ctx->chain_id), m->session, &requestor,
                          (uint16_t)e->chain, (uint16_t)e->zone);
    }
    size_t twice;
    if (!vpr_evidence_distinct(ctx->arena, sids, m->n_entries, &twice)) {
        return vpr_fail(ctx->err, VPR_DUPLICATE, "entry %zu: its sid occurs twice", twice);
    }
    forget_seals(ctx, m->session, &fisherman);
    for (size_t i = 0; i < m->n_entries; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        VPR_TRY(seal_entry(ctx, &session, &fisherman, m->entries[i], &sids[i]));
        vpr_ctx_release(ctx, mark);
    }
    mark_present(ctx, m->session, &fisherman, sids, m->n_entries);

    vpr_event(ctx, "report_card");
    vpr_event_u64(ctx, "session", m->session);
    vpr_event_address(ctx, "fisherman", &fisherman);
    vpr_event_u64(ctx, "entries", m->n_entries);
    return VPR_OK;
}

/* ---- MsgReveal ---- */

static void load_reveal(const ProtobufCMessage *message, struct vpr_load *load)
{
    const Viper__V1__MsgReveal *m = (const Viper__V1__MsgReveal *)message;

    for (size_t i = 0; i < m->n_cards; i++) {
        /* Token, request, receipt or refusal. */
        load->signatures += 3 * (uint64_t)m->cards[i]->n_opened;
    }
}

static enum vpr_code
check_revealed(const Viper__V1__RevealedCard *c, size_t i, struct vpr_err *err)
{
    struct vpr_hash hash;

    VPR_TRY(vpr_field_hash(&hash, c->sid, "sid", err));
    VPR_TRY(vpr_field_hash(&hash, c->salt, "salt", err));
    VPR_TRY(vpr_field_hash(&hash, c->samples_root, "samples_root", err));
    if (c->n_lines < 1 || c->n_lines > VPR_CARD_LINES_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "card %zu has %zu lines instead of 1 to %d", i,
                        c->n_lines, VPR_CARD_LINES_MAX);
    }
    if (c->n_opened > VPR_CARD_SAMPLES_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "card %zu opens %zu samples instead of at most %d",
                        i, c->n_opened, VPR_CARD_SAMPLES_MAX);
    }
    struct vpr_address servicer;
    for (size_t j = 0; j < c->n_lines; j++) {
        VPR_TRY(vpr_field_address(&servicer, c->lines[j]->servicer, "servicer", err));
    }
    return VPR_OK;
}

static enum vpr_code check_reveal(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgReveal *m = (const Viper__V1__MsgReveal *)message;
    struct vpr_address address;

    VPR_TRY(vpr_field_address(&address, m->operator_, "operator", err));
    if (m->n_cards < 1 || m->n_cards > VPR_REVEALED_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a message reveals 1 to %d cards, not %zu",
                        VPR_REVEALED_MAX, m->n_cards);
    }
    for (size_t i = 0; i < m->n_cards; i++) {
        VPR_TRY(check_revealed(m->cards[i], i, err));
    }
    return VPR_OK;
}

/* Everything about one card of a Reveal in hand. */
struct reveal {
    const struct vpr_session *session;
    struct vpr_address fisherman;
    struct vpr_hash sid;
    struct vpr_bench bench;
    struct vpr_card card;
    uint64_t sent, answered; /* sums over the lines */
};

/* The lines are exactly the drawn servicers, and their numbers can be. */
static enum vpr_code
read_card(struct vpr_ctx *ctx, struct reveal *r, const Viper__V1__RevealedCard *c)
{
    if (c->n_lines != r->bench.servicer_count) {
        return vpr_fail(ctx->err, VPR_BAD_CARD, "card has %zu lines for %" PRIu32 " servicers",
                        c->n_lines, r->bench.servicer_count);
    }
    r->card.count = r->bench.servicer_count;
    for (uint32_t i = 0; i < r->card.count; i++) {
        const Viper__V1__CardLine *from = c->lines[i];
        struct vpr_card_line *line = &r->card.lines[i];
        VPR_TRY(vpr_field_address(&line->servicer, from->servicer, "servicer", ctx->err));
        if (!vpr_address_equal(&line->servicer, &r->bench.servicers[i].id)) {
            return vpr_fail(ctx->err, VPR_BAD_CARD,
                            "line %" PRIu32 " is not of servicer %" PRIu32 " of the bench", i,
                            i);
        }
        line->sent = from->sent;
        line->refused = from->refused;
        line->answered = from->answered;
        line->checked = from->checked;
        line->correct = from->correct;
        line->p90_ms = from->p90_ms;
        if (!vpr_card_line_ok(line)) {
            return vpr_fail(
                ctx->err, VPR_BAD_CARD,
                "line %" PRIu32 ": sent %" PRIu64 ", refused %" PRIu64 ", answered %" PRIu64
                ", checked %" PRIu64 ", correct %" PRIu64 " cannot be",
                i, line->sent, line->refused, line->answered, line->checked, line->correct);
        }
    }
    VPR_TRY(vpr_field_hash(&r->card.root, c->samples_root, "samples_root", ctx->err));
    if (!vpr_card_ok(&r->card, &r->sent, &r->answered)) {
        return vpr_fail(ctx->err, VPR_BAD_CARD,
                        "the card's totals and root do not fit together");
    }
    return VPR_OK;
}

static enum vpr_code
check_seal(struct vpr_ctx *ctx, const struct reveal *r, const Viper__V1__RevealedCard *c)
{
    const Viper__V1__Seal *sealed = seal_get(ctx, r->session->number, &r->sid, &r->fisherman);
    struct vpr_hash salt, seal;

    if (sealed == NULL) {
        return vpr_fail(ctx->err, VPR_NOT_SEALED,
                        "fisherman sealed no card for this sid in session %" PRIu64,
                        r->session->number);
    }
    VPR_TRY(vpr_field_hash(&salt, c->salt, "salt", ctx->err));
    seal = vpr_card_seal(&r->card, &salt, &r->sid, &r->fisherman);
    struct vpr_hash want = vpr_hash_of_field(sealed->seal);
    if (!vpr_hash_equal(&seal, &want)) {
        return vpr_fail(ctx->err, VPR_BAD_CARD, "card and salt are not what was sealed");
    }
    return VPR_OK;
}

/* Whose sample it is, and every signature in it. */
static enum vpr_code
sample_signed(struct vpr_ctx *ctx, const struct reveal *r, const Viper__V1__OpenedSample *o,
              const struct vpr_sample *sample, const struct vpr_address *servicer)
{
    const struct vpr_request *part = &sample->request.part;
    const Viper__V1__Terms *requestor =
        vpr_terms_get(ctx, &r->bench.requestor, r->session->number);
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, servicer, r->session->number);

    if (requestor == NULL || terms == NULL || terms->relay_key.len != sizeof(struct vpr_hash)) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "requestor or servicer has no terms for session %" PRIu64,
                        r->session->number);
    }
    if (!vpr_hash_equal(&part->sid, &r->sid) || !vpr_address_equal(&part->servicer, servicer)) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "sample of position %" PRIu32 " is of another sid or servicer",
                        o->position);
    }
    VPR_TRY(vpr_evidence_token(ctx, o->token, &r->sid, &part->client_key, requestor));
    struct vpr_hash relay_key = vpr_hash_of_field(terms->relay_key);
    if (!vpr_sample_verify(sample, &relay_key)) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "sample of position %" PRIu32 ": a signature does not verify",
                        o->position);
    }
    return VPR_OK;
}

static enum vpr_code check_opened(struct vpr_ctx *ctx, const struct reveal *r,
                                  const Viper__V1__OpenedSample *o, uint64_t i)
{
    struct vpr_sample sample;
    struct vpr_sumbranch branch;

    if (o->position != i) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "opened sample %" PRIu64 " says it is position %" PRIu32, i,
                        o->position);
    }
    uint64_t at = vpr_card_position(&r->session->challenge, &r->sid, &r->fisherman, i, r->sent);
    if (o->index != at) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "position %" PRIu64 " is sample %" PRIu64 " of %" PRIu64
                        ", not %" PRIu64,
                        i, at, r->sent, o->index);
    }
    if (!vpr_sample_decode(&sample, vpr_bytes_of(o->sample.data, o->sample.len))) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE, "position %" PRIu64 ": not a sample", i);
    }
    const struct vpr_card_line *line = &r->card.lines[vpr_card_line_at(&r->card, at)];
    VPR_TRY(sample_signed(ctx, r, o, &sample, &line->servicer));

    struct vpr_sumnode root, node = vpr_sample_node(&sample);
    uint64_t before;
    if (!vpr_evidence_branch(&branch, o->index, o->siblings, o->n_siblings) ||
        !vpr_sumtree_climb(&root, &before, &node, r->sent, &branch) ||
        root.sum != r->answered || !vpr_hash_equal(&root.hash, &r->card.root)) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "branch of position %" PRIu64
                        " does not lead to the card's root and its"
                        " %" PRIu64 " answers",
                        i, r->answered);
    }
    return VPR_OK;
}

static enum vpr_code
check_samples(struct vpr_ctx *ctx, const struct reveal *r, const Viper__V1__RevealedCard *c)
{
    uint64_t wanted = r->sent == 0 ? 0 : vpr_param(ctx, VPR_P_card_samples, r->session->number);

    if (c->n_opened != wanted) {
        return vpr_fail(ctx->err, VPR_BAD_SAMPLE,
                        "a card of %" PRIu64 " samples opens %" PRIu64 " of them, not %zu",
                        r->sent, wanted, c->n_opened);
    }
    for (uint64_t i = 0; i < wanted; i++) {
        VPR_TRY(check_opened(ctx, r, c->opened[i], i));
    }
    return VPR_OK;
}

static void card_put(struct vpr_ctx *ctx, const struct reveal *r)
{
    Viper__V1__CardRecord record = VIPER__V1__CARD_RECORD__INIT;

    record.n_lines = r->card.count;
    record.lines = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__LineRecord *, r->card.count);
    for (uint32_t i = 0; i < r->card.count; i++) {
        const struct vpr_card_line *from = &r->card.lines[i];
        Viper__V1__LineRecord *line = VPR_ARENA_NEW(ctx->arena, Viper__V1__LineRecord);
        viper__v1__line_record__init(line);
        line->servicer = vpr_field_of_address(ctx->arena, &from->servicer);
        line->sent = from->sent;
        line->refused = from->refused;
        line->answered = from->answered;
        line->checked = from->checked;
        line->correct = from->correct;
        line->p90_ms = from->p90_ms;
        record.lines[i] = line;
    }
    struct vpr_key_buf k = card_key(VPR_KEY_CARD, r->session->number, &r->sid, &r->fisherman);
    vpr_record_put(ctx, VPR_STORE_REPORTCARDS, vpr_key_bytes(&k), &record.base);

    vpr_event(ctx, "reveal");
    vpr_event_u64(ctx, "session", r->session->number);
    vpr_event_hex(ctx, "sid", r->sid.b, sizeof r->sid.b);
    vpr_event_address(ctx, "fisherman", &r->fisherman);
    vpr_event_u64(ctx, "sent", r->sent);
    vpr_event_u64(ctx, "answered", r->answered);
}

static enum vpr_code
reveal_card(struct vpr_ctx *ctx, struct reveal *r, const Viper__V1__RevealedCard *c)
{
    uint64_t session = r->session->number;

    if (!vpr_bench_stored(ctx, session, &r->sid, &r->bench)) {
        return vpr_fail(ctx->err, VPR_NOT_COMMITTED,
                        "nobody committed for this sid in session %" PRIu64, session);
    }
    if (!vpr_bench_has_fisherman(&r->bench, &r->fisherman)) {
        return vpr_fail(ctx->err, VPR_NOT_DRAWN, "fisherman is not drawn for this sid");
    }
    struct vpr_key_buf k = card_key(VPR_KEY_CARD, session, &r->sid, &r->fisherman);
    if (exists(ctx, &k)) {
        return vpr_fail(ctx->err, VPR_REVEALED,
                        "card of session %" PRIu64 " is revealed already", session);
    }
    VPR_TRY(read_card(ctx, r, c));
    VPR_TRY(check_seal(ctx, r, c));
    VPR_TRY(check_samples(ctx, r, c));
    card_put(ctx, r);
    return VPR_OK;
}

static enum vpr_code apply_reveal(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgReveal *m = (const Viper__V1__MsgReveal *)message;
    struct vpr_address fisherman;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_FISHERMAN, &fisherman));
    VPR_TRY(vpr_window_prove(ctx, &session, m->session));

    struct vpr_hash *sids = VPR_ARENA_ARRAY(ctx->arena, struct vpr_hash, m->n_cards);
    for (size_t i = 0; i < m->n_cards; i++) {
        VPR_TRY(vpr_field_hash(&sids[i], m->cards[i]->sid, "sid", ctx->err));
    }
    size_t twice;
    if (!vpr_evidence_distinct(ctx->arena, sids, m->n_cards, &twice)) {
        return vpr_fail(ctx->err, VPR_DUPLICATE, "card %zu: its sid occurs twice", twice);
    }
    for (size_t i = 0; i < m->n_cards; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        struct reveal *r = VPR_ARENA_NEW(ctx->arena, struct reveal);
        r->session = &session;
        r->fisherman = fisherman;
        r->sid = sids[i];
        VPR_TRY(reveal_card(ctx, r, m->cards[i]));
        vpr_ctx_release(ctx, mark);
    }
    return VPR_OK;
}

/* ---- presence ---- */

struct drawn {
    struct vpr_address id;
    uint64_t index; /* of two that are one fisherman the order must be defined, too */
};

static int drawn_cmp(const void *a, const void *b)
{
    const struct drawn *left = a;
    const struct drawn *right = b;
    int order = vpr_address_cmp(&left->id, &right->id);

    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

/* Every seat of a fisherman in a committed sid of the session; at most `room` are written,
 * all are counted. */
static size_t drawn_list(struct vpr_ctx *ctx, uint64_t session, struct drawn *ret, size_t room)
{
    struct vpr_bench bench;
    struct vpr_hash sid;
    size_t count = 0;
    bool more = vpr_bench_next(ctx, session, NULL, &sid);

    for (; more; more = vpr_bench_next(ctx, session, &sid, &sid)) {
        bool stored = vpr_bench_stored(ctx, session, &sid, &bench);
        VPR_ASSERT(stored);
        for (uint32_t i = 0; i < bench.fisherman_count; i++, count++) {
            if (count < room) {
                ret[count] = (struct drawn){bench.fishermen[i].id, count};
            }
        }
    }
    return count;
}

static void count_presence(struct vpr_ctx *ctx, uint64_t session, const struct vpr_address *id)
{
    const Viper__V1__Actor *actor = vpr_actor_get(ctx, id);
    if (actor == NULL || actor->status == VIPER__V1__STATUS__STATUS_GONE) {
        return;
    }
    struct vpr_key_buf k = present_key(session, id);
    uint32_t before = actor->absent_sessions < VPR_ABSENCES_MAX
                          ? (uint32_t)actor->absent_sessions
                          : VPR_ABSENCES_MAX;
    uint32_t absences = vpr_absences(before, exists(ctx, &k));
    bool pause =
        absences >= VPR_ABSENCES_MAX && actor->status == VIPER__V1__STATUS__STATUS_ACTIVE;
    if (absences != actor->absent_sessions || pause) {
        vpr_actor_event(ctx, "absence", id, actor);
        vpr_event_u64(ctx, "session", session);
        vpr_event_u64(ctx, "absent_sessions", absences);
    }
    if (pause) {
        absences = 0; /* who resumes begins anew */
    }
    if (absences != actor->absent_sessions) {
        Viper__V1__Actor changed = *actor;
        changed.absent_sessions = absences;
        vpr_actor_put(ctx, id, &changed);
    }
    if (pause) {
        vpr_actor_pause(ctx, id);
    }
}

void vpr_cards_presence(struct vpr_ctx *ctx)
{
    struct vpr_session running = vpr_session_current(ctx);
    if (!vpr_session_opens_now(ctx) || running.number < 2) {
        return;
    }
    uint64_t session = running.number - 2;
    size_t mark = vpr_arena_mark(ctx->arena);
    size_t count = drawn_list(ctx, session, NULL, 0);
    struct drawn *list = VPR_ARENA_ARRAY(ctx->arena, struct drawn, count);
    (void)drawn_list(ctx, session, list, count);
    vpr_sort(ctx->arena, list, count, sizeof list[0], drawn_cmp);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !vpr_address_equal(&list[i].id, &list[i - 1].id)) {
            size_t inner = vpr_arena_mark(ctx->arena);
            count_presence(ctx, session, &list[i].id);
            vpr_ctx_release(ctx, inner);
        }
    }
    /* At most one a fisherman; nothing reads them again. */
    (void)delete_prefix(ctx, VPR_KEY_PRESENT, session, UINT64_MAX);
    vpr_ctx_release(ctx, mark);
}

/* ---- query ---- */

static Viper__V1__CardLine **lines_info(struct vpr_ctx *ctx, const Viper__V1__CardRecord *card)
{
    Viper__V1__CardLine **lines =
        VPR_ARENA_ARRAY(ctx->arena, Viper__V1__CardLine *, card->n_lines);

    for (size_t i = 0; i < card->n_lines; i++) {
        const Viper__V1__LineRecord *from = card->lines[i];
        struct vpr_address servicer = vpr_address_of_field(from->servicer);
        lines[i] = VPR_ARENA_NEW(ctx->arena, Viper__V1__CardLine);
        viper__v1__card_line__init(lines[i]);
        lines[i]->servicer = vpr_text_of_address(ctx->arena, &servicer);
        lines[i]->sent = from->sent;
        lines[i]->refused = from->refused;
        lines[i]->answered = from->answered;
        lines[i]->checked = from->checked;
        lines[i]->correct = from->correct;
        lines[i]->p90_ms = from->p90_ms;
    }
    return lines;
}

/* The seals of one sid, at most one a seat. */
static void cards_of(struct vpr_ctx *ctx, uint64_t session, const struct vpr_hash *sid,
                     Viper__V1__QueryCardsResponse *response)
{
    struct vpr_key_buf prefix = session_key(VPR_KEY_SEAL, session);
    vpr_key_hash(&prefix, sid);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value;

    response->cards = VPR_ARENA_ARRAY(ctx->arena, Viper__V1__CardInfo *, VPR_SEATS_MAX);
    while (response->n_cards < VPR_SEATS_MAX &&
           vpr_state_next(ctx->state, ctx->arena, VPR_STORE_REPORTCARDS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        const Viper__V1__Seal *seal = (const Viper__V1__Seal *)vpr_record_unpack(
            ctx, value, &viper__v1__seal__descriptor);
        struct vpr_address fisherman;
        VPR_ASSERT(key.len == prefix.len + sizeof fisherman.b);
        memcpy(fisherman.b, key.data + prefix.len, sizeof fisherman.b);
        Viper__V1__CardInfo *info = VPR_ARENA_NEW(ctx->arena, Viper__V1__CardInfo);
        viper__v1__card_info__init(info);
        info->fisherman = vpr_text_of_address(ctx->arena, &fisherman);
        info->seal = seal->seal;
        const Viper__V1__CardRecord *card = vpr_card_get(ctx, session, sid, &fisherman);
        if (card != NULL) {
            info->revealed = true;
            info->n_lines = card->n_lines;
            info->lines = lines_info(ctx, card);
        }
        response->cards[response->n_cards++] = info;
        from = vpr_state_after(ctx->arena, key);
    }
}

static enum vpr_code answer_cards(struct vpr_ctx *ctx, const ProtobufCMessage *request,
                                  ProtobufCMessage **ret_response)
{
    const Viper__V1__QuerySidRequest *asked = (const Viper__V1__QuerySidRequest *)request;
    Viper__V1__QueryCardsResponse *response =
        VPR_ARENA_NEW(ctx->arena, Viper__V1__QueryCardsResponse);
    struct vpr_session running = vpr_session_current(ctx);
    struct vpr_hash sid;

    VPR_TRY(vpr_evidence_sid(&sid, asked->sid, ctx->err));
    viper__v1__query_cards_response__init(response);
    /* A sid does not say its session; those with seals are few. */
    for (uint64_t s = vpr_session_oldest_unsettled(ctx); s <= running.number; s++) {
        cards_of(ctx, s, &sid, response);
        if (response->n_cards > 0) {
            response->session = s;
            *ret_response = &response->base;
            return VPR_OK;
        }
    }
    return vpr_fail(ctx->err, VPR_NOT_FOUND,
                    "no card is sealed for this sid, or it is settled");
}

static enum vpr_code admit_report(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgReportCard *m = (const Viper__V1__MsgReportCard *)message;
    struct vpr_address fisherman;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_FISHERMAN, &fisherman));
    return vpr_window_commit(ctx, &session, m->session);
}

static enum vpr_code admit_reveal(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgReveal *m = (const Viper__V1__MsgReveal *)message;
    struct vpr_address fisherman;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_FISHERMAN, &fisherman));
    return vpr_window_prove(ctx, &session, m->session);
}

static const struct vpr_handler handlers[] = {
    {"reportcards.report", "/viper.v1.MsgReportCard", &viper__v1__msg_report_card__descriptor,
     "operator", VPR_LANE_SESSION, 0, load_report, check_report, apply_report, admit_report},
    {"reportcards.reveal", "/viper.v1.MsgReveal", &viper__v1__msg_reveal__descriptor,
     "operator", VPR_LANE_SESSION, 0, load_reveal, check_reveal, apply_reveal,
     admit_reveal},
};

static const struct vpr_query queries[] = {
    {"/viper.v1.Query/Cards", &viper__v1__query_sid_request__descriptor,
     &viper__v1__query_cards_response__descriptor, answer_cards},
};

static const struct vpr_invariant invariants[] = {
    {"cards_are_of_the_drawn", vpr_cards_invariant},
};

const struct vpr_domain vpr_reportcards = {
    .name = "reportcards",
    .handlers = handlers,
    .handler_count = VPR_COUNT(handlers),
    .queries = queries,
    .query_count = VPR_COUNT(queries),
    .import = NULL,
    .invariants = invariants,
    .invariant_count = VPR_COUNT(invariants),
};
