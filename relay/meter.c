#include "relay/meter.h"

#include "app/host/http_client.h"
#include "app/rules/ids.h"
#include "app/rules/receipt.h"

/* "" until a chain takes the slot: such rows are left out of the page.  One process speaks for
 * one requestor, so the names are the process's. */
static char names[VPR_METER_CHAINS][VPR_ID16_TEXT_MAX + 1];
static const char *const chains[VPR_METER_CHAINS] = {
    names[0], names[1], names[2],  names[3],  names[4],  names[5],  names[6],  names[7],
    names[8], names[9], names[10], names[11], names[12], names[13], names[14], names[15],
};

static const char *const outcomes[] = {"answered", "bad_request", "no_session",
                                       "quota",    "busy",        "failed"};
static const char *const relays[] = {"sent", "answered", "refused", "failed"};
static const char *const failures[] = {
    "none",   "bad_url",   "private_address", "resolve", "connect",     "timeout",
    "closed", "malformed", "too_large",       "busy",    "bad_receipt", "no_receipt"};
static const char *const refusals[] = {
    "quota", "session",        "membership", "token",   "signature", "seq",
    "cu",    "unacknowledged", "overload",   "backend", "size",      "unknown"};
static const char *const resends[] = {"token", "stale", "opening"};
static const char *const shadows[] = {"relayed",  "size",  "form",  "session",   "fisherman",
                                      "servicer", "share", "nonce", "signature", "corpus",
                                      "head",     "busy",  "probe"};
static const char *const loads[] = {"ok", "failed", "mismatch"};

_Static_assert(VPR_COUNT(outcomes) == VPR_OUTCOMES, "a name each");
_Static_assert(VPR_COUNT(failures) == VPR_FAILURES, "a name each");
_Static_assert(VPR_HTTP_FAILURE_BUSY + 1 == VPR_FAILURE_RECEIPT, "the client's come first");
_Static_assert(VPR_COUNT(refusals) == VPR_REFUSED_MAX + 1, "a name each");
_Static_assert(VPR_COUNT(shadows) == VPR_SHADOWS, "a name each");

/* In microseconds; the session's latency target and maximum lie inside. */
static const uint64_t buckets[] = {1000,   2500,   5000,    10000,   25000,   50000,  100000,
                                   250000, 500000, 1000000, 2500000, 5000000, 10000000};

#define CHAIN {"chain", chains, VPR_COUNT(chains)}
#define LABEL(name, list) {name, list, VPR_COUNT(list)}
#define NONE {NULL, NULL, 0}

static const struct vpr_metric table[VPR_METERS] = {
    [VPR_METER_REQUESTS] = {"viper_gateway_requests_total", "Clients' calls, a batch by element",
                            VPR_COUNTER, {CHAIN, LABEL("outcome", outcomes)}, 0, NULL, 0},
    [VPR_METER_REQUEST_SECONDS] = {"viper_gateway_request_seconds",
                                   "From a client's call to its answer", VPR_HISTOGRAM,
                                   {CHAIN, NONE}, 1000000, buckets, VPR_COUNT(buckets)},
    [VPR_METER_RELAYS] = {"viper_gateway_relays_total",
                          "Signed relays; sent = answered + refused + failed + in flight",
                          VPR_COUNTER, {CHAIN, LABEL("outcome", relays)}, 0, NULL, 0},
    [VPR_METER_RELAY_SECONDS] = {"viper_gateway_relay_seconds",
                                 "From a relay to its verified answer", VPR_HISTOGRAM,
                                 {CHAIN, NONE}, 1000000, buckets, VPR_COUNT(buckets)},
    [VPR_METER_FAILURES] = {"viper_gateway_relay_failures_total", "Relays without an answer",
                            VPR_COUNTER, {LABEL("reason", failures), NONE}, 0, NULL, 0},
    [VPR_METER_REFUSALS] = {"viper_gateway_relay_refusals_total", "Signed refusals",
                            VPR_COUNTER, {LABEL("reason", refusals), NONE}, 0, NULL, 0},
    [VPR_METER_RETRIES] = {"viper_gateway_retries_total", "Calls tried on another servicer",
                           VPR_COUNTER, {NONE, NONE}, 0, NULL, 0},
    [VPR_METER_RESENDS] = {"viper_gateway_resends_total",
                           "Relays made anew for the same servicer", VPR_COUNTER,
                           {LABEL("reason", resends), NONE}, 0, NULL, 0},
    [VPR_METER_IN_FLIGHT] = {"viper_gateway_relays_in_flight", "Relays under way", VPR_GAUGE,
                             {CHAIN, NONE}, 0, NULL, 0},
    [VPR_METER_QUOTA_LEFT] = {"viper_gateway_quota_left_cu",
                              "CU of the session not yet used, all servicers", VPR_GAUGE,
                              {CHAIN, NONE}, 0, NULL, 0},
    [VPR_METER_SHADOW] = {"viper_gateway_shadow_total", "Posts of fishermen, by what became",
                          VPR_COUNTER, {LABEL("outcome", shadows), NONE}, 0, NULL, 0},
    [VPR_METER_SETTLED] = {"viper_gateway_settle_requests_total",
                           "Closing requests that vouch for a session's last answers",
                           VPR_COUNTER, {NONE, NONE}, 0, NULL, 0},
    [VPR_METER_LOADS] = {"viper_gateway_loads_total", "Sessions read from the node",
                         VPR_COUNTER, {LABEL("outcome", loads), NONE}, 0, NULL, 0},
    [VPR_METER_SESSION] = {"viper_gateway_session_number", "Session in use", VPR_GAUGE,
                           {NONE, NONE}, 0, NULL, 0},
    [VPR_METER_HEIGHT] = {"viper_gateway_height_blocks", "Last block the node told", VPR_GAUGE,
                          {NONE, NONE}, 0, NULL, 0},
    [VPR_METER_PANELS] = {"viper_gateway_panels", "Pairs that can be served now", VPR_GAUGE,
                          {NONE, NONE}, 0, NULL, 0},
};

const char *vpr_shadow_reason(enum vpr_meter_shadow why)
{
    return shadows[why];
}

struct vpr_metrics *vpr_meter_create(void)
{
    return vpr_metrics_create(table, VPR_COUNT(table));
}

size_t vpr_meter_chain(uint16_t chain)
{
    char text[VPR_ID16_TEXT_MAX];
    size_t i = 0;

    vpr_id16_text(text, chain);
    for (; i < VPR_METER_CHAINS - 1; i++) {
        if (names[i][0] == '\0') {
            memcpy(names[i], text, sizeof text);
        }
        if (strcmp(names[i], text) == 0) {
            return i;
        }
    }
    memcpy(names[i], "other", sizeof "other");
    return i;
}
