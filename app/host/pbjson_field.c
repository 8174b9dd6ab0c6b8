#include "app/host/pbjson_field.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "app/base/bytes.h"

#define FIRST_ITEMS 4

size_t vpr_pbfield_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    }
    return 0;
}

ProtobufCMessage *vpr_pbjson_new(struct vpr_arena *arena,
                                 const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message = vpr_arena_alloc(arena, descriptor->sizeof_message);
    descriptor->message_init(message);
    return message;
}

/* "snake_case" against "snakeCase": the rule of json_name. */
static bool camel_is(const char *snake, struct vpr_bytes name)
{
    size_t at = 0;
    bool up = false;
    for (const char *c = snake; *c != '\0'; c++) {
        if (*c == '_') {
            up = true;
            continue;
        }
        char want = up && *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
        up = false;
        if (at == name.len || name.data[at++] != (uint8_t)want) {
            return false;
        }
    }
    return at == name.len;
}

const ProtobufCFieldDescriptor *vpr_pbjson_field(const ProtobufCMessageDescriptor *descriptor,
                                                 struct vpr_bytes name)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &descriptor->fields[i];
        if (vpr_bytes_equal(name, vpr_bytes_str(f->name)) || camel_is(f->name, name)) {
            return f;
        }
    }
    return NULL;
}

/* Room doubles whenever the count is a power of two, so that no capacity is stored. */
void *vpr_pbfield_append(struct vpr_arena *arena, ProtobufCMessage *message,
                         const ProtobufCFieldDescriptor *field)
{
    size_t *count = vpr_pbfield_at(message, field->quantifier_offset);
    void **items = vpr_pbfield_at(message, field->offset);
    size_t size = vpr_pbfield_size(field->type);
    bool full = *count == 0 || (*count >= FIRST_ITEMS && (*count & (*count - 1)) == 0);

    if (full) {
        size_t room = *count == 0 ? FIRST_ITEMS : *count * 2;
        if (!vpr_pbfield_room(arena, size * room)) {
            return NULL;
        }
        void *grown = vpr_arena_alloc_array(arena, size, room);
        if (*count > 0) {
            memcpy(grown, *items, *count * size);
        }
        *items = grown;
    }
    return (uint8_t *)*items + (*count)++ * size;
}

bool vpr_pbfield_choose(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        uint32_t *chosen = vpr_pbfield_at(message, field->quantifier_offset);
        if (*chosen != 0) {
            return false;
        }
        *chosen = field->id;
        return true;
    }
    /* proto2's has_; strings and messages are there by being no NULL */
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0) {
        *(protobuf_c_boolean *)vpr_pbfield_at(message, field->quantifier_offset) = 1;
    }
    return true;
}

/* Minus, no leading zero, digits; through uint64. */
static bool whole(struct vpr_bytes text, uint64_t *ret, bool *ret_minus)
{
    uint64_t v = 0;
    bool minus = text.len > 0 && text.data[0] == '-';

    if (minus) {
        text = vpr_bytes_of(text.data + 1, text.len - 1);
    }
    if (text.len == 0 || text.len > 20 || (text.len > 1 && text.data[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        uint64_t d = (uint64_t)text.data[i] - '0';
        if (d > 9 || v > (UINT64_MAX - d) / 10) {
            return false;
        }
        v = v * 10 + d;
    }
    *ret = v;
    *ret_minus = minus;
    return true;
}

static bool signed_in(struct vpr_bytes text, int64_t min, int64_t max, int64_t *ret)
{
    uint64_t v;
    bool minus;
    if (!whole(text, &v, &minus) || v > (uint64_t)INT64_MAX + (minus ? 1 : 0)) {
        return false;
    }
    int64_t s = minus ? (int64_t)((uint64_t)0 - v) : (int64_t)v;
    if (s < min || s > max) {
        return false;
    }
    *ret = s;
    return true;
}

static bool unsigned_in(struct vpr_bytes text, uint64_t max, uint64_t *ret)
{
    uint64_t v;
    bool minus;
    if (!whole(text, &v, &minus) || (minus && v != 0) || v > max) {
        return false;
    }
    *ret = v;
    return true;
}

static bool real_in(struct vpr_bytes text, bool single, double *ret)
{
    char copy[64];
    char *end;

    if (vpr_bytes_equal(text, vpr_bytes_str("NaN"))) {
        *ret = NAN;
        return true;
    }
    if (vpr_bytes_equal(text, vpr_bytes_str("Infinity")) ||
        vpr_bytes_equal(text, vpr_bytes_str("-Infinity"))) {
        *ret = text.data[0] == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (text.len == 0 || text.len >= sizeof copy) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) { /* no "0x", "inf", spaces */
        if (strchr("0123456789+-.eE", text.data[i]) == NULL || text.data[i] == 0) {
            return false;
        }
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    double v = strtod(copy, &end);
    if (*end != '\0' || isinf(v) || (single && isinf((float)v))) {
        return false;
    }
    *ret = v;
    return true;
}

bool vpr_pbfield_number(void *at, const ProtobufCFieldDescriptor *field, struct vpr_bytes text)
{
    int64_t s;
    uint64_t u;
    double r;

    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        if (!signed_in(text, INT32_MIN, INT32_MAX, &s)) {
            return false;
        }
        *(int32_t *)at = (int32_t)s;
        return true;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return signed_in(text, INT64_MIN, INT64_MAX, at);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        if (!unsigned_in(text, UINT32_MAX, &u)) {
            return false;
        }
        *(uint32_t *)at = (uint32_t)u;
        return true;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return unsigned_in(text, UINT64_MAX, at);
    case PROTOBUF_C_TYPE_FLOAT:
        if (!real_in(text, true, &r)) {
            return false;
        }
        *(float *)at = (float)r;
        return true;
    case PROTOBUF_C_TYPE_DOUBLE:
        return real_in(text, false, at);
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return false;
}

bool vpr_pbfield_bytes(ProtobufCBinaryData *at, struct vpr_arena *arena, struct vpr_bytes text)
{
    uint8_t *out = vpr_arena_alloc(arena, text.len / 4 * 3 + 3);
    size_t len;
    if (!vpr_unbase64(out, &len, text)) {
        return false;
    }
    *at = (ProtobufCBinaryData){len, out};
    return true;
}

bool vpr_pbfield_enum(int *at, const ProtobufCFieldDescriptor *field, struct vpr_bytes name)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    for (unsigned i = 0; i < type->n_values; i++) {
        if (vpr_bytes_equal(name, vpr_bytes_str(type->values[i].name))) {
            *at = type->values[i].value;
            return true;
        }
    }
    return false;
}

const char *vpr_pbfield_wants(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return "a whole number of 32 bits";
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return "a whole number of 64 bits";
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return "a whole number from 0 to 4294967295";
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return "a whole number from 0 to 18446744073709551615";
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return "a number";
    case PROTOBUF_C_TYPE_BOOL:
        return "true or false";
    case PROTOBUF_C_TYPE_ENUM:
        return "the name or number of a value";
    case PROTOBUF_C_TYPE_STRING:
        return "a string";
    case PROTOBUF_C_TYPE_BYTES:
        return "a base64 string";
    case PROTOBUF_C_TYPE_MESSAGE:
        return "an object";
    }
    return "another type";
}
