#include "app/base/pbcheck.h"

/* Field numbers are 29 bits; protobuf-c reads tags and lengths of at most 5 bytes. */
#define FIELD_ID_MAX ((UINT32_C(1) << 29) - 1)
#define SHORT_VARINT_MAX 5
#define LONG_VARINT_MAX 10

/* Our protos stay far below; `seen` is one bit a field. */
#define FIELDS_PER_MESSAGE_MAX 128

enum wire_type { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 };

/* One message that is being read, from the outermost in. */
struct level {
    const ProtobufCMessageDescriptor *descriptor;
    const uint8_t *end;
    uint32_t last_id; /* of the field before, 0 at the beginning */
    uint64_t seen[FIELDS_PER_MESSAGE_MAX / 64];
};

struct walk {
    const uint8_t *start, *at;
    enum vpr_pb_rule rule;
    uint32_t fields_left;
    struct vpr_pb_fault *fault;
    unsigned depth; /* of the levels in use; levels[depth - 1] is the innermost */
    struct level levels[VPR_PB_DEPTH_MAX];
};

static bool refuse(struct walk *w, const uint8_t *at, const char *reason)
{
    if (w->fault != NULL) {
        w->fault->offset = (size_t)(at - w->start);
        w->fault->reason = reason;
    }
    return false;
}

static bool strict(const struct walk *w)
{
    return w->rule == VPR_PB_CANONICAL;
}

/* Bits beyond the 64th are dropped where the rule is lenient, as protobuf-c does. */
static bool read_varint(struct walk *w, const uint8_t *end, unsigned bytes_max, uint64_t *ret_v)
{
    const uint8_t *begin = w->at;
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes_max; i++) {
        if (w->at == end) {
            return refuse(w, begin, "number is cut short");
        }
        uint8_t byte = *w->at++;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            if (strict(w) && ((byte == 0 && i > 0) || (i == LONG_VARINT_MAX - 1 && byte > 1))) {
                return refuse(w, begin, "number is not minimal");
            }
            *ret_v = v;
            return true;
        }
    }
    return refuse(w, begin, "number is too long");
}

static bool count_field(struct walk *w)
{
    if (w->fields_left == 0) {
        return refuse(w, w->at, "too many fields");
    }
    w->fields_left--;
    return true;
}

/* Bytes of one well-formed character at `s`, or 0: no overlong form, no surrogate, nothing
 * above U+10FFFF (RFC 3629, section 4), and no NUL, which would end the C string early. */
static size_t utf8_length(const uint8_t *s, size_t left)
{
    if (s[0] < 0x80) {
        return s[0] != 0 ? 1 : 0;
    }
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
               : s[0] >= 0xe0 && s[0] <= 0xef ? 3
               : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || n > left) {
        return 0;
    }
    uint8_t low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    return n;
}

static bool check_text(struct walk *w, size_t len)
{
    for (const uint8_t *end = w->at + len; w->at < end;) {
        size_t n = utf8_length(w->at, (size_t)(end - w->at));
        if (n == 0) {
            return refuse(w, w->at, *w->at == 0 ? "NUL in a string" : "string is not UTF-8");
        }
        w->at += n;
    }
    return true;
}

/* How one element of `type` lies on the wire. */
static enum wire_type wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LEN;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return WIRE_VARINT;
    }
    VPR_HALT("not a type of protobuf-c");
}

/* Would decoding `v` as `type` and encoding it again give the same number? */
static bool fits(ProtobufCType type, uint64_t v)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        /* Negative ones are written as 64-bit numbers. */
        return v <= INT32_MAX || v >= UINT64_MAX - INT32_MAX;
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
        return v <= UINT32_MAX;
    case PROTOBUF_C_TYPE_BOOL:
        return v <= 1;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
        return true;
    case PROTOBUF_C_TYPE_FLOAT: /* no fractions in consensus */
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_STRING: /* these three are no numbers */
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return false;
    }
    return false;
}

/* A number of `wire` type; `type` matters only to the strict rule. */
static bool read_number(struct walk *w, const uint8_t *end, enum wire_type wire,
                        ProtobufCType type, uint64_t *ret_v)
{
    const uint8_t *begin = w->at;
    uint64_t v = 0;

    if (wire == WIRE_VARINT) {
        if (!read_varint(w, end, LONG_VARINT_MAX, &v)) {
            return false;
        }
    } else {
        size_t n = wire == WIRE_32 ? 4 : 8;
        if ((size_t)(end - w->at) < n) {
            return refuse(w, begin, "number is cut short");
        }
        for (size_t i = 0; i < n; i++) {
            v |= (uint64_t)w->at[i] << (8 * i);
        }
        w->at += n;
    }
    if (strict(w) && !fits(type, v)) {
        return refuse(w, begin, "number does not fit its type");
    }
    *ret_v = v;
    return true;
}

static bool read_length(struct walk *w, const uint8_t *end, size_t *ret_len)
{
    const uint8_t *begin = w->at;
    uint64_t len;

    if (!read_varint(w, end, SHORT_VARINT_MAX, &len)) {
        return false;
    }
    if (len > (uint64_t)(end - w->at)) {
        return refuse(w, begin, "length goes beyond its message");
    }
    *ret_len = (size_t)len;
    return true;
}

/* Each element counts as a field, so that `fields_max` bounds the memory unpacking takes. */
static bool check_packed(struct walk *w, const ProtobufCFieldDescriptor *field, size_t len)
{
    const uint8_t *end = w->at + len;
    uint64_t v;

    if (strict(w) && len == 0) {
        return refuse(w, w->at, "empty list is spelled out");
    }
    while (w->at < end) {
        if (!count_field(w) ||
            !read_number(w, end, wire_type_of(field->type), field->type, &v)) {
            return false;
        }
    }
    return true;
}

static bool enter(struct walk *w, const ProtobufCMessageDescriptor *descriptor, size_t len)
{
    if (w->depth == VPR_PB_DEPTH_MAX) {
        return refuse(w, w->at, "nested too deeply");
    }
    VPR_ASSERT(descriptor->n_fields <= FIELDS_PER_MESSAGE_MAX);
    w->levels[w->depth++] = (struct level){.descriptor = descriptor, .end = w->at + len};
    return true;
}

static bool skip_unknown(struct walk *w, const uint8_t *end, uint32_t wire)
{
    uint64_t v;
    size_t len;

    switch (wire) {
    case WIRE_VARINT:
    case WIRE_32:
    case WIRE_64:
        return read_number(w, end, (enum wire_type)wire, PROTOBUF_C_TYPE_UINT64, &v);
    case WIRE_LEN:
        if (!read_length(w, end, &len)) {
            return false;
        }
        w->at += len;
        return true;
    default:
        return refuse(w, w->at, "wire type does not exist");
    }
}

/* May the field stand here, after those before it?  `begin` is where its tag is.
 *
 * A message field that occurs twice is refused by both rules: no encoder writes it, and
 * protobuf-c would merge the two by copying every list, which takes squared time. */
static bool check_place(struct walk *w, struct level *l, const ProtobufCFieldDescriptor *field,
                        const uint8_t *begin)
{
    size_t index = (size_t)(field - l->descriptor->fields);
    uint64_t bit = UINT64_C(1) << (index % 64);
    bool again = (l->seen[index / 64] & bit) != 0;
    bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
    bool packed = (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;

    l->seen[index / 64] |= bit;
    if (again && !list && (strict(w) || field->type == PROTOBUF_C_TYPE_MESSAGE)) {
        return refuse(w, begin, "field occurs twice");
    }
    if (!strict(w)) {
        return true;
    }
    if (again && packed) {
        return refuse(w, begin, "packed list occurs twice");
    }
    if (field->id < l->last_id) {
        return refuse(w, begin, "fields are out of order");
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return true;
    }
    for (size_t i = 0; i < l->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *other = &l->descriptor->fields[i];
        if (i != index && (l->seen[i / 64] >> (i % 64) & 1) != 0 &&
            (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            other->quantifier_offset == field->quantifier_offset) {
            return refuse(w, begin, "two fields of a oneof");
        }
    }
    return true;
}

static bool check_known(struct walk *w, const uint8_t *end,
                        const ProtobufCFieldDescriptor *field, uint32_t wire)
{
    const uint8_t *begin = w->at;
    enum wire_type own = wire_type_of(field->type);
    bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
    /* proto3 leaves out a field that has its default, except in lists and oneofs. */
    bool omits = !list && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0;
    bool packed = (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;
    uint64_t v;
    size_t len;

    if (own != WIRE_LEN) {
        if (list && wire == WIRE_LEN && (packed || !strict(w))) {
            return read_length(w, end, &len) && check_packed(w, field, len);
        }
        if (wire != own || (strict(w) && packed)) {
            return refuse(w, begin, "wire type does not fit the field");
        }
        if (!read_number(w, end, own, field->type, &v)) {
            return false;
        }
        return !strict(w) || !omits || v != 0 || refuse(w, begin, "default is spelled out");
    }
    if (wire != WIRE_LEN) {
        return refuse(w, begin, "wire type does not fit the field");
    }
    if (!read_length(w, end, &len)) {
        return false;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return enter(w, field->descriptor, len);
    }
    if (strict(w) && omits && len == 0) {
        return refuse(w, begin, "default is spelled out");
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return check_text(w, len);
    }
    w->at += len;
    return true;
}

static bool check_field(struct walk *w)
{
    struct level *l = &w->levels[w->depth - 1];
    const uint8_t *begin = w->at;
    uint64_t tag;

    if (!count_field(w) || !read_varint(w, l->end, SHORT_VARINT_MAX, &tag)) {
        return false;
    }
    uint64_t id = tag >> 3;
    uint32_t wire = (uint32_t)(tag & 7);
    if (id == 0 || id > FIELD_ID_MAX) {
        return refuse(w, begin, "field number does not exist");
    }

    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(l->descriptor, (unsigned)id);
    if (field == NULL) {
        return strict(w) ? refuse(w, begin, "unknown field") : skip_unknown(w, l->end, wire);
    }
    if (!check_place(w, l, field, begin)) {
        return false;
    }
    l->last_id = field->id;
    return check_known(w, l->end, field, wire);
}

bool vpr_pb_check(const ProtobufCMessageDescriptor *descriptor, struct vpr_bytes wire,
                  enum vpr_pb_rule rule, uint32_t fields_max, struct vpr_pb_fault *fault)
{
    static const uint8_t none[1];
    struct walk w = {.start = wire.len > 0 ? wire.data : none,
                     .rule = rule,
                     .fields_left = fields_max,
                     .fault = fault};

    w.at = w.start;
    if (wire.len > INT32_MAX) {
        return refuse(&w, w.start, "message is longer than protobuf allows");
    }
    if (!enter(&w, descriptor, wire.len)) {
        return false;
    }
    /* Every turn takes a field off `fields_left` or a level off `depth`. */
    while (w.depth > 0) {
        if (w.at == w.levels[w.depth - 1].end) {
            w.depth--;
        } else if (!check_field(&w)) {
            return false;
        }
    }
    return true;
}
