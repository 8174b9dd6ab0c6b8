/* replay.c - a recorded chain once more, on kv_memory: prints one app hash a block.
 *
 * usage: replay GENESIS.json RECORDING
 * RECORDING, made by tests/replay/all.py from a node's RPC: a line a block, and behind it one a
 * vote on the block before, a fault and a transaction:
 *     B height time_s proposer-hex
 *     V validator-hex 1 (present) or 0
 *     F validator-hex height
 *     T transaction-hex
 * Every build (compiler, optimisation, sanitizers) must print the same lines. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/base/bytes.h"
#include "app/base/sig.h"
#include "app/host/pbjson.h"
#include "viper/v1/genesis.pb-c.h"

#define ARENA_BYTES (UINT64_C(1) << 32)
#define LINE_BYTES_MAX (4u << 20)
#define VOTES_MAX 300

static void die(const char *what, const char *why)
{
    fprintf(stderr, "replay: %s: %s\n", what, why);
    exit(1);
}

static int64_t rfc3339(const char *text)
{
    int64_t seconds;
    int32_t nanos;
    if (!vpr_time_parse(&seconds, &nanos, vpr_bytes_str(text))) {
        die("genesis_time", text);
    }
    return seconds;
}

static struct vpr_app *open_genesis(const char *path, struct vpr_arena *arena)
{
    json_error_t problem;
    json_t *root = json_load_file(path, 0, &problem);
    if (!root) {
        die(path, problem.text);
    }
    struct vpr_err err = {VPR_OK, ""};
    char *state = json_dumps(json_object_get(root, "app_state"), JSON_COMPACT);
    ProtobufCMessage *message;
    struct vpr_pbjson_options options = {.strict = true};
    if (vpr_pbjson_parse(&message, arena, &viper__v1__genesis_state__descriptor,
                         vpr_bytes_str(state), &options, &err) != VPR_OK) {
        die("app_state", err.text);
    }
    char text[256];
    struct vpr_app *app = vpr_app_open(vpr_kv_memory_open(), text, sizeof text);
    if (!app) {
        die("open", text);
    }
    struct vpr_app_genesis genesis = {
        .chain_id = json_string_value(json_object_get(root, "chain_id")),
        .initial_height = strtoull(
            json_string_value(json_object_get(root, "initial_height")), NULL, 10),
        .time_s = rfc3339(json_string_value(json_object_get(root, "genesis_time"))),
        .state = vpr_arena_pack(arena, message),
    };
    const struct vpr_validator_update *updates;
    size_t count;
    struct vpr_hash hash;
    if (vpr_app_init(app, &genesis, &updates, &count, &hash, &err) != VPR_OK) {
        die("genesis", err.text);
    }
    free(state);
    json_decref(root);
    return app;
}

struct block {
    struct vpr_app_block head;
    struct vpr_bytes txs[VPR_BLOCK_TXS_MAX];
    struct vpr_vote votes[VOTES_MAX];
    struct vpr_fault faults[VOTES_MAX];
    struct vpr_arena arena;
    bool any;
};

static void run(struct vpr_app *app, struct block *b)
{
    if (!b->any) {
        return;
    }
    const struct vpr_app_result *result;
    b->head.txs = b->txs;
    b->head.reports.votes = b->votes;
    b->head.reports.faults = b->faults;
    vpr_app_finalize(app, &b->head, &result);
    char text[65];
    vpr_hex(text, result->app_hash.b, sizeof result->app_hash.b);
    printf("%" PRIu64 " %s", b->head.height, text);
    for (size_t i = 0; i < result->tx_count; i++) {
        printf(" %d", (int)result->txs[i].code);
    }
    printf("\n");
    vpr_app_commit(app);
    vpr_arena_release(&b->arena, 0);
    b->head.count = 0;
    b->head.reports.vote_count = b->head.reports.fault_count = 0;
    b->any = false;
}

/* "V address 0|1" or "F address height" */
static void report(struct block *b, const char *text)
{
    struct vpr_reports *r = &b->head.reports;
    struct vpr_address who;
    char address[41];
    uint64_t number;
    if (sscanf(text + 1, " %40s %" SCNu64, address, &number) != 2 ||
        !vpr_unhex(who.b, sizeof who.b, vpr_bytes_str(address)) ||
        r->vote_count == VOTES_MAX || r->fault_count == VOTES_MAX) {
        die("line", text);
    }
    if (text[0] == 'V') {
        b->votes[r->vote_count++] = (struct vpr_vote){who, number != 0};
    } else {
        b->faults[r->fault_count++] = (struct vpr_fault){who, number};
    }
}

static void line(struct vpr_app *app, struct block *b, char *text)
{
    size_t len = strcspn(text, "\n");
    text[len] = '\0';
    if (text[0] == 'B') {
        run(app, b);
        char proposer[41];
        if (sscanf(text, "B %" SCNu64 " %" SCNd64 " %40s", &b->head.height, &b->head.time_s,
                   proposer) != 3 ||
            !vpr_unhex(b->head.proposer.b, 20, vpr_bytes_str(proposer))) {
            die("line", text);
        }
        b->any = true;
    } else if (text[0] == 'V' || text[0] == 'F') {
        report(b, text);
    } else if (text[0] == 'T' && b->head.count < VPR_BLOCK_TXS_MAX && len >= 2) {
        size_t n = (len - 2) / 2;
        uint8_t *raw = (uint8_t *)vpr_arena_alloc(&b->arena, n ? n : 1);
        if (!vpr_unhex(raw, n, vpr_bytes_of(text + 2, n * 2))) {
            die("line", "not hex");
        }
        b->txs[b->head.count++] = vpr_bytes_of(raw, n);
    } else {
        die("line", "neither B, V, F nor T");
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        die("usage", "replay GENESIS.json RECORDING");
    }
    vpr_sig_init();
    struct vpr_arena arena;
    vpr_arena_init(&arena, ARENA_BYTES);
    struct vpr_app *app = open_genesis(argv[1], &arena);
    FILE *in = fopen(argv[2], "r");
    if (!in) {
        die(argv[2], strerror(errno));
    }
    struct block *b = calloc(1, sizeof *b);
    char *text = malloc(LINE_BYTES_MAX);
    if (!b || !text) {
        die("memory", "none");
    }
    vpr_arena_init(&b->arena, ARENA_BYTES);
    while (fgets(text, LINE_BYTES_MAX, in)) {
        line(app, b, text);
    }
    run(app, b);
    fclose(in);
    vpr_app_close(app);
    vpr_arena_finish(&b->arena);
    vpr_arena_finish(&arena);
    free(b);
    free(text);
    return 0;
}
