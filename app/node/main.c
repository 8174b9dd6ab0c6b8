/* main.c - viperd: the verbs that need the chain, beside those of the command line; its
 * queries and messages out of the tables. */
#include "app/base/mem.h"
#include "app/node/config.h"
#include "app/node/route.h"
#include "app/node/verbs.h"
#include "cosmos/tx/v1beta1/query.pb-c.h"

static const struct vpr_cli_flag none[] = {VPR_CLI_END};

static const struct vpr_cli_verb verbs[] = {
    {"start", "", 0, 0, "run the node until SIGTERM\n"
     "Flags win over config/app.toml.", node_start_flags, false, node_start},
    {"genesis validate", "FILE", 1, 1, "try a genesis.json: its state is built in memory", none,
     false, node_genesis_validate},
    {"export", "", 0, 0, "print the state as the genesis of a chain that goes on", none, false,
     node_export},
    {"rollback", "", 0, 0, "undo the last block, or back to --to", node_rollback_flags, false,
     node_rollback},
    {"check-state", "", 0, 0, "check the state's hash and invariants", none, false,
     node_check_state},
};

static size_t add_messages(struct vpr_cli_message *list)
{
    size_t n = 0;
    for (size_t i = 0; i < vpr_domain_tables.count; i++) {
        const struct vpr_domain *domain = vpr_domain_tables.domains[i];
        for (size_t k = 0; k < domain->handler_count; k++, n++) {
            const struct vpr_handler *h = &domain->handlers[k];
            if (list) {
                list[n] = (struct vpr_cli_message){h->type_url, h->descriptor, h->signer};
            }
        }
    }
    return n;
}

/* What is asked by GET and answered by CometBFT is no query of a domain. */
static const ProtobufCMessageDescriptor *request_of(const struct route_row *row)
{
    const struct vpr_query *query = vpr_domain_query(row->method);
    if (query) {
        return query->request;
    }
    return strcmp(row->method, "/cosmos.tx.v1beta1.Service/GetTxsEvent") == 0
               ? &cosmos__tx__v1beta1__get_txs_event_request__descriptor
               : NULL;
}

/* GET rows only: what is posted is `tx`. */
static size_t add_queries(struct vpr_cli_query *list)
{
    size_t n = 0;
    for (size_t i = 0; i < route_row_count; i++) {
        const struct route_row *row = &route_rows[i];
        if (strcmp(row->verb, "GET") == 0) {
            list[n++] = (struct vpr_cli_query){row->path, request_of(row)};
        }
    }
    return n;
}

int main(int argc, char **argv)
{
    struct vpr_cli_message *messages =
        vpr_mem_alloc((add_messages(NULL) + 1) * sizeof *messages);
    struct vpr_cli_query *queries = vpr_mem_alloc((route_row_count + 1) * sizeof *queries);
    const struct vpr_cli_program program = {
        .verbs = verbs,
        .verb_count = VPR_COUNT(verbs),
        .queries = queries,
        .query_count = add_queries(queries),
        .messages = messages,
        .message_count = add_messages(messages),
        .app_sample = node_config_sample,
    };
    int left = vpr_cli_main(&program, argc, argv);

    vpr_mem_free(queries);
    vpr_mem_free(messages);
    return left;
}
