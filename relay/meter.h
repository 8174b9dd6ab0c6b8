/* meter.h - what viper-gateway counts.
 *
 * Owns the table of metrics and the names of chains in it: a chain gets a slot when a panel of
 * it is first made, the 16th and later share "other".  sent = answered + refused + failed +
 * what is under way, a chain. */
#ifndef VPR_RELAY_METER_H
#define VPR_RELAY_METER_H

#include "app/host/metrics.h"

#define VPR_METER_CHAINS 16

enum vpr_meter {
    VPR_METER_REQUESTS, /* chain, vpr_meter_outcome */
    VPR_METER_REQUEST_SECONDS, /* chain */
    VPR_METER_RELAYS,   /* chain, vpr_meter_relay */
    VPR_METER_RELAY_SECONDS, /* chain */
    VPR_METER_FAILURES, /* vpr_meter_failure */
    VPR_METER_REFUSALS, /* reason - 1 */
    VPR_METER_RETRIES,
    VPR_METER_RESENDS, /* 0 token, 1 stale connection, 2 session opening */
    VPR_METER_IN_FLIGHT, /* chain */
    VPR_METER_QUOTA_LEFT, /* chain */
    VPR_METER_SHADOW,   /* vpr_meter_shadow */
    VPR_METER_SETTLED,  /* closing requests */
    VPR_METER_LOADS,    /* vpr_meter_load */
    VPR_METER_SESSION,
    VPR_METER_HEIGHT,
    VPR_METER_PANELS,
    VPR_METERS,
};

enum vpr_meter_outcome {
    VPR_OUTCOME_ANSWERED,
    VPR_OUTCOME_BAD_REQUEST,
    VPR_OUTCOME_NO_SESSION,
    VPR_OUTCOME_QUOTA,
    VPR_OUTCOME_BUSY,
    VPR_OUTCOME_FAILED,
    VPR_OUTCOMES,
};
enum vpr_meter_relay {
    VPR_METERED_SENT,
    VPR_METERED_ANSWERED,
    VPR_METERED_REFUSED,
    VPR_METERED_FAILED,
};
enum vpr_meter_failure {
    VPR_FAILURE_HTTP,    /* + enum vpr_http_failure */
    VPR_FAILURE_RECEIPT = 10, /* one that does not hold */
    VPR_FAILURE_BARE,    /* no receipt at all */
    VPR_FAILURES,
};
enum vpr_meter_shadow {
    VPR_SHADOW_RELAYED,
    VPR_SHADOW_SIZE,
    VPR_SHADOW_FORM,
    VPR_SHADOW_SESSION,
    VPR_SHADOW_FISHERMAN,
    VPR_SHADOW_SERVICER,
    VPR_SHADOW_SHARE,
    VPR_SHADOW_NONCE,
    VPR_SHADOW_SIGNATURE,
    VPR_SHADOW_CORPUS,
    VPR_SHADOW_HEAD,
    VPR_SHADOW_BUSY,
    VPR_SHADOW_PROBE, /* no post: only the way is measured */
    VPR_SHADOWS,
};
const char *vpr_shadow_reason(enum vpr_meter_shadow why);
enum vpr_meter_load { VPR_LOAD_OK, VPR_LOAD_FAILED, VPR_LOAD_MISMATCH };

struct vpr_metrics *vpr_meter_create(void);
/* The slot of a chain, made if it is new. */
size_t vpr_meter_chain(uint16_t chain);

#endif
