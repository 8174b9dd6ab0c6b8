#include "app/cli/params.h"

#include "app/tx/params.h"

static const struct {
    const char *name;
    uint64_t main, local;
} rows[] = {
#define X(name, main, local, least, most, unit, slack) {#name, main, local},
    VPR_PARAMS(X)
#undef X
};

void vpr_cli_params_json(struct vpr_buf *out, bool local, int indent)
{
    vpr_buf_char(out, '{');
    for (size_t i = 0; i < VPR_COUNT(rows); i++) {
        vpr_buf_str(out, i ? "," : "");
        if (indent) {
            vpr_buf_printf(out, "\n%*s", indent, "");
        }
        /* 64-bit numbers are strings in proto3 JSON. */
        vpr_buf_printf(out, "\"%s\":%s\"%" PRIu64 "\"", rows[i].name, indent ? " " : "",
                       local ? rows[i].local : rows[i].main);
    }
    vpr_buf_str(out, indent ? "\n}" : "}");
}
