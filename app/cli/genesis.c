/* genesis.c - what a genesis is made of: the parameters, as JSON. */
#include "app/cli/params.h"
#include "app/cli/verbs.h"

static int show_params(struct vpr_cli *cli)
{
    bool json;
    if (!vpr_cli_json(cli, &json, true)) {
        return VPR_CLI_USAGE;
    }
    vpr_cli_params_json(&cli->out, vpr_cli_switch(cli, "local"), json ? 0 : 2);
    vpr_buf_char(&cli->out, '\n');
    return VPR_CLI_OK;
}

static const struct vpr_cli_flag params_flags[] = {
    {"local", NULL, "those of a local network: sessions of 10 blocks"},
    VPR_CLI_OUTPUT_FLAG,
    VPR_CLI_END,
};

static const struct vpr_cli_verb verbs[] = {
    {"genesis params", "", 0, 0, "print the parameters for app_state.params of a genesis",
     params_flags, false, show_params},
};

const struct vpr_cli_family vpr_cli_genesis = {verbs, VPR_COUNT(verbs)};
