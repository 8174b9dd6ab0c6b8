/* forecast.h - what a stake is going to give, from what the chain says now.
 *
 * Only the chain's own formulas (app/rules) over the running session's pools, budgets and
 * parameters.  A requestor's figures are exact as long as those stay; a servicer's and a
 * fisherman's are what it may expect a session on the average if every requestor uses all of
 * its quota, and a validator's its part of the yield alone. */
#ifndef VPR_CLI_FORECAST_H
#define VPR_CLI_FORECAST_H

#include "app/cli/cli.h"

/* True for the messages that stake. */
bool vpr_cli_can_forecast(const ProtobufCMessage *message);
/* A JSON object into cli->out; `body` is room for the node's answers. */
int vpr_cli_forecast(struct vpr_cli *cli, struct vpr_buf *body, const char *node,
                     const ProtobufCMessage *message);

#endif
