#include "fisherman/canon.h"

#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/json_scan.h"

/* A member of an object; `name` is the decoded key. */
struct member {
    struct vpr_bytes name, value;
    size_t index;
};

static void write_value(struct vpr_buf *out, struct vpr_bytes value, bool shape);

/* Decoded into memory of its own; the text of a string is shorter than its span. */
static struct vpr_bytes decode(struct vpr_bytes string)
{
    char *text = vpr_mem_alloc(string.len + 1);
    size_t len = 0;

    if (!vpr_json_text(text, string.len + 1, &len, string)) {
        VPR_HALT("a checked string that cannot be read");
    }
    return vpr_bytes_of(text, len);
}

static void release(struct vpr_bytes text)
{
    vpr_mem_free((void *)(uintptr_t)text.data);
}

static int member_cmp(const void *a, const void *b)
{
    const struct member *left = a, *right = b;
    const int order = vpr_bytes_cmp(left->name, right->name);

    if (order != 0) {
        return order;
    }
    return left->index < right->index ? -1 : left->index > right->index;
}

static size_t count_members(struct vpr_bytes object)
{
    struct vpr_bytes key, value;
    size_t at = 0, count = 0;

    while (vpr_json_next(object, &at, &key, &value)) {
        count++;
    }
    return count;
}

static void write_object(struct vpr_buf *out, struct vpr_bytes object, bool shape)
{
    const size_t count = count_members(object);
    struct member *members = vpr_mem_alloc((count + 1) * sizeof *members);
    struct vpr_bytes key;
    size_t at = 0;

    for (size_t i = 0; i < count; i++) {
        if (!vpr_json_next(object, &at, &key, &members[i].value)) {
            VPR_HALT("an object that lost a member");
        }
        members[i].name = decode(key);
        members[i].index = i;
    }
    qsort(members, count, sizeof *members, member_cmp);
    vpr_buf_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        /* Of equal keys the last counts, as most readers have it. */
        if (i + 1 == count || !vpr_bytes_equal(members[i].name, members[i + 1].name)) {
            vpr_buf_json(out, members[i].name);
            vpr_buf_char(out, ':');
            if (!shape) {
                write_value(out, members[i].value, false);
            }
            vpr_buf_char(out, ',');
        }
    }
    vpr_buf_char(out, '}');
    for (size_t i = 0; i < count; i++) {
        release(members[i].name);
    }
    vpr_mem_free(members);
}

static void write_array(struct vpr_buf *out, struct vpr_bytes array)
{
    struct vpr_bytes key, value;
    size_t at = 0;

    vpr_buf_char(out, '[');
    while (!out->over && vpr_json_next(array, &at, &key, &value)) {
        write_value(out, value, false);
        vpr_buf_char(out, ',');
    }
    vpr_buf_char(out, ']');
}

static void write_value(struct vpr_buf *out, struct vpr_bytes value, bool shape)
{
    switch (vpr_json_type(value)) {
    case VPR_JSON_OBJECT:
        write_object(out, value, shape);
        return;
    case VPR_JSON_ARRAY:
        if (shape) {
            vpr_buf_str(out, "array");
        } else {
            write_array(out, value);
        }
        return;
    case VPR_JSON_STRING:
        if (shape) {
            vpr_buf_str(out, "string");
        } else {
            struct vpr_bytes text = decode(value);
            vpr_buf_json(out, text);
            release(text);
        }
        return;
    case VPR_JSON_NUMBER:
        if (shape) {
            vpr_buf_str(out, "number");
        } else {
            vpr_buf_add(out, value.data, value.len);
        }
        return;
    case VPR_JSON_TRUE:
    case VPR_JSON_FALSE:
        if (shape) {
            vpr_buf_str(out, "bool");
        } else {
            vpr_buf_add(out, value.data, value.len);
        }
        return;
    case VPR_JSON_NULL:
    case VPR_JSON_NONE:
        vpr_buf_str(out, "null");
        return;
    }
}

static bool hash(struct vpr_hash *ret, struct vpr_bytes value, bool shape)
{
    struct vpr_buf out;

    vpr_buf_init(&out, VPR_CANON_BYTES_MAX);
    write_value(&out, value, shape);
    const bool whole = !out.over;
    if (whole) {
        *ret = vpr_sha256(out.data, out.len);
    }
    vpr_buf_finish(&out);
    return whole;
}

bool vpr_canon_hash(struct vpr_hash *ret, struct vpr_bytes value)
{
    return hash(ret, value, false);
}

bool vpr_canon_shape(struct vpr_hash *ret, struct vpr_bytes value)
{
    return hash(ret, value, true);
}
