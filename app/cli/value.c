#include "app/cli/value.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/host/json_scan.h"
#include "app/rules/ids.h"

#define NAME_BYTES_MAX 64
#define PARTS_MAX 64

bool vpr_cli_is_id16(const char *field)
{
    return strcmp(field, "chain") == 0 || strcmp(field, "chains") == 0 ||
           strcmp(field, "zone") == 0;
}

static bool number(uint64_t *ret, const char *text, size_t len)
{
    uint64_t v = 0;
    if (len == 0 || len > 19) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    *ret = v;
    return true;
}

static bool is_id(uint16_t *ret, const char *text)
{
    uint64_t v;
    size_t len = strlen(text);
    if (len == 4) {
        return vpr_id16_parse(ret, vpr_bytes_str(text));
    }
    if (!number(&v, text, len) || v > UINT16_MAX) {
        return false;
    }
    *ret = (uint16_t)v;
    return true;
}

bool vpr_cli_id16(uint16_t *ret, const char *text, struct vpr_bytes names, bool zone)
{
    struct vpr_bytes list, key, one, name, id;
    size_t at = 0, len;
    char have[NAME_BYTES_MAX];
    uint64_t v;

    if (is_id(ret, text)) {
        return true;
    }
    if (!names.len || !vpr_json_at(&list, names, zone ? "/zones" : "/chains") ||
        vpr_json_type(list) != VPR_JSON_ARRAY) {
        return false;
    }
    while (vpr_json_next(list, &at, &key, &one)) {
        if (vpr_json_at(&name, one, "/name") && vpr_json_type(name) == VPR_JSON_STRING &&
            vpr_json_text(have, sizeof have, &len, name) && strcmp(have, text) == 0 &&
            vpr_json_at(&id, one, "/id") && vpr_json_u64(&v, id) && v <= UINT16_MAX) {
            *ret = (uint16_t)v;
            return true;
        }
    }
    return false;
}

bool vpr_cli_needs_names(const char *field, const char *value)
{
    uint16_t id;
    if ((!vpr_cli_is_id16(field) && strcmp(field, "pairs") != 0) || value[0] == '[' ||
        value[0] == '{') {
        return false;
    }
    size_t len = strlen(value);
    for (size_t at = 0; at < len;) {
        size_t n = strcspn(value + at, ",/");
        char part[NAME_BYTES_MAX];
        if (n < sizeof part) {
            memcpy(part, value + at, n);
            part[n] = 0;
            uint64_t share;
            if (!is_id(&id, part) && !number(&share, part, n)) {
                return true;
            }
        }
        at += n + 1;
    }
    return false;
}

bool vpr_cli_amount(uint64_t *ret, const char *text)
{
    size_t len = strlen(text), whole = strcspn(text, ".");
    uint64_t v = 0, part = 0;

    if (len > 5 && strcmp(text + len - 5, "uvipr") == 0) {
        return number(ret, text, len - 5);
    }
    if (len <= 4 || strcmp(text + len - 4, "vipr") != 0) {
        return number(ret, text, len);
    }
    len -= 4;
    if (whole >= len) {
        whole = len;
    } else {
        size_t digits = len - whole - 1;
        if (digits > 6 || !number(&part, text + whole + 1, digits)) {
            return false;
        }
        for (; digits < 6; digits++) {
            part *= 10;
        }
    }
    if (!number(&v, text, whole) || v > UINT64_MAX / 1000000 - 1) {
        return false;
    }
    *ret = v * 1000000 + part;
    return true;
}

const ProtobufCFieldDescriptor *vpr_cli_field(const ProtobufCMessageDescriptor *descriptor,
                                              const char *name)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const char *have = descriptor->fields[i].name;
        size_t k = 0;
        while (have[k] && (have[k] == name[k] || (have[k] == '_' && name[k] == '-'))) {
            k++;
        }
        if (!have[k] && !name[k]) {
            return &descriptor->fields[i];
        }
    }
    return NULL;
}

struct value {
    struct vpr_buf *out;
    struct vpr_arena *arena;
    const ProtobufCFieldDescriptor *field;
    struct vpr_bytes names;
    struct vpr_err *err;
};

static enum vpr_code bad(const struct value *v, const char *text, const char *wanted)
{
    return vpr_fail(v->err, VPR_BAD_FIELD, "%s: \"%.80s\" is no %s", v->field->name, text,
                    wanted);
}

static enum vpr_code add_bytes(const struct value *v, const char *text)
{
    size_t len = strlen(text), n = 0;
    uint8_t *raw = (uint8_t *)vpr_arena_alloc(v->arena, len + 4);

    /* A hash in hex is also base64, of something nobody means. */
    if (len % 2 == 0 && vpr_unhex(raw, len / 2, vpr_bytes_str(text))) {
        n = len / 2;
    } else if (!vpr_unbase64(raw, &n, vpr_bytes_str(text))) {
        return bad(v, text, "hex or base64");
    }
    char *base64 = (char *)vpr_arena_alloc(v->arena, VPR_BASE64_MAX(n));
    vpr_base64(base64, vpr_bytes_of(raw, n));
    vpr_buf_printf(v->out, "\"%s\"", base64);
    return VPR_OK;
}

/* chain/zone/share_ppm */
static enum vpr_code add_pair(const struct value *v, const char *text)
{
    char chain[NAME_BYTES_MAX], zone[NAME_BYTES_MAX];
    const char *first = strchr(text, '/'), *second = first ? strchr(first + 1, '/') : NULL;
    uint64_t share;
    uint16_t c, z;

    if (!second || first - text >= NAME_BYTES_MAX || second - first >= NAME_BYTES_MAX) {
        return bad(v, text, "CHAIN/ZONE/SHARE_PPM");
    }
    (void)snprintf(chain, sizeof chain, "%.*s", (int)(first - text), text);
    (void)snprintf(zone, sizeof zone, "%.*s", (int)(second - first - 1), first + 1);
    if (!vpr_cli_id16(&c, chain, v->names, false)) {
        return bad(v, chain, "chain");
    }
    if (!vpr_cli_id16(&z, zone, v->names, true)) {
        return bad(v, zone, "zone");
    }
    if (!number(&share, second + 1, strlen(second + 1))) {
        return bad(v, second + 1, "share in ppm");
    }
    vpr_buf_printf(v->out, "{\"chain\":%u,\"zone\":%u,\"share_ppm\":%" PRIu64 "}", c, z, share);
    return VPR_OK;
}

/* The parts of "A/B/C", each below NAME_BYTES_MAX; false unless there are `count`. */
static bool split(char (*parts)[NAME_BYTES_MAX], size_t count, const char *text, char by)
{
    for (size_t i = 0; i < count; i++) {
        const char *end = i + 1 < count ? strchr(text, by) : text + strlen(text);
        if (!end || end == text || end - text >= NAME_BYTES_MAX) {
            return false;
        }
        (void)snprintf(parts[i], NAME_BYTES_MAX, "%.*s", (int)(end - text), text);
        text = end + 1;
    }
    return true;
}

/* name=value */
static enum vpr_code add_param(const struct value *v, const char *text)
{
    char parts[2][NAME_BYTES_MAX];
    uint64_t n;

    if (!split(parts, 2, text, '=') || !number(&n, parts[1], strlen(parts[1]))) {
        return bad(v, text, "NAME=VALUE");
    }
    vpr_buf_str(v->out, "{\"name\":");
    vpr_buf_json(v->out, vpr_bytes_str(parts[0]));
    vpr_buf_printf(v->out, ",\"value\":\"%" PRIu64 "\"}", n);
    return VPR_OK;
}

/* recipient/amount */
static enum vpr_code add_spend(const struct value *v, const char *text)
{
    char parts[2][NAME_BYTES_MAX];
    uint64_t amount;

    if (!split(parts, 2, text, '/') || !vpr_cli_amount(&amount, parts[1])) {
        return bad(v, text, "ADDRESS/AMOUNT");
    }
    vpr_buf_str(v->out, "{\"recipient\":");
    vpr_buf_json(v->out, vpr_bytes_str(parts[0]));
    vpr_buf_printf(v->out, ",\"amount\":\"%" PRIu64 "\"}", amount);
    return VPR_OK;
}

/* name/height/version */
static enum vpr_code add_upgrade(const struct value *v, const char *text)
{
    char parts[3][NAME_BYTES_MAX];
    uint64_t height, version;

    if (!split(parts, 3, text, '/') || !number(&height, parts[1], strlen(parts[1])) ||
        !number(&version, parts[2], strlen(parts[2]))) {
        return bad(v, text, "NAME/HEIGHT/VERSION");
    }
    vpr_buf_str(v->out, "{\"name\":");
    vpr_buf_json(v->out, vpr_bytes_str(parts[0]));
    vpr_buf_printf(v->out, ",\"height\":\"%" PRIu64 "\",\"version\":\"%" PRIu64 "\"}",
                   height, version);
    return VPR_OK;
}

/* Messages that have a short spelling beside JSON. */
static const struct {
    const char *type;
    enum vpr_code (*add)(const struct value *v, const char *text);
} short_messages[] = {
    {"viper.v1.Pair", add_pair},
    {"viper.v1.ParamChange", add_param},
    {"viper.v1.TreasurySpend", add_spend},
    {"viper.v1.Upgrade", add_upgrade},
};

/* VOTE_OPTION_YES also as yes: what stands behind the last name that all begin with. */
static enum vpr_code add_enum(const struct value *v, const char *text)
{
    const ProtobufCEnumDescriptor *type =
        (const ProtobufCEnumDescriptor *)v->field->descriptor;
    size_t len = strlen(text);

    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name;
        size_t have = strlen(name), k = 0;
        if (have <= len || name[have - len - 1] != '_') {
            continue;
        }
        while (k < len && (name[have - len + k] == text[k] ||
                           name[have - len + k] == text[k] - 'a' + 'A')) {
            k++;
        }
        if (k == len) {
            vpr_buf_printf(v->out, "\"%s\"", name);
            return VPR_OK;
        }
    }
    vpr_buf_json(v->out, vpr_bytes_str(text));
    return VPR_OK;
}

static enum vpr_code add_message(const struct value *v, const char *text)
{
    const ProtobufCMessageDescriptor *type =
        (const ProtobufCMessageDescriptor *)v->field->descriptor;
    uint64_t amount;

    if (text[0] == '{') {
        if (!vpr_json_check(vpr_bytes_str(text), NULL)) {
            return bad(v, text, "JSON object");
        }
        vpr_buf_str(v->out, text);
        return VPR_OK;
    }
    if (strcmp(type->name, "cosmos.base.v1beta1.Coin") == 0) {
        if (!vpr_cli_amount(&amount, text)) {
            return bad(v, text, "amount; write 5uvipr or 0.5vipr");
        }
        vpr_buf_printf(v->out, "{\"denom\":\"uvipr\",\"amount\":\"%" PRIu64 "\"}", amount);
        return VPR_OK;
    }
    for (size_t i = 0; i < VPR_COUNT(short_messages); i++) {
        if (strcmp(type->name, short_messages[i].type) == 0) {
            return short_messages[i].add(v, text);
        }
    }
    return bad(v, text, "JSON object");
}

static enum vpr_code add_one(const struct value *v, const char *text)
{
    uint64_t amount;
    uint16_t id;

    if (v->field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return add_message(v, text);
    }
    if (v->field->type == PROTOBUF_C_TYPE_BYTES) {
        return add_bytes(v, text);
    }
    if (v->field->type == PROTOBUF_C_TYPE_ENUM) {
        return add_enum(v, text);
    }
    if (v->field->type == PROTOBUF_C_TYPE_BOOL) {
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
            return bad(v, text, "true or false");
        }
        vpr_buf_str(v->out, text);
        return VPR_OK;
    }
    if (vpr_cli_is_id16(v->field->name) && v->field->type == PROTOBUF_C_TYPE_UINT32) {
        bool zone = v->field->name[0] == 'z';
        if (!vpr_cli_id16(&id, text, v->names, zone)) {
            return bad(v, text, zone ? "zone: four hex digits or a name" :
                                       "chain: four hex digits or a name");
        }
        vpr_buf_printf(v->out, "%u", id);
        return VPR_OK;
    }
    if (strcmp(v->field->name, "amount") == 0 && v->field->type == PROTOBUF_C_TYPE_UINT64) {
        if (!vpr_cli_amount(&amount, text)) {
            return bad(v, text, "amount; write 5uvipr or 0.5vipr");
        }
        vpr_buf_printf(v->out, "\"%" PRIu64 "\"", amount);
        return VPR_OK;
    }
    vpr_buf_json(v->out, vpr_bytes_str(text));
    return VPR_OK;
}

static enum vpr_code add_list(const struct value *v, const char *text, size_t *ret_parts)
{
    bool object = text[0] == '{';
    if (text[0] == '[') { /* a JSON array: its inside */
        struct vpr_bytes key, one;
        size_t at = 0;
        if (!vpr_json_check(vpr_bytes_str(text), NULL)) {
            return bad(v, text, "JSON array");
        }
        while (vpr_json_next(vpr_bytes_str(text), &at, &key, &one)) {
            vpr_buf_str(v->out, (*ret_parts)++ ? "," : "");
            vpr_buf_add(v->out, one.data, one.len);
        }
        return VPR_OK;
    }
    for (size_t at = 0, len = strlen(text); at < len || len == 0;) {
        size_t n = object ? len : strcspn(text + at, ",");
        const char *part = vpr_arena_text(v->arena, "%.*s", (int)n, text + at);
        if (len == 0 || *ret_parts == PARTS_MAX) {
            return len == 0 ? VPR_OK : vpr_fail(v->err, VPR_TOO_LARGE,
                                                "%s: more than %d values", v->field->name,
                                                PARTS_MAX);
        }
        vpr_buf_str(v->out, (*ret_parts)++ ? "," : "");
        VPR_TRY(add_one(v, part));
        at += n + 1;
    }
    return VPR_OK;
}

enum vpr_code vpr_cli_value(struct vpr_buf *out, struct vpr_arena *arena,
                            const ProtobufCFieldDescriptor *field, const char *const *values,
                            size_t count, struct vpr_bytes names, struct vpr_err *err)
{
    const struct value v = {out, arena, field, names, err};
    size_t parts = 0;

    vpr_buf_printf(out, "\"%s\":", field->name);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (count > 1) {
            return vpr_fail(err, VPR_DUPLICATE, "%s is given %zu times", field->name, count);
        }
        return add_one(&v, values[0]);
    }
    vpr_buf_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        VPR_TRY(add_list(&v, values[i], &parts));
    }
    vpr_buf_char(out, ']');
    return VPR_OK;
}
