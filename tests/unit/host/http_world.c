#include "tests/unit/host/http_world.h"

#include <check.h>
#include <stdio.h>
#include <unistd.h>

#include "app/base/bytes.h"

struct http_world http_world;

static void too_late(void *arg)
{
    (void)arg;
    ck_abort_msg("the loop waited longer than a minute");
}

static void note_gone(void *arg)
{
    (void)arg;
    http_world.gone++;
    vpr_loop_stop(http_world.loop);
}

/* /echo answers at once, /hold keeps, /stream sends three pieces, /big sends 3 MiB. */
static void handle(void *arg, struct vpr_http_request *req)
{
    (void)arg;
    http_world.handled++;
    snprintf(http_world.peer, sizeof http_world.peer, "%s", req->peer);
    if (vpr_bytes_equal(req->path, vpr_bytes_str("/hold"))) {
        ck_assert_uint_lt(http_world.held_count, HELD_MAX);
        http_world.held[http_world.held_count++] = req;
        vpr_http_on_gone(req, note_gone, NULL);
        vpr_loop_stop(http_world.loop);
    } else if (vpr_bytes_equal(req->path, vpr_bytes_str("/stream"))) {
        struct vpr_http_header type[] = {VPR_HTTP_TEXT("Content-Type", "text/event-stream")};
        vpr_http_stream_start(req, 200, type, 1);
        for (int i = 0; i < 3; i++) {
            ck_assert(vpr_http_stream_send(req, vpr_bytes_str("data: x\n\n")));
        }
        vpr_http_stream_close(req);
    } else if (vpr_bytes_equal(req->path, vpr_bytes_str("/big"))) {
        static char big[3 << 20];
        memset(big, 'b', sizeof big);
        vpr_http_reply(req, 200, NULL, 0, vpr_bytes_of(big, sizeof big));
    } else {
        struct vpr_http_header headers[] = {
            VPR_HTTP_TEXT("X-Bad", "a\r\nInjected: b"), VPR_HTTP_TEXT("Content-Length", "1"),
            {vpr_bytes_str("X-Query"), req->query}};
        vpr_http_reply(req, 200, headers, 3, req->body);
    }
}

void http_set_up(const struct vpr_http_server_config *server,
                   const struct vpr_http_client_config *client)
{
    struct vpr_err err;
    memset(&http_world, 0, sizeof http_world);
    http_world.loop = vpr_loop_create();
    ck_assert_int_eq(vpr_http_server_create(&http_world.server, http_world.loop, server,
                                            handle, NULL, &err), VPR_OK);
    ck_assert_int_eq(vpr_http_client_create(&http_world.client, http_world.loop, client,
                                            &err), VPR_OK);
    http_world.guard = vpr_timer_create(http_world.loop, too_late, NULL);
    vpr_timer_once(http_world.guard, 60000);
}

void http_tear_down(void)
{
    vpr_http_client_destroy(http_world.client);
    vpr_http_server_destroy(http_world.server);
    vpr_timer_destroy(http_world.guard);
    vpr_loop_destroy(http_world.loop);
}

const struct vpr_http_server_config http_plain = {.body_max = 4 << 20};
const struct vpr_http_client_config http_open = {.allow_private = true};

static void note(void *arg, const struct vpr_http_result *result)
{
    http_world.last = *result;
    size_t room = sizeof http_world.body - 1;
    size_t len = result->body.len < room ? result->body.len : room;
    if (len > 0) {
        memcpy(http_world.body, result->body.data, len);
    }
    http_world.body[len] = '\0';
    if (arg != NULL) {
        strcat(http_world.order, arg);
    }
    if (++http_world.done >= http_world.want) {
        vpr_loop_stop(http_world.loop);
    }
}

struct vpr_http_exchange *http_call(struct vpr_http_call call, const char *path,
                                           const char *body, const char *name)
{
    char url[128];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", vpr_http_server_port(http_world.server));
    if (call.url.len == 0) {
        call.url = vpr_bytes_str(url);
    }
    call.path = vpr_bytes_str(path);
    call.body = vpr_bytes_str(body);
    call.method = call.method == NULL ? "POST" : call.method;
    return vpr_http_client_start(http_world.client, &call, note, (void *)(uintptr_t)name);
}

void http_wait(unsigned more)
{
    http_world.done = 0;
    http_world.want = more;
    vpr_loop_run(http_world.loop);
}

void http_turns(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        vpr_loop_turn(http_world.loop);
        usleep(1000);
    }
}
