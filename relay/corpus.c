#include "relay/corpus.h"

#include <stdio.h>
#include <strings.h>

#include "app/base/bytes.h"
#include "app/base/hash.h"
#include "app/base/mem.h"
#include "app/host/file.h"
#include "app/host/json_scan.h"
#include "relay/wire.h"

#define POINTER_MAX 128

enum compare { COMPARE_EXACT, COMPARE_HEAD, COMPARE_SHAPE, COMPARE_IGNORE };

struct template {
    char method[VPR_CORPUS_NAME_MAX];
    char path[VPR_CORPUS_NAME_MAX];
    bool rest;    /* the method is a verb */
    bool places;  /* params hold some */
    struct vpr_bytes params; /* of the owned text; empty: none */
    enum compare compare;
    char at[POINTER_MAX];
    uint64_t within;
};

struct vpr_corpus {
    struct vpr_hash hash;
    char *text;
    size_t count;
    struct template templates[VPR_CORPUS_TEMPLATES_MAX];
};

/* ---- reading ---- */

static bool key_is(struct vpr_bytes key, const char *name)
{
    char text[VPR_CORPUS_NAME_MAX];
    size_t len;

    return vpr_json_text(text, sizeof text, &len, key) && strcmp(text, name) == 0;
}

static const char *read_compare(struct template *t, struct vpr_bytes value)
{
    static const char *const kinds[] = {"exact", "head", "shape", "ignore"};
    struct vpr_bytes key, member;
    size_t at = 0, len;
    bool kind_seen = false;

    if (vpr_json_type(value) != VPR_JSON_OBJECT) {
        return "compare is no object";
    }
    while (vpr_json_next(value, &at, &key, &member)) {
        if (key_is(key, "kind")) {
            for (size_t i = 0; i < VPR_COUNT(kinds); i++) {
                if (key_is(member, kinds[i])) {
                    t->compare = (enum compare)i;
                    kind_seen = true;
                }
            }
        } else if (key_is(key, "at")) {
            if (!vpr_json_text(t->at, sizeof t->at, &len, member)) {
                return "compare.at is no short string";
            }
        } else if (key_is(key, "within")) {
            if (!vpr_json_u64(&t->within, member)) {
                return "compare.within is no number";
            }
        }
    }
    return kind_seen ? NULL : "compare.kind is not exact, head, shape or ignore";
}

/* A place: an object whose first key is `height` or `hash`. */
static bool is_place(struct vpr_bytes value, bool *ret_height, bool *ret_string)
{
    struct vpr_bytes key, member;
    size_t at = 0;
    bool height = false, hash = false, string = false;

    if (vpr_json_type(value) != VPR_JSON_OBJECT) {
        return false;
    }
    while (vpr_json_next(value, &at, &key, &member)) {
        if (key_is(key, "height") && vpr_json_type(member) == VPR_JSON_NUMBER) {
            height = true;
        } else if (key_is(key, "hash") && vpr_json_type(member) == VPR_JSON_NUMBER) {
            hash = true;
        } else if (key_is(key, "as") && key_is(member, "string")) {
            string = true;
        } else {
            return false;
        }
    }
    if (height == hash) {
        return false;
    }
    *ret_height = height;
    *ret_string = string;
    return true;
}

static bool any_place(struct vpr_bytes value)
{
    struct vpr_bytes key, member;
    size_t at = 0;
    bool height, string;

    if (is_place(value, &height, &string)) {
        return true;
    }
    if (vpr_json_type(value) != VPR_JSON_ARRAY && vpr_json_type(value) != VPR_JSON_OBJECT) {
        return false;
    }
    while (vpr_json_next(value, &at, &key, &member)) {
        if (any_place(member)) {
            return true;
        }
    }
    return false;
}

static const char *read_template(struct template *t, struct vpr_bytes line)
{
    struct vpr_bytes key, value;
    size_t at = 0, len;
    bool compared = false;

    if (!vpr_json_check(line, NULL) || vpr_json_type(line) != VPR_JSON_OBJECT) {
        return "not one JSON object";
    }
    while (vpr_json_next(line, &at, &key, &value)) {
        if (key_is(key, "method")) {
            if (!vpr_json_text(t->method, sizeof t->method, &len, value) || len == 0) {
                return "method is no short string";
            }
        } else if (key_is(key, "path")) {
            if (!vpr_json_text(t->path, sizeof t->path, &len, value)) {
                return "path is no short string";
            }
        } else if (key_is(key, "params")) {
            t->params = value;
        } else if (key_is(key, "compare")) {
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
    for (const char *c = t->method; *c != '\0'; c++) {
        if (*c < '!' || *c > '~' || *c == '"' || *c == '\\') {
            return "method has characters that no method has";
        }
    }
    t->rest = vpr_wire_method_ok(vpr_bytes_str(t->method));
    t->places = t->params.len > 0 && any_place(t->params);
    return NULL;
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

/* ---- covering ---- */

static bool hash_text_ok(struct vpr_bytes value)
{
    char text[2 + 64 + 1];
    size_t len;
    uint8_t raw[32];

    if (vpr_json_type(value) != VPR_JSON_STRING ||
        !vpr_json_text(text, sizeof text, &len, value)) {
        return false;
    }
    const size_t skip = len > 2 && text[0] == '0' && text[1] == 'x' ? 2 : 0;
    return len == skip + 64 && vpr_unhex(raw, sizeof raw, vpr_bytes_of(text + skip, 64));
}

static enum vpr_cover match_place(bool height, bool string, struct vpr_bytes value,
                                  uint64_t head)
{
    uint64_t n;

    if (!height) {
        return hash_text_ok(value) ? VPR_COVER_YES : VPR_COVER_NO;
    }
    if (vpr_json_type(value) != (string ? VPR_JSON_STRING : VPR_JSON_NUMBER) ||
        !vpr_json_u64(&n, value)) {
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

/* Same shape, member by member, in the same order; depth is bounded by the JSON reader. */
static enum vpr_cover match(struct vpr_bytes want, struct vpr_bytes got, uint64_t head)
{
    bool height, string;

    if (is_place(want, &height, &string)) {
        return match_place(height, string, got, head);
    }
    const enum vpr_json_type type = vpr_json_type(want);
    if (vpr_json_type(got) != type) {
        return VPR_COVER_NO;
    }
    if (type != VPR_JSON_ARRAY && type != VPR_JSON_OBJECT) {
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
            known = known || key_is(key, names[i]);
        }
        if (!known) {
            return false;
        }
    }
    return call->version.len == 0 || key_is(call->version, "2.0") ||
           key_is(call->version, "1.0");
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
        const struct template *t = &corpus->templates[i];
        enum vpr_cover cover = VPR_COVER_NO;
        if (!vpr_bytes_equal(path, vpr_bytes_str(t->path))) {
            continue;
        }
        if (t->rest) {
            cover = body.len == 0 && vpr_bytes_equal(verb, vpr_bytes_str(t->method))
                        ? VPR_COVER_YES
                        : VPR_COVER_NO;
        } else if (is_call && key_is(call.method, t->method)) {
            cover = empty_array(t->params) && empty_array(call.params)
                        ? VPR_COVER_YES
                        : match(t->params, call.params, head);
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

    if (!vpr_json_rpc(&rpc, &call, 1, body, NULL) || rpc.batch || !call.valid) {
        return false;
    }
    for (size_t i = 0; i < corpus->count; i++) {
        const struct template *t = &corpus->templates[i];
        if (t->compare != COMPARE_HEAD || t->rest || !key_is(call.method, t->method) ||
            !vpr_bytes_equal(path, vpr_bytes_str(t->path))) {
            continue;
        }
        if (vpr_json_check(answer, NULL) && vpr_json_at(&value, answer, t->at) &&
            vpr_json_u64(ret_height, value)) {
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
    const struct template *found = NULL;

    for (size_t i = 0; i < corpus->count; i++) {
        const struct template *t = &corpus->templates[i];
        if (t->rest || t->places) {
            continue;
        }
        if (found == NULL || (t->compare == COMPARE_HEAD && found->compare != COMPARE_HEAD)) {
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
