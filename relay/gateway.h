/* gateway.h - viper-gateway put together: everything between gateway.toml and the loop.
 *
 * Owns the order of birth and death of its parts, the corpora, the panels whose session is
 * over, and the metrics page.  A session's end: what is under way ends; then, where answers
 * were accepted that no request vouches for yet, one more cheap request goes to that servicer
 * within the grace blocks, so that the tails cover everything (settled CU is the smaller of
 * leaves and tails). */
#ifndef VPR_RELAY_GATEWAY_H
#define VPR_RELAY_GATEWAY_H

#include "app/host/conf.h"
#include "app/host/keyring.h"
#include "relay/front.h"
#include "relay/shadow.h"

struct vpr_gateway_conf {
    const char *node, *requestor, *gateway_key;
    const char *keyring_backend, *passphrase_file;
    const char *listen, *shadow_listen, *metrics_listen;
    const char *tls_cert, *tls_key, *ca_file;
    const char *corpus_dir;
    bool allow_private_peers, settle_request;
    uint64_t attempt_ms, total_ms, connect_ms;
    uint64_t body_max, answer_max, batch_max;
    uint64_t connections, requests;
    const char *log_level;
};

extern const struct vpr_conf_schema vpr_gateway_schema;

struct vpr_gateway;

/* `home` is where a relative corpus-dir begins; the key stays the caller's. */
VPR_MUST_USE enum vpr_code vpr_gateway_create(struct vpr_gateway **ret, struct vpr_loop *loop,
                                              const struct vpr_gateway_conf *conf,
                                              const char *home, const struct vpr_key *key,
                                              struct vpr_err *err);
void vpr_gateway_destroy(struct vpr_gateway *gateway); /* NULL is fine */

/* Take no more requests; the loop is stopped when those at hand are answered, or after a few
 * seconds. */
void vpr_gateway_stop(struct vpr_gateway *gateway);

uint16_t vpr_gateway_port(const struct vpr_gateway *gateway);
uint16_t vpr_gateway_shadow_port(const struct vpr_gateway *gateway);
uint16_t vpr_gateway_metrics_port(const struct vpr_gateway *gateway); /* 0: none */
struct vpr_metrics *vpr_gateway_metrics(struct vpr_gateway *gateway);

/* "corpus-dir/0001.jsonl"; relative to the home if it does not begin with '/'. */
#define VPR_GATEWAY_PATH_MAX 1024
void vpr_gateway_corpus_path(char path[VPR_GATEWAY_PATH_MAX], const char *home,
                             const struct vpr_gateway_conf *conf, uint16_t chain);

#endif
