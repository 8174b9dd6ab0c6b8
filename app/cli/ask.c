#include "app/cli/ask.h"

#include "app/host/http_client.h"
#include "app/host/http_server.h"
#include "app/host/json_scan.h"

#define ASK_MS 15000

int vpr_cli_ask_raw(struct vpr_cli *cli, uint32_t *ret_status, struct vpr_buf *body,
                    const char *node, const char *path, struct vpr_bytes post, uint64_t height)
{
    char number[24] = "";
    struct vpr_buf text;
    vpr_buf_init(&text, sizeof number);
    vpr_buf_u64(&text, height);
    memcpy(number, text.data, text.len);
    vpr_buf_finish(&text);
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT("Content-Type", "application/json"),
        VPR_HTTP_TEXT("x-cosmos-block-height", number),
    };
    const struct vpr_http_call call = {
        .method = post.len ? "POST" : "GET",
        .url = vpr_bytes_str(node),
        .path = vpr_bytes_str(path),
        .headers = headers + (post.len ? 0 : 1),
        .header_count = (post.len ? 1u : 0u) + (height ? 1u : 0u),
        .body = post,
        .total_ms = ASK_MS,
        .body_max = body->max,
    };
    const struct vpr_http_client_config config = {.allow_private = true};
    struct vpr_err err;

    if (vpr_http_call(ret_status, body, &call, &config, &err) != VPR_OK) {
        return vpr_cli_fail(cli, VPR_CLI_NO_NODE, "%s", err.text);
    }
    return VPR_CLI_OK;
}

int vpr_cli_ask(struct vpr_cli *cli, struct vpr_buf *body, const char *node, const char *path,
                struct vpr_bytes post, uint64_t height)
{
    uint32_t status;
    int left = vpr_cli_ask_raw(cli, &status, body, node, path, post, height);
    if (left != VPR_CLI_OK) {
        return left;
    }
    if (status == 200 && vpr_json_check(vpr_buf_bytes(body), NULL)) {
        return VPR_CLI_OK;
    }
    if (status == 200) {
        return vpr_cli_fail(cli, VPR_CLI_NO_NODE, "%s%s: the answer is no JSON", node, path);
    }
    const char *message = "";
    if (vpr_json_check(vpr_buf_bytes(body), NULL)) {
        message = vpr_cli_member(cli, vpr_buf_bytes(body), "/message");
    }
    return vpr_cli_fail(cli, status == 404 ? VPR_CLI_NOT_FOUND : VPR_CLI_REFUSED, "%s%s%u",
                        message, *message ? ", HTTP " : "HTTP ", status);
}

static void indent(struct vpr_buf *out, size_t depth)
{
    vpr_buf_char(out, '\n');
    for (size_t i = 0; i < depth; i++) {
        vpr_buf_str(out, "  ");
    }
}

/* The text has passed vpr_json_check, so brackets match and strings end. */
void vpr_cli_print(struct vpr_cli *cli, struct vpr_bytes json, bool one_line)
{
    struct vpr_buf *out = &cli->out;
    bool quoted = false;
    size_t depth = 0;

    for (size_t i = 0; i < json.len; i++) {
        char c = (char)json.data[i];
        char next = i + 1 < json.len ? (char)json.data[i + 1] : 0;
        if (quoted) {
            vpr_buf_char(out, c);
            if (c == '\\' && next) {
                vpr_buf_char(out, next);
                i++;
            }
            quoted = c != '"';
            continue;
        }
        if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
            continue;
        }
        if (!one_line && (c == '}' || c == ']') && json.data[i - 1] != '{' &&
            json.data[i - 1] != '[') {
            indent(out, depth - 1);
        }
        depth -= (c == '}' || c == ']') ? 1 : 0;
        depth += (c == '{' || c == '[') ? 1 : 0;
        vpr_buf_char(out, c);
        quoted = c == '"';
        if (!one_line && c == ':') {
            vpr_buf_char(out, ' ');
        } else if (!one_line && (c == ',' || ((c == '{' || c == '[') && next != '}' &&
                                              next != ']'))) {
            indent(out, depth);
        }
    }
    vpr_buf_char(out, '\n');
}

const char *vpr_cli_member(struct vpr_cli *cli, struct vpr_bytes json, const char *pointer)
{
    struct vpr_bytes value;
    if (!vpr_json_at(&value, json, pointer)) {
        return "";
    }
    if (vpr_json_type(value) != VPR_JSON_STRING) {
        return vpr_arena_text(&cli->arena, "%.*s", (int)value.len, (const char *)value.data);
    }
    char *text = (char *)vpr_arena_alloc(&cli->arena, value.len + 1);
    size_t len;
    return vpr_json_text(text, value.len + 1, &len, value) ? text : "";
}

bool vpr_cli_member_u64(uint64_t *ret, struct vpr_bytes json, const char *pointer)
{
    struct vpr_bytes value;
    return vpr_json_at(&value, json, pointer) && vpr_json_u64(ret, value);
}

uint64_t vpr_cli_number_at(struct vpr_bytes json, const char *pointer)
{
    uint64_t v;
    return vpr_cli_member_u64(&v, json, pointer) ? v : 0;
}

const char *vpr_cli_escape(struct vpr_cli *cli, const char *text)
{
    static const char plain[] = "-._~";
    size_t len = strlen(text), n = 0;
    char *out = (char *)vpr_arena_alloc(&cli->arena, 3 * len + 1);

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c && strchr(plain, c))) {
            out[n++] = c;
        } else {
            out[n++] = '%';
            vpr_hex(out + n, &c, 1);
            n += 2;
        }
    }
    return out;
}
