#include "app/client/corpus.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/json_scan.h"

struct vpr_corpus {
    struct vpr_hash hash;
    char *text;
    size_t count;
    struct vpr_corpus_template templates[VPR_CORPUS_TEMPLATES_MAX];
};

/* Of a template's params: something the chain fills in. */
struct place {
    bool height; /* else a hash */
    enum { AS_NUMBER, AS_STRING, AS_HEX } as;
    uint64_t back; /* blocks below the head */
};

/* ---- reading ---- */

static bool text_is(struct vpr_bytes string, const char *want)
{
    char text[VPR_CORPUS_NAME_MAX];
    size_t len;

    return vpr_json_type(string) == VPR_JSON_STRING &&
           vpr_json_text(text, sizeof text, &len, string) && strcmp(text, want) == 0;
}

/* "0" or "-n" with n <= VPR_CORPUS_HEIGHTS - 100: filled places must still be covered
 * when the last servicer is asked, at the end of the session at the latest. */
static bool back_of(uint64_t *ret, struct vpr_bytes number)
{
    const size_t sign = number.len > 1 && number.data[0] == '-' ? 1 : 0;
    uint64_t back;

    if (vpr_json_type(number) != VPR_JSON_NUMBER ||
        !vpr_json_u64(&back, vpr_bytes_of(number.data + sign, number.len - sign)) ||
        back > VPR_CORPUS_HEIGHTS - 100 || (sign == 0 && back != 0)) {
        return false;
    }
    *ret = back;
    return true;
}

/* An object of `height` or `hash`, whose value is a number, and perhaps `as`. */
static bool is_place(struct vpr_bytes value, struct place *ret)
{
    struct vpr_bytes key, member;
    struct place place = {.as = AS_NUMBER};
    size_t at = 0;
    bool height = false, hash = false;

    if (vpr_json_type(value) != VPR_JSON_OBJECT) {
        return false;
    }
    while (vpr_json_next(value, &at, &key, &member)) {
        if (text_is(key, "height") && back_of(&place.back, member)) {
            height = true;
        } else if (text_is(key, "hash") && back_of(&place.back, member)) {
            hash = true;
        } else if (text_is(key, "as") && text_is(member, "string")) {
            place.as = AS_STRING;
        } else if (text_is(key, "as") && text_is(member, "hex")) {
            place.as = AS_HEX;
        } else {
            return false;
        }
    }
    if (height == hash) {
        return false;
    }
    place.height = height;
    *ret = place;
    return true;
}

static bool nested(struct vpr_bytes value)
{
    return vpr_json_type(value) == VPR_JSON_ARRAY || vpr_json_type(value) == VPR_JSON_OBJECT;
}

/* Depth is bounded by the JSON reader, here and wherever values are walked. */
static void find_places(struct vpr_corpus_template *t, struct vpr_bytes value)
{
    struct vpr_bytes key, member;
    struct place place;
    size_t at = 0;

    if (is_place(value, &place)) {
        t->heights = t->heights || place.height;
        t->hashes = t->hashes || !place.height;
        return;
    }
    while (nested(value) && vpr_json_next(value, &at, &key, &member)) {
        find_places(t, member);
    }
}

static const char *read_compare(struct vpr_corpus_template *t, struct vpr_bytes value)
{
    static const char *const kinds[] = {"exact", "head", "shape", "ignore"};
    struct vpr_bytes key, member;
    size_t at = 0, len;
    bool kind_seen = false;

    if (vpr_json_type(value) != VPR_JSON_OBJECT) {
        return "compare is no object";
    }
    while (vpr_json_next(value, &at, &key, &member)) {
        if (text_is(key, "kind")) {
            for (size_t i = 0; i < VPR_COUNT(kinds); i++) {
                if (text_is(member, kinds[i])) {
                    t->compare = (enum vpr_compare)i;
                    kind_seen = true;
                }
            }
        } else if (text_is(key, "at")) {
            if (!vpr_json_text(t->at, sizeof t->at, &len, member)) {
                return "compare.at is no short string";
            }
        } else if (text_is(key, "within")) {
            if (!vpr_json_u64(&t->within, member)) {
                return "compare.within is no number";
            }
        } else {
            return "compare has a key other than kind, at, within";
        }
    }
    return kind_seen ? NULL : "compare.kind is not exact, head, shape or ignore";
}

static bool is_verb(const char *method)
{
    static const char *const verbs[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

    for (size_t i = 0; i < VPR_COUNT(verbs); i++) {
        if (strcmp(method, verbs[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const char *check_template(struct vpr_corpus_template *t)
{
    for (const char *c = t->method; *c != '\0'; c++) {
        if (*c < '!' || *c > '~' || *c == '"' || *c == '\\') {
            return "method has characters that no method has";
        }
    }
    for (const char *c = t->path; *c != '\0'; c++) {
        if (*c < '!' || *c > '~') {
            return "path has characters that no path has";
        }
    }
    if (t->path[0] != '\0' && t->path[0] != '/' && t->path[0] != '?') {
        return "path does not begin with / or ?";
    }
    t->rest = is_verb(t->method);
    if (t->rest && t->params.len > 0) {
        return "a REST template has no params";
    }
    if (t->params.len > 0 && !nested(t->params)) {
        return "params are no array and no object";
    }
    find_places(t, t->params);
    return NULL;
}

static const char *read_template(struct vpr_corpus_template *t, struct vpr_bytes line)
{
    struct vpr_bytes key, value;
    size_t at = 0, len;
    bool compared = false;

    if (!vpr_json_check(line, NULL) || vpr_json_type(line) != VPR_JSON_OBJECT) {
        return "not one JSON object";
    }
    while (vpr_json_next(line, &at, &key, &value)) {
        if (text_is(key, "method")) {
            if (!vpr_json_text(t->method, sizeof t->method, &len, value) || len == 0) {
                return "method is no short string";
            }
        } else if (text_is(key, "path")) {
            if (!vpr_json_text(t->path, sizeof t->path, &len, value)) {
                return "path is no short string";
            }
        } else if (text_is(key, "params")) {
            t->params = value;
        } else if (text_is(key, "compare")) {
            const char *fault = read_compare(t, value);
            if (fault != NULL) {
                return fault;
            }
            compared = true;
        } else {
            return "a key other than method, path, params, compare";
        }
    }
    if (t->method[0] == '\0' || !compared) {
        return "method or compare is missing";
    }
    return check_template(t);
}

enum vpr_code vpr_corpus_parse(struct vpr_corpus **ret, struct vpr_bytes text, const char *name,
                               struct vpr_err *err)
{
    struct vpr_corpus *corpus = vpr_mem_alloc(sizeof *corpus);
    size_t number = 0;

    corpus->hash = vpr_sha256(text.data, text.len);
    corpus->text = vpr_mem_alloc(text.len + 1);
    if (text.len > 0) {
        memcpy(corpus->text, text.data, text.len);
    }
    for (size_t start = 0; start < text.len;) {
        const char *line = corpus->text + start;
        const char *end = memchr(line, '\n', text.len - start);
        const size_t len = end == NULL ? text.len - start : (size_t)(end - line);
        start += len + 1;
        number++;
        if (len == 0) {
            continue;
        }
        const char *fault = corpus->count == VPR_CORPUS_TEMPLATES_MAX
                                ? "too many templates"
                                : read_template(&corpus->templates[corpus->count],
                                                vpr_bytes_of(line, len));
        if (fault != NULL) {
            vpr_corpus_destroy(corpus);
            return vpr_fail(err, VPR_BAD_FIELD, "%s:%zu: %s", name, number, fault);
        }
        corpus->count++;
    }
    *ret = corpus;
    return VPR_OK;
}

enum vpr_code vpr_corpus_load(struct vpr_corpus **ret, const char *path, struct vpr_err *err)
{
    struct vpr_buf buf;

    vpr_buf_init(&buf, VPR_CORPUS_BYTES_MAX);
    enum vpr_code code = vpr_file_read(&buf, path, err);
    if (code == VPR_OK) {
        code = vpr_corpus_parse(ret, vpr_buf_bytes(&buf), path, err);
    }
    vpr_buf_finish(&buf);
    return code;
}

void vpr_corpus_destroy(struct vpr_corpus *corpus)
{
    if (corpus != NULL) {
        vpr_mem_free(corpus->text);
        vpr_mem_free(corpus);
    }
}

const struct vpr_hash *vpr_corpus_hash(const struct vpr_corpus *corpus)
{
    return &corpus->hash;
}

size_t vpr_corpus_count(const struct vpr_corpus *corpus)
{
    return corpus->count;
}

const struct vpr_corpus_template *vpr_corpus_at(const struct vpr_corpus *corpus, size_t i)
{
    VPR_ASSERT(i < corpus->count);
    return &corpus->templates[i];
}

/* ---- filling ---- */

static bool fill_place(struct vpr_buf *out, const struct place *place,
                       const struct vpr_corpus_values *values)
{
    char hash[VPR_CORPUS_HASH_TEXT_MAX];

    if (values->head <= place->back) {
        return false;
    }
    const uint64_t height = values->head - place->back;
    if (!place->height) {
        if (values->hash == NULL || !values->hash(values->arg, hash, height)) {
            return false;
        }
        vpr_buf_printf(out, "\"%s\"", hash);
        return true;
    }
    switch (place->as) {
    case AS_NUMBER:
        vpr_buf_printf(out, "%" PRIu64, height);
        break;
    case AS_STRING:
        vpr_buf_printf(out, "\"%" PRIu64 "\"", height);
        break;
    case AS_HEX:
        vpr_buf_printf(out, "\"0x%" PRIx64 "\"", height);
        break;
    }
    return true;
}

static bool fill(struct vpr_buf *out, struct vpr_bytes value,
                 const struct vpr_corpus_values *values)
{
    struct vpr_bytes key, member;
    struct place place;
    size_t at = 0;
    bool first = true;

    if (is_place(value, &place)) {
        return fill_place(out, &place, values);
    }
    if (!nested(value)) {
        vpr_buf_add(out, value.data, value.len);
        return true;
    }
    const bool object = vpr_json_type(value) == VPR_JSON_OBJECT;
    vpr_buf_char(out, object ? '{' : '[');
    while (vpr_json_next(value, &at, &key, &member)) {
        if (!first) {
            vpr_buf_char(out, ',');
        }
        first = false;
        if (object) {
            vpr_buf_add(out, key.data, key.len);
            vpr_buf_char(out, ':');
        }
        if (!fill(out, member, values)) {
            return false;
        }
    }
    vpr_buf_char(out, object ? '}' : ']');
    return true;
}

bool vpr_corpus_fill(struct vpr_buf *out, const struct vpr_corpus_template *t,
                     const struct vpr_corpus_values *values)
{
    return t->params.len == 0 || (fill(out, t->params, values) && !out->over);
}

const char *vpr_corpus_request(struct vpr_buf *out, const struct vpr_corpus_template *t,
                               struct vpr_bytes params, uint64_t id)
{
    if (t->rest) {
        return t->method;
    }
    vpr_buf_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":",
                   id, t->method);
    if (params.len == 0) {
        vpr_buf_str(out, "[]");
    } else {
        vpr_buf_add(out, params.data, params.len);
    }
    vpr_buf_char(out, '}');
    return "POST";
}

static bool hex_number(uint64_t *ret, struct vpr_bytes string)
{
    char text[2 + 16 + 1];
    uint64_t n = 0;
    size_t len;

    if (vpr_json_type(string) != VPR_JSON_STRING ||
        !vpr_json_text(text, sizeof text, &len, string) || len < 3 || text[0] != '0' ||
        text[1] != 'x') {
        return false;
    }
    for (size_t i = 2; i < len; i++) {
        const char c = (char)(text[i] | 0x20);
        if (c >= '0' && c <= '9') {
            n = n << 4 | (uint64_t)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            n = n << 4 | (uint64_t)(c - 'a' + 10);
        } else {
            return false;
        }
    }
    *ret = n;
    return true;
}

bool vpr_corpus_number(uint64_t *ret, struct vpr_bytes json)
{
    const enum vpr_json_type type = vpr_json_type(json);

    return (type == VPR_JSON_NUMBER || type == VPR_JSON_STRING) &&
           (vpr_json_u64(ret, json) || hex_number(ret, json));
}

/* How many places `want` has; the number in the last one that is a height. */
static size_t places_in(uint64_t *ret, struct vpr_bytes want, struct vpr_bytes got)
{
    struct vpr_bytes want_key, want_member, got_key, got_member;
    size_t want_at = 0, got_at = 0, count = 0;
    struct place place;

    if (is_place(want, &place)) {
        return place.height && vpr_corpus_number(ret, got) ? 1 : 2;
    }
    while (nested(want) && vpr_json_next(want, &want_at, &want_key, &want_member) &&
           vpr_json_next(got, &got_at, &got_key, &got_member)) {
        count += places_in(ret, want_member, got_member);
    }
    return count;
}

bool vpr_corpus_height_of(uint64_t *ret, const struct vpr_corpus_template *t,
                          struct vpr_bytes filled)
{
    return t->heights && !t->hashes && filled.len > 0 && places_in(ret, t->params, filled) == 1;
}

bool vpr_corpus_hash_ok(struct vpr_bytes json_string)
{
    char text[VPR_CORPUS_HASH_TEXT_MAX];
    size_t len;
    uint8_t raw[32];

    if (vpr_json_type(json_string) != VPR_JSON_STRING ||
        !vpr_json_text(text, sizeof text, &len, json_string)) {
        return false;
    }
    const size_t skip = len > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0;
    return len == skip + 64 && vpr_unhex(raw, sizeof raw, vpr_bytes_of(text + skip, 64));
}

/* ---- covering ---- */

static enum vpr_cover match_place(const struct place *place, struct vpr_bytes value,
                                  uint64_t head)
{
    uint64_t n;
    bool fits = false;

    if (!place->height) {
        return vpr_corpus_hash_ok(value) ? VPR_COVER_YES : VPR_COVER_NO;
    }
    switch (place->as) {
    case AS_NUMBER:
        fits = vpr_json_type(value) == VPR_JSON_NUMBER && vpr_json_u64(&n, value);
        break;
    case AS_STRING:
        fits = vpr_json_type(value) == VPR_JSON_STRING && vpr_json_u64(&n, value);
        break;
    case AS_HEX:
        fits = hex_number(&n, value);
        break;
    }
    if (!fits) {
        return VPR_COVER_NO;
    }
    if (head == 0) {
        return VPR_COVER_NO_HEAD;
    }
    return n >= 1 && n <= head + VPR_CORPUS_AHEAD && n + VPR_CORPUS_HEIGHTS >= head
               ? VPR_COVER_YES
               : VPR_COVER_NO;
}

/* NO wins over NO_HEAD: who asks something else should not be told to wait. */
static enum vpr_cover worse(enum vpr_cover a, enum vpr_cover b)
{
    if (a == VPR_COVER_NO || b == VPR_COVER_NO) {
        return VPR_COVER_NO;
    }
    return a == VPR_COVER_NO_HEAD ? a : b;
}

/* Same shape, member by member, in the same order. */
static enum vpr_cover match(struct vpr_bytes want, struct vpr_bytes got, uint64_t head)
{
    struct place place;

    if (is_place(want, &place)) {
        return match_place(&place, got, head);
    }
    if (vpr_json_type(got) != vpr_json_type(want)) {
        return VPR_COVER_NO;
    }
    if (!nested(want)) {
        return vpr_bytes_equal(want, got) ? VPR_COVER_YES : VPR_COVER_NO;
    }
    struct vpr_bytes want_key, want_member, got_key, got_member;
    size_t want_at = 0, got_at = 0;
    enum vpr_cover all = VPR_COVER_YES;
    while (vpr_json_next(want, &want_at, &want_key, &want_member)) {
        if (!vpr_json_next(got, &got_at, &got_key, &got_member) ||
            !vpr_bytes_equal(want_key, got_key)) {
            return VPR_COVER_NO;
        }
        all = worse(all, match(want_member, got_member, head));
    }
    return vpr_json_next(got, &got_at, &got_key, &got_member) ? VPR_COVER_NO : all;
}

static bool empty_array(struct vpr_bytes value)
{
    struct vpr_bytes key, member;
    size_t at = 0;

    return value.len == 0 || (vpr_json_type(value) == VPR_JSON_ARRAY &&
                              !vpr_json_next(value, &at, &key, &member));
}

/* Only the four members of a call: what else is in an object a backend may read. */
static bool plain_call(const struct vpr_json_call *call)
{
    static const char *const names[] = {"jsonrpc", "id", "method", "params"};
    struct vpr_bytes key, value;
    size_t at = 0;

    if (!call->valid || call->id.len == 0 || vpr_json_type(call->id) == VPR_JSON_NULL ||
        call->id.len > 64) {
        return false;
    }
    while (vpr_json_next(call->whole, &at, &key, &value)) {
        bool known = false;
        for (size_t i = 0; i < VPR_COUNT(names); i++) {
            known = known || text_is(key, names[i]);
        }
        if (!known) {
            return false;
        }
    }
    return call->version.len == 0 || text_is(call->version, "2.0") ||
           text_is(call->version, "1.0");
}

static enum vpr_cover cover_call(const struct vpr_corpus_template *t,
                                 const struct vpr_json_call *call, uint64_t head)
{
    if (!text_is(call->method, t->method)) {
        return VPR_COVER_NO;
    }
    if (empty_array(t->params)) {
        return empty_array(call->params) ? VPR_COVER_YES : VPR_COVER_NO;
    }
    return call->params.len == 0 ? VPR_COVER_NO : match(t->params, call->params, head);
}

enum vpr_cover vpr_corpus_covers(const struct vpr_corpus *corpus, struct vpr_bytes verb,
                                 struct vpr_bytes path, struct vpr_bytes body, uint64_t head)
{
    struct vpr_json_rpc rpc;
    struct vpr_json_call call;
    const bool is_call = vpr_json_rpc(&rpc, &call, 1, body, NULL) && !rpc.batch &&
                         plain_call(&call) && vpr_bytes_equal(verb, vpr_bytes_str("POST"));
    enum vpr_cover best = VPR_COVER_NO;

    for (size_t i = 0; i < corpus->count; i++) {
        const struct vpr_corpus_template *t = &corpus->templates[i];
        enum vpr_cover cover = VPR_COVER_NO;
        if (!vpr_bytes_equal(path, vpr_bytes_str(t->path))) {
            continue;
        }
        if (t->rest) {
            cover = body.len == 0 && vpr_bytes_equal(verb, vpr_bytes_str(t->method))
                        ? VPR_COVER_YES
                        : VPR_COVER_NO;
        } else if (is_call) {
            cover = cover_call(t, &call, head);
        }
        if (cover == VPR_COVER_YES) {
            return cover;
        }
        best = cover == VPR_COVER_NO_HEAD ? cover : best;
    }
    return best;
}

/* ---- heads ---- */

bool vpr_corpus_head(const struct vpr_corpus *corpus, uint64_t *ret_height,
                     uint64_t *ret_within, struct vpr_bytes path, struct vpr_bytes body,
                     struct vpr_bytes answer)
{
    struct vpr_json_rpc rpc;
    struct vpr_json_call call;
    struct vpr_bytes value;

    if (!vpr_json_rpc(&rpc, &call, 1, body, NULL) || rpc.batch || rpc.count != 1 ||
        !call.valid) {
        return false;
    }
    for (size_t i = 0; i < corpus->count; i++) {
        const struct vpr_corpus_template *t = &corpus->templates[i];
        if (t->compare != VPR_COMPARE_HEAD || t->rest || !text_is(call.method, t->method) ||
            !vpr_bytes_equal(path, vpr_bytes_str(t->path))) {
            continue;
        }
        if (vpr_json_check(answer, NULL) && vpr_json_at(&value, answer, t->at) &&
            vpr_corpus_number(ret_height, value)) {
            *ret_within = t->within;
            return true;
        }
        return false;
    }
    return false;
}

bool vpr_corpus_cheap(const struct vpr_corpus *corpus, char *out, size_t size,
                      const char **ret_path, uint64_t id)
{
    const struct vpr_corpus_template *found = NULL;

    for (size_t i = 0; i < corpus->count; i++) {
        const struct vpr_corpus_template *t = &corpus->templates[i];
        if (t->rest || t->heights || t->hashes) {
            continue;
        }
        if (found == NULL ||
            (t->compare == VPR_COMPARE_HEAD && found->compare != VPR_COMPARE_HEAD)) {
            found = t;
        }
    }
    if (found == NULL) {
        return false;
    }
    const struct vpr_bytes params =
        found->params.len > 0 ? found->params : vpr_bytes_str("[]");
    const int len = snprintf(out, size,
                             "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64
                             ",\"method\":\"%s\",\"params\":%.*s}",
                             id, found->method, (int)params.len, (const char *)params.data);
    *ret_path = found->path;
    return len > 0 && (size_t)len < size;
}
