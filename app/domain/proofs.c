#include "app/domain/proofs.h"

#include "app/domain/actors.h"
#include "app/domain/commits.h"
#include "app/domain/evidence.h"
#include "app/domain/positions.h"
#include "app/rules/leaf.h"
#include "app/rules/token.h"
#include "viper/v1/tx.pb-c.h"

void vpr_prove_load(const ProtobufCMessage *message, struct vpr_load *load)
{
    const Viper__V1__MsgProve *m = (const Viper__V1__MsgProve *)message;

    load->signatures += 2 * (uint64_t)m->n_samples; /* token and leaf */
    for (size_t i = 0; i < m->n_entries; i++) {
        load->signatures += (uint64_t)m->entries[i]->n_tokens + m->entries[i]->n_tails;
    }
}

static enum vpr_code
check_prove_entry(const Viper__V1__ProveEntry *e, size_t i, struct vpr_err *err)
{
    struct vpr_hash sid;

    VPR_TRY(vpr_field_hash(&sid, e->sid, "sid", err));
    if (e->n_tails < 1 || e->n_tails > VPR_TAILS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "entry %zu has %zu tails instead of 1 to %d", i,
                        e->n_tails, VPR_TAILS_MAX);
    }
    if (e->n_tokens != e->n_tails) {
        return vpr_fail(err, VPR_BAD_FIELD, "entry %zu has %zu tokens for %zu tails", i,
                        e->n_tokens, e->n_tails);
    }
    return VPR_OK;
}

enum vpr_code vpr_prove_check(const ProtobufCMessage *message, struct vpr_err *err)
{
    const Viper__V1__MsgProve *m = (const Viper__V1__MsgProve *)message;
    struct vpr_address address;
    size_t tails = 0;
    uint64_t positions = 0;

    VPR_TRY(vpr_field_address(&address, m->operator_, "operator", err));
    if (m->n_entries == 0 && m->n_samples == 0) {
        return vpr_fail(err, VPR_BAD_FIELD, "a proof has at least one entry or sample");
    }
    for (size_t i = 0; i < m->n_entries; i++) {
        VPR_TRY(check_prove_entry(m->entries[i], i, err));
        tails += m->entries[i]->n_tails;
        if (tails > VPR_PROVE_TAILS_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD, "a proof has at most %d tails in all",
                            VPR_PROVE_TAILS_MAX);
        }
    }
    for (size_t i = 0; i < m->n_samples; i++) {
        uint32_t position = m->samples[i]->position;
        struct vpr_hash sid;
        VPR_TRY(vpr_field_hash(&sid, m->samples[i]->sid, "sid", err));
        if (position >= VPR_PROOF_SAMPLES_MAX) {
            return vpr_fail(err, VPR_BAD_FIELD, "sample %zu: position %" PRIu32 " is above %d",
                            i, position, VPR_PROOF_SAMPLES_MAX - 1);
        }
        if ((positions >> position & 1) != 0) {
            return vpr_fail(err, VPR_DUPLICATE, "position %" PRIu32 " occurs twice", position);
        }
        positions |= UINT64_C(1) << position;
    }
    return VPR_OK;
}

/* The token of a client key; they may come in any order, usually that of the tails. */
static const Viper__V1__SignedToken *
token_for(const Viper__V1__ProveEntry *e, size_t i, const struct vpr_hash *client_key)
{
    for (size_t step = 0; step < e->n_tokens; step++) {
        const Viper__V1__SignedToken *signed_token = e->tokens[(i + step) % e->n_tokens];
        struct vpr_token token;
        if (vpr_token_decode(&token,
                             vpr_bytes_of(signed_token->token.data, signed_token->token.len)) &&
            vpr_hash_equal(&token.client_key, client_key)) {
            return signed_token;
        }
    }
    return e->tokens[i];
}

static enum vpr_code prove_tail(struct vpr_ctx *ctx, const struct vpr_address *servicer,
                                const Viper__V1__ProveEntry *e, size_t i,
                                const struct vpr_hash *sid, const Viper__V1__Terms *requestor,
                                struct vpr_request *ret)
{
    struct vpr_signed_request tail;

    if (!vpr_signed_request_decode(&tail, vpr_bytes_of(e->tails[i].data, e->tails[i].len))) {
        return vpr_fail(ctx->err, VPR_BAD_TAIL, "tail %zu has %zu bytes instead of %d", i,
                        e->tails[i].len, VPR_SIGNED_REQUEST_BYTES);
    }
    if (!vpr_hash_equal(&tail.part.sid, sid)) {
        return vpr_fail(ctx->err, VPR_BAD_TAIL, "tail %zu is of another sid", i);
    }
    if (!vpr_address_equal(&tail.part.servicer, servicer)) {
        return vpr_fail(ctx->err, VPR_BAD_TAIL, "tail %zu is for another servicer", i);
    }
    VPR_TRY(vpr_evidence_token(ctx, token_for(e, i, &tail.part.client_key), sid,
                               &tail.part.client_key, requestor));
    if (!vpr_request_verify(&tail.part, &tail.signature)) {
        return vpr_fail(ctx->err, VPR_BAD_TAIL, "tail %zu is not signed by its client key", i);
    }
    *ret = tail.part;
    return VPR_OK;
}

/* Terms of the requestor of a sid, whose gateway keys sign its tokens. */
static enum vpr_code requestor_terms(struct vpr_ctx *ctx, const struct vpr_bench *bench,
                                     const Viper__V1__Terms **ret)
{
    const Viper__V1__Terms *terms = vpr_terms_get(ctx, &bench->requestor, bench->session);
    if (terms == NULL) {
        return vpr_fail(ctx->err, VPR_BAD_TOKEN, "requestor has no terms for session %" PRIu64,
                        bench->session);
    }
    *ret = terms;
    return VPR_OK;
}

static enum vpr_code prove_entry(struct vpr_ctx *ctx, const struct vpr_session *session,
                                 const struct vpr_address *servicer,
                                 const Viper__V1__ProveEntry *e, const struct vpr_hash *sid)
{
    struct vpr_bench bench;
    const Viper__V1__Terms *requestor = NULL;
    const Viper__V1__Commit *commit = vpr_commit_get(ctx, session->number, sid, servicer);

    if (commit == NULL || !vpr_bench_stored(ctx, session->number, sid, &bench)) {
        return vpr_fail(ctx->err, VPR_NOT_COMMITTED,
                        "servicer committed nothing for this sid in session %" PRIu64,
                        session->number);
    }
    VPR_TRY(requestor_terms(ctx, &bench, &requestor));

    struct vpr_hash *keys = VPR_ARENA_ARRAY(ctx->arena, struct vpr_hash, e->n_tails);
    uint64_t cu = 0;
    for (size_t i = 0; i < e->n_tails; i++) {
        struct vpr_request tail = {.cum_cu = 0};
        VPR_TRY(prove_tail(ctx, servicer, e, i, sid, requestor, &tail));
        if (tail.cum_cu > UINT64_MAX - cu) {
            return vpr_fail(ctx->err, VPR_OVERFLOW,
                            "tail %zu: %" PRIu64 " CU and %" PRIu64 " before it overflow", i,
                            tail.cum_cu, cu);
        }
        cu += tail.cum_cu;
        keys[i] = tail.client_key;
    }
    size_t twice;
    if (!vpr_evidence_distinct(ctx->arena, keys, e->n_tails, &twice)) {
        return vpr_fail(ctx->err, VPR_DUPLICATE, "tail %zu: its client key occurs twice",
                        twice);
    }
    Viper__V1__Commit proved = *commit;
    proved.tails_proved = true;
    proved.tails_cu = cu;
    vpr_commit_put(ctx, session->number, sid, servicer, &proved);

    vpr_event(ctx, "prove");
    vpr_event_u64(ctx, "session", session->number);
    vpr_event_hex(ctx, "sid", sid->b, sizeof sid->b);
    vpr_event_address(ctx, "servicer", servicer);
    vpr_event_u64(ctx, "tails", e->n_tails);
    vpr_event_u64(ctx, "tails_cu", cu);
    return VPR_OK;
}

/* The leaf is one that a client of this sid signed for this servicer. */
static enum vpr_code sample_leaf(struct vpr_ctx *ctx, const struct vpr_session *session,
                                 const struct vpr_address *servicer,
                                 const Viper__V1__ProveSample *s, const struct vpr_hash *sid,
                                 struct vpr_leaf *ret)
{
    struct vpr_leaf leaf;
    struct vpr_bench bench;
    const Viper__V1__Terms *requestor = NULL;

    if (!vpr_leaf_decode(&leaf, vpr_bytes_of(s->leaf.data, s->leaf.len))) {
        return vpr_fail(ctx->err, VPR_BAD_LEAF, "leaf has %zu bytes instead of %d", s->leaf.len,
                        VPR_LEAF_BYTES);
    }
    if (!vpr_hash_equal(&leaf.request.part.sid, sid) ||
        !vpr_address_equal(&leaf.request.part.servicer, servicer)) {
        return vpr_fail(ctx->err, VPR_BAD_LEAF,
                        "leaf of position %" PRIu32 " is of another sid or servicer",
                        s->position);
    }
    if (!vpr_bench_stored(ctx, session->number, sid, &bench)) {
        return vpr_fail(ctx->err, VPR_NOT_COMMITTED, "nothing was committed for this sid");
    }
    VPR_TRY(requestor_terms(ctx, &bench, &requestor));
    VPR_TRY(vpr_evidence_token(ctx, s->token, sid, &leaf.request.part.client_key, requestor));
    if (!vpr_request_verify(&leaf.request.part, &leaf.request.signature)) {
        return vpr_fail(ctx->err, VPR_BAD_LEAF,
                        "leaf of position %" PRIu32 " is not signed by its client key",
                        s->position);
    }
    *ret = leaf;
    return VPR_OK;
}

/* It lies where the challenge points, in the tree that was committed. */
static enum vpr_code sample_place(struct vpr_ctx *ctx, const struct vpr_session *session,
                                  const struct vpr_address *servicer,
                                  const Viper__V1__ProveSample *s, const struct vpr_hash *sid,
                                  const struct vpr_leaf *leaf,
                                  const struct vpr_position *at)
{
    uint64_t before;
    struct vpr_sumbranch branch;
    struct vpr_sumnode root, node = vpr_leaf_node(leaf);

    if (!vpr_hash_equal(&at->sid, sid)) {
        return vpr_fail(ctx->err, VPR_BAD_LEAF, "position %" PRIu32 " lies in another sid",
                        s->position);
    }
    const Viper__V1__Commit *commit = vpr_commit_get(ctx, session->number, sid, servicer);
    VPR_ASSERT(commit != NULL);
    if (!vpr_evidence_branch(&branch, s->index, s->siblings, s->n_siblings) ||
        !vpr_sumtree_climb(&root, &before, &node, commit->count, &branch) ||
        root.sum != commit->sum || commit->root.len != sizeof root.hash.b ||
        memcmp(root.hash.b, commit->root.data, sizeof root.hash.b) != 0) {
        return vpr_fail(ctx->err, VPR_BAD_LEAF,
                        "branch of position %" PRIu32 " does not lead to the committed root",
                        s->position);
    }
    if (at->cu < before || at->cu - before >= node.sum) {
        return vpr_fail(ctx->err, VPR_BAD_LEAF,
                        "position %" PRIu32 " is CU %" PRIu64 "; the leaf has %" PRIu64
                        " from %" PRIu64 " on",
                        s->position, at->cu, node.sum, before);
    }
    return VPR_OK;
}

static enum vpr_code prove_samples(struct vpr_ctx *ctx, const struct vpr_session *session,
                                   const struct vpr_address *servicer,
                                   const Viper__V1__MsgProve *m)
{
    const struct vpr_positions *positions;
    uint64_t bits = vpr_samples_bits(ctx, session->number, servicer);

    VPR_TRY(vpr_positions_find(ctx, session, servicer, &positions));
    for (size_t i = 0; i < m->n_samples; i++) {
        const Viper__V1__ProveSample *s = m->samples[i];
        struct vpr_hash sid;
        struct vpr_leaf leaf;
        size_t mark = vpr_arena_mark(ctx->arena);
        if (s->position >= positions->count) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "position %" PRIu32 " of %" PRIu32 " proof samples", s->position,
                            positions->count);
        }
        VPR_TRY(vpr_field_hash(&sid, s->sid, "sid", ctx->err));
        VPR_TRY(sample_leaf(ctx, session, servicer, s, &sid, &leaf));
        VPR_TRY(sample_place(ctx, session, servicer, s, &sid, &leaf,
                             &positions->at[s->position]));
        vpr_arena_release(ctx->arena, mark);
        bits |= UINT64_C(1) << s->position;

        vpr_event(ctx, "prove_sample");
        vpr_event_u64(ctx, "session", session->number);
        vpr_event_hex(ctx, "sid", sid.b, sizeof sid.b);
        vpr_event_address(ctx, "servicer", servicer);
        vpr_event_u64(ctx, "position", s->position);
    }
    vpr_samples_set(ctx, session->number, servicer, bits);
    return VPR_OK;
}

enum vpr_code vpr_prove_admit(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgProve *m = (const Viper__V1__MsgProve *)message;
    struct vpr_address servicer;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_SERVICER, &servicer));
    return vpr_window_prove(ctx, &session, m->session);
}

enum vpr_code vpr_prove_apply(struct vpr_ctx *ctx, const ProtobufCMessage *message)
{
    const Viper__V1__MsgProve *m = (const Viper__V1__MsgProve *)message;
    struct vpr_address servicer;
    struct vpr_session session;

    VPR_TRY(vpr_actor_of_signer(ctx, VIPER__V1__KIND__KIND_SERVICER, &servicer));
    VPR_TRY(vpr_window_prove(ctx, &session, m->session));

    struct vpr_hash *sids = VPR_ARENA_ARRAY(ctx->arena, struct vpr_hash, m->n_entries);
    for (size_t i = 0; i < m->n_entries; i++) {
        VPR_TRY(vpr_field_hash(&sids[i], m->entries[i]->sid, "sid", ctx->err));
    }
    size_t twice;
    if (!vpr_evidence_distinct(ctx->arena, sids, m->n_entries, &twice)) {
        return vpr_fail(ctx->err, VPR_DUPLICATE, "entry %zu: its sid occurs twice", twice);
    }
    for (size_t i = 0; i < m->n_entries; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        VPR_TRY(prove_entry(ctx, &session, &servicer, m->entries[i], &sids[i]));
        vpr_ctx_release(ctx, mark);
    }
    if (m->n_samples > 0) {
        VPR_TRY(prove_samples(ctx, &session, &servicer, m));
    }
    return VPR_OK;
}
