/* What holds of records with versions, and of the parameters in them (sessions.h). */
#include "app/base/bytes.h"
#include "app/domain/sessions.h"
#include "viper/v1/params.pb-c.h"

#define SESSION_BYTES 8

/* Every kind of record that sessions read by version, and the length of its key's parts. */
static const struct versioned {
    enum vpr_store_id store;
    enum vpr_key_first first;
    size_t parts;
} versioned[] = {
    {VPR_STORE_ACTORS, VPR_KEY_TERMS, 20},
    {VPR_STORE_CHAINS, VPR_KEY_CHAIN_TERMS, 2},
    {VPR_STORE_CHAINS, VPR_KEY_ZONE_TERMS, 2},
    {VPR_STORE_PARAMS, VPR_KEY_PARAMS, 0},
    {VPR_STORE_SCORES, VPR_KEY_SCORE, 20 + 2 + 2},
};

static bool present(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key)
{
    struct vpr_bytes value;
    return vpr_state_get(ctx->state, ctx->arena, (uint8_t)store, key, &value);
}

/* The entry of the cut queue by which what is older than this version goes. */
static bool queued(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes version)
{
    size_t base = version.len - SESSION_BYTES;
    struct vpr_key_buf cut = vpr_key(VPR_KEY_CUT);
    vpr_key_u64(&cut, vpr_get_be64(version.data + base));
    vpr_key_u8(&cut, (uint8_t)store);
    VPR_ASSERT(base <= sizeof cut.b - cut.len);
    memcpy(cut.b + cut.len, version.data, base);
    cut.len += base;
    return present(ctx, VPR_STORE_SESSIONS, vpr_key_bytes(&cut));
}

/* None counts from later than a change of now can, and each but the oldest of its key will
 * send away what is before it. */
static enum vpr_code check_kind(struct vpr_ctx *ctx, const struct versioned *kind,
                                uint64_t *outdating)
{
    struct vpr_key_buf prefix = vpr_key(kind->first);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value, before = {NULL, 0};
    size_t base = prefix.len + kind->parts;
    while (vpr_state_next(ctx->state, ctx->arena, (uint8_t)kind->store, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        VPR_ASSERT(key.len == base + SESSION_BYTES);
        uint64_t session = vpr_get_be64(key.data + base);
        bool older = before.len > 0 && memcmp(before.data, key.data, base) == 0;
        if (session > vpr_session_number(ctx) + 2 ||
            (older && !queued(ctx, kind->store, key))) {
            return vpr_fail(ctx->err, VPR_BAD_FIELD,
                            "store %d, kind %c: a version of session %" PRIu64
                            " is too far ahead, or leaves the one before it for ever",
                            (int)kind->store, (int)kind->first, session);
        }
        *outdating += older;
        before = key;
        from = vpr_state_after(ctx->arena, key);
    }
    return VPR_OK;
}

enum vpr_code vpr_versions_invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_CUT);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value;
    uint64_t outdating = 0, cuts = 0;
    for (size_t i = 0; i < VPR_COUNT(versioned); i++) {
        VPR_TRY(check_kind(ctx, &versioned[i], &outdating));
    }
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_SESSIONS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        cuts++;
        from = vpr_state_after(ctx->arena, key);
    }
    /* An entry whose older version is gone would mean that it went before its time. */
    if (cuts != outdating) {
        return vpr_fail(ctx->err, VPR_BAD_FIELD,
                        "%" PRIu64 " cuts are queued for %" PRIu64 " versions with an older "
                        "one", cuts, outdating);
    }
    return VPR_OK;
}

enum vpr_code vpr_params_invariant(struct vpr_ctx *ctx)
{
    struct vpr_key_buf prefix = vpr_key(VPR_KEY_PARAMS);
    struct vpr_bytes from = vpr_key_bytes(&prefix), key, value;
    uint64_t versions = 0;
    while (vpr_state_next(ctx->state, ctx->arena, VPR_STORE_PARAMS, vpr_key_bytes(&prefix),
                          from, &key, &value)) {
        const Viper__V1__Params *record = (const Viper__V1__Params *)vpr_record_unpack(
            ctx, value, &viper__v1__params__descriptor);
        struct vpr_params params;
#define X(name, main, local, least, most, unit, slack) params.v[VPR_P_##name] = record->name;
        VPR_PARAMS(X)
#undef X
        VPR_TRY(vpr_params_check(&params, ctx->err));
        uint64_t session = vpr_get_be64(key.data + prefix.len);
        if (versions == 0 && session > vpr_session_oldest_unsettled(ctx)) {
            break;
        }
        versions++;
        from = vpr_state_after(ctx->arena, key);
    }
    return versions > 0 ? VPR_OK
                        : vpr_fail(ctx->err, VPR_BAD_FIELD,
                                   "the oldest unsettled session has no parameters");
}
