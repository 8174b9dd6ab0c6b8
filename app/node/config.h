/* config.h - config/app.toml: where the node listens and what it asks. */
#ifndef VPR_NODE_CONFIG_H
#define VPR_NODE_CONFIG_H

#include "app/host/conf.h"

struct node_config {
    const char *abci_address;
    const char *api_listen;
    struct vpr_conf_list cors_origins;
    const char *comet_rpc;
    const char *beacon_key;
    const char *price_file, *price_url, *price_pointer, *price_key;
    uint64_t price_max_age_s;
    const char *keyring_backend, *passphrase_file;
    const char *log_level;
};

/* The commented sample that `init` writes. */
void node_config_sample(struct vpr_buf *out);
/* Defaults where there is no file.  False: a line in `errors` for each fault. */
VPR_MUST_USE bool node_config_load(struct node_config *ret, struct vpr_arena *arena,
                                   const char *path, struct vpr_buf *errors);

#endif
