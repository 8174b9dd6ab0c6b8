/* settings.h - fisherman.toml: one table of keys, from which the sample, `check` and every
 * error message derive. */
#ifndef VPR_FISHERMAN_SETTINGS_H
#define VPR_FISHERMAN_SETTINGS_H

#include "app/base/err.h"
#include "app/host/conf.h"

#define VPR_TRUSTED_MAX 64

struct vpr_fisherman_chain {
    const char *chain; /* four hex digits: what stands for the star of [chain-*] */
    const char *trusted, *auth;
};

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
    struct vpr_fisherman_chain *chains;
    size_t chain_count;
};

extern const struct vpr_conf_schema vpr_fisherman_schema;

#endif
