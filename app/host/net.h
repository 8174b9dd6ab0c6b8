/* net.h - addresses, URLs, name look-up off the loop, TLS settings.
 *
 * URLs of others come from the chain, hence from attackers: whoever dials one asks
 * vpr_addr_private about the address that was looked up, and dials that very address. */
#ifndef VPR_HOST_NET_H
#define VPR_HOST_NET_H

#include <sys/socket.h>

#include "app/base/err.h"
#include "app/host/loop.h"

#define VPR_HOSTNAME_BYTES_MAX 253
#define VPR_URL_BYTES_MAX 2048
#define VPR_ADDRS_MAX 4      /* of one name, the first ones */
#define VPR_RESOLVES_MAX 256 /* waiting at one time */
#define VPR_ADDR_TEXT_MAX 64

struct ssl_ctx_st;

struct vpr_addr {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* Numeric "127.0.0.1" or "::1" only. */
VPR_MUST_USE bool vpr_addr_parse(struct vpr_addr *ret, const char *host, uint16_t port);
/* "127.0.0.1:80", "[::1]:80". */
void vpr_addr_text(char text[VPR_ADDR_TEXT_MAX], const struct vpr_addr *addr);
/* Loopback, private, link-local, multicast, reserved, or an IPv6 form of such an IPv4. */
bool vpr_addr_private(const struct vpr_addr *addr);

/* What a server listens on: "127.0.0.1:8500", "[::1]:0"; false if it is not that. */
#define VPR_LISTEN_HOST_MAX 64
VPR_MUST_USE bool vpr_listen_parse(char host[VPR_LISTEN_HOST_MAX], uint16_t *ret_port,
                                   const char *text);

/* http(s)://host[:port][/path][?query]: no user, no fragment, printable ASCII. */
struct vpr_url {
    bool tls;
    char host[VPR_HOSTNAME_BYTES_MAX + 1]; /* lower case, no brackets */
    uint16_t port;
    bool default_port;
    struct vpr_bytes target; /* inside the given text; empty means "/" */
    bool v6;
};
VPR_MUST_USE enum vpr_code vpr_url_parse(struct vpr_url *ret, struct vpr_bytes text,
                                         struct vpr_err *err);

/* Looks names up on a thread of its own; numeric ones at once, still through the loop.
 * `count` 0 means failure. */
struct vpr_resolver;
typedef void vpr_resolved_fn(void *arg, const struct vpr_addr *addrs, size_t count);
struct vpr_resolver *vpr_resolver_create(struct vpr_loop *loop);
void vpr_resolver_destroy(struct vpr_resolver *resolver); /* no callback comes after */
VPR_MUST_USE bool vpr_resolver_start(struct vpr_resolver *resolver, const char *host,
                                     uint16_t port, vpr_resolved_fn *fn, void *arg);

/* TLS 1.2 and later.  Client: peers are verified against `ca_file`, or the system's store
 * if NULL.  Free with SSL_CTX_free. */
VPR_MUST_USE enum vpr_code vpr_tls_client(struct ssl_ctx_st **ret, const char *ca_file,
                                          struct vpr_err *err);
VPR_MUST_USE enum vpr_code vpr_tls_server(struct ssl_ctx_st **ret, const char *cert_file,
                                          const char *key_file, struct vpr_err *err);

#endif
