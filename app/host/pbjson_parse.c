/* proto3 JSON to messages (pbjson.h): jansson reads the text, this walks the descriptor. */
#include <math.h>
#include <stdio.h>

#include <jansson.h>

#include "app/base/bytes.h"
#include "app/host/pbjson_field.h"

#define PATH_MAX_BYTES 200
#define FIELDS_MAX 256 /* of one message type */

struct reader {
    struct vpr_arena *arena;
    const struct vpr_pbjson_options *options;
    struct vpr_err *err;
    unsigned depth;
    char path[PATH_MAX_BYTES]; /* "servicers[3].stake"; the front stays when it is full */
    size_t path_len;
};

static enum vpr_code read_message(struct reader *r, ProtobufCMessage *message,
                                  const json_t *json);

/* --- places ---------------------------------------------------------------------------- */

static size_t enter(struct reader *r, const char *name)
{
    size_t old = r->path_len;
    int n = snprintf(r->path + old, sizeof r->path - old, "%s%s", old > 0 ? "." : "", name);
    r->path_len = old + (size_t)n < sizeof r->path ? old + (size_t)n : sizeof r->path - 1;
    return old;
}

static size_t enter_item(struct reader *r, size_t index)
{
    size_t old = r->path_len;
    int n = snprintf(r->path + old, sizeof r->path - old, "[%zu]", index);
    r->path_len = old + (size_t)n < sizeof r->path ? old + (size_t)n : sizeof r->path - 1;
    return old;
}

static void leave(struct reader *r, size_t old)
{
    r->path_len = old;
    r->path[old] = '\0';
}

static enum vpr_code bad(struct reader *r, const char *why)
{
    return vpr_fail(r->err, VPR_BAD_FIELD, "%s%s%s", r->path, r->path_len > 0 ? ": " : "", why);
}

static enum vpr_code want(struct reader *r, const ProtobufCFieldDescriptor *f)
{
    return vpr_fail(r->err, VPR_BAD_FIELD, "%s: %s is expected", r->path, vpr_pbfield_wants(f));
}

static enum vpr_code full(struct reader *r)
{
    return vpr_fail(r->err, VPR_TOO_LARGE, "%s: the message takes more than %zu bytes of memory",
                    r->path, r->arena->size);
}

/* --- values ---------------------------------------------------------------------------- */

static struct vpr_bytes string_of(const json_t *json)
{
    return vpr_bytes_of(json_string_value(json), json_string_length(json));
}

/* 1.0 and 1e3 are whole numbers too. */
static enum vpr_code read_number(struct reader *r, const ProtobufCFieldDescriptor *f, void *at,
                                 const json_t *json)
{
    char text[40];
    bool real = f->type == PROTOBUF_C_TYPE_FLOAT || f->type == PROTOBUF_C_TYPE_DOUBLE;

    if (json_is_string(json)) {
        return vpr_pbfield_number(at, f, string_of(json)) ? VPR_OK : want(r, f);
    }
    if (json_is_integer(json)) {
        (void)snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    } else if (json_is_real(json)) {
        double v = json_real_value(json);
        if (!real && (v != floor(v) || fabs(v) > 9007199254740992.0)) {
            return want(r, f);
        }
        (void)snprintf(text, sizeof text, real ? "%.17g" : "%.0f", v);
    } else {
        return want(r, f);
    }
    return vpr_pbfield_number(at, f, vpr_bytes_str(text)) ? VPR_OK : want(r, f);
}

static enum vpr_code read_enum(struct reader *r, const ProtobufCFieldDescriptor *f, int *at,
                               const json_t *json)
{
    if (json_is_string(json)) {
        return vpr_pbfield_enum(at, f, string_of(json)) ? VPR_OK : want(r, f);
    }
    VPR_TRY(read_number(r, f, at, json));
    if (r->options->strict && protobuf_c_enum_descriptor_get_value(f->descriptor, *at) == NULL) {
        return want(r, f);
    }
    return VPR_OK;
}

static enum vpr_code read_string(struct reader *r, const ProtobufCFieldDescriptor *f, char **at,
                                 const json_t *json)
{
    if (!json_is_string(json)) {
        return want(r, f);
    }
    if (!vpr_pbfield_room(r->arena, json_string_length(json) + 1)) {
        return full(r);
    }
    *at = vpr_arena_copy(r->arena, json_string_value(json), json_string_length(json) + 1);
    return VPR_OK;
}

static enum vpr_code read_inner(struct reader *r, const ProtobufCMessageDescriptor *type,
                                ProtobufCMessage **at, const json_t *json)
{
    if (!vpr_pbfield_room(r->arena, type->sizeof_message)) {
        return full(r);
    }
    *at = vpr_pbjson_new(r->arena, type);
    return read_message(r, *at, json);
}

/* One value, not null, into memory that holds its default. */
static enum vpr_code read_value(struct reader *r, const ProtobufCFieldDescriptor *f, void *at,
                                const json_t *json)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_BOOL:
        if (!json_is_boolean(json)) {
            return want(r, f);
        }
        *(protobuf_c_boolean *)at = json_is_true(json);
        return VPR_OK;
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(r, f, at, json);
    case PROTOBUF_C_TYPE_STRING:
        return read_string(r, f, at, json);
    case PROTOBUF_C_TYPE_BYTES:
        if (json_is_string(json) && !vpr_pbfield_room(r->arena, json_string_length(json))) {
            return full(r);
        }
        if (!json_is_string(json) || !vpr_pbfield_bytes(at, r->arena, string_of(json))) {
            return want(r, f);
        }
        return VPR_OK;
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_inner(r, f->descriptor, at, json);
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
        break;
    }
    return read_number(r, f, at, json);
}

static enum vpr_code read_list(struct reader *r, ProtobufCMessage *message,
                               const ProtobufCFieldDescriptor *f, const json_t *json)
{
    size_t i;
    const json_t *item;

    if (!json_is_array(json)) {
        return bad(r, "a list is expected");
    }
    json_array_foreach((json_t *)(uintptr_t)json, i, item)
    {
        size_t old = enter_item(r, i);
        if (json_is_null(item)) {
            return bad(r, "null cannot stand in a list");
        }
        void *at = vpr_pbfield_append(r->arena, message, f);
        if (at == NULL) {
            return full(r);
        }
        if (f->type == PROTOBUF_C_TYPE_STRING) {
            *(char **)at = (char *)(uintptr_t)protobuf_c_empty_string;
        }
        VPR_TRY(read_value(r, f, at, item));
        leave(r, old);
    }
    return VPR_OK;
}

static enum vpr_code read_field(struct reader *r, ProtobufCMessage *message,
                                const ProtobufCFieldDescriptor *f, const json_t *json)
{
    if (json_is_null(json)) {
        return VPR_OK; /* the default is there */
    }
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        return read_list(r, message, f, json);
    }
    if (!vpr_pbfield_choose(message, f)) {
        return bad(r, "another field of the same choice is set too");
    }
    return read_value(r, f, vpr_pbfield_at(message, f->offset), json);
}

/* `skip` is a key that belongs to somebody else ("@type"). */
static enum vpr_code read_fields(struct reader *r, ProtobufCMessage *message, const json_t *json,
                                 const char *skip)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    uint8_t seen[FIELDS_MAX] = {0};
    const char *key;
    json_t *value;

    VPR_ASSERT(d->n_fields <= FIELDS_MAX);
    if (!json_is_object(json)) {
        return bad(r, "an object is expected");
    }
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (skip != NULL && strcmp(key, skip) == 0) {
            continue;
        }
        size_t old = enter(r, key);
        const ProtobufCFieldDescriptor *f = vpr_pbjson_field(d, vpr_bytes_str(key));
        if (f == NULL) {
            if (r->options->strict) {
                return bad(r, "there is no such field");
            }
        } else {
            if (seen[f - d->fields]++ > 0) {
                return bad(r, "the field occurs twice");
            }
            VPR_TRY(read_field(r, message, f, value));
        }
        leave(r, old);
    }
    for (unsigned i = 0; d == r->options->whole && i < d->n_fields; i++) {
        if (seen[i] == 0) {
            (void)enter(r, d->fields[i].name);
            return bad(r, "the field is missing; 0 must be said");
        }
    }
    return VPR_OK;
}

/* --- google.protobuf ------------------------------------------------------------------- */

static void *field_at(ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    VPR_ASSERT(f != NULL);
    return vpr_pbfield_at(message, f->offset);
}

static enum vpr_code read_time(struct reader *r, ProtobufCMessage *message, const json_t *json)
{
    if (!json_is_string(json) ||
        !vpr_time_parse(field_at(message, "seconds"), field_at(message, "nanos"),
                        string_of(json))) {
        return bad(r, "a time like \"2026-01-02T03:04:05Z\" is expected");
    }
    return VPR_OK;
}

static enum vpr_code read_duration(struct reader *r, ProtobufCMessage *message,
                                   const json_t *json)
{
    if (!json_is_string(json) ||
        !vpr_duration_parse(field_at(message, "seconds"), field_at(message, "nanos"),
                            string_of(json), false)) {
        return bad(r, "a duration like \"1.5s\" is expected");
    }
    return VPR_OK;
}

static bool named(const ProtobufCMessage *message, const char *name)
{
    return strcmp(message->descriptor->name, name) == 0;
}

static bool own_form(const ProtobufCMessage *message)
{
    return named(message, "google.protobuf.Timestamp") ||
           named(message, "google.protobuf.Duration") || named(message, "google.protobuf.Any");
}

static enum vpr_code read_any(struct reader *r, ProtobufCMessage *message, const json_t *json)
{
    const json_t *type = json_object_get(json, "@type");
    const struct vpr_pbjson_options *o = r->options;

    if (!json_is_object(json)) {
        return bad(r, "an object with \"@type\" is expected");
    }
    if (type == NULL && json_object_size(json) == 0) {
        return VPR_OK;
    }
    if (!json_is_string(type)) {
        return bad(r, "\"@type\" is missing");
    }
    const char *url = json_string_value(type);
    const ProtobufCMessageDescriptor *d =
        o->resolve == NULL ? NULL : o->resolve(o->resolve_arg, url);
    if (d == NULL) {
        return vpr_fail(r->err, VPR_UNKNOWN_MESSAGE, "%s.@type: '%.80s' is not a known type",
                        r->path, url);
    }
    if (!vpr_pbfield_room(r->arena, d->sizeof_message)) {
        return full(r);
    }
    ProtobufCMessage *inner = vpr_pbjson_new(r->arena, d);
    if (own_form(inner)) {
        VPR_TRY(read_message(r, inner, json_object_get(json, "value")));
    } else {
        VPR_TRY(read_fields(r, inner, json, "@type"));
    }
    if (!vpr_pbfield_room(r->arena, protobuf_c_message_get_packed_size(inner) + strlen(url))) {
        return full(r);
    }
    struct vpr_bytes wire = vpr_arena_pack(r->arena, inner);
    *(char **)field_at(message, "type_url") = vpr_arena_copy(r->arena, url, strlen(url) + 1);
    *(ProtobufCBinaryData *)field_at(message, "value") =
        (ProtobufCBinaryData){wire.len, (uint8_t *)(uintptr_t)wire.data};
    return VPR_OK;
}

static enum vpr_code read_inside(struct reader *r, ProtobufCMessage *message,
                                 const json_t *json)
{
    if (named(message, "google.protobuf.Timestamp")) {
        return read_time(r, message, json);
    }
    if (named(message, "google.protobuf.Duration")) {
        return read_duration(r, message, json);
    }
    if (named(message, "google.protobuf.Any")) {
        return read_any(r, message, json);
    }
    return read_fields(r, message, json, NULL);
}

static enum vpr_code read_message(struct reader *r, ProtobufCMessage *message,
                                  const json_t *json)
{
    if (r->depth == VPR_PBJSON_DEPTH_MAX) {
        return bad(r, "nested deeper than 32");
    }
    r->depth++;
    enum vpr_code code = read_inside(r, message, json);
    r->depth--;
    return code;
}

enum vpr_code vpr_pbjson_parse(ProtobufCMessage **ret, struct vpr_arena *arena,
                               const ProtobufCMessageDescriptor *descriptor,
                               struct vpr_bytes text, const struct vpr_pbjson_options *options,
                               struct vpr_err *err)
{
    static const struct vpr_pbjson_options none = {.strict = false};
    struct reader r = {.arena = arena, .options = options == NULL ? &none : options,
                       .err = err};
    json_error_t fault;
    json_t *json = json_loadb(text.len == 0 ? "" : (const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (json == NULL) {
        return vpr_fail(err, VPR_BAD_ENCODING, "JSON, line %d, column %d: %.150s", fault.line,
                        fault.column, fault.text);
    }
    ProtobufCMessage *message = NULL;
    enum vpr_code code = read_inner(&r, descriptor, &message, json);
    json_decref(json);
    if (code == VPR_OK) {
        *ret = message;
    }
    return code;
}
