#include "app/domain/evidence.h"

#include "app/base/bytes.h"
#include "app/base/sort.h"
#include "app/rules/token.h"

/* The session that the block in hand belongs to: for the mempool, which looks at the state
 * before it, also one that this block is about to open. */
static struct vpr_session session_of_block(struct vpr_ctx *ctx)
{
    struct vpr_session running = vpr_session_current(ctx);
    if (ctx->height > running.last) {
        running.number++;
        running.first = ctx->height;
    }
    return running;
}

enum vpr_code vpr_window_commit(struct vpr_ctx *ctx, struct vpr_session *ret, uint64_t session)
{
    struct vpr_session running = session_of_block(ctx);

    if (running.number == 0 || running.number - 1 != session) {
        return vpr_fail(ctx->err, VPR_WRONG_WINDOW,
                        "work of session %" PRIu64 " is committed in session %" PRIu64
                        " + 1; session %" PRIu64 " runs",
                        session, session, running.number);
    }
    struct vpr_session found;
    if (!vpr_session_get(ctx, session, &found)) {
        return vpr_fail(ctx->err, VPR_NO_SESSION, "session %" PRIu64 " has no record", session);
    }
    *ret = found;
    return VPR_OK;
}

enum vpr_code vpr_window_prove(struct vpr_ctx *ctx, struct vpr_session *ret, uint64_t session)
{
    struct vpr_session running = session_of_block(ctx);

    if (running.number < 2 || running.number - 2 != session) {
        return vpr_fail(ctx->err, VPR_WRONG_WINDOW,
                        "work of session %" PRIu64 " is proved in session %" PRIu64
                        " + 2; session %" PRIu64 " runs",
                        session, session, running.number);
    }
    struct vpr_session found;
    if (!vpr_session_get(ctx, session, &found)) {
        return vpr_fail(ctx->err, VPR_NO_SESSION, "session %" PRIu64 " has no record", session);
    }
    uint64_t from = running.first + vpr_param(ctx, VPR_P_challenge_delay, session);
    if (ctx->height < from || !found.has_challenge) {
        return vpr_fail(ctx->err, VPR_WRONG_WINDOW,
                        "work of session %" PRIu64 " is proved from block %" PRIu64
                        " on; this is block %" PRIu64,
                        session, from, ctx->height);
    }
    *ret = found;
    return VPR_OK;
}

enum vpr_code vpr_evidence_token(struct vpr_ctx *ctx,
                                 const Viper__V1__SignedToken *signed_token,
                                 const struct vpr_hash *sid, const struct vpr_hash *client_key,
                                 const Viper__V1__Terms *requestor)
{
    struct vpr_token token;

    if (signed_token == NULL ||
        !vpr_token_decode(&token,
                          vpr_bytes_of(signed_token->token.data, signed_token->token.len))) {
        return vpr_fail(ctx->err, VPR_BAD_TOKEN, "a token has %d bytes", VPR_TOKEN_BYTES);
    }
    if (!vpr_hash_equal(&token.sid, sid) || !vpr_hash_equal(&token.client_key, client_key)) {
        return vpr_fail(ctx->err, VPR_BAD_TOKEN, "token is of another sid or client key");
    }
    if (signed_token->gateway_key >= requestor->n_gateway_keys) {
        return vpr_fail(ctx->err, VPR_BAD_TOKEN, "token names gateway key %" PRIu32 " of %zu",
                        signed_token->gateway_key, requestor->n_gateway_keys);
    }
    const ProtobufCBinaryData *raw = &requestor->gateway_keys[signed_token->gateway_key];
    struct vpr_hash key;
    VPR_ASSERT(raw->len == sizeof key.b);
    memcpy(key.b, raw->data, sizeof key.b);
    if (!vpr_token_verify(&token, &key)) {
        return vpr_fail(ctx->err, VPR_BAD_TOKEN,
                        "token is not signed by gateway key %" PRIu32 " of the requestor",
                        signed_token->gateway_key);
    }
    return VPR_OK;
}

bool vpr_evidence_branch(struct vpr_sumbranch *ret, uint64_t index,
                         Viper__V1__Sibling *const *siblings, size_t count)
{
    if (count > VPR_SUMTREE_SIBLINGS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (siblings[i]->hash.len != sizeof ret->siblings[i].hash.b) {
            return false;
        }
    }
    ret->index = index;
    ret->depth = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        memcpy(ret->siblings[i].hash.b, siblings[i]->hash.data, sizeof ret->siblings[i].hash.b);
        ret->siblings[i].sum = siblings[i]->sum;
    }
    return true;
}

struct numbered {
    struct vpr_hash hash;
    size_t index;
};

static int numbered_cmp(const void *a, const void *b)
{
    const struct numbered *left = a;
    const struct numbered *right = b;
    int order = memcmp(left->hash.b, right->hash.b, sizeof left->hash.b);

    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

bool vpr_evidence_distinct(struct vpr_arena *scratch, const struct vpr_hash *hashes,
                           size_t count, size_t *ret_index)
{
    size_t mark = vpr_arena_mark(scratch);
    struct numbered *list = VPR_ARENA_ARRAY(scratch, struct numbered, count);
    bool distinct = true;

    for (size_t i = 0; i < count; i++) {
        list[i] = (struct numbered){hashes[i], i};
    }
    vpr_sort(scratch, list, count, sizeof list[0], numbered_cmp);
    for (size_t i = 1; i < count && distinct; i++) {
        if (vpr_hash_equal(&list[i - 1].hash, &list[i].hash)) {
            *ret_index = list[i].index;
            distinct = false;
        }
    }
    vpr_arena_release(scratch, mark);
    return distinct;
}

enum vpr_code vpr_evidence_sid(struct vpr_hash *ret, const char *text, struct vpr_err *err)
{
    if (text == NULL || !vpr_unhex(ret->b, sizeof ret->b, vpr_bytes_str(text))) {
        return vpr_fail(err, VPR_BAD_FIELD, "a sid is 64 hex digits");
    }
    return VPR_OK;
}
