#include "tests/unit/cli/scripted.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>

#include "app/base/bytes.h"
#include "app/host/http_server.h"

#define OUT_BYTES (1u << 20)

struct vpr_cli scripted_cli;
char scripted_node[64];

static const struct scripted_answer *answers;
static size_t answer_count;
static struct vpr_loop *loop;
static struct vpr_http_server *server;
static pthread_t thread;

static bool fits(const char *target, struct vpr_bytes asked)
{
    size_t len = strlen(target);
    return target[len - 1] == '*'
               ? asked.len >= len - 1 && memcmp(asked.data, target, len - 1) == 0
               : vpr_bytes_equal(asked, vpr_bytes_str(target));
}

static void on_request(void *arg, struct vpr_http_request *req)
{
    (void)arg;
    for (size_t i = 0; i < answer_count; i++) {
        if (fits(answers[i].target, req->target)) {
            vpr_http_reply_text(req, 200, "application/json", answers[i].body);
            return;
        }
    }
    vpr_http_reply_text(req, 404, "application/json", "{\"code\":5,\"message\":\"not here\"}");
}

static void *serve(void *arg)
{
    (void)arg;
    vpr_loop_run(loop);
    return NULL;
}

void scripted_start(const struct scripted_answer *list, size_t count)
{
    static const struct vpr_http_server_config config = {.port = 0};
    struct vpr_err err;

    answers = list;
    answer_count = count;
    loop = vpr_loop_create();
    ck_assert_int_eq(vpr_http_server_create(&server, loop, &config, on_request, NULL, &err),
                     VPR_OK);
    snprintf(scripted_node, sizeof scripted_node, "http://127.0.0.1:%u",
             (unsigned)vpr_http_server_port(server));
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    memset(&scripted_cli, 0, sizeof scripted_cli);
    vpr_arena_init(&scripted_cli.arena, 1 << 23);
    vpr_buf_init(&scripted_cli.out, OUT_BYTES);
}

void scripted_stop(void)
{
    vpr_loop_stop(loop);
    pthread_join(thread, NULL);
    vpr_http_server_destroy(server);
    vpr_loop_turn(loop);
    vpr_loop_destroy(loop);
    vpr_buf_finish(&scripted_cli.out);
    vpr_arena_finish(&scripted_cli.arena);
}

const char *scripted_said(void)
{
    const char *text = vpr_arena_text(&scripted_cli.arena, "%.*s", (int)scripted_cli.out.len,
                                      scripted_cli.out.data ? scripted_cli.out.data : "");
    vpr_buf_reset(&scripted_cli.out);
    return text;
}
