#include "fisherman/trust.h"

#include <stdio.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/host/http_server.h"
#include "app/rules/ids.h"

#define TOTAL_MS 5000
#define ANSWER_BYTES_MAX (8u * 1024 * 1024)
#define AUTH_TEXT_MAX 512

struct backend {
    uint16_t chain;
    char url[VPR_URL_BYTES_MAX];
    char authorization[AUTH_TEXT_MAX]; /* header's value, or empty */
};

struct vpr_trust {
    struct vpr_http_client *client;
    size_t count;
    struct backend backends[VPR_TRUSTED_MAX];
};

static enum vpr_code read_backend(struct backend *ret, const struct vpr_fisherman_chain *from,
                                  struct vpr_err *err)
{
    char auth[AUTH_TEXT_MAX / 2];
    struct vpr_url url;

    if (!vpr_id16_parse(&ret->chain, vpr_bytes_str(from->chain))) {
        return vpr_fail(err, VPR_BAD_FIELD,
                        "[chain-%s]: a chain is four hex digits, as in [chain-0001]",
                        from->chain);
    }
    VPR_TRY(vpr_url_parse(&url, vpr_bytes_str(from->trusted), err));
    snprintf(ret->url, sizeof ret->url, "%s", from->trusted);
    if (from->auth[0] != '\0') {
        const int len = snprintf(auth, sizeof auth, "%s", from->auth);
        if (len < 0 || (size_t)len >= sizeof auth || strchr(auth, ':') == NULL) {
            return vpr_fail(err, VPR_BAD_FIELD, "[chain-%s]: auth is user:password, at most %zu",
                            from->chain, sizeof auth - 1);
        }
        const int head = snprintf(ret->authorization, sizeof ret->authorization, "Basic ");
        vpr_base64(ret->authorization + head, vpr_bytes_str(auth));
    }
    return VPR_OK;
}

enum vpr_code vpr_trust_create(struct vpr_trust **ret, struct vpr_loop *loop,
                               const struct vpr_fisherman_conf *conf, struct vpr_err *err)
{
    const struct vpr_http_client_config http = {.allow_private = true,
                                                .waiting_max = VPR_TRUST_CALLS_MAX};
    struct vpr_trust *trust;
    enum vpr_code code = VPR_OK;

    *ret = NULL;
    if (conf->chain_count == 0) {
        return VPR_OK;
    }
    if (conf->chain_count > VPR_TRUSTED_MAX) {
        return vpr_fail(err, VPR_TOO_LARGE, "at most %d tables [chain-...]", VPR_TRUSTED_MAX);
    }
    trust = vpr_mem_alloc(sizeof *trust);
    for (size_t i = 0; i < conf->chain_count && code == VPR_OK; i++) {
        code = read_backend(&trust->backends[trust->count++], &conf->chains[i], err);
    }
    if (code == VPR_OK) {
        code = vpr_http_client_create(&trust->client, loop, &http, err);
    }
    if (code != VPR_OK) {
        vpr_mem_free(trust);
        return code;
    }
    *ret = trust;
    return VPR_OK;
}

void vpr_trust_destroy(struct vpr_trust *trust)
{
    if (trust != NULL) {
        vpr_http_client_destroy(trust->client);
        vpr_mem_free(trust);
    }
}

struct vpr_http_exchange *vpr_trust_ask(struct vpr_trust *trust, uint16_t chain,
                                        const char *verb, const char *path,
                                        struct vpr_bytes body, vpr_http_done_fn *done,
                                        void *arg)
{
    const struct backend *backend = NULL;

    for (size_t i = 0; trust != NULL && i < trust->count; i++) {
        backend = trust->backends[i].chain == chain ? &trust->backends[i] : backend;
    }
    if (backend == NULL) {
        return NULL;
    }
    const struct vpr_http_header headers[] = {
        VPR_HTTP_TEXT("Content-Type", "application/json"),
        VPR_HTTP_TEXT("Authorization", backend->authorization)};
    const struct vpr_http_call call = {.method = verb,
                                       .url = vpr_bytes_str(backend->url),
                                       .path = vpr_bytes_str(path),
                                       .headers = headers,
                                       .header_count = backend->authorization[0] == '\0' ? 1 : 2,
                                       .body = body,
                                       .total_ms = TOTAL_MS,
                                       .body_max = ANSWER_BYTES_MAX};
    return vpr_http_client_start(trust->client, &call, done, arg);
}

void vpr_trust_cancel(struct vpr_http_exchange *exchange)
{
    vpr_http_client_cancel(exchange);
}
