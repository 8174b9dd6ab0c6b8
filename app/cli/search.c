#include "app/cli/search.h"

#include "app/cli/ask.h"
#include "app/host/json_scan.h"

#define ANSWER_BYTES_MAX (32u * 1024 * 1024)
#define PAGE_TXS 5 /* a system transaction has thousands of events: few fill an answer */
#define PAGES_MAX 4000

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

uint64_t vpr_found_u64(const struct vpr_found *found, const char *key)
{
    struct vpr_bytes value;
    uint64_t v;
    return attribute(&value, found->attributes, key) && vpr_json_u64(&v, value) ? v : 0;
}

/* One page's transactions, each with its events. */
static size_t read_page(struct vpr_cli *cli, struct vpr_bytes json, vpr_found_fn *each, void *arg)
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
            found.type = vpr_cli_member(cli, event, "/type");
            if (vpr_json_at(&found.attributes, event, "/attributes")) {
                each(arg, &found);
            }
        }
    }
    return count;
}

int vpr_cli_search(struct vpr_cli *cli, const char *node, const char *query, bool newest,
                   vpr_found_fn *each, void *arg)
{
    uint64_t total = 1, read = 0;
    struct vpr_buf body;
    int left = VPR_CLI_OK;

    vpr_buf_init(&body, ANSWER_BYTES_MAX);
    for (uint64_t page = 1; left == VPR_CLI_OK && read < total && page <= PAGES_MAX; page++) {
        const char *path = vpr_arena_text(
            &cli->arena, "/cosmos/tx/v1beta1/txs?query=%s&page=%" PRIu64 "&limit=%d%s",
            vpr_cli_escape(cli, query), page, newest ? 1 : PAGE_TXS,
            newest ? "&order_by=ORDER_BY_DESC" : "");
        vpr_buf_reset(&body);
        left = vpr_cli_ask(cli, &body, node, path, vpr_bytes_of(NULL, 0), 0);
        if (left == VPR_CLI_OK) {
            /* What is kept of it outlives the buffer. */
            struct vpr_bytes json = vpr_arena_bytes(&cli->arena, vpr_buf_bytes(&body));
            size_t count = read_page(cli, json, each, arg);
            total = vpr_cli_number_at(json, "/total");
            read += count > 0 ? count : total;
        }
        if (newest) {
            break;
        }
    }
    vpr_buf_finish(&body);
    return left;
}
