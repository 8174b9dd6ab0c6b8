#include "app/cli/search.h"

#include "app/host/json_scan.h"

#define ANSWER_BYTES_MAX (32u * 1024 * 1024)
#define PAGE_TXS 5 /* a system transaction has thousands of events: few fill an answer */
#define PAGES_MAX 4000
#define SLASH_PAGES_MAX 1000

static bool attribute(struct vpr_bytes *ret, struct vpr_bytes attributes, const char *key)
{
    struct vpr_bytes unused, one, name;
    char text[80];
    size_t len;

    for (size_t at = 0; vpr_json_next(attributes, &at, &unused, &one);) {
        if (vpr_json_at(&name, one, "/key") && vpr_json_text(text, sizeof text, &len, name) &&
            strcmp(text, key) == 0) {
            return vpr_json_at(ret, one, "/value");
        }
    }
    return false;
}

const char *vpr_found_text(struct vpr_cli *cli, const struct vpr_found *found, const char *key)
{
    struct vpr_bytes value;
    return attribute(&value, found->attributes, key) ? vpr_cli_member(cli, value, "") : "";
}

bool vpr_found_is(const struct vpr_found *found, const char *key, const char *text)
{
    struct vpr_bytes value;
    char have[256];
    size_t len;
    return attribute(&value, found->attributes, key) &&
           vpr_json_text(have, sizeof have, &len, value) && strcmp(have, text) == 0;
}

struct vpr_found vpr_found_keep(struct vpr_cli *cli, const struct vpr_found *found)
{
    struct vpr_found kept = *found;
    kept.attributes = vpr_arena_bytes(&cli->arena, found->attributes);
    kept.tx = vpr_bytes_of(NULL, 0);
    return kept;
}

uint64_t vpr_found_u64(const struct vpr_found *found, const char *key)
{
    struct vpr_bytes value;
    uint64_t v;
    return attribute(&value, found->attributes, key) && vpr_json_u64(&v, value) ? v : 0;
}

bool vpr_cli_search_settings(struct vpr_cli *cli, const char *id, struct vpr_cli_settings *ret,
                             int *ret_exit)
{
    if (strchr(id, '\'')) {
        *ret_exit = vpr_cli_fail(cli, VPR_CLI_USAGE, "no address");
        return false;
    }
    return vpr_cli_settings(cli, ret, ret_exit);
}

static void read_event(struct vpr_found *found, struct vpr_bytes event, vpr_found_fn *each,
                       void *arg)
{
    struct vpr_bytes type;
    size_t len;
    if (vpr_json_at(&type, event, "/type") &&
        vpr_json_text(found->type, sizeof found->type, &len, type) &&
        vpr_json_at(&found->attributes, event, "/attributes")) {
        each(arg, found);
    }
}

/* One page's transactions, each with its events. */
static size_t read_page(struct vpr_bytes json, vpr_found_fn *each, void *arg)
{
    struct vpr_bytes txs, responses, unused, response, tx, events, event;
    size_t count = 0, tx_at = 0;

    if (!vpr_json_at(&txs, json, "/txs") || !vpr_json_at(&responses, json, "/tx_responses")) {
        return 0;
    }
    for (size_t at = 0; vpr_json_next(responses, &at, &unused, &response); count++) {
        struct vpr_found found = {.height = vpr_cli_number_at(response, "/height")};
        found.tx = vpr_json_next(txs, &tx_at, &unused, &tx) ? tx : vpr_bytes_of(NULL, 0);
        if (!vpr_json_at(&events, response, "/events")) {
            continue;
        }
        for (size_t e = 0; vpr_json_next(events, &e, &unused, &event);) {
            read_event(&found, event, each, arg);
        }
    }
    return count;
}

static const char *page_path(struct vpr_cli *cli, const char *query, bool newest, uint64_t page)
{
    return vpr_arena_text(&cli->arena,
                          "/cosmos/tx/v1beta1/txs?query=%s&page=%" PRIu64 "&limit=%d%s",
                          vpr_cli_escape(cli, query), page, newest ? 1 : PAGE_TXS,
                          newest ? "&order_by=ORDER_BY_DESC" : "");
}

int vpr_cli_search(struct vpr_cli *cli, const char *node, const char *query, bool newest,
                   vpr_found_fn *each, void *arg)
{
    uint64_t total = 1, read = 0;
    struct vpr_buf body;
    int left = VPR_CLI_OK;

    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    for (uint64_t page = 1; left == VPR_CLI_OK && read < total && page <= PAGES_MAX; page++) {
        vpr_buf_reset(&body);
        left = vpr_cli_ask(cli, &body, node, page_path(cli, query, newest, page),
                           vpr_bytes_of(NULL, 0), 0);
        if (left == VPR_CLI_OK) {
            size_t count = read_page(vpr_buf_bytes(&body), each, arg);
            total = newest ? 0 : vpr_cli_number_at(vpr_buf_bytes(&body), "/total");
            read += count > 0 ? count : total;
        }
    }
    vpr_buf_finish(&body);
    if (left == VPR_CLI_OK && read < total) {
        return vpr_cli_fail(cli, VPR_CLI_REFUSED, "%" PRIu64 " transactions match \"%s\"; this "
                            "reads %d", total, query, PAGES_MAX * PAGE_TXS);
    }
    return left;
}

/* ---- slashes ---- */

static const char *slashes_path(struct vpr_cli *cli, const char *actor, const char *key)
{
    return vpr_arena_text(&cli->arena, "/viper/v1/slashes/%s?pagination.limit=100%s%s",
                          vpr_cli_escape(cli, actor), *key ? "&pagination.key=" : "",
                          vpr_cli_escape(cli, key));
}

int vpr_cli_slashes(struct vpr_cli *cli, const char *node, const char *actor,
                    vpr_slash_fn *each, void *arg)
{
    struct vpr_bytes list, one, unused;
    struct vpr_buf body;
    const char *key = "";
    int left = VPR_CLI_OK;

    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    for (size_t page = 0; left == VPR_CLI_OK && (page == 0 || *key != '\0') &&
                          page < SLASH_PAGES_MAX; page++) {
        vpr_buf_reset(&body);
        left = vpr_cli_ask(cli, &body, node, slashes_path(cli, actor, key),
                           vpr_bytes_of(NULL, 0), 0);
        key = "";
        if (left == VPR_CLI_OK && vpr_json_at(&list, vpr_buf_bytes(&body), "/slashes")) {
            for (size_t at = 0; vpr_json_next(list, &at, &unused, &one);) {
                each(arg, one);
            }
            key = vpr_cli_member(cli, vpr_buf_bytes(&body), "/pagination/next_key");
        }
    }
    vpr_buf_finish(&body);
    return left;
}
