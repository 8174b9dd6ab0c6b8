/* The call that waits (http_client.h), for the CLI. */
#include "app/host/http_client.h"

struct waited {
    struct vpr_loop *loop;
    struct vpr_buf *body;
    uint32_t status;
    enum vpr_http_failure failure;
    const char *why;
};

static void on_waited(void *arg, const struct vpr_http_result *result)
{
    struct waited *w = arg;
    w->status = result->status;
    w->failure = result->failure;
    w->why = result->why;
    vpr_buf_add(w->body, result->body.data, result->body.len);
    vpr_loop_stop(w->loop);
}

enum vpr_code vpr_http_call(uint32_t *ret_status, struct vpr_buf *body,
                            const struct vpr_http_call *call,
                            const struct vpr_http_client_config *config, struct vpr_err *err)
{
    struct vpr_http_client *client = NULL;
    struct vpr_http_call limited = *call;
    struct waited w = {.loop = vpr_loop_create(), .body = body};
    enum vpr_code code = vpr_http_client_create(&client, w.loop, config, err);

    if (code == VPR_OK) {
        limited.body_max = body->max - body->len;
        (void)vpr_http_client_start(client, &limited, on_waited, &w);
        vpr_loop_run(w.loop);
        vpr_http_client_destroy(client);
        if (w.failure == VPR_HTTP_FAILURE_NONE) {
            *ret_status = w.status;
        } else {
            code = vpr_fail(err, VPR_NOT_FOUND, "no answer from %.*s: %s",
                            call->url.len < 120 ? (int)call->url.len : 120,
                            (const char *)call->url.data, w.why);
        }
    }
    vpr_loop_destroy(w.loop);
    return code;
}
