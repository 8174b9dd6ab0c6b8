#include "relay/panel.h"

#include <stdlib.h>

#include "app/base/bytes.h"
#include "app/base/mem.h"
#include "app/rules/ids.h"
#include "app/rules/split.h"

struct vpr_nonce_set {
    size_t count, size;  /* size: a power of two, at least twice the count */
    uint64_t (*slots)[2]; /* watcher + 1, nonce; {0, 0} is free */
};

#define NONCE_SLOTS_MIN 64

/* ---- the draw ---- */

static enum vpr_code no_session(struct vpr_err *err, const struct vpr_panel_facts *facts,
                                const char *why)
{
    return vpr_fail(err, VPR_NO_SESSION,
                    "no session %" PRIu64 " for chain %04x, zone %04x: %s", facts->session,
                    facts->chain, facts->zone, why);
}

static enum vpr_code quota_of(uint64_t *ret_allowance, const struct vpr_panel_facts *facts,
                              struct vpr_err *err)
{
    if (!vpr_allowance(ret_allowance, facts->usd, facts->cu_per_usd,
                       facts->last - facts->first + 1, facts->budget_uvipr,
                       facts->cu_price_min)) {
        return vpr_fail(err, VPR_OVERFLOW, "the allowance overflows");
    }
    if (*ret_allowance == 0) {
        return no_session(err, facts, "the allowance is 0");
    }
    return VPR_OK;
}

static int cmp_members(const void *a, const void *b)
{
    const struct vpr_pool_member *const *x = a;
    const struct vpr_pool_member *const *y = b;

    return vpr_address_cmp(&(*x)->id, &(*y)->id);
}

static enum vpr_code draw_one(const struct vpr_pool_member *drawn[VPR_DRAW_SLOTS_MAX],
                              uint32_t *ret_count, const struct vpr_panel_facts *facts,
                              enum vpr_draw_kind kind, const struct vpr_hash *key, uint64_t n,
                              const struct vpr_address *excluded, size_t excluded_count,
                              struct vpr_err *err)
{
    const bool servicers = kind == VPR_DRAW_SERVICERS;
    struct vpr_pool pool;

    if (n > VPR_DRAW_SLOTS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "%" PRIu64 " are too many to draw", n);
    }
    if (!vpr_pool_build(&pool, facts->arena, servicers ? facts->servicers : facts->fishermen,
                        servicers ? facts->servicer_count : facts->fisherman_count)) {
        return vpr_fail(err, VPR_BAD_FIELD, "a pool of chain %04x, zone %04x is none",
                        facts->chain, facts->zone);
    }
    *ret_count =
        vpr_draw(drawn, &pool, kind, key, (uint32_t)n, excluded, excluded_count);
    return VPR_OK;
}

static struct vpr_panel *make(const struct vpr_panel_facts *facts, const struct vpr_hash *sid,
                              uint64_t allowance, const struct vpr_pool_member **servicers,
                              uint32_t servicer_count, const struct vpr_pool_member **fishermen,
                              uint32_t fisherman_count)
{
    struct vpr_panel *panel = vpr_mem_alloc(sizeof *panel);

    panel->refs = 1;
    panel->session = facts->session;
    panel->first = facts->first;
    panel->last = facts->last;
    panel->grace_blocks = facts->grace_blocks;
    panel->chain = facts->chain;
    panel->zone = facts->zone;
    panel->sid = *sid;
    panel->quota_cu = vpr_quota(allowance, facts->share_ppm, servicer_count);
    panel->reserve_cu =
        (uint64_t)((vpr_u128)panel->quota_cu * facts->sample_share_ppm / VPR_PPM);
    panel->grant_cu = fisherman_count == 0 ? 0 : panel->reserve_cu / fisherman_count;
    vpr_pass_make(&panel->pass, sid);

    qsort(servicers, servicer_count, sizeof servicers[0], cmp_members);
    qsort(fishermen, fisherman_count, sizeof fishermen[0], cmp_members);
    panel->seat_count = servicer_count;
    for (uint32_t i = 0; i < servicer_count; i++) {
        struct vpr_seat *seat = &panel->seats[i];
        seat->id = servicers[i]->id;
        seat->tab.servicer = seat->id;
        seat->tab.quota_cu = panel->quota_cu;
        seat->tab.reserve_cu = panel->reserve_cu;
    }
    panel->watcher_count = fisherman_count;
    for (uint32_t i = 0; i < fisherman_count; i++) {
        panel->watchers[i].id = fishermen[i]->id;
    }
    panel->nonces = vpr_mem_alloc(sizeof *panel->nonces);
    return panel;
}

enum vpr_code vpr_panel_draw(struct vpr_panel **ret, const struct vpr_panel_facts *facts,
                             struct vpr_err *err)
{
    const struct vpr_pool_member *servicers[VPR_DRAW_SLOTS_MAX];
    const struct vpr_pool_member *fishermen[VPR_DRAW_SLOTS_MAX];
    struct vpr_address excluded[VPR_PANEL_SEATS_MAX + 1];
    uint32_t servicer_count = 0, fisherman_count = 0;
    uint64_t allowance;

    VPR_TRY(quota_of(&allowance, facts, err));
    if (facts->num_servicers > VPR_PANEL_SEATS_MAX) {
        return vpr_fail(err, VPR_BAD_FIELD, "%" PRIu32 " servicers are more than %d",
                        facts->num_servicers, VPR_PANEL_SEATS_MAX);
    }
    const struct vpr_hash sid = vpr_sid(facts->chain_id, facts->session, &facts->requestor,
                                        facts->chain, facts->zone);
    const struct vpr_hash key = vpr_draw_key(&sid, &facts->seed);
    excluded[0] = facts->owner;
    VPR_TRY(draw_one(servicers, &servicer_count, facts, VPR_DRAW_SERVICERS, &key,
                     facts->num_servicers, excluded, 1, err));
    if (servicer_count == 0) {
        return no_session(err, facts, "nobody is there to serve it");
    }
    for (uint32_t i = 0; i < servicer_count; i++) {
        excluded[1 + i] = servicers[i]->owner;
    }
    VPR_TRY(draw_one(fishermen, &fisherman_count, facts, VPR_DRAW_FISHERMEN, &key,
                     facts->fishermen_per_session, excluded, 1 + (size_t)servicer_count, err));
    *ret = make(facts, &sid, allowance, servicers, servicer_count, fishermen, fisherman_count);
    return VPR_OK;
}

/* ---- what the node says ---- */

static bool same_id(const Viper__V1__Seat *told, const struct vpr_address *id)
{
    struct vpr_address theirs;

    return vpr_address_parse(&theirs, VPR_PREFIX_ACCOUNT, vpr_bytes_str(told->id)) &&
           vpr_address_equal(&theirs, id);
}

enum vpr_code vpr_panel_check(const struct vpr_panel *panel,
                              const Viper__V1__QueryBenchResponse *told, struct vpr_err *err)
{
    if (told->sid.len != sizeof panel->sid.b ||
        memcmp(told->sid.data, panel->sid.b, told->sid.len) != 0) {
        return vpr_fail(err, VPR_NOT_DRAWN, "the node names another sid");
    }
    if (told->quota_cu != panel->quota_cu) {
        return vpr_fail(err, VPR_NOT_DRAWN, "quota %" PRIu64 " CU, the node says %" PRIu64,
                        panel->quota_cu, told->quota_cu);
    }
    if (told->n_servicers != panel->seat_count || told->n_fishermen != panel->watcher_count) {
        return vpr_fail(err, VPR_NOT_DRAWN,
                        "%" PRIu32 " servicers and %" PRIu32
                        " fishermen drawn, the node says %zu and %zu",
                        panel->seat_count, panel->watcher_count, told->n_servicers,
                        told->n_fishermen);
    }
    for (uint32_t i = 0; i < panel->seat_count; i++) {
        if (!same_id(told->servicers[i], &panel->seats[i].id)) {
            return vpr_fail(err, VPR_NOT_DRAWN, "servicer %" PRIu32 " differs, the node says %s",
                            i, told->servicers[i]->id);
        }
    }
    for (uint32_t i = 0; i < panel->watcher_count; i++) {
        if (!same_id(told->fishermen[i], &panel->watchers[i].id)) {
            return vpr_fail(err, VPR_NOT_DRAWN,
                            "fisherman %" PRIu32 " differs, the node says %s", i,
                            told->fishermen[i]->id);
        }
    }
    return VPR_OK;
}

/* ---- life ---- */

struct vpr_panel *vpr_panel_hold(struct vpr_panel *panel)
{
    panel->refs++;
    return panel;
}

void vpr_panel_release(struct vpr_panel *panel)
{
    if (panel == NULL || --panel->refs > 0) {
        return;
    }
    for (uint32_t i = 0; i < panel->seat_count; i++) {
        vpr_healths_release(panel->seats[i].health);
    }
    vpr_costs_finish(&panel->costs);
    vpr_mem_free(panel->nonces->slots);
    vpr_mem_free(panel->nonces);
    vpr_pass_wipe(&panel->pass);
    vpr_mem_free(panel);
}

struct vpr_seat *vpr_panel_seat(struct vpr_panel *panel, const struct vpr_address *id)
{
    for (uint32_t i = 0; i < panel->seat_count; i++) {
        if (vpr_address_equal(&panel->seats[i].id, id)) {
            return &panel->seats[i];
        }
    }
    return NULL;
}

struct vpr_watcher *vpr_panel_watcher(struct vpr_panel *panel,
                                      const struct vpr_address *operator_address)
{
    for (uint32_t i = 0; i < panel->watcher_count; i++) {
        struct vpr_watcher *watcher = &panel->watchers[i];
        if (watcher->known && vpr_address_equal(&watcher->operator_address, operator_address)) {
            return watcher;
        }
    }
    return NULL;
}

bool vpr_panel_live(const struct vpr_panel *panel, uint64_t height)
{
    return height >= panel->first && height <= panel->last + panel->grace_blocks;
}

uint64_t vpr_panel_head(const struct vpr_panel *panel, uint64_t now_ms)
{
    struct vpr_health *healths[VPR_PANEL_SEATS_MAX];

    for (uint32_t i = 0; i < panel->seat_count; i++) {
        healths[i] = panel->seats[i].health;
    }
    return vpr_head_median(healths, panel->seat_count, now_ms);
}

/* ---- nonces ---- */

static size_t nonce_slot(const struct vpr_nonce_set *set, uint64_t watcher, uint64_t nonce)
{
    size_t at = (size_t)((nonce ^ watcher << 56) * UINT64_C(0x9e3779b97f4a7c15) >> 20);

    for (at &= set->size - 1; set->slots[at][0] != 0; at = (at + 1) & (set->size - 1)) {
        if (set->slots[at][0] == watcher && set->slots[at][1] == nonce) {
            break;
        }
    }
    return at;
}

static uint64_t number_of(const struct vpr_panel *panel, const struct vpr_watcher *watcher)
{
    return (uint64_t)(watcher - panel->watchers) + 1;
}

bool vpr_panel_nonce_new(const struct vpr_panel *panel, const struct vpr_watcher *watcher,
                         uint64_t nonce)
{
    const struct vpr_nonce_set *set = panel->nonces;

    return set->size == 0 ||
           (set->count < VPR_PANEL_NONCES_MAX &&
            set->slots[nonce_slot(set, number_of(panel, watcher), nonce)][0] == 0);
}

static void grow(struct vpr_nonce_set *set)
{
    struct vpr_nonce_set bigger = {.count = set->count,
                                   .size = set->size == 0 ? NONCE_SLOTS_MIN : 2 * set->size};

    bigger.slots = vpr_mem_alloc(bigger.size * sizeof bigger.slots[0]);
    for (size_t i = 0; i < set->size; i++) {
        if (set->slots[i][0] != 0) {
            const size_t at = nonce_slot(&bigger, set->slots[i][0], set->slots[i][1]);
            memcpy(bigger.slots[at], set->slots[i], sizeof bigger.slots[at]);
        }
    }
    vpr_mem_free(set->slots);
    *set = bigger;
}

bool vpr_panel_nonce_mark(struct vpr_panel *panel, const struct vpr_watcher *watcher,
                          uint64_t nonce)
{
    struct vpr_nonce_set *set = panel->nonces;

    if (!vpr_panel_nonce_new(panel, watcher, nonce)) {
        return false;
    }
    if (2 * (set->count + 1) > set->size) {
        grow(set);
    }
    const size_t at = nonce_slot(set, number_of(panel, watcher), nonce);
    set->slots[at][0] = number_of(panel, watcher);
    set->slots[at][1] = nonce;
    set->count++;
    return true;
}
