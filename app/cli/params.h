/* params.h - viper.v1.Params as proto3 JSON, from the one list of app/tx/params.h. */
#ifndef VPR_CLI_PARAMS_H
#define VPR_CLI_PARAMS_H

#include "app/host/buf.h"

/* `indent` 0: on one line. */
void vpr_cli_params_json(struct vpr_buf *out, bool local, int indent);

#endif
