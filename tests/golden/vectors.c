#include "tests/golden/vectors.h"

#include <stdio.h>
#include <stdlib.h>

struct vpr_arena vec_arena;
unsigned vec_cases;
static json_t *root;

void vec_open(const char *path)
{
    json_error_t error;
    root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
        exit(2);
    }
    vpr_arena_init(&vec_arena, (size_t)64 << 20);
}

void vec_close(void)
{
    json_decref(root);
    vpr_arena_finish(&vec_arena);
}

json_t *vec_group(const char *group, const char *part)
{
    json_t *found = vec_get(root, group);
    return part == NULL ? found : vec_get(found, part);
}

static const char *count_case(json_t *id)
{
    ck_assert(json_is_string(id));
    vec_cases++;
    vpr_arena_release(&vec_arena, 0);
    return json_string_value(id);
}

const char *vec_case(json_t *item)
{
    return count_case(vec_get(item, "id"));
}

const char *vec_row(json_t *row)
{
    return count_case(vec_at(row, 0));
}

json_t *vec_get(json_t *item, const char *name)
{
    json_t *found = json_object_get(item, name);
    ck_assert_msg(found != NULL, "no member %s", name);
    return found;
}

json_t *vec_at(json_t *list, size_t index)
{
    json_t *found = json_array_get(list, index);
    ck_assert_msg(found != NULL, "no cell %zu", index);
    return found;
}

vpr_u128 vec_u128(json_t *value)
{
    if (json_is_integer(value)) {
        ck_assert(json_integer_value(value) >= 0);
        return (uint64_t)json_integer_value(value);
    }
    ck_assert(json_is_string(value) && json_string_length(value) >= 1);
    vpr_u128 number = 0;
    for (const char *c = json_string_value(value); *c != '\0'; c++) {
        ck_assert(*c >= '0' && *c <= '9');
        number = number * 10 + (unsigned char)(*c - '0');
    }
    return number;
}

uint64_t vec_u64(json_t *value)
{
    vpr_u128 number = vec_u128(value);
    ck_assert(number <= UINT64_MAX);
    return (uint64_t)number;
}

uint32_t vec_u32(json_t *value)
{
    uint64_t number = vec_u64(value);
    ck_assert(number <= UINT32_MAX);
    return (uint32_t)number;
}

bool vec_bool(json_t *value)
{
    ck_assert(json_is_boolean(value));
    return json_is_true(value);
}

struct vpr_bytes vec_text(json_t *value)
{
    ck_assert(json_is_string(value));
    return vpr_bytes_of(json_string_value(value), json_string_length(value));
}

struct vpr_bytes vec_hex(json_t *value)
{
    struct vpr_bytes text = vec_text(value);
    uint8_t *out = vpr_arena_alloc(&vec_arena, text.len / 2);
    ck_assert_msg(vpr_unhex(out, text.len / 2, text), "not hex: %s", json_string_value(value));
    return vpr_bytes_of(out, text.len / 2);
}

struct vpr_hash vec_hash(json_t *value)
{
    struct vpr_bytes text = vec_text(value);
    struct vpr_hash hash;
    if (text.len > 0 && text.data[0] == '#') {
        return vpr_sha256(text.data + 1, text.len - 1);
    }
    ck_assert_msg(vpr_unhex(hash.b, sizeof hash.b, text), "not 32 bytes: %s",
                  json_string_value(value));
    return hash;
}

struct vpr_address vec_address(json_t *value)
{
    struct vpr_bytes text = vec_text(value);
    struct vpr_address address;
    if (!vpr_unhex(address.b, sizeof address.b, text)) {
        struct vpr_hash hash = vpr_sha256(text.data, text.len);
        memcpy(address.b, hash.b, sizeof address.b);
    }
    return address;
}

struct vpr_signature vec_signature(json_t *value)
{
    struct vpr_signature signature;
    ck_assert(vpr_unhex(signature.b, sizeof signature.b, vec_text(value)));
    return signature;
}

struct vpr_sumnode vec_node(json_t *pair)
{
    return (struct vpr_sumnode){vec_hash(vec_at(pair, 0)), vec_u64(vec_at(pair, 1))};
}

void vec_same(const char *id, const char *what, json_t *want, const void *got, size_t len)
{
    struct vpr_bytes bytes = vec_hex(want);
    ck_assert_msg(vpr_bytes_equal(bytes, vpr_bytes_of(got, len)), "%s: %s differs", id, what);
}
