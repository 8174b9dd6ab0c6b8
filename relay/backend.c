#include "relay/backend.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/http_server.h"

#define CALL_HEADERS_MAX 4

struct vpr_backends {
    struct vpr_http_client *client;
    size_t count;
    struct vpr_backend list[VPR_BACKENDS_MAX];
};

bool vpr_backend_basic(char out[VPR_BACKEND_AUTH_BYTES_MAX], const char *auth)
{
    const size_t len = strlen(auth);

    if (strchr(auth, ':') == NULL || VPR_BASE64_MAX(len) + 6 > VPR_BACKEND_AUTH_BYTES_MAX) {
        return false;
    }
    memcpy(out, "Basic ", 6);
    vpr_base64(out + 6, vpr_bytes_str(auth));
    return true;
}

enum vpr_code vpr_backends_create(struct vpr_backends **ret, struct vpr_loop *loop,
                                  const struct vpr_backend *list, size_t count,
                                  uint32_t connections, struct vpr_err *err)
{
    /* The operator's own nodes, mostly on this very machine. */
    const struct vpr_http_client_config config = {.allow_private = true,
                                                  .per_host_max = connections,
                                                  .connections_max = 1024};

    if (count == 0 || count > VPR_BACKENDS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "a relay has 1 to %d backends, not %zu",
                        VPR_BACKENDS_MAX, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct vpr_url url;
        VPR_TRY(vpr_url_parse(&url, vpr_bytes_str(list[i].url), err));
        const size_t len = strlen(list[i].url);
        if (list[i].url[len - 1] == '/' || memchr(list[i].url, '?', len) != NULL) {
            return vpr_fail(err, VPR_BAD_FIELD,
                            "backend %04x: its URL must end without / and have no query",
                            list[i].chain);
        }
    }
    struct vpr_backends *backends = vpr_mem_alloc(sizeof *backends);
    const enum vpr_code code = vpr_http_client_create(&backends->client, loop, &config, err);
    if (code != VPR_OK) {
        vpr_mem_free(backends);
        return code;
    }
    memcpy(backends->list, list, count * sizeof list[0]);
    backends->count = count;
    *ret = backends;
    return VPR_OK;
}

void vpr_backends_destroy(struct vpr_backends *backends)
{
    if (backends != NULL) {
        vpr_http_client_destroy(backends->client);
        vpr_mem_free(backends);
    }
}

size_t vpr_backends_count(const struct vpr_backends *backends)
{
    return backends->count;
}

const struct vpr_backend *vpr_backends_at(const struct vpr_backends *backends, size_t i)
{
    VPR_ASSERT(i < backends->count);
    return &backends->list[i];
}

int vpr_backends_find(const struct vpr_backends *backends, uint16_t chain)
{
    for (size_t i = 0; i < backends->count; i++) {
        if (backends->list[i].chain == chain) {
            return (int)i;
        }
    }
    return -1;
}

struct vpr_http_exchange *vpr_backend_start(struct vpr_backends *backends, size_t index,
                                            const struct vpr_backend_call *call,
                                            vpr_http_done_fn *done, void *arg)
{
    const struct vpr_backend *backend = &backends->list[index];
    struct vpr_http_header headers[CALL_HEADERS_MAX];
    char path[VPR_WIRE_PATH_BYTES_MAX + 2];
    char method[VPR_HTTP_METHOD_BYTES_MAX + 1];
    size_t count = 0;

    if (call->path.len > VPR_WIRE_PATH_BYTES_MAX || call->method.len >= sizeof method) {
        return NULL;
    }
    memcpy(method, call->method.data, call->method.len);
    method[call->method.len] = '\0';
    if (backend->authorization[0] != '\0') {
        headers[count] = (struct vpr_http_header)VPR_HTTP_TEXT("Authorization",
                                                               backend->authorization);
        count++;
    }
    for (size_t i = 0; i < call->header_count && count < CALL_HEADERS_MAX; i++) {
        if (vpr_wire_request_header(call->headers[i].name)) {
            headers[count] = call->headers[i];
            count++;
        }
    }
    /* A query without a path belongs to the root. */
    size_t len = 0;
    if (call->path.len > 0 && call->path.data[0] == '?') {
        path[len] = '/';
        len++;
    }
    if (call->path.len > 0) {
        memcpy(path + len, call->path.data, call->path.len);
        len += call->path.len;
    }
    const struct vpr_http_call http = {.method = method,
                                       .url = vpr_bytes_str(backend->url),
                                       .path = vpr_bytes_of(path, len),
                                       .headers = headers,
                                       .header_count = count,
                                       .body = call->body,
                                       /* A call may change something: never twice once sent. */
                                       .retry = VPR_HTTP_RETRY_STALE,
                                       .connect_ms = backend->timeout_ms,
                                       .total_ms = backend->timeout_ms,
                                       .body_max = backend->answer_max};
    return vpr_http_client_start(backends->client, &http, done, arg);
}

bool vpr_backend_answered(const struct vpr_http_result *result)
{
    return result->failure == VPR_HTTP_FAILURE_NONE && result->status >= 200 &&
           result->status != 502 && result->status != 503 && result->status != 504;
}
