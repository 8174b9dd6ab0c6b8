/* panel.h - one sid as its requestor sees it: who was drawn, and everything kept with them.
 *
 * Made from facts a node told, of one session; the draw is computed here, from the pools, and
 * only compared with what the node says.  Its one rule: what a session was opened with stays
 * (keys, quota, lists); only URLs and operators move.  Counted references: relays under way
 * keep a panel alive after its session. */
#ifndef VPR_RELAY_PANEL_H
#define VPR_RELAY_PANEL_H

#include "app/base/err.h"
#include "app/client/corpus.h"
#include "app/rules/draw.h"
#include "relay/cost.h"
#include "relay/lane.h"
#include "relay/select.h"
#include "viper/v1/query.pb-c.h"

#define VPR_PANEL_SEATS_MAX 24
#define VPR_PANEL_WATCHERS_MAX VPR_DRAW_SLOTS_MAX
#define VPR_PANEL_PAIRS_MAX 16
#define VPR_PANEL_URL_MAX 1024
#define VPR_PANEL_NAME_MAX 64
#define VPR_PANEL_NONCES_MAX 65536
#define VPR_PANEL_PENDING_MAX 512 /* a seat; below the window of seq */

struct vpr_seat {
    struct vpr_address id;
    struct vpr_hash relay_key;
    uint32_t score_ppm; /* of the version for the session */
    bool known;         /* url, key and score are here */
    char url[VPR_PANEL_URL_MAX];
    struct vpr_tab tab;
    struct vpr_health *health;
};

/* A fisherman drawn here. */
struct vpr_watcher {
    struct vpr_address id, operator_address;
    bool known;
    uint32_t live;                            /* samples under way */
    uint64_t granted_cu[VPR_PANEL_SEATS_MAX]; /* of its part of each reserve */
};

struct vpr_nonce_set;

struct vpr_panel {
    uint32_t refs;
    uint64_t session, first, last, grace_blocks;
    uint16_t chain, zone;
    char name[VPR_PANEL_NAME_MAX]; /* of the chain */
    struct vpr_hash sid;
    uint64_t quota_cu;   /* a servicer */
    uint64_t reserve_cu; /* of it, for samples */
    uint64_t grant_cu;   /* of that, a fisherman */
    struct vpr_costs costs;
    const struct vpr_corpus *corpus; /* NULL: no samples; the gateway's */
    struct vpr_pass pass;
    uint32_t seat_count, watcher_count;
    struct vpr_seat seats[VPR_PANEL_SEATS_MAX];          /* by id */
    struct vpr_watcher watchers[VPR_PANEL_WATCHERS_MAX]; /* by id */
    struct vpr_nonce_set *nonces;
    bool retired;     /* a newer session has its own panel */
    uint64_t made_ms; /* when its owner took it into use */
};

/* What the draw of one pair depends on, all of the session's version. */
struct vpr_panel_facts {
    struct vpr_bytes chain_id;
    uint64_t session, first, last, grace_blocks;
    struct vpr_hash seed;
    uint64_t cu_per_usd, cu_price_min, sample_share_ppm, fishermen_per_session;
    struct vpr_address requestor, owner;
    uint64_t usd, budget_uvipr;
    uint32_t num_servicers, share_ppm;
    uint16_t chain, zone;
    const struct vpr_pool_member *servicers, *fishermen; /* any order */
    size_t servicer_count, fisherman_count;
    struct vpr_arena *arena; /* scratch */
};

/* Draws and makes the panel, with one reference, a fresh client key and no token; nobody in
 * it is known yet.  NO_SESSION with the reason if there is nothing to draw. */
VPR_MUST_USE enum vpr_code vpr_panel_draw(struct vpr_panel **ret,
                                          const struct vpr_panel_facts *facts,
                                          struct vpr_err *err);
/* Whether the node's answer says the same; the first difference is the sentence. */
VPR_MUST_USE enum vpr_code vpr_panel_check(const struct vpr_panel *panel,
                                           const Viper__V1__QueryBenchResponse *told,
                                           struct vpr_err *err);

struct vpr_panel *vpr_panel_hold(struct vpr_panel *panel);
void vpr_panel_release(struct vpr_panel *panel); /* NULL is fine */

struct vpr_seat *vpr_panel_seat(struct vpr_panel *panel, const struct vpr_address *id);
struct vpr_watcher *vpr_panel_watcher(struct vpr_panel *panel,
                                      const struct vpr_address *operator_address);
/* May be used while `height` is the last block. */
bool vpr_panel_live(const struct vpr_panel *panel, uint64_t height);
/* The median of the heights its servicers told; 0: none. */
uint64_t vpr_panel_head(const struct vpr_panel *panel, uint64_t now_ms);

/* A fisherman's nonces: false if it was used, or there are too many. */
bool vpr_panel_nonce_new(const struct vpr_panel *panel, const struct vpr_watcher *watcher,
                         uint64_t nonce);
VPR_MUST_USE bool vpr_panel_nonce_mark(struct vpr_panel *panel,
                                       const struct vpr_watcher *watcher, uint64_t nonce);

#endif
