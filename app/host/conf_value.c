#include "app/host/conf_value.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/host/net.h"

#define STRING_MAX 4096

static bool bad(struct vpr_conf_cursor *c, const char *why)
{
    if (c->why == NULL) {
        c->why = why;
    }
    return false;
}

static int peek(const struct vpr_conf_cursor *c)
{
    return c->at < c->end ? *c->at : -1;
}

static void skip_space(struct vpr_conf_cursor *c)
{
    while (peek(c) == ' ' || peek(c) == '\t') {
        c->at++;
    }
}

void vpr_conf_skip_line(struct vpr_conf_cursor *c)
{
    while (c->at < c->end && *c->at != '\n') {
        c->at++;
    }
}

/* A comment must be text: control characters hide things. */
static bool skip_comment(struct vpr_conf_cursor *c)
{
    while (c->at < c->end && *c->at != '\n') {
        if ((*c->at < 0x20 && *c->at != '\t' && *c->at != '\r') || *c->at == 0x7f) {
            return bad(c, "control character in a comment");
        }
        c->at++;
    }
    return true;
}

bool vpr_conf_line_end(struct vpr_conf_cursor *c)
{
    skip_space(c);
    if (peek(c) == '#' && !skip_comment(c)) {
        return false;
    }
    if (peek(c) == '\r' && c->at + 1 < c->end && c->at[1] == '\n') {
        c->at++;
    }
    return c->at == c->end || peek(c) == '\n' || bad(c, "something stands behind the value");
}

bool vpr_conf_next_line(struct vpr_conf_cursor *c)
{
    for (;;) {
        skip_space(c);
        if (c->at == c->end) {
            return false;
        }
        if (peek(c) == '\n') {
            c->at++;
            c->line++;
        } else if (peek(c) == '#' || peek(c) == '\r') {
            if (!vpr_conf_line_end(c)) {
                return true; /* reported as an error of this line */
            }
        } else {
            return true;
        }
    }
}

/* a-z, 0-9 and dashes inside: kebab-case. */
static bool take_name(struct vpr_conf_cursor *c, char name[VPR_CONF_NAME_MAX + 1])
{
    size_t len = 0;
    for (; c->at < c->end; c->at++) {
        int ch = *c->at;
        bool word = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9');
        if (!word && !(ch == '-' && len > 0)) {
            break;
        }
        if (len == VPR_CONF_NAME_MAX) {
            return bad(c, "name is longer than 63 letters");
        }
        name[len++] = (char)ch;
    }
    name[len] = '\0';
    if (len == 0 || name[len - 1] == '-') {
        return bad(c, "a name in small letters, digits and dashes is expected");
    }
    return true;
}

bool vpr_conf_table_name(struct vpr_conf_cursor *c, char name[VPR_CONF_NAME_MAX + 1])
{
    c->at++; /* the bracket */
    skip_space(c);
    if (peek(c) == '[') {
        return bad(c, "lists of tables are not known here");
    }
    if (!take_name(c, name)) {
        return false;
    }
    skip_space(c);
    if (peek(c) != ']') {
        return bad(c, "] is expected after the name of a table");
    }
    c->at++;
    return true;
}

bool vpr_conf_key_name(struct vpr_conf_cursor *c, char name[VPR_CONF_NAME_MAX + 1])
{
    if (!take_name(c, name)) {
        return false;
    }
    skip_space(c);
    if (peek(c) != '=') {
        return bad(c, "= is expected after the name of a key");
    }
    c->at++;
    skip_space(c);
    return true;
}

/* TOML basic string, escapes \" \\ \n \t \r only, or a literal one in single quotes. */
static bool take_string(struct vpr_conf_cursor *c, const char **ret, struct vpr_arena *arena)
{
    char text[STRING_MAX];
    size_t len = 0;
    uint8_t quote = *c->at++;

    while (c->at < c->end && *c->at != quote) {
        uint8_t ch = *c->at++;
        if ((ch < 0x20 && ch != '\t') || ch == 0x7f) {
            c->at--; /* the next line begins where this one ends */
            return bad(c, ch == '\n' ? "string is not closed" : "control character in a string");
        }
        if (ch == '\\' && quote == '"') {
            static const char from[] = "\"\\ntr";
            static const char to[] = "\"\\\n\t\r";
            const char *found = c->at < c->end && *c->at != 0 ? strchr(from, *c->at) : NULL;
            if (found == NULL) {
                return bad(c, "unknown escape in a string; write \\\\ for a backslash");
            }
            ch = (uint8_t)to[found - from];
            c->at++;
        }
        if (len == sizeof text - 1) {
            return bad(c, "string is longer than 4095 bytes");
        }
        text[len++] = (char)ch;
    }
    if (c->at == c->end) {
        return bad(c, "string is not closed");
    }
    c->at++;
    text[len] = '\0';
    *ret = vpr_arena_copy(arena, text, len + 1);
    return true;
}

/* Digits, with single underscores between. */
static bool take_uint(struct vpr_conf_cursor *c, uint64_t *ret)
{
    const uint8_t *from = c->at;
    uint64_t v = 0;

    while (c->at < c->end && ((*c->at >= '0' && *c->at <= '9') || *c->at == '_')) {
        if (*c->at == '_') {
            if (c->at == from || c->at[-1] == '_') {
                return bad(c, "_ stands only between digits");
            }
        } else {
            uint64_t d = (uint64_t)(*c->at - '0');
            if (v > (INT64_MAX - d) / 10) {
                return bad(c, "number is larger than 9223372036854775807");
            }
            v = v * 10 + d;
        }
        c->at++;
    }
    if (c->at[-1] == '_') {
        return bad(c, "_ stands only between digits");
    }
    if (*from == '0' && c->at - from > 1) {
        return bad(c, "number begins with 0");
    }
    if (c->at < c->end && strchr(".eExXoObB:-", *c->at) != NULL && *c->at != 0) {
        return bad(c, "only whole decimal numbers are taken");
    }
    *ret = v;
    return true;
}

static bool take_word(struct vpr_conf_cursor *c, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(c->end - c->at) < len || memcmp(c->at, word, len) != 0) {
        return false;
    }
    c->at += len;
    return true;
}

/* Space, line ends and comments inside a list. */
static bool skip_lines(struct vpr_conf_cursor *c)
{
    for (;;) {
        skip_space(c);
        if (peek(c) == '#') {
            if (!skip_comment(c)) {
                return false;
            }
        } else if (peek(c) == '\n') {
            c->line++;
            c->at++;
        } else if (peek(c) == '\r') {
            c->at++;
        } else {
            return true;
        }
    }
}

static bool take_list(struct vpr_conf_cursor *c, struct vpr_conf_list *ret,
                      struct vpr_arena *arena)
{
    const char **items = VPR_ARENA_ARRAY(arena, const char *, VPR_CONF_LIST_MAX);
    size_t count = 0;

    c->at++;
    for (;;) {
        if (!skip_lines(c)) {
            return false;
        }
        if (peek(c) == ']') {
            c->at++;
            *ret = (struct vpr_conf_list){items, count};
            return true;
        }
        if (count == VPR_CONF_LIST_MAX) {
            return bad(c, "list has more than 256 items");
        }
        if (peek(c) != '"' && peek(c) != '\'') {
            return bad(c, "a list holds strings: [\"a\", \"b\"]");
        }
        if (!take_string(c, &items[count++], arena) || !skip_lines(c)) {
            return false;
        }
        if (peek(c) == ',') {
            c->at++;
        } else if (peek(c) != ']') {
            return bad(c, "a comma or ] is expected in the list");
        }
    }
}

bool vpr_conf_value(struct vpr_conf_cursor *c, struct vpr_conf_value *ret,
                    struct vpr_arena *arena)
{
    int ch = peek(c);

    if (ch == '"' || ch == '\'') {
        ret->type = VPR_CONF_STRING;
        return take_string(c, &ret->text, arena);
    }
    if (ch == '[') {
        ret->type = VPR_CONF_LIST;
        return take_list(c, &ret->list, arena);
    }
    if (ch >= '0' && ch <= '9') {
        ret->type = VPR_CONF_UINT;
        return take_uint(c, &ret->number);
    }
    if (take_word(c, "true")) {
        ret->type = VPR_CONF_BOOL;
        ret->yes = true;
        return true;
    }
    if (take_word(c, "false")) {
        ret->type = VPR_CONF_BOOL;
        ret->yes = false;
        return true;
    }
    return bad(c, "a value is expected: \"text\", a number, true, false, or a list");
}

/* --- against the key ------------------------------------------------------------------- */

static uint64_t upper(const struct vpr_conf_key *key)
{
    if (key->max != 0) {
        return key->max;
    }
    if (key->type == VPR_CONF_STRING) {
        return 1024;
    }
    return key->type == VPR_CONF_LIST ? VPR_CONF_LIST_MAX : INT64_MAX;
}

static void list_choices(char *text, size_t size, const char *choices)
{
    size_t len = (size_t)snprintf(text, size, "one of ");
    for (const char *c = choices; *c != '\0' && len + 3 < size; c++) {
        if (*c == '|') {
            text[len++] = ',';
            text[len++] = ' ';
        } else {
            text[len++] = *c;
        }
    }
    text[len] = '\0';
}

void vpr_conf_accepts(char *text, size_t size, const struct vpr_conf_key *key)
{
    switch (key->type) {
    case VPR_CONF_STRING:
        if (key->choices != NULL) {
            list_choices(text, size, key->choices);
        } else {
            (void)snprintf(text, size, "a string of %" PRIu64 " to %" PRIu64 " bytes",
                           key->min, upper(key));
        }
        break;
    case VPR_CONF_UINT:
        (void)snprintf(text, size, "a number from %" PRIu64 " to %" PRIu64, key->min,
                       upper(key));
        break;
    case VPR_CONF_BOOL:
        (void)snprintf(text, size, "true or false");
        break;
    case VPR_CONF_LIST:
        (void)snprintf(text, size, "a list of %" PRIu64 " to %" PRIu64 " strings", key->min,
                       upper(key));
        break;
    case VPR_CONF_LISTEN:
        (void)snprintf(text, size, "a numeric address and port such as \"127.0.0.1:8080\"%s",
                       key->min == 0 ? " or \"\"" : "");
        break;
    case VPR_CONF_URL:
        (void)snprintf(text, size, "a URL, http://HOST[:PORT] or https://..., of at most %"
                       PRIu64 " bytes%s", upper(key), key->min == 0 ? ", or \"\"" : "");
        break;
    }
}

static bool chosen(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *at = choices; at != NULL;) {
        const char *end = strchr(at, '|');
        size_t n = end == NULL ? strlen(at) : (size_t)(end - at);
        if (n == len && memcmp(at, text, n) == 0) {
            return true;
        }
        at = end == NULL ? NULL : end + 1;
    }
    return false;
}

static bool inside(const struct vpr_conf_key *key, uint64_t v)
{
    return v >= key->min && v <= upper(key);
}

static bool fits(const struct vpr_conf_key *key, const struct vpr_conf_value *value)
{
    const bool special = key->type == VPR_CONF_LISTEN || key->type == VPR_CONF_URL;
    char host[VPR_LISTEN_HOST_MAX];
    struct vpr_url url;
    uint16_t port;

    if (value->type != (special ? VPR_CONF_STRING : key->type)) {
        return false;
    }
    if (special && value->text[0] == '\0') {
        return key->min == 0;
    }
    switch (key->type) {
    case VPR_CONF_STRING:
        if (key->choices != NULL) {
            return chosen(key->choices, value->text);
        }
        return inside(key, strlen(value->text));
    case VPR_CONF_UINT:
        return inside(key, value->number);
    case VPR_CONF_BOOL:
        return true;
    case VPR_CONF_LIST:
        return inside(key, value->list.count);
    case VPR_CONF_LISTEN:
        return inside(key, strlen(value->text)) && vpr_listen_parse(host, &port, value->text);
    case VPR_CONF_URL:
        return inside(key, strlen(value->text)) &&
               vpr_url_parse(&url, vpr_bytes_str(value->text), NULL) == VPR_OK;
    }
    return false;
}

static void describe(char *text, size_t size, const struct vpr_conf_value *value)
{
    switch (value->type) {
    case VPR_CONF_STRING:
    case VPR_CONF_LISTEN:
    case VPR_CONF_URL:
        (void)snprintf(text, size, "\"%.60s\"", value->text);
        break;
    case VPR_CONF_UINT:
        (void)snprintf(text, size, "%" PRIu64, value->number);
        break;
    case VPR_CONF_BOOL:
        (void)snprintf(text, size, "%s", value->yes ? "true" : "false");
        break;
    case VPR_CONF_LIST:
        (void)snprintf(text, size, "a list of %zu", value->list.count);
        break;
    }
}

bool vpr_conf_store(void *at, const struct vpr_conf_key *key, const struct vpr_conf_value *value,
                    char *why, size_t why_size)
{
    char accepts[256];
    char given[80];

    if (!fits(key, value)) {
        vpr_conf_accepts(accepts, sizeof accepts, key);
        describe(given, sizeof given, value);
        (void)snprintf(why, why_size, "%s is expected, not %s", accepts, given);
        return false;
    }
    switch (key->type) {
    case VPR_CONF_STRING:
    case VPR_CONF_LISTEN:
    case VPR_CONF_URL:
        memcpy(at, &value->text, sizeof value->text);
        break;
    case VPR_CONF_UINT:
        memcpy(at, &value->number, sizeof value->number);
        break;
    case VPR_CONF_BOOL:
        memcpy(at, &value->yes, sizeof value->yes);
        break;
    case VPR_CONF_LIST:
        memcpy(at, &value->list, sizeof value->list);
        break;
    }
    return true;
}
