/* query.c - `status` and `query`: the words of a REST path, its holes as arguments, further
 * fields of the request as flags. */
#include <stdio.h>

#include "app/cli/ask.h"
#include "app/cli/value.h"
#include "app/cli/verbs.h"

#define ANSWER_BYTES_MAX (32u * 1024 * 1024)
#define PATH_BYTES_MAX 8192

/* The words of "/viper/v1/servicers/{id}/sids" are servicers, {id}, sids: whose name and
 * version it is says nothing to a person, but "cosmos" modules keep their word. */
static const char *words_of(const char *path)
{
    const char *at = strncmp(path, "/viper/", 7) == 0 || strncmp(path, "/cosmos/", 8) == 0
                         ? strchr(path + 1, '/') + 1
                         : path + 1;
    return at;
}

static bool is_version(const char *word, size_t len)
{
    return len >= 2 && word[0] == 'v' && word[1] >= '0' && word[1] <= '9' &&
           !memchr(word, '{', len);
}

/* The next word, NULL at the end; versions are passed over. */
static const char *next_word(const char **at, size_t *ret_len)
{
    while (**at) {
        const char *word = *at;
        size_t len = strcspn(word, "/");
        *at = word + len + (word[len] == '/');
        if (!is_version(word, len)) {
            *ret_len = len;
            return word;
        }
    }
    return NULL;
}

/* 0 if the arguments do not fit, else 1 + the words that are equal. */
static size_t fits(const char *path, const char *const *args, size_t count)
{
    const char *at = words_of(path), *word;
    size_t len, used = 0, equal = 1;

    while ((word = next_word(&at, &len))) {
        if (used == count) {
            return 0;
        }
        if (word[0] != '{') {
            if (strlen(args[used]) != len || memcmp(args[used], word, len) != 0) {
                return 0;
            }
            equal++;
        }
        used++;
    }
    return used == count ? equal : 0;
}

static void usage_line(struct vpr_buf *out, const struct vpr_cli_query *query)
{
    const char *at = words_of(query->path), *word;
    size_t len;

    vpr_buf_str(out, "  viperd query");
    while ((word = next_word(&at, &len))) {
        vpr_buf_char(out, ' ');
        for (size_t i = 0; i < len; i++) {
            bool hole = word[0] == '{';
            char c = word[i];
            if (!hole || (c != '{' && c != '}')) {
                vpr_buf_char(out, hole && c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
            }
        }
    }
    for (unsigned i = 0; query->request && i < query->request->n_fields; i++) {
        const char *name = query->request->fields[i].name;
        char hole[80];
        (void)snprintf(hole, sizeof hole, "{%s}", name);
        if (strcmp(name, "pagination") == 0) {
            vpr_buf_str(out, " [--limit N] [--page-key K]");
        } else if (!strstr(query->path, hole)) {
            vpr_buf_printf(out, " [--%s ...]", name);
        }
    }
    vpr_buf_char(out, '\n');
}

static int list(struct vpr_cli *cli)
{
    for (size_t i = 0; i < cli->program->query_count; i++) {
        usage_line(&cli->out, &cli->program->queries[i]);
    }
    return VPR_CLI_OK;
}

/* The chains and zones of the node, for names; empty if it has no answer. */
static struct vpr_bytes names_of(struct vpr_cli *cli, const char *node)
{
    struct vpr_buf body;
    uint32_t status = 0;
    struct vpr_bytes names = {NULL, 0};

    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    if (vpr_cli_ask_raw(cli, &status, &body, node, "/viper/v1/chains", names, 0) ==
            VPR_CLI_OK && status == 200) {
        names = vpr_arena_bytes(&cli->arena, vpr_buf_bytes(&body));
    }
    vpr_buf_finish(&body);
    return names;
}

/* A value as the gateway reads it: ids are decimal numbers there. */
static const char *value_of(struct vpr_cli *cli, const char *node, const char *field,
                            const char *text)
{
    uint16_t id;
    if (!vpr_cli_is_id16(field)) {
        return vpr_cli_escape(cli, text);
    }
    struct vpr_bytes names = {NULL, 0};
    if (vpr_cli_needs_names(field, text)) {
        names = names_of(cli, node);
    }
    if (!vpr_cli_id16(&id, text, names, field[0] == 'z')) {
        return NULL;
    }
    return vpr_arena_text(&cli->arena, "%u", id);
}

static bool add_path(struct vpr_cli *cli, struct vpr_buf *out, const char *node,
                     const struct vpr_cli_query *query)
{
    const char *at = query->path;
    size_t arg = 0;

    while (*at) {
        size_t slash = strspn(at, "/"), len = strcspn(at + slash, "/");
        const char *word = at + slash;
        vpr_buf_char(out, '/');
        if (word[0] == '{') {
            const char *field = vpr_arena_text(&cli->arena, "%.*s", (int)len - 2, word + 1);
            const char *value = value_of(cli, node, field, cli->args[arg]);
            if (!value || !*value) {
                (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "\"%.80s\" is no %s", cli->args[arg],
                                   field);
                return false;
            }
            vpr_buf_str(out, value);
        } else {
            vpr_buf_add(out, word, len);
        }
        /* Words before the module's name are no arguments. */
        arg += word >= words_of(query->path) && !is_version(word, len);
        at = word + len;
    }
    return true;
}

static const char *parameter_of(const struct vpr_cli_query *query, struct vpr_cli *cli,
                                const char *flag)
{
    static const char *const pages[][2] = {
        {"limit", "pagination.limit"},         {"offset", "pagination.offset"},
        {"page-key", "pagination.key"},        {"count-total", "pagination.count_total"},
        {"reverse", "pagination.reverse"},
    };
    if (!query->request) {
        return flag;
    }
    for (size_t i = 0; i < VPR_COUNT(pages); i++) {
        if (strcmp(flag, pages[i][0]) == 0 && vpr_cli_field(query->request, "pagination")) {
            return pages[i][1];
        }
    }
    const ProtobufCFieldDescriptor *field = vpr_cli_field(query->request, flag);
    const char *hole = field ? vpr_arena_text(&cli->arena, "{%s}", field->name) : "";
    return field && !strstr(query->path, hole) ? field->name : NULL;
}

static bool add_query(struct vpr_cli *cli, struct vpr_buf *out, const char *node,
                      const struct vpr_cli_query *query)
{
    size_t n = 0;
    for (size_t i = 0; i < cli->flag_count; i++) {
        const struct vpr_cli_given *given = &cli->flags[i];
        if (!given->field) {
            continue;
        }
        const char *name = parameter_of(query, cli, given->name);
        if (!name) {
            struct vpr_buf line;
            vpr_buf_init(&line, 1024);
            usage_line(&line, query);
            (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "unknown flag --%s; it is\n%.*s",
                               given->name, (int)line.len, line.data);
            vpr_buf_finish(&line);
            return false;
        }
        const char *value = value_of(cli, node, name, given->value);
        if (!value) {
            (void)vpr_cli_fail(cli, VPR_CLI_USAGE, "\"%.80s\" is no %s", given->value, name);
            return false;
        }
        vpr_buf_printf(out, "%c%s=%s", n++ ? '&' : '?', name, value);
    }
    return true;
}

static int ask_and_print(struct vpr_cli *cli, const char *node, const char *path, bool json,
                         uint64_t height)
{
    struct vpr_buf body;
    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    int left = vpr_cli_ask(cli, &body, node, path, vpr_bytes_of(NULL, 0), height);
    if (left == VPR_CLI_OK) {
        vpr_cli_print(cli, vpr_buf_bytes(&body), json);
    }
    vpr_buf_finish(&body);
    return left;
}

static int run_query(struct vpr_cli *cli)
{
    const struct vpr_cli_query *query = NULL;
    struct vpr_cli_settings settings;
    size_t best = 0;
    uint64_t height;
    bool json;
    int left;

    /* Cosmos's own spelling of a transaction by its hash. */
    if (cli->arg_count == 2 && strcmp(cli->args[0], "tx") == 0 &&
        strcmp(cli->args[1], "txs") != 0) {
        cli->args[2] = cli->args[1];
        cli->args[1] = "txs";
        cli->arg_count = 3;
    }
    if (cli->arg_count == 0) {
        return list(cli);
    }
    for (size_t i = 0; i < cli->program->query_count; i++) {
        size_t equal = fits(cli->program->queries[i].path, cli->args, cli->arg_count);
        if (equal > best) {
            best = equal;
            query = &cli->program->queries[i];
        }
    }
    if (!query) {
        return vpr_cli_fail(cli, VPR_CLI_USAGE,
                            "no query \"%.80s\" with %zu arguments; `viperd query` lists them",
                            cli->args[0], cli->arg_count - 1);
    }
    if (!vpr_cli_json(cli, &json, false) ||
        !vpr_cli_number(cli, &height, "height", 0, 1, INT64_MAX)) {
        return VPR_CLI_USAGE;
    }
    if (!vpr_cli_settings(cli, &settings, &left)) {
        return left;
    }
    struct vpr_buf path;
    vpr_buf_init(&path, PATH_BYTES_MAX);
    left = VPR_CLI_USAGE;
    if (add_path(cli, &path, settings.node, query) &&
        add_query(cli, &path, settings.node, query)) {
        left = path.over ? vpr_cli_fail(cli, VPR_CLI_USAGE, "the URL is above %d bytes",
                                        PATH_BYTES_MAX)
                         : ask_and_print(cli, settings.node, path.data, json, height);
    }
    vpr_buf_finish(&path);
    return left;
}

static int run_status(struct vpr_cli *cli)
{
    struct vpr_cli_settings settings;
    struct vpr_buf body;
    bool json;
    int left;

    if (!vpr_cli_json(cli, &json, false)) {
        return VPR_CLI_USAGE;
    }
    if (!vpr_cli_settings(cli, &settings, &left)) {
        return left;
    }
    if (json) {
        return ask_and_print(cli, settings.node, "/viper/v1/chain", true, 0);
    }
    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    left = vpr_cli_ask(cli, &body, settings.node, "/viper/v1/chain", vpr_bytes_of(NULL, 0), 0);
    if (left == VPR_CLI_OK) {
        struct vpr_bytes chain = vpr_buf_bytes(&body);
        vpr_buf_printf(&cli->out, "chain %s, height %s, session %s: blocks %s to %s\n",
                       vpr_cli_member(cli, chain, "/chain_id"),
                       vpr_cli_member(cli, chain, "/height"),
                       vpr_cli_member(cli, chain, "/session"),
                       vpr_cli_member(cli, chain, "/first"),
                       vpr_cli_member(cli, chain, "/last"));
    }
    vpr_buf_finish(&body);
    return left;
}

static const struct vpr_cli_flag query_flags[] = {
    VPR_CLI_NODE_FLAG,
    {"height", "N", "only if the node's last block is this one"},
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_flag status_flags[] = {
    VPR_CLI_NODE_FLAG,
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_verb verbs[] = {
    {"status", "", 0, 0, "height and session of a node", status_flags, false, run_status},
    {"query", "NAME [ARGS]", 0, 8, "read the chain through a node\n"
     "`viperd query` alone lists all queries.", query_flags, true, run_query},
    {"q", "NAME [ARGS]", 0, 8, "the same as query", query_flags, true, run_query},
};

const struct vpr_cli_family vpr_cli_queries = {verbs, VPR_COUNT(verbs)};
