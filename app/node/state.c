/* state.c - verbs about a state at rest: export, rollback, check-state, genesis validate.
 *
 * The node must not run: the database is locked by whoever has it open.  check-state alone
 * changes nothing, takes no lock and may look beside it. */
#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "app/base/bytes.h"
#include "app/host/file.h"
#include "app/host/pbjson.h"
#include "app/node/owner.h"
#include "app/node/verbs.h"
#include "viper/v1/genesis.pb-c.h"

#define ARENA_BYTES (UINT64_C(1) << 34) /* address space; an export is the whole state */
#define GENESIS_BYTES_MAX (1024u * 1024 * 1024)
#define CONSENSUS_PARAMS \
    "{\"block\":{\"max_bytes\":\"8388608\",\"max_gas\":\"-1\"}," \
    "\"evidence\":{\"max_age_num_blocks\":\"100000\"," \
    "\"max_age_duration\":\"172800000000000\",\"max_bytes\":\"1048576\"}," \
    "\"validator\":{\"pub_key_types\":[\"ed25519\"]},\"version\":{\"app\":\"%" PRIu64 "\"}," \
    "\"abci\":{\"vote_extensions_enable_height\":\"0\"}}"

typedef struct vpr_kv *open_fn(const char *path, char *err_text, size_t err_size);

static struct vpr_app *open_by(struct vpr_cli *cli, open_fn *open, bool create, int *ret_exit)
{
    const char *path = vpr_arena_text(&cli->arena, "%s/data/viper.db", cli->home);
    char why[512];

    if (!create && !vpr_file_exists(vpr_arena_text(&cli->arena, "%s/CURRENT", path))) {
        *ret_exit = vpr_cli_fail(cli, VPR_CLI_NOT_FOUND, "no state in %s", path);
        return NULL;
    }
    struct vpr_kv *kv = open(path, why, sizeof why);
    struct vpr_app *app = kv ? vpr_app_open(kv, why, sizeof why) : NULL;
    if (!app) {
        *ret_exit = vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", why);
    }
    return app;
}

struct vpr_app *node_open(struct vpr_cli *cli, bool create, int *ret_exit)
{
    struct vpr_err err;

    if (create &&
        vpr_dir_make(vpr_arena_text(&cli->arena, "%s/data", cli->home), 0700, &err) != VPR_OK) {
        *ret_exit = vpr_cli_fail_err(cli, &err);
        return NULL;
    }
    return open_by(cli, vpr_kv_rocksdb_open, create, ret_exit);
}

/* What a verb does with the committed state. */
typedef int state_fn(struct vpr_cli *cli, struct vpr_app *app, struct vpr_ctx *ctx);

static int with_state(struct vpr_cli *cli, open_fn *open, state_fn *fn)
{
    struct vpr_state state;
    struct vpr_arena arena;
    struct vpr_err err;
    int left;

    struct vpr_app *app = open_by(cli, open, false, &left);
    if (!app) {
        return left;
    }
    vpr_arena_init(&arena, ARENA_BYTES);
    struct vpr_pools *pools = vpr_pools_create();
    struct vpr_view *view = vpr_app_view(app);
    if (vpr_view_height(view) == 0) {
        left = vpr_cli_fail(cli, VPR_CLI_NOT_FOUND, "the state is empty: no block yet");
    } else {
        struct vpr_ctx ctx = vpr_app_query_ctx(&state, view, &arena, &err, pools);
        left = fn(cli, app, &ctx);
    }
    vpr_view_release(view);
    vpr_pools_destroy(pools);
    vpr_arena_finish(&arena);
    vpr_app_close(app);
    return left;
}

static int check(struct vpr_cli *cli, struct vpr_app *app, struct vpr_ctx *ctx)
{
    char hash[65];
    vpr_hex(hash, vpr_app_hash(app).b, 32);
    if (vpr_domain_invariants(ctx) != VPR_OK) {
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "height %" PRIu64 ": %s", ctx->height,
                            ctx->err->text);
    }
    vpr_buf_printf(&cli->out, "{\"height\":\"%" PRIu64 "\",\"app_hash\":\"%s\","
                   "\"invariants\":\"hold\"}\n", ctx->height, hash);
    return VPR_CLI_OK;
}

int node_check_state(struct vpr_cli *cli)
{
    return with_state(cli, vpr_kv_rocksdb_look, check);
}

/* What CometBFT wants in a genesis.json.  Its consensus parameters are not in our state:
 * these are those of `viperd init`.  InitChain tells it the validators. */
static void head(struct vpr_cli *cli, const struct vpr_ctx *ctx)
{
    time_t at = (time_t)ctx->time_s;
    struct tm parts;
    char text[32];

    if (!gmtime_r(&at, &parts) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)) {
        VPR_HALT("the block time has no text");
    }
    vpr_buf_printf(&cli->out, "{\"genesis_time\":\"%s\",\"chain_id\":\"%s\","
                   "\"initial_height\":\"%" PRIu64 "\",\"consensus_params\":"
                   CONSENSUS_PARAMS ",\"app_hash\":\"\",", text, ctx->chain_id,
                   ctx->height + 1, vpr_app_version);
}

/* A genesis for a chain that goes on: same chain-id, the next height. */
static int export(struct vpr_cli *cli, struct vpr_app *app, struct vpr_ctx *ctx)
{
    struct vpr_bytes wire = vpr_genesis_export(ctx);
    const ProtobufCMessage *state =
        vpr_arena_unpack(ctx->arena, &viper__v1__genesis_state__descriptor, wire);
    const struct vpr_pbjson_options options = {.omit_defaults = true};
    struct vpr_err err;
    char hash[65];

    VPR_ASSERT(state != NULL);
    vpr_hex(hash, vpr_app_hash(app).b, 32);
    cli->out.max = GENESIS_BYTES_MAX;
    head(cli, ctx);
    vpr_buf_printf(&cli->out, "\"app_hash_of_export\":\"%s\",\"app_state\":", hash);
    if (vpr_pbjson_write(&cli->out, state, &options, &err) != VPR_OK) {
        return vpr_cli_fail_err(cli, &err);
    }
    vpr_buf_str(&cli->out, "}\n");
    return VPR_CLI_OK;
}

int node_export(struct vpr_cli *cli)
{
    return with_state(cli, vpr_kv_rocksdb_open, export);
}

int node_rollback(struct vpr_cli *cli)
{
    char why[512], hash[65];
    uint64_t to;
    int left;

    struct vpr_app *app = node_open(cli, false, &left);
    if (!app) {
        return left;
    }
    uint64_t height = vpr_app_height(app);
    left = VPR_CLI_OK;
    if (!vpr_cli_number(cli, &to, "to", height ? height - 1 : 0, 0, INT64_MAX)) {
        left = VPR_CLI_USAGE;
    } else if (to >= height) {
        left = vpr_cli_fail(cli, VPR_CLI_USAGE, "the state is of height %" PRIu64
                            "; --to must be below", height);
    } else if (!vpr_app_rollback(app, to, why, sizeof why)) {
        left = vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", why);
    } else {
        vpr_hex(hash, vpr_app_hash(app).b, 32);
        vpr_buf_printf(&cli->out, "{\"height\":\"%" PRIu64 "\",\"app_hash\":\"%s\"}\n",
                       vpr_app_height(app), hash);
    }
    vpr_app_close(app);
    return left;
}

const struct vpr_cli_flag node_rollback_flags[] = {
    {"to", "HEIGHT", "default: one block back; roll CometBFT back as well"},
    VPR_CLI_END,
};

/* ---- genesis validate ---- */

struct genesis_file {
    const char *chain_id;
    uint64_t initial_height;
    int64_t time_s;
    struct vpr_bytes state; /* canonical protobuf */
};

/* RFC 3339 in UTC, as CometBFT writes it; the fraction of a second does not count. */
static bool take_time(struct vpr_cli *cli, const char *text, int64_t *ret)
{
    struct tm parts = {.tm_isdst = 0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;

    if (rest && *rest == '.') {
        rest += 1 + strspn(rest + 1, "0123456789");
    }
    time_t at = timegm(&parts);
    if (!rest || strcmp(rest, "Z") != 0 || at < 0) {
        (void)vpr_cli_fail(cli, VPR_CLI_REFUSED, "genesis_time %.40s is no time in UTC such as "
                           "2026-01-31T12:00:00Z", text ? text : "(none)");
        return false;
    }
    *ret = at;
    return true;
}

static bool take_state(struct vpr_cli *cli, json_t *root, struct vpr_arena *arena,
                       struct genesis_file *ret)
{
    const struct vpr_pbjson_options options = {
        .strict = true, .whole = &viper__v1__params__descriptor};
    json_t *state = json_object_get(root, "app_state");
    const char *chain_id = json_string_value(json_object_get(root, "chain_id"));
    const char *first = json_string_value(json_object_get(root, "initial_height"));
    ProtobufCMessage *message;
    struct vpr_err err;

    if (!json_is_object(state) || !chain_id) {
        (void)vpr_cli_fail(cli, VPR_CLI_REFUSED, "%s has no %s", cli->args[0],
                           chain_id ? "app_state" : "chain_id");
        return false;
    }
    char *text = json_dumps(state, JSON_COMPACT);
    if (!text) {
        VPR_HALT("out of memory");
    }
    enum vpr_code code = vpr_pbjson_parse(&message, arena,
                                          &viper__v1__genesis_state__descriptor,
                                          vpr_bytes_str(text), &options, &err);
    free(text);
    if (code != VPR_OK) {
        (void)vpr_cli_fail(cli, VPR_CLI_REFUSED, "app_state: %s", err.text);
        return false;
    }
    ret->chain_id = vpr_arena_text(arena, "%s", chain_id);
    ret->state = vpr_arena_pack(arena, message);
    ret->initial_height = 1;
    if (!take_time(cli, json_string_value(json_object_get(root, "genesis_time")),
                   &ret->time_s)) {
        return false;
    }
    if (first && *first && (sscanf(first, "%" SCNu64, &ret->initial_height) != 1 ||
                            ret->initial_height == 0)) {
        (void)vpr_cli_fail(cli, VPR_CLI_REFUSED, "initial_height %.40s is none", first);
        return false;
    }
    return true;
}

/* CometBFT writes 64-bit numbers as text; 0 for what is none. */
static int64_t number_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    char *end = NULL;
    const long long v = text ? strtoll(text, &end, 10) : 0;

    return end && end != text && *end == 0 ? (int64_t)v : 0;
}

static bool check_params(struct vpr_cli *cli, const json_t *root)
{
    const json_t *params = json_object_get(root, "consensus_params");
    const json_t *block = json_object_get(params, "block");
    const struct owner_params given = {
        .block = json_is_object(block),
        .app_version = (uint64_t)number_of(json_object_get(params, "version"), "app"),
        .max_gas = number_of(block, "max_gas"),
        .max_bytes = number_of(block, "max_bytes"),
        .extensions_height = number_of(json_object_get(params, "abci"),
                                       "vote_extensions_enable_height")};
    const char *fault = owner_params_fault(&given);

    if (fault) {
        (void)vpr_cli_fail(cli, VPR_CLI_REFUSED, "%s", fault);
    }
    return fault == NULL;
}

/* Into a state in memory, as InitChain does. */
static int import(struct vpr_cli *cli, const struct genesis_file *file)
{
    const struct vpr_app_genesis genesis = {file->chain_id, file->initial_height,
                                            file->time_s, file->state};
    const struct vpr_validator_update *validators;
    struct vpr_hash hash;
    struct vpr_err err;
    char why[512], hex[65];
    size_t count;
    int left = VPR_CLI_OK;

    struct vpr_app *app = vpr_app_open(vpr_kv_memory_open(), why, sizeof why);
    if (!app) {
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", why);
    }
    if (vpr_app_init(app, &genesis, &validators, &count, &hash, &err) != VPR_OK) {
        left = vpr_cli_fail(cli, VPR_CLI_REFUSED, "app_state: %s (%s)", err.text,
                            vpr_code_name(err.code));
    } else {
        vpr_hex(hex, hash.b, sizeof hash.b);
        vpr_buf_printf(&cli->out, "{\"chain_id\":\"%s\",\"validators\":%zu,"
                       "\"app_hash\":\"%s\"}\n", file->chain_id, count, hex);
    }
    vpr_app_close(app);
    return left;
}

int node_genesis_validate(struct vpr_cli *cli)
{
    struct genesis_file file;
    struct vpr_arena arena;
    struct vpr_buf text;
    struct vpr_err err;
    json_error_t fault;
    int left = VPR_CLI_REFUSED;

    vpr_buf_init(&text, GENESIS_BYTES_MAX);
    if (vpr_file_read(&text, cli->args[0], &err) != VPR_OK) {
        vpr_buf_finish(&text);
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", err.text);
    }
    json_t *root = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES,
                              &fault);
    vpr_buf_finish(&text);
    if (!json_is_object(root)) {
        json_decref(root);
        return vpr_cli_fail(cli, VPR_CLI_REFUSED, "%s:%d: %s", cli->args[0], fault.line,
                            fault.text);
    }
    vpr_arena_init(&arena, ARENA_BYTES);
    if (check_params(cli, root) && take_state(cli, root, &arena, &file)) {
        left = import(cli, &file);
    }
    json_decref(root);
    vpr_arena_finish(&arena);
    return left;
}
