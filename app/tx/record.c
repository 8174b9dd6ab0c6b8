#include "app/base/bytes.h"
#include "app/rules/ids.h"
#include "app/tx/handler.h"

/* Values are never empty, so a record of defaults alone is stored as this byte, which no
 * message begins with. */
static const uint8_t all_defaults[] = {0};

/* How many queued versions one opening of a session may cut, two seconds of one core: the
 * honest work of one session puts fewer, the rest waits for the next opening. */
#define CUTS_MAX 100000

/* ---- keys ---- */

static void append(struct vpr_key_buf *k, const void *data, size_t len)
{
    VPR_ASSERT(len <= sizeof k->b - k->len);
    memcpy(k->b + k->len, data, len);
    k->len += len;
}

struct vpr_key_buf vpr_key(enum vpr_key_first first)
{
    struct vpr_key_buf k = {{0}, 0};
    vpr_key_u8(&k, (uint8_t)first);
    return k;
}

void vpr_key_u8(struct vpr_key_buf *k, uint8_t v)
{
    append(k, &v, 1);
}

void vpr_key_u16(struct vpr_key_buf *k, uint16_t v)
{
    uint8_t be[2];
    vpr_put_be16(be, v);
    append(k, be, sizeof be);
}

void vpr_key_u64(struct vpr_key_buf *k, uint64_t v)
{
    uint8_t be[8];
    vpr_put_be64(be, v);
    append(k, be, sizeof be);
}

void vpr_key_address(struct vpr_key_buf *k, const struct vpr_address *v)
{
    append(k, v->b, sizeof v->b);
}

void vpr_key_hash(struct vpr_key_buf *k, const struct vpr_hash *v)
{
    append(k, v->b, sizeof v->b);
}

struct vpr_bytes vpr_key_bytes(const struct vpr_key_buf *k)
{
    return vpr_bytes_of(k->b, k->len);
}

/* ---- records ---- */

const ProtobufCMessage *vpr_record_unpack(struct vpr_ctx *ctx, struct vpr_bytes value,
                                          const ProtobufCMessageDescriptor *descriptor)
{
    if (vpr_bytes_equal(value, vpr_bytes_of(all_defaults, sizeof all_defaults))) {
        value.len = 0;
    }
    const ProtobufCMessage *record = vpr_arena_unpack(ctx->arena, descriptor, value);
    if (record == NULL) {
        VPR_HALT("a record of the state cannot be read");
    }
    return record;
}

const ProtobufCMessage *vpr_record_get(struct vpr_ctx *ctx, enum vpr_store_id store,
                                       struct vpr_bytes key,
                                       const ProtobufCMessageDescriptor *descriptor)
{
    struct vpr_bytes value;
    if (!vpr_state_get(ctx->state, ctx->arena, (uint8_t)store, key, &value)) {
        return NULL;
    }
    return vpr_record_unpack(ctx, value, descriptor);
}

void vpr_record_put(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
                    const ProtobufCMessage *record)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_bytes value = vpr_arena_pack(ctx->arena, record);
    if (value.len == 0) {
        value = vpr_bytes_of(all_defaults, sizeof all_defaults);
    }
    vpr_state_put(ctx->state, (uint8_t)store, key, value);
    vpr_arena_release(ctx->arena, mark);
}

/* ---- versions ---- */

static struct vpr_key_buf version_key(struct vpr_bytes key, uint64_t session)
{
    struct vpr_key_buf k = {{0}, 0};
    append(&k, key.data, key.len);
    vpr_key_u64(&k, session);
    return k;
}

/* The newest version <= `session`; its key ends in the session it counts from. */
static bool find_version(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
                         uint64_t session, struct vpr_bytes *ret_key,
                         struct vpr_bytes *ret_value)
{
    struct vpr_key_buf from = version_key(key, session);
    struct vpr_bytes found, value;
    if (!vpr_state_prev(ctx->state, ctx->arena, (uint8_t)store, key, vpr_key_bytes(&from),
                        &found, &value)) {
        return false;
    }
    VPR_ASSERT(found.len == key.len + 8); /* no versioned key is the beginning of another */
    *ret_key = found;
    *ret_value = value;
    return true;
}

const ProtobufCMessage *vpr_version_get(struct vpr_ctx *ctx, enum vpr_store_id store,
                                        struct vpr_bytes key, uint64_t session,
                                        const ProtobufCMessageDescriptor *descriptor)
{
    struct vpr_bytes found, value;
    if (!find_version(ctx, store, key, session, &found, &value)) {
        return NULL;
    }
    return vpr_record_unpack(ctx, value, descriptor);
}

const ProtobufCMessage *vpr_version_newest(struct vpr_ctx *ctx, enum vpr_store_id store,
                                           struct vpr_bytes key,
                                           const ProtobufCMessageDescriptor *descriptor)
{
    return vpr_version_get(ctx, store, key, UINT64_MAX, descriptor);
}

void vpr_version_put(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
                     uint64_t session, const ProtobufCMessage *record)
{
    size_t mark = vpr_arena_mark(ctx->arena);
    struct vpr_bytes found, value;
    if (session > 0 && find_version(ctx, store, key, session - 1, &found, &value)) {
        static const uint8_t present[] = {1};
        struct vpr_key_buf cut = vpr_key(VPR_KEY_CUT);
        vpr_key_u64(&cut, session);
        vpr_key_u8(&cut, (uint8_t)store);
        append(&cut, key.data, key.len);
        vpr_state_put(ctx->state, VPR_STORE_SESSIONS, vpr_key_bytes(&cut),
                      vpr_bytes_of(present, sizeof present));
    }
    vpr_arena_release(ctx->arena, mark);
    struct vpr_key_buf at = version_key(key, session);
    vpr_record_put(ctx, store, vpr_key_bytes(&at), record);
}

/* All versions of one key that count from before `session`. */
static void cut_before(struct vpr_ctx *ctx, enum vpr_store_id store, struct vpr_bytes key,
                       uint64_t session)
{
    struct vpr_bytes found, value;
    while (find_version(ctx, store, key, session - 1, &found, &value)) {
        vpr_state_del(ctx->state, (uint8_t)store, found);
    }
}

void vpr_version_cut(struct vpr_ctx *ctx, uint64_t oldest)
{
    const struct vpr_key_buf prefix = vpr_key(VPR_KEY_CUT);
    const size_t head = prefix.len + 8 + 1; /* before the key: first byte, session, store */
    /* The walk goes on at what was cut last: from the beginning it would pass all of it again
     * for each version. */
    struct vpr_key_buf from = prefix;

    for (unsigned i = 0; i < CUTS_MAX; i++) {
        size_t mark = vpr_arena_mark(ctx->arena);
        struct vpr_bytes queued, value;
        if (!vpr_state_next(ctx->state, ctx->arena, VPR_STORE_SESSIONS,
                            vpr_key_bytes(&prefix), vpr_key_bytes(&from), &queued, &value)) {
            return;
        }
        VPR_ASSERT(queued.len > head);
        uint64_t session = vpr_get_be64(queued.data + prefix.len);
        uint8_t store = queued.data[head - 1];
        VPR_ASSERT(session > 0 && store < VPR_STORE_COUNT);
        if (session > oldest) {
            vpr_arena_release(ctx->arena, mark);
            return;
        }
        cut_before(ctx, (enum vpr_store_id)store,
                   vpr_bytes_of(queued.data + head, queued.len - head), session);
        from.len = 0;
        append(&from, queued.data, queued.len);
        vpr_state_del(ctx->state, VPR_STORE_SESSIONS, queued);
        vpr_arena_release(ctx->arena, mark);
    }
}

/* ---- fields of messages ---- */

enum vpr_code vpr_field_address(struct vpr_address *ret, const char *text, const char *field,
                                struct vpr_err *err)
{
    if (text == NULL || text[0] == '\0') {
        return vpr_fail(err, VPR_BAD_ADDRESS, "%s is empty; it takes an address viper1...",
                        field);
    }
    if (!vpr_address_parse(ret, VPR_PREFIX_ACCOUNT, vpr_bytes_str(text))) {
        return vpr_fail(err, VPR_BAD_ADDRESS, "%s is not an address viper1...: \"%.90s\"",
                        field, text);
    }
    return VPR_OK;
}

enum vpr_code vpr_field_hash(struct vpr_hash *ret, ProtobufCBinaryData data, const char *field,
                             struct vpr_err *err)
{
    if (data.len != sizeof ret->b) {
        return vpr_fail(err, VPR_BAD_FIELD, "%s has %zu bytes instead of %zu", field, data.len,
                        sizeof ret->b);
    }
    memcpy(ret->b, data.data, sizeof ret->b);
    return VPR_OK;
}
