/* ask.h - one question to the node over REST, and its settings (flags, then client.toml). */
#ifndef VPR_CLI_ASK_H
#define VPR_CLI_ASK_H

#include "app/base/bytes.h"
#include "app/cli/cli.h"

#define VPR_CLI_NODE_URL "http://127.0.0.1:1317"

/* What config/client.toml and flags say; defaults where they are silent. */
struct vpr_cli_settings {
    const char *node;     /* URL without a final slash */
    const char *chain_id; /* "": whatever the node says */
    const char *backend;  /* "file", "test" */
};
/* False: a sentence was printed, `ret_exit` says how to leave. */
VPR_MUST_USE bool vpr_cli_settings(struct vpr_cli *cli, struct vpr_cli_settings *ret,
                                   int *ret_exit);

/* A status of 200 leaves the answer's JSON in `body` and gives OK; else a sentence was
 * printed: NOT_FOUND for 404, NO_NODE without an answer, REFUSED for the others.  `post`
 * empty: GET.  `height` 0: the newest. */
int vpr_cli_ask(struct vpr_cli *cli, struct vpr_buf *body, const char *node, const char *path,
                struct vpr_bytes post, uint64_t height);
/* The same, but the status is the caller's to judge and nothing is printed for one. */
int vpr_cli_ask_raw(struct vpr_cli *cli, uint32_t *ret_status, struct vpr_buf *body,
                    const char *node, const char *path, struct vpr_bytes post,
                    uint64_t height);

/* The JSON on one line, or indented. */
void vpr_cli_print(struct vpr_cli *cli, struct vpr_bytes json, bool one_line);
/* A string or number of the answer as text in the arena; "" if it is not there. */
const char *vpr_cli_member(struct vpr_cli *cli, struct vpr_bytes json, const char *pointer);
VPR_MUST_USE bool vpr_cli_member_u64(uint64_t *ret, struct vpr_bytes json,
                                     const char *pointer);
uint64_t vpr_cli_number_at(struct vpr_bytes json, const char *pointer); /* 0 without one */

/* Percent-encoded for a path segment or a query value. */
const char *vpr_cli_escape(struct vpr_cli *cli, const char *text);

#define VPR_CLI_NODE_FLAG \
    {"node", "URL", "REST of the node (default client.toml or " VPR_CLI_NODE_URL ")"}

#endif
