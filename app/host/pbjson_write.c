/* Messages to proto3 JSON (pbjson.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/pbcheck.h"
#include "app/host/pbjson_field.h"

#define ANY_FIELDS_MAX 65536
#define FIELD_MEMORY 1024 /* what one field of the wire takes at most, unpacked: a message */
#define BYTE_MEMORY 16    /* what one byte of the wire takes: an item of a packed list */

struct writer {
    struct vpr_buf *out;
    const struct vpr_pbjson_options *options;
    struct vpr_err *err;
    unsigned depth;
};

static enum vpr_code write_message(struct writer *w, const ProtobufCMessage *message);

static const void *member(const ProtobufCMessage *message, size_t offset)
{
    return (const uint8_t *)message + offset;
}

static void write_bytes(struct writer *w, ProtobufCBinaryData data)
{
    /* Straight into the buffer: blocks of transactions may be large. */
    size_t max = VPR_BASE64_MAX(data.len);
    vpr_buf_char(w->out, '"');
    if (vpr_buf_reserve(w->out, max)) {
        w->out->len += vpr_base64(w->out->data + w->out->len,
                                  vpr_bytes_of(data.data, data.len));
    }
    vpr_buf_char(w->out, '"');
}

/* The shortest text that reads back as the same number. */
static void write_double(struct writer *w, double v, bool single)
{
    char text[40];

    if (isnan(v) || isinf(v)) {
        vpr_buf_str(w->out, isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    for (int digits = single ? 6 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v) {
            break;
        }
    }
    vpr_buf_str(w->out, text);
}

static void write_enum(struct writer *w, const ProtobufCEnumDescriptor *type, int v)
{
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(type, v);
    if (value == NULL) {
        vpr_buf_i64(w->out, v);
        return;
    }
    vpr_buf_char(w->out, '"');
    vpr_buf_str(w->out, value->name);
    vpr_buf_char(w->out, '"');
}

static void write_quoted(struct writer *w, uint64_t v, bool minus)
{
    vpr_buf_str(w->out, minus ? "\"-" : "\"");
    vpr_buf_u64(w->out, v);
    vpr_buf_char(w->out, '"');
}

/* One value of a field, at `at`. */
static enum vpr_code write_value(struct writer *w, const ProtobufCFieldDescriptor *f,
                                 const void *at)
{
    const char *text;
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        vpr_buf_i64(w->out, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        vpr_buf_u64(w->out, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: {
        int64_t v = *(const int64_t *)at;
        write_quoted(w, v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v, v < 0);
        break;
    }
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_quoted(w, *(const uint64_t *)at, false);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        write_double(w, (double)*(const float *)at, true);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        write_double(w, *(const double *)at, false);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        vpr_buf_str(w->out, *(const protobuf_c_boolean *)at ? "true" : "false");
        break;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(w, f->descriptor, *(const int *)at);
        break;
    case PROTOBUF_C_TYPE_STRING:
        text = *(const char *const *)at;
        vpr_buf_json(w->out, vpr_bytes_str(text == NULL ? "" : text));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(w, *(const ProtobufCBinaryData *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        return write_message(w, *(const ProtobufCMessage *const *)at);
    }
    return VPR_OK;
}

static enum vpr_code write_repeated(struct writer *w, const ProtobufCFieldDescriptor *f,
                                    const ProtobufCMessage *message)
{
    size_t count = *(const size_t *)member(message, f->quantifier_offset);
    const uint8_t *items = *(const uint8_t *const *)member(message, f->offset);
    size_t size = vpr_pbfield_size(f->type);

    vpr_buf_char(w->out, '[');
    for (size_t i = 0; i < count && !w->out->over; i++) {
        if (i > 0) {
            vpr_buf_char(w->out, ',');
        }
        VPR_TRY(write_value(w, f, items + i * size));
    }
    vpr_buf_char(w->out, ']');
    return VPR_OK;
}

static bool all_zero(const void *at, size_t size)
{
    const uint8_t *b = at;
    for (size_t i = 0; i < size; i++) {
        if (b[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool is_default(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *message)
{
    const void *at = member(message, f->offset);
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        return *(const size_t *)member(message, f->quantifier_offset) == 0;
    }
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)at;
        return text == NULL || text[0] == '\0';
    }
    if (f->type == PROTOBUF_C_TYPE_BYTES) {
        return ((const ProtobufCBinaryData *)at)->len == 0;
    }
    return all_zero(at, vpr_pbfield_size(f->type));
}

/* A member of a oneof appears only when it is the chosen one, then also as a default. */
static bool shown(const struct writer *w, const ProtobufCFieldDescriptor *f,
                  const ProtobufCMessage *message)
{
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        return *(const uint32_t *)member(message, f->quantifier_offset) == f->id;
    }
    return !w->options->omit_defaults || !is_default(f, message);
}

static enum vpr_code write_fields(struct writer *w, const ProtobufCMessage *message, bool first)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;

    for (unsigned i = 0; i < d->n_fields && !w->out->over; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        if (!shown(w, f, message)) {
            continue;
        }
        vpr_buf_add(w->out, first ? "\"" : ",\"", first ? 1 : 2);
        first = false;
        vpr_buf_str(w->out, f->name);
        vpr_buf_add(w->out, "\":", 2);
        const void *at = member(message, f->offset);
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            VPR_TRY(write_repeated(w, f, message));
        } else if (f->type == PROTOBUF_C_TYPE_MESSAGE &&
                   *(const ProtobufCMessage *const *)at == NULL) {
            vpr_buf_str(w->out, "null");
        } else {
            VPR_TRY(write_value(w, f, at));
        }
    }
    return VPR_OK;
}

static const void *field_at(const ProtobufCMessage *message, const char *name)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
    VPR_ASSERT(f != NULL);
    return member(message, f->offset);
}

static enum vpr_code write_time(struct writer *w, const ProtobufCMessage *message, bool duration)
{
    char text[VPR_TIME_TEXT_MAX];
    int64_t seconds = *(const int64_t *)field_at(message, "seconds");
    int32_t nanos = *(const int32_t *)field_at(message, "nanos");

    if (!(duration ? vpr_duration_text(text, seconds, nanos)
                   : vpr_time_text(text, seconds, nanos))) {
        return vpr_fail(w->err, VPR_BAD_FIELD, "%s of %" PRId64 " s and %" PRId32
                        " ns has no text", duration ? "duration" : "time", seconds, nanos);
    }
    vpr_buf_char(w->out, '"');
    vpr_buf_str(w->out, text);
    vpr_buf_char(w->out, '"');
    return VPR_OK;
}

static bool own_form(const ProtobufCMessageDescriptor *d)
{
    return strcmp(d->name, "google.protobuf.Timestamp") == 0 ||
           strcmp(d->name, "google.protobuf.Duration") == 0 ||
           strcmp(d->name, "google.protobuf.Any") == 0;
}

/* The message inside, if we know its type and its bytes are sound. */
static ProtobufCMessage *unwrap(struct writer *w, const char *url, ProtobufCBinaryData value)
{
    const struct vpr_pbjson_options *o = w->options;
    struct vpr_bytes wire = vpr_bytes_of(value.data, value.len);

    if (o->resolve == NULL || o->scratch == NULL) {
        return NULL;
    }
    const ProtobufCMessageDescriptor *d = o->resolve(o->resolve_arg, url);
    size_t room = o->scratch->size - o->scratch->used;
    if (d == NULL || wire.len > room / 2 / BYTE_MEMORY) {
        return NULL;
    }
    size_t fields = room / 2 / FIELD_MEMORY;
    if (!vpr_pb_check(d, wire, VPR_PB_LENIENT,
                      fields < ANY_FIELDS_MAX ? (uint32_t)fields : ANY_FIELDS_MAX, NULL)) {
        return NULL;
    }
    return vpr_arena_unpack(o->scratch, d, wire);
}

static enum vpr_code write_any(struct writer *w, const ProtobufCMessage *message)
{
    const char *url = *(const char *const *)field_at(message, "type_url");
    ProtobufCBinaryData value = *(const ProtobufCBinaryData *)field_at(message, "value");
    enum vpr_code code = VPR_OK;

    if (url == NULL || url[0] == '\0') {
        vpr_buf_str(w->out, "{}");
        return VPR_OK;
    }
    size_t mark = w->options->scratch == NULL ? 0 : vpr_arena_mark(w->options->scratch);
    ProtobufCMessage *inner = unwrap(w, url, value);
    vpr_buf_str(w->out, "{\"@type\":");
    vpr_buf_json(w->out, vpr_bytes_str(url));
    if (inner == NULL) {
        vpr_buf_str(w->out, ",\"value\":");
        write_bytes(w, value);
    } else if (own_form(inner->descriptor)) {
        vpr_buf_str(w->out, ",\"value\":");
        code = write_message(w, inner);
    } else {
        code = write_fields(w, inner, false);
    }
    vpr_buf_char(w->out, '}');
    if (w->options->scratch != NULL) {
        vpr_arena_release(w->options->scratch, mark);
    }
    return code;
}

static enum vpr_code write_inside(struct writer *w, const ProtobufCMessage *message)
{
    const char *name = message->descriptor->name;

    if (strncmp(name, "google.protobuf.", 16) == 0) {
        if (strcmp(name + 16, "Timestamp") == 0) {
            return write_time(w, message, false);
        }
        if (strcmp(name + 16, "Duration") == 0) {
            return write_time(w, message, true);
        }
        if (strcmp(name + 16, "Any") == 0) {
            return write_any(w, message);
        }
    }
    vpr_buf_char(w->out, '{');
    VPR_TRY(write_fields(w, message, true));
    vpr_buf_char(w->out, '}');
    return VPR_OK;
}

static enum vpr_code write_message(struct writer *w, const ProtobufCMessage *message)
{
    if (message == NULL) {
        vpr_buf_str(w->out, "null");
        return VPR_OK;
    }
    if (w->depth == VPR_PBJSON_DEPTH_MAX) {
        return vpr_fail(w->err, VPR_TOO_LARGE, "message is nested deeper than %d",
                        VPR_PBJSON_DEPTH_MAX);
    }
    w->depth++;
    enum vpr_code code = write_inside(w, message);
    w->depth--;
    return code;
}

enum vpr_code vpr_pbjson_write(struct vpr_buf *out, const ProtobufCMessage *message,
                               const struct vpr_pbjson_options *options, struct vpr_err *err)
{
    static const struct vpr_pbjson_options none = {.strict = false};
    struct writer w = {.out = out, .options = options == NULL ? &none : options, .err = err};

    VPR_TRY(write_message(&w, message));
    if (out->over) {
        return vpr_fail(err, VPR_TOO_LARGE, "JSON text is larger than %zu bytes", out->max);
    }
    return VPR_OK;
}
