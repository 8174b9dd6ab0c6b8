#include "app/client/page.h"

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/net.h"

#define CONNECTIONS_MAX 16
#define PAGE_BYTES_MAX (4 * 1024 * 1024)

struct vpr_page {
    struct vpr_http_server *server;
    struct vpr_metrics *metrics;
    void (*refresh)(void *arg);
    vpr_able_fn *able;
    void *arg;
};

static void on_request(void *arg, struct vpr_http_request *http)
{
    const struct vpr_page *page = arg;
    const struct vpr_http_header type = VPR_HTTP_TEXT("Content-Type", VPR_METRICS_CONTENT_TYPE);
    struct vpr_buf text;

    if (page->able != NULL && vpr_able_asked(http)) {
        vpr_able_reply(http, page->able, page->arg);
        return;
    }
    if (!vpr_bytes_equal(http->path, vpr_bytes_str("/metrics"))) {
        vpr_http_reply_text(http, 404, "text/plain", "/metrics is here\n");
        return;
    }
    if (!vpr_bytes_equal(http->method, vpr_bytes_str("GET")) &&
        !vpr_bytes_equal(http->method, vpr_bytes_str("HEAD"))) {
        vpr_http_reply_text(http, 405, "text/plain", "/metrics is read with GET\n");
        return;
    }
    if (page->refresh != NULL) {
        page->refresh(page->arg);
    }
    vpr_buf_init(&text, PAGE_BYTES_MAX);
    vpr_metrics_write(page->metrics, &text);
    vpr_http_reply(http, 200, &type, 1, vpr_buf_bytes(&text));
    vpr_buf_finish(&text);
}

enum vpr_code vpr_page_create(struct vpr_page **ret, struct vpr_loop *loop, const char *listen,
                              struct vpr_metrics *metrics, void (*refresh)(void *arg),
                              vpr_able_fn *able, void *arg, struct vpr_err *err)
{
    char host[VPR_LISTEN_HOST_MAX];
    struct vpr_http_server_config config = {.address = host, .connections_max = CONNECTIONS_MAX};

    if (listen[0] == '\0') {
        *ret = NULL;
        return VPR_OK;
    }
    if (!vpr_listen_parse(host, &config.port, listen)) {
        return vpr_fail(err, VPR_BAD_FIELD, "metrics-listen: \"%s\" is no address:port like "
                        "127.0.0.1:9464", listen);
    }
    struct vpr_page *page = vpr_mem_alloc(sizeof *page);
    *page = (struct vpr_page){NULL, metrics, refresh, able, arg};
    const enum vpr_code code =
        vpr_http_server_create(&page->server, loop, &config, on_request, page, err);
    if (code != VPR_OK) {
        vpr_mem_free(page);
        return code;
    }
    *ret = page;
    return VPR_OK;
}

void vpr_page_destroy(struct vpr_page *page)
{
    if (page != NULL) {
        vpr_http_server_destroy(page->server);
        vpr_mem_free(page);
    }
}

uint16_t vpr_page_port(const struct vpr_page *page)
{
    return page == NULL ? 0 : vpr_http_server_port(page->server);
}
