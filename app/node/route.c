#include "app/node/route.h"

#include "app/base/bytes.h"

/* One %XX-encoded piece to text; NUL and broken escapes are refused. */
static const char *unescape(struct vpr_arena *arena, struct vpr_bytes in)
{
    char *out = (char *)vpr_arena_alloc(arena, in.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i];
        if (c == '%') {
            if (in.len - i < 3 || !vpr_unhex(&c, 1, vpr_bytes_of(in.data + i + 1, 2))) {
                return NULL;
            }
            i += 2;
        }
        if (c == 0) {
            return NULL;
        }
        out[n++] = (char)c;
    }
    return out;
}

static struct vpr_bytes segment(struct vpr_bytes *rest)
{
    const uint8_t *slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
    size_t len = slash ? (size_t)(slash - rest->data) : rest->len;
    struct vpr_bytes piece = vpr_bytes_of(rest->data, len);
    size_t eaten = slash ? len + 1 : len;
    *rest = vpr_bytes_of(rest->data + eaten, rest->len - eaten);
    return piece;
}

/* 0: no match; else 1 + the number of literal segments, so that the most literal wins. */
static uint32_t match(struct route_match *ret, struct vpr_arena *arena,
                      const struct route_row *row, struct vpr_bytes path, bool *ret_bad)
{
    struct vpr_bytes pattern = vpr_bytes_str(row->path);
    uint32_t literal = 1;
    ret->row = row;
    ret->field_count = 0;
    while (pattern.len && path.len) {
        bool pattern_more = memchr(pattern.data, '/', pattern.len) != NULL;
        bool path_more = memchr(path.data, '/', path.len) != NULL;
        struct vpr_bytes want = segment(&pattern), have = segment(&path);
        if (pattern_more != path_more) {
            return 0;
        }
        if (want.len >= 2 && want.data[0] == '{') {
            struct route_field *field = &ret->fields[ret->field_count++];
            VPR_ASSERT(ret->field_count <= ROUTE_FIELDS_MAX);
            field->name = vpr_arena_text(arena, "%.*s", (int)want.len - 2,
                                         (const char *)want.data + 1);
            field->value = unescape(arena, have);
            if (!field->value || !*field->value) {
                *ret_bad = true;
                return 0;
            }
        } else if (vpr_bytes_equal(want, have)) {
            literal++;
        } else {
            return 0;
        }
    }
    return pattern.len == 0 && path.len == 0 ? literal : 0;
}

enum route_result route_find(struct route_match *ret, struct vpr_arena *arena,
                             struct vpr_bytes verb, struct vpr_bytes path)
{
    uint32_t best = 0;
    bool other_verb = false, bad = false;
    for (size_t i = 0; i < route_row_count; i++) {
        struct route_match found;
        uint32_t literal = match(&found, arena, &route_rows[i], path, &bad);
        if (!literal) {
            continue;
        }
        if (!vpr_bytes_equal(verb, vpr_bytes_str(route_rows[i].verb))) {
            other_verb = true;
        } else if (literal > best) {
            best = literal;
            *ret = found;
        }
    }
    if (best) {
        return ROUTE_FOUND;
    }
    return other_verb ? ROUTE_NO_VERB : bad ? ROUTE_BAD : ROUTE_NO_PATH;
}
