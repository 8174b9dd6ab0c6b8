/* servicer.h - viper-relay put together: everything between relay.toml and the loop. */
#ifndef VPR_RELAY_SERVICER_H
#define VPR_RELAY_SERVICER_H

#include "app/host/keyring.h"
#include "relay/roster.h"
#include "relay/settings.h"

struct vpr_servicer;

/* `home` holds leaves/.  Keys stay the caller's; `next` may be NULL. */
struct vpr_servicer_keys {
    const struct vpr_key *operator_key, *relay_key, *relay_key_next;
};
VPR_MUST_USE enum vpr_code vpr_servicer_create(struct vpr_servicer **ret, struct vpr_loop *loop,
                                               const struct vpr_relay_conf *conf,
                                               const char *home,
                                               const struct vpr_servicer_keys *keys,
                                               struct vpr_err *err);
/* Not from inside the loop; one turn of it gives the last memory back.  NULL is fine. */
void vpr_servicer_destroy(struct vpr_servicer *servicer);

/* Take no more relays; the loop is stopped when those in flight are answered, or after a few
 * seconds. */
void vpr_servicer_stop(struct vpr_servicer *servicer);

uint16_t vpr_servicer_port(const struct vpr_servicer *servicer);
uint16_t vpr_servicer_metrics_port(const struct vpr_servicer *servicer); /* 0: none */

#endif
