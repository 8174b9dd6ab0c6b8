/* scripted.h - a node that answers what a table says, on a free port of loopback, and the command
 * line's context to ask it with; one at a time. */
#ifndef TESTS_UNIT_CLI_SCRIPTED_H
#define TESTS_UNIT_CLI_SCRIPTED_H

#include "app/cli/cli.h"

/* The first whose target fits answers; one that ends in '*' fits all that begin like it.  None:
 * 404.  The table may change between questions. */
struct scripted_answer {
    const char *target, *body;
};

extern struct vpr_cli scripted_cli; /* what is printed is in .out */
extern char scripted_node[64];      /* its URL */

void scripted_start(const struct scripted_answer *answers, size_t count);
void scripted_stop(void);
/* What was printed since the last call, until the next. */
const char *scripted_said(void);

/* ---- transactions in JSON, as a search finds them ---- */

#define SEARCH(what) "/cosmos/tx/v1beta1/txs?query=" what "*"
#define AT(key, value) "{\"key\":\"" key "\",\"value\":\"" value "\"}"
#define EVENT_OF(type, attributes) "{\"type\":\"" type "\",\"attributes\":[" attributes "]}"
#define TX(height, events) "{\"height\":\"" height "\",\"events\":[" events "]}"
#define FOUND(count, responses)                                                                \
    "{\"txs\":[{},{},{}],\"tx_responses\":[" responses "],\"total\":\"" count "\"}"
#define NOTHING FOUND("0", "")

#endif
