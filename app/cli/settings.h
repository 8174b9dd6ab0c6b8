/* settings.h - config/client.toml: its table, and the sample that `init` writes. */
#ifndef VPR_CLI_SETTINGS_H
#define VPR_CLI_SETTINGS_H

#include "app/cli/ask.h"

void vpr_cli_settings_sample(struct vpr_cli *cli, struct vpr_buf *out, const char *chain_id);

#endif
