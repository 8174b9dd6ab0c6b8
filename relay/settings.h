/* settings.h - relay.toml: one table of keys, from which the sample, `check` and every error
 * message derive. */
#ifndef VPR_RELAY_SETTINGS_H
#define VPR_RELAY_SETTINGS_H

#include "app/host/conf.h"
#include "app/host/net.h"
#include "relay/backend.h"
#include "relay/serve.h"

struct vpr_relay_backend_conf {
    const char *chain; /* four hex digits: what stands for the star of [backend-*] */
    const char *url, *auth, *authorization;
    struct vpr_conf_list methods;
    uint64_t timeout_ms;
};

struct vpr_relay_risk_conf {
    uint64_t floor_cu, quota_ppm, acked_ppm;
};

struct vpr_relay_claims_conf {
    bool at_a_loss;
};

struct vpr_relay_conf {
    const char *node;
    const char *servicer; /* id; empty: the operator's address */
    const char *operator_key, *relay_key, *relay_key_next;
    const char *keyring_backend, *passphrase_file;
    const char *listen, *metrics_listen;
    const char *tls_cert, *tls_key;
    uint64_t body_max, answer_max; /* bytes */
    uint64_t capacity, connections, backend_connections;
    const char *leaf_sync;
    const char *log_level;
    struct vpr_relay_risk_conf risk;
    struct vpr_relay_claims_conf claims;
    struct vpr_relay_backend_conf *backends;
    size_t backend_count;
};

extern const struct vpr_conf_schema vpr_relay_schema;

/* Backends as the daemon wants them, of a file that was found good; `ret` has room for
 * VPR_BACKENDS_MAX.  Returns how many. */
size_t vpr_relay_backends(struct vpr_backend *ret, const struct vpr_relay_conf *conf);

#endif
