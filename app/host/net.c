#include "app/host/net.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"

bool vpr_addr_parse(struct vpr_addr *ret, const char *host, uint16_t port)
{
    struct vpr_addr addr = {.len = 0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&addr.sa;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr.sa;

    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        addr.len = sizeof *v4;
    } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        addr.len = sizeof *v6;
    } else {
        return false;
    }
    *ret = addr;
    return true;
}

void vpr_addr_text(char text[VPR_ADDR_TEXT_MAX], const struct vpr_addr *addr)
{
    char host[INET6_ADDRSTRLEN] = "?";
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->sa;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->sa;

    if (addr->sa.ss_family == AF_INET) {
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        (void)snprintf(text, VPR_ADDR_TEXT_MAX, "%s:%u", host, (unsigned)ntohs(v4->sin_port));
    } else if (addr->sa.ss_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        (void)snprintf(text, VPR_ADDR_TEXT_MAX, "[%s]:%u", host,
                       (unsigned)ntohs(v6->sin6_port));
    } else {
        (void)snprintf(text, VPR_ADDR_TEXT_MAX, "?");
    }
}

bool vpr_listen_parse(char host[VPR_LISTEN_HOST_MAX], uint16_t *ret_port, const char *text)
{
    const char *colon = strrchr(text, ':');
    size_t skip = text[0] == '[' ? 1 : 0;
    size_t len = colon ? (size_t)(colon - text) : 0;
    uint32_t port = 0;
    struct vpr_addr addr;

    if (len < 2 || len - skip >= VPR_LISTEN_HOST_MAX || !colon[1] || strlen(colon + 1) > 5 ||
        (skip && text[len - 1] != ']')) {
        return false;
    }
    memcpy(host, text + skip, len - 2 * skip);
    host[len - 2 * skip] = 0;
    for (const char *c = colon + 1; *c; c++) {
        if (*c < '0' || *c > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(*c - '0');
    }
    *ret_port = (uint16_t)port;
    return port <= UINT16_MAX && vpr_addr_parse(&addr, host, *ret_port);
}

/* IANA special-purpose registry for IPv4, and multicast and class E. */
static bool private_v4(uint32_t ip)
{
    static const struct {
        uint32_t net;
        unsigned bits;
    } nets[] = {
        {0x00000000, 8}, {0x0a000000, 8}, {0x64400000, 10}, {0x7f000000, 8},
        {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
        {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
        {0xcb007100, 24}, {0xe0000000, 3},
    };
    for (size_t i = 0; i < VPR_COUNT(nets); i++) {
        if ((ip ^ nets[i].net) >> (32 - nets[i].bits) == 0) {
            return true;
        }
    }
    return false;
}

/* Only global unicast 2000::/3 is public; of it not Teredo, ORCHID, documentation; forms
 * that carry an IPv4 address (mapped, NAT64, 6to4) count as that one. */
static bool private_v6(const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, nat64, 12) == 0) {
        return private_v4(vpr_get_be32(ip + 12));
    }
    if (ip[0] == 0x20 && ip[1] == 0x02) {
        return private_v4(vpr_get_be32(ip + 2));
    }
    if (ip[0] == 0x20 && ip[1] == 0x01) {
        uint16_t next = vpr_get_be16(ip + 2);
        return next < 0x0200 || next == 0x0db8;
    }
    return (ip[0] & 0xe0) != 0x20;
}

bool vpr_addr_private(const struct vpr_addr *addr)
{
    if (addr->sa.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addr->sa;
        return private_v4(ntohl(v4->sin_addr.s_addr));
    }
    if (addr->sa.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->sa;
        return private_v6(v6->sin6_addr.s6_addr);
    }
    return true;
}

static struct vpr_bytes skip(struct vpr_bytes text, size_t n)
{
    return vpr_bytes_of(text.data + n, text.len - n);
}

static enum vpr_code url_fail(struct vpr_err *err, struct vpr_bytes text, const char *why)
{
    int shown = text.len < 120 ? (int)text.len : 120;
    return vpr_fail(err, VPR_BAD_FIELD, "URL '%.*s': %s", shown, (const char *)text.data, why);
}

static bool take_host(struct vpr_url *url, struct vpr_bytes host)
{
    struct in6_addr unused;
    if (host.len == 0 || host.len > VPR_HOSTNAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '-' && c != '.' && c != '_' && !(url->v6 && c == ':')) {
            return false;
        }
        url->host[i] = (char)(letter ? c | 0x20 : c);
    }
    url->host[host.len] = '\0';
    return !url->v6 || inet_pton(AF_INET6, url->host, &unused) == 1;
}

static bool take_port(struct vpr_url *url, struct vpr_bytes text)
{
    uint32_t port = 0;
    if (text.len == 0 || text.len > 5) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        port = port * 10 + (uint32_t)(text.data[i] - '0');
    }
    if (port == 0 || port > 65535) {
        return false;
    }
    url->default_port = port == (url->tls ? 443 : 80);
    url->port = (uint16_t)port;
    return true;
}

static enum vpr_code take_authority(struct vpr_url *url, struct vpr_bytes text,
                                    struct vpr_bytes auth, struct vpr_err *err)
{
    struct vpr_bytes host = auth;
    size_t end = 0;

    if (memchr(auth.data, '@', auth.len) != NULL) {
        return url_fail(err, text, "a user or password is not taken here");
    }
    if (auth.len > 0 && auth.data[0] == '[') {
        const uint8_t *close = memchr(auth.data, ']', auth.len);
        if (close == NULL) {
            return url_fail(err, text, "bracket is not closed");
        }
        url->v6 = true;
        host = vpr_bytes_of(auth.data + 1, (size_t)(close - auth.data) - 1);
        end = host.len + 2;
    } else {
        const uint8_t *colon = memchr(auth.data, ':', auth.len);
        host.len = end = colon == NULL ? auth.len : (size_t)(colon - auth.data);
    }
    if (!take_host(url, host)) {
        return url_fail(err, text, "host is not a name or an address");
    }
    url->port = url->tls ? 443 : 80;
    url->default_port = true;
    if (end < auth.len && (auth.data[end] != ':' || !take_port(url, skip(auth, end + 1)))) {
        return url_fail(err, text, "port is not 1 to 65535");
    }
    return VPR_OK;
}

enum vpr_code vpr_url_parse(struct vpr_url *ret, struct vpr_bytes text, struct vpr_err *err)
{
    struct vpr_url url = {.tls = false};
    struct vpr_bytes rest;
    size_t auth = 0;

    if (text.len > VPR_URL_BYTES_MAX) {
        return vpr_fail(err, VPR_TOO_LARGE, "URL has %zu bytes, at most %d", text.len,
                        VPR_URL_BYTES_MAX);
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || text.data[i] == '\\' ||
            text.data[i] == '#') {
            return vpr_fail(err, VPR_BAD_FIELD, "URL has a character at %zu that may not stand "
                            "there", i);
        }
    }
    if (vpr_bytes_starts(text, vpr_bytes_str("http://"))) {
        rest = skip(text, 7);
    } else if (vpr_bytes_starts(text, vpr_bytes_str("https://"))) {
        url.tls = true;
        rest = skip(text, 8);
    } else {
        return url_fail(err, text, "must begin with http:// or https://");
    }
    while (auth < rest.len && rest.data[auth] != '/' && rest.data[auth] != '?') {
        auth++;
    }
    VPR_TRY(take_authority(&url, text, vpr_bytes_of(rest.data, auth), err));
    url.target = skip(rest, auth);
    if (url.target.len > 0 && url.target.data[0] == '?') {
        return url_fail(err, text, "a query needs a path before it");
    }
    *ret = url;
    return VPR_OK;
}

/* --- names ----------------------------------------------------------------------------- */

struct job {
    struct vpr_resolver *resolver;
    struct job *next;
    char host[VPR_HOSTNAME_BYTES_MAX + 1];
    uint16_t port;
    struct vpr_addr addrs[VPR_ADDRS_MAX];
    size_t count;
    vpr_resolved_fn *fn;
    void *arg;
};

/* Side by side, so that names whose servers hang hold up nobody else's: others choose them. */
#define RESOLVE_THREADS_MAX 16

/* Shared by the owner, the threads and posted jobs; whoever drops the last count frees it.
 * A look-up may hang for half a minute, so that the owner cannot wait for a thread. */
struct vpr_resolver {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct vpr_loop *loop; /* NULL once the owner is gone */
    unsigned refs;
    unsigned threads, idle;
    struct job *first, *last;
    size_t queued; /* in that list; `waiting` also has those being looked up */
    size_t waiting;
};

static void unref(struct vpr_resolver *r)
{
    pthread_mutex_lock(&r->lock);
    bool last = --r->refs == 0;
    pthread_mutex_unlock(&r->lock);
    if (last) {
        pthread_mutex_destroy(&r->lock);
        pthread_cond_destroy(&r->some);
        vpr_mem_free(r);
    }
}

static void look_up(struct job *job)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    char port[8];

    if (vpr_addr_parse(&job->addrs[0], job->host, job->port)) {
        job->count = 1;
        return;
    }
    (void)snprintf(port, sizeof port, "%u", (unsigned)job->port);
    int code = getaddrinfo(job->host, port, &hints, &list);
    if (code != 0) { /* AI_ADDRCONFIG hides "localhost" where only loopback is up */
        hints.ai_flags = AI_NUMERICSERV;
        code = getaddrinfo(job->host, port, &hints, &list);
    }
    if (code != 0) {
        return;
    }
    for (struct addrinfo *at = list; at != NULL && job->count < VPR_ADDRS_MAX;
         at = at->ai_next) {
        if (at->ai_addrlen <= sizeof job->addrs[0].sa) {
            memcpy(&job->addrs[job->count].sa, at->ai_addr, at->ai_addrlen);
            job->addrs[job->count].len = at->ai_addrlen;
            job->count++;
        }
    }
    freeaddrinfo(list);
}

static void on_resolved(void *arg)
{
    struct job *job = arg;
    struct vpr_resolver *r = job->resolver;

    pthread_mutex_lock(&r->lock);
    bool owned = r->loop != NULL;
    r->waiting--;
    pthread_mutex_unlock(&r->lock);
    if (owned) {
        job->fn(job->arg, job->addrs, job->count);
    }
    vpr_mem_free(job);
    unref(r);
}

static void drop_job(struct vpr_resolver *r, struct job *job)
{
    r->waiting--;
    r->refs--; /* never the last one: the caller holds another */
    vpr_mem_free(job);
}

/* Called with the lock held, so that the loop cannot go away meanwhile.  A full queue of
 * posts is waited for, unless the owner leaves. */
static void hand_back(struct vpr_resolver *r, struct job *job)
{
    while (r->loop != NULL && !vpr_loop_post(r->loop, on_resolved, job)) {
        pthread_mutex_unlock(&r->lock);
        (void)usleep(1000);
        pthread_mutex_lock(&r->lock);
    }
    if (r->loop == NULL) {
        drop_job(r, job);
    }
}

static void *resolve_thread(void *arg)
{
    struct vpr_resolver *r = arg;

    pthread_mutex_lock(&r->lock);
    while (r->loop != NULL) {
        struct job *job = r->first;
        if (job == NULL) {
            r->idle++;
            pthread_cond_wait(&r->some, &r->lock);
            r->idle--;
            continue;
        }
        r->first = job->next;
        r->queued--;
        pthread_mutex_unlock(&r->lock);
        look_up(job);
        pthread_mutex_lock(&r->lock);
        hand_back(r, job);
    }
    pthread_mutex_unlock(&r->lock);
    unref(r);
    return NULL;
}

struct vpr_resolver *vpr_resolver_create(struct vpr_loop *loop)
{
    struct vpr_resolver *r = vpr_mem_alloc(sizeof *r);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->some, NULL);
    r->loop = loop;
    r->refs = 1;
    return r;
}

void vpr_resolver_destroy(struct vpr_resolver *r)
{
    if (r == NULL) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->loop = NULL;
    while (r->first != NULL) {
        struct job *job = r->first;
        r->first = job->next;
        drop_job(r, job);
    }
    pthread_cond_broadcast(&r->some);
    pthread_mutex_unlock(&r->lock);
    unref(r);
}

/* One more, when those that wait for work are too few.  With the lock held. */
static void start_thread(struct vpr_resolver *r)
{
    pthread_t thread;
    if (r->queued <= r->idle || r->threads == RESOLVE_THREADS_MAX) {
        return;
    }
    if (pthread_create(&thread, NULL, resolve_thread, r) != 0) {
        VPR_HALT("cannot start a resolver's thread");
    }
    pthread_detach(thread);
    r->threads++;
    r->refs++;
}

bool vpr_resolver_start(struct vpr_resolver *r, const char *host, uint16_t port,
                        vpr_resolved_fn *fn, void *arg)
{
    size_t len = strlen(host);
    bool queued = false;

    VPR_ASSERT(len <= VPR_HOSTNAME_BYTES_MAX);
    pthread_mutex_lock(&r->lock);
    if (r->waiting < VPR_RESOLVES_MAX) {
        struct job *job = vpr_mem_alloc(sizeof *job);
        job->resolver = r;
        memcpy(job->host, host, len + 1);
        job->port = port;
        job->fn = fn;
        job->arg = arg;
        r->refs++;
        r->waiting++;
        if (vpr_addr_parse(&job->addrs[0], host, port)) {
            job->count = 1;
            queued = vpr_loop_post(r->loop, on_resolved, job);
            if (!queued) {
                drop_job(r, job);
            }
        } else {
            if (r->first == NULL) {
                r->first = job;
            } else {
                r->last->next = job;
            }
            r->last = job;
            r->queued++;
            start_thread(r);
            pthread_cond_signal(&r->some);
            queued = true;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return queued;
}

/* --- TLS ------------------------------------------------------------------------------- */

static SSL_CTX *tls_new(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL) {
        VPR_HALT("cannot make a TLS context");
    }
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

enum vpr_code vpr_tls_client(struct ssl_ctx_st **ret, const char *ca_file, struct vpr_err *err)
{
    SSL_CTX *ctx = tls_new(TLS_client_method());
    int ok = ca_file == NULL ? SSL_CTX_set_default_verify_paths(ctx)
                             : SSL_CTX_load_verify_locations(ctx, ca_file, NULL);
    if (ok != 1) {
        SSL_CTX_free(ctx);
        return vpr_fail(err, VPR_BAD_KEY, "cannot read CA certificates from %s",
                        ca_file == NULL ? "the system's store" : ca_file);
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    *ret = ctx;
    return VPR_OK;
}

enum vpr_code vpr_tls_server(struct ssl_ctx_st **ret, const char *cert_file,
                             const char *key_file, struct vpr_err *err)
{
    SSL_CTX *ctx = tls_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1) {
        SSL_CTX_free(ctx);
        return vpr_fail(err, VPR_BAD_KEY, "no PEM certificate in %s", cert_file);
    }
    if (SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        SSL_CTX_free(ctx);
        return vpr_fail(err, VPR_BAD_KEY, "no PEM key in %s that fits the certificate %s",
                        key_file, cert_file);
    }
    *ret = ctx;
    return VPR_OK;
}
