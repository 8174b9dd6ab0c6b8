/* Query and path parameters into messages, as the gRPC gateway has them (pbjson.h). */
#include "app/base/bytes.h"
#include "app/host/pbjson_field.h"

#define NAME_SHOWN 60

void vpr_pbjson_params_init(struct vpr_pbjson_params *params, struct vpr_arena *arena,
                            ProtobufCMessage *message)
{
    memset(params, 0, sizeof *params);
    params->arena = arena;
    params->message = message;
}

/* One parameter on its way into the message. */
struct param {
    struct vpr_pbjson_params *all;
    struct vpr_bytes name;
    struct vpr_err *err;
};

static enum vpr_code refuse(const struct param *p, const char *why)
{
    int shown = p->name.len < NAME_SHOWN ? (int)p->name.len : NAME_SHOWN;
    return vpr_fail(p->err, VPR_BAD_FIELD, "parameter %.*s: %s", shown,
                    (const char *)p->name.data, why);
}

static enum vpr_code full(const struct param *p)
{
    return vpr_fail(p->err, VPR_TOO_LARGE, "parameters take more than %zu bytes of memory",
                    p->all->arena->size);
}

static enum vpr_code want(const struct param *p, const ProtobufCFieldDescriptor *f)
{
    int shown = p->name.len < NAME_SHOWN ? (int)p->name.len : NAME_SHOWN;
    return vpr_fail(p->err, VPR_BAD_FIELD, "parameter %.*s: %s is expected", shown,
                    (const char *)p->name.data, vpr_pbfield_wants(f));
}

static size_t message_size(const ProtobufCFieldDescriptor *f)
{
    return ((const ProtobufCMessageDescriptor *)f->descriptor)->sizeof_message;
}

/* The message inside that a dotted name goes through; made if it is not there. */
static enum vpr_code descend(const struct param *p, ProtobufCMessage **message,
                             const ProtobufCFieldDescriptor *f)
{
    if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED) {
        return refuse(p, "the name goes through a field that is no single message");
    }
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t chosen = *(uint32_t *)vpr_pbfield_at(*message, f->quantifier_offset);
        if (chosen != f->id && !vpr_pbfield_choose(*message, f)) {
            return refuse(p, "another field of the same choice is set too");
        }
    }
    ProtobufCMessage **inner = vpr_pbfield_at(*message, f->offset);
    if (*inner == NULL) {
        if (!vpr_pbfield_room(p->all->arena, message_size(f))) {
            return full(p);
        }
        *inner = vpr_pbjson_new(p->all->arena, f->descriptor);
    }
    *message = *inner;
    return VPR_OK;
}

/* Go's strconv.ParseBool. */
static bool parse_bool(protobuf_c_boolean *ret, struct vpr_bytes text)
{
    static const char *const words[] = {"1", "t", "T", "true", "TRUE", "True",
                                        "0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < VPR_COUNT(words); i++) {
        if (vpr_bytes_equal(text, vpr_bytes_str(words[i]))) {
            *ret = i < 6;
            return true;
        }
    }
    return false;
}

/* A message can be one parameter only if it has a text of its own. */
static enum vpr_code set_message(const struct param *p, ProtobufCMessage **at,
                                 const ProtobufCFieldDescriptor *f, struct vpr_bytes value)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;
    bool moment = strcmp(d->name, "google.protobuf.Timestamp") == 0;
    int64_t seconds;
    int32_t nanos;

    if (!moment && strcmp(d->name, "google.protobuf.Duration") != 0) {
        return refuse(p, "a message cannot be given as one value");
    }
    if (moment ? !vpr_time_parse(&seconds, &nanos, value)
               : !vpr_duration_parse(&seconds, &nanos, value, true)) {
        return refuse(p, moment ? "a time like 2026-01-02T03:04:05Z is expected"
                                : "a duration like 1h30m is expected");
    }
    if (!vpr_pbfield_room(p->all->arena, d->sizeof_message)) {
        return full(p);
    }
    ProtobufCMessage *m = vpr_pbjson_new(p->all->arena, d);
    const ProtobufCFieldDescriptor *s = vpr_pbjson_field(d, vpr_bytes_str("seconds"));
    const ProtobufCFieldDescriptor *n = vpr_pbjson_field(d, vpr_bytes_str("nanos"));
    VPR_ASSERT(s != NULL && n != NULL);
    *(int64_t *)vpr_pbfield_at(m, s->offset) = seconds;
    *(int32_t *)vpr_pbfield_at(m, n->offset) = nanos;
    *at = m;
    return VPR_OK;
}

static enum vpr_code set_value(const struct param *p, void *at,
                               const ProtobufCFieldDescriptor *f, struct vpr_bytes value)
{
    bool ok = false;

    if (!vpr_pbfield_room(p->all->arena, value.len + 4)) {
        return full(p);
    }
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return set_message(p, at, f, value);
    case PROTOBUF_C_TYPE_STRING: {
        char *copy = vpr_arena_alloc(p->all->arena, value.len + 1);
        if (value.len > 0) {
            memcpy(copy, value.data, value.len);
        }
        copy[value.len] = '\0';
        *(char **)at = copy;
        ok = true;
        break;
    }
    case PROTOBUF_C_TYPE_BYTES:
        ok = vpr_pbfield_bytes(at, p->all->arena, value);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        ok = parse_bool(at, value);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        ok = vpr_pbfield_enum(at, f, value) || vpr_pbfield_number(at, f, value);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        ok = vpr_pbfield_number(at, f, value);
        break;
    }
    return ok ? VPR_OK : want(p, f);
}

/* Whether this singular field may still be given; *ret_skip if the path has it. */
static enum vpr_code note(const struct param *p, const ProtobufCMessage *message,
                          const ProtobufCFieldDescriptor *f, bool bound, bool *ret_skip)
{
    struct vpr_pbjson_params *all = p->all;

    for (size_t i = 0; i < all->count; i++) {
        if (all->seen[i].message != message || all->seen[i].field != f) {
            continue;
        }
        if (all->seen[i].bound) {
            *ret_skip = true;
            return VPR_OK;
        }
        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            return refuse(p, "a second value for a single field");
        }
        return VPR_OK;
    }
    if (all->count == VPR_PBJSON_PARAMS_MAX) {
        return refuse(p, "more than 64 parameters");
    }
    all->seen[all->count].message = message;
    all->seen[all->count].field = f;
    all->seen[all->count].bound = bound;
    all->count++;
    return VPR_OK;
}

static enum vpr_code set_leaf(const struct param *p, ProtobufCMessage *message,
                              const ProtobufCFieldDescriptor *f, struct vpr_bytes value,
                              bool bound)
{
    bool skip = false;
    VPR_TRY(note(p, message, f, bound, &skip));
    if (skip) {
        return VPR_OK;
    }
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        void *at = vpr_pbfield_append(p->all->arena, message, f);
        return at == NULL ? full(p) : set_value(p, at, f, value);
    }
    if (!vpr_pbfield_choose(message, f)) {
        return refuse(p, "another field of the same choice is set too");
    }
    return set_value(p, vpr_pbfield_at(message, f->offset), f, value);
}

static enum vpr_code set(struct param *p, struct vpr_bytes value, bool bound)
{
    ProtobufCMessage *message = p->all->message;
    struct vpr_bytes rest = p->name;

    for (unsigned depth = 0; depth < VPR_PBJSON_DEPTH_MAX; depth++) {
        const uint8_t *dot = rest.len == 0 ? NULL : memchr(rest.data, '.', rest.len);
        size_t len = dot == NULL ? rest.len : (size_t)(dot - rest.data);
        const ProtobufCFieldDescriptor *f =
            vpr_pbjson_field(message->descriptor, vpr_bytes_of(rest.data, len));
        if (f == NULL) {
            return bound ? refuse(p, "there is no such field") : VPR_OK;
        }
        if (dot == NULL) {
            return set_leaf(p, message, f, value, bound);
        }
        VPR_TRY(descend(p, &message, f));
        rest = vpr_bytes_of(dot + 1, rest.len - len - 1);
    }
    return refuse(p, "nested deeper than 32");
}

enum vpr_code vpr_pbjson_bind(struct vpr_pbjson_params *params, const char *name,
                              struct vpr_bytes value, struct vpr_err *err)
{
    struct param p = {params, vpr_bytes_str(name), err};
    return set(&p, value, true);
}

enum vpr_code vpr_pbjson_set_param(struct vpr_pbjson_params *params, struct vpr_bytes name,
                                   struct vpr_bytes value, struct vpr_err *err)
{
    struct param p = {params, name, err};
    return set(&p, value, false);
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vpr_percent_decode(uint8_t *out, size_t *ret_len, struct vpr_bytes text, bool plus)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                return false;
            }
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        out[len++] = c;
    }
    *ret_len = len;
    return true;
}

/* Strings go back into JSON and signatures: they must be UTF-8 like all our strings. */
static bool utf8_ok(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint8_t c = p[i];
        size_t more = c < 0x80 ? 0 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || len - i <= more) {
            return false;
        }
        for (size_t k = 1; k <= more; k++) {
            if ((p[i + k] & 0xc0) != 0x80) {
                return false;
            }
        }
        if ((c == 0xe0 && p[i + 1] < 0xa0) || (c == 0xed && p[i + 1] > 0x9f) ||
            (c == 0xf0 && p[i + 1] < 0x90) || (c == 0xf4 && p[i + 1] > 0x8f)) {
            return false;
        }
        i += more + 1;
    }
    return true;
}

static enum vpr_code set_pair(struct vpr_pbjson_params *params, struct vpr_bytes pair,
                              struct vpr_err *err)
{
    const uint8_t *equals = memchr(pair.data, '=', pair.len);
    size_t name_len = equals == NULL ? pair.len : (size_t)(equals - pair.data);
    size_t value_at = equals == NULL ? pair.len : name_len + 1;
    if (!vpr_pbfield_room(params->arena, 2 * (pair.len + 32))) {
        return vpr_fail(err, VPR_TOO_LARGE, "the query takes more than %zu bytes of memory",
                        params->arena->size);
    }
    uint8_t *name = vpr_arena_alloc(params->arena, pair.len + 1);
    uint8_t *value = vpr_arena_alloc(params->arena, pair.len + 1);
    size_t value_len;

    if (!vpr_percent_decode(name, &name_len, vpr_bytes_of(pair.data, name_len), true) ||
        !vpr_percent_decode(value, &value_len,
                            vpr_bytes_of(pair.data + value_at, pair.len - value_at), true) ||
        !utf8_ok(name, name_len) || !utf8_ok(value, value_len)) {
        return vpr_fail(err, VPR_BAD_FIELD, "query has a broken escape");
    }
    return vpr_pbjson_set_param(params, vpr_bytes_of(name, name_len),
                                vpr_bytes_of(value, value_len), err);
}

enum vpr_code vpr_pbjson_set_query(struct vpr_pbjson_params *params, struct vpr_bytes query,
                                   struct vpr_err *err)
{
    size_t from = 0;
    for (size_t i = 0; i <= query.len; i++) {
        if (i < query.len && query.data[i] != '&') {
            continue;
        }
        if (i > from) {
            VPR_TRY(set_pair(params, vpr_bytes_of(query.data + from, i - from), err));
        }
        from = i + 1;
    }
    return VPR_OK;
}
