#include "app/host/json_scan.h"

/* Position in the text, and the first thing that was wrong. */
struct scan {
    const uint8_t *data;
    size_t len, at;
    const char *reason;
};

static bool bad(struct scan *s, const char *reason)
{
    if (s->reason == NULL) {
        s->reason = reason;
    }
    return false;
}

static int peek(const struct scan *s)
{
    return s->at < s->len ? s->data[s->at] : -1;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->len) {
        uint8_t c = s->data[s->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
            return;
        }
        s->at++;
    }
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
    if (is_digit(c)) {
        return c - '0';
    }
    int low = c | 0x20;
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Four hex digits after "\u"; -1 if not. */
static int32_t take_hex4(struct scan *s)
{
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(peek(s));
        if (d < 0) {
            return -1;
        }
        v = v * 16 + d;
        s->at++;
    }
    return v;
}

/* After the backslash. */
static bool scan_escape(struct scan *s)
{
    int c = peek(s);
    if (c < 0 || strchr("\"\\/bfnrtu", c) == NULL || c == 0) {
        return bad(s, "unknown escape in a string");
    }
    s->at++;
    if (c != 'u') {
        return true;
    }
    int32_t v = take_hex4(s);
    if (v < 0) {
        return bad(s, "\\u is not followed by four hex digits");
    }
    if (v == 0) {
        return bad(s, "NUL in a string");
    }
    if (v >= 0xdc00 && v <= 0xdfff) {
        return bad(s, "lone surrogate in a string");
    }
    if (v >= 0xd800 && v <= 0xdbff) {
        if (s->len - s->at < 6 || s->data[s->at] != '\\' || s->data[s->at + 1] != 'u') {
            return bad(s, "lone surrogate in a string");
        }
        s->at += 2;
        int32_t low = take_hex4(s);
        if (low < 0xdc00 || low > 0xdfff) {
            return bad(s, "lone surrogate in a string");
        }
    }
    return true;
}

/* RFC 3629: shortest form, no surrogates, up to U+10FFFF. */
static bool scan_utf8(struct scan *s)
{
    const uint8_t *p = s->data + s->at;
    size_t left = s->len - s->at;
    size_t more = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;

    if (p[0] < 0xc2 || p[0] > 0xf4 || left <= more) {
        return bad(s, "string is not UTF-8");
    }
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return bad(s, "string is not UTF-8");
        }
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) {
        return bad(s, "string is not UTF-8");
    }
    s->at += more + 1;
    return true;
}

static bool scan_string(struct scan *s)
{
    if (peek(s) != '"') {
        return bad(s, "a string is expected");
    }
    s->at++;
    while (s->at < s->len) {
        uint8_t c = s->data[s->at];
        if (c == '"') {
            s->at++;
            return true;
        }
        if (c < 0x20) {
            return bad(s, "control character in a string");
        }
        if (c == '\\') {
            s->at++;
            if (!scan_escape(s)) {
                return false;
            }
        } else if (c >= 0x80) {
            if (!scan_utf8(s)) {
                return false;
            }
        } else {
            s->at++;
        }
    }
    return bad(s, "string is not closed");
}

static bool scan_digits(struct scan *s)
{
    if (!is_digit(peek(s))) {
        return bad(s, "a digit is expected");
    }
    while (is_digit(peek(s))) {
        s->at++;
    }
    return true;
}

static bool scan_number(struct scan *s)
{
    if (peek(s) == '-') {
        s->at++;
    }
    if (peek(s) == '0') {
        s->at++;
        if (is_digit(peek(s))) {
            return bad(s, "number begins with 0");
        }
    } else if (!scan_digits(s)) {
        return false;
    }
    if (peek(s) == '.') {
        s->at++;
        if (!scan_digits(s)) {
            return false;
        }
    }
    if (peek(s) == 'e' || peek(s) == 'E') {
        s->at++;
        if (peek(s) == '+' || peek(s) == '-') {
            s->at++;
        }
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);
    if (s->len - s->at < len || memcmp(s->data + s->at, word, len) != 0) {
        return bad(s, "not a JSON value");
    }
    s->at += len;
    return true;
}

static bool scan_scalar(struct scan *s)
{
    switch (peek(s)) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (peek(s) == '-' || is_digit(peek(s))) {
            return scan_number(s);
        }
        return bad(s, "not a JSON value");
    }
}

/* Key, colon, and space up to the value. */
static bool scan_key(struct scan *s)
{
    skip_space(s);
    if (!scan_string(s)) {
        return false;
    }
    skip_space(s);
    if (peek(s) != ':') {
        return bad(s, "a colon is expected");
    }
    s->at++;
    return true;
}

/* What stands after a value inside containers: closes those that end here.  True if another
 * value follows or the outermost is done (*depth 0). */
static bool scan_after(struct scan *s, uint64_t objects, unsigned *depth)
{
    while (*depth > 0) {
        bool object = (objects >> (*depth - 1) & 1) != 0;
        skip_space(s);
        int c = peek(s);
        if (c == ',') {
            s->at++;
            return !object || scan_key(s);
        }
        if (c != (object ? '}' : ']')) {
            return bad(s, object ? "a comma or } is expected" : "a comma or ] is expected");
        }
        s->at++;
        --*depth;
    }
    return true;
}

/* One value of any depth, without recursion: bit d of `objects` tells the kind of the
 * container at depth d + 1. */
static bool scan_value(struct scan *s)
{
    uint64_t objects = 0;
    unsigned depth = 0;

    do {
        skip_space(s);
        int c = peek(s);
        if (c == '{' || c == '[') {
            if (depth == VPR_JSON_DEPTH_MAX) {
                return bad(s, "nested deeper than 64");
            }
            uint64_t bit = UINT64_C(1) << depth;
            objects = c == '{' ? objects | bit : objects & ~bit;
            depth++;
            s->at++;
            skip_space(s);
            if (peek(s) != (c == '{' ? '}' : ']')) {
                if (c == '{' && !scan_key(s)) {
                    return false;
                }
                continue;
            }
            s->at++;
            depth--;
        } else if (!scan_scalar(s)) {
            return false;
        }
        if (!scan_after(s, objects, &depth)) {
            return false;
        }
    } while (depth > 0);
    return true;
}

static struct scan scan_of(struct vpr_bytes text)
{
    return (struct scan){.data = text.data, .len = text.len};
}

static bool done(struct scan *s, bool ok, struct vpr_json_fault *fault)
{
    if (ok) {
        skip_space(s);
        ok = s->at == s->len || bad(s, "more text after the value");
    }
    if (!ok && fault != NULL) {
        *fault = (struct vpr_json_fault){s->at, s->reason};
    }
    return ok;
}

bool vpr_json_check(struct vpr_bytes text, struct vpr_json_fault *fault)
{
    struct scan s = scan_of(text);
    bool ok = scan_value(&s);
    return done(&s, ok, fault);
}

enum vpr_json_type vpr_json_type(struct vpr_bytes value)
{
    if (value.len == 0) {
        return VPR_JSON_NONE;
    }
    switch (value.data[0]) {
    case 'n':
        return VPR_JSON_NULL;
    case 'f':
        return VPR_JSON_FALSE;
    case 't':
        return VPR_JSON_TRUE;
    case '"':
        return VPR_JSON_STRING;
    case '[':
        return VPR_JSON_ARRAY;
    case '{':
        return VPR_JSON_OBJECT;
    default:
        return VPR_JSON_NUMBER;
    }
}

bool vpr_json_next(struct vpr_bytes container, size_t *at, struct vpr_bytes *ret_key,
                   struct vpr_bytes *ret_value)
{
    struct scan s = scan_of(container);
    struct vpr_bytes key = {NULL, 0};
    bool object = container.len > 0 && container.data[0] == '{';

    s.at = *at == 0 ? 1 : *at;
    skip_space(&s);
    if (peek(&s) == ',') {
        s.at++;
        skip_space(&s);
    }
    if (peek(&s) < 0 || peek(&s) == '}' || peek(&s) == ']') {
        return false;
    }
    if (object) {
        size_t from = s.at;
        if (!scan_string(&s)) {
            return false;
        }
        key = vpr_bytes_of(s.data + from, s.at - from);
        skip_space(&s);
        s.at++; /* the colon */
        skip_space(&s);
    }
    size_t from = s.at;
    if (from > s.len || !scan_value(&s)) {
        return false;
    }
    *ret_key = key;
    *ret_value = vpr_bytes_of(s.data + from, s.at - from);
    *at = s.at;
    return true;
}

static size_t put_utf8(uint8_t out[4], uint32_t v)
{
    if (v < 0x80) {
        out[0] = (uint8_t)v;
        return 1;
    }
    if (v < 0x800) {
        out[0] = (uint8_t)(0xc0 | v >> 6);
        out[1] = (uint8_t)(0x80 | (v & 0x3f));
        return 2;
    }
    if (v < 0x10000) {
        out[0] = (uint8_t)(0xe0 | v >> 12);
        out[1] = (uint8_t)(0x80 | (v >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (v & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | v >> 18);
    out[1] = (uint8_t)(0x80 | (v >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (v >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (v & 0x3f));
    return 4;
}

/* One character of a string that passed, escapes undone; returns its bytes. */
static size_t take_char(struct scan *s, uint8_t out[4])
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    uint8_t c = s->data[s->at++];

    if (c != '\\') {
        out[0] = c;
        return 1;
    }
    c = s->data[s->at++];
    if (c != 'u') {
        const char *found = strchr(from, c);
        out[0] = found == NULL ? c : (uint8_t)to[found - from];
        return 1;
    }
    uint32_t v = (uint32_t)take_hex4(s);
    if (v >= 0xd800 && v <= 0xdbff) {
        s->at += 2;
        v = 0x10000 + ((v - 0xd800) << 10) + ((uint32_t)take_hex4(s) - 0xdc00);
    }
    return put_utf8(out, v);
}

bool vpr_json_text(char *out, size_t size, size_t *ret_len, struct vpr_bytes string)
{
    struct scan s = scan_of(string);
    size_t len = 0;
    uint8_t c[4];

    if (!scan_string(&s) || s.at != string.len) {
        return false;
    }
    s.at = 1;
    while (s.at < string.len - 1) {
        size_t n = take_char(&s, c);
        if (n >= size - len) {
            return false;
        }
        memcpy(out + len, c, n);
        len += n;
    }
    if (size == 0) {
        return false;
    }
    out[len] = '\0';
    *ret_len = len;
    return true;
}

bool vpr_json_u64(uint64_t *ret, struct vpr_bytes value)
{
    uint64_t v = 0;
    if (value.len >= 2 && value.data[0] == '"') {
        value = vpr_bytes_of(value.data + 1, value.len - 2);
    }
    if (value.len == 0 || value.len > 20) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.data[i])) {
            return false;
        }
        uint64_t d = (uint64_t)(value.data[i] - '0');
        if (v > (UINT64_MAX - d) / 10) {
            return false;
        }
        v = v * 10 + d;
    }
    *ret = v;
    return true;
}

/* --- JSON-RPC -------------------------------------------------------------------------- */

/* Whether a key means `word` to some reader: escapes undone, ASCII case aside.  `exact` if
 * it means it to all. */
static bool key_is(struct vpr_bytes key, const char *word, bool *ret_exact)
{
    struct scan s = scan_of(key);
    size_t len = strlen(word);
    bool exact = true;
    uint8_t c[4];

    s.at = 1;
    for (size_t i = 0; i < len; i++) {
        if (s.at >= key.len - 1 || take_char(&s, c) != 1) {
            return false;
        }
        uint8_t low = c[0] >= 'A' && c[0] <= 'Z' ? (uint8_t)(c[0] + 32) : c[0];
        if (low != (uint8_t)word[i]) {
            return false;
        }
        exact = exact && c[0] == (uint8_t)word[i];
    }
    *ret_exact = exact;
    return s.at == key.len - 1;
}

static bool note_member(struct scan *s, struct vpr_json_call *call, struct vpr_bytes key,
                        struct vpr_bytes value)
{
    struct {
        const char *word;
        struct vpr_bytes *slot;
    } const slots[] = {{"id", &call->id}, {"method", &call->method},
                       {"params", &call->params}, {"jsonrpc", &call->version}};
    bool exact;

    for (size_t i = 0; i < VPR_COUNT(slots); i++) {
        if (!key_is(key, slots[i].word, &exact)) {
            continue;
        }
        if (!exact) {
            return bad(s, "id, method, params or jsonrpc in another case");
        }
        if (slots[i].slot->len > 0) {
            return bad(s, "id, method, params or jsonrpc occurs twice");
        }
        *slots[i].slot = value;
    }
    return true;
}

static bool call_valid(const struct vpr_json_call *call)
{
    enum vpr_json_type id = vpr_json_type(call->id);
    enum vpr_json_type params = vpr_json_type(call->params);
    return vpr_json_type(call->method) == VPR_JSON_STRING &&
           (id == VPR_JSON_NONE || id == VPR_JSON_NULL || id == VPR_JSON_STRING ||
            id == VPR_JSON_NUMBER) &&
           (params == VPR_JSON_NONE || params == VPR_JSON_ARRAY || params == VPR_JSON_OBJECT);
}

/* One element: an object is looked into, anything else is an invalid call. */
static bool take_call(struct scan *s, struct vpr_json_call *ret)
{
    struct vpr_json_call call = {.valid = false};
    size_t from = s->at;
    bool object = peek(s) == '{';

    if (!object) {
        if (!scan_value(s)) {
            return false;
        }
    } else {
        s->at++;
        skip_space(s);
        while (peek(s) != '}') {
            size_t key_at = s->at;
            if (!scan_string(s)) {
                return false;
            }
            struct vpr_bytes key = vpr_bytes_of(s->data + key_at, s->at - key_at);
            s->at = key_at;
            if (!scan_key(s)) {
                return false;
            }
            skip_space(s);
            size_t value_at = s->at;
            if (!scan_value(s) ||
                !note_member(s, &call, key,
                             vpr_bytes_of(s->data + value_at, s->at - value_at))) {
                return false;
            }
            skip_space(s);
            if (peek(s) == ',') {
                s->at++;
                skip_space(s);
                if (peek(s) != '"') {
                    return bad(s, "a key is expected");
                }
            } else if (peek(s) != '}') {
                return bad(s, "a comma or } is expected");
            }
        }
        s->at++;
    }
    call.whole = vpr_bytes_of(s->data + from, s->at - from);
    call.valid = object && call_valid(&call);
    *ret = call;
    return true;
}

static bool take_batch(struct scan *s, struct vpr_json_call *calls, size_t calls_max,
                       size_t *ret_count)
{
    size_t count = 0;

    s->at++;
    skip_space(s);
    while (peek(s) != ']') {
        if (count == calls_max) {
            return bad(s, "too many calls in one batch");
        }
        if (!take_call(s, &calls[count])) {
            return false;
        }
        count++;
        skip_space(s);
        if (peek(s) == ',') {
            s->at++;
            skip_space(s);
            if (peek(s) == ']') {
                return bad(s, "a value is expected");
            }
        } else if (peek(s) != ']') {
            return bad(s, "a comma or ] is expected");
        }
    }
    s->at++;
    *ret_count = count;
    return true;
}

bool vpr_json_rpc(struct vpr_json_rpc *ret, struct vpr_json_call *calls, size_t calls_max,
                  struct vpr_bytes text, struct vpr_json_fault *fault)
{
    struct scan s = scan_of(text);
    struct vpr_json_rpc rpc = {.batch = false, .count = 1};
    bool ok;

    VPR_ASSERT(calls_max >= 1 && calls_max <= VPR_JSON_BATCH_MAX);
    skip_space(&s);
    if (peek(&s) == '[') {
        rpc.batch = true;
        ok = take_batch(&s, calls, calls_max, &rpc.count);
    } else if (peek(&s) == '{') {
        ok = take_call(&s, &calls[0]);
    } else {
        ok = bad(&s, "neither a call nor a batch of calls");
    }
    if (!done(&s, ok, fault)) {
        return false;
    }
    *ret = rpc;
    return true;
}

/* --- pointer --------------------------------------------------------------------------- */

/* RFC 6901: ~1 is a slash, ~0 a tilde. */
static bool token_is(struct vpr_bytes key, const char *token, size_t len)
{
    struct scan s = scan_of(key);
    uint8_t c[4];
    size_t i = 0;

    s.at = 1;
    while (s.at < key.len - 1) {
        size_t n = take_char(&s, c);
        for (size_t k = 0; k < n; k++) {
            if (i == len) {
                return false;
            }
            uint8_t want = (uint8_t)token[i++];
            if (want == '~' && i < len) {
                want = token[i++] == '1' ? '/' : '~';
            }
            if (c[k] != want) {
                return false;
            }
        }
    }
    return i == len;
}

static bool step(struct vpr_bytes *value, const char *token, size_t len)
{
    struct vpr_bytes key, item, found = {NULL, 0};
    enum vpr_json_type type = vpr_json_type(*value);
    uint64_t want = 0, index = 0;
    size_t at = 0;

    if (type != VPR_JSON_ARRAY && type != VPR_JSON_OBJECT) {
        return false;
    }
    if (type == VPR_JSON_ARRAY && !vpr_json_u64(&want, vpr_bytes_of(token, len))) {
        return false;
    }
    while (vpr_json_next(*value, &at, &key, &item)) {
        if (type == VPR_JSON_ARRAY ? index++ == want : token_is(key, token, len)) {
            found = item;
        }
    }
    *value = found;
    return found.len > 0;
}

bool vpr_json_at(struct vpr_bytes *ret, struct vpr_bytes text, const char *pointer)
{
    struct scan s = scan_of(text);
    skip_space(&s);
    struct vpr_bytes value = vpr_bytes_of(s.data + s.at, s.len - s.at);

    while (*pointer == '/') {
        const char *token = pointer + 1;
        size_t len = strcspn(token, "/");
        if (!step(&value, token, len)) {
            return false;
        }
        pointer = token + len;
    }
    if (*pointer != '\0') {
        return false;
    }
    struct scan end = scan_of(value);
    if (!scan_value(&end)) {
        return false;
    }
    *ret = vpr_bytes_of(value.data, end.at);
    return true;
}
