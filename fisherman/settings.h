/* settings.h - fisherman.toml: one table of keys, from which the sample, `check` and every
 * error message derive. */
#ifndef VPR_FISHERMAN_SETTINGS_H
#define VPR_FISHERMAN_SETTINGS_H

#include "app/base/err.h"
#include "app/host/conf.h"

struct vpr_fisherman_conf {
    const char *node;
    const char *fisherman; /* id; empty: the operator's address */
    const char *operator_key;
    const char *keyring_backend, *passphrase_file;
    const char *corpus_dir;
    uint64_t samples_target;
    bool allow_private_peers;
    const char *metrics_listen;
    const char *log_level;
};

extern const struct vpr_conf_schema vpr_fisherman_schema;

/* "127.0.0.1:9464" or "[::1]:9464"; false if it is not that. */
#define VPR_METRICS_HOST_MAX 64
VPR_MUST_USE bool vpr_metrics_listen_parse(char host[VPR_METRICS_HOST_MAX], uint16_t *ret_port,
                                           const char *text);

#endif
