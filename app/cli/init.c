/* init.c - `version` and `init`: the files of a home.
 *
 * CometBFT's own files come from `cometbft init`; of those only genesis.json is touched, and
 * nothing that exists is changed without --overwrite. */
#include <jansson.h>

#include "app/cli/params.h"
#include "app/cli/settings.h"
#include "app/cli/verbs.h"
#include "app/host/file.h"

#define GENESIS_BYTES_MAX (256u * 1024 * 1024)
#define SAMPLE_BYTES_MAX (64u * 1024)
#define BLOCK_BYTES_MAX "8388608"
#define APP_VERSION "1" /* of the rules; CometBFT checks blocks against it */

static int write_file(struct vpr_cli *cli, const char *path, struct vpr_bytes data, bool *ret_new)
{
    struct vpr_err err;
    enum vpr_code code = vpr_cli_switch(cli, "overwrite")
                             ? vpr_file_write(path, data, 0644, &err)
                             : vpr_file_create(path, data, 0644, &err);
    *ret_new = code == VPR_OK;
    if (code != VPR_OK && code != VPR_DUPLICATE) {
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", err.text);
    }
    vpr_buf_printf(&cli->out, code == VPR_OK ? "wrote %s\n" : "kept %s as it is\n", path);
    return VPR_CLI_OK;
}

static void set(json_t *object, const char *name, const char *value)
{
    (void)json_object_set_new(object, name, json_string(value));
}

static json_t *child(json_t *object, const char *name)
{
    json_t *have = json_object_get(object, name);
    if (!json_is_object(have)) {
        have = json_object();
        (void)json_object_set_new(object, name, have);
    }
    return have;
}

/* Lists to fill in: a network needs a validator, a chain and a zone at least. */
static json_t *state_skeleton(bool local)
{
    static const char *const lists[] = {"accounts", "chains", "zones", "validators",
                                        "servicers", "fishermen", "requestors"};
    struct vpr_buf params;
    json_t *state = json_object();

    vpr_buf_init(&params, SAMPLE_BYTES_MAX);
    vpr_cli_params_json(&params, local, 0);
    (void)json_object_set_new(state, "params", json_loadb(params.data, params.len, 0, NULL));
    vpr_buf_finish(&params);
    set(state, "price_micro_usd", "50000");
    for (size_t i = 0; i < VPR_COUNT(lists); i++) {
        (void)json_object_set_new(state, lists[i], json_array());
    }
    return state;
}

static int patch(struct vpr_cli *cli, json_t *genesis, const char *chain_id, bool *ret_done)
{
    json_t *state = json_object_get(genesis, "app_state");

    *ret_done = false;
    if (json_is_object(state) && json_object_size(state) > 0 &&
        !vpr_cli_switch(cli, "overwrite")) {
        return VPR_CLI_OK;
    }
    set(genesis, "chain_id", chain_id);
    json_t *params = child(genesis, "consensus_params");
    set(child(params, "version"), "app", APP_VERSION);
    set(child(params, "block"), "max_gas", "-1");
    set(child(params, "block"), "max_bytes", BLOCK_BYTES_MAX);
    (void)json_object_set_new(genesis, "app_state",
                              state_skeleton(vpr_cli_switch(cli, "local")));
    *ret_done = true;
    return VPR_CLI_OK;
}

static int patch_genesis(struct vpr_cli *cli, const char *path, const char *chain_id)
{
    struct vpr_buf text;
    struct vpr_err err;
    json_error_t fault;
    bool done;

    vpr_buf_init(&text, GENESIS_BYTES_MAX);
    if (vpr_file_read(&text, path, &err) != VPR_OK) {
        vpr_buf_finish(&text);
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", err.text);
    }
    json_t *genesis = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES,
                                 &fault);
    vpr_buf_finish(&text);
    if (!json_is_object(genesis)) {
        json_decref(genesis);
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s:%d: %s", path, fault.line, fault.text);
    }
    int left = patch(cli, genesis, chain_id, &done);
    char *out = done ? json_dumps(genesis, JSON_INDENT(2)) : NULL;
    json_decref(genesis);
    if (!done) {
        vpr_buf_printf(&cli->out, "kept %s as it is\n", path);
        return left;
    }
    if (!out || vpr_file_write(path, vpr_bytes_str(out), 0644, &err) != VPR_OK) {
        free(out);
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", out ? err.text : "no memory");
    }
    free(out);
    vpr_buf_printf(&cli->out, "set chain %s and app_state in %s; fill in its lists, then try "
                   "`viperd genesis validate`\n", chain_id, path);
    return left;
}

static bool chain_id_ok(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.')) {
            return false;
        }
    }
    return len >= 1 && len <= 50;
}

static int run_init(struct vpr_cli *cli)
{
    const char *chain_id = vpr_cli_flag(cli, "chain-id");
    const char *config = vpr_arena_text(&cli->arena, "%s/config", cli->home);
    const char *genesis = vpr_arena_text(&cli->arena, "%s/genesis.json", config);
    struct vpr_buf sample;
    struct vpr_err err;
    bool fresh;

    if (!chain_id || !chain_id_ok(chain_id)) {
        return vpr_cli_fail(cli, VPR_CLI_USAGE, "--chain-id is missing or not 1 to 50 of "
                            "a-z A-Z 0-9 - _ .");
    }
    if (vpr_dir_make(config, 0755, &err) != VPR_OK) {
        return vpr_cli_fail(cli, VPR_CLI_LOCAL, "%s", err.text);
    }
    vpr_buf_init(&sample, SAMPLE_BYTES_MAX);
    vpr_cli_settings_sample(cli, &sample, chain_id);
    int left = write_file(cli, vpr_arena_text(&cli->arena, "%s/client.toml", config),
                          vpr_buf_bytes(&sample), &fresh);
    if (left == VPR_CLI_OK && cli->program->app_sample) {
        vpr_buf_reset(&sample);
        cli->program->app_sample(&sample);
        left = write_file(cli, vpr_arena_text(&cli->arena, "%s/app.toml", config),
                          vpr_buf_bytes(&sample), &fresh);
    }
    vpr_buf_finish(&sample);
    if (left != VPR_CLI_OK) {
        return left;
    }
    if (!vpr_file_exists(genesis)) {
        vpr_buf_printf(&cli->out, "no %s: run `cometbft init --home %s`, then this again\n",
                       genesis, cli->home);
        return VPR_CLI_OK;
    }
    left = patch_genesis(cli, genesis, chain_id);
    vpr_buf_printf(&cli->out, "start: viperd start --home %s; cometbft start --home %s "
                   "--moniker %s\n", cli->home, cli->home, cli->args[0]);
    return left;
}

static int run_version(struct vpr_cli *cli)
{
    vpr_buf_str(&cli->out, VIPER_VERSION "\n");
    return VPR_CLI_OK;
}

static const struct vpr_cli_flag init_flags[] = {
    {"chain-id", "ID", "of the network"},
    {"local", NULL, "parameters of a local network"},
    {"overwrite", NULL, "also what exists"},
    VPR_CLI_END,
};

static const struct vpr_cli_flag version_flags[] = {VPR_CLI_END};

static const struct vpr_cli_verb verbs[] = {
    {"version", "", 0, 0, "print the version", version_flags, false, run_version},
    {"init", "MONIKER", 1, 1, "write config files; set chain and app_state in genesis.json\n"
     "Run `cometbft init --home DIR` before: CometBFT's files are its own.",
     init_flags, false, run_init},
};

const struct vpr_cli_family vpr_cli_init = {verbs, VPR_COUNT(verbs)};
